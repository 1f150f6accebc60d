/*
 * Keys that can't be used: their revision, and why. Attributes of a node or group that does not exist
 * are not in this table (they are items already, to be used as soon as it does), but are told as
 * odd.
 */
#include "config.h"
#include "model/db_private.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct db_odd *db_odd_find(const struct db *db, const char *key, size_t len)
{
	struct table_link *link;

	if (db->odd.count == 0)
		return NULL;
	for (link = table_first(&db->odd, db_hash(db, key, len)); link; link = table_next(link)) {
		struct db_odd *odd = table_entry(link, struct db_odd, link);

		if (odd->len == len && memcmp(odd->key, key, len) == 0)
			return odd;
	}
	return NULL;
}

/* The length of "nodes/NAME/" in front of the rest; 0: there is no rest. */
static size_t object_len(const char *key, size_t len)
{
	const char *first = memchr(key, '/', len);
	const char *second = first ? memchr(first + 1, '/', len - (size_t)(first + 1 - key)) : NULL;

	return second ? (size_t)(second + 1 - key) : 0;
}

void db_odd_set(
	struct db *db, const char *key, size_t len, int64_t mod_revision, bool has_item, char *why)
{
	struct db_odd *odd = db_odd_find(db, key, len);

	if (odd)
		db_odd_drop(db, odd);
	odd = xcalloc(1, sizeof(*odd) + len + 1);
	odd->mod_revision = mod_revision;
	odd->has_item = has_item;
	odd->why = why;
	odd->len = len;
	memcpy(odd->key, key, len);
	table_add(&db->odd, &odd->link, db_hash(db, key, len));
	odd->object_len = object_len(key, len);
	if (odd->object_len > 0)
		table_add(&db->odd_by_object, &odd->beside, db_hash(db, key, odd->object_len));
	db->n_odd_items += has_item;
}

void db_odd_drop(struct db *db, struct db_odd *odd)
{
	db->n_odd_items -= odd->has_item;
	table_remove(&db->odd, &odd->link);
	if (odd->object_len > 0)
		table_remove(&db->odd_by_object, &odd->beside);
	free(odd->why);
	free(odd);
}

size_t db_odd(const struct db *db)
{
	return db->odd.count + db->n_orphans;
}

size_t db_keys(const struct db *db)
{
	return db->n_items + db->odd.count - db->n_odd_items;
}

static void each_orphan(const struct db_object *object, const char *folder, const char *kind,
	const struct db_name *missing, void (*fn)(const char *key, const char *why, void *arg),
	void *arg)
{
	CLEANUP(freep)
	char *why = xasprintf("there is no %s %s (no key %s%s/%s): its attributes do not count",
		kind, object->name, folder, object->name, missing->text);

	for (uint32_t i = 0; i < object->n_items; i++) {
		CLEANUP(freep)
		char *key = xasprintf("%s%s/%s", folder, object->name, object->items[i].name->text);

		fn(key, why, arg);
	}
}

static void each_orphan_of(const struct db *db, const struct table *table, const char *folder,
	const char *kind, const struct db_name *missing,
	void (*fn)(const char *key, const char *why, void *arg), void *arg)
{
	struct table_link *link = NULL;

	if (db->n_orphans == 0)
		return;
	while ((link = table_each(table, link))) {
		const struct db_object *object = table_entry(link, struct db_object, link);

		if (!object->exists && object->n_items > 0)
			each_orphan(object, folder, kind, missing, fn, arg);
	}
}

void db_each_odd(
	const struct db *db, void (*fn)(const char *key, const char *why, void *arg), void *arg)
{
	struct table_link *link = NULL;

	while ((link = table_each(&db->odd, link))) {
		const struct db_odd *odd = table_entry(link, struct db_odd, link);
		char shown[TEXT_PRINTABLE_MAX];

		fn(text_printable(odd->key, odd->len, shown), odd->why, arg);
	}
	each_orphan_of(db, &db->nodes_by_name, "nodes/", "node", db->groups_name, fn, arg);
	each_orphan_of(db, &db->groups_by_name, "groups/", "group", db->noderange_name, fn, arg);
}

static const struct db_object *object_of_prefix(const struct db *db, const char *prefix)
{
	const char *name = strchr(prefix, '/') + 1;
	size_t len = strlen(name) - 1;
	const struct db_group *group;
	const struct db_node *node;

	if (*prefix == 'n') {
		node = db_node_by_name(db, name, len);
		return node ? &node->object : NULL;
	}
	group = db_group_by_name(db, name, len);
	return group ? &group->object : NULL;
}

void db_each_key(const struct db *db, const char *prefix, db_key_fn *fn, void *arg)
{
	const struct db_object *object = object_of_prefix(db, prefix);
	size_t len = strlen(prefix);
	const struct table_link *link;

	for (uint32_t i = 0; object && i < object->n_items; i++) {
		const struct db_item *item = &object->items[i];
		CLEANUP(freep) char *key = xasprintf("%s%s", prefix, item->name->text);
		size_t key_len = strlen(key);

		fn(key, key_len, item->mod_revision,
			object->exists && !db_odd_find(db, key, key_len), arg);
	}
	if (db->odd_by_object.count == 0)
		return;
	link = table_first(&db->odd_by_object, db_hash(db, prefix, len));
	for (; link; link = table_next(link)) {
		const struct db_odd *odd = table_entry(link, const struct db_odd, beside);

		if (!odd->has_item && odd->object_len == len && memcmp(odd->key, prefix, len) == 0)
			fn(odd->key, odd->len, odd->mod_revision, false, arg);
	}
}
