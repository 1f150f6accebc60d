/*
 * struct noderange_list: names in the order in which they came, each once, numbered from 0; private
 * to model/noderange*.
 *
 * All bytes lie in one pool. The index (a hash table) is made when it is first needed, so that names
 * that are known to differ cost no more than their bytes.
 */
#ifndef MODEL_NODERANGE_LIST_H
#define MODEL_NODERANGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define NODERANGE_POOL_MAX ((size_t)64 << 20) /* bytes of all names */

struct noderange_list {
	char *pool;
	size_t len, cap;
	uint32_t *at; /* offsets into the pool */
	size_t n, n_cap;
	uint64_t *slots; /* upper half of the hash, number + 1; 0: free */
	size_t n_slots;	 /* a power of 2 */
	uintptr_t key;	/* of the hash: where the first slots were, which differs from run to run */
	size_t indexed; /* names that are in the slots */
};

void noderange_list_done(struct noderange_list *list);
static inline const char *noderange_list_name(const struct noderange_list *list, size_t i)
{
	return list->pool + list->at[i];
}
/* Makes room in the index for n more names, which are about to come. */
void noderange_list_expect(struct noderange_list *list, size_t n);
/* Adds a name that is surely not in the list. -EMSGSIZE: the pool is full. */
int noderange_list_append(struct noderange_list *list, const char *name, size_t len) MUST_CHECK;
/* Adds it unless it is there; *ret is its number. */
int noderange_list_add(
	struct noderange_list *list, const char *name, size_t len, uint32_t *ret) MUST_CHECK;
/* False: it is not there. */
bool noderange_list_find(struct noderange_list *list, const char *name, size_t len, uint32_t *ret);

#endif
