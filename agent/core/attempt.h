/*
 * The bookkeeping of one kind of request: at most one outstanding, when it was taken, and when the
 * next one is due. After a failure the next attempt follows 20 ms after the failed one was sent, then
 * with doubled, jittered distances up to 640 ms: at once after a timeout, and without a storm where
 * the connection is refused. (The endpoint rotates with each attempt.)
 */
#ifndef CORE_ATTEMPT_H
#define CORE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/prng.h"

struct attempt {
	uint64_t id; /* of the outstanding request, 0 for none */
	usec_t taken;
	usec_t due;	   /* of the next; USEC_NEVER where none is wanted */
	usec_t not_before; /* the pause after a failure */
	unsigned failures;
};

void attempt_init(struct attempt *a);
static inline bool attempt_out(const struct attempt *a)
{
	return a->id != 0;
}
/* Asks for an attempt at `when` or as soon after as the pause allows; of two wishes the earlier. */
void attempt_want(struct attempt *a, usec_t when);
/* Nothing is wanted any more; an outstanding one will still be answered. */
void attempt_drop(struct attempt *a);
bool attempt_due(const struct attempt *a, usec_t now);
/* The caller sends it now; nothing more is wanted. */
void attempt_take(struct attempt *a, uint64_t id, usec_t now);
/* It was answered, with success: no pause before the next. */
void attempt_done(struct attempt *a);
/* It failed; a pause before the next, if one is wanted. */
void attempt_failed(struct attempt *a, struct prng *prng);
/* When attempt_due() turns true; USEC_NEVER while one is outstanding. */
usec_t attempt_wakeup(const struct attempt *a);

#endif
