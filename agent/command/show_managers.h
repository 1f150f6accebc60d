/*
 * What `collective show` tells about who looks after which nodes, as this member knows it.
 */
#ifndef COMMAND_SHOW_MANAGERS_H
#define COMMAND_SHOW_MANAGERS_H

#include <stdbool.h>

#include "wire/json.h"

struct agent;

/* "draining": members; "orphaned": how many nodes, once that is known. verbose: "managers", "orphans" and the
 * rest of mover_tell(). */
void show_managers(const struct agent *agent, json *answer, bool verbose);

#endif
