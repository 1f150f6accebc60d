/* The change of the collective key: which step follows from which picture. */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "core/rekey.h"
#include "tests/lib/suite.h"

#define MS(n) ((n)*USEC_PER_MSEC)

/* ---- the steps ---- */

static struct rekey_member trio[3];

static struct rekey_view view_of(enum rekey_stage stage)
{
	for (size_t i = 0; i < ARRAY_SIZE(trio); i++) {
		static const char *const names[] = {"mgt1", "mgt2", "mgt3"};

		trio[i] = (struct rekey_member){.name = names[i],
			.active = true,
			.wrapped = true,
			.can_wrap = true,
			.held = true,
			.is_signed = true};
	}
	return (struct rekey_view){
		.stage = stage,
		.live = true,
		.may_write = true,
		.acting = true,
		.has_new = true,
		.saved = true,
		.others = true,
		.told = true,
		.members = trio,
		.n = ARRAY_SIZE(trio),
		.counted = true,
	};
}

/* What is wanted of a fresh machine in this picture: "save wrap", "" for nothing. */
static const char *steps(const struct rekey_view *view)
{
	static char text[100];
	struct rekey r;
	enum rekey_step step;

	text[0] = '\0';
	rekey_init(&r, 1, 0, NULL, NULL);
	rekey_look(&r, 0, view);
	while (rekey_next(&r, 0, &step)) {
		strcat(text, *text ? " " : "");
		strcat(text, rekey_step_name(step));
	}
	return text;
}

START_TEST(nothing_is_done_without_a_change)
{
	struct rekey_view view = view_of(REKEY_NONE);

	ck_assert_str_eq(steps(&view), "");
	view.saved = false;
	ck_assert_str_eq(steps(&view), "save");
}
END_TEST

START_TEST(the_new_key_is_used_when_everybody_has_it)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);

	ck_assert_str_eq(steps(&view), "switch");
	trio[1].held = false;
	ck_assert_str_eq(steps(&view), "");
	trio[1].active = false;
	ck_assert_str_eq(steps(&view), "switch");
	trio[1].wrapped = false;
	ck_assert_str_eq(steps(&view), "wrap");
	trio[1].can_wrap = false;
	ck_assert_str_eq(steps(&view), "");
	trio[1].held = true;
	ck_assert_str_eq(steps(&view), "switch");
}
END_TEST

/* It came after the change began, and nobody but the others can help it. */
START_TEST(a_leader_without_the_new_key_gets_it_from_the_others)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);

	view.acting = false;
	trio[1].held = trio[1].wrapped = false;
	ck_assert_str_eq(steps(&view), "");
	view.leader_lacks = true;
	ck_assert_str_eq(steps(&view), "wrap");
	view.has_new = false;
	ck_assert_str_eq(steps(&view), "");
	view.has_new = true;
	trio[1].wrapped = true;
	ck_assert_str_eq(steps(&view), "");
	view.stage = REKEY_DONE;
	trio[1].wrapped = false;
	ck_assert_str_eq(steps(&view), "");
}
END_TEST

START_TEST(only_an_acting_leader_with_a_current_view_and_the_key_on_disk_leads)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);

	view.acting = false;
	ck_assert_str_eq(steps(&view), "");
	view = view_of(REKEY_DISTRIBUTE);
	view.live = false;
	ck_assert_str_eq(steps(&view), "");
	view = view_of(REKEY_DISTRIBUTE);
	view.has_new = false;
	ck_assert_str_eq(steps(&view), "");
	view = view_of(REKEY_DISTRIBUTE);
	view.saved = false;
	ck_assert_str_eq(steps(&view), "save");
	view = view_of(REKEY_RESEAL);
	view.behind = view.damaged = true;
	ck_assert_str_eq(steps(&view), "");
}
END_TEST

/* A record of a former change that was put back is under a key that everybody has forgotten. */
START_TEST(a_leader_puts_the_record_right_that_it_has_read_before)
{
	struct rekey_view view = view_of(REKEY_NONE);

	view.behind = view.damaged = view.remembered = true;
	ck_assert_str_eq(steps(&view), "repair");
	view.behind = false;
	ck_assert_str_eq(steps(&view), "repair");
	view.acting = false;
	ck_assert_str_eq(steps(&view), "");
	view.acting = true;
	view.live = false;
	ck_assert_str_eq(steps(&view), "");
	view.live = true;
	view.remembered = false;
	ck_assert_str_eq(steps(&view), "");
}
END_TEST

START_TEST(a_member_tells_what_is_on_its_disk_and_nothing_before)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);

	view.acting = false;
	view.told = false;
	ck_assert_str_eq(steps(&view), "tell");
	view.saved = false;
	ck_assert_str_eq(steps(&view), "save");
	view.saved = true;
	view.has_new = false;
	ck_assert_str_eq(steps(&view), "");
	view.has_new = true;
	view.may_write = false;
	ck_assert_str_eq(steps(&view), "");
}
END_TEST

START_TEST(the_change_ends_when_nothing_is_under_the_old_key)
{
	struct rekey_view view = view_of(REKEY_RESEAL);

	ck_assert_str_eq(steps(&view), "finish");
	view.old_values = 1;
	ck_assert_str_eq(steps(&view), "seal");
	view.old_values = 0;
	view.counted = false;
	ck_assert_str_eq(steps(&view), "seal");
	trio[2].is_signed = false;
	ck_assert_str_eq(steps(&view), "sign");
	trio[0].held = trio[0].wrapped = false;
	ck_assert_str_eq(steps(&view), "wrap");
}
END_TEST

START_TEST(the_old_key_goes_when_the_copy_on_disk_needs_it_no_more)
{
	struct rekey_view view = view_of(REKEY_DONE);

	ck_assert_str_eq(steps(&view), "");
	view.copied = true;
	ck_assert_str_eq(steps(&view), "drop");
	view.others = false;
	ck_assert_str_eq(steps(&view), "");
	view.rests = true;
	ck_assert_str_eq(steps(&view), "sweep");
	view.told = false;
	ck_assert_str_eq(steps(&view), "tell sweep");
}
END_TEST

START_TEST(a_step_that_failed_is_tried_again_after_a_pause)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);
	enum rekey_step step;
	struct rekey r;

	rekey_init(&r, 1, 0, NULL, NULL);
	rekey_look(&r, 0, &view);
	ck_assert(rekey_next(&r, 0, &step));
	rekey_look(&r, 0, &view);
	ck_assert(!rekey_next(&r, 0, &step));
	ck_assert_int_eq(rekey_wakeup(&r), USEC_NEVER);
	rekey_failed(&r, REKEY_SWITCH);
	rekey_look(&r, 0, &view);
	ck_assert(!rekey_next(&r, 0, &step));
	ck_assert_int_lt(rekey_wakeup(&r), MS(30));
	ck_assert(rekey_next(&r, MS(30), &step));
	ck_assert_int_eq(step, REKEY_SWITCH);
	rekey_done(&r, REKEY_SWITCH);
	view = view_of(REKEY_RESEAL);
	rekey_look(&r, MS(30), &view);
	ck_assert(rekey_next(&r, MS(30), &step));
	ck_assert_int_eq(step, REKEY_FINISH);
}
END_TEST

START_TEST(who_is_waited_for_is_told)
{
	struct rekey_view view = view_of(REKEY_DISTRIBUTE);
	struct rekey_member many[60];
	char waiting[REKEY_WAITING_MAX];
	struct sm_info info;
	struct rekey r;

	trio[0].held = trio[2].held = false;
	rekey_init(&r, 1, 0, NULL, NULL);
	rekey_look(&r, 0, &view);
	sm_tell(&r.sm, USEC_NEVER, &info);
	ck_assert_str_eq(info.state, "distributing");
	ck_assert_str_eq(info.reason, "a change began");
	ck_assert_str_eq(info.trouble, "waiting for mgt1, mgt3");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct rekey_member){.name = "mgt123", .active = true};
	view.members = many;
	view.n = ARRAY_SIZE(many);
	rekey_waiting(&view, waiting);
	ck_assert_str_eq(waiting + strlen(waiting) - 9, "mgt123...");
	ck_assert_uint_lt(strlen(waiting), REKEY_WAITING_MAX);
}
END_TEST

static Suite *rekey_suite(void)
{
	Suite *suite = suite_create("core rekey");
	TCase *t = tcase_create("rekey");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, nothing_is_done_without_a_change);
	tcase_add_test(t, the_new_key_is_used_when_everybody_has_it);
	tcase_add_test(t, a_leader_without_the_new_key_gets_it_from_the_others);
	tcase_add_test(t, only_an_acting_leader_with_a_current_view_and_the_key_on_disk_leads);
	tcase_add_test(t, a_leader_puts_the_record_right_that_it_has_read_before);
	tcase_add_test(t, a_member_tells_what_is_on_its_disk_and_nothing_before);
	tcase_add_test(t, the_change_ends_when_nothing_is_under_the_old_key);
	tcase_add_test(t, the_old_key_goes_when_the_copy_on_disk_needs_it_no_more);
	tcase_add_test(t, a_step_that_failed_is_tried_again_after_a_pause);
	tcase_add_test(t, who_is_waited_for_is_told);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(rekey_suite)
