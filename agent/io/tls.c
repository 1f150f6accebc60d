/*
 * One cipher suite, TLS_AES_128_GCM_SHA256, is offered and accepted: a pre-shared key is bound to a
 * hash (RFC 8446, 4.2.11), and with one suite the key always fits what was negotiated. OpenSSL sees
 * the key as a session whose master key it is. psk_ke is left off, so that each connection has its
 * own Diffie-Hellman exchange and a token found later opens no recording.
 *
 * What can go wrong: an unknown identity is no failure; the certificate takes over and the callers
 * see that tls_psk_used() is false. A known identity with a wrong key fails in the binder, before
 * anything else is computed, and has a text of its own. A client hello may carry many identities;
 * only the first few are looked up. SSL_read() and SSL_write() go through a socket BIO, which may
 * raise SIGPIPE: the loop has it ignored.
 */
#include "config.h"
#include "io/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"
#include "io/tls_io.h"

#define CIPHER_SUITE   "TLS_AES_128_GCM_SHA256"
#define IDENTITIES_MAX 4
#define IDENTITY_MAX   256

static const unsigned char cipher_id[] = {0x13, 0x01}; /* RFC 8446, B.4 */

struct tls_server {
	SSL_CTX *context;
	tls_find_psk_fn *find;
	void *arg;
};

struct tls {
	SSL *ssl;
	struct tls_server *server; /* NULL: a client */
	bool established;
	unsigned identities_seen;
	unsigned char identity[IDENTITY_MAX];
	size_t identity_len;
	unsigned char key[TLS_PSK_MAX]; /* a client's */
	size_t key_len;
};

/* Reasons that need other words than OpenSSL's. */
static const struct {
	int reason;
	const char *text;
} reasons[] = {
	{SSL_R_BINDER_DOES_NOT_VERIFY, "the other side has a wrong pre-shared key"},
	{SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER, "the other side refused our pre-shared key"},
	{SSL_R_TLSV1_ALERT_DECRYPT_ERROR, "the other side refused our pre-shared key"},
	{SSL_R_WRONG_VERSION_NUMBER, "the other side does not speak TLS"},
	{SSL_R_PACKET_LENGTH_TOO_LONG, "the other side does not speak TLS"},
	{SSL_R_HTTP_REQUEST, "the other side speaks HTTP, not TLS"},
	{SSL_R_UNSUPPORTED_PROTOCOL, "the other side does not speak TLS 1.3"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the other side does not speak TLS 1.3"},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, "the other side closed the connection"},
};

static const char *reason_text(unsigned long code)
{
	const char *text;

	if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
		for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
			if (reasons[i].reason == ERR_GET_REASON(code))
				return reasons[i].text;
		}
	}
	text = ERR_reason_error_string(code);
	return text ? text : "unknown reason";
}

/* The text of OpenSSL's oldest error of this thread; what is behind it follows from it. */
static int fail(struct err *err, int rc, const char *what)
{
	unsigned long code = ERR_get_error();

	ERR_clear_error();
	return err_set(err, rc, "%s: %s", what, code ? reason_text(code) : "unknown reason");
}

static struct tls *tls_of(const SSL *ssl)
{
	struct tls *tls = SSL_get_app_data(ssl);

	assert(tls);
	return tls;
}

/* A session for OpenSSL that stands for the key; NULL when memory or the suite is missing. */
static SSL_SESSION *session_of(SSL *ssl, const unsigned char *key, size_t len)
{
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, cipher_id);
	SSL_SESSION *session = SSL_SESSION_new();

	if (session && cipher && SSL_SESSION_set1_master_key(session, key, len) &&
		SSL_SESSION_set_cipher(session, cipher) &&
		SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

/* Server: which key belongs to the identity? No session means: as if none had been offered. */
static int on_find_session(
	SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **ret_session)
{
	struct tls *tls = tls_of(ssl);
	unsigned char key[TLS_PSK_MAX];
	size_t key_len;

	*ret_session = NULL;
	if (len > sizeof(tls->identity) || tls->identities_seen >= IDENTITIES_MAX)
		return 1;
	tls->identities_seen++;
	memcpy(tls->identity, identity, len);
	tls->identity_len = len;
	key_len = tls->server->find(identity, len, key, tls->server->arg);
	if (!key_len || key_len > sizeof(key))
		return 1;
	*ret_session = session_of(ssl, key, key_len);
	mem_wipe(key, sizeof(key));
	return *ret_session != NULL;
}

/* Client: the one identity to offer. The session is OpenSSL's from here on. */
static int on_use_session(SSL *ssl, const EVP_MD *digest, const unsigned char **ret_identity,
	size_t *ret_len, SSL_SESSION **ret_session)
{
	struct tls *tls = tls_of(ssl);

	*ret_session = NULL;
	/* Set in the second hello only, when the hash is known already. */
	if (digest && !EVP_MD_is_a(digest, "SHA256"))
		return 1;
	*ret_session = session_of(ssl, tls->key, tls->key_len);
	if (!*ret_session)
		return 0;
	*ret_identity = tls->identity;
	*ret_len = tls->identity_len;
	return 1;
}

static int context_new(SSL_CTX **ret, const SSL_METHOD *method, struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		return fail(err, -EIO, "cannot set up TLS");
	SSL_CTX_set_options(
		context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	if (!SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
		!SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) ||
		!SSL_CTX_set_ciphersuites(context, CIPHER_SUITE) ||
		!SSL_CTX_set_num_tickets(context, 0) || !SSL_CTX_set_max_early_data(context, 0)) {
		SSL_CTX_free(context);
		return fail(err, -EIO, "cannot set up TLS 1.3");
	}
	*ret = context;
	return 0;
}

/* Instead of asking on the terminal, as OpenSSL does without one. */
static int on_password(char *dst UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
	return -1;
}

static int load_certificate(SSL_CTX *context, const char *pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, on_password, NULL) : NULL;
	int ok = certificate && SSL_CTX_use_certificate(context, certificate);

	X509_free(certificate);
	BIO_free(bio);
	return ok ? 0 : fail(err, -EINVAL, "cannot use the certificate");
}

static int load_key(SSL_CTX *context, const char *pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_password, NULL) : NULL;
	int ok = key && SSL_CTX_use_PrivateKey(context, key) && SSL_CTX_check_private_key(context);

	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok ? 0 : fail(err, -EINVAL, "cannot use the private key");
}

int tls_server_new(struct tls_server **ret, const char *certificate_pem, const char *key_pem,
	tls_find_psk_fn *find, void *arg, struct err *err)
{
	struct tls_server *server = xcalloc(1, sizeof(*server));
	int rc;

	ERR_clear_error();
	server->find = find;
	server->arg = arg;
	rc = context_new(&server->context, TLS_server_method(), err);
	if (rc == 0)
		rc = load_certificate(server->context, certificate_pem, err);
	if (rc == 0)
		rc = load_key(server->context, key_pem, err);
	if (rc < 0) {
		tls_server_free(server);
		return rc;
	}
	SSL_CTX_set_psk_find_session_callback(server->context, on_find_session);
	*ret = server;
	return 0;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->context);
	free(server);
}

static int tls_new(struct tls **ret, SSL_CTX *context, struct err *err)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	tls->ssl = SSL_new(context);
	if (!tls->ssl || !SSL_set_app_data(tls->ssl, tls)) {
		tls_free(tls);
		return fail(err, -EIO, "cannot set up a TLS session");
	}
	*ret = tls;
	return 0;
}

int tls_new_server(struct tls **ret, struct tls_server *server, struct err *err)
{
	int rc;

	ERR_clear_error();
	rc = tls_new(ret, server->context, err);
	if (rc < 0)
		return rc;
	(*ret)->server = server;
	SSL_set_accept_state((*ret)->ssl);
	return 0;
}

int tls_new_client(struct tls **ret, const unsigned char *identity, size_t identity_len,
	const unsigned char *key, size_t key_len, struct err *err)
{
	struct tls *tls = NULL;
	SSL_CTX *context = NULL;
	int rc;

	if (!identity_len || identity_len > IDENTITY_MAX || !key_len || key_len > TLS_PSK_MAX)
		return err_set(err, -EINVAL,
			"a pre-shared key has 1 to %d bytes and its identity 1 to %d", TLS_PSK_MAX,
			IDENTITY_MAX);
	ERR_clear_error();
	rc = context_new(&context, TLS_client_method(), err);
	if (rc < 0)
		return rc;
	SSL_CTX_set_psk_use_session_callback(context, on_use_session);
	rc = tls_new(&tls, context, err);
	SSL_CTX_free(context); /* the session holds it */
	if (rc < 0)
		return rc;
	memcpy(tls->identity, identity, identity_len);
	tls->identity_len = identity_len;
	memcpy(tls->key, key, key_len);
	tls->key_len = key_len;
	SSL_set_connect_state(tls->ssl);
	*ret = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	mem_wipe(tls, sizeof(*tls));
	free(tls);
}

bool tls_psk_used(const struct tls *tls)
{
	/* Without tickets and a session cache only a pre-shared key can make a session "reused". */
	return tls->established && tls->identity_len && SSL_session_reused(tls->ssl);
}

const unsigned char *tls_psk_identity(const struct tls *tls, size_t *ret_len)
{
	*ret_len = tls->identity_len;
	return tls->identity_len ? tls->identity : NULL;
}

int tls_attach(struct tls *tls, int fd, struct err *err)
{
	ERR_clear_error();
	if (!SSL_set_fd(tls->ssl, fd))
		return fail(err, -EIO, "cannot use the connection for TLS");
	return 0;
}

/* What a call that returned rc <= 0 means: -EAGAIN, 0 at close_notify, or the end. */
static int session_result(struct tls *tls, int rc, int *ret_want, struct err *err)
{
	const char *what = tls->established ? "TLS" : "TLS handshake failed";
	int number = errno;
	unsigned long code;

	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*ret_want = LOOP_READ;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*ret_want = LOOP_WRITE;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return tls->established ? 0
					: err_set(err, -EPROTO, "%s: the other side closed", what);
	case SSL_ERROR_SYSCALL:
		number = number ? number : ECONNRESET;
		ERR_clear_error();
		return err_set(err, tls->established ? -number : -EPROTO, "%s: %s", what,
			strerror(number));
	default:
		code = ERR_peek_error();
		if (tls->established && ERR_GET_LIB(code) == ERR_LIB_SSL &&
			ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return err_set(
				err, -ECONNRESET, "TLS: the other side closed without saying so");
		}
		return fail(err, -EPROTO, what);
	}
}

int tls_handshake(struct tls *tls, int *ret_want, struct err *err)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(tls->ssl);
	if (rc != 1)
		return session_result(tls, rc, ret_want, err);
	tls->established = true;
	mem_wipe(tls->key, sizeof(tls->key));
	return 0;
}

ssize_t tls_read(struct tls *tls, void *dst, size_t len, int *ret_want, struct err *err)
{
	size_t n;
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(tls->ssl, dst, len, &n);
	return rc == 1 ? (ssize_t)n : session_result(tls, rc, ret_want, err);
}

ssize_t tls_write(struct tls *tls, const void *data, size_t len, int *ret_want, struct err *err)
{
	size_t n;
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_write_ex(tls->ssl, data, len, &n);
	if (rc == 1)
		return (ssize_t)n;
	rc = session_result(tls, rc, ret_want, err);
	return rc ? rc : err_set(err, -ECONNRESET, "TLS: the other side has closed");
}

bool tls_pending(const struct tls *tls)
{
	return SSL_has_pending(tls->ssl);
}

int tls_close_notify(struct tls *tls, int *ret_want, struct err *err)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_shutdown(tls->ssl);
	return rc >= 0 ? 0 : session_result(tls, rc, ret_want, err);
}
