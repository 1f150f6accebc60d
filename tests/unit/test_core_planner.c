/* Which member should look after which node: the rules, one by one. */
#include "config.h"

#include "core/planner.h"

#include <stdarg.h>
#include <time.h>

#include "base/macros.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_core_planner.h"

#define S(n) ((n)*USEC_PER_SEC)

/* mgt1 is there, mgt2 went at 100 s, mgt3 is there; it is 200 s. */
static struct planner_member trio[3];
static struct planner_config config;
static struct planner *p;

static void setup(void)
{
	static const char *const names[] = {"mgt1", "mgt2", "mgt3"};

	for (size_t i = 0; i < ARRAY_SIZE(trio); i++)
		trio[i] = (struct planner_member){.name = names[i], .active = i != 1};
	trio[1].gone_since = S(100);
	config = (struct planner_config){
		.members = trio, .n = ARRAY_SIZE(trio), .hold_down = S(60), .now = S(200)};
	p = NULL;
}

static void teardown(void)
{
	planner_free(p);
}

static void begin(void)
{
	planner_free(p);
	p = planner_new(&config);
}

/* Places, ended by -1. */
static uint32_t set_of(int first, ...)
{
	struct bitset set = BITSET_INIT;
	uint32_t number;
	va_list ap;

	va_start(ap, first);
	for (int i = first; i >= 0; i = va_arg(ap, int))
		bitset_add(&set, (uint32_t)i);
	va_end(ap);
	number = planner_set(p, &set);
	bitset_done(&set);
	return number;
}

static const struct planner_move *move(size_t i)
{
	const struct planner_move *moves;

	ck_assert_uint_lt(i, planner_moves(p, &moves));
	return &moves[i];
}

static size_t n_moves(void)
{
	const struct planner_move *moves;

	return planner_moves(p, &moves);
}

static const char *verdict(uint32_t node, uint32_t manager, uint32_t set)
{
	return planner_verdict_name(planner_add(p, node, manager, set));
}

START_TEST(nodes_of_a_member_that_is_there_stay)
{
	begin();
	ck_assert_str_eq(verdict(7, 0, set_of(1, 2, -1)), "stays");
	ck_assert_uint_eq(n_moves(), 0);
	ck_assert_uint_eq(planner_count(p, 0, PLANNER_STAYS), 1);
	ck_assert(planner_wakeup(p) == USEC_NEVER);
}
END_TEST

START_TEST(nodes_of_a_member_that_is_gone_go_to_the_candidate_with_the_fewest_nodes)
{
	trio[0].nodes = 5;
	trio[1].nodes = 4;
	trio[2].nodes = 3;
	begin();
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_str_eq(verdict(i, 1, set_of(0, 1, 2, -1)), "moves");
	ck_assert_uint_eq(n_moves(), 4);
	ck_assert_uint_eq(move(0)->to, 2);
	ck_assert_uint_eq(move(1)->to, 2);
	ck_assert_uint_eq(move(2)->to, 0); /* as few: the first one in natural order */
	ck_assert_uint_eq(move(3)->to, 2);
	ck_assert_uint_eq(move(1)->node, 1);
	ck_assert_uint_eq(move(1)->from, 1);
	ck_assert_uint_eq(move(1)->from_nodes, 3);
	ck_assert_uint_eq(move(1)->to_nodes, 4);
	ck_assert_str_eq(planner_cause_name(move(1)->cause), "failover");
	ck_assert_uint_eq(planner_load(p, 0), 6);
	ck_assert_uint_eq(planner_load(p, 1), 0);
	ck_assert_uint_eq(planner_load(p, 2), 6);
}
END_TEST

START_TEST(a_node_without_candidates_is_never_moved)
{
	begin();
	ck_assert_str_eq(verdict(1, 1, PLANNER_NONE), "fixed");
	trio[1].draining = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, PLANNER_NONE), "fixed");
	trio[1].active = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, PLANNER_NONE), "fixed");
	ck_assert_uint_eq(n_moves(), 0);
}
END_TEST

START_TEST(a_node_whose_candidates_are_all_gone_is_orphaned)
{
	trio[2].active = false;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(1, 2, -1)), "orphaned");
	ck_assert_str_eq(verdict(2, 1, set_of(1, -1)), "orphaned");
	ck_assert_str_eq(verdict(3, 1, set_of(0, 1, 2, -1)), "moves");
	ck_assert_uint_eq(planner_count(p, 1, PLANNER_ORPHANED), 2);
	trio[2].active = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(1, 2, -1)), "moves");
	ck_assert_uint_eq(move(0)->to, 2);
}
END_TEST

START_TEST(a_member_that_is_drained_is_no_candidate)
{
	trio[2].draining = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(1, 2, -1)), "orphaned");
	ck_assert_str_eq(verdict(2, 1, set_of(0, 2, -1)), "moves");
	ck_assert_uint_eq(move(0)->to, 0);
}
END_TEST

START_TEST(the_delay_is_waited_for)
{
	config.delay = S(150);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	ck_assert_str_eq(verdict(2, 1, PLANNER_NONE), "fixed");
	ck_assert_int_eq(planner_wakeup(p), S(250));
	config.now = S(250) - 1;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	/* nobody calls it orphaned before it may be moved */
	ck_assert_str_eq(verdict(1, 1, set_of(1, -1)), "waits");
	config.now = S(250);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	ck_assert_str_eq(verdict(1, 1, set_of(1, -1)), "orphaned");
	ck_assert(planner_wakeup(p) == USEC_NEVER);
}
END_TEST

START_TEST(who_was_never_there_is_gone_for_any_delay)
{
	trio[1].gone_since = 0;
	config.delay = S(100000);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
}
END_TEST

START_TEST(the_first_that_waits_wakes_up)
{
	trio[0] = (struct planner_member){.name = "mgt1", .gone_since = S(120)};
	config.delay = S(150);
	begin();
	ck_assert_str_eq(verdict(1, 0, set_of(2, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(270));
	ck_assert_str_eq(verdict(1, 1, set_of(2, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(250));
	ck_assert_str_eq(verdict(1, 0, set_of(2, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(250));
}
END_TEST

START_TEST(a_member_that_comes_back_and_goes_again_is_held_down)
{
	trio[1].moved_at = S(160);
	trio[1].gone_since = S(190);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(220));
	ck_assert_str_eq(verdict(1, 1, set_of(1, -1)), "orphaned");
	config.delay = S(40);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(230)); /* the later of both */
	config.delay = 0;
	config.now = S(220);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
}
END_TEST

START_TEST(what_is_left_of_a_failover_is_not_held_down)
{
	trio[1].moved_at = S(199);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	trio[1].gone_since = S(200); /* when a leader that has just started first looked */
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	trio[1].never_seen = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
}
END_TEST

START_TEST(a_member_that_was_never_seen_is_awaited_for_the_start_delay)
{
	config.start_delay = S(60);
	config.hold_down = 0;
	trio[1].gone_since = S(190);
	trio[1].never_seen = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	ck_assert_int_eq(planner_wakeup(p), S(250));
	ck_assert_str_eq(verdict(1, 1, set_of(1, -1)), "waits");
	trio[1].moved_at = S(140); /* of another time */
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "waits");
	trio[1].moved_at = S(141); /* another leader has begun */
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	trio[1].moved_at = 0;
	trio[1].draining = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	trio[1].draining = trio[1].never_seen = false;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	trio[1].never_seen = true;
	config.now = S(250);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, -1)), "moves");
	ck_assert_str_eq(verdict(2, 1, set_of(1, -1)), "orphaned");
}
END_TEST

START_TEST(who_is_held_down_is_chosen_last)
{
	trio[0].moved_at = S(150);
	trio[2].nodes = 100;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, 1, 2, -1)), "moves");
	ck_assert_uint_eq(move(0)->to, 2);
	ck_assert_str_eq(verdict(2, 1, set_of(0, 1, -1)), "moves");
	ck_assert_uint_eq(move(1)->to, 0);
	config.now = S(210);
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(0, 1, 2, -1)), "moves");
	ck_assert_uint_eq(move(0)->to, 0);
}
END_TEST

START_TEST(a_drain_moves_at_once_and_does_not_mind_who_is_gone_or_held_down)
{
	trio[0].draining = true;
	trio[1].draining = true;
	trio[1].moved_at = S(150);
	trio[1].gone_since = S(199);
	config.delay = S(100);
	begin();
	ck_assert_str_eq(verdict(1, 0, set_of(0, 2, -1)), "moves");
	ck_assert_str_eq(verdict(2, 1, set_of(0, 1, 2, -1)), "moves");
	ck_assert_str_eq(planner_cause_name(move(0)->cause), "drain");
	ck_assert_str_eq(planner_cause_name(move(1)->cause), "drain");
	ck_assert_uint_eq(move(0)->to, 2);
	ck_assert(planner_wakeup(p) == USEC_NEVER);
}
END_TEST

START_TEST(a_drain_leaves_what_no_other_can_take)
{
	trio[0].draining = true;
	begin();
	ck_assert_str_eq(verdict(1, 0, set_of(0, 1, -1)), "kept");
	ck_assert_str_eq(verdict(2, 0, set_of(1, -1)), "kept");
	ck_assert_uint_eq(planner_count(p, 0, PLANNER_KEPT), 2);
	trio[0].active = false;
	begin();
	ck_assert_str_eq(verdict(1, 0, set_of(0, 1, -1)), "orphaned");
}
END_TEST

START_TEST(a_node_without_a_manager_is_nobodys)
{
	begin();
	ck_assert_str_eq(verdict(1, PLANNER_NOBODY, set_of(0, 1, -1)), "unmanaged");
	ck_assert_uint_eq(planner_count(p, PLANNER_NOBODY, PLANNER_UNMANAGED), 1);
	ck_assert_uint_eq(n_moves(), 0);
}
END_TEST

START_TEST(verdicts_are_counted_by_manager_and_in_all)
{
	trio[1].nodes = 1;
	begin();
	ck_assert_str_eq(verdict(1, 0, PLANNER_NONE), "stays");
	ck_assert_str_eq(verdict(2, 2, PLANNER_NONE), "stays");
	ck_assert_str_eq(verdict(3, 1, set_of(0, -1)), "moves");
	ck_assert_str_eq(verdict(4, PLANNER_NOBODY, PLANNER_NONE), "unmanaged");
	ck_assert_uint_eq(planner_count(p, 3, PLANNER_STAYS), 2);
	ck_assert_uint_eq(planner_count(p, 0, PLANNER_STAYS), 1);
	ck_assert_uint_eq(planner_count(p, 1, PLANNER_MOVES), 1);
	ck_assert_uint_eq(planner_count(p, 3, PLANNER_MOVES), 1);
	ck_assert_uint_eq(planner_count(p, 3, PLANNER_UNMANAGED), 1);
	ck_assert_uint_eq(planner_count(p, 0, PLANNER_UNMANAGED), 0);
	ck_assert_str_eq(planner_member(p, 1)->name, "mgt2");
}
END_TEST

START_TEST(candidates_that_are_no_members_make_an_orphan)
{
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(-1)), "orphaned");
	ck_assert_str_eq(verdict(2, 0, set_of(-1)), "stays");
	trio[1].draining = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(70, -1)), "orphaned");
	trio[1].active = true;
	begin();
	ck_assert_str_eq(verdict(1, 1, set_of(-1)), "kept");
	ck_assert_str_eq(verdict(2, 0, set_of(-1)), "stays");
	while (!planner_balance(p, SIZE_MAX))
		;
	ck_assert_uint_eq(n_moves(), 0);
}
END_TEST

START_TEST(equal_sets_have_one_number)
{
	uint32_t a, b;

	begin();
	a = set_of(0, 2, -1);
	b = set_of(0, 1, -1);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(set_of(0, 2, 100, 1000, -1), a); /* those are no members */
	ck_assert_uint_eq(set_of(3, 64, -1), set_of(-1));
	ck_assert_uint_ne(set_of(-1), a);
	ck_assert_uint_ne(set_of(-1), PLANNER_NONE);
	ck_assert_uint_eq(set_of(0, 1, -1), b);
}
END_TEST

START_TEST(sets_of_far_members_are_told_apart)
{
	CLEANUP(freep) struct planner_member *many = xcalloc(200, sizeof(*many));
	uint32_t numbers[200];

	for (int i = 0; i < 200; i++)
		many[i] = (struct planner_member){.name = "m", .active = i != 5, .nodes = 9};
	config.members = many;
	config.n = 200;
	begin();
	for (int i = 0; i < 200; i++)
		numbers[i] = set_of(i, -1);
	for (int i = 0; i < 200; i++) {
		ck_assert_uint_eq(set_of(i, -1), numbers[i]);
		for (int k = 0; k < i; k++)
			ck_assert_uint_ne(numbers[k], numbers[i]);
	}
	for (uint32_t i = 0; i < 200; i++)
		ck_assert_str_eq(verdict(i, 5, numbers[i]), i == 5 ? "orphaned" : "moves");
	ck_assert_uint_eq(move(0)->to, 0);
	ck_assert_uint_eq(move(198)->to, 199);
	ck_assert_str_eq(verdict(200, 5, set_of(7, 63, 64, 199, -1)), "moves");
	ck_assert_uint_eq(move(199)->to, 7);
}
END_TEST

START_TEST(there_is_a_ceiling_of_sets)
{
	CLEANUP(freep) struct planner_member *many = xcalloc(20, sizeof(*many));
	struct bitset set = BITSET_INIT;
	uint32_t given = 0;

	for (int i = 0; i < 20; i++)
		many[i] = (struct planner_member){.name = "m", .active = true};
	config.members = many;
	config.n = 20;
	begin();
	for (uint32_t bits = 1; bits < PLANNER_SETS_MAX + 100; bits++) {
		bitset_reset(&set);
		for (uint32_t i = 0; i < 20; i++)
			if (bits >> i & 1)
				bitset_add(&set, i);
		given += planner_set(p, &set) != PLANNER_NONE;
	}
	ck_assert_uint_eq(given, PLANNER_SETS_MAX);
	bitset_reset(&set);
	bitset_add(&set, 0);
	ck_assert_uint_eq(planner_set(p, &set), 0); /* those that are known go on */
	bitset_done(&set);
}
END_TEST

/* ---- time ---- */

/* Processor time of n nodes that all move. */
static double seconds_for(uint32_t n)
{
	clock_t began = clock();

	begin();
	for (uint32_t i = 0; i < n; i++)
		planner_add(p, i, 1, set_of(0, 1, 2, -1));
	ck_assert_uint_eq(n_moves(), n);
	ck_assert_uint_le(planner_load(p, 0) - planner_load(p, 2), 1);
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

START_TEST(twenty_thousand_nodes_take_no_longer_each_than_a_thousand)
{
	double few = 1, many = 1;

	trio[1].nodes = 20000;
	for (int i = 0; i < 5; i++) {
		double t = seconds_for(2000);

		few = t < few ? t : few;
		t = seconds_for(20000);
		many = t < many ? t : many;
	}
	/* ten times as many; a hundred times as long if it were quadratic */
	ck_assert_double_lt(many, few * 30 + 0.005);
}
END_TEST

static Suite *planner_suite(void)
{
	Suite *s = suite_create("planner");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nodes_of_a_member_that_is_there_stay);
	tcase_add_test(
		tc, nodes_of_a_member_that_is_gone_go_to_the_candidate_with_the_fewest_nodes);
	tcase_add_test(tc, a_node_without_candidates_is_never_moved);
	tcase_add_test(tc, a_node_whose_candidates_are_all_gone_is_orphaned);
	tcase_add_test(tc, a_member_that_is_drained_is_no_candidate);
	tcase_add_test(tc, the_delay_is_waited_for);
	tcase_add_test(tc, who_was_never_there_is_gone_for_any_delay);
	tcase_add_test(tc, the_first_that_waits_wakes_up);
	tcase_add_test(tc, a_member_that_comes_back_and_goes_again_is_held_down);
	tcase_add_test(tc, what_is_left_of_a_failover_is_not_held_down);
	tcase_add_test(tc, a_member_that_was_never_seen_is_awaited_for_the_start_delay);
	tcase_add_test(tc, who_is_held_down_is_chosen_last);
	tcase_add_test(tc, a_drain_moves_at_once_and_does_not_mind_who_is_gone_or_held_down);
	tcase_add_test(tc, a_drain_leaves_what_no_other_can_take);
	tcase_add_test(tc, a_node_without_a_manager_is_nobodys);
	tcase_add_test(tc, verdicts_are_counted_by_manager_and_in_all);
	tcase_add_test(tc, candidates_that_are_no_members_make_an_orphan);
	tcase_add_test(tc, equal_sets_have_one_number);
	tcase_add_test(tc, sets_of_far_members_are_told_apart);
	tcase_add_test(tc, there_is_a_ceiling_of_sets);
	tcase_add_test(tc, twenty_thousand_nodes_take_no_longer_each_than_a_thousand);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, laws_case());
	suite_add_tcase(s, balance_case());
	return s;
}

SUITE_MAIN(planner_suite)
