/*
 * This member's own place in the collective: its record in the registry and its active key.
 *
 * The record says whether there is a place at all: it must be there, verify, and carry this
 * member's key. The active key says whether the place is taken, by this run of the agent (lease and
 * instance are its own) or by another: an earlier run whose lease has yet to end, or a second agent
 * with the same name. The two are told apart by waiting for a lease to end; the second agent is
 * refused and starts nothing until the key is gone.
 *
 * A restart adopts the saved lease of the run before and takes its key over. An agent that finds
 * its own registration taken over in this way has been copied, state and all: it gives way.
 *
 * Request: REGISTER.
 */
#ifndef CORE_MEMBERSHIP_H
#define CORE_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/attempt.h"
#include "core/lease.h"
#include "core/roster.h"

enum membership_state {
	MEMBERSHIP_WAITING,
	MEMBERSHIP_REGISTERING,
	MEMBERSHIP_ACTIVE,
	MEMBERSHIP_REFUSED,
	MEMBERSHIP_REMOVED,
	MEMBERSHIP_STOPPED,
};

extern const struct sm_machine membership_machine;

struct membership {
	struct sm sm;
	struct prng *prng;
	char name[NAME_MAX_LEN + 1];
	char instance[REQUEST_TEXT_MAX];
	struct attempt enter;
	int64_t sent_lease; /* what the outstanding REGISTER said */
	int64_t sent_active_rev;
	int64_t adopted;    /* the lease of an earlier run that this one began with; 0 for none */
	int64_t registered; /* the lease under which this run has been registered; 0 for none */
	bool others;	    /* somebody else's active key is in the way ... */
	int64_t others_lease;
	usec_t others_deadline; /* ... and is no longer taken for an earlier run's from here on */
};

void membership_init(struct membership *m, const char *name, const char *instance,
	int64_t saved_lease, struct prng *prng, usec_t now, sm_observe_fn *observe, void *arg);
/* Registered or trying to be: may lead. */
bool membership_wanted(const struct membership *m);
/* Returns true when the state changed. */
bool membership_step(struct membership *m, usec_t now, const struct roster *r, struct lease *l);
void membership_stop(struct membership *m, usec_t now);
bool membership_next(struct membership *m, usec_t now, uint64_t id, const struct roster *r,
	const struct lease *l, struct action *ret);
/* False when the reply is to somebody else's request. What it read is already in the roster. */
bool membership_reply(struct membership *m, usec_t now, const struct reply *reply, struct roster *r,
	struct lease *l);
usec_t membership_wakeup(const struct membership *m);

#endif
