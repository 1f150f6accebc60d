/*
 * Inside of a plan: jobs, the unit that a job takes, and values on their way to etcd.
 *
 * Texts of errors in here have no "Bad Request - " in front: plan_bad() puts it there once, where a
 * request is refused; what is told later, of single nodes, goes without.
 */
#ifndef MODEL_PLAN_PRIVATE_H
#define MODEL_PLAN_PRIVATE_H

#include "model/plan.h"

/* What a group has for a noderange while it is being given one (plan_group.c). */
#define PLAN_BECOMING DB_LEAVING "given a noderange"

/* ---- names ---- */

struct plan_names {
	char **at;
	size_t n, cap;
};
void plan_names_add(struct plan_names *names, const char *name, size_t len);
void plan_names_done(struct plan_names *names);
/* Comma list; blanks around a name are not part of it. */
void plan_names_split(struct plan_names *names, const char *list);
const char *plan_names_twice(const struct plan_names *names); /* NULL: each is there once */

/* ---- changes ---- */

/* A value as it is going to be in etcd under one attribute name. */
struct plan_value {
	char *name;
	const struct attribute *attribute;
	bool clear; /* the key goes; the rest is unset */
	enum plan_coat coat;
	char *raw;
	size_t len;
	char *plain; /* what raw reads as; NULL for an expression and for what is hidden */
	size_t plain_len;
};

struct plan_request {
	enum plan_how how;
	char *name;			   /* no alias */
	char *value;			   /* as given */
	const struct attribute *attribute; /* NULL: name is a pattern */
	struct plan_value **values;	   /* by name: one, or those the pattern met so far */
	size_t n, cap;
	struct plan_names list; /* groups: named ones; nodes as a list: names */
	struct bitset *nodes;	/* nodes as a noderange */
};

/* Makes *ret of a change, checked as far as that goes without a node. first: a node to name in texts,
 * NULL for groups. patterns: names with '*' are fine. */
int plan_request_init(struct plan_request *ret, const struct plan_change *change, bool clearing_any,
	const char *first, bool patterns, struct err *err);
void plan_request_done(struct plan_request *request);
/* The value under this name, made when it is first asked for. */
int plan_request_value(struct plan_request *request, const char *name,
	const struct plan_value **ret, struct err *err);
bool plan_request_is(const struct plan_request *request, const char *name);
/* Is it already what the object has? */
bool plan_value_same(const struct plan_value *value, const struct db_value *own);

/* ---- units ---- */

struct chunk;

struct unit {
	struct plan_unit view; /* first */
	size_t job;
	size_t cap_compares, cap_ops;
	struct plan_compare *compares;
	struct plan_op *ops;
	struct chunk *texts;
	char *fails; /* its job can't be done for this reason, once the unit is applied */
};

struct unit *unit_new(void);
void unit_free(struct unit *unit);
/* A copy that lives as long as the unit; NUL-terminated. */
char *unit_copy(struct unit *unit, const char *text, size_t len);
/* "nodes/" "n1" "/" "location.u" */
const char *unit_key(
	struct unit *unit, const char *folder, const char *object, const char *attribute);
void unit_compare(
	struct unit *unit, enum plan_compare_kind kind, const char *key, int64_t revision);
/* A second write of a key takes the place of the first. */
void unit_put(struct unit *unit, const char *key, const char *value, size_t len,
	enum plan_coat coat, const char *from);
void unit_delete(struct unit *unit, const char *key);
void unit_delete_prefix(struct unit *unit, const char *prefix);
/* -E2BIG with a text where it does not fit into a transaction. */
int unit_check(const struct unit *unit, struct err *err);

#define NODES  "nodes/"
#define GROUPS "groups/"

/* ---- the plan ---- */

enum job_state { JOB_READY, JOB_OUT, JOB_AGAIN, JOB_HELD, JOB_APPLIED, JOB_FAILED, JOB_UNKNOWN };
enum job_turn { TURN_NONE, TURN_JOIN, TURN_LEAVE };

struct job {
	char *object;
	char *to;	/* renames: the new name */
	int64_t number; /* id.index of a new node; -1: has none */
	int64_t not_before;
	char **warnings;
	unsigned n_warnings;
	uint8_t state; /* enum job_state */
	uint8_t turn;  /* enum job_turn: of a node, with plan->group */
	uint8_t stage;
	bool more;   /* another round follows when the database has seen this one */
	bool group;  /* the object is a group */
	bool step;   /* not told by itself: the group's outcome has it */
	bool strict; /* a turn that was taken by somebody else is an error */
};

/* What a job's work comes to, besides negative errors. */
enum { WORK_UNIT = 0, WORK_NOTHING = 1 };

struct plan_kind {
	const char *done; /* "changed" */
	/* Fills in the unit; WORK_NOTHING counts as applied. */
	int (*work)(struct plan *plan, const struct db *db, struct job *job, struct unit *unit,
		struct err *err);
	/* Everything of the stage has ended and the database has seen it. True: there is more to do.
	 * NULL: the one stage is all. */
	bool (*advance)(struct plan *plan, const struct db *db);
	unsigned
		looks; /* jobs that one call may find to need nothing; 0: as many as it usually may */
};

struct backup;
struct claiming;

struct plan {
	const struct plan_kind *kind;
	struct job *jobs;
	size_t n_jobs, cap_jobs;
	size_t cursor; /* jobs before it were tried */
	size_t *again; /* numbers of jobs to be tried again, first in first out */
	size_t again_head, again_n, again_cap;
	size_t out;
	unsigned stage;
	unsigned rounds; /* of what a stage may repeat */
	bool ended;
	char *stopped;	    /* plan_stop()'s reason */
	char *why;	    /* of the first that was not applied */
	const char *remedy; /* static: what to do about work that was left halfway */
	int64_t revision;

	struct plan_request *requests;
	size_t n_requests;
	char *group; /* of jobs with a turn, and of the group's job */
	char *to;    /* new name of the group */
	bool create;
	bool makes;	  /* the group is not there yet */
	bool about_group; /* what was asked for is about a group */
	size_t numbers;
	int64_t numbers_above;
	int64_t first_number;	   /* 0: not given yet */
	struct backup *backup;	   /* of a restore */
	struct claiming *claiming; /* of a claim */
};

struct plan *plan_alloc(const struct plan_kind *kind);
/* name is copied. The job is valid until the next addition. */
struct job *plan_add_job(struct plan *plan, const char *name);
/* Has a job tried once more, from the stage that is now. */
void plan_redo(struct plan *plan, size_t job);
/* Ends a job that is not out. */
void plan_fail(struct plan *plan, struct job *job, const char *why);
/* Puts "Bad Request - " in front. Returns -EINVAL. */
int plan_bad(struct err *err);
/* plan_request_init() for all of them. */
int plan_add_requests(struct plan *plan, const struct plan_change *changes, size_t n,
	const char *first, struct err *err);
struct plan_request *plan_find_request(struct plan *plan, const char *name);
/* Jobs for what a noderange stands for, in natural order. */
int plan_add_nodes(struct plan *plan, const struct db *db, const char *noderange, struct err *err);
void plan_warn(struct job *job, char *text);
void plan_forget_warnings(struct job *job);

/* ---- claims ---- */

void plan_claiming_free(struct claiming *claiming);
/* The job has failed: keeps the reason, unless its end has been noted. */
void plan_claiming_failed(struct plan *plan, const struct job *job, const char *why);

/* ---- groups ---- */

/* Why nobody can do anything with the group now; 0: one can. */
int plan_group_check(const struct db *db, uint32_t group, struct err *err);
/* The same, and whether nodes can be put into it. */
int plan_group_check_join(const struct db *db, const char *name, uint32_t *ret, struct err *err);
/* Puts the list of groups that the change makes of the node's (NULL: a new node, which is in none),
 * and the compares that go with it. WORK_UNIT, WORK_NOTHING or negative. */
int plan_node_groups(const struct db *db, const char *name, const struct plan_request *request,
	struct unit *unit, struct err *err);
/* One node in or out of plan->group: WORK_… */
int plan_turn(struct plan *plan, const struct db *db, struct job *job, struct unit *unit,
	struct err *err);
/* Is another group being renamed to this one? Then it must stay until that is completed. */
int plan_group_check_target(const struct db *db, const char *name, struct err *err);
/* The groups of one node as those of a new one. */
int plan_copy_groups(
	const struct db *db, const char *from, const char *to, struct unit *unit, struct err *err);
/* Compares that nothing happened to the group's existence and kind. */
void plan_compare_group(const struct db *db, const char *name, struct unit *unit);

/* Copies all but `groups` and `noderange` from one name below folder to another, and compares that the
 * one is as it is here and the other is not there. number: of the node or group. */
int plan_move(const struct db *db, const char *folder, const char *from, const char *to,
	uint32_t number, struct unit *unit, struct err *err);

/* Clears what foreign hands left below a prefix where nothing exists, instead of comparing that
 * there is nothing. */
void plan_compare_none(const struct db *db, const char *prefix, struct unit *unit);

#endif
