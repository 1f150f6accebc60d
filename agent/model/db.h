/*
 * struct db: nodes, groups and their attributes in memory, as they are in etcd below the prefix.
 *
 * It is fed raw keys ("nodes/n1/location.rack") with their mod_revision, in any order, and never
 * refuses any: a key that is malformed, an unknown attribute, a value that can't be used is kept as
 * `odd` (its revision is known, its value is not used). A node exists when its `groups` key does,
 * whatever that holds, a group when its `noderange` key does; attributes of what does not exist are odd
 * until it does. The group `everything` always exists, every node belongs to it, and it can't be
 * made dynamic. A node that lists a dynamic group belongs to it and inherits nothing from it.
 *
 * Of a list of groups, names that are no group names are left out (and make the key odd), names of
 * groups that do not exist are left out until these do, and names that are there twice count once;
 * the text itself is what db_node_own() gives.
 *
 * Reading is pure and fast: effective values (own, then the groups in order, `everything` last unless
 * it is listed earlier), inheritance and expressions are worked out when they are asked for. Node and
 * group numbers are dense, stay the same as long as the object exists, and are used again later.
 * Pointers that are handed out live until the next change.
 */
#ifndef MODEL_DB_H
#define MODEL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/attribute.h"

#define DB_EVERYTHING "everything"

/* A group that is being taken apart (model/plan.h) has a `noderange` of one of these, the latter with
 * its new name behind. No noderange begins with '#'. */
#define DB_LEAVING	   "# being "
#define DB_LEAVING_DELETED DB_LEAVING "deleted"
#define DB_LEAVING_RENAMED DB_LEAVING "renamed to "

/* What one value may cost to evaluate, with all that it refers to: a quarter of a millisecond, in units
 * of EXPRESSION_BUDGET. A text that needs more is broken, so that one expression which thousands of
 * nodes inherit can't keep the loop busy for minutes. */
#define DB_EVALUATION_WORK ((size_t)20000)

struct db;

/* seed: random, so that nobody can choose names that make its tables slow. */
struct db *db_new(uint64_t seed);
void db_free(struct db *db); /* NULL is fine; may be called on a thread when nobody else uses db */
DEFINE_CLEANUP(struct db *, db_free)

/* ---- feeding ---- */

/* Is it a key of nodes/ or groups/ (relative to the prefix)? Others must not be fed. */
bool db_is_ours(const char *key, size_t key_len);
/* 0, or -EINVAL with a text that names the key: it is odd now. Never quotes a value that may be a
 * secret. That an attribute's node or group does not exist is not told here, it may come next. */
int db_put(struct db *db, const char *key, size_t key_len, const char *value, size_t value_len,
	int64_t mod_revision, struct err *why);
void db_delete(struct db *db, const char *key, size_t key_len);
/* All through this revision was fed. */
void db_set_revision(struct db *db, int64_t revision);
int64_t db_revision(const struct db *db);

/* The raw key, odd ones included: false and 0 where there is none. */
bool db_raw(const struct db *db, const char *key, int64_t *mod_revision);
size_t db_odd(const struct db *db); /* keys that can't be used now, or not all of them */
/* Calls fn for each odd key (control characters replaced); why does not repeat it. */
void db_each_odd(
	const struct db *db, void (*fn)(const char *key, const char *why, void *arg), void *arg);
size_t db_keys(const struct db *db); /* all of them */
/* Calls fn for each raw key below "nodes/NAME/" or "groups/NAME/"; usable: it counts for the node or
 * group now. */
typedef void db_key_fn(const char *key, size_t len, int64_t mod_revision, bool usable, void *arg);
void db_each_key(const struct db *db, const char *prefix, db_key_fn *fn, void *arg);

/* ---- nodes ---- */

size_t db_node_count(const struct db *db);
bool db_node_find(const struct db *db, const char *name, uint32_t *ret);
const char *db_node_name(const struct db *db, uint32_t node);
const struct bitset *db_nodes(const struct db *db);
/* Places in natural order (model/natsort.h): rank[node]. Made anew, in one go, after nodes came or
 * went; valid for nodes that exist. */
const uint32_t *db_ranks(const struct db *db);
/* The members of set in natural order; *ret is new. */
size_t db_sorted(const struct db *db, const struct bitset *set, uint32_t **ret);
/* Group numbers in order of priority, `everything` included; returns how many. */
size_t db_node_groups(const struct db *db, uint32_t node, const uint32_t **ret);

/* ---- groups ---- */

bool db_group_find(const struct db *db, const char *name, uint32_t *ret);
const char *db_group_name(const struct db *db, uint32_t group);
size_t db_groups_sorted(const struct db *db, uint32_t **ret); /* natural order; *ret is new */
const struct bitset *db_group_members(const struct db *db, uint32_t group); /* nodes that list it */
const char *db_group_noderange(const struct db *db, uint32_t group); /* "" for a static group */
/* The revision that last wrote its `noderange`, which for a static group is the one that made it: of
 * two groups the younger has the greater. */
int64_t db_group_created(const struct db *db, uint32_t group);
/* Its DB_LEAVING… text while it is being taken apart: members and attributes still count, and its
 * noderange is "". NULL: it is not. */
const char *db_group_leaving(const struct db *db, uint32_t group);

/* ---- values ---- */

enum db_value_kind {
	DB_UNSET,
	DB_PLAIN,      /* text is the value, braces halved */
	DB_EXPRESSION, /* text is as typed */
	DB_BROKEN, /* a text with braces that is no expression: shown as an expression that fails */
	DB_HIDDEN, /* secret or hash; text is what is in etcd, never shown */
};

struct db_value {
	enum db_value_kind kind;
	const char *text; /* "" when unset */
	size_t len;
	int64_t mod_revision;
	uint32_t group; /* where it is inherited from */
	bool inherited;
};

/* What the node or group itself has. name is a full name, not an alias. `groups` of a node and
 * `noderange` of a group are the raw texts. A PLAIN text of an attribute that may hold an expression
 * has its braces halved: expression_escape() gives what is in etcd. */
bool db_node_own(const struct db *db, uint32_t node, const char *name, struct db_value *ret);
bool db_group_own(const struct db *db, uint32_t group, const char *name, struct db_value *ret);
/* What counts for the node; DB_UNSET (and false) where nobody says anything. An own empty value is
 * DB_PLAIN "" and hides what a group would say. */
bool db_node_value(const struct db *db, uint32_t node, const char *name, struct db_value *ret);
/* The text that the value stands for on this node: plain as it is, expressions evaluated (references
 * to other attributes of the node, expressions among them, cycles found). -EINVAL with upstream's
 * text where it is broken; -ENOENT when unset; -EACCES for hidden ones. Replaces what is in out, whose
 * ceiling should be ATTRIBUTE_VALUE_MAX. A reference to what is hidden, unset or broken is "", one
 * that is part of a circle breaks what refers to it. */
int db_node_text(const struct db *db, uint32_t node, const struct db_value *value, struct buf *out,
	struct err *err) MUST_CHECK;
/* Evaluates any text on the node. */
int db_node_evaluate(const struct db *db, uint32_t node, const char *expression, struct buf *out,
	struct err *err) MUST_CHECK;

/* Calls fn for each attribute that the node has, own or inherited, or that the group has, in code point
 * order of names (`groups` and `noderange` are not among them; `id.index` is), until fn gives false. */
typedef bool db_value_fn(const char *name, const struct db_value *value, void *arg);
void db_node_each(const struct db *db, uint32_t node, db_value_fn *fn, void *arg);
void db_group_each(const struct db *db, uint32_t group, db_value_fn *fn, void *arg);
/* Every attribute name that some key has, in code point order. */
void db_each_name(const struct db *db, void (*fn)(const char *name, void *arg), void *arg);

/* No member has a longer name. */
#define DB_MANAGER_MAX ((size_t)255)
/* Nodes whose effective collective.manager is this text; "": those without one, and those whose
 * expression is broken or whose text is longer than that. A reverse index: only what has changed since the last call is looked at. Never
 * NULL. */
const struct bitset *db_managed_by(const struct db *db, const char *manager);
/* Does that work beforehand, a slice at a time: looks at no more than so many nodes. True: there is
 * nothing left. */
bool db_managed_catch_up(const struct db *db, size_t nodes);
/* How many nodes, as of the last catching up. */
size_t db_managed_count(const struct db *db, const char *manager);
/* The text that counts as the node's manager, as of the last catching up; "": none. */
const char *db_managed_text(const struct db *db, uint32_t node);
/* Catches up with what is left, then calls fn with each text that some node has for a manager, ""
 * included, in no order, until it gives false. No set is empty. */
typedef bool db_managed_fn(const char *manager, const struct bitset *nodes, void *arg);
void db_managed_each(const struct db *db, db_managed_fn *fn, void *arg);
/* The numbers of nodes whose manager was found to be another one by catching up, or that came or went,
 * since this was last asked, take the place of what is in *ret; all of them the first time. A number
 * among them may be nobody's by now, or another node's. There is one such set: one may ask. */
void db_managed_changed(const struct db *db, struct bitset *ret);

#endif
