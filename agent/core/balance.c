/*
 * Evening out: the fullest member looks for the cheapest chain of arcs (core/balance_private.h) to each
 * other one, and the emptiest of those that have two nodes less at least gets one by such a chain,
 * again and again, until there is none; that is then so for good. At last, chains that save moves
 * between members that differ by one node are used up. What is cheapest at each step is cheapest in
 * the end (successive shortest paths, a flow of minimum cost with a convex cost of load): the loads are
 * as even as the candidates allow, with the fewest moves that this takes.
 *
 * One search serves for several chains, as long as each arc of theirs is there: they remain cheapest.
 * Where the number of moves is limited, chains that would exceed it are left out; those that exchange one
 * node's move for another's are not, so what there is goes where it does most.
 */
#include "config.h"

#include "core/balance_private.h"

#include <string.h>

#include "base/mem.h"

#define SLICE 200000 /* steps of work, some nanoseconds each */
#define FAR   INT32_MAX

/* ---- chains ---- */

static void reach(struct balance *b, uint32_t member, int32_t dist)
{
	size_t last = (size_t)b->n * 2 + 1;
	int32_t old = b->dist[member];

	b->at_dist[old == FAR ? last : (size_t)(old + (int32_t)b->n)]--;
	b->at_dist[dist + (int32_t)b->n]++;
	b->dist[member] = dist;
}

/* No arc from there makes any distance shorter. */
static bool is_hopeless(const struct balance *b, uint32_t member, size_t *farthest)
{
	const uint32_t *row = &b->rows[(size_t)member * 3];
	int32_t least = row[0] ? -1 : row[1] ? 0 : 1;

	if (!row[0] && !row[1] && !row[2])
		return true;
	while (*farthest > 0 && !b->at_dist[*farthest])
		(*farthest)--;
	return *farthest <= (size_t)b->n * 2 &&
	       b->dist[member] + least >= (int32_t)*farthest - (int32_t)b->n;
}

/* The cheapest chain from source to every member: Bellman and Ford's, with a queue. There are no
 * circles that save anything, so it ends. */
static void search(struct balance *b, uint32_t source)
{
	size_t farthest = (size_t)b->n * 2 + 1;
	uint32_t head = 0, n = 0;

	memset(b->at_dist, 0, (farthest + 1) * sizeof(*b->at_dist));
	b->at_dist[farthest] = b->n;
	for (uint32_t i = 0; i < b->n; i++)
		b->dist[i] = FAR;
	reach(b, source, 0);
	b->queue[n++] = source;
	b->work += b->n;
	while (n) {
		uint32_t x = b->queue[head];
		const int8_t *cheap = &b->cheap[(size_t)x * b->n];

		head = (head + 1) % b->n;
		n--;
		b->queued[x] = false;
		b->work++;
		if (is_hopeless(b, x, &farthest))
			continue;
		b->work += b->n;
		for (uint32_t y = 0; y < b->n; y++) {
			if (cheap[y] > 1 || b->dist[x] + cheap[y] >= b->dist[y])
				continue;
			reach(b, y, b->dist[x] + cheap[y]);
			b->from[y] = x;
			b->via[y] = cheap[y];
			if (b->queued[y])
				continue;
			b->queued[y] = true;
			b->queue[(head + n++) % b->n] = y;
		}
	}
}

static bool is_whole(const struct balance *b, uint32_t to)
{
	for (; to != b->source; to = b->from[to]) {
		if (!balance_has_arc(b, b->from[to], to, b->via[to]))
			return false;
	}
	return true;
}

static void shift_one(struct planner *p, uint32_t from, uint32_t to, int cost)
{
	struct balance *b = p->balance;
	uint32_t at = balance_pile_with(p, from, to, cost);
	uint32_t class = b->piles[at].class;
	uint32_t home = b->classes[class].home;
	uint32_t node = balance_pop(p, at);

	balance_push(p, balance_pile(b, class, to), node);
	if (to == home) {
		b->left[b->left_as[node] - 1] = BALANCE_NONE;
		b->left_as[node] = 0;
		b->moved--;
		return;
	}
	if (from != home)
		return;
	if (b->n_left == b->left_room) {
		b->left_room = MAX(b->left_room * 2, (size_t)64);
		b->left = xrealloc(b->left, b->left_room, sizeof(*b->left));
	}
	b->left[b->n_left++] = node;
	b->left_as[node] = b->n_left;
	b->moved++;
}

/* Backwards, so that a node goes one arc only. */
static void shift(struct planner *p, uint32_t to)
{
	struct balance *b = p->balance;

	p->load[b->place[b->source]]--;
	p->load[b->place[to]]++;
	for (; to != b->source; to = b->from[to], b->work++)
		shift_one(p, b->from[to], to, b->via[to]);
}

/* ---- the phases ---- */

static size_t load(const struct planner *p, uint32_t member)
{
	return p->load[p->balance->place[member]];
}

static void build(struct planner *p)
{
	struct balance *b = p->balance;

	for (; b->built < b->n_nodes && b->work < SLICE; b->built++, b->work += 20) {
		const struct planner_node *node = &p->staying[b->built];
		uint32_t home = b->seat[node->manager];
		uint32_t class = balance_class(b, home, node->set);

		balance_push(p, balance_pile(b, class, home), (uint32_t)b->built);
	}
	if (b->built == b->n_nodes)
		b->phase = BALANCE_SPREAD;
}

/* The emptiest that has two less; the nearest of them. */
static uint32_t target(struct planner *p)
{
	struct balance *b = p->balance;
	uint32_t best = BALANCE_NONE;

	b->work += b->n;
	for (uint32_t i = 0; i < b->n; i++) {
		if (i == b->source || b->dist[i] == FAR || load(p, i) + 2 > load(p, b->source))
			continue;
		if (b->dist[i] > 0 && (size_t)b->dist[i] > b->max - b->moved) {
			b->limited = true;
			continue;
		}
		if (best == BALANCE_NONE || load(p, i) < load(p, best) ||
			(load(p, i) == load(p, best) && b->dist[i] < b->dist[best]))
			best = i;
	}
	return best;
}

static uint32_t fullest(struct planner *p)
{
	struct balance *b = p->balance;
	uint32_t best = BALANCE_NONE;

	b->work += b->n;
	for (uint32_t i = 0; i < b->n; i++) {
		if (!b->stuck[i] && (best == BALANCE_NONE || load(p, i) > load(p, best)))
			best = i;
	}
	return best;
}

static void spread(struct planner *p)
{
	struct balance *b = p->balance;
	bool fresh = b->source == BALANCE_NONE;
	uint32_t to;

	if (fresh) {
		b->source = fullest(p);
		if (b->source == BALANCE_NONE) {
			b->phase = b->limited ? BALANCE_DONE : BALANCE_TRIM;
			b->source = 0;
			b->improved = false;
			return;
		}
		search(b, b->source);
	}
	to = target(p);
	if (fresh && to == BALANCE_NONE)
		b->stuck[b->source] = true;
	else if (fresh)
		b->quota = (load(p, b->source) - load(p, to)) / 8 + 1;
	if (to == BALANCE_NONE || b->quota == 0 || !is_whole(b, to)) {
		b->source = BALANCE_NONE;
		return;
	}
	b->quota--;
	shift(p, to);
}

/* A chain to a member with one node less, which saves moves; else on with the next source. */
static void trim(struct planner *p)
{
	struct balance *b = p->balance;
	uint32_t best = BALANCE_NONE;

	search(b, b->source);
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->dist[i] < 0 && load(p, i) + 1 == load(p, b->source) &&
			(best == BALANCE_NONE || b->dist[i] < b->dist[best]))
			best = i;
	}
	if (best != BALANCE_NONE) {
		b->improved = true;
		shift(p, best);
	} else if (++b->source == b->n) {
		b->phase = b->improved ? BALANCE_TRIM : BALANCE_DONE;
		b->improved = false;
		b->source = 0;
	}
}

/* The chains as moves: each node's first place and last. What the loads were is told anew. */
static void tell(struct planner *p)
{
	struct balance *b = p->balance;

	for (size_t i = 0; i < b->n_left; i++) {
		uint32_t node = b->left[i];

		if (node == BALANCE_NONE)
			continue;
		p->load[p->staying[node].manager]++;
		p->load[b->place[b->now_at[node]]]--;
	}
	for (size_t i = 0; i < b->n_left; i++) {
		uint32_t node = b->left[i];
		struct planner_move move = {.cause = PLANNER_BALANCED};

		if (node == BALANCE_NONE)
			continue;
		move.node = p->staying[node].node;
		move.from = p->staying[node].manager;
		move.to = b->place[b->now_at[node]];
		move.from_nodes = p->load[move.from]--;
		move.to_nodes = p->load[move.to]++;
		planner_append(p, &move);
	}
}

bool planner_balance(struct planner *p, size_t max)
{
	struct balance *b = p->balance;

	if (!b) {
		b = p->balance = balance_new(p, max);
		if (b->n < 2)
			b->phase = BALANCE_DONE;
	}
	if (b->phase == BALANCE_DONE)
		return true;
	for (b->work = 0; b->work < SLICE && b->phase != BALANCE_DONE;) {
		if (b->phase == BALANCE_BUILD)
			build(p);
		else if (b->phase == BALANCE_SPREAD)
			spread(p);
		else
			trim(p);
	}
	if (b->phase != BALANCE_DONE)
		return false;
	tell(p);
	return true;
}
