/*
 * The transactions of a change of the collective key: one for each step of core/rekey.h that writes to
 * etcd, and the one that begins a change.
 */
#ifndef APP_REKEY_STEPS_H
#define APP_REKEY_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/rekey.h"
#include "trust/kdf.h"

struct agent;
struct etcd_txn;

/* Compares this member's leadership and the change's revision; false: it does not lead. */
bool rekey_lead_fence(const struct agent *agent, struct etcd_txn *txn);

/* -ENOENT: there is nothing to be done (any more); -EACCES: not by this member. */
int rekey_step_txn(const struct agent *agent, enum rekey_step step, struct etcd_txn **ret,
	struct err *err) MUST_CHECK;

/* To a new key: the state, and the key wrapped for two members, this one and the leader where that is
 * another one; they wrap it for the others. -EBUSY where a change is under way, -EACCES where this member may not
 * write, -ENOKEY names a member whose public key is not known. */
int rekey_begin_txn(const struct agent *agent, const unsigned char key[KDF_KEY_LEN],
	struct etcd_txn **ret, struct err *err) MUST_CHECK;

/* Deletes what nobody needs any more, at most max of it (txn NULL: only counts). How many. */
size_t rekey_rests(const struct agent *agent, struct etcd_txn *txn, size_t max);

#endif
