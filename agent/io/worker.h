/*
 * struct worker: one thread for what blocks on the disk, so that the loop never does.
 *
 * Jobs are carried out one after the other in the order in which they were submitted, and end on the
 * loop in that order. A job's data is its own: from worker_submit() until `done` only the thread
 * touches it. The thread must not log, nor call anything of the loop.
 *
 * A job that was submitted is carried out, whatever becomes of who asked for it: worker_forget()
 * only means that nobody is told, and worker_free() waits until the last one is finished.
 */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "base/err.h"
#include "base/macros.h"

/* Jobs that wait or are carried out at one time; more are refused. */
#define WORKER_JOBS_MAX 64

struct loop;
struct worker;
struct worker_job;
struct writes;

/* On the thread. 0 or negative errno with a text. */
typedef int worker_run_fn(void *data, struct err *err);
/* On the loop, once, never from within worker_submit(). */
typedef void worker_done_fn(int rc, const char *why, void *arg);

int worker_new(struct worker **ret, struct loop *loop, struct err *err) MUST_CHECK;
/* Finishes all jobs, which takes as long as the disk does, and frees their data; no `done` is called
 * any more. */
void worker_free(struct worker *worker);

/* drop (may be NULL) frees data, on the loop, after done; done may be NULL. The job is the worker's
 * and ends with done; the pointer is for worker_forget() until then. Past the ceiling nothing is run,
 * and done is told -EAGAIN. */
struct worker_job *worker_submit(struct worker *worker, worker_run_fn *run, void *data,
	void (*drop)(void *data), worker_done_fn *done, void *arg);
/* Carries out writes (base/writes.h), which it takes. */
struct worker_job *worker_write(
	struct worker *worker, struct writes *writes, worker_done_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void worker_forget(struct worker_job *job);

DEFINE_CLEANUP(struct worker *, worker_free)

#endif
