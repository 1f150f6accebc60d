/*
 * A configuration is read in four steps: the bytes (file_read(), with a ceiling), what libconfig
 * must not see (scan_text()), libconfig's tree against the table of options, and the rules between
 * options. Each step goes on behind what it finds wrong, so that one run shows all there is: also
 * the part of a tree in front of a syntax error is walked.
 *
 * The result is a new conf or none. Problems name the option and the value; the value of an unknown
 * option is never shown, for it may well be a password.
 */
#include "config.h"
#include "conf/conf.h"

#include <errno.h>
#include <libconfig.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/option.h"
#include "conf/problem.h"
#include "conf/rules.h"
#include "conf/scan.h"

const char conf_default_path[] = SYSCONFDIR "/confluent/collective.conf";

struct reader {
	struct conf *conf;
	const char *file;
	const char *text;
	struct conf_problems *problems;
	uint64_t refused; /* a bit for each option with a wrong value */
	bool marked;	  /* names in the tree may have a mark of scan_mark_names() */
};

static const char *plain_name(const struct reader *r, const config_setting_t *s)
{
	return r->marked ? scan_plain_name(s->name) : s->name;
}

static const char *type_name(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a section";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "a boolean";
	default:
		return "a list";
	}
}

/* What people read as the value; "" for what has no value of its own. The "user:password" of a URL,
 * which has no business there, is not shown. */
static const char *shown_value(const config_setting_t *s, char dst[TEXT_PRINTABLE_MAX])
{
	const char *text;
	const char *at;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(dst, TEXT_PRINTABLE_MAX, "%lld", config_setting_get_int64(s));
		return dst;
	case CONFIG_TYPE_FLOAT:
		snprintf(dst, TEXT_PRINTABLE_MAX, "%g", config_setting_get_float(s));
		return dst;
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(s) ? "true" : "false";
	case CONFIG_TYPE_STRING:
		text = config_setting_get_string(s);
		at = strchr(text, ':') ? strrchr(text, '@') : NULL;
		if (at)
			text = at;
		return text_printable(text, strlen(text), dst);
	default:
		return "";
	}
}

/*
 * The line of a setting. libconfig reads on behind a text in a list, for more of it may follow, and
 * takes the line where it stops; so such a text is looked for backwards from there.
 */
static unsigned line_of(const struct reader *r, const config_setting_t *s)
{
	bool in_list = !s->name && config_setting_type(s) == CONFIG_TYPE_STRING;
	CLEANUP(freep) char *quoted = NULL;
	unsigned found = s->line;
	unsigned line = 1;

	if (!in_list)
		return s->line;
	quoted = xasprintf("\"%s\"", config_setting_get_string(s));
	for (const char *p = r->text; *p && line <= s->line; line++) {
		size_t len = strcspn(p, "\n");

		if (memmem(p, len, quoted, strlen(quoted)))
			found = line;
		p += len + (p[len] ? 1 : 0);
	}
	return found;
}

static void refuse(
	struct reader *r, const struct conf_option *o, const config_setting_t *s, const char *why)
{
	char shown[TEXT_PRINTABLE_MAX];
	const char *value = shown_value(s, shown);
	const char *quote = config_setting_is_aggregate(s) ? "" : "'";

	problem_add(r->problems, r->file, line_of(r, s), "%s.%s: %s%s%s%s%s", o->section, o->name,
		quote, value, quote, *quote ? " " : "", why);
	r->refused |= (uint64_t)1 << option_id(o);
}

static void refuse_type(struct reader *r, const struct conf_option *o, const config_setting_t *s)
{
	char expected[OPTION_EXPECTED_MAX];
	struct err why;

	if (o->kind == OPTION_URLS)
		err_set(&why, 0, "is %s (expected a list: %s = [\"http://host:port\", ...])",
			type_name(s), o->name);
	else
		err_set(&why, 0, "is %s (expected %s%s)", type_name(s),
			o->kind == OPTION_TEXT ? "a text: " : "", option_expected(o, expected));
	refuse(r, o, s, why.text);
}

static void read_urls(struct reader *r, const struct conf_option *o, const config_setting_t *s)
{
	int n = config_setting_length(s);
	struct err why;

	option_clear(r->conf, o);
	if (n == 0)
		refuse(r, o, s, "is empty (expected at least one URL)");
	for (int i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);

		if (config_setting_type(e) != CONFIG_TYPE_STRING)
			refuse_type(r, o, e);
		else if (option_add_url(r->conf, o, config_setting_get_string(e), &why) < 0)
			refuse(r, o, e, why.text);
	}
}

static void read_option(struct reader *r, const struct conf_option *o, const config_setting_t *s)
{
	struct err why;
	int rc = 0;

	r->conf->line[option_id(o)] = s->line;
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING:
		if (o->kind != OPTION_TEXT && o->kind != OPTION_CHOICE)
			refuse_type(r, o, s);
		else
			rc = option_set_text(r->conf, o, config_setting_get_string(s), &why);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		if (o->kind != OPTION_INT && o->kind != OPTION_SECONDS)
			refuse_type(r, o, s);
		else
			rc = option_set_number(r->conf, o, config_setting_get_int64(s), &why);
		break;
	case CONFIG_TYPE_BOOL:
		if (o->kind != OPTION_BOOL)
			refuse_type(r, o, s);
		else
			option_set_bool(r->conf, o, config_setting_get_bool(s));
		break;
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		if (o->kind != OPTION_URLS)
			refuse_type(r, o, s);
		else
			read_urls(r, o, s);
		break;
	default:
		refuse_type(r, o, s);
	}
	if (rc < 0)
		refuse(r, o, s, why.text);
}

static void unknown_option(struct reader *r, const char *section, const config_setting_t *s)
{
	const char *plain = plain_name(r, s);
	const struct conf_option *elsewhere = option_find(NULL, plain);
	const struct conf_option *near = option_nearest(section, plain);
	char shown[TEXT_PRINTABLE_MAX];
	const char *name = text_printable(plain, strlen(plain), shown);

	if (elsewhere)
		problem_add(r->problems, r->file, s->line,
			"%s.%s: no such option (%s belongs in section %s)", section, name, name,
			elsewhere->section);
	else if (near)
		problem_add(r->problems, r->file, s->line,
			"%s.%s: no such option (did you mean %s?)", section, name, near->name);
	else
		problem_add(r->problems, r->file, s->line,
			"%s.%s: no such option (see collectived --help-config)", section, name);
}

static void unknown_section(struct reader *r, const config_setting_t *s)
{
	const char *plain = plain_name(r, s);
	const struct conf_option *option = option_find(NULL, plain);
	const char *near = option_nearest_section(plain);
	char shown[TEXT_PRINTABLE_MAX];
	const char *name = text_printable(plain, strlen(plain), shown);

	if (option)
		problem_add(r->problems, r->file, s->line,
			"%s: is outside of any section (expected %s: { %s = ...; };)", name,
			option->section, name);
	else if (near)
		problem_add(r->problems, r->file, s->line, "%s: no such section (did you mean %s?)",
			name, near);
	else
		problem_add(r->problems, r->file, s->line,
			"%s: no such section (see collectived --help-config)", name);
}

static void read_section(struct reader *r, const config_setting_t *section)
{
	const char *name = plain_name(r, section);

	for (int i = 0; i < config_setting_length(section); i++) {
		const config_setting_t *s = config_setting_get_elem(section, (unsigned)i);
		const struct conf_option *o = option_find(name, plain_name(r, s));

		if (config_setting_type(s) == CONFIG_TYPE_NONE)
			continue; /* the syntax error */
		if (o)
			read_option(r, o, s);
		else
			unknown_option(r, name, s);
	}
}

static void read_tree(struct reader *r, const config_setting_t *root)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);

		if (config_setting_type(s) == CONFIG_TYPE_NONE)
			continue;
		if (!option_section_exists(plain_name(r, s)))
			unknown_section(r, s);
		else if (config_setting_is_group(s))
			read_section(r, s);
		else
			problem_add(r->problems, r->file, s->line,
				"%s: is %s (expected a section: %s: { ... };)", plain_name(r, s),
				type_name(s), plain_name(r, s));
	}
}

/* Only the texts of libconfig tell its errors apart. */
static bool is_twice(config_t *tree)
{
	return strstr(config_error_text(tree), "duplicate") != NULL;
}

/* A name that is there twice ends a parse: with other names in its line the next goes further. */
static void read_syntax(struct reader *r)
{
	CLEANUP(freep) char *marked = NULL;
	unsigned marks = 0;
	config_t tree;

	config_init(&tree);
	while (config_read_string(&tree, marked ? marked : r->text) != CONFIG_TRUE) {
		unsigned line = (unsigned)config_error_line(&tree);
		char *next = NULL;

		problem_add(r->problems, r->file, line,
			"%s (expected SECTION: { OPTION = VALUE; ... };, each name once)",
			config_error_text(&tree));
		if (is_twice(&tree) && r->problems->n < CONF_PROBLEMS_MAX)
			next = scan_mark_names(marked ? marked : r->text, line, &marks);
		if (!next)
			break;
		free(marked);
		marked = next;
		r->marked = true;
		config_destroy(&tree);
		config_init(&tree);
	}
	read_tree(r, config_root_setting(&tree));
	config_destroy(&tree);
}

static struct conf *read_text(
	const char *text, size_t len, const char *file, struct conf_problems *problems)
{
	CLEANUP(conf_freep) struct conf *conf = conf_new();
	struct reader r = {.conf = conf, .file = file, .text = text, .problems = problems};

	if (!scan_text(text, len, file, problems))
		return NULL;
	read_syntax(&r);
	rules_check(conf, r.refused, file, problems);
	return TAKE(conf);
}

int conf_parse_string(struct conf **ret, const char *text, size_t len, const char *name,
	struct conf_problems *problems)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	CLEANUP(freep) char *copy = NULL;

	problem_init(problems);
	if (len > CONF_FILE_MAX) {
		problem_add(problems, name, 0, "is larger than %d bytes", CONF_FILE_MAX);
		return -EINVAL;
	}
	copy = xmalloc(len + 1);
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	conf = read_text(copy, len, name, problems);
	if (problems->n)
		return -EINVAL;
	*ret = TAKE(conf);
	return 0;
}

/* groups: whether those that the file names have to exist. */
static int load(struct conf **ret, const char *path, bool must_exist, bool groups,
	struct conf_problems *problems)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	struct buf text = BUF_INIT(CONF_FILE_MAX);
	CLEANUP(buf_donep) struct buf *at_end = &text;
	struct err err;
	int rc;

	problem_init(problems);
	rc = file_read(path, at_end, &err);
	if (rc == -ENOENT && !must_exist) {
		*ret = conf_new();
		return 0;
	}
	if (rc < 0) {
		problem_add(problems, NULL, 0, "%s", err.text);
		return rc;
	}
	conf = read_text(buf_cstr(&text), text.len, path, problems);
	if (conf)
		rules_check_files(conf, path, problems);
	if (conf && groups)
		rules_check_groups(conf, path, problems);
	if (problems->n)
		return -EINVAL;
	*ret = TAKE(conf);
	return 0;
}

int conf_load(struct conf **ret, const char *path, bool must_exist, struct conf_problems *problems)
{
	return load(ret, path, must_exist, false, problems);
}

int conf_check(const char *path, bool must_exist, struct conf_problems *problems)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;

	return load(&conf, path, must_exist, true, problems);
}

struct conf *conf_new(void)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));

	for (size_t i = 0; i < CONF_OPTIONS; i++)
		option_set_default(conf, &conf_options[i]);
	return conf;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < CONF_OPTIONS; i++)
		option_clear(conf, &conf_options[i]);
	free(conf);
}

size_t conf_diff(const struct conf *was, const struct conf *is, conf_diff_fn *fn, void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		CLEANUP(freep) char *before = NULL;
		CLEANUP(freep) char *after = NULL;
		CLEANUP(freep) char *name = NULL;

		if (option_equal(was, is, o) && (!o->bundle || !was->line[i] == !is->line[i]))
			continue;
		n++;
		name = xasprintf("%s.%s", o->section, o->name);
		before = option_describe(was, o);
		after = option_describe(is, o);
		fn(name, before, after, o->at_once, arg);
	}
	return n;
}

void conf_take_at_once(struct conf *conf, const struct conf *is)
{
	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];

		if (!o->at_once)
			continue;
		option_copy(conf, is, o);
		conf->line[i] = is->line[i];
	}
}

bool conf_given(const struct conf *conf, enum conf_id id)
{
	return conf->line[id] != 0;
}
