/*
 * The view: the order of news does not matter, and what counts as active.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "tests/unit/test_core.h"

static struct roster *r;

static void make(void)
{
	r = roster_new();
}

static void drop(void)
{
	roster_free(r);
}

static bool member(const char *name, int64_t rev, bool valid, bool voting)
{
	struct record_info info = {
		.present = true, .mod_rev = rev, .valid = valid, .voting = voting, .version = "1"};

	return roster_record(r, 100, name, &info, 0);
}

static bool active(const char *name, int64_t rev, int64_t lease)
{
	struct key_info info = {
		.present = true, .create_rev = rev, .mod_rev = rev, .lease = lease, .version = "2"};

	return roster_active(r, 200, name, &info, 0);
}

static bool inactive(const char *name, int64_t rev)
{
	struct key_info info = {.mod_rev = rev};

	return roster_active(r, 300, name, &info, 0);
}

START_TEST(a_member_is_active_with_a_valid_record_and_a_leased_key)
{
	member("a", 2, true, true);
	ck_assert(!roster_find(r, "a")->is_active);
	active("a", 3, 77);
	ck_assert(roster_find(r, "a")->is_active);
	ck_assert_int_eq(roster_find(r, "a")->since, 200);
	ck_assert_str_eq(roster_find(r, "a")->version, "2");
	ck_assert_uint_eq(roster_foreign(r), 0);
	inactive("a", 4);
	ck_assert(!roster_find(r, "a")->is_active);
	ck_assert_int_eq(roster_find(r, "a")->since, 300);
}
END_TEST

START_TEST(who_went_before_one_was_there_was_not_seen)
{
	member("a", 2, true, true);
	active("a", 3, 77);
	inactive("a", 4);
	ck_assert(!roster_find(r, "a")->was_seen);
	roster_began(r, 6);
	/* a watch that goes on from a copy on disk has not come as far as that yet */
	active("a", 5, 78);
	inactive("a", 6);
	ck_assert(!roster_find(r, "a")->was_seen);
	active("a", 7, 79);
	ck_assert(!roster_find(r, "a")->was_seen);
	roster_began(r, 9);
	inactive("a", 8);
	ck_assert(roster_find(r, "a")->was_seen);
}
END_TEST

/* A read that was taken before the watch broke is answered in the middle of the new listing. */
START_TEST(who_has_not_been_back_since_it_was_moved_away_from_is_gone_since_then)
{
	const struct roster_member *m;

	member("a", 2, true, true);
	active("a", 3, 77);
	inactive("a", 4);
	/* it may have been back in between */
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 250, 12), 300);
	roster_began(r, 5);
	active("a", 6, 77);
	inactive("a", 10);
	m = roster_find(r, "a");
	ck_assert_int_eq(roster_gone_since(m, 0, 0), 300);
	ck_assert_int_eq(roster_gone_since(m, 350, 12), 300);
	ck_assert_int_eq(roster_gone_since(m, 250, 12), 250);
	/* it was there after that */
	ck_assert_int_eq(roster_gone_since(m, 250, 9), 300);
	active("a", 20, 78);
	roster_begin(r);
	member("a", 2, true, true);
	roster_end(r, 500, 40);
	m = roster_find(r, "a");
	ck_assert(!m->is_active);
	/* nobody knows when it went, between 20 and 40 */
	ck_assert_int_eq(roster_gone_since(m, 400, 30), 400);
	ck_assert_int_eq(roster_gone_since(m, 100, 19), 500);
	ck_assert_int_eq(roster_gone_since(m, 0, 0), 500);
}
END_TEST

/* Its nodes were moved, at 30, by a transaction that was sent before it came. */
START_TEST(who_was_there_after_it_was_moved_away_from_has_not_been_gone_since_then)
{
	roster_began(r, 1);
	member("a", 2, true, true);
	active("a", 20, 77);
	/* overwritten by hand, on no lease: it was there until then */
	active("a", 50, 0);
	ck_assert(!roster_find(r, "a")->is_active);
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 100, 30), 200);
	active("a", 60, 77);
	member("b", 80, true, true);
	roster_begin(r);
	member("a", 2, true, true);
	roster_end(r, 500, 90);
	/* it was there when the listing began, at least */
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 100, 79), 500);
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 100, 81), 100);
	active("a", 95, 78);
	roster_begin(r);
	member("a", 2, true, true);
	active("a", 95, 78);
	roster_end(r, 500, 120);
	roster_begin(r);
	member("a", 2, true, true);
	roster_end(r, 700, 140);
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 100, 119), 700);
	ck_assert_int_eq(roster_gone_since(roster_find(r, "a"), 100, 121), 100);
}
END_TEST

START_TEST(an_old_read_is_no_part_of_a_listing)
{
	const struct record_info record = {.present = true, .mod_rev = 2, .valid = true};
	const struct key_info key = {.present = true, .create_rev = 3, .mod_rev = 3, .lease = 77};

	member("a", 2, true, true);
	active("a", 3, 77);
	(void)roster_leader(r, &key, 0);
	roster_begin(r);
	(void)roster_record(r, 100, "a", &record, 9);
	(void)roster_active(r, 100, "a", &key, 9);
	(void)roster_leader(r, &key, 9);
	ck_assert(roster_end(r, 100, 10));
	ck_assert_ptr_null(roster_find(r, "a"));
	ck_assert(!roster_leader_key(r)->present);
}
END_TEST

START_TEST(a_key_without_a_lease_or_record_makes_nobody_active)
{
	member("a", 2, true, true);
	active("a", 3, 0);
	active("b", 4, 77);
	member("c", 5, false, true);
	active("c", 6, 77);
	ck_assert(!roster_find(r, "a")->is_active);
	ck_assert(!roster_find(r, "b")->is_active);
	ck_assert(!roster_find(r, "c")->is_active);
	ck_assert_uint_eq(roster_foreign(r), 3);
	ck_assert_uint_eq(roster_invalid(r), 1);
	ck_assert_uint_eq(roster_list(r, 0, NULL, NULL, 0), 1);
	/* The record may come after the key. */
	member("b", 7, true, true);
	ck_assert(roster_find(r, "b")->is_active);
}
END_TEST

/* Put at 3, deleted at 5, put again at 8, in each order, each twice. */
START_TEST(news_in_any_order_end_at_the_newest)
{
	static const int orders[6][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	int i;

	member("a", 2, true, true);
	for (i = 0; i < 6; i++)
		switch (orders[_i][i / 2]) {
		case 0:
			active("a", 3, 33);
			break;
		case 1:
			inactive("a", 5);
			break;
		default:
			active("a", 8, 88);
			break;
		}
	ck_assert(roster_find(r, "a")->is_active);
	ck_assert_int_eq(roster_find(r, "a")->active.lease, 88);
	ck_assert_int_eq(roster_find(r, "a")->active.create_rev, 8);
	ck_assert_int_eq(roster_revision(r), 8);
}
END_TEST

START_TEST(an_absence_in_a_read_counts_with_the_revision_of_the_read)
{
	static const struct key_info none;
	static const struct record_info no_record;

	member("a", 2, true, true);
	active("a", 10, 77);
	ck_assert(!roster_active(r, 1, "a", &none, 9));
	ck_assert(roster_find(r, "a")->is_active);
	ck_assert(roster_active(r, 1, "a", &none, 11));
	ck_assert(!roster_find(r, "a")->is_active);
	/* What was there before that is old news now. */
	ck_assert(!active("a", 10, 77));
	ck_assert(active("a", 12, 78));
	ck_assert(roster_record(r, 1, "a", &no_record, 13));
	ck_assert(!roster_find(r, "a")->is_active);
}
END_TEST

START_TEST(the_leader_key_follows_the_same_order)
{
	struct key_info key = {
		.present = true, .create_rev = 5, .mod_rev = 5, .lease = 7, .value = "a"};
	static const struct key_info none;

	ck_assert_ptr_null(roster_leader_member(r));
	ck_assert(roster_leader(r, &key, 0));
	ck_assert(!roster_leader(r, &key, 0));
	ck_assert_ptr_null(roster_leader_member(r));
	member("a", 2, true, true);
	ck_assert_str_eq(roster_leader_member(r)->name, "a");
	ck_assert(!roster_leader(r, &none, 4));
	ck_assert(roster_leader(r, &none, 6));
	ck_assert(!roster_leader(r, &key, 0));
	ck_assert(!roster_leader_key(r)->present);
	key.create_rev = key.mod_rev = 9;
	key.lease = 0;
	ck_assert(roster_leader(r, &key, 0));
	ck_assert_ptr_null(roster_leader_member(r));
}
END_TEST

START_TEST(a_listing_removes_what_it_does_not_mention)
{
	struct key_info key = {
		.present = true, .create_rev = 5, .mod_rev = 5, .lease = 7, .value = "a"};

	member("a", 2, true, true);
	member("b", 3, true, true);
	active("b", 4, 77);
	roster_leader(r, &key, 0);
	ck_assert(!roster_complete(r));
	roster_begin(r);
	member("b", 3, true, true);
	/* Written after the listing's revision, and heard of in between. */
	member("c", 25, true, true);
	active("c", 26, 79);
	ck_assert(roster_end(r, 400, 20));
	ck_assert(roster_complete(r));
	ck_assert_ptr_null(roster_find(r, "a"));
	ck_assert(roster_find(r, "b")->present);
	ck_assert(!roster_find(r, "b")->is_active);
	ck_assert(roster_find(r, "c")->is_active);
	ck_assert(!roster_leader_key(r)->present);
	/* Old news of who was dropped. */
	ck_assert(!member("a", 2, true, true));
	ck_assert(!member("a", 20, true, true));
	ck_assert(member("a", 21, true, true));
}
END_TEST

START_TEST(a_second_listing_of_the_same_changes_nothing)
{
	roster_begin(r);
	member("a", 2, true, true);
	active("a", 3, 77);
	ck_assert(roster_end(r, 1, 10));
	roster_begin(r);
	ck_assert(!member("a", 2, true, true));
	ck_assert(!active("a", 3, 77));
	ck_assert(!roster_end(r, 2, 11));
	ck_assert(roster_find(r, "a")->is_active);
}
END_TEST

static int by_name_backwards(const struct roster_member *a, const struct roster_member *b)
{
	return strcmp(b->name, a->name);
}

START_TEST(lists_are_filtered_and_sorted)
{
	struct key_info key = {
		.present = true, .create_rev = 9, .mod_rev = 9, .lease = 77, .value = "b"};
	const struct roster_member *list[8];

	member("b", 2, true, true);
	active("b", 3, 77);
	member("a", 4, true, true);
	member("d", 5, true, false);
	active("d", 6, 78);
	member("c", 7, true, true);
	active("c", 8, 79);
	member("x", 8, false, true);
	roster_leader(r, &key, 0);
	ck_assert_uint_eq(roster_list(r, 0, by_name_backwards, list, 8), 4);
	ck_assert_str_eq(list[0]->name, "d");
	ck_assert_str_eq(list[1]->name, "c");
	ck_assert_str_eq(list[2]->name, "b");
	ck_assert_str_eq(list[3]->name, "a");
	ck_assert_uint_eq(
		roster_list(r, ROSTER_ACTIVE | ROSTER_NO_LEADER, by_name_backwards, list, 8), 2);
	ck_assert_str_eq(list[0]->name, "d");
	ck_assert_str_eq(list[1]->name, "c");
	ck_assert_uint_eq(roster_list(r, ROSTER_OFFLINE, NULL, list, 8), 1);
	ck_assert_str_eq(list[0]->name, "a");
	ck_assert_uint_eq(roster_list(r, ROSTER_NONVOTING, NULL, list, 8), 1);
	ck_assert_str_eq(list[0]->name, "d");
	ck_assert_uint_eq(roster_list(r, ROSTER_ACTIVE | ROSTER_VOTING, NULL, list, 8), 2);
	list[1] = NULL;
	ck_assert_uint_eq(roster_list(r, 0, NULL, list, 1), 4);
	ck_assert_ptr_null(list[1]);
}
END_TEST

START_TEST(names_that_are_none_or_too_many_are_counted_and_left_out)
{
	char name[16];
	int i;

	ck_assert(!member("no name", 2, true, true));
	ck_assert(!active("", 3, 77));
	ck_assert_uint_eq(roster_left_out(r), 2);
	for (i = 0; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		ck_assert(member(name, 2, true, true));
	}
	ck_assert(!member("more", 2, true, true));
	ck_assert_uint_eq(roster_left_out(r), 3);
	ck_assert(inactive("m7", 5) || !roster_find(r, "m7")->is_active);
}
END_TEST

START_TEST(a_member_takes_the_place_of_a_name_that_is_nobodys)
{
	char name[16];
	int i;

	member("m0", 2, true, true);
	for (i = 1; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		ck_assert(i % 2 ? active(name, 3, 77) : member(name, 3, false, true));
	}
	ck_assert(!active("more", 4, 77));
	ck_assert(!member("more", 4, false, true));
	for (i = 1; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		ck_assert(member(name, 5, true, true));
		ck_assert(active(name, 6, 78));
	}
	ck_assert(!member("more", 7, true, true));
	ck_assert_ptr_nonnull(roster_find(r, "m0"));
	ck_assert_uint_eq(roster_list(r, ROSTER_ACTIVE, NULL, NULL, 0), ROSTER_MAX - 1);
	ck_assert_uint_eq(roster_foreign(r), 0);
	ck_assert_uint_eq(roster_invalid(r), 0);
}
END_TEST

START_TEST(there_is_room_for_fewer_members_than_for_names)
{
	char name[16];
	int i;

	for (i = 0; i < ROSTER_MEMBERS_MAX - 1; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		member(name, 2, true, true);
	}
	member("stranger", 2, false, true);
	ck_assert(!roster_full(r, "new"));
	member("last", 2, true, true);
	ck_assert(roster_full(r, "new"));
	ck_assert(roster_full(r, "stranger"));
	/* who is one already may be invited again */
	ck_assert(!roster_full(r, "m7"));
}
END_TEST

START_TEST(a_member_that_is_left_out_is_known_of)
{
	char name[16];
	int i;

	member("no name", 2, true, true);
	for (i = 0; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		member(name, 2, true, true);
	}
	member("stranger", 3, false, true);
	active("other", 3, 77);
	ck_assert(!roster_crowded(r));
	ck_assert(!member("more", 4, true, true));
	ck_assert(roster_crowded(r));
	/* a listing knows better, once it is complete */
	roster_begin(r);
	for (i = 1; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		member(name, 2, true, true);
	}
	ck_assert(roster_crowded(r));
	roster_end(r, 5, 5);
	ck_assert(!roster_crowded(r));
	roster_begin(r);
	for (i = 0; i < ROSTER_MAX + 1; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		member(name, 6, true, true);
	}
	roster_end(r, 7, 7);
	ck_assert(roster_crowded(r));
}
END_TEST

START_TEST(deleted_names_make_room)
{
	struct record_info gone = {.mod_rev = 9};
	char name[16];
	int i;

	for (i = 0; i < ROSTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		member(name, 2, true, true);
		roster_record(r, 1, name, &gone, 0);
	}
	ck_assert(member("more", 10, true, true));
	ck_assert_uint_eq(roster_left_out(r), 0);
}
END_TEST

TCase *core_roster_case(void)
{
	TCase *tc = tcase_create("roster");

	tcase_add_checked_fixture(tc, make, drop);
	tcase_add_test(tc, a_member_is_active_with_a_valid_record_and_a_leased_key);
	tcase_add_test(tc, who_went_before_one_was_there_was_not_seen);
	tcase_add_test(tc, a_key_without_a_lease_or_record_makes_nobody_active);
	tcase_add_test(tc, who_has_not_been_back_since_it_was_moved_away_from_is_gone_since_then);
	tcase_add_test(tc, who_was_there_after_it_was_moved_away_from_has_not_been_gone_since_then);
	tcase_add_test(tc, an_old_read_is_no_part_of_a_listing);
	tcase_add_loop_test(tc, news_in_any_order_end_at_the_newest, 0, 6);
	tcase_add_test(tc, an_absence_in_a_read_counts_with_the_revision_of_the_read);
	tcase_add_test(tc, the_leader_key_follows_the_same_order);
	tcase_add_test(tc, a_listing_removes_what_it_does_not_mention);
	tcase_add_test(tc, a_second_listing_of_the_same_changes_nothing);
	tcase_add_test(tc, lists_are_filtered_and_sorted);
	tcase_add_test(tc, names_that_are_none_or_too_many_are_counted_and_left_out);
	tcase_add_test(tc, a_member_takes_the_place_of_a_name_that_is_nobodys);
	tcase_add_test(tc, there_is_room_for_fewer_members_than_for_names);
	tcase_add_test(tc, a_member_that_is_left_out_is_known_of);
	tcase_add_test(tc, deleted_names_make_room);
	return tc;
}
