/*
 * Connecting by name: a helper thread resolves, the loop then tries one address after the other,
 * each with its share of the time that is left.
 *
 * What can go wrong: the name server is silent, and getaddrinfo() can't be interrupted. The thread
 * therefore owns what it works on together with the connect (a counted reference each); a connect
 * that is freed or past its deadline leaves the thread to end by itself, unheard.
 */
#include "config.h"
#include "io/net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "io/loop.h"

struct resolve {
	atomic_int references;
	int event_fd; /* readable once the fields below are set */
	char *host;
	char service[16];
	struct addrinfo *found;
	int rc; /* of getaddrinfo() */
	int number;
};

struct net_connect {
	struct loop *loop;
	char *host;
	int port;
	usec_t timeout, deadline;
	net_connect_fn *done;
	void *arg;
	struct resolve *resolve;
	bool resolved;	       /* else the thread may be writing there */
	struct addrinfo *next; /* of resolve->found: the one to try next */
	int fd;		       /* being connected */
	struct loop_io *io;    /* of the resolver's event, then of fd */
	struct loop_timer *timer;
	int rc; /* of the address that failed last */
};

DEFINE_CLEANUP(struct net_connect *, net_connect_free)

static void resolve_unref(struct resolve *r)
{
	if (!r || atomic_fetch_sub(&r->references, 1) > 1)
		return;
	if (r->found)
		freeaddrinfo(r->found);
	close(r->event_fd);
	free(r->host);
	free(r);
}

/* Without AI_ADDRCONFIG, which hides 127.0.0.1 where there is no other interface. */
static void resolve_now(struct resolve *r, int flags)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};

	r->rc = getaddrinfo(r->host, r->service, &hints, &r->found);
	r->number = errno;
}

static void *resolve_thread(void *arg)
{
	struct resolve *r = arg;

	resolve_now(r, 0);
	/* Fails only when the counter is full, and one is no full counter. */
	(void)eventfd_write(r->event_fd, 1);
	resolve_unref(r);
	return NULL;
}

/* A thread that gets no signals: they are the loop's. */
static int thread_start(struct resolve *r)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&thread, &attributes, resolve_thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -rc;
}

static void drop_attempt(struct net_connect *c)
{
	loop_io_free(TAKE(c->io));
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* The one call of done; c may be gone afterwards. */
static void finish(struct net_connect *c, int fd, const char *why)
{
	loop_timer_at(c->timer, USEC_NEVER);
	loop_io_free(TAKE(c->io));
	c->fd = -1;
	c->done(fd, why, c->arg);
}

static void fail(struct net_connect *c, int rc, const char *reason)
{
	struct err err = {0};

	drop_attempt(c);
	err_set(&err, rc, "cannot connect to %s port %d: %s", c->host, c->port, reason);
	finish(c, rc, err.text);
}

static void fail_timeout(struct net_connect *c)
{
	char duration[NUM_DURATION_MAX], reason[64];

	num_format_duration(c->timeout, duration);
	snprintf(reason, sizeof(reason), "no %s within %s",
		c->resolved ? "answer" : "address for the name", duration);
	fail(c, -ETIMEDOUT, reason);
}

static void on_connected(int events, void *arg);

/* Begins with the next address. 0: under way; else why this address is not. */
static int attempt(struct net_connect *c, const struct addrinfo *address)
{
	const int on = 1;

	c->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	if (connect(c->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -errno;
	c->io = loop_io_new(c->loop, c->fd, LOOP_WRITE, on_connected, c);
	return 0;
}

static void try_next(struct net_connect *c)
{
	usec_t now = loop_now(c->loop);

	while (c->next && now < c->deadline) {
		struct addrinfo *address = c->next;
		int left = 0;

		for (struct addrinfo *a = address; a; a = a->ai_next)
			left++;
		c->next = address->ai_next;
		c->rc = attempt(c, address);
		if (c->rc == 0) {
			loop_timer_at(c->timer, now + (c->deadline - now) / left);
			return;
		}
		drop_attempt(c);
	}
	if (c->next || c->rc == -ETIMEDOUT)
		fail_timeout(c);
	else
		fail(c, c->rc, strerror(-c->rc));
}

static void on_connected(int events UNUSED, void *arg)
{
	struct net_connect *c = arg;
	socklen_t len = sizeof(int);
	int number = 0, fd;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0)
		number = errno;
	if (number) {
		c->rc = -number;
		drop_attempt(c);
		try_next(c);
		return;
	}
	fd = c->fd;
	finish(c, fd, NULL);
}

static void on_resolved(struct net_connect *c)
{
	struct resolve *r = c->resolve;

	if (r->rc == EAI_SYSTEM) {
		fail(c, -ENOENT, strerror(r->number));
	} else if (r->rc == EAI_NONAME) {
		fail(c, -ENOENT, "unknown host name");
	} else if (r->rc != 0) {
		fail(c, -ENOENT, gai_strerror(r->rc));
	} else {
		c->next = r->found;
		try_next(c);
	}
}

static void on_resolve_event(int events UNUSED, void *arg)
{
	struct net_connect *c = arg;

	loop_io_free(TAKE(c->io));
	c->resolved = true;
	on_resolved(c);
}

static void on_timer(void *arg)
{
	struct net_connect *c = arg;

	drop_attempt(c);
	c->rc = -ETIMEDOUT;
	if (c->next)
		try_next(c);
	else
		fail_timeout(c);
}

int net_connect_new(struct net_connect **ret, struct loop *loop, const char *host, int port,
	usec_t timeout, net_connect_fn *done, void *arg, struct err *err)
{
	CLEANUP(net_connect_freep) struct net_connect *c = xcalloc(1, sizeof(*c));
	struct resolve *r = xcalloc(1, sizeof(*r));
	int rc;

	c->loop = loop;
	c->host = xstrdup(host);
	c->port = port;
	c->fd = -1;
	c->timeout = timeout;
	c->deadline = usec_add(loop_now(loop), timeout);
	c->done = done;
	c->arg = arg;
	c->timer = loop_timer_new(loop, "connect", on_timer, c);
	c->resolve = r;
	atomic_init(&r->references, 1);
	r->host = xstrdup(host);
	snprintf(r->service, sizeof(r->service), "%d", port);
	r->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event_fd < 0)
		return err_errno(err, -errno, "cannot connect to %s port %d", host, port);
	/* An address needs no thread. */
	resolve_now(r, AI_NUMERICHOST);
	if (r->rc == 0) {
		(void)eventfd_write(r->event_fd, 1);
	} else {
		atomic_fetch_add(&r->references, 1);
		rc = thread_start(r);
		if (rc < 0) {
			resolve_unref(r);
			return err_errno(err, rc, "cannot connect to %s port %d", host, port);
		}
	}
	c->io = loop_io_new(loop, r->event_fd, LOOP_READ, on_resolve_event, c);
	loop_timer_at(c->timer, c->deadline);
	*ret = TAKE(c);
	return 0;
}

void net_connect_free(struct net_connect *c)
{
	if (!c)
		return;
	drop_attempt(c);
	loop_timer_free(c->timer);
	resolve_unref(c->resolve);
	free(c->host);
	free(c);
}
