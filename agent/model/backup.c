/*
 * Filling a backup: each value is checked as if it were being set, and brought into the form that etcd
 * holds.
 */
#include "config.h"
#include "model/backup.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/backup_private.h"
#include "model/db.h"
#include "model/expression.h"

#define INDEX	  "id.index"
#define INDEX_MAX INT64_C(1000000000000)
#define LOCK	  "deployment.lock"

struct backup *backup_new(enum backup_mode mode)
{
	struct backup *backup = xcalloc(1, sizeof(*backup));

	backup->mode = mode;
	return backup;
}

static void value_done(struct backup_value *value)
{
	if (value->name != value->attribute->name)
		free(value->name);
	mem_wipe(value->text, value->len);
	free(value->text);
}

static void objects_done(struct backup_objects *objects)
{
	for (size_t i = 0; i < objects->n; i++) {
		struct backup_object *object = &objects->at[i];

		for (size_t j = 0; j < object->n; j++)
			value_done(&object->values[j]);
		free(object->values);
		free(object->name);
		plan_names_done(&object->groups);
	}
	free(objects->at);
}

void backup_free(struct backup *backup)
{
	if (!backup)
		return;
	objects_done(&backup->groups);
	objects_done(&backup->nodes);
	for (size_t i = 0; i < MIN(backup->n_problems, (size_t)BACKUP_PROBLEMS_MAX); i++)
		free(backup->problems[i]);
	plan_names_done(&backup->gone_nodes);
	plan_names_done(&backup->gone_groups);
	free(backup->numbers);
	free(backup->about);
	free(backup);
}

/* ---- problems ---- */

static void add_problem(struct backup *backup, char *text)
{
	if (backup->n_problems < BACKUP_PROBLEMS_MAX)
		backup->problems[backup->n_problems] = text;
	else
		free(text);
	backup->n_problems++;
}

void backup_problem(struct backup *backup, const char *fmt, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	add_problem(backup, backup->about ? xasprintf("%s: %s", backup->about, text) : TAKE(text));
}

void backup_blame(struct backup *backup, bool node, const char *name, const char *text)
{
	add_problem(backup, xasprintf("%s %s: %s", node ? "node" : "group", name, text));
}

size_t backup_problem_count(const struct backup *backup)
{
	return backup->n_problems;
}

void backup_each_problem(
	const struct backup *backup, void (*fn)(const char *text, void *arg), void *arg)
{
	for (size_t i = 0; i < MIN(backup->n_problems, (size_t)BACKUP_PROBLEMS_MAX); i++)
		fn(backup->problems[i], arg);
}

/* ---- objects ---- */

static int compare_values(const void *a, const void *b)
{
	const struct backup_value *value_a = a, *value_b = b;

	return strcmp(value_a->name, value_b->name);
}

void backup_end_object(struct backup *backup)
{
	struct backup_object *object = TAKE(backup->present);

	if (!object)
		return;
	if (object->n > 1)
		qsort(object->values, object->n, sizeof(*object->values), compare_values);
	for (size_t i = 1; i < object->n; i++) {
		if (text_eq(object->values[i - 1].name, object->values[i].name))
			backup_problem(backup, "%s is there twice", object->values[i].name);
	}
	if (object->dynamic && object->n > 1)
		backup_problem(backup,
			"a group with a noderange has no other attributes (it has %s)",
			object->values[text_eq(object->values[0].name, "noderange")].name);
}

/* Counts what is kept against the ceiling. */
static bool afford(struct backup *backup, size_t bytes)
{
	bool first = backup->bytes <= BACKUP_BYTES_MAX;

	backup->bytes += bytes + 64;
	if (backup->bytes <= BACKUP_BYTES_MAX)
		return true;
	if (first)
		backup_problem(backup,
			"here the backup is larger than the %zu MiB that can be restored at once",
			BACKUP_BYTES_MAX >> 20);
	return false;
}

static bool begin(
	struct backup *backup, struct backup_objects *objects, const char *kind, const char *name)
{
	const char *last = objects->n ? objects->at[objects->n - 1].name : "";
	char shown[TEXT_PRINTABLE_MAX];
	struct err err = {""};

	backup_end_object(backup);
	free(backup->about);
	backup->about = xasprintf("%s %s", kind, text_printable(name, strlen(name), shown));
	backup->of_node = objects == &backup->nodes;
	if (attribute_object_name_check(name, kind, &err) < 0) {
		free(TAKE(backup->about));
		backup_problem(backup, "%s", err.text);
		return false;
	}
	if (strcmp(name, last) <= 0) {
		backup_problem(backup,
			text_eq(name, last) ? "it is there twice"
					    : "it comes behind %s, which is not the "
					      "order of their bytes",
			last);
		return false;
	}
	if (objects->n == PLAN_OBJECTS_MAX || !afford(backup, sizeof(struct backup_object))) {
		if (objects->n == PLAN_OBJECTS_MAX)
			backup_problem(backup, "at most %zu %ss can be restored at once",
				PLAN_OBJECTS_MAX, kind);
		return false;
	}
	if (objects->n == objects->cap) {
		objects->cap = objects->cap ? 2 * objects->cap : 64;
		objects->at = xrealloc(objects->at, objects->cap, sizeof(*objects->at));
	}
	backup->present = &objects->at[objects->n++];
	*backup->present = (struct backup_object){.name = xstrdup(name), .fresh = -1};
	return true;
}

bool backup_group(struct backup *backup, const char *name)
{
	return begin(backup, &backup->groups, "group", name);
}

bool backup_node(struct backup *backup, const char *name)
{
	return begin(backup, &backup->nodes, "node", name);
}

void backup_join(struct backup *backup, const char *group)
{
	struct backup_object *object = backup->present;
	struct err err = {""};

	if (!object)
		return;
	if (attribute_object_name_check(group, "group", &err) < 0)
		backup_problem(backup, "%s", err.text);
	else if (object->groups.n == PLAN_LIST_MAX)
		backup_problem(backup, "it is in more than %d groups", PLAN_LIST_MAX);
	else if (afford(backup, strlen(group)))
		plan_names_add(&object->groups, group, strlen(group));
}

/* ---- values ---- */

static void keep(struct backup *backup, const struct attribute *attribute, const char *name,
	const char *text, size_t len, enum plan_coat coat)
{
	struct backup_object *object = backup->present;

	if (!afford(backup, len))
		return;
	if (object->n == object->cap) {
		object->cap = object->cap ? 2 * object->cap : 8;
		object->values = xrealloc(object->values, object->cap, sizeof(*object->values));
	}
	object->values[object->n++] = (struct backup_value){
		.attribute = attribute,
		.name = text_eq(name, attribute->name) ? (char *)attribute->name : xstrdup(name),
		.text = xstrndup(text, len),
		.len = len,
		.coat = coat,
	};
}

static void take_index(struct backup *backup, const char *text)
{
	if (num_i64_range(text, 1, INDEX_MAX, &backup->present->index) < 0)
		backup_problem(
			backup, "%s is no number from 1 to %lld", INDEX, (long long)INDEX_MAX);
}

/* As if it were set: the same words where it is refused. */
static int check_set(struct backup *backup, const struct attribute *attribute, const char *name,
	enum plan_how how, const char *text, struct err *err)
{
	const struct plan_change change = {.name = name, .how = how, .value = text};
	struct plan_request request = {.how = how};
	const struct plan_value *value;
	int rc;

	if (text_eq(name, LOCK)) {
		request.name = xstrdup(name);
		request.value = xstrdup(text);
		request.attribute = attribute;
		rc = 0;
	} else {
		rc = plan_request_init(
			&request, &change, false, backup->of_node ? "" : NULL, false, err);
	}
	if (rc == 0)
		rc = plan_request_value(&request, name, &value, err);
	if (rc == 0)
		keep(backup, attribute, name, value->raw, value->len, value->coat);
	plan_request_done(&request);
	return rc;
}

static int check_expression(struct backup *backup, const struct attribute *attribute,
	const char *name, const char *text, size_t len, struct err *err)
{
	int rc;

	if (!attribute->expression || attribute->values != ATTRIBUTE_ANY ||
		expression_classify(text, len, NULL) != EXPRESSION_INVALID)
		return check_set(backup, attribute, name, PLAN_EXPRESSION, text, err);
	rc = attribute_check_text(text, len, err);
	if (rc < 0)
		return err_wrap(err, rc, "Attribute %s", name);
	keep(backup, attribute, name, text, len, PLAN_CLEAR_TEXT);
	return 0;
}

/* What becomes of the attribute is left to what is there. */
static void leave(struct backup *backup, const struct attribute *attribute, const char *name)
{
	size_t n = backup->present->n;

	keep(backup, attribute, name, "", 0, PLAN_CLEAR_TEXT);
	if (backup->present->n > n)
		backup->present->values[n].keep = true;
}

static int check_value(struct backup *backup, const struct attribute *attribute, const char *name,
	enum backup_form form, const char *text, size_t len, struct err *err)
{
	enum attribute_kind kind = attribute->kind;

	if (form == BACKUP_SEALED || form == BACKUP_HASH) {
		if (kind != (form == BACKUP_SEALED ? ATTRIBUTE_SECRET : ATTRIBUTE_HASH))
			return err_set(err, -EINVAL, "%s has no %s", name,
				form == BACKUP_SEALED ? "cryptvalue" : "hashvalue");
		keep(backup, attribute, name, text, len,
			form == BACKUP_SEALED ? PLAN_RESEAL : PLAN_CLEAR_TEXT);
		return 0;
	}
	if (form == BACKUP_KEEP) {
		leave(backup, attribute, name);
		return 0;
	}
	if (kind == ATTRIBUTE_LIST)
		return err_set(err, -EINVAL, "%s is a list, not a value", name);
	if (kind == ATTRIBUTE_INTEGER && form == BACKUP_VALUE) {
		take_index(backup, text);
		return 0;
	}
	if (kind == ATTRIBUTE_NODERANGE) {
		if (text_eq(backup->present->name, DB_EVERYTHING) && *text)
			return err_set(err, -EINVAL,
				"all nodes are members of this group, it has no noderange");
		if (!*text)
			return 0;
		backup->present->dynamic = true;
	}
	if (form == BACKUP_EXPRESSION)
		return check_expression(backup, attribute, name, text, len, err);
	return check_set(backup, attribute, name, PLAN_VALUE, text, err);
}

void backup_value(struct backup *backup, const char *name, enum backup_form form, const char *text,
	size_t len)
{
	const struct attribute *attribute;
	char shown[TEXT_PRINTABLE_MAX];
	struct err err = {""};

	if (!backup->present)
		return;
	name = attribute_unalias(name);
	attribute = attribute_name_valid(name) ? attribute_find(name) : NULL;
	text_printable(name, strlen(name), shown);
	if (!attribute)
		backup_problem(backup, "there is no attribute %s", shown);
	else if (backup->of_node ? !attribute->on_node || attribute->kind == ATTRIBUTE_NODERANGE
				 : !attribute->on_group || attribute->kind == ATTRIBUTE_INTEGER)
		backup_problem(backup, "a %s has no attribute %s",
			backup->of_node ? "node" : "group", shown);
	else if (strlen(text) != len)
		backup_problem(backup, "%s has a NUL in its value", shown);
	else if (check_value(backup, attribute, name, form, text, len, &err) < 0)
		backup_problem(backup, "%s", err.text);
}

/* ---- looking ---- */

struct backup_object *backup_find(const struct backup_objects *objects, const char *name)
{
	size_t low = 0, high = objects->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, objects->at[middle].name);

		if (order == 0)
			return &objects->at[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct backup_value *backup_find_value(const struct backup_object *object, const char *name)
{
	size_t low = 0, high = object->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, object->values[middle].name);

		if (order == 0)
			return &object->values[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t backup_node_count(const struct backup *backup)
{
	return backup->nodes.n;
}

size_t backup_group_count(const struct backup *backup)
{
	return backup->groups.n;
}

size_t backup_gone_nodes(const struct backup *backup, const char *const **ret)
{
	*ret = (const char *const *)backup->gone_nodes.at;
	return backup->gone_nodes.n;
}

size_t backup_gone_groups(const struct backup *backup, const char *const **ret)
{
	*ret = (const char *const *)backup->gone_groups.at;
	return backup->gone_groups.n;
}
