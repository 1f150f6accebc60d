#ifndef TESTS_UNIT_TEST_LOG_H
#define TESTS_UNIT_TEST_LOG_H

#include <check.h>

TCase *roll_case(void);

#endif
