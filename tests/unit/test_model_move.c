/*
 * What a move compares: enough that whatever changes the node's manager or candidates, changes one of
 * the keys that are compared. And which nodes' managers have changed.
 */
#include "config.h"
#include "model/move.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/plan.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"

#define MANAGER	   "collective.manager"
#define CANDIDATES "collective.managercandidates"

static uint32_t number(const struct db *db, const char *name)
{
	uint32_t ret;

	ck_assert(db_node_find(db, name, &ret));
	return ret;
}

struct said {
	const struct db *db;
	char *keys[MOVE_COMPARES_MAX];
	int64_t revisions[MOVE_COMPARES_MAX];
	size_t n;
};

static void note(const struct plan_compare *compare, void *arg)
{
	struct said *said = arg;
	int64_t revision;

	ck_assert_uint_lt(said->n, MOVE_COMPARES_MAX);
	ck_assert_int_eq(compare->kind, PLAN_MOD);
	(void)db_raw(said->db, compare->key, &revision);
	ck_assert_int_eq(compare->revision, revision);
	for (size_t i = 0; i < said->n; i++)
		ck_assert_str_ne(said->keys[i], compare->key);
	said->keys[said->n] = xstrdup(compare->key);
	said->revisions[said->n++] = compare->revision;
}

static void said_done(struct said *said)
{
	for (size_t i = 0; i < said->n; i++)
		free(said->keys[i]);
}

/* "nodes/n1/groups=4 …", where 0 is no key. */
static const char *compares_of(const struct db *db, const char *node)
{
	static char text[4096];
	CLEANUP(said_done) struct said said = {.db = db};

	ck_assert_int_eq(move_compares(db, number(db, node), note, &said, NULL), 0);
	text[0] = '\0';
	for (size_t i = 0; i < said.n; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s=%lld", i ? " " : "", said.keys[i],
			(long long)said.revisions[i]);
	}
	return text;
}

START_TEST(what_is_the_nodes_own_is_compared_alone)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "groups/g/noderange", "");
	put(db, "nodes/n1/groups", "g");
	put(db, "nodes/n1/" MANAGER, "m1");
	put(db, "nodes/n1/" CANDIDATES, "m1,m2");
	put(db, "groups/g/" MANAGER, "m2");
	ck_assert_str_eq(compares_of(db, "n1"), "nodes/n1/" MANAGER "=3 nodes/n1/" CANDIDATES "=4");
}
END_TEST

START_TEST(what_is_inherited_is_compared_up_to_its_source)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "groups/a/noderange", "");     /* 1 */
	put(db, "groups/b/noderange", "");     /* 2 */
	put(db, "groups/c/noderange", "");     /* 3 */
	put(db, "nodes/n1/groups", "a,b,c");   /* 4 */
	put(db, "groups/b/" MANAGER, "m1");    /* 5 */
	put(db, "groups/c/" MANAGER, "m2");    /* 6 */
	put(db, "groups/b/" CANDIDATES, "m1"); /* 7 */
	ck_assert_str_eq(compares_of(db, "n1"),
		"nodes/n1/" MANAGER "=0 nodes/n1/" CANDIDATES "=0 nodes/n1/groups=4 "
		"groups/a/" MANAGER "=0 groups/a/" CANDIDATES "=0 "
		"groups/b/" MANAGER "=5 groups/b/" CANDIDATES "=7 groups/b/noderange=2");
	put(db, "nodes/n1/" MANAGER, ""); /* 8: says that there is none */
	ck_assert_str_eq(compares_of(db, "n1"),
		"nodes/n1/" MANAGER "=8 nodes/n1/" CANDIDATES "=0 nodes/n1/groups=4 "
		"groups/a/" CANDIDATES "=0 groups/b/" CANDIDATES "=7 groups/b/noderange=2");
}
END_TEST

START_TEST(what_is_nowhere_is_compared_everywhere)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "groups/dyn/noderange", "n9");
	put(db, "groups/dyn/" MANAGER, "m1");
	put(db, "groups/late/" MANAGER, "m1");
	put(db, "nodes/n1/groups", "dyn,late,everything");
	ck_assert_str_eq(compares_of(db, "n1"),
		"nodes/n1/" MANAGER "=0 nodes/n1/" CANDIDATES "=0 nodes/n1/groups=4 "
		"groups/dyn/" MANAGER "=2 groups/dyn/" CANDIDATES "=0 groups/dyn/noderange=1 "
		"groups/late/" MANAGER "=3 groups/late/" CANDIDATES "=0 groups/late/noderange=0 "
		"groups/everything/" MANAGER "=0 groups/everything/" CANDIDATES "=0");
}
END_TEST

START_TEST(keys_that_cannot_be_used_count)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "nodes/n1/groups", "");
	db_set_revision(db, 2);
	ck_assert_int_lt(
		db_put(db, "nodes/n1/" MANAGER, strlen("nodes/n1/" MANAGER), "a\0b", 3, 2, NULL),
		0);
	put(db, "groups/everything/" MANAGER, "m1");
	put(db, "nodes/n1/" CANDIDATES, "m2");
	ck_assert_str_eq(compares_of(db, "n1"),
		"nodes/n1/" MANAGER "=2 nodes/n1/" CANDIDATES "=4 nodes/n1/groups=1 "
		"groups/everything/" MANAGER "=3");
}
END_TEST

START_TEST(a_node_in_too_many_groups_is_refused_whole)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(said_done) struct said said = {.db = db};
	CLEANUP(buf_done) struct buf list = BUF_INIT(4096);
	struct err err = {""};

	for (unsigned i = 0; i < 60; i++)
		ck_assert_int_eq(buf_printf(&list, "%sg%u", i ? "," : "", i), 0);
	put(db, "nodes/n1/groups", buf_cstr(&list));
	put(db, "groups/everything/" MANAGER, "m1");
	put(db, "groups/everything/" CANDIDATES, "m1");
	ck_assert_int_eq(move_compares(db, number(db, "n1"), note, &said, &err), -E2BIG);
	ck_assert_uint_eq(said.n, 0);
	ck_assert_ptr_nonnull(strstr(err.text, "n1 is in too many groups"));
	put(db, "nodes/n1/" CANDIDATES, "m1");
	ck_assert_int_eq(move_compares(db, number(db, "n1"), note, &said, &err), 0);
	ck_assert_uint_eq(said.n, 3 + 60 + 1);
}
END_TEST

/* ---- whatever changes the outcome breaks a compare ---- */

static const char *const keys[] = {"nodes/n1/groups", "nodes/n1/" MANAGER, "nodes/n1/" CANDIDATES,
	"groups/a/noderange", "groups/a/" MANAGER, "groups/a/" CANDIDATES, "groups/b/noderange",
	"groups/b/" MANAGER, "groups/b/" CANDIDATES, "groups/everything/noderange",
	"groups/everything/" MANAGER, "groups/everything/" CANDIDATES};
static const char *const lists[] = {"a,b", "b,a", "b", "", "everything,a", "a,everything,b", "a"};

static void change_something(struct db *db, uint64_t *seed)
{
	const char *key = keys[pick(seed, ARRAY_SIZE(keys))];
	char value[16];

	if (pick(seed, 3) == 0) {
		drop(db, key);
		return;
	}
	snprintf(value, sizeof(value), "m%u", pick(seed, 3));
	if (text_eq(key, "nodes/n1/groups"))
		put(db, key, lists[pick(seed, ARRAY_SIZE(lists))]);
	else if (text_eq(strrchr(key, '/'), "/noderange"))
		put(db, key, pick(seed, 2) ? "" : "n9");
	else
		put(db, key, value);
}

/* What is decided on. */
static void outcome_of(const struct db *db, char text[2100])
{
	uint32_t node;
	char manager[1024];

	if (!db_node_find(db, "n1", &node)) {
		snprintf(text, 2100, "gone");
		return;
	}
	snprintf(manager, sizeof(manager), "%s", text_of(db, "n1", MANAGER));
	snprintf(text, 2100, "%s %s", manager, text_of(db, "n1", CANDIDATES));
}

static bool all_hold(const struct db *db, const struct said *said)
{
	for (size_t i = 0; i < said->n; i++) {
		int64_t revision;

		(void)db_raw(db, said->keys[i], &revision);
		if (revision != said->revisions[i])
			return false;
	}
	return true;
}

START_TEST(no_change_of_manager_or_candidates_goes_unnoticed)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint64_t seed = (uint64_t)_i + 1;
	unsigned changed = 0, unchanged = 0;

	for (unsigned round = 0; round < 3000; round++) {
		CLEANUP(said_done) struct said said = {.db = db};
		char before[2100], after[2100];
		uint32_t node;

		change_something(db, &seed);
		if (!db_node_find(db, "n1", &node))
			continue;
		ck_assert_int_eq(move_compares(db, node, note, &said, NULL), 0);
		outcome_of(db, before);
		for (unsigned i = pick(&seed, 3) + 1; i > 0; i--)
			change_something(db, &seed);
		outcome_of(db, after);
		/* a node that has its own manager and only loses its `groups` is foreign hands' work:
		 * what is left of it then does no harm */
		if (text_eq(after, "gone"))
			continue;
		if (text_eq(before, after))
			unchanged += all_hold(db, &said);
		else
			ck_assert_msg(!all_hold(db, &said), "%s became %s", before, after);
		changed += !text_eq(before, after);
	}
	ck_assert_uint_gt(changed, 150);
	ck_assert_uint_gt(unchanged, 100);
}
END_TEST

/* ---- whose manager has changed ---- */

static const char *changed(const struct db *db)
{
	static char text[1024];
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	uint32_t it;

	bitset_add(&set, 77);
	db_managed_catch_up(db, SIZE_MAX);
	db_managed_changed(db, &set);
	text[0] = '\0';
	bitset_foreach(it, &set)
	{
		size_t len = strlen(text);
		bool there = bitset_has(db_nodes(db), it);

		snprintf(text + len, sizeof(text) - len, "%s%s:%s", len ? " " : "",
			there ? db_node_name(db, it) : "-", there ? db_managed_text(db, it) : "");
	}
	return text;
}

START_TEST(changed_managers_are_told_once)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	ck_assert_str_eq(changed(db), "");
	put(db, "groups/g/noderange", "");
	put(db, "nodes/n1/groups", "g");
	put(db, "nodes/n2/groups", "g");
	put(db, "nodes/n3/groups", "");
	put(db, "nodes/n3/" MANAGER, "m1");
	ck_assert_str_eq(db_managed_text(db, number(db, "n3")), "");
	ck_assert_str_eq(changed(db), "n1: n2: n3:m1");
	ck_assert_str_eq(changed(db), "");
	put(db, "groups/g/" MANAGER, "m2");
	put(db, "nodes/n3/" MANAGER, "m1");
	put(db, "nodes/n3/location.row", "a");
	ck_assert_str_eq(changed(db), "n1:m2 n2:m2");
	put(db, "groups/everything/" MANAGER, "{location.row}");
	drop(db, "nodes/n3/" MANAGER);
	ck_assert_str_eq(changed(db), "n3:a");
	put(db, "nodes/n3/location.row", "b");
	ck_assert_str_eq(changed(db), "n3:b");
	/* there and back again */
	put(db, "nodes/n3/location.row", "c");
	put(db, "nodes/n3/location.row", "b");
	ck_assert_str_eq(changed(db), "");
}
END_TEST

START_TEST(nodes_that_come_and_go_have_changed)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n2/groups", "");
	put(db, "groups/everything/" MANAGER, "m1");
	ck_assert_str_eq(changed(db), "n1:m1 n2:m1");
	drop(db, "nodes/n1/groups");
	ck_assert_str_eq(changed(db), "-:");
	put(db, "nodes/n3/groups", ""); /* has its number now */
	ck_assert_str_eq(changed(db), "n3:m1");
	drop(db, "nodes/n2/groups");
	put(db, "nodes/n4/groups", "");
	ck_assert_str_eq(changed(db), "n4:m1");
	drop(db, "nodes/n4/groups");
	put(db, "nodes/n4/groups", "");
	ck_assert_str_eq(changed(db), "n4:m1");
}
END_TEST

START_TEST(what_was_not_caught_up_with_is_told_later)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n2/groups", "");
	ck_assert(!db_managed_catch_up(db, 1));
	db_managed_changed(db, &set);
	ck_assert_uint_eq(bitset_count(&set), 1);
	ck_assert(db_managed_catch_up(db, 1));
	db_managed_changed(db, &set);
	ck_assert_uint_eq(bitset_count(&set), 1);
	db_managed_changed(db, &set);
	ck_assert(bitset_empty(&set));
}
END_TEST

struct all {
	size_t texts, nodes, stop_at;
};

static bool count(const char *manager, const struct bitset *nodes, void *arg)
{
	struct all *all = arg;

	(void)manager;
	ck_assert(!bitset_empty(nodes));
	all->nodes += bitset_count(nodes);
	return ++all->texts != all->stop_at;
}

START_TEST(each_manager_is_told)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct all all = {0, 0, 0};

	db_managed_each(db, count, &all);
	ck_assert_uint_eq(all.texts, 0);
	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n2/groups", "");
	put(db, "nodes/n2/" MANAGER, "m1");
	put(db, "nodes/n3/groups", "");
	put(db, "nodes/n3/" MANAGER, "m2");
	put(db, "nodes/n4/groups", "");
	put(db, "nodes/n4/" MANAGER, "m2");
	db_managed_each(db, count, &all);
	ck_assert_uint_eq(all.texts, 3);
	ck_assert_uint_eq(all.nodes, 4);
	all = (struct all){0, 0, 2};
	db_managed_each(db, count, &all);
	ck_assert_uint_eq(all.texts, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("move");
	TCase *tc = tcase_create("compares");

	tcase_add_test(tc, what_is_the_nodes_own_is_compared_alone);
	tcase_add_test(tc, what_is_inherited_is_compared_up_to_its_source);
	tcase_add_test(tc, what_is_nowhere_is_compared_everywhere);
	tcase_add_test(tc, keys_that_cannot_be_used_count);
	tcase_add_test(tc, a_node_in_too_many_groups_is_refused_whole);
	tcase_add_loop_test(tc, no_change_of_manager_or_candidates_goes_unnoticed, 0, 10);
	suite_add_tcase(s, tc);
	tc = tcase_create("managers");
	tcase_add_test(tc, changed_managers_are_told_once);
	tcase_add_test(tc, nodes_that_come_and_go_have_changed);
	tcase_add_test(tc, what_was_not_caught_up_with_is_told_later);
	tcase_add_test(tc, each_manager_is_told);
	suite_add_tcase(s, tc);
	return s;
}

SUITE_MAIN(suite)
