/*
 * Quorum as one member sees it.
 */
#include "config.h"

#include "core/quorum.h"

#include "base/macros.h"

static const struct sm_state states[] = {
	[QUORUM_NO] = {"no",
		"no linearizable request was answered lately: reads are answered from the "
		"local copy, writes are refused",
		{{"etcd answered a linearizable request", QUORUM_YES}}},
	[QUORUM_YES] = {"yes", "a linearizable request was answered within the validity of a lease",
		{{"that answer is too old, or this member's lease was not renewed in time",
			QUORUM_NO}}},
};

const struct sm_machine quorum_machine = {
	.name = "quorum",
	.help = "Whether this member can reach a majority of etcd.",
	.states = states,
	.count = ARRAY_SIZE(states),
};

void quorum_init(struct quorum *q, usec_t now, sm_observe_fn *observe, void *arg)
{
	*q = (struct quorum){0};
	sm_init(&q->sm, &quorum_machine, QUORUM_NO, now, observe, arg);
}

bool quorum_has(const struct quorum *q, usec_t now)
{
	return q->sm.state == QUORUM_YES && now < q->until;
}

void quorum_answered(struct quorum *q, usec_t now, usec_t taken, usec_t validity)
{
	q->last = usec_max(q->last, taken);
	q->until = usec_max(q->until, taken + validity);
	if (q->sm.state == QUORUM_NO && now < q->until)
		sm_move(&q->sm, QUORUM_YES, now, "etcd answered a linearizable request");
}

bool quorum_step(struct quorum *q, usec_t now)
{
	if (q->sm.state != QUORUM_YES || now < q->until)
		return false;
	sm_move(&q->sm, QUORUM_NO, now, "no linearizable request was answered in time%s%s",
		*q->sm.trouble ? "; " : "", q->sm.trouble);
	return true;
}

void quorum_end(struct quorum *q, usec_t now, const char *why)
{
	q->until = 0;
	if (q->sm.state == QUORUM_YES)
		sm_move(&q->sm, QUORUM_NO, now, "%s", why);
}

usec_t quorum_wakeup(const struct quorum *q)
{
	return q->sm.state == QUORUM_YES ? q->until : USEC_NEVER;
}
