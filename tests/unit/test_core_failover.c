/* The leader's work on managers, step by step. */
#include "config.h"

#include "core/failover.h"

#include <string.h>

#include "base/macros.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_core_failover.h"

#define MS(n) ((n)*USEC_PER_MSEC)
#define ALL   1000

static struct failover *f;
static struct failover_view view;
static struct planner_move moves[ALL];
static struct failover_action action;
static usec_t now;

static void setup(void)
{
	now = MS(1000);
	f = failover_new(1, now, NULL, NULL);
	view = (struct failover_view){.acting = true, .live = true, .revision = 10, .serial = 1};
	for (uint32_t i = 0; i < ALL; i++)
		moves[i] = (struct planner_move){.node = i, .from = 1, .to = 2};
}

static void teardown(void)
{
	failover_free(f);
}

static const char *state(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.state;
}

static const char *reason(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.reason;
}

static const char *trouble(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.trouble;
}

static void look(void)
{
	failover_look(f, now, &view);
}

/* What it wants now: "plan", "abandon", "batch", "" for nothing. */
static const char *next(void)
{
	static const char *const kinds[] = {
		[FAILOVER_PLAN] = "plan",
		[FAILOVER_ABANDON] = "abandon",
		[FAILOVER_BATCH] = "batch",
	};

	return failover_next(f, now, &action) ? kinds[action.kind] : "";
}

static void planned(size_t n)
{
	struct failover_plan plan = {.moves = moves,
		.n = n,
		.wakeup = USEC_NEVER,
		.revision = view.revision,
		.serial = view.serial};

	failover_planned(f, now, &plan);
}

static void planned_later(usec_t wakeup)
{
	struct failover_plan plan = {
		.wakeup = wakeup, .revision = view.revision, .serial = view.serial};

	failover_planned(f, now, &plan);
}

/* The next batch, sent whole. Its lane. */
static unsigned send(size_t first, size_t n)
{
	ck_assert_str_eq(next(), "batch");
	ck_assert_uint_eq(action.n, n);
	ck_assert_uint_eq(action.moves[0].node, first);
	failover_sent(f, now, action.lane, n);
	return action.lane;
}

static void applied(unsigned lane, int64_t revision)
{
	failover_ended(f, now, lane, FAILOVER_APPLIED, revision, NULL);
}

static void conflict(unsigned lane, int64_t revision)
{
	failover_ended(f, now, lane, FAILOVER_CONFLICT, revision, "somebody was faster");
}

/* A plan with n moves, and nothing else wanted. */
static void plan(size_t n)
{
	ck_assert_str_eq(next(), "plan");
	ck_assert_str_eq(next(), "");
	planned(n);
}

static void check_idle(const char *in)
{
	ck_assert_str_eq(next(), "");
	ck_assert(failover_wakeup(f) == USEC_NEVER);
	ck_assert_str_eq(state(), in);
}

static void begin(size_t n)
{
	look();
	plan(n);
}

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

	for (int i = 0; i < 6; i++) {
		failover_free(f);
		setup();
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
		if (*next())
			ck_assert_int_eq(action.kind, FAILOVER_ABANDON);
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

static Suite *failover_suite(void)
{
	Suite *s = suite_create("failover");
	TCase *tc = tcase_create("steps");

	tcase_add_checked_fixture(tc, setup, teardown);
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
	tcase_add_test(tc, a_plan_for_another_picture_is_abandoned);
	tcase_add_test(tc, a_plan_that_was_made_before_the_change_was_told_is_worthless);
	tcase_add_test(tc, what_was_not_sent_is_given_up_for_another_picture);
	tcase_add_test(tc, when_nothing_is_under_way_another_picture_is_looked_at_at_once);
	tcase_add_test(tc, nothing_is_sent_without_leadership);
	tcase_add_test(tc, a_batch_in_hand_when_leadership_ends_does_not_come_again);
	tcase_add_test(tc, a_pause_stops_what_was_not_sent);
	tcase_add_test(tc, a_copy_that_is_not_current_stops_too);
	tcase_add_test(tc, a_conflict_makes_batches_smaller_and_success_larger);
	tcase_add_test(tc, what_was_in_conflict_is_looked_at_when_the_copy_knows_why);
	tcase_add_test(tc, who_is_refused_pauses_longer_and_longer);
	tcase_add_test(tc, an_unknown_outcome_is_waited_for_with_the_others_and_looked_at);
	tcase_add_test(tc, a_failure_long_after_the_plan_is_followed_at_once);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, failover_world_case());
	return s;
}

SUITE_MAIN(failover_suite)
