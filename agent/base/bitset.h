/*
 * struct bitset: a set of small numbers (node numbers) as a bitmap. Grows as members are added, at
 * most to BITSET_MAX; members behind the end of the memory are simply not there, so sets of
 * different sizes combine freely. Operators work on 64 members at a time.
 */
#ifndef BASE_BITSET_H
#define BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define BITSET_MAX ((uint32_t)1 << 24) /* members are below this */

struct bitset {
	uint64_t *words; /* NULL while empty */
	size_t n;	 /* words */
};

#define BITSET_INIT                                                                                \
	{                                                                                          \
		NULL, 0                                                                            \
	}

void bitset_done(struct bitset *set);
/* Empties without freeing. */
void bitset_reset(struct bitset *set);
void bitset_copy(struct bitset *dst, const struct bitset *src);

/* member < BITSET_MAX, or the program ends. */
void bitset_add(struct bitset *set, uint32_t member);
void bitset_remove(struct bitset *set, uint32_t member);
bool bitset_has(const struct bitset *set, uint32_t member);

void bitset_unite(struct bitset *set, const struct bitset *with);
void bitset_intersect(struct bitset *set, const struct bitset *with);
void bitset_subtract(struct bitset *set, const struct bitset *what);

size_t bitset_count(const struct bitset *set);
bool bitset_empty(const struct bitset *set);
bool bitset_equal(const struct bitset *a, const struct bitset *b);
bool bitset_within(const struct bitset *set, const struct bitset *of); /* a subset */

/* The smallest member not below from; false: there is none. */
bool bitset_next(const struct bitset *set, uint32_t from, uint32_t *ret);
#define bitset_foreach(it, set) for ((it) = 0; bitset_next((set), (it), &(it)); (it)++)

DEFINE_CLEANUP(struct bitset *, bitset_done)
/* For sets on the stack: CLEANUP(bitset_done) struct bitset set = BITSET_INIT; */

#endif
