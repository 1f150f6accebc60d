# unit tests of store
check_PROGRAMS += tests/unit/test_store tests/unit/test_store_damage
TESTS += tests/unit/test_store tests/unit/test_store_damage
STORE_TEST_LIBS = agent/store/libstore.a agent/base/libbase.a $(LMDB_LIBS)

tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/test_store_help.c \
	tests/unit/test_store_help.h tests/lib/suite.h
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_store_LDADD = $(STORE_TEST_LIBS) $(UNIT_LDADD)

tests_unit_test_store_damage_SOURCES = tests/unit/test_store_damage.c \
	tests/unit/test_store_help.c tests/unit/test_store_help.h tests/lib/suite.h
tests_unit_test_store_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_store_damage_LDADD = $(STORE_TEST_LIBS) $(UNIT_LDADD)
