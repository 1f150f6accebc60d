/*
 * The program against a scripted agent: a child process that listens on a socket, greets, reads one
 * request, and sends what the script says.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/verb.h"
#include "tests/lib/suite.h"
#include "wire/envelope.h"
#include "wire/frame.h"

#define ARGV_MAX 10
#define GOOD	 "Confluent -- v4 --"

/* What the agent says. NULL: it says nothing and waits. */
struct script {
	const char *banner;
	const char *authpassed;
	const char *answer;
	bool byte_by_byte;
	bool raw; /* the answer is bytes, not a frame */
};

static struct {
	char folder[32];
	char path[64];
	pid_t agent;
	int requests; /* the read end of a pipe: what the agent was asked */
	char *out, *err;
	int rc;
} f;

static void say(int fd, const void *data, size_t len, bool byte_by_byte)
{
	size_t step = byte_by_byte ? 1 : len;

	for (size_t i = 0; i < len; i += step)
		if (send(fd, (const char *)data + i, step, MSG_NOSIGNAL) < 0)
			return;
}

static void say_frame(int fd, enum frame_type type, const char *text, const struct script *s)
{
	struct buf b = BUF_INIT(1 << 20);

	if (frame_put(&b, type, text, strlen(text)) == 0)
		say(fd, b.data, b.len, s->byte_by_byte);
	buf_done(&b);
}

/* Reads one frame and passes its body on. */
static void hear(int fd, int to)
{
	struct buf b = BUF_INIT(1 << 20);
	struct frame frame;

	while (frame_get(&b, FRAME_REQUEST_MAX, &frame, NULL) == 0) {
		char *at = buf_reserve(&b, 4096);
		ssize_t n = at ? read(fd, at, 4096) : 0;

		if (n <= 0)
			goto out;
		b.len += (size_t)n;
	}
	if (write(to, frame.body, frame.len) < 0)
		_exit(1);
out:
	buf_done(&b);
}

static void serve(int listener, int to, const struct script *s)
{
	int fd = accept(listener, NULL, NULL);

	if (s->banner)
		say_frame(fd, FRAME_TEXT, s->banner, s);
	if (s->authpassed)
		say_frame(fd, FRAME_JSON, s->authpassed, s);
	hear(fd, to);
	if (s->answer && s->raw)
		say(fd, s->answer, strlen(s->answer), false);
	else if (s->answer && *s->answer)
		say_frame(fd, FRAME_JSON, s->answer, s);
	if (!s->banner || !s->authpassed || !s->answer)
		pause();
	/* Until the client has read it all. */
	shutdown(fd, SHUT_WR);
	while (read(fd, &(char){0}, 1) > 0)
		;
	close(fd);
}

static void start(const struct script *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ends[2];
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(f.folder, sizeof(f.folder), "/tmp/test_cli.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.path, sizeof(f.path), "%s/api.sock", f.folder);
	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(pipe(ends), 0);
	f.requests = ends[0];
	f.agent = fork();
	ck_assert_int_ge(f.agent, 0);
	if (f.agent == 0) {
		close(ends[0]);
		serve(listener, ends[1], s);
		_exit(0);
	}
	close(listener);
	close(ends[1]);
}

static void stop(void)
{
	kill(f.agent, SIGKILL);
	waitpid(f.agent, NULL, 0);
	close(f.requests);
	unlink(f.path);
	rmdir(f.folder);
	free(f.out);
	free(f.err);
	f.out = f.err = NULL;
}

/* Runs the program with the words of line; input is its standard input. */
static void run(const char *line, const char *input)
{
	char *copy = xasprintf("collective -s %s %s", f.path, line);
	char *argv[ARGV_MAX];
	int argc = 0;
	size_t out_len, err_len;
	FILE *in = fmemopen(
		(void *)(uintptr_t)(*input ? input : "\n"), *input ? strlen(input) : 1, "r");
	FILE *out = open_memstream(&f.out, &out_len);
	FILE *err = open_memstream(&f.err, &err_len);

	for (char *p = copy; *p && argc < ARGV_MAX; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	f.rc = cli_run(argc, argv, NULL, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
	free(copy);
}

/* What the agent was asked. */
static void asked(const char *expected)
{
	char request[4096] = "";
	ssize_t n = read(f.requests, request, sizeof(request) - 1);

	ck_assert_int_ge(n, 0);
	ck_assert_str_eq(request, expected);
}

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
	{"log etcd info", "",
		"{\"collective\":{\"operation\":\"log\",\"module\":\"etcd\",\"level\":\"info\"}}",
		"{\"errorcode\":400,\"error\":\"Bad Request\"}", CLI_FAILED, "",
		"collectived refused the request: Bad Request\n"},
};

START_TEST(each_verb_asks_and_prints)
{
	struct script s = {GOOD, "{\"authpassed\":1}", verbs_run[_i].answer};

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
