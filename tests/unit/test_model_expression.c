/*
 * Expressions as a whole: the table of cases in tests/unit/data, what holds for any text, and texts
 * that are meant to take long.
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
#include "model/attribute.h"
#include "model/expression.h"
#include "tests/lib/suite.h"

#define CASES TOP_SRCDIR "/tests/unit/data/expression_cases.tsv"

/* ---- a node with attributes ---- */

#define VALUES_MAX 32

struct world {
	const char *node;
	const char *name[VALUES_MAX];
	const char *value[VALUES_MAX];
	bool active[VALUES_MAX]; /* being evaluated */
	size_t count;
	size_t budget;
	bool cycle;
};

static int look_up(const char *name, struct buf *out, struct err *err, void *arg);

static int evaluate(struct world *w, const char *text, struct buf *out, struct err *err)
{
	struct expression_scope scope = {
		.node = w->node, .attribute = look_up, .arg = w, .budget = &w->budget};

	return expression_evaluate(text, strlen(text), &scope, out, err);
}

static int look_up(const char *name, struct buf *out, struct err *err, void *arg)
{
	struct world *w = arg;
	const struct attribute *attribute = attribute_find(attribute_unalias(name));
	struct err ignored;
	int rc;

	name = attribute_unalias(name);
	if (!attribute)
		return -ENOENT;
	for (size_t i = 0; i < w->count; i++) {
		if (strcmp(w->name[i], name) != 0 || attribute_hidden(attribute))
			continue;
		if (w->active[i]) {
			w->cycle = true;
			return err_set(err, -ELOOP, "a reference goes round in circles");
		}
		w->active[i] = true;
		rc = evaluate(w, w->value[i], out, &ignored);
		w->active[i] = false;
		if (w->cycle)
			return err_set(err, -ELOOP, "a reference goes round in circles");
		if (rc < 0)
			buf_reset(out);
	}
	return 0;
}

/* Evaluates on a node of that name without attributes. */
static int on_node(const char *node, const char *text, struct buf *out, struct err *err)
{
	struct world w = {.node = node, .budget = EXPRESSION_BUDGET};

	return evaluate(&w, text, out, err);
}

/* ---- the table ---- */

static void decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		static const char from[] = "tnr\\";
		const char *known = s[0] == '\\' && s[1] ? strchr(from, s[1]) : NULL;
		unsigned code;

		if (known) {
			*to++ = "\t\n\r\\"[known - from];
			s++;
		} else if (s[0] == '\\' && s[1] == 'x') {
			char hex[3] = {s[2], s[3], '\0'};

			ck_assert_int_eq(strspn(hex, "0123456789abcdef"), 2);
			code = (unsigned)(strchr("0123456789abcdef", hex[0]) - "0123456789abcdef");
			code = code * 16 +
			       (unsigned)(strchr("0123456789abcdef", hex[1]) - "0123456789abcdef");
			*to++ = (char)code;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void fill_world(struct world *w, char *attributes)
{
	char *save = attributes;
	char *item;

	while ((item = strsep(&save, ";"))) {
		char *equals = strchr(item, '=');

		if (!equals)
			continue;
		ck_assert_uint_lt(w->count, VALUES_MAX);
		*equals = '\0';
		decode(equals + 1);
		w->name[w->count] = item;
		w->value[w->count++] = equals + 1;
	}
}

static void check_result(int line, char *text, const char *result, int rc, const struct buf *out,
	const struct err *err)
{
	const char *message = strncmp(result, "BROKEN:", 7) == 0 ? result + 7 : NULL;

	if (!message && strcmp(result, "BROKEN") != 0) {
		ck_assert_msg(rc == 0, "line %d: %s: broken: %s", line, text, err->text);
		ck_assert_msg(strcmp(buf_cstr(out), result) == 0, "line %d: %s: '%s', not '%s'",
			line, text, buf_cstr(out), result);
		return;
	}
	ck_assert_msg(
		rc == -EINVAL, "line %d: %s: '%s', must be broken", line, text, buf_cstr(out));
	ck_assert_msg(err->text[0] != '\0', "line %d: %s: no message", line, text);
	ck_assert_msg(!message || strcmp(message, err->text) == 0, "line %d: %s: '%s', not '%s'",
		line, text, err->text, message);
	ck_assert_msg(
		buf_cstr(out)[0] == '\0', "line %d: %s: left '%s'", line, text, buf_cstr(out));
}

static void check_case(int line, char *columns[5], const char *full)
{
	static const char *const kinds[] = {"plain", "fields", "invalid"};
	struct buf out = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct world w = {.node = columns[0], .budget = EXPRESSION_BUDGET};
	struct err err = {""};
	char *attributes = xstrdup(strcmp(columns[1], "full") == 0 ? full : columns[1]);
	enum expression_kind kind;
	int rc;

	fill_world(&w, attributes);
	decode(columns[2]);
	decode(columns[4]);
	kind = expression_classify(columns[2], strlen(columns[2]), &err);
	ck_assert_msg(strcmp(kinds[kind], columns[3]) == 0, "line %d: %s: %s, not %s: %s", line,
		columns[2], kinds[kind], columns[3], err.text);
	ck_assert_msg((kind == EXPRESSION_INVALID) == (err.text[0] != '\0'), "line %d: %s", line,
		err.text);
	if (kind == EXPRESSION_PLAIN) {
		ck_assert_int_eq(expression_unescape(columns[2], strlen(columns[2]), &out), 0);
		ck_assert_str_eq(buf_cstr(&out), columns[4]);
		buf_reset(&out);
	}
	rc = evaluate(&w, columns[2], &out, &err);
	check_result(line, columns[2], kind == EXPRESSION_INVALID ? "BROKEN" : columns[4], rc, &out,
		&err);
	buf_done(&out);
	free(attributes);
}

START_TEST(every_case_of_the_table_comes_out_as_written)
{
	FILE *f = fopen(CASES, "re");
	char *full = NULL;
	char *text = NULL;
	size_t size = 0;
	int line = 0, cases = 0;

	ck_assert_ptr_nonnull(f);
	while (getline(&text, &size, f) > 0) {
		char *columns[5] = {NULL};
		char *rest = text;
		size_t n = 0;

		line++;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#')
			continue;
		while (rest && n < ARRAY_SIZE(columns))
			columns[n++] = strsep(&rest, "\t");
		if (n == 3 && strcmp(columns[0], "set") == 0) {
			full = xstrdup(columns[2]);
			continue;
		}
		ck_assert_msg(n == 5 && !rest, "line %d has %zu columns", line, n);
		check_case(line, columns, full);
		cases++;
	}
	ck_assert_int_gt(cases, 250);
	free(full);
	free(text);
	fclose(f);
}
END_TEST

/* ---- what holds for any text ---- */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

START_TEST(an_escaped_text_is_plain_and_stands_for_itself)
{
	static const char alphabet[] = "{}{}{}ab:![]1 \\\"";
	uint32_t state = 7;

	for (int round = 0; round < 5000; round++) {
		struct buf escaped = BUF_INIT(64), again = BUF_INIT(64);
		struct err err = {""};
		char text[16];
		size_t len = next_random(&state) % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		text[len] = '\0';
		ck_assert_int_eq(expression_escape(text, len, &escaped), 0);
		ck_assert_int_eq(expression_classify(buf_cstr(&escaped), escaped.len, &err),
			EXPRESSION_PLAIN);
		ck_assert_int_eq(expression_unescape(buf_cstr(&escaped), escaped.len, &again), 0);
		ck_assert_str_eq(buf_cstr(&again), text);
		buf_reset(&again);
		ck_assert_int_eq(on_node("n1", buf_cstr(&escaped), &again, &err), 0);
		ck_assert_str_eq(buf_cstr(&again), text);
		buf_done(&escaped);
		buf_done(&again);
	}
}
END_TEST

START_TEST(what_can_be_evaluated_was_not_invalid)
{
	static const char *const words[] = {"{", "}", "{{", "}}", "n1", "node", "+", "-", "/", "(",
		")", "[", "]", ":", "!r", "\"a\"", "1", "02d", ".upper()", "x", "**", "<<", ">5"};
	uint32_t state = 11;
	int fine = 0;

	for (int round = 0; round < 20000; round++) {
		struct buf out = BUF_INIT((size_t)64 << 10);
		struct err err = {""};
		char text[128] = "";
		enum expression_kind kind;
		int rc;

		for (uint32_t left = 1 + next_random(&state) % 8; left > 0; left--) {
			const char *word = words[next_random(&state) % ARRAY_SIZE(words)];

			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", word);
		}
		kind = expression_classify(text, strlen(text), &err);
		ck_assert_int_eq(kind == EXPRESSION_INVALID, err.text[0] != '\0');
		rc = on_node("n5", text, &out, &err);
		ck_assert_msg(rc == 0 || rc == -EINVAL, "%s: %d", text, rc);
		if (rc == 0)
			ck_assert_msg(kind != EXPRESSION_INVALID, "%s", text);
		if (kind == EXPRESSION_PLAIN)
			ck_assert_msg(rc == 0, "%s: %s", text, err.text);
		fine += rc == 0 && kind == EXPRESSION_FIELDS;
		buf_done(&out);
	}
	ck_assert_int_gt(fine, 10);
}
END_TEST

/* As deep as calls may be nested, in each link of a chain as long as db allows. */
START_TEST(a_chain_of_deeply_nested_references_is_no_trouble)
{
	struct world w = {.node = "n1", .count = 32, .budget = EXPRESSION_BUDGET};
	struct buf out = BUF_INIT(1024);
	struct err err = {""};
	char names[VALUES_MAX][16];
	char *values[VALUES_MAX];

	for (int i = 0; i < VALUES_MAX; i++) {
		struct buf value = BUF_INIT(4096);
		int rc = buf_str(&value, i ? "{" : "{node");

		snprintf(names[i], sizeof(names[i]), "custom.c%d", i);
		for (int k = 0; i && k < 38 && rc == 0; k++)
			rc = buf_str(&value, "\"x\".replace(\"x\",");
		if (i && rc == 0)
			rc = buf_str(&value, names[i - 1]);
		for (int k = 0; i && k < 38 && rc == 0; k++)
			rc = buf_str(&value, ")");
		ck_assert_int_eq(rc, 0);
		ck_assert_int_eq(buf_str(&value, "}"), 0);
		values[i] = buf_take(&value);
		w.name[i] = names[i];
		w.value[i] = values[i];
	}
	ck_assert_msg(evaluate(&w, "{custom.c31}", &out, &err) == 0, "%s", err.text);
	ck_assert_str_eq(buf_cstr(&out), "n1");
	for (int i = 0; i < VALUES_MAX; i++)
		free(values[i]);
	buf_done(&out);
}
END_TEST

START_TEST(references_that_fan_out_share_one_budget)
{
	struct world w = {.node = "n1", .count = 20, .budget = EXPRESSION_BUDGET};
	struct buf out = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct err err = {""};
	char names[VALUES_MAX][16];
	char values[VALUES_MAX][64];

	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "custom.c%d", i);
		snprintf(values[i], sizeof(values[i]), "{custom.c%d[0:1]}{custom.c%d[0:1]}", i + 1,
			i + 1);
		w.name[i] = names[i];
		w.value[i] = values[i];
	}
	ck_assert_int_eq(evaluate(&w, "{custom.c0}", &out, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the expression takes too much work to evaluate");
	ck_assert_uint_eq(w.budget, 0);
	buf_done(&out);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("model/expression");
	TCase *tcase = tcase_create("expression");

	tcase_add_test(tcase, every_case_of_the_table_comes_out_as_written);
	tcase_add_test(tcase, an_escaped_text_is_plain_and_stands_for_itself);
	tcase_add_test(tcase, what_can_be_evaluated_was_not_invalid);
	tcase_add_test(tcase, a_chain_of_deeply_nested_references_is_no_trouble);
	tcase_add_test(tcase, references_that_fan_out_share_one_budget);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(make_suite)
