/*
 * struct runner: what the simulations of many worlds, each from a seed, have in common: their options,
 * the replay of one seed, and the proof that the checks can fail.
 *
 *     NAME [--MODE] [--first N] [--seeds N]    runs the seeds and says how many failed
 *     NAME [--MODE] --seed N                   replays one, with everything that happens
 *     NAME --mutations                         shows that the checks can fail: each way of breaking
 *                                              the rules must be caught by one of the seeds
 */
#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#define RUNNER_MODES_MAX     4
#define RUNNER_VIOLATION_MAX 400

struct runner_world {
	uint64_t seed;
	int mode;     /* index into modes */
	int mutation; /* index into mutations; 0: nothing is broken */
	bool trace;   /* says everything that happens */
};

struct runner {
	const char *name;
	/* How worlds may be restricted, each an option; [0] is NULL, for all of them. */
	const char *modes[RUNNER_MODES_MAX];
	int mode_count;
	uint64_t seeds; /* when nothing is said */
	/* What each mutation breaks; [0] is not used. */
	const char *const *mutations;
	int mutation_count;
	uint64_t mutation_seeds; /* one of so many must catch it */
	/* One world. False, and what is wrong. arg is the runner's; it may count there. */
	bool (*run)(
		const struct runner_world *world, char violation[RUNNER_VIOLATION_MAX], void *arg);
	/* What was counted in all these worlds. */
	void (*tell)(uint64_t worlds, const void *arg);
	void *arg;
};

/* To end main() with. */
int runner_main(const struct runner *r, int argc, char **argv);

#endif
