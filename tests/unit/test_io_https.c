/*
 * http.c over TLS, against a server on a thread of its own. What matters here is that each failure
 * says on which side the remedy is.
 */
#include "config.h"
#include "io/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "io/loop.h"
#include "test_io_cert.h"
#include "tests/lib/suite.h"

#define WATCHDOG     (20 * USEC_PER_SEC)
#define PATH_MAX_LEN 64

struct server {
	pthread_t thread;
	int fd, port;
	SSL_CTX *context; /* NULL: speaks no TLS */
};

static struct loop *loop;
static struct loop_timer *watchdog;
static struct http *http;
static struct server server;
/* The twin has the root's name and another key: a CA that was made anew. */
static struct test_cert root, other, twin, leaf, client, strangers[2];
static char folder[32];

/* The answer that came last. */
static struct {
	int calls, rc, status;
	bool sent;
	char why[512];
	char body[16];
} last;

static void save(const char *name, const char *text)
{
	char path[PATH_MAX_LEN];
	struct err err = {0};

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(file_replace(path, text, strlen(text), 0600, &err), 0);
}

static const char *in_folder(const char *name, char path[PATH_MAX_LEN])
{
	snprintf(path, PATH_MAX_LEN, "%s/%s", folder, name);
	return path;
}

static void serve_one(int fd, SSL_CTX *context)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char request[2048];
	SSL *ssl;

	if (!context) {
		(void)!write(fd, "220 mail.example ESMTP\r\n", 24);
		(void)!read(fd, request, sizeof(request));
		close(fd);
		return;
	}
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof(request)) > 0)
		(void)SSL_write(ssl, answer, (int)strlen(answer));
	(void)SSL_shutdown(ssl);
	/* Lets what was sent, an alert for instance, arrive before the reset. */
	(void)shutdown(fd, SHUT_WR);
	while (read(fd, request, sizeof(request)) > 0)
		;
	SSL_free(ssl);
	close(fd);
}

static void *serve(void *arg UNUSED)
{
	for (;;) {
		int fd = accept4(server.fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		serve_one(fd, server.context);
	}
}

static void server_use(const struct test_cert *cert)
{
	BIO *bio = BIO_new_mem_buf(cert->certificate, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key;

	BIO_free(bio);
	bio = BIO_new_mem_buf(cert->key, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	server.context = SSL_CTX_new(TLS_server_method());
	ck_assert_int_eq(SSL_CTX_use_certificate(server.context, x), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(server.context, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void server_wants_client_certificates(int version)
{
	char path[PATH_MAX_LEN];

	SSL_CTX_set_max_proto_version(server.context, version);
	ck_assert_int_eq(
		SSL_CTX_load_verify_locations(server.context, in_folder("root.pem", path), NULL),
		1);
	SSL_CTX_set_verify(server.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void server_start(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_ANY);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(server.fd, 16), 0);
	ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&sin, &len), 0);
	server.port = ntohs(sin.sin_port);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void on_watchdog(void *arg UNUSED)
{
	ck_abort_msg("nothing happened for too long");
}

static void setup(void)
{
	struct err err = {0};

	ck_assert_int_eq(loop_new(&loop, &err), 0);
	watchdog = loop_timer_new(loop, "watchdog", on_watchdog, NULL);
	loop_timer_after(watchdog, WATCHDOG);
	ck_assert_int_eq(http_new(&http, loop, &err), 0);
	snprintf(folder, sizeof(folder), "/tmp/test_io_https.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	test_cert_make(&root, "root", NULL);
	test_cert_make(&other, "other", NULL);
	test_cert_make(&twin, "root", NULL);
	test_cert_make(&leaf, "leaf", &root);
	test_cert_make(&client, "client", &root);
	test_cert_make(&strangers[0], "stranger", &other);
	test_cert_make(&strangers[1], "stranger", &twin);
	save("root.pem", root.certificate);
	save("other.pem", other.certificate);
	save("twin.pem", twin.certificate);
	save("client.pem", client.certificate);
	save("client.key", client.key);
	save("stranger0.pem", strangers[0].certificate);
	save("stranger0.key", strangers[0].key);
	save("stranger1.pem", strangers[1].certificate);
	save("stranger1.key", strangers[1].key);
	save("junk.pem", "no certificate");
	memset(&server, 0, sizeof(server));
	memset(&last, 0, sizeof(last));
	server_use(&leaf);
}

static void teardown(void)
{
	static const char *const files[] = {"root.pem", "other.pem", "twin.pem", "client.pem",
		"client.key", "stranger0.pem", "stranger0.key", "stranger1.pem", "stranger1.key",
		"junk.pem"};
	char path[PATH_MAX_LEN];

	http_free(http);
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	SSL_CTX_free(server.context);
	loop_timer_free(watchdog);
	loop_free(loop);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(in_folder(files[i], path));
	rmdir(folder);
	test_cert_done(&root);
	test_cert_done(&other);
	test_cert_done(&twin);
	test_cert_done(&leaf);
	test_cert_done(&client);
	test_cert_done(&strangers[0]);
	test_cert_done(&strangers[1]);
}

static void on_done(const struct http_response *response, void *arg UNUSED)
{
	last.calls++;
	last.rc = response->rc;
	last.status = response->status;
	last.sent = response->sent;
	snprintf(last.why, sizeof(last.why), "%s", response->why);
	snprintf(last.body, sizeof(last.body), "%s", response->body);
	loop_stop(loop);
}

/* One request; names of files in the folder. */
static void request_to(const char *host, const char *ca, const char *certificate, const char *key)
{
	char paths[3][PATH_MAX_LEN], url[128];
	const struct http_tls tls = {
		.ca = in_folder(ca, paths[0]),
		.certificate = certificate ? in_folder(certificate, paths[1]) : NULL,
		.key = key ? in_folder(key, paths[2]) : NULL,
	};
	const struct http_options options = {.url = url,
		.tls = &tls,
		.max_body = 100,
		.timeout = 10 * USEC_PER_SEC,
		.on_done = on_done};
	struct http_request *request;
	struct err err = {0};

	snprintf(url, sizeof(url), "https://%s:%d/", host, server.port);
	memset(&last, 0, sizeof(last));
	ck_assert_msg(http_send(&request, http, &options, &err) == 0, "%s", err.text);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_eq(last.calls, 1);
}

static void check_ok(void)
{
	ck_assert_msg(last.rc == 0, "%s", last.why);
	ck_assert_int_eq(last.status, 200);
	ck_assert_str_eq(last.body, "ok");
	ck_assert(last.sent);
}

static void check_failed(const char *part)
{
	ck_assert_msg(last.rc == -EPROTO, "%d: %s", last.rc, last.why);
	ck_assert_msg(strstr(last.why, part), "'%s' is not in '%s'", part, last.why);
	ck_assert_msg(strstr(last.why, "https://127.0.0."), "no endpoint in '%s'", last.why);
}

START_TEST(a_server_with_a_certificate_of_our_ca_is_trusted)
{
	server_start();
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_ok();
}
END_TEST

START_TEST(a_certificate_of_another_ca_is_not)
{
	server_start();
	request_to("127.0.0.1", _i ? "twin.pem" : "other.pem", NULL, NULL);
	check_failed("does not verify against");
	check_failed(_i ? "twin.pem" : "other.pem");
	ck_assert(!last.sent);
}
END_TEST

START_TEST(a_certificate_for_another_address_is_not)
{
	server_start();
	request_to("127.0.0.2", "root.pem", NULL, NULL);
	check_failed("does not verify");
	check_failed("127.0.0.2");
	ck_assert(!last.sent);
}
END_TEST

static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

START_TEST(our_client_certificate_is_sent_where_it_is_wanted)
{
	server_wants_client_certificates(versions[_i]);
	server_start();
	request_to("127.0.0.1", "root.pem", "client.pem", "client.key");
	check_ok();
}
END_TEST

START_TEST(a_server_that_wants_a_client_certificate_says_so)
{
	server_wants_client_certificates(versions[_i]);
	server_start();
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_failed("client certificate");
	check_failed("want");
}
END_TEST

START_TEST(a_client_certificate_that_the_server_does_not_know_is_named_as_the_cause)
{
	bool of_twin = _i & 2;

	server_wants_client_certificates(versions[_i & 1]);
	server_start();
	request_to("127.0.0.1", "root.pem", of_twin ? "stranger1.pem" : "stranger0.pem",
		of_twin ? "stranger1.key" : "stranger0.key");
	check_failed(of_twin ? "the server cannot verify our client certificate"
			     : "the server does not know the CA of our client certificate");
}
END_TEST

START_TEST(a_file_of_ours_that_is_missing_is_named)
{
	static const struct {
		const char *ca, *certificate, *key, *part;
	} cases[] = {
		{"gone.pem", NULL, NULL, "gone.pem"},
		{"root.pem", "gone.pem", "client.key", "gone.pem"},
		{"root.pem", "client.pem", "gone.key", "gone.key"},
	};

	server_start();
	request_to("127.0.0.1", cases[_i].ca, cases[_i].certificate, cases[_i].key);
	check_failed(cases[_i].part);
	check_failed("cannot read");
	check_failed("No such file");
	ck_assert(!last.sent);
}
END_TEST

START_TEST(a_file_of_ours_that_is_no_good_is_named)
{
	static const struct {
		const char *ca, *certificate, *key, *part;
	} cases[] = {
		{"junk.pem", NULL, NULL, "holds no certificate"},
		{"root.pem", "junk.pem", "client.key", "junk.pem"},
		{"root.pem", "client.pem", "stranger0.key", "stranger0.key"},
	};

	server_start();
	request_to("127.0.0.1", cases[_i].ca, cases[_i].certificate, cases[_i].key);
	check_failed(cases[_i].part);
	ck_assert(!last.sent);
}
END_TEST

START_TEST(a_server_without_tls_is_told_apart)
{
	SSL_CTX_free(TAKE(server.context));
	server_start();
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_failed("does not speak TLS");
	ck_assert(!last.sent);
}
END_TEST

START_TEST(changed_files_are_read_again_once_connections_are_forgotten)
{
	server_start();
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_ok();
	save("root.pem", other.certificate);
	http_forget_connections(http);
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_failed("does not verify");
	save("root.pem", root.certificate);
	request_to("127.0.0.1", "root.pem", NULL, NULL);
	check_ok();
}
END_TEST

static Suite *io_https_suite(void)
{
	Suite *suite = suite_create("io/https");
	TCase *tc = tcase_create("https");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_server_with_a_certificate_of_our_ca_is_trusted);
	tcase_add_loop_test(tc, a_certificate_of_another_ca_is_not, 0, 2);
	tcase_add_test(tc, a_certificate_for_another_address_is_not);
	tcase_add_loop_test(tc, our_client_certificate_is_sent_where_it_is_wanted, 0, 2);
	tcase_add_loop_test(tc, a_server_that_wants_a_client_certificate_says_so, 0, 2);
	tcase_add_loop_test(
		tc, a_client_certificate_that_the_server_does_not_know_is_named_as_the_cause, 0, 4);
	tcase_add_loop_test(tc, a_file_of_ours_that_is_missing_is_named, 0, 3);
	tcase_add_loop_test(tc, a_file_of_ours_that_is_no_good_is_named, 0, 3);
	tcase_add_test(tc, a_server_without_tls_is_told_apart);
	tcase_add_test(tc, changed_files_are_read_again_once_connections_are_forgotten);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(io_https_suite)
