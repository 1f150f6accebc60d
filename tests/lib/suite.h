/*
 * What each Check program shares: one suite, one summary line ("100%: Checks: N, …") and an exit
 * status. A test program lists its cases and ends with SUITE_MAIN(suite_function).
 */
#ifndef TESTS_LIB_SUITE_H
#define TESTS_LIB_SUITE_H

#include <check.h>
#include <stdlib.h>

#define SUITE_MAIN(make_suite)                                                                     \
	int main(void)                                                                             \
	{                                                                                          \
		SRunner *runner = srunner_create(make_suite());                                    \
		int failed;                                                                        \
                                                                                                   \
		srunner_run_all(runner, CK_ENV);                                                   \
		failed = srunner_ntests_failed(runner);                                            \
		srunner_free(runner);                                                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

#endif
