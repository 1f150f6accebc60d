/*
 * struct change: one conditional write to etcd, seen through until its outcome is certain or its
 * time is over.
 *
 * The happy path: build a transaction, commit it, done. An outcome that is not known is answered by
 * committing the same condition again: if the first attempt was applied, the compare fails now and
 * the reads of the other branch show one's own value, which `verdict` recognises. So nothing is
 * written twice and nothing is reported that is not so; what is still unknown at the deadline is
 * reported as unknown.
 */
#ifndef WRITE_CHANGE_H
#define WRITE_CHANGE_H

#include "base/err.h"
#include "base/usec.h"
#include "etcd/client.h"

struct change;
struct loop;

struct change_ops {
	/* A new transaction, with the facts as they are known now. */
	struct etcd_txn *(*build)(void *arg);
	/* A compare did not hold; reply has the reads of the other branch. 0: an earlier attempt
	 * of this change was applied, all is done. 1: the facts are better known now, build again.
	 * Negative errno with a text: refused. */
	int (*verdict)(const struct etcd_reply *reply, struct err *err, void *arg);
	/* Once, from the loop. 0: applied; revision is etcd's then. -EINPROGRESS: not known; else
	 * certainly not applied. */
	void (*done)(int rc, const char *why, int64_t revision, void *arg);
};

struct change *change_new(struct loop *loop, struct etcd *etcd, usec_t timeout,
	const struct change_ops *ops, void *arg);
/* done is not called any more; what was sent may still be applied. NULL is fine. */
void change_free(struct change *change);

#endif
