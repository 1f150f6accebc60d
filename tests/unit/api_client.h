/*
 * A client of the socket server that lives on the same loop: nothing here blocks. Whatever is
 * expected is waited for with a deadline, while the loop runs.
 */
#ifndef TESTS_UNIT_API_CLIENT_H
#define TESTS_UNIT_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct loop;

struct client {
	struct loop *loop;
	int fd;
	bool closed; /* the server has ended the connection */
	struct buf in;
};

/* Runs the loop until cond holds; fails the test when it does not within 10 s. */
void loop_until(struct loop *loop, bool (*cond)(void *arg), void *arg, const char *what);
/* Runs the loop for a few turns, for what must not happen. */
void loop_turns(struct loop *loop, int turns);

void client_connect(struct client *c, struct loop *loop, const char *path);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const void *data, size_t len);
/* The next frame is this text, whatever its type. */
void client_expect(struct client *c, const char *text);
/* The next frame, new. */
char *client_receive(struct client *c);
void client_expect_closed(struct client *c);
/* The two frames of a greeting. */
void client_expect_greeting(struct client *c, bool passed);

#endif
