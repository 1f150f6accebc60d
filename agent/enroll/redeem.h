/*
 * The redeems that the server's owner has not answered yet, and who waits for each: one redeem per
 * invitation at a time, any number of connections waiting for it (a joiner that lost its connection
 * and comes again with the same key waits for the same answer).
 *
 * Internal to the server's end; the owner's calls enroll_redeem_done() and enroll_redeem_fail() of
 * enroll/server.h are made here.
 */
#ifndef ENROLL_REDEEM_H
#define ENROLL_REDEEM_H

#include "base/err.h"
#include "base/list.h"
#include "base/macros.h"
#include "enroll/invitations.h"
#include "enroll/server.h"

struct redeem;

struct redeems {
	struct invitations *book;
	struct enroll_server_ops ops;
	void *arg;
	struct list all; /* struct redeem */
	unsigned count;
	uint64_t answered; /* with a bundle */
};

struct redeem_waiter {
	struct list link;
	/* Called once, unless redeem_leave() was before; the waiter is off the list by then. */
	void (*answer)(struct redeem_waiter *waiter, const struct enroll_answer *answer);
};

void redeems_init(struct redeems *all, struct invitations *book,
	const struct enroll_server_ops *ops, void *arg);
/* Cancels each that the owner has not answered. Waiters are not answered. */
void redeems_done(struct redeems *all);

/*
 * What a request leads to once its connection has proved the invitation's key: checks the name and
 * the certificate request, binds the invitation to the key and, when that is on disk, asks the owner.
 * The contents of the request are taken. 0: the waiter will be answered, perhaps within the call.
 * -EACCES: the token is not good for this; -EBADMSG: the request is not.
 */
int redeem_ask(struct redeems *all, const unsigned char identity[INVITATION_IDENTITY_LEN],
	struct enroll_request *request, const char *peer, struct redeem_waiter *waiter,
	struct err *err) MUST_CHECK;
void redeem_leave(struct redeem_waiter *waiter);

#endif
