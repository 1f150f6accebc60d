/* The two halves of the planner's tests. */
#ifndef TESTS_UNIT_TEST_CORE_PLANNER_H
#define TESTS_UNIT_TEST_CORE_PLANNER_H

#include <check.h>

TCase *balance_case(void);

#endif
