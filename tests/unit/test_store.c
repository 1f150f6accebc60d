/*
 * The copy on disk: what is written is what is read, whatever happens on the way; a full disk; a
 * copy that is of something else.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_store_help.h"

static struct table table;
static struct buf changes = BUF_INIT(1 << 28);
static struct store *store;

static void setup(void)
{
	make_folder();
	memset(&table, 0, sizeof(table));
}

static void teardown(void)
{
	store_close(TAKE(store));
	buf_done(&changes);
	remove_folder();
}

static int apply(void)
{
	struct store_mark mark = table_mark(&table);
	int rc = store_apply(store, buf_cstr(&changes), changes.len, &mark, &err);

	if (rc == 0)
		buf_reset(&changes);
	return rc;
}

static void begin(void)
{
	ck_assert_msg(store_begin(&store, folder, &err) == 0, "%s", err.text);
}

static void published(void)
{
	ck_assert_msg(apply() == 0, "%s", err.text);
	ck_assert_msg(store_publish(store, &err) == 0, "%s", err.text);
}

START_TEST(what_was_written_is_what_is_read)
{
	char long_key[TEXT_ROOM - 2], longer_key[TEXT_ROOM];

	memset(long_key, 'k', sizeof(long_key) - 2);
	long_key[sizeof(long_key) - 2] = '\0';
	snprintf(longer_key, sizeof(longer_key), "%sx", long_key);
	begin();
	table_put(&table, &changes, "", "the prefix itself");
	table_put(&table, &changes, "nodes/n1/groups", "a,b");
	table_put(&table, &changes, "nodes/n1/location.rack", "");
	table_put(&table, &changes, long_key, "one");
	table_put(&table, &changes, longer_key, "two");
	table_put(&table, &changes, "m", "not the mark");
	published();
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
	store_close(TAKE(store));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
}
END_TEST

START_TEST(changes_are_followed)
{
	begin();
	for (int round = 0; round < 200; round++) {
		char key[32], value[32];

		snprintf(key, sizeof(key), "k%d", round * 7 % 40);
		snprintf(value, sizeof(value), "v%d", round);
		if (round % 5 == 4)
			table_delete(&table, &changes, key);
		else
			table_put(&table, &changes, key, value);
		if (round == 50)
			published();
		else if (round % 3 == 0)
			ck_assert_msg(apply() == 0, "%s", err.text);
	}
	ck_assert_msg(apply() == 0, "%s", err.text);
	store_close(TAKE(store));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
}
END_TEST

START_TEST(the_last_commit_counts_whatever_was_begun_after_it)
{
	struct table before;

	begin();
	table_put(&table, &changes, "a", "1");
	published();
	before = table;
	table_put(&table, &changes, "b", "2");
	buf_add(&changes, "?", 1) == 0 ? (void)0 : abort();
	ck_assert_int_eq(apply(), -EINVAL);
	store_close(TAKE(store));
	ck_assert_msg(reread(&before) == 0, "%s", err.text);
}
END_TEST

START_TEST(a_file_that_was_not_published_replaces_nothing)
{
	struct table newer;
	CLEANUP(freep) char *path = file_join(folder, "db.new");

	table_put(&table, NULL, "a", "1");
	publish(&table);
	newer = table;
	begin();
	table_put(&newer, &changes, "a", "2");
	ck_assert_int_eq(store_apply(store, buf_cstr(&changes), changes.len, NULL, &err), 0);
	ck_assert(file_exists(path));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
	store_close(TAKE(store));
	ck_assert(!file_exists(path));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
	ck_assert_int_eq(file_replace_unsynced(path, "left by a crash", 15, 0600, &err), 0);
	publish(&table);
	ck_assert(!file_exists(path));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
}
END_TEST

START_TEST(a_file_without_a_mark_is_refused)
{
	begin();
	table_put(&table, &changes, "a", "1");
	ck_assert_int_eq(store_apply(store, buf_cstr(&changes), changes.len, NULL, &err), 0);
	ck_assert_int_eq(store_publish(store, &err), 0);
	store_close(TAKE(store));
	ck_assert_int_eq(reread(&table), -EBADMSG);
}
END_TEST

START_TEST(nothing_there_and_something_else_there_are_told_apart)
{
	CLEANUP(freep) char *path = store_path();
	CLEANUP(buf_done) struct buf stream = BUF_INIT(1 << 20);
	struct store_reader reader;
	size_t size;

	ck_assert_int_eq(store_size(folder, &size, &err), -ENOENT);
	ck_assert_int_eq(reread(&table), -ENOENT);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(store_size(folder, &size, &err), -EBADMSG);
	ck_assert_int_eq(reread(&table), -EBADMSG);
	ck_assert_int_eq(rmdir(path), 0);
	table_put(&table, NULL, "a", "1");
	publish(&table);
	read_stream(&stream);
	ck_assert_int_eq(store_reader_init(&reader, buf_cstr(&stream), stream.len, "another", &err),
		-EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "another collective (c0ffee)"));
}
END_TEST

START_TEST(only_the_owner_may_read_it)
{
	CLEANUP(freep) char *path = store_path();
	struct stat st;

	(void)umask(0);
	publish(&table);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

static void put_large(unsigned n, size_t size)
{
	CLEANUP(freep) char *value = xcalloc(1, size);
	char key[16];
	struct store_kv kv = {.key = key,
		.value = value,
		.value_len = size,
		.create_revision = 1,
		.mod_revision = 1};

	snprintf(key, sizeof(key), "l%u", n);
	kv.key_len = strlen(key);
	ck_assert_int_eq(store_pack_put(&changes, &kv), 0);
}

START_TEST(it_grows_as_it_must)
{
	CLEANUP(buf_done) struct buf stream = BUF_INIT(1 << 28);
	struct store_mark mark = {.collective_id = "c0ffee", .revision = 9};
	struct store_reader reader;
	struct store_kv kv;
	unsigned n = 0;

	begin();
	for (unsigned i = 0; i < 50; i++)
		put_large(i, 1 << 20);
	ck_assert_msg(
		store_apply(store, changes.data, changes.len, &mark, &err) == 0, "%s", err.text);
	ck_assert_int_eq(store_publish(store, &err), 0);
	for (unsigned i = 30; i < 100; i++) {
		buf_reset(&changes);
		put_large(i, 1 << 20);
		ck_assert_msg(store_apply(store, changes.data, changes.len, &mark, &err) == 0, "%s",
			err.text);
	}
	store_close(TAKE(store));
	read_stream(&stream);
	ck_assert_int_eq(
		store_reader_init(&reader, buf_cstr(&stream), stream.len, "c0ffee", &err), 0);
	while (store_reader_next(&reader, &kv, &err) > 0)
		n++;
	ck_assert_uint_eq(n, 100);
}
END_TEST

/* The ceiling on the size of files stands for a disk that is full. */
static void set_limit(rlim_t size)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_leaves_the_last_commit_and_the_same_again_succeeds)
{
	CLEANUP(freep) char *path = store_path();
	struct table before;
	struct stat st;
	int rc = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	begin();
	table_put(&table, &changes, "a", "1");
	published();
	ck_assert_int_eq(stat(path, &st), 0);
	set_limit((rlim_t)st.st_size + 8192);
	for (unsigned i = 0; i < 1000 && rc == 0; i++) {
		char key[16];

		before = table;
		snprintf(key, sizeof(key), "k%u", i % 60);
		table_put(&table, &changes, key, "a value that takes some room, as values do");
		rc = apply();
		if (i == 30 && rc == 0) {
			put_large(i, 1 << 20);
			rc = apply();
			buf_reset(&changes);
			break;
		}
	}
	ck_assert_int_lt(rc, 0);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	set_limit(RLIM_INFINITY);
	ck_assert_int_eq(reread(changes.len ? &before : &table), 0);
	table_put(&table, &changes, "last", "1");
	ck_assert_msg(apply() == 0, "%s", err.text);
	store_close(TAKE(store));
	ck_assert_msg(reread(&table) == 0, "%s", err.text);
}
END_TEST

START_TEST(each_place_where_the_disk_may_be_full_leaves_a_whole_copy)
{
	CLEANUP(freep) char *path = store_path();
	struct table before;
	struct stat st;
	unsigned failures = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	begin();
	table_put(&table, &changes, "a", "1");
	published();
	ck_assert_int_eq(stat(path, &st), 0);
	for (rlim_t limit = 0; limit < (rlim_t)st.st_size + 32768; limit += 1024) {
		char key[16];

		before = table;
		snprintf(key, sizeof(key), "k%u", (unsigned)(limit / 1024 % 50));
		table_put(&table, &changes, key, "v");
		set_limit(limit);
		if (apply() == 0) {
			set_limit(RLIM_INFINITY);
			ck_assert_msg(reread(&table) == 0, "%s", err.text);
			continue;
		}
		failures++;
		set_limit(RLIM_INFINITY);
		ck_assert_msg(reread(&before) == 0, "%s", err.text);
		ck_assert_msg(apply() == 0, "at %lu: %s", (unsigned long)limit, err.text);
		ck_assert_msg(reread(&table) == 0, "%s", err.text);
	}
	ck_assert_uint_gt(failures, 5);
}
END_TEST

START_TEST(frames_are_cut_at_their_ends)
{
	size_t whole, first;

	table_put(&table, &changes, "a", "1");
	first = changes.len;
	table_put(&table, &changes, "b", "2");
	table_put(&table, &changes, "c", "3");
	whole = changes.len;
	ck_assert_uint_eq(store_whole_frames(changes.data, whole, whole), whole);
	ck_assert_uint_eq(store_whole_frames(changes.data, whole, whole - 1), 2 * first);
	ck_assert_uint_eq(store_whole_frames(changes.data, whole, 1), first);
	ck_assert_uint_eq(store_whole_frames(changes.data, whole - 1, whole), 2 * first);
	ck_assert_uint_eq(store_whole_frames(changes.data, first - 1, whole), 0);
	ck_assert_uint_eq(store_whole_frames("", 0, whole), 0);
}
END_TEST

static Suite *store_suite(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_written_is_what_is_read);
	tcase_add_test(t, changes_are_followed);
	tcase_add_test(t, the_last_commit_counts_whatever_was_begun_after_it);
	tcase_add_test(t, a_file_that_was_not_published_replaces_nothing);
	tcase_add_test(t, a_file_without_a_mark_is_refused);
	tcase_add_test(t, nothing_there_and_something_else_there_are_told_apart);
	tcase_add_test(t, only_the_owner_may_read_it);
	tcase_add_test(t, it_grows_as_it_must);
	tcase_add_test(t, a_full_disk_leaves_the_last_commit_and_the_same_again_succeeds);
	tcase_add_test(t, each_place_where_the_disk_may_be_full_leaves_a_whole_copy);
	tcase_add_test(t, frames_are_cut_at_their_ends);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(store_suite)
