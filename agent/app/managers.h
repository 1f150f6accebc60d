/*
 * struct managers: who manages which node, as it was last told, and what has become different since.
 *
 * Nodes are known by their names, so that it does not matter that the database may become another one,
 * with other numbers. Nothing is told of a state between two revisions: managers_look() says when all
 * that is known is as the database is at its revision, and managers_changes() is to be asked in that
 * turn of the loop.
 */
#ifndef APP_MANAGERS_H
#define APP_MANAGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

struct db;
struct loop;
struct managers;

struct managers *managers_new(void);
void managers_free(struct managers *managers); /* NULL is fine */

/* Looks at what may be different, until that instant. True: there is nothing left, and what is known is
 * the database at its revision. It takes db_managed_changed() of the database for itself. */
bool managers_look(
	struct managers *managers, const struct db *db, const struct loop *loop, usec_t until);

struct managers_change {
	const char *node, *from, *to; /* "": nobody */
	bool gone;		      /* there is no such node any more; to is "" */
	uint32_t rank;
};

/* What is different from what was told; new, free() it. In the order of from, to and gone, and of these
 * the nodes in natural order (those that are gone last). The texts live until managers_told(). */
size_t managers_changes(
	const struct managers *managers, const struct db *db, struct managers_change **ret);
/* All of that was told. */
void managers_told(struct managers *managers);
/* All nodes that somebody manages, as was told: the same with from "". The texts live until
 * managers_told(). */
size_t managers_picture(
	const struct managers *managers, const struct db *db, struct managers_change **ret);

#endif
