#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/attribute.h"
#include "tests/lib/suite.h"
#include "tests/unit/attribute_mdoc.h"

START_TEST(the_table_is_in_order_and_finds_each_of_its_rows)
{
	size_t n = 0;

	for (const struct attribute *row; (row = attribute_at(n)); n++) {
		ck_assert_msg(n == 0 || strcmp(attribute_at(n - 1)->name, row->name) < 0, "%s",
			row->name);
		if (!strchr(row->name, '*'))
			ck_assert_ptr_eq(attribute_find(row->name), row);
		ck_assert(row->on_node || row->on_group);
		ck_assert_msg(row->expression == (row->kind == ATTRIBUTE_TEXT) ||
				      strcmp(row->name, "deployment.lock") == 0,
			"%s", row->name);
		ck_assert_msg((row->values == ATTRIBUTE_ANY) == !row->accepted, "%s", row->name);
		ck_assert_msg(row->help[strlen(row->help) - 1] == '.', "%s", row->name);
		ck_assert_msg(row->named == (strncmp(row->name, "net.", 4) == 0 ||
						    strncmp(row->name, "power.", 6) == 0),
			"%s", row->name);
		ck_assert_msg(attribute_hidden(row) ==
				      (strncmp(row->name, "secret.", 7) == 0 ||
					      strncmp(row->name, "crypted.", 8) == 0 ||
					      strncmp(row->name, "custom.nodesecret.", 18) == 0),
			"%s", row->name);
	}
	ck_assert_uint_eq(n, 82);
}
END_TEST

static const struct {
	const char *name, *row; /* NULL: unknown */
} lookups[] = {
	{"location.u", "location.u"},
	{"net.eth0.switch", "net.switch"},
	{"net.a.b.switch", "net.switch"},
	{"net.eth-0.ipv4_method", "net.ipv4_method"},
	{"net.0.switch", "net.switch"},
	{"power.a.pdu", "power.pdu"},
	{"net.eth0.nosuch", NULL},
	{"net.eth0", NULL},
	{"net", NULL},
	{"location.a.u", NULL},
	{"secret.a.ipmikg", NULL},
	{"custom.x", "custom.*"},
	{"custom.class", "custom.*"},
	{"custom.nodesecret.x", "custom.nodesecret.*"},
	{"custom.nodesecret.x.y", "custom.nodesecret.*"},
	{"custom.nodesecret", "custom.*"},
	{"custom.nodesecretx", "custom.*"},
	{"custom.", NULL},
	{"custom.*", NULL},
	{"custom.nodesecret.*", NULL},
	{"custom.a b", NULL},
	{"custom", NULL},
	{"bmc", NULL},
	{"type", "type"},
	{"", NULL},
	{".", NULL},
	{"location..u", NULL},
	{".location.u", NULL},
	{"Location.u", NULL},
};

START_TEST(names_find_their_row)
{
	const struct attribute *row = attribute_find(lookups[_i].name);

	ck_assert_msg(!row == !lookups[_i].row, "%s", lookups[_i].name);
	if (row)
		ck_assert_str_eq(row->name, lookups[_i].row);
}
END_TEST

START_TEST(an_alias_stands_for_a_name)
{
	ck_assert_str_eq(attribute_unalias("bmc"), "hardwaremanagement.manager");
	ck_assert_str_eq(attribute_unalias("switchpass"), "secret.hardwaremanagementpassword");
	ck_assert_str_eq(attribute_unalias("bmcuser"), "secret.hardwaremanagementuser");
	ck_assert_str_eq(attribute_unalias("bmcx"), "bmcx");
	ck_assert_ptr_nonnull(attribute_find(attribute_unalias("bmcpass")));
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char name[ATTRIBUTE_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	memcpy(name, "custom.", 7);
	name[ATTRIBUTE_NAME_MAX + 1] = '\0';
	ck_assert(!attribute_name_valid(name) && !attribute_find(name));
	ck_assert(!attribute_object_name_valid(name));
	name[ATTRIBUTE_NAME_MAX] = '\0';
	ck_assert(attribute_name_valid(name) && attribute_find(name));
	ck_assert(attribute_object_name_valid(name));
}
END_TEST

START_TEST(nodes_and_groups_have_plain_names)
{
	static const char *const bad[] = {
		"", "-n", ".n", "_n", "a,b", "a b", "a/b", "n\n", "n{", "n#", "\xc3\xa4", "a:b"};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!attribute_object_name_valid(bad[i]), "%s", bad[i]);
	ck_assert(attribute_object_name_valid("n1") && attribute_object_name_valid("1"));
	ck_assert(attribute_object_name_valid("r1-u2_x.cluster.site"));
	ck_assert_int_eq(attribute_object_name_check("n1", "node", &err), 0);
	ck_assert_int_eq(attribute_object_name_check("g#\n1", "group", &err), -EINVAL);
	ck_assert_str_eq(err.text,
		"\"g#?1\" is not a valid group name (letters, digits, '-', '_' and '.', a letter "
		"or digit first, at most 255 characters)");
}
END_TEST

static const struct {
	const char *name, *value, *error; /* NULL: accepted */
} values[] = {
	{"console.method", "ssh", NULL},
	{"console.method", "", NULL},
	{"console.method", "telnet",
		"Attribute console.method does not accept value telnet (valid values would be "
		"ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)"},
	{"console.method", "ssh,ipmi",
		"Attribute console.method does not accept value ssh,ipmi (valid values would be "
		"ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)"},
	{"console.method", "SSH",
		"Attribute console.method does not accept value SSH (valid values would be "
		"ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)"},
	{"deployment.encryptboot", "tpm2:7,8", NULL},
	{"deployment.encryptboot", "tpm2", NULL},
	{"deployment.encryptboot", "tpm",
		"Attribute deployment.encryptboot does not accept value tpm (valid values would be "
		"tpm2,tpm2:*,none)"},
	{"net.eth0.ipv4_method", "maybe",
		"Attribute net.eth0.ipv4_method does not accept value maybe (valid values would be "
		"dhcp,static,firmwaredhcp,firmwarenone,none)"},
	{"discovery.policy", "permissive,pxe", NULL},
	{"discovery.policy", "permissive,foo",
		"Attribute discovery.policy does not accept list member foo (valid values would be "
		"manual,permissive,pxe,open,verified)"},
	{"discovery.policy", "pxe,",
		"Attribute discovery.policy does not accept list member  (valid values would be "
		"manual,permissive,pxe,open,verified)"},
	{"discovery.passwordrules", "expiration=no,reuse=yes", NULL},
	{"discovery.passwordrules", "expiration", "Passed key expiration requires a parameter"},
	{"discovery.passwordrules", "foo=1",
		"Attribute discovery.passwordrules does not accept key foo (valid values would be "
		"expiration,loginfailures,complexity,reuse)"},
	{"info.note", "two\nlines\tand \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", NULL},
	{"info.note", "bell\a",
		"Attribute info.note: the value holds a control character (U+0007 at byte 5; only "
		"tab and newline are accepted)"},
	{"info.note",
		"\xc2\x9b"
		"2J",
		"Attribute info.note: the value holds a control character (U+009B at byte 1; only "
		"tab and newline are accepted)"},
	{"info.note", "a\xff", "Attribute info.note: the value is not UTF-8 text (at byte 2)"},
	{"info.note", "\xc0\x80", "Attribute info.note: the value is not UTF-8 text (at byte 1)"},
	{"info.note", "\xed\xa0\x80",
		"Attribute info.note: the value is not UTF-8 text (at byte 1)"},
	{"info.note", "\xf4\x90\x80\x80",
		"Attribute info.note: the value is not UTF-8 text (at byte 1)"},
	{"info.note", "\xe2\x82", "Attribute info.note: the value is not UTF-8 text (at byte 1)"},
	{"secret.ipmikg", "hush\x01",
		"Attribute secret.ipmikg: the value holds a control character (U+0001 at byte 5; "
		"only tab and newline are accepted)"},
};

START_TEST(values_are_checked_with_upstreams_words)
{
	const struct attribute *row = attribute_find(values[_i].name);
	struct err err = {""};
	int rc;

	ck_assert_ptr_nonnull(row);
	rc = attribute_check_value(row, values[_i].name, values[_i].value, &err);
	ck_assert_int_eq(rc, values[_i].error ? -EINVAL : 0);
	ck_assert_str_eq(err.text, values[_i].error ? values[_i].error : "");
}
END_TEST

START_TEST(a_value_has_a_greatest_length)
{
	char *value = xmalloc(ATTRIBUTE_VALUE_MAX + 2);
	struct err err;

	memset(value, 'x', ATTRIBUTE_VALUE_MAX + 1);
	value[ATTRIBUTE_VALUE_MAX + 1] = '\0';
	ck_assert_int_eq(
		attribute_check_value(attribute_find("info.note"), "info.note", value, &err),
		-EINVAL);
	ck_assert_str_eq(err.text,
		"Attribute info.note: a value of 262145 bytes is too long (at most 262144)");
	value[ATTRIBUTE_VALUE_MAX] = '\0';
	ck_assert_int_eq(
		attribute_check_value(attribute_find("info.note"), "info.note", value, &err), 0);
	free(value);
}
END_TEST

START_TEST(some_words_mean_true)
{
	ck_assert(attribute_truth("true") && attribute_truth("1") && attribute_truth("y"));
	ck_assert(
		attribute_truth("Yes") && attribute_truth("enable") && attribute_truth("enabled"));
	ck_assert(!attribute_truth("") && !attribute_truth("false") && !attribute_truth("yess"));
}
END_TEST

static const struct {
	const char *pattern, *name;
	bool matches;
} patterns[] = {
	{"*", "", true},
	{"*", "anything.at.all", true},
	{"", "", true},
	{"", "a", false},
	{"location.*", "location.u", true},
	{"location.*", "location", false},
	{"*.switch", "net.eth0.switch", true},
	{"*.switch", "net.eth0.switchport", false},
	{"net.*switch*", "net.switchport", true},
	{"n?t.[a-e]*", "net.eth0", true},
	{"n?t.[!a-e]*", "net.eth0", false},
	{"[]]", "]", true},
	{"[a", "[a", true},
	{"[a", "a", false},
	{"[!]]", "x", true},
	{"[!]]", "]", false},
	{"[a-]", "-", true},
	{"\\*", "\\x", true},
	{"a*b*c", "aXbXbc", true},
	{"a*b*c", "aXbXb", false},
	{"A*", "a", false},
	{"??", "a", false},
};

START_TEST(patterns_match_whole_names)
{
	ck_assert_msg(
		attribute_matches(patterns[_i].pattern, patterns[_i].name) == patterns[_i].matches,
		"%s %s", patterns[_i].pattern, patterns[_i].name);
}
END_TEST

START_TEST(no_pattern_takes_long)
{
	char pattern[ATTRIBUTE_PATTERN_MAX + 2], name[ATTRIBUTE_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	name[ATTRIBUTE_NAME_MAX] = '\0';
	for (size_t i = 0; i + 1 < ATTRIBUTE_PATTERN_MAX; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + ATTRIBUTE_PATTERN_MAX - 2, "*b", 3);
	ck_assert(!attribute_matches(pattern, name));
	memset(pattern, '*', sizeof(pattern));
	pattern[ATTRIBUTE_PATTERN_MAX + 1] = '\0';
	ck_assert(!attribute_matches(pattern, name));
	pattern[ATTRIBUTE_PATTERN_MAX] = '\0';
	ck_assert(attribute_matches(pattern, name));
}
END_TEST

static char *read_page(void)
{
	CLEANUP(buf_done) struct buf page = BUF_INIT(1 << 20);
	FILE *file = fopen(TOP_SRCDIR "/docs/nodeattributes.5", "re");
	char block[4096];
	size_t n;

	ck_assert_ptr_nonnull(file);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		ck_assert_int_eq(buf_add(&page, block, n), 0);
	fclose(file);
	return buf_take(&page);
}

START_TEST(the_manual_page_is_made_from_the_table)
{
	CLEANUP(freep) char *page = read_page();
	CLEANUP(freep) char *have = NULL;
	const char *begin = strstr(page, ".\\\" BEGIN ATTRIBUTES");
	const char *end = strstr(page, ".\\\" END ATTRIBUTES");
	char *want = NULL;
	size_t len;
	FILE *out = open_memstream(&want, &len);

	ck_assert(out && begin && end);
	attribute_mdoc(out);
	fclose(out);
	begin = strchr(begin, '\n') + 1;
	have = xstrndup(begin, (size_t)(end - begin));
	ck_assert_msg(
		strcmp(have, want) == 0, "docs/nodeattributes.5 is old: make regen-attributes");
	free(want);
}
END_TEST

static Suite *attribute_suite(void)
{
	Suite *suite = suite_create("model/attribute");
	TCase *tcase = tcase_create("catalogue");

	tcase_add_test(tcase, the_table_is_in_order_and_finds_each_of_its_rows);
	tcase_add_loop_test(tcase, names_find_their_row, 0, ARRAY_SIZE(lookups));
	tcase_add_test(tcase, an_alias_stands_for_a_name);
	tcase_add_test(tcase, a_name_has_at_most_255_bytes);
	tcase_add_test(tcase, nodes_and_groups_have_plain_names);
	tcase_add_loop_test(tcase, values_are_checked_with_upstreams_words, 0, ARRAY_SIZE(values));
	tcase_add_test(tcase, a_value_has_a_greatest_length);
	tcase_add_test(tcase, some_words_mean_true);
	tcase_add_loop_test(tcase, patterns_match_whole_names, 0, ARRAY_SIZE(patterns));
	tcase_add_test(tcase, no_pattern_takes_long);
	tcase_add_test(tcase, the_manual_page_is_made_from_the_table);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(attribute_suite)
