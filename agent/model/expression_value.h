/*
 * struct expr_value: what a part of a field comes to, and what can be done with it.
 */
#ifndef MODEL_EXPRESSION_VALUE_H
#define MODEL_EXPRESSION_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/attribute.h"
#include "model/expression.h"
#include "model/expression_int.h"
#include "model/expression_text.h"

/* ---- one evaluation ---- */

struct expr_run {
	const struct expression_scope *scope;
	size_t *budget;
	struct err *err;
	const char *field; /* the one that is being evaluated, for messages */
	size_t field_len;
};

/* -EINVAL once the budget is spent. */
int expr_run_charge(struct expr_run *run, size_t work) MUST_CHECK;
/* Sets the text, with the field in front. Returns -EINVAL. */
int expr_run_broken(struct expr_run *run, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- values ---- */

enum expr_value_kind {
	EXPR_INT,
	EXPR_FRACTION, /* a number that had one: good for arithmetic, not for counting */
	EXPR_TEXT,
};

#define EXPR_TEXT_MAX ATTRIBUTE_VALUE_MAX

struct expr_value {
	enum expr_value_kind kind;
	struct expr_int number;
	struct buf text;
};

#define EXPR_VALUE_INIT                                                                            \
	{                                                                                          \
		.text = BUF_INIT(EXPR_TEXT_MAX)                                                    \
	}

void expr_value_done(struct expr_value *v);

/* A name with or without dots: n1, node, an attribute. */
int expr_value_lookup(struct expr_run *run, const char *name, struct expr_value *ret) MUST_CHECK;
/* A text becomes the integer that it reads as, where it does. */
void expr_value_settle(struct expr_value *v);
int expr_value_negate(struct expr_run *run, struct expr_value *v) MUST_CHECK;
/* left = left op right; op is one of + - * / % & | ^, or < and > for the shifts. */
int expr_value_binary(struct expr_run *run, struct expr_value *left, char op,
	struct expr_value *right) MUST_CHECK;

/* Replaces v by the character or the part of it. i is a value since only whole numbers will do. */
int expr_value_index(
	struct expr_run *run, struct expr_value *v, const struct expr_value *i) MUST_CHECK;
int expr_value_slice(
	struct expr_run *run, struct expr_value *v, const struct expr_slice *slice) MUST_CHECK;
/* The number in a place where things are counted. */
int expr_value_count(struct expr_run *run, const struct expr_value *v, int64_t *ret) MUST_CHECK;

/* Functions of values, by name; NULL: there is none. Two arguments are kept, count says how many
 * there were. */
#define EXPR_ARGS_MAX 2
struct expr_function;
const struct expr_function *expr_function_find(const char *name, size_t len);
int expr_function_call(struct expr_run *run, const struct expr_function *function,
	struct expr_value *v, struct expr_value args[EXPR_ARGS_MAX], size_t count) MUST_CHECK;

#endif
