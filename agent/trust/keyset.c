/*
 * Happy path: the keys are put one behind the other, encrypted under a key that the password gives, and
 * printed; reading goes the other way.
 *
 * Failure: a text that is not of either form or asks for more rounds than are worth waiting for
 * (-EINVAL), and one answer for a wrong password and a text that was changed (-EACCES), because nobody
 * can tell these apart. No text quotes a key or a password.
 */
#include "config.h"
#include "trust/keyset.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "trust/ossl.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

#define OPEN	  "*unencrypted:"
#define LABEL	  "collective 1 backup keys"
#define KEYS_MAX  (1 + BUNDLE_HELD_MAX)
#define ID_BYTES  (SEAL_KEY_ID_LEN / 2)
#define ENTRY	  (ID_BYTES + KDF_KEY_LEN)
#define RAW_MAX	  ((size_t)KEYS_MAX * ENTRY)
#define SALT_LEN  16
#define NONCE_LEN 12
#define TAG_LEN	  16
#define PARTS	  4

struct keyset {
	char *collective;
	size_t n;
	unsigned char keys[KEYS_MAX][ENTRY]; /* the id's bytes in front */
};

int keyset_of_bundle(const struct bundle *bundle, struct keyset **ret, struct err *err)
{
	CLEANUP(keyset_freep) struct keyset *set = xcalloc(1, sizeof(*set));

	set->collective = xstrdup(bundle->id);
	for (size_t i = 0; i < bundle_key_count(bundle) && i < KEYS_MAX; i++) {
		const unsigned char *key = bundle_key_at(bundle, i);
		char id[SEAL_KEY_ID_LEN + 1];
		int rc = seal_key_id(key, id, err);

		if (rc == 0)
			rc = hex_decode(id, set->keys[i], ID_BYTES);
		if (rc == 0)
			rc = kdf_collective_key(
				KDF_SEAL_KEY, key, bundle->id, set->keys[i] + ID_BYTES, err);
		if (rc < 0)
			return rc;
		set->n++;
	}
	*ret = TAKE(set);
	return 0;
}

void keyset_free(struct keyset *set)
{
	if (!set)
		return;
	free(set->collective);
	mem_wipe(set, sizeof(*set));
	free(set);
}

const char *keyset_collective(const struct keyset *set)
{
	return set->collective;
}

/* ---- with a password ---- */

static int stretch(const char *password, const unsigned char *salt, int rounds,
	unsigned char ret[KDF_KEY_LEN], struct err *err)
{
	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, SALT_LEN, rounds, EVP_sha256(),
		    KDF_KEY_LEN, ret) != 1)
		return ossl_error(err, -EIO, "cannot make a key of the password");
	return 0;
}

/* What is authenticated and not encrypted. */
static int surroundings(
	struct buf *b, const char *collective, const unsigned char *salt, int rounds)
{
	int rc = buf_add(b, LABEL, sizeof(LABEL));

	if (rc == 0)
		rc = buf_add(b, collective, strlen(collective) + 1);
	if (rc == 0)
		rc = buf_add(b, salt, SALT_LEN);
	return rc == 0 ? buf_printf(b, "%d", rounds) : rc;
}

/* Encrypts or decrypts len bytes from in to out; the tag is written, or must be right. */
static bool crypt_raw(bool encrypt, const unsigned char *key, const unsigned char *nonce,
	const struct buf *around, const unsigned char *in, size_t len, unsigned char *out,
	unsigned char *tag)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;

	return ctx &&
	       EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, encrypt ? 1 : 0, NULL) &&
	       EVP_CipherUpdate(
		       ctx, NULL, &n, (const unsigned char *)around->data, (int)around->len) &&
	       (encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag)) &&
	       EVP_CipherUpdate(ctx, out, &n, in, (int)len) &&
	       EVP_CipherFinal_ex(ctx, out + n, &rest) > 0 &&
	       (!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag));
}

static int check_password(const char *password, struct err *err)
{
	if (!*password)
		return err_set(err, -EINVAL, "the password is empty");
	if (strlen(password) > KEYSET_PASSWORD_MAX)
		return err_set(
			err, -EINVAL, "the password is longer than %d bytes", KEYSET_PASSWORD_MAX);
	return 0;
}

static int lock(const struct keyset *set, const char *password, char **ret_text, struct err *err)
{
	CLEANUP(buf_done) struct buf around = BUF_INIT(512);
	CLEANUP(freep) char *salt_text = NULL;
	CLEANUP(freep) char *nonce_text = NULL;
	CLEANUP(freep) char *sealed_text = NULL;
	unsigned char key[KDF_KEY_LEN], salt[SALT_LEN], nonce[NONCE_LEN];
	unsigned char sealed[RAW_MAX + TAG_LEN];
	size_t len = set->n * ENTRY;
	int rc = check_password(password, err);

	if (rc < 0)
		return rc;
	if (RAND_bytes(salt, SALT_LEN) != 1 || RAND_bytes(nonce, NONCE_LEN) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	if (surroundings(&around, set->collective, salt, KEYSET_ROUNDS) < 0)
		return err_set(err, -EINVAL, "the collective id is too long");
	rc = stretch(password, salt, KEYSET_ROUNDS, key, err);
	if (rc == 0 &&
		!crypt_raw(true, key, nonce, &around, set->keys[0], len, sealed, sealed + len))
		rc = ossl_error(err, -EIO, "cannot encrypt the keys");
	mem_wipe(key, sizeof(key));
	if (rc < 0)
		return rc;
	salt_text = b64_encode(salt, SALT_LEN);
	nonce_text = b64_encode(nonce, NONCE_LEN);
	sealed_text = b64_encode(sealed, len + TAG_LEN);
	*ret_text = xasprintf("%s!%s!%s!%d", salt_text, nonce_text, sealed_text, KEYSET_ROUNDS);
	return 0;
}

int keyset_lock(const struct keyset *set, const char *password, char **ret_text, struct err *err)
{
	char *coded;

	if (password)
		return lock(set, password, ret_text, err);
	coded = b64_encode(set->keys, set->n * ENTRY);
	*ret_text = xasprintf("%s%s", OPEN, coded);
	secret_free(coded);
	return 0;
}

/* ---- reading ---- */

static int not_ours(struct err *err)
{
	return err_set(err, -EINVAL,
		"the keys are not in the form that this program writes (keys that confluentdbutil "
		"wrote are of no use here)");
}

static int fill(struct keyset *set, const unsigned char *raw, size_t len, struct err *err)
{
	if (len == 0 || len % ENTRY != 0 || len > RAW_MAX)
		return not_ours(err);
	memcpy(set->keys, raw, len);
	set->n = len / ENTRY;
	return 0;
}

bool keyset_is_locked(const char *text)
{
	return !text_starts(text, OPEN);
}

struct parts {
	struct buf at[PARTS - 1];
	int rounds;
};

static void parts_done(struct parts *parts)
{
	for (size_t i = 0; i < PARTS - 1; i++)
		buf_done(&parts->at[i]);
}

static int split(const char *text, struct parts *ret, struct err *err)
{
	static const size_t least[] = {SALT_LEN, NONCE_LEN, TAG_LEN + ENTRY};
	static const size_t most[] = {SALT_LEN, NONCE_LEN, TAG_LEN + RAW_MAX};
	int64_t rounds;

	for (size_t i = 0; i < PARTS - 1; i++) {
		const char *end = strchr(text, '!');

		buf_init(&ret->at[i], most[i] + 2);
		if (!end || b64_decode(text, (size_t)(end - text), &ret->at[i]) < 0 ||
			ret->at[i].len < least[i] || ret->at[i].len > most[i])
			return not_ours(err);
		text = end + 1;
	}
	if (num_i64(text, &rounds) < 0)
		return not_ours(err);
	if (rounds < KEYSET_ROUNDS_MIN || rounds > KEYSET_ROUNDS_MAX)
		return err_set(err, -EINVAL,
			"the keys want %" PRId64 " rounds of PBKDF2; %d to %d are accepted", rounds,
			KEYSET_ROUNDS_MIN, KEYSET_ROUNDS_MAX);
	ret->rounds = (int)rounds;
	return 0;
}

static int unlock(struct keyset *set, const char *text, const char *password, struct err *err)
{
	CLEANUP(parts_done) struct parts parts = {.rounds = 0};
	CLEANUP(buf_done) struct buf around = BUF_INIT(512);
	unsigned char key[KDF_KEY_LEN], raw[RAW_MAX];
	unsigned char *salt, *sealed;
	size_t len;
	int rc = split(text, &parts, err);

	if (rc < 0)
		return rc;
	if (!password)
		return err_set(err, -EACCES, "the keys are protected by a password");
	rc = check_password(password, err);
	if (rc < 0)
		return rc;
	salt = (unsigned char *)parts.at[0].data;
	sealed = (unsigned char *)parts.at[2].data;
	len = parts.at[2].len - TAG_LEN;
	if (surroundings(&around, set->collective, salt, parts.rounds) < 0)
		return not_ours(err);
	rc = stretch(password, salt, parts.rounds, key, err);
	if (rc == 0 && !crypt_raw(false, key, (unsigned char *)parts.at[1].data, &around, sealed,
			       len, raw, sealed + len)) {
		ossl_error(err, -EACCES, "they do not open");
		rc = err_set(err, -EACCES,
			"the keys do not open: it is not the password they were protected with, or "
			"the file was changed");
	}
	if (rc == 0)
		rc = fill(set, raw, len, err);
	mem_wipe(key, sizeof(key));
	mem_wipe(raw, sizeof(raw));
	return rc;
}

int keyset_unlock(const char *collective, const char *text, const char *password,
	struct keyset **ret, struct err *err)
{
	CLEANUP(keyset_freep) struct keyset *set = xcalloc(1, sizeof(*set));
	struct buf raw = BUF_INIT(RAW_MAX + 2);
	const char *open = text_after(text, OPEN);
	int rc;

	if (!bundle_id_valid(collective) || strlen(text) > KEYSET_TEXT_MAX)
		return not_ours(err);
	set->collective = xstrdup(collective);
	if (!open)
		rc = unlock(set, text, password, err);
	else if (b64_decode(open, strlen(open), &raw) < 0)
		rc = not_ours(err);
	else
		rc = fill(set, (unsigned char *)raw.data, raw.len, err);
	buf_wipe(&raw);
	if (rc == 0)
		*ret = TAKE(set);
	return rc;
}

int keyset_open(const struct keyset *set, const char *etcd_key, const char *text, size_t len,
	char **ret, size_t *ret_len, struct err *err)
{
	char id[SEAL_KEY_ID_LEN + 1];
	unsigned char wanted[ID_BYTES];

	if (!seal_key_of(text, len, id) || hex_decode(id, wanted, ID_BYTES) < 0)
		return err_set(err, -EINVAL, "not a sealed value");
	for (size_t i = 0; i < set->n; i++) {
		if (memcmp(set->keys[i], wanted, ID_BYTES) == 0)
			return seal_open_with(set->keys[i] + ID_BYTES, set->collective, etcd_key,
				text, len, ret, ret_len, err);
	}
	return err_set(err, -ENOKEY,
		"it is sealed with the collective key %s, which is not among those of this backup",
		id);
}
