/* The leader's work on managers, step by step: the picture changes meanwhile, and what does not succeed. */
#include "config.h"

#include "core/failover.h"

#include "tests/lib/suite.h"
#include "tests/unit/test_core_failover.h"
#include "tests/unit/test_core_failover_rig.h"

/* ---- the picture changes meanwhile ---- */

START_TEST(a_plan_for_another_picture_is_abandoned)
{
	look();
	ck_assert_str_eq(next(), "plan");
	view.serial++;
	look();
	ck_assert_str_eq(next(), "abandon");
	planned(7); /* nobody waits for it any more, but who knows: there is another now */
	ck_assert_str_eq(next(), "plan");
	planned(7);
	ck_assert_str_eq(state(), "moving");
}
END_TEST

START_TEST(a_plan_that_was_made_before_the_change_was_told_is_worthless)
{
	struct failover_plan p = {
		.moves = moves, .n = 5, .wakeup = USEC_NEVER, .serial = 1, .revision = 10};

	look();
	ck_assert_str_eq(next(), "plan");
	view.serial++;
	look();
	failover_planned(f, now, &p);
	ck_assert_str_eq(state(), "planning");
	now = failover_wakeup(f);
	ck_assert_str_eq(next(), "plan");
	failover_planned(f, now, &p); /* and so it is when it is the owner's mistake */
	ck_assert_str_eq(state(), "planning");
	ck_assert_int_gt(failover_wakeup(f), now);
	now = failover_wakeup(f);
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(a_plan_from_before_its_own_writes_is_worthless)
{
	struct failover_plan p = {
		.moves = moves, .n = 5, .wakeup = USEC_NEVER, .serial = 1, .revision = 11};

	begin(5);
	applied(send(0, 5), 12);
	view.revision = 12;
	look();
	ck_assert_str_eq(next(), "plan");
	failover_planned(f, now, &p);
	ck_assert_str_eq(state(), "planning");
	now = failover_wakeup(f);
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(a_plan_of_a_leadership_that_has_ended_is_worthless)
{
	look();
	ck_assert_str_eq(next(), "plan");
	view.acting = false;
	look();
	view.acting = true;
	look();
	planned(5);
	ck_assert_str_eq(state(), "planning");
	now = failover_wakeup(f);
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(what_was_not_sent_is_given_up_for_another_picture)
{
	unsigned lane;

	begin(1000);
	lane = send(0, 112);
	view.serial++;
	look();
	check_idle("moving"); /* until the batch has ended */
	applied(lane, 20);
	ck_assert_str_eq(reason(), "112 of 1000 nodes moved");
	check_idle("planning");
	view.revision = 20;
	look();
	plan(888);
	ck_assert_str_eq(state(), "moving");
}
END_TEST

START_TEST(when_nothing_is_under_way_another_picture_is_looked_at_at_once)
{
	begin(1000);
	view.serial++;
	look();
	ck_assert_str_eq(state(), "planning");
	plan(1);
}
END_TEST

START_TEST(nothing_is_sent_without_leadership)
{
	unsigned lane;

	begin(1000);
	lane = send(0, 112);
	view.acting = false;
	look();
	check_idle("following");
	ck_assert_str_eq(reason(), "this member does not lead any more (0 of 1000 nodes moved)");
	/* leads again, and the batch of before is still under way */
	view.acting = true;
	look();
	check_idle("planning");
	applied(lane, 15);
	view.revision = 15;
	look();
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(a_batch_in_hand_when_leadership_ends_does_not_come_again)
{
	begin(100);
	ck_assert_str_eq(next(), "batch");
	view.acting = false;
	look();
	failover_sent(f, now, action.lane, 50);
	check_idle("following");
	applied(action.lane, 12);
	check_idle("following");
	view.acting = true;
	look();
	check_idle("planning");
	view.revision = 12;
	look();
	plan(0);
}
END_TEST

START_TEST(a_batch_in_hand_when_the_picture_changes_does_not_come_again)
{
	unsigned lane;

	begin(300);
	lane = send(0, 112);
	ck_assert_str_eq(next(), "batch");
	view.serial++;
	look();
	failover_sent(f, now, action.lane, 50);
	check_idle("moving");
	applied(action.lane, 10);
	applied(lane, 10);
	ck_assert_str_eq(reason(), "162 of 300 nodes moved");
	plan(138);
}
END_TEST

START_TEST(there_is_one_batch_in_hand_at_a_time)
{
	begin(300);
	ck_assert_str_eq(next(), "batch");
	ck_assert_str_eq(next(), "");
	failover_sent(f, now, action.lane, 112);
	ck_assert_str_eq(next(), "batch");
}
END_TEST

START_TEST(a_pause_stops_what_was_not_sent)
{
	unsigned lane;

	begin(200);
	lane = send(0, 112);
	view.paused = true;
	look();
	check_idle("paused");
	failover_stir(f, now);
	applied(lane, 12);
	check_idle("paused");
	view.paused = false;
	view.revision = 12;
	look();
	plan(88);
	(void)send(0, 88);
}
END_TEST

START_TEST(a_copy_that_is_not_current_stops_too)
{
	begin(200);
	view.live = false;
	look();
	check_idle("blind");
	view.live = true;
	look();
	plan(200);
}
END_TEST

/* ---- what does not succeed ---- */

START_TEST(a_conflict_makes_batches_smaller_and_success_larger)
{
	begin(1000);
	conflict(send(0, 112), 11);
	conflict(send(112, 56), 12);
	ck_assert_str_eq(trouble(), "somebody was faster");
	applied(send(168, 28), 13);
	applied(send(196, 56), 14);
	applied(send(252, 112), 15);
	(void)send(364, 112);
}
END_TEST

START_TEST(what_was_in_conflict_is_looked_at_when_the_copy_knows_why)
{
	unsigned a, b;

	begin(200);
	a = send(0, 112);
	b = send(112, 88);
	conflict(a, 25);
	applied(b, 12);
	ck_assert_str_eq(state(), "planning");
	ck_assert_str_eq(reason(), "88 of 200 nodes moved");
	view.revision = 24;
	look();
	check_idle("planning");
	view.revision = 25;
	look();
	plan(112);
}
END_TEST

START_TEST(who_is_refused_pauses_longer_and_longer)
{
	usec_t last = 0;

	look();
	for (int i = 0; i < 8; i++) {
		usec_t began = now, pause;
		unsigned lane;

		plan(200);
		lane = send(0, 112);
		failover_ended(f, now, lane, FAILOVER_REFUSED, 0, "etcd has no space");
		ck_assert_str_eq(state(), "waiting");
		ck_assert_str_eq(trouble(), "etcd has no space");
		ck_assert_str_eq(next(), ""); /* the rest was given up */
		pause = failover_wakeup(f) - began;
		ck_assert_int_ge(pause, MS(18));
		ck_assert_int_le(pause, MS(640 * 11 / 10));
		if (i < 6)
			ck_assert_int_gt(pause, last);
		last = pause;
		now = began + pause;
	}
	plan(1);
	applied(send(0, 1), 11);
	view.revision = 11;
	look();
	plan(0);
	check_idle("watching");
}
END_TEST

START_TEST(an_unknown_outcome_is_waited_for_with_the_others_and_looked_at)
{
	unsigned a, b;

	begin(300);
	a = send(0, 112);
	b = send(112, 112);
	failover_ended(f, now, a, FAILOVER_UNKNOWN, 0, "no answer");
	check_idle("moving");
	applied(b, 30);
	ck_assert_str_eq(state(), "waiting");
	ck_assert_str_eq(next(), "");
	now += MS(30);
	view.revision = 30;
	look();
	plan(188);
}
END_TEST

START_TEST(a_failure_long_after_the_plan_is_followed_at_once)
{
	unsigned lane;

	begin(10);
	lane = send(0, 10);
	now += MS(5000);
	failover_ended(f, now, lane, FAILOVER_UNKNOWN, 0, "no answer");
	ck_assert_str_eq(state(), "planning");
	plan(10);
}
END_TEST

TCase *failover_changes_case(void)
{
	TCase *tc = tcase_create("changes");

	tcase_add_checked_fixture(tc, failover_setup, failover_teardown);
	tcase_add_test(tc, a_plan_for_another_picture_is_abandoned);
	tcase_add_test(tc, a_plan_that_was_made_before_the_change_was_told_is_worthless);
	tcase_add_test(tc, a_plan_from_before_its_own_writes_is_worthless);
	tcase_add_test(tc, a_plan_of_a_leadership_that_has_ended_is_worthless);
	tcase_add_test(tc, what_was_not_sent_is_given_up_for_another_picture);
	tcase_add_test(tc, when_nothing_is_under_way_another_picture_is_looked_at_at_once);
	tcase_add_test(tc, nothing_is_sent_without_leadership);
	tcase_add_test(tc, a_batch_in_hand_when_leadership_ends_does_not_come_again);
	tcase_add_test(tc, a_batch_in_hand_when_the_picture_changes_does_not_come_again);
	tcase_add_test(tc, there_is_one_batch_in_hand_at_a_time);
	tcase_add_test(tc, a_pause_stops_what_was_not_sent);
	tcase_add_test(tc, a_copy_that_is_not_current_stops_too);
	tcase_add_test(tc, a_conflict_makes_batches_smaller_and_success_larger);
	tcase_add_test(tc, what_was_in_conflict_is_looked_at_when_the_copy_knows_why);
	tcase_add_test(tc, who_is_refused_pauses_longer_and_longer);
	tcase_add_test(tc, an_unknown_outcome_is_waited_for_with_the_others_and_looked_at);
	tcase_add_test(tc, a_failure_long_after_the_plan_is_followed_at_once);
	return tc;
}
