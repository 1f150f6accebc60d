/*
 * rebalance: evens out how many nodes the members have, once, within the nodes' candidates.
 *
 *     {"operation":"rebalance","dry_run":BOOL,"max_moves":N}
 *     {"moves":[{"node","from","to","from_nodes":N,"to_nodes":N,"why":TEXT},…]} …
 *     {"progress":{"left":N,"all":N}} … {"end":{"status":TEXT,"moved":N,"dry_run":BOOL}}
 *
 * The happy path: a survey tells which moves there would be, and why each; these are told, as the plan;
 * the order is put into etcd; the leader makes the moves, counting the order down, and removes it; what it
 * has made of the order is in history.
 *
 * The plan that is told is this member's; the leader makes its own, when its turn comes. A client that goes
 * away takes nothing back.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/survey.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/await.h"
#include "command/commands.h"
#include "command/order_change.h"
#include "command/tell.h"
#include "core/planner.h"
#include "io/clock.h"
#include "member/member.h"
#include "member/registry.h"
#include "record/history.h"
#include "record/orders.h"

#define MOVES_MAX 1000000000

struct rebalance {
	struct command *cmd;
	struct tell *tell;
	struct survey *survey;
	struct await await;
	const struct planner_move *moves; /* of the survey: those for other causes, too */
	size_t n_moves, at;
	int64_t n; /* moves to even out */
	bool dry_run;
	int64_t max;
	char id[ORDERS_ID_MAX];
};

static void drop(void *arg)
{
	struct rebalance *r = arg;

	tell_free(r->tell);
	survey_free(r->survey);
	await_done(&r->await);
	free(r);
}

static void finish(struct rebalance *r, char *status, int64_t moves)
{
	json *end, *frame = command_end(r->cmd, &end);

	json_set_str(end, "status", status);
	json_set_number(end, "moved", moves);
	json_set_bool(end, "dry_run", r->dry_run);
	free(status);
	command_reply(r->cmd, frame);
}

/* The order under way that is this one. */
static const struct order *order_of(const struct rebalance *r)
{
	const struct order *order = orders_rebalance(r->cmd->agent->orders);

	return order && text_eq(order->id, r->id) ? order : NULL;
}

/* ---- waiting ---- */

/* Moves that the leader made since it was ordered: there is one rebalancing at a time. */
static int64_t moved(const struct rebalance *r)
{
	const struct history_entry *entry;
	int64_t n = 0;

	list_foreach (entry, history_list(r->cmd->agent->history), link) {
		if (entry->kind != HISTORY_REBALANCE || entry->revision <= r->cmd->revision)
			continue;
		for (size_t i = 0; i < entry->n_counts; i++)
			n += (int64_t)entry->counts[i].nodes;
	}
	return n;
}

static void look(void *arg)
{
	struct rebalance *r = arg;
	const struct order *order = order_of(r);
	CLEANUP(freep) char *text = NULL;
	struct err err = {""};
	int64_t n = moved(r);

	if (!order) {
		finish(r, xasprintf("%" PRId64 " node%s moved", n, n == 1 ? "" : "s"), n);
		return;
	}
	if (await_go_on(&r->await, MAX(r->await.all - n, 0), &err) == 0)
		return;
	text = xasprintf("%s: the rebalancing stays ordered, %" PRId64 " node%s moved so far",
		err.text, n, n == 1 ? " was" : "s were");
	command_fail(r->cmd, text);
}

/* The order is in this member's copy, or has been carried out already. */
static void ordered(struct command *cmd)
{
	struct rebalance *r = cmd->work;

	await_begin(&r->await, cmd, look, r, r->n);
}

static void give_order(struct rebalance *r)
{
	struct order order;
	const struct order_what what = {
		.path = ORDERS_REBALANCE,
		.order = &order,
		.exists = "a rebalancing is under way already",
		.kind = HISTORY_REBALANCE_ORDERED,
		.actor = order.actor,
	};
	struct err err = {""};

	if (command_order_begin(r->cmd, NULL, &order, &err) < 0) {
		command_fail(r->cmd, err.text);
		return;
	}
	snprintf(order.id, sizeof(order.id), "%s", r->id);
	order.max = order.left = r->max;
	command_order(r->cmd, &what, ordered);
}

/* ---- the plan ---- */

static int move_row(json **ret, struct err *err UNUSED, void *arg)
{
	struct rebalance *r = arg;
	const struct planner *planner = survey_planner(r->survey);
	const struct planner_move *move = &r->moves[r->at];
	CLEANUP(freep) char *why = NULL;
	const char *from, *to;

	if (r->at == r->n_moves)
		return 0;
	r->at++;
	if (move->cause != PLANNER_BALANCED)
		return -EAGAIN;
	from = planner_member(planner, move->from)->name;
	to = planner_member(planner, move->to)->name;
	why = xasprintf("%s has %zu node%s, %s has %zu", from, move->from_nodes,
		move->from_nodes == 1 ? "" : "s", to, move->to_nodes);
	*ret = json_new_object();
	json_set_str(*ret, "node", survey_node_name(r->survey, move->node));
	json_set_str(*ret, "from", from);
	json_set_str(*ret, "to", to);
	json_set_number(*ret, "from_nodes", (int64_t)move->from_nodes);
	json_set_number(*ret, "to_nodes", (int64_t)move->to_nodes);
	json_set_str(*ret, "why", why);
	r->n++;
	return 1;
}

static void moves_end(void *arg)
{
	struct rebalance *r = arg;

	survey_free(TAKE(r->survey));
	if (r->n == 0) {
		finish(r,
			xstrdup("nothing to move: the nodes are spread as evenly as their "
				"candidates allow"),
			0);
		return;
	}
	if (r->dry_run) {
		finish(r, xasprintf("%" PRId64 " node%s would move", r->n, r->n == 1 ? "" : "s"),
			r->n);
		return;
	}
	give_order(r);
}

static void on_surveyed(int rc, const char *why, struct survey *survey, void *arg)
{
	static const struct tell_ops ops = {"moves", "rebalance", move_row, moves_end};
	struct rebalance *r = arg;

	if (rc < 0) {
		command_fail(r->cmd, why);
		return;
	}
	r->n_moves = planner_moves(survey_planner(survey), &r->moves);
	tell_rows(r->tell, &ops);
}

/* ---- the command ---- */

static int may_begin(const struct agent *agent, struct err *err)
{
	const struct order *pause = orders_pause(agent->orders);
	const struct order *other = orders_rebalance(agent->orders);
	CLEANUP(freep) char *by = NULL;

	if (!member_quorum(agent->member))
		return registry_no_quorum(err);
	if (!pause && !other)
		return 0;
	by = order_text(pause ? pause : other);
	if (pause)
		return err_set(err, -EPERM,
			"automatic moves are paused%s%s (collective resume first)", *by ? " " : "",
			by);
	return err_set(err, -EBUSY, "a rebalancing is under way already%s%s", *by ? " " : "", by);
}

static void rebalance_go(struct command *cmd)
{
	struct rebalance *r = cmd->work;
	const struct survey_options options = {
		.at_once = true,
		.every_node = true,
		.balance = true,
		.max_moves = (size_t)r->max,
	};
	struct err err = {""};

	if (!r->dry_run && may_begin(cmd->agent, &err) < 0) {
		command_fail(cmd, err.text);
		return;
	}
	r->tell = tell_new(cmd, r);
	r->survey = survey_new(cmd->agent, &options, on_surveyed, r);
}

static void readable(struct command *cmd)
{
	const struct rebalance *r = cmd->work;

	if (r->dry_run)
		rebalance_go(cmd);
	else
		command_when_registered(cmd, rebalance_go);
}

static int parse(const json *message, struct rebalance *r, struct err *err)
{
	int rc = json_bool_or(message, "dry_run", false, &r->dry_run, err);

	if (rc == 0)
		rc = json_i64_or(message, "max_moves", MOVES_MAX, &r->max, err);
	if (rc == 0 && (r->max < 1 || r->max > MOVES_MAX))
		rc = err_set(err, -ERANGE, "'max_moves' must be between 1 and %d", MOVES_MAX);
	return rc;
}

void command_rebalance(struct commands *c, struct api_request *req, const json *message)
{
	struct rebalance wanted = {.max = 0}, *r;
	struct err err = {""};

	if (!command_needs_member(c, req))
		return;
	if (parse(message, &wanted, &err) < 0) {
		api_request_error(req, 400, err.text);
		return;
	}
	if (!wanted.dry_run && api_request_peer(req)->access != API_FULL) {
		api_request_error(req, 403,
			"only root may rebalance; with --dry-run you see what it would do");
		return;
	}
	r = xmemdup(&wanted, sizeof(wanted));
	r->cmd = command_new(c, req);
	snprintf(r->id, sizeof(r->id), "%016" PRIx64, random_u64());
	r->cmd->work = r;
	r->cmd->work_free = drop;
	command_when_readable(r->cmd, readable);
}
