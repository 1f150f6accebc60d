/*
 * The parts of the commands for nodes: names that are asked for, values as text, assignments.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/assign.h"
#include "cli/commands.h"
#include "cli/names.h"
#include "cli/value.h"
#include "tests/lib/suite.h"

static json *parsed(const char *text)
{
	struct err err = {""};
	json *value = NULL;

	ck_assert_msg(json_parse(text, strlen(text), &value, &err) == 0, "%s: %s", text, err.text);
	return value;
}

static const struct {
	const char *word, *attribute;
	bool wanted;
} asked_for[] = {
	{"location.u", "location.u", true},
	{"location.u", "location.unit", false},
	{"location", "location.u", true},
	{"LOCATION", "Location.U", true},
	{"locatio", "location.u", false},
	{"location.", "location.u", false},
	{"*", "anything.at.all", true},
	{"net.*switch", "net.switch", true},
	{"net.*switch", "net.mgt.switch", true},
	{"net.*switch", "net.mgt.switchport", false},
	{"*.switch*", "net.mgt.switchport", true},
	{"*a*b*c", "xaybzc", true},
	{"*a*b*c", "xaybz", false},
	{"loc?tion.u", "location.u", true},
	{"loc?tion.u", "loction.u", false},
	{"net.eth[0-3].switch", "net.eth2.switch", true},
	{"net.eth[0-3].switch", "net.eth4.switch", false},
	{"net.eth[!0-3].switch", "net.eth4.switch", true},
	{"net.eth[!0-3].switch", "net.eth0.switch", false},
	{"a[]]b", "a]b", true},
	{"a[b", "a[b", true},
	{"a[b", "ab", false},
	{"bmc", "hardwaremanagement.manager", true},
	{"bmcpass", "secret.hardwaremanagementpassword", true},
	{"switchuser", "secret.hardwaremanagementuser", true},
	{"hm", "hardwaremanagement.method", true},
	{"hm.meth*", "hardwaremanagement.method", true},
	{"bm", "bmc", false},
	{"", "a", false},
};

START_TEST(words_match_as_shell_patterns_and_what_is_below)
{
	char *word = xstrdup(asked_for[_i].word);
	struct names *names = names_new(&word, 1);

	ck_assert_msg(names_wanted(names, "n1", asked_for[_i].attribute) == asked_for[_i].wanted,
		"%s %s", asked_for[_i].word, asked_for[_i].attribute);
	names_free(names);
	free(word);
}
END_TEST

START_TEST(a_hostile_pattern_is_matched_at_once)
{
	char word[201];
	char name[5001];
	char *words[] = {word};
	struct names *names;

	for (size_t i = 0; i < 200; i += 2)
		memcpy(word + i, "*a", 2);
	word[199] = 'b';
	word[200] = '\0';
	memset(name, 'a', 5000);
	name[5000] = '\0';
	names = names_new(words, 1);
	ck_assert(!names_wanted(names, "n1", name));
	names_free(names);
}
END_TEST

/* What is complained about after: each line "object attribute" was there. */
static const struct {
	const char *words, *frames, *complaints;
} missing[] = {
	{"", "n1 a", ""},
	{"a", "n1 a,n2 a", ""},
	{"a b", "n1 a,n1 b,n2 a", "Error: b matches no valid value for n2\n"},
	{"a b", "n1 a,n2 b,n1 b,n2 a", ""},
	{"a x", "n1 a,n2 a", "Error: x not a valid attribute\n"},
	{"x", "", ""},
	{"x", "n1 a", "Error: x not a valid attribute\n"},
	{"a a*", "n1 a", ""},
};

START_TEST(what_nothing_matched_is_told)
{
	char *words = xstrdup(missing[_i].words), *frames = xstrdup(missing[_i].frames);
	char *list[4];
	int n = 0;
	char *told = NULL, *at;
	size_t len = 0;
	FILE *err = open_memstream(&told, &len);
	struct names *names;

	at = words;
	for (char *word; (word = strsep(&at, " "));)
		if (*word)
			list[n++] = word;
	names = names_new(list, n);
	at = frames;
	for (char *frame; (frame = strsep(&at, ","));)
		if (*frame) {
			char *attribute = strchr(frame, ' ');

			*attribute++ = '\0';
			names_expect(names, frame);
			names_wanted(names, frame, attribute);
		}
	ck_assert(names_complete(names, err) == !*missing[_i].complaints);
	fclose(err);
	ck_assert_str_eq(told, missing[_i].complaints);
	names_free(names);
	free(told);
	free(words);
	free(frames);
}
END_TEST

START_TEST(many_objects_are_told_apart)
{
	char *words[] = {(char[]){"a"}, (char[]){"b"}};
	struct names *names = names_new(words, 2);
	char *told = NULL;
	size_t len = 0;
	FILE *err = open_memstream(&told, &len);
	char object[16];

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 5000; i++) {
			snprintf(object, sizeof(object), "n%d", i);
			if (round == 0 || i != 4321)
				names_wanted(names, object, round ? "b" : "a");
		}
	ck_assert(!names_complete(names, err));
	fclose(err);
	ck_assert_str_eq(told, "Error: b matches no valid value for n4321\n");
	free(told);
	names_free(names);
}
END_TEST

#define BLAME "\"inheritedfrom\":\"g1\""
#define EXPR  "\"expression\":\"{n1}\""

static const struct {
	const char *value;
	const char *plain, *blamed; /* NULL: as plain */
	const char *group;	    /* NULL: as plain */
	const char *changed;
} values[] = {
	{"{\"value\":\"x\"}", "n1: a: x", NULL, NULL, "x"},
	{"{\"value\":\"\"}", "n1: a:", NULL, "n1: a: ", ""},
	{"{\"value\":null}", "n1: a:", NULL, NULL, "None"},
	{"{\"value\":7}", "n1: a: 7", NULL, NULL, "7"},
	{"{\"value\":true}", "n1: a: True", NULL, NULL, "True"},
	{"{\"value\":[\"x\",\"y\"]}", "n1: a: x,y", NULL, NULL, "['x', 'y']"},
	{"{\"value\":\" x \\n\"}", "n1: a:  x", NULL, "n1: a:  x \n", " x \n"},
	{"{\"value\":\"a\\u001b[2J\\u009bb\\tc\\nd\"}", "n1: a: a?[2J?b\tc\nd", NULL, NULL,
		"a?[2J?b\tc\nd"},
	{"{\"value\":\"x\"," BLAME "}", "n1: a: x", "n1: a: x (inherited from group g1)", NULL,
		"x"},
	{"{\"value\":\"1\"," EXPR "}", "n1: a: 1", "n1: a: 1 (derived from expression \"{n1}\")",
		NULL, "1"},
	{"{\"value\":\"1\"," EXPR "," BLAME "}", "n1: a: 1",
		"n1: a: 1 (inherited from group g1, derived from expression \"{n1}\")", NULL, "1"},
	{"{\"value\":\"\"," BLAME "}", "n1: a:", "n1: a: (inherited from group g1)", "n1: a: ", ""},
	{"{\"isset\":true}", "n1: a: ********", NULL, NULL, "********"},
	{"{\"isset\":true," BLAME "}", "n1: a: ********",
		"n1: a: ******** (inherited from group g1)", NULL, "********"},
	{"{\"isset\":false}", "n1: a:", NULL, NULL, ""},
	{"{" EXPR ",\"broken\":\"bad\"}",
		"n1: a: *ERROR* BROKEN EXPRESSION: bad (derived from expression \"{n1}\")", NULL,
		"n1: a: *ERROR* BROKEN EXPRESSION: bad", "{'expression': '{n1}', 'broken': 'bad'}"},
	{"{" EXPR "}", "n1: a: expression={n1}",
		"n1: a: expression={n1} (derived from expression \"{n1}\")",
		"n1: a:  (will derive from expression {n1})", "{'expression': '{n1}'}"},
	{"[\"rack1\",\"everything\"]", "n1: a: rack1,everything", NULL, NULL,
		"['rack1', 'everything']"},
	{"[]", "n1: a:", NULL, "n1: a: ", "[]"},
	{"[\"it's\",\"a\\\"b\",\"'\\\"\",\"a\\\\\\n\"]", NULL, NULL, NULL,
		"[\"it's\", 'a\"b', '\\'\"', 'a\\\\\\n']"},
	{"[[[[[[[[[[1]]]]]]]]]]", NULL, NULL, NULL, "[[[[[[[[...]]]]]]]]"},
	{"\"bare\"", "n1: a: bare", NULL, NULL, "'bare'"},
};

static void is_line(const char *what, struct buf *line, const char *expected)
{
	char *wanted = xasprintf("%s\n", expected);

	ck_assert_msg(strcmp(buf_cstr(line), wanted) == 0, "%s: '%s' is not '%s'", what,
		buf_cstr(line), wanted);
	buf_reset(line);
	free(wanted);
}

START_TEST(values_are_printed_as_upstream_prints_them)
{
	json *value = parsed(values[_i].value);
	struct buf line = BUF_INIT(4096);
	const char *plain = values[_i].plain;
	const char *blamed = values[_i].blamed ? values[_i].blamed : plain;
	const char *group = values[_i].group ? values[_i].group : plain;

	if (plain) {
		ck_assert_int_eq(value_add_node_line(&line, "n1", "a", value, false), 0);
		is_line(values[_i].value, &line, plain);
		ck_assert_int_eq(value_add_node_line(&line, "n1", "a", value, true), 0);
		is_line(values[_i].value, &line, blamed);
		ck_assert_int_eq(value_add_group_line(&line, "n1", "a", value), 0);
		is_line(values[_i].value, &line, group);
	}
	ck_assert_int_eq(value_add_changed(&line, value), 0);
	ck_assert_str_eq(buf_cstr(&line), values[_i].changed);
	buf_done(&line);
	json_free(value);
}
END_TEST

START_TEST(a_line_that_does_not_fit_is_an_error)
{
	json *value = parsed("{\"value\":\"0123456789\"," EXPR "," BLAME "}");
	struct buf whole = BUF_INIT(4096);

	ck_assert_int_eq(value_add_node_line(&whole, "n1", "a", value, true), 0);
	ck_assert_uint_gt(whole.len, 50);
	for (size_t max = 0; max < whole.len; max++) {
		struct buf line = BUF_INIT(max);

		ck_assert_int_eq(value_add_node_line(&line, "n1", "a", value, true), -EMSGSIZE);
		buf_done(&line);
	}
	buf_done(&whole);
	json_free(value);
}
END_TEST

static const struct {
	const char *words, *parameters;
} assigned[] = {
	{"a=1", "{\"a\":\"1\"}"},
	{"a=", "{\"a\":\"\"}"},
	{"a=b=c", "{\"a\":\"b=c\"}"},
	{"a=1 b={n1+2}", "{\"a\":\"1\",\"b\":\"{n1+2}\"}"},
	{"groups,=x", "{\"groups\":{\"prepend\":\"x\"}}"},
	{"groups^=x", "{\"groups\":{\"remove\":\"x\"}}"},
	{"groups-=x,y", "{\"groups\":{\"remove\":\"x,y\"}}"},
	{"groups,=a groups^=b b=1", "{\"groups\":{\"prepend\":\"a\"},\"b\":\"1\"}"
				    "{\"groups\":{\"remove\":\"b\"}}"},
};

START_TEST(assignments_become_parameters)
{
	char *words = xstrdup(assigned[_i].words), *at = words;
	struct assignments a = {NULL, 0};
	struct buf text = BUF_INIT(4096);
	struct err err = {""};
	bool last = false;

	for (char *word; (word = strsep(&at, " "));) {
		ck_assert_int_eq(assign_word(&a, word, &err), 0);
		ck_assert_str_eq(strchr(word, '=') + 1, "");
	}
	for (unsigned round = 0; !last; round++) {
		json *parameters = assign_parameters(&a, round, &last);

		ck_assert_int_eq(json_print(parameters, &text), 0);
		json_free(parameters);
	}
	ck_assert_str_eq(buf_cstr(&text), assigned[_i].parameters);
	buf_done(&text);
	assign_done(&a);
	free(words);
}
END_TEST

START_TEST(the_environment_is_asked_for_both_spellings)
{
	struct assignments a = {NULL, 0};
	struct err err = {""};

	setenv("info_note", "lower", 1);
	setenv("LOCATION_U", "upper", 1);
	unsetenv("location_u");
	unsetenv("NET_ETH_0_SWITCH");
	ck_assert_int_eq(assign_environment(&a, "info.note", &err), 0);
	ck_assert_int_eq(assign_environment(&a, "location.u", &err), 0);
	ck_assert_str_eq(a.list[0].value, "lower");
	ck_assert_str_eq(a.list[1].name, "location.u");
	ck_assert_str_eq(a.list[1].value, "upper");
	ck_assert_int_eq(assign_environment(&a, "net.eth-0.switch", &err), -ENOENT);
	ck_assert_str_eq(err.text, "net.eth-0.switch: neither net_eth_0_switch nor "
				   "NET_ETH_0_SWITCH is in the environment");
	assign_done(&a);
}
END_TEST

static const struct {
	const char *text;
	const char *parameters; /* or NULL */
	const char *why;
} files[] = {
	{"# a comment\npower.psu1.outlet=3 power.psu1.pdu=pdu2\n",
		"{\"power.psu1.outlet\":\"3\",\"power.psu1.pdu\":\"pdu2\"}", NULL},
	{"a=1\n\n  b=2  # behind\nc=3", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", NULL},
	{"a=x#y\n", "{\"a\":\"x#y\"}", NULL},
	{"info.note=\"two words # and more\"\n", "{\"info.note\":\"two words # and more\"}", NULL},
	{"a='it is'\\ so\"\\\"\\\\\\n\"", "{\"a\":\"it is so\\\"\\\\\\\\n\"}", NULL},
	{"groups,=x\r\n", "{\"groups\":{\"prepend\":\"x\"}}", NULL},
	{"a=1\nb\n", NULL, ": line 2: 'b' is not of the form ATTRIBUTE=VALUE"},
	{"a=1\nb='x\n\n", NULL, ": line 2: a quotation mark has no partner"},
	{"", NULL, ": no attributes are set there"},
	{"# nothing\n", NULL, ": no attributes are set there"},
};

START_TEST(a_file_of_assignments_is_read_as_a_shell_would)
{
	char path[] = "/tmp/test_cli_parts.XXXXXX";
	int fd = mkstemp(path);
	struct assignments a = {NULL, 0};
	struct buf text = BUF_INIT(4096);
	struct err err = {""};
	bool last;
	int rc;

	ck_assert_int_eq(
		write(fd, files[_i].text, strlen(files[_i].text)), (ssize_t)strlen(files[_i].text));
	close(fd);
	rc = assign_file(&a, path, &err);
	unlink(path);
	if (files[_i].parameters) {
		json *parameters = assign_parameters(&a, 0, &last);

		ck_assert_msg(rc == 0, "%s", err.text);
		ck_assert_int_eq(json_print(parameters, &text), 0);
		ck_assert_str_eq(buf_cstr(&text), files[_i].parameters);
		json_free(parameters);
	} else {
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_str_eq(err.text + strlen(path), files[_i].why);
	}
	buf_done(&text);
	assign_done(&a);
}
END_TEST

START_TEST(invitations_are_listed_a_line_each)
{
	json *answer =
		parsed("{\"invitations\":["
		       "{\"name\":\"mgt2\",\"role\":null,\"created\":996400,"
		       "\"expires\":1003600,\"state\":\"pending\"},"
		       "{\"name\":\"mgt3\",\"role\":\"nonvoting\",\"created\":996400,"
		       "\"expires\":1003600,\"state\":\"used\",\"used_by\":\"192.0.2.1\"}]}");
	char *got = NULL;
	size_t len;
	FILE *f = open_memstream(&got, &len);
	struct writer *w = writer_text_new(f);

	invitations_write(w, answer, 1000000);
	writer_free(w);
	fclose(f);
	ck_assert_str_eq(got, "Invitations:\n"
			      "    mgt2: pending, given 1h 0m ago, expires in 1h 0m\n"
			      "    mgt3: used, nonvoting, given 1h 0m ago, by 192.0.2.1\n");
	json_free(answer);
	free(got);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cli_parts");
	TCase *names = tcase_create("names");
	TCase *texts = tcase_create("values");
	TCase *assign = tcase_create("assign");

	tcase_add_loop_test(
		names, words_match_as_shell_patterns_and_what_is_below, 0, ARRAY_SIZE(asked_for));
	tcase_add_test(names, a_hostile_pattern_is_matched_at_once);
	tcase_add_loop_test(names, what_nothing_matched_is_told, 0, ARRAY_SIZE(missing));
	tcase_add_test(names, many_objects_are_told_apart);
	tcase_add_loop_test(
		texts, values_are_printed_as_upstream_prints_them, 0, ARRAY_SIZE(values));
	tcase_add_test(texts, a_line_that_does_not_fit_is_an_error);
	tcase_add_test(texts, invitations_are_listed_a_line_each);
	tcase_add_loop_test(assign, assignments_become_parameters, 0, ARRAY_SIZE(assigned));
	tcase_add_test(assign, the_environment_is_asked_for_both_spellings);
	tcase_add_loop_test(
		assign, a_file_of_assignments_is_read_as_a_shell_would, 0, ARRAY_SIZE(files));
	suite_add_tcase(s, names);
	suite_add_tcase(s, texts);
	suite_add_tcase(s, assign);
	return s;
}

SUITE_MAIN(suite)
