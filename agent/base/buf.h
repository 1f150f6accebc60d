/*
 * struct buf: a growing run of bytes with a ceiling.
 *
 * Whoever feeds a buf from outside sets the ceiling to what it can afford; an addition that would
 * pass it fails with -EMSGSIZE and leaves the contents as they were. The bytes are always followed
 * by a NUL that is not counted, so that a text in a buf is a C string. The ceiling is a mandatory
 * argument: there is no unbounded buf.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/macros.h"

struct buf {
	char *data; /* never NULL after the first addition; NUL-terminated */
	size_t len;
	size_t cap;
	size_t max;
};

#define BUF_INIT(ceiling)                                                                          \
	{                                                                                          \
		.max = (ceiling)                                                                   \
	}

void buf_init(struct buf *b, size_t max);
/* Frees the bytes; the buf can be used again with the same ceiling. */
void buf_done(struct buf *b);
/* As buf_done(), but overwrites the bytes first. */
void buf_wipe(struct buf *b);
/* Empties without freeing. */
void buf_reset(struct buf *b);

int buf_add(struct buf *b, const void *data, size_t len) MUST_CHECK;
int buf_str(struct buf *b, const char *s) MUST_CHECK;
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* Makes room for len more bytes and returns where they go, or NULL past the ceiling. The caller
 * writes and then adds to b->len itself. */
void *buf_reserve(struct buf *b, size_t len);
/* Drops the first len bytes. */
void buf_consume(struct buf *b, size_t len);
/* The contents as a C string ("" when nothing was added yet). */
const char *buf_cstr(const struct buf *b);
/* Hands the bytes over (NUL-terminated, free() them); the buf is empty afterwards. */
char *buf_take(struct buf *b);

DEFINE_CLEANUP(struct buf *, buf_done)

#endif
