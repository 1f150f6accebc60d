# Unit tests of noderanges.
noderange_tests = tests/unit/test_model_noderange tests/unit/test_model_noderange_laws \
	tests/unit/test_model_noderange_limits
check_PROGRAMS += $(noderange_tests)
TESTS += $(noderange_tests)
EXTRA_DIST += tests/unit/data/noderange_cases.tsv tests/unit/data/noderange_fixture.tsv
noderange_test_flags = $(AM_CFLAGS) $(CHECK_CFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
noderange_test_libs = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
noderange_test_world = tests/unit/noderange_world.c tests/unit/noderange_world.h tests/lib/suite.h

tests_unit_test_model_noderange_SOURCES = tests/unit/test_model_noderange.c $(noderange_test_world)
tests_unit_test_model_noderange_CFLAGS = $(noderange_test_flags)
tests_unit_test_model_noderange_LDADD = $(noderange_test_libs)

tests_unit_test_model_noderange_laws_SOURCES = tests/unit/test_model_noderange_laws.c \
	$(noderange_test_world)
tests_unit_test_model_noderange_laws_CFLAGS = $(noderange_test_flags)
tests_unit_test_model_noderange_laws_LDADD = $(noderange_test_libs)

tests_unit_test_model_noderange_limits_SOURCES = tests/unit/test_model_noderange_limits.c \
	$(noderange_test_world)
tests_unit_test_model_noderange_limits_CFLAGS = $(noderange_test_flags)
tests_unit_test_model_noderange_limits_LDADD = $(noderange_test_libs)
