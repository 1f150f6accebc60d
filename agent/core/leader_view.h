/*
 * What leadership is decided on: the leader key, this member and the others as the roster has them,
 * and the lease. The view borrows everything; it is made anew for each call.
 */
#ifndef CORE_LEADER_VIEW_H
#define CORE_LEADER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lease.h"
#include "core/roster.h"

struct leader_view {
	const char *name; /* this member's */
	struct roster *roster;
	struct lease *lease;
	bool decided;	 /* membership is past waiting */
	bool wanted;	 /* membership_wanted() */
	bool registered; /* membership is active */
};

/* Never NULL. */
const struct roster_key *leader_view_key(const struct leader_view *v);
/* NULL before anything is known. */
const struct roster_member *leader_view_self(const struct leader_view *v);
/* The key names us and hangs on our lease. */
bool leader_view_ours(const struct leader_view *v);
/* The key with this create_revision is there, whatever has been written into it since. */
bool leader_view_created(const struct leader_view *v, int64_t create_rev);
/* The key hangs on no lease, or on that of a member which it does not name. */
bool leader_view_stray(const struct leader_view *v);
/* There are other active members with a vote. */
bool leader_view_others(const struct leader_view *v);

/* What a transaction of ours that was applied has done to the key. */
void leader_view_put(
	const struct leader_view *v, int64_t create_rev, int64_t mod_rev, int64_t lease);
void leader_view_delete(const struct leader_view *v, int64_t revision);

#endif
