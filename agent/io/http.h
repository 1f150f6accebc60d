/*
 * HTTP/1.1 client requests over libcurl's multi interface, driven by the loop: the one place that
 * knows libcurl.
 *
 * A request completes exactly once, from the loop, never inside a call: with the status and the
 * body, or with negative errno and a text. http_cancel() drops it: its callback is not called any
 * more. A streamed request (on_data set) gets its body piecewise and completes at its end, which is
 * an event of its own for a watch.
 *
 * Sockets are close-on-exec, have TCP_NODELAY, TCP_USER_TIMEOUT 6 s and keepalive 3 s/1 s. Requests
 * with the same `lane` share connections, different lanes never do, so that a lease keepalive does
 * not wait behind a large answer. curl's codes are mapped so: could not connect, resolve, or TLS
 * failed before anything was sent -> `sent` false (the server has certainly not seen the request);
 * everything else -> `sent` true (unknown outcome).
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"

struct loop;
struct http;
struct http_request;

struct http_tls {
	const char *ca;		 /* file; NULL: the system's */
	const char *certificate; /* file; NULL: none */
	const char *key;	 /* file; NULL: none */
};

struct http_response {
	/* 0: the server answered; else negative errno: -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH,
	 * -ENOENT (host name unknown), -EPROTO (TLS; the text says whose certificate or file),
	 * -ECONNRESET, -EMSGSIZE (body past its ceiling), -ECANCELED, -EIO */
	int rc;
	bool sent;	  /* the server may have seen the request */
	const char *why;  /* text for rc != 0, names the endpoint */
	int status;	  /* HTTP status, 0 where none came */
	const char *body; /* NUL-terminated; empty for a streamed request */
	size_t len;
	const char *content_type; /* "" where none */
};

struct http_options {
	const char *url;  /* http:// or https:// */
	const char *body; /* POST when not NULL, else GET; copied */
	size_t body_len;
	const char *const *headers; /* "Name: value", NULL-terminated; copied */
	usec_t timeout;		    /* whole request; 0: none (streams) */
	usec_t connect_timeout;	    /* resolving, connecting, TLS; 0: 10 s */
	size_t max_body;	    /* ceiling; for streams of what is not yet taken */
	const char *lane;	    /* connection group, at most 8; NULL: "main" */
	const struct http_tls *tls; /* for https; NULL: system CA */
	/* Stream: takes all of the piece; returns 0, or negative errno to end the request with
	 * it. A stream that comes faster than it is taken is paused, not failed. Called from the
	 * loop. */
	int (*on_data)(const char *data, size_t len, void *arg);
	void (*on_done)(const struct http_response *response, void *arg);
	void *arg;
};

int http_new(struct http **ret, struct loop *loop, struct err *err) MUST_CHECK;
/* Requests under way are completed with -ECANCELED first. */
void http_free(struct http *http);
int http_send(struct http_request **ret, struct http *http, const struct http_options *options,
	struct err *err) MUST_CHECK;
/* Also inside its own callbacks. Not after on_done has returned: the request is gone then. */
void http_cancel(struct http_request *request);
/* A stream: nothing more is told, its end neither, until it is let go on; what comes meanwhile waits,
 * up to max_body here and behind that at the server. */
void http_hold(struct http_request *request, bool hold);
/* Closes idle connections, so that changed certificate files are read again; what is under way
 * finishes over the connection it has. */
void http_forget_connections(struct http *http);

#endif
