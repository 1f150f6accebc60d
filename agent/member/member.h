/*
 * struct member: the running membership of this server. It owns the etcd client, keeps the view of
 * the registry in step (etcd/sync.h), runs the coordination core on it (core/coord.h) and carries out
 * what the core asks for (member/carry.h).
 *
 * `changed` is called, from the loop, whenever something may be different: a state machine moved, the
 * view changed, a call was answered.
 *
 * Hold. When etcd is not the one it was (another cluster id, a store that went back), the member
 * stops: it neither writes nor follows, keeps what it knew readable, and says so until the
 * administrator has agreed (`collective adopt`).
 */
#ifndef MEMBER_MEMBER_H
#define MEMBER_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"
#include "core/coord.h"
#include "etcd/client.h"
#include "etcd/sync.h"

struct conf;
struct history;
struct http;
struct identity;
struct keyring;
struct loop;
struct member;
struct orders;
struct replica;
struct state;
struct worker;

struct member_config {
	struct loop *loop;
	struct http *http;
	const struct conf *conf;	 /* copied where needed later */
	const struct identity *identity; /* with a bundle */
	struct keyring *keyring;	 /* outlives the member, as the next two */
	struct orders *orders;
	struct history *history;
	struct state *state;
	struct worker *disk; /* for the copy of the database */
	const char *address; /* what other members are told */
	bool adopt;	     /* accept etcd as it is now, whatever it was before */
	void (*changed)(void *arg);
	void *arg;
};

int member_new(struct member **ret, const struct member_config *config, struct err *err) MUST_CHECK;
/* At once, without a word to etcd; the lease is left to a restart. NULL is fine. */
void member_free(struct member *m);
/* Resigns leadership, then calls done (from the loop, within a second or so). */
void member_stop(struct member *m, void (*done)(void *arg), void *arg);

const char *member_name(const struct member *m);
const char *member_prefix(const struct member *m);
struct etcd *member_etcd(struct member *m);
const struct roster *member_roster(const struct member *m);
bool member_quorum(const struct member *m);
bool member_leads(const struct member *m);
void member_fence(const struct member *m, struct coord_fence *ret);
/* Just started: etcd has neither answered nor failed to yet. */
bool member_starting(const struct member *m);
/* A registration of one's own is there: active, refused or removed. */
bool member_settled(const struct member *m);
/* The membership machine's state: "active", "removed", "refused", …; "held" on hold. */
const char *member_state(const struct member *m);
/* Set when this server is no member any more: what to tell. */
const char *member_removed(const struct member *m);
/* What an administrator should know now, NULL when all is well. Lives until control returns to the
 * loop. */
const char *member_trouble(struct member *m);
/* An endpoint belongs to another cluster than the one this member knows. */
bool member_foreign(const struct member *m);
/* Hand leadership on. -EPERM with a text when this member does not lead. */
int member_resign(struct member *m, struct err *err) MUST_CHECK;

/* How old what is shown may be: 0 while it is current. */
usec_t member_view_age(const struct member *m);
/* The copy of the database; lives as long as the member. */
struct replica *member_replica(struct member *m);
/* A write of ours was applied below the prefix at this revision: it must be seen soon. */
void member_expect(struct member *m, int64_t revision);
void member_sync_status(const struct member *m, struct etcd_sync_status *ret);
bool member_info(const struct member *m, unsigned machine, struct sm_info *ret);
size_t member_odd_keys(const struct member *m);

#endif
