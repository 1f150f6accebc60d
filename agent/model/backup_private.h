/*
 * Inside of a backup: what backup.c fills, backup_check.c looks at, and plan_restore.c carries out.
 */
#ifndef MODEL_BACKUP_PRIVATE_H
#define MODEL_BACKUP_PRIVATE_H

#include <stdint.h>

#include "model/attribute.h"
#include "model/backup.h"
#include "model/plan_private.h"

struct backup_value {
	const struct attribute *attribute;
	char *name; /* the attribute's own, or new */
	char *text; /* as it is going to be in etcd, but for the coat */
	size_t len;
	enum plan_coat coat;
	bool keep; /* not written: what is there stays */
};

struct backup_object {
	char *name;
	struct backup_value *values; /* sorted by name when the next object begins */
	size_t n, cap;
	struct plan_names groups; /* of a node */
	int64_t index;		  /* id.index; 0: none */
	int64_t fresh;		  /* the place of its new number, where it needs one */
	bool renumber;		  /* the number that it has is another's */
	bool dynamic;		  /* a group with a noderange */
};

struct backup_objects {
	struct backup_object *at;
	size_t n, cap;
};

enum backup_phase {
	BACKUP_FILLING,
	BACKUP_GROUPS,
	BACKUP_NODES,
	BACKUP_NUMBERS,
	BACKUP_OTHERS,
	BACKUP_CHECKED,
};

struct backup_number {
	int64_t number;
	size_t node;
};

struct backup {
	enum backup_mode mode;
	struct backup_objects groups, nodes;
	struct backup_object *present; /* what is being filled; NULL: nothing, or nothing usable */
	bool of_node;
	char *about; /* "node n1", for problems */
	size_t bytes;
	char *problems[BACKUP_PROBLEMS_MAX];
	size_t n_problems;
	/* checking */
	enum backup_phase phase;
	size_t at;
	const void *seen; /* the database that `at` counts in; never looked into */
	struct backup_number *numbers;
	size_t n_numbers;
	struct plan_names gone_nodes, gone_groups;
	size_t n_fresh;
};

/* NULL: not in the backup. */
struct backup_object *backup_find(const struct backup_objects *objects, const char *name);
const struct backup_value *backup_find_value(const struct backup_object *object, const char *name);
/* What was begun is complete. */
void backup_end_object(struct backup *backup);
/* A problem of the object of this name. */
void backup_blame(struct backup *backup, bool node, const char *name, const char *text);

#endif
