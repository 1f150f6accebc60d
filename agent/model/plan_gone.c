/*
 * Nodes deleted and renamed, a unit a node. A node goes with everything below its name; a renamed one
 * is copied and deleted at once. Names are not exchanged: a new name must be nobody's when the request
 * is made, whoever else is renamed by it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

static int work_delete(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	uint32_t node;

	(void)plan;
	(void)err;
	if (!db_node_find(db, job->object, &node))
		return WORK_NOTHING;
	unit_compare(unit, PLAN_EXISTS, unit_key(unit, NODES, job->object, "groups"), 0);
	unit_delete_prefix(unit, unit_key(unit, NODES, job->object, ""));
	return WORK_UNIT;
}

static const struct plan_kind deleting = {.done = "deleted", .work = work_delete};

int plan_new_node_delete(
	struct plan **ret, const struct db *db, const char *noderange, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&deleting);
	int rc = plan_add_nodes(plan, db, noderange, err);

	if (rc < 0)
		return rc;
	*ret = TAKE(plan);
	return 0;
}

struct plan *plan_new_node_delete_names(const char *const *names, size_t n)
{
	struct plan *plan = plan_alloc(&deleting);

	for (size_t i = 0; i < n; i++)
		(void)plan_add_job(plan, names[i]);
	return plan;
}

static int work_rename(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	uint32_t node, other;
	int rc;

	(void)plan;
	if (!db_node_find(db, job->object, &node))
		return err_set(err, -ENOENT, "The following nodes to rename do not exist: %s",
			job->object);
	if (db_node_find(db, job->to, &other))
		return err_set(err, -EINVAL,
			"The following requested new names conflict with existing nodes: %s",
			job->to);
	rc = plan_move(db, NODES, job->object, job->to, node, unit, err);
	if (rc == 0)
		rc = plan_copy_groups(db, job->object, job->to, unit, err);
	if (rc < 0)
		return rc;
	unit_delete_prefix(unit, unit_key(unit, NODES, job->object, ""));
	return WORK_UNIT;
}

static const struct plan_kind renaming = {.done = "renamed", .work = work_rename};

static int new_names(struct plan *plan, const struct db *db, const char *to, struct err *err)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(ATTRIBUTE_VALUE_MAX);

	for (size_t i = 0; i < plan->n_jobs; i++) {
		struct job *job = &plan->jobs[i];
		uint32_t node;
		int rc;

		if (!db_node_find(db, job->object, &node))
			return err_set(err, -ENOENT,
				"The following nodes to rename do not exist: %s", job->object);
		rc = db_node_evaluate(db, node, to, &name, err);
		if (rc < 0)
			return rc;
		rc = attribute_object_name_check(buf_cstr(&name), "node", err);
		if (rc < 0)
			return rc;
		job->to = xstrdup(buf_cstr(&name));
	}
	return 0;
}

/* Names in a text, comma between, cut where there are many. */
#define NAMES_SHOWN 10

static int refuse_names(struct plan_names *names, const char *what, struct err *err)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ERR_TEXT_MAX);
	size_t n = MIN(names->n, (size_t)NAMES_SHOWN);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = buf_printf(&text, "%s%s", i ? "," : "", names->at[i]);
	if (rc == 0 && names->n > n)
		rc = buf_printf(&text, " and %zu more", names->n - n);
	return err_set(err, -EINVAL, "%s: %s", what, buf_cstr(&text));
}

static int check_new_names(const struct plan *plan, const struct db *db, struct err *err)
{
	CLEANUP(plan_names_done) struct plan_names taken = {NULL, 0, 0};
	CLEANUP(plan_names_done) struct plan_names all = {NULL, 0, 0};
	const char *twice;

	for (size_t i = 0; i < plan->n_jobs; i++) {
		const char *to = plan->jobs[i].to;
		uint32_t node;

		plan_names_add(&all, to, strlen(to));
		if (db_node_find(db, to, &node))
			plan_names_add(&taken, to, strlen(to));
	}
	twice = plan_names_twice(&all);
	if (twice)
		return err_set(err, -EINVAL,
			"Requested to rename multiple nodes to the same name: %s", twice);
	if (taken.n > 0)
		return refuse_names(&taken,
			"The following requested new names conflict with existing nodes", err);
	return 0;
}

int plan_new_node_rename(struct plan **ret, const struct db *db, const char *noderange,
	const char *to, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&renaming);
	struct err own;
	int rc;

	err = err ? err : &own;
	rc = plan_add_nodes(plan, db, noderange, err);
	if (rc < 0)
		return rc;
	if (plan->n_jobs == 0)
		return err_set(err, -EINVAL, "Bad Request - No action to take, noderange is empty");
	rc = new_names(plan, db, to, err);
	if (rc == 0)
		rc = check_new_names(plan, db, err);
	if (rc < 0)
		return plan_bad(err);
	*ret = TAKE(plan);
	return 0;
}
