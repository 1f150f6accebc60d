/*
 * Who is in which group: the list of groups of a node, changed as a whole or by one group.
 *
 * `everything` is not stored where it is last, which is where it stands by itself. Groups that are
 * listed but do not exist drop out of a list with its next change. Whoever puts a node into a group
 * compares the revision of the group's `noderange`, so that the group still exists, is not being taken
 * apart and has no noderange of its own when the node gets there.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan_private.h"

void plan_names_add(struct plan_names *names, const char *name, size_t len)
{
	if (names->n == names->cap) {
		names->cap = names->cap ? 2 * names->cap : 4;
		names->at = xrealloc(names->at, names->cap, sizeof(char *));
	}
	names->at[names->n++] = xstrndup(name, len);
}

void plan_names_done(struct plan_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct plan_names){NULL, 0, 0};
}

void plan_names_split(struct plan_names *names, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *next = list + len + (list[len] == ',');

		while (len > 0 && (*list == ' ' || *list == '\t')) {
			list++;
			len--;
		}
		while (len > 0 && (list[len - 1] == ' ' || list[len - 1] == '\t'))
			len--;
		plan_names_add(names, list, len);
		list = next;
	}
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *name_a = a, *const *name_b = b;

	return strcmp(*name_a, *name_b);
}

const char *plan_names_twice(const struct plan_names *names)
{
	CLEANUP(freep) const char **sorted = NULL;

	if (names->n < 2)
		return NULL;
	sorted = xmemdup(names->at, names->n * sizeof(*sorted));
	qsort(sorted, names->n, sizeof(*sorted), by_bytes);
	for (size_t i = 1; i < names->n; i++) {
		if (text_eq(sorted[i - 1], sorted[i]))
			return sorted[i];
	}
	return NULL;
}

int plan_group_check(const struct db *db, uint32_t group, struct err *err)
{
	const char *name = db_group_name(db, group), *leaving = db_group_leaving(db, group), *to;

	if (!leaving)
		return 0;
	if (text_eq(leaving, DB_LEAVING_DELETED))
		return err_set(err, -EBUSY,
			"group %s is being deleted: nodegroupremove %s completes that", name, name);
	to = text_after(leaving, DB_LEAVING_RENAMED);
	if (to)
		return err_set(err, -EBUSY,
			"group %s is being renamed to %s: nodegrouprename %s %s completes that",
			name, to, name, to);
	return err_set(err, -EBUSY,
		"group %s is being given a noderange: nodegroupattrib %s noderange=... completes "
		"that",
		name, name);
}

int plan_group_check_join(const struct db *db, const char *name, uint32_t *ret, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	int rc;

	if (!db_group_find(db, name, ret))
		return err_set(err, -EINVAL, "group %s does not exist",
			text_printable(name, strlen(name), shown));
	rc = plan_group_check(db, *ret, err);
	if (rc == 0 && *db_group_noderange(db, *ret))
		return err_set(err, -EINVAL,
			"group %s has a noderange, which alone says who is in it", name);
	return rc;
}

void plan_compare_group(const struct db *db, const char *name, struct unit *unit)
{
	const char *key = unit_key(unit, GROUPS, name, "noderange");
	int64_t revision = 0;

	/* it always exists, is never taken apart, and need not have the key */
	if (text_eq(name, DB_EVERYTHING))
		return;
	(void)db_raw(db, key, &revision);
	unit_compare(unit, PLAN_MOD, key, revision);
}

/* A list of group numbers being made. */
struct list_of {
	uint32_t *at;
	size_t n;
};

static bool has(const uint32_t *at, size_t n, uint32_t group)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i] == group)
			return true;
	}
	return false;
}

static void list_done(struct list_of *list)
{
	free(list->at);
}

/* Adds the request's groups, which must be fit for nodes, in front of what is there. */
static int named_groups(const struct db *db, const struct plan_request *request,
	struct list_of *list, struct err *err)
{
	for (size_t i = 0; i < request->list.n; i++) {
		int rc = plan_group_check_join(db, request->list.at[i], &list->at[list->n], err);

		if (rc < 0)
			return rc;
		list->n++;
	}
	return 0;
}

static int prepend(const struct db *db, const char *node, const struct plan_request *request,
	const uint32_t *now, size_t n_now, struct list_of *list, struct err *err)
{
	int rc = named_groups(db, request, list, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list->n; i++) {
		const char *name = db_group_name(db, list->at[i]);

		if (has(now, n_now, list->at[i]) || text_eq(name, DB_EVERYTHING))
			return err_set(err, -EINVAL, "Node %s is already in group %s", node, name);
	}
	for (size_t i = 0; i < n_now; i++)
		list->at[list->n++] = now[i];
	return 0;
}

static int take_out(const struct db *db, const char *node, const struct plan_request *request,
	const uint32_t *now, size_t n_now, struct list_of *list, struct err *err)
{
	uint32_t gone[PLAN_LIST_MAX];
	size_t n_gone = request->list.n;
	char shown[TEXT_PRINTABLE_MAX];

	for (size_t i = 0; i < n_gone; i++) {
		const char *name = request->list.at[i];

		if (!db_group_find(db, name, &gone[i]))
			return err_set(err, -EINVAL, "group %s does not exist",
				text_printable(name, strlen(name), shown));
		if (text_eq(name, DB_EVERYTHING))
			return err_set(
				err, -EINVAL, "node %s is always a member of group %s", node, name);
		if (!has(now, n_now, gone[i]))
			return err_set(
				err, -EINVAL, "node %s is not a member of group %s", node, name);
	}
	for (size_t i = 0; i < n_now; i++) {
		if (!has(gone, n_gone, now[i]))
			list->at[list->n++] = now[i];
	}
	return 0;
}

static void drop_last_everything(const struct db *db, const uint32_t *at, size_t *n)
{
	if (*n > 0 && text_eq(db_group_name(db, at[*n - 1]), DB_EVERYTHING))
		(*n)--;
}

/* Puts the list, unless it is what is there. */
static int put_list(const struct db *db, const char *name, bool new, const uint32_t *now,
	size_t n_now, struct list_of *list, struct unit *unit, struct err *err)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	const char *key = unit_key(unit, NODES, name, "groups");
	int64_t revision = 0;
	int rc = 0;

	drop_last_everything(db, list->at, &list->n);
	if (!new && list->n == n_now &&
		(n_now == 0 || memcmp(list->at, now, n_now * sizeof(*now)) == 0))
		return WORK_NOTHING;
	for (size_t i = 0; i < list->n; i++) {
		const char *group = db_group_name(db, list->at[i]);

		if (i > 0 && rc == 0)
			rc = buf_str(&text, ",");
		if (rc == 0)
			rc = buf_str(&text, group);
		if (!has(now, n_now, list->at[i]))
			plan_compare_group(db, group, unit);
	}
	if (rc < 0)
		return err_set(err, -EINVAL, "node %s would be in too many groups", name);
	if (!new) {
		(void)db_raw(db, key, &revision);
		unit_compare(unit, PLAN_MOD, key, revision);
	}
	unit_put(unit, key, unit_copy(unit, buf_cstr(&text), text.len), text.len, PLAN_CLEAR_TEXT,
		NULL);
	return WORK_UNIT;
}

/* The node's own list, `everything` left off where it is last. */
static size_t list_now(
	const struct db *db, const char *name, const uint32_t **ret, bool *ret_exists)
{
	uint32_t node;
	size_t n;

	*ret = NULL;
	*ret_exists = db_node_find(db, name, &node);
	if (!*ret_exists)
		return 0;
	n = db_node_groups(db, node, ret);
	drop_last_everything(db, *ret, &n);
	return n;
}

int plan_node_groups(const struct db *db, const char *name, const struct plan_request *request,
	struct unit *unit, struct err *err)
{
	CLEANUP(list_done) struct list_of list = {NULL, 0};
	const uint32_t *now;
	bool exists;
	size_t n_now = list_now(db, name, &now, &exists);
	int rc = 0;

	list.at = xcalloc(n_now + (request ? request->list.n : 0) + 1, sizeof(*list.at));
	if (!request || request->how == PLAN_CLEAR)
		rc = 0;
	else if (request->how == PLAN_PREPEND)
		rc = prepend(db, name, request, now, n_now, &list, err);
	else if (request->how == PLAN_REMOVE)
		rc = take_out(db, name, request, now, n_now, &list, err);
	else
		rc = named_groups(db, request, &list, err);
	if (rc < 0)
		return rc;
	return put_list(db, name, !exists, now, n_now, &list, unit, err);
}

/* Takes the group out of the list, or puts another one in its place. */
static void replace(struct list_of *list, const uint32_t *now, size_t n_now, uint32_t group,
	bool with, uint32_t other)
{
	bool there = with && has(now, n_now, other);

	for (size_t i = 0; i < n_now; i++) {
		if (now[i] != group)
			list->at[list->n++] = now[i];
		else if (with && !there)
			list->at[list->n++] = other;
	}
}

int plan_turn(
	struct plan *plan, const struct db *db, struct job *job, struct unit *unit, struct err *err)
{
	CLEANUP(list_done) struct list_of list = {NULL, 0};
	const uint32_t *now;
	uint32_t group, other = 0;
	bool exists, with = false;
	size_t n_now = list_now(db, job->object, &now, &exists);
	int rc;

	if (!exists) {
		if (job->turn == TURN_LEAVE)
			return WORK_NOTHING;
		return err_set(err, -ENOENT, "node %s does not exist any more", job->object);
	}
	if (job->turn == TURN_JOIN) {
		rc = plan_group_check_join(db, plan->group, &group, err);
		if (rc < 0)
			return rc;
	} else if (!db_group_find(db, plan->group, &group)) {
		return WORK_NOTHING;
	}
	if (has(now, n_now, group) == (job->turn == TURN_JOIN)) {
		if (!job->strict)
			return WORK_NOTHING;
		return job->turn == TURN_JOIN
			       ? err_set(err, -EINVAL, "%s is already in group %s", job->object,
					 plan->group)
			       : err_set(err, -EINVAL, "node \"%s\" is not a member of %s",
					 job->object, plan->group);
	}
	list.at = xcalloc(n_now + 1, sizeof(*list.at));
	if (job->turn == TURN_JOIN) {
		list.at[list.n++] = group;
		if (n_now)
			memcpy(list.at + 1, now, n_now * sizeof(*now));
		list.n += n_now;
	} else {
		/* a group that is renamed leaves its place to the one that it becomes */
		if (job->step && plan->to) {
			with = db_group_find(db, plan->to, &other);
			if (with && (db_group_leaving(db, other) || *db_group_noderange(db, other)))
				with = false;
		}
		replace(&list, now, n_now, group, with, other);
	}
	return put_list(db, job->object, false, now, n_now, &list, unit, err);
}

int plan_copy_groups(
	const struct db *db, const char *from, const char *to, struct unit *unit, struct err *err)
{
	CLEANUP(list_done) struct list_of list = {NULL, 0};
	const uint32_t *now;
	bool exists;
	size_t n_now = list_now(db, from, &now, &exists);

	list.at = xcalloc(n_now + 1, sizeof(*list.at));
	if (n_now)
		memcpy(list.at, now, n_now * sizeof(*now));
	list.n = n_now;
	return put_list(db, to, true, now, n_now, &list, unit, err);
}
