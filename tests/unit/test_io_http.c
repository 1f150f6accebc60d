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
#include "tests/unit/test_io_http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"

#define FLOOD	 (3 * 1024 * 1024)
#define WATCHDOG (10 * USEC_PER_SEC)
#define CHUNKS	 5

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

struct loop *loop;
struct http *http;
struct server server;
struct reply replies[MAX_REPLIES];
int waiting_for;

static struct loop_timer *watchdog;

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

int listen_on_loopback(int *ret_port)
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

void setup(void)
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

void server_stop(void)
{
	struct peer *p, *tmp;

	if (!server.io)
		return;
	list_foreach_safe (p, tmp, &server.peers, link)
		peer_free(p);
	loop_io_free(TAKE(server.io));
	close(server.fd);
}

void teardown(void)
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

int on_data(const char *data, size_t len, void *arg)
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

struct http_options options_for(const char *path, char url[128])
{
	struct http_options options = {.max_body = 1024 * 1024, .timeout = 5 * USEC_PER_SEC};

	snprintf(url, 128, "http://127.0.0.1:%d%s", server.port, path);
	options.url = url;
	options.on_done = on_done;
	return options;
}

void send_with(int i, struct http_options *options)
{
	struct err err = {0};

	options->arg = &replies[i];
	ck_assert_msg(http_send(&replies[i].request, http, options, &err) == 0, "%s", err.text);
	ck_assert_int_eq(replies[i].calls, 0);
}

void send_to(int i, const char *path, const char *lane)
{
	char url[128];
	struct http_options options = options_for(path, url);

	options.lane = lane;
	send_with(i, &options);
}

void run_until(int count)
{
	struct err err = {0};

	waiting_for = count;
	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
}

void check_ok(int i, const char *body)
{
	ck_assert_msg(replies[i].rc == 0, "%s", replies[i].why);
	ck_assert_int_eq(replies[i].calls, 1);
	ck_assert_int_eq(replies[i].status, 200);
	ck_assert(replies[i].sent);
	ck_assert_str_eq(buf_cstr(&replies[i].body), body);
}

void check_failed(int i, int rc, bool sent, const char *part)
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
	tcase_add_test(tc, a_connection_is_not_inherited_and_notices_a_dead_path);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, http_failures_case());
	return suite;
}

SUITE_MAIN(io_http_suite)
