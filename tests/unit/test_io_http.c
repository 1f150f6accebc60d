/*
 * http.c against a small HTTP/1.1 server on the same loop. What the server does is the path:
 *
 *     /echo        200 with the body of the request
 *     /who         200 with the number of the connection
 *     /chunks      200, chunked, five pieces, one a millisecond
 *     /flood       200, FLOOD bytes
 *     /silent      takes the request, answers nothing
 *     /open        200, chunked, one piece, and then stays open
 *     /hangup      takes the request, closes
 *     /cut         200, announces 100 bytes, sends 10, closes
 *     /garbage     answers what is not HTTP
 *     /missing     404 with a body
 */
#include "config.h"
#include "io/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "tests/lib/suite.h"

#define FLOOD	    (3 * 1024 * 1024)
#define WATCHDOG    (10 * USEC_PER_SEC)
#define CHUNKS	    5
#define MAX_REPLIES 16

struct server;

struct peer {
	struct server *server;
	struct list link;
	int fd;
	int number;
	struct loop_io *io;
	struct loop_timer *timer;
	struct buf in, out;
	int chunks_left;
	bool close_after;
};

struct server {
	int fd;
	int port;
	int accepted;
	int requests;
	struct loop_io *io;
	struct list peers;
};

/* What one request came to. */
struct reply {
	int calls;
	int rc;
	bool sent;
	int status;
	char why[512];
	char type[64];
	struct buf body; /* of the answer, or of all pieces */
	int pieces;
	size_t largest;
	int give_up; /* on_data returns it */
	struct http_request *request;
	bool cancel_on_data;
	bool free_on_data;
	bool free_on_done;
};

static struct loop *loop;
static struct http *http;
static struct server server;
static struct loop_timer *watchdog;
static struct reply replies[MAX_REPLIES];
static int waiting_for; /* completions until the loop is stopped */

static void peer_free(struct peer *p)
{
	list_del(&p->link);
	loop_io_free(p->io);
	loop_timer_free(p->timer);
	close(p->fd);
	buf_done(&p->in);
	buf_done(&p->out);
	free(p);
}

static void peer_write(struct peer *p, const void *data, size_t len)
{
	ck_assert_int_eq(buf_add(&p->out, data, len), 0);
	loop_io_set(p->io, LOOP_READ | LOOP_WRITE);
}

static void peer_print(struct peer *p, const char *text)
{
	peer_write(p, text, strlen(text));
}

static void on_chunk_timer(void *arg)
{
	struct peer *p = arg;
	char chunk[32];

	snprintf(chunk, sizeof(chunk), "6\r\npiece%d\r\n", CHUNKS - p->chunks_left);
	peer_print(p, chunk);
	if (--p->chunks_left > 0)
		loop_timer_after(p->timer, USEC_PER_MSEC);
	else
		peer_print(p, "0\r\n\r\n");
}

static void peer_answer(struct peer *p, const char *path, const char *body, size_t len)
{
	char head[128];

	p->server->requests++;
	if (text_eq(path, "/echo")) {
		snprintf(head, sizeof(head),
			"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: %zu\r\n\r\n",
			len);
		peer_print(p, head);
		peer_write(p, body, len);
	} else if (text_eq(path, "/who")) {
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d",
			p->number);
		peer_print(p, head);
	} else if (text_eq(path, "/chunks")) {
		peer_print(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		p->chunks_left = CHUNKS;
		loop_timer_after(p->timer, USEC_PER_MSEC);
	} else if (text_eq(path, "/flood")) {
		char *flood = xmalloc(FLOOD);

		memset(flood, 'f', FLOOD);
		snprintf(
			head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", FLOOD);
		peer_print(p, head);
		peer_write(p, flood, FLOOD);
		free(flood);
	} else if (text_eq(path, "/open")) {
		peer_print(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "5\r\nfirst\r\n");
	} else if (text_eq(path, "/cut")) {
		peer_print(p, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
		p->close_after = true;
	} else if (text_eq(path, "/garbage")) {
		peer_print(p, "SSH-2.0-OpenSSH\r\n");
		p->close_after = true;
	} else if (text_eq(path, "/missing")) {
		peer_print(p, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
	} else if (text_eq(path, "/hangup")) {
		p->close_after = true;
	}
}

/* Takes one request off the input; false when none is complete. */
static bool peer_take_request(struct peer *p)
{
	const char *text = buf_cstr(&p->in);
	const char *end = strstr(text, "\r\n\r\n");
	const char *length;
	char path[64];
	unsigned body = 0;
	size_t head;

	if (!end)
		return false;
	head = (size_t)(end + 4 - text);
	length = strstr(text, "Content-Length: ");
	if (length && length < end)
		ck_assert_int_eq(sscanf(length, "Content-Length: %u", &body), 1);
	if (p->in.len < head + body)
		return false;
	ck_assert_int_eq(sscanf(text, "%*s %63s", path), 1);
	peer_answer(p, path, text + head, body);
	buf_consume(&p->in, head + body);
	return true;
}

static void on_peer(int events, void *arg)
{
	struct peer *p = arg;
	ssize_t n;

	if (events & LOOP_READ) {
		char *to = buf_reserve(&p->in, 65536);

		ck_assert_ptr_nonnull(to);
		n = recv(p->fd, to, 65536, 0);
		if (n <= 0) {
			peer_free(p);
			return;
		}
		p->in.len += (size_t)n;
		p->in.data[p->in.len] = '\0';
		while (peer_take_request(p))
			;
	}
	if (p->out.len) {
		n = send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&p->out, (size_t)n);
	}
	if (!p->out.len)
		loop_io_set(p->io, LOOP_READ);
	if (!p->out.len && p->close_after)
		peer_free(p);
}

static void on_accept(int events UNUSED, void *arg)
{
	struct server *s = arg;
	struct peer *p = xcalloc(1, sizeof(*p));

	p->server = s;
	p->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(p->fd, 0);
	p->number = ++s->accepted;
	buf_init(&p->in, 8 * 1024 * 1024);
	buf_init(&p->out, 8 * 1024 * 1024);
	p->timer = loop_timer_new(loop, "chunk", on_chunk_timer, p);
	p->io = loop_io_new(loop, p->fd, LOOP_READ, on_peer, p);
	list_add_tail(&s->peers, &p->link);
}

static int listen_on_loopback(int *ret_port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*ret_port = ntohs(sin.sin_port);
	return fd;
}

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void setup(void)
{
	struct err err = {0};

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	ck_assert_int_eq(http_new(&http, loop, &err), 0);
	server = (struct server){0};
	list_init(&server.peers);
	server.fd = listen_on_loopback(&server.port);
	server.io = loop_io_new(loop, server.fd, LOOP_READ, on_accept, &server);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	memset(replies, 0, sizeof(replies));
	for (int i = 0; i < MAX_REPLIES; i++)
		buf_init(&replies[i].body, 16 * 1024 * 1024);
}

static void server_stop(void)
{
	struct peer *p, *tmp;

	if (!server.io)
		return;
	list_foreach_safe (p, tmp, &server.peers, link)
		peer_free(p);
	loop_io_free(TAKE(server.io));
	close(server.fd);
}

static void teardown(void)
{
	http_free(http);
	server_stop();
	loop_timer_free(watchdog);
	loop_free(loop);
	for (int i = 0; i < MAX_REPLIES; i++)
		buf_done(&replies[i].body);
}

static void on_done(const struct http_response *response, void *arg)
{
	struct reply *r = arg;

	r->calls++;
	r->rc = response->rc;
	r->sent = response->sent;
	r->status = response->status;
	snprintf(r->why, sizeof(r->why), "%s", response->why);
	snprintf(r->type, sizeof(r->type), "%s", response->content_type);
	ck_assert_uint_eq(strlen(response->body), response->len);
	ck_assert_int_eq(buf_add(&r->body, response->body, response->len), 0);
	if (--waiting_for == 0)
		loop_stop(loop);
	http_cancel(r->request); /* too late, and harmless */
	if (r->free_on_done)
		http_free(TAKE(http));
}

static int on_data(const char *data, size_t len, void *arg)
{
	struct reply *r = arg;

	r->pieces++;
	r->largest = MAX(r->largest, len);
	ck_assert_int_eq(buf_add(&r->body, data, len), 0);
	if (r->cancel_on_data) {
		http_cancel(r->request);
		loop_stop(loop);
	}
	if (r->free_on_data)
		http_free(TAKE(http));
	return r->give_up;
}

static struct http_options options_for(const char *path, char url[128])
{
	struct http_options options = {.max_body = 1024 * 1024, .timeout = 5 * USEC_PER_SEC};

	snprintf(url, 128, "http://127.0.0.1:%d%s", server.port, path);
	options.url = url;
	options.on_done = on_done;
	return options;
}

static void send_with(int i, struct http_options *options)
{
	struct err err = {0};

	options->arg = &replies[i];
	ck_assert_msg(http_send(&replies[i].request, http, options, &err) == 0, "%s", err.text);
	ck_assert_int_eq(replies[i].calls, 0);
}

static void send_to(int i, const char *path, const char *lane)
{
	char url[128];
	struct http_options options = options_for(path, url);

	options.lane = lane;
	send_with(i, &options);
}

/* Runs the loop until `count` requests are done. */
static void run_until(int count)
{
	struct err err = {0};

	waiting_for = count;
	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
}

static void check_ok(int i, const char *body)
{
	ck_assert_msg(replies[i].rc == 0, "%s", replies[i].why);
	ck_assert_int_eq(replies[i].calls, 1);
	ck_assert_int_eq(replies[i].status, 200);
	ck_assert(replies[i].sent);
	ck_assert_str_eq(buf_cstr(&replies[i].body), body);
}

static void check_failed(int i, int rc, bool sent, const char *part)
{
	ck_assert_msg(replies[i].rc == rc, "%d (%s)", replies[i].rc, replies[i].why);
	ck_assert_int_eq(replies[i].calls, 1);
	ck_assert_msg(replies[i].sent == sent, "sent is %d", replies[i].sent);
	ck_assert_msg(strstr(replies[i].why, part), "'%s' is not in '%s'", part, replies[i].why);
	ck_assert_msg(strstr(replies[i].why, "http"), "no endpoint in '%s'", replies[i].why);
}

START_TEST(a_post_is_answered_with_status_type_and_body)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	char url[128];
	struct http_options options = options_for("/echo", url);
	char body[] = "{\"key\":1}";

	options.body = body;
	options.body_len = strlen(body);
	options.headers = headers;
	send_with(0, &options);
	memset(body, 'x', sizeof(body) - 1); /* it was copied */
	run_until(1);
	check_ok(0, "{\"key\":1}");
	ck_assert_str_eq(replies[0].type, "text/x");
}
END_TEST

START_TEST(an_error_status_is_an_answer)
{
	send_to(0, "/missing", NULL);
	run_until(1);
	ck_assert_int_eq(replies[0].rc, 0);
	ck_assert_int_eq(replies[0].status, 404);
	ck_assert_str_eq(buf_cstr(&replies[0].body), "gone");
}
END_TEST

START_TEST(a_lane_reuses_its_connection_and_shares_it_with_no_other)
{
	send_to(0, "/who", "one");
	run_until(1);
	send_to(1, "/who", "one");
	run_until(1);
	send_to(2, "/who", "two");
	run_until(1);
	send_to(3, "/who", "one");
	run_until(1);
	check_ok(0, "01");
	check_ok(1, "01");
	check_ok(2, "02");
	check_ok(3, "01");
	ck_assert_int_eq(server.accepted, 2);
}
END_TEST

START_TEST(forgotten_connections_are_not_used_again_but_finish_what_is_under_way)
{
	send_to(0, "/who", NULL);
	run_until(1);
	send_to(1, "/chunks", NULL);
	http_forget_connections(http);
	send_to(2, "/who", NULL);
	run_until(2);
	check_ok(0, "01");
	check_ok(1, "piece0piece1piece2piece3piece4");
	check_ok(2, "02");
}
END_TEST

START_TEST(a_kept_connection_that_the_server_closed_is_replaced)
{
	struct peer *p, *tmp;

	send_to(0, "/who", NULL);
	run_until(1);
	list_foreach_safe (p, tmp, &server.peers, link)
		peer_free(p);
	send_to(1, "/who", NULL);
	run_until(1);
	check_ok(0, "01");
	check_ok(1, "02");
}
END_TEST

START_TEST(a_stream_comes_in_pieces_and_its_end_is_told)
{
	char url[128];
	struct http_options options = options_for("/chunks", url);

	options.on_data = on_data;
	options.timeout = 0;
	send_with(0, &options);
	run_until(1);
	check_ok(0, "piece0piece1piece2piece3piece4");
	ck_assert_int_gt(replies[0].pieces, 1);
}
END_TEST

START_TEST(a_flood_through_a_stream_is_taken_in_pieces_below_the_ceiling)
{
	char url[128];
	struct http_options options = options_for("/flood", url);

	options.on_data = on_data;
	options.max_body = 65536;
	send_with(0, &options);
	run_until(1);
	ck_assert_msg(replies[0].rc == 0, "%s", replies[0].why);
	ck_assert_uint_eq(replies[0].body.len, FLOOD);
	ck_assert_uint_le(replies[0].largest, 65536);
}
END_TEST

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

START_TEST(a_connection_is_not_inherited_and_notices_a_dead_path)
{
	int found = 0;

	send_to(0, "/who", NULL);
	run_until(1);
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t len = sizeof(peer), size = sizeof(int);
		int timeout = 0;

		if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
			peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.port)
			continue;
		found++;
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size), 0);
		ck_assert_int_eq(timeout, 6000);
	}
	ck_assert_int_eq(found, 1);
}
END_TEST

static Suite *io_http_suite(void)
{
	Suite *suite = suite_create("io/http");
	TCase *tc = tcase_create("http");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_post_is_answered_with_status_type_and_body);
	tcase_add_test(tc, an_error_status_is_an_answer);
	tcase_add_test(tc, a_lane_reuses_its_connection_and_shares_it_with_no_other);
	tcase_add_test(tc, forgotten_connections_are_not_used_again_but_finish_what_is_under_way);
	tcase_add_test(tc, a_kept_connection_that_the_server_closed_is_replaced);
	tcase_add_test(tc, a_stream_comes_in_pieces_and_its_end_is_told);
	tcase_add_test(tc, a_flood_through_a_stream_is_taken_in_pieces_below_the_ceiling);
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
	tcase_add_test(tc, a_connection_is_not_inherited_and_notices_a_dead_path);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_http_suite)
