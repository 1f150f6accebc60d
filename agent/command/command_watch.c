/*
 * watch: the stream of app/events.h, over the socket.
 *
 *     {"operation":"watch"}                                  how things are, then what happens
 *     {"operation":"watch","since":R}                        what happened behind that revision, then …
 *     {"operation":"watch","since":R,"run":RUN,"seq":N}      … behind that event, where it is known
 *     {"event":"waiting","reason":…}                         nothing is known yet
 *     {"event":"resync","reason":…}                          how things are follows: some was missed
 *     {"event":"leader"|"quorum"|"member"|"manager",…}
 *     {"event":"ready","revision":R,"run":RUN,"seq":N,…}     from here on, as it happens
 *     {"event":"end","reason":…}                             the last
 *
 * The happy path: a watcher has the number of the event that it sent last, and sends those behind it for
 * as long as its client reads. Nothing is kept for it: a client that is so slow that the window runs
 * over it is told so, and begins with a picture again.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/events.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/commands.h"
#include "io/loop.h"
#include "member/member.h"

#define SLICE	     (4 * USEC_PER_MSEC)
#define WATCHERS_MAX 64
/* Of those, members of the read group get: whoever they are, root's programs have room. */
#define READERS_MAX (WATCHERS_MAX / 2)

struct watcher {
	struct command *cmd;
	struct events_listener listener;
	struct loop_defer *more;
	struct events_picture *picture; /* that is being sent; NULL: the window is */
	size_t at;			/* in it */
	uint64_t seq;			/* of the last event sent */
	uint64_t ready_at;		/* what is behind it is live */
	bool begun, ready;

	bool has_since;
	int64_t since;
	char *run; /* NULL: not given */
	uint64_t since_seq;
};

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	events_unlisten(&w->listener);
	events_picture_put(w->picture);
	loop_defer_free(w->more);
	free(w->run);
	free(w);
}

static json *frame_new(const char *event, const char *reason)
{
	json *frame = json_new_object();

	json_set_str(frame, "event", event);
	if (reason)
		json_set_str(frame, "reason", reason);
	return frame;
}

static void send(struct watcher *w, json *frame)
{
	api_request_reply(w->cmd->req, frame);
}

void watcher_end(struct command *cmd, const char *reason)
{
	command_reply(cmd, frame_new("end", reason));
}

/* ---- what is sent ---- */

static void begin_picture(struct watcher *w, const char *why)
{
	struct events *events = w->cmd->agent->events;

	if (why)
		send(w, frame_new("resync", why));
	w->picture = events_picture_get(events);
	w->at = 0;
	w->seq = w->ready_at = events_picture_seq(w->picture);
	w->ready = false;
}

/* Who tells of an event that can't be found may have been interrupted amid those of its revision: better
 * twice than never. */
static int64_t known_through(const struct watcher *w)
{
	return w->run && w->since > 0 ? w->since - 1 : w->since;
}

static void begin(struct watcher *w)
{
	struct events *events = w->cmd->agent->events;

	w->begun = true;
	if (!w->has_since) {
		begin_picture(w, NULL);
		return;
	}
	w->ready_at = events_seq(events);
	if (w->run && text_eq(w->run, events_run(events)) &&
		(w->since_seq == w->ready_at || events_find(events, w->since_seq + 1)))
		w->seq = w->since_seq;
	else if (!events_after(events, known_through(w), &w->seq))
		begin_picture(w, "what happened since that revision is not known here (any more)");
}

static void send_ready(struct watcher *w)
{
	const struct events *events = w->cmd->agent->events;
	json *frame = frame_new("ready", NULL);

	json_set_i64(frame, "revision", events_revision(events));
	json_set_str(frame, "run", events_run(events));
	json_set_u64(frame, "seq", w->seq);
	json_set_str(frame, "leader", events_leader(events));
	json_set_bool(frame, "quorum", events_quorum(events));
	send(w, frame);
	w->ready = true;
}

/* False: there is nothing to send now. */
static bool send_one(struct watcher *w)
{
	struct events *events = w->cmd->agent->events;
	const struct event *event;

	if (w->picture) {
		event = events_picture_at(w->picture, w->at++);
		if (event)
			send(w, event_tell(event));
		else
			events_picture_put(TAKE(w->picture));
		return true;
	}
	if (!w->ready && w->seq >= w->ready_at) {
		send_ready(w);
		return true;
	}
	if (w->seq == events_seq(events))
		return false;
	event = events_find(events, w->seq + 1);
	if (event) {
		send(w, event_tell(event));
		w->seq++;
	} else {
		begin_picture(w, "more has happened than is kept for one who reads slowly");
	}
	return true;
}

static void on_more(void *arg)
{
	struct watcher *w = arg;
	struct loop *loop = w->cmd->agent->loop;
	usec_t until = loop_now(loop) + SLICE;

	loop_doing(loop, "watch");
	if (!events_run(w->cmd->agent->events))
		return;
	if (!w->begun)
		begin(w);
	while (!api_request_congested(w->cmd->req)) {
		if (!send_one(w))
			return;
		if (loop_now(loop) >= until) {
			loop_defer_schedule(w->more);
			return;
		}
	}
}

/* ---- what it hears ---- */

static void on_event(const struct event *event, void *arg)
{
	struct watcher *w = arg;

	(void)event;
	loop_defer_schedule(w->more);
}

static void on_begun(void *arg)
{
	struct watcher *w = arg;

	loop_defer_schedule(w->more);
}

static void on_ended(void *arg)
{
	struct watcher *w = arg;

	watcher_end(w->cmd, "the membership has changed meanwhile");
}

static void on_drained(void *arg)
{
	struct watcher *w = arg;

	loop_defer_schedule(w->more);
}

static void on_cancelled(void *arg)
{
	struct watcher *w = arg;

	command_fail(w->cmd, "interrupted");
}

/* ---- the command ---- */

static int parse(struct watcher *w, const json *message, struct err *err)
{
	const char *run;
	int rc = json_i64(message, "since", &w->since, err);

	w->has_since = rc == 0;
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (w->since < 0)
		return err_set(err, -ERANGE, "'since': a revision is not negative");
	rc = json_str_or(message, "run", NULL, &run, err);
	if (rc == 0)
		rc = json_u64_or(message, "seq", 0, &w->since_seq, err);
	if (rc == 0)
		w->run = xstrdup_null(run);
	return rc;
}

static void tell_waiting(struct watcher *w)
{
	const char *trouble = member_trouble(w->cmd->agent->member);

	send(w, frame_new("waiting", trouble ? trouble : "what is in etcd is still being read"));
}

static bool too_many(const struct commands *c, enum api_access access)
{
	if (access == API_READ && commands_watchers(c, API_READ) >= READERS_MAX)
		return true;
	return commands_watchers(c, API_READ) + commands_watchers(c, API_FULL) >= WATCHERS_MAX;
}

void command_watch(struct commands *c, struct api_request *req, const json *message)
{
	static const struct api_request_hooks hooks = {
		.cancelled = on_cancelled, .drained = on_drained};
	struct agent *agent = commands_agent(c);
	struct watcher *w;
	struct err err = {""};

	if (!command_needs_member(c, req))
		return;
	if (agent->stopping) {
		api_request_reply(req, frame_new("end", "collectived is stopping"));
		api_request_done(req);
		return;
	}
	if (too_many(c, api_request_peer(req)->access)) {
		api_request_error(req, 500,
			"too many others are watching (64; 32 who may only read): end one");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->listener = (struct events_listener){
		.fn = on_event, .begun = on_begun, .ended = on_ended, .arg = w};
	list_init(&w->listener.link);
	if (parse(w, message, &err) < 0) {
		api_request_error(req, 400, err.text);
		watcher_free(w);
		return;
	}
	w->cmd = command_new(c, req);
	w->cmd->watch = w;
	w->more = loop_patient_new(agent->loop, on_more, w);
	api_request_watch(req, &hooks, w);
	events_listen(agent->events, &w->listener);
	if (!events_run(agent->events))
		tell_waiting(w);
	loop_defer_schedule(w->more);
}
