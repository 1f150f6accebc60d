/*
 * This member's part in leadership.
 *
 * Happy path: no leader key, a small random delay, CAMPAIGN, leader; PULSE every 15 s; RESIGN when
 * asked to. Failure modes: the outcome of the campaign unknown (confirming: a read decides); the
 * lease no longer valid by the local clock (suspended, then confirming once it is valid again); the
 * key gone or created anew by somebody else (follower); the key overwritten by hand (confirming and
 * REPAIR); a key without a lease (core/stray.h).
 */
#include "config.h"

#include "core/leader.h"

#include <stddef.h>

#include "base/macros.h"
#include "base/text.h"

#define DELAY_MAX (100 * USEC_PER_MSEC)

void leader_init(struct leader *l, usec_t pulse_every, struct prng *prng, usec_t now,
	sm_observe_fn *observe, void *arg)
{
	*l = (struct leader){.prng = prng, .pulse_every = pulse_every};
	attempt_init(&l->campaign);
	attempt_init(&l->resign);
	attempt_init(&l->repair);
	stray_init(&l->stray, prng);
	attempt_init(&l->pulse);
	sm_init(&l->sm, &leader_machine, LEADER_FOLLOWER, now, observe, arg);
}

bool leader_acting(const struct leader *l, const struct lease *lease, usec_t now)
{
	return l->sm.state == LEADER_LEADER && l->fence_lease == lease->id &&
	       lease_valid(lease, now);
}

static bool on_hold(const struct leader *l, usec_t now, const struct leader_view *v)
{
	return now < l->hold_until && leader_view_others(v);
}

/* Whether this member is to lead if it can. */
static bool wanted(const struct leader *l, usec_t now, const struct leader_view *v)
{
	const struct roster_member *self = leader_view_self(v);

	return v->wanted && !l->stopping && self && self->voting && !on_hold(l, now, v);
}

static bool may_campaign(const struct leader *l, usec_t now, const struct leader_view *v)
{
	return wanted(l, now, v) && v->registered && lease_valid(v->lease, now);
}

static void to_follower(struct leader *l, usec_t now, const struct leader_view *v, const char *why)
{
	const struct roster_key *key = leader_view_key(v);
	bool other = key->present && !text_eq(key->value, v->name);

	l->fence = 0;
	l->fence_lease = 0;
	attempt_drop(&l->campaign);
	attempt_drop(&l->resign);
	attempt_drop(&l->repair);
	attempt_drop(&l->pulse);
	sm_move(&l->sm, LEADER_FOLLOWER, now, "%s%s%s", why, other ? "; the leader is " : "",
		other ? key->value : "");
}

static void to_confirming(struct leader *l, usec_t now, const char *why)
{
	attempt_drop(&l->pulse);
	l->confirm_since = now;
	l->confirmed = false;
	sm_move(&l->sm, LEADER_CONFIRMING, now, "%s", why);
}

static void to_suspended(struct leader *l, usec_t now)
{
	attempt_drop(&l->pulse);
	attempt_drop(&l->repair);
	sm_move(&l->sm, LEADER_SUSPENDED, now, "the lease is not valid any more");
}

static const char *why_resign(const struct leader *l, usec_t now, const struct leader_view *v)
{
	if (l->stopping)
		return "the agent ends";
	if (on_hold(l, now, v))
		return "asked to";
	return v->wanted ? "this member has no vote" : "this member is not registered any more";
}

static void to_resigning(struct leader *l, usec_t now, const struct leader_view *v)
{
	attempt_drop(&l->pulse);
	attempt_drop(&l->repair);
	attempt_want(&l->resign, now);
	sm_move(&l->sm, LEADER_RESIGNING, now, "%s", why_resign(l, now, v));
}

/* The key is ours, by the answer to a request of our own. */
static void won(struct leader *l, usec_t now, const struct leader_view *v, const char *why)
{
	l->fence = leader_view_key(v)->create_rev;
	l->fence_lease = v->lease->id;
	if (!lease_valid(v->lease, now)) {
		to_suspended(l, now);
	} else if (!wanted(l, now, v)) {
		to_resigning(l, now, v);
	} else {
		attempt_want(&l->pulse, now);
		sm_move(&l->sm, LEADER_LEADER, now, "%s at revision %lld", why,
			(long long)l->fence);
	}
}

/* follower, waiting: a key of our own has turned up (a campaign that was given up, or an earlier
 * run's under the lease that we adopted). */
static bool found_ours(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (!leader_view_ours(v) || !lease_valid(v->lease, now) || !v->decided)
		return false;
	if (wanted(l, now, v)) {
		if (!v->registered)
			return false;
		attempt_drop(&l->campaign);
		to_confirming(l, now, "a leader key of our own is there");
	} else {
		attempt_drop(&l->campaign);
		l->fence = leader_view_key(v)->create_rev;
		l->fence_lease = v->lease->id;
		to_resigning(l, now, v);
	}
	return true;
}

static bool step_follower(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (found_ours(l, now, v))
		return true;
	if (leader_view_key(v)->present || !may_campaign(l, now, v))
		return false;
	attempt_want(&l->campaign,
		now + (leader_view_others(v) ? (usec_t)prng_below(l->prng, DELAY_MAX) : 0));
	sm_move(&l->sm, LEADER_WAITING, now, "there is no leader");
	return true;
}

static bool step_waiting(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (found_ours(l, now, v))
		return true;
	if (leader_view_key(v)->present || !may_campaign(l, now, v)) {
		to_follower(l, now, v,
			leader_view_key(v)->present ? "somebody leads" : "may not lead at present");
		return true;
	}
	if (!attempt_due(&l->campaign, now))
		return false;
	sm_move(&l->sm, LEADER_CAMPAIGNING, now, "nobody leads");
	return true;
}

static bool step_campaigning(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (attempt_out(&l->campaign))
		return false;
	if (found_ours(l, now, v))
		return true;
	if (!leader_view_key(v)->present && may_campaign(l, now, v))
		return false;
	to_follower(l, now, v,
		leader_view_key(v)->present ? "somebody leads" : "may not lead at present");
	return true;
}

static bool step_leader(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (l->fence_lease != v->lease->id) {
		to_follower(l, now, v, "the lease was lost");
	} else if (!leader_view_created(v, l->fence)) {
		to_follower(l, now, v,
			leader_view_key(v)->present ? "the leader key was created anew"
						    : "the leader key was deleted");
	} else if (!lease_valid(v->lease, now)) {
		to_suspended(l, now);
	} else if (!wanted(l, now, v)) {
		to_resigning(l, now, v);
	} else if (!leader_view_ours(v)) {
		to_confirming(l, now, "the leader key was overwritten by hand");
	} else {
		return false;
	}
	return true;
}

static bool step_suspended(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (l->fence_lease != v->lease->id)
		to_follower(l, now, v, "the lease was lost");
	else if (!leader_view_created(v, l->fence))
		to_follower(l, now, v, "the leader key is gone");
	else if (!wanted(l, now, v))
		to_resigning(l, now, v);
	else if (lease_valid(v->lease, now))
		to_confirming(l, now, "the lease is valid again");
	else
		return false;
	return true;
}

static bool step_confirming(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (v->lease->id == 0 || (l->fence && l->fence_lease != v->lease->id)) {
		to_follower(l, now, v, "the lease was lost");
	} else if (l->fence && !leader_view_created(v, l->fence) && !leader_view_ours(v)) {
		to_follower(l, now, v, "the leader key is gone");
	} else if (l->fence && !wanted(l, now, v)) {
		to_resigning(l, now, v);
	} else if (!lease_valid(v->lease, now)) {
		if (l->fence)
			to_suspended(l, now);
		else
			to_follower(l, now, v, "the lease is not valid any more");
	} else {
		if (l->confirmed && leader_view_created(v, l->fence) && !leader_view_ours(v))
			attempt_want(&l->repair, now);
		return false;
	}
	return true;
}

static bool step_resigning(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (l->fence_lease != v->lease->id)
		to_follower(l, now, v, "the lease was lost");
	else if (!leader_view_created(v, l->fence))
		to_follower(l, now, v, "resigned");
	else
		return false;
	return true;
}

bool leader_step(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (now >= l->hold_until)
		l->hold_until = 0;
	stray_step(&l->stray, now, leader_view_key(v),
		leader_view_stray(v) && v->registered && !l->stopping && lease_valid(v->lease, now),
		v->lease->ttl * USEC_PER_SEC / 3);
	switch ((enum leader_state)l->sm.state) {
	case LEADER_FOLLOWER:
		return step_follower(l, now, v);
	case LEADER_WAITING:
		return step_waiting(l, now, v);
	case LEADER_CAMPAIGNING:
		return step_campaigning(l, now, v);
	case LEADER_LEADER:
		return step_leader(l, now, v);
	case LEADER_SUSPENDED:
		return step_suspended(l, now, v);
	case LEADER_CONFIRMING:
		return step_confirming(l, now, v);
	case LEADER_RESIGNING:
		return step_resigning(l, now, v);
	}
	return false;
}

void leader_resign(struct leader *l, usec_t now, const struct leader_view *v)
{
	if (l->sm.state == LEADER_FOLLOWER || !leader_view_others(v))
		return;
	l->hold_until = now + v->lease->ttl * USEC_PER_SEC;
}

void leader_stop(struct leader *l)
{
	l->stopping = true;
	stray_drop(&l->stray);
}

usec_t leader_wants_read(const struct leader *l)
{
	return l->sm.state == LEADER_CONFIRMING && !l->confirmed ? l->confirm_since : USEC_NEVER;
}

void leader_read(struct leader *l, usec_t now, usec_t taken, const struct leader_view *v)
{
	if (l->sm.state != LEADER_CONFIRMING || taken < l->confirm_since)
		return;
	if (v->lease->id == 0 || (l->fence && l->fence_lease != v->lease->id))
		return;
	if (leader_view_ours(v))
		won(l, now, v, "confirmed: elected");
	else if (l->fence && leader_view_created(v, l->fence))
		l->confirmed = true;
	else
		to_follower(l, now, v, "a read shows that it does not lead");
}

static bool next_attempt(struct leader *l, usec_t now, uint64_t id, struct action *ret)
{
	static const struct {
		enum action_kind kind;
		size_t attempt;
	} kinds[] = {
		{ACTION_RESIGN, offsetof(struct leader, resign)},
		{ACTION_CAMPAIGN, offsetof(struct leader, campaign)},
		{ACTION_REPAIR, offsetof(struct leader, repair)},
		{ACTION_CLEAR, offsetof(struct leader, stray.clear)},
		{ACTION_PULSE, offsetof(struct leader, pulse)},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct attempt *a = (struct attempt *)(void *)((char *)l + kinds[i].attempt);

		if (!attempt_due(a, now))
			continue;
		if (kinds[i].kind == ACTION_CAMPAIGN && l->sm.state != LEADER_CAMPAIGNING)
			continue;
		attempt_take(a, id, now);
		*ret = (struct action){.kind = kinds[i].kind, .id = id};
		return true;
	}
	return false;
}

bool leader_next(
	struct leader *l, usec_t now, uint64_t id, const struct leader_view *v, struct action *ret)
{
	const struct roster_member *self = leader_view_self(v);

	if (!next_attempt(l, now, id, ret))
		return false;
	if (self && ret->kind != ACTION_RESIGN)
		ret->record_rev = self->mod_rev;
	if (self && ret->kind != ACTION_CLEAR)
		ret->active_rev = self->active.mod_rev;
	ret->leader_rev = l->fence;
	switch (ret->kind) {
	case ACTION_CAMPAIGN:
		ret->lease = l->campaign_lease = v->lease->id;
		ret->leader_rev = 0;
		break;
	case ACTION_REPAIR:
		ret->lease = l->repair_lease = v->lease->id;
		l->repair_rev = l->fence;
		break;
	case ACTION_CLEAR:
		ret->leader_rev = l->stray.rev;
		break;
	case ACTION_PULSE:
		ret->lease = v->lease->id;
		break;
	default:
		break;
	}
	return true;
}

static const char *text_of(const struct reply *reply)
{
	if (reply->outcome == OUTCOME_REFUSED)
		return "the keys have changed meanwhile";
	return reply->text ? reply->text : "no usable answer";
}

static void on_campaign(
	struct leader *l, usec_t now, const struct reply *reply, const struct leader_view *v)
{
	if (reply->outcome == OUTCOME_OK) {
		attempt_done(&l->campaign);
		leader_view_put(v, reply->revision, reply->revision, l->campaign_lease);
	} else {
		attempt_failed(&l->campaign, l->prng);
	}
	if (reply->outcome == OUTCOME_NOT_FOUND)
		lease_not_found(v->lease, l->campaign_lease, now);
	if (l->sm.state != LEADER_CAMPAIGNING)
		return;
	if (leader_view_ours(v)) {
		won(l, now, v, "elected");
	} else if (reply->outcome == OUTCOME_UNKNOWN) {
		to_confirming(l, now, "the outcome of the campaign is not known");
	} else if (leader_view_key(v)->present || !may_campaign(l, now, v)) {
		to_follower(l, now, v,
			leader_view_key(v)->present ? "somebody else won"
						    : "may not lead at present");
	} else {
		attempt_want(&l->campaign, now);
		sm_trouble(&l->sm, "campaign: %s", text_of(reply));
	}
}

static void on_repair(
	struct leader *l, usec_t now, const struct reply *reply, const struct leader_view *v)
{
	if (reply->outcome == OUTCOME_OK) {
		attempt_done(&l->repair);
		leader_view_put(v, l->repair_rev, reply->revision, l->repair_lease);
	} else {
		attempt_failed(&l->repair, l->prng);
	}
	if (reply->outcome == OUTCOME_NOT_FOUND)
		lease_not_found(v->lease, l->repair_lease, now);
	if (l->sm.state != LEADER_CONFIRMING)
		return;
	if (reply->outcome == OUTCOME_OK && leader_view_ours(v) && l->fence_lease == v->lease->id) {
		won(l, now, v, "repaired: elected");
		return;
	}
	l->confirmed = false;
	l->confirm_since = now;
	sm_trouble(&l->sm, "repair: %s", text_of(reply));
}

static void on_resign(struct leader *l, const struct reply *reply, const struct leader_view *v)
{
	if (reply->outcome == OUTCOME_OK) {
		attempt_done(&l->resign);
		leader_view_delete(v, reply->revision);
		return;
	}
	attempt_failed(&l->resign, l->prng);
	if (l->sm.state != LEADER_RESIGNING)
		return;
	attempt_want(&l->resign, 0);
	sm_trouble(&l->sm, "resign: %s", text_of(reply));
}

static void on_pulse(struct leader *l, usec_t now, const struct reply *reply)
{
	bool again = reply->outcome == OUTCOME_UNKNOWN || reply->outcome == OUTCOME_REFUSED;
	usec_t next = l->pulse.taken + l->pulse_every;

	if (reply->outcome == OUTCOME_OK)
		attempt_done(&l->pulse);
	else
		attempt_failed(&l->pulse, l->prng);
	if (l->sm.state != LEADER_LEADER)
		return;
	attempt_want(&l->pulse, again ? now : next);
	sm_trouble(&l->sm, "%s%s", reply->outcome == OUTCOME_OK ? "" : "pulse: ",
		reply->outcome == OUTCOME_OK ? "" : text_of(reply));
}

bool leader_reply(
	struct leader *l, usec_t now, const struct reply *reply, const struct leader_view *v)
{
	if (reply->id == l->campaign.id) {
		on_campaign(l, now, reply, v);
	} else if (reply->id == l->repair.id) {
		on_repair(l, now, reply, v);
	} else if (reply->id == l->resign.id) {
		on_resign(l, reply, v);
	} else if (reply->id == l->pulse.id) {
		on_pulse(l, now, reply);
	} else if (reply->id == l->stray.clear.id) {
		stray_reply(&l->stray, reply, v->roster);
	} else {
		return false;
	}
	return true;
}

bool leader_idle(const struct leader *l)
{
	return l->sm.state == LEADER_FOLLOWER && !attempt_out(&l->campaign);
}

usec_t leader_wakeup(const struct leader *l)
{
	usec_t t = l->hold_until ? l->hold_until : USEC_NEVER;

	t = usec_min(t, attempt_wakeup(&l->campaign));
	t = usec_min(t, attempt_wakeup(&l->resign));
	t = usec_min(t, attempt_wakeup(&l->repair));
	t = usec_min(t, attempt_wakeup(&l->stray.clear));
	return usec_min(t, attempt_wakeup(&l->pulse));
}
