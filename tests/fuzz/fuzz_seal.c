/* libs: trust base; pkg: CRYPTO CRYPT */
/*
 * What anybody may put into etcd in the place of a secret, a hash, a wrapped key or a public key. Nothing
 * of it may open; what is said to be a sealed text names a key. The input is read as it is and once
 * more with a head in front that fits, which no mutation would find.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trust/bundle.h"
#include "trust/hashed.h"
#include "trust/privkey.h"
#include "trust/seal.h"
#include "trust/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxuVrvrwFmN2P5D/Q\n"
			  "kUF2uO1n47wZIga6xuoAt5JHdeGhRANCAATuYYiNNMVL64cAScmMjH9kDySeSZ5/\n"
			  "SC4Nt6SVX3CDBLVq56jfX6pd9Fj6vPi5egMh4SBck/t4Eq0PmOuyI1Ig\n"
			  "-----END PRIVATE KEY-----\n";

static void must(int truth)
{
	if (!truth)
		abort();
}

static void open_sealed(const struct bundle *bundle, const char *text, size_t len)
{
	char id[SEAL_KEY_ID_LEN + 1];
	char *clear = NULL;
	struct err err = {""};
	size_t clear_len;

	must(!seal_is_sealed(text, len) || seal_key_of(text, len, id));
	must(seal_open(bundle, "nodes/n1/secret.x", text, len, &clear, &clear_len, &err) < 0);
	must(!clear && *err.text);
}

static void open_rest(const struct privkey *key, const char *text)
{
	char hash[PRIVKEY_HASH_LEN + 1];
	unsigned char out[KDF_KEY_LEN];
	int rc = wrap_open(key, "context", text, out, NULL);

	must(rc == -EINVAL || rc == -EBADMSG);
	(void)hashed_looks_like(text);
	must(privkey_hash(key, hash, NULL) == 0 && privkey_hash_valid(hash));
	(void)privkey_public_is(text, hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle *bundle = bundle_new();
	struct privkey *key = NULL;
	char id[SEAL_KEY_ID_LEN + 1];
	char *text = size ? xstrndup((const char *)data, size) : xstrdup("");
	char *longer;

	bundle->id = xstrdup("0123");
	memset(bundle->key, 7, sizeof(bundle->key));
	must(privkey_parse(&key, pem, NULL) == 0);
	must(seal_key_id(bundle->key, id, NULL) == 0);
	longer = xasprintf("sealed:1:%s:%s", id, text);
	open_sealed(bundle, text, strlen(text));
	open_sealed(bundle, longer, strlen(longer));
	open_rest(key, text);
	free(longer);
	free(text);
	privkey_free(key);
	bundle_free(bundle);
	return 0;
}
