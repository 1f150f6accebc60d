# Figures for the documentation: `make bench` writes bench.md below the build folder. Not a test.
EXTRA_DIST += tests/bench/figures.py tests/bench/scale.py
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

# What noderanges cost, and ClusterShell's nodeset on the same lists: `make bench-noderange`.
EXTRA_PROGRAMS += tests/bench/bench_noderange
CLEANFILES += tests/bench/bench_noderange
EXTRA_DIST += tests/bench/noderange.py
tests_bench_bench_noderange_SOURCES = tests/bench/bench_noderange.c \
	tests/unit/noderange_world.c tests/unit/noderange_world.h
tests_bench_bench_noderange_LDADD = agent/model/libmodel.a agent/base/libbase.a

.PHONY: bench-noderange
bench-noderange: tests/bench/bench_noderange
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) $(srcdir)/tests/bench/noderange.py \
		tests/bench/bench_noderange

# What a member's death costs its nodes: `make bench-failover` (BENCH_FLAGS=--kills N) takes some minutes.
EXTRA_DIST += tests/bench/failover.py
.PHONY: bench-failover
bench-failover: collectived collective
	COLLECTIVED='$(abs_builddir)/collectived' COLLECTIVE='$(abs_builddir)/collective' \
		ETCD='$(ETCD)' PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) $(srcdir)/tests/bench/failover.py $(BENCH_FLAGS)
