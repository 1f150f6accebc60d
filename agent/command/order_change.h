/*
 * struct order_change: puts or deletes one key of the orders (record/orders.h), together with its
 * entry of history, in one transaction.
 *
 * The happy path: the own record, the key and the entry are read from etcd, so that what is decided is
 * decided on what is there and not on the local copy; then the change is committed, comparing the own
 * record (R2) and the key's mod_revision. The entry has a key of its own that the transaction compares to
 * be new: so however often it is sent, and however late it comes, it is applied once.
 *
 * Failures: told in words that are complete. An outcome that is not known is found out by looking for the
 * entry.
 */
#ifndef COMMAND_ORDER_CHANGE_H
#define COMMAND_ORDER_CHANGE_H

#include <stdint.h>

#include "base/err.h"
#include "record/history.h"
#include "record/orders.h"
#include "wire/json.h"

struct agent;
struct command;
struct order_change;

struct order_what {
	const char *path;	   /* ORDERS_PAUSE, "drains/mgt2", ORDERS_REBALANCE */
	const struct order *order; /* to put; NULL: delete */
	/* What to say where there is one already ("automatic moves are paused already"; who ordered it
	 * is put behind); NULL: it is replaced. */
	const char *exists;
	/* What to say where there is none to delete. */
	const char *missing;
	/* Of the entry. */
	enum history_kind kind;
	const char *actor;  /* as command_actor() tells */
	const char *member; /* whom it is about; NULL: nobody */
	const char *reason; /* NULL: none */
};

/* Once, from the loop. rc 0: applied, at that revision or before. -EEXIST, -ENOENT: see above; -EHOSTDOWN:
 * no quorum; -EINPROGRESS: not known; else refused. */
typedef void order_change_fn(int rc, const char *why, int64_t revision, void *arg);

/* Everything is copied. The agent has a member. Negative, with a text, where this member may not write now;
 * done is not called then. */
int order_change_new(struct order_change **ret, struct agent *agent, const struct order_what *what,
	order_change_fn *done, void *arg, struct err *err) MUST_CHECK;
/* done is not called any more; what was sent may still be applied. NULL is fine. */
void order_change_free(struct order_change *change);

/*
 * The same as (part of) an operation; see command/command.h. Call it when the member is registered
 * (command_when_registered()): it makes the change, waits until the own copy has it, and goes on with
 * `then`; where it fails it ends the command with the reason.
 */
void command_order(
	struct command *cmd, const struct order_what *what, void (*then)(struct command *cmd));

/* "root" or "uid 1000": who asks. */
void command_actor(const struct command *cmd, char ret[ORDERS_ACTOR_MAX]);
/* The "reason" of a request, new; NULL: there is none, or it is blank, which tells nobody anything. */
int command_reason(const json *message, char **ret, struct err *err) MUST_CHECK;
/* Fills by, actor, at, reason. -EINVAL where the reason (NULL: none) is too long or not one line. */
int command_order_begin(const struct command *cmd, const char *reason, struct order *ret,
	struct err *err) MUST_CHECK;

#endif
