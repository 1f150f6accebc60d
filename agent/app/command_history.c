/*
 * history: what happened to leadership and managers, as this member's copy has it.
 *
 *     {"operation":"history","max":50}            the latest 50; 0 or nothing: all of them
 *     {"history":[{…},…],"more":true}             any number of these, oldest first
 *     {"history":[{…},…]}                         the last one; with "stale" where it may be old
 *
 * The happy path: all entries are put together at once, there are not many, and then sent as fast as the
 * client reads. A client that goes away ends it.
 */
#include "config.h"
#include "app/command.h"

#include "api/server.h"
#include "app/agent.h"
#include "app/history.h"
#include "app/member.h"
#include "base/mem.h"
#include "etcd/sync.h"

/* Entries in a frame. */
#define FRAME_ENTRIES 200
#define MAX_MAX	      1000000

struct telling {
	struct api_request *req;
	json *all;
	const json *next; /* of them */
	json *stale;	  /* NULL: it is current */
};

static void finish(struct telling *t)
{
	json_free(t->all);
	json_free(t->stale);
	api_request_done(t->req);
	free(t);
}

static void on_cancelled(void *arg)
{
	finish(arg);
}

static void tell_some(struct telling *t)
{
	json *frame = json_new_object();
	json *list = json_set(frame, "history", json_new_array());

	for (unsigned n = 0; t->next && n < FRAME_ENTRIES; n++) {
		json_add(list, json_clone(t->next));
		t->next = json_next(t->next);
	}
	if (t->next)
		json_set_bool(frame, "more", true);
	else if (t->stale)
		json_set(frame, "stale", TAKE(t->stale));
	api_request_reply(t->req, frame);
}

static void on_drained(void *arg)
{
	struct telling *t = arg;

	do {
		tell_some(t);
	} while (t->next && !api_request_congested(t->req));
	if (!t->next)
		finish(t);
}

static json *stale(const struct agent *agent)
{
	usec_t age = member_view_age(agent->member);
	struct etcd_sync_status sync;
	json *object;

	member_sync_status(agent->member, &sync);
	if (age == 0 || (member_quorum(agent->member) && age <= USEC_PER_SEC))
		return NULL;
	object = json_new_object();
	if (sync.current_at)
		json_set_seconds(object, "age", age);
	json_set_i64(object, "revision", sync.revision);
	return object;
}

void command_history(struct commands *c, struct api_request *req, const json *message)
{
	static const struct api_request_hooks hooks = {
		.cancelled = on_cancelled, .drained = on_drained};
	const struct agent *agent = commands_agent(c);
	struct err err = {""};
	struct telling *t;
	int64_t max;
	int rc = json_i64_or(message, "max", 0, &max, &err);

	if (rc == 0 && (max < 0 || max > MAX_MAX))
		err_set(&err, -1, "'max' is not between 0 and %d", MAX_MAX);
	if (*err.text) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (!command_needs_member(c, req))
		return;
	t = xcalloc(1, sizeof(*t));
	t->req = req;
	t->all = history_tell_all(agent->history, (size_t)max);
	t->next = json_first(t->all);
	t->stale = stale(agent);
	api_request_watch(req, &hooks, t);
	on_drained(t);
}
