#include "config.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/server.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/loop.h"
#include "io/net.h"
#include "tests/lib/suite.h"
#include "tests/unit/api_client.h"
#include "wire/frame.h"

#define DONE	    "{\"_requestdone\":1}"
#define SHOW	    "{\"collective\":{\"operation\":\"show\"}}"
#define OUR_VERSION "{\"version\":{\"value\":\"" PACKAGE_VERSION "\"}}"
#define GET(path)   "{\"operation\":\"retrieve\",\"path\":\"" path "\"}"
#define ERROR(code, text)                                                                          \
	"{\"errorcode\":" code ",\"error\":\"" text "\",\"detail\":\"{\\\"error\\\": \\\"" text    \
	"\\\"}\"}"
#define REFUSAL                                                                                    \
	"{\"collective\":{\"error\":\"collective management commands may only be used by "         \
	"root\"}}"

#define STREAM_FRAMES 2000
#define STREAM_SIZE   4000

static struct {
	char folder[32];
	char path[64];
	struct loop *loop;
	struct api_server *server;
	enum api_access access; /* what the judge says */
	struct api_request *pending;
	int started, cancelled;
	int streamed; /* frames of the streaming reply so far */
	bool watch;
} f;

static enum api_access judge(int fd UNUSED, const struct net_peer *peer UNUSED, void *arg UNUSED)
{
	return f.access;
}

static void on_cancelled(void *arg)
{
	ck_assert_ptr_eq(arg, f.pending);
	f.cancelled++;
}

static void stream_on(void *arg)
{
	char text[STREAM_SIZE];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (f.streamed < STREAM_FRAMES && !api_request_congested(arg)) {
		json *value = json_new_object();

		json_set_number(value, "n", f.streamed++);
		json_set_str(value, "text", text);
		api_request_reply(arg, value);
	}
	if (f.streamed == STREAM_FRAMES) {
		f.pending = NULL;
		api_request_done(arg);
	}
}

static void on_collective(
	struct api_request *req, const char *operation, const json *message, void *arg UNUSED)
{
	static const struct api_request_hooks hooks = {.cancelled = on_cancelled};
	static const struct api_request_hooks streaming = {
		.cancelled = on_cancelled, .drained = stream_on};
	json *value;

	f.started++;
	ck_assert_ptr_nonnull(json_get(message, "operation"));
	ck_assert_int_eq(api_request_peer(req)->uid, getuid());
	if (text_eq(operation, "wait")) {
		f.pending = req;
		if (f.watch)
			api_request_watch(req, &hooks, req);
	} else if (text_eq(operation, "stream")) {
		f.pending = req;
		api_request_watch(req, &streaming, req);
		stream_on(req);
	} else if (text_eq(operation, "show")) {
		value = json_new_object();
		json_set_str(value, "leader", "mgt1");
		api_request_reply(req, value);
		api_request_done(req);
	} else {
		api_request_error(req, 400, "unknown operation");
	}
}

static void on_resource(struct api_request *req, const char *operation, const char *path,
	const json *parameters, void *arg UNUSED)
{
	json *value = json_new_object();

	json_set_str(value, "operation", operation);
	json_set_str(value, "path", path);
	json_set_number(value, "parameters", (int64_t)json_count(parameters));
	api_request_reply(req, value);
	api_request_done(req);
}

static void start(const struct api_options *changes, const struct api_handlers *other)
{
	static const struct api_handlers handlers = {on_collective, on_resource};
	struct api_options options = *changes;
	struct err err = {""};

	memset(&f, 0, sizeof(f));
	f.access = API_FULL;
	f.watch = true;
	snprintf(f.folder, sizeof(f.folder), "/tmp/test_api.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	snprintf(f.path, sizeof(f.path), "%s/api.sock", f.folder);
	options.path = f.path;
	ck_assert_int_eq(loop_new(&f.loop, &err), 0);
	ck_assert_msg(api_server_new(&f.server, f.loop, &options, other ? other : &handlers, &f,
			      &err) == 0,
		"%s", err.text);
}

static void start_default(void)
{
	const struct api_options options = {.judge = judge};

	start(&options, NULL);
}

static void stop(void)
{
	char lock[80];

	api_server_free(f.server);
	if (f.pending)
		api_request_done(f.pending);
	loop_free(f.loop);
	snprintf(lock, sizeof(lock), "%s.lock", f.path);
	unlink(lock);
	unlink(f.path);
	ck_assert_int_eq(rmdir(f.folder), 0);
}

static bool has_pending(void *arg UNUSED)
{
	return f.pending != NULL;
}

static bool was_cancelled(void *arg UNUSED)
{
	return f.cancelled > 0;
}

START_TEST(a_collective_message_is_answered_once_and_the_connection_ends)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, SHOW);
	client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
	client_expect_closed(&c);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(a_later_collective_message_ends_with_requestdone)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, SHOW);
	client_send(&c, "{\"collective\":{\"operation\":\"nosuch\"}}");
	client_send(&c, GET("/version"));
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
	client_expect(&c, DONE);
	client_expect(&c, "{\"collective\":{\"error\":\"unknown operation\"}}");
	client_expect(&c, DONE);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

static const struct {
	const char *request;
	const char *replies[5];
} resources[] = {
	{GET("/"), {"{\"item\":{\"href\":\"noderange/\"}}", "{\"item\":{\"href\":\"nodes/\"}}",
			   "{\"item\":{\"href\":\"nodegroups/\"}}",
			   "{\"item\":{\"href\":\"version\"}}"}},
	{GET("/version"), {OUR_VERSION}},
	{GET("/version/"), {OUR_VERSION}},
	{"{\"operation\":\"retrieve\",\"path\":\"/version\",\"parameters\":null,\"x\":1}",
		{OUR_VERSION}},
	{"{\"operation\":\"update\",\"path\":\"/version\",\"parameters\":{}}",
		{ERROR("400", "Bad Request - operation 'update' is not possible here")}},
	{GET(""), {ERROR("400", "Bad Request - the path must begin with /")}},
	{GET("version"), {ERROR("400", "Bad Request - the path must begin with /")}},
	{GET("/versions"),
		{"{\"operation\":\"retrieve\",\"path\":\"/versions\",\"parameters\":0}"}},
	{GET("/version/x"),
		{"{\"operation\":\"retrieve\",\"path\":\"/version/x\",\"parameters\":0}"}},
	{"{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"parameters\":{\"a\":\"b\"}}",
		{"{\"operation\":\"update\",\"path\":\"/nodes/n1\",\"parameters\":1}"}},
	{"[]", {ERROR("400", "Bad Request - expected an object, found an array")}},
	{"{}", {ERROR("400", "Bad Request - 'operation' is missing")}},
	{"{\"username\":\"a\",\"password\":\"b\"}",
		{ERROR("400", "Bad Request - already authenticated")}},
};

START_TEST(paths_of_the_table_are_answered_others_are_the_handlers)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, resources[_i].request);
	for (size_t i = 0; resources[_i].replies[i]; i++)
		client_expect(&c, resources[_i].replies[i]);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(without_handlers_there_is_nothing)
{
	const struct api_options options = {.judge = judge};
	const struct api_handlers none = {NULL};
	struct client c;

	start(&options, &none);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/nodes/"));
	client_expect(&c, ERROR("404", "Target not found"));
	client_expect(&c, DONE);
	client_send(&c, SHOW);
	client_expect(
		&c, "{\"collective\":{\"error\":\"Collective mode not enabled on this system\"}}");
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_sent_ahead_are_answered_in_order_one_at_a_time)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	for (int i = 0; i < 100; i++)
		client_send(&c, SHOW);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	loop_until(f.loop, has_pending, NULL, "the handler");
	loop_turns(f.loop, 5);
	ck_assert_int_eq(f.started, 1);
	api_request_reply(f.pending, json_new_object());
	api_request_done(TAKE(f.pending));
	client_expect(&c, "{\"collective\":{}}");
	client_expect(&c, DONE);
	for (int i = 0; i < 100; i++) {
		client_expect(&c, "{\"collective\":{\"leader\":\"mgt1\"}}");
		client_expect(&c, DONE);
	}
	ck_assert_uint_eq(api_server_counters(f.server).requests, 102);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_may_be_cut_anywhere)
{
	static const char text[] = GET("/version");
	struct buf b = BUF_INIT(1024);
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	ck_assert_int_eq(frame_put(&b, FRAME_JSON, text, strlen(text)), 0);
	for (size_t i = 0; i < b.len; i++) {
		client_send_bytes(&c, b.data + i, 1);
		loop_turns(f.loop, 1);
	}
	for (size_t cut = 1; cut < b.len; cut++) {
		client_send_bytes(&c, b.data, cut);
		loop_turns(f.loop, 1);
		client_send_bytes(&c, b.data + cut, b.len - cut);
		client_expect(&c, OUR_VERSION);
		client_expect(&c, DONE);
	}
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	buf_done(&b);
	client_close(&c);
	stop();
}
END_TEST

/* Sends until the kernel takes no more; false when it never stops. */
static bool fills_up(struct client *c, const struct buf *b)
{
	for (int i = 0; i < 200; i++) {
		if (send(c->fd, b->data, b->len, MSG_NOSIGNAL) < 0)
			return errno == EAGAIN;
		loop_turns(f.loop, 1);
	}
	return false;
}

START_TEST(what_is_sent_ahead_without_end_waits_in_the_kernel)
{
	struct buf b = BUF_INIT(1 << 20);
	struct client c;

	start_default();
	while (b.len < 65536)
		ck_assert_int_eq(frame_put(&b, FRAME_JSON, SHOW, strlen(SHOW)), 0);
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	ck_assert(fills_up(&c, &b));
	ck_assert_int_eq(f.started, 1);
	api_request_done(TAKE(f.pending));
	client_expect_closed(&c);
	client_close(&c);
	buf_done(&b);
	stop();
}
END_TEST

START_TEST(a_slow_reader_is_waited_for_and_gets_everything)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, GET("/version"));
	client_send(&c, "{\"collective\":{\"operation\":\"stream\"}}");
	client_send(&c, GET("/version"));
	loop_until(f.loop, has_pending, NULL, "the handler");
	loop_turns(f.loop, 20);
	ck_assert_ptr_nonnull(f.pending);
	ck_assert_int_lt(f.streamed, STREAM_FRAMES / 2);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	for (int i = 0; i < STREAM_FRAMES; i++) {
		char *got = client_receive(&c);
		char start_of[64];

		snprintf(start_of, sizeof(start_of), "{\"collective\":{\"n\":%d,", i);
		ck_assert_msg(text_starts(got, start_of), "%d: %.40s", i, got);
		free(got);
	}
	client_expect(&c, DONE);
	client_expect(&c, OUR_VERSION);
	client_expect(&c, DONE);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(a_client_that_goes_away_cancels_its_request_once)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	client_send(&c, SHOW);
	loop_until(f.loop, has_pending, NULL, "the handler");
	client_close(&c);
	loop_until(f.loop, was_cancelled, NULL, "being told");
	loop_turns(f.loop, 5);
	ck_assert_int_eq(f.cancelled, 1);
	ck_assert_int_eq(f.started, 1);
	ck_assert_uint_eq(api_server_counters(f.server).connections, 0);
	ck_assert(!api_request_congested(f.pending));
	api_request_reply(f.pending, json_new_object());
	api_request_error(TAKE(f.pending), 500, "too late");
	ck_assert_int_eq(f.cancelled, 1);
	stop();
}
END_TEST

static bool nobody_is_there(void *arg UNUSED)
{
	return api_server_counters(f.server).connections == 0;
}

START_TEST(an_abandoned_request_keeps_its_place_until_it_ends)
{
	const struct api_options options = {.judge = judge, .connections = 1};
	struct client c;

	start(&options, NULL);
	f.watch = false;
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	client_close(&c);
	loop_until(f.loop, nobody_is_there, NULL, "the end");
	client_connect(&c, f.loop, f.path);
	client_expect_closed(&c);
	client_close(&c);
	api_request_done(TAKE(f.pending));
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_close(&c);
	stop();
}
END_TEST

START_TEST(requests_outlive_the_server)
{
	struct client c;

	start_default();
	client_connect(&c, f.loop, f.path);
	client_expect_greeting(&c, true);
	client_send(&c, "{\"collective\":{\"operation\":\"wait\"}}");
	loop_until(f.loop, has_pending, NULL, "the handler");
	api_server_free(TAKE(f.server));
	ck_assert_int_eq(f.cancelled, 1);
	client_expect_closed(&c);
	client_close(&c);
	stop();
}
END_TEST

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
	client_expect_closed(&extra);
	client_close(&extra);
	f.access = API_READ;
	while (n < 5) {
		client_connect(&c[n], f.loop, f.path);
		client_expect_greeting(&c[n++], true);
	}
	client_connect(&extra, f.loop, f.path);
	client_expect_closed(&extra);
	client_close(&extra);
	f.access = API_FULL;
	while (n < 8) {
		client_connect(&c[n], f.loop, f.path);
		client_expect_greeting(&c[n++], true);
	}
	client_connect(&extra, f.loop, f.path);
	client_expect_closed(&extra);
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
	Suite *s = suite_create("api");
	TCase *t = tcase_create("requests");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_collective_message_is_answered_once_and_the_connection_ends);
	tcase_add_test(t, a_later_collective_message_ends_with_requestdone);
	tcase_add_loop_test(t, paths_of_the_table_are_answered_others_are_the_handlers, 0,
		ARRAY_SIZE(resources));
	tcase_add_test(t, without_handlers_there_is_nothing);
	tcase_add_test(t, requests_sent_ahead_are_answered_in_order_one_at_a_time);
	tcase_add_test(t, requests_may_be_cut_anywhere);
	tcase_add_test(t, what_is_sent_ahead_without_end_waits_in_the_kernel);
	tcase_add_test(t, a_slow_reader_is_waited_for_and_gets_everything);
	tcase_add_test(t, a_client_that_goes_away_cancels_its_request_once);
	tcase_add_test(t, an_abandoned_request_keeps_its_place_until_it_ends);
	tcase_add_test(t, requests_outlive_the_server);
	suite_add_tcase(s, t);
	t = tcase_create("peers");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_stranger_is_told_so_and_shown_out);
	tcase_add_test(t, a_reader_may_retrieve_and_show);
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
