/*
 * The book of invitations on disk: its file, and what is left of a change that can't be written.
 */
#include "config.h"
#include "tests/unit/test_enroll_book.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"

START_TEST(a_change_that_cannot_be_written_did_not_happen)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	block_writes();
	ck_assert_int_lt(add("mgt2", 2, T0, DAY), 0);
	ck_assert_int_eq(key(1, T0), 0);
	ck_assert_int_eq(key(2, T0), -ENOENT);
	ck_assert_int_lt(revoke_it("mgt2", T0), 0);
	ck_assert_int_eq(key(1, T0), 0);
	ck_assert_int_lt(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(get(1, T0).state, INVITATION_PENDING);
	allow_writes();
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0), 0);
	block_writes();
	ck_assert_int_lt(let_go(1, T0), 0);
	ck_assert_int_eq(get(1, T0).state, INVITATION_REDEEMING);
	ck_assert_int_lt(mark_used(1, T0), 0);
	ck_assert_int_eq(get(1, T0).state, INVITATION_REDEEMING);
	ck_assert_str_eq(get(1, T0).redeemer, KEY_B);
	allow_writes();
	ck_assert_int_eq(mark_used(1, T0), 0);
	block_writes();
	ck_assert_int_lt(revoke_it("mgt2", T0), 0);
	ck_assert_int_eq(key(1, T0), 0);
	allow_writes();
	reload(T0);
	ck_assert_uint_eq(invitations_count(book), 1);
	ck_assert_int_eq(get(1, T0).state, INVITATION_USED);
}
END_TEST

START_TEST(what_is_changed_while_a_write_is_under_way_is_written_next)
{
	struct waiter w[3];

	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(invitations_add(book, i == 1 ? "mgt3" : "mgt2", true, id(i + 1),
					 id(i + 100001), T0 + i, DAY, &err),
			0);
		ck_assert(wait_for_disk(&w[i], i == 2));
	}
	ck_assert_int_eq(w[0].calls + w[1].calls + w[2].calls, 0);
	run();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(w[i].calls, 1);
		ck_assert_int_eq(w[i].rc, 0);
	}
	ck_assert(!wait_for_disk(&w[0], false));
	reload(T0 + 2);
	ck_assert_int_eq(why(1, T0 + 2), -EKEYREVOKED);
	ck_assert_int_eq(key(2, T0 + 2), 0);
	ck_assert_int_eq(key(3, T0 + 2), 0);
}
END_TEST

START_TEST(a_failed_write_takes_back_what_was_built_on_it)
{
	struct waiter w[2];

	ck_assert_int_eq(add("mgt3", 2, T0, DAY), 0);
	block_writes();
	ck_assert_int_eq(invitations_add(book, "mgt2", true, id(1), id(100001), T0, DAY, &err), 0);
	ck_assert(wait_for_disk(&w[0], true));
	ck_assert_int_eq(invitations_claim(
				 book, id(1), INVITATION_IDENTITY_LEN, KEY_A, "10.0.0.2", T0, &err),
		0);
	ck_assert(wait_for_disk(&w[1], true));
	run();
	ck_assert_int_lt(w[0].rc, 0);
	ck_assert_int_lt(w[1].rc, 0);
	ck_assert_int_eq(w[0].calls, 1);
	ck_assert_int_eq(w[1].calls, 1);
	ck_assert_uint_eq(invitations_count(book), 1);
	ck_assert_int_eq(key(1, T0), -ENOENT);
	ck_assert_int_eq(key(2, T0), 0);
	allow_writes();
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_B, "10.0.0.3", T0), 0);
}
END_TEST

START_TEST(what_expires_while_a_write_fails_stays_expired)
{
	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	block_writes();
	ck_assert_int_eq(
		invitations_add(book, "mgt3", true, id(2), id(100002), T0, 2 * DAY, &err), 0);
	ck_assert_int_eq(key(1, T0 + DAY), -ENOENT);
	ck_assert_int_lt(settle(), 0);
	ck_assert_int_eq(key(2, T0), -ENOENT);
	ck_assert_int_eq(why(1, T0), -EKEYEXPIRED);
	allow_writes();
	ck_assert_int_eq(sweep(T0), 0);
	reload(T0);
	ck_assert_int_eq(why(1, T0), -EKEYEXPIRED);
}
END_TEST

START_TEST(who_has_left_is_not_told)
{
	struct waiter gone, stays;

	ck_assert_int_eq(invitations_add(book, "mgt2", true, id(1), id(100001), T0, DAY, &err), 0);
	ck_assert(wait_for_disk(&gone, false));
	ck_assert(wait_for_disk(&stays, true));
	invitations_leave(&gone.wait);
	run();
	ck_assert_int_eq(gone.calls, 0);
	ck_assert_int_eq(stays.calls, 1);
	invitations_leave(&stays.wait);
}
END_TEST

START_TEST(a_book_that_is_freed_while_it_is_written_is_written)
{
	struct waiter w;

	ck_assert_int_eq(invitations_add(book, "mgt2", true, id(1), id(100001), T0, DAY, &err), 0);
	ck_assert(wait_for_disk(&w, false));
	invitations_free(book);
	worker_free(worker);
	ck_assert_int_eq(w.calls, 0);
	ck_assert_msg(worker_new(&worker, loop, &err) == 0, "%s", err.text);
	load(T0);
	ck_assert_int_eq(key(1, T0), 0);
}
END_TEST

static int do_nothing(void *data UNUSED, struct err *error UNUSED)
{
	return 0;
}

static void stop_loop(int rc UNUSED, const char *text UNUSED, void *arg UNUSED)
{
	loop_stop(loop);
}

START_TEST(a_held_book_is_written_when_it_is_let_go)
{
	struct waiter w;

	invitations_hold(book, true);
	ck_assert_int_eq(invitations_add(book, "mgt2", true, id(1), id(100001), T0, DAY, &err), 0);
	ck_assert(wait_for_disk(&w, true));
	worker_submit(worker, do_nothing, NULL, NULL, stop_loop, NULL);
	run();
	ck_assert_int_eq(w.calls, 0);
	ck_assert(!file_exists(path));
	invitations_hold(book, false);
	run();
	ck_assert_int_eq(w.calls, 1);
	ck_assert_int_eq(w.rc, 0);
	ck_assert(file_exists(path));
}
END_TEST

START_TEST(a_file_that_others_can_read_is_refused)
{
	struct invitations *other;

	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(invitations_load(&other, worker, path, T0, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
}
END_TEST

static int load_bytes(const char *data, size_t len)
{
	struct invitations *other;
	int rc;

	ck_assert_int_eq(file_replace(path, data, len, 0600, &err), 0);
	rc = invitations_load(&other, worker, path, T0, &err);
	if (rc == 0)
		invitations_free(other);
	return rc;
}

START_TEST(any_damage_of_the_file_is_noticed_and_named)
{
	struct buf b = BUF_INIT(65536);

	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(add("mgt3", 2, T0, DAY), 0);
	ck_assert_int_eq(file_read(path, &b, &err), 0);
	ck_assert_int_eq(load_bytes(b.data, b.len), 0);
	for (size_t i = 0; i < b.len; i++) {
		char saved = b.data[i];

		b.data[i] = (char)(saved ^ (1 << (i % 8)));
		ck_assert_int_eq(load_bytes(b.data, b.len), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		b.data[i] = saved;
	}
	for (size_t len = 0; len < b.len; len++)
		ck_assert_int_eq(load_bytes(b.data, len), -EBADMSG);
	buf_done(&b);
}
END_TEST

START_TEST(the_same_book_makes_the_same_file)
{
	struct buf first = BUF_INIT(65536), second = BUF_INIT(65536);

	ck_assert_int_eq(add("mgt2", 1, T0, DAY), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(file_read(path, &first, &err), 0);
	reload(T0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 1);
	ck_assert_int_eq(let_go(1, T0), 0);
	ck_assert_int_eq(claim(1, KEY_A, "10.0.0.2", T0), 0);
	ck_assert_int_eq(file_read(path, &second, &err), 0);
	ck_assert_str_eq(first.data, second.data);
	buf_done(&first);
	buf_done(&second);
}
END_TEST

TCase *book_file_case(void)
{
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_change_that_cannot_be_written_did_not_happen);
	tcase_add_test(t, what_is_changed_while_a_write_is_under_way_is_written_next);
	tcase_add_test(t, a_failed_write_takes_back_what_was_built_on_it);
	tcase_add_test(t, what_expires_while_a_write_fails_stays_expired);
	tcase_add_test(t, who_has_left_is_not_told);
	tcase_add_test(t, a_book_that_is_freed_while_it_is_written_is_written);
	tcase_add_test(t, a_held_book_is_written_when_it_is_let_go);
	tcase_add_test(t, a_file_that_others_can_read_is_refused);
	tcase_add_test(t, any_damage_of_the_file_is_noticed_and_named);
	tcase_add_test(t, the_same_book_makes_the_same_file);
	return t;
}
