/*
 * A format text is taken apart into struct format, which is the same for all types; then the number
 * is spelled as sign, prefix, whole digits and tail (what follows them: a fraction, an exponent), and
 * laid out. Widths are checked before anything is written, so nothing large is ever made.
 */
#include "config.h"
#include "model/expression_format.h"

#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/expression_text.h"

#define FIELD_MAX EXPR_FORMAT_FIELD_MAX

struct format {
	char fill[4];
	size_t fill_len;
	char align; /* '<' '>' '^' '='; '\0': not given */
	char sign;  /* '+' '-' ' '; '\0': not given */
	bool no_minus_zero, alternate;
	size_t width;
	char group; /* ',' or '_'; '\0': none */
	bool has_precision;
	size_t precision;
	char type; /* '\0': not given */
};

static bool is_align(char c)
{
	return c == '<' || c == '>' || c == '^' || c == '=';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Numbers past what a field may have stay there. */
static size_t take_number(const char **p, const char *end)
{
	size_t v = 0;

	for (; *p < end && is_digit(**p); (*p)++)
		v = v > FIELD_MAX ? v : v * 10 + (size_t)(**p - '0');
	return v;
}

static bool take(const char **p, const char *end, const char *any_of, char *ret)
{
	if (*p >= end || !**p || !strchr(any_of, **p))
		return false;
	*ret = *(*p)++;
	return true;
}

static void parse_fill(const char **p, const char *end, struct format *f)
{
	size_t n = expr_text_next(*p, (size_t)(end - *p), NULL);

	if (n && n < (size_t)(end - *p) && is_align((*p)[n])) {
		memcpy(f->fill, *p, n);
		f->fill_len = n;
		*p += n;
	}
	(void)take(p, end, "<>^=", &f->align);
}

static int parse(const char *s, size_t len, bool is_number, struct format *f, struct err *err)
{
	char shown[EXPR_TEXT_SHOWN];
	const char *end = s + len;
	const char *p = s;
	char c;

	*f = (struct format){.fill_len = 0};
	parse_fill(&p, end, f);
	(void)take(&p, end, "+- ", &f->sign);
	f->no_minus_zero = take(&p, end, "z", &c);
	f->alternate = take(&p, end, "#", &c);
	if (!f->fill_len && p < end && *p == '0') {
		f->fill[0] = '0';
		f->fill_len = 1;
		if (!f->align && is_number)
			f->align = '=';
		p++;
	}
	f->width = take_number(&p, end);
	(void)take(&p, end, ",_", &f->group);
	if (take(&p, end, ".", &c)) {
		if (p >= end || !is_digit(*p))
			return err_set(err, -EINVAL, "the format has a '.' without a precision");
		f->has_precision = true;
		f->precision = take_number(&p, end);
	}
	if (p < end)
		f->type = *p++;
	if (p < end || (f->type && (f->type <= ' ' || f->type > '~')))
		return err_set(err, -EINVAL, "invalid format '%s'", expr_text_show(s, len, shown));
	if (!f->fill_len) {
		f->fill[0] = ' ';
		f->fill_len = 1;
	}
	if (!f->align)
		f->align = is_number ? '>' : '<';
	return f->width > FIELD_MAX ? -E2BIG : 0;
}

static int put_fill(const struct format *f, size_t count, struct buf *out)
{
	int rc = 0;

	while (count-- && rc == 0)
		rc = buf_add(out, f->fill, f->fill_len);
	return rc;
}

/* What is to be laid out: the head stays left of what fills the field up with '='. */
struct parts {
	char head[4]; /* sign and prefix */
	const char *body;
	size_t len;
	size_t chars; /* characters of the body */
};

static int put_parts(const struct format *f, const struct parts *parts, struct buf *out)
{
	size_t chars = strlen(parts->head) + parts->chars;
	size_t spare = f->width > chars ? f->width - chars : 0;
	size_t left = f->align == '^' ? spare / 2 : f->align == '>' ? spare : 0;
	size_t inner = f->align == '=' ? spare : 0;
	int rc;

	if (chars > FIELD_MAX)
		return -E2BIG;
	rc = put_fill(f, left, out);
	if (rc == 0)
		rc = buf_str(out, parts->head);
	if (rc == 0)
		rc = put_fill(f, inner, out);
	if (rc == 0)
		rc = buf_add(out, parts->body, parts->len);
	return rc == 0 ? put_fill(f, spare - left - inner, out) : rc;
}

/* ---- numbers ---- */

/* The whole digits with a separator each three or four of them, and zeros in front, grouped as well,
 * until there are `least` characters. */
static int put_digits(
	const struct format *f, const char *digits, size_t count, size_t least, struct buf *out)
{
	size_t size = f->type && strchr("boxX", f->type) ? 4 : 3;
	size_t separators = f->group ? (count - 1) / size : 0;
	size_t total = count;
	int rc = 0;

	while (total + separators < least) {
		total++;
		separators = f->group ? (total - 1) / size : 0;
	}
	for (size_t i = total; i-- > 0 && rc == 0;) {
		rc = buf_add(out, i < count ? &digits[count - 1 - i] : "0", 1);
		if (rc == 0 && i && f->group && i % size == 0)
			rc = buf_add(out, &f->group, 1);
	}
	return rc;
}

/* text has whole digits first; the rest is its tail. */
static int put_number(const struct format *f, bool negative, const char *prefix, const char *text,
	struct buf *out)
{
	struct buf body = BUF_INIT((size_t)4 * FIELD_MAX);
	char sign[2] = {negative ? '-' : f->sign == '-' ? '\0' : f->sign, '\0'};
	size_t count = strspn(
		text, f->type == 'x' || f->type == 'X' ? "0123456789abcdefABCDEF" : "0123456789");
	size_t around = strlen(sign) + strlen(prefix) + strlen(text + count);
	size_t least = 0;
	struct parts parts;
	int rc;

	if (f->align == '=' && f->fill[0] == '0' && f->width > around)
		least = f->width - around;
	rc = put_digits(f, text, count, least, &body);
	if (rc == 0)
		rc = buf_str(&body, text + count);
	if (rc == 0) {
		snprintf(parts.head, sizeof(parts.head), "%s%s", sign, prefix);
		parts.body = body.data;
		parts.len = parts.chars = body.len;
		rc = put_parts(f, &parts, out);
	}
	buf_done(&body);
	return rc;
}

static int print_float(char *to, size_t size, const struct format *f, double v)
{
	int precision = f->has_precision ? (int)f->precision : 6;

	switch (f->type) {
	case 'e':
		return snprintf(to, size, f->alternate ? "%#.*e" : "%.*e", precision, v);
	case 'E':
		return snprintf(to, size, f->alternate ? "%#.*E" : "%.*E", precision, v);
	case 'g':
		return snprintf(to, size, f->alternate ? "%#.*g" : "%.*g", precision, v);
	case 'G':
		return snprintf(to, size, f->alternate ? "%#.*G" : "%.*G", precision, v);
	case '%':
		return snprintf(to, size, f->alternate ? "%#.*f%%" : "%.*f%%", precision, v * 100);
	default:
		return snprintf(to, size, f->alternate ? "%#.*f" : "%.*f", precision, v);
	}
}

/* Relies on the "C" locale, which the agent never leaves: a fraction begins with a point. */
static int put_float(
	const struct format *f, const struct expr_int *number, struct buf *out, struct err *err)
{
	size_t size = FIELD_MAX + EXPR_INT_TEXT_MAX;
	char digits[EXPR_INT_TEXT_MAX];
	double value;
	char *text;
	int rc;

	if (f->precision > FIELD_MAX)
		return -E2BIG;
	(void)expr_int_print(number, 10, digits);
	value = strtod(digits, NULL);
	if (value > DBL_MAX / 100)
		return err_set(
			err, -EINVAL, "the number is too large for format type '%c'", f->type);
	text = xmalloc(size);
	(void)print_float(text, size, f, value);
	rc = put_number(f, number->negative, "", text, out);
	free(text);
	return rc;
}

/* The character of that number. Controls can't be in a value. */
static int put_character(
	const struct format *f, const struct expr_int *number, struct buf *out, struct err *err)
{
	struct buf body = BUF_INIT(8);
	int64_t code = expr_int_clamp(number);
	struct parts parts = {.chars = 1};
	int rc = -EINVAL;

	if ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0x10ffff))
		rc = expr_text_put(&body, (uint32_t)code);
	if (rc < 0)
		return err_set(err, -EINVAL, "the number is not that of a printable character");
	parts.body = body.data;
	parts.len = body.len;
	rc = put_parts(f, &parts, out);
	buf_done(&body);
	return rc;
}

/* What can't go together in the format of a number. */
static int check_number(const struct format *f, struct err *err)
{
	if (f->type && !strchr("bcdoxXneEfFgG%", f->type))
		return err_set(err, -EINVAL, "format type '%c' is not one for a number", f->type);
	if (f->type && strchr("eEfFgG%", f->type))
		return 0;
	if (f->has_precision)
		return err_set(err, -EINVAL, "a precision is for texts and for the types e f g %%");
	if (f->no_minus_zero)
		return err_set(err, -EINVAL, "format flag 'z' is for the types e f g %%");
	if (f->type == 'c' && (f->sign || f->alternate))
		return err_set(err, -EINVAL, "format type 'c' goes with neither sign nor '#'");
	if ((f->group == ',' && f->type && f->type != 'd') ||
		(f->group == '_' && (f->type == 'c' || f->type == 'n')))
		return err_set(
			err, -EINVAL, "format type '%c' does not go with '%c'", f->type, f->group);
	return 0;
}

int expr_format_int(const struct expr_int *number, const char *format, size_t len, struct buf *out,
	struct err *err)
{
	char text[EXPR_INT_TEXT_MAX];
	const char *prefix = "";
	struct format f;
	unsigned base;
	int rc = parse(format, len, true, &f, err);

	if (rc == 0)
		rc = check_number(&f, err);
	if (rc < 0)
		return rc;
	if (f.type && strchr("eEfFgG%", f.type))
		return put_float(&f, number, out, err);
	if (f.type == 'c')
		return put_character(&f, number, out, err);
	base = f.type == 'b' ? 2 : f.type == 'o' ? 8 : f.type == 'x' || f.type == 'X' ? 16 : 10;
	(void)expr_int_print(number, base, text);
	for (char *p = text; f.type == 'X' && *p; p++)
		if (*p >= 'a')
			*p = (char)(*p ^ 0x20);
	if (f.alternate && base != 10)
		prefix = base == 2 ? "0b" : base == 8 ? "0o" : f.type == 'x' ? "0x" : "0X";
	return put_number(&f, number->negative, prefix, text, out);
}

/* ---- texts ---- */

/* What can't go together in the format of a text. */
static int check_text(const struct format *f, struct err *err)
{
	if (f->type && f->type != 's')
		return err_set(err, -EINVAL, "format type '%c' is for numbers, and this is a text",
			f->type);
	if (f->sign || f->alternate || f->no_minus_zero || f->group || f->align == '=')
		return err_set(err, -EINVAL, "the format is one for numbers, and this is a text");
	return 0;
}

int expr_format_text(const char *text, size_t text_len, const char *format, size_t len,
	struct buf *out, struct err *err)
{
	struct parts parts = {.body = text};
	struct format f;
	int rc = parse(format, len, false, &f, err);

	if (rc == 0)
		rc = check_text(&f, err);
	if (rc < 0)
		return rc;
	while (parts.len < text_len && !(f.has_precision && parts.chars == f.precision)) {
		parts.len += expr_text_next(text + parts.len, text_len - parts.len, NULL);
		parts.chars++;
	}
	return put_parts(&f, &parts, out);
}
