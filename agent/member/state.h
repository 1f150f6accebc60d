/*
 * What a member remembers across restarts, in its state folder: the lock that keeps a second agent
 * out, the lease it held (so that a restart within the TTL moves nothing), and which etcd it follows
 * (so that another or a restored one is noticed), and that it was noticed.
 *
 * The lease file is only a shortcut, good for this boot of the machine alone; a missing or foreign
 * one means a new lease. The etcd file names the collective it speaks of; one of another collective
 * is ignored.
 *
 * Nothing here is fsynced. After a power cut a lease is worthless, and an etcd file that is older than
 * it was, or a hold that the administrator has agreed to and that comes back, errs on the side of
 * asking him again.
 */
#ifndef MEMBER_STATE_H
#define MEMBER_STATE_H

#include <stdint.h>

#include "base/err.h"

struct state;

struct state_lease {
	int64_t id;
	int64_t ttl; /* seconds, as asked for */
};

struct state_etcd {
	uint64_t cluster_id; /* 0: not known yet */
	int64_t revision;    /* the highest seen, 0: none */
	uint64_t raft_term;  /* likewise */
};

/* Makes the folder where missing and takes its lock: -EALREADY ("already running") when another
 * agent holds it. */
int state_open(struct state **ret, const char *folder, struct err *err) MUST_CHECK;
void state_close(struct state *state);

/* The lease saved for this member, collective and boot; id 0 where there is none. */
struct state_lease state_lease(
	const struct state *state, const char *collective_id, const char *name);
/* id 0 forgets. */
int state_save_lease(struct state *state, const char *collective_id, const char *name,
	const struct state_lease *lease, struct err *err) MUST_CHECK;

struct state_etcd state_etcd(const struct state *state, const char *collective_id);
int state_save_etcd(struct state *state, const char *collective_id, const struct state_etcd *etcd,
	struct err *err) MUST_CHECK;

/* Why the member is on hold until the administrator has agreed (member/member.h); new, NULL when it
 * is not. why NULL forgets. */
char *state_hold(const struct state *state, const char *collective_id);
int state_save_hold(struct state *state, const char *collective_id, const char *why,
	struct err *err) MUST_CHECK;

/* The kernel's id of this boot: 36 characters. */
const char *state_boot_id(const struct state *state);

#endif
