/*
 * The coordination core: one member's lease, registration, leadership and quorum.
 *
 * It is pure. The owner tells it what happened (coord_input()), takes what is to be done until
 * there is nothing left (coord_next()), and comes back with a tick no later than coord_wakeup():
 *
 *     coord_input(c, now, &event);
 *     while (coord_next(c, now, &action))
 *             carry_out(&action);
 *     timer_set(coord_wakeup(c));
 *
 * `now` is CLOCK_BOOTTIME and never goes backwards; for a request, `now` of the coord_next() that
 * returned it counts as the instant of sending, so it must be sent at once or answered with ERROR.
 * Requests and their answers are described in core/request.h.
 *
 * What holds, whatever the network and the processes do:
 *  - coord_acting() is true only while this member's lease is valid by its own clock: not after
 *    "sent + TTL returned - margin", margin = max(TTL / 10, 500 ms);
 *  - a lease is lost only when etcd says so; a transport error never loses one;
 *  - a leader whose lease ran out by its own clock keeps id and key, and goes on when a later
 *    keepalive finds the lease alive and a read finds its key with the create_revision it had;
 *  - an outcome that is not known is never assumed: it is read;
 *  - replies with a raft_term below the highest seen are taken for no reply. An etcd restored from
 *    a snapshot starts with a lower term: whoever notices that (the revision went back, the cluster
 *    id changed) stops feeding this object and makes a new one when the administrator has agreed.
 *
 * Overlap of two acting members is excluded while keys and leases end by themselves. An operator
 * who deletes the leader key or revokes the leader's lease by hand makes another member lead before
 * the first one has heard of it; until then fencing alone stops it: its writes compare what
 * coord_fence() gives.
 */
#ifndef CORE_COORD_H
#define CORE_COORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/request.h"
#include "core/roster.h"
#include "core/sm.h"

struct coord;

struct coord_config {
	const char *name;     /* this member's */
	const char *instance; /* unique to this run of the agent; "boot" of the active key */
	int64_t ttl;	      /* seconds, at least 2 */
	int64_t saved_lease;  /* from ACTION_SAVE_LEASE of an earlier run; 0 for none */
	int64_t old_lease; /* likewise, but with another TTL: revoked, and a new one is asked for */
	uint64_t seed;	   /* random: lease ids and jitter come from it */
	usec_t pulse;	   /* how often the leader puts its pulse; 0 for 15 s */
};

enum coord_event_kind {
	COORD_TICK,
	/* A complete listing of members/, active/ and leader as of one revision, or a new one. Between
	 * BEGIN and END: one event per key that is there. END carries the revision. Afterwards the
	 * watch's events follow, in any order and with repetitions if need be. */
	COORD_VIEW_BEGIN,
	COORD_VIEW_END,
	/* The watch is broken: what is known may be old. The next listing ends that. */
	COORD_VIEW_LOST,
	COORD_MEMBER, /* name, record */
	COORD_ACTIVE, /* name, key */
	COORD_LEADER, /* key */
	COORD_REPLY,
	/* Hand leadership on: resign, and don't campaign for one TTL unless there is no other voting
	 * member active. Without effect on who does not lead, and where nobody else could. */
	COORD_RESIGN,
	/* The agent ends: resign, but leave lease and active key to a restart. Until coord_done(). */
	COORD_STOP,
	/* ttl for the next lease. */
	COORD_CONFIG,
};

struct coord_event {
	enum coord_event_kind kind;
	int64_t revision; /* VIEW_END */
	const char *name;
	struct record_info record;
	struct key_info key;
	const struct reply *reply;
	int64_t ttl;
};

struct coord *coord_new(const struct coord_config *config, usec_t now);
/* NULL is fine. Outstanding requests need no answer any more. */
void coord_free(struct coord *c);

void coord_input(struct coord *c, usec_t now, const struct coord_event *event);
bool coord_next(struct coord *c, usec_t now, struct action *ret);
/* Absolute; USEC_NEVER while there is nothing but answers to wait for, and after coord_done(). */
usec_t coord_wakeup(const struct coord *c);

/* This member leads and its lease is valid right now. */
bool coord_acting(const struct coord *c, usec_t now);
/* A linearizable read was answered within the last lease validity, and since the lease has run out where it
 * has (core/quorum.h). */
bool coord_quorum(const struct coord *c, usec_t now);
/* COORD_STOP was given and nothing is left to wait for. */
bool coord_done(const struct coord *c);
/* A complete view is there and its watch has not been lost since. */
bool coord_view_live(const struct coord *c);

/* What a write to etcd has to compare. record_rev goes into every write of a member; the rest into
 * every write that only the leader may make: leader create_revision == leader_rev and lease ==
 * lease, active/<me> mod_revision == active_rev. */
struct coord_fence {
	bool may_write; /* quorum, and this member is registered */
	bool acting;	/* may_write, and coord_acting() */
	int64_t record_rev;
	int64_t leader_rev;
	int64_t lease;
	int64_t active_rev;
	const char *why_not; /* for people, when not may_write; lives until the next input */
};
void coord_fence(const struct coord *c, usec_t now, struct coord_fence *ret);

const struct roster *coord_roster(const struct coord *c);
/* Set while another agent runs under this name or the registration is gone: states of membership. */
bool coord_refused(const struct coord *c);
bool coord_removed(const struct coord *c);
/* The instant of the last linearizable read that was answered; 0 for none yet. */
usec_t coord_last_read(const struct coord *c);
/* The highest raft_term seen. */
uint64_t coord_raft_term(const struct coord *c);

/* The machines, for `show -v` and for the generated documents; NULL and false past the last. */
const struct sm_machine *coord_machine(unsigned i);
bool coord_info(const struct coord *c, unsigned i, struct sm_info *ret);

#endif
