#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "wire/envelope.h"
#include "wire/frame.h"

static json *parsed(const char *text)
{
	struct err err = {""};
	json *value = NULL;

	ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
	return value;
}

START_TEST(a_frame_is_four_bytes_and_a_body)
{
	struct buf b = BUF_INIT(1024);
	json *value = envelope_new_done();

	ck_assert_int_eq(frame_put(&b, FRAME_TEXT, "abc", 3), 0);
	ck_assert_int_eq(frame_put_json(&b, value), 0);
	ck_assert_uint_eq(b.len, 7 + 4 + 18);
	ck_assert_mem_eq(b.data, "\0\0\0\3abc\1\0\0\x12{\"_requestdone\":1}", b.len);
	json_free(value);
	buf_done(&b);
}
END_TEST

START_TEST(frames_are_found_wherever_the_bytes_are_cut)
{
	static const char bytes[] = "\0\0\0\3abc\1\0\0\2{}\2\0\0\1f";
	static const struct {
		enum frame_type type;
		const char *body;
	} expected[] = {{FRAME_TEXT, "abc"}, {FRAME_JSON, "{}"}, {FRAME_FD, "f"}};
	struct buf b = BUF_INIT(64);
	struct frame frame;
	size_t found = 0, total = sizeof(bytes) - 1;

	for (size_t cut = 0; cut <= total; cut++) {
		size_t halves[] = {cut, total - cut};
		const char *at = bytes;

		found = 0;
		for (size_t h = 0; h < 2; h++) {
			ck_assert_int_eq(buf_add(&b, at, halves[h]), 0);
			at += halves[h];
			while (frame_get(&b, 16, &frame, NULL) == 1) {
				ck_assert_int_eq(frame.type, expected[found].type);
				ck_assert_uint_eq(frame.len, strlen(expected[found].body));
				ck_assert_mem_eq(frame.body, expected[found].body, frame.len);
				frame_drop(&b, &frame);
				found++;
			}
		}
		ck_assert_uint_eq(found, ARRAY_SIZE(expected));
		ck_assert_uint_eq(b.len, 0);
	}
	for (size_t i = 0; i < total; i++) {
		ck_assert_int_eq(buf_add(&b, bytes + i, 1), 0);
		if (frame_get(&b, 16, &frame, NULL) == 1) {
			frame_drop(&b, &frame);
			found--;
		}
	}
	ck_assert_uint_eq(found, 0);
	buf_done(&b);
}
END_TEST

static const struct {
	const char *header;
	int rc;
	const char *text;
} bad_headers[] = {
	{"\x80\0\0\1", -EPROTO, "reserved bit"},
	{"\x81\0\0\0", -EPROTO, "reserved bit"},
	{"\3\0\0\1", -EPROTO, "unknown frame type 3"},
	{"\x7f\0\0\1", -EPROTO, "unknown frame type 127"},
	{"\0\0\0\0", -ESHUTDOWN, "end of session"},
	{"\1\0\0\0", -ESHUTDOWN, "end of session"},
	{"\1\x10\0\1", -EMSGSIZE, "frame of 1048577 bytes, at most 1048576"},
	{"\1\xff\xff\xff", -EMSGSIZE, "frame of 16777215 bytes"},
};

START_TEST(a_header_that_is_none_is_refused_at_once)
{
	struct buf b = BUF_INIT(64);
	struct frame frame;
	struct err err = {""};

	ck_assert_int_eq(buf_add(&b, bad_headers[_i].header, 3), 0);
	ck_assert_int_eq(frame_get(&b, FRAME_REQUEST_MAX, &frame, &err), 0);
	ck_assert_int_eq(buf_add(&b, bad_headers[_i].header + 3, 1), 0);
	ck_assert_int_eq(frame_get(&b, FRAME_REQUEST_MAX, &frame, &err), bad_headers[_i].rc);
	ck_assert_ptr_nonnull(strstr(err.text, bad_headers[_i].text));
	buf_done(&b);
}
END_TEST

START_TEST(what_does_not_fit_is_taken_back)
{
	struct buf b = BUF_INIT(20);
	struct buf large = BUF_INIT((size_t)FRAME_BODY_MAX * 2);
	char *body = xcalloc(1, (size_t)FRAME_BODY_MAX + 1);
	json *value = envelope_new_done();

	ck_assert_int_eq(frame_put(&b, FRAME_TEXT, "", 0), -EINVAL);
	ck_assert_int_eq(frame_put(&b, FRAME_TEXT, "abc", 3), 0);
	ck_assert_int_eq(frame_put(&b, FRAME_TEXT, "0123456789", 10), -EMSGSIZE);
	ck_assert_int_eq(frame_put_json(&b, value), -EMSGSIZE);
	ck_assert_uint_eq(b.len, 7);
	ck_assert_int_eq(
		frame_put(&large, FRAME_TEXT, body, (size_t)FRAME_BODY_MAX + 1), -EMSGSIZE);
	ck_assert_uint_eq(large.len, 0);
	memset(body, 'x', FRAME_BODY_MAX);
	json_free(value);
	value = json_new_str(body);
	ck_assert_int_eq(frame_put_json(&large, value), -EMSGSIZE);
	ck_assert_uint_eq(large.len, 0);
	body[FRAME_BODY_MAX - 2] = '\0';
	json_free(value);
	value = json_new_str(body);
	ck_assert_int_eq(frame_put_json(&large, value), 0);
	ck_assert_uint_eq(large.len, FRAME_HEADER + (size_t)FRAME_BODY_MAX);
	json_free(value);
	free(body);
	buf_done(&b);
	buf_done(&large);
}
END_TEST

START_TEST(requests_are_taken_apart)
{
	json *value = parsed("{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"x\":1,"
			     "\"parameters\":{\"a\":null}}");
	struct envelope e;

	ck_assert_int_eq(envelope_parse(value, &e, NULL), 0);
	ck_assert_int_eq(e.kind, ENVELOPE_REQUEST);
	ck_assert_str_eq(e.operation, "update");
	ck_assert_str_eq(e.path, "/nodes/n1");
	ck_assert_uint_eq(json_count(e.body), 1);
	json_free(value);

	value = parsed("{\"operation\":\"retrieve\",\"path\":\"/\",\"parameters\":null}");
	ck_assert_int_eq(envelope_parse(value, &e, NULL), 0);
	ck_assert_ptr_null(e.body);
	json_free(value);

	value = parsed("{\"collective\":{\"operation\":\"show\",\"verbose\":true}}");
	ck_assert_int_eq(envelope_parse(value, &e, NULL), 0);
	ck_assert_int_eq(e.kind, ENVELOPE_COLLECTIVE);
	ck_assert_str_eq(e.operation, "show");
	ck_assert_ptr_nonnull(json_get(e.body, "verbose"));
	json_free(value);

	value = parsed("{\"username\":\"u\",\"password\":\"p\"}");
	ck_assert_int_eq(envelope_parse(value, &e, NULL), 0);
	ck_assert_int_eq(e.kind, ENVELOPE_LOGIN);
	json_wipe(value);
}
END_TEST

static const struct {
	const char *message, *why;
} bad_messages[] = {
	{"[]", "expected an object, found an array"},
	{"\"x\"", "expected an object, found a text"},
	{"null", "found null"},
	{"{}", "'operation' is missing"},
	{"{\"operation\":\"retrieve\"}", "'path' is missing"},
	{"{\"operation\":1,\"path\":\"/\"}", "'operation': expected a text"},
	{"{\"operation\":\"retrieve\",\"path\":null}", "'path' is missing"},
	{"{\"operation\":\"retrieve\",\"path\":\"/\",\"parameters\":[]}", "'parameters'"},
	{"{\"Operation\":\"retrieve\",\"path\":\"/\"}", "'operation' is missing"},
	{"{\"collective\":null}", "'collective' is missing"},
	{"{\"collective\":\"show\"}", "'collective': expected an object"},
	{"{\"collective\":{}}", "collective: 'operation' is missing"},
	{"{\"collective\":{\"operation\":{}}}", "collective: 'operation': expected a text"},
};

START_TEST(a_message_that_is_no_request_says_why)
{
	json *value = parsed(bad_messages[_i].message);
	struct err err = {""};
	struct envelope e;

	ck_assert_int_eq(envelope_parse(value, &e, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, bad_messages[_i].why), "%s: %s", bad_messages[_i].message,
		err.text);
	json_free(value);
}
END_TEST

static void prints(json *value, const char *expected)
{
	struct buf b = BUF_INIT(1024);

	ck_assert_int_eq(json_print(value, &b), 0);
	ck_assert_str_eq(buf_cstr(&b), expected);
	json_free(value);
	buf_done(&b);
}

START_TEST(replies_are_worded_as_the_tools_expect_them)
{
	json *inner = json_new_object();

	prints(envelope_new_authpassed(true), "{\"authpassed\":1}");
	prints(envelope_new_authpassed(false), "{\"authpassed\":0}");
	prints(envelope_new_done(), "{\"_requestdone\":1}");
	prints(envelope_new_item("nodes/"), "{\"item\":{\"href\":\"nodes/\"}}");
	prints(envelope_new_error(403, "Forbidden"),
		"{\"errorcode\":403,\"error\":\"Forbidden\","
		"\"detail\":\"{\\\"error\\\": \\\"Forbidden\\\"}\"}");
	prints(envelope_new_error(400, "Bad Request - a \"b\""),
		"{\"errorcode\":400,\"error\":\"Bad Request - a \\\"b\\\"\","
		"\"detail\":\"{\\\"error\\\": \\\"Bad Request - a \\\\\\\"b\\\\\\\"\\\"}\"}");
	prints(envelope_new_error(500, "Unexpected error - x"),
		"{\"errorcode\":500,\"error\":\"Unexpected error - x\"}");
	json_set_str(inner, "status", "Success");
	prints(envelope_new_collective(inner), "{\"collective\":{\"status\":\"Success\"}}");
	prints(envelope_new_collective_error("no"), "{\"collective\":{\"error\":\"no\"}}");
}
END_TEST

START_TEST(only_the_greeting_of_this_protocol_is_taken)
{
	struct err err = {""};

	ck_assert_int_eq(envelope_check_banner("Confluent -- v4 --", 18, &err), 0);
	ck_assert_int_eq(envelope_check_banner("Confluent -- v40 --", 19, &err), -EPROTO);
	ck_assert_int_eq(envelope_check_banner("Confluent -- v4", 15, &err), -EPROTO);
	ck_assert_int_eq(envelope_check_banner("SSH-2.0-\x1b[2J", 12, &err), -EPROTO);
	ck_assert_str_eq(
		err.text, "the greeting is 'SSH-2.0-?[2J' (expected 'Confluent -- v4 --')");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wire_frame");
	TCase *t = tcase_create("frame");

	tcase_add_test(t, a_frame_is_four_bytes_and_a_body);
	tcase_add_test(t, frames_are_found_wherever_the_bytes_are_cut);
	tcase_add_loop_test(
		t, a_header_that_is_none_is_refused_at_once, 0, ARRAY_SIZE(bad_headers));
	tcase_add_test(t, what_does_not_fit_is_taken_back);
	suite_add_tcase(s, t);
	t = tcase_create("envelope");
	tcase_add_test(t, requests_are_taken_apart);
	tcase_add_loop_test(t, a_message_that_is_no_request_says_why, 0, ARRAY_SIZE(bad_messages));
	tcase_add_test(t, replies_are_worded_as_the_tools_expect_them);
	tcase_add_test(t, only_the_greeting_of_this_protocol_is_taken);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
