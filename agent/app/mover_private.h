/*
 * Between mover.c (when what is done), mover_plan.c (plans), mover_txn.c (the transaction of a batch of moves, and the entries
 * of history that tell of it) and mover_picture.c (what is kept for people).
 */
#ifndef APP_MOVER_PRIVATE_H
#define APP_MOVER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/mover.h"
#include "base/usec.h"
#include "copy/replica.h"
#include "core/failover.h"
#include "core/planner.h"
#include "record/history.h"
#include "write/writer_slot.h"

struct candidates;
struct db;
struct etcd_txn;
struct survey;

#define MOVER_CAUSES (PLANNER_BALANCED + 1)
#define PRUNE_MAX    100 /* entries of history that one transaction removes */

/* How many nodes went from whom to whom. */
struct mover_pair {
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];
	size_t done; /* applied */
	size_t out;  /* in the transaction under way */
};
struct mover_tally {
	struct mover_pair at[HISTORY_FROM_TO_MAX];
	size_t n;
};
/* False: there is no room for another pair. */
bool mover_tally_add(
	struct mover_tally *tally, const char *from, const char *to, size_t done, size_t out);

/* An entry of history that is written anew by each transaction of a lane, as long as one plan is in
 * work; what it says has been applied by then, because it is part of the transaction. */
struct mover_entry {
	char key[HISTORY_KEY_MAX]; /* "": the next transaction begins a new one */
	usec_t at;
	struct mover_tally tally;
};

struct mover_lane {
	struct mover *mover;
	unsigned index;
	struct writer_slot *slot;
	bool busy;
	uint64_t plan;				  /* that the entries are of */
	struct mover_entry entries[MOVER_CAUSES]; /* by cause */
	size_t moves;				  /* of the transaction under way */
	int64_t left; /* of the order to rebalance, when that is applied; -1: it is not in it */
};

/* The plan in work. */
struct mover_plan {
	uint64_t number;
	struct survey *survey; /* NULL: none */
	size_t moves, done;
	usec_t began;
	char batch[48];		   /* of its entries of history */
	struct mover_tally *tally; /* by cause */
	bool exact;		   /* each key is compared by itself: something has failed */
	bool told;		   /* its end is in the log, or there is nothing to tell */
};

struct mover {
	struct agent *agent;
	struct failover *core;
	struct loop_timer *timer;
	struct replica_listener listener;
	struct mover_lane lanes[FAILOVER_LANES];
	char run[32];
	uint64_t serial, serial_hash;
	const char **names; /* of the plan's members */
	struct mover_plan plan;
	/* the one being made: for the leader, or only to know */
	struct survey *survey, *looking;
	uint64_t survey_serial;
	struct loop_timer *look_timer;
	bool look_due;
	usec_t looked_at, look_cost;
	/* the order to rebalance, as this member has left it, which the copy may not have yet */
	int64_t order_mod, order_left;
	struct etcd_call *order_call;
	/* keeping history short */
	struct etcd_call *prune_call;
	int64_t pruned;
	usec_t prune_at;
	/* candidates as of one revision of the copy */
	struct candidates *candidates;
	const struct db *candidates_db;
	int64_t candidates_revision;
	uint64_t candidates_plan;
	/* for people */
	struct mover_counts counts;
	struct mover_row *rows; /* mover_picture.c */
	size_t n_rows;
	char **orphans;
	size_t n_orphans;
	size_t told_orphans; /* in the log */
	size_t n_odd;	     /* nodes whose candidates can't be understood */
	bool crowded;	     /* roster_crowded() */
	struct report *orphans_report, *odd_report, *crowded_report;
};

/* Compares this member's leadership; false: it does not lead. *ret_rev (may be NULL): create_revision of
 * its key. */
bool mover_fence(const struct agent *agent, struct etcd_txn *txn, int64_t *ret_rev);
/* The order to rebalance as it is now: false: there is none. */
bool mover_order(const struct mover *mover, int64_t *ret_mod, int64_t *ret_left);
/* A transaction of the first *ret_n of these moves, as many as fit; those of them that the facts do not
 * call for any more are passed over. NULL: none was left, or this member does not lead. */
struct etcd_txn *mover_txn(struct mover *mover, struct mover_lane *lane,
	const struct planner_move *moves, size_t n, size_t *ret_n);
/* It has ended. */
void mover_txn_ended(struct mover_lane *lane, enum failover_end end, int64_t revision);
/* For the log: "63 nodes of mgt2: 32 to mgt1, 31 to mgt3"; new. */
char *mover_tally_text(const struct mover_tally *tally, const char *from);

/* How things are now, and what follows from that. */
void mover_look(struct mover *mover);
/* mover_plan.c: makes a survey and gives it to the machine, with what has become of the last one told. */
void mover_plan_make(struct mover *mover);
/* Tells the log what has become of the plan, once, when nothing of it is under way. */
void mover_plan_tell(struct mover *mover);
void mover_plan_done(struct mover *mover);
/* Keeps what a survey has shown. */
void mover_picture_take(struct mover *mover, const struct survey *survey);
/* The leader's log tells of it. */
void mover_picture_log(struct mover *mover, const struct survey *survey);
void mover_picture_done(struct mover *mover);
/* Of the plan in work. */
void mover_progress(const struct mover *mover, size_t *ret_done, size_t *ret_all);

#endif
