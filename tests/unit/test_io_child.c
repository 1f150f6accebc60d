#include "config.h"
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "io/loop.h"
#include "tests/lib/suite.h"

#define WATCHDOG (20 * USEC_PER_SEC)

static struct loop *loop;
static struct loop_timer *watchdog;
static struct child *child;

static struct {
	int calls, rc, status;
	bool cut;
	char why[256];
	char output[4096];
	size_t len;
} last;

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void setup(void)
{
	struct err err = {0};

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	memset(&last, 0, sizeof(last));
}

static void teardown(void)
{
	child_free(TAKE(child));
	loop_timer_free(watchdog);
	loop_free(loop);
	/* Nothing was left to be waited for. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void on_done(const struct child_result *result, void *arg UNUSED)
{
	last.calls++;
	last.rc = result->rc;
	last.status = result->status;
	last.cut = result->output_cut;
	last.len = result->output_len;
	snprintf(last.why, sizeof(last.why), "%s", result->why);
	snprintf(last.output, sizeof(last.output), "%s", result->output);
	child_free(TAKE(child)); /* allowed in here */
	loop_stop(loop);
}

static void start(const char *script, const char *input, size_t max_output, usec_t timeout)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const struct child_options options = {.argv = argv,
		.input = input,
		.input_len = input ? strlen(input) : 0,
		.max_output = max_output,
		.timeout = timeout,
		.done = on_done};
	struct err err = {0};

	ck_assert_msg(child_new(&child, loop, &options, &err) == 0, "%s", err.text);
	ck_assert_int_eq(last.calls, 0);
}

static void run(void)
{
	struct err err = {0};

	ck_assert_int_eq(loop_run(loop, &err), 0);
}

static void run_script(const char *script, const char *input)
{
	start(script, input, 4000, 10 * USEC_PER_SEC);
	run();
	ck_assert_int_eq(last.calls, 1);
}

START_TEST(input_goes_in_output_and_errors_come_out)
{
	run_script("read line; echo \"got $line\"; echo oops >&2", "a line\n");
	ck_assert_msg(last.rc == 0, "%s", last.why);
	ck_assert_int_eq(last.status, 0);
	ck_assert_str_eq(last.output, "got a line\noops\n");
	ck_assert(!last.cut);
}
END_TEST

START_TEST(a_status_that_is_not_zero_is_told)
{
	run_script("exit 7", NULL);
	ck_assert_int_eq(last.rc, -ECHILD);
	ck_assert_int_eq(last.status, 7);
	ck_assert_str_eq(last.why, "/bin/sh ended with status 7");
}
END_TEST

START_TEST(a_signal_that_ended_it_is_told)
{
	run_script("kill -USR1 $$", NULL);
	ck_assert_int_eq(last.rc, -ECHILD);
	ck_assert_int_eq(last.status, -1);
	ck_assert_ptr_nonnull(strstr(last.why, "signal 10"));
}
END_TEST

/* What the kernel says of these would send one looking for the wrong thing. */
static const struct {
	const char *script, *why;
} broken[] = {
	{"#!/no/such/interpreter\n", "the interpreter that its first line names is not there"},
	{"echo hello\n", "it is no program, and a script begins with #! and its interpreter"},
};

START_TEST(a_script_that_cannot_be_run_is_told_with_the_reason)
{
	char path[] = "/tmp/child-script.XXXXXX";
	const char *const argv[] = {path, NULL};
	const struct child_options options = {
		.argv = argv, .max_output = 10, .timeout = USEC_PER_SEC, .done = on_done};
	size_t len = strlen(broken[_i].script);
	int fd = mkstemp(path);
	struct err err = {0};

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, broken[_i].script, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(child_new(&child, loop, &options, &err), 0);
	run();
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(last.rc, -ENOEXEC);
	ck_assert_msg(strstr(last.why, broken[_i].why), "%s", last.why);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told_from_the_loop)
{
	const char *const argv[] = {"/no/such/program", NULL};
	const struct child_options options = {
		.argv = argv, .max_output = 10, .timeout = USEC_PER_SEC, .done = on_done};
	struct err err = {0};

	ck_assert_int_eq(child_new(&child, loop, &options, &err), 0);
	run();
	ck_assert_int_eq(last.rc, -ENOEXEC);
	ck_assert_str_eq(last.why, "cannot run /no/such/program: No such file or directory");
}
END_TEST

START_TEST(at_its_deadline_the_whole_group_goes)
{
	static const char *const scripts[] = {
		"sleep 100 & sleep 100", /* both get SIGTERM */
		"trap '' TERM; while :; do sleep 100; done",
	};
	usec_t begin = loop_now(loop);

	start(scripts[_i], NULL, 100, 50 * USEC_PER_MSEC);
	run();
	ck_assert_int_eq(last.rc, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(last.why, "within 50ms"));
	ck_assert_int_lt(loop_now(loop) - begin, 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(what_it_leaves_behind_does_not_hold_the_end_up_and_is_killed)
{
	bool gone = false;
	int64_t left;

	run_script("sleep 100 & echo $!", NULL);
	ck_assert_int_eq(last.rc, 0);
	last.output[strcspn(last.output, "\n")] = '\0';
	ck_assert_int_eq(num_i64(last.output, &left), 0);
	for (int i = 0; i < 5000 && !gone; i++) {
		char path[64], state = 0;
		FILE *f;

		/* It may stay a zombie of whoever adopted it. */
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)left);
		f = fopen(path, "re");
		gone = !f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z';
		if (f)
			fclose(f);
		if (!gone)
			(void)poll(NULL, 0, 1);
	}
	ck_assert(gone);
}
END_TEST

START_TEST(output_past_the_ceiling_is_dropped_not_kept)
{
	start("i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; "
	      "i=$((i+1)); done",
		NULL, 100, 10 * USEC_PER_SEC);
	run();
	ck_assert_int_eq(last.rc, 0);
	ck_assert_uint_eq(last.len, 100);
	ck_assert(last.cut);
}
END_TEST

START_TEST(a_full_pipe_is_read_whole_after_the_end)
{
	siginfo_t info = {0};

	/* 1031 is F_SETPIPE_SZ */
	start("exec python3 -c 'import fcntl, os; fcntl.fcntl(1, 1031, 1 << 20); "
	      "os.write(1, bytes(1 << 20))'",
		NULL, (size_t)2 << 20, 10 * USEC_PER_SEC);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	run();
	ck_assert_int_eq(last.rc, 0);
	ck_assert_uint_eq(last.len, (size_t)1 << 20);
	ck_assert(!last.cut);
}
END_TEST

START_TEST(input_that_is_not_read_is_no_error)
{
	char *input = xmalloc(1000001);

	memset(input, 'i', 1000000);
	input[1000000] = '\0';
	run_script("exec true", input);
	ck_assert_msg(last.rc == 0, "%s", last.why);
	free(input);
}
END_TEST

START_TEST(large_input_arrives_whole)
{
	char *input = xmalloc(1000001);

	memset(input, 'i', 1000000);
	input[1000000] = '\0';
	run_script("wc -c", input);
	ck_assert_ptr_nonnull(strstr(last.output, "1000000"));
	free(input);
}
END_TEST

START_TEST(no_descriptor_environment_or_ignored_signal_is_inherited)
{
	int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, as libraries do */
	/* Signals 32 and 33 are the C library's own: its posix_spawn(), which make uses, leaves them
	 * ignored, and nobody can change that. */
	static const char *const none[] = {
		"SigIgn:\t0000000000000000", "SigIgn:\t0000000180000000"};

	ck_assert_int_ge(leak, 0);
	setenv("SECRET", "word", 1);
	run_script("ls /proc/self/fd; echo \"secret:$SECRET\"; pwd; "
		   "grep SigIgn /proc/self/status",
		NULL);
	/* 3 is the folder that ls reads. */
	ck_assert_int_eq(strncmp(last.output, "0\n1\n2\n3\nsecret:\n/\n", 18), 0);
	ck_assert_msg(
		strstr(last.output, none[0]) || strstr(last.output, none[1]), "%s", last.output);
	close(leak);
}
END_TEST

START_TEST(a_freed_child_is_killed_and_not_heard_of)
{
	start("sleep 100", NULL, 100, 10 * USEC_PER_SEC);
	child_free(TAKE(child));
	child_free(NULL);
	ck_assert_int_eq(last.calls, 0);
}
END_TEST

static Suite *io_child_suite(void)
{
	Suite *suite = suite_create("io/child");
	TCase *tc = tcase_create("child");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, input_goes_in_output_and_errors_come_out);
	tcase_add_test(tc, a_status_that_is_not_zero_is_told);
	tcase_add_test(tc, a_signal_that_ended_it_is_told);
	tcase_add_test(tc, a_program_that_is_not_there_is_told_from_the_loop);
	tcase_add_loop_test(tc, a_script_that_cannot_be_run_is_told_with_the_reason, 0,
		(int)ARRAY_SIZE(broken));
	tcase_add_loop_test(tc, at_its_deadline_the_whole_group_goes, 0, 2);
	tcase_add_test(tc, what_it_leaves_behind_does_not_hold_the_end_up_and_is_killed);
	tcase_add_test(tc, output_past_the_ceiling_is_dropped_not_kept);
	tcase_add_test(tc, a_full_pipe_is_read_whole_after_the_end);
	tcase_add_test(tc, input_that_is_not_read_is_no_error);
	tcase_add_test(tc, large_input_arrives_whole);
	tcase_add_test(tc, no_descriptor_environment_or_ignored_signal_is_inherited);
	tcase_add_test(tc, a_freed_child_is_killed_and_not_heard_of);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_child_suite)
