/*
 * Nodes set and made. One unit a node: all of what a request changes on it, or nothing.
 *
 * Every key that is written is compared with what it was; a key that is new also with the existence of
 * its node. A node is made where nothing lies below its name; what foreign hands left there is
 * cleared in the same unit.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/plan_private.h"

#define LOCK	"deployment.lock"
#define PENDING "deployment.pendingprofile"

/* One node being worked out. */
struct setting {
	struct plan *plan;
	const struct db *db;
	struct job *job;
	struct unit *unit;
	struct err *err;
	uint32_t node;
	struct plan_request *request;
	bool adds; /* a key that was not there */
	bool met;  /* the pattern stands for something */
	int rc;
};

void plan_warn(struct job *job, char *text)
{
	job->warnings = xrealloc(job->warnings, job->n_warnings + 1u, sizeof(char *));
	job->warnings[job->n_warnings++] = text;
}

/* The group that a value comes from when the node has none of its own. */
static const char *falls_back_to(const struct db *db, uint32_t node, const char *name)
{
	const uint32_t *groups;
	size_t n = db_node_groups(db, node, &groups);
	struct db_value value;

	for (size_t i = 0; i < n; i++) {
		if (!*db_group_noderange(db, groups[i]) &&
			db_group_own(db, groups[i], name, &value))
			return db_group_name(db, groups[i]);
	}
	return NULL;
}

static void warn_of_clear(const struct setting *s, const char *name)
{
	struct db_value value;
	const char *group;

	if (!db_node_value(s->db, s->node, name, &value)) {
		plan_warn(s->job,
			xasprintf("Attribute \"%s\" is either already cleared, or does not match a "
				  "defined attribute (if referencing an attribute group, try a "
				  "wildcard)",
				name));
		return;
	}
	if (value.inherited) {
		plan_warn(s->job,
			xasprintf("The attribute \"%s\" is inherited from group \"%s\", leaving "
				  "the inherited value alone (use \"%s=\" with no value to "
				  "explicitly blank the value if desired)",
				name, db_group_name(s->db, value.group), name));
		return;
	}
	group = falls_back_to(s->db, s->node, name);
	if (group)
		plan_warn(s->job,
			xasprintf("The attribute \"%s\" was defined specifically for the node and "
				  "clearing now has a value inherited from the group \"%s\"",
				name, group));
}

/* The profile of a locked node stays as it is, and the lock with it. */
static int respect_lock(const struct setting *s, const char *name)
{
	const char *key;
	int64_t revision = 0;
	struct db_value lock;

	if (!text_eq(name, PENDING))
		return 0;
	if (db_node_value(s->db, s->node, LOCK, &lock) && lock.kind == DB_PLAIN &&
		text_eq(lock.text, "locked"))
		return err_set(s->err, -EINVAL,
			"Request to set deployment for a node that has locked deployment");
	key = unit_key(s->unit, NODES, s->job->object, LOCK);
	(void)db_raw(s->db, key, &revision);
	unit_compare(s->unit, PLAN_MOD, key, revision);
	return 0;
}

static int set_one(struct setting *s, const char *name)
{
	const struct plan_value *value;
	const char *key;
	struct db_value own;
	int64_t revision = 0;
	bool there;
	int rc;

	rc = plan_request_value(s->request, name, &value, s->err);
	if (rc < 0)
		return rc;
	key = unit_key(s->unit, NODES, s->job->object, name);
	there = db_raw(s->db, key, &revision);
	if (value->clear) {
		warn_of_clear(s, name);
		if (there) {
			unit_compare(s->unit, PLAN_MOD, key, revision);
			unit_delete(s->unit, key);
		}
		return 0;
	}
	rc = respect_lock(s, name);
	if (rc < 0)
		return rc;
	if (there && db_node_own(s->db, s->node, name, &own) && plan_value_same(value, &own))
		return 0;
	unit_compare(s->unit, PLAN_MOD, key, revision);
	unit_put(s->unit, key, value->raw, value->len, value->coat, NULL);
	s->adds |= !there;
	return 0;
}

static bool on_present(const char *name, const struct db_value *value, void *arg)
{
	struct setting *s = arg;
	const struct attribute *attribute;

	(void)value;
	if (!attribute_matches(s->request->name, name))
		return true;
	attribute = attribute_find(name);
	/* those have their own ways of being changed, which no pattern means */
	if (!attribute || attribute->kind == ATTRIBUTE_INTEGER || text_eq(name, LOCK))
		return true;
	s->met = true;
	s->rc = set_one(s, name);
	return s->rc == 0;
}

static int set_matching(struct setting *s)
{
	s->met = false;
	s->rc = 0;
	db_node_each(s->db, s->node, on_present, s);
	if (s->rc == 0 && !s->met && s->request->how == PLAN_CLEAR)
		warn_of_clear(s, s->request->name);
	return s->rc;
}

static int set_node(struct setting *s)
{
	bool groups = false;
	int rc = 0;

	for (size_t i = 0; i < s->plan->n_requests && rc >= 0; i++) {
		s->request = &s->plan->requests[i];
		if (!s->request->attribute) {
			rc = set_matching(s);
		} else if (s->request->attribute->kind == ATTRIBUTE_LIST) {
			rc = plan_node_groups(s->db, s->job->object, s->request, s->unit, s->err);
			groups |= rc == WORK_UNIT;
		} else {
			rc = set_one(s, s->request->name);
		}
	}
	if (rc < 0)
		return rc;
	if (s->unit->view.n_ops == 0)
		return WORK_NOTHING;
	if (s->adds && !groups)
		unit_compare(s->unit, PLAN_EXISTS,
			unit_key(s->unit, NODES, s->job->object, "groups"), 0);
	return WORK_UNIT;
}

static int make_node(struct setting *s)
{
	struct plan *plan = s->plan;
	const char *name = s->job->object;
	char number[32];
	int len, rc;

	plan_compare_none(s->db, unit_key(s->unit, NODES, name, ""), s->unit);
	rc = plan_node_groups(s->db, name, plan_find_request(plan, "groups"), s->unit, s->err);
	if (rc < 0)
		return rc;
	len = snprintf(number, sizeof(number), "%" PRId64, plan->first_number + s->job->number);
	unit_put(s->unit, unit_key(s->unit, NODES, name, "id.index"),
		unit_copy(s->unit, number, (size_t)len), (size_t)len, PLAN_CLEAR_TEXT, NULL);
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct plan_value *value;

		s->request = &plan->requests[i];
		if (s->request->attribute->kind == ATTRIBUTE_LIST)
			continue;
		rc = plan_request_value(s->request, s->request->name, &value, s->err);
		if (rc < 0)
			return rc;
		if (!value->clear)
			unit_put(s->unit, unit_key(s->unit, NODES, name, value->name), value->raw,
				value->len, value->coat, NULL);
	}
	return WORK_UNIT;
}

static int work(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	struct setting s = {.plan = plan, .db = db, .job = job, .unit = unit, .err = err};

	plan_forget_warnings(job);
	if (db_node_find(db, job->object, &s.node))
		return set_node(&s);
	if (job->number >= 0)
		return make_node(&s);
	return err_set(err, -ENOENT, "node %s does not exist any more", job->object);
}

static const struct plan_kind setting = {.done = "changed", .work = work};
static const struct plan_kind making = {.done = "created", .work = work};

/* Does what the request means depend on the node? */
static bool depends_on_node(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct plan_request *request = &plan->requests[i];

		if (!request->attribute || request->how == PLAN_PREPEND ||
			request->how == PLAN_REMOVE || text_eq(request->name, PENDING))
			return true;
	}
	return false;
}

/* Works jobs out for nothing but their errors: all of them, or the first of the new nodes and of those
 * that exist. */
static int rehearse(struct plan *plan, const struct db *db, struct err *err)
{
	bool all = depends_on_node(plan), seen[2] = {false, false};
	int rc = 0;

	for (size_t i = 0; i < plan->n_jobs && rc >= 0; i++) {
		struct job *job = &plan->jobs[i];
		bool new = job->number >= 0;
		struct unit *unit;

		if (!all && seen[new])
			continue;
		seen[new] = true;
		unit = unit_new();
		unit->view.object = job->object;
		rc = work(plan, db, job, unit, err);
		if (rc == WORK_UNIT)
			rc = unit_check(unit, err);
		plan_forget_warnings(job);
		unit_free(unit);
	}
	return rc < 0 ? plan_bad(err) : 0;
}

int plan_new_node_set(struct plan **ret, const struct db *db, const char *noderange,
	const struct plan_change *changes, size_t n, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&setting);
	struct err own;
	int rc;

	err = err ? err : &own;
	if (n == 0)
		return err_set(err, -EINVAL, "Bad Request - no request data provided");
	rc = plan_add_nodes(plan, db, noderange, err);
	if (rc < 0)
		return rc;
	if (plan->n_jobs == 0)
		return err_set(err, -EINVAL,
			"Bad Request - No action to take, noderange is empty (if trying to define "
			"group attributes, use nodegroupattrib)");
	rc = plan_add_requests(plan, changes, n, plan->jobs[0].object, err);
	if (rc < 0)
		return plan_bad(err);
	rc = rehearse(plan, db, err);
	if (rc < 0)
		return rc;
	*ret = TAKE(plan);
	return 0;
}

int plan_new_node_lock(struct plan **ret, const struct db *db, const char *noderange,
	const char *word, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&setting);
	const struct plan_value *value;
	struct plan_request *request;
	struct err own;
	int rc;

	err = err ? err : &own;
	if (!text_eq(word, "unlocked") && !text_eq(word, "locked") && !text_eq(word, "autolock")) {
		char shown[TEXT_PRINTABLE_MAX];

		return err_set(err, -EINVAL,
			"Bad Request - a deployment lock can't be \"%s\" (unlocked, locked or "
			"autolock)",
			text_printable(word, strlen(word), shown));
	}
	rc = plan_add_nodes(plan, db, noderange, err);
	if (rc < 0)
		return rc;
	if (plan->n_jobs == 0)
		return err_set(err, -EINVAL, "Bad Request - No action to take, noderange is empty");
	plan->requests = xcalloc(1, sizeof(*plan->requests));
	plan->n_requests = 1;
	request = &plan->requests[0];
	request->how = PLAN_VALUE;
	request->name = xstrdup(LOCK);
	request->value = xstrdup(word);
	request->attribute = attribute_find(LOCK);
	rc = plan_request_value(request, LOCK, &value, err);
	if (rc < 0)
		return plan_bad(err);
	*ret = TAKE(plan);
	return 0;
}

static int expand(const char *text, struct noderange_names *ret, struct err *err)
{
	if (noderange_expand(text, ret, err) < 0) {
		/* of a single name one says what is wrong with names */
		if (!strpbrk(text, " \t,-:+[]()@~=<>"))
			(void)!attribute_object_name_check(text, "node", err);
		return plan_bad(err);
	}
	if (ret->n == 0)
		return err_set(err, -EINVAL, "Bad Request - \"\" is not a valid node name");
	if (ret->n > PLAN_OBJECTS_MAX)
		return err_set(err, -EINVAL,
			"Bad Request - %zu nodes in one request, at most %zu are accepted", ret->n,
			PLAN_OBJECTS_MAX);
	return 0;
}

static void names_done(struct noderange_names *names)
{
	noderange_names_done(names);
}

/* The names to be made, checked, in natural order. */
static int add_names(struct plan *plan, const char *text, bool one, struct err *err)
{
	CLEANUP(names_done) struct noderange_names names = {NULL, 0, NULL};
	CLEANUP(freep) const char **sorted = NULL;
	char shown[TEXT_PRINTABLE_MAX];
	int rc;

	if (one) {
		if (strpbrk(text, " \t"))
			return err_set(err, -EINVAL, "Bad Request - Name \"%s\" is not supported",
				text_printable(text, strlen(text), shown));
		if (attribute_object_name_check(text, "node", err) < 0)
			return plan_bad(err);
		(void)plan_add_job(plan, text);
		return 0;
	}
	rc = expand(text, &names, err);
	if (rc < 0)
		return rc;
	sorted = xmemdup(names.at, names.n * sizeof(*sorted));
	natsort_sort(sorted, names.n);
	for (size_t i = 0; i < names.n; i++) {
		if (attribute_object_name_check(sorted[i], "node", err) < 0)
			return plan_bad(err);
		(void)plan_add_job(plan, sorted[i]);
	}
	return 0;
}

int plan_new_node_create(struct plan **ret, const struct db *db, const char *names, bool one,
	const struct plan_change *changes, size_t n, struct err *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_alloc(&making);
	struct err own;
	uint32_t node;
	int rc;

	err = err ? err : &own;
	plan->create = true;
	rc = add_names(plan, names, one, err);
	if (rc < 0)
		return rc;
	rc = plan_add_requests(plan, changes, n, plan->jobs[0].object, err);
	if (rc < 0)
		return plan_bad(err);
	for (size_t i = 0; i < plan->n_jobs; i++) {
		if (!db_node_find(db, plan->jobs[i].object, &node))
			plan->jobs[i].number = (int64_t)plan->numbers++;
	}
	rc = rehearse(plan, db, err);
	if (rc < 0)
		return rc;
	*ret = TAKE(plan);
	return 0;
}
