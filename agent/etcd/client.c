/*
 * The client's endpoints: which is next, what is known of each, and what is told about them.
 */
#include "config.h"
#include "etcd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/client_private.h"
#include "io/loop.h"

#define DEFAULT_CONNECT_TIMEOUT USEC_PER_SEC
/* Endpoints that don't work are looked at so often, when nobody else does. */
#define RECHECK_PERIOD (30 * USEC_PER_SEC)
#define URL_MAX	       512

static void notify(struct endpoint *endpoint, enum etcd_notice_kind kind, int64_t from, int64_t to,
	const char *fmt, ...) PRINTF_LIKE(5, 6);

static void notify(struct endpoint *endpoint, enum etcd_notice_kind kind, int64_t from, int64_t to,
	const char *fmt, ...)
{
	struct etcd *etcd = endpoint->etcd;
	struct etcd_notice notice = {.kind = kind, .from = from, .to = to};
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *whole = NULL;
	struct etcd_listener *listener;
	va_list ap;

	list_foreach (listener, &etcd->listeners, link)
		listener->fn(kind, endpoint, listener->arg);
	if (!etcd->notice)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	/* texts of the transport name the endpoint themselves */
	whole = strstr(text, endpoint->url) ? TAKE(text) : xasprintf("%s: %s", endpoint->url, text);
	notice.endpoint = (size_t)(endpoint - etcd->endpoints);
	notice.text = whole;
	etcd->notice(&notice, etcd->arg);
}

void etcd_error_set(struct etcd_error *error, enum etcd_error_kind kind, const char *fmt, ...)
{
	va_list ap;

	error->kind = kind;
	error->code = -1;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	text_whole(error->text);
}

static void move(struct endpoint *endpoint, enum endpoint_state state)
{
	if (endpoint->state == state)
		return;
	endpoint->state = state;
	endpoint->since = loop_now(endpoint->etcd->loop);
}

struct endpoint *etcd_pick(struct etcd *etcd, unsigned tried)
{
	struct endpoint *worst = NULL;

	for (size_t i = 0; i < etcd->n; i++) {
		size_t index = (etcd->current + i) % etcd->n;
		struct endpoint *endpoint = &etcd->endpoints[index];

		if (tried & 1U << index || endpoint->state == ENDPOINT_FOREIGN)
			continue;
		if (endpoint->state != ENDPOINT_BAD) {
			etcd->current = index;
			return endpoint;
		}
		if (!worst || endpoint->failed_at < worst->failed_at)
			worst = endpoint;
	}
	if (worst)
		etcd->current = (size_t)(worst - etcd->endpoints);
	return worst;
}

void etcd_endpoint_failed(struct endpoint *endpoint, const struct etcd_error *error)
{
	struct etcd *etcd = endpoint->etcd;
	bool first = endpoint->state == ENDPOINT_GOOD || endpoint->state == ENDPOINT_NEW;

	endpoint->failures++;
	endpoint->error = *error;
	endpoint->error_at = endpoint->failed_at = loop_now(etcd->loop);
	if (endpoint->state != ENDPOINT_FOREIGN)
		move(endpoint, ENDPOINT_BAD);
	if (loop_timer_due(etcd->recheck) == USEC_NEVER)
		loop_timer_after(etcd->recheck, RECHECK_PERIOD);
	if (first)
		notify(endpoint, ETCD_NOTICE_BAD, 0, 0, "%s", error->text);
}

void etcd_endpoint_worked(struct endpoint *endpoint, const struct etcd_header *header)
{
	bool again = endpoint->state == ENDPOINT_BAD || endpoint->state == ENDPOINT_FOREIGN;

	endpoint->header = *header;
	endpoint->confirmed_at = loop_now(endpoint->etcd->loop);
	endpoint->breaks = 0;
	move(endpoint, ENDPOINT_GOOD);
	if (again)
		notify(endpoint, ETCD_NOTICE_GOOD, 0, 0, "works again");
}

static void foreign(
	struct endpoint *endpoint, const struct etcd_header *header, struct etcd_error *error)
{
	struct etcd *etcd = endpoint->etcd;
	bool first = endpoint->state != ENDPOINT_FOREIGN;

	etcd_error_set(error, ETCD_ERROR_FOREIGN,
		"belongs to the etcd cluster %" PRIx64 ", not to %" PRIx64
		": etcd.endpoints is wrong, or etcd was made anew",
		header->cluster_id, etcd->guard.cluster_id);
	endpoint->header = *header;
	endpoint->identified = false;
	move(endpoint, ENDPOINT_FOREIGN);
	if (first)
		notify(endpoint, ETCD_NOTICE_FOREIGN, 0, 0, "%s", error->text);
}

bool etcd_endpoint_judge(struct endpoint *endpoint, const struct etcd_header *header, int64_t known,
	struct etcd_error *ret_error)
{
	struct etcd_guard *guard = &endpoint->etcd->guard;
	int64_t before = guard->revision;
	uint64_t term = guard->term;

	switch (etcd_guard_judge(guard, header, known, loop_now(endpoint->etcd->loop))) {
	case ETCD_GUARD_GOOD:
		return true;
	case ETCD_GUARD_STALE:
		etcd_error_set(ret_error, ETCD_ERROR_STALE,
			"answered with raft term %" PRIu64 " after %" PRIu64
			" was seen: this member of etcd lags behind",
			header->raft_term, term);
		return false;
	case ETCD_GUARD_FOREIGN:
		foreign(endpoint, header, ret_error);
		return false;
	case ETCD_GUARD_REVISION_BACK:
		notify(endpoint, ETCD_NOTICE_REVISION_BACK, before, header->revision,
			"etcd's revision went back from %" PRId64 " to %" PRId64
			": it was restored from a backup",
			before, header->revision);
		return true;
	case ETCD_GUARD_TERM_BACK:
		notify(endpoint, ETCD_NOTICE_TERM_BACK, before, header->revision,
			"etcd's raft term went back from %" PRIu64 " to %" PRIu64
			": it was made anew from a backup",
			term, header->raft_term);
		return true;
	}
	return true;
}

int etcd_http_send(struct http_request **ret, struct endpoint *endpoint,
	const struct etcd_http *what, struct err *err)
{
	struct etcd *etcd = endpoint->etcd;
	const struct http_tls tls = {
		.ca = etcd->ca, .certificate = etcd->certificate, .key = etcd->key};
	CLEANUP(freep) char *url = NULL;
	CLEANUP(secret_freep) char *authorization = NULL;
	const char *headers[4] = {NULL};
	size_t n = 0;
	struct http_options options = {
		.body = what->body,
		.body_len = what->body_len,
		.headers = headers,
		.timeout = what->timeout,
		.connect_timeout =
			what->connect_timeout ? what->connect_timeout : etcd->connect_timeout,
		.max_body = what->max_body,
		.lane = what->lane,
		.tls = &tls,
		.on_data = what->on_data,
		.on_done = what->on_done,
		.arg = what->arg,
	};

	if (text_starts(what->path, "//"))
		url = xasprintf("%s%s", endpoint->url, what->path + 1);
	else
		url = xasprintf("%s%s%s", endpoint->url, endpoint->prefix, what->path);
	options.url = url;
	if (what->body)
		headers[n++] = "Content-Type: application/json";
	if (!what->any_member)
		headers[n++] = "Grpc-Metadata-hasleader: true";
	if (endpoint->token && !what->no_token) {
		authorization = xasprintf("Authorization: %s", endpoint->token);
		headers[n++] = authorization;
	}
	endpoint->requests++;
	return http_send(ret, etcd->http, &options, err);
}

bool etcd_http_failed(const struct http_response *response, struct etcd_error *ret)
{
	if (response->rc == -EMSGSIZE)
		etcd_error_set(ret, ETCD_ERROR_ANSWER_TOO_LARGE, "%s", response->why);
	else if (response->rc < 0)
		etcd_error_set(ret, ETCD_ERROR_TRANSPORT, "%s", response->why);
	else if (response->status != 200)
		etcd_decode_error(ret, response->status, response->body, response->len);
	else
		return false;
	return true;
}

/* Endpoints that don't work, and that no call is sent to while others do, are asked who they are.
 *  */
static void on_recheck(void *arg)
{
	struct etcd *etcd = arg;
	bool again = false;

	for (size_t i = 0; i < etcd->n; i++) {
		struct endpoint *endpoint = &etcd->endpoints[i];

		if (endpoint->state != ENDPOINT_BAD && endpoint->state != ENDPOINT_FOREIGN)
			continue;
		again = true;
		endpoint->identified = false;
		etcd_session_wait(endpoint, NULL);
	}
	if (again)
		loop_timer_after(etcd->recheck, RECHECK_PERIOD);
}

static int check_url(const char *url, struct err *err)
{
	const char *rest = text_after(url, "http://");
	CLEANUP(freep) char *host = NULL;
	CLEANUP(freep) char *address = NULL;
	char shown[TEXT_PRINTABLE_MAX];
	int port = 0;
	size_t len;

	if (!rest)
		rest = text_after(url, "https://");
	if (rest && strlen(url) < URL_MAX) {
		len = strlen(rest);
		if (len && rest[len - 1] == '/')
			len--;
		address = xstrndup(rest, len);
		if (!strpbrk(address, "/?#@ ") && text_host_port(address, &host, &port) == 0)
			return 0;
	}
	return err_set(err, -EINVAL,
		"'%s' is not an etcd endpoint (expected http://host:port or https://host:port)",
		text_printable(url, strlen(url), shown));
}

static void endpoint_init(struct endpoint *endpoint, struct etcd *etcd, const char *url)
{
	size_t len = strlen(url);

	if (url[len - 1] == '/')
		len--;
	endpoint->etcd = etcd;
	endpoint->url = xstrndup(url, len);
	endpoint->since = loop_now(etcd->loop);
	endpoint->prefix = "/v3";
	list_init(&endpoint->waiters);
}

int etcd_new(struct etcd **ret, struct loop *loop, struct http *http,
	const struct etcd_config *config, struct err *err)
{
	struct etcd *etcd;

	if (!config->n_endpoints || config->n_endpoints > ETCD_ENDPOINTS_MAX)
		return err_set(err, -EINVAL, "expected 1 to %d etcd endpoints, got %zu",
			ETCD_ENDPOINTS_MAX, config->n_endpoints);
	for (size_t i = 0; i < config->n_endpoints; i++) {
		int rc = check_url(config->endpoints[i], err);

		if (rc < 0)
			return rc;
	}
	etcd = xcalloc(1, sizeof(*etcd));
	etcd->loop = loop;
	etcd->http = http;
	list_init(&etcd->calls);
	list_init(&etcd->listeners);
	etcd->guard.cluster_id = config->cluster_id;
	etcd->guard.term = config->raft_term;
	etcd->user = xstrdup_null(config->user);
	etcd->password = xstrdup(config->password ? config->password : "");
	etcd->ca = xstrdup_null(config->ca);
	etcd->certificate = xstrdup_null(config->certificate);
	etcd->key = xstrdup_null(config->key);
	etcd->identity_key = xstrdup(config->identity_key ? config->identity_key : "/");
	etcd->connect_timeout =
		config->connect_timeout ? config->connect_timeout : DEFAULT_CONNECT_TIMEOUT;
	etcd->notice = config->notice;
	etcd->arg = config->arg;
	etcd->recheck = loop_timer_new(loop, "etcd recheck", on_recheck, etcd);
	for (; etcd->n < config->n_endpoints; etcd->n++)
		endpoint_init(&etcd->endpoints[etcd->n], etcd, config->endpoints[etcd->n]);
	etcd->current = (size_t)(config->seed % etcd->n);
	*ret = etcd;
	return 0;
}

void etcd_free(struct etcd *etcd)
{
	if (!etcd)
		return;
	etcd_calls_abort(etcd);
	loop_timer_free(etcd->recheck);
	for (size_t i = 0; i < etcd->n; i++) {
		etcd_session_done(&etcd->endpoints[i]);
		free(etcd->endpoints[i].url);
	}
	secret_free(etcd->user);
	secret_free(etcd->password);
	free(etcd->ca);
	free(etcd->certificate);
	free(etcd->key);
	free(etcd->identity_key);
	free(etcd);
}

void etcd_status(const struct etcd *etcd, struct etcd_status *ret)
{
	static const char *const states[] = {
		[ENDPOINT_NEW] = "not used yet",
		[ENDPOINT_GOOD] = "works",
		[ENDPOINT_BAD] = "fails",
		[ENDPOINT_FOREIGN] = "another cluster",
	};

	*ret = (struct etcd_status){
		.n = etcd->n,
		.cluster_id = etcd->guard.cluster_id,
		.raft_term = etcd->guard.term,
		.revision = etcd->guard.revision,
		.calls = etcd->n_calls,
	};
	for (size_t i = 0; i < etcd->n; i++) {
		const struct endpoint *endpoint = &etcd->endpoints[i];

		ret->endpoints[i] = (struct etcd_endpoint_status){
			.url = endpoint->url,
			.state = states[endpoint->state],
			.current = i == etcd->current,
			.version = endpoint->version,
			.error = endpoint->error.text,
			.error_at = endpoint->error_at,
			.since = endpoint->since,
			.cluster_id = endpoint->header.cluster_id,
			.member_id = endpoint->header.member_id,
			.raft_term = endpoint->header.raft_term,
			.revision = endpoint->header.revision,
			.requests = endpoint->requests,
			.failures = endpoint->failures,
		};
	}
}

uint64_t etcd_cluster_id(const struct etcd *etcd)
{
	return etcd->guard.cluster_id;
}

unsigned etcd_setbacks(const struct etcd *etcd)
{
	return etcd->guard.setbacks;
}
