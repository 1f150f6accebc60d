#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_plan.h"

START_TEST(a_node_is_made_with_its_number_and_without_the_last_everything)
{
	WORLD(w, m);
	CLEANUP(freep) char *n1 = NULL;
	CLEANUP(freep) char *n2 = NULL;

	make_group(&w, &m, "rack1");
	make_nodes(&w, &m, "n1-n2", "rack1,everything");
	n1 = world_below(&w, "nodes/n1/");
	n2 = world_below(&w, "nodes/n2/");
	ck_assert_str_eq(n1, "groups=rack1 id.index=1");
	ck_assert_str_eq(n2, "groups=rack1 id.index=2");
	make_nodes(&w, &m, "n10", "everything,rack1");
	assert_key(&w, "nodes/n10/groups", "everything,rack1");
	make_nodes(&w, &m, "n11", NULL);
	assert_key(&w, "nodes/n11/groups", "");
	assert_key(&w, "nodes/n11/id.index", "4");
}
END_TEST

START_TEST(a_node_that_exists_is_changed_by_its_creation)
{
	WORLD(w, m);
	const struct plan_change change = {"location.rack", PLAN_TYPED, "7"};
	struct plan_outcome outcome;
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_create(&plan, m.db, "n4,n6", false, &change, 1, NULL), 0);
	ck_assert_uint_eq(plan_wants_numbers(plan), 1);
	run(&w, &m, plan);
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.applied, 2);
	plan_free(plan);
	assert_key(&w, "nodes/n4/id.index", "4");
	assert_key(&w, "nodes/n4/groups", "rack1");
	assert_key(&w, "nodes/n4/location.rack", "7");
	assert_key(&w, "nodes/n6/id.index", "6");
	assert_key(&w, "nodes/n6/location.rack", "7");
}
END_TEST

START_TEST(numbers_are_waited_for)
{
	WORLD(w, m);
	struct plan_unit *unit;
	struct plan *plan;

	ck_assert_int_eq(plan_new_node_create(&plan, m.db, "n1", true, NULL, 0, NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_WAIT);
	ck_assert_uint_eq(plan_wants_numbers(plan), 1);
	plan_give_numbers(plan, 41);
	ck_assert_uint_eq(plan_wants_numbers(plan), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	ck_assert(world_commit(&w, unit));
	plan_applied(plan, unit, w.revision);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_DONE);
	assert_key(&w, "nodes/n1/id.index", "41");
	plan_free(plan);
}
END_TEST

START_TEST(a_node_is_made_where_foreign_hands_left_keys)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;

	world_put(&w, "nodes/n1/location.u", "3");
	world_put(&w, "nodes/n1/nosuch", "3");
	world_put(&w, "nodes/n1/id.index", "77");
	member_see(&m, &w, w.revision);
	make_nodes(&w, &m, "n1", NULL);
	below = world_below(&w, "nodes/n1/");
	ck_assert_str_eq(below, "groups= id.index=1");
}
END_TEST

static const struct {
	const char *name;
	enum plan_how how;
	const char *value, *key, *stored;
} stored[] = {
	{"location.u", PLAN_TYPED, "{n1}", "location.u", "{n1}"},
	{"location.u", PLAN_TYPED, "a{{b", "location.u", "a{{b"},
	{"location.u", PLAN_VALUE, "a{b}", "location.u", "a{{b}}"},
	{"location.u", PLAN_EXPRESSION, "{n1+1}", "location.u", "{n1+1}"},
	{"location.u", PLAN_TYPED, "", "location.u", ""},
	{"bmc", PLAN_TYPED, "10.0.0.1", "hardwaremanagement.manager", "10.0.0.1"},
	{"net.bootable", PLAN_TYPED, "Enabled", "net.bootable", "true"},
	{"net.eth0.bootable", PLAN_TYPED, "no", "net.eth0.bootable", "false"},
	{"console.method", PLAN_TYPED, "ipmi", "console.method", "ipmi"},
	{"console.method", PLAN_TYPED, "", "console.method", ""},
	{"custom.a-b", PLAN_TYPED, "x", "custom.a-b", "x"},
	{"net.0.switch", PLAN_TYPED, "s1", "net.0.switch", "s1"},
	{"discovery.policy", PLAN_TYPED, "pxe,open", "discovery.policy", "pxe,open"},
	{"secret.ipmikg", PLAN_TYPED, "{x", "secret.ipmikg", "sealed:1:nodes/n1/secret.ipmikg:{x"},
	{"bmcpass", PLAN_TYPED, "", "secret.hardwaremanagementpassword",
		"sealed:1:nodes/n1/secret.hardwaremanagementpassword:"},
	{"custom.nodesecret.k", PLAN_VALUE, "v", "custom.nodesecret.k",
		"sealed:1:nodes/n1/custom.nodesecret.k:v"},
	{"crypted.rootpassword", PLAN_TYPED, "pw", "crypted.rootpassword", "$6$pw"},
	{"crypted.rootpassword", PLAN_TYPED, "", "crypted.rootpassword", ""},
	{"crypted.rootpassword", PLAN_HASHED,
		"$6$salt$"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaa",
		"crypted.rootpassword",
		"$6$salt$"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaa"},
	{"groups", PLAN_TYPED, "g2,rack1", "groups", "g2,rack1"},
	{"groups", PLAN_LIST, "g2,everything", "groups", "g2"},
	{"groups", PLAN_LIST, "everything,g2", "groups", "everything,g2"},
	{"groups", PLAN_PREPEND, "g2", "groups", "g2,rack1"},
	{"groups", PLAN_REMOVE, "rack1", "groups", ""},
	{"groups", PLAN_CLEAR, "", "groups", ""},
	{"groups", PLAN_TYPED, "", "groups", ""},
};

START_TEST(a_value_is_stored_so)
{
	WORLD(w, m);
	CLEANUP(freep) char *key = xasprintf("nodes/n1/%s", stored[_i].key);

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", stored[_i].name, stored[_i].how, stored[_i].value);
	assert_key(&w, key, stored[_i].stored);
	if (!text_eq(stored[_i].key, "groups")) {
		set_node(&w, &m, "n1", stored[_i].name, PLAN_CLEAR, "");
		assert_key(&w, key, NULL);
	}
}
END_TEST

START_TEST(what_is_so_already_is_not_written)
{
	WORLD(w, m);
	int64_t before;

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", "location.u", PLAN_VALUE, "{x}");
	set_node(&w, &m, "n1", "custom.x", PLAN_TYPED, "{n1}");
	before = w.revision;
	set_node(&w, &m, "n1", "location.u", PLAN_TYPED, "{{x}}");
	set_node(&w, &m, "n1", "custom.x", PLAN_EXPRESSION, "{n1}");
	set_node(&w, &m, "n1-n4", "groups", PLAN_TYPED, "rack1");
	set_node(&w, &m, "n1", "location.row", PLAN_CLEAR, "");
	ck_assert_int_eq(w.revision, before);
}
END_TEST

START_TEST(an_odd_value_is_overwritten_or_cleared)
{
	WORLD(w, m);

	furnish_nodes(&w, &m);
	world_put(&w, "nodes/n1/crypted.rootpassword", "clear");
	world_put(&w, "nodes/n2/net.bootable", "maybe");
	member_see(&m, &w, w.revision);
	set_node(&w, &m, "n1", "crypted.rootpassword", PLAN_TYPED, "pw");
	set_node(&w, &m, "n2", "net.bootable", PLAN_CLEAR, "");
	assert_key(&w, "nodes/n1/crypted.rootpassword", "$6$pw");
	assert_key(&w, "nodes/n2/net.bootable", NULL);
}
END_TEST

START_TEST(a_pattern_stands_for_what_is_present)
{
	WORLD(w, m);

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", "location.u", PLAN_TYPED, "3");
	set_node(&w, &m, "n1", "info.note", PLAN_TYPED, "3");
	set_node(&w, &m, "n1-n2", "location.*", PLAN_TYPED, "z");
	assert_key(&w, "nodes/n1/location.u", "z");
	assert_key(&w, "nodes/n1/location.room", "z");
	assert_key(&w, "nodes/n2/location.room", "z");
	assert_key(&w, "nodes/n2/location.u", NULL);
	set_node(&w, &m, "n1", "*", PLAN_CLEAR, "");
	assert_key(&w, "nodes/n1/info.note", NULL);
	assert_key(&w, "nodes/n1/groups", "rack1");
	assert_key(&w, "nodes/n1/id.index", "1");
	set_node(&w, &m, "n5", "net.*", PLAN_TYPED, "nothing");
}
END_TEST

static void collect(const char *text, void *arg)
{
	char *joined = arg;

	ck_assert_uint_lt(strlen(joined) + strlen(text) + 2, 2000);
	snprintf(joined + strlen(joined), 2000 - strlen(joined), "%s|", text);
}

START_TEST(clears_are_warned_of)
{
	WORLD(w, m);
	const struct plan_change changes[] = {{"location.room", PLAN_CLEAR, ""},
		{"location.u", PLAN_CLEAR, ""}, {"net.*", PLAN_CLEAR, ""}};
	char warnings[2000] = "", names[2000] = "";
	struct plan *plan;

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", "location.room", PLAN_TYPED, "y");
	set_node(&w, &m, "n1", "location.u", PLAN_TYPED, "y");
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1-n2", changes, 3, NULL), 0);
	run(&w, &m, plan);
	plan_each_warning(plan, "n1", collect, warnings);
	ck_assert_str_eq(warnings,
		"The attribute \"location.room\" was defined specifically for the node and "
		"clearing now has a value inherited from the group \"rack1\"|"
		"Attribute \"net.*\" is either already cleared, or does not match a defined "
		"attribute (if referencing an attribute group, try a wildcard)|");
	*warnings = '\0';
	plan_each_warning(plan, "n2", collect, warnings);
	ck_assert_str_eq(warnings,
		"The attribute \"location.room\" is inherited from group \"rack1\", leaving the "
		"inherited value alone (use \"location.room=\" with no value to explicitly blank "
		"the value if desired)|"
		"Attribute \"location.u\" is either already cleared, or does not match a defined "
		"attribute (if referencing an attribute group, try a wildcard)|"
		"Attribute \"net.*\" is either already cleared, or does not match a defined "
		"attribute (if referencing an attribute group, try a wildcard)|");
	plan_each_name(plan, collect, names);
	ck_assert_str_eq(names, "location.room|location.u|");
	plan_free(plan);
}
END_TEST

START_TEST(a_pattern_names_what_it_met)
{
	WORLD(w, m);
	const struct plan_change changes[] = {
		{"location.*", PLAN_TYPED, "q"}, {"bmc", PLAN_TYPED, "q"}};
	char names[2000] = "";
	struct plan *plan;

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n3", "location.u", PLAN_TYPED, "y");
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1-n3", changes, 2, NULL), 0);
	plan_each_name(plan, collect, names);
	ck_assert_str_eq(names, "hardwaremanagement.manager|location.room|location.u|");
	plan_free(plan);
}
END_TEST

START_TEST(the_lock_has_its_own_way)
{
	WORLD(w, m);
	struct plan *plan;
	struct err err;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_lock(&plan, m.db, "n1-n2", "locked", NULL), 0);
	carry_out(&w, &m, plan);
	assert_key(&w, "nodes/n1/deployment.lock", "locked");
	ck_assert_int_eq(plan_new_node_lock(&plan, m.db, "n1", "closed", &err), -EINVAL);
	ck_assert_str_eq(err.text, "Bad Request - a deployment lock can't be \"closed\" (unlocked, "
				   "locked or autolock)");
	set_node(&w, &m, "n3", "deployment.pendingprofile", PLAN_TYPED, "p");
	set_node(&w, &m, "n1", "deployment.*", PLAN_CLEAR, "");
	assert_key(&w, "nodes/n1/deployment.lock", "locked");
}
END_TEST

START_TEST(a_lock_that_comes_in_between_holds)
{
	WORLD(w, m);
	const struct plan_change change = {"deployment.pendingprofile", PLAN_TYPED, "p"};
	struct plan_outcome outcome;
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", &change, 1, NULL), 0);
	world_put(&w, "nodes/n1/deployment.lock", "locked");
	run(&w, &m, plan);
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.applied, 0);
	ck_assert_str_eq(
		outcome.why, "Request to set deployment for a node that has locked deployment");
	plan_free(plan);
	assert_key(&w, "nodes/n1/deployment.pendingprofile", NULL);
}
END_TEST

START_TEST(a_node_goes_with_all_that_is_below_it)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	furnish_nodes(&w, &m);
	world_put(&w, "nodes/n2/nosuch", "x");
	member_see(&m, &w, w.revision);
	ck_assert_int_eq(plan_new_node_delete(&plan, m.db, "n1-n3", NULL), 0);
	world_delete(&w, "nodes/n3/groups");
	world_delete(&w, "nodes/n3/id.index");
	carry_out(&w, &m, plan);
	below = world_below(&w, "nodes/n");
	ck_assert_str_eq(below, "4/groups=rack1 4/id.index=4 5/groups= 5/id.index=5");
	ck_assert_int_eq(plan_new_node_delete(&plan, m.db, "n4,-n4", NULL), 0);
	carry_out(&w, &m, plan);
}
END_TEST

START_TEST(a_renamed_node_is_what_it_was)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", "location.u", PLAN_VALUE, "{1}");
	set_node(&w, &m, "n1", "location.row", PLAN_TYPED, "{n1}");
	set_node(&w, &m, "n1", "secret.ipmikg", PLAN_TYPED, "word");
	set_node(&w, &m, "n1", "crypted.rootpassword", PLAN_TYPED, "pw");
	ck_assert_int_eq(plan_new_node_rename(&plan, m.db, "n1-n2", "m{n1}", NULL), 0);
	carry_out(&w, &m, plan);
	below = world_below(&w, "nodes/");
	ck_assert_str_eq(below,
		"m1/crypted.rootpassword=$6$pw m1/groups=rack1 m1/id.index=1 m1/location.row={n1} "
		"m1/location.u={{1}} m1/secret.ipmikg=sealed:1:nodes/m1/secret.ipmikg:word "
		"m2/groups=rack1 m2/id.index=2 n3/groups=rack1 n3/id.index=3 n4/groups=rack1 "
		"n4/id.index=4 n5/groups= n5/id.index=5");
}
END_TEST

START_TEST(an_attribute_that_comes_during_a_rename_comes_along)
{
	WORLD(w, m);
	struct plan_unit *unit;
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_rename(&plan, m.db, "n1", "m1", NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	world_put(&w, "nodes/n1/location.u", "7");
	ck_assert(!world_commit(&w, unit));
	plan_again(plan, unit, w.revision);
	carry_out(&w, &m, plan);
	assert_key(&w, "nodes/m1/location.u", "7");
	assert_key(&w, "nodes/n1/location.u", NULL);
}
END_TEST

START_TEST(a_node_with_keys_that_cant_be_used_is_not_renamed)
{
	WORLD(w, m);
	struct plan_outcome outcome;
	struct plan *plan;

	furnish_nodes(&w, &m);
	world_put(&w, "nodes/n1/nosuch", "7");
	member_see(&m, &w, w.revision);
	ck_assert_int_eq(plan_new_node_rename(&plan, m.db, "n1", "m1", NULL), 0);
	run(&w, &m, plan);
	plan_outcome(plan, &outcome);
	ck_assert_str_eq(outcome.why,
		"the key nodes/n1/nosuch can't be used, and would get lost: delete it first");
	plan_free(plan);
}
END_TEST

START_TEST(a_report_says_what_was_done)
{
	WORLD(w, m);
	const struct plan_change change = {"location.u", PLAN_TYPED, "1"};
	CLEANUP(freep) char *report = NULL;
	struct plan_outcome outcome;
	struct plan_unit *unit;
	struct plan *plan;

	furnish_nodes(&w, &m);
	make_nodes(&w, &m, "n6-n9", NULL);
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1-n9", &change, 1, NULL), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
		ck_assert(world_commit(&w, unit));
		plan_applied(plan, unit, w.revision);
	}
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	plan_lost(plan, unit, PLAN_UNKNOWN, "no answer");
	plan_stop(plan, "etcd is full");
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_DONE);
	report = plan_report(plan);
	ck_assert_str_eq(report, "4 of 9 nodes were changed (n[1:4]); n[6:9] were not; of n5 it is "
				 "not known: no answer");
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.wanted, 9);
	ck_assert_uint_eq(outcome.applied, 4);
	ck_assert_uint_eq(outcome.unknown, 1);
	ck_assert_int_eq(outcome.revision, w.revision);
	plan_free(plan);
}
END_TEST

START_TEST(a_plan_that_is_stopped_still_counts_what_is_out)
{
	WORLD(w, m);
	const struct plan_change change = {"location.u", PLAN_TYPED, "1"};
	CLEANUP(freep) char *report = NULL;
	struct plan_unit *unit[2];
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1-n3", &change, 1, NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit[0]), PLAN_UNIT);
	ck_assert_int_eq(plan_next(plan, m.db, &unit[1]), PLAN_UNIT);
	plan_stop(plan, "etcd is full");
	ck_assert_int_eq(plan_next(plan, m.db, &unit[0]), PLAN_WAIT);
	plan_applied(plan, unit[1], 99);
	plan_again(plan, unit[0], 99);
	ck_assert_int_eq(plan_next(plan, m.db, &unit[0]), PLAN_DONE);
	report = plan_report(plan);
	ck_assert_str_eq(report, "1 of 3 nodes was changed (n2); n[1,3] were not: etcd is full");
	plan_free(plan);
}
END_TEST

START_TEST(a_plan_that_is_stopped_when_all_of_it_is_out_may_still_succeed)
{
	WORLD(w, m);
	const struct plan_change change = {"location.u", PLAN_TYPED, "1"};
	struct plan_outcome outcome;
	struct plan_unit *unit;
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", &change, 1, NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	plan_stop(plan, "no quorum");
	plan_applied(plan, unit, 99);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_DONE);
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.applied, 1);
	ck_assert_ptr_null(outcome.why);
	plan_free(plan);
}
END_TEST

START_TEST(a_node_that_goes_meanwhile_is_told_and_the_rest_is_done)
{
	WORLD(w, m);
	const struct plan_change change = {"location.u", PLAN_TYPED, "1"};
	CLEANUP(freep) char *report = NULL;
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1-n3", &change, 1, NULL), 0);
	world_delete(&w, "nodes/n2/groups");
	world_delete(&w, "nodes/n2/id.index");
	run(&w, &m, plan);
	report = plan_report(plan);
	ck_assert_str_eq(report, "2 of 3 nodes were changed (n[1,3]); n2 was not: node n2 does not "
				 "exist any more");
	below = world_below(&w, "nodes/n2/");
	ck_assert_str_eq(below, "");
	plan_free(plan);
}
END_TEST

START_TEST(many_that_need_nothing_take_turns)
{
	CLEANUP(member_done) struct member m;
	const struct plan_change change = {"location.u", PLAN_CLEAR, ""};
	struct plan_outcome outcome;
	struct plan_unit *unit;
	struct plan *plan;
	char key[64];

	member_init(&m);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "nodes/n%d/groups", i);
		ck_assert_int_eq(db_put(m.db, key, strlen(key), "", 0, i + 1, NULL), 0);
	}
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "everything", &change, 1, NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_MORE);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_DONE);
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.applied, 5000);
	plan_free(plan);
}
END_TEST

Suite *plan_suite(void)
{
	Suite *suite = suite_create("model plan");
	TCase *tc = tcase_create("nodes");

	tcase_add_test(tc, a_node_is_made_with_its_number_and_without_the_last_everything);
	tcase_add_test(tc, a_node_that_exists_is_changed_by_its_creation);
	tcase_add_test(tc, numbers_are_waited_for);
	tcase_add_test(tc, a_node_is_made_where_foreign_hands_left_keys);
	tcase_add_loop_test(tc, a_value_is_stored_so, 0, (int)ARRAY_SIZE(stored));
	tcase_add_test(tc, what_is_so_already_is_not_written);
	tcase_add_test(tc, an_odd_value_is_overwritten_or_cleared);
	tcase_add_test(tc, a_pattern_stands_for_what_is_present);
	tcase_add_test(tc, clears_are_warned_of);
	tcase_add_test(tc, a_pattern_names_what_it_met);
	tcase_add_test(tc, the_lock_has_its_own_way);
	tcase_add_test(tc, a_lock_that_comes_in_between_holds);
	tcase_add_test(tc, a_node_goes_with_all_that_is_below_it);
	tcase_add_test(tc, a_renamed_node_is_what_it_was);
	tcase_add_test(tc, an_attribute_that_comes_during_a_rename_comes_along);
	tcase_add_test(tc, a_node_with_keys_that_cant_be_used_is_not_renamed);
	tcase_add_test(tc, a_report_says_what_was_done);
	tcase_add_test(tc, a_plan_that_is_stopped_still_counts_what_is_out);
	tcase_add_test(tc, a_plan_that_is_stopped_when_all_of_it_is_out_may_still_succeed);
	tcase_add_test(tc, a_node_that_goes_meanwhile_is_told_and_the_rest_is_done);
	tcase_add_test(tc, many_that_need_nothing_take_turns);
	suite_add_tcase(suite, tc);
	add_refused_cases(suite);
	add_group_cases(suite);
	add_race_cases(suite);
	return suite;
}

SUITE_MAIN(plan_suite)
