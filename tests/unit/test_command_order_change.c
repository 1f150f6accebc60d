/*
 * Orders that are changed: whatever becomes of requests and answers, each change is made at most once,
 * together with its entry of history, and what is said of it is so.
 */
#include "config.h"
#include "command/order_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "etcd/client.h"
#include "identity/identity.h"
#include "io/http.h"
#include "io/loop.h"
#include "member/member.h"
#include "record/records.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_kv.h"

#define PREFIX "/c/"
#define OWN    PREFIX "members/mgt1"
#define PAUSE  PREFIX "pause"

/* What order_change.c asks of a member. */
const char *__wrap_member_prefix(const struct member *m);
struct etcd *__wrap_member_etcd(struct member *m);
bool __wrap_member_quorum(const struct member *m);
void __wrap_member_fence(const struct member *m, struct coord_fence *ret);
void __wrap_member_expect(struct member *m, int64_t revision);

static struct {
	struct loop *loop;
	struct http *http;
	struct etcd *etcd;
	struct kv kv;
	struct identity identity;
	struct agent agent;
	bool quorum;
	struct coord_fence fence;
	int64_t expected;
	/* the last end */
	bool done;
	int rc;
	char why[1024];
	int64_t revision;
} r;

const char *__wrap_member_prefix(const struct member *m)
{
	(void)m;
	return PREFIX;
}

struct etcd *__wrap_member_etcd(struct member *m)
{
	(void)m;
	return r.etcd;
}

bool __wrap_member_quorum(const struct member *m)
{
	(void)m;
	return r.quorum;
}

void __wrap_member_fence(const struct member *m, struct coord_fence *ret)
{
	(void)m;
	*ret = r.fence;
}

void __wrap_member_expect(struct member *m, int64_t revision)
{
	(void)m;
	r.expected = revision;
}

/* This member's own record, as a member wrote it. */
static void put_own(void)
{
	struct member_record record = {.port = 13001};
	CLEANUP(freep) char *value = NULL;

	snprintf(record.name, sizeof(record.name), "mgt1");
	snprintf(record.key, sizeof(record.key), "%s", r.identity.key_hash);
	ck_assert_int_eq(member_record_encode(&record, r.identity.bundle, &value, NULL), 0);
	r.fence.record_rev = kv_put(&r.kv, OWN, value);
}

static void begin(void)
{
	const char *urls[1];
	struct etcd_config config = {
		.endpoints = urls,
		.n_endpoints = 1,
		.connect_timeout = 500 * USEC_PER_MSEC,
	};

	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(loop_new(&r.loop, NULL), 0);
	ck_assert_int_eq(http_new(&r.http, r.loop, NULL), 0);
	kv_open(&r.kv, r.loop);
	urls[0] = r.kv.fake.url;
	ck_assert_int_eq(etcd_new(&r.etcd, r.loop, r.http, &config, NULL), 0);
	snprintf(r.identity.name, sizeof(r.identity.name), "mgt1");
	snprintf(r.identity.key_hash, sizeof(r.identity.key_hash), "sha256:%064d", 7);
	ck_assert_int_eq(bundle_found(&r.identity.bundle, 1790000000 * USEC_PER_SEC, NULL), 0);
	r.agent.loop = r.loop;
	r.agent.identity = &r.identity;
	r.quorum = r.fence.may_write = true;
	put_own();
}

static void finish(void)
{
	etcd_free(r.etcd);
	kv_close(&r.kv);
	http_free(r.http);
	loop_free(r.loop);
	bundle_free(r.identity.bundle);
}

static void on_done(int rc, const char *why, int64_t revision, void *arg)
{
	ck_assert_ptr_eq(arg, &r);
	ck_assert(!r.done);
	r.done = true;
	r.rc = rc;
	r.revision = revision;
	snprintf(r.why, sizeof(r.why), "%s", why);
}

static int begin_change(const struct order_what *what, struct err *err)
{
	struct order_change *change;

	r.done = false;
	return order_change_new(&change, &r.agent, what, on_done, &r, err);
}

static void change(const struct order_what *what)
{
	ck_assert_int_eq(begin_change(what, NULL), 0);
	run_until(r.loop, &r.done, "the change has ended");
}

static void pause_moves(void)
{
	const struct order order = {.by = "mgt1", .actor = "root", .at = 1795333836000000};
	const struct order_what what = {.path = ORDERS_PAUSE,
		.order = &order,
		.exists = "paused already",
		.kind = HISTORY_PAUSED,
		.actor = "root",
		.reason = "why not"};

	change(&what);
}

static void resume_moves(void)
{
	const struct order_what what = {.path = ORDERS_PAUSE,
		.missing = "not paused",
		.kind = HISTORY_RESUMED,
		.actor = "root"};

	change(&what);
}

static unsigned entries(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < r.kv.n; i++)
		n += r.kv.keys[i].mod && text_starts(r.kv.keys[i].key, PREFIX HISTORY_FOLDER);
	return n;
}

START_TEST(an_order_is_put_and_deleted_with_its_entries)
{
	begin();
	pause_moves();
	ck_assert_int_eq(r.rc, 0);
	ck_assert_int_eq(kv_get(&r.kv, PAUSE)->mod, r.revision);
	ck_assert_int_eq(r.expected, r.revision);
	ck_assert_uint_eq(entries(), 1);
	resume_moves();
	ck_assert_int_eq(r.rc, 0);
	ck_assert_int_eq(kv_get(&r.kv, PAUSE)->mod, 0);
	ck_assert_uint_eq(entries(), 2);
	finish();
}
END_TEST

START_TEST(what_is_there_already_is_told)
{
	begin();
	pause_moves();
	pause_moves();
	ck_assert_int_eq(r.rc, -EEXIST);
	ck_assert_str_eq(r.why, "paused already (by root on mgt1 at 2026-11-22 07:50:36 UTC)");
	kv_put(&r.kv, PAUSE, "stop");
	pause_moves();
	ck_assert_str_eq(r.why, "paused already (by hand, it can't be read)");
	kv_put(&r.kv, PAUSE, "{}");
	pause_moves();
	ck_assert_str_eq(r.why, "paused already");
	ck_assert_uint_eq(entries(), 1);
	resume_moves();
	resume_moves();
	ck_assert_int_eq(r.rc, -ENOENT);
	ck_assert_str_eq(r.why, "not paused");
	ck_assert_uint_eq(entries(), 2);
	finish();
}
END_TEST

START_TEST(what_may_be_replaced_is_replaced)
{
	const struct order order = {.by = "mgt1", .id = "r2", .max = 5, .left = 5};
	const struct order_what what = {.path = ORDERS_REBALANCE,
		.order = &order,
		.kind = HISTORY_REBALANCE_ORDERED,
		.actor = "root"};

	begin();
	kv_put(&r.kv, PREFIX "rebalance", "{\"id\":\"r1\"}");
	change(&what);
	ck_assert_int_eq(r.rc, 0);
	ck_assert_ptr_nonnull(strstr(kv_get(&r.kv, PREFIX "rebalance")->value, "\"r2\""));
	finish();
}
END_TEST

START_TEST(a_lost_answer_is_made_up_for)
{
	begin();
	kv_fault(&r.kv, KV_FINE);
	kv_fault(&r.kv, KV_APPLY_AND_CUT);
	pause_moves();
	ck_assert_int_eq(r.rc, 0);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_uint_eq(r.kv.applied, 1);
	finish();
}
END_TEST

/* The pause is lifted by another before the copy of its request arrives. */
START_TEST(a_request_that_comes_twice_does_nothing_the_second_time)
{
	begin();
	kv_fault(&r.kv, KV_FINE);
	kv_fault(&r.kv, KV_TWICE);
	pause_moves();
	ck_assert_int_eq(r.rc, 0);
	kv_delete(&r.kv, PAUSE);
	ck_assert(!kv_replay(&r.kv));
	ck_assert_int_eq(kv_get(&r.kv, PAUSE)->mod, 0);
	finish();
}
END_TEST

START_TEST(a_request_that_comes_after_its_repetition_does_nothing)
{
	begin();
	kv_fault(&r.kv, KV_FINE);
	kv_fault(&r.kv, KV_KEEP);
	pause_moves();
	ck_assert_int_eq(r.rc, 0);
	resume_moves();
	ck_assert(!kv_replay(&r.kv));
	ck_assert_int_eq(kv_get(&r.kv, PAUSE)->mod, 0);
	ck_assert_uint_eq(entries(), 2);
	finish();
}
END_TEST

static void put_pause(struct kv *kv, void *arg)
{
	(void)arg;
	kv_put(kv, PAUSE, "{\"by\":\"mgt2\"}");
}

static void put_pause_next(struct kv *kv, void *arg)
{
	(void)arg;
	kv->before = put_pause;
}

START_TEST(who_comes_in_between_wins)
{
	begin();
	r.kv.before = put_pause_next;
	pause_moves();
	ck_assert_int_eq(r.rc, -EEXIST);
	ck_assert_str_eq(r.why, "paused already (on mgt2)");
	r.kv.before = put_pause_next;
	resume_moves();
	ck_assert_int_eq(r.rc, 0);
	ck_assert_int_eq(kv_get(&r.kv, PAUSE)->mod, 0);
	finish();
}
END_TEST

START_TEST(who_is_no_member_any_more_orders_nothing)
{
	begin();
	kv_delete(&r.kv, OWN);
	pause_moves();
	ck_assert_int_eq(r.rc, -EKEYREVOKED);
	ck_assert_ptr_nonnull(strstr(r.why, "redo invitation process"));
	kv_put(&r.kv, OWN, "{}");
	pause_moves();
	ck_assert_int_eq(r.rc, -EKEYREVOKED);
	ck_assert_uint_eq(entries(), 0);
	finish();
}
END_TEST

static void record_anew(struct kv *kv, void *arg)
{
	(void)kv;
	(void)arg;
	put_own();
}

START_TEST(a_record_that_was_written_anew_is_compared_anew)
{
	begin();
	r.kv.before = record_anew;
	pause_moves();
	ck_assert_int_eq(r.rc, 0);
	ck_assert_uint_eq(entries(), 1);
	finish();
}
END_TEST

START_TEST(who_may_not_write_is_told_at_once)
{
	const struct order_what what = {
		.path = ORDERS_PAUSE, .kind = HISTORY_RESUMED, .actor = "root"};
	struct err err = {""};

	begin();
	r.quorum = false;
	ck_assert_int_eq(begin_change(&what, &err), -EHOSTDOWN);
	ck_assert_str_eq(err.text, "Collective does not have quorum");
	r.quorum = true;
	r.fence.may_write = false;
	ck_assert_int_eq(begin_change(&what, &err), -EACCES);
	r.fence.why_not = "another agent runs under this name";
	ck_assert_int_eq(begin_change(&what, &err), -EACCES);
	ck_assert_str_eq(err.text, r.fence.why_not);
	ck_assert_uint_eq(r.kv.txns, 0);
	finish();
}
END_TEST

START_TEST(what_is_not_known_is_told_so)
{
	begin();
	kv_fault(&r.kv, KV_FINE);
	kv_fault(&r.kv, KV_APPLY_FULL);
	pause_moves();
	ck_assert_int_eq(r.rc, -EINPROGRESS);
	kv_fault(&r.kv, KV_FORBIDDEN);
	resume_moves();
	ck_assert_int_eq(r.rc, -EIO);
	finish();
}
END_TEST

START_TEST(what_is_dropped_says_nothing)
{
	const struct order_what what = {
		.path = ORDERS_PAUSE, .kind = HISTORY_RESUMED, .actor = "root"};
	struct order_change *dropped;

	begin();
	r.kv.always = KV_HANG;
	ck_assert_int_eq(order_change_new(&dropped, &r.agent, &what, on_done, &r, NULL), 0);
	run_for(r.loop, 20 * USEC_PER_MSEC);
	order_change_free(dropped);
	run_for(r.loop, 20 * USEC_PER_MSEC);
	ck_assert(!r.done);
	order_change_free(NULL);
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("order_change");
	TCase *t = tcase_create("changes");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_order_is_put_and_deleted_with_its_entries);
	tcase_add_test(t, what_is_there_already_is_told);
	tcase_add_test(t, what_may_be_replaced_is_replaced);
	tcase_add_test(t, a_lost_answer_is_made_up_for);
	tcase_add_test(t, a_request_that_comes_twice_does_nothing_the_second_time);
	tcase_add_test(t, a_request_that_comes_after_its_repetition_does_nothing);
	tcase_add_test(t, who_comes_in_between_wins);
	tcase_add_test(t, who_is_no_member_any_more_orders_nothing);
	tcase_add_test(t, a_record_that_was_written_anew_is_compared_anew);
	tcase_add_test(t, who_may_not_write_is_told_at_once);
	tcase_add_test(t, what_is_not_known_is_told_so);
	tcase_add_test(t, what_is_dropped_says_nothing);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
