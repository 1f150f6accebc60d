/*
 * Sockets: listening, accepting, connecting. Every descriptor is non-blocking and close-on-exec.
 */
#ifndef IO_NET_H
#define IO_NET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/usec.h"

struct loop;
struct net_listener;
struct net_connect;

/* Called for each connection, at most 10 a wake-up; takes fd. peer is "192.0.2.1:4711" or, on a
 * unix socket, "uid 0 pid 12". */
typedef void net_accept_fn(int fd, const char *peer, void *arg);

/* address NULL or "": every address, v6 and v4; else an IP address. Port 0: one that is free, see
 * net_listener_port(). -EADDRINUSE and so on with the address in the text.
 * When descriptors run out (EMFILE, ENFILE) accepting pauses for a second instead of spinning. */
int net_listen_tcp(struct net_listener **ret, struct loop *loop, const char *address, int port,
	net_accept_fn *fn, void *arg, struct err *err) MUST_CHECK;
/* A stale socket file is replaced, a live one refused with -EADDRINUSE ("already running"): it
 * is connected to first. Made with its final mode and group (gid -1: left alone); its folder is
 * made 0755 where missing. Removed on free only if it is still ours. PATH.lock beside it is held
 * as long as the listener lives, so that of two that start at once one is refused. */
int net_listen_unix(struct net_listener **ret, struct loop *loop, const char *path, mode_t mode,
	gid_t group, net_accept_fn *fn, void *arg, struct err *err) MUST_CHECK;
void net_listener_free(struct net_listener *l);
int net_listener_port(const struct net_listener *l);

struct net_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};
/* SO_PEERCRED: who connected, as of connect time. */
int net_peer_credentials(int fd, struct net_peer *ret, struct err *err) MUST_CHECK;

/* Resolves (on a helper thread, so that DNS never blocks the loop) and tries each address in
 * turn until the deadline. done gets a connected descriptor, or negative errno and a text
 * (-ENOENT: name unknown, -ETIMEDOUT, or why the last address failed); exactly once unless freed
 * before, always from the loop. net_connect_free() is due afterwards, too. */
typedef void net_connect_fn(int fd, const char *why, void *arg);
int net_connect_new(struct net_connect **ret, struct loop *loop, const char *host, int port,
	usec_t timeout, net_connect_fn *done, void *arg, struct err *err) MUST_CHECK;
void net_connect_free(struct net_connect *c);

/* The far end as people write it: "192.0.2.1:4711", "[2001:db8::1]:4711" or, on a unix socket,
 * "uid 0 pid 12"; "unknown" when it has gone already. New. */
char *net_peer_text(int fd);
/* The address of the local end of a connected socket, without port; new. */
char *net_local_address(int fd);
/* The address of the far end of a connected socket, without port; v4-mapped v6 as v4; new. */
char *net_peer_address(int fd);

#endif
