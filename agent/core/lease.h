/*
 * This member's lease.
 *
 * A lease has an id of our own choosing and is valid until "the grant or keepalive was sent + TTL
 * returned - margin" by the local clock. When that moment passes it is suspended: nobody may act on
 * it, but it may well live on in etcd, and the next keepalive that returns a TTL makes it valid
 * again. Only etcd's word loses it. All time is `now` of the caller.
 *
 * Requests: GRANT, KEEPALIVE, REVOKE, SAVE_LEASE.
 */
#ifndef CORE_LEASE_H
#define CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/attempt.h"
#include "core/prng.h"
#include "core/request.h"
#include "core/sm.h"

enum lease_state { LEASE_NONE, LEASE_GRANTING, LEASE_HELD, LEASE_SUSPENDED, LEASE_LOST };

extern const struct sm_machine lease_machine;

struct lease {
	struct sm sm;
	struct prng *prng;
	int64_t id;	    /* 0 in the states none and lost */
	int64_t ttl_wanted; /* seconds, of the next grant */
	int64_t ttl;	    /* seconds, as last returned (wanted, before the first reply) */
	usec_t valid_until; /* 0 where it was never valid */
	bool wanted;
	struct attempt grant;
	struct attempt keepalive;
	struct attempt save;
	struct attempt revoke;
	int64_t sent_grant; /* the ids in what is outstanding */
	int64_t sent_keepalive;
	int64_t sent_save;
	int64_t to_save;
	int64_t saved;
	bool save_waived;     /* the disk has been waited for long enough */
	usec_t save_deadline; /* when that will be so */
	int64_t to_revoke;
	usec_t revoke_deadline; /* the lease has ended by itself */
};

/* The part of a TTL that is not used: a tenth, at least 500 ms. */
usec_t lease_margin(int64_t ttl);
/* How long a reply with this TTL is good for, from the sending of its request. */
usec_t lease_validity(int64_t ttl);

/* A saved id other than 0 starts suspended and asks etcd about it. */
void lease_init(struct lease *l, int64_t ttl, int64_t saved, struct prng *prng, usec_t now,
	sm_observe_fn *observe, void *arg);
/* One of an earlier run that is not gone on with: revoked, so that its keys are in nobody's way. */
void lease_discard(struct lease *l, int64_t id, usec_t now);
bool lease_valid(const struct lease *l, usec_t now);
/* The id is on disk, or waiting for that has taken long enough. */
bool lease_saved(const struct lease *l);
/* Granted as soon as wanted; not wanted any more ends only the granting. */
void lease_want(struct lease *l, bool wanted);
/* Etcd doesn't know this lease (the answer to a transaction): it is lost if it is still ours. */
void lease_not_found(struct lease *l, int64_t id, usec_t now);
/* Gives the lease up, revoking it or leaving it to others, and clears the saved id. */
void lease_forget(struct lease *l, bool revoke, usec_t now, const char *reason);
/* No more keepalives: the lease is left to end by itself. */
void lease_stop(struct lease *l);

/* Returns true when the state changed. */
bool lease_step(struct lease *l, usec_t now);
bool lease_next(struct lease *l, usec_t now, uint64_t id, struct action *ret);
/* False when the reply is to somebody else's request. */
bool lease_reply(struct lease *l, usec_t now, const struct reply *reply);
usec_t lease_wakeup(const struct lease *l);

#endif
