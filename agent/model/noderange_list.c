#include "config.h"
#include "model/noderange_list.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

void noderange_list_done(struct noderange_list *list)
{
	free(list->pool);
	free(list->at);
	free(list->slots);
	*list = (struct noderange_list){NULL};
}

int noderange_list_append(struct noderange_list *list, const char *name, size_t len)
{
	if (len >= NODERANGE_POOL_MAX - list->len)
		return -EMSGSIZE;
	if (list->len + len + 1 > list->cap) {
		list->cap = MAX(list->len + len + 1, MAX(2 * list->cap, (size_t)256));
		list->pool = xrealloc(list->pool, list->cap, 1);
	}
	if (list->n == list->n_cap) {
		list->n_cap = MAX(2 * list->n_cap, (size_t)32);
		list->at = xrealloc(list->at, list->n_cap, sizeof(*list->at));
	}
	list->at[list->n++] = (uint32_t)list->len;
	memcpy(list->pool + list->len, name, len);
	list->len += len;
	list->pool[list->len++] = '\0';
	return 0;
}

/* Where the pool lies differs from run to run: enough of a key to spoil prepared collisions. */
static size_t slot_of(const struct noderange_list *list, const char *name, size_t len)
{
	struct hash_key key = {(uintptr_t)list->slots, (uintptr_t)list};

	return (size_t)hash_bytes(&key, name, len) & (list->n_slots - 1);
}

/* The slot of the name, or the free one where it belongs. */
static size_t probe(const struct noderange_list *list, const char *name, size_t len)
{
	size_t slot = slot_of(list, name, len);

	while (list->slots[slot]) {
		const char *other = noderange_list_name(list, list->slots[slot] - 1);

		if (memcmp(other, name, len) == 0 && !other[len])
			break;
		slot = (slot + 1) & (list->n_slots - 1);
	}
	return slot;
}

static void index_all(struct noderange_list *list)
{
	if (2 * (list->n + 1) > list->n_slots) {
		size_t n = MAX(list->n_slots, (size_t)64);

		while (n < 4 * (list->n + 1))
			n *= 2;
		free(list->slots);
		list->slots = xcalloc(n, sizeof(*list->slots));
		list->n_slots = n;
		list->indexed = 0;
	}
	for (; list->indexed < list->n; list->indexed++) {
		const char *name = noderange_list_name(list, list->indexed);

		list->slots[probe(list, name, strlen(name))] = (uint32_t)list->indexed + 1;
	}
}

int noderange_list_add(struct noderange_list *list, const char *name, size_t len, uint32_t *ret)
{
	size_t slot;
	int r;

	index_all(list);
	slot = probe(list, name, len);
	if (!list->slots[slot]) {
		r = noderange_list_append(list, name, len);
		if (r < 0)
			return r;
		list->slots[slot] = (uint32_t)list->n;
		list->indexed = list->n;
	}
	*ret = list->slots[slot] - 1;
	return 0;
}

bool noderange_list_find(struct noderange_list *list, const char *name, size_t len, uint32_t *ret)
{
	size_t slot;

	index_all(list);
	slot = probe(list, name, len);
	if (!list->slots[slot])
		return false;
	*ret = list->slots[slot] - 1;
	return true;
}
