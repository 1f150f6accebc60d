# Unit tests of app.
check_PROGRAMS += tests/unit/test_app_mover
TESTS += tests/unit/test_app_mover
tests_unit_test_app_mover_SOURCES = tests/unit/test_app_mover.c tests/unit/test_app_mover_faults.c \
	tests/unit/test_app_mover_world.c tests/unit/test_app_mover.h tests/unit/test_app_survey.c \
	tests/unit/test_etcd_kv.c tests/unit/test_etcd_kv.h \
	tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_app_mover_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_mover_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_managers
TESTS += tests/unit/test_app_managers
tests_unit_test_app_managers_SOURCES = tests/unit/test_app_managers.c tests/lib/suite.h
tests_unit_test_app_managers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_managers_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_hooks
TESTS += tests/unit/test_app_hooks
tests_unit_test_app_hooks_SOURCES = tests/unit/test_app_hooks.c tests/lib/suite.h
tests_unit_test_app_hooks_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_hooks_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_events
TESTS += tests/unit/test_app_events
tests_unit_test_app_events_SOURCES = tests/unit/test_app_events.c tests/lib/suite.h
tests_unit_test_app_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A member and a copy that are what the test says.
tests_unit_test_app_events_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=member_name \
	-Wl,--wrap=member_roster -Wl,--wrap=member_quorum -Wl,--wrap=member_leads \
	-Wl,--wrap=member_replica -Wl,--wrap=replica_db -Wl,--wrap=replica_revision \
	-Wl,--wrap=replica_age -Wl,--wrap=replica_listen
tests_unit_test_app_events_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
