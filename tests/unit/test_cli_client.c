/*
 * The program against a scripted agent.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/verb.h"
#include "tests/unit/cli_agent.h"

static const struct {
	const char *line, *input, *request, *answer;
	int rc;
	const char *out, *err;
} verbs_run[] = {
	{"show", "", "{\"collective\":{\"operation\":\"show\",\"verbose\":false}}",
		"{\"collective\":{\"leader\":\"mgt1\",\"active\":[\"mgt2\"],\"offline\":[],"
		"\"nonvoting\":[],\"quorum\":true}}",
		CLI_OK, "Quorum: True\nLeader: mgt1\nActive collective members:\n    mgt2\n", ""},
	{"show -v --json", "", "{\"collective\":{\"operation\":\"show\",\"verbose\":true}}",
		"{\"collective\":{\"leader\":\"\",\"quorum\":false}}", CLI_OK,
		"{\"quorum\":false,\"leader\":\"\"}\n", ""},
	{"show", "", "{\"collective\":{\"operation\":\"show\",\"verbose\":false}}",
		"{\"collective\":{\"error\":\"Collective mode not enabled on this system\"}}",
		CLI_OK, "Collective mode not enabled on this system\n", ""},
	{"show --json", "", "{\"collective\":{\"operation\":\"show\",\"verbose\":false}}",
		"{\"collective\":{\"error\":\"Collective mode not enabled on this system\"}}",
		CLI_OK, "{\"error\":\"Collective mode not enabled on this system\"}\n", ""},
	{"show", "", "{\"collective\":{\"operation\":\"show\",\"verbose\":false}}",
		"{\"collective\":{\"error\":\"Invalid certificate, redo invitation process\"}}",
		CLI_FAILED, "", "Invalid certificate, redo invitation process\n"},
	{"invite mgt2", "",
		"{\"collective\":{\"operation\":\"invite\",\"name\":\"mgt2\",\"role\":null}}",
		"{\"collective\":{\"invitation\":\"bWd0MkD/\"}}", CLI_OK, "bWd0MkD/\n", ""},
	{"invite -n --ttl 90m mgt3", "",
		"{\"collective\":{\"operation\":\"invite\",\"name\":\"mgt3\","
		"\"role\":\"nonvoting\",\"ttl\":5400}}",
		"{\"collective\":{\"invitation\":\"bWd0MkD/\",\"certificate\":\"generated\"}}",
		CLI_OK, "bWd0MkD/\n", "Certificate generated successfully\n"},
	{"invite mgt2", "",
		"{\"collective\":{\"operation\":\"invite\",\"name\":\"mgt2\",\"role\":null}}",
		"{\"collective\":{\"error\":\"Collective does not have quorum\"}}", CLI_FAILED, "",
		"Collective does not have quorum\n"},
	{"invite mgt2", "",
		"{\"collective\":{\"operation\":\"invite\",\"name\":\"mgt2\",\"role\":null}}",
		"{\"collective\":{\"status\":\"?\"}}", CLI_FAILED, "",
		"unexpected answer of collectived: 'invitation' is missing\n"},
	{"invite --list", "", "{\"collective\":{\"operation\":\"invitations\"}}",
		"{\"collective\":{\"invitations\":[]}}", CLI_OK, "No invitations\n", ""},
	{"invite --list --json", "", "{\"collective\":{\"operation\":\"invitations\"}}",
		"{\"collective\":{\"invitations\":[{\"name\":\"m\",\"state\":\"revoked\","
		"\"role\":null}]}}",
		CLI_OK,
		"{\"invitations\":[{\"name\":\"m\",\"state\":\"revoked\",\"role\":null}]}\n", ""},
	{"invite --revoke mgt2", "",
		"{\"collective\":{\"operation\":\"revoke\",\"name\":\"mgt2\"}}",
		"{\"collective\":{\"status\":\"Revoked the invitation of mgt2\"}}", CLI_OK,
		"Revoked the invitation of mgt2\n", ""},
	{"join mgt1 -i bWd0Mk==", "",
		"{\"collective\":{\"operation\":\"join\",\"server\":\"mgt1\","
		"\"invitation\":\"bWd0Mk==\"}}",
		"{\"collective\":{\"status\":\"Success\",\"certificate\":\"generated\"}}", CLI_OK,
		"Certificate generated successfully\nSuccess\n", ""},
	{"join mgt1 -i -", " bWd0\r\nmore\n",
		"{\"collective\":{\"operation\":\"join\",\"server\":\"mgt1\","
		"\"invitation\":\"bWd0\"}}",
		"{\"collective\":{\"status\":\"Success\"}}", CLI_OK, "Success\n", ""},
	{"join [::1]:13001", "\n  \nbWd0\n",
		"{\"collective\":{\"operation\":\"join\",\"server\":\"[::1]:13001\","
		"\"invitation\":\"bWd0\"}}",
		"{\"collective\":{\"status\":\"Success\"}}", CLI_OK,
		"Paste the invitation here: Paste the invitation here: "
		"Paste the invitation here: Success\n",
		""},
	{"join mgt1 -i x", "",
		"{\"collective\":{\"operation\":\"join\",\"server\":\"mgt1\",\"invitation\":\"x\"}"
		"}",
		"{\"collective\":{\"error\":\"Invalid token format\"}}", CLI_FAILED, "",
		"Invalid token format\n"},
	{"delete mgt3", "", "{\"collective\":{\"operation\":\"delete\",\"member\":\"mgt3\"}}",
		"{\"collective\":{\"status\":\"Successfully deleted mgt3\"}}", CLI_OK,
		"Successfully deleted mgt3\n", ""},
	{"delete mgt3", "", "{\"collective\":{\"operation\":\"delete\",\"member\":\"mgt3\"}}",
		"{\"collective\":{\"error\":\"mgt3 is still active, \x1b[2J\"}}", CLI_FAILED, "",
		""},
	{"gencert", "", "{\"collective\":{\"operation\":\"gencert\"}}",
		"{\"collective\":{\"status\":\"Certificate generated successfully\"}}", CLI_OK,
		"Certificate generated successfully\n", ""},
	{"resign", "", "{\"collective\":{\"operation\":\"resign\"}}",
		"{\"collective\":{\"error\":\"mgt1 is not\\u001b[2J the leader\"}}", CLI_FAILED, "",
		"mgt1 is not?[2J the leader\n"},
	{"log debug", "",
		"{\"collective\":{\"operation\":\"log\",\"module\":null,\"level\":\"debug\"}}",
		"{\"collective\":{\"status\":\"ok\"}}", CLI_OK, "ok\n", ""},
	{"secret get n1 secret.x", "",
		"{\"collective\":{\"operation\":\"secret\",\"node\":\"n1\",\"attribute\":"
		"\"secret.x\"}}",
		"{\"collective\":{\"value\":\"hunter 2\"}}", CLI_OK, "hunter 2\n", ""},
	{"secret --json get n1 secret.x", "",
		"{\"collective\":{\"operation\":\"secret\",\"node\":\"n1\",\"attribute\":"
		"\"secret.x\"}}",
		"{\"collective\":{\"value\":\"x\"}}", CLI_OK, "{\"value\":\"x\"}\n", ""},
	{"secret get n1 a", "",
		"{\"collective\":{\"operation\":\"secret\",\"node\":\"n1\",\"attribute\":"
		"\"a\"}}",
		"{\"collective\":{\"error\":\"a is no secret\"}}", CLI_FAILED, "",
		"a is no secret\n"},
	{"rekey", "", "{\"collective\":{\"operation\":\"rekey\"}}",
		"{\"collective\":{\"status\":\"begun\"}}", CLI_OK, "begun\n", ""},
	{"rekey --status", "", "{\"collective\":{\"operation\":\"rekey\",\"query\":true}}",
		"{\"collective\":{\"key\":\"0a\",\"stage\":\"distributing\",\"from\":\"0a\",\"to\":"
		"\"0b\",\"by\":\"mgt1\",\"waiting\":[\"mgt2\",7],\"members\":[{\"name\":\"mgt2\","
		"\"active\":true,\"held\":false,\"signed\":7}],\"note\":\"n\"}}",
		CLI_OK,
		"Stage: distributing\nKey: 0a\nChanged from: 0a\nChanged to: 0b\n"
		"Begun by: mgt1\nWaiting for:\n    mgt2\nMembers:\n"
		"    mgt2: active True, has the new key False\nNote: n\n",
		""},
	{"rekey --status --json", "", "{\"collective\":{\"operation\":\"rekey\",\"query\":true}}",
		"{\"collective\":{\"stage\":\"idle\",\"at\":5,\"members\":[{\"name\":\"m\","
		"\"held\":true}]}}",
		CLI_OK,
		"{\"stage\":\"idle\",\"at\":5,\"waiting\":[],\"members\":[{\"name\":\"m\","
		"\"held\":true}]}\n",
		""},
	{"pause", "", "{\"collective\":{\"operation\":\"pause\"}}",
		"{\"collective\":{\"status\":\"Automatic moves are paused\",\"paused\":{\"by\":"
		"\"mgt1\",\"actor\":\"root\",\"at\":1795333836.25,\"reason\":\"a\\tb\"}}}",
		CLI_OK, "Automatic moves are paused\n", ""},
	{"pause --reason=x", "", "{\"collective\":{\"operation\":\"pause\",\"reason\":\"x\"}}",
		"{\"collective\":{\"error\":\"no\",\"paused\":{}}}", CLI_FAILED, "", "no\n"},
	{"resume", "", "{\"collective\":{\"operation\":\"resume\"}}",
		"{\"collective\":{\"status\":\"Automatic moves are resumed\",\"paused\":7}}",
		CLI_OK, "Automatic moves are resumed\n", ""},
	{"invite --list --json", "", "{\"collective\":{\"operation\":\"invitations\"}}",
		"{\"collective\":{\"invitations\":[],\"paused\":{\"by\":\"mgt1\",\"at\":5,"
		"\"reason\":\"r\",\"other\":1}}}",
		CLI_OK,
		"{\"paused\":{\"at\":5,\"by\":\"mgt1\",\"reason\":\"r\"},\"invitations\":[]}\n",
		"Automatic moves are paused (since 1970-01-01 00:00:05 +0000 on mgt1: r)\n"},
	{"history -n 2", "", "{\"collective\":{\"operation\":\"history\",\"max\":2}}",
		"{\"collective\":{\"stale\":{\"age\":5,\"revision\":\"9999\"},\"history\":["
		"{\"kind\":\"leader\",\"at\":1795333836,\"revision\":\"812\",\"by\":\"mgt2\","
		"\"from\":\"mgt1\",\"to\":\"mgt2\",\"reason\":\"the lease of mgt1 ended\"},"
		"{\"kind\":\"failover\",\"at\":1795333837,\"revision\":\"9812\",\"by\":\"mgt2\","
		"\"actor\":\"leader\",\"reason\":\"mgt1 is gone\",\"moves\":["
		"{\"from\":\"mgt1\",\"to\":\"mgt2\",\"nodes\":32},"
		"{\"from\":\"mgt1\",\"to\":\"mgt3\",\"nodes\":31},"
		"{\"from\":\"mgt4\",\"to\":\"mgt2\",\"nodes\":5}]},"
		"{\"kind\":\"drain\",\"revision\":\"9813\",\"moves\":["
		"{\"from\":\"mgt1\",\"to\":\"mgt2\",\"nodes\":1}]},"
		"{\"kind\":\"resign\",\"at\":1795333838,\"revision\":\"9814\",\"by\":\"mgt2\","
		"\"from\":\"mgt2\"},"
		"{\"kind\":\"paused\",\"at\":1795333839,\"revision\":\"9815\",\"by\":\"mgt1\","
		"\"actor\":\"root\",\"reason\":\"\\u001b[2J\"},"
		"{\"kind\":\"drain-ordered\",\"at\":1795333839,\"revision\":\"9816\",\"by\":"
		"\"mgt1\",\"actor\":\"uid 7\",\"member\":\"mgt3\"},7,{}]}}",
		CLI_OK,
		"2026-11-22 07:50:36  rev  812  leader         mgt1 -> mgt2: the lease of mgt1 "
		"ended\n"
		"2026-11-22 07:50:37  rev 9812  failover       mgt1 -> mgt2 32, mgt3 31; mgt4 -> "
		"mgt2 5 nodes by leader on mgt2: mgt1 is gone\n"
		"-                    rev 9813  drain          mgt1 -> mgt2 1 node\n"
		"2026-11-22 07:50:38  rev 9814  resign         mgt2\n"
		"2026-11-22 07:50:39  rev 9815  paused         by root on mgt1: ?[2J\n"
		"2026-11-22 07:50:39  rev 9816  drain-ordered  mgt3 by uid 7 on mgt1\n"
		"-                    rev                      \n"
		"-                    rev                      \n",
		"Showing what was known 5.0s ago (revision 9999)\n"},
	{"history --json", "", "{\"collective\":{\"operation\":\"history\",\"max\":50}}",
		"{\"collective\":{\"history\":[{\"kind\":\"leader\",\"new\":[1]}],\"paused\":{"
		"\"by\":\"mgt1\"}}}",
		CLI_OK,
		"{\"paused\":{\"by\":\"mgt1\"},\"history\":[{\"kind\":\"leader\",\"new\":[1]}]}\n",
		"Automatic moves are paused (by an administrator on mgt1)\n"},
	{"history -n 0", "", "{\"collective\":{\"operation\":\"history\",\"max\":0}}",
		"{\"collective\":{\"error\":\"Collective mode not enabled on this system\"}}",
		CLI_FAILED, "", "Collective mode not enabled on this system\n"},
	{"history", "", "{\"collective\":{\"operation\":\"history\",\"max\":50}}",
		"{\"collective\":{\"status\":\"x\"}}", CLI_FAILED, "",
		"unexpected answer of collectived\n"},
	{"log etcd info", "",
		"{\"collective\":{\"operation\":\"log\",\"module\":\"etcd\",\"level\":\"info\"}}",
		"{\"errorcode\":400,\"error\":\"Bad Request\"}", CLI_FAILED, "",
		"collectived refused the request: Bad Request\n"},
};

START_TEST(each_verb_asks_and_prints)
{
	struct script s = {GOOD, "{\"authpassed\":1}", verbs_run[_i].answer};

	setenv("TZ", "UTC", 1);
	start(&s);
	run(verbs_run[_i].line, verbs_run[_i].input);
	ck_assert_msg(
		f.rc == verbs_run[_i].rc, "%s: %d: %s%s", verbs_run[_i].line, f.rc, f.out, f.err);
	asked(verbs_run[_i].request);
	/* A raw control character makes the answer no JSON: any text will do. */
	if (*verbs_run[_i].err || f.rc == CLI_OK)
		ck_assert_str_eq(f.err, verbs_run[_i].err);
	ck_assert_str_eq(f.out, verbs_run[_i].out);
	ck_assert_ptr_null(strchr(f.err, '\x1b'));
	stop();
}
END_TEST

static const struct {
	struct script script;
	const char *err;
} broken[] = {
	{{GOOD, "{\"authpassed\":0}", ""},
		"collective management commands may only be used by root\n"},
	{{GOOD, "{\"authpassed\":1}", ""}, "closed the connection without an answer"},
	{{GOOD, "{\"authpassed\":\"no\"}", ""}, "unexpected greeting"},
	{{GOOD, "{\"a\":1}", ""}, "unexpected greeting"},
	{{GOOD, "{\"authpassed\":1}", "[]"}, "unexpected answer of collectived"},
	{{GOOD, "{\"authpassed\":1}", "{\"collective\":3}"}, "unexpected answer"},
	{{GOOD, "{\"authpassed\":1}", "{bad"}, "not valid JSON"},
	{{GOOD, "{\"authpassed\":1}", "\x80junk", .raw = true}, "is not collectived"},
	{{"HTTP/1.0 400", "{\"authpassed\":1}", ""}, "is not collectived"},
};

START_TEST(an_agent_that_misbehaves_is_reported)
{
	start(&broken[_i].script);
	run("resign", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_msg(strstr(f.err, broken[_i].err), "'%s'", f.err);
	ck_assert_str_eq(f.out, "");
	stop();
}
END_TEST

START_TEST(an_answer_may_come_byte_by_byte)
{
	struct script s = {GOOD, "{\"authpassed\":1}", "{\"collective\":{\"status\":\"fine\"}}",
		.byte_by_byte = true};

	start(&s);
	run("resign", "");
	ck_assert_str_eq(f.out, "fine\n");
	stop();
}
END_TEST

static const struct script silent[] = {
	{NULL, NULL, NULL},
	{GOOD, NULL, NULL},
	{GOOD, "{\"authpassed\":1}", NULL},
};

START_TEST(silence_ends_at_the_deadline)
{
	struct err err = {""};
	json *request = json_new_object();
	json *answer = NULL;

	start(&silent[_i]);
	json_set_str(request, "operation", "show");
	ck_assert_int_eq(
		client_ask(f.path, request, 50 * USEC_PER_MSEC, &answer, &err), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(err.text, "did not answer within 50ms"));
	stop();
}
END_TEST

START_TEST(arguments_that_are_no_text_are_not_sent)
{
	struct script s = {GOOD, "{\"authpassed\":1}", ""};

	start(&s);
	run("invite mgt\xff", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_str_eq(f.err, "the arguments are not valid UTF-8 text\n");
	stop();
}
END_TEST

START_TEST(a_join_without_invitation_asks_nobody)
{
	struct script s = {GOOD, "{\"authpassed\":1}", ""};

	start(&s);
	run("join mgt1", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_ptr_nonnull(strstr(f.err, "no invitation was given"));
	stop();
}
END_TEST

START_TEST(a_socket_without_permission_says_so)
{
	struct script s = {GOOD, "{\"authpassed\":1}", ""};

	if (geteuid() == 0 && seteuid(65534) < 0)
		return;
	start(&s);
	ck_assert_int_eq(chmod(f.path, 0), 0);
	run("show", "");
	ck_assert_int_eq(f.rc, CLI_FAILED);
	ck_assert_ptr_nonnull(strstr(f.err, "no permission to use /tmp/test_cli"));
	stop();
	/* Back to what the leak check at the end needs. */
	if (getuid() == 0) {
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli_client");
	TCase *t = tcase_create("client");

	tcase_add_loop_test(t, each_verb_asks_and_prints, 0, ARRAY_SIZE(verbs_run));
	tcase_add_loop_test(t, an_agent_that_misbehaves_is_reported, 0, ARRAY_SIZE(broken));
	tcase_add_test(t, an_answer_may_come_byte_by_byte);
	tcase_add_loop_test(t, silence_ends_at_the_deadline, 0, ARRAY_SIZE(silent));
	tcase_add_test(t, arguments_that_are_no_text_are_not_sent);
	tcase_add_test(t, a_join_without_invitation_asks_nobody);
	tcase_add_test(t, a_socket_without_permission_says_so);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
