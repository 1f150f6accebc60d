# unit tests of conf
check_PROGRAMS += tests/unit/test_conf_print
tests_unit_test_conf_print_SOURCES = tests/unit/test_conf_print.c
tests_unit_test_conf_print_LDADD = agent/conf/libconf.a agent/base/libbase.a $(CONFIG_LIBS)
