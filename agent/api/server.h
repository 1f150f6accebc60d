/*
 * The socket that commands talk to: greeting, peer credentials, requests in order, replies.
 *
 * A connection carries any number of requests. They are answered strictly in the order they came,
 * one at a time; what is sent ahead waits in the kernel. Each request goes to one of the two
 * handlers as a struct api_request, which belongs to the handler until it ends it, once, with
 * api_request_done() or api_request_error(): at once or, for work that takes time, from any later
 * callback. Replies before that are as many as the handler likes.
 *
 * When the client goes away first, `cancelled` (where one is set) is called once, from the loop:
 * nobody will read the answer. The request must be ended all the same, also when nothing is set and
 * the handler learns nothing of it; replies to it are dropped. A handler must not free the server.
 *
 * Who may do what is decided by the peer credentials at connect time: uid 0 and the agent's own uid
 * everything; members of the read group (primary or supplementary) may retrieve, and ask for what the
 * handlers call readable; anyone else nothing. Groups are those of the connecting process as the kernel knows them, so no user
 * database is asked and a uid without an entry there is nothing special.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"
#include "wire/json.h"

struct loop;
struct net_peer;
struct api_server;
struct api_request;

enum api_access { API_NONE, API_READ, API_FULL };

struct api_peer {
	uid_t uid;
	pid_t pid;
	enum api_access access;
};

struct api_handlers {
	/* {"collective":message}. The peer may do what it asks for. The operation is a text that
	 * may still be unknown: answer with api_request_error(). What is handed over here stays
	 * until the request is ended. */
	void (*collective)(
		struct api_request *req, const char *operation, const json *message, void *arg);
	/* A path that the server itself does not know (NULL: there are none). parameters is NULL
	 * where none were sent. Peers with API_READ get here with "retrieve" only. */
	void (*resource)(struct api_request *req, const char *operation, const char *path,
		const json *parameters, void *arg);
	/* May a peer with API_READ ask for it? NULL: for "show" alone. */
	bool (*readable)(const char *operation);
	/* The first frame of an answer to {"collective":…}, errors included, and the last of any other:
	 * for what every answer is to say. NULL: nothing. */
	void (*answering)(json *value, void *arg);
};

struct api_options {
	const char *path;	/* of the socket */
	const char *read_group; /* NULL or "": none */
	unsigned connections;	/* 0: 256. Peers without access get an eighth, readers half */
	/* For tests: replaces the judgement from credentials. */
	enum api_access (*judge)(int fd, const struct net_peer *peer, void *arg);
};

/* -EADDRINUSE "already running" where another agent listens; -ENOENT for an unknown group. */
int api_server_new(struct api_server **ret, struct loop *loop, const struct api_options *options,
	const struct api_handlers *handlers, void *arg, struct err *err) MUST_CHECK;
/* Closes everything; requests under way are cancelled and must still be ended. NULL is fine. */
void api_server_free(struct api_server *server);
/* The agent is stopping: no more resources are served, what is under way goes on. */
void api_server_drain(struct api_server *server);
/* No request is under way, and every answer is with its client. */
bool api_server_idle(const struct api_server *server);
/* Takes effect for new connections; on error the old group stays. */
int api_server_set_read_group(
	struct api_server *server, const char *group, struct err *err) MUST_CHECK;

struct api_counters {
	unsigned connections; /* now */
	unsigned long accepted;
	unsigned long refused; /* over the ceiling or without access */
	unsigned long requests;
	unsigned long cancelled;
};
struct api_counters api_server_counters(const struct api_server *server);

const struct api_peer *api_request_peer(const struct api_request *req);
/* One frame of the reply; takes the value (wrapped as {"collective":value} where that was asked).
 * What is too large to be sent ends the connection. */
void api_request_reply(struct api_request *req, json *value);
/* Ends the request with an error. The code is for resources (400, 403, 404, 500). */
void api_request_error(struct api_request *req, int code, const char *text);
void api_request_done(struct api_request *req);
/* The answer was read from a copy that may be that old: its last frame says so. */
void api_request_stale(struct api_request *req, usec_t age, int64_t revision);

struct api_request_hooks {
	void (*cancelled)(void *arg); /* the client is gone */
	/* What was replied has left for the client: time for more (streaming replies). */
	void (*drained)(void *arg);
};
/* For handlers that take time; NULL members are fine. Nothing is called after the request ended. */
void api_request_watch(struct api_request *req, const struct api_request_hooks *hooks, void *arg);
/* So much is waiting for a slow reader that the handler should wait for `drained`. */
bool api_request_congested(const struct api_request *req);

DEFINE_CLEANUP(struct api_server *, api_server_free)

#endif
