#include "config.h"
#include "log/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "io/loop.h"

struct report {
	struct loop *loop;
	const char *module;
	usec_t period;
	usec_t until; /* end of the present period */
	unsigned told, left_out;
	struct loop_timer *timer;
	char *pending; /* held back; NULL: none */
	bool bad;
};

static void tell(struct report *r, bool bad, const char *text)
{
	char more[64] = "";

	if (r->left_out)
		snprintf(
			more, sizeof(more), " (%u changes before that were left out)", r->left_out);
	r->left_out = 0;
	r->told++;
	log_line(bad ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, r->module, "%s%s", text, more);
}

static void begin_period(struct report *r)
{
	r->until = usec_add(loop_now(r->loop), r->period);
	r->told = 0;
}

static void on_timer(void *arg)
{
	struct report *r = arg;
	CLEANUP(freep) char *text = TAKE(r->pending);

	begin_period(r);
	if (text)
		tell(r, r->bad, text);
}

struct report *report_new(struct loop *loop, const char *module, usec_t period)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->module = module;
	r->period = period ? period : REPORT_PERIOD;
	r->timer = loop_timer_new(loop, "report", on_timer, r);
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	loop_timer_free(r->timer);
	free(r->pending);
	free(r);
}

void report_change(struct report *r, bool bad, const char *text)
{
	if (!r->pending && loop_now(r->loop) >= r->until)
		begin_period(r);
	if (!r->pending && r->told < REPORT_BURST) {
		tell(r, bad, text);
		return;
	}
	if (r->pending)
		r->left_out++;
	free(r->pending);
	r->pending = xstrdup(text);
	r->bad = bad;
	loop_timer_at(r->timer, r->until);
}
