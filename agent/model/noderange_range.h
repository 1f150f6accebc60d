/*
 * Ranges of names: a-b, a:b, a..b and a+N; private to model/noderange*.
 *
 * The ends are cut into numbers and what is between them. Numbers that differ count up, what is between
 * them must be the same: letters, '-', '_' and '.'.
 */
#ifndef MODEL_NODERANGE_RANGE_H
#define MODEL_NODERANGE_RANGE_H

#include <stddef.h>

#include "model/noderange_walk.h"

struct noderange_slice {
	const char *at;
	size_t len;
};

enum noderange_range_kind {
	NODERANGE_IS_RANGE,
	NODERANGE_IS_NAME,     /* no range at all, as a name with a '-' in it */
	NODERANGE_IS_UNUSABLE, /* meant as one, but it counts down, or has too many ends or names */
	NODERANGE_IS_BROKEN,   /* an end is missing, or no number */
};

/* The name has the separator in it. Adds to the walk, which refers to the name. */
enum noderange_range_kind noderange_range(
	const char *name, const char *separator, struct noderange_walk *walk);
/* The name has a '+' in it. *upto is new and must outlive the walk; NULL is fine to free. */
enum noderange_range_kind noderange_range_plus(
	const char *name, struct noderange_walk *walk, char **upto);

#endif
