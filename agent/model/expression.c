/*
 * A text is taken piece by piece: characters that stand for themselves, then perhaps a field, of which
 * only the outline is known here: {expression!conversion:format}. What the braces enclose is found as
 * Python's format() finds it, so that a text means the same to upstream: the expression ends at the
 * first ':' or '!' outside brackets, the format at the brace that closes the field.
 *
 * Setting a value looks at the outlines alone; whether the expression of a field makes sense shows when
 * it is evaluated, and the value is shown as broken where it does not.
 */
#include "config.h"
#include "model/expression.h"

#include <errno.h>
#include <string.h>

#include "model/expression_field.h"
#include "model/expression_format.h"

/* A field may have fields in its format, those may not. */
#define NESTING_MAX 2
/* What a field costs beyond its characters. */
#define FIELD_WORK 10
/* Fields that are but a number may be so long. */
#define DIGITS_MAX 18

struct piece {
	const char *literal;
	size_t literal_len;
	bool has_field;
	const char *field; /* from its brace … */
	size_t field_len;  /* … through the closing one */
	const char *expression;
	size_t expression_len;
	const char *conversion; /* one character */
	size_t conversion_len;	/* 0: none */
	const char *format;
	size_t format_len;
};

struct outline {
	const char *start, *at, *end;
	struct err *err;
};

static int wrong(struct outline *o, const char *what, const char *remedy)
{
	char shown[EXPR_TEXT_SHOWN];

	return err_set(o->err, -EINVAL, "%s: '%s' (%s)", what,
		expr_text_show(o->start, (size_t)(o->end - o->start), shown), remedy);
}

/* Behind the brackets that begin at p, or the end. */
static const char *skip_brackets(const char *p, const char *end)
{
	const char *close = memchr(p, ']', (size_t)(end - p));

	return close ? close + 1 : end;
}

static int take_expression(struct outline *o, struct piece *ret)
{
	const char *p = o->at;

	ret->expression = p;
	while (p < o->end && *p != '}' && *p != ':' && *p != '!') {
		if (*p == '{')
			return wrong(o, "unexpected '{' in field name",
				"braces can't be part of an expression");
		p = *p == '[' ? skip_brackets(p, o->end) : p + 1;
	}
	if (p >= o->end)
		return wrong(o, "expected '}' before end of string", "'{{' stands for a brace");
	ret->expression_len = (size_t)(p - ret->expression);
	o->at = p;
	return 0;
}

static int take_conversion(struct outline *o, struct piece *ret)
{
	const char *p = o->at + 1;

	ret->conversion = p;
	ret->conversion_len = expr_text_next(p, (size_t)(o->end - p), NULL);
	p += ret->conversion_len;
	if (p >= o->end)
		return wrong(o, "expected '}' before end of string", "'{{' stands for a brace");
	if (*p != ':' && *p != '}')
		return wrong(
			o, "expected ':' after conversion specifier", "a conversion is one letter");
	o->at = p;
	return 0;
}

static int take_format(struct outline *o, struct piece *ret)
{
	const char *p = o->at + 1;
	size_t open = 1;

	ret->format = p;
	for (; p < o->end; p++) {
		if (*p == '{')
			open++;
		if (*p == '}' && --open == 0)
			break;
	}
	if (p == o->end)
		return wrong(o, "unmatched '{' in format spec", "'{{' stands for a brace");
	ret->format_len = (size_t)(p - ret->format);
	o->at = p;
	return 0;
}

/* From behind the opening brace to behind the closing one. */
static int take_field(struct outline *o, struct piece *ret)
{
	int rc = take_expression(o, ret);

	if (rc == 0 && *o->at == '!')
		rc = take_conversion(o, ret);
	if (rc == 0 && *o->at == ':')
		rc = take_format(o, ret);
	if (rc < 0)
		return rc;
	o->at++;
	ret->has_field = true;
	ret->field_len = (size_t)(o->at - ret->field);
	return 0;
}

/* 1: there is a piece; 0: that was all. */
static int take_piece(struct outline *o, struct piece *ret)
{
	const char *p = o->at;

	if (p == o->end)
		return 0;
	*ret = (struct piece){.literal = p, .format = ""};
	while (p < o->end && *p != '{' && *p != '}')
		p++;
	ret->literal_len = (size_t)(p - o->at);
	o->at = p;
	if (p == o->end)
		return 1;
	if (p + 1 < o->end && p[0] == p[1]) {
		ret->literal_len++;
		o->at = p + 2;
		return 1;
	}
	if (*p == '}')
		return wrong(
			o, "Single '}' encountered in format string", "'}}' stands for a brace");
	if (p + 1 == o->end)
		return wrong(
			o, "Single '{' encountered in format string", "'{{' stands for a brace");
	o->at = p + 1;
	ret->field = p;
	return take_field(o, ret) < 0 ? -EINVAL : 1;
}

/* ---- what is refused when a value is set ---- */

struct check {
	struct err *err;
	bool numbered, unnumbered; /* fields that are but a number, and empty ones */
};

static bool only_digits(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len > 0;
}

/* How long the format is without the fields in it. */
static size_t fixed_chars(const char *format, size_t len)
{
	size_t open = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i += expr_text_next(format + i, len - i, NULL)) {
		if (format[i] == '{')
			open++;
		else if (format[i] == '}')
			open -= open > 0;
		else
			n += open == 0;
	}
	return n;
}

static int format_too_long(const char *format, size_t len, struct err *err)
{
	char shown[EXPR_TEXT_SHOWN];

	return err_set(err, -EINVAL,
		"Format specification %s exceeds maximum supported length of %d",
		expr_text_show(format, len, shown), EXPR_FORMAT_MAX);
}

static int check_piece(const struct piece *piece, unsigned nesting, struct err *err)
{
	char field[EXPR_TEXT_SHOWN];
	char conversion[EXPR_TEXT_SHOWN];

	(void)expr_text_show(piece->field, piece->field_len, field);
	if (nesting >= NESTING_MAX)
		return err_set(err, -EINVAL,
			"Max string recursion exceeded: '%s' (a format may have fields, those may "
			"not)",
			field);
	if (piece->conversion_len && !memchr("sra", piece->conversion[0], 3))
		return err_set(err, -EINVAL, "Unknown conversion specifier %s: '%s'",
			expr_text_show(piece->conversion, piece->conversion_len, conversion),
			field);
	if (piece->expression_len > DIGITS_MAX &&
		only_digits(piece->expression, piece->expression_len))
		return err_set(
			err, -EINVAL, "Too many decimal digits in format string: '%s'", field);
	if (fixed_chars(piece->format, piece->format_len) > EXPR_FORMAT_MAX)
		return format_too_long(piece->format, piece->format_len, err);
	return 0;
}

static int check_text(
	struct check *c, const char *text, size_t len, unsigned nesting, bool *ret_fields)
{
	struct outline o = {.start = text, .at = text, .end = text + len, .err = c->err};
	struct piece piece;
	bool fields;
	int rc;

	while ((rc = take_piece(&o, &piece)) > 0) {
		if (!piece.has_field)
			continue;
		*ret_fields = true;
		rc = check_piece(&piece, nesting, c->err);
		if (rc < 0)
			return rc;
		c->unnumbered = c->unnumbered || piece.expression_len == 0;
		c->numbered = c->numbered || only_digits(piece.expression, piece.expression_len);
		if (c->numbered && c->unnumbered)
			return wrong(
				&o, "fields with and without a number", "use one or the other");
		if (piece.format_len)
			rc = check_text(c, piece.format, piece.format_len, nesting + 1, &fields);
		if (rc < 0)
			return rc;
	}
	return rc;
}

enum expression_kind expression_classify(const char *text, size_t len, struct err *err)
{
	struct check check = {.err = err};
	bool fields = false;

	if (check_text(&check, text, len, 0, &fields) < 0)
		return EXPRESSION_INVALID;
	return fields ? EXPRESSION_FIELDS : EXPRESSION_PLAIN;
}

/* ---- plain texts ---- */

static void cut(struct buf *out, size_t len)
{
	out->len = len;
	if (out->data)
		out->data[len] = '\0';
}

int expression_unescape(const char *text, size_t len, struct buf *out)
{
	struct outline o = {.start = text, .at = text, .end = text + len};
	size_t before = out->len;
	struct piece piece;
	int rc;

	while ((rc = take_piece(&o, &piece)) > 0) {
		rc = piece.has_field ? -EINVAL : buf_add(out, piece.literal, piece.literal_len);
		if (rc < 0)
			break;
	}
	if (rc < 0)
		cut(out, before);
	return rc;
}

int expression_escape(const char *text, size_t len, struct buf *out)
{
	size_t before = out->len;
	size_t from = 0;
	int rc = 0;

	for (size_t i = 0; i < len && rc == 0; i++) {
		if (text[i] != '{' && text[i] != '}')
			continue;
		rc = buf_add(out, text + from, i + 1 - from);
		from = i;
	}
	if (rc == 0)
		rc = buf_add(out, text + from, len - from);
	if (rc < 0)
		cut(out, before);
	return rc;
}

/* ---- evaluation ---- */

static int put_text(
	struct expr_run *run, const char *text, size_t len, unsigned nesting, struct buf *out);

static int put_value(struct expr_run *run, const struct piece *piece,
	const struct expr_value *value, const char *format, size_t format_len, struct buf *out)
{
	char field[EXPR_TEXT_SHOWN];
	struct err why = {""};
	int rc;

	if (value->kind == EXPR_TEXT)
		rc = expr_format_text(
			buf_cstr(&value->text), value->text.len, format, format_len, out, &why);
	else
		rc = expr_format_int(&value->number, format, format_len, out, &why);
	if (rc == -E2BIG)
		return err_set(run->err, -EINVAL, "Field length exceeded during formatting");
	if (rc == -EMSGSIZE)
		return err_set(run->err, -EINVAL, "the result is longer than %zu bytes", out->max);
	if (rc < 0)
		return err_set(run->err, -EINVAL, "%s: %s",
			expr_text_show(piece->field, piece->field_len, field), why.text);
	return 0;
}

static int evaluate(struct expr_run *run, const struct piece *piece, struct expr_value *ret)
{
	/* The letters r and a turn the field into a text with quotes around, which reads as itself. */
	if (piece->conversion_len && piece->conversion[0] != 's') {
		ret->kind = EXPR_TEXT;
		if (piece->expression_len == 0)
			return expr_run_broken(run, "the field is empty");
		if (buf_add(&ret->text, piece->expression, piece->expression_len) < 0)
			return expr_run_broken(run, "the field is too long");
		return 0;
	}
	return expr_field_evaluate(run, ret);
}

static int put_field(
	struct expr_run *run, const struct piece *piece, unsigned nesting, struct buf *out)
{
	struct expr_value value = EXPR_VALUE_INIT;
	struct buf format = BUF_INIT(EXPR_TEXT_MAX);
	size_t before = out->len;
	int rc = check_piece(piece, nesting, run->err);

	run->field = piece->expression;
	run->field_len = piece->expression_len;
	if (rc == 0)
		rc = evaluate(run, piece, &value);
	if (rc == 0)
		rc = put_text(run, piece->format, piece->format_len, nesting + 1, &format);
	if (rc == 0 && expr_text_count(buf_cstr(&format), format.len) > EXPR_FORMAT_MAX)
		rc = format_too_long(buf_cstr(&format), format.len, run->err);
	if (rc == 0) {
		expr_value_settle(&value);
		/* To print a number in another base is to divide it again and again. */
		rc = expr_run_charge(run, FIELD_WORK + (size_t)value.number.len * value.number.len);
	}
	if (rc == 0)
		rc = put_value(run, piece, &value, buf_cstr(&format), format.len, out);
	expr_value_done(&value);
	buf_done(&format);
	return rc == 0 ? expr_run_charge(run, out->len - before) : rc;
}

static int put_text(
	struct expr_run *run, const char *text, size_t len, unsigned nesting, struct buf *out)
{
	struct outline o = {.start = text, .at = text, .end = text + len, .err = run->err};
	struct piece piece;
	int rc = 0;

	if (!len)
		return 0;
	while ((rc = take_piece(&o, &piece)) > 0) {
		rc = expr_run_charge(run, 1 + piece.literal_len);
		if (rc == 0 && buf_add(out, piece.literal, piece.literal_len) < 0)
			rc = err_set(
				run->err, -EINVAL, "the result is longer than %zu bytes", out->max);
		if (rc == 0 && piece.has_field)
			rc = put_field(run, &piece, nesting, out);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int expression_evaluate(const char *text, size_t len, const struct expression_scope *scope,
	struct buf *out, struct err *err)
{
	size_t budget = EXPRESSION_BUDGET;
	struct err unused;
	struct expr_run run = {
		.scope = scope,
		.budget = scope->budget ? scope->budget : &budget,
		.err = err ? err : &unused,
	};
	size_t before = out->len;
	int rc = put_text(&run, text, len, 0, out);

	if (rc < 0)
		cut(out, before);
	return rc;
}
