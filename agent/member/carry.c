#include "config.h"
#include "member/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "etcd/client.h"
#include "etcd/hedge.h"
#include "etcd/sync.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "io/loop.h"
#include "member/member.h"
#include "member/state.h"
#include "record/history.h"
#include "record/view.h"

/* A read is worth a second endpoint, so it gets more time than one attempt. */
#define CONFIRM_ATTEMPTS 3

struct carry {
	struct carry_config config;
	char *prefix, *name, *key_hash, *active_value;
	char *leader_key, *active_key, *member_key, *pulse_key;
	carry_reply_fn *fn;
	void *arg;
	struct list requests;
	char *nospace; /* carry_nospace() */
};

struct request {
	struct list link;
	struct carry *carry;
	struct action action;
	struct etcd_call *call;
	struct etcd_hedge *hedge; /* a keepalive */
	struct loop_defer *local; /* for what needs no etcd */
	struct reply reply;
	bool takes_space;
};

struct carry *carry_new(const struct carry_config *config, carry_reply_fn *fn, void *arg)
{
	struct carry *c = xcalloc(1, sizeof(*c));

	c->config = *config;
	c->prefix = xstrdup(config->prefix);
	c->name = xstrdup(config->name);
	c->key_hash = xstrdup(config->key_hash);
	c->active_value = xstrdup(config->active_value);
	c->leader_key = xasprintf("%sleader", c->prefix);
	c->active_key = xasprintf("%sactive/%s", c->prefix, c->name);
	c->member_key = xasprintf("%smembers/%s", c->prefix, c->name);
	c->pulse_key = xasprintf("%spulse", c->prefix);
	c->fn = fn;
	c->arg = arg;
	list_init(&c->requests);
	return c;
}

static void request_free(struct request *r)
{
	list_del(&r->link);
	etcd_cancel(r->call);
	etcd_hedge_cancel(r->hedge);
	loop_defer_free(r->local);
	free(r);
}

void carry_free(struct carry *c)
{
	struct request *r, *tmp;

	if (!c)
		return;
	list_foreach_safe (r, tmp, &c->requests, link)
		request_free(r);
	free(c->prefix);
	free(c->name);
	free(c->key_hash);
	free(c->active_value);
	free(c->leader_key);
	free(c->active_key);
	free(c->member_key);
	free(c->pulse_key);
	free(c->nospace);
	free(c);
}

/* The one way out of a request: it is gone before the core hears of it. */
static void request_answer(struct request *r, const struct reply *reply)
{
	struct carry *c = r->carry;

	r->call = NULL;
	r->hedge = NULL;
	request_free(r);
	c->fn(reply, c->arg);
}

const char *carry_nospace(const struct carry *c)
{
	return c->nospace;
}

/* To resign must be possible without space, too: without its entry of history then. */
static bool takes_space(const struct carry *c, enum action_kind kind)
{
	return kind == ACTION_GRANT || kind == ACTION_REGISTER || kind == ACTION_CAMPAIGN ||
	       kind == ACTION_REPAIR || kind == ACTION_PULSE ||
	       (kind == ACTION_RESIGN && !c->nospace);
}

static void note_space(struct request *r, const struct etcd_result *result)
{
	struct carry *c = r->carry;

	if (!r->takes_space)
		return;
	if (result->error == ETCD_ERROR_NOSPACE) {
		if (!c->nospace)
			log_error("etcd", "%s", result->text);
		free(c->nospace);
		c->nospace = xstrdup(result->text);
	} else if (result->outcome == ETCD_OK && c->nospace) {
		log_info("etcd", "there is space again");
		free(TAKE(c->nospace));
	}
}

/* Out of space is no passing doubt that a read would settle, and the core asks the same again. */
static enum outcome unknown(const struct etcd_result *result)
{
	return result->error == ETCD_ERROR_NOSPACE ? OUTCOME_ERROR : OUTCOME_UNKNOWN;
}

static enum outcome lease_outcome(const struct etcd_result *result, enum action_kind kind)
{
	switch (result->outcome) {
	case ETCD_OK:
	case ETCD_COMPARE_FAILED:
		return OUTCOME_OK;
	case ETCD_NOT_FOUND:
		/* a keepalive without TTL is etcd's word that the lease is gone */
		return kind == ACTION_KEEPALIVE ? OUTCOME_OK : OUTCOME_NOT_FOUND;
	case ETCD_REFUSED:
		return result->error == ETCD_ERROR_LEASE_EXISTS ? OUTCOME_EXISTS : OUTCOME_ERROR;
	case ETCD_UNKNOWN:
		break;
	}
	return unknown(result);
}

static void on_lease(const struct etcd_result *result, void *arg)
{
	struct request *r = arg;
	const struct etcd_reply *answer = result->reply;
	struct reply reply = {
		.id = r->action.id,
		.outcome = lease_outcome(result, r->action.kind),
		.revision = answer->header.revision,
		.raft_term = answer->header.raft_term,
		.lease = answer->lease,
		.ttl = answer->ttl,
		.sent_at = result->sent_at,
		.text = result->text,
	};

	note_space(r, result);
	if (result->outcome == ETCD_NOT_FOUND) {
		reply.lease = r->action.lease;
		reply.ttl = 0;
	}
	request_answer(r, &reply);
}

/* The record is under a collective key that this member has not got, and newer than what it was told
 * so far: the key may be on its way. */
static bool ahead(const struct carry *c, const struct view_member *member)
{
	return member->unreadable && member->info.mod_rev > keyring_revision(c->config.keyring);
}

/* The reads of leader, active/<me>, members/<me>: always the last three of the branch. */
static bool own_keys(const struct carry *c, const struct etcd_reply *answer,
	struct view_leader *leader, struct view_active *active, struct view_member *member)
{
	const struct etcd_op_reply *ops;

	if (answer->n_ops < 3)
		return false;
	ops = answer->ops + answer->n_ops - 3;
	for (size_t i = 0; i < 3; i++) {
		if (ops[i].kind != ETCD_OP_GET)
			return false;
	}
	view_leader(leader, ops[0].n_kvs ? ops[0].kvs : NULL);
	view_active(active, ops[1].n_kvs ? ops[1].kvs : NULL);
	view_member(
		member, c->name, ops[2].n_kvs ? ops[2].kvs : NULL, c->config.bundle, c->key_hash);
	return !ahead(c, member);
}

static enum outcome txn_outcome(const struct etcd_result *result)
{
	switch (result->outcome) {
	case ETCD_OK:
		return OUTCOME_OK;
	case ETCD_COMPARE_FAILED:
		return OUTCOME_REFUSED;
	case ETCD_NOT_FOUND:
		return OUTCOME_NOT_FOUND;
	case ETCD_REFUSED:
		return OUTCOME_ERROR;
	case ETCD_UNKNOWN:
		break;
	}
	return unknown(result);
}

static void on_txn(const struct etcd_result *result, void *arg)
{
	struct request *r = arg;
	struct view_leader leader;
	struct view_active active;
	struct view_member member;
	struct reply reply = {
		.id = r->action.id,
		.outcome = txn_outcome(result),
		.revision = result->reply->header.revision,
		.raft_term = result->reply->header.raft_term,
		.text = result->text,
	};

	note_space(r, result);
	if (reply.outcome == OUTCOME_REFUSED || r->action.kind == ACTION_CONFIRM)
		reply.has_own = (reply.outcome == OUTCOME_REFUSED || reply.outcome == OUTCOME_OK) &&
				own_keys(r->carry, result->reply, &leader, &active, &member);
	if (!reply.has_own && r->action.kind == ACTION_CONFIRM && reply.outcome == OUTCOME_OK)
		reply.text = "the collective key was changed, and the new one is not here yet";
	if (reply.has_own) {
		reply.own.leader = leader.info;
		reply.own.active = active.info;
		reply.own.record = member.info;
	}
	request_answer(r, &reply);
}

static void on_local(void *arg)
{
	struct request *r = arg;
	struct reply reply = r->reply;

	request_answer(r, &reply);
}

static void read_own(struct carry *c, struct etcd_txn *txn, enum etcd_branch branch)
{
	etcd_txn_get(txn, branch, c->leader_key);
	etcd_txn_get(txn, branch, c->active_key);
	etcd_txn_get(txn, branch, c->member_key);
}

static void put(struct etcd_txn *txn, const char *key, const char *value, int64_t lease)
{
	etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), lease);
}

static void put_entry(struct carry *c, struct etcd_txn *txn, struct history_entry *entry)
{
	entry->at = clock_wall();
	snprintf(entry->by, sizeof(entry->by), "%s", c->name);
	history_make_key(entry->key, entry->at, c->name);
	history_put(txn, c->prefix, entry);
	history_entry_done(entry);
}

/* All that etcd held when the leader's key was gone has been seen. */
static bool seen_all(const struct carry *c)
{
	struct etcd_sync_status sync;

	member_sync_status(c->config.member, &sync);
	return sync.revision >= roster_leader_key(c->config.roster)->rev;
}

/* The lease under which it led is there still, as far as is known. */
static bool lease_lasts(const struct carry *c, const char *name)
{
	const struct history_entry *led = history_last(c->config.history, HISTORY_LEADER);
	const struct roster_member *m = roster_find(c->config.roster, name);

	return led && m && m->is_active && m->active.create_rev < led->revision;
}

static void put_led(struct carry *c, struct etcd_txn *txn)
{
	struct history_entry entry = {.kind = HISTORY_LEADER};
	bool resigned;
	const char *from = history_last_leader(c->config.history, &resigned);

	snprintf(entry.from, sizeof(entry.from), "%s", from);
	snprintf(entry.to, sizeof(entry.to), "%s", c->name);
	if (!*from)
		entry.reason = xstrdup("nobody led yet");
	else if (resigned)
		entry.reason = xasprintf("%s resigned", from);
	else if (!lease_lasts(c, from))
		entry.reason = xasprintf("the lease of %s ended", from);
	else if (text_eq(from, c->name) || seen_all(c))
		entry.reason = xasprintf("somebody removed the key of %s", from);
	else /* its lease may have ended, or it has resigned */
		entry.reason = xasprintf("the key of %s was gone", from);
	put_entry(c, txn, &entry);
}

static void put_resigned(struct carry *c, struct etcd_txn *txn, const struct action *a)
{
	struct history_entry entry = {.kind = HISTORY_RESIGN, .fence = a->leader_rev};

	snprintf(entry.from, sizeof(entry.from), "%s", c->name);
	put_entry(c, txn, &entry);
}

/* The transaction of an action, exactly as core/request.h words it. */
static struct etcd_txn *build(struct carry *c, const struct action *a)
{
	struct etcd_txn *txn = etcd_txn_new();

	switch (a->kind) {
	case ACTION_REGISTER:
		etcd_txn_if_mod(txn, c->member_key, ETCD_EQUAL, a->record_rev);
		etcd_txn_if_mod(txn, c->active_key, ETCD_EQUAL, a->active_rev);
		put(txn, c->active_key, c->active_value, a->lease);
		break;
	case ACTION_CAMPAIGN:
		etcd_txn_if_create(txn, c->leader_key, ETCD_EQUAL, 0);
		etcd_txn_if_mod(txn, c->member_key, ETCD_EQUAL, a->record_rev);
		etcd_txn_if_mod(txn, c->active_key, ETCD_EQUAL, a->active_rev);
		etcd_txn_if_lease(txn, c->active_key, ETCD_EQUAL, a->lease);
		put(txn, c->leader_key, c->name, a->lease);
		put_led(c, txn);
		break;
	case ACTION_RESIGN:
		etcd_txn_if_create(txn, c->leader_key, ETCD_EQUAL, a->leader_rev);
		etcd_txn_if_mod(txn, c->active_key, ETCD_EQUAL, a->active_rev);
		etcd_txn_delete(txn, ETCD_THEN, c->leader_key);
		if (!c->nospace)
			put_resigned(c, txn, a);
		break;
	case ACTION_REPAIR:
		etcd_txn_if_create(txn, c->leader_key, ETCD_EQUAL, a->leader_rev);
		etcd_txn_if_mod(txn, c->member_key, ETCD_EQUAL, a->record_rev);
		etcd_txn_if_mod(txn, c->active_key, ETCD_EQUAL, a->active_rev);
		put(txn, c->leader_key, c->name, a->lease);
		break;
	case ACTION_CLEAR:
		etcd_txn_if_mod(txn, c->leader_key, ETCD_EQUAL, a->leader_rev);
		etcd_txn_if_mod(txn, c->member_key, ETCD_EQUAL, a->record_rev);
		etcd_txn_delete(txn, ETCD_THEN, c->leader_key);
		break;
	case ACTION_PULSE:
		etcd_txn_if_create(txn, c->leader_key, ETCD_EQUAL, a->leader_rev);
		etcd_txn_if_lease(txn, c->leader_key, ETCD_EQUAL, a->lease);
		etcd_txn_if_mod(txn, c->member_key, ETCD_EQUAL, a->record_rev);
		etcd_txn_if_mod(txn, c->active_key, ETCD_EQUAL, a->active_rev);
		put(txn, c->pulse_key, c->name, 0);
		break;
	case ACTION_CONFIRM:
		read_own(c, txn, ETCD_THEN);
		return txn;
	default:
		abort();
	}
	read_own(c, txn, ETCD_ELSE);
	return txn;
}

static void save_lease(struct request *r)
{
	struct carry *c = r->carry;
	const struct state_lease lease = {
		.id = r->action.lease, .ttl = c->config.ttl / USEC_PER_SEC};
	struct err err = {""};
	int rc = state_save_lease(c->config.state, c->config.bundle->id, c->name, &lease, &err);

	if (rc < 0)
		log_warning("lease", "the lease can't be kept for a restart: %s", err.text);
	r->reply = (struct reply){
		.id = r->action.id, .outcome = rc < 0 ? OUTCOME_ERROR : OUTCOME_OK, .text = ""};
	r->local = loop_defer_new(c->config.loop, on_local, r);
	loop_defer_schedule(r->local);
}

/* core/request.h says how long and how often. */
static void keepalive(struct request *r)
{
	usec_t ttl = r->carry->config.ttl;
	const struct etcd_hedge_options options = {
		.timeout = ttl / 2, .pause = ttl / 12, .lane = "lease"};

	r->hedge =
		etcd_hedge_keepalive(r->carry->config.etcd, r->action.lease, &options, on_lease, r);
}

void carry_out(struct carry *c, const struct action *action)
{
	usec_t attempt = c->config.ttl / 6;
	struct etcd_call_options once = {
		.timeout = attempt, .attempt = attempt, .retry = ETCD_RETRY_NEVER, .lane = "lease"};
	struct request *r = xcalloc(1, sizeof(*r));

	r->carry = c;
	r->action = *action;
	r->takes_space = takes_space(c, action->kind);
	list_add_tail(&c->requests, &r->link);
	switch (action->kind) {
	case ACTION_GRANT:
		r->call =
			etcd_grant(c->config.etcd, action->lease, action->ttl, &once, on_lease, r);
		return;
	case ACTION_KEEPALIVE:
		keepalive(r);
		return;
	case ACTION_REVOKE:
		r->call = etcd_revoke(c->config.etcd, action->lease, &once, on_lease, r);
		return;
	case ACTION_SAVE_LEASE:
		save_lease(r);
		return;
	default:
		break;
	}
	once.lane = "coord";
	if (action->kind == ACTION_CONFIRM) {
		once.timeout = CONFIRM_ATTEMPTS * attempt;
		once.retry = ETCD_RETRY_ELSEWHERE;
	}
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = build(c, action);
	r->call = etcd_commit(c->config.etcd, txn, &once, on_txn, r);
}
