/*
 * The lease: R3 (validity) and R4 (suspend rather than abdicate) to the microsecond.
 */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "core/lease.h"
#include "tests/unit/test_core.h"

START_TEST(the_margin_is_a_tenth_but_at_least_half_a_second)
{
	ck_assert_int_eq(lease_margin(2), MS(500));
	ck_assert_int_eq(lease_margin(5), MS(500));
	ck_assert_int_eq(lease_margin(6), MS(600));
	ck_assert_int_eq(lease_margin(100), MS(10000));
	ck_assert_int_eq(lease_validity(6), VALIDITY);
}
END_TEST

START_TEST(a_grant_is_valid_from_its_sending_not_from_its_answer)
{
	struct prng prng = {1};
	struct action action;
	struct reply reply = {.id = 9, .outcome = OUTCOME_OK};
	struct lease l;

	lease_init(&l, TTL, 0, &prng, 0, NULL, NULL);
	ck_assert(!lease_step(&l, 0));
	lease_want(&l, true);
	ck_assert(lease_step(&l, 0));
	ck_assert(lease_next(&l, MS(100), 9, &action));
	ck_assert_int_eq(action.kind, ACTION_GRANT);
	ck_assert_int_eq(action.ttl, TTL);
	ck_assert_int_gt(action.lease, 0);
	reply.lease = action.lease;
	reply.ttl = TTL;
	ck_assert(!lease_valid(&l, MS(100)));
	ck_assert(lease_reply(&l, MS(900), &reply));
	ck_assert_int_eq(l.sm.state, LEASE_HELD);
	ck_assert(lease_valid(&l, MS(100) + VALIDITY - 1));
	ck_assert(!lease_valid(&l, MS(100) + VALIDITY));
	ck_assert(!lease_step(&l, MS(100) + VALIDITY - 1));
	ck_assert(lease_step(&l, MS(100) + VALIDITY));
	ck_assert_int_eq(l.sm.state, LEASE_SUSPENDED);
	ck_assert_int_eq(l.id, action.lease);
}
END_TEST

START_TEST(the_ttl_that_was_returned_counts_not_the_one_asked_for)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	rig_ttl(&r, &action, 2);
	ck_state(&r, "lease", "held");
	rig_pass(&r, MS(1500) - 1);
	ck_state(&r, "lease", "held");
	rig_pass(&r, 1);
	ck_state(&r, "lease", "suspended");
	rig_stop(&r);
}
END_TEST

START_TEST(a_keepalive_goes_out_each_third_of_the_ttl)
{
	struct action action;
	usec_t last;
	struct rig r;
	int i;

	rig_start(&r, 0);
	rig_register(&r, 0);
	for (i = 0; i < 20; i++) {
		last = r.now;
		while (!rig_has(&r, ACTION_KEEPALIVE))
			rig_pass(&r, MS(1));
		ck_assert_int_ge(r.now - last, MS(1799));
		ck_assert_int_le(r.now - last, MS(2202));
		action = rig_take(&r, ACTION_KEEPALIVE);
		ck_assert_int_eq(action.lease, r.lease);
		rig_ttl(&r, &action, TTL);
		ck_state(&r, "lease", "held");
	}
	rig_stop(&r);
}
END_TEST

START_TEST(a_keepalive_prolongs_from_its_sending)
{
	struct action action;
	usec_t sent;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	sent = r.now - MS(2300);
	ck_assert(coord_acting(r.core, sent + VALIDITY - 1));
	ck_assert(!coord_acting(r.core, sent + VALIDITY));
	rig_ttl(&r, &action, TTL);
	/* It was due between 1.8 s and 2.2 s after the grant. */
	ck_assert(coord_acting(r.core, sent + MS(1800) + VALIDITY - 1));
	ck_assert(!coord_acting(r.core, sent + MS(2200) + VALIDITY));
	rig_stop(&r);
}
END_TEST

static const struct {
	int64_t sent, counts; /* ms after the action */
} attempts[] = {{1000, 1000}, {0, 0}, {-5000, 0}, {1500, 1500}, {1000000, 1500}};

/* It may have been sent several times; by the action it was sent for the first time. */
START_TEST(a_keepalive_prolongs_from_the_sending_of_the_attempt_that_was_answered)
{
	struct reply reply = {.outcome = OUTCOME_OK, .ttl = TTL};
	struct action action;
	usec_t taken;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	while (!rig_has(&r, ACTION_KEEPALIVE))
		rig_pass(&r, MS(1));
	taken = r.now;
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_pass(&r, MS(1500));
	reply.id = action.id;
	reply.lease = action.lease;
	reply.sent_at = taken + MS(attempts[_i].sent);
	rig_reply(&r, &reply);
	taken += MS(attempts[_i].counts);
	ck_assert(coord_acting(r.core, taken - MS(1) + VALIDITY));
	ck_assert(!coord_acting(r.core, taken + VALIDITY));
	rig_stop(&r);
}
END_TEST

START_TEST(an_answer_that_took_longer_than_it_is_good_for_revives_nothing)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_pass(&r, MS(6000));
	ck_state(&r, "lease", "suspended");
	rig_ttl(&r, &action, TTL);
	ck_state(&r, "lease", "suspended");
	ck_assert(!coord_acting(r.core, r.now));
	/* The next goes out at once. */
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, TTL);
	ck_state(&r, "lease", "held");
	rig_stop(&r);
}
END_TEST

static const struct {
	enum outcome outcome;
	int64_t ttl;
	int64_t other_lease;
	const char *state;
} keepalives[] = {
	{OUTCOME_OK, TTL, 0, "held"},
	{OUTCOME_OK, 0, 0, "granting"}, /* lost, and a new one asked for */
	{OUTCOME_OK, -1, 0, "granting"},
	{OUTCOME_NOT_FOUND, 0, 0, "granting"},
	{OUTCOME_OK, TTL, 99, "held"}, /* somebody else's answer: no word about ours */
	{OUTCOME_OK, 0, 99, "held"},
	{OUTCOME_UNKNOWN, 0, 0, "held"},
	{OUTCOME_ERROR, 0, 0, "held"},
	{OUTCOME_REFUSED, 0, 0, "held"},
	{OUTCOME_EXISTS, 0, 0, "held"},
};

START_TEST(only_the_word_of_etcd_loses_a_lease)
{
	struct action action;
	struct reply reply;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	reply = (struct reply){
		.id = action.id,
		.outcome = keepalives[_i].outcome,
		.lease = keepalives[_i].other_lease ? keepalives[_i].other_lease : action.lease,
		.ttl = keepalives[_i].ttl,
	};
	rig_reply(&r, &reply);
	ck_state(&r, "lease", keepalives[_i].state);
	if (strcmp(keepalives[_i].state, "granting") == 0) {
		ck_assert_int_ne(rig_take(&r, ACTION_GRANT).lease, r.lease);
		ck_state(&r, "membership", "registering");
	} else if (keepalives[_i].ttl != TTL || keepalives[_i].other_lease) {
		rig_pass(&r, MS(25));
		ck_assert(rig_has(&r, ACTION_KEEPALIVE));
	}
	rig_stop(&r);
}
END_TEST

START_TEST(an_hour_without_answers_suspends_and_loses_nothing)
{
	struct action action;
	usec_t end;
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	for (end = r.now + 3600 * USEC_PER_SEC; r.now < end; rig_pass(&r, MS(1000))) {
		unsigned n = r.count;

		while (n-- > 0) {
			action = rig_take(&r, r.pending[0].kind);
			rig_answer(&r, &action, OUTCOME_UNKNOWN, 0);
		}
	}
	ck_state(&r, "lease", "suspended");
	ck_state(&r, "leader", "suspended");
	ck_state(&r, "quorum", "no");
	while (!rig_has(&r, ACTION_KEEPALIVE))
		rig_pass(&r, MS(10));
	action = rig_take(&r, ACTION_KEEPALIVE);
	ck_assert_int_eq(action.lease, r.lease);
	rig_ttl(&r, &action, TTL);
	ck_state(&r, "lease", "held");
	rig_stop(&r);
}
END_TEST

START_TEST(a_refused_connection_is_not_tried_in_a_storm)
{
	struct action action;
	unsigned tries = 0;
	usec_t end;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	for (end = r.now + MS(12000); r.now < end; rig_pass(&r, MS(1)))
		if (rig_has(&r, ACTION_KEEPALIVE)) {
			action = rig_take(&r, ACTION_KEEPALIVE);
			rig_answer(&r, &action, OUTCOME_ERROR, 0);
			tries++;
		}
	ck_assert_uint_ge(tries, 15);
	ck_assert_uint_le(tries, 30);
	rig_stop(&r);
}
END_TEST

START_TEST(a_grant_found_existing_after_a_lost_answer_is_ours)
{
	struct action first, second;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	first = rig_take(&r, ACTION_GRANT);
	rig_pass(&r, MS(1000));
	rig_answer(&r, &first, OUTCOME_UNKNOWN, 0);
	second = rig_take(&r, ACTION_GRANT);
	ck_assert_int_eq(second.lease, first.lease);
	rig_answer(&r, &second, OUTCOME_EXISTS, 0);
	ck_state(&r, "lease", "suspended");
	ck_assert(!rig_has(&r, ACTION_REGISTER));
	first = rig_take(&r, ACTION_KEEPALIVE);
	ck_assert_int_eq(first.lease, second.lease);
	rig_ttl(&r, &first, TTL);
	ck_state(&r, "lease", "held");
	rig_stop(&r);
}
END_TEST

static const enum outcome grant_failures[] = {
	OUTCOME_UNKNOWN, OUTCOME_ERROR, OUTCOME_REFUSED, OUTCOME_NOT_FOUND};

START_TEST(a_grant_that_fails_is_tried_again_with_the_same_id)
{
	struct action first, second;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	first = rig_take(&r, ACTION_GRANT);
	rig_answer(&r, &first, grant_failures[_i], 0);
	ck_state(&r, "lease", "granting");
	rig_pass(&r, MS(25));
	second = rig_take(&r, ACTION_GRANT);
	ck_assert_int_eq(second.lease, first.lease);
	ck_assert_uint_ne(second.id, first.id);
	rig_stop(&r);
}
END_TEST

START_TEST(a_grant_answered_with_another_id_is_no_grant)
{
	struct action action;
	struct reply reply;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	reply = (struct reply){
		.id = action.id, .outcome = OUTCOME_OK, .lease = action.lease + 1, .ttl = TTL};
	rig_reply(&r, &reply);
	ck_state(&r, "lease", "granting");
	rig_stop(&r);
}
END_TEST

START_TEST(a_restart_asks_for_the_saved_lease_first)
{
	struct action action;
	struct rig r;

	rig_start(&r, 4711);
	ck_state(&r, "lease", "suspended");
	action = rig_take(&r, ACTION_KEEPALIVE);
	ck_assert_int_eq(action.lease, 4711);
	rig_ttl(&r, &action, TTL);
	ck_state(&r, "lease", "held");
	rig_view(&r, VIEW_REV, 0);
	/* It is on disk already. */
	ck_assert(!rig_has(&r, ACTION_SAVE_LEASE));
	ck_assert_int_eq(rig_take(&r, ACTION_REGISTER).lease, 4711);
	rig_stop(&r);
}
END_TEST

START_TEST(a_saved_lease_that_has_ended_is_replaced)
{
	struct action action;
	struct rig r;

	rig_start(&r, 4711);
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, 0);
	ck_assert(!rig_has(&r, ACTION_GRANT));
	rig_view(&r, VIEW_REV, 0);
	ck_assert_int_ne(rig_take(&r, ACTION_GRANT).lease, 4711);
	rig_stop(&r);
}
END_TEST

START_TEST(a_lease_with_another_ttl_is_revoked_at_the_start)
{
	struct coord_config config = {
		.name = "me", .instance = "run2", .ttl = TTL, .old_lease = 4711, .seed = 42};
	struct action action;
	bool revoked = false;
	struct coord *c = coord_new(&config, 0);

	while (coord_next(c, 0, &action)) {
		ck_assert(action.kind != ACTION_KEEPALIVE && action.kind != ACTION_SAVE_LEASE);
		if (action.kind != ACTION_REVOKE)
			continue;
		ck_assert_int_eq(action.lease, 4711);
		revoked = true;
	}
	ck_assert(revoked);
	coord_free(c);
}
END_TEST

START_TEST(registration_waits_for_the_disk_but_not_for_ever)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	ck_assert_int_eq(rig_take(&r, ACTION_SAVE_LEASE).lease, action.lease);
	ck_assert(!rig_has(&r, ACTION_REGISTER));
	rig_live(&r, MS(5900));
	ck_assert(!rig_has(&r, ACTION_REGISTER));
	rig_live(&r, MS(200));
	ck_assert(rig_has(&r, ACTION_REGISTER));
	rig_stop(&r);
}
END_TEST

START_TEST(a_lease_that_can_not_be_saved_is_used_all_the_same)
{
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_view(&r, VIEW_REV, 0);
	action = rig_take(&r, ACTION_GRANT);
	rig_answer(&r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(&r, ACTION_SAVE_LEASE);
	rig_answer(&r, &action, OUTCOME_ERROR, 0);
	ck_assert(rig_has(&r, ACTION_REGISTER));
	rig_stop(&r);
}
END_TEST

START_TEST(an_answer_from_the_past_does_not_lose_the_lease)
{
	struct action action;
	struct reply reply;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	reply = (struct reply){.id = action.id,
		.outcome = OUTCOME_OK,
		.lease = action.lease,
		.ttl = TTL,
		.raft_term = 8};
	rig_reply(&r, &reply);
	ck_assert_uint_eq(coord_raft_term(r.core), 8);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	reply = (struct reply){
		.id = action.id, .outcome = OUTCOME_OK, .lease = action.lease, .raft_term = 7};
	rig_reply(&r, &reply);
	ck_state(&r, "lease", "held");
	/* Nor does it prolong it. */
	rig_pass(&r, MS(25));
	action = rig_take(&r, ACTION_KEEPALIVE);
	reply.id = action.id;
	reply.ttl = TTL;
	rig_reply(&r, &reply);
	rig_pass(&r, VALIDITY - MS(2300));
	ck_state(&r, "lease", "suspended");
	rig_stop(&r);
}
END_TEST

START_TEST(nothing_keeps_a_keepalive_waiting)
{
	struct rig r;

	rig_start(&r, 0);
	rig_lead(&r, 0);
	/* Reads, pulses and the like hang. */
	rig_pass(&r, MS(2300));
	ck_assert(rig_has(&r, ACTION_CONFIRM));
	ck_assert(rig_has(&r, ACTION_KEEPALIVE));
	rig_stop(&r);
}
END_TEST

START_TEST(a_new_ttl_counts_from_the_next_lease_on)
{
	struct coord_event event = {.kind = COORD_CONFIG, .ttl = 20};
	struct action action;
	struct rig r;

	rig_start(&r, 0);
	rig_register(&r, 0);
	rig_input(&r, &event);
	rig_pass(&r, MS(2300));
	action = rig_take(&r, ACTION_KEEPALIVE);
	rig_ttl(&r, &action, 0);
	ck_assert_int_eq(rig_take(&r, ACTION_GRANT).ttl, 20);
	rig_stop(&r);
}
END_TEST

TCase *core_lease_case(void)
{
	TCase *tc = tcase_create("lease");

	tcase_add_test(tc, the_margin_is_a_tenth_but_at_least_half_a_second);
	tcase_add_test(tc, a_grant_is_valid_from_its_sending_not_from_its_answer);
	tcase_add_test(tc, the_ttl_that_was_returned_counts_not_the_one_asked_for);
	tcase_add_test(tc, a_keepalive_goes_out_each_third_of_the_ttl);
	tcase_add_test(tc, a_keepalive_prolongs_from_its_sending);
	tcase_add_loop_test(tc,
		a_keepalive_prolongs_from_the_sending_of_the_attempt_that_was_answered, 0,
		ARRAY_SIZE(attempts));
	tcase_add_test(tc, an_answer_that_took_longer_than_it_is_good_for_revives_nothing);
	tcase_add_loop_test(tc, only_the_word_of_etcd_loses_a_lease, 0, ARRAY_SIZE(keepalives));
	tcase_add_test(tc, an_hour_without_answers_suspends_and_loses_nothing);
	tcase_add_test(tc, a_refused_connection_is_not_tried_in_a_storm);
	tcase_add_test(tc, a_grant_found_existing_after_a_lost_answer_is_ours);
	tcase_add_loop_test(tc, a_grant_that_fails_is_tried_again_with_the_same_id, 0,
		ARRAY_SIZE(grant_failures));
	tcase_add_test(tc, a_grant_answered_with_another_id_is_no_grant);
	tcase_add_test(tc, a_restart_asks_for_the_saved_lease_first);
	tcase_add_test(tc, a_saved_lease_that_has_ended_is_replaced);
	tcase_add_test(tc, a_lease_with_another_ttl_is_revoked_at_the_start);
	tcase_add_test(tc, registration_waits_for_the_disk_but_not_for_ever);
	tcase_add_test(tc, a_lease_that_can_not_be_saved_is_used_all_the_same);
	tcase_add_test(tc, an_answer_from_the_past_does_not_lose_the_lease);
	tcase_add_test(tc, nothing_keeps_a_keepalive_waiting);
	tcase_add_test(tc, a_new_ttl_counts_from_the_next_lease_on);
	return tc;
}
