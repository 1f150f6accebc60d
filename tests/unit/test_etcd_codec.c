/*
 * Bodies as etcd 3.4.23 and 3.5.16 send them, each shape once or more.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "etcd/codec.h"
#include "tests/lib/suite.h"

#define HEADER_34                                                                                  \
	"\"header\":{\"cluster_id\":\"14841639068965178418\",\"member_id\":"                       \
	"\"10276657743932975437\","                                                                \
	"\"revision\":\"16\",\"raft_term\":\"2\"}"
#define HEADER_35                                                                                  \
	"\"header\":{\"cluster_id\":\"14841639068965178418\", "                                    \
	"\"member_id\":\"10276657743932975437\", "                                                 \
	"\"revision\":\"16\", \"raft_term\":\"2\"}"

static void check_header(const struct etcd_header *header)
{
	ck_assert(header->cluster_id == 14841639068965178418ULL);
	ck_assert(header->member_id == 10276657743932975437ULL);
	ck_assert(header->revision == 16);
	ck_assert(header->raft_term == 2);
}

START_TEST(a_range_has_its_keys_values_and_leases)
{
	static const char *const bodies[] = {
		"{" HEADER_34 ",\"kvs\":[{\"key\":\"cC8w\",\"create_revision\":\"9\","
		"\"mod_revision\":\"10\",\"version\":\"2\",\"value\":\"djA=\",\"lease\":\"1234\"},"
		"{\"key\":\"cC8x\",\"create_revision\":\"11\",\"mod_revision\":\"11\","
		"\"version\":\"1\"}],\"more\":true,\"count\":\"5\"}",
		"{" HEADER_35 ", \"kvs\":[{\"key\":\"cC8w\", \"create_revision\":\"9\", "
		"\"mod_revision\":\"10\", \"version\":\"2\", \"value\":\"djA=\", "
		"\"lease\":\"1234\"}, "
		"{\"key\":\"cC8x\", \"create_revision\":\"11\", \"mod_revision\":\"11\", "
		"\"version\":\"1\"}], \"more\":true, \"count\":\"5\"}\n",
	};
	struct etcd_reply reply;

	ck_assert_int_eq(etcd_decode_range(&reply, bodies[_i], strlen(bodies[_i]), NULL), 0);
	check_header(&reply.header);
	ck_assert_uint_eq(reply.n_kvs, 2);
	ck_assert_str_eq(reply.kvs[0].key, "p/0");
	ck_assert_uint_eq(reply.kvs[0].key_len, 3);
	ck_assert_str_eq(reply.kvs[0].value, "v0");
	ck_assert_int_eq(reply.kvs[0].create_revision, 9);
	ck_assert_int_eq(reply.kvs[0].mod_revision, 10);
	ck_assert_int_eq(reply.kvs[0].version, 2);
	ck_assert_int_eq(reply.kvs[0].lease, 1234);
	ck_assert_str_eq(reply.kvs[1].key, "p/1");
	ck_assert_str_eq(reply.kvs[1].value, "");
	ck_assert_uint_eq(reply.kvs[1].value_len, 0);
	ck_assert_int_eq(reply.kvs[1].lease, 0);
	ck_assert(reply.more);
	ck_assert_int_eq(reply.count, 5);
	etcd_reply_done(&reply);
}
END_TEST

START_TEST(an_empty_range_is_a_header_alone)
{
	struct etcd_reply reply;

	ck_assert_int_eq(
		etcd_decode_range(&reply, "{" HEADER_34 "}", strlen("{" HEADER_34 "}"), NULL), 0);
	ck_assert_uint_eq(reply.n_kvs, 0);
	ck_assert(!reply.more);
	etcd_reply_done(&reply);
	etcd_reply_done(&reply);
}
END_TEST

START_TEST(values_may_hold_any_byte)
{
	static const char body[] = "{" HEADER_34 ",\"kvs\":[{\"key\":\"AAEC/w==\","
				   "\"mod_revision\":\"3\",\"value\":\"AAAA\"}],\"count\":\"1\"}";
	struct etcd_reply reply;

	ck_assert_int_eq(etcd_decode_range(&reply, body, strlen(body), NULL), 0);
	ck_assert_uint_eq(reply.kvs[0].key_len, 4);
	ck_assert_int_eq(memcmp(reply.kvs[0].key, "\0\1\2\377", 5), 0);
	ck_assert_uint_eq(reply.kvs[0].value_len, 3);
	ck_assert_int_eq(memcmp(reply.kvs[0].value, "\0\0\0", 4), 0);
	etcd_reply_done(&reply);
}
END_TEST

START_TEST(answers_that_are_none_are_refused_with_the_field)
{
	static const struct {
		const char *body;
		const char *said;
	} bad[] = {
		{"", "the answer"},
		{"nonsense", "the answer"},
		{"[]", "no JSON object"},
		{"{}", "header/cluster_id"},
		{"{\"header\":{}}", "cluster_id"},
		{"{\"header\":{\"cluster_id\":\"x\"}}", "cluster_id"},
		{"{\"header\":{\"cluster_id\":\"1\",\"revision\":\"-4\"}}", "negative revision"},
		{"{" HEADER_34 ",\"kvs\":{}}", "kvs"},
		{"{" HEADER_34 ",\"kvs\":[3]}", "kvs[0]"},
		{"{" HEADER_34 ",\"kvs\":[{\"key\":\"YQ\",\"mod_revision\":\"1\"}]}",
			"kvs[0]: 'key'"},
		{"{" HEADER_34 ",\"kvs\":[{\"key\":\"YQ==\",\"mod_revision\":\"\"}]}",
			"mod_revision"},
		{"{" HEADER_34 ",\"kvs\":[{\"value\":\"YQ==\",\"mod_revision\":\"1\"}]}", "no key"},
		{"{" HEADER_34 ",\"kvs\":[{\"key\":\"YQ==\"}]}", "no revision"},
		{"{" HEADER_34 ",\"more\":\"yes\"}", "more"},
		{"{" HEADER_34 "} {}", "the answer"},
	};
	struct etcd_reply reply = {.lease = 7};
	struct err err = {""};

	ck_assert_int_eq(
		etcd_decode_range(&reply, bad[_i].body, strlen(bad[_i].body), &err), -EPROTO);
	ck_assert_msg(
		strstr(err.text, bad[_i].said), "'%s' does not say '%s'", err.text, bad[_i].said);
	ck_assert_int_eq(reply.lease, 7);
}
END_TEST

START_TEST(a_transaction_that_held)
{
	static const char body[] = "{" HEADER_34 ",\"succeeded\":true,\"responses\":["
				   "{\"response_put\":{\"header\":{\"revision\":\"16\"}}},"
				   "{\"response_delete_range\":{\"header\":{},\"deleted\":\"4\"}},"
				   "{\"response_delete_range\":{}}]}";
	struct etcd_reply reply;

	ck_assert_int_eq(etcd_decode_txn(&reply, body, strlen(body), NULL), 0);
	check_header(&reply.header);
	ck_assert(reply.succeeded);
	ck_assert_uint_eq(reply.n_ops, 3);
	ck_assert_int_eq(reply.ops[0].kind, ETCD_OP_PUT);
	ck_assert_int_eq(reply.ops[1].kind, ETCD_OP_DELETE);
	ck_assert_int_eq(reply.ops[1].deleted, 4);
	ck_assert_int_eq(reply.ops[2].deleted, 0);
	etcd_reply_done(&reply);
}
END_TEST

START_TEST(a_transaction_that_did_not_hold_shows_what_is_there)
{
	static const char body[] =
		"{" HEADER_35
		", \"responses\":[{\"response_range\":{\"header\":{\"revision\":\"16\"}, "
		"\"kvs\":[{\"key\":\"dA==\", \"mod_revision\":\"3\", \"value\":\"eA==\"}], "
		"\"count\":\"1\"}}, {\"response_range\":{\"header\":{\"revision\":\"16\"}}}, "
		"{\"response_range\":{\"kvs\":[{\"key\":\"dQ==\", \"mod_revision\":\"4\"}]}}]}";
	struct etcd_reply reply;

	ck_assert_int_eq(etcd_decode_txn(&reply, body, strlen(body), NULL), 0);
	ck_assert(!reply.succeeded);
	ck_assert_uint_eq(reply.n_ops, 3);
	ck_assert_int_eq(reply.ops[0].kind, ETCD_OP_GET);
	ck_assert_uint_eq(reply.ops[0].n_kvs, 1);
	ck_assert_str_eq(reply.ops[0].kvs[0].key, "t");
	ck_assert_str_eq(reply.ops[0].kvs[0].value, "x");
	ck_assert_uint_eq(reply.ops[1].n_kvs, 0);
	ck_assert_str_eq(reply.ops[2].kvs[0].key, "u");
	etcd_reply_done(&reply);
	ck_assert_int_eq(etcd_decode_txn(&reply, "{" HEADER_35 ", \"responses\":[{\"what\":1}]}",
				 strlen("{" HEADER_35 ", \"responses\":[{\"what\":1}]}"), NULL),
		-EPROTO);
}
END_TEST

START_TEST(a_lease_without_ttl_is_gone)
{
	static const struct {
		const char *body;
		int rc;
		int64_t lease, ttl;
	} rows[] = {
		{"{\"result\":{" HEADER_34 ",\"ID\":\"1234\",\"TTL\":\"10\"}}\n", 0, 1234, 10},
		{"{\"result\":{" HEADER_34 ",\"ID\":\"1234\",\"TTL\":\"10\"}}", 0, 1234, 10},
		{"{\"result\":{" HEADER_34 ",\"ID\":\"1234\"}}\n", 0, 1234, 0},
		{"{\"result\":{" HEADER_34 ",\"ID\":\"1234\",\"TTL\":\"-1\"}}\n", 0, 1234, 0},
		{"{\"result\":{" HEADER_34
		 ",\"ID\":\"9\",\"TTL\":\"5\"}}\n{\"error\":{\"code\":14}}",
			0, 9, 5},
		{"{\"error\":{\"code\":14, \"message\":\"etcdserver: no leader\"}}\n", -EREMOTEIO,
			0, 0},
		{"{\"result\":{" HEADER_34 ",\"ID\":\"9\",\"TTL\":\"9223372036854775807\"}}\n", 0,
			9, ETCD_TTL_MAX},
		{"", -EPROTO, 0, 0},
		{"{\"result\":{" HEADER_34 ",\"ID\":\"12", -EPROTO, 0, 0},
		{"{\"result\":[]}", -EPROTO, 0, 0},
	};
	struct etcd_reply reply = {.lease = 0};

	ck_assert_int_eq(etcd_decode_keepalive(&reply, rows[_i].body, strlen(rows[_i].body), NULL),
		rows[_i].rc);
	ck_assert_int_eq(reply.lease, rows[_i].lease);
	ck_assert_int_eq(reply.ttl, rows[_i].ttl);
	etcd_reply_done(&reply);
}
END_TEST

START_TEST(small_answers)
{
	static const char grant[] = "{" HEADER_34 ",\"ID\":\"9223372036854775807\",\"TTL\":\"6\"}";
	static const char login[] = "{" HEADER_34 ",\"token\":\"flGFuAQpHHclIyKK.22\"}";
	static const char split[] = "{" HEADER_34 ",\"token\":\"a\\r\\nX-Header: 1\"}";
	static const char v34[] = "{\"etcdserver\":\"3.4.23\",\"etcdcluster\":\"3.4.0\"}";
	static const char odd[] = "{\"etcdserver\":\"3.4\\u0007\"}";
	struct etcd_reply reply;
	char version[ETCD_VERSION_MAX];

	ck_assert_int_eq(etcd_decode_grant(&reply, grant, strlen(grant), NULL), 0);
	ck_assert(reply.lease == INT64_MAX && reply.ttl == 6);
	etcd_reply_done(&reply);
	ck_assert_int_eq(etcd_decode_authenticate(&reply, login, strlen(login), NULL), 0);
	ck_assert_str_eq(reply.token, "flGFuAQpHHclIyKK.22");
	etcd_reply_done(&reply);
	ck_assert_int_eq(etcd_decode_authenticate(&reply, split, strlen(split), NULL), -EPROTO);
	ck_assert_int_eq(etcd_decode_header(&reply, grant, strlen(grant), NULL), 0);
	etcd_reply_done(&reply);
	ck_assert_int_eq(etcd_decode_version(version, v34, strlen(v34), NULL), 0);
	ck_assert_str_eq(version, "3.4.23");
	ck_assert_int_eq(etcd_decode_version(version, odd, strlen(odd), NULL), -EPROTO);
}
END_TEST

#define N_ERRORS 34
START_TEST(errors_in_every_shape)
{
	static const struct {
		int status;
		const char *body;
		enum etcd_error_kind kind;
		int code;
		const char *said;
	} rows[] = {
		{400,
			"{\"error\":\"etcdserver: key is not provided\",\"message\":\"etcdserver: "
			"key is "
			"not provided\",\"code\":3}",
			ETCD_ERROR_REFUSED, 3, "key is not provided"},
		{400, "{\"code\":3, \"message\":\"etcdserver: key is not provided\"}",
			ETCD_ERROR_REFUSED, 3, "key is not provided"},
		{200,
			"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: "
			"no "
			"leader\",\"http_status\":\"Service Unavailable\"}}",
			ETCD_ERROR_NO_LEADER, 14, "majority"},
		{200, "{\"error\":{\"code\":14,\"message\":\"etcdserver: no leader\"}}\n",
			ETCD_ERROR_NO_LEADER, 14, "no leader"},
		{503, "{\"error\":\"etcdserver: request timed out\",\"code\":14}",
			ETCD_ERROR_UNAVAILABLE, 14, "timed out"},
		{500, "{\"error\":\"context deadline exceeded\",\"code\":2}",
			ETCD_ERROR_UNAVAILABLE, 2, "deadline"},
		{504, "{\"code\":4, \"message\":\"context deadline exceeded\"}",
			ETCD_ERROR_UNAVAILABLE, 4, "deadline"},
		{401, "{\"error\":\"etcdserver: invalid auth token\",\"code\":16}",
			ETCD_ERROR_TOKEN, 16, "token"},
		{400, "{\"code\":3, \"message\":\"etcdserver: user name is empty\"}",
			ETCD_ERROR_TOKEN, 3, "etcd.user"},
		{400, "{\"code\":3, \"message\":\"etcdserver: revision of auth store is old\"}",
			ETCD_ERROR_AUTH_OLD, 3, "old"},
		{412, "{\"error\":\"etcdserver: authentication is not enabled\",\"code\":9}",
			ETCD_ERROR_AUTH_OFF, 9, "not enabled"},
		{400,
			"{\"code\":3, \"message\":\"etcdserver: authentication failed, invalid "
			"user ID "
			"or password\"}",
			ETCD_ERROR_LOGIN, 3, "password_file"},
		{403, "{\"code\":7, \"message\":\"etcdserver: permission denied\"}",
			ETCD_ERROR_PERMISSION, 7, "role"},
		{429, "{\"error\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}",
			ETCD_ERROR_NOSPACE, 8, "alarm disarm"},
		{404, "{\"error\":\"etcdserver: requested lease not found\",\"code\":5}",
			ETCD_ERROR_LEASE_NOT_FOUND, 5, "lease"},
		{412, "{\"error\":\"etcdserver: lease already exists\",\"code\":9}",
			ETCD_ERROR_LEASE_EXISTS, 9, "exists"},
		{400,
			"{\"code\":11, \"message\":\"etcdserver: mvcc: required revision has been "
			"compacted\"}",
			ETCD_ERROR_COMPACTED, 11, "compacted"},
		{400,
			"{\"code\":11, \"message\":\"etcdserver: mvcc: required revision is a "
			"future "
			"revision\"}",
			ETCD_ERROR_FUTURE_REVISION, 11, "future"},
		{429,
			"{\"code\":8, \"message\":\"grpc: received message larger than max (3 vs. "
			"2)\"}",
			ETCD_ERROR_TOO_LARGE, 8, "larger"},
		{400, "{\"code\":3, \"message\":\"etcdserver: request is too large\"}",
			ETCD_ERROR_TOO_LARGE, 3, "large"},
		{429, "{\"code\":8, \"message\":\"etcdserver: too many requests\"}",
			ETCD_ERROR_BUSY, 8, "many"},
		{503, "{\"code\":14, \"message\":\"etcdserver: rpc not supported for learner\"}",
			ETCD_ERROR_LEARNER, 14, "promote"},
		{503, "{\"code\":14, \"message\":\"remote error: tls: bad certificate\"}",
			ETCD_ERROR_UNAVAILABLE, 14, "clientAuth"},
		{404, "{\"code\":5, \"message\":\"Not Found\"}", ETCD_ERROR_NO_GATEWAY, 5,
			"enable-grpc-gateway"},
		{404, "Not Found\n", ETCD_ERROR_NO_GATEWAY, -1, "gateway"},
		{405, "Method Not Allowed", ETCD_ERROR_NO_GATEWAY, -1, "gateway"},
		{501, "{\"code\":12, \"message\":\"Method Not Allowed\"}", ETCD_ERROR_NO_GATEWAY,
			12, "Method"},
		{400,
			"CommonName of client sending a request against gateway will be ignored "
			"and not "
			"used as expected\n",
			ETCD_ERROR_CERTIFICATE_NAME, -1, "without a CN"},
		{400, "Client sent an HTTP request to an HTTPS server.\n", ETCD_ERROR_NO_GATEWAY,
			-1, "https://"},
		{502, "<html>Bad\tGateway</html>", ETCD_ERROR_TRANSPORT, -1, "502"},
		{503, "", ETCD_ERROR_TRANSPORT, -1, "503"},
		{500, "{}", ETCD_ERROR_TRANSPORT, -1, "500"},
		{500, "{\"code\":\"many\"}", ETCD_ERROR_TRANSPORT, -1, "500"},
		{500, "{\"error\":\"a \\u001b[31mred\\u0007 word\",\"code\":13}",
			ETCD_ERROR_UNAVAILABLE, 13, "a ?[31mred? word"},
	};
	struct etcd_error error;

	ck_assert_uint_eq(ARRAY_SIZE(rows), N_ERRORS);
	etcd_decode_error(&error, rows[_i].status, rows[_i].body, strlen(rows[_i].body));
	ck_assert_msg(error.kind == rows[_i].kind, "%s: kind %d", rows[_i].body, error.kind);
	ck_assert_int_eq(error.code, rows[_i].code);
	ck_assert_msg(strstr(error.text, rows[_i].said), "'%s' does not say '%s'", error.text,
		rows[_i].said);
	for (const char *p = error.text; *p; p++)
		ck_assert_int_ge((unsigned char)*p, ' ');
}
END_TEST

START_TEST(what_may_have_been_applied_is_never_called_definite)
{
	ck_assert(etcd_error_definite(ETCD_ERROR_NO_LEADER));
	ck_assert(etcd_error_definite(ETCD_ERROR_PERMISSION));
	ck_assert(!etcd_error_definite(ETCD_ERROR_NOSPACE));
	ck_assert(!etcd_error_definite(ETCD_ERROR_UNAVAILABLE));
	ck_assert(!etcd_error_definite(ETCD_ERROR_TRANSPORT));
	ck_assert(!etcd_error_definite(ETCD_ERROR_STALE));
	ck_assert(!etcd_error_definite(ETCD_ERROR_ANSWER_TOO_LARGE));
	ck_assert(!etcd_error_definite(ETCD_ERROR_NONE));
}
END_TEST

START_TEST(watch_messages_in_every_shape)
{
	struct etcd_watch_message m;
	static const char created[] =
		"{\"result\":{" HEADER_34 ",\"watch_id\":\"7\",\"created\":true}}";
	static const char events[] =
		"{\"result\":{" HEADER_34
		",\"events\":[{\"kv\":{\"key\":\"dy8w\",\"create_revision\":"
		"\"2\",\"mod_revision\":\"5\",\"version\":\"2\",\"value\":\"bg==\"}},{\"type\":"
		"\"DELETE\","
		"\"kv\":{\"key\":\"dy8x\",\"mod_revision\":\"6\"}}],\"fragment\":true}}";
	static const char progress[] = "{\"result\":{" HEADER_34 "}}\n";
	static const char compacted[] = "{\"result\":{\"header\":{\"cluster_id\":\"5\",\"member_"
					"id\":\"6\",\"raft_term\":\"2\"},"
					"\"canceled\":true,\"compact_revision\":\"26\"}}";
	static const char denied[] =
		"{\"result\":{" HEADER_34 ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
		"\"cancel_reason\":\"rpc error: code = PermissionDenied desc = etcdserver: "
		"permission "
		"denied\"}}";
	static const char no_leader[] = "{\"error\":{\"grpc_code\":14,\"http_code\":503,"
					"\"message\":\"etcdserver: no leader\"}}";

	ck_assert_int_eq(etcd_decode_watch(&m, created, strlen(created), NULL), 0);
	ck_assert(m.created && !m.canceled && !m.failed);
	check_header(&m.header);
	etcd_watch_message_done(&m);
	ck_assert_int_eq(etcd_decode_watch(&m, events, strlen(events), NULL), 0);
	ck_assert_uint_eq(m.n_events, 2);
	ck_assert(!m.events[0].deleted && m.events[1].deleted && m.fragment);
	ck_assert_str_eq(m.events[0].kv.value, "n");
	ck_assert_str_eq(m.events[1].kv.key, "w/1");
	ck_assert_int_eq(m.events[1].kv.mod_revision, 6);
	etcd_watch_message_done(&m);
	ck_assert_int_eq(etcd_decode_watch(&m, progress, strlen(progress), NULL), 0);
	ck_assert(!m.created && !m.n_events && m.header.revision == 16);
	etcd_watch_message_done(&m);
	ck_assert_int_eq(etcd_decode_watch(&m, compacted, strlen(compacted), NULL), 0);
	ck_assert(m.canceled && m.compact_revision == 26 && !m.failed);
	etcd_watch_message_done(&m);
	ck_assert_int_eq(etcd_decode_watch(&m, denied, strlen(denied), NULL), 0);
	ck_assert(m.created && m.canceled && m.failed);
	ck_assert_int_eq(m.error.kind, ETCD_ERROR_PERMISSION);
	ck_assert_int_eq(m.error.code, 7);
	etcd_watch_message_done(&m);
	ck_assert_int_eq(etcd_decode_watch(&m, no_leader, strlen(no_leader), NULL), 0);
	ck_assert(m.failed);
	ck_assert_int_eq(m.error.kind, ETCD_ERROR_NO_LEADER);
	etcd_watch_message_done(&m);
}
END_TEST

START_TEST(watch_messages_that_are_none)
{
	static const char *const bad[] = {"{}", "{\"result\":3}", "{\"result\":{}}",
		"{\"result\":{" HEADER_34 ",\"events\":[{}]}}",
		"{\"result\":{" HEADER_34 ",\"events\":[{\"type\":\"NEW\",\"kv\":{\"key\":\"YQ==\","
		"\"mod_revision\":\"1\"}}]}}",
		"{\"result\":{" HEADER_34 ",\"events\":[{\"kv\":{\"key\":\"YQ==\"}}]}}"};
	struct etcd_watch_message m = {.n_events = 3};

	ck_assert_int_eq(etcd_decode_watch(&m, bad[_i], strlen(bad[_i]), NULL), -EPROTO);
	ck_assert_uint_eq(m.n_events, 3);
}
END_TEST

START_TEST(the_end_of_a_prefix)
{
	static const struct {
		const char *prefix;
		size_t len;
		const char *end;
		size_t end_len;
	} rows[] = {
		{"/confluent/", 11, "/confluent0", 11},
		{"a\xff", 2, "b", 1},
		{"a\xff\xff", 3, "b", 1},
		{"\xff\xff", 2, "\0", 1},
		{"", 0, "\0", 1},
		{"a\xfe", 2, "a\xff", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len;
		char *end = etcd_prefix_end(rows[i].prefix, rows[i].len, &len);

		ck_assert_uint_eq(len, rows[i].end_len);
		ck_assert_int_eq(memcmp(end, rows[i].end, len), 0);
		free(end);
	}
}
END_TEST

START_TEST(requests_as_the_gateway_takes_them)
{
	struct buf b = BUF_INIT(4096);
	struct etcd_range_request range = {.key = "p/", .key_len = 2, .end = "p0", .end_len = 2};

	ck_assert_int_eq(etcd_encode_range(&b, &range), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"key\":\"cC8=\",\"range_end\":\"cDA=\"}");
	buf_reset(&b);
	range = (struct etcd_range_request){.key = "p",
		.key_len = 1,
		.limit = 2,
		.revision = 13,
		.serializable = true,
		.keys_only = true};
	ck_assert_int_eq(etcd_encode_range(&b, &range), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"key\":\"cA==\",\"limit\":\"2\",\"revision\":\"13\","
				       "\"serializable\":true,\"keys_only\":true}");
	buf_reset(&b);
	ck_assert_int_eq(etcd_encode_watch(&b, "w/", 2, "w0", 2, 12), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"create_request\":{\"key\":\"dy8=\",\"range_end\":\"dzA="
				       "\",\"start_revision\":\"12\","
				       "\"progress_notify\":true,\"fragment\":true}}");
	buf_reset(&b);
	ck_assert_int_eq(etcd_encode_grant(&b, 1234, 10), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"ID\":\"1234\",\"TTL\":\"10\"}");
	buf_reset(&b);
	ck_assert_int_eq(etcd_encode_lease(&b, 1234), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"ID\":\"1234\"}");
	buf_reset(&b);
	ck_assert_int_eq(etcd_encode_authenticate(&b, "app", "a\"p\\"), 0);
	ck_assert_str_eq(buf_cstr(&b), "{\"name\":\"app\",\"password\":\"a\\\"p\\\\\"}");
	buf_done(&b);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("etcd codec");
	TCase *t = tcase_create("answers");

	tcase_add_loop_test(t, a_range_has_its_keys_values_and_leases, 0, 2);
	tcase_add_test(t, an_empty_range_is_a_header_alone);
	tcase_add_test(t, values_may_hold_any_byte);
	tcase_add_loop_test(t, answers_that_are_none_are_refused_with_the_field, 0, 15);
	tcase_add_test(t, a_transaction_that_held);
	tcase_add_test(t, a_transaction_that_did_not_hold_shows_what_is_there);
	tcase_add_loop_test(t, a_lease_without_ttl_is_gone, 0, 10);
	tcase_add_test(t, small_answers);
	tcase_add_loop_test(t, errors_in_every_shape, 0, N_ERRORS);
	tcase_add_test(t, what_may_have_been_applied_is_never_called_definite);
	tcase_add_test(t, watch_messages_in_every_shape);
	tcase_add_loop_test(t, watch_messages_that_are_none, 0, 6);
	tcase_add_test(t, the_end_of_a_prefix);
	tcase_add_test(t, requests_as_the_gateway_takes_them);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
