/*
 * plan: what would happen to the nodes if some members were gone, or as things are. Nothing is changed.
 *
 *     {"operation":"plan","without":[NAME,…]}
 *     {"moves":[{"member":NAME,"state":WORD,"nodes":N,"moved":N,"to":[{"member":NAME,"nodes":N},…]},…]}
 *     {"left":[{"verdict":WORD,"nodes":N,"noderange":TEXT},…]}
 *     {"end":{"moved":N,"odd":N,"first_odd":TEXT,"members":[{"name","nodes","then"},…]}}
 *
 * The survey (app/survey.h) is made as the leader makes it, but for delay and hold-down, which only tell
 * when, not what.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/survey.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "command/commands.h"
#include "command/tell.h"
#include "core/planner.h"
#include "core/roster.h"

/* What is told of nodes that are not moved, in this order. */
static const enum planner_verdict left[] = {
	PLANNER_ORPHANED, PLANNER_FIXED, PLANNER_KEPT, PLANNER_WAITS};

struct pair {
	uint32_t from, to;
};

struct plan_command {
	struct command *cmd;
	struct tell *tell;
	struct survey *survey;
	char **without;
	size_t n_without;
	struct pair *pairs; /* of all moves, sorted */
	size_t n_pairs, at;
	size_t verdict; /* in left[] */
	const char *const *names;
	size_t n_names;
	struct tell_fold fold;
};

static void drop(void *arg)
{
	struct plan_command *w = arg;

	tell_free(w->tell);
	survey_free(w->survey);
	for (size_t i = 0; i < w->n_without; i++)
		free(w->without[i]);
	free(w->without);
	free(w->pairs);
	free((void *)w->names);
	free(w->fold.text);
	free(w);
}

/* ---- moves ---- */

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void take_pairs(struct plan_command *w)
{
	const struct planner_move *moves;
	size_t n = planner_moves(survey_planner(w->survey), &moves);

	w->pairs = xcalloc(n + 1, sizeof(*w->pairs));
	w->n_pairs = n;
	for (size_t i = 0; i < n; i++)
		w->pairs[i] = (struct pair){moves[i].from, moves[i].to};
	if (n > 1)
		qsort(w->pairs, n, sizeof(*w->pairs), compare_pairs);
}

static const char *state_of(const struct survey *survey, uint32_t place)
{
	if (place >= survey_real_members(survey))
		return "unknown";
	return planner_member(survey_planner(survey), place)->active ? "online" : "offline";
}

/* One member, and where its nodes go. */
static int move_row(json **ret, struct err *err UNUSED, void *arg)
{
	struct plan_command *w = arg;
	const struct planner *planner = survey_planner(w->survey);
	const struct pair *pair = &w->pairs[w->at];
	const struct planner_member *from;
	size_t begin = w->at, moved = w->at;
	json *to, *row;

	if (w->at == w->n_pairs)
		return 0;
	from = planner_member(planner, pair->from);
	*ret = json_new_object();
	json_set_str(*ret, "member", from->name);
	json_set_str(*ret, "state", state_of(w->survey, pair->from));
	json_set_bool(*ret, "draining", from->draining);
	json_set_number(*ret, "nodes", (int64_t)from->nodes);
	to = json_new_array();
	for (; w->at < w->n_pairs && w->pairs[w->at].from == w->pairs[begin].from; w->at = moved) {
		while (moved < w->n_pairs && compare_pairs(&w->pairs[moved], &w->pairs[w->at]) == 0)
			moved++;
		row = json_add(to, json_new_object());
		json_set_str(row, "member", planner_member(planner, w->pairs[w->at].to)->name);
		json_set_number(row, "nodes", (int64_t)(moved - w->at));
	}
	json_set_number(*ret, "moved", (int64_t)(w->at - begin));
	json_set(*ret, "to", to);
	return 1;
}

/* ---- what is left ---- */

static int left_row(json **ret, struct err *err UNUSED, void *arg)
{
	struct plan_command *w = arg;

	if (w->verdict == ARRAY_SIZE(left))
		return 0;
	if (!w->names)
		w->n_names = survey_nodes(w->survey, left[w->verdict], PLANNER_NOBODY, &w->names);
	if (w->n_names > 0 && !tell_fold(&w->fold, w->names, w->n_names))
		return -EAGAIN;
	if (w->n_names > 0) {
		*ret = json_new_object();
		json_set_str(*ret, "verdict", planner_verdict_name(left[w->verdict]));
		json_set_number(*ret, "nodes", (int64_t)w->n_names);
		json_set_str(*ret, "noderange", w->fold.text);
	}
	free(w->fold.text);
	w->fold = (struct tell_fold){NULL};
	free((void *)w->names);
	w->names = NULL;
	w->verdict++;
	return w->n_names > 0 ? 1 : -EAGAIN;
}

static void left_end(void *arg)
{
	struct plan_command *w = arg;
	const struct planner *planner = survey_planner(w->survey);
	json *end, *frame = command_end(w->cmd, &end), *members, *row;
	const char *odd;
	size_t n_odd;

	n_odd = survey_odd(w->survey, &odd);
	json_set_number(end, "moved", (int64_t)w->n_pairs);
	if (n_odd > 0) {
		json_set_number(end, "odd", (int64_t)n_odd);
		json_set_str(end, "first_odd", odd);
	}
	members = json_set(end, "members", json_new_array());
	for (uint32_t i = 0; i < survey_real_members(w->survey); i++) {
		row = json_add(members, json_new_object());
		json_set_str(row, "name", planner_member(planner, i)->name);
		json_set_number(row, "nodes", (int64_t)planner_member(planner, i)->nodes);
		json_set_number(row, "then", (int64_t)planner_load(planner, i));
	}
	command_reply(w->cmd, frame);
}

static void moves_end(void *arg)
{
	static const struct tell_ops ops = {"left", "plan", left_row, left_end};
	struct plan_command *w = arg;

	tell_rows(w->tell, &ops);
}

/* ---- the command ---- */

static void on_surveyed(int rc, const char *why, struct survey *survey UNUSED, void *arg)
{
	static const struct tell_ops ops = {"moves", "plan", move_row, moves_end};
	struct plan_command *w = arg;

	if (rc < 0) {
		command_fail(w->cmd, why);
		return;
	}
	take_pairs(w);
	tell_rows(w->tell, &ops);
}

static void plan_go(struct command *cmd)
{
	struct plan_command *w = cmd->work;
	struct survey_options options = {
		.without = (const char *const *)w->without,
		.n_without = w->n_without,
		.at_once = true,
	};

	w->tell = tell_new(cmd, w);
	w->survey = survey_new(cmd->agent, &options, on_surveyed, w);
}

static int parse(const json *message, struct plan_command *w, struct err *err)
{
	const json *list = json_get(message, "without"), *it;

	if (list && !json_is_array(list))
		return err_set(err, -EINVAL, "'without' must be a list of members' names");
	if (json_count(list) > ROSTER_MAX)
		return err_set(err, -E2BIG, "'without' has more than %d members", ROSTER_MAX);
	w->without = xcalloc(json_count(list) + 1, sizeof(*w->without));
	json_foreach(it, list)
	{
		if (!json_text(it) || name_check(json_text(it), err) < 0)
			return json_text(it)
				       ? -EINVAL
				       : err_set(err, -EINVAL, "'without' must be a list of texts");
		w->without[w->n_without++] = xstrdup(json_text(it));
	}
	return 0;
}

void command_plan(struct commands *c, struct api_request *req, const json *message)
{
	struct plan_command *w;
	struct err err = {""};

	if (!command_needs_member(c, req))
		return;
	w = xcalloc(1, sizeof(*w));
	if (parse(message, w, &err) < 0) {
		drop(w);
		api_request_error(req, 400, err.text);
		return;
	}
	w->cmd = command_new(c, req);
	w->cmd->work = w;
	w->cmd->work_free = drop;
	command_when_readable(w->cmd, plan_go);
}
