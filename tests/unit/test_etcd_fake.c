#include "config.h"
#include "tests/unit/test_etcd_fake.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "io/loop.h"

#define DEADLINE (20 * USEC_PER_SEC)

/* A connection and the request that it carries at present. */
struct fake_request {
	struct fake_request *next;
	struct fake *fake;
	int fd;
	struct loop_io *io;
	struct buf out;
	char in[131072];
	size_t len;
};

const char *fake_header(const struct fake *fake)
{
	static char text[256];

	snprintf(text, sizeof(text),
		"\"header\":{\"cluster_id\":\"%" PRIu64
		"\",\"member_id\":\"7\",\"revision\":\"%" PRId64 "\",\"raft_term\":\"%" PRIu64
		"\"}",
		fake->cluster_id, fake->revision, fake->term);
	return text;
}

/* What the socket does not take now goes out when it is writable. */
static void flush(struct fake_request *request)
{
	while (request->out.len && request->fd >= 0) {
		ssize_t n = send(request->fd, request->out.data, request->out.len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		buf_consume(&request->out, (size_t)n);
	}
	if (request->fd >= 0)
		loop_io_set(request->io, LOOP_READ | (request->out.len ? LOOP_WRITE : 0));
}

static void send_all(struct fake_request *request, const char *data, size_t len)
{
	ck_assert_int_eq(buf_add(&request->out, data, len), 0);
	flush(request);
}

void fake_answer(struct fake_request *request, int status, const char *fmt, ...)
{
	va_list ap;
	char *body;
	char *head;

	va_start(ap, fmt);
	body = xvasprintf(fmt, ap);
	va_end(ap);
	head = xasprintf("HTTP/1.1 %d Status\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n",
		status, strlen(body));
	send_all(request, head, strlen(head));
	send_all(request, body, strlen(body));
	free(head);
	free(body);
}

void fake_stream(struct fake_request *request)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";

	send_all(request, head, strlen(head));
}

void fake_piece(struct fake_request *request, const char *data, size_t len)
{
	char size[32];

	snprintf(size, sizeof(size), "%zx\r\n", len);
	send_all(request, size, strlen(size));
	send_all(request, data, len);
	send_all(request, "\r\n", 2);
}

void fake_text(struct fake_request *request, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	fake_piece(request, text, strlen(text));
	free(text);
}

void fake_end(struct fake_request *request)
{
	send_all(request, "0\r\n\r\n", 5);
}

void fake_cut(struct fake_request *request)
{
	if (request->fd < 0)
		return;
	loop_io_free(request->io);
	close(request->fd);
	request->fd = -1;
}

/* What a healthy etcd answers. */
static void answer(
	struct fake *fake, struct fake_request *request, const char *path, const char *body)
{
	const char *header = fake_header(fake);
	const char *id = strstr(body, "\"ID\":\"");
	int len = id ? (int)strcspn(id + 6, "\"") : 0;

	if (text_eq(path, "/version"))
		fake_answer(request, 200, "{\"etcdserver\":\"3.4.23\",\"etcdcluster\":\"3.4.0\"}");
	else if (text_eq(path, "/v3/kv/range"))
		fake_answer(request, 200, "{%s}", header);
	else if (text_eq(path, "/v3/kv/txn"))
		fake_answer(request, 200, "{%s,\"succeeded\":true}", header);
	else if (text_eq(path, "/v3/lease/grant"))
		fake_answer(
			request, 200, "{%s,\"ID\":\"%.*s\",\"TTL\":\"6\"}", header, len, id + 6);
	else if (text_eq(path, "/v3/lease/keepalive"))
		fake_answer(request, 200, "{\"result\":{%s,\"ID\":\"%.*s\",\"TTL\":\"6\"}}\n",
			header, len, id + 6);
	else if (text_eq(path, "/v3/kv/lease/revoke"))
		fake_answer(request, 200, "{%s}", header);
	else if (text_eq(path, "/v3/auth/authenticate"))
		fake_answer(request, 200, "{%s,\"token\":\"token.%u\"}", header, ++fake->logins);
	else
		fake_answer(request, 404, "Not Found\n");
}

static void serve(struct fake_request *request, char *path, char *body)
{
	struct fake *fake = request->fake;
	/* the client's reads of who this is, "identity" in base64 */
	bool identity = strstr(body, "aWRlbnRpdHk=") != NULL;

	path[strcspn(path, " ")] = '\0';
	fake->requests++;
	if (!identity && !text_eq(path, "/version") && !text_eq(path, "/v3/auth/authenticate")) {
		fake->calls++;
		snprintf(fake->body, sizeof(fake->body), "%s", body);
	}
	if (!fake->script || !fake->script(fake, request, path, body, fake->arg))
		answer(fake, request, path, body);
}

static void take_request(struct fake_request *request)
{
	char *end = strstr(request->in, "\r\n\r\n");
	char *length = strcasestr(request->in, "Content-Length:");
	char *path = strchr(request->in, ' ');
	size_t head;
	uint64_t body = 0;

	if (!end || !path)
		return;
	if (length && length < end) {
		char number[24];

		snprintf(number, sizeof(number), "%.*s", (int)strcspn(length + 16, "\r"),
			length + 16);
		ck_assert_int_eq(num_u64(number, &body), 0);
	}
	head = (size_t)(end - request->in) + 4;
	if (request->len < head + body)
		return;
	snprintf(request->fake->headers, sizeof(request->fake->headers), "%.*s", (int)head,
		request->in);
	request->len = 0;
	serve(request, path + 1, end + 4);
}

static void on_readable(int events, void *arg)
{
	struct fake_request *request = arg;
	ssize_t n;

	if (events & LOOP_WRITE)
		flush(request);
	n = recv(
		request->fd, request->in + request->len, sizeof(request->in) - 1 - request->len, 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			fake_cut(request);
		return;
	}
	request->len += (size_t)n;
	request->in[request->len] = '\0';
	take_request(request);
}

static void on_accept(int events, void *arg)
{
	struct fake *fake = arg;
	int fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct fake_request *request;

	(void)events;
	if (fd < 0)
		return;
	request = xcalloc(1, sizeof(*request));
	request->fake = fake;
	request->fd = fd;
	buf_init(&request->out, (size_t)32 << 20);
	request->io = loop_io_new(fake->loop, fd, LOOP_READ, on_readable, request);
	request->next = fake->connections;
	fake->connections = request;
}

static void listen_on(struct fake *fake, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int on = 1;

	fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fake->fd, 0);
	ck_assert_int_eq(setsockopt(fake->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fake->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->fd, 16), 0);
	ck_assert_int_eq(getsockname(fake->fd, (struct sockaddr *)&address, &len), 0);
	fake->port = ntohs(address.sin_port);
	snprintf(fake->url, sizeof(fake->url), "http://127.0.0.1:%d", fake->port);
	fake->io = loop_io_new(fake->loop, fake->fd, LOOP_READ, on_accept, fake);
}

void fake_open(struct fake *fake, struct loop *loop)
{
	*fake = (struct fake){.cluster_id = 100, .term = 2, .revision = 10, .loop = loop};
	listen_on(fake, 0);
}

void fake_kill(struct fake *fake)
{
	for (struct fake_request *r = fake->connections; r; r = r->next)
		fake_cut(r);
	if (fake->fd < 0)
		return;
	loop_io_free(fake->io);
	close(fake->fd);
	fake->fd = -1;
}

void fake_revive(struct fake *fake)
{
	listen_on(fake, fake->port);
}

void fake_close(struct fake *fake)
{
	fake_kill(fake);
	while (fake->connections) {
		struct fake_request *request = fake->connections;

		fake->connections = request->next;
		buf_done(&request->out);
		free(request);
	}
}

struct watcher {
	struct loop *loop;
	const bool *flag;
	struct loop_timer *timer;
	usec_t until;
};

static void on_look(void *arg)
{
	struct watcher *watcher = arg;

	if ((watcher->flag && *watcher->flag) || loop_now(watcher->loop) >= watcher->until)
		loop_stop(watcher->loop);
	else
		loop_timer_after(watcher->timer, USEC_PER_MSEC);
}

static void run(struct loop *loop, const bool *flag, usec_t time)
{
	struct watcher watcher = {.loop = loop, .flag = flag, .until = loop_now(loop) + time};
	struct err err = {""};

	watcher.timer = loop_timer_new(loop, "test", on_look, &watcher);
	loop_timer_after(watcher.timer, 0);
	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
	loop_timer_free(watcher.timer);
}

void run_until(struct loop *loop, const bool *flag, const char *what)
{
	run(loop, flag, DEADLINE);
	ck_assert_msg(*flag, "waited in vain until %s", what);
}

void run_for(struct loop *loop, usec_t time)
{
	run(loop, NULL, time);
}
