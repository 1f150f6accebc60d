/*
 * Noderanges: texts that name sets of nodes (noderange(5)).
 *
 * With a source of nodes and groups (noderange_evaluate) names must exist and groups, regular
 * expressions and attribute filters work; the result is a set of node numbers and every operator an
 * operation on bitmaps. Without one (noderange_expand) the text is merely written out, for names that
 * are to be made. An error's text points at the offending part: it quotes it and says at which
 * character it begins. Nothing recurses deeper than NODERANGE_DEPTH_MAX, nothing expands to more than
 * NODERANGE_NAMES_MAX names, no text is longer than NODERANGE_TEXT_MAX, each with an error that says
 * so.
 */
#ifndef MODEL_NODERANGE_H
#define MODEL_NODERANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/buf.h"
#include "base/err.h"

#define NODERANGE_DEPTH_MAX 64
#define NODERANGE_NAMES_MAX ((size_t)1 << 20)
#define NODERANGE_TEXT_MAX  ((size_t)4 << 20)

/* Where nodes and groups come from. */
struct noderange_source {
	/* False: there is no such node. */
	bool (*node)(const void *arg, const char *name, uint32_t *ret);
	/* Adds the static members; *noderange is the text of a dynamic group, "" for none. False:
	 * there is no such group. */
	bool (*group)(
		const void *arg, const char *name, struct bitset *members, const char **noderange);
	const struct bitset *(*all)(const void *arg);
	const char *(*name)(const void *arg, uint32_t node);
	/* Places in natural order, by node number. */
	const uint32_t *(*ranks)(const void *arg);
	/* May one filter by this attribute name, which may hold '*'? -EINVAL with upstream's text. */
	int (*may_filter)(const void *arg, const char *name, struct err *err);
	/* Calls fn with each value (text of it, evaluated; "" where unset) that the name or pattern
	 * stands for on the node, until fn gives true; gives whether one did. Adds to *spent what it
	 * took to find them, in units of a nanosecond or two, where that is more than little: a request
	 * that takes too many is refused. */
	bool (*some_value)(const void *arg, uint32_t node, const char *name,
		bool (*fn)(const char *value, void *fn_arg), void *fn_arg, uint64_t *spent);
	/* A name that is neither node nor group. True: it is left out, and so stands for nothing where
	 * it is; false, or NULL here: an error. */
	bool (*missing)(const void *arg, const char *name);
	/* What one text may cost: names that are written out, and work as in *spent. 0: as much as any. */
	size_t names_max;
	uint64_t work_max;
	const void *arg;
};

/* Replaces what is in ret. -EINVAL with the message as after "Invalid Noderange: ". */
int noderange_evaluate(const struct noderange_source *source, const char *text, struct bitset *ret,
	struct err *err) MUST_CHECK;

/* A list of names; done() it. */
struct noderange_names {
	char **at;
	size_t n;
	char *pool; /* private */
};
void noderange_names_done(struct noderange_names *names);
/* Names in counting order, each once, in natural order where paging asks for it. */
int noderange_expand(const char *text, struct noderange_names *ret, struct err *err) MUST_CHECK;

/* A group that may stand for its members when a list of names is made short. */
struct noderange_group {
	const char *name;
	const struct bitset *members;
	int64_t created; /* among equally large ones the younger goes first */
};

/* The shortest text this module knows for the names (a set; order does not matter; names that are no
 * nodes are fine), with products of brackets: r[1:2]u[01:10]. Evaluated where they are nodes it gives
 * the set again; noderange_expand() does too unless a name looks like a range (n1-n3). New text,
 * free() it; "" for none. */
char *noderange_fold(const char *const *names, size_t n);
/* The text that upstream gives for nodes of a source, word for word: groups stand in for their
 * members, and no brackets are multiplied: r1u[01:10],r2u01,r2u[02:10]. */
char *noderange_abbreviate(const struct noderange_source *source, const struct bitset *nodes,
	const struct noderange_group *groups, size_t n_groups);
/* The same for names, of which some may be no nodes (upstream takes them, too). */
char *noderange_abbreviate_names(const struct noderange_source *source, const char *const *names,
	size_t n, const struct noderange_group *groups, size_t n_groups);

struct db;
/* The source that a database is. */
struct noderange_source db_noderange_source(const struct db *db);
/* Every static group of it as a candidate to stand in; *ret is new. */
size_t db_noderange_groups(const struct db *db, struct noderange_group **ret);

#endif
