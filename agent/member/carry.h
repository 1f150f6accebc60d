/*
 * struct carry: carries out what the coordination core asks for (core/request.h) as calls to etcd,
 * and turns each result into the core's reply.
 *
 * What is about leadership puts its entry of history in the very transaction.
 *
 * Every request is answered exactly once, from the loop. Lease calls are single attempts in a lane
 * of their own, on the endpoint that the client thinks best; the core decides when to try again.
 */
#ifndef MEMBER_CARRY_H
#define MEMBER_CARRY_H

#include "base/usec.h"
#include "core/request.h"
#include "trust/bundle.h"

struct carry;
struct etcd;
struct history;
struct keyring;
struct loop;
struct member;
struct roster;
struct state;

struct carry_config {
	struct loop *loop;
	struct etcd *etcd;
	struct state *state;
	const struct bundle *bundle;
	const struct keyring *keyring;
	const struct history *history; /* who led before */
	const struct roster *roster;
	const struct member *member; /* how far these two have come */
	const char *prefix;
	const char *name;
	const char *key_hash;	  /* of this member's key */
	const char *active_value; /* what active/<me> is to say */
	usec_t ttl;		  /* core/request.h says how long attempts take by it */
};

typedef void carry_reply_fn(const struct reply *reply, void *arg);

/* Texts are copied; the objects must outlive it. */
struct carry *carry_new(const struct carry_config *config, carry_reply_fn *fn, void *arg);
/* Requests under way are dropped. NULL is fine. */
void carry_free(struct carry *carry);
/* What etcd said when it last refused a write for want of space; NULL once one was accepted again. */
const char *carry_nospace(const struct carry *carry);
/* Any action but NOTIFY. */
void carry_out(struct carry *carry, const struct action *action);

#endif
