/*
 * sim_failover: managers follow their members, in many worlds, each from a seed (runner.h). Half of
 * the worlds go wrong until their end (--safety), half are healed and must come to rest (--liveness).
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "tests/sim/failover_world.h"
#include "tests/sim/runner.h"

#define SEEDS_DEFAULT  2000
#define SEEDS_MUTATION 1000
#define FAULTS_SAFETY  (45 * USEC_PER_SEC)
#define FAULTS_HEALED  (20 * USEC_PER_SEC)
/* The longest time after which etcd ends a lease, and everybody has a new one. */
#define LEASE_GONE ((SIM_TTL + 1) * USEC_PER_SEC)
#define HEAL	   ((SIM_TTL + 4) * USEC_PER_SEC)
/* To notice, to plan, and to move. */
#define WORK   (1500 * USEC_PER_MSEC)
#define RETURN USEC_PER_SEC

enum mode { MODE_BOTH, MODE_SAFETY, MODE_LIVENESS };

static const char *const mutations[FMUTATION_COUNT] = {
	[FMUTATION_NONE] = "nothing",
	[FMUTATION_FENCE] = "moves do not compare the leader key",
	[FMUTATION_NODE] = "moves do not compare the node's manager",
	[FMUTATION_CANDIDATES] = "moves do not compare the node's candidates",
	[FMUTATION_UNCHECKED] = "what changed since the plan is not looked at",
	[FMUTATION_STALE] = "a plan survives the picture that it was made for",
	[FMUTATION_OLD_COPY] = "plans ignore the own writes, and moves compare nothing",
	[FMUTATION_HOLD_DOWN] = "nobody is held down",
	[FMUTATION_DRAINED] = "drained members are chosen",
	[FMUTATION_ACTING] = "a leader moves nodes without a valid lease",
	[FMUTATION_PAUSED] = "nodes are moved while that is paused",
	[FMUTATION_ORDERS] = "moves do not compare what was ordered",
	[FMUTATION_HEALTHY] = "members that are there are taken for gone",
	[FMUTATION_UNKNOWN] = "a transaction of unknown outcome is taken for applied",
	[FMUTATION_TICKET] = "transactions carry no ticket",
	[FMUTATION_DEAF] = "changes of nodes are no reason to look",
	[FMUTATION_WAKEUP] = "what waits is forgotten",
};

/* What a world's part of failover takes from the seed. */
static void furnish(struct fworld *f)
{
	static const usec_t delays[] = {
		PLANNER_DELAY_MIN, PLANNER_DELAY_MIN, USEC_PER_SEC, 3 * USEC_PER_SEC};
	static const usec_t holds[] = {0, 3, 6, 15};
	struct world *w = f->w;

	f->nodes = (unsigned)world_random(w, 20, FNODES_MAX);
	f->groups = (unsigned)world_random(w, 1, FGROUPS_MAX);
	f->delay = delays[prng_below(&w->prng, ARRAY_SIZE(delays))];
	f->hold_down = holds[prng_below(&w->prng, ARRAY_SIZE(holds))] * USEC_PER_SEC;
	f->admin_pause = world_random(w, 50, 1000) * USEC_PER_MSEC;
	f->gives_up = world_chance(w, 50);
	f->flaps = world_chance(w, 30);
	f->passes_over = world_chance(w, 50);
	f->fits = world_chance(w, 30) ? FNODES_MAX : (size_t)world_random(w, 1, 12);
	world_say(w, -1, "%u nodes, %u groups, delay %.1f s, hold-down %.0f s", f->nodes, f->groups,
		(double)f->delay / (double)USEC_PER_SEC,
		(double)f->hold_down / (double)USEC_PER_SEC);
	admin_populate(f);
}

static usec_t by_any_clock(usec_t t)
{
	return t + t / 15;
}

static void kill_for_good(struct fworld *f, int agent)
{
	world_say(f->w, agent, "goes, and stays away");
	f->w->agents[agent].down = true;
	world_kill(f->w, agent);
}

/* One that may lead stays. */
static void some_stay_away(struct fworld *f)
{
	int i;

	for (i = 1; i < f->w->count; i++)
		if (world_chance(f->w, 40))
			kill_for_good(f, i);
}

static void come_to_rest(struct fworld *f, usec_t time, const char *when)
{
	struct world *w = f->w;

	world_run_until(w, w->now + time + by_any_clock(f->delay) + WORK);
	if (!w->violation[0])
		fcheck_settled(f, when);
	if (!w->violation[0])
		check_healed(w);
}

/* How much longer this member's nodes may have to wait when it goes now. */
static usec_t held(const struct fworld *f, int agent)
{
	usec_t last = f->failed_over_at[agent], until = last + by_any_clock(f->hold_down) + WORK;

	return last ? usec_max(until - f->w->now, 0) : 0;
}

/* Some member that may go: the leader, or not. */
static int one_of(struct fworld *f, bool leads)
{
	int i;

	for (i = 1; i < f->w->count; i++)
		if (f->w->agents[i].core && (f->truth.leader.value == i) == leads)
			return i;
	return 0;
}

static void one_dies(struct fworld *f)
{
	int agent = one_of(f, true);
	usec_t hold;

	if (!agent)
		agent = one_of(f, false);
	hold = held(f, agent);
	if (agent)
		kill_for_good(f, agent);
	come_to_rest(f, LEASE_GONE + hold, "one died");
}

/* The leader dies in the middle of what it does about another's death: the next one goes on. */
static void two_die(struct fworld *f)
{
	struct world *w = f->w;
	int first = one_of(f, false), leader = one_of(f, true);
	usec_t hold = usec_max(held(f, first), held(f, leader));
	usec_t until = w->now + LEASE_GONE + by_any_clock(f->delay) + hold + WORK;
	usec_t was = f->failed_over_at[first];

	if (!first || !leader) {
		one_dies(f);
		return;
	}
	kill_for_good(f, first);
	while (!w->violation[0] && f->failed_over_at[first] == was && w->now < until)
		world_run_until(w, w->heap[0].at);
	world_run_until(w, w->now + world_random(w, 0, 3000));
	kill_for_good(f, leader);
	come_to_rest(f, LEASE_GONE + hold, "two died");
}

/* Orphans are taken within a second. */
static void one_returns(struct fworld *f)
{
	struct world *w = f->w;
	unsigned orphans, left;
	int i;

	for (i = 1; i < w->count && w->agents[i].core; i++)
		continue;
	if (i == w->count || w->violation[0])
		return;
	orphans = fcheck_orphans_of(f, i);
	w->agents[i].down = false;
	world_start(w, i);
	while (!w->violation[0] && !facts_is_active(&f->truth, i) && w->heap_count)
		world_run_until(w, w->heap[0].at);
	world_run_until(w, w->now + RETURN);
	left = fcheck_orphans_of(f, i);
	if (left)
		world_fail(w, "%s is back, and %u of %u orphans that it could have are left",
			w->agents[i].instance, left, orphans);
	f->tally->returned += orphans;
}

static void live_on(struct fworld *f)
{
	struct world *w = f->w;

	fault_heal(w);
	admin_heal(f);
	some_stay_away(f);
	come_to_rest(f, HEAL + by_any_clock(f->hold_down), "healed");
	admin_rebalance(f);
	come_to_rest(f, WORK, "rebalanced");
	if (!w->violation[0])
		fcheck_balanced(f);
	if (world_chance(f->w, 50))
		one_dies(f);
	else
		two_die(f);
	one_returns(f);
}

struct tallies {
	struct world_tally world;
	struct ftally failover;
};

static bool run(const struct runner_world *world, char violation[RUNNER_VIOLATION_MAX], void *arg)
{
	struct tallies *tallies = arg;
	struct fworld *f = xcalloc(1, sizeof(*f));
	struct world_options options = {
		.seed = world->seed,
		.trace = world->trace,
		.tally = &tallies->world,
		.part = &failover_part,
		.part_arg = f,
	};
	bool ok;

	f->safety = world->mode == MODE_BOTH ? world->seed % 2 : world->mode == MODE_SAFETY;
	f->mutation = (enum fmutation)world->mutation;
	f->tally = &tallies->failover;
	options.faults = f->safety ? FAULTS_SAFETY : FAULTS_HEALED;
	f->w = world_new(&options);
	furnish(f);
	world_run_until(f->w, options.faults);
	if (!f->safety && !f->w->violation[0])
		live_on(f);
	ok = world_end(f->w, violation);
	slots_free(f);
	free(f);
	return ok;
}

/* Moves that the table has and that no world has made. */
static void print_untried(const struct ftally *f)
{
	const struct sm_state *states = failover_machine.states;
	const struct sm_edge *edge;
	int from;

	for (from = 0; from < failover_machine.count; from++)
		for (edge = states[from].next; edge->why; edge++)
			if (!f->states[from][edge->to])
				printf("never seen: failover: %s -> %s\n", states[from].name,
					states[edge->to].name);
}

static void tell(uint64_t worlds, const void *arg)
{
	const struct tallies *tallies = arg;
	const struct ftally *f = &tallies->failover;

	(void)worlds;
	print_untried(f);
	printf("%" PRIu64 " changes of leadership, %" PRIu64 " plans, %" PRIu64
	       " acts of administrators\n",
		tallies->world.leaderships, f->plans, f->admin);
	printf("transactions: %" PRIu64 " applied, %" PRIu64 " in conflict, %" PRIu64
	       " refused, %" PRIu64 " unknown; %" PRIu64 " moves applied, %" PRIu64
	       " refused; %" PRIu64 " orphans taken by who came back\n",
		f->applied, f->conflicts, f->refused, f->unknown, f->moves, f->moves_refused,
		f->returned);
}

int main(int argc, char **argv)
{
	struct tallies tallies = {0};
	const struct runner runner = {
		.name = "sim_failover",
		.modes = {[MODE_SAFETY] = "safety", [MODE_LIVENESS] = "liveness"},
		.mode_count = MODE_LIVENESS + 1,
		.seeds = SEEDS_DEFAULT,
		.mutations = mutations,
		.mutation_count = FMUTATION_COUNT,
		.mutation_seeds = SEEDS_MUTATION,
		.run = run,
		.tell = tell,
		.arg = &tallies,
	};

	return runner_main(&runner, argc, argv);
}
