/*
 * What expressions are made of: integers against the compiler's own, characters, formats, and what
 * limits the work.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/expression.h"
#include "model/expression_format.h"
#include "model/expression_int.h"
#include "model/expression_text.h"
#include "tests/lib/suite.h"

__extension__ typedef __int128 wide;

/* ---- integers ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Of all sizes, and close to powers of two, where carries are. */
static int64_t some_number(uint64_t *state)
{
	uint64_t r = next_random(state);
	int64_t v = (int64_t)(r >> 1 >> (next_random(state) % 63));

	switch (r % 4) {
	case 0:
		v = (int64_t)1 << next_random(state) % 62;
		break;
	case 1:
		v = ((int64_t)1 << next_random(state) % 62) - 1;
		break;
	default:
		break;
	}
	return next_random(state) % 2 ? -v : v;
}

static wide to_wide(const struct expr_int *a)
{
	wide v = 0;

	ck_assert_uint_le(a->len, 4);
	for (unsigned i = a->len; i-- > 0;)
		v = v * ((wide)1 << 32) + a->limb[i];
	return a->negative ? -v : v;
}

static wide floor_divide(wide a, wide b)
{
	return a / b - (a % b && (a < 0) != (b < 0));
}

START_TEST(integers_count_as_the_compiler_does)
{
	uint64_t state = 88172645463325252;

	for (int round = 0; round < 15000; round++) {
		int64_t x = some_number(&state), y = some_number(&state);
		int64_t by = (int64_t)(next_random(&state) % 60);
		struct expr_int a, b, c, count;

		expr_int_set(&a, x);
		expr_int_set(&b, y);
		expr_int_set(&count, by);
		ck_assert_int_eq(expr_int_clamp(&a), x);
		ck_assert_int_eq(expr_int_add(&a, &b, &c), 0);
		ck_assert(to_wide(&c) == (wide)x + y);
		ck_assert_int_eq(expr_int_sub(&a, &b, &c), 0);
		ck_assert(to_wide(&c) == (wide)x - y);
		ck_assert_int_eq(expr_int_mul(&a, &b, &c), 0);
		ck_assert(to_wide(&c) == (wide)x * y);
		ck_assert_int_eq(expr_int_shift(&a, &count, true, &c), 0);
		ck_assert(to_wide(&c) == x * ((wide)1 << by));
		ck_assert_int_eq(expr_int_shift(&a, &count, false, &c), 0);
		ck_assert(to_wide(&c) == floor_divide(x, (wide)1 << by));
		ck_assert_int_eq(expr_int_bits(&a, &b, '&', &c), 0);
		ck_assert(to_wide(&c) == (x & y));
		ck_assert_int_eq(expr_int_bits(&a, &b, '|', &c), 0);
		ck_assert(to_wide(&c) == (x | y));
		ck_assert_int_eq(expr_int_bits(&a, &b, '^', &c), 0);
		ck_assert(to_wide(&c) == (x ^ y));
	}
}
END_TEST

START_TEST(division_is_the_opposite_of_multiplication)
{
	uint64_t state = 362436069;

	for (int round = 0; round < 10000; round++) {
		struct expr_int a, b, q, r, again;

		expr_int_set(&a, some_number(&state));
		expr_int_set(&b, some_number(&state));
		for (unsigned n = (unsigned)(next_random(&state) % 12); n > 0; n--) {
			expr_int_set(&q, some_number(&state));
			ck_assert_int_eq(expr_int_mul(n % 3 ? &a : &b, &q, n % 3 ? &a : &b), 0);
		}
		if (!b.len) {
			ck_assert_int_eq(expr_int_divide(&a, &b, &q, &r), -EDOM);
			continue;
		}
		ck_assert_int_eq(expr_int_divide(&a, &b, &q, &r), 0);
		ck_assert(!r.len || r.negative == b.negative);
		if (a.len <= 2 && b.len <= 2)
			ck_assert(to_wide(&q) == floor_divide(to_wide(&a), to_wide(&b)));
		ck_assert_int_eq(expr_int_mul(&q, &b, &again), 0);
		ck_assert_int_eq(expr_int_add(&again, &r, &again), 0);
		ck_assert_mem_eq(&again, &a, sizeof(a.limb));
		ck_assert_int_eq(again.negative, a.negative);
		/* The rest is less than the divisor. */
		r.negative = false;
		b.negative = false;
		ck_assert_int_eq(expr_int_sub(&r, &b, &r), 0);
		ck_assert(r.negative);
	}
}
END_TEST

START_TEST(a_number_past_the_ceiling_is_refused_not_cut)
{
	struct expr_int most, one, count, v;
	char text[EXPR_INT_TEXT_MAX];

	expr_int_set(&one, 1);
	expr_int_set(&count, EXPR_INT_BITS - 1);
	ck_assert_int_eq(expr_int_shift(&one, &count, true, &v), 0);
	ck_assert_int_eq(expr_int_sub(&v, &one, &most), 0);
	ck_assert_int_eq(expr_int_add(&most, &v, &most), 0); /* all ones */
	ck_assert_uint_eq(expr_int_print(&most, 2, text), EXPR_INT_BITS);
	ck_assert_uint_eq(strspn(text, "1"), EXPR_INT_BITS);
	ck_assert_int_eq(expr_int_digits(text, strlen(text), 2, &v), 0);
	ck_assert_int_eq(expr_int_add(&most, &one, &v), -ERANGE);
	ck_assert_int_eq(expr_int_mul(&most, &most, &v), -ERANGE);
	ck_assert_int_eq(expr_int_shift(&most, &one, true, &v), -ERANGE);
	expr_int_set(&count, INT64_MAX);
	ck_assert_int_eq(expr_int_shift(&one, &count, true, &v), -ERANGE);
	ck_assert_int_eq(expr_int_shift(&most, &count, false, &v), 0);
	ck_assert_uint_eq(v.len, 0);
	expr_int_print(&most, 10, text);
	ck_assert_int_eq(expr_int_digits(text, strlen(text), 10, &v), 0);
	text[strlen(text) - 1] = '9';
	ck_assert_int_eq(expr_int_digits(text, strlen(text), 10, &v), -ERANGE);
	expr_int_negate(&most);
	ck_assert_int_eq(expr_int_sub(&most, &one, &v), -ERANGE);
	expr_int_set(&v, -2);
	ck_assert_int_eq(expr_int_bits(&most, &v, '&', &v), -ERANGE);
}
END_TEST

static const struct {
	const char *text;
	int64_t value;
	int rc;
} readings[] = {
	{"0", 0, 0},
	{" -5\t", -5, 0},
	{"+007", 7, 0},
	{"1_000", 1000, 0},
	{"", 0, -EINVAL},
	{"-", 0, -EINVAL},
	{"1__0", 0, -EINVAL},
	{"_1", 0, -EINVAL},
	{"1_", 0, -EINVAL},
	{"1 2", 0, -EINVAL},
	{"0x10", 0, -EINVAL},
	{"- 1", 0, -EINVAL},
};

START_TEST(a_text_is_read_as_an_integer)
{
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		struct expr_int v;
		int rc = expr_text_integer(readings[i].text, strlen(readings[i].text), &v);

		ck_assert_msg(rc == readings[i].rc, "'%s': %d", readings[i].text, rc);
		if (rc == 0)
			ck_assert_int_eq(expr_int_clamp(&v), readings[i].value);
	}
}
END_TEST

/* ---- expressions and formats on the node r3u04 ---- */

static int no_attribute(const char *name, struct buf *out, struct err *err, void *arg)
{
	(void)name;
	(void)out;
	(void)err;
	(void)arg;
	return -ENOENT;
}

static int evaluate(const char *text, size_t len, size_t *budget, struct buf *out, struct err *err)
{
	const struct expression_scope scope = {
		.node = "r3u04", .attribute = no_attribute, .budget = budget};

	return expression_evaluate(text, len, &scope, out, err);
}

static const struct {
	const char *text;
	const char *result; /* NULL: broken */
} cases[] = {
	/* numbers */
	{"{1.5e3}", "1500"},
	{"{0.05e1}", "0"},
	{"{1e30}", "1000000000000000000000000000000"},
	{"{9e-1}", "0"},
	{"{.5+1}", "1"},
	{"{1e400}", NULL},
	{"{1.2.3}", NULL},
	{"{1.}", "1"},
	{"{1e}", NULL},
	{"{0xfF+0b11+0o7}", "265"},
	{"{0x}", NULL},
	{"{00}", "0"},
	{"{12ab}", NULL},
	{"{n1<<1023}", NULL},
	{"{1<<-1}", NULL},
	{"{-\"3\"}", "-3"},
	{"{1 + -2 * -3}", "7"},
	{"{1|6^3&5<<1}", "5"},
	{"{2*-3}", "-6"},
	{"{5 and 3}", NULL},
	{"{}{}", NULL},
	{"{!a}", NULL},
	{"{n12345678901234567890}", NULL},
	/* texts */
	{"{\"a\\x3ab\\u00e9\\\"\\q\"}", "a:b\xc3\xa9\"\\q"},
	{"{\"\\x4\"}", NULL},
	{"{\"\\x00\"}", NULL},
	{"{\"\\ud800\"}", NULL},
	{"{\"a}", NULL},
	{"{node[::-1]}", "40u3r"},
	{"{node[-1::-2]}", "4ur"},
	{"{node[4:0:-2]}", "4u"},
	{"{node[1:4:0]}", NULL},
	{"{node[99999999999999999999:]}", ""},
	{"{node[-99999999999999999999]}", NULL},
	{"{node[9223372036854775807]}", NULL},
	{"{node[]}", NULL},
	{"{node[\"1\"]}", NULL},
	{"{\"\xc3\xa9\xe6\x97\xa5z\"[1]}", "\xe6\x97\xa5"},
	{"{\"\xff\xc3z\"[1:]}", "\xc3z"},
	{"{\"abc\".replace(\"\", \"-\")}", "-a-b-c-"},
	{"{\"aaa\".replace(\"aa\", \"b\")}", "ba"},
	{"{node.replace(1, 2)}", NULL},
	{"{node.upper(}", NULL},
	{"{node.upper(1 2)}", NULL},
	{"{n2.block_number()}", NULL},
	{"{n2.block_number(2.0)}", NULL},
	/* formats */
	{"{n2:>+5}|{n2:<+5}|{n2:^+5}|{n2:=+5}", "   +4|+4   | +4  |+   4"},
	{"{node:\xc3\xa9>7}", "\xc3\xa9\xc3\xa9r3u04"},
	{"{1234567:010,}", "01,234,567"},
	{"{1234567:012,}", "0,001,234,567"},
	{"{0-255:#010x}", "-0x00000ff"},
	{"{255:#X}", "0XFF"},
	{"{65:c}", "A"},
	{"{10:c}", NULL},
	{"{0xd800:c}", NULL},
	{"{65:+c}", NULL},
	{"{5:,x}", NULL},
	{"{5:_d}", "5"},
	{"{1234567:,.1f}", "1,234,567.0"},
	{"{5:#.0f}", "5."},
	{"{5:zf}", "5.000000"},
	{"{5:.f}", NULL},
	{"{5:.99999f}", NULL},
	{"{node:09}", "r3u040000"},
	{"{node:+}", NULL},
	{"{node:=9}", NULL},
	{"{5:dd}", NULL},
	{"{5:\xc3\xa9}", NULL},
	{"{5:{4}{node[0:0]}}", "   5"},
	{"{5:{\"123456789\"}}", NULL},
	{"{5:{{>5}}}", NULL},
};

static void check_case(const char *text, const char *result)
{
	struct buf out = BUF_INIT((size_t)1 << 20);
	struct err err = {""};
	int rc = evaluate(text, strlen(text), NULL, &out, &err);

	if (!result) {
		ck_assert_msg(rc == -EINVAL, "%s: '%s'", text, buf_cstr(&out));
		ck_assert_msg(err.text[0] != '\0', "%s", text);
	} else {
		ck_assert_msg(rc == 0, "%s: %s", text, err.text);
		ck_assert_msg(
			strcmp(buf_cstr(&out), result) == 0, "%s: '%s'", text, buf_cstr(&out));
	}
	buf_done(&out);
}

START_TEST(an_expression_comes_to)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(cases[i].text, cases[i].result);
}
END_TEST

static const struct {
	const char *text, *upper, *lower;
} letters[] = {
	{"aZ-9", "AZ-9", "az-9"},
	{"\u00e4\u00f7\u00ff\u00df", "\u00c4\u00f7\u0178SS", "\u00e4\u00f7\u00ff\u00df"},
	{"\u0141\u00f3d\u017a", "\u0141\u00d3D\u0179", "\u0142\u00f3d\u017a"},
	{"\u0130\u0131", "\u0130I", "i\u0307\u0131"},
	{"\u1ec6\u01b0", "\u1ec6\u01af", "\u1ec7\u01b0"},
	{"\u03ac\u03c2\u03a9", "\u0386\u03a3\u03a9", "\u03ac\u03c2\u03c9"},
	{"\u0416\u0451\u04cf", "\u0416\u0401\u04c0", "\u0436\u0451\u04cf"},
	{"\u65e5\u672c", "\u65e5\u672c", "\u65e5\u672c"},
	{"\xff\xc3", "\xff\xc3", "\xff\xc3"},
};

START_TEST(letters_change_their_case)
{
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		struct buf upper = BUF_INIT(64), lower = BUF_INIT(64);
		const char *text = letters[i].text;

		ck_assert_int_eq(expr_text_upper(text, strlen(text), &upper), 0);
		ck_assert_str_eq(buf_cstr(&upper), letters[i].upper);
		ck_assert_int_eq(expr_text_lower(text, strlen(text), &lower), 0);
		ck_assert_str_eq(buf_cstr(&lower), letters[i].lower);
		buf_done(&upper);
		buf_done(&lower);
	}
}
END_TEST

START_TEST(what_is_shown_is_short_and_has_whole_characters)
{
	char shown[EXPR_TEXT_SHOWN];
	char text[400];

	for (size_t len = 0; len < sizeof(text); len++) {
		size_t at = 0;

		for (size_t i = 0; i < len; i++)
			text[i] = "\xe6\x97\xa5z\n\xff"[i % 6];
		expr_text_show(text, len, shown);
		ck_assert_uint_lt(strlen(shown), sizeof(shown));
		while (shown[at]) {
			uint32_t code;

			at += expr_text_next(shown + at, strlen(shown + at), &code);
			ck_assert_uint_ne(code, UINT32_MAX);
			ck_assert_uint_ge(code, 0x20);
		}
		ck_assert_int_eq(len >= sizeof(shown), strcmp(shown + at - MIN(at, 3), "...") == 0);
	}
}
END_TEST

/* ---- limits ---- */

/* Texts that would take long, or much memory, if nothing stopped them. */
static const struct {
	const char *before, *again, *after;
	size_t times;
} hostile[] = {
	{"", "{n1}", "", 60000},
	{"{", "(", "n1}", 200000},
	{"{", "-", "n1}", 200000},
	{"{node", "[0:]", "}", 60000},
	{"{node", ".upper()", "}", 30000},
	{"{\"", "a", "\".replace(\"\",\"bbbbbbbb\").replace(\"b\",\"cccccccc\")}", 200000},
	{"{\"", "1", "\"+1}", 200000},
	{"{1", "0", "}", 200000},
	{"{1.", "0", "1e5}", 200000},
	{"{1", "<<1000>>1000", "}", 20000},
	{"{n1", "*n1", "}", 60000},
	{"", "{1<<1000}", "", 20000},
	{"", "{n1:>9999}", "", 20000},
	{"", "{1:.9999f}", "", 20000},
	{"{n1:", "{n1}", "}", 60000},
	{"{n1:", "{", "}", 200000},
	{"{", "[", "n1}", 200000},
	{"{", "a.", "b}", 100000},
	{"{1<<", "9", "}", 1000},
};

static void check_hostile(const char *before, const char *again, size_t times, const char *after)
{
	struct buf text = BUF_INIT((size_t)2 << 20), out = BUF_INIT((size_t)8 << 20);
	size_t budget = EXPRESSION_BUDGET;
	struct err err = {""};
	int rc = buf_str(&text, before);

	for (size_t i = 0; i < times && rc == 0; i++)
		rc = buf_str(&text, again);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(buf_str(&text, after), 0);
	ck_assert_int_eq(evaluate(text.data, text.len, &budget, &out, &err), -EINVAL);
	ck_assert_str_ne(err.text, "");
	ck_assert_uint_lt(strlen(err.text), 600);
	ck_assert_str_eq(buf_cstr(&out), "");
	ck_assert_uint_le(budget, EXPRESSION_BUDGET);
	/* Nor does it take long to find out what kind of text it is. */
	(void)expression_classify(text.data, text.len, &err);
	buf_done(&text);
	buf_done(&out);
}

START_TEST(a_hostile_text_stops_at_its_budget)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		check_hostile(
			hostile[i].before, hostile[i].again, hostile[i].times, hostile[i].after);
}
END_TEST

START_TEST(a_spent_budget_breaks_whatever_shares_it)
{
	struct buf out = BUF_INIT(1024);
	struct err err = {""};
	size_t budget = 500;
	int done = 0;

	while (done < 100 && evaluate("{n1+1}", 6, &budget, &out, &err) == 0)
		done++;
	ck_assert_int_gt(done, 2);
	ck_assert_int_lt(done, 100);
	ck_assert_uint_eq(budget, 0);
	ck_assert_str_eq(err.text, "the expression takes too much work to evaluate");
	ck_assert_int_eq(evaluate("x", 1, &budget, &out, &err), -EINVAL);
	ck_assert_uint_eq(out.len, (size_t)done);
	buf_done(&out);
}
END_TEST

START_TEST(a_result_that_has_no_room_is_broken)
{
	struct buf out = BUF_INIT(12);
	struct err err = {""};

	ck_assert_int_eq(buf_str(&out, "before"), 0);
	ck_assert_int_eq(evaluate("{node}{node}", 12, NULL, &out, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the result is longer than 12 bytes");
	ck_assert_str_eq(buf_cstr(&out), "before");
	ck_assert_int_eq(evaluate("xxxxxxx", 7, NULL, &out, NULL), -EINVAL);
	ck_assert_int_eq(evaluate("-{node}", 7, NULL, &out, NULL), 0);
	ck_assert_str_eq(buf_cstr(&out), "before-r3u04");
	buf_done(&out);
}
END_TEST

START_TEST(a_message_names_the_field)
{
	static const struct {
		const char *text, *message;
	} messages[] = {
		{"a{n1+1}b{n7}", "{n7}: there are 2 numbers in r3u04"},
		{"{n1/0}", "{n1/0}: a division by zero"},
		{"{node+1}", "{node+1}: 'r3u04' is not a number"},
		{"{node:x}", "{node:x}: format type 'x' is for numbers, and this is a text"},
		{"{bogus:{node}}", "bogus is not a valid attribute name"},
	};
	struct buf out = BUF_INIT(64);
	struct err err = {""};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		const char *text = messages[i].text;

		ck_assert_int_eq(evaluate(text, strlen(text), NULL, &out, &err), -EINVAL);
		ck_assert_str_eq(err.text, messages[i].message);
	}
	buf_done(&out);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("model/expression parts");
	TCase *numbers = tcase_create("numbers");
	TCase *texts = tcase_create("texts");
	TCase *limits = tcase_create("limits");

	tcase_add_test(numbers, integers_count_as_the_compiler_does);
	tcase_add_test(numbers, division_is_the_opposite_of_multiplication);
	tcase_add_test(numbers, a_number_past_the_ceiling_is_refused_not_cut);
	tcase_add_test(numbers, a_text_is_read_as_an_integer);
	tcase_add_test(texts, an_expression_comes_to);
	tcase_add_test(texts, letters_change_their_case);
	tcase_add_test(texts, what_is_shown_is_short_and_has_whole_characters);
	tcase_add_test(limits, a_hostile_text_stops_at_its_budget);
	tcase_add_test(limits, a_spent_budget_breaks_whatever_shares_it);
	tcase_add_test(limits, a_result_that_has_no_room_is_broken);
	tcase_add_test(limits, a_message_names_the_field);
	suite_add_tcase(suite, numbers);
	suite_add_tcase(suite, texts);
	suite_add_tcase(suite, limits);
	return suite;
}

SUITE_MAIN(make_suite)
