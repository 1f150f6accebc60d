/*
 * struct follow: keeps this member's picture of etcd in step: the copy of the database
 * (copy/replica.h) and, for the coordination core, the registry (member/feed.h).
 *
 * The happy path: the copy on disk is loaded; only what came since is asked for (etcd/sync.h); once
 * etcd has confirmed that nothing is missing, the core gets the registry as one view, and from then
 * on each change. So the core never sees what the copy on disk says of members, leases and the leader,
 * which may be a day old, and the database can be read long before etcd answers.
 *
 * Failures. No copy: everything is listed. A copy of another etcd cluster than the one this member
 * follows, or one whose revision is gone (compacted): it can be read until everything is listed. An
 * etcd that went back: member/anchor.h puts the member on hold, nothing is followed any more, and
 * what is known stays readable.
 */
#ifndef MEMBER_FOLLOW_H
#define MEMBER_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "etcd/sync.h"
#include "member/feed.h"

struct anchor;
struct etcd;
struct follow;
struct history;
struct identity;
struct keyring;
struct loop;
struct orders;
struct replica;
struct worker;

struct follow_config {
	struct loop *loop;
	struct etcd *etcd;
	struct anchor *anchor;
	struct worker *disk; /* for the copy alone */
	const struct identity *identity;
	struct keyring *keyring;
	struct orders *orders;
	struct history *history;
	const char *prefix;
	const char *state_dir;	  /* the copy is in a folder of it */
	bool adopt;		  /* the copy on disk may be another etcd's */
	feed_event_fn *input;	  /* what the core is to know */
	void (*moved)(void *arg); /* some of that was given, in full */
	void (*lost)(void *arg);  /* the picture may be out of date */
	bool (*quorum)(void *arg);
	usec_t (*last_read)(void *arg); /* of etcd, linearizable; 0: none yet */
	void *arg;
};

/* Starts at once. */
struct follow *follow_new(const struct follow_config *config);
/* Before the etcd client and the anchor. NULL is fine. */
void follow_free(struct follow *follow);

struct replica *follow_replica(struct follow *follow);
/* etcd_sync_status(), but of what the core was given: revision and current_at are 0 before that. */
void follow_status(const struct follow *follow, struct etcd_sync_status *ret);
/* etcd_sync_expect() */
void follow_expect(struct follow *follow, int64_t revision);
size_t follow_odd_keys(const struct follow *follow);

#endif
