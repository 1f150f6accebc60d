/*
 * struct await: a command that has ordered something of the leader and waits until it is done: it looks
 * every quarter of a second, tells its client how many nodes are left, and gives up when moves are paused, or
 * nothing moves any more. What was ordered stays ordered then.
 */
#ifndef COMMAND_AWAIT_H
#define COMMAND_AWAIT_H

#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"
#include "io/loop.h"

/* Without progress. */
#define AWAIT_LIMIT (30 * USEC_PER_SEC)

struct command;

struct await {
	struct command *cmd;
	struct loop_timer *timer; /* NULL: not begun */
	int64_t all, left, told;
	usec_t moved_at, told_at;
};

/* look is called from the loop, soon and again after each await_go_on(). */
void await_begin(struct await *a, struct command *cmd, loop_fn *look, void *arg, int64_t all);
/* So many are left now. 0: look again. Negative: there is no point in waiting, err says why. */
int await_go_on(struct await *a, int64_t left, struct err *err) MUST_CHECK;
/* How long nothing has moved. */
usec_t await_idle(const struct await *a);
void await_done(struct await *a);

#endif
