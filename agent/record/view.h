/*
 * From etcd's keys to the core's facts: what `leader`, `active/<name>` and `members/<name>` say, with
 * everything unreadable or unauthentic marked as such instead of believed.
 *
 * The structs own the texts that the core's structs point to.
 */
#ifndef RECORD_VIEW_H
#define RECORD_VIEW_H

#include <stdbool.h>

#include "core/request.h"
#include "etcd/codec.h"
#include "record/records.h"

struct view_leader {
	struct key_info info;
	char name[NAME_MAX_LEN + 1];
};

struct view_active {
	struct key_info info;
	struct active_record record;
};

struct view_member {
	struct record_info info;
	struct member_record record; /* zero unless info.valid */
	struct err why;		     /* not valid because */
	bool unreadable;	     /* under a collective key that is not in the bundle */
};

/* kv NULL: there is no such key. */
void view_leader(struct view_leader *ret, const struct etcd_kv *kv);
void view_active(struct view_active *ret, const struct etcd_kv *kv);
/* own_key: the hash of this member's key; `mine` says whether the record carries it. */
void view_member(struct view_member *ret, const char *name, const struct etcd_kv *kv,
	const struct bundle *bundle, const char *own_key);

#endif
