/*
 * struct replica_disk: keeps the copy on disk (store/store.h) behind the picture in memory, on the
 * worker thread, one job at a time.
 *
 * The happy path: replica_disk_begin(), all keys (replica_disk_add()) and replica_disk_complete() make
 * a new file, which is published; the changes after that (replica_disk_change()) are committed
 * together, a second after the first of them. Changes that come while the file is being filled wait.
 *
 * Failures: a commit that fails (the disk is full) is made again a minute later, with what came since.
 * When that is more than waits (REPLICA_DISK_WAITING_MAX), or a new file could not be filled, the file
 * that is published stays as it is, and once the disk has room again, `want_all` asks for all keys.
 */
#ifndef COPY_REPLICA_DISK_H
#define COPY_REPLICA_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "store/store.h"

struct loop;
struct replica_disk;
struct worker;

#define REPLICA_DISK_WAITING_MAX ((size_t)64 << 20)

struct replica_disk_config {
	struct loop *loop;
	struct worker *disk;
	const char *folder;
	usec_t retry; /* 0: a minute */
	void (*want_all)(void *arg);
	void *arg;
};

struct replica_disk *replica_disk_new(const struct replica_disk_config *config);
/* What waits is committed, in the background. NULL is fine. */
void replica_disk_free(struct replica_disk *disk);

void replica_disk_begin(struct replica_disk *disk);
/* frames (`P`, see store/pack.h) are a part of owned, which is taken. */
void replica_disk_add(struct replica_disk *disk, char *owned, const char *frames, size_t len);
void replica_disk_complete(struct replica_disk *disk, const struct store_mark *mark);
/* Copied. mark: what they lead to. */
void replica_disk_change(
	struct replica_disk *disk, const void *frames, size_t len, const struct store_mark *mark);

struct replica_disk_status {
	const char *state;   /* "none", "writing", "current", "failed" */
	const char *trouble; /* "" */
	int64_t stored;	     /* revision */
	uint64_t commits;
	size_t waiting; /* bytes */
};
void replica_disk_status(const struct replica_disk *disk, struct replica_disk_status *ret);

#endif
