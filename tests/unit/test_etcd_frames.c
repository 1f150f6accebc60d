/*
 * The stream's splitter, the holding back of half revisions, and transactions being built.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "etcd/batch.h"
#include "etcd/frames.h"
#include "etcd/txn.h"
#include "tests/lib/suite.h"

static const char stream[] =
	"{\"result\":{\"a\":\"}{\\\"\\\\\"}}\n\n{\"b\":[{},{\"c\":\"\\\\\"}]}\r\n"
	"{\"error\":{\"grpc_code\":14}}";
static const char *const messages[] = {"{\"result\":{\"a\":\"}{\\\"\\\\\"}}",
	"{\"b\":[{},{\"c\":\"\\\\\"}]}", "{\"error\":{\"grpc_code\":14}}"};

static size_t drain(struct etcd_frames *frames, size_t seen)
{
	const char *message;
	size_t len;
	int rc;

	while ((rc = etcd_frames_next(frames, &message, &len, NULL)) == 1) {
		ck_assert_uint_lt(seen, ARRAY_SIZE(messages));
		ck_assert_uint_eq(len, strlen(messages[seen]));
		ck_assert_int_eq(memcmp(message, messages[seen], len), 0);
		seen++;
	}
	ck_assert_int_eq(rc, 0);
	return seen;
}

START_TEST(messages_come_whole_wherever_they_are_cut)
{
	size_t len = strlen(stream);

	for (size_t cut = 0; cut <= len; cut++) {
		struct etcd_frames frames;
		size_t seen;

		etcd_frames_init(&frames, 100);
		ck_assert_int_eq(etcd_frames_add(&frames, stream, cut, NULL), 0);
		seen = drain(&frames, 0);
		ck_assert_int_eq(etcd_frames_add(&frames, stream + cut, len - cut, NULL), 0);
		ck_assert_uint_eq(drain(&frames, seen), 3);
		ck_assert_uint_eq(etcd_frames_rest(&frames), 0);
		etcd_frames_done(&frames);
	}
}
END_TEST

START_TEST(messages_come_whole_byte_by_byte)
{
	struct etcd_frames frames;
	size_t seen = 0;

	etcd_frames_init(&frames, 100);
	for (size_t i = 0; i < strlen(stream); i++) {
		ck_assert_int_eq(etcd_frames_add(&frames, stream + i, 1, NULL), 0);
		seen = drain(&frames, seen);
	}
	ck_assert_uint_eq(seen, 3);
	etcd_frames_done(&frames);
}
END_TEST

START_TEST(a_message_has_a_ceiling)
{
	struct etcd_frames frames;
	const char *message;
	size_t len;
	struct err err = {""};

	etcd_frames_init(&frames, 10);
	ck_assert_int_eq(etcd_frames_add(&frames, "{\"a\":1234}", 10, NULL), 0);
	ck_assert_int_eq(etcd_frames_next(&frames, &message, &len, &err), 1);
	ck_assert_int_eq(etcd_frames_add(&frames, "{\"a\":12345}", 11, NULL), 0);
	ck_assert_int_eq(etcd_frames_next(&frames, &message, &len, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "a message of more than 10 bytes");
	etcd_frames_done(&frames);
	etcd_frames_init(&frames, 10);
	ck_assert_int_eq(etcd_frames_add(&frames, "{\"a\":\"12345", 11, NULL), 0);
	ck_assert_int_eq(etcd_frames_next(&frames, &message, &len, &err), -EMSGSIZE);
	etcd_frames_done(&frames);
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	static const char *const bad[] = {"<html>", "\n]", "\"text\"", "[{}]", "{}x"};
	struct etcd_frames frames;
	const char *message;
	size_t len;
	int rc;

	etcd_frames_init(&frames, 100);
	ck_assert_int_eq(etcd_frames_add(&frames, bad[_i], strlen(bad[_i]), NULL), 0);
	do
		rc = etcd_frames_next(&frames, &message, &len, NULL);
	while (rc == 1);
	ck_assert_int_eq(rc, -EPROTO);
	etcd_frames_done(&frames);
}
END_TEST

/* Events "revision:key" delivered so far. */
struct told {
	char text[256];
};

static void on_event(const struct etcd_event *event, void *arg)
{
	struct told *told = arg;
	size_t len = strlen(told->text);

	snprintf(told->text + len, sizeof(told->text) - len, "%s%" PRId64 "%s", len ? " " : "",
		event->kv.mod_revision, event->kv.key);
}

/* A message with events of these revisions, keys a, b, c … */
static struct etcd_watch_message make(bool fragment, const int64_t *revisions)
{
	static const char *const keys[] = {"a", "b", "c", "d"};
	struct etcd_watch_message m = {.fragment = fragment};

	m.events = xcalloc(4, sizeof(*m.events));
	for (; revisions[m.n_events]; m.n_events++) {
		m.events[m.n_events].kv.key = keys[m.n_events];
		m.events[m.n_events].kv.mod_revision = revisions[m.n_events];
	}
	return m;
}

#define REVISIONS(...) ((const int64_t[]){__VA_ARGS__, 0})

static int take(struct etcd_batch *batch, struct told *told, struct etcd_watch_message m)
{
	struct err err = {""};
	int rc = etcd_batch_take(batch, &m, 100, on_event, told, &err);

	ck_assert(!m.events);
	return rc;
}

START_TEST(events_are_delivered_once_and_in_order)
{
	struct told told = {""};
	struct etcd_batch batch;

	etcd_batch_init(&batch, 5);
	ck_assert_int_eq(take(&batch, &told, make(false, REVISIONS(4, 5, 6, 6))), 0);
	ck_assert_str_eq(told.text, "6c 6d");
	ck_assert_int_eq(batch.applied, 6);
	ck_assert_int_eq(take(&batch, &told, make(false, REVISIONS(6))), 0);
	ck_assert_int_eq(take(&batch, &told, make(false, REVISIONS(9))), 0);
	ck_assert_str_eq(told.text, "6c 6d 9a");
	ck_assert_int_eq(batch.applied, 9);
	ck_assert_int_eq(take(&batch, &told, make(false, REVISIONS(12, 11))), -EPROTO);
	ck_assert_int_eq(batch.applied, 9);
	etcd_batch_done(&batch);
}
END_TEST

START_TEST(half_a_revision_waits_for_its_other_half)
{
	struct told told = {""};
	struct etcd_batch batch;

	etcd_batch_init(&batch, 0);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(3, 4, 4))), 0);
	ck_assert_str_eq(told.text, "3a");
	ck_assert_int_eq(batch.applied, 3);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(4, 4))), 0);
	ck_assert_str_eq(told.text, "3a");
	ck_assert_int_eq(take(&batch, &told, make(false, REVISIONS(4, 5))), 0);
	ck_assert_str_eq(told.text, "3a 4b 4c 4a 4b 4a 5b");
	ck_assert_int_eq(batch.applied, 5);
	etcd_batch_done(&batch);
}
END_TEST

START_TEST(a_fragment_that_ended_with_its_revision_is_completed_by_the_next_one)
{
	struct told told = {""};
	struct etcd_batch batch;

	etcd_batch_init(&batch, 0);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(3))), 0);
	ck_assert_int_eq(batch.applied, 0);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(4))), 0);
	ck_assert_str_eq(told.text, "3a");
	ck_assert_int_eq(batch.applied, 3);
	etcd_batch_done(&batch);
}
END_TEST

START_TEST(what_is_held_back_has_a_ceiling)
{
	struct told told = {""};
	struct etcd_batch batch;
	struct etcd_watch_message m = make(true, REVISIONS(3));

	etcd_batch_init(&batch, 0);
	ck_assert_int_eq(
		etcd_batch_take(&batch, &m, ETCD_BATCH_HELD_MAX - 100, on_event, &told, NULL), 0);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(3))), 0);
	ck_assert_int_eq(take(&batch, &told, make(true, REVISIONS(3))), -EMSGSIZE);
	etcd_batch_done(&batch);
}
END_TEST

START_TEST(a_transaction_in_json)
{
	struct etcd_txn *txn = etcd_txn_new();
	struct buf b = BUF_INIT(65536);

	etcd_txn_if_create(txn, "t", ETCD_EQUAL, 0);
	etcd_txn_if_mod(txn, "t", ETCD_LESS, 7);
	etcd_txn_if_version(txn, "t", ETCD_GREATER, 1);
	etcd_txn_if_lease(txn, "t", ETCD_NOT_EQUAL, 5);
	etcd_txn_if_value(txn, "t", ETCD_EQUAL, "x", 1);
	etcd_txn_if_empty(txn, "p/");
	ck_assert(!etcd_txn_writes(txn));
	etcd_txn_put(txn, ETCD_THEN, "t", "1", 1, 0);
	etcd_txn_put(txn, ETCD_THEN, "u", "", 0, 1234);
	etcd_txn_delete(txn, ETCD_THEN, "v");
	etcd_txn_delete_prefix(txn, ETCD_THEN, "p/");
	etcd_txn_get(txn, ETCD_ELSE, "t");
	etcd_txn_get_prefix(txn, ETCD_ELSE, "p/", 3);
	ck_assert(etcd_txn_writes(txn));
	ck_assert_int_eq(etcd_txn_encode(txn, &b, NULL), 0);
	ck_assert_str_eq(buf_cstr(&b),
		"{\"compare\":[{\"key\":\"dA==\",\"target\":\"CREATE\",\"result\":\"EQUAL\","
		"\"create_revision\":\"0\"},{\"key\":\"dA==\",\"target\":\"MOD\",\"result\":"
		"\"LESS\","
		"\"mod_revision\":\"7\"},{\"key\":\"dA==\",\"target\":\"VERSION\",\"result\":"
		"\"GREATER\","
		"\"version\":\"1\"},{\"key\":\"dA==\",\"target\":\"LEASE\",\"result\":\"NOT_"
		"EQUAL\","
		"\"lease\":\"5\"},{\"key\":\"dA==\",\"target\":\"VALUE\",\"result\":\"EQUAL\","
		"\"value\":\"eA==\"},{\"key\":\"cC8=\",\"range_end\":\"cDA=\",\"target\":"
		"\"CREATE\","
		"\"result\":\"EQUAL\",\"create_revision\":\"0\"}],"
		"\"success\":[{\"request_put\":{\"key\":\"dA==\",\"value\":\"MQ==\"}},"
		"{\"request_put\":{\"key\":\"dQ==\",\"value\":\"\",\"lease\":\"1234\"}},"
		"{\"request_delete_range\":{\"key\":\"dg==\"}},"
		"{\"request_delete_range\":{\"key\":\"cC8=\",\"range_end\":\"cDA=\"}}],"
		"\"failure\":[{\"request_range\":{\"key\":\"dA==\"}},"
		"{\"request_range\":{\"key\":\"cC8=\",\"range_end\":\"cDA=\",\"limit\":\"3\"}}]}");
	buf_done(&b);
	etcd_txn_free(txn);
}
END_TEST

START_TEST(a_transaction_has_ceilings)
{
	char *big = xcalloc(1, ETCD_TXN_BYTES_MAX);
	struct etcd_txn *txn = etcd_txn_new();
	struct buf b = BUF_INIT((size_t)4 << 20);
	struct err err = {""};

	for (int i = 0; i < ETCD_TXN_OPS_MAX; i++) {
		ck_assert(etcd_txn_fits(txn, 1, 1, 8));
		etcd_txn_put(txn, ETCD_THEN, "k", "v", 1, 0);
		etcd_txn_get(txn, ETCD_ELSE, "k");
		etcd_txn_if_mod(txn, "k", ETCD_EQUAL, 0);
	}
	ck_assert(!etcd_txn_fits(txn, 0, 1, 0));
	ck_assert(!etcd_txn_fits(txn, 1, 0, 0));
	ck_assert(etcd_txn_fits(txn, 0, 0, 0));
	ck_assert_int_eq(etcd_txn_encode(txn, &b, &err), 0);
	etcd_txn_put(txn, ETCD_THEN, "k", "v", 1, 0);
	ck_assert_int_eq(etcd_txn_encode(txn, &b, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "126"));
	etcd_txn_free(txn);

	txn = etcd_txn_new();
	ck_assert(!etcd_txn_fits(txn, 0, 1, ETCD_TXN_BYTES_MAX));
	ck_assert(etcd_txn_fits(txn, 0, 1, ETCD_TXN_BYTES_MAX - 100));
	etcd_txn_put(txn, ETCD_THEN, "k", big, ETCD_TXN_BYTES_MAX - 100, 0);
	buf_reset(&b);
	ck_assert_int_eq(etcd_txn_encode(txn, &b, &err), 0);
	etcd_txn_put(txn, ETCD_THEN, "l", big, 100, 0);
	ck_assert_int_eq(etcd_txn_encode(txn, &b, &err), -EMSGSIZE);
	etcd_txn_free(txn);

	txn = etcd_txn_new();
	etcd_txn_delete(txn, ETCD_THEN, "");
	ck_assert_int_eq(etcd_txn_encode(txn, &b, &err), -EINVAL);
	etcd_txn_free(txn);
	buf_done(&b);
	free(big);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("etcd frames");
	TCase *t = tcase_create("stream");

	tcase_add_test(t, messages_come_whole_wherever_they_are_cut);
	tcase_add_test(t, messages_come_whole_byte_by_byte);
	tcase_add_test(t, a_message_has_a_ceiling);
	tcase_add_loop_test(t, what_is_no_object_is_refused, 0, 5);
	tcase_add_test(t, events_are_delivered_once_and_in_order);
	tcase_add_test(t, half_a_revision_waits_for_its_other_half);
	tcase_add_test(t, a_fragment_that_ended_with_its_revision_is_completed_by_the_next_one);
	tcase_add_test(t, what_is_held_back_has_a_ceiling);
	suite_add_tcase(s, t);
	t = tcase_create("transaction");
	tcase_add_test(t, a_transaction_in_json);
	tcase_add_test(t, a_transaction_has_ceilings);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
