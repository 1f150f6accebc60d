# unit tests of wire
check_PROGRAMS += tests/unit/test_wire_json
TESTS += tests/unit/test_wire_json
tests_unit_test_wire_json_SOURCES = tests/unit/test_wire_json.c tests/lib/suite.h
tests_unit_test_wire_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_wire_json_LDADD = agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) \
	$(UNIT_LDADD)
