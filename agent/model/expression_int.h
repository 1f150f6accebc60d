/*
 * struct expr_int: the integers of attribute expressions, signed, exact, at most EXPR_INT_BITS bits.
 *
 * A result that needs more is refused with -ERANGE and never cut. The bits are enough for every number
 * in a node name (255 digits) and for IPv6 addresses. A value is plain memory: copy it by assignment.
 * Any argument may also be the result.
 */
#ifndef MODEL_EXPRESSION_INT_H
#define MODEL_EXPRESSION_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define EXPR_INT_BITS	  1024
#define EXPR_INT_LIMBS	  (EXPR_INT_BITS / 32)
#define EXPR_INT_TEXT_MAX (EXPR_INT_BITS + 1) /* in binary, with the NUL */

struct expr_int {
	uint32_t limb[EXPR_INT_LIMBS]; /* least significant first */
	unsigned len;		       /* limbs in use, the last one not 0; 0 for zero */
	bool negative;		       /* never with zero */
};

void expr_int_set(struct expr_int *ret, int64_t v);
/* The value, or INT64_MIN or INT64_MAX where it is beyond. */
int64_t expr_int_clamp(const struct expr_int *a);
void expr_int_negate(struct expr_int *a);

/* Reads digits of a base through 36, letters of either case, single underscores between digits.
 * -EINVAL, -ERANGE. */
int expr_int_digits(const char *s, size_t len, unsigned base, struct expr_int *ret) MUST_CHECK;
/* Writes the absolute value in base 2, 8, 10 or 16, with small letters; returns its length. */
size_t expr_int_print(const struct expr_int *a, unsigned base, char dst[EXPR_INT_TEXT_MAX]);

int expr_int_add(
	const struct expr_int *a, const struct expr_int *b, struct expr_int *ret) MUST_CHECK;
int expr_int_sub(
	const struct expr_int *a, const struct expr_int *b, struct expr_int *ret) MUST_CHECK;
int expr_int_mul(
	const struct expr_int *a, const struct expr_int *b, struct expr_int *ret) MUST_CHECK;
/* The quotient rounds towards minus infinity, the remainder has the sign of b; both may be NULL.
 * -EDOM: b is 0. */
int expr_int_divide(const struct expr_int *a, const struct expr_int *b,
	struct expr_int *ret_quotient, struct expr_int *ret_remainder) MUST_CHECK;
/* To the left by b, or to the right, rounding towards minus infinity. -EDOM: b is negative. */
int expr_int_shift(const struct expr_int *a, const struct expr_int *b, bool left,
	struct expr_int *ret) MUST_CHECK;
/* '&', '|' or '^', negative numbers being an endless row of ones to the left. */
int expr_int_bits(const struct expr_int *a, const struct expr_int *b, char op,
	struct expr_int *ret) MUST_CHECK;

#endif
