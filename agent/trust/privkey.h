/*
 * Private keys of members and of the CA.
 *
 * New ones are EC on P-384. One that an administrator brings may be any EC key on a named curve or
 * RSA of 2048 to 8192 bits, in an unencrypted PEM (PKCS#8 or the older forms); nothing is ever asked
 * on a terminal.
 *
 * A key's hash is "sha256:" and the lower-case hex of the SHA-256 over its public half as a
 * SubjectPublicKeyInfo in DER: what the registry keeps of each member. The same comes from
 *
 *     openssl pkey -in privkey.pem -pubout -outform DER | sha256sum
 *
 * The PEM text is secret: write it with file_replace(…, 0600) and secret_free() it.
 */
#ifndef TRUST_PRIVKEY_H
#define TRUST_PRIVKEY_H

#include <stdbool.h>

#include "base/err.h"

struct privkey;

#define PRIVKEY_PEM_MAX	    16384 /* bytes of a PEM text that is read */
#define PRIVKEY_PUBLIC_MAX  2048  /* bytes of a public half as text */
#define PRIVKEY_HASH_PREFIX "sha256:"
#define PRIVKEY_HASH_LEN    71 /* with 64 digits behind it */

int privkey_generate(struct privkey **ret, struct err *err) MUST_CHECK;
/* -EINVAL when the text holds no usable key, with what is wrong and what is wanted. */
int privkey_parse(struct privkey **ret, const char *pem, struct err *err) MUST_CHECK;
/* Wipes; NULL is fine. */
void privkey_free(struct privkey *key);

/* PKCS#8 in PEM, new; secret_free() it. */
int privkey_pem(const struct privkey *key, char **ret, struct err *err) MUST_CHECK;
int privkey_hash(
	const struct privkey *key, char ret[PRIVKEY_HASH_LEN + 1], struct err *err) MUST_CHECK;
/* The public half: a SubjectPublicKeyInfo in DER, base64; new. */
int privkey_public(const struct privkey *key, char **ret, struct err *err) MUST_CHECK;
/* Is it the text of the public key with this hash? False for any other text, which is not looked into:
 * cheap, unlike reading a key, however many anybody may have put into the registry. */
bool privkey_public_is(const char *text, const char *hash);
/* Is it "sha256:" and 64 lower-case digits? For what is read from the registry. */
bool privkey_hash_valid(const char *hash);

DEFINE_CLEANUP(struct privkey *, privkey_free)

#endif
