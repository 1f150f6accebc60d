# Unit tests of identity.
check_PROGRAMS += tests/unit/test_identity
TESTS += tests/unit/test_identity
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c tests/unit/test_identity.h \
	tests/unit/test_identity_install.c tests/unit/test_fixture.c tests/unit/test_fixture.h \
	tests/lib/suite.h
tests_unit_test_identity_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# The calls that change the disk are counted, so that a test can end the process at each of them.
tests_unit_test_identity_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=rename -Wl,--wrap=link -Wl,--wrap=unlink \
	-Wl,--wrap=fsync -Wl,--wrap=mkdir -Wl,--wrap=rmdir
tests_unit_test_identity_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test_identity_keyring
TESTS += tests/unit/test_identity_keyring
tests_unit_test_identity_keyring_SOURCES = tests/unit/test_identity_keyring.c tests/lib/suite.h
tests_unit_test_identity_keyring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_identity_keyring_LDADD = $(AGENT_LIBS) $(UNIT_LDADD)
