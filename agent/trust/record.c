/*
 * What is authenticated: a fixed label, the collective id, the path and the fields in order of their
 * names, every text with its length (8 bytes, big endian) in front, so that no two different records
 * have the same bytes. Failure: a record past the ceilings or with a name twice has no code at all
 * and so never verifies.
 */
#include "config.h"
#include "trust/record.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/mem.h"

#define LABEL "collective 1 registry record"

static int by_name(const void *a, const void *b)
{
	const struct record_field *x = a;
	const struct record_field *y = b;

	return strcmp(x->name, y->name);
}

static int add_text(struct buf *b, const char *text)
{
	uint64_t len = strlen(text);
	unsigned char prefix[8];
	int rc;

	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix[i] = (unsigned char)(len >> (56 - 8 * i));
	rc = buf_add(b, prefix, sizeof(prefix));
	return rc < 0 ? rc : buf_add(b, text, len);
}

/* Copies the fields that have a value, in order. */
static int sort_fields(const struct record_field *fields, size_t count,
	struct record_field sorted[RECORD_FIELDS_MAX], size_t *ret_count, struct err *err)
{
	size_t n = 0;

	if (count > RECORD_FIELDS_MAX)
		return err_set(
			err, -EMSGSIZE, "more than %d fields in a record", RECORD_FIELDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].value)
			sorted[n++] = fields[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i - 1].name, sorted[i].name) == 0)
			return err_set(
				err, -EINVAL, "field '%s' comes twice in a record", sorted[i].name);
	}
	*ret_count = n;
	return 0;
}

static int encode(struct buf *b, const char *collective_id, const char *path,
	const struct record_field *fields, size_t count)
{
	int rc = add_text(b, LABEL);

	if (rc == 0)
		rc = add_text(b, collective_id);
	if (rc == 0)
		rc = add_text(b, path);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = add_text(b, fields[i].name);
		if (rc == 0)
			rc = add_text(b, fields[i].value);
	}
	return rc;
}

int record_mac(const unsigned char key[KDF_KEY_LEN], const char *collective_id, const char *path,
	const struct record_field *fields, size_t count, char ret[RECORD_MAC_LEN + 1],
	struct err *err)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(RECORD_BYTES_MAX);
	struct record_field sorted[RECORD_FIELDS_MAX];
	unsigned char mac[KDF_SHA256_LEN];
	char *hex;
	int rc = sort_fields(fields, count, sorted, &count, err);

	if (rc < 0)
		return rc;
	rc = encode(&b, collective_id, path, sorted, count);
	if (rc < 0)
		return err_set(err, rc, "the record is larger than %d bytes", RECORD_BYTES_MAX);
	rc = kdf_hmac(key, KDF_KEY_LEN, b.data, b.len, mac, err);
	if (rc < 0)
		return rc;
	hex = hex_encode(mac, sizeof(mac));
	memcpy(ret, hex, RECORD_MAC_LEN + 1);
	free(hex);
	return 0;
}

int record_verify(const unsigned char key[KDF_KEY_LEN], const char *collective_id, const char *path,
	const struct record_field *fields, size_t count, const char *mac, struct err *err)
{
	char want[RECORD_MAC_LEN + 1];
	int rc;

	if (!mac)
		return err_set(err, -EBADMSG, "it has no authentication code");
	rc = record_mac(key, collective_id, path, fields, count, want, err);
	if (rc < 0)
		return rc;
	rc = strnlen(mac, RECORD_MAC_LEN + 1) == RECORD_MAC_LEN &&
	     mem_equal_const(want, mac, RECORD_MAC_LEN);
	mem_wipe(want, sizeof(want));
	if (!rc)
		return err_set(err, -EBADMSG,
			"its authentication code is wrong: no member of this collective wrote it");
	return 0;
}
