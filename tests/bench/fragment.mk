# Figures for the documentation: `make bench` writes bench.md below the build folder. Not a test.
EXTRA_DIST += tests/bench/figures.py
CLEANFILES += bench.md

# The database in memory, by itself.
EXTRA_PROGRAMS += tests/bench/bench_db
CLEANFILES += tests/bench/bench_db
tests_bench_bench_db_SOURCES = tests/bench/bench_db.c
tests_bench_bench_db_LDADD = agent/model/libmodel.a agent/base/libbase.a

.PHONY: bench
bench: tests/bench/bench_db collectived collective
	COLLECTIVED='$(abs_builddir)/collectived' COLLECTIVE='$(abs_builddir)/collective' \
		ETCD='$(ETCD)' PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) $(srcdir)/tests/bench/figures.py $(BENCH_FLAGS) >bench.md.new
	mv bench.md.new bench.md
	@cat bench.md
