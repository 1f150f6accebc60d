/*
 * sim_failover: managers follow their members, in many worlds, each from a seed.
 *
 *     sim_failover [--first N] [--seeds N]   runs the seeds and says how many failed: half of the
 *                                            worlds go wrong until their end (safety), half are
 *                                            healed and must come to rest (liveness)
 *     sim_failover --safety | --liveness     the one or the other alone
 *     sim_failover --seed N                  replays one, with everything that happens
 *     sim_failover --mutations               shows that the checks can fail: each way of breaking
 *                                            the rules must be caught by one of a thousand seeds
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "tests/sim/failover_world.h"

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

struct run {
	uint64_t seed;
	enum mode mode;
	enum fmutation mutation;
	bool trace;
	struct world_tally *tally;
	struct ftally *ftally;
};

static bool run_world(const struct run *run, char *violation)
{
	struct fworld *f = xcalloc(1, sizeof(*f));
	struct world_options options = {
		.seed = run->seed,
		.trace = run->trace,
		.tally = run->tally,
		.part = &failover_part,
		.part_arg = f,
	};
	bool ok;

	f->safety = run->mode == MODE_BOTH ? run->seed % 2 : run->mode == MODE_SAFETY;
	f->mutation = run->mutation;
	f->tally = run->ftally;
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

static void print_tally(const struct world_tally *tally, const struct ftally *f)
{
	print_untried(f);
	printf("%" PRIu64 " changes of leadership, %" PRIu64 " plans, %" PRIu64
	       " acts of administrators\n",
		tally->leaderships, f->plans, f->admin);
	printf("transactions: %" PRIu64 " applied, %" PRIu64 " in conflict, %" PRIu64
	       " refused, %" PRIu64 " unknown; %" PRIu64 " moves applied, %" PRIu64
	       " refused; %" PRIu64 " orphans taken by who came back\n",
		f->applied, f->conflicts, f->refused, f->unknown, f->moves, f->moves_refused,
		f->returned);
}

static int run_seeds(uint64_t first, uint64_t count, enum mode mode)
{
	static const char *const options[] = {"", " --safety", " --liveness"};
	struct world_tally tally = {0};
	struct ftally ftally = {0};
	uint64_t seed, failed = 0;
	char violation[400];

	for (seed = first; seed < first + count; seed++) {
		struct run run = {.seed = seed, .mode = mode, .tally = &tally, .ftally = &ftally};

		if (run_world(&run, violation))
			continue;
		failed++;
		printf("seed %" PRIu64 " failed %s\n  replay: sim_failover%s --seed %" PRIu64 "\n",
			seed, violation, options[mode], seed);
	}
	print_tally(&tally, &ftally);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int replay(uint64_t seed, enum mode mode)
{
	struct world_tally tally = {0};
	struct ftally ftally = {0};
	struct run run = {
		.seed = seed, .mode = mode, .trace = true, .tally = &tally, .ftally = &ftally};
	char violation[400];

	if (run_world(&run, violation)) {
		puts("1 passed, 0 failed");
		return EXIT_SUCCESS;
	}
	printf("seed %" PRIu64 " failed %s\n0 passed, 1 failed\n", seed, violation);
	return EXIT_FAILURE;
}

static bool is_caught(enum fmutation mutation)
{
	struct world_tally tally = {0};
	struct ftally ftally = {0};
	char violation[400];
	uint64_t seed;

	for (seed = 1; seed <= SEEDS_MUTATION; seed++) {
		struct run run = {
			.seed = seed, .mutation = mutation, .tally = &tally, .ftally = &ftally};

		if (run_world(&run, violation))
			continue;
		printf("caught by seed %" PRIu64 ": %s: %s\n", seed, mutations[mutation],
			violation);
		return true;
	}
	printf("NOT caught in %d seeds: %s\n", SEEDS_MUTATION, mutations[mutation]);
	return false;
}

static int run_mutations(void)
{
	int caught = 0, missed = 0;
	int m;

	for (m = FMUTATION_NONE + 1; m < FMUTATION_COUNT; m++)
		if (is_caught((enum fmutation)m))
			caught++;
		else
			missed++;
	printf("%d passed, %d failed\n", caught, missed);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fputs("usage: sim_failover [--safety | --liveness] [--first N] [--seeds N] | --seed N |\n"
	      "                    --mutations\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 's'},
		{"mutations", no_argument, NULL, 'm'},
		{"safety", no_argument, NULL, 'a'},
		{"liveness", no_argument, NULL, 'l'},
		{0},
	};
	uint64_t count = SEEDS_DEFAULT, first = 1, seed;
	enum mode mode = MODE_BOTH;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			return run_mutations();
		if (c == 's' && num_u64(optarg, &seed) == 0)
			return replay(seed, mode);
		if (c == 'a' || c == 'l')
			mode = c == 'a' ? MODE_SAFETY : MODE_LIVENESS;
		else if (!(c == 'n' && num_u64(optarg, &count) == 0) &&
			 !(c == 'f' && num_u64(optarg, &first) == 0))
			return usage();
	}
	return optind == argc ? run_seeds(first, count, mode) : usage();
}
