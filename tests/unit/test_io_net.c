#include "config.h"
#include "io/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/loop.h"
#include "tests/lib/suite.h"

#define WATCHDOG (20 * USEC_PER_SEC)
#define MAX_FDS	 64

static struct loop *loop;
static struct loop_timer *watchdog;
static char folder[32];
static char path[100];

static int accepted[MAX_FDS]; /* what the listener gave */
static char peers[MAX_FDS][64];
static int accepted_count;
static int stop_after;
static struct net_listener *free_on_accept;

static int connect_result; /* what the connect gave */
static char connect_why[256];
static int connect_calls;

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void on_stop(void *arg UNUSED)
{
	loop_stop(loop);
}

static void setup(void)
{
	struct err err = {0};

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	snprintf(folder, sizeof(folder), "/tmp/test_io_net.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/run/api.sock", folder);
	accepted_count = 0;
	stop_after = 1;
	connect_calls = 0;
}

static void teardown(void)
{
	char inner[64];

	for (int i = 0; i < accepted_count; i++)
		close(accepted[i]);
	loop_timer_free(watchdog);
	loop_free(loop);
	unlink(path);
	snprintf(inner, sizeof(inner), "%s/run", folder);
	rmdir(inner);
	/* Nothing was left behind: no lock, no temporary name. */
	ck_assert_int_eq(rmdir(folder), 0);
}

static void on_accept(int fd, const char *peer, void *arg UNUSED)
{
	ck_assert_int_lt(accepted_count, MAX_FDS);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	snprintf(peers[accepted_count], sizeof(peers[0]), "%s", peer);
	accepted[accepted_count++] = fd;
	net_listener_free(TAKE(free_on_accept));
	if (accepted_count >= stop_after)
		loop_stop(loop);
}

static void on_connect(int fd, const char *why, void *arg)
{
	struct net_connect **c = arg;

	connect_calls++;
	connect_result = fd;
	snprintf(connect_why, sizeof(connect_why), "%s", why ? why : "");
	if (c)
		net_connect_free(TAKE(*c));
	loop_stop(loop);
}

static void run(void)
{
	struct err err = {0};

	ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
}

static struct net_listener *listen_unix(void)
{
	struct net_listener *l;
	struct err err = {0};

	ck_assert_msg(net_listen_unix(&l, loop, path, 0660, (gid_t)-1, on_accept, NULL, &err) == 0,
		"%s", err.text);
	return l;
}

static struct net_listener *listen_tcp(const char *address)
{
	struct net_listener *l;
	struct err err = {0};

	ck_assert_msg(
		net_listen_tcp(&l, loop, address, 0, on_accept, NULL, &err) == 0, "%s", err.text);
	ck_assert_int_gt(net_listener_port(l), 0);
	return l;
}

/* A blocking connection to the unix socket, or -errno. */
static int connect_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static int connect_tcp(const char *address, int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, address, &sin.sin_addr), 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

START_TEST(a_unix_socket_has_its_mode_and_tells_who_connects)
{
	struct net_listener *l;
	struct net_peer peer;
	struct stat st;
	struct err err = {0};
	char expected[64];
	int fd;

	umask(077);
	l = listen_unix();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	fd = connect_unix();
	ck_assert_int_ge(fd, 0);
	run();
	snprintf(expected, sizeof(expected), "uid %u pid %d", (unsigned)getuid(), (int)getpid());
	ck_assert_str_eq(peers[0], expected);
	ck_assert_int_eq(net_peer_credentials(accepted[0], &peer, &err), 0);
	ck_assert_int_eq(peer.uid, getuid());
	ck_assert_int_eq(peer.pid, getpid());
	close(fd);
	net_listener_free(l);
	ck_assert_int_lt(stat(path, &st), 0);
}
END_TEST

START_TEST(a_live_socket_is_refused_and_left_alone)
{
	struct net_listener *first = listen_unix();
	struct net_listener *second;
	struct err err = {0};
	int fd;

	ck_assert_int_eq(
		net_listen_unix(&second, loop, path, 0600, (gid_t)-1, on_accept, NULL, &err),
		-EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, "already running"));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	fd = connect_unix();
	ck_assert_int_ge(fd, 0);
	close(fd);
	net_listener_free(first);
}
END_TEST

/* A socket at `path` that was not made by us; listening or only left behind. */
static int foreign_socket(bool live)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char inner[64];

	snprintf(inner, sizeof(inner), "%s/run", folder);
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (live)
		ck_assert_int_eq(listen(fd, 1), 0);
	else
		close(fd);
	return fd;
}

START_TEST(a_socket_of_somebody_else_that_lives_is_refused)
{
	struct net_listener *l;
	struct err err = {0};
	char expected[64];
	int fd = foreign_socket(true);

	ck_assert_int_eq(net_listen_unix(&l, loop, path, 0600, (gid_t)-1, on_accept, NULL, &err),
		-EADDRINUSE);
	snprintf(expected, sizeof(expected), "already running: process %d", (int)getpid());
	ck_assert_msg(strstr(err.text, expected), "%s", err.text);
	close(fd);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct net_listener *l;
	int fd;

	foreign_socket(false);
	l = listen_unix();
	fd = connect_unix();
	ck_assert_int_ge(fd, 0);
	run();
	ck_assert_int_eq(accepted_count, 1);
	close(fd);
	net_listener_free(l);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_not_removed)
{
	struct net_listener *l;
	struct err err = {0};
	struct stat st;
	char inner[64];
	int fd;

	snprintf(inner, sizeof(inner), "%s/run", folder);
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(
		net_listen_unix(&l, loop, path, 0600, (gid_t)-1, on_accept, NULL, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "is not a socket"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(a_socket_put_in_our_place_is_not_removed)
{
	struct net_listener *l = listen_unix();
	struct stat st;

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	net_listener_free(l);
	ck_assert_int_eq(stat(path, &st), 0);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_refused)
{
	char longer[200];
	struct net_listener *l;
	struct err err = {0};

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(net_listen_unix(&l, loop, longer, 0600, (gid_t)-1, on_accept, NULL, &err),
		-ENAMETOOLONG);
}
END_TEST

START_TEST(every_address_takes_v4_and_names_the_peer_as_v4)
{
	struct net_listener *l = listen_tcp(_i ? "" : NULL);
	int fd = connect_tcp("127.0.0.1", net_listener_port(l));
	CLEANUP(freep) char *far = NULL;
	CLEANUP(freep) char *near = NULL;

	run();
	ck_assert_int_eq(strncmp(peers[0], "127.0.0.1:", 10), 0);
	far = net_peer_address(accepted[0]);
	near = net_local_address(accepted[0]);
	ck_assert_str_eq(far, "127.0.0.1");
	ck_assert_str_eq(near, "127.0.0.1");
	close(fd);
	net_listener_free(l);
}
END_TEST

START_TEST(a_port_in_use_is_named)
{
	struct net_listener *first = listen_tcp("127.0.0.1");
	struct net_listener *second;
	struct err err = {0};
	char port[16];

	ck_assert_int_eq(net_listen_tcp(&second, loop, "127.0.0.1", net_listener_port(first),
				 on_accept, NULL, &err),
		-EADDRINUSE);
	snprintf(port, sizeof(port), "%d", net_listener_port(first));
	ck_assert_ptr_nonnull(strstr(err.text, port));
	ck_assert_ptr_nonnull(strstr(err.text, "127.0.0.1"));
	net_listener_free(first);
}
END_TEST

START_TEST(a_name_is_no_address_to_listen_on)
{
	struct net_listener *l;
	struct err err = {0};

	ck_assert_int_eq(
		net_listen_tcp(&l, loop, "not-an-address", 1, on_accept, NULL, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not-an-address"));
}
END_TEST

START_TEST(a_listener_may_be_freed_while_it_accepts)
{
	struct net_listener *l = listen_tcp("127.0.0.1");
	int port = net_listener_port(l);
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = connect_tcp("127.0.0.1", port);
	free_on_accept = l;
	run();
	ck_assert_int_eq(accepted_count, 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}
END_TEST

START_TEST(when_descriptors_run_out_accepting_pauses_and_goes_on)
{
	struct net_listener *l = listen_tcp("127.0.0.1");
	struct rlimit limit, few;
	int fd = connect_tcp("127.0.0.1", net_listener_port(l));
	usec_t start = loop_now(loop);
	struct rusage before, after;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	getrusage(RUSAGE_SELF, &before);
	/* The first try fails; the limit is back before the next, a second later. */
	loop_timer_free(watchdog);
	watchdog = loop_timer_new(loop, "limit", on_stop, NULL);
	loop_timer_after(watchdog, 300 * USEC_PER_MSEC);
	run();
	getrusage(RUSAGE_SELF, &after);
	ck_assert_int_eq(accepted_count, 0);
	/* It did not spin. */
	ck_assert_int_lt((after.ru_utime.tv_sec - before.ru_utime.tv_sec) * USEC_PER_SEC +
				 after.ru_utime.tv_usec - before.ru_utime.tv_usec,
		100 * USEC_PER_MSEC);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	run();
	ck_assert_int_eq(accepted_count, 1);
	ck_assert_int_ge(loop_now(loop) - start, USEC_PER_SEC);
	close(fd);
	net_listener_free(l);
}
END_TEST

static struct net_connect *connect_new(const char *host, int port, usec_t timeout)
{
	static struct net_connect *c;
	struct err err = {0};

	ck_assert_msg(net_connect_new(&c, loop, host, port, timeout, on_connect, &c, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(connect_calls, 0);
	return c;
}

START_TEST(a_connect_by_address_and_by_name_succeeds)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};
	struct net_listener *l = listen_tcp("127.0.0.1");

	connect_new(hosts[_i], net_listener_port(l), 5 * USEC_PER_SEC);
	stop_after = 2; /* the connect stops the loop, not the listener */
	while (!connect_calls)
		run();
	ck_assert_msg(connect_result >= 0, "%s", connect_why);
	ck_assert_int_ne(fcntl(connect_result, F_GETFD) & FD_CLOEXEC, 0);
	close(connect_result);
	net_listener_free(l);
}
END_TEST

START_TEST(a_refused_connect_says_so)
{
	struct net_listener *l = listen_tcp("127.0.0.1");
	int port = net_listener_port(l);

	net_listener_free(l);
	connect_new("127.0.0.1", port, 5 * USEC_PER_SEC);
	run();
	ck_assert_int_eq(connect_calls, 1);
	ck_assert_int_eq(connect_result, -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(connect_why, "127.0.0.1"));
	ck_assert_ptr_nonnull(strstr(connect_why, "refused"));
}
END_TEST

START_TEST(a_connect_that_is_not_answered_ends_at_its_deadline)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fillers[8];
	usec_t start;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* With the backlog full the kernel leaves further connections unanswered. */
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	start = loop_now(loop);
	connect_new("127.0.0.1", ntohs(sin.sin_port), 100 * USEC_PER_MSEC);
	run();
	ck_assert_int_eq(connect_result, -ETIMEDOUT);
	ck_assert_int_ge(loop_now(loop) - start, 100 * USEC_PER_MSEC);
	ck_assert_ptr_nonnull(strstr(connect_why, "no answer within 100ms"));
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		close(fillers[i]);
	close(fd);
}
END_TEST

START_TEST(an_unknown_name_is_enoent)
{
	connect_new("no-such-host.invalid", 1, 15 * USEC_PER_SEC);
	run();
	ck_assert_msg(connect_result == -ENOENT, "%s", connect_why);
	ck_assert_ptr_nonnull(strstr(connect_why, "no-such-host.invalid"));
}
END_TEST

START_TEST(a_freed_connect_is_not_heard_of)
{
	struct net_connect *by_address = connect_new("127.0.0.1", 9, 5 * USEC_PER_SEC);
	struct net_connect *by_name = connect_new("localhost", 9, 5 * USEC_PER_SEC);

	net_connect_free(by_address);
	net_connect_free(by_name);
	net_connect_free(NULL);
	loop_timer_free(watchdog);
	watchdog = loop_timer_new(loop, "end", on_stop, NULL);
	loop_timer_after(watchdog, 50 * USEC_PER_MSEC);
	run();
	ck_assert_int_eq(connect_calls, 0);
}
END_TEST

static Suite *io_net_suite(void)
{
	Suite *suite = suite_create("io/net");
	TCase *tc = tcase_create("net");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_unix_socket_has_its_mode_and_tells_who_connects);
	tcase_add_test(tc, a_live_socket_is_refused_and_left_alone);
	tcase_add_test(tc, a_socket_of_somebody_else_that_lives_is_refused);
	tcase_add_test(tc, a_stale_socket_is_replaced);
	tcase_add_test(tc, a_file_that_is_no_socket_is_not_removed);
	tcase_add_test(tc, a_socket_put_in_our_place_is_not_removed);
	tcase_add_test(tc, a_path_too_long_for_a_socket_is_refused);
	tcase_add_loop_test(tc, every_address_takes_v4_and_names_the_peer_as_v4, 0, 2);
	tcase_add_test(tc, a_port_in_use_is_named);
	tcase_add_test(tc, a_name_is_no_address_to_listen_on);
	tcase_add_test(tc, a_listener_may_be_freed_while_it_accepts);
	tcase_add_test(tc, when_descriptors_run_out_accepting_pauses_and_goes_on);
	tcase_add_loop_test(tc, a_connect_by_address_and_by_name_succeeds, 0, 2);
	tcase_add_test(tc, a_refused_connect_says_so);
	tcase_add_test(tc, a_connect_that_is_not_answered_ends_at_its_deadline);
	tcase_add_test(tc, an_unknown_name_is_enoent);
	tcase_add_test(tc, a_freed_connect_is_not_heard_of);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_net_suite)
