/*
 * Whom the client believes: log-ins, other clusters, members that lag, stores that went back.
 */
#include "config.h"

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

START_TEST(a_log_in_is_made_for_each_endpoint)
{
	struct failure expired = {"/v3/kv/txn", 401,
		"{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", 1, 0};

	setup_begin(&s, 2);
	setup_client(&s, "app", "secret");
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_uint_eq(s.fakes[0].logins, 1);
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "Authorization: token.1\r\n"));
	script(0, &expired);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[0].url);
	ck_assert_uint_eq(s.fakes[0].logins, 2);
	ck_assert_ptr_nonnull(strstr(s.fakes[0].headers, "Authorization: token.2\r\n"));
	fake_kill(&s.fakes[0]);
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_uint_eq(s.fakes[1].logins, 1);
	setup_end(&s);
}
END_TEST

START_TEST(a_log_in_that_does_not_help_ends)
{
	struct failure never = {"/v3/kv/txn", 401,
		"{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", 0, 0};

	setup_begin(&s, 1);
	setup_client(&s, "app", "secret");
	script(0, &never);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_TOKEN);
	ck_assert_uint_eq(never.seen, 3);
	setup_end(&s);
}
END_TEST

START_TEST(log_ins_refused_and_needless)
{
	struct failure wrong = {"/v3/auth/authenticate", 400,
		"{\"code\":3, \"message\":\"etcdserver: authentication failed, invalid user ID or "
		"password\"}",
		0, 0};
	struct failure off = {"/v3/auth/authenticate", 412,
		"{\"error\":\"etcdserver: authentication is not enabled\",\"code\":9}", 0, 0};

	setup_begin(&s, 1);
	setup_client(&s, "app", "secret");
	script(0, &wrong);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_LOGIN);
	ck_assert_ptr_null(strstr(s.text, "secret"));
	script(0, &off);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_ptr_null(strstr(s.fakes[0].headers, "Authorization"));
	setup_end(&s);
}
END_TEST

START_TEST(users_that_just_changed_are_no_failure)
{
	struct failure old = {"/v3/kv/txn", 400,
		"{\"code\":3, \"message\":\"etcdserver: revision of auth store is old\"}", 4, 0};

	setup_begin(&s, 1);
	setup_client(&s, "app", "secret");
	script(0, &old);
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_uint_eq(old.seen, 4);
	ck_assert_uint_eq(s.fakes[0].logins, 2);
	setup_end(&s);
}
END_TEST

START_TEST(another_cluster_is_never_written_to)
{
	const struct etcd_call_options options = {.timeout = 300 * USEC_PER_MSEC};

	begin(2);
	s.fakes[1].cluster_id = 200;
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert(etcd_cluster_id(s.etcd) == 100);
	fake_kill(&s.fakes[0]);
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_uint_eq(s.fakes[1].calls, 0);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_FOREIGN], 1);
	fake_revive(&s.fakes[0]);
	s.fakes[0].cluster_id = 300;
	setup_put(&s, &options);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_FOREIGN);
	assert_says(&s, "etcd cluster 12c, not to 64");
	ck_assert_uint_eq(s.fakes[0].calls, 1);
	setup_end(&s);
}
END_TEST

START_TEST(a_member_that_lags_behind_is_not_believed)
{
	begin(2);
	setup_put(&s, NULL);
	setup_wait(&s);
	s.fakes[0].term = 1;
	setup_put(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_assert_int_eq(s.error, ETCD_ERROR_STALE);
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_str_eq(s.endpoint, s.fakes[1].url);
	setup_end(&s);
}
END_TEST

START_TEST(a_store_that_went_back_is_reported)
{
	begin(1);
	setup_get(&s, NULL);
	setup_wait(&s);
	s.fakes[0].revision = 4;
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_REVISION_BACK], 1);
	ck_assert_int_eq(s.from, 10);
	ck_assert_int_eq(s.to, 4);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 1);
	setup_get(&s, NULL);
	setup_wait(&s);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 1);
	setup_end(&s);
}
END_TEST

/* After a restart etcd does not know the token, so the first that is seen of it is a log-in. */
START_TEST(a_cluster_made_anew_from_a_backup_is_recognised_also_behind_a_log_in)
{
	const struct etcd_call_options options = {.timeout = 500 * USEC_PER_MSEC};
	struct failure forgotten = {"/v3/kv/range", 401,
		"{\"error\":\"etcdserver: invalid auth token\",\"code\":16}", 1, 0};
	usec_t deadline;

	setup_begin(&s, 1);
	setup_client(&s, "app", "secret");
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	fake_kill(&s.fakes[0]);
	setup_get(&s, &options);
	setup_wait(&s);
	s.fakes[0].term = 1;
	s.fakes[0].revision = 4;
	script(0, &forgotten);
	fake_revive(&s.fakes[0]);
	deadline = loop_now(s.loop) + 15 * USEC_PER_SEC;
	while (!s.notices[ETCD_NOTICE_TERM_BACK] && loop_now(s.loop) < deadline) {
		setup_get(&s, &options);
		setup_wait(&s);
	}
	ck_assert_uint_ge(s.fakes[0].logins, 2);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_TERM_BACK], 1);
	setup_get(&s, NULL);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	setup_end(&s);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd trust");
	TCase *t = tcase_create("trust");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_log_in_is_made_for_each_endpoint);
	tcase_add_test(t, a_log_in_that_does_not_help_ends);
	tcase_add_test(t, log_ins_refused_and_needless);
	tcase_add_test(t, users_that_just_changed_are_no_failure);
	tcase_add_test(t, another_cluster_is_never_written_to);
	tcase_add_test(t, a_member_that_lags_behind_is_not_believed);
	tcase_add_test(t, a_store_that_went_back_is_reported);
	tcase_add_test(t, a_cluster_made_anew_from_a_backup_is_recognised_also_behind_a_log_in);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(suite)
