/*
 * struct etcd_sync_core: what etcd/sync.h decides, without doing any of it: inputs and `now` in,
 * actions out. No clock, no random but its own generator, no memory to release.
 *
 * States:
 *   listing  pages of the prefix are asked for, all at one revision
 *   opening  a watch was asked for and is not created yet
 *   live     the watch runs (whether the picture is current is another question: `told_live`)
 *   waiting  something failed; it goes on after a pause of 100 ms to 2 s
 *
 * When the watch is created, a read of the pulse key at the last revision applied shows whether that
 * one still exists (`probe`): where it was compacted meanwhile, a deletion may have been missed, and
 * etcd 3.4 does not say so itself. Until then no event may be applied. After a listing nothing more
 * is needed: the picture was current when the watch was created. After a resumption a read at the
 * newest revision shows what must come through the watch, and whether the store went back; it is made
 * after each silence, too.
 */
#ifndef ETCD_SYNC_CORE_H
#define ETCD_SYNC_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

/* etcd walks over all keys that are left for each page, so small ones cost it much; this many are decoded
 * and applied in about 13 ms. */
#define ETCD_SYNC_PAGE	  5000
#define ETCD_SYNC_SILENCE (30 * USEC_PER_SEC)
/* A change that was shown to exist, or that the owner made, must come through the watch in time. */
#define ETCD_SYNC_ECHO	      (5 * USEC_PER_SEC)
#define ETCD_SYNC_ACTIONS_MAX 16
#define ETCD_SYNC_REASON_MAX  512

enum etcd_sync_state { ETCD_SYNC_LISTING, ETCD_SYNC_OPENING, ETCD_SYNC_LIVE, ETCD_SYNC_WAITING };

enum etcd_sync_input_kind {
	ETCD_SYNC_TICK,
	ETCD_SYNC_PAGE_DONE,	/* revision of the listing, more, sent_at */
	ETCD_SYNC_PAGE_FAILED,	/* failure, reason */
	ETCD_SYNC_CREATED,	/* revision: head of the member that watches */
	ETCD_SYNC_APPLIED,	/* revision */
	ETCD_SYNC_ENDED,	/* failure, reason */
	ETCD_SYNC_CHECKED,	/* revision: head; pulse; sent_at */
	ETCD_SYNC_CHECK_FAILED, /* failure, reason */
	ETCD_SYNC_EXPECT,	/* revision that was made */
	ETCD_SYNC_AGAIN,	/* reason: list anew */
};

enum etcd_sync_failure {
	ETCD_SYNC_TRANSIENT, /* the same again, later and elsewhere */
	ETCD_SYNC_VOID,	     /* compacted, or of a store that is no more: list anew */
	ETCD_SYNC_TOO_LARGE, /* smaller pages */
};

struct etcd_sync_input {
	enum etcd_sync_input_kind kind;
	int64_t revision;
	int64_t pulse; /* the pulse key's mod_revision, 0 where there is none */
	bool more;
	usec_t sent_at;
	enum etcd_sync_failure failure;
	const char *reason;
};

enum etcd_sync_action_kind {
	ETCD_SYNC_DO_DROP,   /* cancel the watch and every read */
	ETCD_SYNC_DO_LIST,   /* revision 0: from the beginning; else the next page at it; limit */
	ETCD_SYNC_DO_WATCH,  /* revision: the first one wanted */
	ETCD_SYNC_DO_CHECK,  /* read the pulse key at revision, 0: the newest */
	ETCD_SYNC_DO_EXPECT, /* the watch must show revision within ETCD_SYNC_ECHO */
	ETCD_SYNC_TELL_END,  /* the listing is complete at revision */
	ETCD_SYNC_TELL_LIVE,
	ETCD_SYNC_TELL_LOST, /* core->reason */
};

struct etcd_sync_action {
	enum etcd_sync_action_kind kind;
	int64_t revision;
	int64_t limit;
};

struct etcd_sync_core {
	enum etcd_sync_state state;
	usec_t since;
	char reason[ETCD_SYNC_REASON_MAX];
	int64_t applied;
	int64_t listing; /* revision of the listing under way, 0: not known yet */
	int64_t page, page_max;
	usec_t list_sent;
	bool resumed; /* the watch begins where another one ended */
	bool checking;
	bool probe; /* it is not known yet whether the revision resumed from still exists */
	int64_t known_pulse; /* of the pulse key, at the revision that the owner knew; 0: not known */
	bool told_live;
	bool list_next; /* what to go on with after waiting: listing, or else watching */
	int64_t wanted; /* not current before this revision was applied */
	usec_t silence;
	usec_t wake_at;
	usec_t current_at;
	unsigned attempts; /* failures in a row */
	unsigned listings, resumptions;
	uint64_t random;
	struct etcd_sync_action actions[ETCD_SYNC_ACTIONS_MAX];
	size_t first, n;
};

/* Begins at once; take the first actions. known: see etcd_sync_config.known_revision. */
void etcd_sync_core_init(struct etcd_sync_core *core, usec_t now, usec_t silence, int64_t page,
	int64_t known, uint64_t seed);
void etcd_sync_core_input(
	struct etcd_sync_core *core, usec_t now, const struct etcd_sync_input *input);
/* Where the pulse key had another mod_revision at `known`, this is not the history that the owner knew:
 * etcd was restored from a backup and has gone on since. Everything is listed then. */
void etcd_sync_core_know_pulse(struct etcd_sync_core *core, int64_t mod_revision);
/* Drain after each input. */
bool etcd_sync_core_next(struct etcd_sync_core *core, struct etcd_sync_action *ret);
/* When an ETCD_SYNC_TICK is due, or USEC_NEVER. */
usec_t etcd_sync_core_wakeup(const struct etcd_sync_core *core);
const char *etcd_sync_state_name(enum etcd_sync_state state);

#endif
