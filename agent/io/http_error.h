/*
 * What libcurl's codes mean to the callers of http.h. For http.c only.
 */
#ifndef IO_HTTP_ERROR_H
#define IO_HTTP_ERROR_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"

struct http_tls;

/* The negative errno for a transfer that ended with `code` (not CURLE_OK), and a text that names
 * the endpoint. detail: what libcurl wrote in its error buffer. */
int http_explain(CURL *easy, CURLcode code, const char *detail, const char *endpoint,
	const struct http_tls *tls, struct err *err);
/* Whether a byte of the request has been handed to the network. */
bool http_was_sent(CURL *easy);

#endif
