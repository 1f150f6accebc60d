#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/db.h"
#include "model/expression.h"
#include "model/noderange.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"

START_TEST(expressions_are_worked_out_when_they_are_read)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct db_value value;
	uint32_t node;

	put(db, "nodes/n12/groups", "g");
	put(db, "nodes/r2/groups", "g");
	put(db, "groups/g/noderange", "");
	put(db, "groups/g/hardwaremanagement.manager", "{node}-bmc");
	put(db, "groups/g/location.u", "{n1+1}");
	put(db, "groups/g/info.note", "u{location.u} of {bmc} {{x}}");
	ck_assert_str_eq(text_of(db, "n12", "hardwaremanagement.manager"), "n12-bmc");
	ck_assert_str_eq(text_of(db, "r2", "hardwaremanagement.manager"), "r2-bmc");
	ck_assert_str_eq(text_of(db, "n12", "info.note"), "u13 of n12-bmc {x}");
	put(db, "nodes/n12/location.u", "5");
	ck_assert_str_eq(text_of(db, "n12", "info.note"), "u5 of n12-bmc {x}");
	ck_assert_str_eq(text_of(db, "r2", "info.note"), "u3 of r2-bmc {x}");
	ck_assert(db_node_find(db, "n12", &node));
	ck_assert(db_node_value(db, node, "info.note", &value));
	ck_assert_int_eq(value.kind, DB_EXPRESSION);
	ck_assert_str_eq(value.text, "u{location.u} of {bmc} {{x}}");
	drop(db, "groups/g/location.u");
	drop(db, "nodes/n12/location.u");
	ck_assert_str_eq(text_of(db, "n12", "info.note"), "u of n12-bmc {x}");
}
END_TEST

START_TEST(doubled_braces_are_single_ones)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf typed = BUF_INIT(100);
	struct db_value value;
	uint32_t node;

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/info.note", "a {{b}} c");
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert(db_node_value(db, node, "info.note", &value));
	ck_assert_int_eq(value.kind, DB_PLAIN);
	ck_assert_str_eq(value.text, "a {b} c");
	ck_assert_int_eq(expression_escape(value.text, value.len, &typed), 0);
	ck_assert_str_eq(buf_cstr(&typed), "a {{b}} c");
	/* braces mean nothing where there are no expressions */
	ck_assert_int_eq(put(db, "groups/d/noderange", "{{n1}}"), 0);
	ck_assert(db_group_find(db, "d", &node));
	ck_assert_str_eq(db_group_noderange(db, node), "{{n1}}");
}
END_TEST

START_TEST(what_is_no_expression_is_broken)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct db_value value;
	uint32_t node;

	put(db, "nodes/n1/groups", "");
	ck_assert_int_eq(put(db, "nodes/n1/info.note", "{n1"), 0);
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert(db_node_value(db, node, "info.note", &value));
	ck_assert_int_eq(value.kind, DB_BROKEN);
	ck_assert_str_eq(value.text, "{n1");
	ck_assert(strncmp(text_of(db, "n1", "info.note"), "(broken: ", 9) == 0);
	put(db, "nodes/n1/custom.a", "<{info.note}>");
	ck_assert_str_eq(text_of(db, "n1", "custom.a"), "<>");
	put(db, "nodes/n1/custom.b", "{n7}");
	put(db, "nodes/n1/custom.c", "<{custom.b}>");
	ck_assert(strncmp(text_of(db, "n1", "custom.b"), "(broken: ", 9) == 0);
	ck_assert_str_eq(text_of(db, "n1", "custom.c"), "<>");
	put(db, "nodes/n1/custom.d", "{no.such}");
	ck_assert_str_eq(
		text_of(db, "n1", "custom.d"), "(broken: no.such is not a valid attribute name)");
}
END_TEST

START_TEST(secrets_are_empty_in_expressions)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/secret.hardwaremanagementpassword", "sealed:1:00112233:AAAA");
	put(db, "nodes/n1/crypted.rootpassword", "$6$a$b");
	put(db, "nodes/n1/custom.a",
		"<{bmcpass}{secret.hardwaremanagementpassword}{crypted.rootpassword}>");
	ck_assert_str_eq(text_of(db, "n1", "custom.a"), "<>");
}
END_TEST

START_TEST(a_circle_is_broken_and_named)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/custom.a", "{custom.b}");
	put(db, "nodes/n1/custom.b", "x{custom.c}");
	put(db, "nodes/n1/custom.c", "{custom.a}y");
	put(db, "nodes/n1/custom.d", "<{custom.b}>");
	put(db, "nodes/n1/custom.e", "{custom.e}");
	ck_assert_str_eq(text_of(db, "n1", "custom.a"),
		"(broken: attributes refer to each other in a circle: custom.b -> custom.c -> "
		"custom.a -> custom.b)");
	ck_assert_str_eq(text_of(db, "n1", "custom.d"),
		"(broken: attributes refer to each other in a circle: custom.b -> custom.c -> "
		"custom.a -> custom.b)");
	ck_assert_str_eq(text_of(db, "n1", "custom.e"),
		"(broken: attributes refer to each other in a circle: custom.e -> custom.e)");
	put(db, "nodes/n1/custom.c", "z");
	ck_assert_str_eq(text_of(db, "n1", "custom.a"), "xz");
	ck_assert_str_eq(text_of(db, "n1", "custom.d"), "<xz>");
}
END_TEST

START_TEST(references_end_somewhere)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	char key[64], value[64];

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/custom.0", "end");
	for (unsigned i = 1; i < 40; i++) {
		snprintf(key, sizeof(key), "nodes/n1/custom.x%u", i);
		snprintf(value, sizeof(value), "{custom.x%u}{custom.x%u}", i - 1, i - 1);
		put(db, key, i == 1 ? "e" : value);
	}
	ck_assert_str_eq(text_of(db, "n1", "custom.x5"), "eeeeeeeeeeeeeeee");
	/* twice as much with each level: the budget ends it, or the depth */
	ck_assert(strncmp(text_of(db, "n1", "custom.x31"), "(broken: ", 9) == 0);
	ck_assert_str_eq(text_of(db, "n1", "custom.x39"),
		"(broken: attributes refer to each other more than 32 levels deep)");
}
END_TEST

START_TEST(any_text_can_be_evaluated_on_a_node)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf out = BUF_INIT(100);
	CLEANUP(buf_done) struct buf small = BUF_INIT(4);
	struct err err;
	uint32_t node;

	put(db, "groups/g/noderange", "");
	put(db, "nodes/n7/groups", "g");
	put(db, "nodes/n7/id.index", "42");
	ck_assert(db_node_find(db, "n7", &node));
	ck_assert_int_eq(db_node_evaluate(db, node, "m{n1} {groups}{id.index}", &out, &err), 0);
	ck_assert_str_eq(buf_cstr(&out), "m7 42");
	ck_assert_int_eq(db_node_evaluate(db, node, "m{", &out, &err), -EINVAL);
	ck_assert_str_eq(buf_cstr(&out), "");
	ck_assert_int_eq(db_node_evaluate(db, node, "{node}{node}{node}", &small, &err), -EINVAL);
	ck_assert_str_eq(buf_cstr(&small), "");
}
END_TEST

static size_t managed(const struct db *db, const char *manager)
{
	return bitset_count(db_managed_by(db, manager));
}

START_TEST(managers_are_found_backwards)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "groups/g/noderange", "");
	put(db, "groups/g/collective.manager", "m1");
	put(db, "nodes/n1/groups", "g");
	put(db, "nodes/n2/groups", "g");
	put(db, "nodes/n3/groups", "");
	ck_assert_uint_eq(managed(db, "m1"), 2);
	ck_assert_uint_eq(managed(db, ""), 1);
	put(db, "nodes/n1/collective.manager", "m2");
	ck_assert_uint_eq(managed(db, "m1"), 1);
	ck_assert_uint_eq(managed(db, "m2"), 1);
	put(db, "groups/everything/collective.manager", "m3");
	ck_assert_uint_eq(managed(db, "m3"), 1);
	put(db, "groups/g/noderange", "n1");
	ck_assert_uint_eq(managed(db, "m3"), 2);
	ck_assert_uint_eq(managed(db, "m1"), 0);
	drop(db, "nodes/n1/collective.manager");
	ck_assert_uint_eq(managed(db, "m3"), 3);
	drop(db, "nodes/n3/groups");
	ck_assert_uint_eq(managed(db, "m3"), 2);
	put(db, "nodes/n4/groups", "");
	put(db, "nodes/n4/collective.manager", "m4");
	ck_assert_uint_eq(managed(db, "m3"), 2);
	ck_assert_uint_eq(managed(db, "m4"), 1);
	ck_assert_uint_eq(managed(db, "m"), 0);
}
END_TEST

START_TEST(managers_are_counted_without_looking_at_any_node)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/collective.manager", "m1");
	ck_assert_uint_eq(db_managed_count(db, "m1"), 0);
	ck_assert(db_managed_catch_up(db, 2));
	ck_assert_uint_eq(db_managed_count(db, "m1"), 1);
	put(db, "nodes/n1/collective.manager", "m2");
	ck_assert_uint_eq(db_managed_count(db, "m1"), 1);
	ck_assert_uint_eq(db_managed_count(db, "m2"), 0);
	ck_assert(db_managed_catch_up(db, 2));
	ck_assert_uint_eq(db_managed_count(db, "m1"), 0);
	ck_assert_uint_eq(db_managed_count(db, "m2"), 1);
}
END_TEST

START_TEST(a_text_that_is_too_long_for_a_manager_is_nobody)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(freep) char *text = xmalloc(DB_MANAGER_MAX + 2);

	memset(text, 'm', DB_MANAGER_MAX + 1);
	text[DB_MANAGER_MAX + 1] = '\0';
	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/collective.manager", text);
	put(db, "nodes/n2/groups", "");
	put(db, "nodes/n2/location.row", text + 1);
	put(db, "nodes/n2/collective.manager", "{location.row}");
	ck_assert_uint_eq(managed(db, ""), 1);
	ck_assert_uint_eq(managed(db, text), 0);
	ck_assert_uint_eq(managed(db, text + 1), 1);
	put(db, "nodes/n2/collective.manager", "m{location.row}");
	ck_assert_uint_eq(managed(db, ""), 2);
}
END_TEST

START_TEST(managers_may_depend_on_other_attributes)
{
	CLEANUP(db_freep) struct db *db = db_new(1);

	put(db, "groups/everything/collective.manager", "m-{location.row}");
	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n2/groups", "");
	ck_assert_uint_eq(managed(db, "m-"), 2);
	put(db, "nodes/n1/location.row", "a");
	ck_assert_uint_eq(managed(db, "m-a"), 1);
	put(db, "groups/everything/location.row", "b");
	ck_assert_uint_eq(managed(db, "m-b"), 1);
	ck_assert_uint_eq(managed(db, "m-"), 0);
	drop(db, "nodes/n1/location.row");
	ck_assert_uint_eq(managed(db, "m-b"), 2);
	put(db, "groups/everything/collective.manager", "{n9}");
	ck_assert_uint_eq(managed(db, ""), 2);
}
END_TEST

START_TEST(the_index_catches_up_in_slices)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	char key[64];

	ck_assert(db_managed_catch_up(db, 1));
	for (unsigned i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "nodes/n%u/groups", i);
		put(db, key, "");
	}
	put(db, "groups/everything/collective.manager", "m1");
	ck_assert(!db_managed_catch_up(db, 4));
	ck_assert(!db_managed_catch_up(db, 4));
	drop(db, "nodes/n9/groups");
	ck_assert(db_managed_catch_up(db, 1));
	ck_assert_uint_eq(managed(db, "m1"), 9);
	put(db, "groups/everything/collective.manager", "m2");
	ck_assert(!db_managed_catch_up(db, 8));
	ck_assert_uint_eq(managed(db, "m2"), 9);
}
END_TEST

START_TEST(what_takes_too_much_work_is_broken)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);

	put(db, "nodes/n1/groups", "");
	for (unsigned i = 0; i < 2000; i++)
		ck_assert_int_eq(buf_str(&text, "{node.replace('n', 'nn')}"), 0);
	put(db, "nodes/n1/collective.manager", buf_cstr(&text));
	ck_assert_str_eq(text_of(db, "n1", "collective.manager"),
		"(broken: the expression takes too much work to evaluate)");
	ck_assert_uint_eq(managed(db, ""), 1);
}
END_TEST

/* ---- noderanges ---- */

static struct db *filtered(void)
{
	struct db *db = db_new(1);

	put(db, "groups/rack1/noderange", "");
	put(db, "groups/rack1/location.rack", "1");
	put(db, "groups/odd/noderange", "~[13579]$");
	put(db, "groups/n4/noderange", "");
	put(db, "nodes/n1/groups", "rack1");
	put(db, "nodes/n1/id.index", "1");
	put(db, "nodes/n1/net.eth0.switch", "sw1");
	put(db, "nodes/n1/net.bootable", "true");
	put(db, "nodes/n1/info.note", "{node}!");
	put(db, "nodes/n1/secret.ipmikg", "sealed:1:00:AA");
	put(db, "nodes/n2/groups", "rack1,n4");
	put(db, "nodes/n2/id.index", "2");
	put(db, "nodes/n2/net.mgt.switch", "sw2");
	put(db, "nodes/n2/crypted.rootpassword", "$6$sz$b");
	put(db, "nodes/n2/info.note", "{n9}");
	put(db, "nodes/n3/groups", "");
	put(db, "nodes/n4/groups", "");
	put(db, "nodes/n4/custom.role", "db");
	return db;
}

static const struct {
	const char *noderange, *result;
} filters[] = {
	{"everything", "n1,n2,n3,n4"},
	{"rack1", "n1,n2"},
	{"odd", "n1,n3"},
	{"n4", "n4"},
	{"location.rack=1", "n1,n2"},
	{"location.rack=", "n3,n4"},
	{"location.rack!=1", "n3,n4"},
	{"net.*switch=sw1", "n1"},
	{"net.*switch!=sw1", "n2,n3,n4"},
	{"net.*switch!~sw", "n3,n4"},
	{"net.*switch=", "n3,n4"},
	{"net.eth0.switch=sw1", "n1"},
	{"net.bootable=true", "n1"},
	{"id.index=2", "n2"},
	{"id.index=~^[12]$", "n1,n2"},
	{"groups=rack1", "n1,n2"},
	{"groups!=rack1", "n3,n4"},
	{"groups=everything", "n1,n2,n3,n4"},
	{"gr*=n4", "n2"},
	{"*=2", "n2"},
	{"info.note=n1!", "n1"},
	{"info.note=", "n2,n3,n4"},
	{"custom.role=db", "n4"},
	{"custom.*=db", "n4"},
	{"*.role=db", "n4"},
	{"secret.ipmikg=x", "! Filter by secret attributes is not supported"},
	{"crypted.rootpassword=x", ""},
	{"crypted.rootpassword=", "n1,n3,n4"},
	{"crypted.rootpassword!=", "n2"},
	{"crypted.rootpassword=~sz", ""},
	{"cry*=~.", ""},
	{"custom.nodesecret.x=y", "! Filter by secret attributes is not supported"},
	{"sec*=sealed:1:00:AA", ""},
	{"nosuch=x", "! nosuch is not a valid attribute name"},
	{"nosuch*=x", "! nosuch* is not a valid attribute name"},
	{"bmc=x", "! bmc is not a valid attribute name"},
	{"noderange=x", "! noderange is not a valid attribute name"},
	{"net.anything=", "n1,n2,n3,n4"},
};

START_TEST(noderanges_filter_by_what_nodes_have)
{
	CLEANUP(db_freep) struct db *db = filtered();
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(buf_done) struct buf got = BUF_INIT(1000);
	CLEANUP(freep) uint32_t *sorted = NULL;
	const struct noderange_source source = db_noderange_source(db);
	const char *expected = filters[_i].result;
	struct err err;
	int rc = noderange_evaluate(&source, filters[_i].noderange, &set, &err);
	size_t n;

	if (*expected == '!') {
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_msg(strncmp(err.text, expected + 2, strlen(expected + 2)) == 0, "%s: %s",
			filters[_i].noderange, err.text);
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", filters[_i].noderange, err.text);
	n = db_sorted(db, &set, &sorted);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(
			buf_printf(&got, "%s%s", i ? "," : "", db_node_name(db, sorted[i])), 0);
	ck_assert_msg(strcmp(buf_cstr(&got), expected) == 0, "%s: %s", filters[_i].noderange,
		buf_cstr(&got));
}
END_TEST

START_TEST(a_filter_on_costly_expressions_is_refused)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(buf_done) struct buf text = BUF_INIT(10000);
	const struct noderange_source source = db_noderange_source(db);
	struct err err = {""};
	char key[32];

	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(buf_str(&text, "{n1%7}-{node}"), 0);
	put(db, "groups/everything/info.note", buf_cstr(&text));
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "nodes/n%u/groups", i);
		put(db, key, "");
	}
	ck_assert_int_eq(noderange_evaluate(&source, "info.note=x", &set, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "takes too long to work out") != NULL, "%s", err.text);
	ck_assert_int_eq(noderange_evaluate(&source, "info.*=x", &set, &err), -EINVAL);
	/* of fewer nodes it can be answered */
	ck_assert_int_eq(noderange_evaluate(&source, "n1-n9@info.note=x", &set, &err), 0);
	ck_assert(bitset_empty(&set));
}
END_TEST

START_TEST(static_groups_may_stand_for_their_members)
{
	CLEANUP(db_freep) struct db *db = filtered();
	CLEANUP(freep) struct noderange_group *groups = NULL;
	CLEANUP(freep) char *text = NULL;
	const struct noderange_source source = db_noderange_source(db);
	size_t n;

	put(db, "groups/going/noderange", DB_LEAVING_DELETED);
	n = db_noderange_groups(db, &groups);
	/* neither the dynamic one, nor the one a node hides, nor the one that is leaving */
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(groups[0].name, "everything");
	ck_assert_str_eq(groups[1].name, "rack1");
	text = noderange_abbreviate(&source, groups[1].members, groups, n);
	ck_assert_str_eq(text, "rack1");
}
END_TEST

static void list_key(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	ck_assert_uint_eq(strlen(key), len);
	ck_assert_int_gt(revision, 0);
	ck_assert_int_eq(buf_printf(arg, "%s%s ", key, usable ? "" : "!"), 0);
}

START_TEST(the_raw_keys_of_an_object_are_listed)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf list = BUF_INIT(1000);

	put(db, "nodes/n1/groups", "a#");
	put(db, "nodes/n1/info.note", "x");
	put(db, "nodes/n1/nosuch", "x");
	put(db, "nodes/n12/nosuch", "x");
	put(db, "nodes/n1", "x");
	put(db, "groups/n1/info.note", "x");
	db_each_key(db, "nodes/n1/", list_key, &list);
	ck_assert_str_eq(buf_cstr(&list), "nodes/n1/groups! nodes/n1/info.note nodes/n1/nosuch! ");
	buf_reset(&list);
	db_each_key(db, "groups/n1/", list_key, &list);
	ck_assert_str_eq(buf_cstr(&list), "groups/n1/info.note! ");
	buf_reset(&list);
	drop(db, "nodes/n12/nosuch");
	db_each_key(db, "nodes/n12/", list_key, &list);
	ck_assert_str_eq(buf_cstr(&list), "");
}
END_TEST

static Suite *values_suite(void)
{
	Suite *suite = suite_create("model/db values");
	TCase *tcase = tcase_create("values");

	tcase_add_test(tcase, expressions_are_worked_out_when_they_are_read);
	tcase_add_test(tcase, doubled_braces_are_single_ones);
	tcase_add_test(tcase, what_is_no_expression_is_broken);
	tcase_add_test(tcase, secrets_are_empty_in_expressions);
	tcase_add_test(tcase, a_circle_is_broken_and_named);
	tcase_add_test(tcase, references_end_somewhere);
	tcase_add_test(tcase, any_text_can_be_evaluated_on_a_node);
	tcase_add_test(tcase, managers_are_found_backwards);
	tcase_add_test(tcase, a_text_that_is_too_long_for_a_manager_is_nobody);
	tcase_add_test(tcase, managers_are_counted_without_looking_at_any_node);
	tcase_add_test(tcase, managers_may_depend_on_other_attributes);
	tcase_add_test(tcase, the_index_catches_up_in_slices);
	tcase_add_test(tcase, what_takes_too_much_work_is_broken);
	tcase_add_loop_test(tcase, noderanges_filter_by_what_nodes_have, 0, ARRAY_SIZE(filters));
	tcase_add_test(tcase, a_filter_on_costly_expressions_is_refused);
	tcase_add_test(tcase, static_groups_may_stand_for_their_members);
	tcase_add_test(tcase, the_raw_keys_of_an_object_are_listed);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(values_suite)
