# Unit tests of cli.
check_PROGRAMS += tests/unit/test_cli tests/unit/test_cli_client tests/unit/test_cli_managers \
	tests/unit/test_cli_nodes tests/unit/test_cli_parts
TESTS += tests/unit/test_cli tests/unit/test_cli_client tests/unit/test_cli_managers \
	tests/unit/test_cli_nodes tests/unit/test_cli_parts tests/unit/test_cli_completion.sh
EXTRA_DIST += tests/unit/test_cli_completion.sh
CLI_TEST_LDADD = cli/libcli.a agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(UNIT_LDADD)
CLI_AGENT = tests/unit/cli_agent.c tests/unit/cli_agent.h tests/lib/suite.h
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c tests/lib/suite.h
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_cli_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_LDADD = $(CLI_TEST_LDADD)
tests_unit_test_cli_client_SOURCES = tests/unit/test_cli_client.c $(CLI_AGENT)
tests_unit_test_cli_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_client_LDADD = $(CLI_TEST_LDADD)
tests_unit_test_cli_managers_SOURCES = tests/unit/test_cli_managers.c $(CLI_AGENT)
tests_unit_test_cli_managers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_managers_LDADD = $(CLI_TEST_LDADD)
tests_unit_test_cli_nodes_SOURCES = tests/unit/test_cli_nodes.c $(CLI_AGENT)
tests_unit_test_cli_nodes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_nodes_LDADD = $(CLI_TEST_LDADD)
tests_unit_test_cli_parts_SOURCES = tests/unit/test_cli_parts.c tests/lib/suite.h
tests_unit_test_cli_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_parts_LDADD = $(CLI_TEST_LDADD)
