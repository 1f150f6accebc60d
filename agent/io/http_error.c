/*
 * libcurl says what happened in three places: its code, the errno of the socket, and a text in
 * which OpenSSL's reason is embedded. TLS failures have one code for several causes that an
 * administrator must tell apart, because the remedy is on different machines; the texts of OpenSSL
 * that tell them apart are in the table `tls_reasons`.
 */
#include "config.h"
#include "io/http_error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "base/usec.h"
#include "io/http.h"

/* "alert" is always the other side's word about what we sent; see RFC 8446 section 6.2. */
static const struct {
	const char *part; /* of the text in libcurl's error buffer */
	const char *meaning;
} tls_reasons[] = {
	{"alert certificate required", "the server wants a client certificate and none is set"},
	{"alert handshake failure", "the server refused the handshake (it may want a client "
				    "certificate)"},
	{"alert bad certificate", "the server refused our client certificate (or wants one)"},
	{"alert unknown ca", "the server does not know the CA of our client certificate"},
	{"alert certificate expired", "the server says that our client certificate has expired"},
	{"alert certificate revoked", "the server says that our client certificate is revoked"},
	{"alert certificate unknown", "the server refused our client certificate"},
	{"alert unsupported certificate",
		"the server refused our client certificate as unsuitable"},
	{"alert decrypt error", "the server cannot verify our client certificate (is it of another "
				"CA of the same name?)"},
	{"alert access denied", "the server refused our client certificate"},
	{"alert protocol version", "the server speaks no TLS version that is accepted here"},
	{"wrong version number", "the server does not speak TLS on this port (http:// instead of "
				 "https://?)"},
	{"packet length too long", "the server does not speak TLS on this port (http:// instead of "
				   "https://?)"},
	{"http request", "the server does not speak TLS on this port"},
};

static const char *tls_meaning(const char *detail)
{
	for (size_t i = 0; i < ARRAY_SIZE(tls_reasons); i++) {
		if (strstr(detail, tls_reasons[i].part))
			return tls_reasons[i].meaning;
	}
	return NULL;
}

bool http_was_sent(CURL *easy)
{
	long bytes = 0;

	/* Counted by libcurl as the socket takes them, over all tries of one transfer. */
	return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0;
}

static int socket_errno(CURL *easy)
{
	long number = 0;

	if (curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number) != CURLE_OK)
		return 0;
	return (int)number;
}

/* The errnos that callers are promised, for any that a socket may give. */
static int map_errno(int number, int otherwise)
{
	switch (number) {
	case ECONNREFUSED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ECONNRESET:
		return -number;
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
		return -EHOSTUNREACH;
	case EPIPE:
		return -ECONNRESET;
	default:
		return otherwise;
	}
}

static int explain_connect(CURL *easy, const char *detail, const char *endpoint, struct err *err)
{
	int number = socket_errno(easy);

	if (number)
		return err_set(err, map_errno(number, -EHOSTUNREACH), "cannot connect to %s: %s",
			endpoint, strerror(number));
	return err_set(err, -EHOSTUNREACH, "cannot connect to %s: %s", endpoint, detail);
}

static int explain_timeout(CURL *easy, const char *endpoint, struct err *err)
{
	char duration[NUM_DURATION_MAX];
	curl_off_t total = 0, resolved = 0;
	const char *what;

	(void)curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total);
	(void)curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	if (http_was_sent(easy))
		what = "no answer from";
	else if (resolved > 0)
		what = "no connection to";
	else
		what = "no address for";
	num_format_duration((usec_t)total, duration);
	return err_set(err, -ETIMEDOUT, "%s %s within %s", what, endpoint, duration);
}

/* One of our own files, when that is the reason; NULL otherwise. */
static const char *unreadable(const struct http_tls *tls, int *ret_errno)
{
	const char *const files[] = {tls->ca, tls->certificate, tls->key};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i] && access(files[i], R_OK) < 0) {
			*ret_errno = errno;
			return files[i];
		}
	}
	return NULL;
}

static int explain_own_files(
	CURLcode code, const char *endpoint, const struct http_tls *tls, struct err *err)
{
	int number = 0;
	const char *path = unreadable(tls, &number);

	if (path)
		return err_set(err, -EPROTO, "cannot read %s, which is set for %s: %s", path,
			endpoint, strerror(number));
	if (code == CURLE_SSL_CACERT_BADFILE)
		return err_set(err, -EPROTO, "%s, set as the CA of %s, holds no certificate in PEM",
			tls->ca ? tls->ca : "the system's list of CAs", endpoint);
	return err_set(err, -EPROTO,
		"the client certificate %s and key %s, set for %s, cannot be used (both must be "
		"PEM, belong together, and have no password)",
		tls->certificate ? tls->certificate : "(none)", tls->key ? tls->key : "(none)",
		endpoint);
}

static int explain_server_certificate(
	const char *reason, const char *endpoint, const struct http_tls *tls, struct err *err)
{
	return err_set(err, -EPROTO, "the certificate of %s does not verify against %s: %s",
		endpoint, tls->ca ? tls->ca : "the system's CAs", reason);
}

/* A CA with the right name and another key: libcurl sees OpenSSL's arithmetic fail, not a chain. */
static bool is_bad_signature(const char *detail)
{
	return strstr(detail, "asn1 encoding routines") || strstr(detail, "rsa routines") ||
	       strstr(detail, "bad signature");
}

static int explain_tls(
	const char *meaning, const char *shown, const char *endpoint, struct err *err)
{
	return err_set(err, -EPROTO, "TLS with %s failed: %s", endpoint, meaning ? meaning : shown);
}

static int explain_lost(
	CURL *easy, CURLcode code, const char *shown, const char *endpoint, struct err *err)
{
	int number = socket_errno(easy);

	if (number)
		return err_set(err, map_errno(number, -ECONNRESET), "connection to %s lost: %s",
			endpoint, strerror(number));
	if (code == CURLE_GOT_NOTHING)
		return err_set(
			err, -ECONNRESET, "%s closed the connection without an answer", endpoint);
	if (code == CURLE_PARTIAL_FILE)
		return err_set(
			err, -ECONNRESET, "%s closed the connection within its answer", endpoint);
	return err_set(err, -ECONNRESET, "connection to %s lost: %s", endpoint, shown);
}

int http_explain(CURL *easy, CURLcode code, const char *detail, const char *endpoint,
	const struct http_tls *tls, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	const char *meaning = tls_meaning(detail);

	/* It may quote what the server sent. */
	text_printable(detail, strlen(detail), shown);
	if (!*shown)
		text_printable(curl_easy_strerror(code), strlen(curl_easy_strerror(code)), shown);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, -ENOENT, "the host name in %s is unknown", endpoint);
	case CURLE_COULDNT_CONNECT:
		return explain_connect(easy, shown, endpoint, err);
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(easy, endpoint, err);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return err_set(err, -EPROTO, "the certificate of %s does not verify against %s: %s",
			endpoint, tls->ca ? tls->ca : "the system's CAs", shown);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return explain_own_files(code, endpoint, tls, err);
	case CURLE_SSL_CONNECT_ERROR:
		if (is_bad_signature(detail))
			return explain_server_certificate(
				"it is signed by another CA of the same name", endpoint, tls, err);
		return explain_tls(meaning, shown, endpoint, err);
	case CURLE_SSL_CIPHER:
		return explain_tls(meaning, shown, endpoint, err);
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		/* A certificate that a TLS 1.3 server refuses is heard of after the handshake. */
		if (meaning)
			return explain_tls(meaning, shown, endpoint, err);
		return explain_lost(easy, code, shown, endpoint, err);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(err, -EIO, "%s does not answer in HTTP/1.1: %s", endpoint, shown);
	default:
		return err_set(err, -EIO, "request to %s failed: %s", endpoint, shown);
	}
}
