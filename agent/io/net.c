/*
 * Listening: a descriptor, its readiness, and at most ACCEPTS_MAX connections a wake-up. A unix
 * socket is bound to a temporary name, gets its mode and group, listens, and is renamed to its
 * place: nobody ever meets it half made.
 *
 * What can go wrong: two agents start at once on the same path; a lock file beside the socket, held
 * for the life of the listener, lets one of them through. Whoever serves the path without knowing
 * that lock is found by connecting. Descriptors run out: accepting pauses, because the connection
 * that could not be accepted stays readable. The user frees the listener in its callback: `busy`.
 */
#include "config.h"
#include "io/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "io/loop.h"

#define BACKLOG	     128
#define ACCEPTS_MAX  10
#define ACCEPT_PAUSE USEC_PER_SEC

struct net_listener {
	struct loop *loop;
	int fd;
	struct loop_io *io;
	struct loop_timer *pause;
	net_accept_fn *fn;
	void *arg;
	int port;
	char *path;	 /* of a unix socket in its place, else NULL */
	char *lock_path; /* of a unix socket */
	int lock_fd;
	dev_t device;
	ino_t inode;
	bool busy;
	bool freed;
};

/* Addresses. */

/* The numeric host (v4-mapped as v4) and port of an address; new, NULL when it has none. */
static char *address_host(const struct sockaddr_storage *address, int *ret_port)
{
	const struct sockaddr_in6 *sin6 = (const void *)address;
	const struct sockaddr_in *sin = (const void *)address;
	char host[NI_MAXHOST];

	*ret_port = 0;
	if (address->ss_family == AF_INET) {
		*ret_port = ntohs(sin->sin_port);
		return xstrdup(inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host)));
	}
	if (address->ss_family != AF_INET6)
		return NULL;
	*ret_port = ntohs(sin6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		return xstrdup(
			inet_ntop(AF_INET, &sin6->sin6_addr.s6_addr[12], host, sizeof(host)));
	/* With the scope of a link-local address. */
	if (getnameinfo((const void *)address, sizeof(*sin6), host, sizeof(host), NULL, 0,
		    NI_NUMERICHOST) != 0)
		return NULL;
	return xstrdup(host);
}

char *net_local_address(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	char *host = NULL;
	int port;

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		host = address_host(&address, &port);
	return host ? host : xstrdup("");
}

char *net_peer_address(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	char *host = NULL;
	int port;

	if (getpeername(fd, (struct sockaddr *)&address, &len) == 0)
		host = address_host(&address, &port);
	return host ? host : xstrdup("");
}

int net_peer_credentials(int fd, struct net_peer *ret, struct err *err)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return err_errno(err, -errno, "cannot tell who connected");
	ret->uid = credentials.uid;
	ret->gid = credentials.gid;
	ret->pid = credentials.pid;
	return 0;
}

char *net_peer_text(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	CLEANUP(freep) char *host = NULL;
	struct net_peer peer;
	int port;

	if (getpeername(fd, (struct sockaddr *)&address, &len) < 0)
		return xstrdup("unknown");
	host = address_host(&address, &port);
	if (host)
		return xasprintf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
	if (address.ss_family == AF_UNIX && net_peer_credentials(fd, &peer, NULL) == 0)
		return xasprintf("uid %u pid %d", (unsigned)peer.uid, (int)peer.pid);
	return xstrdup("unknown");
}

/* Accepting. */

static void on_pause_over(void *arg)
{
	struct net_listener *l = arg;

	loop_io_set(l->io, LOOP_READ);
}

/* Whether after this error of accept() the next connection may be better. */
static bool accept_goes_on(int number)
{
	switch (number) {
	case EINTR:
	case ECONNABORTED:
	case EPERM: /* a packet filter */
	case EPROTO:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

static void accept_one(struct net_listener *l, int fd)
{
	CLEANUP(freep) char *peer = net_peer_text(fd);

	l->fn(fd, peer, l->arg);
}

static void on_acceptable(int events UNUSED, void *arg)
{
	struct net_listener *l = arg;

	l->busy = true;
	for (int i = 0; i < ACCEPTS_MAX && !l->freed; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			accept_one(l, fd);
		} else if (errno == EAGAIN) {
			break;
		} else if (!accept_goes_on(errno)) {
			loop_io_set(l->io, 0);
			loop_timer_after(l->pause, ACCEPT_PAUSE);
			break;
		}
	}
	l->busy = false;
	if (l->freed)
		free(l);
}

static struct net_listener *listener_new(struct loop *loop, net_accept_fn *fn, void *arg)
{
	struct net_listener *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->fd = -1;
	l->lock_fd = -1;
	l->fn = fn;
	l->arg = arg;
	l->pause = loop_timer_new(loop, "accept pause", on_pause_over, l);
	return l;
}

static void listener_start(struct net_listener *l)
{
	l->io = loop_io_new(l->loop, l->fd, LOOP_READ, on_acceptable, l);
}

int net_listener_port(const struct net_listener *l)
{
	return l->port;
}

/* Removes the socket's file unless somebody has put another one in its place. */
static void remove_path(struct net_listener *l)
{
	struct stat st;

	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
}

void net_listener_free(struct net_listener *l)
{
	if (!l)
		return;
	loop_io_free(l->io);
	loop_timer_free(l->pause);
	remove_path(l);
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock_fd >= 0) {
		unlink(l->lock_path);
		close(l->lock_fd);
	}
	free(l->path);
	free(l->lock_path);
	l->freed = true;
	if (!l->busy)
		free(l);
}

DEFINE_CLEANUP(struct net_listener *, net_listener_free)

/* TCP. */

/* "every address" is the v6 wildcard that takes v4 too, or v4's where the kernel has no v6. */
static int tcp_address(struct sockaddr_storage *ret, socklen_t *ret_len, const char *address,
	int port, int family, struct err *err)
{
	const struct addrinfo hints = {.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *found;
	char service[16];
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(address, service, &hints, &found);
	if (rc != 0)
		return err_set(err, -EINVAL,
			"cannot listen on '%s' port %d: not an IP address and port (%s)",
			address ? address : "", port, gai_strerror(rc));
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int tcp_bind(
	struct net_listener *l, const char *address, int port, int family, struct err *err)
{
	struct sockaddr_storage where = {0};
	const int on = 1, off = 0;
	socklen_t len;
	int rc = tcp_address(&where, &len, address, port, family, err);

	if (rc < 0)
		return rc;
	l->fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (where.ss_family == AF_INET6 &&
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, address ? &on : &off, sizeof(on)) < 0)
		return -errno;
	if (bind(l->fd, (struct sockaddr *)&where, len) < 0 || listen(l->fd, BACKLOG) < 0)
		return -errno;
	len = sizeof(where);
	if (getsockname(l->fd, (struct sockaddr *)&where, &len) < 0)
		return -errno;
	free(address_host(&where, &l->port));
	return 0;
}

int net_listen_tcp(struct net_listener **ret, struct loop *loop, const char *address, int port,
	net_accept_fn *fn, void *arg, struct err *err)
{
	CLEANUP(net_listener_freep) struct net_listener *l = listener_new(loop, fn, arg);
	struct err own = {0};
	int rc;

	if (address && !*address)
		address = NULL;
	rc = tcp_bind(l, address, port, address ? AF_UNSPEC : AF_INET6, &own);
	if (rc < 0 && !address && (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)) {
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
		rc = tcp_bind(l, NULL, port, AF_INET, &own);
	}
	if (rc < 0 && *own.text)
		return err_set(err, rc, "%s", own.text);
	if (rc < 0)
		return err_errno(err, rc, "cannot listen on %s port %d",
			address ? address : "every address", port);
	listener_start(l);
	*ret = TAKE(l);
	return 0;
}

/* Unix sockets. */

static int unix_address(struct sockaddr_un *ret, const char *path, struct err *err)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(ret->sun_path))
		return err_set(err, -ENAMETOOLONG,
			"socket path '%s' is empty or longer than %zu characters", path,
			sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

static int unix_make_folder(const char *path, struct err *err)
{
	CLEANUP(freep) char *copy = xstrdup(path);

	return file_make_folder(dirname(copy), 0755, err);
}

/* Takes the lock for this path. The holder removes the file before it lets go, so what was
 * locked may be a file that is gone: then another try finds the new one. */
static int unix_lock(struct net_listener *l, const char *path, struct err *err)
{
	l->lock_path = xasprintf("%s.lock", path);
	for (int tries = 0; tries < 10; tries++) {
		struct stat held, there;
		int fd = open(l->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return err_errno(err, -errno, "cannot open %s", l->lock_path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			close(fd);
			return err_set(err, -EADDRINUSE,
				"already running: another process holds %s", l->lock_path);
		}
		if (fstat(fd, &held) == 0 && stat(l->lock_path, &there) == 0 &&
			held.st_dev == there.st_dev && held.st_ino == there.st_ino) {
			l->lock_fd = fd;
			return 0;
		}
		close(fd);
	}
	return err_set(err, -EADDRINUSE, "cannot lock %s: other processes come and go there",
		l->lock_path);
}

/* Who listens there? 0: nobody. */
static int unix_probe(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct net_peer peer;
	struct stat st;
	int fd, rc, number;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, -errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s is not a socket: move it away", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, -errno, "cannot make a socket");
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	number = errno;
	if (rc == 0 && net_peer_credentials(fd, &peer, NULL) == 0)
		rc = err_set(err, -EADDRINUSE, "already running: process %d answers on %s",
			(int)peer.pid, path);
	else if (rc == 0 || number == EAGAIN)
		rc = err_set(err, -EADDRINUSE, "already running: %s is served", path);
	else if (number == ECONNREFUSED || number == ENOENT)
		rc = 0;
	else
		rc = err_errno(err, -number, "cannot tell whether %s is served", path);
	close(fd);
	return rc;
}

static int unix_bind(
	struct net_listener *l, const char *path, mode_t mode, gid_t group, struct err *err)
{
	CLEANUP(freep) char *temporary = xasprintf("%s.new", path);
	struct sockaddr_un address;
	struct stat st;
	int rc = unix_address(&address, temporary, err);

	if (rc < 0)
		return rc;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return err_errno(err, -errno, "cannot make a socket");
	if (unlink(temporary) < 0 && errno != ENOENT)
		return err_errno(err, -errno, "cannot remove %s", temporary);
	if (bind(l->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, -errno, "cannot make the socket %s", temporary);
	/* Nobody can connect before listen(). */
	if ((group != (gid_t)-1 && lchown(temporary, (uid_t)-1, group) < 0) ||
		chmod(temporary, mode) < 0 || lstat(temporary, &st) < 0 ||
		listen(l->fd, BACKLOG) < 0 || rename(temporary, path) < 0) {
		rc = err_errno(err, -errno, "cannot set up the socket %s", path);
		unlink(temporary);
		return rc;
	}
	l->path = xstrdup(path);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return 0;
}

int net_listen_unix(struct net_listener **ret, struct loop *loop, const char *path, mode_t mode,
	gid_t group, net_accept_fn *fn, void *arg, struct err *err)
{
	CLEANUP(net_listener_freep) struct net_listener *l = listener_new(loop, fn, arg);
	struct sockaddr_un address;
	int rc = unix_address(&address, path, err);

	if (rc == 0)
		rc = unix_make_folder(path, err);
	if (rc == 0)
		rc = unix_lock(l, path, err);
	if (rc == 0)
		rc = unix_probe(&address, err);
	if (rc == 0)
		rc = unix_bind(l, path, mode, group, err);
	if (rc < 0)
		return rc;
	listener_start(l);
	*ret = TAKE(l);
	return 0;
}
