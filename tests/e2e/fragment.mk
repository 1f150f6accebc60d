# End-to-end tests on real etcd processes: `make check-e2e`, with E2E_FLAGS for pytest, e.g.
# E2E_FLAGS='-k takeover -x'. ETCD_35 may name a second, newer etcd to run a part of them on.
EXTRA_DIST += \
	tests/e2e/run.sh \
	tests/e2e/pytest.ini \
	tests/e2e/conftest.py \
	tests/e2e/test_backup.py \
	tests/e2e/test_by_hand.py \
	tests/e2e/test_certificates.py \
	tests/e2e/test_claim.py \
	tests/e2e/test_commands.py \
	tests/e2e/test_configuration.py \
	tests/e2e/test_copy.py \
	tests/e2e/test_demo.py \
	tests/e2e/test_etcd_faults.py \
	tests/e2e/test_failover.py \
	tests/e2e/test_faults_checker.py \
	tests/e2e/test_faults_etcd.py \
	tests/e2e/test_faults_hands.py \
	tests/e2e/test_faults_lossy.py \
	tests/e2e/test_faults_network.py \
	tests/e2e/test_faults_processes.py \
	tests/e2e/test_faults_times.py \
	tests/e2e/test_faults_wire.py \
	tests/e2e/test_harness.py \
	tests/e2e/test_history.py \
	tests/e2e/test_hooks.py \
	tests/e2e/test_hostile.py \
	tests/e2e/test_hostile_managers.py \
	tests/e2e/test_invitations.py \
	tests/e2e/test_join.py \
	tests/e2e/test_kill_each_transaction.py \
	tests/e2e/test_members.py \
	tests/e2e/test_nodes.py \
	tests/e2e/test_orders.py \
	tests/e2e/test_pages.py \
	tests/e2e/test_partitions.py \
	tests/e2e/test_planned.py \
	tests/e2e/test_rekey.py \
	tests/e2e/test_secrets.py \
	tests/e2e/test_show.py \
	tests/e2e/test_socket.py \
	tests/e2e/test_takeover.py \
	tests/e2e/test_watch.py \
	tests/e2e/test_writes.py \
	tests/e2e/harness/__init__.py \
	tests/e2e/harness/agent.py \
	tests/e2e/harness/certs.py \
	tests/e2e/harness/checker.py \
	tests/e2e/harness/etcd.py \
	tests/e2e/harness/etcdclient.py \
	tests/e2e/harness/fake.py \
	tests/e2e/harness/fleet.py \
	tests/e2e/harness/httpproxy.py \
	tests/e2e/harness/netns.py \
	tests/e2e/harness/ports.py \
	tests/e2e/harness/process.py \
	tests/e2e/harness/proxy.py \
	tests/e2e/harness/terminal.py \
	tests/e2e/harness/wait.py \
	tests/e2e/harness/wire.py \
	tests/e2e/harness/wirelab.py \
	tests/e2e/harness/world.py

# Where the programs are that are tested; `make distcheck INSTALLED_TO=FOLDER` leaves there what the
# release tarball installs.
E2E_FOLDER = $(abs_builddir)

.PHONY: check-e2e
check-e2e: collectived collective
	COLLECTIVED='$(E2E_FOLDER)/collectived' COLLECTIVE='$(E2E_FOLDER)/collective' \
		ETCD='$(ETCD)' ETCDCTL='$(ETCDCTL)' PYTHON='$(PYTHON)' \
		$(SHELL) $(srcdir)/tests/e2e/run.sh $(E2E_FLAGS)

installcheck-local:
	if test -n '$(INSTALLED_TO)'; then \
		cp '$(DESTDIR)$(sbindir)/collectived' '$(DESTDIR)$(bindir)/collective' '$(INSTALLED_TO)'; \
	fi
