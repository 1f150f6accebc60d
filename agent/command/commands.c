#include "config.h"
#include "command/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/resources.h"
#include "app/agent.h"
#include "app/door.h"
#include "app/rekey_begin.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/command.h"
#include "command/order_change.h"
#include "command/show.h"
#include "enroll/invitations.h"
#include "identity/certmaker.h"
#include "identity/identity.h"
#include "io/loop.h"
#include "member/found.h"
#include "member/joiner.h"
#include "member/member.h"
#include "member/registry.h"
#include "record/orders.h"

#define STOPPING       "collectived is stopping"
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
	if (cmd->work_free)
		cmd->work_free(cmd->work);
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
		command_fail(cmd, COMMANDS_NOT_ENABLED);
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

bool command_applied(
	struct command *cmd, int rc, const char *why, const char *what, const char *shown_by)
{
	CLEANUP(freep) char *text = NULL;

	if (rc == -EINPROGRESS)
		text = xasprintf(
			"it is not known whether %s (%s): look at %s", what, why, shown_by);
	if (rc < 0)
		command_fail(cmd, text ? text : why);
	return rc >= 0;
}

static void commands_changed(struct commands *c)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->ready)
			cmd->ready(cmd, false);
	}
}

static void commands_drop(struct commands *c, const char *why)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->job || cmd->rekey || cmd->order || cmd->ready || cmd->work ||
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

static void commands_stop(struct commands *c)
{
	struct command *cmd, *tmp;

	list_foreach_safe (cmd, tmp, &c->list, link) {
		if (cmd->joiner || cmd->endless)
			command_fail(cmd, stopping(cmd));
		else if (cmd->watch)
			watcher_end(cmd, STOPPING);
	}
}

unsigned commands_watchers(const struct commands *c, enum api_access access)
{
	struct command *cmd;
	unsigned n = 0;

	list_foreach (cmd, &c->list, link)
		n += cmd->watch && api_request_peer(cmd->req)->access == access;
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
	api_request_error(req, 400, COMMANDS_NOT_ENABLED);
	return false;
}

struct command *command_about_member(
	struct commands *c, struct api_request *req, const json *message)
{
	const char *name = command_argument(req, message, "member");
	struct err err = {""};
	struct command *cmd;

	if (!name || !command_needs_member(c, req))
		return NULL;
	if (!name_valid(name)) {
		/* an empty one would leave a hole in that sentence */
		if (*name || name_check(name, &err) == 0)
			registry_unknown(&err, name);
		api_request_error(req, 400, err.text);
		return NULL;
	}
	cmd = command_new(c, req);
	snprintf(cmd->name, sizeof(cmd->name), "%s", name);
	return cmd;
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
	{"delete", false, command_delete},
	{"gencert", false, command_gencert},
	{"resign", false, command_resign},
	{"adopt", false, command_adopt},
	{"rekey", false, command_rekey},
	{"pause", false, command_pause},
	{"resume", false, command_resume},
	{"history", true, command_history},
	{"log", false, command_log},
	{"secret", false, command_secret},
	{"dump", false, command_dump},
	{"restore", false, command_restore},
	{"claim", false, command_claim},
	{"nodes", true, command_nodes},
	{"candidates", true, command_candidates},
	{"plan", true, command_plan},
	{"drain", false, command_drain},
	{"undrain", false, command_undrain},
	/* it asks for more itself where it is no dry run */
	{"rebalance", true, command_rebalance},
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

/* Who is told anything is told that, too. */
static void on_answering(json *value, void *arg)
{
	const struct commands *c = arg;
	const struct order *pause = c->agent->orders ? orders_pause(c->agent->orders) : NULL;

	if (pause)
		json_set(value, "paused", order_tell(pause));
}

static void on_resource(struct api_request *req, const char *operation, const char *path,
	const json *parameters, void *arg)
{
	struct commands *c = arg;

	api_resources_serve(c->agent->resources, req, operation, path, parameters);
}

static const struct api_handlers handlers = {
	.collective = on_collective,
	.readable = is_readable,
	.answering = on_answering,
	.resource = on_resource,
};

static struct commands *commands_new(struct agent *agent)
{
	struct commands *c = xcalloc(1, sizeof(*c));

	c->agent = agent;
	list_init(&c->list);
	return c;
}

static void commands_free(struct commands *c)
{
	struct command *cmd, *tmp;

	if (!c)
		return;
	list_foreach_safe (cmd, tmp, &c->list, link)
		command_fail(cmd, stopping(cmd));
	restore_free(c->agent->restore);
	free(c);
}

const struct commands_ops commands_ops = {
	.handlers = &handlers,
	.create = commands_new,
	.free = commands_free,
	.changed = commands_changed,
	.drop = commands_drop,
	.busy = commands_busy,
	.stop = commands_stop,
};
