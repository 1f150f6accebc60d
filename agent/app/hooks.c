/*
 * The happy path: an event of the stream that somebody may want to hear of is queued, or joined with the
 * one before it of the same kind; the first in the queue has its programs looked for and run, one
 * behind the other; then the next has.
 *
 * Failures. A program that fails, hangs or writes without end costs its own run and nothing else; what
 * became of it is logged and kept for `show -v`. A queue that is full, because programs take longer than
 * events take to come, loses its oldest event but one that runs.
 */
#include "config.h"
#include "app/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "app/events.h"
#include "app/hooks_find.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/conf.h"
#include "identity/identity.h"
#include "io/child.h"
#include "io/clock.h"
#include "io/loop.h"

#define QUEUE_MAX  1000
#define NAMES_MAX  ((size_t)16 << 20) /* bytes of names of nodes in the queue */
#define OUTPUT_MAX ((size_t)4 << 10)
#define LAST_MAX   20
#define KNOWN_MAX  128 /* programs that are not run, for telling each once */

/* An event of its own, or several of one kind. */
struct job {
	struct list link;
	const char *hook;
	int64_t revision;
	usec_t wall;
	bool quorum;
	char leader[NAME_MAX_LEN + 1];
	char *name, *from, *to; /* NULL: it has none, or several */
	struct buf nodes;	/* one a line */
	size_t n_nodes;
};

struct result {
	struct list link;
	const char *hook;
	char *program;
	usec_t at, took;
	int status;
	char *why;    /* NULL: it succeeded */
	char *output; /* its first line */
};

struct refusal {
	struct list link;
	const char *hook;
	char *text;
	usec_t at; /* when it was found last */
	bool stands;
};

struct hooks {
	struct agent *agent;
	struct events_listener listener;
	struct loop_defer *next;
	struct list queue; /* struct job; the first one runs */
	size_t waiting;	   /* jobs in it */
	size_t names;	   /* bytes */
	uint64_t dropped;
	struct log_limit crowded;

	/* of the first job */
	bool found;
	struct hooks_programs programs;
	size_t at;
	struct child *child;
	usec_t began, began_wall;

	struct list last; /* struct result, the latest first */
	size_t n_last;
	struct list refusals;
	size_t n_refusals;
};

/* ---- jobs ---- */

static void job_free(struct hooks *h, struct job *job)
{
	list_del(&job->link);
	h->waiting--;
	h->names -= job->nodes.len;
	free(job->name);
	free(job->from);
	free(job->to);
	buf_done(&job->nodes);
	free(job);
}

static struct job *first(const struct hooks *h)
{
	return list_first(&h->queue, struct job, link);
}

static void drop_oldest(struct hooks *h)
{
	struct job *oldest = first(h);
	unsigned left_out;

	if (oldest && h->found)
		oldest = oldest->link.next == &h->queue
				 ? NULL
				 : list_entry(oldest->link.next, struct job, link);
	if (!oldest)
		return;
	h->dropped++;
	if (log_limit_pass(&h->crowded, loop_now(h->agent->loop), &left_out))
		log_warning("hooks",
			"%s is told to no program: more events come than the programs have time "
			"for (%" PRIu64 " were left out so far)",
			oldest->hook, h->dropped);
	job_free(h, oldest);
}

static struct job *job_new(struct hooks *h, const char *hook, const struct event *event)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->hook = hook;
	buf_init(&job->nodes, NAMES_MAX);
	list_add_tail(&h->queue, &job->link);
	h->waiting++;
	job->name = *event->name ? xstrdup(event->name) : NULL;
	return job;
}

/* The last one, where the event can be told together with it. */
static struct job *same_as_last(const struct hooks *h, const char *hook, const struct event *event)
{
	struct job *last =
		list_empty(&h->queue) ? NULL : list_entry(h->queue.prev, struct job, link);

	if (!last || event->kind != EVENT_MANAGER || !text_eq(last->hook, hook) ||
		(last == first(h) && h->found))
		return NULL;
	return last;
}

static void set_side(char **side, const char *text, bool joined)
{
	/* anybody may have typed it, and programs may be less careful than they should */
	const char *now = name_valid(text) ? text : NULL;

	if (joined && text_eq(*side, now))
		return;
	free(TAKE(*side));
	if (!joined)
		*side = xstrdup_null(now);
}

static size_t size_of_names(const struct event *event)
{
	size_t size = 0;

	for (size_t i = 0; i < event->n_nodes; i++)
		size += strlen(event->nodes[i]) + 1;
	return size;
}

static void add_names(struct hooks *h, struct job *job, const struct event *event)
{
	size_t before = job->nodes.len;

	for (size_t i = 0; i < event->n_nodes; i++) {
		if (buf_str(&job->nodes, event->nodes[i]) < 0 || buf_str(&job->nodes, "\n") < 0)
			break;
		job->n_nodes++;
	}
	h->names += job->nodes.len - before;
}

static void enqueue(struct hooks *h, const char *hook, const struct event *event)
{
	struct job *job;
	bool joined;

	while (h->waiting > (h->found ? 1u : 0u) &&
		(h->waiting >= QUEUE_MAX || h->names + size_of_names(event) > NAMES_MAX))
		drop_oldest(h);
	job = same_as_last(h, hook, event);
	joined = job != NULL;
	if (!job)
		job = job_new(h, hook, event);
	job->revision = event->revision;
	job->wall = event->wall;
	job->quorum = events_quorum(h->agent->events);
	snprintf(job->leader, sizeof(job->leader), "%s", events_leader(h->agent->events));
	set_side(&job->from, event->from, joined);
	set_side(&job->to, event->to, joined);
	add_names(h, job, event);
	loop_defer_schedule(h->next);
}

/* ---- which events have a hook ---- */

static void on_event(const struct event *event, void *arg)
{
	struct hooks *h = arg;
	const char *self = h->agent->identity->name;
	bool was = text_eq(event->from, self);
	bool is = text_eq(event->to, self);

	if (h->agent->stopping)
		return;
	switch (event->kind) {
	case EVENT_LEADER:
		if (was || is)
			enqueue(h, is ? "leader" : "follower", event);
		break;
	case EVENT_QUORUM:
		if (!event->first)
			enqueue(h, event->on ? "quorum-regained" : "quorum-lost", event);
		break;
	case EVENT_MEMBER:
		if (!event->first && event->on != event->was_on && !text_eq(event->name, self))
			enqueue(h, event->on ? "member-online" : "member-offline", event);
		break;
	case EVENT_MANAGER:
		if (was)
			enqueue(h, "manager-lost", event);
		if (is)
			enqueue(h, "manager-gained", event);
		break;
	}
}

/* ---- programs that are not run ---- */

static void refusal_free(struct hooks *h, struct refusal *refusal)
{
	list_del(&refusal->link);
	h->n_refusals--;
	free(refusal->text);
	free(refusal);
}

static void tell_refusal(struct hooks *h, const char *hook, const char *text)
{
	struct refusal *refusal;
	usec_t now = clock_wall();

	list_foreach (refusal, &h->refusals, link) {
		if (refusal->hook == hook && text_eq(refusal->text, text)) {
			refusal->stands = true;
			refusal->at = now;
			return;
		}
	}
	if (h->n_refusals >= KNOWN_MAX)
		refusal_free(h, list_first(&h->refusals, struct refusal, link));
	refusal = xcalloc(1, sizeof(*refusal));
	refusal->hook = hook;
	refusal->text = xstrdup(text);
	refusal->at = now;
	refusal->stands = true;
	list_add_tail(&h->refusals, &refusal->link);
	h->n_refusals++;
	log_warning("hooks", "%s: not run: %s", hook, text);
}

/* Each is told once, until it is no longer so. */
static void tell_refused(struct hooks *h, const char *hook)
{
	struct refusal *refusal, *tmp;

	list_foreach (refusal, &h->refusals, link) {
		if (refusal->hook == hook)
			refusal->stands = false;
	}
	for (size_t i = 0; i < h->programs.n_refused; i++)
		tell_refusal(h, hook, h->programs.refused[i]);
	list_foreach_safe (refusal, tmp, &h->refusals, link) {
		if (refusal->hook == hook && !refusal->stands)
			refusal_free(h, refusal);
	}
}

/* ---- running ---- */

static void result_free(struct hooks *h, struct result *result)
{
	list_del(&result->link);
	h->n_last--;
	free(result->program);
	free(result->why);
	free(result->output);
	free(result);
}

static void note_result(struct hooks *h, const char *why, int status, const char *output)
{
	struct result *result = xcalloc(1, sizeof(*result));
	char shown[TEXT_PRINTABLE_MAX];
	char took[NUM_DURATION_MAX];

	result->hook = first(h)->hook;
	result->program = xstrdup(h->programs.paths[h->at]);
	result->at = h->began_wall;
	result->took = loop_now(h->agent->loop) - h->began;
	result->status = status;
	result->why = xstrdup_null(why);
	result->output = xstrdup(text_printable(output, strcspn(output, "\n"), shown));
	list_add(&h->last, &result->link);
	if (++h->n_last > LAST_MAX)
		result_free(h, list_entry(h->last.prev, struct result, link));
	if (why)
		log_warning("hooks", "%s: %s%s%s", result->hook, why, *result->output ? ": " : "",
			result->output);
	else
		log_debug("hooks", "%s: %s ended well after %s", result->hook, result->program,
			num_format_duration(result->took, took));
}

static void on_done(const struct child_result *result, void *arg)
{
	struct hooks *h = arg;

	note_result(h, result->rc < 0 ? result->why : NULL, result->status, result->output);
	child_free(TAKE(h->child));
	h->at++;
	loop_defer_schedule(h->next);
}

struct environment {
	char *at[16];
	size_t n;
};

static void put(struct environment *env, const char *name, const char *value)
{
	if (value && env->n + 1 < ARRAY_SIZE(env->at))
		env->at[env->n++] = xasprintf("%s=%s", name, value);
}

static void put_number(struct environment *env, const char *name, int64_t value)
{
	CLEANUP(freep) char *text = xasprintf("%" PRId64, value);

	put(env, name, text);
}

static void make_environment(const struct hooks *h, const struct job *job, struct environment *env)
{
	*env = (struct environment){.n = 0};
	put(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	put(env, "COLLECTIVE_EVENT", job->hook);
	put(env, "COLLECTIVE_MEMBER", h->agent->identity->name);
	put_number(env, "COLLECTIVE_REVISION", job->revision);
	put_number(env, "COLLECTIVE_TIME", job->wall / USEC_PER_SEC);
	put(env, "COLLECTIVE_LEADER", job->leader);
	put(env, "COLLECTIVE_QUORUM", job->quorum ? "yes" : "no");
	put(env, "COLLECTIVE_NAME", job->name);
	if (job->nodes.len)
		put_number(env, "COLLECTIVE_NODES", (int64_t)job->n_nodes);
	put(env, "COLLECTIVE_FROM", job->from);
	put(env, "COLLECTIVE_TO", job->to);
}

static void run(struct hooks *h, const struct job *job)
{
	const char *argv[] = {h->programs.paths[h->at], NULL};
	struct environment env;
	struct child_options options = {
		.argv = argv,
		.input = buf_cstr(&job->nodes),
		.input_len = job->nodes.len,
		.max_output = OUTPUT_MAX,
		.timeout = h->agent->conf->hooks.timeout,
		.done = on_done,
		.arg = h,
	};
	struct err err = {""};

	make_environment(h, job, &env);
	options.environment = (const char *const *)env.at;
	h->began = loop_now(h->agent->loop);
	h->began_wall = clock_wall();
	if (child_new(&h->child, h->agent->loop, &options, &err) < 0) {
		note_result(h, err.text, -1, "");
		h->at++;
		loop_defer_schedule(h->next);
	}
	for (size_t i = 0; i < env.n; i++)
		free(env.at[i]);
}

static void on_next(void *arg)
{
	struct hooks *h = arg;
	struct job *job = first(h);
	CLEANUP(freep) char *folder = NULL;

	loop_doing(h->agent->loop, "hooks");
	if (!job || h->child || h->agent->stopping)
		return;
	if (!h->found) {
		folder = file_join(h->agent->conf->paths.config_dir, "hooks.d");
		hooks_find(folder, job->hook, &h->programs);
		h->found = true;
		h->at = 0;
		tell_refused(h, job->hook);
	}
	if (h->at < h->programs.n) {
		run(h, job);
		return;
	}
	hooks_programs_done(&h->programs);
	h->found = false;
	job_free(h, job);
	if (first(h))
		loop_defer_schedule(h->next);
}

/* ---- life ---- */

struct hooks *hooks_new(struct agent *agent)
{
	struct hooks *h = xcalloc(1, sizeof(*h));

	h->agent = agent;
	h->listener = (struct events_listener){.fn = on_event, .arg = h};
	list_init(&h->queue);
	list_init(&h->last);
	list_init(&h->refusals);
	h->next = loop_patient_new(agent->loop, on_next, h);
	events_listen(agent->events, &h->listener);
	return h;
}

void hooks_free(struct hooks *h)
{
	if (!h)
		return;
	events_unlisten(&h->listener);
	child_free(h->child);
	hooks_programs_done(&h->programs);
	while (first(h))
		job_free(h, first(h));
	while (!list_empty(&h->last))
		result_free(h, list_first(&h->last, struct result, link));
	while (!list_empty(&h->refusals))
		refusal_free(h, list_first(&h->refusals, struct refusal, link));
	loop_defer_free(h->next);
	free(h);
}

void hooks_tell(const struct hooks *h, json *answer)
{
	json *one = json_set(answer, "hooks", json_new_object());
	const struct job *job = first(h);
	const struct refusal *refusal;
	const struct result *result;
	json *refused, *last;

	if (h->child && job)
		json_set_str(one, "running", job->hook);
	else
		json_set_null(one, "running");
	json_set_number(one, "waiting", (int64_t)(h->waiting - (h->child ? 1 : 0)));
	json_set_number(one, "dropped", (int64_t)h->dropped);
	refused = json_set(one, "refused", json_new_array());
	list_foreach (refusal, &h->refusals, link) {
		json *row = json_add(refused, json_new_object());

		json_set_str(row, "event", refusal->hook);
		json_set_str(row, "error", refusal->text);
		json_set_seconds(row, "at", refusal->at);
	}
	last = json_set(one, "last", json_new_array());
	list_foreach (result, &h->last, link) {
		json *row = json_add(last, json_new_object());

		json_set_str(row, "event", result->hook);
		json_set_str(row, "program", result->program);
		json_set_seconds(row, "at", result->at);
		json_set_seconds(row, "took", result->took);
		json_set_number(row, "status", result->status);
		json_set_str(row, "error", result->why ? result->why : "");
		json_set_str(row, "output", result->output);
	}
}
