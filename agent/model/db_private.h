/*
 * What the files of struct db share.
 *
 *     db.c           feeding: keys to objects and items, revisions
 *     db_odd.c       keys that can't be used
 *     db_object.c    nodes and groups come and go, and belong to each other; interned names and texts
 *     db_read.c      nodes and groups for readers, natural order
 *     db_value.c     what attributes say: own, inherited, all of them
 *     db_evaluate.c  what expressions among them come to
 *     db_managed.c   the index by collective.manager
 *
 * A node or group is an object: its name and its items (one a key), sorted by name. It is there as soon
 * as one key of it is, or, for a group, a node that lists it, and it `exists` once the key that says so
 * is there; only then has it a number. Everything that readers want and that is worked out when they ask
 * (struct db_order, struct db_managed, the numbers in struct node) is behind a pointer, so that a
 * const struct db can bring it up to date.
 */
#ifndef MODEL_DB_PRIVATE_H
#define MODEL_DB_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/hash.h"
#include "model/attribute.h"
#include "model/db.h"
#include "model/db_table.h"

#define DB_OBJECTS_MAX ((uint32_t)1 << 20) /* nodes, and groups; more are odd */
/* The effective value of an attribute ends up in a buf of this size at most. */
#define DB_TEXT_MAX ATTRIBUTE_VALUE_MAX
/* A sealed text is longer than what it hides. */
#define DB_HIDDEN_MAX (2 * ATTRIBUTE_VALUE_MAX)

/* An attribute name that is in use. */
struct db_name {
	struct table_link link;
	const struct attribute *row;
	size_t refs;
	char text[];
};

/* A value that is in use. */
struct db_text {
	struct table_link link;
	uint32_t refs;
	uint32_t len;
	char text[];
};

struct db_item {
	struct db_name *name;
	struct db_text *text;
	int64_t mod_revision;
	enum db_value_kind kind;
};

struct db_object {
	struct table_link link;
	char *name;
	struct db_item *items; /* by name, in code point order */
	uint32_t n_items, room;
	uint32_t number; /* while it exists */
	bool exists;
};

struct db_group {
	struct db_object object;
	struct bitset members;
	size_t listed; /* nodes that list it */
	uint64_t mark; /* db->mark: seen by whoever set that */
	bool everything;
	bool dynamic; /* has a noderange, and so gives no attributes */
	bool leaving;
};

struct db_node {
	struct db_object object;
	struct db_group **groups; /* as listed, `everything` among them; existing or not */
	uint32_t *numbers;	  /* those that exist */
	uint32_t n_groups, n_numbers;
	uint64_t numbers_at;	    /* db->comings that numbers are from */
	struct db_manager *manager; /* where the index has it; NULL: nowhere yet */
};

/* A key that can't be used, or not all of it. */
struct db_odd {
	struct table_link link;
	struct table_link
		beside;	   /* by the object it seems to belong to; linked where object_len > 0 */
	size_t object_len; /* of "nodes/NAME/" at its beginning */
	int64_t mod_revision;
	bool has_item; /* there is an item for this key all the same */
	char *why;
	size_t len;
	char key[];
};

/* Nodes of one manager. */
struct db_manager {
	struct table_link link;
	struct bitset nodes;
	size_t len;
	char text[];
};

struct db_managed {
	struct table managers;
	struct bitset dirty;	 /* nodes to be looked at again */
	struct bitset depending; /* whose manager is an expression */
	struct bitset changed;	 /* whose manager is another one since db_managed_changed() */
};

struct db_order {
	uint32_t *sorted; /* node numbers in natural order */
	uint32_t *ranks;  /* by node number */
	size_t n, room, ranks_room;
	struct bitset changed; /* numbers that came or went since */
};

/* Objects that exist, by number. */
struct db_numbers {
	struct db_object **at;
	uint32_t *unused; /* numbers below end, to be used again */
	uint32_t end, n_unused, room;
};

struct db {
	struct hash_key key;
	struct table names, texts, nodes_by_name, groups_by_name, odd, odd_by_object;
	struct db_name *groups_name, *noderange_name, *manager_name; /* always in use */
	struct db_numbers nodes, groups;
	struct bitset all; /* nodes */
	struct db_group *everything;
	size_t n_items, n_orphans, n_odd_items;
	int64_t revision;
	uint64_t comings; /* of groups, counted */
	uint64_t mark;
	struct db_order *order;
	struct db_managed *managed;
};

static inline struct db_node *db_node_at(const struct db *db, uint32_t node)
{
	return CONTAINER_OF(db->nodes.at[node], struct db_node, object);
}

static inline struct db_group *db_group_at(const struct db *db, uint32_t group)
{
	return CONTAINER_OF(db->groups.at[group], struct db_group, object);
}

/* ---- db_object.c ---- */

uint64_t db_hash(const struct db *db, const char *text, size_t len);
/* NULL: not in use. */
struct db_name *db_name_find(const struct db *db, const char *name);
/* A new use; NULL: no such attribute. */
struct db_name *db_name_use(struct db *db, const char *name);
void db_name_drop(struct db *db, struct db_name *name);
struct db_text *db_text_use(struct db *db, const char *text, size_t len);
void db_text_drop(struct db *db, struct db_text *text);

struct db_item *db_item_find(const struct db_object *object, const struct db_name *name);
/* A new one has name NULL: the caller fills it. */
struct db_item *db_item_add(struct db *db, struct db_object *object, const struct db_name *name);
void db_item_remove(struct db *db, struct db_object *object, struct db_item *item);

struct db_node *db_node_by_name(const struct db *db, const char *name, size_t len);
struct db_group *db_group_by_name(const struct db *db, const char *name, size_t len);
struct db_node *db_node_get(struct db *db, const char *name, size_t len);   /* made where missing */
struct db_group *db_group_get(struct db *db, const char *name, size_t len); /* likewise */
/* Frees it when nothing of it is left. */
void db_node_settle(struct db *db, struct db_node *node);
void db_group_settle(struct db *db, struct db_group *group);

/* The list of the node's groups; NULL: its key is gone. *why is set (new text) when a name in it is no
 * group name. */
void db_node_join(struct db *db, struct db_node *node, const char *list, char **why);
/* The group's noderange; NULL: its key is gone. */
void db_group_define(struct db *db, struct db_group *group, const char *noderange);

/* ---- db_odd.c ---- */

struct db_odd *db_odd_find(const struct db *db, const char *key, size_t len);
/* Takes why. */
void db_odd_set(
	struct db *db, const char *key, size_t len, int64_t mod_revision, bool has_item, char *why);
void db_odd_drop(struct db *db, struct db_odd *odd);

/* ---- db_value.c ---- */

/* As db_node_value(), for a name that is in use. */
bool db_value_of(const struct db *db, const struct db_node *node, const struct db_name *name,
	struct db_value *ret);

/* ---- db_evaluate.c ---- */

/* As db_node_evaluate(); *ret_work is what it has spent of DB_EVALUATION_WORK. */
int db_evaluate_counted(const struct db *db, uint32_t node, const char *expression, struct buf *out,
	size_t *ret_work, struct err *err) MUST_CHECK;

/* ---- db_read.c ---- */

void db_order_free(struct db_order *order);

/* ---- db_managed.c ---- */

/* Look again at: a node of which this attribute changed (NULL: more than one); a group's members. */
void db_managed_node(struct db *db, const struct db_node *node, const struct db_name *name);
void db_managed_group(struct db *db, const struct db_group *group, const struct db_name *name);
/* The node is going. */
void db_managed_forget(struct db *db, struct db_node *node);
void db_managed_free(struct db_managed *managed);

#endif
