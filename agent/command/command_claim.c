/*
 * claim: nodes without a manager become this member's.
 *
 *     {"operation":"claim","noderange":TEXT}
 *     {"claims":[{"node":NAME,"result":WORD,"manager":NAME or "candidates":TEXT or "why":TEXT},…]}
 *       (with "candidates" the "member" that is not among them)
 *     {"end":{"nodes":N,"claimed":N,"own":N,"member":NAME}}
 *
 * The happy path: the plan (model/plan.h) is carried out like any change: each node by itself, in a
 * transaction that compares that it has no manager and which candidates it has. Then each node's end
 * is told, in natural order.
 *
 * Failures: a noderange that is none, and no quorum, fail as a whole. What else keeps a node from being
 * claimed is that node's result. A client that goes away meanwhile takes nothing back.
 */
#include "config.h"
#include "command/command.h"

#include <string.h>

#include "api/server.h"
#include "app/agent.h"
#include "app/database.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/commands.h"
#include "command/tell.h"
#include "core/roster.h"
#include "member/member.h"
#include "member/registry.h"
#include "model/db.h"
#include "model/plan.h"

static const struct {
	const char *word;
	const char *about; /* what `who` is; NULL: nothing */
} results[] = {
	[PLAN_CLAIMED] = {"claimed", "manager"},
	[PLAN_CLAIM_OWN] = {"own", "manager"},
	[PLAN_CLAIM_OTHER] = {"other", "manager"},
	[PLAN_CLAIM_NO_CANDIDATE] = {"no-candidate", "candidates"},
	[PLAN_CLAIM_GONE] = {"gone", NULL},
	[PLAN_CLAIM_FAILED] = {"failed", "why"},
};

struct row {
	char *node, *who;
	enum plan_claim claim;
};

struct claim {
	struct command *cmd;
	struct tell *tell;
	struct api_write *write;
	char *noderange;
	struct row *rows;
	size_t n, room, at;
	size_t counts[ARRAY_SIZE(results)];
};

static void claim_free(void *arg)
{
	struct claim *claim = arg;
	const struct api_database *d = database_api(claim->cmd->agent->database);

	if (claim->write)
		d->forget(claim->write, d->arg);
	tell_free(claim->tell);
	for (size_t i = 0; i < claim->n; i++) {
		free(claim->rows[i].node);
		free(claim->rows[i].who);
	}
	free(claim->rows);
	free(claim->noderange);
	free(claim);
}

/* ---- the answer ---- */

static int tell_row(json **ret, struct err *err UNUSED, void *arg)
{
	struct claim *claim = arg;
	const struct row *row = &claim->rows[claim->at];
	const char *about;

	if (claim->at == claim->n)
		return 0;
	about = results[row->claim].about;
	*ret = json_new_object();
	json_set_str(*ret, "node", row->node);
	json_set_str(*ret, "result", results[row->claim].word);
	if (row->claim == PLAN_CLAIMED || row->claim == PLAN_CLAIM_OWN)
		json_set_str(*ret, about, member_name(claim->cmd->agent->member));
	else if (about && row->who)
		json_set_str(*ret, about, row->who);
	if (row->claim == PLAN_CLAIM_NO_CANDIDATE)
		json_set_str(*ret, "member", member_name(claim->cmd->agent->member));
	claim->at++;
	return 1;
}

static void tell_end(void *arg)
{
	struct claim *claim = arg;
	struct command *cmd = claim->cmd;
	json *end, *frame = command_end(cmd, &end);

	json_set_number(end, "nodes", (int64_t)claim->n);
	json_set_number(end, "claimed", (int64_t)claim->counts[PLAN_CLAIMED]);
	json_set_number(end, "own", (int64_t)claim->counts[PLAN_CLAIM_OWN]);
	json_set_str(end, "member", member_name(cmd->agent->member));
	command_reply(cmd, frame);
}

static bool take_row(const char *node, enum plan_claim what, const char *who, void *arg)
{
	struct claim *claim = arg;

	if (claim->n == claim->room) {
		claim->room = claim->room * 2 + 64;
		claim->rows = xrealloc(claim->rows, claim->room, sizeof(*claim->rows));
	}
	claim->rows[claim->n++] = (struct row){xstrdup(node), xstrdup_null(who), what};
	claim->counts[what]++;
	return true;
}

static void on_written(int rc, const char *why, struct plan *plan, void *arg)
{
	static const struct tell_ops ops = {"claims", "claim", tell_row, tell_end};
	struct claim *claim = arg;
	struct plan_outcome outcome;

	claim->write = NULL;
	plan_outcome(plan, &outcome);
	plan_each_claim(plan, take_row, claim);
	if (claim->counts[PLAN_CLAIMED] > 0)
		log_info("claim", "%zu node%s became this member's by command (revision %lld)",
			claim->counts[PLAN_CLAIMED], claim->counts[PLAN_CLAIMED] == 1 ? "" : "s",
			(long long)outcome.revision);
	if (rc < 0 && outcome.applied == 0 && outcome.unknown == 0 &&
		claim->counts[PLAN_CLAIM_FAILED] > 0) {
		command_fail(claim->cmd, why);
		return;
	}
	claim->tell = tell_new(claim->cmd, claim);
	tell_rows(claim->tell, &ops);
}

/* ---- the command ---- */

static int make_plan(struct command *cmd, const char *noderange, struct plan **ret, struct err *err)
{
	const struct roster_member *members[ROSTER_MAX];
	const char *names[ROSTER_MAX];
	const struct db *db = command_db(cmd, err);
	const struct member *m = cmd->agent->member;
	struct coord_fence fence;
	unsigned n;

	if (!db)
		return -1;
	member_fence(m, &fence);
	if (!member_quorum(m))
		return registry_no_quorum(err);
	if (!fence.may_write)
		return err_set(
			err, -1, "%s", fence.why_not ? fence.why_not : "this member may not write");
	n = roster_list(member_roster(m), 0, NULL, members, ROSTER_MAX);
	n = MIN(n, ROSTER_MAX);
	for (unsigned i = 0; i < n; i++)
		names[i] = members[i]->name;
	return plan_new_claim(ret, db, noderange, member_name(m), names, n, err);
}

static void claim_go(struct command *cmd)
{
	const struct api_database *d = database_api(cmd->agent->database);
	struct claim *claim = cmd->work;
	struct plan *plan = NULL;
	struct err err = {""};

	if (make_plan(cmd, claim->noderange, &plan, &err) < 0)
		command_fail(cmd, err.text);
	else
		claim->write = d->write(plan, on_written, claim, d->arg);
}

static void claim_readable(struct command *cmd)
{
	command_when_registered(cmd, claim_go);
}

void command_claim(struct commands *c, struct api_request *req, const json *message)
{
	const char *noderange = command_argument(req, message, "noderange");
	struct command *cmd;
	struct claim *claim;

	if (!noderange || !command_needs_member(c, req))
		return;
	claim = xcalloc(1, sizeof(*claim));
	cmd = claim->cmd = command_new(c, req);
	claim->noderange = xstrdup(noderange);
	cmd->work = claim;
	cmd->work_free = claim_free;
	command_when_readable(cmd, claim_readable);
}
