/*
 * The transaction of a batch of moves.
 *
 * It compares this member's leadership; that moves are not paused; for each node all that its manager and
 * its candidates come from (model/move.h), as the copy has it in this very turn, and not without having
 * seen in the copy that the move is still called for; that nobody drains whom it goes to, and the drain, or
 * the order to rebalance, that it is made for. So from the revision on where an order is given or taken
 * back nothing is moved against it. It puts the manager of each node, and the entry of history that counts
 * them.
 */
#include "config.h"
#include "app/mover_private.h"

#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "app/survey.h"
#include "base/bitset.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "copy/replica.h"
#include "etcd/txn.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/candidates.h"
#include "model/db.h"
#include "model/move.h"
#include "model/plan.h"
#include "record/orders.h"

#define MANAGER "collective.manager"
/* What it may take to put one together. */
#define SLICE (5 * USEC_PER_MSEC)
/* Of one node, with the drains of both members. */
#define NODE_COMPARES_MAX (MOVE_COMPARES_MAX + 2)
#define KEYS_MAX	  256 /* places for compares; a power of two, more than ETCD_TXN_OPS_MAX */
/* What is put into a transaction of moves besides: the slot's, the order, an entry for each cause. */
#define MORE_COMPARES (WRITER_SLOT_COMPARES + 1)
#define MORE_OPS      (WRITER_SLOT_OPS + 1 + MOVER_CAUSES)
#define MORE_BYTES    (WRITER_SLOT_BYTES + ((size_t)64 << 10))

/* ---- counting ---- */

bool mover_tally_add(
	struct mover_tally *tally, const char *from, const char *to, size_t done, size_t out)
{
	struct mover_pair *pair = NULL;

	for (size_t i = 0; i < tally->n && !pair; i++) {
		if (text_eq(tally->at[i].from, from) && text_eq(tally->at[i].to, to))
			pair = &tally->at[i];
	}
	if (!pair) {
		if (tally->n == HISTORY_FROM_TO_MAX)
			return false;
		pair = &tally->at[tally->n++];
		*pair = (struct mover_pair){.done = 0};
		snprintf(pair->from, sizeof(pair->from), "%s", from);
		snprintf(pair->to, sizeof(pair->to), "%s", to);
	}
	pair->done += done;
	pair->out += out;
	return true;
}

char *mover_tally_text(const struct mover_tally *tally, const char *from)
{
	struct buf b = BUF_INIT(4096);
	size_t nodes = 0, n = 0;
	int rc;

	for (size_t i = 0; i < tally->n; i++) {
		if (text_eq(tally->at[i].from, from))
			nodes += tally->at[i].done;
	}
	rc = buf_printf(&b, "%zu %s of %s:", nodes, nodes == 1 ? "node" : "nodes", from);
	for (size_t i = 0; i < tally->n && rc == 0; i++) {
		const struct mover_pair *pair = &tally->at[i];

		if (text_eq(pair->from, from) && pair->done)
			rc = buf_printf(&b, "%s %zu to %s", n++ ? "," : "", pair->done, pair->to);
	}
	return buf_take(&b);
}

/* How a manager is called: a text that is no name is not quoted. */
static const char *shown(const char *name)
{
	return name_valid(name) ? name : "(no member)";
}

/* ---- what is compared ---- */

/* The compares that one node needs, and those that the transaction has. */
struct gathering {
	const char *prefix;
	struct etcd_txn *txn;
	char *keys[KEYS_MAX];
	enum plan_compare_kind kinds[KEYS_MAX];
	/* of the node that is looked at */
	struct {
		char *key;
		enum plan_compare_kind kind;
		int64_t revision;
		bool all; /* of whatever begins with this key */
	} fresh[NODE_COMPARES_MAX];
	size_t n, bytes;
};

/* Where the compare is, or belongs. */
static size_t place_of(const struct gathering *g, enum plan_compare_kind kind, const char *key)
{
	static const struct hash_key seed = {1, 2};
	size_t at = hash_bytes(&seed, key, strlen(key)) % KEYS_MAX;

	while (g->keys[at] && (g->kinds[at] != kind || !text_eq(g->keys[at], key)))
		at = (at + 1) % KEYS_MAX;
	return at;
}

static void on_compare(const struct plan_compare *compare, void *arg)
{
	struct gathering *g = arg;

	if (g->n == NODE_COMPARES_MAX || g->keys[place_of(g, compare->kind, compare->key)])
		return;
	g->fresh[g->n].key = xstrdup(compare->key);
	g->fresh[g->n].kind = compare->kind;
	g->fresh[g->n].revision = compare->revision;
	g->fresh[g->n].all = false;
	g->n++;
	g->bytes += strlen(g->prefix) + strlen(compare->key);
}

/* The drain of a member is as the copy has it: there, or not. */
static void compare_drain(struct gathering *g, const struct agent *agent, const char *member)
{
	const struct order *order = orders_drain(agent->orders, member);
	CLEANUP(freep) char *key = xasprintf(ORDERS_DRAINS "%s", member);
	const struct plan_compare compare = {
		.kind = PLAN_MOD, .key = key, .revision = order ? order->mod_revision : 0};

	on_compare(&compare, g);
}

static void forget_fresh(struct gathering *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->fresh[i].key);
	g->n = g->bytes = 0;
}

/* The node's own two keys, of which the one's name begins with the other's, in one compare where that says
 * the same: the manager has its revision, and there are no candidates. etcd's work for a move is mostly its
 * compares. A third key that began so (none of ours does) would make it fail: after a failure each is
 * compared by itself. */
static void merge_own(struct gathering *g, const char *node)
{
	CLEANUP(freep) char *manager = xasprintf("nodes/%s/" MOVE_KEY_SUFFIX, node);
	CLEANUP(freep)
	char *candidates = xasprintf("nodes/%s/" MOVE_CANDIDATES_KEY_SUFFIX, node);
	size_t first = g->n, second = g->n;

	for (size_t i = 0; i < g->n; i++) {
		if (g->fresh[i].kind == PLAN_MOD && text_eq(g->fresh[i].key, manager))
			first = i;
		if (g->fresh[i].kind == PLAN_MOD && g->fresh[i].revision == 0 &&
			text_eq(g->fresh[i].key, candidates))
			second = i;
	}
	if (first == g->n || second == g->n)
		return;
	g->fresh[first].all = true;
	free(g->fresh[second].key);
	g->fresh[second] = g->fresh[--g->n];
}

static void add_fresh(struct gathering *g)
{
	for (size_t i = 0; i < g->n; i++) {
		CLEANUP(freep) char *key = xasprintf("%s%s", g->prefix, g->fresh[i].key);
		size_t at = place_of(g, g->fresh[i].kind, g->fresh[i].key);

		g->keys[at] = TAKE(g->fresh[i].key);
		g->kinds[at] = g->fresh[i].kind;
		if (g->fresh[i].kind == PLAN_EXISTS)
			etcd_txn_if_create(g->txn, key, ETCD_GREATER, 0);
		else if (g->fresh[i].all)
			etcd_txn_if_all_mod(g->txn, key, g->fresh[i].revision);
		else
			etcd_txn_if_mod(g->txn, key, ETCD_EQUAL, g->fresh[i].revision);
	}
	g->n = g->bytes = 0;
}

static void gathering_done(struct gathering *g)
{
	forget_fresh(g);
	for (size_t i = 0; i < KEYS_MAX; i++)
		free(g->keys[i]);
}

bool mover_fence(const struct agent *agent, struct etcd_txn *txn, int64_t *ret_rev)
{
	const char *prefix = member_prefix(agent->member);
	const char *name = agent->identity->name;
	CLEANUP(freep) char *leader = xasprintf("%sleader", prefix);
	CLEANUP(freep) char *record = xasprintf("%smembers/%s", prefix, name);
	CLEANUP(freep) char *active = xasprintf("%sactive/%s", prefix, name);
	struct coord_fence fence;

	member_fence(agent->member, &fence);
	etcd_txn_if_create(txn, leader, ETCD_EQUAL, fence.leader_rev);
	etcd_txn_if_lease(txn, leader, ETCD_EQUAL, fence.lease);
	etcd_txn_if_mod(txn, record, ETCD_EQUAL, fence.record_rev);
	etcd_txn_if_mod(txn, active, ETCD_EQUAL, fence.active_rev);
	if (ret_rev)
		*ret_rev = fence.leader_rev;
	return fence.acting;
}

/* ---- is the move still called for? ---- */

static bool managed_by(const struct db *db, uint32_t node, const char *name)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct db_value value;

	if (!db_node_value(db, node, MANAGER, &value))
		return false;
	if (value.kind == DB_PLAIN)
		return text_eq(value.text, name);
	return value.kind == DB_EXPRESSION && db_node_text(db, node, &value, &text, NULL) == 0 &&
	       text_eq(buf_cstr(&text), name);
}

static bool may_serve(struct mover *m, const struct db *db, uint32_t node, uint32_t to)
{
	const struct bitset *set;

	if (!m->candidates || m->candidates_db != db || m->candidates_plan != m->plan.number ||
		m->candidates_revision != db_revision(db)) {
		candidates_free(m->candidates);
		m->candidates = candidates_new(db, m->names, survey_real_members(m->plan.survey));
		m->candidates_db = db;
		m->candidates_revision = db_revision(db);
		m->candidates_plan = m->plan.number;
	}
	set = candidates_of(m->candidates, node, NULL, NULL);
	return set && bitset_has(set, to);
}

static const char *name_of(const struct mover *m, uint32_t member)
{
	return planner_member(survey_planner(m->plan.survey), member)->name;
}

static bool still_wanted(struct mover *m, const struct db *db, const struct planner_move *move)
{
	const struct orders *orders = m->agent->orders;

	return bitset_has(db_nodes(db), move->node) &&
	       !orders_drain(orders, name_of(m, move->to)) &&
	       (move->cause != PLANNER_DRAINED || orders_drain(orders, name_of(m, move->from))) &&
	       managed_by(db, move->node, name_of(m, move->from)) &&
	       may_serve(m, db, move->node, move->to);
}

/* ---- putting it together ---- */

enum taken { TAKEN, PASSED_OVER, FULL };

static enum taken take(struct mover *m, struct mover_lane *lane, struct gathering *g,
	const struct db *db, const struct planner_move *move)
{
	struct mover_entry *entry = &lane->entries[move->cause];
	const char *to = name_of(m, move->to);
	CLEANUP(freep) char *key = NULL;
	struct err err = {""};
	size_t bytes;

	if (!still_wanted(m, db, move))
		return PASSED_OVER;
	if (move_compares(db, move->node, on_compare, g, &err) < 0) {
		log_debug("failover", "%s is left where it is: %s", db_node_name(db, move->node),
			err.text);
		forget_fresh(g);
		return PASSED_OVER;
	}
	compare_drain(g, m->agent, to);
	if (move->cause == PLANNER_DRAINED)
		compare_drain(g, m->agent, name_of(m, move->from));
	if (!m->plan.exact)
		merge_own(g, db_node_name(db, move->node));
	key = xasprintf("%snodes/%s/" MOVE_KEY_SUFFIX, g->prefix, db_node_name(db, move->node));
	bytes = g->bytes + strlen(key) + strlen(to) + MORE_BYTES;
	if (!etcd_txn_fits(g->txn, g->n + MORE_COMPARES, 1 + MORE_OPS, bytes) ||
		!mover_tally_add(&entry->tally, shown(name_of(m, move->from)), to, 0, 1)) {
		forget_fresh(g);
		return FULL;
	}
	add_fresh(g);
	etcd_txn_put(g->txn, ETCD_THEN, key, to, strlen(to), 0);
	return TAKEN;
}

static char *reason_of(
	const struct mover *m, const struct mover_tally *tally, enum planner_cause cause)
{
	const struct order *order = orders_rebalance(m->agent->orders);
	struct buf b = BUF_INIT(HISTORY_REASON_MAX);
	size_t n = 0;
	int rc = 0;

	if (cause == PLANNER_BALANCED)
		return xasprintf("ordered by %s on %s", order ? order->actor : "somebody",
			order ? order->by : "a member");
	for (size_t i = 0; i < tally->n && rc == 0; i++) {
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = text_eq(tally->at[i].from, tally->at[j].from);
		if (!again)
			rc = buf_printf(&b, "%s%s", n++ ? ", " : "", tally->at[i].from);
	}
	if (rc == 0)
		rc = buf_printf(&b, " %s %s", n == 1 ? "is" : "are",
			cause == PLANNER_GONE ? "gone" : "being drained");
	if (rc == 0 && cause == PLANNER_DRAINED && n == 1) {
		const struct order *drain = orders_drain(m->agent->orders, tally->at[0].from);

		if (drain && *drain->actor && *drain->by)
			rc = buf_printf(&b, " (ordered by %s on %s)", drain->actor, drain->by);
		if (rc == 0 && drain && *drain->reason)
			rc = buf_printf(&b, ": %.100s", drain->reason);
	}
	return rc < 0 ? xstrdup("several members") : buf_take(&b);
}

/* Who ordered it; "several" where that is more than one. */
static const char *actor_of(
	const struct mover *m, const struct mover_tally *tally, enum planner_cause cause)
{
	const struct order *order = orders_rebalance(m->agent->orders);
	const char *actor = NULL;

	for (size_t i = 0; cause != PLANNER_GONE && i < tally->n; i++) {
		const char *one;

		if (cause == PLANNER_DRAINED)
			order = orders_drain(m->agent->orders, tally->at[i].from);
		one = order && *order->actor ? order->actor : "leader";
		if (actor && !text_eq(actor, one))
			return "several";
		actor = one;
	}
	return actor ? actor : "leader";
}

static void put_entry(const struct mover *m, struct mover_lane *lane, struct etcd_txn *txn,
	enum planner_cause cause, int64_t fence)
{
	static const enum history_kind kinds[MOVER_CAUSES] = {
		[PLANNER_GONE] = HISTORY_FAILOVER,
		[PLANNER_DRAINED] = HISTORY_DRAIN,
		[PLANNER_BALANCED] = HISTORY_REBALANCE,
	};
	struct mover_entry *me = &lane->entries[cause];
	struct history_count counts[HISTORY_FROM_TO_MAX];
	CLEANUP(freep) char *reason = reason_of(m, &me->tally, cause);
	struct history_entry entry = {
		.kind = kinds[cause], .fence = fence, .reason = reason, .counts = counts};

	for (size_t i = 0; i < me->tally.n; i++) {
		const struct mover_pair *pair = &me->tally.at[i];
		struct history_count *count = &counts[entry.n_counts];

		if (pair->done + pair->out == 0)
			continue;
		memcpy(count->from, pair->from, sizeof(count->from));
		memcpy(count->to, pair->to, sizeof(count->to));
		count->nodes = pair->done + pair->out;
		entry.n_counts++;
	}
	if (!*me->key) {
		me->at = clock_wall();
		history_make_key(me->key, me->at, m->agent->identity->name);
	}
	entry.at = me->at;
	snprintf(entry.key, sizeof(entry.key), "%s", me->key);
	snprintf(entry.by, sizeof(entry.by), "%s", m->agent->identity->name);
	snprintf(entry.actor, sizeof(entry.actor), "%s", actor_of(m, &me->tally, cause));
	snprintf(entry.batch, sizeof(entry.batch), "%s", m->plan.batch);
	history_put(txn, member_prefix(m->agent->member), &entry);
}

static size_t out_of(const struct mover_lane *lane, enum planner_cause cause)
{
	const struct mover_tally *tally = &lane->entries[cause].tally;
	size_t n = 0;

	for (size_t i = 0; i < tally->n; i++)
		n += tally->at[i].out;
	return n;
}

bool mover_order(const struct mover *m, int64_t *ret_mod, int64_t *ret_left)
{
	const struct order *order = orders_rebalance(m->agent->orders);

	if (!order)
		return false;
	*ret_mod = MAX(order->mod_revision, m->order_mod);
	*ret_left = m->order_mod > order->mod_revision ? m->order_left : order->left;
	return *ret_left > 0;
}

/* The order is counted down by what is moved for it, and is gone with the last. */
static void put_order(const struct mover *m, struct mover_lane *lane, struct etcd_txn *txn)
{
	CLEANUP(freep)
	char *key = xasprintf("%s" ORDERS_REBALANCE, member_prefix(m->agent->member));
	CLEANUP(freep) char *value = NULL;
	struct order order = *orders_rebalance(m->agent->orders);
	int64_t mod = 0, left = 0;

	(void)mover_order(m, &mod, &left);
	etcd_txn_if_mod(txn, key, ETCD_EQUAL, mod);
	lane->left = order.left = MAX(0, left - (int64_t)out_of(lane, PLANNER_BALANCED));
	value = order_encode(&order);
	if (lane->left == 0)
		etcd_txn_delete(txn, ETCD_THEN, key);
	else
		etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), 0);
}

static void begin_entries(struct mover *m, struct mover_lane *lane)
{
	for (size_t i = 0; i < MOVER_CAUSES; i++) {
		struct mover_entry *entry = &lane->entries[i];

		if (lane->plan == m->plan.number && entry->tally.n < HISTORY_FROM_TO_MAX / 2)
			continue;
		*entry->key = '\0';
		entry->tally.n = 0;
	}
	lane->plan = m->plan.number;
	lane->moves = 0;
	lane->left = -1;
}

struct etcd_txn *mover_txn(struct mover *m, struct mover_lane *lane,
	const struct planner_move *moves, size_t n, size_t *ret_n)
{
	const struct db *db = replica_db(member_replica(m->agent->member));
	struct gathering *g = xcalloc(1, sizeof(*g));
	struct etcd_txn *txn = etcd_txn_new();
	int64_t fence, mod = 0, left = 0;
	bool acting = mover_fence(m->agent, txn, &fence);
	bool order = mover_order(m, &mod, &left);
	usec_t since = loop_now(m->agent->loop);
	CLEANUP(freep) char *pause = NULL;

	begin_entries(m, lane);
	g->prefix = member_prefix(m->agent->member);
	g->txn = txn;
	pause = xasprintf("%s" ORDERS_PAUSE, g->prefix);
	etcd_txn_if_mod(txn, pause, ETCD_EQUAL, 0);
	*ret_n = 0;
	/* where nodes take long to look at, those that are left come with the next one */
	while (acting && db && *ret_n < n &&
		(*ret_n == 0 || loop_now(m->agent->loop) - since < SLICE)) {
		const struct planner_move *move = &moves[*ret_n];
		enum taken taken = PASSED_OVER;

		if (move->cause == PLANNER_BALANCED && order && left > 0)
			left--;
		else if (move->cause == PLANNER_BALANCED)
			order = false;
		if (move->cause != PLANNER_BALANCED || order)
			taken = take(m, lane, g, db, move);
		if (taken == FULL)
			break;
		lane->moves += taken == TAKEN;
		++*ret_n;
	}
	gathering_done(g);
	free(g);
	if (lane->moves == 0) {
		etcd_txn_free(txn);
		return NULL;
	}
	for (size_t i = 0; i < MOVER_CAUSES; i++) {
		if (out_of(lane, (enum planner_cause)i))
			put_entry(m, lane, txn, (enum planner_cause)i, fence);
	}
	if (out_of(lane, PLANNER_BALANCED))
		put_order(m, lane, txn);
	return txn;
}

void mover_txn_ended(struct mover_lane *lane, enum failover_end end, int64_t revision)
{
	struct mover *m = lane->mover;

	for (size_t i = 0; i < MOVER_CAUSES; i++) {
		struct mover_entry *entry = &lane->entries[i];

		for (size_t j = 0; j < entry->tally.n; j++) {
			struct mover_pair *pair = &entry->tally.at[j];

			if (end == FAILOVER_APPLIED && pair->out && lane->plan == m->plan.number)
				(void)mover_tally_add(
					&m->plan.tally[i], pair->from, pair->to, pair->out, 0);
			if (end == FAILOVER_APPLIED)
				pair->done += pair->out;
			pair->out = 0;
		}
		/* whatever became of that one, the next tells of itself */
		if (end == FAILOVER_UNKNOWN) {
			*entry->key = '\0';
			entry->tally.n = 0;
		}
	}
	if (end == FAILOVER_CONFLICT)
		m->plan.exact = true;
	if (end != FAILOVER_APPLIED)
		return;
	if (lane->left >= 0) {
		m->order_mod = revision;
		m->order_left = lane->left;
	}
	m->counts.moved += lane->moves;
	if (lane->plan == m->plan.number)
		m->plan.done += lane->moves;
}
