/*
 * struct orders: what administrators have ordered about automatic moves, as it is in etcd (docs/keyspace.md):
 *
 *     pause            no automatic moves until it is gone      {"by","actor","at","reason"}
 *     drains/<member>  its nodes go to others, and it is not    {"by","actor","at","reason","force"}
 *                      chosen until it is gone
 *     rebalance        even out, once; the leader counts it     {"by","actor","at","id","max","left"}
 *                      down and removes it
 *
 * It is fed what is in etcd (member/feed.h); a value that can't be read is odd: it is told once,
 * counted, and a pause or drain counts all the same (to stop is the safe side), with the reason not
 * known; a rebalance does not.
 */
#ifndef RECORD_ORDERS_H
#define RECORD_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/name.h"
#include "base/usec.h"
#include "wire/json.h"

struct etcd_kv;
struct orders;

#define ORDERS_REASON_MAX 500
#define ORDERS_ACTOR_MAX  32
#define ORDERS_ID_MAX	  40
#define ORDERS_PAUSE	  "pause"
#define ORDERS_DRAINS	  "drains/"
#define ORDERS_REBALANCE  "rebalance"

struct order {
	struct list link;
	int64_t mod_revision;	       /* 0: there is none */
	char member[NAME_MAX_LEN + 1]; /* of a drain */
	char by[NAME_MAX_LEN + 1];     /* the member where it was given */
	char actor[ORDERS_ACTOR_MAX];  /* "root", "uid 1000" */
	char reason[ORDERS_REASON_MAX + 1];
	usec_t at; /* wall clock */
	bool force;
	/* rebalance */
	char id[ORDERS_ID_MAX];
	int64_t max, left; /* moves */
};

struct orders *orders_new(void);
void orders_free(struct orders *orders); /* NULL is fine */

/* ---- feeding (member/feed.h) ---- */

/* Around a complete listing: what was not in it is gone at its end, not before. */
void orders_begin(struct orders *orders);
void orders_end(struct orders *orders);
/* path is relative to the prefix. False: not a key of these. *ret_rc is -EINVAL, with a text, where the
 * key is odd, else 0. deleted: of kv only key and mod_revision are set. */
bool orders_key(struct orders *orders, const char *path, const struct etcd_kv *kv, bool deleted,
	int *ret_rc, struct err *err) MUST_CHECK;
/* Changes with each change of what is ordered. */
uint64_t orders_serial(const struct orders *orders);

/* ---- reading ---- */
const struct order *orders_pause(const struct orders *orders);	   /* NULL: not paused */
const struct order *orders_rebalance(const struct orders *orders); /* NULL: none is under way */
const struct order *orders_drain(const struct orders *orders, const char *member);
const struct list *orders_drains(const struct orders *orders); /* of struct order, natural order */
/* {"by","actor","at","reason"…} for replies, at in seconds since 1970; new. */
json *order_tell(const struct order *order);
/* "by root on mgt1 at 2026-11-22 07:50:36 UTC: reason", for people; what is not known is left out, and
 * it is "" where nothing is. New. */
char *order_text(const struct order *order);

/* ---- the value of a key ---- */

/* New. */
char *order_encode(const struct order *order);
/* path tells which order it is. Also where it fails *ret is an order, with what is known of it: member and
 * mod_revision. */
int order_decode(
	struct order *ret, const char *path, const struct etcd_kv *kv, struct err *err) MUST_CHECK;

#endif
