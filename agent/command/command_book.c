/*
 * What is asked of the book of invitations: the list, and revoke, which answers when it is on disk.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdio.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/door.h"
#include "base/log.h"
#include "base/mem.h"
#include "command/commands.h"
#include "enroll/invitations.h"
#include "io/clock.h"

void command_invitations(struct commands *c, struct api_request *req, const json *message)
{
	struct invitations *book;
	json *reply, *list;

	(void)message;
	if (!command_needs_member(c, req))
		return;
	book = door_book(commands_agent(c)->door);
	/* what can't be written down now is written at the next change */
	invitations_sweep(book, clock_wall());
	reply = json_new_object();
	list = json_set(reply, "invitations", json_new_array());
	for (size_t i = 0; i < invitations_count(book); i++) {
		json *one = json_add(list, json_new_object());
		struct invitation inv;

		invitations_at(book, i, &inv);
		json_set_str(one, "name", inv.name);
		json_set_str(one, "role", inv.voting ? "voting" : "nonvoting");
		json_set_number(one, "created", inv.created / USEC_PER_SEC);
		json_set_number(one, "expires", inv.expires / USEC_PER_SEC);
		json_set_str(one, "state", invitation_state_name(inv.state));
		if (inv.address)
			json_set_str(one, "used_by", inv.address);
	}
	api_request_reply(req, reply);
	api_request_done(req);
}

static void revoke_written(struct command *cmd)
{
	CLEANUP(freep) char *status = NULL;

	if (cmd->why) {
		CLEANUP(freep) char *why = TAKE(cmd->why);

		command_fail(cmd, why);
		return;
	}
	log_info("enroll", "the invitation of %s was revoked", cmd->name);
	status = xasprintf("Revoked the invitation of %s", cmd->name);
	command_status(cmd, status);
}

void command_revoke(struct commands *c, struct api_request *req, const json *message)
{
	const char *name = command_argument(req, message, "name");
	struct command *cmd;
	struct err err = {""};
	int rc;

	if (!name || !command_needs_member(c, req))
		return;
	rc = invitations_revoke(door_book(commands_agent(c)->door), name, clock_wall(), &err);
	if (rc < 0 && rc != -EALREADY) {
		api_request_error(req, 400, err.text);
		return;
	}
	/* that it was used is an error, but its key is dropped, and that is to be on disk, too */
	cmd = command_new(c, req);
	snprintf(cmd->name, sizeof(cmd->name), "%s", name);
	cmd->why = rc < 0 ? xstrdup(err.text) : NULL;
	command_when_written(cmd, revoke_written);
}
