/*
 * The change of the collective key: two lanes of work, this member's own and the leader's, each with
 * one step at a time.
 */
#include "config.h"

#include "core/rekey.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

static const struct sm_state states[] = {
	[REKEY_IDLE] = {"idle", "there is one collective key, and no change of it is under way",
		{{"a change began", REKEY_DISTRIBUTING}, {"found under way", REKEY_RESEALING},
			{"it was changed while this member was away", REKEY_DROPPING},
			{"there is a newer key, which this member does not have", REKEY_BEHIND}}},
	[REKEY_DISTRIBUTING] = {"distributing",
		"the new key is handed to every member; nothing is sealed with it yet",
		{{"every active member has the new key", REKEY_RESEALING},
			{"completed while this member was away", REKEY_DROPPING},
			{"the change was withdrawn", REKEY_IDLE},
			{"there is a newer key, which this member does not have", REKEY_BEHIND}}},
	[REKEY_RESEALING] = {"resealing",
		"the new key is in use; the leader does what is under the old one anew",
		{{"nothing is under the old key any more", REKEY_DROPPING},
			{"the old key was gone already", REKEY_IDLE},
			{"the next change began", REKEY_DISTRIBUTING},
			{"there is a newer key, which this member does not have", REKEY_BEHIND}}},
	[REKEY_DROPPING] = {"dropping",
		"nothing is under the old key any more; this member forgets it as soon as its "
		"copy of the database is that far",
		{{"the old key is gone", REKEY_IDLE}, {"the next change began", REKEY_DISTRIBUTING},
			{"the next change was found under way", REKEY_RESEALING},
			{"there is a newer key, which this member does not have", REKEY_BEHIND}}},
	[REKEY_BEHIND] = {"behind",
		"the key was changed and this member has not got the new one: it can't open what "
		"is new and writes no secrets",
		{{"all is done, or it was a record of the past", REKEY_IDLE},
			{"it has the key now", REKEY_DROPPING},
			{"it has the key now, a change is under way", REKEY_DISTRIBUTING},
			{"it has the key now, the values are being sealed anew", REKEY_RESEALING}}},
};

const struct sm_machine rekey_machine = {
	.name = "rekey",
	.help = "The change of the collective key (collective rekey).",
	.states = states,
	.count = ARRAY_SIZE(states),
};

static const char *const names[REKEY_STEPS] = {
	[REKEY_SAVE] = "save",
	[REKEY_TELL] = "tell",
	[REKEY_DROP] = "drop",
	[REKEY_WRAP] = "wrap",
	[REKEY_SWITCH] = "switch",
	[REKEY_SIGN] = "sign",
	[REKEY_SEAL] = "seal",
	[REKEY_FINISH] = "finish",
	[REKEY_SWEEP] = "sweep",
	[REKEY_REPAIR] = "repair",
};

const char *rekey_step_name(enum rekey_step step)
{
	return names[step];
}

void rekey_init(struct rekey *r, uint64_t seed, usec_t now, sm_observe_fn *observe, void *arg)
{
	*r = (struct rekey){.last_id = 0};
	sm_init(&r->sm, &rekey_machine, REKEY_IDLE, now, observe, arg);
	r->prng.state = seed;
	attempt_init(&r->own);
	attempt_init(&r->lead);
}

/* ---- the picture ---- */

/* The stage waits for this member: active ones must have the key, the others must find it. */
static bool lacks(const struct rekey_member *m)
{
	return !m->held && (m->active || !m->wrapped);
}

static size_t count(const struct rekey_view *view, bool (*is)(const struct rekey_member *m))
{
	size_t n = 0;

	for (size_t i = 0; i < view->n; i++)
		n += is(&view->members[i]);
	return n;
}

static bool to_wrap(const struct rekey_member *m)
{
	return !m->held && !m->wrapped && m->can_wrap;
}

static bool to_sign(const struct rekey_member *m)
{
	return !m->is_signed;
}

bool rekey_waits_for(const struct rekey_view *view, const struct rekey_member *m)
{
	return !view->behind && view->stage == REKEY_DISTRIBUTE && lacks(m);
}

void rekey_waiting(const struct rekey_view *view, char ret[REKEY_WAITING_MAX])
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < view->n; i++) {
		const struct rekey_member *m = &view->members[i];
		size_t need = strlen(m->name) + 2;

		if (!rekey_waits_for(view, m))
			continue;
		if (len + need + strlen("...") >= REKEY_WAITING_MAX) {
			(void)snprintf(ret + len, REKEY_WAITING_MAX - len, "...");
			return;
		}
		len += (size_t)snprintf(
			ret + len, REKEY_WAITING_MAX - len, "%s%s", len ? ", " : "", m->name);
	}
}

/* ---- where it stands ---- */

static enum rekey_state state_of(const struct rekey_view *view)
{
	if (view->behind)
		return REKEY_BEHIND;
	switch (view->stage) {
	case REKEY_NONE:
		break;
	case REKEY_DISTRIBUTE:
		return REKEY_DISTRIBUTING;
	case REKEY_RESEAL:
		return view->has_new ? REKEY_RESEALING : REKEY_BEHIND;
	case REKEY_DONE:
		if (!view->has_new)
			return REKEY_BEHIND;
		return view->others ? REKEY_DROPPING : REKEY_IDLE;
	}
	return REKEY_IDLE;
}

/* The words of the table's edge. */
static const char *why(enum rekey_state from, enum rekey_state to)
{
	const struct sm_edge *edge = states[from].next;

	while (edge->why && edge->to != (int)to)
		edge++;
	return edge->why ? edge->why : "";
}

static void follow(struct rekey *r, usec_t now, const struct rekey_view *view)
{
	enum rekey_state from = (enum rekey_state)r->sm.state;
	enum rekey_state to = state_of(view);
	char waiting[REKEY_WAITING_MAX];

	if (to != from)
		sm_move(&r->sm, to, now, "%s", why(from, to));
	rekey_waiting(view, waiting);
	if (*waiting)
		sm_trouble(&r->sm, "waiting for %s", waiting);
	else
		sm_trouble(&r->sm, "%s", "");
}

/* ---- what is to be done ---- */

static bool own_step(const struct rekey_view *view, enum rekey_step *ret)
{
	bool goes_on = !view->behind && view->stage != REKEY_NONE && view->has_new;

	if (!view->saved)
		*ret = REKEY_SAVE;
	else if (goes_on && view->live && view->may_write && !view->told)
		*ret = REKEY_TELL;
	else if (goes_on && view->stage == REKEY_DONE && view->others && view->copied)
		*ret = REKEY_DROP;
	else
		return false;
	return true;
}

static bool in_use(enum rekey_stage stage)
{
	return stage == REKEY_DISTRIBUTE || stage == REKEY_RESEAL;
}

static bool lead_step(const struct rekey_view *view, enum rekey_step *ret)
{
	if (view->damaged) {
		*ret = REKEY_REPAIR;
		return view->acting && view->live && view->remembered;
	}
	if (!view->live || !view->has_new || !view->saved)
		return false;
	if (!view->acting) {
		*ret = REKEY_WRAP;
		return view->leader_lacks && view->may_write && in_use(view->stage) &&
		       count(view, to_wrap);
	}
	switch (view->stage) {
	case REKEY_NONE:
		return false;
	case REKEY_DISTRIBUTE:
		*ret = count(view, to_wrap) ? REKEY_WRAP : REKEY_SWITCH;
		return *ret == REKEY_WRAP || !count(view, lacks);
	case REKEY_RESEAL:
		if (count(view, to_wrap))
			*ret = REKEY_WRAP;
		else if (count(view, to_sign))
			*ret = REKEY_SIGN;
		else if (!view->counted || view->old_values)
			*ret = REKEY_SEAL;
		else
			*ret = REKEY_FINISH;
		return true;
	case REKEY_DONE:
		*ret = REKEY_SWEEP;
		return view->rests;
	}
	return false;
}

static void want(
	struct attempt *a, enum rekey_step *step, bool wanted, enum rekey_step is, usec_t now)
{
	if (attempt_out(a))
		return; /* the step under way is the one that its answer is about */
	attempt_drop(a);
	if (!wanted)
		return;
	if (*step != is)
		attempt_init(a); /* a pause was for another step */
	*step = is;
	attempt_want(a, now);
}

void rekey_look(struct rekey *r, usec_t now, const struct rekey_view *view)
{
	enum rekey_step step = REKEY_SAVE;
	bool wanted;

	follow(r, now, view);
	wanted = own_step(view, &step);
	want(&r->own, &r->own_step, wanted, step, now);
	wanted = lead_step(view, &step);
	want(&r->lead, &r->lead_step, wanted, step, now);
}

bool rekey_next(struct rekey *r, usec_t now, enum rekey_step *ret)
{
	bool own = attempt_due(&r->own, now);

	if (!own && !attempt_due(&r->lead, now))
		return false;
	attempt_take(own ? &r->own : &r->lead, ++r->last_id, now);
	*ret = own ? r->own_step : r->lead_step;
	return true;
}

static struct attempt *lane(struct rekey *r, enum rekey_step step)
{
	return step < REKEY_WRAP ? &r->own : &r->lead;
}

void rekey_done(struct rekey *r, enum rekey_step step)
{
	attempt_done(lane(r, step));
}

void rekey_failed(struct rekey *r, enum rekey_step step)
{
	attempt_failed(lane(r, step), &r->prng);
}

usec_t rekey_wakeup(const struct rekey *r)
{
	return usec_min(attempt_wakeup(&r->own), attempt_wakeup(&r->lead));
}
