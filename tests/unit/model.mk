# Unit tests of model.
check_PROGRAMS += tests/unit/test_model_attribute tests/unit/test_model_attribute_print
TESTS += tests/unit/test_model_attribute
tests_unit_test_model_attribute_SOURCES = tests/unit/test_model_attribute.c \
	tests/unit/attribute_mdoc.c tests/unit/attribute_mdoc.h tests/lib/suite.h
tests_unit_test_model_attribute_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_model_attribute_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_attribute_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
tests_unit_test_model_attribute_print_SOURCES = tests/unit/test_model_attribute_print.c \
	tests/unit/attribute_mdoc.c tests/unit/attribute_mdoc.h
tests_unit_test_model_attribute_print_LDADD = agent/model/libmodel.a agent/base/libbase.a

# The list in nodeattributes(5) is made from the catalogue; test_model_attribute tells when it is old.
.PHONY: regen-attributes
regen-attributes: tests/unit/test_model_attribute_print
	tests/unit/test_model_attribute_print > attributes.mdoc
	$(SED) -e '/BEGIN ATTRIBUTES/r attributes.mdoc' \
		-e '/BEGIN ATTRIBUTES/,/END ATTRIBUTES/{/ATTRIBUTES$$/!d;}' \
		$(srcdir)/docs/nodeattributes.5 > nodeattributes.5
	cp nodeattributes.5 $(srcdir)/docs/nodeattributes.5
	rm -f attributes.mdoc nodeattributes.5

check_PROGRAMS += tests/unit/test_model_db tests/unit/test_model_db_values \
	tests/unit/test_model_db_random
TESTS += tests/unit/test_model_db tests/unit/test_model_db_values tests/unit/test_model_db_random
tests_unit_test_model_db_SOURCES = tests/unit/test_model_db.c tests/unit/test_model_db.h \
	tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_db_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_db_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
tests_unit_test_model_db_values_SOURCES = tests/unit/test_model_db_values.c \
	tests/unit/test_model_db.h tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_db_values_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_db_values_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
tests_unit_test_model_db_random_SOURCES = tests/unit/test_model_db_random.c \
	tests/unit/test_model_db.h tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_db_random_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_db_random_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_expression
TESTS += tests/unit/test_model_expression
EXTRA_DIST += tests/unit/data/expression_cases.tsv
tests_unit_test_model_expression_SOURCES = tests/unit/test_model_expression.c tests/lib/suite.h
tests_unit_test_model_expression_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_unit_test_model_expression_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_expression_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_plan
TESTS += tests/unit/test_model_plan
tests_unit_test_model_plan_SOURCES = tests/unit/test_model_plan.c tests/unit/test_model_plan.h \
	tests/unit/test_model_plan_group.c \
	tests/unit/test_model_plan_race.c \
	tests/unit/test_model_plan_refused.c \
	tests/unit/test_model_plan_rig.c \
	tests/lib/suite.h
tests_unit_test_model_plan_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_plan_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_expression_parts
TESTS += tests/unit/test_model_expression_parts
tests_unit_test_model_expression_parts_SOURCES = tests/unit/test_model_expression_parts.c \
	tests/lib/suite.h
tests_unit_test_model_expression_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_expression_parts_LDADD = agent/model/libmodel.a agent/base/libbase.a \
	$(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_backup
TESTS += tests/unit/test_model_backup
tests_unit_test_model_backup_SOURCES = tests/unit/test_model_backup.c tests/unit/test_model_plan.h \
	tests/unit/test_model_plan_rig.c tests/lib/suite.h
tests_unit_test_model_backup_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_backup_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_candidates tests/unit/test_model_move
TESTS += tests/unit/test_model_candidates tests/unit/test_model_move
tests_unit_test_model_candidates_SOURCES = tests/unit/test_model_candidates.c \
	tests/unit/test_model_db.h tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_candidates_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_candidates_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
tests_unit_test_model_move_SOURCES = tests/unit/test_model_move.c \
	tests/unit/test_model_db.h tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_move_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_move_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_model_claim
TESTS += tests/unit/test_model_claim
tests_unit_test_model_claim_SOURCES = tests/unit/test_model_claim.c \
	tests/unit/test_model_plan.h tests/unit/test_model_plan_rig.c \
	tests/unit/test_model_db.h tests/unit/test_model_db_help.c tests/lib/suite.h
tests_unit_test_model_claim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_claim_LDADD = agent/model/libmodel.a agent/base/libbase.a $(UNIT_LDADD)
