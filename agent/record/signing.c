#include "config.h"
#include "record/signing.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

bool signing_find(const struct bundle *bundle, const char *id, size_t *ret)
{
	for (size_t i = 0; i < bundle_key_count(bundle); i++) {
		char has[SEAL_KEY_ID_LEN + 1];

		if (seal_key_id(bundle_key_at(bundle, i), has, NULL) == 0 && text_eq(has, id)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int signing_make(const struct bundle *bundle, size_t which, const char *path,
	const struct record_field *fields, size_t n, char ret_under[SEAL_KEY_ID_LEN + 1],
	char ret_mac[RECORD_MAC_LEN + 1], struct err *err)
{
	const unsigned char *collective_key = bundle_key_at(bundle, which);
	unsigned char key[KDF_KEY_LEN];
	int rc = seal_key_id(collective_key, ret_under, err);

	if (rc == 0)
		rc = kdf_collective_key(KDF_RECORD_KEY, collective_key, bundle->id, key, err);
	if (rc == 0)
		rc = record_mac(key, bundle->id, path, fields, n, ret_mac, err);
	mem_wipe(key, sizeof(key));
	return rc;
}

static int verify_with(const struct bundle *bundle, size_t which, const char *path,
	const struct record_field *fields, size_t n, const char *mac, struct err *err)
{
	unsigned char key[KDF_KEY_LEN];
	int rc = kdf_collective_key(
		KDF_RECORD_KEY, bundle_key_at(bundle, which), bundle->id, key, err);

	if (rc == 0)
		rc = record_verify(key, bundle->id, path, fields, n, mac, err);
	mem_wipe(key, sizeof(key));
	return rc;
}

int signing_check(const struct bundle *bundle, const char *path, const struct record_field *fields,
	size_t n, const char *under, const char *mac, char ret_under[SEAL_KEY_ID_LEN + 1],
	struct err *err)
{
	int rc = -ENOKEY;

	for (size_t i = 0; rc < 0 && i < bundle_key_count(bundle); i++) {
		char id[SEAL_KEY_ID_LEN + 1];

		rc = seal_key_id(bundle_key_at(bundle, i), id, err);
		if (rc < 0)
			return rc;
		rc = -ENOKEY;
		if (under && !text_eq(under, id))
			continue;
		rc = verify_with(bundle, i, path, fields, n, mac, err);
		if (rc == 0)
			memcpy(ret_under, id, sizeof(id));
		else if (under)
			return rc;
	}
	if (rc == -ENOKEY)
		return err_set(err, rc,
			"its authentication code is under the collective key %.*s, which this "
			"member "
			"does not have",
			SEAL_KEY_ID_LEN, under);
	return rc;
}
