/*
 * What a change of a node's manager must compare: everything that makes the present one its manager and
 * its candidates what they are, so that a simultaneous change of any of that by an administrator wins.
 *
 *  - the node's own collective.manager, 0 where it has none (one that is there goes with the node, so
 *    that it tells of the node's existence, too);
 *  - where it is inherited: the node's `groups`, and that attribute of each of its groups up to the one
 *    that it comes from (0 where the group has none), or of all where it comes from none; of groups
 *    that have it their `noderange` too, which says whether they exist and give it;
 *  - the same for collective.managercandidates.
 *
 * An expression that refers to other attributes, and a noderange that names groups, are not followed:
 * what they stand for may change in the same moment, as it may in the next.
 */
#ifndef MODEL_MOVE_H
#define MODEL_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "model/db.h"

struct plan_compare;

#define MOVE_KEY_SUFFIX		   "collective.manager"
#define MOVE_CANDIDATES_KEY_SUFFIX "collective.managercandidates"

/* Calls fn with each compare (PLAN_MOD of model/plan.h, keys relative to the prefix, which live as
 * long as the call), those of the node itself first, no key twice. Many nodes share those of groups:
 * whoever puts several moves into one transaction leaves out what is there already. At most
 * MOVE_COMPARES_MAX; -E2BIG with a text, and fn is not called at all: the node has too many groups to
 * be moved. fn NULL: only to know whether it can be. */
#define MOVE_COMPARES_MAX 100
int move_compares(const struct db *db, uint32_t node,
	void (*fn)(const struct plan_compare *compare, void *arg), void *arg,
	struct err *err) MUST_CHECK;

#endif
