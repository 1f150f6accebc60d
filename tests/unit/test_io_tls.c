#include "config.h"
#include "io/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls_io.h"
#include "test_io_cert.h"
#include "tests/lib/suite.h"

#define WATCHDOG (20 * USEC_PER_SEC)
#define BULK	 300000

/* One end of a TLS connection. */
struct side {
	struct stream *stream;
	struct tls *tls;
	int ready, closed, rc;
	bool psk_used;
	char why[256];
	struct buf got;
};

/* Moves bytes between the two ends; stops after `budget` bytes from the client. */
struct relay {
	int fds[2]; /* towards the client, towards the server */
	struct loop_io *io[2];
	size_t piece;
	size_t budget;
	size_t moved;
};

static const unsigned char identity[] = "identity of a token";
static const unsigned char key[32] = {1, 2, 3};
static const unsigned char wrong_key[32] = {1, 2, 4};

static struct test_cert cert;
static struct loop *loop;
static struct loop_timer *watchdog;
static struct tls_server *server;
static struct side client, served;
static struct relay relay;
static bool (*until)(void);
static int lookups;

static size_t find_psk(
	const unsigned char *id, size_t len, unsigned char dst[TLS_PSK_MAX], void *arg UNUSED)
{
	lookups++;
	if (len != sizeof(identity) || memcmp(id, identity, len) != 0)
		return 0;
	memcpy(dst, key, sizeof(key));
	return sizeof(key);
}

static void check_done(void)
{
	if (until && until())
		loop_stop(loop);
}

static void on_ready(void *arg)
{
	struct side *s = arg;

	s->ready++;
	s->psk_used = tls_psk_used(s->tls);
	check_done();
}

static void on_readable(struct buf *received, void *arg)
{
	struct side *s = arg;

	ck_assert_int_eq(s->ready, 1);
	ck_assert_int_eq(buf_add(&s->got, received->data, received->len), 0);
	buf_consume(received, received->len);
	check_done();
}

static void on_closed(int rc, const char *why, void *arg)
{
	struct side *s = arg;

	s->closed++;
	s->rc = rc;
	snprintf(s->why, sizeof(s->why), "%s", why);
	/* As its users do; the other end notices. */
	stream_free(TAKE(s->stream));
	check_done();
}

static const struct stream_ops ops = {
	.ready = on_ready, .readable = on_readable, .closed = on_closed};

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void setup(void)
{
	struct err err = {0};

	test_cert_make(&cert, "server", NULL);
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	ck_assert_msg(
		tls_server_new(&server, cert.certificate, cert.key, find_psk, NULL, &err) == 0,
		"%s", err.text);
	memset(&client, 0, sizeof(client));
	memset(&served, 0, sizeof(served));
	buf_init(&client.got, 2 * BULK);
	buf_init(&served.got, 2 * BULK);
	lookups = 0;
}

static void relay_done(void)
{
	for (int i = 0; i < 2; i++) {
		if (!relay.io[i])
			continue;
		loop_io_free(TAKE(relay.io[i]));
		close(relay.fds[i]);
	}
}

static void teardown(void)
{
	stream_free(client.stream);
	stream_free(served.stream);
	relay_done();
	buf_done(&client.got);
	buf_done(&served.got);
	tls_server_free(server);
	loop_timer_free(watchdog);
	loop_free(loop);
	test_cert_done(&cert);
}

static void run_until(bool (*condition)(void))
{
	struct err err = {0};

	until = condition;
	if (!condition())
		ck_assert_msg(loop_run(loop, &err) == 0, "%s", err.text);
	until = NULL;
}

static void start_side(struct side *s, int fd, struct tls *tls)
{
	const struct stream_limits limits = {.receive = BULK, .send = BULK};
	struct err err = {0};

	s->tls = tls;
	ck_assert_int_eq(stream_new(&s->stream, loop, fd, tls, &limits, &ops, s, &err), 0);
}

static struct tls *new_client(const unsigned char *id, size_t len, const unsigned char *psk)
{
	struct tls *tls;
	struct err err = {0};

	ck_assert_int_eq(tls_new_client(&tls, id, len, psk, 32, &err), 0);
	return tls;
}

static struct tls *new_server(void)
{
	struct tls *tls;
	struct err err = {0};

	ck_assert_int_eq(tls_new_server(&tls, server, &err), 0);
	return tls;
}

static void connect_with(const unsigned char *id, size_t len, const unsigned char *psk)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	start_side(&client, fds[0], new_client(id, len, psk));
	start_side(&served, fds[1], new_server());
}

static void on_relay(int events UNUSED, void *arg)
{
	int from = *(const int *)arg;
	char piece[4096];
	ssize_t n = recv(relay.fds[from], piece, MIN(relay.piece, sizeof(piece)), MSG_DONTWAIT);

	if (n > 0 && from == 0) {
		n = (ssize_t)MIN((size_t)n, relay.budget - relay.moved);
		relay.moved += (size_t)n;
	}
	if (n > 0)
		ck_assert_int_eq(send(relay.fds[!from], piece, (size_t)n, MSG_NOSIGNAL), n);
	if (n <= 0 || relay.moved == relay.budget)
		relay_done();
}

static void connect_through_relay(size_t piece, size_t budget)
{
	static int numbers[2] = {0, 1};
	int a[2], b[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	relay = (struct relay){.fds = {a[1], b[1]}, .piece = piece, .budget = budget};
	for (int i = 0; i < 2; i++)
		relay.io[i] = loop_io_new(loop, relay.fds[i], LOOP_READ, on_relay, &numbers[i]);
	start_side(&client, a[0], new_client(identity, sizeof(identity), key));
	start_side(&served, b[0], new_server());
}

static bool both_ready(void)
{
	return client.ready && served.ready;
}

static bool both_closed(void)
{
	return client.closed && served.closed;
}

static bool served_closed(void)
{
	return served.closed;
}

static bool client_closed(void)
{
	return client.closed;
}

static bool both_got_five(void)
{
	return client.got.len == 5 && served.got.len == 5;
}

static void exchange(void)
{
	ck_assert_int_eq(stream_send(client.stream, "hello", 5), 0);
	ck_assert_int_eq(stream_send(served.stream, "world", 5), 0);
	run_until(both_got_five);
	ck_assert_str_eq(buf_cstr(&served.got), "hello");
	ck_assert_str_eq(buf_cstr(&client.got), "world");
}

START_TEST(a_known_key_authenticates_both_sides)
{
	const unsigned char *seen;
	size_t len;

	connect_with(identity, sizeof(identity), key);
	ck_assert(!tls_psk_used(client.tls));
	run_until(both_ready);
	ck_assert(client.psk_used);
	ck_assert(served.psk_used);
	seen = tls_psk_identity(served.tls, &len);
	ck_assert_uint_eq(len, sizeof(identity));
	ck_assert_mem_eq(seen, identity, len);
	ck_assert_ptr_eq(stream_tls(served.stream), served.tls);
	exchange();
}
END_TEST

START_TEST(an_unknown_identity_is_served_with_the_certificate)
{
	const unsigned char stranger[] = "identity of another token";
	const unsigned char *seen;
	size_t len;

	connect_with(stranger, sizeof(stranger), key);
	run_until(both_ready);
	ck_assert(!client.psk_used);
	ck_assert(!served.psk_used);
	seen = tls_psk_identity(served.tls, &len);
	ck_assert_uint_eq(len, sizeof(stranger));
	ck_assert_mem_eq(seen, stranger, len);
	exchange();
}
END_TEST

START_TEST(a_wrong_key_for_a_known_identity_fails_on_both_sides)
{
	connect_with(identity, sizeof(identity), wrong_key);
	run_until(both_closed);
	ck_assert_int_eq(client.ready, 0);
	ck_assert_int_eq(served.ready, 0);
	ck_assert_int_eq(served.rc, -EPROTO);
	ck_assert_int_eq(client.rc, -EPROTO);
	ck_assert_ptr_nonnull(strstr(served.why, "wrong pre-shared key"));
	ck_assert_ptr_nonnull(strstr(client.why, "refused our pre-shared key"));
}
END_TEST

START_TEST(garbage_is_no_handshake)
{
	unsigned char garbage[512];
	int fds[2];

	random_bytes(garbage, sizeof(garbage));
	garbage[0] = _i == 0 ? 'G' : garbage[0] | 0x80;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	start_side(&served, fds[1], new_server());
	ck_assert_int_eq(write(fds[0], garbage, sizeof(garbage)), (ssize_t)sizeof(garbage));
	run_until(served_closed);
	ck_assert_int_eq(served.rc, -EPROTO);
	ck_assert_ptr_nonnull(strstr(served.why, "handshake"));
	ck_assert_int_eq(served.ready, 0);
	ck_assert_int_eq(lookups, 0);
	close(fds[0]);
}
END_TEST

START_TEST(a_web_browser_without_tls_is_told_apart)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	start_side(&served, fds[1], new_server());
	ck_assert_int_eq(write(fds[0], request, strlen(request)), (ssize_t)strlen(request));
	run_until(served_closed);
	ck_assert_int_eq(served.rc, -EPROTO);
	ck_assert_ptr_nonnull(strstr(served.why, "speaks HTTP"));
	close(fds[0]);
}
END_TEST

START_TEST(a_handshake_may_come_byte_by_byte)
{
	connect_through_relay(1, SIZE_MAX);
	run_until(both_ready);
	ck_assert(client.psk_used);
	exchange();
}
END_TEST

START_TEST(a_handshake_that_breaks_off_ends_both_sides)
{
	static const size_t budgets[] = {0, 1, 4, 5, 6, 50, 150, 250};

	connect_through_relay(4096, budgets[_i]);
	run_until(both_closed);
	ck_assert_int_eq(served.rc, -EPROTO);
	ck_assert_int_eq(served.ready, 0);
	ck_assert_ptr_nonnull(strstr(served.why, "handshake"));
	ck_assert_int_eq(client.rc, -EPROTO);
}
END_TEST

START_TEST(a_finished_stream_ends_with_close_notify)
{
	connect_with(identity, sizeof(identity), key);
	run_until(both_ready);
	ck_assert_int_eq(stream_send(served.stream, "bye", 3), 0);
	stream_finish(served.stream, WATCHDOG);
	run_until(both_closed);
	ck_assert_str_eq(buf_cstr(&client.got), "bye");
	ck_assert_msg(client.rc == 0, "%s", client.why);
	ck_assert_msg(served.rc == 0, "%s", served.why);
}
END_TEST

START_TEST(a_connection_that_is_cut_is_no_orderly_end)
{
	connect_through_relay(4096, SIZE_MAX);
	run_until(both_ready);
	relay_done();
	run_until(both_closed);
	ck_assert_int_eq(client.rc, -ECONNRESET);
	ck_assert_int_eq(served.rc, -ECONNRESET);
	ck_assert_ptr_nonnull(strstr(client.why, "without saying so"));
}
END_TEST

static bool client_got_bulk(void)
{
	return client.got.len == BULK && served.got.len == BULK;
}

START_TEST(bulk_goes_both_ways_at_once)
{
	char *bulk = xmalloc(BULK);

	for (size_t i = 0; i < BULK; i++)
		bulk[i] = (char)('A' + i * 7 % 50);
	connect_with(identity, sizeof(identity), key);
	run_until(both_ready);
	ck_assert_int_eq(stream_send(served.stream, bulk, BULK), 0);
	ck_assert_int_eq(stream_send(client.stream, bulk, BULK), 0);
	run_until(client_got_bulk);
	ck_assert_mem_eq(client.got.data, bulk, BULK);
	ck_assert_mem_eq(served.got.data, bulk, BULK);
	free(bulk);
}
END_TEST

START_TEST(a_client_that_only_knows_an_older_tls_is_refused)
{
	/* A TLS 1.2 client hello: one suite, no extensions. */
	static const unsigned char hello[] = {0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, 1, 2, 3, 4, 5,
		6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
		28, 29, 30, 31, 32, 0, 0, 2, 0x00, 0x2f, 1, 0};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	start_side(&served, fds[1], new_server());
	ck_assert_int_eq(write(fds[0], hello, sizeof(hello)), (ssize_t)sizeof(hello));
	run_until(served_closed);
	ck_assert_int_eq(served.rc, -EPROTO);
	ck_assert_msg(strstr(served.why, "TLS 1.3"), "%s", served.why);
	close(fds[0]);
}
END_TEST

START_TEST(a_client_of_a_server_without_tls_is_told)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	start_side(&client, fds[0], new_client(identity, sizeof(identity), key));
	ck_assert_int_eq(write(fds[1], "SSH-2.0-OpenSSH_9.2\r\n", 21), 21);
	run_until(client_closed);
	ck_assert_int_eq(client.rc, -EPROTO);
	ck_assert_msg(strstr(client.why, "does not speak TLS"), "%s", client.why);
	close(fds[1]);
}
END_TEST

START_TEST(a_certificate_and_key_that_do_not_fit_are_refused)
{
	struct test_cert second;
	struct tls_server *s;
	struct err err = {0};

	test_cert_make(&second, "second", NULL);
	ck_assert_int_eq(
		tls_server_new(&s, cert.certificate, second.key, find_psk, NULL, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "private key"));
	ck_assert_int_eq(tls_server_new(&s, "junk", cert.key, find_psk, NULL, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "certificate"));
	test_cert_done(&second);
}
END_TEST

START_TEST(keys_and_identities_have_bounds)
{
	unsigned char large[512] = {0};
	struct tls *tls;
	struct err err = {0};

	ck_assert_int_eq(tls_new_client(&tls, identity, 0, key, 32, &err), -EINVAL);
	ck_assert_int_eq(tls_new_client(&tls, large, sizeof(large), key, 32, &err), -EINVAL);
	ck_assert_int_eq(tls_new_client(&tls, identity, 4, large, TLS_PSK_MAX + 1, &err), -EINVAL);
	ck_assert_int_eq(tls_new_client(&tls, identity, 4, large, 0, &err), -EINVAL);
	tls_free(NULL);
	tls_server_free(NULL);
}
END_TEST

static Suite *io_tls_suite(void)
{
	Suite *suite = suite_create("io/tls");
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_known_key_authenticates_both_sides);
	tcase_add_test(tc, an_unknown_identity_is_served_with_the_certificate);
	tcase_add_test(tc, a_wrong_key_for_a_known_identity_fails_on_both_sides);
	tcase_add_loop_test(tc, garbage_is_no_handshake, 0, 2);
	tcase_add_test(tc, a_web_browser_without_tls_is_told_apart);
	tcase_add_test(tc, a_handshake_may_come_byte_by_byte);
	tcase_add_loop_test(tc, a_handshake_that_breaks_off_ends_both_sides, 0, 8);
	tcase_add_test(tc, a_finished_stream_ends_with_close_notify);
	tcase_add_test(tc, a_connection_that_is_cut_is_no_orderly_end);
	tcase_add_test(tc, bulk_goes_both_ways_at_once);
	tcase_add_test(tc, a_client_that_only_knows_an_older_tls_is_refused);
	tcase_add_test(tc, a_client_of_a_server_without_tls_is_told);
	tcase_add_test(tc, a_certificate_and_key_that_do_not_fit_are_refused);
	tcase_add_test(tc, keys_and_identities_have_bounds);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_tls_suite)
