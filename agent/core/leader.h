/*
 * This member's part in leadership.
 *
 * The leader key is created under this member's lease in a transaction that demands that there is
 * none; its create_revision is the fence of everything the leader writes. It is ours when it names
 * us and hangs on our lease, which nobody else has.
 *
 * What is seen in the view only wakes this machine up; it goes on acting only after a reply of its
 * own: a campaign that was applied, or a read taken afterwards (the state confirming).
 *
 * Requests: CAMPAIGN, RESIGN, REPAIR, CLEAR, PULSE.
 */
#ifndef CORE_LEADER_H
#define CORE_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/attempt.h"
#include "core/leader_view.h"
#include "core/lease.h"
#include "core/stray.h"

enum leader_state {
	LEADER_FOLLOWER,
	LEADER_WAITING,
	LEADER_CAMPAIGNING,
	LEADER_LEADER,
	LEADER_SUSPENDED,
	LEADER_CONFIRMING,
	LEADER_RESIGNING,
};

extern const struct sm_machine leader_machine;

struct leader {
	struct sm sm;
	struct prng *prng;
	int64_t fence;	     /* create_revision of our key; 0 while there is none or it is unsure */
	int64_t fence_lease; /* the lease it hangs on */
	usec_t hold_until;   /* resigned by request, the others go first; 0 where not */
	usec_t confirm_since; /* confirming: a read sent before this says nothing */
	bool confirmed;	      /* confirming: it came, and a repair is what is left to do */
	bool stopping;
	usec_t pulse_every;
	struct stray stray;
	struct attempt campaign;
	struct attempt resign;
	struct attempt repair;
	struct attempt pulse;
	int64_t campaign_lease; /* what the outstanding requests said */
	int64_t repair_lease;
	int64_t repair_rev;
};

void leader_init(struct leader *l, usec_t pulse_every, struct prng *prng, usec_t now,
	sm_observe_fn *observe, void *arg);
bool leader_acting(const struct leader *l, const struct lease *lease, usec_t now);
/* Returns true when the state changed. */
bool leader_step(struct leader *l, usec_t now, const struct leader_view *v);
/* Hand over: ignored unless it leads or is about to, and there is somebody to hand over to. */
void leader_resign(struct leader *l, usec_t now, const struct leader_view *v);
/* For good. */
void leader_stop(struct leader *l);
/* A read sent at or after this instant is waited for; USEC_NEVER where none is. */
usec_t leader_wants_read(const struct leader *l);
/* A read sent at `taken` is in the roster. */
void leader_read(struct leader *l, usec_t now, usec_t taken, const struct leader_view *v);
bool leader_next(
	struct leader *l, usec_t now, uint64_t id, const struct leader_view *v, struct action *ret);
/* False when the reply is to somebody else's request. What it read is already in the roster. */
bool leader_reply(
	struct leader *l, usec_t now, const struct reply *reply, const struct leader_view *v);
/* Nothing is outstanding or left to do after leader_stop(). */
bool leader_idle(const struct leader *l);
usec_t leader_wakeup(const struct leader *l);

#endif
