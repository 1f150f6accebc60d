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

/* A key that differs from run to run is enough to spoil collisions that were prepared. */
static uint64_t hash_of(const struct noderange_list *list, const char *name, size_t len)
{
	struct hash_key key = {list->key, 0};

	return hash_bytes(&key, name, len);
}

/* The slot of the name, or the free one where it belongs. The upper half of the hash says where that
 * is and is kept in the slot: few names that differ have it in common. */
static size_t probe(const struct noderange_list *list, const char *name, size_t len, uint64_t hash)
{
	size_t slot = (size_t)(hash >> 32) & (list->n_slots - 1);

	for (; list->slots[slot]; slot = (slot + 1) & (list->n_slots - 1)) {
		const char *other;

		if ((list->slots[slot] ^ hash) >> 32)
			continue;
		other = noderange_list_name(list, (uint32_t)list->slots[slot] - 1);
		if (strncmp(other, name, len) == 0 && !other[len])
			break;
	}
	return slot;
}

static void put(struct noderange_list *list, size_t slot, uint64_t hash, size_t number)
{
	list->slots[slot] = (hash >> 32) << 32 | (number + 1);
}

static void grow(struct noderange_list *list, size_t n_slots)
{
	uint64_t *was = list->slots;
	size_t n = list->n_slots;

	list->slots = xcalloc(n_slots, sizeof(*list->slots));
	list->n_slots = n_slots;
	if (!was)
		list->key = (uintptr_t)list->slots;
	for (size_t i = 0; i < n; i++) {
		size_t slot = (size_t)(was[i] >> 32) & (n_slots - 1);

		if (!was[i])
			continue;
		while (list->slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		list->slots[slot] = was[i];
	}
	free(was);
}

void noderange_list_expect(struct noderange_list *list, size_t n)
{
	size_t n_slots = MAX(list->n_slots, (size_t)64);

	while (n_slots < 2 * (list->n + n))
		n_slots *= 2;
	if (n_slots > list->n_slots)
		grow(list, n_slots);
	for (; list->indexed < list->n; list->indexed++) {
		const char *name = noderange_list_name(list, list->indexed);
		size_t len = strlen(name);
		uint64_t hash = hash_of(list, name, len);

		put(list, probe(list, name, len, hash), hash, list->indexed);
	}
}

int noderange_list_add(struct noderange_list *list, const char *name, size_t len, uint32_t *ret)
{
	uint64_t hash;
	size_t slot;
	int r;

	noderange_list_expect(list, 1);
	hash = hash_of(list, name, len);
	slot = probe(list, name, len, hash);
	if (!list->slots[slot]) {
		r = noderange_list_append(list, name, len);
		if (r < 0)
			return r;
		put(list, slot, hash, list->n - 1);
		list->indexed = list->n;
	}
	*ret = (uint32_t)list->slots[slot] - 1;
	return 0;
}

bool noderange_list_find(struct noderange_list *list, const char *name, size_t len, uint32_t *ret)
{
	size_t slot;

	noderange_list_expect(list, 0);
	slot = probe(list, name, len, hash_of(list, name, len));
	if (!list->slots[slot])
		return false;
	*ret = (uint32_t)list->slots[slot] - 1;
	return true;
}
