/*
 * This member's own place in the collective.
 *
 * Happy path: the first complete view shows our record, a lease is granted, REGISTER, active.
 * Failure modes: no record, or one with another key (removed: the lease is revoked); the active
 * key deleted or overwritten by hand (registered again); held by an earlier run (waited for) or by
 * another agent of this name (refused); the lease lost (registered again under the next one).
 */
#include "config.h"

#include "core/membership.h"

#include "base/macros.h"
#include "base/text.h"
#include "core/copy.h"

static const struct sm_state states[] = {
	[MEMBERSHIP_WAITING] = {"waiting",
		"the first complete view of the registry is not there yet",
		{{"the view shows this member's record", MEMBERSHIP_REGISTERING},
			{"the view shows no record with this member's key", MEMBERSHIP_REMOVED},
			{"the agent ends", MEMBERSHIP_STOPPED}}},
	[MEMBERSHIP_REGISTERING] = {"registering", "the active key is being written, or waited for",
		{{"the active key is ours", MEMBERSHIP_ACTIVE},
			{"another agent lives under this name", MEMBERSHIP_REFUSED},
			{"the record is gone or not ours", MEMBERSHIP_REMOVED},
			{"the agent ends", MEMBERSHIP_STOPPED}}},
	[MEMBERSHIP_ACTIVE] = {"active", "this member is registered and seen by the others",
		{{"the active key or the lease is gone", MEMBERSHIP_REGISTERING},
			{"another agent took the registration over", MEMBERSHIP_REFUSED},
			{"the record is gone or not ours", MEMBERSHIP_REMOVED},
			{"the agent ends", MEMBERSHIP_STOPPED}}},
	[MEMBERSHIP_REFUSED] = {"refused",
		"another agent is active under this name: this one writes "
		"nothing and does not lead",
		{{"the other's active key is gone", MEMBERSHIP_REGISTERING},
			{"the record is gone or not ours", MEMBERSHIP_REMOVED},
			{"the agent ends", MEMBERSHIP_STOPPED}}},
	[MEMBERSHIP_REMOVED] = {"removed",
		"this member has no place in the registry: it writes nothing "
		"and does not lead until it is invited again",
		{{"the record is back", MEMBERSHIP_REGISTERING},
			{"the agent ends", MEMBERSHIP_STOPPED}}},
	[MEMBERSHIP_STOPPED] = {"stopped", "the agent ends; the active key is left to its lease",
		{{0}}},
};

const struct sm_machine membership_machine = {
	.name = "membership",
	.help = "This member's own place in the collective.",
	.states = states,
	.count = ARRAY_SIZE(states),
};

void membership_init(struct membership *m, const char *name, const char *instance,
	int64_t saved_lease, struct prng *prng, usec_t now, sm_observe_fn *observe, void *arg)
{
	*m = (struct membership){
		.prng = prng, .adopted = saved_lease, .others_deadline = USEC_NEVER};
	copy_text(m->name, sizeof(m->name), name);
	copy_text(m->instance, sizeof(m->instance), instance);
	attempt_init(&m->enter);
	sm_init(&m->sm, &membership_machine, MEMBERSHIP_WAITING, now, observe, arg);
}

bool membership_wanted(const struct membership *m)
{
	return m->sm.state == MEMBERSHIP_REGISTERING || m->sm.state == MEMBERSHIP_ACTIVE;
}

static const struct roster_key *own_key(const struct roster_member *self)
{
	static const struct roster_key none;

	return self ? &self->active : &none;
}

/* Why there is no place for us; NULL when there is. */
static const char *no_place(const struct roster_member *self)
{
	if (!self || !self->present)
		return "the record of this member is gone from the registry: it was deleted, redo "
		       "invitation process";
	if (!self->valid)
		return "the record of this member does not verify: redo invitation process";
	if (!self->mine)
		return "Invalid certificate, redo invitation process: the registry has another key "
		       "for this name";
	return NULL;
}

/* Our key, of this run. */
static bool is_ours(const struct membership *m, const struct lease *l, const struct roster_key *key)
{
	return key->present && l->id != 0 && key->lease == l->id &&
	       text_eq(key->instance, m->instance);
}

/* Whether another agent, alive or not, stands in the way. What this run has written, under
 * whatever lease, what an earlier run wrote under the lease that we adopted, and what hangs on no
 * lease at all can be replaced at once. */
static bool in_the_way(
	const struct membership *m, const struct lease *l, const struct roster_key *key)
{
	return key->present && key->lease != 0 && !text_eq(key->instance, m->instance) &&
	       key->lease != l->id;
}

/* Another agent has registered on our lease, and it was not the run that we adopted it from: it has
 * adopted it from us. */
static bool copied(const struct membership *m, const struct lease *l, const struct roster_key *key)
{
	bool earlier_run = l->id == m->adopted && l->id != m->registered;

	return key->present && l->id != 0 && key->lease == l->id &&
	       !text_eq(key->instance, m->instance) && !earlier_run;
}

static void no_others(struct membership *m)
{
	m->others = false;
	m->others_deadline = USEC_NEVER;
}

static void refuse(struct membership *m, usec_t now, const struct roster_key *key, const char *why)
{
	no_others(m);
	attempt_drop(&m->enter);
	sm_move(&m->sm, MEMBERSHIP_REFUSED, now, "another agent named %s is active%s%s: %s",
		m->name, key->value[0] ? " at " : "", key->value, why);
}

static bool step_registering(
	struct membership *m, usec_t now, const struct roster_member *self, struct lease *l)
{
	const struct roster_key *key = own_key(self);

	if (copied(m, l, key)) {
		lease_forget(l, false, now, "another agent uses this lease");
		refuse(m, now, key, "it runs on a copy of this one's files");
		return true;
	}
	if (in_the_way(m, l, key)) {
		attempt_drop(&m->enter);
		if (!m->others) {
			m->others = true;
			m->others_lease = key->lease;
			m->others_deadline =
				now + l->ttl * USEC_PER_SEC + lease_margin(l->ttl) + USEC_PER_SEC;
			sm_trouble(&m->sm,
				"waiting for the registration of an earlier run%s%s to expire",
				key->value[0] ? " at " : "", key->value);
		} else if (key->lease != m->others_lease) {
			refuse(m, now, key, "it has registered again");
			return true;
		} else if (now >= m->others_deadline && !lease_valid(l, now)) {
			/* While etcd is away leases don't end. */
			m->others_deadline = now + l->ttl * USEC_PER_SEC;
		} else if (now >= m->others_deadline) {
			refuse(m, now, key, "its registration did not expire");
			return true;
		}
		return false;
	}
	no_others(m);
	if (is_ours(m, l, key)) {
		attempt_drop(&m->enter);
		m->registered = l->id;
		sm_move(&m->sm, MEMBERSHIP_ACTIVE, now, "registered at revision %lld",
			(long long)key->mod_rev);
		return true;
	}
	if (lease_valid(l, now) && lease_saved(l))
		attempt_want(&m->enter, now);
	else
		attempt_drop(&m->enter);
	return false;
}

static bool step_active(
	struct membership *m, usec_t now, const struct roster_member *self, struct lease *l)
{
	const struct roster_key *key = own_key(self);

	if (is_ours(m, l, key))
		return false;
	if (copied(m, l, key)) {
		lease_forget(l, false, now, "another agent uses this lease");
		refuse(m, now, key, "it runs on a copy of this one's files");
		return true;
	}
	if (l->id != m->registered)
		sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the lease was lost");
	else if (!key->present)
		sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the active key was deleted");
	else
		sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the active key was overwritten");
	return true;
}

static bool step_refused(
	struct membership *m, usec_t now, const struct roster_member *self, struct lease *l)
{
	const struct roster_key *key = own_key(self);

	/* Whoever it is, our keepalives would keep it there. */
	if (key->present && l->id != 0 && key->lease == l->id &&
		!text_eq(key->instance, m->instance)) {
		lease_forget(l, false, now, "another agent uses this lease");
		return true;
	}
	if (key->present && key->lease != 0 && !text_eq(key->instance, m->instance))
		return false;
	sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the other agent's registration is gone");
	return true;
}

bool membership_step(struct membership *m, usec_t now, const struct roster *r, struct lease *l)
{
	const struct roster_member *self = roster_find(r, m->name);
	const char *why_out = no_place(self);

	if (m->sm.state == MEMBERSHIP_STOPPED || !roster_complete(r))
		return false;
	if (why_out && m->sm.state != MEMBERSHIP_REMOVED) {
		no_others(m);
		attempt_drop(&m->enter);
		lease_forget(l, true, now, "this member was removed");
		sm_move(&m->sm, MEMBERSHIP_REMOVED, now, "%s", why_out);
		return true;
	}
	lease_want(l, !why_out);
	switch ((enum membership_state)m->sm.state) {
	case MEMBERSHIP_WAITING:
		sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the view is complete");
		return true;
	case MEMBERSHIP_REGISTERING:
		return step_registering(m, now, self, l);
	case MEMBERSHIP_ACTIVE:
		return step_active(m, now, self, l);
	case MEMBERSHIP_REFUSED:
		return step_refused(m, now, self, l);
	case MEMBERSHIP_REMOVED:
		if (why_out)
			return false;
		sm_move(&m->sm, MEMBERSHIP_REGISTERING, now, "the record is back");
		return true;
	case MEMBERSHIP_STOPPED:
		return false;
	}
	return false;
}

void membership_stop(struct membership *m, usec_t now)
{
	if (m->sm.state == MEMBERSHIP_STOPPED)
		return;
	no_others(m);
	attempt_drop(&m->enter);
	sm_move(&m->sm, MEMBERSHIP_STOPPED, now, "the agent ends");
}

bool membership_next(struct membership *m, usec_t now, uint64_t id, const struct roster *r,
	const struct lease *l, struct action *ret)
{
	const struct roster_member *self = roster_find(r, m->name);

	if (!attempt_due(&m->enter, now) || !self || !lease_valid(l, now))
		return false;
	attempt_take(&m->enter, id, now);
	m->sent_lease = l->id;
	m->sent_active_rev = self->active.present ? self->active.mod_rev : 0;
	*ret = (struct action){
		.kind = ACTION_REGISTER,
		.id = id,
		.lease = l->id,
		.record_rev = self->mod_rev,
		.active_rev = m->sent_active_rev,
	};
	return true;
}

static void registered(
	struct membership *m, usec_t now, const struct reply *reply, struct roster *r)
{
	const struct roster_member *self = roster_find(r, m->name);
	struct key_info key = {
		.present = true,
		.create_rev = reply->revision,
		.mod_rev = reply->revision,
		.lease = m->sent_lease,
		.instance = m->instance,
		.value = self ? self->address : NULL,
	};

	if (m->sent_active_rev && self && self->active.mod_rev == m->sent_active_rev)
		key.create_rev = self->active.create_rev;
	(void)roster_active(r, now, m->name, &key, reply->revision);
}

bool membership_reply(struct membership *m, usec_t now, const struct reply *reply, struct roster *r,
	struct lease *l)
{
	if (reply->id != m->enter.id)
		return false;
	if (reply->outcome == OUTCOME_OK) {
		attempt_done(&m->enter);
		registered(m, now, reply, r);
		return true;
	}
	attempt_failed(&m->enter, m->prng);
	if (reply->outcome == OUTCOME_NOT_FOUND)
		lease_not_found(l, m->sent_lease, now);
	if (m->sm.state == MEMBERSHIP_REGISTERING)
		sm_trouble(&m->sm, "register: %s",
			reply->outcome == OUTCOME_REFUSED ? "the registry has changed meanwhile"
			: reply->text			  ? reply->text
							  : "no usable answer");
	return true;
}

usec_t membership_wakeup(const struct membership *m)
{
	return usec_min(m->others_deadline, attempt_wakeup(&m->enter));
}
