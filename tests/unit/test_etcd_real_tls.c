/*
 * The client and a real etcd that speaks TLS: what works, and what is said where it does not. Runs
 * with each program of server_program(); the certificates are made with the openssl command.
 */
#include "config.h"

#include <stdarg.h>

#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_etcd_server.h"
#include "tests/unit/test_etcd_setup.h"

static struct setup s;
static struct server server;
static char paths[32][128];
static size_t n_paths;

/* A path in the folder of the test; lives until the test ends. */
static const char *in_folder(const char *name)
{
	char *path = paths[n_paths];

	ck_assert_uint_lt(n_paths++, ARRAY_SIZE(paths));
	snprintf(path, sizeof(paths[0]), "%s/%s", server_folder(), name);
	return path;
}

static void shell(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void shell(const char *fmt, ...)
{
	CLEANUP(freep) char *text = NULL;
	const char *argv[] = {"sh", "-c", NULL, NULL};
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	argv[2] = text;
	server_run(argv);
}

/* NAME.pem and NAME.key, signed by ca.pem. */
static void issue(const char *name, const char *subject, const char *usage)
{
	shell("cd %s && printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=%s\\n' >ext && "
	      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '%s' "
	      "-keyout %s.key -out req 2>/dev/null && openssl x509 -req -in req -CA ca.pem -CAkey "
	      "ca.key -CAcreateserial -days 2 -extfile ext -out %s.pem 2>/dev/null",
		server_folder(), usage, subject, name, name);
}

static void make_ca(const char *name)
{
	shell("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
	      "-subj /CN=test-%s -days 2 -keyout %s.key -out %s.pem 2>/dev/null",
		server_folder(), name, name, name);
}

static void begin(int which, const char *usage, bool clients)
{
	size_t n = 0;

	server_init(&server, 1);
	n_paths = 0;
	make_ca("ca");
	make_ca("other");
	issue("server", "/O=etcd", usage);
	issue("client", "/O=client", "clientAuth");
	issue("named", "/CN=app", "clientAuth");
	server_use_tls(&server);
	server.option[n++] = "--cert-file";
	server.option[n++] = in_folder("server.pem");
	server.option[n++] = "--key-file";
	server.option[n++] = in_folder("server.key");
	if (clients) {
		server.option[n++] = "--client-cert-auth";
		server.option[n++] = "--trusted-ca-file";
		server.option[n++] = in_folder("ca.pem");
	}
	server_start(&server, 1, server_program((size_t)which));
	setup_begin(&s, 0);
}

static void finish(void)
{
	setup_end(&s);
	server_done(&server, 1);
}

/* A read by a client with such files; repeated while etcd is still waking up. */
static void ask(const char *url, const char *ca, const char *certificate, enum etcd_error_kind kind,
	const char *said)
{
	CLEANUP(freep) char *pem = certificate ? xasprintf("%s.pem", certificate) : NULL;
	CLEANUP(freep) char *key = certificate ? xasprintf("%s.key", certificate) : NULL;
	const struct etcd_config config = {
		.endpoints = &url,
		.n_endpoints = 1,
		.ca = in_folder(ca),
		.certificate = pem ? in_folder(pem) : NULL,
		.key = key ? in_folder(key) : NULL,
		.user = kind == ETCD_ERROR_CERTIFICATE_NAME ? "app" : NULL,
		.password = "p",
		.identity_key = "/p/id",
	};
	const struct etcd_call_options options = {.timeout = USEC_PER_SEC};
	struct err err = {""};

	ck_assert_msg(etcd_new(&s.etcd, s.loop, s.http, &config, &err) == 0, "%s", err.text);
	for (int i = 0; i < 15; i++) {
		setup_get(&s, &options);
		setup_wait(&s);
		if (s.error == kind && strstr(s.text, said))
			break;
		run_for(s.loop, 100 * USEC_PER_MSEC);
	}
	ck_assert_msg(s.error == kind, "error %d: %s", s.error, s.text);
	assert_says(&s, said);
	etcd_free(s.etcd);
	s.etcd = NULL;
	http_forget_connections(s.http);
}

START_TEST(a_private_ca_is_enough)
{
	CLEANUP(freep) char *plain = NULL;

	begin(_i, "serverAuth,clientAuth", false);
	plain = xasprintf("http://127.0.0.1:%d", server.client_port);
	ask(server.url, "ca.pem", NULL, ETCD_ERROR_NONE, "");
	ask(server.url, "other.pem", NULL, ETCD_ERROR_TRANSPORT, "does not verify against");
	ask(plain, "ca.pem", NULL, ETCD_ERROR_TRANSPORT, "https://");
	finish();
}
END_TEST

START_TEST(client_certificates)
{
	begin(_i, "serverAuth,clientAuth", true);
	ask(server.url, "ca.pem", "client", ETCD_ERROR_NONE, "");
	ask(server.url, "ca.pem", "named", ETCD_ERROR_NONE, "");
	ask(server.url, "ca.pem", NULL, ETCD_ERROR_TRANSPORT, "client certificate");
	ask(server.url, "ca.pem", "missing", ETCD_ERROR_TRANSPORT, "missing.pem");
	finish();
}
END_TEST

START_TEST(a_server_certificate_that_is_no_client_certificate)
{
	begin(_i, "serverAuth", true);
	ask(server.url, "ca.pem", "client", ETCD_ERROR_UNAVAILABLE, "clientAuth");
	finish();
}
END_TEST

/* One request with the nameless certificate, past the client. */
static void on_posted(const struct http_response *response, void *arg)
{
	ck_assert_msg(response->rc == 0 && response->status == 200, "%s: %d %s", (char *)arg,
		response->status, response->rc ? response->why : response->body);
	s.done = true;
}

static void post(const char *path, const char *body)
{
	CLEANUP(freep) char *url = xasprintf("%s%s", server.url, path);
	const struct http_tls tls = {.ca = in_folder("ca.pem"),
		.certificate = in_folder("client.pem"),
		.key = in_folder("client.key")};
	const struct http_options options = {.url = url,
		.body = body,
		.body_len = strlen(body),
		.timeout = 5 * USEC_PER_SEC,
		.max_body = 65536,
		.lane = "post",
		.tls = &tls,
		.on_done = on_posted,
		.arg = (void *)(uintptr_t)path};
	struct http_request *request;

	ck_assert_int_eq(http_send(&request, s.http, &options, NULL), 0);
	setup_wait(&s);
}

START_TEST(a_client_certificate_with_a_name_while_there_are_users)
{
	begin(_i, "serverAuth,clientAuth", true);
	ask(server.url, "ca.pem", "client", ETCD_ERROR_NONE, "");
	post("/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"r\"}");
	post("/v3/auth/role/add", "{\"name\":\"root\"}");
	post("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
	post("/v3/auth/enable", "{}");
	ask(server.url, "ca.pem", "named", ETCD_ERROR_CERTIFICATE_NAME, "without a CN");
	finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("etcd real tls");
	TCase *t = tcase_create("tls");
	int n = server_program(1) ? 2 : 1;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_private_ca_is_enough, 0, n);
	tcase_add_loop_test(t, client_certificates, 0, n);
	tcase_add_loop_test(t, a_server_certificate_that_is_no_client_certificate, 0, n);
	tcase_add_loop_test(t, a_client_certificate_with_a_name_while_there_are_users, 0, n);
	suite_add_tcase(suite, t);
	return suite;
}

SERVER_MAIN(suite)
