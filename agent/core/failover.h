/*
 * The leader's work on managers: when to look at the nodes, and how the moves that the planner calls
 * for become transactions. Each member has one of these; only the leader's does anything.
 *
 * The happy path: something happens (a member goes, a node is assigned, an order is given); the
 * machine asks for a plan (FAILOVER_PLAN); the owner makes one (core/planner.h), a slice at a time,
 * and gives it (failover_planned()); the moves go out in batches (FAILOVER_BATCH), one transaction
 * each, a few at a time; when the last has ended and the copy has seen it, there is another plan,
 * which finds nothing to do.
 *
 * So it is level-triggered (R5): nothing is remembered of what was to be done but the list in work.
 * A leader that dies leaves nodes whose manager is gone, which the next one finds.
 *
 * Failures. A transaction compares this member's leadership and, for each node, all that the move was
 * decided on: one whose compare fails changes nothing, its moves are given up, and the nodes are
 * looked at anew when the copy has caught up; batches get smaller meanwhile, down to one node, so that
 * a node which somebody keeps changing does not hold up the others. Whoever is refused by etcd (no
 * space), does not know what became of a transaction, or has come to nothing with all of a plan tries
 * again after a pause. When the picture
 * changes (another member goes, a drain is ordered, moves are paused) what has not been sent is given
 * up and planned anew; when this member ceases to lead, too, and nothing more is sent.
 *
 * Pure: see coord.h for how it is driven (input, next until there is nothing, wakeup).
 */
#ifndef CORE_FAILOVER_H
#define CORE_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/planner.h"
#include "core/sm.h"

#define FAILOVER_LANES	   4   /* transactions under way */
#define FAILOVER_BATCH_MAX 112 /* moves in one; the owner may take fewer */

enum failover_state {
	FAILOVER_FOLLOWING, /* another member leads, or none does */
	FAILOVER_BLIND,	    /* leads, and its copy is not current */
	FAILOVER_PAUSED,    /* leads; an administrator has stopped automatic moves */
	FAILOVER_WATCHING,  /* leads; every node that can be looked after is */
	FAILOVER_PLANNING, /* a plan is due or being made, and not only because nodes have changed */
	FAILOVER_MOVING,
	FAILOVER_WAITING, /* there is something to move, but not yet: delay, hold-down, a pause after a
			   * failure */
};

extern const struct sm_machine failover_machine;

struct failover_view {
	bool acting; /* this member leads, and may write now */
	bool live;   /* the copy is current */
	bool paused;
	int64_t revision; /* of the copy */
	/* Changes whenever what all moves are decided on changes: who is active, drains, orders, delay
	 * and hold-down. */
	uint64_t serial;
};

enum failover_action_kind {
	FAILOVER_PLAN, /* make a plan, then failover_planned() */
	FAILOVER_ABANDON, /* the plan that is being made is not wanted; it needs no failover_planned() */
	FAILOVER_BATCH, /* commit, then failover_ended() */
};

struct failover_action {
	enum failover_action_kind kind;
	unsigned lane;			  /* BATCH */
	const struct planner_move *moves; /* BATCH: valid until failover_sent() */
	size_t n;
};

/* What became of a batch. The owner is certain of APPLIED and CONFLICT (nothing was written). */
enum failover_end {
	FAILOVER_APPLIED,
	FAILOVER_CONFLICT, /* a compare did not hold */
	FAILOVER_REFUSED,  /* etcd does not take it; nothing was written */
	FAILOVER_UNKNOWN,
};

struct failover_plan {
	const struct planner_move *moves; /* copied */
	size_t n;
	bool one_lane; /* one transaction after the other (a rebalancing, which counts its moves) */
	usec_t wakeup; /* when there will be more to move; USEC_NEVER */
	int64_t revision; /* of the copy that it was made from */
	uint64_t serial;  /* of the view that it was made for: another one makes it worthless */
};

struct failover;

struct failover *failover_new(uint64_t seed, usec_t now, sm_observe_fn *observe, void *arg);
/* What is outstanding needs no answer any more. NULL is fine. */
void failover_free(struct failover *f);

/* How things are now; call it whenever that may have changed, and when failover_wakeup() is due. */
void failover_look(struct failover *f, usec_t now, const struct failover_view *view);
/* Nodes, groups or their attributes have changed: a plan is due, soon (plans for no other reason take at
 * most a tenth of the time, and leave the state as it is until they find something). */
void failover_stir(struct failover *f, usec_t now);
void failover_planned(struct failover *f, usec_t now, const struct failover_plan *plan);
bool failover_next(struct failover *f, usec_t now, struct failover_action *ret);
/* Of the batch, only the first n went into the transaction: the rest comes again. Always called after
 * FAILOVER_BATCH, before the next failover_next(). n 0: nothing was sent, and failover_ended() is not
 * called: the first of them is not any more what was decided on and is given up, as after a
 * CONFLICT; the others come again. */
void failover_sent(struct failover *f, usec_t now, unsigned lane, size_t n);
/* revision: of the application; of a conflict, the one that the copy must have to know the reason. */
void failover_ended(struct failover *f, usec_t now, unsigned lane, enum failover_end end,
	int64_t revision, const char *why);
/* Absolute; USEC_NEVER while there is nothing but events to wait for. */
usec_t failover_wakeup(const struct failover *f);

void failover_info(const struct failover *f, struct sm_info *ret);
/* Of the moves in work: those done and all of them; 0 and 0 while there are none. */
void failover_progress(const struct failover *f, size_t *ret_done, size_t *ret_all);

#endif
