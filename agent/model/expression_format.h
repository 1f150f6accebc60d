/*
 * Format texts, what follows the colon in a field:
 *
 *     [[fill]align][sign][z][#][0][width][,|_][.precision][type]
 *
 * The rules are those of Python's format(), whose texts these are.
 */
#ifndef MODEL_EXPRESSION_FORMAT_H
#define MODEL_EXPRESSION_FORMAT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/expression_int.h"

#define EXPR_FORMAT_MAX	      8	    /* characters of a format text */
#define EXPR_FORMAT_FIELD_MAX 16384 /* characters of a field that has been formatted */

/* Append the number or text in that format. -EINVAL: the format does not fit, err says why. -E2BIG:
 * more than EXPR_FORMAT_FIELD_MAX characters, no text in err. -EMSGSIZE: no room in out. */
int expr_format_int(const struct expr_int *number, const char *format, size_t len, struct buf *out,
	struct err *err) MUST_CHECK;
int expr_format_text(const char *text, size_t text_len, const char *format, size_t len,
	struct buf *out, struct err *err) MUST_CHECK;

#endif
