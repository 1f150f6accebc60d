/*
 * gencert, adopt, delete, resign: what is done to a member.
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
#include "base/text.h"
#include "command/commands.h"
#include "conf/conf.h"
#include "identity/address.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "member/member.h"
#include "member/registry.h"

#define RESIGN_LIMIT (5 * USEC_PER_SEC)

static void on_made(int rc, const char *why, void *arg)
{
	struct command *cmd = arg;
	struct agent *agent = cmd->agent;

	cmd->maker = NULL;
	if (rc < 0) {
		command_fail(cmd, why);
		return;
	}
	log_info("certificate", "made by command, serial %s", agent->identity->facts->serial);
	if (agent->door)
		door_certificate_changed(agent->door);
	command_status(cmd, "Certificate generated successfully");
}

void command_gencert(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = commands_agent(c);
	struct certmaker_config config = {
		.worker = agent->worker,
		.identity = agent->identity,
		.config_dir = agent->conf->paths.config_dir,
		.new_key = true,
		.now = clock_wall(),
	};
	struct address_list addresses;
	struct command *cmd;

	(void)message;
	if (commands_busy(c)) {
		api_request_error(req, 400, COMMANDS_BUSY);
		return;
	}
	cmd = command_new(c, req);
	address_list_init(&addresses, agent->address, NULL, 0);
	config.addresses = (const char *const *)addresses.at;
	config.address_count = addresses.n;
	cmd->maker = certmaker_new(&config, on_made, cmd);
	address_list_done(&addresses);
}

/* The book is read again from its file, which must be settled. */
static void adopt_go(struct command *cmd)
{
	struct agent *agent = cmd->agent;
	struct err err = {""};

	if (invitations_settle(door_book(agent->door), &cmd->disk))
		return;
	log_warning("member", "etcd as it is now was accepted by command");
	agent_stop_member(agent);
	if (agent_start_member(agent, true, &err) < 0)
		command_fail(cmd, err.text);
	else
		command_status(cmd, "Accepted etcd as it is now");
}

void command_adopt(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = commands_agent(c);

	(void)message;
	if (!command_needs_member(c, req))
		return;
	if (!text_eq(member_state(agent->member), "held") &&
		(!member_foreign(agent->member) || member_quorum(agent->member)))
		api_request_error(req, 400, "there is nothing to adopt: etcd is the one it was");
	else if (commands_busy(c))
		api_request_error(req, 400, COMMANDS_BUSY);
	else
		command_when_written(command_new(c, req), adopt_go);
}

/* ---- delete and resign ---- */

static void on_deleted(int rc, const char *why, int64_t revision, void *arg)
{
	struct command *cmd = arg;
	CLEANUP(freep) char *what = xasprintf("%s was deleted", cmd->name);
	CLEANUP(freep) char *status = NULL;

	cmd->job = NULL;
	if (!command_applied(cmd, rc, why, what, "collective show"))
		return;
	log_info("registry", "%s was deleted by command (revision %lld)", cmd->name,
		(long long)revision);
	status = xasprintf("Successfully deleted %s", cmd->name);
	command_status(cmd, status);
}

static void delete_go(struct command *cmd)
{
	struct agent *agent = cmd->agent;

	cmd->job = registry_delete(
		agent->loop, agent->member, agent->identity, cmd->name, on_deleted, cmd);
}

void command_delete(struct commands *c, struct api_request *req, const json *message)
{
	struct command *cmd = command_about_member(c, req, message);

	if (cmd)
		command_when_registered(cmd, delete_go);
}

static void resign_ready(struct command *cmd, bool late)
{
	const struct roster_member *leader;
	CLEANUP(freep) char *status = NULL;

	if (!cmd->agent->member) {
		command_fail(cmd, COMMANDS_NOT_ENABLED);
		return;
	}
	leader = roster_leader_member(member_roster(cmd->agent->member));
	if (leader && !text_eq(leader->name, cmd->agent->identity->name)) {
		status = xasprintf("Leadership went to %s", leader->name);
		command_status(cmd, status);
	} else if (late && member_leads(cmd->agent->member)) {
		command_fail(cmd, "no other voting member is active, so this one leads again");
	} else if (late) {
		command_fail(cmd, "resigned, but nobody leads yet: look at collective show");
	}
}

static bool others_may_lead(const struct agent *agent)
{
	const struct roster *roster = member_roster(agent->member);

	return roster_list(
		       roster, ROSTER_ACTIVE | ROSTER_VOTING | ROSTER_NO_LEADER, NULL, NULL, 0) > 0;
}

void command_resign(struct commands *c, struct api_request *req, const json *message)
{
	const struct agent *agent;
	struct err err = {""};

	(void)message;
	if (!command_needs_member(c, req))
		return;
	agent = commands_agent(c);
	if (!member_quorum(agent->member))
		registry_no_quorum(&err);
	else if (member_leads(agent->member) && !others_may_lead(agent))
		err_set(&err, -EPERM, "no other voting member is active");
	else if (member_resign(agent->member, &err) == 0) {
		command_wait(command_new(c, req), resign_ready, RESIGN_LIMIT);
		return;
	}
	api_request_error(req, 400, err.text);
}
