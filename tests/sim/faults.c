/*
 * What goes wrong in the world, and how it is healed.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/world.h"

static usec_t seconds(struct world *w, usec_t least_ms, usec_t most_ms)
{
	return world_random(w, least_ms, most_ms) * USEC_PER_MSEC;
}

void fault_put(struct world *w, const char *key, const char *value, const char *tag, int64_t lease)
{
	struct etxn t = {.op = EOP_PUT, .lease = lease};

	(void)snprintf(t.key, sizeof(t.key), "%s", key);
	(void)snprintf(t.value, sizeof(t.value), "%s", value);
	(void)snprintf(t.tag, sizeof(t.tag), "%s", tag);
	(void)etcd_txn(w->etcd, -1, &t);
}

void fault_delete(struct world *w, const char *key)
{
	struct etxn t = {.op = EOP_DELETE};

	(void)snprintf(t.key, sizeof(t.key), "%s", key);
	(void)etcd_txn(w->etcd, -1, &t);
}

static void key_of(const struct world *w, char dst[EKEY_MAX], const char *folder, int agent)
{
	(void)snprintf(dst, EKEY_MAX, "%s/%s", folder, w->agents[agent].name);
}

void fault_put_record(struct world *w, int agent, bool voting)
{
	char key[EKEY_MAX];

	key_of(w, key, "members", agent);
	fault_put(w, key, voting ? "voting" : "nonvoting", w->agents[agent].key, 0);
}

/* From now on an agent may act for a while on what an operator's hand has undone. */
static void excuse(struct world *w)
{
	w->excused_until = usec_max(w->excused_until, w->now + (SIM_TTL + 3) * USEC_PER_SEC);
}

static int64_t operators_lease(struct world *w)
{
	int64_t id = prng_id(&w->prng);

	(void)etcd_grant(w->etcd, w->now, id, world_random(w, 2, SIM_TTL));
	return id;
}

void fault_cut(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	a->net = world_chance(w, 70) ? NET_CUT : NET_NO_REPLIES;
	world_schedule(w, w->now + seconds(w, 100, 15000), STEP_HEAL_NET, agent, NULL);
	if (a->watching && world_chance(w, 70))
		world_schedule(w, w->now + seconds(w, 0, 6000), STEP_VIEW_LOST, agent, NULL);
	world_say(w, agent, "FAULT net %d", (int)a->net);
}

static void kill_it(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	world_say(w, agent, "FAULT killed");
	world_kill(w, agent);
	if (world_chance(w, 30))
		a->saved_lease = 0;
	world_schedule(w, w->now + seconds(w, 0, 10000), STEP_START, agent, NULL);
}

static void pause_it(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	if (a->paused)
		return;
	a->paused = true;
	a->frozen = w->tampering && world_chance(w, 20);
	a->paused_at = w->now;
	a->resumes_at = usec_min(w->now + seconds(w, 100, 15000), w->faults_end);
	world_schedule(w, a->resumes_at, STEP_RESUME, agent, NULL);
	world_say(w, agent, "FAULT paused%s", a->frozen ? ", its clock too" : "");
}

static void command(struct world *w, int agent, enum coord_event_kind kind)
{
	struct coord_event event = {.kind = kind};

	if (w->agents[agent].paused)
		return;
	world_say(w, agent, "FAULT %s", kind == COORD_STOP ? "SIGTERM" : "resign");
	w->agents[agent].stopping |= kind == COORD_STOP;
	world_input(w, agent, &event);
}

static void delete_member(struct world *w, int agent)
{
	char key[EKEY_MAX];

	if (w->agents[agent].twin || w->agents[agent].rejoin)
		return;
	key_of(w, key, "members", agent);
	world_say(w, agent, "FAULT deleted from the registry");
	fault_delete(w, key);
	w->agents[agent].rejoin = true;
	world_schedule(w, w->now + seconds(w, 500, 8000), STEP_REJOIN, agent, NULL);
}

void fault_rejoin(struct world *w, int agent)
{
	if (!w->agents[agent].rejoin)
		return;
	w->agents[agent].rejoin = false;
	fault_put_record(w, agent, w->agents[agent].voting);
}

static void disturb_watch(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	if (!a->watching)
		return;
	a->deaf = world_chance(w, 50);
	if (world_chance(w, 30))
		etcd_compact(w->etcd);
	world_say(w, agent, "FAULT watch%s", a->deaf ? " deaf" : "");
	world_schedule(w, w->now + seconds(w, 0, 8000), STEP_VIEW_LOST, agent, NULL);
}

static void fill_etcd(struct world *w)
{
	world_say(w, -1, "FAULT out of space");
	etcd_set_no_space(w->etcd, true);
	world_schedule(w, w->now + seconds(w, 500, 9000), STEP_SPACE, -1, NULL);
}

static void change_role(struct world *w, int agent)
{
	char key[EKEY_MAX];
	const struct ekv *kv;

	key_of(w, key, "members", agent);
	kv = etcd_get(w->etcd, key);
	if (kv->present)
		fault_put_record(w, agent, strcmp(kv->value, "voting") != 0);
}

static void overwrite_active(struct world *w, int agent)
{
	char key[EKEY_MAX];

	key_of(w, key, "active", agent);
	world_say(w, agent, "FAULT active key overwritten");
	fault_put(w, key, "stranger", "stranger", world_chance(w, 50) ? operators_lease(w) : 0);
}

static void tamper(struct world *w, int agent)
{
	const struct ekv *leader = etcd_get(w->etcd, "leader");
	const char *name = world_chance(w, 50) ? "stranger" : w->agents[agent].name;
	char key[EKEY_MAX];

	excuse(w);
	world_say(w, agent, "FAULT an operator's hand");
	switch (prng_below(&w->prng, 4)) {
	case 0:
		fault_delete(w, "leader");
		break;
	case 1:
		fault_put(w, "leader", name, "", 0);
		break;
	case 2:
		fault_put(w, "leader", name, "", operators_lease(w));
		break;
	default:
		key_of(w, key, "active", agent);
		if (leader->present && world_chance(w, 50))
			(void)etcd_revoke(w->etcd, leader->lease);
		else if (etcd_get(w->etcd, key)->present)
			(void)etcd_revoke(w->etcd, etcd_get(w->etcd, key)->lease);
		break;
	}
}

/* More often than not it hits the leader. */
static int victim(struct world *w)
{
	const struct ekv *leader = etcd_get(w->etcd, "leader");
	int i;

	for (i = 0; i < w->count && leader->present && world_chance(w, 85); i++)
		if (strcmp(w->agents[i].name, leader->value) == 0)
			return i;
	return (int)prng_below(&w->prng, (uint64_t)w->count);
}

static void one_fault(struct world *w, int agent)
{
	char key[EKEY_MAX];

	switch (prng_below(&w->prng, 15)) {
	case 0:
	case 1:
		fault_cut(w, agent);
		break;
	case 2:
	case 3:
		kill_it(w, agent);
		break;
	case 4:
	case 5:
		pause_it(w, agent);
		break;
	case 6:
		command(w, agent, COORD_STOP);
		break;
	case 7:
		command(w, agent, COORD_RESIGN);
		break;
	case 8:
		delete_member(w, agent);
		break;
	case 9:
		world_say(w, -1, "FAULT etcd leader");
		etcd_lose_leader(w->etcd, w->now, seconds(w, 1000, 2200));
		break;
	case 10:
		disturb_watch(w, agent);
		break;
	case 11:
		fill_etcd(w);
		break;
	case 12:
		change_role(w, agent);
		break;
	case 13:
		key_of(w, key, "active", agent);
		if (world_chance(w, 50))
			fault_delete(w, key);
		else
			overwrite_active(w, agent);
		break;
	default:
		if (w->tampering)
			tamper(w, agent);
		break;
	}
}

/* A second agent with the name of the first; sometimes on a copy of its files. */
static void start_twin(struct world *w, int agent)
{
	if (w->tampering && world_chance(w, 40)) {
		w->agents[agent].saved_lease = w->agents[0].saved_lease;
		w->agents[agent].copy = true;
	}
	world_start(w, agent);
}

void fault_inject(struct world *w)
{
	int agent = victim(w);

	if (w->agents[agent].twin && !w->agents[agent].core)
		start_twin(w, agent);
	else
		one_fault(w, agent);
	world_changed(w);
	world_schedule(w, w->now + seconds(w, 50, 4000), STEP_FAULT, -1, NULL);
}

void fault_heal(struct world *w)
{
	int i;

	world_say(w, -1, "everything is healed");
	w->faulty = false;
	etcd_set_no_space(w->etcd, false);
	for (i = 0; i < w->count; i++) {
		struct agent *a = &w->agents[i];

		a->net = NET_FINE;
		if (a->twin) {
			world_kill(w, i);
			continue;
		}
		a->rejoin = false;
		fault_put_record(w, i, a->voting);
		if (a->core && !a->watching)
			world_schedule(w, w->now, STEP_LIST, i, NULL);
		else if (a->core && a->deaf)
			world_schedule(w, w->now, STEP_VIEW_LOST, i, NULL);
		if (!a->core)
			world_schedule(w, w->now, STEP_START, i, NULL);
	}
	world_changed(w);
}
