/*
 * The rows of conf/options.def as an array, and what is done alike for all options of a kind. A
 * value is found through its offset in struct conf; the kind says its type. Setting checks the
 * value first, so a conf never holds one that is wrong.
 */
#include "config.h"
#include "conf/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/num.h"
#include "base/text.h"
#include "conf/value.h"

/* 16 URLs, or a path of which every byte is escaped, and room to spare. */
#define OPTION_SPELT_MAX 8192

#define OPTION(id, sect, nam, knd, ...)                                                            \
	[CONF_##id] = {.section = #sect,                                                           \
		.name = #nam,                                                                      \
		.kind = knd,                                                                       \
		.offset = offsetof(struct conf, sect.nam),                                         \
		__VA_ARGS__},
const struct conf_option conf_options[CONF_OPTIONS] = {
#include "conf/options.def"
};
#undef OPTION

static void *value_of(struct conf *conf, const struct conf_option *o)
{
	return (char *)conf + o->offset;
}

static const void *const_value_of(const struct conf *conf, const struct conf_option *o)
{
	return (const char *)conf + o->offset;
}

static bool is_text(const struct conf_option *o)
{
	return o->kind == OPTION_TEXT || o->kind == OPTION_CHOICE;
}

enum conf_id option_id(const struct conf_option *o)
{
	return (enum conf_id)(o - conf_options);
}

const struct conf_option *option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];

		if ((!section || text_eq(o->section, section)) && text_eq(o->name, name))
			return o;
	}
	return NULL;
}

bool option_section_exists(const char *name)
{
	for (size_t i = 0; i < CONF_OPTIONS; i++)
		if (text_eq(conf_options[i].section, name))
			return true;
	return false;
}

/* How many letters to insert, remove, replace or swap with their neighbour. Of texts of at most
 * NAME_BYTES bytes; more than any limit for longer ones. */
#define NAME_BYTES 31

static size_t distance(const char *a, const char *b)
{
	size_t d[NAME_BYTES + 1][NAME_BYTES + 1];
	size_t la = strlen(a);
	size_t lb = strlen(b);

	if (la > NAME_BYTES || lb > NAME_BYTES)
		return SIZE_MAX;
	for (size_t i = 0; i <= la; i++) {
		for (size_t j = 0; j <= lb; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = MIN(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = MIN(d[i][j], d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[la][lb];
}

/* Small for names that one may have meant for the other: a slip or two, or one starts the other. */
static size_t strangeness(const char *typed, const char *name)
{
	size_t d = distance(typed, name);

	if (strlen(typed) >= 3 && (text_starts(name, typed) || text_starts(typed, name)))
		return 1;
	return d <= strlen(name) / 3 ? d : SIZE_MAX;
}

const struct conf_option *option_nearest(const char *section, const char *name)
{
	const struct conf_option *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		size_t d = text_eq(o->section, section) ? strangeness(name, o->name) : SIZE_MAX;

		if (d < least) {
			least = d;
			best = o;
		}
	}
	return best;
}

const char *option_nearest_section(const char *name)
{
	const char *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		size_t d = strangeness(name, conf_options[i].section);

		if (d < least) {
			least = d;
			best = conf_options[i].section;
		}
	}
	return best;
}

const char *option_text(const struct conf *conf, const struct conf_option *o)
{
	return is_text(o) ? *(char *const *)const_value_of(conf, o) : NULL;
}

/* Whether value is one of the words. */
static bool is_choice(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (const char *p = words; len && *p;) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, value, n) == 0)
			return true;
		p += n + (p[n] ? 1 : 0);
	}
	return false;
}

static int wrong(const struct conf_option *o, struct err *why, const char *what)
{
	char expected[OPTION_EXPECTED_MAX];

	return err_set(why, -EINVAL, "%s (expected %s)", what,
		o->expected ? o->expected : option_expected(o, expected));
}

static int check_text(const struct conf_option *o, const char *value, struct err *why)
{
	struct err what = {""};

	if (!*value)
		return wrong(o, why, "is empty");
	if (o->kind == OPTION_CHOICE)
		return is_choice(o->choices, value) ? 0 : wrong(o, why, "is not known");
	if (o->kind == OPTION_TEXT && strlen(value) > (size_t)o->max)
		return err_set(why, -EINVAL, "is longer than %" PRId64 " characters", o->max);
	if (o->check && o->check(value, &what) < 0)
		return wrong(o, why, what.text);
	return 0;
}

int option_set_text(
	struct conf *conf, const struct conf_option *o, const char *value, struct err *why)
{
	char **at = value_of(conf, o);
	bool unset = !*value && !o->dflt;
	int rc = unset ? 0 : check_text(o, value, why);

	if (rc < 0)
		return rc;
	free(*at);
	*at = unset ? NULL : xstrdup(value);
	return 0;
}

int option_set_number(
	struct conf *conf, const struct conf_option *o, int64_t value, struct err *why)
{
	if (value < o->min || value > o->max)
		return wrong(o, why, "is out of range");
	if (o->kind == OPTION_SECONDS)
		*(usec_t *)value_of(conf, o) = value * USEC_PER_SEC;
	else
		*(int *)value_of(conf, o) = (int)value;
	return 0;
}

void option_set_bool(struct conf *conf, const struct conf_option *o, bool value)
{
	*(bool *)value_of(conf, o) = value;
}

int option_add_url(
	struct conf *conf, const struct conf_option *o, const char *value, struct err *why)
{
	struct conf_urls *urls = value_of(conf, o);
	int rc = check_text(o, value, why);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < urls->n; i++)
		if (text_eq(urls->url[i], value))
			return err_set(why, -EINVAL, "is there twice (expected each URL once)");
	if (urls->n == (size_t)o->max)
		return err_set(
			why, -EINVAL, "is one too many (expected at most %" PRId64 ")", o->max);
	urls->url[urls->n++] = xstrdup(value);
	return 0;
}

void option_clear(struct conf *conf, const struct conf_option *o)
{
	if (is_text(o)) {
		char **at = value_of(conf, o);

		free(TAKE(*at));
	} else if (o->kind == OPTION_URLS) {
		struct conf_urls *urls = value_of(conf, o);

		while (urls->n)
			free(urls->url[--urls->n]);
	}
}

void option_set_default(struct conf *conf, const struct conf_option *o)
{
	int64_t number = 0;

	option_clear(conf, o);
	if (!o->dflt)
		return;
	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		*(char **)value_of(conf, o) = xstrdup(o->dflt);
		break;
	case OPTION_URLS: {
		struct conf_urls *urls = value_of(conf, o);

		urls->url[urls->n++] = xstrdup(o->dflt);
		break;
	}
	case OPTION_INT:
	case OPTION_SECONDS:
		if (num_i64(o->dflt, &number) < 0 || option_set_number(conf, o, number, NULL) < 0)
			abort(); /* a wrong row */
		break;
	case OPTION_BOOL:
		option_set_bool(conf, o, text_eq(o->dflt, "true"));
		break;
	}
}

void option_copy(struct conf *conf, const struct conf *from, const struct conf_option *o)
{
	const void *value = const_value_of(from, o);

	option_clear(conf, o);
	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		*(char **)value_of(conf, o) = xstrdup_null(option_text(from, o));
		break;
	case OPTION_URLS: {
		struct conf_urls *urls = value_of(conf, o);
		const struct conf_urls *others = value;

		for (size_t i = 0; i < others->n; i++)
			urls->url[urls->n++] = xstrdup(others->url[i]);
		break;
	}
	case OPTION_INT:
		*(int *)value_of(conf, o) = *(const int *)value;
		break;
	case OPTION_SECONDS:
		*(usec_t *)value_of(conf, o) = *(const usec_t *)value;
		break;
	case OPTION_BOOL:
		*(bool *)value_of(conf, o) = *(const bool *)value;
		break;
	}
}

bool option_equal(const struct conf *a, const struct conf *b, const struct conf_option *o)
{
	const void *va = const_value_of(a, o);
	const void *vb = const_value_of(b, o);
	const struct conf_urls *ua = va;
	const struct conf_urls *ub = vb;

	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		return text_eq(option_text(a, o), option_text(b, o));
	case OPTION_URLS:
		for (size_t i = 0; ua->n == ub->n && i < ua->n; i++)
			if (!text_eq(ua->url[i], ub->url[i]))
				return false;
		return ua->n == ub->n;
	case OPTION_INT:
		return *(const int *)va == *(const int *)vb;
	case OPTION_SECONDS:
		return *(const usec_t *)va == *(const usec_t *)vb;
	case OPTION_BOOL:
		return *(const bool *)va == *(const bool *)vb;
	}
	return false;
}

/* In quotes. Values hold no control characters (conf/value.c), so two escapes are enough. */
static int spell_text(const char *text, struct buf *out)
{
	int rc = buf_str(out, "\"");

	for (const char *p = text; rc == 0 && *p; p++) {
		if (*p == '"' || *p == '\\')
			rc = buf_str(out, "\\");
		if (rc == 0)
			rc = buf_add(out, p, 1);
	}
	return rc < 0 ? rc : buf_str(out, "\"");
}

static int spell_urls(const struct conf_urls *urls, struct buf *out)
{
	int rc = buf_str(out, "[");

	for (size_t i = 0; rc == 0 && i < urls->n; i++) {
		rc = i ? buf_str(out, ", ") : 0;
		if (rc == 0)
			rc = spell_text(urls->url[i], out);
	}
	return rc < 0 ? rc : buf_str(out, "]");
}

static int spell(const struct conf *conf, const struct conf_option *o, struct buf *out)
{
	const void *value = const_value_of(conf, o);
	const char *text = option_text(conf, o);

	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		return spell_text(text ? text : "", out);
	case OPTION_URLS:
		return spell_urls(value, out);
	case OPTION_INT:
		return buf_printf(out, "%d", *(const int *)value);
	case OPTION_SECONDS:
		return buf_printf(out, "%" PRId64, *(const usec_t *)value / USEC_PER_SEC);
	case OPTION_BOOL:
		return buf_str(out, *(const bool *)value ? "true" : "false");
	}
	return -EINVAL;
}

char *option_spell(const struct conf *conf, const struct conf_option *o)
{
	struct buf out = BUF_INIT(OPTION_SPELT_MAX);

	if (spell(conf, o, &out) < 0)
		abort(); /* the ceilings of values don't allow it */
	return buf_take(&out);
}

char *option_describe(const struct conf *conf, const struct conf_option *o)
{
	if (o->bundle && !conf_given(conf, option_id(o)))
		return xstrdup("not in the file");
	if (is_text(o) && !option_text(conf, o))
		return xstrdup("unset");
	return option_spell(conf, o);
}

const char *option_expected(const struct conf_option *o, char dst[OPTION_EXPECTED_MAX])
{
	switch (o->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		snprintf(dst, OPTION_EXPECTED_MAX, "%s", o->expected);
		break;
	case OPTION_URLS:
		snprintf(dst, OPTION_EXPECTED_MAX, "%" PRId64 " to %" PRId64 " URLs, each %s",
			o->min, o->max, o->expected);
		break;
	case OPTION_INT:
		snprintf(dst, OPTION_EXPECTED_MAX, "a number, %" PRId64 " to %" PRId64, o->min,
			o->max);
		break;
	case OPTION_SECONDS:
		snprintf(dst, OPTION_EXPECTED_MAX, "a number of seconds, %" PRId64 " to %" PRId64,
			o->min, o->max);
		break;
	case OPTION_BOOL:
		snprintf(dst, OPTION_EXPECTED_MAX, "true or false");
		break;
	}
	return dst;
}
