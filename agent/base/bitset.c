#include "config.h"
#include "base/bitset.h"

#include <string.h>

#include "base/mem.h"

#define BITS 64u

void bitset_done(struct bitset *set)
{
	free(set->words);
	set->words = NULL;
	set->n = 0;
}

void bitset_reset(struct bitset *set)
{
	if (set->n)
		memset(set->words, 0, set->n * sizeof(*set->words));
}

static void grow(struct bitset *set, size_t n)
{
	if (n <= set->n)
		return;
	set->words = xrealloc(set->words, n, sizeof(*set->words));
	memset(set->words + set->n, 0, (n - set->n) * sizeof(*set->words));
	set->n = n;
}

void bitset_copy(struct bitset *dst, const struct bitset *src)
{
	if (dst == src)
		return;
	bitset_reset(dst);
	bitset_unite(dst, src);
}

void bitset_add(struct bitset *set, uint32_t member)
{
	size_t word = member / BITS;

	if (member >= BITSET_MAX)
		abort();
	if (word >= set->n)
		grow(set, MAX(word + 1, set->n + set->n / 2));
	set->words[word] |= (uint64_t)1 << (member % BITS);
}

void bitset_remove(struct bitset *set, uint32_t member)
{
	if (member / BITS < set->n)
		set->words[member / BITS] &= ~((uint64_t)1 << (member % BITS));
}

bool bitset_has(const struct bitset *set, uint32_t member)
{
	return member / BITS < set->n && (set->words[member / BITS] >> (member % BITS) & 1);
}

void bitset_unite(struct bitset *set, const struct bitset *with)
{
	grow(set, with->n);
	for (size_t i = 0; i < with->n; i++)
		set->words[i] |= with->words[i];
}

void bitset_intersect(struct bitset *set, const struct bitset *with)
{
	for (size_t i = 0; i < set->n; i++)
		set->words[i] &= i < with->n ? with->words[i] : 0;
}

void bitset_subtract(struct bitset *set, const struct bitset *what)
{
	for (size_t i = 0; i < MIN(set->n, what->n); i++)
		set->words[i] &= ~what->words[i];
}

size_t bitset_count(const struct bitset *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->n; i++)
		count += (size_t)__builtin_popcountll(set->words[i]);
	return count;
}

bool bitset_empty(const struct bitset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->words[i])
			return false;
	}
	return true;
}

bool bitset_within(const struct bitset *set, const struct bitset *of)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->words[i] & ~(i < of->n ? of->words[i] : 0))
			return false;
	}
	return true;
}

bool bitset_equal(const struct bitset *a, const struct bitset *b)
{
	return bitset_within(a, b) && bitset_within(b, a);
}

bool bitset_next(const struct bitset *set, uint32_t from, uint32_t *ret)
{
	size_t i = from / BITS;
	uint64_t word;

	if (i >= set->n)
		return false;
	word = set->words[i] & (~(uint64_t)0 << (from % BITS));
	while (!word) {
		if (++i == set->n)
			return false;
		word = set->words[i];
	}
	*ret = (uint32_t)(i * BITS + (unsigned)__builtin_ctzll(word));
	return true;
}
