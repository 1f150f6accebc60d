#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "tests/lib/suite.h"

/* A stream into a text. */
static FILE *stream(char **text)
{
	static size_t len;
	FILE *f = open_memstream(text, &len);

	ck_assert_ptr_nonnull(f);
	return f;
}

static json *parsed(const char *text)
{
	struct err err = {""};
	json *value = NULL;

	ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
	return value;
}

#define ARGV_MAX 10

/* Splits at blanks into a writable argv. */
static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *p = line; *p && argc < ARGV_MAX; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	return argc;
}

/* The call's arguments are good until the next. */
static int parse(char *line, struct call *call, struct err *err)
{
	static char *argv[ARGV_MAX];
	int argc = split(line, argv);
	const struct verb *verb = verb_find(argv[0]);

	ck_assert_ptr_nonnull(verb);
	*call = (struct call){0};
	return verb_parse(verb, argc - 1, argv + 1, call, err);
}

START_TEST(options_are_found_in_every_form)
{
	struct err err = {""};
	struct call call;
	char a[] = "invite mgt2 -n --ttl 1h";
	char b[] = "invite --nonvoting --ttl=1h -- -x";
	char c[] = "show -v --watch";
	char d[] = "show --watch=5 -s /x";
	char e[] = "log etcd debug";

	ck_assert_int_eq(parse(a, &call, &err), 0);
	ck_assert_str_eq(call.args[0], "mgt2");
	ck_assert_str_eq(call_option(&call, "n"), "");
	ck_assert_str_eq(call_option(&call, "nonvoting"), "");
	ck_assert_str_eq(call_option(&call, "ttl"), "1h");
	ck_assert_ptr_null(call_option(&call, "list"));
	ck_assert_int_eq(parse(b, &call, &err), 0);
	ck_assert_str_eq(call.args[0], "-x");
	ck_assert_str_eq(call_option(&call, "ttl"), "1h");
	ck_assert_int_eq(parse(c, &call, &err), 0);
	ck_assert_str_eq(call_option(&call, "watch"), "");
	ck_assert_int_eq(parse(d, &call, &err), 0);
	ck_assert_str_eq(call_option(&call, "watch"), "5");
	ck_assert_str_eq(call.socket, "/x");
	ck_assert_int_eq(parse(e, &call, &err), 0);
	ck_assert_str_eq(call.args[1], "debug");
}
END_TEST

static const struct {
	const char *line, *why;
} bad_lines[] = {
	{"invite", "an argument is missing (usage: collective invite NAME)"},
	{"invite a b", "too many arguments"},
	{"invite --list a", "too many arguments"},
	{"invite a --ttl", "option '--ttl' needs DURATION"},
	{"invite a --revoke", "option '--revoke' needs NAME"},
	{"invite a --tt 1h", "unknown option '--tt' (collective invite --help)"},
	{"invite a --n", "unknown option '--n'"},
	{"invite a -x", "unknown option '-x'"},
	{"invite a -nx", "unknown option '-x'"},
	{"invite a --nonvoting=1", "option '--nonvoting' takes no value"},
	{"join", "an argument is missing"},
	{"join mgt1 -i", "option '-i' needs TOKEN"},
	{"show x", "too many arguments"},
	{"delete", "an argument is missing"},
	{"log", "an argument is missing (usage: collective log [MODULE] LEVEL)"},
	{"log a b c", "too many arguments"},
	{"gencert now", "too many arguments"},
};

START_TEST(arguments_that_do_not_fit_are_named)
{
	char *line = xstrdup(bad_lines[_i].line);
	struct err err = {""};
	struct call call;

	ck_assert_int_lt(parse(line, &call, &err), 0);
	ck_assert_msg(strstr(err.text, bad_lines[_i].why), "%s: %s", bad_lines[_i].line, err.text);
	call_done(&call);
	free(line);
}
END_TEST

static const char *const secret_lines[] = {
	"join mgt1 -i c2VjcmV0",
	"join -ic2VjcmV0 mgt1",
	"join --invitation c2VjcmV0 mgt1",
	"join --invitation=c2VjcmV0 mgt1",
	"join mgt1 -i bad -i c2VjcmV0",
};

START_TEST(an_invitation_does_not_stay_in_argv)
{
	size_t len = strlen(secret_lines[_i]);
	char *line = xstrdup(secret_lines[_i]);
	struct err err = {""};
	struct call call;

	ck_assert_int_eq(parse(line, &call, &err), 0);
	ck_assert_str_eq(call_option(&call, "i"), "c2VjcmV0");
	ck_assert_ptr_null(memmem(line, len, "c2VjcmV0", 8));
	ck_assert_str_eq(call.args[0], "mgt1");
	call_done(&call);
	free(line);
}
END_TEST

START_TEST(a_bare_dash_stays)
{
	char line[] = "join mgt1 -i -";
	struct err err = {""};
	struct call call;

	ck_assert_int_eq(parse(line, &call, &err), 0);
	ck_assert_str_eq(call_option(&call, "i"), "-");
	ck_assert_ptr_null(call.secret);
}
END_TEST

START_TEST(the_nearest_verb_is_the_hint)
{
	ck_assert_str_eq(verb_nearest("shwo")->name, "show");
	ck_assert_str_eq(verb_nearest("invit")->name, "invite");
	ck_assert_str_eq(verb_nearest("remove-gencert") ? "x" : "none", "none");
	ck_assert_str_eq(verb_nearest("delet")->name, "delete");
	ck_assert_ptr_null(verb_nearest("reboot"));
	ck_assert_ptr_null(verb_nearest(""));
	ck_assert_ptr_null(verb_find("sho"));
	ck_assert_ptr_null(verb_nearest("0123456789012345678901234567890123456789"));
}
END_TEST

/* Runs the program with the words of line; *out and *err are new. */
static int run(const char *line, char **out, char **err)
{
	char *copy = xstrdup(line);
	char *argv[ARGV_MAX];
	int argc = split(copy, argv);
	FILE *fout = stream(out), *ferr = stream(err);
	int rc = cli_run(argc, argv, NULL, stdin, fout, ferr);

	fclose(fout);
	fclose(ferr);
	free(copy);
	return rc;
}

static const struct {
	const char *line;
	int rc;
	const char *out, *err;
} runs[] = {
	{"collective", CLI_USAGE, "", "usage: collective"},
	{"collective --help", CLI_OK, "  invite NAME [-n] [--ttl DURATION] [--list]", ""},
	{"collective plan --help", CLI_OK,
		"usage: collective [-s PATH] plan [[--without] MEMBER ...] [--json]\n", ""},
	{"collective -s /nowhere --help", CLI_OK, "commands:", ""},
	{"collective --version", CLI_OK, "collective " PACKAGE_VERSION "\n", ""},
	{"collective join --help", CLI_OK, "  -i, --invitation TOKEN", ""},
	{"collective join -h", CLI_OK, "usage: collective [-s PATH] join SERVER", ""},
	{"collective shwo", CLI_USAGE, "",
		"collective: unknown command 'shwo', did you mean 'show'?\n"},
	{"collective \x1b[2J", CLI_USAGE, "",
		"collective: unknown command '?[2J' (collective --help lists them)\n"},
	{"collective show --bogus", CLI_USAGE, "",
		"collective: unknown option '--bogus' (collective show --help)\n"},
	{"collective invite x --ttl soon", CLI_USAGE, "", "collective: --ttl: 'soon' is not"},
	{"collective invite x --ttl 31d", CLI_USAGE, "", "a duration between 1s and 30d"},
	{"collective -s", CLI_USAGE, "", "collective: -s needs the path of the agent's socket\n"},
	{"collective show --watch=0", CLI_USAGE, "", "collective: --watch: '0' is not"},
	{"collective -s /nonexistent/api.sock show", CLI_FAILED, "",
		"collectived is not running (no socket at /nonexistent/api.sock): "
		"systemctl start collectived\n"},
	{"collective show -s /dev/null", CLI_FAILED, "", "nobody listens at /dev/null"},
	{"collective join x -s /nonexistent --token-file /nonexistent", CLI_FAILED, "",
		"/nonexistent"},
	{"collective join x -i a --token-file b", CLI_FAILED, "", "exclude each other"},
	{"collective -s "
	 "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
	 "89012345678901234567890 show",
		CLI_FAILED, "", "longer than the 107 characters"},
};

START_TEST(the_program_answers_without_an_agent)
{
	char *out = NULL, *err = NULL;
	int rc = run(runs[_i].line, &out, &err);

	ck_assert_msg(rc == runs[_i].rc, "%s: %d, %s%s", runs[_i].line, rc, out, err);
	ck_assert_msg(strstr(out, runs[_i].out), "%s: '%s'", runs[_i].line, out);
	ck_assert_msg(strstr(err, runs[_i].err), "%s: '%s'", runs[_i].line, err);
	ck_assert_msg(*runs[_i].out || !*out, "%s: '%s'", runs[_i].line, out);
	ck_assert_msg(*runs[_i].err || !*err, "%s: '%s'", runs[_i].line, err);
	free(out);
	free(err);
}
END_TEST

START_TEST(the_manual_lists_the_verbs_of_the_table)
{
	struct buf page = BUF_INIT(1 << 20);
	struct err err = {""};
	char *list = NULL;
	FILE *f = stream(&list);

	verb_mdoc(f);
	fclose(f);
	ck_assert_msg(file_read(TOP_SRCDIR "/docs/collective.1", &page, &err) == 0, "%s", err.text);
	ck_assert_msg(strstr(buf_cstr(&page), list),
		"docs/collective.1 lacks the list that collective --mdoc prints:\n%s", list);
	buf_done(&page);
	free(list);
}
END_TEST

static const char *const program_pages[] = {"nodeattrib", "nodegroupattrib", "nodelist",
	"nodegrouplist", "nodedefine", "nodegroupdefine", "noderemove", "nodegroupremove",
	"noderename", "nodegrouprename"};

START_TEST(each_program_has_a_page_made_from_its_row)
{
	const struct verb *program = program_find(program_pages[_i]);
	char *path = xasprintf(TOP_SRCDIR "/docs/%s.8", program_pages[_i]);
	struct buf page = BUF_INIT(1 << 20);
	struct err err = {""};
	char *text = NULL, *options;
	FILE *f = stream(&text);

	ck_assert_ptr_nonnull(program);
	program_mdoc(program, f);
	fclose(f);
	ck_assert_msg(file_read(path, &page, &err) == 0, "%s", err.text);
	options = strstr(text, ".Sh OPTIONS");
	ck_assert_msg(strstr(buf_cstr(&page), options), "%s lacks what %s --mdoc prints:\n%s", path,
		program->name, options);
	*options = '\0';
	ck_assert_msg(strstr(buf_cstr(&page), text), "%s lacks what %s --mdoc prints:\n%s", path,
		program->name, text);
	buf_done(&page);
	free(text);
	free(path);
}
END_TEST

START_TEST(there_is_no_program_without_a_page)
{
	size_t n = 0;

	while (programs[n].name)
		n++;
	ck_assert_uint_eq(n, ARRAY_SIZE(program_pages));
}
END_TEST

/* The words offered where the verb is still to come. */
START_TEST(the_completion_knows_each_verb)
{
	static const char start[] = "\t'')\n\t\twords='";
	struct buf script = BUF_INIT(1 << 20);
	struct err err = {""};
	int rc = file_read(TOP_SRCDIR "/etc/completion/collective", &script, &err);
	char *words;

	ck_assert_msg(rc == 0, "%s", err.text);
	words = strstr(buf_cstr(&script), start);
	ck_assert_ptr_nonnull(words);
	words += strlen(start);
	words = xasprintf(" %.*s ", (int)strcspn(words, "'"), words);
	for (const struct verb *v = verbs; v->name; v++) {
		char *word = xasprintf(" %s ", v->name);

		ck_assert_msg(strstr(words, word), "'%s' lacks%s", words, word);
		free(word);
	}
	free(words);
	buf_done(&script);
}
END_TEST

START_TEST(the_words_name_each_verb_once)
{
	char *words = NULL;
	FILE *f = stream(&words);

	verb_words(f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(words, "\ninvite -n --nonvoting --ttl --list --revoke"));
	for (const struct verb *v = verbs; v->name; v++) {
		size_t len = strlen(v->name);
		unsigned lines = 0;

		for (const char *at = words; *at; at += strcspn(at, "\n") + 1)
			lines += strncmp(at, v->name, len) == 0 && strchr(" \n", at[len]);
		ck_assert_uint_eq(lines, 1);
	}
	free(words);
}
END_TEST

#define MINIMAL                                                                                    \
	"{\"leader\":\"mgt1\",\"active\":[\"mgt2\",\"mgt3\"],\"offline\":[],\"nonvoting\":[],"     \
	"\"quorum\":true}"

static const struct {
	const char *answer, *text, *notes, *json;
} shows[] = {
	{MINIMAL,
		"Quorum: True\n"
		"Leader: mgt1\n"
		"Active collective members:\n"
		"    mgt2\n"
		"    mgt3\n",
		"",
		"{\"quorum\":true,\"leader\":\"mgt1\",\"active\":[\"mgt2\",\"mgt3\"],\"offline\":[]"
		","
		"\"nonvoting\":[]}\n"},
	{"{\"leader\":\"mgt4\",\"active\":[],\"offline\":[\"mgt2\",\"mgt10\"],"
	 "\"nonvoting\":[\"mgt4\",\"mgt10\"],\"quorum\":false}",
		"Quorum: False\n"
		"Leader: mgt4 (non-voting)\n"
		"Offline collective members:\n"
		"    mgt2\n"
		"    mgt10 (nonvoting)\n",
		"",
		"{\"quorum\":false,\"leader\":\"mgt4\",\"active\":[],\"offline\":[\"mgt2\","
		"\"mgt10\"],"
		"\"nonvoting\":[\"mgt4\",\"mgt10\"]}\n"},
	{"{\"leader\":\"\",\"active\":[],\"offline\":[\"a\\u001b[2J\\u009bb\"],\"nonvoting\":[],"
	 "\"quorum\":false,\"name\":\"mgt1\",\"state\":\"active\","
	 "\"stale\":{\"age\":12.5,\"revision\":\"812\"},"
	 "\"note\":\"etcd does not answer\"}",
		"Quorum: False\n"
		"Leader: unknown\n"
		"Offline collective members:\n"
		"    a?[2J?b\n",
		"Showing what was known 12s ago (revision 812): etcd does not answer\n",
		"{\"quorum\":false,\"leader\":\"\",\"active\":[],"
		"\"offline\":[\"a\\u001b[2J\xc2\x9b"
		"b\"],\"nonvoting\":[],"
		"\"name\":\"mgt1\",\"state\":\"active\",\"stale\":{\"age\":12.5,\"revision\":"
		"\"812\"},"
		"\"note\":\"etcd does not answer\"}\n"},
	{"{\"leader\":\"mgt1\",\"active\":[],\"offline\":[],\"nonvoting\":[],\"quorum\":false,"
	 "\"name\":\"mgt2\",\"state\":\"removed\",\"note\":\"this member was deleted\"}",
		"Quorum: False\nLeader: mgt1\n", "this member was deleted\n",
		"{\"quorum\":false,\"leader\":\"mgt1\",\"active\":[],\"offline\":[],\"nonvoting\":["
		"],"
		"\"name\":\"mgt2\",\"state\":\"removed\",\"note\":\"this member was deleted\"}\n"},
	{"{\"leader\":\"mgt1\",\"active\":[],\"offline\":[],\"nonvoting\":[],\"quorum\":true,"
	 "\"name\":\"mgt1\",\"state\":\"active\","
	 "\"machines\":[{\"machine\":\"lease\",\"state\":\"held\",\"since\":999940,"
	 "\"reason\":\"renewed\",\"next\":1.5},"
	 "{\"machine\":\"leader\",\"state\":\"leading\",\"since\":996400,\"reason\":\"won\","
	 "\"next\":null}],"
	 "\"etcd\":[{\"endpoint\":\"http://e1:2379\",\"state\":\"healthy\","
	 "\"version\":\"3.4.23\",\"error\":\"timed "
	 "out\",\"current\":true,\"requests\":\"5\",\"age\":2}],"
	 "\"certificate\":{\"subject\":\"CN=mgt1\",\"not_after\":86400,\"renew_at\":0,"
	 "\"serial\":\"0a\"},"
	 "\"database\":{\"revision\":\"812\",\"age\":2.5,\"keys\":1200,\"odd_keys\":1,"
	 "\"copy\":\"failed\",\"copy_error\":\"disk full\",\"copy_revision\":\"800\"},"
	 "\"hooks\":{\"running\":null,\"waiting\":0,\"dropped\":0,\"refused\":[{\"event\":"
	 "\"follower\","
	 "\"error\":\"/h/follower is not executable: chmod +x /h/follower\",\"at\":60}],"
	 "\"last\":[{\"event\":\"leader\","
	 "\"program\":\"/h/leader\",\"took\":0.5,\"status\":3,\"error\":\"/h/leader ended with "
	 "status 3\",\"output\":\"no\"}]},"
	 "\"counters\":{\"keepalives\":7,\"a b\":1e300},"
	 "\"loop\":{\"longest_stall_ms\":1.25,\"working_ms\":1,\"what\":\"io\"}}",
		"Quorum: True\n"
		"Leader: mgt1\n"
		"Member: mgt1\n"
		"State: active\n"
		"State machines:\n"
		"    lease: held, for 1m 0s, renewed, next in 1.5s\n"
		"    leader: leading, for 1h 0m, won\n"
		"etcd endpoints:\n"
		"    http://e1:2379: healthy, version 3.4.23, last error timed out, seen 2.0s ago\n"
		"Certificate:\n"
		"    Subject: CN=mgt1\n"
		"    Serial: 0a\n"
		"    Valid until: 1970-01-02 00:00:00 +0000\n"
		"    Renewed from: 1970-01-01 00:00:00 +0000\n"
		"Database:\n"
		"    Revision: 812\n"
		"    Age: 2.5s\n"
		"    Keys of nodes and groups: 1200\n"
		"    Keys that can't be used: 1\n"
		"    Copy on disk: failed\n"
		"    Its revision: 800\n"
		"    Its last error: disk full\n"
		"Hooks:\n"
		"    Running: none\n"
		"    Events waiting: 0\n"
		"    Not run:\n"
		"        follower: 1970-01-01 00:01:00, /h/follower is not executable: chmod +x "
		"/h/follower\n"
		"    Last runs:\n"
		"        leader: /h/leader, took 500ms, failed ended with status 3, said no\n"
		"Counters:\n"
		"    keepalives: 7\n"
		"    a b: 1e+300\n"
		"Event loop:\n"
		"    Longest stall: 1.2 ms\n"
		"    Of that working: 1.0 ms\n"
		"    Caused by: io\n",
		"", NULL},
	{"{\"leader\":5,\"active\":{\"a\":1},\"offline\":[1,null,\"x\"],\"nonvoting\":\"x\","
	 "\"quorum\":\"yes\",\"machines\":[1,{\"machine\":\"m\",\"since\":-1e300,"
	 "\"next\":1e300}],\"etcd\":7,\"certificate\":{\"not_after\":1e300},"
	 "\"stale\":{\"age\":-3},\"note\":[]}",
		"Leader: unknown\n"
		"Offline collective members:\n"
		"    x\n"
		"State machines:\n"
		"    m: for 11574074d 1h, next in 11574074d 1h\n",
		"Showing what was known 0ms ago\n", NULL},
	{"{}", "Leader: unknown\n", "", "{\"leader\":\"\"}\n"},
};

static void shows_as(struct writer *(*make)(FILE *), const json *answer, const char *expected)
{
	char *got = NULL;
	FILE *f = stream(&got);
	struct writer *w = make(f);

	show_write(w, answer, 1000000);
	writer_free(w);
	fclose(f);
	ck_assert_str_eq(got, expected);
	free(got);
}

START_TEST(show_prints_what_upstream_prints)
{
	json *answer = parsed(shows[_i].answer);
	char *notes = NULL;
	FILE *f;

	setenv("TZ", "UTC", 1);
	shows_as(writer_text_new, answer, shows[_i].text);
	if (shows[_i].json)
		shows_as(writer_json_new, answer, shows[_i].json);
	f = stream(&notes);
	show_notes(f, answer);
	fclose(f);
	ck_assert_str_eq(notes, shows[_i].notes);
	free(notes);
	json_free(answer);
}
END_TEST

START_TEST(show_as_json_is_complete)
{
	json *answer = parsed(shows[4].answer);
	json *again;
	char *got = NULL;
	FILE *f = stream(&got);
	struct writer *w = writer_json_new(f);
	double next = 0;

	show_write(w, answer, 1000000);
	writer_free(w);
	fclose(f);
	again = parsed(got);
	ck_assert_uint_eq(json_count(again), json_count(answer));
	ck_assert_uint_eq(json_count(json_at(again, "machines")), 2);
	ck_assert_int_eq(
		json_number(json_first(json_at(again, "machines")), "next", &next, NULL), 0);
	ck_assert_double_eq(next, 1.5);
	ck_assert_ptr_nonnull(strstr(got, "\"reason\":\"won\",\"next\":null}"));
	ck_assert_ptr_nonnull(strstr(got, "\"since\":999940"));
	json_free(answer);
	json_free(again);
	free(got);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli");
	TCase *t = tcase_create("arguments");

	tcase_add_test(t, options_are_found_in_every_form);
	tcase_add_loop_test(t, arguments_that_do_not_fit_are_named, 0, ARRAY_SIZE(bad_lines));
	tcase_add_loop_test(t, an_invitation_does_not_stay_in_argv, 0, ARRAY_SIZE(secret_lines));
	tcase_add_test(t, a_bare_dash_stays);
	tcase_add_test(t, the_nearest_verb_is_the_hint);
	tcase_add_loop_test(t, the_program_answers_without_an_agent, 0, ARRAY_SIZE(runs));
	tcase_add_test(t, the_manual_lists_the_verbs_of_the_table);
	tcase_add_loop_test(
		t, each_program_has_a_page_made_from_its_row, 0, ARRAY_SIZE(program_pages));
	tcase_add_test(t, there_is_no_program_without_a_page);
	tcase_add_test(t, the_completion_knows_each_verb);
	tcase_add_test(t, the_words_name_each_verb_once);
	suite_add_tcase(s, t);
	t = tcase_create("output");
	tcase_add_loop_test(t, show_prints_what_upstream_prints, 0, ARRAY_SIZE(shows));
	tcase_add_test(t, show_as_json_is_complete);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
