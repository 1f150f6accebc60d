/*
 * struct plan: what a command wants changed, and which conditional writes bring that about.
 *
 * The happy path: plan_new_…() checks the whole request against the database and refuses it, before
 * anything is written, when any part of it is wrong. Then plan_next() gives units: each is about one
 * node or group, is applied whole or not at all, and compares what it was decided on. Whoever carries
 * them out packs units into transactions and tells what became of each. A unit whose compare failed
 * is given out again by plan_next(), worked out anew from the database as it is then; where the
 * database says by then that it can't be done any more (the node is gone) the plan notes that, and
 * goes on with the rest.
 *
 * Work that must not be seen half done, such as deleting a group that nodes list, has stages: units of
 * a stage come only after those before it were applied and the database has caught up
 * (PLAN_WAIT). A group that is being taken apart says so in its `noderange` key (a text that is no
 * noderange): nobody may join it from then on, because whoever puts a node into a group compares the
 * revision of that key; and the same command run again completes what was interrupted.
 *
 * Pure: no I/O, no secrets but those the request brought, which are wiped with it.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/db.h"

struct backup;
struct plan;

/* One `name=value` of a request. */
enum plan_how {
	PLAN_TYPED,	 /* as typed: braces make an expression */
	PLAN_VALUE,	 /* taken literally */
	PLAN_EXPRESSION, /* an expression */
	PLAN_CLEAR,
	PLAN_PREPEND, /* groups, nodes: comma list put in front */
	PLAN_REMOVE,  /* groups, nodes */
	PLAN_LIST,    /* groups, nodes: replace; the value is a comma list */
	PLAN_HASHED,  /* crypted.*: a ready-made hash */
};

/* Names may be aliases. Where nodes are set (not made) a name with '*' stands for all attributes that
 * the node has, own or inherited; it passes by groups, id.index and deployment.lock, which are not to be
 * changed by accident. A value that is so already is not written. */
struct plan_change {
	const char *name;
	enum plan_how how;
	const char *value; /* "" with CLEAR */
};

#define PLAN_CHANGES_MAX 100		   /* attributes in one request */
#define PLAN_LIST_MAX	 100		   /* groups in one change */
#define PLAN_OBJECTS_MAX ((size_t)1 << 17) /* nodes in one request */

/* All take copies. Failures: -ENOENT "Target not found - …", -EINVAL "Bad Request - …" with upstream's
 * words; nothing is written then. */

/* Nodes of a noderange, which must exist and not be empty. */
int plan_new_node_set(struct plan **ret, const struct db *db, const char *noderange,
	const struct plan_change *changes, size_t n, struct err *err) MUST_CHECK;
/* names: a noderange that is written out (one: it is a single name). Existing nodes are changed, as by
 * plan_new_node_set() without patterns, and count as made. */
int plan_new_node_create(struct plan **ret, const struct db *db, const char *names, bool one,
	const struct plan_change *changes, size_t n, struct err *err) MUST_CHECK;
int plan_new_node_delete(
	struct plan **ret, const struct db *db, const char *noderange, struct err *err) MUST_CHECK;
/* The same for nodes by their names; those that are not there are no error. */
struct plan *plan_new_node_delete_names(const char *const *names, size_t n);
/* to: an expression, evaluated on each node. No new name may be that of a node, be it one that is renamed
 * by the same request. A node with keys that can't be used (odd ones) is not renamed: they would get
 * lost. */
int plan_new_node_rename(struct plan **ret, const struct db *db, const char *noderange,
	const char *to, struct err *err) MUST_CHECK;
/* The lock that deployment.lock holds, which is not to be set as an attribute: unlocked, locked or
 * autolock. */
int plan_new_node_lock(struct plan **ret, const struct db *db, const char *noderange,
	const char *word, struct err *err) MUST_CHECK;
/* `nodes` is carried out node by node, behind the rest: a group is made, then its members join. The
 * group `everything` has no members of its own, no noderange, and is neither deleted nor renamed. */
int plan_new_group_set(struct plan **ret, const struct db *db, const char *group,
	const struct plan_change *changes, size_t n, struct err *err) MUST_CHECK;
int plan_new_group_create(struct plan **ret, const struct db *db, const char *group,
	const struct plan_change *changes, size_t n, struct err *err) MUST_CHECK;
/* A group that is not there is deleted with success. */
int plan_new_group_delete(
	struct plan **ret, const struct db *db, const char *group, struct err *err) MUST_CHECK;
int plan_new_group_rename(struct plan **ret, const struct db *db, const char *group, const char *to,
	struct err *err) MUST_CHECK;
/* Nodes of a noderange without a manager ("" is none) become `member`'s, each by itself; nothing is
 * refused as a whole but a noderange that is none, or whose names are not there: -ENOENT. members:
 * names of all members, which candidates are worked out with. Each node's end: plan_each_claim(). One that
 * is the member's when all has ended counts as applied, any other as failed, with that as the reason. */
int plan_new_claim(struct plan **ret, const struct db *db, const char *noderange,
	const char *member, const char *const *members, size_t n_members,
	struct err *err) MUST_CHECK;
/* Puts back a backup that was checked and has no problems, and takes it. */
struct plan *plan_new_restore(struct backup *backup);
/* Wipes. NULL is fine. No unit may be out. */
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)

/* What becomes of a value on its way to etcd. */
enum plan_coat {
	PLAN_CLEAR_TEXT,
	PLAN_SEAL, /* to be sealed for its key */
	PLAN_HASH, /* to be hashed (attribute kind HASH) */
	PLAN_RESEAL, /* value is a sealed text of key `from`: to be opened and sealed for its new key */
};

enum plan_op_kind { PLAN_PUT, PLAN_DELETE, PLAN_DELETE_PREFIX };
struct plan_op {
	enum plan_op_kind kind;
	const char *key; /* relative to the prefix: "nodes/n1/location.u" */
	const char *value;
	size_t len;
	enum plan_coat coat;
	const char *from;
};

enum plan_compare_kind {
	PLAN_MOD,	/* mod_revision is this; 0: there is no such key */
	PLAN_EXISTS,	/* there is such a key */
	PLAN_NONE,	/* nothing begins with this key */
	PLAN_UNCHANGED, /* what begins with this key was last written at `revision` or before it */
};
struct plan_compare {
	enum plan_compare_kind kind;
	const char *key;
	int64_t revision;
};

/* No unit has more of either, nor more bytes, so that each fits into a transaction beside what whoever
 * carries it out adds. Requests that need more are refused. */
#define PLAN_UNIT_COMPARES_MAX 112
#define PLAN_UNIT_OPS_MAX      112
#define PLAN_UNIT_BYTES_MAX    ((size_t)900 << 10)

/* Belongs to the plan; stays the same while it is out. */
struct plan_unit {
	const char *object; /* the node or group that it is about, for reports */
	const struct plan_compare *compares;
	size_t n_compares;
	const struct plan_op *ops;
	size_t n_ops;
	size_t bytes; /* of all keys and values, roughly */
};

/* Node numbers (id.index) are given out by whoever carries the plan out: how many this plan still
 * needs (0 once they were given), and the first of them. plan_next() gives PLAN_WAIT until they are there. */
size_t plan_wants_numbers(const struct plan *plan);
/* They must be greater than this one. */
int64_t plan_numbers_above(const struct plan *plan);
void plan_give_numbers(struct plan *plan, int64_t first);

enum plan_step {
	PLAN_UNIT, /* *ret is out: exactly one of plan_applied(), plan_again(), plan_lost() follows */
	PLAN_WAIT, /* nothing to do until what is out has ended, or the database has moved on */
	PLAN_DONE, /* all is done that can be, nothing is out */
	PLAN_MORE, /* call again: many were looked at that need no write, others want their turn */
};
enum plan_step plan_next(struct plan *plan, const struct db *db, struct plan_unit **ret);
void plan_applied(struct plan *plan, struct plan_unit *unit, int64_t revision);
/* Its compare failed: the database at `revision` or later knows why. */
void plan_again(struct plan *plan, struct plan_unit *unit, int64_t revision);
/* It will not be tried again: refused, or its outcome is not known. why is copied. */
enum plan_loss { PLAN_REFUSED, PLAN_UNKNOWN };
void plan_lost(struct plan *plan, struct plan_unit *unit, enum plan_loss loss, const char *why);
/* Gives out nothing more: what has not been tried counts as not applied, for this reason. */
void plan_stop(struct plan *plan, const char *why);

struct plan_outcome {
	size_t wanted;	/* nodes or groups that were to be changed */
	size_t applied; /* whole */
	size_t unknown;
	int64_t revision; /* the highest that was applied; the database has it before one answers */
	const char *why;  /* of the first that was not applied; NULL: all were */
};
void plan_outcome(const struct plan *plan, struct plan_outcome *ret);
/* Which were applied, in natural order: "n1", and for renames the new name. Until fn gives false. */
void plan_each_applied(const struct plan *plan,
	bool (*fn)(const char *object, const char *new_name, void *arg), void *arg);
/* Of a claim, once it is done. */
enum plan_claim {
	PLAN_CLAIMED,		 /* it is the member's now, and was nobody's */
	PLAN_CLAIM_OWN,		 /* it was the member's already */
	PLAN_CLAIM_OTHER,	 /* it has another manager: who */
	PLAN_CLAIM_NO_CANDIDATE, /* the member is not among its candidates: who is their text */
	PLAN_CLAIM_GONE,	 /* there is no such node any more */
	PLAN_CLAIM_FAILED,	 /* refused, not tried or not known: who is the reason */
};
/* In natural order, until fn gives false; who is "" where nothing is said of it. Nothing for other
 * plans. */
void plan_each_claim(const struct plan *plan,
	bool (*fn)(const char *node, enum plan_claim claim, const char *who, void *arg), void *arg);
/* Of a restore: what was applied. */
void plan_restored(const struct plan *plan, size_t *ret_nodes, size_t *ret_groups);
/* "12 of 40 nodes were changed (n1-n12); n13-n40 were not: …; unknown: n7": for error texts. New. */
char *plan_report(const struct plan *plan);
/* The _warnings of upstream for clears of this node; calls fn with each. */
void plan_each_warning(const struct plan *plan, const char *node,
	void (*fn)(const char *text, void *arg), void *arg);
/* The full attribute names that the request changes on this object, patterns resolved as they were
 * when it was made. */
void plan_each_name(const struct plan *plan, void (*fn)(const char *name, void *arg), void *arg);

#endif
