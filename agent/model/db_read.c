/*
 * Nodes and groups for readers. Natural order is kept as a sorted array; what came or went since it was
 * last asked for is taken out of it and put in again where it belongs, so that a few new nodes
 * among many cost little.
 */
#include "config.h"
#include "model/db_private.h"

#include <string.h>

#include "base/mem.h"
#include "model/natsort.h"

/* ---- natural order ---- */

void db_order_free(struct db_order *order)
{
	free(order->sorted);
	free(order->ranks);
	bitset_done(&order->changed);
	free(order);
}

struct named {
	const char *name;
	uint32_t number;
};

static int compare_named(const void *a, const void *b)
{
	return natsort_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* Those that came, sorted; *ret is new. */
static size_t collect_new(const struct db *db, const struct db_order *order, struct named **ret)
{
	size_t room = bitset_count(&order->changed), n = 0;
	struct named *came = xcalloc(room + 1, sizeof(*came));
	uint32_t it;

	bitset_foreach(it, &order->changed)
	{
		if (bitset_has(&db->all, it))
			came[n++] = (struct named){db->nodes.at[it]->name, it};
	}
	if (n > 1)
		qsort(came, n, sizeof(*came), compare_named);
	*ret = came;
	return n;
}

static void drop_changed(struct db_order *order)
{
	size_t n = 0;

	for (size_t i = 0; i < order->n; i++) {
		if (!bitset_has(&order->changed, order->sorted[i]))
			order->sorted[n++] = order->sorted[i];
	}
	order->n = n;
}

/* How many of the first `end` are before the name. */
static size_t before(
	const struct db *db, const struct db_order *order, size_t end, const char *name)
{
	size_t low = 0;

	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (natsort_compare(db->nodes.at[order->sorted[middle]]->name, name) < 0)
			low = middle + 1;
		else
			end = middle;
	}
	return low;
}

/* From the last to the first, so that each moves to its final place at once. */
static void merge(const struct db *db, struct db_order *order, const struct named *came, size_t n)
{
	size_t old = order->n;

	order->n += n;
	if (order->n > order->room) {
		order->room = order->n + order->n / 4;
		order->sorted = xrealloc(order->sorted, order->room, sizeof(*order->sorted));
	}
	while (n-- > 0) {
		size_t at = before(db, order, old, came[n].name);

		memmove(order->sorted + at + n + 1, order->sorted + at,
			(old - at) * sizeof(*order->sorted));
		order->sorted[at + n] = came[n].number;
		old = at;
	}
}

static const struct db_order *order_of(const struct db *db)
{
	CLEANUP(freep) struct named *came = NULL;
	struct db_order *order = db->order;
	size_t n;

	if (bitset_empty(&order->changed))
		return order;
	n = collect_new(db, order, &came);
	drop_changed(order);
	merge(db, order, came, n);
	if (db->nodes.end > order->ranks_room) {
		order->ranks_room = db->nodes.end + db->nodes.end / 4;
		order->ranks = xrealloc(order->ranks, order->ranks_room, sizeof(*order->ranks));
		memset(order->ranks, 0, order->ranks_room * sizeof(*order->ranks));
	}
	for (size_t i = 0; i < order->n; i++)
		order->ranks[order->sorted[i]] = (uint32_t)i;
	bitset_reset(&order->changed);
	return order;
}

const uint32_t *db_ranks(const struct db *db)
{
	return order_of(db)->ranks;
}

struct ranked {
	uint32_t rank, number;
};

static int compare_ranked(const void *a, const void *b)
{
	uint32_t rank_a = ((const struct ranked *)a)->rank;
	uint32_t rank_b = ((const struct ranked *)b)->rank;

	return (rank_a > rank_b) - (rank_a < rank_b);
}

/* A small set is sorted, a large one picked from the array of all. */
size_t db_sorted(const struct db *db, const struct bitset *set, uint32_t **ret)
{
	const struct db_order *order = order_of(db);
	size_t count = bitset_count(set), n = 0;
	uint32_t *sorted = xcalloc(count + 1, sizeof(*sorted));
	uint32_t it;

	*ret = sorted;
	if (count > order->n / 16) {
		for (size_t i = 0; i < order->n && n < count; i++) {
			if (bitset_has(set, order->sorted[i]))
				sorted[n++] = order->sorted[i];
		}
		return n;
	}

	CLEANUP(freep) struct ranked *found = xcalloc(count + 1, sizeof(*found));

	bitset_foreach(it, set)
	{
		if (bitset_has(&db->all, it))
			found[n++] = (struct ranked){order->ranks[it], it};
	}
	qsort(found, n, sizeof(*found), compare_ranked);
	for (size_t i = 0; i < n; i++)
		sorted[i] = found[i].number;
	return n;
}

/* ---- nodes ---- */

size_t db_node_count(const struct db *db)
{
	return db->nodes.end - db->nodes.n_unused;
}

bool db_node_find(const struct db *db, const char *name, uint32_t *ret)
{
	const struct db_node *node = db_node_by_name(db, name, strlen(name));

	if (!node || !node->object.exists)
		return false;
	*ret = node->object.number;
	return true;
}

const char *db_node_name(const struct db *db, uint32_t node)
{
	return db->nodes.at[node]->name;
}

const struct bitset *db_nodes(const struct db *db)
{
	return &db->all;
}

size_t db_node_groups(const struct db *db, uint32_t number, const uint32_t **ret)
{
	struct db_node *node = db_node_at(db, number);

	if (node->numbers_at != db->comings) {
		node->numbers = xrealloc(node->numbers, node->n_groups, sizeof(*node->numbers));
		node->n_numbers = 0;
		for (uint32_t i = 0; i < node->n_groups; i++) {
			if (node->groups[i]->object.exists)
				node->numbers[node->n_numbers++] = node->groups[i]->object.number;
		}
		node->numbers_at = db->comings;
	}
	*ret = node->numbers;
	return node->n_numbers;
}

/* ---- groups ---- */

bool db_group_find(const struct db *db, const char *name, uint32_t *ret)
{
	const struct db_group *group = db_group_by_name(db, name, strlen(name));

	if (!group || !group->object.exists)
		return false;
	*ret = group->object.number;
	return true;
}

const char *db_group_name(const struct db *db, uint32_t group)
{
	return db->groups.at[group]->name;
}

size_t db_groups_sorted(const struct db *db, uint32_t **ret)
{
	CLEANUP(freep) struct named *groups = xcalloc(db->groups.end, sizeof(*groups));
	uint32_t *sorted = xcalloc(db->groups.end, sizeof(*sorted));
	size_t n = 0;

	for (uint32_t i = 0; i < db->groups.end; i++) {
		if (db->groups.at[i])
			groups[n++] = (struct named){db->groups.at[i]->name, i};
	}
	qsort(groups, n, sizeof(*groups), compare_named);
	for (size_t i = 0; i < n; i++)
		sorted[i] = groups[i].number;
	*ret = sorted;
	return n;
}

const struct bitset *db_group_members(const struct db *db, uint32_t group)
{
	return &db_group_at(db, group)->members;
}

static const struct db_item *noderange_of(const struct db *db, uint32_t group)
{
	return db_item_find(db->groups.at[group], db->noderange_name);
}

const char *db_group_noderange(const struct db *db, uint32_t group)
{
	return db_group_at(db, group)->dynamic ? noderange_of(db, group)->text->text : "";
}

int64_t db_group_created(const struct db *db, uint32_t group)
{
	const struct db_item *item = noderange_of(db, group);

	return item ? item->mod_revision : 0;
}

const char *db_group_leaving(const struct db *db, uint32_t group)
{
	return db_group_at(db, group)->leaving ? noderange_of(db, group)->text->text : NULL;
}
