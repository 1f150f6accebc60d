# Figures for the documentation: `make bench` writes bench.md below the build folder. Not a test.
EXTRA_DIST += tests/bench/figures.py
CLEANFILES += bench.md

.PHONY: bench
bench: collectived collective
	COLLECTIVED='$(abs_builddir)/collectived' COLLECTIVE='$(abs_builddir)/collective' \
		ETCD='$(ETCD)' PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) $(srcdir)/tests/bench/figures.py $(BENCH_FLAGS) >bench.md.new
	mv bench.md.new bench.md
	@cat bench.md
