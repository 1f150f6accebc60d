/*
 * struct noderange_space: names that differ in their numbers only, as boxes of numbers; private to
 * model/noderange*.
 */
#ifndef MODEL_NODERANGE_SPACE_H
#define MODEL_NODERANGE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/noderange_digits.h"

/* What the numbers in one dimension can be: single values (by rank), then sets of them. */
struct noderange_dimension {
	uint64_t *values; /* rising */
	uint32_t n_values;
	struct noderange_set {
		uint32_t at, n;
	} * sets;	   /* set n_values + i is i */
	uint32_t *members; /* of all sets, each rising */
	uint32_t n_sets, n_members, members_cap;
	uint32_t *slots; /* sets by their members: number + 1 */
	uint32_t n_slots;
};

struct noderange_space {
	struct noderange_cut like; /* one of the names */
	size_t n_dims;
	struct noderange_dimension dims[NODERANGE_DIMENSIONS];
	uint32_t *boxes; /* n_dims numbers each: a value or set per dimension */
	size_t n_boxes;
	/* room for a pass: */
	uint32_t *joined;
	uint32_t *slots; /* boxes by all but a dimension: place + 1 */
	size_t n_slots;
	uint32_t *alike, *starts, *order, *gathered;
	uint64_t *seen;
	uint64_t *numbers;
	size_t n_numbers;
};

/* n points of like->n numbers each; like is one of the names, which must live on. n and like->n are not
 * 0, n is below 2^31. */
void noderange_space_init(struct noderange_space *space, const struct noderange_cut *like,
	const uint64_t *numbers, size_t n);
void noderange_space_done(struct noderange_space *space);
/* Makes few boxes of many: one dimension after the other, until a whole round has changed nothing. */
void noderange_space_join(struct noderange_space *space, size_t from, bool backwards);
/* Adds the boxes to out, in natural order, with commas between them. */
void noderange_space_put(struct noderange_space *space, struct buf *out);

#endif
