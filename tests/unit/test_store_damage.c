/*
 * Damage: each byte of a small file changed, each length that it may be cut to, and the same for
 * the stream that the reading process writes. What comes of it is the copy as it was or a refusal.
 *
 * Reading is done in a process of its own, as the agent does it: LMDB believes what it maps. One
 * process goes on until it dies, and the next one behind the byte that killed it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_store_help.h"

/* Reading a small file takes no time at all: one that does not end is taken for a death. */
#define STUCK 5

static struct table table;
static struct buf original = BUF_INIT(1 << 24);
static int fd = -1; /* of the file */

/* Shared with the reading process. */
static struct progress {
	size_t next; /* what it is at */
	size_t whole, refused, died;
	bool wrong;
} * progress;

static void setup(void)
{
	make_folder();
	memset(&table, 0, sizeof(table));
	for (int i = 0; i < 20; i++) {
		char key[32];

		snprintf(key, sizeof(key), "nodes/n%d/location.rack", i);
		table_put(&table, NULL, key, i % 2 ? "r1" : "a rack with a longer name");
	}
	publish(&table);
	CLEANUP(freep) char *path = store_path();
	ck_assert_int_eq(file_read(path, &original, &err), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	progress = mmap(
		NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(progress, MAP_FAILED);
	memset(progress, 0, sizeof(*progress));
}

static void teardown(void)
{
	munmap(progress, sizeof(*progress));
	buf_done(&original);
	close(fd);
	remove_folder();
}

static void count(int rc)
{
	if (rc == 0)
		progress->whole++;
	else
		progress->refused++;
}

/* step: damages the file in the way that has this number, reads it, mends it. */
static void in_processes(size_t n, void (*step)(size_t i))
{
	while (progress->next < n) {
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct rlimit no_core = {0, 0};

			(void)setrlimit(RLIMIT_CORE, &no_core);
			(void)signal(SIGSEGV, SIG_DFL);
			(void)signal(SIGBUS, SIG_DFL);
			(void)signal(SIGFPE, SIG_DFL);
			for (; progress->next < n; progress->next++) {
				(void)alarm(STUCK);
				step(progress->next);
			}
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (status == 0)
			break;
		/* Check ends a test that has failed with its own status */
		progress->died++;
		progress->wrong |= WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE;
		ck_assert_msg(!progress->wrong, "wrong data at %zu", progress->next);
		/* what it did to the file is undone */
		ck_assert_int_eq(pwrite(fd, original.data, original.len, 0), (ssize_t)original.len);
		progress->next++;
	}
}

static void flip(size_t i)
{
	char damaged = (char)(original.data[i] ^ (1 << i % 8));

	ck_assert_int_eq(pwrite(fd, &damaged, 1, (off_t)i), 1);
	count(reread(&table));
	ck_assert_int_eq(pwrite(fd, &original.data[i], 1, (off_t)i), 1);
}

START_TEST(no_byte_of_a_file_can_change_unnoticed)
{
	in_processes(original.len, flip);
	ck_assert_uint_eq(progress->whole + progress->refused + progress->died, original.len);
	ck_assert_uint_gt(progress->refused + progress->died, 1000);
	ck_assert_uint_gt(progress->whole, 1000); /* room that is not in use */
}
END_TEST

static void truncate_file(size_t i)
{
	ck_assert_int_eq(ftruncate(fd, (off_t)(original.len - 1 - i)), 0);
	count(reread(&table));
}

START_TEST(no_length_that_a_file_is_cut_to_goes_unnoticed)
{
	in_processes(original.len, truncate_file);
	ck_assert_uint_eq(progress->refused + progress->died, original.len);
	ck_assert_uint_eq(progress->whole, 0);
}
END_TEST

START_TEST(no_byte_of_the_stream_can_change_unnoticed)
{
	CLEANUP(buf_done) struct buf stream = BUF_INIT(1 << 24);

	read_stream(&stream);
	ck_assert_int_eq(judge(&stream, &table), 0);
	for (size_t i = 0; i < stream.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			stream.data[i] = (char)(stream.data[i] ^ (1 << bit));
			ck_assert_int_lt(judge(&stream, &table), 0);
			stream.data[i] = (char)(stream.data[i] ^ (1 << bit));
		}
	}
	while (stream.len) {
		stream.len--;
		ck_assert_int_lt(judge(&stream, &table), 0);
	}
}
END_TEST

START_TEST(no_record_can_be_lost_doubled_or_exchanged)
{
	CLEANUP(buf_done) struct buf stream = BUF_INIT(1 << 24);
	CLEANUP(buf_done) struct buf other = BUF_INIT(1 << 24);
	const size_t magic = strlen(STORE_STREAM_MAGIC);
	struct store_frame frame;

	read_stream(&stream);
	for (unsigned lost = 0; lost < table.n; lost++) {
		for (unsigned doubled = 0; doubled <= table.n; doubled++) {
			const char *at = stream.data + magic;
			size_t left = stream.len - magic;
			unsigned n = 0;

			buf_reset(&other);
			ck_assert_int_eq(buf_str(&other, STORE_STREAM_MAGIC), 0);
			while (store_next_frame(&at, &left, &frame)) {
				bool record = frame.tag == 'P';
				unsigned times = record && n == lost ? 0 : 1;

				times += record && n == doubled ? 1 : 0;
				while (times--)
					ck_assert_int_eq(store_pack_frame(&other, frame.tag,
								 frame.bytes, frame.len),
						0);
				n += record;
			}
			ck_assert_int_eq(judge(&other, &table), lost == doubled ? 0 : -EBADMSG);
		}
	}
}
END_TEST

static Suite *damage_suite(void)
{
	Suite *s = suite_create("store damage");
	TCase *t = tcase_create("damage");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, no_byte_of_a_file_can_change_unnoticed);
	tcase_add_test(t, no_length_that_a_file_is_cut_to_goes_unnoticed);
	tcase_add_test(t, no_byte_of_the_stream_can_change_unnoticed);
	tcase_add_test(t, no_record_can_be_lost_doubled_or_exchanged);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(damage_suite)
