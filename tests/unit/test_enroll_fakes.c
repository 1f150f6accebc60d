/*
 * Joiners at the door of something that is no good server: one that dies, says nothing, does not
 * know the token, or answers with what does not fit.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/stream.h"
#include "io/tls.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_enroll_world.h"
#include "trust/csr.h"
#include "wire/frame.h"

#define HOUR (3600 * USEC_PER_SEC)

static struct joiner j;
static char *token;
static unsigned none;

enum fake_step {
	FAKE_CLOSES_AT_ONCE,
	FAKE_SAYS_NOTHING,
	FAKE_IS_NO_TLS,
	FAKE_CLOSES_AFTER_HANDSHAKE,
	FAKE_CLOSES_AFTER_REQUEST,
	FAKE_ANSWERS,
	FAKE_LISTENS_ONLY,
};

struct fake {
	struct net_listener *listener;
	struct tls_server *tls;
	enum fake_step step;
	bool knows_token;
	struct stream *stream;
	int fd;
	char server_text[32];
	/* the answer is text, or a certificate for `name` by `ca` on the joiner's key */
	const char *text;
	const char *name, *bundle;
	struct ca *ca;
	const char *csr;
	unsigned requests;
};

static struct fake fake;

static const struct stream_limits limits = {1 << 20, 1 << 20};

static void setup(void)
{
	world_setup();
	token = world_invite("mgt2", 0, HOUR);
}

static void teardown(void)
{
	joiner_done(&j);
	secret_free(token);
	world_teardown();
}

static size_t fake_find(
	const unsigned char *identity, size_t len, unsigned char key[TLS_PSK_MAX], void *arg UNUSED)
{
	struct token parsed;
	struct token_psk psk;
	struct err err;

	ck_assert_int_eq(token_parse(token, &parsed, &err), 0);
	ck_assert_int_eq(token_derive(&parsed, &psk, &err), 0);
	ck_assert_uint_eq(len, sizeof(psk.identity));
	ck_assert_mem_eq(identity, psk.identity, len);
	if (!fake.knows_token)
		return 0;
	memcpy(key, psk.key, sizeof(psk.key));
	return sizeof(psk.key);
}

static void fake_answer(struct enroll_request *request)
{
	struct enroll_answer answer = {.code = ENROLL_OK, .bundle = (char *)fake.bundle};
	struct buf text = BUF_INIT(ENROLL_ANSWER_MAX), frame = BUF_INIT(1 << 20);
	struct err err;

	if (fake.text) {
		ck_assert_int_eq(buf_str(&text, fake.text), 0);
	} else {
		ck_assert_int_eq(ca_issue(fake.ca, fake.csr ? fake.csr : request->csr, fake.name,
					 NULL, 0, clock_wall(), &answer.certificate, &err),
			0);
		ck_assert_int_eq(enroll_answer_encode(&answer, "1", &text), 0);
		free(answer.certificate);
	}
	ck_assert_int_eq(frame_put(&frame, FRAME_JSON, text.data, text.len), 0);
	ck_assert_int_eq(stream_send(fake.stream, frame.data, frame.len), 0);
	buf_done(&text);
	buf_done(&frame);
}

static void fake_ready(void *arg UNUSED)
{
	if (fake.step == FAKE_CLOSES_AFTER_HANDSHAKE)
		stream_finish(fake.stream, USEC_PER_SEC);
	else if (fake.step == FAKE_ANSWERS && !fake.knows_token)
		fake_answer(NULL);
}

static void fake_readable(struct buf *received, void *arg UNUSED)
{
	struct enroll_request request;
	struct frame frame;
	struct err err;

	if (frame_get(received, ENROLL_REQUEST_MAX, &frame, &err) != 1)
		return;
	fake.requests++;
	ck_assert_int_eq(enroll_request_decode(frame.body, frame.len, "1", &request, &err), 0);
	ck_assert_str_eq(request.name, "mgt2");
	if (fake.step == FAKE_ANSWERS)
		fake_answer(&request);
	enroll_request_done(&request);
	frame_drop(received, &frame);
	if (fake.step == FAKE_CLOSES_AFTER_REQUEST)
		stream_finish(fake.stream, USEC_PER_SEC);
}

static void fake_closed(int rc UNUSED, const char *why UNUSED, void *arg UNUSED)
{
	stream_free(TAKE(fake.stream));
}

static const struct stream_ops fake_ops = {
	.ready = fake_ready, .readable = fake_readable, .closed = fake_closed};

static void fake_accept(int fd, const char *peer UNUSED, void *arg UNUSED)
{
	struct tls *tls;
	struct err err;

	if (fake.step == FAKE_CLOSES_AT_ONCE) {
		close(fd);
	} else if (fake.step == FAKE_SAYS_NOTHING) {
		fake.fd = fd;
	} else if (fake.step == FAKE_IS_NO_TLS) {
		ck_assert_int_eq(send(fd, "220 mail.example ESMTP\r\n", 24, MSG_NOSIGNAL), 24);
		fake.fd = fd;
	} else {
		ck_assert_int_eq(tls_new_server(&tls, fake.tls, &err), 0);
		ck_assert_int_eq(
			stream_new(&fake.stream, w.loop, fd, tls, &limits, &fake_ops, NULL, &err),
			0);
	}
}

static void fake_start(enum fake_step step)
{
	struct err err;

	fake = (struct fake){.fd = -1, .step = step, .knows_token = true, .name = "mgt2"};
	fake.ca = w.ca;
	fake.bundle = w.bundle_text;
	ck_assert_int_eq(tls_server_new(&fake.tls, w.certificate, w.key, fake_find, NULL, &err), 0);
	ck_assert_int_eq(
		net_listen_tcp(&fake.listener, w.loop, "127.0.0.1", 0, fake_accept, NULL, &err), 0);
	snprintf(fake.server_text, sizeof(fake.server_text), "127.0.0.1:%d",
		net_listener_port(fake.listener));
}

static void fake_stop(void)
{
	stream_free(TAKE(fake.stream));
	net_listener_free(fake.listener);
	tls_server_free(fake.tls);
	if (fake.fd >= 0)
		close(fake.fd);
}

static void assert_fails(int rc, const char *part)
{
	joiner_start_with_timeout(&j, fake.server_text, token, NULL, 2 * USEC_PER_SEC);
	run_until(joiner_is_done, &j);
	ck_assert_msg(j.rc == rc, "%d: %s", j.rc, j.why);
	ck_assert_msg(strstr(j.why, part), "'%s' is not in '%s'", part, j.why);
	ck_assert_ptr_null(j.bundle);
	joiner_done(&j);
	fake_stop();
}

START_TEST(a_server_may_die_at_any_step)
{
	fake_start(FAKE_CLOSES_AT_ONCE);
	joiner_start(&j, fake.server_text, token, NULL);
	run_until(joiner_is_done, &j);
	ck_assert_int_ne(j.rc, 0);
	ck_assert_int_eq(strncmp(j.why, "Failed to connect to 127.0.0.1:", 31), 0);
	joiner_done(&j);
	fake_stop();
	fake_start(FAKE_CLOSES_AFTER_HANDSHAKE);
	assert_fails(-ECONNRESET, "closed the connection without an answer");
	fake_start(FAKE_CLOSES_AFTER_REQUEST);
	assert_fails(-ECONNRESET, "try again with the same invitation");
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	fake_start(FAKE_SAYS_NOTHING);
	assert_fails(-ETIMEDOUT, "Failed to connect to 127.0.0.1:");
}
END_TEST

START_TEST(a_server_that_takes_the_request_and_is_silent_is_given_up)
{
	fake_start(FAKE_LISTENS_ONLY);
	assert_fails(-ETIMEDOUT, "did not answer the request within 2.0s");
	ck_assert_uint_eq(fake.requests, 1);
}
END_TEST

START_TEST(what_is_no_tls_server_is_named)
{
	fake_start(FAKE_IS_NO_TLS);
	assert_fails(-EPROTO, "does not speak TLS");
}
END_TEST

START_TEST(nobody_listening_is_named)
{
	fake_start(FAKE_SAYS_NOTHING);
	net_listener_free(TAKE(fake.listener));
	assert_fails(-ECONNREFUSED, "Failed to connect to 127.0.0.1:");
}
END_TEST

START_TEST(a_server_without_the_key_is_asked_nothing_and_believed_nothing)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"{\"format\":1,\"error\":{\"code\":\"token\",\"text\":\"for a reason\"}}",
			"Invalid token: for a reason"},
		{"{\"format\":1,\"error\":{\"code\":\"quorum\",\"text\":\"no quorum\"}}",
			"Invalid token: no quorum"},
		{"{\"format\":1,\"error\":{\"code\":\"token\",\"text\":\"\\u001b[2Jbad\"}}",
			"did not prove that it knows it"},
		{"{\"format\":1,\"certificate\":\"x\",\"bundle\":\"y\"}",
			"did not prove that it knows it"},
		{"{\"format\":2}", "did not prove that it knows it"},
		{"Confluent -- v4 --", "did not prove that it knows it"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_start(FAKE_ANSWERS);
		fake.knows_token = false;
		fake.text = cases[i].text;
		assert_fails(-EACCES, cases[i].part);
		ck_assert_uint_eq(fake.requests, 0);
	}
	/* not even its good-looking answer */
	fake_start(FAKE_CLOSES_AFTER_HANDSHAKE);
	fake.knows_token = false;
	assert_fails(-EACCES, "did not prove that it knows it");
	fake_start(FAKE_CLOSES_AFTER_REQUEST);
	fake.knows_token = false;
	assert_fails(-EACCES, "did not accept it and gave no reason");
	ck_assert_uint_eq(fake.requests, 0);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_is_refused)
{
	struct bundle *bundle;
	struct privkey *key;
	struct ca *ca;
	struct err err;
	char *csr;

	fake_start(FAKE_ANSWERS);
	fake.text = "{";
	assert_fails(-EBADMSG, "cannot be used");
	fake_start(FAKE_ANSWERS);
	fake.text = "{\"format\":2,\"version\":\"7.1\"}";
	assert_fails(-EPROTONOSUPPORT, "version 7.1");
	fake_start(FAKE_ANSWERS);
	fake.text = "{\"format\":1,\"certificate\":\"x\",\"bundle\":\"y\"}";
	assert_fails(-EBADMSG, "cannot be used");
	fake_start(FAKE_ANSWERS);
	fake.name = "mgt3";
	assert_fails(-EBADMSG, "the certificate is for 'mgt3', not for mgt2");
	fake_start(FAKE_ANSWERS);
	fake.bundle = "collective-bundle 2\n";
	assert_fails(-EBADMSG, "cannot be used");

	ck_assert_int_eq(privkey_generate(&key, &err), 0);
	ck_assert_int_eq(csr_make(key, "mgt2", &csr, &err), 0);
	fake_start(FAKE_ANSWERS);
	fake.csr = csr; /* a certificate for someone else's key */
	assert_fails(-EBADMSG, "cannot be used");
	free(csr);
	privkey_free(key);

	ck_assert_int_eq(bundle_found(&bundle, clock_wall(), &err), 0);
	ck_assert_int_eq(ca_open(&ca, bundle->ca_key, bundle->ca_certificate, &err), 0);
	fake_start(FAKE_ANSWERS);
	fake.ca = ca; /* not the CA of the bundle */
	assert_fails(-EBADMSG, "cannot be used");
	ca_free(ca);
	bundle_free(bundle);
}
END_TEST

START_TEST(a_join_can_be_given_up_at_any_step)
{
	fake_start(FAKE_SAYS_NOTHING);
	joiner_start(&j, fake.server_text, token, NULL);
	joiner_done(&j);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, NULL);
	run_until(one_is_held, NULL);
	joiner_done(&j);
	run_until(connections_are, &none);
	enroll_redeem_fail(w.held[0], ENROLL_UNAVAILABLE, true, "x");
	w.redeem = WORLD_REGISTERS;
	joiner_run(&j, token, NULL);
	ck_assert_msg(j.rc == 0, "%s", j.why);
	fake_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("enroll/fakes");
	TCase *t = tcase_create("fakes");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 90);
	tcase_add_test(t, a_server_may_die_at_any_step);
	tcase_add_test(t, a_silent_server_is_given_up);
	tcase_add_test(t, a_server_that_takes_the_request_and_is_silent_is_given_up);
	tcase_add_test(t, what_is_no_tls_server_is_named);
	tcase_add_test(t, nobody_listening_is_named);
	tcase_add_test(t, a_server_without_the_key_is_asked_nothing_and_believed_nothing);
	tcase_add_test(t, an_answer_that_does_not_fit_is_refused);
	tcase_add_test(t, a_join_can_be_given_up_at_any_step);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(make_suite)
