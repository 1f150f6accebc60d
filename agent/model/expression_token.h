/*
 * The words of a field: names, numbers, quoted texts, operators. Blanks between them are skipped.
 */
#ifndef MODEL_EXPRESSION_TOKEN_H
#define MODEL_EXPRESSION_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/expression_int.h"

enum expr_token_kind {
	EXPR_TOKEN_END,
	EXPR_TOKEN_NAME,
	EXPR_TOKEN_NUMBER,
	EXPR_TOKEN_TEXT, /* with its quotes */
	EXPR_TOKEN_OPERATOR,
};

struct expr_token {
	enum expr_token_kind kind;
	const char *s; /* within the field */
	size_t len;
};

/* The token at *at, which moves behind it. -EINVAL: there is none; *reterr_why says so. */
int expr_token_next(const char **at, const char *end, struct expr_token *ret,
	const char **reterr_why) MUST_CHECK;
bool expr_token_is(const struct expr_token *token, const char *word);

/* The value of a NUMBER; one with a fraction or an exponent is cut to its whole part. -EINVAL: it is
 * not one; -ERANGE: too large. */
int expr_token_number(
	const struct expr_token *token, struct expr_int *ret, bool *ret_fraction) MUST_CHECK;
/* Appends what a TEXT stands for. -EINVAL: a bad \x or \u; -EMSGSIZE. */
int expr_token_text(const struct expr_token *token, struct buf *out) MUST_CHECK;

#endif
