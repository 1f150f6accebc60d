/*
 * What the writer's files share: writer.c has the jobs and their turns, writer_job.c what is done for
 * one of them. Not for others.
 */
#ifndef WRITE_WRITER_PRIVATE_H
#define WRITE_WRITER_PRIVATE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/macros.h"
#include "etcd/txn.h"
#include "write/writer.h"
#include "write/writer_slot.h"

struct loop_timer;
struct numbers;
struct plan_unit;
struct writer_coat;

/* Units of one transaction: etcd takes some milliseconds for so many, and whoever comes next waits. */
#define WRITER_BATCH_MAX 64

struct writer_batch {
	struct writer *writer;
	struct writer_slot *slot;
	struct writer_job *job; /* NULL: free */
	struct plan_unit *units[WRITER_BATCH_MAX];
	size_t n;
};

enum writer_phase { WRITER_WAITING, WRITER_WRITING, WRITER_CATCHING_UP };

struct writer_job {
	struct list link; /* writer->jobs or writer->waiting */
	struct writer *writer;
	struct plan *plan;
	enum writer_phase phase;
	writer_done_fn *done; /* NULL: forgotten */
	void *arg;
	struct writer_coat *coat;
	struct numbers *numbers;
	struct loop_timer *deadline;
	struct loop_timer *resume;
	struct plan_unit *held; /* out, and in no transaction yet */
	size_t out;		/* transactions under way */
	size_t limit;		/* units that go into one */
	unsigned failures;	/* in a row */
	char *trouble;		/* what was last heard from etcd that was no success */
	bool blocked;		/* there is nothing to do until something happens */
	bool stopped;
};

struct writer {
	struct writer_config config;
	char *prefix, *run, *record_key;
	struct writer_batch batches[WRITER_SLOTS];
	struct list jobs;
	struct list waiting;
	size_t n_jobs, n_waiting;
	struct loop_timer *turn;
	struct writer_status counts;
	bool freeing;
};

struct writer_job *writer_job_new(
	struct writer *w, struct plan *plan, writer_done_fn *done, void *arg);
/* Without a word. */
void writer_job_free(struct writer_job *job);
/* It may write from now on. */
void writer_job_begin(struct writer_job *job);
/* One transaction over a free batch, where there is something to be written; the job may end. */
void writer_job_step(struct writer_job *job, struct writer_batch *batch);
/* The copy has moved on; the job may end. */
void writer_job_moved(struct writer_job *job);
/* Writes nothing more: what is under way is waited for. */
void writer_job_stop(struct writer_job *job, const char *why);
/* Ends, in each of its phases: nothing was written; it is stopped and has no batch any more; a batch
 * is lost. */
void writer_job_refuse(struct writer_job *job, const char *why);
void writer_job_cut(struct writer_job *job);
void writer_job_lose(struct writer_job *job, struct writer_batch *batch, const char *why);
/* A turn is due. */
void writer_turn_soon(struct writer *w);

#endif
