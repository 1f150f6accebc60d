/*
 * sim_coord: the coordination core in many worlds, each from a seed (runner.h).
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/runner.h"
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
	[MUTATION_SENT] = "a keepalive counts from the last attempt at it, answered or not",
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

static void tell(uint64_t worlds, const void *arg)
{
	const struct world_tally *tally = arg;

	print_untried(tally);
	printf("%" PRIu64 " worlds, %" PRIu64 " changes of leadership, %" PRIu64
	       " writes of leaders applied and %" PRIu64 " refused\n",
		worlds, tally->leaderships, tally->work_done, tally->work_refused);
}

static bool run(const struct runner_world *world, char violation[RUNNER_VIOLATION_MAX], void *arg)
{
	struct world_options options = {
		.seed = world->seed,
		.mutation = (enum mutation)world->mutation,
		.trace = world->trace,
		.tally = arg,
	};

	return world_run(&options, violation);
}

int main(int argc, char **argv)
{
	struct world_tally tally = {0};
	const struct runner runner = {
		.name = "sim_coord",
		.mode_count = 1,
		.seeds = SEEDS_DEFAULT,
		.mutations = mutations,
		.mutation_count = MUTATION_COUNT,
		.mutation_seeds = SEEDS_MUTATION,
		.run = run,
		.tell = tell,
		.arg = &tally,
	};

	return runner_main(&runner, argc, argv);
}
