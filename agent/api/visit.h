/*
 * Inside api/: struct visit, one request for a resource from its path to its last frame.
 *
 * resources.c finds the row for a path and makes the visit; the files that rows point to read or plan
 * (listing.c, attributes.c, change.c, write.c, evaluate.c); stream.c sends what is long. A visit ends
 * once, with visit_done() or visit_fail(); the client's going away ends it, too.
 */
#ifndef API_VISIT_H
#define API_VISIT_H

#include "api/database.h"
#include "api/resources.h"
#include "api/server.h"
#include "base/bitset.h"
#include "base/err.h"
#include "base/list.h"
#include "model/plan.h"

#define VISIT_PARTS_MAX	 8
#define VISIT_WANTED_MAX 64

struct db;
struct loop_defer;
struct loop_timer;
struct visit;

/* Sends the frames about one name, which is visit->names[visit->at]. It may be gone by now: then none. */
typedef void visit_emit_fn(struct visit *visit, const struct db *db, const char *name);

enum visit_listing { VISIT_CURRENT, VISIT_ALL };

struct visit {
	struct list link;
	struct api_resources *resources;
	struct api_request *req;
	const struct api_database *database;
	const json *parameters; /* NULL: none */
	const char *doing;	/* what it is about, for loop_doing() */
	char *path;
	char *parts[VISIT_PARTS_MAX];
	size_t n_parts;
	/* What it is about: a noderange, a node, or a group; "" where the path names none. */
	const char *scope;
	bool by_node; /* frames say which node they are about */
	enum visit_listing listing;
	const char *wanted[VISIT_WANTED_MAX]; /* attributes; none: every one */
	size_t n_wanted;
	/* while the database is not there yet; both NULL: it begins, or has begun */
	char *operation;
	struct loop_timer *patience;
	struct loop_defer *begin;
	/* an answer in slices */
	visit_emit_fn *emit;
	char **names;
	char *name_pool; /* where they are; NULL: each is by itself */
	size_t n_names, at;
	struct loop_defer *more;
	char *failure; /* what the answer ends with; NULL: all is well */
	/* a change */
	struct api_write *write;
	visit_emit_fn *answer;
	char **changed; /* attributes, by their full names */
	size_t n_changed;
	char **new_names; /* of what was renamed: as names */
	json **warnings;  /* of what was cleared: as names */
};

struct loop *api_resources_loop(const struct api_resources *resources);

/* ---- the ends ---- */
void visit_done(struct visit *visit);
/* -ENOENT is 404, -EINVAL 400, anything else 500. */
void visit_fail(struct visit *visit, int rc, const char *text);

/* The copy, or NULL and the visit has failed. Notes how old it is for the last frame. */
const struct db *visit_db(struct visit *visit);
void visit_reply(struct visit *visit, json *value);
/* One frame {name: value}, with the level of the node where the path asks for it; takes value. */
void visit_reply_about(struct visit *visit, const char *node, const char *name, json *value);
/* The nodes that the scope stands for; false: the visit has failed. */
bool visit_nodes(struct visit *visit, const struct db *db, struct bitset *ret);

/* ---- stream.c ---- */

/* Calls emit for each name in order, as fast as the client reads, and ends the visit. Copies. */
void visit_stream(struct visit *visit, const char *const *names, size_t n, visit_emit_fn *emit);
/* The same for visit->names, which are there already. */
void visit_stream_names(struct visit *visit, visit_emit_fn *emit);
void visit_stream_nodes(
	struct visit *visit, const struct db *db, const struct bitset *nodes, visit_emit_fn *emit);
void visit_stream_free(struct visit *visit);

/* ---- attributes.c ---- */

/* The frame about one attribute as it is now. */
void visit_emit_attribute(
	struct visit *visit, const struct db *db, const char *node, const char *name);
void visit_emit_group_attribute(
	struct visit *visit, const struct db *db, const char *group, const char *name);

/* ---- change.c ---- */

/* Parameters as changes, which point into them and into pool. `name` is left out. */
struct visit_changes {
	struct plan_change *at;
	size_t n;
	char **pool;
	size_t n_pool;
};
void visit_changes_done(struct visit_changes *changes);
/* -EINVAL with the text for 400. */
int visit_changes_parse(
	const json *parameters, struct visit_changes *ret, struct err *err) MUST_CHECK;

/* ---- write.c ---- */

/* Releases what a change has left in the visit. */
void visit_write_free(struct visit *visit);

/* ---- the rows ---- */
typedef void visit_fn(struct visit *visit);
visit_fn visit_list_nodes, visit_list_groups, visit_list_range_nodes, visit_list_node_items,
	visit_list_range_items, visit_list_group_items, visit_list_attribute_kinds,
	visit_list_group_attribute_kinds, visit_list_nothing, visit_list_deployment;
visit_fn visit_read_node, visit_read_group, visit_read_lock;
visit_fn visit_create_range, visit_create_node, visit_create_group;
visit_fn visit_update_nodes, visit_update_group, visit_rename_nodes, visit_rename_group,
	visit_check_group, visit_update_lock;
visit_fn visit_delete_nodes, visit_delete_group;
visit_fn visit_evaluate, visit_abbreviate;

DEFINE_CLEANUP(struct visit_changes *, visit_changes_done)

#endif
