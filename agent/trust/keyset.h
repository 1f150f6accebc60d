/*
 * struct keyset: what it takes to open the sealed values of a collective (trust/seal.h) elsewhere, and
 * its form in the backup of a database.
 *
 * It holds the keys that seal, not the collective key that they are derived from: who has a backup and
 * its password can read secrets, and neither make members nor be taken for one.
 *
 * As text it is one of
 *
 *     *unencrypted:BASE64                         anybody can read it
 *     SALT!NONCE!SEALED!ROUNDS                    base64, base64, base64, a number: with a password
 *
 * The password is stretched with PBKDF2-HMAC-SHA256 and a random salt (RFC 8018) and encrypts with
 * AES-256-GCM; a fixed label, the collective id, the salt and the number of rounds are authenticated with
 * it. What is inside is, for each key, four bytes of its id and 32 of the key.
 */
#ifndef TRUST_KEYSET_H
#define TRUST_KEYSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "trust/bundle.h"
#include "trust/seal.h"

#define KEYSET_TEXT_MAX	    1024
#define KEYSET_PASSWORD_MAX 1024
/* What is written, and what is read: 0.2 s, and some seconds. */
#define KEYSET_ROUNDS	  600000
#define KEYSET_ROUNDS_MIN 200000
#define KEYSET_ROUNDS_MAX 10000000

struct keyset;

/* All keys of a collective, held ones too. */
int keyset_of_bundle(const struct bundle *bundle, struct keyset **ret, struct err *err) MUST_CHECK;
/* Wipes; NULL is fine. */
void keyset_free(struct keyset *set);
/* Whose keys they are. */
const char *keyset_collective(const struct keyset *set);

/* password NULL: unencrypted. *ret_text is new, wipe it. Computes for long: for a worker thread. */
int keyset_lock(const struct keyset *set, const char *password, char **ret_text,
	struct err *err) MUST_CHECK;
/* Does the text need a password? */
bool keyset_is_locked(const char *text);
/* -EACCES: another password, or another collective's. -EINVAL: no such text. A password that is not
 * needed is ignored. For a worker thread, too. */
int keyset_unlock(const char *collective, const char *text, const char *password,
	struct keyset **ret, struct err *err) MUST_CHECK;

/* seal_open() with these keys. */
int keyset_open(const struct keyset *set, const char *etcd_key, const char *text, size_t len,
	char **ret, size_t *ret_len, struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct keyset *, keyset_free)

#endif
