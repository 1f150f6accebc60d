/* Sealed values: they open where they were sealed and nowhere else. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/bundle.h"
#include "trust/seal.h"

#define PLACE "nodes/n1/secret.hardwaremanagementpassword"

static struct bundle *with_key(unsigned char first)
{
	struct bundle *b = bundle_new();

	b->id = xstrdup("0123");
	memset(b->key, first, sizeof(b->key));
	return b;
}

static char *sealed(const struct bundle *b, const char *value)
{
	char *text = NULL;
	struct err err = {""};

	ck_assert_msg(seal_value(b, PLACE, value, strlen(value), &text, &err) == 0, "%s", err.text);
	return text;
}

static void expect_opens(const struct bundle *b, const char *text, const char *value)
{
	char *clear = NULL;
	size_t len = 0;
	struct err err = {""};

	ck_assert_msg(
		seal_open(b, PLACE, text, strlen(text), &clear, &len, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(len, strlen(value));
	ck_assert_str_eq(clear, value);
	secret_free(clear);
}

static void expect_closed(
	const struct bundle *b, const char *place, const char *text, size_t len, int rc)
{
	char *clear = NULL;
	size_t clear_len;
	struct err err = {""};

	ck_assert_int_eq(seal_open(b, place, text, len, &clear, &clear_len, &err), rc);
	ck_assert_ptr_null(clear);
	ck_assert_str_ne(err.text, "");
}

START_TEST(a_value_opens_where_it_was_sealed)
{
	static const char *const values[] = {"", "x", "Passw0rd", "{n1}", "\xc3\xa4\n"};
	struct bundle *b = with_key(1);

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char *text = sealed(b, values[i]);

		ck_assert(seal_is_sealed(text, strlen(text)));
		expect_opens(b, text, values[i]);
		free(text);
	}
	bundle_free(b);
}
END_TEST

START_TEST(binary_and_the_largest_value_come_back)
{
	struct bundle *b = with_key(1);
	char *value = xmalloc(SEAL_VALUE_MAX + 1);
	char *text = NULL;
	char *clear = NULL;
	size_t len;
	struct err err = {""};

	for (size_t i = 0; i < SEAL_VALUE_MAX + 1; i++)
		value[i] = (char)i;
	ck_assert_int_eq(seal_value(b, PLACE, value, SEAL_VALUE_MAX, &text, NULL), 0);
	ck_assert_uint_le(strlen(text), SEAL_TEXT_MAX);
	ck_assert_int_eq(seal_open(b, PLACE, text, strlen(text), &clear, &len, NULL), 0);
	ck_assert_uint_eq(len, SEAL_VALUE_MAX);
	ck_assert_int_eq(memcmp(clear, value, len), 0);
	ck_assert_int_eq(clear[len], 0);
	free(text);
	free(clear);
	text = NULL;
	ck_assert_int_eq(seal_value(b, PLACE, value, SEAL_VALUE_MAX + 1, &text, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "the secret is longer than 262144 bytes");
	ck_assert_ptr_null(text);
	free(value);
	bundle_free(b);
}
END_TEST

START_TEST(the_text_says_with_which_key_and_nothing_of_the_value)
{
	struct bundle *b = with_key(1);
	char *one = sealed(b, "Passw0rd");
	char *two = sealed(b, "Passw0rd");
	char id[SEAL_KEY_ID_LEN + 1];
	char of[SEAL_KEY_ID_LEN + 1];
	char *head;

	ck_assert_int_eq(seal_key_id(b->key, id, NULL), 0);
	ck_assert(seal_key_of(one, strlen(one), of));
	ck_assert_str_eq(id, of);
	head = xasprintf("sealed:1:%s:", id);
	ck_assert(text_starts(one, head));
	ck_assert_uint_eq(strlen(one), strlen(head) + B64_LEN(12 + 8 + 16));
	ck_assert_str_ne(one, two);
	ck_assert_ptr_null(strstr(one, "Passw0rd"));
	free(head);
	free(one);
	free(two);
	bundle_free(b);
}
END_TEST

START_TEST(a_value_that_was_moved_does_not_open)
{
	static const char *const places[] = {"nodes/n2/secret.hardwaremanagementpassword",
		"groups/n1/secret.hardwaremanagementpassword", "nodes/n1/secret.snmpcommunity",
		"nodes/n1/secret.hardwaremanagementpasswor", "",
		"nodes/n1/secret.hardwaremanagementpasswordx"};
	struct bundle *b = with_key(1);
	struct bundle *other = with_key(1);
	char *text = sealed(b, "Passw0rd");

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		expect_closed(b, places[i], text, strlen(text), -EBADMSG);
	free(other->id);
	other->id = xstrdup("0124");
	expect_closed(other, PLACE, text, strlen(text), -EBADMSG);
	free(text);
	bundle_free(b);
	bundle_free(other);
}
END_TEST

START_TEST(each_flipped_bit_is_noticed)
{
	struct bundle *b = with_key(1);
	char *text = sealed(b, "Passw0rd");
	size_t len = strlen(text);

	for (size_t i = 0; i < len * 8; i++) {
		char *clear = NULL;
		size_t clear_len;
		int rc;

		text[i / 8] ^= (char)(1 << i % 8);
		rc = seal_open(b, PLACE, text, len, &clear, &clear_len, NULL);
		ck_assert_msg(
			rc == -EINVAL || rc == -EBADMSG || rc == -ENOKEY, "bit %zu: %d", i, rc);
		ck_assert_ptr_null(clear);
		text[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t i = 0; i < len; i++) {
		char *clear = NULL;
		size_t clear_len;

		ck_assert_int_lt(seal_open(b, PLACE, text, i, &clear, &clear_len, NULL), 0);
	}
	expect_opens(b, text, "Passw0rd");
	free(text);
	bundle_free(b);
}
END_TEST

START_TEST(what_is_no_sealed_text_is_told_apart)
{
	static const char *const bad[] = {"", "Passw0rd", "sealed:1:", "sealed:1:0123abcd:",
		"sealed:2:0123abcd:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sealed:1:0123ABCD:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sealed:1:0123abc:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"sealed:1:0123abcd:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"sealed:1:0123abcd:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	struct bundle *b = with_key(1);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(!seal_is_sealed(bad[i], strlen(bad[i])), "%s", bad[i]);
		expect_closed(b, PLACE, bad[i], strlen(bad[i]), -EINVAL);
	}
	bundle_free(b);
}
END_TEST

START_TEST(held_keys_open_and_only_the_current_one_seals)
{
	struct bundle *b = with_key(1);
	struct bundle *former = with_key(1);
	struct bundle *next = with_key(2);
	char *old = sealed(b, "old");
	char *young;

	expect_closed(next, PLACE, old, strlen(old), -ENOKEY);
	ck_assert_int_eq(bundle_turn_key(b, next->key, NULL), 0);
	expect_opens(b, old, "old");
	young = sealed(b, "new");
	expect_opens(b, young, "new");
	expect_opens(next, young, "new");
	ck_assert(bundle_drop_key(b, former->key));
	expect_closed(b, PLACE, old, strlen(old), -ENOKEY);
	expect_opens(b, young, "new");
	free(old);
	free(young);
	bundle_free(b);
	bundle_free(former);
	bundle_free(next);
}
END_TEST

static Suite *seal_suite(void)
{
	Suite *suite = suite_create("trust seal");
	TCase *t = tcase_create("seal");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_value_opens_where_it_was_sealed);
	tcase_add_test(t, binary_and_the_largest_value_come_back);
	tcase_add_test(t, the_text_says_with_which_key_and_nothing_of_the_value);
	tcase_add_test(t, a_value_that_was_moved_does_not_open);
	tcase_add_test(t, each_flipped_bit_is_noticed);
	tcase_add_test(t, what_is_no_sealed_text_is_told_apart);
	tcase_add_test(t, held_keys_open_and_only_the_current_one_seals);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(seal_suite)
