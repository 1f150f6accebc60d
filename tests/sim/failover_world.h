/*
 * What the files of sim_failover share: in each agent of a world (world.h), beside its coordination
 * core, the failover core with the planner, on nodes that administrators change at the same time.
 *
 * Nodes have a manager and candidates of their own, or those of their group. An agent knows them from
 * its copy, which is behind its watch, which is behind etcd. What the owner of the failover core does
 * in the agent (picture, transactions, the slots that they go through) is modelled here: in
 * failover_agent.c what is known, in failover_work.c what is decided on, in failover_slot.c the way to etcd and back. The administrators
 * are in failover_admin.c, what must hold in failover_check.c, what all know of etcd in
 * failover_facts.c.
 */
#ifndef SIM_FAILOVER_WORLD_H
#define SIM_FAILOVER_WORLD_H

#include <limits.h>

#include "core/failover.h"
#include "tests/sim/world.h"

#define FNODES_MAX  60
#define FGROUPS_MAX 4
#define FPLACES	    (AGENTS_MAX + 1) /* the members, and the name of none */
#define FNOBODY	    (-1)

enum fmutation {
	FMUTATION_NONE,
	FMUTATION_FENCE,      /* transactions do not compare the leader key */
	FMUTATION_NODE,	      /* nor the node's manager */
	FMUTATION_CANDIDATES, /* nor its candidates */
	FMUTATION_UNCHECKED,  /* what changed since the plan is not looked at when sending */
	FMUTATION_STALE,      /* a plan is not dropped when the picture becomes another one */
	FMUTATION_OLD_COPY,  /* plans are made from a copy older than the own writes, no compares */
	FMUTATION_HOLD_DOWN, /* members are not held down */
	FMUTATION_DRAINED,   /* drained members are chosen */
	FMUTATION_ACTING,    /* who was elected acts, whatever its lease */
	FMUTATION_PAUSED,    /* a pause is not seen */
	FMUTATION_ORDERS,    /* transactions do not compare the orders */
	FMUTATION_HEALTHY,   /* members that are there are taken for gone now and then */
	FMUTATION_UNKNOWN,   /* what became of a transaction is not known: taken for applied */
	FMUTATION_TICKET,    /* transactions carry no ticket */
	FMUTATION_DEAF,	     /* what administrators do to nodes is no reason to look */
	FMUTATION_WAKEUP,    /* what waits is forgotten */
	FMUTATION_COUNT
};

/* ---- facts: what is in etcd, or what somebody knows of it ---- */

struct fact {
	int64_t rev; /* of the last change, deletions included */
	int64_t mod; /* 0: it is not there */
	int64_t create;
	int64_t lease;
	int value;
};

struct facts {
	/* by node: existence (value: its group), own manager (place), own candidates (mask) */
	struct fact exists[FNODES_MAX], manager[FNODES_MAX], candidates[FNODES_MAX];
	struct fact group_manager[FGROUPS_MAX], group_candidates[FGROUPS_MAX];
	struct fact member[AGENTS_MAX], active[AGENTS_MAX], drain[AGENTS_MAX];
	struct fact leader; /* value: the agent */
	struct fact pause;
	struct fact rebalance; /* value: moves left */
};

/* A change, parsed. */
enum fnote_kind { FNOTE_FACT, FNOTE_HISTORY, FNOTE_OTHER };
struct fnote {
	enum fnote_kind kind;
	struct fact fact;
	size_t where;	/* of the fact in struct facts */
	bool of_node;	/* nodes and groups: comes by way of the copy */
	bool by_leader; /* the moves of a leader are marked */
	/* history */
	int by;
	int64_t fence, copy, seen, plan;
	usec_t at;     /* wall clock of who wrote it */
	unsigned gone; /* whose nodes were moved because they were gone */
};

/* ---- an agent ---- */

struct batch;
enum slot_step { SLOT_NONE, SLOT_LEARN, SLOT_SEND, SLOT_CLOSE, SLOT_LOOK };
struct slot {
	enum slot_step step;
	int64_t mod; /* -1: not known */
	struct batch *batch;
	struct message *call;
	unsigned turn; /* timers of earlier turns are void */
	bool doubt, answered, hurry;
	usec_t pause;
	char entry[EKEY_MAX]; /* of history, and the plan that it belongs to */
	uint64_t entry_plan;
	unsigned entry_gone, sent_gone; /* applied; under way */
};

struct fagent {
	struct failover *core; /* NULL while the agent is not running */
	struct facts feed;     /* all that its watch has told */
	struct facts copy;     /* nodes and groups: what its copy has */
	unsigned feed_next, copy_next;
	int64_t copy_revision;
	bool copy_due;
	unsigned listings;
	usec_t moved_at[FPLACES];
	int64_t moved_rev[FPLACES];
	/* the plan that is being made, and how many were */
	struct planner *planner;
	uint64_t plan;
	int64_t plan_revision;
	uint64_t plan_serial;
	unsigned plan_nodes; /* added so far */
	bool balancing;
	/* The order to rebalance, as this member wrote it last. */
	int64_t order_revision;
	int order_left;
	int64_t own_revision; /* the highest one that it was told by an end */
	/* plans that came to nothing for etcd's sake, lately, and the last of them */
	unsigned failures;
	usec_t failures_since;
	uint64_t failed_plan;
	struct slot slots[FAILOVER_LANES];
	usec_t wake;
	usec_t skew; /* of its wall clock */
};

struct ftally {
	uint64_t plans, applied, conflicts, refused, unknown; /* transactions */
	uint64_t moves, moves_refused, admin;
	uint64_t returned; /* orphans that were taken when a candidate came back */
	uint64_t states[FAILOVER_WAITING + 1][FAILOVER_WAITING + 1]; /* from, to */
};

struct fworld {
	struct world *w;
	enum fmutation mutation;
	bool safety; /* everything goes wrong until the end; else it is healed */
	struct ftally *tally;
	struct fagent agents[AGENTS_MAX];
	unsigned nodes, groups;
	usec_t delay, hold_down;
	usec_t admin_pause; /* between two things that administrators do, at most */
	bool administered;
	bool flaps;	  /* members come and go, quickly */
	size_t fits;	  /* moves in a transaction */
	bool passes_over; /* moves that are not called for any more: or all that follow wait */
	bool gives_up;	  /* who does not lead any more does not go on clearing doubts */
	struct fnote *notes;
	unsigned note_count, note_room;
	struct batch **batches;
	unsigned batch_count, batch_room;
	struct message **messages;
	unsigned message_count, message_room;
	/* ---- failover_check.c ---- */
	struct facts truth;
	unsigned truth_next;
	unsigned presences[AGENTS_MAX];	 /* how often it became active */
	int64_t present_rev[AGENTS_MAX]; /* since when it is, or was, active */
	usec_t gone_at[AGENTS_MAX];
	usec_t failed_over_at[FPLACES];
	int64_t failed_over_rev[FPLACES];
	unsigned failed_over_in[FPLACES];
};

enum fpart {
	FPART_ADMIN,
	FPART_COPY,
	FPART_WAKE,
	FPART_PLAN,
	FPART_SLOT,
	FPART_ARRIVE,
	FPART_ANSWER,
	FPART_TIMEOUT,
};

static inline struct fworld *fworld_of(const struct world *w)
{
	return w->part_arg;
}

/* ---- failover_facts.c ---- */
/* Parses what is new. */
void facts_note(struct fworld *f);
void facts_apply(struct facts *facts, const struct fnote *note);
int facts_manager(const struct facts *facts, unsigned node);
unsigned facts_candidates(const struct facts *facts, unsigned node);
/* The facts that make them what they are: at most FSOURCES. How many. */
#define FSOURCES 3
unsigned facts_manager_from(
	const struct facts *facts, unsigned node, const struct fact **ret, char keys[][EKEY_MAX]);
unsigned facts_candidates_from(
	const struct facts *facts, unsigned node, const struct fact **ret, char keys[][EKEY_MAX]);
bool facts_is_active(const struct facts *facts, int member);
const char *place_name(const struct fworld *f, int place);

/* ---- failover_agent.c ---- */
extern const struct world_part failover_part;
usec_t fagent_now(const struct fworld *f, int agent);
usec_t fagent_wall(const struct fworld *f, int agent);
struct failover_view fagent_view(const struct fworld *f, int agent);
/* A different one for each picture of members and orders. */
uint64_t fagent_serial(const struct fworld *f, int agent);
bool fagent_acting(const struct fworld *f, int agent, struct coord_fence *fence);

/* ---- failover_work.c ---- */
void fagent_begin_plan(struct fworld *f, int agent);
void fagent_end_plan(struct fworld *f, int agent, uint64_t which);
void fagent_abandon(struct fagent *a);
void fagent_send(struct fworld *f, int agent, const struct failover_action *action);
void fagent_ended(struct fworld *f, int agent, unsigned lane, enum failover_end end,
	int64_t revision, const struct batch *batch);

/* ---- failover_slot.c ---- */
struct batch *batch_new(struct fworld *f, int agent, unsigned lane);
void batch_compare(
	struct batch *b, const char *key, enum ecompare_target target, int64_t value, bool once);
void batch_write(struct batch *b, const char *key, const char *value, const char *tag);
void batch_delete(struct batch *b, const char *key);
void batch_move(struct batch *b, unsigned node);
unsigned batch_moves(const struct batch *b);
uint64_t batch_nodes(const struct batch *b); /* a bit for each */
/* What it leaves of the order to rebalance. */
#define BATCH_NO_ORDER INT_MIN
int batch_order_left(const struct batch *b);
void batch_set_order_left(struct batch *b, int left);
void slot_commit(struct fworld *f, int agent, unsigned lane, struct batch *batch);
/* Without a slot: what is harmless when it comes twice. */
void slot_send_loose(struct fworld *f, struct batch *batch);
void slot_give_up(struct fworld *f, int agent, unsigned lane);
void slot_step(struct fworld *f, int agent, enum fpart part, void *what);
void slots_free(struct fworld *f);

/* ---- failover_admin.c ---- */
void admin_populate(struct fworld *f);
void admin_step(struct fworld *f);
void admin_heal(struct fworld *f);
void admin_rebalance(struct fworld *f);

/* ---- failover_check.c ---- */
void fcheck_step(struct fworld *f);
/* Everybody who can have one has a manager; nothing is left to do. */
void fcheck_settled(struct fworld *f, const char *when);
void fcheck_balanced(struct fworld *f);
/* Nodes whose manager is gone and that this member could have. */
unsigned fcheck_orphans_of(const struct fworld *f, int member);

#endif
