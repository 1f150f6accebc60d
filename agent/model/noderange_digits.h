/*
 * Names as texts with numbers between them, for making lists of names short; private to
 * model/noderange*.
 *
 * A number is kept as it is written: how many digits and their value, in one integer that orders
 * numbers by width, then value (08 behind 9). So a range a:b, which is padded to the width of a, is
 * just a row of numbers each of which is the next of the one before.
 */
#ifndef MODEL_NODERANGE_DIGITS_H
#define MODEL_NODERANGE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define NODERANGE_DIMENSIONS 8	/* numbers of a name; those in front of the last 8 are text */
#define NODERANGE_WIDTH_MAX  17 /* digits; longer ones are text */

struct noderange_cut {
	const char *name;
	size_t len;
	size_t n;
	uint64_t numbers[NODERANGE_DIMENSIONS];
	size_t at[NODERANGE_DIMENSIONS]; /* where they begin */
};

void noderange_cut(struct noderange_cut *ret, const char *name);
unsigned noderange_digits_width(uint64_t number);
/* Leading zeros? */
bool noderange_digits_padded(uint64_t number);
/* Is b what a range goes on with after a? */
bool noderange_digits_follow(uint64_t a, uint64_t b);
/* The text between number i - 1 and number i (or an end of the name). */
const char *noderange_cut_text(const struct noderange_cut *cut, size_t i, size_t *ret_len);

/* A buf that is large enough for everything that is made of n names; what does not fit ends the
 * program. */
void noderange_put(struct buf *out, const char *text, size_t len);
/* Around the text of a name or of several: a comma where there is something, and parentheses where a
 * '-' comes first, since ",-" is an operator. */
void noderange_put_begin(struct buf *out, const char *name);
void noderange_put_end(struct buf *out, const char *name);
/* "1", or "[1:3,5]" of rising numbers. */
void noderange_put_numbers(struct buf *out, const uint64_t *numbers, size_t n);
/* A ceiling for the text of these names. */
size_t noderange_put_max(const char *const *names, size_t n);

/* Neighbours in natural order joined as upstream does: one bracket each, no products. Adds to out,
 * with a comma where there is something. */
void noderange_put_compressed(struct buf *out, const char *const *names, size_t n);

#endif
