/*
 * A leader key put by hand, without a lease or under that of a member which it does not name, would
 * stay for ever (who holds that lease keeps it alive) and keep everybody from leading. One under a
 * lease of the administrator's ends with it. Nothing less certain counts: the key of a leader that
 * acts must not be taken away because, say, somebody has deleted its active key.
 *
 * The member whose key it was repairs it; each of the others, after it has had a third of the TTL
 * for that and a random while more, deletes it if it is still the same.
 *
 * Request: CLEAR.
 */
#ifndef CORE_STRAY_H
#define CORE_STRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/attempt.h"
#include "core/prng.h"
#include "core/roster.h"

struct stray {
	struct prng *prng;
	int64_t rev; /* its mod_revision; 0 for none */
	usec_t at;   /* when to clear it */
	struct attempt clear;
};

void stray_init(struct stray *s, struct prng *prng);
/* may: the key is one, and this member may write. patience: what the owner of the key is given. */
void stray_step(
	struct stray *s, usec_t now, const struct roster_key *key, bool may, usec_t patience);
void stray_drop(struct stray *s);
/* The reply to s->clear. */
void stray_reply(struct stray *s, const struct reply *reply, struct roster *r);

#endif
