# Unit tests of api.
check_PROGRAMS += tests/unit/test_api tests/unit/test_api_peers
TESTS += tests/unit/test_api tests/unit/test_api_peers
API_TEST_SOURCES = tests/unit/api_client.c tests/unit/api_client.h tests/unit/api_fixture.c \
	tests/unit/api_fixture.h tests/lib/suite.h
API_TEST_LDADD = agent/api/libapi.a agent/io/libio.a agent/wire/libwire.a agent/base/libbase.a \
	$(CJSON_LIBS) $(EVENT_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LDADD)
tests_unit_test_api_SOURCES = tests/unit/test_api.c $(API_TEST_SOURCES)
tests_unit_test_api_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_LDADD = $(API_TEST_LDADD)
tests_unit_test_api_peers_SOURCES = tests/unit/test_api_peers.c $(API_TEST_SOURCES)
tests_unit_test_api_peers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_peers_LDADD = $(API_TEST_LDADD)
check_PROGRAMS += tests/unit/test_api_resources
TESTS += tests/unit/test_api_resources
tests_unit_test_api_resources_SOURCES = tests/unit/test_api_resources.c \
	tests/unit/test_model_plan.h tests/unit/test_model_plan_rig.c $(API_TEST_SOURCES)
tests_unit_test_api_resources_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_resources_LDADD = agent/api/libapi.a agent/io/libio.a agent/wire/libwire.a \
	agent/model/libmodel.a agent/base/libbase.a \
	$(CJSON_LIBS) $(EVENT_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LDADD)
