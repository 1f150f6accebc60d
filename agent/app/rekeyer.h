/*
 * struct rekeyer: carries out the change of the collective key (core/rekey.h) for this member and, while
 * it leads, for the collective: gives the core its view from the keyring, the roster and the copy of
 * the database, and does what it asks for.
 *
 * Failures: each step is a transaction of its own that compares what it was decided on; one whose
 * outcome is not known is simply worked out again from what is there. A disk that can't be written
 * keeps this member from saying that it has the new key, so that the change waits; it is told.
 */
#ifndef APP_REKEYER_H
#define APP_REKEYER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/rekey.h"
#include "wire/json.h"

struct agent;
struct rekeyer;

/* The agent has a member and a keyring. */
struct rekeyer *rekeyer_new(struct agent *agent);
/* Before the member. NULL is fine. */
void rekeyer_free(struct rekeyer *rekeyer);
/* Something about the member may be different. */
void rekeyer_changed(struct rekeyer *rekeyer);

/* For `show -v`. */
void rekeyer_info(const struct rekeyer *rekeyer, struct sm_info *ret);
/* For `rekey --status`: "key" (the current one's id), "stage" (the machine's state), "from", "to", "by"
 * and "at" (seconds since 1970) of the last change, "waiting": [NAME], "members": [{"name", "active",
 * "held", "signed"}], "note". */
void rekeyer_tell(const struct rekeyer *rekeyer, json *answer);
/* "distributing; waiting for mgt2", or "idle"; new. */
char *rekeyer_text(const struct rekeyer *rekeyer);

#endif
