/*
 * struct command: one operation under way, between commands.c (the table) and the files that carry
 * operations out.
 *
 * A command that has to wait sets `ready`: it is called after each change of the member's state and
 * once at the deadline (late: true), until it ends the command.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>

#include "api/server.h"
#include "base/list.h"
#include "base/name.h"
#include "base/usec.h"
#include "enroll/invitations.h"
#include "wire/json.h"

struct agent;
struct api_request;
struct certmaker;
struct commands;
struct dump;
struct found;
struct joiner;
struct loop_timer;
struct order_change;
struct registry_job;
struct restore;
struct rekey_begin;
struct watcher;

/* Operations where this server is no member. */
#define COMMANDS_NOT_ENABLED "Collective mode not enabled on this system"
/* What is refused while commands_busy(). */
#define COMMANDS_BUSY "another invite, join or gencert is under way"

struct command {
	struct list link;
	struct commands *commands;
	struct agent *agent;
	struct api_request *req;
	struct loop_timer *deadline;
	void (*ready)(struct command *cmd, bool late);
	void (*go)(struct command *cmd); /* command_when_…() */
	/* of one operation or the other */
	struct found *found;
	struct joiner *joiner;
	struct registry_job *job;
	struct certmaker *maker;
	struct dump *dump;
	struct restore *restore;
	struct rekey_begin *rekey;
	struct order_change *order;
	struct watcher *watch;
	struct invitations_wait disk; /* command_when_written() */
	char *token;		      /* of an invitation; secret */
	char *why;		      /* what to fail with in the end, NULL: nothing */
	char name[NAME_MAX_LEN + 1];
	char *reason;	  /* of an order */
	int64_t revision; /* command_order(): the copy must have it */
	bool nonvoting;
	usec_t ttl;
	bool made_certificate;
	bool abandoned; /* nobody waits for the answer */
	/* What an operation has of its own; freed with the command, which ends with the membership. */
	void *work;
	void (*work_free)(void *work);
	bool endless; /* it waits for others to do something: it does not keep the agent from stopping */
};

/* Taking time: the command lives until one of the ends below. */
struct command *command_new(struct commands *c, struct api_request *req);
void command_wait(struct command *cmd, void (*ready)(struct command *cmd, bool late), usec_t limit);
/* It was waited for: `ready` is not called any more. */
void command_waited(struct command *cmd);
/* Goes on when this member may write, or as soon as it is clear that it may not: a member that has just
 * started, or registers anew because its former run's lease has to end first, is waited for; one
 * without quorum is not. */
void command_when_registered(struct command *cmd, void (*go)(struct command *cmd));
/* Goes on when all that the book of invitations holds now is on disk, perhaps within the call; ends the
 * command where it can't be written. */
void command_when_written(struct command *cmd, void (*go)(struct command *cmd));
/* Ends. Takes the reply. */
void command_reply(struct command *cmd, json *reply);
void command_status(struct command *cmd, const char *status);
void command_fail(struct command *cmd, const char *why);
/* Has a change been applied, as its end says (rc and why)? True where it has. Else the command ended
 * with why; where that is not known (-EINPROGRESS) it says so, and what shows it. For example what is
 * "mgt2 was deleted", shown_by "collective show". */
bool command_applied(
	struct command *cmd, int rc, const char *why, const char *what, const char *shown_by);

/* The operations; each gets the message and ends its request now or later. */
typedef void command_fn(struct commands *c, struct api_request *req, const json *message);
command_fn command_invite, command_join, command_invitations, command_revoke, command_log;
command_fn command_secret, command_rekey;
command_fn command_dump, command_restore;
command_fn command_gencert, command_adopt, command_delete, command_resign;
command_fn command_pause, command_resume, command_history;
command_fn command_watch;
command_fn command_claim, command_nodes, command_candidates;
command_fn command_plan, command_drain, command_undrain, command_rebalance;
/* NULL is fine. */
void dump_free(struct dump *dump);
void restore_free(struct restore *restore);
void watcher_free(struct watcher *watcher);
/* Ends a watch with a last word. */
void watcher_end(struct command *cmd, const char *reason);
/* How many watch of those who may that much. */
unsigned commands_watchers(const struct commands *c, enum api_access access);
/* A text member of the message; NULL, and the request ended, where there is none. */
const char *command_argument(struct api_request *req, const json *message, const char *name);
/* A command about the member that the message names, with that name; NULL, and the request ended, where there
 * is none, or this server is no member. */
struct command *command_about_member(
	struct commands *c, struct api_request *req, const json *message);
/* False, and the request ended, unless this server is a member. */
bool command_needs_member(struct commands *c, struct api_request *req);
struct agent *commands_agent(struct commands *c);
json *command_status_json(const char *status);

#endif
