# Unit tests of log.
check_PROGRAMS += tests/unit/test_log
TESTS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/test_log.h \
	tests/unit/test_log_roll.c tests/lib/suite.h
tests_unit_test_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_log_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
