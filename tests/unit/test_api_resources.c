/*
 * Conversations about nodes and groups, with a keeper that carries plans out in a toy etcd.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/resources.h"
#include "base/text.h"
#include "io/loop.h"
#include "tests/lib/suite.h"
#include "tests/unit/api_client.h"
#include "tests/unit/api_fixture.h"
#include "tests/unit/test_model_plan.h"

struct api_write {
	struct plan *plan;
	struct loop_defer *defer;
	api_written_fn *done;
	void *arg;
};

static struct keeper {
	struct world world;
	struct member member;
	struct api_resources *resources;
	struct api_age age;
	const char *none;	/* nothing to read, because */
	bool soon;		/* there will be */
	const char *refusal;	/* nothing may be written, because */
	struct api_write *held; /* a write that waits */
	bool hold;
	int forgotten;
} k;

static const struct db *keeper_read(struct api_age *age, struct err *why, void *arg UNUSED)
{
	*age = k.age;
	if (!k.none)
		return k.member.db;
	err_set(why, -EAGAIN, "%s", k.none);
	return NULL;
}

static bool keeper_soon(void *arg UNUSED)
{
	return k.soon;
}

static void finish_write(void *arg)
{
	struct api_write *write = arg;
	struct plan_outcome outcome;

	if (k.refusal)
		plan_stop(write->plan, k.refusal);
	else
		run(&k.world, &k.member, write->plan);
	plan_outcome(write->plan, &outcome);
	if (write->done)
		write->done(outcome.why ? -EIO : 0, outcome.why ? outcome.why : "", write->plan,
			write->arg);
	plan_free(write->plan);
	loop_defer_free(write->defer);
	free(write);
}

static struct api_write *keeper_write(
	struct plan *plan, api_written_fn *done, void *done_arg, void *arg UNUSED)
{
	struct api_write *write = xcalloc(1, sizeof(*write));

	write->plan = plan;
	write->done = done;
	write->arg = done_arg;
	write->defer = loop_defer_new(f.loop, finish_write, write);
	if (k.hold)
		k.held = write;
	else
		loop_defer_schedule(write->defer);
	return write;
}

static void keeper_forget(struct api_write *write, void *arg UNUSED)
{
	write->done = NULL;
	k.forgotten++;
}

static const struct api_database database = {.read = keeper_read,
	.soon = keeper_soon,
	.write = keeper_write,
	.forget = keeper_forget,
	.patience = 200 * USEC_PER_MSEC};

static void on_resource(struct api_request *req, const char *operation, const char *path,
	const json *parameters, void *arg UNUSED)
{
	api_resources_serve(k.resources, req, operation, path, parameters);
}

static void begin(struct client *c)
{
	static const struct api_options options = {.judge = judge};
	static const struct api_handlers handlers = {.resource = on_resource};

	memset(&k, 0, sizeof(k));
	k.world.next_index = 1;
	k.age.current = true;
	member_init(&k.member);
	furnish_nodes(&k.world, &k.member);
	start(&options, &handlers);
	k.resources = api_resources_new(f.loop, &database);
	client_connect(c, f.loop, f.path);
	client_expect_greeting(c, true);
}

static void end(struct client *c)
{
	client_close(c);
	loop_turns(f.loop, 10);
	api_server_free(TAKE(f.server));
	api_resources_free(k.resources);
	stop();
	member_done(&k.member);
	world_done(&k.world);
}

static void put(const char *key, const char *value)
{
	world_put(&k.world, key, value);
	member_see(&k.member, &k.world, k.world.revision);
}

#define ASK(operation, path, parameters)                                                           \
	"{\"operation\":\"" operation "\",\"path\":\"" path "\",\"parameters\":" parameters "}"
#define BARE(operation, path) "{\"operation\":\"" operation "\",\"path\":\"" path "\"}"
#define ITEM(name)	      "{\"item\":{\"href\":\"" name "\"}}"
#define NODE(node, inner)     "{\"databynode\":{\"" node "\":{" inner "}}}"
#define REFUSED(code, text)   "{\"errorcode\":" code ",\"error\":\"" text "\""

struct conversation {
	const char *request;
	const char
		*replies[8]; /* all but the last frame; one that ends with a quote is a beginning */
};

static void talk(struct client *c, const struct conversation *conversations, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		client_send(c, conversations[i].request);
		for (const char *const *reply = conversations[i].replies; *reply; reply++) {
			CLEANUP(freep) char *frame = client_receive(c);

			ck_assert_msg(text_starts(frame, *reply), "%s:\n%s\ninstead of\n%s",
				conversations[i].request, frame, *reply);
		}
		client_expect(c, DONE);
	}
}

#define TALK(...)                                                                                  \
	do {                                                                                       \
		static const struct conversation conversations_[] = {__VA_ARGS__};                 \
		struct client c_;                                                                  \
		begin(&c_);                                                                        \
		talk(&c_, conversations_, ARRAY_SIZE(conversations_));                             \
		end(&c_);                                                                          \
	} while (0)

START_TEST(collections_are_listed_in_natural_order)
{
	TALK({GET("/nodes/"), {ITEM("n1/"), ITEM("n2/"), ITEM("n3/"), ITEM("n4/"), ITEM("n5/")}},
		{GET("/noderange/n5,rack1,-n2/nodes/"),
			{ITEM("n1/"), ITEM("n3/"), ITEM("n4/"), ITEM("n5/")}},
		{GET("/noderange/dyn/nodes"), {ITEM("n1/"), ITEM("n2/")}},
		{GET("/nodegroups/"),
			{ITEM("dyn/"), ITEM("everything/"), ITEM("g2/"), ITEM("rack1/")}},
		{GET("/nodes/n1/attributes/"),
			{ITEM("rename"), ITEM("all"), ITEM("current"), ITEM("expression")}},
		{GET("/nodegroups/g2"), {ITEM("attributes/")}}, {GET("/noderange/"), {NULL}},
		{GET("/users/"), {NULL}}, {GET("/noderange/n1,-n1/nodes/"), {NULL}});
}
END_TEST

START_TEST(what_a_path_can_do_wrong)
{
	TALK({GET("/nosuch"), {REFUSED("404", "Target not found")}},
		{GET("/n/"), {REFUSED("404", "Target not found")}},
		{GET("/nodes/nosuch/attributes/all"),
			{REFUSED("404", "Target not found - Invalid Node: ['nodes', 'nosuch']")}},
		{GET("/nodes/n1/nosuch"),
			{REFUSED("404", "Target not found - Invalid element requested")}},
		{GET("/nodes/n1/attributes/all/a/b/c/d/e/f/g"),
			{REFUSED("404", "Target not found - Invalid element requested")}},
		{GET("/noderange/n1,nope/nodes/"), {"{\"errorcode\":404,\"error\":\"Target not "
						    "found - Invalid Noderange: nope "
						    "not a recognized node, group, or alias"}},
		{GET("/nodegroups/nosuch/attributes/current"),
			{REFUSED("404", "Target not found - Invalid nodegroup: nosuch not found")}},
		{BARE("update", "/nodes/"),
			{REFUSED("400", "Bad Request - operation 'update' is not possible here")}},
		{BARE("delete", "/noderange/"),
			{REFUSED("400", "Bad Request - operation 'delete' is not possible here")}});
}
END_TEST

START_TEST(attributes_as_they_are_set)
{
	struct client c;
	static const struct conversation conversations[] = {
		{GET("/noderange/n1,n5/attributes/current"),
			{NODE("n1", "\"groups\":[\"rack1\",\"everything\"]"),
				NODE("n1", "\"id.index\":{\"value\":1}"),
				NODE("n1", "\"info.note\":{\"expression\":\"N-{node}\",\"value\":"
					   "\"N-n1\"}"),
				NODE("n1", "\"location.room\":{\"value\":\"x\",\"inheritedfrom\":"
					   "\"rack1\"}"),
				NODE("n1", "\"secret.ipmikg\":{\"isset\":true}"),
				NODE("n5", "\"groups\":[\"everything\"]"),
				NODE("n5", "\"id.index\":{\"value\":5}")}},
		{GET("/nodes/n5/attributes/current"),
			{"{\"groups\":[\"everything\"]}", "{\"id.index\":{\"value\":5}}"}},
		{GET("/noderange/n1/nodes/n5/attributes/current"),
			{"{\"groups\":[\"everything\"]}", "{\"id.index\":{\"value\":5}}"}},
		{GET("/nodegroups/rack1/attributes/current"),
			{"{\"location.room\":{\"value\":\"x\"}}",
				"{\"nodes\":[\"n1\",\"n2\",\"n3\",\"n4\"]}"}},
		{GET("/nodegroups/dyn/attributes/current"),
			{"{\"noderange\":{\"value\":\"n1-n2\"}}"}},
		{ASK("retrieve", "/noderange/n5/attributes/all",
			 "{\"attributes\":[\"LOCATION.r*\",\"secret.ipmikg\"]}"),
			{NODE("n5", "\"location.rack\":{\"value\":null}"),
				NODE("n5", "\"location.room\":{\"value\":null}"),
				NODE("n5", "\"location.row\":{\"value\":null}"),
				NODE("n5", "\"secret.ipmikg\":{\"isset\":false}")}},
		{ASK("retrieve", "/noderange/n5/attributes/all", "{\"attributes\":[7]}"),
			{"{\"errorcode\":400"}},
	};

	begin(&c);
	put("nodes/n1/info.note", "N-{node}");
	put("nodes/n1/secret.ipmikg", "sealed:1:01234567:AAAA");
	talk(&c, conversations, ARRAY_SIZE(conversations));
	end(&c);
}
END_TEST

START_TEST(all_names_every_known_attribute_once_in_order)
{
	CLEANUP(freep) char *last = xstrdup("");
	struct client c;
	size_t n = 0;

	begin(&c);
	client_send(&c, GET("/nodes/n1/attributes/all"));
	for (;;) {
		char *frame = client_receive(&c);

		if (text_eq(frame, DONE)) {
			free(frame);
			break;
		}
		ck_assert_msg(strcmp(last, frame) < 0, "%s before %s", last, frame);
		free(last);
		last = frame;
		n++;
	}
	ck_assert_uint_eq(n, 78);
	end(&c);
}
END_TEST

START_TEST(a_change_is_answered_with_what_is_so_then)
{
	TALK({ASK("update", "/noderange/n1-n2/attributes/all", "{\"console.method\":\"ipmi\"}"),
		     {NODE("n1", "\"console.method\":{\"value\":\"ipmi\"}"),
			     NODE("n2", "\"console.method\":{\"value\":\"ipmi\"}")}},
		{ASK("update", "/nodes/n1/attributes/current", "{\"bmc\":\"{node}-bmc\"}"),
			{"{\"hardwaremanagement.manager\":{\"expression\":\"{node}-bmc\",\"value\":"
			 "\"n1-bmc\"}}"}},
		{ASK("update", "/noderange/n1/attributes/all",
			 "{\"info.note\":{\"value\":\"{x}\"}}"),
			{NODE("n1", "\"info.note\":{\"value\":\"{x}\"}")}},
		{ASK("update", "/noderange/n5/attributes/all", "{\"groups\":{\"prepend\":\"g2\"}}"),
			{NODE("n5", "\"groups\":[\"g2\",\"everything\"]")}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"location.room\":\"y\"}"),
			{NODE("n1", "\"location.room\":{\"value\":\"y\"}")}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"location.room\":null}"),
			{NODE("n1", "\"_warnings\":[\"The attribute \\\"location.room\\\" was "
				    "defined specifically for the node and clearing now has a "
				    "value inherited from the group \\\"rack1\\\"\"]"),
				NODE("n1", "\"location.room\":{\"value\":\"x\",\"inheritedfrom\":"
					   "\"rack1\"}")}},
		{ASK("update", "/nodegroups/g2/attributes/all", "{\"nodes\":[\"n1\"]}"),
			{"{\"nodes\":[\"n1\"]}"}},
		{ASK("update", "/nodegroups/g2/attributes/check", "{\"location.u\":\"1\"}"),
			{NULL}},
		{ASK("update", "/nodegroups/rack1/attributes/check", "{\"location.room\":\"x\"}"),
			{REFUSED("400", "Bad Request - Checked value matches existing value")}},
		{ASK("update", "/nodes/n1/deployment/lock", "{\"lock\":\"locked\"}"),
			{"{\"lock\":{\"value\":\"locked\"}}"}},
		{GET("/noderange/n1-n2/deployment/lock"),
			{NODE("n1", "\"lock\":{\"value\":\"locked\"}"),
				NODE("n2", "\"lock\":{\"value\":\"unlocked\"}")}});
}
END_TEST

START_TEST(nodes_and_groups_come_and_go)
{
	TALK({ASK("create", "/noderange/", "{\"name\":\"m1-m2\",\"location.u\":\"{n1}\"}"),
		     {"{\"created\":\"m1\"}", "{\"created\":\"m2\"}"}},
		{GET("/nodes/m2/attributes/current"),
			{"{\"groups\":[\"everything\"]}", "{\"id.index\":{\"value\":7}}",
				"{\"location.u\":{\"expression\":\"{n1}\",\"value\":\"2\"}}"}},
		{ASK("create", "/nodes", "{\"name\":\"solo\"}"), {"{\"created\":\"solo\"}"}},
		{ASK("update", "/noderange/m1-m2/attributes/rename", "{\"rename\":\"k{n1}\"}"),
			{NODE("m1", "\"rename\":{\"value\":\"k1\"}"),
				NODE("m2", "\"rename\":{\"value\":\"k2\"}")}},
		{ASK("update", "/nodes/solo/attributes/rename", "{\"rename\":\"duo\"}"),
			{"{\"rename\":{\"value\":\"duo\"}}"}},
		{BARE("delete", "/noderange/k1-k2,duo"),
			{"{\"deleted\":\"duo\"}", "{\"deleted\":\"k1\"}", "{\"deleted\":\"k2\"}"}},
		{ASK("create", "/nodegroups/", "{\"name\":\"g9\",\"location.room\":\"z\"}"),
			{"{\"created\":\"g9\"}"}},
		{ASK("update", "/nodegroups/g9/attributes/rename", "{\"rename\":\"g10\"}"),
			{"{\"oldname\":\"g9\",\"newname\":\"g10\"}"}},
		{BARE("delete", "/nodegroups/g10"), {"{\"deleted\":\"g10\"}"}},
		{BARE("delete", "/nodegroups/nosuch"), {"{\"deleted\":\"nosuch\"}"}},
		{GET("/nodegroups/"),
			{ITEM("dyn/"), ITEM("everything/"), ITEM("g2/"), ITEM("rack1/")}});
}
END_TEST

START_TEST(what_is_wrong_with_a_change)
{
	TALK({BARE("create", "/noderange/"),
		     {REFUSED("400", "Bad Request - no request data provided")}},
		{ASK("create", "/nodes", "{\"location.u\":\"1\"}"),
			{REFUSED("400", "Bad Request - name not specified")}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"nosuch\":\"1\"}"),
			{REFUSED("400", "Bad Request - nosuch attribute on node n1 is invalid")}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"location.u\":7}"),
			{REFUSED("400",
				"Bad Request - location.u: expected a text, found a number")}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"location.u\":{\"value\":7}}"),
			{"{\"errorcode\":400"}},
		{ASK("update", "/noderange/n1/attributes/all",
			 "{\"secret.ipmikg\":{\"cryptvalue\":\"x\"}}"),
			{"{\"errorcode\":400"}},
		{ASK("update", "/noderange/n1/attributes/all", "{\"groups\":[\"a,b\"]}"),
			{REFUSED("400", "Bad Request - groups must be a list of names")}},
		{ASK("update", "/nodes/n1/attributes/rename", "{\"rename\":7}"),
			{REFUSED("400", "Bad Request - rename must be a text, the new name")}});
}
END_TEST

START_TEST(expressions_and_lists_are_worked_out)
{
	TALK({ASK("create", "/noderange/n1-n2/attributes/expression",
		      "{\"expression\":\"x{n1}y\"}"),
		     {NODE("n1", "\"value\":\"x1y\""), NODE("n2", "\"value\":\"x2y\"")}},
		{ASK("create", "/nodes/n1/attributes/expression", "{\"expression\":\"x{n1}y\"}"),
			{"{\"value\":\"x1y\"}"}},
		{ASK("create", "/nodes/n1/attributes/expression", "{\"expression\":\"{foo}\"}"),
			{"{\"errorcode\":400,\"error\":\"Bad Request - Bad confluent expression "
			 "syntax (must use"}},
		{ASK("create", "/noderange/x/abbreviate",
			 "{\"nodes\":[\"n1\",\"n2\",\"n3\",\"n4\",\"n5\"]}"),
			{"{\"noderange\":\"everything\"}"}},
		{ASK("create", "/noderange/x/abbreviate", "{\"nodes\":\"n1,n2,n5,zz\"}"),
			{"{\"noderange\":\"n[1:2,5],zz\"}"}},
		{ASK("create", "/noderange/x/abbreviate", "{\"nodes\":[7]}"),
			{"{\"errorcode\":400"}});
}
END_TEST

START_TEST(an_old_copy_says_so_in_the_last_frame)
{
	struct client c;

	begin(&c);
	k.age = (struct api_age){.age = 90 * USEC_PER_SEC, .revision = 17};
	client_send(&c, GET("/noderange/n5/nodes/"));
	client_expect(&c, ITEM("n5/"));
	client_expect(&c, "{\"_requestdone\":1,\"stale\":{\"age\":90,\"revision\":17}}");
	k.none = "The database is not loaded yet";
	client_send(&c, GET("/nodes/"));
	client_expect(&c,
		"{\"errorcode\":500,\"error\":\"The database is not loaded yet\",\"detail\":"
		"\"{\\\"error\\\": \\\"The database is not loaded yet\\\"}\"}");
	client_expect(&c, DONE);
	end(&c);
}
END_TEST

START_TEST(a_request_waits_for_a_database_that_is_about_to_come)
{
	struct client c;

	begin(&c);
	k.soon = true;
	k.none = "The database is not loaded yet";
	client_send(&c, GET("/noderange/n5/nodes/"));
	loop_turns(f.loop, 10);
	/* something has happened, though not yet what is waited for */
	api_resources_moved(k.resources);
	loop_turns(f.loop, 10);
	k.soon = false;
	k.none = NULL;
	api_resources_moved(k.resources);
	api_resources_moved(k.resources);
	client_expect(&c, ITEM("n5/"));
	client_expect(&c, DONE);
	/* one that goes away while it waits */
	k.soon = true;
	client_send(&c, GET("/nodes/"));
	loop_turns(f.loop, 10);
	end(&c);
}
END_TEST

START_TEST(a_request_does_not_wait_for_ever)
{
	struct client c;
	usec_t began;

	begin(&c);
	began = loop_now(f.loop);
	k.soon = true;
	k.none = "The database is not loaded yet";
	client_send(&c, GET("/nodes/"));
	client_expect(&c,
		"{\"errorcode\":500,\"error\":\"The database is not loaded yet\",\"detail\":"
		"\"{\\\"error\\\": \\\"The database is not loaded yet\\\"}\"}");
	client_expect(&c, DONE);
	ck_assert_int_ge(loop_now(f.loop) - began, 200 * USEC_PER_MSEC);
	end(&c);
}
END_TEST

START_TEST(without_quorum_nothing_is_written)
{
	struct client c;

	begin(&c);
	k.refusal = "Collective does not have quorum";
	client_send(&c, ASK("update", "/noderange/n1/attributes/all", "{\"location.u\":\"1\"}"));
	client_expect(&c,
		"{\"errorcode\":500,\"error\":\"Collective does not have quorum\",\"detail\":\"{"
		"\\\"error\\\": \\\"Collective does not have quorum\\\"}\"}");
	client_expect(&c, DONE);
	ck_assert_ptr_null(world_value(&k.world, "nodes/n1/location.u"));
	end(&c);
}
END_TEST

static bool is_held(void *arg UNUSED)
{
	return k.held != NULL;
}

static bool is_forgotten(void *arg UNUSED)
{
	return k.forgotten > 0;
}

START_TEST(a_change_is_completed_when_the_client_goes_away)
{
	struct client c;

	begin(&c);
	k.hold = true;
	client_send(&c, ASK("update", "/noderange/n1/attributes/all", "{\"location.u\":\"1\"}"));
	loop_until(f.loop, is_held, NULL, "the write begins");
	client_close(&c);
	loop_until(f.loop, is_forgotten, NULL, "the client is missed");
	finish_write(k.held);
	ck_assert_str_eq(world_value(&k.world, "nodes/n1/location.u"), "1");
	client_connect(&c, f.loop, f.path);
	end(&c);
}
END_TEST

START_TEST(a_long_answer_waits_for_its_reader_and_holds_up_nobody)
{
	enum { NODES = 3000 };
	struct client slow, quick;
	size_t n = 0;
	struct plan *plan;
	struct err err = {""};

	begin(&slow);
	ck_assert_int_eq(
		plan_new_node_create(&plan, k.member.db, "s1-s3000", false, NULL, 0, &err), 0);
	carry_out(&k.world, &k.member, plan);
	client_send(&slow, GET("/noderange/~^s/attributes/all"));
	loop_turns(f.loop, 200);
	client_connect(&quick, f.loop, f.path);
	client_expect_greeting(&quick, true);
	client_send(&quick, GET("/noderange/n5/nodes/"));
	client_expect(&quick, ITEM("n5/"));
	client_expect(&quick, DONE);
	/* what goes away meanwhile is not told */
	world_delete(&k.world, "nodes/s3000/groups");
	member_see(&k.member, &k.world, k.world.revision);
	for (;;) {
		CLEANUP(freep) char *frame = client_receive(&slow);

		if (text_eq(frame, DONE))
			break;
		n++;
	}
	ck_assert_uint_eq(n, (NODES - 1) * 78);
	client_close(&quick);
	end(&slow);
}
END_TEST

static Suite *resources_suite(void)
{
	Suite *suite = suite_create("resources");
	TCase *tc = tcase_create("resources");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, collections_are_listed_in_natural_order);
	tcase_add_test(tc, what_a_path_can_do_wrong);
	tcase_add_test(tc, attributes_as_they_are_set);
	tcase_add_test(tc, all_names_every_known_attribute_once_in_order);
	tcase_add_test(tc, a_change_is_answered_with_what_is_so_then);
	tcase_add_test(tc, nodes_and_groups_come_and_go);
	tcase_add_test(tc, what_is_wrong_with_a_change);
	tcase_add_test(tc, expressions_and_lists_are_worked_out);
	tcase_add_test(tc, an_old_copy_says_so_in_the_last_frame);
	tcase_add_test(tc, a_request_waits_for_a_database_that_is_about_to_come);
	tcase_add_test(tc, a_request_does_not_wait_for_ever);
	tcase_add_test(tc, without_quorum_nothing_is_written);
	tcase_add_test(tc, a_change_is_completed_when_the_client_goes_away);
	tcase_add_test(tc, a_long_answer_waits_for_its_reader_and_holds_up_nobody);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(resources_suite)
