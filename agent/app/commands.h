/*
 * struct commands: what the `collective` command asks of the agent through its socket. Each operation
 * is a row of the table in commands.c; those that take time (invite that founds, join, delete,
 * resign) are a struct command each, ended exactly once, also when the client goes away or the agent
 * stops.
 */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#include "api/server.h"

struct agent;
struct commands;

struct commands *commands_new(struct agent *agent);
/* Ends what is under way with an error. */
void commands_free(struct commands *c);
/* For api_server_new(), with the commands as its argument. */
extern const struct api_handlers commands_handlers;
/* The state of the member may have changed: looks whether a command was waiting for that. */
void commands_changed(struct commands *c);
/* A member is about to be taken away: ends what works on it. */
void commands_drop(struct commands *c, const char *why);
/* A founding, a join or a gencert is under way: who this server is may change. */
bool commands_busy(const struct commands *c);
/* The agent is stopping: ends joins that are under way; what changes something is refused from now
 * on (agent->stopping). */
void commands_stop(struct commands *c);

#endif
