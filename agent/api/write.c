/*
 * Changes: a plan is made from the parameters, which refuses whatever is wrong before anything is
 * written, then carried out; the answer tells what is so afterwards.
 *
 * When only part of a plan could be applied, what was applied is answered as usual, and the error
 * comes last: it names what was not applied, and why.
 */
#include "config.h"
#include "api/visit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/db.h"

static void on_written(int rc, const char *why, struct plan *plan, void *arg)
{
	struct visit *visit = arg;
	CLEANUP(freep) char *report = NULL;
	struct plan_outcome outcome;

	visit->write = NULL;
	plan_outcome(plan, &outcome);
	if (outcome.applied > 0)
		visit->written(visit, plan);
	if (rc == 0) {
		visit_done(visit);
		return;
	}
	if (outcome.applied > 0 || outcome.unknown > 0)
		report = plan_report(plan);
	visit_fail(visit, -EIO, report ? report : why);
}

void visit_write(struct visit *visit, struct plan *plan,
	void (*written)(struct visit *visit, struct plan *plan))
{
	visit->written = written;
	visit->write = visit->database->write(plan, on_written, visit, visit->database->arg);
}

/* A plan was made, or refused. */
static void carry_out(struct visit *visit, int rc, struct plan *plan, const struct err *err,
	void (*written)(struct visit *visit, struct plan *plan))
{
	if (rc < 0)
		visit_fail(visit, rc, err->text);
	else
		visit_write(visit, plan, written);
}

static bool parse(struct visit *visit, struct visit_changes *changes)
{
	struct err err = {""};

	if (!visit->parameters || json_count(visit->parameters) == 0) {
		visit_fail(visit, -EINVAL, "Bad Request - no request data provided");
		return false;
	}
	if (visit_changes_parse(visit->parameters, changes, &err) == 0)
		return true;
	visit_fail(visit, -EINVAL, err.text);
	return false;
}

/* The text parameter of that name; NULL and the visit has failed. */
static const char *parameter(struct visit *visit, const char *name, const char *missing)
{
	const char *text = json_text(json_get(visit->parameters, name));

	if (!text)
		visit_fail(visit, -EINVAL, missing);
	return text;
}

/* ---- attributes ---- */

struct changed {
	struct visit *visit;
	const struct db *db;
	const char *object;
	json *warnings;
	bool group;
};

static void add_warning(const char *text, void *arg)
{
	struct changed *c = arg;

	json_add_str(c->warnings, text);
}

static void tell_name(const char *name, void *arg)
{
	struct changed *c = arg;

	if (c->group)
		visit_emit_group_attribute(c->visit, c->db, c->object, name);
	else
		visit_emit_attribute(c->visit, c->db, c->object, name);
}

/* Whether anything was cleared is what the warnings are sent for: an empty list of them, too. */
static bool clears(const struct visit *visit)
{
	const json *it;

	json_foreach(it, visit->parameters)
	{
		if (text_eq(json_type_name(it), "null"))
			return true;
	}
	return false;
}

struct answering {
	struct changed changed;
	const struct plan *plan;
	bool warn;
};

static bool answer_one(const char *object, const char *new_name, void *arg)
{
	struct answering *a = arg;

	(void)new_name;
	a->changed.object = object;
	if (a->warn) {
		a->changed.warnings = json_new_array();
		plan_each_warning(a->plan, object, add_warning, &a->changed);
		visit_reply_about(a->changed.visit, object, "_warnings", a->changed.warnings);
	}
	plan_each_name(a->plan, tell_name, &a->changed);
	return true;
}

static void answer_changes(struct visit *visit, struct plan *plan, bool group)
{
	struct api_age age;
	struct err why = {""};
	struct answering a = {
		.changed = {.visit = visit, .group = group},
		.plan = plan,
		.warn = !group && visit->listing == VISIT_ALL && clears(visit),
	};

	a.changed.db = visit->database->read(&age, &why, visit->database->arg);
	if (a.changed.db)
		plan_each_applied(plan, answer_one, &a);
}

static void nodes_changed(struct visit *visit, struct plan *plan)
{
	answer_changes(visit, plan, false);
}

static void group_changed(struct visit *visit, struct plan *plan)
{
	answer_changes(visit, plan, true);
}

void visit_update_nodes(struct visit *visit)
{
	CLEANUP(visit_changes_done) struct visit_changes changes = {0};
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);
	int rc;

	if (!db || !parse(visit, &changes))
		return;
	rc = plan_new_node_set(&plan, db, visit->scope, changes.at, changes.n, &err);
	carry_out(visit, rc, plan, &err, nodes_changed);
}

void visit_update_group(struct visit *visit)
{
	CLEANUP(visit_changes_done) struct visit_changes changes = {0};
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);
	int rc;

	if (!db || !parse(visit, &changes))
		return;
	rc = plan_new_group_set(&plan, db, visit->scope, changes.at, changes.n, &err);
	carry_out(visit, rc, plan, &err, group_changed);
}

/* Complains when a value is what is there already. */
void visit_check_group(struct visit *visit)
{
	CLEANUP(visit_changes_done) struct visit_changes changes = {0};
	const struct db *db = visit_db(visit);
	struct db_value value;
	uint32_t group;

	if (!db || !parse(visit, &changes) || !db_group_find(db, visit->scope, &group))
		return;
	for (size_t i = 0; i < changes.n; i++) {
		if (db_group_own(db, group, attribute_unalias(changes.at[i].name), &value) &&
			value.kind != DB_HIDDEN && text_eq(value.text, changes.at[i].value)) {
			visit_fail(visit, -EINVAL,
				"Bad Request - Checked value matches existing value");
			return;
		}
	}
	visit_done(visit);
}

static bool answer_lock(const char *object, const char *new_name, void *arg)
{
	struct visit *visit = arg;
	json *value = json_new_object();

	(void)new_name;
	json_set_str(value, "value", json_text(json_get(visit->parameters, "lock")));
	visit_reply_about(visit, object, "lock", value);
	return true;
}

static void lock_changed(struct visit *visit, struct plan *plan)
{
	plan_each_applied(plan, answer_lock, visit);
}

void visit_update_lock(struct visit *visit)
{
	const char *word =
		parameter(visit, "lock", "Bad Request - lock must be unlocked, locked or autolock");
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = word ? visit_db(visit) : NULL;

	if (db)
		carry_out(visit, plan_new_node_lock(&plan, db, visit->scope, word, &err), plan,
			&err, lock_changed);
}

/* ---- coming and going ---- */

static bool answer_created(const char *object, const char *new_name, void *arg)
{
	json *value = json_new_object();

	(void)new_name;
	json_set_str(value, "created", object);
	visit_reply(arg, value);
	return true;
}

static void created(struct visit *visit, struct plan *plan)
{
	plan_each_applied(plan, answer_created, visit);
}

static bool answer_deleted(const char *object, const char *new_name, void *arg)
{
	json *value = json_new_object();

	(void)new_name;
	json_set_str(value, "deleted", object);
	visit_reply(arg, value);
	return true;
}

static void deleted(struct visit *visit, struct plan *plan)
{
	plan_each_applied(plan, answer_deleted, visit);
}

static void create_nodes(struct visit *visit, bool one)
{
	CLEANUP(visit_changes_done) struct visit_changes changes = {0};
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);
	const char *name;
	int rc;

	if (!db || !parse(visit, &changes))
		return;
	name = parameter(visit, "name", "Bad Request - name not specified");
	if (!name)
		return;
	rc = plan_new_node_create(&plan, db, name, one, changes.at, changes.n, &err);
	carry_out(visit, rc, plan, &err, created);
}

void visit_create_range(struct visit *visit)
{
	create_nodes(visit, false);
}

void visit_create_node(struct visit *visit)
{
	create_nodes(visit, true);
}

void visit_create_group(struct visit *visit)
{
	CLEANUP(visit_changes_done) struct visit_changes changes = {0};
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);
	const char *name;
	int rc;

	if (!db || !parse(visit, &changes))
		return;
	name = parameter(visit, "name", "Bad Request - name not specified");
	if (!name)
		return;
	rc = plan_new_group_create(&plan, db, name, changes.at, changes.n, &err);
	carry_out(visit, rc, plan, &err, created);
}

void visit_delete_nodes(struct visit *visit)
{
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);

	if (db)
		carry_out(visit, plan_new_node_delete(&plan, db, visit->scope, &err), plan, &err,
			deleted);
}

void visit_delete_group(struct visit *visit)
{
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = visit_db(visit);

	if (db)
		carry_out(visit, plan_new_group_delete(&plan, db, visit->scope, &err), plan, &err,
			deleted);
}

static bool answer_renamed(const char *object, const char *new_name, void *arg)
{
	json *value = json_new_object();

	json_set_str(value, "value", new_name);
	visit_reply_about(arg, object, "rename", value);
	return true;
}

static void nodes_renamed(struct visit *visit, struct plan *plan)
{
	plan_each_applied(plan, answer_renamed, visit);
}

void visit_rename_nodes(struct visit *visit)
{
	const char *to =
		parameter(visit, "rename", "Bad Request - rename must be a text, the new name");
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = to ? visit_db(visit) : NULL;

	if (db)
		carry_out(visit, plan_new_node_rename(&plan, db, visit->scope, to, &err), plan,
			&err, nodes_renamed);
}

static bool answer_group_renamed(const char *object, const char *new_name, void *arg)
{
	json *value = json_new_object();

	json_set_str(value, "oldname", object);
	json_set_str(value, "newname", new_name);
	visit_reply(arg, value);
	return true;
}

static void group_renamed(struct visit *visit, struct plan *plan)
{
	plan_each_applied(plan, answer_group_renamed, visit);
}

void visit_rename_group(struct visit *visit)
{
	const char *to =
		parameter(visit, "rename", "Bad Request - rename must be a text, the new name");
	struct plan *plan = NULL;
	struct err err = {""};
	const struct db *db = to ? visit_db(visit) : NULL;

	if (db)
		carry_out(visit, plan_new_group_rename(&plan, db, visit->scope, to, &err), plan,
			&err, group_renamed);
}
