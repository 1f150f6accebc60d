/*
 * One piece of work at a time: a plan, then its moves, until the last batch has ended; it is one attempt
 * (core/attempt.h), so there is never a plan while something is under way, and a pause comes after one
 * that did nothing. What has not been sent is given up whenever what it was decided on changes;
 * what has been sent is waited for, whatever the state is meanwhile.
 *
 * A plan because nodes have changed, and for no other reason, leaves the state as it is while it is
 * made: nodes change all the time.
 */
#include "config.h"

#include "core/failover.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "core/attempt.h"
#include "core/prng.h"

/* Plans that only nodes are a reason for take one part in so many of the time, at most. */
#define STIR_SHARE 10

struct lane {
	bool busy;
	size_t first, n;
};

struct failover {
	struct sm sm;
	struct prng prng;
	struct failover_view view;

	/* the work: out from the plan's beginning to its last batch's end */
	struct attempt work;
	uint64_t last_id;
	bool planning, abandon;
	bool stirred;
	usec_t stir_after; /* the next plan for that alone */
	usec_t wake_at;	   /* as the last plan said */
	int64_t need;	   /* the copy must have this revision before the next plan */
	bool told_need;	   /* the trouble says so */

	struct planner_move *moves;
	size_t n, next;		 /* next: the first one that is not sent or given up */
	size_t applied, refused; /* moves; batches that came to nothing */
	bool failed;		 /* etcd's fault: a pause before the next plan */
	bool given_up;		 /* what was not sent */
	bool one_lane;
	struct lane lanes[FAILOVER_LANES];
	int unsent; /* lane that has a batch that was not told of as sent; -1 */
	size_t batch;
};

struct failover *failover_new(uint64_t seed, usec_t now, sm_observe_fn *observe, void *arg)
{
	struct failover *f = xcalloc(1, sizeof(*f));

	sm_init(&f->sm, &failover_machine, FAILOVER_FOLLOWING, now, observe, arg);
	f->prng.state = seed;
	attempt_init(&f->work);
	f->wake_at = USEC_NEVER;
	f->unsent = -1;
	f->batch = FAILOVER_BATCH_MAX;
	return f;
}

void failover_free(struct failover *f)
{
	if (!f)
		return;
	free(f->moves);
	free(f);
}

/* ---- how things are ---- */

static bool is_open(const struct failover *f)
{
	return f->sm.state >= FAILOVER_WATCHING;
}

static unsigned busy(const struct failover *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAILOVER_LANES; i++)
		n += f->lanes[i].busy;
	return n;
}

static bool at_rest(const struct failover *f)
{
	return f->sm.state == FAILOVER_WATCHING || f->sm.state == FAILOVER_WAITING;
}

/* When there is to be another plan, as far as it is a matter of time. */
static usec_t due_at(const struct failover *f)
{
	usec_t due = usec_min(f->work.due, f->wake_at);

	return due == USEC_NEVER ? due : usec_max(due, f->work.not_before);
}

/* The same for no other reason than that nodes have changed. */
static usec_t stir_due_at(const struct failover *f)
{
	return f->stirred ? usec_max(f->stir_after, f->work.not_before) : USEC_NEVER;
}

static bool may_plan(const struct failover *f)
{
	return is_open(f) && !attempt_out(&f->work) && f->view.revision >= f->need;
}

usec_t failover_wakeup(const struct failover *f)
{
	return may_plan(f) ? usec_min(due_at(f), stir_due_at(f)) : USEC_NEVER;
}

void failover_info(const struct failover *f, struct sm_info *ret)
{
	sm_tell(&f->sm, failover_wakeup(f), ret);
}

void failover_progress(const struct failover *f, size_t *ret_done, size_t *ret_all)
{
	bool moving = attempt_out(&f->work) && !f->planning;

	*ret_done = moving ? f->applied : 0;
	*ret_all = moving ? f->n : 0;
}

static void tell_need(struct failover *f)
{
	bool lags = is_open(f) && !attempt_out(&f->work) && f->view.revision < f->need;

	if (lags)
		sm_trouble(&f->sm,
			"waiting for the copy of the database to reach revision %" PRId64, f->need);
	else if (f->told_need)
		sm_trouble(&f->sm, "%s", "");
	f->told_need = lags;
}

/* ---- the end of a piece of work ---- */

static void move_to(struct failover *f, enum failover_state to, usec_t now)
{
	char all[SM_REASON_MAX], pause[NUM_DURATION_MAX];

	if (f->sm.state != FAILOVER_MOVING)
		return;
	(void)snprintf(all, sizeof(all), "%zu of %zu nodes moved", f->applied, f->n);
	if (to == FAILOVER_PLANNING) {
		sm_move(&f->sm, to, now, "%s", all);
		return;
	}
	sm_move(&f->sm, to, now, "%s; again in %s", all,
		num_format_duration(usec_max(f->work.not_before - now, 0), pause));
}

/* Once all that was sent has ended, and nothing is left to be sent. */
static void end_moves(struct failover *f, usec_t now, const char *why)
{
	bool nothing = f->failed || (!f->applied && f->refused);

	if (f->planning || !attempt_out(&f->work) || f->next < f->n || busy(f))
		return;
	if (nothing)
		attempt_failed(&f->work, &f->prng);
	else
		attempt_done(&f->work);
	attempt_want(&f->work, now);
	move_to(f, nothing && f->work.not_before > now ? FAILOVER_WAITING : FAILOVER_PLANNING, now);
	if (why && *why)
		sm_trouble(&f->sm, "%s", why);
	tell_need(f);
}

static void drop_unsent(struct failover *f)
{
	f->next = f->n;
	f->given_up = true;
}

static void give_up(struct failover *f, usec_t now)
{
	drop_unsent(f);
	f->abandon |= f->planning;
	end_moves(f, now, NULL);
}

/* ---- the view ---- */

static enum failover_state state_of(const struct failover_view *view)
{
	if (!view->acting)
		return FAILOVER_FOLLOWING;
	if (!view->live)
		return FAILOVER_BLIND;
	return view->paused ? FAILOVER_PAUSED : FAILOVER_PLANNING;
}

/* The words of the table's edge. */
static const char *words(const struct failover *f, enum failover_state to)
{
	const struct sm_edge *edge = failover_machine.states[f->sm.state].next;

	while (edge->why && edge->to != (int)to)
		edge++;
	return edge->why ? edge->why : "";
}

static void close_to(struct failover *f, usec_t now, enum failover_state to)
{
	if (f->sm.state == FAILOVER_MOVING)
		sm_move(&f->sm, to, now, "%s (%zu of %zu nodes moved)", words(f, to), f->applied,
			f->n);
	else if (f->sm.state != (int)to)
		sm_move(&f->sm, to, now, "%s", words(f, to));
	give_up(f, now);
	attempt_drop(&f->work);
}

void failover_look(struct failover *f, usec_t now, const struct failover_view *view)
{
	enum failover_state to = state_of(view);
	bool changed = view->serial != f->view.serial;

	f->view = *view;
	if (to != FAILOVER_PLANNING) {
		close_to(f, now, to);
		return;
	}
	if (!is_open(f) || changed) {
		attempt_want(&f->work, now);
		give_up(f, now);
		if (!is_open(f) || at_rest(f))
			sm_move(&f->sm, FAILOVER_PLANNING, now, "%s", words(f, FAILOVER_PLANNING));
	}
	tell_need(f);
}

void failover_stir(struct failover *f, usec_t now)
{
	(void)now;
	f->stirred = true;
}

/* ---- plans ---- */

static void begin_plan(struct failover *f, usec_t now)
{
	bool quietly = at_rest(f) && due_at(f) > now;

	attempt_take(&f->work, ++f->last_id, now);
	f->planning = true;
	f->stirred = false;
	f->n = f->next = f->applied = f->refused = 0;
	f->failed = f->given_up = false;
	if (at_rest(f) && !quietly)
		sm_move(&f->sm, FAILOVER_PLANNING, now, "%s", words(f, FAILOVER_PLANNING));
}

static void nothing_to_move(struct failover *f, usec_t now)
{
	char pause[NUM_DURATION_MAX];

	attempt_done(&f->work);
	if (f->wake_at == USEC_NEVER && f->sm.state != FAILOVER_WATCHING)
		sm_move(&f->sm, FAILOVER_WATCHING, now, "nothing is to move");
	else if (f->wake_at != USEC_NEVER && f->sm.state != FAILOVER_WAITING)
		sm_move(&f->sm, FAILOVER_WAITING, now, "nodes are to move in %s",
			num_format_duration(usec_max(f->wake_at - now, 0), pause));
}

void failover_planned(struct failover *f, usec_t now, const struct failover_plan *plan)
{
	bool stale;

	if (!f->planning)
		return;
	stale = f->abandon || !is_open(f) || plan->serial != f->view.serial ||
		plan->revision < f->need;
	f->stir_after = usec_add(now, (now - f->work.taken) * STIR_SHARE);
	f->planning = f->abandon = false;
	if (stale) {
		attempt_failed(&f->work, &f->prng);
		if (is_open(f))
			attempt_want(&f->work, now);
		return;
	}
	f->wake_at = plan->wakeup;
	if (plan->n == 0) {
		nothing_to_move(f, now);
		return;
	}
	free(f->moves);
	f->moves = xmemdup(plan->moves, plan->n * sizeof(*plan->moves));
	f->n = plan->n;
	f->one_lane = plan->one_lane;
	sm_move(&f->sm, FAILOVER_MOVING, now, "%zu node%s to move", plan->n,
		plan->n == 1 ? "" : "s");
}

/* ---- batches ---- */

static bool next_batch(struct failover *f, struct failover_action *ret)
{
	unsigned lanes = f->one_lane ? 1 : FAILOVER_LANES;
	unsigned i = 0;

	if (f->sm.state != FAILOVER_MOVING || f->unsent >= 0 || f->next == f->n)
		return false;
	while (i < lanes && f->lanes[i].busy)
		i++;
	if (i == lanes)
		return false;
	f->lanes[i] = (struct lane){true, f->next, MIN(f->batch, f->n - f->next)};
	f->next += f->lanes[i].n;
	f->unsent = (int)i;
	*ret = (struct failover_action){
		FAILOVER_BATCH, i, f->moves + f->lanes[i].first, f->lanes[i].n};
	return true;
}

bool failover_next(struct failover *f, usec_t now, struct failover_action *ret)
{
	if (f->abandon) {
		f->abandon = f->planning = false;
		attempt_done(&f->work);
		*ret = (struct failover_action){.kind = FAILOVER_ABANDON};
		return true;
	}
	if (failover_wakeup(f) <= now) {
		begin_plan(f, now);
		*ret = (struct failover_action){.kind = FAILOVER_PLAN};
		return true;
	}
	return next_batch(f, ret);
}

void failover_sent(struct failover *f, usec_t now, unsigned lane, size_t n)
{
	struct lane *l = &f->lanes[lane];

	assert(f->unsent == (int)lane && n <= l->n);
	f->unsent = -1;
	if (n == l->n)
		return;
	/* it is the last one taken: what comes again follows it */
	if (!f->given_up)
		f->next = l->first + (n ? n : 1);
	l->n = n;
	if (n > 0)
		return;
	l->busy = false;
	f->refused++;
	end_moves(f, now, NULL);
}

void failover_ended(struct failover *f, usec_t now, unsigned lane, enum failover_end end,
	int64_t revision, const char *why)
{
	struct lane *l = &f->lanes[lane];

	assert(l->busy && f->unsent != (int)lane);
	l->busy = false;
	if (revision > f->need)
		f->need = revision;
	switch (end) {
	case FAILOVER_APPLIED:
		f->applied += l->n;
		f->batch = MIN(f->batch * 2, (size_t)FAILOVER_BATCH_MAX);
		break;
	case FAILOVER_CONFLICT:
		f->refused++;
		f->batch = MAX(f->batch / 2, (size_t)1);
		break;
	case FAILOVER_REFUSED:
	case FAILOVER_UNKNOWN:
		f->failed = true;
		drop_unsent(f);
		break;
	}
	if (end != FAILOVER_APPLIED && is_open(f))
		sm_trouble(&f->sm, "%s", why ? why : "");
	end_moves(f, now, end == FAILOVER_APPLIED ? NULL : why);
}
