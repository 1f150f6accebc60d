/*
 * The happy path: the machine (core/failover.h) is told how things are whenever they may be different;
 * when it wants a plan a survey is made, and given to it; its batches become transactions
 * (mover_txn.c), each in a lane whose slot sees to it that it is applied at most once and that its
 * outcome is known in the end (write/writer_slot.h).
 *
 * Who does not lead makes surveys all the same, but seldom, so that every member can tell which nodes
 * nobody looks after.
 *
 * Failures: a slot that can't find out what became of its transaction is given up when this member may
 * not write any more; the machine then takes it for unknown, and plans anew in time.
 */
#include "config.h"
#include "app/mover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "app/mover_private.h"
#include "app/survey.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "copy/replica.h"
#include "core/roster.h"
#include "etcd/txn.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "io/loop.h"
#include "log/report.h"
#include "member/member.h"
#include "model/candidates.h"
#include "model/db.h"
#include "record/orders.h"

/* How often who does not plan to move looks at the nodes: not more often than this, and not longer than a
 * small part of the time. */
#define LOOK_PERIOD (2 * USEC_PER_SEC)
#define LOOK_SHARE  20
/* What one turn of the loop may take. */
#define SLICE (4 * USEC_PER_MSEC)
/* After an attempt to shorten history that failed. */
#define TRY_AGAIN (2 * USEC_PER_SEC)

/* ---- the view ---- */

static const struct db *copy(const struct mover *m)
{
	return replica_db(member_replica(m->agent->member));
}

static void mix(struct hash_key *sum, const void *data, size_t len)
{
	sum->k0 = hash_bytes(sum, data, len);
}

static void mix_text(struct hash_key *sum, const char *text)
{
	mix(sum, text, strlen(text) + 1);
}

static void mix_i64(struct hash_key *sum, int64_t v)
{
	mix(sum, &v, sizeof(v));
}

static void mix_members(const struct mover *m, struct hash_key *sum)
{
	CLEANUP(freep) const struct roster_member **list = xcalloc(ROSTER_MAX, sizeof(*list));
	unsigned n = roster_list(member_roster(m->agent->member), 0, NULL, list, ROSTER_MAX);

	for (unsigned i = 0; i < MIN(n, (unsigned)ROSTER_MAX); i++) {
		mix_text(sum, list[i]->name);
		mix_i64(sum, list[i]->is_active);
	}
}

/* All that every move is decided on. An order to rebalance counts by its id: it changes with each of its
 * moves. */
static uint64_t facts(const struct mover *m)
{
	const struct agent *agent = m->agent;
	const struct order *order = orders_rebalance(agent->orders);
	const struct db *db = copy(m);
	struct hash_key sum = {1, 2};

	mix_members(m, &sum);
	mix_i64(&sum, roster_crowded(member_roster(agent->member)));
	mix_i64(&sum, agent->conf->failover.delay);
	mix_i64(&sum, agent->conf->failover.hold_down);
	mix_i64(&sum, agent->conf->failover.start_delay);
	mix(&sum, &db, sizeof(db));
	mix_text(&sum, order ? order->id : "");
	list_foreach (order, orders_drains(agent->orders), link) {
		mix_text(&sum, order->member);
		mix_i64(&sum, order->mod_revision);
	}
	return sum.k0;
}

static void fill(struct mover *m, struct failover_view *view)
{
	const struct agent *agent = m->agent;
	const struct replica *replica = member_replica(agent->member);
	uint64_t hash = facts(m);
	struct coord_fence fence;

	if (hash != m->serial_hash || m->serial == 0) {
		m->serial_hash = hash;
		m->serial++;
	}
	member_fence(agent->member, &fence);
	*view = (struct failover_view){
		.acting = fence.acting && !agent->stopping,
		.live = copy(m) && member_view_age(agent->member) == 0 &&
			replica_age(replica) == 0 &&
			roster_complete(member_roster(agent->member)) &&
			!keyring_behind(agent->keyring),
		.paused = orders_pause(agent->orders) != NULL,
		.revision = replica_revision(replica),
		.serial = m->serial,
	};
	if (fence.may_write)
		return;
	for (unsigned i = 0; i < FAILOVER_LANES; i++) {
		if (m->lanes[i].busy)
			writer_slot_give_up(m->lanes[i].slot);
	}
}

/* ---- batches ---- */

static void on_batch(enum writer_end end, int64_t revision, const char *why, void *arg)
{
	static const enum failover_end ends[] = {
		[WRITER_APPLIED] = FAILOVER_APPLIED,
		[WRITER_FAILED] = FAILOVER_CONFLICT,
		[WRITER_REFUSED] = FAILOVER_REFUSED,
		[WRITER_UNKNOWN] = FAILOVER_UNKNOWN,
	};
	struct mover_lane *lane = arg;
	struct mover *m = lane->mover;

	lane->busy = false;
	mover_txn_ended(lane, ends[end], revision);
	if (revision)
		member_expect(m->agent->member, revision);
	if (end != WRITER_APPLIED)
		log_debug("failover", "a transaction of %zu moves: %s%s%s", lane->moves,
			end == WRITER_FAILED	? "not applied"
			: end == WRITER_REFUSED ? "refused"
						: "outcome unknown",
			*why ? ": " : "", why);
	failover_ended(m->core, loop_now(m->agent->loop), lane->index, ends[end], revision, why);
	mover_look(m);
}

static void send_batch(struct mover *m, const struct failover_action *action)
{
	struct mover_lane *lane = &m->lanes[action->lane];
	size_t n = 0;
	struct etcd_txn *txn = mover_txn(m, lane, action->moves, action->n, &n);
	usec_t now = loop_now(m->agent->loop);

	loop_doing(m->agent->loop, "moves");
	failover_sent(m->core, now, action->lane, n);
	if (!txn) {
		/* the copy has got on since the plan was made: none of these is called for any more */
		if (n)
			failover_ended(m->core, now, action->lane, FAILOVER_CONFLICT,
				replica_revision(member_replica(m->agent->member)),
				"the nodes have changed");
		return;
	}
	lane->busy = true;
	writer_slot_commit(lane->slot, txn, on_batch, lane);
}

/* ---- keeping history short ---- */

static void on_pruned(const struct etcd_result *result, void *arg)
{
	struct mover *m = arg;
	bool done = result->outcome == ETCD_OK;

	m->prune_call = NULL;
	m->pruned = done ? result->reply->header.revision : 0;
	m->prune_at = usec_add(loop_now(m->agent->loop), done ? 0 : TRY_AGAIN);
	if (done)
		member_expect(m->agent->member, m->pruned);
}

static void prune(struct mover *m, const struct failover_view *view)
{
	static const struct etcd_call_options options = {.lane = "mover"};
	const char *prefix = member_prefix(m->agent->member);
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = NULL;

	if (history_count(m->agent->history) <= HISTORY_MAX || m->prune_call || !view->acting ||
		!view->live || view->revision < m->pruned || loop_now(m->agent->loop) < m->prune_at)
		return;
	txn = etcd_txn_new();
	if (mover_fence(m->agent, txn, NULL) &&
		history_prune(m->agent->history, txn, prefix, PRUNE_MAX) > 0)
		m->prune_call =
			etcd_commit(member_etcd(m->agent->member), txn, &options, on_pruned, m);
}

/* ---- only to know ---- */

static void on_looked(int rc, const char *why, struct survey *survey, void *arg)
{
	struct mover *m = arg;

	(void)why;
	m->looking = NULL;
	if (rc == 0)
		mover_picture_take(m, survey);
	m->looked_at = loop_now(m->agent->loop);
	survey_free(survey);
}

static void look_around(struct mover *m, const struct failover_view *view)
{
	const struct survey_options options = {.balance = false};
	usec_t now = loop_now(m->agent->loop);
	usec_t next = usec_add(m->looked_at, usec_max(LOOK_PERIOD, m->look_cost * LOOK_SHARE));
	bool plans = view->acting && view->live && !view->paused;

	if (plans || !m->look_due || m->looking || !copy(m)) {
		loop_timer_at(m->look_timer, USEC_NEVER);
		return;
	}
	if (m->looked_at && now < next) {
		loop_timer_at(m->look_timer, next);
		return;
	}
	m->look_due = false;
	m->looking = survey_new(m->agent, &options, on_looked, m);
}

/* ---- the machine ---- */

static void carry_out_action(struct mover *m, const struct failover_action *action)
{
	switch (action->kind) {
	case FAILOVER_PLAN:
		mover_plan_make(m);
		return;
	case FAILOVER_ABANDON:
		survey_free(TAKE(m->survey));
		return;
	case FAILOVER_BATCH:
		send_batch(m, action);
		return;
	}
}

static void tell_crowded(struct mover *m)
{
	bool crowded = roster_crowded(member_roster(m->agent->member));

	if (crowded == m->crowded)
		return;
	m->crowded = crowded;
	report_change(m->crowded_report, crowded,
		crowded ? MOVER_CROWDED : "all members are known again");
}

void mover_look(struct mover *m)
{
	struct failover_action action;
	struct failover_view view;
	usec_t now = loop_now(m->agent->loop);
	size_t done, all;
	bool late = false;

	tell_crowded(m);
	fill(m, &view);
	failover_look(m->core, now, &view);
	while (!late && failover_next(m->core, loop_now(m->agent->loop), &action)) {
		carry_out_action(m, &action);
		late = loop_now(m->agent->loop) - now > SLICE;
	}
	failover_progress(m->core, &done, &all);
	if (done == all)
		mover_plan_tell(m);
	prune(m, &view);
	look_around(m, &view);
	loop_timer_at(m->timer, late ? now : failover_wakeup(m->core));
}

static void on_timer(void *arg)
{
	mover_look(arg);
}

static void on_revision(int64_t revision, void *arg)
{
	struct mover *m = arg;

	(void)revision;
	m->look_due = true;
	failover_stir(m->core, loop_now(m->agent->loop));
	mover_look(m);
}

static void on_moved(void *arg, const struct sm *sm, int from)
{
	(void)arg;
	log_debug("failover", "%s -> %s (%s)", sm->machine->states[from].name, sm_name(sm),
		sm->reason);
}

void mover_changed(struct mover *m)
{
	m->look_due = true;
	mover_look(m);
}

/* ---- life ---- */

static void start_lanes(struct mover *m)
{
	struct member *member = m->agent->member;

	for (unsigned i = 0; i < FAILOVER_LANES; i++) {
		CLEANUP(freep)
		char *key = xasprintf(
			"%swrites/%s/m%u", member_prefix(member), m->agent->identity->name, i);

		m->lanes[i].mover = m;
		m->lanes[i].index = i;
		m->lanes[i].slot =
			writer_slot_new(m->agent->loop, member_etcd(member), key, m->run);
	}
}

struct mover *mover_new(struct agent *agent)
{
	struct mover *m = xcalloc(1, sizeof(*m));

	m->agent = agent;
	snprintf(m->run, sizeof(m->run), "%016" PRIx64, random_u64());
	m->plan.tally = xcalloc(MOVER_CAUSES, sizeof(*m->plan.tally));
	m->plan.told = true;
	m->orphans_report = report_new(agent->loop, "failover", 0);
	m->odd_report = report_new(agent->loop, "failover", 0);
	m->crowded_report = report_new(agent->loop, "failover", 0);
	m->timer = loop_timer_new(agent->loop, "failover", on_timer, m);
	m->look_timer = loop_timer_new(agent->loop, "managers", on_timer, m);
	m->core = failover_new(random_u64(), loop_now(agent->loop), on_moved, m);
	start_lanes(m);
	m->listener = (struct replica_listener){.fn = on_revision, .arg = m};
	list_init(&m->listener.link);
	replica_listen(member_replica(agent->member), &m->listener);
	return m;
}

void mover_free(struct mover *m)
{
	if (!m)
		return;
	list_del(&m->listener.link);
	survey_free(m->survey);
	survey_free(m->looking);
	for (unsigned i = 0; i < FAILOVER_LANES; i++)
		writer_slot_free(m->lanes[i].slot);
	etcd_cancel(m->order_call);
	etcd_cancel(m->prune_call);
	mover_plan_done(m);
	failover_free(m->core);
	mover_picture_done(m);
	report_free(m->orphans_report);
	report_free(m->odd_report);
	report_free(m->crowded_report);
	loop_timer_free(m->timer);
	loop_timer_free(m->look_timer);
	free(m->plan.tally);
	free(m);
}

/* ---- for people ---- */

void mover_info(const struct mover *m, struct sm_info *ret)
{
	failover_info(m->core, ret);
}

void mover_progress(const struct mover *m, size_t *ret_done, size_t *ret_all)
{
	failover_progress(m->core, ret_done, ret_all);
}
