/*
 * Schoolbook arithmetic on 32-bit limbs. Results are worked out in arrays that have room for every
 * limb that can occur and go through settle(), the one place where a value is found to be too large.
 */
#include "config.h"
#include "model/expression_int.h"

#include <errno.h>
#include <string.h>

/* A sum has a limb more than its operands, a product twice as many. */
#define WIDE (2 * EXPR_INT_LIMBS + 1)

static unsigned used(const uint32_t *limb, unsigned len)
{
	while (len && !limb[len - 1])
		len--;
	return len;
}

static int settle(const uint32_t *limb, unsigned len, bool negative, struct expr_int *ret)
{
	len = used(limb, len);
	if (len > EXPR_INT_LIMBS)
		return -ERANGE;
	memset(ret->limb, 0, sizeof(ret->limb));
	memcpy(ret->limb, limb, len * sizeof(*limb));
	ret->len = len;
	ret->negative = negative && len;
	return 0;
}

void expr_int_set(struct expr_int *ret, int64_t v)
{
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	memset(ret, 0, sizeof(*ret));
	ret->limb[0] = (uint32_t)magnitude;
	ret->limb[1] = (uint32_t)(magnitude >> 32);
	ret->len = used(ret->limb, 2);
	ret->negative = v < 0;
}

int64_t expr_int_clamp(const struct expr_int *a)
{
	uint64_t v = a->limb[0] | (uint64_t)a->limb[1] << 32;

	if (a->len > 2 || v > INT64_MAX)
		return a->negative ? INT64_MIN : INT64_MAX;
	return a->negative ? -(int64_t)v : (int64_t)v;
}

void expr_int_negate(struct expr_int *a)
{
	a->negative = a->len && !a->negative;
}

/* Any letter of the alphabet is a digit: those beyond the base are refused by the caller. */
static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return UINT32_MAX;
}

int expr_int_digits(const char *s, size_t len, unsigned base, struct expr_int *ret)
{
	struct expr_int v = {.len = 0};
	bool digit_before = false;
	bool large = false;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = digit_of(s[i]);
		uint64_t carry = digit;

		if (s[i] == '_' && digit_before) {
			digit_before = false;
			continue;
		}
		if (digit >= base)
			return -EINVAL;
		digit_before = true;
		for (unsigned k = 0; k < v.len && !large; k++) {
			carry += (uint64_t)v.limb[k] * base;
			v.limb[k] = (uint32_t)carry;
			carry >>= 32;
		}
		if (carry && !large && v.len < EXPR_INT_LIMBS)
			v.limb[v.len++] = (uint32_t)carry;
		else if (carry)
			large = true;
	}
	if (!digit_before)
		return -EINVAL;
	if (large)
		return -ERANGE;
	*ret = v;
	return 0;
}

static uint32_t divide_small(uint32_t *limb, unsigned len, uint32_t by)
{
	uint64_t rest = 0;

	while (len--) {
		rest = rest << 32 | limb[len];
		limb[len] = (uint32_t)(rest / by);
		rest %= by;
	}
	return (uint32_t)rest;
}

size_t expr_int_print(const struct expr_int *a, unsigned base, char dst[EXPR_INT_TEXT_MAX])
{
	/* So many digits at a time as fit in a limb. */
	uint32_t chunk = base == 10  ? 1000000000
			 : base == 2 ? 1U << 31
			 : base == 8 ? 1U << 30
				     : 1U << 28;
	char reverse[EXPR_INT_TEXT_MAX + 32];
	struct expr_int v = *a;
	size_t n = 0;

	do {
		uint32_t digits = divide_small(v.limb, v.len, chunk);

		for (uint32_t left = chunk; left > 1; left /= base, digits /= base)
			reverse[n++] = "0123456789abcdef"[digits % base];
		v.len = used(v.limb, v.len);
	} while (v.len);
	while (n > 1 && reverse[n - 1] == '0')
		n--;
	for (size_t i = 0; i < n; i++)
		dst[i] = reverse[n - 1 - i];
	dst[n] = '\0';
	return n;
}

static int compare(const struct expr_int *a, const struct expr_int *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	for (unsigned i = a->len; i-- > 0;)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

/* Adds numbers of which b counts as negative or not, whatever it says. */
static int sum(
	const struct expr_int *a, const struct expr_int *b, bool b_negative, struct expr_int *ret)
{
	uint32_t wide[WIDE] = {0};
	bool swapped = compare(a, b) < 0;
	const struct expr_int *large = swapped ? b : a;
	const struct expr_int *small = swapped ? a : b;
	bool negative = swapped ? b_negative : a->negative;
	bool subtract = a->negative != b_negative;
	int64_t carry = 0;

	for (unsigned i = 0; i < large->len; i++) {
		int64_t other = i < small->len ? small->limb[i] : 0;

		carry += large->limb[i] + (subtract ? -other : other);
		wide[i] = (uint32_t)carry;
		carry >>= 32;
	}
	wide[large->len] = (uint32_t)carry;
	return settle(wide, large->len + 1, negative, ret);
}

int expr_int_add(const struct expr_int *a, const struct expr_int *b, struct expr_int *ret)
{
	return sum(a, b, b->negative, ret);
}

int expr_int_sub(const struct expr_int *a, const struct expr_int *b, struct expr_int *ret)
{
	return sum(a, b, !b->negative, ret);
}

int expr_int_mul(const struct expr_int *a, const struct expr_int *b, struct expr_int *ret)
{
	uint32_t wide[WIDE] = {0};

	for (unsigned i = 0; i < a->len; i++) {
		uint64_t carry = 0;

		for (unsigned k = 0; k < b->len; k++) {
			carry += (uint64_t)a->limb[i] * b->limb[k] + wide[i + k];
			wide[i + k] = (uint32_t)carry;
			carry >>= 32;
		}
		wide[i + b->len] = (uint32_t)carry;
	}
	return settle(wide, a->len + b->len, a->negative != b->negative, ret);
}

static void shift_left(const uint32_t *from, unsigned len, unsigned by, uint32_t *to)
{
	for (unsigned i = len + 1; i-- > 0;) {
		uint64_t pair = (uint64_t)(i < len ? from[i] : 0) << 32 | (i ? from[i - 1] : 0);

		to[i] = (uint32_t)(pair << by >> 32);
	}
}

/* One limb of the quotient: guessed from the first limbs, at most one too large after that, and put
 * right when the difference comes out negative (Knuth, The Art of Computer Programming, 4.3.1 D).
 * u has a limb more than v, whose top bit is set; u becomes the rest. */
static uint32_t divide_step(uint32_t *u, const uint32_t *v, unsigned len)
{
	uint64_t top = (uint64_t)u[len] << 32 | u[len - 1];
	uint64_t guess = top / v[len - 1];
	uint64_t rest = top % v[len - 1];
	int64_t borrow = 0;
	uint64_t carry = 0;

	while (guess >> 32 || guess * v[len - 2] > (rest << 32 | u[len - 2])) {
		guess--;
		rest += v[len - 1];
		if (rest >> 32)
			break;
	}
	for (unsigned i = 0; i <= len; i++) {
		carry += i < len ? guess * v[i] : 0;
		borrow += (int64_t)u[i] - (int64_t)(uint32_t)carry;
		u[i] = (uint32_t)borrow;
		borrow >>= 32;
		carry >>= 32;
	}
	if (!borrow)
		return (uint32_t)guess;
	carry = 0;
	for (unsigned i = 0; i <= len; i++) {
		carry += (uint64_t)u[i] + (i < len ? v[i] : 0);
		u[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return (uint32_t)guess - 1;
}

/* Quotient and remainder of the absolute values. */
static void divide(const struct expr_int *a, const struct expr_int *b, struct expr_int *quotient,
	struct expr_int *rest)
{
	uint32_t u[WIDE] = {0};
	uint32_t v[WIDE] = {0};
	uint32_t q[WIDE] = {0};
	unsigned by;

	*quotient = *rest = (struct expr_int){.len = 0};
	if (b->len == 1) {
		*quotient = *a;
		quotient->negative = false;
		rest->limb[0] = divide_small(quotient->limb, a->len, b->limb[0]);
		rest->len = rest->limb[0] != 0;
		quotient->len = used(quotient->limb, a->len);
		return;
	}
	if (a->len < b->len) {
		*rest = *a;
		rest->negative = false;
		return;
	}
	by = (unsigned)__builtin_clz(b->limb[b->len - 1]);
	shift_left(a->limb, a->len, by, u);
	shift_left(b->limb, b->len, by, v);
	for (unsigned i = a->len - b->len + 1; i-- > 0;)
		q[i] = divide_step(u + i, v, b->len);
	for (unsigned i = 0; i < b->len; i++)
		rest->limb[i] = (uint32_t)(((uint64_t)u[i + 1] << 32 | u[i]) >> by);
	rest->len = used(rest->limb, b->len);
	memcpy(quotient->limb, q, sizeof(quotient->limb));
	quotient->len = used(q, EXPR_INT_LIMBS);
}

int expr_int_divide(const struct expr_int *a, const struct expr_int *b,
	struct expr_int *ret_quotient, struct expr_int *ret_remainder)
{
	struct expr_int quotient, rest;
	int rc = 0;

	if (!b->len)
		return -EDOM;
	divide(a, b, &quotient, &rest);
	rest.negative = a->negative && rest.len;
	quotient.negative = a->negative != b->negative && quotient.len;
	if (rest.len && a->negative != b->negative) {
		struct expr_int one;

		expr_int_set(&one, 1);
		rc = expr_int_sub(&quotient, &one, &quotient);
		if (rc == 0)
			rc = expr_int_add(&rest, b, &rest);
	}
	if (rc < 0)
		return rc;
	if (ret_quotient)
		*ret_quotient = quotient;
	if (ret_remainder)
		*ret_remainder = rest;
	return 0;
}

static int shift_right(const struct expr_int *a, unsigned by, struct expr_int *ret)
{
	unsigned limbs = by / 32;
	struct expr_int v = {.negative = a->negative};
	struct expr_int one;
	bool lost = false;

	for (unsigned i = 0; i < limbs && i < a->len; i++)
		lost = lost || a->limb[i];
	for (unsigned i = limbs; i < a->len; i++) {
		uint64_t pair = a->limb[i] | (i + 1 < a->len ? (uint64_t)a->limb[i + 1] << 32 : 0);

		v.limb[i - limbs] = (uint32_t)(pair >> by % 32);
	}
	if (limbs < a->len)
		lost = lost || a->limb[limbs] & ((1U << by % 32) - 1);
	v.len = used(v.limb, EXPR_INT_LIMBS);
	if (!a->negative || !lost) {
		v.negative = v.negative && v.len;
		*ret = v;
		return 0;
	}
	expr_int_set(&one, 1);
	return sum(&v, &one, true, ret);
}

int expr_int_shift(
	const struct expr_int *a, const struct expr_int *b, bool left, struct expr_int *ret)
{
	uint32_t wide[WIDE] = {0};
	int64_t by = expr_int_clamp(b);

	if (by < 0)
		return -EDOM;
	if (!left)
		return shift_right(a, (unsigned)MIN(by, EXPR_INT_BITS), ret);
	if (!a->len) {
		*ret = *a;
		return 0;
	}
	if (by >= EXPR_INT_BITS)
		return -ERANGE;
	shift_left(a->limb, a->len, (unsigned)by % 32, wide + by / 32);
	return settle(wide, (unsigned)by / 32 + a->len + 1, a->negative, ret);
}

/* One limb more than there can be, so that the sign has a place. */
static void to_complement(const struct expr_int *a, uint32_t wide[EXPR_INT_LIMBS + 1])
{
	uint64_t carry = 1;

	for (unsigned i = 0; i <= EXPR_INT_LIMBS; i++) {
		wide[i] = i < EXPR_INT_LIMBS ? a->limb[i] : 0;
		if (!a->negative)
			continue;
		carry += (uint32_t)~wide[i];
		wide[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

int expr_int_bits(const struct expr_int *a, const struct expr_int *b, char op, struct expr_int *ret)
{
	uint32_t x[EXPR_INT_LIMBS + 1];
	uint32_t y[EXPR_INT_LIMBS + 1];
	uint64_t carry = 1;
	bool negative;

	to_complement(a, x);
	to_complement(b, y);
	for (unsigned i = 0; i <= EXPR_INT_LIMBS; i++)
		x[i] = op == '&' ? x[i] & y[i] : op == '|' ? x[i] | y[i] : x[i] ^ y[i];
	negative = x[EXPR_INT_LIMBS] >> 31;
	for (unsigned i = 0; negative && i <= EXPR_INT_LIMBS; i++) {
		carry += (uint32_t)~x[i];
		x[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return settle(x, EXPR_INT_LIMBS + 1, negative, ret);
}
