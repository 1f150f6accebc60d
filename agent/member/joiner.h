/*
 * struct joiner: `collective join`, on the side of the server that joins.
 *
 * Redeem the token (enroll/client.h); see that etcd is reached with what came back and holds that
 * collective and this member's record; only then, as the last step, put the files in place
 * (identity/install.h). A failure before that leaves everything as it was, but for a key and
 * certificate where there were none: they are what a second attempt with the same token is
 * recognised by.
 */
#ifndef MEMBER_JOINER_H
#define MEMBER_JOINER_H

#include <stdbool.h>

#include "base/err.h"

struct conf;
struct http;
struct identity;
struct joiner;
struct loop;
struct worker;

struct joiner_config {
	struct loop *loop;
	struct http *http;
	const struct conf *conf;
	struct identity *identity; /* gets a key where it has none */
	struct worker *worker;
	const char *server;
	const char *token;
	/* The files are about to be put in place: from now on the join can't be interrupted. */
	void (*installing)(void *arg);
};

struct joiner_result {
	int rc;
	const char *why;
	bool made_certificate;
	const char *backup; /* folder of what was replaced, NULL: nothing was */
};
typedef void joiner_done_fn(const struct joiner_result *result, void *arg);

/* Fails at once for what can be seen to be wrong. done: once, from the loop; the files are in place
 * when rc is 0, and the identity is to be loaded again. */
int joiner_new(struct joiner **ret, const struct joiner_config *config, joiner_done_fn *done,
	void *arg, struct err *err) MUST_CHECK;
/* Whether `installing` was called. */
bool joiner_installs(const struct joiner *j);
/* Stops; done is not called any more. Nothing is put in place any more either, unless it installs:
 * that is finished, without anybody being told. NULL is fine. */
void joiner_free(struct joiner *j);

#endif
