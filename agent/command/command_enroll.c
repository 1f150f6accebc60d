/*
 * invite and join, on the agent's side.
 *
 * invite: a standalone server founds the collective first (member/found.h), becomes its first
 * member and waits until it may write; then the invitation goes into the book and the token out.
 * join: see member/joiner.h; afterwards the agent becomes a member with what came back and waits,
 * for a while, until it is an active one, so that the next `collective show` on the screen shows
 * it.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/door.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "command/commands.h"
#include "enroll/invitations.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/found.h"
#include "member/joiner.h"
#include "member/member.h"
#include "member/registry.h"
#include "trust/token.h"

#define TTL_DEFAULT  86400	  /* seconds */
#define TTL_MAX	     (30 * 86400) /* seconds */
#define JOINED_LIMIT (8 * USEC_PER_SEC)

/* ---- invite ---- */

static int may_invite(struct agent *agent, const char *name, struct err *err)
{
	const struct roster_member *there = roster_find(member_roster(agent->member), name);
	struct coord_fence fence;

	if (!member_quorum(agent->member))
		return registry_no_quorum(err);
	member_fence(agent->member, &fence);
	if (!fence.may_write)
		return err_set(err, -EACCES, "%s",
			fence.why_not ? fence.why_not : "this member may not write");
	if (there && there->is_active)
		return err_set(err, -EBUSY,
			"%s is an active member of the collective: stop its agent first to "
			"replace it",
			name);
	return registry_room(member_roster(agent->member), name, err);
}

static int make_invitation(struct command *cmd, struct err *err)
{
	struct agent *agent = cmd->agent;
	struct token_psk psk;
	int rc;

	rc = may_invite(agent, cmd->name, err);
	if (rc == 0)
		rc = door_open(agent->door, err);
	if (rc == 0)
		rc = token_make(cmd->name, &cmd->token, &psk, err);
	if (rc < 0)
		return rc;
	rc = invitations_add(door_book(agent->door), cmd->name, !cmd->nonvoting, psk.identity,
		psk.key, clock_wall(), cmd->ttl, err);
	token_psk_wipe(&psk);
	return rc;
}

static void invite_written(struct command *cmd)
{
	char ttl[NUM_DURATION_MAX];
	json *reply = json_new_object();

	log_info("enroll", "%s was invited%s, for %s", cmd->name,
		cmd->nonvoting ? " (nonvoting)" : "", num_format_duration(cmd->ttl, ttl));
	json_set_str(reply, "invitation", cmd->token);
	if (cmd->made_certificate)
		json_set_str(reply, "certificate", "generated");
	command_reply(cmd, reply);
}

static void invite_finish(struct command *cmd)
{
	struct err err = {""};

	if (make_invitation(cmd, &err) < 0)
		command_fail(cmd, err.text);
	else
		command_when_written(cmd, invite_written);
}

static void on_founded(int rc, const char *why, bool made_certificate, void *arg)
{
	struct command *cmd = arg;
	struct err err = {""};

	cmd->found = NULL;
	cmd->made_certificate = made_certificate;
	if (rc < 0)
		err_set(&err, rc, "%s", why);
	if (rc == 0)
		rc = agent_start_member(cmd->agent, false, &err);
	if (rc < 0)
		command_fail(cmd, err.text);
	else
		command_when_registered(cmd, invite_finish);
}

static void found_first(struct command *cmd)
{
	struct agent *agent = cmd->agent;
	struct found_config config = {
		.loop = agent->loop,
		.http = agent->http,
		.worker = agent->worker,
		.conf = agent->conf,
		.identity = agent->identity,
	};
	struct err err = {""};

	/* a membership that could not be taken up must not be replaced by a new collective */
	if (agent->identity->bundle)
		command_fail(cmd,
			"this server is a member of a collective, but its agent could not "
			"begin to work for it: look at its log, mend that, and restart it");
	else if (commands_busy(cmd->commands))
		command_fail(cmd, COMMANDS_BUSY);
	else if (found_new(&cmd->found, &config, on_founded, cmd, &err) < 0)
		command_fail(cmd, err.text);
}

static int invite_arguments(
	const struct agent *agent, const json *message, struct command *ret, struct err *err)
{
	const char *name, *role;
	int64_t ttl;
	int rc;

	rc = json_str(message, "name", &name, err);
	if (rc == 0)
		rc = name_check(name, err);
	if (rc == 0 && text_eq(name, agent->identity->name))
		rc = err_set(err, -EINVAL, "%s is this server's own name", name);
	if (rc == 0)
		rc = json_str_or(message, "role", NULL, &role, err);
	if (rc == 0 && role && !text_eq(role, "nonvoting") && !text_eq(role, "voting"))
		rc = err_set(err, -EINVAL, "the role must be voting or nonvoting");
	if (rc == 0)
		rc = json_i64_or(message, "ttl", TTL_DEFAULT, &ttl, err);
	if (rc == 0 && (ttl < 1 || ttl > TTL_MAX))
		rc = err_set(err, -ERANGE,
			"an invitation can be good for 1 second to 30 days, not %lld seconds",
			(long long)ttl);
	if (rc < 0)
		return rc;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->nonvoting = text_eq(role, "nonvoting");
	ret->ttl = ttl * USEC_PER_SEC;
	return 0;
}

void command_invite(struct commands *c, struct api_request *req, const json *message)
{
	struct command *cmd = command_new(c, req);
	struct err err = {""};

	if (invite_arguments(cmd->agent, message, cmd, &err) < 0)
		command_fail(cmd, err.text);
	else if (cmd->agent->member)
		command_when_registered(cmd, invite_finish);
	else
		found_first(cmd);
}

/* ---- join ---- */

static void join_failed(struct command *cmd, const char *why)
{
	json *reply = json_new_object();

	json_set_str(reply, "error", why);
	if (cmd->made_certificate)
		json_set_str(reply, "certificate", "generated");
	command_reply(cmd, reply);
}

static void joined_ready(struct command *cmd, bool late)
{
	json *reply;

	if (cmd->agent->member && !member_settled(cmd->agent->member) && !late)
		return;
	reply = command_status_json("Success");
	if (cmd->made_certificate)
		json_set_str(reply, "certificate", "generated");
	command_reply(cmd, reply);
}

static void on_joined(const struct joiner_result *result, void *arg)
{
	struct command *cmd = arg;
	struct agent *agent = cmd->agent;
	struct err err = {""};
	int rc;

	cmd->joiner = NULL;
	cmd->made_certificate |= result->made_certificate;
	if (result->rc < 0) {
		door_hold(agent->door, false);
		log_warning("join", "failed: %s", result->why);
		join_failed(cmd, result->why);
		return;
	}
	if (result->backup)
		log_info("join", "the former configuration is kept in %s", result->backup);
	agent_stop_member(agent);
	rc = agent_reload_identity(agent, &err);
	if (rc == 0)
		rc = agent_start_member(agent, false, &err);
	if (rc < 0) {
		log_error("join", "%s", err.text);
		join_failed(cmd, err.text);
		return;
	}
	log_info("join", "joined the collective %s as %s", agent->identity->bundle->id,
		agent->identity->name);
	command_wait(cmd, joined_ready, JOINED_LIMIT);
}

static void on_installing(void *arg)
{
	struct command *cmd = arg;

	door_hold(cmd->agent->door, true);
}

void command_join(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = commands_agent(c);
	bool busy = commands_busy(c);
	struct command *cmd = command_new(c, req);
	struct joiner_config config = {
		.loop = agent->loop,
		.http = agent->http,
		.worker = agent->worker,
		.conf = agent->conf,
		.identity = agent->identity,
		.installing = on_installing,
	};
	struct err err = {""};
	int rc = 0;

	if (busy)
		rc = err_set(&err, -EBUSY, COMMANDS_BUSY);
	if (rc == 0)
		rc = json_str(message, "server", &config.server, &err);
	if (rc == 0)
		rc = json_str(message, "invitation", &config.token, &err);
	if (rc == 0)
		rc = joiner_new(&cmd->joiner, &config, on_joined, cmd, &err);
	if (rc < 0)
		join_failed(cmd, err.text);
}
