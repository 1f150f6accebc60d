/*
 * Facts: what etcd's changes say, and what follows from them for a node.
 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/failover_world.h"

const char *place_name(const struct fworld *f, int place)
{
	if (place == FNOBODY)
		return "";
	return place < f->w->count ? f->w->agents[place].name : "nosuch";
}

static int place_of(const struct fworld *f, const char *name)
{
	int i;

	for (i = 0; *name && i < f->w->count; i++)
		if (strcmp(name, f->w->agents[i].name) == 0)
			return i;
	return *name ? f->w->count : FNOBODY;
}

/* "m1,m3" */
static int mask_of(const struct fworld *f, const char *text)
{
	int mask = 0, i;

	for (i = 0; i < f->w->count; i++)
		if (strstr(text, f->w->agents[i].name))
			mask |= 1 << i;
	return mask;
}

/* Where a fact is: an index into the array that it belongs to. */
#define AT(field, i) (offsetof(struct facts, field) + (size_t)(i) * sizeof(struct fact))

static bool note_node(struct fworld *f, struct fnote *n, const struct ekv *kv)
{
	char folder[8], what[16];
	unsigned i;

	if (sscanf(kv->key, "%7[a-z]/%u/%15s", folder, &i, what) != 3)
		return false;
	n->of_node = true;
	if (strcmp(what, "groups") == 0) {
		n->where = AT(exists, i);
		n->fact.value = kv->value[0] - '0';
	} else if (strcmp(what, "manager") == 0) {
		n->where = folder[0] == 'n' ? AT(manager, i) : AT(group_manager, i);
		n->fact.value = place_of(f, kv->value);
		n->by_leader = kv->present && strcmp(kv->tag, "admin") != 0;
	} else {
		n->where = folder[0] == 'n' ? AT(candidates, i) : AT(group_candidates, i);
		n->fact.value = mask_of(f, kv->value);
	}
	return true;
}

static bool note_member(struct fworld *f, struct fnote *n, const struct ekv *kv)
{
	char folder[8], name[16];
	int i;

	if (sscanf(kv->key, "%7[a-z]/%15s", folder, name) != 2)
		return false;
	i = place_of(f, name);
	if (i < 0 || i >= f->w->count)
		return false;
	if (strcmp(folder, "members") == 0)
		n->where = AT(member, i);
	else if (strcmp(folder, "active") == 0)
		n->where = AT(active, i);
	else if (strcmp(folder, "drains") == 0)
		n->where = AT(drain, i);
	else
		return false;
	return true;
}

static bool note_single(struct fworld *f, struct fnote *n, const struct ekv *kv)
{
	if (strcmp(kv->key, "leader") == 0) {
		n->where = offsetof(struct facts, leader);
		n->fact.value = place_of(f, kv->value);
	} else if (strcmp(kv->key, "pause") == 0) {
		n->where = offsetof(struct facts, pause);
	} else if (strcmp(kv->key, "rebalance") == 0) {
		n->where = offsetof(struct facts, rebalance);
		n->fact.value = 0;
		(void)sscanf(kv->value, "%d", &n->fact.value);
	} else {
		return false;
	}
	return true;
}

static bool note_history(struct fworld *f, struct fnote *n, const struct ekv *kv)
{
	char name[16];
	long long fence, copy, seen, at, plan;

	if (strncmp(kv->key, "history/", strlen("history/")) != 0)
		return false;
	n->kind = FNOTE_HISTORY;
	if (sscanf(kv->value, "%15s %lld %lld %lld %lld %u %lld", name, &fence, &copy, &seen, &at,
		    &n->gone, &plan) != 7)
		world_fail(f->w, "an entry of history can't be read: %s", kv->value);
	n->by = place_of(f, name);
	n->fence = fence;
	n->copy = copy;
	n->seen = seen;
	n->at = at;
	n->plan = plan;
	return true;
}

static struct fnote parse(struct fworld *f, const struct ekv *kv)
{
	struct fnote n = {.kind = FNOTE_FACT};

	n.fact = (struct fact){
		.rev = kv->mod_rev,
		.mod = kv->present ? kv->mod_rev : 0,
		.create = kv->create_rev,
		.lease = kv->lease,
		.value = FNOBODY,
	};
	if (note_history(f, &n, kv) || note_node(f, &n, kv) || note_member(f, &n, kv) ||
		note_single(f, &n, kv))
		return n;
	n.kind = FNOTE_OTHER;
	return n;
}

void facts_note(struct fworld *f)
{
	const struct ekv *kv;

	while ((kv = etcd_change(f->w->etcd, f->note_count))) {
		if (f->note_count == f->note_room) {
			f->note_room = f->note_room ? 2 * f->note_room : 1024;
			f->notes = xrealloc(f->notes, f->note_room, sizeof(*f->notes));
		}
		f->notes[f->note_count] = parse(f, kv);
		f->note_count++;
	}
}

void facts_apply(struct facts *facts, const struct fnote *note)
{
	struct fact *fact = (struct fact *)(void *)((char *)facts + note->where);

	if (note->kind == FNOTE_FACT && note->fact.rev > fact->rev)
		*fact = note->fact;
}

static const struct fact *group_of(
	const struct facts *facts, unsigned node, const struct fact *of_groups)
{
	static const struct fact none = {.value = FNOBODY};
	int group = facts->exists[node].value;

	return group >= 0 && group < FGROUPS_MAX ? &of_groups[group] : &none;
}

int facts_manager(const struct facts *facts, unsigned node)
{
	const struct fact *fact = &facts->manager[node];

	if (!fact->mod)
		fact = group_of(facts, node, facts->group_manager);
	return facts->exists[node].mod && fact->mod ? fact->value : FNOBODY;
}

unsigned facts_candidates(const struct facts *facts, unsigned node)
{
	const struct fact *fact = &facts->candidates[node];

	if (!fact->mod)
		fact = group_of(facts, node, facts->group_candidates);
	return facts->exists[node].mod && fact->mod ? (unsigned)fact->value : 0;
}

static unsigned sources(const struct facts *facts, unsigned node, const struct fact *own,
	const struct fact *of_groups, const char *what, const struct fact **ret,
	char keys[][EKEY_MAX])
{
	(void)snprintf(keys[0], EKEY_MAX, "nodes/%u/%s", node, what);
	ret[0] = own;
	if (own->mod)
		return 1;
	(void)snprintf(keys[1], EKEY_MAX, "nodes/%u/groups", node);
	ret[1] = &facts->exists[node];
	(void)snprintf(keys[2], EKEY_MAX, "groups/%d/%s", facts->exists[node].value, what);
	ret[2] = group_of(facts, node, of_groups);
	return FSOURCES;
}

unsigned facts_manager_from(
	const struct facts *facts, unsigned node, const struct fact **ret, char keys[][EKEY_MAX])
{
	return sources(
		facts, node, &facts->manager[node], facts->group_manager, "manager", ret, keys);
}

unsigned facts_candidates_from(
	const struct facts *facts, unsigned node, const struct fact **ret, char keys[][EKEY_MAX])
{
	return sources(facts, node, &facts->candidates[node], facts->group_candidates, "candidates",
		ret, keys);
}

bool facts_is_active(const struct facts *facts, int member)
{
	const struct fact *active = &facts->active[member];

	return active->mod && active->lease && facts->member[member].mod;
}
