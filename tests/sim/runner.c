#include "config.h"
#include "tests/sim/runner.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

/* What getopt says for modes[i]. */
#define OPT_MODE 256

static int run_seeds(const struct runner *r, uint64_t first, uint64_t count, int mode)
{
	struct runner_world world = {.mode = mode};
	char violation[RUNNER_VIOLATION_MAX];
	uint64_t failed = 0;

	for (world.seed = first; world.seed < first + count; world.seed++) {
		if (r->run(&world, violation, r->arg))
			continue;
		failed++;
		printf("seed %" PRIu64 " failed %s\n  replay: %s%s%s --seed %" PRIu64 "\n",
			world.seed, violation, r->name, mode ? " --" : "",
			mode ? r->modes[mode] : "", world.seed);
	}
	r->tell(count, r->arg);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", count - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int replay(const struct runner *r, uint64_t seed, int mode)
{
	struct runner_world world = {.seed = seed, .mode = mode, .trace = true};
	char violation[RUNNER_VIOLATION_MAX];

	if (r->run(&world, violation, r->arg)) {
		puts("1 passed, 0 failed");
		return EXIT_SUCCESS;
	}
	printf("seed %" PRIu64 " failed %s\n0 passed, 1 failed\n", seed, violation);
	return EXIT_FAILURE;
}

static bool is_caught(const struct runner *r, int mutation)
{
	struct runner_world world = {.mutation = mutation};
	char violation[RUNNER_VIOLATION_MAX];

	for (world.seed = 1; world.seed <= r->mutation_seeds; world.seed++) {
		if (r->run(&world, violation, r->arg))
			continue;
		printf("caught by seed %" PRIu64 ": %s: %s\n", world.seed, r->mutations[mutation],
			violation);
		return true;
	}
	printf("NOT caught in %" PRIu64 " seeds: %s\n", r->mutation_seeds, r->mutations[mutation]);
	return false;
}

static int run_mutations(const struct runner *r)
{
	int caught = 0, missed = 0;

	for (int m = 1; m < r->mutation_count; m++)
		if (is_caught(r, m))
			caught++;
		else
			missed++;
	printf("%d passed, %d failed\n", caught, missed);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(const struct runner *r)
{
	fprintf(stderr, "usage: %s", r->name);
	for (int i = 1; i < r->mode_count; i++)
		fprintf(stderr, "%s--%s%s", i == 1 ? " [" : " | ", r->modes[i],
			i == r->mode_count - 1 ? "]" : "");
	fputs(" [--first N] [--seeds N] | --seed N | --mutations\n", stderr);
	return 2;
}

int runner_main(const struct runner *r, int argc, char **argv)
{
	struct option options[4 + RUNNER_MODES_MAX] = {
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 's'},
		{"mutations", no_argument, NULL, 'm'},
	};
	uint64_t count = r->seeds, first = 1, seed;
	int mode = 0;
	int c;

	for (int i = 1; i < r->mode_count; i++)
		options[3 + i] = (struct option){r->modes[i], no_argument, NULL, OPT_MODE + i};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			return run_mutations(r);
		if (c == 's' && num_u64(optarg, &seed) == 0)
			return replay(r, seed, mode);
		if (c > OPT_MODE)
			mode = c - OPT_MODE;
		else if (!(c == 'n' && num_u64(optarg, &count) == 0) &&
			 !(c == 'f' && num_u64(optarg, &first) == 0))
			return usage(r);
	}
	return optind == argc ? run_seeds(r, first, count, mode) : usage(r);
}
