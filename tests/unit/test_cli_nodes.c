/*
 * The commands for nodes and groups against a scripted agent: what they ask, what they print, how
 * they end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/verb.h"
#include "tests/unit/cli_agent.h"

#define RETRIEVE(path) "{\"operation\":\"retrieve\",\"path\":\"" path "\"}"
#define WANTED(path, names)                                                                        \
	"{\"operation\":\"retrieve\",\"path\":\"" path "\",\"parameters\":{\"attributes\":[" names \
	",\"id.index\"]}}"
#define DELETE(path) "{\"operation\":\"delete\",\"path\":\"" path "\"}"
#define UPDATE(path, parameters)                                                                   \
	"{\"operation\":\"update\",\"path\":\"" path "\",\"parameters\":" parameters "}"
#define CREATE(path, parameters)                                                                   \
	"{\"operation\":\"create\",\"path\":\"" path "\",\"parameters\":" parameters "}"
#define NODE(node, rest) "{\"databynode\":{\"" node "\":{" rest "}}}\n"
#define ERROR(code, text)                                                                          \
	"{\"errorcode\":" code ",\"error\":\"" text "\",\"detail\":\"{\\\"error\\\": "             \
	"\\\"" text "\\\"}\"}\n"
#define MGT1 "\"collective.manager\":{\"value\":\"mgt1\",\"inheritedfrom\":\"rack1\"}"
#define MGT2 "\"collective.manager\":{\"value\":\"mgt2\"}"

/* A conversation: the program, what it asks, what it is answered, what it prints. */
struct talk {
	const char *line, *input, *request;
	const char *answers[SCRIPT_MAX];
	int rc;
	const char *out, *err;
};

static const struct talk reading[] = {
	{"nodeattrib n1-n2 collective.manager -b", "",
		WANTED("/noderange/n1-n2/attributes/all", "\"collective.manager\""),
		{NODE("n1", MGT2) NODE("n1", "\"location.u\":{\"value\":null}") NODE("n2", MGT1)
				NODE("n2", "\"location.u\":{\"value\":null}") DONE},
		0,
		"n1: collective.manager: mgt2\n"
		"n2: collective.manager: mgt1 (inherited from group rack1)\n",
		""},
	{"nodeattrib n1", "", RETRIEVE("/noderange/n1/attributes/current"),
		{NODE("n1", "\"groups\":[\"rack1\",\"everything\"]")
				NODE("n1", "\"id.index\":{\"value\":1}")
					NODE("n1", "\"secret.x\":{\"isset\":true}") DONE},
		0, "n1: groups: rack1,everything\nn1: id.index: 1\nn1: secret.x: ********\n", ""},
	{"nodeattrib n1 all", "", RETRIEVE("/noderange/n1/attributes/all"),
		{NODE("n1", "\"location.u\":{\"value\":null}") DONE}, 0, "n1: location.u:\n", ""},
	{"nodeattrib n1 current", "", RETRIEVE("/noderange/n1/attributes/current"),
		{NODE("n1", MGT2) DONE}, 0, "n1: collective.manager: mgt2\n", ""},
	{"nodeattrib n1 current location", "",
		WANTED("/noderange/n1/attributes/current", "\"location\""),
		{NODE("n1", MGT2) NODE("n1", "\"location.u\":{\"value\":\"3\"}") DONE}, 0,
		"n1: location.u: 3\n", ""},
	{"nodeattrib n1 net.*switch bmc", "",
		WANTED("/noderange/n1/attributes/all",
			"\"net.*switch\",\"hardwaremanagement.manager\""),
		{NODE("n1", "\"hardwaremanagement.manager\":{\"value\":\"b\"}")
				NODE("n1", "\"net.mgt.switch\":{\"value\":\"s\"}") DONE},
		0, "n1: hardwaremanagement.manager: b\nn1: net.mgt.switch: s\n", ""},
	{"nodeattrib n1,n2 custom.x", "", WANTED("/noderange/n1,n2/attributes/all", "\"custom.x\""),
		{NODE("n1", "\"custom.x\":{\"value\":\"1\"}") NODE("n2", MGT2) DONE}, 1,
		"n1: custom.x: 1\n", "Error: custom.x matches no valid value for n2\n"},
	{"nodeattrib n1 nosuch", "", WANTED("/noderange/n1/attributes/all", "\"nosuch\""),
		{NODE("n1", MGT2) DONE}, 1, "", "Error: nosuch not a valid attribute\n"},
	{"nodeattrib nosuch", "", RETRIEVE("/noderange/nosuch/attributes/current"),
		{ERROR("404", "Target not found - Invalid Noderange: x") DONE}, 1, "",
		"Target not found - Invalid Noderange: x\n"},
	{"nodeattrib n1 location.u", "", WANTED("/noderange/n1/attributes/all", "\"location.u\""),
		{NODE("n1", "\"error\":\"gone\",\"errorcode\":500") DONE}, 1, "",
		"n1: Error: gone\n"},
	{"nodeattrib n1", "", RETRIEVE("/noderange/n1/attributes/current"),
		{NODE("n1", MGT2) "{\"_requestdone\":1,\"stale\":{\"age\":42,\"revision\":812}}"},
		0, "n1: collective.manager: mgt2\n",
		"Showing what was known 42s ago (revision 812); collective show tells more\n"},
	{"nodelist", "", RETRIEVE("/nodes/"),
		{"{\"_requestdone\":1,\"paused\":{\"actor\":\"root\",\"by\":\"mgt1\",\"reason\":"
		 "\"x\"}}"},
		0, "", "Automatic moves are paused (by an administrator by root on mgt1: x)\n"},
	{"nodelist", "", RETRIEVE("/nodes/"), {"{\"_requestdone\":1,\"stale\":{}}"}, 0, "",
		"Showing what was known 0ms ago; collective show tells more\n"},
	{"nodeattrib n1-n2 --json", "", RETRIEVE("/noderange/n1-n2/attributes/current"),
		{NODE("n1", MGT2) NODE("n1", "\"groups\":[\"everything\"]") NODE("n2", MGT1) DONE},
		0,
		"{\"nodes\":{\"n1\":{" MGT2 ",\"groups\":[\"everything\"]},\"n2\":{" MGT1 "}}}\n",
		""},
	{"nodeattrib n1 --json", "", RETRIEVE("/noderange/n1/attributes/current"),
		{ERROR("404", "no") DONE}, 1, "{\"nodes\":{}}\n", "no\n"},
	{"nodegroupattrib rack1", "", RETRIEVE("/nodegroups/rack1/attributes/current"),
		{"{\"location.room\":{\"value\":\"x\"}}\n{\"location.u\":{\"expression\":\"{n1}\"}}"
		 "\n"
		 "{\"nodes\":[\"n1\",\"n2\"]}\n" DONE},
		0,
		"rack1: location.room: x\n"
		"rack1: location.u:  (will derive from expression {n1})\n"
		"rack1: nodes: n1,n2\n",
		""},
	{"nodegroupattrib rack1 nodes nosuch", "",
		WANTED("/nodegroups/rack1/attributes/all", "\"nodes\",\"nosuch\""),
		{"{\"location.room\":{\"value\":\"x\"}}\n{\"nodes\":[]}\n" DONE}, 1,
		"rack1: nodes: \n", "Error: nosuch not a valid attribute\n"},
	{"nodegroupattrib rack1 --json", "", RETRIEVE("/nodegroups/rack1/attributes/current"),
		{"{\"nodes\":[\"n1\"]}\n" DONE}, 0,
		"{\"groups\":{\"rack1\":{\"nodes\":[\"n1\"]}}}\n", ""},
	{"nodegroupattrib nosuch", "", RETRIEVE("/nodegroups/nosuch/attributes/current"),
		{ERROR("404", "Target not found - Invalid nodegroup: nosuch not found") DONE}, 1,
		"", "Target not found - Invalid nodegroup: nosuch not found\n"},
	{"nodelist", "", RETRIEVE("/nodes/"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n2/\"}}\n" DONE}, 0,
		"n1\nn2\n", ""},
	{"nodelist -d , rack1,-n2", "", RETRIEVE("/noderange/rack1,-n2/nodes/"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n3/\"}}\n" DONE}, 0,
		"n1,n3\n", ""},
	{"nodelist none", "", RETRIEVE("/noderange/none/nodes/"), {DONE}, 0, "", ""},
	{"nodelist --json", "", RETRIEVE("/nodes/"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n2/\"}}\n" DONE}, 0,
		"{\"nodes\":[\"n1\",\"n2\"]}\n", ""},
	{"nodelist n1 collective.manager", "",
		WANTED("/noderange/n1/attributes/all", "\"collective.manager\""),
		{NODE("n1", MGT1) DONE}, 0, "n1: collective.manager: mgt1\n", ""},
	{"nodegrouplist", "", RETRIEVE("/nodegroups/"),
		{"{\"item\":{\"href\":\"everything/\"}}\n" DONE}, 0, "everything\n", ""},
	{"nodegroupattrib", "", RETRIEVE("/nodegroups/"),
		{"{\"item\":{\"href\":\"everything/\"}}\n" DONE}, 0, "everything\n", ""},
	{"nodegrouplist --json", "", RETRIEVE("/nodegroups/"), {DONE}, 0, "{\"groups\":[]}\n", ""},
};

static const struct talk changing[] = {
	{"nodeattrib n1 collective.manager=mgt2", "",
		UPDATE("/noderange/n1/attributes/all", "{\"collective.manager\":\"mgt2\"}"),
		{NODE("n1", MGT2) DONE}, 0, "n1: mgt2\n", ""},
	{"nodeattrib n1-n2 location.u=1 location.row= groups,=rack1", "",
		UPDATE("/noderange/n1-n2/attributes/all",
			"{\"location.u\":\"1\",\"location.row\":\"\",\"groups\":{\"prepend\":"
			"\"rack1\"}}"),
		{NODE("n1", "\"location.u\":{\"value\":\"1\"}") NODE(
			"n1", "\"location.row\":{\"value\":\"\"}") NODE("n1",
			"\"groups\":[\"rack1\",\"everything\"]") NODE("n2",
			"\"location.u\":{\"value\":\"1\"},\"location.row\":{\"value\":\"\"},"
			"\"groups\":[\"rack1\"]") DONE},
		0, "n1: 1\nn2: 1\nn1: \nn2: \nn1: ['rack1', 'everything']\nn2: ['rack1']\n", ""},
	{"nodeattrib n1 bmc=b", "", UPDATE("/noderange/n1/attributes/all", "{\"bmc\":\"b\"}"),
		{NODE("n1", "\"hardwaremanagement.manager\":{\"value\":\"b\"}") DONE}, 0, "", ""},
	{"nodeattrib n1 secret.x=s3cret", "",
		UPDATE("/noderange/n1/attributes/all", "{\"secret.x\":\"s3cret\"}"),
		{NODE("n1", "\"secret.x\":{\"isset\":true}") DONE}, 0, "n1: ********\n", ""},
	{"nodeattrib n1 nosuch=1", "", UPDATE("/noderange/n1/attributes/all", "{\"nosuch\":\"1\"}"),
		{ERROR("400", "Bad Request - nosuch attribute on node n1 is invalid") DONE},
		400 & 0xff, "", "Error: Bad Request - nosuch attribute on node n1 is invalid\n"},
	{"nodeattrib n1 a=1", "", UPDATE("/noderange/n1/attributes/all", "{\"a\":\"1\"}"),
		{ERROR("500", "Collective does not have quorum") DONE}, 244, "",
		"Error: Collective does not have quorum\n"},
	{"nodeattrib n1 a=1", "", UPDATE("/noderange/n1/attributes/all", "{\"a\":\"1\"}"),
		{"{\"error\":\"x\"}\n{\"_requestdone\":1,\"stale\":{\"age\":1}}"}, 1, "",
		"Error: x\n"},
	{"nodeattrib n1 a=1", "", UPDATE("/noderange/n1/attributes/all", "{\"a\":\"1\"}"),
		{ERROR("512", "x") DONE}, 1, "", "Error: x\n"},
	{"nodeattrib n1 groups,=a groups^=b", "",
		UPDATE("/noderange/n1/attributes/all", "{\"groups\":{\"prepend\":\"a\"}}")
			UPDATE("/noderange/n1/attributes/all", "{\"groups\":{\"remove\":\"b\"}}"),
		{NODE("n1", "\"groups\":[\"a\",\"b\"]") DONE,
			NODE("n1", "\"groups\":[\"a\"]") DONE},
		0, "n1: ['a', 'b']\nn1: ['a']\n", ""},
	{"nodeattrib n1 groups,=a groups^=b", "",
		UPDATE("/noderange/n1/attributes/all", "{\"groups\":{\"prepend\":\"a\"}}"),
		{ERROR("400", "no") DONE}, 144, "", "Error: no\n"},
	{"nodeattrib n1 -c a b a", "",
		UPDATE("/noderange/n1/attributes/all", "{\"a\":null,\"b\":null}"),
		{NODE("n1", "\"_warnings\":[\"w1\",\"w2\"]") NODE("n1", "\"a\":{\"value\":null}")
				DONE},
		0, "", "Warning: w1\nWarning: w2\n"},
	{"nodeattrib -c n1 a", "", UPDATE("/noderange/n1/attributes/all", "{\"a\":null}"),
		{ERROR("404", "x") DONE}, 148, "", "Error: x\n"},
	{"nodeattrib -e n1 location.u", "",
		UPDATE("/noderange/n1/attributes/all", "{\"location.u\":\"from-env\"}"),
		{NODE("n1", "\"location.u\":{\"value\":\"from-env\"}") DONE}, 0, "n1: from-env\n",
		""},
	{"nodeattrib -p n1 secret.x", "one\ntwo\none\none\n",
		UPDATE("/noderange/n1/attributes/all", "{\"secret.x\":\"one\"}")
			WANTED("/noderange/n1/attributes/all", "\"secret.x\""),
		{NODE("n1", "\"secret.x\":{\"isset\":true}") DONE,
			NODE("n1", "\"secret.x\":{\"isset\":true}") DONE},
		0, "n1: ********\nn1: secret.x: ********\n",
		"Enter value for secret.x: Confirm value for secret.x: Values did not match.\n"
		"Enter value for secret.x: Confirm value for secret.x: "},
	{"nodeattrib --json n1 a=1", "", UPDATE("/noderange/n1/attributes/all", "{\"a\":\"1\"}"),
		{NODE("n1", "\"a\":{\"value\":\"1\"},\"b\":{\"value\":\"2\"}") DONE}, 0,
		"{\"changed\":[{\"node\":\"n1\",\"attribute\":\"a\",\"value\":\"1\"}]}\n", ""},
	{"nodeattrib -m 2 n1-n3 a=1", "y\n",
		RETRIEVE("/noderange/n1-n3/nodes/")
			UPDATE("/noderange/n1-n3/attributes/all", "{\"a\":\"1\"}"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n2/\"}}\n"
		 "{\"item\":{\"href\":\"n3/\"}}\n" DONE,
			NODE("n1", "\"a\":{\"value\":\"1\"}") DONE},
		0, "Command is about to affect 3 nodes, continue (y/n)? n1: 1\n", ""},
	{"nodeattrib -m 2 n1-n3 a=1", "n\n", RETRIEVE("/noderange/n1-n3/nodes/"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n2/\"}}\n"
		 "{\"item\":{\"href\":\"n3/\"}}\n" DONE},
		1, "Command is about to affect 3 nodes, continue (y/n)? ",
		"Aborting at user request\n"},
	{"nodeattrib -m 0 n1 a=1", "yes\n", RETRIEVE("/noderange/n1/nodes/"),
		{"{\"item\":{\"href\":\"n1/\"}}\n" DONE}, 1,
		"Command is about to affect node n1, continue (y/n)? ",
		"Aborting at user request\n"},
	{"nodeattrib -m 2 x a=1", "y\n", RETRIEVE("/noderange/x/nodes/"),
		{ERROR("404", "no such") DONE}, 1, "", "no such\n"},
	{"nodeattrib -m 1 n1 a=1", "",
		RETRIEVE("/noderange/n1/nodes/")
			UPDATE("/noderange/n1/attributes/all", "{\"a\":\"1\"}"),
		{"{\"item\":{\"href\":\"n1/\"}}\n" DONE, DONE}, 0, "", ""},
	{"nodegroupattrib rack1 collective.manager=mgt1", "",
		UPDATE("/nodegroups/rack1/attributes/all", "{\"collective.manager\":\"mgt1\"}"),
		{"{" MGT2 "}\n" DONE}, 0, "", ""},
	{"nodegroupattrib rack1 nodes-=n3", "",
		UPDATE("/nodegroups/rack1/attributes/all", "{\"nodes\":{\"remove\":\"n3\"}}"),
		{ERROR("400", "x") DONE}, 144, "", "Error: x\n"},
	{"nodegroupattrib -c rack1 a", "",
		UPDATE("/nodegroups/rack1/attributes/all", "{\"a\":null}"), {DONE}, 0, "", ""},
	{"nodegroupattrib --json rack1 a=1", "",
		UPDATE("/nodegroups/rack1/attributes/all", "{\"a\":\"1\"}"),
		{"{\"a\":{\"value\":\"1\"}}\n" DONE}, 0,
		"{\"changed\":[{\"group\":\"rack1\",\"attribute\":\"a\",\"value\":\"1\"}]}\n", ""},
	{"nodedefine n1-n2 groups=rack1,compute location.u={n1}", "",
		CREATE("/noderange/", "{\"name\":\"n1-n2\",\"groups\":\"rack1,compute\",\"location."
				      "u\":\"{n1}\"}"),
		{"{\"created\":\"n1\"}\n{\"created\":\"n2\"}\n" DONE}, 0,
		"n1: created\nn2: created\n", ""},
	{"nodedefine n1 --json", "", CREATE("/noderange/", "{\"name\":\"n1\"}"),
		{"{\"created\":\"n1\"}\n" DONE}, 0, "{\"created\":[\"n1\"]}\n", ""},
	{"nodedefine n1 a=1", "", CREATE("/noderange/", "{\"name\":\"n1\",\"a\":\"1\"}"),
		{ERROR("400", "bad") DONE}, 1, "", "bad\n"},
	{"nodegroupdefine rack1,compute a=1", "",
		CREATE("/nodegroups/", "{\"name\":\"rack1\",\"a\":\"1\"}")
			CREATE("/nodegroups/", "{\"name\":\"compute\",\"a\":\"1\"}"),
		{"{\"created\":\"rack1\"}\n" DONE, "{\"created\":\"compute\"}\n" DONE}, 0,
		"rack1: created\ncompute: created\n", ""},
	{"nodegroupdefine a,b", "",
		CREATE("/nodegroups/", "{\"name\":\"a\"}")
			CREATE("/nodegroups/", "{\"name\":\"b\"}"),
		{ERROR("400", "bad") DONE, "{\"created\":\"b\"}\n" DONE}, 1, "b: created\n",
		"bad\n"},
	{"noderemove n1-n2", "", DELETE("/noderange/n1-n2"),
		{"{\"deleted\":\"n1\"}\n{\"deleted\":\"n2\"}\n" DONE}, 0,
		"n1: deleted\nn2: deleted\n", ""},
	{"noderemove -m 1 n1-n2 --json", "y\n",
		RETRIEVE("/noderange/n1-n2/nodes/") DELETE("/noderange/n1-n2"),
		{"{\"item\":{\"href\":\"n1/\"}}\n{\"item\":{\"href\":\"n2/\"}}\n" DONE,
			"{\"deleted\":\"n1\"}\n{\"deleted\":\"n2\"}\n" DONE},
		0, "{\"deleted\":[\"n1\",\"n2\"]}\n",
		"Command is about to affect 2 nodes, continue (y/n)? "},
	{"nodegroupremove a,b", "", DELETE("/nodegroups/a") DELETE("/nodegroups/b"),
		{"{\"deleted\":\"a\"}\n" DONE, "{\"deleted\":\"b\"}\n" DONE}, 0,
		"a: deleted\nb: deleted\n", ""},
	{"noderename n1-n2 m{n1}", "",
		UPDATE("/noderange/n1-n2/attributes/rename", "{\"rename\":\"m{n1}\"}"),
		{NODE("n1", "\"rename\":{\"value\":\"m1\"}")
				NODE("n2", "\"rename\":{\"value\":\"m2\"}") DONE},
		0, "n1: m1\nn2: m2\n", ""},
	{"noderename n1 m1 --json", "",
		UPDATE("/noderange/n1/attributes/rename", "{\"rename\":\"m1\"}"),
		{NODE("n1", "\"rename\":{\"value\":\"m1\"}") DONE}, 0,
		"{\"renamed\":{\"n1\":\"m1\"}}\n", ""},
	{"noderename n1 n2", "", UPDATE("/noderange/n1/attributes/rename", "{\"rename\":\"n2\"}"),
		{ERROR("400", "conflict") DONE}, 144, "", "Error: conflict\n"},
	{"nodegrouprename g1 g2", "",
		UPDATE("/nodegroups/g1/attributes/rename", "{\"rename\":\"g2\"}"),
		{"{\"oldname\":\"g1\",\"newname\":\"g2\"}\n" DONE}, 0, "g1: g2\n", ""},
	{"nodegrouprename g1 g2", "",
		UPDATE("/nodegroups/g1/attributes/rename", "{\"rename\":\"g2\"}"),
		{ERROR("400", "conflict") DONE}, 1, "", "conflict\n"},
};

/* What is refused before anybody is asked. */
static const struct talk refused[] = {
	{"nodeattrib n1 a=1 b", "", "", {NULL}, 1, "",
		"Error: ['a=1', 'b'] Can not set and read at the same time!\n"},
	{"nodeattrib n1 a b=1", "", "", {NULL}, 1, "",
		"Error: ['a', 'b=1'] Can not set and read at the same time!\n"},
	{"nodeattrib -c n1 a=1", "", "", {NULL}, 1, "",
		"Can not clear and set at the same time!\n"},
	{"nodeattrib -c n1", "", "", {NULL}, 144, "",
		"Attribute names required with specified options\n"},
	{"nodeattrib -c -p n1 a", "", "", {NULL}, 1, "",
		"Error: -c, -e, -p and -s exclude each other\n"},
	{"nodeattrib n1 =x", "", "", {NULL}, 1, "", "Error: ['=x'] not a valid expression\n"},
	{"nodeattrib n1 a=1 ,=x", "", "", {NULL}, 1, "", "not a valid expression\n"},
	{"nodeattrib -e n1 no.such.variable", "", "", {NULL}, 1, "",
		"Error: no.such.variable: neither no_such_variable nor NO_SUCH_VARIABLE is in the "
		"environment\n"},
	{"nodeattrib -e n1 a=1", "", "", {NULL}, 1, "", "are to be names"},
	{"nodeattrib -p n1 a", "one\n", "", {NULL}, 1, "", "Error: no value was given for a\n"},
	{"nodeattrib -s /nonexistent n1", "", "", {NULL}, 1, "", "/nonexistent"},
	{"nodeattrib -s x n1 a", "", "", {NULL}, 1, "", "a file of attributes, too"},
	{"nodeattrib -m many n1 a=1", "", "", {NULL}, 2, "", "'many' is not a number of nodes"},
	{"nodeattrib n1/n2", "", "", {NULL}, 1, "", "'n1/n2' cannot be asked for: it holds a '/'"},
	{"nodeattrib", "", "", {NULL}, 1, "", "nodeattrib: an argument is missing (usage: "},
	{"nodeattrib --bogus n1", "", "", {NULL}, 2, "",
		"nodeattrib: unknown option '--bogus' (nodeattrib --help)\n"},
	{"nodegroupattrib -c", "", "", {NULL}, 144, "",
		"Attribute names required with specified options\n"},
	{"nodegroupdefine good,b#d a=1", "", "", {NULL}, 1, "",
		"Bad Request - \"b#d\" is not a valid group name"},
	{"nodegroupdefine good,", "", "", {NULL}, 1, "", "\"\" is not a valid group name"},
	{"nodegroupremove good,,two", "", "", {NULL}, 1, "", "\"\" is not a valid group name"},
	{"noderemove  ", "", "", {NULL}, 1, "", "'' cannot be asked for: it is empty"},
	{"nodelist -s x", "", "", {NULL}, 2, "", "nodelist: unknown option '-s'"},
	{"nodegrouplist x", "", "", {NULL}, 1, "", "too many arguments (usage: nodegrouplist)"},
	{"nodedefine n1 a", "", "", {NULL}, 1, "", "'a' is not of the form ATTRIBUTE=VALUE\n"},
	{"nodedefine n1 name=x", "", "", {NULL}, 1, "", "'name' is no attribute\n"},
	{"nodedefine n1 a=1 a=2", "", "", {NULL}, 1, "", "a is given twice\n"},
	{"nodedefine n1 groups,=a", "", "", {NULL}, 1, "", "groups: what is new can only be set"},
	{"noderemove n1 n2", "", "", {NULL}, 1, "", "too many arguments"},
	{"noderename n1", "", "", {NULL}, 1, "",
		"an argument is missing (usage: noderename NODERANGE NAME)"},
	{"nodelist --socket /nonexistent/x", "", "", {NULL}, 1, "",
		"collectived is not running (no socket at /nonexistent/x)"},
	{"nodeattrib --version", "", "", {NULL}, 0, "nodeattrib " PACKAGE_VERSION "\n", ""},
	{"nodeattrib --words", "", "", {NULL}, 0, "nodeattrib -b --blame -c --clear", ""},
	{"nodeattrib n1 --help", "", "", {NULL}, 0,
		"   or: nodeattrib -c [-m N] NODERANGE ATTRIBUTE ...\n", ""},
};

static void talk(const struct talk *t)
{
	struct script s = {GOOD, PASSED, t->answers[0] ? t->answers[0] : ""};

	for (int i = 1; i < SCRIPT_MAX; i++)
		s.more[i - 1] = t->answers[i];
	setenv("LOCATION_U", "from-env", 1);
	start(&s);
	run_program(t->line, t->input);
	ck_assert_msg(f.rc == t->rc, "%s: %d: '%s' '%s'", t->line, f.rc, f.out, f.err);
}

static void exactly(const struct talk *t)
{
	talk(t);
	asked(t->request);
	ck_assert_msg(strcmp(f.out, t->out) == 0, "%s: '%s'", t->line, f.out);
	ck_assert_msg(strcmp(f.err, t->err) == 0, "%s: '%s'", t->line, f.err);
	stop();
}

START_TEST(commands_read)
{
	exactly(&reading[_i]);
}
END_TEST

START_TEST(commands_change)
{
	exactly(&changing[_i]);
}
END_TEST

START_TEST(a_command_line_is_checked_before_anybody_is_asked)
{
	const struct talk *t = &refused[_i];

	talk(t);
	asked("");
	ck_assert_msg(strstr(f.out, t->out), "%s: '%s'", t->line, f.out);
	ck_assert_msg(*t->out || !*f.out, "%s: '%s'", t->line, f.out);
	ck_assert_msg(strstr(f.err, t->err), "%s: '%s'", t->line, f.err);
	ck_assert_msg(*t->err || !*f.err, "%s: '%s'", t->line, f.err);
	stop();
}
END_TEST

static const struct {
	struct script script;
	const char *out, *err;
} broken[] = {
	{{GOOD, "{\"authpassed\":0}", ""}, "", "the agent does not know you: use this command as"},
	{{GOOD, "{\"authpassed\":0,\"error\":\"too\\u001b many\"}", ""}, "", "too? many"},
	{{GOOD, PASSED, ""}, "", "closed the connection without an answer"},
	{{GOOD, PASSED, NODE("n1", MGT2)}, "n1: collective.manager: mgt2\n",
		"closed the connection without an answer"},
	{{GOOD, PASSED, "{bad"}, "", "not valid JSON"},
	{{GOOD, PASSED, "\x80junk", .raw = true}, "", "is not collectived"},
	{{"HTTP/1.0 400", PASSED, ""}, "", "is not collectived"},
};

START_TEST(an_agent_that_misbehaves_is_reported)
{
	start(&broken[_i].script);
	run_program("nodeattrib n1", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_str_eq(f.out, broken[_i].out);
	ck_assert_msg(strstr(f.err, broken[_i].err), "'%s'", f.err);
	stop();
}
END_TEST

static const char *const odd_frames[] = {
	"[]",
	"7",
	"{}",
	"{\"databynode\":7}",
	"{\"databynode\":{\"n1\":7}}",
	"{\"databynode\":{\"n1\":{\"a\":7}}}",
	"{\"item\":7}",
	"{\"item\":{\"href\":7}}",
	"{\"created\":7}",
	"{\"oldname\":\"x\"}",
	"{\"databynode\":{\"n1\":{\"rename\":7}}}",
	"{\"error\":7}",
	"{\"databynode\":{\"n1\":{\"error\":{}}}}",
	"{\"databynode\":{\"n1\":{\"_warnings\":[7]}}}",
	"{\"databynode\":{\"\":{\"\":{}}}}",
};

static const char *const any_program[] = {
	"nodeattrib n1 a",
	"nodeattrib n1 a=1",
	"nodeattrib n1 -c a",
	"nodegroupattrib g a",
	"nodegroupattrib g a=1",
	"nodelist",
	"nodedefine n1",
	"noderename n1 n2",
	"nodegrouprename a b",
	"nodeattrib --json n1",
	"nodeattrib --json n1 a=1",
};

START_TEST(a_frame_of_another_form_is_survived)
{
	size_t forms = ARRAY_SIZE(odd_frames);
	char *answer = NULL;
	size_t len;
	FILE *lines = open_memstream(&answer, &len);
	struct script s = {GOOD, PASSED};

	fprintf(lines, "%s\n%s", odd_frames[_i % (int)forms], DONE);
	fclose(lines);
	s.answer = answer;
	start(&s);
	run_program(any_program[_i / (int)forms], "");
	ck_assert(f.rc == CLI_OK || f.rc == CLI_FAILED);
	stop();
	free(answer);
}
END_TEST

START_TEST(an_answer_may_come_byte_by_byte)
{
	struct script s = {
		GOOD, PASSED, NODE("n1", MGT2) NODE("n2", MGT1) DONE, .byte_by_byte = true};

	start(&s);
	run_program("nodeattrib n1-n2", "");
	ck_assert_str_eq(f.out, "n1: collective.manager: mgt2\nn2: collective.manager: mgt1\n");
	stop();
}
END_TEST

/* What a shell shows of the arguments of others must not be a password. */
START_TEST(values_do_not_stay_in_argv)
{
	char line[] = "s.x=hunter2";
	char *argv[] = {(char[]){"nodeattrib"}, (char[]){"n1"}, line, NULL};
	struct script s = {GOOD, PASSED, DONE};
	char *out = NULL, *err = NULL;
	size_t len;
	FILE *fout = open_memstream(&out, &len), *ferr = open_memstream(&err, &len);

	start(&s);
	ck_assert_int_eq(cli_run(3, argv, f.path, stdin, fout, ferr), CLI_OK);
	ck_assert_str_eq(line, "s.x=");
	ck_assert_ptr_null(memmem(line, sizeof(line), "hunter2", 7));
	fclose(fout);
	fclose(ferr);
	free(out);
	free(err);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli_nodes");
	TCase *t = tcase_create("nodes");

	tcase_add_loop_test(t, commands_read, 0, ARRAY_SIZE(reading));
	tcase_add_loop_test(t, commands_change, 0, ARRAY_SIZE(changing));
	tcase_add_loop_test(
		t, a_command_line_is_checked_before_anybody_is_asked, 0, ARRAY_SIZE(refused));
	tcase_add_loop_test(t, an_agent_that_misbehaves_is_reported, 0, ARRAY_SIZE(broken));
	tcase_add_loop_test(t, a_frame_of_another_form_is_survived, 0,
		ARRAY_SIZE(odd_frames) * ARRAY_SIZE(any_program));
	tcase_add_test(t, an_answer_may_come_byte_by_byte);
	tcase_add_test(t, values_do_not_stay_in_argv);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
