/*
 * Each attempt is a call of its own (call.c) that goes to one endpoint and is not repeated; a timer
 * begins the next one. The one exit is finish().
 */
#include "config.h"
#include "etcd/hedge.h"

#include <stdlib.h>

#include "base/macros.h"
#include "base/mem.h"
#include "etcd/client_private.h"
#include "io/loop.h"

struct attempt {
	struct etcd_hedge *hedge;
	struct etcd_call *call; /* NULL: ended */
};

struct etcd_hedge {
	struct etcd *etcd;
	int64_t lease;
	usec_t deadline;
	usec_t pause;
	char *lane;
	struct loop_timer *timer;
	struct attempt attempts[ETCD_HEDGE_MAX];
	size_t begun;
	size_t open;
	bool unknown; /* one that has ended may have been applied */
	etcd_done_fn *done;
	void *arg;
};

void etcd_hedge_cancel(struct etcd_hedge *hedge)
{
	if (!hedge)
		return;
	for (size_t i = 0; i < hedge->begun; i++)
		etcd_cancel(hedge->attempts[i].call);
	loop_timer_free(hedge->timer);
	free(hedge->lane);
	free(hedge);
}

/* Who has said nothing for a pause, and is not who answered in the end. An attempt that is cancelled can't
 * show any more that its endpoint has failed, and others (a watch) have to know. */
static void doubt_the_silent(const struct etcd_hedge *hedge)
{
	struct etcd *etcd = hedge->etcd;
	unsigned silent = 0;

	for (size_t i = 0; i + 1 < hedge->begun; i++) {
		if (hedge->attempts[i].call)
			silent |= etcd_call_endpoint(hedge->attempts[i].call);
	}
	silent &= ~(1U << etcd->current);
	for (size_t i = 0; i < etcd->n; i++) {
		if (silent & 1U << i)
			etcd_session_doubt(&etcd->endpoints[i]);
	}
}

static void finish(struct etcd_hedge *hedge, const struct etcd_result *result)
{
	struct etcd_result whole = *result;
	etcd_done_fn *done = hedge->done;
	void *arg = hedge->arg;

	if (whole.outcome == ETCD_REFUSED && hedge->unknown)
		whole.outcome = ETCD_UNKNOWN;
	if (whole.outcome == ETCD_OK)
		doubt_the_silent(hedge);
	etcd_hedge_cancel(hedge);
	done(&whole, arg);
}

static void on_attempt(const struct etcd_result *result, void *arg)
{
	struct attempt *attempt = arg;
	struct etcd_hedge *hedge = attempt->hedge;

	attempt->call = NULL;
	hedge->open--;
	hedge->unknown |= result->outcome == ETCD_UNKNOWN;
	if (result->outcome == ETCD_OK || result->outcome == ETCD_NOT_FOUND || !hedge->open)
		finish(hedge, result);
}

/* The endpoints of attempts under way; none where that would leave none to choose from. */
static unsigned taken(const struct etcd_hedge *hedge)
{
	unsigned bits = 0;

	for (size_t i = 0; i < hedge->begun; i++) {
		if (hedge->attempts[i].call)
			bits |= etcd_call_endpoint(hedge->attempts[i].call);
	}
	return bits == (1U << hedge->etcd->n) - 1 ? 0 : bits;
}

static void begin(void *arg)
{
	struct etcd_hedge *hedge = arg;
	usec_t now = loop_now(hedge->etcd->loop);
	struct attempt *attempt = &hedge->attempts[hedge->begun];
	struct etcd_call_options options = {
		.timeout = hedge->deadline - now,
		.attempt = hedge->deadline - now,
		.retry = ETCD_RETRY_NEVER,
		.lane = hedge->lane,
		.hedged = true,
		.avoid = taken(hedge),
	};

	if (now >= hedge->deadline)
		return;
	attempt->hedge = hedge;
	attempt->call = etcd_keepalive(hedge->etcd, hedge->lease, &options, on_attempt, attempt);
	hedge->open++;
	if (++hedge->begun < ETCD_HEDGE_MAX)
		loop_timer_after(hedge->timer, hedge->pause);
}

struct etcd_hedge *etcd_hedge_keepalive(struct etcd *etcd, int64_t lease,
	const struct etcd_hedge_options *options, etcd_done_fn *done, void *arg)
{
	struct etcd_hedge *hedge = xcalloc(1, sizeof(*hedge));

	hedge->etcd = etcd;
	hedge->lease = lease;
	hedge->deadline = usec_add(loop_now(etcd->loop), options->timeout);
	hedge->pause = options->pause;
	hedge->lane = xstrdup_null(options->lane);
	hedge->done = done;
	hedge->arg = arg;
	hedge->timer = loop_timer_new(etcd->loop, "etcd hedge", begin, hedge);
	begin(hedge);
	return hedge;
}
