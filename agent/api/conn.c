/*
 * A connection: bytes become frames, frames become requests, one at a time.
 *
 * The happy path: greet; `readable` moves what came into `in`, stops reading and wakes the pump; the
 * pump takes frames from `in` while no request is under way and the client reads its answers, and lets
 * reading go on; a request that ends wakes the pump again. So requests are answered in order however
 * many were sent ahead. Pumps wait for each other's turn (loop_patient_new()): all clients together
 * can't keep the loop from its leases.
 *
 * Everything that can go wrong ends here: bytes that are no frame or no JSON, and answers that can't
 * be sent, drop the connection without a word (as upstream does); a message that is no request, or
 * one that the peer may not make, is answered with the reason. A connection is only ever dropped
 * from the loop, never from inside a call of a handler. A client that sends ahead more than
 * BACKLOG is not read from until its requests are served; then its going away is noticed late.
 */
#include "config.h"
#include "api/conn.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"

#define RECEIVE_MAX ((size_t)64 << 10)
#define BACKLOG	    ((size_t)64 << 10)
#define SEND_MAX    (FRAME_HEADER + (size_t)FRAME_BODY_MAX + 2 * API_CONGESTED)
/* Frames handled in one wake-up, and for how long. */
#define FRAMES_MAX 10
#define SLICE	   (5 * USEC_PER_MSEC)
/* What a peer without access may still say, passwords included, before it is dropped. */
#define TRIES_MAX 3
#define GRACE	  (5 * USEC_PER_SEC)

/* The longest request, by access. To parse the longest takes longer than a stranger may keep the loop
 * from its leases, however often he comes; he is only told that he may not. */
static const size_t request_max[] = {
	[API_NONE] = (size_t)4 << 10,
	[API_READ] = (size_t)64 << 10,
	[API_FULL] = FRAME_REQUEST_MAX,
};

#define REFUSAL "collective management commands may only be used by root"

static void drop_later(struct api_conn *conn, const char *why)
{
	if (!conn->broken)
		log_debug("api", "%s dropped: %s", stream_peer(conn->stream), why);
	conn->broken = true;
	loop_defer_schedule(conn->pump);
}

static void finish(struct api_conn *conn)
{
	conn->closing = true;
	stream_finish(conn->stream, GRACE);
}

static void send_frame(struct api_conn *conn, struct buf *b, int rc)
{
	if (rc == 0)
		rc = stream_send(conn->stream, b->data, b->len);
	if (rc < 0)
		drop_later(conn,
			rc == -EMSGSIZE || rc == -ENOBUFS ? "answer too large" : "cannot send");
	buf_wipe(b);
}

void conn_send(struct api_conn *conn, json *value)
{
	struct buf b = BUF_INIT(FRAME_HEADER + (size_t)FRAME_BODY_MAX);

	if (!conn->broken && !conn->closing)
		send_frame(conn, &b, frame_put_json(&b, value));
	json_wipe(value);
}

static void greet(struct api_conn *conn)
{
	struct buf b = BUF_INIT(64);
	int rc = frame_put(&b, FRAME_TEXT, ENVELOPE_BANNER, strlen(ENVELOPE_BANNER));

	send_frame(conn, &b, rc);
	conn_send(conn, envelope_new_authpassed(conn->peer.access != API_NONE));
}

static void bad_request(struct api_conn *conn, const char *why)
{
	struct err text;

	err_set(&text, 0, "%s%s%s", "Bad Request", why ? " - " : "", why ? why : "");
	conn_send(conn, envelope_new_error(400, text.text));
	conn_send(conn, envelope_new_done());
}

/* Whatever a peer without access says: refused in the form that it expects, a few times. */
static void turn_away(struct api_conn *conn, const struct envelope *e)
{
	if (e->kind == ENVELOPE_COLLECTIVE) {
		conn_send(conn, envelope_new_collective_error(REFUSAL));
		finish(conn);
		return;
	}
	if (e->kind == ENVELOPE_LOGIN) {
		conn_send(conn, envelope_new_authpassed(false));
	} else {
		conn_send(conn, envelope_new_error(403, "Forbidden"));
		conn_send(conn, envelope_new_done());
	}
	if (--conn->tries == 0)
		finish(conn);
}

static bool may(const struct api_conn *conn, const struct envelope *e)
{
	const struct api_handlers *handlers = &conn->server->handlers;

	if (conn->peer.access == API_READ && e->kind == ENVELOPE_COLLECTIVE)
		return handlers->readable ? handlers->readable(e->operation)
					  : text_eq(e->operation, "show");
	if (conn->peer.access == API_READ)
		return text_eq(e->operation, "retrieve");
	return conn->peer.access == API_FULL;
}

static void collective(struct api_conn *conn, const struct envelope *e)
{
	struct api_server *server = conn->server;

	if (!may(conn, e))
		api_request_error(conn->current, 403, REFUSAL);
	else if (!server->handlers.collective)
		api_request_error(conn->current, 400, "Collective mode not enabled on this system");
	else
		server->handlers.collective(conn->current, e->operation, e->body, server->arg);
}

static void resource(struct api_conn *conn, const struct envelope *e)
{
	struct api_server *server = conn->server;

	if (*e->path != '/')
		api_request_error(conn->current, 400, "Bad Request - the path must begin with /");
	else if (!may(conn, e))
		api_request_error(conn->current, 403, "Forbidden");
	else if (server->draining)
		api_request_error(conn->current, 500, "collectived is stopping");
	else if (resource_serve(conn->current, e->operation, e->path))
		return;
	else if (!server->handlers.resource)
		api_request_error(conn->current, 404, "Target not found");
	else
		server->handlers.resource(
			conn->current, e->operation, e->path, e->body, server->arg);
}

/* Takes the message, to the request or to its end. */
static void handle_message(struct api_conn *conn, json *message)
{
	struct envelope e;
	struct err err = {""};
	int rc = envelope_parse(message, &e, &err);

	if (rc == 0 && conn->peer.access == API_NONE) {
		turn_away(conn, &e);
	} else if (rc == 0 && e.kind == ENVELOPE_COLLECTIVE) {
		request_new(conn, &e, TAKE(message));
		collective(conn, &e);
	} else if (rc == 0 && e.kind == ENVELOPE_REQUEST) {
		request_new(conn, &e, TAKE(message));
		resource(conn, &e);
	} else {
		bad_request(conn, rc < 0 ? err.text : "already authenticated");
		if (conn->peer.access == API_NONE && --conn->tries == 0)
			finish(conn);
	}
	json_wipe(message);
}

static void handle_frame(struct api_conn *conn, struct frame *frame)
{
	struct err err = {""};
	json *message = NULL;

	/* The descriptor that comes with such a frame was never taken from the kernel. */
	if (frame->type == FRAME_FD)
		return;
	conn->messages++;
	if (frame->type == FRAME_TEXT) {
		bad_request(conn, NULL);
		return;
	}
	if (json_parse(frame->body, frame->len, &message, &err) < 0) {
		drop_later(conn, err.text);
		return;
	}
	handle_message(conn, message);
}

static bool ready(const struct api_conn *conn)
{
	return !conn->current && !conn->broken && !conn->closing &&
	       stream_queued(conn->stream) <= API_CONGESTED;
}

/* True when it stopped before it ran out of frames. */
static bool pump_frames(struct api_conn *conn)
{
	usec_t until = loop_now(conn->server->loop) + SLICE;
	struct frame frame;
	struct err err = {""};

	for (int i = 0; i < FRAMES_MAX && ready(conn); i++) {
		int rc;

		if (i && loop_now(conn->server->loop) > until)
			break;
		rc = frame_get(&conn->in, request_max[conn->peer.access], &frame, &err);
		if (rc == 0)
			return false;
		if (rc == -ESHUTDOWN) {
			finish(conn);
			return false;
		}
		if (rc < 0) {
			drop_later(conn, err.text);
			return false;
		}
		handle_frame(conn, &frame);
		/* It may have held an invitation. */
		mem_wipe(conn->in.data + FRAME_HEADER, frame.len);
		frame_drop(&conn->in, &frame);
	}
	if (ready(conn))
		loop_defer_schedule(conn->pump);
	return true;
}

static void on_pump(void *arg)
{
	struct api_conn *conn = arg;
	bool behind = pump_frames(conn);

	if (conn->broken) {
		conn_free(conn);
		return;
	}
	stream_pause(conn->stream, behind && !conn->closing && conn->in.len > BACKLOG);
}

static void on_readable(struct buf *received, void *arg)
{
	struct api_conn *conn = arg;
	int rc = 0;

	if (!conn->closing && !conn->broken)
		rc = buf_add(&conn->in, received->data, received->len);
	buf_consume(received, received->len);
	if (rc < 0)
		drop_later(conn, "too much sent ahead");
	stream_pause(conn->stream, true);
	loop_defer_schedule(conn->pump);
}

static void on_drained(void *arg)
{
	struct api_conn *conn = arg;

	if (conn->current)
		request_drained(conn->current);
	loop_defer_schedule(conn->pump);
}

static void on_closed(int rc, const char *why, void *arg)
{
	struct api_conn *conn = arg;

	if (rc < 0)
		log_debug("api", "%s closed: %s", stream_peer(conn->stream), why);
	conn_free(conn);
}

int conn_new(struct api_server *server, int fd, const struct api_peer *peer, struct err *err)
{
	static const struct stream_limits limits = {.receive = RECEIVE_MAX, .send = SEND_MAX};
	static const struct stream_ops ops = {
		.readable = on_readable,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct api_conn *conn = xcalloc(1, sizeof(*conn));
	int rc;

	conn->server = server;
	conn->peer = *peer;
	conn->tries = TRIES_MAX;
	/* A whole request, and what one wake-up may bring beyond the backlog. */
	buf_init(&conn->in, FRAME_HEADER + FRAME_REQUEST_MAX + BACKLOG + 2 * RECEIVE_MAX);
	rc = stream_new(&conn->stream, server->loop, fd, NULL, &limits, &ops, conn, err);
	if (rc < 0) {
		free(conn);
		return rc;
	}
	conn->pump = loop_patient_new(server->loop, on_pump, conn);
	list_add_tail(&server->conns, &conn->link);
	server->held[peer->access]++;
	server->counters.connections++;
	greet(conn);
	return 0;
}

void conn_free(struct api_conn *conn)
{
	struct api_request *current = TAKE(conn->current);

	list_del(&conn->link);
	conn->server->held[conn->peer.access]--;
	conn->server->counters.connections--;
	loop_defer_free(conn->pump);
	stream_free(conn->stream);
	buf_wipe(&conn->in);
	free(conn);
	if (current)
		request_cancel(current);
}

void conn_request_ended(struct api_conn *conn, bool last)
{
	conn->current = NULL;
	if (last && !conn->broken)
		finish(conn);
	loop_defer_schedule(conn->pump);
}
