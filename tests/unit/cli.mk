# Unit tests of cli.
check_PROGRAMS += tests/unit/test_cli tests/unit/test_cli_client
TESTS += tests/unit/test_cli tests/unit/test_cli_client
CLI_TEST_LDADD = cli/libcli.a agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(UNIT_LDADD)
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c tests/lib/suite.h
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_cli_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_LDADD = $(CLI_TEST_LDADD)
tests_unit_test_cli_client_SOURCES = tests/unit/test_cli_client.c tests/lib/suite.h
tests_unit_test_cli_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_client_LDADD = $(CLI_TEST_LDADD)
