/*
 * The records that members keep in etcd, as JSON: members/<name> (the registry, authenticated),
 * active/<name> (lease-bound) and collective (whose etcd this is).
 *
 * What is decoded was written by anybody who can write to etcd: it is believed only in a registry
 * record whose code verifies (trust/record.h) and whose name is its key's.
 *
 * Two members of the JSON are outside of the code: "under", the id of the collective key (trust/seal.h)
 * that the code was made with, without which every key that this member has is tried; and "public", the
 * member's public key, which is believed when it has the hash that is inside.
 */
#ifndef RECORD_RECORDS_H
#define RECORD_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/name.h"
#include "base/usec.h"
#include "trust/bundle.h"
#include "trust/privkey.h"
#include "trust/seal.h"
#include "wire/json.h"

#define RECORD_VALUE_MAX 4096 /* bytes of a record's JSON */

/* What every record begins to be read with: its ceiling, and JSON. *ret is new. */
int record_parse(const char *value, size_t len, json **ret, struct err *err) MUST_CHECK;

struct member_record {
	char name[NAME_MAX_LEN + 1];
	char address[256];
	int port;
	bool nonvoting;
	char key[PRIVKEY_HASH_LEN + 1]; /* hash of the member's public key */
	usec_t joined;			/* wall time, whole seconds */
	char invited_by[NAME_MAX_LEN + 1];
	char version[64];
	char under[SEAL_KEY_ID_LEN + 1];	 /* "" until it was decoded */
	char public_key[PRIVKEY_PUBLIC_MAX + 1]; /* privkey_public(); "" where not known */
};

/* Under the bundle's current key. *ret_json is new. */
int member_record_encode(const struct member_record *record, const struct bundle *bundle,
	char **ret_json, struct err *err) MUST_CHECK;
/* name is what the key says. -EINVAL for what is no such record, -EBADMSG for one that no member
 * wrote, -ENOKEY for one under a collective key that is not in the bundle. */
int member_record_decode(struct member_record *ret, const char *name, const char *value, size_t len,
	const struct bundle *bundle, struct err *err) MUST_CHECK;

struct active_record {
	char address[256];
	char version[64];
	char boot[64];
	usec_t since;				 /* wall time, whole seconds */
	char public_key[PRIVKEY_PUBLIC_MAX + 1]; /* as the member says; "" where it does not */
};

char *active_record_encode(const struct active_record *record);
int active_record_decode(
	struct active_record *ret, const char *value, size_t len, struct err *err) MUST_CHECK;

struct collective_record {
	char id[BUNDLE_ID_MAX + 1];
	char by[NAME_MAX_LEN + 1];
	usec_t founded; /* wall time, whole seconds */
};

char *collective_record_encode(const struct collective_record *record);
/* -EPROTONOSUPPORT for a newer format. */
int collective_record_decode(
	struct collective_record *ret, const char *value, size_t len, struct err *err) MUST_CHECK;

#endif
