/*
 * Happy path: a secret that both sides can know is made (ECDH or RSA-OAEP), a key derived from it, and
 * the collective key sealed with that. The nonce is all zero: the derived key seals one thing only.
 *
 * The blob is: length of the carrier (2 bytes, big endian), carrier, ciphertext, tag.
 *
 * Failure: one answer for everything that does not open, so that nothing can be learnt from it.
 */
#include "config.h"
#include "trust/wrap.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "trust/ossl.h"

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

#define LABEL	    "collective 1 wrapped key"
#define TAG_LEN	    16
#define NONCE_LEN   12
#define CARRIER_MAX 1024 /* RSA of 8192 bits; an EC point is 1 + 2 * 66 at most */
#define SHARED_MAX  66	 /* P-521 */
#define BLOB_MAX    (2 + CARRIER_MAX + KDF_KEY_LEN + TAG_LEN)
#define INFO_MAX    4096

struct carrier {
	unsigned char data[CARRIER_MAX];
	size_t len;
	unsigned char shared[SHARED_MAX];
	size_t shared_len;
};

/* ---- the shared secret ---- */

static int agree(EVP_PKEY *own, EVP_PKEY *peer, struct carrier *c, struct err *err)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);

	c->shared_len = sizeof(c->shared);
	if (!ctx || EVP_PKEY_derive_init(ctx) <= 0 || EVP_PKEY_derive_set_peer(ctx, peer) <= 0 ||
		EVP_PKEY_derive(ctx, c->shared, &c->shared_len) <= 0)
		return ossl_error(err, -EBADMSG, "no shared secret");
	return 0;
}

/* A key on the same curve. */
static EVP_PKEY *same_curve(EVP_PKEY *key)
{
	char group[64];
	size_t len;

	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), &len))
		return NULL;
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);
}

static int carry_ec(EVP_PKEY *receiver, struct carrier *c, struct err *err)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *once = same_curve(receiver);
	unsigned char *point = NULL;

	if (!once)
		return ossl_error(err, -EIO, "cannot make a key on the receiver's curve");
	c->len = EVP_PKEY_get1_encoded_public_key(once, &point);
	if (!c->len || c->len > sizeof(c->data)) {
		OPENSSL_free(point);
		return ossl_error(err, -EIO, "cannot encode a public key");
	}
	memcpy(c->data, point, c->len);
	OPENSSL_free(point);
	return agree(once, receiver, c, err);
}

static int take_ec(EVP_PKEY *receiver, struct carrier *c, struct err *err)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *peer = EVP_PKEY_new();

	/* the point is checked to be on the curve by the decoder */
	if (!peer || EVP_PKEY_copy_parameters(peer, receiver) <= 0 ||
		EVP_PKEY_set1_encoded_public_key(peer, c->data, c->len) <= 0)
		return ossl_error(err, -EBADMSG, "no public key on this curve");
	return agree(receiver, peer, c, err);
}

static bool use_oaep(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
}

static int carry_rsa(EVP_PKEY *receiver, struct carrier *c, struct err *err)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, receiver, NULL);

	c->len = sizeof(c->data);
	c->shared_len = KDF_KEY_LEN;
	if (RAND_priv_bytes(c->shared, (int)c->shared_len) != 1 || !ctx ||
		EVP_PKEY_encrypt_init(ctx) <= 0 || !use_oaep(ctx) ||
		EVP_PKEY_encrypt(ctx, c->data, &c->len, c->shared, c->shared_len) <= 0)
		return ossl_error(err, -EIO, "cannot encrypt for the receiver's key");
	return 0;
}

static int take_rsa(EVP_PKEY *receiver, struct carrier *c, struct err *err)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, receiver, NULL);
	unsigned char clear[CARRIER_MAX];
	size_t len = sizeof(clear);
	int rc = 0;

	if (!ctx || EVP_PKEY_decrypt_init(ctx) <= 0 || !use_oaep(ctx) ||
		EVP_PKEY_decrypt(ctx, clear, &len, c->data, c->len) <= 0 || len > SHARED_MAX)
		rc = ossl_error(err, -EBADMSG, "not encrypted for this key");
	if (rc == 0) {
		memcpy(c->shared, clear, len);
		c->shared_len = len;
	}
	mem_wipe(clear, sizeof(clear));
	return rc;
}

/* ---- the key from it, and what it seals ---- */

static int derive(EVP_PKEY *receiver, const char *context, const struct carrier *c,
	unsigned char ret[KDF_KEY_LEN], struct err *err)
{
	CLEANUP(buf_done) struct buf info = BUF_INIT(INFO_MAX);
	char hash[PRIVKEY_HASH_LEN + 1];
	int rc = ossl_hash_public(receiver, hash, err);

	if (rc < 0)
		return rc;
	rc = buf_add(&info, LABEL, sizeof(LABEL));
	if (rc == 0)
		rc = buf_add(&info, hash, sizeof(hash));
	if (rc == 0)
		rc = buf_add(&info, context, strlen(context) + 1);
	if (rc == 0)
		rc = buf_add(&info, c->data, c->len);
	if (rc < 0)
		return err_set(err, rc, "the context of a wrapped key is too long");
	return kdf_hkdf(
		c->shared, c->shared_len, NULL, 0, info.data, info.len, ret, KDF_KEY_LEN, err);
}

static bool seal(const unsigned char with[KDF_KEY_LEN], const unsigned char key[KDF_KEY_LEN],
	unsigned char out[KDF_KEY_LEN + TAG_LEN])
{
	static const unsigned char nonce[NONCE_LEN];
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done;
	int rest;

	return ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), with, nonce, NULL) &&
	       EVP_EncryptUpdate(ctx, out, &done, key, KDF_KEY_LEN) &&
	       EVP_EncryptFinal_ex(ctx, out + done, &rest) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, out + KDF_KEY_LEN);
}

static bool unseal(const unsigned char with[KDF_KEY_LEN],
	unsigned char sealed[KDF_KEY_LEN + TAG_LEN], unsigned char ret[KDF_KEY_LEN])
{
	static const unsigned char nonce[NONCE_LEN];
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done;
	int rest;

	return ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), with, nonce, NULL) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, sealed + KDF_KEY_LEN) &&
	       EVP_DecryptUpdate(ctx, ret, &done, sealed, KDF_KEY_LEN) &&
	       EVP_DecryptFinal_ex(ctx, ret + done, &rest) > 0;
}

/* ---- the two ends ---- */

static char *encode(const struct carrier *c, const unsigned char sealed[KDF_KEY_LEN + TAG_LEN])
{
	unsigned char blob[BLOB_MAX];

	blob[0] = (unsigned char)(c->len >> 8);
	blob[1] = (unsigned char)c->len;
	memcpy(blob + 2, c->data, c->len);
	memcpy(blob + 2 + c->len, sealed, KDF_KEY_LEN + TAG_LEN);
	return b64_encode(blob, 2 + c->len + KDF_KEY_LEN + TAG_LEN);
}

int wrap_key(const char *receiver, const char *context, const unsigned char key[KDF_KEY_LEN],
	char **ret_text, struct err *err)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	unsigned char sealed[KDF_KEY_LEN + TAG_LEN];
	unsigned char with[KDF_KEY_LEN];
	struct carrier c = {.len = 0};
	int rc = ossl_read_public(&pkey, receiver, err);

	if (rc == 0)
		rc = EVP_PKEY_is_a(pkey, "EC") ? carry_ec(pkey, &c, err) : carry_rsa(pkey, &c, err);
	if (rc == 0)
		rc = derive(pkey, context, &c, with, err);
	if (rc == 0 && !seal(with, key, sealed))
		rc = ossl_error(err, -EIO, "cannot seal a key");
	if (rc == 0)
		*ret_text = encode(&c, sealed);
	mem_wipe(with, sizeof(with));
	mem_wipe(&c, sizeof(c));
	return rc < 0 ? err_wrap(err, rc, "cannot wrap the collective key") : 0;
}

static int decode(const char *text, struct carrier *c, unsigned char sealed[KDF_KEY_LEN + TAG_LEN])
{
	CLEANUP(buf_done) struct buf blob = BUF_INIT(BLOB_MAX + 2);
	size_t len = strnlen(text, WRAP_TEXT_MAX + 1);
	const unsigned char *p;

	if (len > WRAP_TEXT_MAX || b64_decode(text, len, &blob) < 0 || blob.len < 2)
		return -EINVAL;
	p = (const unsigned char *)blob.data;
	c->len = (size_t)p[0] << 8 | p[1];
	if (!c->len || c->len > CARRIER_MAX || blob.len != 2 + c->len + KDF_KEY_LEN + TAG_LEN)
		return -EINVAL;
	memcpy(c->data, p + 2, c->len);
	memcpy(sealed, p + 2 + c->len, KDF_KEY_LEN + TAG_LEN);
	return 0;
}

int wrap_open(const struct privkey *receiver, const char *context, const char *text,
	unsigned char ret[KDF_KEY_LEN], struct err *err)
{
	EVP_PKEY *pkey = privkey_pkey(receiver);
	unsigned char sealed[KDF_KEY_LEN + TAG_LEN];
	unsigned char with[KDF_KEY_LEN];
	struct carrier c = {.len = 0};
	int rc;

	if (decode(text, &c, sealed) < 0)
		return err_set(err, -EINVAL, "not a wrapped key");
	rc = EVP_PKEY_is_a(pkey, "EC") ? take_ec(pkey, &c, NULL) : take_rsa(pkey, &c, NULL);
	if (rc == 0)
		rc = derive(pkey, context, &c, with, NULL);
	if (rc == 0 && !unseal(with, sealed, ret))
		rc = -EBADMSG;
	if (rc < 0) {
		ERR_clear_error();
		mem_wipe(ret, KDF_KEY_LEN);
		rc = err_set(err, -EBADMSG,
			"the wrapped key does not open: it was changed, or is another member's");
	}
	mem_wipe(with, sizeof(with));
	mem_wipe(&c, sizeof(c));
	return rc;
}
