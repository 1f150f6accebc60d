/*
 * Numbers for new nodes (id.index). The key `nodeindex` holds the next one; who needs some raises it
 * first, in a transaction that compares what it read, so that no number is given out twice. Numbers
 * that were reserved for nothing, as by a command that failed, or by a reservation whose answer
 * was lost, are gaps.
 *
 * Where the key is missing or is no number, counting goes on behind the highest id.index there is.
 */
#ifndef WRITE_NUMBERS_H
#define WRITE_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct etcd;
struct loop;
struct numbers;

/* How far numbers go: what is behind is not given out. */
#define NUMBERS_MAX INT64_C(1000000000000)

/* Once, from the loop. 0: first to first + count - 1 are the caller's. */
typedef void numbers_done_fn(int rc, const char *why, int64_t first, void *arg);

struct numbers_request {
	struct loop *loop;
	struct etcd *etcd;
	const char *prefix;
	const char *record_key; /* of this member's record, the whole key */
	int64_t record_rev;	/* R2: its mod_revision */
	const struct db *db;	/* may be NULL; not used after numbers_reserve() returned */
	size_t count;
	int64_t above; /* all of them are greater than this one */
};

struct numbers *numbers_reserve(
	const struct numbers_request *request, numbers_done_fn *done, void *arg);
/* done is not called any more. NULL is fine. */
void numbers_cancel(struct numbers *numbers);

#endif
