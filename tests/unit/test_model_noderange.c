/*
 * The table of cases (data/noderange_cases.tsv), row by row. Where a row is flagged as wrong, leaked
 * or accidental and we do something else, `ours` says what.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "tests/lib/suite.h"
#include "tests/unit/noderange_world.h"

#define DATA TOP_SRCDIR "/tests/unit/data/"

struct row {
	char *id, *op, *source, *input, *expected, *flag;
};

/* Our outcome where it is not that of the table; errors as far as they are written here. */
static const struct {
	const char *id, *expected;
} ours[] = {
	{"75", "ERROR:Invalid syntax: white space between two names"},
	{"82", "ERROR:Invalid syntax: white space between two names"},
	{"489", "ERROR:Invalid syntax: white space between two names"},
	{"702", "ERROR:Invalid syntax: white space between two names"},
	{"239", "s1.cluster,s2.cluster,s3.cluster"},
	{"240", "ERROR:s1-s3.cluster not valid"},
	{"241", "t1.dom,t2.dom,t3.dom"},
	{"242", "t1.a.b,t2.a.b,t3.a.b"},
	{"243", "ERROR:t1-t3.dom not valid"},
	{"244", "x_1,x_2,x_3"},
	{"245", "x_1,x_2"},
	{"250", "ERROR:n3-n1 not valid"},
	{"276", "x_1,x_2,x_3"},
	{"277", "x1_1,x2_1,x3_1"},
	{"279", "10.1.1.1,10.1.1.2,10.1.1.3,10.1.1.4,10.1.1.5"},
	{"281", "ERROR:n1-n01 not valid"},
	{"282", "ERROR:n01-n1 not valid"},
	{"297", "ERROR:n1:n2:n3:n4 not valid"},
	{"300", "s1.cluster,s2.cluster,s3.cluster"},
	{"301", "t1.dom,t2.dom,t3.dom"},
	{"302", "x_1,x_2,x_3"},
	{"311", "ERROR:n3:n1 not valid"},
	{"313", "ERROR:n1:n3:n5 not valid"},
	{"335", "ERROR:n3..n1 not valid"},
	{"354", "t1.dom,t2.dom,t3.dom"},
	{"375", "s1.cluster,s2.cluster,s3.cluster"},
	{"413", "ERROR:n21 not a recognized node, group, or alias"},
	{"417", "ERROR:n01 not a recognized node, group, or alias"},
	{"449", "ERROR:p8 not a recognized node, group, or alias"},
	{"451", "ERROR:q08 not a recognized node, group, or alias"},
	{"473", "ERROR:n1x not a recognized node, group, or alias"},
	{"497", "ERROR:3-1 not valid"},
	{"499", "ERROR:1-01 not valid"},
	{"720", "ERROR:n1=3 not a recognized node, group, or alias"},
	{"747", "ERROR:group selfref refers to itself (at character 1 of the noderange of group "
		"selfref)"},
	{"748", "ERROR:group mutA refers to itself: mutA -> mutB -> mutA (at character 1 of the "
		"noderange of group mutB)"},
	{"645", "1,2,3,a-b,a-b-c,dual,e1f1,e1f2,e2f1,e2f2,mgt1,mgt2,mgt3,N5,n12,n13,n14"
		",n15,n16,n17,n18,n19,n20,na,nb,node-1,node-2,node-3,node-4,p08,p09,p10"
		",p11,q8,q9,q10,q11,r1u01,r1u02,r1u03,r1u04,r1u05,r1u06,r1u07,r1u08,r1u"
		"09,r1u10,r2u01,r2u02,r2u03,r2u04,r2u05,r2u06,r2u07,r2u08,r2u09,r2u10,r"
		"3u01,r3u02,r3u03,r3u04,r3u05,r3u06,r3u07,r3u08,r3u09,r3u10,s1.cluster,"
		"s2.cluster,s3.cluster,t1,t1.a.b,t1.dom,t2,t2.a.b,t2.dom,t3,t3.a.b,t3.d"
		"om,w01,w1,Web1,x,x_1,x_2,x_3,z001,z002,z003"},
	{"656", "n1,n2,n3,n4,n5,n6,n7,n8,n15,r1u01,r2u01,r3u01"},
	{"657", "{}"},
	{"665", "ERROR:secret* is not a valid attribute name"},
	{"669", "mgt1,n1,n2,n3,n4,n5,n6,n7,n8,n9,n10,n11,n12,n13,n14,n15,n16,n17,n18,n1"
		"9,n20"},
	{"671", "n3"},
	{"672", "1,2,3,a-b,a-b-c,dual,e1f1,e1f2,e2f1,e2f2,mgt1,mgt2,mgt3,n1,n2,n4,N5,n5"
		",n6,n7,n8,n9,n10,n11,n12,n13,n14,n15,n16,n17,n18,n19,n20,na,nb,node-1,"
		"node-2,node-3,node-4,p08,p09,p10,p11,q8,q9,q10,q11,r1u01,r1u02,r1u03,r"
		"1u04,r1u05,r1u06,r1u07,r1u08,r1u09,r1u10,r2u01,r2u02,r2u03,r2u04,r2u05"
		",r2u06,r2u07,r2u08,r2u09,r2u10,r3u01,r3u02,r3u03,r3u04,r3u05,r3u06,r3u"
		"07,r3u08,r3u09,r3u10,s1.cluster,s2.cluster,s3.cluster,t1,t1.a.b,t1.dom"
		",t2,t2.a.b,t2.dom,t3,t3.a.b,t3.dom,w01,w1,Web1,x,x_1,x_2,x_3,z001,z002"
		",z003"},
	{"673", "n3"},
	{"675", "{}"},
	{"926", "g-[1:2],n[5,7:9]"},
	{"966", "n9"},
	{"824", "ERROR:Verification configmanager required: new nodes are named, and can't be "
		"chosen by what they are or have (at character 1)"},
};

static struct world *world;
static unsigned wrong; /* rows that came out otherwise; each is told */

static void setup(void)
{
	world = world_new();
	world_load(world, DATA "noderange_fixture.tsv");
}

static void teardown(void)
{
	world_free(world);
}

/* ---- outcomes as texts ---- */

static char *join(const char **names, size_t n)
{
	struct buf out = BUF_INIT(NODERANGE_TEXT_MAX);
	int r = 0;

	natsort_sort(names, n);
	if (n > 400)
		r = buf_printf(&out, "COUNT=%zu;FIRST=%s;LAST=%s", n, names[0], names[n - 1]);
	else if (!n)
		r = buf_str(&out, "{}");
	for (size_t i = 0; r == 0 && n <= 400 && i < n; i++)
		r = buf_printf(&out, "%s%s", i ? "," : "", names[i]);
	ck_assert_int_eq(r, 0);
	return buf_take(&out);
}

static char *expand(const char *text)
{
	struct noderange_names names = {NULL};
	struct err err = {""};
	char *outcome;

	if (noderange_expand(text, &names, &err) < 0) {
		ck_assert_ptr_null(names.at);
		return xasprintf("ERROR:%s", err.text);
	}
	outcome = join((const char **)names.at, names.n);
	noderange_names_done(&names);
	return outcome;
}

static char *evaluate(struct world *where, const char *text)
{
	struct noderange_source source = world_source(where);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	const char **names;
	struct err err = {""};
	char *outcome;
	size_t n = 0;
	uint32_t it;

	if (noderange_evaluate(&source, text, &set, &err) < 0)
		return xasprintf("ERROR:%s", err.text);
	names = xcalloc(bitset_count(&set) + 1, sizeof(*names));
	bitset_foreach(it, &set) names[n++] = source.name(source.arg, it);
	outcome = join(names, n);
	free(names);
	return outcome;
}

static size_t split(char *list, const char **names)
{
	size_t n = 0;
	char *name;

	while ((name = strsep(&list, ",")))
		names[n++] = name;
	return n;
}

static char *abbreviate(const char *input, bool with_groups)
{
	struct noderange_source source = world_source(world);
	CLEANUP(freep) char *list = xstrdup(input);
	const char **names = xcalloc(strlen(input) + 1, sizeof(*names));
	const struct noderange_group *groups;
	size_t n_groups = world_groups(world, &groups);
	char *outcome;

	outcome = noderange_abbreviate_names(
		&source, names, split(list, names), groups, with_groups ? n_groups : 0);
	free(names);
	return outcome;
}

/* ---- rows ---- */

static void unescape(char *text)
{
	static const char signs[] = "tnr\\", meant[] = "\t\n\r\\";
	char *to = text;

	for (; *text; text++) {
		const char *sign = *text == '\\' ? strchr(signs, text[1]) : NULL;

		*to++ = sign ? meant[sign - signs] : *text;
		text += sign != NULL;
	}
	*to = '\0';
}

static bool read_row(FILE *file, char **line, size_t *cap, struct row *ret)
{
	while (getline(line, cap, file) > 0) {
		char *rest = *line;

		if (*rest == '#')
			continue;
		rest[strcspn(rest, "\n")] = '\0';
		ret->id = strsep(&rest, "\t");
		ret->op = strsep(&rest, "\t");
		ret->source = strsep(&rest, "\t");
		ret->input = strsep(&rest, "\t");
		ret->expected = strsep(&rest, "\t");
		ret->flag = strsep(&rest, "\t");
		ck_assert_ptr_nonnull(ret->flag);
		unescape(ret->input);
		unescape(ret->expected);
		return true;
	}
	return false;
}

static void each_row(const char *op, void (*fn)(struct row *row))
{
	FILE *file = fopen(DATA "noderange_cases.tsv", "re");
	char *line = NULL;
	size_t cap = 0, n = 0;
	struct row row;

	ck_assert_ptr_nonnull(file);
	while (read_row(file, &line, &cap, &row)) {
		if (strcmp(row.op, op) != 0)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
			if (strcmp(row.id, ours[i].id) == 0) {
				ck_assert_msg(*row.flag, "row %s counts as it is", row.id);
				row.expected = (char *)(uintptr_t)ours[i].expected;
				row.flag = (char *)(uintptr_t) "";
			}
		}
		fn(&row);
		n++;
	}
	ck_assert_uint_ge(n, 6);
	ck_assert_uint_eq(wrong, 0);
	free(line);
	(void)fclose(file);
}

static void judge(const struct row *row, bool right, const char *got)
{
	if (right)
		return;
	wrong++;
	fprintf(stderr, "row %s (%s): %s: %.300s, not %.300s\n", row->id, row->flag, row->input,
		got, row->expected);
}

static bool is_error(const char *outcome)
{
	return text_starts(outcome, "ERROR:");
}

static void check_expand(struct row *row)
{
	bool fixture = strcmp(row->source, "fixture") == 0;
	CLEANUP(freep)
	char *got = fixture ? evaluate(world, row->input) : expand(row->input);
	bool same = strcmp(got, row->expected) == 0;

	if (strcmp(row->flag, "LEAK") == 0)
		same = is_error(got) && !strstr(got, "list") && !strstr(got, "Expected");
	else if (is_error(row->expected))
		same = text_starts(got, row->expected);
	judge(row, same, got);
	if (is_error(got))
		ck_assert_msg(
			strstr(got, "(at character ") != NULL, "no place: %s: %s", row->input, got);
}

START_TEST(every_row_is_evaluated)
{
	each_row("expand", check_expand);
}
END_TEST

/* A text that is right, whatever it is. */
static bool expands_to(const char *text, const char *input)
{
	CLEANUP(freep) char *got = expand(text);
	CLEANUP(freep) char *list = xstrdup(input);
	const char **names = xcalloc(strlen(input) + 1, sizeof(*names));
	CLEANUP(freep) char *wanted = join(names, split(list, names));

	free(names);
	return strcmp(got, wanted) == 0;
}

static void check_abbreviation(struct row *row)
{
	bool groups = strcmp(row->source, "fixture") == 0;
	CLEANUP(freep) char *got = abbreviate(row->input, groups);
	CLEANUP(freep) char *back = groups ? evaluate(world, got) : NULL;
	bool same = strcmp(got, row->expected) == 0;

	if (strcmp(row->flag, "NONDET") == 0 && !groups)
		same = expands_to(got, row->input);
	if (strcmp(row->flag, "NONDET") == 0 && groups)
		same = !is_error(back);
	judge(row, same, got);
}

START_TEST(every_list_is_made_short)
{
	each_row("abbrev", check_abbreviation);
}
END_TEST

static void check_after(struct row *row)
{
	char *list = strstr(row->input, " => ");
	CLEANUP(freep) char *before = xstrndup(row->input, (size_t)(list - row->input));
	CLEANUP(freep) char *first = evaluate(world, before);
	CLEANUP(freep) char *short_one = abbreviate(list + 4, true);
	CLEANUP(freep) char *back = evaluate(world, short_one);

	ck_assert(!is_error(first));
	ck_assert_msg(strcmp(back, list + 4) == 0, "row %s: %s is %s", row->id, short_one, back);
}

START_TEST(nothing_is_remembered)
{
	each_row("abbrev-after", check_after);
}
END_TEST

static Suite *noderange_suite(void)
{
	Suite *suite = suite_create("noderange");
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_row_is_evaluated);
	tcase_add_test(tc, every_list_is_made_short);
	tcase_add_test(tc, nothing_is_remembered);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(noderange_suite)
