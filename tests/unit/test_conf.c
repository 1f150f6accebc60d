#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/option.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_conf_golden.h"

#define FOLDER "/tmp/test_conf.XXXXXX"

static char folder[sizeof(FOLDER)];
static struct conf_problems problems;

static void make_folder(void)
{
	memcpy(folder, FOLDER, sizeof(FOLDER));
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
	CLEANUP(freep) char *pattern = file_join(folder, "*");
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			remove(found.gl_pathv[i]);
		globfree(&found);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

/* A file in the folder, its path new. */
static char *put(const char *name, mode_t mode, const char *text)
{
	char *path = file_join(folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static struct conf *parsed(const char *text)
{
	struct conf *conf = NULL;

	if (conf_parse_string(&conf, text, strlen(text), "text", &problems) < 0)
		ck_abort_msg("%s: %s", text, problems.at[0].text);
	return conf;
}

/* How conf_load() ends for a file of this text, the first problem in problems.at[0]. */
static int loaded(const char *text)
{
	CLEANUP(freep) char *path = put("collective.conf", 0644, text);
	CLEANUP(conf_freep) struct conf *conf = NULL;
	int rc = conf_load(&conf, path, true, &problems);

	ck_assert_int_eq(rc == 0, conf != NULL);
	ck_assert_int_eq(rc == 0, problems.n == 0);
	return rc;
}

static void expect_problem(size_t i, const char *part)
{
	ck_assert_msg(problems.n > i, "no problem %zu: %s", i, part);
	ck_assert_msg(strstr(problems.at[i].text, part) != NULL, "'%s' is not in '%s'", part,
		problems.at[i].text);
}

START_TEST(values_arrive_in_their_fields)
{
	size_t len;
	CLEANUP(freep)
	char *text = golden_read(TOP_SRCDIR "/tests/unit/conf/02-everything.conf", &len);
	CLEANUP(conf_freep) struct conf *conf = parsed(text);

	ck_assert_uint_eq(conf->etcd.endpoints.n, 3);
	ck_assert_str_eq(conf->etcd.endpoints.url[1], "https://[fd00::2]:2379");
	ck_assert_str_eq(conf->etcd.prefix, "/site/a.b/");
	ck_assert_str_eq(conf->etcd.password_file, "/etc/confluent/a \"quoted\\\" name");
	ck_assert(conf->etcd.allow_loopback);
	ck_assert_str_eq(conf->member.name, "mgt-1.example");
	ck_assert_int_eq(conf->member.port, 1);
	ck_assert(conf->member.ttl == 300 * USEC_PER_SEC);
	ck_assert(conf->failover.delay == 86400 * USEC_PER_SEC);
	ck_assert(conf->failover.hold_down == 0);
	ck_assert_str_eq(conf->paths.socket, "/c/api.sock");
	ck_assert_str_eq(conf->api.read_group, "operators");
	ck_assert_str_eq(conf->log.level, "debug");
	ck_assert_str_eq(conf->log.target, "/var/log/collectived.log");
}
END_TEST

START_TEST(defaults_are_those_of_the_design)
{
	CLEANUP(conf_freep) struct conf *conf = conf_new();

	ck_assert_uint_eq(conf->etcd.endpoints.n, 1);
	ck_assert_str_eq(conf->etcd.prefix, "/confluent/");
	ck_assert_ptr_null(conf->etcd.ca);
	ck_assert_ptr_null(conf->member.name);
	ck_assert_int_eq(conf->member.port, 13001);
	ck_assert(conf->member.ttl == 6 * USEC_PER_SEC);
	ck_assert(conf->failover.delay == 0);
	ck_assert(conf->failover.hold_down == 60 * USEC_PER_SEC);
	ck_assert_str_eq(conf->paths.config_dir, SYSCONFDIR "/confluent");
	ck_assert_str_eq(conf->paths.state_dir, LOCALSTATEDIR "/lib/collectived");
	ck_assert_str_eq(conf->paths.socket, RUNDIR "/confluent/api.sock");
	for (size_t i = 0; i < CONF_OPTIONS; i++)
		ck_assert(!conf_given(conf, (enum conf_id)i));
}
END_TEST

START_TEST(no_file_means_the_defaults_unless_it_was_named)
{
	CLEANUP(freep) char *path = file_join(folder, "absent.conf");
	CLEANUP(conf_freep) struct conf *conf = NULL;
	CLEANUP(conf_freep) struct conf *none = NULL;

	ck_assert_int_eq(conf_load(&conf, path, false, &problems), 0);
	ck_assert_int_eq(conf->member.port, 13001);
	ck_assert_int_eq(conf_load(&none, path, true, &problems), -ENOENT);
	ck_assert_ptr_null(none);
	expect_problem(0, "absent.conf: No such file or directory");
	ck_assert_int_eq(conf_load(&none, folder, false, &problems), -EISDIR);
	expect_problem(0, "Is a directory");
}
END_TEST

START_TEST(a_file_has_a_ceiling)
{
	CLEANUP(freep) char *text = xmalloc(CONF_FILE_MAX + 2);
	struct conf *conf = NULL;

	memset(text, '\n', CONF_FILE_MAX + 1);
	text[CONF_FILE_MAX + 1] = '\0';
	ck_assert_int_eq(loaded(text), -EMSGSIZE);
	expect_problem(0, "is larger than 65536 bytes");
	ck_assert_int_eq(
		conf_parse_string(&conf, text, CONF_FILE_MAX + 1, "text", &problems), -EINVAL);
	ck_assert_ptr_null(conf);
	text[CONF_FILE_MAX] = '\0';
	ck_assert_int_eq(loaded(text), 0);
}
END_TEST

START_TEST(a_nul_does_not_hide_what_follows)
{
	static const char text[] = "member: { ttl = 6; };\n\0etcd: { prefix = 1; };";
	struct conf *conf = NULL;

	ck_assert_int_eq(
		conf_parse_string(&conf, text, sizeof(text) - 1, "text", &problems), -EINVAL);
	expect_problem(0, "text:2: has a NUL byte");
}
END_TEST

START_TEST(an_included_file_is_not_even_opened)
{
	static const char *const forms[] = {"@include \"%s\"", " \t@include\t\"%s\"",
		"member: { };\r\n@include \"%s\"\n", "/*\n@include \"%s\"\n*/",
		"log: { target = \"/\n@include \\\"%s\\\"\"; };", "\v\f@include \"%s\""};
	CLEANUP(freep) char *secret = put("secret", 0600, "hunter2 = \"hunter2\";\n");
	CLEANUP(freep) char *text = NULL;
	struct stat before, after;
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 2000}};

	/* relatime moves an access time that is older than the change: an open would show */
	ck_assert_int_eq(utimensat(AT_FDCWD, secret, old, 0), 0);
	ck_assert_int_eq(stat(secret, &before), 0);
	/* the forms are constants; the file name has no % in it */
	text = golden_replace(xstrdup(forms[_i]), "%s", secret);
	ck_assert_int_eq(loaded(text), -EINVAL);
	/* the fifth form is also a text over two lines, which comes first */
	expect_problem(problems.n - 1, "@include is not supported");
	for (size_t i = 0; i < problems.n; i++)
		ck_assert_ptr_null(strstr(problems.at[i].text, "hunter2"));
	ck_assert_int_eq(stat(secret, &after), 0);
	ck_assert_int_eq(after.st_atim.tv_sec, before.st_atim.tv_sec);
}
END_TEST

START_TEST(passwords_are_not_repeated)
{
	ck_assert_int_eq(loaded("etcd: { endpoints = [\"http://root:hunter2@e1:2379\", "
				"\"root:hunter2@e2:2379\"];\npassword = \"hunter2\";\n"
				"password_file = { a = \"hunter2\"; }; };\n"
				"password = \"hunter2\";\n"),
		-EINVAL);
	ck_assert_uint_eq(problems.n, 5);
	for (size_t i = 0; i < problems.n; i++)
		ck_assert_ptr_null(strstr(problems.at[i].text, "hunter2"));
}
END_TEST

START_TEST(files_that_are_named_must_be_there)
{
	CLEANUP(freep) char *ca = put("ca.pem", 0644, "");
	CLEANUP(freep) char *key = put("key.pem", 0600, "");
	CLEANUP(freep)
	char *text = xasprintf("etcd: { endpoints = [\"https://e:2379\"];\nca = \"%s\";\n"
			       "certificate = \"%s\";\nkey = \"%s\"; };",
		ca, ca, key);

	ck_assert_int_eq(loaded(text), 0);
	ck_assert_int_eq(chmod(key, 0640), 0);
	ck_assert_int_eq(loaded(text), -EINVAL);
	ck_assert_uint_eq(problems.n, 1);
	expect_problem(0, "collective.conf:4: etcd.key: '");
	expect_problem(0, "can be read or written by others (mode 0640, run: chmod 600 /");
	ck_assert_int_eq(remove(ca), 0);
	ck_assert_int_eq(loaded(text), -EINVAL);
	ck_assert_uint_eq(problems.n, 3);
	expect_problem(0, ":2: etcd.ca: '");
	expect_problem(0, "can not be used: No such file or directory (expected a file)");
	expect_problem(1, ":3: etcd.certificate: '");
}
END_TEST

START_TEST(a_password_that_others_can_read_is_refused)
{
	CLEANUP(freep) char *file = put("password", 0604, "hunter2\n");
	CLEANUP(freep)
	char *text = xasprintf("etcd: { user = \"u\"; password_file = \"%s\"; };", file);

	ck_assert_int_eq(loaded(text), -EINVAL);
	expect_problem(0, "mode 0604");
	ck_assert_int_eq(chmod(file, 0400), 0);
	ck_assert_int_eq(loaded(text), 0);
}
END_TEST

START_TEST(folders_that_are_named)
{
	CLEANUP(freep) char *absent = file_join(folder, "absent");
	CLEANUP(freep) char *file = put("file", 0600, "");
	CLEANUP(freep)
	char *good = xasprintf("paths: { config_dir = \"%s\"; state_dir = \"%s\"; socket = "
			       "\"%s\"; }; log: { target = \"%s\"; };",
		folder, absent, absent, absent);
	CLEANUP(freep)
	char *bad = xasprintf("paths: { config_dir = \"%s\";\nstate_dir = \"%s\";\nsocket = "
			      "\"%s\"; };\nlog: { target = \"%s/log\"; };",
		absent, file, file, absent);

	ck_assert_int_eq(loaded(good), 0);
	ck_assert_int_eq(loaded(bad), -EINVAL);
	ck_assert_uint_eq(problems.n, 4);
	expect_problem(0, "paths.config_dir: '");
	expect_problem(0, "can not be used: No such file or directory (expected a folder)");
	expect_problem(1, "is not a folder");
	expect_problem(2, "is there and not a socket");
	expect_problem(3, "can not be written: ");
}
END_TEST

START_TEST(a_socket_that_is_there_is_fine)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	CLEANUP(freep) char *text = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", folder);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	text = xasprintf("paths: { socket = \"%s\"; };", addr.sun_path);
	ck_assert_int_eq(loaded(text), 0);
	close(fd);
}
END_TEST

START_TEST(the_longest_socket_path_fits_its_address)
{
	struct sockaddr_un addr;
	char path[sizeof(addr.sun_path) + 1];
	CLEANUP(conf_freep) struct conf *conf = conf_new();
	const struct conf_option *o = &conf_options[CONF_PATHS_SOCKET];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_lt(option_set_text(conf, o, path, NULL), 0);
	path[sizeof(path) - 2] = '\0';
	ck_assert_int_eq(option_set_text(conf, o, path, NULL), 0);
}
END_TEST

START_TEST(check_also_looks_up_groups)
{
	CLEANUP(freep)
	char *path = put("collective.conf", 0644, "\napi: { read_group = \"no-such-group\"; };");
	CLEANUP(conf_freep) struct conf *conf = NULL;

	ck_assert_int_eq(conf_load(&conf, path, true, &problems), 0);
	ck_assert_int_eq(conf_check(path, true, &problems), -EINVAL);
	expect_problem(0, "collective.conf:2: api.read_group: 'no-such-group' is not a group");
	free(put("collective.conf", 0644,
		"member: { ttl = 1; };\napi: { read_group = \"no-such-group\"; };"));
	ck_assert_int_eq(conf_check(path, true, &problems), -EINVAL);
	expect_problem(0, "collective.conf:1: member.ttl: '1' is out of range");
	expect_problem(1, "collective.conf:2: api.read_group: 'no-such-group' is not a group");
	free(put("collective.conf", 0644, "api: { read_group = \"root\"; };"));
	ck_assert_int_eq(conf_check(path, true, &problems), 0);
}
END_TEST

START_TEST(loopback_endpoints)
{
	static const char *const yes[] = {"http://127.0.0.1:2379", "https://localhost:2379",
		"http://LocalHost:1", "http://127.9.9.9:1", "http://[::1]:2379",
		"http://[::ffff:127.0.0.1]:1", "http://0.0.0.0:1", "http://a.localhost:1"};
	static const char *const no[] = {"http://10.0.0.1:2379", "http://localhost.example:1",
		"http://[fd00::1]:1", "http://128.0.0.1:1", "localhost:2379", "", "http://",
		"http://mylocalhost:1", "http://[::ffff:10.0.0.1]:1"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		ck_assert_msg(conf_url_is_loopback(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		ck_assert_msg(!conf_url_is_loopback(no[i]), "%s", no[i]);
}
END_TEST

static Suite *conf_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *text = tcase_create("text");
	TCase *files = tcase_create("files");

	tcase_add_test(text, values_arrive_in_their_fields);
	tcase_add_test(text, defaults_are_those_of_the_design);
	tcase_add_test(text, a_nul_does_not_hide_what_follows);
	tcase_add_test(text, the_longest_socket_path_fits_its_address);
	tcase_add_test(text, loopback_endpoints);
	suite_add_tcase(suite, text);

	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, no_file_means_the_defaults_unless_it_was_named);
	tcase_add_test(files, a_file_has_a_ceiling);
	tcase_add_loop_test(files, an_included_file_is_not_even_opened, 0, 6);
	tcase_add_test(files, passwords_are_not_repeated);
	tcase_add_test(files, files_that_are_named_must_be_there);
	tcase_add_test(files, a_password_that_others_can_read_is_refused);
	tcase_add_test(files, folders_that_are_named);
	tcase_add_test(files, a_socket_that_is_there_is_fine);
	tcase_add_test(files, check_also_looks_up_groups);
	suite_add_tcase(suite, files);

	return suite;
}

SUITE_MAIN(conf_suite)
