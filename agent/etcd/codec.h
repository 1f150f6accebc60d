/*
 * The gateway's bodies: requests encoded, answers decoded. Pure: bytes in, structs out.
 *
 * Decided by the fields that are present, never by version: absent is zero, 64-bit integers are
 * texts, error bodies come in two shapes (and, from proxies and TLS listeners, as plain text).
 * A decoded answer owns all it points to (one arena); keys and values are followed by a NUL that is
 * not counted. Every decode function fills *ret only on success and returns -EPROTO with a text
 * that names the field otherwise; etcd_reply_done() releases it and may be called on a zeroed one.
 */
#ifndef ETCD_CODEC_H
#define ETCD_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct etcd_header {
	uint64_t cluster_id;
	uint64_t member_id;
	int64_t revision; /* of the store, not of what was read; 0 where the answer has none */
	uint64_t raft_term;
};

struct etcd_kv {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	int64_t create_revision;
	int64_t mod_revision;
	int64_t version;
	int64_t lease; /* 0: none */
};

enum etcd_op_kind { ETCD_OP_GET, ETCD_OP_PUT, ETCD_OP_DELETE };

/* The answer to one operation of the branch that was applied, in order. */
struct etcd_op_reply {
	enum etcd_op_kind kind;
	const struct etcd_kv *kvs; /* gets */
	size_t n_kvs;
	bool more;
	int64_t count;	 /* gets: keys in the range */
	int64_t deleted; /* deletes: keys deleted */
};

/* etcd's own ceiling; whoever claims more gets no arithmetic of ours to overflow. */
#define ETCD_TTL_MAX ((int64_t)9000000000)

struct etcd_reply {
	struct etcd_header header;
	bool succeeded;	     /* txn: the compares held */
	struct etcd_kv *kvs; /* range */
	size_t n_kvs;
	bool more;
	int64_t count;
	struct etcd_op_reply *ops; /* txn */
	size_t n_ops;
	int64_t lease; /* grant, keepalive */
	int64_t ttl;   /* seconds, up to ETCD_TTL_MAX; 0: etcd sent none (the lease is gone) */
	char *token;   /* authenticate */
	/* private */
	struct etcd_kv *pool;
	char *arena;
};

void etcd_reply_done(struct etcd_reply *reply);

int etcd_decode_range(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
int etcd_decode_txn(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
int etcd_decode_grant(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
/* The body of a keepalive is a stream of one message: {"result":{…}} and a newline. */
/* -EREMOTEIO: it is an error, which etcd_decode_error() reads. */
int etcd_decode_keepalive(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
/* A lease revoked, and whatever else answers with a header alone. */
int etcd_decode_header(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
int etcd_decode_authenticate(
	struct etcd_reply *ret, const char *body, size_t len, struct err *err) MUST_CHECK;
/* GET /version; version is filled with "3.4.23". */
#define ETCD_VERSION_MAX 32
int etcd_decode_version(
	char version[ETCD_VERSION_MAX], const char *body, size_t len, struct err *err) MUST_CHECK;

/* What a failure is about; decided by code and message, because HTTP status and code differ between
 * versions. */
enum etcd_error_kind {
	ETCD_ERROR_NONE,
	ETCD_ERROR_TRANSPORT,	/* no answer, or not from etcd */
	ETCD_ERROR_UNAVAILABLE, /* etcd answered that it can't now: no leader, timed out, … */
	ETCD_ERROR_NO_LEADER,	/* refused before anything was done: this member sees no leader */
	ETCD_ERROR_TOKEN,	/* log in again */
	ETCD_ERROR_AUTH_OLD,	/* users or roles just changed: the same again */
	ETCD_ERROR_AUTH_OFF,	/* authentication is not enabled */
	ETCD_ERROR_LOGIN,	/* wrong user or password */
	ETCD_ERROR_PERMISSION,	/* the user may not */
	ETCD_ERROR_CERTIFICATE_NAME, /* client certificate with a CN while authentication is on */
	ETCD_ERROR_NOSPACE,
	ETCD_ERROR_LEASE_NOT_FOUND,
	ETCD_ERROR_LEASE_EXISTS,
	ETCD_ERROR_COMPACTED,
	ETCD_ERROR_FUTURE_REVISION,
	ETCD_ERROR_BUSY,	     /* too many requests: refused, may be repeated */
	ETCD_ERROR_TOO_LARGE,	     /* the request */
	ETCD_ERROR_NO_GATEWAY,	     /* the path is not known there */
	ETCD_ERROR_LEARNER,	     /* a member that does not vote yet and serves nothing */
	ETCD_ERROR_STALE,	     /* answered with a raft term lower than one seen before */
	ETCD_ERROR_FOREIGN,	     /* belongs to another cluster */
	ETCD_ERROR_ANSWER_TOO_LARGE, /* past our ceiling */
	ETCD_ERROR_REFUSED,	     /* any other definite no: a bad request */
};

struct etcd_error {
	enum etcd_error_kind kind;
	int code;	/* gRPC's; -1 where there is none */
	char text[512]; /* what etcd said, and the remedy where there is one; printable */
};

/* True when nothing was or will be done because of the request that was answered so. */
bool etcd_error_definite(enum etcd_error_kind kind);
/* A failure that may be over in a moment: worth trying again. */
bool etcd_error_passing(enum etcd_error_kind kind);

/* Reads an answer that is not a success: any HTTP status but 200, or a stream frame with "error".
 * Never fails: what can't be read becomes ETCD_ERROR_TRANSPORT with the status and the beginning of
 * the body. */
void etcd_decode_error(struct etcd_error *ret, int status, const char *body, size_t len);

struct etcd_event {
	bool deleted; /* kv has key and mod_revision alone then */
	struct etcd_kv kv;
};

struct etcd_watch_message {
	struct etcd_header header;
	bool created;
	bool canceled;
	bool fragment;		  /* more of the last revision follows in the next message */
	int64_t compact_revision; /* with canceled; 0: canceled for another reason */
	bool failed; /* error is set: the frame was {"error":…}, or canceled with a reason */
	struct etcd_error error;
	struct etcd_event *events;
	size_t n_events;
	/* private */
	char *arena;
};

void etcd_watch_message_done(struct etcd_watch_message *message);
int etcd_decode_watch(
	struct etcd_watch_message *ret, const char *line, size_t len, struct err *err) MUST_CHECK;

/* A range of keys as etcd takes it: NULL end is the key alone. */
struct etcd_range_request {
	const void *key;
	size_t key_len;
	const void *end; /* first key behind the range */
	size_t end_len;
	int64_t limit;	   /* 0: all */
	int64_t revision;  /* 0: newest */
	bool serializable; /* may be stale, answered without quorum */
	bool keys_only;
};

int etcd_encode_range(struct buf *b, const struct etcd_range_request *request) MUST_CHECK;
/* Streamed: fragments, progress; start_revision > 0. */
int etcd_encode_watch(struct buf *b, const void *key, size_t key_len, const void *end,
	size_t end_len, int64_t start_revision) MUST_CHECK;
int etcd_encode_grant(struct buf *b, int64_t lease, int64_t ttl) MUST_CHECK;
int etcd_encode_lease(struct buf *b, int64_t lease) MUST_CHECK; /* keepalive, revoke */
int etcd_encode_authenticate(struct buf *b, const char *user, const char *password) MUST_CHECK;

/* The first key behind all keys that begin with prefix: the last byte that can be is raised, what
 * follows it is cut. New, *ret_len bytes; "\0" (everything) for an empty prefix. */
char *etcd_prefix_end(const void *prefix, size_t len, size_t *ret_len);

#endif
