# End-to-end tests on real etcd processes: `make check-e2e`, with E2E_FLAGS for pytest, e.g.
# E2E_FLAGS='-k takeover -x'. ETCD_35 may name a second, newer etcd to run a part of them on.
EXTRA_DIST += tests/e2e/conftest.py tests/e2e/pytest.ini tests/e2e/harness tests/e2e/run.sh \
	tests/e2e/test_harness.py

.PHONY: check-e2e
check-e2e: collectived collective
	COLLECTIVED='$(abs_builddir)/collectived' COLLECTIVE='$(abs_builddir)/collective' \
		ETCD='$(ETCD)' ETCDCTL='$(ETCDCTL)' PYTHON='$(PYTHON)' \
		$(SHELL) $(srcdir)/tests/e2e/run.sh $(E2E_FLAGS)
