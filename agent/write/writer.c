#include "config.h"
#include "write/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "identity/identity.h"
#include "io/loop.h"
#include "write/writer_private.h"

#define TURN_MAX (5 * USEC_PER_MSEC)
#define WAIT	 (10 * USEC_PER_SEC)
#define PATIENCE (20 * USEC_PER_SEC)
#define CATCH_UP (10 * USEC_PER_SEC)

void writer_turn_soon(struct writer *w)
{
	loop_timer_after(w->turn, 0);
}

/* ---- turns ---- */

static bool runnable(const struct writer_job *job)
{
	return job->phase == WRITER_WRITING && !job->blocked && job->out < WRITER_PLAN_SLOTS &&
	       loop_timer_due(job->resume) == USEC_NEVER;
}

/* The next job whose turn it is, which goes to the end of the line. */
static struct writer_job *next_job(struct writer *w)
{
	struct writer_job *job;

	list_foreach (job, &w->jobs, link) {
		if (runnable(job)) {
			list_del(&job->link);
			list_add_tail(&w->jobs, &job->link);
			return job;
		}
	}
	return NULL;
}

static void admit(struct writer *w)
{
	struct writer_job *job;
	int64_t record_rev;
	struct err why = {""};

	while ((job = list_first(&w->waiting, struct writer_job, link))) {
		int rc = w->config.may_write(&record_rev, &why, w->config.arg);

		if (rc < 0 && rc != -EAGAIN)
			writer_job_refuse(job, why.text);
		else if (w->n_waiting > WRITER_WAITING_MAX)
			writer_job_refuse(list_entry(w->waiting.prev, struct writer_job, link),
				"too many changes are waiting already: try again later");
		else if (rc == 0 && w->n_jobs < WRITER_PLANS_MAX)
			writer_job_begin(job);
		else
			return;
	}
}

static struct writer_batch *free_batch(struct writer *w)
{
	for (size_t i = 0; i < WRITER_SLOTS; i++) {
		if (!w->batches[i].job)
			return &w->batches[i];
	}
	return NULL;
}

static void on_turn(void *arg)
{
	struct writer *w = arg;
	usec_t end = loop_now(w->config.loop) + TURN_MAX;
	struct writer_job *job;
	struct writer_batch *batch;

	admit(w);
	while ((batch = free_batch(w)) && (job = next_job(w))) {
		writer_job_step(job, batch);
		if (loop_now(w->config.loop) >= end) {
			writer_turn_soon(w);
			return;
		}
	}
}

void writer_moved(struct writer *w)
{
	struct writer_job *job, *tmp;
	int64_t record_rev;
	struct err why = {""};
	int rc = w->config.may_write(&record_rev, &why, w->config.arg);

	list_foreach_safe (job, tmp, &w->jobs, link) {
		if (rc < 0 && rc != -EAGAIN && job->phase == WRITER_WRITING)
			writer_job_stop(job, why.text);
		writer_job_moved(job);
	}
	writer_turn_soon(w);
}

/* ---- life ---- */

struct writer *writer_new(const struct writer_config *config)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	const char *name = config->identity->name;

	w->config = *config;
	w->config.wait = config->wait ? config->wait : WAIT;
	w->config.patience = config->patience ? config->patience : PATIENCE;
	w->config.catch_up = config->catch_up ? config->catch_up : CATCH_UP;
	w->prefix = xstrdup(config->prefix);
	w->run = xstrdup(config->run);
	w->record_key = xasprintf("%smembers/%s", w->prefix, name);
	list_init(&w->jobs);
	list_init(&w->waiting);
	w->turn = loop_timer_new(config->loop, "writer", on_turn, w);
	for (size_t i = 0; i < WRITER_SLOTS; i++) {
		CLEANUP(freep) char *key = xasprintf("%swrites/%s/%zu", w->prefix, name, i);

		w->batches[i].writer = w;
		w->batches[i].slot = writer_slot_new(config->loop, config->etcd, key, w->run);
	}
	return w;
}

void writer_free(struct writer *w)
{
	static const char why[] = "this member was stopped meanwhile";
	struct writer_job *job;

	if (!w)
		return;
	w->freeing = true;
	for (size_t i = 0; i < WRITER_SLOTS; i++) {
		if (w->batches[i].job)
			writer_job_lose(w->batches[i].job, &w->batches[i], why);
	}
	while ((job = list_first(&w->waiting, struct writer_job, link)))
		writer_job_refuse(job, why);
	while ((job = list_first(&w->jobs, struct writer_job, link))) {
		writer_job_stop(job, why);
		writer_job_cut(job);
	}
	for (size_t i = 0; i < WRITER_SLOTS; i++)
		writer_slot_free(w->batches[i].slot);
	loop_timer_free(w->turn);
	free(w->prefix);
	free(w->run);
	free(w->record_key);
	free(w);
}

struct writer_job *writer_submit(
	struct writer *w, struct plan *plan, writer_done_fn *done, void *arg)
{
	struct writer_job *job = writer_job_new(w, plan, done, arg);

	list_add_tail(&w->waiting, &job->link);
	w->n_waiting++;
	writer_turn_soon(w);
	return job;
}

void writer_forget(struct writer_job *job)
{
	job->done = NULL;
	if (job->phase == WRITER_WAITING)
		writer_job_free(job);
}

void writer_status(const struct writer *w, struct writer_status *ret)
{
	*ret = w->counts;
	ret->plans = w->n_jobs;
	ret->waiting = w->n_waiting;
}
