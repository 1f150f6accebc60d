/*
 * The happy path: worker_submit() puts a job on `waiting` and wakes the thread; the thread takes it,
 * runs it without the lock, puts it on `finished` and adds to the eventfd; the loop takes `finished`
 * as a whole and ends each job. The lock guards the two lists and `stop`; what is in a job belongs to
 * whoever has taken it off its list.
 *
 * worker_free() sets `stop`, which the thread heeds only when nothing is waiting. A job that is
 * refused for the ceiling is put on `finished` at once and so ends on the loop as all do.
 *
 * All signals are blocked in the thread: they are the loop's.
 */
#include "config.h"
#include "io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/writes.h"
#include "io/loop.h"

struct worker_job {
	struct list link;
	worker_run_fn *run;
	void *data;
	void (*drop)(void *data);
	worker_done_fn *done; /* the loop's alone */
	void *arg;
	int rc;
	struct err err;
};

struct worker {
	struct loop_io *io;
	int wake; /* eventfd: something is finished */
	bool started;
	pthread_t thread;
	unsigned under_way; /* submitted and not ended; the loop's alone */
	struct list ending; /* taken off finished; the loop's alone */

	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list waiting, finished;
	bool stop;
};

static struct worker_job *pop(struct list *list)
{
	struct worker_job *job = list_first(list, struct worker_job, link);

	if (job)
		list_del(&job->link);
	return job;
}

static void finished(struct worker *worker, struct worker_job *job)
{
	uint64_t one = 1;

	pthread_mutex_lock(&worker->lock);
	list_add_tail(&worker->finished, &job->link);
	pthread_mutex_unlock(&worker->lock);
	/* fails only when it is about to overflow, and then it is readable anyhow */
	while (write(worker->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static struct worker_job *next_job(struct worker *worker)
{
	struct worker_job *job;

	pthread_mutex_lock(&worker->lock);
	while (!(job = pop(&worker->waiting)) && !worker->stop)
		pthread_cond_wait(&worker->more, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void *thread_main(void *arg)
{
	struct worker *worker = arg;
	struct worker_job *job;

	while ((job = next_job(worker))) {
		job->rc = job->run(job->data, &job->err);
		finished(worker, job);
	}
	return NULL;
}

static void job_free(struct worker_job *job)
{
	if (job->drop)
		job->drop(job->data);
	free(job);
}

static void on_finished(int events UNUSED, void *arg)
{
	struct worker *worker = arg;
	struct worker_job *job;
	uint64_t count;

	if (read(worker->wake, &count, sizeof(count)) < 0)
		return; /* nothing yet */
	pthread_mutex_lock(&worker->lock);
	while ((job = pop(&worker->finished)))
		list_add_tail(&worker->ending, &job->link);
	pthread_mutex_unlock(&worker->lock);
	while ((job = pop(&worker->ending))) {
		worker->under_way--;
		if (job->done)
			job->done(job->rc, job->err.text, job->arg);
		job_free(job);
	}
}

static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&worker->thread, NULL, thread_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->started = rc == 0;
	return -rc;
}

int worker_new(struct worker **ret, struct loop *loop, struct err *err)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	int rc = 0;

	list_init(&worker->waiting);
	list_init(&worker->finished);
	list_init(&worker->ending);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->more, NULL);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake < 0)
		rc = -errno;
	if (rc == 0)
		rc = start_thread(worker);
	if (rc < 0) {
		worker_free(worker);
		return err_errno(err, rc, "cannot start the thread that writes to disk");
	}
	worker->io = loop_io_new(loop, worker->wake, LOOP_READ, on_finished, worker);
	*ret = worker;
	return 0;
}

void worker_free(struct worker *worker)
{
	struct worker_job *job;

	if (!worker)
		return;
	if (worker->started) {
		pthread_mutex_lock(&worker->lock);
		worker->stop = true;
		pthread_cond_signal(&worker->more);
		pthread_mutex_unlock(&worker->lock);
		pthread_join(worker->thread, NULL);
	}
	loop_io_free(worker->io);
	if (worker->wake >= 0)
		close(worker->wake);
	while ((job = pop(&worker->finished)) || (job = pop(&worker->ending)))
		job_free(job);
	pthread_cond_destroy(&worker->more);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

struct worker_job *worker_submit(struct worker *worker, worker_run_fn *run, void *data,
	void (*drop)(void *data), worker_done_fn *done, void *arg)
{
	struct worker_job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->data = data;
	job->drop = drop;
	job->done = done;
	job->arg = arg;
	if (worker->under_way++ >= WORKER_JOBS_MAX) {
		job->rc = err_set(&job->err, -EAGAIN,
			"%d changes wait for the disk already; try again", WORKER_JOBS_MAX);
		finished(worker, job);
		return job;
	}
	pthread_mutex_lock(&worker->lock);
	list_add_tail(&worker->waiting, &job->link);
	pthread_cond_signal(&worker->more);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

void worker_forget(struct worker_job *job)
{
	if (job)
		job->done = NULL;
}

static int run_writes(void *data, struct err *err)
{
	return writes_carry_out(data, err);
}

static void drop_writes(void *data)
{
	writes_free(data);
}

struct worker_job *worker_write(
	struct worker *worker, struct writes *writes, worker_done_fn *done, void *arg)
{
	return worker_submit(worker, run_writes, writes, drop_writes, done, arg);
}
