# unit tests of enroll
ENROLL_TESTS = tests/unit/test_enroll_book tests/unit/test_enroll_message
check_PROGRAMS += $(ENROLL_TESTS)
TESTS += $(ENROLL_TESTS)
ENROLL_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
ENROLL_TEST_LDADD = agent/enroll/libenroll.a agent/trust/libtrust.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(CRYPTO_LIBS) $(UNIT_LDADD)
tests_unit_test_enroll_book_SOURCES = tests/unit/test_enroll_book.c tests/lib/suite.h
tests_unit_test_enroll_book_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_book_LDADD = $(ENROLL_TEST_LDADD)
tests_unit_test_enroll_message_SOURCES = tests/unit/test_enroll_message.c tests/lib/suite.h
tests_unit_test_enroll_message_CFLAGS = $(ENROLL_TEST_CFLAGS)
tests_unit_test_enroll_message_LDADD = $(ENROLL_TEST_LDADD)
