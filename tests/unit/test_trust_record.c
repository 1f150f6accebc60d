/* Authentication of registry records. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/record.h"

static const unsigned char key[KDF_KEY_LEN];
static const struct record_field member[] = {
	{"name", "mgt2"},
	{"address", "10.0.0.2"},
	{"port", ""},
};

#define ID   "c1"
#define PATH "members/mgt2"

static void make(const struct record_field *fields, size_t count, char mac[RECORD_MAC_LEN + 1])
{
	ck_assert_int_eq(record_mac(key, ID, PATH, fields, count, mac, NULL), 0);
	ck_assert_int_eq(record_verify(key, ID, PATH, fields, count, mac, NULL), 0);
}

/* The code is in etcd: it must not change from one version to the next. */
START_TEST(the_code_of_a_record_never_changes)
{
	char mac[RECORD_MAC_LEN + 1];

	make(member, ARRAY_SIZE(member), mac);
	ck_assert_str_eq(mac, "b4667ab5b5624f7a91bf4969b297515ed635d27c60dadae4b4120b02d5134b98");
}
END_TEST

START_TEST(the_order_of_fields_does_not_matter)
{
	static const struct record_field turned[] = {
		{"port", ""}, {"name", "mgt2"}, {"gone", NULL}, {"address", "10.0.0.2"}};
	char a[RECORD_MAC_LEN + 1];
	char b[RECORD_MAC_LEN + 1];

	make(member, ARRAY_SIZE(member), a);
	make(turned, ARRAY_SIZE(turned), b);
	ck_assert_str_eq(a, b);
}
END_TEST

START_TEST(records_that_look_alike_have_different_codes)
{
	static const struct record_field lists[][3] = {
		{{"a", "bc"}, {"d", "e"}},
		{{"ab", "c"}, {"d", "e"}},
		{{"a", "bcd"}, {"", "e"}},
		{{"a", ""}, {"bcd", "e"}},
		{{"a", "bc"}, {"d", "e"}, {"f", ""}},
		{{"a", "bc"}, {"d", ""}, {"e", ""}},
		{{"a", "bc"}, {"d", NULL}},
		{{"d", "bc"}, {"a", "e"}},
	};
	static const size_t counts[] = {2, 2, 2, 2, 3, 3, 2, 2};
	char macs[ARRAY_SIZE(lists)][RECORD_MAC_LEN + 1];

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		make(lists[i], counts[i], macs[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(strcmp(macs[i], macs[j]) != 0, "%zu is like %zu", i, j);
	}
}
END_TEST

START_TEST(a_record_verifies_only_where_it_was_written)
{
	static const unsigned char other_key[KDF_KEY_LEN] = {1};
	char mac[RECORD_MAC_LEN + 1];
	struct err err = {""};

	make(member, ARRAY_SIZE(member), mac);
	ck_assert_int_eq(record_verify(other_key, ID, PATH, member, 3, mac, &err), -EBADMSG);
	ck_assert_str_eq(err.text,
		"its authentication code is wrong: no member of this collective wrote it");
	ck_assert_int_eq(record_verify(key, "c2", PATH, member, 3, mac, NULL), -EBADMSG);
	ck_assert_int_eq(record_verify(key, ID, "members/mgt3", member, 3, mac, NULL), -EBADMSG);
	ck_assert_int_eq(record_verify(key, "c1members", "/mgt2", member, 3, mac, NULL), -EBADMSG);
	ck_assert_int_eq(record_verify(key, ID, PATH, member, 2, mac, NULL), -EBADMSG);
}
END_TEST

START_TEST(each_changed_byte_of_a_record_is_noticed)
{
	char mac[RECORD_MAC_LEN + 1];
	char texts[3][2][32];
	struct record_field fields[3];

	make(member, ARRAY_SIZE(member), mac);
	for (size_t i = 0; i < 3; i++) {
		snprintf(texts[i][0], sizeof(texts[i][0]), "%s", member[i].name);
		snprintf(texts[i][1], sizeof(texts[i][1]), "%s", member[i].value);
		fields[i] = (struct record_field){texts[i][0], texts[i][1]};
	}
	ck_assert_int_eq(record_verify(key, ID, PATH, fields, 3, mac, NULL), 0);
	for (size_t i = 0; i < 6; i++) {
		for (char *c = texts[i / 2][i % 2]; *c; c++) {
			*c ^= 1;
			ck_assert_int_eq(
				record_verify(key, ID, PATH, fields, 3, mac, NULL), -EBADMSG);
			*c ^= 1;
		}
	}
	for (size_t i = 0; i < RECORD_MAC_LEN; i++) {
		mac[i] ^= 1;
		ck_assert_int_eq(record_verify(key, ID, PATH, fields, 3, mac, NULL), -EBADMSG);
		mac[i] ^= 1;
	}
	ck_assert_int_eq(record_verify(key, ID, PATH, fields, 3, mac, NULL), 0);
}
END_TEST

START_TEST(a_code_that_is_missing_short_or_long_is_wrong)
{
	char mac[RECORD_MAC_LEN + 1];
	char *longer;
	struct err err = {""};

	make(member, ARRAY_SIZE(member), mac);
	ck_assert_int_eq(record_verify(key, ID, PATH, member, 3, NULL, &err), -EBADMSG);
	ck_assert_str_eq(err.text, "it has no authentication code");
	ck_assert_int_eq(record_verify(key, ID, PATH, member, 3, "", NULL), -EBADMSG);
	longer = xasprintf("%s0", mac);
	ck_assert_int_eq(record_verify(key, ID, PATH, member, 3, longer, NULL), -EBADMSG);
	free(longer);
	mac[RECORD_MAC_LEN - 1] = '\0';
	ck_assert_int_eq(record_verify(key, ID, PATH, member, 3, mac, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_record_past_its_bounds_has_no_code)
{
	static const struct record_field twice[] = {{"name", "a"}, {"role", "b"}, {"name", "a"}};
	struct record_field many[RECORD_FIELDS_MAX + 1];
	char mac[RECORD_MAC_LEN + 1];
	char *large = xmalloc(RECORD_BYTES_MAX + 1);
	struct record_field huge = {"name", large};
	struct err err = {""};

	ck_assert_int_eq(record_mac(key, ID, PATH, twice, 3, mac, &err), -EINVAL);
	ck_assert_str_eq(err.text, "field 'name' comes twice in a record");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct record_field){xasprintf("f%zu", i), "v"};
	ck_assert_int_eq(record_mac(key, ID, PATH, many, RECORD_FIELDS_MAX, mac, NULL), 0);
	ck_assert_int_eq(
		record_mac(key, ID, PATH, many, RECORD_FIELDS_MAX + 1, mac, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "more than 64 fields in a record");
	memset(large, 'x', RECORD_BYTES_MAX);
	large[RECORD_BYTES_MAX] = '\0';
	ck_assert_int_eq(record_verify(key, ID, PATH, &huge, 1, "", &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "the record is larger than 65536 bytes");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		free((char *)many[i].name);
	free(large);
}
END_TEST

static Suite *record_suite(void)
{
	Suite *suite = suite_create("trust record");
	TCase *t = tcase_create("records");

	tcase_add_test(t, the_code_of_a_record_never_changes);
	tcase_add_test(t, the_order_of_fields_does_not_matter);
	tcase_add_test(t, records_that_look_alike_have_different_codes);
	tcase_add_test(t, a_record_verifies_only_where_it_was_written);
	tcase_add_test(t, each_changed_byte_of_a_record_is_noticed);
	tcase_add_test(t, a_code_that_is_missing_short_or_long_is_wrong);
	tcase_add_test(t, a_record_past_its_bounds_has_no_code);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(record_suite)
