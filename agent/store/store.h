/*
 * struct store: the copy of the collective's keys on this member's disk (LMDB), so that a restart asks
 * etcd only for what came since.
 *
 * All functions block on the disk: they are called on a worker thread (never on the loop), one store
 * by one thread at a time, and log nothing.
 *
 * The happy path: store_begin() starts a new file, store_apply() fills it, piece by piece, the last
 * one with a mark, and store_publish() puts it in the place of the one that an earlier run left. From
 * then on each store_apply() is one commit of changes and the mark that they lead to.
 *
 * A copy is believed only whole. The keys of a file are checksummed one by one and all together (their
 * number and two sums over differently keyed hashes, kept with the mark), so that a lost, doubled or
 * changed one is found. The old file is read by another process (store_read() in a child, whose
 * output store/pack.h judges), so that a damaged file, which LMDB maps into memory and believes, can
 * at worst end that one; and no run writes into a file that it did not make itself.
 *
 * Durability. A file that is being filled is not synced until it is published. After that, each
 * commit syncs what it wrote before it writes the page that makes it valid, but not that page itself
 * (MDB_NOMETASYNC): a power cut may lose the last commits, which the next start then asks etcd for
 * (the mark says the revision), and leaves an older commit that is whole.
 *
 * Failures: -ENOSPC and other errors of the disk leave the file at the last commit that succeeded, and
 * the same changes can be applied again later. -EBADMSG: the file is not as it was left; close it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"

struct store;

#define STORE_ID_MAX 64

/* What the keys belong to. */
struct store_mark {
	char collective_id[STORE_ID_MAX];
	uint64_t cluster_id; /* etcd's */
	uint64_t raft_term;
	int64_t revision; /* the keys are the prefix at it */
	usec_t wall;	  /* CLOCK_REALTIME: the copy was current then */
};

struct store_kv {
	const char *key; /* relative to the prefix */
	size_t key_len;
	const char *value;
	size_t value_len;
	int64_t create_revision, mod_revision;
	int64_t lease;
};

/* Makes the folder where missing and a new file in it, beside the one that is there. */
int store_begin(struct store **ret, const char *folder, struct err *err) MUST_CHECK;
/* One transaction: changes are packed as in store/pack.h. mark NULL: more will follow before the file
 * can be published. */
int store_apply(struct store *store, const void *changes, size_t len, const struct store_mark *mark,
	struct err *err) MUST_CHECK;
/* What was applied last had a mark. Replaces the file that was there. */
int store_publish(struct store *store, struct err *err) MUST_CHECK;
/* Removes a file that was not published. NULL is fine. */
void store_close(struct store *store);

DEFINE_CLEANUP(struct store *, store_close)

/* The size of the published file in folder; -ENOENT where there is none. */
int store_size(const char *folder, size_t *ret, struct err *err) MUST_CHECK;
/* Bytes that may still be written there. */
uint64_t store_room(const char *folder);

/* Writes the published file in folder to fd as a stream (store/pack.h), its failure, too. For a
 * process of its own: damaged files may end it. Returns its exit status. */
int store_read(const char *folder, int fd);

#endif
