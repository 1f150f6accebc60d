# Unit tests of member.
check_PROGRAMS += tests/unit/test_member
TESTS += tests/unit/test_member
tests_unit_test_member_SOURCES = tests/unit/test_member.c tests/unit/test_fixture.c \
	tests/unit/test_fixture.h tests/lib/suite.h
tests_unit_test_member_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_member_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
