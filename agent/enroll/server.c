/*
 * A connection's life:
 *
 *     handshake -> request -> registering -> leaving     with the key of an invitation proved
 *     handshake -> leaving                               without: told why, over the ordinary
 *                                                        handshake that took its place
 *
 * Each state but the last has a deadline (`leaving` has that of stream_finish()), and whatever goes
 * wrong with a connection ends that connection only.
 *
 * Strangers are connections that have not proved a key. They are the ones that make room: for a
 * newcomer when all places are taken, and for one from the same address when that has more than its
 * share. Of them those are spared that offer an identity with a live key, so that a flood of bad
 * handshakes does not push out a joiner in the middle of a good one. Connections that proved a key
 * are never pushed out; they hold a token, and each has its deadline.
 */
#include "config.h"
#include "enroll/server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "enroll/invitations.h"
#include "enroll/redeem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/stream.h"
#include "io/tls.h"
#include "wire/frame.h"

#define CONNECTIONS_MAX	   64
#define STRANGERS_MAX	   8 /* per remote address, loopback excepted */
#define HANDSHAKE_DEADLINE (5 * USEC_PER_SEC)
#define REQUEST_DEADLINE   (10 * USEC_PER_SEC)
#define ANSWER_DEADLINE	   (25 * USEC_PER_SEC)
#define LEAVING_GRACE	   (2 * USEC_PER_SEC)
#define ANSWER_GRACE	   (10 * USEC_PER_SEC)
#define REFUSAL_MAX	   4096 /* bytes of an answer without secrets */
#define SWEEP_INTERVAL	   (60 * USEC_PER_SEC)

enum conn_state { CONN_HANDSHAKE, CONN_REQUEST, CONN_REGISTERING, CONN_LEAVING };

/* The certificate of a time; those that began with an old one keep it until they are gone. */
struct certificate {
	unsigned users;
	struct tls_server *tls;
};

struct conn {
	struct enroll_server *server;
	struct list link;
	enum conn_state state;
	struct stream *stream;
	struct certificate *certificate;
	struct loop_timer *deadline;
	usec_t since;
	char *peer; /* address without port */
	bool proved;
	unsigned char identity[INVITATION_IDENTITY_LEN];
	struct redeem_waiter waiter;
};

struct enroll_server {
	struct loop *loop;
	struct invitations *book;
	char *version;
	struct net_listener *listener;
	struct certificate *certificate;
	struct loop_timer *sweep;
	struct list conns; /* oldest first */
	struct redeems redeems;
	struct enroll_server_stats stats;
};

static void certificate_drop(struct certificate *c)
{
	if (!c || --c->users)
		return;
	tls_server_free(c->tls);
	free(c);
}

static void conn_free(struct conn *c)
{
	redeem_leave(&c->waiter);
	list_del(&c->link);
	c->server->stats.connections--;
	loop_timer_free(c->deadline);
	stream_free(c->stream);
	certificate_drop(c->certificate);
	free(c->peer);
	free(c);
}

static void refused(struct conn *c, const char *name, const char *why)
{
	struct redeems *redeems = &c->server->redeems;

	c->server->stats.refused++;
	if (redeems->ops.refused)
		redeems->ops.refused(c->peer, name, why, redeems->arg);
}

static void conn_answer(struct conn *c, const struct enroll_answer *answer)
{
	const size_t max = answer->code == ENROLL_OK ? ENROLL_ANSWER_MAX : REFUSAL_MAX;
	struct buf text = BUF_INIT(max);
	struct buf frame = BUF_INIT(max + FRAME_HEADER);
	int rc;

	/* all the room at once: a buf that grows would leave secrets behind in freed memory */
	buf_reserve(&text, text.max);
	buf_reserve(&frame, frame.max);
	rc = enroll_answer_encode(answer, c->server->version, &text);
	if (rc == 0)
		rc = frame_put(&frame, FRAME_JSON, text.data, text.len);
	if (rc == 0)
		rc = stream_send(c->stream, frame.data, frame.len);
	buf_wipe(&text);
	buf_wipe(&frame);
	c->state = CONN_LEAVING;
	loop_timer_at(c->deadline, USEC_NEVER);
	stream_finish(c->stream, rc == 0 && c->proved ? ANSWER_GRACE : LEAVING_GRACE);
}

static void conn_refuse(struct conn *c, enum enroll_code code, const char *name, const char *why)
{
	const struct enroll_answer answer = {.code = code, .text = (char *)why};

	refused(c, name, why);
	conn_answer(c, &answer);
}

static void on_answer(struct redeem_waiter *waiter, const struct enroll_answer *answer)
{
	struct conn *c = CONTAINER_OF(waiter, struct conn, waiter);

	if (answer->code != ENROLL_OK)
		c->server->stats.refused++;
	conn_answer(c, answer);
}

static void on_deadline(void *arg)
{
	struct conn *c = arg;
	const struct enroll_answer answer = {
		.code = ENROLL_UNAVAILABLE,
		.text = (char *)"the collective did not answer in time; try again with the same "
				"invitation",
	};

	if (c->state == CONN_REGISTERING) {
		redeem_leave(&c->waiter);
		conn_answer(c, &answer);
		return;
	}
	c->server->stats.timeouts++;
	conn_free(c);
}

static void on_ready(void *arg)
{
	struct conn *c = arg;
	struct tls *tls = stream_tls(c->stream);
	struct invitation invitation;
	const unsigned char *identity;
	struct err why;
	usec_t now = clock_wall();
	bool known;
	size_t len = 0;

	identity = tls_psk_identity(tls, &len);
	if (tls_psk_used(tls) && identity && len == sizeof(c->identity)) {
		c->proved = true;
		memcpy(c->identity, identity, len);
		c->state = CONN_REQUEST;
		loop_timer_at(c->deadline, usec_add(c->since, REQUEST_DEADLINE));
		return;
	}
	if (!identity) {
		conn_refuse(c, ENROLL_BAD_TOKEN, NULL, "none was offered");
		return;
	}
	known = invitations_find(c->server->book, identity, len, now, &invitation);
	if (invitations_why_not(c->server->book, identity, len, now, &why) == 0)
		err_set(&why, 0, "it was not proved");
	conn_refuse(c, ENROLL_BAD_TOKEN, known ? invitation.name : NULL, why.text);
}

static void conn_request(struct conn *c, const char *text, size_t len)
{
	struct enroll_server *s = c->server;
	struct enroll_request request;
	CLEANUP(freep) char *name = NULL;
	struct err err;
	int rc = enroll_request_decode(text, len, s->version, &request, &err);

	if (rc < 0) {
		conn_refuse(c, rc == -EPROTONOSUPPORT ? ENROLL_BAD_VERSION : ENROLL_BAD_REQUEST,
			NULL, err.text);
		return;
	}
	name = xstrdup(request.name);
	c->state = CONN_REGISTERING;
	loop_timer_after(c->deadline, ANSWER_DEADLINE);
	rc = redeem_ask(&s->redeems, c->identity, &request, c->peer, &c->waiter, &err);
	enroll_request_done(&request);
	if (rc == 0)
		return; /* c may be gone already */
	conn_refuse(c,
		rc == -EACCES	 ? ENROLL_BAD_TOKEN
		: rc == -EBADMSG ? ENROLL_BAD_REQUEST
				 : ENROLL_UNAVAILABLE,
		name, err.text);
}

static void on_readable(struct buf *received, void *arg)
{
	struct conn *c = arg;
	struct frame frame;
	struct err err;
	int rc;

	if (c->state != CONN_REQUEST) {
		buf_reset(received); /* nobody has anything more to say */
		return;
	}
	rc = frame_get(received, ENROLL_REQUEST_MAX, &frame, &err);
	if (rc == 0)
		return;
	if (rc < 0 || frame.type != FRAME_JSON) {
		c->server->stats.garbage++;
		conn_refuse(c, ENROLL_BAD_REQUEST, NULL,
			rc < 0 ? err.text : "the request is of the wrong type");
		return;
	}
	conn_request(c, frame.body, frame.len);
}

static void on_closed(int rc, const char *why, void *arg)
{
	struct conn *c = arg;

	(void)why;
	if (c->state == CONN_HANDSHAKE && rc == -EPROTO)
		c->server->stats.garbage++;
	conn_free(c);
}

static const struct stream_ops conn_ops = {
	.ready = on_ready,
	.readable = on_readable,
	.closed = on_closed,
};

static bool is_loopback(const char *address)
{
	return text_starts(address, "127.") || text_eq(address, "::1");
}

static bool offers_live_key(struct conn *c)
{
	unsigned char key[INVITATION_KEY_LEN];
	const unsigned char *identity;
	size_t len = 0;
	bool live;

	if (c->state != CONN_HANDSHAKE)
		return false;
	identity = tls_psk_identity(stream_tls(c->stream), &len);
	live = identity && invitations_key(c->server->book, identity, len, clock_wall(), key) == 0;
	mem_wipe(key, sizeof(key));
	return live;
}

/* The oldest stranger (from one address, or from any where that is NULL), and how many there are;
 * those that offer a live key only where spare_good is false. */
static struct conn *oldest_stranger(
	struct enroll_server *s, const char *peer, bool spare_good, unsigned *ret_count)
{
	struct conn *c, *oldest = NULL;
	unsigned count = 0;

	list_foreach (c, &s->conns, link) {
		if (c->proved || (peer && strcmp(c->peer, peer) != 0) ||
			(spare_good && offers_live_key(c)))
			continue;
		count++;
		if (!oldest)
			oldest = c;
	}
	*ret_count = count;
	return oldest;
}

static void push_out(struct conn *c)
{
	c->server->stats.dropped++;
	conn_free(c);
}

/* False: there is no place. */
static bool make_room(struct enroll_server *s, const char *peer)
{
	struct conn *oldest;
	unsigned count;

	if (!is_loopback(peer)) {
		oldest = oldest_stranger(s, peer, true, &count);
		if (count >= STRANGERS_MAX)
			push_out(oldest);
	}
	if (s->stats.connections < CONNECTIONS_MAX)
		return true;
	oldest = oldest_stranger(s, NULL, true, &count);
	if (!oldest)
		oldest = oldest_stranger(s, NULL, false, &count);
	if (!oldest)
		return false;
	push_out(oldest);
	return true;
}

static void on_accept(int fd, const char *peer, void *arg)
{
	static const struct stream_limits limits = {
		.receive = ENROLL_REQUEST_MAX + FRAME_HEADER,
		.send = ENROLL_ANSWER_MAX + FRAME_HEADER,
	};
	struct enroll_server *s = arg;
	CLEANUP(freep) char *address = net_peer_address(fd);
	struct conn *c;
	struct tls *tls;

	s->stats.accepted++;
	if (!address)
		address = xstrdup(peer);
	if (!make_room(s, address) || tls_new_server(&tls, s->certificate->tls, NULL) < 0) {
		s->stats.dropped++;
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	if (stream_new(&c->stream, s->loop, fd, tls, &limits, &conn_ops, c, NULL) < 0) {
		s->stats.dropped++;
		free(c);
		return;
	}
	c->server = s;
	c->since = loop_now(s->loop);
	c->peer = TAKE(address);
	c->certificate = s->certificate;
	c->certificate->users++;
	c->waiter.answer = on_answer;
	c->deadline = loop_timer_new(s->loop, "enrolment deadline", on_deadline, c);
	loop_timer_at(c->deadline, usec_add(c->since, HANDSHAKE_DEADLINE));
	list_add_tail(&s->conns, &c->link);
	s->stats.connections++;
}

static size_t on_find_psk(const unsigned char *identity, size_t identity_len,
	unsigned char key[TLS_PSK_MAX], void *arg)
{
	struct enroll_server *s = arg;

	if (invitations_key(s->book, identity, identity_len, clock_wall(), key) < 0)
		return 0;
	return INVITATION_KEY_LEN;
}

static void on_sweep(void *arg)
{
	struct enroll_server *s = arg;

	/* what can't be written now is tried again in a minute, and with each change */
	invitations_sweep(s->book, clock_wall());
	loop_timer_after(s->sweep, SWEEP_INTERVAL);
}

int enroll_server_set_certificate(
	struct enroll_server *server, const char *certificate, const char *key, struct err *err)
{
	struct tls_server *tls;
	int rc = tls_server_new(&tls, certificate, key, on_find_psk, server, err);

	if (rc < 0)
		return rc;
	certificate_drop(server->certificate);
	server->certificate = xcalloc(1, sizeof(*server->certificate));
	*server->certificate = (struct certificate){.users = 1, .tls = tls};
	return 0;
}

int enroll_server_new(struct enroll_server **ret, struct loop *loop, struct invitations *book,
	const struct enroll_server_options *options, const struct enroll_server_ops *ops, void *arg,
	struct err *err)
{
	struct enroll_server *s = xcalloc(1, sizeof(*s));
	int rc;

	s->loop = loop;
	s->book = book;
	s->version = xstrdup(options->version);
	list_init(&s->conns);
	redeems_init(&s->redeems, book, ops, arg);
	rc = enroll_server_set_certificate(s, options->certificate, options->key, err);
	if (rc == 0)
		rc = net_listen_tcp(
			&s->listener, loop, options->address, options->port, on_accept, s, err);
	if (rc < 0) {
		enroll_server_free(s);
		return err_wrap(err, rc, "cannot take joiners");
	}
	s->sweep = loop_timer_new(loop, "invitations expire", on_sweep, s);
	loop_timer_after(s->sweep, SWEEP_INTERVAL);
	*ret = s;
	return 0;
}

void enroll_server_free(struct enroll_server *server)
{
	struct conn *c;

	if (!server)
		return;
	net_listener_free(server->listener);
	loop_timer_free(server->sweep);
	while ((c = list_first(&server->conns, struct conn, link)))
		conn_free(c);
	redeems_done(&server->redeems);
	certificate_drop(server->certificate);
	free(server->version);
	free(server);
}

int enroll_server_port(const struct enroll_server *server)
{
	return net_listener_port(server->listener);
}

void enroll_server_stats(const struct enroll_server *server, struct enroll_server_stats *ret)
{
	const struct conn *c;

	*ret = server->stats;
	list_foreach (c, &server->conns, link)
		ret->waiting += c->state == CONN_REGISTERING;
	ret->redeemed = server->redeems.answered;
	ret->under_way = server->redeems.count;
}
