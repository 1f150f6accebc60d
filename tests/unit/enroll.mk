# unit tests of enroll
ENROLL_TESTS = tests/unit/test_enroll_book tests/unit/test_enroll_message \
	tests/unit/test_enroll_join tests/unit/test_enroll_hostile tests/unit/test_enroll_fakes
check_PROGRAMS += $(ENROLL_TESTS)
TESTS += $(ENROLL_TESTS)
ENROLL_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SSL_CFLAGS)
ENROLL_PURE_LDADD = agent/enroll/libenroll.a agent/trust/libtrust.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(CRYPTO_LIBS) $(UNIT_LDADD)
ENROLL_IO_LDADD = agent/enroll/libenroll.a agent/trust/libtrust.a agent/io/libio.a \
	agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(IO_LIBS) $(UNIT_LDADD)
ENROLL_WORLD = tests/unit/test_enroll_world.c tests/unit/test_enroll_world.h tests/lib/suite.h
tests_unit_test_enroll_book_SOURCES = tests/unit/test_enroll_book.c \
	tests/unit/test_enroll_book_file.c tests/unit/test_enroll_book.h tests/lib/suite.h
tests_unit_test_enroll_book_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_book_LDADD = $(ENROLL_IO_LDADD)
tests_unit_test_enroll_message_SOURCES = tests/unit/test_enroll_message.c tests/lib/suite.h
tests_unit_test_enroll_message_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_message_LDADD = $(ENROLL_PURE_LDADD)
tests_unit_test_enroll_join_SOURCES = tests/unit/test_enroll_join.c \
	tests/unit/test_enroll_join_disk.c tests/unit/test_enroll_join.h $(ENROLL_WORLD)
tests_unit_test_enroll_join_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_join_LDADD = $(ENROLL_IO_LDADD)
tests_unit_test_enroll_hostile_SOURCES = tests/unit/test_enroll_hostile.c $(ENROLL_WORLD)
tests_unit_test_enroll_hostile_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_hostile_LDADD = $(ENROLL_IO_LDADD)
tests_unit_test_enroll_fakes_SOURCES = tests/unit/test_enroll_fakes.c $(ENROLL_WORLD)
tests_unit_test_enroll_fakes_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_fakes_LDADD = $(ENROLL_IO_LDADD)
