/*
 * A unit of a plan put into a transaction: its compares and operations under their whole keys, its
 * values as etcd may see them.
 */
#ifndef WRITE_WRITER_UNIT_H
#define WRITE_WRITER_UNIT_H

#include "base/err.h"

struct etcd_txn;
struct plan_unit;
struct writer_coat;

/* The whole of it, or nothing: 0; -EAGAIN: a hash is being made, come back when `ready` of the coat is
 * called; -E2BIG: no room beside what is there already (and what a slot adds); else refused, with a
 * text. */
int writer_unit_add(struct etcd_txn *txn, const char *prefix, struct writer_coat *coat,
	const struct plan_unit *unit, struct err *err) MUST_CHECK;

#endif
