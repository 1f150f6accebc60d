/*
 * Classes, piles and arcs (core/balance_private.h). What an arc needs to be known by is counted, so that
 * a search need not look at piles.
 */
#include "config.h"

#include "core/balance_private.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

struct balance *balance_new(const struct planner *p, size_t max)
{
	struct balance *b = xcalloc(1, sizeof(*b));
	size_t n;

	b->max = max;
	b->source = BALANCE_NONE;
	b->place = xcalloc((size_t)p->n + 1, sizeof(*b->place));
	b->seat = xcalloc((size_t)p->n + 1, sizeof(*b->seat));
	for (uint32_t i = 0; i < p->n; i++) {
		if (!planner_is_available(p, i))
			continue;
		b->seat[i] = b->n;
		b->place[b->n++] = i;
	}
	n = (size_t)b->n + 1;
	b->first = xcalloc(n, sizeof(*b->first));
	b->last = xcalloc(n, sizeof(*b->last));
	memset(b->first, 0xff, n * sizeof(*b->first));
	b->arcs = xcalloc(n * n, 3 * sizeof(*b->arcs));
	b->hint = xcalloc(n * n, 3 * sizeof(*b->hint));
	b->cheap = xcalloc(n * n, sizeof(*b->cheap));
	memset(b->cheap, 2, n * n * sizeof(*b->cheap));
	b->rows = xcalloc(n, 3 * sizeof(*b->rows));
	b->stuck = xcalloc(n, sizeof(*b->stuck));
	b->dist = xcalloc(n, sizeof(*b->dist));
	b->from = xcalloc(n, sizeof(*b->from));
	b->via = xcalloc(n, sizeof(*b->via));
	b->queue = xcalloc(n, sizeof(*b->queue));
	b->queued = xcalloc(n, sizeof(*b->queued));
	b->at_dist = xcalloc(n, 2 * sizeof(*b->at_dist));
	b->n_nodes = p->n_staying;
	b->next = xcalloc(b->n_nodes + 1, sizeof(*b->next));
	b->now_at = xcalloc(b->n_nodes + 1, sizeof(*b->now_at));
	b->left_as = xcalloc(b->n_nodes + 1, sizeof(*b->left_as));
	return b;
}

void balance_free(struct balance *b)
{
	if (!b)
		return;
	free(b->place);
	free(b->seat);
	free(b->first);
	free(b->last);
	free(b->arcs);
	free(b->hint);
	free(b->cheap);
	free(b->rows);
	free(b->stuck);
	free(b->dist);
	free(b->from);
	free(b->via);
	free(b->queue);
	free(b->queued);
	free(b->at_dist);
	free(b->next);
	free(b->now_at);
	free(b->left_as);
	free(b->left);
	free(b->classes);
	free(b->piles);
	free(b->table);
	free(b->by_home);
	free(b);
}

/* ---- classes and piles ---- */

static uint32_t mix(uint32_t a, uint32_t b)
{
	uint64_t z = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(z >> 32);
}

static uint32_t *pile_slot(const struct balance *b, uint32_t class, uint32_t member)
{
	uint32_t i = mix(class, member) & (b->table_size - 1);

	for (; b->table[i]; i = (i + 1) & (b->table_size - 1)) {
		const struct balance_pile *pile = &b->piles[b->table[i] - 1];

		if (pile->class == class && pile->member == member)
			break;
	}
	return &b->table[i];
}

static uint32_t *class_slot(const struct balance *b, uint32_t home, uint32_t set)
{
	uint32_t i = mix(home, set) & (b->table_size - 1);

	for (; b->by_home[i]; i = (i + 1) & (b->table_size - 1)) {
		const struct balance_class *class = &b->classes[b->by_home[i] - 1];

		if (class->home == home && class->set == set)
			break;
	}
	return &b->by_home[i];
}

/* There are no more classes than piles, as each has one at home. */
static void make_room(struct balance *b)
{
	if (b->n_piles < b->piles_room)
		return;
	b->piles_room = MAX(b->piles_room * 2, 64u);
	b->piles = xrealloc(b->piles, b->piles_room, sizeof(*b->piles));
	b->classes = xrealloc(b->classes, b->piles_room, sizeof(*b->classes));
	free(b->table);
	free(b->by_home);
	b->table_size = b->piles_room * 2;
	b->table = xcalloc(b->table_size, sizeof(*b->table));
	b->by_home = xcalloc(b->table_size, sizeof(*b->by_home));
	for (uint32_t i = 0; i < b->n_piles; i++)
		*pile_slot(b, b->piles[i].class, b->piles[i].member) = i + 1;
	for (uint32_t i = 0; i < b->n_classes; i++)
		*class_slot(b, b->classes[i].home, b->classes[i].set) = i + 1;
	b->work += b->table_size;
}

uint32_t balance_pile(struct balance *b, uint32_t class, uint32_t member)
{
	uint32_t *slot;

	make_room(b);
	slot = pile_slot(b, class, member);
	if (*slot)
		return *slot - 1;
	b->piles[b->n_piles] =
		(struct balance_pile){class, member, BALANCE_NONE, BALANCE_NONE, 0, BALANCE_NONE};
	if (b->first[member] == BALANCE_NONE)
		b->first[member] = b->n_piles;
	else
		b->piles[b->last[member]].next = b->n_piles;
	b->last[member] = b->n_piles;
	*slot = ++b->n_piles;
	return b->n_piles - 1;
}

uint32_t balance_class(struct balance *b, uint32_t home, uint32_t set)
{
	uint32_t *slot;

	make_room(b);
	slot = class_slot(b, home, set);
	if (!*slot) {
		b->classes[b->n_classes++] = (struct balance_class){home, set};
		*slot = b->n_classes;
	}
	return *slot - 1;
}

/* ---- arcs ---- */

static int cost_of(const struct balance *b, const struct balance_pile *pile, uint32_t to)
{
	uint32_t home = b->classes[pile->class].home;

	return (to != home) - (pile->member != home);
}

static bool leads_to(const struct planner *p, const struct balance_pile *pile, uint32_t to)
{
	const struct balance *b = p->balance;
	const struct balance_class *class = &b->classes[pile->class];

	return to != pile->member &&
	       (to == class->home || planner_set_has(p, class->set, b->place[to]));
}

static size_t arc(const struct balance *b, uint32_t from, uint32_t to, int cost)
{
	return ((size_t)from * b->n + to) * 3 + (size_t)(cost + 1);
}

bool balance_has_arc(const struct balance *b, uint32_t from, uint32_t to, int cost)
{
	return b->arcs[arc(b, from, to, cost)] > 0;
}

/* The pile has got its first node, or lost its last. */
static void set_arcs(struct planner *p, const struct balance_pile *pile, bool there)
{
	struct balance *b = p->balance;

	b->work += b->n;
	for (uint32_t to = 0; to < b->n; to++) {
		int8_t *cheap = &b->cheap[(size_t)pile->member * b->n + to];
		uint32_t *row = &b->rows[(size_t)pile->member * 3];
		const uint32_t *costs = &b->arcs[arc(b, pile->member, to, -1)];
		int cost;

		if (!leads_to(p, pile, to))
			continue;
		cost = cost_of(b, pile, to);
		if (there)
			row[cost + 1] += b->arcs[arc(b, pile->member, to, cost)]++ == 0;
		else
			row[cost + 1] -= --b->arcs[arc(b, pile->member, to, cost)] == 0;
		*cheap = (int8_t)(costs[0] ? -1 : costs[1] ? 0 : costs[2] ? 1 : 2);
	}
}

static bool has_arc(const struct planner *p, uint32_t at, uint32_t from, uint32_t to, int cost)
{
	const struct balance_pile *pile = &p->balance->piles[at];

	return pile->n && pile->member == from && leads_to(p, pile, to) &&
	       cost_of(p->balance, pile, to) == cost;
}

uint32_t balance_pile_with(struct planner *p, uint32_t from, uint32_t to, int cost)
{
	struct balance *b = p->balance;
	uint32_t *hint = &b->hint[arc(b, from, to, cost)];

	if (has_arc(p, *hint, from, to, cost))
		return *hint;
	for (*hint = b->first[from]; *hint != BALANCE_NONE; *hint = b->piles[*hint].next) {
		if (has_arc(p, *hint, from, to, cost))
			return *hint;
		b->work++;
	}
	abort();
}

void balance_push(struct planner *p, uint32_t at, uint32_t node)
{
	struct balance *b = p->balance;
	struct balance_pile *pile = &b->piles[at];

	b->next[node] = BALANCE_NONE;
	b->now_at[node] = pile->member;
	if (pile->n)
		b->next[pile->tail] = node;
	else
		pile->head = node;
	pile->tail = node;
	if (pile->n++ == 0)
		set_arcs(p, pile, true);
}

uint32_t balance_pop(struct planner *p, uint32_t at)
{
	struct balance *b = p->balance;
	struct balance_pile *pile = &b->piles[at];
	uint32_t node = pile->head;

	pile->head = b->next[node];
	if (--pile->n == 0)
		set_arcs(p, pile, false);
	return node;
}
