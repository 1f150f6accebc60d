/*
 * The database as a source of noderanges: its names, its groups, and filters by what nodes have.
 *
 * A filter's name is a full name or a pattern with '*'. A pattern stands for the attributes of the
 * node, own or inherited, that it matches; when it matches none, or the name is not set, the one value is
 * "". `groups` has the name of each group as a value. Hidden values never take part: naming one is
 * refused, and a pattern passes over them. What is broken is "".
 */
#include "config.h"
#include "model/noderange.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/db.h"
#include "model/db_private.h"

/* In the unit of a noderange's work: a step of an expression (DB_EVALUATION_WORK), and a name of the
 * node to be compared with a pattern. */
#define WORK_OF_A_STEP 4
#define WORK_OF_A_NAME 16

static bool find_node(const void *arg, const char *name, uint32_t *ret)
{
	return db_node_find(arg, name, ret);
}

static bool find_group(
	const void *arg, const char *name, struct bitset *members, const char **noderange)
{
	const struct db *db = arg;
	uint32_t group;

	if (!db_group_find(db, name, &group))
		return false;
	bitset_unite(members, db_group_members(db, group));
	*noderange = db_group_noderange(db, group);
	return true;
}

static const struct bitset *all_nodes(const void *arg)
{
	return db_nodes(arg);
}

static const char *name_of(const void *arg, uint32_t node)
{
	return db_node_name(arg, node);
}

static const uint32_t *ranks_of(const void *arg)
{
	return db_ranks(arg);
}

/* ---- filters ---- */

static bool is_pattern(const char *name)
{
	return strchr(name, '*') != NULL;
}

/* Does the pattern match a name of the table, or one that is in use? */
static bool matches_some(const struct db *db, const char *pattern)
{
	struct table_link *link = NULL;
	const struct attribute *row;

	for (size_t i = 0; (row = attribute_at(i)); i++) {
		if (row->on_node && attribute_matches(pattern, row->name))
			return true;
	}
	while ((link = table_each(&db->names, link))) {
		const struct db_name *name = table_entry(link, struct db_name, link);

		if (name->row->on_node && attribute_matches(pattern, name->text))
			return true;
	}
	return false;
}

static int may_filter(const void *arg, const char *name, struct err *err)
{
	const struct attribute *row = is_pattern(name) ? NULL : attribute_find(name);
	char shown[TEXT_PRINTABLE_MAX];

	if (text_starts(name, "secret.") || text_starts(name, "custom.nodesecret."))
		return err_set(err, -EINVAL, "Filter by secret attributes is not supported");
	if (text_starts(name, "custom.") || text_starts(name, "net.") ||
		text_starts(name, "power.") || (row && row->on_node) ||
		(is_pattern(name) && matches_some(arg, name)))
		return 0;
	return err_set(err, -EINVAL, "%s is not a valid attribute name",
		text_printable(name, strlen(name), shown));
}

/* One node being asked for its values. */
struct asking {
	const struct db *db;
	uint32_t node;
	const char *pattern;
	bool (*fn)(const char *value, void *fn_arg);
	void *fn_arg;
	uint64_t *spent;
	bool matched; /* the pattern stands for something here */
	bool accepted;
};

static bool ask_groups(struct asking *asking)
{
	const uint32_t *groups;
	size_t n = db_node_groups(asking->db, asking->node, &groups);
	bool accepted = false;

	for (size_t i = 0; i < n && !accepted; i++)
		accepted = asking->fn(db_group_name(asking->db, groups[i]), asking->fn_arg);
	return accepted;
}

static bool ask(struct asking *asking, const struct db_value *value)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	size_t work = 0;

	if (value->kind == DB_PLAIN)
		return asking->fn(value->text, asking->fn_arg);
	/* a hash, for may_filter lets no secret come here: it is as it is shown, which no password is */
	if (value->kind == DB_HIDDEN)
		return asking->fn("********", asking->fn_arg);
	/* broken ones leave nothing in it */
	if (value->kind == DB_EXPRESSION) {
		int rc = db_evaluate_counted(
			asking->db, asking->node, value->text, &text, &work, NULL);

		*asking->spent += work * WORK_OF_A_STEP;
		return asking->fn(rc < 0 ? "" : buf_cstr(&text), asking->fn_arg);
	}
	return asking->fn("", asking->fn_arg);
}

static bool ask_if_matching(const char *name, const struct db_value *value, void *arg)
{
	struct asking *asking = arg;

	*asking->spent += WORK_OF_A_NAME;
	if (value->kind == DB_HIDDEN || !attribute_matches(asking->pattern, name))
		return true;
	asking->matched = true;
	asking->accepted = ask(asking, value);
	return !asking->accepted;
}

static bool some_value(const void *arg, uint32_t node, const char *name,
	bool (*fn)(const char *value, void *fn_arg), void *fn_arg, uint64_t *spent)
{
	struct asking asking = {.db = arg,
		.node = node,
		.pattern = name,
		.fn = fn,
		.fn_arg = fn_arg,
		.spent = spent};
	struct db_value value;

	if (text_eq(name, "groups"))
		return ask_groups(&asking);
	if (!is_pattern(name)) {
		db_node_value(arg, node, name, &value);
		return ask(&asking, &value);
	}
	if (attribute_matches(name, "groups")) {
		asking.matched = true;
		asking.accepted = ask_groups(&asking);
	}
	if (!asking.accepted)
		db_node_each(arg, node, ask_if_matching, &asking);
	return asking.matched ? asking.accepted : fn("", fn_arg);
}

struct noderange_source db_noderange_source(const struct db *db)
{
	return (struct noderange_source){.node = find_node,
		.group = find_group,
		.all = all_nodes,
		.name = name_of,
		.ranks = ranks_of,
		.may_filter = may_filter,
		.some_value = some_value,
		.arg = db};
}

/* A group that a node of the same name hides, or that is being taken apart, can't stand for anybody. */
size_t db_noderange_groups(const struct db *db, struct noderange_group **ret)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	size_t count = db_groups_sorted(db, &sorted), n = 0;
	struct noderange_group *groups = xcalloc(count, sizeof(*groups));

	for (size_t i = 0; i < count; i++) {
		const char *name = db_group_name(db, sorted[i]);
		uint32_t node;

		if (*db_group_noderange(db, sorted[i]) || db_group_leaving(db, sorted[i]) ||
			db_node_find(db, name, &node))
			continue;
		groups[n++] = (struct noderange_group){.name = name,
			.members = db_group_members(db, sorted[i]),
			.created = db_group_created(db, sorted[i])};
	}
	*ret = groups;
	return n;
}
