/*
 * struct hooks: programs of the administrator that are told what happens: CONFIG_DIR/hooks.d/<event>, and
 * those in CONFIG_DIR/hooks.d/<event>.d/ (app/hooks_find.h). They run one after the other in the order of
 * the events (app/events.h), each with a deadline, beside the loop (io/child.h).
 *
 *     leader, follower                 this member leads, does not lead any more
 *     quorum-lost, quorum-regained     of this member
 *     member-online, member-offline    another member
 *     manager-gained, manager-lost     this member manages nodes now, does not any more: their names
 *                                      on standard input, one a line
 *
 * When all is known for the first time after the agent's start, `leader` and `manager-gained` tell how
 * things are, because a program that serves nodes needs to begin; the others tell changes alone. Events
 * of nodes that wait and follow each other directly are told together. Nothing is run any more when the
 * agent has been told to end.
 *
 * The environment: PATH, and COLLECTIVE_EVENT, _MEMBER (this one), _REVISION, _TIME (seconds since 1970),
 * _LEADER ("" where it is not known), _QUORUM (yes, no), _NAME (whom member-… is about), _NODES (how
 * many), _FROM and _TO (of leader, follower, manager-…, where there is one and not several, and it is a
 * name that a member may have).
 */
#ifndef APP_HOOKS_H
#define APP_HOOKS_H

#include "wire/json.h"

struct agent;
struct hooks;

/* agent->events is there. */
struct hooks *hooks_new(struct agent *agent);
/* Before the events; what runs is killed. NULL is fine. */
void hooks_free(struct hooks *hooks);
/* For `show -v`: "hooks": {"running":…,"waiting":N,"dropped":N,"refused":[{"event","error","at"}],"last":
 * [{"event","program","at","took","status","error","output"}]}, the latest run first. Refused is what was
 * not run when its event happened last. */
void hooks_tell(const struct hooks *hooks, json *answer);

#endif
