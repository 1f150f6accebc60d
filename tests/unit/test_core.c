/*
 * Unit tests of the coordination core, in virtual time.
 */
#include "config.h"

#include "tests/unit/test_core.h"

#include "tests/lib/suite.h"

static Suite *core_suite(void)
{
	Suite *suite = suite_create("core");

	suite_add_tcase(suite, core_sm_case());
	suite_add_tcase(suite, core_lease_case());
	suite_add_tcase(suite, core_roster_case());
	suite_add_tcase(suite, core_membership_case());
	suite_add_tcase(suite, core_leader_case());
	suite_add_tcase(suite, core_tenure_case());
	suite_add_tcase(suite, core_coord_case());
	return suite;
}

SUITE_MAIN(core_suite)
