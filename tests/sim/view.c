/*
 * Listings and watches.
 *
 * A listing is taken at one revision and delivered as a whole; the watch goes on behind it, in
 * order, in batches, with delays, sometimes with repetitions. It breaks when the network does, when
 * etcd has compacted what it would need, or for no reason; it can also fall silent without breaking.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

struct key_info view_key(const struct ekv *kv)
{
	return (struct key_info){
		.present = kv->present,
		.create_rev = kv->create_rev,
		.mod_rev = kv->mod_rev,
		.lease = kv->lease,
		.value = kv->value,
		.instance = kv->tag,
	};
}

struct record_info view_record(const struct agent *a, const struct ekv *kv)
{
	return (struct record_info){
		.present = kv->present,
		.mod_rev = kv->mod_rev,
		.valid = kv->present && kv->tag[0] != '\0',
		.voting = strcmp(kv->value, "voting") == 0,
		.mine = kv->present && strcmp(kv->tag, a->key) == 0,
		.address = "192.0.2.1",
		.version = "1",
	};
}

static void tell(struct world *w, int agent, const struct ekv *kv)
{
	struct agent *a = &w->agents[agent];
	struct coord_event event = {.kind = COORD_LEADER};
	char name[EKEY_MAX];

	event.key = view_key(kv);
	if (sscanf(kv->key, "members/%95s", name) == 1) {
		event.kind = COORD_MEMBER;
		event.record = view_record(a, kv);
		event.record.mine &= strcmp(name, a->name) == 0;
		event.name = name;
	} else if (sscanf(kv->key, "active/%95s", name) == 1) {
		event.kind = COORD_ACTIVE;
		event.name = name;
	} else if (strcmp(kv->key, "leader") != 0) {
		return;
	}
	world_input(w, agent, &event);
}

static void list_later(struct world *w, int agent)
{
	world_schedule(
		w, w->now + world_random(w, 20, 200) * USEC_PER_MSEC, STEP_LIST, agent, NULL);
}

void view_list(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];
	struct coord_event event = {.kind = COORD_VIEW_BEGIN};
	const struct ekv *kv;
	unsigned i;

	if (a->net != NET_FINE || !etcd_has_leader(w->etcd)) {
		list_later(w, agent);
		return;
	}
	world_input(w, agent, &event);
	for (i = 0; a->core && (kv = etcd_key(w->etcd, i)); i++)
		if (kv->present)
			tell(w, agent, kv);
	event.kind = COORD_VIEW_END;
	event.revision = etcd_revision(w->etcd);
	world_input(w, agent, &event);
	a->next_change = etcd_changes(w->etcd);
	a->watching = true;
	a->deaf = false;
	a->seen = event.revision;
	a->listings++;
	a->listed_at = w->now;
	world_say(w, agent, "listed at revision %lld", (long long)event.revision);
}

void view_wake(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];

	if (!a->core || !a->watching || a->deaf || a->watch_due || a->net != NET_FINE ||
		a->next_change >= etcd_changes(w->etcd))
		return;
	a->watch_due = true;
	world_schedule(w, w->now + world_random(w, 1, world_chance(w, 5) ? 80 : 8) * USEC_PER_MSEC,
		STEP_WATCH, agent, NULL);
}

/* Some changes, and the rest of the last revision. */
static void tell_revisions(struct world *w, int agent, unsigned n)
{
	struct agent *a = &w->agents[agent];
	const struct ekv *kv, *next;
	unsigned i;

	for (i = 0; a->core && a->watching && (kv = etcd_change(w->etcd, a->next_change)); i++) {
		a->next_change++;
		tell(w, agent, kv);
		next = etcd_change(w->etcd, a->next_change);
		if (next && next->mod_rev == kv->mod_rev)
			continue;
		a->seen = kv->mod_rev > a->seen ? kv->mod_rev : a->seen;
		if (i >= n)
			break;
	}
}

void view_watch(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];
	const struct ekv *kv;
	unsigned n;

	a->watch_due = false;
	if (!a->watching || a->deaf || a->net != NET_FINE)
		return;
	kv = etcd_change(w->etcd, a->next_change);
	if (kv && kv->mod_rev < etcd_oldest(w->etcd)) {
		view_lose(w, agent);
		return;
	}
	if (w->faulty && a->next_change > 3 && world_chance(w, 3))
		a->next_change -= 3;
	n = (unsigned)world_random(w, 1, 8);
	if (w->part)
		tell_revisions(w, agent, 16 * n);
	for (; !w->part && n > 0 && a->core && a->watching; n--) {
		kv = etcd_change(w->etcd, a->next_change);
		if (!kv)
			break;
		a->next_change++;
		tell(w, agent, kv);
	}
	view_wake(w, agent);
}

void view_lose(struct world *w, int agent)
{
	struct coord_event event = {.kind = COORD_VIEW_LOST};
	struct agent *a = &w->agents[agent];

	if (!a->watching)
		return;
	a->watching = false;
	world_say(w, agent, "lost its watch");
	world_input(w, agent, &event);
	if (a->core)
		list_later(w, agent);
}
