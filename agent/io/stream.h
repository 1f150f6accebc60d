/*
 * struct stream: bytes both ways over one non-blocking descriptor, plain or under TLS.
 *
 * The happy path: create it over a connected (or connecting) descriptor, get `readable` with the
 * bytes received so far in a buf, consume what is complete, send with stream_send(), close.
 * Back-pressure both ways: reading pauses while the receive buf is at its ceiling or the user asked
 * for a pause; stream_send() fails with -ENOBUFS when the send ceiling would be passed, and
 * `drained` tells when the queue has become empty. At most 64 KiB are read per wake-up. Bytes are
 * consumed inside `readable`; who wants to do it later pauses the stream there, and gets `readable`
 * again for what is left after the pause.
 *
 * The end comes exactly once through `closed`, from the loop, never from inside a call of the user:
 * rc 0 for an orderly end by the peer (what is queued is sent before it is told, for at most 10 s),
 * negative errno with a text otherwise. After stream_free() nothing is called any more; it may be
 * called in any callback. Under TLS the handshake is part of the stream: nothing is readable before
 * `ready`; a handshake that fails closes with -EPROTO and a text of its own. Neither it nor a
 * silent peer has a deadline here: that is for the user's own timer.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/usec.h"

struct loop;
struct stream;
struct tls;

struct stream_ops {
	void (*ready)(void *arg); /* connected (and handshaken); may be NULL */
	void (*readable)(struct buf *received, void *arg); /* consume with buf_consume() */
	void (*drained)(void *arg);			   /* may be NULL */
	void (*closed)(int rc, const char *why, void *arg);
};

struct stream_limits {
	size_t receive; /* ceiling of unconsumed bytes */
	size_t send;	/* ceiling of bytes queued */
};

/* Takes the descriptor (close-on-exec and non-blocking are set here) and, where not NULL, the TLS
 * session; both are released with the stream, or here when this fails. */
int stream_new(struct stream **ret, struct loop *loop, int fd, struct tls *tls,
	const struct stream_limits *limits, const struct stream_ops *ops, void *arg,
	struct err *err) MUST_CHECK;
void stream_free(struct stream *s);
/* Queues a copy. -ENOBUFS past the ceiling (nothing was queued), -EPIPE after the end. */
int stream_send(struct stream *s, const void *data, size_t len) MUST_CHECK;
/* Bytes that were sent with stream_send() but not yet taken by the kernel. */
size_t stream_queued(const struct stream *s);
/* Nothing is read (and no end noticed) while paused. */
void stream_pause(struct stream *s, bool paused);
/* Send what is queued, then close both ways (with close_notify under TLS); `closed` follows with
 * 0 once the peer has closed too, or -ETIMEDOUT after grace. Nothing is `readable` any more. */
void stream_finish(struct stream *s, usec_t grace);
/* The other side as people write it: "192.0.2.1:4711", "[2001:db8::1]:4711", "uid 0 pid 12";
 * "unknown" before it is connected. */
const char *stream_peer(const struct stream *s);
struct tls *stream_tls(struct stream *s);

#endif
