/*
 * What `collective show` answers: from this member's own state, at once, whether etcd answers or not.
 */
#ifndef COMMAND_SHOW_H
#define COMMAND_SHOW_H

#include <stdbool.h>

#include "wire/json.h"

struct agent;

/* A new object; the agent must have a member. verbose adds the state machines, etcd's members,
 * the certificate, counters and the loop. */
json *show_collective(struct agent *agent, bool verbose);

#endif
