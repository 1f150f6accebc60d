#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/managers.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/loop.h"
#include "model/db.h"
#include "tests/lib/suite.h"

static struct loop *loop;
static struct db *db;
static struct managers *managers;
static int64_t revision;

static void setup(void)
{
	struct err err = {""};

	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	db = db_new(1);
	managers = managers_new();
	revision = 0;
}

static void teardown(void)
{
	managers_free(managers);
	db_free(db);
	loop_free(loop);
}

static void put(const char *key, const char *value)
{
	ck_assert_int_eq(db_put(db, key, strlen(key), value, strlen(value), ++revision, NULL), 0);
	db_set_revision(db, revision);
}

static void put_node(const char *name, const char *manager)
{
	char key[128];

	snprintf(key, sizeof(key), "nodes/%s/groups", name);
	put(key, "");
	snprintf(key, sizeof(key), "nodes/%s/collective.manager", name);
	if (manager)
		put(key, manager);
}

static void delete_node(const char *name)
{
	char key[128];

	snprintf(key, sizeof(key), "nodes/%s/collective.manager", name);
	db_delete(db, key, strlen(key));
	snprintf(key, sizeof(key), "nodes/%s/groups", name);
	db_delete(db, key, strlen(key));
	db_set_revision(db, ++revision);
}

/* A listing: another database, with other numbers. */
static void list_anew(void)
{
	db_free(db);
	db = db_new(2);
	revision += 10;
}

static void look(void)
{
	ck_assert(managers_look(managers, db, loop, USEC_NEVER));
}

/* All that is different, as "n1,n2:from>to!" ('!' for gone), and told. */
static const char *told(void)
{
	static char text[4096];
	CLEANUP(freep) struct managers_change *changes = NULL;
	struct buf line = BUF_INIT(sizeof(text) - 1);
	size_t n;

	look();
	n = managers_changes(managers, db, &changes);
	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && strcmp(changes[i].from, changes[i - 1].from) == 0 &&
			    strcmp(changes[i].to, changes[i - 1].to) == 0 &&
			    changes[i].gone == changes[i - 1].gone;
		bool last = i + 1 == n || strcmp(changes[i].from, changes[i + 1].from) != 0 ||
			    strcmp(changes[i].to, changes[i + 1].to) != 0 ||
			    changes[i].gone != changes[i + 1].gone;

		ck_assert_int_eq(buf_printf(&line, "%s%s", same ? "," : "", changes[i].node), 0);
		if (last)
			ck_assert_int_eq(buf_printf(&line, ":%s>%s%s ", changes[i].from,
						 changes[i].to, changes[i].gone ? "!" : ""),
				0);
	}
	snprintf(text, sizeof(text), "%s", buf_cstr(&line));
	buf_done(&line);
	managers_told(managers);
	return text;
}

START_TEST(what_is_different_is_told_once_in_natural_order)
{
	put_node("n10", "mgt1");
	put_node("n2", "mgt1");
	put_node("n1", "mgt2");
	put_node("n3", NULL);
	ck_assert_str_eq(told(), "n2,n10:>mgt1 n1:>mgt2 ");
	ck_assert_str_eq(told(), "");
	put("nodes/n2/collective.manager", "mgt2");
	put("nodes/n3/collective.manager", "mgt2");
	ck_assert_str_eq(told(), "n3:>mgt2 n2:mgt1>mgt2 ");
	put("nodes/n2/collective.manager", "mgt3");
	put("nodes/n2/collective.manager", "mgt2");
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(nodes_that_come_and_go_are_told_where_somebody_manages_them)
{
	put_node("n1", "mgt1");
	put_node("n2", NULL);
	ck_assert_str_eq(told(), "n1:>mgt1 ");
	delete_node("n1");
	delete_node("n2");
	ck_assert_str_eq(told(), "n1:mgt1>! ");
	/* its number is another's now */
	put_node("n3", "mgt1");
	ck_assert_str_eq(told(), "n3:>mgt1 ");
	delete_node("n3");
	put_node("n4", "mgt1");
	ck_assert_str_eq(told(), "n4:>mgt1 n3:mgt1>! ");
	delete_node("n4");
	put_node("n4", "mgt1");
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(another_database_differs_by_names_alone)
{
	put_node("n1", "mgt1");
	put_node("n2", "mgt1");
	put_node("n3", "mgt2");
	put_node("n4", NULL);
	ck_assert_str_eq(told(), "n1,n2:>mgt1 n3:>mgt2 ");
	list_anew();
	put_node("n3", "mgt2");
	put_node("n5", "mgt2");
	put_node("n1", "mgt3");
	ck_assert_str_eq(told(), "n5:>mgt2 n2:mgt1>! n1:mgt1>mgt3 ");
	list_anew();
	db_set_revision(db, revision);
	ck_assert_str_eq(told(), "n3,n5:mgt2>! n1:mgt3>! ");
}
END_TEST

START_TEST(inherited_managers_and_expressions_count)
{
	put("groups/rack/noderange", "");
	put("groups/rack/collective.manager", "mgt1");
	put("nodes/n1/groups", "rack");
	put("nodes/n2/groups", "rack");
	put("nodes/n2/collective.manager", "mgt{location.rack}");
	put("nodes/n2/location.rack", "7");
	ck_assert_str_eq(told(), "n1:>mgt1 n2:>mgt7 ");
	put("nodes/n2/location.rack", "8");
	put("groups/rack/collective.manager", "mgt2");
	ck_assert_str_eq(told(), "n1:mgt1>mgt2 n2:mgt7>mgt8 ");
}
END_TEST

START_TEST(a_text_that_no_name_is_as_long_as_is_nobody)
{
	char text[DB_MANAGER_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put_node("n1", "mgt1");
	ck_assert_str_eq(told(), "n1:>mgt1 ");
	put("nodes/n1/collective.manager", text);
	ck_assert_str_eq(told(), "n1:mgt1> ");
}
END_TEST

START_TEST(the_picture_is_what_was_told)
{
	CLEANUP(freep) struct managers_change *changes = NULL;
	size_t n;

	put_node("n1", "mgt2");
	put_node("n10", "mgt1");
	put_node("n9", "mgt1");
	put_node("n4", NULL);
	told();
	put("nodes/n1/collective.manager", "mgt1");
	look();
	n = managers_picture(managers, db, &changes);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(changes[0].node, "n9");
	ck_assert_str_eq(changes[1].node, "n10");
	ck_assert_str_eq(changes[2].to, "mgt2");
	ck_assert_str_eq(changes[2].from, "");
}
END_TEST

START_TEST(a_look_ends_in_time_and_goes_on_where_it_was)
{
	CLEANUP(freep) struct managers_change *changes = NULL;
	char name[32];
	unsigned looks = 1;

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		put_node(name, "mgt1");
	}
	while (!managers_look(managers, db, loop, 0)) {
		/* and what comes meanwhile is in it */
		if (++looks == 3)
			put("nodes/n0/collective.manager", "mgt2");
	}
	ck_assert_uint_gt(looks, 10);
	ck_assert_uint_eq(managers_changes(managers, db, &changes), 5000);
	ck_assert_str_eq(changes[4999].node, "n0");
	ck_assert_str_eq(changes[4999].to, "mgt2");
}
END_TEST

/* What a follower of the changes believes. */
#define NODES	 40
#define MANAGERS 4
static char believed[NODES][16];

static void follow(void)
{
	CLEANUP(freep) struct managers_change *changes = NULL;
	size_t n = managers_changes(managers, db, &changes);

	for (size_t i = 0; i < n; i++) {
		int64_t at;

		ck_assert_int_eq(num_i64(changes[i].node + 1, &at), 0);
		ck_assert_str_eq(believed[at], changes[i].from);
		ck_assert_str_ne(changes[i].from, changes[i].to);
		snprintf(believed[at], sizeof(believed[at]), "%s", changes[i].to);
	}
	managers_told(managers);
}

static void check_believed(void)
{
	for (int i = 0; i < NODES; i++) {
		char name[16];
		uint32_t number;
		bool there;

		snprintf(name, sizeof(name), "n%d", i);
		there = db_node_find(db, name, &number);
		ck_assert_str_eq(believed[i], there ? db_managed_text(db, number) : "");
	}
}

START_TEST(who_follows_the_changes_knows_what_there_is)
{
	unsigned seed = (unsigned)_i * 7919 + 1;

	memset(believed, 0, sizeof(believed));
	for (int step = 0; step < 400; step++) {
		char name[16], manager[16];

		seed = seed * 1103515245 + 12345;
		snprintf(name, sizeof(name), "n%u", (seed >> 16) % NODES);
		snprintf(manager, sizeof(manager), "m%u", (seed >> 8) % MANAGERS);
		switch ((seed >> 24) % 8) {
		case 0:
		case 1:
			delete_node(name);
			break;
		case 2:
			if ((seed >> 12) % 16 == 0)
				list_anew();
			break;
		case 3:
			managers_look(managers, db, loop, 0);
			break;
		case 4:
			look();
			follow();
			check_believed();
			break;
		default:
			put_node(name, manager);
		}
	}
}
END_TEST

static Suite *managers_suite(void)
{
	Suite *suite = suite_create("app_managers");
	TCase *tc = tcase_create("managers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_different_is_told_once_in_natural_order);
	tcase_add_test(tc, nodes_that_come_and_go_are_told_where_somebody_manages_them);
	tcase_add_test(tc, another_database_differs_by_names_alone);
	tcase_add_test(tc, inherited_managers_and_expressions_count);
	tcase_add_test(tc, a_text_that_no_name_is_as_long_as_is_nobody);
	tcase_add_test(tc, the_picture_is_what_was_told);
	tcase_add_test(tc, a_look_ends_in_time_and_goes_on_where_it_was);
	tcase_add_loop_test(tc, who_follows_the_changes_knows_what_there_is, 0, 100);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(managers_suite)
