/*
 * The view: who is a member, who is active, who leads, as far as this member knows.
 *
 * It is fed from three sides: a listing, the watch that continues it, and linearizable reads of
 * single keys. Each piece of news carries the revision at which it was true, and older news than
 * what is known about the same key is ignored, so the order of arrival does not matter: a present
 * key counts with its mod_revision, a deletion with its own revision, an absence in a read with the
 * revision of the reply's header.
 *
 * A member is active when its record is valid and its active key hangs on a lease. An active key
 * without a lease or without a valid record makes nobody active; it is foreign, and counted.
 */
#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/name.h"
#include "base/usec.h"
#include "core/request.h"

/* Names beyond this many are counted and not kept; a member takes the place of a name that is
 * nobody's. A new member is let in where there are fewer than ROSTER_MEMBERS_MAX: what is between the
 * two is for those whom several members let in at the same moment. */
#define ROSTER_MAX	   512
#define ROSTER_MEMBERS_MAX 500
#define ROSTER_ADDRESS_MAX 128
#define ROSTER_VERSION_MAX 32

struct roster_key {
	bool present;
	int64_t create_rev;
	int64_t mod_rev;
	int64_t lease;
	int64_t rev; /* of the last news, also when it is gone */
	char value[ROSTER_ADDRESS_MAX];
	char instance[REQUEST_TEXT_MAX];
};

struct roster_member {
	char name[NAME_MAX_LEN + 1];
	bool present; /* has a record */
	bool valid;   /* which verifies */
	bool voting;
	bool mine;
	int64_t mod_rev;
	int64_t rev;
	char address[ROSTER_ADDRESS_MAX];
	char version[ROSTER_VERSION_MAX]; /* of the running agent, else of the record */
	struct roster_key active;
	bool is_active;	    /* see above */
	bool was_seen;	    /* it ceased to be active after roster_began() */
	usec_t since;	    /* when is_active last changed, or the member was first seen */
	int64_t active_rev; /* the highest revision at which it is known to have been active */
	bool listed[2];	    /* record and active key seen in the listing under way */
};

struct roster;

enum roster_filter {
	ROSTER_ACTIVE = 1,     /* else also those that are not */
	ROSTER_OFFLINE = 2,    /* valid record, not active */
	ROSTER_VOTING = 4,     /* without the nonvoting */
	ROSTER_NONVOTING = 8,  /* without the voting */
	ROSTER_NO_LEADER = 16, /* without the one that leads */
};

typedef int roster_compare_fn(const struct roster_member *a, const struct roster_member *b);

struct roster *roster_new(void);
void roster_free(struct roster *r);

/* News. Each returns true when it changed something. revision is that of the read or transaction it
 * comes from, and counts for what is absent; 0 for what comes from the listing under way, which it
 * is a part of then, and from a watch. */
bool roster_record(struct roster *r, usec_t now, const char *name, const struct record_info *info,
	int64_t revision);
bool roster_active(struct roster *r, usec_t now, const char *name, const struct key_info *info,
	int64_t revision);
bool roster_leader(struct roster *r, const struct key_info *info, int64_t revision);

/* This revision was the latest when whoever keeps this roster was there already; the first one that is told
 * counts. A copy that was kept on disk, and the watch that goes on from it, tell of what happened
 * before, too. */
void roster_began(struct roster *r, int64_t revision);

/* A complete listing at a revision: BEGIN, each key there is, END; what was not mentioned is gone
 * as of that revision. */
void roster_begin(struct roster *r);
bool roster_end(struct roster *r, usec_t now, int64_t revision);
/* At least one listing has been completed. */
bool roster_complete(const struct roster *r);

/* NULL where the name is unknown. */
const struct roster_member *roster_find(const struct roster *r, const char *name);
const struct roster_key *roster_leader_key(const struct roster *r);
/* Since when a member is gone that is not active, for who knows that its nodes were last moved away, because
 * it was gone, at that time and revision (0 and 0: never): when that was seen, or when they were moved,
 * where it was seen before and not since. A listing tells late who has gone. */
usec_t roster_gone_since(const struct roster_member *m, usec_t moved_at, int64_t moved_rev);
/* The member that leads: key there, on a lease, naming a valid member; NULL otherwise. */
const struct roster_member *roster_leader_member(const struct roster *r);
/* Whose active key hangs on that lease: the one of that name, if it is one of them; or NULL. */
const struct roster_member *roster_holder(const struct roster *r, int64_t lease, const char *name);
/* Members with a valid record that pass the filter (a sum of enum roster_filter), sorted where
 * compare is given. Returns how many there are; at most max are stored. */
unsigned roster_list(const struct roster *r, unsigned filter, roster_compare_fn *compare,
	const struct roster_member **ret, unsigned max);
/* Active keys that make nobody active, records that do not verify, names left out. */
unsigned roster_foreign(const struct roster *r);
unsigned roster_invalid(const struct roster *r);
unsigned roster_left_out(const struct roster *r);
/* There are as many members as there may be, and the name is none of theirs. */
bool roster_full(const struct roster *r, const char *name);
/* A member was left out, since the last listing or in it: a name that is not here may be a member's all
 * the same. */
bool roster_crowded(const struct roster *r);
/* The highest revision in any news. */
int64_t roster_revision(const struct roster *r);

#endif
