/*
 * The program's end of the agent's socket: blocking, every wait with a deadline.
 *
 * client_ask() is one question: connect, read the greeting, send {"collective":request}, read one
 * {"collective":answer}. A struct client is a connection for any number of requests about nodes and
 * groups, each answered by frames that are handed on as they come. Error texts are complete
 * sentences for the user, with the remedy.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/err.h"
#include "base/macros.h"
#include "base/usec.h"
#include "wire/json.h"

#define CLIENT_CONNECT_TIMEOUT (2 * USEC_PER_SEC)
#define CLIENT_ANSWER_TIMEOUT  (30 * USEC_PER_SEC)

/* Takes the request. *ret_answer is the inner object, new; it holds "error" where the agent refused.
 * -ETIMEDOUT, -EACCES, -ENOENT (no agent) and so on, with the text. */
int client_ask(const char *socket, json *request, usec_t timeout, json **ret_answer,
	struct err *err) MUST_CHECK;

/* One frame of an answer but the last; it belongs to the caller of this. Anything but 0 ends the
 * request, and the connection with it. */
typedef int client_frame_fn(const json *frame, void *arg);

/* client_ask() for an answer of several objects, which are handed on as they come, until on_frame gives
 * something else than 0: 1 for the end of the answer, which is 0 here. timeout is for each wait, USEC_NEVER
 * for those for something to happen. An "error" is an object like others. */
int client_collect(const char *socket, json *request, usec_t timeout, client_frame_fn *on_frame,
	void *arg, struct err *err) MUST_CHECK;

/* How long an answer may pause. A large change says nothing until all of it is in etcd. */
#define CLIENT_READ_TIMEOUT  (60 * USEC_PER_SEC)
#define CLIENT_WRITE_TIMEOUT (600 * USEC_PER_SEC)

struct client;

int client_open(const char *socket, struct client **ret, struct err *err) MUST_CHECK;
/* Returns what on_frame ended it with; 0: *ret_done is the last frame, new. operation is "retrieve", "update",
 * "create" or "delete"; takes the parameters, which may be NULL, and wipes them. An error that the agent
 * answers is a frame like others. */
int client_request(struct client *c, const char *operation, const char *path, json *parameters,
	client_frame_fn *on_frame, void *arg, json **ret_done, struct err *err) MUST_CHECK;
/* NULL is fine. */
void client_free(struct client *c);

DEFINE_CLEANUP(struct client *, client_free)

#endif
