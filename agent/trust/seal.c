/*
 * Happy path: the seal key is derived from the collective key, the value is encrypted with a random
 * nonce, and nonce, ciphertext and tag go into one base64. What is authenticated with it: a fixed
 * label, the collective id, the key id and the etcd key, each but the last with its NUL behind it, so
 * that no two places have the same bytes.
 *
 * Failure: a text that is not of this form (-EINVAL), a key id that is not held (-ENOKEY), and one
 * answer for all that was changed or moved (-EBADMSG). No text ever quotes a value.
 */
#include "config.h"
#include "trust/seal.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "trust/bundle.h"
#include "trust/ossl.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

#define MAGIC	   "sealed:1:"
#define HEAD_LEN   (sizeof(MAGIC) - 1 + SEAL_KEY_ID_LEN + 1) /* with the second colon */
#define LABEL	   "collective 1 sealed value"
#define NONCE_LEN  12
#define TAG_LEN	   16
#define PLACE_MAX  4096 /* bytes; etcd keys of attributes are below 1 KiB */
#define ID_BYTES   (SEAL_KEY_ID_LEN / 2)
#define SEALED_MAX (NONCE_LEN + SEAL_VALUE_MAX + TAG_LEN)

int seal_key_id(const unsigned char collective_key[KDF_KEY_LEN], char ret[SEAL_KEY_ID_LEN + 1],
	struct err *err)
{
	unsigned char id[KDF_KEY_LEN];
	char *hex;
	int rc = kdf_derive(KDF_KEY_ID, collective_key, KDF_KEY_LEN, NULL, 0, id, err);

	if (rc < 0)
		return rc;
	hex = hex_encode(id, ID_BYTES);
	memcpy(ret, hex, SEAL_KEY_ID_LEN + 1);
	free(hex);
	mem_wipe(id, sizeof(id));
	return 0;
}

bool seal_key_of(const char *text, size_t len, char ret[SEAL_KEY_ID_LEN + 1])
{
	const char *id = text + sizeof(MAGIC) - 1;

	if (len <= HEAD_LEN || memcmp(text, MAGIC, sizeof(MAGIC) - 1) != 0 ||
		text[HEAD_LEN - 1] != ':')
		return false;
	for (size_t i = 0; i < SEAL_KEY_ID_LEN; i++) {
		if (!((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f')))
			return false;
	}
	memcpy(ret, id, SEAL_KEY_ID_LEN);
	ret[SEAL_KEY_ID_LEN] = '\0';
	return true;
}

bool seal_is_sealed(const char *text, size_t len)
{
	char id[SEAL_KEY_ID_LEN + 1];

	return seal_key_of(text, len, id) && len <= SEAL_TEXT_MAX &&
	       len - HEAD_LEN >= B64_LEN(NONCE_LEN + TAG_LEN) && (len - HEAD_LEN) % 4 == 0;
}

/* What binds a value to its place. */
static int place_of(struct buf *place, const char *collective, const char *id, const char *etcd_key,
	struct err *err)
{
	const char *const parts[] = {LABEL, collective, id};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(parts); i++)
		rc = buf_add(place, parts[i], strlen(parts[i]) + 1);
	if (rc == 0)
		rc = buf_str(place, etcd_key);
	if (rc < 0)
		return err_set(err, rc, "the key of a sealed value is longer than %d bytes",
			PLACE_MAX / 2);
	return 0;
}

/* A context that has key, nonce and place, and waits for the value. */
static int begin(EVP_CIPHER_CTX **ret, bool sealing, const unsigned char key[KDF_KEY_LEN],
	const struct buf *place, const unsigned char *nonce, struct err *err)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	if (!ctx ||
		!EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, sealing ? 1 : 0, NULL) ||
		!EVP_CipherUpdate(
			ctx, NULL, &len, (const unsigned char *)place->data, (int)place->len))
		return ossl_error(err, -EIO, "cannot set up AES-256-GCM");
	*ret = TAKE(ctx);
	return 0;
}

static int encrypt(const struct bundle *bundle, const struct buf *place, const void *value,
	size_t len, unsigned char *out, struct err *err)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
	unsigned char *cipher = out + NONCE_LEN;
	unsigned char key[KDF_KEY_LEN];
	int done = 0;
	int rest = 0;
	int rc;

	if (RAND_bytes(out, NONCE_LEN) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	rc = kdf_collective_key(KDF_SEAL_KEY, bundle->key, bundle->id, key, err);
	if (rc == 0)
		rc = begin(&ctx, true, key, place, out, err);
	mem_wipe(key, sizeof(key));
	if (rc < 0)
		return rc;
	/* an update of no bytes at all is an error to some versions of libcrypto */
	if ((len && !EVP_CipherUpdate(ctx, cipher, &done, value, (int)len)) ||
		!EVP_CipherFinal_ex(ctx, cipher + done, &rest) ||
		!EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, cipher + len))
		return ossl_error(err, -EIO, "cannot seal a value");
	return 0;
}

int seal_value(const struct bundle *bundle, const char *etcd_key, const void *value, size_t len,
	char **ret_text, struct err *err)
{
	CLEANUP(buf_done) struct buf place = BUF_INIT(PLACE_MAX);
	CLEANUP(freep) unsigned char *sealed = NULL;
	CLEANUP(freep) char *coded = NULL;
	char id[SEAL_KEY_ID_LEN + 1];
	int rc;

	if (len > SEAL_VALUE_MAX)
		return err_set(err, -EMSGSIZE, "the secret is longer than %zu bytes",
			(size_t)SEAL_VALUE_MAX);
	rc = seal_key_id(bundle->key, id, err);
	if (rc == 0)
		rc = place_of(&place, bundle->id, id, etcd_key, err);
	if (rc < 0)
		return rc;
	sealed = xmalloc(NONCE_LEN + len + TAG_LEN);
	rc = encrypt(bundle, &place, value, len, sealed, err);
	if (rc < 0)
		return rc;
	coded = b64_encode(sealed, NONCE_LEN + len + TAG_LEN);
	*ret_text = xasprintf("%s%s:%s", MAGIC, id, coded);
	return 0;
}

/* The seal key that goes with an id. */
static int key_by_id(const struct bundle *bundle, const char *id, unsigned char ret[KDF_KEY_LEN],
	struct err *err)
{
	for (size_t i = 0; i < bundle_key_count(bundle); i++) {
		char has[SEAL_KEY_ID_LEN + 1];
		const unsigned char *key = bundle_key_at(bundle, i);

		if (seal_key_id(key, has, NULL) == 0 && strcmp(has, id) == 0)
			return kdf_collective_key(KDF_SEAL_KEY, key, bundle->id, ret, err);
	}
	return err_set(err, -ENOKEY,
		"the value is sealed with the collective key %s, which this member does not have",
		id);
}

static int decrypt(const unsigned char key[KDF_KEY_LEN], const struct buf *place,
	const struct buf *sealed, char *out, struct err *err)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
	unsigned char *nonce = (unsigned char *)sealed->data;
	size_t len = sealed->len - NONCE_LEN - TAG_LEN;
	unsigned char *clear = (unsigned char *)out;
	int done = 0;
	int rest = 0;
	int rc = begin(&ctx, false, key, place, nonce, err);

	if (rc < 0)
		return rc;
	if (!EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, nonce + NONCE_LEN + len) ||
		(len && !EVP_CipherUpdate(ctx, clear, &done, nonce + NONCE_LEN, (int)len)) ||
		EVP_CipherFinal_ex(ctx, clear + done, &rest) <= 0) {
		ossl_error(err, -EBADMSG, "it does not open");
		return err_set(err, -EBADMSG,
			"the sealed value does not open: it was changed, or moved here from "
			"another key (set it again)");
	}
	return 0;
}

int seal_open_with(const unsigned char key[KDF_KEY_LEN], const char *collective,
	const char *etcd_key, const char *text, size_t len, char **ret, size_t *ret_len,
	struct err *err)
{
	CLEANUP(buf_done) struct buf place = BUF_INIT(PLACE_MAX);
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_MAX + 2);
	char id[SEAL_KEY_ID_LEN + 1];
	char *clear;
	int rc;

	if (!seal_is_sealed(text, len) || !seal_key_of(text, len, id) ||
		b64_decode(text + HEAD_LEN, len - HEAD_LEN, &sealed) < 0 ||
		sealed.len < NONCE_LEN + TAG_LEN || sealed.len > SEALED_MAX)
		return err_set(err, -EINVAL, "not a sealed value (set it again)");
	rc = place_of(&place, collective, id, etcd_key, err);
	if (rc < 0)
		return rc;
	*ret_len = sealed.len - NONCE_LEN - TAG_LEN;
	clear = xcalloc(1, *ret_len + 1);
	rc = decrypt(key, &place, &sealed, clear, err);
	if (rc < 0) {
		mem_wipe(clear, *ret_len + 1);
		free(clear);
		return rc;
	}
	*ret = clear;
	return 0;
}

int seal_open(const struct bundle *bundle, const char *etcd_key, const char *text, size_t len,
	char **ret, size_t *ret_len, struct err *err)
{
	char id[SEAL_KEY_ID_LEN + 1];
	unsigned char key[KDF_KEY_LEN];
	int rc;

	if (!seal_is_sealed(text, len) || !seal_key_of(text, len, id))
		return err_set(err, -EINVAL, "not a sealed value (set it again)");
	rc = key_by_id(bundle, id, key, err);
	if (rc < 0)
		return rc;
	rc = seal_open_with(key, bundle->id, etcd_key, text, len, ret, ret_len, err);
	mem_wipe(key, sizeof(key));
	return rc;
}
