/*
 * The client against scripted gateways that misbehave in every way known.
 */
#include "config.h"

#include <errno.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_setup.h"

static struct setup s;

static void script(size_t i, struct failure *failure)
{
	setup_script(&s, i, failure);
}

static void begin(size_t n)
{
	setup_begin(&s, n);
	setup_client(&s, NULL, NULL);
}

START_TEST(a_transaction_is_committed)
{
	begin(1);
	setup_put(&s, NULL);
	ck_assert(!s.done);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(s.revision, 10);
	ck_assert_str_eq(s.text, "");
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "POST /v3/kv/txn HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "Grpc-Metadata-hasleader: true\r\n"));
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "Accept: "));
	ck_assert_ptr_null(strstr(s.fakes[0].headers, "Authorization"));
	ck_assert_uint_eq(s.fakes[0].requests, 3);
	setup_put(&s, NULL);
	setup_wait(&s);
	ck_assert_uint_eq(s.fakes[0].requests, 4);
	ck_assert_uint_eq(s.times, 2);
	setup_end(&s);
}
END_TEST

START_TEST(a_compare_that_fails_is_no_error)
{
	struct failure other = {"/v3/kv/txn", 200,
		"{\"header\":{\"cluster_id\":\"100\",\"revision\":\"11\",\"raft_term\":\"2\"}}", 0,
		0};

	begin(1);
	script(0, &other);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_COMPARE_FAILED);
	ck_assert_int_eq(s.error, ETCD_ERROR_NONE);
	ck_assert_int_eq(s.revision, 11);
	setup_end(&s);
}
END_TEST

START_TEST(a_serializable_read_asks_any_member)
{
	const struct etcd_range_request range = {.key = "k", .key_len = 1, .serializable = true};

	begin(1);
	etcd_range(s.etcd, &range, NULL, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_ptr_null(strstr(s.fakes[0].headers, "hasleader"));
	setup_end(&s);
}
END_TEST

START_TEST(a_dead_endpoint_is_passed_over)
{
	begin(3);
	fake_kill(&s.fakes[0]);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_BAD], 1);
	ck_assert_ptr_nonnull(strstr(s.notice, s.fakes[0].url));
	ck_assert_ptr_nonnull(strstr(s.notice, "refused"));
	fake_revive(&s.fakes[0]);
	fake_kill(&s.fakes[1]);
	fake_kill(&s.fakes[2]);
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_GOOD], 1);
	setup_end(&s);
}
END_TEST

START_TEST(nobody_at_home_is_a_refusal_that_names_one)
{
	const struct etcd_call_options options = {.timeout = 300 * USEC_PER_MSEC};

	begin(2);
	fake_kill(&s.fakes[0]);
	fake_kill(&s.fakes[1]);
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_TRANSPORT);
	assert_says(&s, "txn: cannot connect to http://127.0.0.1:");
	setup_end(&s);
}
END_TEST

START_TEST(a_write_without_an_answer_is_unknown_and_not_repeated)
{
	struct failure failure = {"/v3/kv/txn", _i ? -1 : 0, "", 0, 0};
	const struct etcd_call_options options = {.attempt = 200 * USEC_PER_MSEC};

	begin(2);
	script(0, &failure);
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_assert_int_eq(s.error, ETCD_ERROR_TRANSPORT);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_uint_eq(s.fakes[1].calls, 0);
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	setup_end(&s);
}
END_TEST

START_TEST(a_read_without_an_answer_is_repeated_elsewhere)
{
	struct failure failure = {"/v3/kv/range", _i ? -1 : 0, "", 0, 0};
	const struct etcd_call_options options = {.attempt = 200 * USEC_PER_MSEC};

	begin(2);
	script(0, &failure);
	setup_get(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	ck_assert_uint_eq(s.times, 1);
	setup_end(&s);
}
END_TEST

START_TEST(a_single_attempt_goes_elsewhere_only_the_next_time)
{
	struct failure failure = {"/v3/lease/keepalive", 0, "", 0, 0};
	const struct etcd_call_options options = {
		.timeout = 300 * USEC_PER_MSEC, .retry = ETCD_RETRY_NEVER, .lane = "lease"};

	begin(2);
	script(0, &failure);
	etcd_keepalive(s.etcd, 1234, &options, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_uint_eq(s.fakes[1].requests, 0);
	etcd_keepalive(s.etcd, 1234, &options, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(s.ttl, 6);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	setup_end(&s);
}
END_TEST

START_TEST(a_hanging_endpoint_is_left_before_anything_is_sent_to_it)
{
	struct failure failure = {"/version", 0, "", 0, 0};

	begin(2);
	script(0, &failure);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	ck_assert_uint_eq(s.fakes[0].calls, 0);
	setup_end(&s);
}
END_TEST

static const struct {
	int status;
	const char *body;
	enum etcd_outcome outcome;
	enum etcd_error_kind kind;
	const char *said;
	unsigned elsewhere; /* calls at the second endpoint */
} answers[] = {
	{429, "{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}", ETCD_UNKNOWN,
		ETCD_ERROR_NOSPACE, "defragment", 0},
	{403, "{\"code\":7, \"message\":\"etcdserver: permission denied\"}", ETCD_REFUSED,
		ETCD_ERROR_PERMISSION, "role", 0},
	{400, "{\"code\":3, \"message\":\"etcdserver: duplicate key given in txn request\"}",
		ETCD_REFUSED, ETCD_ERROR_REFUSED, "duplicate", 0},
	{400, "{\"code\":3, \"message\":\"etcdserver: user name is empty\"}", ETCD_REFUSED,
		ETCD_ERROR_TOKEN, "etcd.user", 0},
	{404, "{\"code\":5, \"message\":\"etcdserver: requested lease not found\"}", ETCD_NOT_FOUND,
		ETCD_ERROR_LEASE_NOT_FOUND, "lease not found", 0},
	{400,
		"CommonName of client sending a request against gateway will be ignored and not "
		"used "
		"as expected\n",
		ETCD_REFUSED, ETCD_ERROR_CERTIFICATE_NAME, "without a CN", 0},
	{503, "{\"error\":\"etcdserver: request timed out\",\"code\":14}", ETCD_UNKNOWN,
		ETCD_ERROR_UNAVAILABLE, "timed out", 0},
	{504, "{\"code\":4, \"message\":\"context deadline exceeded\"}", ETCD_UNKNOWN,
		ETCD_ERROR_UNAVAILABLE, "deadline", 0},
	{502, "<html>Bad Gateway</html>", ETCD_UNKNOWN, ETCD_ERROR_TRANSPORT, "502", 0},
	{200, "garbage", ETCD_UNKNOWN, ETCD_ERROR_TRANSPORT, "the answer", 0},
	{200, "{}", ETCD_UNKNOWN, ETCD_ERROR_TRANSPORT, "cluster_id", 0},
	{503, "{\"code\":14, \"message\":\"etcdserver: no leader\"}", ETCD_OK, ETCD_ERROR_NONE, "",
		1},
	{503, "{\"code\":14, \"message\":\"etcdserver: rpc not supported for learner\"}", ETCD_OK,
		ETCD_ERROR_NONE, "", 1},
	{429, "{\"code\":8, \"message\":\"etcdserver: too many requests\"}", ETCD_OK,
		ETCD_ERROR_NONE, "", 1},
	{404, "Not Found", ETCD_OK, ETCD_ERROR_NONE, "", 1},
};

START_TEST(each_refusal_has_its_outcome)
{
	struct failure failure = {"/v3/kv/txn", answers[_i].status, answers[_i].body, 0, 0};

	begin(2);
	script(0, &failure);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, answers[_i].outcome);
	ck_assert_int_eq(s.error, answers[_i].kind);
	assert_says(&s, answers[_i].said);
	if (*answers[_i].said) {
		assert_says(&s, s.fakes[0].url);
		assert_says(&s, ": txn: ");
	}
	ck_assert_uint_eq(s.fakes[1].calls, answers[_i].elsewhere);
	setup_end(&s);
}
END_TEST

START_TEST(a_lease_is_gone_only_when_etcd_says_so)
{
	struct failure gone = {"/v3/lease/keepalive", 200,
		"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"ID\":"
		"\"1234\"}}",
		1, 0};
	struct failure other = {"/v3/lease/keepalive", 200,
		"{\"result\":{\"header\":{\"cluster_id\":\"100\",\"raft_term\":\"2\"},\"ID\":\"9\","
		"\"TTL\":\"6\"}}",
		1, 0};
	struct failure error = {"/v3/lease/keepalive", 200,
		"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no "
		"leader\"}}",
		1, 0};
	const struct etcd_call_options once = {.retry = ETCD_RETRY_NEVER};

	begin(1);
	script(0, &gone);
	etcd_keepalive(s.etcd, 1234, &once, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_NOT_FOUND);
	script(0, &other);
	etcd_keepalive(s.etcd, 1234, &once, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	assert_says(&s, "lease 9, not 1234");
	script(0, &error);
	etcd_keepalive(s.etcd, 1234, &once, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_NO_LEADER);
	etcd_grant(s.etcd, 1234, 6, &once, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(s.ttl, 6);
	etcd_revoke(s.etcd, 1234, &once, setup_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	setup_end(&s);
}
END_TEST

START_TEST(what_was_cancelled_is_not_heard_of)
{
	struct etcd_call *call;

	begin(1);
	call = setup_put(&s, NULL);
	etcd_cancel(call);
	call = setup_put(&s, NULL);
	run_for(s.loop, USEC_PER_MSEC);
	if (!s.done)
		etcd_cancel(call);
	s.done = false;
	setup_get(&s, NULL);
	setup_wait(&s);
	ck_assert_uint_le(s.times, 2);
	setup_end(&s);
}
END_TEST

START_TEST(every_call_ends_once_when_the_client_goes)
{
	struct failure silent = {"/v3/kv/txn", 0, "", 0, 0};
	const bool *sent;
	bool reached = false;

	begin(1);
	script(0, &silent);
	setup_put(&s, NULL);
	setup_put(&s, NULL);
	while (!reached) {
		run_for(s.loop, USEC_PER_MSEC);
		reached = silent.seen == 2;
	}
	sent = &reached;
	ck_assert(*sent);
	setup_get(&s, NULL);
	etcd_free(s.etcd);
	s.etcd = NULL;
	ck_assert_uint_eq(s.times, 3);
	assert_outcome(&s, ETCD_REFUSED);
	assert_says(&s, "stopping");
	setup_end(&s);
}
END_TEST

START_TEST(a_request_that_is_too_large_is_refused_from_the_loop)
{
	struct etcd_txn *txn = etcd_txn_new();
	char *big = xcalloc(1, ETCD_TXN_BYTES_MAX);

	begin(1);
	etcd_txn_put(txn, ETCD_THEN, "k", big, ETCD_TXN_BYTES_MAX, 0);
	etcd_commit(s.etcd, txn, NULL, setup_done, &s);
	etcd_txn_free(txn);
	free(big);
	ck_assert(!s.done);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_TOO_LARGE);
	ck_assert_uint_eq(s.fakes[0].requests, 0);
	setup_end(&s);
}
END_TEST

START_TEST(calls_have_a_ceiling)
{
	begin(1);
	for (int i = 0; i <= ETCD_CALLS_MAX; i++)
		setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_BUSY);
	setup_end(&s);
}
END_TEST

START_TEST(the_prefix_follows_the_version)
{
	struct failure old = {"/version", 200, "{\"etcdserver\":\"3.3.11\"}", 0, 0};
	struct failure older = {"/version", 200, "{\"etcdserver\":\"3.2.26\"}", 0, 0};
	const struct etcd_call_options options = {.timeout = 300 * USEC_PER_MSEC};
	struct etcd_status status;

	begin(1);
	script(0, &older);
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	assert_says(&s, "3.2.26 is too old");
	script(0, &old);
	setup_put(&s, &options);
	setup_wait(&s);
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, " /v3beta/kv/"));
	etcd_status(s.etcd, &status);
	ck_assert_str_eq(status.endpoints[0].version, "3.3.11");
	setup_end(&s);
}
END_TEST

START_TEST(what_is_no_endpoint)
{
	static const char *const bad[] = {"", "e1:2379", "htp://e1", "http://", "http://e1:0",
		"http://e1:2379/v3", "https://user@e1", "http://e1:99999", "http://[::1"};
	static const char *const good[] = {
		"http://e1", "https://e1:2379/", "http://[::1]:2379", "http://10.0.0.1:2379"};
	const char *url = bad[_i];
	struct etcd_config config = {.endpoints = &url, .n_endpoints = 1};
	struct err err = {""};

	setup_begin(&s, 0);
	ck_assert_int_eq(etcd_new(&s.etcd, s.loop, s.http, &config, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "expected http://host:port"));
	config.endpoints = good;
	config.n_endpoints = ARRAY_SIZE(good);
	ck_assert_int_eq(etcd_new(&s.etcd, s.loop, s.http, &config, &err), 0);
	etcd_free(s.etcd);
	s.etcd = NULL;
	config.n_endpoints = 0;
	ck_assert_int_eq(etcd_new(&s.etcd, s.loop, s.http, &config, &err), -EINVAL);
	setup_end(&s);
}
END_TEST

START_TEST(the_status_tells_what_is_known)
{
	struct etcd_status status;

	begin(2);
	fake_kill(&s.fakes[0]);
	etcd_status(s.etcd, &status);
	ck_assert_uint_eq(status.n, 2);
	ck_assert_str_eq(status.endpoints[0].state, "not used yet");
	setup_get(&s, NULL);
	setup_wait(&s);
	etcd_status(s.etcd, &status);
	ck_assert_str_eq(status.endpoints[0].state, "fails");
	ck_assert_ptr_nonnull(strstr(status.endpoints[0].error, "cannot connect"));
	ck_assert_str_eq(status.endpoints[1].state, "works");
	ck_assert_str_eq(status.endpoints[1].version, "3.4.23");
	ck_assert(status.endpoints[1].current && !status.endpoints[0].current);
	ck_assert(status.cluster_id == 100 && status.raft_term == 2 && status.revision == 10);
	ck_assert(status.endpoints[1].member_id == 7);
	ck_assert_uint_eq(status.calls, 0);
	setup_end(&s);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd client");
	TCase *t = tcase_create("endpoints");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_transaction_is_committed);
	tcase_add_test(t, a_compare_that_fails_is_no_error);
	tcase_add_test(t, a_serializable_read_asks_any_member);
	tcase_add_test(t, a_dead_endpoint_is_passed_over);
	tcase_add_test(t, nobody_at_home_is_a_refusal_that_names_one);
	tcase_add_loop_test(t, a_write_without_an_answer_is_unknown_and_not_repeated, 0, 2);
	tcase_add_loop_test(t, a_read_without_an_answer_is_repeated_elsewhere, 0, 2);
	tcase_add_test(t, a_single_attempt_goes_elsewhere_only_the_next_time);
	tcase_add_test(t, a_hanging_endpoint_is_left_before_anything_is_sent_to_it);
	tcase_add_loop_test(t, each_refusal_has_its_outcome, 0, ARRAY_SIZE(answers));
	tcase_add_test(t, a_lease_is_gone_only_when_etcd_says_so);
	tcase_add_test(t, what_was_cancelled_is_not_heard_of);
	tcase_add_test(t, every_call_ends_once_when_the_client_goes);
	tcase_add_test(t, a_request_that_is_too_large_is_refused_from_the_loop);
	tcase_add_test(t, calls_have_a_ceiling);
	tcase_add_test(t, the_prefix_follows_the_version);
	tcase_add_loop_test(t, what_is_no_endpoint, 0, 9);
	tcase_add_test(t, the_status_tells_what_is_known);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(suite)
