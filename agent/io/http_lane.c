/*
 * libcurl gives a lane two kinds of wishes: watch this descriptor for that, and call again in so
 * many milliseconds. Both are answered from the loop with curl_multi_socket_action().
 *
 * What can go wrong: a socket is closed while the loop watches it. on_close_socket() therefore
 * drops it from the loop before it closes it. It is also called for connections whose requests are
 * long gone, so that what it gets is the lane and not the request. A wish for 0 ms arms a timer
 * that is due at once instead of calling back into libcurl.
 */
#include "config.h"
#include "io/http_lane.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* A path that drops everything is noticed after this, also by a connection that has nothing to
 * send. */
#define USER_TIMEOUT_MS	  6000
#define KEEPALIVE_IDLE_S  3
#define KEEPALIVE_INTVL_S 1
#define KEEPALIVE_COUNT	  3

struct lane_socket {
	struct lane *lane;
	int fd;
	struct loop_io *io;
	struct list link;
};

static void socket_free(struct lane_socket *s)
{
	list_del(&s->link);
	loop_io_free(s->io);
	free(s);
}

static struct lane_socket *socket_find(struct lane *lane, int fd)
{
	struct lane_socket *s;

	list_foreach (s, &lane->sockets, link) {
		if (s->fd == fd)
			return s;
	}
	return NULL;
}

static void lane_act(struct lane *lane, curl_socket_t fd, int mask)
{
	CURLMcode code;
	int running;

	code = curl_multi_socket_action(lane->multi, fd, mask, &running);
	if (code != CURLM_OK)
		log_debug("http", "lane %s: %s", lane->name, curl_multi_strerror(code));
	lane->moved(lane->arg);
}

static void on_socket_event(int events, void *arg)
{
	struct lane_socket *s = arg;
	int mask = 0;

	if (events & LOOP_READ)
		mask |= CURL_CSELECT_IN;
	if (events & LOOP_WRITE)
		mask |= CURL_CSELECT_OUT;
	lane_act(s->lane, s->fd, mask);
}

static void on_timer(void *arg)
{
	lane_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_socket_wish(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *socket_arg UNUSED)
{
	struct lane *lane = arg;
	struct lane_socket *s = socket_find(lane, fd);
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (s)
			socket_free(s);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= LOOP_READ;
	if (what & CURL_POLL_OUT)
		events |= LOOP_WRITE;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->lane = lane;
		s->fd = fd;
		s->io = loop_io_new(lane->loop, fd, events, on_socket_event, s);
		list_add_tail(&lane->sockets, &s->link);
	}
	loop_io_set(s->io, events);
	return 0;
}

static int on_timer_wish(CURLM *multi UNUSED, long ms, void *arg)
{
	struct lane *lane = arg;

	if (ms < 0)
		loop_timer_at(lane->timer, USEC_NEVER);
	else
		loop_timer_after(lane->timer, (usec_t)ms * USEC_PER_MSEC);
	return 0;
}

static curl_socket_t on_open_socket(
	void *arg UNUSED, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTVL_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
		{IPPROTO_TCP, TCP_NODELAY, 1},
	};
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->protocol);

	if (fd < 0)
		return CURL_SOCKET_BAD;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			    sizeof(options[i].value)) < 0)
			log_debug("http", "cannot set socket option %d", options[i].option);
	}
	return fd;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
	struct lane *lane = arg;
	struct lane_socket *s = socket_find(lane, fd);

	if (s)
		socket_free(s);
	close(fd);
	return 0;
}

int lane_new(struct lane **ret, struct loop *loop, const char *name, loop_fn *moved, void *arg,
	struct err *err)
{
	CLEANUP(lane_freep) struct lane *lane = xcalloc(1, sizeof(*lane));

	list_init(&lane->link);
	list_init(&lane->sockets);
	lane->name = xstrdup(name);
	lane->loop = loop;
	lane->moved = moved;
	lane->arg = arg;
	lane->timer = loop_timer_new(loop, "http", on_timer, lane);
	lane->multi = curl_multi_init();
	if (!lane->multi ||
		curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish) !=
			CURLM_OK ||
		curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane) != CURLM_OK ||
		curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish) != CURLM_OK ||
		curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane) != CURLM_OK ||
		curl_multi_setopt(lane->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) != CURLM_OK)
		return err_set(err, -EIO, "cannot set up libcurl");
	*ret = TAKE(lane);
	return 0;
}

void lane_free(struct lane *lane)
{
	struct lane_socket *s, *tmp;

	if (!lane)
		return;
	list_del(&lane->link);
	if (lane->multi)
		curl_multi_cleanup(lane->multi);
	list_foreach_safe (s, tmp, &lane->sockets, link)
		socket_free(s);
	loop_timer_free(lane->timer);
	free(lane->name);
	free(lane);
}

int lane_add(struct lane *lane, CURL *easy, struct err *err)
{
	CURLMcode code;

	if (curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, lane) != CURLE_OK)
		return err_set(err, -EIO, "libcurl does not let its sockets be set up");
	code = curl_multi_add_handle(lane->multi, easy);
	if (code != CURLM_OK)
		return err_set(err, -EIO, "libcurl: %s", curl_multi_strerror(code));
	lane->requests++;
	return 0;
}

void lane_remove(struct lane *lane, CURL *easy)
{
	CURLMcode code = curl_multi_remove_handle(lane->multi, easy);

	if (code != CURLM_OK)
		log_debug("http", "lane %s: %s", lane->name, curl_multi_strerror(code));
	lane->requests--;
}

CURL *lane_next_done(struct lane *lane, CURLcode *ret_code)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(lane->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		*ret_code = message->data.result;
		return message->easy_handle;
	}
	return NULL;
}
