/*
 * Watch and sync against real etcd processes, each test with each program of server_program().
 */
#include "config.h"

#include <signal.h>

#include "base/mem.h"
#include "base/num.h"
#include "etcd/sync.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_server.h"
#include "tests/unit/test_etcd_setup.h"

#define KEYS	   400
#define ROUND_KEYS 100 /* changed in one transaction */

static struct setup s;
static struct server server;
static const char *program;
static struct etcd_sync *sync_;

/* The owner's picture: mod_revision and value of "/p/N". */
static struct {
	int64_t mod[KEYS];
	char value[KEYS];
	size_t bytes;
	int64_t revision, live_at;
	bool live;
	unsigned begins, losts;
	char reason[512];
} mine;

/* What it must become. */
static char wanted[KEYS];

static size_t key_number(const struct etcd_kv *kv)
{
	int64_t n;

	ck_assert_int_eq(num_i64_range(kv->key + 3, 0, KEYS - 1, &n), 0);
	return (size_t)n;
}

static void on_begin(int64_t revision, void *arg)
{
	(void)revision;
	(void)arg;
	memset(mine.value, 0, sizeof(mine.value));
	memset(mine.mod, 0, sizeof(mine.mod));
	mine.begins++;
}

static void on_kv(const struct etcd_kv *kv, void *arg)
{
	size_t n = key_number(kv);

	(void)arg;
	mine.value[n] = kv->value[0];
	mine.mod[n] = kv->mod_revision;
}

static void on_end(int64_t revision, void *arg)
{
	(void)arg;
	mine.revision = revision;
}

static void on_event(const struct etcd_event *event, void *arg)
{
	size_t n = key_number(&event->kv);

	(void)arg;
	ck_assert(event->kv.mod_revision > mine.mod[n]);
	mine.mod[n] = event->kv.mod_revision;
	mine.value[n] = event->deleted ? 0 : event->kv.value[0];
	mine.bytes += event->kv.value_len;
}

static void on_batch(int64_t revision, void *arg)
{
	(void)arg;
	ck_assert(revision > mine.revision);
	mine.revision = revision;
}

static void on_live(int64_t revision, void *arg)
{
	(void)arg;
	mine.live_at = revision;
	mine.live = true;
}

static void on_lost(const char *reason, void *arg)
{
	(void)arg;
	mine.live = false;
	mine.losts++;
	snprintf(mine.reason, sizeof(mine.reason), "%s", reason);
}

static const struct etcd_sync_ops ops = {
	on_begin, on_kv, on_end, on_event, on_batch, on_live, on_lost};

static void start_sync(int64_t known)
{
	const struct etcd_sync_config config = {.prefix = "/p/",
		.pulse_key = "/p/0",
		.page = 50,
		.silence = USEC_PER_SEC,
		.known_revision = known};

	mine.revision = known;
	sync_ = etcd_sync_new(s.etcd, s.loop, &config, &ops, NULL);
}

static void begin(int which)
{
	const char *url = server.url;
	const struct etcd_config config = {.endpoints = &url,
		.n_endpoints = 1,
		.identity_key = "/p/id",
		.notice = setup_notice,
		.arg = &s};

	program = server_program((size_t)which);
	memset(&mine, 0, sizeof(mine));
	memset(wanted, 0, sizeof(wanted));
	server_init(&server, 1);
	server_start(&server, 1, program);
	setup_begin(&s, 0);
	ck_assert_int_eq(etcd_new(&s.etcd, s.loop, s.http, &config, NULL), 0);
}

static void finish(void)
{
	etcd_sync_free(sync_);
	sync_ = NULL;
	setup_end(&s);
	server_done(&server, 1);
}

/* The machine may be busy. */
static const struct etcd_call_options patient = {
	.timeout = 15 * USEC_PER_SEC, .attempt = 15 * USEC_PER_SEC};

/* One transaction that writes, or deletes where value is 0, the keys from `from` on. */
static void change(size_t from, size_t n, char value)
{
	struct etcd_txn *txn = etcd_txn_new();

	for (size_t i = from; i < from + n; i++) {
		CLEANUP(freep) char *key = xasprintf("/p/%zu", i);

		if (value)
			etcd_txn_put(txn, ETCD_THEN, key, &value, 1, 0);
		else
			etcd_txn_delete(txn, ETCD_THEN, key);
		wanted[i] = value;
	}
	etcd_commit(s.etcd, txn, &patient, setup_done, &s);
	etcd_txn_free(txn);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
}

static void fill(char value)
{
	for (size_t i = 0; i < KEYS; i += ROUND_KEYS)
		change(i, ROUND_KEYS, value);
}

static void assert_in_step(void)
{
	struct etcd_sync_status status;

	for (int i = 0; i < 20000; i++) {
		if (mine.live && !memcmp(mine.value, wanted, sizeof(wanted)))
			return;
		run_for(s.loop, USEC_PER_MSEC);
	}
	etcd_sync_status(sync_, &status);
	ck_abort_msg("not in step: %s, %s", status.state, status.reason);
}

static void compact(int64_t revision)
{
	CLEANUP(freep) char *argument = xasprintf("%" PRId64, revision);
	CLEANUP(freep) char *endpoint = xasprintf("--endpoints=%s", server.url);
	const char *ctl = getenv("ETCDCTL");
	const char *const argv[] = {
		ctl ? ctl : "etcdctl", endpoint, "compact", argument, "--physical", NULL};

	setenv("ETCDCTL_API", "3", 1);
	server_run(argv);
}

START_TEST(the_picture_follows_a_real_store)
{
	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	fill('b');
	change(7, 90, 0);
	change(10, 3, 'c');
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	ck_assert_uint_eq(mine.losts, 0);
	finish();
}
END_TEST

START_TEST(a_listing_is_of_one_moment)
{
	begin(_i);
	fill('a');
	start_sync(0);
	/* written while the pages are read */
	while (!mine.begins)
		run_for(s.loop, 0);
	fill('b');
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

START_TEST(a_killed_etcd_that_returns_is_followed_on)
{
	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	server_stop(&server, SIGKILL);
	while (mine.live)
		run_for(s.loop, USEC_PER_MSEC);
	server_start(&server, 1, program);
	assert_in_step();
	fill('b');
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 0);
	server_stop(&server, SIGTERM);
	while (mine.live)
		run_for(s.loop, USEC_PER_MSEC);
	server_start(&server, 1, program);
	assert_in_step();
	finish();
}
END_TEST

START_TEST(a_stopped_etcd_is_noticed_by_its_silence)
{
	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	kill(server.pid, SIGSTOP);
	while (mine.live)
		run_for(s.loop, USEC_PER_MSEC);
	kill(server.pid, SIGCONT);
	assert_in_step();
	finish();
}
END_TEST

START_TEST(what_was_known_needs_no_listing)
{
	int64_t known;

	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	known = mine.revision;
	etcd_sync_free(sync_);
	mine.live = false;
	fill('b');
	change(0, 5, 0);
	start_sync(known);
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

START_TEST(what_was_known_but_is_compacted_is_listed)
{
	int64_t known;

	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	known = mine.revision;
	etcd_sync_free(sync_);
	mine.live = false;
	change(0, 5, 0);
	/* at the deletion's own revision: 3.4 accepts the watch, and hides the deletion */
	compact(s.revision);
	start_sync(known);
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 2);
	finish();
}
END_TEST

START_TEST(a_long_history_is_caught_up_with)
{
	CLEANUP(freep) char *value = xcalloc(1, 400000);
	int64_t known;

	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	known = mine.revision;
	etcd_sync_free(sync_);
	mine.live = false;
	memset(value, 'x', 400000);
	for (size_t i = 0; i < 20; i++) {
		struct etcd_txn *txn = etcd_txn_new();

		etcd_txn_put(txn, ETCD_THEN, "/p/1", value, 400000, 0);
		etcd_txn_put(txn, ETCD_THEN, "/p/2", value, 400000, 0);
		etcd_commit(s.etcd, txn, &patient, setup_done, &s);
		etcd_txn_free(txn);
		setup_wait(&s);
		assert_outcome(&s, ETCD_OK);
	}
	wanted[1] = wanted[2] = 'x';
	start_sync(known);
	assert_in_step();
	ck_assert_int_eq(mine.live_at, s.revision);
	ck_assert_uint_eq(mine.bytes, 20 * 2 * 400000);
	ck_assert_uint_eq(mine.begins, 1);
	finish();
}
END_TEST

static void put_foreign(void)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_put(txn, ETCD_THEN, "/q/1", "x", 1, 0);
	etcd_commit(s.etcd, txn, &patient, setup_done, &s);
	etcd_txn_free(txn);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
}

static int64_t counts[2];

static void on_counted(const struct etcd_result *result, void *arg)
{
	for (size_t i = 0; i < result->reply->n_ops && i < ARRAY_SIZE(counts); i++)
		counts[i] = result->reply->ops[i].count;
	setup_done(result, arg);
}

START_TEST(keys_are_counted_as_they_were_and_as_they_are)
{
	struct etcd_txn *txn = etcd_txn_new();
	int64_t before;

	begin(_i);
	change(0, 5, 'a');
	before = s.revision;
	put_foreign();
	change(1, 2, 0);
	etcd_txn_if_unchanged(txn, "/p/", before);
	etcd_txn_count(txn, ETCD_THEN, "/p/", before);
	etcd_txn_count(txn, ETCD_THEN, "/p/", 0);
	ck_assert(!etcd_txn_writes(txn));
	etcd_commit(s.etcd, txn, &patient, on_counted, &s);
	etcd_txn_free(txn);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(counts[0], 5);
	ck_assert_int_eq(counts[1], 3);
	ck_assert_int_eq(s.revision, before + 2);
	finish();
}
END_TEST

START_TEST(what_others_did_elsewhere_does_not_keep_it_from_being_live)
{
	int64_t known;

	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	known = mine.revision;
	etcd_sync_free(sync_);
	mine.live = false;
	put_foreign();
	start_sync(known);
	assert_in_step();
	ck_assert_int_eq(mine.live_at, s.revision);
	etcd_sync_free(sync_);
	mine.live = false;
	/* the newest change below the prefix leaves no key behind */
	change(3, 1, 'b');
	change(4, 1, 0);
	put_foreign();
	start_sync(mine.revision);
	assert_in_step();
	ck_assert_int_eq(mine.live_at, s.revision);
	change(5, 1, 'c');
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	ck_assert_uint_eq(mine.losts, 0);
	finish();
}
END_TEST

START_TEST(a_restored_backup_is_read_again)
{
	char saved[KEYS];

	begin(_i);
	fill('a');
	start_sync(0);
	assert_in_step();
	server_stop(&server, SIGTERM);
	server_save(&server);
	memcpy(saved, wanted, sizeof(saved));
	/* restarted more often than the backup will be: the raft term goes back, too */
	for (int i = 0; i < 3; i++) {
		server_start(&server, 1, program);
		assert_in_step();
		server_stop(&server, SIGKILL);
		while (mine.live)
			run_for(s.loop, USEC_PER_MSEC);
	}
	server_start(&server, 1, program);
	assert_in_step();
	fill('b');
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 1);
	server_stop(&server, SIGKILL);
	server_restore(&server);
	memcpy(wanted, saved, sizeof(saved));
	server_start(&server, 1, program);
	assert_in_step();
	ck_assert_uint_eq(mine.begins, 2);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 1);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_TERM_BACK], 1);
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd real sync");
	TCase *t = tcase_create("sync");
	int n = server_program(1) ? 2 : 1;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, the_picture_follows_a_real_store, 0, n);
	tcase_add_loop_test(t, a_listing_is_of_one_moment, 0, n);
	tcase_add_loop_test(t, a_killed_etcd_that_returns_is_followed_on, 0, n);
	tcase_add_loop_test(t, a_stopped_etcd_is_noticed_by_its_silence, 0, n);
	tcase_add_loop_test(t, what_was_known_needs_no_listing, 0, n);
	tcase_add_loop_test(t, what_was_known_but_is_compacted_is_listed, 0, n);
	tcase_add_loop_test(t, a_long_history_is_caught_up_with, 0, n);
	tcase_add_loop_test(t, keys_are_counted_as_they_were_and_as_they_are, 0, n);
	tcase_add_loop_test(t, what_others_did_elsewhere_does_not_keep_it_from_being_live, 0, n);
	tcase_add_loop_test(t, a_restored_backup_is_read_again, 0, n);
	suite_add_tcase(suite, t);
	return suite;
}

SERVER_MAIN(suite)
