/*
 * This member's lease.
 *
 * Happy path: wanted, an id is chosen, GRANT, held; KEEPALIVE each third of the TTL moves the
 * validity on. Failure modes: no answer until the validity has passed (suspended, keepalives go
 * on); an answer without TTL, or "lease not found" (lost, a new id is granted); the reply to the
 * grant lost ("already exists" then means ours); an answer so late that its own validity has
 * passed (suspended until a quicker one).
 */
#include "config.h"

#include "core/lease.h"

#include <inttypes.h>

#include "base/macros.h"

static const struct sm_state states[] = {
	[LEASE_NONE] = {"none", "there is no lease, and none is asked for",
		{{"this member may register", LEASE_GRANTING}}},
	[LEASE_GRANTING] = {"granting", "etcd is asked for a lease with an id chosen here",
		{{"etcd granted it", LEASE_HELD},
			{"granted, but answered too late or found existing", LEASE_SUSPENDED},
			{"no longer wanted", LEASE_NONE}}},
	[LEASE_HELD] = {"held", "the lease is valid by the local clock",
		{{"the validity passed without a keepalive being answered", LEASE_SUSPENDED},
			{"etcd says that it is gone, or it was given up", LEASE_LOST}}},
	[LEASE_SUSPENDED] = {"suspended",
		"not valid by the local clock, but perhaps alive in etcd; "
		"nothing is done on the strength of it",
		{{"a keepalive returned a TTL", LEASE_HELD},
			{"etcd says that it is gone, or it was given up", LEASE_LOST}}},
	[LEASE_LOST] = {"lost", "the lease has ended, and its keys with it",
		{{"a new one is asked for", LEASE_GRANTING}, {"none is wanted", LEASE_NONE}}},
};

const struct sm_machine lease_machine = {
	.name = "lease",
	.help = "The lease in etcd on which this member's keys hang.",
	.states = states,
	.count = ARRAY_SIZE(states),
};

usec_t lease_margin(int64_t ttl)
{
	return usec_max(ttl * USEC_PER_SEC / 10, 500 * USEC_PER_MSEC);
}

usec_t lease_validity(int64_t ttl)
{
	return ttl * USEC_PER_SEC - lease_margin(ttl);
}

static usec_t renewal(struct lease *l)
{
	return prng_jitter(l->prng, l->ttl * USEC_PER_SEC / 3);
}

void lease_init(struct lease *l, int64_t ttl, int64_t saved, struct prng *prng, usec_t now,
	sm_observe_fn *observe, void *arg)
{
	*l = (struct lease){
		.prng = prng,
		.ttl_wanted = ttl,
		.ttl = ttl,
		.id = saved,
		.to_save = saved,
		.saved = saved,
	};
	sm_init(&l->sm, &lease_machine, saved ? LEASE_SUSPENDED : LEASE_NONE, now, observe, arg);
	attempt_init(&l->grant);
	attempt_init(&l->keepalive);
	attempt_init(&l->save);
	attempt_init(&l->revoke);
	if (saved)
		attempt_want(&l->keepalive, now);
}

void lease_discard(struct lease *l, int64_t id, usec_t now)
{
	l->to_revoke = id;
	l->revoke_deadline = now + 2 * l->ttl * USEC_PER_SEC;
	attempt_want(&l->revoke, now);
}

bool lease_valid(const struct lease *l, usec_t now)
{
	return l->sm.state == LEASE_HELD && now < l->valid_until;
}

bool lease_saved(const struct lease *l)
{
	return l->saved == l->to_save || l->save_waived;
}

void lease_want(struct lease *l, bool wanted)
{
	l->wanted = wanted;
}

static void save(struct lease *l, int64_t id, usec_t now)
{
	if (l->to_save == id)
		return;
	l->to_save = id;
	l->save_waived = false;
	l->save_deadline = now + l->ttl * USEC_PER_SEC;
	attempt_want(&l->save, now);
}

static void lost(struct lease *l, usec_t now, const char *reason)
{
	l->id = 0;
	l->valid_until = 0;
	attempt_drop(&l->keepalive);
	sm_move(&l->sm, LEASE_LOST, now, "%s", reason);
}

void lease_not_found(struct lease *l, int64_t id, usec_t now)
{
	if (id != l->id || (l->sm.state != LEASE_HELD && l->sm.state != LEASE_SUSPENDED))
		return;
	lost(l, now, "etcd answered a transaction with: lease not found");
}

void lease_forget(struct lease *l, bool revoke, usec_t now, const char *reason)
{
	l->wanted = false;
	save(l, 0, now);
	if (l->id == 0)
		return;
	if (revoke)
		lease_discard(l, l->id, now);
	if (l->sm.state == LEASE_GRANTING) {
		l->id = 0;
		attempt_drop(&l->grant);
		sm_move(&l->sm, LEASE_NONE, now, "%s", reason);
	} else {
		lost(l, now, reason);
	}
}

void lease_stop(struct lease *l)
{
	l->wanted = false;
	attempt_drop(&l->keepalive);
	attempt_drop(&l->grant);
}

static void ask_for_one(struct lease *l, usec_t now)
{
	l->id = prng_id(l->prng);
	l->ttl = l->ttl_wanted;
	attempt_want(&l->grant, now);
	sm_move(&l->sm, LEASE_GRANTING, now, "asking for %" PRId64 " s", l->ttl);
}

bool lease_step(struct lease *l, usec_t now)
{
	if (!lease_saved(l) && now >= l->save_deadline) {
		l->save_waived = true;
		return true;
	}
	switch ((enum lease_state)l->sm.state) {
	case LEASE_NONE:
	case LEASE_LOST:
		if (l->wanted) {
			ask_for_one(l, now);
			return true;
		}
		if (l->sm.state == LEASE_LOST) {
			sm_move(&l->sm, LEASE_NONE, now, "no lease is wanted");
			return true;
		}
		return false;
	case LEASE_GRANTING:
		if (l->wanted)
			return false;
		l->id = 0;
		attempt_drop(&l->grant);
		sm_move(&l->sm, LEASE_NONE, now, "no longer wanted");
		return true;
	case LEASE_HELD:
		if (now < l->valid_until)
			return false;
		sm_move(&l->sm, LEASE_SUSPENDED, now,
			"no keepalive was answered within the validity of the last one%s%s",
			*l->sm.trouble ? "; " : "", l->sm.trouble);
		return true;
	case LEASE_SUSPENDED:
		return false;
	}
	return false;
}

bool lease_next(struct lease *l, usec_t now, uint64_t id, struct action *ret)
{
	if (attempt_due(&l->keepalive, now)) {
		attempt_take(&l->keepalive, id, now);
		l->sent_keepalive = l->id;
		*ret = (struct action){.kind = ACTION_KEEPALIVE, .id = id, .lease = l->id};
		return true;
	}
	if (attempt_due(&l->grant, now)) {
		attempt_take(&l->grant, id, now);
		l->sent_grant = l->id;
		*ret = (struct action){
			.kind = ACTION_GRANT, .id = id, .lease = l->id, .ttl = l->ttl_wanted};
		return true;
	}
	if (attempt_due(&l->save, now)) {
		attempt_take(&l->save, id, now);
		l->sent_save = l->to_save;
		*ret = (struct action){.kind = ACTION_SAVE_LEASE, .id = id, .lease = l->to_save};
		return true;
	}
	if (attempt_due(&l->revoke, now)) {
		attempt_take(&l->revoke, id, now);
		*ret = (struct action){.kind = ACTION_REVOKE, .id = id, .lease = l->to_revoke};
		return true;
	}
	return false;
}

/* A reply with a TTL for our id, to a request sent at `sent`. */
static void renewed(struct lease *l, usec_t sent, int64_t ttl, usec_t now, const char *reason)
{
	usec_t until = sent + lease_validity(ttl);

	l->ttl = ttl;
	l->valid_until = usec_max(l->valid_until, until);
	attempt_want(&l->keepalive, usec_max(now, sent + renewal(l)));
	if (now < l->valid_until) {
		if (l->sm.state != LEASE_HELD)
			sm_move(&l->sm, LEASE_HELD, now, "%s", reason);
		return;
	}
	if (l->sm.state == LEASE_GRANTING)
		sm_move(&l->sm, LEASE_SUSPENDED, now, "granted, but answered too late");
	sm_trouble(&l->sm, "the answer took longer than the TTL");
}

static void on_grant(struct lease *l, usec_t now, const struct reply *reply)
{
	bool ours = l->sm.state == LEASE_GRANTING && l->sent_grant == l->id;

	if (reply->outcome == OUTCOME_OK && reply->lease == l->sent_grant && reply->ttl > 0) {
		attempt_done(&l->grant);
		if (!ours)
			return;
		renewed(l, l->grant.taken, reply->ttl, now, "etcd granted it");
		save(l, l->id, now);
		return;
	}
	attempt_failed(&l->grant, l->prng);
	if (!ours)
		return;
	if (reply->outcome == OUTCOME_EXISTS) {
		/* 63 random bits: an earlier attempt of ours, or one that was sent twice. */
		attempt_want(&l->keepalive, now);
		sm_move(&l->sm, LEASE_SUSPENDED, now, "granted before, the answer was lost");
		save(l, l->id, now);
		return;
	}
	attempt_want(&l->grant, now);
	sm_trouble(&l->sm, "grant: %s", reply->text ? reply->text : "no usable answer");
}

static void on_keepalive(struct lease *l, usec_t now, const struct reply *reply)
{
	bool ours = l->sent_keepalive == l->id && l->id != 0;
	bool answered = reply->outcome == OUTCOME_OK && reply->lease == l->sent_keepalive;

	if (answered || reply->outcome == OUTCOME_NOT_FOUND)
		attempt_done(&l->keepalive);
	else
		attempt_failed(&l->keepalive, l->prng);
	if (!ours)
		return;
	if (answered && reply->ttl > 0) {
		sm_trouble(&l->sm, "%s", "");
		renewed(l, usec_max(l->keepalive.taken, usec_min(reply->sent_at, now)), reply->ttl,
			now, "a keepalive was answered");
	} else if (answered || reply->outcome == OUTCOME_NOT_FOUND) {
		lost(l, now, "etcd answered a keepalive with: no such lease");
	} else {
		attempt_want(&l->keepalive, now);
		sm_trouble(&l->sm, "keepalive: %s", reply->text ? reply->text : "no usable answer");
	}
}

static void on_revoke(struct lease *l, usec_t now, const struct reply *reply)
{
	if (reply->outcome == OUTCOME_OK || reply->outcome == OUTCOME_NOT_FOUND) {
		attempt_done(&l->revoke);
		l->to_revoke = 0;
		return;
	}
	attempt_failed(&l->revoke, l->prng);
	if (now < l->revoke_deadline)
		attempt_want(&l->revoke, now);
}

bool lease_reply(struct lease *l, usec_t now, const struct reply *reply)
{
	if (reply->id == l->keepalive.id) {
		on_keepalive(l, now, reply);
	} else if (reply->id == l->grant.id) {
		on_grant(l, now, reply);
	} else if (reply->id == l->revoke.id) {
		on_revoke(l, now, reply);
	} else if (reply->id == l->save.id) {
		/* What can't be saved only costs the next start its lease. */
		attempt_done(&l->save);
		l->saved = l->sent_save;
		if (l->saved != l->to_save)
			attempt_want(&l->save, now);
	} else {
		return false;
	}
	return true;
}

usec_t lease_wakeup(const struct lease *l)
{
	usec_t t = l->sm.state == LEASE_HELD ? l->valid_until : USEC_NEVER;

	if (!lease_saved(l))
		t = usec_min(t, l->save_deadline);
	t = usec_min(t, attempt_wakeup(&l->keepalive));
	t = usec_min(t, attempt_wakeup(&l->grant));
	t = usec_min(t, attempt_wakeup(&l->revoke));
	return usec_min(t, attempt_wakeup(&l->save));
}
