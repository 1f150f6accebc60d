#include "config.h"
#include "app/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/address.h"
#include "api/resources.h"
#include "app/agent.h"
#include "app/certmaker.h"
#include "app/command.h"
#include "app/door.h"
#include "app/found.h"
#include "app/identity.h"
#include "app/joiner.h"
#include "app/member.h"
#include "app/order_change.h"
#include "app/registry.h"
#include "app/rekey_begin.h"
#include "app/show.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "enroll/invitations.h"
#include "io/clock.h"
#include "io/loop.h"

#define NOT_ENABLED    "Collective mode not enabled on this system"
#define STOPPING       "collectived is stopping"
#define RESIGN_LIMIT   (5 * USEC_PER_SEC)
#define REGISTER_LIMIT (10 * USEC_PER_SEC)

struct commands {
	struct agent *agent;
	struct list list;
};

/* ---- commands that take time ---- */

static void command_free(struct command *cmd)
{
	list_del(&cmd->link);
	found_free(cmd->found);
	joiner_free(cmd->joiner);
	registry_cancel(cmd->job);
	certmaker_free(cmd->maker);
	dump_free(cmd->dump);
	restore_free(cmd->restore);
	rekey_begin_free(cmd->rekey);
	order_change_free(cmd->order);
	watcher_free(cmd->watch);
	invitations_leave(&cmd->disk);
	loop_timer_free(cmd->deadline);
	secret_free(cmd->token);
	free(cmd->reason);
	free(cmd->why);
	free(cmd);
}

static void on_cancelled(void *arg)
{
	struct command *cmd = arg;

	/* a join that was interrupted leaves things as they were, until it puts files in place;
	 * everything else is carried out */
	cmd->abandoned = true;
	if (cmd->joiner && !joiner_installs(cmd->joiner))
		command_fail(cmd, "interrupted");
}

struct command *command_new(struct commands *c, struct api_request *req)
{
	static const struct api_request_hooks hooks = {.cancelled = on_cancelled};
	struct command *cmd = xcalloc(1, sizeof(*cmd));

	cmd->commands = c;
	cmd->agent = c->agent;
	cmd->req = req;
	list_add_tail(&c->list, &cmd->link);
	api_request_watch(req, &hooks, cmd);
	return cmd;
}

static void on_deadline(void *arg)
{
	struct command *cmd = arg;

	cmd->ready(cmd, true);
}

void command_wait(struct command *cmd, void (*ready)(struct command *cmd, bool late), usec_t limit)
{
	cmd->ready = ready;
	cmd->deadline = loop_timer_new(cmd->agent->loop, "command", on_deadline, cmd);
	loop_timer_after(cmd->deadline, limit);
	ready(cmd, false);
}

void command_waited(struct command *cmd)
{
	cmd->ready = NULL;
	loop_timer_free(TAKE(cmd->deadline));
}

static void registered_ready(struct command *cmd, bool late)
{
	const struct member *m = cmd->agent->member;
	struct coord_fence fence;

	if (!m) {
		command_fail(cmd, NOT_ENABLED);
		return;
	}
	member_fence(m, &fence);
	if (!fence.may_write && !late && !member_settled(m) &&
		(member_quorum(m) || member_starting(m)))
		return;
	command_waited(cmd);
	cmd->go(cmd);
}

void command_when_registered(struct command *cmd, void (*go)(struct command *cmd))
{
	cmd->go = go;
	command_wait(cmd, registered_ready, REGISTER_LIMIT);
}

static void on_written(struct invitations_wait *wait, int rc, const char *why)
{
	struct command *cmd = CONTAINER_OF(wait, struct command, disk);

	if (rc < 0)
		command_fail(cmd, why);
	else
		cmd->go(cmd);
}

void command_when_written(struct command *cmd, void (*go)(struct command *cmd))
{
	cmd->go = go;
	cmd->disk.done = on_written;
	if (!invitations_settle(door_book(cmd->agent->door), &cmd->disk))
		go(cmd);
}

json *command_status_json(const char *status)
{
	json *reply = json_new_object();

	json_set_str(reply, "status", status);
	return reply;
}

void command_reply(struct command *cmd, json *reply)
{
	struct api_request *req = cmd->req;

	command_free(cmd);
	api_request_reply(req, reply);
	api_request_done(req);
}

void command_status(struct command *cmd, const char *status)
{
	command_reply(cmd, command_status_json(status));
}

void command_fail(struct command *cmd, const char *why)
{
	struct api_request *req = cmd->req;
	struct err text;

	err_set(&text, 0, "%s", why);
	command_free(cmd);
	api_request_error(req, 500, text.text);
}

void commands_changed(struct commands *c)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->ready)
			cmd->ready(cmd, false);
	}
}

void commands_drop(struct commands *c, const char *why)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->job || cmd->rekey || cmd->order || cmd->ready ||
			list_linked(&cmd->disk.link))
			command_fail(cmd, why);
	}
	restore_free(c->agent->restore);
}

static const char *stopping(const struct command *cmd)
{
	if (cmd->joiner && joiner_installs(cmd->joiner))
		return "collectived is stopping; the join is completed all the same: start it "
		       "again and look at collective show";
	return STOPPING;
}

void commands_stop(struct commands *c)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->joiner)
			command_fail(cmd, stopping(cmd));
		else if (cmd->watch)
			watcher_end(cmd, STOPPING);
	}
}

unsigned commands_watchers(const struct commands *c)
{
	struct command *cmd;
	unsigned n = 0;

	list_foreach (cmd, &c->list, link)
		n += cmd->watch != NULL;
	return n;
}

bool commands_busy(const struct commands *c)
{
	struct command *cmd;

	list_foreach (cmd, &c->list, link) {
		if (cmd->found || cmd->joiner || cmd->maker)
			return true;
	}
	return false;
}

struct agent *commands_agent(struct commands *c)
{
	return c->agent;
}

/* ---- operations that answer at once ---- */

static void reply_now(struct api_request *req, json *reply)
{
	api_request_reply(req, reply);
	api_request_done(req);
}

bool command_needs_member(struct commands *c, struct api_request *req)
{
	if (c->agent->member)
		return true;
	api_request_error(req, 400, NOT_ENABLED);
	return false;
}

static void op_show(struct commands *c, struct api_request *req, const json *message)
{
	struct err err = {""};
	bool verbose;

	if (json_bool_or(message, "verbose", false, &verbose, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (command_needs_member(c, req))
		reply_now(req, show_collective(c->agent, verbose));
}

const char *command_argument(struct api_request *req, const json *message, const char *name)
{
	struct err err = {""};
	const char *text;

	if (json_str(message, name, &text, &err) == 0)
		return text;
	api_request_error(req, 400, err.text);
	return NULL;
}

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

static void op_gencert(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = c->agent;
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

static void op_adopt(struct commands *c, struct api_request *req, const json *message)
{
	struct agent *agent = c->agent;

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
	CLEANUP(freep) char *status = NULL;

	cmd->job = NULL;
	if (rc == -EINPROGRESS) {
		status = xasprintf(
			"it is not known whether %s was deleted (%s): look at collective show",
			cmd->name, why);
		command_fail(cmd, status);
		return;
	}
	if (rc < 0) {
		command_fail(cmd, why);
		return;
	}
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

static void op_delete(struct commands *c, struct api_request *req, const json *message)
{
	const char *name = command_argument(req, message, "member");
	struct command *cmd;
	struct err err = {""};

	if (!name || !command_needs_member(c, req))
		return;
	if (!name_valid(name)) {
		registry_unknown(&err, name);
		api_request_error(req, 400, err.text);
		return;
	}
	cmd = command_new(c, req);
	snprintf(cmd->name, sizeof(cmd->name), "%s", name);
	command_when_registered(cmd, delete_go);
}

static void resign_ready(struct command *cmd, bool late)
{
	const struct roster_member *leader;
	CLEANUP(freep) char *status = NULL;

	if (!cmd->agent->member) {
		command_fail(cmd, NOT_ENABLED);
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

static void op_resign(struct commands *c, struct api_request *req, const json *message)
{
	struct err err = {""};

	(void)message;
	if (!command_needs_member(c, req))
		return;
	if (!member_quorum(c->agent->member))
		registry_no_quorum(&err);
	else if (member_leads(c->agent->member) && !others_may_lead(c->agent))
		err_set(&err, -EPERM, "no other voting member is active");
	else if (member_resign(c->agent->member, &err) == 0) {
		command_wait(command_new(c, req), resign_ready, RESIGN_LIMIT);
		return;
	}
	api_request_error(req, 400, err.text);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	bool read; /* members of the read group may */
	command_fn *fn;
} operations[] = {
	{"show", true, op_show},
	{"watch", true, command_watch},
	{"invite", false, command_invite},
	{"invitations", false, command_invitations},
	{"revoke", false, command_revoke},
	{"join", false, command_join},
	{"delete", false, op_delete},
	{"gencert", false, op_gencert},
	{"resign", false, op_resign},
	{"adopt", false, op_adopt},
	{"rekey", false, command_rekey},
	{"pause", false, command_pause},
	{"resume", false, command_resume},
	{"log", false, command_log},
	{"secret", false, command_secret},
	{"dump", false, command_dump},
	{"restore", false, command_restore},
};

static bool is_readable(const char *operation)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (text_eq(operation, operations[i].name))
			return operations[i].read;
	}
	return false;
}

static void on_collective(
	struct api_request *req, const char *operation, const json *message, void *arg)
{
	struct commands *c = arg;
	char shown[TEXT_PRINTABLE_MAX];
	CLEANUP(freep) char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (text_eq(operation, operations[i].name)) {
			if (!operations[i].read && c->agent->stopping)
				api_request_error(req, 500, STOPPING);
			else
				operations[i].fn(c, req, message);
			return;
		}
	}
	text = xasprintf("'%s' is not an operation of the collective",
		text_printable(operation, strlen(operation), shown));
	api_request_error(req, 400, text);
}

static void on_resource(struct api_request *req, const char *operation, const char *path,
	const json *parameters, void *arg)
{
	struct commands *c = arg;

	api_resources_serve(c->agent->resources, req, operation, path, parameters);
}

const struct api_handlers commands_handlers = {
	.collective = on_collective, .readable = is_readable, .resource = on_resource};

struct commands *commands_new(struct agent *agent)
{
	struct commands *c = xcalloc(1, sizeof(*c));

	c->agent = agent;
	list_init(&c->list);
	return c;
}

void commands_free(struct commands *c)
{
	struct command *cmd, *tmp;

	if (!c)
		return;
	list_foreach_safe (cmd, tmp, &c->list, link)
		command_fail(cmd, stopping(cmd));
	restore_free(c->agent->restore);
	free(c);
}
