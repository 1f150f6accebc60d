/* Moves while answers are lost, requests come twice, and others write the same. */
#include "config.h"
#include "app/mover.h"

#include <stdio.h>

#include "base/macros.h"
#include "base/text.h"
#include "io/loop.h"
#include "record/history.h"
#include "tests/unit/test_app_mover.h"

static size_t told(void)
{
	const struct history_entry *e;
	size_t n = 0;

	list_foreach (e, history_list(world.agent.history), link) {
		for (size_t i = 0; e->kind == HISTORY_FAILOVER && i < e->n_counts; i++)
			n += e->counts[i].nodes;
	}
	return n;
}

/* All nodes of mgt2 go to mgt3, whatever happens on the way, each once, and each is in history once. */
static void run_with(const enum kv_fault *faults, size_t n)
{
	world_begin();
	world_nodes(1, 100, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	for (size_t i = 0; i < n; i++)
		kv_fault(&world.kv, faults[i]);
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 100);
	wait_state("watching");
	ck_assert_uint_eq(world.kv.puts, 300 + 100);
	ck_assert_uint_eq(told(), 100);
	/* what comes late finds nothing to do */
	while (world.kv.n_kept)
		ck_assert(!kv_replay(&world.kv));
	ck_assert_uint_eq(world.kv.puts, 400);
	world_end();
}

START_TEST(a_lost_answer_or_request_moves_nothing_twice)
{
	static const enum kv_fault faults[][6] = {
		{KV_APPLY_AND_CUT, KV_FINE, KV_APPLY_AND_CUT, KV_FINE, KV_FINE, KV_FINE},
		{KV_CUT, KV_CUT, KV_FINE, KV_CUT, KV_FINE, KV_FINE},
		{KV_TWICE, KV_TWICE, KV_TWICE, KV_TWICE, KV_TWICE, KV_TWICE},
		{KV_KEEP, KV_APPLY_AND_CUT, KV_KEEP, KV_FINE, KV_RETRIED, KV_FINE},
		{KV_FULL, KV_FULL, KV_FINE, KV_FULL, KV_APPLY_FULL, KV_FINE},
	};

	run_with(faults[_i], ARRAY_SIZE(faults[_i]));
}
END_TEST

static int hand = 7;

static void move_one_by_hand(struct kv *kv, void *arg)
{
	char key[64];

	(void)arg;
	snprintf(key, sizeof(key), PREFIX "nodes/n%d/collective.manager", hand);
	kv_put(kv, key, "mgt1");
}

START_TEST(what_is_moved_by_hand_in_the_same_moment_stays)
{
	world_begin();
	world_nodes(1, 50, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world.kv.before = move_one_by_hand;
	world_active("mgt2", false);
	WAIT(managed_by("mgt2") == 0);
	wait_state("watching");
	ck_assert_str_eq(manager_of(7), "mgt1");
	ck_assert_uint_eq(managed_by("mgt3"), 49);
	ck_assert_uint_eq(told(), 49);
	world_end();
}
END_TEST

static void change_candidates(struct kv *kv, void *arg)
{
	(void)arg;
	kv_put(kv, PREFIX "groups/compute/collective.managercandidates", "mgt1");
}

START_TEST(candidates_that_change_in_the_same_moment_count)
{
	world_begin();
	world_group("compute", "mgt2", "mgt3");
	world_nodes(1, 50, "compute", NULL, NULL);
	world_move();
	wait_state("watching");
	world.kv.before = change_candidates;
	world_active("mgt2", false);
	WAIT(managed_by("mgt1") == 50);
	wait_state("watching");
	/* what had gone to mgt3 before stays there */
	ck_assert_uint_eq(managed_by("mgt3"), 0);
	world_end();
}
END_TEST

static void pause_moves(struct kv *kv, void *arg)
{
	(void)arg;
	kv_put(kv, PREFIX "pause", "{}");
}

START_TEST(a_pause_in_the_same_moment_counts)
{
	world_begin();
	world_nodes(1, 120, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world.kv.before = pause_moves;
	world_active("mgt2", false);
	wait_state("paused");
	run_for(world.loop, 50 * USEC_PER_MSEC);
	ck_assert_uint_eq(managed_by("mgt2"), 120);
	kv_delete(&world.kv, PREFIX "pause");
	WAIT(managed_by("mgt3") == 120);
	wait_state("watching");
	ck_assert_uint_eq(told(), 120);
	world_end();
}
END_TEST

static void take_drain_back(struct kv *kv, void *arg)
{
	(void)arg;
	kv_delete(kv, PREFIX "drains/mgt2");
}

START_TEST(a_drain_that_is_taken_back_in_the_same_moment_moves_nothing_more)
{
	world_begin();
	world_nodes(1, 120, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world.kv.before = take_drain_back;
	kv_put(&world.kv, PREFIX "drains/mgt2", "{}");
	WAIT(!world.kv.before);
	wait_state("watching");
	run_for(world.loop, 50 * USEC_PER_MSEC);
	ck_assert_uint_eq(managed_by("mgt2"), 120);
	world_end();
}
END_TEST

static void drain_target(struct kv *kv, void *arg)
{
	(void)arg;
	kv_put(kv, PREFIX "drains/mgt3", "{}");
}

START_TEST(who_is_drained_in_the_same_moment_is_given_nothing)
{
	world_begin();
	world_nodes(1, 120, "", "mgt2", "mgt1,mgt3");
	world_move();
	wait_state("watching");
	world.kv.before = drain_target;
	world_active("mgt2", false);
	WAIT(managed_by("mgt1") == 120);
	wait_state("watching");
	ck_assert_uint_eq(world.kv.puts, 360 + 120);
	ck_assert_uint_eq(told(), 120);
	world_end();
}
END_TEST

static void give_one_candidates(struct kv *kv, void *arg)
{
	(void)arg;
	kv_put(kv, PREFIX "nodes/n7/collective.managercandidates", "mgt1");
}

START_TEST(candidates_of_its_own_that_a_node_gets_in_the_same_moment_count)
{
	world_begin();
	world_group("compute", NULL, "mgt3");
	world_nodes(1, 50, "compute", "mgt2", NULL);
	world_move();
	wait_state("watching");
	world.kv.before = give_one_candidates;
	world_active("mgt2", false);
	WAIT(managed_by("mgt2") == 0);
	wait_state("watching");
	ck_assert_str_eq(manager_of(7), "mgt1");
	ck_assert_uint_eq(managed_by("mgt3"), 49);
	world_end();
}
END_TEST

static void take_manager_away(struct kv *kv, void *arg)
{
	(void)arg;
	kv_delete(kv, PREFIX "nodes/n7/collective.manager");
}

START_TEST(a_manager_that_is_cleared_in_the_same_moment_stays_so)
{
	world_begin();
	world_group("compute", NULL, "mgt3");
	world_nodes(1, 50, "compute", "mgt2", NULL);
	world_move();
	wait_state("watching");
	world.kv.before = take_manager_away;
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 49);
	wait_state("watching");
	ck_assert_str_eq(manager_of(7), "");
	world_end();
}
END_TEST

START_TEST(a_foreign_key_beside_the_manager_does_not_hold_it_up)
{
	world_begin();
	world_group("compute", NULL, "mgt3");
	world_nodes(1, 50, "compute", "mgt2", NULL);
	kv_put(&world.kv, PREFIX "nodes/n7/collective.manager.of.old", "x");
	world_move();
	wait_state("watching");
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 50);
	wait_state("watching");
	ck_assert_uint_eq(told(), 50);
	world_end();
}
END_TEST

static void keep_changing(struct kv *kv, void *arg)
{
	int *times = arg;

	kv_put(kv, PREFIX "nodes/n5/collective.manager", "mgt2");
	if (--*times > 0)
		kv->before = keep_changing;
}

START_TEST(a_node_that_somebody_keeps_changing_does_not_hold_up_the_others)
{
	int times = 1000000;

	world_begin();
	world_nodes(1, 60, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world.kv.before = keep_changing;
	world.kv.arg = &times;
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 59);
	times = 0;
	WAIT(managed_by("mgt3") == 60);
	world_end();
}
END_TEST

START_TEST(a_copy_that_lags_is_waited_for)
{
	unsigned txns;

	world_begin();
	world_nodes(1, 100, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world.lagging = true;
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") == 100);
	txns = world.kv.txns;
	run_for(world.loop, 50 * USEC_PER_MSEC);
	ck_assert_uint_eq(world.kv.txns, txns);
	world.lagging = false;
	wait_state("watching");
	ck_assert_uint_eq(told(), 100);
	world_end();
}
END_TEST

START_TEST(leadership_that_is_lost_half_way_is_gone_on_with_by_the_next)
{
	world_begin();
	world_nodes(1, 140, "", "mgt2", "mgt3");
	world_move();
	wait_state("watching");
	world_active("mgt2", false);
	WAIT(managed_by("mgt3") > 0);
	world.following = true;
	mover_changed(world.agent.mover);
	wait_state("following");
	run_for(world.loop, 50 * USEC_PER_MSEC);
	world.following = false;
	mover_changed(world.agent.mover);
	WAIT(managed_by("mgt3") == 140);
	wait_state("watching");
	ck_assert_uint_eq(told(), 140);
	world_end();
}
END_TEST

/* Of all entries about a drain: how many tell of both; each names who ordered what it tells of. */
static unsigned told_of_both(void)
{
	const struct history_entry *e;
	unsigned both = 0;

	list_foreach (e, history_list(world.agent.history), link) {
		if (e->kind != HISTORY_DRAIN)
			continue;
		both += e->n_counts == 2;
		ck_assert_str_eq(e->actor, e->n_counts == 2			? "several"
					   : text_eq(e->counts[0].from, "mgt2") ? "uid 7"
										: "root");
	}
	return both;
}

/* A machine that is busy may cut them into several transactions. */
START_TEST(moves_that_two_have_ordered_are_not_the_ones_alone)
{
	world_begin();
	for (unsigned i = 1; i <= 6; i += 2) {
		world_nodes(i, i, "", "mgt2", "mgt1,mgt2");
		world_nodes(i + 1, i + 1, "", "mgt3", "mgt1,mgt3");
	}
	world_move();
	wait_state("watching");
	kv_put(&world.kv, PREFIX "drains/mgt2", "{\"by\":\"mgt1\",\"actor\":\"uid 7\",\"at\":1}");
	kv_put(&world.kv, PREFIX "drains/mgt3", "{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1}");
	WAIT(managed_by("mgt1") == 6);
	wait_state("watching");
	ck_assert_uint_ge(told_of_both(), 1);
	world_end();
}
END_TEST

static bool no_order(void)
{
	return kv_get(&world.kv, PREFIX "rebalance")->mod == 0;
}

START_TEST(an_order_that_could_not_be_removed_is_removed_later)
{
	world_begin();
	world_nodes(1, 5, "", "mgt1", "mgt1");
	world_move();
	wait_state("watching");
	for (int i = 0; i < 3; i++)
		kv_fault(&world.kv, KV_FORBIDDEN);
	kv_put(&world.kv, PREFIX "rebalance", "{\"id\":\"x\",\"max\":7}");
	WAIT(no_order());
	world_end();
}
END_TEST

TCase *mover_fault_case(void)
{
	TCase *t = tcase_create("faults");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_lost_answer_or_request_moves_nothing_twice, 0, 5);
	tcase_add_test(t, what_is_moved_by_hand_in_the_same_moment_stays);
	tcase_add_test(t, candidates_that_change_in_the_same_moment_count);
	tcase_add_test(t, a_pause_in_the_same_moment_counts);
	tcase_add_test(t, a_drain_that_is_taken_back_in_the_same_moment_moves_nothing_more);
	tcase_add_test(t, who_is_drained_in_the_same_moment_is_given_nothing);
	tcase_add_test(t, candidates_of_its_own_that_a_node_gets_in_the_same_moment_count);
	tcase_add_test(t, a_manager_that_is_cleared_in_the_same_moment_stays_so);
	tcase_add_test(t, a_foreign_key_beside_the_manager_does_not_hold_it_up);
	tcase_add_test(t, a_node_that_somebody_keeps_changing_does_not_hold_up_the_others);
	tcase_add_test(t, a_copy_that_lags_is_waited_for);
	tcase_add_test(t, leadership_that_is_lost_half_way_is_gone_on_with_by_the_next);
	tcase_add_test(t, an_order_that_could_not_be_removed_is_removed_later);
	tcase_add_test(t, moves_that_two_have_ordered_are_not_the_ones_alone);
	return t;
}
