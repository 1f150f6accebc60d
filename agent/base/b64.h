/*
 * Standard base64 with padding (RFC 4648 section 4) and lower-case hex. Decoding is strict: wrong
 * length, foreign characters, blanks or non-zero trailing bits are -EINVAL, so each value has just
 * one spelling.
 */
#ifndef BASE_B64_H
#define BASE_B64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"

#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* A new NUL-terminated text; free() it. */
char *b64_encode(const void *data, size_t len);
/* Appends the decoded bytes to b, up to its ceiling (-EMSGSIZE). */
int b64_decode(const char *text, size_t len, struct buf *b) MUST_CHECK;

char *hex_encode(const void *data, size_t len);
/* Exactly len bytes from 2 * len digits. */
int hex_decode(const char *text, void *ret, size_t len) MUST_CHECK;

#endif
