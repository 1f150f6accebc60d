/*
 * Names in the answers about managers: kept, made short in pieces, and cut for a sentence.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "command/tell.h"
#include "model/noderange.h"
#include "tests/lib/suite.h"

/* n1, n2, … or, with gaps, names that have nothing in common. */
static char **make_names(size_t n, bool alike)
{
	char **names = xcalloc(n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = alike ? xasprintf("n%zu", i + 1)
				 : xasprintf("%c%zuhost%c", (int)('a' + i % 26), i * 7,
					   (int)('a' + i % 25));
	return names;
}

static void free_names(char **names)
{
	for (char **at = names; *at; at++)
		free(*at);
	free(names);
}

START_TEST(names_are_kept_as_they_were)
{
	char **from = make_names(3, true);
	struct tell_names names;

	tell_names_init(&names, (const char *const *)from, 3);
	free_names(from);
	ck_assert_uint_eq(names.n, 3);
	ck_assert_str_eq(names.at[0], "n1");
	ck_assert_str_eq(names.at[2], "n3");
	tell_names_done(&names);
	tell_names_init(&names, NULL, 0);
	ck_assert_uint_eq(names.n, 0);
	tell_names_done(&names);
}
END_TEST

/* Whatever the pieces, all names are in the text, each once. */
START_TEST(pieces_make_one_noderange)
{
	static const size_t sizes[] = {1, 2, 19999, 20000, 20001, 45000};
	size_t n = sizes[_i], pieces = 1;
	char **names = make_names(n, true);
	struct tell_fold fold = {NULL};
	struct noderange_names back;
	struct err err = {""};

	while (!tell_fold(&fold, (const char *const *)names, n))
		pieces++;
	ck_assert_uint_eq(pieces, (n + 19999) / 20000);
	ck_assert_uint_eq(fold.len, strlen(fold.text));
	ck_assert_msg(noderange_expand(fold.text, &back, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(back.n, n);
	noderange_names_done(&back);
	free(fold.text);
	free_names(names);
}
END_TEST

START_TEST(no_names_are_an_empty_noderange)
{
	struct tell_fold fold = {NULL};

	ck_assert(tell_fold(&fold, NULL, 0));
	ck_assert_str_eq(fold.text, "");
	free(fold.text);
}
END_TEST

START_TEST(a_sentence_names_all_where_that_is_short)
{
	char **names = make_names(20000, true);
	char *text = tell_some((const char *const *)names, 20000);

	ck_assert_str_eq(text, "n[1:20000]");
	free(text);
	free_names(names);
}
END_TEST

START_TEST(a_sentence_names_some_and_says_so)
{
	static const size_t sizes[] = {100, 5000, 30000};
	size_t n = sizes[_i];
	char **names = make_names(n, false);
	char *text = tell_some((const char *const *)names, n);
	struct noderange_names some;
	struct err err = {""};
	size_t len = strlen(text);

	ck_assert_uint_le(len, 304);
	ck_assert_str_eq(text + len - 4, ",...");
	text[len - 4] = '\0';
	ck_assert_msg(noderange_expand(text, &some, &err) == 0, "%s: %s", text, err.text);
	ck_assert_uint_gt(some.n, 5);
	ck_assert_uint_lt(some.n, n);
	noderange_names_done(&some);
	free(text);
	free_names(names);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("tell");
	TCase *t = tcase_create("names");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, names_are_kept_as_they_were);
	tcase_add_loop_test(t, pieces_make_one_noderange, 0, 6);
	tcase_add_test(t, no_names_are_an_empty_noderange);
	tcase_add_test(t, a_sentence_names_all_where_that_is_short);
	tcase_add_loop_test(t, a_sentence_names_some_and_says_so, 0, 3);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
