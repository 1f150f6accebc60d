/*
 * struct etcd_txn: a transaction being put together.
 *
 * Compares are and-ed; when all hold the operations of ETCD_THEN are applied in order, otherwise
 * those of ETCD_ELSE, in one revision. A text key is a key without NUL, as all of ours are; a
 * prefix stands for every key that begins with it. Keys and values are copied at once, so that the
 * caller's may go. An addition that would pass a ceiling is remembered and reported by
 * etcd_txn_encode(): build first, ask once.
 *
 * The ceilings leave room below etcd's own defaults (128 in each of compare, then, else; 1.5 MiB).
 * A put without its lease on a key that has one detaches the key from the lease, so the lease is
 * always named (0: none). One key may be written once only in a branch (etcd refuses more).
 */
#ifndef ETCD_TXN_H
#define ETCD_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define ETCD_TXN_OPS_MAX   126
#define ETCD_TXN_BYTES_MAX ((size_t)1 << 20)

struct etcd_txn;

enum etcd_relation { ETCD_EQUAL, ETCD_NOT_EQUAL, ETCD_GREATER, ETCD_LESS };
enum etcd_branch { ETCD_THEN, ETCD_ELSE };

struct etcd_txn *etcd_txn_new(void);
void etcd_txn_free(struct etcd_txn *txn); /* NULL is fine */
DEFINE_CLEANUP(struct etcd_txn *, etcd_txn_free)

/* Of a key that does not exist, create, mod, version and lease are 0, and a compare with its value
 * is always false. */
void etcd_txn_if_create(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t revision);
void etcd_txn_if_mod(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t revision);
void etcd_txn_if_version(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t version);
void etcd_txn_if_lease(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t lease);
void etcd_txn_if_value(struct etcd_txn *txn, const char *key, enum etcd_relation relation,
	const void *value, size_t len);
/* Nothing exists below prefix. */
void etcd_txn_if_empty(struct etcd_txn *txn, const char *prefix);
/* What exists below prefix was last written at this revision or before it. (What was deleted since
 * does not show.) */
void etcd_txn_if_unchanged(struct etcd_txn *txn, const char *prefix, int64_t revision);
/* There is something below prefix, and all of it has this mod_revision; 0: there is nothing. */
void etcd_txn_if_all_mod(struct etcd_txn *txn, const char *prefix, int64_t revision);

void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const void *value,
	size_t len, int64_t lease);
void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key);
void etcd_txn_delete_prefix(struct etcd_txn *txn, enum etcd_branch branch, const char *prefix);
void etcd_txn_get(struct etcd_txn *txn, enum etcd_branch branch, const char *key);
/* limit 0: all of them (keep the answer's ceiling in mind). */
void etcd_txn_get_prefix(
	struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t limit);
/* The number of keys below prefix at that revision (0: now), and no key. */
void etcd_txn_count(
	struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t revision);

/* Is there room for so many more compares, operations in one branch, and bytes of keys and values?
 *  */
bool etcd_txn_fits(const struct etcd_txn *txn, size_t compares, size_t ops, size_t bytes);
bool etcd_txn_writes(const struct etcd_txn *txn); /* a put or delete in either branch */

/* Appends the gateway's JSON. -E2BIG or -EMSGSIZE when a ceiling was passed, -EINVAL for an empty
 * key. */
int etcd_txn_encode(const struct etcd_txn *txn, struct buf *b, struct err *err) MUST_CHECK;

#endif
