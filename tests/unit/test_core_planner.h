/* The parts of the planner's tests. */
#ifndef TESTS_UNIT_TEST_CORE_PLANNER_H
#define TESTS_UNIT_TEST_CORE_PLANNER_H

#include <check.h>

TCase *laws_case(void);
TCase *balance_case(void);

#endif
