/*
 * The parameters of a change, as JSON sends them, become a plan's changes.
 *
 *     "text"               typed                {"value":"text"}        literally
 *     null                 clear                {"expression":"text"}   an expression
 *     ["a","b"]            replace a list       {"prepend":"a,b"}, {"remove":"a,b"}
 *                                               {"hashvalue":"$6$…"}    a hash made elsewhere
 *
 * Anything else is refused with the name of the parameter; a sealed value from elsewhere, too.
 */
#include "config.h"
#include "api/visit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/attribute.h"

#define CHANGES_MAX 1024

void visit_changes_done(struct visit_changes *changes)
{
	for (size_t i = 0; i < changes->n_pool; i++)
		secret_free(changes->pool[i]);
	free(changes->pool);
	free(changes->at);
	*changes = (struct visit_changes){0};
}

static int parse_list(
	const json *list, struct visit_changes *ret, struct plan_change *change, struct err *err)
{
	struct buf text = BUF_INIT((size_t)4 << 20);
	const json *it;
	int rc = 0;

	json_foreach(it, list)
	{
		const char *entry = json_text(it);

		if (!entry || !*entry || strchr(entry, ','))
			rc = -EINVAL;
		if (rc == 0)
			rc = buf_printf(&text, "%s%s", text.len ? "," : "", entry);
		if (rc < 0) {
			buf_done(&text);
			return err_set(err, -EINVAL, "Bad Request - %s must be a list of names",
				change->name);
		}
	}
	change->how = PLAN_LIST;
	change->value = ret->pool[ret->n_pool++] = xstrdup(buf_cstr(&text));
	buf_done(&text);
	return 0;
}

static int parse_object(const json *object, struct plan_change *change, struct err *err)
{
	static const struct {
		const char *name;
		enum plan_how how;
	} forms[] = {
		{"value", PLAN_VALUE},
		{"expression", PLAN_EXPRESSION},
		{"prepend", PLAN_PREPEND},
		{"remove", PLAN_REMOVE},
		{"hashvalue", PLAN_HASHED},
	};
	const json *member = json_first(object);

	if (json_count(object) != 1)
		return err_set(err, -EINVAL,
			"Bad Request - %s: expected an object with one member, such as "
			"{\"value\":\"text\"}",
			change->name);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!text_eq(json_name(member), forms[i].name))
			continue;
		if (!json_text(member))
			break;
		change->how = forms[i].how;
		change->value = json_text(member);
		return 0;
	}
	if (text_eq(json_name(member), "cryptvalue"))
		return err_set(err, -EINVAL,
			"Bad Request - %s: a value that was encrypted elsewhere can't be used here",
			change->name);
	return err_set(err, -EINVAL,
		"Bad Request - %s: expected a text as value, expression, prepend, remove or "
		"hashvalue",
		change->name);
}

static int parse_one(
	const json *member, struct visit_changes *ret, struct plan_change *change, struct err *err)
{
	if (json_text(member)) {
		change->how = PLAN_TYPED;
		change->value = json_text(member);
		return 0;
	}
	if (json_is_object(member))
		return parse_object(member, change, err);
	if (json_is_array(member))
		return parse_list(member, ret, change, err);
	if (text_eq(json_type_name(member), "null")) {
		change->how = PLAN_CLEAR;
		change->value = "";
		return 0;
	}
	return err_set(err, -EINVAL, "Bad Request - %s: expected a text, found %s", change->name,
		json_type_name(member));
}

int visit_changes_parse(const json *parameters, struct visit_changes *ret, struct err *err)
{
	size_t n = json_count(parameters);
	const json *it;
	int rc;

	*ret = (struct visit_changes){0};
	if (n > CHANGES_MAX)
		return err_set(err, -EINVAL,
			"Bad Request - %zu attributes in one request, at most %d are possible", n,
			CHANGES_MAX);
	ret->at = xcalloc(n + 1, sizeof(*ret->at));
	ret->pool = xcalloc(n + 1, sizeof(*ret->pool));
	json_foreach(it, parameters)
	{
		struct plan_change *change = &ret->at[ret->n];

		if (text_eq(json_name(it), "name"))
			continue;
		change->name = json_name(it);
		rc = parse_one(it, ret, change, err);
		if (rc < 0) {
			visit_changes_done(ret);
			return rc;
		}
		ret->n++;
	}
	return 0;
}
