/*
 * What became of a plan, for people.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/plan_private.h"

#define REPORT_MAX ((size_t)64 << 10)
/* A list of names that is longer is cut: the numbers in front of it are what counts then. */
#define LIST_MAX ((size_t)2 << 10)

void plan_outcome(const struct plan *plan, struct plan_outcome *ret)
{
	*ret = (struct plan_outcome){.revision = plan->revision, .why = plan->why};
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];

		if (job->step)
			continue;
		ret->wanted++;
		ret->applied += job->state == JOB_APPLIED;
		ret->unknown += job->state == JOB_UNKNOWN;
	}
}

void plan_each_applied(const struct plan *plan,
	bool (*fn)(const char *object, const char *new_name, void *arg), void *arg)
{
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];

		if (job->step || job->state != JOB_APPLIED)
			continue;
		if (!fn(job->object, job->to, arg))
			return;
	}
}

/* The names of jobs in one of two states, and how many they are. New. */
static char *names_in(
	const struct plan *plan, bool group, enum job_state a, enum job_state b, size_t *ret_n)
{
	CLEANUP(freep) const char **names = xcalloc(plan->n_jobs + 1, sizeof(*names));
	char *text;
	size_t n = 0, len;

	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];

		if (!job->step && job->group == group && (job->state == a || job->state == b))
			names[n++] = job->object;
	}
	*ret_n = n;
	text = noderange_fold(names, n);
	len = strlen(text);
	if (len > LIST_MAX) {
		while (len > LIST_MAX || text[len] != ',')
			len--;
		memcpy(text + len, ",...", sizeof(",..."));
	}
	return text;
}

static int tell(const struct plan *plan, bool group, const char **separator, struct buf *b)
{
	const char *noun = group ? "group" : "node";
	const char *done =
		group == plan->about_group || plan->backup ? plan->kind->done : "changed";
	size_t applied, failed, unknown;
	CLEANUP(freep) char *these = names_in(plan, group, JOB_APPLIED, JOB_APPLIED, &applied);
	CLEANUP(freep) char *those = names_in(plan, group, JOB_FAILED, JOB_FAILED, &failed);
	CLEANUP(freep) char *others = names_in(plan, group, JOB_UNKNOWN, JOB_UNKNOWN, &unknown);
	size_t wanted = applied + failed + unknown;
	int rc;

	if (wanted == 0)
		return 0;
	rc = buf_printf(b, "%s", *separator);
	*separator = "; ";
	if (rc == 0 && applied == wanted)
		rc = buf_printf(b, "%zu %s%s %s %s (%s)", applied, noun, applied == 1 ? "" : "s",
			applied == 1 ? "was" : "were", done, these);
	else if (rc == 0)
		rc = buf_printf(b, "%zu of %zu %s%s %s %s%s%s%s", applied, wanted, noun,
			wanted == 1 ? "" : "s", applied == 1 ? "was" : "were", done,
			applied ? " (" : "", these, applied ? ")" : "");
	if (rc == 0 && failed)
		rc = buf_printf(b, "; %s %s not", those, failed == 1 ? "was" : "were");
	if (rc == 0 && unknown)
		rc = buf_printf(b, "; of %s it is not known", others);
	return rc;
}

char *plan_report(const struct plan *plan)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(REPORT_MAX);
	const char *separator = "";
	int rc = tell(plan, plan->about_group, &separator, &b);

	if (rc == 0)
		rc = tell(plan, !plan->about_group, &separator, &b);
	if (rc == 0 && b.len == 0)
		rc = buf_str(&b, "there was nothing to do");
	if (rc == 0 && plan->why)
		rc = buf_printf(&b, ": %s", plan->why);
	if (rc == 0 && plan->why && plan->remedy)
		rc = buf_printf(&b, " (%s)", plan->remedy);
	(void)rc; /* a text that is cut is better than none */
	return xstrdup(buf_cstr(&b));
}

void plan_each_warning(const struct plan *plan, const char *node,
	void (*fn)(const char *text, void *arg), void *arg)
{
	size_t low = 0, high = plan->n_jobs;

	/* the jobs of a plan that warns are its nodes in natural order */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct job *job = &plan->jobs[middle];
		int order = natsort_compare(node, job->object);

		if (order == 0) {
			for (unsigned i = 0; i < job->n_warnings; i++)
				fn(job->warnings[i], arg);
			return;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *name_a = a, *const *name_b = b;

	return strcmp(*name_a, *name_b);
}

void plan_each_name(const struct plan *plan, void (*fn)(const char *name, void *arg), void *arg)
{
	CLEANUP(freep) const char **names = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < plan->n_requests; i++)
		room += plan->requests[i].n + 1;
	names = xcalloc(room + 1, sizeof(*names));
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct plan_request *request = &plan->requests[i];

		if (request->attribute)
			names[n++] = request->name;
		for (size_t j = 0; j < request->n && !request->attribute; j++)
			names[n++] = request->values[j]->name;
	}
	qsort(names, n, sizeof(*names), by_bytes);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !text_eq(names[i - 1], names[i]))
			fn(names[i], arg);
	}
}
