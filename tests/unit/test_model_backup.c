/*
 * Backups put back: what is refused, what becomes of what is there, and what others do meanwhile.
 */
#include "config.h"
#include "model/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/plan.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_plan.h"

#define NAME_RULE                                                                                  \
	" (letters, digits, '-', '_' and '.', a letter or digit first, at most 255 characters)"

static void value(struct backup *b, const char *name, const char *text)
{
	backup_value(b, name, BACKUP_VALUE, text, strlen(text));
}

/* Two groups, a dynamic one, three nodes with numbers. */
static struct backup *furnished(enum backup_mode mode)
{
	struct backup *b = backup_new(mode);

	ck_assert(backup_group(b, "dyn"));
	value(b, "noderange", "n1-n2");
	ck_assert(backup_group(b, "everything"));
	value(b, "ntp.servers", "ntp1");
	ck_assert(backup_group(b, "rack1"));
	value(b, "location.rack", "7");
	value(b, "noderange", "");
	ck_assert(backup_node(b, "n1"));
	backup_join(b, "rack1");
	backup_join(b, "everything");
	value(b, "id.index", "5");
	value(b, "info.note", "{braces}");
	backup_value(b, "location.u", BACKUP_EXPRESSION, "{n1}", 4);
	backup_value(b, "secret.ipmikg", BACKUP_SEALED, "sealed:1:nodes/n1/secret.ipmikg:x", 33);
	ck_assert(backup_node(b, "n2"));
	backup_join(b, "everything");
	backup_join(b, "rack1");
	value(b, "id.index", "7");
	backup_value(b, "crypted.rootpassword", BACKUP_HASH, "$y$abc", 6);
	ck_assert(backup_node(b, "n3"));
	return b;
}

static void print_problem(const char *text, void *arg)
{
	ck_assert_int_eq(buf_printf(arg, "%s\n", text), 0);
}

/* All problems, a line each. New text. */
static char *problems(struct backup *b, const struct db *db)
{
	struct buf text = BUF_INIT(1 << 20);

	while (backup_check(b, db))
		;
	ck_assert_int_eq(buf_str(&text, ""), 0);
	backup_each_problem(b, print_problem, &text);
	return buf_take(&text);
}

/* Check's own messages have no room for a long list. */
static void assert_problems(struct backup *b, const struct db *db, const char *expected)
{
	CLEANUP(freep) char *text = problems(b, db);

	if (!text_eq(text, expected))
		fprintf(stderr, "%s", text);
	ck_assert(text_eq(text, expected));
}

/* Checked, without problems; takes it. */
static struct plan *plan_of(struct backup *b, const struct db *db)
{
	assert_problems(b, db, "");
	return plan_new_restore(b);
}

static void restore(struct world *w, struct member *m, struct backup *b)
{
	struct plan *plan = plan_of(b, m->db);

	w->next_index = MAX(w->next_index, plan_numbers_above(plan) + 1);
	carry_out(w, m, plan);
}

#define RESTORED_GROUPS                                                                            \
	"groups/dyn/noderange=n1-n2 groups/everything/ntp.servers=ntp1 "                           \
	"groups/rack1/location.rack=7 groups/rack1/noderange= "
#define RESTORED_NODES                                                                             \
	"nodes/n1/groups=rack1 nodes/n1/id.index=5 nodes/n1/info.note={{braces}} "                 \
	"nodes/n1/location.u={n1} "                                                                \
	"nodes/n1/secret.ipmikg=sealed:1:nodes/n1/secret.ipmikg:x "                                \
	"nodes/n2/crypted.rootpassword=$y$abc nodes/n2/groups=everything,rack1 "                   \
	"nodes/n2/id.index=7 nodes/n3/groups= nodes/n3/id.index="

START_TEST(an_empty_collective_becomes_what_the_backup_says)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;
	struct plan *plan = plan_of(furnished(BACKUP_INTO_EMPTY), m.db);
	size_t nodes, groups;

	/* one number, behind the highest of the backup */
	ck_assert_uint_eq(plan_wants_numbers(plan), 1);
	ck_assert_int_eq(plan_numbers_above(plan), 7);
	w.next_index = 8;
	run(&w, &m, plan);
	plan_restored(plan, &nodes, &groups);
	ck_assert_uint_eq(nodes, 3);
	ck_assert_uint_eq(groups, 3);
	plan_free(plan);
	below = world_below(&w, "");
	ck_assert_str_eq(below, RESTORED_GROUPS RESTORED_NODES "8");
}
END_TEST

START_TEST(what_is_there_already_keeps_an_ordinary_restore_out)
{
	WORLD(w, m);
	struct err err = {""};

	ck_assert_int_eq(backup_check_mode(BACKUP_INTO_EMPTY, m.db, NULL), 0);
	set_group(&w, &m, "everything", "ntp.servers", PLAN_TYPED, "x");
	ck_assert_int_eq(backup_check_mode(BACKUP_INTO_EMPTY, m.db, &err), -EEXIST);
	make_group(&w, &m, "g");
	make_nodes(&w, &m, "n1-n2", "g");
	ck_assert_int_eq(backup_check_mode(BACKUP_INTO_EMPTY, m.db, &err), -EEXIST);
	ck_assert_ptr_eq(
		strstr(err.text, "the collective has 2 nodes and 1 group already"), err.text);
	ck_assert_int_eq(backup_check_mode(BACKUP_MERGE, m.db, NULL), 0);
	ck_assert_int_eq(backup_check_mode(BACKUP_REPLACE, m.db, NULL), 0);
}
END_TEST

/* n1 and rack1 as they must not stay; n9, which has n2's number, and g9. */
static void furnish_others(struct world *w, struct member *m)
{
	make_group(w, m, "g9");
	make_group(w, m, "rack1");
	make_nodes(w, m, "n1", "g9,rack1");
	set_group(w, m, "rack1", "location.room", PLAN_TYPED, "old");
	set_node(w, m, "n1", "location.row", PLAN_TYPED, "old");
	w->next_index = 7;
	make_nodes(w, m, "n9", "g9");
	world_put(w, "nodes/n1/no.such", "odd");
	member_see(m, w, w->revision);
}

START_TEST(merging_leaves_what_the_backup_does_not_name)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;

	furnish_others(&w, &m);
	restore(&w, &m, furnished(BACKUP_MERGE));
	below = world_below(&w, "");
	/* n2's number is another's: it gets a new one */
	ck_assert_str_eq(below,
		"groups/dyn/noderange=n1-n2 groups/everything/ntp.servers=ntp1 "
		"groups/g9/noderange= groups/rack1/location.rack=7 groups/rack1/noderange= "
		"nodes/n1/groups=rack1 nodes/n1/id.index=5 nodes/n1/info.note={{braces}} "
		"nodes/n1/location.u={n1} "
		"nodes/n1/secret.ipmikg=sealed:1:nodes/n1/secret.ipmikg:x "
		"nodes/n2/crypted.rootpassword=$y$abc nodes/n2/groups=everything,rack1 "
		"nodes/n2/id.index=8 nodes/n3/groups= nodes/n3/id.index=9 "
		"nodes/n9/groups=g9 nodes/n9/id.index=7");
}
END_TEST

START_TEST(replacing_deletes_the_rest)
{
	WORLD(w, m);
	struct backup *b = furnished(BACKUP_REPLACE);
	struct plan *plan, *rest, *group;
	const char *const *nodes, *const *groups;
	CLEANUP(freep) char *below = NULL;

	furnish_others(&w, &m);
	assert_problems(b, m.db, "");
	ck_assert_uint_eq(backup_gone_nodes(b, &nodes), 1);
	ck_assert_str_eq(nodes[0], "n9");
	ck_assert_uint_eq(backup_gone_groups(b, &groups), 1);
	ck_assert_str_eq(groups[0], "g9");
	rest = plan_new_node_delete_names(nodes, 1);
	ck_assert_int_eq(plan_new_group_delete(&group, m.db, groups[0], NULL), 0);
	plan = plan_new_restore(b);
	w.next_index = 20;
	carry_out(&w, &m, plan);
	carry_out(&w, &m, rest);
	carry_out(&w, &m, group);
	below = world_below(&w, "");
	ck_assert_str_eq(below, RESTORED_GROUPS RESTORED_NODES "20");
}
END_TEST

START_TEST(restoring_twice_writes_only_secrets_again)
{
	WORLD(w, m);
	CLEANUP(freep) char *before = NULL;
	CLEANUP(freep) char *after = NULL;
	int64_t revision;

	restore(&w, &m, furnished(BACKUP_INTO_EMPTY));
	before = world_below(&w, "");
	revision = w.revision;
	restore(&w, &m, furnished(BACKUP_MERGE));
	after = world_below(&w, "");
	ck_assert_str_eq(before, after);
	/* a secret can't be compared: n1 */
	ck_assert_int_eq(w.revision, revision + 1);
}
END_TEST

START_TEST(what_the_backup_does_not_know_stays_as_it_is)
{
	WORLD(w, m);
	struct backup *b = backup_new(BACKUP_MERGE);
	CLEANUP(freep) char *below = NULL;

	make_nodes(&w, &m, "n1", NULL);
	set_node(&w, &m, "n1", "secret.ipmikg", PLAN_TYPED, "x");
	set_node(&w, &m, "n1", "secret.snmpcommunity", PLAN_TYPED, "x");
	for (unsigned n = 1; n <= 2; n++) {
		ck_assert(backup_node(b, n == 1 ? "n1" : "n2"));
		backup_value(b, "secret.ipmikg", BACKUP_KEEP, "", 0);
	}
	restore(&w, &m, b);
	below = world_below(&w, "");
	ck_assert_str_eq(below, "nodes/n1/groups= nodes/n1/id.index=1 "
				"nodes/n1/secret.ipmikg=sealed:1:nodes/n1/secret.ipmikg:x "
				"nodes/n2/groups= nodes/n2/id.index=3");
}
END_TEST

START_TEST(a_group_changes_sides)
{
	WORLD(w, m);
	struct backup *b = backup_new(BACKUP_MERGE);
	CLEANUP(freep) char *below = NULL;

	make_group(&w, &m, "a");
	make_nodes(&w, &m, "n1", "a");
	set_group(&w, &m, "a", "location.room", PLAN_TYPED, "x");
	make_group(&w, &m, "b");
	set_group(&w, &m, "b", "noderange", PLAN_TYPED, "n1");
	backup_group(b, "a");
	value(b, "noderange", "n1");
	backup_group(b, "b");
	value(b, "location.room", "x");
	backup_node(b, "n1");
	backup_join(b, "b");
	restore(&w, &m, b);
	below = world_below(&w, "");
	ck_assert_str_eq(below,
		"groups/a/noderange=n1 groups/b/location.room=x groups/b/noderange= "
		"nodes/n1/groups=b nodes/n1/id.index=1");

	b = backup_new(BACKUP_MERGE);
	backup_group(b, "b");
	value(b, "noderange", "n1");
	assert_problems(b, m.db,
		"group b: it has a noderange in the backup, and here nodes that are not in the "
		"backup, such as n1\n");
	backup_free(b);
}
END_TEST

START_TEST(all_problems_are_told)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct backup *b = backup_new(BACKUP_INTO_EMPTY);

	ck_assert(!backup_group(b, "-bad"));
	value(b, "location.u", "is left out");
	ck_assert(backup_group(b, "dyn"));
	value(b, "location.u", "1");
	value(b, "noderange", "n1");
	ck_assert(backup_group(b, "everything"));
	value(b, "noderange", "n1");
	value(b, "id.index", "1");
	ck_assert(!backup_group(b, "everything"));
	ck_assert(!backup_group(b, "a"));
	ck_assert(backup_node(b, "n1"));
	backup_join(b, "nogrp");
	backup_join(b, "dyn");
	backup_join(b, "everything");
	backup_join(b, "everything");
	backup_join(b, "not/a/name");
	value(b, "no.such", "1");
	value(b, "bmc", "x");
	value(b, "hardwaremanagement.manager", "x");
	value(b, "console.method", "telnet");
	value(b, "noderange", "n1");
	value(b, "groups", "rack1");
	value(b, "deployment.lock", "locked");
	value(b, "id.index", "0");
	backup_value(b, "location.u", BACKUP_SEALED, "x", 1);
	backup_value(b, "location.row", BACKUP_VALUE, "a\0b", 3);
	backup_value(b, "location.room", BACKUP_EXPRESSION, "broken {", 8);
	backup_value(b, "secret.ipmikg", BACKUP_EXPRESSION, "{n1}", 4);
	backup_problem(b, "the caller's own: %d", 7);
	ck_assert(backup_node(b, "n2"));
	value(b, "id.index", "3");
	ck_assert(backup_node(b, "n3"));
	value(b, "id.index", "3");
	assert_problems(b, db,
		"\"-bad\" is not a valid group name" NAME_RULE "\n"
		"group dyn: a group with a noderange has no other attributes (it has location.u)\n"
		"group everything: all nodes are members of this group, it has no noderange\n"
		"group everything: a group has no attribute id.index\n"
		"group everything: it is there twice\n"
		"group a: it comes behind everything, which is not the order of their bytes\n"
		"node n1: \"not/a/name\" is not a valid group name" NAME_RULE "\n"
		"node n1: there is no attribute no.such\n"
		"node n1: Attribute console.method does not accept value telnet (valid values "
		"would be ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)\n"
		"node n1: a node has no attribute noderange\n"
		"node n1: groups is a list, not a value\n"
		"node n1: id.index is no number from 1 to 1000000000000\n"
		"node n1: location.u has no cryptvalue\n"
		"node n1: location.row has a NUL in its value\n"
		"node n1: Attribute secret.ipmikg does not accept an expression\n"
		"node n1: the caller's own: 7\n"
		"node n1: hardwaremanagement.manager is there twice\n"
		"node n1: there is no group nogrp in the backup\n"
		"node n1: it is said to be in group dyn, which has a noderange that alone says who "
		"is in it\n"
		"node n1: it is in group everything twice\n"
		"node n3: its id.index 3 is that of n2, too\n");
	backup_free(b);
}
END_TEST

START_TEST(problems_past_a_hundred_are_counted)
{
	struct backup *b = backup_new(BACKUP_INTO_EMPTY);

	for (unsigned i = 0; i < 250; i++)
		ck_assert(!backup_node(b, "?"));
	ck_assert_uint_eq(backup_problem_count(b), 250);
	backup_free(b);
}
END_TEST

START_TEST(a_node_with_too_many_attributes_is_refused_by_name)
{
	WORLD(w, m);
	struct backup *b = backup_new(BACKUP_MERGE);

	make_nodes(&w, &m, "n1", NULL);
	set_node(&w, &m, "n1", "location.row", PLAN_TYPED, "old");
	for (unsigned n = 1; n <= 2; n++) {
		char name[32];

		snprintf(name, sizeof(name), "n%u", n);
		ck_assert(backup_node(b, name));
		for (unsigned i = 0; i < BACKUP_KEYS_MAX; i++) {
			snprintf(name, sizeof(name), "custom.a%03u", i);
			value(b, name, "x");
		}
	}
	assert_problems(b, m.db,
		"node n1: 101 attributes, 1 of them to be deleted here, are more than the 100 "
		"that can be restored at once\n");
	backup_free(b);
}
END_TEST

/* The largest that is accepted does fit into a transaction, with as many groups as there may be. */
START_TEST(the_largest_node_fits)
{
	WORLD(w, m);
	struct backup *b = backup_new(BACKUP_INTO_EMPTY);
	char name[32];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "g%03u", i);
		ck_assert(backup_group(b, name));
	}
	ck_assert(backup_node(b, "n1"));
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "g%03u", i);
		backup_join(b, name);
		snprintf(name, sizeof(name), "custom.a%03u", i);
		value(b, name, "x");
	}
	restore(&w, &m, b);
	assert_key(&w, "nodes/n1/custom.a099", "x");
}
END_TEST

START_TEST(others_write_meanwhile)
{
	WORLD(w, m);
	struct plan *plan = plan_of(furnished(BACKUP_MERGE), m.db);
	CLEANUP(freep) char *report = NULL;
	struct plan_unit *unit;

	make_group(&w, &m, "g9");
	w.next_index = 30;
	plan_give_numbers(plan, 20);
	/* the first unit is worked out, then the group is written by another */
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	ck_assert_str_eq(unit->object, "everything");
	world_put(&w, "groups/rack1/noderange", "");
	world_put(&w, "groups/rack1/location.room", "another's");
	ck_assert(world_commit(&w, unit));
	plan_applied(plan, unit, w.revision);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	ck_assert_str_eq(unit->object, "rack1");
	ck_assert(!world_commit(&w, unit));
	plan_again(plan, unit, w.revision);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_WAIT);
	member_see(&m, &w, w.revision);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	ck_assert(world_commit(&w, unit));
	plan_applied(plan, unit, w.revision);
	assert_key(&w, "groups/rack1/location.room", NULL);
	member_see(&m, &w, w.revision);
	/* rack1 is being deleted when its nodes are to join it */
	world_put(&w, "groups/rack1/noderange", DB_LEAVING_DELETED);
	member_see(&m, &w, w.revision);
	while (plan_next(plan, m.db, &unit) == PLAN_UNIT) {
		ck_assert(world_commit(&w, unit));
		plan_applied(plan, unit, w.revision);
		member_see(&m, &w, w.revision);
	}
	report = plan_report(plan);
	ck_assert_str_eq(report,
		"1 of 3 nodes was restored (n3); n[1:2] were not; 3 groups were restored "
		"(dyn,everything,rack1): group rack1 is being deleted: nodegroupremove rack1 "
		"completes that");
	assert_key(&w, "nodes/n1/groups", NULL);
	plan_free(plan);
}
END_TEST

START_TEST(what_came_meanwhile_is_not_overwritten_by_an_ordinary_restore)
{
	WORLD(w, m);
	struct plan *plan = plan_of(furnished(BACKUP_INTO_EMPTY), m.db);
	CLEANUP(freep) char *report = NULL;

	make_nodes(&w, &m, "n1", NULL);
	run(&w, &m, plan);
	report = plan_report(plan);
	ck_assert_str_eq(report,
		"2 of 3 nodes were restored (n[2:3]); n1 was not; 3 groups were restored "
		"(dyn,everything,rack1): node n1 was made by somebody else meanwhile");
	plan_free(plan);
}
END_TEST

START_TEST(a_restore_that_is_not_wanted_any_more_leaves_nothing)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct plan *plan = plan_of(furnished(BACKUP_INTO_EMPTY), db);
	struct plan_unit *unit;

	plan_give_numbers(plan, 20);
	plan_stop(plan, "no quorum");
	ck_assert_int_eq(plan_next(plan, db, &unit), PLAN_DONE);
	plan_free(plan);
	backup_free(furnished(BACKUP_MERGE));
	backup_free(NULL);
}
END_TEST

static Suite *backup_suite(void)
{
	Suite *suite = suite_create("backup");
	TCase *tc = tcase_create("restore");

	tcase_add_test(tc, an_empty_collective_becomes_what_the_backup_says);
	tcase_add_test(tc, what_is_there_already_keeps_an_ordinary_restore_out);
	tcase_add_test(tc, merging_leaves_what_the_backup_does_not_name);
	tcase_add_test(tc, replacing_deletes_the_rest);
	tcase_add_test(tc, restoring_twice_writes_only_secrets_again);
	tcase_add_test(tc, what_the_backup_does_not_know_stays_as_it_is);
	tcase_add_test(tc, a_group_changes_sides);
	tcase_add_test(tc, all_problems_are_told);
	tcase_add_test(tc, problems_past_a_hundred_are_counted);
	tcase_add_test(tc, a_node_with_too_many_attributes_is_refused_by_name);
	tcase_add_test(tc, the_largest_node_fits);
	tcase_add_test(tc, others_write_meanwhile);
	tcase_add_test(tc, what_came_meanwhile_is_not_overwritten_by_an_ordinary_restore);
	tcase_add_test(tc, a_restore_that_is_not_wanted_any_more_leaves_nothing);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(backup_suite)
