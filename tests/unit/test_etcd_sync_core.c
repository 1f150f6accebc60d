/*
 * What the sync decides, in virtual time; and what headers say about the cluster.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "etcd/guard.h"
#include "etcd/sync_core.h"
#include "tests/lib/suite.h"

#define SEC USEC_PER_SEC

static struct etcd_sync_core core;
static usec_t now;
static char told[1024];

/* The actions since the last time, as text. */
static const char *actions(void)
{
	static const char *const names[] = {
		"drop", "list", "watch", "check", "expect", "END", "LIVE", "LOST"};
	struct etcd_sync_action action;

	told[0] = '\0';
	while (etcd_sync_core_next(&core, &action)) {
		size_t len = strlen(told);

		snprintf(told + len, sizeof(told) - len, "%s%s %" PRId64, len ? ", " : "",
			names[action.kind], action.revision);
	}
	return told;
}

#define INPUT(...)	       etcd_sync_core_input(&core, now, &(struct etcd_sync_input){__VA_ARGS__})
#define ASSERT_ACTIONS(wanted) ck_assert_str_eq(actions(), wanted)

static void start(int64_t known)
{
	now = 1000 * SEC;
	etcd_sync_core_init(&core, now, 0, 0, known, 1);
}

/* Up to a live watch at revision 10. */
static void become_live(void)
{
	start(0);
	ASSERT_ACTIONS("list 0");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10, .sent_at = now);
	ASSERT_ACTIONS("END 10, watch 11");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 10);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 10);
	ASSERT_ACTIONS("LIVE 10");
	ck_assert_int_eq(core.state, ETCD_SYNC_LIVE);
}

/* To the next wake-up. */
static void sleep_on(void)
{
	ck_assert(etcd_sync_core_wakeup(&core) != USEC_NEVER);
	now = etcd_sync_core_wakeup(&core);
	INPUT(.kind = ETCD_SYNC_TICK);
}

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
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 15);
	ASSERT_ACTIONS("LIVE 10");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 15);
	ASSERT_ACTIONS("");
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
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 20, .sent_at = now);
	ASSERT_ACTIONS("expect 20");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 19);
	ASSERT_ACTIONS("");
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 20);
	ASSERT_ACTIONS("LIVE 20");
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
	ASSERT_ACTIONS("check 0");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 9, .pulse = 3);
	ASSERT_ACTIONS("LIVE 7");
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
	ASSERT_ACTIONS("check 0");
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
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 12);
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 20, .pulse = 18, .sent_at = now);
	now += SEC;
	actions();
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 17);
	ASSERT_ACTIONS("");
	ck_assert(core.current_at == certain);
	INPUT(.kind = ETCD_SYNC_APPLIED, .revision = 18);
	ASSERT_ACTIONS("LIVE 18");
	ck_assert(core.current_at == now);
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

static struct etcd_header header(uint64_t cluster, uint64_t term, int64_t revision)
{
	return (struct etcd_header){.cluster_id = cluster, .raft_term = term, .revision = revision};
}

START_TEST(the_guard_pins_the_cluster)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header ours = header(1, 2, 10);
	struct etcd_header other = header(2, 9, 99);

	ck_assert_int_eq(etcd_guard_judge(&guard, &ours, -1, 0), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &other, 5, 0), ETCD_GUARD_FOREIGN);
	ck_assert(guard.term == 2 && guard.revision == 10);
}
END_TEST

START_TEST(the_guard_believes_a_lower_term_only_when_it_lasts)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header high = header(1, 5, 10);
	struct etcd_header low = header(1, 2, 4);

	ck_assert_int_eq(etcd_guard_judge(&guard, &high, 0, 0), ETCD_GUARD_GOOD);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(etcd_guard_judge(&guard, &low, -1, i * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 10 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 11 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &high, 10, 12 * SEC), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 20 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 22 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 24 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 25 * SEC), ETCD_GUARD_TERM_BACK);
	ck_assert(guard.term == 2 && guard.revision == 4 && guard.setbacks == 1);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 4, 26 * SEC), ETCD_GUARD_GOOD);
}
END_TEST

START_TEST(the_guard_notices_a_revision_that_went_back_once)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header ten = header(1, 2, 10);
	struct etcd_header four = header(1, 2, 4);

	ck_assert_int_eq(etcd_guard_judge(&guard, &ten, 0, 0), ETCD_GUARD_GOOD);
	/* asked for before 10 was known, or from a member's own state: proves nothing */
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 3, 0), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, -1, 0), ETCD_GUARD_GOOD);
	ck_assert(guard.revision == 10);
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 10, 0), ETCD_GUARD_REVISION_BACK);
	ck_assert(guard.revision == 4 && guard.setbacks == 1);
	/* others that were under way */
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 10, 0), ETCD_GUARD_GOOD);
	ck_assert(guard.setbacks == 1);
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
	tcase_add_test(t, what_comes_while_it_catches_up_does_not_make_it_current);
	tcase_add_test(t, own_writes_are_expected_back);
	tcase_add_test(t, pauses_grow_to_two_seconds_and_shrink_after_a_good_time);
	tcase_add_test(t, what_comes_late_is_ignored);
	suite_add_tcase(s, t);
	t = tcase_create("guard");
	tcase_add_test(t, the_guard_pins_the_cluster);
	tcase_add_test(t, the_guard_believes_a_lower_term_only_when_it_lasts);
	tcase_add_test(t, the_guard_notices_a_revision_that_went_back_once);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
