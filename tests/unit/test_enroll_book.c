/*
 * The book of invitations: its states, and what is told of each.
 */
#include "config.h"
#include "tests/unit/test_enroll_book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"

char *path;
struct loop *loop;
struct worker *worker;
struct invitations *book;
struct err err;

static char folder[] = "/tmp/enroll-book-XXXXXX";
static char *blocker;

void load(usec_t now)
{
	int rc = invitations_load(&book, worker, path, now, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
}

static void on_disk(struct invitations_wait *wait, int rc, const char *text)
{
	struct waiter *w = CONTAINER_OF(wait, struct waiter, wait);

	w->calls++;
	w->rc = rc;
	if (rc < 0)
		err_set(&err, rc, "%s", text);
	if (w->stop)
		loop_stop(loop);
}

bool wait_for_disk(struct waiter *w, bool stop)
{
	*w = (struct waiter){.wait = {.done = on_disk}, .stop = stop};
	return invitations_settle(book, &w->wait);
}

void run(void)
{
	struct err why;

	ck_assert_msg(loop_run(loop, &why) == 0, "%s", why.text);
}

int settle(void)
{
	struct waiter w;

	if (!wait_for_disk(&w, true))
		return 0;
	run();
	ck_assert_int_eq(w.calls, 1);
	return w.rc;
}

int settled(int rc)
{
	int written = settle();

	return written < 0 ? written : rc;
}

void reload(usec_t now)
{
	invitations_free(book);
	load(now);
}

void setup(void)
{
	memset(folder + sizeof(folder) - 7, 'X', 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = file_join(folder, "invitations");
	blocker = file_join(folder, "invitations.new");
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	ck_assert_msg(worker_new(&worker, loop, &err) == 0, "%s", err.text);
	load(T0);
}

void teardown(void)
{
	invitations_free(book);
	worker_free(worker);
	loop_free(loop);
	unlink(path);
	rmdir(blocker);
	rmdir(folder);
	free(path);
	free(blocker);
}

void block_writes(void)
{
	ck_assert_int_eq(mkdir(blocker, 0700), 0);
}

void allow_writes(void)
{
	ck_assert_int_eq(rmdir(blocker), 0);
}

const unsigned char *id(unsigned n)
{
	static unsigned char bytes[4][INVITATION_IDENTITY_LEN];
	static unsigned turn;
	unsigned char *b = bytes[turn++ % 4];

	memset(b, 0x5a, INVITATION_IDENTITY_LEN);
	memcpy(b, &n, sizeof(n));
	return b;
}

int add(const char *name, unsigned n, usec_t now, usec_t ttl)
{
	return settled(invitations_add(book, name, true, id(n), id(n + 100000), now, ttl, &err));
}

int key(unsigned n, usec_t now)
{
	unsigned char k[INVITATION_KEY_LEN];
	int rc = invitations_key(book, id(n), INVITATION_IDENTITY_LEN, now, k);

	if (rc == 0)
		ck_assert_mem_eq(k, id(n + 100000), sizeof(k));
	return rc;
}

int why(unsigned n, usec_t now)
{
	err_clear(&err);
	return invitations_why_not(book, id(n), INVITATION_IDENTITY_LEN, now, &err);
}

int claim(unsigned n, const char *redeemer, const char *address, usec_t now)
{
	return settled(invitations_claim(
		book, id(n), INVITATION_IDENTITY_LEN, redeemer, address, now, &err));
}

int mark_used(unsigned n, usec_t now)
{
	return settled(invitations_mark_used(book, id(n), INVITATION_IDENTITY_LEN, now, &err));
}

int let_go(unsigned n, usec_t now)
{
	invitations_release(book, id(n), INVITATION_IDENTITY_LEN, now);
	return settle();
}

int revoke_it(const char *name, usec_t now)
{
	return settled(invitations_revoke(book, name, now, &err));
}

int sweep(usec_t now)
{
	invitations_sweep(book, now);
	return settle();
}

struct invitation get(unsigned n, usec_t now)
{
	struct invitation i;

	ck_assert(invitations_find(book, id(n), INVITATION_IDENTITY_LEN, now, &i));
	return i;
}

START_TEST(a_missing_file_is_an_empty_book)
{
	ck_assert_uint_eq(invitations_count(book), 0);
	ck_assert_int_eq(key(1, T0), -ENOENT);
	ck_assert_int_eq(why(1, T0), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "no such invitation"));
}
END_TEST

START_TEST(an_invitation_survives_a_restart)
{
	struct invitation i;
	struct stat st;

	umask(0);
	ck_assert_int_eq(
		settled(invitations_add(book, "mgt2", false, id(1), id(100001), T0, DAY, &err)), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	reload(T0 + HOUR);
	ck_assert_uint_eq(invitations_count(book), 1);
	invitations_at(book, 0, &i);
	ck_assert_str_eq(i.name, "mgt2");
	ck_assert(!i.voting);
	ck_assert_int_eq(i.state, INVITATION_PENDING);
	ck_assert_int_eq(i.created, T0);
	ck_assert_int_eq(i.expires, T0 + DAY);
	ck_assert_ptr_null(i.redeemer);
	ck_assert_int_eq(key(1, T0 + HOUR), 0);
}
END_TEST

START_TEST(an_identity_of_another_length_is_unknown)
{
	unsigned char k[INVITATION_KEY_LEN];

	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(invitations_key(book, id(1), INVITATION_IDENTITY_LEN - 1, T0, k), -ENOENT);
	ck_assert_int_eq(invitations_key(book, id(1), 0, T0, k), -ENOENT);
}
END_TEST

START_TEST(bad_invitations_are_refused)
{
	ck_assert_int_eq(add("a b", 1, T0, DAY), -EINVAL);
	ck_assert_int_eq(add("", 1, T0, DAY), -EINVAL);
	ck_assert_int_eq(add("mgt2", 1, T0, 0), -EINVAL);
	ck_assert_int_eq(add("mgt2", 1, T0, -DAY), -EINVAL);
	ck_assert_int_eq(add("mgt2", 1, T0, 31 * DAY), -EINVAL);
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(add("mgt3", 1, T0, DAY), -EEXIST);
	ck_assert_uint_eq(invitations_count(book), 1);
}
END_TEST

START_TEST(an_expired_invitation_says_when_and_what_to_do)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(key(1, T0 + DAY - 1), 0);
	ck_assert_int_eq(key(1, T0 + DAY), -ENOENT);
	ck_assert_int_eq(why(1, T0 + DAY), -EKEYEXPIRED);
	ck_assert_str_eq(err.text, "expired at 2026-01-02 00:00:00 UTC, make a new one with: "
				   "collective invite mgt2");
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0 + DAY), -EKEYEXPIRED);
}
END_TEST

START_TEST(a_clock_set_back_revives_nothing)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(key(1, T0 + DAY), -ENOENT);
	ck_assert_int_eq(key(1, T0), -ENOENT);
	ck_assert_int_eq(sweep(T0), 0);
	reload(T0);
	ck_assert_int_eq(key(1, T0), -ENOENT);
	ck_assert_int_eq(why(1, T0), -EKEYEXPIRED);
}
END_TEST

START_TEST(the_sweep_writes_only_when_something_expired)
{
	struct stat before, after;

	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert_int_eq(sweep(T0 + HOUR), 0);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(sweep(T0 + DAY), 0);
	ck_assert_int_eq(get(1, T0).state, INVITATION_EXPIRED);
	block_writes();
	ck_assert_int_eq(sweep(T0 + DAY), 0);
	allow_writes();
}
END_TEST

START_TEST(ended_invitations_are_forgotten_after_a_week)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(sweep(T0 + DAY), 0);
	ck_assert_int_eq(sweep(T0 + 8 * DAY), 0);
	ck_assert_uint_eq(invitations_count(book), 1);
	ck_assert_int_eq(sweep(T0 + 8 * DAY + 1), 0);
	ck_assert_uint_eq(invitations_count(book), 0);
	reload(T0);
	ck_assert_uint_eq(invitations_count(book), 0);
}
END_TEST

START_TEST(a_new_invitation_replaces_the_old_one)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(add("mgt3", 2, T0, DAY), 0);
	ck_assert_int_eq(add("mgt2", 3, T0 + HOUR, DAY), 0);
	ck_assert_int_eq(key(1, T0 + HOUR), -ENOENT);
	ck_assert_int_eq(why(1, T0 + HOUR), -EKEYREVOKED);
	ck_assert_str_eq(
		err.text, "replaced at 2026-01-01 01:00:00 UTC by a newer invitation of mgt2");
	ck_assert_int_eq(key(2, T0 + HOUR), 0);
	ck_assert_int_eq(key(3, T0 + HOUR), 0);
}
END_TEST

START_TEST(a_revoked_invitation_is_over)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(revoke_it("mgt2", T0 + HOUR), 0);
	ck_assert_int_eq(key(1, T0 + HOUR), -ENOENT);
	ck_assert_int_eq(why(1, T0 + HOUR), -EKEYREVOKED);
	ck_assert_ptr_nonnull(strstr(err.text, "revoked at 2026-01-01 01:00:00 UTC"));
	ck_assert_int_eq(revoke_it("mgt2", T0 + HOUR), -ENOENT);
	ck_assert_int_eq(revoke_it("a b\n", T0 + HOUR), -ENOENT);
	reload(T0);
	ck_assert_int_eq(why(1, T0), -EKEYREVOKED);
}
END_TEST

START_TEST(the_same_key_may_come_again_and_no_other)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0 + HOUR), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0 + HOUR), 1);
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0 + HOUR), -EALREADY);
	ck_assert_ptr_nonnull(strstr(err.text, "being used by 10.0.0.2 with another key since "
					       "2026-01-01 01:00:00 UTC"));
	reload(T0 + HOUR);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0 + HOUR), 1);
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0 + HOUR), -EALREADY);
	ck_assert_int_eq(mark_used(1, T0 + 2 * HOUR), 0);
	ck_assert_int_eq(mark_used(1, T0 + 2 * HOUR), 0);
	reload(T0 + 2 * HOUR);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.9", T0 + 2 * HOUR), 2);
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0 + 2 * HOUR), -EALREADY);
	ck_assert_str_eq(err.text, "already used by 10.0.0.2 at 2026-01-01 02:00:00 UTC");
	ck_assert_int_eq(key(1, T0 + DAY), -ENOENT);
	ck_assert_int_eq(why(1, T0 + DAY), -EALREADY);
	ck_assert_str_eq(err.text, "already used by 10.0.0.2 at 2026-01-01 02:00:00 UTC");
}
END_TEST

START_TEST(a_released_invitation_is_for_any_key_again)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(let_go(1, T0), 0);
	ck_assert_ptr_null(get(1, T0).redeemer);
	reload(T0);
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0), 0);
	ck_assert_int_eq(mark_used(1, T0), 0);
	ck_assert_int_eq(let_go(1, T0), 0);
	ck_assert_int_eq(get(1, T0).state, INVITATION_USED);
}
END_TEST

START_TEST(what_is_revoked_while_it_is_redeemed_lets_nobody_in)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(revoke_it("mgt2", T0 + 1), 0);
	ck_assert_int_eq(mark_used(1, T0 + 2), -EKEYREVOKED);
	ck_assert_int_eq(mark_used(2, T0 + 2), -EKEYREVOKED);
}
END_TEST

START_TEST(what_expires_while_it_is_redeemed_counts_as_used)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0 + DAY - 1), 0);
	ck_assert_int_eq(sweep(T0 + DAY), 0);
	ck_assert_int_eq(mark_used(1, T0 + DAY), 0);
	ck_assert_int_eq(key(1, T0 + DAY), -ENOENT);
	reload(T0 + DAY);
	ck_assert_int_eq(why(1, T0 + DAY), -EALREADY);
}
END_TEST

START_TEST(a_used_invitation_ends_with_a_new_one_for_its_name)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(mark_used(1, T0), 0);
	ck_assert_int_eq(key(1, T0), 0);
	ck_assert_int_eq(add("mgt2", 2, T0 + 1, DAY), 0);
	ck_assert_int_eq(key(1, T0 + 1), -ENOENT);
	ck_assert_int_eq(why(1, T0 + 1), -EALREADY);
	/* a redeem of the old one that was still under way */
	ck_assert_int_eq(mark_used(1, T0 + 1), -EKEYREVOKED);
}
END_TEST

START_TEST(revoking_a_used_invitation_says_so_and_ends_its_key)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(mark_used(1, T0), 0);
	ck_assert_int_eq(revoke_it("mgt2", T0), -EALREADY);
	ck_assert_str_eq(err.text, "the invitation of mgt2 was redeemed: already used by 10.0.0.2 "
				   "at 2026-01-01 00:00:00 UTC");
	ck_assert_int_eq(key(1, T0), -ENOENT);
	ck_assert_int_eq(revoke_it("mgt2", T0), -EALREADY);
}
END_TEST

START_TEST(the_book_has_a_ceiling)
{
	char name[16];
	unsigned n;

	/* one name again and again: only the ended ones fill the book, and they make room */
	for (n = 1; n <= 20; n++)
		ck_assert_int_eq(add("mgt2", n, T0 + n, DAY), 0);
	ck_assert_int_eq(add("last", 50000, T0, 20 * DAY), 0);
	for (n = 1; n < INVITATIONS_MAX - 1; n++) {
		snprintf(name, sizeof(name), "n%u", n);
		ck_assert_int_eq(add(name, 1000 + n, T0 + 100, 20 * DAY), 0);
	}
	ck_assert_uint_eq(invitations_count(book), INVITATIONS_MAX);
	ck_assert_int_eq(add("more", 60000, T0 + 100, DAY), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "--revoke"));
	ck_assert_int_eq(revoke_it("n7", T0 + 100), 0);
	ck_assert_int_eq(add("more", 60000, T0 + 100, DAY), 0);
	reload(T0 + 100);
	ck_assert_uint_eq(invitations_count(book), INVITATIONS_MAX);
	ck_assert_int_eq(key(60000, T0 + 100), 0);
	ck_assert_int_eq(key(50000, T0 + 100), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("enroll/invitations");
	TCase *t = tcase_create("book");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_missing_file_is_an_empty_book);
	tcase_add_test(t, an_invitation_survives_a_restart);
	tcase_add_test(t, an_identity_of_another_length_is_unknown);
	tcase_add_test(t, bad_invitations_are_refused);
	tcase_add_test(t, an_expired_invitation_says_when_and_what_to_do);
	tcase_add_test(t, a_clock_set_back_revives_nothing);
	tcase_add_test(t, the_sweep_writes_only_when_something_expired);
	tcase_add_test(t, ended_invitations_are_forgotten_after_a_week);
	tcase_add_test(t, a_new_invitation_replaces_the_old_one);
	tcase_add_test(t, a_revoked_invitation_is_over);
	tcase_add_test(t, the_same_key_may_come_again_and_no_other);
	tcase_add_test(t, a_released_invitation_is_for_any_key_again);
	tcase_add_test(t, what_is_revoked_while_it_is_redeemed_lets_nobody_in);
	tcase_add_test(t, what_expires_while_it_is_redeemed_counts_as_used);
	tcase_add_test(t, a_used_invitation_ends_with_a_new_one_for_its_name);
	tcase_add_test(t, revoking_a_used_invitation_says_so_and_ends_its_key);
	tcase_add_test(t, the_book_has_a_ceiling);
	suite_add_tcase(s, t);
	suite_add_tcase(s, book_file_case());
	return s;
}

SUITE_MAIN(make_suite)
