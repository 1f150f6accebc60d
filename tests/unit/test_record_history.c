/* Entries of history: what is read, in which order it is told, and what follows from it. */
#include "config.h"
#include "record/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/codec.h"
#include "etcd/txn.h"
#include "tests/unit/test_record.h"

#define NOW  (1000 * USEC_PER_SEC)
#define WALL (1795333836 * USEC_PER_SEC)

static struct history *h;

static void begin(void)
{
	h = history_new();
}

static void finish(void)
{
	history_free(h);
}

static int give(const char *path, const char *value, int64_t revision, bool deleted)
{
	const struct etcd_kv kv = {.key = path,
		.key_len = strlen(path),
		.value = value,
		.value_len = strlen(value),
		.mod_revision = revision};
	struct err err = {""};
	int rc = 1;

	ck_assert(history_key(h, path, &kv, deleted, NOW, WALL, &rc, &err));
	ck_assert((rc < 0) == (*err.text != '\0'));
	return rc;
}

static void put(const char *path, const char *value, int64_t revision)
{
	ck_assert_int_eq(give(path, value, revision, false), 0);
}

static void put_entry(const char *path, const struct history_entry *entry, int64_t revision)
{
	CLEANUP(freep) char *value = history_encode(entry);

	put(path, value, revision);
}

/* All that is still to be told, as an array. */
static json *rest_of(struct history_telling *telling)
{
	json *all = json_new_array(), *one;
	int rc;

	while ((rc = history_telling_next(telling, &one)) != 0) {
		if (rc == 1)
			json_add(all, one);
		else
			ck_assert_int_eq(rc, -EAGAIN);
	}
	history_telling_free(telling);
	return all;
}

static void told(size_t max, const char *expected)
{
	CLEANUP(json_freep) json *all = rest_of(history_telling_new(h, max));
	struct buf b = BUF_INIT(1 << 20);

	ck_assert_int_eq(json_print(all, &b), 0);
	ck_assert_str_eq(buf_cstr(&b), expected);
	buf_done(&b);
}

START_TEST(what_is_told_is_as_it_was_when_that_began)
{
	struct history_telling *telling, *given_up;
	json *all, *one;
	double nodes;

	begin();
	put("history/1",
		"{\"kind\":\"failover\",\"batch\":\"b\",\"moves\":[{\"from\":\"mgt2\","
		"\"to\":\"mgt1\",\"nodes\":3}]}",
		5);
	put("history/2",
		"{\"kind\":\"failover\",\"batch\":\"b\",\"moves\":[{\"from\":\"mgt2\","
		"\"to\":\"mgt1\",\"nodes\":4}]}",
		6);
	telling = history_telling_new(h, 0);
	given_up = history_telling_new(h, 1);
	ck_assert_int_eq(history_telling_next(telling, &one), -EAGAIN);
	ck_assert_int_eq(history_telling_next(given_up, &one), -EAGAIN);
	ck_assert_int_eq(give("history/1", "", 7, true), 0);
	put("history/2", "{\"kind\":\"paused\"}", 8);
	history_begin(h);
	history_end(h);
	ck_assert_uint_eq(history_count(h), 0);
	all = rest_of(telling);
	ck_assert_uint_eq(json_count(all), 1);
	ck_assert_int_eq(json_number(json_first(all), "nodes", &nodes, NULL), 0);
	ck_assert_double_eq(nodes, 7);
	json_free(all);
	history_telling_free(given_up);
	finish();
}
END_TEST

START_TEST(an_entry_is_read_as_it_was_written)
{
	struct history_count counts[] = {{"mgt2", "mgt1", 32}, {"mgt2", "mgt3", 31}};
	struct history_entry is, was = {
					 .kind = HISTORY_FAILOVER,
					 .at = WALL + 250 * USEC_PER_MSEC,
					 .by = "mgt1",
					 .actor = "leader",
					 .member = "mgt2",
					 .from = "a",
					 .to = "b",
					 .reason = (char *)"mgt2 is gone \"for good\"",
					 .batch = "b1",
					 .fence = 812,
					 .counts = counts,
					 .n_counts = 2,
				 };
	CLEANUP(freep) char *value = history_encode(&was);

	ck_assert_int_eq(history_decode(&is, value, strlen(value), NULL), 0);
	ck_assert_int_eq(is.kind, was.kind);
	ck_assert_int_eq(is.at, was.at);
	ck_assert_str_eq(is.by, was.by);
	ck_assert_str_eq(is.actor, was.actor);
	ck_assert_str_eq(is.member, was.member);
	ck_assert_str_eq(is.from, was.from);
	ck_assert_str_eq(is.to, was.to);
	ck_assert_str_eq(is.reason, was.reason);
	ck_assert_str_eq(is.batch, was.batch);
	ck_assert_int_eq(is.fence, was.fence);
	ck_assert_uint_eq(is.n_counts, 2);
	ck_assert_str_eq(is.counts[1].to, "mgt3");
	ck_assert_uint_eq(is.counts[1].nodes, 31);
	history_entry_done(&is);
}
END_TEST

START_TEST(every_kind_has_a_name_of_its_own)
{
	struct history_entry is, was = {.kind = (enum history_kind)_i, .at = WALL};
	CLEANUP(freep) char *value = history_encode(&was);

	ck_assert_int_eq(history_decode(&is, value, strlen(value), NULL), 0);
	ck_assert_int_eq(is.kind, was.kind);
	history_entry_done(&is);
}
END_TEST

/* Managers are what anybody has typed. */
START_TEST(what_is_written_can_always_be_read)
{
	CLEANUP(freep) char *value = NULL;
	struct history_count counts[HISTORY_FROM_TO_MAX];
	struct history_entry is, was = {
					 .kind = HISTORY_DRAIN,
					 .at = WALL,
					 .by = "m\xff\x01",
					 .reason = xmalloc(1000),
					 .counts = counts,
					 .n_counts = HISTORY_FROM_TO_MAX,
				 };

	memset(counts, 1, sizeof(counts));
	for (size_t i = 0; i < HISTORY_FROM_TO_MAX; i++) {
		counts[i].from[NAME_MAX_LEN] = counts[i].to[NAME_MAX_LEN] = '\0';
		counts[i].nodes = 1000000;
	}
	memset(was.reason, 0xff, 999);
	was.reason[999] = '\0';
	value = history_encode(&was);
	ck_assert_int_eq(history_decode(&is, value, strlen(value), NULL), 0);
	ck_assert_str_eq(is.by, "m??");
	ck_assert_uint_eq(strlen(is.reason), HISTORY_REASON_MAX);
	ck_assert_uint_eq(strspn(is.reason, "?"), HISTORY_REASON_MAX);
	history_entry_done(&is);
	free(was.reason);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
	CLEANUP(freep) char *value = NULL;
	struct history_entry is, was = {.kind = HISTORY_PAUSED, .reason = xmalloc(1000)};

	was.reason[0] = 'x';
	for (size_t i = 1; i < 999; i += 2)
		memcpy(was.reason + i, "\xc3\xbc", 3);
	value = history_encode(&was);
	ck_assert_int_eq(history_decode(&is, value, strlen(value), NULL), 0);
	ck_assert_uint_eq(strlen(is.reason), HISTORY_REASON_MAX - 1);
	ck_assert(text_starts(was.reason, is.reason));
	history_entry_done(&is);
	free(was.reason);
}
END_TEST

static const char *const odd_values[] = {"", "[]", "{}", "{\"kind\":\"dance\"}", "{\"kind\":7}",
	"{\"kind\":\"leader\",\"at\":\"now\"}", "{\"kind\":\"drain\",\"moves\":{}}",
	"{\"kind\":\"drain\",\"moves\":[{\"nodes\":-1}]}",
	"{\"kind\":\"drain\",\"moves\":[{\"from\":\"a\"},{\"nodes\":99999999999}]}",
	"{\"kind\":\"drain\",\"reason\":1}", "{\"kind\":\"drain\",\"fence\":\"x\"}"};

START_TEST(what_is_odd_is_not_kept)
{
	begin();
	put("history/1", "{\"kind\":\"leader\"}", 5);
	ck_assert_int_eq(give("history/1", odd_values[_i], 6, false), -EINVAL);
	ck_assert_uint_eq(history_count(h), 0);
	finish();
}
END_TEST

START_TEST(too_many_moves_or_too_long_a_key_are_odd)
{
	char path[HISTORY_KEY_MAX + 10];
	struct buf b = BUF_INIT(1 << 20);

	begin();
	ck_assert_int_eq(buf_str(&b, "{\"kind\":\"drain\",\"moves\":[{}"), 0);
	for (int i = 0; i < HISTORY_FROM_TO_MAX; i++)
		ck_assert_int_eq(buf_str(&b, ",{}"), 0);
	ck_assert_int_eq(buf_str(&b, "]}"), 0);
	ck_assert_int_eq(give("history/1", buf_cstr(&b), 5, false), -EINVAL);
	memset(path, 'x', sizeof(path));
	memcpy(path, HISTORY_FOLDER, strlen(HISTORY_FOLDER));
	path[HISTORY_KEY_MAX] = '\0';
	ck_assert_int_eq(give(path, "{\"kind\":\"leader\"}", 5, false), -EINVAL);
	path[HISTORY_KEY_MAX - 1] = '\0';
	ck_assert_int_eq(give(path, "{\"kind\":\"leader\"}", 5, false), 0);
	buf_done(&b);
	finish();
}
END_TEST

START_TEST(entries_are_told_by_revision)
{
	begin();
	put("history/3", "{\"kind\":\"resign\",\"at\":1,\"from\":\"a\"}", 30);
	put("history/1", "{\"kind\":\"leader\",\"at\":2,\"to\":\"b\"}", 40);
	put("history/2", "{\"kind\":\"leader\",\"at\":3,\"to\":\"a\"}", 20);
	told(0, "[{\"kind\":\"leader\",\"at\":3,\"to\":\"a\",\"revision\":\"20\"},"
		"{\"kind\":\"resign\",\"at\":1,\"from\":\"a\",\"revision\":\"30\"},"
		"{\"kind\":\"leader\",\"at\":2,\"to\":\"b\",\"revision\":\"40\"}]");
	told(1, "[{\"kind\":\"leader\",\"at\":2,\"to\":\"b\",\"revision\":\"40\"}]");
	ck_assert_int_eq(give("history/1", "", 41, true), 0);
	ck_assert_int_eq(give("history/9", "", 42, true), 0);
	ck_assert_uint_eq(history_count(h), 2);
	finish();
}
END_TEST

START_TEST(entries_of_a_batch_are_told_as_one)
{
	begin();
	put("history/1",
		"{\"kind\":\"failover\",\"at\":9,\"batch\":\"b\",\"moves\":["
		"{\"from\":\"a\",\"to\":\"b\",\"nodes\":1}]}",
		10);
	put("history/2", "{\"kind\":\"paused\",\"at\":9}", 11);
	put("history/3",
		"{\"kind\":\"failover\",\"at\":8,\"batch\":\"b\",\"reason\":\"r\","
		"\"moves\":[{\"from\":\"a\",\"to\":\"c\",\"nodes\":2},"
		"{\"from\":\"a\",\"to\":\"b\",\"nodes\":4}]}",
		12);
	put("history/4", "{\"kind\":\"drain\",\"at\":9,\"batch\":\"b\"}", 13);
	told(0, "[{\"kind\":\"paused\",\"at\":9,\"revision\":\"11\"},"
		"{\"kind\":\"failover\",\"at\":8,\"reason\":\"r\",\"revision\":\"12\",\"nodes\":7,"
		"\"moves\":[{\"from\":\"a\",\"to\":\"b\",\"nodes\":5},"
		"{\"from\":\"a\",\"to\":\"c\",\"nodes\":2}]},"
		"{\"kind\":\"drain\",\"at\":9,\"revision\":\"13\"}]");
	/* what of a batch is older than what is left out still counts */
	told(2, "[{\"kind\":\"failover\",\"at\":8,\"reason\":\"r\",\"revision\":\"12\",\"nodes\":7,"
		"\"moves\":[{\"from\":\"a\",\"to\":\"b\",\"nodes\":5},"
		"{\"from\":\"a\",\"to\":\"c\",\"nodes\":2}]},"
		"{\"kind\":\"drain\",\"at\":9,\"revision\":\"13\"}]");
	finish();
}
END_TEST

START_TEST(a_listing_takes_away_what_it_does_not_have)
{
	uint64_t serial;

	begin();
	put("history/1", "{\"kind\":\"leader\",\"to\":\"a\"}", 10);
	put("history/2", "{\"kind\":\"leader\",\"to\":\"b\"}", 11);
	serial = history_serial(h);
	history_begin(h);
	put("history/1", "{\"kind\":\"leader\",\"to\":\"a\"}", 10);
	put("history/2", "{\"kind\":\"leader\",\"to\":\"b\"}", 11);
	history_end(h);
	ck_assert_uint_eq(history_serial(h), serial);
	history_begin(h);
	put("history/2", "{\"kind\":\"leader\",\"to\":\"b\"}", 11);
	ck_assert_uint_eq(history_count(h), 2);
	history_end(h);
	ck_assert_uint_eq(history_count(h), 1);
	ck_assert_str_eq(list_first(history_list(h), struct history_entry, link)->to, "b");
	ck_assert_uint_ne(history_serial(h), serial);
	finish();
}
END_TEST

START_TEST(the_last_leader_is_known)
{
	bool resigned;

	begin();
	ck_assert_str_eq(history_last_leader(h, &resigned), "");
	put("history/1", "{\"kind\":\"resign\",\"from\":\"a\"}", 9);
	ck_assert_str_eq(history_last_leader(h, &resigned), "");
	ck_assert(!resigned);
	put("history/2", "{\"kind\":\"leader\",\"to\":\"a\"}", 10);
	ck_assert_str_eq(history_last_leader(h, &resigned), "a");
	ck_assert(!resigned);
	put("history/3", "{\"kind\":\"resign\",\"from\":\"a\"}", 11);
	ck_assert_str_eq(history_last_leader(h, &resigned), "a");
	ck_assert(resigned);
	put("history/4", "{\"kind\":\"paused\"}", 12);
	ck_assert(history_last(h, HISTORY_PAUSED)->revision == 12);
	put("history/5", "{\"kind\":\"leader\",\"to\":\"b\"}", 13);
	ck_assert_str_eq(history_last_leader(h, &resigned), "b");
	ck_assert(!resigned);
	finish();
}
END_TEST

static void moved(const char *path, enum history_kind kind, usec_t at, int64_t revision)
{
	struct history_count count = {"mgt2", "mgt1", 1};
	const struct history_entry entry = {
		.kind = kind, .at = at, .counts = &count, .n_counts = 1};

	put_entry(path, &entry, revision);
}

static int64_t moved_rev;

static usec_t moved_at(const char *member)
{
	return history_moved_at(h, member, &moved_rev);
}

START_TEST(when_a_member_was_moved_away_from_is_when_it_was_seen)
{
	begin();
	moved("history/1", HISTORY_DRAIN, WALL, 9);
	ck_assert_int_eq(moved_at("mgt2"), 0);
	/* whatever the clock of the one who wrote it says */
	moved("history/2", HISTORY_FAILOVER, WALL - 3600 * USEC_PER_SEC, 10);
	ck_assert_int_eq(moved_at("mgt2"), NOW);
	ck_assert_int_eq(moved_at("mgt1"), 0);
	/* it is remembered when the entry is gone */
	ck_assert_int_eq(give("history/2", "", 11, true), 0);
	ck_assert_int_eq(moved_at("mgt2"), NOW);
	finish();
}
END_TEST

/* As many as may be members; more take the place of those longest ago. */
START_TEST(many_members_are_known_to_have_been_moved_away_from)
{
	begin();
	history_begin(h);
	for (int i = 0; i < 600; i++) {
		CLEANUP(freep) char *path = xasprintf("history/%03d", i);
		CLEANUP(freep)
		char *value = xasprintf("{\"kind\":\"failover\",\"at\":%d,\"moves\":[{\"from\":"
					"\"m%d\",\"to\":\"x\",\"nodes\":1}]}",
			1000 + i, i * 7 % 600);

		put(path, value, 10 + i);
	}
	history_end(h);
	for (int i = 0; i < 600; i++) {
		CLEANUP(freep) char *name = xasprintf("m%d", i * 7 % 600);
		usec_t at = NOW - (WALL - (1000 + i) * USEC_PER_SEC);

		ck_assert_int_eq(moved_at(name), i < 600 - 512 ? 0 : at);
	}
	finish();
}
END_TEST

START_TEST(the_revision_of_the_last_move_is_known)
{
	begin();
	moved_at("mgt2");
	ck_assert_int_eq(moved_rev, 0);
	moved("history/1", HISTORY_FAILOVER, WALL, 10);
	moved("history/2", HISTORY_DRAIN, WALL, 11);
	moved_at("mgt2");
	ck_assert_int_eq(moved_rev, 10);
	/* a listing tells it anew, of what was known and of what was not */
	history_begin(h);
	moved("history/1", HISTORY_FAILOVER, WALL, 10);
	moved("history/3", HISTORY_FAILOVER, WALL - 3600 * USEC_PER_SEC, 14);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), NOW);
	ck_assert_int_eq(moved_rev, 14);
	/* of an etcd that was made anew, too */
	history_begin(h);
	moved("history/1", HISTORY_FAILOVER, WALL, 3);
	history_end(h);
	moved_at("mgt2");
	ck_assert_int_eq(moved_rev, 3);
	history_begin(h);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), NOW);
	ck_assert_int_eq(moved_rev, 0);
	finish();
}
END_TEST

START_TEST(what_is_older_happened_by_its_age)
{
	begin();
	history_begin(h);
	moved("history/1", HISTORY_FAILOVER, WALL - 3600 * USEC_PER_SEC, 10);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), NOW - 3600 * USEC_PER_SEC);
	history_begin(h);
	moved("history/1", HISTORY_FAILOVER, WALL - 3600 * USEC_PER_SEC, 10);
	moved("history/2", HISTORY_FAILOVER, WALL - 20 * USEC_PER_SEC, 11);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), NOW - 20 * USEC_PER_SEC);
	history_begin(h);
	moved("history/3", HISTORY_FAILOVER, WALL + 3600 * USEC_PER_SEC, 12);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), NOW);
	finish();
}
END_TEST

/* On the first second of the clock, the zero that stands for never is not what comes out. */
START_TEST(what_happened_at_zero_happened)
{
	begin();
	history_begin(h);
	moved("history/1", HISTORY_FAILOVER, WALL - NOW, 10);
	history_end(h);
	ck_assert_int_eq(moved_at("mgt2"), 1);
	finish();
}
END_TEST

START_TEST(a_full_folder_makes_room_for_what_is_new)
{
	begin();
	for (int i = 0; i < HISTORY_KEPT_MAX + 100; i++) {
		CLEANUP(freep) char *path = xasprintf("history/%d", i);

		put(path, "{\"kind\":\"paused\"}", i + 1);
	}
	ck_assert_uint_eq(history_count(h), HISTORY_KEPT_MAX);
	ck_assert_int_eq(list_first(history_list(h), struct history_entry, link)->revision, 101);
	finish();
}
END_TEST

START_TEST(the_oldest_are_removed)
{
	struct etcd_txn *txn = etcd_txn_new();
	struct buf b = BUF_INIT(1 << 20);

	begin();
	for (int i = 0; i < HISTORY_MAX; i++) {
		CLEANUP(freep) char *path = xasprintf("history/%d", 5000 - i);

		put(path, "{\"kind\":\"paused\"}", i + 1);
	}
	ck_assert_uint_eq(history_prune(h, txn, "/c/", 10), 0);
	ck_assert(!etcd_txn_writes(txn));
	put("history/9", "{\"kind\":\"paused\"}", 2000);
	put("history/8", "{\"kind\":\"paused\"}", 2001);
	ck_assert_uint_eq(history_prune(h, txn, "/c/", 10), 2);
	ck_assert_int_eq(etcd_txn_encode(txn, &b, NULL), 0);
	/* /c/history/5000 and /c/history/4999 */
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "L2MvaGlzdG9yeS81MDAw"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "L2MvaGlzdG9yeS80OTk5"));
	buf_done(&b);
	etcd_txn_free(txn);
	txn = etcd_txn_new();
	ck_assert_uint_eq(history_prune(h, txn, "/c/", 1), 1);
	etcd_txn_free(txn);
	finish();
}
END_TEST

START_TEST(keys_begin_with_the_time_and_are_new)
{
	char a[HISTORY_KEY_MAX], b[HISTORY_KEY_MAX];
	char longest[NAME_MAX_LEN + 1];

	history_make_key(a, WALL + 123456, "mgt1");
	history_make_key(b, WALL + 123456, "mgt1");
	ck_assert(text_starts(a, "history/20261122T075036.123456Z-mgt1-"));
	ck_assert_str_ne(a, b);
	memset(longest, 'x', NAME_MAX_LEN);
	longest[NAME_MAX_LEN] = '\0';
	history_make_key(a, INT64_MAX, longest);
	ck_assert(text_starts(strstr(a, "-x") + 1, longest));
}
END_TEST

TCase *history_case(void)
{
	TCase *t = tcase_create("history");

	tcase_add_test(t, an_entry_is_read_as_it_was_written);
	tcase_add_test(t, what_is_told_is_as_it_was_when_that_began);
	tcase_add_loop_test(t, every_kind_has_a_name_of_its_own, 0, HISTORY_KINDS);
	tcase_add_test(t, what_is_written_can_always_be_read);
	tcase_add_test(t, a_long_reason_is_cut_between_characters);
	tcase_add_loop_test(t, what_is_odd_is_not_kept, 0, ARRAY_SIZE(odd_values));
	tcase_add_test(t, too_many_moves_or_too_long_a_key_are_odd);
	tcase_add_test(t, entries_are_told_by_revision);
	tcase_add_test(t, entries_of_a_batch_are_told_as_one);
	tcase_add_test(t, a_listing_takes_away_what_it_does_not_have);
	tcase_add_test(t, the_last_leader_is_known);
	tcase_add_test(t, when_a_member_was_moved_away_from_is_when_it_was_seen);
	tcase_add_test(t, many_members_are_known_to_have_been_moved_away_from);
	tcase_add_test(t, the_revision_of_the_last_move_is_known);
	tcase_add_test(t, what_is_older_happened_by_its_age);
	tcase_add_test(t, what_happened_at_zero_happened);
	tcase_add_test(t, a_full_folder_makes_room_for_what_is_new);
	tcase_add_test(t, the_oldest_are_removed);
	tcase_add_test(t, keys_begin_with_the_time_and_are_new);
	return t;
}
