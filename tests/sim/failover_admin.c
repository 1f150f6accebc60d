/*
 * Administrators: what they do to nodes, and what they order, while everything else goes on. Half of
 * them use the commands, half etcdctl; to etcd it is the same but that the former keep to nodes that
 * are there.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/failover_world.h"

#define ADMIN "admin"

static unsigned pick(struct fworld *f, unsigned n)
{
	return (unsigned)prng_below(&f->w->prng, n);
}

static void put(struct fworld *f, const char *key, const char *value)
{
	f->tally->admin++;
	world_say(f->w, -1, "ADMIN %s = '%s'", key, value);
	fault_put(f->w, key, value, ADMIN, 0);
}

static void delete (struct fworld *f, const char *key)
{
	f->tally->admin++;
	world_say(f->w, -1, "ADMIN deletes %s", key);
	fault_delete(f->w, key);
}

static void key_of(char ret[EKEY_MAX], const char *folder, unsigned i, const char *what)
{
	(void)snprintf(ret, EKEY_MAX, "%s/%u/%s", folder, i, what);
}

/* Mostly a member, sometimes a name of none. */
static const char *some_manager(struct fworld *f)
{
	unsigned members = (unsigned)f->w->count;

	return place_name(f, (int)(world_chance(f->w, 5) ? members : pick(f, members)));
}

/* A few sets. One member; two; all; all but one. */
static void some_candidates(struct fworld *f, char ret[64])
{
	unsigned members = (unsigned)f->w->count, which = pick(f, 4), one = pick(f, members);
	size_t len = 0;
	unsigned i;

	ret[0] = '\0';
	for (i = 0; i < members; i++) {
		if ((which == 0 && i != one) || (which == 3 && i == one) ||
			(which == 1 && i != one && i != (one + 1) % members))
			continue;
		len += (size_t)snprintf(
			ret + len, 64 - len, "%s%s", len ? "," : "", place_name(f, (int)i));
	}
}

static bool exists(struct fworld *f, unsigned node)
{
	char key[EKEY_MAX];

	key_of(key, "nodes", node, "groups");
	return etcd_get(f->w->etcd, key)->present;
}

static void create_node(struct fworld *f, unsigned node)
{
	char key[EKEY_MAX], group[16];

	key_of(key, "nodes", node, "groups");
	(void)snprintf(group, sizeof(group), "%u", pick(f, f->groups));
	put(f, key, group);
}

/* All that it has, at once. */
static void delete_node(struct fworld *f, unsigned node)
{
	static const char *const what[] = {"groups", "manager", "candidates"};
	struct ewrite writes[ARRAY_SIZE(what)];
	struct etxn t = {.op = EOP_READ, .writes = writes, .write_count = ARRAY_SIZE(what)};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		writes[i] = (struct ewrite){.deletes = true};
		key_of(writes[i].key, "nodes", node, what[i]);
	}
	f->tally->admin++;
	world_say(f->w, -1, "ADMIN deletes node %u", node);
	(void)etcd_txn(f->w->etcd, -1, &t);
}

static void change_node(struct fworld *f, unsigned node)
{
	char key[EKEY_MAX], text[64];

	switch (pick(f, 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		key_of(key, "nodes", node, "manager");
		put(f, key, some_manager(f));
		break;
	case 4:
		key_of(key, "nodes", node, "manager");
		delete (f, key);
		break;
	case 5:
		key_of(key, "nodes", node, "candidates");
		some_candidates(f, text);
		put(f, key, text);
		break;
	case 6:
		key_of(key, "nodes", node, "candidates");
		delete (f, key);
		break;
	default:
		delete_node(f, node);
		break;
	}
}

static void change_group(struct fworld *f)
{
	char key[EKEY_MAX], text[64];
	unsigned group = pick(f, f->groups);

	if (world_chance(f->w, 50)) {
		key_of(key, "groups", group, "manager");
		put(f, key, some_manager(f));
	} else {
		key_of(key, "groups", group, "candidates");
		some_candidates(f, text);
		put(f, key, text);
	}
}

static void toggle(struct fworld *f, const char *key, const char *value)
{
	if (etcd_get(f->w->etcd, key)->present)
		delete (f, key);
	else
		put(f, key, value);
}

static void order(struct fworld *f)
{
	static const char *const most[] = {"1", "5", "1000"};
	char key[EKEY_MAX];

	switch (pick(f, 4)) {
	case 0:
		if (world_chance(f->w, 50))
			toggle(f, "pause", "for now");
		else
			delete (f, "pause");
		break;
	case 1:
	case 2:
		(void)snprintf(key, sizeof(key), "drains/%s",
			place_name(f, (int)pick(f, (unsigned)f->w->count)));
		toggle(f, key, "");
		break;
	default:
		if (!etcd_get(f->w->etcd, "rebalance")->present)
			put(f, "rebalance", most[pick(f, ARRAY_SIZE(most))]);
		break;
	}
}

/* One comes and goes: it stands still, and somebody deletes its key. */
static void flap(struct fworld *f)
{
	int agent = (int)pick(f, (unsigned)f->w->count);
	struct agent *a = &f->w->agents[agent];
	char key[EKEY_MAX];

	if (!a->core || a->paused)
		return;
	a->paused = true;
	a->paused_at = f->w->now;
	a->resumes_at = usec_min(
		f->w->now + world_random(f->w, 50, 2000) * USEC_PER_MSEC, f->w->faults_end);
	world_schedule(f->w, a->resumes_at, STEP_RESUME, agent, NULL);
	(void)snprintf(key, sizeof(key), "active/%s", a->name);
	delete (f, key);
}

static void again(struct fworld *f)
{
	world_schedule_part(f->w, f->w->now + world_random(f->w, 100, f->admin_pause), STEP_PART,
		-1, FPART_ADMIN, NULL);
}

void admin_step(struct fworld *f)
{
	unsigned node = pick(f, f->nodes);

	if (!f->administered)
		return;
	again(f);
	if (!etcd_has_leader(f->w->etcd))
		return;
	if (f->flaps && world_chance(f->w, 4))
		flap(f);
	else if (world_chance(f->w, 12))
		order(f);
	else if (world_chance(f->w, 4))
		change_group(f);
	else if (!exists(f, node))
		create_node(f, node);
	else
		change_node(f, node);
}

void admin_populate(struct fworld *f)
{
	char key[EKEY_MAX], text[64];
	unsigned i;

	for (i = 0; i < f->groups; i++) {
		key_of(key, "groups", i, "manager");
		put(f, key, some_manager(f));
		key_of(key, "groups", i, "candidates");
		some_candidates(f, text);
		if (world_chance(f->w, 80))
			put(f, key, text);
	}
	for (i = 0; i < f->nodes; i++) {
		create_node(f, i);
		key_of(key, "nodes", i, "manager");
		if (world_chance(f->w, 50))
			put(f, key, some_manager(f));
		key_of(key, "nodes", i, "candidates");
		some_candidates(f, text);
		if (world_chance(f->w, 20))
			put(f, key, text);
	}
	f->administered = true;
	again(f);
}

void admin_heal(struct fworld *f)
{
	f->administered = false;
	delete (f, "pause");
}

void admin_rebalance(struct fworld *f)
{
	put(f, "rebalance", "1000");
}
