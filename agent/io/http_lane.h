/*
 * A lane of http.c: one multi handle of libcurl and its connections, driven by the loop. For
 * http*.c only.
 *
 * libcurl asks for readiness and a timer through callbacks; nothing in those calls libcurl back.
 * Whenever libcurl has been given the chance to move, `moved` is called from the loop: it should
 * look at lane_next_done() in a call of its own, not at once.
 */
#ifndef IO_HTTP_LANE_H
#define IO_HTTP_LANE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"
#include "io/loop.h"

struct lane {
	struct list link;  /* the owner's */
	unsigned requests; /* added and not removed */
	bool retired;	   /* the owner's: takes no new requests */
	char *name;
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct list sockets;
	loop_fn *moved;
	void *arg;
};

int lane_new(struct lane **ret, struct loop *loop, const char *name, loop_fn *moved, void *arg,
	struct err *err) MUST_CHECK;
/* When it has no requests any more; closes its connections. */
void lane_free(struct lane *lane);
/* Takes part in the work from now on; sets the socket options of the handle. */
int lane_add(struct lane *lane, CURL *easy, struct err *err) MUST_CHECK;
void lane_remove(struct lane *lane, CURL *easy);
/* The next handle that is done, still to be removed, or NULL. */
CURL *lane_next_done(struct lane *lane, CURLcode *ret_code);

DEFINE_CLEANUP(struct lane *, lane_free)

#endif
