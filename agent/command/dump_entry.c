#include "config.h"
#include "command/dump_entry.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/num.h"
#include "base/text.h"
#include "copy/replica.h"
#include "model/attribute.h"
#include "model/db.h"
#include "record/records.h"

/* What JSON readers that keep numbers as doubles can read. */
#define NUMBER_MAX (INT64_C(1) << 53)

struct entry {
	json *object;
	bool redact;
	size_t bytes;
};

static void add_hidden(const struct entry *e, json *item, const struct attribute *attribute,
	const struct db_value *value)
{
	bool show = !e->redact || value->len == 0;

	json_set_str(item, attribute->kind == ATTRIBUTE_HASH ? "hashvalue" : "cryptvalue",
		show ? value->text : DUMP_REDACTED);
}

static void add_plain(json *item, const struct attribute *attribute, const struct db_value *value)
{
	int64_t number;

	if (attribute->kind == ATTRIBUTE_INTEGER &&
		num_i64_range(value->text, 0, NUMBER_MAX, &number) == 0)
		json_set_number(item, "value", number);
	else if (attribute->kind == ATTRIBUTE_BOOLEAN)
		json_set_bool(item, "value", text_eq(value->text, "true"));
	else
		json_set_str(item, "value", value->text);
}

static bool add(const char *name, const struct db_value *value, void *arg)
{
	struct entry *e = arg;
	const struct attribute *attribute = attribute_find(name);
	json *item;

	if (value->inherited || value->kind == DB_UNSET || !attribute)
		return true;
	e->bytes += strlen(name) + value->len;
	item = json_set(e->object, name, json_new_object());
	if (value->kind == DB_HIDDEN)
		add_hidden(e, item, attribute, value);
	else if (value->kind == DB_PLAIN)
		add_plain(item, attribute, value);
	else
		json_set_str(item, "expression", value->text);
	return true;
}

json *dump_entry_node(const struct db *db, uint32_t node, bool redact, size_t *ret_bytes)
{
	struct entry e = {.object = json_new_object(), .redact = redact};
	json *list = json_set(e.object, "groups", json_new_array());
	const uint32_t *groups;
	size_t n = db_node_groups(db, node, &groups);

	for (size_t i = 0; i < n; i++) {
		/* who is in one with a noderange is said by that alone */
		if (*db_group_noderange(db, groups[i]))
			continue;
		json_add_str(list, db_group_name(db, groups[i]));
		e.bytes += strlen(db_group_name(db, groups[i]));
	}
	db_node_each(db, node, add, &e);
	*ret_bytes = e.bytes;
	return e.object;
}

json *dump_entry_group(const struct db *db, uint32_t group, bool redact, size_t *ret_bytes)
{
	struct entry e = {.object = json_new_object(), .redact = redact};
	const char *noderange = db_group_noderange(db, group);

	if (*noderange)
		json_set_str(
			json_set(e.object, "noderange", json_new_object()), "value", noderange);
	else
		db_group_each(db, group, add, &e);
	*ret_bytes = e.bytes + strlen(noderange);
	return e.object;
}

struct members {
	json *object;
	const struct bundle *bundle;
};

static void add_member(const struct store_kv *kv, void *arg)
{
	static const char folder[] = "members/";
	struct members *m = arg;
	struct member_record record;
	char name[NAME_MAX_LEN + 1];
	json *one;

	if (kv->key_len <= strlen(folder) || memcmp(kv->key, folder, strlen(folder)) != 0 ||
		kv->key_len - strlen(folder) > NAME_MAX_LEN)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(kv->key_len - strlen(folder)),
		kv->key + strlen(folder));
	if (member_record_decode(&record, name, kv->value, kv->value_len, m->bundle, NULL) < 0)
		return;
	one = json_set(m->object, name, json_new_object());
	json_set_str(one, "address", record.address);
	json_set_str(one, "fingerprint", record.key);
	json_set_str(one, "name", name);
	json_set_number(one, "port", record.port);
	json_set_str(one, "role", record.nonvoting ? "nonvoting" : "voting");
}

json *dump_entry_members(const struct replica *replica, const struct bundle *bundle)
{
	struct members m = {.object = json_new_object(), .bundle = bundle};

	replica_each_other(replica, add_member, &m);
	return m.object;
}
