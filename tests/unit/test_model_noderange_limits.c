/*
 * What ends early and says why: ceilings, groups that go round in circles, texts that are made to take
 * long; the regular expressions; and the examples of docs/noderange.5.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/regex.h"
#include "tests/lib/suite.h"
#include "tests/unit/noderange_world.h"

static char *repeat(const char *text, size_t n, const char *end)
{
	struct buf out = BUF_INIT(2 * NODERANGE_TEXT_MAX);

	while (n-- > 0)
		ck_assert_int_eq(buf_str(&out, text), 0);
	ck_assert_int_eq(buf_str(&out, end), 0);
	return buf_take(&out);
}

static void refused(const char *text, const char *why)
{
	struct noderange_names names = {NULL};
	struct err err = {""};

	ck_assert_msg(noderange_expand(text, &names, &err) == -EINVAL, "%.100s", text);
	ck_assert_msg(strstr(err.text, why) != NULL, "%.100s: %s", text, err.text);
}

START_TEST(what_is_too_large_is_refused_at_once)
{
	CLEANUP(freep) char *deep = repeat("(", 64, "n1");
	CLEANUP(freep) char *wide = repeat("[1-2]", 100, "");
	CLEANUP(freep) char *many = repeat("a,", 1048577, "a");
	CLEANUP(freep) char *longer = repeat("aaaaaaaa", 524289, "");
	CLEANUP(freep) char *name = repeat("a", 256, "");
	CLEANUP(freep) char *thrown_away = repeat("[1-1000000@0],", 3, "a");

	refused(deep, "nested deeper than 64");
	refused("n[1-999999999]", "too many names");
	refused("n1-n999999999999999999999999999", "too many names");
	refused("n1+1048577", "too many names");
	refused("n[1-1048576],m", "too many names");
	refused(wide, "too many names");
	refused(many, "too many names");
	refused(longer, "too long");
	refused(name, "at most 255");
	refused(thrown_away, "too many names");
}
END_TEST

START_TEST(what_is_just_not_too_large_is_taken)
{
	static const char *const texts[] = {"n[1-1048576]", "node-[1-1048576]", "n1-n1048576",
		"[1-1024][1001-2024]", "n1+1048575", "[1-524288,524289-1048576]x"};
	struct noderange_names names = {NULL};
	struct err err = {""};

	ck_assert_msg(noderange_expand(texts[_i], &names, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(names.n, NODERANGE_NAMES_MAX);
	noderange_names_done(&names);
}
END_TEST

START_TEST(names_are_in_counting_order_and_each_once)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
		{"n3,n1,n2", "n3,n1,n2"},
		{"n[1-3],n[2-4]", "n1,n2,n3,n4"},
		{"b[2-1:1,x]", NULL},
		{"[1-2][1-12]@[11,112]", "11,112"},
		{"n[8-11]", "n8,n9,n10,n11"},
		{"n[0-500:250]", "n0,n250,n500"},
		{"n[1-1000:333]", "n1,n334,n667,n1000"},
		{"n[098-101]", "n098,n099,n100,n101"},
		{"n9x1-n10x2", "n9x1,n9x2,n10x1,n10x2"},
		{"a[1-2],b1,a[2-3]", "a1,a2,b1,a3"},
		{"n10,n9,n1>2", "n1,n9"},
	};
	struct noderange_names names = {NULL};
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
	int r = noderange_expand(rows[_i].text, &names, NULL);

	ck_assert_int_eq(r == 0, rows[_i].names != NULL);
	for (size_t i = 0; i < names.n; i++)
		ck_assert_int_eq(buf_printf(&out, "%s%s", i ? "," : "", names.at[i]), 0);
	if (rows[_i].names)
		ck_assert_str_eq(buf_cstr(&out), rows[_i].names);
	noderange_names_done(&names);
}
END_TEST

static const struct {
	const char *text, *error;
} errors[] = {
	{"n1,n2)", "Invalid syntax: unexpected ')' (at character 6)"},
	{"n1,(n2", "Invalid syntax: a '(' without its ')' (at character 4)"},
	{"n1,n[1-3", "Invalid syntax: a '[' without its ']' (at character 5)"},
	{"n1,\xc3\xa9", "Invalid syntax: unexpected '\xc3\xa9' (at character 4)"},
	{"[\xc3\xa9],n2;", "Invalid syntax: unexpected ';' (at character 7)"},
	{"n1,n[1-9:0]", "Invalid numeric sequence: a step of 0 (at character 6)"},
	{"n1,'n2", "Invalid syntax: a quotation that does not end (at character 4)"},
	{"n1,'n2'", "'n2' not valid: brackets and quotes can't be part of a name (at character 4)"},
	{"n1 n2", "Invalid syntax: white space between two names (a ',' is missing) (at character "
		  "4)"},
	{"a - b",
		"a-b not valid: a range counts upwards from one name to another (at character 1)"},
	{"n1,~n2", "Verification configmanager required: new nodes are named, and can't be chosen "
		   "by what they are or have (at character 4)"},
	{"n1,n9-n3", "n9-n3 not valid: a range counts upwards from one name to another (at "
		     "character 4)"},
	{"n1,n[5-3]", "5-3 not valid: a range counts upwards (at character 6)"},
	{"", "Invalid syntax: an empty noderange (at character 1)"},
	{"n1,()", "Invalid syntax: an empty noderange (at character 4)"},
	{",n1", "Invalid syntax: nothing stands before the operator (at character 1)"},
	{"n1<", "Invalid syntax: '<' needs a number right behind it (at character 3)"},
	{"node-1+2", "node-1+2 not valid: a range counts upwards from one name to another (at "
		     "character 1)"},
};

START_TEST(an_error_points_at_its_place)
{
	struct noderange_names names = {NULL};
	struct err err = {""};

	ck_assert_int_eq(noderange_expand(errors[_i].text, &names, &err), -EINVAL);
	ck_assert_str_eq(err.text, errors[_i].error);
}
END_TEST

/* ---- with nodes ---- */

static struct world *world;

static void setup(void)
{
	struct noderange_names names = {NULL};
	struct err err = {""};
	char text[32];

	world = world_new();
	world_add_group(world, "compute", "");
	world_add_group(world, "rack1", "");
	world_add_group(world, "rack2", "");
	world_add_group(world, "last", "rack2<8");
	ck_assert_int_eq(noderange_expand("n[1-20]", &names, &err), 0);
	for (size_t i = 0; i < names.n; i++) {
		uint32_t node = world_add_node(world, names.at[i]);

		(void)snprintf(text, sizeof(text), "rack%zu", i / 10 + 1);
		world_add_member(world, text, node);
		world_add_value(world, node, "location.rack", text + strlen("rack"));
		if (i < 16)
			world_add_member(world, "compute", node);
	}
	noderange_names_done(&names);
}

static void teardown(void)
{
	world_free(world);
}

/* An error's text, or the names in natural order. */
static char *evaluate(const char *text)
{
	struct noderange_source source = world_source(world);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	struct buf out = BUF_INIT(1 << 16);
	struct err err = {""};
	const char *names[32];
	size_t n = 0;
	uint32_t it;

	if (noderange_evaluate(&source, text, &set, &err) < 0)
		return xstrdup(err.text);
	ck_assert_uint_le(bitset_count(&set), ARRAY_SIZE(names));
	bitset_foreach(it, &set) names[n++] = source.name(source.arg, it);
	natsort_sort(names, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(buf_printf(&out, "%s%s", i ? "," : "", names[i]), 0);
	return n ? buf_take(&out) : xstrdup("");
}

static void gives(const char *text, const char *expected)
{
	CLEANUP(freep) char *got = evaluate(text);

	ck_assert_str_eq(got, expected);
}

START_TEST(groups_that_go_round_are_named)
{
	world_add_group(world, "self", "n1,self");
	world_add_group(world, "a", "b");
	world_add_group(world, "b", "n1,(c)");
	world_add_group(world, "c", "n2,b");
	gives("self",
		"group self refers to itself (at character 4 of the noderange of group self)");
	gives("n1,a", "group b refers to itself: b -> c -> b (at character 4 of the noderange of "
		      "group c)");
}
END_TEST

START_TEST(groups_of_groups_are_evaluated_once)
{
	char name[32], text[64];

	/* Written out it would be 2^40 times n1. */
	world_add_group(world, "g0", "n1");
	for (unsigned i = 1; i <= 40; i++) {
		(void)snprintf(name, sizeof(name), "g%u", i);
		(void)snprintf(text, sizeof(text), "g%u,g%u", i - 1, i - 1);
		world_add_group(world, name, text);
	}
	gives("g40", "n1");
}
END_TEST

START_TEST(a_long_chain_of_groups_is_refused)
{
	CLEANUP(freep) char *got = NULL;
	char name[32], text[64];

	world_add_group(world, "g0", "n1");
	for (unsigned i = 1; i <= 64; i++) {
		(void)snprintf(name, sizeof(name), "g%u", i);
		(void)snprintf(text, sizeof(text), "(g%u)", i - 1);
		world_add_group(world, name, text);
	}
	gives("g31", "n1");
	got = evaluate("g64");
	ck_assert_msg(strstr(got, "nested deeper than 64") != NULL, "%s", got);
}
END_TEST

START_TEST(many_comparisons_are_refused)
{
	CLEANUP(freep) char *filters = repeat("location.rack=~^.*.*.*.*x,", 100000, "n1");
	CLEANUP(freep) char *got = evaluate(filters);

	ck_assert_msg(strstr(got, "takes too long") != NULL, "%s", got);
}
END_TEST

START_TEST(a_set_stays_when_the_text_is_wrong)
{
	struct noderange_source source = world_source(world);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;

	ck_assert_int_eq(noderange_evaluate(&source, "n3", &set, NULL), 0);
	ck_assert_int_eq(noderange_evaluate(&source, "n1,n99", &set, NULL), -EINVAL);
	ck_assert(bitset_count(&set) == 1 && bitset_has(&set, 2));
	ck_assert_int_eq(noderange_evaluate(&source, "n1", &set, NULL), 0);
	ck_assert(bitset_count(&set) == 1 && bitset_has(&set, 0));
}
END_TEST

START_TEST(the_examples_of_the_manual_are_true)
{
	FILE *page = fopen(TOP_SRCDIR "/docs/noderange.5", "re");
	bool within = false;
	unsigned examples = 0;
	char line[256];

	ck_assert_ptr_nonnull(page);
	while (fgets(line, sizeof(line), page)) {
		char *nodes = strstr(line, " Ta ");

		within |= text_starts(line, ".\\\" BEGIN EXAMPLES");
		within &= !text_starts(line, ".\\\" END EXAMPLES");
		if (!within || !text_starts(line, ".It ") || text_starts(line, ".It Em") || !nodes)
			continue;
		*nodes = '\0';
		nodes += strlen(" Ta ");
		nodes[strcspn(nodes, "\n")] = '\0';
		gives(line + strlen(".It "), nodes);
		examples++;
	}
	ck_assert_uint_ge(examples, 10);
	(void)fclose(page);
}
END_TEST

/* ---- regular expressions ---- */

static const struct {
	const char *expression, *text;
	bool found;
} searches[] = {
	{"", "x", true},
	{"b", "abc", true},
	{"^b", "abc", false},
	{"c$", "abc", true},
	{"^abc$", "abc", true},
	{"^abc$", "abcd", false},
	{"a.c", "abc", true},
	{"a.c", "a\nc", false},
	{"^a*$", "", true},
	{"^a*$", "aaaa", true},
	{"^a*$", "aab", false},
	{"a+b", "caab", true},
	{"^a+$", "", false},
	{"ab*c", "ac", true},
	{"[a-c]x", "bx", true},
	{"[^a-c]x", "bx", false},
	{"[]x]", "]", true},
	{"[^]x]", "]", false},
	{"[a-]", "-", true},
	{"[\\d]+$", "n12", true},
	{"^[\\w]+$", "a_1\xc3\xa9", true},
	{"[\\s]", "a b", true},
	{"^[\\S]+$", "a b", false},
	{"[\\]]", "\\]", true},
	{"^.$", "\xc3\xa9", true},
	{"^..$", "\xc3\xa9", false},
	{"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true},
	{"[^\xc3\xa9]", "\xc3\xa9", false},
	{"^.$", "\xff", true},
	{"a++a", "aaaa", false},
	{"a++b", "aaab", true},
	{"^a*+$", "aa", true},
	{"a*+a", "aa", false},
	{"x$", "x\n", true},
	{"^$", "", true},
	{"a^b", "ab", false},
	{"$a", "a", false},
	{"n1++", "n1", true},
	{"n1++1", "n11", false},
};

START_TEST(an_expression_is_found_as_upstream_finds_it)
{
	CLEANUP(regex_freep) struct regex *regex = NULL;
	struct err err = {""};
	uint64_t spent = 0;

	ck_assert_msg(regex_new(&regex, searches[_i].expression, strlen(searches[_i].expression),
			      &err) == 0,
		"%s: %s", searches[_i].expression, err.text);
	ck_assert_msg(regex_search(regex, searches[_i].text, strlen(searches[_i].text), &spent) ==
			      searches[_i].found,
		"%s in %s", searches[_i].expression, searches[_i].text);
}
END_TEST

static const struct {
	const char *expression, *error;
} bad[] = {
	{"*a", "nothing to repeat at position 0"},
	{"a**", "multiple repeat at position 2"},
	{"a+++", "multiple repeat at position 3"},
	{"^*", "nothing to repeat at position 1"},
	{"a[b", "unterminated character set at position 1"},
	{"[z-a]", "bad character range at position 1"},
	{"[\\d-z]", "bad character range at position 1"},
	{"[\\q]", "bad escape at position 1"},
	{"a|b", "not supported in a regular expression here: ?|(){}\\ at position 1"},
};

START_TEST(a_wrong_expression_is_told)
{
	struct regex *regex = NULL;
	struct err err = {""};

	ck_assert_int_eq(
		regex_new(&regex, bad[_i].expression, strlen(bad[_i].expression), &err), -EINVAL);
	ck_assert_str_eq(err.text, bad[_i].error);
}
END_TEST

START_TEST(no_expression_takes_long)
{
	CLEANUP(freep) char *expression = repeat(".*a", 300, "b");
	CLEANUP(freep) char *text = repeat("a", 10000, "");
	CLEANUP(regex_freep) struct regex *regex = NULL;
	uint64_t spent = 0;

	ck_assert_int_eq(regex_new(&regex, expression, strlen(expression), NULL), 0);
	ck_assert(!regex_search(regex, text, strlen(text), &spent));
	ck_assert_uint_le(spent, (uint64_t)3 * strlen(text) * strlen(expression));
}
END_TEST

static Suite *limits_suite(void)
{
	Suite *suite = suite_create("noderange limits");
	TCase *tc = tcase_create("texts");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_too_large_is_refused_at_once);
	tcase_add_loop_test(tc, what_is_just_not_too_large_is_taken, 0, 6);
	tcase_add_loop_test(tc, names_are_in_counting_order_and_each_once, 0, 11);
	tcase_add_loop_test(tc, an_error_points_at_its_place, 0, ARRAY_SIZE(errors));
	suite_add_tcase(suite, tc);
	tc = tcase_create("nodes");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, groups_that_go_round_are_named);
	tcase_add_test(tc, groups_of_groups_are_evaluated_once);
	tcase_add_test(tc, a_long_chain_of_groups_is_refused);
	tcase_add_test(tc, many_comparisons_are_refused);
	tcase_add_test(tc, a_set_stays_when_the_text_is_wrong);
	tcase_add_test(tc, the_examples_of_the_manual_are_true);
	suite_add_tcase(suite, tc);
	tc = tcase_create("regular expressions");
	tcase_add_loop_test(
		tc, an_expression_is_found_as_upstream_finds_it, 0, ARRAY_SIZE(searches));
	tcase_add_loop_test(tc, a_wrong_expression_is_told, 0, ARRAY_SIZE(bad));
	tcase_add_test(tc, no_expression_takes_long);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(limits_suite)
