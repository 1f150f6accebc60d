/*
 * What noderanges cost: bench_noderange prints a table, `bench_noderange flat|holes|random` one of the
 * lists that it makes short (a name a line), for other programs to try themselves on.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "tests/unit/noderange_world.h"

#define ROUNDS 5

/* Processor time, so that what else runs on the machine matters little. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

struct list {
	char **at;
	size_t n;
};

static void add(struct list *list, char *name)
{
	if ((list->n & (list->n - 1)) == 0)
		list->at = xrealloc(list->at, list->n ? 2 * list->n : 1, sizeof(*list->at));
	list->at[list->n++] = name;
}

static void shuffle(struct list *list)
{
	uint32_t state = 2463534242u;

	for (size_t i = list->n; i > 1; i--) {
		size_t k = next(&state) % i;
		char *name = list->at[k];

		list->at[k] = list->at[i - 1];
		list->at[i - 1] = name;
	}
}

static void done(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i]);
	free(list->at);
}

/* 100,000 names with one number. */
static struct list flat(void)
{
	struct list list = {NULL, 0};

	for (unsigned i = 1; i <= 100000; i++)
		add(&list, xasprintf("n%u", i));
	shuffle(&list);
	return list;
}

/* 9,472 names with four numbers: 8 rows of 8 racks of 16 chassis of 10 nodes, some of them missing. */
static struct list holes(void)
{
	struct list list = {NULL, 0};
	uint32_t state = 88675123u;
	bool missing[10240] = {false};

	for (unsigned n = 0; n < 10240 - 9472;) {
		unsigned i = next(&state) % 10240;

		n += !missing[i];
		missing[i] = true;
	}
	for (unsigned i = 0; i < 10240; i++) {
		if (!missing[i])
			add(&list, xasprintf("row%u-rack%u-c%02un%u", i / 1280 + 1, i / 160 % 8 + 1,
					   i / 10 % 16 + 1, i % 10 + 1));
	}
	shuffle(&list);
	return list;
}

/* 100,000 names of two numbers without any order in them: nothing to be made short. */
static struct list scattered(void)
{
	struct list list = {NULL, 0};
	uint32_t state = 521288629u;

	for (unsigned i = 0; i < 100000; i++)
		add(&list, xasprintf("r%uu%u", next(&state) % 3000, next(&state) % 3000));
	return list;
}

static void bench_expand(const char *text)
{
	double best = 1e9;
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct noderange_names names = {NULL};
		double from = now();

		if (noderange_expand(text, &names, NULL) < 0)
			abort();
		best = MIN(best, now() - from);
		n = names.n;
		noderange_names_done(&names);
	}
	printf("expand %-34s %8zu names %8.1f ms %6.1f million/s\n", text, n, best * 1e3,
		(double)n / best / 1e6);
}

static void bench_evaluate(const char *nodes, const char *text)
{
	struct noderange_names names = {NULL};
	struct world *world = world_new();
	struct noderange_source source;
	double best = 1e9;
	size_t n = 0;

	if (noderange_expand(nodes, &names, NULL) < 0)
		abort();
	for (size_t i = 0; i < names.n; i++)
		(void)world_add_node(world, names.at[i]);
	source = world_source(world);
	for (int i = 0; i < ROUNDS; i++) {
		CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
		double from = now();

		if (noderange_evaluate(&source, text, &set, NULL) < 0)
			abort();
		best = MIN(best, now() - from);
		n = bitset_count(&set);
	}
	printf("evaluate %-32s %8zu nodes %8.1f ms %6.1f million/s\n", text, n, best * 1e3,
		(double)n / best / 1e6);
	world_free(world);
	noderange_names_done(&names);
}

static void bench_abbreviate(const char *what, const struct list *list)
{
	struct world *world = world_new();
	struct noderange_source source;
	double best = 1e9, names_best = 1e9;
	size_t len = 0;

	for (size_t i = 0; i < list->n; i++)
		(void)world_add_node(world, list->at[i]);
	source = world_source(world);
	for (int i = 0; i < ROUNDS; i++) {
		double from = now();
		char *text = noderange_abbreviate(&source, source.all(source.arg), NULL, 0);

		best = MIN(best, now() - from);
		len = strlen(text);
		free(text);
		from = now();
		free(noderange_abbreviate_names(
			&source, (const char *const *)list->at, list->n, NULL, 0));
		names_best = MIN(names_best, now() - from);
	}
	printf("abbreviate %-30s %8zu names %8.1f ms (%.1f ms by name), %zu bytes\n", what, list->n,
		best * 1e3, names_best * 1e3, len);
	world_free(world);
}

static void bench_fold(const char *what, const struct list *list)
{
	double best = 1e9;
	size_t len = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double from = now();
		char *text = noderange_fold((const char *const *)list->at, list->n);

		best = MIN(best, now() - from);
		len = strlen(text);
		free(text);
	}
	printf("fold %-36s %8zu names %8.1f ms, %zu bytes\n", what, list->n, best * 1e3, len);
}

static void bench_sort(const char *what, const struct list *list)
{
	const char **names = xcalloc(list->n, sizeof(*names));
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double from;

		memcpy(names, list->at, list->n * sizeof(*names));
		from = now();
		natsort_sort(names, list->n);
		best = MIN(best, now() - from);
	}
	printf("sort %-36s %8zu names %8.1f ms\n", what, list->n, best * 1e3);
	free(names);
}

int main(int argc, char **argv)
{
	struct list lists[] = {flat(), holes(), scattered()};
	static const char *const names[] = {"flat", "holes", "random"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (size_t k = 0; argc > 1 && strcmp(argv[1], names[i]) == 0 && k < lists[i].n;
			k++)
			puts(lists[i].at[k]);
		if (argc > 1)
			continue;
		bench_fold(names[i], &lists[i]);
		bench_abbreviate(names[i], &lists[i]);
		bench_sort(names[i], &lists[i]);
	}
	if (argc == 1) {
		bench_expand("n[1-1000000]");
		bench_expand("rack[001-100]u[01-40]n[1-250]");
		bench_expand("n1-n1000000");
		bench_expand("a[1-500000],b[1-500000]");
		bench_evaluate("n[1-20000]", "n[1-20000]");
		bench_evaluate("n[1-20000]", "n1-n20000,-n[5-15000:5]");
		bench_evaluate("n[1-20000]", "~^n[0-9]*7$");
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		done(&lists[i]);
	return 0;
}
