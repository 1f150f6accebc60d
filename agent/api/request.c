/*
 * A request as its handler sees it: it belongs to the handler until it is ended.
 *
 * It knows its connection while there is one; without one (the client went away) answers are
 * dropped, and the request counts against the ceiling of connections until its handler ends it.
 */
#include "config.h"
#include "api/conn.h"

#include "base/mem.h"

void request_new(struct api_conn *conn, const struct envelope *e, json *message)
{
	struct api_request *req = xcalloc(1, sizeof(*req));

	list_init(&req->link);
	req->server = conn->server;
	req->conn = conn;
	req->peer = conn->peer;
	req->kind = e->kind;
	/* As upstream: a connection that begins with a collective message ends with its answer. */
	req->last = e->kind == ENVELOPE_COLLECTIVE && conn->messages == 1;
	req->message = message;
	conn->current = req;
	conn->server->counters.requests++;
}

void request_cancel(struct api_request *req)
{
	req->conn = NULL;
	req->server->counters.cancelled++;
	req->server->held[req->peer.access]++;
	list_add_tail(&req->server->abandoned, &req->link);
	if (req->hooks.cancelled)
		req->hooks.cancelled(req->hooks_arg);
}

void request_drained(struct api_request *req)
{
	if (req->hooks.drained)
		req->hooks.drained(req->hooks_arg);
}

const struct api_peer *api_request_peer(const struct api_request *req)
{
	return &req->peer;
}

static void say_always(const struct api_server *server, json *value)
{
	if (server && server->handlers.answering)
		server->handlers.answering(value, server->arg);
}

/* {"collective":value}; takes it. */
static json *of_collective(struct api_request *req, json *value)
{
	if (!req->answered)
		say_always(req->server, value);
	req->answered = true;
	return envelope_new_collective(value);
}

void api_request_reply(struct api_request *req, json *value)
{
	if (req->kind == ENVELOPE_COLLECTIVE)
		value = of_collective(req, value);
	if (req->conn)
		conn_send(req->conn, value);
	else
		json_wipe(value);
}

void api_request_error(struct api_request *req, int code, const char *text)
{
	json *value;

	if (req->kind == ENVELOPE_COLLECTIVE) {
		value = json_new_object();
		json_set_str(value, "error", text);
		value = of_collective(req, value);
	} else {
		value = envelope_new_error(code, text);
	}
	if (req->conn)
		conn_send(req->conn, value);
	else
		json_free(value);
	api_request_done(req);
}

void api_request_done(struct api_request *req)
{
	struct api_conn *conn = req->conn;
	json *done;

	if (conn && !req->last) {
		done = envelope_new_done();
		if (req->stale)
			json_set(done, "stale", TAKE(req->stale));
		if (req->kind != ENVELOPE_COLLECTIVE)
			say_always(req->server, done);
		conn_send(conn, done);
	}
	if (conn)
		conn_request_ended(conn, req->last);
	else if (req->server)
		req->server->held[req->peer.access]--;
	list_del(&req->link);
	json_free(req->stale);
	json_wipe(req->message);
	free(req);
}

void api_request_watch(struct api_request *req, const struct api_request_hooks *hooks, void *arg)
{
	req->hooks = *hooks;
	req->hooks_arg = arg;
}

bool api_request_congested(const struct api_request *req)
{
	return req->conn && stream_queued(req->conn->stream) > API_CONGESTED;
}

void api_request_stale(struct api_request *req, usec_t age, int64_t revision)
{
	json_free(req->stale);
	req->stale = json_new_object();
	json_set_seconds(req->stale, "age", age);
	json_set_number(req->stale, "revision", revision);
}
