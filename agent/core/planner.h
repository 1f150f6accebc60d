/*
 * struct planner: which member should look after which node: the moves that one picture of the
 * collective calls for. Made for one picture, thrown away with it.
 *
 * The happy path: planner_new() gets the members with how many nodes each manages; planner_add() is
 * told each node that may have to move, in natural order, and decides at once; the moves are read
 * afterwards. To even out, all nodes with candidates are added, and planner_balance() goes on from
 * there.
 *
 * The rules (they are what docs/guide.md tells administrators):
 *  - A node is moved because its manager is gone (not active, for `delay` at least), or because its
 *    manager is being drained; never because another member would do better, but by
 *    planner_balance(), which an administrator asks for.
 *  - It goes to the available candidate (active, not drained) with the fewest nodes, moves of this
 *    picture included; the first one in natural order where several have as few.
 *  - A node without candidates is not moved. One whose candidates are all unavailable is orphaned
 *    while its manager is gone: it is moved as soon as one of them is there.
 *  - A member whose nodes were moved away because it was gone is held down for `hold_down` from that
 *    moment: it is not chosen while another candidate is available, and when it has come back and
 *    goes again, nodes it manages by then are not moved away from it, so that a member that comes
 *    and goes causes one move of its nodes in that time. What is left of the first time is moved:
 *    while a member stays away (gone_since is not after moved_at) nothing holds its nodes. (An
 *    administrator's drain does not wait, not even where the member is gone, too; nor does a
 *    rebalancing mind who is held down.)
 *  - A member that whoever plans has never seen (it has just started) counts as gone only when it has
 *    been missed for `start_delay`: after all servers were switched off, the first one that is up again
 *    must not get all nodes. Not so where its nodes were moved away within that time: what another
 *    leader has begun is completed.
 *  - A text that names no member at all is a manager that is gone. Nobody ("") is no manager: such a
 *    node is not moved, it is claimed.
 *
 * Pure; what it costs is given with each function.
 */
#ifndef CORE_PLANNER_H
#define CORE_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/macros.h"
#include "base/usec.h"

struct planner;

/* Members and names of no members, by their places in planner_config.members. */
#define PLANNER_NOBODY UINT32_MAX
#define PLANNER_NONE   UINT32_MAX /* no set of candidates */

struct planner_member {
	const char *name;
	bool active;
	bool draining;
	usec_t gone_since; /* where not active; 0: always */
	usec_t moved_at;   /* when its nodes were last moved away because it was gone; 0: never */
	/* Whoever asks began after the member was gone, and has never seen it: gone_since is when it was
	 * first missed, and not when it went, which is taken for before moved_at. */
	bool never_seen;
	size_t nodes; /* that it manages */
};

/* The least `delay` for a leader. A lease may end though its owner lives: revoked by hand, or by a leader of
 * etcd that was stopped for longer and goes on (etcd's issue 15247). The owner is active again within some
 * tens of milliseconds, unless etcd is slow. */
#define PLANNER_DELAY_MIN (200 * USEC_PER_MSEC)

struct planner_config {
	const struct planner_member *members; /* in natural order; copied, the names are not */
	uint32_t n;
	usec_t delay, hold_down, start_delay;
	usec_t now;
};

enum planner_verdict {
	PLANNER_STAYS, /* its manager is there */
	PLANNER_MOVES,
	PLANNER_WAITS, /* the delay has not passed, or its manager is held down: planner_wakeup() */
	PLANNER_ORPHANED, /* its manager is gone for the delay, and none of its candidates is available */
	PLANNER_FIXED, /* its manager is gone or drained, and it has no candidates */
	PLANNER_KEPT,  /* its manager is there and drained, and no other candidate is available */
	PLANNER_UNMANAGED, /* it has no manager */
};
#define PLANNER_VERDICTS (PLANNER_UNMANAGED + 1)
/* "stays", "moves", … */
const char *planner_verdict_name(enum planner_verdict verdict);

enum planner_cause { PLANNER_GONE, PLANNER_DRAINED, PLANNER_BALANCED };
/* "failover", "drain", "rebalance": what history calls it. */
const char *planner_cause_name(enum planner_cause cause);

struct planner_move {
	uint32_t node; /* the caller's number */
	uint32_t from, to;
	enum planner_cause cause;
	/* What the choice was made on: how many nodes both had just before this move. */
	size_t from_nodes, to_nodes;
};

struct planner *planner_new(const struct planner_config *config);
void planner_free(struct planner *p); /* NULL is fine */
DEFINE_CLEANUP(struct planner *, planner_free)

/* A set of candidates (places of members; others are left out), to be named in planner_add(). Equal
 * sets have one number, an empty one too: a node whose candidates are all members no more is orphaned,
 * and waits for one that joins again. PLANNER_NONE past PLANNER_SETS_MAX. */
#define PLANNER_SETS_MAX 65536u
uint32_t planner_set(struct planner *p, const struct bitset *candidates);

/* One node; manager PLANNER_NOBODY: it has none. Takes time in proportion to its candidates. */
enum planner_verdict planner_add(struct planner *p, uint32_t node, uint32_t manager, uint32_t set);

/* Evens out what was added: as few moves as possible until no member has two nodes more than another
 * that could take one of them, be it by way of a third; what cannot be better for want of candidates
 * stays. At most max moves, from the fullest to the emptiest first. Only nodes whose manager is
 * available take part. Does one slice of work, of a millisecond or so: true: there is nothing left to
 * do, and only then are the moves complete. */
bool planner_balance(struct planner *p, size_t max);

/* In the order in which they were decided; they live as long as the planner. */
size_t planner_moves(const struct planner *p, const struct planner_move **ret);
/* Nodes added so far, by verdict, of one manager (PLANNER_NOBODY included) or of all (n). */
size_t planner_count(const struct planner *p, uint32_t manager, enum planner_verdict verdict);
/* How many nodes a member has when all moves are made. */
size_t planner_load(const struct planner *p, uint32_t member);
const struct planner_member *planner_member(const struct planner *p, uint32_t member);
/* When the first of those that wait is due, absolute; USEC_NEVER: none waits. */
usec_t planner_wakeup(const struct planner *p);

#endif
