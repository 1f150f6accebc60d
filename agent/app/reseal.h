/*
 * struct reseal: one pass over the database in which every secret that is sealed with another key than
 * the current one is sealed anew, in transactions that compare the value's mod_revision, the leadership
 * and the change (core/rekey.h).
 *
 * The happy path: nodes, then groups, some milliseconds of them per turn of the loop; a batch is
 * committed when it is full. `found` counts what was not under the current key when it was looked at;
 * a pass that finds none, from a copy that is at the change's revision or later, proves that none is left,
 * since nothing sealed with the former key is written any more.
 *
 * Failures: a value that somebody changed meanwhile is left to the next pass; one that does not open
 * (moved, damaged, or under a key that was lost long ago) stays as it is and is told once. The pass is
 * given up when the copy is replaced by a new listing or etcd does not answer.
 */
#ifndef APP_RESEAL_H
#define APP_RESEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct etcd_txn;
struct reseal;

/* Adds the compares of the leadership; false: not any more. */
typedef bool reseal_fence_fn(struct etcd_txn *txn, void *arg);
/* Once, from the loop. rc 0: the pass is complete. revision: the last that it wrote, 0: none. */
typedef void reseal_done_fn(int rc, size_t found, int64_t revision, void *arg);

/* since: the copy must be at this revision. fence NULL: nothing is written, only counted. */
struct reseal *reseal_new(struct agent *agent, int64_t since, reseal_fence_fn *fence,
	reseal_done_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void reseal_free(struct reseal *reseal);

#endif
