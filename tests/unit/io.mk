check_PROGRAMS += tests/unit/test_io_loop
TESTS += tests/unit/test_io_loop
IO_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
IO_TEST_LDADD = agent/io/libio.a agent/base/libbase.a $(IO_LIBS) $(UNIT_LDADD)
tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c tests/lib/suite.h
tests_unit_test_io_loop_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_loop_LDADD = $(IO_TEST_LDADD)
