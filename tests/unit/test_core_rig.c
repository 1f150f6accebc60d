/*
 * The rig of the core's tests.
 */
#include "config.h"

#include "tests/unit/test_core.h"

#include <stdio.h>
#include <string.h>

static void drain(struct rig *r)
{
	struct action action;
	size_t n;

	while (coord_next(r->core, r->now, &action)) {
		if (action.kind == ACTION_NOTIFY) {
			n = strlen(r->notes);
			(void)snprintf(r->notes + n, sizeof(r->notes) - n, "%s: %s -> %s (%s)\n",
				action.machine, action.from ? action.from : "",
				action.to ? action.to : "", action.reason);
			continue;
		}
		ck_assert_msg(!rig_has(r, action.kind), "a second %s at a time",
			action_name(action.kind));
		ck_assert_uint_lt(r->count, PENDING_MAX);
		r->pending[r->count++] = action;
	}
}

void rig_start(struct rig *r, int64_t saved_lease)
{
	struct coord_config config = {
		.name = "me",
		.instance = "run2",
		.ttl = TTL,
		.saved_lease = saved_lease,
		.seed = 42,
	};

	*r = (struct rig){.now = 1000 * USEC_PER_SEC};
	r->record = (struct record_info){.present = true,
		.mod_rev = RECORD_REV,
		.valid = true,
		.voting = true,
		.mine = true,
		.address = "192.0.2.7"};
	r->core = coord_new(&config, r->now);
	rig_event(r, COORD_TICK);
}

void rig_stop(struct rig *r)
{
	coord_free(r->core);
	r->core = NULL;
}

void rig_input(struct rig *r, const struct coord_event *event)
{
	coord_input(r->core, r->now, event);
	drain(r);
}

void rig_event(struct rig *r, enum coord_event_kind kind)
{
	struct coord_event event = {.kind = kind};

	rig_input(r, &event);
}

void rig_pass(struct rig *r, usec_t d)
{
	usec_t end = r->now + d;
	unsigned n = 0;

	while (coord_wakeup(r->core) <= end) {
		ck_assert_msg(n++ < 100000, "the core never sleeps");
		r->now = usec_max(r->now, coord_wakeup(r->core));
		rig_event(r, COORD_TICK);
	}
	r->now = end;
	rig_event(r, COORD_TICK);
}

bool rig_has(const struct rig *r, enum action_kind kind)
{
	unsigned i;

	for (i = 0; i < r->count; i++)
		if (r->pending[i].kind == kind)
			return true;
	return false;
}

struct action rig_take(struct rig *r, enum action_kind kind)
{
	struct action action;
	unsigned i;

	for (i = 0; i < r->count && r->pending[i].kind != kind; i++)
		continue;
	ck_assert_msg(i < r->count, "no %s was asked for", action_name(kind));
	action = r->pending[i];
	r->pending[i] = r->pending[--r->count];
	return action;
}

void rig_reply(struct rig *r, const struct reply *reply)
{
	struct coord_event event = {.kind = COORD_REPLY, .reply = reply};

	rig_input(r, &event);
}

void rig_answer(struct rig *r, const struct action *action, enum outcome outcome, int64_t revision)
{
	bool reads = outcome == OUTCOME_REFUSED ||
		     (action->kind == ACTION_CONFIRM && outcome == OUTCOME_OK);
	struct reply reply = {
		.id = action->id,
		.outcome = outcome,
		.revision = revision,
		.lease = action->lease,
		.ttl = action->ttl,
		.has_own = reads,
		.own = {.leader = r->leader, .active = r->active, .record = r->record},
		.text = "because",
	};

	rig_reply(r, &reply);
}

void rig_ttl(struct rig *r, const struct action *action, int64_t ttl)
{
	struct reply reply = {
		.id = action->id, .outcome = OUTCOME_OK, .lease = action->lease, .ttl = ttl};

	rig_reply(r, &reply);
}

void rig_live(struct rig *r, usec_t d)
{
	usec_t end = r->now + d;
	struct action action;

	while (r->now < end) {
		while (rig_has(r, ACTION_KEEPALIVE)) {
			action = rig_take(r, ACTION_KEEPALIVE);
			rig_ttl(r, &action, TTL);
		}
		while (rig_has(r, ACTION_CONFIRM)) {
			action = rig_take(r, ACTION_CONFIRM);
			rig_answer(r, &action, OUTCOME_OK, 1000);
		}
		rig_pass(r, usec_min(MS(50), end - r->now));
	}
}

void rig_other_active(struct rig *r, const char *name, bool active, int64_t revision)
{
	struct coord_event event = {.kind = COORD_ACTIVE, .name = name};

	event.key = (struct key_info){.present = active,
		.create_rev = active ? revision : 0,
		.mod_rev = revision,
		.lease = active ? 77 : 0,
		.instance = "theirs"};
	rig_input(r, &event);
}

void rig_leader(struct rig *r, const char *name, int64_t create_rev, int64_t mod_rev, int64_t lease)
{
	struct coord_event event = {.kind = COORD_LEADER};

	r->leader = (struct key_info){.present = name != NULL,
		.create_rev = create_rev,
		.mod_rev = mod_rev,
		.lease = lease,
		.value = name};
	event.key = r->leader;
	rig_input(r, &event);
	if (!name)
		r->leader = (struct key_info){0};
}

void rig_view(struct rig *r, int64_t revision, unsigned others)
{
	struct coord_event event = {.kind = COORD_VIEW_BEGIN};
	char name[16];
	unsigned i;

	rig_input(r, &event);
	event = (struct coord_event){.kind = COORD_MEMBER, .name = "me", .record = r->record};
	if (r->record.present)
		rig_input(r, &event);
	for (i = 1; i <= others; i++) {
		(void)snprintf(name, sizeof(name), "other%u", i);
		event = (struct coord_event){.kind = COORD_MEMBER, .name = name};
		event.record = (struct record_info){.present = true,
			.mod_rev = RECORD_REV + i / 100 + 1,
			.valid = true,
			.voting = true};
		rig_input(r, &event);
		rig_other_active(r, name, true, RECORD_REV + 2);
	}
	event = (struct coord_event){.kind = COORD_ACTIVE, .name = "me", .key = r->active};
	if (r->active.present)
		rig_input(r, &event);
	event = (struct coord_event){.kind = COORD_LEADER, .key = r->leader};
	if (r->leader.present)
		rig_input(r, &event);
	event = (struct coord_event){.kind = COORD_VIEW_END, .revision = revision};
	rig_input(r, &event);
}

void rig_register(struct rig *r, unsigned others)
{
	struct action action;

	action = rig_take(r, ACTION_CONFIRM);
	rig_answer(r, &action, OUTCOME_OK, VIEW_REV);
	rig_view(r, VIEW_REV, others);
	action = rig_take(r, ACTION_GRANT);
	r->lease = action.lease;
	rig_answer(r, &action, OUTCOME_OK, VIEW_REV);
	action = rig_take(r, ACTION_SAVE_LEASE);
	r->saved = action.lease;
	rig_answer(r, &action, OUTCOME_OK, 0);
	action = rig_take(r, ACTION_REGISTER);
	r->active = (struct key_info){.present = true,
		.create_rev = ACTIVE_REV,
		.mod_rev = ACTIVE_REV,
		.lease = r->lease,
		.value = "192.0.2.7",
		.instance = "run2"};
	rig_answer(r, &action, OUTCOME_OK, ACTIVE_REV);
}

void rig_lead(struct rig *r, unsigned others)
{
	struct action action;

	rig_register(r, others);
	if (!rig_has(r, ACTION_CAMPAIGN))
		rig_pass(r, MS(100));
	action = rig_take(r, ACTION_CAMPAIGN);
	r->leader = (struct key_info){.present = true,
		.create_rev = LEADER_REV,
		.mod_rev = LEADER_REV,
		.lease = r->lease,
		.value = "me"};
	rig_answer(r, &action, OUTCOME_OK, LEADER_REV);
	action = rig_take(r, ACTION_PULSE);
	rig_answer(r, &action, OUTCOME_OK, LEADER_REV + 1);
	ck_state(r, "leader", "leader");
	r->notes[0] = '\0';
}

static struct sm_info info_of(const struct rig *r, const char *machine)
{
	struct sm_info info;
	unsigned i;

	for (i = 0; coord_info(r->core, i, &info); i++)
		if (strcmp(info.machine, machine) == 0)
			return info;
	ck_abort_msg("no machine %s", machine);
	return info;
}

const char *rig_state(const struct rig *r, const char *machine)
{
	return info_of(r, machine).state;
}

const char *rig_reason(const struct rig *r, const char *machine)
{
	return info_of(r, machine).reason;
}
