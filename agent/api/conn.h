/*
 * Inside api/: one connection of the socket server and the request it is answering.
 *
 * server.c accepts, judges and counts; conn.c frames, orders and answers; request.c is what handlers
 * see; resource.c knows the paths that need no database.
 */
#ifndef API_CONN_H
#define API_CONN_H

#include "api/server.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "io/stream.h"
#include "wire/envelope.h"
#include "wire/frame.h"

struct loop_defer;

/* A handler that streams waits for `drained` above this. */
#define API_CONGESTED ((size_t)256 << 10)

struct api_server {
	struct loop *loop;
	struct net_listener *listener;
	struct api_handlers handlers;
	void *arg;
	enum api_access (*judge)(int fd, const struct net_peer *peer, void *arg);
	bool has_group;
	bool draining;
	gid_t group;
	unsigned limit;
	unsigned held[API_FULL + 1]; /* connections and abandoned requests, by access */
	struct list conns;	     /* struct api_conn.link */
	struct list abandoned;	     /* struct api_request.link: the client has gone */
	struct api_counters counters;
	struct log_limit crowded;
};

struct api_conn {
	struct list link;
	struct api_server *server;
	struct stream *stream;
	struct loop_defer *pump;
	struct api_peer peer;
	struct buf in;		     /* received, not yet handled */
	struct api_request *current; /* at most one */
	unsigned messages;	     /* handled so far */
	unsigned tries;		     /* messages that a peer without access may still send */
	bool broken;		     /* to be dropped from the loop */
	bool closing;		     /* the last answer is on its way */
};

struct api_request {
	struct list link;
	struct api_server *server; /* NULL once that is gone */
	struct api_conn *conn;	   /* NULL once the client is gone */
	struct api_peer peer;
	enum envelope_kind kind;
	bool answered; /* with one frame at least */
	bool last;     /* the connection ends with this answer */
	json *message;
	json *stale; /* for the last frame; NULL: the answer is current */
	struct api_request_hooks hooks;
	void *hooks_arg;
};

/* Takes fd. */
int conn_new(struct api_server *server, int fd, const struct api_peer *peer, struct err *err);
/* Drops the connection and cancels its request. */
void conn_free(struct api_conn *conn);
/* Queues one frame; takes value. A failure breaks the connection, which is then dropped later. */
void conn_send(struct api_conn *conn, json *value);
/* The current request has ended. */
void conn_request_ended(struct api_conn *conn, bool last);

void request_new(struct api_conn *conn, const struct envelope *e, json *message);
/* The client is gone: detaches the request from its connection and tells the handler. */
void request_cancel(struct api_request *req);
void request_drained(struct api_request *req);

/* Answers what the table knows, 403 where the peer may not; false: not a path of the table. */
bool resource_serve(struct api_request *req, const char *operation, const char *path);

#endif
