IO_TESTS = tests/unit/test_io_loop tests/unit/test_io_http tests/unit/test_io_stream \
	tests/unit/test_io_tls tests/unit/test_io_net tests/unit/test_io_https \
	tests/unit/test_io_child tests/unit/test_io_worker
check_PROGRAMS += $(IO_TESTS)
TESTS += $(IO_TESTS)
IO_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
IO_TEST_LDADD = agent/io/libio.a agent/base/libbase.a $(IO_LIBS) $(UNIT_LDADD)
IO_TEST_CERT = tests/unit/test_io_cert.c tests/unit/test_io_cert.h
tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c tests/lib/suite.h
tests_unit_test_io_loop_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_loop_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_http_SOURCES = tests/unit/test_io_http.c tests/unit/test_io_http_failures.c \
	tests/unit/test_io_http.h tests/lib/suite.h
tests_unit_test_io_http_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_http_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_stream_SOURCES = tests/unit/test_io_stream.c tests/lib/suite.h
tests_unit_test_io_stream_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_stream_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_tls_SOURCES = tests/unit/test_io_tls.c $(IO_TEST_CERT) tests/lib/suite.h
tests_unit_test_io_tls_CFLAGS = $(IO_TEST_CFLAGS) $(SSL_CFLAGS)
tests_unit_test_io_tls_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_net_SOURCES = tests/unit/test_io_net.c tests/lib/suite.h
tests_unit_test_io_net_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_net_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_https_SOURCES = tests/unit/test_io_https.c $(IO_TEST_CERT) tests/lib/suite.h
tests_unit_test_io_https_CFLAGS = $(IO_TEST_CFLAGS) $(SSL_CFLAGS) -pthread
tests_unit_test_io_https_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_child_SOURCES = tests/unit/test_io_child.c tests/lib/suite.h
tests_unit_test_io_child_CFLAGS = $(IO_TEST_CFLAGS)
tests_unit_test_io_child_LDADD = $(IO_TEST_LDADD)
tests_unit_test_io_worker_SOURCES = tests/unit/test_io_worker.c tests/lib/suite.h
tests_unit_test_io_worker_CFLAGS = $(IO_TEST_CFLAGS) -pthread
tests_unit_test_io_worker_LDADD = $(IO_TEST_LDADD)
