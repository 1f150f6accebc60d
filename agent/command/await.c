#include "config.h"
#include "command/await.h"

#include <errno.h>

#include "api/server.h"
#include "app/agent.h"
#include "base/mem.h"
#include "command/command.h"
#include "core/roster.h"
#include "member/member.h"
#include "member/registry.h"
#include "record/orders.h"
#include "wire/json.h"

#define LOOK	   (250 * USEC_PER_MSEC)
#define TELL	   (500 * USEC_PER_MSEC)
#define TELL_AGAIN (5 * USEC_PER_SEC)

void await_begin(struct await *a, struct command *cmd, loop_fn *look, void *arg, int64_t all)
{
	a->cmd = cmd;
	a->all = a->left = all;
	a->told = -1;
	a->moved_at = loop_now(cmd->agent->loop);
	a->timer = loop_timer_new(cmd->agent->loop, "await", look, arg);
	loop_timer_after(a->timer, 0);
	cmd->endless = true;
}

static void tell(struct await *a, usec_t now)
{
	json *frame, *progress;

	if (now - a->told_at < (a->left == a->told ? TELL_AGAIN : TELL))
		return;
	a->told = a->left;
	a->told_at = now;
	frame = json_new_object();
	progress = json_set(frame, "progress", json_new_object());
	json_set_number(progress, "left", a->left);
	json_set_number(progress, "all", a->all);
	api_request_reply(a->cmd->req, frame);
}

static int give_up(const struct agent *agent, struct err *err)
{
	if (!roster_leader_member(member_roster(agent->member)))
		return err_set(err, -ETIMEDOUT, "no member leads the collective");
	return err_set(err, -ETIMEDOUT, "nothing has moved for %d seconds",
		(int)(AWAIT_LIMIT / USEC_PER_SEC));
}

static int paused(const struct order *pause, struct err *err)
{
	CLEANUP(freep) char *by = order_text(pause);

	return err_set(err, -EPERM, "automatic moves are paused%s%s, until collective resume",
		*by ? " " : "", by);
}

int await_go_on(struct await *a, int64_t left, struct err *err)
{
	const struct agent *agent = a->cmd->agent;
	usec_t now = loop_now(agent->loop);

	if (left != a->left)
		a->moved_at = now;
	a->left = left;
	if (!member_quorum(agent->member))
		return registry_no_quorum(err);
	if (orders_pause(agent->orders))
		return paused(orders_pause(agent->orders), err);
	if (now - a->moved_at >= AWAIT_LIMIT)
		return give_up(agent, err);
	tell(a, now);
	loop_timer_after(a->timer, LOOK);
	return 0;
}

usec_t await_idle(const struct await *a)
{
	return loop_now(a->cmd->agent->loop) - a->moved_at;
}

void await_done(struct await *a)
{
	loop_timer_free(a->timer);
	a->timer = NULL;
}
