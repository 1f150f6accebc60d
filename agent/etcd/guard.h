/*
 * struct etcd_guard: what the headers of answers say about the cluster as a whole: is it the same
 * cluster, is the answering member up to date, did the store go back. Pure.
 */
#ifndef ETCD_GUARD_H
#define ETCD_GUARD_H

#include <stdint.h>

#include "base/usec.h"
#include "etcd/codec.h"

/* How long and how often linearizable answers must have the lower term before it is believed:
 * longer than a deposed leader's answers can be on their way. */
#define ETCD_GUARD_LOW_TIME  (5 * USEC_PER_SEC)
#define ETCD_GUARD_LOW_COUNT 3

struct etcd_guard {
	uint64_t cluster_id; /* 0: none met yet */
	uint64_t term;	     /* highest seen */
	int64_t revision;    /* highest seen */
	unsigned setbacks;   /* times the store went back */
	usec_t low_since;    /* of the answers with a lower term */
	unsigned low_count;
};

enum etcd_verdict {
	ETCD_GUARD_GOOD,
	ETCD_GUARD_STALE,	  /* ignore the answer */
	ETCD_GUARD_FOREIGN,	  /* another cluster: ignore the answer and the endpoint */
	ETCD_GUARD_REVISION_BACK, /* believe it; everything read before is void */
	ETCD_GUARD_TERM_BACK,	  /* the same */
};

/* known: guard->revision when the request was sent, for an answer that is linearizable (which a
 * later one can't be older than); -1 for an answer from the member's own state. */
enum etcd_verdict etcd_guard_judge(
	struct etcd_guard *guard, const struct etcd_header *header, int64_t known, usec_t now);

#endif
