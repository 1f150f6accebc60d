/*
 * Plans carried out against a small etcd that can be made to misbehave.
 */
#include "config.h"
#include "write/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "io/loop.h"
#include "model/db.h"
#include "tests/unit/test_write.h"

static const char *value_of(const char *node)
{
	char key[64];

	snprintf(key, sizeof(key), "/c/nodes/%s/a", node);
	return kv_get(&rig.kv, key)->value;
}

START_TEST(a_plan_is_packed_into_few_transactions)
{
	struct command c;

	rig_begin();
	rig_run(&c, "n", 300, "v");
	rig_rc(&c, 0);
	ck_assert_uint_eq(c.facts.applied, 300);
	ck_assert_uint_eq(rig.kv.puts, 300);
	/* 64 of them, and what every transaction carries of its own */
	ck_assert_uint_eq(rig.kv.most_ops, 65);
	ck_assert_uint_eq(rig.kv.txns, 5);
	ck_assert_str_eq(value_of("n299"), "v");
	ck_assert_int_ge(rig.expected, rig.kv.fake.revision);
	rig_end();
}
END_TEST

START_TEST(a_plan_without_work_ends_at_once)
{
	struct command c;

	rig_begin();
	rig_run(&c, "n", 0, "v");
	rig_rc(&c, 0);
	ck_assert_uint_eq(rig.kv.txns, 0);
	rig_end();
}
END_TEST

START_TEST(the_answer_comes_when_the_copy_has_it)
{
	const struct toy_options options = {.prefix = "n", .n = 1, .value = "v"};
	struct command c;

	rig_begin();
	rig.lagging = true;
	rig_submit(&c, &options);
	while (!c.facts.applied)
		run_for(rig.loop, USEC_PER_MSEC);
	run_for(rig.loop, 50 * USEC_PER_MSEC);
	ck_assert(!c.done);
	rig.lagging = false;
	rig_wait(&c);
	rig_rc(&c, 0);
	ck_assert_int_ge(db_revision(rig.db), kv_get(&rig.kv, "/c/nodes/n0/a")->mod);
	rig_end();
}
END_TEST

START_TEST(a_copy_that_does_not_follow_is_told)
{
	struct command c;

	rig_begin();
	rig.lagging = true;
	rig_run(&c, "n", 1, "v");
	rig_rc(&c, -ETIMEDOUT);
	rig_says(&c, "but this member has not seen it yet");
	ck_assert_str_eq(value_of("n0"), "v");
	rig_end();
}
END_TEST

static void change_n5(struct kv *k, void *arg)
{
	int *times = arg;

	kv_put(k, "/c/nodes/n5/a", "other");
	if (--*times > 0)
		k->before = change_n5;
}

START_TEST(what_others_changed_is_planned_anew)
{
	struct command c;
	int times = 1;

	rig_begin();
	rig.kv.before = change_n5;
	rig.kv.arg = &times;
	rig_run(&c, "n", 20, "v");
	rig_rc(&c, 0);
	ck_assert_uint_eq(c.facts.again, 20);
	ck_assert_uint_eq(rig.kv.puts, 21);
	ck_assert_str_eq(value_of("n5"), "v");
	rig_end();
}
END_TEST

START_TEST(one_that_others_keep_changing_does_not_hold_up_the_rest)
{
	struct command c;
	int times = 1000;

	rig_begin();
	rig.kv.before = change_n5;
	rig.kv.arg = &times;
	rig_run(&c, "n", 100, "v");
	rig_rc(&c, -EIO);
	ck_assert_uint_eq(c.facts.applied, 99);
	ck_assert_uint_eq(c.facts.unknown, 0);
	rig_says(&c, "given up");
	ck_assert_str_eq(value_of("n5"), "other");
	ck_assert_str_eq(value_of("n99"), "v");
	rig_end();
}
END_TEST

START_TEST(lost_answers_and_lost_requests_do_no_harm)
{
	struct command c;

	rig_begin();
	kv_fault(&rig.kv, KV_APPLY_AND_CUT);
	kv_fault(&rig.kv, KV_CUT);
	kv_fault(&rig.kv, KV_KEEP);
	kv_fault(&rig.kv, KV_TWICE);
	rig_run(&c, "n", 300, "v");
	rig_rc(&c, 0);
	ck_assert_uint_eq(rig.kv.puts, 300);
	while (rig.kv.n_kept)
		ck_assert(!kv_replay(&rig.kv));
	ck_assert_uint_eq(rig.kv.puts, 300);
	rig_end();
}
END_TEST

START_TEST(what_stays_unknown_is_told)
{
	struct command c;

	rig_begin();
	rig.kv.always = KV_KEEP;
	rig_run(&c, "n", 3, "v");
	rig_rc(&c, -EINPROGRESS);
	ck_assert_uint_eq(c.facts.unknown, 3);
	rig_says(&c, "3 unknown");
	/* a late copy is what was warned of */
	ck_assert(kv_replay(&rig.kv));
	rig_end();
}
END_TEST

START_TEST(an_etcd_out_of_space_stops_the_plan)
{
	struct command c;

	rig_begin();
	kv_fault(&rig.kv, KV_FINE);
	rig.kv.always = KV_FULL;
	rig_run(&c, "n", 300, "v");
	rig_rc(&c, -EIO);
	ck_assert_uint_eq(c.facts.applied, rig.kv.puts);
	ck_assert_uint_gt(c.facts.applied, 0);
	ck_assert_uint_eq(c.facts.unknown, 0);
	rig_says(&c, "space");
	rig_end();
}
END_TEST

START_TEST(without_quorum_nothing_is_sent)
{
	struct command c;

	rig_begin();
	rig.may_not = -EHOSTDOWN;
	rig_run(&c, "n", 3, "v");
	rig_rc(&c, -EHOSTDOWN);
	ck_assert_str_eq(c.why, "Collective does not have quorum");
	ck_assert_uint_eq(rig.kv.fake.requests, 0);
	rig_end();
}
END_TEST

static void lose_quorum(struct kv *k, void *arg)
{
	(void)k;
	(void)arg;
	rig.may_not = -EHOSTDOWN;
}

START_TEST(a_plan_that_loses_quorum_stops)
{
	struct command c;

	rig_begin();
	kv_fault(&rig.kv, KV_HANG);
	rig.kv.before = lose_quorum;
	rig_run(&c, "n", 300, "v");
	/* what was under way was waited for, and is certain */
	rig_rc(&c, -EIO);
	ck_assert_uint_eq(c.facts.applied, rig.kv.puts);
	ck_assert_uint_eq(c.facts.unknown, 0);
	ck_assert_uint_lt(c.facts.applied, 300);
	rig_says(&c, "Collective does not have quorum");
	rig_end();
}
END_TEST

START_TEST(a_member_that_registers_is_waited_for)
{
	const struct toy_options options = {.prefix = "n", .n = 1, .value = "v"};
	struct command c;

	rig_begin();
	rig.may_not = -EAGAIN;
	rig_submit(&c, &options);
	run_for(rig.loop, 30 * USEC_PER_MSEC);
	ck_assert(!c.done);
	ck_assert_uint_eq(rig.kv.txns, 0);
	rig.may_not = 0;
	rig_wait(&c);
	rig_rc(&c, 0);
	rig_end();
}
END_TEST

static void fall_behind(struct kv *k, void *arg)
{
	(void)k;
	(void)arg;
	rig.may_not = -EAGAIN;
}

START_TEST(a_plan_that_waits_for_too_long_says_for_what)
{
	struct command c;

	rig_begin();
	rig.kv.before = fall_behind;
	rig_run(&c, "n", 600, "v");
	rig_rc(&c, -EIO);
	ck_assert_uint_gt(c.facts.applied, 0);
	ck_assert_uint_lt(c.facts.applied, 600);
	rig_says(&c, "given up after 1 s: Collective does not have quorum");
	rig_end();
}
END_TEST

static void change_record(struct kv *k, void *arg)
{
	(void)arg;
	kv_put(k, RIG_RECORD, "{\"again\":1}");
}

START_TEST(a_record_that_was_replaced_is_compared_anew)
{
	struct command c;

	rig_begin();
	rig.kv.before = change_record;
	rig_run(&c, "n", 2, "v");
	rig_rc(&c, 0);
	ck_assert_uint_eq(c.facts.again, 2);
	rig_end();
}
END_TEST

START_TEST(a_small_plan_does_not_wait_for_a_large_one)
{
	const struct toy_options large = {.prefix = "big", .n = 400, .value = "v", .compares = 60};
	const struct toy_options small = {.prefix = "small", .n = 1, .value = "v"};
	struct command big, little;

	rig_begin();
	rig_submit(&big, &large);
	while (big.facts.applied < 10)
		run_for(rig.loop, USEC_PER_MSEC);
	rig_submit(&little, &small);
	rig_wait(&little);
	ck_assert(!big.done);
	ck_assert_uint_lt(big.facts.applied, 300);
	rig_wait(&big);
	rig_rc(&big, 0);
	rig_end();
}
END_TEST

START_TEST(a_large_plan_leaves_room_at_etcd)
{
	const struct toy_options large = {.prefix = "big", .n = 400, .value = "v"};
	struct command big, little;

	rig_begin();
	rig.kv.always = KV_HANG;
	rig_submit(&big, &large);
	while (rig.kv.txns < WRITER_PLAN_SLOTS)
		run_for(rig.loop, USEC_PER_MSEC);
	run_for(rig.loop, 20 * USEC_PER_MSEC);
	ck_assert_uint_eq(rig.kv.txns, WRITER_PLAN_SLOTS);
	rig.kv.always = KV_FINE;
	rig_run(&little, "small", 1, "v");
	rig_rc(&little, 0);
	ck_assert(!big.done);
	writer_free(TAKE(rig.writer));
	rig.lagging = true;
	rig_end();
}
END_TEST

START_TEST(many_plans_take_their_turns)
{
	static struct command commands[2 * WRITER_PLANS_MAX];
	char prefix[16];
	const struct toy_options options = {.prefix = prefix, .n = 2, .value = "v"};
	struct writer_status status;

	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		snprintf(prefix, sizeof(prefix), "p%zu-", i);
		rig_submit(&commands[i], &options);
	}
	writer_status(rig.writer, &status);
	ck_assert_uint_eq(status.waiting, 2 * WRITER_PLANS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!commands[i].done)
			rig_wait(&commands[i]);
		rig_rc(&commands[i], 0);
	}
	writer_status(rig.writer, &status);
	ck_assert_uint_eq(status.done, 2 * WRITER_PLANS_MAX);
	ck_assert_uint_eq(status.plans + status.waiting, 0);
	rig_end();
}
END_TEST

START_TEST(a_plan_behind_others_does_not_wait_for_ever_either)
{
	static struct command commands[WRITER_PLANS_MAX];
	const struct toy_options options = {.prefix = "p", .n = 1, .value = "v"};
	struct command last;

	rig_begin();
	rig.kv.always = KV_HANG;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		rig_submit(&commands[i], &options);
	rig_submit(&last, &options);
	/* its time passes once while there is a right to write, and no turn */
	run_for(rig.loop, 800 * USEC_PER_MSEC);
	ck_assert(!last.done);
	rig.may_not = -EAGAIN;
	rig_wait(&last);
	rig_rc(&last, -EHOSTDOWN);
	writer_free(TAKE(rig.writer));
	rig_end();
}
END_TEST

START_TEST(what_nobody_waits_for_is_completed_once_begun)
{
	const struct toy_options options = {.prefix = "n", .n = 300, .value = "v"};
	const struct toy_options other = {.prefix = "other", .n = 1, .value = "v"};
	struct command begun, waiting;

	rig_begin();
	rig_submit(&begun, &options);
	while (!begun.facts.applied)
		run_for(rig.loop, USEC_PER_MSEC);
	writer_forget(begun.job);
	rig_submit(&waiting, &other);
	writer_forget(waiting.job);
	ck_assert(waiting.facts.freed);
	run_until(rig.loop, &begun.facts.freed, "the rest was written");
	ck_assert_uint_eq(rig.kv.puts, 300);
	ck_assert(!begun.done);
	ck_assert_int_eq(kv_get(&rig.kv, "/c/nodes/other0/a")->mod, 0);
	rig_end();
}
END_TEST

START_TEST(more_than_a_transaction_takes_is_refused)
{
	const struct toy_options options = {
		.prefix = "n", .n = 1, .value = "v", .padding = 2 << 20};
	struct command c;

	rig_begin();
	rig_submit(&c, &options);
	rig_wait(&c);
	rig_rc(&c, -EIO);
	rig_says(&c, "at once");
	rig_end();
}
END_TEST

START_TEST(an_end_in_the_middle_is_told_as_far_as_it_is_known)
{
	const struct toy_options options = {.prefix = "n", .n = 3, .value = "v"};
	const struct toy_options other = {.prefix = "other", .n = 1, .value = "v"};
	struct command sent, unsent;

	rig_begin();
	rig.kv.always = KV_HANG;
	rig_submit(&sent, &options);
	while (!rig.kv.txns)
		run_for(rig.loop, USEC_PER_MSEC);
	rig_submit(&unsent, &other);
	writer_free(TAKE(rig.writer));
	ck_assert(sent.done && unsent.done);
	rig_rc(&sent, -EINPROGRESS);
	rig_rc(&unsent, -EHOSTDOWN);
	rig.lagging = true;
	rig_end();
}
END_TEST

TCase *writer_plans_case(void)
{
	TCase *tc = tcase_create("plans");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_plan_is_packed_into_few_transactions);
	tcase_add_test(tc, a_plan_without_work_ends_at_once);
	tcase_add_test(tc, the_answer_comes_when_the_copy_has_it);
	tcase_add_test(tc, a_copy_that_does_not_follow_is_told);
	tcase_add_test(tc, what_others_changed_is_planned_anew);
	tcase_add_test(tc, one_that_others_keep_changing_does_not_hold_up_the_rest);
	tcase_add_test(tc, lost_answers_and_lost_requests_do_no_harm);
	tcase_add_test(tc, what_stays_unknown_is_told);
	tcase_add_test(tc, an_etcd_out_of_space_stops_the_plan);
	tcase_add_test(tc, without_quorum_nothing_is_sent);
	tcase_add_test(tc, a_plan_that_loses_quorum_stops);
	tcase_add_test(tc, a_member_that_registers_is_waited_for);
	tcase_add_test(tc, a_plan_that_waits_for_too_long_says_for_what);
	tcase_add_test(tc, a_record_that_was_replaced_is_compared_anew);
	tcase_add_test(tc, a_small_plan_does_not_wait_for_a_large_one);
	tcase_add_test(tc, a_large_plan_leaves_room_at_etcd);
	tcase_add_test(tc, many_plans_take_their_turns);
	tcase_add_test(tc, a_plan_behind_others_does_not_wait_for_ever_either);
	tcase_add_test(tc, what_nobody_waits_for_is_completed_once_begun);
	tcase_add_test(tc, more_than_a_transaction_takes_is_refused);
	tcase_add_test(tc, an_end_in_the_middle_is_told_as_far_as_it_is_known);
	return tc;
}
