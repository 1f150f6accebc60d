# Unit tests of etcd: pure parts, against a scripted server, and against a real etcd.
ETCD_TESTS = tests/unit/test_etcd_codec tests/unit/test_etcd_frames tests/unit/test_etcd_client \
	tests/unit/test_etcd_hedge tests/unit/test_etcd_trust tests/unit/test_etcd_guard \
	tests/unit/test_etcd_sync_core tests/unit/test_etcd_sync_live tests/unit/test_etcd_watch \
	tests/unit/test_etcd_sync tests/unit/test_etcd_real \
	tests/unit/test_etcd_real_sync tests/unit/test_etcd_real_tls
check_PROGRAMS += $(ETCD_TESTS)
TESTS += $(ETCD_TESTS)
ETCD_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
ETCD_TEST_LDADD = agent/etcd/libetcd.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(IO_LIBS) $(UNIT_LDADD)
ETCD_TEST_FAKE = tests/unit/test_etcd_fake.c tests/unit/test_etcd_fake.h \
	tests/unit/test_etcd_setup.h tests/lib/suite.h
ETCD_TEST_SERVER = tests/unit/test_etcd_server.c tests/unit/test_etcd_server.h

tests_unit_test_etcd_codec_SOURCES = tests/unit/test_etcd_codec.c tests/lib/suite.h
tests_unit_test_etcd_codec_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_codec_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_frames_SOURCES = tests/unit/test_etcd_frames.c tests/lib/suite.h
tests_unit_test_etcd_frames_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_frames_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_client_SOURCES = tests/unit/test_etcd_client.c $(ETCD_TEST_FAKE)
tests_unit_test_etcd_client_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_client_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_hedge_SOURCES = tests/unit/test_etcd_hedge.c $(ETCD_TEST_FAKE)
tests_unit_test_etcd_hedge_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_hedge_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_guard_SOURCES = tests/unit/test_etcd_guard.c tests/lib/suite.h
tests_unit_test_etcd_guard_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_guard_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_sync_live_SOURCES = tests/unit/test_etcd_sync_live.c \
	tests/unit/test_etcd_sync_core.h tests/lib/suite.h
tests_unit_test_etcd_sync_live_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_sync_live_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_sync_core_SOURCES = tests/unit/test_etcd_sync_core.c \
	tests/unit/test_etcd_sync_core.h tests/lib/suite.h
tests_unit_test_etcd_sync_core_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_sync_core_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_trust_SOURCES = tests/unit/test_etcd_trust.c $(ETCD_TEST_FAKE)
tests_unit_test_etcd_trust_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_trust_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_watch_SOURCES = tests/unit/test_etcd_watch.c $(ETCD_TEST_FAKE)
tests_unit_test_etcd_watch_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_watch_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_sync_SOURCES = tests/unit/test_etcd_sync.c $(ETCD_TEST_FAKE)
tests_unit_test_etcd_sync_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_sync_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_real_SOURCES = tests/unit/test_etcd_real.c $(ETCD_TEST_FAKE) $(ETCD_TEST_SERVER)
tests_unit_test_etcd_real_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_real_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_real_sync_SOURCES = tests/unit/test_etcd_real_sync.c $(ETCD_TEST_FAKE) $(ETCD_TEST_SERVER)
tests_unit_test_etcd_real_sync_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_real_sync_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_real_tls_SOURCES = tests/unit/test_etcd_real_tls.c $(ETCD_TEST_FAKE) $(ETCD_TEST_SERVER)
tests_unit_test_etcd_real_tls_CFLAGS = $(ETCD_TEST_CFLAGS)
tests_unit_test_etcd_real_tls_LDADD = $(ETCD_TEST_LDADD)
