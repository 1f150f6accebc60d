/*
 * The bookkeeping of one kind of request: at most one outstanding, when it was taken, and when the
 * next one is due. After a failure the next attempt follows soon (the endpoint rotates with each),
 * then with doubled pauses of 20 ms up to 640 ms, jittered.
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
	usec_t due; /* of the next; USEC_NEVER where none is scheduled */
	unsigned failures;
};

void attempt_init(struct attempt *a);
static inline bool attempt_out(const struct attempt *a)
{
	return a->id != 0;
}
/* Asks for an attempt no later than `when`. */
void attempt_want(struct attempt *a, usec_t when);
/* Nothing is wanted any more; an outstanding one will still be answered. */
void attempt_drop(struct attempt *a);
bool attempt_due(const struct attempt *a, usec_t now);
/* The caller sends it now. Unschedules: the answer says when to go on. */
void attempt_take(struct attempt *a, uint64_t id, usec_t now);
/* It was answered; failures are counted for the pause of attempt_again(). */
void attempt_done(struct attempt *a);
/* It failed: schedules the next one. */
void attempt_again(struct attempt *a, struct prng *prng, usec_t now);
usec_t attempt_wakeup(const struct attempt *a);

#endif
