/*
 * A member that leads, as its survey and its mover see it: a roster, a copy of a small etcd
 * (test_etcd_kv.h) that follows by a few milliseconds, orders and history. What member/member.h and
 * copy/replica.h would give is given here.
 */
#ifndef TESTS_UNIT_TEST_APP_MOVER_H
#define TESTS_UNIT_TEST_APP_MOVER_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/agent.h"
#include "app/mover.h"
#include "base/list.h"
#include "identity/identity.h"
#include "tests/unit/test_etcd_kv.h"

TCase *survey_case(void);
TCase *mover_case(void);
TCase *mover_fault_case(void);

#define PREFIX "/c/"

extern struct world {
	struct loop *loop;
	struct http *http;
	struct etcd *etcd;
	struct kv kv;
	struct agent agent;
	struct identity identity;
	struct roster *roster;
	struct db *db;
	struct db *next_db; /* takes its place after that many more looks */
	unsigned next_after;
	int64_t seen[KV_KEYS_MAX];
	struct list listeners;
	struct loop_timer *follow;
	bool lagging;	/* the copy stays as it is */
	bool following; /* another one leads */
	bool behind;	/* of the collective key */
	int64_t leader_rev, record_rev, active_rev;
	int64_t expected;
	int64_t revision; /* of the copy */
} world;

/* mgt1, which is this member, mgt2 and mgt3, all active; no nodes. */
void world_begin(void);
void world_end(void);
/* agent.mover */
void world_move(void);
/* A member comes or goes, now. */
void world_active(const char *name, bool active);
/* For so long that nobody expects it back. */
void world_gone(const char *name);
void world_delete(const char *name);
/* nodes n<first> to n<last>; manager and candidates NULL: none. */
void world_nodes(
	int first, int last, const char *groups, const char *manager, const char *candidates);
void world_group(const char *name, const char *manager, const char *candidates);
/* Of a node, as etcd has it; "" for none. */
const char *manager_of(int node);
/* How many of all nodes. */
unsigned managed_by(const char *manager);
/* The copy has all of etcd, in this turn. */
void world_sync(void);

/* Turns the loop until the condition holds; fails the test after some seconds. */
#define WAIT(condition)                                                                            \
	do {                                                                                       \
		for (int waited_ = 0; !(condition); waited_++) {                                   \
			if (waited_ == 8000)                                                       \
				ck_abort_msg("%s does not come", #condition);                      \
			run_for(world.loop, USEC_PER_MSEC);                                        \
		}                                                                                  \
	} while (0)
/* Until the machine is in this state and nothing is under way. */
void wait_state(const char *state);

#endif
