/*
 * What the tests of both ends of an enrolment share: two joiners, a token, and what became of them.
 */
#ifndef TESTS_UNIT_TEST_ENROLL_JOIN_H
#define TESTS_UNIT_TEST_ENROLL_JOIN_H

#include <check.h>

#include "tests/unit/test_enroll_world.h"

#define HOUR (3600 * USEC_PER_SEC)

extern struct joiner j, k;
extern char *token;

/* After world_setup(). */
void teardown(void);
void assert_in(struct joiner *joiner);
void assert_out(struct joiner *joiner, int rc, const char *part);
struct invitation first_invitation(void);

TCase *join_disk_case(void);

#endif
