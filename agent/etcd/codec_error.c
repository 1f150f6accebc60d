/*
 * What etcd's refusals mean. The gRPC code and the message decide, in this order: a row with a
 * message counts for that message under any code listed, a row without one for the rest of its
 * code.
 */
#include "config.h"
#include "etcd/codec.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/codec_json.h"

#define ANY_CODE (-2)

static const struct {
	const char *message; /* part of it; NULL: any */
	int code;
	enum etcd_error_kind kind;
	const char *remedy; /* NULL: the message says it all */
} meanings[] = {
	{"database space exceeded", ANY_CODE, ETCD_ERROR_NOSPACE,
		"etcd's database has reached its quota: compact it (etcdctl compact REVISION), "
		"defragment each member (etcdctl defrag --cluster), then etcdctl alarm disarm"},
	{"required revision has been compacted", ANY_CODE, ETCD_ERROR_COMPACTED, NULL},
	{"is a future revision", ANY_CODE, ETCD_ERROR_FUTURE_REVISION, NULL},
	{"requested lease not found", ANY_CODE, ETCD_ERROR_LEASE_NOT_FOUND, NULL},
	{"lease already exists", ANY_CODE, ETCD_ERROR_LEASE_EXISTS, NULL},
	{"authentication is not enabled", ANY_CODE, ETCD_ERROR_AUTH_OFF, NULL},
	{"user name is empty", ANY_CODE, ETCD_ERROR_TOKEN,
		"this etcd wants a user: set etcd.user and etcd.password_file"},
	{"invalid auth token", ANY_CODE, ETCD_ERROR_TOKEN, NULL},
	{"revision of auth store is old", ANY_CODE, ETCD_ERROR_AUTH_OLD, NULL},
	{"authentication failed", ANY_CODE, ETCD_ERROR_LOGIN,
		"check etcd.user and etcd.password_file"},
	{"permission denied", 7, ETCD_ERROR_PERMISSION,
		"give the etcd user a role that may read and write all keys of the prefix"},
	{"rpc not supported for learner", ANY_CODE, ETCD_ERROR_LEARNER,
		"this member of etcd is a learner: promote it, or leave it out of etcd.endpoints"},
	{"etcdserver: no leader", ANY_CODE, ETCD_ERROR_NO_LEADER,
		"this member of etcd is cut off from the majority, or the majority is down"},
	{"too many requests", ANY_CODE, ETCD_ERROR_BUSY, NULL},
	{"trying to send message larger", ANY_CODE, ETCD_ERROR_ANSWER_TOO_LARGE, NULL},
	{"larger than max", ANY_CODE, ETCD_ERROR_TOO_LARGE, NULL},
	{"request is too large", ANY_CODE, ETCD_ERROR_TOO_LARGE, NULL},
	{"too many operations", ANY_CODE, ETCD_ERROR_TOO_LARGE, NULL},
	{"bad certificate", 14, ETCD_ERROR_UNAVAILABLE,
		"etcd's gateway can't reach its own etcd: the server certificate must have the "
		"extended key usage clientAuth besides serverAuth"},
	{"connection closed", 14, ETCD_ERROR_UNAVAILABLE,
		"when it stays so: etcd's server certificate must have the extended key usage "
		"clientAuth besides serverAuth"},
	{"connection reset by peer", 14, ETCD_ERROR_UNAVAILABLE,
		"when it stays so: etcd's server certificate must have the extended key usage "
		"clientAuth besides serverAuth"},
	{"Method Not Allowed", 12, ETCD_ERROR_NO_GATEWAY, NULL},
	{NULL, 7, ETCD_ERROR_PERMISSION, NULL},
	{NULL, 16, ETCD_ERROR_TOKEN, NULL},
	{NULL, 3, ETCD_ERROR_REFUSED, NULL},
	{NULL, 5, ETCD_ERROR_REFUSED, NULL},
	{NULL, 6, ETCD_ERROR_REFUSED, NULL},
	{NULL, 9, ETCD_ERROR_REFUSED, NULL},
	{NULL, 11, ETCD_ERROR_REFUSED, NULL},
	{NULL, 12, ETCD_ERROR_REFUSED, NULL},
};

static const char no_gateway[] =
	"is this an etcd's client URL, and its gateway on (--enable-grpc-gateway; with "
	"--listen-client-http-urls it answers only there)?";

bool etcd_error_definite(enum etcd_error_kind kind)
{
	/* of two writes that pass the quota together, the second is applied, and then answered so */
	return kind != ETCD_ERROR_NONE && kind != ETCD_ERROR_TRANSPORT &&
	       kind != ETCD_ERROR_UNAVAILABLE && kind != ETCD_ERROR_STALE &&
	       kind != ETCD_ERROR_ANSWER_TOO_LARGE && kind != ETCD_ERROR_NOSPACE;
}

bool etcd_error_passing(enum etcd_error_kind kind)
{
	switch (kind) {
	case ETCD_ERROR_TRANSPORT:
	case ETCD_ERROR_UNAVAILABLE:
	case ETCD_ERROR_NO_LEADER:
	case ETCD_ERROR_AUTH_OLD:
	case ETCD_ERROR_TOKEN:
	case ETCD_ERROR_BUSY:
	case ETCD_ERROR_LEARNER:
	case ETCD_ERROR_STALE:
		return true;
	default:
		return false;
	}
}

static void set(struct etcd_error *ret, enum etcd_error_kind kind, int code, const char *message,
	const char *remedy)
{
	char shown[TEXT_PRINTABLE_MAX];

	ret->kind = kind;
	ret->code = code;
	text_printable(message, strlen(message), shown);
	snprintf(ret->text, sizeof(ret->text), "%s%s%s%s", *shown ? shown : "no text",
		remedy ? " (" : "", remedy ? remedy : "", remedy ? ")" : "");
}

static void classify(struct etcd_error *ret, int code, const char *message)
{
	/* the router's own words for a path it does not know */
	if (code == 5 && text_eq(message, "Not Found")) {
		set(ret, ETCD_ERROR_NO_GATEWAY, code, message, no_gateway);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (meanings[i].code != ANY_CODE && meanings[i].code != code)
			continue;
		if (meanings[i].message && !strstr(message, meanings[i].message))
			continue;
		set(ret, meanings[i].kind, code, message, meanings[i].remedy);
		return;
	}
	set(ret, ETCD_ERROR_UNAVAILABLE, code, message, NULL);
}

/* The four shapes: {"code","message"}, {"error":"text","code"}, and a stream's {"error":{"code" or
 * "grpc_code","message"}}. */
static bool read_json(struct etcd_error *ret, const char *body, size_t len)
{
	CLEANUP(json_freep) json *root = NULL;
	const json *error;
	const char *message = NULL;
	int64_t code = -1;

	if (json_parse(body, len, &root, NULL) < 0)
		return false;
	error = json_get(root, "error");
	if (json_is_object(error)) {
		if (json_i64(error, "code", &code, NULL) < 0 &&
			json_i64(error, "grpc_code", &code, NULL) < 0)
			code = -1;
	} else {
		error = root;
		if (json_i64(error, "code", &code, NULL) < 0)
			code = -1;
	}
	if (json_str(error, "message", &message, NULL) < 0 &&
		json_str(error, "error", &message, NULL) < 0 && code < 0)
		return false;
	classify(ret, code >= 0 && code <= 16 ? (int)code : -1, message ? message : "");
	return true;
}

void etcd_decode_error(struct etcd_error *ret, int status, const char *body, size_t len)
{
	CLEANUP(freep) char *text = NULL;
	char shown[TEXT_PRINTABLE_MAX];

	*ret = (struct etcd_error){.code = -1};
	if (read_json(ret, body, len))
		return;
	text = xstrndup(body, len);
	if (strstr(text, "CommonName of client")) {
		set(ret, ETCD_ERROR_CERTIFICATE_NAME, -1,
			"etcd's gateway refuses a client certificate that has a common name",
			"use one without a CN, and etcd.user with etcd.password_file");
		return;
	}
	if (strstr(text, "HTTP request to an HTTPS server")) {
		set(ret, ETCD_ERROR_NO_GATEWAY, -1, "etcd speaks TLS there",
			"write https:// in etcd.endpoints");
		return;
	}
	if (status == 404 || status == 405 || status == 501) {
		set(ret, ETCD_ERROR_NO_GATEWAY, -1, "the path is not known there", no_gateway);
		return;
	}
	ret->kind = ETCD_ERROR_TRANSPORT;
	snprintf(ret->text, sizeof(ret->text),
		"HTTP status %d with a body that is not etcd's: '%s'", status,
		text_printable(body, len, shown));
}

void etcd_error_from_reason(struct etcd_error *ret, const char *reason)
{
	static const char *const codes[] = {
		[1] = "Canceled",
		[2] = "Unknown",
		[3] = "InvalidArgument",
		[4] = "DeadlineExceeded",
		[5] = "NotFound",
		[7] = "PermissionDenied",
		[8] = "ResourceExhausted",
		[9] = "FailedPrecondition",
		[11] = "OutOfRange",
		[14] = "Unavailable",
		[16] = "Unauthenticated",
	};
	const char *name = text_after(reason, "rpc error: code = ");
	const char *message = name ? strstr(name, " desc = ") : NULL;
	int code = -1;

	*ret = (struct etcd_error){.code = -1};
	for (size_t i = 0; message && i < ARRAY_SIZE(codes); i++) {
		if (codes[i] && strlen(codes[i]) == (size_t)(message - name) &&
			strncmp(name, codes[i], (size_t)(message - name)) == 0)
			code = (int)i;
	}
	classify(ret, code, message ? message + strlen(" desc = ") : reason);
}
