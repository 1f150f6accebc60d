/*
 * Both ends of an enrolment while the server's disk fails or takes its time: nothing is registered or
 * answered that is not noted.
 */
#include "config.h"
#include "tests/unit/test_enroll_join.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

START_TEST(without_a_note_on_disk_nothing_is_registered)
{
	token = world_invite("mgt2", 0, HOUR);
	world_block_writes(true);
	joiner_run(&j, token, NULL);
	assert_out(&j, -EAGAIN, "cannot note who redeems the invitation of mgt2");
	ck_assert_uint_eq(w.redeems, 0);
	world_block_writes(false);
	joiner_run(&k, token, NULL);
	assert_in(&k);
}
END_TEST

START_TEST(without_a_note_that_it_is_used_nothing_is_answered)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	world_block_writes(true);
	world_register(w.held[0]);
	ck_assert_int_lt(w.done_rc, 0);
	run_until(joiner_is_done, &j);
	assert_out(&j, -EAGAIN, "cannot write its book");
	joiner_done(&j);
	world_block_writes(false);
	w.redeem = WORLD_REGISTERS;
	joiner_run(&j, token, key);
	assert_in(&j);
	secret_free(key);
}
END_TEST

/* ---- while the disk takes its time ---- */

START_TEST(nobody_is_asked_before_the_binding_is_on_disk)
{
	unsigned one = 1;

	token = world_invite("mgt2", 0, HOUR);
	world_hold_disk(true);
	joiner_start(&j, w.server_text, token, NULL);
	run_until(waiting_are, &one);
	ck_assert_uint_eq(w.redeems, 0);
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "being used by 127.0.0.1 with another key since 20");
	ck_assert_uint_eq(w.redeems, 0);
	world_hold_disk(false);
	run_until(joiner_is_done, &j);
	assert_in(&j);
}
END_TEST

START_TEST(nobody_is_answered_before_the_note_of_use_is_on_disk)
{
	char *key = world_new_key();
	unsigned two = 2;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	world_hold_disk(true);
	world_answer(w.held[0]);
	/* a second try with the same key waits for the same answer */
	joiner_start(&k, w.server_text, token, key);
	run_until(waiting_are, &two);
	ck_assert(!j.done && !k.done);
	ck_assert_uint_eq(w.answered, 0);
	world_hold_disk(false);
	run_until(joiner_is_done, &j);
	run_until(joiner_is_done, &k);
	assert_in(&j);
	assert_in(&k);
	ck_assert_uint_eq(w.redeems, 1);
	ck_assert_uint_eq(w.answered, 1);
	secret_free(key);
}
END_TEST

START_TEST(a_joiner_that_goes_while_its_binding_is_written_is_registered)
{
	char *key = world_new_key();
	unsigned one = 1, none = 0;

	token = world_invite("mgt2", 0, HOUR);
	world_hold_disk(true);
	joiner_start(&j, w.server_text, token, key);
	run_until(waiting_are, &one);
	joiner_done(&j);
	run_until(connections_are, &none);
	world_hold_disk(false);
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert_uint_ge(w.registered, 1);
	ck_assert_int_eq(first_invitation().state, INVITATION_USED);
	secret_free(key);
}
END_TEST

START_TEST(a_server_that_dies_while_it_binds_keeps_the_token_for_that_key)
{
	char *key = world_new_key();
	unsigned one = 1;

	token = world_invite("mgt2", 0, HOUR);
	world_hold_disk(true);
	joiner_start(&j, w.server_text, token, key);
	run_until(waiting_are, &one);
	world_kill_server();
	ck_assert_uint_eq(w.cancels, 0); /* the owner was not asked */
	run_until(joiner_is_done, &j);
	joiner_done(&j);
	world_start_server();
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "being used by 127.0.0.1 with another key");
	joiner_run(&j, token, key);
	assert_in(&j);
	secret_free(key);
}
END_TEST

START_TEST(a_server_that_dies_while_it_notes_the_use_answers_that_key_again)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	world_hold_disk(true);
	world_answer(w.held[0]);
	world_kill_server();
	ck_assert_uint_eq(w.cancels, 0); /* the owner has answered */
	run_until(joiner_is_done, &j);
	assert_out(&j, -ECONNRESET, "try again with the same invitation");
	joiner_done(&j);
	world_start_server();
	w.redeem = WORLD_REGISTERS;
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert(w.last_used_before);
	secret_free(key);
}
END_TEST

START_TEST(a_release_that_cannot_be_written_keeps_the_token_for_its_key)
{
	char *key = world_new_key();
	unsigned before;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	before = w.refusals;
	world_block_writes(true);
	enroll_redeem_fail(w.held[0], ENROLL_NO_QUORUM, true, "Collective does not have quorum");
	run_until(joiner_is_done, &j);
	assert_out(&j, -EHOSTDOWN, "Collective does not have quorum");
	ck_assert_uint_eq(w.refusals, before + 1);
	ck_assert_ptr_nonnull(strstr(w.last_refusal.text, "invitations"));
	world_block_writes(false);
	joiner_done(&j);
	w.redeem = WORLD_REGISTERS;
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "being used by 127.0.0.1");
	joiner_run(&j, token, key);
	assert_in(&j);
	secret_free(key);
}
END_TEST

START_TEST(the_same_key_may_ask_again_while_its_token_is_given_free)
{
	char *key = world_new_key();
	unsigned two = 2;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	world_hold_disk(true);
	enroll_redeem_fail(w.held[0], ENROLL_NO_QUORUM, true, "Collective does not have quorum");
	w.redeem = WORLD_REGISTERS;
	joiner_start(&k, w.server_text, token, key);
	run_until(waiting_are, &two);
	world_hold_disk(false);
	run_until(joiner_is_done, &j);
	run_until(joiner_is_done, &k);
	assert_out(&j, -EHOSTDOWN, "Collective does not have quorum");
	assert_in(&k);
	secret_free(key);
}
END_TEST

TCase *join_disk_case(void)
{
	TCase *t = tcase_create("disk");

	tcase_add_checked_fixture(t, world_setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, without_a_note_on_disk_nothing_is_registered);
	tcase_add_test(t, without_a_note_that_it_is_used_nothing_is_answered);
	tcase_add_test(t, nobody_is_asked_before_the_binding_is_on_disk);
	tcase_add_test(t, nobody_is_answered_before_the_note_of_use_is_on_disk);
	tcase_add_test(t, a_joiner_that_goes_while_its_binding_is_written_is_registered);
	tcase_add_test(t, a_server_that_dies_while_it_binds_keeps_the_token_for_that_key);
	tcase_add_test(t, a_server_that_dies_while_it_notes_the_use_answers_that_key_again);
	tcase_add_test(t, a_release_that_cannot_be_written_keeps_the_token_for_its_key);
	tcase_add_test(t, the_same_key_may_ask_again_while_its_token_is_given_free);
	return t;
}
