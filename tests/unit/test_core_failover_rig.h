/* What the stepwise tests of the leader's work on managers have in common: a leader with a current
 * copy, at revision 10 of the database, and steps to drive it. */
#ifndef TESTS_UNIT_TEST_CORE_FAILOVER_RIG_H
#define TESTS_UNIT_TEST_CORE_FAILOVER_RIG_H

#include <check.h>

#include "core/failover.h"

#define MS(n)	       ((n)*USEC_PER_MSEC)
#define FAILOVER_MOVES 1000

extern struct failover *f;
extern struct failover_view view;
extern struct planner_move moves[FAILOVER_MOVES];
extern struct failover_action action; /* the last one */
extern usec_t now;

void failover_setup(void);
void failover_teardown(void);

const char *state(void);
const char *reason(void);
const char *trouble(void);
void look(void);
/* What it wants now: "plan", "abandon", "batch", "" for nothing. */
const char *next(void);
void planned(size_t n);
void planned_later(usec_t wakeup);
/* The next batch, sent whole. Its lane. */
unsigned send(size_t first, size_t n);
void applied(unsigned lane, int64_t revision);
void conflict(unsigned lane, int64_t revision);
/* A plan with n moves, and nothing else wanted. */
void plan(size_t n);
/* Looks, and is given a plan. */
void begin(size_t n);
/* In that state with nothing but events to wait for. */
void check_idle(const char *in);

#endif
