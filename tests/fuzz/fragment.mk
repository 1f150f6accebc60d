# Fuzz targets, each built in one of two ways: with tests/fuzz/replay.c, which runs the files of its
# corpus (default), or by --enable-fuzzers as a libFuzzer program. `make check` replays the corpora
# either way; `make fuzz FUZZ_SECONDS=60` fuzzes.
FUZZ_TARGETS =
FUZZ_MAIN =
if !FUZZERS
FUZZ_MAIN += tests/fuzz/replay.c
endif

# Each target: sources, the flags of the libraries it includes, and its archives.

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += tests/fuzz/corpora.sh
EXTRA_DIST += tests/fuzz/corpora.sh tests/fuzz/run.sh tests/fuzz/replay.c

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
