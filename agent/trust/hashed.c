/*
 * Happy path: a random salt, and then the one function that the attribute calls for. Failure: a value
 * that can't be hashed, or a library that is not allowed to (a system's policy may forbid an
 * algorithm); nothing is ever stored unhashed instead.
 */
#include "config.h"
#include "trust/hashed.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "trust/ossl.h"

#define GRUB_ATTRIBUTE "crypted.grubpassword"
#define GRUB_PREFIX    "grub.pbkdf2.sha512."
#define GRUB_ROUNDS    10000
#define GRUB_BYTES     64 /* of salt and of hash */
#define CRYPT_SALT     16 /* random bytes; SHA-512 crypt uses 96 bits of them */

#define DIGITS	   "0123456789"
#define UPPER_HEX  DIGITS "ABCDEF"
#define CRYPT_WORD "./" DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static char *upper_hex(const unsigned char *data, size_t len)
{
	char *hex = hex_encode(data, len);

	for (char *p = hex; *p; p++) {
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	}
	return hex;
}

static int make_grub(const char *value, char **ret, struct err *err)
{
	CLEANUP(freep) char *salt_hex = NULL;
	CLEANUP(freep) char *hash_hex = NULL;
	unsigned char salt[GRUB_BYTES];
	unsigned char hash[GRUB_BYTES];

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	if (!PKCS5_PBKDF2_HMAC(value, (int)strlen(value), salt, sizeof(salt), GRUB_ROUNDS,
		    EVP_sha512(), sizeof(hash), hash))
		return ossl_error(err, -EIO, "cannot compute PBKDF2 with SHA-512");
	salt_hex = upper_hex(salt, sizeof(salt));
	hash_hex = upper_hex(hash, sizeof(hash));
	*ret = xasprintf("%s%d.%s.%s", GRUB_PREFIX, GRUB_ROUNDS, salt_hex, hash_hex);
	return 0;
}

static int make_crypt(const char *value, char **ret, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	unsigned char salt[CRYPT_SALT];
	struct crypt_data *data;
	const char *hash;
	int rc = 0;

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	if (!crypt_gensalt_rn("$6$", 0, (const char *)salt, sizeof(salt), setting, sizeof(setting)))
		return err_errno(err, errno ? -errno : -EIO, "no salt for SHA-512 crypt");
	data = xcalloc(1, sizeof(*data));
	hash = crypt_rn(value, setting, data, sizeof(*data));
	if (!hash)
		rc = err_errno(err, errno ? -errno : -EIO, "cannot compute SHA-512 crypt");
	else
		*ret = xstrdup(hash);
	mem_wipe(data, sizeof(*data));
	free(data);
	return rc;
}

int hashed_make(const char *attribute, const char *value, char **ret, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL,
			"an empty password is not hashed (clear the attribute to have none)");
	if (strlen(value) > HASHED_VALUE_MAX)
		return err_set(err, -EMSGSIZE,
			"a password that is to be hashed has at most %d bytes", HASHED_VALUE_MAX);
	if (strcmp(attribute, GRUB_ATTRIBUTE) == 0)
		return make_grub(value, ret, err);
	return make_crypt(value, ret, err);
}

/* Skips a run of len to max of these; NULL where it is shorter or longer. */
static const char *run(const char *p, const char *of, size_t min, size_t max)
{
	size_t len = strspn(p, of);

	return len >= min && len <= max ? p + len : NULL;
}

/* Skips one character. */
static const char *past(const char *p, char c)
{
	return p && *p == c ? p + 1 : NULL;
}

static bool is_grub(const char *p)
{
	p = run(p, DIGITS, 1, 10);
	p = past(p, '.');
	p = p ? run(p, UPPER_HEX, 2, 256) : NULL;
	p = past(p, '.');
	p = p ? run(p, UPPER_HEX, 2, 256) : NULL;
	return p && !*p;
}

/* SALT "$" HASH behind "$5$" or "$6$", perhaps with a number of rounds in front. */
static bool is_sha(const char *p, size_t hash_len)
{
	const char *rounds = text_after(p, "rounds=");

	if (rounds) {
		p = run(rounds, DIGITS, 4, 9);
		p = past(p, '$');
	}
	p = p ? run(p, CRYPT_WORD, 1, 16) : NULL;
	p = past(p, '$');
	p = p ? run(p, CRYPT_WORD, hash_len, hash_len) : NULL;
	return p && !*p;
}

/* yescrypt and its kin: PARAMETERS "$" SALT "$" HASH of 43. */
static bool is_yescrypt(const char *p)
{
	p = run(p, CRYPT_WORD, 1, 64);
	p = past(p, '$');
	p = p ? run(p, CRYPT_WORD, 1, 86) : NULL;
	p = past(p, '$');
	p = p ? run(p, CRYPT_WORD, 43, 43) : NULL;
	return p && !*p;
}

/* scrypt: N, r, p and salt in one word, "$", HASH of 43. */
static bool is_scrypt(const char *p)
{
	p = run(p, CRYPT_WORD, 11, 97);
	p = past(p, '$');
	p = p ? run(p, CRYPT_WORD, 43, 43) : NULL;
	return p && !*p;
}

static bool is_bcrypt(const char *p)
{
	p = run(p, DIGITS, 2, 2);
	p = past(p, '$');
	p = p ? run(p, CRYPT_WORD, 53, 53) : NULL;
	return p && !*p;
}

bool hashed_looks_like(const char *text)
{
	static const char *const bcrypt[] = {"$2a$", "$2b$", "$2y$"};
	const char *rest;

	if (strnlen(text, HASHED_TEXT_MAX + 1) > HASHED_TEXT_MAX)
		return false;
	if ((rest = text_after(text, GRUB_PREFIX)))
		return is_grub(rest);
	if ((rest = text_after(text, "$6$")))
		return is_sha(rest, 86);
	if ((rest = text_after(text, "$5$")))
		return is_sha(rest, 43);
	if ((rest = text_after(text, "$y$")) || (rest = text_after(text, "$gy$")))
		return is_yescrypt(rest);
	if ((rest = text_after(text, "$7$")))
		return is_scrypt(rest);
	for (size_t i = 0; i < ARRAY_SIZE(bcrypt); i++) {
		if ((rest = text_after(text, bcrypt[i])))
			return is_bcrypt(rest);
	}
	return false;
}
