/*
 * Each operation pays for its work in advance, by the sizes of what goes in; what comes out is limited
 * by the ceilings of integers and texts.
 */
#include "config.h"
#include "model/expression_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What a lookup costs beyond the bytes that it brings. */
#define LOOKUP_WORK 50
/* What making a text from a text costs. */
#define TEXT_WORK 20

int expr_run_charge(struct expr_run *run, size_t work)
{
	if (*run->budget > work) {
		*run->budget -= work;
		return 0;
	}
	*run->budget = 0;
	return err_set(run->err, -EINVAL, "the expression takes too much work to evaluate");
}

int expr_run_broken(struct expr_run *run, const char *fmt, ...)
{
	char shown[EXPR_TEXT_SHOWN];
	char text[ERR_TEXT_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_whole(text);
	return err_set(run->err, -EINVAL, "{%s}: %s",
		expr_text_show(run->field, run->field_len, shown), text);
}

void expr_value_done(struct expr_value *v)
{
	buf_done(&v->text);
}

static int too_large(struct expr_run *run)
{
	return expr_run_broken(run, "a number needs more than %d bits", EXPR_INT_BITS);
}

static int too_long(struct expr_run *run)
{
	return expr_run_broken(run, "a text is longer than %zu bytes", EXPR_TEXT_MAX);
}

/* ---- names ---- */

/* The digits of the i-th number in the name, counted from 1; the last one with 0. */
static const char *number_in(const char *name, int64_t i, size_t *ret_len, int64_t *ret_count)
{
	const char *found = NULL;
	int64_t count = 0;

	for (const char *p = name; *(p += strcspn(p, "0123456789"));) {
		size_t len = strspn(p, "0123456789");

		count++;
		if (i == 0 || i == count) {
			found = p;
			*ret_len = len;
		}
		p += len;
	}
	*ret_count = count;
	return found;
}

static int lookup_number(struct expr_run *run, const char *which, struct expr_value *ret)
{
	const char *node = run->scope->node;
	struct expr_int i;
	const char *digits;
	size_t len = 0;
	int64_t count;

	if (!*which)
		return expr_run_broken(run, "n must be followed by a number, such as n1");
	if (expr_int_digits(which, strlen(which), 10, &i) < 0)
		return too_large(run);
	if (expr_run_charge(run, strlen(node)) < 0)
		return -EINVAL;
	digits = number_in(node, expr_int_clamp(&i), &len, &count);
	if (!digits)
		return expr_run_broken(run, "there %s %lld number%s in %s",
			count == 1 ? "is" : "are", (long long)count, count == 1 ? "" : "s", node);
	ret->kind = EXPR_INT;
	return expr_int_digits(digits, len, 10, &ret->number) < 0 ? too_large(run) : 0;
}

static int lookup_attribute(struct expr_run *run, const char *name, struct expr_value *ret)
{
	char shown[EXPR_TEXT_SHOWN];
	int rc;

	ret->kind = EXPR_TEXT;
	buf_reset(&ret->text);
	err_clear(run->err);
	rc = run->scope->attribute(name, &ret->text, run->err, run->scope->arg);
	if (rc == -ENOENT)
		return err_set(run->err, -EINVAL, "%s is not a valid attribute name",
			expr_text_show(name, strlen(name), shown));
	if (rc == -EMSGSIZE)
		return too_long(run);
	if (rc < 0 && run->err && !run->err->text[0])
		return expr_run_broken(run, "%s: %s", name, strerror(-rc));
	/* What was evaluated meanwhile has spent from the same budget. */
	return rc < 0 ? -EINVAL : expr_run_charge(run, ret->text.len);
}

int expr_value_lookup(struct expr_run *run, const char *name, struct expr_value *ret)
{
	int rc = expr_run_charge(run, LOOKUP_WORK);

	if (rc < 0)
		return rc;
	if (name[0] == 'n' && !name[1 + strspn(name + 1, "0123456789")])
		return lookup_number(run, name + 1, ret);
	if (!text_eq(name, "node") && !text_eq(name, "nodename"))
		return lookup_attribute(run, name, ret);
	ret->kind = EXPR_TEXT;
	buf_reset(&ret->text);
	return buf_str(&ret->text, run->scope->node) < 0 ? too_long(run) : 0;
}

/* ---- numbers ---- */

void expr_value_settle(struct expr_value *v)
{
	if (v->kind == EXPR_TEXT &&
		expr_text_integer(buf_cstr(&v->text), v->text.len, &v->number) < 0)
		return;
	v->kind = EXPR_INT;
}

static int to_number(struct expr_run *run, struct expr_value *v)
{
	char shown[EXPR_TEXT_SHOWN];
	int rc;

	if (v->kind != EXPR_TEXT)
		return 0;
	rc = expr_text_integer(buf_cstr(&v->text), v->text.len, &v->number);
	if (rc == -ERANGE)
		return too_large(run);
	if (rc < 0)
		return expr_run_broken(run, "'%s' is not a number",
			expr_text_show(buf_cstr(&v->text), v->text.len, shown));
	v->kind = EXPR_INT;
	return 0;
}

int expr_value_negate(struct expr_run *run, struct expr_value *v)
{
	int rc = to_number(run, v);

	if (rc == 0)
		expr_int_negate(&v->number);
	return rc;
}

int expr_value_binary(
	struct expr_run *run, struct expr_value *left, char op, struct expr_value *right)
{
	struct expr_int *a = &left->number;
	struct expr_int *b = &right->number;
	int rc = to_number(run, left);

	if (rc == 0)
		rc = to_number(run, right);
	if (rc == 0)
		rc = expr_run_charge(run, 8 + (size_t)a->len * b->len);
	if (rc < 0)
		return rc;
	left->kind = EXPR_INT;
	switch (op) {
	case '+':
		rc = expr_int_add(a, b, a);
		break;
	case '-':
		rc = expr_int_sub(a, b, a);
		break;
	case '*':
		rc = expr_int_mul(a, b, a);
		break;
	case '/':
		rc = expr_int_divide(a, b, a, NULL);
		break;
	case '%':
		rc = expr_int_divide(a, b, NULL, a);
		break;
	case '<':
	case '>':
		rc = expr_int_shift(a, b, op == '<', a);
		break;
	default:
		rc = expr_int_bits(a, b, op, a);
		break;
	}
	if (rc == -EDOM && (op == '<' || op == '>'))
		return expr_run_broken(run, "a shift by a negative number");
	if (rc == -EDOM)
		return expr_run_broken(run, "a division by zero");
	return rc < 0 ? too_large(run) : 0;
}

int expr_value_count(struct expr_run *run, const struct expr_value *v, int64_t *ret)
{
	if (v->kind != EXPR_INT)
		return expr_run_broken(run, "a whole number is needed to count characters");
	*ret = expr_int_clamp(&v->number);
	return 0;
}

/* ---- texts ---- */

static int need_text(struct expr_run *run, const struct expr_value *v)
{
	if (v->kind == EXPR_TEXT)
		return expr_run_charge(run, TEXT_WORK + v->text.len);
	return expr_run_broken(run, "a number has no characters and no functions of texts");
}

/* Puts what became of the text in its place. */
static int become(struct expr_run *run, struct expr_value *v, struct buf *text, int rc)
{
	if (rc == -EMSGSIZE)
		rc = too_long(run);
	if (rc == 0)
		rc = expr_run_charge(run, text->len);
	if (rc == 0) {
		buf_done(&v->text);
		v->text = *text;
		*text = (struct buf)BUF_INIT(EXPR_TEXT_MAX);
	}
	buf_done(text);
	return rc;
}

int expr_value_index(struct expr_run *run, struct expr_value *v, const struct expr_value *i)
{
	struct buf part = BUF_INIT(EXPR_TEXT_MAX);
	int64_t at = 0;
	int rc = need_text(run, v);

	if (rc == 0)
		rc = expr_value_count(run, i, &at);
	if (rc == 0)
		rc = expr_text_index(buf_cstr(&v->text), v->text.len, at, &part);
	if (rc == -ENOENT)
		rc = expr_run_broken(run, "the text has no character %lld", (long long)at);
	return become(run, v, &part, rc);
}

int expr_value_slice(struct expr_run *run, struct expr_value *v, const struct expr_slice *slice)
{
	struct buf part = BUF_INIT(EXPR_TEXT_MAX);
	int rc = need_text(run, v);

	if (rc == 0 && slice->step == 0)
		rc = expr_run_broken(run, "the step of a slice is 0");
	if (rc == 0)
		rc = expr_text_slice(buf_cstr(&v->text), v->text.len, slice, &part);
	return become(run, v, &part, rc);
}

/* ---- functions ---- */

struct expr_function {
	const char *name;
	int (*call)(struct expr_run *run, struct expr_value *v,
		struct expr_value args[EXPR_ARGS_MAX], size_t count);
};

static int change_case(struct expr_run *run, struct expr_value *v,
	int (*change)(const char *s, size_t len, struct buf *out))
{
	struct buf text = BUF_INIT(EXPR_TEXT_MAX);
	int rc = need_text(run, v);

	if (rc == 0)
		rc = change(buf_cstr(&v->text), v->text.len, &text);
	return become(run, v, &text, rc);
}

static int call_upper(struct expr_run *run, struct expr_value *v,
	struct expr_value args[EXPR_ARGS_MAX] UNUSED, size_t count UNUSED)
{
	return change_case(run, v, expr_text_upper);
}

static int call_lower(struct expr_run *run, struct expr_value *v,
	struct expr_value args[EXPR_ARGS_MAX] UNUSED, size_t count UNUSED)
{
	return change_case(run, v, expr_text_lower);
}

static int call_replace(struct expr_run *run, struct expr_value *v,
	struct expr_value args[EXPR_ARGS_MAX], size_t count)
{
	struct buf text = BUF_INIT(EXPR_TEXT_MAX);
	int rc;

	if (count != 2)
		return err_set(run->err, -EINVAL, "Invalid number of arguments to replace");
	if (args[0].kind != EXPR_TEXT || args[1].kind != EXPR_TEXT)
		return expr_run_broken(run, "both arguments of replace must be texts");
	rc = need_text(run, v);
	if (rc == 0)
		rc = expr_text_replace(buf_cstr(&v->text), v->text.len, buf_cstr(&args[0].text),
			args[0].text.len, buf_cstr(&args[1].text), args[1].text.len, &text);
	return become(run, v, &text, rc);
}

/* Where x is when things are numbered from 1 and packed in blocks of k: (x - 1) op k + 1. */
static int block(
	struct expr_run *run, struct expr_value *v, char op, struct expr_value *k, size_t count)
{
	struct expr_value one = EXPR_VALUE_INIT;
	int rc;

	if (count == 0)
		return expr_run_broken(run, "the size of the block is missing");
	if (k->kind != EXPR_INT)
		return expr_run_broken(run, "the size of a block must be a whole number");
	expr_int_set(&one.number, 1);
	rc = expr_value_binary(run, v, '-', &one);
	if (rc == 0)
		rc = expr_value_binary(run, v, op, k);
	return rc == 0 ? expr_value_binary(run, v, '+', &one) : rc;
}

static int call_block_number(struct expr_run *run, struct expr_value *v,
	struct expr_value args[EXPR_ARGS_MAX], size_t count)
{
	return block(run, v, '/', &args[0], count);
}

static int call_block_offset(struct expr_run *run, struct expr_value *v,
	struct expr_value args[EXPR_ARGS_MAX], size_t count)
{
	return block(run, v, '%', &args[0], count);
}

static const struct expr_function functions[] = {
	{"upper", call_upper},
	{"lower", call_lower},
	{"replace", call_replace},
	{"block_number", call_block_number},
	{"block_offset", call_block_offset},
};

const struct expr_function *expr_function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
			return &functions[i];
	return NULL;
}

int expr_function_call(struct expr_run *run, const struct expr_function *function,
	struct expr_value *v, struct expr_value args[EXPR_ARGS_MAX], size_t count)
{
	return function->call(run, v, args, count);
}
