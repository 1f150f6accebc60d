#include "config.h"
#include "tests/unit/api_client.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/loop.h"
#include "wire/envelope.h"
#include "wire/frame.h"

#define DEADLINE (10 * USEC_PER_SEC)

struct wait {
	struct loop *loop;
	struct loop_timer *timer;
	bool (*cond)(void *arg);
	void *arg;
	usec_t deadline;
	int turns;
	bool done;
};

static void on_look(void *arg)
{
	struct wait *w = arg;

	w->done = w->cond ? w->cond(w->arg) : --w->turns <= 0;
	if (w->done || loop_now(w->loop) > w->deadline)
		loop_stop(w->loop);
	else
		loop_timer_after(w->timer, USEC_PER_MSEC / 2);
}

static bool run(struct loop *loop, bool (*cond)(void *arg), void *arg, int turns)
{
	struct wait w = {.loop = loop, .cond = cond, .arg = arg, .turns = turns};

	w.deadline = loop_now(loop) + DEADLINE;
	w.timer = loop_timer_new(loop, "test", on_look, &w);
	loop_timer_after(w.timer, 0);
	ck_assert_int_eq(loop_run(loop, NULL), 0);
	loop_timer_free(w.timer);
	return w.done;
}

void loop_until(struct loop *loop, bool (*cond)(void *arg), void *arg, const char *what)
{
	ck_assert_msg(run(loop, cond, arg, 0), "timed out: %s", what);
}

void loop_turns(struct loop *loop, int turns)
{
	run(loop, NULL, NULL, turns);
}

void client_connect(struct client *c, struct loop *loop, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strlen(path) + 1);
	*c = (struct client){.loop = loop, .in = BUF_INIT((size_t)64 << 20)};
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void client_close(struct client *c)
{
	close(c->fd);
	buf_done(&c->in);
}

struct sending {
	struct client *c;
	const char *at;
	size_t left;
};

static bool sent(void *arg)
{
	struct sending *s = arg;
	ssize_t n = send(s->c->fd, s->at, s->left, MSG_NOSIGNAL);

	if (n > 0) {
		s->at += n;
		s->left -= (size_t)n;
	}
	return !s->left || (n < 0 && errno != EAGAIN);
}

void client_send_bytes(struct client *c, const void *data, size_t len)
{
	struct sending s = {.c = c, .at = data, .left = len};

	if (!sent(&s))
		loop_until(c->loop, sent, &s, "sending");
}

void client_send(struct client *c, const char *text)
{
	struct buf b = BUF_INIT(FRAME_HEADER + (size_t)FRAME_BODY_MAX);

	ck_assert_int_eq(frame_put(&b, FRAME_JSON, text, strlen(text)), 0);
	client_send_bytes(c, b.data, b.len);
	buf_done(&b);
}

static void read_some(struct client *c)
{
	char *to = buf_reserve(&c->in, 65536);
	ssize_t n;

	ck_assert_ptr_nonnull(to);
	n = recv(c->fd, to, 65536, 0);
	if (n > 0)
		c->in.len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		c->closed = true;
	c->in.data[c->in.len] = '\0';
}

static bool has_frame(void *arg)
{
	struct client *c = arg;
	struct frame frame;

	read_some(c);
	return frame_get(&c->in, FRAME_BODY_MAX, &frame, NULL) != 0 || c->closed;
}

char *client_receive(struct client *c)
{
	struct frame frame;
	char *text;

	if (frame_get(&c->in, FRAME_BODY_MAX, &frame, NULL) == 0)
		loop_until(c->loop, has_frame, c, "a frame");
	ck_assert_msg(frame_get(&c->in, FRAME_BODY_MAX, &frame, NULL) == 1, "no frame: '%s'",
		buf_cstr(&c->in));
	text = xstrndup(frame.body, frame.len);
	frame_drop(&c->in, &frame);
	return text;
}

void client_expect(struct client *c, const char *text)
{
	char *got = client_receive(c);

	ck_assert_str_eq(got, text);
	free(got);
}

static bool is_closed(void *arg)
{
	struct client *c = arg;

	read_some(c);
	return c->closed;
}

void client_expect_closed(struct client *c)
{
	loop_until(c->loop, is_closed, c, "the end of the connection");
	ck_assert_msg(!c->in.len, "more came: '%s'", buf_cstr(&c->in) + FRAME_HEADER);
}

void client_expect_greeting(struct client *c, bool passed)
{
	client_expect(c, ENVELOPE_BANNER);
	client_expect(c, passed ? "{\"authpassed\":1}" : "{\"authpassed\":0}");
}
