#include "config.h"
#include "cli/client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "wire/envelope.h"
#include "wire/frame.h"

#define READ_STEP ((size_t)64 << 10)
#define POLL_MAX  (3600 * USEC_PER_SEC)

/* As many frames as fit are received at once, and used up one by one: in is consumed from `at` on,
 * for moving what remains with each of a million frames would be most of the work. */
struct client {
	int fd;
	const char *socket;
	usec_t timeout, deadline;
	bool streams; /* the deadline is one for each wait, not for the whole answer */
	struct buf in;
	size_t at;
};

static usec_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

static int connect_error(const char *path, int rc, struct err *err)
{
	switch (rc) {
	case -ENOENT:
		return err_set(err, rc,
			"collectived is not running (no socket at %s): systemctl start collectived",
			path);
	case -ECONNREFUSED:
		return err_set(err, rc,
			"collectived is not running (nobody listens at %s): "
			"systemctl start collectived",
			path);
	case -EACCES:
	case -EPERM:
		return err_set(err, rc, "no permission to use %s: run this command as root", path);
	case -EAGAIN:
		return err_set(err, -ETIMEDOUT,
			"collectived does not accept connections at %s (waited %d s)", path,
			(int)(CLIENT_CONNECT_TIMEOUT / USEC_PER_SEC));
	default:
		return err_errno(err, rc, "cannot connect to %s", path);
	}
}

static int open_socket(struct client *c, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = CLIENT_CONNECT_TIMEOUT / USEC_PER_SEC};
	size_t len = strlen(c->socket);

	if (len >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG,
			"the path of the socket is longer than the %zu characters a socket may "
			"have: %s",
			sizeof(address.sun_path) - 1, c->socket);
	memcpy(address.sun_path, c->socket, len + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return err_errno(err, -errno, "cannot make a socket");
	/* Linux bounds connect() by the send timeout, also while the agent's backlog is full. */
	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return err_errno(err, -errno, "cannot set a timeout");
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_error(c->socket, -errno, err);
	return 0;
}

static int closed_early(struct err *err)
{
	return err_set(err, -ECONNRESET, "collectived closed the connection without an answer");
}

/* Waits until the socket is ready for events, at most up to the deadline. */
static int wait_for(struct client *c, short events, struct err *err)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	char shown[NUM_DURATION_MAX];

	for (;;) {
		usec_t left = usec_min(c->deadline - now(), POLL_MAX);
		int rc = left > 0 ? poll(&p, 1, (int)(left / USEC_PER_MSEC) + 1) : 0;

		if (rc > 0)
			return 0;
		if (rc == 0 && left == POLL_MAX)
			continue;
		if (rc == 0)
			return err_set(err, -ETIMEDOUT,
				"collectived did not answer within %s (socket %s)",
				num_format_duration(c->timeout, shown), c->socket);
		if (errno != EINTR)
			return err_errno(err, -errno, "cannot wait for collectived");
	}
}

static int send_all(struct client *c, const struct buf *b, struct err *err)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n;
		int rc = wait_for(c, POLLOUT, err);

		if (rc < 0)
			return rc;
		n = send(c->fd, b->data + done, b->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return closed_early(err);
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

static void set_deadline(struct client *c, usec_t timeout)
{
	c->timeout = timeout;
	c->deadline = usec_add(now(), timeout);
}

static int receive_some(struct client *c, struct err *err)
{
	char *to;
	ssize_t n;

	buf_consume(&c->in, c->at);
	c->at = 0;
	to = buf_reserve(&c->in, READ_STEP);
	if (!to)
		return err_set(err, -EMSGSIZE, "collectived sent too much");
	n = recv(c->fd, to, READ_STEP, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		/* Whoever reads our output may have kept us waiting. */
		if (c->streams)
			set_deadline(c, c->timeout);
		return wait_for(c, POLLIN, err);
	}
	if (n <= 0)
		return closed_early(err);
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	return 0;
}

static void drop_frame(struct client *c, const struct frame *frame)
{
	c->at += FRAME_HEADER + frame->len;
}

/* The next frame, which the caller drops. */
static int receive_frame(struct client *c, struct frame *ret, struct err *err)
{
	for (;;) {
		const struct buf rest = {
			.data = c->in.data ? c->in.data + c->at : NULL,
			.len = c->in.len - c->at,
		};
		int rc = frame_get(&rest, FRAME_BODY_MAX, ret, err);

		if (rc > 0)
			return 0;
		if (rc == -ESHUTDOWN)
			return closed_early(err);
		if (rc == 0)
			rc = receive_some(c, err);
		else
			err_wrap(err, rc, "what listens at %s is not collectived", c->socket);
		if (rc < 0)
			return rc;
	}
}

static int receive_json(struct client *c, json **ret, struct err *err)
{
	struct frame frame;
	int rc = receive_frame(c, &frame, err);

	if (rc < 0)
		return rc;
	if (frame.type == FRAME_JSON)
		rc = json_parse(frame.body, frame.len, ret, err);
	else
		rc = err_set(err, -EPROTO, "a frame of type %d", (int)frame.type);
	drop_frame(c, &frame);
	if (rc < 0)
		err_wrap(err, rc, "unexpected answer of what listens at %s", c->socket);
	return rc;
}

/* denied is told to whom the agent lets nothing be done. */
static int greeting(struct client *c, const char *denied, struct err *err)
{
	CLEANUP(json_freep) json *message = NULL;
	struct frame frame;
	const char *why;
	int64_t passed = 0;
	int rc = receive_frame(c, &frame, err);

	if (rc < 0)
		return rc;
	rc = envelope_check_banner(frame.body, frame.len, err);
	drop_frame(c, &frame);
	if (rc < 0)
		return err_wrap(err, rc, "what listens at %s is not collectived", c->socket);
	rc = receive_json(c, &message, err);
	if (rc < 0)
		return rc;
	rc = json_i64(message, "authpassed", &passed, err);
	if (rc < 0)
		return err_wrap(err, rc, "unexpected greeting of what listens at %s", c->socket);
	if (!passed && json_str(message, "error", &why, NULL) == 0)
		return err_set(err, -EAGAIN, "%s", why);
	return passed ? 0 : err_set(err, -EACCES, "%s", denied);
}

/* The answer to the question, whichever of the forms it has. */
static int answer(struct client *c, json **ret, struct err *err)
{
	CLEANUP(json_wipep) json *message = NULL;
	const json *inner;
	const char *text;
	int rc = receive_json(c, &message, err);

	if (rc < 0)
		return rc;
	rc = json_object(message, "collective", &inner, err);
	if (rc == 0) {
		*ret = json_clone(inner);
		return 0;
	}
	if (json_str(message, "error", &text, NULL) == 0)
		return err_set(err, -EPROTO, "collectived refused the request: %s", text);
	return err_wrap(err, -EPROTO, "unexpected answer of collectived");
}

/* Sends a message, which it takes. */
static int send_message(struct client *c, json *message, struct err *err)
{
	CLEANUP(json_wipep) json *check = NULL;
	struct buf out = BUF_INIT(FRAME_HEADER + FRAME_REQUEST_MAX);
	int rc = frame_put_json(&out, message);

	json_wipe(message);
	if (rc < 0)
		rc = err_set(err, rc, "the request is longer than the %zu KiB that an agent takes",
			FRAME_REQUEST_MAX >> 10);
	else if (json_parse(out.data + FRAME_HEADER, out.len - FRAME_HEADER, &check, NULL) < 0)
		rc = err_set(err, -EINVAL, "the arguments are not valid UTF-8 text");
	else
		rc = send_all(c, &out, err);
	buf_wipe(&out);
	return rc;
}

static void client_init(struct client *c, const char *socket)
{
	*c = (struct client){
		.fd = -1,
		.socket = socket,
		.in = BUF_INIT(FRAME_HEADER + (size_t)FRAME_BODY_MAX + READ_STEP),
	};
}

static void client_done(struct client *c)
{
	buf_wipe(&c->in);
	if (c->fd >= 0)
		close(c->fd);
}

/* Up to the answer; takes the request. */
static int ask(struct client *c, const char *socket, json *request, usec_t timeout, struct err *err)
{
	int rc;

	client_init(c, socket);
	rc = open_socket(c, err);
	set_deadline(c, timeout);
	if (rc == 0)
		rc = greeting(c, "collective management commands may only be used by root", err);
	if (rc == 0)
		rc = send_message(c, envelope_new_collective(TAKE(request)), err);
	json_wipe(request);
	return rc;
}

int client_ask(
	const char *socket, json *request, usec_t timeout, json **ret_answer, struct err *err)
{
	struct client c;
	int rc = ask(&c, socket, request, timeout, err);

	if (rc == 0)
		rc = answer(&c, ret_answer, err);
	client_done(&c);
	return rc;
}

int client_collect(const char *socket, json *request, usec_t timeout, client_frame_fn *on_frame,
	void *arg, struct err *err)
{
	struct client c;
	int rc = ask(
		&c, socket, request, timeout == USEC_NEVER ? CLIENT_ANSWER_TIMEOUT : timeout, err);

	c.streams = true;
	while (rc == 0) {
		json *frame = NULL;

		set_deadline(&c, timeout);
		rc = answer(&c, &frame, err);
		if (rc == 0)
			rc = on_frame(frame, arg);
		json_wipe(frame);
	}
	client_done(&c);
	return MIN(rc, 0);
}

int client_open(const char *socket, struct client **ret, struct err *err)
{
	struct client *c = xcalloc(1, sizeof(*c));
	int rc;

	client_init(c, socket);
	rc = open_socket(c, err);
	set_deadline(c, CLIENT_ANSWER_TIMEOUT);
	if (rc == 0)
		rc = greeting(c,
			"the agent does not know you: use this command as root or as a member of "
			"the group that api.read_group names",
			err);
	c->streams = true;
	if (rc == 0)
		*ret = c;
	else
		client_free(c);
	return rc;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	client_done(c);
	free(c);
}

int client_request(struct client *c, const char *operation, const char *path, json *parameters,
	client_frame_fn *on_frame, void *arg, json **ret_done, struct err *err)
{
	bool reads = text_eq(operation, "retrieve");
	json *request = json_new_object();
	int rc;

	json_set_str(request, "operation", operation);
	json_set_str(request, "path", path);
	if (parameters)
		json_set(request, "parameters", parameters);
	set_deadline(c, reads ? CLIENT_READ_TIMEOUT : CLIENT_WRITE_TIMEOUT);
	rc = send_message(c, request, err);
	while (rc == 0) {
		json *frame;

		rc = receive_json(c, &frame, err);
		if (rc < 0)
			break;
		if (json_get(frame, "_requestdone")) {
			*ret_done = frame;
			return 0;
		}
		rc = on_frame(frame, arg);
		json_wipe(frame);
	}
	return rc;
}
