/*
 * The copy on disk when it is of no use, when the process that reads it fails, and when the disk is
 * full.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "io/worker.h"
#include "tests/unit/test_copy.h"

static struct err err;

START_TEST(a_copy_that_is_of_no_use_is_told_and_not_used)
{
	static const struct {
		const char *collective, *program, *said;
	} cases[] = {
		{"another", "/proc/self/exe", "another collective"},
		{"c1", "/bin/true", "nothing that makes sense"},
		{"c1", "/bin/false", "ended with status 1"},
		{"c1", "/nowhere/at/all", "cannot run"},
	};

	list_two_nodes(10);
	WAIT(stored(10));
	collective = cases[_i].collective;
	program = cases[_i].program;
	restart();
	ck_assert_msg(strstr(said.failure, cases[_i].said), "%s", said.failure);
	ck_assert_uint_eq(said.complaints, 1);
	ck_assert_ptr_nonnull(strstr(said.complaint, cases[_i].said));
	ck_assert_ptr_null(replica_db(replica));
	ck_assert_ptr_null(replica_loaded_from(replica));
	list_two_nodes(20);
	WAIT(stored(20));
}
END_TEST

START_TEST(a_reader_that_dies_is_a_damaged_copy)
{
	CLEANUP(freep) char *path = file_join(copy, "db");

	list_two_nodes(10);
	WAIT(stored(10));
	replica_free(TAKE(replica));
	worker_free(disk);
	ck_assert_int_eq(worker_new(&disk, loop, &err), 0);
	ck_assert_int_eq(truncate(path, 100), 0);
	start();
	load();
	ck_assert_msg(strstr(said.failure, "damaged"), "%s", said.failure);
	ck_assert_ptr_null(replica_db(replica));
}
END_TEST

/* Check writes a file, too: nothing may be asserted while the limit holds. */
static void set_limit(rlim_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		abort();
	limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		abort();
}

static void many_changes(int64_t revision)
{
	for (int i = 0; i < 500; i++) {
		char key[64];

		snprintf(key, sizeof(key), PREFIX "nodes/m%d/groups", i);
		event(key, "some,groups", revision);
	}
	replica_batch(replica, revision);
}

START_TEST(a_full_disk_is_told_once_and_made_good_later)
{
	char trouble[512];
	int64_t was;

	list_two_nodes(10);
	WAIT(stored(10));
	set_limit(16384);
	many_changes(11);
	WAIT(*status().trouble);
	snprintf(trouble, sizeof(trouble), "%s", status().trouble);
	many_changes(12);
	turn(3 * RETRY);
	was = status().stored;
	set_limit(RLIM_INFINITY);
	ck_assert_uint_eq(said.complaints, 1);
	ck_assert_int_eq(replica_revision(replica), 12);
	ck_assert_int_eq(was, 10);
	ck_assert_ptr_nonnull(strstr(trouble, "revision 10"));
	WAIT(stored(12));
	ck_assert_str_eq(status().trouble, "");
	restart();
	ck_assert_int_eq(replica_revision(replica), 12);
	ck_assert(node_exists("m499"));
}
END_TEST

START_TEST(a_disk_that_is_full_from_the_start_asks_for_a_listing_later)
{
	set_limit(4096);
	replica_begin(replica, 10);
	for (int i = 0; i < 500; i++) {
		char key[64];

		snprintf(key, sizeof(key), PREFIX "nodes/m%d/groups", i);
		list_one(key, "some,groups", 5);
	}
	replica_end(replica, 10);
	WAIT(*status().trouble);
	event(PREFIX "nodes/n3/groups", "", 11);
	replica_batch(replica, 11);
	set_limit(RLIM_INFINITY);
	ck_assert_str_eq(status().state, "failed");
	ck_assert(node_exists("n3"));
	WAIT(said.list_again);
	list_two_nodes(20);
	WAIT(stored(20));
	restart();
	ck_assert_int_eq(replica_revision(replica), 20);
}
END_TEST

/* Until the other end is closed. */
static int wait_there(void *data, struct err *why)
{
	char byte;

	(void)why;
	return read(*(int *)data, &byte, 1) < 0 ? -EIO : 0;
}

START_TEST(an_end_during_a_commit_that_fails_leaves_no_gap)
{
	char value[4000];
	int gate[2];

	list_two_nodes(10);
	WAIT(stored(10));
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	ck_assert_int_eq(pipe(gate), 0);
	worker_submit(disk, wait_there, &gate[0], NULL, NULL, NULL);
	/* so much is committed at once, and does not fit; the next one would */
	for (int i = 0; i < 500; i++) {
		char key[64];

		snprintf(key, sizeof(key), PREFIX "others/%d", i);
		event(key, value, 11);
	}
	replica_batch(replica, 11);
	event(PREFIX "nodes/n3/groups", "", 12);
	replica_batch(replica, 12);
	set_limit(256 << 10);
	replica_free(TAKE(replica));
	close(gate[1]);
	worker_free(disk);
	set_limit(RLIM_INFINITY);
	close(gate[0]);
	ck_assert_int_eq(worker_new(&disk, loop, &err), 0);
	start();
	load();
	ck_assert_str_eq(said.failure, "");
	ck_assert_int_eq(replica_revision(replica), 10);
	ck_assert(node_exists("n2") && !node_exists("n3"));
}
END_TEST

void add_disk_tests(TCase *t)
{
	tcase_add_loop_test(t, a_copy_that_is_of_no_use_is_told_and_not_used, 0, 4);
	tcase_add_test(t, a_reader_that_dies_is_a_damaged_copy);
	tcase_add_test(t, a_full_disk_is_told_once_and_made_good_later);
	tcase_add_test(t, an_end_during_a_commit_that_fails_leaves_no_gap);
	tcase_add_test(t, a_disk_that_is_full_from_the_start_asks_for_a_listing_later);
}
