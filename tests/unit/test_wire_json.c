#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "wire/json.h"

static json *parsed(const char *text)
{
	struct err err = {""};
	json *value = NULL;

	ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
	return value;
}

static void refused_len(const char *text, size_t len, const char *why)
{
	struct err err = {""};
	json *value = NULL;

	ck_assert_msg(json_parse(text, len, &value, &err) == -EINVAL, "'%s' was taken", text);
	ck_assert_ptr_null(value);
	ck_assert_msg(strstr(err.text, why), "'%s': '%s' lacks '%s'", text, err.text, why);
}

static void refused(const char *text, const char *why)
{
	refused_len(text, strlen(text), why);
}

static void prints(const char *text, const char *expected)
{
	struct buf b = BUF_INIT(4096);
	json *value = parsed(text);

	ck_assert_int_eq(json_print(value, &b), 0);
	ck_assert_str_eq(buf_cstr(&b), expected);
	buf_done(&b);
	json_free(value);
}

START_TEST(what_is_printed_is_what_was_read)
{
	prints(" {\"b\" : [1, -2.5, true,false,null,\"x\"],\"a\":{}}\n",
		"{\"b\":[1,-2.5,true,false,null,\"x\"],\"a\":{}}");
	prints("\"\\u00e9 \\ud83d\\ude00 \\\\u0000 \\/ \\t \\u001f \\\"\"",
		"\"\xc3\xa9 \xf0\x9f\x98\x80 \\\\u0000 / \\u0009 \\u001f \\\"\"");
	prints("\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\"");
	prints("9007199254740992", "9007199254740992");
	prints("9007199254740994", "9007199254740994");
	prints("1.7976931348623157e308", "1.7976931348623157e+308");
	prints("0.1", "0.1");
	prints("-0.5e1", "-5");
	prints("1e400", "null");
	prints("\"\"", "\"\"");
}
END_TEST

START_TEST(texts_that_are_not_json_are_refused)
{
	refused("", "nothing");
	refused("   ", "byte");
	refused("{", "byte");
	refused("{\"a\":1,}", "byte");
	refused("{\"a\" 1}", "byte");
	refused("{a:1}", "byte");
	refused("[1,]", "byte");
	refused("[1 2]", "byte");
	refused("{} {}", "follows");
	refused("{}]", "follows");
	refused("nul", "byte");
	refused("NaN", "byte");
	refused("01", "malformed number");
	refused("-", "malformed number");
	refused("1.", "malformed number");
	refused("1e", "malformed number");
	refused("+1", "byte 0");
	refused(".5", "byte 0");
	refused("\"abc", "without end");
	refused("\"abc\\", "without end");
	refused("\"a\nb\"", "control character");
	refused("\"\\x\"", "byte");
	refused("\"\\ud800\"", "byte");
	refused("\"\\udc00\\ud800\"", "byte");
	refused("\"mgt1\\u0000mgt2\"", "NUL");
	refused_len("\"a\0b\"", 5, "control character");
	refused_len("{}\0", 3, "unexpected character");
	refused("\xef\xbb\xbf{}", "byte 0");
	refused("\"\xc0\x80\"", "UTF-8");
	refused("\"\xed\xa0\x80\"", "UTF-8");
	refused("\"\xe0\x80\x80\"", "UTF-8");
	refused("\"\xf0\x80\x80\x80\"", "UTF-8");
	refused("\"\xf5\x80\x80\x80\"", "UTF-8");
	refused("\"\xe2\x82", "UTF-8");
	refused("\x0b{}", "byte 0");
}
END_TEST

START_TEST(each_proper_prefix_of_a_text_is_refused)
{
	const char *text = "{\"a\":[1,2.5e3,\"\\u00e9x\",{\"b\":null}],\"c\":true}";

	for (size_t len = 0; len < strlen(text); len++) {
		/* A copy of its own size, so that a sanitizer sees a read too far. */
		char *part = xmemdup(text, len ? len : 1);
		json *value = NULL;

		ck_assert_int_eq(json_parse(part, len, &value, NULL), -EINVAL);
		free(part);
	}
	json_free(parsed(text));
}
END_TEST

START_TEST(depth_has_a_ceiling)
{
	char text[2 * (JSON_DEPTH_MAX + 1)];

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	text[2 * JSON_DEPTH_MAX] = '\0';
	json_free(parsed(text));
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	refused_len(text, sizeof(text), "nested too deeply");
}
END_TEST

START_TEST(printing_stops_at_the_ceiling_and_takes_back)
{
	struct buf b = BUF_INIT(12);
	json *value = parsed("{\"abc\":\"defgh\"}");

	ck_assert_int_eq(buf_str(&b, "x"), 0);
	ck_assert_int_eq(json_print(value, &b), -EMSGSIZE);
	ck_assert_str_eq(buf_cstr(&b), "x");
	buf_done(&b);
	json_wipe(value);
}
END_TEST

START_TEST(getters_follow_paths_and_are_exact)
{
	json *value = parsed("{\"header\":{\"revision\":\"42\",\"Revision\":1,\"x\":null},"
			     "\"a/b\":1,\"t\":\"\",\"l\":[1]}");
	const json *sub = NULL;
	const char *text = NULL;
	struct err err = {""};
	int64_t v = 7;

	ck_assert_int_eq(json_i64(value, "header/revision", &v, &err), 0);
	ck_assert(v == 42);
	ck_assert_int_eq(json_i64(value, "header/REVISION", &v, &err), -ENOENT);
	ck_assert_str_eq(err.text, "'header/REVISION' is missing");
	ck_assert_int_eq(json_i64(value, "header/x", &v, &err), -ENOENT);
	ck_assert_int_eq(json_i64(value, "header/revision/z", &v, &err), -ENOENT);
	ck_assert(v == 42);
	ck_assert_int_eq(json_i64_or(value, "header/y", -3, &v, &err), 0);
	ck_assert(v == -3);
	ck_assert_ptr_nonnull(json_get(value, "a/b"));
	ck_assert_ptr_nonnull(json_get(json_get(value, "header"), "x"));
	ck_assert_ptr_null(json_get(NULL, "x"));
	ck_assert_int_eq(json_str(value, "t", &text, &err), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(json_str(value, "l", &text, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'l': expected a text, found an array");
	ck_assert_int_eq(json_str_or(value, "l", "d", &text, &err), -EINVAL);
	ck_assert_int_eq(json_array(value, "l", &sub, &err), 0);
	ck_assert_uint_eq(json_count(sub), 1);
	ck_assert_int_eq(json_object(value, "l", &sub, &err), -EINVAL);
	ck_assert_int_eq(json_object(value, "header", &sub, &err), 0);
	ck_assert_str_eq(json_name(sub), "header");
	json_free(value);
}
END_TEST

START_TEST(numbers_are_exact_or_refused)
{
	json *value =
		parsed("{\"big\":\"9223372036854775807\",\"over\":\"9223372036854775808\","
		       "\"n\":9007199254740993000,\"f\":1.5,\"neg\":-1,\"negt\":\"-1\","
		       "\"e\":1e3,\"inf\":1e999,\"hex\":\"0x10\",\"blank\":\" 1\",\"b\":true}");
	static const char *const bad[] = {"over", "n", "f", "inf", "hex", "blank", "b"};
	struct err err = {""};
	int64_t v = 0;
	uint64_t u = 5;

	ck_assert_int_eq(json_i64(value, "big", &v, &err), 0);
	ck_assert(v == INT64_MAX);
	ck_assert_int_eq(json_u64(value, "over", &u, &err), 0);
	ck_assert(u == (uint64_t)INT64_MAX + 1);
	ck_assert_int_eq(json_i64(value, "e", &v, &err), 0);
	ck_assert(v == 1000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err_clear(&err);
		ck_assert_msg(json_i64(value, bad[i], &v, &err) < 0, "%s was taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
	}
	ck_assert(v == 1000);
	ck_assert_int_eq(json_i64(value, "neg", &v, &err), 0);
	ck_assert(v == -1);
	ck_assert_int_eq(json_u64(value, "neg", &u, &err), -ERANGE);
	ck_assert_int_eq(json_u64(value, "negt", &u, &err), -EINVAL);
	ck_assert_int_eq(json_u64_or(value, "nothing", 9, &u, &err), 0);
	ck_assert(u == 9);
	json_free(value);
}
END_TEST

START_TEST(building_keeps_order_and_64_bits)
{
	struct buf b = BUF_INIT(4096);
	struct buf bytes = BUF_INIT(3);
	json *o = json_new_object();
	json *list = json_set(o, "list", json_new_array());
	json *copy;
	bool flag = false;

	json_set_i64(o, "id", INT64_MIN);
	json_set_u64(o, "u", UINT64_MAX);
	json_set_number(o, "n", 1700000000);
	json_set_str(o, "none", NULL);
	json_set_bool(o, "yes", true);
	json_set_b64(o, "key", "\xff\x00z", 3);
	json_set_str(o, "bad", "a=b");
	json_add_str(list, "a");
	json_add(list, json_new_object());
	copy = json_clone(o);
	json_free(o);
	ck_assert_int_eq(json_print(copy, &b), 0);
	ck_assert_str_eq(buf_cstr(&b),
		"{\"list\":[\"a\",{}],\"id\":\"-9223372036854775808\","
		"\"u\":\"18446744073709551615\",\"n\":1700000000,\"none\":null,\"yes\":true,"
		"\"key\":\"/wB6\",\"bad\":\"a=b\"}");
	ck_assert_int_eq(json_b64(copy, "key", &bytes, NULL), 0);
	ck_assert_mem_eq(bytes.data, "\xff\x00z", 3);
	ck_assert_int_eq(json_b64(copy, "key", &bytes, NULL), -EMSGSIZE);
	buf_reset(&bytes);
	ck_assert_int_eq(json_b64(copy, "bad", &bytes, NULL), -EINVAL);
	ck_assert_int_eq(json_bool(copy, "yes", &flag, NULL), 0);
	ck_assert(flag);
	ck_assert_int_eq(json_bool_or(copy, "no", false, &flag, NULL), 0);
	ck_assert(!flag);
	ck_assert_int_eq(json_bool_or(copy, "n", false, &flag, NULL), -EINVAL);
	json_wipe(copy);
	buf_done(&b);
	buf_done(&bytes);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wire_json");
	TCase *t = tcase_create("json");

	tcase_add_test(t, what_is_printed_is_what_was_read);
	tcase_add_test(t, texts_that_are_not_json_are_refused);
	tcase_add_test(t, each_proper_prefix_of_a_text_is_refused);
	tcase_add_test(t, depth_has_a_ceiling);
	tcase_add_test(t, printing_stops_at_the_ceiling_and_takes_back);
	tcase_add_test(t, getters_follow_paths_and_are_exact);
	tcase_add_test(t, numbers_are_exact_or_refused);
	tcase_add_test(t, building_keeps_order_and_64_bits);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
