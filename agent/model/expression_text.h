/*
 * The texts of attribute expressions: UTF-8, counted in characters (code points). A byte that is not
 * UTF-8 counts as one character and is kept as it is.
 */
#ifndef MODEL_EXPRESSION_TEXT_H
#define MODEL_EXPRESSION_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/expression_int.h"

/* The bytes of the first character, 0 where len is 0. *ret is its code point, UINT32_MAX where the
 * byte is not UTF-8; ret may be NULL. */
size_t expr_text_next(const char *s, size_t len, uint32_t *ret);
size_t expr_text_count(const char *s, size_t len);
/* Appends a code point. -EMSGSIZE; -EINVAL for 0, surrogates and what is beyond Unicode. */
int expr_text_put(struct buf *out, uint32_t code) MUST_CHECK;

/* For messages: at most EXPR_TEXT_SHOWN - 1 bytes, always valid UTF-8, control characters as '?', cut
 * between characters with "...". */
#define EXPR_TEXT_SHOWN 128
const char *expr_text_show(const char *s, size_t len, char dst[EXPR_TEXT_SHOWN]);

/* The integer that a text reads as: blanks around it, a sign, leading zeros and single underscores
 * between digits are fine. -EINVAL: it is none. -ERANGE: too large. */
int expr_text_integer(const char *s, size_t len, struct expr_int *ret) MUST_CHECK;

/* Append to out; -EMSGSIZE past its ceiling.
 *
 * Case: Latin, Greek, Cyrillic, Armenian and full-width letters, from a table of our own, since
 * results must be the same on each member, whatever its C library knows. */
int expr_text_upper(const char *s, size_t len, struct buf *out) MUST_CHECK;
int expr_text_lower(const char *s, size_t len, struct buf *out) MUST_CHECK;
/* An empty `what` is found around every character. */
int expr_text_replace(const char *s, size_t len, const char *what, size_t what_len,
	const char *with, size_t with_len, struct buf *out) MUST_CHECK;

/* Which characters: of a half-open range that is cut to the text, negative numbers counted from its
 * end; each step-th one of them, backwards where step is negative. A bound that was not given is
 * where the walk begins or ends. */
struct expr_slice {
	int64_t from, to, step; /* step is not 0 */
	bool has_from, has_to;
};
int expr_text_slice(
	const char *s, size_t len, const struct expr_slice *slice, struct buf *out) MUST_CHECK;
/* The i-th character; -ENOENT where there is none. */
int expr_text_index(const char *s, size_t len, int64_t i, struct buf *out) MUST_CHECK;

#endif
