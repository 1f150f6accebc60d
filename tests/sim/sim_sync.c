/*
 * sim_sync: the replica and the sync against an etcd in memory, many worlds, each from a seed.
 *
 *     sim_sync [--first N] [--seeds N]      runs the seeds and says how many failed
 *     sim_sync --mutation                   the same with events that do not wait until it is known
 *                                           that the revision resumed from still exists: some seed
 *                                           must catch it
 *
 * In each step one thing happens that may happen then: a write, a page or a piece of the watch
 * arrives, is lost or comes late, the watch falls silent, etcd compacts its history, time passes, the
 * agent restarts with the copy on its disk (the newest, or after a crash an older one). After each
 * the replica must be readable as etcd was at exactly the revision that it names, which never
 * goes back but by such a crash; and when all is quiet, as etcd is, and so again after a restart.
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/replica.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "core/prng.h"
#include "etcd/sync_core.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "model/db.h"
#include "tests/sim/etcd_model.h"

#define SEEDS_DEFAULT 60
#define STEPS	      600
#define PREFIX	      "/confluent/"
#define PULSE	      "pulse"
#define DEADLINE      (20 * USEC_PER_SEC)
#define QUIET_STEPS   5000

static const char *const names[] = {"nodes/n1/groups", "nodes/n1/location.rack", "nodes/n2/groups",
	"nodes/n2/location.rack", "nodes/n2/no.such.thing", "nodes//odd", "groups/g/noderange",
	"groups/g/location.room", "members/a", "active/a", "leader", "elsewhere", PULSE};

/* What is to come back from etcd. */
struct pending {
	bool due;
	int64_t revision, limit;
	usec_t sent_at;
};

struct world {
	uint64_t seed;
	struct prng prng;
	struct etcd_model *etcd;
	usec_t now;
	uint64_t *states; /* by revision: a hash over all keys then */
	size_t states_room;
	uint64_t state;

	struct loop *loop;
	struct worker *disk;
	char folder[64];
	struct buf crash; /* a copy on disk as it was earlier; empty: none */

	struct replica *replica;
	struct replica_listener listener;
	int64_t floor; /* what can be read is not older */
	bool loaded;

	struct etcd_sync_core sync;
	bool syncing;
	struct pending list, check, watch;
	unsigned cursor; /* of the listing: names before it have been sent */
	bool open;	 /* the watch is created */
	bool silent;
	int64_t hidden; /* deletions at this revision do not come: they were compacted away */
	unsigned next;	/* change that the watch sends next */
	usec_t expected_by;
	bool careless; /* the mutation */
	bool failed;
	unsigned long listings, resumptions, restarts, loads, checks;
};

static const struct hash_key hash_key = {1, 2};

static void fail(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void fail(struct world *w, const char *fmt, ...)
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

static bool chance(struct world *w, unsigned percent)
{
	return prng_below(&w->prng, 100) < percent;
}

/* ---- etcd ---- */

static uint64_t hash_of(const char *key, int64_t mod_revision)
{
	char text[EKEY_MAX + 32];
	int n = snprintf(text, sizeof(text), "%s %" PRId64, key, mod_revision);

	return hash_bytes(&hash_key, text, (size_t)n);
}

static void on_change(void *arg, int writer UNUSED, const struct ekv *before, const struct ekv *kv)
{
	struct world *w = arg;
	size_t revision = (size_t)kv->mod_rev;

	if (before->present)
		w->state -= hash_of(kv->key, before->mod_rev);
	if (kv->present)
		w->state += hash_of(kv->key, kv->mod_rev);
	while (revision >= w->states_room) {
		w->states_room = w->states_room ? 2 * w->states_room : 1024;
		w->states = xrealloc(w->states, w->states_room, sizeof(*w->states));
	}
	w->states[revision] = w->state;
}

static void write_key(struct world *w, const char *name, bool delete)
{
	struct etxn txn = {.op = delete ? EOP_DELETE : EOP_PUT};
	const int64_t lease = 1 + (int64_t)prng_below(&w->prng, 3);

	if (delete &&!etcd_get(w->etcd, name)->present)
		return;
	snprintf(txn.key, sizeof(txn.key), "%s", name);
	snprintf(txn.value, sizeof(txn.value), "v%" PRIu64, prng_below(&w->prng, 100));
	if (!delete &&chance(w, 20) &&
		(etcd_keepalive(w->etcd, w->now, lease) ||
			etcd_grant(w->etcd, w->now, lease, 10000000) == ERESULT_OK))
		txn.lease = lease;
	(void)etcd_txn(w->etcd, 0, &txn);
}

static void write_something(struct world *w)
{
	if (chance(w, 5)) /* several keys go at one revision */
		(void)etcd_revoke(w->etcd, 1 + (int64_t)prng_below(&w->prng, 3));
	else if (chance(w, 20))
		write_key(w, PULSE, false);
	else
		write_key(w, names[prng_below(&w->prng, ARRAY_SIZE(names))], chance(w, 30));
}

/* The key as it was at that revision; NULL: it was not there. */
static const struct ekv *key_at(const struct world *w, const char *name, int64_t revision)
{
	const struct ekv *found = NULL, *kv;

	for (unsigned i = 0; (kv = etcd_change(w->etcd, i)) && kv->mod_rev <= revision; i++) {
		if (strcmp(kv->key, name) == 0)
			found = kv;
	}
	return found && found->present ? found : NULL;
}

/* ---- what can be read ---- */

struct reading {
	uint64_t state;
	const struct world *w;
};

static void add_other(const struct store_kv *kv, void *arg)
{
	struct reading *reading = arg;

	reading->state += hash_of(kv->key, kv->mod_revision);
}

static void check_replica(struct world *w)
{
	const struct db *db = replica_db(w->replica);
	int64_t revision = replica_revision(w->replica);
	struct reading reading = {.w = w};
	int64_t mod_revision;

	w->checks++;
	if (!db)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (db_is_ours(names[i], strlen(names[i])) && db_raw(db, names[i], &mod_revision))
			reading.state += hash_of(names[i], mod_revision);
	}
	replica_each_other(w->replica, add_other, &reading);
	if (revision <= 0 || revision > etcd_revision(w->etcd))
		fail(w, "revision %" PRId64 " never was", revision);
	else if (reading.state != w->states[revision])
		fail(w, "what is readable is not what etcd had at revision %" PRId64, revision);
	if (db_revision(db) != revision)
		fail(w, "the db says %" PRId64 ", the replica %" PRId64, db_revision(db), revision);
	if (revision < w->floor)
		fail(w, "back from revision %" PRId64 " to %" PRId64, w->floor, revision);
	w->floor = revision;
}

static void on_told(int64_t revision, void *arg)
{
	struct world *w = arg;

	if (revision != replica_revision(w->replica))
		fail(w, "told of another revision than can be read");
	check_replica(w);
}

/* ---- the sync ---- */

static void kv_of(const struct ekv *kv, char key[EKEY_MAX + sizeof(PREFIX)], struct etcd_kv *ret)
{
	snprintf(key, EKEY_MAX + sizeof(PREFIX), PREFIX "%s", kv->key);
	*ret = (struct etcd_kv){
		.key = key,
		.key_len = strlen(key),
		.value = kv->value,
		.value_len = strlen(kv->value),
		.create_revision = kv->create_rev,
		.mod_revision = kv->mod_rev,
		.lease = kv->lease,
	};
}

static void input(struct world *w, const struct etcd_sync_input *what);

static void drop_all(struct world *w)
{
	w->list.due = w->check.due = w->watch.due = w->open = false;
	w->expected_by = USEC_NEVER;
}

static void carry_out(struct world *w, const struct etcd_sync_action *action)
{
	const struct pending pending = {.due = true,
		.revision = action->revision,
		.limit = action->limit,
		.sent_at = w->now};

	switch (action->kind) {
	case ETCD_SYNC_DO_DROP:
		drop_all(w);
		break;
	case ETCD_SYNC_DO_LIST:
		if (!action->revision)
			w->cursor = 0;
		w->list = pending;
		break;
	case ETCD_SYNC_DO_WATCH:
		w->open = false;
		w->watch = pending;
		break;
	case ETCD_SYNC_DO_CHECK:
		w->check = pending;
		break;
	case ETCD_SYNC_DO_EXPECT:
		w->expected_by = usec_min(w->expected_by, w->now + ETCD_SYNC_ECHO);
		break;
	case ETCD_SYNC_TELL_END:
		replica_end(w->replica, action->revision);
		break;
	case ETCD_SYNC_TELL_LIVE:
	case ETCD_SYNC_TELL_LOST:
		break;
	}
}

static void input(struct world *w, const struct etcd_sync_input *what)
{
	struct etcd_sync_action action;

	etcd_sync_core_input(&w->sync, w->now, what);
	while (etcd_sync_core_next(&w->sync, &action))
		carry_out(w, &action);
}

static void answer_list(struct world *w, bool lost)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_PAGE_FAILED, .reason = "lost"};
	int64_t revision = w->list.revision ? w->list.revision : etcd_revision(w->etcd);
	char key[EKEY_MAX + sizeof(PREFIX)];
	struct etcd_kv kv;
	int64_t sent = 0;

	w->list.due = false;
	if (!lost && revision < etcd_oldest(w->etcd)) {
		what.failure = ETCD_SYNC_VOID;
	} else if (!lost) {
		if (!w->list.revision)
			replica_begin(w->replica, revision);
		for (; w->cursor < ARRAY_SIZE(names) && sent < w->list.limit; w->cursor++) {
			const struct ekv *found = key_at(w, names[w->cursor], revision);

			if (!found)
				continue;
			kv_of(found, key, &kv);
			replica_kv(w->replica, &kv);
			sent++;
		}
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_PAGE_DONE,
			.revision = revision,
			.more = w->cursor < ARRAY_SIZE(names),
			.sent_at = w->list.sent_at};
	}
	input(w, &what);
}

static void answer_check(struct world *w, bool lost)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_CHECK_FAILED, .reason = "lost"};
	int64_t at = w->check.revision ? w->check.revision : etcd_revision(w->etcd);

	w->check.due = false;
	if (!lost && at < etcd_oldest(w->etcd)) {
		what.failure = ETCD_SYNC_VOID;
	} else if (!lost) {
		const struct ekv *pulse = key_at(w, PULSE, at);

		what = (struct etcd_sync_input){.kind = ETCD_SYNC_CHECKED,
			.revision = etcd_revision(w->etcd),
			.pulse = pulse ? pulse->mod_rev : 0,
			.sent_at = w->check.sent_at};
	}
	input(w, &what);
}

static void end_watch(struct world *w, enum etcd_sync_failure failure)
{
	const struct etcd_sync_input what = {
		.kind = ETCD_SYNC_ENDED, .failure = failure, .reason = "cut"};

	w->watch.due = w->open = false;
	w->expected_by = USEC_NEVER;
	input(w, &what);
}

static void answer_watch(struct world *w, bool lost)
{
	const struct etcd_sync_input created = {
		.kind = ETCD_SYNC_CREATED, .revision = etcd_revision(w->etcd)};
	const struct ekv *kv;

	if (lost || w->watch.revision < etcd_oldest(w->etcd)) {
		end_watch(w, lost ? ETCD_SYNC_TRANSIENT : ETCD_SYNC_VOID);
		return;
	}
	w->watch.due = false;
	w->open = true;
	w->silent = false;
	/* the one at which the history was cut lacks its deletions, and etcd 3.4 does not say so */
	w->hidden = etcd_oldest(w->etcd);
	for (w->next = 0; (kv = etcd_change(w->etcd, w->next)) && kv->mod_rev < w->watch.revision;)
		w->next++;
	input(w, &created);
}

static void send_event(struct world *w, const struct ekv *kv)
{
	char key[EKEY_MAX + sizeof(PREFIX)];
	struct etcd_event event = {.deleted = !kv->present};

	if (!kv->present && kv->mod_rev == w->hidden)
		return;
	kv_of(kv, key, &event.kv);
	replica_event(w->replica, &event);
	check_replica(w);
}

/* A few changes, whole revisions. */
static void send_events(struct world *w)
{
	struct etcd_sync_input what = {.kind = ETCD_SYNC_APPLIED};
	uint64_t n = 1 + prng_below(&w->prng, 6);
	const struct ekv *kv, *before = NULL;

	for (; (kv = etcd_change(w->etcd, w->next)); w->next++, before = kv) {
		if (before && kv->mod_rev != before->mod_rev && n-- == 0)
			break;
		send_event(w, kv);
	}
	if (!before)
		return;
	what.revision = before->mod_rev;
	replica_batch(w->replica, what.revision);
	if (what.revision >= w->sync.wanted)
		w->expected_by = USEC_NEVER;
	input(w, &what);
}

/* ---- the agent ---- */

static void on_origin(struct store_mark *mark, void *arg UNUSED)
{
	mark->cluster_id = 1;
}

static usec_t on_age(void *arg)
{
	const struct world *w = arg;

	return w->syncing && w->sync.told_live ? 0 : USEC_NEVER;
}

static void on_loaded(const char *failure UNUSED, void *arg)
{
	struct world *w = arg;

	w->loaded = true;
}

static void on_list_again(const char *reason, void *arg)
{
	input(arg, &(struct etcd_sync_input){.kind = ETCD_SYNC_AGAIN, .reason = reason});
}

static void on_look(void *arg)
{
	struct world *w = arg;

	loop_stop(w->loop);
}

/* Lets the real things, disk and reading process, go on until that is so. */
static void wait_until(struct world *w, bool (*until)(struct world *w), const char *what)
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
		fail(w, "%s does not come", what);
}

static bool is_loaded(struct world *w)
{
	return w->loaded;
}

/* The end of the agent commits the rest. */
static bool is_published(struct world *w)
{
	struct replica_status status;

	replica_status(w->replica, &status);
	return strcmp(status.state, "current") == 0;
}

static void start_agent(struct world *w)
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
	check_replica(w);
	mark = replica_loaded_from(w->replica);
	w->loads += mark != NULL;
	etcd_sync_core_init(&w->sync, w->now, 0, 3, mark ? mark->revision : 0, prng_next(&w->prng));
	w->syncing = true;
	while (etcd_sync_core_next(&w->sync, &action))
		carry_out(w, &action);
}

static void stop_agent(struct world *w)
{
	w->listings += w->sync.listings;
	w->resumptions += w->sync.resumptions;
	drop_all(w);
	replica_free(TAKE(w->replica));
	w->syncing = false;
}

static bool is_idle(struct world *w)
{
	return w->loaded;
}

static int run_nothing(void *data UNUSED, struct err *err UNUSED)
{
	return 0;
}

static void on_nothing(int rc UNUSED, const char *why UNUSED, void *arg)
{
	struct world *w = arg;

	w->loaded = true;
}

/* Jobs are done in order: when this one is, so are all before it. */
static void drain_disk(struct world *w)
{
	w->loaded = false;
	worker_submit(w->disk, run_nothing, NULL, NULL, on_nothing, w);
	wait_until(w, is_idle, "the end of what was written");
}

static bool is_listing(const struct world *w)
{
	return w->sync.state == ETCD_SYNC_LISTING ||
	       (w->sync.state == ETCD_SYNC_WAITING && w->sync.list_next);
}

static void remember_for_crash(struct world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	wait_until(w, is_published, "the copy on disk");
	buf_reset(&w->crash);
	if (file_read(path, &w->crash, NULL) < 0)
		fail(w, "the copy on disk can't be read");
}

static void restart(struct world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	w->restarts++;
	/* a file that is not complete is as good as none */
	if (!is_published(w) && (is_listing(w) || chance(w, 50)))
		w->floor = 0;
	else
		wait_until(w, is_published, "the copy on disk");
	stop_agent(w);
	drain_disk(w);
	if (w->crash.len && chance(w, 50)) {
		if (file_replace_unsynced(path, w->crash.data, w->crash.len, 0600, NULL) < 0)
			abort();
		w->floor = 0;
	}
	start_agent(w);
}

/* ---- a world ---- */

static void progress(struct world *w, bool faulty)
{
	bool lost = faulty && chance(w, 15);

	if (w->list.due && chance(w, 40))
		answer_list(w, lost);
	if (w->check.due && chance(w, 40))
		answer_check(w, lost);
	if (w->watch.due && chance(w, 40))
		answer_watch(w, lost);
	/* agent/etcd/sync.c holds the watch so */
	if (w->open && !w->silent && (w->careless || !w->sync.probe) && chance(w, 40))
		send_events(w);
	if (w->expected_by <= w->now)
		end_watch(w, ETCD_SYNC_TRANSIENT);
	if (etcd_sync_core_wakeup(&w->sync) <= w->now)
		input(w, &(struct etcd_sync_input){.kind = ETCD_SYNC_TICK});
}

static void step(struct world *w)
{
	w->now += (usec_t)prng_below(&w->prng, (uint64_t)USEC_PER_SEC / 2);
	if (chance(w, 50))
		write_something(w);
	if (w->open && chance(w, 4))
		end_watch(w, ETCD_SYNC_TRANSIENT);
	if (w->open && chance(w, 2))
		w->silent = true;
	if (chance(w, 4))
		etcd_compact(w->etcd);
	if (!w->open && chance(w, 5)) {
		write_key(w, names[prng_below(&w->prng, ARRAY_SIZE(names))], true);
		etcd_compact(w->etcd);
	}
	if (chance(w, 1) && w->sync.applied && replica_db(w->replica) && !w->list.due &&
		w->sync.state == ETCD_SYNC_LIVE && chance(w, 50))
		remember_for_crash(w);
	if (chance(w, 1) && chance(w, 50))
		restart(w);
	progress(w, true);
	check_replica(w);
}

static void calm_down(struct world *w)
{
	write_key(w, PULSE, false);
	for (unsigned i = 0; i < QUIET_STEPS && !w->failed; i++) {
		w->now += 20 * USEC_PER_MSEC;
		progress(w, false);
		check_replica(w);
		if (w->sync.told_live && replica_revision(w->replica) == etcd_revision(w->etcd))
			return;
	}
	fail(w, "it never becomes what etcd has");
}

static void run_world(struct world *w)
{
	struct err err;

	w->prng.state = w->seed;
	w->etcd = etcd_new(w->seed, on_change, w);
	w->expected_by = USEC_NEVER;
	buf_init(&w->crash, 1 << 24);
	snprintf(w->folder, sizeof(w->folder), "%s/sim_sync.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(w->folder) || loop_new(&w->loop, &err) < 0 ||
		worker_new(&w->disk, w->loop, &err) < 0)
		abort();
	write_key(w, PULSE, false);
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
		if (replica_revision(w->replica) != etcd_revision(w->etcd))
			fail(w, "the copy on disk is not what was known last");
	}
	stop_agent(w);
	worker_free(w->disk);
	loop_free(w->loop);
}

static void end_world(struct world *w)
{
	CLEANUP(freep) char *path = file_join(w->folder, "db");

	(void)unlink(path);
	(void)rmdir(w->folder);
	etcd_free(w->etcd);
	buf_done(&w->crash);
	free(w->states);
}

static int run_seeds(uint64_t first, uint64_t count, bool careless)
{
	unsigned long listings = 0, resumptions = 0, restarts = 0, loads = 0, checks = 0;
	uint64_t failed = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		struct world w = {.seed = seed, .careless = careless};

		run_world(&w);
		end_world(&w);
		failed += w.failed;
		listings += w.listings;
		resumptions += w.resumptions;
		restarts += w.restarts;
		loads += w.loads;
		checks += w.checks;
		if (careless && failed)
			break;
	}
	printf("%lu listings, %lu resumptions, %lu restarts, %lu copies loaded, %lu looks\n",
		listings, resumptions, restarts, loads, checks);
	if (careless) {
		printf(failed ? "1 passed, 0 failed\n" : "NOT caught\n0 passed, 1 failed\n");
		return failed ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
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
		{"mutation", no_argument, NULL, 'm'},
		{"read-copy", required_argument, NULL, 'r'},
		{0},
	};
	uint64_t count = SEEDS_DEFAULT, first = 1;
	bool careless = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			return store_read(optarg, STDOUT_FILENO);
		if (c == 'm')
			careless = true;
		else if (!(c == 'n' && num_u64(optarg, &count) == 0) &&
			 !(c == 'f' && num_u64(optarg, &first) == 0)) {
			fputs("usage: sim_sync [--first N] [--seeds N] [--mutation]\n", stderr);
			return 2;
		}
	}
	log_set_sink(say_nothing, NULL);
	return run_seeds(first, count, careless);
}
