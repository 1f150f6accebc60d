/*
 * How a command ends when what it changed was applied, refused, or is not known to be either.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdio.h>

#include "app/agent.h"
#include "command/commands.h"
#include "tests/lib/suite.h"

static struct {
	struct agent agent;
	struct commands *commands;
	unsigned errors;
	char text[200];
} r;

void __wrap_api_request_watch(
	struct api_request *req, const struct api_request_hooks *hooks, void *arg);
void __wrap_api_request_error(struct api_request *req, int code, const char *text);

void __wrap_api_request_watch(
	struct api_request *req, const struct api_request_hooks *hooks, void *arg)
{
	(void)req;
	(void)hooks;
	(void)arg;
}

void __wrap_api_request_error(struct api_request *req, int code, const char *text)
{
	(void)req;
	ck_assert_int_eq(code, 500);
	r.errors++;
	snprintf(r.text, sizeof(r.text), "%s", text);
}

static void setup(void)
{
	r.commands = commands_ops.create(&r.agent);
	r.errors = 0;
	r.text[0] = '\0';
}

static void teardown(void)
{
	commands_ops.free(r.commands);
}

static bool ends_with(int rc, const char *why)
{
	return command_applied(
		command_new(r.commands, NULL), rc, why, "mgt2 was deleted", "collective show");
}

START_TEST(what_was_applied_is_no_end)
{
	ck_assert(ends_with(0, NULL));
	ck_assert_uint_eq(r.errors, 0);
}
END_TEST

START_TEST(what_was_refused_ends_with_the_reason)
{
	ck_assert(!ends_with(-EBUSY, "mgt2 is still active"));
	ck_assert_uint_eq(r.errors, 1);
	ck_assert_str_eq(r.text, "mgt2 is still active");
}
END_TEST

START_TEST(what_is_not_known_is_told_with_where_to_look)
{
	ck_assert(!ends_with(-EINPROGRESS, "no answer"));
	ck_assert_uint_eq(r.errors, 1);
	ck_assert_str_eq(r.text,
		"it is not known whether mgt2 was deleted (no answer): look at collective show");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("command");
	TCase *t = tcase_create("applied");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_applied_is_no_end);
	tcase_add_test(t, what_was_refused_ends_with_the_reason);
	tcase_add_test(t, what_is_not_known_is_told_with_where_to_look);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
