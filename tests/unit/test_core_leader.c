/*
 * Leadership: campaigning, suspending, confirming.
 */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "tests/unit/test_core.h"

START_TEST(a_campaign_compares_everything_it_is_based_on)
{
	struct coord_fence fence;
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	action = rig_take(&r, ACTION_CAMPAIGN);
	ck_assert_int_eq(action.record_rev, RECORD_REV);
	ck_assert_int_eq(action.active_rev, ACTIVE_REV);
	ck_assert_int_eq(action.lease, r.lease);
	ck_state(&r, "leader", "campaigning");
	ck_assert(!coord_acting(r.core, r.now));
	rig_answer(&r, &action, OUTCOME_OK, LEADER_REV);
	ck_state(&r, "leader", "leader");
	ck_assert(coord_acting(r.core, r.now));
	coord_fence(r.core, r.now, &fence);
	ck_assert(fence.may_write && fence.acting);
	ck_assert_int_eq(fence.leader_rev, LEADER_REV);
	ck_assert_int_eq(fence.record_rev, RECORD_REV);
	ck_assert_int_eq(fence.active_rev, ACTIVE_REV);
	ck_assert_int_eq(fence.lease, r.lease);
	ck_assert_str_eq(roster_leader_member(coord_roster(r.core))->name, "me");
	rig_stop(&r);
}
END_TEST

START_TEST(with_others_about_it_waits_a_random_while_of_at_most_100_ms)
{
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 2);
	ck_state(&r, "leader", "waiting");
	rig_pass(&r, MS(100));
	ck_assert(rig_has(&r, ACTION_CAMPAIGN));
	rig_stop(&r);
}
END_TEST

START_TEST(it_follows_while_somebody_leads_and_campaigns_when_the_key_is_gone)
{
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_live(&r, MS(60000));
	ck_state(&r, "leader", "follower");
	ck_assert(!rig_has(&r, ACTION_CAMPAIGN));
	rig_leader(&r, NULL, 0, 1100, 0);
	ck_state(&r, "leader", "waiting");
	rig_leader(&r, "other2", 1101, 1101, 78);
	ck_state(&r, "leader", "follower");
	ck_assert_ptr_nonnull(strstr(rig_reason(&r, "leader"), "the leader is other2"));
	rig_stop(&r);
}
END_TEST

START_TEST(a_member_without_a_vote_never_campaigns)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	r.record.voting = false;
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(&r, ACTION_SAVE_LEASE);
	rig_answer(&r, &action, OUTCOME_OK, 0);
	action = rig_take(&r, ACTION_REGISTER);
	r.active = (struct key_info){.present = true,
		.create_rev = ACTIVE_REV,
		.mod_rev = ACTIVE_REV,
		.lease = action.lease,
		.instance = "run2"};
	rig_answer(&r, &action, OUTCOME_OK, ACTIVE_REV);
	ck_state(&r, "membership", "active");
	rig_live(&r, MS(60000));
	ck_state(&r, "leader", "follower");
	ck_assert(!rig_has(&r, ACTION_CAMPAIGN));
	rig_stop(&r);
}
END_TEST

START_TEST(a_leader_that_loses_its_vote_resigns)
{
	struct coord_event event = {.kind = COORD_MEMBER, .name = "me"};
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	r.record.mod_rev = 30;
	r.record.voting = false;
	event.record = r.record;
	rig_input(&r, &event);
	ck_state(&r, "leader", "resigning");
	action = rig_take(&r, ACTION_RESIGN);
	ck_assert_int_eq(action.leader_rev, LEADER_REV);
	ck_assert_int_eq(action.active_rev, ACTIVE_REV);
	rig_stop(&r);
}
END_TEST

static const struct {
	enum outcome outcome;
	const char *leader; /* what the reads show */
	const char *state;
	bool again;
} campaigns[] = {
	{OUTCOME_REFUSED, "other1", "follower", false},
	{OUTCOME_REFUSED, "me", "leader", false}, /* an earlier attempt of ours */
	{OUTCOME_REFUSED, NULL, "campaigning", true},
	{OUTCOME_ERROR, NULL, "campaigning", true},
	{OUTCOME_EXISTS, NULL, "campaigning", true},
	{OUTCOME_UNKNOWN, NULL, "confirming", false},
	{OUTCOME_NOT_FOUND, NULL, "follower", false},
};

START_TEST(a_campaign_that_fails_is_understood)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	action = rig_take(&r, ACTION_CAMPAIGN);
	if (campaigns[_i].leader)
		r.leader = (struct key_info){.present = true,
			.create_rev = 15,
			.mod_rev = 15,
			.lease = r.lease,
			.value = campaigns[_i].leader};
	rig_answer(&r, &action, campaigns[_i].outcome, 20);
	ck_state(&r, "leader", campaigns[_i].state);
	ck_assert(coord_acting(r.core, r.now) == (strcmp(campaigns[_i].state, "leader") == 0));
	rig_pass(&r, MS(25));
	ck_assert(rig_has(&r, ACTION_CAMPAIGN) == campaigns[_i].again);
	rig_stop(&r);
}
END_TEST

static const struct {
	const char *leader;
	int64_t lease_offset;
	const char *state;
} unknowns[] = {
	{"me", 0, "leader"},
	{"me", 1, "follower"}, /* our name on another lease: not ours */
	{"other1", 1, "follower"},
	{NULL, 0, "waiting"},
};

START_TEST(an_unknown_outcome_is_read_not_assumed)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 1);
	rig_pass(&r, MS(100));
	action = rig_take(&r, ACTION_CAMPAIGN);
	rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	ck_state(&r, "leader", "confirming");
	ck_assert(!rig_has(&r, ACTION_CAMPAIGN));
	action = rig_take(&r, ACTION_CONFIRM);
	ck_assert(!coord_acting(r.core, r.now));
	if (unknowns[_i].leader)
		r.leader = (struct key_info){.present = true,
			.create_rev = 15,
			.mod_rev = 15,
			.lease = r.lease + unknowns[_i].lease_offset,
			.value = unknowns[_i].leader};
	rig_answer(&r, &action, OUTCOME_OK, 20);
	ck_state(&r, "leader", unknowns[_i].state);
	rig_stop(&r);
}
END_TEST

START_TEST(a_read_sent_before_it_was_needed_does_not_confirm)
{
	struct action early, action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 1);
	rig_pass(&r, MS(100));
	rig_pass(&r, MS(2200));
	early = rig_take(&r, ACTION_CONFIRM);
	action = rig_take(&r, ACTION_CAMPAIGN);
	rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	rig_answer(&r, &early, OUTCOME_OK, 12);
	ck_state(&r, "leader", "confirming");
	rig_pass(&r, MS(1));
	ck_assert(rig_has(&r, ACTION_CONFIRM));
	rig_stop(&r);
}
END_TEST

START_TEST(a_late_campaign_that_shows_up_in_the_watch_is_confirmed_first)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_leader(&r, "me", 30, 30, r.lease);
	ck_state(&r, "leader", "confirming");
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, 31);
	ck_state(&r, "leader", "leader");
	rig_stop(&r);
}
END_TEST

/* R4, step by step. */
static void suspend(struct rig *r)
{
	struct action action;

	rig_start(r, 0);
	rig_lead(r, 1);
	rig_pass(r, VALIDITY - MS(100));
	ck_state(r, "leader", "suspended");
	ck_state(r, "lease", "suspended");
	action = rig_take(r, ACTION_KEEPALIVE);
	rig_ttl(r, &action, TTL);
	while (!strcmp(rig_state(r, "lease"), "suspended")) {
		rig_pass(r, MS(1));
		action = rig_take(r, ACTION_KEEPALIVE);
		rig_ttl(r, &action, TTL);
	}
	ck_state(r, "leader", "confirming");
	ck_assert(!coord_acting(r->core, r->now));
	/* The one that hung since before says nothing. */
	action = rig_take(r, ACTION_CONFIRM);
	rig_answer(r, &action, OUTCOME_OK, 40);
	ck_state(r, "leader", "confirming");
	ck_assert(!coord_acting(r->core, r->now));
}

START_TEST(validity_ends_without_any_event)
{
	struct rig r;
	usec_t sent;

	rig_start(&r, 0);
	sent = r.now;
	rig_lead(&r, 0);
	ck_assert(coord_acting(r.core, sent + VALIDITY - 1));
	ck_assert(!coord_acting(r.core, sent + VALIDITY));
	ck_state(&r, "leader", "leader");
	rig_stop(&r);
}
END_TEST

START_TEST(a_suspended_leader_goes_on_when_its_key_is_confirmed)
{
	struct action action;
	struct coord_fence fence;
	struct rig r;

	suspend(&r);
	rig_pass(&r, MS(1));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, 41);
	ck_state(&r, "leader", "leader");
	coord_fence(r.core, r.now, &fence);
	ck_assert(fence.acting);
	ck_assert_int_eq(fence.leader_rev, LEADER_REV);
	rig_stop(&r);
}
END_TEST

START_TEST(a_suspended_leader_follows_when_another_led_in_between)
{
	struct action action;
	struct rig r;

	suspend(&r);
	rig_pass(&r, MS(1));
	action = rig_take(&r, ACTION_CONFIRM);
	r.leader.create_rev = r.leader.mod_rev = 45;
	r.leader.lease = 77;
	r.leader.value = "other1";
	rig_answer(&r, &action, OUTCOME_OK, 46);
	ck_state(&r, "leader", "follower");
	ck_assert(!coord_acting(r.core, r.now));
	rig_stop(&r);
}
END_TEST

START_TEST(a_suspended_leader_follows_when_its_lease_is_gone)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_pass(&r, MS(10000));
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, 0);
	ck_state(&r, "leader", "follower");
	ck_assert_int_ne(rig_take(&r, ACTION_GRANT).lease, r.lease);
	rig_stop(&r);
}
END_TEST

START_TEST(a_leader_whose_key_is_deleted_or_made_anew_follows)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	if (_i == 0)
		rig_leader(&r, NULL, 0, 30, 0);
	else
		rig_leader(&r, "other1", 31, 31, 77);
	ck_assert(!coord_acting(r.core, r.now));
	ck_assert_ptr_nonnull(
		strstr(r.notes, _i == 0 ? "leader: leader -> follower (the leader key "
					  "was deleted"
					: "leader: leader -> follower (the leader key "
					  "was created anew; the leader is other1"));
	ck_state(&r, "leader", _i == 0 ? "waiting" : "follower");
	rig_stop(&r);
}
END_TEST

START_TEST(old_news_of_the_key_before_do_not_disturb_a_leader)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_leader(&r, "other1", 15, 15, 77);
	rig_leader(&r, NULL, 0, 19, 0);
	ck_state(&r, "leader", "leader");
	rig_stop(&r);
}
END_TEST

TCase *core_leader_case(void)
{
	TCase *tc = tcase_create("leader");

	tcase_add_test(tc, a_campaign_compares_everything_it_is_based_on);
	tcase_add_test(tc, with_others_about_it_waits_a_random_while_of_at_most_100_ms);
	tcase_add_test(tc, it_follows_while_somebody_leads_and_campaigns_when_the_key_is_gone);
	tcase_add_test(tc, a_member_without_a_vote_never_campaigns);
	tcase_add_test(tc, a_leader_that_loses_its_vote_resigns);
	tcase_add_loop_test(tc, a_campaign_that_fails_is_understood, 0, ARRAY_SIZE(campaigns));
	tcase_add_loop_test(tc, an_unknown_outcome_is_read_not_assumed, 0, ARRAY_SIZE(unknowns));
	tcase_add_test(tc, a_read_sent_before_it_was_needed_does_not_confirm);
	tcase_add_test(tc, a_late_campaign_that_shows_up_in_the_watch_is_confirmed_first);
	tcase_add_test(tc, validity_ends_without_any_event);
	tcase_add_test(tc, a_suspended_leader_goes_on_when_its_key_is_confirmed);
	tcase_add_test(tc, a_suspended_leader_follows_when_another_led_in_between);
	tcase_add_test(tc, a_suspended_leader_follows_when_its_lease_is_gone);
	tcase_add_loop_test(tc, a_leader_whose_key_is_deleted_or_made_anew_follows, 0, 2);
	tcase_add_test(tc, old_news_of_the_key_before_do_not_disturb_a_leader);
	return tc;
}
