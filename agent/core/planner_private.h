/*
 * What planner.c (who moves, and where to) and balance.c (evening out) share.
 */
#ifndef CORE_PLANNER_PRIVATE_H
#define CORE_PLANNER_PRIVATE_H

#include "core/planner.h"

struct balance;

/* Members in words of 64, without the empty words in front and behind. */
struct planner_set {
	size_t at; /* of its first word in planner.words */
	uint32_t first, n;
};

/* One that may take part in evening out. */
struct planner_node {
	uint32_t node, manager, set;
};

struct planner {
	struct planner_member *members;
	uint32_t n;
	usec_t delay, hold_down, start_delay, now;
	usec_t wakeup;
	size_t *load;	  /* by member, moves included */
	size_t *counts;	  /* by member (n: of none, n + 1: of all) and verdict */
	uint64_t *here;	  /* bits of members: available */
	uint64_t *rested; /* and not held down */

	struct planner_set *sets;
	uint32_t n_sets, sets_room;
	uint64_t *words;
	size_t n_words, words_room;
	uint32_t *table; /* of sets by hash: number + 1; a power of two */
	uint32_t table_size;

	struct planner_node *staying;
	size_t n_staying, staying_room;

	struct planner_move *moves;
	size_t n_moves, moves_room;
	struct balance *balance; /* NULL until it begins */
};

static inline bool planner_is_available(const struct planner *p, uint32_t member)
{
	return p->here[member / 64] >> (member % 64) & 1;
}

bool planner_set_has(const struct planner *p, uint32_t set, uint32_t member);
void planner_append(struct planner *p, const struct planner_move *move);
void balance_free(struct balance *b);

#endif
