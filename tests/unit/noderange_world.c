#include "config.h"
#include "tests/unit/noderange_world.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange_list.h"

struct value {
	uint32_t node;
	char *name, *text;
};

struct world {
	struct noderange_list *nodes; /* behind a pointer: looking a name up may make the index */
	struct bitset all;
	uint32_t *ranks; /* NULL: to be made anew */
	struct noderange_list *groups;
	struct noderange_group *at; /* by number of the group */
	struct bitset *members;
	char **noderanges;
	struct value *values;
	size_t n_values;
};

struct world *world_new(void)
{
	struct world *world = xcalloc(1, sizeof(*world));

	world->nodes = xcalloc(1, sizeof(*world->nodes));
	world->groups = xcalloc(1, sizeof(*world->groups));
	world_add_group(world, "everything", "");
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->groups->n; i++) {
		bitset_done(&world->members[i]);
		free(world->noderanges[i]);
	}
	for (size_t i = 0; i < world->n_values; i++) {
		free(world->values[i].name);
		free(world->values[i].text);
	}
	noderange_list_done(world->nodes);
	noderange_list_done(world->groups);
	free(world->nodes);
	free(world->groups);
	bitset_done(&world->all);
	free(world->ranks);
	free(world->at);
	free(world->members);
	free(world->noderanges);
	free(world->values);
	free(world);
}

uint32_t world_add_node(struct world *world, const char *name)
{
	uint32_t node;

	if (noderange_list_add(world->nodes, name, strlen(name), &node) < 0)
		abort();
	bitset_add(&world->all, node);
	world_add_member(world, "everything", node);
	free(TAKE(world->ranks));
	return node;
}

void world_add_group(struct world *world, const char *name, const char *noderange)
{
	size_t n = world->groups->n + 1;
	uint32_t group;

	if (noderange_list_add(world->groups, name, strlen(name), &group) < 0 || group + 1 != n)
		abort();
	world->at = xrealloc(world->at, n, sizeof(*world->at));
	world->members = xrealloc(world->members, n, sizeof(*world->members));
	world->noderanges = xrealloc(world->noderanges, n, sizeof(*world->noderanges));
	world->members[group] = (struct bitset)BITSET_INIT;
	world->noderanges[group] = xstrdup(noderange);
	world->at[group] = (struct noderange_group){.created = (int64_t)group};
}

void world_add_member(struct world *world, const char *group, uint32_t node)
{
	uint32_t at;

	if (!noderange_list_find(world->groups, group, strlen(group), &at))
		abort();
	bitset_add(&world->members[at], node);
}

void world_add_value(struct world *world, uint32_t node, const char *name, const char *value)
{
	if ((world->n_values & (world->n_values - 1)) == 0)
		world->values = xrealloc(world->values, world->n_values ? 2 * world->n_values : 1,
			sizeof(*world->values));
	world->values[world->n_values++] = (struct value){node, xstrdup(name), xstrdup(value)};
}

/* ---- the fixture ---- */

static void add_groups(struct world *world, uint32_t node, char *groups)
{
	char *group;

	while (*groups && (group = strsep(&groups, ","))) {
		world_add_member(world, group, node);
		world_add_value(world, node, "groups", group);
		if (!groups)
			break;
	}
}

void world_load(struct world *world, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	uint32_t node;

	if (!file)
		abort();
	while (getline(&line, &cap, file) > 0) {
		char *rest = line, *kind, *name, *third;

		line[strcspn(line, "\n")] = '\0';
		kind = strsep(&rest, "\t");
		if (!rest)
			continue; /* a comment */
		name = strsep(&rest, "\t");
		third = strsep(&rest, "\t");
		if (strcmp(kind, "group") == 0) {
			world_add_group(world, name, third);
		} else if (strcmp(kind, "node") == 0) {
			add_groups(world, world_add_node(world, name), third);
		} else {
			if (!noderange_list_find(world->nodes, name, strlen(name), &node))
				abort();
			world_add_value(world, node, third, rest);
		}
	}
	free(line);
	(void)fclose(file);
}

/* ---- the source ---- */

static bool source_node(const void *arg, const char *name, uint32_t *ret)
{
	const struct world *world = arg;

	return noderange_list_find(world->nodes, name, strlen(name), ret);
}

static bool source_group(
	const void *arg, const char *name, struct bitset *members, const char **noderange)
{
	const struct world *world = arg;
	uint32_t group;

	if (!noderange_list_find(world->groups, name, strlen(name), &group))
		return false;
	bitset_unite(members, &world->members[group]);
	*noderange = world->noderanges[group];
	return true;
}

static const struct bitset *source_all(const void *arg)
{
	const struct world *world = arg;

	return &world->all;
}

static const char *source_name(const void *arg, uint32_t node)
{
	const struct world *world = arg;

	return noderange_list_name(world->nodes, node);
}

static const uint32_t *source_ranks(const void *arg)
{
	const struct world *world = arg;

	return world->ranks;
}

/* As the catalogue of attributes would have it. */
static int source_may_filter(const void *arg, const char *name, struct err *err)
{
	static const char *const known[] = {"console.logging", "console.method",
		"crypted.rootpassword", "groups", "id.index", "info.note", "location.rack",
		"location.room", "location.row", "location.u", "type"};

	(void)arg;
	if (text_starts(name, "secret.") || text_starts(name, "custom.nodesecret."))
		return err_set(err, -EINVAL, "Filter by secret attributes is not supported");
	if (text_starts(name, "custom.") || text_starts(name, "net.") ||
		text_starts(name, "power."))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (fnmatch(name, known[i], 0) == 0)
			return 0;
	}
	return err_set(err, -EINVAL, "%s is not a valid attribute name", name);
}

static bool source_some_value(const void *arg, uint32_t node, const char *name,
	bool (*fn)(const char *value, void *fn_arg), void *fn_arg, uint64_t *spent UNUSED)
{
	const struct world *world = arg;

	for (size_t i = 0; i < world->n_values; i++) {
		const struct value *value = &world->values[i];

		if (value->node == node && fnmatch(name, value->name, 0) == 0 &&
			!text_starts(value->name, "secret.") && fn(value->text, fn_arg))
			return true;
	}
	return false;
}

static void rank(struct world *world)
{
	size_t n = world->nodes->n;
	const char **names = xcalloc(n + 1, sizeof(*names));
	uint32_t node;

	world->ranks = xcalloc(n + 1, sizeof(*world->ranks));
	for (size_t i = 0; i < n; i++)
		names[i] = noderange_list_name(world->nodes, i);
	natsort_sort(names, n);
	for (uint32_t i = 0; i < n; i++) {
		if (!source_node(world, names[i], &node))
			abort();
		world->ranks[node] = i;
	}
	free(names);
}

struct noderange_source world_source(struct world *world)
{
	if (!world->ranks)
		rank(world);
	return (struct noderange_source){
		.node = source_node,
		.group = source_group,
		.all = source_all,
		.name = source_name,
		.ranks = source_ranks,
		.may_filter = source_may_filter,
		.some_value = source_some_value,
		.arg = world,
	};
}

size_t world_groups(struct world *world, const struct noderange_group **ret)
{
	for (size_t i = 0; i < world->groups->n; i++) {
		world->at[i].name = noderange_list_name(world->groups, i);
		world->at[i].members = &world->members[i];
	}
	*ret = world->at;
	return world->groups->n;
}
