/*
 * Case mapping goes by rows of letters: where upper and lower case lie side by side, the row says
 * which of the two comes first, elsewhere how far apart they are. A few letters have no single
 * counterpart and are spelled out.
 */
#include "config.h"
#include "model/expression_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

#define NOT_UTF8 UINT32_MAX

size_t expr_text_next(const char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = len ? (unsigned char)s[0] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t code = n > 1 ? c & (0x7fU >> n) : c;

	if (!len)
		return 0;
	for (size_t i = 1; n && i < n; i++) {
		if (i >= len || ((unsigned char)s[i] & 0xc0) != 0x80)
			n = 0;
		else
			code = code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (!n || code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
		n = 1;
		code = NOT_UTF8;
	}
	if (ret)
		*ret = code;
	return n;
}

size_t expr_text_count(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++)
		i += expr_text_next(s + i, len - i, NULL);
	return n;
}

int expr_text_put(struct buf *out, uint32_t code)
{
	char s[4];
	size_t n;

	if (!code || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return -EINVAL;
	n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; code >>= 6)
		s[i] = (char)(0x80 | (code & 0x3f));
	s[0] = (char)(n == 1 ? code : code | (0xf00U >> n & 0xff));
	return buf_add(out, s, n);
}

const char *expr_text_show(const char *s, size_t len, char dst[EXPR_TEXT_SHOWN])
{
	static const char dots[] = "...";
	size_t n = 0;
	size_t cut = 0; /* where dots would still have a place */
	size_t i = 0;

	while (i < len) {
		uint32_t code;
		size_t bytes = expr_text_next(s + i, len - i, &code);

		if (n + bytes >= EXPR_TEXT_SHOWN)
			break;
		if (n + sizeof(dots) <= EXPR_TEXT_SHOWN)
			cut = n;
		if (code < 0x20 || code == 0x7f || code == NOT_UTF8)
			dst[n] = '?';
		else
			memcpy(dst + n, s + i, bytes);
		n += bytes;
		i += bytes;
	}
	dst[n] = '\0';
	if (i < len)
		memcpy(dst + cut, dots, sizeof(dots));
	return dst;
}

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int expr_text_integer(const char *s, size_t len, struct expr_int *ret)
{
	bool negative;
	int rc;

	while (len && blank(s[0]))
		s++, len--;
	while (len && blank(s[len - 1]))
		len--;
	negative = len && s[0] == '-';
	if (negative || (len && s[0] == '+'))
		s++, len--;
	rc = expr_int_digits(s, len, 10, ret);
	if (rc == 0 && negative)
		expr_int_negate(ret);
	return rc;
}

/* ---- case ---- */

#define PAIRS 0 /* upper, lower, upper, lower … */

static const struct row {
	uint16_t first, last; /* of the upper case, or of the pairs */
	uint16_t apart;	      /* from upper to lower case; PAIRS */
} rows[] = {
	{0x0041, 0x005a, 32},
	{0x00c0, 0x00d6, 32},
	{0x00d8, 0x00de, 32},
	{0x0100, 0x012f, PAIRS},
	{0x0132, 0x0137, PAIRS},
	{0x0139, 0x0148, PAIRS},
	{0x014a, 0x0177, PAIRS},
	{0x0179, 0x017e, PAIRS},
	{0x01a0, 0x01a5, PAIRS},
	{0x01af, 0x01b0, PAIRS},
	{0x01cd, 0x01dc, PAIRS},
	{0x01de, 0x01ef, PAIRS},
	{0x01f8, 0x021f, PAIRS},
	{0x0222, 0x0233, PAIRS},
	{0x0386, 0x0386, 38},
	{0x0388, 0x038a, 37},
	{0x038c, 0x038c, 64},
	{0x038e, 0x038f, 63},
	{0x0391, 0x03a1, 32},
	{0x03a3, 0x03ab, 32},
	{0x0400, 0x040f, 80},
	{0x0410, 0x042f, 32},
	{0x0460, 0x0481, PAIRS},
	{0x048a, 0x04bf, PAIRS},
	{0x04c0, 0x04c0, 15},
	{0x04c1, 0x04ce, PAIRS},
	{0x04d0, 0x052f, PAIRS},
	{0x0531, 0x0556, 48},
	{0x1e00, 0x1e95, PAIRS},
	{0x1ea0, 0x1eff, PAIRS},
	{0xff21, 0xff3a, 32},
};

/* Letters that go their own way, one way only. */
static const struct odd {
	uint16_t code;
	bool upper; /* of the upper case, else of the lower */
	const char *becomes;
} odd[] = {
	{0x00b5, true, "\u039c"},
	{0x00df, true, "SS"},
	{0x00ff, true, "\u0178"},
	{0x0178, false, "\u00ff"},
	{0x0130, false, "i\u0307"},
	{0x0131, true, "I"},
	{0x0149, true, "\u02bcN"},
	{0x017f, true, "S"},
	{0x01f0, true, "J\u030c"},
	{0x0390, true, "\u0399\u0308\u0301"},
	{0x03b0, true, "\u03a5\u0308\u0301"},
	{0x03c2, true, "\u03a3"},
	{0x1e9e, false, "\u00df"},
};

/* The lower case of a letter is `apart` behind the upper one; pairs have even and odd numbers, in
 * one order or the other. */
static uint32_t counterpart(uint32_t code, bool upper)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (row->apart == PAIRS && code >= row->first && code <= row->last) {
			bool is_upper = (code - row->first) % 2 == 0;

			return is_upper == upper ? code : upper ? code - 1 : code + 1;
		}
		if (row->apart == PAIRS)
			continue;
		if (!upper && code >= row->first && code <= row->last)
			return code + row->apart;
		if (upper && code >= (uint32_t)row->first + row->apart &&
			code <= (uint32_t)row->last + row->apart)
			return code - row->apart;
	}
	return code;
}

static int put_case(const char *s, size_t len, uint32_t code, bool upper, struct buf *out)
{
	uint32_t other;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		if (odd[i].code == code && odd[i].upper == upper)
			return buf_str(out, odd[i].becomes);
	other = counterpart(code, upper);
	return other == code ? buf_add(out, s, len) : expr_text_put(out, other);
}

static int change_case(const char *s, size_t len, bool upper, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0, n; i < len && rc == 0; i += n) {
		uint32_t code;
		char c = s[i];

		n = expr_text_next(s + i, len - i, &code);
		if (code >= 0x80) {
			rc = put_case(s + i, n, code, upper, out);
			continue;
		}
		if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
			c = (char)(c ^ 0x20);
		rc = buf_add(out, &c, 1);
	}
	return rc;
}

int expr_text_upper(const char *s, size_t len, struct buf *out)
{
	return change_case(s, len, true, out);
}

int expr_text_lower(const char *s, size_t len, struct buf *out)
{
	return change_case(s, len, false, out);
}

/* ---- parts ---- */

static int spread(const char *s, size_t len, const char *with, size_t with_len, struct buf *out)
{
	int rc = buf_add(out, with, with_len);

	for (size_t i = 0, n; i < len && rc == 0; i += n) {
		n = expr_text_next(s + i, len - i, NULL);
		rc = buf_add(out, s + i, n);
		if (rc == 0)
			rc = buf_add(out, with, with_len);
	}
	return rc;
}

int expr_text_replace(const char *s, size_t len, const char *what, size_t what_len,
	const char *with, size_t with_len, struct buf *out)
{
	const char *end = s + len;
	const char *hit;
	int rc = 0;

	if (!what_len)
		return spread(s, len, with, with_len, out);
	while (rc == 0 && (hit = memmem(s, (size_t)(end - s), what, what_len))) {
		rc = buf_add(out, s, (size_t)(hit - s));
		if (rc == 0)
			rc = buf_add(out, with, with_len);
		s = hit + what_len;
	}
	return rc < 0 ? rc : buf_add(out, s, (size_t)(end - s));
}

static int64_t bound(
	bool given, int64_t at, int64_t otherwise, int64_t least, int64_t most, int64_t count)
{
	if (!given)
		return otherwise;
	if (at < 0)
		at = at < -count ? -1 : at + count;
	return at < least ? least : MIN(at, most);
}

int expr_text_slice(const char *s, size_t len, const struct expr_slice *slice, struct buf *out)
{
	int64_t count = (int64_t)expr_text_count(s, len);
	bool back = slice->step < 0;
	int64_t least = back ? -1 : 0;
	int64_t most = back ? count - 1 : count;
	int64_t from = bound(slice->has_from, slice->from, back ? most : least, least, most, count);
	int64_t to = bound(slice->has_to, slice->to, back ? least : most, least, most, count);
	int64_t step = MAX(MIN(slice->step, count + 1), -count - 1);
	uint32_t *at;
	int rc = 0;

	if (len > UINT32_MAX)
		return -EMSGSIZE;
	at = xmalloc(((size_t)count + 1) * sizeof(*at)); /* where each character begins */
	at[0] = 0;
	for (int64_t i = 0; i < count; i++)
		at[i + 1] = at[i] + (uint32_t)expr_text_next(s + at[i], len - at[i], NULL);
	if (step == 1 && from < to)
		rc = buf_add(out, s + at[from], at[to] - at[from]);
	for (int64_t i = from; step != 1 && rc == 0 && (back ? i > to : i < to); i += step)
		rc = buf_add(out, s + at[i], at[i + 1] - at[i]);
	free(at);
	return rc;
}

int expr_text_index(const char *s, size_t len, int64_t i, struct buf *out)
{
	int64_t count = (int64_t)expr_text_count(s, len);
	struct expr_slice one = {.has_from = true, .step = 1};

	if (i < -count || i >= count)
		return -ENOENT;
	one.from = i;
	one.to = i + 1;
	one.has_to = i != -1;
	return expr_text_slice(s, len, &one, out);
}
