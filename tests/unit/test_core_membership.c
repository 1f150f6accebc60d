/*
 * This member's own place: registering, being refused, being removed.
 */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "tests/unit/test_core.h"

/* As far as the lease, saved, with an active key of somebody in the way. */
static void meet(struct rig *r, int64_t lease, const char *instance)
{
	struct action action;

	rig_start(r, 0);
	r->active = (struct key_info){.present = true,
		.create_rev = 8,
		.mod_rev = 8,
		.lease = lease,
		.instance = instance,
		.value = "192.0.2.99"};
	rig_view(r, VIEW_REV, 0);
	action = rig_take(r, ACTION_GRANT);
	r->lease = action.lease;
	rig_answer(r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(r, ACTION_SAVE_LEASE);
	rig_answer(r, &action, OUTCOME_OK, 0);
}

static void active_event(struct rig *r, const struct key_info *key)
{
	struct coord_event event = {.kind = COORD_ACTIVE, .name = "me", .key = *key};

	r->active = *key;
	if (!key->present)
		r->active = (struct key_info){0};
	rig_input(r, &event);
}

static void record_event(struct rig *r, const struct record_info *record)
{
	struct coord_event event = {.kind = COORD_MEMBER, .name = "me", .record = *record};

	r->record = *record;
	if (!record->present)
		r->record = (struct record_info){0};
	rig_input(r, &event);
}

START_TEST(nothing_is_registered_before_the_view_is_complete)
{
	struct coord_event event = {.kind = COORD_VIEW_BEGIN};
	struct rig r;

	rig_start(&r, 0);
	rig_input(&r, &event);
	event = (struct coord_event){.kind = COORD_MEMBER, .name = "me", .record = r.record};
	rig_input(&r, &event);
	rig_pass(&r, MS(20000));
	ck_state(&r, "membership", "waiting");
	ck_assert(!rig_has(&r, ACTION_GRANT));
	event = (struct coord_event){.kind = COORD_VIEW_END, .revision = VIEW_REV};
	rig_input(&r, &event);
	ck_state(&r, "membership", "registering");
	ck_assert(rig_has(&r, ACTION_GRANT));
	rig_stop(&r);
}
END_TEST

START_TEST(registering_compares_the_record_and_the_absence_of_the_key)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(&r, ACTION_SAVE_LEASE);
	rig_answer(&r, &action, OUTCOME_OK, 0);
	action = rig_take(&r, ACTION_REGISTER);
	ck_assert_int_eq(action.record_rev, RECORD_REV);
	ck_assert_int_eq(action.active_rev, 0);
	rig_answer(&r, &action, OUTCOME_OK, ACTIVE_REV);
	ck_state(&r, "membership", "active");
	ck_assert(roster_find(coord_roster(r.core), "me")->is_active);
	rig_stop(&r);
}
END_TEST

static const struct {
	struct record_info record;
	const char *reason;
} outs[] = {
	{{0}, "deleted, redo invitation process"},
	{{.present = true, .mod_rev = 5, .voting = true, .mine = true}, "does not verify"},
	{{.present = true, .mod_rev = 5, .valid = true, .voting = true},
		"Invalid certificate, redo invitation process"},
};

START_TEST(without_a_record_of_its_own_it_is_out_and_writes_nothing)
{
	struct coord_fence fence;
	struct rig r;

	rig_start(&r, 0);
	r.record = outs[_i].record;
	rig_view(&r, VIEW_REV, 0);
	ck_state(&r, "membership", "removed");
	ck_assert(coord_removed(r.core));
	ck_assert_ptr_nonnull(strstr(rig_reason(&r, "membership"), outs[_i].reason));
	rig_live(&r, MS(30000));
	ck_assert_uint_eq(r.count, 0);
	coord_fence(r.core, r.now, &fence);
	ck_assert(!fence.may_write);
	ck_assert_ptr_nonnull(strstr(fence.why_not, outs[_i].reason));
	rig_stop(&r);
}
END_TEST

START_TEST(a_leader_that_is_removed_stops_at_once_and_revokes_its_lease)
{
	struct record_info gone = {.mod_rev = 30}, back;
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	back = r.record;
	record_event(&r, &gone);
	ck_assert(!coord_acting(r.core, r.now));
	ck_state(&r, "leader", "follower");
	ck_state(&r, "lease", "none");
	action = rig_take(&r, ACTION_REVOKE);
	ck_assert_int_eq(action.lease, r.lease);
	rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	rig_pass(&r, MS(25));
	action = rig_take(&r, ACTION_REVOKE);
	rig_answer(&r, &action, OUTCOME_OK, 31);
	action = rig_take(&r, ACTION_SAVE_LEASE);
	ck_assert_int_eq(action.lease, 0);
	rig_answer(&r, &action, OUTCOME_OK, 0);
	/* Invited again: comes back under a lease of another id. */
	back.mod_rev = 40;
	record_event(&r, &back);
	ck_state(&r, "membership", "registering");
	ck_assert_int_ne(rig_take(&r, ACTION_GRANT).lease, r.lease);
	rig_stop(&r);
}
END_TEST

START_TEST(revoking_ends_when_the_lease_has_ended_by_itself)
{
	struct record_info gone = {.mod_rev = 30};
	struct action action;
	usec_t end;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	record_event(&r, &gone);
	for (end = r.now + MS(13000); r.now < end; rig_pass(&r, MS(50)))
		if (rig_has(&r, ACTION_REVOKE)) {
			action = rig_take(&r, ACTION_REVOKE);
			rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
		}
	rig_pass(&r, MS(60000));
	ck_assert(!rig_has(&r, ACTION_REVOKE));
	rig_stop(&r);
}
END_TEST

START_TEST(the_key_of_an_earlier_run_is_waited_for)
{
	struct key_info gone = {.mod_rev = 15};
	struct rig r;

	meet(&r, 555, "run1");
	rig_live(&r, MS(5000));
	ck_state(&r, "membership", "registering");
	ck_assert(!rig_has(&r, ACTION_REGISTER));
	active_event(&r, &gone);
	ck_assert_int_eq(rig_take(&r, ACTION_REGISTER).active_rev, 0);
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_that_outlives_ttl_margin_and_a_second_is_another_agents)
{
	struct key_info gone = {.mod_rev = 900};
	struct coord_fence fence;
	struct rig r;

	meet(&r, 555, "run1");
	rig_live(&r, MS(7600) - 1);
	ck_state(&r, "membership", "registering");
	rig_live(&r, 1);
	ck_state(&r, "membership", "refused");
	ck_assert(coord_refused(r.core));
	ck_assert_ptr_nonnull(strstr(
		rig_reason(&r, "membership"), "another agent named me is active at 192.0.2.99"));
	coord_fence(r.core, r.now, &fence);
	ck_assert(!fence.may_write);
	rig_live(&r, MS(60000));
	ck_assert(!rig_has(&r, ACTION_REGISTER));
	ck_assert(!rig_has(&r, ACTION_CAMPAIGN));
	active_event(&r, &gone);
	ck_state(&r, "membership", "registering");
	ck_assert(rig_has(&r, ACTION_REGISTER));
	rig_stop(&r);
}
END_TEST

START_TEST(while_etcd_is_away_nobody_is_taken_for_another_agent)
{
	struct rig r;

	meet(&r, 555, "run1");
	rig_pass(&r, MS(60000));
	ck_state(&r, "membership", "registering");
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_that_moves_to_yet_another_lease_is_another_agents)
{
	struct key_info again = {.present = true,
		.create_rev = 14,
		.mod_rev = 14,
		.lease = 556,
		.instance = "run9",
		.value = "192.0.2.99"};
	struct rig r;

	meet(&r, 555, "run1");
	active_event(&r, &again);
	ck_state(&r, "membership", "refused");
	rig_stop(&r);
}
END_TEST

START_TEST(a_key_without_a_lease_is_replaced)
{
	struct rig r;

	meet(&r, 0, "by hand");
	ck_assert_int_eq(rig_take(&r, ACTION_REGISTER).active_rev, 8);
	rig_stop(&r);
}
END_TEST

START_TEST(the_key_of_an_earlier_lease_of_this_run_is_replaced)
{
	struct rig r;

	meet(&r, 555, "run2");
	ck_assert_int_eq(rig_take(&r, ACTION_REGISTER).active_rev, 8);
	rig_stop(&r);
}
END_TEST

START_TEST(an_adopted_lease_brings_its_key_along)
{
	struct action action;
	struct rig r;

	rig_start(&r, 4711);
	r.active = (struct key_info){
		.present = true, .create_rev = 7, .mod_rev = 8, .lease = 4711, .instance = "run1"};
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, TTL);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_REGISTER);
	ck_assert_int_eq(action.lease, 4711);
	ck_assert_int_eq(action.active_rev, 8);
	rig_answer(&r, &action, OUTCOME_OK, ACTIVE_REV);
	ck_state(&r, "membership", "active");
	ck_assert_int_eq(roster_find(coord_roster(r.core), "me")->active.create_rev, 7);
	rig_stop(&r);
}
END_TEST

START_TEST(who_finds_its_registration_adopted_by_a_copy_gives_way)
{
	struct key_info copy;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 1);
	copy = r.active;
	copy.mod_rev = 50;
	copy.instance = "copy";
	active_event(&r, &copy);
	ck_state(&r, "membership", "refused");
	ck_state(&r, "leader", "follower");
	ck_assert(!coord_acting(r.core, r.now));
	/* The lease is the copy's now. */
	ck_assert(!rig_has(&r, ACTION_REVOKE));
	ck_assert(!rig_has(&r, ACTION_RESIGN));
	ck_assert_ptr_nonnull(strstr(rig_reason(&r, "membership"), "copy of this one's files"));
	rig_stop(&r);
}
END_TEST

START_TEST(a_copy_that_registers_on_the_lease_of_a_refused_agent_is_not_kept_alive_by_it)
{
	struct key_info copy = {.present = true,
		.create_rev = 20,
		.mod_rev = 21,
		.instance = "copy",
		.value = "192.0.2.99"};
	struct rig r;

	meet(&r, 555, "run1");
	rig_live(&r, MS(7600));
	ck_state(&r, "membership", "refused");
	copy.mod_rev = 1100;
	copy.lease = r.lease;
	active_event(&r, &copy);
	ck_state(&r, "membership", "refused");
	/* A lease of its own, with the other's left alone. */
	ck_assert_int_ne(rig_take(&r, ACTION_GRANT).lease, r.lease);
	ck_assert(!rig_has(&r, ACTION_REVOKE));
	rig_stop(&r);
}
END_TEST

START_TEST(a_deleted_active_key_is_written_again)
{
	struct key_info gone = {.mod_rev = 30};
	struct coord_fence fence;
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	active_event(&r, &gone);
	ck_state(&r, "membership", "registering");
	ck_state(&r, "leader", "leader");
	coord_fence(r.core, r.now, &fence);
	ck_assert(!fence.may_write);
	action = rig_take(&r, ACTION_REGISTER);
	ck_assert_int_eq(action.active_rev, 0);
	rig_answer(&r, &action, OUTCOME_OK, 31);
	ck_state(&r, "membership", "active");
	coord_fence(r.core, r.now, &fence);
	ck_assert_int_eq(fence.active_rev, 31);
	rig_stop(&r);
}
END_TEST

static const struct {
	enum outcome outcome;
	const char *lease;
} registers[] = {
	{OUTCOME_REFUSED, "held"},
	{OUTCOME_UNKNOWN, "held"},
	{OUTCOME_ERROR, "held"},
	{OUTCOME_EXISTS, "held"},
	{OUTCOME_NOT_FOUND, "granting"},
};

START_TEST(a_registration_that_fails_is_tried_again)
{
	struct action action;
	struct rig r;

	meet(&r, 0, "");
	action = rig_take(&r, ACTION_REGISTER);
	rig_answer(&r, &action, registers[_i].outcome, 12);
	ck_state(&r, "membership", "registering");
	ck_state(&r, "lease", registers[_i].lease);
	rig_pass(&r, MS(25));
	ck_assert(rig_has(
		&r, registers[_i].outcome == OUTCOME_NOT_FOUND ? ACTION_GRANT : ACTION_REGISTER));
	rig_stop(&r);
}
END_TEST

START_TEST(a_lost_answer_to_a_registration_is_found_out_by_the_next)
{
	struct action action;
	struct rig r;

	meet(&r, 0, "");
	action = rig_take(&r, ACTION_REGISTER);
	rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
	rig_pass(&r, MS(25));
	action = rig_take(&r, ACTION_REGISTER);
	r.active = (struct key_info){.present = true,
		.create_rev = 8,
		.mod_rev = 12,
		.lease = r.lease,
		.instance = "run2"};
	rig_answer(&r, &action, OUTCOME_REFUSED, 13);
	ck_state(&r, "membership", "active");
	rig_stop(&r);
}
END_TEST

TCase *core_membership_case(void)
{
	TCase *tc = tcase_create("membership");

	tcase_add_test(tc, nothing_is_registered_before_the_view_is_complete);
	tcase_add_test(tc, registering_compares_the_record_and_the_absence_of_the_key);
	tcase_add_loop_test(
		tc, without_a_record_of_its_own_it_is_out_and_writes_nothing, 0, ARRAY_SIZE(outs));
	tcase_add_test(tc, a_leader_that_is_removed_stops_at_once_and_revokes_its_lease);
	tcase_add_test(tc, revoking_ends_when_the_lease_has_ended_by_itself);
	tcase_add_test(tc, the_key_of_an_earlier_run_is_waited_for);
	tcase_add_test(tc, a_key_that_outlives_ttl_margin_and_a_second_is_another_agents);
	tcase_add_test(tc, while_etcd_is_away_nobody_is_taken_for_another_agent);
	tcase_add_test(tc, a_key_that_moves_to_yet_another_lease_is_another_agents);
	tcase_add_test(tc, a_key_without_a_lease_is_replaced);
	tcase_add_test(tc, the_key_of_an_earlier_lease_of_this_run_is_replaced);
	tcase_add_test(tc, an_adopted_lease_brings_its_key_along);
	tcase_add_test(tc, who_finds_its_registration_adopted_by_a_copy_gives_way);
	tcase_add_test(
		tc, a_copy_that_registers_on_the_lease_of_a_refused_agent_is_not_kept_alive_by_it);
	tcase_add_test(tc, a_deleted_active_key_is_written_again);
	tcase_add_loop_test(tc, a_registration_that_fails_is_tried_again, 0, ARRAY_SIZE(registers));
	tcase_add_test(tc, a_lost_answer_to_a_registration_is_found_out_by_the_next);
	return tc;
}
