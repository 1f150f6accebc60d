/*
 * struct hooks: programs of the administrator that are told what happens: CONFIG_DIR/hooks.d/<event>, and
 * those in CONFIG_DIR/hooks.d/<event>.d/ in order of their names. They run one after the other in the order
 * of the events, each with a deadline, beside the loop (io/child.h).
 *
 *     leader, follower                 this member leads, does not lead any more
 *     quorum-lost, quorum-regained     of this member
 *     member-online, member-offline    another member
 *     manager-gained, manager-lost     this member manages nodes now, does not any more: their names
 *                                      on standard input, one a line
 *
 * A program that others than root or the agent's own user may write to is not run; neither is one in a
 * folder that they may write to.
 */
#ifndef APP_HOOKS_H
#define APP_HOOKS_H

#include "wire/json.h"

struct agent;
struct hooks;

struct hooks *hooks_new(struct agent *agent);
void hooks_free(struct hooks *hooks); /* what runs is killed; NULL is fine */
/* agent->events is there. */
void hooks_attach(struct hooks *hooks);
void hooks_detach(struct hooks *hooks);
/* For `show -v`: "hooks": {"running":…,"waiting":N,"dropped":N,"last":[{"event","program","at","took",
 * "status","output"}]}. */
void hooks_tell(const struct hooks *hooks, json *answer);

#endif
