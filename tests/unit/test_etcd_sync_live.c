/*
 * When the picture is told to be live, in virtual time.
 */
#include "config.h"

#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_sync_core.h"

/* Resumed at 10; the store is at 20. */
static void catch_up(void)
{
	start(10);
	ASSERT_ACTIONS("watch 11");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 9, .sent_at = now);
	ASSERT_ACTIONS("");
}

START_TEST(a_pulse_that_was_seen_does_not_prove_a_resumption)
{
	catch_up();
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	ASSERT_ACTIONS("");
	ck_assert(!core.told_live);
	ck_assert_int_eq(core.current_at, 0);
}
END_TEST

START_TEST(nothing_that_happened_since_proves_a_resumption_at_once)
{
	start(20);
	actions();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 20");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 9, .sent_at = now - 3);
	ASSERT_ACTIONS("LIVE 20");
	ck_assert(core.current_at == now - 3);
}
END_TEST

START_TEST(changes_of_others_are_told_from_a_backlog_by_a_compare)
{
	catch_up();
	ck_assert(etcd_sync_core_wakeup(&core) == now + ETCD_SYNC_QUIET);
	now += ETCD_SYNC_QUIET / 2;
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 13);
	ck_assert(etcd_sync_core_wakeup(&core) == now + ETCD_SYNC_QUIET);
	sleep_on();
	ASSERT_ACTIONS("compare 13");
	ck_assert(etcd_sync_core_wakeup(&core) == USEC_NEVER);
	/* others go on all the time */
	INPUT(.kind = ETCD_SYNC_COMPARED, .revision = 90, .same = true, .sent_at = now - 3);
	ASSERT_ACTIONS("skip 90, LIVE 90");
	ck_assert(core.current_at == now - 3);
	ck_assert(etcd_sync_core_wakeup(&core) == now + 30 * SEC);
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 91);
	ASSERT_ACTIONS("");
	ck_assert_int_eq(core.applied, 91);
}
END_TEST

START_TEST(what_is_missing_is_expected_of_the_watch)
{
	catch_up();
	sleep_on();
	ASSERT_ACTIONS("compare 10");
	INPUT(.kind = ETCD_SYNC_COMPARED, .revision = 25);
	ASSERT_ACTIONS("expect 11");
	/* there is no point in another one before something has come; what is to be seen stays */
	ck_assert(etcd_sync_core_wakeup(&core) > now + ETCD_SYNC_ECHO);
	ck_assert_int_eq(core.wanted, 20);
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 11);
	ASSERT_ACTIONS("");
	ck_assert(etcd_sync_core_wakeup(&core) == now + 2 * ETCD_SYNC_QUIET);
	sleep_on();
	ASSERT_ACTIONS("compare 11");
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "silent");
	ASSERT_ACTIONS("drop 0");
	sleep_on();
	ASSERT_ACTIONS("watch 12");
}
END_TEST

START_TEST(a_compare_of_what_is_not_shown_any_more_proves_nothing)
{
	catch_up();
	sleep_on();
	ASSERT_ACTIONS("compare 10");
	/* a key came and went; its end is still to come */
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 15);
	INPUT(.kind = ETCD_SYNC_COMPARED, .revision = 20, .same = true);
	ASSERT_ACTIONS("");
	ck_assert(!core.told_live);
	sleep_on();
	ASSERT_ACTIONS("compare 15");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 16);
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("");
	sleep_on();
	ASSERT_ACTIONS("compare 16");
	/* the watch was only slow */
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 20);
	ASSERT_ACTIONS("LIVE 20");
	INPUT(.kind = ETCD_SYNC_COMPARED, .revision = 22);
	ASSERT_ACTIONS("");
	ck_assert(core.told_live);
}
END_TEST

START_TEST(a_compare_that_fails_is_made_again_and_one_that_is_void_leads_to_a_listing)
{
	catch_up();
	sleep_on();
	ASSERT_ACTIONS("compare 10");
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "away");
	ASSERT_ACTIONS("");
	ck_assert(etcd_sync_core_wakeup(&core) - now <= SEC / 10);
	sleep_on();
	ASSERT_ACTIONS("compare 10");
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("drop 0, list 0");
	catch_up();
	sleep_on();
	actions();
	INPUT(.kind = ETCD_SYNC_COMPARED, .revision = 9);
	ASSERT_ACTIONS("drop 0, list 0");
	ck_assert_str_eq(core.reason, "etcd's revision went back from 10 to 9");
}
END_TEST

START_TEST(an_answer_that_events_have_overtaken_is_no_step_back)
{
	become_live();
	sleep_on();
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 11, .pulse = 3, .sent_at = now);
	ASSERT_ACTIONS("");
	ck_assert_uint_eq(core.listings, 1);
	ck_assert(core.told_live);
}
END_TEST

START_TEST(who_was_lost_is_live_again_when_it_is_proven)
{
	become_live();
	sleep_on();
	actions();
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "away");
	ASSERT_ACTIONS("LOST 0");
	/* that may have been in the pipe for long; and it does not put the check off */
	now += 1;
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 11);
	ASSERT_ACTIONS("");
	ck_assert(etcd_sync_core_wakeup(&core) - now <= SEC / 10);
	sleep_on();
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 14, .pulse = 3);
	ASSERT_ACTIONS("");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 14);
	ASSERT_ACTIONS("LIVE 14");
}
END_TEST

START_TEST(what_comes_while_it_catches_up_does_not_make_it_current)
{
	usec_t certain;

	become_live();
	now += SEC;
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	certain = core.current_at;
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
	sleep_on();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 12, .sent_at = now);
	now += SEC;
	actions();
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 19);
	ASSERT_ACTIONS("");
	ck_assert(core.current_at == certain);
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 20);
	ASSERT_ACTIONS("LIVE 20");
	ck_assert(core.current_at == now);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("etcd sync live");
	TCase *t = tcase_create("live");

	tcase_add_test(t, a_pulse_that_was_seen_does_not_prove_a_resumption);
	tcase_add_test(t, nothing_that_happened_since_proves_a_resumption_at_once);
	tcase_add_test(t, changes_of_others_are_told_from_a_backlog_by_a_compare);
	tcase_add_test(t, what_is_missing_is_expected_of_the_watch);
	tcase_add_test(t, a_compare_of_what_is_not_shown_any_more_proves_nothing);
	tcase_add_test(
		t, a_compare_that_fails_is_made_again_and_one_that_is_void_leads_to_a_listing);
	tcase_add_test(t, an_answer_that_events_have_overtaken_is_no_step_back);
	tcase_add_test(t, who_was_lost_is_live_again_when_it_is_proven);
	tcase_add_test(t, what_comes_while_it_catches_up_does_not_make_it_current);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
