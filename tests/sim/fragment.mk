# The simulation of the coordination core: worlds in virtual time, replayed by seed.
check_PROGRAMS += tests/sim/sim_coord
TESTS += tests/sim/sim_coord tests/sim/mutations.sh
EXTRA_DIST += tests/sim/mutations.sh
tests_sim_sim_coord_SOURCES = \
	tests/sim/check.c \
	tests/sim/etcd_model.c tests/sim/etcd_model.h \
	tests/sim/faults.c \
	tests/sim/runner.c tests/sim/runner.h \
	tests/sim/sim_coord.c \
	tests/sim/view.c \
	tests/sim/wire.c \
	tests/sim/world.c tests/sim/world.h
tests_sim_sim_coord_CFLAGS = $(AM_CFLAGS)
tests_sim_sim_coord_LDADD = agent/core/libcore.a agent/base/libbase.a

check_PROGRAMS += tests/sim/sim_sync
TESTS += tests/sim/sim_sync
tests_sim_sim_sync_SOURCES = tests/sim/etcd_model.c tests/sim/etcd_model.h tests/sim/sim_sync.c \
	tests/sim/sync_etcd.c tests/sim/sync_world.h
tests_sim_sim_sync_CFLAGS = $(AM_CFLAGS)
tests_sim_sim_sync_LDADD = $(AGENT_LIBS)

check_PROGRAMS += tests/sim/sim_failover
TESTS += tests/sim/sim_failover
tests_sim_sim_failover_SOURCES = \
	tests/sim/check.c \
	tests/sim/etcd_model.c tests/sim/etcd_model.h \
	tests/sim/failover_admin.c \
	tests/sim/failover_agent.c \
	tests/sim/failover_check.c \
	tests/sim/failover_facts.c \
	tests/sim/failover_slot.c \
	tests/sim/failover_work.c \
	tests/sim/failover_world.h \
	tests/sim/faults.c \
	tests/sim/runner.c tests/sim/runner.h \
	tests/sim/sim_failover.c \
	tests/sim/view.c \
	tests/sim/wire.c \
	tests/sim/world.c tests/sim/world.h
tests_sim_sim_failover_CFLAGS = $(AM_CFLAGS)
tests_sim_sim_failover_LDADD = agent/core/libcore.a agent/base/libbase.a

.PHONY: check-sim
check-sim: tests/sim/sim_coord tests/sim/sim_failover tests/sim/sim_sync
	tests/sim/sim_coord --seeds 100000
	tests/sim/sim_coord --mutations
	tests/sim/sim_failover --safety --seeds 10000
	tests/sim/sim_failover --liveness --seeds 10000
	tests/sim/sim_failover --mutations
	tests/sim/sim_sync --seeds 2000
	tests/sim/sim_sync --mutations
