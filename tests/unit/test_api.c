#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "io/clock.h"
#include "io/loop.h"
#include "tests/lib/suite.h"
#include "tests/unit/api_client.h"
#include "tests/unit/api_fixture.h"
#include "wire/envelope.h"
#include "wire/frame.h"

START_TEST(a_collective_message_is_answered_once_and_the_connection_ends)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, SHOW);
	client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
	client_expect_closed(&c);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(a_later_collective_message_ends_with_requestdone)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, SHOW);
	client_send(&c, "{\"collective\":{\"operation\":\"nosuch\"}}");
	client_send(&c, GET("/version"));
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
	client_expect(&c, DONE);
	client_expect(&c, "{\"collective\":{\"error\":\"unknown operation\"}}");
	client_expect(&c, DONE);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

static const struct {
	const char *request;
	const char *replies[5];
} resources[] = {
	{GET("/"), {"{\"item\":{\"href\":\"noderange/\"}}", "{\"item\":{\"href\":\"nodes/\"}}",
			   "{\"item\":{\"href\":\"nodegroups/\"}}",
			   "{\"item\":{\"href\":\"version\"}}"}},
	{GET("/version"), {OUR_VERSION}},
	{GET("/version/"), {OUR_VERSION}},
	{"{\"operation\":\"retrieve\",\"path\":\"/version\",\"parameters\":null,\"x\":1}",
		{OUR_VERSION}},
	{"{\"operation\":\"update\",\"path\":\"/version\",\"parameters\":{}}",
		{ERROR("400", "Bad Request - operation 'update' is not possible here")}},
	{GET(""), {ERROR("400", "Bad Request - the path must begin with /")}},
	{GET("version"), {ERROR("400", "Bad Request - the path must begin with /")}},
	{GET("/versions"),
		{"{\"operation\":\"retrieve\",\"path\":\"/versions\",\"parameters\":0}"}},
	{GET("/version/x"),
		{"{\"operation\":\"retrieve\",\"path\":\"/version/x\",\"parameters\":0}"}},
	{"{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"parameters\":{\"a\":\"b\"}}",
		{"{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"parameters\":1}"}},
	{"[]", {ERROR("400", "Bad Request - expected an object, found an array")}},
	{"{}", {ERROR("400", "Bad Request - 'operation' is missing")}},
	{"{\"username\":\"a\",\"password\":\"b\"}",
		{ERROR("400", "Bad Request - already authenticated")}},
};

START_TEST(paths_of_the_table_are_answered_others_are_the_handlers)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, resources[_i].request);
	for (size_t i = 0; resources[_i].replies[i]; i++)
		client_expect(&c, resources[_i].replies[i]);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(without_handlers_there_is_nothing)
{
	const struct api_options options = {.judge = judge};
	const struct api_handlers none = {NULL};
	struct client c;

	start(&options, &none);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/nodes/"));
	client_expect(&c, ERROR("404", "Target not found"));
	client_expect(&c, DONE);
	client_send(&c, SHOW);
	client_expect(
		&c, "{\"collective\":{\"error\":\"Collective mode not enabled on this system\"}}");
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_sent_ahead_are_answered_in_order_one_at_a_time)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	for (int i = 0; i < 100; i++)
		client_send(&c, SHOW);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	loop_until(f.loop, has_pending, NULL, "the handler");
	loop_turns(f.loop, 5);
	ck_assert_int_eq(f.started, 1);
	api_request_reply(f.pending, json_new_object());
	api_request_done(TAKE(f.pending));
	client_expect(&c, "{\"collective\":{}}");
	client_expect(&c, DONE);
	for (int i = 0; i < 100; i++) {
		client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
		client_expect(&c, DONE);
	}
	ck_assert_uint_eq(api_server_counters(f.server).requests, 102);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_may_be_cut_anywhere)
{
	static const char text[] = GET("/version");
	struct buf b = BUF_INIT(1024);
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	ck_assert_int_eq(frame_put(&b, FRAME_JSON, text, strlen(text)), 0);
	for (size_t i = 0; i < b.len; i++) {
		client_send_bytes(&c, b.data + i, 1);
		loop_turns(f.loop, 1);
	}
	for (size_t cut = 1; cut < b.len; cut++) {
		client_send_bytes(&c, b.data, cut);
		loop_turns(f.loop, 1);
		client_send_bytes(&c, b.data + cut, b.len - cut);
		client_expect(&c, OUR_VERSION);
		client_expect(&c, DONE);
	}
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	buf_done(&b);
	client_close(&c);
	stop();
}
END_TEST

/* Sends until the kernel takes no more; false when it never stops. */
static bool fills_up(struct client *c, const struct buf *b)
{
	for (int i = 0; i < 200; i++) {
		if (send(c->fd, b->data, b->len, MSG_NOSIGNAL) < 0)
			return errno == EAGAIN;
		loop_turns(f.loop, 1);
	}
	return false;
}

START_TEST(what_is_sent_ahead_without_end_waits_in_the_kernel)
{
	struct buf b = BUF_INIT(1 << 20);
	struct client c;

	start_default();
	while (b.len < 65536)
		ck_assert_int_eq(frame_put(&b, FRAME_JSON, SHOW, strlen(SHOW)), 0);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	ck_assert(fills_up(&c, &b));
	ck_assert_int_eq(f.started, 1);
	api_request_done(TAKE(f.pending));
	client_expect_closed(&c);
	client_close(&c);
	buf_done(&b);
	stop();
}
END_TEST

START_TEST(a_slow_reader_is_waited_for_and_gets_everything)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, "{\"collective\":{\"operation\":\"stream\"}}");
	client_send(&c, GET("/version"));
	loop_until(f.loop, has_pending, NULL, "the handler");
	loop_turns(f.loop, 20);
	ck_assert_ptr_nonnull(f.pending);
	ck_assert_int_lt(f.streamed, STREAM_FRAMES / 2);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	for (int i = 0; i < STREAM_FRAMES; i++) {
		char *got = client_receive(&c);
		char start_of[64];

		snprintf(start_of, sizeof(start_of), "{\"collective\":{\"n\":%d,", i);
		ck_assert_msg(text_starts(got, start_of), "%d: %.40s", i, got);
		free(got);
	}
	client_expect(&c, DONE);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

#define SLOW_CLIENTS  8
#define SLOW_REQUESTS 5

/* Calls of the slow handler since the timer had its turn. */
static struct turns {
	struct loop_timer *timer;
	int calls, most, total;
} turns;

static void on_slow(struct api_request *req, const char *operation UNUSED, const char *path UNUSED,
	const json *parameters UNUSED, void *arg UNUSED)
{
	usec_t until = clock_boot() + 6 * USEC_PER_MSEC;

	turns.total++;
	turns.most = MAX(turns.most, ++turns.calls);
	while (clock_boot() < until)
		;
	api_request_done(req);
}

static void on_tick(void *arg UNUSED)
{
	turns.calls = 0;
	loop_timer_after(turns.timer, USEC_PER_MSEC);
}

static bool all_served(void *arg UNUSED)
{
	return turns.total == SLOW_CLIENTS * SLOW_REQUESTS;
}

START_TEST(many_clients_with_long_requests_let_timers_through)
{
	const struct api_options options = {.judge = judge};
	const struct api_handlers slow = {.resource = on_slow};
	struct client clients[SLOW_CLIENTS];

	start(&options, &slow);
	turns.timer = loop_timer_new(f.loop, "tick", on_tick, NULL);
	for (int i = 0; i < SLOW_CLIENTS; i++) {
		client_connect(&clients[i], f.loop, f.path);
		client_expect_greeting(&clients[i], true);
	}
	for (int i = 0; i < SLOW_CLIENTS * SLOW_REQUESTS; i++)
		client_send(&clients[i % SLOW_CLIENTS], GET("/nodes/"));
	loop_timer_after(turns.timer, 0);
	loop_until(f.loop, all_served, NULL, "all requests to be served");
	/* of 40; two use up what a round has for clients */
	ck_assert_int_le(turns.most, 8);
	for (int i = 0; i < SLOW_CLIENTS; i++)
		client_close(&clients[i]);
	loop_timer_free(turns.timer);
	stop();
}
END_TEST

START_TEST(a_client_that_goes_away_cancels_its_request_once)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	client_send(&c, SHOW);
	loop_until(f.loop, has_pending, NULL, "the handler");
	client_close(&c);
	loop_until(f.loop, was_cancelled, NULL, "being told");
	loop_turns(f.loop, 5);
	ck_assert_int_eq(f.cancelled, 1);
	ck_assert_int_eq(f.started, 1);
	ck_assert_uint_eq(api_server_counters(f.server).connections, 0);
	ck_assert(!api_request_congested(f.pending));
	api_request_reply(f.pending, json_new_object());
	api_request_error(TAKE(f.pending), 500, "too late");
	ck_assert_int_eq(f.cancelled, 1);
	stop();
}
END_TEST

static bool nobody_is_there(void *arg UNUSED)
{
	return api_server_counters(f.server).connections == 0;
}

START_TEST(an_abandoned_request_keeps_its_place_until_it_ends)
{
	const struct api_options options = {.judge = judge, .connections = 1};
	struct client c;

	start(&options, NULL);
	f.watch = false;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	client_close(&c);
	loop_until(f.loop, nobody_is_there, NULL, "the end");
	client_connect(&c, f.loop, f.path);
	client_expect(&c, ENVELOPE_BANNER);
	client_expect(&c, "{\"authpassed\":0,\"error\":\"collectived has too many connections, try "
			  "again\"}");
	client_expect_closed(&c);
	client_close(&c);
	api_request_done(TAKE(f.pending));
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_outlive_the_server)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	api_server_free(TAKE(f.server));
	ck_assert_int_eq(f.cancelled, 1);
	client_expect_closed(&c);
	client_close(&c);
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("api");
	TCase *t = tcase_create("requests");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_collective_message_is_answered_once_and_the_connection_ends);
	tcase_add_test(t, a_later_collective_message_ends_with_requestdone);
	tcase_add_loop_test(t, paths_of_the_table_are_answered_others_are_the_handlers, 0,
		ARRAY_SIZE(resources));
	tcase_add_test(t, without_handlers_there_is_nothing);
	tcase_add_test(t, requests_sent_ahead_are_answered_in_order_one_at_a_time);
	tcase_add_test(t, requests_may_be_cut_anywhere);
	tcase_add_test(t, what_is_sent_ahead_without_end_waits_in_the_kernel);
	tcase_add_test(t, a_slow_reader_is_waited_for_and_gets_everything);
	tcase_add_test(t, many_clients_with_long_requests_let_timers_through);
	tcase_add_test(t, a_client_that_goes_away_cancels_its_request_once);
	tcase_add_test(t, an_abandoned_request_keeps_its_place_until_it_ends);
	tcase_add_test(t, requests_outlive_the_server);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
