/*
 * What an agent knows, the picture that its failover core gets of that, and how the core is driven.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "core/roster.h"
#include "tests/sim/failover_world.h"

/* Where wall clocks begin. */
#define WALL_EPOCH (USEC_PER_SEC * 1000000000)

usec_t fagent_now(const struct fworld *f, int agent)
{
	return world_local(f->w, &f->w->agents[agent]);
}

usec_t fagent_wall(const struct fworld *f, int agent)
{
	return WALL_EPOCH + f->w->now + f->agents[agent].skew;
}

/* ---- what the agent knows ---- */

/* When nodes were last moved away from members because they were gone: as it was seen, or, in a
 * listing, by its age. */
static void remember_moves(
	struct fworld *f, int agent, const struct fnote *note, int64_t revision, bool listed)
{
	struct fagent *a = &f->agents[agent];
	usec_t at = fagent_now(f, agent);
	int i;

	if (listed)
		at -= usec_max(fagent_wall(f, agent) - note->at, 0);
	for (i = 0; i < f->w->count + 1; i++) {
		if (!(note->gone & 1U << i))
			continue;
		a->moved_at[i] = usec_max(a->moved_at[i], usec_max(at, 1));
		a->moved_rev[i] = revision;
	}
}

static void follow_feed(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	const struct agent *watch = &f->w->agents[agent];
	bool listed = a->listings != watch->listings;
	const struct fnote *note;

	a->listings = watch->listings;
	for (; a->feed_next < f->note_count; a->feed_next++) {
		note = &f->notes[a->feed_next];
		if (etcd_change(f->w->etcd, a->feed_next)->mod_rev > watch->seen)
			break;
		facts_apply(&a->feed, note);
		if (note->kind == FNOTE_HISTORY)
			remember_moves(f, agent, note,
				etcd_change(f->w->etcd, a->feed_next)->mod_rev, listed);
	}
	if (a->copy_revision < watch->seen && !a->copy_due) {
		a->copy_due = true;
		world_schedule_part(f->w,
			f->w->now + world_random(f->w, 100,
					    f->w->faulty && world_chance(f->w, 3) ? 900000 : 20000),
			STEP_PART_INSIDE, agent, FPART_COPY, NULL);
	}
}

static void follow_copy(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	bool stirred = false;

	a->copy_due = false;
	a->copy_revision = f->w->agents[agent].seen;
	for (; a->copy_next < f->note_count; a->copy_next++) {
		if (etcd_change(f->w->etcd, a->copy_next)->mod_rev > a->copy_revision)
			break;
		facts_apply(&a->copy, &f->notes[a->copy_next]);
		stirred |= f->notes[a->copy_next].of_node;
	}
	if (stirred && f->mutation != FMUTATION_DEAF)
		failover_stir(a->core, fagent_now(f, agent));
}

bool fagent_acting(const struct fworld *f, int agent, struct coord_fence *fence)
{
	coord_fence(f->w->agents[agent].core, fagent_now(f, agent), fence);
	return fence->acting;
}

/* ---- the picture ---- */

static bool is_active(const struct fworld *f, int agent, int member)
{
	const struct roster_member *m =
		roster_find(coord_roster(f->w->agents[agent].core), f->w->agents[member].name);

	return m && m->is_active;
}

/* A different one for each picture of members and orders. */
uint64_t fagent_serial(const struct fworld *f, int agent)
{
	const struct fagent *a = &f->agents[agent];
	uint64_t n = (uint64_t)a->feed.rebalance.create;
	int i;

	if (f->mutation == FMUTATION_STALE)
		return 0;
	for (i = 0; i < f->w->count; i++) {
		n = n * UINT64_C(1000003) + (uint64_t)a->feed.drain[i].mod;
		n = 2 * n + (uint64_t)is_active(f, agent, i);
	}
	return n;
}

struct failover_view fagent_view(const struct fworld *f, int agent)
{
	const struct fagent *a = &f->agents[agent];
	const struct coord *core = f->w->agents[agent].core;
	struct coord_fence fence;
	struct failover_view view = {
		.acting = fagent_acting(f, agent, &fence),
		.live = coord_view_live(core),
		.paused = a->feed.pause.mod && f->mutation != FMUTATION_PAUSED,
		.revision = f->mutation == FMUTATION_OLD_COPY ? INT64_MAX : a->copy_revision,
		.serial = fagent_serial(f, agent),
	};
	struct sm_info info;

	if (f->mutation == FMUTATION_ACTING)
		view.acting =
			coord_info(core, 3, &info) &&
			(strcmp(info.state, "leader") == 0 || strcmp(info.state, "suspended") == 0);
	return view;
}

/* ---- driving ---- */

static void carry_out(struct fworld *f, int agent, const struct failover_action *action)
{
	switch (action->kind) {
	case FAILOVER_PLAN:
		fagent_begin_plan(f, agent);
		break;
	case FAILOVER_ABANDON:
		fagent_abandon(&f->agents[agent]);
		break;
	case FAILOVER_BATCH:
		fagent_send(f, agent, action);
		break;
	}
}

static void set_timer(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	usec_t wake = failover_wakeup(a->core);

	if (wake == USEC_NEVER)
		return;
	wake = world_true_time(f->w, &f->w->agents[agent], wake) +
	       world_random(f->w, 0, USEC_PER_MSEC);
	if (a->wake && a->wake <= wake)
		return;
	a->wake = wake;
	world_schedule_part(f->w, wake, STEP_PART_INSIDE, agent, FPART_WAKE, NULL);
}

static void drive(struct fworld *f, int agent)
{
	struct fagent *a = &f->agents[agent];
	struct failover_view view = fagent_view(f, agent);
	struct failover_action action;
	unsigned n;

	failover_look(a->core, fagent_now(f, agent), &view);
	for (n = 0; failover_next(a->core, fagent_now(f, agent), &action); n++) {
		if (n > 200) {
			world_fail(f->w, "%s has no end of work on managers",
				f->w->agents[agent].instance);
			return;
		}
		carry_out(f, agent, &action);
	}
	for (n = 0; !view.acting && f->gives_up && n < FAILOVER_LANES; n++)
		slot_give_up(f, agent, n);
	set_timer(f, agent);
}

static void after(struct world *w, int agent)
{
	struct fworld *f = fworld_of(w);

	facts_note(f);
	fcheck_step(f);
	follow_feed(f, agent);
	drive(f, agent);
}

static void observe(void *arg, const struct sm *sm, int from)
{
	struct fworld *f = arg;

	f->tally->states[from][sm->state]++;
	world_say(f->w, -1, "* failover: %s -> %s (%s)", sm->machine->states[from].name,
		sm_name(sm), sm->reason);
}

static void start(struct world *w, int agent)
{
	struct fworld *f = fworld_of(w);
	struct fagent *a = &f->agents[agent];
	unsigned i;

	*a = (struct fagent){.plan = a->plan + 1};
	a->skew = world_random(w, 0, 2 * USEC_PER_SEC) - USEC_PER_SEC;
	a->listings = w->agents[agent].listings;
	a->core = failover_new(prng_next(&w->prng), fagent_now(f, agent), observe, f);
	for (i = 0; i < FAILOVER_LANES; i++)
		a->slots[i].mod = -1;
}

static void stop(struct world *w, int agent)
{
	struct fagent *a = &fworld_of(w)->agents[agent];

	fagent_abandon(a);
	failover_free(a->core);
	a->core = NULL;
}

static void step(struct world *w, int agent, int part, void *what)
{
	struct fworld *f = fworld_of(w);

	switch ((enum fpart)part) {
	case FPART_ADMIN:
		admin_step(f);
		facts_note(f);
		fcheck_step(f);
		break;
	case FPART_COPY:
		follow_copy(f, agent);
		break;
	case FPART_WAKE:
		f->agents[agent].wake = 0;
		break;
	case FPART_PLAN:
		fagent_end_plan(f, agent, (uint64_t)(uintptr_t)what);
		break;
	case FPART_SLOT:
	case FPART_ARRIVE:
	case FPART_ANSWER:
	case FPART_TIMEOUT:
		slot_step(f, agent, (enum fpart)part, what);
		break;
	}
}

const struct world_part failover_part = {
	.start = start, .stop = stop, .step = step, .after = after};
