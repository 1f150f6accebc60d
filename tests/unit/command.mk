# Unit tests of command.
check_PROGRAMS += tests/unit/test_command
TESTS += tests/unit/test_command
tests_unit_test_command_SOURCES = tests/unit/test_command.c tests/lib/suite.h
tests_unit_test_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A request without a client: what would be sent is kept.
tests_unit_test_command_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=api_request_watch \
	-Wl,--wrap=api_request_error
tests_unit_test_command_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
