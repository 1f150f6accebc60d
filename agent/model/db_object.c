/*
 * Nodes and groups come and go: a node with its list of groups, a group with its noderange. Here, too,
 * is what they are made of: interned names and texts, and items.
 */
#include "config.h"
#include "model/db_private.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

uint64_t db_hash(const struct db *db, const char *text, size_t len)
{
	return hash_bytes(&db->key, text, len);
}

/* ---- names and texts ---- */

static struct db_name *name_of_hash(const struct db *db, const char *name, uint64_t hash)
{
	struct table_link *link = table_first(&db->names, hash);

	for (; link; link = table_next(link)) {
		struct db_name *found = table_entry(link, struct db_name, link);

		if (strcmp(found->text, name) == 0)
			return found;
	}
	return NULL;
}

struct db_name *db_name_find(const struct db *db, const char *name)
{
	return name_of_hash(db, name, db_hash(db, name, strlen(name)));
}

struct db_name *db_name_use(struct db *db, const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = db_hash(db, name, len);
	struct db_name *use = name_of_hash(db, name, hash);
	const struct attribute *row;

	if (!use) {
		row = attribute_find(name);
		if (!row)
			return NULL;
		use = xcalloc(1, sizeof(*use) + len + 1);
		use->row = row;
		memcpy(use->text, name, len);
		table_add(&db->names, &use->link, hash);
	}
	use->refs++;
	return use;
}

void db_name_drop(struct db *db, struct db_name *name)
{
	if (--name->refs > 0)
		return;
	table_remove(&db->names, &name->link);
	free(name);
}

struct db_text *db_text_use(struct db *db, const char *text, size_t len)
{
	uint64_t hash = db_hash(db, text, len);
	struct table_link *link = table_first(&db->texts, hash);
	struct db_text *use;

	for (; link; link = table_next(link)) {
		use = table_entry(link, struct db_text, link);
		if (use->len == len && memcmp(use->text, text, len) == 0) {
			use->refs++;
			return use;
		}
	}
	use = xmalloc(sizeof(*use) + len + 1);
	use->refs = 1;
	use->len = (uint32_t)len;
	memcpy(use->text, text, len);
	use->text[len] = '\0';
	table_add(&db->texts, &use->link, hash);
	return use;
}

void db_text_drop(struct db *db, struct db_text *text)
{
	if (--text->refs > 0)
		return;
	table_remove(&db->texts, &text->link);
	free(text);
}

/* ---- items ---- */

/* The item of the name, or where it belongs. */
static uint32_t place_of(const struct db_object *object, const struct db_name *name, bool *found)
{
	uint32_t low = 0, high = object->n_items;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct db_name *there = object->items[middle].name;
		int order = there == name ? 0 : strcmp(there->text, name->text);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

struct db_item *db_item_find(const struct db_object *object, const struct db_name *name)
{
	bool found;
	uint32_t at = place_of(object, name, &found);

	return found ? &object->items[at] : NULL;
}

struct db_item *db_item_add(struct db *db, struct db_object *object, const struct db_name *name)
{
	bool found;
	uint32_t at = place_of(object, name, &found);

	if (found)
		return &object->items[at];
	if (object->n_items == object->room) {
		object->room += object->room < 8 ? 4 : object->room / 2;
		object->items = xrealloc(object->items, object->room, sizeof(*object->items));
	}
	memmove(object->items + at + 1, object->items + at,
		(object->n_items - at) * sizeof(*object->items));
	object->items[at] = (struct db_item){.name = NULL};
	object->n_items++;
	db->n_items++;
	db->n_orphans += !object->exists;
	return &object->items[at];
}

void db_item_remove(struct db *db, struct db_object *object, struct db_item *item)
{
	uint32_t at = (uint32_t)(item - object->items);

	db_name_drop(db, item->name);
	db_text_drop(db, item->text);
	object->n_items--;
	db->n_items--;
	db->n_orphans -= !object->exists;
	memmove(item, item + 1, (object->n_items - at) * sizeof(*item));
}

/* ---- objects ---- */

static struct db_object *object_find(
	const struct table *table, const char *name, size_t len, uint64_t hash)
{
	struct table_link *link = table_first(table, hash);

	for (; link; link = table_next(link)) {
		struct db_object *object = table_entry(link, struct db_object, link);

		if (strncmp(object->name, name, len) == 0 && object->name[len] == '\0')
			return object;
	}
	return NULL;
}

struct db_node *db_node_by_name(const struct db *db, const char *name, size_t len)
{
	struct db_object *found =
		object_find(&db->nodes_by_name, name, len, db_hash(db, name, len));

	return found ? CONTAINER_OF(found, struct db_node, object) : NULL;
}

struct db_group *db_group_by_name(const struct db *db, const char *name, size_t len)
{
	struct db_object *found =
		object_find(&db->groups_by_name, name, len, db_hash(db, name, len));

	return found ? CONTAINER_OF(found, struct db_group, object) : NULL;
}

/* The object of that name, made with `size` bytes, it first among them, where there is none. */
static struct db_object *object_get(
	struct db *db, struct table *table, const char *name, size_t len, size_t size)
{
	uint64_t hash = db_hash(db, name, len);
	struct db_object *object = object_find(table, name, len, hash);

	if (!object) {
		object = xcalloc(1, size);
		object->name = xstrndup(name, len);
		table_add(table, &object->link, hash);
	}
	return object;
}

struct db_node *db_node_get(struct db *db, const char *name, size_t len)
{
	return CONTAINER_OF(object_get(db, &db->nodes_by_name, name, len, sizeof(struct db_node)),
		struct db_node, object);
}

struct db_group *db_group_get(struct db *db, const char *name, size_t len)
{
	return CONTAINER_OF(object_get(db, &db->groups_by_name, name, len, sizeof(struct db_group)),
		struct db_group, object);
}

void db_node_settle(struct db *db, struct db_node *node)
{
	if (node->object.exists || node->object.n_items > 0)
		return;
	table_remove(&db->nodes_by_name, &node->object.link);
	free(node->object.items);
	free(node->object.name);
	free(node->groups);
	free(node->numbers);
	free(node);
}

void db_group_settle(struct db *db, struct db_group *group)
{
	if (group->object.exists || group->object.n_items > 0 || group->listed > 0)
		return;
	table_remove(&db->groups_by_name, &group->object.link);
	free(group->object.items);
	free(group->object.name);
	bitset_done(&group->members);
	free(group);
}

/* False: there are too many. */
static bool appear(struct db *db, struct db_numbers *numbers, struct db_object *object)
{
	if (numbers->n_unused > 0) {
		object->number = numbers->unused[--numbers->n_unused];
	} else if (numbers->end >= DB_OBJECTS_MAX) {
		return false;
	} else {
		if (numbers->end == numbers->room) {
			numbers->room = numbers->room ? 2 * numbers->room : 64;
			numbers->at = xrealloc(numbers->at, numbers->room, sizeof(*numbers->at));
			numbers->unused =
				xrealloc(numbers->unused, numbers->room, sizeof(*numbers->unused));
		}
		object->number = numbers->end++;
	}
	numbers->at[object->number] = object;
	object->exists = true;
	db->n_orphans -= object->n_items;
	return true;
}

static void vanish(struct db *db, struct db_numbers *numbers, struct db_object *object)
{
	numbers->at[object->number] = NULL;
	numbers->unused[numbers->n_unused++] = object->number;
	object->exists = false;
	db->n_orphans += object->n_items;
}

/* ---- belonging ---- */

/* Adds the group unless it was among those that this round has marked. */
static void join(struct db *db, struct db_node *node, struct db_group *group, uint32_t *room)
{
	if (group->mark == db->mark)
		return;
	group->mark = db->mark;
	if (node->n_groups == *room) {
		*room = *room ? 2 * *room : 4;
		node->groups = xrealloc(node->groups, *room, sizeof(struct db_group *));
	}
	node->groups[node->n_groups++] = group;
	group->listed++;
	bitset_add(&group->members, node->object.number);
}

/* Is it a name that a group may have? New text when not. */
static char *wrong_name(const char *name, size_t len)
{
	char copy[ATTRIBUTE_NAME_MAX + 2];
	struct err err;

	len = MIN(len, sizeof(copy) - 1);
	memcpy(copy, name, len);
	copy[len] = '\0';
	if (attribute_object_name_check(copy, "group", &err) == 0)
		return NULL;
	return xasprintf("%s, and is ignored", err.text);
}

static void join_list(struct db *db, struct db_node *node, const char *list, char **why)
{
	uint32_t room = 0;

	for (const char *at = list;;) {
		size_t len;
		char *wrong;

		at += strspn(at, " \t\n,");
		if (!*at)
			break;
		len = strcspn(at, ",");
		while (at[len - 1] == ' ' || at[len - 1] == '\t' || at[len - 1] == '\n')
			len--;
		wrong = wrong_name(at, len);
		if (!wrong)
			join(db, node, db_group_get(db, at, len), &room);
		else if (!*why)
			*why = TAKE(wrong);
		free(wrong);
		at += len;
	}
	join(db, node, db->everything, &room);
	node->groups = xrealloc(node->groups, node->n_groups, sizeof(struct db_group *));
}

static void node_gone(struct db *db, struct db_node *node)
{
	db_managed_forget(db, node);
	bitset_remove(&db->all, node->object.number);
	bitset_add(&db->order->changed, node->object.number);
	vanish(db, &db->nodes, &node->object);
}

void db_node_join(struct db *db, struct db_node *node, const char *list, char **why)
{
	struct db_group **before = TAKE(node->groups);
	uint32_t n_before = node->n_groups;

	node->n_groups = 0;
	node->numbers_at = 0;
	db->mark++;
	if (list && !node->object.exists && appear(db, &db->nodes, &node->object)) {
		bitset_add(&db->all, node->object.number);
		bitset_add(&db->order->changed, node->object.number);
	}
	if (list && node->object.exists)
		join_list(db, node, list, why);
	else if (list)
		*why = xasprintf("there are more than %u nodes", DB_OBJECTS_MAX);
	for (uint32_t i = 0; i < n_before; i++) {
		if (before[i]->mark != db->mark)
			bitset_remove(&before[i]->members, node->object.number);
		before[i]->listed--;
		db_group_settle(db, before[i]);
	}
	free(before);
	if (!list && node->object.exists)
		node_gone(db, node);
	else if (list)
		db_managed_node(db, node, NULL);
}

void db_group_define(struct db *db, struct db_group *group, const char *noderange)
{
	struct db_object *object = &group->object;

	if (!group->everything) {
		if (noderange && !object->exists && appear(db, &db->groups, object))
			db->comings++;
		if (!noderange && object->exists) {
			vanish(db, &db->groups, object);
			db->comings++;
		}
		group->leaving = noderange && text_starts(noderange, DB_LEAVING);
		group->dynamic = noderange && *noderange && !group->leaving;
	}
	db_managed_group(db, group, NULL);
}
