/*
 * What etcd gets to see of secrets and passwords, and the numbers of new nodes.
 */
#include "config.h"
#include "write/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/test_write.h"
#include "trust/bundle.h"
#include "trust/seal.h"

#define WALL ((usec_t)1700000000 * USEC_PER_SEC)

/* ---- what rig.etcd gets to see ---- */

static void found_bundle(void)
{
	struct err err = {""};

	ck_assert_msg(bundle_found(&rig.identity.bundle, WALL, &err) == 0, "%s", err.text);
}

START_TEST(a_secret_is_sealed_for_its_key)
{
	struct toy_options options = {.prefix = "n",
		.n = 2,
		.value = "sesame",
		.attribute = "secret.x",
		.coat = PLAN_SEAL};
	const char *first, *second;
	struct command c;
	char *clear;
	size_t len;

	rig_begin();
	found_bundle();
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, 0);
	first = kv_get(&rig.kv, "/c/nodes/n0/secret.x")->value;
	second = kv_get(&rig.kv, "/c/nodes/n1/secret.x")->value;
	ck_assert_ptr_null(strstr(first, "sesame"));
	ck_assert_str_ne(first, second);
	ck_assert_int_eq(seal_open(rig.identity.bundle, "nodes/n0/secret.x", first, strlen(first),
				 &clear, &len, NULL),
		0);
	ck_assert_str_eq(clear, "sesame");
	free(clear);
	/* moved to another node */
	options.prefix = "m";
	options.n = 1;
	options.coat = PLAN_RESEAL;
	options.from = "nodes/n1/secret.x";
	options.value = second;
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, 0);
	first = kv_get(&rig.kv, "/c/nodes/m0/secret.x")->value;
	ck_assert_int_eq(seal_open(rig.identity.bundle, "nodes/m0/secret.x", first, strlen(first),
				 &clear, &len, NULL),
		0);
	ck_assert_str_eq(clear, "sesame");
	free(clear);
	/* one that is not what it says */
	options.from = "nodes/other/secret.x";
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, -EIO);
	rig_says(&c, "nodes/other/secret.x");
	rig_end();
}
END_TEST

START_TEST(a_password_is_hashed_once)
{
	const struct toy_options options = {.prefix = "n",
		.n = 200,
		.value = "sesame",
		.attribute = "crypted.rootpassword",
		.coat = PLAN_HASH};
	const char *first, *last;
	struct command c;

	rig_begin();
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, 0);
	first = kv_get(&rig.kv, "/c/nodes/n0/crypted.rootpassword")->value;
	last = kv_get(&rig.kv, "/c/nodes/n199/crypted.rootpassword")->value;
	ck_assert_ptr_nonnull(text_after(first, "$6$"));
	ck_assert_str_eq(first, last);
	rig_end();
}
END_TEST

START_TEST(what_can_not_be_hashed_is_refused)
{
	const struct toy_options options = {.prefix = "n",
		.n = 2,
		.value = "",
		.attribute = "crypted.rootpassword",
		.coat = PLAN_HASH};
	struct command c;

	rig_begin();
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, -EIO);
	rig_says(&c, "crypted.rootpassword can't be hashed");
	ck_assert_uint_eq(rig.kv.puts, 0);
	rig_end();
}
END_TEST

/* ---- numbers ---- */

static int64_t numbered(const char *prefix, size_t n)
{
	const struct toy_options options = {.prefix = prefix, .n = 1, .value = "v", .numbers = n};
	struct command c;

	rig_submit(&c, &options);
	rig_wait(&c);
	ck_assert_msg(c.rc == 0, "%s", c.why);
	return c.facts.first;
}

START_TEST(numbers_are_given_out_once)
{
	rig_begin();
	ck_assert_int_eq(numbered("a", 3), 1);
	ck_assert_str_eq(kv_get(&rig.kv, "/c/nodeindex")->value, "4");
	ck_assert_int_eq(numbered("b", 1), 4);
	/* a reservation whose answer is lost leaves a gap; the first transaction only reads */
	rig.kv.n_faults = rig.kv.at = 0;
	kv_fault(&rig.kv, KV_FINE);
	kv_fault(&rig.kv, KV_APPLY_AND_CUT);
	ck_assert_int_eq(numbered("c", 2), 7);
	ck_assert_str_eq(kv_get(&rig.kv, "/c/nodeindex")->value, "9");
	rig_end();
}
END_TEST

START_TEST(numbers_go_on_behind_the_highest_where_the_key_says_nothing)
{
	rig_begin();
	toy_index(rig.db, "41");
	kv_put(&rig.kv, "/c/nodeindex", "many");
	ck_assert_int_eq(numbered("a", 3), 42);
	ck_assert_str_eq(kv_get(&rig.kv, "/c/nodeindex")->value, "45");
	rig_end();
}
END_TEST

START_TEST(numbers_can_be_asked_for_above_others)
{
	static const int64_t above[] = {100, 50, 101}, first[] = {101, 102, 103};
	struct command c;

	rig_begin();
	kv_put(&rig.kv, "/c/nodeindex", "7");
	for (size_t i = 0; i < ARRAY_SIZE(above); i++) {
		const struct toy_options options = {
			.prefix = "n", .n = 1, .value = "v", .numbers = 1, .above = above[i]};

		rig_submit(&c, &options);
		rig_wait(&c);
		ck_assert_msg(c.rc == 0, "%s", c.why);
		ck_assert_int_eq(c.facts.first, first[i]);
	}
	ck_assert_str_eq(kv_get(&rig.kv, "/c/nodeindex")->value, "104");
	rig_end();
}
END_TEST

START_TEST(a_plan_without_numbers_writes_nothing)
{
	const struct toy_options options = {.prefix = "n", .n = 1, .value = "v", .numbers = 1};
	struct command c;

	rig_begin();
	kv_put(&rig.kv, "/c/nodeindex", "1000000000000");
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, -EIO);
	rig_says(&c, "no more numbers");
	ck_assert_uint_eq(rig.kv.puts, 0);
	rig_end();
}
END_TEST

TCase *writer_values_case(void)
{
	TCase *tc = tcase_create("values");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_secret_is_sealed_for_its_key);
	tcase_add_test(tc, a_password_is_hashed_once);
	tcase_add_test(tc, what_can_not_be_hashed_is_refused);
	tcase_add_test(tc, numbers_are_given_out_once);
	tcase_add_test(tc, numbers_go_on_behind_the_highest_where_the_key_says_nothing);
	tcase_add_test(tc, numbers_can_be_asked_for_above_others);
	tcase_add_test(tc, a_plan_without_numbers_writes_nothing);
	return tc;
}
