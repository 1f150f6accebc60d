/*
 * One plan on its way: transactions are filled from it, their ends are told to it, and when nothing is
 * left its owner hears of it as soon as the copy has all of it.
 */
#include "config.h"
#include "write/writer_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "model/db.h"
#include "model/plan.h"
#include "write/numbers.h"
#include "write/writer_coat.h"
#include "write/writer_unit.h"

#define FAILURES_MAX	4 /* failed compares in a row, before there are pauses */
#define FIRST_PAUSE	(5 * USEC_PER_MSEC)
#define PAUSE_DOUBLINGS 6

static void unblock(struct writer_job *job)
{
	job->blocked = false;
	writer_turn_soon(job->writer);
}

/* ---- the end of a job ---- */

void writer_job_free(struct writer_job *job)
{
	struct writer *w = job->writer;

	if (job->phase == WRITER_WAITING)
		w->n_waiting--;
	else
		w->n_jobs--;
	list_del(&job->link);
	numbers_cancel(job->numbers);
	writer_coat_free(job->coat);
	loop_timer_free(job->deadline);
	loop_timer_free(job->resume);
	plan_free(job->plan);
	free(job->trouble);
	free(job);
	if (!w->freeing)
		writer_turn_soon(w);
}

static void job_end(struct writer_job *job, int rc, const char *why)
{
	writer_done_fn *done = TAKE(job->done);

	job->writer->counts.done++;
	if (done)
		done(rc, why, job->plan, job->arg);
	writer_job_free(job);
}

/* All is over; late: the copy does not show it. */
static void job_finish(struct writer_job *job, bool late)
{
	struct plan_outcome outcome;
	CLEANUP(freep) char *text = NULL;

	plan_outcome(job->plan, &outcome);
	if (outcome.unknown || (outcome.why && outcome.applied)) {
		text = plan_report(job->plan);
		if (outcome.unknown)
			log_warning("writer", "the outcome of a change is not known: %s", text);
		job_end(job, outcome.unknown ? -EINPROGRESS : -EIO, text);
	} else if (outcome.why) {
		text = xstrdup(outcome.why);
		job_end(job, -EIO, text);
	} else if (late) {
		text = xasprintf("written at revision %" PRId64
				 ", but this member has not seen it yet",
			outcome.revision);
		job_end(job, -ETIMEDOUT, text);
	} else {
		job_end(job, 0, "");
	}
}

static bool caught_up(const struct writer_job *job)
{
	const struct writer_config *config = &job->writer->config;
	const struct db *db = config->db(config->arg);
	struct plan_outcome outcome;

	plan_outcome(job->plan, &outcome);
	return outcome.revision == 0 || (db && db_revision(db) >= outcome.revision);
}

static void catch_up(struct writer_job *job)
{
	if (caught_up(job)) {
		job_finish(job, false);
		return;
	}
	job->phase = WRITER_CATCHING_UP;
	loop_timer_after(job->deadline, job->writer->config.catch_up);
}

/* ---- stopping ---- */

static void lose_held(struct writer_job *job, const char *why)
{
	if (job->held)
		plan_lost(job->plan, TAKE(job->held), PLAN_REFUSED, why);
}

void writer_job_stop(struct writer_job *job, const char *why)
{
	struct writer *w = job->writer;

	if (job->stopped)
		return;
	job->stopped = true;
	loop_timer_at(job->resume, USEC_NEVER);
	lose_held(job, why);
	plan_stop(job->plan, why);
	numbers_cancel(TAKE(job->numbers));
	for (size_t i = 0; i < WRITER_SLOTS; i++) {
		if (w->batches[i].job == job)
			writer_slot_give_up(w->batches[i].slot);
	}
	unblock(job);
}

void writer_job_refuse(struct writer_job *job, const char *why)
{
	plan_stop(job->plan, why);
	job_end(job, -EHOSTDOWN, why);
}

/* What is wrong with etcd, as far as this job has met it. */
static const char *trouble(const struct writer_job *job)
{
	const struct writer *w = job->writer;

	for (size_t i = 0; i < WRITER_SLOTS; i++) {
		if (w->batches[i].job == job && *writer_slot_trouble(w->batches[i].slot))
			return writer_slot_trouble(w->batches[i].slot);
	}
	return job->trouble
		       ? job->trouble
		       : "others keep changing the same, or this member's copy does not get on";
}

static void on_deadline(void *arg)
{
	struct writer_job *job = arg;
	const struct writer_config *config = &job->writer->config;
	int64_t record_rev;
	struct err err = {""}, why = {""};
	int seconds;

	switch (job->phase) {
	case WRITER_WAITING:
		if (config->may_write(&record_rev, &err, config->arg) < 0)
			writer_job_refuse(job, err.text);
		else /* behind others, who may take longer than the right to write lasts */
			loop_timer_after(job->deadline, config->wait);
		return;
	case WRITER_WRITING:
		seconds = (int)(config->patience / USEC_PER_SEC);
		if (config->may_write(&record_rev, &why, config->arg) < 0)
			err_set(&err, 0, "given up after %d s: %s", seconds, why.text);
		else
			err_set(&err, 0, "given up after %d s: %s", seconds, trouble(job));
		writer_job_stop(job, err.text);
		return;
	case WRITER_CATCHING_UP:
		job_finish(job, true);
		return;
	}
}

/* ---- what became of a transaction ---- */

static void on_resume(void *arg)
{
	unblock(arg);
}

static void batch_applied(
	struct writer_job *job, const struct writer_batch *batch, int64_t revision)
{
	struct writer *w = job->writer;

	w->counts.applied++;
	job->failures = 0;
	free(TAKE(job->trouble));
	job->limit = MIN(job->limit * 2, (size_t)WRITER_BATCH_MAX);
	loop_timer_after(job->deadline, job->writer->config.patience);
	for (size_t i = 0; i < batch->n; i++)
		plan_applied(job->plan, batch->units[i], revision);
	w->config.applied(revision, w->config.arg);
}

static void batch_failed(struct writer_job *job, const struct writer_batch *batch, int64_t revision)
{
	job->writer->counts.failed++;
	job->limit = MAX(batch->n / 2, (size_t)1);
	for (size_t i = 0; i < batch->n; i++)
		plan_again(job->plan, batch->units[i], revision);
	if (++job->failures > FAILURES_MAX)
		loop_timer_after(job->resume,
			FIRST_PAUSE << MIN(job->failures - FAILURES_MAX, PAUSE_DOUBLINGS));
}

static void batch_lost(struct writer_job *job, const struct writer_batch *batch,
	enum plan_loss loss, const char *why)
{
	if (loss == PLAN_UNKNOWN)
		job->writer->counts.unknown++;
	for (size_t i = 0; i < batch->n; i++)
		plan_lost(job->plan, batch->units[i], loss, why);
	writer_job_stop(job, why);
}

static void on_batch(enum writer_end end, int64_t revision, const char *why, void *arg)
{
	struct writer_batch *batch = arg;
	struct writer_job *job = TAKE(batch->job);

	job->out--;
	if (*why) {
		free(job->trouble);
		job->trouble = xstrdup(why);
	}
	switch (end) {
	case WRITER_APPLIED:
		batch_applied(job, batch, revision);
		break;
	case WRITER_FAILED:
		batch_failed(job, batch, revision);
		break;
	case WRITER_REFUSED:
		batch_lost(job, batch, PLAN_REFUSED, why);
		break;
	case WRITER_UNKNOWN:
		batch_lost(job, batch, PLAN_UNKNOWN, why);
		break;
	}
	unblock(job);
}

/* ---- making transactions ---- */

static enum plan_step fill(struct writer_job *job, struct etcd_txn *txn, struct writer_batch *batch)
{
	const struct writer_config *config = &job->writer->config;
	const struct db *db = config->db(config->arg);
	struct err err = {""};
	int rc;

	batch->n = 0;
	while (db && batch->n < job->limit) {
		struct plan_unit *unit = TAKE(job->held);
		enum plan_step step = unit ? PLAN_UNIT : plan_next(job->plan, db, &unit);

		if (step != PLAN_UNIT)
			return step;
		rc = writer_unit_add(txn, job->writer->prefix, job->coat, unit, &err);
		if (rc == 0) {
			batch->units[batch->n++] = unit;
		} else if (rc == -EAGAIN || (rc == -E2BIG && batch->n > 0)) {
			job->held = unit;
			return rc == -EAGAIN ? PLAN_WAIT : PLAN_UNIT;
		} else {
			plan_lost(job->plan, unit, PLAN_REFUSED, err.text);
		}
	}
	return batch->n ? PLAN_UNIT : PLAN_WAIT;
}

static void on_numbers(int rc, const char *why, int64_t first, void *arg)
{
	struct writer_job *job = arg;
	struct err text = {""};

	job->numbers = NULL;
	if (rc < 0) {
		err_set(&text, rc, "numbers for the new nodes: %s", why);
		writer_job_stop(job, text.text);
	} else {
		plan_give_numbers(job->plan, first);
	}
	unblock(job);
}

static void want_numbers(struct writer_job *job, int64_t record_rev)
{
	struct writer *w = job->writer;
	struct numbers_request request = {
		.loop = w->config.loop,
		.etcd = w->config.etcd,
		.prefix = w->prefix,
		.record_key = w->record_key,
		.record_rev = record_rev,
		.db = w->config.db(w->config.arg),
		.count = plan_wants_numbers(job->plan),
		.above = plan_numbers_above(job->plan),
	};

	if (request.count && !job->numbers && !job->stopped)
		job->numbers = numbers_reserve(&request, on_numbers, job);
}

/* One transaction, where there is something to be written; the job may end. */
void writer_job_step(struct writer_job *job, struct writer_batch *batch)
{
	struct writer *w = job->writer;
	struct etcd_txn *txn;
	struct err why = {""};
	int64_t record_rev = 0;
	enum plan_step step;
	int rc = w->config.may_write(&record_rev, &why, w->config.arg);

	if (rc == -EAGAIN && !job->stopped) {
		job->blocked = true;
		return;
	}
	if (rc < 0)
		writer_job_stop(job, why.text);
	want_numbers(job, record_rev);
	txn = etcd_txn_new();
	etcd_txn_if_mod(txn, w->record_key, ETCD_EQUAL, record_rev);
	step = fill(job, txn, batch);
	job->blocked = step != PLAN_UNIT && step != PLAN_MORE;
	if (batch->n) {
		batch->job = job;
		job->out++;
		writer_slot_commit(batch->slot, txn, on_batch, batch);
		return;
	}
	etcd_txn_free(txn);
	if (step == PLAN_DONE && job->out == 0)
		catch_up(job);
}

/* ---- for writer.c ---- */

void writer_job_moved(struct writer_job *job)
{
	if (job->phase != WRITER_CATCHING_UP)
		unblock(job);
	else if (caught_up(job))
		job_finish(job, false);
}

void writer_job_cut(struct writer_job *job)
{
	job_finish(job, !caught_up(job));
}

void writer_job_lose(struct writer_job *job, struct writer_batch *batch, const char *why)
{
	bool doubt = writer_slot_in_doubt(batch->slot);

	batch->job = NULL;
	job->out--;
	batch_lost(job, batch, doubt ? PLAN_UNKNOWN : PLAN_REFUSED, why);
}

void writer_job_begin(struct writer_job *job)
{
	struct writer *w = job->writer;

	list_del(&job->link);
	list_add_tail(&w->jobs, &job->link);
	w->n_waiting--;
	w->n_jobs++;
	job->phase = WRITER_WRITING;
	loop_timer_after(job->deadline, job->writer->config.patience);
}

static void on_coat(void *arg)
{
	unblock(arg);
}

struct writer_job *writer_job_new(
	struct writer *w, struct plan *plan, writer_done_fn *done, void *arg)
{
	struct writer_job *job = xcalloc(1, sizeof(*job));
	const struct writer_config *config = &w->config;

	job->writer = w;
	job->plan = plan;
	job->done = done;
	job->arg = arg;
	job->limit = WRITER_BATCH_MAX;
	job->coat = writer_coat_new(config->worker, config->identity, on_coat, job);
	job->deadline = loop_timer_new(config->loop, "writer deadline", on_deadline, job);
	job->resume = loop_timer_new(config->loop, "writer pause", on_resume, job);
	loop_timer_after(job->deadline, config->wait);
	return job;
}
