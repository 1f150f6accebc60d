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
check_PROGRAMS += tests/unit/test_core_rekey tests/unit/test_core_rekey_world
TESTS += tests/unit/test_core_rekey tests/unit/test_core_rekey_world
tests_unit_test_core_rekey_SOURCES = tests/unit/test_core_rekey.c tests/lib/suite.h
tests_unit_test_core_rekey_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_rekey_LDADD = agent/core/libcore.a agent/base/libbase.a $(UNIT_LDADD)
tests_unit_test_core_rekey_world_SOURCES = tests/unit/test_core_rekey_world.c \
	tests/unit/test_core_rekey_model.c tests/unit/test_core_rekey_model.h tests/lib/suite.h
tests_unit_test_core_rekey_world_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_rekey_world_LDADD = agent/core/libcore.a agent/base/libbase.a $(UNIT_LDADD)
check_PROGRAMS += tests/unit/test_core_planner
TESTS += tests/unit/test_core_planner
tests_unit_test_core_planner_SOURCES = tests/unit/test_core_planner.c \
	tests/unit/test_core_planner_laws.c tests/unit/test_core_balance.c \
	tests/unit/test_core_planner.h tests/lib/suite.h
tests_unit_test_core_planner_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_planner_LDADD = agent/core/libcore.a agent/base/libbase.a $(UNIT_LDADD)
check_PROGRAMS += tests/unit/test_core_failover
TESTS += tests/unit/test_core_failover
tests_unit_test_core_failover_SOURCES = tests/unit/test_core_failover.c \
	tests/unit/test_core_failover_changes.c \
	tests/unit/test_core_failover_rig.c tests/unit/test_core_failover_rig.h \
	tests/unit/test_core_failover_world.c tests/unit/test_core_failover.h tests/lib/suite.h
tests_unit_test_core_failover_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_failover_LDADD = agent/core/libcore.a agent/base/libbase.a $(UNIT_LDADD)
