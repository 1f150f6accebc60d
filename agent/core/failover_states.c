/*
 * The states of the leader's work on managers: the table behind core/failover.h.
 */
#include "config.h"

#include "core/failover.h"

#include "base/macros.h"

static const struct sm_state states[] = {
	[FAILOVER_FOLLOWING] = {"following", "another member leads, or none does",
		{{"this member leads", FAILOVER_PLANNING},
			{"this member leads, and its copy is not current", FAILOVER_BLIND},
			{"this member leads, and moves are paused", FAILOVER_PAUSED}}},
	[FAILOVER_BLIND] = {"blind",
		"leads, but its copy of the database is not current: nothing is decided on the "
		"strength of it",
		{{"the copy is current", FAILOVER_PLANNING},
			{"the copy is current, and moves are paused", FAILOVER_PAUSED},
			{"this member does not lead any more", FAILOVER_FOLLOWING}}},
	[FAILOVER_PAUSED] = {"paused", "leads; an administrator has stopped automatic moves",
		{{"resumed", FAILOVER_PLANNING},
			{"this member does not lead any more", FAILOVER_FOLLOWING},
			{"the copy is not current", FAILOVER_BLIND}}},
	[FAILOVER_WATCHING] = {"watching",
		"leads; every node that can be looked after is, or will be found when it changes",
		{{"members, orders or settings have changed", FAILOVER_PLANNING},
			{"nodes have changed, and some are to move", FAILOVER_MOVING},
			{"nodes have changed, and some are to move later", FAILOVER_WAITING},
			{"moves are paused", FAILOVER_PAUSED},
			{"the copy is not current", FAILOVER_BLIND},
			{"this member does not lead any more", FAILOVER_FOLLOWING}}},
	[FAILOVER_PLANNING] = {"planning", "leads; looks for nodes that are to move",
		{{"there are some", FAILOVER_MOVING}, {"there are none", FAILOVER_WATCHING},
			{"there are some, later", FAILOVER_WAITING},
			{"moves are paused", FAILOVER_PAUSED},
			{"the copy is not current", FAILOVER_BLIND},
			{"this member does not lead any more", FAILOVER_FOLLOWING}}},
	[FAILOVER_MOVING] = {"moving", "leads; nodes get other managers",
		{{"all is done, or the picture has changed", FAILOVER_PLANNING},
			{"it did not succeed; again after a pause", FAILOVER_WAITING},
			{"moves are paused", FAILOVER_PAUSED},
			{"the copy is not current", FAILOVER_BLIND},
			{"this member does not lead any more", FAILOVER_FOLLOWING}}},
	[FAILOVER_WAITING] = {"waiting",
		"leads; some nodes are to move, but not yet: the delay, a hold-down, or a pause "
		"after what did not succeed",
		{{"it is time, or the picture has changed", FAILOVER_PLANNING},
			{"nodes have changed, and some are to move now", FAILOVER_MOVING},
			{"nodes have changed, and none is to move", FAILOVER_WATCHING},
			{"moves are paused", FAILOVER_PAUSED},
			{"the copy is not current", FAILOVER_BLIND},
			{"this member does not lead any more", FAILOVER_FOLLOWING}}},
};

const struct sm_machine failover_machine = {
	.name = "failover",
	.help = "The leader's work on managers: which member looks after which node.",
	.states = states,
	.count = ARRAY_SIZE(states),
};
