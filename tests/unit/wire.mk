# Unit tests of wire, and of the natural order of model.
check_PROGRAMS += tests/unit/test_wire_json tests/unit/test_wire_frame tests/unit/test_model_natsort
TESTS += tests/unit/test_wire_json tests/unit/test_wire_frame tests/unit/test_model_natsort
tests_unit_test_wire_json_SOURCES = tests/unit/test_wire_json.c tests/lib/suite.h
tests_unit_test_wire_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_wire_json_LDADD = agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) \
	$(UNIT_LDADD)
tests_unit_test_wire_frame_SOURCES = tests/unit/test_wire_frame.c tests/lib/suite.h
tests_unit_test_wire_frame_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_wire_frame_LDADD = agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) \
	$(UNIT_LDADD)
tests_unit_test_model_natsort_SOURCES = tests/unit/test_model_natsort.c tests/lib/suite.h
tests_unit_test_model_natsort_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_natsort_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
