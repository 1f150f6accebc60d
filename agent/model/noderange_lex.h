/*
 * The tokens of a noderange (noderange(5)), private to model/noderange*.
 *
 * A lexer walks a part of a text and gives one token after the other; tokens know where they begin,
 * so that an error can point there. An atom is a row of words and brackets; blanks between the pieces
 * of one are dropped where they can't glue two names together: before a bracket and beside the signs
 * of a range (- : .. +).
 */
#ifndef MODEL_NODERANGE_LEX_H
#define MODEL_NODERANGE_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A text and whose it is; every position is an offset into it. */
struct noderange_text {
	const char *text;
	size_t len;
	const char *group; /* the dynamic group that it belongs to; NULL: it is the request */
};

enum noderange_token_kind {
	NODERANGE_END,
	NODERANGE_UNITE,
	NODERANGE_REMOVE,
	NODERANGE_INTERSECT,
	NODERANGE_OPEN,
	NODERANGE_CLOSE,
	NODERANGE_SKIP,
	NODERANGE_LIMIT,
	NODERANGE_QUOTED,
	NODERANGE_ATOM,
};

struct noderange_token {
	enum noderange_token_kind kind;
	size_t at, end;
	size_t word_end; /* of an atom: where its first word ends (at: a bracket is first) */
	size_t number;	 /* of SKIP and LIMIT; more than fits is SIZE_MAX */
	bool blanks;	 /* of an atom: there are blanks in it */
	bool brackets;	 /* of an atom: there are brackets in it */
};

struct noderange_lexer {
	const struct noderange_text *in;
	size_t at, end;
};

/* -EINVAL: nothing that fits begins here. */
int noderange_lex(struct noderange_lexer *lexer, struct noderange_token *ret, struct err *err);

/* Sets the text, followed by where that is; -EINVAL. Values from outside go through
 * text_printable(). */
int noderange_fail(const struct noderange_text *in, size_t at, struct err *err, const char *fmt,
	...) PRINTF_LIKE(4, 5);

#endif
