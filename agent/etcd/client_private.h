/*
 * What the client's files share (client.c: endpoints and what is known of them; session.c: making
 * an endpoint ready; call.c: calls; watch.c: streams). Not for others.
 */
#ifndef ETCD_CLIENT_PRIVATE_H
#define ETCD_CLIENT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "etcd/client.h"
#include "etcd/guard.h"
#include "io/http.h"

struct loop_timer;

#define ETCD_SMALL_ANSWER ((size_t)65536)

enum endpoint_state { ENDPOINT_NEW, ENDPOINT_GOOD, ENDPOINT_BAD, ENDPOINT_FOREIGN };
enum endpoint_step { STEP_VERSION, STEP_LOGIN, STEP_IDENTITY, STEP_READY };

struct endpoint {
	struct etcd *etcd;
	char *url; /* no '/' at the end */
	enum endpoint_state state;
	usec_t since;
	usec_t failed_at;
	struct etcd_error error; /* the last one */
	usec_t error_at;

	enum endpoint_step step;      /* what is to be done, or under way, before it is ready */
	struct http_request *request; /* of the step, or NULL */
	struct list waiters;
	char version[ETCD_VERSION_MAX];
	const char *prefix;  /* "/v3" */
	char *token;	     /* NULL: none */
	bool auth_off;	     /* it said that authentication is not enabled */
	bool identified;     /* the cluster id was seen since it last failed */
	usec_t confirmed_at; /* and last seen in an answer then */
	unsigned breaks;     /* in a row, of the connection */
	unsigned repeats;    /* of steps, in one go */
	bool met;	     /* it was ready once, and its prefix is known */
	int64_t known;	     /* guard.revision when the identity was asked for */

	struct etcd_header header; /* the last good one */
	uint64_t requests, failures;
};

/* Hears of notices inside etcd/; embedded in who listens. Must not free the client or cancel calls.
 *  */
struct etcd_listener {
	struct list link;
	void (*fn)(enum etcd_notice_kind kind, const struct endpoint *endpoint, void *arg);
	void *arg;
};

struct etcd {
	struct loop *loop;
	struct http *http;
	struct endpoint endpoints[ETCD_ENDPOINTS_MAX];
	size_t n;
	size_t current;
	struct etcd_guard guard;
	struct list calls;
	struct list listeners;
	size_t n_calls;
	struct loop_timer *recheck;
	char *user, *password;
	char *ca, *certificate, *key;
	char *identity_key;
	usec_t connect_timeout;
	etcd_notice_fn *notice;
	void *arg;
};

/* Waits for an endpoint to become ready; embedded in who waits. */
struct etcd_waiter {
	struct list link;
	/* From the loop; rc 0, or negative errno: endpoint->error says why. Must not free the
	 * client. */
	void (*ready)(int rc, void *arg);
	void *arg;
};

/* ---- client.c ---- */

/* The endpoint for the next attempt, those in the bit set left out: what works, the current one
 * first, else what failed longest ago. NULL when none is left. */
struct endpoint *etcd_pick(struct etcd *etcd, unsigned tried);
/* Tells the notice function; text is prefixed with the endpoint's URL. */
void etcd_endpoint_failed(struct endpoint *endpoint, const struct etcd_error *error);
void etcd_endpoint_worked(struct endpoint *endpoint, const struct etcd_header *header);
/* Judges an answer's header; false when the answer must be ignored: *ret_error says why. */
bool etcd_endpoint_judge(struct endpoint *endpoint, const struct etcd_header *header, int64_t known,
	struct etcd_error *ret_error);
void etcd_error_set(struct etcd_error *error, enum etcd_error_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

struct etcd_http {
	const char *path; /* below the prefix; absolute when it begins with "//" */
	const char *body; /* NULL: GET */
	size_t body_len;
	bool any_member; /* without hasleader: also from a member that sees no leader */
	bool no_token;
	usec_t timeout;
	usec_t connect_timeout; /* 0: the client's */
	size_t max_body;
	const char *lane;
	int (*on_data)(const char *data, size_t len, void *arg);
	void (*on_done)(const struct http_response *response, void *arg);
	void *arg;
};
int etcd_http_send(struct http_request **ret, struct endpoint *endpoint,
	const struct etcd_http *what, struct err *err) MUST_CHECK;
/* The error of a response that is none of ours to decode; false when it has status 200. */
bool etcd_http_failed(const struct http_response *response, struct etcd_error *ret);

/* ---- session.c ---- */

void etcd_session_wait(struct endpoint *endpoint, struct etcd_waiter *waiter);
void etcd_session_leave(struct etcd_waiter *waiter);
/* It does not answer while others do: it has to show that it is there, or has failed. */
void etcd_session_doubt(struct endpoint *endpoint);
bool etcd_session_ready(const struct endpoint *endpoint);
/* It was ready once; a request as then will do where the answer shows who gave it. */
bool etcd_session_known(const struct endpoint *endpoint);
/* The token was refused, or one is wanted after all. */
void etcd_session_token_refused(struct endpoint *endpoint);
/* The connection broke: whoever answers next must show who it is. */
void etcd_session_broken(struct endpoint *endpoint);
void etcd_session_done(struct endpoint *endpoint);

/* ---- call.c ---- */

/* The endpoint that it is under way to, as a bit; 0: none. */
unsigned etcd_call_endpoint(const struct etcd_call *call);
void etcd_calls_abort(struct etcd *etcd);

#endif
