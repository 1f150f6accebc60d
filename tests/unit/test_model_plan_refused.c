/*
 * Requests for nodes that are refused as a whole, with the words that users know.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/test_model_plan.h"

#define OF_50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* What a request is refused with. */
enum request { SET, CREATE, CREATE_ONE, DELETE, RENAME };
static const struct {
	enum request request;
	const char *nodes, *name;
	enum plan_how how;
	const char *value;
	int rc;
	const char *text; /* the beginning */
} refused[] = {
	{SET, "nosuch", "type", PLAN_TYPED, "server", -ENOENT,
		"Target not found - Invalid Noderange: nosuch not a recognized node, group, or "
		"alias"},
	{SET, "n1,-n1", "type", PLAN_TYPED, "server", -EINVAL,
		"Bad Request - No action to take, noderange is empty (if trying to define group "
		"attributes, use nodegroupattrib)"},
	{SET, "n1", NULL, PLAN_TYPED, NULL, -EINVAL, "Bad Request - no request data provided"},
	{SET, "n1", "nosuch", PLAN_TYPED, "x", -EINVAL,
		"Bad Request - nosuch attribute on node n1 is invalid"},
	{SET, "n1", "noderange", PLAN_TYPED, "x", -EINVAL,
		"Bad Request - noderange attribute on node n1 is invalid"},
	{SET, "n1", "nosuch", PLAN_CLEAR, "", -EINVAL,
		"Bad Request - No attribute matches 'nosuch' (try wildcard if trying to clear a "
		"group)"},
	{SET, "n1", "net-->.<--0.switch", PLAN_TYPED, "x", -EINVAL,
		"Bad Request - Syntax error in attribute name: \"net-->.<--0.switch\""},
	{SET, "n1", "custom." OF_50 OF_50 OF_50 OF_50 OF_50, PLAN_TYPED, "x", -EINVAL,
		"Bad Request - Syntax error in attribute name: \"custom." OF_50 OF_50
		"xxxxxxxxxxxxxxxxx...\" (it is too long)"},
	{SET, "n1", "console.method", PLAN_TYPED, "telnet", -EINVAL,
		"Bad Request - Attribute console.method does not accept value telnet (valid "
		"values would be ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)"},
	{SET, "n1", "net.eth0.ipv4_method", PLAN_TYPED, "telnet", -EINVAL,
		"Bad Request - Attribute net.eth0.ipv4_method does not accept value telnet"},
	{SET, "n1", "discovery.policy", PLAN_TYPED, "open,foo", -EINVAL,
		"Bad Request - Attribute discovery.policy does not accept list member foo (valid "
		"values would be manual,permissive,pxe,open,verified)"},
	{SET, "n1", "discovery.passwordrules", PLAN_TYPED, "expiration", -EINVAL,
		"Bad Request - Passed key expiration requires a parameter"},
	{SET, "n1", "discovery.passwordrules", PLAN_TYPED, "foo=1", -EINVAL,
		"Bad Request - Attribute discovery.passwordrules does not accept key foo"},
	{SET, "n1", "console.method", PLAN_TYPED, "{n1}", -EINVAL,
		"Bad Request - Attribute console.method does not accept an expression"},
	{SET, "n1", "net.bootable", PLAN_EXPRESSION, "{n1}", -EINVAL,
		"Bad Request - Attribute net.bootable does not accept an expression"},
	{SET, "n1", "net.bootable", PLAN_TYPED, "{n1}", -EINVAL,
		"Bad Request - Attribute net.bootable does not accept an expression"},
	{SET, "n1", "net.bootable", PLAN_TYPED, "{", -EINVAL,
		"Bad Request - Attribute net.bootable does not accept an expression"},
	{SET, "n1", "secret.ipmikg", PLAN_EXPRESSION, "{n1}", -EINVAL,
		"Bad Request - Attribute secret.ipmikg does not accept an expression"},
	{SET, "n1", "location.u", PLAN_TYPED, "{n1", -EINVAL, "Bad Request - "},
	{SET, "n1", "location.u", PLAN_TYPED, "a\x01", -EINVAL,
		"Bad Request - Attribute location.u"},
	{SET, "n1", "location.u", PLAN_PREPEND, "5", -EINVAL,
		"Bad Request - Attribute location.u is not a list"},
	{SET, "n1", "location.u", PLAN_HASHED, "$6$x", -EINVAL,
		"Bad Request - Attribute location.u does not accept a hash"},
	{SET, "n1", "crypted.rootpassword", PLAN_HASHED, "secretword", -EINVAL,
		"Bad Request - Attribute crypted.rootpassword: the value is no hash"},
	{SET, "n1", "id.index", PLAN_TYPED, "5", -EINVAL,
		"Bad Request - id.index is given to a node when it is made, and stays"},
	{SET, "n1", "deployment.lock", PLAN_TYPED, "locked", -EINVAL,
		"Bad Request - Deployment lock must be manipulated by {node}/deployment/lock api"},
	{SET, "n5,locked", "deployment.pendingprofile", PLAN_TYPED, "p", -EINVAL,
		"Bad Request - Request to set deployment for a node that has locked deployment"},
	{SET, "n1", "groups", PLAN_TYPED, "x", -EINVAL, "Bad Request - group x does not exist"},
	{SET, "n1", "groups", PLAN_PREPEND, "x", -EINVAL, "Bad Request - group x does not exist"},
	{SET, "n1", "groups", PLAN_TYPED, "dyn", -EINVAL,
		"Bad Request - group dyn has a noderange, which alone says who is in it"},
	{SET, "n5,n3", "groups", PLAN_PREPEND, "rack1", -EINVAL,
		"Bad Request - Node n3 is already in group rack1"},
	{SET, "n3", "groups", PLAN_PREPEND, "everything", -EINVAL,
		"Bad Request - Node n3 is already in group everything"},
	{SET, "n3", "groups", PLAN_PREPEND, "g2,g2", -EINVAL,
		"Bad Request - Group g2 has been specified multiple times"},
	{SET, "n3", "groups", PLAN_LIST, "g2,rack1,g2", -EINVAL,
		"Bad Request - Group g2 has been specified multiple times"},
	{SET, "n1,n5", "groups", PLAN_REMOVE, "rack1", -EINVAL,
		"Bad Request - node n5 is not a member of group rack1"},
	{SET, "n1", "groups", PLAN_REMOVE, "everything", -EINVAL,
		"Bad Request - node n1 is always a member of group everything"},
	{SET, "n1", "groups", PLAN_EXPRESSION, "{n1}", -EINVAL,
		"Bad Request - Attribute groups does not accept an expression"},
	{SET, "n1", "location.*", PLAN_TYPED, "{", -EINVAL, "Bad Request - "},
	{SET, "locked", "deployment.*", PLAN_TYPED, "q", -EINVAL,
		"Bad Request - Request to set deployment for a node that has locked deployment"},
	{CREATE, "n9", "nosuch", PLAN_TYPED, "x", -EINVAL,
		"Bad Request - nosuch attribute on node n9 is invalid"},
	{CREATE, "n9", "groups", PLAN_TYPED, "nogrp", -EINVAL,
		"Bad Request - group nogrp does not exist"},
	{CREATE, "n9", "console.method", PLAN_TYPED, "telnet", -EINVAL,
		"Bad Request - Attribute console.method does not accept value telnet"},
	{CREATE, "n9", "deployment.lock", PLAN_TYPED, "locked", -EINVAL,
		"Bad Request - Deployment lock must be"},
	{CREATE, "", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"\" is not a valid node name"},
	{CREATE, "a#1", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"a#1\" is not a valid node name"},
	{CREATE, "n1,a/b", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"a/b\" is not a valid node name"},
	{CREATE, "n[1-200000]", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - 200000 nodes in one request, at most 131072 are accepted"},
	{CREATE, "n[1-2", NULL, PLAN_TYPED, NULL, -EINVAL, "Bad Request - "},
	{CREATE_ONE, "", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"\" is not a valid node name"},
	{CREATE_ONE, "a b", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - Name \"a b\" is not supported"},
	{CREATE_ONE, "a#1", NULL, PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"a#1\" is not a valid node name"},
	{DELETE, "nosuch", NULL, PLAN_TYPED, NULL, -ENOENT,
		"Target not found - Invalid Noderange: nosuch not a recognized"},
	{RENAME, "n1", "n2", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - The following requested new names conflict with existing nodes: n2"},
	{RENAME, "n1", "n1", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - The following requested new names conflict with existing nodes: n1"},
	{RENAME, "n1-n3", "n{n1+1}", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - The following requested new names conflict with existing nodes: "
		"n2,n3,n4"},
	{RENAME, "n1-n2", "x", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - Requested to rename multiple nodes to the same name: x"},
	{RENAME, "n1", "", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"\" is not a valid node name"},
	{RENAME, "n1", "a/b", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - \"a/b\" is not a valid node name"},
	{RENAME, "nosuch", "x", PLAN_TYPED, NULL, -ENOENT,
		"Target not found - Invalid Noderange: "},
	{RENAME, "n1", "m{nosuch.attribute}", PLAN_TYPED, NULL, -EINVAL,
		"Bad Request - nosuch.attribute is not a valid attribute name"},
};

START_TEST(a_request_is_refused)
{
	WORLD(w, m);
	const struct plan_change change = {refused[_i].name, refused[_i].how, refused[_i].value};
	const char *nodes = refused[_i].nodes;
	size_t n = change.name ? 1 : 0;
	struct plan *plan = NULL;
	struct err err = {""};
	int64_t before;
	int rc = 0;

	furnish_nodes(&w, &m);
	make_nodes(&w, &m, "locked", NULL);
	set_node(&w, &m, "locked", "deployment.pendingprofile", PLAN_TYPED, "old");
	ck_assert_int_eq(plan_new_node_lock(&plan, m.db, "locked", "locked", NULL), 0);
	carry_out(&w, &m, plan);
	before = w.revision;
	switch (refused[_i].request) {
	case SET:
		rc = plan_new_node_set(&plan, m.db, nodes, &change, n, &err);
		break;
	case CREATE:
	case CREATE_ONE:
		rc = plan_new_node_create(
			&plan, m.db, nodes, refused[_i].request == CREATE_ONE, &change, n, &err);
		break;
	case DELETE:
		rc = plan_new_node_delete(&plan, m.db, nodes, &err);
		break;
	case RENAME:
		rc = plan_new_node_rename(&plan, m.db, nodes, change.name, &err);
		break;
	}
	ck_assert_msg(rc == refused[_i].rc && text_starts(err.text, refused[_i].text),
		"%d: %s\nexpected %s", rc, err.text, refused[_i].text);
	ck_assert_int_eq(w.revision, before);
}
END_TEST

START_TEST(requests_have_ceilings)
{
	WORLD(w, m);
	CLEANUP(freep) char *big = xcalloc(1, ATTRIBUTE_VALUE_MAX + 2);
	struct plan_change changes[101];
	char names[101][32];
	struct plan *plan;
	struct err err;

	furnish_nodes(&w, &m);
	for (size_t i = 0; i < 101; i++) {
		snprintf(names[i], sizeof(names[i]), "custom.a%zu", i);
		changes[i] = (struct plan_change){names[i], PLAN_TYPED, "x"};
	}
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", changes, 101, &err), -EINVAL);
	ck_assert_str_eq(
		err.text, "Bad Request - 101 attributes in one request, at most 100 are accepted");
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", changes, 100, &err), 0);
	carry_out(&w, &m, plan);
	changes[1].name = changes[0].name;
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", changes, 2, &err), -EINVAL);
	ck_assert_str_eq(err.text, "Bad Request - custom.a0 is in the request twice");
	memset(big, 'x', ATTRIBUTE_VALUE_MAX + 1);
	changes[0].value = big;
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", changes, 1, &err), -EINVAL);
	big[ATTRIBUTE_VALUE_MAX] = '\0';
	changes[1].name = names[1];
	for (size_t i = 0; i < 4; i++)
		changes[i].value = big;
	ck_assert_int_eq(plan_new_node_set(&plan, m.db, "n1", changes, 4, &err), -EINVAL);
	ck_assert_msg(
		strstr(err.text, "change fewer attributes at a time") != NULL, "%s", err.text);
}
END_TEST

void add_refused_cases(Suite *suite)
{
	TCase *tc = tcase_create("refused");

	tcase_add_loop_test(tc, a_request_is_refused, 0, (int)ARRAY_SIZE(refused));
	tcase_add_test(tc, requests_have_ceilings);
	suite_add_tcase(suite, tc);
}
