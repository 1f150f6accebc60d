#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/event.h"
#include "app/hooks_find.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/lib/suite.h"

/* ---- which programs are run ---- */

static char *root;
static struct hooks_programs programs;

static void setup(void)
{
	char template[] = "/tmp/hooks-XXXXXX";
	char *made = mkdtemp(template);

	ck_assert_ptr_nonnull(made);
	root = realpath(made, NULL);
	ck_assert_ptr_nonnull(root);
}

static void teardown(void)
{
	CLEANUP(freep) char *command = xasprintf("rm -rf '%s'", root);

	hooks_programs_done(&programs);
	ck_assert_int_eq(system(command), 0);
	free(root);
}

static void make_folder(const char *name, mode_t mode)
{
	CLEANUP(freep) char *path = file_join(root, name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void make(const char *name, mode_t mode)
{
	CLEANUP(freep) char *path = file_join(root, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* The names of what is found, as "leader a b"; refusals as '-'. */
static const char *found(const char *event)
{
	static char text[4096];
	struct buf line = BUF_INIT(sizeof(text) - 1);

	hooks_programs_done(&programs);
	hooks_find(root, event, &programs);
	for (size_t i = 0; i < programs.n; i++)
		ck_assert_int_eq(buf_printf(&line, "%s ", programs.paths[i] + strlen(root) + 1), 0);
	for (size_t i = 0; i < programs.n_refused; i++)
		ck_assert_int_eq(buf_str(&line, "-"), 0);
	snprintf(text, sizeof(text), "%s", buf_cstr(&line));
	buf_done(&line);
	return text;
}

START_TEST(the_one_comes_before_those_of_the_folder_in_their_order)
{
	make_folder("leader.d", 0755);
	ck_assert_str_eq(found("leader"), "");
	make("leader", 0755);
	make("leader.d/b", 0755);
	make("leader.d/a.sh", 0700);
	make("leader.d/10-first", 0755);
	make("follower", 0755);
	ck_assert_str_eq(found("leader"), "leader leader.d/10-first leader.d/a.sh leader.d/b ");
	ck_assert_str_eq(found("follower"), "follower ");
	ck_assert_str_eq(found("quorum-lost"), "");
}
END_TEST

START_TEST(what_editors_and_packages_leave_behind_is_passed_over)
{
	static const char *const names[] = {"leader.d/a~", "leader.d/.a", "leader.d/a.rpmsave",
		"leader.d/a.rpmnew", "leader.d/a.dpkg-old", "leader.d/a.bak", "leader.d/-a",
		"leader.d/a b", "leader.d/#a#"};
	make_folder("leader.d", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		make(names[i], 0755);
	ck_assert_str_eq(found("leader"), "");
}
END_TEST

START_TEST(what_others_may_write_is_refused_with_the_remedy)
{
	static const mode_t modes[] = {0775, 0757, 0777, 0644};

	make("leader", 0755);
	ck_assert_str_eq(found("leader"), "leader ");
	ck_assert_int_eq(chmod(root, 0775), 0);
	ck_assert_str_eq(found("leader"), "-");
	ck_assert_ptr_nonnull(strstr(programs.refused[0], "chmod go-w"));
	ck_assert_int_eq(chmod(root, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		CLEANUP(freep) char *path = file_join(root, "leader");

		ck_assert_int_eq(chmod(path, modes[i]), 0);
		ck_assert_str_eq(found("leader"), "-");
		ck_assert_ptr_nonnull(strstr(programs.refused[0], path));
		ck_assert_ptr_nonnull(strstr(programs.refused[0], "chmod"));
	}
}
END_TEST

START_TEST(a_folder_of_programs_that_others_may_write_is_refused)
{
	make_folder("leader.d", 0777);
	make("leader", 0755);
	make("leader.d/a", 0755);
	ck_assert_str_eq(found("leader"), "leader -");
}
END_TEST

START_TEST(a_link_leads_where_nobody_else_may_write)
{
	CLEANUP(freep) char *path = file_join(root, "leader");
	CLEANUP(freep) char *other = file_join(root, "open/other");

	make_folder("safe", 0755);
	make_folder("open", 0777);
	make("safe/program", 0755);
	make("open/program", 0755);
	ck_assert_int_eq(symlink("safe/program", path), 0);
	ck_assert_str_eq(found("leader"), "safe/program ");
	unlink(path);
	ck_assert_int_eq(symlink("open/program", path), 0);
	ck_assert_str_eq(found("leader"), "-");
	unlink(path);
	/* nor on the way through other links */
	ck_assert_int_eq(symlink("../safe/program", other), 0);
	ck_assert_int_eq(symlink("open/other", path), 0);
	ck_assert_str_eq(found("leader"), "-");
	unlink(path);
	ck_assert_int_eq(symlink("open/other/../program", path), 0);
	ck_assert_str_eq(found("leader"), "-");
	unlink(path);
	ck_assert_int_eq(symlink("safe/../safe//./program", path), 0);
	ck_assert_str_eq(found("leader"), "safe/program ");
	unlink(path);
	ck_assert_int_eq(symlink("nowhere", path), 0);
	ck_assert_str_eq(found("leader"), "-");
	unlink(path);
	ck_assert_int_eq(symlink("leader", path), 0);
	ck_assert_str_eq(found("leader"), "-");
	unlink(path);
	ck_assert_int_eq(symlink("safe", path), 0);
	ck_assert_str_eq(found("leader"), "-");
}
END_TEST

START_TEST(what_is_somebody_elses_is_refused)
{
	CLEANUP(freep) char *path = file_join(root, "leader");

	if (geteuid() != 0)
		return;
	make("leader", 0755);
	ck_assert_int_eq(chown(path, 12345, 0), 0);
	ck_assert_str_eq(found("leader"), "-");
	ck_assert_ptr_nonnull(strstr(programs.refused[0], "user 12345"));
	ck_assert_ptr_nonnull(strstr(programs.refused[0], "chown root "));
}
END_TEST

START_TEST(an_event_has_no_more_programs_than_a_ceiling)
{
	make_folder("leader.d", 0755);
	for (int i = 0; i < HOOKS_PROGRAMS_MAX + 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "leader.d/%03d", i);
		make(name, 0755);
	}
	found("leader");
	ck_assert_uint_eq(programs.n, HOOKS_PROGRAMS_MAX);
	ck_assert_uint_eq(programs.n_refused, 3);
}
END_TEST

/* ---- events ---- */

static const char *told(const struct event *event)
{
	static char text[4096];
	CLEANUP(buf_done) struct buf line = BUF_INIT(sizeof(text) - 1);
	CLEANUP(json_freep) json *frame = event_tell(event);

	ck_assert_int_eq(json_print(frame, &line), 0);
	snprintf(text, sizeof(text), "%s", buf_cstr(&line));
	return text;
}

START_TEST(an_event_is_told_with_what_it_is_about)
{
	static const char *const nodes[] = {"n1", "n2", "n3", "n10"};
	struct event events[] = {
		{.kind = EVENT_LEADER, .from = "mgt1", .to = ""},
		{.kind = EVENT_QUORUM, .on = true},
		{.kind = EVENT_MEMBER, .name = "mgt2", .was_on = true},
		{.kind = EVENT_MEMBER, .name = "mgt2", .gone = true},
		{.kind = EVENT_MANAGER, .from = "mgt2", .to = "mgt1", .nodes = nodes, .n_nodes = 4},
	};
	static const char *const texts[] = {
		"\"event\":\"leader\",\"revision\":\"812\",\"seq\":\"7\",\"time\":2.5,"
		"\"from\":\"mgt1\",\"to\":\"\"}",
		"\"event\":\"quorum\",\"revision\":\"812\",\"seq\":\"7\",\"time\":2.5,"
		"\"quorum\":true}",
		"\"event\":\"member\",\"revision\":\"812\",\"seq\":\"7\",\"time\":2.5,"
		"\"name\":\"mgt2\",\"active\":false}",
		"\"event\":\"member\",\"revision\":\"812\",\"seq\":\"7\",\"time\":2.5,"
		"\"name\":\"mgt2\",\"active\":false,\"gone\":true}",
		"\"event\":\"manager\",\"revision\":\"812\",\"seq\":\"7\",\"time\":2.5,"
		"\"from\":\"mgt2\",\"to\":\"mgt1\",\"count\":4,\"noderange\":\"n[1:3,10]\","
		"\"nodes\":[\"n1\",\"n2\",\"n3\",\"n10\"]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct event *copy;

		events[i].seq = 7;
		events[i].revision = 812;
		events[i].wall = 2500000;
		copy = event_copy(&events[i]);
		ck_assert_str_eq(told(copy) + 1, texts[i]);
		ck_assert_str_eq(told(copy) + 1, texts[i]);
		event_drop(copy);
	}
	event_drop(NULL);
}
END_TEST

static Suite *hooks_suite(void)
{
	Suite *suite = suite_create("app_hooks");
	TCase *t = tcase_create("programs");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_one_comes_before_those_of_the_folder_in_their_order);
	tcase_add_test(t, what_editors_and_packages_leave_behind_is_passed_over);
	tcase_add_test(t, what_others_may_write_is_refused_with_the_remedy);
	tcase_add_test(t, a_folder_of_programs_that_others_may_write_is_refused);
	tcase_add_test(t, a_link_leads_where_nobody_else_may_write);
	tcase_add_test(t, what_is_somebody_elses_is_refused);
	tcase_add_test(t, an_event_has_no_more_programs_than_a_ceiling);
	suite_add_tcase(suite, t);
	t = tcase_create("events");
	tcase_add_test(t, an_event_is_told_with_what_it_is_about);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(hooks_suite)
