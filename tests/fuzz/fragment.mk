# Fuzz targets, each built in one of two ways: with tests/fuzz/replay.c, which runs the files of its
# corpus (default), or by --enable-fuzzers as a libFuzzer program. `make check` replays the corpora
# either way; `make fuzz FUZZ_SECONDS=60` fuzzes.
FUZZ_TARGETS = tests/fuzz/fuzz_token tests/fuzz/fuzz_bundle tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_frames tests/fuzz/fuzz_enroll tests/fuzz/fuzz_gateway \
	tests/fuzz/fuzz_watch tests/fuzz/fuzz_db
FUZZ_MAIN =
if !FUZZERS
FUZZ_MAIN += tests/fuzz/replay.c
endif

# Each target: sources, the flags of the libraries it includes, and its archives.
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_token_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_token_LDADD = agent/trust/libtrust.a agent/base/libbase.a $(CRYPTO_LIBS)

tests_fuzz_fuzz_bundle_SOURCES = tests/fuzz/fuzz_bundle.c $(FUZZ_MAIN)
tests_fuzz_fuzz_bundle_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_bundle_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_bundle_LDADD = agent/trust/libtrust.a agent/base/libbase.a $(CRYPTO_LIBS)

tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_CFLAGS = $(AM_CFLAGS) $(CONFIG_CFLAGS)
tests_fuzz_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_conf_LDADD = agent/conf/libconf.a agent/base/libbase.a $(CONFIG_LIBS)

tests_fuzz_fuzz_frames_SOURCES = tests/fuzz/fuzz_frames.c $(FUZZ_MAIN)
tests_fuzz_fuzz_frames_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_frames_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_frames_LDADD = agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS)

tests_fuzz_fuzz_enroll_SOURCES = tests/fuzz/fuzz_enroll.c $(FUZZ_MAIN)
tests_fuzz_fuzz_enroll_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(SSL_CFLAGS)
tests_fuzz_fuzz_enroll_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_enroll_LDADD = agent/enroll/libenroll.a agent/trust/libtrust.a agent/io/libio.a \
	agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) \
	$(EVENT_LIBS) $(CURL_LIBS)

tests_fuzz_fuzz_gateway_SOURCES = tests/fuzz/fuzz_gateway.c $(FUZZ_MAIN)
tests_fuzz_fuzz_gateway_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_gateway_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_gateway_LDADD = agent/etcd/libetcd.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(IO_LIBS)

tests_fuzz_fuzz_watch_SOURCES = tests/fuzz/fuzz_watch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_watch_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_watch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_watch_LDADD = agent/etcd/libetcd.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(IO_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_expression
tests_fuzz_fuzz_expression_SOURCES = tests/fuzz/fuzz_expression.c $(FUZZ_MAIN)
tests_fuzz_fuzz_expression_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_expression_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_expression_LDADD = agent/model/libmodel.a agent/base/libbase.a

tests_fuzz_fuzz_db_SOURCES = tests/fuzz/fuzz_db.c $(FUZZ_MAIN)
tests_fuzz_fuzz_db_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_db_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_db_LDADD = agent/model/libmodel.a agent/base/libbase.a

FUZZ_TARGETS += tests/fuzz/fuzz_noderange
tests_fuzz_fuzz_noderange_SOURCES = tests/fuzz/fuzz_noderange.c tests/unit/noderange_world.c \
	tests/unit/noderange_world.h $(FUZZ_MAIN)
tests_fuzz_fuzz_noderange_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_noderange_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_noderange_LDADD = agent/model/libmodel.a agent/base/libbase.a

FUZZ_TARGETS += tests/fuzz/fuzz_seal
tests_fuzz_fuzz_seal_SOURCES = tests/fuzz/fuzz_seal.c $(FUZZ_MAIN)
tests_fuzz_fuzz_seal_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_seal_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_seal_LDADD = agent/trust/libtrust.a agent/base/libbase.a $(CRYPTO_LIBS) $(CRYPT_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_paths
tests_fuzz_fuzz_paths_SOURCES = tests/fuzz/fuzz_paths.c $(FUZZ_MAIN)
tests_fuzz_fuzz_paths_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_paths_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_paths_LDADD = agent/api/libapi.a agent/io/libio.a agent/model/libmodel.a \
	agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(IO_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_store
tests_fuzz_fuzz_store_SOURCES = tests/fuzz/fuzz_store.c $(FUZZ_MAIN)
tests_fuzz_fuzz_store_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_store_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_store_LDADD = agent/store/libstore.a agent/base/libbase.a $(LMDB_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_backup
tests_fuzz_fuzz_backup_SOURCES = tests/fuzz/fuzz_backup.c $(FUZZ_MAIN)
tests_fuzz_fuzz_backup_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_backup_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_backup_LDADD = agent/command/libcommand.a agent/record/librecord.a agent/model/libmodel.a agent/trust/libtrust.a \
	agent/wire/libwire.a agent/base/libbase.a $(CJSON_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_registry
tests_fuzz_fuzz_registry_SOURCES = tests/fuzz/fuzz_registry.c $(FUZZ_MAIN)
tests_fuzz_fuzz_registry_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_registry_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_registry_LDADD = agent/record/librecord.a agent/trust/libtrust.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(CRYPTO_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_candidates
tests_fuzz_fuzz_candidates_SOURCES = tests/fuzz/fuzz_candidates.c $(FUZZ_MAIN)
tests_fuzz_fuzz_candidates_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_candidates_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_candidates_LDADD = agent/model/libmodel.a agent/base/libbase.a

FUZZ_TARGETS += tests/fuzz/fuzz_orders
tests_fuzz_fuzz_orders_SOURCES = tests/fuzz/fuzz_orders.c $(FUZZ_MAIN)
tests_fuzz_fuzz_orders_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_fuzz_fuzz_orders_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_orders_LDADD = agent/record/librecord.a agent/etcd/libetcd.a agent/trust/libtrust.a \
	agent/core/libcore.a agent/model/libmodel.a agent/io/libio.a agent/wire/libwire.a \
	agent/base/libbase.a $(CJSON_LIBS) $(CRYPTO_LIBS) $(IO_LIBS)

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += tests/fuzz/corpora.sh
EXTRA_DIST += tests/fuzz/corpora.sh tests/fuzz/run.sh tests/fuzz/replay.c tests/fuzz/corpus

.PHONY: fuzz
if FUZZERS
fuzz: $(FUZZ_TARGETS)
	@abs_top_srcdir='$(abs_top_srcdir)' FUZZ_SECONDS='$(FUZZ_SECONDS)' \
		$(SHELL) $(srcdir)/tests/fuzz/run.sh $(FUZZ_TARGETS)
	$(RM) -r tests/fuzz/found
else
fuzz:
	@echo 'make fuzz needs ./configure --enable-fuzzers CC=clang' >&2; exit 1
endif
