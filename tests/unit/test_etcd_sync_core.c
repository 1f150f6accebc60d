/*
 * What the sync decides, in virtual time; when it is told to be live: test_etcd_sync_live.c.
 */
#include "config.h"

#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_sync_core.h"

START_TEST(pages_are_listed_at_one_revision_and_watched_from_the_next)
{
	start(0);
	ASSERT_ACTIONS("list 0");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10, .more = true, .sent_at = 5);
	ASSERT_ACTIONS("list 10");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 14, .more = true, .sent_at = 6);
	ASSERT_ACTIONS("list 10");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 15, .sent_at = 7);
	ASSERT_ACTIONS("END 10, watch 11");
	ck_assert_int_eq(core.current_at, 5);
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 15);
	ASSERT_ACTIONS("check 10");
	/* what was changed while it was listed is not there yet */
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 15);
	ASSERT_ACTIONS("");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 14);
	ASSERT_ACTIONS("");
	ck_assert_int_eq(core.current_at, 5);
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 15);
	ASSERT_ACTIONS("LIVE 15");
	ck_assert_int_eq(core.applied, 15);
	ck_assert(core.current_at == now);
}
END_TEST

START_TEST(a_page_that_fails_is_asked_for_again_after_a_pause)
{
	start(0);
	actions();
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10, .more = true);
	actions();
	INPUT(.kind = ETCD_SYNC_PAGE_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "why");
	ASSERT_ACTIONS("drop 0");
	ck_assert_int_eq(core.state, ETCD_SYNC_WAITING);
	ck_assert_str_eq(core.reason, "why");
	sleep_on();
	ASSERT_ACTIONS("list 10");
	INPUT(.kind = ETCD_SYNC_PAGE_FAILED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("drop 0");
	sleep_on();
	ASSERT_ACTIONS("list 0");
}
END_TEST

START_TEST(pages_that_are_too_large_are_halved)
{
	struct etcd_sync_action action;
	int64_t limit = ETCD_SYNC_PAGE;

	start(0);
	actions();
	while (limit > 1) {
		INPUT(.kind = ETCD_SYNC_PAGE_FAILED, .failure = ETCD_SYNC_TOO_LARGE, .reason = "");
		ck_assert(etcd_sync_core_next(&core, &action));
		ck_assert_int_eq(action.kind, ETCD_SYNC_DO_LIST);
		limit /= 2;
		ck_assert_int_eq(action.limit, limit);
	}
	INPUT(.kind = ETCD_SYNC_PAGE_FAILED, .failure = ETCD_SYNC_TOO_LARGE, .reason = "");
	ck_assert_int_eq(core.state, ETCD_SYNC_WAITING);
}
END_TEST

START_TEST(a_watch_that_ends_is_resumed_and_checked)
{
	become_live();
	now += SEC;
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	now += SEC;
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
	ASSERT_ACTIONS("drop 0, LOST 0");
	ck_assert_str_eq(core.reason, "cut");
	sleep_on();
	ASSERT_ACTIONS("watch 13");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 12");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .sent_at = now);
	ASSERT_ACTIONS("");
	ck_assert_str_eq(core.reason, "catching up to revision 20");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 19);
	ASSERT_ACTIONS("");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 20);
	ASSERT_ACTIONS("LIVE 20");
	ck_assert_str_eq(core.reason, "caught up");
	ck_assert(etcd_sync_core_wakeup(&core) == now + 30 * SEC);
}
END_TEST

START_TEST(a_resumption_that_missed_a_compaction_lists_again)
{
	become_live();
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
	sleep_on();
	actions();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("drop 0, list 0");
	ck_assert_uint_eq(core.listings, 2);
}
END_TEST

START_TEST(a_compacted_watch_lists_again)
{
	become_live();
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("drop 0, LOST 0");
	sleep_on();
	ASSERT_ACTIONS("list 0");
}
END_TEST

START_TEST(what_was_known_is_taken_up_where_it_ended)
{
	start(7);
	ASSERT_ACTIONS("watch 8");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 9);
	ASSERT_ACTIONS("check 7");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 9);
	ASSERT_ACTIONS("");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 9);
	ASSERT_ACTIONS("LIVE 9");
}
END_TEST

START_TEST(what_was_known_of_another_history_is_not_taken_up)
{
	/* the backup that was restored is older than what was known; etcd is past that again */
	start(10);
	etcd_sync_core_know_pulse(&core, 8);
	ASSERT_ACTIONS("watch 11");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 9);
	ASSERT_ACTIONS("drop 0, list 0");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 20, .sent_at = now);
	ASSERT_ACTIONS("END 20, watch 21");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 20");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 9);
	ASSERT_ACTIONS("LIVE 20");
	/* the same one */
	start(10);
	etcd_sync_core_know_pulse(&core, 8);
	ASSERT_ACTIONS("watch 11");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 8);
	ASSERT_ACTIONS("");
	ck_assert_uint_eq(core.listings, 0);
	ck_assert_int_eq(core.wanted, 20);
}
END_TEST

START_TEST(silence_is_looked_into)
{
	become_live();
	ck_assert(etcd_sync_core_wakeup(&core) == now + 30 * SEC);
	now += 20 * SEC;
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 11);
	ck_assert(etcd_sync_core_wakeup(&core) == now + 30 * SEC);
	sleep_on();
	ASSERT_ACTIONS("check 0");
	ck_assert(etcd_sync_core_wakeup(&core) == USEC_NEVER);
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 90, .pulse = 11, .sent_at = now - 5);
	ASSERT_ACTIONS("");
	ck_assert(core.current_at == now - 5);
	sleep_on();
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 91, .pulse = 91, .sent_at = now);
	ASSERT_ACTIONS("expect 91");
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "silent");
	ASSERT_ACTIONS("drop 0, LOST 0");
	sleep_on();
	ASSERT_ACTIONS("watch 12");
}
END_TEST

START_TEST(a_check_that_fails_makes_the_picture_doubtful)
{
	become_live();
	sleep_on();
	actions();
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "away");
	ASSERT_ACTIONS("LOST 0");
	ck_assert_str_eq(core.reason, "not certain: away");
	sleep_on();
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "away");
	ASSERT_ACTIONS("");
	sleep_on();
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 10, .sent_at = now);
	ASSERT_ACTIONS("LIVE 10");
}
END_TEST

START_TEST(an_event_alone_does_not_prove_a_resumption)
{
	become_live();
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
	sleep_on();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 20);
	actions();
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_TRANSIENT, .reason = "away");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	ASSERT_ACTIONS("");
	sleep_on();
	ASSERT_ACTIONS("check 12");
}
END_TEST

START_TEST(a_store_that_went_back_is_listed_anew)
{
	become_live();
	sleep_on();
	actions();
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 4);
	ASSERT_ACTIONS("drop 0, list 0, LOST 0");
	ck_assert_str_eq(core.reason, "etcd's revision went back from 10 to 4");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 4);
	ASSERT_ACTIONS("END 4, watch 5");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 4);
	ASSERT_ACTIONS("check 4");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 4);
	ASSERT_ACTIONS("LIVE 4");
	INPUT(.kind = ETCD_SYNC_AGAIN, .reason = "asked to");
	ASSERT_ACTIONS("drop 0, list 0, LOST 0");
}
END_TEST

START_TEST(a_member_that_lags_at_creation_is_checked)
{
	start(0);
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10);
	actions();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 8);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 8);
	ASSERT_ACTIONS("drop 0, list 0");
	ck_assert_str_eq(core.reason, "etcd's revision went back from 10 to 8");
}
END_TEST

START_TEST(a_compaction_between_a_listing_and_its_watch_is_found_out)
{
	start(0);
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10);
	actions();
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 12);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_VOID, .reason = "compacted");
	ASSERT_ACTIONS("drop 0, list 0");
}
END_TEST

START_TEST(own_writes_are_expected_back)
{
	become_live();
	INPUT(.kind = ETCD_SYNC_EXPECT, .revision = 12);
	ASSERT_ACTIONS("expect 12");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 12);
	INPUT(.kind = ETCD_SYNC_EXPECT, .revision = 12);
	ASSERT_ACTIONS("");
}
END_TEST

START_TEST(pauses_grow_to_two_seconds_and_shrink_after_a_good_time)
{
	usec_t longest = 0;

	become_live();
	for (int i = 0; i < 10; i++) {
		usec_t pause;

		INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
		pause = etcd_sync_core_wakeup(&core) - now;
		ck_assert(pause >= SEC / 20 && pause <= 2 * SEC);
		if (i == 0)
			ck_assert(pause <= SEC / 10);
		longest = usec_max(longest, pause);
		sleep_on();
		actions();
	}
	ck_assert(longest >= SEC);
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 10);
	now += 6 * SEC;
	INPUT(.kind = ETCD_SYNC_ENDED, .failure = ETCD_SYNC_TRANSIENT, .reason = "cut");
	ck_assert(etcd_sync_core_wakeup(&core) - now <= SEC / 10);
}
END_TEST

START_TEST(what_comes_late_is_ignored)
{
	become_live();
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 99);
	INPUT(.kind = ETCD_SYNC_PAGE_FAILED, .reason = "");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 3);
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 3);
	INPUT(.kind = ETCD_SYNC_CHECK_FAILED, .failure = ETCD_SYNC_VOID, .reason = "");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 5);
	INPUT(.kind = ETCD_SYNC_TICK);
	ASSERT_ACTIONS("");
	ck_assert_int_eq(core.applied, 10);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("etcd sync core");
	TCase *t = tcase_create("sync");

	tcase_add_test(t, pages_are_listed_at_one_revision_and_watched_from_the_next);
	tcase_add_test(t, a_page_that_fails_is_asked_for_again_after_a_pause);
	tcase_add_test(t, pages_that_are_too_large_are_halved);
	tcase_add_test(t, a_watch_that_ends_is_resumed_and_checked);
	tcase_add_test(t, a_resumption_that_missed_a_compaction_lists_again);
	tcase_add_test(t, a_compacted_watch_lists_again);
	tcase_add_test(t, what_was_known_is_taken_up_where_it_ended);
	tcase_add_test(t, what_was_known_of_another_history_is_not_taken_up);
	tcase_add_test(t, silence_is_looked_into);
	tcase_add_test(t, a_check_that_fails_makes_the_picture_doubtful);
	tcase_add_test(t, an_event_alone_does_not_prove_a_resumption);
	tcase_add_test(t, a_store_that_went_back_is_listed_anew);
	tcase_add_test(t, a_member_that_lags_at_creation_is_checked);
	tcase_add_test(t, a_compaction_between_a_listing_and_its_watch_is_found_out);
	tcase_add_test(t, own_writes_are_expected_back);
	tcase_add_test(t, pauses_grow_to_two_seconds_and_shrink_after_a_good_time);
	tcase_add_test(t, what_comes_late_is_ignored);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
