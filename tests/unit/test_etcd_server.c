#include "config.h"
#include "tests/unit/test_etcd_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text.h"

/* Of starting; the machine may be busy. */
#define START_SECONDS 30

static char folder[64];

const char *server_program(size_t n)
{
	const char *const names[] = {getenv("ETCD"), getenv("ETCD_35")};
	const char *name = n < ARRAY_SIZE(names) ? names[n] : NULL;

	if (!name || !*name || text_eq(name, "no") || access(name, X_OK) < 0)
		return NULL;
	return name;
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void server_run(const char *const argv[])
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execvp(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s failed", argv[0]);
}

void server_init(struct server *servers, size_t n)
{
	const char *tmp = getenv("TMPDIR");
	char cluster[sizeof(servers->cluster)] = "";

	snprintf(folder, sizeof(folder), "%s/test-etcd-XXXXXX",
		tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (size_t i = 0; i < n; i++) {
		struct server *server = &servers[i];
		size_t len = strlen(cluster);

		*server = (struct server){.client_port = free_port(), .peer_port = free_port()};
		snprintf(server->name, sizeof(server->name), "n%zu", i + 1);
		snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d",
			server->client_port);
		snprintf(server->data, sizeof(server->data), "%s/%s", folder, server->name);
		snprintf(server->log, sizeof(server->log), "%s/%s.log", folder, server->name);
		snprintf(cluster + len, sizeof(cluster) - len, "%s%s=http://127.0.0.1:%d",
			len ? "," : "", server->name, server->peer_port);
	}
	for (size_t i = 0; i < n; i++)
		snprintf(servers[i].cluster, sizeof(servers[i].cluster), "%s", cluster);
}

static void exec_etcd(const struct server *server, const char *program)
{
	char peer[64];
	const char *argv[40] = {program, "--name", server->name, "--data-dir", server->data,
		"--listen-client-urls", server->url, "--advertise-client-urls", server->url,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", server->cluster, "--initial-cluster-token", folder};
	size_t n = 17;
	int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	snprintf(peer, sizeof(peer), "http://127.0.0.1:%d", server->peer_port);
	for (size_t i = 0; server->option[i]; i++)
		argv[n++] = server->option[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log >= 0) {
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
	}
	execv(program, (char *const *)(void *)argv);
	_exit(127);
}

/* Does it answer GET /version? */
static bool answers(const struct server *server)
{
	static const char request[] = "GET /version HTTP/1.0\r\n\r\n";
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server->client_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = 1};
	char answer[16] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = false;

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		good = false;
	else if (text_starts(server->url, "https:"))
		good = true;
	else if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 &&
		 recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0)
		good = strstr(answer, " 200") != NULL;
	close(fd);
	return good;
}

static void wait_for_answer(struct server *server, const char *program)
{
	time_t until = time(NULL) + START_SECONDS;

	while (!answers(server)) {
		const struct timespec moment = {.tv_nsec = 20000000};

		ck_assert_msg(waitpid(server->pid, NULL, WNOHANG) == 0, "%s ended at once, see %s",
			program, server->log);
		ck_assert_msg(time(NULL) < until, "%s does not answer", program);
		nanosleep(&moment, NULL);
	}
}

void server_start(struct server *servers, size_t n, const char *program)
{
	for (size_t i = 0; i < n; i++) {
		servers[i].pid = fork();
		ck_assert_int_ge(servers[i].pid, 0);
		if (servers[i].pid == 0)
			exec_etcd(&servers[i], program);
	}
	for (size_t i = 0; i < n; i++)
		wait_for_answer(&servers[i], program);
}

void server_stop(struct server *server, int signal)
{
	if (!server->pid)
		return;
	kill(server->pid, signal);
	ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
	server->pid = 0;
}

static void copy(const char *from, const char *to)
{
	const char *const remove[] = {"rm", "-rf", to, NULL};
	const char *const cp[] = {"cp", "-a", from, to, NULL};

	server_run(remove);
	server_run(cp);
}

void server_save(struct server *server)
{
	char saved[256];

	snprintf(saved, sizeof(saved), "%s.saved", server->data);
	copy(server->data, saved);
}

void server_restore(struct server *server)
{
	char saved[256];

	snprintf(saved, sizeof(saved), "%s.saved", server->data);
	copy(saved, server->data);
}

const char *server_folder(void)
{
	return folder;
}

void server_use_tls(struct server *server)
{
	snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%d", server->client_port);
}

void server_replace(struct server *server)
{
	snprintf(server->name, sizeof(server->name), "other");
	snprintf(server->data, sizeof(server->data), "%s/other", folder);
	/* the cluster id is made from the peers' URLs */
	server->peer_port = free_port();
	snprintf(server->cluster, sizeof(server->cluster), "other=http://127.0.0.1:%d",
		server->peer_port);
}

void server_done(struct server *servers, size_t n)
{
	const char *const remove[] = {"rm", "-rf", folder, NULL};

	for (size_t i = 0; i < n; i++)
		server_stop(&servers[i], SIGKILL);
	server_run(remove);
}
