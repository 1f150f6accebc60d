# Unit tests of api.
check_PROGRAMS += tests/unit/test_api
TESTS += tests/unit/test_api
tests_unit_test_api_SOURCES = tests/unit/test_api.c tests/unit/api_client.c tests/unit/api_client.h \
	tests/lib/suite.h
tests_unit_test_api_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_LDADD = agent/api/libapi.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(EVENT_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) \
	$(UNIT_LDADD)
