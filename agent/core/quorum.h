/*
 * Quorum as one member sees it: etcd answered a linearizable request that was sent no longer ago
 * than a lease would be valid for. Such a request needs a majority of etcd's members, so a member
 * cut off with a minority loses quorum by the local clock, without a network round trip.
 *
 * It ends with the lease, too, when that runs out: the last read may have been answered after the last
 * keepalive, and what others may do as soon as this member's lease has ended they must not do beside it.
 * A later read brings it back.
 */
#ifndef CORE_QUORUM_H
#define CORE_QUORUM_H

#include <stdbool.h>

#include "base/usec.h"
#include "core/sm.h"

enum quorum_state { QUORUM_NO, QUORUM_YES };

extern const struct sm_machine quorum_machine;

struct quorum {
	struct sm sm;
	usec_t until;
	usec_t last; /* when the last answered request was sent; 0 for never */
};

void quorum_init(struct quorum *q, usec_t now, sm_observe_fn *observe, void *arg);
bool quorum_has(const struct quorum *q, usec_t now);
/* A linearizable request sent at `taken` was answered; it is good for `validity`. */
void quorum_answered(struct quorum *q, usec_t now, usec_t taken, usec_t validity);
/* Returns true when the state changed. */
bool quorum_step(struct quorum *q, usec_t now);
/* What was answered so far does not count any more. */
void quorum_end(struct quorum *q, usec_t now, const char *why);
usec_t quorum_wakeup(const struct quorum *q);

#endif
