check_PROGRAMS += tests/unit/test_app
TESTS += tests/unit/test_app
tests_unit_test_app_SOURCES = tests/unit/test_app.c tests/unit/test_app_install.c \
	tests/unit/test_app_roll.c tests/unit/test_app.h tests/lib/suite.h
tests_unit_test_app_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# The calls that change the disk are counted, so that a test can end the process at each of them.
tests_unit_test_app_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=rename -Wl,--wrap=link -Wl,--wrap=unlink \
	-Wl,--wrap=fsync -Wl,--wrap=mkdir -Wl,--wrap=rmdir
tests_unit_test_app_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_writer
TESTS += tests/unit/test_app_writer
tests_unit_test_app_writer_SOURCES = tests/unit/test_app_writer.c tests/unit/test_app_writer_plan.c \
	tests/unit/test_app_writer_plans.c tests/unit/test_app_writer_values.c \
	tests/unit/test_app_writer_slot.c tests/unit/test_app_writer.h \
	tests/unit/test_app_kv.c tests/unit/test_app_kv.h \
	tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_app_writer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_writer_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_replica
TESTS += tests/unit/test_app_replica
tests_unit_test_app_replica_SOURCES = tests/unit/test_app_replica.c \
	tests/unit/test_app_replica_disk.c tests/unit/test_app_replica.h tests/lib/suite.h
tests_unit_test_app_replica_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_replica_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_keyring
TESTS += tests/unit/test_app_keyring
tests_unit_test_app_keyring_SOURCES = tests/unit/test_app_keyring.c tests/lib/suite.h
tests_unit_test_app_keyring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_keyring_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_others
TESTS += tests/unit/test_app_others
tests_unit_test_app_others_SOURCES = tests/unit/test_app_others.c tests/lib/suite.h
tests_unit_test_app_others_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_others_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_mover
TESTS += tests/unit/test_app_mover
tests_unit_test_app_mover_SOURCES = tests/unit/test_app_mover.c tests/unit/test_app_mover_faults.c \
	tests/unit/test_app_mover_world.c tests/unit/test_app_mover.h tests/unit/test_app_survey.c \
	tests/unit/test_app_kv.c tests/unit/test_app_kv.h \
	tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_app_mover_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_mover_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_app_orders
TESTS += tests/unit/test_app_orders
tests_unit_test_app_orders_SOURCES = tests/unit/test_app_orders.c tests/unit/test_app_history.c \
	tests/unit/test_app_order_change.c tests/unit/test_app_orders.h \
	tests/unit/test_app_kv.c tests/unit/test_app_kv.h \
	tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_app_orders_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A member that is what the test says.
tests_unit_test_app_orders_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=member_prefix \
	-Wl,--wrap=member_etcd -Wl,--wrap=member_quorum -Wl,--wrap=member_fence \
	-Wl,--wrap=member_expect
tests_unit_test_app_orders_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

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

check_PROGRAMS += tests/unit/test_app_tell
TESTS += tests/unit/test_app_tell
tests_unit_test_app_tell_SOURCES = tests/unit/test_app_tell.c tests/lib/suite.h
tests_unit_test_app_tell_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_tell_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
