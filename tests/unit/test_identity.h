#ifndef TESTS_UNIT_TEST_IDENTITY_H
#define TESTS_UNIT_TEST_IDENTITY_H

#include <check.h>

TCase *install_case(void);

#endif
