/*
 * Moving bytes through a TLS session. For stream.c and tests only.
 *
 * Each call does what it can at once and never waits. -EAGAIN: *ret_want (LOOP_READ or LOOP_WRITE)
 * says what the descriptor must be ready for before the same call is made again. Any other negative
 * errno is the end of the session, with a text: -EPROTO for a handshake that failed, -ECONNRESET
 * for a connection that ended without close_notify.
 */
#ifndef IO_TLS_IO_H
#define IO_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct tls;

/* The descriptor stays the caller's. */
int tls_attach(struct tls *tls, int fd, struct err *err) MUST_CHECK;
int tls_handshake(struct tls *tls, int *ret_want, struct err *err) MUST_CHECK;
/* 0: the other side said close_notify. */
ssize_t tls_read(struct tls *tls, void *dst, size_t len, int *ret_want, struct err *err) MUST_CHECK;
/* A call that gave -EAGAIN is repeated with the same bytes, more may follow them. */
ssize_t tls_write(
	struct tls *tls, const void *data, size_t len, int *ret_want, struct err *err) MUST_CHECK;
/* Bytes were received that tls_read() gives without looking at the descriptor. */
bool tls_pending(const struct tls *tls);
/* Says close_notify; does not wait for the other side's. */
int tls_close_notify(struct tls *tls, int *ret_want, struct err *err) MUST_CHECK;

#endif
