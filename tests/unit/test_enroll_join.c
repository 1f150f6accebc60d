/*
 * Both ends of an enrolment against each other: who gets in, who does not, what each is told, and
 * what is left when one of them dies.
 */
#include "config.h"
#include "tests/unit/test_enroll_join.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "io/clock.h"
#include "tests/lib/suite.h"
#include "trust/cert.h"

#define MANY 50

struct joiner j, k;
char *token;

void teardown(void)
{
	joiner_done(&j);
	joiner_done(&k);
	secret_free(token);
	token = NULL;
	world_teardown();
}

void assert_in(struct joiner *joiner)
{
	ck_assert_msg(
		joiner->done && joiner->rc == 0, "%s", joiner->why ? joiner->why : "not done");
	ck_assert_str_eq(joiner->bundle, w.bundle_text);
}

void assert_out(struct joiner *joiner, int rc, const char *part)
{
	ck_assert(joiner->done);
	ck_assert_msg(joiner->rc == rc, "%d: %s", joiner->rc, joiner->why);
	ck_assert_msg(strstr(joiner->why, part), "'%s' is not in '%s'", part, joiner->why);
	ck_assert_ptr_null(joiner->bundle);
	ck_assert_ptr_null(joiner->certificate);
}

struct invitation first_invitation(void)
{
	struct invitation i;

	invitations_at(w.book, 0, &i);
	return i;
}

START_TEST(a_good_token_lets_in)
{
	struct enroll_server_stats stats;
	struct cert *cert;
	struct err err;

	token = world_invite("mgt2", 0, HOUR);
	joiner_run(&j, token, NULL);
	assert_in(&j);
	ck_assert_int_eq(cert_parse(&cert, j.certificate, &err), 0);
	ck_assert_str_eq(cert->subject, "mgt2");
	ck_assert_uint_eq(cert->name_count, 4); /* the name, two addresses, and the one seen */
	cert_free(cert);
	ck_assert_str_eq(w.last_peer, "127.0.0.1");
	ck_assert(!w.last_used_before);
	ck_assert_int_eq(first_invitation().state, INVITATION_USED);
	ck_assert_str_eq(first_invitation().address, "127.0.0.1");
	enroll_server_stats(w.server, &stats);
	ck_assert_uint_eq(stats.redeemed, 1);
	ck_assert_uint_eq(stats.under_way, 0);
	ck_assert_uint_eq(stats.refused, 0);
}
END_TEST

START_TEST(an_unknown_token_is_explained)
{
	struct err err;

	ck_assert_int_eq(token_make("mgt2", &token, NULL, &err), 0);
	joiner_run(&j, token, NULL);
	assert_out(&j, -EACCES, "Invalid token: this server made no such invitation");
	ck_assert_uint_eq(w.redeems, 0);
	ck_assert_uint_eq(w.refusals, 1);
}
END_TEST

START_TEST(a_token_with_one_bit_flipped_is_unknown)
{
	const size_t bit[] = {30, 200, 500, 681};
	struct enroll_client *client;
	struct err err;
	char *key = world_new_key();
	char byte;

	token = world_invite("mgt2", 0, HOUR);
	for (size_t i = 0; i < ARRAY_SIZE(bit); i++) {
		const struct enroll_client_options options = {.server = w.server_text,
			.token = token,
			.key = key,
			.version = "1",
			.port = 1};

		byte = token[bit[i] / 8];
		token[bit[i] / 8] ^= (char)(1 << bit[i] % 8);
		if (enroll_client_new(&client, w.loop, &options, NULL, NULL, &err) < 0) {
			ck_assert_ptr_nonnull(strstr(err.text, "Invalid token format: "));
		} else {
			enroll_client_free(client);
			joiner_run(&j, token, key);
			assert_out(&j, -EACCES, "Invalid token: ");
			joiner_done(&j);
		}
		token[bit[i] / 8] = byte;
	}
	ck_assert_uint_eq(w.redeems, 0);
	joiner_run(&j, token, key);
	assert_in(&j);
	secret_free(key);
}
END_TEST

START_TEST(an_expired_token_says_when)
{
	token = world_invite("mgt2", 2 * HOUR, HOUR);
	joiner_run(&j, token, NULL);
	assert_out(&j, -EACCES, "Invalid token: expired at 20");
	assert_out(&j, -EACCES, "make a new one with: collective invite mgt2");
	ck_assert_uint_eq(w.redeems, 0);
}
END_TEST

START_TEST(a_revoked_token_says_when)
{
	struct err err;

	token = world_invite("mgt2", 0, HOUR);
	ck_assert_int_eq(invitations_revoke(w.book, "mgt2", clock_wall(), &err), 0);
	ck_assert_int_eq(world_settle(), 0);
	joiner_run(&j, token, NULL);
	assert_out(&j, -EACCES, "Invalid token: revoked at 20");
}
END_TEST

START_TEST(a_token_survives_a_restart_of_the_server)
{
	token = world_invite("mgt2", 0, HOUR);
	world_kill_server();
	world_start_server();
	joiner_run(&j, token, NULL);
	assert_in(&j);
}
END_TEST

START_TEST(the_same_key_is_answered_again_and_another_is_refused)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	joiner_run(&j, token, key);
	assert_in(&j);
	joiner_done(&j);
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert(w.last_used_before);
	ck_assert_uint_eq(w.redeems, 2);
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "Invalid token: already used by 127.0.0.1 at 20");
	ck_assert_uint_eq(w.redeems, 2);
	secret_free(key);
}
END_TEST

START_TEST(a_second_try_waits_for_the_answer_to_the_first)
{
	char *key = world_new_key();
	unsigned two = 2;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	joiner_start(&k, w.server_text, token, key);
	run_until(waiting_are, &two);
	ck_assert(!j.done && !k.done);
	ck_assert_uint_eq(w.redeems, 1);
	world_register(w.held[0]);
	run_until(joiner_is_done, &j);
	run_until(joiner_is_done, &k);
	assert_in(&j);
	assert_in(&k);
	secret_free(key);
}
END_TEST

START_TEST(a_joiner_that_dies_while_it_is_registered_may_come_again)
{
	char *key = world_new_key();
	unsigned none = 0;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	joiner_done(&j);
	run_until(connections_are, &none);
	world_register(w.held[0]);
	ck_assert_int_eq(w.done_rc, 0);
	w.redeem = WORLD_REGISTERS;
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "already used by 127.0.0.1");
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert(w.last_used_before);
	secret_free(key);
}
END_TEST

START_TEST(a_server_that_dies_while_it_registers_keeps_the_token_for_that_key)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	world_kill_server();
	ck_assert_uint_eq(w.cancels, 1);
	run_until(joiner_is_done, &j);
	assert_out(&j, -ECONNRESET, "try again with the same invitation");
	joiner_done(&j);
	world_start_server();
	w.redeem = WORLD_REGISTERS;
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "being used by 127.0.0.1 with another key since 20");
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert(!w.last_used_before);
	secret_free(key);
}
END_TEST

START_TEST(a_lost_reply_does_not_burn_the_token)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, key);
	run_until(one_is_held, NULL);
	/* registered and noted, and dead before the reply is on the wire */
	world_register(w.held[0]);
	w.held_count = 0;
	world_kill_server();
	run_until(joiner_is_done, &j);
	if (j.rc == 0) {
		assert_in(&j); /* the kernel had it already */
	} else {
		assert_out(&j, -ECONNRESET, "try again with the same invitation");
	}
	joiner_done(&j);
	world_start_server();
	w.redeem = WORLD_REGISTERS;
	joiner_run(&j, token, key);
	assert_in(&j);
	ck_assert(w.last_used_before);
	secret_free(key);
}
END_TEST

START_TEST(a_registration_that_did_not_happen_frees_the_token)
{
	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_FAILS;
	w.fail_code = ENROLL_NO_QUORUM;
	w.fail_applied_never = true;
	w.fail_text = "Collective does not have quorum";
	joiner_run(&j, token, NULL);
	assert_out(&j, -EHOSTDOWN, "Collective does not have quorum");
	ck_assert_str_eq(j.why, "Collective does not have quorum");
	ck_assert_int_eq(first_invitation().state, INVITATION_PENDING);
	w.redeem = WORLD_REGISTERS;
	joiner_run(&k, token, NULL);
	assert_in(&k);
}
END_TEST

START_TEST(a_registration_of_unknown_outcome_keeps_the_token_for_its_key)
{
	char *key = world_new_key();

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_FAILS;
	w.fail_code = ENROLL_UNAVAILABLE;
	w.fail_applied_never = false;
	w.fail_text = "etcd did not answer";
	joiner_run(&j, token, key);
	assert_out(&j, -EAGAIN, "etcd did not answer");
	joiner_done(&j);
	/* the next try certainly did nothing; the first may have */
	w.fail_applied_never = true;
	joiner_run(&j, token, key);
	assert_out(&j, -EAGAIN, "etcd did not answer");
	joiner_done(&j);
	w.redeem = WORLD_REGISTERS;
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "being used by 127.0.0.1");
	joiner_run(&j, token, key);
	assert_in(&j);
	secret_free(key);
}
END_TEST

START_TEST(the_owner_can_refuse)
{
	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_FAILS;
	w.fail_code = ENROLL_REFUSED;
	w.fail_text = "mgt2 was removed from the collective";
	joiner_run(&j, token, NULL);
	assert_out(&j, -EPERM, "refused: mgt2 was removed from the collective");
}
END_TEST

START_TEST(revoked_while_it_is_redeemed_gives_nothing_away)
{
	struct err err;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, NULL);
	run_until(one_is_held, NULL);
	ck_assert_int_eq(invitations_revoke(w.book, "mgt2", clock_wall(), &err), 0);
	ck_assert_int_eq(world_settle(), 0);
	world_register(w.held[0]);
	ck_assert_int_eq(w.done_rc, -EKEYREVOKED);
	ck_assert_ptr_nonnull(strstr(w.done_err.text, "mgt2 was registered but is not let in"));
	run_until(joiner_is_done, &j);
	assert_out(&j, -EACCES, "Invalid token: revoked at 20");
}
END_TEST

static bool all_but_one_done(void *arg)
{
	const struct joiner *many = arg;
	unsigned done = 0;

	for (unsigned i = 0; i < MANY; i++)
		done += many[i].done;
	return done == MANY - 1;
}

START_TEST(fifty_keys_at_once_have_one_winner)
{
	static struct joiner many[MANY];
	unsigned winners = 0;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	world_hold_disk(true);
	for (unsigned i = 0; i < MANY; i++)
		joiner_start(&many[i], w.server_text, token, NULL);
	run_until(all_but_one_done, many);
	ck_assert_uint_eq(w.held_count, 0);
	world_hold_disk(false);
	run_until(one_is_held, NULL);
	world_register(w.held[0]);
	for (unsigned i = 0; i < MANY; i++) {
		run_until(joiner_is_done, &many[i]);
		if (many[i].rc == 0)
			winners++;
		else
			assert_out(&many[i], -EACCES, "used by 127.0.0.1");
		joiner_done(&many[i]);
	}
	ck_assert_uint_eq(winners, 1);
	ck_assert_uint_eq(w.redeems, 1);
}
END_TEST

START_TEST(a_renewed_certificate_disturbs_nobody)
{
	struct privkey *key;
	struct err err;
	char *pem, *certificate;

	token = world_invite("mgt2", 0, HOUR);
	w.redeem = WORLD_HOLDS;
	joiner_start(&j, w.server_text, token, NULL);
	run_until(one_is_held, NULL);
	ck_assert_int_eq(privkey_generate(&key, &err), 0);
	ck_assert_int_eq(privkey_pem(key, &pem, &err), 0);
	ck_assert_int_eq(ca_renew(w.ca, key, "mgt1", NULL, 0, clock_wall(), &certificate, &err), 0);
	ck_assert_int_lt(enroll_server_set_certificate(w.server, certificate, w.key, &err), 0);
	ck_assert_int_eq(enroll_server_set_certificate(w.server, certificate, pem, &err), 0);
	world_register(w.held[0]);
	run_until(joiner_is_done, &j);
	assert_in(&j);
	joiner_run(&k, token, NULL);
	assert_out(&k, -EACCES, "already used by");
	privkey_free(key);
	secret_free(pem);
	free(certificate);
}
END_TEST

START_TEST(what_is_no_token_server_or_key_is_refused_at_once)
{
	struct enroll_client *client;
	struct err err;
	char *key = world_new_key();
	struct enroll_client_options options = {.server = "mgt1", .key = key, .version = "1"};

	options.token = "garbage";
	ck_assert_int_eq(enroll_client_new(&client, w.loop, &options, NULL, NULL, &err), -EINVAL);
	ck_assert_int_eq(strncmp(err.text, "Invalid token format: ", 22), 0);
	token = world_invite("mgt2", 0, HOUR);
	options.token = token;
	options.server = "[\033[2J";
	ck_assert_int_eq(enroll_client_new(&client, w.loop, &options, NULL, NULL, &err), -EINVAL);
	ck_assert_ptr_null(strchr(err.text, '\033'));
	options.server = "mgt1:99999";
	ck_assert_int_eq(enroll_client_new(&client, w.loop, &options, NULL, NULL, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "'mgt1:99999' is not a server"));
	options.server = "mgt1";
	options.key = "no key";
	ck_assert_int_eq(enroll_client_new(&client, w.loop, &options, NULL, NULL, &err), -EINVAL);
	secret_free(key);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("enroll/join");
	TCase *t = tcase_create("join");

	tcase_add_checked_fixture(t, world_setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_good_token_lets_in);
	tcase_add_test(t, an_unknown_token_is_explained);
	tcase_add_test(t, a_token_with_one_bit_flipped_is_unknown);
	tcase_add_test(t, an_expired_token_says_when);
	tcase_add_test(t, a_revoked_token_says_when);
	tcase_add_test(t, a_token_survives_a_restart_of_the_server);
	tcase_add_test(t, the_same_key_is_answered_again_and_another_is_refused);
	tcase_add_test(t, a_second_try_waits_for_the_answer_to_the_first);
	tcase_add_test(t, a_joiner_that_dies_while_it_is_registered_may_come_again);
	tcase_add_test(t, a_server_that_dies_while_it_registers_keeps_the_token_for_that_key);
	tcase_add_test(t, a_lost_reply_does_not_burn_the_token);
	tcase_add_test(t, a_registration_that_did_not_happen_frees_the_token);
	tcase_add_test(t, a_registration_of_unknown_outcome_keeps_the_token_for_its_key);
	tcase_add_test(t, the_owner_can_refuse);
	tcase_add_test(t, revoked_while_it_is_redeemed_gives_nothing_away);
	tcase_add_test(t, fifty_keys_at_once_have_one_winner);
	tcase_add_test(t, a_renewed_certificate_disturbs_nobody);
	tcase_add_test(t, what_is_no_token_server_or_key_is_refused_at_once);
	suite_add_tcase(s, t);
	suite_add_tcase(s, join_disk_case());
	return s;
}

SUITE_MAIN(make_suite)
