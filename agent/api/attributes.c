/*
 * Attributes of nodes and groups as frames, one each: `current` lists what is set, `all` every known
 * one and whatever else is set, in code point order of names. Lists (groups, nodes) and the rows of
 * the catalogue that are not set have their places in that order.
 */
#include "config.h"
#include "api/visit.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/attribute.h"
#include "model/db.h"

/* What is being told of one node or group. */
struct telling {
	struct visit *visit;
	const struct db *db;
	const char *object;
	uint32_t number;
	bool group;
	size_t row; /* of the catalogue: the next that was not passed yet */
};

/* ---- one value ---- */

static json *list_of_groups(const struct db *db, uint32_t node)
{
	const uint32_t *groups;
	size_t n = db_node_groups(db, node, &groups);
	json *list = json_new_array();

	for (size_t i = 0; i < n; i++)
		json_add_str(list, db_group_name(db, groups[i]));
	return list;
}

static json *list_of_members(const struct db *db, uint32_t group)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	size_t n = db_sorted(db, db_group_members(db, group), &sorted);
	json *list = json_new_array();

	for (size_t i = 0; i < n; i++)
		json_add_str(list, db_node_name(db, sorted[i]));
	return list;
}

static void set_text(json *object, const struct attribute *row, const char *text)
{
	int64_t number;

	if (row && row->kind == ATTRIBUTE_INTEGER && num_i64(text, &number) == 0)
		json_set_number(object, "value", number);
	else if (row && row->kind == ATTRIBUTE_BOOLEAN && *text)
		json_set_bool(object, "value", text_eq(text, "true"));
	else
		json_set_str(object, "value", text);
}

static void set_evaluated(
	json *object, const struct telling *t, const struct db_value *value, struct err *why)
{
	struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);

	if (db_node_text(t->db, t->number, value, &text, why) == 0)
		json_set_str(object, "value", buf_cstr(&text));
	else
		json_set_str(object, "broken", why->text);
	buf_done(&text);
}

static json *value_object(
	const struct telling *t, const struct attribute *row, const struct db_value *value)
{
	json *object = json_new_object();
	struct err why = {""};

	switch (value->kind) {
	case DB_UNSET:
		if (row && attribute_hidden(row))
			json_set_bool(object, "isset", false);
		else
			json_set_null(object, "value");
		break;
	case DB_HIDDEN:
		json_set_bool(object, "isset", true);
		break;
	case DB_PLAIN:
		set_text(object, row, value->text);
		break;
	case DB_EXPRESSION:
	case DB_BROKEN:
		json_set_str(object, "expression", value->text);
		break;
	}
	if (value->inherited)
		json_set_str(object, "inheritedfrom", db_group_name(t->db, value->group));
	if (!t->group && (value->kind == DB_EXPRESSION || value->kind == DB_BROKEN))
		set_evaluated(object, t, value, &why);
	return object;
}

/* ---- which ---- */

static bool below(const char *wanted, const char *name)
{
	size_t len = strlen(wanted);

	return strncasecmp(wanted, name, len) == 0 && (name[len] == '.' || !name[len]);
}

static bool is_wanted(const struct visit *visit, const char *name)
{
	for (size_t i = 0; i < visit->n_wanted; i++) {
		if (below(visit->wanted[i], name) ||
			fnmatch(visit->wanted[i], name, FNM_CASEFOLD) == 0)
			return true;
	}
	return visit->n_wanted == 0;
}

/* {"attributes":[…]} of the parameters, where there is one. */
static bool take_wanted(struct visit *visit)
{
	const json *list = json_get(visit->parameters, "attributes");
	const json *it;

	json_foreach(it, list)
	{
		const char *text = json_text(it);

		if (!text || strlen(text) > ATTRIBUTE_NAME_MAX ||
			visit->n_wanted == VISIT_WANTED_MAX) {
			visit_fail(visit, -EINVAL,
				"Bad Request - attributes must be a list of at most 64 names");
			return false;
		}
		visit->wanted[visit->n_wanted++] = text;
	}
	return true;
}

/* ---- all of an object ---- */

static void tell(struct telling *t, const char *name, json *value)
{
	visit_reply_about(t->visit, t->object, name, value);
}

/* A name that no key carries: lists, and in `all` what is not set. */
static void tell_row(struct telling *t, const struct attribute *row)
{
	static const struct db_value unset = {.kind = DB_UNSET, .text = ""};
	bool all = t->visit->listing == VISIT_ALL;
	const char *dynamic;

	if (!(t->group ? row->on_group : row->on_node) || strchr(row->name, '*') ||
		!is_wanted(t->visit, row->name))
		return;
	if (!t->group && text_eq(row->name, "groups")) {
		tell(t, row->name, list_of_groups(t->db, t->number));
	} else if (t->group && text_eq(row->name, "nodes")) {
		if (all || !bitset_empty(db_group_members(t->db, t->number)))
			tell(t, row->name, list_of_members(t->db, t->number));
	} else if (t->group && text_eq(row->name, "noderange")) {
		dynamic = db_group_noderange(t->db, t->number);
		if (*dynamic) {
			struct db_value value = {.kind = DB_PLAIN, .text = dynamic};

			tell(t, row->name, value_object(t, row, &value));
		} else if (all) {
			tell(t, row->name, value_object(t, row, &unset));
		}
	} else if (all) {
		tell(t, row->name, value_object(t, row, &unset));
	}
}

/* Passes the rows before name, and the one of that name; NULL: the rest. */
static void pass_rows(struct telling *t, const char *name)
{
	const struct attribute *row;
	int order;

	while ((row = attribute_at(t->row))) {
		order = name ? strcmp(row->name, name) : -1;
		if (order > 0)
			return;
		t->row++;
		if (order == 0)
			return;
		tell_row(t, row);
	}
}

static bool tell_value(const char *name, const struct db_value *value, void *arg)
{
	struct telling *t = arg;

	pass_rows(t, name);
	if (is_wanted(t->visit, name))
		tell(t, name, value_object(t, attribute_find(name), value));
	return true;
}

static void emit_node(struct visit *visit, const struct db *db, const char *name)
{
	struct telling t = {.visit = visit, .db = db, .object = name};

	if (!db_node_find(db, name, &t.number))
		return;
	db_node_each(db, t.number, tell_value, &t);
	pass_rows(&t, NULL);
}

static void emit_group(struct visit *visit, const struct db *db, const char *name)
{
	struct telling t = {.visit = visit, .db = db, .object = name, .group = true};

	if (!db_group_find(db, name, &t.number))
		return;
	db_group_each(db, t.number, tell_value, &t);
	pass_rows(&t, NULL);
}

void visit_read_node(struct visit *visit)
{
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const struct db *db;

	if (!take_wanted(visit))
		return;
	db = visit_db(visit);
	if (db && visit_nodes(visit, db, &nodes))
		visit_stream_nodes(visit, db, &nodes, emit_node);
}

void visit_read_group(struct visit *visit)
{
	CLEANUP(freep) char *name = xstrdup(visit->scope);

	if (take_wanted(visit))
		visit_stream(visit, (const char *const *)&name, 1, emit_group);
}

/* ---- one of an object ---- */

static const struct attribute *list_row(const char *name, bool group)
{
	const struct attribute *row = attribute_find(name);
	bool list = row && (row->kind == ATTRIBUTE_LIST || row->kind == ATTRIBUTE_NODERANGE);

	return list && (group ? row->on_group : row->on_node) ? row : NULL;
}

void visit_emit_attribute(
	struct visit *visit, const struct db *db, const char *node, const char *name)
{
	struct telling t = {.visit = visit, .db = db, .object = node};
	struct db_value value = {.kind = DB_UNSET, .text = ""};
	const struct attribute *row = list_row(name, false);

	if (!db_node_find(db, node, &t.number))
		return;
	if (row) {
		tell_row(&t, row);
		return;
	}
	db_node_value(db, t.number, name, &value);
	tell(&t, name, value_object(&t, attribute_find(name), &value));
}

void visit_emit_group_attribute(
	struct visit *visit, const struct db *db, const char *group, const char *name)
{
	struct telling t = {.visit = visit, .db = db, .object = group, .group = true};
	struct db_value value = {.kind = DB_UNSET, .text = ""};
	const struct attribute *row = list_row(name, true);

	if (!db_group_find(db, group, &t.number))
		return;
	if (row) {
		tell_row(&t, row);
		return;
	}
	db_group_own(db, t.number, name, &value);
	tell(&t, name, value_object(&t, attribute_find(name), &value));
}

static void emit_lock(struct visit *visit, const struct db *db, const char *name)
{
	struct db_value value = {.text = ""};
	json *object = json_new_object();
	uint32_t node;

	if (!db_node_find(db, name, &node)) {
		json_free(object);
		return;
	}
	db_node_value(db, node, "deployment.lock", &value);
	json_set_str(object, "value", *value.text ? value.text : "unlocked");
	visit_reply_about(visit, name, "lock", object);
}

void visit_read_lock(struct visit *visit)
{
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const struct db *db = visit_db(visit);

	if (db && visit_nodes(visit, db, &nodes))
		visit_stream_nodes(visit, db, &nodes, emit_lock);
}
