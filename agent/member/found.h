/*
 * struct found: founding a collective, at the first invitation made by a standalone server.
 *
 * The new bundle (id, key, CA) is kept aside on disk, then one transaction writes `collective` and
 * the founder's record and fails if the prefix holds a collective already; when etcd agreed, the
 * bundle becomes this server's and its certificate is issued by the new CA. A founding that was
 * interrupted is taken up again with the same bundle, so its outcome in etcd is recognised.
 */
#ifndef MEMBER_FOUND_H
#define MEMBER_FOUND_H

#include <stdbool.h>

#include "base/err.h"

struct conf;
struct found;
struct http;
struct identity;
struct loop;
struct worker;

struct found_config {
	struct loop *loop;
	struct http *http;
	struct worker *worker;
	const struct conf *conf;
	struct identity *identity; /* standalone; has a bundle when done */
};

/* Once, from the loop. made_certificate: it had none before. */
typedef void found_done_fn(int rc, const char *why, bool made_certificate, void *arg);

int found_new(struct found **ret, const struct found_config *config, found_done_fn *done, void *arg,
	struct err *err) MUST_CHECK;
/* done is not called any more. NULL is fine. */
void found_free(struct found *f);

#endif
