/*
 * pause, resume: automatic moves are stopped, and go on. Any member may be asked.
 *
 *     {"operation":"pause","reason":TEXT}    {"status":…}
 *     {"operation":"resume"}                 {"status":…}
 *
 * And what all operations that give orders have in common (order_change.h).
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/order_change.h"
#include "etcd/sync.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "member/member.h"

/* The change is in etcd by then; the copy has it, or is behind and says so elsewhere. */
#define COPY_LIMIT (5 * USEC_PER_SEC)

/* ---- what operations that give orders have in common ---- */

void command_actor(const struct command *cmd, char ret[ORDERS_ACTOR_MAX])
{
	uid_t uid = api_request_peer(cmd->req)->uid;

	if (uid == 0)
		snprintf(ret, ORDERS_ACTOR_MAX, "root");
	else
		snprintf(ret, ORDERS_ACTOR_MAX, "uid %lu", (unsigned long)uid);
}

int command_reason(const json *message, char **ret, struct err *err)
{
	const char *reason;
	int rc = json_str_or(message, "reason", NULL, &reason, err);

	if (rc == 0)
		*ret = reason && reason[strspn(reason, " ")] ? xstrdup(reason) : NULL;
	return rc;
}

static int check_reason(const char *reason, struct err *err)
{
	if (strlen(reason) > ORDERS_REASON_MAX)
		return err_set(
			err, -EINVAL, "the reason is longer than %d bytes", ORDERS_REASON_MAX);
	for (const unsigned char *p = (const unsigned char *)reason; *p; p++) {
		if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return err_set(err, -EINVAL,
				"the reason has more than one line, or "
				"characters that can't be shown");
	}
	return 0;
}

int command_order_begin(
	const struct command *cmd, const char *reason, struct order *ret, struct err *err)
{
	int rc = reason ? check_reason(reason, err) : 0;

	if (rc < 0)
		return rc;
	*ret = (struct order){.at = clock_wall()};
	snprintf(ret->by, sizeof(ret->by), "%s", cmd->agent->identity->name);
	command_actor(cmd, ret->actor);
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason ? reason : "");
	return 0;
}

static void copied_ready(struct command *cmd, bool late)
{
	struct etcd_sync_status sync;

	if (!cmd->agent->member) {
		command_fail(cmd, "the membership has changed meanwhile");
		return;
	}
	member_sync_status(cmd->agent->member, &sync);
	if (sync.revision < cmd->revision && !late)
		return;
	command_waited(cmd);
	cmd->go(cmd);
}

static void on_ordered(int rc, const char *why, int64_t revision, void *arg)
{
	struct command *cmd = arg;

	cmd->order = NULL;
	if (!command_applied(cmd, rc, why, "that was done", "collective history"))
		return;
	cmd->revision = revision;
	command_wait(cmd, copied_ready, COPY_LIMIT);
}

void command_order(
	struct command *cmd, const struct order_what *what, void (*then)(struct command *cmd))
{
	struct err err = {""};

	if (!cmd->agent->member)
		err_set(&err, -ENOENT, "the membership has changed meanwhile");
	else if (order_change_new(&cmd->order, cmd->agent, what, on_ordered, cmd, &err) == 0) {
		cmd->go = then;
		return;
	}
	command_fail(cmd, err.text);
}

/* ---- pause and resume ---- */

static void paused(struct command *cmd)
{
	command_status(cmd, "Automatic moves are paused");
}

static void pause_go(struct command *cmd)
{
	struct order order;
	struct order_what what = {
		.path = ORDERS_PAUSE,
		.order = &order,
		.exists = "automatic moves are paused already",
		.kind = HISTORY_PAUSED,
		.actor = order.actor,
		.reason = cmd->reason,
	};
	struct err err = {""};

	if (command_order_begin(cmd, cmd->reason, &order, &err) < 0)
		command_fail(cmd, err.text);
	else
		command_order(cmd, &what, paused);
}

void command_pause(struct commands *c, struct api_request *req, const json *message)
{
	CLEANUP(freep) char *reason = NULL;
	struct err err = {""};
	struct command *cmd;

	if (command_reason(message, &reason, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (!command_needs_member(c, req))
		return;
	cmd = command_new(c, req);
	cmd->reason = TAKE(reason);
	command_when_registered(cmd, pause_go);
}

static void resumed(struct command *cmd)
{
	command_status(cmd, "Automatic moves are resumed");
}

static void resume_go(struct command *cmd)
{
	char actor[ORDERS_ACTOR_MAX];
	struct order_what what = {
		.path = ORDERS_PAUSE,
		.missing = "automatic moves are not paused",
		.kind = HISTORY_RESUMED,
		.actor = actor,
	};

	command_actor(cmd, actor);
	command_order(cmd, &what, resumed);
}

void command_resume(struct commands *c, struct api_request *req, const json *message)
{
	(void)message;
	if (command_needs_member(c, req))
		command_when_registered(command_new(c, req), resume_go);
}
