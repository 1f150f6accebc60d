#include "config.h"
#include "cli/value.h"

#include <errno.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Texts inside a list of a list and so on: nothing of ours is so deep. */
#define DEPTH_MAX 8

#define HIDDEN "********"

static bool is_control(const unsigned char *p)
{
	if (*p == 0xc2)
		return p[1] >= 0x80 && p[1] <= 0x9f;
	return (*p < 0x20 && *p != '\t' && *p != '\n') || *p == 0x7f;
}

int value_add_text(struct buf *out, const char *text)
{
	const char *run = text;
	int rc = 0;

	for (const char *p = text; rc == 0 && *p; p++) {
		if (!is_control((const unsigned char *)p))
			continue;
		rc = buf_add(out, run, (size_t)(p - run));
		if (rc == 0)
			rc = buf_add(out, "?", 1);
		if (*(const unsigned char *)p == 0xc2)
			p++;
		run = p + 1;
	}
	return rc == 0 ? buf_str(out, run) : rc;
}

static int add_number(struct buf *out, const json *value)
{
	return json_print(value, out);
}

/* A text in quotes, by the rules of Python's repr(). */
static int add_quoted(struct buf *out, const char *text)
{
	const char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
	int rc = buf_add(out, &quote, 1);

	for (const char *p = text; rc == 0 && *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\n' || c == '\t' || c == '\r')
			rc = buf_printf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
		else if (c < 0x20 || c == 0x7f)
			rc = buf_printf(out, "\\x%02x", c);
		else if (c == 0xc2 && is_control((const unsigned char *)p))
			rc = buf_printf(out, "\\x%02x", (unsigned char)*++p);
		else if (c == '\\' || *p == quote)
			rc = buf_printf(out, "\\%c", c);
		else
			rc = buf_add(out, p, 1);
	}
	return rc == 0 ? buf_add(out, &quote, 1) : rc;
}

/* What Python's str() makes of a value that is no list and no object. */
static int add_plain(struct buf *out, const json *value)
{
	if (cJSON_IsString(value))
		return value_add_text(out, value->valuestring);
	if (cJSON_IsNumber(value))
		return add_number(out, value);
	if (cJSON_IsBool(value))
		return buf_str(out, cJSON_IsTrue(value) ? "True" : "False");
	return buf_str(out, "None");
}

static int add_repr(struct buf *out, const json *value, int depth)
{
	bool object = json_is_object(value);
	const json *child;
	int rc;

	if (cJSON_IsString(value))
		return add_quoted(out, value->valuestring);
	if (!object && !json_is_array(value))
		return add_plain(out, value);
	if (depth == DEPTH_MAX)
		return buf_str(out, "...");
	rc = buf_str(out, object ? "{" : "[");
	json_foreach(child, value)
	{
		if (rc == 0 && child != json_first(value))
			rc = buf_str(out, ", ");
		if (rc == 0 && object)
			rc = add_quoted(out, json_name(child));
		if (rc == 0 && object)
			rc = buf_str(out, ": ");
		if (rc == 0)
			rc = add_repr(out, child, depth + 1);
	}
	return rc == 0 ? buf_str(out, object ? "}" : "]") : rc;
}

int value_add_words(struct buf *out, char *const *words, int count)
{
	int rc = buf_str(out, "[");

	for (int i = 0; rc == 0 && i < count; i++) {
		if (i)
			rc = buf_str(out, ", ");
		if (rc == 0)
			rc = add_quoted(out, words[i]);
	}
	return rc == 0 ? buf_str(out, "]") : rc;
}

/* A list with commas, an object as key=value with commas, or what str() makes of it. */
static int add_joined(struct buf *out, const json *value)
{
	bool object = json_is_object(value);
	const json *child;
	int rc = 0;

	if (!object && !json_is_array(value))
		return add_plain(out, value);
	json_foreach(child, value)
	{
		if (rc == 0 && child != json_first(value))
			rc = buf_str(out, ",");
		if (rc == 0 && object)
			rc = value_add_text(out, json_name(child));
		if (rc == 0 && object)
			rc = buf_str(out, "=");
		if (rc == 0)
			rc = child->child ? add_repr(out, child, 0) : add_plain(out, child);
	}
	return rc;
}

static int add_heading(struct buf *out, const char *object, const char *attribute)
{
	int rc = value_add_text(out, object);

	if (rc == 0)
		rc = buf_add(out, ": ", 2);
	if (rc == 0)
		rc = value_add_text(out, attribute);
	return rc == 0 ? buf_add(out, ":", 1) : rc;
}

/* " text" behind a heading. */
static int add_behind(struct buf *out, const json *value)
{
	int rc = buf_add(out, " ", 1);

	return rc == 0 ? add_joined(out, value) : rc;
}

static int add_broken(struct buf *out, const json *broken)
{
	int rc = buf_str(out, " *ERROR* BROKEN EXPRESSION:");

	return rc == 0 ? add_behind(out, broken) : rc;
}

/* The value in the order in which upstream looks: value, isset, broken, anything else. */
static int add_value(struct buf *out, const json *value, const json *broken)
{
	const json *plain = json_get(value, "value");
	const json *isset = json_get(value, "isset");

	if (plain)
		return cJSON_IsNull(plain) ? 0 : add_behind(out, plain);
	if (isset)
		return cJSON_IsTrue(isset) ? buf_str(out, " " HIDDEN) : 0;
	if (broken)
		return add_broken(out, broken);
	return add_behind(out, value);
}

/* Blanks at the end of what was added since the buf was `from` long. */
static void strip(struct buf *out, size_t from)
{
	while (out->len > from && strchr(" \t\n", out->data[out->len - 1]))
		out->data[--out->len] = '\0';
}

static int add_blame(struct buf *out, const json *value)
{
	const char *group = json_text(json_get(value, "inheritedfrom"));
	const char *expression = json_text(json_get(value, "expression"));
	int rc;

	if (!group && !expression)
		return 0;
	rc = buf_str(out, " (");
	if (rc == 0 && group)
		rc = buf_str(out, "inherited from group ");
	if (rc == 0 && group)
		rc = value_add_text(out, group);
	if (rc == 0 && group && expression)
		rc = buf_str(out, ", ");
	if (rc == 0 && expression)
		rc = buf_str(out, "derived from expression \"");
	if (rc == 0 && expression)
		rc = value_add_text(out, expression);
	if (rc == 0 && expression)
		rc = buf_str(out, "\"");
	return rc == 0 ? buf_str(out, ")") : rc;
}

int value_add_node_line(
	struct buf *out, const char *node, const char *attribute, const json *value, bool blame)
{
	const json *broken = json_get(value, "broken");
	size_t start = out->len;
	int rc = add_heading(out, node, attribute);

	if (rc == 0)
		rc = add_value(out, value, broken);
	if (rc == 0)
		strip(out, start);
	if (rc == 0 && (blame || broken))
		rc = add_blame(out, value);
	return rc == 0 ? buf_add(out, "\n", 1) : rc;
}

int value_add_group_line(
	struct buf *out, const char *group, const char *attribute, const json *value)
{
	const json *broken = json_get(value, "broken");
	const char *expression = json_text(json_get(value, "expression"));
	int rc = add_heading(out, group, attribute);

	if (rc == 0 && expression && !broken && !json_get(value, "value") &&
		!json_get(value, "isset")) {
		rc = buf_str(out, "  (will derive from expression ");
		if (rc == 0)
			rc = value_add_text(out, expression);
		if (rc == 0)
			rc = buf_str(out, ")");
	} else if (rc == 0) {
		rc = add_value(out, value, broken);
	}
	return rc == 0 ? buf_add(out, "\n", 1) : rc;
}

int value_add_changed(struct buf *out, const json *value)
{
	const json *plain = json_get(value, "value");
	const json *isset = json_get(value, "isset");

	if (plain)
		return cJSON_IsString(plain) ? value_add_text(out, plain->valuestring)
					     : add_repr(out, plain, 0);
	if (isset)
		return buf_str(out, cJSON_IsTrue(isset) ? HIDDEN : "");
	return add_repr(out, value, 0);
}
