/*
 * Where an attribute of a node comes from is found as db_value.c does it, and each key that was looked
 * at on the way is compared: the node's own; when that says nothing, its list of groups, and the
 * attribute of each group in it, be it there or not, up to the first that gives it. A group gives
 * nothing while it does not exist or has a noderange of its own, so that where it has the attribute
 * its `noderange` counts, too.
 */
#include "config.h"
#include "model/move.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "model/db_private.h"
#include "model/plan.h"

#define NODES  "nodes/"
#define GROUPS "groups/"

struct origin {
	const char *name;
	const struct db_name *used; /* NULL: no key has it */
	bool open;		    /* not found yet */
};

struct telling {
	const struct db *db;
	void (*fn)(const struct plan_compare *compare, void *arg); /* NULL: they are counted */
	void *arg;
	size_t n;
};

static void tell(
	struct telling *telling, const char *folder, const char *object, const char *attribute)
{
	char key[sizeof(GROUPS) + 2 * ATTRIBUTE_NAME_MAX + 2];
	struct plan_compare compare = {.kind = PLAN_MOD, .key = key};

	telling->n++;
	if (!telling->fn)
		return;
	snprintf(key, sizeof(key), "%s%s/%s", folder, object, attribute);
	(void)db_raw(telling->db, key, &compare.revision);
	telling->fn(&compare, telling->arg);
}

/* True: the group says where it comes from, or would if it were another kind of group. */
static bool look_at(struct telling *telling, const struct db_group *group, struct origin *origin)
{
	if (!origin->open)
		return false;
	tell(telling, GROUPS, group->object.name, origin->name);
	if (!origin->used || !db_item_find(&group->object, origin->used))
		return false;
	origin->open = !group->object.exists || group->dynamic;
	return true;
}

static void tell_all(struct telling *telling, const struct db_node *node)
{
	const struct db *db = telling->db;
	struct origin origins[] = {{MOVE_KEY_SUFFIX, db->manager_name, true},
		{MOVE_CANDIDATES_KEY_SUFFIX, db_name_find(db, MOVE_CANDIDATES_KEY_SUFFIX), true}};
	struct origin *manager = &origins[0], *candidates = &origins[1];

	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		tell(telling, NODES, node->object.name, origins[i].name);
		origins[i].open = !origins[i].used || !db_item_find(&node->object, origins[i].used);
	}
	if (manager->open || candidates->open)
		tell(telling, NODES, node->object.name, "groups");
	for (uint32_t i = 0; i < node->n_groups; i++) {
		const struct db_group *group = node->groups[i];
		bool matters;

		if ((!manager->open && !candidates->open) || telling->n > MOVE_COMPARES_MAX)
			break;
		matters = look_at(telling, group, manager);
		matters |= look_at(telling, group, candidates);
		if (matters && !group->everything)
			tell(telling, GROUPS, group->object.name, "noderange");
	}
}

int move_compares(const struct db *db, uint32_t number,
	void (*fn)(const struct plan_compare *compare, void *arg), void *arg, struct err *err)
{
	const struct db_node *node = db_node_at(db, number);
	struct telling telling = {.db = db};

	tell_all(&telling, node);
	if (telling.n > MOVE_COMPARES_MAX)
		return err_set(err, -E2BIG,
			"%s is in too many groups to be given another manager (%u; set its own "
			"%s and %s, and their number does not matter)",
			node->object.name, node->n_groups, MOVE_KEY_SUFFIX,
			MOVE_CANDIDATES_KEY_SUFFIX);
	telling = (struct telling){.db = db, .fn = fn, .arg = arg};
	tell_all(&telling, node);
	return 0;
}
