/*
 * Groups deleted and renamed, which their nodes must not be left listing.
 *
 *     1  the group's `noderange` says what is going on: nobody may join it from now on. A rename
 *        makes the new group in the same unit, with all that the old one has.
 *     2  when the database has seen that, each node that lists the group, a unit a node: it is taken
 *        out of the list, or the new group takes its place there.
 *     3  when the database shows no node that lists it any more, the old group is deleted.
 *
 * Whoever is interrupted leaves a group that tells how to go on; the same command does. Between 1 and 3
 * nodes inherit the same from either group. A node that is renamed meanwhile takes its list along, so
 * stage 2 is repeated until nobody is found; after that nobody can come to list the group, as every way
 * to get there compares what 1 or 2 have written.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

#define ROUNDS_MAX 32

/* What the group's noderange says meanwhile. */
static const char *marker(const struct plan *plan, struct unit *unit)
{
	char text[sizeof(DB_LEAVING_RENAMED) + ATTRIBUTE_NAME_MAX + 1] = DB_LEAVING_DELETED;

	if (plan->to) {
		memcpy(text, DB_LEAVING_RENAMED, sizeof(DB_LEAVING_RENAMED));
		memcpy(text + strlen(DB_LEAVING_RENAMED), plan->to, strlen(plan->to) + 1);
	}
	return unit_copy(unit, text, strlen(text));
}

int plan_group_check_target(const struct db *db, const char *name, struct err *err)
{
	CLEANUP(freep) uint32_t *groups = NULL;
	size_t n = db_groups_sorted(db, &groups);

	for (size_t i = 0; i < n; i++) {
		const char *leaving = db_group_leaving(db, groups[i]);
		const char *to = leaving ? text_after(leaving, DB_LEAVING_RENAMED) : NULL;

		if (text_eq(to, name))
			return plan_group_check(db, groups[i], err);
	}
	return 0;
}

static int check_new_name(const struct plan *plan, const struct db *db, struct err *err)
{
	uint32_t other;

	if (plan->to && db_group_find(db, plan->to, &other))
		return err_set(err, -EINVAL,
			"The following requested new names conflict with existing groups: %s",
			plan->to);
	return 0;
}

/* It is being taken apart already. */
static int go_on(const struct plan *plan, const struct db *db, struct job *job, uint32_t group,
	struct unit *unit, struct err *err)
{
	uint32_t other;

	if (!text_eq(db_group_leaving(db, group), marker(plan, unit)))
		return plan_group_check(db, group, err);
	if (plan->to && !db_group_find(db, plan->to, &other))
		return err_set(err, -ENOENT,
			"group %s was being renamed to %s, which is gone: nodegroupdefine %s, and "
			"rename again",
			plan->group, plan->to, plan->to);
	job->more = true;
	return WORK_NOTHING;
}

/* Stage 1; all of it where there is nobody to ask. */
static int begin(const struct plan *plan, const struct db *db, struct job *job, uint32_t group,
	struct unit *unit, struct err *err)
{
	const char *noderange = db_group_noderange(db, group);
	const char *text;
	int rc;

	/* one that waits for a noderange can be deleted as well: nobody may join that, either */
	if (db_group_leaving(db, group) &&
		(plan->to || !text_eq(db_group_leaving(db, group), PLAN_BECOMING)))
		return go_on(plan, db, job, group, unit, err);
	rc = plan_group_check_target(db, plan->group, err);
	if (rc == 0)
		rc = check_new_name(plan, db, err);
	if (rc == 0 && plan->to)
		rc = plan_move(db, GROUPS, plan->group, plan->to, group, unit, err);
	if (rc < 0)
		return rc;
	if (plan->to)
		unit_put(unit, unit_key(unit, GROUPS, plan->to, "noderange"),
			unit_copy(unit, noderange, strlen(noderange)), strlen(noderange),
			PLAN_CLEAR_TEXT, NULL);
	else
		plan_compare_group(db, plan->group, unit);
	/* nobody can have joined a group that has a noderange */
	if (*noderange && bitset_empty(db_group_members(db, group))) {
		unit_delete_prefix(unit, unit_key(unit, GROUPS, plan->group, ""));
		return WORK_UNIT;
	}
	job->more = true;
	text = marker(plan, unit);
	unit_put(unit, unit_key(unit, GROUPS, plan->group, "noderange"), text, strlen(text),
		PLAN_CLEAR_TEXT, NULL);
	return WORK_UNIT;
}

static int work(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	uint32_t group;

	if (!job->group)
		return plan_turn(plan, db, job, unit, err);
	job->more = false;
	if (!db_group_find(db, plan->group, &group)) {
		if (plan->to && plan->stage == 1)
			return err_set(err, -ENOENT,
				"The following groups to rename do not exist: %s", plan->group);
		return WORK_NOTHING;
	}
	if (plan->stage == 1)
		return begin(plan, db, job, group, unit, err);
	if (!text_eq(db_group_leaving(db, group), marker(plan, unit)))
		return err_set(
			err, -EBUSY, "somebody else has changed group %s meanwhile", plan->group);
	plan_compare_group(db, plan->group, unit);
	unit_delete_prefix(unit, unit_key(unit, GROUPS, plan->group, ""));
	return WORK_UNIT;
}

static bool all_applied(const struct plan *plan)
{
	for (size_t i = 1; i < plan->n_jobs; i++) {
		if (plan->jobs[i].state != JOB_APPLIED)
			return false;
	}
	return true;
}

/* Jobs for those that list the group now; false: nobody does. */
static bool add_members(struct plan *plan, const struct db *db)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	uint32_t group;
	size_t n;

	if (!db_group_find(db, plan->group, &group))
		return false;
	n = db_sorted(db, db_group_members(db, group), &sorted);
	for (size_t i = 0; i < n; i++) {
		struct job *job = plan_add_job(plan, db_node_name(db, sorted[i]));

		job->turn = TURN_LEAVE;
		job->stage = 2;
		job->step = true;
	}
	return n > 0;
}

static bool advance(struct plan *plan, const struct db *db)
{
	if (plan->n_jobs == 0 || plan->stage >= 3 || plan->jobs[0].state != JOB_HELD)
		return false;
	plan->remedy = "the same command, run again, completes what was begun";
	plan->stage = 2;
	if (!all_applied(plan) || plan->rounds++ >= ROUNDS_MAX) {
		plan_fail(plan, &plan->jobs[0],
			plan->why ? plan->why : "nodes that list the group keep coming");
		return false;
	}
	if (add_members(plan, db))
		return true;
	plan->stage = 3;
	plan_redo(plan, 0);
	return true;
}

static const struct plan_kind deleting = {.done = "deleted", .work = work, .advance = advance};
static const struct plan_kind renaming = {.done = "renamed", .work = work, .advance = advance};

static void add_group(struct plan *plan, const char *group, const char *to)
{
	struct job *job = plan_add_job(plan, group);

	job->group = true;
	job->to = xstrdup_null(to);
	plan->about_group = true;
	plan->group = xstrdup(group);
	plan->to = xstrdup_null(to);
}

/* Works the first stage out for nothing but its errors. */
static int rehearse(struct plan *plan, const struct db *db, struct err *err)
{
	struct unit *unit = unit_new();
	int rc;

	unit->view.object = plan->group;
	rc = work(plan, db, &plan->jobs[0], unit, err);
	plan->jobs[0].more = false;
	if (rc == WORK_UNIT)
		rc = unit_check(unit, err);
	unit_free(unit);
	return rc < 0 ? plan_bad(err) : 0;
}

int plan_new_group_delete(
	struct plan **ret, const struct db *db, const char *group, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&deleting);
	struct err own;
	int rc;

	err = err ? err : &own;
	if (text_eq(group, DB_EVERYTHING))
		return err_set(err, -EINVAL,
			"Bad Request - group %s can't be deleted, all nodes are in it", group);
	add_group(plan, group, NULL);
	rc = rehearse(plan, db, err);
	if (rc < 0)
		return rc;
	*ret = TAKE(plan);
	return 0;
}

int plan_new_group_rename(
	struct plan **ret, const struct db *db, const char *group, const char *to, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&renaming);
	struct err own;
	int rc;

	err = err ? err : &own;
	if (text_eq(group, DB_EVERYTHING))
		return err_set(err, -EINVAL,
			"Bad Request - group %s can't be renamed, all nodes are in it", group);
	if (attribute_object_name_check(to, "group", err) < 0)
		return plan_bad(err);
	add_group(plan, group, to);
	rc = rehearse(plan, db, err);
	if (rc < 0)
		return rc;
	*ret = TAKE(plan);
	return 0;
}
