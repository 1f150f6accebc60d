#ifndef TESTS_UNIT_TEST_RECORD_H
#define TESTS_UNIT_TEST_RECORD_H

#include <check.h>

TCase *orders_case(void);
TCase *history_case(void);

#endif
