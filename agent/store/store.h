/*
 * struct store: the copy of the collective's keys on this member's disk (LMDB), so that a restart asks
 * etcd only for what came since.
 *
 * All functions block on the disk: they are called on a worker thread (never on the loop), one store
 * by one thread at a time, and log nothing.
 *
 * The happy path: store_load() reads what an earlier run left; store_begin() starts a new file with
 * everything in it, which replaces the old one when it is complete (store_publish()); from then on each
 * batch of changes is one store_commit(), with the revision that it leads to.
 *
 * A copy is believed only whole. The keys of a file are checksummed one by one and all together (their
 * number and a sum over their hashes, kept with each commit), so that a lost, doubled or changed one
 * is found. The old file is read by another process (`program`, run with --read-copy), so that a
 * damaged file, which LMDB maps into memory and believes, can at worst end that one; and no run
 * writes into a file that it did not make itself.
 *
 * Failures: -ENOENT nothing there; -EBADMSG damaged, or of another collective or format (the file is
 * left alone until a new one replaces it); -ENOSPC and other errors of the disk leave the file at the
 * last commit that succeeded.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"

struct store;

/* What the keys belong to. */
struct store_mark {
	char collective_id[64];
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

#endif
