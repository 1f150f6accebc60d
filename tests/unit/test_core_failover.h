/* The parts of the tests of the leader's work on managers. */
#ifndef TESTS_UNIT_TEST_CORE_FAILOVER_H
#define TESTS_UNIT_TEST_CORE_FAILOVER_H

#include <check.h>

TCase *failover_changes_case(void);
TCase *failover_world_case(void);

#endif
