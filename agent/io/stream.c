/*
 * A stream moves through the states below, driven by the readiness of its descriptor and by a
 * deferred call for what has to happen without it (bytes left in TLS or in the receive buf, a pause
 * that ended).
 *
 *     CONNECTING -> HANDSHAKE (TLS only) -> OPEN -> ENDED
 *                                             |      ^
 *                                             +-> FINISHING (send, say close_notify) -> LINGERING
 *
 * The user's calls change fields only; everything else happens in stream_step(), called from the
 * loop. Nothing is read after stream_finish() but to see the end: closing a descriptor with unread
 * bytes would reset the connection and could cost the other side what was sent last.
 *
 * What can go wrong: the other side vanishes (the kernel's error ends the stream), closes one
 * direction only (what is queued is still sent, then the stream ends), sends more than is taken
 * (reading pauses at the ceiling), takes less than is sent (stream_send() refuses). The user frees
 * the stream in a callback: `busy` defers the release.
 */
#include "config.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/tls.h"
#include "io/tls_io.h"

#define WAKE_MAX    ((size_t)65536) /* bytes moved each way per wake-up */
#define PIECE_MAX   ((size_t)16384)
#define FLUSH_GRACE (10 * USEC_PER_SEC) /* for what is queued when the other side has ended */

enum stream_state { CONNECTING, HANDSHAKE, OPEN, FINISHING, LINGERING, ENDED };

struct stream {
	struct loop *loop;
	int fd;
	struct tls *tls;
	struct loop_io *io;
	struct loop_defer *kick;
	struct loop_timer *grace;
	struct stream_limits limits;
	struct stream_ops ops;
	void *arg;
	char *peer;
	enum stream_state state;
	struct buf in;
	struct buf out; /* out.data + sent is what is still to be sent */
	size_t sent;
	int read_want;	/* readiness that the next read waits for */
	int write_want; /* the same for the next write, also of the handshake */
	bool paused;
	bool connecting; /* the descriptor was, when it came */
	bool more;	 /* the last read stopped at WAKE_MAX */
	bool retell;	 /* the user wants to see the receive buf again */
	bool peer_ended;
	bool finishing; /* stream_finish() was called */
	bool told;	/* closed was called */
	int rc;
	struct err why;
	unsigned busy;
	bool freed;
};

static size_t queued(const struct stream *s)
{
	return s->out.len - s->sent;
}

static void end(struct stream *s, int rc)
{
	s->state = ENDED;
	s->rc = rc;
}

/* Bytes. */

/* As tls_read() for both kinds. */
static ssize_t receive(struct stream *s, void *dst, size_t len, struct err *err)
{
	ssize_t n;

	if (s->tls)
		return tls_read(s->tls, dst, len, &s->read_want, err);
	do
		n = recv(s->fd, dst, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	s->read_want = LOOP_READ;
	return errno == EAGAIN ? -EAGAIN : err_errno(err, -errno, "connection lost");
}

static ssize_t transmit(struct stream *s, const void *data, size_t len, struct err *err)
{
	ssize_t n;

	if (s->tls)
		return tls_write(s->tls, data, len, &s->write_want, err);
	do
		n = send(s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	s->write_want = LOOP_WRITE;
	return errno == EAGAIN ? -EAGAIN : err_errno(err, -errno, "connection lost");
}

/* What goes through TLS may be secret, and a buf that grows leaves copies in freed memory: under
 * TLS it gets all its room at once. Both bufs are overwritten before they are freed. */
static void make_room(const struct stream *s, struct buf *b)
{
	if (s->tls && !b->data)
		(void)buf_reserve(b, b->max);
}

static bool wants_bytes(const struct stream *s)
{
	return s->state == OPEN && !s->paused && !s->peer_ended && s->in.len < s->in.max;
}

/* Fills the receive buf; true when there is something new in it. */
static bool fill(struct stream *s)
{
	size_t total = 0;

	s->more = false;
	s->read_want = LOOP_READ;
	make_room(s, &s->in);
	while (total < WAKE_MAX && s->in.len < s->in.max) {
		size_t room = MIN(PIECE_MAX, s->in.max - s->in.len);
		char *to = buf_reserve(&s->in, room);
		ssize_t n = receive(s, to, room, &s->why);

		s->in.data[s->in.len + (n > 0 ? (size_t)n : 0)] = '\0';
		if (n == -EAGAIN)
			return total > 0;
		if (n < 0)
			end(s, (int)n);
		if (n == 0)
			s->peer_ended = true;
		if (n <= 0)
			return total > 0;
		s->in.len += (size_t)n;
		total += (size_t)n;
	}
	s->more = true;
	return total > 0;
}

/* Sends from the queue. */
static void flush(struct stream *s)
{
	size_t total = 0;

	s->write_want = LOOP_WRITE;
	while (queued(s) && total < WAKE_MAX) {
		ssize_t n = transmit(s, s->out.data + s->sent, MIN(PIECE_MAX, queued(s)), &s->why);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			end(s, (int)n);
			return;
		}
		s->sent += (size_t)n;
		total += (size_t)n;
	}
	if (!queued(s)) {
		s->sent = 0;
		buf_reset(&s->out);
	}
}

/* Steps, one per state. Each returns with the state changed or everything done that can be now. */

static void established(struct stream *s)
{
	s->state = OPEN;
	s->read_want = LOOP_READ;
	s->write_want = LOOP_WRITE;
	s->more = true;
	if (s->ops.ready)
		s->ops.ready(s->arg);
}

static void step_connecting(struct stream *s, int events)
{
	socklen_t len = sizeof(int);
	int number = 0;

	if (!(events & LOOP_WRITE))
		return;
	if (s->connecting) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0)
			number = errno;
		if (number) {
			end(s, err_errno(&s->why, -number, "cannot connect"));
			return;
		}
		free(s->peer);
		s->peer = net_peer_text(s->fd);
	}
	if (s->tls)
		s->state = HANDSHAKE;
	else
		established(s);
}

static void step_handshake(struct stream *s)
{
	int rc = tls_handshake(s->tls, &s->write_want, &s->why);

	if (rc == 0)
		established(s);
	else if (rc != -EAGAIN)
		end(s, rc);
}

/* The receive buf has changed, or its user may look at it again. */
static void tell_readable(struct stream *s)
{
	if (s->in.len && !s->paused && !s->finishing && !s->freed)
		s->ops.readable(&s->in, s->arg);
}

/* The other side has ended: only what is queued is left to do. */
static void step_peer_ended(struct stream *s)
{
	if (!queued(s))
		end(s, 0);
	else if (loop_timer_due(s->grace) == USEC_NEVER)
		loop_timer_after(s->grace, FLUSH_GRACE);
}

/* Sending failed, which may be because the other side said something last and closed. */
static void read_last_words(struct stream *s)
{
	struct err why = s->why;
	int rc = s->rc;

	if (s->tls || s->paused || s->peer_ended || s->in.len == s->in.max || !fill(s))
		return;
	s->why = why;
	end(s, rc);
	tell_readable(s);
}

static void step_open(struct stream *s, int events)
{
	bool retell = s->retell;

	if (s->finishing)
		return;
	if (queued(s) && (events & s->write_want)) {
		flush(s);
		if (s->state != OPEN) {
			read_last_words(s);
			return;
		}
		if (!queued(s) && s->ops.drained)
			s->ops.drained(s->arg);
		if (s->freed || s->finishing)
			return;
	}
	s->retell = false;
	/* When the stream has ended with it, what came before is told first. */
	if (wants_bytes(s) && ((events & s->read_want) || s->more) && fill(s))
		retell = true;
	if (retell)
		tell_readable(s);
	if (!s->freed && s->state == OPEN && s->peer_ended && !s->paused)
		step_peer_ended(s);
}

static void step_finishing(struct stream *s)
{
	int rc = 0;

	flush(s);
	if (s->state != FINISHING || queued(s))
		return;
	if (s->tls)
		rc = tls_close_notify(s->tls, &s->write_want, &s->why);
	if (rc == -EAGAIN)
		return;
	if (rc < 0) {
		end(s, rc);
		return;
	}
	(void)shutdown(s->fd, SHUT_WR);
	s->state = s->peer_ended ? ENDED : LINGERING;
}

/* Everything was sent; whatever ends the connection now is an orderly end. */
static void step_lingering(struct stream *s)
{
	char drop[PIECE_MAX];
	size_t total = 0;
	ssize_t n;

	while (total < WAKE_MAX) {
		n = recv(s->fd, drop, sizeof(drop), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(s, 0);
			return;
		}
		total += (size_t)n;
	}
}

/* What to wait for now. */
static void watch(struct stream *s)
{
	int events = 0;

	switch (s->state) {
	case CONNECTING:
		events = LOOP_WRITE;
		break;
	case HANDSHAKE:
		events = s->write_want;
		break;
	case OPEN:
		if (wants_bytes(s))
			events |= s->read_want;
		if (queued(s))
			events |= s->write_want;
		if (wants_bytes(s) && s->more)
			loop_defer_schedule(s->kick);
		break;
	case FINISHING:
		events = s->write_want;
		break;
	case LINGERING:
		events = LOOP_READ;
		break;
	case ENDED:
		break;
	}
	loop_io_set(s->io, events);
}

static void stream_release(struct stream *s)
{
	free(s->peer);
	buf_wipe(&s->in);
	buf_wipe(&s->out);
	free(s);
}

/* Everything happens in here, from the loop. */
static void stream_step(struct stream *s, int events)
{
	s->busy++;
	if (s->state == CONNECTING)
		step_connecting(s, events);
	if (!s->freed && s->state == HANDSHAKE)
		step_handshake(s);
	if (!s->freed && s->state == OPEN)
		step_open(s, events);
	if (!s->freed && s->state == OPEN && s->finishing)
		s->state = FINISHING;
	if (!s->freed && s->state == FINISHING)
		step_finishing(s);
	if (!s->freed && s->state == LINGERING)
		step_lingering(s);
	if (!s->freed && s->state == ENDED && !s->told) {
		s->told = true;
		loop_timer_at(s->grace, USEC_NEVER);
		loop_io_set(s->io, 0);
		s->ops.closed(s->rc, s->why.text, s->arg);
	}
	s->busy--;
	if (!s->freed)
		watch(s);
	else if (!s->busy)
		stream_release(s);
}

static void on_event(int events, void *arg)
{
	stream_step(arg, events);
}

static void on_kick(void *arg)
{
	stream_step(arg, 0);
}

static void on_grace(void *arg)
{
	struct stream *s = arg;

	end(s, err_set(&s->why, -ETIMEDOUT, "the other side %s in time",
		       s->state == LINGERING ? "did not close" : "did not take what was sent"));
	stream_step(s, 0);
}

/* The user's side. */

static int prepare_fd(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(err, -errno, "cannot use the connection");
	return 0;
}

static bool is_connected(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return getpeername(fd, (struct sockaddr *)&address, &len) == 0;
}

int stream_new(struct stream **ret, struct loop *loop, int fd, struct tls *tls,
	const struct stream_limits *limits, const struct stream_ops *ops, void *arg,
	struct err *err)
{
	struct stream *s;
	int rc = prepare_fd(fd, err);

	if (rc == 0 && tls)
		rc = tls_attach(tls, fd, err);
	if (rc < 0) {
		tls_free(tls);
		close(fd);
		return rc;
	}
	s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->fd = fd;
	s->tls = tls;
	s->limits = *limits;
	s->ops = *ops;
	s->arg = arg;
	s->peer = net_peer_text(fd);
	buf_init(&s->in, limits->receive);
	buf_init(&s->out, limits->send * 2); /* what was sent stays in front for a while */
	s->state = CONNECTING;
	s->connecting = !is_connected(fd);
	s->read_want = LOOP_READ;
	s->write_want = LOOP_WRITE;
	s->kick = loop_defer_new(loop, on_kick, s);
	s->grace = loop_timer_new(loop, "stream grace", on_grace, s);
	s->io = loop_io_new(loop, fd, LOOP_WRITE, on_event, s);
	*ret = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s || s->freed)
		return;
	s->freed = true;
	loop_io_free(s->io);
	loop_defer_free(s->kick);
	loop_timer_free(s->grace);
	tls_free(s->tls);
	close(s->fd);
	if (!s->busy)
		stream_release(s);
}

int stream_send(struct stream *s, const void *data, size_t len)
{
	if (s->state == ENDED || s->finishing)
		return -EPIPE;
	if (len > s->limits.send - queued(s))
		return -ENOBUFS;
	if (s->sent > s->out.len / 2 || s->sent > s->limits.send / 2) {
		buf_consume(&s->out, s->sent);
		s->sent = 0;
	}
	make_room(s, &s->out);
	if (buf_add(&s->out, data, len) < 0)
		return -ENOBUFS;
	if (!s->busy)
		watch(s);
	return 0;
}

size_t stream_queued(const struct stream *s)
{
	return queued(s);
}

void stream_pause(struct stream *s, bool paused)
{
	if (s->paused == paused)
		return;
	s->paused = paused;
	if (!paused) {
		s->retell = true;
		loop_defer_schedule(s->kick);
	}
	if (!s->busy)
		watch(s);
}

void stream_finish(struct stream *s, usec_t grace)
{
	if (s->finishing || s->state == ENDED)
		return;
	s->finishing = true;
	loop_timer_after(s->grace, grace);
	loop_defer_schedule(s->kick);
}

const char *stream_peer(const struct stream *s)
{
	return s->peer;
}

struct tls *stream_tls(struct stream *s)
{
	return s->tls;
}
