/*
 * Invitation tokens: base64(NAME "@" random), with 64 to 66 random bytes, as many as it takes for
 * the base64 to need no "=". The text is one word that survives a terminal, a shell and an e-mail.
 *
 * Both ends derive from it, with HKDF-SHA256 over all its bytes (the name too, so that a token can't
 * be turned to another name), a PSK identity and a PSK under different labels. The identity goes
 * over the wire in clear. Only the derived pair is ever kept by the inviter, never the token.
 *
 * A token, its text and the PSK are secrets: token_wipe(), secret_free(), token_psk_wipe(). No error
 * text quotes any part of them.
 */
#ifndef TRUST_TOKEN_H
#define TRUST_TOKEN_H

#include <stddef.h>

#include "base/err.h"
#include "base/name.h"
#include "trust/kdf.h"

#define TOKEN_RANDOM_MIN 64  /* bytes */
#define TOKEN_RANDOM_MAX 256 /* bytes; more than token_make() uses, for later versions */
#define TOKEN_BYTES_MAX	 (NAME_MAX_LEN + 1 + TOKEN_RANDOM_MAX)
#define TOKEN_TEXT_MAX	 ((TOKEN_BYTES_MAX + 2) / 3 * 4)

struct token {
	char name[NAME_MAX_LEN + 1];
	unsigned char bytes[TOKEN_BYTES_MAX]; /* all of it, the name included */
	size_t len;
};

struct token_psk {
	unsigned char identity[KDF_KEY_LEN];
	unsigned char key[KDF_KEY_LEN];
};

/* A new token for a name; *ret_text is the one thing to print, secret_free() it. -EINVAL for a name
 * that is none. ret_psk may be NULL. */
int token_make(
	const char *name, char **ret_text, struct token_psk *ret_psk, struct err *err) MUST_CHECK;

/* The whole text must be a token: no blanks or line ends around it. -EINVAL, with a text that begins
 * with "Invalid token format: ". */
int token_parse(const char *text, struct token *ret, struct err *err) MUST_CHECK;

int token_derive(const struct token *token, struct token_psk *ret, struct err *err) MUST_CHECK;

void token_wipe(struct token *token);
void token_psk_wipe(struct token_psk *psk);

#endif
