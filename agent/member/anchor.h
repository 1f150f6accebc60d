/*
 * struct anchor: which etcd this member follows, and whether it still is that one.
 *
 * What is remembered across restarts (member/state.h) is the cluster's id and how far it had come:
 * its revision, which may have been overtaken since a backup was restored, and its raft term. When
 * the store turns out to have gone back (restored from a backup, made anew), the member is put on
 * hold: `held` is called once, the reason is kept on disk, and stays until the administrator has
 * agreed. Another cluster id needs no hold: the client does not talk to such endpoints at all.
 */
#ifndef MEMBER_ANCHOR_H
#define MEMBER_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct anchor;
struct etcd;
struct etcd_notice;
struct loop;
struct state;
struct state_etcd;

struct anchor_config {
	struct loop *loop;
	struct state *state;
	const char *collective_id;
	bool adopt; /* forget what was before */
	void (*held)(void *arg);
	void *arg;
};

int anchor_new(struct anchor **ret, const struct anchor_config *config, struct err *err) MUST_CHECK;
/* NULL is fine. */
void anchor_free(struct anchor *a);
/* The cluster to insist on, and how far it had come; zeroes where nothing is known. */
const struct state_etcd *anchor_known(const struct anchor *a);
/* The client that was made with it, and a key that may be read; before anything else below. */
void anchor_attach(struct anchor *a, struct etcd *etcd, const char *key);
void anchor_detach(struct anchor *a);
/* What the client reports. Logs it. */
void anchor_notice(struct anchor *a, const struct etcd_notice *notice);
/* What is known here is the prefix at this revision of that etcd. */
void anchor_applied(struct anchor *a, int64_t revision);
/* Everything was listed at this revision, or etcd was seen to be at it. */
void anchor_listed(struct anchor *a, int64_t revision);
/* Remembers now instead of at the next regular time. */
void anchor_save(struct anchor *a);
/* Why on hold; NULL when not. */
const char *anchor_why_held(const struct anchor *a);

#endif
