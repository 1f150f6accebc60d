/* What the tests of the leader's work on managers have in common. */
#include "config.h"

#include "tests/unit/test_core_failover_rig.h"

#include "tests/lib/suite.h"

struct failover *f;
struct failover_view view;
struct planner_move moves[FAILOVER_MOVES];
struct failover_action action;
usec_t now;

void failover_setup(void)
{
	now = MS(1000);
	f = failover_new(1, now, NULL, NULL);
	view = (struct failover_view){.acting = true, .live = true, .revision = 10, .serial = 1};
	for (uint32_t i = 0; i < FAILOVER_MOVES; i++)
		moves[i] = (struct planner_move){.node = i, .from = 1, .to = 2};
}

void failover_teardown(void)
{
	failover_free(f);
}

const char *state(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.state;
}

const char *reason(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.reason;
}

const char *trouble(void)
{
	struct sm_info info;

	failover_info(f, &info);
	return info.trouble;
}

void look(void)
{
	failover_look(f, now, &view);
}

/* What it wants now: "plan", "abandon", "batch", "" for nothing. */
const char *next(void)
{
	static const char *const kinds[] = {
		[FAILOVER_PLAN] = "plan",
		[FAILOVER_ABANDON] = "abandon",
		[FAILOVER_BATCH] = "batch",
	};

	return failover_next(f, now, &action) ? kinds[action.kind] : "";
}

void planned(size_t n)
{
	struct failover_plan plan = {.moves = moves,
		.n = n,
		.wakeup = USEC_NEVER,
		.revision = view.revision,
		.serial = view.serial};

	failover_planned(f, now, &plan);
}

void planned_later(usec_t wakeup)
{
	struct failover_plan plan = {
		.wakeup = wakeup, .revision = view.revision, .serial = view.serial};

	failover_planned(f, now, &plan);
}

/* The next batch, sent whole. Its lane. */
unsigned send(size_t first, size_t n)
{
	ck_assert_str_eq(next(), "batch");
	ck_assert_uint_eq(action.n, n);
	ck_assert_uint_eq(action.moves[0].node, first);
	failover_sent(f, now, action.lane, n);
	return action.lane;
}

void applied(unsigned lane, int64_t revision)
{
	failover_ended(f, now, lane, FAILOVER_APPLIED, revision, NULL);
}

void conflict(unsigned lane, int64_t revision)
{
	failover_ended(f, now, lane, FAILOVER_CONFLICT, revision, "somebody was faster");
}

/* A plan with n moves, and nothing else wanted. */
void plan(size_t n)
{
	ck_assert_str_eq(next(), "plan");
	ck_assert_str_eq(next(), "");
	planned(n);
}

void check_idle(const char *in)
{
	ck_assert_str_eq(next(), "");
	ck_assert(failover_wakeup(f) == USEC_NEVER);
	ck_assert_str_eq(state(), in);
}

void begin(size_t n)
{
	look();
	plan(n);
}
