/*
 * One core in virtual time, and what it wants done as text.
 */
#ifndef TESTS_UNIT_TEST_ETCD_SYNC_CORE_H
#define TESTS_UNIT_TEST_ETCD_SYNC_CORE_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "etcd/sync_core.h"

#define SEC USEC_PER_SEC

static struct etcd_sync_core core;
static usec_t now;
static char told[1024];

/* The actions since the last time, as text. */
static inline const char *actions(void)
{
	static const char *const names[] = {"drop", "list", "watch", "check", "compare", "expect",
		"skip", "END", "LIVE", "LOST"};
	struct etcd_sync_action action;

	told[0] = '\0';
	while (etcd_sync_core_next(&core, &action)) {
		size_t len = strlen(told);

		snprintf(told + len, sizeof(told) - len, "%s%s %" PRId64, len ? ", " : "",
			names[action.kind], action.revision);
	}
	return told;
}

#define INPUT(...)	       etcd_sync_core_input(&core, now, &(struct etcd_sync_input){__VA_ARGS__})
#define ASSERT_ACTIONS(wanted) ck_assert_str_eq(actions(), wanted)

static inline void start(int64_t known)
{
	now = 1000 * SEC;
	etcd_sync_core_init(&core, now, 0, 0, known, 1);
}

/* Up to a live watch at revision 10. */
static inline void become_live(void)
{
	start(0);
	ASSERT_ACTIONS("list 0");
	INPUT(.kind = ETCD_SYNC_PAGE_DONE, .revision = 10, .sent_at = now);
	ASSERT_ACTIONS("END 10, watch 11");
	INPUT(.kind = ETCD_SYNC_CREATED, .revision = 10);
	ASSERT_ACTIONS("check 10");
	INPUT(.kind = ETCD_SYNC_CHECKED, .revision = 10);
	ASSERT_ACTIONS("LIVE 10");
	ck_assert_int_eq(core.state, ETCD_SYNC_LIVE);
}

/* To the next wake-up. */
static inline void sleep_on(void)
{
	ck_assert(etcd_sync_core_wakeup(&core) != USEC_NEVER);
	now = etcd_sync_core_wakeup(&core);
	INPUT(.kind = ETCD_SYNC_TICK);
}

#endif
