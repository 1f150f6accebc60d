/*
 * What the tests of http.c share: a loop with a small server and an http on it, and what became of
 * each request.
 */
#ifndef TESTS_UNIT_TEST_IO_HTTP_H
#define TESTS_UNIT_TEST_IO_HTTP_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/http.h"
#include "io/loop.h"

#define MAX_REPLIES 16

struct server {
	int fd;
	int port;
	int accepted;
	int requests;
	struct loop_io *io;
	struct list peers;
};

/* What one request came to. */
struct reply {
	int calls;
	int rc;
	bool sent;
	int status;
	char why[512];
	char type[64];
	struct buf body; /* of the answer, or of all pieces */
	int pieces;
	size_t largest;
	int give_up; /* on_data returns it */
	struct http_request *request;
	bool cancel_on_data;
	bool free_on_data;
	bool free_on_done;
};

extern struct loop *loop;
extern struct http *http;
extern struct server server;
extern struct reply replies[MAX_REPLIES];
extern int waiting_for; /* completions until the loop is stopped */

void setup(void);
void teardown(void);
void server_stop(void);
int listen_on_loopback(int *ret_port);

int on_data(const char *data, size_t len, void *arg);
struct http_options options_for(const char *path, char url[128]);
void send_with(int i, struct http_options *options);
void send_to(int i, const char *path, const char *lane);
/* Runs the loop until `count` requests are done. */
void run_until(int count);
void check_ok(int i, const char *body);
void check_failed(int i, int rc, bool sent, const char *part);

TCase *http_failures_case(void);

#endif
