/* What the leader does about managers, against a small etcd that can be made to misbehave. */
#include "config.h"
#include "app/mover.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "core/planner.h"
#include "core/roster.h"
#include "etcd/codec.h"
#include "io/loop.h"
#include "model/db.h"
#include "record/history.h"
#include "record/orders.h"
#include "tests/unit/test_app_mover.h"

static size_t entries(enum history_kind kind)
{
	const struct history_entry *e;
	size_t n = 0;

	list_foreach (e, history_list(world.agent.history), link)
		n += e->kind == kind;
	return n;
}

/* Nodes moved, as history tells. */
static size_t told(enum history_kind kind)
{
	const struct history_entry *e;
	size_t n = 0;

	list_foreach (e, history_list(world.agent.history), link) {
		for (size_t i = 0; e->kind == kind && i < e->n_counts; i++)
			n += e->counts[i].nodes;
	}
	return n;
}

START_TEST(the_nodes_of_a_dead_member_get_new_managers)
{
	struct mover_counts counts;

	world_begin();
	world_group("compute", NULL, "mgt1,mgt2,mgt3");
	world_nodes(1, 90, "compute", "mgt2", NULL);
	world_move();
	wait_state("watching");
	ck_assert_uint_eq(world.kv.txns, 0);
	world_active("mgt2", false);
	WAIT(managed_by("mgt2") == 0);
	wait_state("watching");
	ck_assert_uint_eq(managed_by("mgt1"), 45);
	ck_assert_uint_eq(managed_by("mgt3"), 45);
	ck_assert_uint_eq(world.kv.puts, 90 * 2 + 90);
	ck_assert_uint_eq(told(HISTORY_FAILOVER), 90);
	mover_counts(world.agent.mover, &counts);
	ck_assert(counts.known);
	ck_assert_uint_eq(counts.moved, 90);
	ck_assert_uint_eq(counts.orphaned, 0);
	ck_assert_int_eq(world.expected, world.kv.fake.revision);
	world_end();
}
END_TEST

START_TEST(history_says_who_why_and_under_which_leadership)
{
	const struct history_entry *e;

	world_begin();
	world_nodes(1, 3, "", "mgt2", "mgt3");
	world_active("mgt2", false);
	world_move();
	WAIT(managed_by("mgt3") == 3);
	wait_state("watching");
	ck_assert_uint_eq(entries(HISTORY_FAILOVER), 1);
	e = history_last(world.agent.history, HISTORY_FAILOVER);
	ck_assert_str_eq(e->by, "mgt1");
	ck_assert_str_eq(e->actor, "leader");
	ck_assert_str_eq(e->reason, "mgt2 is gone");
	ck_assert_int_eq(e->fence, world.leader_rev);
	ck_assert_uint_eq(e->n_counts, 1);
	ck_assert_str_eq(e->counts[0].from, "mgt2");
	ck_assert_str_eq(e->counts[0].to, "mgt3");
	ck_assert_uint_eq(e->counts[0].nodes, 3);
	/* it was written with the last of them */
	ck_assert_int_eq(e->revision, kv_get(&world.kv, PREFIX "nodes/n3/collective.manager")->mod);
	world_end();
}
END_TEST

START_TEST(who_does_not_lead_writes_nothing)
{
	struct mover_counts counts;

	world_begin();
	world.following = true;
	world_nodes(1, 3, "", "mgt2", "mgt3");
	world_nodes(4, 4, "", "mgt2", "mgt2");
	world_gone("mgt2");
	world_move();
	/* but knows */
	do {
		run_for(world.loop, USEC_PER_MSEC);
		mover_counts(world.agent.mover, &counts);
	} while (!counts.known);
	ck_assert_uint_eq(counts.orphaned, 1);
	ck_assert_uint_eq(world.kv.txns, 0);
	world.following = false;
	mover_changed(world.agent.mover);
	WAIT(managed_by("mgt3") == 3);
	world_end();
}
END_TEST

START_TEST(who_lacks_the_collective_key_moves_nothing)
{
	world_begin();
	world.behind = true;
	world_nodes(1, 1, "", "mgt2", "mgt3");
	world_active("mgt2", false);
	world_move();
	run_for(world.loop, 100 * USEC_PER_MSEC);
	ck_assert_uint_eq(world.kv.txns, 0);
	world.behind = false;
	mover_changed(world.agent.mover);
	WAIT(managed_by("mgt3") == 1);
	world_end();
}
END_TEST

START_TEST(a_leader_that_was_replaced_can_not_write)
{
	world_begin();
	world_nodes(1, 30, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	/* it has not heard of it */
	kv_delete(&world.kv, PREFIX "leader");
	kv_put(&world.kv, PREFIX "leader", "mgt3");
	world_active("mgt2", false);
	WAIT(world.kv.txns > 4);
	ck_assert_uint_eq(managed_by("mgt2"), 30);
	ck_assert_uint_eq(entries(HISTORY_FAILOVER), 0);
	world_end();
}
END_TEST

START_TEST(while_paused_nothing_is_moved)
{
	world_begin();
	world_nodes(1, 3, "", "mgt2", "mgt3");
	kv_put(&world.kv, PREFIX "pause", "{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1}");
	world_move();
	world_active("mgt2", false);
	wait_state("paused");
	run_for(world.loop, 50 * USEC_PER_MSEC);
	ck_assert_uint_eq(managed_by("mgt2"), 3);
	kv_delete(&world.kv, PREFIX "pause");
	WAIT(managed_by("mgt3") == 3);
	world_end();
}
END_TEST

START_TEST(a_drained_member_is_emptied_and_history_says_who_wanted_it)
{
	world_begin();
	world_nodes(1, 4, "", "mgt2", "mgt1,mgt2");
	world_nodes(5, 5, "", "mgt2", "mgt2");
	world_move();
	kv_put(&world.kv, PREFIX "drains/mgt2",
		"{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1,\"reason\":\"new disks\"}");
	WAIT(managed_by("mgt1") == 4);
	wait_state("watching");
	ck_assert_str_eq(manager_of(5), "mgt2");
	ck_assert_str_eq(history_last(world.agent.history, HISTORY_DRAIN)->actor, "root");
	ck_assert_str_eq(history_last(world.agent.history, HISTORY_DRAIN)->reason,
		"mgt2 is being drained (ordered by root on mgt1): new disks");
	world_end();
}
END_TEST

static bool order_is_gone(void)
{
	return kv_get(&world.kv, PREFIX "rebalance")->mod == 0;
}

START_TEST(rebalancing_moves_what_was_ordered_and_ends)
{
	world_begin();
	world_nodes(1, 60, "", "mgt2", "mgt1,mgt2,mgt3");
	world_move();
	wait_state("watching");
	kv_put(&world.kv, PREFIX "rebalance",
		"{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1,\"id\":\"x\",\"max\":7,\"left\":7}");
	WAIT(order_is_gone());
	wait_state("watching");
	ck_assert_uint_eq(managed_by("mgt2"), 53);
	ck_assert_uint_eq(told(HISTORY_REBALANCE), 7);
	kv_put(&world.kv, PREFIX "rebalance",
		"{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1,\"id\":\"y\",\"max\":1000,\"left\":"
		"1000}");
	WAIT(order_is_gone());
	wait_state("watching");
	ck_assert_uint_eq(managed_by("mgt2"), 20);
	ck_assert_uint_eq(managed_by("mgt3"), 20);
	world_end();
}
END_TEST

START_TEST(an_orphan_is_taken_when_a_candidate_comes_back)
{
	struct mover_counts counts;

	world_begin();
	world_nodes(1, 2, "", "mgt2", "mgt2,mgt3");
	world_active("mgt2", false);
	world_active("mgt3", false);
	world_move();
	wait_state("watching");
	mover_counts(world.agent.mover, &counts);
	ck_assert_uint_eq(counts.orphaned, 2);
	world_active("mgt3", true);
	WAIT(managed_by("mgt3") == 2);
	wait_state("watching");
	mover_counts(world.agent.mover, &counts);
	ck_assert_uint_eq(counts.orphaned, 0);
	world_end();
}
END_TEST

START_TEST(the_delay_is_waited_for)
{
	usec_t began;

	world_begin();
	world.agent.conf->failover.delay = 300 * USEC_PER_MSEC;
	world_nodes(1, 1, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	began = loop_now(world.loop);
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 1);
	ck_assert_int_ge(loop_now(world.loop) - began, 300 * USEC_PER_MSEC);
	world_end();
}
END_TEST

START_TEST(who_is_back_at_once_keeps_its_nodes)
{
	usec_t began;

	world_begin();
	world.agent.conf->failover.delay = 0;
	world_nodes(1, 1, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world_active("mgt2", false);
	wait_state("waiting");
	world_active("mgt2", true);
	wait_state("watching");
	ck_assert_int_eq(managed_by("mgt2"), 1);
	began = loop_now(world.loop);
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 1);
	ck_assert_int_ge(loop_now(world.loop) - began, PLANNER_DELAY_MIN);
	world_end();
}
END_TEST

START_TEST(a_member_that_was_deleted_keeps_nothing)
{
	world_begin();
	world.agent.conf->failover.delay = 3600 * USEC_PER_SEC;
	world_nodes(1, 2, "", "mgt3", "mgt1,mgt3");
	world_move();
	wait_state("watching");
	world_delete("mgt3");
	WAIT(managed_by("mgt1") == 2);
	world_end();
}
END_TEST

static char *entry_path(int i)
{
	return xasprintf("history/20261122T075000.%06dZ-x", i);
}

/* Three that are in etcd, and as many newer ones as are kept, which only this member knows. */
START_TEST(history_is_kept_short)
{
	static const char value[] = "{\"kind\":\"paused\",\"at\":1,\"by\":\"mgt1\"}";

	world_begin();
	for (int i = 0; i < 3; i++) {
		CLEANUP(freep) char *path = entry_path(i);
		CLEANUP(freep) char *key = xasprintf(PREFIX "%s", path);

		kv_put(&world.kv, key, value);
	}
	world_move();
	wait_state("watching");
	for (int i = 0; i < HISTORY_MAX; i++) {
		CLEANUP(freep) char *path = entry_path(i + 3);
		const struct etcd_kv kv = {
			.value = value, .value_len = strlen(value), .mod_revision = 1000 + i};
		struct err err = {""};
		int rc;

		ck_assert(history_key(world.agent.history, path, &kv, false, 0, 0, &rc, &err));
		ck_assert_msg(rc == 0, "%s", err.text);
	}
	mover_changed(world.agent.mover);
	WAIT(history_count(world.agent.history) == HISTORY_MAX);
	for (int i = 0; i < 3; i++) {
		CLEANUP(freep) char *path = entry_path(i);
		CLEANUP(freep) char *key = xasprintf(PREFIX "%s", path);

		ck_assert_int_eq(kv_get(&world.kv, key)->mod, 0);
	}
	world_end();
}
END_TEST

START_TEST(what_is_told_to_people_adds_up)
{
	CLEANUP(json_freep) json *answer = json_new_object();
	const json *row;
	double n;

	world_begin();
	world_nodes(1, 2, "", "mgt2", "mgt2");
	world_nodes(3, 3, "", "mgt1", NULL);
	world_nodes(4, 4, "", "gone", NULL);
	world_nodes(5, 5, "", NULL, NULL);
	world_active("mgt2", false);
	world_move();
	wait_state("watching");
	mover_tell(world.agent.mover, answer);
	ck_assert_uint_eq(json_count(json_at(answer, "managers")), 4);
	ck_assert_uint_eq(json_count(json_at(answer, "orphans")), 2);
	ck_assert_int_eq(json_number(answer, "without_manager", &n, NULL), 0);
	ck_assert_double_eq(n, 1);
	json_foreach(row, json_at(answer, "managers"))
	{
		const char *name = json_text(json_at(row, "name"));

		ck_assert_int_eq(json_number(row, "nodes", &n, NULL), 0);
		if (text_eq(name, "mgt2")) {
			ck_assert_double_eq(n, 2);
			ck_assert_str_eq(json_text(json_at(row, "state")), "offline");
			ck_assert_int_eq(json_number(row, "orphaned", &n, NULL), 0);
			ck_assert_double_eq(n, 2);
		} else if (text_eq(name, "gone")) {
			ck_assert_str_eq(json_text(json_at(row, "state")), "no member");
			ck_assert_int_eq(json_number(row, "without_candidates", &n, NULL), 0);
			ck_assert_double_eq(n, 1);
		}
	}
	world_end();
}
END_TEST

TCase *mover_case(void)
{
	TCase *t = tcase_create("mover");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_nodes_of_a_dead_member_get_new_managers);
	tcase_add_test(t, history_says_who_why_and_under_which_leadership);
	tcase_add_test(t, who_does_not_lead_writes_nothing);
	tcase_add_test(t, who_lacks_the_collective_key_moves_nothing);
	tcase_add_test(t, a_leader_that_was_replaced_can_not_write);
	tcase_add_test(t, while_paused_nothing_is_moved);
	tcase_add_test(t, a_drained_member_is_emptied_and_history_says_who_wanted_it);
	tcase_add_test(t, rebalancing_moves_what_was_ordered_and_ends);
	tcase_add_test(t, an_orphan_is_taken_when_a_candidate_comes_back);
	tcase_add_test(t, the_delay_is_waited_for);
	tcase_add_test(t, who_is_back_at_once_keeps_its_nodes);
	tcase_add_test(t, a_member_that_was_deleted_keeps_nothing);
	tcase_add_test(t, history_is_kept_short);
	tcase_add_test(t, what_is_told_to_people_adds_up);
	return t;
}
