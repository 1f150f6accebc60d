/*
 * Sealed values: what is secret in etcd (AES-256-GCM under a key derived from the collective key).
 *
 * As text: "sealed:1:" KEYID ":" base64 of nonce, ciphertext and tag. The key id says which collective
 * key it was sealed with (8 hex digits, derived from the key); the etcd key, relative to the prefix,
 * and the collective id are associated data, so that a value moved to another key does not open. The
 * nonce is random, 96 bits: a key seals at most 2^32 values.
 *
 * Each call takes some ten microseconds. While an agent runs, its bundle's keys may change between two
 * turns of the loop: seal and open there, not on another thread.
 */
#ifndef TRUST_SEAL_H
#define TRUST_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "trust/kdf.h"

#define SEAL_KEY_ID_LEN 8
#define SEAL_VALUE_MAX	((size_t)256 << 10) /* bytes of a value in clear */
#define SEAL_TEXT_MAX	(SEAL_VALUE_MAX / 3 * 4 + 128)

struct bundle;

/* 8 hex digits and a NUL. */
int seal_key_id(const unsigned char collective_key[KDF_KEY_LEN], char ret[SEAL_KEY_ID_LEN + 1],
	struct err *err) MUST_CHECK;
/* Is it such a text (whatever key it was sealed with)? */
bool seal_is_sealed(const char *text, size_t len);
/* The id of the key that it was sealed with; false where it is no such text. */
bool seal_key_of(const char *text, size_t len, char ret[SEAL_KEY_ID_LEN + 1]);
/* Seals for the bundle's current key. *ret_text is new. -EMSGSIZE past SEAL_VALUE_MAX. */
int seal_value(const struct bundle *bundle, const char *etcd_key, const void *value, size_t len,
	char **ret_text, struct err *err) MUST_CHECK;
/* Opens with whichever of the bundle's keys it was sealed with. *ret is new, NUL-terminated, wipe it.
 * -EINVAL: no such text; -ENOKEY: sealed with a key that this member has not; -EBADMSG: it does not
 * open, changed or moved. */
int seal_open(const struct bundle *bundle, const char *etcd_key, const char *text, size_t len,
	char **ret, size_t *ret_len, struct err *err) MUST_CHECK;
/* The same with a key that was derived already (KDF_SEAL_KEY), of any collective: for backups. */
int seal_open_with(const unsigned char key[KDF_KEY_LEN], const char *collective,
	const char *etcd_key, const char *text, size_t len, char **ret, size_t *ret_len,
	struct err *err) MUST_CHECK;

#endif
