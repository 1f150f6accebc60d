/* What the log says of the other members, and what it does not say twice. */
#include "config.h"
#include "tests/unit/test_log.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "core/roster.h"
#include "io/loop.h"
#include "log/roll.h"

static char said[2048];
static int64_t revision;

static void on_line(enum log_level level, const char *module, const char *text, void *arg)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(
		said + len, sizeof(said) - len, "%s %s: %s\n", log_level_name(level), module, text);
}

static void record(struct roster *r, const char *name, bool present, bool voting)
{
	struct record_info info = {
		.present = present, .valid = true, .voting = voting, .mod_rev = ++revision};

	info.address = info.version = "";
	roster_record(r, 0, name, &info, 0);
}

static struct key_info key(bool present, const char *value)
{
	revision++;
	return (struct key_info){.present = present,
		.create_rev = revision,
		.mod_rev = revision,
		.lease = 7,
		.value = value,
		.instance = "",
		.version = ""};
}

static void active(struct roster *r, const char *name, bool present)
{
	struct key_info info = key(present, "192.0.2.9");

	roster_active(r, 0, name, &info, 0);
}

static void leads(struct roster *r, const char *name)
{
	struct key_info info = key(name != NULL, name ? name : "");

	roster_leader(r, &info, 0);
}

static void expect(struct roll *roll, const struct roster *r, const char *lines)
{
	said[0] = '\0';
	roll_call(roll, r);
	ck_assert_str_eq(said, lines);
	said[0] = '\0';
	roll_call(roll, r);
	ck_assert_str_eq(said, "");
}

static struct roster *three_members(const char *self, bool voting)
{
	struct roster *r = roster_new();

	revision = 0;
	roster_begin(r);
	record(r, "mgt1", true, true);
	record(r, "mgt2", true, true);
	record(r, self, true, voting);
	active(r, "mgt1", true);
	active(r, self, true);
	leads(r, "mgt1");
	return r;
}

START_TEST(who_comes_and_goes_is_told_once)
{
	struct roster *r = three_members("mgt3", true);
	struct loop *loop = NULL;
	struct err err = {""};
	struct roll *roll;

	log_set_sink(on_line, NULL);
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	roll = roll_new(loop, "mgt3");
	expect(roll, r, "");
	roster_end(r, 0, revision);
	expect(roll, r, "info registry: 3 members, 2 active; the leader is mgt1\n");
	active(r, "mgt2", true);
	expect(roll, r, "info registry: mgt2 is active, at 192.0.2.9\n");
	active(r, "mgt1", false);
	leads(r, NULL);
	expect(roll, r, "warning registry: mgt1 is offline\n");
	record(r, "mgt1", false, true);
	record(r, "mgt4", true, false);
	expect(roll, r,
		"info registry: mgt4 is a member now (nonvoting)\n"
		"info registry: mgt1 is no member any more\n");
	active(r, "mgt3", false);
	leads(r, "mgt2");
	expect(roll, r, "info registry: mgt2 leads\n");
	leads(r, NULL);
	leads(r, "mgt3");
	expect(roll, r, "");
	roll_free(roll);
	roster_free(r);
	loop_free(loop);
	log_set_sink(NULL, NULL);
}
END_TEST

START_TEST(who_does_not_vote_is_told_that_nobody_leads)
{
	struct roster *r = three_members("mgt9", false);
	struct loop *loop = NULL;
	struct err err = {""};
	struct roll *roll;

	log_set_sink(on_line, NULL);
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	roll = roll_new(loop, "mgt9");
	roster_end(r, 0, revision);
	expect(roll, r, "info registry: 3 members, 2 active; the leader is mgt1\n");
	leads(r, NULL);
	expect(roll, r, "info registry: nobody leads\n");
	leads(r, "mgt2");
	expect(roll, r, "info registry: mgt2 leads\n");
	roll_free(roll);
	roster_free(r);
	loop_free(loop);
	log_set_sink(NULL, NULL);
}
END_TEST

TCase *roll_case(void)
{
	TCase *tc = tcase_create("roll");

	tcase_add_test(tc, who_comes_and_goes_is_told_once);
	tcase_add_test(tc, who_does_not_vote_is_told_that_nobody_leads);
	return tc;
}
