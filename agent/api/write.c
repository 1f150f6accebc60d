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
#include "io/loop.h"
#include "model/db.h"

static visit_emit_fn answer_changed, answer_group_changed, answer_renamed, answer_group_renamed;

void visit_write_free(struct visit *visit)
{
	for (size_t i = 0; i < visit->n_changed; i++)
		free(visit->changed[i]);
	free(visit->changed);
	for (size_t i = 0; visit->new_names && i < visit->n_names; i++)
		free(visit->new_names[i]);
	free(visit->new_names);
	for (size_t i = 0; visit->warnings && i < visit->n_names; i++)
		json_free(visit->warnings[i]);
	free(visit->warnings);
}

/* ---- what the plan says, for when it is gone ---- */

static void add_warning(const char *text, void *arg)
{
	json_add_str(arg, text);
}

static void take_changed(const char *name, void *arg)
{
	struct visit *visit = arg;

	visit->changed = xrealloc(visit->changed, visit->n_changed + 1, sizeof(*visit->changed));
	visit->changed[visit->n_changed++] = xstrdup(name);
}

struct taking {
	struct visit *visit;
	const struct plan *plan;
};

static bool take_object(const char *object, const char *new_name, void *arg)
{
	struct taking *t = arg;
	struct visit *visit = t->visit;
	size_t i = visit->n_names++;

	visit->names[i] = xstrdup(object);
	if (visit->new_names)
		visit->new_names[i] = xstrdup_null(new_name);
	if (visit->warnings) {
		visit->warnings[i] = json_new_array();
		plan_each_warning(t->plan, object, add_warning, visit->warnings[i]);
	}
	return true;
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

static void on_written(int rc, const char *why, struct plan *plan, void *arg)
{
	struct visit *visit = arg;
	struct taking taking = {visit, plan};
	struct plan_outcome outcome;

	visit->write = NULL;
	loop_doing(api_resources_loop(visit->resources), visit->doing);
	plan_outcome(plan, &outcome);
	if (rc < 0)
		/* all of it may be applied, and what failed is something else */
		visit->failure = outcome.why && (outcome.applied > 0 || outcome.unknown > 0)
					 ? plan_report(plan)
					 : xstrdup(why);
	plan_each_name(plan, take_changed, visit);
	visit->names = xcalloc(outcome.applied + 1, sizeof(*visit->names));
	if (visit->answer == answer_group_changed) {
		/* its members may be what the plan has changed */
		if (outcome.applied > 0)
			visit->names[visit->n_names++] = xstrdup(visit->scope);
		visit_stream_names(visit, visit->answer);
		return;
	}
	if (visit->answer == answer_renamed || visit->answer == answer_group_renamed)
		visit->new_names = xcalloc(outcome.applied + 1, sizeof(*visit->new_names));
	if (visit->answer == answer_changed && visit->listing == VISIT_ALL && clears(visit))
		visit->warnings = xcalloc(outcome.applied + 1, sizeof(*visit->warnings));
	plan_each_applied(plan, take_object, &taking);
	visit_stream_names(visit, visit->answer);
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

/* What a change is made from; word and changes where its kind has them. */
struct asked {
	const struct db *db;
	const char *scope;
	const char *word;
	struct visit_changes changes;
};

struct kind {
	bool changes; /* the parameters are attributes */
	const char
		*word; /* the text parameter that there must be, and what to say where it is not */
	const char *missing; /* NULL with no word */
	int (*make)(struct plan **ret, const struct asked *asked, struct err *err);
	visit_emit_fn *answer;
};

static bool ask(struct visit *visit, const struct kind *kind, struct asked *ret)
{
	ret->scope = visit->scope;
	ret->db = visit_db(visit);
	if (!ret->db || (kind->changes && !parse(visit, &ret->changes)))
		return false;
	ret->word = kind->word ? parameter(visit, kind->word, kind->missing) : NULL;
	return !kind->word || ret->word;
}

static void change(struct visit *visit, const struct kind *kind)
{
	struct asked asked = {NULL};
	struct plan *plan = NULL;
	struct err err = {""};
	int rc;

	if (ask(visit, kind, &asked)) {
		rc = kind->make(&plan, &asked, &err);
		visit->answer = kind->answer;
		if (rc < 0)
			visit_fail(visit, rc, err.text);
		else
			visit->write = visit->database->write(
				plan, on_written, visit, visit->database->arg);
	}
	visit_changes_done(&asked.changes);
}

/* ---- attributes ---- */

static void answer_changed(struct visit *visit, const struct db *db, const char *name)
{
	if (visit->warnings)
		visit_reply_about(visit, name, "_warnings", TAKE(visit->warnings[visit->at]));
	for (size_t i = 0; i < visit->n_changed; i++)
		visit_emit_attribute(visit, db, name, visit->changed[i]);
}

static void answer_group_changed(struct visit *visit, const struct db *db, const char *name)
{
	for (size_t i = 0; i < visit->n_changed; i++)
		visit_emit_group_attribute(visit, db, name, visit->changed[i]);
}

static int make_node_set(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_set(
		ret, asked->db, asked->scope, asked->changes.at, asked->changes.n, err);
}

void visit_update_nodes(struct visit *visit)
{
	static const struct kind kind = {true, NULL, NULL, make_node_set, answer_changed};

	change(visit, &kind);
}

static int make_group_set(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_group_set(
		ret, asked->db, asked->scope, asked->changes.at, asked->changes.n, err);
}

void visit_update_group(struct visit *visit)
{
	static const struct kind kind = {true, NULL, NULL, make_group_set, answer_group_changed};

	change(visit, &kind);
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

static void answer_lock(struct visit *visit, const struct db *db, const char *name)
{
	json *value = json_new_object();

	(void)db;
	json_set_str(value, "value", json_text(json_get(visit->parameters, "lock")));
	visit_reply_about(visit, name, "lock", value);
}

static int make_lock(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_lock(ret, asked->db, asked->scope, asked->word, err);
}

void visit_update_lock(struct visit *visit)
{
	static const struct kind kind = {false, "lock",
		"Bad Request - lock must be unlocked, locked or autolock", make_lock, answer_lock};

	change(visit, &kind);
}

/* ---- coming and going ---- */

static void answer_created(struct visit *visit, const struct db *db, const char *name)
{
	json *value = json_new_object();

	(void)db;
	json_set_str(value, "created", name);
	visit_reply(visit, value);
}

static void answer_deleted(struct visit *visit, const struct db *db, const char *name)
{
	json *value = json_new_object();

	(void)db;
	json_set_str(value, "deleted", name);
	visit_reply(visit, value);
}

static int make_range(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_create(
		ret, asked->db, asked->word, false, asked->changes.at, asked->changes.n, err);
}

void visit_create_range(struct visit *visit)
{
	static const struct kind kind = {
		true, "name", "Bad Request - name not specified", make_range, answer_created};

	change(visit, &kind);
}

static int make_node(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_create(
		ret, asked->db, asked->word, true, asked->changes.at, asked->changes.n, err);
}

void visit_create_node(struct visit *visit)
{
	static const struct kind kind = {
		true, "name", "Bad Request - name not specified", make_node, answer_created};

	change(visit, &kind);
}

static int make_group(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_group_create(
		ret, asked->db, asked->word, asked->changes.at, asked->changes.n, err);
}

void visit_create_group(struct visit *visit)
{
	static const struct kind kind = {
		true, "name", "Bad Request - name not specified", make_group, answer_created};

	change(visit, &kind);
}

static int unmake_nodes(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_delete(ret, asked->db, asked->scope, err);
}

void visit_delete_nodes(struct visit *visit)
{
	static const struct kind kind = {false, NULL, NULL, unmake_nodes, answer_deleted};

	change(visit, &kind);
}

static int unmake_group(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_group_delete(ret, asked->db, asked->scope, err);
}

void visit_delete_group(struct visit *visit)
{
	static const struct kind kind = {false, NULL, NULL, unmake_group, answer_deleted};

	change(visit, &kind);
}

static void answer_renamed(struct visit *visit, const struct db *db, const char *name)
{
	json *value = json_new_object();

	(void)db;
	json_set_str(value, "value", visit->new_names[visit->at]);
	visit_reply_about(visit, name, "rename", value);
}

static int rename_nodes(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_node_rename(ret, asked->db, asked->scope, asked->word, err);
}

void visit_rename_nodes(struct visit *visit)
{
	static const struct kind kind = {false, "rename",
		"Bad Request - rename must be a text, the new name", rename_nodes, answer_renamed};

	change(visit, &kind);
}

static void answer_group_renamed(struct visit *visit, const struct db *db, const char *name)
{
	json *value = json_new_object();

	(void)db;
	json_set_str(value, "oldname", name);
	json_set_str(value, "newname", visit->new_names[visit->at]);
	visit_reply(visit, value);
}

static int rename_group(struct plan **ret, const struct asked *asked, struct err *err)
{
	return plan_new_group_rename(ret, asked->db, asked->scope, asked->word, err);
}

void visit_rename_group(struct visit *visit)
{
	static const struct kind kind = {false, "rename",
		"Bad Request - rename must be a text, the new name", rename_group,
		answer_group_renamed};

	change(visit, &kind);
}
