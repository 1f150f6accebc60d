/*
 * Claims: who gets which node, what becomes of the others, and races with whoever else writes.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"
#include "tests/unit/test_model_plan.h"

#define MANAGER	   "collective.manager"
#define CANDIDATES "collective.managercandidates"

static const char *const members[] = {"m1", "m2", "m3"};

static struct plan *claim(const struct db *db, const char *noderange, const char *member)
{
	struct err err = {""};
	struct plan *plan = NULL;
	int rc = plan_new_claim(&plan, db, noderange, member, members, ARRAY_SIZE(members), &err);

	ck_assert_msg(rc == 0, "%s", err.text);
	return plan;
}

static bool tell(const char *node, enum plan_claim end, const char *who, void *arg)
{
	static const char *const words[] = {
		"claimed", "own", "other", "no candidate", "gone", "failed"};

	ck_assert_int_eq(buf_printf(arg, "%s%s %s%s%s", ((struct buf *)arg)->len ? "; " : "", node,
				 words[end], *who ? " " : "", who),
		0);
	return true;
}

/* "n1 claimed; n2 other m2". New. */
static char *ends(const struct plan *plan)
{
	struct buf text = BUF_INIT(1 << 16);

	ck_assert_int_eq(buf_str(&text, ""), 0);
	plan_each_claim(plan, tell, &text);
	return buf_take(&text);
}

#define assert_ends(plan, expected)                                                                \
	do {                                                                                       \
		CLEANUP(freep) char *ends_ = ends(plan);                                           \
		ck_assert_str_eq(ends_, expected);                                                 \
	} while (0)

START_TEST(nodes_of_nobody_are_claimed)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct plan_outcome outcome;

	furnish_nodes(&w, &m);
	set_group(&w, &m, "rack1", MANAGER, PLAN_TYPED, "m3");
	set_node(&w, &m, "n2", MANAGER, PLAN_TYPED, "m1");
	set_node(&w, &m, "n3", MANAGER, PLAN_TYPED, "");
	plan = claim(m.db, "n1-n5", "m1");
	run(&w, &m, plan);
	assert_ends(plan, "n1 other m3; n2 own; n3 claimed; n4 other m3; n5 claimed");
	plan_outcome(plan, &outcome);
	ck_assert_uint_eq(outcome.wanted, 5);
	ck_assert_uint_eq(outcome.applied, 3);
	ck_assert_str_eq(outcome.why, "n1 is managed by m3");
	assert_key(&w, "nodes/n1/" MANAGER, NULL);
	assert_key(&w, "nodes/n3/" MANAGER, "m1");
	assert_key(&w, "nodes/n5/" MANAGER, "m1");
}
END_TEST

START_TEST(a_member_that_is_no_candidate_is_refused)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	furnish_nodes(&w, &m);
	set_group(&w, &m, "rack1", CANDIDATES, PLAN_TYPED, "m1-m2");
	set_node(&w, &m, "n2", CANDIDATES, PLAN_TYPED, "m2,m7");
	set_node(&w, &m, "n3", CANDIDATES, PLAN_TYPED, "(");
	set_node(&w, &m, "n4", CANDIDATES, PLAN_TYPED, "");
	plan = claim(m.db, "n1-n5", "m1");
	run(&w, &m, plan);
	assert_ends(plan,
		"n1 claimed; n2 no candidate m2,m7; n3 failed n3: candidates '(': Invalid syntax: "
		"a '(' without its ')' (at character 1); n4 claimed; n5 claimed");
}
END_TEST

START_TEST(who_is_no_member_is_nobodys_candidate)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	furnish_nodes(&w, &m);
	set_node(&w, &m, "n1", CANDIDATES, PLAN_TYPED, "~m,m9");
	plan = claim(m.db, "n1", "m9");
	run(&w, &m, plan);
	assert_ends(plan, "n1 no candidate ~m,m9");
}
END_TEST

START_TEST(a_manager_that_cannot_be_told_is_left)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	furnish_nodes(&w, &m);
	world_put(&w, "nodes/n1/" MANAGER, "{");
	member_see(&m, &w, w.revision);
	set_node(&w, &m, "n2", MANAGER, PLAN_TYPED, "m{{x}}");
	plan = claim(m.db, "n1,n2", "m1");
	run(&w, &m, plan);
	{
		CLEANUP(freep) char *said = ends(plan);

		ck_assert_msg(text_starts(said, "n1 failed n1: " MANAGER ": "), "%s", said);
		ck_assert_msg(strstr(said, "; n2 other m{x}") != NULL, "%s", said);
	}
	assert_key(&w, "nodes/n1/" MANAGER, "{");
}
END_TEST

START_TEST(braces_of_a_name_stand_for_themselves)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	furnish_nodes(&w, &m);
	plan = claim(m.db, "n1", "m{1}");
	run(&w, &m, plan);
	assert_key(&w, "nodes/n1/" MANAGER, "m{{1}}");
	ck_assert_str_eq(text_of(m.db, "n1", MANAGER), "m{1}");
}
END_TEST

START_TEST(a_noderange_that_is_none_is_refused)
{
	WORLD(w, m);
	struct plan *plan = NULL;
	struct err err = {""};

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_claim(&plan, m.db, "n1,n9", "m1", members, 3, &err), -ENOENT);
	ck_assert_str_eq(err.text,
		"Target not found - Invalid Noderange: n9 not a recognized node, group, or alias "
		"(at character 4)");
	ck_assert_ptr_null(plan);
	/* no nodes are no error */
	plan = claim(m.db, "g2", "m1");
	run(&w, &m, plan);
	assert_ends(plan, "");
	plan_free(plan);
}
END_TEST

START_TEST(other_plans_have_no_claims)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;

	furnish_nodes(&w, &m);
	ck_assert_int_eq(plan_new_node_delete(&plan, m.db, "n1", NULL), 0);
	assert_ends(plan, "");
}
END_TEST

/* ---- races ---- */

struct race {
	const char *key, *value; /* NULL: deleted */
	const char *before;	 /* what it was; NULL: nothing */
	const char *end;
	const char *manager;
};

static const struct race races[] = {
	{"nodes/n1/" MANAGER, "m2", NULL, "n1 other m2", "m2"},
	{"nodes/n1/" MANAGER, "m1", NULL, "n1 own", "m1"},
	{"nodes/n1/" MANAGER, "", NULL, "n1 claimed", "m1"},
	{"groups/rack1/" MANAGER, "m2", NULL, "n1 other m2", NULL},
	{"groups/everything/" MANAGER, "m2", NULL, "n1 other m2", NULL},
	{"nodes/n1/" CANDIDATES, "m2", NULL, "n1 no candidate m2", NULL},
	{"groups/rack1/" CANDIDATES, "m2", NULL, "n1 no candidate m2", NULL},
	{"groups/rack1/" CANDIDATES, "m2", "m1", "n1 no candidate m2", NULL},
	{"groups/rack1/" CANDIDATES, "m2-", "m1",
		"n1 failed n1: candidates 'm2-': m2- not valid: an end of the range is missing "
		"(at character 1)",
		NULL},
	{"groups/everything/" CANDIDATES, "m1,m2", "m1", "n1 claimed", "m1"},
	{"groups/everything/" CANDIDATES, NULL, "m1", "n1 claimed", "m1"},
	{"nodes/n1/groups", "g2", "rack1", "n1 claimed", "m1"},
	{"nodes/n1/groups", "owned", "rack1", "n1 other m3", NULL},
	{"nodes/n1/groups", NULL, "rack1", "n1 gone", NULL},
	/* another node's business */
	{"nodes/n2/" MANAGER, "m2", NULL, "n1 claimed", "m1"},
};

START_TEST(whoever_writes_in_between_wins)
{
	const struct race *race = &races[_i];
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct plan_unit *unit;

	furnish_nodes(&w, &m);
	make_group(&w, &m, "owned");
	set_group(&w, &m, "owned", MANAGER, PLAN_TYPED, "m3");
	if (race->before)
		world_put(&w, race->key, race->before);
	member_see(&m, &w, w.revision);
	plan = claim(m.db, "n1", "m1");
	ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_UNIT);
	if (race->value)
		world_put(&w, race->key, race->value);
	else
		world_delete(&w, race->key);
	if (world_commit(&w, unit)) {
		ck_assert_str_eq(race->key, "nodes/n2/" MANAGER);
		plan_applied(plan, unit, w.revision);
	} else {
		plan_again(plan, unit, w.revision);
		/* not before it has seen why */
		ck_assert_int_eq(plan_next(plan, m.db, &unit), PLAN_WAIT);
	}
	run(&w, &m, plan);
	assert_ends(plan, race->end);
	assert_key(&w, "nodes/n1/" MANAGER, race->manager);
}
END_TEST

START_TEST(of_two_who_claim_a_node_one_gets_it)
{
	WORLD(w, one);
	CLEANUP(member_done) struct member other;
	CLEANUP(plan_freep) struct plan *first = NULL;
	CLEANUP(plan_freep) struct plan *second = NULL;
	struct plan_unit *a, *b;

	member_init(&other);
	furnish_nodes(&w, &one);
	member_see(&other, &w, w.revision);
	first = claim(one.db, "n1", "m1");
	second = claim(other.db, "n1", "m2");
	ck_assert_int_eq(plan_next(first, one.db, &a), PLAN_UNIT);
	ck_assert_int_eq(plan_next(second, other.db, &b), PLAN_UNIT);
	ck_assert(world_commit(&w, b));
	plan_applied(second, b, w.revision);
	ck_assert(!world_commit(&w, a));
	plan_again(first, a, w.revision);
	run(&w, &one, first);
	run(&w, &other, second);
	assert_ends(first, "n1 other m2");
	assert_ends(second, "n1 claimed");
	assert_key(&w, "nodes/n1/" MANAGER, "m2");
}
END_TEST

struct claimer {
	struct plan *plan;
	struct plan_unit *out[3];
	unsigned n_out;
	bool done;
};

/* Takes another unit, or commits one of those it has out. */
static void act(struct claimer *claimer, struct world *w, struct member *m, uint64_t *seed)
{
	struct plan_unit *unit;
	unsigned which;

	if (claimer->n_out < ARRAY_SIZE(claimer->out)) {
		enum plan_step step = plan_next(claimer->plan, m->db, &unit);

		if (step == PLAN_UNIT)
			claimer->out[claimer->n_out++] = unit;
		claimer->done = step == PLAN_DONE;
		if (step == PLAN_WAIT && claimer->n_out == 0)
			member_see(m, w, w->revision);
		if (step == PLAN_UNIT)
			return;
	}
	if (claimer->n_out == 0)
		return;
	which = pick(seed, claimer->n_out);
	unit = claimer->out[which];
	claimer->out[which] = claimer->out[--claimer->n_out];
	if (world_commit(w, unit))
		plan_applied(claimer->plan, unit, w->revision);
	else
		plan_again(claimer->plan, unit, w->revision);
}

struct shares {
	const struct world *world;
	const char *member;
	size_t claimed, others;
};

static bool count_share(const char *node, enum plan_claim end, const char *who, void *arg)
{
	struct shares *shares = arg;
	CLEANUP(freep) char *key = xasprintf("nodes/%s/" MANAGER, node);
	const char *manager = world_value(shares->world, key);

	if (end == PLAN_CLAIMED) {
		ck_assert_str_eq(manager, shares->member);
		shares->claimed++;
	} else {
		ck_assert_int_eq(end, PLAN_CLAIM_OTHER);
		ck_assert_str_eq(manager, who);
		shares->others++;
	}
	return true;
}

/* Both look at the same copy, with units out in any order. */
START_TEST(two_claims_of_many_nodes_share_them)
{
	WORLD(w, m);
	struct claimer claimers[2] = {{NULL}, {NULL}};
	struct shares shares[2] = {{&w, members[0], 0, 0}, {&w, members[1], 0, 0}};
	uint64_t seed = (uint64_t)_i + 1;

	make_group(&w, &m, "g");
	make_nodes(&w, &m, "n1-n40", "g");
	for (unsigned i = 0; i < 2; i++)
		claimers[i].plan = claim(m.db, "n1-n40", members[i]);
	while (!claimers[0].done || !claimers[1].done) {
		if (pick(&seed, 4) == 0)
			member_see(&m, &w, w.revision);
		act(&claimers[pick(&seed, 2)], &w, &m, &seed);
	}
	for (unsigned i = 0; i < 2; i++) {
		plan_each_claim(claimers[i].plan, count_share, &shares[i]);
		plan_free(claimers[i].plan);
		ck_assert_uint_eq(shares[i].claimed + shares[i].others, 40);
		ck_assert_uint_gt(shares[i].claimed, 0);
	}
	ck_assert_uint_eq(shares[0].claimed, shares[1].others);
}
END_TEST

START_TEST(what_is_not_carried_out_says_why)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct plan_unit *units[4];

	furnish_nodes(&w, &m);
	plan = claim(m.db, "n1-n5", "m1");
	assert_ends(plan,
		"n1 failed it was not tried; n2 failed it was not tried; n3 failed it was not "
		"tried; n4 failed it was not tried; n5 failed it was not tried");
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(plan_next(plan, m.db, &units[i]), PLAN_UNIT);
	plan_lost(plan, units[0], PLAN_REFUSED, "no space");
	plan_lost(plan, units[1], PLAN_UNKNOWN, "no answer");
	plan_stop(plan, "shutting down");
	ck_assert(world_commit(&w, units[2]));
	plan_applied(plan, units[2], w.revision);
	plan_again(plan, units[3], w.revision);
	ck_assert_int_eq(plan_next(plan, m.db, &units[0]), PLAN_DONE);
	assert_ends(plan,
		"n1 failed no space; n2 failed no answer; n3 claimed; n4 failed shutting down; n5 "
		"failed shutting down");
}
END_TEST

START_TEST(a_node_in_too_many_groups_says_so)
{
	WORLD(w, m);
	CLEANUP(plan_freep) struct plan *plan = NULL;
	CLEANUP(buf_done) struct buf list = BUF_INIT(4096);
	CLEANUP(freep) char *said = NULL;

	make_nodes(&w, &m, "n1", NULL);
	for (unsigned i = 0; i < 60; i++)
		ck_assert_int_eq(buf_printf(&list, "%sg%u", i ? "," : "", i), 0);
	world_put(&w, "nodes/n1/groups", buf_cstr(&list));
	member_see(&m, &w, w.revision);
	plan = claim(m.db, "n1", "m1");
	run(&w, &m, plan);
	said = ends(plan);
	ck_assert_msg(text_starts(said, "n1 failed n1 is in too many groups"), "%s", said);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("claim");
	TCase *tc = tcase_create("claim");

	tcase_add_test(tc, nodes_of_nobody_are_claimed);
	tcase_add_test(tc, a_member_that_is_no_candidate_is_refused);
	tcase_add_test(tc, who_is_no_member_is_nobodys_candidate);
	tcase_add_test(tc, a_manager_that_cannot_be_told_is_left);
	tcase_add_test(tc, braces_of_a_name_stand_for_themselves);
	tcase_add_test(tc, a_noderange_that_is_none_is_refused);
	tcase_add_test(tc, other_plans_have_no_claims);
	tcase_add_loop_test(tc, whoever_writes_in_between_wins, 0, ARRAY_SIZE(races));
	tcase_add_test(tc, of_two_who_claim_a_node_one_gets_it);
	tcase_add_loop_test(tc, two_claims_of_many_nodes_share_them, 0, 50);
	tcase_add_test(tc, what_is_not_carried_out_says_why);
	tcase_add_test(tc, a_node_in_too_many_groups_says_so);
	suite_add_tcase(s, tc);
	return s;
}

SUITE_MAIN(suite)
