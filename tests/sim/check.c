/*
 * What must hold, at each change in etcd and at each step of the world.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static const struct ekv *own(const struct world *w, const char *folder, const struct agent *a)
{
	char key[EKEY_MAX];

	(void)snprintf(key, sizeof(key), "%s/%s", folder, a->name);
	return etcd_get(w->etcd, key);
}

/* Leader keys are created, and by those only who may lead. */
static void check_leader_put(
	struct world *w, const struct agent *a, const struct ekv *before, const struct ekv *after)
{
	bool repair = before->present && after->create_rev == before->create_rev &&
		      strcmp(wire_describe(w->applying), "repair") == 0;

	if (before->present && !repair)
		world_fail(w, "%s made itself leader although %s led", a->instance, before->value);
	if (strcmp(after->value, a->name) != 0)
		world_fail(w, "%s made %s leader", a->instance, after->value);
	if (!own(w, "active", a)->present && !repair)
		world_fail(w, "%s was elected without being active", a->instance);
}

/* Nobody's registration is overwritten but one's own, an earlier run's, one put by hand, or one on
 * the same lease: that of who runs on the same files. */
static void check_active_put(
	struct world *w, const struct agent *a, const struct ekv *before, const struct ekv *after)
{
	int i;

	for (i = 0; before->present && i < w->count; i++) {
		const struct agent *other = &w->agents[i];

		if (other != a && other->core && strcmp(before->tag, other->instance) == 0 &&
			before->lease != 0 && before->lease != after->lease)
			world_fail(w, "%s overwrote the registration of %s", a->instance,
				other->instance);
	}
}

void check_change(void *arg, int writer, const struct ekv *before, const struct ekv *after)
{
	struct world *w = arg;
	const struct agent *a;

	world_say(w, writer, "= revision %lld: %s %s %s lease %016llx (%s)",
		(long long)after->mod_rev, after->key, after->present ? "=" : "is gone",
		after->value, (unsigned long long)after->lease,
		w->applying ? wire_describe(w->applying) : "by itself or by hand");
	if (!w->applying || writer < 0)
		return;
	a = &w->agents[writer];
	if (after->present && !own(w, "members", a)->present)
		world_fail(w, "%s wrote %s without a record", a->instance, after->key);
	if (strcmp(after->key, "leader") == 0 && after->present)
		check_leader_put(w, a, before, after);
	if (strncmp(after->key, "active/", 7) == 0 && after->present)
		check_active_put(w, a, before, after);
	if (wire_is_leaders(w->applying) &&
		strcmp(etcd_get(w->etcd, "leader")->value, a->name) != 0)
		world_fail(w, "%s wrote as the leader, but the leader was '%s'", a->instance,
			etcd_get(w->etcd, "leader")->value);
}

bool check_acting(const struct world *w, const struct agent *a)
{
	struct sm_info info;

	if (!a->core)
		return false;
	if (w->mutation == MUTATION_ACTING)
		return coord_info(a->core, 3, &info) && strcmp(info.state, "leader") == 0;
	return coord_acting(a->core, world_local(w, a));
}

/* Acting intervals begin at a step and end between steps: an overlap shows at its first step. */
void check_step(struct world *w)
{
	const struct ekv *leader = etcd_get(w->etcd, "leader");
	const struct agent *first = NULL;
	int i;

	/* Two agents that share one identity and one lease are told apart by their fences alone. */
	for (i = 0; i < w->count; i++)
		if (w->agents[i].frozen || (w->agents[i].copy && w->agents[i].core))
			w->excused_until =
				usec_max(w->excused_until, w->now + (SIM_TTL + 3) * USEC_PER_SEC);
	if (w->now < w->excused_until)
		return;
	for (i = 0; i < w->count; i++) {
		const struct agent *a = &w->agents[i];

		if (!check_acting(w, a))
			continue;
		if (first)
			world_fail(
				w, "%s and %s both act as leaders", first->instance, a->instance);
		first = a;
		if (!leader->present || strcmp(leader->value, a->name) != 0)
			world_fail(w, "%s acts as the leader, but the leader key is '%s'",
				a->instance, leader->value);
	}
}

void check_healed(struct world *w)
{
	struct coord_fence fence;
	int i, acting = 0;

	for (i = 0; i < w->count; i++) {
		const struct agent *a = &w->agents[i];

		if (a->twin || a->down)
			continue;
		if (!a->core) {
			world_fail(w, "%s does not run", a->instance);
			return;
		}
		coord_fence(a->core, world_local(w, a), &fence);
		if (!fence.may_write)
			world_fail(w, "%s may not write: %s", a->instance, fence.why_not);
		acting += check_acting(w, a);
	}
	if (acting != 1)
		world_fail(w, "%d members act as leaders", acting);
}
