#include "config.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "tests/lib/suite.h"
#include "tests/unit/api_client.h"
#include "tests/unit/api_fixture.h"
#include "wire/envelope.h"

START_TEST(a_stranger_is_told_so_and_shown_out)
{
	struct client c;

	start_default();
	f.access = API_NONE;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, false);
	client_send(&c, SHOW);
	client_expect(&c, REFUSAL);
	client_expect_closed(&c);
	client_close(&c);

	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, false);
	client_send(&c, "{\"username\":\"a\",\"password\":\"b\"}");
	client_expect(&c, "{\"authpassed\":0}");
	client_send(&c, GET("/"));
	client_expect(&c, ERROR("403", "Forbidden"));
	client_expect(&c, DONE);
	client_send(&c, "[]");
	client_expect(&c, ERROR("400", "Bad Request - expected an object, found an array"));
	client_expect(&c, DONE);
	client_expect_closed(&c);
	client_close(&c);
	ck_assert_int_eq(f.started, 0);
	ck_assert_uint_eq(api_server_counters(f.server).refused, 2);
	stop();
}
END_TEST

START_TEST(a_reader_may_retrieve_and_show)
{
	struct client c;

	start_default();
	f.access = API_READ;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_send(&c, GET("/nodes/"));
	client_expect(&c, "{\"operation\":\"retrieve\",\"path\":\"/nodes/\",\"parameters\":0}");
	client_expect(&c, DONE);
	client_send(&c, "{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"parameters\":{}}");
	client_expect(&c, ERROR("403", "Forbidden"));
	client_expect(&c, DONE);
	client_send(&c, SHOW);
	client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
	client_expect(&c, DONE);
	client_send(&c, "{\"collective\":{\"operation\":\"invite\",\"name\":\"x\"}}");
	client_expect(&c, REFUSAL);
	client_expect(&c, DONE);
	ck_assert_int_eq(f.started, 1);
	client_close(&c);
	stop();
}
END_TEST

static void tell_asked(struct api_request *req, const char *operation, const json *message UNUSED,
	void *arg UNUSED)
{
	json *value = json_new_object();

	json_set_str(value, "asked", operation);
	api_request_reply(req, value);
	api_request_done(req);
}

static bool watch_alone(const char *operation)
{
	return text_eq(operation, "watch");
}

START_TEST(a_reader_may_what_the_handlers_call_readable)
{
	static const struct api_handlers handlers = {
		.collective = tell_asked, .readable = watch_alone};
	static const struct api_options options = {.judge = judge};
	struct client c;

	start(&options, &handlers);
	f.access = API_READ;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_send(&c, "{\"collective\":{\"operation\":\"watch\"}}");
	client_expect(&c, "{\"collective\":{\"asked\":\"watch\"}}");
	client_expect(&c, DONE);
	client_send(&c, SHOW);
	client_expect(&c, REFUSAL);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

static const struct {
	enum api_access access;
	unsigned len;
	bool taken;
} lengths[] = {
	{API_NONE, 4096, true},
	{API_NONE, 4097, false},
	{API_READ, 65536, true},
	{API_READ, 65537, false},
	{API_FULL, 65537, true},
};

START_TEST(how_long_a_request_may_be_depends_on_who_sends_it)
{
	unsigned len = lengths[_i].len;
	const unsigned char header[] = {
		1, (unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len};
	CLEANUP(freep) char *body = xmalloc(len);
	struct client c;

	memset(body, ' ', len);
	memcpy(body, "[]", 2);
	start_default();
	f.access = lengths[_i].access;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, f.access != API_NONE);
	client_send_bytes(&c, header, sizeof(header));
	if (lengths[_i].taken) {
		client_send_bytes(&c, body, len);
		client_expect(&c, ERROR("400", "Bad Request - expected an object, found an array"));
	} else {
		client_expect_closed(&c);
	}
	client_close(&c);
	stop();
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} ends[] = {
	{"\0\0\0\0", 4},
	{"\1\0\0\0", 4},
	{"\x80\0\0\1x", 5},
	{"\3\0\0\1x", 5},
	{"\1\x10\0\1", 4},
	{"\1\xff\xff\xff", 4},
	{"\1\0\0\3{a}", 7},
	{"\1\0\0\4{} x", 8},
	{"\1\0\0\3\"\xff\"", 7},
};

START_TEST(bytes_that_are_no_frame_end_the_connection)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send_bytes(&c, ends[_i].bytes, ends[_i].len);
	client_expect_closed(&c);
	client_close(&c);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(a_text_frame_is_a_bad_request)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send_bytes(&c, "\0\0\0\2hi", 6);
	client_expect(&c, ERROR("400", "Bad Request"));
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

/* Sends the bytes with a descriptor beside them. */
static void send_with_fd(int to, const void *data, size_t len, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	ck_assert_int_eq(sendmsg(to, &msg, 0), (ssize_t)len);
}

START_TEST(a_descriptor_that_comes_along_is_closed)
{
	static const char frame[] = "\2\0\0\2{}";
	struct client c;
	int ends_of[2];
	char byte;

	start_default();
	ck_assert_int_eq(pipe(ends_of), 0);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	send_with_fd(c.fd, frame, 6, ends_of[1]);
	close(ends_of[1]);
	client_send(&c, GET("/version"));
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	/* The end of the file: nobody holds the other end any more. */
	ck_assert_int_eq(read(ends_of[0], &byte, 1), 0);
	close(ends_of[0]);
	client_close(&c);
	stop();
}
END_TEST

static void turned_away(struct client *c)
{
	client_expect(c, ENVELOPE_BANNER);
	client_expect(c,
		"{\"authpassed\":0,\"error\":\"collectived has too many connections, try again\"}");
	client_expect_closed(c);
}

START_TEST(strangers_and_readers_cannot_keep_root_out)
{
	const struct api_options options = {.judge = judge, .connections = 8};
	struct client c[9], extra;
	size_t n = 0;

	start(&options, NULL);
	f.access = API_NONE;
	client_connect(&c[n], f.loop, f.path);
	client_expect_greeting(&c[n++], false);
	client_connect(&extra, f.loop, f.path);
	turned_away(&extra);
	client_close(&extra);
	f.access = API_READ;
	while (n < 5) {
		client_connect(&c[n], f.loop, f.path);
		client_expect_greeting(&c[n++], true);
	}
	client_connect(&extra, f.loop, f.path);
	turned_away(&extra);
	client_close(&extra);
	f.access = API_FULL;
	while (n < 8) {
		client_connect(&c[n], f.loop, f.path);
		client_expect_greeting(&c[n++], true);
	}
	client_connect(&extra, f.loop, f.path);
	turned_away(&extra);
	client_close(&extra);
	client_close(&c[--n]);
	loop_turns(f.loop, 5);
	client_connect(&c[n], f.loop, f.path);
	client_expect_greeting(&c[n++], true);
	while (n > 0)
		client_close(&c[--n]);
	stop();
}
END_TEST

/* Connects as somebody else and gives the number in authpassed. */
static int passed_as(uid_t uid, gid_t gid, gid_t supplementary)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char in[256] = "";
	size_t len = 0;
	int fd;

	if (setgroups(1, &supplementary) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return 10;
	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 11;
	while (len < sizeof(in) - 1 && !memchr(in, '}', len)) {
		ssize_t n = read(fd, in + len, sizeof(in) - 1 - len);

		if (n <= 0)
			return 12;
		len += (size_t)n;
	}
	return memmem(in, len, "{\"authpassed\":1}", 16) ? 1 : 0;
}

static bool has_ended(void *arg)
{
	int *status = arg;

	return waitpid(-1, status, WNOHANG) > 0;
}

static const struct {
	uid_t uid;
	gid_t gid, supplementary;
	int passed;
} peers[] = {
	{0, 0, 0, 1},
	{54321, 54321, 54321, 0}, /* in no passwd file */
	{54321, 2, 54321, 1},	  /* bin is the read group */
	{54321, 54321, 2, 1},
	{65534, 65534, 65534, 0},
};

START_TEST(the_kernel_says_who_connects_and_with_which_groups)
{
	const struct api_options options = {.read_group = "bin"};
	struct group *bin = getgrnam("bin");
	int status = -1;
	pid_t pid;

	if (geteuid() != 0 || !bin || bin->gr_gid != 2)
		return;
	start(&options, NULL);
	ck_assert_int_eq(chown(f.folder, 0, 0), 0);
	ck_assert_int_eq(chmod(f.folder, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(passed_as(peers[_i].uid, peers[_i].gid, peers[_i].supplementary));
	loop_until(f.loop, has_ended, &status, "the other process");
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), peers[_i].passed);
	stop();
}
END_TEST

START_TEST(a_read_group_that_does_not_exist_is_named)
{
	struct err err = {""};

	start_default();
	ck_assert_int_eq(api_server_set_read_group(f.server, "nosuchgroup", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "there is no group 'nosuchgroup'"));
	ck_assert_int_eq(api_server_set_read_group(f.server, "", &err), 0);
	stop();
}
END_TEST

START_TEST(a_second_server_on_one_path_is_refused)
{
	const struct api_handlers none = {NULL};
	struct api_options options = {0};
	struct api_server *second = NULL;
	struct err err = {""};

	start_default();
	options.path = f.path;
	ck_assert_int_eq(api_server_new(&second, f.loop, &options, &none, NULL, &err), -EADDRINUSE);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(err.text, "already running"));
	stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("api_peers");
	TCase *t = tcase_create("peers");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_stranger_is_told_so_and_shown_out);
	tcase_add_test(t, a_reader_may_retrieve_and_show);
	tcase_add_test(t, a_reader_may_what_the_handlers_call_readable);
	tcase_add_loop_test(
		t, how_long_a_request_may_be_depends_on_who_sends_it, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(t, bytes_that_are_no_frame_end_the_connection, 0, ARRAY_SIZE(ends));
	tcase_add_test(t, a_text_frame_is_a_bad_request);
	tcase_add_test(t, a_descriptor_that_comes_along_is_closed);
	tcase_add_test(t, strangers_and_readers_cannot_keep_root_out);
	tcase_add_loop_test(
		t, the_kernel_says_who_connects_and_with_which_groups, 0, ARRAY_SIZE(peers));
	tcase_add_test(t, a_read_group_that_does_not_exist_is_named);
	tcase_add_test(t, a_second_server_on_one_path_is_refused);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
