/*
 * struct backup: nodes and groups as they were once, on their way back into the database.
 *
 * It is filled with one object after the other, then checked against the database, then made into a plan
 * (plan_new_restore()). Whatever is wrong is noted as a problem that names the object, and the filling
 * goes on, so that all problems can be told at once; of a backup with problems there is no plan.
 *
 * What is checked: names, whether attributes exist and may have these values, that groups of nodes are
 * in the backup (or, merging, in the database), that no node or group takes more than one transaction,
 * numbers (id.index) that are there twice.
 *
 * Numbers. A node gets the number that the backup has, unless a node that stays beside it has that; then
 * it gets a new one. New numbers are above all of the backup's.
 *
 * Pure; secrets in it are wiped with it.
 */
#ifndef MODEL_BACKUP_H
#define MODEL_BACKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

struct backup;
struct db;

#define BACKUP_KEYS_MAX	    100			/* of one node or group, deleted ones included */
#define BACKUP_BYTES_MAX    ((size_t)512 << 20) /* of all names and values */
#define BACKUP_PROBLEMS_MAX 100			/* kept; the others are counted */

enum backup_mode {
	BACKUP_INTO_EMPTY, /* refused where there are nodes or groups */
	BACKUP_MERGE,	/* what has a name of the backup becomes what that says, all else stays */
	BACKUP_REPLACE, /* what has no name of the backup is deleted, too */
};

struct backup *backup_new(enum backup_mode mode);
void backup_free(struct backup *backup); /* NULL is fine */
DEFINE_CLEANUP(struct backup *, backup_free)

/* ---- filling: the groups, then the nodes, each sorted by the bytes of their names ---- */

/* Begins an object; false: it was a problem, and what follows about it is left out. */
bool backup_group(struct backup *backup, const char *name);
bool backup_node(struct backup *backup, const char *name);
/* The node belongs to a group; in order of priority. */
void backup_join(struct backup *backup, const char *group);

enum backup_form {
	BACKUP_VALUE,	   /* literally; of secrets in clear */
	BACKUP_EXPRESSION, /* as typed; one that is broken stays so */
	BACKUP_SEALED,	   /* sealed for the key that it is going to have */
	BACKUP_HASH,	   /* ready-made */
	BACKUP_KEEP,	   /* not known: one that is there stays as it is; text is "" */
};
/* One of the object's attributes; aliases are fine. */
void backup_value(struct backup *backup, const char *attribute, enum backup_form form,
	const char *text, size_t len);
/* About the object, once one was begun. */
void backup_problem(struct backup *backup, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- checking ---- */

/* May it be restored here at all? -EEXIST with the remedy. */
int backup_check_mode(enum backup_mode mode, const struct db *db, struct err *err) MUST_CHECK;
/* Looks at some hundred objects more. False: all is checked. The database may be another one by the
 * next call. */
bool backup_check(struct backup *backup, const struct db *db);

size_t backup_problem_count(const struct backup *backup);
void backup_each_problem(
	const struct backup *backup, void (*fn)(const char *text, void *arg), void *arg);
size_t backup_node_count(const struct backup *backup);
size_t backup_group_count(const struct backup *backup);
/* What is to be deleted in the end (BACKUP_REPLACE), after backup_check(). */
size_t backup_gone_nodes(const struct backup *backup, const char *const **ret);
size_t backup_gone_groups(const struct backup *backup, const char *const **ret);

#endif
