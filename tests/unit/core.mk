# unit tests of core
check_PROGRAMS += tests/unit/test_core
TESTS += tests/unit/test_core
tests_unit_test_core_SOURCES = \
	tests/unit/test_core.c tests/unit/test_core.h \
	tests/unit/test_core_coord.c \
	tests/unit/test_core_leader.c \
	tests/unit/test_core_lease.c \
	tests/unit/test_core_membership.c \
	tests/unit/test_core_rig.c \
	tests/unit/test_core_roster.c \
	tests/unit/test_core_sm.c \
	tests/unit/test_core_tenure.c \
	tests/lib/suite.h
tests_unit_test_core_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_LDADD = agent/core/libcore.a agent/base/libbase.a $(UNIT_LDADD)
