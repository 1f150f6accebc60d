/*
 * The rig of the writer's tests, and the test program.
 */
#include "config.h"
#include "write/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/worker.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_write.h"
#include "trust/bundle.h"

struct rig rig;

/* The copy follows by a few milliseconds, as a watch does. */
static void on_follow(void *arg)
{
	(void)arg;
	if (!rig.lagging && rig.kv.fake.revision != 0) {
		toy_sync(rig.db, &rig.kv);
		writer_moved(rig.writer);
	}
	loop_timer_after(rig.follow, 3 * USEC_PER_MSEC);
}

static int may_write(int64_t *record_rev, struct err *why, void *arg)
{
	(void)arg;
	*record_rev = kv_get(&rig.kv, RIG_RECORD)->mod;
	return rig.may_not ? err_set(why, rig.may_not, "Collective does not have quorum") : 0;
}

static const struct db *get_db(void *arg)
{
	(void)arg;
	return rig.db;
}

static void on_applied(int64_t revision, void *arg)
{
	(void)arg;
	rig.expected = MAX(rig.expected, revision);
}

static void make_writer(void)
{
	struct writer_config config = {
		.loop = rig.loop,
		.etcd = rig.etcd,
		.worker = rig.worker,
		.identity = &rig.identity,
		.prefix = TOY_PREFIX,
		.run = "run",
		.may_write = may_write,
		.db = get_db,
		.applied = on_applied,
		.wait = 700 * USEC_PER_MSEC,
		.patience = 1200 * USEC_PER_MSEC,
		.catch_up = 200 * USEC_PER_MSEC,
	};

	rig.writer = writer_new(&config);
}

void rig_begin(void)
{
	rig.lagging = false;
	rig.may_not = 0;
	rig.expected = 0;
	writer_world_begin(&rig.loop, &rig.http, &rig.etcd, &rig.kv);
	ck_assert_int_eq(worker_new(&rig.worker, rig.loop, NULL), 0);
	kv_put(&rig.kv, RIG_RECORD, "{}");
	rig.db = toy_db_new();
	toy_sync(rig.db, &rig.kv);
	snprintf(rig.identity.name, sizeof(rig.identity.name), "m1");
	make_writer();
	rig.follow = loop_timer_new(rig.loop, "follow", on_follow, NULL);
	loop_timer_after(rig.follow, 0);
}

void rig_end(void)
{
	loop_timer_free(rig.follow);
	writer_free(rig.writer);
	worker_free(rig.worker);
	toy_db_free(rig.db);
	bundle_free(TAKE(rig.identity.bundle));
	writer_world_end(rig.loop, rig.http, rig.etcd, &rig.kv);
}

static void on_done(int rc, const char *why, struct plan *plan, void *arg)
{
	struct command *command = arg;

	ck_assert_ptr_nonnull(plan);
	ck_assert(!command->done);
	command->done = true;
	command->rc = rc;
	snprintf(command->why, sizeof(command->why), "%s", why);
}

void rig_submit(struct command *command, const struct toy_options *options)
{
	memset(command, 0, sizeof(*command));
	command->job =
		writer_submit(rig.writer, toy_plan(options, &command->facts), on_done, command);
	ck_assert(!command->done);
}

void rig_wait(struct command *command)
{
	run_until(rig.loop, &command->done, "a plan was carried out");
	ck_assert(command->facts.freed);
}

void rig_run(struct command *command, const char *prefix, size_t n, const char *value)
{
	const struct toy_options options = {.prefix = prefix, .n = n, .value = value};

	rig_submit(command, &options);
	rig_wait(command);
}

void rig_rc(const struct command *command, int rc)
{
	ck_assert_msg(
		command->rc == rc, "ended with %d (%s), wanted %d", command->rc, command->why, rc);
}

void rig_says(const struct command *command, const char *part)
{
	ck_assert_msg(
		strstr(command->why, part) != NULL, "'%s' does not say '%s'", command->why, part);
}

static Suite *suite(void)
{
	Suite *s = suite_create("write");

	suite_add_tcase(s, writer_plans_case());
	suite_add_tcase(s, writer_values_case());
	suite_add_tcase(s, writer_slot_case());
	return s;
}

SUITE_MAIN(suite)
