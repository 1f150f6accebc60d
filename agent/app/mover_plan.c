/*
 * The plans of the leader's machine: a survey that says who has to move; where nobody has and an order to
 * rebalance stands, another one that evens out; what has become of a plan, for the log.
 */
#include "config.h"
#include "app/mover_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "app/survey.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "copy/replica.h"
#include "etcd/client.h"
#include "etcd/txn.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/candidates.h"
#include "record/orders.h"

/* After a survey that could not be made, and for an order that could not be removed. */
#define TRY_AGAIN (2 * USEC_PER_SEC)

void mover_plan_done(struct mover *m)
{
	candidates_free(TAKE(m->candidates));
	free(TAKE(m->names));
	survey_free(TAKE(m->plan.survey));
}

static bool idle(const struct mover *m)
{
	for (unsigned i = 0; i < FAILOVER_LANES; i++) {
		if (m->lanes[i].busy)
			return false;
	}
	return true;
}

/* One line for each manager that nodes were taken from. */
void mover_plan_tell(struct mover *m)
{
	double took = (double)(loop_now(m->agent->loop) - m->plan.began) / (double)USEC_PER_SEC;

	if (m->plan.told || !idle(m))
		return;
	m->plan.told = true;
	for (unsigned c = 0; c < MOVER_CAUSES; c++) {
		const struct mover_tally *tally = &m->plan.tally[c];

		for (size_t i = 0; i < tally->n; i++) {
			CLEANUP(freep) char *text = NULL;
			bool again = false;

			for (size_t j = 0; j < i && !again; j++)
				again = text_eq(tally->at[j].from, tally->at[i].from);
			if (again)
				continue;
			text = mover_tally_text(tally, tally->at[i].from);
			log_info("failover", "%s%s%s, in %.1f s",
				c == PLANNER_GONE ? "" : planner_cause_name((enum planner_cause)c),
				c == PLANNER_GONE ? "" : ": ", text, took);
		}
	}
	if (m->plan.done < m->plan.moves)
		log_debug("failover", "%zu of %zu nodes were moved; the rest is looked at anew",
			m->plan.done, m->plan.moves);
}

/* The survey becomes the plan in work. */
static void begin_plan(struct mover *m, struct survey *survey, size_t moves)
{
	uint32_t n = survey_members(survey);
	/* what is only gone on with has been told */
	bool fresh = m->plan.done == m->plan.moves;

	mover_plan_done(m);
	m->plan.survey = survey;
	m->names = xcalloc((size_t)n + 1, sizeof(*m->names));
	for (uint32_t i = 0; i < n; i++)
		m->names[i] = planner_member(survey_planner(survey), i)->name;
	m->plan.exact = m->plan.exact && !fresh;
	m->plan.number++;
	m->plan.moves = moves;
	m->plan.done = 0;
	m->plan.began = loop_now(m->agent->loop);
	m->plan.told = moves == 0;
	memset(m->plan.tally, 0, MOVER_CAUSES * sizeof(*m->plan.tally));
	snprintf(m->plan.batch, sizeof(m->plan.batch), "%s-%" PRIu64, m->run, m->plan.number);
	if (moves && fresh)
		log_info("failover", "%zu %s to be moved", moves,
			moves == 1 ? "node is" : "nodes are");
}

static void give_plan(struct mover *m, struct survey *survey, bool one_lane, usec_t wakeup)
{
	const struct planner *planner = survey_planner(survey);
	struct failover_plan plan = {
		.one_lane = one_lane,
		.wakeup = usec_min(wakeup, planner_wakeup(planner)),
		.revision = survey_revision(survey),
		.serial = m->survey_serial,
	};

	plan.n = planner_moves(planner, &plan.moves);
	begin_plan(m, survey, plan.n);
	failover_planned(m->core, loop_now(m->agent->loop), &plan);
	mover_look(m);
}

static void give_nothing(struct mover *m)
{
	usec_t now = loop_now(m->agent->loop);
	const struct failover_plan plan = {
		.wakeup = usec_add(now, TRY_AGAIN),
		.revision = replica_revision(member_replica(m->agent->member)),
		.serial = m->survey_serial,
	};

	failover_planned(m->core, now, &plan);
	mover_look(m);
}

/* ---- an order to rebalance ---- */

static void on_order_removed(const struct etcd_result *result, void *arg)
{
	struct mover *m = arg;

	m->order_call = NULL;
	if (result->outcome == ETCD_OK) {
		log_info("failover", "rebalancing is done");
		member_expect(m->agent->member, result->reply->header.revision);
	} else {
		log_debug("failover", "the order to rebalance can't be removed: %s", result->text);
	}
}

/* A copy of it that comes late compares a revision that does not come again. */
static void remove_order(struct mover *m)
{
	static const struct etcd_call_options options = {.lane = "mover"};
	const struct order *order = orders_rebalance(m->agent->orders);
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	CLEANUP(freep)
	char *key = xasprintf("%s" ORDERS_REBALANCE, member_prefix(m->agent->member));

	if (!order || m->order_call || !mover_fence(m->agent, txn, NULL))
		return;
	etcd_txn_if_mod(txn, key, ETCD_EQUAL, order->mod_revision);
	etcd_txn_delete(txn, ETCD_THEN, key);
	m->order_call =
		etcd_commit(member_etcd(m->agent->member), txn, &options, on_order_removed, m);
}

static void on_balanced(int rc, const char *why, struct survey *survey, void *arg)
{
	struct mover *m = arg;
	const struct planner_move *moves;
	usec_t wakeup = USEC_NEVER;

	m->survey = NULL;
	if (rc < 0) {
		log_debug("failover", "no plan to rebalance: %s", why);
		survey_free(survey);
		give_nothing(m);
		return;
	}
	if (planner_moves(survey_planner(survey), &moves) == 0) {
		remove_order(m);
		wakeup = usec_add(loop_now(m->agent->loop), TRY_AGAIN);
	}
	give_plan(m, survey, true, wakeup);
}

static bool balance(struct mover *m)
{
	struct survey_options options = {.balance = true};
	int64_t mod = 0, left = 0;

	if (!orders_rebalance(m->agent->orders))
		return false;
	if (!mover_order(m, &mod, &left)) {
		/* the last move has removed it, which the copy does not show yet; or it was given so */
		if (mod != m->order_mod)
			remove_order(m);
		return false;
	}
	options.max_moves = (size_t)left;
	m->survey = survey_new(m->agent, &options, on_balanced, m);
	return true;
}

static void on_planned(int rc, const char *why, struct survey *survey, void *arg)
{
	struct mover *m = arg;
	const struct planner_move *moves;

	m->survey = NULL;
	if (rc < 0) {
		log_debug("failover", "no plan: %s", why);
		survey_free(survey);
		give_nothing(m);
		return;
	}
	mover_picture_take(m, survey);
	mover_picture_log(m, survey);
	if (planner_moves(survey_planner(survey), &moves) == 0 && balance(m)) {
		survey_free(survey);
		return;
	}
	/* an order that is left is one to be removed, which may not succeed */
	give_plan(m, survey, false,
		orders_rebalance(m->agent->orders) ? usec_add(loop_now(m->agent->loop), TRY_AGAIN)
						   : USEC_NEVER);
}

void mover_plan_make(struct mover *m)
{
	/* however many clients make plans of their own */
	const struct survey_options options = {.urgent = true};

	mover_plan_tell(m);
	survey_free(TAKE(m->survey));
	m->survey_serial = m->serial;
	m->survey = survey_new(m->agent, &options, on_planned, m);
}
