/*
 * One POST whose answer never ends: pieces go through the splitter (frames.h), the codec, and the
 * batch that holds half revisions back, to the owner. The one exit is end(), which tells the owner
 * and marks the endpoint, so that the next attempt goes elsewhere.
 *
 * The owner may free the watch in any of its callbacks: it is then released when the last of them
 * has returned (`busy`).
 */
#include "config.h"
#include "etcd/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "etcd/batch.h"
#include "etcd/client_private.h"
#include "etcd/frames.h"
#include "io/loop.h"

#define CREATED_TIMEOUT (3 * USEC_PER_SEC)
/* etcd cuts at 2 MiB; names and base64 make three times that of small events. */
#define MESSAGE_MAX ((size_t)16 << 20)
#define PIECE_MAX   ((size_t)512 << 10)
/* Of a body that is no stream: enough to tell what it says. */
#define HEAD_MAX 4096
#define TEXT_MAX 1024

struct expectation {
	int64_t revision; /* 0: none */
	usec_t within;
	usec_t until;
};

struct etcd_watch {
	struct etcd *etcd;
	char *prefix;
	int64_t start;
	struct etcd_watch_ops ops;
	void *arg;

	struct endpoint *endpoint;
	struct etcd_waiter waiter;
	bool waiting;
	struct http_request *request;
	struct loop_defer *defer;
	struct loop_defer *go_on;    /* after it was held */
	struct loop_defer *deserted; /* the endpoint has failed in other calls */
	struct etcd_listener listener;
	struct loop_timer *timer;
	usec_t created_by;
	struct etcd_frames frames;
	struct etcd_batch batch;
	struct buf head; /* the body's beginning, until `created` */
	bool garbled;	 /* it is no stream: its status will tell what it is */
	bool created;
	bool held; /* counts once it is created */
	bool ended;
	bool freed;
	unsigned busy;
	struct expectation first, last; /* the oldest not met, and the newest */
};

static void release(struct etcd_watch *watch)
{
	etcd_frames_done(&watch->frames);
	etcd_batch_done(&watch->batch);
	buf_done(&watch->head);
	loop_defer_free(watch->defer);
	loop_defer_free(watch->go_on);
	loop_defer_free(watch->deserted);
	loop_timer_free(watch->timer);
	free(watch->prefix);
	free(watch);
}

static void enter(struct etcd_watch *watch)
{
	watch->busy++;
}

static void leave(struct etcd_watch *watch)
{
	watch->busy--;
	if (watch->freed && !watch->busy)
		release(watch);
}

static void stop(struct etcd_watch *watch)
{
	watch->ended = true;
	list_del(&watch->listener.link);
	if (watch->waiting)
		etcd_session_leave(&watch->waiter);
	watch->waiting = false;
	if (watch->request)
		http_cancel(watch->request);
	watch->request = NULL;
	loop_timer_at(watch->timer, USEC_NEVER);
}

void etcd_watch_free(struct etcd_watch *watch)
{
	if (!watch || watch->freed)
		return;
	stop(watch);
	watch->freed = true;
	if (!watch->busy)
		release(watch);
}

static void end(struct etcd_watch *watch, enum etcd_watch_end why, const struct etcd_error *error)
{
	char text[TEXT_MAX];
	bool named = watch->endpoint && !strstr(error->text, watch->endpoint->url);

	if (watch->ended)
		return;
	snprintf(text, sizeof(text), "%s%swatch: %s", named ? watch->endpoint->url : "",
		named ? ": " : "", error->text);
	stop(watch);
	if (watch->endpoint && error->kind == ETCD_ERROR_TOKEN)
		etcd_session_token_refused(watch->endpoint);
	else if (watch->endpoint && (why == ETCD_WATCH_FAILED || why == ETCD_WATCH_SILENT))
		etcd_endpoint_failed(watch->endpoint, error);
	watch->ops.ended(why, text, watch->arg);
}

static enum etcd_watch_end end_of(enum etcd_error_kind kind)
{
	switch (kind) {
	case ETCD_ERROR_COMPACTED:
		return ETCD_WATCH_COMPACTED;
	case ETCD_ERROR_PERMISSION:
	case ETCD_ERROR_LOGIN:
	case ETCD_ERROR_CERTIFICATE_NAME:
	case ETCD_ERROR_FOREIGN:
	case ETCD_ERROR_REFUSED:
		return ETCD_WATCH_REFUSED;
	default:
		return ETCD_WATCH_FAILED;
	}
}

static void end_with(struct etcd_watch *watch, const struct etcd_error *error)
{
	end(watch, end_of(error->kind), error);
}

static void end_transport(struct etcd_watch *watch, enum etcd_watch_end why, const char *text)
{
	struct etcd_error error;

	etcd_error_set(&error, ETCD_ERROR_TRANSPORT, "%s", text);
	end(watch, why, &error);
}

/* ---- time ---- */

static void arm(struct etcd_watch *watch)
{
	usec_t at = watch->first.revision ? watch->first.until : USEC_NEVER;

	if (!watch->created && watch->request)
		at = usec_min(at, watch->created_by);
	loop_timer_at(watch->timer, at);
}

static void on_timer(void *arg)
{
	struct etcd_watch *watch = arg;
	char text[128];

	enter(watch);
	if (!watch->created && watch->request) {
		end_transport(watch, ETCD_WATCH_FAILED, "not created in time");
	} else {
		snprintf(text, sizeof(text),
			"silent, though there was a change at revision %" PRId64 " or later",
			watch->first.revision);
		end_transport(watch, ETCD_WATCH_SILENT, text);
	}
	leave(watch);
}

void etcd_watch_expect(struct etcd_watch *watch, int64_t revision, usec_t within)
{
	const struct expectation expectation = {.revision = revision,
		.within = within,
		.until = usec_add(loop_now(watch->etcd->loop), within)};

	if (watch->ended || revision <= watch->batch.applied)
		return;
	/* who waits for a later one waits for this one, too */
	if (watch->first.revision && revision <= watch->last.revision)
		return;
	if (!watch->first.revision)
		watch->first = expectation;
	watch->last = expectation;
	arm(watch);
}

static void meet_expectations(struct etcd_watch *watch)
{
	if (!watch->first.revision || watch->first.revision > watch->batch.applied)
		return;
	watch->first = (struct expectation){0};
	if (watch->last.revision > watch->batch.applied)
		watch->first = watch->last;
	arm(watch);
}

/* What is on its way in pieces is no silence: there may be much before it, and the way narrow. What
 * is expected later has its time from here on, too. */
static void put_off_expectations(struct etcd_watch *watch)
{
	usec_t now = loop_now(watch->etcd->loop);

	if (!watch->first.revision)
		return;
	watch->first.until = usec_add(now, watch->first.within);
	watch->last.until = usec_add(now, watch->last.within);
	arm(watch);
}

void etcd_watch_skip(struct etcd_watch *watch, int64_t revision)
{
	if (watch->ended)
		return;
	watch->batch.applied = MAX(watch->batch.applied, revision);
	meet_expectations(watch);
}

/* ---- an endpoint that is of no use any more ---- */

/* A process that is stopped, or a machine that hangs, keeps its connections: the stream is silent,
 * and so it would be for as long as the silence is taken for peace. Calls find out within a second,
 * so the watch leaves with them. */
static void on_deserted(void *arg)
{
	struct etcd_watch *watch = arg;
	struct etcd_error error;

	if (watch->ended || !watch->request)
		return;
	etcd_error_set(&error, ETCD_ERROR_TRANSPORT, "given up, the endpoint has failed: %s",
		watch->endpoint->error.text);
	enter(watch);
	end_with(watch, &error);
	leave(watch);
}

static void on_notice(enum etcd_notice_kind kind, const struct endpoint *endpoint, void *arg)
{
	struct etcd_watch *watch = arg;

	if (kind == ETCD_NOTICE_BAD && endpoint == watch->endpoint)
		loop_defer_schedule(watch->deserted);
}

/* ---- the stream ---- */

static void on_event(const struct etcd_event *event, void *arg)
{
	struct etcd_watch *watch = arg;

	if (!watch->ended)
		watch->ops.event(event, watch->arg);
}

static void take_events(struct etcd_watch *watch, struct etcd_watch_message *message, size_t len)
{
	int64_t before = watch->batch.applied;
	struct err err = {""};
	int rc = etcd_batch_take(&watch->batch, message, len, on_event, watch, &err);

	if (!watch->ended)
		put_off_expectations(watch);
	if (!watch->ended && watch->batch.applied > before) {
		meet_expectations(watch);
		watch->ops.batch(watch->batch.applied, watch->arg);
	}
	if (!watch->ended && rc < 0)
		end_transport(watch, rc == -EMSGSIZE ? ETCD_WATCH_COMPACTED : ETCD_WATCH_FAILED,
			err.text);
}

/* What comes waits at the server, or nearly. */
static void hold(struct etcd_watch *watch)
{
	if (watch->request && watch->created)
		http_hold(watch->request, watch->held);
}

static void take_created(struct etcd_watch *watch, const struct etcd_header *header)
{
	watch->created = true;
	hold(watch);
	buf_done(&watch->head);
	arm(watch);
	etcd_endpoint_worked(watch->endpoint, header);
	watch->ops.created(header->revision, watch->arg);
}

static void take_canceled(struct etcd_watch *watch, const struct etcd_watch_message *message)
{
	struct etcd_error error = message->error;

	if (message->compact_revision)
		etcd_error_set(&error, ETCD_ERROR_COMPACTED,
			"revision %" PRId64 " is no more (compacted up to %" PRId64 ")",
			watch->start, message->compact_revision);
	else if (!message->failed)
		etcd_error_set(&error, ETCD_ERROR_UNAVAILABLE, "canceled by etcd");
	end_with(watch, &error);
}

static void take_message(struct etcd_watch *watch, struct etcd_watch_message *message, size_t len)
{
	struct etcd_error error;

	if (message->failed && !message->canceled) {
		end_with(watch, &message->error);
	} else if (!etcd_endpoint_judge(watch->endpoint, &message->header, -1, &error)) {
		end_with(watch, &error);
	} else if (message->canceled) {
		take_canceled(watch, message);
	} else if (message->n_events) {
		take_events(watch, message, len);
	} else if (message->created) {
		take_created(watch, &message->header);
	} else if (watch->ops.progress) {
		watch->ops.progress(message->header.revision, watch->arg);
	}
}

/* Before `created` this may be an answer of another kind, which the status will explain. */
static void not_understood(struct etcd_watch *watch, int rc, const char *text)
{
	if (!watch->created)
		watch->garbled = true;
	else
		end_transport(
			watch, rc == -EMSGSIZE ? ETCD_WATCH_COMPACTED : ETCD_WATCH_FAILED, text);
}

static bool may_take(const struct etcd_watch *watch)
{
	return !watch->ended && !watch->garbled && !(watch->held && watch->created);
}

static void take_messages(struct etcd_watch *watch, int rc, struct err *err)
{
	const char *line;
	size_t len;

	while (rc == 0 && may_take(watch)) {
		struct etcd_watch_message message = {.n_events = 0};

		rc = etcd_frames_next(&watch->frames, &line, &len, err);
		if (rc == 0)
			break;
		if (rc > 0)
			rc = etcd_decode_watch(&message, line, len, err);
		if (rc == 0)
			take_message(watch, &message, len);
		etcd_watch_message_done(&message);
	}
	if (rc < 0 && !watch->ended)
		not_understood(watch, rc, err->text);
}

static int on_data(const char *data, size_t len, void *arg)
{
	struct etcd_watch *watch = arg;
	struct err err = {""};

	if (!watch->created &&
		buf_add(&watch->head, data, MIN(len, HEAD_MAX - watch->head.len)) < 0)
		return -EMSGSIZE;
	if (watch->garbled)
		return 0;
	loop_doing(watch->etcd->loop, "etcd watch");
	enter(watch);
	take_messages(watch, etcd_frames_add(&watch->frames, data, len, &err), &err);
	if (!watch->ended && etcd_frames_rest(&watch->frames))
		put_off_expectations(watch);
	leave(watch);
	return 0;
}

/* What had come before the stream was held. */
static void on_go_on(void *arg)
{
	struct etcd_watch *watch = arg;
	struct err err = {""};

	enter(watch);
	take_messages(watch, 0, &err);
	if (!watch->ended)
		hold(watch);
	leave(watch);
}

void etcd_watch_hold(struct etcd_watch *watch, bool how)
{
	if (watch->ended || watch->held == how)
		return;
	watch->held = how;
	if (how)
		hold(watch);
	else
		loop_defer_schedule(watch->go_on);
}

static void on_done(const struct http_response *response, void *arg)
{
	struct etcd_watch *watch = arg;
	const struct http_response whole = {
		.rc = response->rc,
		.why = response->why,
		.status = response->status,
		.body = buf_cstr(&watch->head),
		.len = watch->head.len,
	};
	struct etcd_error error;

	watch->request = NULL;
	enter(watch);
	if (!etcd_http_failed(&whole, &error))
		etcd_error_set(&error, ETCD_ERROR_TRANSPORT,
			watch->garbled ? "the answer is no stream of JSON objects"
				       : "etcd closed the stream");
	if (response->rc < 0)
		etcd_session_broken(watch->endpoint);
	end_with(watch, &error);
	leave(watch);
}

/* ---- the beginning ---- */

static void open_stream(struct etcd_watch *watch)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(ETCD_SMALL_ANSWER);
	size_t end_len;
	CLEANUP(freep)
	char *last = etcd_prefix_end(watch->prefix, strlen(watch->prefix), &end_len);
	int rc = etcd_encode_watch(
		&body, watch->prefix, strlen(watch->prefix), last, end_len, watch->start);
	struct etcd_http what = {
		.path = "/watch",
		.body = body.data,
		.body_len = body.len,
		.max_body = PIECE_MAX,
		.lane = "watch",
		.on_data = on_data,
		.on_done = on_done,
		.arg = watch,
	};
	struct err err = {""};

	if (rc == 0)
		rc = etcd_http_send(&watch->request, watch->endpoint, &what, &err);
	if (rc < 0) {
		watch->request = NULL;
		end_transport(watch, ETCD_WATCH_FAILED, *err.text ? err.text : strerror(-rc));
		return;
	}
	watch->created_by = usec_add(loop_now(watch->etcd->loop), CREATED_TIMEOUT);
	arm(watch);
}

static void on_ready(int rc, void *arg)
{
	struct etcd_watch *watch = arg;

	watch->waiting = false;
	enter(watch);
	if (rc == 0) {
		open_stream(watch);
	} else {
		/* the endpoint was marked by who made it ready */
		struct etcd_error error = watch->endpoint->error;

		watch->endpoint = NULL;
		end_with(watch, &error);
	}
	leave(watch);
}

static void on_start(void *arg)
{
	struct etcd_watch *watch = arg;

	enter(watch);
	watch->endpoint = etcd_pick(watch->etcd, 0);
	if (!watch->endpoint) {
		watch->endpoint = &watch->etcd->endpoints[0];
		end_with(watch, &watch->endpoint->error);
	} else {
		watch->waiting = true;
		etcd_session_wait(watch->endpoint, &watch->waiter);
	}
	leave(watch);
}

struct etcd_watch *etcd_watch_new(struct etcd *etcd, const char *prefix, int64_t start_revision,
	const struct etcd_watch_ops *ops, void *arg)
{
	struct etcd_watch *watch = xcalloc(1, sizeof(*watch));

	watch->etcd = etcd;
	watch->prefix = xstrdup(prefix);
	watch->start = start_revision;
	watch->ops = *ops;
	watch->arg = arg;
	watch->waiter = (struct etcd_waiter){.ready = on_ready, .arg = watch};
	watch->timer = loop_timer_new(etcd->loop, "etcd watch", on_timer, watch);
	watch->defer = loop_defer_new(etcd->loop, on_start, watch);
	watch->go_on = loop_defer_new(etcd->loop, on_go_on, watch);
	watch->deserted = loop_defer_new(etcd->loop, on_deserted, watch);
	watch->listener = (struct etcd_listener){.fn = on_notice, .arg = watch};
	list_add_tail(&etcd->listeners, &watch->listener.link);
	etcd_frames_init(&watch->frames, MESSAGE_MAX);
	etcd_batch_init(&watch->batch, start_revision - 1);
	buf_init(&watch->head, HEAD_MAX);
	loop_defer_schedule(watch->defer);
	return watch;
}

const char *etcd_watch_endpoint(const struct etcd_watch *watch)
{
	return watch->endpoint ? watch->endpoint->url : "";
}
