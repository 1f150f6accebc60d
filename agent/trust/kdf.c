/*
 * Happy path: a label per purpose is HKDF's info, the context its salt. Failure: only libcrypto's
 * own (an algorithm that policy forbids), reported and never worked around.
 */
#include "config.h"
#include "trust/kdf.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/mem.h"
#include "trust/ossl.h"

DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free)

static const char *const labels[] = {
	[KDF_INVITATION_IDENTITY] = "collective 1 invitation psk identity",
	[KDF_INVITATION_KEY] = "collective 1 invitation psk",
	[KDF_RECORD_KEY] = "collective 1 record authentication",
	[KDF_SEAL_KEY] = "collective 1 secret sealing",
	[KDF_KEY_ID] = "collective 1 key id",
};

int kdf_derive(enum kdf_purpose purpose, const void *secret, size_t secret_len, const void *context,
	size_t context_len, unsigned char ret[KDF_KEY_LEN], struct err *err)
{
	const char *label = labels[purpose];

	return kdf_hkdf(secret, secret_len, context, context_len, label, strlen(label), ret,
		KDF_KEY_LEN, err);
}

int kdf_collective_key(enum kdf_purpose purpose, const unsigned char collective_key[KDF_KEY_LEN],
	const char *collective_id, unsigned char ret[KDF_KEY_LEN], struct err *err)
{
	return kdf_derive(purpose, collective_key, KDF_KEY_LEN, collective_id,
		strlen(collective_id), ret, err);
}

int kdf_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len,
	const void *info, size_t info_len, void *ret, size_t len, struct err *err)
{
	CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	CLEANUP(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[5];
	OSSL_PARAM *p = params;

	/* libcrypto's parameters are not const, but it only reads these */
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_len);
	if (salt_len)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)salt, salt_len);
	if (info_len)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, (void *)info, info_len);
	*p = OSSL_PARAM_construct_end();
	if (!ctx || EVP_KDF_derive(ctx, ret, len, params) <= 0) {
		mem_wipe(ret, len);
		return ossl_error(err, -EIO, "cannot derive a key with HKDF-SHA256");
	}
	return 0;
}

int kdf_hmac(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char ret[KDF_SHA256_LEN], struct err *err)
{
	size_t out = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len, data, len, ret,
		    KDF_SHA256_LEN, &out) ||
		out != KDF_SHA256_LEN)
		return ossl_error(err, -EIO, "cannot compute HMAC-SHA256");
	return 0;
}

int kdf_sha256(const void *data, size_t len, unsigned char ret[KDF_SHA256_LEN], struct err *err)
{
	size_t out = 0;

	if (!EVP_Q_digest(NULL, "SHA256", NULL, data, len, ret, &out) || out != KDF_SHA256_LEN)
		return ossl_error(err, -EIO, "cannot compute SHA-256");
	return 0;
}
