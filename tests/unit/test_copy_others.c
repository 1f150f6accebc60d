#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "copy/others.h"
#include "tests/lib/suite.h"

static struct others *others;

static void setup(void)
{
	others = others_new();
}

static void teardown(void)
{
	others_free(others);
}

static bool put(const char *key, const char *value)
{
	const struct store_kv kv = {.key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = strlen(value),
		.mod_revision = 1};

	return others_put(others, &kv);
}

/* How many of n were kept. */
static int put_many(const char *folder, int n)
{
	char key[64];
	int kept = 0;

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s%d", folder, i);
		kept += put(key, "junk");
	}
	return kept;
}

static void on_key(const struct store_kv *kv, void *arg)
{
	ck_assert_int_eq(buf_printf(arg, "%s ", kv->key), 0);
}

START_TEST(keys_are_there_in_their_order_until_they_are_deleted)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(1000);

	ck_assert(put("rekey/state", "1") && put("active/mgt1", "1") && put("members/mgt1", "1"));
	ck_assert(put("foreign", "1") && put("members/mgt1", "2") && put("gone", "1"));
	others_delete(others, "gone", 4);
	others_delete(others, "never", 5);
	others_each(others, on_key, &line);
	ck_assert_str_eq(buf_cstr(&line), "active/mgt1 foreign members/mgt1 rekey/state ");
	ck_assert_uint_eq(others_count(others), 4);
}
END_TEST

START_TEST(what_is_foreign_takes_nothing_from_the_registry)
{
	ck_assert_int_eq(put_many("a/", OTHERS_MAX + 10), OTHERS_MAX);
	ck_assert(put("members/mgt1", "1") && put("active/mgt1", "1") && put("leader", "mgt1"));
	ck_assert(put("rekey/state", "1") && put("rekey/wrapped/00000000/mgt1", "1"));
	ck_assert(others_whole(others));
	others_delete(others, "a/7", 3);
	ck_assert_int_eq(put_many("b/", 2), 1);
}
END_TEST

START_TEST(a_registry_that_is_too_large_is_known_not_to_be_whole)
{
	ck_assert_int_eq(put_many("members/junk", OTHERS_REGISTRY_MAX + 1), OTHERS_REGISTRY_MAX);
	ck_assert(!others_whole(others));
	others_delete(others, "members/junk0", 13);
	ck_assert(put("members/mgt1", "1"));
	ck_assert(!others_whole(others));
}
END_TEST

START_TEST(large_values_use_up_the_room_too)
{
	size_t len = (size_t)1 << 20;
	CLEANUP(freep) char *large = xmalloc(len + 1);
	char key[32];

	memset(large, 'x', len);
	large[len] = '\0';
	for (size_t i = 0; i < OTHERS_BYTES_MAX / len - 1; i++) {
		snprintf(key, sizeof(key), "members/junk%zu", i);
		ck_assert(put(key, large));
	}
	ck_assert(!put("members/mgt1", large));
	ck_assert(!others_whole(others));
	ck_assert(put("foreign", large));
}
END_TEST

static Suite *others_suite(void)
{
	Suite *suite = suite_create("others");
	TCase *t = tcase_create("others");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, keys_are_there_in_their_order_until_they_are_deleted);
	tcase_add_test(t, what_is_foreign_takes_nothing_from_the_registry);
	tcase_add_test(t, a_registry_that_is_too_large_is_known_not_to_be_whole);
	tcase_add_test(t, large_values_use_up_the_room_too);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(others_suite)
