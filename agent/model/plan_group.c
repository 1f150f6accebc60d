/*
 * Groups set and made: first the group itself, in one unit, then, once the database has seen it, its
 * members, a unit a node.
 *
 * Whatever is written below a group compares the revision of its `noderange`, so that nothing is written
 * into a group that is being taken apart. A noderange is given to a group in two rounds, because no
 * compare can tell that no node lists the group: the first one puts a text there that keeps nodes
 * out, the second one, when the database has seen that, either the noderange or, where the group is
 * found to have members or attributes after all, the old state.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/noderange.h"
#include "model/plan_private.h"

static bool note_attribute(const char *name, const struct db_value *value, void *arg)
{
	(void)value;
	if (text_eq(name, "noderange"))
		return true;
	*(bool *)arg = true;
	return false;
}

/* Has it members or attributes of its own, which don't go with a noderange? */
static int check_bare(const struct db *db, uint32_t group, struct err *err)
{
	bool some = false;

	if (!bitset_empty(db_group_members(db, group)))
		return err_set(err, -EINVAL, "Cannot set both nodes and noderange on group");
	db_group_each(db, group, note_attribute, &some);
	if (some)
		return err_set(err, -EINVAL, "Cannot set noderange on a group with attributes");
	return 0;
}

/* The request that gives the group a noderange. */
static struct plan_request *noderange_of(struct plan *plan)
{
	struct plan_request *request = plan_find_request(plan, "noderange");

	return request && request->how != PLAN_CLEAR && *request->value ? request : NULL;
}

static int give_noderange(struct plan *plan, const struct db *db, struct job *job, uint32_t group,
	struct unit *unit, struct err *err)
{
	const struct plan_request *request = noderange_of(plan);
	const char *key = unit_key(unit, GROUPS, plan->group, "noderange");
	const char *leaving = db_group_leaving(db, group);
	const char *text = request->value;
	bool becoming = leaving && text_eq(leaving, PLAN_BECOMING);
	int rc = 0;

	if (!becoming)
		rc = plan_group_check(db, group, err);
	if (rc == 0)
		rc = plan_group_check_target(db, plan->group, err);
	if (rc < 0)
		return rc;
	rc = check_bare(db, group, err);
	if (becoming && rc < 0) {
		unit->fails = xstrdup(err->text);
		text = "";
	} else if (rc < 0) {
		return rc;
	}
	if (!leaving && text_eq(db_group_noderange(db, group), text))
		return WORK_NOTHING;
	job->more = !becoming && !*db_group_noderange(db, group);
	plan_compare_group(db, plan->group, unit);
	unit_put(unit, key, job->more ? PLAN_BECOMING : text,
		strlen(job->more ? PLAN_BECOMING : text), PLAN_CLEAR_TEXT, NULL);
	return WORK_UNIT;
}

static int set_one(struct plan *plan, const struct db *db, uint32_t group,
	struct plan_request *request, struct unit *unit, struct err *err)
{
	const struct plan_value *value;
	struct db_value own;
	const char *key;
	int64_t revision = 0;
	bool there;
	int rc;

	if (!request->attribute || request->attribute->kind == ATTRIBUTE_LIST ||
		request->attribute->kind == ATTRIBUTE_NODERANGE)
		return 0;
	rc = plan_request_value(request, request->name, &value, err);
	if (rc < 0)
		return rc;
	key = unit_key(unit, GROUPS, plan->group, request->name);
	there = db_raw(db, key, &revision);
	if (value->clear ? !there
			 : there && db_group_own(db, group, request->name, &own) &&
				   plan_value_same(value, &own))
		return 0;
	unit_compare(unit, PLAN_MOD, key, revision);
	if (value->clear)
		unit_delete(unit, key);
	else
		unit_put(unit, key, value->raw, value->len, value->coat, NULL);
	return 0;
}

static int set_group(struct plan *plan, const struct db *db, struct job *job, uint32_t group,
	struct unit *unit, struct err *err)
{
	const struct plan_request *noderange = plan_find_request(plan, "noderange");
	bool dynamic = *db_group_noderange(db, group) != '\0';
	int rc;

	if (noderange_of(plan))
		return give_noderange(plan, db, job, group, unit, err);
	rc = plan_group_check(db, group, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < plan->n_requests; i++) {
		struct plan_request *request = &plan->requests[i];

		if (dynamic && !noderange && request->how != PLAN_CLEAR)
			return err_set(err, -EINVAL,
				"Attributes cannot be set on a group with a noderange");
		rc = set_one(plan, db, group, request, unit, err);
		if (rc < 0)
			return rc;
	}
	if (dynamic && noderange)
		unit_put(unit, unit_key(unit, GROUPS, plan->group, "noderange"), "", 0,
			PLAN_CLEAR_TEXT, NULL);
	if (unit->view.n_ops == 0)
		return WORK_NOTHING;
	plan_compare_group(db, plan->group, unit);
	return WORK_UNIT;
}

static int make_group(struct plan *plan, const struct db *db, struct unit *unit, struct err *err)
{
	const struct plan_request *noderange = noderange_of(plan);
	const char *text = noderange ? noderange->value : "";

	plan_compare_none(db, unit_key(unit, GROUPS, plan->group, ""), unit);
	unit_put(unit, unit_key(unit, GROUPS, plan->group, "noderange"), text, strlen(text),
		PLAN_CLEAR_TEXT, NULL);
	for (size_t i = 0; i < plan->n_requests; i++) {
		struct plan_request *request = &plan->requests[i];
		const struct plan_value *value;
		int rc;

		if (!request->attribute || request->attribute->kind == ATTRIBUTE_LIST ||
			request->attribute->kind == ATTRIBUTE_NODERANGE)
			continue;
		rc = plan_request_value(request, request->name, &value, err);
		if (rc < 0)
			return rc;
		if (!value->clear)
			unit_put(unit, unit_key(unit, GROUPS, plan->group, value->name), value->raw,
				value->len, value->coat, NULL);
	}
	return WORK_UNIT;
}

static int work(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	uint32_t group;

	if (!job->group)
		return plan_turn(plan, db, job, unit, err);
	job->more = false;
	if (db_group_find(db, plan->group, &group)) {
		/* who is to leave it was not known when this was begun */
		if (plan->makes && plan_find_request(plan, "nodes"))
			return err_set(err, -EEXIST,
				"group %s was made by somebody else meanwhile: run the command "
				"again",
				plan->group);
		return set_group(plan, db, job, group, unit, err);
	}
	if (plan->create)
		return make_group(plan, db, unit, err);
	return err_set(err, -EINVAL, "%s group does not exist", plan->group);
}

static bool advance(struct plan *plan, const struct db *db)
{
	struct job *first = &plan->jobs[0];

	(void)db;
	if (plan->n_jobs == 0)
		return false;
	if (first->group && first->state == JOB_HELD) {
		plan_redo(plan, 0);
		return true;
	}
	if (plan->stage >= 2)
		return false;
	plan->stage = 2;
	if (first->group && first->state != JOB_APPLIED)
		plan_stop(plan, plan->why);
	return true;
}

static const struct plan_kind setting = {.done = "changed", .work = work, .advance = advance};
static const struct plan_kind making = {.done = "created", .work = work, .advance = advance};

/* ---- members ---- */

static void add_turns(struct plan *plan, const struct db *db, const struct bitset *nodes,
	enum job_turn turn, bool strict)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	size_t n = db_sorted(db, nodes, &sorted);

	for (size_t i = 0; i < n; i++) {
		struct job *job = plan_add_job(plan, db_node_name(db, sorted[i]));

		job->turn = (uint8_t)turn;
		job->strict = strict;
		job->stage = 2;
	}
}

/* The nodes that the request names. */
static int named_nodes(const struct plan *plan, const struct db *db,
	const struct plan_request *request, struct bitset *ret, struct err *err)
{
	const struct noderange_source source = db_noderange_source(db);
	CLEANUP(plan_names_done) struct plan_names names = {NULL, 0, 0};
	char shown[TEXT_PRINTABLE_MAX];
	uint32_t node;

	if (request->how == PLAN_CLEAR || !*request->value)
		return 0;
	if (request->how == PLAN_EXPRESSION || request->how == PLAN_HASHED)
		return err_set(err, -EINVAL, "nodes attribute on group must be list");
	if (request->how != PLAN_LIST)
		return noderange_evaluate(&source, request->value, ret, err);
	plan_names_split(&names, request->value);
	for (size_t i = 0; i < names.n; i++) {
		if (!db_node_find(db, names.at[i], &node))
			return err_set(err, -EINVAL, "%s node does not exist to add to %s",
				text_printable(names.at[i], strlen(names.at[i]), shown),
				plan->group);
		bitset_add(ret, node);
	}
	return 0;
}

/* The first of the nodes, in natural order. */
static const char *first_of(const struct db *db, const struct bitset *nodes)
{
	CLEANUP(freep) uint32_t *sorted = NULL;

	return db_sorted(db, nodes, &sorted) ? db_node_name(db, sorted[0]) : "";
}

static int plan_members(
	struct plan *plan, const struct db *db, const struct plan_request *request, struct err *err)
{
	CLEANUP(bitset_done) struct bitset named = BITSET_INIT;
	CLEANUP(bitset_done) struct bitset in = BITSET_INIT;
	CLEANUP(bitset_done) struct bitset out = BITSET_INIT;
	uint32_t group;
	int rc;

	if (text_eq(plan->group, DB_EVERYTHING))
		return err_set(
			err, -EINVAL, "all nodes are members of group %s, always", plan->group);
	rc = named_nodes(plan, db, request, &named, err);
	if (rc < 0)
		return rc;
	bitset_copy(&in, &named);
	if (!db_group_find(db, plan->group, &group)) {
		if (request->how == PLAN_REMOVE && !bitset_empty(&named))
			return err_set(err, -EINVAL, "node \"%s\" is not a member of %s",
				first_of(db, &named), plan->group);
		add_turns(plan, db, &in, TURN_JOIN, request->how == PLAN_PREPEND);
		return 0;
	}
	if (request->how == PLAN_PREPEND) {
		bitset_intersect(&in, db_group_members(db, group));
		if (!bitset_empty(&in))
			return err_set(err, -EINVAL, "%s is already in group %s", first_of(db, &in),
				plan->group);
		add_turns(plan, db, &named, TURN_JOIN, true);
	} else if (request->how == PLAN_REMOVE) {
		bitset_subtract(&in, db_group_members(db, group));
		if (!bitset_empty(&in))
			return err_set(err, -EINVAL, "node \"%s\" is not a member of %s",
				first_of(db, &in), plan->group);
		add_turns(plan, db, &named, TURN_LEAVE, true);
	} else {
		bitset_subtract(&in, db_group_members(db, group));
		bitset_copy(&out, db_group_members(db, group));
		bitset_subtract(&out, &named);
		add_turns(plan, db, &in, TURN_JOIN, false);
		add_turns(plan, db, &out, TURN_LEAVE, false);
	}
	return 0;
}

/* ---- requests ---- */

static int check_requests(struct plan *plan, struct err *err)
{
	const struct plan_request *noderange = plan_find_request(plan, "noderange");

	if (!noderange)
		return 0;
	if (text_eq(plan->group, DB_EVERYTHING))
		return err_set(err, -EINVAL,
			"all nodes are members of group %s, it has no noderange", plan->group);
	if (noderange_of(plan) && plan->n_requests > 1)
		return err_set(err, -EINVAL,
			plan_find_request(plan, "nodes")
				? "Cannot set both nodes and noderange on group"
				: "noderange attribute must be set by itself");
	return 0;
}

/* Works the group's job out for nothing but its errors. */
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
	return rc;
}

static int fill(struct plan *plan, const struct db *db, const char *group,
	const struct plan_change *changes, size_t n, struct err *err)
{
	const struct plan_request *nodes;
	struct job *job;
	uint32_t number;
	int rc;

	plan->about_group = true;
	plan->group = xstrdup(group);
	plan->makes = !db_group_find(db, group, &number);
	rc = plan_add_requests(plan, changes, n, NULL, err);
	if (rc == 0)
		rc = check_requests(plan, err);
	if (rc < 0)
		return rc;
	nodes = plan_find_request(plan, "nodes");
	job = plan_add_job(plan, group);
	job->group = true;
	rc = rehearse(plan, db, err);
	if (rc >= 0 && nodes)
		rc = plan_members(plan, db, nodes, err);
	/* a group that is merely given members, or loses some, is no object of its own */
	if (rc >= 0 && nodes && !plan->create && plan->n_requests == 1 && plan->n_jobs > 1)
		plan->jobs[0].step = true;
	return rc < 0 ? rc : 0;
}

int plan_new_group_set(struct plan **ret, const struct db *db, const char *group,
	const struct plan_change *changes, size_t n, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&setting);
	char shown[TEXT_PRINTABLE_MAX];
	struct err own;
	uint32_t number;

	err = err ? err : &own;
	if (n == 0)
		return err_set(err, -EINVAL, "Bad Request - no request data provided");
	if (!db_group_find(db, group, &number))
		return err_set(err, -EINVAL, "Bad Request - %s group does not exist",
			text_printable(group, strlen(group), shown));
	if (fill(plan, db, group, changes, n, err) < 0)
		return plan_bad(err);
	*ret = TAKE(plan);
	return 0;
}

int plan_new_group_create(struct plan **ret, const struct db *db, const char *group,
	const struct plan_change *changes, size_t n, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&making);
	struct err own;

	err = err ? err : &own;
	plan->create = true;
	if (attribute_object_name_check(group, "group", err) < 0 ||
		fill(plan, db, group, changes, n, err) < 0)
		return plan_bad(err);
	*ret = TAKE(plan);
	return 0;
}
