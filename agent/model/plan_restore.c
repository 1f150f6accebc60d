/*
 * A backup put back, a unit for each node and group: it becomes what the backup says, whatever it was
 * before, whole or not at all.
 *
 *     1  groups without a noderange, so that nodes can be put into them
 *     2  nodes; they leave the groups that the backup does not have them in
 *     3  groups with a noderange, which have no nodes of their own any more
 *
 * What is there already is compared as a whole: the unit holds when nothing was written below its name
 * since the database that it was worked out from. What is made anew, and, into an empty collective,
 * everything, must not be there.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/backup_private.h"
#include "model/expression.h"
#include "model/plan_private.h"

#define INDEX  "id.index"
#define STAGES 3

/* One object being worked out. */
struct restoring {
	struct plan *plan;
	const struct db *db;
	const struct backup_object *object;
	const char *folder, *prefix;
	struct unit *unit;
	uint32_t number; /* where it exists */
	bool exists, node;
	bool changes; /* something is different */
};

/* ---- what is there ---- */

/* Does the object hold this text under the name, as it is in etcd? */
static bool holds(const struct restoring *r, const char *name, const char *text, size_t len)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * ATTRIBUTE_VALUE_MAX);
	const struct attribute *attribute = attribute_find(name);
	struct db_value own;
	bool found = r->node ? db_node_own(r->db, r->number, name, &own)
			     : db_group_own(r->db, r->number, name, &own);

	if (!found)
		return false;
	if (own.kind == DB_PLAIN && attribute && attribute->expression && strpbrk(own.text, "{}")) {
		if (expression_escape(own.text, own.len, &raw) < 0)
			return false;
		return raw.len == len && memcmp(raw.data, text, len) == 0;
	}
	return own.len == len && (len == 0 || memcmp(own.text, text, len) == 0);
}

static void put(
	struct restoring *r, const char *name, const char *text, size_t len, enum plan_coat coat)
{
	const char *key = unit_key(r->unit, r->folder, r->object->name, name);

	if (!r->exists || coat != PLAN_CLEAR_TEXT || !holds(r, name, text, len))
		r->changes = true;
	unit_put(r->unit, key, text, len, coat, coat == PLAN_RESEAL ? key : NULL);
}

static void clear(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	struct restoring *r = arg;
	const char *name = key + strlen(r->prefix);

	(void)revision;
	(void)usable;
	/* a key with a NUL in it can't be named, and stays where it is */
	if (strlen(key) != len || backup_find_value(r->object, name) ||
		text_eq(name, r->node ? "groups" : "noderange") ||
		(r->node && text_eq(name, INDEX)))
		return;
	r->changes = true;
	unit_delete(r->unit, unit_copy(r->unit, key, len));
}

/* Of what exists already: nothing was written there, and what the backup does not have goes. */
static void take_over(struct restoring *r)
{
	if (!r->exists) {
		plan_compare_none(r->db, r->prefix, r->unit);
		return;
	}
	unit_compare(r->unit, PLAN_UNCHANGED, r->prefix, db_revision(r->db));
	db_each_key(r->db, r->prefix, clear, r);
}

static void put_values(struct restoring *r)
{
	for (size_t i = 0; i < r->object->n; i++) {
		const struct backup_value *value = &r->object->values[i];

		if (!value->keep)
			put(r, value->name, value->text, value->len, value->coat);
	}
}

static int meet(const struct restoring *r, struct err *err)
{
	if (!r->exists || r->plan->backup->mode != BACKUP_INTO_EMPTY ||
		(!r->node && text_eq(r->object->name, DB_EVERYTHING)))
		return 0;
	return err_set(err, -EEXIST, "%s %s was made by somebody else meanwhile",
		r->node ? "node" : "group", r->object->name);
}

/* ---- nodes ---- */

static int put_groups(struct restoring *r, struct err *err)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	const struct plan_names *groups = &r->object->groups;
	size_t n = groups->n;
	int rc = buf_str(&text, "");

	if (n > 0 && text_eq(groups->at[n - 1], DB_EVERYTHING))
		n--;
	for (size_t i = 0; i < n; i++) {
		uint32_t group;

		rc = plan_group_check_join(r->db, groups->at[i], &group, err);
		if (rc < 0)
			return rc;
		plan_compare_group(r->db, groups->at[i], r->unit);
		rc = buf_printf(&text, "%s%s", i ? "," : "", groups->at[i]);
		if (rc < 0)
			return err_set(err, -EINVAL, "it would be in too many groups");
	}
	put(r, "groups", unit_copy(r->unit, buf_cstr(&text), text.len), text.len, PLAN_CLEAR_TEXT);
	return 0;
}

static void put_index(struct restoring *r)
{
	const struct backup_object *object = r->object;
	int64_t number = object->index;
	struct db_value own;
	char text[32];
	int len;

	if (object->fresh >= 0) {
		/* it keeps the one it has */
		if (r->exists && !object->renumber && db_node_own(r->db, r->number, INDEX, &own))
			return;
		number = r->plan->first_number + object->fresh;
	}
	len = snprintf(text, sizeof(text), "%" PRId64, number);
	put(r, INDEX, unit_copy(r->unit, text, (size_t)len), (size_t)len, PLAN_CLEAR_TEXT);
}

static int restore_node(struct restoring *r, struct err *err)
{
	int rc;

	r->exists = db_node_find(r->db, r->object->name, &r->number);
	rc = meet(r, err);
	if (rc < 0)
		return rc;
	take_over(r);
	if (r->exists)
		unit_compare(r->unit, PLAN_EXISTS,
			unit_key(r->unit, NODES, r->object->name, "groups"), 0);
	rc = put_groups(r, err);
	if (rc < 0)
		return rc;
	put_index(r);
	put_values(r);
	return 0;
}

/* ---- groups ---- */

/* Nodes that are about to be deleted are no hindrance. */
static int check_bare(const struct restoring *r, struct err *err)
{
	if (!r->object->dynamic || !r->exists || r->plan->backup->mode == BACKUP_REPLACE ||
		bitset_empty(db_group_members(r->db, r->number)))
		return 0;
	return err_set(err, -EINVAL, "group %s has nodes, and can't be given a noderange",
		r->object->name);
}

static int restore_group(struct restoring *r, struct err *err)
{
	int rc = 0;

	r->exists = db_group_find(r->db, r->object->name, &r->number);
	if (r->exists)
		rc = plan_group_check(r->db, r->number, err);
	if (rc == 0)
		rc = meet(r, err);
	if (rc == 0)
		rc = check_bare(r, err);
	if (rc < 0)
		return rc;
	take_over(r);
	if (r->exists)
		plan_compare_group(r->db, r->object->name, r->unit);
	if (!r->object->dynamic && !text_eq(r->object->name, DB_EVERYTHING))
		put(r, "noderange", "", 0, PLAN_CLEAR_TEXT);
	put_values(r);
	return 0;
}

/* ---- the plan ---- */

static int work(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	struct backup *backup = plan->backup;
	const struct backup_objects *objects = job->group ? &backup->groups : &backup->nodes;
	struct restoring r = {.plan = plan,
		.db = db,
		.object = &objects->at[job->number],
		.folder = job->group ? GROUPS : NODES,
		.unit = unit,
		.node = !job->group};
	int rc;

	r.prefix = unit_key(unit, r.folder, r.object->name, "");
	rc = r.node ? restore_node(&r, err) : restore_group(&r, err);
	if (rc < 0)
		return rc;
	return r.changes ? WORK_UNIT : WORK_NOTHING;
}

static bool advance(struct plan *plan, const struct db *db)
{
	(void)db;
	if (plan->stage == STAGES)
		return false;
	plan->stage++;
	return true;
}

static const struct plan_kind restoring = {.done = "restored", .work = work, .advance = advance};

static void add_groups(struct plan *plan, const struct backup *backup, bool dynamic)
{
	for (size_t i = 0; i < backup->groups.n; i++) {
		struct job *job;

		if (backup->groups.at[i].dynamic != dynamic)
			continue;
		job = plan_add_job(plan, backup->groups.at[i].name);
		job->number = (int64_t)i;
		job->group = true;
		job->stage = dynamic ? 3 : 1;
	}
}

struct plan *plan_new_restore(struct backup *backup)
{
	struct plan *plan = plan_alloc(&restoring);

	plan->backup = backup;
	add_groups(plan, backup, false);
	for (size_t i = 0; i < backup->nodes.n; i++) {
		struct job *job = plan_add_job(plan, backup->nodes.at[i].name);

		job->number = (int64_t)i;
		job->stage = 2;
	}
	add_groups(plan, backup, true);
	plan->numbers = backup->n_fresh;
	if (backup->n_numbers > 0) {
		/* one of them, if only to have the others counted as given */
		plan->numbers = MAX(plan->numbers, (size_t)1);
		plan->numbers_above = backup->numbers[backup->n_numbers - 1].number;
	}
	return plan;
}

void plan_restored(const struct plan *plan, size_t *ret_nodes, size_t *ret_groups)
{
	*ret_nodes = *ret_groups = 0;
	for (size_t i = 0; i < plan->n_jobs; i++) {
		const struct job *job = &plan->jobs[i];

		if (job->state != JOB_APPLIED)
			continue;
		if (job->group)
			(*ret_groups)++;
		else
			(*ret_nodes)++;
	}
}
