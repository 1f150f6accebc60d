/* The leader's work on managers, step by step: who does anything, and when. */
#include "config.h"

#include "core/failover.h"

#include "tests/lib/suite.h"
#include "tests/unit/test_core_failover.h"
#include "tests/unit/test_core_failover_rig.h"

/* ---- who does anything ---- */

START_TEST(only_a_leader_with_a_current_copy_that_is_not_paused_plans)
{
	ck_assert_str_eq(state(), "following");
	ck_assert_str_eq(next(), "");
	view.acting = false;
	look();
	check_idle("following");
	view.acting = true;
	view.live = false;
	look();
	check_idle("blind");
	view.live = view.paused = true;
	look();
	check_idle("paused");
	view.live = false;
	look();
	check_idle("blind");
	view = (struct failover_view){.acting = true, .live = true};
	look();
	ck_assert_str_eq(state(), "planning");
	ck_assert_str_eq(next(), "plan");
	check_idle("planning");
	planned(0);
	check_idle("watching");
}
END_TEST

START_TEST(every_state_is_left_when_leadership_is)
{
	static const size_t many = 50;

	for (int i = 0; i < 7; i++) {
		failover_teardown();
		failover_setup();
		if (i)
			look();
		if (i == 1)
			view.live = false;
		if (i == 2)
			view.paused = true;
		if (i >= 3)
			ck_assert_str_eq(next(), "plan");
		if (i == 3)
			planned(0);
		if (i == 4)
			planned(many);
		if (i == 5)
			planned_later(now + MS(100));
		look();
		view.acting = false;
		look();
		ck_assert_str_eq(state(), "following");
		if (i == 6)
			ck_assert_str_eq(next(), "abandon");
		check_idle("following");
	}
}
END_TEST

/* ---- the happy path ---- */

START_TEST(moves_go_out_in_lanes_and_are_looked_at_again)
{
	size_t done, all;

	begin(500);
	ck_assert_str_eq(state(), "moving");
	ck_assert_str_eq(reason(), "500 nodes to move");
	for (unsigned i = 0; i < FAILOVER_LANES; i++)
		ck_assert_uint_eq(send(i * 112, 112), i);
	ck_assert_str_eq(next(), "");
	applied(2, 12);
	ck_assert_uint_eq(send(448, 52), 2);
	check_idle("moving");
	applied(0, 11);
	applied(1, 13);
	failover_progress(f, &done, &all);
	ck_assert_uint_eq(done, 336);
	ck_assert_uint_eq(all, 500);
	applied(3, 15);
	check_idle("moving");
	applied(2, 14);
	ck_assert_str_eq(state(), "planning");
	ck_assert_str_eq(reason(), "500 of 500 nodes moved");
	failover_progress(f, &done, &all);
	ck_assert_uint_eq(all, 0);
	/* not before the copy has seen all of it */
	view.revision = 14;
	look();
	check_idle("planning");
	ck_assert_str_eq(trouble(), "waiting for the copy of the database to reach revision 15");
	view.revision = 15;
	look();
	ck_assert_str_eq(trouble(), "");
	plan(0);
	check_idle("watching");
	ck_assert_str_eq(reason(), "nothing is to move");
}
END_TEST

START_TEST(one_lane_is_one_transaction_after_the_other)
{
	struct failover_plan p = {.moves = moves,
		.n = 300,
		.one_lane = true,
		.wakeup = USEC_NEVER,
		.serial = 1,
		.revision = 10};

	look();
	ck_assert_str_eq(next(), "plan");
	failover_planned(f, now, &p);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(send(i * 112, i == 2 ? 76 : 112), 0);
		ck_assert_str_eq(next(), "");
		applied(0, 11);
	}
	ck_assert_str_eq(state(), "planning");
}
END_TEST

START_TEST(what_did_not_go_into_a_batch_comes_again)
{
	begin(200);
	ck_assert_str_eq(next(), "batch");
	failover_sent(f, now, action.lane, 40);
	ck_assert_uint_eq(send(40, 112), 1);
	ck_assert_uint_eq(send(152, 48), 2);
	ck_assert_str_eq(next(), "");
	applied(0, 11);
	applied(1, 11);
	applied(2, 11);
	ck_assert_str_eq(reason(), "200 of 200 nodes moved");
}
END_TEST

START_TEST(a_batch_that_was_not_sent_loses_its_first_move)
{
	begin(3);
	ck_assert_str_eq(next(), "batch");
	failover_sent(f, now, action.lane, 0);
	ck_assert_uint_eq(send(1, 2), 0);
	applied(0, 11);
	ck_assert_str_eq(reason(), "2 of 3 nodes moved");
}
END_TEST

START_TEST(when_nothing_can_be_sent_there_is_a_pause)
{
	begin(2);
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(next(), "batch");
		failover_sent(f, now, action.lane, 0);
	}
	ck_assert_str_eq(state(), "waiting");
	ck_assert_str_eq(next(), "");
	ck_assert_int_ge(failover_wakeup(f), now + MS(18));
	now = failover_wakeup(f);
	plan(0);
	check_idle("watching");
}
END_TEST

/* ---- when to look ---- */

START_TEST(what_waits_is_looked_at_when_it_is_due)
{
	look();
	ck_assert_str_eq(next(), "plan");
	planned_later(now + MS(4000));
	ck_assert_str_eq(state(), "waiting");
	ck_assert_str_eq(reason(), "nodes are to move in 4.0s");
	ck_assert_str_eq(next(), "");
	ck_assert_int_eq(failover_wakeup(f), now + MS(4000));
	now += MS(4000);
	look();
	ck_assert_str_eq(next(), "plan");
	ck_assert_str_eq(state(), "planning");
	planned(1);
	ck_assert_str_eq(state(), "moving");
}
END_TEST

START_TEST(another_picture_is_looked_at_at_once)
{
	begin(0);
	view.serial++;
	look();
	ck_assert_str_eq(state(), "planning");
	plan(0);
	view.revision++;
	look();
	check_idle("watching");
}
END_TEST

START_TEST(changes_of_nodes_are_looked_at_a_tenth_of_the_time)
{
	look();
	ck_assert_str_eq(next(), "plan");
	now += MS(30);
	planned(0);
	failover_stir(f, now);
	ck_assert_str_eq(next(), "");
	ck_assert_int_eq(failover_wakeup(f), now + MS(300));
	now += MS(299);
	ck_assert_str_eq(next(), "");
	now += MS(1);
	ck_assert_str_eq(next(), "plan");
	ck_assert_str_eq(state(), "watching"); /* nobody is told of each look */
	planned(0);
	now += MS(1000);
	check_idle("watching");
	failover_stir(f, now);
	plan(5); /* at once, when there was none for long */
	ck_assert_str_eq(state(), "moving");
}
END_TEST

START_TEST(changes_of_nodes_while_a_plan_is_made_are_looked_at_afterwards)
{
	look();
	ck_assert_str_eq(next(), "plan");
	failover_stir(f, now);
	now += MS(10);
	planned(0);
	ck_assert_int_eq(failover_wakeup(f), now + MS(100));
	now += MS(100);
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(a_change_of_the_picture_does_not_wait_for_its_share_of_time)
{
	look();
	ck_assert_str_eq(next(), "plan");
	now += MS(1000);
	planned(0);
	failover_stir(f, now);
	view.serial++;
	look();
	plan(0);
}
END_TEST

START_TEST(what_is_due_counts_beside_changes_of_nodes)
{
	look();
	ck_assert_str_eq(next(), "plan");
	planned_later(now + MS(50));
	failover_stir(f, now);
	now += MS(50);
	ck_assert_str_eq(next(), "plan");
	ck_assert_str_eq(state(), "planning");
}
END_TEST

START_TEST(a_look_because_of_nodes_may_find_that_something_is_to_wait)
{
	begin(0);
	failover_stir(f, now);
	ck_assert_str_eq(next(), "plan");
	planned_later(now + MS(50));
	ck_assert_str_eq(state(), "waiting");
	failover_stir(f, now);
	ck_assert_str_eq(next(), "plan");
	planned(0);
	check_idle("watching");
}
END_TEST

static Suite *failover_suite(void)
{
	Suite *s = suite_create("failover");
	TCase *tc = tcase_create("steps");

	tcase_add_checked_fixture(tc, failover_setup, failover_teardown);
	tcase_add_test(tc, only_a_leader_with_a_current_copy_that_is_not_paused_plans);
	tcase_add_test(tc, every_state_is_left_when_leadership_is);
	tcase_add_test(tc, moves_go_out_in_lanes_and_are_looked_at_again);
	tcase_add_test(tc, one_lane_is_one_transaction_after_the_other);
	tcase_add_test(tc, what_did_not_go_into_a_batch_comes_again);
	tcase_add_test(tc, a_batch_that_was_not_sent_loses_its_first_move);
	tcase_add_test(tc, when_nothing_can_be_sent_there_is_a_pause);
	tcase_add_test(tc, what_waits_is_looked_at_when_it_is_due);
	tcase_add_test(tc, another_picture_is_looked_at_at_once);
	tcase_add_test(tc, changes_of_nodes_are_looked_at_a_tenth_of_the_time);
	tcase_add_test(tc, changes_of_nodes_while_a_plan_is_made_are_looked_at_afterwards);
	tcase_add_test(tc, a_change_of_the_picture_does_not_wait_for_its_share_of_time);
	tcase_add_test(tc, what_is_due_counts_beside_changes_of_nodes);
	tcase_add_test(tc, a_look_because_of_nodes_may_find_that_something_is_to_wait);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, failover_changes_case());
	suite_add_tcase(s, failover_world_case());
	return s;
}

SUITE_MAIN(failover_suite)
