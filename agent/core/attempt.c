/*
 * The bookkeeping of one kind of request.
 */
#include "config.h"

#include "core/attempt.h"

#include <assert.h>

#include "base/macros.h"

static const usec_t first_pause = 20 * USEC_PER_MSEC;
static const unsigned most_doublings = 5;

void attempt_init(struct attempt *a)
{
	*a = (struct attempt){.due = USEC_NEVER};
}

void attempt_want(struct attempt *a, usec_t when)
{
	a->due = usec_min(a->due, when);
}

void attempt_drop(struct attempt *a)
{
	a->due = USEC_NEVER;
}

usec_t attempt_wakeup(const struct attempt *a)
{
	return attempt_out(a) || a->due == USEC_NEVER ? USEC_NEVER
						      : usec_max(a->due, a->not_before);
}

bool attempt_due(const struct attempt *a, usec_t now)
{
	return attempt_wakeup(a) <= now;
}

void attempt_take(struct attempt *a, uint64_t id, usec_t now)
{
	assert(!attempt_out(a));
	a->id = id;
	a->taken = now;
	a->due = USEC_NEVER;
}

void attempt_done(struct attempt *a)
{
	assert(attempt_out(a));
	a->id = 0;
	a->failures = 0;
	a->not_before = 0;
}

void attempt_failed(struct attempt *a, struct prng *prng)
{
	assert(attempt_out(a));
	a->id = 0;
	a->not_before =
		a->taken + prng_jitter(prng, first_pause << MIN(a->failures, most_doublings));
	a->failures++;
}
