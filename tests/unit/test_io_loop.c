#include "config.h"
#include "io/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "tests/lib/suite.h"

#define TIMERS 40

static struct loop *loop;
static char order[256]; /* a letter per callback, in the order in which they came */

static void note(char letter)
{
	size_t len = strlen(order);

	ck_assert(len + 1 < sizeof(order));
	order[len] = letter;
	order[len + 1] = '\0';
}

static void setup(void)
{
	struct err err = {0};

	order[0] = '\0';
	ck_assert_msg(loop_new(&loop, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	loop_free(loop);
}

static void run(void)
{
	struct err err = {0};

	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
}

static void on_stop(void *arg UNUSED)
{
	loop_stop(loop);
}

static char letters[128];

/* The letter as the argument of a callback. */
static void *letter(char c)
{
	letters[(int)c] = c;
	return &letters[(int)c];
}

static void on_letter(void *arg)
{
	note(*(const char *)arg);
}

START_TEST(timers_fire_in_the_order_of_their_instants)
{
	struct loop_timer *a = loop_timer_new(loop, "a", on_letter, letter('a'));
	struct loop_timer *b = loop_timer_new(loop, "b", on_letter, letter('b'));
	struct loop_timer *c = loop_timer_new(loop, "c", on_letter, letter('c'));
	struct loop_timer *end = loop_timer_new(loop, "end", on_stop, NULL);
	usec_t start = loop_now(loop);

	loop_timer_at(c, start + 3 * USEC_PER_MSEC);
	loop_timer_at(a, start + 1 * USEC_PER_MSEC);
	loop_timer_at(b, start + 2 * USEC_PER_MSEC);
	loop_timer_at(end, start + 20 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_timer_due(b), start + 2 * USEC_PER_MSEC);
	run();
	ck_assert_int_ge(loop_now(loop), start + 20 * USEC_PER_MSEC);
	ck_assert_str_eq(order, "abc");
	ck_assert_int_eq(loop_timer_due(b), USEC_NEVER);
	loop_timer_free(a);
	loop_timer_free(b);
	loop_timer_free(c);
	loop_timer_free(end);
}
END_TEST

static usec_t last_due;
static int fired;

struct random_timer {
	struct loop_timer *timer;
	usec_t at;
};

static void on_random_timer(void *arg)
{
	struct random_timer *t = arg;

	ck_assert_int_le(last_due, t->at);
	ck_assert_int_le(t->at, loop_now(loop));
	last_due = t->at;
	fired++;
}

START_TEST(many_timers_set_moved_and_removed_keep_their_order)
{
	struct random_timer timers[TIMERS];
	struct loop_timer *end = loop_timer_new(loop, "end", on_stop, NULL);
	usec_t start = loop_now(loop);
	int expected = 0;

	last_due = 0;
	fired = 0;
	for (int i = 0; i < TIMERS; i++) {
		timers[i].timer = loop_timer_new(loop, "t", on_random_timer, &timers[i]);
		timers[i].at = start + (usec_t)(random_u64() % 5000);
		loop_timer_at(timers[i].timer, timers[i].at);
	}
	for (int i = 0; i < TIMERS; i++) {
		if (i % 3 == 0) {
			timers[i].at = start + (usec_t)(random_u64() % 5000);
			loop_timer_at(timers[i].timer, timers[i].at);
		}
		if (i % 4 == 1)
			loop_timer_at(timers[i].timer, USEC_NEVER);
		else
			expected++;
	}
	loop_timer_at(end, start + 10 * USEC_PER_MSEC);
	run();
	ck_assert_int_eq(fired, expected);
	for (int i = 0; i < TIMERS; i++)
		loop_timer_free(timers[i].timer);
	loop_timer_free(end);
}
END_TEST

static struct loop_timer *greedy;
static int greedy_left;

static void on_greedy(void *arg UNUSED)
{
	note('g');
	if (--greedy_left > 0)
		loop_timer_at(greedy, 0);
}

START_TEST(a_timer_that_rearms_itself_in_the_past_does_not_starve_others)
{
	struct loop_timer *other = loop_timer_new(loop, "other", on_letter, letter('o'));
	struct loop_timer *end = loop_timer_new(loop, "end", on_stop, NULL);

	greedy = loop_timer_new(loop, "greedy", on_greedy, NULL);
	greedy_left = 3;
	loop_timer_at(greedy, 0);
	loop_timer_after(other, -5);
	ck_assert_str_eq(order, "");
	loop_timer_after(end, 10 * USEC_PER_MSEC);
	run();
	ck_assert_str_eq(order, "gogg");
	loop_timer_free(greedy);
	loop_timer_free(other);
	loop_timer_free(end);
}
END_TEST

static struct loop_timer *victims[2];

static void on_free_both(void *arg UNUSED)
{
	note('f');
	loop_timer_free(victims[0]);
	loop_timer_free(victims[1]);
	loop_stop(loop);
}

START_TEST(a_timer_frees_itself_and_one_that_is_due_in_the_same_round)
{
	victims[0] = loop_timer_new(loop, "first", on_free_both, NULL);
	victims[1] = loop_timer_new(loop, "second", on_letter, letter('x'));
	loop_timer_at(victims[0], 1);
	loop_timer_at(victims[1], 2);
	run();
	ck_assert_str_eq(order, "f");
}
END_TEST

static void on_slow(void *arg UNUSED)
{
	usec_t end = clock_boot() + 15 * USEC_PER_MSEC;

	while (clock_boot() < end)
		;
	loop_stop(loop);
}

START_TEST(the_longest_callback_is_known_by_name)
{
	struct loop_timer *slow = loop_timer_new(loop, "slowpoke", on_slow, NULL);
	struct loop_stall stall;

	loop_timer_after(slow, 0);
	run();
	loop_timer_free(slow);
	stall = loop_stall(loop);
	ck_assert_str_eq(stall.what, "slowpoke");
	ck_assert_int_ge(stall.longest, 15 * USEC_PER_MSEC);
	ck_assert_int_le(stall.at, clock_boot());
	loop_stall_reset(loop);
	ck_assert_int_eq(loop_stall(loop).longest, 0);
	ck_assert_str_eq(loop_stall(loop).what, "");
}
END_TEST

static void on_wait(void *arg UNUSED)
{
	loop_doing(loop, "waiting");
	(void)poll(NULL, 0, 30);
	loop_stop(loop);
}

START_TEST(a_callback_says_what_it_is_about_and_waiting_is_no_work)
{
	struct loop_timer *timer = loop_timer_new(loop, "timer", on_wait, NULL);
	struct loop_stall stall;

	loop_timer_after(timer, 0);
	run();
	loop_timer_free(timer);
	stall = loop_stall(loop);
	ck_assert_str_eq(stall.what, "waiting");
	ck_assert_int_ge(stall.longest, 30 * USEC_PER_MSEC);
	ck_assert_int_lt(stall.working, 15 * USEC_PER_MSEC);
	loop_stall_reset(loop);
	timer = loop_timer_new(loop, "slowpoke", on_slow, NULL);
	loop_timer_after(timer, 0);
	run();
	loop_timer_free(timer);
	/* the word was for one callback */
	ck_assert_str_eq(loop_stall(loop).what, "slowpoke");
	ck_assert_int_gt(loop_stall(loop).working, USEC_PER_MSEC);
}
END_TEST

static struct loop_defer *defers[3];

static void on_first_defer(void *arg UNUSED)
{
	note('1');
	loop_defer_free(defers[1]);
	loop_defer_schedule(defers[2]);
	loop_defer_free(defers[0]);
}

static void on_last_defer(void *arg UNUSED)
{
	note('3');
	loop_stop(loop);
}

START_TEST(deferred_calls_come_once_in_order_and_may_free_each_other)
{
	defers[0] = loop_defer_new(loop, on_first_defer, NULL);
	defers[1] = loop_defer_new(loop, on_letter, letter('2'));
	defers[2] = loop_defer_new(loop, on_last_defer, NULL);
	loop_defer_schedule(defers[0]);
	loop_defer_schedule(defers[0]);
	loop_defer_schedule(defers[1]);
	ck_assert_str_eq(order, "");
	run();
	ck_assert_str_eq(order, "13");
	loop_defer_free(defers[2]);
}
END_TEST

static struct loop_defer *again;

static void on_again(void *arg UNUSED)
{
	loop_defer_schedule(again);
}

START_TEST(a_call_that_defers_itself_forever_lets_timers_through)
{
	struct loop_timer *end = loop_timer_new(loop, "end", on_stop, NULL);

	again = loop_defer_new(loop, on_again, NULL);
	loop_defer_schedule(again);
	loop_timer_after(end, USEC_PER_MSEC);
	run();
	loop_defer_free(again);
	loop_timer_free(end);
}
END_TEST

static void on_busy(void *arg)
{
	usec_t until = clock_boot() + 12 * USEC_PER_MSEC;

	note(*(char *)arg);
	while (clock_boot() < until)
		;
}

static void on_end(void *arg)
{
	on_letter(arg);
	loop_stop(loop);
}

START_TEST(patient_calls_let_everything_else_through_between_two_of_them)
{
	struct loop_timer *timer = loop_timer_new(loop, "timer", on_letter, letter('t'));
	struct loop_defer *eager = loop_defer_new(loop, on_letter, letter('e'));
	struct loop_defer *end = loop_patient_new(loop, on_end, letter('.'));

	for (size_t i = 0; i < ARRAY_SIZE(defers); i++) {
		defers[i] = loop_patient_new(loop, on_busy, letter((char)('1' + i)));
		loop_defer_schedule(defers[i]);
	}
	loop_defer_schedule(end);
	loop_defer_schedule(eager);
	loop_timer_after(timer, 0);
	run();
	ck_assert_str_eq(order, "e1t23.");
	for (size_t i = 0; i < ARRAY_SIZE(defers); i++)
		loop_defer_free(defers[i]);
	loop_defer_free(end);
	loop_defer_free(eager);
	loop_timer_free(timer);
}
END_TEST

static void on_signal(int signo, void *arg UNUSED)
{
	note(signo == SIGUSR1 ? 'u' : '?');
	loop_stop(loop);
}

START_TEST(a_signal_is_told_from_the_loop)
{
	struct loop_signal *s = loop_signal_new(loop, SIGUSR1, on_signal, NULL);

	raise(SIGUSR1);
	ck_assert_str_eq(order, "");
	run();
	ck_assert_str_eq(order, "u");
	loop_signal_free(s);
}
END_TEST

static struct loop_signal *one_shot;

static void on_one_shot(int signo UNUSED, void *arg UNUSED)
{
	note('s');
	loop_signal_free(one_shot);
	loop_stop(loop);
}

START_TEST(a_signal_object_may_be_freed_in_its_callback)
{
	one_shot = loop_signal_new(loop, SIGUSR2, on_one_shot, NULL);
	raise(SIGUSR2);
	run();
	ck_assert_str_eq(order, "s");
}
END_TEST

struct pair {
	int fds[2];
	struct loop_io *io[2];
	int seen[2];
};

static struct pair pair;

static void on_pair_event(int events, void *arg)
{
	int me = *(const int *)arg;

	pair.seen[me] |= events;
	/* Whichever is first frees the other, which is ready in the same round, and itself. */
	loop_io_free(pair.io[0]);
	loop_io_free(pair.io[1]);
	loop_stop(loop);
}

START_TEST(descriptors_ready_at_once_may_be_freed_by_the_first)
{
	static int numbers[2] = {0, 1};

	memset(&pair, 0, sizeof(pair));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.fds), 0);
	for (int i = 0; i < 2; i++)
		pair.io[i] = loop_io_new(loop, pair.fds[i], LOOP_WRITE, on_pair_event, &numbers[i]);
	run();
	ck_assert_int_eq(pair.seen[0] + pair.seen[1], LOOP_WRITE);
	close(pair.fds[0]);
	close(pair.fds[1]);
}
END_TEST

static void on_switching(int events, void *arg)
{
	struct pair *p = arg;

	if (events & LOOP_WRITE) {
		note('w');
		loop_io_set(p->io[0], LOOP_READ);
		ck_assert_int_eq(write(p->fds[1], "x", 1), 1);
		return;
	}
	note('r');
	loop_io_set(p->io[0], 0); /* paused, although readable still */
}

START_TEST(interest_changes_inside_the_callback_and_pauses)
{
	struct loop_timer *end = loop_timer_new(loop, "end", on_stop, NULL);

	memset(&pair, 0, sizeof(pair));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.fds), 0);
	pair.io[0] = loop_io_new(loop, pair.fds[0], LOOP_WRITE, on_switching, &pair);
	loop_timer_after(end, 20 * USEC_PER_MSEC);
	run();
	ck_assert_str_eq(order, "wr");
	loop_io_free(pair.io[0]);
	loop_timer_free(end);
	close(pair.fds[0]);
	close(pair.fds[1]);
}
END_TEST

static void on_reuse(int events UNUSED, void *arg)
{
	note(*(const char *)arg);
	loop_stop(loop);
}

START_TEST(a_descriptor_number_may_be_reused_right_after_the_free)
{
	struct loop_io *io;
	int old[2], new[2];

	ck_assert_int_eq(pipe2(old, O_CLOEXEC), 0);
	ck_assert_int_eq(write(old[1], "x", 1), 1);
	io = loop_io_new(loop, old[0], LOOP_READ, on_reuse, letter('o'));
	run();
	loop_io_free(io);
	close(old[0]);
	close(old[1]);
	ck_assert_int_eq(pipe2(new, O_CLOEXEC), 0);
	ck_assert_int_eq(new[0], old[0]);
	ck_assert_int_eq(write(new[1], "x", 1), 1);
	io = loop_io_new(loop, new[0], LOOP_READ, on_reuse, letter('n'));
	run();
	ck_assert_str_eq(order, "on");
	loop_io_free(io);
	close(new[0]);
	close(new[1]);
}
END_TEST

START_TEST(a_stop_before_the_run_is_kept)
{
	loop_stop(loop);
	run(); /* returns, though nothing is there to end it */
}
END_TEST

START_TEST(a_loop_without_objects_is_freed_and_null_too)
{
	loop_free(NULL);
	loop_timer_free(NULL);
	loop_io_free(NULL);
	loop_defer_free(NULL);
	loop_signal_free(NULL);
	ck_assert_ptr_nonnull(loop);
}
END_TEST

START_TEST(writing_to_a_vanished_peer_does_not_end_the_process)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	ck_assert_int_eq(write(fds[1], "x", 1), -1);
	close(fds[1]);
}
END_TEST

START_TEST(random_bytes_differ_and_clocks_agree_with_their_epochs)
{
	ck_assert_uint_ne(random_u64(), random_u64());
	ck_assert_int_gt(clock_wall(), (usec_t)1600000000 * USEC_PER_SEC);
	ck_assert_int_gt(clock_boot(), 0);
	ck_assert_int_lt(clock_boot(), clock_wall());
}
END_TEST

static Suite *io_loop_suite(void)
{
	Suite *suite = suite_create("io/loop");
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, timers_fire_in_the_order_of_their_instants);
	tcase_add_test(tc, many_timers_set_moved_and_removed_keep_their_order);
	tcase_add_test(tc, a_timer_that_rearms_itself_in_the_past_does_not_starve_others);
	tcase_add_test(tc, a_timer_frees_itself_and_one_that_is_due_in_the_same_round);
	tcase_add_test(tc, the_longest_callback_is_known_by_name);
	tcase_add_test(tc, a_callback_says_what_it_is_about_and_waiting_is_no_work);
	tcase_add_test(tc, deferred_calls_come_once_in_order_and_may_free_each_other);
	tcase_add_test(tc, a_call_that_defers_itself_forever_lets_timers_through);
	tcase_add_test(tc, patient_calls_let_everything_else_through_between_two_of_them);
	tcase_add_test(tc, a_signal_is_told_from_the_loop);
	tcase_add_test(tc, a_signal_object_may_be_freed_in_its_callback);
	tcase_add_test(tc, descriptors_ready_at_once_may_be_freed_by_the_first);
	tcase_add_test(tc, interest_changes_inside_the_callback_and_pauses);
	tcase_add_test(tc, a_descriptor_number_may_be_reused_right_after_the_free);
	tcase_add_test(tc, a_stop_before_the_run_is_kept);
	tcase_add_test(tc, a_loop_without_objects_is_freed_and_null_too);
	tcase_add_test(tc, writing_to_a_vanished_peer_does_not_end_the_process);
	tcase_add_test(tc, random_bytes_differ_and_clocks_agree_with_their_epochs);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_loop_suite)
