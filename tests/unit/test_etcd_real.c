/*
 * The client against real etcd processes: what etcd does with what is sent, in the versions at
 * hand. Each test runs once for each program of server_program().
 */
#include "config.h"

#include <signal.h>

#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_server.h"
#include "tests/unit/test_etcd_setup.h"

#define LEASE 0x123456789abcdef

static struct setup s;
static struct server servers[3];
static size_t n_servers;
static const char *program;

/* The last result once more, in depth: the reads of a transaction, "key=value" each. */
static char reads[512];

static void note_kvs(const struct etcd_kv *kvs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(reads);

		snprintf(reads + len, sizeof(reads) - len, "%s%s=%s", len ? " " : "", kvs[i].key,
			kvs[i].value);
	}
}

static void on_done(const struct etcd_result *result, void *arg)
{
	reads[0] = '\0';
	note_kvs(result->reply->kvs, result->reply->n_kvs);
	for (size_t i = 0; i < result->reply->n_ops; i++)
		note_kvs(result->reply->ops[i].kvs, result->reply->ops[i].n_kvs);
	setup_done(result, arg);
}

static void make_client(const char *user, const char *password)
{
	const char *urls[ARRAY_SIZE(servers)];
	struct etcd_config config = {
		.endpoints = urls,
		.n_endpoints = n_servers,
		.user = user,
		.password = password,
		.identity_key = "/p/id",
		.notice = setup_notice,
		.arg = &s,
	};
	struct err err = {""};

	for (size_t i = 0; i < n_servers; i++)
		urls[i] = servers[i].url;
	ck_assert_msg(etcd_new(&s.etcd, s.loop, s.http, &config, &err) == 0, "%s", err.text);
}

static void begin(int which, size_t n, const char *option, const char *value)
{
	program = server_program((size_t)which);
	n_servers = n;
	server_init(servers, n);
	for (size_t i = 0; i < n; i++) {
		servers[i].option[0] = option;
		servers[i].option[1] = value;
	}
	server_start(servers, n, program);
	setup_begin(&s, 0);
	make_client(NULL, NULL);
}

static void finish(void)
{
	setup_end(&s);
	server_done(servers, n_servers);
}

/* The machine may be busy; what is quick on purpose asks for itself. */
static const struct etcd_call_options patient = {
	.timeout = 15 * USEC_PER_SEC, .attempt = 15 * USEC_PER_SEC};
static const struct etcd_call_options *patience = &patient;

static enum etcd_outcome commit(struct etcd_txn *txn)
{
	etcd_commit(s.etcd, txn, patience, on_done, &s);
	etcd_txn_free(txn);
	setup_wait(&s);
	return s.outcome;
}

static enum etcd_outcome put(const char *key, const char *value, size_t len, int64_t lease)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_put(txn, ETCD_THEN, key, value, len, lease);
	return commit(txn);
}

static enum etcd_outcome get(const char *key, const char *end, int64_t limit, int64_t revision)
{
	const struct etcd_range_request range = {.key = key,
		.key_len = strlen(key),
		.end = end,
		.end_len = end ? strlen(end) : 0,
		.limit = limit,
		.revision = revision};
	const struct etcd_call_options options = {.timeout = 5 * USEC_PER_SEC};

	etcd_range(s.etcd, &range, &options, on_done, &s);
	setup_wait(&s);
	return s.outcome;
}

/* Calls until it is answered well, for a cluster that has to find itself. */
static void settle(void)
{
	for (int i = 0; i < 30 && get("/p/x", NULL, 0, 0) != ETCD_OK; i++)
		run_for(s.loop, 100 * USEC_PER_MSEC);
	assert_outcome(&s, ETCD_OK);
}

/* One JSON request past the client, for what it has no call for. */
static void on_posted(const struct http_response *response, void *arg)
{
	ck_assert_msg(response->rc == 0 && response->status == 200, "%s: %d %s%s", (char *)arg,
		response->status, response->why ? response->why : "", response->body);
	s.done = true;
}

static void post(const char *path, const char *body)
{
	CLEANUP(freep) char *url = xasprintf("%s%s", servers[0].url, path);
	const struct http_options options = {.url = url,
		.body = body,
		.body_len = strlen(body),
		.timeout = 5 * USEC_PER_SEC,
		.max_body = 65536,
		.lane = "post",
		.on_done = on_posted,
		.arg = (void *)(uintptr_t)path};
	struct http_request *request;

	ck_assert_int_eq(http_send(&request, s.http, &options, NULL), 0);
	setup_wait(&s);
}

/* Does the compare hold? */
#define HOLDS(add)                                                                                 \
	({                                                                                         \
		struct etcd_txn *txn = etcd_txn_new();                                             \
		add;                                                                               \
		commit(txn);                                                                       \
		ck_assert(s.outcome == ETCD_OK || s.outcome == ETCD_COMPARE_FAILED);               \
		s.outcome == ETCD_OK;                                                              \
	})

START_TEST(each_compare_means_what_it_says)
{
	int64_t created, changed;

	begin(_i, 1, NULL, NULL);
	ck_assert(HOLDS(etcd_txn_if_empty(txn, "/p/")));
	ck_assert_int_eq(put("/p/a", "x", 1, 0), ETCD_OK);
	created = s.revision;
	ck_assert_int_eq(put("/p/a", "y", 1, 0), ETCD_OK);
	changed = s.revision;
	ck_assert(!HOLDS(etcd_txn_if_empty(txn, "/p/")));
	ck_assert(HOLDS(etcd_txn_if_empty(txn, "/q/")));
	ck_assert(HOLDS(etcd_txn_if_unchanged(txn, "/p/", changed)));
	ck_assert(!HOLDS(etcd_txn_if_unchanged(txn, "/p/", created)));
	ck_assert(HOLDS(etcd_txn_if_unchanged(txn, "/q/", 1)));
	ck_assert(HOLDS(etcd_txn_if_all_mod(txn, "/p/", changed)));
	ck_assert(!HOLDS(etcd_txn_if_all_mod(txn, "/p/", created)));
	ck_assert(!HOLDS(etcd_txn_if_all_mod(txn, "/p/", 0)));
	ck_assert(HOLDS(etcd_txn_if_all_mod(txn, "/q/", 0)));
	ck_assert(!HOLDS(etcd_txn_if_all_mod(txn, "/q/", changed)));
	ck_assert(HOLDS(etcd_txn_if_create(txn, "/p/a", ETCD_EQUAL, created)));
	ck_assert(!HOLDS(etcd_txn_if_create(txn, "/p/a", ETCD_EQUAL, changed)));
	ck_assert(HOLDS(etcd_txn_if_create(txn, "/p/b", ETCD_EQUAL, 0)));
	ck_assert(!HOLDS(etcd_txn_if_create(txn, "/p/a", ETCD_EQUAL, 0)));
	ck_assert(HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_EQUAL, changed)));
	ck_assert(!HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_EQUAL, created)));
	ck_assert(HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_GREATER, created)));
	ck_assert(!HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_GREATER, changed)));
	ck_assert(HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_LESS, changed + 1)));
	ck_assert(!HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_LESS, changed)));
	ck_assert(HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_NOT_EQUAL, created)));
	ck_assert(!HOLDS(etcd_txn_if_mod(txn, "/p/a", ETCD_NOT_EQUAL, changed)));
	ck_assert(HOLDS(etcd_txn_if_version(txn, "/p/a", ETCD_EQUAL, 2)));
	ck_assert(!HOLDS(etcd_txn_if_version(txn, "/p/a", ETCD_EQUAL, 1)));
	ck_assert(HOLDS(etcd_txn_if_value(txn, "/p/a", ETCD_EQUAL, "y", 1)));
	ck_assert(!HOLDS(etcd_txn_if_value(txn, "/p/a", ETCD_EQUAL, "x", 1)));
	ck_assert(!HOLDS(etcd_txn_if_value(txn, "/p/b", ETCD_NOT_EQUAL, "x", 1)));
	ck_assert(HOLDS(etcd_txn_if_lease(txn, "/p/a", ETCD_EQUAL, 0)));
	ck_assert(!HOLDS(etcd_txn_if_lease(txn, "/p/a", ETCD_EQUAL, LEASE)));
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	ck_assert_int_eq(put("/p/l", "z", 1, LEASE), ETCD_OK);
	ck_assert(HOLDS(etcd_txn_if_lease(txn, "/p/l", ETCD_EQUAL, LEASE)));
	ck_assert(!HOLDS(etcd_txn_if_lease(txn, "/p/l", ETCD_EQUAL, 0)));
	finish();
}
END_TEST

START_TEST(both_branches_do_what_they_say)
{
	struct etcd_txn *txn;

	begin(_i, 1, NULL, NULL);
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	ck_assert_int_eq(put("/p/b", "2", 1, 0), ETCD_OK);
	ck_assert_int_eq(put("/q/a", "3", 1, 0), ETCD_OK);
	txn = etcd_txn_new();
	etcd_txn_if_create(txn, "/p/a", ETCD_EQUAL, 0);
	etcd_txn_put(txn, ETCD_THEN, "/p/a", "never", 5, 0);
	etcd_txn_get(txn, ETCD_ELSE, "/p/a");
	etcd_txn_get_prefix(txn, ETCD_ELSE, "/p/", 0);
	etcd_txn_get_prefix(txn, ETCD_ELSE, "/p/", 1);
	ck_assert_int_eq(commit(txn), ETCD_COMPARE_FAILED);
	ck_assert_str_eq(reads, "/p/a=1 /p/a=1 /p/b=2 /p/a=1");
	txn = etcd_txn_new();
	etcd_txn_delete_prefix(txn, ETCD_THEN, "/p/");
	etcd_txn_delete(txn, ETCD_THEN, "/q/b");
	etcd_txn_put(txn, ETCD_THEN, "/r/a", "{\"a\":\"\\u0000\"}", 14, 0);
	etcd_txn_get(txn, ETCD_THEN, "/r/a");
	ck_assert_int_eq(commit(txn), ETCD_OK);
	ck_assert_str_eq(reads, "/r/a={\"a\":\"\\u0000\"}");
	ck_assert_int_eq(get("/", "0", 0, 0), ETCD_OK);
	ck_assert_str_eq(reads, "/q/a=3 /r/a={\"a\":\"\\u0000\"}");
	finish();
}
END_TEST

START_TEST(a_full_transaction_fits)
{
	struct etcd_txn *txn = etcd_txn_new();
	CLEANUP(freep) char *value = xcalloc(1, 8000);

	begin(_i, 1, NULL, NULL);
	memset(value, 'v', 8000);
	for (int i = 0; i < ETCD_TXN_OPS_MAX; i++) {
		CLEANUP(freep) char *key = xasprintf("/p/%d", i);

		etcd_txn_if_create(txn, key, ETCD_EQUAL, 0);
		etcd_txn_put(txn, ETCD_THEN, key, value, 8000, 0);
		etcd_txn_get(txn, ETCD_ELSE, key);
	}
	ck_assert_int_eq(commit(txn), ETCD_OK);
	ck_assert_int_eq(get("/p/", "/p0", 0, 0), ETCD_OK);
	ck_assert_uint_eq(s.n_kvs, ETCD_TXN_OPS_MAX);
	finish();
}
END_TEST

static enum etcd_outcome keepalive(int64_t lease)
{
	etcd_keepalive(s.etcd, lease, patience, on_done, &s);
	setup_wait(&s);
	return s.outcome;
}

START_TEST(a_lease_lives_and_goes)
{
	begin(_i, 1, NULL, NULL);
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(s.ttl, 60);
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_LEASE_EXISTS);
	ck_assert_int_eq(put("/p/a", "x", 1, LEASE), ETCD_OK);
	ck_assert_int_eq(keepalive(LEASE), ETCD_OK);
	ck_assert_int_eq(s.ttl, 60);
	etcd_revoke(s.etcd, LEASE, &patient, on_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(get("/p/a", NULL, 0, 0), ETCD_OK);
	ck_assert_uint_eq(s.n_kvs, 0);
	ck_assert_int_eq(keepalive(LEASE), ETCD_NOT_FOUND);
	etcd_revoke(s.etcd, LEASE, &patient, on_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_NOT_FOUND);
	ck_assert_int_eq(put("/p/a", "x", 1, LEASE), ETCD_NOT_FOUND);
	ck_assert_int_eq(s.error, ETCD_ERROR_LEASE_NOT_FOUND);
	finish();
}
END_TEST

START_TEST(revisions_that_are_no_more_or_not_yet)
{
	CLEANUP(freep) char *body = NULL;
	int64_t first;

	begin(_i, 1, NULL, NULL);
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	first = s.revision;
	ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_OK);
	ck_assert_int_eq(get("/p/a", NULL, 0, first), ETCD_OK);
	ck_assert_str_eq(reads, "/p/a=1");
	body = xasprintf("{\"revision\":\"%" PRId64 "\",\"physical\":true}", s.revision);
	post("/v3/kv/compaction", body);
	ck_assert_int_eq(get("/p/a", NULL, 0, first), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_COMPACTED);
	ck_assert_int_eq(get("/p/a", NULL, 0, 1000), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_FUTURE_REVISION);
	finish();
}
END_TEST

START_TEST(a_full_database_is_named_with_its_remedy)
{
	CLEANUP(freep) char *value = xcalloc(1, 400000);

	begin(_i, 1, "--quota-backend-bytes", "1000000");
	memset(value, 'v', 400000);
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	for (int i = 0; i < 10 && s.outcome == ETCD_OK; i++)
		put("/p/a", value, 400000, 0);
	assert_outcome(&s, ETCD_UNKNOWN);
	ck_assert_int_eq(s.error, ETCD_ERROR_NOSPACE);
	assert_says(&s, "alarm disarm");
	ck_assert_int_eq(keepalive(LEASE), ETCD_OK);
	etcd_grant(s.etcd, LEASE + 1, 60, &patient, on_done, &s);
	setup_wait(&s);
	ck_assert_int_eq(s.error, ETCD_ERROR_NOSPACE);
	finish();
}
END_TEST

static void enable_users(void)
{
	post("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"r\"}");
	post("/v3/auth/role/add", "{\"name\":\"root\"}");
	post("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
	post("/v3/auth/user/add", "{\"name\":\"app\",\"password\":\"a\\\"p\"}");
	post("/v3/auth/role/add", "{\"name\":\"app\"}");
	post("/v3/auth/role/grant", "{\"name\":\"app\",\"perm\":{\"permType\":\"READWRITE\","
				    "\"key\":\"L3Av\",\"range_end\":\"L3Aw\"}}");
	post("/v3/auth/user/grant", "{\"user\":\"app\",\"role\":\"app\"}");
	post("/v3/auth/enable", "{}");
}

START_TEST(users_log_in)
{
	begin(_i, 1, NULL, NULL);
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	enable_users();
	ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_TOKEN);
	assert_says(&s, "etcd.user");
	etcd_free(s.etcd);
	make_client("app", "wrong");
	ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_LOGIN);
	etcd_free(s.etcd);
	make_client("app", "a\"p");
	ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_OK);
	ck_assert_int_eq(put("/q/a", "2", 1, 0), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_PERMISSION);
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	assert_outcome(&s, ETCD_OK);
	ck_assert_int_eq(keepalive(LEASE), ETCD_OK);
	/* the token may die with the process; the next call must not notice */
	server_stop(&servers[0], SIGKILL);
	server_start(servers, 1, program);
	settle();
	ck_assert_int_eq(put("/p/a", "3", 1, 0), ETCD_OK);
	finish();
}
END_TEST

START_TEST(a_user_where_none_is_needed)
{
	begin(_i, 1, NULL, NULL);
	etcd_free(s.etcd);
	make_client("app", "secret");
	ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_OK);
	finish();
}
END_TEST

START_TEST(a_restart_is_a_pause)
{
	begin(_i, 1, NULL, NULL);
	etcd_grant(s.etcd, LEASE, 60, &patient, on_done, &s);
	setup_wait(&s);
	ck_assert_int_eq(put("/p/a", "1", 1, LEASE), ETCD_OK);
	server_stop(&servers[0], SIGKILL);
	patience = NULL;
	ck_assert_int_eq(keepalive(LEASE), ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_TRANSPORT);
	patience = &patient;
	server_start(servers, 1, program);
	settle();
	ck_assert_int_eq(keepalive(LEASE), ETCD_OK);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_BAD], 1);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_GOOD], 1);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 0);
	finish();
}
END_TEST

START_TEST(a_restored_backup_is_noticed)
{
	begin(_i, 1, NULL, NULL);
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	server_stop(&servers[0], SIGTERM);
	server_save(&servers[0]);
	server_start(servers, 1, program);
	settle();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(put("/p/a", "2", 1, 0), ETCD_OK);
	server_stop(&servers[0], SIGKILL);
	server_restore(&servers[0]);
	server_start(servers, 1, program);
	settle();
	ck_assert_str_eq(reads, "");
	ck_assert_int_eq(get("/p/a", NULL, 0, 0), ETCD_OK);
	ck_assert_str_eq(reads, "/p/a=1");
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 1);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_REVISION_BACK], 1);
	finish();
}
END_TEST

START_TEST(another_etcd_in_its_place_is_not_followed)
{
	begin(_i, 1, NULL, NULL);
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	server_stop(&servers[0], SIGKILL);
	server_replace(&servers[0]);
	server_start(servers, 1, program);
	/* so long a silence that the endpoint is asked who it is before it is written to */
	run_for(s.loop, 2100 * USEC_PER_MSEC);
	for (int i = 0; i < 30 && s.error != ETCD_ERROR_FOREIGN; i++)
		put("/p/a", "never", 5, 0);
	assert_outcome(&s, ETCD_REFUSED);
	ck_assert_int_eq(s.error, ETCD_ERROR_FOREIGN);
	ck_assert_uint_eq(s.notices[ETCD_NOTICE_FOREIGN], 1);
	etcd_free(s.etcd);
	make_client(NULL, NULL);
	ck_assert_int_eq(get("/p/a", NULL, 0, 0), ETCD_OK);
	ck_assert_str_eq(reads, "");
	finish();
}
END_TEST

START_TEST(a_cluster_goes_on_without_one_of_three)
{
	struct etcd_status status;
	usec_t begun, took;

	begin(_i, 3, NULL, NULL);
	settle();
	ck_assert_int_eq(put("/p/a", "1", 1, 0), ETCD_OK);
	patience = NULL;
	etcd_status(s.etcd, &status);
	for (size_t i = 0; i < 3; i++)
		if (status.endpoints[i].current)
			server_stop(&servers[i], SIGKILL);
	begun = loop_now(s.loop);
	do
		put("/p/a", "2", 1, 0);
	while (s.outcome != ETCD_OK && loop_now(s.loop) - begun < 10 * USEC_PER_SEC);
	took = loop_now(s.loop) - begun;
	assert_outcome(&s, ETCD_OK);
	ck_assert_msg(took < 8 * USEC_PER_SEC, "took %" PRId64 " ms", took / USEC_PER_MSEC);
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 0);
	finish();
}
END_TEST

START_TEST(a_member_without_a_majority_says_so_at_once)
{
	const struct etcd_range_request range = {.key = "/p/a", .key_len = 4};
	const struct etcd_call_options once = {.retry = ETCD_RETRY_NEVER};
	usec_t begun, asked = 0;

	begin(_i, 3, NULL, NULL);
	settle();
	server_stop(&servers[1], SIGKILL);
	server_stop(&servers[2], SIGKILL);
	begun = loop_now(s.loop);
	do {
		asked = loop_now(s.loop);
		etcd_range(s.etcd, &range, &once, on_done, &s);
		setup_wait(&s);
		ck_assert_int_ne(s.outcome, ETCD_OK);
	} while (s.error != ETCD_ERROR_NO_LEADER && asked - begun < 15 * USEC_PER_SEC);
	ck_assert_int_eq(s.error, ETCD_ERROR_NO_LEADER);
	assert_outcome(&s, ETCD_REFUSED);
	assert_says(&s, "majority");
	ck_assert(loop_now(s.loop) - asked < USEC_PER_SEC);
	server_start(&servers[1], 1, program);
	settle();
	ck_assert_uint_eq(etcd_setbacks(s.etcd), 0);
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd real");
	TCase *t = tcase_create("client");
	int n = server_program(1) ? 2 : 1;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, each_compare_means_what_it_says, 0, n);
	tcase_add_loop_test(t, both_branches_do_what_they_say, 0, n);
	tcase_add_loop_test(t, a_full_transaction_fits, 0, n);
	tcase_add_loop_test(t, a_lease_lives_and_goes, 0, n);
	tcase_add_loop_test(t, revisions_that_are_no_more_or_not_yet, 0, n);
	tcase_add_loop_test(t, a_full_database_is_named_with_its_remedy, 0, n);
	tcase_add_loop_test(t, users_log_in, 0, n);
	tcase_add_loop_test(t, a_user_where_none_is_needed, 0, n);
	tcase_add_loop_test(t, a_restart_is_a_pause, 0, n);
	tcase_add_loop_test(t, a_restored_backup_is_noticed, 0, n);
	tcase_add_loop_test(t, another_etcd_in_its_place_is_not_followed, 0, n);
	tcase_add_loop_test(t, a_cluster_goes_on_without_one_of_three, 0, n);
	tcase_add_loop_test(t, a_member_without_a_majority_says_so_at_once, 0, n);
	suite_add_tcase(suite, t);
	return suite;
}

SERVER_MAIN(suite)
