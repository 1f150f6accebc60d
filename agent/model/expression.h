/*
 * Attribute expressions: texts with {fields} that are worked out when an attribute is read
 * (nodeattribexpressions(5)).
 *
 * Every intermediate value has a ceiling, evaluation a budget of steps, references a depth: a
 * hostile text is broken with a message, it never takes long.
 */
#ifndef MODEL_EXPRESSION_H
#define MODEL_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum expression_kind {
	EXPRESSION_PLAIN,   /* no field; braces, if any, are doubled ones */
	EXPRESSION_FIELDS,  /* at least one field, all of it parses */
	EXPRESSION_INVALID, /* unbalanced braces or a field that must be refused when it is set */
};

/* What a typed text is. With INVALID, err has the text for "Bad Request - ". */
enum expression_kind expression_classify(const char *text, size_t len, struct err *err);
/* Appends a PLAIN text with its doubled braces halved; -EINVAL for others. */
int expression_unescape(const char *text, size_t len, struct buf *out) MUST_CHECK;
/* The opposite: doubles every brace, so that the text is PLAIN and stands for itself. */
int expression_escape(const char *text, size_t len, struct buf *out) MUST_CHECK;

/* Work that one evaluation may cause, in units of some nanoseconds: a few milliseconds. */
#define EXPRESSION_BUDGET ((size_t)500000)

/* What an expression may ask for. */
struct expression_scope {
	const char *node; /* its name */
	/* Appends the text of an attribute of the node (name as written, aliases included; "" where
	 * unset or secret or itself broken). -ENOENT: no such attribute name; any other error breaks
	 * this expression, too (a cycle). */
	int (*attribute)(const char *name, struct buf *out, struct err *err, void *arg);
	void *arg;
	/* What is left of EXPRESSION_BUDGET. Where attribute() evaluates expressions in turn, all of
	 * them must share one, else references that fan out at each level cost exponential time; once it
	 * is 0, each of them is broken. NULL: a budget of its own. */
	size_t *budget;
};

/* Appends the result. -EINVAL: broken, err says why. */
int expression_evaluate(const char *text, size_t len, const struct expression_scope *scope,
	struct buf *out, struct err *err) MUST_CHECK;

#endif
