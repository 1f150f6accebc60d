/*
 * struct survey: gives the planner (core/planner.h) its picture: the members from the roster, the orders
 * and the history, the nodes from the copy, a slice at a time (R6). For the leader's moves, and for
 * people who ask what would happen.
 *
 * When the copy becomes another one meanwhile (a new listing) it begins anew; when it only moves on it
 * goes on: what it then gives wrong is found out by the compares of whoever moves.
 *
 * Who counts as gone since when: a member, since this agent sees that it is not active; a text that names
 * no member (one that was deleted, or a slip), since ever, so that failover.delay does not hold its nodes
 * up: nothing is expected to come back. But where there are more members than a roster takes
 * (roster_crowded()), such a text counts as a member that is there: its nodes stay.
 */
#ifndef APP_SURVEY_H
#define APP_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/planner.h"

struct agent;
struct survey;

struct survey_options {
	/* Taken for gone, whatever they are; for drained. Names of members. */
	const char *const *without;
	size_t n_without;
	const char *drain;
	bool urgent;	  /* it does not take turns with those who ask over the socket */
	bool at_once;	  /* delay and hold-down do not count */
	bool every_node;  /* not only those whose manager is gone or drained */
	bool balance;	  /* even out, too (every_node) */
	size_t max_moves; /* of that; 0: as many as it takes */
};

/* rc 0: the results below are there; else why says why not (-ENODATA: no database yet; -ENOENT: no such
 * member). Once, from the loop; the survey may be freed there. */
typedef void survey_done_fn(int rc, const char *why, struct survey *survey, void *arg);

struct survey *survey_new(
	struct agent *agent, const struct survey_options *options, survey_done_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void survey_free(struct survey *survey);

const struct planner *survey_planner(const struct survey *survey);
/* Place of a name among the planner's members; PLANNER_NOBODY: it is not there. Members come first, in
 * natural order, then names of no members that some node has for a manager. */
uint32_t survey_member(const struct survey *survey, const char *name);
uint32_t survey_members(const struct survey *survey); /* how many, names of no members included */
uint32_t survey_real_members(const struct survey *survey); /* without these */
/* Nodes with that verdict and manager (PLANNER_NOBODY: any), in natural order, by name; new list of texts
 * that live as long as the survey. STAYS is not kept. */
size_t survey_nodes(const struct survey *survey, enum planner_verdict verdict, uint32_t manager,
	const char *const **ret);
/* Of a node that was looked at; "" for others. */
const char *survey_node_name(const struct survey *survey, uint32_t node);
/* Nodes that were looked at and whose candidates can't be understood, or that are in too many groups to be
 * moved (model/move.h), and count as without candidates; *ret says it of the first: "" where there is
 * none. */
size_t survey_odd(const struct survey *survey, const char **ret);
int64_t survey_revision(const struct survey *survey);
usec_t survey_took(const struct survey *survey);

#endif
