/*
 * A small etcd behind the scripted gateway: keys, revisions, transactions with all compares that ours
 * use, and the ways in which the answer to one can be lost.
 */
#ifndef TESTS_UNIT_TEST_ETCD_KV_H
#define TESTS_UNIT_TEST_ETCD_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/test_etcd_fake.h"

#define KV_KEYS_MAX   512
#define KV_FAULTS_MAX 16
#define KV_KEPT_MAX   16

struct kv_key {
	char *key, *value;
	int64_t create, mod; /* mod 0: gone */
	int64_t lease;
};

enum kv_fault {
	KV_FINE,
	KV_TWICE,	  /* fine, and a copy comes later: kv_replay() */
	KV_APPLY_AND_CUT, /* applied, the answer is lost */
	KV_CUT,		  /* lost on the way there */
	KV_KEEP,	  /* lost for now: kv_replay() applies it */
	KV_RETRIED,	  /* the same, but libcurl sends it again by itself */
	KV_HANG,	  /* never answered, not applied */
	KV_FULL,	  /* no space: refused */
	KV_APPLY_FULL,	  /* the one that used up the space: applied, answered as refused */
	KV_FORBIDDEN,
};

struct kv {
	struct fake fake;
	struct kv_key keys[KV_KEYS_MAX];
	size_t n;
	enum kv_fault faults[KV_FAULTS_MAX]; /* of the next writes, in order */
	size_t n_faults, at;
	enum kv_fault always;	 /* when those are used up */
	char *kept[KV_KEPT_MAX]; /* bodies that come later */
	size_t n_kept;
	unsigned txns;	  /* that arrived, reads excepted */
	unsigned applied; /* whose compares held */
	unsigned puts;	  /* of keys below nodes/ */
	size_t most_ops;
	/* Just before the next write is looked at; once. */
	void (*before)(struct kv *kv, void *arg);
	void *arg;
};

struct loop;

void kv_open(struct kv *kv, struct loop *loop);
void kv_close(struct kv *kv);
/* The newest revision. */
int64_t kv_put(struct kv *kv, const char *key, const char *value);
void kv_delete(struct kv *kv, const char *key);
/* Never NULL; mod 0 and value "" where there is none. */
const struct kv_key *kv_get(const struct kv *kv, const char *key);
void kv_fault(struct kv *kv, enum kv_fault fault); /* one more */
/* The oldest that was kept arrives now: true when its compares hold. */
bool kv_replay(struct kv *kv);

#endif
