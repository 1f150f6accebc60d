#ifndef TESTS_UNIT_TEST_APP_H
#define TESTS_UNIT_TEST_APP_H

#include <check.h>

TCase *install_case(void);
TCase *roll_case(void);

/* A fresh folder below /tmp, removed with all it holds by test_folder_remove(). */
char *test_folder_new(void);
void test_folder_remove(char *folder);

#endif
