/*
 * What expressions come to on a node. A reference is worked out afresh, with the same scope, one level
 * deeper; the attributes that are being worked out stand on a stack, so that one that leads
 * back to itself is found, and everything that depends on it is broken with a text that names the circle.
 * All that one question causes shares one budget. A reference to what is hidden, a list (as upstream
 * has it) or broken for another reason is empty.
 */
#include "config.h"
#include "model/db_private.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/expression.h"

/* Expressions that refer to expressions. */
#define LEVELS_MAX 32

struct evaluation {
	const struct db *db;
	const struct db_node *node;
	const struct db_name *stack[LEVELS_MAX];
	size_t level;
	size_t budget;
	int trouble; /* not of one attribute: breaks everything that led here */
};

static int evaluate(
	struct evaluation *e, const char *text, size_t len, struct buf *out, struct err *err);

/* "a -> b -> a", from where it closes. */
static int tell_circle(
	struct evaluation *e, size_t from, const struct db_name *name, struct err *err)
{
	CLEANUP(buf_done) struct buf circle = BUF_INIT(ERR_TEXT_MAX / 2);

	for (size_t i = from; i < e->level; i++) {
		if (buf_printf(&circle, "%s -> ", e->stack[i]->text) < 0)
			break;
	}
	e->trouble = err_set(err, -ELOOP, "attributes refer to each other in a circle: %s%s",
		buf_cstr(&circle), name->text);
	return e->trouble;
}

static int refer_to_expression(struct evaluation *e, const struct db_name *name,
	const struct db_value *value, struct buf *out, struct err *err)
{
	size_t before = out->len;
	int rc;

	for (size_t i = 0; i < e->level; i++) {
		if (e->stack[i] == name)
			return tell_circle(e, i, name, err);
	}
	if (e->level == LEVELS_MAX) {
		e->trouble = err_set(err, -ELOOP,
			"attributes refer to each other more than %d levels deep", LEVELS_MAX);
		return e->trouble;
	}
	e->stack[e->level++] = name;
	rc = evaluate(e, value->text, value->len, out, err);
	e->level--;
	if (e->trouble < 0)
		return e->trouble;
	if (rc < 0 && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return 0;
}

static int on_attribute(const char *written, struct buf *out, struct err *err, void *arg)
{
	struct evaluation *e = arg;
	const char *full = attribute_unalias(written);
	const struct attribute *row = attribute_find(full);
	const struct db_name *name;
	struct db_value value;
	char shown[TEXT_PRINTABLE_MAX];

	if (!row || !row->on_node)
		return err_set(err, -ENOENT, "%s is not a valid attribute name",
			text_printable(written, strlen(written), shown));
	name = row->kind == ATTRIBUTE_LIST ? NULL : db_name_find(e->db, full);
	if (!name || !db_value_of(e->db, e->node, name, &value))
		return 0;
	if (value.kind == DB_PLAIN)
		return buf_add(out, value.text, value.len);
	if (value.kind == DB_EXPRESSION)
		return refer_to_expression(e, name, &value, out, err);
	return 0;
}

static int evaluate(
	struct evaluation *e, const char *text, size_t len, struct buf *out, struct err *err)
{
	const struct expression_scope scope = {.node = e->node->object.name,
		.attribute = on_attribute,
		.arg = e,
		.budget = &e->budget};

	return expression_evaluate(text, len, &scope, out, err);
}

int db_evaluate_counted(const struct db *db, uint32_t node, const char *expression, struct buf *out,
	size_t *ret_work, struct err *err)
{
	struct evaluation e = {
		.db = db, .node = db_node_at(db, node), .budget = DB_EVALUATION_WORK};
	int rc;

	buf_reset(out);
	rc = evaluate(&e, expression, strlen(expression), out, err);
	*ret_work = DB_EVALUATION_WORK - e.budget;
	if (rc == 0)
		return 0;
	buf_reset(out);
	if (rc != -EINVAL && e.trouble == 0)
		return err_set(err, -EINVAL, "the result is too long");
	return -EINVAL;
}

int db_node_evaluate(const struct db *db, uint32_t node, const char *expression, struct buf *out,
	struct err *err)
{
	size_t work;

	return db_evaluate_counted(db, node, expression, out, &work, err);
}

int db_node_text(const struct db *db, uint32_t node, const struct db_value *value, struct buf *out,
	struct err *err)
{
	int rc;

	buf_reset(out);
	switch (value->kind) {
	case DB_UNSET:
		return err_set(err, -ENOENT, "it is not set");
	case DB_HIDDEN:
		return err_set(err, -EACCES, "its value is not shown");
	case DB_BROKEN:
		if (expression_classify(value->text, value->len, err) != EXPRESSION_INVALID)
			err_set(err, -EINVAL, "it is no valid expression");
		return -EINVAL;
	case DB_EXPRESSION:
		return db_node_evaluate(db, node, value->text, out, err);
	case DB_PLAIN:
		break;
	}
	rc = buf_add(out, value->text, value->len);
	return rc < 0 ? err_set(err, -EINVAL, "the value is too long") : 0;
}
