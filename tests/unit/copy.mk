# Unit tests of copy.
check_PROGRAMS += tests/unit/test_copy
TESTS += tests/unit/test_copy
tests_unit_test_copy_SOURCES = tests/unit/test_copy.c \
	tests/unit/test_copy_disk.c tests/unit/test_copy.h tests/lib/suite.h
tests_unit_test_copy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_copy_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_copy_others
TESTS += tests/unit/test_copy_others
tests_unit_test_copy_others_SOURCES = tests/unit/test_copy_others.c tests/lib/suite.h
tests_unit_test_copy_others_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_copy_others_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
