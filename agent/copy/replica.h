/*
 * struct replica: this member's copy of the collective's keys: nodes, groups and attributes as a
 * struct db to read from, the others as they are, and all of them on disk (store/store.h), so that a
 * restart asks etcd only for what came since.
 *
 * Who keeps it in step feeds it what etcd/sync.h delivers. A revision is applied as a whole when
 * its batch ends, and a listing is built beside what is there and takes its place when it ends, so
 * that what can be read is at every moment the prefix as it was at one revision. No other turn
 * of the loop than those changes the db.
 *
 * The happy path: replica_load() reads the copy on disk in another process and a few milliseconds at
 * a time; `loaded` is called, and what was read can be read from then on. What has been loaded or
 * listed is written to a new file on the worker thread; the changes that follow are committed to it
 * about once a second.
 *
 * Failures: a copy on disk that is missing, damaged or another collective's is told in the log and
 * not used; everything is listed then. A disk that is full or fails leaves the copy there at the last
 * commit that succeeded, is told once, and tried again every minute; when more changes have piled up
 * meanwhile than are worth keeping, everything is listed anew once the disk has room again.
 */
#ifndef COPY_REPLICA_H
#define COPY_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/usec.h"
#include "etcd/codec.h"
#include "store/store.h"

struct db;
struct loop;
struct replica;
struct worker;

struct replica_config {
	struct loop *loop;
	struct worker *disk;	   /* for nothing else; outlives the replica */
	const char *folder;	   /* of the copy; made where missing */
	const char *program;	   /* run as `program --read-copy FOLDER` */
	const char *prefix;	   /* of the keys in etcd */
	const char *collective_id; /* whose copy it is */
	usec_t disk_retry;	   /* after a failure; 0: a minute */
	/* Which etcd the keys are of, asked before each commit: cluster_id and raft_term. */
	void (*origin)(struct store_mark *mark, void *arg);
	/* How old what sync delivers may be: 0 while it is current; USEC_NEVER: it has delivered
	 * nothing yet. */
	usec_t (*age)(void *arg);
	/* replica_load() has ended; failure NULL, or why there is no copy to go on from. Once. */
	void (*loaded)(const char *failure, void *arg);
	/* The copy on disk can only be made from a new listing: etcd_sync_again(). */
	void (*list_again)(const char *reason, void *arg);
	void *arg;
};

struct replica *replica_new(const struct replica_config *config);
/* What was applied is committed, in the background. NULL is fine. */
void replica_free(struct replica *replica);
/* Reads the copy on disk; once, before anything is fed. */
void replica_load(struct replica *replica);

/* ---- reading ---- */

/* The copy on disk is being read. */
bool replica_loading(const struct replica *replica);
/* NULL until something was loaded or listed. It is another one, with other node numbers, after a
 * listing; hold it for one turn of the loop only. */
const struct db *replica_db(const struct replica *replica);
/* What is in db is the prefix at this revision; 0: there is none. */
int64_t replica_revision(const struct replica *replica);
/* How old it may be: 0 while it is current. Counts from when the copy on disk was last known to be
 * current until sync delivers. USEC_NEVER: there is none. */
usec_t replica_age(const struct replica *replica);
/* The mark of the copy that was loaded; NULL: none was. */
const struct store_mark *replica_loaded_from(const struct replica *replica);

/* Told after each batch and listing, and after a load: the db is at `revision` now. Link it with
 * replica_listen(); unlink it with list_del(&listener->link), which may be done in fn, too. The
 * replica unlinks those that are left when it is freed. fn must not feed or free the replica. */
struct replica_listener {
	struct list link;
	void (*fn)(int64_t revision, void *arg);
	void *arg;
};
void replica_listen(struct replica *replica, struct replica_listener *listener);

/* Calls fn for each key outside nodes/ and groups/, in the order of the keys (relative to the
 * prefix). There is a ceiling on them (copy/others.h). */
void replica_each_other(
	const struct replica *replica, void (*fn)(const struct store_kv *kv, void *arg), void *arg);

/* None of the registry's are missing there. */
bool replica_has_registry(const struct replica *replica);

/* ---- feeding: see struct etcd_sync_ops ---- */

void replica_begin(struct replica *replica, int64_t revision);
void replica_kv(struct replica *replica, const struct etcd_kv *kv);
void replica_end(struct replica *replica, int64_t revision);
void replica_event(struct replica *replica, const struct etcd_event *event);
void replica_batch(struct replica *replica, int64_t revision);

/* ---- for `show -v` ---- */

struct replica_status {
	const char *state;   /* of the copy on disk: "none", "writing", "current", "failed" */
	const char *trouble; /* of the disk; "" */
	int64_t stored;	     /* revision of the copy on disk; 0: none of this run */
	size_t keys;	     /* of nodes and groups */
	size_t others;
	size_t odd;    /* keys that can't be used */
	size_t loaded; /* keys read from disk */
	usec_t load_time;
	size_t listed;	 /* keys of the last listing */
	uint64_t events; /* changes since the start */
	uint64_t commits;
	size_t waiting; /* bytes that are not on disk yet */
};
void replica_status(const struct replica *replica, struct replica_status *ret);

#endif
