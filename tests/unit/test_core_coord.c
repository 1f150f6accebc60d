/*
 * The composition: quorum, pauses, stopping, what is told.
 */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "tests/unit/test_core.h"

START_TEST(quorum_lasts_as_long_as_a_lease_would_from_the_sending_of_a_read)
{
	struct action action;
	struct rig r;
	usec_t sent;

	rig_start(&r, 0);
	ck_assert(!coord_quorum(r.core, r.now));
	sent = r.now;
	action = rig_take(&r, ACTION_CONFIRM);
	rig_pass(&r, MS(900));
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	ck_assert_int_eq(coord_last_read(r.core), sent);
	ck_assert(coord_quorum(r.core, r.now));
	ck_assert(coord_quorum(r.core, sent + VALIDITY - 1));
	ck_assert(!coord_quorum(r.core, sent + VALIDITY));
	rig_pass(&r, MS(10000));
	ck_state(&r, "quorum", "no");
	rig_stop(&r);
}
END_TEST

static const enum outcome no_reads[] = {
	OUTCOME_UNKNOWN, OUTCOME_ERROR, OUTCOME_NOT_FOUND, OUTCOME_EXISTS};

START_TEST(a_read_that_fails_is_no_quorum_and_is_tried_again)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, no_reads[_i], 0);
	ck_state(&r, "quorum", "no");
	rig_pass(&r, MS(25));
	ck_assert(rig_has(&r, ACTION_CONFIRM));
	rig_stop(&r);
}
END_TEST

START_TEST(why_quorum_went_is_told)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, 10);
	ck_state(&r, "quorum", "yes");
	rig_pass(&r, MS(3000));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_reply(&r,
		&(struct reply){
			.id = action.id, .outcome = OUTCOME_ERROR, .text = "permission denied"});
	rig_pass(&r, VALIDITY);
	ck_state(&r, "quorum", "no");
	ck_assert_ptr_nonnull(strstr(rig_reason(&r, "quorum"), "permission denied"));
	rig_stop(&r);
}
END_TEST

/* Whoever is told so has to end then what others may begin when the lease has ended. */
START_TEST(quorum_is_lost_no_later_than_the_lease)
{
	struct action action;
	struct rig r;
	usec_t until;

	rig_start(&r, 0);
	rig_register(&r, 1);
	while (!rig_has(&r, ACTION_KEEPALIVE))
		rig_pass(&r, MS(10));
	until = r.now + VALIDITY;
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, TTL);
	while (coord_last_read(r.core) + VALIDITY <= until) {
		rig_pass(&r, MS(10));
		if (!rig_has(&r, ACTION_CONFIRM))
			continue;
		action = rig_take(&r, ACTION_CONFIRM);
		rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	}
	rig_pass(&r, until - MS(10) - r.now);
	ck_state(&r, "quorum", "yes");
	ck_assert(coord_quorum(r.core, r.now));
	/* also before the tick that notices */
	ck_assert(!coord_quorum(r.core, until));
	while (rig_has(&r, ACTION_CONFIRM))
		(void)rig_take(&r, ACTION_CONFIRM);
	rig_pass(&r, MS(10));
	ck_state(&r, "lease", "suspended");
	ck_state(&r, "quorum", "no");
	ck_assert_ptr_nonnull(strstr(rig_reason(&r, "quorum"), "no keepalive was answered"));
	rig_stop(&r);
}
END_TEST

/* It is only the lease that could not be renewed. */
START_TEST(a_read_brings_quorum_back_at_once)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 1);
	while (strcmp(rig_state(&r, "lease"), "held") == 0) {
		rig_pass(&r, MS(10));
		if (strcmp(rig_state(&r, "lease"), "held") != 0 || !rig_has(&r, ACTION_CONFIRM))
			continue;
		action = rig_take(&r, ACTION_CONFIRM);
		rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	}
	ck_state(&r, "quorum", "no");
	ck_assert(rig_has(&r, ACTION_CONFIRM));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	ck_state(&r, "quorum", "yes");
	ck_assert(coord_quorum(r.core, r.now));
	ck_state(&r, "lease", "suspended");
	rig_stop(&r);
}
END_TEST

START_TEST(a_read_from_the_past_of_etcd_is_no_quorum)
{
	struct action action;
	struct reply reply;
	struct rig r;

	rig_start(&r, 0);
	action = rig_take(&r, ACTION_CONFIRM);
	reply = (struct reply){.id = action.id,
		.outcome = OUTCOME_OK,
		.revision = 5,
		.raft_term = 9,
		.has_own = true};
	rig_reply(&r, &reply);
	ck_state(&r, "quorum", "yes");
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_CONFIRM);
	rig_pass(&r, MS(3500));
	ck_state(&r, "quorum", "no");
	reply.id = action.id;
	reply.raft_term = 8;
	rig_reply(&r, &reply);
	ck_state(&r, "quorum", "no");
	rig_stop(&r);
}
END_TEST

START_TEST(reads_are_repeated_each_third_of_the_ttl)
{
	struct action action;
	unsigned reads = 0;
	struct rig r;
	usec_t end;

	rig_start(&r, 0);
	for (end = r.now + MS(60000); r.now < end; rig_pass(&r, MS(1)))
		if (rig_has(&r, ACTION_CONFIRM)) {
			action = rig_take(&r, ACTION_CONFIRM);
			rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
			reads++;
		}
	ck_assert_uint_ge(reads, 27);
	ck_assert_uint_le(reads, 34);
	rig_stop(&r);
}
END_TEST

START_TEST(a_read_corrects_what_the_watch_has_missed)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_pass(&r, MS(2200));
	action = rig_take(&r, ACTION_CONFIRM);
	r.leader = (struct key_info){0};
	r.active = (struct key_info){0};
	rig_answer(&r, &action, OUTCOME_OK, 30);
	ck_assert(!coord_acting(r.core, r.now));
	ck_state(&r, "membership", "registering");
	ck_state(&r, "leader", "follower");
	rig_stop(&r);
}
END_TEST

START_TEST(a_late_tick_is_told_as_a_pause_and_ends_the_validity_first)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	/* Stopped for half a minute, with the answer waiting in the socket. */
	r.now += MS(30000);
	rig_ttl(&r, &action, TTL);
	ck_assert_ptr_nonnull(strstr(r.notes, "coord:  ->  (paused for 2"));
	ck_state(&r, "lease", "suspended");
	ck_state(&r, "leader", "suspended");
	ck_assert(!coord_acting(r.core, r.now));
	rig_stop(&r);
}
END_TEST

START_TEST(a_tick_in_time_is_no_pause)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_live(&r, MS(60000));
	ck_assert_ptr_null(strstr(r.notes, "paused"));
	rig_stop(&r);
}
END_TEST

START_TEST(stopping_resigns_but_leaves_lease_and_active_key)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	ck_assert(!coord_done(r.core));
	rig_event(&r, COORD_STOP);
	rig_event(&r, COORD_STOP);
	ck_assert(!coord_acting(r.core, r.now));
	ck_state(&r, "membership", "stopped");
	ck_assert(!coord_done(r.core));
	action = rig_take(&r, ACTION_RESIGN);
	rig_answer(&r, &action, OUTCOME_OK, 30);
	ck_assert(coord_done(r.core));
	rig_pass(&r, MS(60000));
	ck_assert(!rig_has(&r, ACTION_REVOKE));
	ck_assert(!rig_has(&r, ACTION_KEEPALIVE));
	ck_assert(!rig_has(&r, ACTION_SAVE_LEASE));
	rig_stop(&r);
}
END_TEST

START_TEST(a_follower_stops_at_once)
{
	struct rig r;

	rig_start(&r, 0);
	r.leader = (struct key_info){
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "other1"};
	rig_register(&r, 1);
	rig_event(&r, COORD_STOP);
	ck_assert(coord_done(r.core));
	rig_stop(&r);
}
END_TEST

START_TEST(stopping_without_etcd_takes_one_ttl_at_most)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	rig_event(&r, COORD_STOP);
	rig_pass(&r, MS(5999));
	ck_assert(!coord_done(r.core));
	ck_assert_int_le(coord_wakeup(r.core), r.now + MS(1));
	rig_pass(&r, MS(1));
	ck_assert(coord_done(r.core));
	rig_stop(&r);
}
END_TEST

START_TEST(stopping_in_the_middle_of_a_campaign_gives_the_prize_back)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	action = rig_take(&r, ACTION_CAMPAIGN);
	rig_event(&r, COORD_STOP);
	ck_assert(!coord_done(r.core));
	rig_answer(&r, &action, OUTCOME_OK, LEADER_REV);
	ck_assert(!coord_acting(r.core, r.now));
	action = rig_take(&r, ACTION_RESIGN);
	ck_assert_int_eq(action.leader_rev, LEADER_REV);
	rig_answer(&r, &action, OUTCOME_OK, 30);
	ck_assert(coord_done(r.core));
	rig_stop(&r);
}
END_TEST

START_TEST(writes_are_refused_without_quorum_and_say_so)
{
	struct coord_fence fence;
	struct rig r;

	rig_start(&r, 0);
	coord_fence(r.core, r.now, &fence);
	ck_assert(!fence.may_write);
	ck_assert_str_eq(fence.why_not, "Collective does not have quorum");
	rig_register(&r, 1);
	coord_fence(r.core, r.now, &fence);
	ck_assert(fence.may_write && !fence.acting);
	ck_assert_int_eq(fence.record_rev, RECORD_REV);
	ck_assert_int_eq(fence.leader_rev, 0);
	ck_assert_ptr_null(fence.why_not);
	/* Also between the end of quorum and the tick that notices. */
	coord_fence(r.core, r.now + VALIDITY, &fence);
	ck_assert(!fence.may_write);
	ck_assert_str_eq(fence.why_not, "Collective does not have quorum");
	rig_stop(&r);
}
END_TEST

START_TEST(each_move_is_told_once_with_its_reason)
{
	static const char *const expected[] = {
		"lease: held -> suspended (no keepalive was answered",
		"leader: leader -> suspended (the lease is not valid any more)\n",
	};
	const char *found;
	size_t i;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_pass(&r, MS(20000));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		found = strstr(r.notes, expected[i]);
		ck_assert_ptr_nonnull(found);
		ck_assert_ptr_null(strstr(found + 1, expected[i]));
	}
	rig_stop(&r);
}
END_TEST

START_TEST(a_broken_watch_is_told_until_the_next_listing)
{
	struct rig r;

	rig_start(&r, 0);
	ck_assert(!coord_view_live(r.core));
	rig_register(&r, 0);
	ck_assert(coord_view_live(r.core));
	rig_event(&r, COORD_VIEW_LOST);
	ck_assert(!coord_view_live(r.core));
	rig_view(&r, 40, 0);
	ck_assert(coord_view_live(r.core));
	rig_stop(&r);
}
END_TEST

START_TEST(each_request_has_a_name_and_an_id_of_its_own)
{
	uint64_t seen[64] = {0};
	struct action action;
	struct rig r;
	unsigned i, n = 0;

	for (i = 0; i < ACTION_COUNT; i++)
		ck_assert_ptr_nonnull(action_name((enum action_kind)i));
	rig_start(&r, 0);
	rig_register(&r, 0);
	while (n < 64) {
		while (r.count == 0)
			rig_pass(&r, MS(10));
		action = rig_take(&r, r.pending[0].kind);
		ck_assert_uint_ne(action.id, 0);
		for (i = 0; i < n; i++)
			ck_assert_uint_ne(seen[i], action.id);
		seen[n++] = action.id;
		rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	}
	rig_stop(&r);
}
END_TEST

START_TEST(the_clock_may_stand_still_but_time_never_goes_back)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_pass(&r, MS(6000));
	ck_state(&r, "leader", "suspended");
	r.now -= MS(5000);
	rig_event(&r, COORD_TICK);
	ck_state(&r, "leader", "suspended");
	rig_stop(&r);
}
END_TEST

TCase *core_coord_case(void)
{
	TCase *tc = tcase_create("coord");

	tcase_add_test(tc, quorum_lasts_as_long_as_a_lease_would_from_the_sending_of_a_read);
	tcase_add_loop_test(
		tc, a_read_that_fails_is_no_quorum_and_is_tried_again, 0, ARRAY_SIZE(no_reads));
	tcase_add_test(tc, quorum_is_lost_no_later_than_the_lease);
	tcase_add_test(tc, a_read_brings_quorum_back_at_once);
	tcase_add_test(tc, a_read_from_the_past_of_etcd_is_no_quorum);
	tcase_add_test(tc, why_quorum_went_is_told);
	tcase_add_test(tc, reads_are_repeated_each_third_of_the_ttl);
	tcase_add_test(tc, a_read_corrects_what_the_watch_has_missed);
	tcase_add_test(tc, a_late_tick_is_told_as_a_pause_and_ends_the_validity_first);
	tcase_add_test(tc, a_tick_in_time_is_no_pause);
	tcase_add_test(tc, stopping_resigns_but_leaves_lease_and_active_key);
	tcase_add_test(tc, a_follower_stops_at_once);
	tcase_add_test(tc, stopping_without_etcd_takes_one_ttl_at_most);
	tcase_add_test(tc, stopping_in_the_middle_of_a_campaign_gives_the_prize_back);
	tcase_add_test(tc, writes_are_refused_without_quorum_and_say_so);
	tcase_add_test(tc, each_move_is_told_once_with_its_reason);
	tcase_add_test(tc, a_broken_watch_is_told_until_the_next_listing);
	tcase_add_test(tc, each_request_has_a_name_and_an_id_of_its_own);
	tcase_add_test(tc, the_clock_may_stand_still_but_time_never_goes_back);
	return tc;
}
