/* libs: model base; pkg: */
/*
 * Values as anybody may write them into etcd: classified, evaluated, and read back from their escaped
 * form. A plain text evaluates to itself unescaped, an invalid one is broken, and what comes out of an
 * evaluation has its ceiling. {custom.self} is the text itself, once.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/expression.h"

#define RESULT_MAX ((size_t)256 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *text;
	size_t len;
	bool inside;
	size_t budget;
};

static int look_up(const char *name, struct buf *out, struct err *err, void *arg)
{
	struct input *input = arg;
	struct expression_scope scope = {
		.node = "r3u04", .attribute = look_up, .arg = arg, .budget = &input->budget};

	if (strcmp(name, "custom.text") == 0)
		return buf_str(out, " 07\xc3\xa9\xff");
	if (strcmp(name, "custom.self") != 0)
		return -ENOENT;
	if (input->inside)
		return err_set(err, -ELOOP, "a reference goes round in circles");
	input->inside = true;
	(void)!expression_evaluate(input->text, input->len, &scope, out, err);
	input->inside = false;
	return 0;
}

static void check_escape(const char *text, size_t len)
{
	struct buf escaped = BUF_INIT(2 * len), again = BUF_INIT(len);

	if (expression_escape(text, len, &escaped) < 0 ||
		expression_classify(escaped.data, escaped.len, NULL) != EXPRESSION_PLAIN ||
		expression_unescape(escaped.data, escaped.len, &again) < 0 || again.len != len ||
		memcmp(again.data, text, len) != 0)
		abort();
	buf_done(&escaped);
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {.text = (const char *)data, .len = size, .budget = EXPRESSION_BUDGET};
	const struct expression_scope scope = {
		.node = "r3u04", .attribute = look_up, .arg = &input, .budget = &input.budget};
	struct buf out = BUF_INIT(RESULT_MAX), plain = BUF_INIT(RESULT_MAX);
	struct err err = {""};
	enum expression_kind kind;
	int rc;

	if (!size || size > 4096)
		return 0;
	kind = expression_classify(input.text, size, &err);
	if ((kind == EXPRESSION_INVALID) != (err.text[0] != '\0'))
		abort();
	rc = expression_evaluate(input.text, size, &scope, &out, &err);
	if (rc != 0 && (rc != -EINVAL || !err.text[0] || out.len))
		abort();
	if (kind == EXPRESSION_INVALID && rc == 0)
		abort();
	if (kind == EXPRESSION_PLAIN &&
		(rc < 0 || expression_unescape(input.text, size, &plain) < 0 ||
			plain.len != out.len || memcmp(plain.data, out.data, out.len) != 0))
		abort();
	if ((expression_unescape(input.text, size, &plain) < 0) == (kind == EXPRESSION_PLAIN))
		abort();
	check_escape(input.text, size);
	buf_done(&out);
	buf_done(&plain);
	return 0;
}
