/*
 * struct writer_coat: makes of a value what etcd gets to see of it (R9): plain text as it is, secrets
 * sealed for their key, and of crypted.* a salted hash.
 *
 * Sealing takes microseconds. Hashing takes milliseconds, by design: it is done on the worker thread,
 * once per attribute and value; who asks meanwhile is told to come back.
 */
#ifndef WRITE_WRITER_COAT_H
#define WRITE_WRITER_COAT_H

#include <stddef.h>

#include "base/err.h"

struct etcd_txn;
struct identity;
struct plan_op;
struct plan_unit;
struct worker;
struct writer_coat;

/* ready: a hash is there (or failed), from the loop. */
struct writer_coat *writer_coat_new(struct worker *worker, const struct identity *identity,
	void (*ready)(void *arg), void *arg);
/* Wipes. NULL is fine. */
void writer_coat_free(struct writer_coat *coat);
/* *ret is new (wipe it) or, for plain text, NULL: the operation's own value is meant. -EAGAIN: a hash
 * is being made, `ready` tells when to ask again. Else an error whose text says whose value it is. */
int writer_coat_value(
	struct writer_coat *coat, const struct plan_op *op, char **ret, struct err *err) MUST_CHECK;

/* Adds the compare that what is sealed in the unit needs (identity/keyring.h); how many compares
 * that is: 0 or 1. txn NULL: only counts. */
size_t writer_coat_guard(const struct writer_coat *coat, const char *prefix,
	const struct plan_unit *unit, struct etcd_txn *txn);

#endif
