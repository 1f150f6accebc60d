# unit tests of trust
TRUST_TESTS = tests/unit/test_trust_token \
	tests/unit/test_trust_privkey \
	tests/unit/test_trust_cert \
	tests/unit/test_trust_ca \
	tests/unit/test_trust_record \
	tests/unit/test_trust_bundle \
	tests/unit/test_trust_bundle_keys \
	tests/unit/test_trust_seal \
	tests/unit/test_trust_hashed \
	tests/unit/test_trust_wrap \
	tests/unit/test_trust_backup_keys
TRUST_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
TRUST_TEST_LDADD = agent/trust/libtrust.a agent/base/libbase.a $(CRYPTO_LIBS) $(CRYPT_LIBS) $(UNIT_LDADD)
check_PROGRAMS += $(TRUST_TESTS)
TESTS += $(TRUST_TESTS)
EXTRA_DIST += tests/unit/trust_help.h
tests_unit_test_trust_token_SOURCES = tests/unit/test_trust_token.c tests/lib/suite.h
tests_unit_test_trust_token_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_token_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_privkey_SOURCES = tests/unit/test_trust_privkey.c tests/lib/suite.h
tests_unit_test_trust_privkey_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_privkey_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_cert_SOURCES = tests/unit/test_trust_cert.c tests/lib/suite.h
tests_unit_test_trust_cert_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_cert_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_ca_SOURCES = tests/unit/test_trust_ca.c tests/lib/suite.h
tests_unit_test_trust_ca_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_ca_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_record_SOURCES = tests/unit/test_trust_record.c tests/lib/suite.h
tests_unit_test_trust_record_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_record_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_bundle_SOURCES = tests/unit/test_trust_bundle.c tests/lib/suite.h
tests_unit_test_trust_bundle_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_bundle_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_seal_SOURCES = tests/unit/test_trust_seal.c tests/lib/suite.h
tests_unit_test_trust_seal_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_seal_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_hashed_SOURCES = tests/unit/test_trust_hashed.c tests/lib/suite.h
tests_unit_test_trust_hashed_CFLAGS = $(TRUST_TEST_CFLAGS) $(CRYPT_CFLAGS)
tests_unit_test_trust_hashed_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_bundle_keys_SOURCES = tests/unit/test_trust_bundle_keys.c tests/lib/suite.h
tests_unit_test_trust_bundle_keys_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_bundle_keys_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_wrap_SOURCES = tests/unit/test_trust_wrap.c tests/lib/suite.h
tests_unit_test_trust_wrap_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_wrap_LDADD = $(TRUST_TEST_LDADD)
tests_unit_test_trust_backup_keys_SOURCES = tests/unit/test_trust_backup_keys.c tests/lib/suite.h
tests_unit_test_trust_backup_keys_CFLAGS = $(TRUST_TEST_CFLAGS)
tests_unit_test_trust_backup_keys_LDADD = $(TRUST_TEST_LDADD)
