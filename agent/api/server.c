/*
 * The socket server: listens, judges who connects, and holds the connections.
 *
 * Ceilings are by access, so that strangers, whom the socket's mode lets in to be told that they may
 * not, can't keep root out: at most an eighth of the places is for peers without access, half for
 * readers. Who comes in vain is told why and closed at once.
 */
#include "config.h"
#include "api/server.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/conn.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/net.h"

#define CONNECTIONS_DEFAULT 256
/* As upstream's: anyone may connect, the credentials decide. */
#define SOCKET_MODE 0666

static bool in_groups(int fd, gid_t group)
{
	CLEANUP(freep) gid_t *groups = NULL;
	socklen_t len = 0;
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len);

	if (rc < 0 && errno == ERANGE && len > 0) {
		groups = xmalloc(len);
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	for (size_t i = 0; rc == 0 && groups && i < len / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static enum api_access judge(const struct api_server *server, int fd, const struct net_peer *peer)
{
	if (server->judge)
		return server->judge(fd, peer, server->arg);
	if (peer->uid == 0 || peer->uid == geteuid())
		return API_FULL;
	if (server->has_group && (peer->gid == server->group || in_groups(fd, server->group)))
		return API_READ;
	return API_NONE;
}

static bool has_place(const struct api_server *server, enum api_access access)
{
	unsigned all = 0;
	unsigned limit = server->limit;

	for (size_t i = 0; i < ARRAY_SIZE(server->held); i++)
		all += server->held[i];
	if (all >= limit)
		return false;
	if (access == API_NONE)
		limit /= 8;
	else if (access == API_READ)
		limit /= 2;
	return server->held[access] < MAX(limit, 1);
}

/* The greeting of one who can't stay. Upstream's tools read no further than authpassed. It fits into
 * what the kernel keeps for a socket; should it not, the peer is closed without a word. */
static void say_no(int fd)
{
	CLEANUP(json_freep) json *no = envelope_new_authpassed(false);
	CLEANUP(buf_done) struct buf b = BUF_INIT(512);

	json_set_str(no, "error", "collectived has too many connections, try again");
	if (frame_put(&b, FRAME_TEXT, ENVELOPE_BANNER, strlen(ENVELOPE_BANNER)) == 0 &&
		frame_put_json(&b, no) == 0)
		(void)!send(fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void no_place(struct api_server *server, int fd, const char *who)
{
	unsigned left_out;

	say_no(fd);
	close(fd);
	server->counters.refused++;
	if (!log_limit_pass(&server->crowded, loop_now(server->loop), &left_out))
		return;
	if (left_out)
		log_warning("api", "%s turned away: too many connections (as %u before it)", who,
			left_out);
	else
		log_warning("api", "%s turned away: too many connections", who);
}

static void on_accept(int fd, const char *who, void *arg)
{
	struct api_server *server = arg;
	struct net_peer credentials;
	struct api_peer peer;
	struct err err = {""};

	server->counters.accepted++;
	if (net_peer_credentials(fd, &credentials, &err) < 0) {
		log_debug("api", "%s: %s", who, err.text);
		close(fd);
		return;
	}
	peer = (struct api_peer){
		.uid = credentials.uid,
		.pid = credentials.pid,
		.access = judge(server, fd, &credentials),
	};
	if (!has_place(server, peer.access)) {
		no_place(server, fd, who);
		return;
	}
	if (peer.access == API_NONE)
		server->counters.refused++;
	if (conn_new(server, fd, &peer, &err) < 0)
		log_warning("api", "%s: %s", who, err.text);
}

int api_server_set_read_group(struct api_server *server, const char *group, struct err *err)
{
	struct group *entry;

	if (!group || !*group) {
		server->has_group = false;
		return 0;
	}
	errno = 0;
	entry = getgrnam(group);
	if (!entry)
		return err_set(err, -ENOENT,
			"api.read_group: there is no group '%s' on this system (groupadd %s)",
			group, group);
	server->has_group = true;
	server->group = entry->gr_gid;
	return 0;
}

int api_server_new(struct api_server **ret, struct loop *loop, const struct api_options *options,
	const struct api_handlers *handlers, void *arg, struct err *err)
{
	CLEANUP(api_server_freep) struct api_server *server = xcalloc(1, sizeof(*server));
	int rc;

	list_init(&server->conns);
	list_init(&server->abandoned);
	server->loop = loop;
	server->handlers = *handlers;
	server->arg = arg;
	server->judge = options->judge;
	server->limit = options->connections ? options->connections : CONNECTIONS_DEFAULT;
	rc = api_server_set_read_group(server, options->read_group, err);
	if (rc < 0)
		return rc;
	rc = net_listen_unix(&server->listener, loop, options->path, SOCKET_MODE, (gid_t)-1,
		on_accept, server, err);
	if (rc < 0)
		return rc;
	*ret = TAKE(server);
	return 0;
}

void api_server_free(struct api_server *server)
{
	struct api_conn *conn;
	struct api_request *req, *tmp;

	if (!server)
		return;
	net_listener_free(server->listener);
	/* A cancelled handler may end other requests, but connections go only here. */
	while ((conn = list_first(&server->conns, struct api_conn, link)))
		conn_free(conn);
	list_foreach_safe (req, tmp, &server->abandoned, link) {
		list_del(&req->link);
		req->server = NULL;
	}
	free(server);
}

void api_server_drain(struct api_server *server)
{
	server->draining = true;
}

bool api_server_idle(const struct api_server *server)
{
	const struct api_conn *conn;

	list_foreach (conn, &server->conns, link) {
		if (conn->current || stream_queued(conn->stream) > 0)
			return false;
	}
	return true;
}

struct api_counters api_server_counters(const struct api_server *server)
{
	return server->counters;
}
