/*
 * Each record is a row of texts, from which its JSON and what its code covers are made. Failure: the
 * first thing that is wrong, by name.
 */
#include "config.h"
#include "record/rekey_records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "record/records.h"
#include "record/signing.h"
#include "wire/json.h"

#define FIELDS_MAX 8
#define AT_MAX	   24

static const char *const stages[] = {
	[REKEY_DISTRIBUTE] = "distribute",
	[REKEY_RESEAL] = "reseal",
	[REKEY_DONE] = "done",
};

/* A text of a record and where it is. */
struct row {
	const char *name;
	char *text;
	size_t size;
};

static size_t fields_of(const struct row *rows, size_t n, struct record_field fields[FIELDS_MAX])
{
	for (size_t i = 0; i < n; i++)
		fields[i] = (struct record_field){rows[i].name, rows[i].text};
	return n;
}

static int encode(const struct row *rows, size_t n, const char *under, const char *path,
	const struct bundle *bundle, char **ret, struct err *err)
{
	struct buf out = BUF_INIT(RECORD_VALUE_MAX);
	struct record_field fields[FIELDS_MAX];
	char id[SEAL_KEY_ID_LEN + 1];
	char mac[RECORD_MAC_LEN + 1];
	json *object;
	size_t which;
	int rc;

	if (!signing_find(bundle, under, &which))
		return err_set(err, -ENOKEY, "the collective key %s is not there", under);
	rc = signing_make(bundle, which, path, fields, fields_of(rows, n, fields), id, mac, err);
	if (rc < 0)
		return rc;
	object = json_new_object();
	for (size_t i = 0; i < n; i++)
		json_set_str(object, rows[i].name, rows[i].text);
	json_set_str(object, "under", id);
	json_set_str(object, "mac", mac);
	rc = json_print(object, &out);
	json_free(object);
	if (rc < 0) {
		buf_done(&out);
		return err_set(err, rc, "the record is larger than %d bytes", RECORD_VALUE_MAX);
	}
	*ret = buf_take(&out);
	return 0;
}

static int read_rows(const struct row *rows, size_t n, const json *object, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *text;
		int rc = json_str(object, rows[i].name, &text, err);

		if (rc < 0)
			return rc;
		if (strlen(text) >= rows[i].size)
			return err_set(err, -EINVAL, "'%s' is longer than %zu bytes", rows[i].name,
				rows[i].size - 1);
		memcpy(rows[i].text, text, strlen(text) + 1);
	}
	return 0;
}

static int decode(const struct row *rows, size_t n, const char *path, const char *value, size_t len,
	const struct bundle *bundle, char ret_under[SEAL_KEY_ID_LEN + 1], struct err *err)
{
	CLEANUP(json_freep) json *object = NULL;
	struct record_field fields[FIELDS_MAX];
	const char *under;
	const char *mac;
	int rc;

	rc = record_parse(value, len, &object, err);
	if (rc == 0)
		rc = read_rows(rows, n, object, err);
	if (rc == 0)
		rc = json_str(object, "under", &under, err);
	if (rc == 0)
		rc = json_str(object, "mac", &mac, err);
	if (rc < 0)
		return rc;
	return signing_check(
		bundle, path, fields, fields_of(rows, n, fields), under, mac, ret_under, err);
}

static int check_id(const char *what, const char *id, struct err *err)
{
	if (strlen(id) == SEAL_KEY_ID_LEN && strspn(id, "0123456789abcdef") == SEAL_KEY_ID_LEN)
		return 0;
	return err_set(err, -EINVAL, "'%s' is no id of a collective key", what);
}

/* Everything but what is covered by a code may be anybody's: the key that it must be is compared. */
static int check_under(const char *under, const char *wanted, struct err *err)
{
	if (text_eq(under, wanted))
		return 0;
	return err_set(err, -EBADMSG, "it is under the collective key %s, not %s", under, wanted);
}

static const char *change_under(const struct rekey_change *record)
{
	return record->stage == REKEY_DISTRIBUTE ? record->from : record->key;
}

#define ROW(name, text)                                                                            \
	{                                                                                          \
		name, text, sizeof(text)                                                           \
	}

int rekey_change_encode(const struct rekey_change *record, const struct bundle *bundle,
	char **ret_json, struct err *err)
{
	struct rekey_change r = *record;
	char stage[16];
	char at[AT_MAX];
	const struct row rows[] = {ROW("key", r.key), ROW("from", r.from), ROW("stage", stage),
		ROW("by", r.by), ROW("at", at)};

	snprintf(stage, sizeof(stage), "%s", stages[record->stage]);
	snprintf(at, sizeof(at), "%" PRId64, record->at / USEC_PER_SEC);
	return encode(
		rows, ARRAY_SIZE(rows), change_under(record), REKEY_STATE, bundle, ret_json, err);
}

static int stage_of(const char *name, enum rekey_stage *ret, struct err *err)
{
	for (size_t i = REKEY_DISTRIBUTE; i < ARRAY_SIZE(stages); i++) {
		if (text_eq(name, stages[i])) {
			*ret = (enum rekey_stage)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "'stage' is none that this version knows");
}

int rekey_change_decode(struct rekey_change *ret, const char *value, size_t len,
	const struct bundle *bundle, struct err *err)
{
	struct rekey_change r = {.stage = REKEY_NONE};
	char stage[16];
	char at[AT_MAX];
	const struct row rows[] = {ROW("key", r.key), ROW("from", r.from), ROW("stage", stage),
		ROW("by", r.by), ROW("at", at)};
	int64_t seconds;
	int rc = decode(rows, ARRAY_SIZE(rows), REKEY_STATE, value, len, bundle, r.under, err);

	if (rc == 0)
		rc = stage_of(stage, &r.stage, err);
	if (rc == 0)
		rc = check_id("key", r.key, err);
	if (rc == 0)
		rc = check_id("from", r.from, err);
	if (rc == 0 && num_i64_range(at, 0, USEC_NEVER / USEC_PER_SEC, &seconds) < 0)
		rc = err_set(err, -EINVAL, "'at' is no time");
	if (rc == 0)
		rc = check_under(r.under, change_under(&r), err);
	if (rc < 0)
		return rc;
	r.at = seconds * USEC_PER_SEC;
	*ret = r;
	return 0;
}

int rekey_wrap_encode(const struct rekey_wrap *record, const char *path,
	const struct bundle *bundle, char **ret_json, struct err *err)
{
	struct rekey_wrap r = *record;
	const struct row rows[] = {
		ROW("key", r.key), ROW("for", r.receiver), ROW("wrapped", r.wrapped)};

	return encode(rows, ARRAY_SIZE(rows), r.under, path, bundle, ret_json, err);
}

int rekey_wrap_decode(struct rekey_wrap *ret, const char *path, const char *value, size_t len,
	const struct bundle *bundle, struct err *err)
{
	struct rekey_wrap r = {""};
	const struct row rows[] = {
		ROW("key", r.key), ROW("for", r.receiver), ROW("wrapped", r.wrapped)};
	int rc = decode(rows, ARRAY_SIZE(rows), path, value, len, bundle, r.under, err);

	if (rc == 0)
		rc = check_id("key", r.key, err);
	if (rc == 0)
		*ret = r;
	return rc;
}

int rekey_held_encode(const struct rekey_held *record, const char *path,
	const struct bundle *bundle, char **ret_json, struct err *err)
{
	struct rekey_held r = *record;
	const struct row rows[] = {ROW("key", r.key), ROW("for", r.receiver)};

	return encode(rows, ARRAY_SIZE(rows), r.key, path, bundle, ret_json, err);
}

int rekey_held_decode(struct rekey_held *ret, const char *path, const char *value, size_t len,
	const struct bundle *bundle, struct err *err)
{
	struct rekey_held r = {""};
	const struct row rows[] = {ROW("key", r.key), ROW("for", r.receiver)};
	int rc = decode(rows, ARRAY_SIZE(rows), path, value, len, bundle, r.under, err);

	if (rc == 0)
		rc = check_under(r.under, r.key, err);
	if (rc == 0)
		*ret = r;
	return rc;
}

char *rekey_context(const struct bundle *bundle, const char *key, const char *name)
{
	return xasprintf("%s %s %s", bundle->id, key, name);
}
