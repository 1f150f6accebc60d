/* The picture that the planner is given: who is there, what is whose, and what follows from that. */
#include "config.h"
#include "app/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "core/roster.h"
#include "etcd/codec.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/db.h"
#include "record/history.h"
#include "tests/unit/test_app_mover.h"

static bool done;
static int result;
static char said[256];
static struct survey *survey;

static void on_done(int rc, const char *why, struct survey *s, void *arg)
{
	(void)arg;
	ck_assert(!done);
	ck_assert_ptr_eq(s, survey);
	done = true;
	result = rc;
	snprintf(said, sizeof(said), "%s", why);
}

static void make_survey(const struct survey_options *options)
{
	static const struct survey_options none;

	survey_free(TAKE(survey));
	world_sync();
	done = false;
	survey = survey_new(&world.agent, options ? options : &none, on_done, NULL);
	ck_assert_msg(!done, "from the loop only");
	run_until(world.loop, &done, "a survey");
}

static void finish(void)
{
	survey_free(TAKE(survey));
	world_end();
}

static size_t count(const char *manager, enum planner_verdict verdict)
{
	return planner_count(survey_planner(survey), survey_member(survey, manager), verdict);
}

static size_t moves(void)
{
	const struct planner_move *list;

	return planner_moves(survey_planner(survey), &list);
}

/* Where a node goes, "" for nowhere. */
static const char *target(const char *node)
{
	const struct planner_move *list;
	size_t n = planner_moves(survey_planner(survey), &list);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(survey_node_name(survey, list[i].node), node) == 0)
			return planner_member(survey_planner(survey), list[i].to)->name;
	}
	return "";
}

static size_t nodes(const struct planner_member *m)
{
	return m->nodes;
}

START_TEST(nothing_moves_while_all_managers_are_there)
{
	world_begin();
	world_nodes(1, 9, "", "mgt2", "mgt1,mgt2,mgt3");
	make_survey(NULL);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(moves(), 0);
	ck_assert_uint_eq(survey_members(survey), 3);
	ck_assert_uint_eq(survey_real_members(survey), 3);
	ck_assert_uint_eq(
		nodes(planner_member(survey_planner(survey), survey_member(survey, "mgt2"))), 9);
	/* they were not even looked at */
	ck_assert_uint_eq(count("mgt2", PLANNER_STAYS), 0);
	ck_assert_int_eq(survey_revision(survey), world.revision);
	finish();
}
END_TEST

START_TEST(the_nodes_of_a_member_that_is_gone_are_spread)
{
	world_begin();
	world_group("compute", "mgt2", "mgt1,mgt2,mgt3");
	world_nodes(1, 10, "compute", NULL, NULL);
	world_nodes(11, 11, "", "mgt1", NULL);
	world_gone("mgt2");
	make_survey(NULL);
	ck_assert_uint_eq(moves(), 10);
	ck_assert_uint_eq(count("mgt2", PLANNER_MOVES), 10);
	/* mgt1 has one already */
	ck_assert_str_eq(target("n1"), "mgt3");
	ck_assert_str_eq(target("n2"), "mgt1");
	ck_assert_str_eq(target("n10"), "mgt1");
	finish();
}
END_TEST

START_TEST(a_name_of_no_member_is_a_manager_that_is_gone_since_ever)
{
	world_begin();
	world.agent.conf->failover.delay = 3600 * USEC_PER_SEC;
	world_nodes(1, 2, "", "mgt9", "mgt1");
	world_nodes(3, 3, "", "mgt2", "mgt1");
	world_gone("mgt2");
	make_survey(NULL);
	ck_assert_uint_eq(survey_members(survey), 4);
	ck_assert_uint_eq(survey_real_members(survey), 3);
	ck_assert_uint_eq(count("mgt9", PLANNER_MOVES), 2);
	ck_assert_uint_eq(count("mgt2", PLANNER_WAITS), 1);
	ck_assert_str_eq(target("n1"), "mgt1");
	finish();
}
END_TEST

/* More members than the roster takes: mgt0 to m<n>. */
static void crowd(unsigned n)
{
	const struct record_info info = {.present = true, .valid = true, .mod_rev = 1000};
	char name[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		roster_record(world.roster, 1, name, &info, 0);
	}
}

START_TEST(nodes_of_a_member_that_there_was_no_room_for_stay)
{
	char left_out[16];

	world_begin();
	snprintf(left_out, sizeof(left_out), "m%d", ROSTER_MAX - 3);
	world_nodes(1, 40, "", left_out, "mgt1");
	world_nodes(41, 42, "", "mgt2", "mgt1");
	world_gone("mgt2");
	crowd(ROSTER_MAX - 3);
	make_survey(NULL);
	ck_assert_uint_eq(survey_real_members(survey), ROSTER_MAX);
	ck_assert_uint_eq(count(left_out, PLANNER_MOVES), 40);
	crowd(ROSTER_MAX - 2);
	ck_assert_ptr_null(roster_find(world.roster, left_out));
	make_survey(NULL);
	ck_assert_uint_eq(moves(), 2);
	ck_assert_uint_eq(count("mgt2", PLANNER_MOVES), 2);
	make_survey(&(struct survey_options){.balance = true});
	ck_assert_uint_eq(moves(), 2);
	finish();
}
END_TEST

/* Nodes of mgt2 were moved away at this revision. */
static void note_failover(int64_t revision, usec_t when)
{
	const char *value = "{\"kind\":\"failover\",\"moves\":[{\"from\":\"mgt2\",\"to\":"
			    "\"mgt3\",\"nodes\":1}]}";
	const struct etcd_kv kv = {
		.value = value, .value_len = strlen(value), .mod_revision = revision};
	struct err err = {""};
	int rc = 0;

	ck_assert(history_key(
		world.agent.history, "history/1", &kv, false, when, clock_wall(), &rc, &err));
	ck_assert_int_eq(rc, 0);
}

/* mgt2 went, and a leader that has listed everything anew hears of that after it has heard of moves. */
static void miss_its_end(int64_t moved_at)
{
	const struct record_info record = {.present = true, .valid = true, .mod_rev = 1};
	const struct roster_key *one = &roster_find(world.roster, "mgt1")->active;
	const struct key_info key = {.present = true, .mod_rev = one->mod_rev, .lease = one->lease};
	int64_t seen = roster_find(world.roster, "mgt2")->active.mod_rev;

	world.agent.conf->failover.hold_down = 60 * USEC_PER_SEC;
	world_nodes(1, 2, "", "mgt2", "mgt1");
	roster_began(world.roster, 1);
	note_failover(seen + moved_at, loop_now(world.loop) - USEC_PER_SEC);
	roster_begin(world.roster);
	roster_active(world.roster, 1, "mgt1", &key, 0);
	roster_record(world.roster, 1, "mgt1", &record, 0);
	roster_record(world.roster, 1, "mgt2", &record, 0);
	roster_end(world.roster, loop_now(world.loop), seen + 100);
	make_survey(NULL);
}

START_TEST(what_is_left_of_a_failover_is_moved_at_once_after_a_listing)
{
	world_begin();
	miss_its_end(5);
	ck_assert_uint_eq(count("mgt2", PLANNER_MOVES), 2);
	finish();
}
END_TEST

START_TEST(a_member_that_came_back_is_held_down_also_after_a_listing)
{
	world_begin();
	miss_its_end(-1);
	ck_assert_uint_eq(count("mgt2", PLANNER_WAITS), 2);
	ck_assert_int_gt(
		planner_wakeup(survey_planner(survey)), loop_now(world.loop) + 50 * USEC_PER_SEC);
	finish();
}
END_TEST

START_TEST(nodes_are_told_by_verdict_in_natural_order)
{
	const char *const *names;

	world_begin();
	world_nodes(1, 12, "", "mgt2", "mgt2,mgt3");
	world_nodes(13, 13, "", "mgt2", NULL);
	world_nodes(14, 14, "", NULL, "mgt1");
	world_gone("mgt2");
	world_gone("mgt3");
	make_survey(NULL);
	ck_assert_uint_eq(survey_nodes(survey, PLANNER_ORPHANED, PLANNER_NOBODY, &names), 12);
	ck_assert_str_eq(names[1], "n2");
	ck_assert_str_eq(names[11], "n12");
	free((void *)names);
	ck_assert_uint_eq(
		survey_nodes(survey, PLANNER_FIXED, survey_member(survey, "mgt2"), &names), 1);
	ck_assert_str_eq(names[0], "n13");
	free((void *)names);
	ck_assert_uint_eq(
		survey_nodes(survey, PLANNER_FIXED, survey_member(survey, "mgt1"), &names), 0);
	free((void *)names);
	make_survey(&(struct survey_options){.every_node = true});
	ck_assert_uint_eq(survey_nodes(survey, PLANNER_UNMANAGED, PLANNER_NOBODY, &names), 1);
	ck_assert_str_eq(names[0], "n14");
	free((void *)names);
	finish();
}
END_TEST

START_TEST(what_would_happen_without_a_member_is_told)
{
	const char *const without[] = {"mgt2"};
	const struct survey_options options = {.without = without, .n_without = 1, .at_once = true};

	world_begin();
	world.agent.conf->failover.delay = 3600 * USEC_PER_SEC;
	world_nodes(1, 3, "", "mgt2", "mgt1,mgt2");
	make_survey(&options);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(moves(), 3);
	ck_assert_str_eq(target("n3"), "mgt1");
	finish();
}
END_TEST

START_TEST(a_drain_may_be_tried)
{
	const struct planner_move *list;

	world_begin();
	world_nodes(1, 3, "", "mgt2", "mgt1,mgt2");
	world_nodes(4, 4, "", "mgt2", "mgt2");
	make_survey(&(struct survey_options){.drain = "mgt2"});
	ck_assert_uint_eq(planner_moves(survey_planner(survey), &list), 3);
	ck_assert_int_eq(list[0].cause, PLANNER_DRAINED);
	ck_assert_uint_eq(count("mgt2", PLANNER_KEPT), 1);
	finish();
}
END_TEST

START_TEST(who_is_no_member_is_refused_by_name)
{
	const char *const without[] = {"mgt1", "mgt9"};

	world_begin();
	world_nodes(1, 1, "", "mgt9", "mgt1");
	make_survey(&(struct survey_options){.without = without, .n_without = 2});
	ck_assert_int_eq(result, -ENOENT);
	ck_assert_ptr_nonnull(strstr(said, "mgt9 is not a recognized"));
	make_survey(&(struct survey_options){.drain = "n1"});
	ck_assert_int_eq(result, -ENOENT);
	finish();
}
END_TEST

START_TEST(without_a_database_there_is_none)
{
	struct db *db;

	world_begin();
	db = TAKE(world.db);
	world.lagging = true;
	done = false;
	survey = survey_new(&world.agent, &(struct survey_options){.drain = NULL}, on_done, NULL);
	run_until(world.loop, &done, "a survey");
	ck_assert_int_eq(result, -ENODATA);
	world.db = db;
	finish();
}
END_TEST

START_TEST(candidates_that_cannot_be_understood_are_told)
{
	const char *first;

	world_begin();
	world_nodes(1, 2, "", "mgt2", "mgt1,mgt[");
	world_gone("mgt2");
	make_survey(NULL);
	ck_assert_uint_eq(count("mgt2", PLANNER_FIXED), 2);
	ck_assert_uint_eq(survey_odd(survey, &first), 2);
	ck_assert_ptr_nonnull(strstr(first, "n1"));
	finish();
}
END_TEST

START_TEST(evening_out_keeps_to_the_ceiling)
{
	world_begin();
	world_nodes(1, 9, "", "mgt2", "mgt1,mgt2,mgt3");
	make_survey(&(struct survey_options){.balance = true});
	ck_assert_uint_eq(moves(), 6);
	make_survey(&(struct survey_options){.balance = true, .max_moves = 2});
	ck_assert_uint_eq(moves(), 2);
	finish();
}
END_TEST

START_TEST(a_new_copy_in_between_begins_it_anew)
{
	struct db *old, *fresh;
	const char *first;

	world_begin();
	world_nodes(1, 50, "", "mgt2", "mgt1,mgt[");
	world_gone("mgt2");
	world_sync();
	world.lagging = true;
	old = world.db;
	fresh = db_new(2);
	db_set_revision(fresh, world.revision);
	done = false;
	survey = survey_new(&world.agent, &(struct survey_options){.drain = NULL}, on_done, NULL);
	/* the second time that it is asked for */
	world.next_db = fresh;
	world.next_after = 1;
	run_until(world.loop, &done, "a survey");
	ck_assert_ptr_eq(world.db, fresh);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(count("mgt2", PLANNER_FIXED), 0);
	ck_assert_uint_eq(survey_odd(survey, &first), 0);
	db_free(old);
	finish();
}
END_TEST

START_TEST(a_node_of_too_many_groups_to_be_moved_is_told_and_stays)
{
	char groups[1024] = "g1";
	const char *why;

	world_begin();
	for (int i = 2; i <= 120; i++)
		snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups), ",g%d", i);
	world_group("everything", NULL, "mgt3");
	world_nodes(1, 1, groups, "mgt2", NULL);
	world_nodes(2, 2, groups, "mgt2", "mgt3");
	world_gone("mgt2");
	make_survey(NULL);
	ck_assert_uint_eq(moves(), 1);
	ck_assert_str_eq(target("n2"), "mgt3");
	ck_assert_uint_eq(count("mgt2", PLANNER_FIXED), 1);
	ck_assert_uint_eq(survey_odd(survey, &why), 1);
	ck_assert_msg(strstr(why, "n1 is in too many groups"), "%s", why);
	finish();
}
END_TEST

TCase *survey_case(void)
{
	TCase *t = tcase_create("survey");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, nothing_moves_while_all_managers_are_there);
	tcase_add_test(t, the_nodes_of_a_member_that_is_gone_are_spread);
	tcase_add_test(t, a_name_of_no_member_is_a_manager_that_is_gone_since_ever);
	tcase_add_test(t, nodes_of_a_member_that_there_was_no_room_for_stay);
	tcase_add_test(t, what_is_left_of_a_failover_is_moved_at_once_after_a_listing);
	tcase_add_test(t, a_member_that_came_back_is_held_down_also_after_a_listing);
	tcase_add_test(t, nodes_are_told_by_verdict_in_natural_order);
	tcase_add_test(t, what_would_happen_without_a_member_is_told);
	tcase_add_test(t, a_drain_may_be_tried);
	tcase_add_test(t, who_is_no_member_is_refused_by_name);
	tcase_add_test(t, without_a_database_there_is_none);
	tcase_add_test(t, candidates_that_cannot_be_understood_are_told);
	tcase_add_test(t, evening_out_keeps_to_the_ceiling);
	tcase_add_test(t, a_new_copy_in_between_begins_it_anew);
	tcase_add_test(t, a_node_of_too_many_groups_to_be_moved_is_told_and_stays);
	return t;
}
