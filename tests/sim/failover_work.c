/*
 * What an agent does for its failover core: plans, and transactions of its batches.
 *
 * A plan takes time, and is made of two slices: the first half of the nodes as they are when it
 * begins, the other half as they are when it ends. So it is never quite right, as the survey of the
 * real agent is not; what it gives wrong is what the transactions compare.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "core/roster.h"
#include "tests/sim/failover_world.h"

/* While there is an order to rebalance that could not be removed. */
#define ORDER_AGAIN (500 * USEC_PER_MSEC)
/* In a second, with a pause of 20 ms that is doubled again and again, unless the picture changes. */
#define FAILURES_MAX 16

static size_t nodes_of(const struct facts *copy, unsigned nodes, int place)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < nodes; i++)
		n += facts_manager(copy, i) == place && copy->exists[i].mod;
	return n;
}

static struct planner_member planner_member_of(struct fworld *f, int agent, int i)
{
	const struct fagent *a = &f->agents[agent];
	const struct roster_member *m =
		roster_find(coord_roster(f->w->agents[agent].core), place_name(f, i));
	struct planner_member ret = {
		.name = place_name(f, i),
		.active = m && m->is_active,
		.gone_since = m ? roster_gone_since(m, a->moved_at[i], a->moved_rev[i]) : 0,
		.moved_at = a->moved_at[i],
		.never_seen = m && !m->was_seen,
		.nodes = nodes_of(&a->copy, f->nodes, i),
	};

	if (i < f->w->count)
		ret.draining = a->feed.drain[i].mod && f->mutation != FMUTATION_DRAINED;
	if (f->mutation == FMUTATION_HEALTHY && world_chance(f->w, 2))
		ret.active = false;
	return ret;
}

static struct planner *planner_for(struct fworld *f, int agent)
{
	struct planner_member members[FPLACES];
	struct planner_config config = {
		.members = members,
		.n = (uint32_t)f->w->count + 1,
		.delay = f->delay,
		.hold_down = f->mutation == FMUTATION_HOLD_DOWN ? 0 : f->hold_down,
		.now = fagent_now(f, agent),
	};
	int i;

	for (i = 0; i <= f->w->count; i++)
		members[i] = planner_member_of(f, agent, i);
	return planner_new(&config);
}

/* ---- plans ---- */

static uint32_t set_of(struct planner *p, const struct facts *copy, unsigned node)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	unsigned mask = facts_candidates(copy, node);
	uint32_t i;

	for (i = 0; i < AGENTS_MAX; i++)
		if (mask & 1U << i)
			bitset_add(&set, i);
	return mask ? planner_set(p, &set) : PLANNER_NONE;
}

/* As far as `until`. */
static void add_nodes(struct fworld *f, struct fagent *a, unsigned until)
{
	int manager;

	for (; a->plan_nodes < until; a->plan_nodes++) {
		if (!a->copy.exists[a->plan_nodes].mod)
			continue;
		manager = facts_manager(&a->copy, a->plan_nodes);
		(void)planner_add(a->planner, a->plan_nodes,
			manager == FNOBODY ? PLANNER_NOBODY : (uint32_t)manager,
			set_of(a->planner, &a->copy, a->plan_nodes));
	}
	(void)f;
}

void fagent_abandon(struct fagent *a)
{
	planner_free(a->planner);
	a->planner = NULL;
	a->plan++;
}

void fagent_begin_plan(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	bool slow = f->w->faulty && world_chance(f->w, 20);

	if (a->copy_revision < a->own_revision)
		world_fail(f->w, "%s plans with a copy of %lld, and has written at %lld",
			f->w->agents[agent].instance, (long long)a->copy_revision,
			(long long)a->own_revision);
	fagent_abandon(a);
	f->tally->plans++;
	a->planner = planner_for(f, agent);
	a->plan_revision = f->mutation == FMUTATION_OLD_COPY ? INT64_MAX : a->copy_revision;
	a->plan_serial = fagent_serial(f, agent);
	a->plan_nodes = 0;
	a->balancing = false;
	add_nodes(f, a, f->nodes / 2);
	world_schedule_part(f->w, f->w->now + world_random(f->w, 10, slow ? 300000 : 5000),
		STEP_PART_INSIDE, agent, FPART_PLAN, (void *)(uintptr_t)a->plan);
}

/* As it is by now: the watch is behind what this member has written itself. */
static int64_t order_now(const struct fagent *a, int *ret_left)
{
	bool own = a->order_revision > a->feed.rebalance.mod;

	*ret_left = own ? a->order_left : a->feed.rebalance.value;
	return own ? a->order_revision : a->feed.rebalance.mod;
}

static void remove_order(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	struct batch *b = batch_new(f, agent, 0);
	int left;

	batch_compare(b, "rebalance", ECOMPARE_MOD, order_now(a, &left), false);
	batch_delete(b, "rebalance");
	slot_send_loose(f, b);
}

/* An order to rebalance is looked at when nothing else is left to do. */
static void balance(struct fworld *f, int agent, struct failover_plan *plan)
{
	struct fagent *a = &f->agents[agent];
	struct planner *p = a->planner;
	int left;

	(void)order_now(a, &left);
	while (!planner_balance(p, (size_t)MAX(left, 0)))
		continue;
	plan->n = planner_moves(p, &plan->moves);
	plan->one_lane = true;
	a->balancing = true;
	if (plan->n)
		return;
	remove_order(f, agent);
	plan->wakeup = usec_min(plan->wakeup, fagent_now(f, agent) + ORDER_AGAIN);
}

void fagent_end_plan(struct fworld *f, int agent, uint64_t which)
{
	struct fagent *a = &f->agents[agent];
	struct failover_plan plan = {.revision = a->plan_revision, .serial = a->plan_serial};

	if (which != a->plan || !a->planner)
		return;
	add_nodes(f, a, f->nodes);
	plan.n = planner_moves(a->planner, &plan.moves);
	plan.wakeup = planner_wakeup(a->planner);
	if (f->mutation == FMUTATION_WAKEUP)
		plan.wakeup = USEC_NEVER;
	if (!plan.n && a->feed.rebalance.mod)
		balance(f, agent, &plan);
	world_say(f->w, agent, "  plan %llu of revision %lld: %zu moves%s",
		(unsigned long long)a->plan, (long long)plan.revision, plan.n,
		a->balancing ? " of a rebalancing" : "");
	failover_planned(a->core, fagent_now(f, agent), &plan);
	planner_free(a->planner);
	a->planner = NULL;
}

/* ---- batches ---- */

static void fence(struct fworld *f, int agent, struct batch *b, const struct coord_fence *fence)
{
	const char *name = f->w->agents[agent].name;
	char key[EKEY_MAX];

	(void)snprintf(key, sizeof(key), "members/%s", name);
	batch_compare(b, key, ECOMPARE_MOD, fence->record_rev, false);
	if (f->mutation != FMUTATION_PAUSED && f->mutation != FMUTATION_ORDERS)
		batch_compare(b, "pause", ECOMPARE_MOD, 0, false);
	if (f->mutation == FMUTATION_FENCE)
		return;
	(void)snprintf(key, sizeof(key), "active/%s", name);
	batch_compare(b, key, ECOMPARE_MOD, fence->active_rev, false);
	batch_compare(b, "leader", ECOMPARE_CREATE, fence->leader_rev, false);
	batch_compare(b, "leader", ECOMPARE_LEASE, fence->lease, false);
}

/* False: the facts have changed since the plan, and the copy knows. */
static bool stands(const struct fworld *f, const struct fagent *a, const struct planner_move *m)
{
	if (f->mutation == FMUTATION_UNCHECKED || f->mutation == FMUTATION_OLD_COPY)
		return true;
	return a->copy.exists[m->node].mod && facts_manager(&a->copy, m->node) == (int)m->from &&
	       facts_candidates(&a->copy, m->node) & 1U << m->to;
}

static void compare_drain(struct fworld *f, int agent, struct batch *b, uint32_t member)
{
	char key[EKEY_MAX];

	if (f->mutation == FMUTATION_DRAINED || f->mutation == FMUTATION_ORDERS)
		return;
	(void)snprintf(key, sizeof(key), "drains/%s", place_name(f, (int)member));
	batch_compare(b, key, ECOMPARE_MOD, f->agents[agent].feed.drain[member].mod, true);
}

static void add_move(struct fworld *f, int agent, struct batch *b, const struct planner_move *move)
{
	const struct facts *copy = &f->agents[agent].copy;
	const struct fact *from[FSOURCES];
	char keys[FSOURCES][EKEY_MAX];
	unsigned i, n;

	n = facts_manager_from(copy, move->node, from, keys);
	for (i = 0; i < n; i++)
		if (f->mutation != FMUTATION_NODE && f->mutation != FMUTATION_OLD_COPY)
			batch_compare(b, keys[i], ECOMPARE_MOD, from[i]->mod, true);
	n = facts_candidates_from(copy, move->node, from, keys);
	for (i = 0; i < n; i++)
		if (f->mutation != FMUTATION_CANDIDATES && f->mutation != FMUTATION_OLD_COPY)
			batch_compare(b, keys[i], ECOMPARE_MOD, from[i]->mod, true);
	compare_drain(f, agent, b, move->to);
	if (move->cause == PLANNER_DRAINED)
		compare_drain(f, agent, b, move->from);
	(void)snprintf(keys[0], EKEY_MAX, "nodes/%u/manager", move->node);
	batch_write(b, keys[0], place_name(f, (int)move->to), f->w->agents[agent].instance);
	batch_move(b, move->node);
}

/* One entry per plan and lane, written anew by each of its transactions. */
static void add_history(
	struct fworld *f, int agent, struct batch *b, struct slot *s, int64_t leader_rev)
{
	struct fagent *a = &f->agents[agent];
	char value[64];

	if (s->entry_plan != a->plan || !s->entry[0])
		(void)snprintf(s->entry, sizeof(s->entry), "history/%s-%llu-%u",
			f->w->agents[agent].instance, (unsigned long long)a->plan,
			(unsigned)(s - a->slots));
	s->entry_plan = a->plan;
	(void)snprintf(value, sizeof(value), "%s %lld %lld %lld %lld %u %lld",
		f->w->agents[agent].name, (long long)leader_rev, (long long)a->copy_revision,
		(long long)f->w->agents[agent].seen, (long long)fagent_wall(f, agent),
		s->entry_gone | s->sent_gone, (long long)a->plan_revision);
	batch_write(b, s->entry, value, "");
}

static void count_down(struct fagent *a, struct batch *b)
{
	char value[16];
	int left;

	batch_compare(b, "rebalance", ECOMPARE_MOD, order_now(a, &left), false);
	left -= (int)batch_moves(b);
	(void)snprintf(value, sizeof(value), "%d", left);
	batch_write(b, "rebalance", value, "");
	batch_set_order_left(b, left);
}

/* What the core promises. */
static void check_sending(struct fworld *f, int agent, const struct failover_action *action)
{
	const struct fagent *a = &f->agents[agent];
	const struct coord *core = f->w->agents[agent].core;
	const char *instance = f->w->agents[agent].instance;
	struct coord_fence fence;
	unsigned i;

	if (!fagent_acting(f, agent, &fence))
		world_fail(f->w, "%s sends moves without acting as the leader", instance);
	if (!coord_view_live(core))
		world_fail(f->w, "%s sends moves without seeing", instance);
	if (a->feed.pause.mod)
		world_fail(f->w, "%s sends moves although they are paused", instance);
	if (a->plan_serial != fagent_serial(f, agent))
		world_fail(f->w, "%s sends moves of an outdated plan", instance);
	for (i = 0; i < FAILOVER_LANES; i++)
		if (a->balancing && i != action->lane && a->slots[i].batch)
			world_fail(f->w, "%s rebalances in two lanes", instance);
}

/* How many of the moves are dealt with: taken, or, where the owner does so, passed over. */
static size_t take_moves(
	struct fworld *f, int agent, struct batch *b, const struct failover_action *action)
{
	struct fagent *a = &f->agents[agent];
	size_t i;

	for (i = 0; i < action->n && batch_moves(b) < f->fits; i++) {
		const struct planner_move *move = &action->moves[i];

		if (!stands(f, a, move) && !f->passes_over)
			break;
		if (!stands(f, a, move))
			continue;
		add_move(f, agent, b, move);
		if (move->cause == PLANNER_GONE)
			a->slots[action->lane].sent_gone |= 1U << move->from;
	}
	return i;
}

static void check_under_way(struct fworld *f, const struct fagent *a, const struct batch *b)
{
	unsigned i;

	for (i = 0; i < FAILOVER_LANES; i++)
		if (a->slots[i].batch && (batch_nodes(a->slots[i].batch) & batch_nodes(b)))
			world_fail(f->w, "the move of a node is sent that is under way");
}

void fagent_send(struct fworld *f, int agent, const struct failover_action *action)
{
	struct fagent *a = &f->agents[agent];
	struct slot *s = &a->slots[action->lane];
	struct batch *b = batch_new(f, agent, action->lane);
	struct coord_fence is;
	size_t n;

	(void)fagent_acting(f, agent, &is);
	if (s->entry_plan != a->plan)
		s->entry_gone = 0;
	s->sent_gone = 0;
	check_sending(f, agent, action);
	fence(f, agent, b, &is);
	n = take_moves(f, agent, b, action);
	failover_sent(a->core, fagent_now(f, agent), action->lane, n);
	if (batch_moves(b) == 0) {
		if (n)
			failover_ended(a->core, fagent_now(f, agent), action->lane,
				FAILOVER_CONFLICT, a->copy_revision, "nothing is called for");
		return;
	}
	if (a->balancing)
		count_down(a, b);
	add_history(f, agent, b, s, is.leader_rev);
	check_under_way(f, a, b);
	slot_commit(f, agent, action->lane, b);
}

/* Whoever fails tries again after a pause, which grows. */
static void count_failure(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];

	if (a->failed_plan == a->plan)
		return;
	a->failed_plan = a->plan;
	if (f->w->now - a->failures_since > USEC_PER_SEC) {
		a->failures_since = f->w->now;
		a->failures = 0;
	}
	if (++a->failures > FAILURES_MAX)
		world_fail(f->w, "%s has tried in vain %u times in a second",
			f->w->agents[agent].instance, a->failures);
}

void fagent_ended(struct fworld *f, int agent, unsigned lane, enum failover_end end,
	int64_t revision, const struct batch *batch)
{
	static const char *const names[] = {"applied", "conflict", "refused", "unknown"};
	struct fagent *a = &f->agents[agent];

	world_say(f->w, agent, "  lane %u: %u moves %s at %lld", lane, batch_moves(batch),
		names[end], (long long)revision);
	a->own_revision = MAX(a->own_revision, revision);
	if (end == FAILOVER_APPLIED)
		a->slots[lane].entry_gone |= a->slots[lane].sent_gone;
	if (end == FAILOVER_UNKNOWN || end == FAILOVER_REFUSED) {
		a->slots[lane].entry[0] = '\0';
		count_failure(f, agent);
	}
	if (end == FAILOVER_APPLIED && batch_order_left(batch) != BATCH_NO_ORDER) {
		a->order_revision = revision;
		a->order_left = batch_order_left(batch);
	}
	failover_ended(a->core, fagent_now(f, agent), lane, end, revision, "as told");
}
