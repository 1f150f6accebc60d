/*
 * What evening out is worked on: nodes with the same manager and the same candidates are one class, and
 * lie in piles, one for each member that has some of them. A node that goes from one pile to another
 * goes along an arc between two members. It costs a move when the node leaves its manager (home),
 * nothing when it goes on to a third member, and saves one when it comes back.
 *
 * Members are counted here without those that are not available.
 */
#ifndef CORE_BALANCE_PRIVATE_H
#define CORE_BALANCE_PRIVATE_H

#include "core/planner_private.h"

#define BALANCE_NONE UINT32_MAX

enum balance_phase { BALANCE_BUILD, BALANCE_SPREAD, BALANCE_TRIM, BALANCE_DONE };

struct balance_pile {
	uint32_t class, member;
	uint32_t head, tail; /* of its nodes */
	uint32_t n;
	uint32_t next; /* pile of the same member */
};

struct balance_class {
	uint32_t home, set;
};

struct balance {
	enum balance_phase phase;
	size_t max, moved, work;

	uint32_t n;	 /* members that take part */
	uint32_t *place; /* of each among the planner's */
	uint32_t *seat;	 /* the opposite */

	size_t n_nodes;
	uint32_t *next;	  /* by node: in its pile */
	uint32_t *now_at; /* by node */
	size_t *left_as;  /* by node: 1 more than its place in left; 0: it is at home */
	uint32_t *left;	  /* nodes that left home, in order; BALANCE_NONE: came back */
	size_t n_left, left_room;
	size_t built;

	struct balance_class *classes;
	uint32_t n_classes, classes_room;
	struct balance_pile *piles;
	uint32_t n_piles, piles_room;
	uint32_t *first, *last; /* piles by member */
	uint32_t *table;	/* piles by class and member: number + 1 */
	uint32_t table_size;
	uint32_t *by_home; /* classes by home and set: number + 1; as large */

	/* arcs, by member and member */
	uint32_t *arcs;	 /* by cost, too: piles that have it */
	uint32_t *hint;	 /* by cost, too: one that had it */
	int8_t *cheap;	 /* the lowest cost; 2: no arc */
	uint32_t *rows;	 /* by member and cost: members with an arc of that cost from there */
	bool *stuck;	 /* by member: there is no chain from it */
	bool limited;	 /* a chain was left out because of max */
	bool improved;	 /* in this round of TRIM */
	uint32_t source; /* of the chains below; BALANCE_NONE: to be chosen */
	size_t quota;	 /* how many more of them */

	/* chains from the source */
	int32_t *dist;
	uint32_t *from;
	int8_t *via;
	uint32_t *queue;
	bool *queued;
	uint32_t *at_dist; /* members by distance + n; the last one: not reached */
};

struct balance *balance_new(const struct planner *p, size_t max);

uint32_t balance_class(struct balance *b, uint32_t home, uint32_t set);
/* The class's nodes at a member; made where there is none yet. */
uint32_t balance_pile(struct balance *b, uint32_t class, uint32_t member);
/* One with an arc of that cost, which there must be. */
uint32_t balance_pile_with(struct planner *p, uint32_t from, uint32_t to, int cost);
/* Whether there is an arc. */
bool balance_has_arc(const struct balance *b, uint32_t from, uint32_t to, int cost);
/* First in, first out. */
void balance_push(struct planner *p, uint32_t pile, uint32_t node);
uint32_t balance_pop(struct planner *p, uint32_t pile);

#endif
