/*
 * Happy path: token_make() on the inviter, token_parse() and token_derive() on the joiner; both come
 * to the same PSK. A text that is damaged in its form fails in token_parse(); one that is merely
 * another token derives another PSK, which the other end does not know.
 */
#include "config.h"
#include "trust/token.h"

#include <errno.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "trust/ossl.h"

#define FORMAT "Invalid token format: "

void token_wipe(struct token *token)
{
	mem_wipe(token, sizeof(*token));
}

void token_psk_wipe(struct token_psk *psk)
{
	mem_wipe(psk, sizeof(*psk));
}

int token_make(const char *name, char **ret_text, struct token_psk *ret_psk, struct err *err)
{
	CLEANUP(token_wipe) struct token token = {""};
	size_t name_len;
	int rc = name_check(name, err);

	if (rc < 0)
		return rc;
	name_len = strlen(name);
	memcpy(token.name, name, name_len + 1);
	memcpy(token.bytes, name, name_len);
	token.bytes[name_len] = '@';
	token.len = (name_len + 1 + TOKEN_RANDOM_MIN + 2) / 3 * 3;
	if (RAND_bytes(token.bytes + name_len + 1, (int)(token.len - name_len - 1)) != 1)
		return ossl_error(err, -EIO, "no random bytes to be had");
	rc = ret_psk ? token_derive(&token, ret_psk, err) : 0;
	if (rc < 0)
		return rc;
	*ret_text = b64_encode(token.bytes, token.len);
	return 0;
}

static int decode(const char *text, size_t len, struct token *token, struct err *err)
{
	struct buf b = BUF_INIT(sizeof(token->bytes));
	int rc = b64_decode(text, len, &b);

	if (rc == 0) {
		memcpy(token->bytes, b.data, b.len);
		token->len = b.len;
	}
	buf_wipe(&b);
	if (rc == -EMSGSIZE)
		return err_set(err, -EINVAL, FORMAT "it is too long");
	if (rc < 0)
		return err_set(err, -EINVAL,
			FORMAT "it is not base64 (was a blank or a line break copied with it?)");
	return 0;
}

/* The name is the part before the first '@', which no name contains. It is not quoted: in a damaged
 * token it may be a piece of the secret. */
static int take_name(struct token *token, struct err *err)
{
	const unsigned char *at = memchr(token->bytes, '@', token->len);
	size_t name_len = at ? (size_t)(at - token->bytes) : 0;

	if (!at)
		return err_set(err, -EINVAL, FORMAT "there is no member name in it");
	if (name_len <= NAME_MAX_LEN && !memchr(token->bytes, '\0', name_len)) {
		memcpy(token->name, token->bytes, name_len);
		token->name[name_len] = '\0';
	}
	if (!name_valid(token->name))
		return err_set(err, -EINVAL, FORMAT "what it names is not a member name");
	if (token->len - name_len - 1 < TOKEN_RANDOM_MIN)
		return err_set(err, -EINVAL, FORMAT "it is too short (was all of it copied?)");
	if (token->len - name_len - 1 > TOKEN_RANDOM_MAX)
		return err_set(err, -EINVAL, FORMAT "it is too long");
	return 0;
}

int token_parse(const char *text, struct token *ret, struct err *err)
{
	CLEANUP(token_wipe) struct token token = {""};
	size_t len = strnlen(text, TOKEN_TEXT_MAX + 1);
	int rc;

	if (!len)
		return err_set(err, -EINVAL, FORMAT "it is empty");
	if (len > TOKEN_TEXT_MAX)
		return err_set(
			err, -EINVAL, FORMAT "it is longer than %d characters", TOKEN_TEXT_MAX);
	if (memchr(text, '=', len))
		return err_set(err, -EINVAL, FORMAT "there is a '=' in it");
	if (len % 4)
		return err_set(err, -EINVAL,
			FORMAT "its length is not a multiple of 4 (was all of it copied?)");
	rc = decode(text, len, &token, err);
	if (rc == 0)
		rc = take_name(&token, err);
	if (rc == 0)
		*ret = token;
	return rc;
}

int token_derive(const struct token *token, struct token_psk *ret, struct err *err)
{
	struct token_psk psk = {{0}};
	int rc = kdf_derive(
		KDF_INVITATION_IDENTITY, token->bytes, token->len, NULL, 0, psk.identity, err);

	if (rc == 0)
		rc = kdf_derive(
			KDF_INVITATION_KEY, token->bytes, token->len, NULL, 0, psk.key, err);
	if (rc == 0)
		*ret = psk;
	token_psk_wipe(&psk);
	return rc;
}
