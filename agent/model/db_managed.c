/*
 * The index by collective.manager. A change only notes which nodes may have another manager now: the
 * node itself, the members of a group, and, for any other attribute, those of them whose manager is
 * an expression, which may refer to it. The next question looks at these again, and remembers whose
 * manager is another one than before for whoever asks for that.
 */
#include "config.h"
#include "model/db_private.h"

#include <string.h>

#include "base/mem.h"

static const struct bitset nobody = BITSET_INIT;

void db_managed_node(struct db *db, const struct db_node *node, const struct db_name *name)
{
	if (!node->object.exists)
		return;
	if (!name || name == db->manager_name ||
		bitset_has(&db->managed->depending, node->object.number))
		bitset_add(&db->managed->dirty, node->object.number);
}

void db_managed_group(struct db *db, const struct db_group *group, const struct db_name *name)
{
	CLEANUP(bitset_done) struct bitset depending = BITSET_INIT;

	if (!name || name == db->manager_name) {
		bitset_unite(&db->managed->dirty, &group->members);
	} else if (!bitset_empty(&db->managed->depending)) {
		bitset_copy(&depending, &group->members);
		bitset_intersect(&depending, &db->managed->depending);
		bitset_unite(&db->managed->dirty, &depending);
	}
}

static struct db_manager *manager_find(
	const struct db_managed *managed, const char *text, size_t len, uint64_t hash)
{
	struct table_link *link = table_first(&managed->managers, hash);

	for (; link; link = table_next(link)) {
		struct db_manager *manager = table_entry(link, struct db_manager, link);

		if (manager->len == len && memcmp(manager->text, text, len) == 0)
			return manager;
	}
	return NULL;
}

static struct db_manager *manager_get(const struct db *db, const char *text, size_t len)
{
	uint64_t hash = db_hash(db, text, len);
	struct db_manager *manager = manager_find(db->managed, text, len, hash);

	if (!manager) {
		manager = xcalloc(1, sizeof(*manager) + len + 1);
		manager->len = len;
		memcpy(manager->text, text, len);
		table_add(&db->managed->managers, &manager->link, hash);
	}
	return manager;
}

static void manager_free(struct db_manager *manager)
{
	bitset_done(&manager->nodes);
	free(manager);
}

static void forget(struct db_managed *managed, struct db_node *node)
{
	struct db_manager *manager = TAKE(node->manager);

	if (!manager)
		return;
	bitset_remove(&manager->nodes, node->object.number);
	if (bitset_empty(&manager->nodes)) {
		table_remove(&managed->managers, &manager->link);
		manager_free(manager);
	}
}

void db_managed_forget(struct db *db, struct db_node *node)
{
	forget(db->managed, node);
	bitset_add(&db->managed->changed, node->object.number);
	bitset_remove(&db->managed->dirty, node->object.number);
	bitset_remove(&db->managed->depending, node->object.number);
}

static void look_again(const struct db *db, struct db_node *node, struct buf *text)
{
	struct db_manager *manager;
	struct db_value value;

	db_value_of(db, node, db->manager_name, &value);
	if (value.kind == DB_EXPRESSION) {
		bitset_add(&db->managed->depending, node->object.number);
		if (db_node_text(db, node->object.number, &value, text, NULL) < 0)
			buf_reset(text);
		value.text = buf_cstr(text);
		value.len = text->len;
	} else {
		bitset_remove(&db->managed->depending, node->object.number);
		if (value.kind == DB_BROKEN)
			value.len = 0;
	}
	/* a group's expression may give as many of them as it has nodes */
	if (value.len > DB_MANAGER_MAX) {
		value.text = "";
		value.len = 0;
	}
	manager = node->manager;
	if (manager && manager->len == value.len &&
		memcmp(manager->text, value.text, value.len) == 0)
		return;
	manager = manager_get(db, value.text, value.len);
	bitset_add(&manager->nodes, node->object.number);
	forget(db->managed, node);
	node->manager = manager;
	bitset_add(&db->managed->changed, node->object.number);
}

bool db_managed_catch_up(const struct db *db, size_t nodes)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(DB_TEXT_MAX);
	struct bitset *dirty = &db->managed->dirty;
	uint32_t it = 0;

	for (; nodes > 0 && bitset_next(dirty, it, &it); nodes--) {
		look_again(db, db_node_at(db, it), &text);
		bitset_remove(dirty, it);
	}
	return !bitset_next(dirty, it, &it);
}

const struct bitset *db_managed_by(const struct db *db, const char *manager)
{
	const struct db_manager *found;
	size_t len = strlen(manager);

	db_managed_catch_up(db, SIZE_MAX);
	found = manager_find(db->managed, manager, len, db_hash(db, manager, len));
	return found ? &found->nodes : &nobody;
}

size_t db_managed_count(const struct db *db, const char *manager)
{
	size_t len = strlen(manager);
	const struct db_manager *found =
		manager_find(db->managed, manager, len, db_hash(db, manager, len));

	return found ? bitset_count(&found->nodes) : 0;
}

const char *db_managed_text(const struct db *db, uint32_t node)
{
	const struct db_manager *manager = db_node_at(db, node)->manager;

	return manager ? manager->text : "";
}

void db_managed_each(const struct db *db, db_managed_fn *fn, void *arg)
{
	struct table_link *link = NULL;
	bool more = true;

	db_managed_catch_up(db, SIZE_MAX);
	while (more && (link = table_each(&db->managed->managers, link))) {
		const struct db_manager *manager = table_entry(link, struct db_manager, link);

		more = fn(manager->text, &manager->nodes, arg);
	}
}

void db_managed_changed(const struct db *db, struct bitset *ret)
{
	struct bitset *changed = &db->managed->changed;

	bitset_done(ret);
	*ret = *changed;
	*changed = (struct bitset)BITSET_INIT;
}

void db_managed_free(struct db_managed *managed)
{
	struct table_link *link = table_each(&managed->managers, NULL);

	while (link) {
		struct db_manager *manager = table_entry(link, struct db_manager, link);

		link = table_each(&managed->managers, link);
		manager_free(manager);
	}
	table_done(&managed->managers);
	bitset_done(&managed->dirty);
	bitset_done(&managed->depending);
	bitset_done(&managed->changed);
	free(managed);
}
