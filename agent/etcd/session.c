/*
 * Making an endpoint ready: GET /version (which tells the path prefix), a log-in where there is a
 * user (tokens belong to one member), and a small linearizable read that shows the cluster id and
 * that the member is of use, so that no write is ever sent to a cluster that is not ours. One step
 * after the other, once for all who wait.
 *
 * An endpoint is made ready anew when its connection broke, for it may have been restarted,
 * upgraded, restored or replaced since.
 */
#include "config.h"
#include "etcd/client_private.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "io/loop.h"

#define STEP_TIMEOUT  USEC_PER_SEC
#define LOGIN_TIMEOUT (3 * USEC_PER_SEC) /* a password hash takes etcd up to 0.3 s, in a queue */
/* A token "from the future" makes requests hang, so it is dropped after so many failures in a row.
 *  */
#define BREAKS_OF_A_BAD_TOKEN 2
#define REPEATS_MAX	      3
#define SESSION_LANE	      "session"

static void proceed(struct endpoint *endpoint);

static enum endpoint_step next_step(const struct endpoint *endpoint)
{
	if (!*endpoint->version)
		return STEP_VERSION;
	if (endpoint->etcd->user && !endpoint->token && !endpoint->auth_off)
		return STEP_LOGIN;
	return endpoint->identified ? STEP_READY : STEP_IDENTITY;
}

bool etcd_session_ready(const struct endpoint *endpoint)
{
	return !endpoint->request && next_step(endpoint) == STEP_READY;
}

bool etcd_session_known(const struct endpoint *endpoint)
{
	return endpoint->met && (!endpoint->etcd->user || endpoint->token || endpoint->auth_off);
}

/* Each waiter is off the list before it is called; it may leave or come again. */
static void tell_waiters(struct endpoint *endpoint, int rc)
{
	struct list told = LIST_INIT(told);
	struct etcd_waiter *waiter;

	while ((waiter = list_first(&endpoint->waiters, struct etcd_waiter, link))) {
		list_del(&waiter->link);
		list_add_tail(&told, &waiter->link);
	}
	while ((waiter = list_first(&told, struct etcd_waiter, link))) {
		list_del(&waiter->link);
		waiter->ready(rc, waiter->arg);
	}
}

static void fail(struct endpoint *endpoint, const struct etcd_error *error)
{
	endpoint->repeats = 0;
	if (error->kind == ETCD_ERROR_TRANSPORT)
		etcd_session_broken(endpoint);
	etcd_endpoint_failed(endpoint, error);
	tell_waiters(endpoint, -EIO);
}

/* 3.4 and later have /v3; 3.3 has /v3beta; what was before is not known well enough. */
static int choose_prefix(struct endpoint *endpoint, struct etcd_error *error)
{
	const char *minor = text_after(endpoint->version, "3.");

	endpoint->prefix = "/v3";
	if (!minor || minor[1] != '.')
		return 0;
	if (minor[0] == '3')
		endpoint->prefix = "/v3beta";
	if (minor[0] >= '3')
		return 0;
	etcd_error_set(error, ETCD_ERROR_NO_GATEWAY, "etcd %s is too old (3.3 or later is needed)",
		endpoint->version);
	*endpoint->version = '\0';
	return -EPROTO;
}

static bool take_version(
	struct endpoint *endpoint, const struct http_response *response, struct etcd_error *error)
{
	struct err err = {""};

	if (response->rc == -ECONNRESET && text_starts(endpoint->url, "http://")) {
		etcd_error_set(error, ETCD_ERROR_TRANSPORT,
			"%s (if it speaks TLS, write https:// in etcd.endpoints)", response->why);
		return false;
	}
	if (etcd_http_failed(response, error))
		return false;
	if (etcd_decode_version(endpoint->version, response->body, response->len, &err) < 0) {
		etcd_error_set(error, ETCD_ERROR_NO_GATEWAY, "is no etcd: /version: %s", err.text);
		return false;
	}
	return choose_prefix(endpoint, error) == 0;
}

static bool take_login(
	struct endpoint *endpoint, const struct http_response *response, struct etcd_error *error)
{
	CLEANUP(etcd_reply_done) struct etcd_reply reply = {.token = NULL};
	struct err err = {""};

	if (etcd_http_failed(response, error)) {
		endpoint->auth_off = error->kind == ETCD_ERROR_AUTH_OFF;
		return endpoint->auth_off;
	}
	if (etcd_decode_authenticate(&reply, response->body, response->len, &err) < 0) {
		etcd_error_set(error, ETCD_ERROR_TRANSPORT, "log-in: %s", err.text);
		return false;
	}
	/* A low raft term is judged by the linearizable read that follows: were it to end here, a
	 * cluster made anew from a backup would never be recognised. */
	endpoint->identified = etcd_endpoint_judge(endpoint, &reply.header, -1, error);
	if (!endpoint->identified && error->kind != ETCD_ERROR_STALE)
		return false;
	secret_free(endpoint->token);
	endpoint->token = TAKE(reply.token);
	if (endpoint->identified)
		etcd_endpoint_worked(endpoint, &reply.header);
	return true;
}

static bool take_identity(
	struct endpoint *endpoint, const struct http_response *response, struct etcd_error *error)
{
	CLEANUP(etcd_reply_done) struct etcd_reply reply = {.token = NULL};
	struct err err = {""};

	if (etcd_http_failed(response, error))
		return false;
	if (etcd_decode_range(&reply, response->body, response->len, &err) < 0) {
		etcd_error_set(error, ETCD_ERROR_TRANSPORT, "%s", err.text);
		return false;
	}
	if (!etcd_endpoint_judge(endpoint, &reply.header, endpoint->known, error))
		return false;
	endpoint->identified = true;
	etcd_endpoint_worked(endpoint, &reply.header);
	return true;
}

/* Users or roles that change meanwhile, and tokens that expire, are met by doing it again. */
static bool worth_repeating(struct endpoint *endpoint, const struct etcd_error *error)
{
	if (endpoint->repeats >= REPEATS_MAX)
		return false;
	endpoint->repeats++;
	if (error->kind == ETCD_ERROR_AUTH_OLD)
		return true;
	if (error->kind != ETCD_ERROR_TOKEN || !endpoint->etcd->user)
		return false;
	etcd_session_token_refused(endpoint);
	return true;
}

static void on_step(const struct http_response *response, void *arg)
{
	struct endpoint *endpoint = arg;
	struct etcd_error error = {.kind = ETCD_ERROR_NONE};
	bool good = false;

	endpoint->request = NULL;
	switch (endpoint->step) {
	case STEP_VERSION:
		good = take_version(endpoint, response, &error);
		break;
	case STEP_LOGIN:
		good = take_login(endpoint, response, &error);
		break;
	case STEP_IDENTITY:
	case STEP_READY:
		good = take_identity(endpoint, response, &error);
		break;
	}
	if (good || worth_repeating(endpoint, &error))
		proceed(endpoint);
	else
		fail(endpoint, &error);
}

static int send_login(struct endpoint *endpoint, struct etcd_http *what, struct err *err)
{
	struct buf body = BUF_INIT(ETCD_SMALL_ANSWER);
	int rc = etcd_encode_authenticate(&body, endpoint->etcd->user, endpoint->etcd->password);

	what->path = "/auth/authenticate";
	what->body = body.data;
	what->body_len = body.len;
	what->timeout = LOGIN_TIMEOUT;
	what->no_token = true;
	if (rc == 0)
		rc = etcd_http_send(&endpoint->request, endpoint, what, err);
	buf_wipe(&body);
	return rc;
}

static int send_identity(struct endpoint *endpoint, struct etcd_http *what, struct err *err)
{
	const char *key = endpoint->etcd->identity_key;
	const struct etcd_range_request range = {
		.key = key, .key_len = strlen(key), .limit = 1, .keys_only = true};
	CLEANUP(buf_done) struct buf body = BUF_INIT(ETCD_SMALL_ANSWER);
	int rc = etcd_encode_range(&body, &range);

	what->path = "/kv/range";
	what->body = body.data;
	what->body_len = body.len;
	endpoint->known = endpoint->etcd->guard.revision;
	return rc ? rc : etcd_http_send(&endpoint->request, endpoint, what, err);
}

static void proceed(struct endpoint *endpoint)
{
	struct etcd_http what = {
		.timeout = STEP_TIMEOUT,
		.max_body = ETCD_SMALL_ANSWER,
		.lane = SESSION_LANE,
		.on_done = on_step,
		.arg = endpoint,
	};
	struct etcd_error error;
	struct err err = {""};
	int rc = 0;

	endpoint->step = next_step(endpoint);
	switch (endpoint->step) {
	case STEP_VERSION:
		what.path = "//version";
		what.no_token = true;
		rc = etcd_http_send(&endpoint->request, endpoint, &what, &err);
		break;
	case STEP_LOGIN:
		rc = send_login(endpoint, &what, &err);
		break;
	case STEP_IDENTITY:
		rc = send_identity(endpoint, &what, &err);
		break;
	case STEP_READY:
		endpoint->repeats = 0;
		endpoint->met = true;
		tell_waiters(endpoint, 0);
		return;
	}
	if (rc < 0) {
		etcd_error_set(
			&error, ETCD_ERROR_TRANSPORT, "%s", *err.text ? err.text : strerror(-rc));
		fail(endpoint, &error);
	}
}

void etcd_session_wait(struct endpoint *endpoint, struct etcd_waiter *waiter)
{
	if (waiter)
		list_add_tail(&endpoint->waiters, &waiter->link);
	if (!endpoint->request)
		proceed(endpoint);
}

void etcd_session_doubt(struct endpoint *endpoint)
{
	endpoint->identified = false;
	etcd_session_wait(endpoint, NULL);
}

void etcd_session_leave(struct etcd_waiter *waiter)
{
	list_del(&waiter->link);
}

static void forget_token(struct endpoint *endpoint)
{
	secret_free(endpoint->token);
	endpoint->token = NULL;
}

void etcd_session_token_refused(struct endpoint *endpoint)
{
	forget_token(endpoint);
	endpoint->auth_off = false;
}

void etcd_session_broken(struct endpoint *endpoint)
{
	endpoint->identified = false;
	*endpoint->version = '\0';
	endpoint->auth_off = false;
	if (++endpoint->breaks >= BREAKS_OF_A_BAD_TOKEN)
		forget_token(endpoint);
}

void etcd_session_done(struct endpoint *endpoint)
{
	if (endpoint->request)
		http_cancel(endpoint->request);
	endpoint->request = NULL;
	forget_token(endpoint);
}
