# The coordination core: pure, knows neither clock nor network.
noinst_LIBRARIES += agent/core/libcore.a
agent_core_libcore_a_SOURCES = \
	agent/core/attempt.c agent/core/attempt.h \
	agent/core/balance.c agent/core/balance_private.h agent/core/balance_piles.c \
	agent/core/coord.c agent/core/coord.h \
	agent/core/copy.h \
	agent/core/failover.c agent/core/failover.h agent/core/failover_states.c \
	agent/core/leader.c agent/core/leader.h agent/core/leader_states.c \
	agent/core/leader_view.c agent/core/leader_view.h \
	agent/core/lease.c agent/core/lease.h \
	agent/core/membership.c agent/core/membership.h \
	agent/core/planner.c agent/core/planner.h agent/core/planner_private.h \
	agent/core/prng.h \
	agent/core/quorum.c agent/core/quorum.h \
	agent/core/rekey.c agent/core/rekey.h \
	agent/core/request.c agent/core/request.h \
	agent/core/roster.c agent/core/roster.h \
	agent/core/sm.c agent/core/sm.h \
	agent/core/stray.c agent/core/stray.h
agent_core_libcore_a_CFLAGS = $(AM_CFLAGS)
