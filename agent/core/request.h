/*
 * What the coordination core asks of etcd, and the shape of the answers.
 *
 * A request is an action with an id; whoever carries it out answers it exactly once, with the
 * outcome as far as it is certain:
 *
 *     OK         applied: a transaction whose compares held, a lease reply
 *     REFUSED    a transaction whose compares did not hold, so that nothing was written
 *     EXISTS     a grant answered with "lease already exists"
 *     NOT_FOUND  "requested lease not found": nothing was applied
 *     ERROR      not applied: etcd said so (permission denied), or the request was never sent; and
 *                out of space, where etcd may have applied the one request that used up the last
 *                of it: so it is asked for again, never taken for undone
 *     UNKNOWN    everything else (timeouts, cut connections, 503, 504): it may have been applied,
 *                or may be applied a minute from now
 *
 * When in doubt, UNKNOWN. A keepalive that etcd answers without TTL is OK with ttl 0. Keepalives go
 * over connections of their own, so that nothing is ever in front of them; one that is not answered
 * within a twelfth of the TTL is sent again, and again, over other connections to other endpoints,
 * while those before are still waited for, until one is answered or half the TTL has passed. Every
 * other attempt has a timeout of a sixth of the TTL and goes to another endpoint than the failed one
 * before.
 *
 * In transactions all compares are for equality, and a revision of 0 means that there is no such key
 * (which is how etcd compares a missing one). Both the failure branch of each transaction and the success
 * branch of CONFIRM read `leader`, `active/<me>` and `members/<me>` linearizably: the reply's `own`.
 */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/name.h"
#include "base/usec.h"
#include "core/sm.h"

#define REQUEST_TEXT_MAX 64

enum action_kind {
	/* Leases. lease is the id, ttl (seconds) is set for the grant. */
	ACTION_GRANT,
	ACTION_KEEPALIVE,
	ACTION_REVOKE,
	/* Keep this lease id on disk, for the next start; 0 is "none". Answered (OK or ERROR) when it
	 * is done; the registration waits for that, but not longer than the TTL. */
	ACTION_SAVE_LEASE,
	/* Compare members/<me> mod_revision == record_rev, active/<me> mod_revision == active_rev. Put active/<me>, with the lease and config's instance as "boot". */
	ACTION_REGISTER,
	/* Compare leader create_revision == 0, members/<me> mod_revision == record_rev, active/<me>
	 * mod_revision == active_rev and lease == lease. Put leader = <me> with the lease. */
	ACTION_CAMPAIGN,
	/* No compare; reads `own`. */
	ACTION_CONFIRM,
	/* Compare leader create_revision == leader_rev, active/<me> mod_revision == active_rev (so that
	 * a late one can't hit a later run of the agent, which has registered anew). Delete leader. */
	ACTION_RESIGN,
	/* Compare leader create_revision == leader_rev, members/<me> mod_revision == record_rev,
	 * active/<me> mod_revision == active_rev. Put leader = <me> with the lease (somebody has
	 * overwritten it by hand). */
	ACTION_REPAIR,
	/* Compare leader mod_revision == leader_rev, members/<me> mod_revision == record_rev. Delete
	 * leader (somebody has put it by hand without a lease, so it would stay for ever). */
	ACTION_CLEAR,
	/* Compare leader create_revision == leader_rev and lease == lease, members/<me> mod_revision
	 * == record_rev, active/<me> mod_revision == active_rev. Put pulse. */
	ACTION_PULSE,
	/* Not a request, not answered: for the log, hooks and watchers. */
	ACTION_NOTIFY,
};
#define ACTION_COUNT (ACTION_NOTIFY + 1)

struct action {
	enum action_kind kind;
	uint64_t id; /* 0 for NOTIFY */
	int64_t lease;
	int64_t ttl; /* seconds */
	int64_t leader_rev;
	int64_t record_rev;
	int64_t active_rev;
	/* NOTIFY: what moved; from and to are NULL for a remark that is no move. */
	const char *machine;
	const char *from;
	const char *to;
	char reason[SM_REASON_MAX];
};

enum outcome {
	OUTCOME_OK,
	OUTCOME_REFUSED,
	OUTCOME_EXISTS,
	OUTCOME_NOT_FOUND,
	OUTCOME_ERROR,
	OUTCOME_UNKNOWN,
};

/* `leader` or `active/<name>`. Absent keys are all zero. Texts live during the call; NULL is "". */
struct key_info {
	bool present;
	int64_t create_rev;
	int64_t mod_rev; /* in a watch's delete: the revision of the deletion */
	int64_t lease;
	const char *value;    /* leader: the name; active: the address, for people */
	const char *instance; /* active: its "boot"; "" where it can't be read */
	const char *version;  /* active: the agent's version */
};

/* `members/<name>`. */
struct record_info {
	bool present;
	int64_t mod_rev; /* in a watch's delete: the revision of the deletion */
	bool valid;	 /* it can be read and its MAC verifies */
	bool voting;
	bool mine; /* own record only: it carries this member's key */
	const char *address;
	const char *version;
};

struct own_keys {
	struct key_info leader;
	struct key_info active;
	struct record_info record;
};

struct reply {
	uint64_t id;
	enum outcome outcome;
	int64_t revision;   /* of the header; 0 where there is none */
	uint64_t raft_term; /* likewise */
	int64_t lease;	    /* lease replies: id and TTL as answered */
	int64_t ttl;
	usec_t sent_at; /* keepalive: when the one that was answered was sent; 0: at the action */
	bool has_own;
	struct own_keys own;
	const char *text; /* why not, for people; NULL is "" */
};

/* "grant", "keepalive", ... */
const char *action_name(enum action_kind kind);

#endif
