#ifndef TESTS_UNIT_TEST_APP_ORDERS_H
#define TESTS_UNIT_TEST_APP_ORDERS_H

#include <check.h>

TCase *history_case(void);
TCase *order_change_case(void);

#endif
