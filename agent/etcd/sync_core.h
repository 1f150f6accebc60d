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
 * etcd 3.4 does not say so itself. Until then no event may be applied. The answer also says which
 * revision the store had then (`wanted`), and whether it went back.
 *
 * The picture is told to be live only once it is proven to have all up to `wanted`. A watch does not say
 * where the backlog ends, so there are two ways:
 *   - A batch at that revision or a later one was applied, or nothing has happened since the last one.
 *     That is how it is wherever nobody else uses the etcd.
 *   - The newest changes were none of the prefix's, so the watch will never show that revision. When
 *     it has been quiet for a while, the prefix as it was at the last revision applied is compared with
 *     as it is now: no key was written since, and there are as many. A key that is there now and was not
 *     written since was there then, so equal numbers leave no deletion. Then the picture is the store's
 *     at the revision of that answer, and goes on from there (`DO_SKIP`): what the watch still sends up
 *     to it, keys that came and went, would make the picture older again. Where they differ, the watch must
 *     show something soon, or it is dead.
 * `wanted` stays as it is, so that others who write all the time can't put the end off.
 *
 * Whoever was told that it is lost is told that it is live by the same rule. After each silence of a live
 * watch the pulse key is read at the newest revision: it shows whether something must come.
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
#define ETCD_SYNC_ECHO (5 * USEC_PER_SEC)
/* A watch with a backlog that brings nothing for so long may have brought all; doubled with each time that
 * this was wrong. A compare costs etcd as much as a listing, without the answer. */
#define ETCD_SYNC_QUIET	      (250 * USEC_PER_MSEC)
#define ETCD_SYNC_QUIET_MAX   (2 * USEC_PER_SEC)
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
	ETCD_SYNC_COMPARED,	/* revision: head; same; sent_at */
	ETCD_SYNC_CHECK_FAILED, /* a check or a compare: failure, reason */
	ETCD_SYNC_EXPECT,	/* revision that was made */
	ETCD_SYNC_AGAIN,	/* reason: list anew */
};

#define ETCD_SYNC_UNKNOWN INT64_MAX

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
	bool same; /* the prefix at the head is what it was at the revision compared with */
	usec_t sent_at;
	enum etcd_sync_failure failure;
	const char *reason;
};

enum etcd_sync_action_kind {
	ETCD_SYNC_DO_DROP,    /* cancel the watch and every read */
	ETCD_SYNC_DO_LIST,    /* revision 0: from the beginning; else the next page at it; limit */
	ETCD_SYNC_DO_WATCH,   /* revision: the first one wanted */
	ETCD_SYNC_DO_CHECK,   /* read the pulse key at revision, 0: the newest */
	ETCD_SYNC_DO_COMPARE, /* the prefix at revision with the prefix as it is now, at one moment */
	ETCD_SYNC_DO_EXPECT, /* the watch must show revision, or a later one, within ETCD_SYNC_ECHO */
	ETCD_SYNC_DO_SKIP, /* the picture is that of revision; what the watch sends up to it is void */
	ETCD_SYNC_TELL_END, /* the listing is complete at revision */
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
	bool resumed;  /* the watch begins where another one ended */
	bool checking; /* or comparing */
	int64_t asked; /* what was applied when that was sent */
	bool probe;    /* it is not known yet whether the revision resumed from still exists */
	int64_t known_pulse; /* of the pulse key, at the revision that the owner knew; 0: not known */
	bool told_live;
	bool list_next; /* what to go on with after waiting: listing, or else watching */
	int64_t wanted; /* not current before this revision was applied; ETCD_SYNC_UNKNOWN */
	usec_t quiet;	/* until the next compare */
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
