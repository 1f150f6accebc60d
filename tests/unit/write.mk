# Unit tests of write.
check_PROGRAMS += tests/unit/test_write
TESTS += tests/unit/test_write
tests_unit_test_write_SOURCES = tests/unit/test_write.c tests/unit/test_write_plan.c \
	tests/unit/test_write_plans.c tests/unit/test_write_values.c \
	tests/unit/test_write_slot.c tests/unit/test_write.h \
	tests/unit/test_etcd_kv.c tests/unit/test_etcd_kv.h \
	tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h tests/lib/suite.h
tests_unit_test_write_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_write_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
