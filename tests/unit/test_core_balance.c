/* Evening out: against all that could be done in small pictures, and in time in large ones. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/mem.h"
#include "core/planner.h"
#include "core/prng.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_core_planner.h"

#define NODES_MAX   20000
#define MEMBERS_MAX 512

static struct planner_member members[MEMBERS_MAX];
static uint32_t n_members, n_nodes;
static uint32_t manager[NODES_MAX];
static struct bitset sets[64];
static uint32_t set_of[NODES_MAX]; /* which of them */
static struct planner *p;

static void setup(void)
{
	p = NULL;
	n_members = n_nodes = 0;
	memset(sets, 0, sizeof(sets));
}

static void teardown(void)
{
	planner_free(p);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		bitset_done(&sets[i]);
}

/* So many members, all there. */
static void have(uint32_t n)
{
	n_members = n;
	for (uint32_t i = 0; i < n; i++)
		members[i] = (struct planner_member){.name = "m", .active = true};
}

static void node(uint32_t at, uint32_t set)
{
	manager[n_nodes] = at;
	set_of[n_nodes++] = set;
}

static void add_all(void)
{
	struct planner_config config = {.members = members, .n = n_members, .now = 1};

	for (uint32_t i = 0; i < n_members; i++)
		members[i].nodes = 0;
	for (uint32_t i = 0; i < n_nodes; i++)
		members[manager[i]].nodes++;
	planner_free(p);
	p = planner_new(&config);
	for (uint32_t i = 0; i < n_nodes; i++)
		planner_add(p, i, manager[i], planner_set(p, &sets[set_of[i]]));
}

/* How many slices it took. */
static unsigned balance(size_t max)
{
	unsigned slices = 1;

	add_all();
	while (!planner_balance(p, max))
		slices++;
	return slices;
}

/* Every node once, to a candidate that is there, from its manager; the loads are what they make of it. */
static size_t check_moves(void)
{
	CLEANUP(freep) bool *seen = xcalloc(NODES_MAX, sizeof(*seen));
	CLEANUP(freep) size_t *load = xcalloc(MEMBERS_MAX, sizeof(*load));
	const struct planner_move *moves;
	size_t n = planner_moves(p, &moves);

	for (uint32_t i = 0; i < n_members; i++)
		load[i] = members[i].nodes;
	for (size_t i = 0; i < n; i++) {
		const struct planner_move *m = &moves[i];

		ck_assert(!seen[m->node]);
		seen[m->node] = true;
		ck_assert_uint_eq(m->from, manager[m->node]);
		ck_assert_uint_ne(m->from, m->to);
		ck_assert(bitset_has(&sets[set_of[m->node]], m->to));
		ck_assert(members[m->to].active && !members[m->to].draining);
		ck_assert(members[m->from].active && !members[m->from].draining);
		ck_assert_str_eq(planner_cause_name(m->cause), "rebalance");
		ck_assert_uint_eq(m->from_nodes, load[m->from]);
		ck_assert_uint_eq(m->to_nodes, load[m->to]);
		load[m->from]--;
		load[m->to]++;
	}
	for (uint32_t i = 0; i < n_members; i++)
		ck_assert_uint_eq(planner_load(p, i), load[i]);
	return n;
}

static size_t squares(void)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < n_members; i++)
		sum += planner_load(p, i) * planner_load(p, i);
	return sum;
}

START_TEST(two_members_share_evenly)
{
	have(2);
	bitset_add(&sets[0], 0);
	bitset_add(&sets[0], 1);
	for (int i = 0; i < 7; i++)
		node(0, 0);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 3);
	ck_assert_uint_eq(planner_load(p, 0), 4);
	ck_assert_uint_eq(planner_load(p, 1), 3);
}
END_TEST

START_TEST(what_is_even_stays)
{
	have(3);
	for (uint32_t i = 0; i < 3; i++)
		bitset_add(&sets[0], i);
	for (uint32_t i = 0; i < 10; i++)
		node(2 - i % 3, 0);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 0);
}
END_TEST

START_TEST(nothing_to_even_out_is_no_difficulty)
{
	have(0);
	balance(SIZE_MAX);
	have(1);
	bitset_add(&sets[0], 0);
	node(0, 0);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 0);
	have(2);
	members[1].active = false;
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 0);
}
END_TEST

/* mgt1's nodes can only go to mgt2, whose own can go to mgt3. */
START_TEST(nodes_move_up_by_way_of_a_third)
{
	have(3);
	bitset_add(&sets[0], 0);
	bitset_add(&sets[0], 1);
	bitset_add(&sets[1], 1);
	bitset_add(&sets[1], 2);
	for (int i = 0; i < 4; i++)
		node(0, 0);
	for (int i = 0; i < 2; i++)
		node(1, 1);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 4);
	ck_assert_uint_eq(planner_load(p, 0), 2);
	ck_assert_uint_eq(planner_load(p, 1), 2);
	ck_assert_uint_eq(planner_load(p, 2), 2);
}
END_TEST

START_TEST(who_is_drained_or_gone_takes_no_part)
{
	have(4);
	for (uint32_t i = 0; i < 4; i++)
		bitset_add(&sets[0], i);
	members[2].draining = true;
	members[3].active = false;
	for (int i = 0; i < 10; i++)
		node(0, 0);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 5);
	ck_assert_uint_eq(planner_load(p, 1), 5);
}
END_TEST

START_TEST(the_fullest_comes_first_where_moves_are_limited)
{
	have(3);
	for (uint32_t i = 0; i < 3; i++)
		bitset_add(&sets[0], i);
	for (int i = 0; i < 100; i++)
		node(0, 0);
	for (int i = 0; i < 10; i++)
		node(1, 0);
	balance(5);
	ck_assert_uint_eq(check_moves(), 5);
	ck_assert_uint_eq(planner_load(p, 2), 5);
	balance(0);
	ck_assert_uint_eq(check_moves(), 0);
	balance(30);
	ck_assert_uint_eq(check_moves(), 30);
	ck_assert_uint_eq(planner_load(p, 0), 70);
	ck_assert_uint_eq(planner_load(p, 1), 20);
	ck_assert_uint_eq(planner_load(p, 2), 20);
}
END_TEST

START_TEST(as_full_ones_take_turns_where_moves_are_limited)
{
	have(3);
	for (uint32_t i = 0; i < 3; i++)
		bitset_add(&sets[0], i);
	for (uint32_t i = 0; i < 100; i++)
		node(i % 2, 0);
	balance(10);
	ck_assert_uint_eq(check_moves(), 10);
	ck_assert_uint_eq(planner_load(p, 0), 45);
	ck_assert_uint_eq(planner_load(p, 1), 45);
}
END_TEST

/* mgt2 and mgt4 are empty; mgt4 can take nodes of mgt1, mgt2 those of mgt3 alone, which can take mgt1's. */
START_TEST(the_nearest_comes_first_where_moves_are_limited)
{
	have(4);
	for (uint32_t i = 0; i < 4; i++)
		if (i != 1)
			bitset_add(&sets[0], i);
	bitset_add(&sets[1], 1);
	bitset_add(&sets[1], 2);
	for (int i = 0; i < 6; i++)
		node(0, 0);
	for (int i = 0; i < 3; i++)
		node(2, 1);
	balance(2);
	ck_assert_uint_eq(check_moves(), 2);
	ck_assert_uint_eq(planner_load(p, 0), 4);
	ck_assert_uint_eq(planner_load(p, 3), 2);
}
END_TEST

/* A node may stay where an administrator put it, though it is no candidate. */
START_TEST(a_manager_that_is_no_candidate_may_keep_its_nodes)
{
	have(2);
	bitset_add(&sets[0], 1);
	for (int i = 0; i < 5; i++)
		node(0, 0);
	balance(SIZE_MAX);
	ck_assert_uint_eq(check_moves(), 2);
	ck_assert_uint_eq(planner_load(p, 0), 3);
}
END_TEST

/* ---- all that could be done ---- */

struct best {
	uint32_t at[8];
	size_t squares, moves;
};

static void try_node(struct best *b, uint32_t i, size_t moves)
{
	size_t load[8] = {0}, sum = 0;

	if (i < n_nodes) {
		for (uint32_t m = 0; m < n_members; m++) {
			if (m != manager[i] && !bitset_has(&sets[set_of[i]], m))
				continue;
			b->at[i] = m;
			try_node(b, i + 1, moves + (m != manager[i]));
		}
		return;
	}
	for (uint32_t k = 0; k < n_nodes; k++)
		load[b->at[k]]++;
	for (uint32_t m = 0; m < n_members; m++)
		sum += load[m] * load[m];
	if (sum < b->squares || (sum == b->squares && moves < b->moves)) {
		b->squares = sum;
		b->moves = moves;
	}
}

START_TEST(nothing_that_could_be_done_is_better)
{
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct prng prng = {seed};
		struct best best = {.squares = SIZE_MAX};
		uint32_t n_sets = 1 + (uint32_t)prng_below(&prng, 4);
		size_t moves;

		have(2 + (uint32_t)prng_below(&prng, 3));
		for (uint32_t i = 0; i < n_sets; i++) {
			bitset_reset(&sets[i]);
			for (uint32_t m = 0; m < n_members; m++)
				if (prng_below(&prng, 2))
					bitset_add(&sets[i], m);
		}
		n_nodes = 0;
		for (uint64_t i = 1 + prng_below(&prng, 7); i; i--)
			node((uint32_t)prng_below(&prng, 1 + prng_below(&prng, n_members)),
				(uint32_t)prng_below(&prng, n_sets));
		try_node(&best, 0, 0);
		balance(SIZE_MAX);
		moves = check_moves();
		ck_assert_msg(squares() == best.squares && moves == best.moves,
			"seed %llu: %zu and %zu moves, not %zu and %zu", (unsigned long long)seed,
			squares(), moves, best.squares, best.moves);
	}
}
END_TEST

/* ---- what proves that nothing is better, in pictures of any size ---- */

#define PROOF_MAX 150

/* The cheapest chain from each member to each other one, given where the nodes are now. */
static void find_chains(int dist[PROOF_MAX][PROOF_MAX])
{
	CLEANUP(freep) uint32_t *at = xmemdup(manager, n_nodes * sizeof(*at));
	const struct planner_move *moves;
	size_t n = planner_moves(p, &moves);

	for (size_t i = 0; i < n; i++)
		at[moves[i].node] = moves[i].to;
	for (uint32_t u = 0; u < n_members; u++)
		for (uint32_t v = 0; v < n_members; v++)
			dist[u][v] = u == v ? 0 : 1000;
	for (uint32_t i = 0; i < n_nodes; i++) {
		uint32_t u = at[i];

		for (uint32_t v = 0; v < n_members; v++) {
			int cost = (v != manager[i]) - (u != manager[i]);

			if (v == manager[i] || bitset_has(&sets[set_of[i]], v))
				dist[u][v] = MIN(dist[u][v], cost);
		}
	}
	for (uint32_t k = 0; k < n_members; k++)
		for (uint32_t u = 0; u < n_members; u++)
			for (uint32_t v = 0; v < n_members; v++)
				dist[u][v] = MIN(dist[u][v], dist[u][k] + dist[k][v]);
}

/* No circle saves a move; no chain makes it more even; none saves moves and leaves it as even. */
static void check_optimal(uint64_t seed)
{
	static int dist[PROOF_MAX][PROOF_MAX];

	find_chains(dist);
	for (uint32_t u = 0; u < n_members; u++) {
		for (uint32_t v = 0; v < n_members; v++) {
			size_t from = planner_load(p, u), to = planner_load(p, v);
			const char *what = NULL;

			if (u == v && dist[u][v] < 0)
				what = "a circle";
			else if (dist[u][v] < 500 && from >= to + 2)
				what = "a chain";
			else if (dist[u][v] < 0 && from == to + 1)
				what = "a way to save moves";
			if (what)
				ck_abort_msg("seed %llu: there is %s from %u to %u",
					(unsigned long long)seed, what, u, v);
		}
	}
}

START_TEST(there_is_a_proof_that_nothing_is_better)
{
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct prng prng = {seed};
		uint32_t n_sets = 1 + (uint32_t)prng_below(&prng, ARRAY_SIZE(sets));
		uint64_t width = 2 + prng_below(&prng, 4);

		have(2 + (uint32_t)prng_below(&prng, 14));
		for (uint32_t i = 0; i < n_sets; i++) {
			bitset_reset(&sets[i]);
			for (uint64_t k = prng_below(&prng, width); k + 1; k--)
				bitset_add(&sets[i], (uint32_t)prng_below(&prng, n_members));
		}
		n_nodes = 0;
		for (uint64_t i = prng_below(&prng, 200); i; i--)
			node((uint32_t)prng_below(&prng, 1 + prng_below(&prng, n_members)),
				(uint32_t)prng_below(&prng, n_sets));
		balance(SIZE_MAX);
		check_moves();
		check_optimal(seed);
	}
}
END_TEST

/* Each set two neighbours, all nodes at one end: long chains. */
START_TEST(long_chains_are_found)
{
	have(ARRAY_SIZE(sets) + 80);
	for (uint32_t i = 0; i < ARRAY_SIZE(sets); i++) {
		bitset_add(&sets[i], 78 + i);
		bitset_add(&sets[i], 79 + i);
		for (int k = 0; k < 20; k++)
			node(78 + i, i);
	}
	for (uint32_t i = 0; i < 200; i++)
		node(78, 0);
	balance(SIZE_MAX);
	ck_assert_uint_gt(check_moves(), 200);
	check_optimal(0);
}
END_TEST

START_TEST(a_limit_is_kept_and_never_makes_it_worse)
{
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct prng prng = {seed};
		size_t max = (size_t)prng_below(&prng, 20), before;

		have(2 + (uint32_t)prng_below(&prng, 6));
		for (uint32_t i = 0; i < 5; i++) {
			bitset_reset(&sets[i]);
			for (uint32_t m = 0; m < n_members; m++)
				if (prng_below(&prng, 2))
					bitset_add(&sets[i], m);
		}
		n_nodes = 0;
		for (uint64_t i = prng_below(&prng, 60); i; i--)
			node((uint32_t)prng_below(&prng, 1 + prng_below(&prng, n_members)),
				(uint32_t)prng_below(&prng, 5));
		add_all();
		before = squares();
		balance(max);
		ck_assert_uint_le(check_moves(), max);
		ck_assert_uint_le(squares(), before);
	}
}
END_TEST

/* ---- large ones ---- */

static void large(uint32_t n, uint32_t n_sets, uint64_t seed)
{
	struct prng prng = {seed};

	have(n);
	for (uint32_t i = 0; i < n_sets; i++)
		for (uint32_t m = 0; m < n; m++)
			if (i == 0 || prng_below(&prng, 2))
				bitset_add(&sets[i], m);
	for (uint32_t i = 0; i < NODES_MAX; i++)
		node((uint32_t)prng_below(&prng, 1 + prng_below(&prng, n)),
			(uint32_t)prng_below(&prng, n_sets));
}

static double since(clock_t began)
{
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

static void check_time(const char *what, double seconds)
{
	double slowest = 0, all;
	size_t fewest = SIZE_MAX, most = 0;
	clock_t began = clock();

	add_all();
	for (bool done = false; !done;) {
		clock_t slice = clock();

		done = planner_balance(p, SIZE_MAX);
		slowest = MAX(slowest, since(slice));
	}
	all = since(began);
	if (getenv("VERBOSE"))
		fprintf(stderr, "%s: %.1f ms, a slice %.1f ms\n", what, all * 1000, slowest * 1000);
	check_moves();
	for (uint32_t i = 0; i < n_members; i++) {
		fewest = MIN(fewest, planner_load(p, i));
		most = MAX(most, planner_load(p, i));
	}
	ck_assert_uint_le(most - fewest, 1);
	ck_assert_msg(all < seconds, "%s took %.3f s", what, all);
	ck_assert_msg(slowest < 0.1, "%s: a slice took %.3f s", what, slowest);
}

START_TEST(twenty_thousand_nodes_of_ten_members_take_no_time)
{
	large(10, 50, 1);
	check_time("10 members, 50 sets", 1);
}
END_TEST

START_TEST(all_on_one_of_ten_members)
{
	large(10, 50, 1);
	for (uint32_t i = 0; i < n_nodes; i++)
		manager[i] = 3;
	check_time("all on one", 1);
}
END_TEST

START_TEST(as_many_members_as_there_may_be)
{
	large(512, 50, 2);
	check_time("512 members", 20);
	n_nodes = 0;
	large(512, 50, 3);
	for (uint32_t i = 0; i < n_nodes; i++)
		manager[i] %= 256;
	check_time("256 of 512 members", 20);
}
END_TEST

TCase *balance_case(void)
{
	TCase *tc = tcase_create("balance");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, two_members_share_evenly);
	tcase_add_test(tc, what_is_even_stays);
	tcase_add_test(tc, nothing_to_even_out_is_no_difficulty);
	tcase_add_test(tc, nodes_move_up_by_way_of_a_third);
	tcase_add_test(tc, who_is_drained_or_gone_takes_no_part);
	tcase_add_test(tc, the_fullest_comes_first_where_moves_are_limited);
	tcase_add_test(tc, as_full_ones_take_turns_where_moves_are_limited);
	tcase_add_test(tc, the_nearest_comes_first_where_moves_are_limited);
	tcase_add_test(tc, a_manager_that_is_no_candidate_may_keep_its_nodes);
	tcase_add_test(tc, nothing_that_could_be_done_is_better);
	tcase_add_test(tc, there_is_a_proof_that_nothing_is_better);
	tcase_add_test(tc, long_chains_are_found);
	tcase_add_test(tc, a_limit_is_kept_and_never_makes_it_worse);
	tcase_add_test(tc, twenty_thousand_nodes_of_ten_members_take_no_time);
	tcase_add_test(tc, all_on_one_of_ten_members);
	tcase_add_test(tc, as_many_members_as_there_may_be);
	return tc;
}
