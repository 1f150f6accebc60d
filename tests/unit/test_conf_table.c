#include "config.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/option.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_conf_golden.h"

static struct conf *parsed(const char *text)
{
	struct conf_problems problems;
	struct conf *conf = NULL;

	if (conf_parse_string(&conf, text, strlen(text), "text", &problems) < 0)
		ck_abort_msg("%s: %s", text, problems.at[0].text);
	return conf;
}

static char *dumped(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	conf_dump(conf, out);
	fclose(out);
	return text;
}

START_TEST(rows_are_whole_and_their_defaults_are_right)
{
	CLEANUP(conf_freep) struct conf *conf = conf_new();

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		char expected[OPTION_EXPECTED_MAX];

		ck_assert_ptr_eq(option_find(o->section, o->name), o);
		ck_assert_ptr_nonnull(o->help);
		ck_assert_msg(o->help[strlen(o->help) - 1] == '.', "%s: %s", o->name, o->help);
		ck_assert_uint_lt(strlen(option_expected(o, expected)), OPTION_EXPECTED_MAX - 1);
		if ((o->kind == OPTION_TEXT || o->kind == OPTION_CHOICE) && o->dflt)
			ck_assert_msg(option_set_text(conf, o, o->dflt, NULL) == 0, "%s", o->name);
		if (o->kind == OPTION_URLS)
			ck_assert_int_eq(o->check(o->dflt, NULL), 0);
	}
}
END_TEST

START_TEST(golden_pairs)
{
	glob_t found;

	ck_assert_int_eq(glob(TOP_SRCDIR "/tests/unit/conf/*.conf", 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 20);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		CLEANUP(freep)
		char *ok = xasprintf("%.*s.ok", (int)(strlen(path) - strlen(".conf")), path);
		size_t len;
		CLEANUP(freep) char *want = golden_read(ok, &len);
		CLEANUP(freep) char *got = golden_outcome(path);

		ck_assert_msg(text_eq(got, want), "%s:\n%s\n%s:\n%s", path, got, ok, want);
	}
	globfree(&found);
}
END_TEST

START_TEST(what_is_dumped_parses_to_the_same)
{
	static const char *const names[] = {
		"01-empty", "02-everything", "18-libconfig", "19-unset"};
	CLEANUP(freep)
	char *path = xasprintf("%s/tests/unit/conf/%s.conf", TOP_SRCDIR, names[_i]);
	size_t len;
	CLEANUP(freep) char *text = golden_read(path, &len);
	CLEANUP(conf_freep) struct conf *first = parsed(text);
	CLEANUP(freep) char *dump = dumped(first);
	CLEANUP(conf_freep) struct conf *second = parsed(dump);
	CLEANUP(freep) char *again = dumped(second);

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		ck_assert(option_equal(first, second, &conf_options[i]));
		ck_assert(
			conf_given(first, (enum conf_id)i) == conf_given(second, (enum conf_id)i));
	}
	ck_assert_str_eq(dump, again);
}
END_TEST

static void note_change(
	const char *option, const char *was, const char *is, bool at_once, void *arg)
{
	FILE *out = arg;

	fprintf(out, "%s: %s -> %s%s\n", option, was, is, at_once ? "" : " (restart)");
}

static char *changes(const struct conf *was, const struct conf *is, size_t *ret_n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	*ret_n = conf_diff(was, is, note_change, out);
	fclose(out);
	return text;
}

START_TEST(a_reload_names_each_change)
{
	CLEANUP(conf_freep)
	struct conf *was = parsed("etcd: { endpoints = [\"http://a:1\"]; user = \"u\"; "
				  "password_file = \"/p\"; }; log: { level = \"info\"; };");
	CLEANUP(conf_freep)
	struct conf *is = parsed("etcd: { endpoints = [\"http://a:1\", \"http://b:1\"]; "
				 "prefix = \"/confluent/\"; }; member: { ttl = 9; };"
				 "api: { read_group = \"g\"; }; failover: { delay = 5; };");
	size_t n;
	CLEANUP(freep) char *text = changes(was, is, &n);
	CLEANUP(freep) char *none = changes(is, is, &(size_t){0});

	ck_assert_str_eq(none, "");
	ck_assert_uint_eq(n, 7);
	/* log.level is given or not, and "info" both times: no change; a given prefix is one, for
	 * it overrides the bundle */
	ck_assert_str_eq(text,
		"etcd.endpoints: [\"http://a:1\"] -> [\"http://a:1\", \"http://b:1\"] (restart)\n"
		"etcd.prefix: not in the file -> \"/confluent/\" (restart)\n"
		"etcd.user: \"u\" -> not in the file (restart)\n"
		"etcd.password_file: \"/p\" -> not in the file (restart)\n"
		"member.ttl: 6 -> 9 (restart)\n"
		"failover.delay: 0 -> 5\n"
		"api.read_group: unset -> \"g\"\n");
}
END_TEST

/* The sample as it is in the source tree, with the default folders in it. */
static char *sample_of_the_tree(void)
{
	size_t len;
	char *text = golden_read(TOP_SRCDIR "/etc/collective.conf.in", &len);

	text = golden_replace(text, "@sysconfdir@", "/etc");
	return golden_replace(text, "@localstatedir@", "/var");
}

START_TEST(the_sample_file_is_made_from_the_table)
{
	CLEANUP(freep) char *have = sample_of_the_tree();
	CLEANUP(freep) char *want = golden_printed(conf_sample);

	ck_assert_msg(text_eq(have, want), "etc/collective.conf.in is old: make regen-conf");
}
END_TEST

START_TEST(the_sample_file_says_the_defaults)
{
	CLEANUP(freep) char *sample = golden_printed(conf_sample);
	CLEANUP(freep) char *uncommented = golden_replace(xstrdup(sample), "\n\t#", "\n\t# #");
	CLEANUP(conf_freep) struct conf *as_it_is = parsed(sample);
	CLEANUP(conf_freep) struct conf *dflt = conf_new();
	CLEANUP(conf_freep) struct conf *set = NULL;
	CLEANUP(freep) char *have = dumped(as_it_is);
	CLEANUP(freep) char *want = dumped(dflt);

	ck_assert_str_eq(have, want);
	/* a help line has a blank behind its '#', an option has none */
	uncommented = golden_replace(uncommented, "\n\t# # ", "\n\t### ");
	uncommented = golden_replace(uncommented, "\n\t# #", "\n\t");
	set = parsed(uncommented);
	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		CLEANUP(freep) char *is = option_spell(set, o);
		CLEANUP(freep) char *is_canonical = golden_canonical(TAKE(is));
		CLEANUP(freep) char *should = option_spell(dflt, o);
		CLEANUP(freep) char *should_canonical = golden_canonical(TAKE(should));

		ck_assert_msg(conf_given(set, (enum conf_id)i), "%s.%s is not in the sample",
			o->section, o->name);
		ck_assert_str_eq(is_canonical, should_canonical);
	}
}
END_TEST

START_TEST(the_manual_page_is_made_from_the_table)
{
	size_t len;
	CLEANUP(freep) char *page = golden_read(TOP_SRCDIR "/docs/collective.conf.5", &len);
	CLEANUP(freep) char *want = golden_printed(conf_mdoc);
	const char *begin = strstr(page, ".\\\" BEGIN OPTIONS");
	const char *end = strstr(page, ".\\\" END OPTIONS");
	CLEANUP(freep) char *have = NULL;

	ck_assert(begin && end);
	begin = strchr(begin, '\n') + 1;
	have = xstrndup(begin, (size_t)(end - begin));
	ck_assert_msg(text_eq(have, want), "docs/collective.conf.5 is old: make regen-conf");
}
END_TEST

START_TEST(the_help_has_every_option)
{
	CLEANUP(freep) char *help = golden_printed(conf_help);

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		CLEANUP(freep) char *line = xasprintf("\n    %s = ", o->name);

		ck_assert_msg(strstr(help, line) != NULL, "%s.%s", o->section, o->name);
	}
	for (const char *p = help; *p; p += strcspn(p, "\n") + 1)
		ck_assert_uint_le(strcspn(p, "\n"), 100);
}
END_TEST

static Suite *conf_table_suite(void)
{
	Suite *suite = suite_create("conf_table");
	TCase *golden = tcase_create("golden");
	TCase *prints = tcase_create("prints");

	tcase_add_test(golden, rows_are_whole_and_their_defaults_are_right);
	tcase_add_test(golden, golden_pairs);
	tcase_add_loop_test(golden, what_is_dumped_parses_to_the_same, 0, 4);
	tcase_add_test(golden, a_reload_names_each_change);
	suite_add_tcase(suite, golden);

	tcase_add_test(prints, the_sample_file_is_made_from_the_table);
	tcase_add_test(prints, the_sample_file_says_the_defaults);
	tcase_add_test(prints, the_manual_page_is_made_from_the_table);
	tcase_add_test(prints, the_help_has_every_option);
	suite_add_tcase(suite, prints);
	return suite;
}

SUITE_MAIN(conf_table_suite)
