/*
 * A number takes all letters, digits and points that follow it, and is looked at closely only when
 * its value is asked for: so "1abc" is one bad number and not a number and a name.
 */
#include "config.h"
#include "model/expression_token.h"

#include <errno.h>
#include <string.h>

#include "model/expression_text.h"

/* Longer ones first, since the first that fits is taken. */
static const char *const operators[] = {"**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-",
	"*", "/", "%", "&", "|", "^", "~", "@", "<", ">", "(", ")", "[", "]", ".", ",", ":", "=",
	";"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_based(const char *s, size_t len)
{
	return len >= 2 && s[0] == '0' && memchr("xXoObB", s[1], 6);
}

static size_t number_len(const char *s, const char *end)
{
	bool based = is_based(s, (size_t)(end - s));
	const char *p = s;

	for (; p < end; p++) {
		bool exponent = !based && p > s && (p[-1] == 'e' || p[-1] == 'E');

		if (!is_digit(*p) && !is_letter(*p) && *p != '.' &&
			!(exponent && (*p == '+' || *p == '-')))
			break;
	}
	return (size_t)(p - s);
}

/* 0 where the closing quote is missing. */
static size_t text_len(const char *s, const char *end)
{
	for (const char *p = s + 1; p < end && *p != '\n'; p++) {
		if (*p == s[0])
			return (size_t)(p + 1 - s);
		if (*p == '\\')
			p++;
	}
	return 0;
}

int expr_token_next(
	const char **at, const char *end, struct expr_token *ret, const char **reterr_why)
{
	const char *s = *at;
	size_t len = 0;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	ret->s = s;
	if (s == end) {
		ret->kind = EXPR_TOKEN_END;
	} else if (is_digit(*s) || (*s == '.' && s + 1 < end && is_digit(s[1]))) {
		ret->kind = EXPR_TOKEN_NUMBER;
		len = number_len(s, end);
	} else if (is_letter(*s)) {
		ret->kind = EXPR_TOKEN_NAME;
		while (s + len < end && (is_letter(s[len]) || is_digit(s[len])))
			len++;
	} else if (*s == '"' || *s == '\'') {
		ret->kind = EXPR_TOKEN_TEXT;
		len = text_len(s, end);
		if (!len) {
			*reterr_why = "a text has no closing quote (':' and '!' end a field within "
				      "quotes, "
				      "too: write \\x3a and \\x21)";
			return -EINVAL;
		}
	} else {
		ret->kind = EXPR_TOKEN_OPERATOR;
		for (size_t i = 0; i < ARRAY_SIZE(operators) && !len; i++) {
			size_t n = strlen(operators[i]);

			if (n <= (size_t)(end - s) && memcmp(s, operators[i], n) == 0)
				len = n;
		}
		if (!len) {
			*reterr_why = "a character that means nothing here";
			return -EINVAL;
		}
	}
	ret->len = len;
	*at = s + len;
	return 0;
}

bool expr_token_is(const struct expr_token *token, const char *word)
{
	return token->len == strlen(word) && memcmp(token->s, word, token->len) == 0;
}

/* ---- numbers ---- */

/* Digits of a whole part, a fraction and an exponent, as far as they can matter. */
struct decimal {
	char digits[EXPR_INT_BITS];
	size_t count;
	int64_t point; /* so many digits are whole ones; may be negative, or beyond count */
};

/* Appends digits without zeros in front. Those that do not fit can't be of a number in range. */
static int take_digits(struct decimal *d, const char *s, size_t len, bool whole)
{
	struct expr_int ignored;

	if (!len)
		return 0;
	if (expr_int_digits(s, len, 10, &ignored) == -EINVAL)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '_')
			continue;
		if (d->count || s[i] != '0') {
			if (d->count < sizeof(d->digits))
				d->digits[d->count++] = s[i];
			d->point += whole;
		} else if (!whole) {
			d->point--;
		}
	}
	return 0;
}

static int take_exponent(struct decimal *d, const char *s, size_t len)
{
	struct expr_int exponent;
	bool negative = len && s[0] == '-';
	int rc;

	if (negative || (len && s[0] == '+'))
		s++, len--;
	rc = expr_int_digits(s, len, 10, &exponent);
	if (rc == -EINVAL)
		return rc;
	if (rc == -ERANGE)
		expr_int_set(&exponent, INT32_MAX);
	d->point += (negative ? -1 : 1) * MIN(expr_int_clamp(&exponent), INT32_MAX);
	return 0;
}

static int fraction(const char *s, size_t len, struct expr_int *ret)
{
	struct decimal d = {.count = 0};
	const char *end = s + len;
	const char *e = s;
	const char *point;

	while (e < end && *e != 'e' && *e != 'E')
		e++;
	point = memchr(s, '.', (size_t)(e - s));
	if (!point)
		point = e;
	if (e - s <= 1 && point != e)
		return -EINVAL;
	if (take_digits(&d, s, (size_t)(point - s), true) < 0 ||
		(point < e && take_digits(&d, point + 1, (size_t)(e - point - 1), false) < 0) ||
		(e < end && take_exponent(&d, e + 1, (size_t)(end - e - 1)) < 0))
		return -EINVAL;
	if (!d.count || d.point <= 0) {
		expr_int_set(ret, 0);
		return 0;
	}
	if (d.point > (int64_t)sizeof(d.digits))
		return -ERANGE;
	while (d.count < (size_t)d.point)
		d.digits[d.count++] = '0';
	return expr_int_digits(d.digits, (size_t)d.point, 10, ret);
}

int expr_token_number(const struct expr_token *token, struct expr_int *ret, bool *ret_fraction)
{
	const char *s = token->s;
	size_t len = token->len;
	int rc;

	*ret_fraction = false;
	if (is_based(s, len)) {
		unsigned base = s[1] == 'x' || s[1] == 'X'   ? 16
				: s[1] == 'o' || s[1] == 'O' ? 8
							     : 2;

		return expr_int_digits(s + 2, len - 2, base, ret);
	}
	if (memchr(s, '.', len) || memchr(s, 'e', len) || memchr(s, 'E', len)) {
		*ret_fraction = true;
		return fraction(s, len, ret);
	}
	rc = expr_int_digits(s, len, 10, ret);
	/* 010 could be meant as 8 or as 10. */
	if (rc == 0 && s[0] == '0' && ret->len)
		return -EINVAL;
	return rc;
}

/* ---- texts ---- */

/* count hexadecimal digits at s, which the closing quote follows at the latest. */
static int put_code(const char *s, size_t len, size_t count, struct buf *out)
{
	struct expr_int code;

	if (len < count || memchr(s, '_', count) || expr_int_digits(s, count, 16, &code) < 0)
		return -EINVAL;
	return expr_text_put(out, (uint32_t)expr_int_clamp(&code));
}

int expr_token_text(const struct expr_token *token, struct buf *out)
{
	static const char from[] = "\\'\"ntr";
	static const char to[] = "\\'\"\n\t\r";
	const char *s = token->s + 1;
	const char *end = token->s + token->len - 1;
	int rc = 0;

	while (s < end && rc == 0) {
		const char *known = s[0] == '\\' && s[1] ? strchr(from, s[1]) : NULL;

		if (known) {
			rc = buf_add(out, &to[known - from], 1);
			s += 2;
		} else if (s[0] == '\\' && (s[1] == 'x' || s[1] == 'u')) {
			size_t count = s[1] == 'x' ? 2 : 4;

			rc = put_code(s + 2, (size_t)(end - s - 2), count, out);
			s += 2 + count;
		} else {
			rc = buf_add(out, s, 1);
			s++;
		}
	}
	return rc;
}
