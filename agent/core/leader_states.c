/*
 * The states of leadership: the table behind core/leader.h.
 */
#include "config.h"

#include "core/leader.h"

#include "base/macros.h"

static const struct sm_state states[] = {
	[LEADER_FOLLOWER] = {"follower", "another member leads, or this one may not",
		{{"there is no leader key, and this member may lead", LEADER_WAITING},
			{"a leader key of this member's own is there", LEADER_CONFIRMING},
			{"the same, but it is to resign", LEADER_RESIGNING}}},
	[LEADER_WAITING] = {"waiting", "a random delay of up to 100 ms, so that not all go at once",
		{{"the delay has passed", LEADER_CAMPAIGNING},
			{"another leads, or this member may no longer", LEADER_FOLLOWER},
			{"a leader key of this member's own is there", LEADER_CONFIRMING},
			{"the same, but it is to resign", LEADER_RESIGNING}}},
	[LEADER_CAMPAIGNING] = {"campaigning", "the leader key is being created",
		{{"it was created, or is there already", LEADER_LEADER},
			{"another leads, or the lease is gone", LEADER_FOLLOWER},
			{"the outcome is not known", LEADER_CONFIRMING},
			{"it was created, but the lease is not valid any more", LEADER_SUSPENDED},
			{"it was created, but is not wanted any more", LEADER_RESIGNING}}},
	[LEADER_LEADER] = {"leader", "this member leads, as long as its lease is valid",
		{{"the lease is not valid any more", LEADER_SUSPENDED},
			{"the leader key or the lease is gone", LEADER_FOLLOWER},
			{"the leader key was overwritten", LEADER_CONFIRMING},
			{"asked to, or no longer entitled", LEADER_RESIGNING}}},
	[LEADER_SUSPENDED] = {"suspended",
		"the lease is not valid by the local clock: does nothing, "
		"but keeps its key",
		{{"the lease is valid again", LEADER_CONFIRMING},
			{"the leader key or the lease is gone", LEADER_FOLLOWER},
			{"asked to, or no longer entitled", LEADER_RESIGNING}}},
	[LEADER_CONFIRMING] = {"confirming",
		"a linearizable read is to tell whether the leader key is "
		"this member's",
		{{"it is", LEADER_LEADER}, {"it is not, or the lease is gone", LEADER_FOLLOWER},
			{"the lease is not valid any more", LEADER_SUSPENDED},
			{"asked to, or no longer entitled", LEADER_RESIGNING}}},
	[LEADER_RESIGNING] = {"resigning", "the leader key is being deleted",
		{{"it is gone", LEADER_FOLLOWER}}},
};

const struct sm_machine leader_machine = {
	.name = "leader",
	.help = "This member's part in leadership.",
	.states = states,
	.count = ARRAY_SIZE(states),
};
