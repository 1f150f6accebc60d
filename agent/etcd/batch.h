/*
 * struct etcd_batch: which events of a watch may be applied, and when.
 *
 * A revision is applied as a whole or not at all. etcd cuts large answers into messages marked
 * "fragment", so the events of the last revision in such a message are kept until a later message
 * shows that the revision is complete. Events at or below what was applied already are dropped;
 * revisions that go down within a watch are an error. Pure.
 */
#ifndef ETCD_BATCH_H
#define ETCD_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "etcd/codec.h"

/* Of what is kept back for one revision, in bytes of JSON. */
#define ETCD_BATCH_HELD_MAX ((size_t)64 << 20)

struct etcd_batch_held;

struct etcd_batch {
	int64_t applied; /* everything through this revision was delivered */
	int64_t last;	 /* the newest revision met */
	struct etcd_batch_held *held;
	size_t n_held;
	size_t held_bytes;
};

typedef void etcd_batch_fn(const struct etcd_event *event, void *arg);

void etcd_batch_init(struct etcd_batch *batch, int64_t applied);
void etcd_batch_done(struct etcd_batch *batch);
/* Takes the message over, in every case; bytes is what it measured as JSON. Delivers what may be
 * applied and raises `applied`. -EPROTO for events out of order, -EMSGSIZE when too much would be
 * kept back. */
int etcd_batch_take(struct etcd_batch *batch, struct etcd_watch_message *message, size_t bytes,
	etcd_batch_fn *fn, void *arg, struct err *err) MUST_CHECK;

#endif
