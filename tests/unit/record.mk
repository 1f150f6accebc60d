# Unit tests of record.
check_PROGRAMS += tests/unit/test_record
TESTS += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c tests/unit/test_record.h \
	tests/unit/test_record_orders.c tests/unit/test_record_history.c tests/unit/test_fixture.c \
	tests/unit/test_fixture.h tests/lib/suite.h
tests_unit_test_record_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_record_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
