#include "config.h"
#include "tests/unit/test_app_mover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "copy/replica.h"
#include "core/planner.h"
#include "core/roster.h"
#include "etcd/client.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "io/http.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/db.h"
#include "record/history.h"
#include "record/orders.h"
#include "tests/lib/suite.h"

struct world world;

/* ---- what the member and its copy are ---- */

const struct roster *member_roster(const struct member *m)
{
	(void)m;
	return world.roster;
}

const char *member_prefix(const struct member *m)
{
	(void)m;
	return PREFIX;
}

struct etcd *member_etcd(struct member *m)
{
	(void)m;
	return world.etcd;
}

void member_fence(const struct member *m, struct coord_fence *ret)
{
	(void)m;
	*ret = (struct coord_fence){.may_write = true,
		.acting = !world.following,
		.record_rev = world.record_rev,
		.leader_rev = world.leader_rev,
		.lease = 77,
		.active_rev = world.active_rev};
}

usec_t member_view_age(const struct member *m)
{
	(void)m;
	return 0;
}

void member_expect(struct member *m, int64_t revision)
{
	(void)m;
	world.expected = MAX(world.expected, revision);
}

struct replica *member_replica(struct member *m)
{
	return (struct replica *)m;
}

const struct db *replica_db(const struct replica *replica)
{
	(void)replica;
	if (world.next_db && world.next_after-- == 0)
		world.db = TAKE(world.next_db);
	return world.db;
}

int64_t replica_revision(const struct replica *replica)
{
	(void)replica;
	return world.revision;
}

usec_t replica_age(const struct replica *replica)
{
	(void)replica;
	return 0;
}

void replica_listen(struct replica *replica, struct replica_listener *listener)
{
	(void)replica;
	list_add_tail(&world.listeners, &listener->link);
}

bool keyring_behind(const struct keyring *keyring)
{
	(void)keyring;
	return world.behind;
}

/* ---- the copy follows ---- */

static void sync_key(const char *path, const struct kv_key *k)
{
	const struct etcd_kv kv = {.key = k->key,
		.key_len = strlen(k->key),
		.value = k->value,
		.value_len = strlen(k->value),
		.mod_revision = k->mod ? k->mod : world.kv.fake.revision};
	struct err err = {""};
	int rc = 0;

	if (db_is_ours(path, strlen(path))) {
		if (!k->mod)
			db_delete(world.db, path, strlen(path));
		else
			(void)db_put(
				world.db, path, strlen(path), k->value, kv.value_len, k->mod, &err);
	} else if (!orders_key(world.agent.orders, path, &kv, !k->mod, &rc, &err) &&
		   !history_key(world.agent.history, path, &kv, !k->mod, loop_now(world.loop),
			   clock_wall(), &rc, &err)) {
		return;
	}
	ck_assert_msg(rc == 0, "%s: %s", path, err.text);
}

void world_sync(void)
{
	struct replica_listener *listener, *tmp;

	if (world.revision == world.kv.fake.revision)
		return;
	for (size_t i = 0; i < world.kv.n; i++) {
		const struct kv_key *k = &world.kv.keys[i];

		if (world.seen[i] == k->mod)
			continue;
		world.seen[i] = k->mod;
		sync_key(text_after(k->key, PREFIX), k);
	}
	world.revision = world.kv.fake.revision;
	db_set_revision(world.db, world.revision);
	list_foreach_safe (listener, tmp, &world.listeners, link)
		listener->fn(world.revision, listener->arg);
	if (world.agent.mover)
		mover_changed(world.agent.mover);
}

static void on_follow(void *arg)
{
	(void)arg;
	if (!world.lagging)
		world_sync();
	loop_timer_after(world.follow, 2 * USEC_PER_MSEC);
}

/* ---- life ---- */

static void add_member(const char *name)
{
	struct record_info info = {.present = true,
		.mod_rev = ++world.kv.fake.revision,
		.valid = true,
		.voting = true};

	roster_record(world.roster, loop_now(world.loop), name, &info, 0);
	world_active(name, true);
}

void world_begin(void)
{
	const char *url = world.kv.fake.url;
	struct etcd_config config = {
		.endpoints = &url, .n_endpoints = 1, .identity_key = "identity"};

	memset(&world, 0, sizeof(world));
	list_init(&world.listeners);
	ck_assert_int_eq(loop_new(&world.loop, NULL), 0);
	ck_assert_int_eq(http_new(&world.http, world.loop, NULL), 0);
	kv_open(&world.kv, world.loop);
	ck_assert_int_eq(etcd_new(&world.etcd, world.loop, world.http, &config, NULL), 0);
	world.roster = roster_new();
	world.db = db_new(1);
	snprintf(world.identity.name, sizeof(world.identity.name), "mgt1");
	world.agent.loop = world.loop;
	world.agent.conf = conf_new();
	world.agent.conf->failover.hold_down = 0;
	world.agent.conf->failover.start_delay = 0;
	world.agent.identity = &world.identity;
	world.agent.member = (struct member *)&world;
	world.agent.orders = orders_new();
	world.agent.history = history_new();
	roster_begin(world.roster);
	roster_end(world.roster, loop_now(world.loop), 1);
	add_member("mgt1");
	add_member("mgt2");
	add_member("mgt3");
	world.record_rev = kv_put(&world.kv, PREFIX "members/mgt1", "{}");
	world.active_rev = kv_put(&world.kv, PREFIX "active/mgt1", "{}");
	world.leader_rev = kv_put(&world.kv, PREFIX "leader", "mgt1");
	for (size_t i = 0; i < world.kv.n; i++)
		world.kv.keys[i].lease = 77;
	world.follow = loop_timer_new(world.loop, "follow", on_follow, NULL);
	loop_timer_after(world.follow, 0);
}

void world_end(void)
{
	mover_free(TAKE(world.agent.mover));
	loop_timer_free(world.follow);
	history_free(world.agent.history);
	orders_free(world.agent.orders);
	conf_free(world.agent.conf);
	db_free(world.db);
	roster_free(world.roster);
	etcd_free(world.etcd);
	http_free(world.http);
	kv_close(&world.kv);
	loop_free(world.loop);
}

void world_move(void)
{
	world_sync();
	world.agent.mover = mover_new(&world.agent);
	mover_changed(world.agent.mover);
}

static void hear(const char *name, bool active, usec_t when)
{
	struct key_info info = {.present = active, .mod_rev = ++world.kv.fake.revision, .lease = 5};

	info.create_rev = info.mod_rev;
	roster_active(world.roster, when, name, &info, 0);
	if (world.agent.mover)
		mover_changed(world.agent.mover);
}

void world_active(const char *name, bool active)
{
	hear(name, active, loop_now(world.loop));
}

void world_gone(const char *name)
{
	hear(name, false, loop_now(world.loop) - PLANNER_DELAY_MIN);
}

void world_delete(const char *name)
{
	struct record_info info = {.mod_rev = ++world.kv.fake.revision};

	roster_record(world.roster, loop_now(world.loop), name, &info, 0);
	if (world.agent.mover)
		mover_changed(world.agent.mover);
}

static void put(const char *folder, const char *name, const char *attribute, const char *value)
{
	CLEANUP(freep) char *key = xasprintf(PREFIX "%s/%s/%s", folder, name, attribute);

	if (value)
		kv_put(&world.kv, key, value);
}

void world_nodes(
	int first, int last, const char *groups, const char *manager, const char *candidates)
{
	for (int i = first; i <= last; i++) {
		CLEANUP(freep) char *name = xasprintf("n%d", i);

		put("nodes", name, "groups", groups);
		put("nodes", name, "collective.manager", manager);
		put("nodes", name, "collective.managercandidates", candidates);
	}
}

void world_group(const char *name, const char *manager, const char *candidates)
{
	put("groups", name, "noderange", "");
	put("groups", name, "collective.manager", manager);
	put("groups", name, "collective.managercandidates", candidates);
}

const char *manager_of(int node)
{
	CLEANUP(freep) char *key = xasprintf(PREFIX "nodes/n%d/collective.manager", node);

	return kv_get(&world.kv, key)->value;
}

unsigned managed_by(const char *manager)
{
	unsigned n = 0;

	for (size_t i = 0; i < world.kv.n; i++) {
		const struct kv_key *k = &world.kv.keys[i];

		if (k->mod && text_after(k->key, PREFIX "nodes/") &&
			strstr(k->key, "/collective.manager") && !strstr(k->key, "candidates"))
			n += text_eq(k->value, manager);
	}
	return n;
}

static bool is_state(const char *state)
{
	struct sm_info info;

	mover_info(world.agent.mover, &info);
	return text_eq(info.state, state) && world.revision == world.kv.fake.revision;
}

void wait_state(const char *state)
{
	WAIT(is_state(state));
}

static Suite *make_suite(void)
{
	Suite *s = suite_create("mover");

	suite_add_tcase(s, survey_case());
	suite_add_tcase(s, mover_case());
	suite_add_tcase(s, mover_fault_case());
	return s;
}

SUITE_MAIN(make_suite)
