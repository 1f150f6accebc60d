#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/test_model_plan.h"

static void furnish(struct world *w, struct member *m)
{
	make_group(w, m, "rack1");
	make_group(w, m, "g2");
	make_group(w, m, "dyn");
	make_nodes(w, m, "n1-n3", "rack1");
	make_nodes(w, m, "n4", "g2,rack1,everything");
	make_nodes(w, m, "n5", NULL);
	set_group(w, m, "rack1", "location.room", PLAN_TYPED, "x");
	set_group(w, m, "dyn", "noderange", PLAN_TYPED, "n1-n2");
}

static void assert_report(struct plan *plan, const char *expected)
{
	CLEANUP(freep) char *report = plan_report(plan);

	ck_assert_str_eq(report, expected);
	plan_free(plan);
}

START_TEST(a_group_is_made_with_its_members)
{
	WORLD(w, m);
	const struct plan_change changes[] = {{"location.u", PLAN_TYPED, "{n1}"},
		{"nodes", PLAN_TYPED, "n1-n2"}, {"secret.ipmikg", PLAN_TYPED, "k"}};
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	make_nodes(&w, &m, "n1-n3", NULL);
	world_put(&w, "groups/g/location.u", "rubble");
	world_put(&w, "groups/g/location.rack", "rubble");
	member_see(&m, &w, w.revision);
	ck_assert_int_eq(plan_new_group_create(&plan, m.db, "g", changes, 3, NULL), 0);
	run(&w, &m, plan);
	assert_report(plan, "1 group was created (g); 2 nodes were changed (n[1:2])");
	below = world_below(&w, "");
	ck_assert_str_eq(below, "groups/g/location.u={n1} groups/g/noderange= "
				"groups/g/secret.ipmikg=sealed:1:groups/g/secret.ipmikg:k "
				"nodes/n1/groups=g nodes/n1/id.index=1 nodes/n2/groups=g "
				"nodes/n2/id.index=2 nodes/n3/groups= nodes/n3/id.index=3");
	/* once more: nothing to write */
	ck_assert_int_eq(plan_new_group_create(&plan, m.db, "g", changes, 2, NULL), 0);
	run(&w, &m, plan);
	assert_report(plan, "1 group was created (g)");
}
END_TEST

static const struct {
	enum plan_how how;
	const char *value;
	const char *lists; /* of n1, n4, n5 */
} members[] = {
	{PLAN_TYPED, "n1,n5", "rack1 g2 rack1"},
	{PLAN_LIST, "n5,n4", " g2,rack1 rack1"},
	{PLAN_PREPEND, "n5", "rack1 g2,rack1 rack1"},
	{PLAN_REMOVE, "n1,n4", " g2 "},
	{PLAN_REMOVE, "rack1", " g2 "},
	{PLAN_CLEAR, "", " g2 "},
	{PLAN_TYPED, "", " g2 "},
};

START_TEST(members_are_changed_through_their_group)
{
	WORLD(w, m);
	CLEANUP(freep) char *lists = NULL;

	furnish(&w, &m);
	set_group(&w, &m, "rack1", "nodes", members[_i].how, members[_i].value);
	lists = xasprintf("%s %s %s", world_value(&w, "nodes/n1/groups"),
		world_value(&w, "nodes/n4/groups"), world_value(&w, "nodes/n5/groups"));
	ck_assert_str_eq(lists, members[_i].lists);
}
END_TEST

START_TEST(group_attributes_are_set_and_cleared)
{
	WORLD(w, m);
	int64_t before;

	furnish(&w, &m);
	set_group(&w, &m, "rack1", "console.method", PLAN_TYPED, "ipmi");
	set_group(&w, &m, "everything", "location.row", PLAN_TYPED, "ev");
	assert_key(&w, "groups/rack1/console.method", "ipmi");
	assert_key(&w, "groups/everything/location.row", "ev");
	assert_key(&w, "groups/everything/noderange", NULL);
	set_group(&w, &m, "rack1", "console.method", PLAN_CLEAR, "");
	assert_key(&w, "groups/rack1/console.method", NULL);
	before = w.revision;
	set_group(&w, &m, "rack1", "console.method", PLAN_CLEAR, "");
	set_group(&w, &m, "rack1", "nosuch", PLAN_CLEAR, "");
	set_group(&w, &m, "rack1", "net.*", PLAN_CLEAR, "");
	set_group(&w, &m, "rack1", "groups", PLAN_CLEAR, "");
	set_group(&w, &m, "rack1", "location.room", PLAN_TYPED, "x");
	ck_assert_int_eq(w.revision, before);
}
END_TEST

START_TEST(a_noderange_comes_and_goes)
{
	WORLD(w, m);

	furnish(&w, &m);
	assert_key(&w, "groups/dyn/noderange", "n1-n2");
	set_group(&w, &m, "dyn", "noderange", PLAN_TYPED, "n3");
	assert_key(&w, "groups/dyn/noderange", "n3");
	set_group(&w, &m, "dyn", "noderange", PLAN_CLEAR, "");
	assert_key(&w, "groups/dyn/noderange", "");
	set_group(&w, &m, "dyn", "nodes", PLAN_TYPED, "n3");
	assert_key(&w, "nodes/n3/groups", "dyn,rack1");
}
END_TEST

START_TEST(who_joined_before_a_noderange_came_keeps_it_out)
{
	WORLD(w, m);
	const struct plan_change change = {"noderange", PLAN_TYPED, "n1"};
	struct plan_unit *unit;
	struct plan *plan;

	furnish(&w, &m);
	make_group(&w, &m, "young");
	ck_assert_int_eq(plan_new_group_set(&plan, m.db, "young", &change, 1, NULL), 0);
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	world_put(&w, "nodes/n5/groups", "young");
	ck_assert(world_commit(&w, unit));
	plan_applied(plan, unit, w.revision);
	run(&w, &m, plan);
	assert_report(plan, "0 of 1 group were changed; young was not: Cannot set both nodes and "
			    "noderange on group");
	assert_key(&w, "groups/young/noderange", "");
}
END_TEST

START_TEST(a_noderange_that_was_interrupted_is_completed)
{
	WORLD(w, m);
	const struct plan_change change = {"location.u", PLAN_TYPED, "n1"};
	struct plan *plan;
	struct err err;

	furnish(&w, &m);
	world_put(&w, "groups/g3/noderange", DB_LEAVING "given a noderange");
	member_see(&m, &w, w.revision);
	ck_assert_int_eq(plan_new_group_set(&plan, m.db, "g3", &change, 1, &err), -EINVAL);
	ck_assert_str_eq(err.text, "Bad Request - group g3 is being given a noderange: "
				   "nodegroupattrib g3 noderange=... completes that");
	set_group(&w, &m, "g3", "noderange", PLAN_TYPED, "n1");
	assert_key(&w, "groups/g3/noderange", "n1");
}
END_TEST

START_TEST(a_deleted_group_is_listed_nowhere)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	furnish(&w, &m);
	ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "rack1", NULL), 0);
	run(&w, &m, plan);
	assert_report(plan, "1 group was deleted (rack1)");
	below = world_below(&w, "groups/");
	ck_assert_str_eq(below, "dyn/noderange=n1-n2 g2/noderange=");
	assert_key(&w, "nodes/n1/groups", "");
	assert_key(&w, "nodes/n4/groups", "g2");
	ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "dyn", NULL), 0);
	carry_out(&w, &m, plan);
	assert_key(&w, "groups/dyn/noderange", NULL);
	ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "nosuch", NULL), 0);
	carry_out(&w, &m, plan);
}
END_TEST

START_TEST(a_renamed_group_keeps_its_places)
{
	WORLD(w, m);
	CLEANUP(freep) char *below = NULL;
	struct plan *plan;

	furnish(&w, &m);
	set_group(&w, &m, "rack1", "secret.ipmikg", PLAN_TYPED, "k");
	set_group(&w, &m, "rack1", "location.u", PLAN_TYPED, "{n1}{{");
	ck_assert_int_eq(plan_new_group_rename(&plan, m.db, "rack1", "rack2", NULL), 0);
	run(&w, &m, plan);
	assert_report(plan, "1 group was renamed (rack1)");
	below = world_below(&w, "groups/rack");
	ck_assert_str_eq(below, "2/location.room=x 2/location.u={n1}{{ 2/noderange= "
				"2/secret.ipmikg=sealed:1:groups/rack2/secret.ipmikg:k");
	assert_key(&w, "nodes/n1/groups", "rack2");
	assert_key(&w, "nodes/n4/groups", "g2,rack2");
	ck_assert_int_eq(plan_new_group_rename(&plan, m.db, "dyn", "dyn2", NULL), 0);
	carry_out(&w, &m, plan);
	assert_key(&w, "groups/dyn2/noderange", "n1-n2");
	assert_key(&w, "groups/dyn/noderange", NULL);
}
END_TEST

/* Takes the group apart, but stops after so many units. */
static void interrupt(struct world *w, struct member *m, struct plan *plan, int units)
{
	struct plan_unit *unit;
	enum plan_step step;

	while (units > 0) {
		step = plan_next(plan, m->db, &unit);
		if (step == PLAN_DONE)
			break;
		if (step == PLAN_UNIT) {
			ck_assert(world_commit(w, unit));
			plan_applied(plan, unit, w->revision);
			units--;
		} else {
			member_see(m, w, w->revision);
		}
	}
	member_see(m, w, w->revision);
	plan_stop(plan, "killed");
	ck_assert_int_eq(plan_next(plan, m->db, &unit), PLAN_DONE);
}

START_TEST(a_removal_that_was_interrupted_is_completed)
{
	WORLD(w, m);
	const struct plan_change attribute = {"location.u", PLAN_TYPED, "1"};
	const struct plan_change join = {"groups", PLAN_PREPEND, "rack1"};
	struct plan *plan;
	struct err err;

	furnish(&w, &m);
	ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "rack1", NULL), 0);
	interrupt(&w, &m, plan, _i);
	if (_i > 1)
		assert_report(plan, "0 of 1 group were deleted; rack1 was not: killed (the same "
				    "command, run again, completes what was begun)");
	else
		plan_free(plan);
	if (_i > 0) {
		static const char text[] = "Bad Request - group rack1 is being deleted: "
					   "nodegroupremove rack1 completes that";

		ck_assert_int_eq(
			plan_new_group_create(&plan, m.db, "rack1", NULL, 0, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(
			plan_new_group_set(&plan, m.db, "rack1", &attribute, 1, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n5", &join, 1, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(plan_new_group_rename(&plan, m.db, "rack1", "x", &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
	}
	ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "rack1", NULL), 0);
	carry_out(&w, &m, plan);
	assert_key(&w, "groups/rack1/noderange", NULL);
	assert_key(&w, "groups/rack1/location.room", NULL);
	assert_key(&w, "nodes/n1/groups", "");
	assert_key(&w, "nodes/n4/groups", "g2");
}
END_TEST

START_TEST(a_rename_that_was_interrupted_is_completed)
{
	WORLD(w, m);
	const struct plan_change dynamic = {"noderange", PLAN_TYPED, "n1"};
	struct plan *plan;
	struct err err;

	furnish(&w, &m);
	ck_assert_int_eq(plan_new_group_rename(&plan, m.db, "rack1", "rack2", NULL), 0);
	interrupt(&w, &m, plan, _i);
	plan_free(plan);
	if (_i > 0) {
		static const char text[] =
			"Bad Request - group rack1 is being renamed to rack2: nodegrouprename "
			"rack1 rack2 completes that";

		ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "rack1", &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(
			plan_new_group_rename(&plan, m.db, "rack1", "rack3", &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(plan_new_group_delete(&plan, m.db, "rack2", &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_int_eq(
			plan_new_group_set(&plan, m.db, "rack2", &dynamic, 1, &err), -EINVAL);
		ck_assert_str_eq(err.text, text);
		set_group(&w, &m, "rack2", "location.u", PLAN_TYPED, "meanwhile");
	}
	ck_assert_int_eq(plan_new_group_rename(&plan, m.db, "rack1", "rack2", NULL), 0);
	carry_out(&w, &m, plan);
	assert_key(&w, "groups/rack1/noderange", NULL);
	assert_key(&w, "groups/rack2/noderange", "");
	assert_key(&w, "groups/rack2/location.room", "x");
	assert_key(&w, "groups/rack2/location.u", _i > 0 ? "meanwhile" : NULL);
	assert_key(&w, "nodes/n1/groups", "rack2");
	assert_key(&w, "nodes/n4/groups", "g2,rack2");
}
END_TEST

/* What a request is refused with. */
enum request { SET, CREATE, DELETE, RENAME };
static const struct {
	enum request request;
	const char *group, *name;
	enum plan_how how;
	const char *value, *text;
} refused[] = {
	{SET, "rack1", NULL, PLAN_TYPED, "", "no request data provided"},
	{SET, "rack1", "bogus", PLAN_TYPED, "x", "bogus attribute is invalid"},
	{SET, "rack1", "groups", PLAN_TYPED, "x", "groups attribute is invalid"},
	{SET, "rack1", "deployment.lock", PLAN_TYPED, "x", "deployment.lock attribute is invalid"},
	{SET, "rack1", "location.*", PLAN_TYPED, "x", "location.* attribute is invalid"},
	{SET, "rack1", "console.method", PLAN_TYPED, "telnet",
		"Attribute console.method does not accept value telnet"},
	{SET, "nosuch", "type", PLAN_TYPED, "", "nosuch group does not exist"},
	{SET, "rack1", "nodes", PLAN_PREPEND, "n5,n3", "n3 is already in group rack1"},
	{SET, "rack1", "nodes", PLAN_REMOVE, "n1,n5", "node \"n5\" is not a member of rack1"},
	{SET, "rack1", "nodes", PLAN_LIST, "n1,nope", "nope node does not exist to add to rack1"},
	{SET, "rack1", "nodes", PLAN_TYPED, "n1,n7", "n7 not a recognized node, group, or alias"},
	{SET, "rack1", "nodes", PLAN_EXPRESSION, "{n1}", "nodes attribute on group must be list"},
	{SET, "everything", "nodes", PLAN_TYPED, "n1", "all nodes are members of group everything"},
	{SET, "dyn", "location.u", PLAN_TYPED, "x",
		"Attributes cannot be set on a group with a noderange"},
	{SET, "dyn", "nodes", PLAN_TYPED, "n1",
		"Attributes cannot be set on a group with a noderange"},
	{SET, "attributes", "noderange", PLAN_TYPED, "n1",
		"Cannot set noderange on a group with attributes"},
	{SET, "rack1", "noderange", PLAN_TYPED, "n1",
		"Cannot set both nodes and noderange on group"},
	{SET, "g2", "noderange", PLAN_TYPED, "# being deleted", "no noderange begins with '#'"},
	{SET, "everything", "noderange", PLAN_TYPED, "n1",
		"all nodes are members of group everything, it has no noderange"},
	{CREATE, "g#1", NULL, PLAN_TYPED, "", "\"g#1\" is not a valid group name"},
	{CREATE, "", NULL, PLAN_TYPED, "", "\"\" is not a valid group name"},
	{CREATE, "new", "bogus", PLAN_TYPED, "x", "bogus attribute is invalid"},
	{CREATE, "new", "nodes", PLAN_TYPED, "nosuch", "nosuch not a recognized node"},
	{CREATE, "new", "nodes", PLAN_REMOVE, "n1", "node \"n1\" is not a member of new"},
	{DELETE, "everything", NULL, PLAN_TYPED, "", "group everything can't be deleted"},
	{RENAME, "everything", "x", PLAN_TYPED, "", "group everything can't be renamed"},
	{RENAME, "rack1", "everything", PLAN_TYPED, "",
		"The following requested new names conflict with existing groups: everything"},
	{RENAME, "rack1", "rack1", PLAN_TYPED, "",
		"The following requested new names conflict with existing groups: rack1"},
	{RENAME, "nosuch", "x", PLAN_TYPED, "",
		"The following groups to rename do not exist: nosuch"},
	{RENAME, "rack1", "a b", PLAN_TYPED, "", "\"a b\" is not a valid group name"},
};

START_TEST(a_request_for_a_group_is_refused)
{
	WORLD(w, m);
	const struct plan_change change = {refused[_i].name, refused[_i].how, refused[_i].value};
	CLEANUP(freep) char *text = xasprintf("Bad Request - %s", refused[_i].text);
	size_t n = change.name ? 1 : 0;
	struct plan *plan = NULL;
	struct err err = {""};
	int rc = 0;

	furnish(&w, &m);
	make_group(&w, &m, "attributes");
	set_group(&w, &m, "attributes", "location.u", PLAN_TYPED, "x");
	switch (refused[_i].request) {
	case SET:
		rc = plan_new_group_set(&plan, m.db, refused[_i].group, &change, n, &err);
		break;
	case CREATE:
		rc = plan_new_group_create(&plan, m.db, refused[_i].group, &change, n, &err);
		break;
	case DELETE:
		rc = plan_new_group_delete(&plan, m.db, refused[_i].group, &err);
		break;
	case RENAME:
		rc = plan_new_group_rename(&plan, m.db, refused[_i].group, change.name, &err);
		break;
	}
	ck_assert_msg(rc == -EINVAL && text_starts(err.text, text), "%d: %s\nexpected %s", rc,
		err.text, text);
}
END_TEST

START_TEST(a_noderange_goes_alone)
{
	WORLD(w, m);
	const struct plan_change changes[] = {
		{"noderange", PLAN_TYPED, "n1"}, {"location.u", PLAN_TYPED, "1"}};
	const struct plan_change with_nodes[] = {
		{"noderange", PLAN_TYPED, "n1"}, {"nodes", PLAN_TYPED, "n1"}};
	struct plan *plan;
	struct err err;

	furnish(&w, &m);
	ck_assert_int_eq(plan_new_group_create(&plan, m.db, "x", changes, 2, &err), -EINVAL);
	ck_assert_str_eq(err.text, "Bad Request - noderange attribute must be set by itself");
	ck_assert_int_eq(plan_new_group_create(&plan, m.db, "x", with_nodes, 2, &err), -EINVAL);
	ck_assert_str_eq(err.text, "Bad Request - Cannot set both nodes and noderange on group");
}
END_TEST

void add_group_cases(Suite *suite)
{
	TCase *tc = tcase_create("groups");

	tcase_add_test(tc, a_group_is_made_with_its_members);
	tcase_add_loop_test(
		tc, members_are_changed_through_their_group, 0, (int)ARRAY_SIZE(members));
	tcase_add_test(tc, group_attributes_are_set_and_cleared);
	tcase_add_test(tc, a_noderange_comes_and_goes);
	tcase_add_test(tc, who_joined_before_a_noderange_came_keeps_it_out);
	tcase_add_test(tc, a_noderange_that_was_interrupted_is_completed);
	tcase_add_test(tc, a_deleted_group_is_listed_nowhere);
	tcase_add_test(tc, a_renamed_group_keeps_its_places);
	tcase_add_loop_test(tc, a_removal_that_was_interrupted_is_completed, 0, 6);
	tcase_add_loop_test(tc, a_rename_that_was_interrupted_is_completed, 0, 6);
	tcase_add_loop_test(tc, a_request_for_a_group_is_refused, 0, (int)ARRAY_SIZE(refused));
	tcase_add_test(tc, a_noderange_goes_alone);
	suite_add_tcase(suite, tc);
}
