/*
 * A backup held against itself and the database, some hundred objects at a time: the groups, the nodes,
 * the numbers, and last what the database has besides.
 *
 * Between two calls the database may change. What a plan does looks again; what is told here is for
 * people, before anything is written.
 */
#include "config.h"
#include "model/backup.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/backup_private.h"
#include "model/db.h"

#define LOOKS_MAX 256
#define INDEX	  "id.index"

static bool any_value(const char *name, const struct db_value *value, void *arg)
{
	(void)name;
	(void)value;
	*(bool *)arg = true;
	return false;
}

int backup_check_mode(enum backup_mode mode, const struct db *db, struct err *err)
{
	CLEANUP(freep) uint32_t *groups = NULL;
	size_t nodes = db_node_count(db), n = db_groups_sorted(db, &groups), others = n;
	bool attributes = false;

	if (mode != BACKUP_INTO_EMPTY)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!text_eq(db_group_name(db, groups[i]), DB_EVERYTHING))
			continue;
		others--;
		db_group_each(db, groups[i], any_value, &attributes);
	}
	if (nodes == 0 && others == 0 && !attributes)
		return 0;
	return err_set(err, -EEXIST,
		"the collective has %zu node%s and %zu group%s%s already: restore with --merge "
		"(what has a name of the backup becomes what that says, all else stays) or with "
		"--replace (what has no name of the backup is deleted)",
		nodes, nodes == 1 ? "" : "s", others, others == 1 ? "" : "s",
		attributes && nodes + others == 0 ? ", and attributes of the group " DB_EVERYTHING
						    ","
						  : "");
}

/* ---- how many keys ---- */

struct stale {
	const struct backup_object *object;
	size_t prefix_len;
	size_t n;
};

static void count_stale(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	struct stale *stale = arg;
	const char *name = key + stale->prefix_len;

	(void)len;
	(void)revision;
	(void)usable;
	if (!text_eq(name, "groups") && !text_eq(name, "noderange") && !text_eq(name, INDEX) &&
		!backup_find_value(stale->object, name))
		stale->n++;
}

/* What is there already and not in the backup has to go in the same transaction. */
static void check_size(
	struct backup *backup, const struct db *db, const struct backup_object *object, bool node)
{
	CLEANUP(freep) char *prefix = xasprintf("%s%s/", node ? NODES : GROUPS, object->name);
	struct stale stale = {.object = object, .prefix_len = strlen(prefix)};
	CLEANUP(freep) char *text = NULL;
	size_t bytes = 0;

	for (size_t i = 0; i < object->n; i++)
		bytes += object->values[i].len + (object->values[i].coat == PLAN_CLEAR_TEXT
								 ? 0
								 : object->values[i].len / 2 + 256);
	db_each_key(db, prefix, count_stale, &stale);
	if (object->n + stale.n > BACKUP_KEYS_MAX)
		text = xasprintf("%zu attributes, %zu of them to be deleted here, are more "
				 "than the %d that can be restored at once",
			object->n + stale.n, stale.n, BACKUP_KEYS_MAX);
	else if (bytes > PLAN_UNIT_BYTES_MAX - ((size_t)100 << 10))
		text = xasprintf("%zu bytes are more than can be restored at once", bytes);
	if (text)
		backup_blame(backup, node, object->name, text);
}

/* ---- groups ---- */

/* A group that is to be dynamic must have no nodes; those that the backup has leave it first. */
static void check_members(struct backup *backup, const struct db *db,
	const struct backup_object *object, uint32_t group)
{
	const struct bitset *members = db_group_members(db, group);
	uint32_t node;

	if (backup->mode == BACKUP_REPLACE)
		return;
	bitset_foreach(node, members)
	{
		const char *name = db_node_name(db, node);
		CLEANUP(freep) char *text = NULL;

		if (backup_find(&backup->nodes, name))
			continue;
		text = xasprintf("it has a noderange in the backup, and here nodes that are not in "
				 "the backup, such as %s",
			name);
		backup_blame(backup, false, object->name, text);
		return;
	}
}

static void check_group(struct backup *backup, const struct db *db, size_t i)
{
	const struct backup_object *object = &backup->groups.at[i];
	struct err err = {""};
	uint32_t group;

	check_size(backup, db, object, false);
	if (!db_group_find(db, object->name, &group))
		return;
	if (plan_group_check(db, group, &err) < 0)
		backup_blame(backup, false, object->name, err.text);
	else if (object->dynamic)
		check_members(backup, db, object, group);
}

/* ---- nodes ---- */

static int check_join(
	const struct backup *backup, const struct db *db, const char *name, struct err *err)
{
	const struct backup_object *group = backup_find(&backup->groups, name);
	uint32_t number;

	if (text_eq(name, DB_EVERYTHING) || (group && !group->dynamic))
		return 0;
	if (group)
		return err_set(err, -EINVAL,
			"it is said to be in group %s, which has a noderange that alone says who "
			"is "
			"in it",
			name);
	if (backup->mode == BACKUP_MERGE && db_group_find(db, name, &number))
		return plan_group_check_join(db, name, &number, err);
	return err_set(err, -EINVAL, "there is no group %s%s", name,
		backup->mode == BACKUP_MERGE ? " in the backup, nor here" : " in the backup");
}

static void check_node(struct backup *backup, const struct db *db, size_t i)
{
	const struct backup_object *object = &backup->nodes.at[i];
	const char *twice = plan_names_twice(&object->groups);

	check_size(backup, db, object, true);
	for (size_t j = 0; j < object->groups.n; j++) {
		struct err err = {""};

		if (check_join(backup, db, object->groups.at[j], &err) < 0)
			backup_blame(backup, true, object->name, err.text);
	}
	if (twice) {
		CLEANUP(freep) char *text = xasprintf("it is in group %s twice", twice);

		backup_blame(backup, true, object->name, text);
	}
	if (object->index > 0)
		backup->numbers[backup->n_numbers++] =
			(struct backup_number){.number = object->index, .node = i};
}

/* ---- numbers ---- */

static int compare_numbers(const void *a, const void *b)
{
	const struct backup_number *number_a = a, *number_b = b;

	return number_a->number < number_b->number   ? -1
	       : number_a->number > number_b->number ? 1
						     : 0;
}

static void check_numbers(struct backup *backup)
{
	const struct backup_number *numbers = backup->numbers;

	qsort(backup->numbers, backup->n_numbers, sizeof(*numbers), compare_numbers);
	for (size_t i = 1; i < backup->n_numbers; i++) {
		CLEANUP(freep) char *text = NULL;

		if (numbers[i - 1].number != numbers[i].number)
			continue;
		text = xasprintf("its " INDEX " %lld is that of %s, too",
			(long long)numbers[i].number, backup->nodes.at[numbers[i - 1].node].name);
		backup_blame(backup, true, backup->nodes.at[numbers[i].node].name, text);
	}
}

/* Whose number in the backup that is; NULL: nobody's. */
static struct backup_object *owner(const struct backup *backup, int64_t number)
{
	size_t low = 0, high = backup->n_numbers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (backup->numbers[middle].number == number)
			return &backup->nodes.at[backup->numbers[middle].node];
		if (number < backup->numbers[middle].number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* A node of the database and the number it has. */
static void check_other(struct backup *backup, const struct db *db, uint32_t node)
{
	const char *name = db_node_name(db, node);
	struct backup_object *object = backup_find(&backup->nodes, name), *other = NULL;
	struct db_value value;
	int64_t number;

	if (!object && backup->mode == BACKUP_REPLACE) {
		plan_names_add(&backup->gone_nodes, name, strlen(name));
		return;
	}
	if (db_node_own(db, node, INDEX, &value) && num_i64(value.text, &number) == 0)
		other = owner(backup, number);
	if (!other)
		return;
	/* one that keeps its number takes it from the backup's; one without any takes none */
	if (!object)
		other->renumber = true;
	else if (object->index == 0)
		object->renumber = true;
}

static void give_numbers(struct backup *backup)
{
	for (size_t i = 0; i < backup->nodes.n; i++) {
		struct backup_object *object = &backup->nodes.at[i];

		if (object->index == 0 || object->renumber)
			object->fresh = (int64_t)backup->n_fresh++;
	}
}

static void find_gone_groups(struct backup *backup, const struct db *db)
{
	CLEANUP(freep) uint32_t *groups = NULL;
	size_t n = db_groups_sorted(db, &groups);

	for (size_t i = 0; i < n && backup->mode == BACKUP_REPLACE; i++) {
		const char *name = db_group_name(db, groups[i]);

		if (!text_eq(name, DB_EVERYTHING) && !backup_find(&backup->groups, name))
			plan_names_add(&backup->gone_groups, name, strlen(name));
	}
}

static bool check_others(struct backup *backup, const struct db *db)
{
	uint32_t node;

	if (backup->seen != db) {
		backup->seen = db;
		backup->at = 0;
		plan_names_done(&backup->gone_nodes);
	}
	for (unsigned i = 0; i < LOOKS_MAX; i++) {
		if (!bitset_next(db_nodes(db), (uint32_t)backup->at, &node)) {
			find_gone_groups(backup, db);
			give_numbers(backup);
			backup->phase = BACKUP_CHECKED;
			return false;
		}
		check_other(backup, db, node);
		backup->at = (size_t)node + 1;
	}
	return true;
}

/* ---- all of it ---- */

static void check_some(struct backup *backup, const struct db *db,
	const struct backup_objects *objects,
	void (*check)(struct backup *backup, const struct db *db, size_t i))
{
	for (unsigned i = 0; i < LOOKS_MAX && backup->at < objects->n; i++)
		check(backup, db, backup->at++);
	if (backup->at == objects->n) {
		backup->phase++;
		backup->at = 0;
	}
}

bool backup_check(struct backup *backup, const struct db *db)
{
	switch (backup->phase) {
	case BACKUP_FILLING:
		backup_end_object(backup);
		free(TAKE(backup->about));
		backup->numbers = xcalloc(backup->nodes.n + 1, sizeof(*backup->numbers));
		backup->phase = BACKUP_GROUPS;
		return true;
	case BACKUP_GROUPS:
		check_some(backup, db, &backup->groups, check_group);
		return true;
	case BACKUP_NODES:
		check_some(backup, db, &backup->nodes, check_node);
		return true;
	case BACKUP_NUMBERS:
		check_numbers(backup);
		backup->phase = BACKUP_OTHERS;
		return true;
	case BACKUP_OTHERS:
		return check_others(backup, db);
	case BACKUP_CHECKED:
		break;
	}
	return false;
}
