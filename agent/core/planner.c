/*
 * Who moves, and where to: one node at a time, with the loads as they are then.
 *
 * Sets of candidates are bits of members and are kept once each, so what a node costs is a look at
 * those words of its set that are not empty. Nothing fails here; a picture that makes no sense (a
 * place that is no member's) is the caller's mistake, and ends the program.
 */
#include "config.h"

#include "core/planner.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/planner_private.h"

static const char *const verdicts[PLANNER_VERDICTS] = {
	[PLANNER_STAYS] = "stays",
	[PLANNER_MOVES] = "moves",
	[PLANNER_WAITS] = "waits",
	[PLANNER_ORPHANED] = "orphaned",
	[PLANNER_FIXED] = "fixed",
	[PLANNER_KEPT] = "kept",
	[PLANNER_UNMANAGED] = "unmanaged",
};

static const char *const causes[] = {
	[PLANNER_GONE] = "failover",
	[PLANNER_DRAINED] = "drain",
	[PLANNER_BALANCED] = "rebalance",
};

const char *planner_verdict_name(enum planner_verdict verdict)
{
	return verdicts[verdict];
}

const char *planner_cause_name(enum planner_cause cause)
{
	return causes[cause];
}

/* ---- the members ---- */

static usec_t held_until(const struct planner *p, const struct planner_member *m)
{
	return m->moved_at ? usec_add(m->moved_at, p->hold_down) : 0;
}

static bool held(const struct planner *p, const struct planner_member *m)
{
	return held_until(p, m) > p->now;
}

struct planner *planner_new(const struct planner_config *config)
{
	struct planner *p = xcalloc(1, sizeof(*p));
	size_t words = config->n / 64 + 1;

	p->n = config->n;
	p->delay = config->delay;
	p->hold_down = config->hold_down;
	p->start_delay = config->start_delay;
	p->now = config->now;
	p->wakeup = USEC_NEVER;
	p->members = xcalloc(config->n + 1, sizeof(*p->members));
	p->load = xcalloc(config->n + 1, sizeof(*p->load));
	p->counts = xcalloc((size_t)config->n + 2, PLANNER_VERDICTS * sizeof(*p->counts));
	p->here = xcalloc(words, sizeof(*p->here));
	p->rested = xcalloc(words, sizeof(*p->rested));
	for (uint32_t i = 0; i < config->n; i++) {
		const struct planner_member *m = &config->members[i];
		uint64_t bit = (uint64_t)1 << (i % 64);

		p->members[i] = *m;
		p->load[i] = m->nodes;
		if (!m->active || m->draining)
			continue;
		p->here[i / 64] |= bit;
		if (!held(p, m))
			p->rested[i / 64] |= bit;
	}
	return p;
}

void planner_free(struct planner *p)
{
	if (!p)
		return;
	balance_free(p->balance);
	free(p->members);
	free(p->load);
	free(p->counts);
	free(p->here);
	free(p->rested);
	free(p->sets);
	free(p->words);
	free(p->table);
	free(p->staying);
	free(p->moves);
	free(p);
}

const struct planner_member *planner_member(const struct planner *p, uint32_t member)
{
	assert(member < p->n);
	return &p->members[member];
}

size_t planner_load(const struct planner *p, uint32_t member)
{
	assert(member < p->n);
	return p->load[member];
}

/* ---- sets of candidates ---- */

bool planner_set_has(const struct planner *p, uint32_t set, uint32_t member)
{
	const struct planner_set *s = &p->sets[set];
	uint32_t word = member / 64;

	return word >= s->first && word < s->first + s->n &&
	       (p->words[s->at + word - s->first] >> (member % 64) & 1);
}

static uint64_t word_of(const struct planner *p, const struct bitset *set, size_t i)
{
	uint64_t word = set->words[i];

	if (i == p->n / 64)
		word &= ((uint64_t)1 << (p->n % 64)) - 1;
	return word;
}

/* Puts the set behind the others. */
static void spell(struct planner *p, const struct bitset *candidates, struct planner_set *ret)
{
	size_t n = MIN(candidates->n, (size_t)p->n / 64 + 1);
	size_t first = 0;

	while (n && !word_of(p, candidates, n - 1))
		n--;
	while (first < n && !word_of(p, candidates, first))
		first++;
	*ret = (struct planner_set){p->n_words, (uint32_t)first, (uint32_t)(n - first)};
	if (p->n_words + ret->n >= p->words_room) {
		p->words_room = MAX(p->words_room * 2, p->n_words + ret->n + 16);
		p->words = xrealloc(p->words, p->words_room, sizeof(*p->words));
	}
	for (size_t i = first; i < n; i++)
		p->words[ret->at + i - first] = word_of(p, candidates, i);
}

static uint32_t *slot_of(const struct planner *p, const struct planner_set *set)
{
	struct hash_key key = {set->first, set->n};
	uint64_t hash = hash_bytes(&key, p->words + set->at, set->n * sizeof(*p->words));
	uint32_t i = (uint32_t)hash & (p->table_size - 1);

	for (; p->table[i]; i = (i + 1) & (p->table_size - 1)) {
		const struct planner_set *s = &p->sets[p->table[i] - 1];

		if (s->first == set->first && s->n == set->n &&
			memcmp(p->words + s->at, p->words + set->at, s->n * sizeof(*p->words)) == 0)
			break;
	}
	return &p->table[i];
}

static void make_room_for_a_set(struct planner *p)
{
	if (p->n_sets < p->sets_room)
		return;
	p->sets_room = MAX(p->sets_room * 2, 32u);
	p->sets = xrealloc(p->sets, p->sets_room, sizeof(*p->sets));
	free(p->table);
	p->table_size = p->sets_room * 2;
	p->table = xcalloc(p->table_size, sizeof(*p->table));
	for (uint32_t i = 0; i < p->n_sets; i++)
		*slot_of(p, &p->sets[i]) = i + 1;
}

uint32_t planner_set(struct planner *p, const struct bitset *candidates)
{
	struct planner_set set;
	uint32_t *slot;

	spell(p, candidates, &set);
	make_room_for_a_set(p);
	slot = slot_of(p, &set);
	if (!*slot) {
		if (p->n_sets == PLANNER_SETS_MAX)
			return PLANNER_NONE;
		p->sets[p->n_sets++] = set;
		p->n_words += set.n;
		*slot = p->n_sets;
	}
	return *slot - 1;
}

/* The one of them with the fewest nodes; PLANNER_NOBODY: none of the set is among them. */
static uint32_t least_of(const struct planner *p, uint32_t set, const uint64_t *among)
{
	const struct planner_set *s = &p->sets[set];
	uint32_t best = PLANNER_NOBODY;

	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t word = p->words[s->at + i] & among[s->first + i];

		for (; word; word &= word - 1) {
			uint32_t m = (s->first + i) * 64 + (uint32_t)__builtin_ctzll(word);

			if (best == PLANNER_NOBODY || p->load[m] < p->load[best])
				best = m;
		}
	}
	return best;
}

static uint32_t choose(const struct planner *p, uint32_t set)
{
	uint32_t to = least_of(p, set, p->rested);

	return to == PLANNER_NOBODY ? least_of(p, set, p->here) : to;
}

/* ---- the nodes ---- */

void planner_append(struct planner *p, const struct planner_move *move)
{
	if (p->n_moves == p->moves_room) {
		p->moves_room = MAX(p->moves_room * 2, (size_t)64);
		p->moves = xrealloc(p->moves, p->moves_room, sizeof(*p->moves));
	}
	p->moves[p->n_moves++] = *move;
}

static void stays(struct planner *p, uint32_t node, uint32_t manager, uint32_t set)
{
	if (set == PLANNER_NONE)
		return;
	if (p->n_staying == p->staying_room) {
		p->staying_room = MAX(p->staying_room * 2, (size_t)64);
		p->staying = xrealloc(p->staying, p->staying_room, sizeof(*p->staying));
	}
	p->staying[p->n_staying++] = (struct planner_node){node, manager, set};
}

/* It may be on its way up, as whoever plans was a moment ago; nobody has found it gone. */
static bool is_awaited(const struct planner *p, const struct planner_member *m)
{
	return m->never_seen && (!m->moved_at || m->moved_at <= p->now - p->start_delay);
}

/* When the nodes of a manager that is gone may be moved. */
static usec_t due_at(const struct planner *p, const struct planner_member *m, bool held_down)
{
	usec_t delay = is_awaited(p, m) ? usec_max(p->delay, p->start_delay) : p->delay;
	usec_t due = m->gone_since ? usec_add(m->gone_since, delay) : 0;

	if (held_down && !m->never_seen && m->gone_since > m->moved_at)
		due = usec_max(due, held_until(p, m));
	return due;
}

static enum planner_verdict judge(struct planner *p, uint32_t manager, uint32_t set, uint32_t *to)
{
	const struct planner_member *m = &p->members[manager];
	usec_t due = m->draining ? 0 : due_at(p, m, true);

	*to = PLANNER_NOBODY;
	if (planner_is_available(p, manager))
		return PLANNER_STAYS;
	if (set == PLANNER_NONE)
		return PLANNER_FIXED;
	*to = choose(p, set);
	if (*to == PLANNER_NOBODY && m->active)
		return PLANNER_KEPT;
	if (*to == PLANNER_NOBODY && (m->draining || due_at(p, m, false) <= p->now))
		return PLANNER_ORPHANED;
	if (due <= p->now)
		return PLANNER_MOVES;
	p->wakeup = usec_min(p->wakeup, due);
	return PLANNER_WAITS;
}

static void count(struct planner *p, uint32_t row, enum planner_verdict verdict)
{
	p->counts[(size_t)row * PLANNER_VERDICTS + verdict]++;
	p->counts[((size_t)p->n + 1) * PLANNER_VERDICTS + verdict]++;
}

enum planner_verdict planner_add(struct planner *p, uint32_t node, uint32_t manager, uint32_t set)
{
	enum planner_verdict verdict;
	uint32_t to;

	assert(!p->balance);
	assert(set == PLANNER_NONE || set < p->n_sets);
	if (manager == PLANNER_NOBODY) {
		count(p, p->n, PLANNER_UNMANAGED);
		return PLANNER_UNMANAGED;
	}
	assert(manager < p->n);
	verdict = judge(p, manager, set, &to);
	count(p, manager, verdict);
	if (verdict == PLANNER_STAYS)
		stays(p, node, manager, set);
	if (verdict != PLANNER_MOVES)
		return verdict;
	planner_append(
		p, &(struct planner_move){
			   .node = node,
			   .from = manager,
			   .to = to,
			   .cause = p->members[manager].draining ? PLANNER_DRAINED : PLANNER_GONE,
			   .from_nodes = p->load[manager],
			   .to_nodes = p->load[to],
		   });
	p->load[manager] -= p->load[manager] > 0;
	p->load[to]++;
	return verdict;
}

/* ---- reading ---- */

size_t planner_moves(const struct planner *p, const struct planner_move **ret)
{
	*ret = p->moves;
	return p->n_moves;
}

size_t planner_count(const struct planner *p, uint32_t manager, enum planner_verdict verdict)
{
	size_t row = manager;

	if (manager == PLANNER_NOBODY)
		row = p->n;
	else if (manager == p->n)
		row = (size_t)p->n + 1;
	assert(row < (size_t)p->n + 2);
	return p->counts[row * PLANNER_VERDICTS + verdict];
}

usec_t planner_wakeup(const struct planner *p)
{
	return p->wakeup;
}
