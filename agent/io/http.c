/*
 * A request is an easy handle of libcurl in one of the lanes (http_lane.h). libcurl's write
 * callback only appends to the request's body, within its ceiling, and puts the request on the list
 * of those that have something to tell; libcurl is told to pause a stream that is at its ceiling. A
 * deferred call then collects what libcurl has finished and calls the users: pieces of streams
 * first, then the completion. So users are never called from inside libcurl or from inside
 * http_send(), and may cancel, send, and free whatever they like.
 *
 * What can go wrong: the user cancels the very request, or frees the whole http, in its callback. A
 * request in a callback is `busy` and is released when the callback returns; the same goes for the
 * http. libcurl resends a request by itself, once, when a connection it had kept turns out to be
 * dead: see R1 of the design, writes are harmless twice.
 */
#include "config.h"
#include "io/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/http_error.h"
#include "io/http_lane.h"
#include "io/loop.h"

#define LANES_MAX		8
#define DEFAULT_CONNECT_TIMEOUT (10 * USEC_PER_SEC)

struct http {
	struct loop *loop;
	struct loop_defer *drain;
	struct list lanes;
	struct list requests; /* all that have not ended */
	struct list ready;    /* those with data or an end to tell */
	struct list turn;     /* the part of ready that is being told */
	bool draining;
	bool freed;
};

struct http_request {
	struct http *http;
	struct lane *lane; /* NULL once taken out */
	struct list link;  /* http->requests */
	struct list ready; /* http->ready or http->turn */
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	char *endpoint;
	char *ca, *certificate, *key;
	struct buf body;
	size_t max_body;
	bool paused;	/* libcurl waits until the body is taken */
	bool held;	/* by the user */
	bool too_large; /* the ceiling was passed */
	bool done;	/* libcurl is done, with: */
	CURLcode code;
	bool over;     /* completed or cancelled */
	unsigned busy; /* in a callback of the user */
	int (*on_data)(const char *data, size_t len, void *arg);
	void (*on_done)(const struct http_response *response, void *arg);
	void *arg;
};

static void request_destroy(struct http_request *r)
{
	if (r->easy)
		curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	buf_done(&r->body);
	free(r->endpoint);
	free(r->ca);
	free(r->certificate);
	free(r->key);
	free(r);
}

/* Out of libcurl and off all lists; a retired lane goes with its last request. */
static void request_detach(struct http_request *r)
{
	struct lane *lane = TAKE(r->lane);

	list_del(&r->link);
	list_del(&r->ready);
	if (!lane)
		return;
	lane_remove(lane, r->easy);
	if (lane->retired && !lane->requests)
		lane_free(lane);
}

static void request_leave(struct http_request *r)
{
	r->busy--;
	if (r->over && !r->busy)
		request_destroy(r);
}

/* The one end of a request that was not cancelled. */
static void request_end(struct http_request *r, struct http_response *response)
{
	const char *type = NULL;
	long status = 0;

	if (curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		response->status = (int)status;
	if (curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK || !type)
		type = "";
	response->content_type = type;
	response->sent = http_was_sent(r->easy);
	response->body = r->on_data ? "" : buf_cstr(&r->body);
	response->len = r->on_data ? 0 : r->body.len;
	request_detach(r);
	r->over = true;
	r->busy++;
	r->on_done(response, r->arg);
	request_leave(r);
}

static void request_fail(struct http_request *r, int rc, const char *why)
{
	struct http_response response = {.rc = rc, .why = why};

	request_end(r, &response);
}

static void request_finish(struct http_request *r)
{
	const struct http_tls tls = {.ca = r->ca, .certificate = r->certificate, .key = r->key};
	struct http_response response = {0};
	struct err err = {0};

	if (r->too_large)
		response.rc = err_set(&err, -EMSGSIZE, "the answer of %s is larger than %zu bytes",
			r->endpoint, r->max_body);
	else if (r->code != CURLE_OK)
		response.rc = http_explain(r->easy, r->code, r->error, r->endpoint, &tls, &err);
	response.why = err.text;
	request_end(r, &response);
}

/* Gives a stream's user what came. False when the request is over. */
static bool request_deliver(struct http_request *r)
{
	struct err err = {0};
	int rc;

	r->busy++;
	rc = r->on_data(buf_cstr(&r->body), r->body.len, r->arg);
	buf_reset(&r->body);
	if (r->over) {
		request_leave(r);
		return false;
	}
	r->busy--;
	if (rc < 0) {
		err_errno(&err, rc, "the stream from %s was given up", r->endpoint);
		request_fail(r, rc, err.text);
		return false;
	}
	return true;
}

static void request_tell(struct http_request *r)
{
	if (r->held)
		return;
	if (r->on_data && r->body.len && !request_deliver(r))
		return;
	if (r->done) {
		request_finish(r);
	} else if (r->paused) {
		/* What libcurl held back is appended in here and told in the next round. */
		r->paused = false;
		(void)curl_easy_pause(r->easy, CURLPAUSE_CONT);
	}
}

static void make_ready(struct http_request *r)
{
	if (!list_linked(&r->ready))
		list_add_tail(&r->http->ready, &r->ready);
	loop_defer_schedule(r->http->drain);
}

static void collect(struct http *http)
{
	struct http_request *r;
	struct lane *lane;
	CURLcode code;
	CURL *easy;

	list_foreach (lane, &http->lanes, link) {
		while ((easy = lane_next_done(lane, &code))) {
			if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&r) != CURLE_OK)
				abort();
			r->done = true;
			r->code = code;
			make_ready(r);
		}
	}
}

static void http_destroy(struct http *http)
{
	free(http);
	curl_global_cleanup();
}

static void on_drain(void *arg)
{
	struct http *http = arg;
	struct http_request *r;

	http->draining = true;
	collect(http);
	while ((r = list_first(&http->ready, struct http_request, ready))) {
		list_del(&r->ready);
		list_add_tail(&http->turn, &r->ready);
	}
	while (!http->freed && (r = list_first(&http->turn, struct http_request, ready))) {
		list_del(&r->ready);
		request_tell(r);
	}
	http->draining = false;
	if (http->freed)
		http_destroy(http);
	else if (!list_empty(&http->ready))
		loop_defer_schedule(http->drain);
}

static void on_moved(void *arg)
{
	struct http *http = arg;

	loop_defer_schedule(http->drain);
}

/* libcurl's write callback. */
static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_request *r = arg;
	size_t len = size * count;

	if (buf_add(&r->body, data, len) == 0) {
		if (r->on_data)
			make_ready(r);
		return len;
	}
	if (r->on_data && r->body.len) {
		r->paused = true;
		make_ready(r);
		return CURL_WRITEFUNC_PAUSE;
	}
	r->too_large = true;
	return 0;
}

int http_new(struct http **ret, struct loop *loop, struct err *err)
{
	struct http *http;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, -EIO, "cannot set up libcurl");
	http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	list_init(&http->lanes);
	list_init(&http->requests);
	list_init(&http->ready);
	list_init(&http->turn);
	http->drain = loop_defer_new(loop, on_drain, http);
	*ret = http;
	return 0;
}

void http_free(struct http *http)
{
	struct http_request *r;
	struct lane *lane;

	if (!http || http->freed)
		return;
	http->freed = true;
	while ((r = list_first(&http->requests, struct http_request, link)))
		request_fail(r, -ECANCELED, "cancelled");
	while ((lane = list_first(&http->lanes, struct lane, link)))
		lane_free(lane);
	loop_defer_free(http->drain);
	if (!http->draining)
		http_destroy(http);
}

static int lane_get(struct lane **ret, struct http *http, const char *name, struct err *err)
{
	unsigned count = 0;
	struct lane *lane;
	int rc;

	list_foreach (lane, &http->lanes, link) {
		if (lane->retired)
			continue;
		if (text_eq(lane->name, name)) {
			*ret = lane;
			return 0;
		}
		count++;
	}
	if (count >= LANES_MAX)
		return err_set(err, -ENOSPC, "no connection group '%s' besides the %d there are",
			name, LANES_MAX);
	rc = lane_new(&lane, http->loop, name, on_moved, http, err);
	if (rc < 0)
		return rc;
	list_add_tail(&http->lanes, &lane->link);
	*ret = lane;
	return 0;
}

void http_forget_connections(struct http *http)
{
	struct lane *lane, *tmp;

	/* What is under way goes on over its connection; new requests get a new lane. */
	list_foreach_safe (lane, tmp, &http->lanes, link) {
		lane->retired = true;
		if (!lane->requests)
			lane_free(lane);
	}
}

/* "https://host:port" of a URL, new; NULL when it is none of ours. */
static char *url_endpoint(const char *url)
{
	const char *host = text_after(url, "http://");
	size_t len;

	if (!host)
		host = text_after(url, "https://");
	if (!host)
		return NULL;
	len = strcspn(host, "/?#");
	if (!len || memchr(host, '@', len))
		return NULL;
	return xstrndup(url, (size_t)(host - url) + len);
}

/* Rounded up, so that a timeout above 0 does not become "none". */
static long timeout_ms(usec_t timeout)
{
	usec_t ms = usec_add(timeout, USEC_PER_MSEC - 1) / USEC_PER_MSEC;

	return (long)usec_min(ms, INT32_MAX);
}

static int headers_set(struct http_request *r, const char *const *headers)
{
	/* No waiting for "100 Continue" before a large body. */
	static const char no_expect[] = "Expect:";
	struct curl_slist *list = curl_slist_append(NULL, no_expect);

	for (; list && headers && *headers; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);

		if (!longer)
			break;
		list = longer;
	}
	r->headers = list;
	if (!list || (headers && *headers))
		return -ENOMEM;
	return 0;
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(r->easy, option, value) != CURLE_OK)                          \
			return err_set(err, -EINVAL, "libcurl does not take %s", #option);         \
	} while (0)

static int setup_transfer(
	struct http_request *r, const struct http_options *options, struct err *err)
{
	SET(CURLOPT_URL, options->url);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* Nothing from the environment, no third host between us and the server. */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Giving up a request must not wait for a name server that is silent. */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	SET(CURLOPT_PRIVATE, r);
	SET(CURLOPT_ERRORBUFFER, r->error);
	SET(CURLOPT_HTTPHEADER, r->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, r);
	SET(CURLOPT_TIMEOUT_MS, timeout_ms(options->timeout));
	SET(CURLOPT_CONNECTTIMEOUT_MS,
		timeout_ms(options->connect_timeout ? options->connect_timeout
						    : DEFAULT_CONNECT_TIMEOUT));
	if (options->body) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_len);
		SET(CURLOPT_COPYPOSTFIELDS, options->body);
	}
	return 0;
}

static int setup_tls(struct http_request *r, struct err *err)
{
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (r->ca) {
		SET(CURLOPT_CAINFO, r->ca);
		SET(CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
		/* A private CA is read for each connection, so that a changed one is seen; the
		 * system's long list is kept by libcurl for a day. */
		SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	}
	if (r->certificate)
		SET(CURLOPT_SSLCERT, r->certificate);
	if (r->key)
		SET(CURLOPT_SSLKEY, r->key);
	return 0;
}

#undef SET

static int request_start(
	struct http_request *r, const struct http_options *options, struct err *err)
{
	struct lane *lane = NULL;
	int rc;

	r->endpoint = url_endpoint(options->url);
	if (!r->endpoint)
		return err_set(err, -EINVAL,
			"'%s' is not a URL (expected http://host:port/... or https://host:port/... "
			"without a user)",
			options->url);
	r->easy = curl_easy_init();
	if (!r->easy || headers_set(r, options->headers) < 0)
		return err_set(err, -ENOMEM, "cannot set up a request to %s", r->endpoint);
	rc = setup_transfer(r, options, err);
	if (rc == 0)
		rc = setup_tls(r, err);
	if (rc == 0)
		rc = lane_get(&lane, r->http, options->lane ? options->lane : "main", err);
	if (rc == 0)
		rc = lane_add(lane, r->easy, err);
	if (rc < 0)
		return err_wrap(err, rc, "cannot send a request to %s", r->endpoint);
	r->lane = lane;
	list_add_tail(&r->http->requests, &r->link);
	return 0;
}

int http_send(struct http_request **ret, struct http *http, const struct http_options *options,
	struct err *err)
{
	struct http_request *r;
	int rc;

	if (http->freed)
		return err_set(err, -ECANCELED, "the HTTP client is being closed");
	r = xcalloc(1, sizeof(*r));
	r->http = http;
	list_init(&r->link);
	list_init(&r->ready);
	r->on_data = options->on_data;
	r->on_done = options->on_done;
	r->arg = options->arg;
	r->max_body = options->max_body;
	if (r->on_data && r->max_body < CURL_MAX_WRITE_SIZE)
		r->max_body = CURL_MAX_WRITE_SIZE; /* the largest piece libcurl hands over */
	buf_init(&r->body, r->max_body);
	if (options->tls) {
		r->ca = xstrdup_null(options->tls->ca);
		r->certificate = xstrdup_null(options->tls->certificate);
		r->key = xstrdup_null(options->tls->key);
	}
	rc = request_start(r, options, err);
	if (rc < 0) {
		request_destroy(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void http_hold(struct http_request *r, bool hold)
{
	if (r->held && !hold)
		make_ready(r);
	r->held = hold;
}

void http_cancel(struct http_request *r)
{
	if (!r || r->over)
		return;
	r->over = true;
	request_detach(r);
	if (!r->busy)
		request_destroy(r);
}
