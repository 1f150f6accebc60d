/*
 * A collective key wrapped for one member: only who has the private half of the member's key opens it.
 *
 * As text: base64 of what carries the shared secret and of the sealed key. For an EC key that is an
 * ephemeral public key on the same curve (ECDH), for an RSA key 32 random bytes encrypted with
 * RSA-OAEP (SHA-256). HKDF-SHA256 over the shared secret, bound to the context, to the receiver's key
 * and to what carries the secret, gives the key of AES-256-GCM, which is used once. So a text opens for
 * one member and in one context.
 *
 * It says nothing about who wrapped it: whoever knows the member's public key can. Its origin is
 * authenticated by the record that it is kept in (identity/keyring.h).
 */
#ifndef TRUST_WRAP_H
#define TRUST_WRAP_H

#include "base/err.h"
#include "trust/kdf.h"
#include "trust/privkey.h"

#define WRAP_TEXT_MAX 2048 /* bytes; an RSA key of 8192 bits needs some 1500 */

/* receiver: the text of its public key (privkey_public()). *ret_text is new. -EINVAL for what is no
 * acceptable public key. */
int wrap_key(const char *receiver, const char *context, const unsigned char key[KDF_KEY_LEN],
	char **ret_text, struct err *err) MUST_CHECK;
/* Wipe what comes out. -EINVAL: no such text; -EBADMSG: for another key or context, or changed. */
int wrap_open(const struct privkey *receiver, const char *context, const char *text,
	unsigned char ret[KDF_KEY_LEN], struct err *err) MUST_CHECK;

#endif
