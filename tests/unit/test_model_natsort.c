#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "model/natsort.h"
#include "tests/lib/suite.h"

#define NAMES_MAX 8

static const struct {
	const char *input[NAMES_MAX];
	const char *sorted;
} tables[] = {
	{{"n10", "n9", "n1", "n2"}, "n1 n2 n9 n10"},
	{{"n1", "n"}, "n n1"},
	{{"n1", "n1a", "n1-1", "n1.a", "n1b"}, "n1 n1-1 n1.a n1a n1b"},
	{{"n2", "N1", "n1"}, "N1 n1 n2"},
	{{"n01", "n1", "n001"}, "n001 n01 n1"},
	{{"10", "9", "a1", "1a", "1"}, "1 1a 9 10 a1"},
	{{"r1u10", "r1u2", "r10u1", "r2u1"}, "r1u2 r1u10 r2u1 r10u1"},
	{{"a-b", "a_b", "a.b", "ab", "a1"}, "a1 a-b a.b a_b ab"},
	{{"a", "B", "c", "A", "b"}, "A a B b c"},
	{{"s1.cluster", "s1", "s10", "s2.cluster"}, "s1 s1.cluster s2.cluster s10"},
	{{"rack10", "rack2", "rack1", "compute"}, "compute rack1 rack2 rack10"},
	{{"node-1", "node1", "node-10", "node-2"}, "node1 node-1 node-2 node-10"},
	{{"n18446744073709551617", "n18446744073709551616", "n2"},
		"n2 n18446744073709551616 n18446744073709551617"},
	{{"\xc3\xa9", "z", ""}, " z \xc3\xa9"},
};

START_TEST(names_are_sorted_as_people_count)
{
	const char *names[NAMES_MAX];
	char got[256] = "";
	size_t n = 0, len = 0;

	while (n < NAMES_MAX && tables[_i].input[n]) {
		names[n] = tables[_i].input[n];
		n++;
	}
	natsort_sort(names, n);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(
			got + len, sizeof(got) - len, "%s%s", i ? " " : "", names[i]);
	ck_assert_str_eq(got, tables[_i].sorted);
}
END_TEST

/* A small generator (xorshift), so that a failure comes back with the same seed. */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void random_name(uint32_t *state, char name[8])
{
	static const char alphabet[] = "019aAb-\xc3";
	size_t len = next(state) % 7;

	for (size_t i = 0; i < len; i++)
		name[i] = alphabet[next(state) % (sizeof(alphabet) - 1)];
	name[len] = '\0';
}

static int sign(int d)
{
	return (d > 0) - (d < 0);
}

START_TEST(the_order_is_total)
{
	uint32_t state = 20240601;

	for (int round = 0; round < 200000; round++) {
		char a[8], b[8], c[8];
		int ab, bc, ac;

		random_name(&state, a);
		random_name(&state, b);
		random_name(&state, c);
		ab = sign(natsort_compare(a, b));
		bc = sign(natsort_compare(b, c));
		ac = sign(natsort_compare(a, c));
		ck_assert_int_eq(natsort_compare(a, a), 0);
		ck_assert_msg((ab == 0) == (strcmp(a, b) == 0), "'%s' '%s'", a, b);
		ck_assert_msg(ab == -sign(natsort_compare(b, a)), "'%s' '%s'", a, b);
		if (ab <= 0 && bc <= 0)
			ck_assert_msg(ac <= 0, "'%s' '%s' '%s'", a, b, c);
		if (ab >= 0 && bc >= 0)
			ck_assert_msg(ac >= 0, "'%s' '%s' '%s'", a, b, c);
	}
	natsort_sort(NULL, 0);
}
END_TEST

/* Names with a beginning in common, and numbers that are longer than what sorting looks at first. */
START_TEST(sorting_agrees_with_comparing)
{
	static const char *const beginnings[] = {
		"", "n", "n1", "rack12-", "Rack000", "x0", "n1234567890123456789012345"};
	uint32_t state = 88675123u + (uint32_t)_i;
	char room[300][64], tail[8];
	const char *names[300];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		random_name(&state, tail);
		(void)snprintf(room[i], sizeof(room[i]), "%s%s%s", beginnings[_i],
			next(&state) % 2 ? "000123456789" : "", tail);
		names[i] = room[i];
	}
	natsort_sort(names, ARRAY_SIZE(names));
	for (size_t i = 1; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(natsort_compare(names[i - 1], names[i]) <= 0, "'%s' before '%s'",
			names[i - 1], names[i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("model_natsort");
	TCase *t = tcase_create("natsort");

	tcase_add_loop_test(t, names_are_sorted_as_people_count, 0, ARRAY_SIZE(tables));
	tcase_add_test(t, the_order_is_total);
	tcase_add_loop_test(t, sorting_agrees_with_comparing, 0, 7);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
