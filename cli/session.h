/*
 * A command for nodes or groups under way: its connection, made with the first request, its exit
 * status, and what all of these commands have in common.
 *
 * Whatever goes wrong is told on standard error as it is found, and raises the status; a request that
 * the agent refuses does not end the command, a connection that fails does. Standard output that
 * nobody reads any more ends it quietly.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>

#include "cli/client.h"
#include "cli/verb.h"
#include "wire/json.h"

struct session {
	struct call *call;
	bool json; /* --json */
	struct client *client;
	int status;
	bool told; /* that answers are old */
};

void session_init(struct session *s, struct call *call);
/* Returns the exit status. */
int session_done(struct session *s);

/* client_request(); takes the parameters. False: the connection is of no use any more, and the reason
 * is told. */
bool session_request(struct session *s, const char *operation, const char *path, json *parameters,
	client_frame_fn *on_frame, void *arg);

/* Is the frame an error? Then it is told, with the word in front ("Error: " or ""), and the status is
 * CLI_FAILED, or with coded the error's own code as far as it fits an exit status. */
bool session_error(struct session *s, const json *frame, const char *front, bool coded);
void session_fail(struct session *s, int code, const char *text);

/* "/noderange/X/nodes/" from "/noderange/", X, "/nodes/", new; NULL where X would be several parts of
 * a path, which is told. */
char *session_path(struct session *s, const char *root, const char *name, const char *rest);

/* Prints a text for people, without its control characters. */
void session_print(FILE *out, const char *text);

/* --maxnodes: asks before more nodes than that are changed. False: don't go on. */
bool session_may_change(struct session *s, const char *noderange);

/*
 * What a command lists or reports, as lines or as {"key":["name",…]}: one of the two forms that its
 * output has, printed as it comes. The other, objects with attributes, is in attributes.c.
 */
struct listing {
	struct session *s;
	const char *key;       /* in JSON */
	const char *separator; /* between entries of the text */
	unsigned long n;
};

void listing_begin(struct listing *l, struct session *s, const char *key);
/* shown is what the text says: "n1: created". */
void listing_add(struct listing *l, const char *name, const char *shown);
void listing_end(struct listing *l);

/* Writes a text as JSON. */
void json_out(FILE *out, const char *text);

#endif
