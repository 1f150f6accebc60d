#include "config.h"
#include "command/restore_entry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "command/dump_entry.h"
#include "model/attribute.h"
#include "model/backup.h"
#include "trust/hashed.h"
#include "trust/keyset.h"
#include "trust/seal.h"

#define WITHOUT "(--without-secrets leaves such values out)"

struct reading {
	struct restore_reader *reader;
	bool node;
	const char *name;
};

static void missing(const struct reading *r, const char *attribute, const char *why)
{
	if (r->reader->without_secrets) {
		r->reader->left_out++;
		backup_value(r->reader->backup, attribute, BACKUP_KEEP, "", 0);
	} else {
		backup_problem(r->reader->backup, "%s: %s " WITHOUT, attribute, why);
	}
}

static int open_value(const struct reading *r, const char *key, const char *text, char **ret,
	size_t *ret_len, struct err *err)
{
	const struct restore_reader *reader = r->reader;
	size_t len = strlen(text);

	if (!seal_is_sealed(text, len))
		return err_set(err, -EINVAL,
			"the secret is not in the form that this program writes, and can't be "
			"opened");
	if (reader->keys)
		return keyset_open(reader->keys, key, text, len, ret, ret_len, err);
	return seal_open(reader->bundle, key, text, len, ret, ret_len, err);
}

static void read_secret(const struct reading *r, const char *attribute, const char *text)
{
	CLEANUP(freep)
	char *key = xasprintf(
		"%s/%s/%s", r->node ? "nodes" : "groups", r->name, attribute_unalias(attribute));
	CLEANUP(freep) char *sealed = NULL;
	CLEANUP(secret_freep) char *clear = NULL;
	struct err err = {""};
	size_t len;
	int rc;

	if (text_eq(text, DUMP_REDACTED)) {
		missing(r, attribute, "the secret was redacted");
		return;
	}
	if (!*text) {
		backup_value(r->reader->backup, attribute, BACKUP_VALUE, "", 0);
		return;
	}
	rc = open_value(r, key, text, &clear, &len, &err);
	if (rc < 0) {
		missing(r, attribute, err.text);
		return;
	}
	rc = seal_value(r->reader->bundle, key, clear, len, &sealed, &err);
	mem_wipe(clear, len);
	if (rc < 0)
		backup_problem(r->reader->backup, "%s: %s", attribute, err.text);
	else
		backup_value(r->reader->backup, attribute, BACKUP_SEALED, sealed, strlen(sealed));
}

static void read_hash(const struct reading *r, const char *attribute, const char *text)
{
	if (text_eq(text, DUMP_REDACTED))
		missing(r, attribute, "the hash was redacted");
	else if (*text && !hashed_looks_like(text))
		missing(r, attribute, "the hashvalue is no hash of a form that is known here");
	else
		backup_value(r->reader->backup, attribute, BACKUP_HASH, text, strlen(text));
}

static void read_plain(const struct reading *r, const char *attribute, const json *item)
{
	struct backup *backup = r->reader->backup;
	const json *value = json_get(item, "value");
	const char *text = json_text(value);
	char number[32];
	int64_t n;
	bool truth;

	if (text) {
		backup_value(backup, attribute, BACKUP_VALUE, text, strlen(text));
	} else if (json_i64(item, "value", &n, NULL) == 0) {
		snprintf(number, sizeof(number), "%" PRId64, n);
		backup_value(backup, attribute, BACKUP_VALUE, number, strlen(number));
	} else if (json_bool(item, "value", &truth, NULL) == 0) {
		text = truth ? "true" : "false";
		backup_value(backup, attribute, BACKUP_VALUE, text, strlen(text));
	} else if (!text_eq(json_type_name(value), "null")) {
		backup_problem(backup, "%s: its value is %s, and not a text", attribute,
			json_type_name(value));
	}
}

/* The text member of that name; *ret NULL: there is none. False: it is something else. */
static bool text_member(const struct reading *r, const char *attribute, const json *item,
	const char *name, const char **ret)
{
	struct err err = {""};

	*ret = NULL;
	if (json_str_or(item, name, NULL, ret, &err) == 0)
		return true;
	backup_problem(r->reader->backup, "%s: %s", attribute, err.text);
	return false;
}

static void read_attribute(const struct reading *r, const char *attribute, const json *item)
{
	struct backup *backup = r->reader->backup;
	const char *hash, *crypt, *expression;

	if (!json_is_object(item)) {
		backup_problem(backup, "%s: expected an object with its value, found %s", attribute,
			json_type_name(item));
		return;
	}
	if (!text_member(r, attribute, item, "hashvalue", &hash) ||
		!text_member(r, attribute, item, "cryptvalue", &crypt) ||
		!text_member(r, attribute, item, "expression", &expression))
		return;
	if (hash)
		read_hash(r, attribute, hash);
	else if (crypt)
		read_secret(r, attribute, crypt);
	else if (expression)
		backup_value(backup, attribute, BACKUP_EXPRESSION, expression, strlen(expression));
	else if (json_get(item, "value"))
		read_plain(r, attribute, item);
	else if (json_count(item) > 0)
		backup_problem(backup, "%s: it has neither value nor expression", attribute);
}

static void read_groups(const struct reading *r, const json *list)
{
	const json *it;

	if (!json_is_array(list)) {
		backup_problem(r->reader->backup, "groups: expected a list, found %s",
			json_type_name(list));
		return;
	}
	json_foreach(it, list)
	{
		if (json_text(it))
			backup_join(r->reader->backup, json_text(it));
		else
			backup_problem(r->reader->backup, "groups: expected a name, found %s",
				json_type_name(it));
	}
}

void restore_entry_read(
	struct restore_reader *reader, bool node, const char *name, const json *entry)
{
	struct reading r = {.reader = reader, .node = node, .name = name};
	const json *it;

	if (!(node ? backup_node(reader->backup, name) : backup_group(reader->backup, name)))
		return;
	if (!json_is_object(entry)) {
		backup_problem(reader->backup, "expected an object with its attributes, found %s",
			json_type_name(entry));
		return;
	}
	json_foreach(it, entry)
	{
		const char *attribute = json_name(it);
		char shown[TEXT_PRINTABLE_MAX];

		if (text_eq(attribute, node ? "groups" : "nodes")) {
			if (node)
				read_groups(&r, it);
		} else if (!attribute_name_valid(attribute)) {
			backup_problem(reader->backup, "there is no attribute %s",
				text_printable(attribute, strlen(attribute), shown));
		} else {
			read_attribute(&r, attribute, it);
		}
	}
}
