/*
 * struct history: what happened to leadership and managers, as it is in etcd below history/: who, when,
 * why, how many. Entries are written in the very transaction that does what they tell of, so what is
 * told has happened, and what has happened is told.
 *
 * A key is history/<time>-<seq>: UTC as 20261122T075036.123456Z, and something that no other writer has.
 * The leader removes the oldest when there are more than HISTORY_MAX. Who shows them sorts by revision:
 * clocks differ.
 */
#ifndef RECORD_HISTORY_H
#define RECORD_HISTORY_H

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
#define HISTORY_REASON_MAX  500
#define HISTORY_FOLDER	    "history/"
/* In memory; when there are more the oldest are forgotten here, and stay in etcd. */
#define HISTORY_KEPT_MAX (2 * HISTORY_MAX)

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
	HISTORY_REBALANCE_ORDERED,
};
#define HISTORY_KINDS (HISTORY_REBALANCE_ORDERED + 1)
/* "leader", "failover", "drain-ordered", …: what the value and replies call it. */
const char *history_kind_name(enum history_kind kind);

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
	char *reason;	/* NULL: none */
	char batch[48]; /* entries of one plan have the same one; "" for none */
	int64_t fence;	/* create_revision of the leader key it was written under; 0: no leader's */
	struct history_count *counts; /* of moves */
	size_t n_counts;
};

struct history *history_new(void);
void history_free(struct history *history); /* NULL is fine */
void history_entry_done(struct history_entry *entry);

/* ---- feeding: see record/orders.h ---- */
void history_begin(struct history *history);
void history_end(struct history *history);
/* now: CLOCK_BOOTTIME, wall: CLOCK_REALTIME, of this machine. */
bool history_key(struct history *history, const char *path, const struct etcd_kv *kv, bool deleted,
	usec_t now, usec_t wall, int *ret_rc, struct err *err) MUST_CHECK;
/* Changes with each entry that comes or goes. */
uint64_t history_serial(const struct history *history);

/* ---- reading ---- */
size_t history_count(const struct history *history);
/* By revision, oldest first: struct history_entry. */
const struct list *history_list(const struct history *history);
/* When nodes of this member were last moved away because it was gone, on CLOCK_BOOTTIME of this
 * machine: what was seen happen by when it was seen, what is older by its age on the wall clock (never
 * in the future; negative where that was before this machine was started). 0: never, as far as is
 * known. *ret_revision: of the last of these moves; 0 where it is not known any more. */
usec_t history_moved_at(const struct history *history, const char *member, int64_t *ret_revision);
/* The latest one of a kind; NULL: there is none. */
const struct history_entry *history_last(const struct history *history, enum history_kind kind);
/* Who led last, "" where that is not known, and whether leadership was handed on since. */
const char *history_last_leader(const struct history *history, bool *ret_resigned);
/* An entry of the list lives on while it is held, also when it is history no more; its link does not. */
void history_hold(const struct history_entry *entry);
void history_release(const struct history_entry *entry);

/* ---- telling (history_telling.c) ---- */

/* The latest max (0: all) entries as they are now, for replies, oldest first, some at a time. Entries of
 * one batch become one: the moves added up, with the latest revision and the earliest time. Members that
 * are empty are left out:
 *
 *     {"kind":"failover","at":1795333837.25,"revision":"9812","by":"mgt1","actor":"leader",
 *      "member":NAME,"from":NAME,"to":NAME,"reason":TEXT,"fence":"812","nodes":63,
 *      "moves":[{"from":"mgt2","to":"mgt1","nodes":32},{"from":"mgt2","to":"mgt3","nodes":31}]} */
struct history_telling;
struct history_telling *history_telling_new(const struct history *history, size_t max);
void history_telling_free(struct history_telling *telling); /* NULL is fine */
/* 1: *ret is the next, new. 0: there are no more. -EAGAIN: call again. No call takes more than a
 * millisecond or two. */
int history_telling_next(struct history_telling *telling, json **ret) MUST_CHECK;

/* ---- the value of a key (history_entry.c) ---- */

/* New. What is not valid in its texts is replaced, what is too long is cut. */
char *history_encode(const struct history_entry *entry);
/* *ret is to be released with history_entry_done(); without key and revision. */
int history_decode(
	struct history_entry *ret, const char *value, size_t len, struct err *err) MUST_CHECK;
/* One entry, or the sum of several, for replies; new. */
json *history_tell(const struct history_entry *entry);

/* ---- writing ---- */
/* A key that nobody else has. by: this member. One key is good for one change: a transaction that may be
 * sent again compares that it is not there yet, and so is applied once only. */
void history_make_key(char ret[HISTORY_KEY_MAX], usec_t wall, const char *by);
/* Puts the entry under its key (prefix in front) into the transaction. */
void history_put(struct etcd_txn *txn, const char *prefix, const struct history_entry *entry);
/* Deletes the oldest beyond HISTORY_MAX, at most max of them. How many. (A key is never written again, so
 * there is nothing to compare.) */
size_t history_prune(
	const struct history *history, struct etcd_txn *txn, const char *prefix, size_t max);

#endif
