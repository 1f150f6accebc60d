/*
 * The commands about nodes and their managers against a scripted agent.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/verb.h"
#include "tests/unit/cli_agent.h"

#define ASK(operation, rest) "{\"collective\":{\"operation\":\"" operation "\"" rest "}}"
#define SAY(object)	     "{\"collective\":" object "}"
#define LINE(object)	     SAY(object) "\n"
#define REFUSED(text)	     SAY("{\"error\":\"" text "\"}")
#define AGE		     "\"stale\":{\"age\":42,\"revision\":\"812\"}"

static const struct {
	const char *line, *request, *answer;
	int rc;
	const char *out, *err;
} talks[] = {
	{"claim n1-n6", ASK("claim", ",\"noderange\":\"n1-n6\""),
		LINE("{\"claims\":[{\"node\":\"n1\",\"result\":\"claimed\",\"manager\":\"mgt1\"},"
		     "{\"node\":\"n2\",\"result\":\"own\",\"manager\":\"mgt1\"}]}")
			LINE("{\"claims\":[{\"node\":\"n3\",\"result\":\"other\",\"manager\":"
			     "\"mgt2\"},{\"node\":\"n4\",\"result\":\"no-candidate\","
			     "\"candidates\":\"mgt2,mgt3\",\"member\":\"mgt1\"},{\"node\":\"n5\","
			     "\"result\":\"gone\"},{\"node\":\"n6\",\"result\":\"failed\","
			     "\"why\":\"no space\"}]}") SAY("{\"end\":{}}"),
		CLI_FAILED, "n1: claimed by mgt1\nn2: managed by mgt1 already\n",
		"n3: managed by mgt2\nn4: mgt1 is not among its candidates (mgt2,mgt3)\n"
		"n5: there is no such node any more\nn6: no space\n"},
	{"claim n1", ASK("claim", ",\"noderange\":\"n1\""),
		LINE("{\"claims\":[{\"node\":\"n1\",\"result\":\"own\",\"manager\":\"m\"}]}")
			SAY("{\"end\":{}}"),
		CLI_OK, "n1: managed by m already\n", ""},
	{"claim n1 --json", ASK("claim", ",\"noderange\":\"n1\""),
		LINE("{\"claims\":[{\"node\":\"n1\",\"result\":\"gone\"}]}")
			SAY("{\"end\":{\"nodes\":1,\"member\":\"m\"}}"),
		CLI_FAILED,
		"{\"claims\":[{\"node\":\"n1\",\"result\":\"gone\"}],\"nodes\":1,\"member\":"
		"\"m\"}\n",
		""},
	{"claim n1", ASK("claim", ",\"noderange\":\"n1\""),
		REFUSED("Collective does not have quorum"), CLI_FAILED, "",
		"Collective does not have quorum\n"},
	{"claim n1 --json", ASK("claim", ",\"noderange\":\"n1\""), REFUSED("no"), CLI_FAILED,
		"{\"claims\":[]}\n", "no\n"},
	{"claim n1", ASK("claim", ",\"noderange\":\"n1\""),
		LINE("{\"claims\":[{\"result\":\"new\"},3]}") SAY("{\"end\":{}}"), CLI_FAILED, "",
		"?: unexpected answer of collectived\n?: unexpected answer of collectived\n"},
	{"nodes", ASK("nodes", ""),
		LINE("{\"managers\":[{\"name\":\"mgt1\",\"nodes\":3,\"noderange\":\"n[1:3]\","
		     "\"state\":\"online\",\"draining\":true},{\"name\":\"mgt2\",\"nodes\":0,"
		     "\"noderange\":\"\",\"state\":\"offline\"}]}")
			LINE("{\"managers\":[{\"name\":\"x\\u001b\",\"nodes\":1,\"noderange\":"
			     "\"n9\",\"state\":\"unknown\"},{\"name\":\"\",\"nodes\":1,"
			     "\"noderange\":\"n7\",\"state\":\"nobody\"}]}")
				SAY("{\"end\":{" AGE "}}"),
		CLI_OK,
		"mgt1 (draining): n[1:3] (3 nodes)\nmgt2 (offline): no nodes\n"
		"x? (no member): n9 (1 node)\nnobody: n7 (1 node)\n",
		"Showing what was known 42s ago (revision 812); collective show tells more\n"},
	{"nodes mgt1", ASK("nodes", ",\"member\":\"mgt1\""),
		LINE("{\"nodes\":[\"n1\",\"n2\",3]}") LINE("{\"nodes\":[\"n10\"]}")
			SAY("{\"end\":{}}"),
		CLI_OK, "n1\nn2\nn10\n", ""},
	{"nodes mgt1 --json", ASK("nodes", ",\"member\":\"mgt1\""),
		LINE("{\"nodes\":[\"n1\"],\"paused\":{\"by\":\"m\"}}") SAY("{\"end\":{}}"), CLI_OK,
		"{\"nodes\":[\"n1\"],\"paused\":{\"by\":\"m\"}}\n",
		"Automatic moves are paused (by an administrator on m)\n"},
	{"nodes --unmanaged", ASK("nodes", ",\"unmanaged\":true"), SAY("{\"end\":{}}"), CLI_OK, "",
		""},
	{"nodes nosuch", ASK("nodes", ",\"member\":\"nosuch\""), REFUSED("nosuch is nobody"),
		CLI_FAILED, "", "nosuch is nobody\n"},
	{"candidates n1-n4", ASK("candidates", ",\"noderange\":\"n1-n4\""),
		LINE("{\"candidates\":[{\"node\":\"n1\",\"candidates\":[\"mgt1\",\"mgt2\"]},"
		     "{\"node\":\"n2\",\"candidates\":[\"mgt1\"],\"unknown\":\"mgt9\"},"
		     "{\"node\":\"n3\",\"candidates\":null},{\"node\":\"n4\",\"candidates\":null,"
		     "\"error\":\"bad\"},{\"node\":\"n5\",\"candidates\":[],\"unknown\":\"mgt9\"},"
		     "{\"node\":\"n6\",\"candidates\":[],\"text\":\"n1-n3\"}]}")
			SAY("{\"end\":{}}"),
		CLI_FAILED, "n1: mgt1,mgt2\nn2: mgt1\nn3:\nn5:\nn6:\n",
		"n2: not in the collective: mgt9\nn4: bad\nn6: no member is among n1-n3\n"},
	{"plan --without mgt2,mgt3 mgt4", ASK("plan", ",\"without\":[\"mgt2\",\"mgt3\",\"mgt4\"]"),
		LINE("{\"moves\":[{\"member\":\"mgt2\",\"nodes\":63,\"to\":[{\"member\":\"mgt1\","
		     "\"nodes\":32},{\"member\":\"mgt5\",\"nodes\":31}]}]}")
			LINE("{\"left\":[{\"verdict\":\"orphaned\",\"nodes\":2,\"noderange\":"
			     "\"n[7,9]\"},{\"verdict\":\"fixed\",\"nodes\":1,\"noderange\":"
			     "\"n4\"}]}") SAY("{\"end\":{\"members\":[{\"name\":\"mgt1\",\"nodes\":"
					      "20,\"then\":52}]}}"),
		CLI_OK,
		"mgt2 (63 nodes): 32 to mgt1, 31 to mgt5\n"
		"orphaned: n[7,9] (2 nodes): none of their candidates is there\n"
		"not moved: n4 (1 node): it has no candidates\n"
		"then mgt1 has 52 nodes (now 20)\n",
		""},
	{"plan", ASK("plan", ",\"without\":[]"), SAY("{\"end\":{\"members\":[]}}"), CLI_OK,
		"nothing would be moved\n", ""},
	{"plan", ASK("plan", ",\"without\":[]"),
		LINE("{\"left\":[{\"verdict\":\"orphaned\",\"nodes\":1,\"noderange\":\"n7\"},"
		     "{\"verdict\":\"kept\",\"nodes\":1,\"noderange\":\"n8\"},"
		     "{\"verdict\":\"kept\",\"nodes\":2,\"noderange\":\"n[1:2]\"},"
		     "{\"verdict\":\"fixed\",\"nodes\":2,\"noderange\":\"n[3:4]\"}]}")
			SAY("{\"end\":{}}"),
		CLI_OK,
		"orphaned: n7 (1 node): none of its candidates is there\n"
		"not moved: n8 (1 node): its manager is being drained, and no other candidate is "
		"there\n"
		"not moved: n[1:2] (2 nodes): their manager is being drained, and no other "
		"candidate is there\n"
		"not moved: n[3:4] (2 nodes): they have no candidates\n"
		"nothing would be moved\n",
		""},
	{"plan", ASK("plan", ",\"without\":[]"),
		SAY("{\"end\":{\"members\":[],\"odd\":2,\"first_odd\":\"of n1: bad\"}}"), CLI_OK,
		"nothing would be moved\n",
		"counted as without candidates, for what they have can't be used: 2 nodes, the "
		"first: of n1: bad\n"},
	{"plan --json", ASK("plan", ",\"without\":[]"),
		LINE("{\"left\":[{\"verdict\":\"fixed\"}]}") SAY("{\"end\":{\"moved\":0}}"), CLI_OK,
		"{\"moves\":[],\"left\":[{\"verdict\":\"fixed\"}],\"moved\":0}\n", ""},
	{"drain mgt2 --reason upgrade",
		ASK("drain", ",\"member\":\"mgt2\",\"reason\":\"upgrade\",\"force\":false,\"wait\":"
			     "true"),
		LINE("{\"progress\":{\"left\":40,\"all\":63}}")
			SAY("{\"end\":{\"status\":\"mgt2 is drained: 63 nodes moved\"}}"),
		CLI_OK, "mgt2 is drained: 63 nodes moved\n", ""},
	{"drain mgt2 --force --no-wait --json",
		ASK("drain", ",\"member\":\"mgt2\",\"force\":true,\"wait\":false"),
		SAY("{\"end\":{\"status\":\"s\",\"moved\":0}}"), CLI_OK,
		"{\"status\":\"s\",\"moved\":0}\n", ""},
	{"drain mgt2", ASK("drain", ",\"member\":\"mgt2\",\"force\":false,\"wait\":true"),
		LINE("{\"progress\":{\"left\":40,\"all\":63}}") REFUSED("nothing moves"),
		CLI_FAILED, "", "nothing moves\n"},
	{"drain mgt2", ASK("drain", ",\"member\":\"mgt2\",\"force\":false,\"wait\":true"),
		SAY("{\"end\":{}}"), CLI_FAILED, "",
		"unexpected answer of collectived: 'status' is missing\n"},
	{"undrain mgt2", ASK("undrain", ",\"member\":\"mgt2\""),
		SAY("{\"status\":\"mgt2 may be chosen again; nothing moves back by itself\"}"),
		CLI_OK, "mgt2 may be chosen again; nothing moves back by itself\n", ""},
	{"undrain mgt2 --json", ASK("undrain", ",\"member\":\"mgt2\""),
		SAY("{\"status\":\"done\"}"), CLI_OK, "{\"status\":\"done\"}\n", ""},
	{"undrain mgt2", ASK("undrain", ",\"member\":\"mgt2\""),
		SAY("{\"status\":\"done\",\"paused\":{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":"
		    "1795333836.25,\"reason\":\"a\\tb\"}}"),
		CLI_OK, "done\n",
		"Automatic moves are paused (since 2026-11-22 07:50:36 +0000 by root on mgt1: "
		"a?b)\n"},
	{"undrain mgt2", ASK("undrain", ",\"member\":\"mgt2\""),
		SAY("{\"error\":\"no\",\"paused\":{}}"), CLI_FAILED, "",
		"Automatic moves are paused (by an administrator)\nno\n"},
	{"undrain mgt2 --json", ASK("undrain", ",\"member\":\"mgt2\""), REFUSED("no"), CLI_FAILED,
		"", "no\n"},
	{"pause --reason r --json", ASK("pause", ",\"reason\":\"r\""),
		SAY("{\"status\":\"paused\",\"paused\":{\"by\":\"m\"}}"), CLI_OK,
		"{\"paused\":{\"by\":\"m\"},\"status\":\"paused\"}\n", ""},
	{"resume --json", ASK("resume", ""), SAY("{\"status\":\"go on\"}"), CLI_OK,
		"{\"status\":\"go on\"}\n", ""},
	{"resume --json", ASK("resume", ""), SAY("{\"status\":3}"), CLI_FAILED, "",
		"unexpected answer of collectived: 'status': expected a text, found a number\n"},
	{"rebalance --dry-run --max-moves 5", ASK("rebalance", ",\"dry_run\":true,\"max_moves\":5"),
		LINE("{\"moves\":[{\"node\":\"n17\",\"from\":\"mgt1\",\"to\":\"mgt3\",\"why\":"
		     "\"mgt1 has 40 nodes, mgt3 has 20\"}]}")
			SAY("{\"end\":{\"status\":\"1 node would move\"}}"),
		CLI_OK, "n17: mgt1 -> mgt3 (mgt1 has 40 nodes, mgt3 has 20)\n1 node would move\n",
		""},
	{"rebalance --json", ASK("rebalance", ",\"dry_run\":false"),
		LINE("{\"progress\":{\"left\":1,\"all\":1}}")
			SAY("{\"end\":{\"status\":\"1 node moved\",\"moved\":1}}"),
		CLI_OK, "{\"moves\":[],\"status\":\"1 node moved\",\"moved\":1}\n", ""},
};

START_TEST(each_verb_asks_and_prints)
{
	struct script s = {GOOD, PASSED, talks[_i].answer};

	start(&s);
	run(talks[_i].line, "");
	ck_assert_msg(f.rc == talks[_i].rc, "%s: %d: %s%s", talks[_i].line, f.rc, f.out, f.err);
	asked(talks[_i].request);
	ck_assert_str_eq(f.out, talks[_i].out);
	ck_assert_str_eq(f.err, talks[_i].err);
	stop();
}
END_TEST

static const struct {
	const char *line, *err;
} bad[] = {
	{"plan --without", "collective: plan: --without needs the name of a member behind it\n"},
	{"plan --without ,", "collective: plan: --without needs the name of a member behind it\n"},
	{"rebalance --max-moves 0", "collective: rebalance: --max-moves: '0' is not a number "
				    "between 1 and 1000000000\n"},
	{"rebalance --max-moves x1",
		"collective: rebalance: --max-moves: 'x1' is not a number between 1 and "
		"1000000000\n"},
};

START_TEST(what_makes_no_sense_is_not_asked)
{
	struct script s = {GOOD, PASSED};

	start(&s);
	run(bad[_i].line, "");
	ck_assert_int_eq(f.rc, CLI_USAGE);
	ck_assert_str_eq(f.err, bad[_i].err);
	ck_assert_str_eq(f.out, "");
	asked("");
	stop();
}
END_TEST

static const char *const odd[] = {"{}", "{\"end\":3}", "{\"claims\":3,\"moves\":3,\"left\":{}}",
	"{\"managers\":[3,null,{\"name\":3}],\"nodes\":[null]}",
	"{\"candidates\":[{},{\"node\":\"n\",\"candidates\":[3]},3]}",
	"{\"moves\":[{\"to\":[{},3]},3],\"left\":[3,{\"verdict\":3}]}",
	"{\"progress\":{\"left\":\"x\"}}", "{\"progress\":{\"left\":-5,\"all\":1e300}}",
	"{\"end\":{\"status\":3,\"members\":[3]},\"error\":null}", "{\"error\":3}"};
static const char *const any_verb[] = {"claim n", "claim n --json", "nodes", "nodes m",
	"nodes --json", "candidates n", "candidates n --json", "plan", "plan --json", "drain m",
	"drain m --json", "rebalance", "rebalance --json"};

START_TEST(a_frame_of_another_form_is_survived)
{
	char *answer = xasprintf("{\"collective\":%s}\n{\"collective\":{\"end\":{}}}",
		odd[_i % (int)ARRAY_SIZE(odd)]);
	struct script s = {GOOD, PASSED, answer};

	start(&s);
	run(any_verb[_i / (int)ARRAY_SIZE(odd)], "");
	ck_assert(f.rc == CLI_OK || f.rc == CLI_FAILED);
	stop();
	free(answer);
}
END_TEST

START_TEST(an_answer_without_an_end_is_told)
{
	struct script s = {GOOD, PASSED, SAY("{\"nodes\":[\"n1\"]}")};

	start(&s);
	run("nodes mgt1", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_str_eq(f.out, "n1\n");
	ck_assert_msg(strstr(f.err, "closed the connection"), "%s", f.err);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli_managers");
	TCase *t = tcase_create("managers");

	tcase_add_loop_test(t, each_verb_asks_and_prints, 0, ARRAY_SIZE(talks));
	tcase_add_loop_test(t, what_makes_no_sense_is_not_asked, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(
		t, a_frame_of_another_form_is_survived, 0, ARRAY_SIZE(odd) * ARRAY_SIZE(any_verb));
	tcase_add_test(t, an_answer_without_an_end_is_told);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
