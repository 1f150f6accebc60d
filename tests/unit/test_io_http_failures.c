/*
 * http.c when it goes wrong: what each failure is called and whether the request was sent, what is
 * given up, cancelled or freed while it is under way, and what is refused.
 */
#include "config.h"
#include "tests/unit/test_io_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

START_TEST(a_body_past_its_ceiling_is_an_error)
{
	send_to(0, "/flood", NULL);
	run_until(1);
	check_failed(0, -EMSGSIZE, true, "larger than 1048576 bytes");
}
END_TEST

START_TEST(a_reader_may_give_a_stream_up)
{
	char url[128];
	struct http_options options = options_for("/open", url);

	options.on_data = on_data;
	replies[0].give_up = -EBADMSG;
	send_with(0, &options);
	run_until(1);
	check_failed(0, -EBADMSG, true, "given up");
	ck_assert_int_eq(replies[0].status, 200);
}
END_TEST

START_TEST(a_reader_may_cancel_its_stream)
{
	char url[128];
	struct http_options options = options_for("/open", url);

	options.on_data = on_data;
	replies[0].cancel_on_data = true;
	send_with(0, &options);
	run_until(1);
	ck_assert_int_eq(replies[0].pieces, 1);
	ck_assert_int_eq(replies[0].calls, 0);
}
END_TEST

START_TEST(a_cancelled_request_is_not_heard_of)
{
	send_to(0, "/who", NULL);
	send_to(1, "/who", NULL);
	http_cancel(replies[0].request);
	run_until(1);
	ck_assert_int_eq(replies[0].calls, 0);
	ck_assert_int_eq(replies[1].calls, 1);
}
END_TEST

START_TEST(a_silent_server_is_a_timeout_of_unknown_outcome)
{
	char url[128];
	struct http_options options = options_for("/silent", url);

	options.timeout = 50 * USEC_PER_MSEC;
	send_with(0, &options);
	run_until(1);
	check_failed(0, -ETIMEDOUT, true, "no answer from");
	ck_assert_int_eq(server.requests, 1);
}
END_TEST

START_TEST(a_server_that_does_not_accept_is_a_timeout_of_the_connection)
{
	char url[128];
	struct http_options options = options_for("/who", url);
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int fillers[8];
	int port, fd = listen_on_loopback(&port);

	/* With the backlog full the kernel leaves further connections unanswered. */
	ck_assert_int_eq(listen(fd, 0), 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/who", port);
	options.connect_timeout = 100 * USEC_PER_MSEC;
	send_with(0, &options);
	run_until(1);
	check_failed(0, -ETIMEDOUT, false, "no connection to");
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		close(fillers[i]);
	close(fd);
}
END_TEST

START_TEST(a_refused_connection_was_certainly_not_seen)
{
	server_stop();
	send_to(0, "/who", NULL);
	run_until(1);
	check_failed(0, -ECONNREFUSED, false, "refused");
}
END_TEST

START_TEST(a_server_that_closes_after_reading_may_have_acted)
{
	send_to(0, "/hangup", NULL);
	run_until(1);
	check_failed(0, -ECONNRESET, true, "without an answer");
}
END_TEST

START_TEST(an_answer_that_is_cut_is_an_error)
{
	send_to(0, "/cut", NULL);
	run_until(1);
	check_failed(0, -ECONNRESET, true, "within its answer");
}
END_TEST

START_TEST(what_is_not_http_is_an_error)
{
	send_to(0, "/garbage", NULL);
	run_until(1);
	check_failed(0, -EIO, true, "HTTP/1.1");
}
END_TEST

START_TEST(an_unknown_host_is_enoent)
{
	char url[128];
	struct http_options options = options_for("/who", url);

	options.url = "http://no-such-host.invalid:2379/";
	send_with(0, &options);
	run_until(1);
	check_failed(0, -ENOENT, false, "unknown");
}
END_TEST

START_TEST(freeing_completes_what_is_under_way)
{
	send_to(0, "/silent", NULL);
	send_to(1, "/open", "other");
	waiting_for = 2;
	http_free(TAKE(http));
	ck_assert_int_eq(replies[0].calls, 1);
	ck_assert_int_eq(replies[0].rc, -ECANCELED);
	ck_assert_int_eq(replies[1].calls, 1);
	ck_assert_int_eq(replies[1].rc, -ECANCELED);
}
END_TEST

START_TEST(everything_may_be_freed_in_a_completion)
{
	replies[0].free_on_done = true;
	send_to(0, "/who", NULL);
	send_to(1, "/silent", NULL);
	run_until(2);
	check_ok(0, "01");
	ck_assert_int_eq(replies[1].rc, -ECANCELED);
	ck_assert_ptr_null(http);
}
END_TEST

START_TEST(everything_may_be_freed_while_a_stream_is_read)
{
	char url[128];
	struct http_options options = options_for("/open", url);

	options.on_data = on_data;
	replies[0].free_on_data = true;
	send_with(0, &options);
	run_until(1);
	ck_assert_int_eq(replies[0].calls, 1);
	ck_assert_int_eq(replies[0].rc, -ECANCELED);
	ck_assert_ptr_null(http);
}
END_TEST

START_TEST(urls_of_other_kinds_are_refused)
{
	static const char *const urls[] = {
		"ftp://127.0.0.1/", "http://", "127.0.0.1", "http://user:pw@127.0.0.1/", ""};

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		char url[128];
		struct http_options options = options_for("/", url);
		struct http_request *request;
		struct err err = {0};

		options.url = urls[i];
		ck_assert_int_eq(http_send(&request, http, &options, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "is not a URL"));
	}
}
END_TEST

START_TEST(there_is_a_limit_to_lanes)
{
	char url[128];
	struct http_options options = options_for("/who", url);
	struct http_request *request;
	struct err err = {0};
	char lane[8];

	for (int i = 0; i < 8; i++) {
		snprintf(lane, sizeof(lane), "lane%d", i);
		send_to(i, "/who", lane);
	}
	options.lane = "one too many";
	ck_assert_int_eq(http_send(&request, http, &options, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "one too many"));
	run_until(8);
}
END_TEST

TCase *http_failures_case(void)
{
	TCase *tc = tcase_create("failures");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_body_past_its_ceiling_is_an_error);
	tcase_add_test(tc, a_reader_may_give_a_stream_up);
	tcase_add_test(tc, a_reader_may_cancel_its_stream);
	tcase_add_test(tc, a_cancelled_request_is_not_heard_of);
	tcase_add_test(tc, a_silent_server_is_a_timeout_of_unknown_outcome);
	tcase_add_test(tc, a_server_that_does_not_accept_is_a_timeout_of_the_connection);
	tcase_add_test(tc, a_refused_connection_was_certainly_not_seen);
	tcase_add_test(tc, a_server_that_closes_after_reading_may_have_acted);
	tcase_add_test(tc, an_answer_that_is_cut_is_an_error);
	tcase_add_test(tc, what_is_not_http_is_an_error);
	tcase_add_test(tc, an_unknown_host_is_enoent);
	tcase_add_test(tc, freeing_completes_what_is_under_way);
	tcase_add_test(tc, everything_may_be_freed_in_a_completion);
	tcase_add_test(tc, everything_may_be_freed_while_a_stream_is_read);
	tcase_add_test(tc, urls_of_other_kinds_are_refused);
	tcase_add_test(tc, there_is_a_limit_to_lanes);
	return tc;
}
