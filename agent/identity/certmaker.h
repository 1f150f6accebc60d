/*
 * struct certmaker: a certificate for this server made, and on disk, before its identity has it; and
 * the key before that, where there is none or a new one is asked for. A member never gets a new key
 * here: the registry knows the one it has.
 */
#ifndef IDENTITY_CERTMAKER_H
#define IDENTITY_CERTMAKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"

struct certmaker;
struct identity;
struct worker;

/* One that can't be made, or not written, leaves the identity as it was, but for a key that was
 * written before its certificate failed. */
struct certmaker_config {
	struct worker *worker;
	struct identity *identity; /* has what was made when done is called with 0 */
	const char *config_dir;
	bool new_key;		      /* not for a member */
	const char *const *addresses; /* what else the certificate is to name */
	size_t address_count;
	usec_t now; /* CLOCK_REALTIME */
};

/* Once, from the loop; the certmaker is gone then. */
typedef void certmaker_done_fn(int rc, const char *why, void *arg);

/* Never fails at once. */
struct certmaker *certmaker_new(
	const struct certmaker_config *config, certmaker_done_fn *done, void *arg);
/* done is not called any more, and the identity is left alone; what was begun is still written. NULL
 * is fine. */
void certmaker_free(struct certmaker *maker);

/* The same while no loop runs; the worker is not needed. */
int certmaker_run(const struct certmaker_config *config, struct err *err) MUST_CHECK;

#endif
