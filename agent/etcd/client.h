/*
 * struct etcd: a client of an etcd cluster through its HTTP/JSON gateway.
 *
 * The happy path: give it the endpoints, start calls, get each one's result from the loop exactly
 * once. Before an endpoint is used for a call it is made ready: its version asked (which tells the
 * path prefix), a log-in where there is a user (tokens belong to one member), and the cluster id
 * compared. A call goes to the endpoint that worked last; one that fails or times out is left for
 * the next one, and is tried again only when the others are no better. (Keepalives that are to
 * survive a lossy network: hedge.h.)
 *
 * Failures. Every result has an outcome that says what may have happened, and a text that names the
 * endpoint, what failed and the remedy. Nothing is ever assumed: where the request may have been
 * applied the outcome is UNKNOWN and the caller reads again (every write of ours is conditional, so
 * a late application is harmless).
 *   - An answer with a raft term below the highest seen comes from a member that has not noticed
 *     that it was deposed: ETCD_ERROR_STALE, UNKNOWN. Linearizable reads that keep answering with
 *     the lower term for 5 s and 3 times prove that the cluster itself went back: reported, then
 *     accepted.
 *   - An endpoint of another cluster than the first one met (or the one given) is reported, and
 *     left alone from then on, but for a look at its id every 30 s: ETCD_ERROR_FOREIGN.
 *   - A linearizable answer with a revision below one that was known when it was asked for means
 *     that the store went back (restored from a backup): reported; the result is delivered, readers
 *     list again.
 * Calls carry "hasleader" but for serializable reads, so that a member cut off with a minority
 * answers at once; and curl's Accept header, without which the gateway may act as its own
 * certificate's user.
 */
#ifndef ETCD_CLIENT_H
#define ETCD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"
#include "etcd/codec.h"
#include "etcd/txn.h"

struct loop;
struct http;
struct etcd;
struct etcd_call;

#define ETCD_ENDPOINTS_MAX 16
#define ETCD_CALLS_MAX	   512 /* under way at once; more are refused */

/* What is worth telling an administrator, whoever asked. */
enum etcd_notice_kind {
	ETCD_NOTICE_FOREIGN,	   /* an endpoint belongs to another cluster */
	ETCD_NOTICE_REVISION_BACK, /* the store went back: restored from a backup */
	ETCD_NOTICE_TERM_BACK,	   /* the raft term went back: made anew from a backup */
	ETCD_NOTICE_BAD,	   /* an endpoint stopped working */
	ETCD_NOTICE_GOOD,	   /* and works again */
};

struct etcd_notice {
	enum etcd_notice_kind kind;
	size_t endpoint;
	const char *text;
	int64_t from, to; /* REVISION_BACK */
};

typedef void etcd_notice_fn(const struct etcd_notice *notice, void *arg);

/* All copied; secrets are wiped with the client. */
struct etcd_config {
	const char *const *endpoints; /* http://host:port or https://host:port */
	size_t n_endpoints;
	const char *user; /* NULL: no log-in */
	const char *password;
	const char *ca;		 /* file; NULL: the system's */
	const char *certificate; /* file; NULL: none */
	const char *key;
	uint64_t cluster_id;	  /* 0: that of the first endpoint met */
	uint64_t raft_term;	  /* the highest that is known of, 0: none */
	const char *identity_key; /* a key the user may read, to learn the cluster id by */
	usec_t connect_timeout;	  /* 0: 1 s */
	uint64_t seed;		  /* where to begin among the endpoints, jitter */
	etcd_notice_fn *notice;	  /* may be NULL */
	void *arg;
};

/* -EINVAL names the endpoint that is no URL. Nothing is sent yet. */
int etcd_new(struct etcd **ret, struct loop *loop, struct http *http,
	const struct etcd_config *config, struct err *err) MUST_CHECK;
/* Calls under way are completed first (UNKNOWN where sent, else REFUSED); those that a callback
 * starts then are dropped. Free watches and syncs before, and the http after. */
void etcd_free(struct etcd *etcd);
DEFINE_CLEANUP(struct etcd *, etcd_free)

enum etcd_outcome {
	ETCD_OK,
	ETCD_COMPARE_FAILED, /* txn: a compare did not hold; reply has the other branch's reads */
	ETCD_NOT_FOUND,	     /* lease: gone (the keepalive without a TTL included) */
	ETCD_REFUSED,	     /* certainly not applied */
	ETCD_UNKNOWN,	     /* may have been applied, or be applied later */
};
const char *etcd_outcome_name(enum etcd_outcome outcome);

struct etcd_result {
	enum etcd_outcome outcome;
	enum etcd_error_kind error; /* NONE with OK and COMPARE_FAILED */
	int code;		    /* gRPC's; -1 where there is none */
	const char *text;	    /* "" with OK; else "https://e1:2379: txn: …" */
	const struct etcd_reply
		*reply;	      /* OK, COMPARE_FAILED and NOT_FOUND; else zeroed, never NULL.
					   Lives until the callback returns */
	const char *endpoint; /* the last one tried; "" where none was */
	usec_t sent_at;	      /* CLOCK_BOOTTIME just before the (last) request was sent, or
				       the call was made where none was: what a lease counts from */
};

typedef void etcd_done_fn(const struct etcd_result *result, void *arg);

enum etcd_retry {
	ETCD_RETRY_ELSEWHERE, /* reads: until the deadline; writes: while certainly not applied */
	ETCD_RETRY_NEVER,     /* one endpoint, one attempt (another only for a fresh log-in) */
};

struct etcd_call_options {
	usec_t timeout; /* everything included; 0: 2 s for writes and leases, 10 s for ranges */
	usec_t attempt; /* one attempt; 0: 1 s for writes and leases, 3 s for ranges */
	enum etcd_retry retry;
	const char *lane; /* connections shared within, never across; NULL: "main" */
	/* For hedge.c, which has several calls of one meaning under way: an endpoint that was ready once
	 * and has answered lately is used as it is, for the answer tells who gave it; connecting may
	 * take the whole time; and the others' calls go to this endpoint only when it has answered. */
	bool hedged;
	unsigned avoid; /* endpoints, as bits, that are as good as tried */
};

/* Each starts a call (options NULL: defaults) and never fails itself: what is wrong with the
 * request is its result, too. done is called exactly once, from the loop, unless cancelled before.
 *  */
struct etcd_call *etcd_commit(struct etcd *etcd, const struct etcd_txn *txn,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg);
struct etcd_call *etcd_range(struct etcd *etcd, const struct etcd_range_request *range,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg);
/* lease: chosen by the caller, 63 random bits, not 0. ttl in seconds. */
struct etcd_call *etcd_grant(struct etcd *etcd, int64_t lease, int64_t ttl,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg);
struct etcd_call *etcd_keepalive(struct etcd *etcd, int64_t lease,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg);
struct etcd_call *etcd_revoke(struct etcd *etcd, int64_t lease,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg);
/* The callback is not called any more; what was sent may still be applied. NULL is fine. */
void etcd_cancel(struct etcd_call *call);

/* ---- what is known, for people ---- */

struct etcd_endpoint_status {
	const char *url;
	const char *state;   /* "not used yet", "works", "fails", "another cluster" */
	bool current;	     /* the next call goes there */
	const char *version; /* "" where not known */
	const char *error;   /* the last one, "" where none */
	usec_t error_at;
	usec_t since; /* of the state, CLOCK_BOOTTIME */
	uint64_t cluster_id, member_id;
	uint64_t raft_term;
	int64_t revision;
	uint64_t requests, failures;
};

struct etcd_status {
	size_t n;
	struct etcd_endpoint_status endpoints[ETCD_ENDPOINTS_MAX];
	uint64_t cluster_id; /* 0: none met yet */
	uint64_t raft_term;
	int64_t revision; /* the highest seen */
	size_t calls;	  /* under way */
};

/* The texts live until control returns to the loop. */
void etcd_status(const struct etcd *etcd, struct etcd_status *ret);
uint64_t etcd_cluster_id(const struct etcd *etcd);
/* Counts the times the store went back: who compares it with an older value knows to read again. */
unsigned etcd_setbacks(const struct etcd *etcd);

#endif
