/*
 * A loop, scripted gateways and a client of them; the result of the last call.
 */
#ifndef TESTS_UNIT_TEST_ETCD_SETUP_H
#define TESTS_UNIT_TEST_ETCD_SETUP_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "etcd/client.h"
#include "io/http.h"
#include "io/loop.h"
#include "tests/unit/test_etcd_fake.h"

#define FAKES_MAX 3

struct setup {
	struct loop *loop;
	struct http *http;
	struct etcd *etcd;
	struct fake fakes[FAKES_MAX];
	size_t n;
	/* the last result */
	bool done;
	unsigned times;
	enum etcd_outcome outcome;
	enum etcd_error_kind error;
	char text[1024];
	char endpoint[64];
	int64_t revision;
	int64_t ttl;
	usec_t sent_at;
	size_t n_kvs;
	/* notices */
	unsigned notices[ETCD_NOTICE_GOOD + 1];
	char notice[1024];
	int64_t from, to;
};

static inline void setup_notice(const struct etcd_notice *notice, void *arg)
{
	struct setup *s = arg;

	s->notices[notice->kind]++;
	snprintf(s->notice, sizeof(s->notice), "%s", notice->text);
	s->from = notice->from;
	s->to = notice->to;
}

static inline void setup_client(struct setup *s, const char *user, const char *password)
{
	const char *urls[FAKES_MAX];
	struct etcd_config config = {
		.endpoints = urls,
		.n_endpoints = s->n,
		.user = user,
		.password = password,
		.identity_key = "identity",
		.notice = setup_notice,
		.arg = s,
	};
	struct err err = {""};

	for (size_t i = 0; i < s->n; i++)
		urls[i] = s->fakes[i].url;
	ck_assert_msg(etcd_new(&s->etcd, s->loop, s->http, &config, &err) == 0, "%s", err.text);
}

static inline void setup_begin(struct setup *s, size_t n)
{
	struct err err = {""};

	memset(s, 0, sizeof(*s));
	s->n = n;
	ck_assert_msg(loop_new(&s->loop, &err) == 0, "%s", err.text);
	ck_assert_msg(http_new(&s->http, s->loop, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < n; i++)
		fake_open(&s->fakes[i], s->loop);
}

static inline void setup_end(struct setup *s)
{
	etcd_free(s->etcd);
	http_free(s->http);
	for (size_t i = 0; i < s->n; i++)
		fake_close(&s->fakes[i]);
	loop_free(s->loop);
}

static inline void setup_done(const struct etcd_result *result, void *arg)
{
	struct setup *s = arg;

	s->done = true;
	s->times++;
	s->outcome = result->outcome;
	s->error = result->error;
	s->revision = result->reply->header.revision;
	s->ttl = result->reply->ttl;
	s->sent_at = result->sent_at;
	s->n_kvs = result->reply->n_kvs;
	snprintf(s->text, sizeof(s->text), "%s", result->text);
	snprintf(s->endpoint, sizeof(s->endpoint), "%s", result->endpoint);
}

static inline void setup_wait(struct setup *s)
{
	run_until(s->loop, &s->done, "a call was done");
	s->done = false;
}

/* One conditional put. */
static inline struct etcd_call *setup_put(struct setup *s, const struct etcd_call_options *options)
{
	struct etcd_txn *txn = etcd_txn_new();
	struct etcd_call *call;

	etcd_txn_if_create(txn, "k", ETCD_EQUAL, 0);
	etcd_txn_put(txn, ETCD_THEN, "k", "v", 1, 0);
	call = etcd_commit(s->etcd, txn, options, setup_done, s);
	etcd_txn_free(txn);
	return call;
}

static inline struct etcd_call *setup_get(struct setup *s, const struct etcd_call_options *options)
{
	const struct etcd_range_request range = {.key = "k", .key_len = 1};

	return etcd_range(s->etcd, &range, options, setup_done, s);
}

/* Fails calls of one path in one way. */
struct failure {
	const char *path;
	int status; /* 0: no answer; -1: cut without an answer */
	const char *body;
	unsigned times; /* then it is well again; 0: for ever */
	unsigned seen;
};

static inline bool fail_path(struct fake *fake, struct fake_request *request, const char *path,
	const char *body, void *arg)
{
	struct failure *failure = arg;

	(void)fake;
	if (!text_eq(path, failure->path) || strstr(body, "aWRlbnRpdHk="))
		return false;
	if (failure->times && failure->seen >= failure->times)
		return false;
	failure->seen++;
	if (failure->status == -1)
		fake_cut(request);
	else if (failure->status)
		fake_answer(request, failure->status, "%s", failure->body);
	return true;
}

static inline void setup_script(struct setup *s, size_t i, struct failure *failure)
{
	s->fakes[i].script = fail_path;
	s->fakes[i].arg = failure;
}

#define assert_outcome(s, wanted)                                                                  \
	ck_assert_msg((s)->outcome == (wanted), "outcome '%s' (%s), wanted '%s'",                  \
		etcd_outcome_name((s)->outcome), (s)->text, etcd_outcome_name(wanted))
#define assert_says(s, part)                                                                       \
	ck_assert_msg(strstr((s)->text, part), "'%s' does not say '%s'", (s)->text, part)

#endif
