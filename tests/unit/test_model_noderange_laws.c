/*
 * What must hold for every text: folding and expanding are each other's reverse, and the operators are
 * those of sets of names, worked out here the slow way.
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

/* A small generator (xorshift), so that a failure comes back with the same seed. */
static uint32_t next(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

static uint32_t seeded(int seed)
{
	return (uint32_t)seed * 2654435761u + 88675123u;
}

/* ---- a naive model: every node is a bit in an array ---- */

#define ROWS  3
#define NODES 12
#define ALL   (ROWS * NODES)

struct model {
	bool has[ALL];
};

static const char *name_of(unsigned i, char dst[32])
{
	unsigned nth = i % NODES + 1;

	if (i / NODES == 0)
		(void)snprintf(dst, 32, "n%u", nth);
	else if (i / NODES == 1)
		(void)snprintf(dst, 32, "r1-u%02u", nth);
	else
		(void)snprintf(dst, 32, "x%u.dom", nth);
	return dst;
}

static struct world *make_world(void)
{
	struct world *world = world_new();
	char name[32];

	for (unsigned i = 0; i < ALL; i++) {
		uint32_t node = world_add_node(world, name_of(i, name));

		world_add_value(world, node, "type", i % 3 ? "b" : "a");
	}
	world_add_group(world, "thirds", "");
	for (unsigned i = 0; i < ALL; i += 3)
		world_add_member(world, "thirds", i);
	world_add_group(world, "dynamic", "thirds,-n[1-6]");
	return world;
}

/* One operand: its text, and what it stands for. With `plain` one that needs no source. */
static void make_operand(uint32_t *state, bool plain, struct buf *text, struct model *ret)
{
	unsigned row = next(state, ROWS), a = next(state, NODES), b = a + next(state, NODES - a);
	char from[32], to[32];
	int r;

	*ret = (struct model){{false}};
	for (unsigned i = a; i <= b; i++)
		ret->has[row * NODES + i] = true;
	name_of(row * NODES + a, from);
	name_of(row * NODES + b, to);
	switch (next(state, plain ? 4 : 8)) {
	case 0:
		r = buf_printf(text, "%s:%s", from, to);
		break;
	case 1:
		r = buf_printf(text, "%s..%s", from, to);
		break;
	case 2:
		for (unsigned i = a; i <= b; i++)
			ret->has[row * NODES + i] = i % 2 == a % 2;
		r = row == 0   ? buf_printf(text, "n[%u-%u:2]", a + 1, b + 1)
		    : row == 1 ? buf_printf(text, "r1-u[%02u-%02u:2]", a + 1, b + 1)
			       : buf_printf(text, "x[%u..%u..2].dom", a + 1, b + 1);
		break;
	case 3:
		r = buf_printf(text, "%s+%u", row == 1 ? "n1" : from, row == 1 ? 0 : b - a);
		if (row == 1) {
			*ret = (struct model){{true}};
		}
		break;
	case 4:
		for (unsigned i = 0; i < ALL; i++)
			ret->has[i] = i % 3 == 0;
		r = buf_str(text, next(state, 2) ? "thirds" : "type=a");
		break;
	case 5:
		for (unsigned i = 0; i < ALL; i++)
			ret->has[i] = i % 3 == 0 && i >= 6;
		r = buf_str(text, "dynamic");
		break;
	case 6:
		for (unsigned i = 0; i < ALL; i++)
			ret->has[i] = i / NODES == 2;
		r = buf_str(text, next(state, 2) ? "~^x.*m$" : "~[.]dom");
		break;
	default:
		for (unsigned i = 0; i < ALL; i++)
			ret->has[i] = i % 3 != 0;
		r = buf_str(text, next(state, 2) ? "type!=a" : "type!~^a$");
	}
	ck_assert_int_eq(r, 0);
}

static void make_text(
	uint32_t *state, bool plain, unsigned depth, struct buf *text, struct model *ret)
{
	static const char *const operators[] = {",", ",-", "@"};
	unsigned n = 1 + next(state, 4);

	*ret = (struct model){{false}};
	for (unsigned i = 0; i < n; i++) {
		unsigned op = i ? next(state, 3) : 0;
		struct model operand;

		if (i)
			ck_assert_int_eq(
				buf_printf(text, "%s%s", operators[op], next(state, 4) ? "" : " "),
				0);
		if (depth < 3 && next(state, 3) == 0) {
			ck_assert_int_eq(buf_str(text, "("), 0);
			make_text(state, plain, depth + 1, text, &operand);
			ck_assert_int_eq(buf_str(text, ")"), 0);
		} else {
			make_operand(state, plain, text, &operand);
		}
		for (unsigned k = 0; k < ALL; k++)
			ret->has[k] = op == 0	? ret->has[k] || operand.has[k]
				      : op == 1 ? ret->has[k] && !operand.has[k]
						: ret->has[k] && operand.has[k];
	}
}

static char *written(const struct model *model)
{
	const char *names[ALL];
	char room[ALL][32];
	struct buf out = BUF_INIT(1 << 16);
	size_t n = 0;

	for (unsigned i = 0; i < ALL; i++) {
		if (model->has[i])
			names[n++] = name_of(i, room[i]);
	}
	natsort_sort(names, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(buf_printf(&out, "%s ", names[i]), 0);
	ck_assert_int_eq(buf_str(&out, "."), 0);
	return buf_take(&out);
}

static void shown(const struct bitset *set, struct model *ret)
{
	uint32_t it;

	*ret = (struct model){{false}};
	bitset_foreach(it, set) ret->has[it] = true;
}

START_TEST(operators_are_those_of_sets)
{
	struct world *world = make_world();
	struct noderange_source source = world_source(world);
	uint32_t state = seeded(_i);

	for (unsigned round = 0; round < 100; round++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
		CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
		struct model expected, got;
		struct err err = {""};

		make_text(&state, false, 0, &text, &expected);
		ck_assert_msg(noderange_evaluate(&source, text.data, &set, &err) == 0, "%s: %s",
			text.data, err.text);
		shown(&set, &got);
		CLEANUP(freep) char *wanted = written(&expected);
		CLEANUP(freep) char *is = written(&got);
		ck_assert_msg(strcmp(is, wanted) == 0, "%s: %s, not %s", text.data, is, wanted);
	}
	world_free(world);
}
END_TEST

START_TEST(writing_out_agrees_with_evaluating)
{
	uint32_t state = seeded(_i);

	for (unsigned round = 0; round < 100; round++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
		struct noderange_names names = {NULL};
		struct model expected;
		struct err err = {""};

		make_text(&state, true, 0, &text, &expected);
		ck_assert_msg(noderange_expand(text.data, &names, &err) == 0, "%s: %s", text.data,
			err.text);
		natsort_sort((const char **)names.at, names.n);
		for (size_t i = 0; i < names.n; i++)
			ck_assert_int_eq(buf_printf(&out, "%s ", names.at[i]), 0);
		ck_assert_int_eq(buf_str(&out, "."), 0);
		CLEANUP(freep) char *wanted = written(&expected);
		ck_assert_msg(strcmp(out.data, wanted) == 0, "%s: %s, not %s", text.data, out.data,
			wanted);
		noderange_names_done(&names);
	}
}
END_TEST

/* ---- folding ---- */

/* Names with some numbers, some of them padded, in a row of shapes. */
static char *random_name(uint32_t *state)
{
	unsigned wide = next(state, 3) ? 12 : 120;
	unsigned a = next(state, wide), b = next(state, wide), c = next(state, 4);

	switch (next(state, 10)) {
	case 0:
		return xasprintf("n%u", a);
	case 1:
		return xasprintf("n%02u", a);
	case 2:
		return xasprintf("r%uu%02u", a, b);
	case 3:
		return xasprintf("r%u-c%un%u", a, b, c);
	case 4:
		return xasprintf("%u", a);
	case 5:
		return xasprintf("a%ub", a);
	case 6:
		return xasprintf("10.1.%u.%u", a, c);
	case 7:
		return xasprintf("rack%u.dom", a);
	case 8:
		return xasprintf("x%u_%03u", a, b);
	default:
		return xstrdup("login");
	}
}

static char **random_names(uint32_t *state, size_t n)
{
	char **names = xcalloc(n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = random_name(state);
	return names;
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* Sorted, each once. */
static size_t tidy(const char **names, size_t n)
{
	size_t kept = 0;

	natsort_sort(names, n);
	for (size_t i = 0; i < n; i++) {
		if (!kept || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	}
	return kept;
}

static void check_names(const char *text, char **names, size_t n)
{
	struct noderange_names back = {NULL};
	const char **wanted = xmemdup(names, n * sizeof(*names));
	size_t n_wanted = tidy(wanted, n);
	struct err err = {""};

	ck_assert_msg(noderange_expand(text, &back, &err) == 0, "%s: %s", text, err.text);
	ck_assert_msg(tidy((const char **)back.at, back.n) == n_wanted && back.n == n_wanted,
		"%s: %zu names, not %zu", text, back.n, n_wanted);
	for (size_t i = 0; i < n_wanted; i++)
		ck_assert_str_eq(back.at[i], wanted[i]);
	noderange_names_done(&back);
	free(wanted);
}

START_TEST(what_is_folded_expands_to_the_same_names)
{
	uint32_t state = seeded(_i);

	for (unsigned round = 0; round < 40; round++) {
		size_t n = 1 + next(&state, round % 2 ? 12 : 400);
		char **names = random_names(&state, n);
		struct world *world = world_new();
		struct noderange_source source;
		CLEANUP(freep) char *folded = noderange_fold((const char *const *)names, n);
		char *upstreams;

		check_names(folded, names, n);
		source = world_source(world);
		upstreams =
			noderange_abbreviate_names(&source, (const char *const *)names, n, NULL, 0);
		check_names(upstreams, names, n);
		/* It may put a bracket around two numbers of each shape where upstream has none. */
		ck_assert_uint_le(strlen(folded), strlen(upstreams) + 20);
		free(upstreams);
		for (size_t i = 0; i < n; i++)
			(void)world_add_node(world, names[i]);
		source = world_source(world);
		CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
		ck_assert_int_eq(noderange_evaluate(&source, folded, &set, NULL), 0);
		ck_assert(bitset_equal(&set, source.all(source.arg)));
		upstreams = noderange_abbreviate(&source, source.all(source.arg), NULL, 0);
		check_names(upstreams, names, n);
		free(upstreams);
		world_free(world);
		free_names(names, n);
	}
}
END_TEST

static const struct {
	const char *names, *folded;
} folds[] = {
	{"r1u01,r1u02,r2u01,r2u02", "r[1:2]u[01:02]"},
	{"t1,t2,t3,t1.dom,t2.dom,t3.dom", "t[1:3],t[1:3].dom"},
	{"n8,n9,n08,n09,n10", "n[8:9,08:10]"},
	{"n098,n099,n100,n1000", "n[098:100,1000]"},
	{"n999,n1000,n1001", "n[999:1001]"},
	{"a1b1,a2b2,a3b3", "a1b1,a2b2,a3b3"},
	{"a1b1c1,a1b1c2,a1b2c1,a1b2c2,a2b1c1,a2b1c2,a2b2c1,a2b2c2,a3b1c1",
		"a[1:2]b[1:2]c[1:2],a3b1c1"},
	{"r1u1,r1u2,r1u3,r2u1,r2u3,r3u1,r3u2,r3u3", "r[1,3]u[1:3],r2u[1,3]"},
	{"login,mgt", "login,mgt"},
	{"n18446744073709551616,n18446744073709551617",
		"n18446744073709551616,n18446744073709551617"},
	{"n1,n1,n1", "n1"},
	{"1.2.3.4.5.6.7.8.9,1.2.3.4.5.6.7.8.10", "1.2.3.4.5.6.7.8.[9:10]"},
	{"3,-a1,-a3", "3,(-a[1,3])"},
	{"", ""},
};

START_TEST(products_are_found)
{
	CLEANUP(freep) char *list = xstrdup(folds[_i].names);
	const char *names[16];
	char *rest = *list ? list : NULL, *name;
	CLEANUP(freep) char *folded = NULL;
	size_t n = 0;

	while ((name = strsep(&rest, ",")))
		names[n++] = name;
	folded = noderange_fold(names, n);
	ck_assert_str_eq(folded, folds[_i].folded);
}
END_TEST

static Suite *laws_suite(void)
{
	Suite *suite = suite_create("noderange laws");
	TCase *tc = tcase_create("laws");

	tcase_add_loop_test(tc, operators_are_those_of_sets, 0, 10);
	tcase_add_loop_test(tc, writing_out_agrees_with_evaluating, 0, 10);
	tcase_add_loop_test(tc, what_is_folded_expands_to_the_same_names, 0, 10);
	tcase_add_loop_test(tc, products_are_found, 0, ARRAY_SIZE(folds));
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(laws_suite)
