/* The planner's rules in pictures made at random. */
#include "config.h"

#include "core/planner.h"

#include <string.h>

#include "core/prng.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_core_planner.h"

#define S(n) ((n)*USEC_PER_SEC)

/* Whatever the picture: each move goes from a member that is not available to a candidate that is, which
 * has as few nodes as any that is not held down; loads add up. */
static void check_a_picture(uint64_t seed)
{
	struct prng prng = {seed};
	struct planner_member members[6];
	size_t load[6], sum = 0, after = 0;
	const struct planner_move *moves;
	uint32_t n = 1 + (uint32_t)prng_below(&prng, 6);
	uint32_t nodes = (uint32_t)prng_below(&prng, 40);
	uint32_t sets[40] = {0}, bits[40] = {0}, managers[40] = {0};
	size_t n_given;

	memset(load, 0, sizeof(load));
	for (uint32_t i = 0; i < nodes; i++) {
		managers[i] = (uint32_t)prng_below(&prng, n);
		load[managers[i]]++;
	}
	for (uint32_t i = 0; i < n; i++) {
		members[i] = (struct planner_member){.name = "m",
			.active = prng_below(&prng, 2),
			.draining = prng_below(&prng, 4) == 0,
			.gone_since = S(prng_below(&prng, 200)),
			.moved_at = prng_below(&prng, 2) ? S(prng_below(&prng, 200)) : 0,
			.nodes = load[i]};
		sum += load[i];
	}
	const struct planner_config config = {.members = members,
		.n = n,
		.delay = S(prng_below(&prng, 2) * 20),
		.hold_down = S(60),
		.now = S(200)};
	struct planner *p = planner_new(&config);

	for (uint32_t i = 0; i < nodes; i++) {
		struct bitset set = BITSET_INIT;

		bits[i] = (uint32_t)prng_below(&prng, 1u << n);
		for (uint32_t m = 0; m < n; m++)
			if (bits[i] >> m & 1)
				bitset_add(&set, m);
		sets[i] = planner_set(p, &set);
		bitset_done(&set);
		planner_add(p, i, managers[i], sets[i]);
	}
	n_given = planner_moves(p, &moves);
	for (size_t k = 0; k < n_given; k++) {
		const struct planner_move *m = &moves[k];
		const struct planner_member *to = &members[m->to];
		bool to_held = to->moved_at && to->moved_at + S(60) > S(200);

		ck_assert_uint_eq(m->from, managers[m->node]);
		ck_assert(!members[m->from].active || members[m->from].draining);
		ck_assert(to->active && !to->draining && (bits[m->node] >> m->to & 1));
		ck_assert(k == 0 || m->node > moves[k - 1].node);
		ck_assert_uint_eq(m->to_nodes, load[m->to]);
		ck_assert_uint_eq(m->from_nodes, load[m->from]);
		for (uint32_t o = 0; o < n; o++) {
			bool o_held = members[o].moved_at && members[o].moved_at + S(60) > S(200);

			if (!(bits[m->node] >> o & 1) || !members[o].active || members[o].draining)
				continue;
			ck_assert(!to_held || o_held);
			if (to_held == o_held)
				ck_assert(load[o] > load[m->to] ||
					  (load[o] == load[m->to] && o >= m->to));
		}
		load[m->from]--;
		load[m->to]++;
	}
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_uint_eq(planner_load(p, i), load[i]);
		after += load[i];
	}
	ck_assert_uint_eq(after, sum);
	sum = 0;
	for (int v = 0; v < PLANNER_VERDICTS; v++)
		sum += planner_count(p, n, (enum planner_verdict)v);
	ck_assert_uint_eq(sum, nodes);
	planner_free(p);
}

START_TEST(moves_keep_the_rules_in_any_picture)
{
	for (uint64_t seed = 1; seed <= 3000; seed++)
		check_a_picture(seed);
}
END_TEST

TCase *laws_case(void)
{
	TCase *tc = tcase_create("laws");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, moves_keep_the_rules_in_any_picture);
	return tc;
}
