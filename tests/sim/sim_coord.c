/*
 * sim_coord: many worlds, each from a seed.
 *
 *     sim_coord [--first N] [--seeds N]      runs the seeds and says how many failed
 *     sim_coord --seed N                     replays one, with everything that happens
 *     sim_coord --mutations                  shows that the checks can fail: each way of breaking
 *                                            the rules must be caught by one of some hundred seeds
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/num.h"
#include "tests/sim/world.h"

#define SEEDS_DEFAULT  2000
#define SEEDS_MUTATION 400

static const char *const mutations[MUTATION_COUNT] = {
	[MUTATION_NONE] = "nothing",
	[MUTATION_MARGIN] = "leases are believed to be valid for 2 s longer",
	[MUTATION_ACTING] = "a leader acts without a valid lease",
	[MUTATION_FENCE] = "a leader's writes do not compare the leader key",
	[MUTATION_CREATE] = "campaigns do not demand that there is no leader",
	[MUTATION_RECORD] = "writes do not compare the member's record",
	[MUTATION_LEASES] = "the leader key is put without its lease",
	[MUTATION_DEAF] = "what timed out is taken for applied",
};

/* Moves that the tables have and that no world has made. */
static void print_untried(const struct world_tally *tally)
{
	const struct sm_machine *m;
	const struct sm_edge *edge;
	unsigned i;
	int from;

	for (i = 0; (m = coord_machine(i)); i++)
		for (from = 0; from < m->count; from++)
			for (edge = m->states[from].next; edge->why; edge++)
				if (tally->moves[i][from][edge->to] == 0)
					printf("never seen: %s: %s -> %s\n", m->name,
						m->states[from].name, m->states[edge->to].name);
}

static int run_seeds(uint64_t first, uint64_t count)
{
	struct world_tally tally = {0};
	uint64_t seed, failed = 0;
	char violation[400];

	for (seed = first; seed < first + count; seed++) {
		struct world_options options = {.seed = seed, .tally = &tally};

		if (!world_run(&options, violation)) {
			failed++;
			printf("seed %" PRIu64 " failed %s\n  replay: sim_coord --seed %" PRIu64
			       "\n",
				seed, violation, seed);
		}
	}
	print_untried(&tally);
	printf("%" PRIu64 " worlds, %" PRIu64 " changes of leadership, %" PRIu64
	       " writes of leaders applied and %" PRIu64 " refused\n",
		count, tally.leaderships, tally.work_done, tally.work_refused);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int replay(uint64_t seed)
{
	struct world_tally tally = {0};
	struct world_options options = {.seed = seed, .trace = true, .tally = &tally};
	char violation[400];

	if (world_run(&options, violation)) {
		puts("1 passed, 0 failed");
		return EXIT_SUCCESS;
	}
	printf("seed %" PRIu64 " failed %s\n0 passed, 1 failed\n", seed, violation);
	return EXIT_FAILURE;
}

static bool is_caught(enum mutation mutation)
{
	struct world_tally tally = {0};
	char violation[400];
	uint64_t seed;

	for (seed = 1; seed <= SEEDS_MUTATION; seed++) {
		struct world_options options = {
			.seed = seed, .mutation = mutation, .tally = &tally};

		if (world_run(&options, violation))
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

	for (m = MUTATION_NONE + 1; m < MUTATION_COUNT; m++)
		if (is_caught((enum mutation)m))
			caught++;
		else
			missed++;
	printf("%d passed, %d failed\n", caught, missed);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fputs("usage: sim_coord [--first N] [--seeds N] | --seed N | --mutations\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 's'},
		{"mutations", no_argument, NULL, 'm'},
		{0},
	};
	uint64_t count = SEEDS_DEFAULT, first = 1, seed;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			return run_mutations();
		if (c == 's' && num_u64(optarg, &seed) == 0)
			return replay(seed);
		if (!(c == 'n' && num_u64(optarg, &count) == 0) &&
			!(c == 'f' && num_u64(optarg, &first) == 0))
			return usage();
	}
	return optind == argc ? run_seeds(first, count) : usage();
}
