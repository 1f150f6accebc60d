/*
 * struct commands: what the `collective` command asks of the agent through its socket. Each operation
 * is a row of the table in commands.c; those that take time (invite that founds, join, delete,
 * resign) are a struct command each, ended exactly once, also when the client goes away or the agent
 * stops.
 */
#ifndef COMMAND_COMMANDS_H
#define COMMAND_COMMANDS_H

#include <stdbool.h>

struct commands_ops;
struct commands;

/* For agent_run(), which makes the commands and frees them. */
extern const struct commands_ops commands_ops;
/* A founding, a join or a gencert is under way: who this server is may change. */
bool commands_busy(const struct commands *c);

#endif
