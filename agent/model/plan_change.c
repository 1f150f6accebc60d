/*
 * What a request wants an attribute to be: checked, and brought into the form that etcd holds.
 *
 * What is typed is kept as typed. A value that must be taken literally has its braces doubled, so that
 * it reads back as it was. Secrets and hashes are held in clear until the plan is freed, and wiped
 * then; braces mean nothing in them.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/expression.h"
#include "model/plan_private.h"

static void value_free(struct plan_value *value)
{
	if (!value)
		return;
	if (value->raw)
		mem_wipe(value->raw, value->len);
	free(value->raw);
	if (value->plain)
		mem_wipe(value->plain, value->plain_len);
	free(value->plain);
	free(value->name);
	free(value);
}

static void value_freep(struct plan_value **value)
{
	value_free(*value);
}

void plan_request_done(struct plan_request *request)
{
	for (size_t i = 0; i < request->n; i++)
		value_free(request->values[i]);
	free(request->values);
	free(request->name);
	secret_free(request->value);
	plan_names_done(&request->list);
	if (request->nodes)
		bitset_done(request->nodes);
	free(request->nodes);
}

static void set_raw(struct plan_value *value, const char *text, size_t len)
{
	value->raw = xstrndup(text, len);
	value->len = len;
}

static void set_plain(struct plan_value *value, const char *text, size_t len)
{
	value->plain = xstrndup(text, len);
	value->plain_len = len;
}

static int refuse_expression(const struct plan_value *value, struct err *err)
{
	return err_set(err, -EINVAL, "Attribute %s does not accept an expression%s", value->name,
		attribute_hidden(value->attribute) ? ""
						   : " (braces that stand for themselves are "
						     "doubled: {{ and }})");
}

static int literal_text(struct plan_value *value, const char *text, struct err *err)
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * ATTRIBUTE_VALUE_MAX);
	int rc = attribute_check_value(value->attribute, value->name, text, err);

	if (rc < 0)
		return rc;
	rc = expression_escape(text, strlen(text), &raw);
	if (rc == 0 && raw.len > ATTRIBUTE_VALUE_MAX)
		rc = -EMSGSIZE;
	if (rc < 0)
		return err_set(err, -EINVAL,
			"Attribute %s: the value is too long (at most %zu bytes, braces count "
			"twice)",
			value->name, ATTRIBUTE_VALUE_MAX);
	set_raw(value, buf_cstr(&raw), raw.len);
	set_plain(value, text, strlen(text));
	return 0;
}

/* Typed, or said to be an expression. */
static int typed_text(struct plan_value *value, const char *text, bool must, struct err *err)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	size_t len = strlen(text);
	enum expression_kind kind;
	int rc = attribute_check_text(text, len, err);

	if (rc < 0)
		return err_wrap(err, rc, "Attribute %s", value->name);
	kind = expression_classify(text, len, err);
	if (kind == EXPRESSION_INVALID)
		return -EINVAL;
	/* what an expression comes to can't be held to a list of values */
	if ((kind == EXPRESSION_FIELDS || must) &&
		(!value->attribute->expression || value->attribute->values != ATTRIBUTE_ANY))
		return refuse_expression(value, err);
	if (kind == EXPRESSION_PLAIN) {
		rc = expression_unescape(text, len, &plain);
		if (rc < 0)
			return err_errno(err, rc, "Attribute %s", value->name);
		rc = attribute_check_value(value->attribute, value->name, buf_cstr(&plain), err);
		if (rc < 0)
			return rc;
		set_plain(value, buf_cstr(&plain), plain.len);
	}
	set_raw(value, text, len);
	return 0;
}

static bool only(const char *text, const char *accepted)
{
	return text[strspn(text, accepted)] == '\0';
}

/* "$6$salt$86 characters", as crypt(5) has it, or GRUB's form of PBKDF2. */
static bool looks_like_hash(const char *text)
{
	static const char alphabet[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$=";
	const char *rest = text_after(text, "grub.pbkdf2.sha512.");

	if (rest)
		return strlen(rest) > 32 && only(rest, "0123456789ABCDEFabcdef.");
	return text_starts(text, "$6$") && strlen(text) > 3 + 86 && strlen(text) <= 256 &&
	       only(text, alphabet);
}

static int hash_value(
	struct plan_value *value, enum plan_how how, const char *text, struct err *err)
{
	int rc = attribute_check_value(value->attribute, value->name, text, err);

	if (rc < 0)
		return rc;
	if (how == PLAN_HASHED && !looks_like_hash(text))
		return err_set(err, -EINVAL,
			"Attribute %s: the value is no hash ($6$... of SHA-512 crypt or "
			"grub.pbkdf2.sha512....)",
			value->name);
	set_raw(value, text, strlen(text));
	/* empty: set, but to nothing; there is nothing to hash */
	value->coat = how == PLAN_HASHED || !*text ? PLAN_CLEAR_TEXT : PLAN_HASH;
	return 0;
}

static int secret_value(struct plan_value *value, const char *text, struct err *err)
{
	int rc = attribute_check_value(value->attribute, value->name, text, err);

	if (rc < 0)
		return rc;
	set_raw(value, text, strlen(text));
	value->coat = PLAN_SEAL;
	return 0;
}

static int fill_value(
	struct plan_value *value, enum plan_how how, const char *text, struct err *err)
{
	const struct attribute *attribute = value->attribute;
	bool hidden = attribute_hidden(attribute);

	if (how == PLAN_HASHED && attribute->kind != ATTRIBUTE_HASH)
		return err_set(err, -EINVAL, "Attribute %s does not accept a hash", value->name);
	if (how == PLAN_PREPEND || how == PLAN_REMOVE || how == PLAN_LIST)
		return err_set(err, -EINVAL,
			"Attribute %s is not a list (only groups and nodes are)", value->name);
	if (how == PLAN_EXPRESSION && (hidden || attribute->kind == ATTRIBUTE_BOOLEAN))
		return refuse_expression(value, err);
	if (attribute->kind == ATTRIBUTE_SECRET)
		return secret_value(value, text, err);
	if (attribute->kind == ATTRIBUTE_HASH)
		return hash_value(value, how, text, err);
	if (attribute->kind == ATTRIBUTE_BOOLEAN) {
		const char *word = attribute_truth(text) ? "true" : "false";

		if (how == PLAN_TYPED &&
			expression_classify(text, strlen(text), err) != EXPRESSION_PLAIN)
			return refuse_expression(value, err);
		set_raw(value, word, strlen(word));
		set_plain(value, word, strlen(word));
		return 0;
	}
	if (attribute->kind == ATTRIBUTE_NODERANGE) {
		if (text_starts(text, "#"))
			return err_set(err, -EINVAL, "no noderange begins with '#'");
		set_raw(value, text, strlen(text));
		return attribute_check_value(attribute, value->name, text, err);
	}
	if (how == PLAN_VALUE)
		return literal_text(value, text, err);
	return typed_text(value, text, how == PLAN_EXPRESSION, err);
}

/* Where it is or belongs. */
static size_t place(const struct plan_request *request, const char *name, bool *ret_there)
{
	size_t low = 0, high = request->n;

	*ret_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, request->values[middle]->name);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

int plan_request_value(struct plan_request *request, const char *name,
	const struct plan_value **ret, struct err *err)
{
	CLEANUP(value_freep) struct plan_value *value = NULL;
	bool there;
	size_t at = place(request, name, &there);
	int rc;

	if (there) {
		*ret = request->values[at];
		return 0;
	}
	value = xcalloc(1, sizeof(*value));
	value->name = xstrdup(name);
	value->attribute = request->attribute ? request->attribute : attribute_find(name);
	value->clear = request->how == PLAN_CLEAR;
	if (!value->clear) {
		if (!value->attribute)
			return err_set(err, -EINVAL, "%s attribute is invalid", name);
		rc = fill_value(value, request->how, request->value, err);
		if (rc < 0)
			return rc;
	}
	if (request->n == request->cap) {
		request->cap = request->cap ? 2 * request->cap : 1;
		request->values =
			xrealloc(request->values, request->cap, sizeof(struct plan_value *));
	}
	memmove(request->values + at + 1, request->values + at,
		(request->n - at) * sizeof(struct plan_value *));
	request->n++;
	*ret = value;
	request->values[at] = TAKE(value);
	return 0;
}

bool plan_value_same(const struct plan_value *value, const struct db_value *own)
{
	if (own->kind == DB_PLAIN)
		return value->plain && value->plain_len == own->len &&
		       memcmp(value->plain, own->text, own->len) == 0;
	if (own->kind == DB_UNSET || value->plain || value->coat != PLAN_CLEAR_TEXT)
		return false;
	return value->len == own->len && memcmp(value->raw, own->text, own->len) == 0;
}

static int unknown_name(const char *name, bool clear, const char *node, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];

	text_printable(name, strlen(name), shown);
	if (!node)
		return err_set(err, -EINVAL, "%s attribute is invalid", shown);
	if (clear)
		return err_set(err, -EINVAL,
			"No attribute matches '%s' (try wildcard if trying to clear a group)",
			shown);
	return err_set(err, -EINVAL, "%s attribute on node %s is invalid", shown, node);
}

static bool is_pattern(const char *name)
{
	static const char accepted[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz-_.*";

	return strchr(name, '*') && strlen(name) <= ATTRIBUTE_NAME_MAX && only(name, accepted);
}

static int list_of_groups(struct plan_request *request, struct err *err)
{
	const char *twice;

	if (request->how == PLAN_EXPRESSION || request->how == PLAN_HASHED)
		return err_set(err, -EINVAL, "Attribute groups does not accept an expression");
	plan_names_split(&request->list, request->value);
	if (request->list.n > PLAN_LIST_MAX)
		return err_set(err, -EINVAL, "%zu groups in one list, at most %d are accepted",
			request->list.n, PLAN_LIST_MAX);
	twice = plan_names_twice(&request->list);
	if (twice)
		return err_set(err, -EINVAL, "Group %s has been specified multiple times", twice);
	return 0;
}

int plan_request_init(struct plan_request *ret, const struct plan_change *change, bool clearing_any,
	const char *first, bool patterns, struct err *err)
{
	const char *name = attribute_unalias(change->name);
	bool clear = change->how == PLAN_CLEAR;
	const struct plan_value *value;

	ret->how = change->how;
	ret->name = xstrdup(name);
	ret->value = xstrdup(change->value ? change->value : "");
	if (patterns && is_pattern(name))
		return 0;
	ret->attribute = attribute_find(name);
	if (clear && clearing_any && (!ret->attribute || !ret->attribute->on_group)) {
		ret->attribute = NULL;
		return 0;
	}
	if (!attribute_name_valid(name)) {
		char shown[TEXT_PRINTABLE_MAX];

		return first && patterns
			       ? err_set(err, -EINVAL, "Syntax error in attribute name: \"%s\"%s",
					 text_printable(name, strlen(name), shown),
					 strlen(name) > ATTRIBUTE_NAME_MAX ? " (it is too long)"
									   : "")
			       : unknown_name(name, clear, first, err);
	}
	if (!ret->attribute || !(first ? ret->attribute->on_node : ret->attribute->on_group))
		return unknown_name(name, clear, first, err);
	if (text_eq(name, "deployment.lock"))
		return err_set(err, -EINVAL,
			"Deployment lock must be manipulated by {node}/deployment/lock api");
	if (ret->attribute->kind == ATTRIBUTE_INTEGER)
		return err_set(
			err, -EINVAL, "%s is given to a node when it is made, and stays", name);
	if (ret->attribute->kind == ATTRIBUTE_LIST)
		return first ? list_of_groups(ret, err) : 0;
	return plan_request_value(ret, name, &value, err);
}

bool plan_request_is(const struct plan_request *request, const char *name)
{
	return text_eq(request->name, name);
}
