/*
 * Random changes, checked against a model that keeps keys as texts and works out everything from
 * them each time; and the same keys in another order, which must read the same.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/db.h"
#include "model/natsort.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"

#define STEPS 200

static const char *const nodes[] = {"n1", "n2", "n3", "n10", "N1", "x-1"};
static const char *const groups[] = {"g1", "g2", "g10", "everything"};
static const char *const attributes[] = {
	"custom.a", "custom.b", "collective.manager", "secret.ipmikg", "nosuch", "id.index"};
static const char *const values[] = {"", "va", "va", "vb", "m1", "{node}", "{custom.a}",
	"x{custom.b}y", "{custom.a", "{{b}}", "\x01", "{collective.manager}", "sealed:1:00:AA",
	"{secret.ipmikg}-", "7"};
static const char *const lists[] = {"", "g1", "g1,g2", "g2,g1", "g10,everything,g1", "g1,,g1 ,g2",
	"nosuch,g1", "bad#,g2", "everything", "\x02"};
static const char *const noderanges[] = {
	"", "", "", "n1", DB_LEAVING_DELETED, DB_LEAVING_RENAMED "g2", "\x03"};
static const char *const managers[] = {"", "va", "vb", "m1", "n1", "n10", "x-1", "xvay", "xvby",
	"xy", "{b}", "7", "-", "xm1y", "xx-1y"};

/* ---- the model ---- */

#define KEYS_MAX 100

struct model {
	struct {
		char key[64];
		const char *value; /* NULL: there is no such key */
		int64_t revision;
	} at[KEYS_MAX];
	size_t n;
};

static void model_add(struct model *m, const char *folder, const char *object, const char *name)
{
	ck_assert_uint_lt(m->n, KEYS_MAX);
	snprintf(m->at[m->n++].key, sizeof(m->at[0].key), "%s/%s/%s", folder, object, name);
}

static void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		model_add(m, "nodes", nodes[i], "groups");
		for (size_t a = 0; a < ARRAY_SIZE(attributes); a++)
			model_add(m, "nodes", nodes[i], attributes[a]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		model_add(m, "groups", groups[i], "noderange");
		for (size_t a = 0; a < ARRAY_SIZE(attributes); a++)
			model_add(m, "groups", groups[i], attributes[a]);
	}
}

static const char *model_get(
	const struct model *m, const char *folder, const char *object, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "%s/%s/%s", folder, object, name);
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->at[i].key, key) == 0)
			return m->at[i].value;
	}
	return NULL;
}

static bool is_everything(const char *group)
{
	return strcmp(group, "everything") == 0;
}

static bool group_there(const struct model *m, const char *group)
{
	return is_everything(group) || model_get(m, "groups", group, "noderange");
}

static bool group_dynamic(const struct model *m, const char *group)
{
	const char *noderange = model_get(m, "groups", group, "noderange");

	return !is_everything(group) && *noderange &&
	       strncmp(noderange, DB_LEAVING, strlen(DB_LEAVING)) != 0;
}

/* The groups of a list that exist, each once. */
static size_t model_groups(const struct model *m, const char *node, const char *ret[8])
{
	const char *list = model_get(m, "nodes", node, "groups");
	size_t n = 0;

	for (const char *at = list; *at;) {
		char word[32];
		size_t len = strcspn(at, ", ");

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		at += len;
		at += strspn(at, ", ");
		for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
			bool seen = strcmp(groups[g], word) != 0 || !group_there(m, word);

			for (size_t i = 0; i < n; i++)
				seen |= strcmp(ret[i], word) == 0;
			if (!seen)
				ret[n++] = groups[g];
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (is_everything(ret[i]))
			return n;
	}
	ret[n++] = "everything";
	return n;
}

static bool usable(const char *object, bool of_group, const char *name, const char *value)
{
	(void)object;
	if (!value || strcmp(name, "nosuch") == 0)
		return false;
	if (strcmp(name, "id.index") == 0)
		return !of_group && strcmp(value, "7") == 0;
	if (strcmp(name, "secret.ipmikg") == 0)
		return !*value || strncmp(value, "sealed", 6) == 0;
	return strcmp(value, "\x01") != 0;
}

/* NULL: unset. */
static const char *effective(
	const struct model *m, const char *node, const char *name, const char **from)
{
	const char *value = model_get(m, "nodes", node, name);
	const char *list[8];
	size_t n;

	*from = NULL;
	if (usable(node, false, name, value))
		return value;
	n = model_groups(m, node, list);
	for (size_t i = 0; i < n; i++) {
		value = model_get(m, "groups", list[i], name);
		if (!group_dynamic(m, list[i]) && usable(list[i], true, name, value)) {
			*from = list[i];
			return value;
		}
	}
	return NULL;
}

static int substitute(const struct model *m, const char *node, const char *text, unsigned depth,
	char *out, size_t room);

/* Appends what a reference stands for. -1: a circle. */
static int refer(const struct model *m, const char *node, const char *name, unsigned depth,
	char *out, size_t room)
{
	const char *from, *value = effective(m, node, name, &from);
	char text[256] = "";
	int rc;

	if (depth > 8)
		return -1;
	if (!value || strcmp(name, "secret.ipmikg") == 0)
		return 0;
	rc = substitute(m, node, value, depth + 1, text, sizeof(text));
	if (rc == 0)
		strncat(out, text, room - strlen(out) - 1);
	return rc == -1 ? -1 : 0;
}

/* 0, -1: a circle, -2: broken. */
static int substitute(const struct model *m, const char *node, const char *text, unsigned depth,
	char *out, size_t room)
{
	for (const char *at = text; *at; at++) {
		char name[64];
		size_t len = strlen(out);

		if ((*at == '{' || *at == '}') && at[1] == *at) {
			at++;
		} else if (*at == '{') {
			size_t name_len = strcspn(at, "}");

			if (!at[name_len])
				return -2;
			snprintf(name, sizeof(name), "%.*s", (int)name_len - 1, at + 1);
			at += name_len;
			if (strcmp(name, "node") == 0)
				strncat(out, node, room - len - 1);
			else if (refer(m, node, name, depth, out, room) < 0)
				return -1;
			continue;
		}
		snprintf(out + len, room - len, "%c", *at);
	}
	return 0;
}

/* ---- comparing ---- */

/* Check notes each of its assertions in a file, which would take most of the time here. */
#define same_msg(holds, ...)                                                                       \
	do {                                                                                       \
		if (!(holds))                                                                      \
			ck_abort_msg(__VA_ARGS__);                                                 \
	} while (0)
#define same(holds) same_msg(holds, "not so: %s", #holds)

static void check_value(
	const struct model *m, const struct db *db, const char *node, const char *name)
{
	const char *from, *value = effective(m, node, name, &from);
	char expected[256] = "";
	struct db_value got;
	uint32_t number;

	same(db_node_find(db, node, &number));
	same_msg(db_node_value(db, number, name, &got) == (value != NULL), "%s %s", node, name);
	if (!value)
		return;
	same(got.inherited == (from != NULL));
	if (from)
		same(strcmp(db_group_name(db, got.group), from) == 0);
	if (strcmp(name, "secret.ipmikg") == 0) {
		same(got.kind == DB_HIDDEN);
		same(strcmp(got.text, value) == 0);
	} else if (substitute(m, node, value, 0, expected, sizeof(expected)) < 0) {
		same_msg(strncmp(text_of(db, node, name), "(broken", 7) == 0, "%s %s: %s", node,
			name, value);
	} else {
		same(strcmp(text_of(db, node, name), expected) == 0);
	}
}

static void check_managers(const struct model *m, const struct db *db)
{
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++) {
		const struct bitset *set = db_managed_by(db, managers[i]);
		size_t count = 0;

		for (size_t n = 0; n < ARRAY_SIZE(nodes); n++) {
			const char *from, *value;
			char text[256] = "";
			uint32_t number;

			if (!db_node_find(db, nodes[n], &number))
				continue;
			value = effective(m, nodes[n], "collective.manager", &from);
			if (value && substitute(m, nodes[n], value, 0, text, sizeof(text)) < 0)
				text[0] = '\0';
			same_msg(bitset_has(set, number) == (strcmp(text, managers[i]) == 0),
				"%s managed by '%s', not by '%s'", nodes[n], text, managers[i]);
			count += bitset_has(set, number);
		}
		same(bitset_count(set) == count);
	}
}

static bool key_is_odd(const struct model *m, size_t i)
{
	const char *key = m->at[i].key, *value = m->at[i].value, *name = strrchr(key, '/') + 1;
	bool of_group = *key == 'g';
	char object[32];
	size_t skip = of_group ? strlen("groups/") : strlen("nodes/");

	snprintf(object, sizeof(object), "%.*s", (int)(name - 1 - (key + skip)), key + skip);
	if (strcmp(name, "groups") == 0)
		return strchr(value, '#') || *value == '\x02';
	if (strcmp(name, "noderange") == 0)
		return *value == '\x03' || (is_everything(object) && *value);
	if (!usable(object, of_group, name, value))
		return true;
	return of_group ? !group_there(m, object) : !model_get(m, "nodes", object, "groups");
}

static void check_keys(const struct model *m, const struct db *db)
{
	size_t keys = 0, odd = 0;
	int64_t revision;

	for (size_t i = 0; i < m->n; i++) {
		same_msg(db_raw(db, m->at[i].key, &revision) == (m->at[i].value != NULL), "%s",
			m->at[i].key);
		same(revision == (m->at[i].value ? m->at[i].revision : 0));
		keys += m->at[i].value != NULL;
		odd += m->at[i].value && key_is_odd(m, i);
	}
	same(db_keys(db) == keys);
	same(db_odd(db) == odd);
}

static void check_order(const struct db *db)
{
	CLEANUP(freep) uint32_t *sorted = NULL;
	size_t n = db_sorted(db, db_nodes(db), &sorted);

	same(n == db_node_count(db));
	same(n == bitset_count(db_nodes(db)));
	for (size_t i = 0; i < n; i++) {
		same(db_ranks(db)[sorted[i]] == i);
		if (i > 0)
			same(natsort_compare(db_node_name(db, sorted[i - 1]),
				     db_node_name(db, sorted[i])) < 0);
	}
}

static void check_members(const struct model *m, const struct db *db, const char *node)
{
	const char *list[8];
	char expected[128] = "";
	size_t n = model_groups(m, node, list);
	uint32_t number, group;

	same(db_node_find(db, node, &number));
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		bool member = false;

		for (size_t i = 0; i < n; i++)
			member |= strcmp(list[i], groups[g]) == 0;
		if (db_group_find(db, groups[g], &group))
			same(bitset_has(db_group_members(db, group), number) == member);
	}
	for (size_t i = 0; i < n; i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s",
			i ? "," : "", list[i]);
	same(strcmp(groups_of(db, node), expected) == 0);
}

static void check(const struct model *m, const struct db *db)
{
	uint32_t number;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		bool there = model_get(m, "nodes", nodes[i], "groups") != NULL;

		same(db_node_find(db, nodes[i], &number) == there);
		if (!there)
			continue;
		same(strcmp(db_node_name(db, number), nodes[i]) == 0);
		check_members(m, db, nodes[i]);
		for (size_t a = 0; a < ARRAY_SIZE(attributes); a++)
			check_value(m, db, nodes[i], attributes[a]);
	}
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		same(db_group_find(db, groups[g], &number) == group_there(m, groups[g]));
	check_keys(m, db);
	check_order(db);
}

/* ---- the changes ---- */

static const char *some_text(const char *key, uint64_t *seed)
{
	const char *name = strrchr(key, '/') + 1;

	if (strcmp(name, "groups") == 0)
		return lists[pick(seed, ARRAY_SIZE(lists))];
	if (strcmp(name, "noderange") == 0)
		return noderanges[pick(seed, ARRAY_SIZE(noderanges))];
	return values[pick(seed, ARRAY_SIZE(values))];
}

static void change(struct model *m, struct db *db, uint64_t *seed)
{
	size_t i = pick(seed, (unsigned)m->n);
	/* nodes and groups come and go more often than chance would have it */
	bool existence = pick(seed, 4) == 0;

	while (existence && !strstr(m->at[i].key, "/groups") && !strstr(m->at[i].key, "/noderange"))
		i = pick(seed, (unsigned)m->n);
	if (pick(seed, 3) == 0) {
		drop(db, m->at[i].key);
		m->at[i].value = NULL;
	} else {
		m->at[i].value = some_text(m->at[i].key, seed);
		put(db, m->at[i].key, m->at[i].value);
		m->at[i].revision = db_revision(db);
	}
}

START_TEST(what_is_read_is_what_the_keys_say)
{
	CLEANUP(db_freep) struct db *db = db_new((uint64_t)_i);
	uint64_t seed = (uint64_t)_i;
	struct model m;

	model_init(&m);
	for (unsigned step = 0; step < STEPS; step++) {
		change(&m, db, &seed);
		/* the index catches up with one change, or with many */
		if (pick(&seed, 3) == 0)
			check_managers(&m, db);
		if (pick(&seed, 4) == 0)
			check(&m, db);
	}
	check(&m, db);
	check_managers(&m, db);
}
END_TEST

START_TEST(the_order_of_feeding_does_not_matter)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint64_t seed = (uint64_t)_i + 1000;
	size_t order[KEYS_MAX];
	struct model m;

	model_init(&m);
	for (size_t i = 0; i < m.n; i++) {
		m.at[i].value = pick(&seed, 3) ? some_text(m.at[i].key, &seed) : NULL;
		m.at[i].revision = (int64_t)i + 1;
		order[i] = i;
	}
	for (size_t i = m.n; i > 1; i--) {
		size_t other = pick(&seed, (unsigned)i), swap = order[i - 1];

		order[i - 1] = order[other];
		order[other] = swap;
	}
	for (size_t k = 0; k < m.n; k++) {
		size_t i = order[k];
		struct err err;

		if (m.at[i].value && db_put(db, m.at[i].key, strlen(m.at[i].key), m.at[i].value,
					     strlen(m.at[i].value), m.at[i].revision, &err) < 0)
			same_msg(strncmp(err.text, m.at[i].key, strlen(m.at[i].key)) == 0, "%s",
				err.text);
	}
	check(&m, db);
	check_managers(&m, db);
}
END_TEST

static Suite *random_suite(void)
{
	Suite *suite = suite_create("model/db at random");
	TCase *tcase = tcase_create("against a model");

	tcase_add_loop_test(tcase, what_is_read_is_what_the_keys_say, 1, 40);
	tcase_add_loop_test(tcase, the_order_of_feeding_does_not_matter, 1, 100);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(random_suite)
