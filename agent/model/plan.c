/*
 * The machine: jobs become units, units end, stages follow each other.
 *
 * A job is worked out when plan_next() comes to it, and again, from the database as it is then, after
 * its compare failed. A stage ends when none of its jobs is left and the database has seen all that
 * was applied; then the kind of plan says what follows. What can't be done is noted on its job with
 * the first reason kept, and the rest goes on.
 */
#include "config.h"
#include "model/plan.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/backup.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/plan_private.h"

/* Jobs that one call may find to need nothing: a millisecond or two. */
#define LOOKS_MAX 4096

struct plan *plan_alloc(const struct plan_kind *kind)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->kind = kind;
	plan->stage = 1;
	return plan;
}

void plan_forget_warnings(struct job *job)
{
	for (unsigned i = 0; i < job->n_warnings; i++)
		free(job->warnings[i]);
	free(job->warnings);
	job->warnings = NULL;
	job->n_warnings = 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_jobs; i++) {
		plan_forget_warnings(&plan->jobs[i]);
		free(plan->jobs[i].object);
		free(plan->jobs[i].to);
	}
	for (size_t i = 0; i < plan->n_requests; i++)
		plan_request_done(&plan->requests[i]);
	backup_free(plan->backup);
	plan_claiming_free(plan->claiming);
	free(plan->requests);
	free(plan->jobs);
	free(plan->again);
	free(plan->group);
	free(plan->to);
	free(plan->why);
	free(plan->stopped);
	free(plan);
}

struct job *plan_add_job(struct plan *plan, const char *name)
{
	struct job *job;

	if (plan->n_jobs == plan->cap_jobs) {
		plan->cap_jobs = plan->cap_jobs ? 2 * plan->cap_jobs : 8;
		plan->jobs = xrealloc(plan->jobs, plan->cap_jobs, sizeof(*plan->jobs));
	}
	job = &plan->jobs[plan->n_jobs++];
	*job = (struct job){.object = xstrdup(name), .number = -1, .stage = 1};
	return job;
}

static void push_again(struct plan *plan, size_t job)
{
	if (plan->again_head == plan->again_n)
		plan->again_head = plan->again_n = 0;
	if (plan->again_n == plan->again_cap) {
		size_t left = plan->again_n - plan->again_head;

		if (plan->again_head > plan->again_cap / 2) {
			memmove(plan->again, plan->again + plan->again_head, left * sizeof(size_t));
			plan->again_head = 0;
			plan->again_n = left;
		} else {
			plan->again_cap = plan->again_cap ? 2 * plan->again_cap : 16;
			plan->again = xrealloc(plan->again, plan->again_cap, sizeof(size_t));
		}
	}
	plan->jobs[job].state = JOB_AGAIN;
	plan->again[plan->again_n++] = job;
}

void plan_redo(struct plan *plan, size_t job)
{
	plan->jobs[job].not_before = 0;
	push_again(plan, job);
}

void plan_fail(struct plan *plan, struct job *job, const char *why)
{
	job->state = JOB_FAILED;
	if (plan->claiming)
		plan_claiming_failed(plan, job, why);
	if (!plan->why)
		plan->why = xstrdup(why);
}

/* NULL: none can be tried now. */
static struct job *pick(struct plan *plan, const struct db *db)
{
	while (plan->again_head < plan->again_n) {
		struct job *job = &plan->jobs[plan->again[plan->again_head]];

		if (job->state == JOB_AGAIN && job->not_before > db_revision(db))
			break;
		plan->again_head++;
		if (job->state == JOB_AGAIN)
			return job;
	}
	while (plan->cursor < plan->n_jobs && plan->jobs[plan->cursor].stage <= plan->stage) {
		struct job *job = &plan->jobs[plan->cursor++];

		if (job->state == JOB_READY)
			return job;
	}
	return NULL;
}

/* True: *ret is out. */
static bool work(struct plan *plan, const struct db *db, struct job *job, struct plan_unit **ret)
{
	struct unit *unit = unit_new();
	struct err err = {""};
	int rc;

	unit->job = (size_t)(job - plan->jobs);
	unit->view.object = job->object;
	rc = plan->kind->work(plan, db, job, unit, &err);
	if (rc == WORK_UNIT)
		rc = unit_check(unit, &err);
	if (rc == WORK_UNIT) {
		job->state = JOB_OUT;
		plan->out++;
		*ret = &unit->view;
		return true;
	}
	if (rc == WORK_NOTHING)
		job->state = job->more ? JOB_HELD : JOB_APPLIED;
	else
		plan_fail(plan, job, err.text);
	unit_free(unit);
	return false;
}

enum plan_step plan_next(struct plan *plan, const struct db *db, struct plan_unit **ret)
{
	unsigned looks = plan->kind->looks ? plan->kind->looks : LOOKS_MAX;
	struct job *job;

	for (unsigned looked = 0;;) {
		if (plan->ended)
			return plan->out ? PLAN_WAIT : PLAN_DONE;
		if (looked == looks)
			return PLAN_MORE;
		if (plan->numbers && !plan->first_number)
			return PLAN_WAIT;
		job = pick(plan, db);
		if (job) {
			if (work(plan, db, job, ret))
				return PLAN_UNIT;
			looked++;
			continue;
		}
		if (plan->out || plan->again_head < plan->again_n)
			return PLAN_WAIT;
		if (plan->kind->advance) {
			if (db_revision(db) < plan->revision)
				return PLAN_WAIT;
			if (plan->kind->advance(plan, db))
				continue;
		}
		plan->ended = true;
	}
}

static struct job *take_back(struct plan *plan, const struct plan_unit *view, struct unit **ret)
{
	*ret = CONTAINER_OF(view, struct unit, view);
	plan->out--;
	return &plan->jobs[(*ret)->job];
}

static const char *why_ended(const struct plan *plan)
{
	if (plan->stopped)
		return plan->stopped;
	return plan->why ? plan->why : "stopped halfway";
}

void plan_applied(struct plan *plan, struct plan_unit *view, int64_t revision)
{
	struct unit *unit;
	struct job *job = take_back(plan, view, &unit);

	plan->revision = MAX(plan->revision, revision);
	if (unit->fails)
		plan_fail(plan, job, unit->fails);
	else if (job->more && plan->ended)
		plan_fail(plan, job, why_ended(plan));
	else
		job->state = job->more ? JOB_HELD : JOB_APPLIED;
	unit_free(unit);
}

void plan_again(struct plan *plan, struct plan_unit *view, int64_t revision)
{
	struct unit *unit;
	struct job *job = take_back(plan, view, &unit);

	if (plan->ended) {
		plan_fail(plan, job, why_ended(plan));
	} else {
		job->not_before = revision;
		push_again(plan, unit->job);
	}
	unit_free(unit);
}

void plan_lost(struct plan *plan, struct plan_unit *view, enum plan_loss loss, const char *why)
{
	struct unit *unit;
	struct job *job = take_back(plan, view, &unit);

	plan_fail(plan, job, why);
	if (loss == PLAN_UNKNOWN)
		job->state = JOB_UNKNOWN;
	unit_free(unit);
}

void plan_stop(struct plan *plan, const char *why)
{
	for (size_t i = 0; i < plan->n_jobs; i++) {
		struct job *job = &plan->jobs[i];

		if (job->state == JOB_READY || job->state == JOB_AGAIN || job->state == JOB_HELD)
			plan_fail(plan, job, why);
	}
	/* what is out may still be applied, and is no failure then */
	if (!plan->stopped)
		plan->stopped = xstrdup(why);
	plan->ended = true;
}

size_t plan_wants_numbers(const struct plan *plan)
{
	return plan->first_number ? 0 : plan->numbers;
}

int64_t plan_numbers_above(const struct plan *plan)
{
	return plan->numbers_above;
}

void plan_give_numbers(struct plan *plan, int64_t first)
{
	plan->first_number = first;
}

int plan_bad(struct err *err)
{
	struct err inner;

	if (!err)
		return -EINVAL;
	inner = *err;
	return err_set(err, -EINVAL, "Bad Request - %s", inner.text);
}

struct plan_request *plan_find_request(struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		if (plan_request_is(&plan->requests[i], name))
			return &plan->requests[i];
	}
	return NULL;
}

int plan_add_requests(struct plan *plan, const struct plan_change *changes, size_t n,
	const char *first, struct err *err)
{
	bool patterns = first && !plan->create;

	if (n > PLAN_CHANGES_MAX)
		return err_set(err, -EINVAL,
			"%zu attributes in one request, at most %d are accepted", n,
			PLAN_CHANGES_MAX);
	plan->requests = xcalloc(MAX(n, (size_t)1), sizeof(*plan->requests));
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (plan_find_request(plan, attribute_unalias(changes[i].name)))
			return err_set(err, -EINVAL, "%s is in the request twice", changes[i].name);
		rc = plan_request_init(&plan->requests[plan->n_requests++], &changes[i], !first,
			first, patterns, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int plan_add_nodes(struct plan *plan, const struct db *db, const char *noderange, struct err *err)
{
	const struct noderange_source source = db_noderange_source(db);
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	CLEANUP(freep) uint32_t *sorted = NULL;
	struct err inner = {""};
	size_t n;

	if (noderange_evaluate(&source, noderange, &nodes, &inner) < 0)
		return err_set(
			err, -ENOENT, "Target not found - Invalid Noderange: %s", inner.text);
	n = db_sorted(db, &nodes, &sorted);
	if (n > PLAN_OBJECTS_MAX)
		return err_set(err, -EINVAL,
			"Bad Request - %zu nodes in one request, at most %zu are accepted", n,
			PLAN_OBJECTS_MAX);
	for (size_t i = 0; i < n; i++)
		(void)plan_add_job(plan, db_node_name(db, sorted[i]));
	return 0;
}
