/*
 * struct history: what happened to leadership and managers, as it is in etcd below history/: who, when,
 * why, how many. Entries are written in the very transaction that does what they tell of, so what is
 * told has happened, and what has happened is told.
 *
 * A key is history/<time>-<seq>: UTC as 20261122T075036.123456Z, and something that no other writer has.
 * The leader removes the oldest when there are more than HISTORY_MAX. Who shows them sorts by revision:
 * clocks differ.
 */
#ifndef APP_HISTORY_H
#define APP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/name.h"
#include "base/usec.h"
#include "wire/json.h"

#define HISTORY_MAX	    1000
#define HISTORY_FROM_TO_MAX 64 /* pairs in one entry */
#define HISTORY_KEY_MAX	    128

struct etcd_kv;
struct etcd_txn;
struct history;

enum history_kind {
	HISTORY_LEADER,	   /* from, to: who led before (may be ""), who leads */
	HISTORY_RESIGN,	   /* from: handed leadership on */
	HISTORY_FAILOVER,  /* moves, because their managers were gone */
	HISTORY_DRAIN,	   /* moves, because of a drain */
	HISTORY_REBALANCE, /* moves, because of a rebalancing */
	HISTORY_DRAIN_ORDERED,
	HISTORY_DRAIN_ENDED,
	HISTORY_PAUSED,
	HISTORY_RESUMED,
};

struct history_count {
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];
	size_t nodes;
};

struct history_entry {
	struct list link;
	char key[HISTORY_KEY_MAX]; /* relative to the prefix */
	int64_t revision;	   /* of the last write */
	enum history_kind kind;
	usec_t at;		       /* wall clock of the member that wrote it */
	char by[NAME_MAX_LEN + 1];     /* that member */
	char actor[32];		       /* who wanted it: "leader", "root", "uid 1000" */
	char member[NAME_MAX_LEN + 1]; /* whom an order is about */
	char from[NAME_MAX_LEN + 1], to[NAME_MAX_LEN + 1];
	char *reason;
	char batch[48]; /* entries of one plan have the same one; "" for none */
	int64_t fence;	/* create_revision of the leader key it was written under; 0: no leader's */
	struct history_count *counts; /* of moves */
	size_t n_counts;
};

struct history *history_new(void);
void history_free(struct history *history); /* NULL is fine */
void history_entry_done(struct history_entry *entry);

/* ---- feeding: see app/orders.h ---- */
void history_begin(struct history *history);
void history_end(struct history *history, int64_t revision);
bool history_key(struct history *history, const char *path, const struct etcd_kv *kv, bool deleted,
	usec_t now, usec_t wall, int *rc, struct err *err);

/* ---- reading ---- */
size_t history_count(const struct history *history);
/* By revision, oldest first: struct history_entry. */
const struct list *history_list(const struct history *history);
/* When nodes of this member were last moved away because it was gone, on CLOCK_BOOTTIME of this
 * machine: what was seen happen by when it was seen, what is older by its age on the wall clock (never
 * in the future). 0: never, as far as is known. */
usec_t history_moved_at(const struct history *history, const char *member);
/* Who led last, "" where that is not known, and whether leadership was handed on since. */
const char *history_last_leader(const struct history *history, bool *ret_resigned);
/* One entry for replies; new. Those of one batch become one: history_tell_all() (at most max, the latest). */
json *history_tell_all(const struct history *history, size_t max);

/* ---- writing ---- */
/* A key that nobody else has. by: this member. */
void history_make_key(char ret[HISTORY_KEY_MAX], usec_t wall, const char *by);
/* Puts the entry under its key (prefix in front) into the transaction. */
void history_put(struct etcd_txn *txn, const char *prefix, const struct history_entry *entry);
/* Deletes the oldest beyond HISTORY_MAX, at most max of them. How many. */
size_t history_prune(
	const struct history *history, struct etcd_txn *txn, const char *prefix, size_t max);

#endif
