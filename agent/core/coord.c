/*
 * The coordination core: composes lease, quorum, membership and leadership.
 *
 * An input first lets time pass, then takes the news into the roster or hands a reply to the
 * machine that asked, then lets every machine step until none moves any more. What is to be done
 * follows from their states: nothing is queued but notifications. CONFIRM belongs to no machine: it
 * feeds the roster and quorum each third of the TTL, and leadership when it waits for a read.
 *
 * Failure modes: a reply from the past of etcd (lower raft_term) counts as none; a pause of the
 * process or the machine shows as a tick that comes late, is reported, and has the same effect as
 * silence of etcd: by the time anything is decided, the lease is no longer valid.
 */
#include "config.h"

#include "core/coord.h"

#include <assert.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "core/leader.h"
#include "core/lease.h"
#include "core/membership.h"
#include "core/quorum.h"

#define PULSE_DEFAULT (15 * USEC_PER_SEC)
/* Moves of one input that are remembered until they are taken. */
#define NOTES_MAX 64
#define STEPS_MAX 64
#define MACHINES  4

struct note {
	const char *machine, *from, *to;
	char reason[SM_REASON_MAX];
};

struct coord {
	char name[NAME_MAX_LEN + 1];
	usec_t now;
	struct prng prng;
	struct roster *roster;
	struct lease lease;
	struct quorum quorum;
	struct membership membership;
	struct leader leader;
	struct attempt confirm;
	uint64_t last_id;
	uint64_t raft_term;
	bool view_live;
	bool stopping;
	usec_t stop_deadline;
	struct note notes[NOTES_MAX];
	unsigned first_note, notes_count;
};

static const struct sm_machine *const machines[MACHINES] = {
	&lease_machine, &quorum_machine, &membership_machine, &leader_machine};

/* The oldest gives way where nobody takes them. */
static struct note *new_note(struct coord *c)
{
	if (c->notes_count == NOTES_MAX) {
		c->first_note = (c->first_note + 1) % NOTES_MAX;
		c->notes_count--;
	}
	return &c->notes[(c->first_note + c->notes_count++) % NOTES_MAX];
}

static void on_move(void *arg, const struct sm *sm, int from)
{
	struct coord *c = arg;
	struct note *note = new_note(c);

	note->machine = sm->machine->name;
	note->from = sm->machine->states[from].name;
	note->to = sm_name(sm);
	(void)snprintf(note->reason, sizeof(note->reason), "%s", sm->reason);
}

static struct leader_view view_of(const struct coord *c)
{
	/* The machines share what coord owns; constness ends at that border. */
	return (struct leader_view){
		.name = c->name,
		.roster = c->roster,
		.lease = (struct lease *)&c->lease,
		.decided = c->membership.sm.state != MEMBERSHIP_WAITING,
		.wanted = membership_wanted(&c->membership),
		.registered = c->membership.sm.state == MEMBERSHIP_ACTIVE,
	};
}

static usec_t validity(const struct coord *c)
{
	return lease_validity(c->lease.ttl);
}

static usec_t third(const struct coord *c)
{
	return c->lease.ttl * USEC_PER_SEC / 3;
}

struct coord *coord_new(const struct coord_config *config, usec_t now)
{
	struct coord *c = xcalloc(1, sizeof(*c));

	assert(config->ttl >= 2 && name_valid(config->name));
	(void)snprintf(c->name, sizeof(c->name), "%s", config->name);
	c->now = now;
	c->prng.state = config->seed;
	c->roster = roster_new();
	lease_init(&c->lease, config->ttl, config->saved_lease, &c->prng, now, on_move, c);
	if (config->old_lease)
		lease_discard(&c->lease, config->old_lease, now);
	quorum_init(&c->quorum, now, on_move, c);
	membership_init(&c->membership, c->name, config->instance, config->saved_lease, &c->prng,
		now, on_move, c);
	leader_init(&c->leader, config->pulse ? config->pulse : PULSE_DEFAULT, &c->prng, now,
		on_move, c);
	attempt_init(&c->confirm);
	attempt_want(&c->confirm, now);
	return c;
}

void coord_free(struct coord *c)
{
	if (!c)
		return;
	roster_free(c->roster);
	free(c);
}

static bool step_lease(struct coord *c)
{
	bool held = c->lease.sm.state == LEASE_HELD;
	bool moved = lease_step(&c->lease, c->now);

	if (held && c->lease.sm.state == LEASE_SUSPENDED) {
		quorum_end(&c->quorum, c->now, c->lease.sm.reason);
		if (!c->stopping)
			attempt_want(&c->confirm, c->now);
	}
	return moved;
}

/* Lets every machine move on until none does. */
static void step(struct coord *c)
{
	struct leader_view v;
	bool moved = true;
	unsigned i;

	for (i = 0; moved; i++) {
		assert(i < STEPS_MAX);
		moved = step_lease(c);
		moved |= quorum_step(&c->quorum, c->now);
		moved |= membership_step(&c->membership, c->now, c->roster, &c->lease);
		v = view_of(c);
		moved |= leader_step(&c->leader, c->now, &v);
	}
	if (leader_wants_read(&c->leader) != USEC_NEVER)
		attempt_want(&c->confirm, c->now);
}

static void pass_time(struct coord *c, usec_t now)
{
	usec_t expected = coord_wakeup(c);
	char text[NUM_DURATION_MAX];

	c->now = usec_max(c->now, now);
	if (!c->stopping && c->now > usec_add(expected, third(c))) {
		struct note *note = new_note(c);

		*note = (struct note){.machine = "coord"};
		(void)snprintf(note->reason, sizeof(note->reason), "paused for %s",
			num_format_duration(c->now - expected, text));
	}
	step(c);
}

static void read_own(struct coord *c, const struct own_keys *own, int64_t revision)
{
	(void)roster_leader(c->roster, &own->leader, revision);
	(void)roster_record(c->roster, c->now, c->name, &own->record, revision);
	(void)roster_active(c->roster, c->now, c->name, &own->active, revision);
}

static void on_confirm(struct coord *c, const struct reply *reply)
{
	struct leader_view v = view_of(c);
	usec_t taken = c->confirm.taken;

	if (reply->outcome != OUTCOME_OK || !reply->has_own) {
		attempt_failed(&c->confirm, &c->prng);
		attempt_want(&c->confirm, c->now);
		sm_trouble(
			&c->quorum.sm, "read: %s", reply->text ? reply->text : "no usable answer");
		return;
	}
	attempt_done(&c->confirm);
	sm_trouble(&c->quorum.sm, "%s", "");
	quorum_answered(&c->quorum, c->now, taken, validity(c));
	if (!c->stopping)
		attempt_want(
			&c->confirm, usec_max(c->now, taken + prng_jitter(&c->prng, third(c))));
	leader_read(&c->leader, c->now, taken, &v);
}

static void on_reply(struct coord *c, const struct reply *given)
{
	struct reply reply = *given;
	struct leader_view v = view_of(c);

	assert(reply.id != 0);
	if (reply.raft_term != 0 && reply.raft_term < c->raft_term) {
		reply.outcome = OUTCOME_UNKNOWN;
		reply.has_own = false;
		reply.text = "answered from the past: the raft term is lower than one seen before";
	} else if (reply.raft_term > c->raft_term) {
		c->raft_term = reply.raft_term;
	}
	if (reply.has_own) {
		roster_began(c->roster, reply.revision);
		read_own(c, &reply.own, reply.revision);
	}
	if (reply.id == c->confirm.id)
		on_confirm(c, &reply);
	else if (!lease_reply(&c->lease, c->now, &reply) &&
		 !membership_reply(&c->membership, c->now, &reply, c->roster, &c->lease))
		(void)leader_reply(&c->leader, c->now, &reply, &v);
}

static void on_stop(struct coord *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	c->stop_deadline = c->now + c->lease.ttl * USEC_PER_SEC;
	leader_stop(&c->leader);
	membership_stop(&c->membership, c->now);
	lease_stop(&c->lease);
	attempt_drop(&c->confirm);
}

void coord_input(struct coord *c, usec_t now, const struct coord_event *event)
{
	struct leader_view v;

	pass_time(c, now);
	switch (event->kind) {
	case COORD_TICK:
		break;
	case COORD_VIEW_BEGIN:
		roster_begin(c->roster);
		break;
	case COORD_VIEW_END:
		(void)roster_end(c->roster, c->now, event->revision);
		c->view_live = true;
		break;
	case COORD_VIEW_LOST:
		c->view_live = false;
		break;
	case COORD_MEMBER:
		(void)roster_record(c->roster, c->now, event->name, &event->record, 0);
		break;
	case COORD_ACTIVE:
		(void)roster_active(c->roster, c->now, event->name, &event->key, 0);
		break;
	case COORD_LEADER:
		(void)roster_leader(c->roster, &event->key, 0);
		break;
	case COORD_REPLY:
		on_reply(c, event->reply);
		break;
	case COORD_RESIGN:
		v = view_of(c);
		leader_resign(&c->leader, c->now, &v);
		break;
	case COORD_STOP:
		on_stop(c);
		break;
	case COORD_CONFIG:
		c->lease.ttl_wanted = event->ttl;
		break;
	}
	step(c);
}

static void take_note(struct coord *c, struct action *ret)
{
	const struct note *note = &c->notes[c->first_note];

	*ret = (struct action){
		.kind = ACTION_NOTIFY,
		.machine = note->machine,
		.from = note->from,
		.to = note->to,
	};
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s", note->reason);
	c->first_note = (c->first_note + 1) % NOTES_MAX;
	c->notes_count--;
}

static bool next_request(struct coord *c, struct action *ret)
{
	struct leader_view v = view_of(c);
	uint64_t id = c->last_id + 1;

	if (lease_next(&c->lease, c->now, id, ret) ||
		leader_next(&c->leader, c->now, id, &v, ret) ||
		membership_next(&c->membership, c->now, id, c->roster, &c->lease, ret)) {
		c->last_id = id;
		return true;
	}
	if (!attempt_due(&c->confirm, c->now))
		return false;
	attempt_take(&c->confirm, id, c->now);
	*ret = (struct action){.kind = ACTION_CONFIRM, .id = id};
	c->last_id = id;
	return true;
}

bool coord_next(struct coord *c, usec_t now, struct action *ret)
{
	if (now > c->now) {
		c->now = now;
		step(c);
	}
	if (next_request(c, ret))
		return true;
	if (c->notes_count == 0)
		return false;
	take_note(c, ret);
	return true;
}

usec_t coord_wakeup(const struct coord *c)
{
	usec_t t = usec_min(lease_wakeup(&c->lease), quorum_wakeup(&c->quorum));

	t = usec_min(t, membership_wakeup(&c->membership));
	t = usec_min(t, leader_wakeup(&c->leader));
	t = usec_min(t, attempt_wakeup(&c->confirm));
	if (coord_done(c))
		return USEC_NEVER;
	return c->stopping ? usec_min(t, c->stop_deadline) : t;
}

bool coord_acting(const struct coord *c, usec_t now)
{
	return leader_acting(&c->leader, &c->lease, now);
}

bool coord_quorum(const struct coord *c, usec_t now)
{
	bool ran_out = c->lease.sm.state == LEASE_HELD && now >= c->lease.valid_until;

	return !ran_out && quorum_has(&c->quorum, now);
}

bool coord_done(const struct coord *c)
{
	return c->stopping && (leader_idle(&c->leader) || c->now >= c->stop_deadline);
}

bool coord_view_live(const struct coord *c)
{
	return c->view_live;
}

/* For people; NULL when this member may write. */
static const char *why_not_write(const struct coord *c, usec_t now)
{
	switch ((enum membership_state)c->membership.sm.state) {
	case MEMBERSHIP_REFUSED:
	case MEMBERSHIP_REMOVED:
		return c->membership.sm.reason;
	case MEMBERSHIP_STOPPED:
		return "The agent is stopping";
	case MEMBERSHIP_WAITING:
	case MEMBERSHIP_REGISTERING:
		return coord_quorum(c, now) ? "This member is not registered at present"
					    : "Collective does not have quorum";
	case MEMBERSHIP_ACTIVE:
		break;
	}
	return coord_quorum(c, now) ? NULL : "Collective does not have quorum";
}

void coord_fence(const struct coord *c, usec_t now, struct coord_fence *ret)
{
	const struct roster_member *self = roster_find(c->roster, c->name);

	*ret = (struct coord_fence){.why_not = why_not_write(c, now)};
	ret->may_write = !ret->why_not && self;
	if (!ret->may_write)
		return;
	ret->record_rev = self->mod_rev;
	ret->acting = coord_acting(c, now);
	if (!ret->acting)
		return;
	ret->leader_rev = c->leader.fence;
	ret->lease = c->leader.fence_lease;
	ret->active_rev = self->active.mod_rev;
}

const struct roster *coord_roster(const struct coord *c)
{
	return c->roster;
}

bool coord_refused(const struct coord *c)
{
	return c->membership.sm.state == MEMBERSHIP_REFUSED;
}

bool coord_removed(const struct coord *c)
{
	return c->membership.sm.state == MEMBERSHIP_REMOVED;
}

usec_t coord_last_read(const struct coord *c)
{
	return c->quorum.last;
}

uint64_t coord_raft_term(const struct coord *c)
{
	return c->raft_term;
}

const struct sm_machine *coord_machine(unsigned i)
{
	return i < MACHINES ? machines[i] : NULL;
}

bool coord_info(const struct coord *c, unsigned i, struct sm_info *ret)
{
	switch (i) {
	case 0:
		sm_tell(&c->lease.sm, lease_wakeup(&c->lease), ret);
		return true;
	case 1:
		sm_tell(&c->quorum.sm,
			usec_min(quorum_wakeup(&c->quorum), attempt_wakeup(&c->confirm)), ret);
		return true;
	case 2:
		sm_tell(&c->membership.sm, membership_wakeup(&c->membership), ret);
		return true;
	case 3:
		sm_tell(&c->leader.sm, leader_wakeup(&c->leader), ret);
		return true;
	default:
		return false;
	}
}
