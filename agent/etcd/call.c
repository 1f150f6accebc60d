/*
 * A call: pick an endpoint, wait until it is ready, send, judge the answer; on failure the next
 * endpoint, as long as the retry policy, the deadline and the outcome allow. Everything happens in
 * step() and the two callbacks that lead back to it, all from the loop; the one exit is finish().
 *
 * Whether a failed attempt may be repeated elsewhere: what is repeatable always; writes only when
 * the attempt was certainly not applied. A write whose answer did not come ends the call as UNKNOWN
 * at once, because only the caller can find out by reading.
 */
#include "config.h"
#include "etcd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "etcd/client_private.h"
#include "io/loop.h"

#define WRITE_TIMEOUT (2 * USEC_PER_SEC)
#define WRITE_ATTEMPT USEC_PER_SEC
#define READ_TIMEOUT  (10 * USEC_PER_SEC)
#define READ_ATTEMPT  (3 * USEC_PER_SEC)
/* After the first round over all endpoints; doubles with each. */
#define ROUND_PAUSE	(100 * USEC_PER_MSEC)
#define ROUND_DOUBLINGS 3
/* curl replaces a connection that broke while it was idle without a word, and who answers then may
 * be another cluster: no write goes to an endpoint that was silent for longer before it is asked
 * again. */
#define CONFIRMED_FOR (2 * USEC_PER_SEC)
/* A keepalive does not ask first for so long after an answer, and no longer: one that arrives and whose
 * answer does not would keep the lease of somebody who must believe it to have ended. */
#define HEARD_FOR    (3 * USEC_PER_SEC)
#define AUTH_OLD_MAX 3
#define LOGINS_MAX   2
#define REQUEST_MAX  ((size_t)2 << 20)
#define ANSWER_MAX   ((size_t)4 << 20)
#define TEXT_MAX     1024

typedef int decode_fn(struct etcd_reply *ret, const char *body, size_t len, struct err *err);

static const struct call_kind {
	const char *name;
	const char *path;
	decode_fn *decode;
	size_t max_body;
	bool linearizable;
} kinds[] = {
	{"txn", "/kv/txn", etcd_decode_txn, ANSWER_MAX, true},
	{"range", "/kv/range", etcd_decode_range, ANSWER_MAX, true},
	{"lease grant", "/lease/grant", etcd_decode_grant, ETCD_SMALL_ANSWER, false},
	{"lease keepalive", "/lease/keepalive", etcd_decode_keepalive, ETCD_SMALL_ANSWER, false},
	/* this path is known to 3.3 as well */
	{"lease revoke", "/kv/lease/revoke", etcd_decode_header, ETCD_SMALL_ANSWER, false},
};
enum { KIND_TXN, KIND_RANGE, KIND_GRANT, KIND_KEEPALIVE, KIND_REVOKE };

struct etcd_call {
	struct list link;
	struct etcd *etcd;
	const struct call_kind *kind;
	struct buf body;
	bool repeatable; /* twice does no harm and has the same answer */
	bool maybe;	 /* an attempt may have been applied */
	bool serializable;
	int64_t lease;
	usec_t attempt;
	enum etcd_retry retry;
	char *lane;
	bool hedged;
	etcd_done_fn *done;
	void *arg;

	usec_t deadline;
	usec_t sent_at;
	usec_t paused_until; /* 0: not pausing */
	struct loop_timer *timer;
	struct loop_defer *defer;
	unsigned tried; /* endpoints of this round, as bits */
	unsigned rounds;
	struct endpoint *endpoint;
	struct etcd_waiter waiter;
	bool waiting;
	struct http_request *request;
	int64_t known; /* the guard's revision when it was sent */
	unsigned auth_old, logins;
	int early;		 /* what was wrong with the request itself */
	struct etcd_error error; /* the last one */
};

static void step(void *arg);

const char *etcd_outcome_name(enum etcd_outcome outcome)
{
	static const char *const names[] = {
		[ETCD_OK] = "ok",
		[ETCD_COMPARE_FAILED] = "compare failed",
		[ETCD_NOT_FOUND] = "not found",
		[ETCD_REFUSED] = "refused",
		[ETCD_UNKNOWN] = "unknown",
	};

	return names[outcome];
}

static void release(struct etcd_call *call)
{
	list_del(&call->link);
	call->etcd->n_calls--;
	if (call->waiting)
		etcd_session_leave(&call->waiter);
	if (call->request)
		http_cancel(call->request);
	loop_timer_free(call->timer);
	loop_defer_free(call->defer);
	buf_done(&call->body);
	free(call->lane);
	free(call);
}

/* The one end: the call is gone before the caller hears of it. */
static void finish(
	struct etcd_call *call, enum etcd_outcome outcome, const struct etcd_reply *reply)
{
	static const struct etcd_reply nothing;
	char text[TEXT_MAX] = "";
	struct etcd_result result = {
		.outcome = outcome,
		.error = call->error.kind,
		.code = call->error.code,
		.text = text,
		.reply = reply ? reply : &nothing,
		.endpoint = call->endpoint ? call->endpoint->url : "",
		.sent_at = call->sent_at,
	};
	etcd_done_fn *done = call->done;
	void *arg = call->arg;

	if (outcome == ETCD_OK || outcome == ETCD_COMPARE_FAILED) {
		result.error = ETCD_ERROR_NONE;
		result.code = -1;
	} else if (!call->endpoint || strstr(call->error.text, call->endpoint->url)) {
		snprintf(text, sizeof(text), "%s: %s", call->kind->name, call->error.text);
	} else {
		snprintf(text, sizeof(text), "%s: %s: %s", call->endpoint->url, call->kind->name,
			call->error.text);
	}
	log_debug("etcd", "%s at %s: %s after %" PRId64 " ms%s%s", call->kind->name,
		*result.endpoint ? result.endpoint : "no endpoint", etcd_outcome_name(outcome),
		call->sent_at ? (loop_now(call->etcd->loop) - call->sent_at) / USEC_PER_MSEC : 0,
		*text ? ": " : "", text);
	release(call);
	done(&result, arg);
}

/* Nothing of a call is under way when it ends so. */
static void finish_failed(struct etcd_call *call, bool definite)
{
	finish(call, definite ? ETCD_REFUSED : ETCD_UNKNOWN, NULL);
}

static void pause_until(struct etcd_call *call, usec_t at)
{
	call->paused_until = at;
	loop_timer_at(call->timer, usec_min(at, call->deadline));
}

/* No other endpoint would answer otherwise. */
static bool permanent(enum etcd_error_kind kind)
{
	switch (kind) {
	case ETCD_ERROR_LOGIN:
	case ETCD_ERROR_PERMISSION:
	case ETCD_ERROR_CERTIFICATE_NAME:
	case ETCD_ERROR_NOSPACE:
	case ETCD_ERROR_LEASE_NOT_FOUND:
	case ETCD_ERROR_LEASE_EXISTS:
	case ETCD_ERROR_COMPACTED:
	case ETCD_ERROR_TOO_LARGE:
	case ETCD_ERROR_ANSWER_TOO_LARGE:
	case ETCD_ERROR_REFUSED:
	case ETCD_ERROR_TOKEN:
	case ETCD_ERROR_AUTH_OLD:
		return true;
	default:
		return false;
	}
}

/* Says something about the endpoint, not only about the request. */
static bool endpoints_fault(enum etcd_error_kind kind)
{
	return kind == ETCD_ERROR_TRANSPORT || kind == ETCD_ERROR_UNAVAILABLE ||
	       kind == ETCD_ERROR_NO_LEADER || kind == ETCD_ERROR_NO_GATEWAY ||
	       kind == ETCD_ERROR_LEARNER || kind == ETCD_ERROR_STALE || kind == ETCD_ERROR_FOREIGN;
}

static void attempt_failed(struct etcd_call *call, bool definite)
{
	size_t index = (size_t)(call->endpoint - call->etcd->endpoints);

	call->maybe |= !definite;
	if (permanent(call->error.kind) || call->retry == ETCD_RETRY_NEVER ||
		(!call->repeatable && !definite)) {
		if (call->error.kind == ETCD_ERROR_LEASE_NOT_FOUND)
			finish(call, ETCD_NOT_FOUND, NULL);
		else
			finish_failed(call, definite);
		return;
	}
	call->tried |= 1U << index;
	call->endpoint = NULL;
	loop_defer_schedule(call->defer);
}

/* A refused log-in or a store of users that changes: the same again, a few times. */
static bool again_here(struct etcd_call *call)
{
	if (call->error.kind == ETCD_ERROR_AUTH_OLD && call->auth_old++ < AUTH_OLD_MAX)
		return true;
	if (!call->etcd->user || call->logins >= LOGINS_MAX)
		return false;
	if (call->error.kind != ETCD_ERROR_TOKEN && call->error.kind != ETCD_ERROR_AUTH_OLD)
		return false;
	call->logins++;
	etcd_session_token_refused(call->endpoint);
	return true;
}

/* An answer with status 200 that could be decoded and believed. */
static void take_reply(struct etcd_call *call, const struct etcd_reply *reply)
{
	const struct call_kind *kind = call->kind;

	if ((kind == &kinds[KIND_KEEPALIVE] || kind == &kinds[KIND_GRANT]) &&
		reply->lease != call->lease) {
		etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT,
			"the answer is about lease %" PRId64 ", not %" PRId64, reply->lease,
			call->lease);
		attempt_failed(call, false);
		return;
	}
	if (kind == &kinds[KIND_KEEPALIVE] && reply->ttl == 0) {
		etcd_error_set(&call->error, ETCD_ERROR_LEASE_NOT_FOUND, "the lease is gone");
		finish(call, ETCD_NOT_FOUND, reply);
		return;
	}
	if (kind == &kinds[KIND_TXN] && !reply->succeeded)
		finish(call, ETCD_COMPARE_FAILED, reply);
	else
		finish(call, ETCD_OK, reply);
}

static void on_answer(const struct http_response *response, void *arg)
{
	struct etcd_call *call = arg;
	struct endpoint *endpoint = call->endpoint;
	CLEANUP(etcd_reply_done) struct etcd_reply reply = {.token = NULL};
	struct err err = {""};
	bool definite;
	int rc = 0;

	call->request = NULL;
	call->error = (struct etcd_error){.code = -1};
	if (!etcd_http_failed(response, &call->error)) {
		rc = call->kind->decode(&reply, response->body, response->len, &err);
		if (rc == -EREMOTEIO)
			etcd_decode_error(
				&call->error, response->status, response->body, response->len);
		else if (rc < 0)
			etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT, "%s", err.text);
		else if (etcd_endpoint_judge(endpoint, &reply.header,
				 call->kind->linearizable && !call->serializable ? call->known : -1,
				 &call->error)) {
			etcd_endpoint_worked(endpoint, &reply.header);
			if (call->hedged)
				call->etcd->current = (size_t)(endpoint - call->etcd->endpoints);
			take_reply(call, &reply);
			return;
		}
	}
	definite = etcd_error_definite(call->error.kind) || (response->rc < 0 && !response->sent);
	if (response->rc < 0 && response->rc != -EMSGSIZE)
		etcd_session_broken(endpoint);
	if (endpoints_fault(call->error.kind))
		etcd_endpoint_failed(endpoint, &call->error);
	if (again_here(call))
		loop_defer_schedule(call->defer);
	else
		attempt_failed(call, definite);
}

static void send(struct etcd_call *call)
{
	usec_t now = loop_now(call->etcd->loop);
	struct etcd_http what = {
		.path = call->kind->path,
		.body = buf_cstr(&call->body),
		.body_len = call->body.len,
		.any_member = call->serializable,
		.timeout = usec_min(call->attempt, call->deadline - now),
		.connect_timeout = call->hedged ? call->attempt : 0,
		.max_body = call->kind->max_body,
		.lane = call->lane,
		.on_done = on_answer,
		.arg = call,
	};
	struct err err = {""};

	call->known = call->etcd->guard.revision;
	call->sent_at = now;
	if (etcd_http_send(&call->request, call->endpoint, &what, &err) < 0) {
		call->request = NULL;
		etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT, "%s", err.text);
		etcd_endpoint_failed(call->endpoint, &call->error);
		attempt_failed(call, true);
	}
}

static void on_ready(int rc, void *arg)
{
	struct etcd_call *call = arg;

	call->waiting = false;
	if (rc < 0) {
		call->error = call->endpoint->error;
		attempt_failed(call, true);
	} else {
		loop_defer_schedule(call->defer);
	}
}

static void expire(struct etcd_call *call)
{
	usec_t waited = loop_now(call->etcd->loop) - call->sent_at;

	if (call->request) {
		call->maybe = true;
		etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT, "no answer in time");
		if (waited >= call->attempt / 2) {
			etcd_session_broken(call->endpoint);
			etcd_endpoint_failed(call->endpoint, &call->error);
		}
	} else if (call->error.kind == ETCD_ERROR_NONE) {
		etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT, "not ready in time");
	}
	finish_failed(call, !call->maybe);
}

static struct endpoint *pick(struct etcd_call *call)
{
	struct etcd *etcd = call->etcd;
	size_t current = etcd->current;
	struct endpoint *endpoint = etcd_pick(etcd, call->tried);

	if (call->hedged)
		etcd->current = current;
	return endpoint;
}

static void step(void *arg)
{
	struct etcd_call *call = arg;
	struct etcd *etcd = call->etcd;
	usec_t now = loop_now(etcd->loop);

	if (call->early < 0) {
		finish_failed(call, true);
		return;
	}
	if (now >= call->deadline) {
		expire(call);
		return;
	}
	if (call->request || call->waiting || now < call->paused_until)
		return;
	call->paused_until = 0;
	loop_timer_at(call->timer, call->deadline);
	if (!call->endpoint)
		call->endpoint = pick(call);
	if (!call->endpoint && call->tried) {
		call->tried = 0;
		pause_until(call, usec_add(now, ROUND_PAUSE << MIN(call->rounds, ROUND_DOUBLINGS)));
		call->rounds++;
		return;
	}
	if (!call->endpoint) {
		call->endpoint = &etcd->endpoints[0];
		call->error = call->endpoint->error;
		finish_failed(call, true);
		return;
	}
	if (!call->repeatable && now - call->endpoint->confirmed_at > CONFIRMED_FOR)
		call->endpoint->identified = false;
	if (etcd_session_ready(call->endpoint)) {
		send(call);
		return;
	}
	if (call->hedged && etcd_session_known(call->endpoint) &&
		now - call->endpoint->confirmed_at <= HEARD_FOR) {
		etcd_session_wait(call->endpoint, NULL);
		send(call);
		return;
	}
	call->waiting = true;
	etcd_session_wait(call->endpoint, &call->waiter);
}

static struct etcd_call *call_new(struct etcd *etcd, const struct call_kind *kind, bool repeatable,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	static const struct etcd_call_options defaults;
	struct etcd_call *call = xcalloc(1, sizeof(*call));
	bool quick = kind != &kinds[KIND_RANGE];
	usec_t timeout;

	if (!options)
		options = &defaults;
	timeout = options->timeout ? options->timeout : quick ? WRITE_TIMEOUT : READ_TIMEOUT;
	call->etcd = etcd;
	call->kind = kind;
	call->repeatable = repeatable;
	buf_init(&call->body, REQUEST_MAX);
	call->attempt = options->attempt ? options->attempt : quick ? WRITE_ATTEMPT : READ_ATTEMPT;
	call->attempt = usec_min(call->attempt, timeout);
	call->retry = options->retry;
	call->lane = xstrdup_null(options->lane);
	call->hedged = options->hedged;
	call->tried = options->avoid;
	call->done = done;
	call->arg = arg;
	call->sent_at = loop_now(etcd->loop);
	call->deadline = usec_add(call->sent_at, timeout);
	call->timer = loop_timer_new(etcd->loop, "etcd call", step, call);
	call->defer = loop_defer_new(etcd->loop, step, call);
	call->waiter = (struct etcd_waiter){.ready = on_ready, .arg = call};
	call->error.code = -1;
	list_add_tail(&etcd->calls, &call->link);
	if (++etcd->n_calls > ETCD_CALLS_MAX) {
		call->early = -EBUSY;
		etcd_error_set(&call->error, ETCD_ERROR_BUSY, "more than %d calls under way",
			ETCD_CALLS_MAX);
	}
	loop_defer_schedule(call->defer);
	return call;
}

static void encoded(struct etcd_call *call, int rc, const char *why)
{
	if (rc == 0 || call->early < 0)
		return;
	call->early = rc;
	etcd_error_set(&call->error, rc == -EINVAL ? ETCD_ERROR_REFUSED : ETCD_ERROR_TOO_LARGE,
		"%s", *why ? why : "the request is too large");
}

struct etcd_call *etcd_commit(struct etcd *etcd, const struct etcd_txn *txn,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_call *call =
		call_new(etcd, &kinds[KIND_TXN], !etcd_txn_writes(txn), options, done, arg);
	struct err err = {""};

	encoded(call, etcd_txn_encode(txn, &call->body, &err), err.text);
	return call;
}

struct etcd_call *etcd_range(struct etcd *etcd, const struct etcd_range_request *range,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_call *call = call_new(etcd, &kinds[KIND_RANGE], true, options, done, arg);

	call->serializable = range->serializable;
	encoded(call, etcd_encode_range(&call->body, range), "");
	return call;
}

struct etcd_call *etcd_grant(struct etcd *etcd, int64_t lease, int64_t ttl,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_call *call = call_new(etcd, &kinds[KIND_GRANT], false, options, done, arg);

	call->lease = lease;
	encoded(call, etcd_encode_grant(&call->body, lease, ttl), "");
	return call;
}

struct etcd_call *etcd_keepalive(struct etcd *etcd, int64_t lease,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_call *call = call_new(etcd, &kinds[KIND_KEEPALIVE], true, options, done, arg);

	call->lease = lease;
	encoded(call, etcd_encode_lease(&call->body, lease), "");
	return call;
}

struct etcd_call *etcd_revoke(struct etcd *etcd, int64_t lease,
	const struct etcd_call_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_call *call = call_new(etcd, &kinds[KIND_REVOKE], false, options, done, arg);

	call->lease = lease;
	encoded(call, etcd_encode_lease(&call->body, lease), "");
	return call;
}

unsigned etcd_call_endpoint(const struct etcd_call *call)
{
	return call->endpoint ? 1U << (call->endpoint - call->etcd->endpoints) : 0;
}

void etcd_cancel(struct etcd_call *call)
{
	if (call)
		release(call);
}

void etcd_calls_abort(struct etcd *etcd)
{
	struct list present = LIST_INIT(present);
	struct etcd_call *call;

	while ((call = list_first(&etcd->calls, struct etcd_call, link))) {
		list_del(&call->link);
		list_add_tail(&present, &call->link);
	}
	while ((call = list_first(&present, struct etcd_call, link))) {
		bool sent = call->request != NULL;

		etcd_error_set(&call->error, ETCD_ERROR_TRANSPORT, "the agent is stopping");
		finish_failed(call, !sent && !call->maybe);
	}
	/* what a callback started just now was never sent */
	while ((call = list_first(&etcd->calls, struct etcd_call, link)))
		release(call);
}
