/*
 * An etcd in memory.
 */
#include "config.h"

#include "tests/sim/etcd_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SWEEP (500 * USEC_PER_MSEC)

struct elease {
	int64_t id;
	int64_t ttl;
	usec_t ends;  /* by its TTL */
	usec_t sweep; /* when the loop that looks for ended ones comes by */
};

struct etcd_model {
	struct prng prng;
	etcd_observe_fn *observe;
	void *arg;
	struct ekv *keys;
	unsigned key_count;
	unsigned *places; /* hash table of indices into keys, plus one; 0: free */
	unsigned place_count;
	struct ekv *changes;
	unsigned change_count, change_room;
	struct elease *leases;
	unsigned lease_count;
	int64_t revision;
	int64_t oldest;
	uint64_t term;
	usec_t election_start, election_end;
	bool electing;
	bool no_space;
};

struct etcd_model *etcd_new(uint64_t seed, etcd_observe_fn *observe, void *arg)
{
	struct etcd_model *e = xcalloc(1, sizeof(*e));

	e->prng.state = seed;
	e->observe = observe;
	e->arg = arg;
	e->revision = 1;
	e->term = 2;
	return e;
}

void etcd_free(struct etcd_model *e)
{
	if (!e)
		return;
	free(e->keys);
	free(e->places);
	free(e->changes);
	free(e->leases);
	free(e);
}

/* Where the key is or would be in the table, which is never full. */
static unsigned *place_of(const struct etcd_model *e, const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	const char *c;
	unsigned i;

	for (c = key; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	i = (unsigned)(hash ^ hash >> 32) & (e->place_count - 1);
	while (e->places[i] && strcmp(e->keys[e->places[i] - 1].key, key) != 0)
		i = (i + 1) & (e->place_count - 1);
	return &e->places[i];
}

static struct ekv *find(const struct etcd_model *e, const char *key)
{
	unsigned place = e->place_count ? *place_of(e, key) : 0;

	return place ? &e->keys[place - 1] : NULL;
}

static void grow(struct etcd_model *e)
{
	unsigned i;

	free(e->places);
	e->place_count = e->place_count ? 2 * e->place_count : 64;
	e->places = xcalloc(e->place_count, sizeof(*e->places));
	e->keys = xrealloc(e->keys, e->place_count / 2, sizeof(*e->keys));
	for (i = 0; i < e->key_count; i++)
		*place_of(e, e->keys[i].key) = i + 1;
}

const struct ekv *etcd_get(const struct etcd_model *e, const char *key)
{
	static const struct ekv none;
	const struct ekv *kv = find(e, key);

	return kv ? kv : &none;
}

const struct ekv *etcd_key(const struct etcd_model *e, unsigned i)
{
	return i < e->key_count ? &e->keys[i] : NULL;
}

static struct ekv *find_or_add(struct etcd_model *e, const char *key)
{
	struct ekv *kv = find(e, key);

	if (kv)
		return kv;
	if (2 * e->key_count >= e->place_count)
		grow(e);
	kv = &e->keys[e->key_count];
	*kv = (struct ekv){0};
	(void)snprintf(kv->key, sizeof(kv->key), "%s", key);
	*place_of(e, key) = ++e->key_count;
	return kv;
}

static void changed(
	struct etcd_model *e, int writer, const struct ekv *before, const struct ekv *kv)
{
	if (e->change_count == e->change_room) {
		e->change_room = e->change_room ? 2 * e->change_room : 256;
		e->changes = xrealloc(e->changes, e->change_room, sizeof(*e->changes));
	}
	e->changes[e->change_count++] = *kv;
	e->observe(e->arg, writer, before, kv);
}

/* At the present revision: the caller has moved it on. */
static void put(struct etcd_model *e, int writer, const char *key, const char *value,
	const char *tag, int64_t lease)
{
	struct ekv *kv = find_or_add(e, key);
	struct ekv before = *kv;

	kv->create_rev = kv->present ? kv->create_rev : e->revision;
	kv->mod_rev = e->revision;
	kv->present = true;
	kv->lease = lease;
	memcpy(kv->value, value, sizeof(kv->value));
	memcpy(kv->tag, tag, sizeof(kv->tag));
	changed(e, writer, &before, kv);
}

/* Likewise. */
static void drop(struct etcd_model *e, int writer, struct ekv *kv)
{
	struct ekv before = *kv;

	kv->present = false;
	kv->create_rev = 0;
	kv->mod_rev = e->revision;
	kv->lease = 0;
	kv->value[0] = kv->tag[0] = '\0';
	changed(e, writer, &before, kv);
}

static struct elease *find_lease(const struct etcd_model *e, int64_t id)
{
	unsigned i;

	for (i = 0; i < e->lease_count; i++)
		if (e->leases[i].id == id)
			return &e->leases[i];
	return NULL;
}

static void end_lease(struct etcd_model *e, int writer, struct elease *lease)
{
	int64_t id = lease->id;
	bool any = false;
	unsigned i;

	*lease = e->leases[--e->lease_count];
	for (i = 0; i < e->key_count; i++) {
		if (!e->keys[i].present || e->keys[i].lease != id)
			continue;
		if (!any)
			e->revision++;
		any = true;
		drop(e, writer, &e->keys[i]);
	}
}

static void extend(struct etcd_model *e, struct elease *lease, usec_t from)
{
	lease->ends = from + lease->ttl * USEC_PER_SEC;
	lease->sweep = lease->ends + (usec_t)prng_below(&e->prng, SWEEP);
}

void etcd_tick(struct etcd_model *e, usec_t now)
{
	unsigned i;

	if (e->electing && now >= e->election_end) {
		e->electing = false;
		e->term++;
		for (i = 0; i < e->lease_count; i++)
			extend(e, &e->leases[i], e->election_end + USEC_PER_SEC);
	}
	for (i = 0; !e->electing && i < e->lease_count;)
		if (now >= e->leases[i].sweep)
			end_lease(e, -1, &e->leases[i]);
		else
			i++;
}

usec_t etcd_wakeup(const struct etcd_model *e)
{
	usec_t t = USEC_NEVER;
	unsigned i;

	if (e->electing)
		return e->election_end;
	for (i = 0; i < e->lease_count; i++)
		t = usec_min(t, e->leases[i].sweep);
	return t;
}

static bool holds(const struct etcd_model *e, const struct ecompare *compare)
{
	const struct ekv *kv = etcd_get(e, compare->key);

	switch (compare->target) {
	case ECOMPARE_CREATE:
		return (kv->present ? kv->create_rev : 0) == compare->value;
	case ECOMPARE_MOD:
		return (kv->present ? kv->mod_rev : 0) == compare->value;
	case ECOMPARE_LEASE:
		return (kv->present ? kv->lease : 0) == compare->value;
	}
	return false;
}

static void write_more(struct etcd_model *e, int writer, const struct etxn *txn)
{
	const struct ewrite *write;
	struct ekv *kv;
	unsigned i;

	for (i = 0; i < txn->write_count; i++) {
		write = &txn->writes[i];
		kv = write->deletes ? find(e, write->key) : NULL;
		if (kv && kv->present)
			drop(e, writer, kv);
		else if (!write->deletes)
			put(e, writer, write->key, write->value, write->tag, 0);
	}
}

enum eresult etcd_txn(struct etcd_model *e, int writer, const struct etxn *txn)
{
	struct ekv *kv;
	unsigned i;

	if ((txn->op == EOP_PUT || txn->write_count) && e->no_space)
		return ERESULT_NO_SPACE;
	for (i = 0; i < txn->count; i++)
		if (!holds(e, &txn->compares[i]))
			return ERESULT_REFUSED;
	for (i = 0; i < txn->more_count; i++)
		if (!holds(e, &txn->more_compares[i]))
			return ERESULT_REFUSED;
	if (txn->op == EOP_PUT && txn->lease && !find_lease(e, txn->lease))
		return ERESULT_NOT_FOUND;
	kv = txn->op == EOP_DELETE ? find(e, txn->key) : NULL;
	if (kv && !kv->present)
		kv = NULL;
	if (kv || txn->op == EOP_PUT || txn->write_count)
		e->revision++;
	if (txn->op == EOP_PUT)
		put(e, writer, txn->key, txn->value, txn->tag, txn->lease);
	if (kv)
		drop(e, writer, kv);
	write_more(e, writer, txn);
	return ERESULT_OK;
}

enum eresult etcd_grant(struct etcd_model *e, usec_t now, int64_t id, int64_t ttl)
{
	struct elease *lease;

	if (e->no_space)
		return ERESULT_NO_SPACE;
	if (find_lease(e, id))
		return ERESULT_EXISTS;
	e->leases = xrealloc(e->leases, e->lease_count + 1, sizeof(*e->leases));
	lease = &e->leases[e->lease_count++];
	*lease = (struct elease){.id = id, .ttl = ttl};
	extend(e, lease, now);
	return ERESULT_OK;
}

int64_t etcd_keepalive(struct etcd_model *e, usec_t now, int64_t id)
{
	struct elease *lease = find_lease(e, id);

	/* One whose TTL has passed is gone for keepalives, whether it was swept yet or not. */
	if (!lease || now >= lease->ends)
		return 0;
	extend(e, lease, now);
	return lease->ttl;
}

enum eresult etcd_revoke(struct etcd_model *e, int64_t id)
{
	struct elease *lease = find_lease(e, id);

	if (!lease)
		return ERESULT_NOT_FOUND;
	end_lease(e, -1, lease);
	return ERESULT_OK;
}

void etcd_lose_leader(struct etcd_model *e, usec_t now, usec_t length)
{
	if (e->electing)
		return;
	e->electing = true;
	e->election_start = now;
	e->election_end = now + length;
}

bool etcd_has_leader(const struct etcd_model *e)
{
	return !e->electing;
}

usec_t etcd_election_start(const struct etcd_model *e)
{
	return e->election_start;
}

usec_t etcd_election_end(const struct etcd_model *e)
{
	return e->election_end;
}

void etcd_set_no_space(struct etcd_model *e, bool full)
{
	e->no_space = full;
}

uint64_t etcd_term(const struct etcd_model *e)
{
	return e->term;
}

int64_t etcd_revision(const struct etcd_model *e)
{
	return e->revision;
}

void etcd_compact(struct etcd_model *e)
{
	e->oldest = e->revision;
}

int64_t etcd_oldest(const struct etcd_model *e)
{
	return e->oldest;
}

const struct ekv *etcd_change(const struct etcd_model *e, unsigned i)
{
	return i < e->change_count ? &e->changes[i] : NULL;
}

unsigned etcd_changes(const struct etcd_model *e)
{
	return e->change_count;
}
