/*
 * The happy path, one step per event of the network:
 *
 *     connecting -> handshake -> answer -> ended
 *
 * The request goes out with the step to `answer`. `ended` is entered from everywhere, once, with the
 * result; then everything is released and the owner told. One timer bounds it all, the connect has a
 * shorter bound of its own.
 *
 * The failure to tell apart from all others is a handshake that went well without our key: then the
 * step is to `explained` in place of `answer`, where one small message is read and shown with every
 * unprintable character replaced, and nothing is sent or believed.
 */
#include "config.h"
#include "enroll/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "enroll/message.h"
#include "enroll/server.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/stream.h"
#include "io/tls.h"
#include "trust/bundle.h"
#include "trust/cert.h"
#include "trust/csr.h"
#include "trust/privkey.h"
#include "trust/token.h"
#include "wire/frame.h"

#define TIMEOUT		    (30 * USEC_PER_SEC)
#define CONNECT_TIMEOUT	    (10 * USEC_PER_SEC)
#define EXPLANATION_TIMEOUT (5 * USEC_PER_SEC)
#define EXPLANATION_MAX	    4096 /* bytes read from a server that proved nothing */
#define EXPLANATION_SHOWN   300	 /* characters shown of it */

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_HANDSHAKE,
	CLIENT_ANSWER,
	CLIENT_EXPLAINED,
	CLIENT_ENDED,
};

struct enroll_client {
	struct loop *loop;
	enroll_client_fn *done;
	void *arg;
	enum client_state state;
	char *server; /* as typed */
	char *name;   /* the token's */
	char *version;
	usec_t timeout;
	struct token_psk psk;
	struct privkey *key;
	struct buf request; /* the whole frame */
	struct net_connect *connect;
	struct stream *stream;
	struct loop_timer *deadline;
};

static void release(struct enroll_client *c)
{
	net_connect_free(TAKE(c->connect));
	stream_free(TAKE(c->stream));
	loop_timer_free(TAKE(c->deadline));
	token_psk_wipe(&c->psk);
}

void enroll_client_free(struct enroll_client *client)
{
	if (!client)
		return;
	release(client);
	privkey_free(client->key);
	buf_done(&client->request);
	free(client->server);
	free(client->name);
	free(client->version);
	free(client);
}

/* The owner may free the client in this call: nothing of it is touched afterwards. */
static void end(struct enroll_client *c, const struct enroll_result *result)
{
	c->state = CLIENT_ENDED;
	release(c);
	c->done(result, c->arg);
}

static void fail(struct enroll_client *c, int rc, const char *why)
{
	const struct enroll_result result = {.rc = rc, .why = why, .name = c->name};

	end(c, &result);
}

static void fail_connect(struct enroll_client *c, int rc, const char *why)
{
	struct err err;

	err_set(&err, rc, "Failed to connect to %s: %s", c->server, why);
	fail(c, rc, err.text);
}

static void on_deadline(void *arg)
{
	struct enroll_client *c = arg;
	char shown[NUM_DURATION_MAX];
	struct err err;

	switch (c->state) {
	case CLIENT_CONNECTING:
	case CLIENT_HANDSHAKE:
		fail_connect(c, -ETIMEDOUT, "it did not answer in time");
		return;
	case CLIENT_EXPLAINED:
		err_set(&err, -EACCES, "Invalid token: %s did not accept it and gave no reason",
			c->server);
		fail(c, -EACCES, err.text);
		return;
	default:
		err_set(&err, -ETIMEDOUT,
			"%s did not answer the request within %s; try again with the same "
			"invitation",
			c->server, num_format_duration(c->timeout, shown));
		fail(c, -ETIMEDOUT, err.text);
	}
}

/* Is the answer for us, and is it whole? Everything in it is from a holder of the token; still, a
 * mistake is better found before anything on this host is changed. */
static int verify(struct enroll_client *c, const struct enroll_answer *answer, struct err *err)
{
	CLEANUP(cert_freep) struct cert *cert = NULL;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	char shown[TEXT_PRINTABLE_MAX];
	int rc = cert_parse(&cert, answer->certificate, err);

	if (rc == 0)
		rc = cert_check_key(answer->certificate, c->key, err);
	if (rc < 0)
		return rc;
	if (strcmp(cert->subject, c->name) != 0)
		return err_set(err, -EBADMSG, "the certificate is for '%s', not for %s",
			text_printable(cert->subject, strlen(cert->subject), shown), c->name);
	rc = bundle_parse(&bundle, answer->bundle, strlen(answer->bundle), err);
	if (rc < 0)
		return rc;
	return cert_check_issuer(answer->certificate, bundle->ca_certificate, err);
}

static void fail_answer(struct enroll_client *c, int rc, const char *why)
{
	struct err err;

	err_set(&err, rc, "the answer of %s cannot be used: %s", c->server, why);
	fail(c, rc, err.text);
}

static void take_refusal(struct enroll_client *c, const struct enroll_answer *answer)
{
	struct err err;

	switch (answer->code) {
	case ENROLL_BAD_TOKEN:
		err_set(&err, -EACCES, "Invalid token: %s", answer->text);
		fail(c, -EACCES, err.text);
		return;
	case ENROLL_BAD_VERSION:
		fail(c, -EPROTONOSUPPORT, answer->text);
		return;
	case ENROLL_NO_QUORUM:
		fail(c, -EHOSTDOWN, answer->text);
		return;
	case ENROLL_UNAVAILABLE:
		err_set(&err, -EAGAIN, "%s cannot take a member now: %s", c->server, answer->text);
		fail(c, -EAGAIN, err.text);
		return;
	default:
		err_set(&err, -EPERM, "%s refused: %s", c->server, answer->text);
		fail(c, -EPERM, err.text);
	}
}

static void take_answer(struct enroll_client *c, const char *text, size_t len)
{
	struct enroll_answer answer;
	struct enroll_result result = {.name = c->name};
	struct err err;
	int rc = enroll_answer_decode(text, len, c->version, &answer, &err);

	if (rc == -EPROTONOSUPPORT) {
		fail(c, rc, err.text);
		return;
	}
	if (rc < 0) {
		fail_answer(c, -EBADMSG, err.text);
		return;
	}
	if (answer.code != ENROLL_OK) {
		take_refusal(c, &answer);
	} else if (verify(c, &answer, &err) < 0) {
		fail_answer(c, -EBADMSG, err.text);
	} else {
		result.certificate = answer.certificate;
		result.bundle = answer.bundle;
		end(c, &result);
	}
	enroll_answer_done(&answer);
}

/* From a stranger: shown, not believed. */
static void take_explanation(struct enroll_client *c, const char *text, size_t len)
{
	struct enroll_answer answer = {.code = ENROLL_OK};
	struct err err;

	if (enroll_answer_decode(text, len, c->version, &answer, NULL) == 0 && answer.text)
		err_set(&err, -EACCES, "Invalid token: %.*s", EXPLANATION_SHOWN, answer.text);
	else
		err_set(&err, -EACCES, "Invalid token: %s did not prove that it knows it",
			c->server);
	enroll_answer_done(&answer);
	fail(c, -EACCES, err.text);
}

static void on_readable(struct buf *received, void *arg)
{
	struct enroll_client *c = arg;
	bool proved = c->state == CLIENT_ANSWER;
	struct frame frame;
	struct err err;
	char *text;
	size_t len;
	int rc;

	if (c->state != CLIENT_ANSWER && c->state != CLIENT_EXPLAINED)
		return;
	rc = frame_get(received, proved ? ENROLL_ANSWER_MAX : EXPLANATION_MAX, &frame, &err);
	if (rc == 0)
		return;
	if (rc > 0 && frame.type != FRAME_JSON)
		rc = err_set(&err, -EPROTO, "a message of the wrong type");
	if (rc < 0) {
		if (proved)
			fail_answer(c, -EBADMSG, err.text);
		else
			take_explanation(c, "", 0);
		return;
	}
	/* the buf is the stream's, which ends with the client: its copy of the secrets ends here */
	len = frame.len;
	text = xmemdup(frame.body, len);
	mem_wipe(received->data, received->len);
	buf_reset(received);
	if (proved)
		take_answer(c, text, len);
	else
		take_explanation(c, text, len);
	mem_wipe(text, len);
	free(text);
}

static void on_ready(void *arg)
{
	struct enroll_client *c = arg;

	token_psk_wipe(&c->psk);
	if (!tls_psk_used(stream_tls(c->stream))) {
		c->state = CLIENT_EXPLAINED;
		loop_timer_at(
			c->deadline, usec_min(loop_timer_due(c->deadline),
					     usec_add(loop_now(c->loop), EXPLANATION_TIMEOUT)));
		return;
	}
	c->state = CLIENT_ANSWER;
	if (stream_send(c->stream, c->request.data, c->request.len) < 0)
		fail_answer(c, -EIO, "the request could not be sent");
}

static void on_closed(int rc, const char *why, void *arg)
{
	struct enroll_client *c = arg;
	struct err err;

	switch (c->state) {
	case CLIENT_HANDSHAKE:
		fail_connect(c, rc ? rc : -ECONNRESET,
			rc ? why : "it closed the connection during the handshake");
		return;
	case CLIENT_EXPLAINED:
		take_explanation(c, "", 0);
		return;
	default:
		err_set(&err, -ECONNRESET,
			"%s closed the connection without an answer%s%s; try again with the same "
			"invitation",
			c->server, rc ? ": " : "", rc ? why : "");
		fail(c, -ECONNRESET, err.text);
	}
}

static const struct stream_ops client_ops = {
	.ready = on_ready,
	.readable = on_readable,
	.closed = on_closed,
};

static void on_connected(int fd, const char *why, void *arg)
{
	static const struct stream_limits limits = {
		.receive = ENROLL_ANSWER_MAX + FRAME_HEADER,
		.send = ENROLL_REQUEST_MAX + FRAME_HEADER,
	};
	struct enroll_client *c = arg;
	struct tls *tls = NULL;
	struct err err;
	int rc;

	if (fd < 0) {
		fail_connect(c, fd, why);
		return;
	}
	c->state = CLIENT_HANDSHAKE;
	rc = tls_new_client(&tls, c->psk.identity, sizeof(c->psk.identity), c->psk.key,
		sizeof(c->psk.key), &err);
	if (rc < 0)
		close(fd);
	else
		rc = stream_new(&c->stream, c->loop, fd, tls, &limits, &client_ops, c, &err);
	if (rc < 0)
		fail_connect(c, rc, err.text);
}

/* The request, framed: all of it is known before the server is asked. */
static int make_request(
	struct enroll_client *c, const struct enroll_client_options *options, struct err *err)
{
	CLEANUP(freep) char *csr = NULL;
	struct buf text = BUF_INIT(ENROLL_REQUEST_MAX);
	struct enroll_request request = {
		.name = c->name, .version = c->version, .port = options->port};
	int rc = csr_make(c->key, c->name, &csr, err);

	if (rc < 0)
		return rc;
	request.csr = csr;
	for (size_t i = 0; i < MIN(options->address_count, ENROLL_ADDRESSES_MAX); i++)
		request.addresses[request.address_count++] = (char *)options->addresses[i];
	rc = enroll_request_encode(&request, &text);
	if (rc == 0)
		rc = frame_put(&c->request, FRAME_JSON, text.data, text.len);
	buf_done(&text);
	return rc < 0 ? err_set(err, rc, "the request is too large") : 0;
}

static int prepare(
	struct enroll_client *c, const struct enroll_client_options *options, struct err *err)
{
	struct token token;
	int rc = token_parse(options->token, &token, err);

	if (rc < 0)
		return rc;
	c->name = xstrdup(token.name);
	rc = token_derive(&token, &c->psk, err);
	token_wipe(&token);
	if (rc == 0)
		rc = privkey_parse(&c->key, options->key, err);
	if (rc == 0)
		rc = make_request(c, options, err);
	return rc;
}

int enroll_client_new(struct enroll_client **ret, struct loop *loop,
	const struct enroll_client_options *options, enroll_client_fn *done, void *arg,
	struct err *err)
{
	struct enroll_client *c = xcalloc(1, sizeof(*c));
	CLEANUP(freep) char *host = NULL;
	char shown[TEXT_PRINTABLE_MAX];
	int port = ENROLL_PORT;
	int rc;

	c->loop = loop;
	c->done = done;
	c->arg = arg;
	c->timeout = options->timeout ? options->timeout : TIMEOUT;
	c->version = xstrdup(options->version);
	c->server = xstrdup(text_printable(options->server, strlen(options->server), shown));
	buf_init(&c->request, ENROLL_REQUEST_MAX + FRAME_HEADER);
	rc = prepare(c, options, err);
	if (rc == 0 && text_host_port(options->server, &host, &port) < 0)
		rc = err_set(err, -EINVAL,
			"'%s' is not a server (expected HOST, HOST:PORT or [V6ADDRESS]:PORT)",
			c->server);
	if (rc == 0) {
		rc = net_connect_new(&c->connect, loop, host, port,
			usec_min(c->timeout, CONNECT_TIMEOUT), on_connected, c, err);
		if (rc < 0)
			err_wrap(err, rc, "Failed to connect to %s", c->server);
	}
	if (rc < 0) {
		enroll_client_free(c);
		return rc;
	}
	c->deadline = loop_timer_new(loop, "join deadline", on_deadline, c);
	loop_timer_after(c->deadline, c->timeout);
	*ret = c;
	return 0;
}
