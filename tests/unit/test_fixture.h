/* What the tests of several folders need: a folder to write to, a bundle. */
#ifndef TESTS_UNIT_TEST_FIXTURE_H
#define TESTS_UNIT_TEST_FIXTURE_H

#include "base/usec.h"
#include "trust/bundle.h"

#define TEST_NOW (1800000000 * USEC_PER_SEC)

/* A fresh folder below /tmp, removed with all it holds by test_folder_remove(). */
char *test_folder_new(void);
void test_folder_remove(char *folder);

/* Of a collective that was founded at TEST_NOW. */
struct bundle *test_bundle_new(void);

#endif
