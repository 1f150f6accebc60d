/*
 * drain and undrain: a member's nodes go to their other candidates, and it is not chosen until that is
 * taken back.
 *
 *     {"operation":"drain","member":NAME,"reason":TEXT,"force":BOOL,"wait":BOOL}
 *     {"progress":{"left":N,"all":N}} … {"end":{"status":TEXT,"moved":N,"stay":N}}
 *     {"operation":"undrain","member":NAME}          {"status":TEXT}
 *
 * The happy path: a survey tells that every node has somewhere to go; the order is put into etcd; the
 * leader moves the nodes, batch by batch; when the member has none any more, that is told.
 *
 * Failures: nodes that would have nobody else keep the order from being given, unless it is forced; they
 * stay then. From the order on nothing takes it back but undrain: a client that goes away, a lost quorum, a
 * leader that does not move anything end the waiting only, and say so.
 */
#include "config.h"
#include "command/command.h"

#include <errno.h>
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
#include "core/roster.h"
#include "member/member.h"
#include "member/registry.h"
#include "model/db.h"
#include "record/orders.h"

/* Nothing has moved for so long: it is looked whether anything can. */
#define STILL (1 * USEC_PER_SEC)
/* What one look at the nodes may take, and nodes between two looks at the clock. */
#define SLICE	 (4 * USEC_PER_MSEC)
#define CATCH_UP 16

struct drain {
	struct command *cmd;
	struct tell *tell;
	struct survey *survey;
	struct await await;
	char *reason;
	char *before; /* who had ordered it already, and why; NULL: nobody */
	bool force, wait;
	usec_t surveyed_at;
	size_t waits;
	bool counted;
	int64_t all; /* nodes that it had before */
};

static void drain_free(void *arg)
{
	struct drain *d = arg;

	tell_free(d->tell);
	survey_free(d->survey);
	await_done(&d->await);
	free(d->reason);
	free(d->before);
	free(d);
}

static const struct order *order_of(const struct drain *d)
{
	return orders_drain(d->cmd->agent->orders, d->cmd->name);
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- the ends ---- */

/* The order stands, and the waiting is over for some reason. */
static void leave(struct drain *d, const char *why)
{
	CLEANUP(freep) char *text = NULL;
	int64_t left = d->await.left;

	text = xasprintf("%s: %s stays ordered to be drained, %lld node%s left (collective undrain "
			 "%s takes that back)",
		why, d->cmd->name, (long long)left, left == 1 ? " is" : "s are", d->cmd->name);
	command_fail(d->cmd, text);
}

static void finish(struct drain *d, const char *status, int64_t moved, int64_t stay)
{
	json *end, *frame = command_end(d->cmd, &end);
	CLEANUP(freep) char *known = NULL;

	if (d->before)
		known = xasprintf("%s; that was ordered already%s%s", status, *d->before ? " " : "",
			d->before);
	json_set_str(end, "status", known ? known : status);
	json_set_number(end, "moved", moved);
	json_set_number(end, "stay", stay);
	command_reply(d->cmd, frame);
}

static void drained(struct drain *d)
{
	CLEANUP(freep) char *status = NULL;
	int64_t moved = d->await.all;

	if (moved > 0)
		status = xasprintf("%s is drained: %lld node%s moved", d->cmd->name,
			(long long)moved, plural(moved));
	else
		status = xasprintf("%s is drained: it has no nodes", d->cmd->name);
	log_info("drain", "%s", status);
	finish(d, status, moved, 0);
}

/* Why nodes can't go anywhere: those without candidates are the last. */
static const enum planner_verdict verdicts[] = {PLANNER_KEPT, PLANNER_ORPHANED, PLANNER_FIXED};

/* Names of nodes that can't go anywhere, n_verdicts of them; the place is a member of the survey. A new
 * list. */
static size_t stuck_nodes(
	const struct drain *d, uint32_t place, size_t n_verdicts, const char ***ret)
{
	const char **all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < n_verdicts; i++) {
		const char *const *some;
		size_t more = survey_nodes(d->survey, verdicts[i], place, &some);

		all = xrealloc(all, n + more + 1, sizeof(*all));
		if (more > 0)
			memcpy(all + n, some, more * sizeof(*all));
		n += more;
		free((void *)some);
	}
	*ret = all;
	return n;
}

/* "no other candidate is there for b[1:3]; c1 has no candidates": how many nodes, and the text, new. */
static size_t stuck_text(const struct drain *d, uint32_t place, char **ret)
{
	CLEANUP(freep) const char **names = NULL;
	CLEANUP(freep) char *kept = NULL;
	CLEANUP(freep) char *fixed = NULL;
	size_t n = stuck_nodes(d, place, ARRAY_SIZE(verdicts), &names);
	CLEANUP(freep) const char **first = NULL;
	size_t n_kept = stuck_nodes(d, place, ARRAY_SIZE(verdicts) - 1, &first);

	kept = tell_some(names, n_kept);
	fixed = tell_some(names + n_kept, n - n_kept);
	*ret = xasprintf("%s%s%s%s%s", n_kept ? "no other candidate is there for " : "",
		n_kept ? kept : "", n_kept && n > n_kept ? "; " : "", n > n_kept ? fixed : "",
		n == n_kept	  ? ""
		: n - n_kept == 1 ? " has no candidates"
				  : " have no candidates");
	return n;
}

/* What is left stays: nobody else may have it. */
static void drained_but(struct drain *d, size_t n, const char *const *names)
{
	CLEANUP(freep) char *some = tell_some(names, n);
	CLEANUP(freep) char *status = NULL;
	int64_t moved = d->await.all > (int64_t)n ? d->await.all - (int64_t)n : 0;

	status = xasprintf("%s is drained: %lld node%s moved, %zu stay%s (no other candidate): %s",
		d->cmd->name, (long long)moved, plural(moved), n, n == 1 ? "s" : "", some);
	log_info("drain", "%s", status);
	finish(d, status, moved, (int64_t)n);
}

/* ---- waiting ---- */

static void look(void *arg);

static void on_looked(int rc, const char *why UNUSED, struct survey *survey, void *arg)
{
	struct drain *d = arg;
	CLEANUP(freep) const char **names = NULL;
	const struct planner *planner;
	uint32_t place;
	size_t n;

	place = rc == 0 ? survey_member(survey, d->cmd->name) : PLANNER_NOBODY;
	if (place != PLANNER_NOBODY) {
		planner = survey_planner(survey);
		d->waits = planner_count(planner, place, PLANNER_WAITS);
		n = stuck_nodes(d, place, ARRAY_SIZE(verdicts), &names);
		if (n > 0 && d->waits == 0 && planner_count(planner, place, PLANNER_MOVES) == 0 &&
			order_of(d) && order_of(d)->force) {
			drained_but(d, n, names);
			return;
		}
	}
	survey_free(TAKE(d->survey));
}

/* Looks whether what is left can be moved at all. */
static void look_closely(struct drain *d)
{
	const struct survey_options options = {.n_without = 0};
	usec_t now = loop_now(d->cmd->agent->loop);

	if (d->survey || await_idle(&d->await) < STILL || now - d->surveyed_at < STILL)
		return;
	d->surveyed_at = now;
	d->survey = survey_new(d->cmd->agent, &options, on_looked, d);
}

/* False: it takes longer. */
static bool caught_up(const struct drain *d, const struct db *db)
{
	const struct loop *loop = d->cmd->agent->loop;
	usec_t until = loop_now(loop) + SLICE;

	while (!db_managed_catch_up(db, CATCH_UP)) {
		if (loop_now(loop) >= until)
			return false;
	}
	return true;
}

static void look(void *arg)
{
	struct drain *d = arg;
	struct err err = {""};
	const struct db *db = command_db(d->cmd, &err);
	int64_t left;

	if (!db) {
		leave(d, err.text);
		return;
	}
	if (!order_of(d)) {
		command_fail(d->cmd, "the drain was taken back meanwhile (collective undrain)");
		return;
	}
	if (!caught_up(d, db)) {
		loop_timer_after(d->await.timer, USEC_PER_MSEC);
		return;
	}
	left = (int64_t)db_managed_count(db, d->cmd->name);
	if (left == 0)
		drained(d);
	else if (await_go_on(&d->await, left, &err) < 0)
		leave(d, err.text);
	else
		look_closely(d);
}

/* How many nodes it has before any is moved: once, because the first may have been by the time at which the
 * order is in the copy. */
static void count_all(struct drain *d)
{
	struct err err = {""};
	const struct db *db = command_db(d->cmd, &err);

	if (!db || d->counted)
		return;
	(void)caught_up(d, db);
	d->all = (int64_t)db_managed_count(db, d->cmd->name);
	d->counted = true;
}

/* The order is in this member's copy. */
static void ordered(struct command *cmd)
{
	struct drain *d = cmd->work;
	CLEANUP(freep) char *status = NULL;

	count_all(d);
	if (d->wait) {
		await_begin(&d->await, cmd, look, d, d->all);
		return;
	}
	status = xasprintf("%s is being drained: %lld node%s to move", cmd->name, (long long)d->all,
		plural(d->all));
	finish(d, status, 0, d->all);
}

/* ---- the order ---- */

static void give_order(struct drain *d)
{
	CLEANUP(freep) char *path = xasprintf(ORDERS_DRAINS "%s", d->cmd->name);
	struct order order;
	struct order_what what = {
		.path = path,
		.order = &order,
		.kind = HISTORY_DRAIN_ORDERED,
		.actor = order.actor,
		.member = d->cmd->name,
	};
	struct err err = {""};

	/* forced now: why it was ordered at first stays known */
	if (!d->reason && order_of(d) && *order_of(d)->reason)
		d->reason = xstrdup(order_of(d)->reason);
	what.reason = d->reason;
	count_all(d);
	if (command_order_begin(d->cmd, d->reason, &order, &err) < 0) {
		command_fail(d->cmd, err.text);
		return;
	}
	snprintf(order.member, sizeof(order.member), "%s", d->cmd->name);
	order.force = d->force;
	command_order(d->cmd, &what, ordered);
}

static void on_surveyed(int rc, const char *why, struct survey *survey, void *arg)
{
	struct drain *d = arg;
	CLEANUP(freep) char *stuck = NULL;
	CLEANUP(freep) char *text = NULL;
	const char *odd;
	size_t n, n_odd;

	if (rc < 0) {
		command_fail(d->cmd, why);
		return;
	}
	n = stuck_text(d, survey_member(survey, d->cmd->name), &stuck);
	if (n > 0 && !d->force) {
		n_odd = survey_odd(survey, &odd);
		text = xasprintf("%zu node%s would have nobody to go to: %s%s%s (--force drains "
				 "the rest, and %s with %s)",
			n, plural((int64_t)n), stuck,
			n_odd ? "; what can't be used counts as none: " : "", odd,
			n == 1 ? "it stays" : "they stay", d->cmd->name);
		command_fail(d->cmd, text);
		return;
	}
	survey_free(TAKE(d->survey));
	give_order(d);
}

static int may_drain(const struct command *cmd, struct err *err)
{
	const struct agent *agent = cmd->agent;
	const struct roster_member *m = roster_find(member_roster(agent->member), cmd->name);
	const struct order *pause = orders_pause(agent->orders);
	CLEANUP(freep) char *by = NULL;

	if (!member_quorum(agent->member))
		return registry_no_quorum(err);
	if (!m || !m->present || !m->valid)
		return registry_unknown(err, cmd->name);
	if (!pause)
		return 0;
	by = order_text(pause);
	return err_set(err, -EPERM, "automatic moves are paused%s%s (collective resume first)",
		*by ? " " : "", by);
}

static void drain_go(struct command *cmd)
{
	struct drain *d = cmd->work;
	const struct survey_options options = {.drain = cmd->name, .at_once = true};
	struct err err = {""};

	if (may_drain(cmd, &err) < 0) {
		command_fail(cmd, err.text);
		return;
	}
	d->tell = tell_new(cmd, d);
	if (order_of(d) && (order_of(d)->force || !d->force)) {
		d->before = order_text(order_of(d));
		ordered(cmd);
	} else {
		d->survey = survey_new(cmd->agent, &options, on_surveyed, d);
	}
}

static void drain_readable(struct command *cmd)
{
	command_when_registered(cmd, drain_go);
}

static int parse(const json *message, struct drain *d, struct err *err)
{
	int rc = command_reason(message, &d->reason, err);

	if (rc == 0)
		rc = json_bool_or(message, "force", false, &d->force, err);
	if (rc == 0)
		rc = json_bool_or(message, "wait", true, &d->wait, err);
	return rc;
}

void command_drain(struct commands *c, struct api_request *req, const json *message)
{
	struct command *cmd = command_about_member(c, req, message);
	struct err err = {""};
	struct drain *d;

	if (!cmd)
		return;
	cmd->work = d = xcalloc(1, sizeof(*d));
	cmd->work_free = drain_free;
	d->cmd = cmd;
	if (parse(message, d, &err) < 0)
		command_fail(cmd, err.text);
	else
		command_when_readable(cmd, drain_readable);
}

/* ---- undrain ---- */

static void taken_back(struct command *cmd)
{
	CLEANUP(freep)
	char *status = xasprintf("%s may be chosen again; nothing moves back by itself", cmd->name);

	command_status(cmd, status);
}

static void undrain_go(struct command *cmd)
{
	CLEANUP(freep) char *path = xasprintf(ORDERS_DRAINS "%s", cmd->name);
	const struct roster_member *m = roster_find(member_roster(cmd->agent->member), cmd->name);
	CLEANUP(freep)
	char *missing = xasprintf("%s is not %s", cmd->name,
		m && m->valid ? "being drained" : "a recognized collective member");
	char actor[ORDERS_ACTOR_MAX];
	const struct order_what what = {
		.path = path,
		.missing = missing,
		.kind = HISTORY_DRAIN_ENDED,
		.actor = actor,
		.member = cmd->name,
	};

	command_actor(cmd, actor);
	command_order(cmd, &what, taken_back);
}

void command_undrain(struct commands *c, struct api_request *req, const json *message)
{
	struct command *cmd = command_about_member(c, req, message);

	if (cmd)
		command_when_registered(cmd, undrain_go);
}
