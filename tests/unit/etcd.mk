# Unit tests of etcd: pure parts, against a scripted server, and against a real etcd.
ETCD_TESTS = tests/unit/test_etcd_codec tests/unit/test_etcd_frames
check_PROGRAMS += $(ETCD_TESTS)
TESTS += $(ETCD_TESTS)
ETCD_TEST_LDADD = agent/etcd/libetcd.a agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) \
	$(UNIT_LDADD)

tests_unit_test_etcd_codec_SOURCES = tests/unit/test_etcd_codec.c tests/lib/suite.h
tests_unit_test_etcd_codec_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_etcd_codec_LDADD = $(ETCD_TEST_LDADD)
tests_unit_test_etcd_frames_SOURCES = tests/unit/test_etcd_frames.c tests/lib/suite.h
tests_unit_test_etcd_frames_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_etcd_frames_LDADD = $(ETCD_TEST_LDADD)
