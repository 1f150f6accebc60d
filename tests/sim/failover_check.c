/*
 * What must hold. All but the last part is read from the changes in etcd alone, revision by revision,
 * with what the entries of history say: under which leadership, and by a copy and a watch of which
 * revisions, a leader has moved nodes.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/failover_world.h"

/* Clocks run up to 5 % fast or slow, and things are seen somewhat later than they happen. */
#define CLOCKS(t) ((t)*100 / 106)
#define SEEN	  (500 * USEC_PER_MSEC)

static const char *name(const struct fworld *f, int place)
{
	return place == FNOBODY ? "nobody" : place_name(f, place);
}

/* ---- one revision that a leader has written ---- */

static void check_leadership(struct fworld *f, const struct fnote *h)
{
	const struct fact *leader = &f->truth.leader;

	if (!leader->mod || leader->create != h->fence || leader->value != h->by)
		world_fail(f->w,
			"%s moved nodes as the leader of %lld, but the leader was %s (%lld)",
			name(f, h->by), (long long)h->fence,
			leader->mod ? name(f, leader->value) : "nobody", (long long)leader->create);
	if (f->truth.pause.mod)
		world_fail(f->w, "%s moved nodes at %lld although it was paused at %lld",
			name(f, h->by), (long long)h->seen, (long long)f->truth.pause.mod);
}

static bool no_drain_since(const struct fworld *f, int member, int64_t seen)
{
	return !f->truth.drain[member].mod && f->truth.drain[member].rev <= seen;
}

static bool known(const struct fworld *f, int member, int64_t seen)
{
	return f->truth.active[member].rev <= seen && f->truth.member[member].rev <= seen;
}

static void check_to(struct fworld *f, const struct fnote *h, unsigned node, int to)
{
	if (to < 0 || to >= f->w->count || !(facts_candidates(&f->truth, node) & 1U << to)) {
		world_fail(f->w, "node %u went to %s, which is no candidate", node, name(f, to));
		return;
	}
	if (f->truth.drain[to].mod)
		world_fail(f->w, "node %u went to %s, which is drained", node, name(f, to));
	if (!facts_is_active(&f->truth, to) && known(f, to, h->seen))
		world_fail(f->w, "node %u went to %s, which is gone", node, name(f, to));
}

static void check_from(
	struct fworld *f, const struct fnote *h, unsigned node, int from, bool rebalances)
{
	if (from == FNOBODY)
		world_fail(f->w, "node %u was moved from nobody", node);
	if (from < 0 || from >= f->w->count || rebalances)
		return;
	if (facts_is_active(&f->truth, from) && known(f, from, h->seen) &&
		no_drain_since(f, from, h->seen))
		world_fail(f->w, "node %u was moved away from %s, which is there", node,
			name(f, from));
	if (!(h->gone & 1U << from) && !f->truth.drain[from].mod)
		world_fail(f->w, "node %u was drained from %s, which is not drained", node,
			name(f, from));
}

/* Since when nothing speaks against it but a hold-down. */
static bool was_available(const struct fworld *f, const struct fnote *h, int member)
{
	return facts_is_active(&f->truth, member) && known(f, member, h->seen) &&
	       no_drain_since(f, member, h->seen);
}

/* Failed over within the hold-down, and whoever has written this was there and knows. */
static bool is_held_down(const struct fworld *f, const struct fnote *h, int member)
{
	usec_t last = f->failed_over_at[member];

	return last && f->failed_over_rev[member] <= h->seen &&
	       f->w->agents[h->by].listed_at < last &&
	       f->w->now - last < CLOCKS(f->hold_down) - SEEN;
}

/* Who is held down is chosen only where nobody else is there. */
static void check_chosen(struct fworld *f, const struct fnote *h, unsigned node, int from, int to)
{
	unsigned candidates = facts_candidates(&f->truth, node), n;
	const struct fact *of[FSOURCES];
	char keys[FSOURCES][EKEY_MAX];
	int i;

	if (to < 0 || to >= f->w->count || !is_held_down(f, h, to))
		return;
	n = facts_candidates_from(&f->truth, node, of, keys);
	while (n > 0)
		if (of[--n]->rev > h->plan)
			return;
	for (i = 0; i < f->w->count; i++)
		if (i != from && i != to && candidates & 1U << i && was_available(f, h, i) &&
			!f->failed_over_at[i])
			world_fail(f->w, "node %u went to %s, which is held down, and not to %s",
				node, name(f, to), name(f, i));
}

/* Who has listed anew since may have missed that it was there in between. */
static void check_delay(struct fworld *f, const struct fnote *h, int from)
{
	if (from >= f->w->count || !known(f, from, h->seen) || !f->truth.member[from].mod ||
		facts_is_active(&f->truth, from) ||
		f->w->agents[h->by].listed_at >= f->gone_at[from])
		return;
	if (f->w->now - f->gone_at[from] < CLOCKS(f->delay) - USEC_PER_MSEC)
		world_fail(f->w, "%s is failed over %.3f s after it went", name(f, from),
			(double)(f->w->now - f->gone_at[from]) / (double)USEC_PER_SEC);
}

/* A member that comes and goes. Who sent the moves before it came back, or listed anew meanwhile, or
 * has not heard of the last failover, can't know. */
static void check_hold_down(struct fworld *f, const struct fnote *h, int64_t rev, int from)
{
	unsigned presence = from < f->w->count ? f->presences[from] : 0;
	usec_t last = f->failed_over_at[from];

	bool late = from < f->w->count && f->present_rev[from] > h->seen;

	if (last && !late && presence != f->failed_over_in[from] &&
		f->failed_over_rev[from] <= h->seen && f->w->agents[h->by].listed_at < last &&
		f->w->now - last < CLOCKS(f->hold_down) - SEEN)
		world_fail(f->w, "%s is failed over again after %.3f s", name(f, from),
			(double)(f->w->now - last) / (double)USEC_PER_SEC);
	f->failed_over_at[from] = f->w->now;
	f->failed_over_rev[from] = rev;
	f->failed_over_in[from] = presence;
}

static void check_newer(struct fworld *f, const struct fnote *h, unsigned node)
{
	const struct fact *from[FSOURCES];
	char keys[FSOURCES][EKEY_MAX];
	unsigned n, i;

	n = facts_manager_from(&f->truth, node, from, keys);
	for (i = 0; i < n; i++)
		if (from[i]->mod > h->copy)
			world_fail(f->w, "%s (%lld) was overwritten by a decision made at %lld",
				keys[i], (long long)from[i]->mod, (long long)h->copy);
	n = facts_candidates_from(&f->truth, node, from, keys);
	for (i = 0; i < n; i++)
		if (from[i]->mod > h->copy)
			world_fail(f->w, "%s (%lld) did not count for a decision made at %lld",
				keys[i], (long long)from[i]->mod, (long long)h->copy);
}

static void check_move(
	struct fworld *f, const struct fnote *h, const struct fnote *put, bool rebalances)
{
	unsigned node = (unsigned)(put->where / sizeof(struct fact) -
				   offsetof(struct facts, manager) / sizeof(struct fact));
	int from = facts_manager(&f->truth, node);

	if (!f->truth.exists[node].mod)
		world_fail(f->w, "node %u was moved and does not exist", node);
	if (from == put->fact.value)
		world_fail(f->w, "node %u was moved to %s, where it was", node, name(f, from));
	check_newer(f, h, node);
	check_to(f, h, node, put->fact.value);
	check_from(f, h, node, from, rebalances);
	if (!rebalances)
		check_chosen(f, h, node, from, put->fact.value);
	if (from == FNOBODY || !(h->gone & 1U << from))
		return;
	check_delay(f, h, from);
	check_hold_down(f, h, put->fact.rev, from);
}

/* The order to rebalance counts what was moved. */
static void check_order(struct fworld *f, const struct fnote *put, int moves)
{
	if (!f->truth.rebalance.mod || f->truth.rebalance.value - put->fact.value != moves)
		world_fail(f->w, "%d moves of a rebalancing, and %d of %d were left", moves,
			put->fact.value, f->truth.rebalance.value);
	if (put->fact.value < 0)
		world_fail(f->w, "a rebalancing moved more than was ordered");
}

static void check_revision(struct fworld *f, unsigned first, unsigned end)
{
	const struct fnote *h = NULL, *order = NULL;
	unsigned i;
	int moves = 0;

	for (i = first; i < end; i++) {
		if (f->notes[i].kind == FNOTE_HISTORY)
			h = &f->notes[i];
		if (f->notes[i].where == offsetof(struct facts, rebalance) &&
			f->notes[i].kind == FNOTE_FACT && f->notes[i].fact.mod)
			order = &f->notes[i];
		moves += f->notes[i].by_leader;
	}
	if (!h && moves)
		world_fail(f->w, "a leader moved nodes without an entry of history");
	if (!h)
		return;
	check_leadership(f, h);
	for (i = first; i < end; i++)
		if (f->notes[i].by_leader)
			check_move(f, h, &f->notes[i], order != NULL);
	if (order)
		check_order(f, order, moves);
}

/* ---- all revisions ---- */

static void apply(struct fworld *f, unsigned first, unsigned end)
{
	bool was[AGENTS_MAX];
	unsigned i;
	int m;

	for (m = 0; m < f->w->count; m++)
		was[m] = facts_is_active(&f->truth, m);
	for (i = first; i < end; i++)
		facts_apply(&f->truth, &f->notes[i]);
	for (m = 0; m < f->w->count; m++) {
		if (was[m] == facts_is_active(&f->truth, m))
			continue;
		if (was[m]) {
			f->gone_at[m] = f->w->now;
		} else {
			f->presences[m]++;
			f->present_rev[m] = f->notes[first].fact.rev;
		}
	}
	for (i = 0; i < f->nodes; i++)
		if (f->truth.manager[i].mod && !f->truth.exists[i].mod)
			world_fail(f->w, "node %u has a manager and does not exist", i);
}

void fcheck_step(struct fworld *f)
{
	unsigned end;
	int64_t rev;

	for (; f->truth_next < f->note_count && !f->w->violation[0]; f->truth_next = end) {
		rev = etcd_change(f->w->etcd, f->truth_next)->mod_rev;
		for (end = f->truth_next; end < f->note_count; end++)
			if (etcd_change(f->w->etcd, end)->mod_rev != rev)
				break;
		check_revision(f, f->truth_next, end);
		apply(f, f->truth_next, end);
	}
}

/* ---- when all is calm ---- */

static bool available(const struct fworld *f, int member)
{
	return facts_is_active(&f->truth, member) && !f->truth.drain[member].mod;
}

/* A candidate that could have the node, other than `but`. */
static int could_go_to(const struct fworld *f, unsigned node, int but)
{
	unsigned candidates = facts_candidates(&f->truth, node);
	int i;

	for (i = 0; i < f->w->count; i++)
		if (i != but && candidates & 1U << i && available(f, i))
			return i;
	return FNOBODY;
}

static void check_machine(struct fworld *f, int agent, const char *when)
{
	struct coord_fence fence;
	struct sm_info info;
	const char *expected;

	if (!f->agents[agent].core)
		return;
	expected = fagent_acting(f, agent, &fence) ? "watching" : "following";
	failover_info(f->agents[agent].core, &info);
	if (strcmp(info.state, expected) != 0)
		world_fail(f->w, "%s, %s: the work on managers is %s (%s; %s)", when,
			f->w->agents[agent].instance, info.state, info.reason, info.trouble);
}

void fcheck_settled(struct fworld *f, const char *when)
{
	unsigned node;
	int manager, other, i;

	for (node = 0; node < f->nodes; node++) {
		manager = facts_manager(&f->truth, node);
		if (manager == FNOBODY || (manager < f->w->count && available(f, manager)))
			continue;
		other = could_go_to(f, node, manager);
		if (other != FNOBODY)
			world_fail(f->w, "%s: node %u is left with %s, though %s could have it",
				when, node, name(f, manager), name(f, other));
	}
	if (f->truth.rebalance.mod)
		world_fail(f->w, "%s: the order to rebalance is still there", when);
	for (i = 0; i < f->w->count; i++)
		check_machine(f, i, when);
}

void fcheck_balanced(struct fworld *f)
{
	int loads[FPLACES] = {0};
	unsigned node;
	int manager, i;

	for (node = 0; node < f->nodes; node++) {
		manager = facts_manager(&f->truth, node);
		if (manager != FNOBODY)
			loads[manager]++;
	}
	for (node = 0; node < f->nodes; node++) {
		manager = facts_manager(&f->truth, node);
		if (manager == FNOBODY || manager == f->w->count || !available(f, manager))
			continue;
		for (i = 0; i < f->w->count; i++)
			if (facts_candidates(&f->truth, node) & 1U << i && available(f, i) &&
				loads[manager] > loads[i] + 1)
				world_fail(f->w,
					"not balanced: node %u of %s (%d) could go to %s (%d)",
					node, name(f, manager), loads[manager], name(f, i),
					loads[i]);
	}
}

unsigned fcheck_orphans_of(const struct fworld *f, int member)
{
	unsigned node, n = 0;
	int manager;

	if (f->truth.drain[member].mod)
		return 0;
	for (node = 0; node < f->nodes; node++) {
		manager = facts_manager(&f->truth, node);
		n += manager != FNOBODY && manager != member &&
		     facts_candidates(&f->truth, node) & 1U << member &&
		     (manager == f->w->count || !facts_is_active(&f->truth, manager));
	}
	return n;
}
