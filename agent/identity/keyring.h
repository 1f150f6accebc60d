/*
 * struct keyring: the collective keys of this member in step with what etcd says of them
 * (core/rekey.h), and what etcd says of the others' keys.
 *
 * It is fed by member/feed.h. A key that is wrapped for this member and authenticated with one that
 * it has goes into the identity's bundle at once, so that what is under it can be read from the
 * same revision on; it is on disk when the owner has seen to that (keyring_unsaved()). Which key is
 * the current one follows from the stage of the change, and so does identity->key_revision: nothing
 * is ever sealed with a key that is not the one of the revision that is compared with.
 *
 * Failures: a record that no member wrote, or that can't be understood, is told to the caller and
 * counts for nothing; a change that is under a key which this member has not got makes it `behind`,
 * and stops it from writing what is sealed.
 */
#ifndef IDENTITY_KEYRING_H
#define IDENTITY_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "etcd/codec.h"
#include "record/keyitem.h"
#include "record/records.h"
#include "record/rekey_records.h"

struct etcd_txn;
struct identity;
struct keyring;
struct view_member;

/* The identity must have a bundle and outlive the keyring, which alone changes the bundle's keys. */
struct keyring *keyring_new(struct identity *identity);
void keyring_free(struct keyring *keyring);

/* Whoever puts what is sealed or authenticated with the bundle's current key adds this compare to the
 * transaction, built in the same turn of the loop. */
void keyring_guard(const struct identity *identity, const char *prefix, struct etcd_txn *txn);

/* ---- feeding ---- */

void keyring_begin(struct keyring *keyring);
/* A key below rekey/, path being the part behind the prefix. Negative, with the reason: it is of no
 * use. Takes effect with keyring_settle(), which is called at the end of a listing, before the records of
 * members are looked at, and behind each single key of a watch. */
int keyring_key(struct keyring *keyring, const char *path, const struct etcd_kv *kv, bool deleted,
	struct err *err) MUST_CHECK;
void keyring_settle(struct keyring *keyring, bool listed);
/* The record of a member as it was read; view NULL: it is gone. */
void keyring_member(struct keyring *keyring, const char *name, const struct view_member *view);
/* The public key that the member's active key names, "" for none. */
void keyring_active(struct keyring *keyring, const char *name, const char *public_key);
/* revision of the listing */
void keyring_end(struct keyring *keyring, int64_t revision);
/* Any other key of the watch. */
void keyring_seen(struct keyring *keyring, int64_t revision);
/* From the copy on disk, before etcd has answered: a key that is wrapped for this member. Followed by
 * keyring_settle(). */
void keyring_early(struct keyring *keyring, const char *path, const char *value, size_t len);

/* ---- what is known ---- */

/* Grows with each change. */
uint64_t keyring_serial(const struct keyring *keyring);
/* All of this is known up to this revision. */
int64_t keyring_revision(const struct keyring *keyring);
/* NULL: there was none, or it can't be read. *ret_rev is the mod_revision, 0: there is no such key. */
const struct rekey_change *keyring_change(const struct keyring *keyring, int64_t *ret_rev);
/* The change is under a key that this member has not got. */
bool keyring_behind(const struct keyring *keyring);
/* As it was when it could last be read; NULL: never yet. */
const struct rekey_change *keyring_remembered(const struct keyring *keyring);
bool keyring_has(const struct keyring *keyring, const char *id);

struct keyring_member {
	struct list link;
	struct member_record record;
	int64_t rev;
	char active_key[PRIVKEY_PUBLIC_MAX + 1]; /* public key, as its active key says */
	bool listed;
};

/* Members with a valid record, in no order. */
const struct list *keyring_members(const struct keyring *keyring);
const struct keyring_member *keyring_find(const struct keyring *keyring, const char *name);
/* What is wrapped and what is held (record/keyitem.h). */
const struct keyitems *keyring_wraps(const struct keyring *keyring);
const struct keyitems *keyring_helds(const struct keyring *keyring);
/* Good for this very member: of this key, and for the public key that its record names. */
bool keyring_is_wrapped(
	const struct keyring *keyring, const struct keyring_member *m, const char *key);
bool keyring_is_held(
	const struct keyring *keyring, const struct keyring_member *m, const char *key);
/* The public key of a member, checked against its record; NULL: not known. */
const char *keyring_public(const struct keyring_member *m);

/* ---- the disk ---- */

/* The bundle's keys are not what was last noted with keyring_saved(). */
bool keyring_unsaved(const struct keyring *keyring);
/* What the bundle was at this serial of keys is on disk. */
uint64_t keyring_keys_serial(const struct keyring *keyring);
void keyring_saved(struct keyring *keyring, uint64_t keys_serial);
/* Forgets all keys but the current one. */
void keyring_drop(struct keyring *keyring);

#endif
