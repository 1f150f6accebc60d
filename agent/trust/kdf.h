/*
 * Hashes and derived keys: SHA-256, HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869).
 *
 * Every key that is derived has a purpose, and every purpose a label of its own in kdf.c, so that
 * no two keys of the project can be the same bytes and none tells anything about another. Labels
 * carry a version; a label never changes its meaning.
 *
 * What is derived is secret: mem_wipe() it after use. Errors (-EIO) mean that libcrypto itself does
 * not work, or refuses an algorithm by policy.
 */
#ifndef TRUST_KDF_H
#define TRUST_KDF_H

#include <stddef.h>

#include "base/err.h"

#define KDF_KEY_LEN    32 /* of every derived key, and of the collective key */
#define KDF_SHA256_LEN 32

enum kdf_purpose {
	KDF_INVITATION_IDENTITY, /* the PSK identity: travels in clear, gives nothing away */
	KDF_INVITATION_KEY,	 /* the PSK */
	KDF_RECORD_KEY,		 /* authenticates the registry's records (trust/record.h) */
	KDF_SEAL_KEY,		 /* seals secret attributes (AES-256-GCM) */
	KDF_KEY_ID,		 /* tells collective keys apart, in clear (trust/seal.h) */
};

/* A key for one purpose out of a secret. context (may be NULL with 0) binds it further: the
 * collective id for the collective's keys. */
int kdf_derive(enum kdf_purpose purpose, const void *secret, size_t secret_len, const void *context,
	size_t context_len, unsigned char ret[KDF_KEY_LEN], struct err *err) MUST_CHECK;

/* What all members have in common: the key for RECORD or SEAL out of the collective key. */
int kdf_collective_key(enum kdf_purpose purpose, const unsigned char collective_key[KDF_KEY_LEN],
	const char *collective_id, unsigned char ret[KDF_KEY_LEN], struct err *err) MUST_CHECK;

/* The bare functions. len of HKDF output at most 255 * 32. */
int kdf_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
	const void *info, size_t info_len, void *ret, size_t len, struct err *err) MUST_CHECK;
int kdf_hmac(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char ret[KDF_SHA256_LEN], struct err *err) MUST_CHECK;
int kdf_sha256(const void *data, size_t len, unsigned char ret[KDF_SHA256_LEN],
	struct err *err) MUST_CHECK;

#endif
