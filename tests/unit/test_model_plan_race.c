/*
 * Plans of two and more members that see each other's writes late, in any order: nothing is lost, left
 * over or torn, and what comes out is what one after the other would have made of it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "core/prng.h"
#include "tests/unit/test_model_plan.h"

#define OUT_MAX 3

struct actor {
	struct member member;
	struct plan *plan;
	struct plan_unit *out[OUT_MAX];
	unsigned n_out;
	bool done;
};

/* ---- what must hold after each transaction ---- */

static bool listed(const char *list, const char *group)
{
	size_t len = strlen(group);

	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		if (strcspn(list, ",") == len && memcmp(list, group, len) == 0)
			return true;
	}
	return false;
}

static void check_list(const struct world *w, const char *node, const char *list)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		CLEANUP(freep)
		char *key = xasprintf("groups/%.*s/noderange", (int)strcspn(list, ","), list);
		const char *noderange = world_value(w, key);

		ck_assert_msg(noderange != NULL, "%s lists what %s should have", node, key);
		ck_assert_msg(!*noderange || text_starts(noderange, DB_LEAVING),
			"%s lists what has %s=%s", node, key, noderange);
	}
}

static void check_world(const struct world *w)
{
	for (size_t i = 0; i < w->n_entries; i++) {
		const char *key = w->entries[i].key, *name = strchr(key, '/') + 1;
		CLEANUP(freep)
		char *owner = xasprintf("%.*s/%s", (int)(strchr(name, '/') - key), key,
			*key == 'n' ? "groups" : "noderange");

		ck_assert_msg(world_value(w, owner) != NULL, "%s without %s", key, owner);
		if (*key == 'n' && text_eq(strchr(name, '/'), "/groups"))
			check_list(w, key, w->entries[i].value);
	}
}

/* ---- taking turns ---- */

static void end_unit(struct world *w, struct actor *a, unsigned which)
{
	struct plan_unit *unit = a->out[which];

	a->out[which] = a->out[--a->n_out];
	if (world_commit(w, unit))
		plan_applied(a->plan, unit, w->revision);
	else
		plan_again(a->plan, unit, w->revision);
	check_world(w);
}

static void see_some(const struct world *w, struct actor *a, struct prng *p)
{
	int64_t now = db_revision(a->member.db);

	member_see(&a->member, w, now + (int64_t)prng_below(p, (uint64_t)(w->revision - now) + 1));
}

static void take_turn(struct world *w, struct actor *a, struct prng *p)
{
	struct plan_unit *unit;

	switch (prng_below(p, 4)) {
	case 0:
		see_some(w, a, p);
		break;
	case 1:
		if (a->n_out > 0)
			end_unit(w, a, (unsigned)prng_below(p, a->n_out));
		break;
	default:
		if (a->n_out == OUT_MAX)
			break;
		switch (plan_next(a->plan, a->member.db, &unit)) {
		case PLAN_UNIT:
			a->out[a->n_out++] = unit;
			break;
		case PLAN_WAIT:
		case PLAN_MORE:
			break;
		case PLAN_DONE:
			ck_assert_uint_eq(a->n_out, 0);
			a->done = true;
			break;
		}
	}
}

/* Until all are done; frees the plans. */
static void race(struct world *w, struct actor *actors, size_t n, uint64_t seed)
{
	struct prng p = {seed};
	size_t left = n;

	for (size_t i = 0; i < n; i++) {
		int64_t wanted = (int64_t)plan_wants_numbers(actors[i].plan);

		plan_give_numbers(actors[i].plan, w->next_index);
		w->next_index += wanted;
	}
	for (unsigned turn = 0; left > 0; turn++) {
		struct actor *a = &actors[prng_below(&p, n)];

		ck_assert_uint_lt(turn, 100000);
		if (a->done)
			continue;
		take_turn(w, a, &p);
		left -= a->done;
	}
}

static void actors_done(struct actor *actors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		plan_free(actors[i].plan);
		member_done(&actors[i].member);
	}
}

/* ---- pairs ---- */

enum request { SET, CREATE, DELETE, RENAME, GROUP, GROUP_CREATE, GROUP_DELETE, GROUP_RENAME };
static const struct {
	enum request request;
	const char *object, *name;
	enum plan_how how;
	const char *value;
} requests[] = {
	{SET, "n1", "location.u", PLAN_TYPED, "1"},
	{SET, "n1", "location.u", PLAN_TYPED, "2"},
	{SET, "n1", "location.room", PLAN_CLEAR, ""},
	{SET, "n1", "location.*", PLAN_TYPED, "p"},
	{SET, "n1", "secret.ipmikg", PLAN_TYPED, "s"},
	{SET, "n1", "groups", PLAN_PREPEND, "g2"},
	{SET, "n1", "groups", PLAN_REMOVE, "g1"},
	{SET, "n1", "groups", PLAN_LIST, "g2,g1"},
	{SET, "n3", "groups", PLAN_PREPEND, "g1"},
	{SET, "n3", "groups", PLAN_LIST, "g3,g1"},
	{CREATE, "n9", "groups", PLAN_TYPED, "g1"},
	{CREATE, "n9", "groups", PLAN_TYPED, "g2,g3"},
	{CREATE, "m1", "location.u", PLAN_TYPED, "new"},
	{DELETE, "n1", NULL, PLAN_TYPED, NULL},
	{RENAME, "n1", "m1", PLAN_TYPED, NULL},
	{RENAME, "n1", "m2", PLAN_TYPED, NULL},
	{RENAME, "n3", "m1", PLAN_TYPED, NULL},
	{GROUP, "g1", "location.row", PLAN_TYPED, "r"},
	{GROUP, "g1", "nodes", PLAN_REMOVE, "n1"},
	{GROUP, "g1", "nodes", PLAN_PREPEND, "n3"},
	{GROUP, "g3", "nodes", PLAN_PREPEND, "n1"},
	{GROUP, "g3", "noderange", PLAN_TYPED, "n1"},
	{GROUP, "g3", "location.u", PLAN_TYPED, "3"},
	{GROUP, "dyn", "noderange", PLAN_CLEAR, ""},
	{GROUP, "dyn", "noderange", PLAN_TYPED, "n2"},
	{GROUP_CREATE, "g4", "location.u", PLAN_TYPED, "4"},
	{GROUP_CREATE, "g4", "nodes", PLAN_TYPED, "n3"},
	{GROUP_CREATE, "g4", "noderange", PLAN_TYPED, "n3"},
	{GROUP_DELETE, "g1", NULL, PLAN_TYPED, NULL},
	{GROUP_DELETE, "g3", NULL, PLAN_TYPED, NULL},
	{GROUP_DELETE, "dyn", NULL, PLAN_TYPED, NULL},
	{GROUP_RENAME, "g1", "g4", PLAN_TYPED, NULL},
	{GROUP_RENAME, "g1", "g5", PLAN_TYPED, NULL},
	{GROUP_RENAME, "g2", "g4", PLAN_TYPED, NULL},
	{GROUP_RENAME, "dyn", "g4", PLAN_TYPED, NULL},
};
#define N_REQUESTS ARRAY_SIZE(requests)

static struct plan *make_plan(const struct db *db, size_t i)
{
	const struct plan_change change = {requests[i].name, requests[i].how, requests[i].value};
	const char *object = requests[i].object, *name = requests[i].name;
	struct plan *plan = NULL;
	int rc = 0;

	switch (requests[i].request) {
	case SET:
		rc = plan_new_node_set(&plan, db, object, &change, 1, NULL);
		break;
	case CREATE:
		rc = plan_new_node_create(&plan, db, object, true, &change, 1, NULL);
		break;
	case DELETE:
		rc = plan_new_node_delete(&plan, db, object, NULL);
		break;
	case RENAME:
		rc = plan_new_node_rename(&plan, db, object, name, NULL);
		break;
	case GROUP:
		rc = plan_new_group_set(&plan, db, object, &change, 1, NULL);
		break;
	case GROUP_CREATE:
		rc = plan_new_group_create(&plan, db, object, &change, 1, NULL);
		break;
	case GROUP_DELETE:
		rc = plan_new_group_delete(&plan, db, object, NULL);
		break;
	case GROUP_RENAME:
		rc = plan_new_group_rename(&plan, db, object, name, NULL);
		break;
	}
	ck_assert_int_eq(rc == 0, plan != NULL);
	return plan;
}

static const char *const furniture[][2] = {
	{"groups/g1/noderange", ""},
	{"groups/g1/location.rack", "1"},
	{"groups/g2/noderange", ""},
	{"groups/g3/noderange", ""},
	{"groups/dyn/noderange", "n1"},
	{"nodes/n1/groups", "g1"},
	{"nodes/n1/id.index", "1"},
	{"nodes/n1/location.room", "x"},
	{"nodes/n2/groups", "g2,g1"},
	{"nodes/n2/id.index", "2"},
	{"nodes/n3/groups", ""},
	{"nodes/n3/id.index", "3"},
};

static void furnish(struct world *w)
{
	w->next_index = 4;
	for (size_t i = 0; i < ARRAY_SIZE(furniture); i++)
		world_put(w, furniture[i][0], furniture[i][1]);
}

/* All keys, without the numbers of nodes. */
static char *picture(struct world *w)
{
	for (size_t i = 0; i < w->n_entries; i++) {
		if (strstr(w->entries[i].key, "/id.index"))
			w->entries[i].value[0] = '\0';
	}
	return world_below(w, "");
}

/* What one after the other makes of it. */
static char *in_order(size_t first, size_t second)
{
	const size_t order[] = {first, second}; /* N_REQUESTS: nothing */
	WORLD(w, m);

	furnish(&w);
	member_see(&m, &w, w.revision);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct plan *plan = order[i] < N_REQUESTS ? make_plan(m.db, order[i]) : NULL;

		if (plan)
			run(&w, &m, plan);
		plan_free(plan);
	}
	return picture(&w);
}

/* What two requests come to: one after the other, and each alone. */
struct pair {
	size_t at[2];
	char *forth, *back, *alone[2];
};

static void pair_init(struct pair *pair, size_t one, size_t other)
{
	*pair = (struct pair){.at = {one, other},
		.forth = in_order(one, other),
		.back = in_order(other, one),
		.alone = {in_order(one, N_REQUESTS), in_order(other, N_REQUESTS)}};
}

static void pair_done(struct pair *pair)
{
	free(pair->forth);
	free(pair->back);
	free(pair->alone[0]);
	free(pair->alone[1]);
}

/* A plan that could not be carried out says so, and then counts as if it had not been there; one of
 * several objects may be carried out in part, which no order of whole plans has to explain. */
static void check_pair(
	struct world *w, struct actor actors[2], const struct pair *pair, uint64_t seed)
{
	CLEANUP(freep) char *got = picture(w);

	for (size_t i = 0; i < 2; i++) {
		struct plan_outcome outcome;

		plan_outcome(actors[i].plan, &outcome);
		if (outcome.why && (outcome.applied > 0 || text_eq(got, pair->alone[1 - i])))
			return;
	}
	ck_assert_msg(text_eq(got, pair->forth) || text_eq(got, pair->back),
		"requests %zu and %zu, seed %llu:\n%s\nneither\n%s\nnor\n%s", pair->at[0],
		pair->at[1], (unsigned long long)seed, got, pair->forth, pair->back);
}

static void race_pair(const struct pair *pair, uint64_t seed)
{
	CLEANUP(world_done) struct world w = {.next_index = 1};
	struct actor actors[2] = {{.n_out = 0}, {.n_out = 0}};

	furnish(&w);
	for (size_t i = 0; i < 2; i++) {
		member_init(&actors[i].member);
		member_see(&actors[i].member, &w, w.revision);
		actors[i].plan = make_plan(actors[i].member.db, pair->at[i]);
		ck_assert_ptr_nonnull(actors[i].plan);
	}
	race(&w, actors, 2, seed);
	check_pair(&w, actors, pair, seed);
	actors_done(actors, 2);
}

START_TEST(two_at_once_are_one_after_the_other)
{
	for (size_t other = (size_t)_i; other < N_REQUESTS; other++) {
		CLEANUP(pair_done) struct pair pair;

		pair_init(&pair, (size_t)_i, other);
		for (uint64_t seed = 1; seed <= 10; seed++)
			race_pair(&pair, seed * 1000 + other);
	}
}
END_TEST

/* ---- crowds ---- */

static struct plan *change_all(const struct db *db, enum plan_how how, const char *group)
{
	const struct plan_change change = {"groups", how, group};
	struct plan *plan;

	ck_assert_int_eq(plan_new_node_set(&plan, db, "n1-n8", &change, 1, NULL), 0);
	return plan;
}

START_TEST(no_change_of_groups_gets_lost)
{
	CLEANUP(world_done) struct world w = {.next_index = 1};
	struct actor actors[5] = {{.n_out = 0}};
	struct plan_outcome outcome;
	struct plan *plan;
	char name[64];

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "groups/g%d/noderange", i);
		world_put(&w, name, "");
	}
	for (int i = 1; i <= 8; i++) {
		snprintf(name, sizeof(name), "nodes/n%d/groups", i);
		world_put(&w, name, "g2,g3");
	}
	for (size_t i = 0; i < 5; i++) {
		struct db *db;

		member_init(&actors[i].member);
		db = actors[i].member.db;
		member_see(&actors[i].member, &w, w.revision);
		if (i < 2)
			plan = change_all(db, PLAN_PREPEND, i ? "g1" : "g0");
		else if (i == 2)
			plan = change_all(db, PLAN_REMOVE, "g2");
		else if (i == 3)
			ck_assert_int_eq(plan_new_group_delete(&plan, db, "g3", NULL), 0);
		else
			ck_assert_int_eq(
				plan_new_node_rename(&plan, db, "n1-n4", "m{n1}", NULL), 0);
		actors[i].plan = plan;
	}
	race(&w, actors, 5, (uint64_t)_i + 1);
	for (size_t i = 2; i < 5; i++) {
		plan_outcome(actors[i].plan, &outcome);
		ck_assert_msg(i == 2 || !outcome.why, "%zu: %s", i, outcome.why);
	}
	for (int i = 5; i <= 8; i++) {
		const char *list;

		snprintf(name, sizeof(name), "nodes/n%d/groups", i);
		list = world_value(&w, name);
		ck_assert_msg(list && listed(list, "g0") && listed(list, "g1") &&
				      !listed(list, "g2") && !listed(list, "g3"),
			"n%d: %s", i, list);
	}
	for (int i = 1; i <= 4; i++) {
		snprintf(name, sizeof(name), "nodes/m%d/groups", i);
		ck_assert_ptr_nonnull(world_value(&w, name));
		ck_assert(!listed(world_value(&w, name), "g3"));
	}
	assert_key(&w, "groups/g3/noderange", NULL);
	actors_done(actors, 5);
}
END_TEST

void add_race_cases(Suite *suite)
{
	TCase *tc = tcase_create("races");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, two_at_once_are_one_after_the_other, 0, (int)N_REQUESTS);
	tcase_add_loop_test(tc, no_change_of_groups_gets_lost, 0, 40);
	suite_add_tcase(suite, tc);
}
