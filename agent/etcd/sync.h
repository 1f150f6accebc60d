/*
 * struct etcd_sync: keeps its owner's picture of a prefix the same as etcd's.
 *
 * The happy path: everything is listed at one revision R (`begin`, `kv`, `end`), then watched
 * from R + 1 (`event`, `batch`), for ever. The owner compares what a listing showed with what it
 * had, so that nothing flaps: what did not come between begin and end is gone. A `begin` may come
 * at any time, in the middle of a listing, too (that one is void then).
 *
 * Failures. A watch that ends is resumed at the last revision applied + 1 on another endpoint,
 * after 100 ms to 2 s; one that can't be (compacted, too large), or a store that went back, is
 * listed anew. Two pulse periods without an event lead to a linearizable read of the pulse key:
 * when that is newer than what was applied, the watch is dead though it looks alive. `lost` says
 * that the picture may have become old. `live` says that it is current: that it has all that the store
 * had when the watch had been created, however much that was. Both are told once a change. What
 * decides all this is etcd/sync_core.h.
 */
#ifndef ETCD_SYNC_H
#define ETCD_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"
#include "etcd/codec.h"

struct loop;
struct etcd;
struct etcd_sync;

struct etcd_sync_ops {
	void (*begin)(int64_t revision, void *arg);
	void (*kv)(const struct etcd_kv *kv, void *arg);
	void (*end)(int64_t revision, void *arg);
	void (*event)(const struct etcd_event *event, void *arg);
	/* All through revision was delivered; there may have been nothing. */
	void (*batch)(int64_t revision, void *arg);
	void (*live)(int64_t revision, void *arg);
	void (*lost)(const char *reason, void *arg);
};

struct etcd_sync_config {
	const char *prefix;    /* what is kept in step: begins and ends with '/' */
	const char *pulse_key; /* put regularly by somebody; NULL: none */
	usec_t silence;	       /* 0: 30 s */
	int64_t page;	       /* keys a page; 0: ETCD_SYNC_PAGE (sync_core.h) */
	int64_t known_revision; /* > 0: the owner has the state at it, only what came since is wanted */
	int64_t known_pulse; /* mod_revision of the pulse key at it; 0: not known, or no such key */
	uint64_t seed;
};

struct etcd_sync *etcd_sync_new(struct etcd *etcd, struct loop *loop,
	const struct etcd_sync_config *config, const struct etcd_sync_ops *ops, void *arg);
void etcd_sync_free(struct etcd_sync *sync);
DEFINE_CLEANUP(struct etcd_sync *, etcd_sync_free)

/* A write of the owner's was applied at `revision` below the prefix: it must be seen within 5 s. */
void etcd_sync_expect(struct etcd_sync *sync, int64_t revision);
/* List again, whatever the state. */
void etcd_sync_again(struct etcd_sync *sync, const char *reason);

struct etcd_sync_status {
	const char *state;  /* "listing", "opening", "live", "waiting", … */
	const char *reason; /* of the last change */
	usec_t since;
	usec_t next;	   /* wake-up, USEC_NEVER where none */
	int64_t revision;  /* applied */
	usec_t current_at; /* the picture was certainly current then; 0: never */
	bool live;
	const char *endpoint; /* of the watch; "" */
	unsigned listings, resumptions;
};
void etcd_sync_status(const struct etcd_sync *sync, struct etcd_sync_status *ret);

#endif
