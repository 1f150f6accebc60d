/*
 * sim_sync: the replica and the sync against an etcd in memory, many worlds, each from a seed.
 *
 *     sim_sync [--first N] [--seeds N]      runs the seeds and says how many failed
 *     sim_sync --mutations                  shows that the checks can fail: each way of breaking the rules
 *                                           is caught by some seed
 *
 * In each step one thing happens that may happen then: a write, a page or a piece of the watch
 * arrives, is lost or comes late, the watch falls silent, etcd compacts its history, time passes, the
 * agent restarts with the copy on its disk (the newest, or after a crash an older one) while others change
 * things, also outside the prefix. After each the replica must be readable as etcd was at exactly the revision
 * that it names, which never goes back but by such a crash; while it is said to be live, not older than
 * etcd was when the watch was created; and when all is quiet, as etcd is, and so again after a restart.
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "model/db.h"
#include "tests/sim/sync_world.h"

#define SEEDS_DEFAULT  60
#define STEPS	       600
#define DEADLINE       (20 * USEC_PER_SEC)
#define QUIET_STEPS    5000
#define SEEDS_MUTATION 60

static const char *const mutations[SYNC_MUTATIONS] = {
	[SYNC_HASTY_EVENTS] = "events do not wait until what they follow is known to exist",
	[SYNC_PULSE_PROVES] = "a pulse that was seen proves a resumption",
	[SYNC_NO_COUNT] = "a compare does not see deletions",
	[SYNC_NO_SKIP] = "what came and went before a compare is shown after it",
};

void sync_fail(struct sync_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	printf("seed %" PRIu64 ": ", w->seed);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

bool sync_chance(struct sync_world *w, unsigned percent)
{
	return prng_below(&w->prng, 100) < percent;
}

/* ---- what can be read ---- */

struct reading {
	uint64_t state;
	const struct sync_world *w;
};

static void add_other(const struct store_kv *kv, void *arg)
{
	struct reading *reading = arg;

	reading->state += sync_hash(kv->key, kv->mod_revision);
}

void sync_check(struct sync_world *w)
{
	const struct db *db = replica_db(w->replica);
	int64_t revision = replica_revision(w->replica);
	struct reading reading = {.w = w};
	int64_t mod_revision;

	w->checks++;
	if (!db)
		return;
	for (size_t i = 0; i < NAMES; i++) {
		if (db_is_ours(sync_names[i], strlen(sync_names[i])) &&
			db_raw(db, sync_names[i], &mod_revision))
			reading.state += sync_hash(sync_names[i], mod_revision);
	}
	replica_each_other(w->replica, add_other, &reading);
	if (revision <= 0 || revision > etcd_revision(w->etcd))
		sync_fail(w, "revision %" PRId64 " never was", revision);
	else if (reading.state != w->states[revision])
		sync_fail(
			w, "what is readable is not what etcd had at revision %" PRId64, revision);
	if (db_revision(db) != revision)
		sync_fail(w, "the db says %" PRId64 ", the replica %" PRId64, db_revision(db),
			revision);
	if (revision < w->floor)
		sync_fail(w, "back from revision %" PRId64 " to %" PRId64, w->floor, revision);
	w->floor = revision;
	if (w->syncing && w->sync.told_live)
		sync_check_live(w);
}

void sync_check_live(struct sync_world *w)
{
	if (replica_revision(w->replica) < w->head)
		sync_fail(w, "live at revision %" PRId64 ", but etcd was at %" PRId64,
			replica_revision(w->replica), w->head);
}

static void on_told(int64_t revision, void *arg)
{
	struct sync_world *w = arg;

	if (revision != replica_revision(w->replica))
		sync_fail(w, "told of another revision than can be read");
	sync_check(w);
}

/* ---- the agent ---- */

static void on_origin(struct store_mark *mark, void *arg UNUSED)
{
	mark->cluster_id = 1;
}

static usec_t on_age(void *arg)
{
	const struct sync_world *w = arg;

	return w->syncing && w->sync.told_live ? 0 : USEC_NEVER;
}

static void on_loaded(const char *failure UNUSED, void *arg)
{
	struct sync_world *w = arg;

	w->loaded = true;
}

static void on_list_again(const char *reason, void *arg)
{
	sync_input(arg, &(struct etcd_sync_input){.kind = ETCD_SYNC_AGAIN, .reason = reason});
}

static void on_look(void *arg)
{
	struct sync_world *w = arg;

	loop_stop(w->loop);
}

/* Lets the real things, disk and reading process, go on until that is so. */
static void wait_until(struct sync_world *w, bool (*until)(struct sync_world *w), const char *what)
{
	usec_t deadline = clock_boot() + DEADLINE;
	struct loop_timer *timer = loop_timer_new(w->loop, "look", on_look, w);
	struct err err;

	while (!until(w) && clock_boot() < deadline) {
		loop_timer_after(timer, USEC_PER_MSEC);
		if (loop_run(w->loop, &err) < 0)
			abort();
	}
	loop_timer_free(timer);
	if (!until(w))
		sync_fail(w, "%s does not come", what);
}

static bool is_loaded(struct sync_world *w)
{
	return w->loaded;
}

/* The end of the agent commits the rest. */
static bool is_published(struct sync_world *w)
{
	struct replica_status status;

	replica_status(w->replica, &status);
	return strcmp(status.state, "current") == 0;
}

static void start_agent(struct sync_world *w)
{
	const struct replica_config config = {
		.loop = w->loop,
		.disk = w->disk,
		.folder = w->folder,
		.program = "/proc/self/exe",
		.prefix = PREFIX,
		.collective_id = "id",
		.origin = on_origin,
		.age = on_age,
		.loaded = on_loaded,
		.list_again = on_list_again,
		.arg = w,
	};
	struct etcd_sync_action action;
	const struct store_mark *mark;

	w->replica = replica_new(&config);
	w->listener = (struct replica_listener){.fn = on_told, .arg = w};
	replica_listen(w->replica, &w->listener);
	w->loaded = w->syncing = false;
	replica_load(w->replica);
	wait_until(w, is_loaded, "the end of loading");
	sync_check(w);
	mark = replica_loaded_from(w->replica);
	w->loads += mark != NULL;
	etcd_sync_core_init(&w->sync, w->now, 0, 3, mark ? mark->revision : 0, prng_next(&w->prng));
	w->syncing = true;
	while (etcd_sync_core_next(&w->sync, &action))
		sync_carry_out(w, &action);
}

static void stop_agent(struct sync_world *w)
{
	w->listings += w->sync.listings;
	w->resumptions += w->sync.resumptions;
	sync_drop(w);
	replica_free(TAKE(w->replica));
	w->syncing = false;
}

static bool is_idle(struct sync_world *w)
{
	return w->loaded;
}

static int run_nothing(void *data UNUSED, struct err *err UNUSED)
{
	return 0;
}

static void on_nothing(int rc UNUSED, const char *why UNUSED, void *arg)
{
	struct sync_world *w = arg;

	w->loaded = true;
}

/* Jobs are done in order: when this one is, so are all before it. */
static void drain_disk(struct sync_world *w)
{
	w->loaded = false;
	worker_submit(w->disk, run_nothing, NULL, NULL, on_nothing, w);
	wait_until(w, is_idle, "the end of what was written");
}

static bool is_listing(const struct sync_world *w)
{
	return w->sync.state == ETCD_SYNC_LISTING ||
	       (w->sync.state == ETCD_SYNC_WAITING && w->sync.list_next);
}

static void remember_for_crash(struct sync_world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	wait_until(w, is_published, "the copy on disk");
	buf_reset(&w->crash);
	if (file_read(path, &w->crash, NULL) < 0)
		sync_fail(w, "the copy on disk can't be read");
}

static void restart(struct sync_world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	w->restarts++;
	/* a file that is not complete is as good as none */
	if (!is_published(w) && (is_listing(w) || sync_chance(w, 50)))
		w->floor = 0;
	else
		wait_until(w, is_published, "the copy on disk");
	stop_agent(w);
	if (sync_chance(w, 50)) {
		sync_come_and_go(w);
	} else {
		for (uint64_t n = prng_below(&w->prng, 30); n > 0; n--)
			sync_write_something(w);
	}
	drain_disk(w);
	if (w->crash.len && sync_chance(w, 50)) {
		if (file_replace_unsynced(path, w->crash.data, w->crash.len, 0600, NULL) < 0)
			abort();
		w->floor = 0;
	}
	start_agent(w);
}

/* ---- a world ---- */

static void step(struct sync_world *w)
{
	w->now += (usec_t)prng_below(&w->prng, (uint64_t)USEC_PER_SEC / 2);
	if (sync_chance(w, 50))
		sync_write_something(w);
	if (w->open && sync_chance(w, 4))
		sync_end_watch(w, ETCD_SYNC_TRANSIENT);
	if (w->open && sync_chance(w, 2))
		w->silent = true;
	if (sync_chance(w, 4))
		etcd_compact(w->etcd);
	if (!w->open && sync_chance(w, 5)) {
		sync_write_key(w, sync_names[prng_below(&w->prng, NAMES)], true);
		etcd_compact(w->etcd);
	}
	if (!w->open && sync_chance(w, 5))
		sync_come_and_go(w);
	if (sync_chance(w, 1) && w->sync.applied && replica_db(w->replica) && !w->list.due &&
		w->sync.state == ETCD_SYNC_LIVE && sync_chance(w, 50))
		remember_for_crash(w);
	if (sync_chance(w, 1) && sync_chance(w, 50))
		restart(w);
	sync_progress(w, true);
	sync_check(w);
}

/* Others outside the prefix never calm down. */
static void calm_down(struct sync_world *w)
{
	sync_write_key(w, PULSE, false);
	for (unsigned i = 0; i < QUIET_STEPS && !w->failed; i++) {
		w->now += 20 * USEC_PER_MSEC;
		if (sync_chance(w, 20))
			sync_write_foreign(w);
		sync_progress(w, false);
		sync_check(w);
		if (w->sync.told_live && replica_revision(w->replica) >= w->ours)
			return;
	}
	sync_fail(w, "it never becomes what etcd has");
}

static void run_world(struct sync_world *w)
{
	struct err err;

	w->prng.state = w->seed;
	w->etcd = etcd_new(w->seed, sync_on_change, w);
	w->expected_by = USEC_NEVER;
	buf_init(&w->crash, 1 << 24);
	snprintf(w->folder, sizeof(w->folder), "%s/sim_sync.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(w->folder) || loop_new(&w->loop, &err) < 0 ||
		worker_new(&w->disk, w->loop, &err) < 0)
		abort();
	sync_write_key(w, PULSE, false);
	start_agent(w);
	for (unsigned i = 0; i < STEPS && !w->failed; i++)
		step(w);
	if (!w->failed)
		calm_down(w);
	if (!w->failed) {
		wait_until(w, is_published, "the copy on disk");
		stop_agent(w);
		drain_disk(w);
		start_agent(w);
		if (replica_revision(w->replica) < w->ours)
			sync_fail(w, "the copy on disk is not what was known last");
	}
	stop_agent(w);
	worker_free(w->disk);
	loop_free(w->loop);
}

static void end_world(struct sync_world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	(void)unlink(path);
	(void)rmdir(w->folder);
	etcd_free(w->etcd);
	buf_done(&w->crash);
	free(w->states);
}

static int run_seeds(uint64_t first, uint64_t count)
{
	struct sync_world sum = {.seed = 0};
	uint64_t failed = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		struct sync_world w = {.seed = seed};

		run_world(&w);
		end_world(&w);
		failed += w.failed;
		sum.listings += w.listings;
		sum.resumptions += w.resumptions;
		sum.restarts += w.restarts;
		sum.loads += w.loads;
		sum.checks += w.checks;
		sum.skips += w.skips;
	}
	printf("%lu listings, %lu resumptions, %lu ended by a compare, %lu restarts, "
	       "%lu copies loaded, %lu looks\n",
		sum.listings, sum.resumptions, sum.skips, sum.restarts, sum.loads, sum.checks);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool is_caught(enum sync_mutation mutation)
{
	for (uint64_t seed = 1; seed <= SEEDS_MUTATION; seed++) {
		struct sync_world w = {.seed = seed, .mutation = mutation};

		run_world(&w);
		end_world(&w);
		if (w.failed) {
			printf("caught: %s\n", mutations[mutation]);
			return true;
		}
	}
	printf("NOT caught in %d seeds: %s\n", SEEDS_MUTATION, mutations[mutation]);
	return false;
}

static int run_mutations(void)
{
	unsigned caught = 0, all = SYNC_MUTATIONS - 1;

	for (unsigned m = SYNC_SOUND + 1; m < SYNC_MUTATIONS; m++)
		caught += is_caught((enum sync_mutation)m);
	printf("%u passed, %u failed\n", caught, all - caught);
	return caught == all ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void say_nothing(enum log_level level UNUSED, const char *module UNUSED,
	const char *text UNUSED, void *arg UNUSED)
{
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"mutations", no_argument, NULL, 'm'},
		{"read-copy", required_argument, NULL, 'r'},
		{0},
	};
	uint64_t count = SEEDS_DEFAULT, first = 1;
	bool mutate = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			return store_read(optarg, STDOUT_FILENO);
		if (c == 'm')
			mutate = true;
		else if (!(c == 'n' && num_u64(optarg, &count) == 0) &&
			 !(c == 'f' && num_u64(optarg, &first) == 0)) {
			fputs("usage: sim_sync [--first N] [--seeds N] | --mutations\n", stderr);
			return 2;
		}
	}
	log_set_sink(say_nothing, NULL);
	return mutate ? run_mutations() : run_seeds(first, count);
}
