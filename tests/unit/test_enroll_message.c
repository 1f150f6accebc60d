/*
 * The messages of an enrolment: round trips, other versions, and what strangers may send.
 */
#include "config.h"
#include "enroll/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/suite.h"

#define GOOD                                                                                       \
	"{\"format\":1,\"name\":\"mgt2\",\"version\":\"0.1.0\",\"addresses\":[\"10.0.0.2\","       \
	"\"fd00::2\"],\"port\":13001,\"csr\":\"-----BEGIN\\nx\\n-----END\\n\"}"

static struct err err;

static int request(const char *text)
{
	struct enroll_request r;
	int rc;

	err_clear(&err);
	rc = enroll_request_decode(text, strlen(text), "9.9", &r, &err);
	if (rc == 0)
		enroll_request_done(&r);
	else
		ck_assert_msg(*err.text, "no text for %s", text);
	return rc;
}

static int answer(const char *text)
{
	struct enroll_answer a;
	int rc;

	err_clear(&err);
	rc = enroll_answer_decode(text, strlen(text), "9.9", &a, &err);
	if (rc == 0)
		enroll_answer_done(&a);
	else
		ck_assert_msg(*err.text, "no text for %s", text);
	return rc;
}

START_TEST(a_request_comes_back_as_it_was)
{
	const struct enroll_request in = {
		.name = (char *)"mgt2",
		.version = (char *)"0.1.0",
		.addresses = {(char *)"10.0.0.2", (char *)"fd00::2"},
		.address_count = 2,
		.port = 13001,
		.csr = (char *)"-----BEGIN\nx\n-----END\n",
	};
	struct enroll_request out;
	struct buf b = BUF_INIT(ENROLL_REQUEST_MAX);

	ck_assert_int_eq(enroll_request_encode(&in, &b), 0);
	ck_assert_str_eq(b.data, GOOD);
	ck_assert_int_eq(enroll_request_decode(b.data, b.len, "9.9", &out, &err), 0);
	ck_assert_str_eq(out.name, in.name);
	ck_assert_str_eq(out.version, in.version);
	ck_assert_uint_eq(out.address_count, 2);
	ck_assert_str_eq(out.addresses[1], "fd00::2");
	ck_assert_int_eq(out.port, 13001);
	ck_assert_str_eq(out.csr, in.csr);
	enroll_request_done(&out);
	buf_done(&b);
}
END_TEST

START_TEST(answers_come_back_as_they_were)
{
	const struct enroll_answer good = {
		.code = ENROLL_OK,
		.certificate = (char *)"cert\n",
		.bundle = (char *)"collective-bundle 1\n",
	};
	struct enroll_answer out;
	struct buf b = BUF_INIT(ENROLL_ANSWER_MAX);

	ck_assert_int_eq(enroll_answer_encode(&good, "0.1.0", &b), 0);
	ck_assert_int_eq(enroll_answer_decode(b.data, b.len, "9.9", &out, &err), 0);
	ck_assert_int_eq(out.code, ENROLL_OK);
	ck_assert_str_eq(out.certificate, "cert\n");
	ck_assert_str_eq(out.bundle, "collective-bundle 1\n");
	enroll_answer_done(&out);
	for (int code = ENROLL_BAD_TOKEN; code <= ENROLL_REFUSED; code++) {
		const struct enroll_answer bad = {
			.code = (enum enroll_code)code, .text = (char *)"for a reason"};

		buf_reset(&b);
		ck_assert_int_eq(enroll_answer_encode(&bad, "0.1.0", &b), 0);
		ck_assert_int_eq(enroll_answer_decode(b.data, b.len, "9.9", &out, &err), 0);
		ck_assert_int_eq(out.code, code);
		ck_assert_str_eq(out.text, "for a reason");
		ck_assert_ptr_null(out.bundle);
		enroll_answer_done(&out);
	}
	buf_done(&b);
}
END_TEST

START_TEST(a_reason_is_made_printable_and_short)
{
	char text[2000];
	struct enroll_answer in = {.code = ENROLL_REFUSED, .text = text};
	struct enroll_answer out;
	struct buf b = BUF_INIT(ENROLL_ANSWER_MAX);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "\033[2J\n\xc2\x9b", 7);
	ck_assert_int_eq(enroll_answer_encode(&in, "0.1.0", &b), 0);
	ck_assert_int_eq(enroll_answer_decode(b.data, b.len, "9.9", &out, &err), 0);
	ck_assert_uint_eq(strlen(out.text), ENROLL_TEXT_LEN_MAX);
	ck_assert_int_eq(strncmp(out.text, "?[2J???xxx", 10), 0);
	enroll_answer_done(&out);
	buf_reset(&b);
	in.text = NULL;
	ck_assert_int_eq(enroll_answer_encode(&in, "0.1.0", &b), 0);
	ck_assert_int_eq(enroll_answer_decode(b.data, b.len, "9.9", &out, &err), 0);
	ck_assert_str_eq(out.text, "no reason given");
	enroll_answer_done(&out);
	buf_done(&b);
}
END_TEST

START_TEST(an_answer_too_large_is_not_sent)
{
	char *large = xmalloc(ENROLL_ANSWER_MAX);
	const struct enroll_answer in = {
		.code = ENROLL_OK, .certificate = large, .bundle = (char *)"b"};
	struct buf b = BUF_INIT(ENROLL_ANSWER_MAX);

	memset(large, 'x', ENROLL_ANSWER_MAX - 1);
	large[ENROLL_ANSWER_MAX - 1] = '\0';
	ck_assert_int_eq(enroll_answer_encode(&in, "0.1.0", &b), -EMSGSIZE);
	buf_done(&b);
	free(large);
}
END_TEST

START_TEST(another_format_names_both_versions)
{
	ck_assert_int_eq(request("{\"format\":2,\"version\":\"3.0\\u001b\"}"), -EPROTONOSUPPORT);
	ck_assert_str_eq(err.text,
		"version mismatch: the other side speaks enrolment format 2 (collective version "
		"3.0?), this side format 1 (version 9.9); install the same version on both");
	ck_assert_int_eq(request("{\"format\":0}"), -EPROTONOSUPPORT);
	ck_assert_int_eq(answer("{\"format\":2}"), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(what_is_not_known_is_ignored)
{
	ck_assert_int_eq(request("{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],"
				 "\"port\":1,\"csr\":\"x\",\"later\":{\"a\":[1]}}"),
		0);
	ck_assert_int_eq(answer("{\"format\":1,\"error\":{\"code\":\"new\",\"text\":\"t\"}}"), 0);
}
END_TEST

static const char *const bad_requests[] = {
	"",
	"x",
	"[]",
	"null",
	"1",
	"{}",
	"{\"format\":\"x\"}",
	"{\"format\":1}",
	GOOD "x",
	"{\"format\":1,\"name\":\"a "
	"b\",\"version\":\"1\",\"addresses\":[],\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"\",\"version\":\"1\",\"addresses\":[],\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":1,\"version\":\"1\",\"addresses\":[],\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"\",\"addresses\":[],\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\\n\",\"addresses\":[],\"port\":1,\"csr\":"
	"\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":{},\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[1],\"port\":1,\"csr\":"
	"\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[\"\"],\"port\":1,"
	"\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[\"1\",\"2\",\"3\",\"4\","
	"\"5\",\"6\",\"7\",\"8\",\"9\",\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"],"
	"\"port\":1,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":0,\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":65536,"
	"\"csr\":\"x\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":1}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":1,\"csr\":\"\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":1,"
	"\"csr\":\"\\u00e4\"}",
	"{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"addresses\":[],\"port\":1,"
	"\"csr\":\"x\\t\"}",
};

START_TEST(a_bad_request_is_refused)
{
	ck_assert_int_eq(request(bad_requests[_i]), -EBADMSG);
}
END_TEST

static const char *const bad_answers[] = {
	"",
	"{\"format\":1}",
	"{\"format\":1,\"certificate\":\"x\"}",
	"{\"format\":1,\"bundle\":\"x\"}",
	"{\"format\":1,\"certificate\":1,\"bundle\":\"x\"}",
	"{\"format\":1,\"certificate\":\"x\",\"bundle\":\"\\r\"}",
	"{\"format\":1,\"error\":\"x\"}",
	"{\"format\":1,\"error\":null}",
	"{\"format\":1,\"error\":{\"code\":\"token\"}}",
	"{\"format\":1,\"error\":{\"text\":\"x\"}}",
	"{\"format\":1,\"error\":{\"code\":\"token\",\"text\":\"\\u001b[2J\"}}",
	"{\"format\":1,\"error\":{\"code\":\"token\",\"text\":\"\"}}",
};

START_TEST(a_bad_answer_is_refused)
{
	ck_assert_int_eq(answer(bad_answers[_i]), -EBADMSG);
}
END_TEST

START_TEST(no_prefix_or_flipped_bit_of_a_request_does_harm)
{
	char text[] = GOOD;
	const size_t len = sizeof(text) - 1;
	struct enroll_request r;

	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(enroll_request_decode(text, i, "9.9", &r, &err), -EBADMSG);
	for (size_t i = 0; i < len * 8; i++) {
		text[i / 8] ^= (char)(1 << i % 8);
		if (enroll_request_decode(text, len, "9.9", &r, &err) == 0) {
			ck_assert_uint_gt(strlen(r.name), 0);
			enroll_request_done(&r);
		}
		text[i / 8] ^= (char)(1 << i % 8);
	}
}
END_TEST

START_TEST(a_text_past_the_ceiling_is_not_read)
{
	struct buf b = BUF_INIT(2 * ENROLL_ANSWER_MAX);
	struct enroll_request r;
	struct enroll_answer a;

	ck_assert_int_eq(buf_str(&b, GOOD), 0);
	while (b.len <= ENROLL_ANSWER_MAX)
		ck_assert_int_eq(buf_str(&b, " "), 0);
	ck_assert_int_eq(
		enroll_request_decode(b.data, ENROLL_REQUEST_MAX + 1, "9.9", &r, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	ck_assert_int_eq(
		enroll_answer_decode(b.data, ENROLL_ANSWER_MAX + 1, "9.9", &a, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than"));
	buf_done(&b);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("enroll/message");
	TCase *t = tcase_create("message");

	tcase_add_test(t, a_request_comes_back_as_it_was);
	tcase_add_test(t, answers_come_back_as_they_were);
	tcase_add_test(t, a_reason_is_made_printable_and_short);
	tcase_add_test(t, an_answer_too_large_is_not_sent);
	tcase_add_test(t, another_format_names_both_versions);
	tcase_add_test(t, what_is_not_known_is_ignored);
	tcase_add_loop_test(t, a_bad_request_is_refused, 0, ARRAY_SIZE(bad_requests));
	tcase_add_loop_test(t, a_bad_answer_is_refused, 0, ARRAY_SIZE(bad_answers));
	tcase_add_test(t, no_prefix_or_flipped_bit_of_a_request_does_harm);
	tcase_add_test(t, a_text_past_the_ceiling_is_not_read);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(make_suite)
