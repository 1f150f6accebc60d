/*
 * Feeding: a raw key is taken apart, its value looked at, and what it says becomes an item of a node or
 * group. What can't be used becomes an odd key (db_odd.c) with a text that says why; a value that may
 * be a secret is never quoted.
 */
#include "config.h"
#include "model/db.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/db_private.h"
#include "model/expression.h"

#define NODES  "nodes/"
#define GROUPS "groups/"
/* Stands for a noderange that can't be used: the group stays dynamic, and using it fails. */
#define UNUSABLE_NODERANGE "#"
#define SEALED		   "sealed:1:"

struct db *db_new(uint64_t seed)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->key = (struct hash_key){seed, seed ^ 0x9e3779b97f4a7c15u};
	db->order = xcalloc(1, sizeof(*db->order));
	db->managed = xcalloc(1, sizeof(*db->managed));
	db->comings = 1;
	db->groups_name = db_name_use(db, "groups");
	db->noderange_name = db_name_use(db, "noderange");
	db->manager_name = db_name_use(db, "collective.manager");
	db->everything = db_group_get(db, DB_EVERYTHING, strlen(DB_EVERYTHING));
	db_group_define(db, db->everything, "");
	db->everything->everything = true;
	return db;
}

/* Names and texts are freed as a whole, not use by use. */
static void free_nodes(struct db *db)
{
	struct table_link *link = table_each(&db->nodes_by_name, NULL);

	while (link) {
		struct db_node *node = table_entry(link, struct db_node, object.link);

		link = table_each(&db->nodes_by_name, link);
		free(node->object.items);
		free(node->object.name);
		free(node->groups);
		free(node->numbers);
		free(node);
	}
	table_done(&db->nodes_by_name);
}

static void free_groups(struct db *db)
{
	struct table_link *link = table_each(&db->groups_by_name, NULL);

	while (link) {
		struct db_group *group = table_entry(link, struct db_group, object.link);

		link = table_each(&db->groups_by_name, link);
		free(group->object.items);
		free(group->object.name);
		bitset_done(&group->members);
		free(group);
	}
	table_done(&db->groups_by_name);
}

static void free_words(struct db *db)
{
	struct table_link *link = table_each(&db->names, NULL);

	while (link) {
		struct db_name *name = table_entry(link, struct db_name, link);

		link = table_each(&db->names, link);
		free(name);
	}
	link = table_each(&db->texts, NULL);
	while (link) {
		struct db_text *text = table_entry(link, struct db_text, link);

		link = table_each(&db->texts, link);
		free(text);
	}
	table_done(&db->names);
	table_done(&db->texts);
}

static void free_odd(struct db *db)
{
	struct table_link *link = table_each(&db->odd, NULL);

	while (link) {
		struct db_odd *odd = table_entry(link, struct db_odd, link);

		link = table_each(&db->odd, link);
		db_odd_drop(db, odd);
	}
	table_done(&db->odd);
	table_done(&db->odd_by_object);
}

void db_free(struct db *db)
{
	if (!db)
		return;
	free_nodes(db);
	free_groups(db);
	free_odd(db);
	free_words(db);
	free(db->nodes.at);
	free(db->nodes.unused);
	free(db->groups.at);
	free(db->groups.unused);
	bitset_done(&db->all);
	db_order_free(db->order);
	db_managed_free(db->managed);
	free(db);
}

bool db_is_ours(const char *key, size_t key_len)
{
	return (key_len >= strlen(NODES) && memcmp(key, NODES, strlen(NODES)) == 0) ||
	       (key_len >= strlen(GROUPS) && memcmp(key, GROUPS, strlen(GROUPS)) == 0);
}

void db_set_revision(struct db *db, int64_t revision)
{
	db->revision = revision;
}

int64_t db_revision(const struct db *db)
{
	return db->revision;
}

/* ---- keys ---- */

/* A key, taken apart. */
struct place {
	bool of_group;
	char object[ATTRIBUTE_NAME_MAX + 1];
	size_t object_len;
	char attribute[ATTRIBUTE_NAME_MAX + 1];
};

/* False: part of the key does not fit, or holds a NUL. */
static bool copy_part(char dst[ATTRIBUTE_NAME_MAX + 1], const char *part, size_t len)
{
	if (len == 0 || len > ATTRIBUTE_NAME_MAX || memchr(part, '\0', len))
		return false;
	memcpy(dst, part, len);
	dst[len] = '\0';
	return true;
}

static int take_apart(struct place *place, const char *key, size_t len, struct err *why)
{
	const char *kind, *object, *slash;

	if (!db_is_ours(key, len))
		return err_set(why, -EINVAL, "it is no key of a node or group");
	place->of_group = *key == 'g';
	kind = place->of_group ? "group" : "node";
	object = key + strlen(place->of_group ? GROUPS : NODES);
	len -= (size_t)(object - key);
	slash = memchr(object, '/', len);
	place->object_len = slash ? (size_t)(slash - object) : 0;
	if (!slash || !copy_part(place->object, object, place->object_len) ||
		!copy_part(place->attribute, slash + 1, len - place->object_len - 1))
		return err_set(why, -EINVAL,
			"it is not %ss/NAME/ATTRIBUTE with names of 1 to %d characters", kind,
			ATTRIBUTE_NAME_MAX);
	return attribute_object_name_check(place->object, kind, why);
}

/* *ret is a new use. */
static int use_name(struct db *db, const struct place *place, struct db_name **ret, struct err *why)
{
	struct db_name *name = db_name_use(db, place->attribute);
	char shown[TEXT_PRINTABLE_MAX];

	if (!name)
		return err_set(why, -EINVAL,
			"there is no attribute %s (nodeattributes(5) lists them; any name that "
			"begins with custom. may be used)",
			text_printable(place->attribute, strlen(place->attribute), shown));
	if (place->of_group ? !name->row->on_group
			    : !name->row->on_node || name->row->kind == ATTRIBUTE_NODERANGE) {
		db_name_drop(db, name);
		return err_set(why, -EINVAL, "a %s has no attribute %s",
			place->of_group ? "group" : "node", place->attribute);
	}
	/* membership is kept with the nodes alone */
	if (place->of_group && name->row->kind == ATTRIBUTE_LIST) {
		db_name_drop(db, name);
		return err_set(why, -EINVAL,
			"who belongs to a group is said by the nodes, in their attribute groups");
	}
	*ret = name;
	return 0;
}

/* ---- values ---- */

static bool is_hash(const char *value, size_t len)
{
	return (len > 1 && *value == '$') ||
	       (len > strlen("grub.pbkdf2.") && text_starts(value, "grub.pbkdf2."));
}

static int check_hidden(const struct attribute *row, const char *value, size_t len, struct err *why)
{
	if (len > DB_HIDDEN_MAX)
		return err_set(why, -EINVAL, "a value of %zu bytes is too long (at most %zu)", len,
			DB_HIDDEN_MAX);
	if (len == 0) /* hides what a group would say */
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (value[i] <= ' ' || value[i] > '~')
			return err_set(why, -EINVAL,
				"the value is not one that a member wrote, and is not used");
	}
	if (row->kind == ATTRIBUTE_HASH && !is_hash(value, len))
		return err_set(why, -EINVAL,
			"the value is not a hash, and is not used (set it with nodeattrib, which "
			"hashes it, and choose another: this one may have been read in etcd)");
	if (row->kind == ATTRIBUTE_SECRET && (len == strlen(SEALED) || !text_starts(value, SEALED)))
		return err_set(why, -EINVAL,
			"the value is not sealed, and is not used (set it with nodeattrib, which "
			"seals it, and choose another: this one may have been read in etcd)");
	return 0;
}

static int check_plain(const struct attribute *row, const char *value, size_t len, struct err *why)
{
	int rc = attribute_check_text(value, len, why);

	if (rc < 0)
		return rc;
	if (row->kind == ATTRIBUTE_BOOLEAN && !text_eq(value, "true") && !text_eq(value, "false"))
		return err_set(why, -EINVAL, "the value is neither true nor false");
	if (row->kind == ATTRIBUTE_INTEGER &&
		(len == 0 || len > 18 || strspn(value, "0123456789") < len))
		return err_set(why, -EINVAL, "the value is no number");
	return 0;
}

/* A value on its way into an item. */
struct given {
	const char *text; /* NUL-terminated */
	size_t len;
	enum db_value_kind kind;
	struct buf plain; /* with its braces halved, where text is that */
};

static void given_done(struct given *given)
{
	buf_done(&given->plain);
}

static int look_at_braces(struct given *given, struct err *why)
{
	int rc;

	switch (expression_classify(given->text, given->len, NULL)) {
	case EXPRESSION_FIELDS:
		given->kind = DB_EXPRESSION;
		return 0;
	case EXPRESSION_INVALID:
		given->kind = DB_BROKEN;
		return 0;
	case EXPRESSION_PLAIN:
		break;
	}
	rc = expression_unescape(given->text, given->len, &given->plain);
	if (rc < 0)
		return err_errno(why, rc, "the value can't be read");
	given->text = buf_cstr(&given->plain);
	given->len = given->plain.len;
	return 0;
}

static int look_at(struct given *given, const struct attribute *row, struct err *why)
{
	int rc;

	if (attribute_hidden(row)) {
		given->kind = DB_HIDDEN;
		return check_hidden(row, given->text, given->len, why);
	}
	given->kind = DB_PLAIN;
	rc = check_plain(row, given->text, given->len, why);
	if (rc == 0 && row->expression && strpbrk(given->text, "{}"))
		rc = look_at_braces(given, why);
	return rc;
}

/* ---- changes ---- */

/* An item came, changed or went: value NULL. *why (new text) when not all of it can be used. */
static void node_changed(struct db *db, struct db_node *node, const struct db_name *name,
	const char *value, char **why)
{
	if (name == db->groups_name)
		db_node_join(db, node, value, why);
	else
		db_managed_node(db, node, name);
}

static void group_changed(struct db *db, struct db_group *group, const struct db_name *name,
	const char *value, char **why)
{
	if (name != db->noderange_name) {
		db_managed_group(db, group, name);
		return;
	}
	db_group_define(db, group, value);
	if (!value)
		return;
	if (group->everything && *value)
		*why = xasprintf("every node belongs to the group %s, its noderange does not count",
			DB_EVERYTHING);
	else if (!group->object.exists)
		*why = xasprintf("there are more than %u groups", DB_OBJECTS_MAX);
}

static void remove_item(struct db *db, const struct place *place)
{
	struct db_name *name = db_name_find(db, place->attribute);
	struct db_group *group;
	struct db_node *node;
	struct db_item *item;

	if (!name)
		return;
	name->refs++; /* outlives the item */
	if (place->of_group) {
		group = db_group_by_name(db, place->object, place->object_len);
		item = group ? db_item_find(&group->object, name) : NULL;
		if (item) {
			db_item_remove(db, &group->object, item);
			group_changed(db, group, name, NULL, NULL);
			db_group_settle(db, group);
		}
	} else {
		node = db_node_by_name(db, place->object, place->object_len);
		item = node ? db_item_find(&node->object, name) : NULL;
		if (item) {
			db_item_remove(db, &node->object, item);
			node_changed(db, node, name, NULL, NULL);
			db_node_settle(db, node);
		}
	}
	db_name_drop(db, name);
}

/* Takes the use of name. */
static char *store_item(struct db *db, const struct place *place, struct db_name *name,
	const struct given *given, int64_t mod_revision)
{
	struct db_group *group = NULL;
	struct db_node *node = NULL;
	struct db_item *item;
	char *why = NULL;

	if (place->of_group) {
		group = db_group_get(db, place->object, place->object_len);
		item = db_item_add(db, &group->object, name);
	} else {
		node = db_node_get(db, place->object, place->object_len);
		item = db_item_add(db, &node->object, name);
	}
	if (item->name) {
		db_name_drop(db, name);
		db_text_drop(db, item->text);
	}
	*item = (struct db_item){.name = name,
		.text = db_text_use(db, given->text, given->len),
		.mod_revision = mod_revision,
		.kind = given->kind};
	if (group)
		group_changed(db, group, name, given->text, &why);
	else
		node_changed(db, node, name, given->text, &why);
	return why;
}

/* Remembers the key as odd, and tells err. Takes why. */
static int is_odd(struct db *db, const char *key, size_t len, int64_t mod_revision, bool has_item,
	char *why, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];

	err_set(err, -EINVAL, "%s: %s", text_printable(key, len, shown), why);
	db_odd_set(db, key, len, mod_revision, has_item, why);
	return -EINVAL;
}

int db_put(struct db *db, const char *key, size_t key_len, const char *value, size_t value_len,
	int64_t mod_revision, struct err *err)
{
	CLEANUP(freep) char *copy = xmalloc(value_len + 1);
	CLEANUP(given_done)
	struct given given = {.text = copy, .len = value_len, .plain = BUF_INIT(DB_TEXT_MAX)};
	struct db_odd *odd = db_odd_find(db, key, key_len);
	struct db_name *name = NULL;
	struct err reason;
	struct place place;
	char *why;

	if (value_len > 0)
		memcpy(copy, value, value_len);
	copy[value_len] = '\0';
	if (odd)
		db_odd_drop(db, odd);
	if (take_apart(&place, key, key_len, &reason) < 0 ||
		use_name(db, &place, &name, &reason) < 0)
		return is_odd(db, key, key_len, mod_revision, false, xstrdup(reason.text), err);
	if (look_at(&given, name->row, &reason) == 0) {
		why = store_item(db, &place, name, &given, mod_revision);
		return why ? is_odd(db, key, key_len, mod_revision, true, why, err) : 0;
	}
	if (name != db->groups_name && name != db->noderange_name) {
		db_name_drop(db, name);
		remove_item(db, &place);
		return is_odd(db, key, key_len, mod_revision, false, xstrdup(reason.text), err);
	}
	/* the node or group exists all the same */
	given.text = place.of_group ? UNUSABLE_NODERANGE : "";
	given.len = strlen(given.text);
	free(store_item(db, &place, name, &given, mod_revision));
	return is_odd(db, key, key_len, mod_revision, true, xstrdup(reason.text), err);
}

void db_delete(struct db *db, const char *key, size_t key_len)
{
	struct db_odd *odd = db_odd_find(db, key, key_len);
	struct place place;

	if (odd)
		db_odd_drop(db, odd);
	if (take_apart(&place, key, key_len, NULL) == 0)
		remove_item(db, &place);
}

bool db_raw(const struct db *db, const char *key, int64_t *mod_revision)
{
	size_t len = strlen(key);
	const struct db_odd *odd = db_odd_find(db, key, len);
	const struct db_object *object = NULL;
	const struct db_name *name;
	const struct db_item *item;
	const struct db_group *group;
	const struct db_node *node;
	struct place place;

	*mod_revision = odd ? odd->mod_revision : 0;
	if (odd)
		return true;
	if (take_apart(&place, key, len, NULL) < 0)
		return false;
	name = db_name_find(db, place.attribute);
	if (place.of_group) {
		group = db_group_by_name(db, place.object, place.object_len);
		object = group ? &group->object : NULL;
	} else {
		node = db_node_by_name(db, place.object, place.object_len);
		object = node ? &node->object : NULL;
	}
	item = name && object ? db_item_find(object, name) : NULL;
	*mod_revision = item ? item->mod_revision : 0;
	return item != NULL;
}
