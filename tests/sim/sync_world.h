/*
 * What the files of sim_sync share: a world of one agent's replica and the etcd that it follows.
 */
#ifndef SIM_SYNC_WORLD_H
#define SIM_SYNC_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "copy/replica.h"
#include "core/prng.h"
#include "etcd/sync_core.h"
#include "tests/sim/etcd_model.h"

#define PREFIX "/confluent/"
#define PULSE  "pulse"
#define NAMES  13
/* A key outside the prefix. */
#define FOREIGN "foreign"

/* The keys there may be, in the order of a listing. */
extern const char *const sync_names[NAMES];

/* Ways of breaking the rules. */
enum sync_mutation {
	SYNC_SOUND,
	SYNC_HASTY_EVENTS, /* events do not wait until it is known that the revision resumed from exists */
	SYNC_PULSE_PROVES, /* a resumed picture is live once the last pulse was applied */
	SYNC_NO_COUNT,	   /* a compare does not see deletions */
	SYNC_NO_SKIP,	   /* after a compare the watch sends what came and went before it */
	SYNC_MUTATIONS
};

/* What is to come back from etcd. */
struct sync_pending {
	bool due;
	bool compare; /* of a check */
	int64_t revision, limit;
	usec_t sent_at;
};

struct sync_world {
	uint64_t seed;
	struct prng prng;
	struct etcd_model *etcd;
	usec_t now;
	uint64_t *states; /* by revision: a hash over all keys then */
	size_t states_room;
	uint64_t state;

	struct loop *loop;
	struct worker *disk;
	char folder[64];
	struct buf crash; /* a copy on disk as it was earlier; empty: none */

	struct replica *replica;
	struct replica_listener listener;
	int64_t floor; /* what can be read is not older */
	int64_t head;  /* of the store, when the watch was created or was lost */
	int64_t ours;  /* the newest revision below the prefix */
	bool loaded;

	struct etcd_sync_core sync;
	bool syncing;
	struct sync_pending list, check, watch;
	unsigned cursor; /* of the listing: names before it have been sent */
	bool open;	 /* the watch is created */
	bool silent;
	int64_t hidden; /* deletions at this revision do not come: they were compacted away */
	unsigned next;	/* change that the watch sends next */
	int64_t expected;
	usec_t expected_by;
	enum sync_mutation mutation;
	bool failed;
	unsigned long listings, resumptions, restarts, loads, checks, skips;
};

/* The world has failed; the first reason is told. */
void sync_fail(struct sync_world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool sync_chance(struct sync_world *w, unsigned percent);

/* ---- sync_etcd.c ---- */

uint64_t sync_hash(const char *key, int64_t mod_revision);
etcd_observe_fn sync_on_change;
void sync_write_key(struct sync_world *w, const char *name, bool delete);
void sync_write_something(struct sync_world *w);
/* A key that is there for a moment only. */
void sync_come_and_go(struct sync_world *w);
/* Outside the prefix. */
void sync_write_foreign(struct sync_world *w);
/* Gives the core an input and carries out what it wants. */
void sync_input(struct sync_world *w, const struct etcd_sync_input *what);
void sync_carry_out(struct sync_world *w, const struct etcd_sync_action *action);
/* All that is under way is forgotten. */
void sync_drop(struct sync_world *w);
/* What is due may come, or, where the world is faulty, be lost. */
void sync_progress(struct sync_world *w, bool faulty);
void sync_end_watch(struct sync_world *w, enum etcd_sync_failure failure);

/* ---- sim_sync.c ---- */

/* What can be read is what etcd had at the revision that it names. */
void sync_check(struct sync_world *w);
/* The picture has all that the store had when the watch was created. */
void sync_check_live(struct sync_world *w);

#endif
