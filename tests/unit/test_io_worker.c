/*
 * The thread that writes to disk: order, completion exactly once, and what becomes of jobs when
 * nobody waits for them any more.
 */
#include "config.h"
#include "io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/usec.h"
#include "base/writes.h"
#include "io/loop.h"
#include "tests/lib/suite.h"

#define MANY	 50
#define DEADLINE (20 * USEC_PER_SEC)

struct job {
	int rc; /* what it is to end with */
	int ran, dropped, done;
	unsigned ran_as, done_as; /* the how-manieth */
	bool other_thread, term_blocked;
	int done_rc;
	char why[100];
};

static struct loop *loop;
static struct worker *worker;
static struct job jobs[WORKER_JOBS_MAX + 10];
static atomic_uint runs; /* so many have run */
static unsigned dones, expected;
static pthread_t main_thread;
static sem_t gate; /* for run_gated() */
static struct err err;

static void setup(void)
{
	memset(jobs, 0, sizeof(jobs));
	atomic_store(&runs, 0);
	dones = expected = 0;
	main_thread = pthread_self();
	ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	ck_assert_msg(worker_new(&worker, loop, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	worker_free(worker);
	loop_free(loop);
	sem_destroy(&gate);
}

static int run(void *data, struct err *error)
{
	struct job *job = data;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	job->term_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
	job->other_thread = !pthread_equal(pthread_self(), main_thread);
	job->ran++;
	job->ran_as = atomic_fetch_add(&runs, 1);
	return job->rc < 0 ? err_set(error, job->rc, "job failed with %d", job->rc) : 0;
}

static int run_gated(void *data, struct err *error)
{
	while (sem_wait(&gate) < 0)
		;
	return run(data, error);
}

static void drop(void *data)
{
	((struct job *)data)->dropped++;
}

static void on_done(int rc, const char *why, void *arg)
{
	struct job *job = arg;

	ck_assert_int_eq(job->dropped, 0);
	ck_assert(pthread_equal(pthread_self(), main_thread));
	job->done++;
	job->done_as = dones++;
	job->done_rc = rc;
	snprintf(job->why, sizeof(job->why), "%s", why);
	if (dones == expected)
		loop_stop(loop);
}

static struct worker_job *submit(struct job *job)
{
	return worker_submit(worker, run, job, drop, on_done, job);
}

static void on_deadline(void *arg UNUSED)
{
	ck_abort_msg("what was waited for did not come");
}

static void run_until_done(unsigned count)
{
	struct loop_timer *deadline = loop_timer_new(loop, "test", on_deadline, NULL);

	expected = count;
	loop_timer_after(deadline, DEADLINE);
	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
	loop_timer_free(deadline);
}

START_TEST(jobs_run_on_the_thread_and_end_on_the_loop_in_order)
{
	for (unsigned i = 0; i < MANY; i++)
		submit(&jobs[i]);
	ck_assert_uint_eq(dones, 0);
	run_until_done(MANY);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(jobs[i].ran, 1);
		ck_assert_int_eq(jobs[i].done, 1);
		ck_assert_int_eq(jobs[i].dropped, 1);
		ck_assert_uint_eq(jobs[i].ran_as, i);
		ck_assert_uint_eq(jobs[i].done_as, i);
		ck_assert(jobs[i].other_thread);
		ck_assert(jobs[i].term_blocked);
		ck_assert_int_eq(jobs[i].done_rc, 0);
	}
}
END_TEST

START_TEST(an_error_comes_with_its_text_and_stops_nothing)
{
	jobs[0].rc = -ENOSPC;
	submit(&jobs[0]);
	submit(&jobs[1]);
	run_until_done(2);
	ck_assert_int_eq(jobs[0].done_rc, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(jobs[0].why, "job failed with"));
	ck_assert_int_eq(jobs[1].done_rc, 0);
	ck_assert_str_eq(jobs[1].why, "");
}
END_TEST

START_TEST(freeing_finishes_what_was_submitted_and_tells_nobody)
{
	worker_submit(worker, run_gated, &jobs[0], drop, on_done, &jobs[0]);
	for (unsigned i = 1; i < MANY; i++)
		submit(&jobs[i]);
	sem_post(&gate);
	worker_free(TAKE(worker));
	ck_assert_uint_eq(dones, 0);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(jobs[i].ran, 1);
		ck_assert_int_eq(jobs[i].dropped, 1);
		ck_assert_int_eq(jobs[i].done, 0);
	}
}
END_TEST

START_TEST(what_is_forgotten_is_carried_out_all_the_same)
{
	struct worker_job *job = worker_submit(worker, run_gated, &jobs[0], drop, on_done, jobs);

	submit(&jobs[1]);
	worker_forget(job);
	worker_forget(NULL);
	sem_post(&gate);
	run_until_done(1);
	ck_assert_int_eq(jobs[0].ran, 1);
	ck_assert_int_eq(jobs[0].dropped, 1);
	ck_assert_int_eq(jobs[0].done, 0);
	ck_assert_int_eq(jobs[1].done, 1);
}
END_TEST

START_TEST(past_the_ceiling_a_job_is_refused_and_told_so)
{
	struct job *more = &jobs[WORKER_JOBS_MAX];

	worker_submit(worker, run_gated, &jobs[0], drop, on_done, &jobs[0]);
	for (unsigned i = 1; i < WORKER_JOBS_MAX; i++)
		submit(&jobs[i]);
	submit(more);
	ck_assert_int_eq(more->done, 0);
	run_until_done(1);
	ck_assert_int_eq(more->done, 1);
	ck_assert_int_eq(more->done_rc, -EAGAIN);
	ck_assert_int_eq(more->ran, 0);
	ck_assert_int_eq(more->dropped, 1);
	sem_post(&gate);
	worker_free(TAKE(worker));
	for (unsigned i = 0; i < WORKER_JOBS_MAX; i++)
		ck_assert_int_eq(jobs[i].ran, 1);
}
END_TEST

static void submit_next(int rc UNUSED, const char *why UNUSED, void *arg)
{
	struct job *job = arg;

	dones++;
	if (job + 1 == &jobs[MANY])
		loop_stop(loop);
	else
		worker_submit(worker, run, job + 1, drop, submit_next, job + 1);
}

START_TEST(a_job_may_follow_from_the_end_of_another)
{
	worker_submit(worker, run, jobs, drop, submit_next, jobs);
	run_until_done(0);
	ck_assert_uint_eq(dones, MANY);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(jobs[i].ran_as, i);
}
END_TEST

START_TEST(writes_are_carried_out_in_order_until_one_fails)
{
	char folder[] = "/tmp/test_io_worker.XXXXXX";
	char *deep, *first, *below, *last;
	struct writes *writes = writes_new();
	struct buf text = BUF_INIT(100);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	deep = file_join(folder, "deep");
	first = file_join(deep, "first");
	below = file_join(first, "a-file-is-no-folder");
	last = file_join(deep, "last");
	writes_folder(writes, deep, 0700);
	writes_replace(writes, first, "old", 3, 0600);
	writes_replace(writes, first, "new", 3, 0600);
	worker_write(worker, writes, on_done, &jobs[0]);
	writes = writes_new();
	writes_replace(writes, last, "x", 1, 0600);
	writes_remove(writes, last);
	writes_replace(writes, below, "x", 1, 0600);
	writes_replace(writes, last, "y", 1, 0600);
	worker_write(worker, writes, on_done, &jobs[1]);
	worker_write(worker, writes_failed(-EIO, "never began"), on_done, &jobs[2]);
	run_until_done(3);
	ck_assert_int_eq(jobs[0].done_rc, 0);
	ck_assert_int_eq(file_read(first, &text, &err), 0);
	ck_assert_str_eq(buf_cstr(&text), "new");
	ck_assert_int_lt(jobs[1].done_rc, 0);
	ck_assert_ptr_nonnull(strstr(jobs[1].why, "a-file-is-no-folder"));
	ck_assert(!file_exists(last));
	ck_assert_int_eq(jobs[2].done_rc, -EIO);
	ck_assert_str_eq(jobs[2].why, "never began");
	buf_done(&text);
	unlink(first);
	rmdir(deep);
	rmdir(folder);
	free(deep);
	free(first);
	free(below);
	free(last);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("io/worker");
	TCase *t = tcase_create("worker");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, jobs_run_on_the_thread_and_end_on_the_loop_in_order);
	tcase_add_test(t, an_error_comes_with_its_text_and_stops_nothing);
	tcase_add_test(t, freeing_finishes_what_was_submitted_and_tells_nobody);
	tcase_add_test(t, what_is_forgotten_is_carried_out_all_the_same);
	tcase_add_test(t, past_the_ceiling_a_job_is_refused_and_told_so);
	tcase_add_test(t, a_job_may_follow_from_the_end_of_another);
	tcase_add_test(t, writes_are_carried_out_in_order_until_one_fails);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(make_suite)
