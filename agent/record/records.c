#include "config.h"
#include "record/records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "record/field.h"
#include "record/signing.h"
#include "wire/json.h"

#define COLLECTIVE_FORMAT 1

static const char *const roles[] = {"voting", "nonvoting"};

/* Every field of a registry record but its code, as text: what the code covers. */
struct member_fields {
	char port[16];
	char joined[24];
	struct record_field field[8];
};

static size_t member_fields(struct member_fields *f, const struct member_record *r)
{
	size_t n = 0;

	snprintf(f->port, sizeof(f->port), "%d", r->port);
	snprintf(f->joined, sizeof(f->joined), "%" PRId64, r->joined / USEC_PER_SEC);
	f->field[n++] = (struct record_field){"name", r->name};
	f->field[n++] = (struct record_field){"address", r->address};
	f->field[n++] = (struct record_field){"port", f->port};
	f->field[n++] = (struct record_field){"role", roles[r->nonvoting]};
	f->field[n++] = (struct record_field){"key", r->key};
	f->field[n++] = (struct record_field){"joined", f->joined};
	f->field[n++] = (struct record_field){"invited_by", r->invited_by};
	f->field[n++] = (struct record_field){"version", r->version};
	return n;
}

int record_parse(const char *value, size_t len, json **ret, struct err *err)
{
	if (len > RECORD_VALUE_MAX)
		return err_set(
			err, -EINVAL, "the record is larger than %d bytes", RECORD_VALUE_MAX);
	return json_parse(value, len, ret, err);
}

static char *print(json *object)
{
	struct buf b = BUF_INIT(RECORD_VALUE_MAX);

	/* all parts are bounded: name, address, version */
	if (json_print(object, &b) < 0)
		abort();
	json_free(object);
	return buf_take(&b);
}

int member_record_encode(const struct member_record *record, const struct bundle *bundle,
	char **ret_json, struct err *err)
{
	CLEANUP(freep) char *path = xasprintf("members/%s", record->name);
	char under[SEAL_KEY_ID_LEN + 1];
	char mac[RECORD_MAC_LEN + 1];
	struct member_fields f;
	size_t n = member_fields(&f, record);
	json *object;
	int rc;

	rc = signing_make(bundle, 0, path, f.field, n, under, mac, err);
	if (rc < 0)
		return rc;
	object = json_new_object();
	json_set_str(object, "name", record->name);
	json_set_str(object, "address", record->address);
	json_set_number(object, "port", record->port);
	json_set_str(object, "role", roles[record->nonvoting]);
	json_set_str(object, "key", record->key);
	json_set_number(object, "joined", record->joined / USEC_PER_SEC);
	json_set_str(object, "invited_by", record->invited_by);
	json_set_str(object, "version", record->version);
	if (*record->public_key)
		json_set_str(object, "public", record->public_key);
	json_set_str(object, "under", under);
	json_set_str(object, "mac", mac);
	*ret_json = print(object);
	return 0;
}

/* A public key, for this hash where one is given (else it is looked at by who uses it), or "". */
static void get_public(const json *object, const char *hash, char dst[PRIVKEY_PUBLIC_MAX + 1])
{
	const char *text;

	*dst = '\0';
	if (json_str_or(object, "public", NULL, &text, NULL) < 0 || !text ||
		strlen(text) > PRIVKEY_PUBLIC_MAX || (hash && !privkey_public_is(text, hash)))
		return;
	memcpy(dst, text, strlen(text) + 1);
}

static int get_seconds(const json *object, const char *name, usec_t *ret, struct err *err)
{
	int64_t seconds;
	int rc = json_i64(object, name, &seconds, err);

	if (rc < 0)
		return rc;
	if (seconds < 0 || seconds > USEC_NEVER / USEC_PER_SEC)
		return err_set(err, -EINVAL, "'%s' is no time", name);
	*ret = seconds * USEC_PER_SEC;
	return 0;
}

static int member_fields_decode(struct member_record *r, const json *object, struct err *err)
{
	const char *role;
	int64_t port;
	int rc;

	rc = field_required(object, "name", r->name, sizeof(r->name), err);
	if (rc == 0)
		rc = field_required(object, "address", r->address, sizeof(r->address), err);
	if (rc == 0)
		rc = json_i64(object, "port", &port, err);
	if (rc == 0 && (port < 0 || port > 65535))
		rc = err_set(err, -EINVAL, "'port' is out of range");
	if (rc == 0)
		rc = json_str(object, "role", &role, err);
	if (rc == 0 && !text_eq(role, roles[0]) && !text_eq(role, roles[1]))
		rc = err_set(err, -EINVAL, "'role' is neither voting nor nonvoting");
	if (rc == 0)
		rc = field_required(object, "key", r->key, sizeof(r->key), err);
	if (rc == 0)
		rc = get_seconds(object, "joined", &r->joined, err);
	if (rc == 0)
		rc = field_required(
			object, "invited_by", r->invited_by, sizeof(r->invited_by), err);
	if (rc == 0)
		rc = field_required(object, "version", r->version, sizeof(r->version), err);
	if (rc < 0)
		return rc;
	r->port = (int)port;
	r->nonvoting = text_eq(role, roles[1]);
	return 0;
}

int member_record_decode(struct member_record *ret, const char *name, const char *value, size_t len,
	const struct bundle *bundle, struct err *err)
{
	CLEANUP(json_freep) json *object = NULL;
	CLEANUP(freep) char *path = NULL;
	struct member_record r = {0};
	struct member_fields f;
	const char *mac, *under;
	size_t n;
	int rc;

	if (!name_valid(name))
		return name_check(name, err);
	rc = record_parse(value, len, &object, err);
	if (rc == 0)
		rc = member_fields_decode(&r, object, err);
	if (rc == 0)
		rc = json_str_or(object, "mac", NULL, &mac, err);
	if (rc == 0)
		rc = json_str_or(object, "under", NULL, &under, err);
	if (rc == 0 && !text_eq(r.name, name))
		rc = err_set(err, -EBADMSG, "the record is another member's");
	if (rc < 0)
		return rc;
	path = xasprintf("members/%s", name);
	n = member_fields(&f, &r);
	rc = signing_check(bundle, path, f.field, n, under, mac, r.under, err);
	if (rc < 0)
		return rc;
	get_public(object, r.key, r.public_key);
	*ret = r;
	return 0;
}

char *active_record_encode(const struct active_record *record)
{
	json *object = json_new_object();

	json_set_str(object, "address", record->address);
	json_set_str(object, "version", record->version);
	json_set_str(object, "boot", record->boot);
	json_set_number(object, "since", record->since / USEC_PER_SEC);
	if (*record->public_key)
		json_set_str(object, "public", record->public_key);
	return print(object);
}

int active_record_decode(struct active_record *ret, const char *value, size_t len, struct err *err)
{
	CLEANUP(json_freep) json *object = NULL;
	struct active_record r = {0};
	int rc;

	rc = record_parse(value, len, &object, err);
	if (rc == 0)
		rc = field_required(object, "address", r.address, sizeof(r.address), err);
	if (rc == 0)
		rc = field_required(object, "version", r.version, sizeof(r.version), err);
	if (rc == 0)
		rc = field_required(object, "boot", r.boot, sizeof(r.boot), err);
	if (rc == 0)
		rc = get_seconds(object, "since", &r.since, err);
	if (rc < 0)
		return rc;
	get_public(object, NULL, r.public_key);
	*ret = r;
	return 0;
}

char *collective_record_encode(const struct collective_record *record)
{
	json *object = json_new_object();

	json_set_str(object, "id", record->id);
	json_set_number(object, "format", COLLECTIVE_FORMAT);
	json_set_number(object, "founded", record->founded / USEC_PER_SEC);
	json_set_str(object, "by", record->by);
	return print(object);
}

int collective_record_decode(
	struct collective_record *ret, const char *value, size_t len, struct err *err)
{
	CLEANUP(json_freep) json *object = NULL;
	struct collective_record r = {0};
	int64_t format;
	int rc;

	rc = record_parse(value, len, &object, err);
	if (rc == 0)
		rc = json_i64(object, "format", &format, err);
	if (rc == 0 && format != COLLECTIVE_FORMAT)
		rc = err_set(err, -EPROTONOSUPPORT,
			"the collective in etcd has format %" PRId64
			", this agent knows %d: upgrade this member",
			format, COLLECTIVE_FORMAT);
	if (rc == 0)
		rc = field_required(object, "id", r.id, sizeof(r.id), err);
	if (rc == 0)
		rc = field_required(object, "by", r.by, sizeof(r.by), err);
	if (rc == 0)
		rc = get_seconds(object, "founded", &r.founded, err);
	if (rc == 0 && !bundle_id_valid(r.id))
		rc = err_set(err, -EINVAL, "'id' is no id of a collective");
	if (rc == 0)
		*ret = r;
	return rc;
}
