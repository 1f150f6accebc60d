#include "config.h"
#include "tests/unit/test_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "log/odd.h"
#include "log/report.h"
#include "tests/lib/suite.h"

START_TEST(odd_keys_are_told_once)
{
	struct odd *odd = odd_new();

	ck_assert(odd_add(odd, "a", 1));
	ck_assert(!odd_add(odd, "a", 1));
	ck_assert(odd_add(odd, "a", 2));
	ck_assert(odd_add(odd, "b", 1));
	odd_begin(odd);
	ck_assert(!odd_add(odd, "b", 1));
	odd_end(odd);
	ck_assert_uint_eq(odd_count(odd), 1);
	odd_remove(odd, "b");
	odd_remove(odd, "c");
	ck_assert_uint_eq(odd_count(odd), 0);
	for (int i = 0; i < 2 * ODD_MAX; i++) {
		CLEANUP(freep) char *key = xasprintf("k%d", i);

		odd_add(odd, key, 1);
	}
	ck_assert_uint_eq(odd_count(odd), ODD_MAX);
	odd_free(odd);
}
END_TEST

static char said[1024];

static void on_line(enum log_level level, const char *module, const char *text, void *arg)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(
		said + len, sizeof(said) - len, "%s %s: %s\n", log_level_name(level), module, text);
}

static void on_end(void *arg)
{
	loop_stop(arg);
}

START_TEST(what_flaps_is_told_a_few_times_and_then_how_it_ended)
{
	struct loop *loop = NULL;
	struct report *report;
	struct loop_timer *end;
	struct err err = {""};

	said[0] = '\0';
	log_set_sink(on_line, NULL);
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
	report = report_new(loop, "etcd", 100 * USEC_PER_MSEC);
	end = loop_timer_new(loop, "end", on_end, loop);
	for (int i = 0; i < 5; i++) {
		report_change(report, true, "bad");
		report_change(report, false, "good");
	}
	ck_assert_str_eq(said, "warning etcd: bad\ninfo etcd: good\n"
			       "warning etcd: bad\ninfo etcd: good\n");
	said[0] = '\0';
	loop_timer_after(end, 200 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_str_eq(said, "info etcd: good (5 changes before that were left out)\n");
	report_change(report, true, "bad");
	ck_assert_ptr_nonnull(strstr(said, "warning etcd: bad\n"));
	loop_timer_free(end);
	report_free(report);
	loop_free(loop);
	log_set_sink(NULL, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("floods");

	tcase_add_test(t, odd_keys_are_told_once);
	tcase_add_test(t, what_flaps_is_told_a_few_times_and_then_how_it_ended);
	suite_add_tcase(s, t);
	suite_add_tcase(s, roll_case());
	return s;
}

SUITE_MAIN(suite)
