/*
 * history: what happened to leadership and managers, as this member's copy has it.
 *
 *     {"operation":"history","max":50}            the latest 50; 0 or nothing: all of them
 *     {"history":[{…},…],"more":true}             any number of these, oldest first
 *     {"history":[{…},…]}                         the last one; with "stale" where it may be old
 *
 * The happy path: what there is at this moment is told, a slice at a time and as fast as the client reads
 * (R6). A client that goes away ends it.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/mem.h"
#include "etcd/sync.h"
#include "io/loop.h"
#include "member/member.h"
#include "record/history.h"

/* Putting entries together; to print them takes twice as long. */
#define SLICE (2 * USEC_PER_MSEC)
/* Entries in a frame. */
#define FRAME_ENTRIES 200
#define MAX_MAX	      1000000

struct telling {
	struct loop *loop;
	struct api_request *req;
	struct loop_defer *more;
	struct history_telling *history;
	json *stale; /* NULL: it is current */
};

static void finish(struct telling *t)
{
	history_telling_free(t->history);
	loop_defer_free(t->more);
	json_free(t->stale);
	api_request_done(t->req);
	free(t);
}

static void on_cancelled(void *arg)
{
	finish(arg);
}

/* One frame, of what a slice gives. */
static void on_more(void *arg)
{
	struct telling *t = arg;
	usec_t until = loop_now(t->loop) + SLICE;
	json *frame, *list, *entry;
	unsigned n = 0;
	int rc;

	if (api_request_congested(t->req))
		return;
	loop_doing(t->loop, "history");
	frame = json_new_object();
	list = json_set(frame, "history", json_new_array());
	do {
		rc = history_telling_next(t->history, &entry);
		if (rc == 1) {
			json_add(list, entry);
			n++;
		}
	} while (rc != 0 && n < FRAME_ENTRIES && loop_now(t->loop) < until);
	if (rc != 0)
		json_set_bool(frame, "more", true);
	else if (t->stale)
		json_set(frame, "stale", TAKE(t->stale));
	if (rc != 0 && n == 0)
		json_free(frame);
	else
		api_request_reply(t->req, frame);
	if (rc != 0)
		loop_defer_schedule(t->more);
	else
		finish(t);
}

static void on_drained(void *arg)
{
	struct telling *t = arg;

	loop_defer_schedule(t->more);
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
	t->loop = agent->loop;
	t->req = req;
	t->more = loop_patient_new(agent->loop, on_more, t);
	t->history = history_telling_new(agent->history, (size_t)max);
	t->stale = stale(agent);
	api_request_watch(req, &hooks, t);
	loop_defer_schedule(t->more);
}
