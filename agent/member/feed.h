/*
 * struct feed: turns the keys that sync delivers into the core's events, and gives orders and history
 * theirs. What is malformed or was
 * written by no member is told once in the log, counted, and given to the core marked as such.
 */
#ifndef MEMBER_FEED_H
#define MEMBER_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/coord.h"
#include "etcd/codec.h"

struct feed;
struct history;
struct identity;
struct keyring;
struct orders;

struct feed_config {
	const struct identity *identity;
	/* Fed, too. */
	struct keyring *keyring;
	struct orders *orders;
	struct history *history;
	const char *prefix;
};

typedef void feed_event_fn(const struct coord_event *event, void *arg);

/* The prefix is copied; all else must outlive the feed. */
struct feed *feed_new(const struct feed_config *config, feed_event_fn *fn, void *arg);
void feed_free(struct feed *feed);
/* Around a complete listing. */
void feed_begin(struct feed *feed, int64_t revision);
void feed_end(struct feed *feed, int64_t revision);
/* Keys that are none of these are passed over. deleted: only key and mod_revision are set. */
void feed_key(struct feed *feed, const struct etcd_kv *kv, bool deleted);
/* A key of the copy on disk, before etcd has answered: nothing for the core. */
void feed_early(struct feed *feed, const char *path, const char *value, size_t len);
/* Keys there now that can't be used. */
size_t feed_odd_keys(const struct feed *feed);

#endif
