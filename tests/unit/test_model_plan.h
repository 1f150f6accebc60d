/*
 * A toy etcd and members that see it late, for plans.
 */
#ifndef TESTS_UNIT_TEST_MODEL_PLAN_H
#define TESTS_UNIT_TEST_MODEL_PLAN_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/db.h"
#include "model/plan.h"

struct entry {
	char *key, *value;
	int64_t mod_revision;
};

struct event {
	int64_t revision;
	char *key, *value; /* NULL: deleted */
};

struct world {
	struct entry *entries;
	size_t n_entries;
	struct event *events;
	size_t n_events;
	int64_t revision;
	int64_t next_index;
};

struct member {
	struct db *db;
	size_t at; /* events it has seen */
};

void world_done(struct world *w);
/* By foreign hands, in a revision of its own. */
void world_put(struct world *w, const char *key, const char *value);
void world_delete(struct world *w, const char *key);
const char *world_value(const struct world *w, const char *key); /* NULL: there is none */
/* "groups=rack1 id.index=1": what is below a prefix, sorted. New text. */
char *world_below(const struct world *w, const char *prefix);
/* A transaction: applied whole where its compares hold. */
bool world_commit(struct world *w, const struct plan_unit *unit);

void member_init(struct member *m);
void member_done(struct member *m);
void member_see(struct member *m, const struct world *w, int64_t revision);

/* Carries the plan out, alone, and frees it; fails the test where it is not applied whole. */
void carry_out(struct world *w, struct member *m, struct plan *plan);
/* The same, and whatever becomes of it; keeps the plan. */
void run(struct world *w, struct member *m, struct plan *plan);

/* One change, carried out. */
void set_node(struct world *w, struct member *m, const char *nodes, const char *name,
	enum plan_how how, const char *value);
void set_group(struct world *w, struct member *m, const char *group, const char *name,
	enum plan_how how, const char *value);
void make_nodes(struct world *w, struct member *m, const char *nodes, const char *groups);
void make_group(struct world *w, struct member *m, const char *group);

/* n1-n4 in rack1, n5 in nothing; rack1 has a room, dyn is dynamic. */
void furnish_nodes(struct world *w, struct member *m);

Suite *plan_suite(void);
void add_refused_cases(Suite *suite);
void add_group_cases(Suite *suite);
void add_race_cases(Suite *suite);

#define WORLD(w, m)                                                                                \
	CLEANUP(world_done) struct world w = {.next_index = 1};                                    \
	CLEANUP(member_done) struct member m;                                                      \
	member_init(&m)

#define assert_key(w, key, expected)                                                               \
	do {                                                                                       \
		const char *value_ = world_value((w), (key));                                      \
		const char *expected_ = (expected);                                                \
		if (expected_ == NULL)                                                             \
			ck_assert_msg(value_ == NULL, "%s is %s", (key), value_);                  \
		else                                                                               \
			ck_assert_msg(value_ &&strcmp(value_, expected_) == 0, "%s is %s, not %s", \
				(key), value_ ? value_ : "(none)", expected_);                     \
	} while (0)

#endif
