/*
 * Strangers at the server's door: garbage, floods, slow ones, and holders of a token who misbehave.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/stream.h"
#include "io/tls.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_enroll_world.h"
#include "trust/csr.h"
#include "wire/frame.h"

#define HOUR  (3600 * USEC_PER_SEC)
#define FLOOD 300
#define FULL  64
#define SHARE 8

/* A connection to the server without a client of ours behind it. */
struct raw {
	struct stream *stream;
	bool ready, closed;
	struct buf got;
	const char *send; /* as soon as it is ready */
	size_t send_len;
};

static struct joiner j;
static struct raw raw;
static char *token;
static unsigned none;

static int connect_to_server(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_port = htons((uint16_t)enroll_server_port(w.server));
	ck_assert_int_eq(inet_pton(AF_INET, w.address, &sin.sin_addr), 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static void raw_ready(void *arg)
{
	struct raw *r = arg;

	r->ready = true;
	if (r->send)
		ck_assert_int_eq(stream_send(r->stream, r->send, r->send_len), 0);
}

static void raw_readable(struct buf *received, void *arg)
{
	struct raw *r = arg;

	ck_assert_int_eq(buf_add(&r->got, received->data, received->len), 0);
	buf_reset(received);
}

static void raw_closed(int rc UNUSED, const char *why UNUSED, void *arg)
{
	((struct raw *)arg)->closed = true;
}

static const struct stream_ops raw_ops = {
	.ready = raw_ready, .readable = raw_readable, .closed = raw_closed};

static const struct stream_limits raw_limits = {1 << 20, 1 << 20};

/* A connection that proves the token and then sends what it likes. */
static void raw_start(struct raw *r, const char *send, size_t len)
{
	struct token parsed;
	struct token_psk psk;
	struct tls *tls;
	struct err err;

	*r = (struct raw){.got = BUF_INIT(1 << 20), .send = send, .send_len = len};
	ck_assert_int_eq(token_parse(token, &parsed, &err), 0);
	ck_assert_int_eq(token_derive(&parsed, &psk, &err), 0);
	ck_assert_int_eq(tls_new_client(&tls, psk.identity, sizeof(psk.identity), psk.key,
				 sizeof(psk.key), &err),
		0);
	ck_assert_int_eq(stream_new(&r->stream, w.loop, connect_to_server(), tls, &raw_limits,
				 &raw_ops, r, &err),
		0);
}

static void raw_done(struct raw *r)
{
	stream_free(TAKE(r->stream));
	buf_done(&r->got);
}

static bool raw_is_ready(void *arg)
{
	return ((struct raw *)arg)->ready;
}

static bool raw_is_closed(void *arg)
{
	return ((struct raw *)arg)->closed;
}

static void setup(void)
{
	world_setup();
	token = world_invite("mgt2", 0, HOUR);
	raw = (struct raw){0};
}

static void teardown(void)
{
	raw_done(&raw);
	joiner_done(&j);
	secret_free(token);
	world_teardown();
}

static void assert_good_join_works(void)
{
	joiner_run(&j, token, NULL);
	ck_assert_msg(j.rc == 0, "%s", j.why);
}

static const struct {
	const char *bytes;
	size_t len;
} garbage[] = {
#define GARBAGE(text)                                                                              \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	GARBAGE("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	GARBAGE("\x16\x03\x01\xff\xff\x00\x00\x00\x00"), /* a record that is too long */
	GARBAGE("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), /* a client hello without contents */
	GARBAGE("\x16\x03\x01\x02\x00\x01"),		 /* one that is cut short */
	GARBAGE("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"), /* SSL 2 */
	GARBAGE("\n\n\n\n\n\n\n\n"),
#undef GARBAGE
};

START_TEST(garbage_instead_of_a_handshake_ends_the_connection)
{
	struct enroll_server_stats stats;
	int fd[ARRAY_SIZE(garbage)];

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		fd[i] = connect_to_server();
		ck_assert_int_eq(send(fd[i], garbage[i].bytes, garbage[i].len, MSG_NOSIGNAL),
			(int)garbage[i].len);
		/* nothing more comes: an unfinished record must not keep the place */
		ck_assert_int_eq(shutdown(fd[i], SHUT_WR), 0);
	}
	assert_good_join_works();
	run_until(connections_are, &none);
	enroll_server_stats(w.server, &stats);
	ck_assert_uint_eq(stats.garbage, ARRAY_SIZE(garbage));
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		close(fd[i]);
}
END_TEST

static char *frame_of(const char *text, size_t *ret_len)
{
	struct buf b = BUF_INIT(1 << 20);

	ck_assert_int_eq(frame_put(&b, FRAME_JSON, text, strlen(text)), 0);
	*ret_len = b.len;
	return buf_take(&b);
}

static void assert_answer(const char *send, size_t len, const char *code, const char *part)
{
	raw_start(&raw, send, len);
	run_until(raw_is_closed, &raw);
	ck_assert(raw.ready);
	ck_assert_uint_gt(raw.got.len, FRAME_HEADER);
	ck_assert_msg(strstr(raw.got.data + FRAME_HEADER, code), "%s", raw.got.data + FRAME_HEADER);
	ck_assert_msg(strstr(raw.got.data + FRAME_HEADER, part), "%s", raw.got.data + FRAME_HEADER);
	raw_done(&raw);
}

START_TEST(a_bad_request_is_answered_with_a_reason)
{
	static const struct {
		const char *text, *code, *part;
	} cases[] = {
		{"{}", "\"request\"", "format"},
		{"x", "\"request\"", "JSON"},
		{"{\"format\":7,\"version\":\"8.0\"}", "\"version\"", "version 8.0"},
		{"{\"format\":1,\"name\":\"mgt3\",\"version\":\"1\",\"addresses\":[],\"port\":1,"
		 "\"csr\":\"x\"}",
			"\"token\"", "made for mgt2, not for mgt3"},
		{"{\"format\":1,\"name\":\"mgt2\",\"version\":\"1\",\"addresses\":[],\"port\":1,"
		 "\"csr\":\"x\"}",
			"\"request\"", "certificate request"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		char *frame = frame_of(cases[i].text, &len);

		assert_answer(frame, len, cases[i].code, cases[i].part);
		free(frame);
	}
	assert_answer("\x01\x01\x00\x01xxxx", 8, "\"request\"", "");
	assert_answer("\x00\x00\x00\x01x", 5, "\"request\"", "wrong type");
	assert_answer("\xff\xff\xff\xff", 4, "\"request\"", "");
	ck_assert_uint_eq(w.redeems, 0);
	run_until(connections_are, &none);
	assert_good_join_works();
}
END_TEST

static bool refused_once(void *arg UNUSED)
{
	return w.refusals == 1;
}

START_TEST(a_request_for_a_foreign_name_does_not_bind_the_token)
{
	struct invitation i;
	struct privkey *key;
	struct err err;
	char *csr;
	struct buf text = BUF_INIT(ENROLL_REQUEST_MAX), frame = BUF_INIT(1 << 20);
	struct enroll_request request = {.name = (char *)"mgt3", .version = (char *)"1", .port = 1};

	ck_assert_int_eq(privkey_generate(&key, &err), 0);
	ck_assert_int_eq(csr_make(key, "mgt3", &csr, &err), 0);
	request.csr = csr;
	ck_assert_int_eq(enroll_request_encode(&request, &text), 0);
	ck_assert_int_eq(frame_put(&frame, FRAME_JSON, text.data, text.len), 0);
	raw_start(&raw, frame.data, frame.len);
	run_until(refused_once, NULL);
	invitations_at(w.book, 0, &i);
	ck_assert_int_eq(i.state, INVITATION_PENDING);
	privkey_free(key);
	free(csr);
	buf_done(&text);
	buf_done(&frame);
}
END_TEST

START_TEST(a_client_may_die_at_any_byte_of_its_request)
{
	size_t len;
	char *frame = frame_of("{\"format\":1}", &len);

	for (size_t i = 0; i < len; i++) {
		raw_start(&raw, i ? frame : NULL, i);
		run_until(raw_is_ready, &raw);
		raw_done(&raw);
	}
	run_until(connections_are, &none);
	free(frame);
	assert_good_join_works();
}
END_TEST

START_TEST(slow_ones_are_cut_off)
{
	struct enroll_server_stats stats;
	usec_t start = loop_now(w.loop);
	unsigned one = 1;
	int fd = connect_to_server();

	ck_assert_int_eq(send(fd, "\x16", 1, MSG_NOSIGNAL), 1);
	raw_start(&raw, "\x01", 1);
	run_until(raw_is_ready, &raw);
	run_until(connections_are, &one); /* the handshake that never goes on: after 5 s */
	ck_assert_int_ge(loop_now(w.loop) - start, 5 * USEC_PER_SEC);
	ck_assert_int_lt(loop_now(w.loop) - start, 9 * USEC_PER_SEC);
	ck_assert(!raw.closed);
	run_until(connections_are, &none); /* the request that never ends: after 10 s */
	ck_assert_int_ge(loop_now(w.loop) - start, 10 * USEC_PER_SEC);
	enroll_server_stats(w.server, &stats);
	ck_assert_uint_eq(stats.timeouts, 2);
	close(fd);
}
END_TEST

static bool at_once(void *arg UNUSED)
{
	return true;
}

START_TEST(a_flood_of_garbage_does_not_keep_a_joiner_out)
{
	static int fd[FLOOD];

	for (unsigned i = 0; i < FLOOD; i++) {
		fd[i] = connect_to_server();
		ck_assert_int_eq(send(fd[i], "garbage", 7, MSG_NOSIGNAL), 7);
		if (i == FLOOD / 2)
			joiner_start(&j, w.server_text, token, NULL);
		if (i % 5 == 0)
			run_until(at_once, NULL); /* the backlog is shorter than the flood */
	}
	run_until(joiner_is_done, &j);
	ck_assert_msg(j.rc == 0, "%s", j.why);
	for (unsigned i = 0; i < FLOOD; i++)
		close(fd[i]);
}
END_TEST

START_TEST(a_flood_of_silent_connections_does_not_keep_a_joiner_out)
{
	struct enroll_server_stats stats;
	static int fd[FLOOD];

	for (unsigned i = 0; i < FLOOD; i++) {
		fd[i] = connect_to_server();
		if (i == FLOOD / 2)
			joiner_start(&j, w.server_text, token, NULL);
		if (i % 5 == 0)
			run_until(at_once, NULL); /* the backlog is shorter than the flood */
	}
	run_until(joiner_is_done, &j);
	ck_assert_msg(j.rc == 0, "%s", j.why);
	enroll_server_stats(w.server, &stats);
	ck_assert_uint_le(stats.connections, FULL);
	ck_assert_uint_ge(stats.dropped, FLOOD - FULL);
	for (unsigned i = 0; i < FLOOD; i++)
		close(fd[i]);
}
END_TEST

/* Between a joiner and the server; what the server says is held back until the flood is over. */
static struct {
	struct net_listener *listener;
	struct loop_io *from_joiner, *from_server;
	int joiner, server;
	bool hello_passed;
} relay;

static void relay_bytes(int from, int to, struct loop_io **io)
{
	char bytes[4096];
	ssize_t n = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0) {
		loop_io_free(TAKE(*io));
		shutdown(to, SHUT_WR);
		return;
	}
	ck_assert_int_eq(send(to, bytes, (size_t)n, MSG_NOSIGNAL), n);
}

static void on_joiner_speaks(int events UNUSED, void *arg UNUSED)
{
	relay_bytes(relay.joiner, relay.server, &relay.from_joiner);
	relay.hello_passed = true;
}

static void on_server_speaks(int events UNUSED, void *arg UNUSED)
{
	relay_bytes(relay.server, relay.joiner, &relay.from_server);
}

static void relay_accept(int fd, const char *peer UNUSED, void *arg UNUSED)
{
	relay.joiner = fd;
	relay.server = connect_to_server();
	relay.from_joiner = loop_io_new(w.loop, fd, LOOP_READ, on_joiner_speaks, NULL);
	relay.from_server = loop_io_new(w.loop, relay.server, 0, on_server_speaks, NULL);
}

static bool hello_has_passed(void *arg UNUSED)
{
	return relay.hello_passed;
}

START_TEST(a_joiner_in_the_middle_of_its_handshake_is_not_pushed_out)
{
	struct enroll_server_stats stats;
	static int fd[FLOOD];
	char text[32];
	struct err err;

	ck_assert_int_eq(
		net_listen_tcp(&relay.listener, w.loop, "127.0.0.1", 0, relay_accept, NULL, &err),
		0);
	snprintf(text, sizeof(text), "127.0.0.1:%d", net_listener_port(relay.listener));
	joiner_start(&j, text, token, NULL);
	run_until(hello_has_passed, NULL);
	for (unsigned i = 0; i < FLOOD; i++) {
		fd[i] = connect_to_server();
		if (i % 5 == 0)
			run_until(at_once, NULL);
	}
	enroll_server_stats(w.server, &stats);
	ck_assert_uint_ge(stats.dropped, FLOOD - 2 * FULL);
	loop_io_set(relay.from_server, LOOP_READ);
	run_until(joiner_is_done, &j);
	ck_assert_msg(j.rc == 0, "%s", j.why);
	for (unsigned i = 0; i < FLOOD; i++)
		close(fd[i]);
	loop_io_free(relay.from_joiner);
	loop_io_free(relay.from_server);
	close(relay.joiner);
	close(relay.server);
	net_listener_free(relay.listener);
}
END_TEST

/* An IPv4 address of this host that is not loopback, or "". */
static void own_address(char dst[INET_ADDRSTRLEN])
{
	struct ifaddrs *all, *it;

	dst[0] = '\0';
	ck_assert_int_eq(getifaddrs(&all), 0);
	for (it = all; it && !*dst; it = it->ifa_next) {
		const struct sockaddr_in *sin = (const void *)it->ifa_addr;

		if (sin && sin->sin_family == AF_INET && (it->ifa_flags & IFF_UP) &&
			!(it->ifa_flags & IFF_LOOPBACK))
			inet_ntop(AF_INET, &sin->sin_addr, dst, INET_ADDRSTRLEN);
	}
	freeifaddrs(all);
}

static bool share_is_left(void *arg UNUSED)
{
	struct enroll_server_stats stats;

	enroll_server_stats(w.server, &stats);
	return stats.accepted == 3 * SHARE && stats.connections == SHARE;
}

START_TEST(one_remote_address_has_no_more_than_its_share)
{
	char address[INET_ADDRSTRLEN];
	int fd[3 * SHARE];

	own_address(address);
	if (!*address) {
		printf("SKIP: this host has no address but loopback\n");
		return;
	}
	world_kill_server();
	w.address = address;
	world_start_server();
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = connect_to_server();
	run_until(share_is_left, NULL);
	assert_good_join_works();
	ck_assert_str_eq(w.last_peer, address);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}
END_TEST

START_TEST(those_who_proved_a_token_are_not_pushed_out)
{
	static struct raw many[FULL];
	unsigned full = FULL;
	int fd;

	for (unsigned i = 0; i < FULL; i++)
		raw_start(&many[i], NULL, 0);
	for (unsigned i = 0; i < FULL; i++)
		run_until(raw_is_ready, &many[i]);
	fd = connect_to_server();
	joiner_run(&j, token, NULL);
	ck_assert_int_ne(j.rc, 0);
	ck_assert_ptr_nonnull(strstr(j.why, "Failed to connect to 127.0.0.1"));
	joiner_done(&j);
	ck_assert(connections_are(&full));
	for (unsigned i = 0; i < FULL; i++) {
		ck_assert(!many[i].closed);
		raw_done(&many[i]);
	}
	run_until(connections_are, &none);
	assert_good_join_works();
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("enroll/hostile");
	TCase *t = tcase_create("hostile");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 90);
	tcase_add_test(t, garbage_instead_of_a_handshake_ends_the_connection);
	tcase_add_test(t, a_bad_request_is_answered_with_a_reason);
	tcase_add_test(t, a_request_for_a_foreign_name_does_not_bind_the_token);
	tcase_add_test(t, a_client_may_die_at_any_byte_of_its_request);
	tcase_add_test(t, slow_ones_are_cut_off);
	tcase_add_test(t, a_flood_of_garbage_does_not_keep_a_joiner_out);
	tcase_add_test(t, a_flood_of_silent_connections_does_not_keep_a_joiner_out);
	tcase_add_test(t, a_joiner_in_the_middle_of_its_handshake_is_not_pushed_out);
	tcase_add_test(t, one_remote_address_has_no_more_than_its_share);
	tcase_add_test(t, those_who_proved_a_token_are_not_pushed_out);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(make_suite)
