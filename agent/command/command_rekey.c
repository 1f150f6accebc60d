/*
 * rekey: begins a change of the collective key and waits for a while until it is completed; with
 * "query", tells how it stands.
 *
 *     {"operation":"rekey"}               {"status":"…","key":ID}
 *     {"operation":"rekey","query":true}  see rekeyer_tell()
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdio.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/rekey_begin.h"
#include "app/rekeyer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/commands.h"
#include "identity/keyring.h"
#include "member/member.h"
#include "member/registry.h"

#define DONE_LIMIT (10 * USEC_PER_SEC)

static void finish(struct command *cmd, char *status)
{
	json *reply = command_status_json(status);

	json_set_str(reply, "key", cmd->name);
	free(status);
	command_reply(cmd, reply);
}

static void rekey_ready(struct command *cmd, bool late)
{
	const struct agent *agent = cmd->agent;
	const struct rekey_change *change;

	if (!agent->member) {
		command_fail(cmd, "the membership has changed meanwhile");
		return;
	}
	change = keyring_change(agent->keyring, NULL);
	if (change && text_eq(change->key, cmd->name) && change->stage == REKEY_DONE) {
		finish(cmd, xasprintf("The collective key is %s now", cmd->name));
	} else if (late) {
		CLEANUP(freep) char *how = rekeyer_text(agent->rekeyer);

		finish(cmd, xasprintf("The collective key is being changed to %s (%s); look at "
				      "collective rekey --status",
				    cmd->name, how));
	}
}

static void on_begun(int rc, const char *why, const char *key, void *arg)
{
	struct command *cmd = arg;

	cmd->rekey = NULL;
	if (!command_applied(cmd, rc, why, "the change of the collective key has begun",
		    "collective rekey --status"))
		return;
	log_info("rekey", "a change of the collective key, to %s, was begun by command", key);
	snprintf(cmd->name, sizeof(cmd->name), "%s", key);
	command_wait(cmd, rekey_ready, DONE_LIMIT);
}

static void rekey_go(struct command *cmd)
{
	struct coord_fence fence;
	struct err err = {""};

	member_fence(cmd->agent->member, &fence);
	if (!member_quorum(cmd->agent->member))
		registry_no_quorum(&err);
	else if (!fence.may_write)
		err_set(&err, -EACCES, "%s",
			fence.why_not ? fence.why_not : "this member may not write");
	else {
		cmd->rekey = rekey_begin_new(cmd->agent, on_begun, cmd);
		return;
	}
	command_fail(cmd, err.text);
}

static void query(struct commands *c, struct api_request *req)
{
	json *answer = json_new_object();

	rekeyer_tell(commands_agent(c)->rekeyer, answer);
	api_request_reply(req, answer);
	api_request_done(req);
}

void command_rekey(struct commands *c, struct api_request *req, const json *message)
{
	struct err err = {""};
	bool asks;

	if (json_bool_or(message, "query", false, &asks, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (!command_needs_member(c, req))
		return;
	if (asks)
		query(c, req);
	else if (commands_busy(c))
		api_request_error(req, 400, COMMANDS_BUSY);
	else
		command_when_registered(command_new(c, req), rekey_go);
}
