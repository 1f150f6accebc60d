# Unit tests of command.
check_PROGRAMS += tests/unit/test_command
TESTS += tests/unit/test_command
tests_unit_test_command_SOURCES = tests/unit/test_command.c tests/lib/suite.h
tests_unit_test_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A request without a client: what would be sent is kept.
tests_unit_test_command_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=api_request_watch \
	-Wl,--wrap=api_request_error
tests_unit_test_command_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_command_tell
TESTS += tests/unit/test_command_tell
tests_unit_test_command_tell_SOURCES = tests/unit/test_command_tell.c tests/lib/suite.h
tests_unit_test_command_tell_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_command_tell_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_command_order_change
TESTS += tests/unit/test_command_order_change
tests_unit_test_command_order_change_SOURCES = tests/unit/test_command_order_change.c \
	tests/unit/test_etcd_kv.c tests/unit/test_etcd_kv.h tests/unit/test_etcd_fake.c \
	tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_command_order_change_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A member that is what the test says.
tests_unit_test_command_order_change_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=member_prefix \
	-Wl,--wrap=member_etcd -Wl,--wrap=member_quorum -Wl,--wrap=member_fence \
	-Wl,--wrap=member_expect
tests_unit_test_command_order_change_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
