/*
 * struct etcd_watch: one streamed watch of a range of keys, on one endpoint, until it ends.
 *
 * The happy path: `created`, then events in order of their revision, each exactly once, and `batch`
 * whenever everything up to a revision has been delivered. It ends once, through `ended`, and is of
 * no use afterwards (free it): every way a watch can fail ends it: an HTTP status, an error in the
 * stream, canceled (with or without `created`), the clean end of the body, a connection cut, no
 * `created` within 3 s, a message that is no JSON, events out of order, and its endpoint failing in
 * other calls. Resuming is up to the owner, who knows the last revision applied: see etcd/sync.h.
 *
 * Silence can't be told from peace by looking at the stream. Who knows of a change that must come
 * (its own write, the leader's pulse) says so with etcd_watch_expect().
 */
#ifndef ETCD_WATCH_H
#define ETCD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "etcd/codec.h"

struct etcd;
struct etcd_watch;

enum etcd_watch_end {
	ETCD_WATCH_FAILED,    /* go on elsewhere, from the last revision applied + 1 */
	ETCD_WATCH_COMPACTED, /* the start revision is no more, or a message too large: list again */
	ETCD_WATCH_REFUSED,   /* permission, log-in, cluster: elsewhere will hardly be better */
	ETCD_WATCH_SILENT,    /* what was expected did not come */
};

struct etcd_watch_ops {
	void (*created)(int64_t head, void *arg); /* head: the revision of that member's store */
	void (*event)(const struct etcd_event *event, void *arg);
	void (*batch)(int64_t revision, void *arg);
	void (*progress)(int64_t revision, void *arg); /* nothing happened; may be NULL */
	void (*ended)(enum etcd_watch_end why, const char *text, void *arg);
};

/* Watches every key that begins with prefix, from start_revision (> 0). */
struct etcd_watch *etcd_watch_new(struct etcd *etcd, const char *prefix, int64_t start_revision,
	const struct etcd_watch_ops *ops, void *arg);
/* From a callback, too. Nothing is called any more. */
void etcd_watch_free(struct etcd_watch *watch);
DEFINE_CLEANUP(struct etcd_watch *, etcd_watch_free)
/* A change at `revision` or later was made below the prefix: it must be seen within that time, or the
 * watch ends as silent. The time begins anew with each event, or piece of one, that comes; etcd's notices
 * of progress don't count: one that is cut off sends them, too. */
void etcd_watch_expect(struct etcd_watch *watch, int64_t revision, usec_t within);
/* What the watch sends up to that revision is known, and is left out. `batch` is not called for it. */
void etcd_watch_skip(struct etcd_watch *watch, int64_t revision);
/* Once created: no events, nor the end of the stream, until it is let go on. */
void etcd_watch_hold(struct etcd_watch *watch, bool hold);
/* Which endpoint; "" before one was chosen. */
const char *etcd_watch_endpoint(const struct etcd_watch *watch);

#endif
