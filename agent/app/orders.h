/*
 * struct orders: what administrators have ordered about automatic moves, as it is in etcd (docs/keyspace.md):
 *
 *     pause            no automatic moves until it is gone      {"by","actor","at","reason"}
 *     drains/<member>  its nodes go to others, and it is not    {"by","actor","at","reason","force"}
 *                      chosen until it is gone
 *     rebalance        even out, once; the leader counts it     {"by","actor","at","id","max","left"}
 *                      down and removes it
 *
 * It is fed what is in etcd (app/feed.h); a value that can't be read is odd: it is told once, counted,
 * and a pause or drain counts all the same (to stop is the safe side), with the reason not known; a
 * rebalance does not.
 */
#ifndef APP_ORDERS_H
#define APP_ORDERS_H

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

/* ---- feeding, as the keyring's ---- */
void orders_begin(struct orders *orders);
void orders_end(struct orders *orders);
/* path is relative to the prefix. False: not a key of these. -EINVAL in *rc with a text where it is odd. */
bool orders_key(struct orders *orders, const char *path, const struct etcd_kv *kv, bool deleted,
	int *rc, struct err *err);
/* Changes with each change of what is ordered. */
uint64_t orders_serial(const struct orders *orders);

/* ---- reading ---- */
const struct order *orders_pause(const struct orders *orders);	   /* NULL: not paused */
const struct order *orders_rebalance(const struct orders *orders); /* NULL: none is under way */
const struct order *orders_drain(const struct orders *orders, const char *member);
const struct list *orders_drains(const struct orders *orders); /* of struct order, natural order */
/* {"by","actor","at","reason"…} for replies; new. */
json *order_tell(const struct order *order);

/* ---- writing ---- */
/* The value for etcd; new. */
char *order_encode(const struct order *order);

#endif
