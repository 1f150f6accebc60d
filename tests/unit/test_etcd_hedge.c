/*
 * Keepalives with several attempts under way, against gateways that answer late, never, or badly.
 */
#include "config.h"

#include "etcd/hedge.h"

#include "base/macros.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_setup.h"

#define LEASE	 1234
#define PAUSE	 (30 * USEC_PER_MSEC)
#define HELD_MAX 10

/* The keepalives that a gateway got and has not answered. */
struct keeper {
	bool holds, refuses;
	bool hangs; /* it answers nothing at all */
	unsigned n;
	struct fake_request *held[HELD_MAX];
};

static struct setup s;
static struct keeper keepers[FAKES_MAX];

static void refuse(struct fake_request *request)
{
	fake_answer(request, 503,
		"{\"code\":14,\"message\":\"etcdserver: no leader\",\"error\":\"etcdserver: no "
		"leader\"}");
}

static bool keep(struct fake *fake UNUSED, struct fake_request *request, const char *path,
	const char *body UNUSED, void *arg)
{
	struct keeper *keeper = arg;

	if (keeper->hangs)
		return true;
	if (!text_eq(path, "/v3/lease/keepalive"))
		return false;
	if (keeper->refuses) {
		refuse(request);
		return true;
	}
	if (!keeper->holds)
		return false;
	ck_assert_uint_lt(keeper->n, HELD_MAX);
	keeper->held[keeper->n++] = request;
	return true;
}

/* The first `holding` of n gateways do not answer keepalives until they are told. */
static void begin(size_t n, size_t holding)
{
	setup_begin(&s, n);
	setup_client(&s, NULL, NULL);
	memset(keepers, 0, sizeof(keepers));
	for (size_t i = 0; i < n; i++) {
		keepers[i].holds = i < holding;
		s.fakes[i].script = keep;
		s.fakes[i].arg = &keepers[i];
	}
}

static void wait_for(const unsigned *count, unsigned wanted)
{
	for (int i = 0; i < 10000 && *count < wanted; i++)
		run_for(s.loop, USEC_PER_MSEC);
	ck_assert_uint_ge(*count, wanted);
}

static struct etcd_hedge *start(usec_t timeout, usec_t pause)
{
	const struct etcd_hedge_options options = {
		.timeout = timeout, .pause = pause, .lane = "lease"};

	return etcd_hedge_keepalive(s.etcd, LEASE, &options, setup_done, &s);
}

static void answer(size_t i, unsigned which)
{
	fake_answer(keepers[i].held[which], 200, "{\"result\":{%s,\"ID\":\"%d\",\"TTL\":\"6\"}}\n",
		fake_header(&s.fakes[i]), LEASE);
}

static size_t current(void)
{
	struct etcd_status status;

	etcd_status(s.etcd, &status);
	for (size_t i = 0; i < status.n; i++) {
		if (status.endpoints[i].current)
			return i;
	}
	return status.n;
}

/* Nothing is under way, and nothing more is heard of what was. */
static void ck_over(unsigned times)
{
	struct etcd_status status;

	run_for(s.loop, 2 * PAUSE);
	ck_assert_uint_eq(s.times, times);
	etcd_status(s.etcd, &status);
	ck_assert_uint_eq(status.calls, 0);
}

START_TEST(what_is_answered_at_once_is_sent_once)
{
	begin(2, 0);
	for (unsigned i = 1; i <= 3; i++) {
		start(30 * USEC_PER_SEC, 15 * USEC_PER_SEC);
		setup_wait(&s);
		assert_outcome(&s, ETCD_OK);
		ck_assert_int_eq(s.ttl, 6);
		ck_assert_uint_eq(s.fakes[0].calls, i);
	}
	ck_assert_uint_eq(s.fakes[1].requests, 0);
	ck_over(3);
	setup_end(&s);
}
END_TEST

START_TEST(a_second_attempt_is_answered_while_the_first_is_late)
{
	usec_t began;

	begin(2, 1);
	began = loop_now(s.loop);
	start(30 * USEC_PER_SEC, PAUSE);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	ck_assert_int_ge(s.sent_at, began + PAUSE);
	/* who was late has done nothing wrong yet, but the next one goes to who answered */
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_BAD], 0);
	ck_assert_uint_eq(current(), 1);
	answer(0, 0);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(an_endpoint_that_hangs_is_found_out_though_another_one_answers)
{
	begin(2, 0);
	start(30 * USEC_PER_SEC, 15 * USEC_PER_SEC);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	keepers[0].hangs = true;
	start(30 * USEC_PER_SEC, PAUSE);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_BAD], 0);
	wait_for(&s.notices[ETCD_NOTICE_BAD], 1);
	ck_assert_ptr_nonnull(strstr(s.notice, s.fakes[0].url));
	setup_end(&s);
}
END_TEST

START_TEST(the_first_attempt_wins_late_and_counts_from_its_own_sending)
{
	usec_t began;

	begin(2, 2);
	began = loop_now(s.loop);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	ck_assert_uint_eq(current(), 0);
	answer(0, 0);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_int_ge(s.sent_at, began);
	ck_assert_int_lt(s.sent_at, loop_now(s.loop) - PAUSE / 2);
	ck_assert_uint_eq(current(), 0);
	answer(1, 0);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(both_are_answered_and_one_is_told)
{
	begin(2, 2);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	answer(1, 0);
	answer(0, 0);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(a_second_attempt_that_fails_leaves_the_first_alone)
{
	begin(2, 2);
	start(30 * USEC_PER_SEC, 10 * PAUSE);
	wait_for(&keepers[1].n, 1);
	refuse(keepers[1].held[0]);
	run_for(s.loop, PAUSE);
	ck_assert_uint_eq(s.times, 0);
	answer(0, 0);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(the_word_that_a_lease_is_gone_is_an_answer)
{
	begin(2, 2);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	fake_answer(keepers[1].held[0], 200, "{\"result\":{%s,\"ID\":\"%d\"}}\n",
		fake_header(&s.fakes[1]), LEASE);
	setup_wait(&s);
	assert_outcome(&s, ETCD_NOT_FOUND);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(a_cluster_that_is_not_there_is_asked_once)
{
	begin(1, 0);
	fake_kill(&s.fakes[0]);
	start(30 * USEC_PER_SEC, PAUSE);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(silence_ends_with_the_timeout_and_is_unknown)
{
	usec_t began;

	begin(2, 2);
	began = loop_now(s.loop);
	start(10 * PAUSE, PAUSE);
	wait_for(&keepers[1].n, 1);
	refuse(keepers[1].held[0]);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_assert_int_ge(loop_now(s.loop), began + 10 * PAUSE);
	ck_assert_uint_le(keepers[0].n + keepers[1].n, ETCD_HEDGE_MAX);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(one_unknown_attempt_makes_a_refusal_unknown)
{
	begin(2, 2);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	keepers[0].refuses = keepers[1].refuses = true;
	for (unsigned i = 0; i < keepers[0].n; i++)
		fake_cut(keepers[0].held[i]);
	run_for(s.loop, PAUSE);
	refuse(keepers[1].held[0]);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(a_single_endpoint_is_asked_again_over_another_connection)
{
	begin(1, 1);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[0].n, 3);
	ck_assert_ptr_ne(keepers[0].held[0], keepers[0].held[1]);
	ck_assert_ptr_ne(keepers[0].held[1], keepers[0].held[2]);
	answer(0, 1);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_over(1);
	setup_end(&s);
}
END_TEST

START_TEST(attempts_have_a_ceiling)
{
	begin(1, 1);
	start(30 * USEC_PER_SEC, USEC_PER_MSEC);
	wait_for(&keepers[0].n, ETCD_HEDGE_MAX);
	run_for(s.loop, PAUSE);
	ck_assert_uint_eq(keepers[0].n, ETCD_HEDGE_MAX);
	answer(0, 0);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	setup_end(&s);
}
END_TEST

START_TEST(what_was_cancelled_is_not_heard_of)
{
	struct etcd_hedge *hedge;

	begin(2, 2);
	hedge = start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	etcd_hedge_cancel(hedge);
	answer(0, 0);
	answer(1, 0);
	ck_over(0);
	hedge = start(30 * USEC_PER_SEC, PAUSE);
	etcd_hedge_cancel(hedge);
	ck_over(0);
	setup_end(&s);
}
END_TEST

START_TEST(it_ends_once_when_the_client_goes)
{
	begin(2, 2);
	start(30 * USEC_PER_SEC, PAUSE);
	wait_for(&keepers[1].n, 1);
	etcd_free(s.etcd);
	s.etcd = NULL;
	ck_assert_uint_eq(s.times, 1);
	assert_outcome(&s, ETCD_UNKNOWN);
	assert_says(&s, "stopping");
	setup_end(&s);
}
END_TEST

/* One endpoint, which has answered, and then left a transaction without an answer. */
static void begin_with_a_silence(void)
{
	const struct etcd_call_options quick = {.timeout = 100 * USEC_PER_MSEC,
		.attempt = 100 * USEC_PER_MSEC,
		.retry = ETCD_RETRY_NEVER};
	static struct failure silent; /* longer than this call */

	silent = (struct failure){"/v3/kv/txn", 0, "", 0, 0};
	begin(1, 0);
	setup_put(&s, NULL); /* so that it is ready, and `quick` is for the answer alone */
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	setup_script(&s, 0, &silent);
	setup_put(&s, &quick);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
}

/* What other calls met there costs a keepalive nothing: its answer tells who gave it. */
START_TEST(an_endpoint_that_answered_lately_is_not_asked_who_it_is_first)
{
	struct failure unborn = {"/version", 0, "", 0, 0};

	begin_with_a_silence();
	setup_script(&s, 0, &unborn);
	start(30 * USEC_PER_SEC, 15 * USEC_PER_SEC);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	/* and it is asked, for the others */
	wait_for(&unborn.seen, 1);
	setup_end(&s);
}
END_TEST

/* Or who hears no answers would keep its lease for ever. */
START_TEST(an_endpoint_that_was_not_heard_of_for_long_is_asked_who_it_is_first)
{
	struct failure unborn = {"/version", 0, "", 0, 0};
	unsigned calls;

	begin_with_a_silence();
	calls = s.fakes[0].calls;
	setup_script(&s, 0, &unborn);
	run_for(s.loop, 3200 * USEC_PER_MSEC);
	start(10 * PAUSE, PAUSE);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_uint_eq(s.fakes[0].calls, calls);
	setup_end(&s);
}
END_TEST

START_TEST(an_answer_of_another_cluster_prolongs_nothing)
{
	begin(1, 0);
	start(30 * USEC_PER_SEC, 15 * USEC_PER_SEC);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	s.fakes[0].cluster_id = 200;
	start(30 * USEC_PER_SEC, 15 * USEC_PER_SEC);
	setup_wait(&s);
	ck_assert_int_ne(s.outcome, ETCD_OK);
	ck_assert_int_eq(s.error, ETCD_ERROR_FOREIGN);
	setup_end(&s);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd hedge");
	TCase *t = tcase_create("attempts");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_answered_at_once_is_sent_once);
	tcase_add_test(t, a_second_attempt_is_answered_while_the_first_is_late);
	tcase_add_test(t, an_endpoint_that_hangs_is_found_out_though_another_one_answers);
	tcase_add_test(t, the_first_attempt_wins_late_and_counts_from_its_own_sending);
	tcase_add_test(t, both_are_answered_and_one_is_told);
	tcase_add_test(t, a_second_attempt_that_fails_leaves_the_first_alone);
	tcase_add_test(t, the_word_that_a_lease_is_gone_is_an_answer);
	tcase_add_test(t, a_cluster_that_is_not_there_is_asked_once);
	tcase_add_test(t, silence_ends_with_the_timeout_and_is_unknown);
	tcase_add_test(t, one_unknown_attempt_makes_a_refusal_unknown);
	tcase_add_test(t, a_single_endpoint_is_asked_again_over_another_connection);
	tcase_add_test(t, attempts_have_a_ceiling);
	tcase_add_test(t, what_was_cancelled_is_not_heard_of);
	tcase_add_test(t, it_ends_once_when_the_client_goes);
	tcase_add_test(t, an_endpoint_that_answered_lately_is_not_asked_who_it_is_first);
	tcase_add_test(t, an_endpoint_that_was_not_heard_of_for_long_is_asked_who_it_is_first);
	tcase_add_test(t, an_answer_of_another_cluster_prolongs_nothing);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(suite)
