/*
 * struct mover: the leader's work on managers, carried out: gives core/failover.h its view, has surveys
 * made (app/survey.h), and makes transactions of its batches, each fenced (R2), each with what it compares
 * for its nodes (model/move.h), each with its entry of history. Every member has one; the leader's acts.
 * It also keeps history short, and ends a rebalancing that is done.
 */
#ifndef APP_MOVER_H
#define APP_MOVER_H

#include <stddef.h>

#include "base/usec.h"
#include "core/sm.h"
#include "wire/json.h"

struct agent;
struct mover;

/* The agent has a member, orders and history. */
struct mover *mover_new(struct agent *agent);
void mover_free(struct mover *mover); /* before the member; NULL is fine */
/* Something about the member, the orders or the configuration may be different. */
void mover_changed(struct mover *mover);

/* ---- for people; every member knows these from its own copy ---- */
void mover_info(const struct mover *mover, struct sm_info *ret);
struct mover_counts {
	bool known;	 /* false: not looked at yet */
	size_t orphaned; /* nodes whose manager and candidates are all gone */
	size_t fixed;	 /* nodes whose manager is gone or drained, and that have no candidates */
	size_t alone;	 /* those of `fixed` whose manager is not there, drained or not */
	size_t waiting;	 /* for the delay or a hold-down */
	size_t moved;	 /* since the start, by this member */
};
/* What is to be told where there are more members than an agent knows (roster_crowded()). */
#define MOVER_CROWDED                                                                              \
	"there are more members than an agent knows: nodes whose manager is none of those it "     \
	"knows stay where they are; delete members that are not used (collective delete), then "   \
	"restart the agents"
void mover_counts(const struct mover *mover, struct mover_counts *ret);
/* For `show -v`: "managers": [{"name","nodes","orphaned","draining"…}], "orphans": [names, some]. */
void mover_tell(const struct mover *mover, json *answer);

#endif
