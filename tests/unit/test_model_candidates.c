/*
 * Candidates: which members a text stands for, what is left out, what is refused, and the cache.
 */
#include "config.h"
#include "model/candidates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"

static const char *const members[] = {"mgt1", "mgt2", "mgt3", "mgt10", "mgmt-01", "mgmt-03"};
#define N ARRAY_SIZE(members)

/* mgt1 and mgt2 are nodes, too; n1-n3 are nobody else. */
static struct db *furnished(void)
{
	struct db *db = db_new(1);

	put(db, "groups/service/noderange", "");
	put(db, "groups/dyn/noderange", "mgt[1:3],n1");
	put(db, "groups/self/noderange", "mgt1,self");
	put(db, "groups/rack1/noderange", "");
	put(db, "nodes/mgt1/groups", "service");
	put(db, "nodes/mgt1/location.rack", "1");
	put(db, "nodes/mgt2/groups", "service,rack1");
	put(db, "nodes/n1/groups", "service,rack1");
	put(db, "nodes/n2/groups", "rack1");
	put(db, "nodes/n3/groups", "");
	return db;
}

static const char *set_text(const struct bitset *set)
{
	static char text[1024];
	uint32_t it;

	text[0] = '\0';
	bitset_foreach(it, set)
	{
		size_t len = strlen(text);

		ck_assert_uint_lt(it, N);
		snprintf(text + len, sizeof(text) - len, "%s%s", len ? "," : "", members[it]);
	}
	return text;
}

static const char *unknown_of_last;

/* The members, or the error. */
static const char *stands_for(const struct db *db, const char *text)
{
	static char said[ERR_TEXT_MAX], unknown_text[1 << 15];
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(buf_done) struct buf unknown = BUF_INIT(sizeof(unknown_text));
	struct err err = {""};

	ck_assert_int_eq(buf_str(&unknown, "old"), 0);
	bitset_add(&set, 4000);
	if (candidates_evaluate(db, members, N, text, &set, &unknown, &err) < 0) {
		ck_assert(bitset_empty(&set));
		ck_assert_uint_eq(unknown.len, 0);
		ck_assert_str_ne(err.text, "");
		snprintf(said, sizeof(said), "%s", err.text);
		return said;
	}
	snprintf(unknown_text, sizeof(unknown_text), "%s", buf_cstr(&unknown));
	unknown_of_last = unknown_text;
	return set_text(&set);
}

static const struct {
	const char *text, *expected, *unknown;
} cases[] = {
	{"mgt1", "mgt1", ""},
	{"mgt3", "mgt3", ""}, /* no node */
	{"mgt1,mgt3", "mgt1,mgt3", ""},
	{" mgt1 , mgt3 ", "mgt1,mgt3", ""},
	{"mgt1-mgt3", "mgt1,mgt2,mgt3", ""},
	{"mgt[1:3]", "mgt1,mgt2,mgt3", ""},
	{"mgt[1-3,10]", "mgt1,mgt2,mgt3,mgt10", ""},
	{"mgt1-mgt3,-mgt2", "mgt1,mgt3", ""},
	{"mgt1-mgt3@mgt2-mgt10", "mgt2,mgt3", "mgt4,mgt5,mgt6,mgt7,mgt8,mgt9"},
	{"(mgt1,mgt2)", "mgt1,mgt2", ""},
	{"mgmt-01", "mgmt-01", ""},
	/* groups and nodes: those that are members */
	{"service", "mgt1,mgt2", ""},
	{"service,mgt3", "mgt1,mgt2,mgt3", ""},
	{"service,-mgt1", "mgt2", ""},
	{"service@rack1", "mgt2", ""},
	{"dyn", "mgt1,mgt2,mgt3", ""},
	{"everything", "mgt1,mgt2", ""},
	{"everything,-rack1", "mgt1", ""},
	{"n1-n3", "", ""},
	{"n1,mgt1", "mgt1", ""},
	/* expressions and filters look at members */
	{"~mgt", "mgt1,mgt2,mgt3,mgt10", ""},
	{"~^mg", "mgt1,mgt2,mgt3,mgt10,mgmt-01,mgmt-03", ""},
	{"~^$", "", ""},
	{"n1@~^$", "", ""},
	{"location.rack=1", "mgt1", ""},
	{"mgt1-mgt3@location.rack!=1", "mgt2,mgt3", ""},
	{"~mgt,-location.rack=1", "mgt2,mgt3,mgt10", ""},
	{"~mgt<2", "mgt3,mgt10", ""},
	{"~mgt>3", "mgt1,mgt2,mgt3", ""},
	/* names that are nothing */
	{"mgt1,mgt4", "mgt1", "mgt4"},
	{"mgt4", "", "mgt4"},
	{"mgt4,mgt4,x", "", "mgt4,x"},
	{"mgt2-mgt5", "mgt2,mgt3", "mgt4,mgt5"},
	{"mgt[2-5]", "mgt2,mgt3", "mgt4,mgt5"},
	{"mgmt-[01:03]", "mgmt-01,mgmt-03", "mgmt-02"},
	{"mgmt-01,mgmt-02", "mgmt-01", "mgmt-02"},
	{"mgt1+3", "mgt1,mgt2,mgt3", "mgt4"},
	{"service,-mgt7", "mgt1,mgt2", "mgt7"},
	{"service@typo", "", "typo"},
};

START_TEST(a_text_stands_for_members)
{
	CLEANUP(db_freep) struct db *db = furnished();
	const char *said = stands_for(db, cases[_i].text);

	ck_assert_msg(strcmp(said, cases[_i].expected) == 0, "%s is %s, not %s", cases[_i].text,
		said, cases[_i].expected);
	ck_assert_str_eq(unknown_of_last, cases[_i].unknown);
}
END_TEST

START_TEST(a_name_is_exactly_itself)
{
	CLEANUP(db_freep) struct db *db = furnished();

	ck_assert_str_eq(stands_for(db, "MGT1,mgt01"), "");
	ck_assert_str_eq(unknown_of_last, "MGT1,mgt01");
	/* a member hides a group of its name, as a node does */
	put(db, "groups/mgt3/noderange", "n1");
	ck_assert_str_eq(stands_for(db, "mgt3"), "mgt3");
}
END_TEST

static const struct {
	const char *text, *place;
} wrong[] = {
	{"", "empty"},
	{"mgt1,(mgt2", "(at character 6)"},
	{"mgt1,mgt2)", "(at character 10)"},
	{"~(", "(at character 2)"},
	{"~*", "Invalid regular expression"},
	{"mgt3-mgt1", "mgt3-mgt1 not valid"},
	{"mgt1,secret.x=1", "secret attributes"},
	{"self", "self"},
	{"mgt1,no name?", "(at character"},
	{"x[1:1000]", "(at character 1)"},
	{"mgt[1:9999999999]", "too many names"},
};

START_TEST(what_cannot_be_understood_stands_for_nobody)
{
	CLEANUP(db_freep) struct db *db = furnished();
	const char *said = stands_for(db, wrong[_i].text);

	ck_assert_msg(strncmp(said, "candidates '", 12) == 0, "%s: %s", wrong[_i].text, said);
	ck_assert_msg(strstr(said, wrong[_i].place) != NULL, "%s: %s", wrong[_i].text, said);
}
END_TEST

START_TEST(texts_have_a_ceiling)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(freep) char *text = xmalloc(CANDIDATES_TEXT_MAX + 2);

	memset(text, ' ', CANDIDATES_TEXT_MAX + 1);
	memcpy(text, "mgt1", 4);
	text[CANDIDATES_TEXT_MAX + 1] = '\0';
	ck_assert_ptr_nonnull(strstr(stands_for(db, text), "at most 8192"));
	text[CANDIDATES_TEXT_MAX] = '\0';
	ck_assert_str_eq(stands_for(db, text), "mgt1");
}
END_TEST

/* As often as there is room for it. */
static char *again_and_again(const char *piece)
{
	struct buf text = BUF_INIT(CANDIDATES_TEXT_MAX);

	ck_assert_int_eq(buf_str(&text, piece), 0);
	while (text.len + 1 + strlen(piece) <= CANDIDATES_TEXT_MAX)
		ck_assert_int_eq(buf_printf(&text, ",%s", piece), 0);
	return buf_take(&text);
}

#define MANY 512

static const struct {
	const char *piece;
	const char *why; /* NULL: it is all of them */
} costly[] = {
	{"m[1:512]", "stands for too many names (more than 4096"},
	{"gone[1:200]", "stands for too many names (more than 4096"},
	{"location.rack=~1*1*y", "takes too long"},
	{"everything", NULL},
	{"~^m", "takes too long"},
};

/* The leader works through as many as there are nodes, and each in one go. */
START_TEST(no_text_takes_long)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(freep) char *text = again_and_again(costly[_i].piece);
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	struct err err = {""};
	const char *names[MANY];
	char keys[MANY][32];
	int rc;

	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "nodes/m%d/location.rack", i + 1);
		put(db, keys[i], "1111111111111111111111111111x");
		memcpy(strrchr(keys[i], '/'), "/groups", sizeof("/groups"));
		put(db, keys[i], "");
		*strrchr(keys[i], '/') = '\0';
		names[i] = keys[i] + strlen("nodes/");
	}
	ck_assert_int_eq(candidates_evaluate(db, names, MANY, "m[1:512]", &set, NULL, &err), 0);
	ck_assert_uint_eq(bitset_count(&set), MANY);
	rc = candidates_evaluate(db, names, MANY, text, &set, NULL, &err);
	if (!costly[_i].why) {
		ck_assert_msg(rc == 0, "%s", err.text);
		ck_assert_uint_eq(bitset_count(&set), MANY);
		return;
	}
	ck_assert_int_eq(rc, -EINVAL);
	ck_assert_msg(strstr(err.text, costly[_i].why) != NULL, "%s", err.text);
}
END_TEST

START_TEST(who_is_told_less_than_there_is_hears_nothing)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(buf_done) struct buf unknown = BUF_INIT(4);

	ck_assert_int_eq(
		candidates_evaluate(db, members, N, "mgt1,mgt4,mgt5", &set, &unknown, NULL), 0);
	ck_assert_str_eq(set_text(&set), "mgt1");
	ck_assert_uint_eq(unknown.len, 0);
	ck_assert_int_eq(candidates_evaluate(db, members, N, "mgt2", &set, NULL, NULL), 0);
	ck_assert_str_eq(set_text(&set), "mgt2");
	ck_assert_int_eq(candidates_evaluate(db, NULL, 0, "mgt1,n1", &set, NULL, NULL), 0);
	ck_assert(bitset_empty(&set));
}
END_TEST

/* ---- nodes ---- */

static uint32_t number(const struct db *db, const char *name)
{
	uint32_t ret;

	ck_assert(db_node_find(db, name, &ret));
	return ret;
}

START_TEST(a_nodes_text_is_what_counts_for_it)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct err err = {""};

	ck_assert_int_eq(candidates_text(db, number(db, "n1"), &text, &err), 0);
	put(db, "groups/rack1/collective.managercandidates", "mgt{location.rack}");
	put(db, "groups/everything/location.rack", "2");
	ck_assert_int_eq(candidates_text(db, number(db, "n1"), &text, &err), 1);
	ck_assert_str_eq(buf_cstr(&text), "mgt2");
	put(db, "nodes/n1/collective.managercandidates", " ");
	ck_assert_int_eq(candidates_text(db, number(db, "n1"), &text, &err), 0);
	put(db, "nodes/n1/collective.managercandidates", "{no");
	ck_assert_int_eq(candidates_text(db, number(db, "n1"), &text, &err), -EINVAL);
	ck_assert_msg(strncmp(err.text, "collective.managercandidates: ", 30) == 0, "%s", err.text);
}
END_TEST

START_TEST(equal_texts_are_evaluated_once)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(candidates_freep) struct candidates *c = NULL;
	const char *one, *other, *why = "?";
	const struct bitset *set;

	put(db, "groups/rack1/collective.managercandidates", "mgt2-mgt4");
	put(db, "nodes/n3/collective.managercandidates", "mgt{{1}}");
	put(db, "nodes/mgt1/collective.managercandidates", "(");
	put(db, "nodes/mgt2/collective.managercandidates", "{(");
	c = candidates_new(db, members, N);
	set = candidates_of(c, number(db, "n1"), &one, &why);
	ck_assert_ptr_nonnull(set);
	ck_assert_str_eq(set_text(set), "mgt2,mgt3");
	ck_assert_ptr_null(why);
	ck_assert_str_eq(one, "mgt2-mgt4");
	ck_assert_str_eq(candidates_unknown(c, one), "mgt4");
	ck_assert_ptr_eq(candidates_of(c, number(db, "n2"), &other, &why), set);
	ck_assert_ptr_eq(one, other);
	/* it isn't an expression, nor a noderange */
	ck_assert_ptr_null(candidates_of(c, number(db, "n3"), &one, &why));
	ck_assert_str_eq(one, "mgt{1}");
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_null(candidates_of(c, number(db, "mgt1"), &one, &why));
	ck_assert_ptr_nonnull(strstr(why, "candidates '('"));
	ck_assert_str_eq(candidates_unknown(c, one), "");
	ck_assert_ptr_null(candidates_of(c, number(db, "mgt2"), &one, &why));
	ck_assert_str_eq(one, "");
	ck_assert_ptr_nonnull(strstr(why, "collective.managercandidates"));
	ck_assert_ptr_null(candidates_of(c, number(db, "mgt2"), NULL, NULL));
	ck_assert_str_eq(candidates_unknown(c, "mgt99"), "");
}
END_TEST

START_TEST(nobody_set_is_no_reason)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(candidates_freep) struct candidates *c = candidates_new(db, members, N);
	const char *text = "?", *why = "?";

	ck_assert_ptr_null(candidates_of(c, number(db, "n1"), &text, &why));
	ck_assert_str_eq(text, "");
	ck_assert_ptr_null(why);
}
END_TEST

START_TEST(a_cache_tells_of_texts_that_are_too_long)
{
	CLEANUP(db_freep) struct db *db = furnished();
	CLEANUP(candidates_freep) struct candidates *c = NULL;
	CLEANUP(freep) char *text = xmalloc(CANDIDATES_TEXT_MAX + 2);
	const char *why = NULL;

	memset(text, 'a', CANDIDATES_TEXT_MAX + 1);
	text[CANDIDATES_TEXT_MAX + 1] = '\0';
	put(db, "groups/everything/collective.managercandidates", text);
	c = candidates_new(db, members, N);
	ck_assert_ptr_null(candidates_of(c, number(db, "n1"), NULL, &why));
	ck_assert_ptr_nonnull(strstr(why, "at most 8192"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("candidates");
	TCase *tc = tcase_create("candidates");

	tcase_add_loop_test(tc, a_text_stands_for_members, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, a_name_is_exactly_itself);
	tcase_add_loop_test(tc, what_cannot_be_understood_stands_for_nobody, 0, ARRAY_SIZE(wrong));
	tcase_add_test(tc, texts_have_a_ceiling);
	tcase_add_loop_test(tc, no_text_takes_long, 0, ARRAY_SIZE(costly));
	tcase_add_test(tc, who_is_told_less_than_there_is_hears_nothing);
	tcase_add_test(tc, a_nodes_text_is_what_counts_for_it);
	tcase_add_test(tc, equal_texts_are_evaluated_once);
	tcase_add_test(tc, nobody_set_is_no_reason);
	tcase_add_test(tc, a_cache_tells_of_texts_that_are_too_long);
	suite_add_tcase(s, tc);
	return s;
}

SUITE_MAIN(suite)
