/*
 * struct noderange_walk: the names that a row of texts, counters and lists stands for, in counting
 * order (the first varies slowest); private to model/noderange*.
 *
 * One name exists at a time, in a buffer in which the next one replaces what differs. A counter is
 * its first number as written: each number is at least as wide, with zeros in front.
 */
#ifndef MODEL_NODERANGE_WALK_H
#define MODEL_NODERANGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/noderange_list.h"

#define NODERANGE_NAME_MAX 255	    /* bytes of a name that is made */
#define NODERANGE_MANY	   SIZE_MAX /* more than can be counted */

/* first, first + step, …: count numbers. */
struct noderange_run {
	const char *first;
	size_t len;
	size_t count;
	uint64_t step;
};

struct noderange_part {
	enum { PART_TEXT, PART_RUNS, PART_LIST } kind;
	const char *text; /* PART_TEXT: not copied */
	size_t len;
	struct noderange_run *runs;
	size_t n_runs;
	struct noderange_list list;
	size_t count;	/* variants */
	size_t longest; /* bytes */
	/* while walking: */
	size_t start; /* in the name */
	size_t run, nth;
};

struct noderange_walk {
	struct noderange_part *parts;
	size_t n;
	char *name; /* the current name, terminated */
	size_t len;
	bool done;
};

void noderange_walk_done(struct noderange_walk *walk);
/* Texts that are given must outlive the walk. */
void noderange_walk_text(struct noderange_walk *walk, const char *text, size_t len);
/* Numbers a, a + step, … up to b, as decimal digits. False: there are none (b is less than a, or
 * equal but written differently). */
bool noderange_walk_count(struct noderange_walk *walk, const char *a, size_t a_len, const char *b,
	size_t b_len, uint64_t step);
/* What is between brackets, where it is a plain list of numbers and ranges that rises. False: it is
 * not, and nothing was added. */
bool noderange_walk_numbers(struct noderange_walk *walk, const char *text, size_t len);
/* Takes the list over. */
void noderange_walk_list(struct noderange_walk *walk, struct noderange_list *list);

/* How many names there will be, NODERANGE_MANY from SIZE_MAX on, and the longest. */
size_t noderange_walk_total(const struct noderange_walk *walk);
size_t noderange_walk_longest(const struct noderange_walk *walk);
/* Is each name surely another one? */
bool noderange_walk_distinct(const struct noderange_walk *walk);
/* What every name has in front of its first digit. False: they differ there, or it is not known. */
bool noderange_walk_head(const struct noderange_walk *walk, const char **ret, size_t *ret_len);

/* The first name; while (!walk->done) it is in walk->name. */
void noderange_walk_start(struct noderange_walk *walk);
void noderange_walk_next(struct noderange_walk *walk);

/* How many of a, a + step, … are not greater than b; 0 where a is greater. */
size_t noderange_count(
	const char *a, size_t a_len, const char *b, size_t b_len, uint64_t step) MUST_CHECK;
/* Raises the len digits at p in place; gives the carry, a number that belongs in front of them. */
uint64_t noderange_raise(char *p, size_t len, uint64_t by);

#endif
