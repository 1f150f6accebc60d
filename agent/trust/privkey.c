/*
 * Happy path: privkey_parse() of the file, or privkey_generate() and privkey_pem() into it. Failure:
 * a text without a key, an encrypted one, or a key that is weak, huge or of another kind.
 */
#include "config.h"
#include "trust/privkey.h"

#include <errno.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "trust/kdf.h"
#include "trust/ossl.h"

struct privkey {
	EVP_PKEY *pkey;
};

static struct privkey *wrap(EVP_PKEY *pkey)
{
	struct privkey *key = xcalloc(1, sizeof(*key));

	key->pkey = pkey;
	return key;
}

int privkey_generate(struct privkey **ret, struct err *err)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-384");

	if (!pkey)
		return ossl_error(err, -EIO, "cannot generate a private key");
	*ret = wrap(pkey);
	return 0;
}

/* Called only for an encrypted key: notes that and gives none. */
static int note_encrypted(char *buf UNUSED, int size UNUSED, int rwflag UNUSED, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

int privkey_parse(struct privkey **ret, const char *pem, struct err *err)
{
	CLEANUP(BIO_freep) BIO *in = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	bool encrypted = false;
	int rc = ossl_reader(&in, pem, PRIVKEY_PEM_MAX, "private key", err);

	if (rc < 0)
		return rc;
	pkey = PEM_read_bio_PrivateKey(in, NULL, note_encrypted, &encrypted);
	if (!pkey && encrypted) {
		ERR_clear_error();
		return err_set(err, -EINVAL,
			"the private key is encrypted (remove the passphrase: openssl pkey -in "
			"FILE "
			"-out FILE)");
	}
	if (!pkey)
		return ossl_error(err, -EINVAL, "not a private key in PEM");
	rc = ossl_check_public(pkey, err);
	if (rc < 0)
		return rc;
	*ret = wrap(TAKE(pkey));
	return 0;
}

void privkey_free(struct privkey *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

EVP_PKEY *privkey_pkey(const struct privkey *key)
{
	return key->pkey;
}

int privkey_pem(const struct privkey *key, char **ret, struct err *err)
{
	/* this kind of BIO wipes what it grew out of */
	CLEANUP(BIO_freep) BIO *out = BIO_new(BIO_s_secmem());

	if (!out || !PEM_write_bio_PKCS8PrivateKey(out, key->pkey, NULL, NULL, 0, NULL, NULL))
		return ossl_error(err, -EIO, "cannot write the private key");
	*ret = ossl_written(out);
	return 0;
}

int privkey_hash(const struct privkey *key, char ret[PRIVKEY_HASH_LEN + 1], struct err *err)
{
	return ossl_hash_public(key->pkey, ret, err);
}

int privkey_public(const struct privkey *key, char **ret, struct err *err)
{
	return ossl_write_public(key->pkey, ret, err);
}

bool privkey_public_is(const char *text, const char *hash)
{
	CLEANUP(buf_done) struct buf der = BUF_INIT(PRIVKEY_PUBLIC_MAX);
	size_t len = strnlen(text, PRIVKEY_PUBLIC_MAX + 1);
	const char *digits = text_after(hash, PRIVKEY_HASH_PREFIX);
	unsigned char digest[KDF_SHA256_LEN];
	CLEANUP(freep) char *hex = NULL;

	if (!digits || len > PRIVKEY_PUBLIC_MAX || b64_decode(text, len, &der) < 0 || !der.len ||
		kdf_sha256(der.data, der.len, digest, NULL) < 0)
		return false;
	hex = hex_encode(digest, sizeof(digest));
	return text_eq(hex, digits);
}

bool privkey_hash_valid(const char *hash)
{
	const char *digits = text_after(hash, PRIVKEY_HASH_PREFIX);

	return digits && strlen(hash) == PRIVKEY_HASH_LEN &&
	       strspn(digits, "0123456789abcdef") == strlen(digits);
}
