/*
 * The records of a change of the collective key (core/rekey.h), as JSON below rekey/ in etcd:
 *
 *     rekey/state              the change: {"key","from","stage","by","at"}
 *     rekey/wrapped/ID/NAME    the key ID for the member NAME: {"key","for","wrapped"}
 *     rekey/held/NAME          the member NAME has it on its disk: {"key","for"}
 *
 * key, from and ID are ids of collective keys (trust/seal.h), `for` is the hash of the member's public
 * key, so that who comes back under an old name with another key is told apart. All are
 * authenticated (record/signing.h): the state with the old key while that is the current one and
 * with the new one from then on; what is wrapped with the key before it, which its receiver has;
 * what is held with the very key, which proves it.
 */
#ifndef RECORD_REKEY_RECORDS_H
#define RECORD_REKEY_RECORDS_H

#include <stddef.h>

#include "base/err.h"
#include "base/name.h"
#include "base/usec.h"
#include "core/rekey.h"
#include "trust/bundle.h"
#include "trust/privkey.h"
#include "trust/seal.h"
#include "trust/wrap.h"

#define REKEY_STATE   "rekey/state"
#define REKEY_WRAPPED "rekey/wrapped/"
#define REKEY_HELD    "rekey/held/"

struct rekey_change {
	char key[SEAL_KEY_ID_LEN + 1];
	char from[SEAL_KEY_ID_LEN + 1];
	enum rekey_stage stage; /* never NONE */
	char by[NAME_MAX_LEN + 1];
	usec_t at; /* wall time of its begin, whole seconds */
	char under[SEAL_KEY_ID_LEN + 1];
};

struct rekey_wrap {
	char key[SEAL_KEY_ID_LEN + 1];
	char receiver[PRIVKEY_HASH_LEN + 1];
	char wrapped[WRAP_TEXT_MAX + 1];
	char under[SEAL_KEY_ID_LEN + 1];
};

struct rekey_held {
	char key[SEAL_KEY_ID_LEN + 1];
	char receiver[PRIVKEY_HASH_LEN + 1];
	char under[SEAL_KEY_ID_LEN + 1];
};

/* *ret_json is new. `under` is what it is to be authenticated with, and must be in the bundle (-ENOKEY).
 * path is the key below the prefix. */
int rekey_change_encode(const struct rekey_change *record, const struct bundle *bundle,
	char **ret_json, struct err *err) MUST_CHECK;
int rekey_wrap_encode(const struct rekey_wrap *record, const char *path,
	const struct bundle *bundle, char **ret_json, struct err *err) MUST_CHECK;
int rekey_held_encode(const struct rekey_held *record, const char *path,
	const struct bundle *bundle, char **ret_json, struct err *err) MUST_CHECK;
/* -EINVAL for what is no such record, -EBADMSG for one that no member wrote or that is under another
 * key than it must be, -ENOKEY for one under a key that is not in the bundle. */
int rekey_change_decode(struct rekey_change *ret, const char *value, size_t len,
	const struct bundle *bundle, struct err *err) MUST_CHECK;
int rekey_wrap_decode(struct rekey_wrap *ret, const char *path, const char *value, size_t len,
	const struct bundle *bundle, struct err *err) MUST_CHECK;
int rekey_held_decode(struct rekey_held *ret, const char *path, const char *value, size_t len,
	const struct bundle *bundle, struct err *err) MUST_CHECK;

/* What a key is wrapped under (trust/wrap.h); new. */
char *rekey_context(const struct bundle *bundle, const char *key, const char *name);

#endif
