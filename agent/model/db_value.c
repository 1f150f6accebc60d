/*
 * What attributes say: the node's own items, then those of its groups in order. All of them at once are
 * the merge of these sorted lists, through a heap of cursors, so that a node in many groups
 * costs no more than what there is to tell.
 */
#include "config.h"
#include "model/db_private.h"

#include <string.h>

#include "base/mem.h"

static void fill(struct db_value *ret, const struct db_item *item)
{
	*ret = (struct db_value){.kind = item->kind,
		.text = item->text->text,
		.len = item->text->len,
		.mod_revision = item->mod_revision};
}

static void fill_inherited(
	struct db_value *ret, const struct db_item *item, const struct db_group *group)
{
	fill(ret, item);
	ret->inherited = true;
	ret->group = group->object.number;
}

static bool unset(struct db_value *ret)
{
	*ret = (struct db_value){.kind = DB_UNSET, .text = ""};
	return false;
}

static bool own(
	const struct db *db, const struct db_object *object, const char *text, struct db_value *ret)
{
	const struct db_name *name = db_name_find(db, text);
	const struct db_item *item = name ? db_item_find(object, name) : NULL;

	if (!item)
		return unset(ret);
	fill(ret, item);
	return true;
}

bool db_node_own(const struct db *db, uint32_t node, const char *name, struct db_value *ret)
{
	return own(db, db->nodes.at[node], name, ret);
}

bool db_group_own(const struct db *db, uint32_t group, const char *name, struct db_value *ret)
{
	return own(db, db->groups.at[group], name, ret);
}

static bool gives_attributes(const struct db_group *group)
{
	return group->object.exists && !group->dynamic;
}

bool db_value_of(const struct db *db, const struct db_node *node, const struct db_name *name,
	struct db_value *ret)
{
	const struct db_item *item = db_item_find(&node->object, name);

	if (item) {
		fill(ret, item);
		return true;
	}
	if (name == db->noderange_name)
		return unset(ret);
	for (uint32_t i = 0; i < node->n_groups; i++) {
		const struct db_group *group = node->groups[i];

		item = gives_attributes(group) ? db_item_find(&group->object, name) : NULL;
		if (item) {
			fill_inherited(ret, item, group);
			return true;
		}
	}
	return unset(ret);
}

bool db_node_value(const struct db *db, uint32_t node, const char *name, struct db_value *ret)
{
	const struct db_name *used = db_name_find(db, name);

	return used ? db_value_of(db, db_node_at(db, node), used, ret) : unset(ret);
}

/* ---- all of them ---- */

struct cursor {
	const struct db_item *at, *end;
	const struct db_group *group; /* NULL: the node itself */
	uint32_t priority;
};

struct heap {
	struct cursor *at;
	size_t n;
};

static bool comes_before(const struct cursor *a, const struct cursor *b)
{
	int order = a->at->name == b->at->name ? 0 : strcmp(a->at->name->text, b->at->name->text);

	return order < 0 || (order == 0 && a->priority < b->priority);
}

static void sift_down(struct heap *heap, size_t i)
{
	struct cursor moving = heap->at[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && comes_before(&heap->at[child + 1], &heap->at[child]))
			child++;
		if (!comes_before(&heap->at[child], &moving))
			break;
		heap->at[i] = heap->at[child];
		i = child;
	}
	heap->at[i] = moving;
}

static void heap_add(struct heap *heap, const struct db_object *object,
	const struct db_group *group, uint32_t priority)
{
	if (object->n_items > 0)
		heap->at[heap->n++] = (struct cursor){
			object->items, object->items + object->n_items, group, priority};
}

/* The first cursor moves on by one. */
static void heap_advance(struct heap *heap)
{
	if (++heap->at[0].at == heap->at[0].end)
		heap->at[0] = heap->at[--heap->n];
	if (heap->n > 0)
		sift_down(heap, 0);
}

void db_node_each(const struct db *db, uint32_t number, db_value_fn *fn, void *arg)
{
	const struct db_node *node = db_node_at(db, number);
	CLEANUP(freep)
	struct cursor *cursors = xcalloc((size_t)node->n_groups + 1, sizeof(*cursors));
	struct heap heap = {cursors, 0};
	const struct db_name *last = NULL;
	bool more = true;

	heap_add(&heap, &node->object, NULL, 0);
	for (uint32_t i = 0; i < node->n_groups; i++) {
		if (gives_attributes(node->groups[i]))
			heap_add(&heap, &node->groups[i]->object, node->groups[i], i + 1);
	}
	for (size_t i = heap.n / 2; i-- > 0;)
		sift_down(&heap, i);
	while (more && heap.n > 0) {
		const struct cursor *first = &heap.at[0];
		const struct db_name *name = first->at->name;
		struct db_value value;

		if (name != last && name != db->groups_name && name != db->noderange_name) {
			if (first->group)
				fill_inherited(&value, first->at, first->group);
			else
				fill(&value, first->at);
			more = fn(name->text, &value, arg);
		}
		last = name;
		heap_advance(&heap);
	}
}

void db_group_each(const struct db *db, uint32_t group, db_value_fn *fn, void *arg)
{
	const struct db_object *object = db->groups.at[group];
	bool more = true;

	for (uint32_t i = 0; more && i < object->n_items; i++) {
		struct db_value value;

		if (object->items[i].name == db->noderange_name)
			continue;
		fill(&value, &object->items[i]);
		more = fn(object->items[i].name->text, &value, arg);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void db_each_name(const struct db *db, void (*fn)(const char *name, void *arg), void *arg)
{
	CLEANUP(freep) const char **names = xcalloc(db->names.count, sizeof(*names));
	struct table_link *link = NULL;
	size_t n = 0;

	while ((link = table_each(&db->names, link))) {
		const struct db_name *name = table_entry(link, struct db_name, link);

		/* those that the database itself uses */
		if (name->refs > (name == db->groups_name || name == db->noderange_name ||
					 name == db->manager_name))
			names[n++] = name->text;
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		fn(names[i], arg);
}
