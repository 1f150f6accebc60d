/*
 * JSON texts: parsing and printing.
 *
 * A text is scanned once before cJSON sees it, because cJSON is generous: it takes control
 * characters, broken UTF-8, numbers such as 01 and \u0000 (at which its C strings then end). The
 * scan checks the characters, the numbers and the depth; the grammar is left to cJSON. Printing is
 * our own, straight into the caller's buf: cJSON's would build a second copy without a ceiling, which
 * is neither bounded nor wiped.
 */
#include "config.h"
#include "wire/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/text.h"

/* Integers up to here are exact in a double (2^53). */
#define EXACT_MAX 9007199254740992.0

struct scan {
	const unsigned char *at, *begin, *end;
	int depth;
	struct err *err;
};

static int fail(const struct scan *s, const char *why)
{
	return err_set(
		s->err, -EINVAL, "not valid JSON at byte %zu: %s", (size_t)(s->at - s->begin), why);
}

/* From behind the opening quote to behind the closing one. */
static int scan_string(struct scan *s)
{
	while (s->at < s->end) {
		unsigned char c = *s->at;
		size_t len;

		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c < 0x20)
			return fail(s, "control character in a text");
		if (c == '\\') {
			if (s->end - s->at < 2)
				break;
			if (s->end - s->at >= 6 && memcmp(s->at, "\\u0000", 6) == 0)
				return fail(s, "NUL in a text");
			s->at += 2;
		} else if (c < 0x80) {
			s->at++;
		} else {
			len = text_char_len((const char *)s->at, (size_t)(s->end - s->at));
			if (!len)
				return fail(s, "not UTF-8");
			s->at += len;
		}
	}
	return fail(s, "text without end");
}

static size_t digits(struct scan *s)
{
	const unsigned char *from = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - from);
}

static int scan_number(struct scan *s)
{
	bool zero;
	size_t n;

	if (*s->at == '-')
		s->at++;
	zero = s->at < s->end && *s->at == '0';
	n = digits(s);
	if (!n || (zero && n > 1))
		return fail(s, "malformed number");
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!digits(s))
			return fail(s, "malformed number");
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!digits(s))
			return fail(s, "malformed number");
	}
	return 0;
}

static int scan_next(struct scan *s)
{
	unsigned char c = *s->at;

	switch (c) {
	case '"':
		s->at++;
		return scan_string(s);
	case '[':
	case '{':
		if (++s->depth > JSON_DEPTH_MAX)
			return fail(s, "nested too deeply");
		break;
	case ']':
	case '}':
		s->depth--;
		break;
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		break;
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return scan_number(s);
		if (c <= 0x20 || c >= 0x7f)
			return fail(s, "unexpected character");
		break;
	}
	s->at++;
	return 0;
}

int json_parse(const char *text, size_t len, json **ret, struct err *err)
{
	struct scan s = {.err = err};
	const char *stop = NULL;
	json *value;
	int rc;

	if (!len)
		return err_set(err, -EINVAL, "not valid JSON: nothing there");
	s.begin = s.at = (const unsigned char *)text;
	s.end = s.begin + len;
	while (s.at < s.end) {
		rc = scan_next(&s);
		if (rc < 0)
			return rc;
	}
	value = cJSON_ParseWithLengthOpts(text, len, &stop, 0);
	s.at = stop ? (const unsigned char *)stop : s.begin;
	if (!value)
		return fail(&s, "unexpected text");
	while (s.at < s.end && strchr(" \t\n\r", *s.at))
		s.at++;
	if (s.at < s.end) {
		json_wipe(value);
		return fail(&s, "something follows the value");
	}
	*ret = value;
	return 0;
}

static int print_text(const char *text, struct buf *b)
{
	const char *run = text;
	int rc = buf_add(b, "\"", 1);

	for (const char *p = text; rc == 0; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		rc = buf_add(b, run, (size_t)(p - run));
		run = p + 1;
		if (!c)
			break;
		if (rc == 0 && (c == '"' || c == '\\'))
			rc = buf_printf(b, "\\%c", c);
		else if (rc == 0 && c == '\n')
			rc = buf_str(b, "\\n");
		else if (rc == 0)
			rc = buf_printf(b, "\\u%04x", c);
	}
	return rc == 0 ? buf_add(b, "\"", 1) : rc;
}

static int print_number(double d, struct buf *b)
{
	char text[40];
	double same;

	if (!isfinite(d))
		return buf_str(b, "null");
	if (d >= -EXACT_MAX && d <= EXACT_MAX && (double)(int64_t)d >= d && (double)(int64_t)d <= d)
		snprintf(text, sizeof(text), "%" PRId64, (int64_t)d);
	else
		snprintf(text, sizeof(text), "%.15g", d);
	/* what is short is nicer, where it is the same number */
	same = strtod(text, NULL);
	if (same < d || same > d)
		snprintf(text, sizeof(text), "%.17g", d);
	return buf_str(b, text);
}

static int print(const json *value, struct buf *b);

static int print_children(const json *value, bool names, struct buf *b)
{
	int rc = buf_add(b, names ? "{" : "[", 1);

	for (const json *child = value->child; rc == 0 && child; child = child->next) {
		if (child != value->child)
			rc = buf_add(b, ",", 1);
		if (rc == 0 && names)
			rc = print_text(child->string ? child->string : "", b);
		if (rc == 0 && names)
			rc = buf_add(b, ":", 1);
		if (rc == 0)
			rc = print(child, b);
	}
	return rc == 0 ? buf_add(b, names ? "}" : "]", 1) : rc;
}

static int print(const json *value, struct buf *b)
{
	if (cJSON_IsObject(value) || cJSON_IsArray(value))
		return print_children(value, cJSON_IsObject(value), b);
	if (cJSON_IsString(value))
		return print_text(value->valuestring, b);
	if (cJSON_IsNumber(value))
		return print_number(value->valuedouble, b);
	if (cJSON_IsBool(value))
		return buf_str(b, cJSON_IsTrue(value) ? "true" : "false");
	return buf_str(b, "null");
}

int json_print(const json *value, struct buf *b)
{
	size_t before = b->len;
	int rc = print(value, b);

	if (rc < 0 && b->data) {
		b->len = before;
		b->data[before] = '\0';
	}
	return rc;
}
