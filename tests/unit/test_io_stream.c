#include "config.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/loop.h"
#include "tests/lib/suite.h"

#define WATCHDOG (10 * USEC_PER_SEC)
#define LIMIT	 ((size_t)100000)
#define MEGABYTE ((size_t)1 << 20)

/* One stream and what it was told. */
struct side {
	struct stream *stream;
	int ready, closed, drained, readable;
	int rc;
	char why[256];
	struct buf got;
	bool keep; /* leave what is readable in the stream */
	bool free_on_readable;
	bool free_on_closed;
	bool free_on_ready;
	size_t most; /* the most that was readable at once */
};

static struct loop *loop;
static struct loop_timer *watchdog;
static struct side side;
static int other; /* the raw far end */
static bool (*until)(void);

static void check_done(void)
{
	if (until && until())
		loop_stop(loop);
}

static void on_ready(void *arg)
{
	struct side *s = arg;

	ck_assert_int_eq(s->closed, 0);
	s->ready++;
	if (s->free_on_ready)
		stream_free(TAKE(s->stream));
	check_done();
}

static void on_readable(struct buf *received, void *arg)
{
	struct side *s = arg;

	ck_assert_int_eq(s->ready, 1);
	ck_assert_int_eq(s->closed, 0);
	ck_assert_uint_gt(received->len, 0);
	ck_assert_uint_eq(strlen(received->data), received->len);
	s->readable++;
	s->most = MAX(s->most, received->len);
	if (!s->keep) {
		ck_assert_int_eq(buf_add(&s->got, received->data, received->len), 0);
		buf_consume(received, received->len);
	}
	if (s->free_on_readable)
		stream_free(TAKE(s->stream));
	check_done();
}

static void on_drained(void *arg)
{
	struct side *s = arg;

	s->drained++;
	check_done();
}

static void on_closed(int rc, const char *why, void *arg)
{
	struct side *s = arg;

	s->closed++;
	s->rc = rc;
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (s->free_on_closed)
		stream_free(TAKE(s->stream));
	check_done();
}

static const struct stream_ops ops = {
	.ready = on_ready, .readable = on_readable, .drained = on_drained, .closed = on_closed};

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void setup(void)
{
	const struct stream_limits limits = {.receive = LIMIT, .send = LIMIT};
	struct err err = {0};
	int fds[2];

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	other = fds[1];
	memset(&side, 0, sizeof(side));
	buf_init(&side.got, 4 * MEGABYTE);
	ck_assert_int_eq(
		stream_new(&side.stream, loop, fds[0], NULL, &limits, &ops, &side, &err), 0);
	ck_assert_int_ne(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
}

static void teardown(void)
{
	stream_free(side.stream);
	if (other >= 0)
		close(other);
	buf_done(&side.got);
	loop_timer_free(watchdog);
	loop_free(loop);
}

static void run_until(bool (*condition)(void))
{
	struct err err = {0};

	until = condition;
	if (!condition())
		ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
	until = NULL;
}

/* Runs the loop for a few milliseconds, for what must not happen. */
static void on_pause_over(void *arg UNUSED)
{
	loop_stop(loop);
}

static void run_a_while(void)
{
	struct loop_timer *timer = loop_timer_new(loop, "pause", on_pause_over, NULL);
	struct err err = {0};

	loop_timer_after(timer, 20 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_timer_free(timer);
}

static bool is_ready(void)
{
	return side.ready;
}

static bool is_closed(void)
{
	return side.closed;
}

static bool is_drained(void)
{
	return side.drained;
}

static bool got_hello_world(void)
{
	return side.got.len == strlen("hello, world");
}

static bool got_something(void)
{
	return side.readable > 0;
}

static void write_other(const char *text)
{
	ck_assert_int_eq(write(other, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(what_comes_in_pieces_is_readable_in_order)
{
	run_until(is_ready);
	write_other("hello, ");
	run_until(got_something);
	write_other("world");
	run_until(got_hello_world);
	ck_assert_str_eq(buf_cstr(&side.got), "hello, world");
	ck_assert_int_eq(side.ready, 1);
	ck_assert_ptr_null(stream_tls(side.stream));
	ck_assert_int_eq(strncmp(stream_peer(side.stream), "uid ", 4), 0);
}
END_TEST

START_TEST(the_end_comes_after_all_bytes_and_once)
{
	write_other("hello, world");
	close(other);
	other = -1;
	run_until(is_closed);
	ck_assert_str_eq(buf_cstr(&side.got), "hello, world");
	ck_assert_int_eq(side.rc, 0);
	run_a_while();
	ck_assert_int_eq(side.closed, 1);
	ck_assert_int_eq(stream_send(side.stream, "x", 1), -EPIPE);
}
END_TEST

static bool has_two_reads(void)
{
	return side.readable >= 2;
}

START_TEST(reading_stops_at_the_ceiling_until_bytes_are_consumed)
{
	char *flood = xmalloc(MEGABYTE);
	ssize_t written;

	memset(flood, 'x', MEGABYTE);
	ck_assert_int_eq(fcntl(other, F_SETFL, O_NONBLOCK), 0);
	side.keep = true;
	written = write(other, flood, MEGABYTE);
	ck_assert_int_gt(written, (ssize_t)LIMIT);
	run_until(has_two_reads);
	run_a_while();
	ck_assert_uint_eq(side.most, LIMIT);
	side.keep = false;
	stream_pause(side.stream, true);
	stream_pause(side.stream, false);
	close(other);
	other = -1;
	run_until(is_closed);
	ck_assert_uint_eq(side.got.len, (size_t)written);
	free(flood);
}
END_TEST

START_TEST(nothing_is_read_and_no_end_noticed_while_paused)
{
	run_until(is_ready);
	stream_pause(side.stream, true);
	write_other("hello, world");
	close(other);
	other = -1;
	run_a_while();
	ck_assert_int_eq(side.readable, 0);
	ck_assert_int_eq(side.closed, 0);
	stream_pause(side.stream, false);
	run_until(is_closed);
	ck_assert_str_eq(buf_cstr(&side.got), "hello, world");
}
END_TEST

static struct buf taken; /* what the far end has read */

static void on_other_readable(int events UNUSED, void *arg UNUSED)
{
	char piece[4096];
	ssize_t n = recv(other, piece, sizeof(piece), MSG_DONTWAIT);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(buf_add(&taken, piece, (size_t)n), 0);
	check_done();
}

static bool has_taken_all(void)
{
	return taken.len == LIMIT + 4;
}

START_TEST(sending_past_the_ceiling_is_refused_and_drained_is_told)
{
	struct loop_io *reader = loop_io_new(loop, other, LOOP_READ, on_other_readable, NULL);
	char *data = xmalloc(LIMIT);

	buf_init(&taken, 2 * LIMIT);
	for (size_t i = 0; i < LIMIT; i++)
		data[i] = (char)('a' + i % 26);
	run_until(is_ready);
	ck_assert_int_eq(stream_send(side.stream, data, LIMIT), 0);
	ck_assert_int_eq(stream_send(side.stream, "x", 1), -ENOBUFS);
	run_until(is_drained);
	ck_assert_int_eq(stream_send(side.stream, "more", 4), 0);
	run_until(has_taken_all);
	ck_assert_mem_eq(taken.data, data, LIMIT);
	ck_assert_mem_eq(taken.data + LIMIT, "more", 4);
	loop_io_free(reader);
	buf_done(&taken);
	free(data);
}
END_TEST

static int refused;
static size_t sent_total;

static void on_sender(void *arg UNUSED)
{
	static char piece[1000];

	memset(piece, 's', sizeof(piece));
	for (int i = 0; i < 200; i++) {
		int rc = stream_send(side.stream, piece, sizeof(piece));

		if (rc == -ENOBUFS)
			refused++;
		else
			ck_assert_int_eq(rc, 0);
		sent_total += rc == 0 ? sizeof(piece) : 0;
	}
	loop_stop(loop);
}

START_TEST(a_reader_that_does_not_read_meets_the_ceiling_and_loses_nothing)
{
	struct loop_timer *sender = loop_timer_new(loop, "sender", on_sender, NULL);
	struct err err = {0};
	char sink[65536];
	size_t len = 0;
	ssize_t n;

	run_until(is_ready);
	for (int i = 0; i < 20; i++) {
		loop_timer_after(sender, USEC_PER_MSEC);
		ck_assert_int_eq(loop_run(loop, &err), 0);
	}
	ck_assert_int_gt(refused, 0);
	stream_finish(side.stream, WATCHDOG);
	for (;;) {
		run_a_while();
		n = recv(other, sink, sizeof(sink), MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	ck_assert_uint_eq(len, sent_total);
	close(other);
	other = -1;
	run_until(is_closed);
	ck_assert_int_eq(side.rc, 0);
	loop_timer_free(sender);
}
END_TEST

START_TEST(finish_sends_what_is_queued_and_waits_for_the_other_side)
{
	char got[64];
	ssize_t n;

	run_until(is_ready);
	ck_assert_int_eq(stream_send(side.stream, "bye", 3), 0);
	stream_finish(side.stream, WATCHDOG);
	ck_assert_int_eq(stream_send(side.stream, "x", 1), -EPIPE);
	write_other("unheard");
	run_a_while();
	ck_assert_int_eq(side.closed, 0);
	n = read(other, got, sizeof(got));
	ck_assert_int_eq(n, 3);
	ck_assert_mem_eq(got, "bye", 3);
	ck_assert_int_eq(read(other, got, sizeof(got)), 0);
	close(other);
	other = -1;
	run_until(is_closed);
	ck_assert_int_eq(side.rc, 0);
	ck_assert_int_eq(side.readable, 0);
}
END_TEST

START_TEST(finish_gives_up_after_its_grace)
{
	run_until(is_ready);
	stream_finish(side.stream, 10 * USEC_PER_MSEC);
	run_until(is_closed);
	ck_assert_int_eq(side.rc, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(side.why, "did not close"));
}
END_TEST

START_TEST(a_side_that_ends_only_its_sending_gets_what_is_queued)
{
	char got[16];

	run_until(is_ready);
	ck_assert_int_eq(stream_send(side.stream, "answer", 6), 0);
	ck_assert_int_eq(shutdown(other, SHUT_WR), 0);
	run_until(is_closed);
	ck_assert_int_eq(side.rc, 0);
	ck_assert_int_eq(read(other, got, sizeof(got)), 6);
}
END_TEST

START_TEST(a_peer_that_vanished_ends_the_stream_when_it_is_written_to)
{
	run_until(is_ready);
	stream_pause(side.stream, true); /* so that only writing can notice */
	close(other);
	other = -1;
	ck_assert_int_eq(stream_send(side.stream, "x", 1), 0);
	run_until(is_closed);
	ck_assert_msg(side.rc == -EPIPE || side.rc == -ECONNRESET, "%d", side.rc);
	ck_assert_ptr_nonnull(strstr(side.why, "connection lost"));
}
END_TEST

START_TEST(last_words_are_heard_when_sending_fails)
{
	run_until(is_ready);
	write_other("hello, world");
	close(other);
	other = -1;
	ck_assert_int_eq(stream_send(side.stream, "x", 1), 0);
	run_until(is_closed);
	ck_assert_str_eq(buf_cstr(&side.got), "hello, world");
}
END_TEST

START_TEST(a_stream_may_be_freed_in_any_callback)
{
	side.free_on_ready = _i == 0;
	side.free_on_readable = _i == 1;
	side.free_on_closed = _i == 2;
	write_other("x");
	close(other);
	other = -1;
	run_a_while();
	ck_assert_ptr_null(side.stream);
	ck_assert_int_eq(side.ready, 1);
	ck_assert_int_eq(side.readable, _i > 0);
	ck_assert_int_eq(side.closed, _i > 1);
}
END_TEST

START_TEST(nothing_is_called_after_the_free)
{
	write_other("x");
	stream_free(TAKE(side.stream));
	run_a_while();
	ck_assert_int_eq(side.ready + side.readable + side.closed, 0);
}
END_TEST

static Suite *io_stream_suite(void)
{
	Suite *suite = suite_create("io/stream");
	TCase *tc = tcase_create("stream");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_comes_in_pieces_is_readable_in_order);
	tcase_add_test(tc, the_end_comes_after_all_bytes_and_once);
	tcase_add_test(tc, reading_stops_at_the_ceiling_until_bytes_are_consumed);
	tcase_add_test(tc, nothing_is_read_and_no_end_noticed_while_paused);
	tcase_add_test(tc, sending_past_the_ceiling_is_refused_and_drained_is_told);
	tcase_add_test(tc, a_reader_that_does_not_read_meets_the_ceiling_and_loses_nothing);
	tcase_add_test(tc, finish_sends_what_is_queued_and_waits_for_the_other_side);
	tcase_add_test(tc, finish_gives_up_after_its_grace);
	tcase_add_test(tc, a_side_that_ends_only_its_sending_gets_what_is_queued);
	tcase_add_test(tc, a_peer_that_vanished_ends_the_stream_when_it_is_written_to);
	tcase_add_test(tc, last_words_are_heard_when_sending_fails);
	tcase_add_loop_test(tc, a_stream_may_be_freed_in_any_callback, 0, 3);
	tcase_add_test(tc, nothing_is_called_after_the_free);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_stream_suite)
