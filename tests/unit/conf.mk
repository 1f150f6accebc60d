# unit tests of conf
check_PROGRAMS += tests/unit/test_conf tests/unit/test_conf_table tests/unit/test_conf_print
TESTS += tests/unit/test_conf tests/unit/test_conf_table tests/unit/test_conf_completion.sh
EXTRA_DIST += tests/unit/conf tests/unit/test_conf_completion.sh
CONF_TEST_LIBS = agent/conf/libconf.a agent/base/libbase.a $(CONFIG_LIBS)

tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/test_conf_golden.h \
	tests/lib/suite.h
tests_unit_test_conf_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conf_LDADD = $(CONF_TEST_LIBS) $(UNIT_LDADD)

tests_unit_test_conf_table_SOURCES = tests/unit/test_conf_table.c tests/unit/test_conf_golden.h \
	tests/lib/suite.h
tests_unit_test_conf_table_CPPFLAGS = $(tests_unit_test_conf_CPPFLAGS)
tests_unit_test_conf_table_CFLAGS = $(tests_unit_test_conf_CFLAGS)
tests_unit_test_conf_table_LDADD = $(CONF_TEST_LIBS) $(UNIT_LDADD)

tests_unit_test_conf_print_SOURCES = tests/unit/test_conf_print.c tests/unit/test_conf_golden.h
tests_unit_test_conf_print_LDADD = $(CONF_TEST_LIBS)

# The committed files that are made from the table of options; test_conf tells when they are old.
.PHONY: regen-conf
regen-conf: tests/unit/test_conf_print
	tests/unit/test_conf_print sample | $(SED) -e 's,"/etc/,"@'sysconfdir'@/,; s,"/var/,"@'localstatedir'@/,' > $(srcdir)/etc/collective.conf.in
	tests/unit/test_conf_print mdoc > options.mdoc
	$(SED) -e '/BEGIN OPTIONS/r options.mdoc' -e '/BEGIN OPTIONS/,/END OPTIONS/{/OPTIONS$$/!d;}' \
		$(srcdir)/docs/collective.conf.5 > collective.conf.5
	cp collective.conf.5 $(srcdir)/docs/collective.conf.5
	rm -f options.mdoc collective.conf.5
