/*
 * What comes after the election: pulses, repairs, clearing, resigning, restarting.
 */
#include "config.h"

#include "base/macros.h"
#include "tests/unit/test_core.h"

START_TEST(a_key_overwritten_by_hand_is_repaired)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_leader(&r, "somebody", LEADER_REV, 30, 0);
	ck_state(&r, "leader", "confirming");
	ck_assert(!coord_acting(r.core, r.now));
	rig_pass(&r, MS(1));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, 31);
	action = rig_take(&r, ACTION_REPAIR);
	ck_assert_int_eq(action.leader_rev, LEADER_REV);
	ck_assert_int_eq(action.record_rev, RECORD_REV);
	ck_assert_int_eq(action.active_rev, ACTIVE_REV);
	ck_assert_int_eq(action.lease, r.lease);
	if (_i == 0) {
		rig_answer(&r, &action, OUTCOME_OK, 32);
		ck_state(&r, "leader", "leader");
		ck_assert(coord_acting(r.core, r.now));
	} else {
		r.leader = (struct key_info){.present = true,
			.create_rev = 33,
			.mod_rev = 33,
			.lease = 77,
			.value = "other1"};
		rig_answer(&r, &action, OUTCOME_REFUSED, 34);
		ck_state(&r, "leader", "follower");
	}
	rig_stop(&r);
}
END_TEST

START_TEST(a_repair_of_unknown_outcome_is_read_again)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_leader(&r, "somebody", LEADER_REV, 30, 0);
	rig_pass(&r, MS(1));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, 31);
	action = rig_take(&r, ACTION_REPAIR);
	rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	ck_state(&r, "leader", "confirming");
	rig_pass(&r, MS(1));
	action = rig_take(&r, ACTION_CONFIRM);
	r.leader.value = "me";
	r.leader.lease = r.lease;
	r.leader.mod_rev = 32;
	rig_answer(&r, &action, OUTCOME_OK, 33);
	ck_state(&r, "leader", "leader");
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_put_by_hand_that_is_nobodys_is_cleared_after_a_third_of_the_ttl)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	/* without a lease, or under other1's */
	rig_leader(&r, "somebody", 9, 30, _i ? 77 : 0);
	rig_live(&r, MS(1999));
	ck_assert(!rig_has(&r, ACTION_CLEAR));
	rig_live(&r, MS(1001));
	action = rig_take(&r, ACTION_CLEAR);
	ck_assert_int_eq(action.leader_rev, 30);
	ck_assert_int_eq(action.record_rev, RECORD_REV);
	rig_answer(&r, &action, OUTCOME_OK, 1100);
	ck_state(&r, "leader", "waiting");
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_under_an_unknown_lease_is_left_to_it)
{
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_leader(&r, "other1", 9, 30, 4711);
	rig_live(&r, MS(20000));
	ck_assert(!rig_has(&r, ACTION_CLEAR));
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_that_is_repaired_in_time_is_not_cleared)
{
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_leader(&r, "somebody", 9, 30, 0);
	rig_live(&r, MS(1000));
	rig_leader(&r, "other1", 9, 31, 77);
	rig_live(&r, MS(20000));
	ck_assert(!rig_has(&r, ACTION_CLEAR));
	rig_stop(&r);
}
END_TEST

START_TEST(a_pulse_goes_out_each_15_s_and_is_fenced)
{
	struct action action;
	struct rig r;
	int i;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	for (i = 0; i < 5; i++) {
		rig_live(&r, MS(14900));
		ck_assert(!rig_has(&r, ACTION_PULSE));
		rig_live(&r, MS(100));
		action = rig_take(&r, ACTION_PULSE);
		ck_assert_int_eq(action.leader_rev, LEADER_REV);
		ck_assert_int_eq(action.lease, r.lease);
		ck_assert_int_eq(action.record_rev, RECORD_REV);
		ck_assert_int_eq(action.active_rev, ACTIVE_REV);
		rig_answer(&r, &action, i % 2 ? OUTCOME_ERROR : OUTCOME_OK, 50);
		ck_state(&r, "leader", "leader");
	}
	rig_stop(&r);
}
END_TEST

START_TEST(a_refused_pulse_tells_the_leader_the_truth)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_live(&r, MS(15000));
	action = rig_take(&r, ACTION_PULSE);
	r.leader = (struct key_info){.present = true,
		.create_rev = 1100,
		.mod_rev = 1100,
		.lease = 77,
		.value = "other1"};
	rig_answer(&r, &action, OUTCOME_REFUSED, 1101);
	ck_state(&r, "leader", "follower");
	rig_stop(&r);
}
END_TEST

START_TEST(resigning_hands_over_and_leaves_one_ttl_to_the_others)
{
	struct action action;
	struct rig r;
	usec_t resigned;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_event(&r, COORD_RESIGN);
	resigned = r.now;
	ck_assert(!coord_acting(r.core, r.now));
	ck_state(&r, "leader", "resigning");
	action = rig_take(&r, ACTION_RESIGN);
	r.leader = (struct key_info){0};
	rig_answer(&r, &action, OUTCOME_OK, 30);
	ck_state(&r, "leader", "follower");
	rig_live(&r, TTL * USEC_PER_SEC - (r.now - resigned) - 1);
	ck_state(&r, "leader", "follower");
	rig_live(&r, MS(101));
	ck_assert(rig_has(&r, ACTION_CAMPAIGN));
	rig_stop(&r);
}
END_TEST

START_TEST(who_resigned_leads_again_when_nobody_else_is_left)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_event(&r, COORD_RESIGN);
	action = rig_take(&r, ACTION_RESIGN);
	r.leader = (struct key_info){0};
	rig_answer(&r, &action, OUTCOME_OK, 30);
	rig_live(&r, MS(500));
	rig_other_active(&r, "other1", false, 40);
	ck_assert(rig_has(&r, ACTION_CAMPAIGN));
	rig_stop(&r);
}
END_TEST

static const enum outcome resignations[] = {OUTCOME_UNKNOWN, OUTCOME_ERROR, OUTCOME_REFUSED};

START_TEST(a_resignation_is_repeated_until_the_key_is_gone)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_event(&r, COORD_RESIGN);
	action = rig_take(&r, ACTION_RESIGN);
	rig_answer(&r, &action, resignations[_i], 30);
	ck_state(&r, "leader", "resigning");
	rig_pass(&r, MS(25));
	action = rig_take(&r, ACTION_RESIGN);
	r.leader = (struct key_info){0};
	rig_answer(&r, &action, OUTCOME_REFUSED, 31);
	ck_state(&r, "leader", "follower");
	rig_stop(&r);
}
END_TEST

START_TEST(who_does_not_lead_can_not_resign)
{
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_event(&r, COORD_RESIGN);
	ck_assert(!rig_has(&r, ACTION_RESIGN));
	rig_leader(&r, NULL, 0, 30, 0);
	ck_state(&r, "leader", "waiting");
	rig_stop(&r);
}
END_TEST

START_TEST(a_restart_within_the_ttl_keeps_leading)
{
	struct action action;
	struct rig r;

	rig_start(&r, 4711);
	r.active = (struct key_info){
		.present = true, .create_rev = 7, .mod_rev = 8, .lease = 4711, .instance = "run1"};
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 4711, .value = "me"};
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, TTL);
	ck_assert(!rig_has(&r, ACTION_RESIGN));
	rig_view(&r, VIEW_REV, 1);
	ck_assert(!rig_has(&r, ACTION_CAMPAIGN));
	action = rig_take(&r, ACTION_REGISTER);
	ck_assert(!coord_acting(r.core, r.now));
	r.active.mod_rev = ACTIVE_REV;
	r.active.instance = "run2";
	rig_answer(&r, &action, OUTCOME_OK, ACTIVE_REV);
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, ACTIVE_REV);
	ck_state(&r, "leader", "leader");
	ck_assert(coord_acting(r.core, r.now));
	rig_stop(&r);
}
END_TEST

START_TEST(without_anybody_to_hand_over_to_resigning_does_nothing)
{
	struct coord_event event = {.kind = COORD_MEMBER, .name = "other1"};
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_event(&r, COORD_RESIGN);
	ck_state(&r, "leader", "leader");
	/* Nor later, when somebody comes. */
	event.record =
		(struct record_info){.present = true, .mod_rev = 39, .valid = true, .voting = true};
	rig_input(&r, &event);
	rig_other_active(&r, "other1", true, 40);
	ck_assert(roster_find(coord_roster(r.core), "other1")->is_active);
	ck_state(&r, "leader", "leader");
	rig_stop(&r);
}
END_TEST

TCase *core_tenure_case(void)
{
	TCase *tc = tcase_create("tenure");

	tcase_add_loop_test(tc, a_key_overwritten_by_hand_is_repaired, 0, 2);
	tcase_add_test(tc, a_repair_of_unknown_outcome_is_read_again);
	tcase_add_loop_test(
		tc, a_key_put_by_hand_that_is_nobodys_is_cleared_after_a_third_of_the_ttl, 0, 2);
	tcase_add_test(tc, a_key_under_an_unknown_lease_is_left_to_it);
	tcase_add_test(tc, a_key_that_is_repaired_in_time_is_not_cleared);
	tcase_add_test(tc, a_pulse_goes_out_each_15_s_and_is_fenced);
	tcase_add_test(tc, a_refused_pulse_tells_the_leader_the_truth);
	tcase_add_test(tc, resigning_hands_over_and_leaves_one_ttl_to_the_others);
	tcase_add_test(tc, who_resigned_leads_again_when_nobody_else_is_left);
	tcase_add_loop_test(
		tc, a_resignation_is_repeated_until_the_key_is_gone, 0, ARRAY_SIZE(resignations));
	tcase_add_test(tc, who_does_not_lead_can_not_resign);
	tcase_add_test(tc, a_restart_within_the_ttl_keeps_leading);
	tcase_add_test(tc, without_anybody_to_hand_over_to_resigning_does_nothing);
	return tc;
}
