/*
 * Requests on their way to etcd and back.
 *
 * What can become of one: applied and answered; lost before it arrives; applied, but the answer
 * lost; refused before it left; applied up to a minute after it was given up; applied twice, with
 * the answer to the second; caught in an election of etcd's, where it waits, is dropped, or fails
 * at once, and where keepalives may be answered by the leader of the past; answered from the past
 * (with a lower raft term) after the agent has seen the present.
 *
 * A keepalive that is not answered soon is sent again and again, each attempt with a fate of its own,
 * and the first that is answered tells when it was sent itself.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/world.h"

#define TIMEOUT		(SIM_TTL * USEC_PER_SEC / 6)
#define OLD_LEADER_ACKS (900 * USEC_PER_MSEC)
/* Of keepalives: until it is sent again, and until it is given up. */
#define PAUSE	  (SIM_TTL * USEC_PER_SEC / 12)
#define KEEPALIVE (SIM_TTL * USEC_PER_SEC / 2)

struct request {
	int agent;
	unsigned run;
	struct action action;
	bool work;
	char name[16], instance[40];
	struct etxn txn;
	bool answered;
	bool mute;	       /* no answer arrives */
	unsigned again;	       /* how often more it is applied */
	struct request *first; /* of a further attempt: what it is an attempt at; else itself */
	unsigned open;	       /* first: attempts that have not failed */
	usec_t sent, newest;   /* by the agent's clock; first: of the last attempt */
	struct reply reply;
	struct ekv leader, active, record;
	char text[160];
};

static void key_of(char dst[EKEY_MAX], const char *folder, const char *name)
{
	(void)snprintf(dst, EKEY_MAX, "%s/%s", folder, name);
}

static void compare(struct etxn *t, const char *key, enum ecompare_target target, int64_t value)
{
	struct ecompare *c = &t->compares[t->count++];

	(void)snprintf(c->key, sizeof(c->key), "%s", key);
	c->target = target;
	c->value = value;
}

static void put(struct etxn *t, const char *key, const char *value, const char *tag, int64_t lease)
{
	t->op = EOP_PUT;
	t->lease = lease;
	(void)snprintf(t->key, sizeof(t->key), "%s", key);
	(void)snprintf(t->value, sizeof(t->value), "%s", value);
	(void)snprintf(t->tag, sizeof(t->tag), "%s", tag);
}

static void delete_leader(struct etxn *t)
{
	t->op = EOP_DELETE;
	(void)snprintf(t->key, sizeof(t->key), "leader");
}

static void compare_fence(
	const struct world *w, struct etxn *t, const struct action *a, const char *active)
{
	if (w->mutation != MUTATION_FENCE) {
		compare(t, "leader", ECOMPARE_CREATE, a->leader_rev);
		compare(t, "leader", ECOMPARE_LEASE, a->lease);
	}
	compare(t, active, ECOMPARE_MOD, a->active_rev);
}

/* What core/request.h says about each kind. */
static void translate(const struct world *w, struct request *r)
{
	const struct action *a = &r->action;
	struct etxn *t = &r->txn;
	char record[EKEY_MAX], active[EKEY_MAX];

	key_of(record, "members", r->name);
	key_of(active, "active", r->name);
	if (a->record_rev && w->mutation != MUTATION_RECORD)
		compare(t, record, ECOMPARE_MOD, a->record_rev);
	switch (a->kind) {
	case ACTION_REGISTER:
		compare(t, active, ECOMPARE_MOD, a->active_rev);
		put(t, active, r->name, r->instance, a->lease);
		break;
	case ACTION_CAMPAIGN:
		if (w->mutation != MUTATION_CREATE)
			compare(t, "leader", ECOMPARE_CREATE, 0);
		compare(t, active, ECOMPARE_MOD, a->active_rev);
		compare(t, active, ECOMPARE_LEASE, a->lease);
		put(t, "leader", r->name, "", w->mutation == MUTATION_LEASES ? 0 : a->lease);
		break;
	case ACTION_REPAIR:
		compare(t, "leader", ECOMPARE_CREATE, a->leader_rev);
		compare(t, active, ECOMPARE_MOD, a->active_rev);
		put(t, "leader", r->name, "", a->lease);
		break;
	case ACTION_RESIGN:
		compare(t, "leader", ECOMPARE_CREATE, a->leader_rev);
		compare(t, active, ECOMPARE_MOD, a->active_rev);
		delete_leader(t);
		break;
	case ACTION_CLEAR:
		compare(t, "leader", ECOMPARE_MOD, a->leader_rev);
		delete_leader(t);
		break;
	case ACTION_PULSE:
		compare_fence(w, t, a, active);
		put(t, r->work ? "work" : "pulse", r->name, r->instance, 0);
		break;
	default:
		break;
	}
}

static struct request *new_request(struct world *w, int agent, const struct action *action)
{
	const struct agent *a = &w->agents[agent];
	struct request *r = xcalloc(1, sizeof(*r));

	if (w->request_count == w->request_room) {
		w->request_room = w->request_room ? 2 * w->request_room : 1024;
		w->requests = xrealloc(w->requests, w->request_room, sizeof(struct request *));
	}
	w->requests[w->request_count++] = r;
	r->agent = agent;
	r->run = a->run;
	r->first = r;
	r->open = 1;
	r->sent = r->newest = world_local(w, a);
	r->action = *action;
	memcpy(r->name, a->name, sizeof(r->name));
	memcpy(r->instance, a->instance, sizeof(r->instance));
	r->reply.id = action->id;
	r->reply.outcome = OUTCOME_UNKNOWN;
	return r;
}

void wire_free(struct request *r)
{
	free(r);
}

const char *wire_describe(const struct request *r)
{
	return r->work ? "work" : action_name(r->action.kind);
}

bool wire_is_leaders(const struct request *r)
{
	return r->action.kind == ACTION_PULSE;
}

static bool is_write(const struct request *r)
{
	return r->action.kind != ACTION_KEEPALIVE && r->action.kind != ACTION_CONFIRM;
}

/* Chooses what becomes of it. */
static void dispatch(struct world *w, struct request *r)
{
	const struct agent *a = &w->agents[r->agent];
	usec_t way = world_random(w, 200, w->faulty && world_chance(w, 3) ? 600000 : 4000);
	unsigned fate = w->faulty ? (unsigned)prng_below(&w->prng, 100) : 100;
	bool lost = a->net == NET_CUT || fate == 0;
	bool late = is_write(r) && (fate == 1 || (a->net == NET_CUT && world_chance(w, 20)));

	if (r->action.kind == ACTION_KEEPALIVE)
		world_schedule(w, w->now + PAUSE, STEP_AGAIN, r->agent, r->first);
	if (r->first == r)
		world_schedule(w,
			w->now + (r->action.kind == ACTION_KEEPALIVE ? KEEPALIVE : TIMEOUT),
			STEP_TIMEOUT, r->agent, r);
	r->mute = a->net == NET_NO_REPLIES || fate == 2 || late;
	if (a->net == NET_CUT && !late && world_chance(w, 30)) {
		r->reply.outcome = OUTCOME_ERROR;
		r->reply.text = "connection refused";
		world_schedule(w, w->now + USEC_PER_MSEC, STEP_REPLY, r->agent, r);
		return;
	}
	if (late)
		way = world_random(w, TIMEOUT, 60 * USEC_PER_SEC);
	else if (lost)
		return;
	if (fate == 3) {
		r->again = 1;
		world_schedule(w, w->now + way + world_random(w, 0, 900 * USEC_PER_MSEC),
			STEP_ARRIVE, r->agent, r);
	}
	world_schedule(w, w->now + way, STEP_ARRIVE, r->agent, r);
}

void wire_send(struct world *w, int agent, const struct action *action)
{
	struct request *r = new_request(w, agent, action);
	struct agent *a = &w->agents[agent];

	if (a->outstanding[action->kind])
		world_fail(w, "%s asks for a second %s", a->instance, action_name(action->kind));
	a->outstanding[action->kind] = true;
	world_say(w, agent, "> %s %llu lease=%016llx leader=%lld record=%lld active=%lld",
		action_name(action->kind), (unsigned long long)action->id,
		(unsigned long long)action->lease, (long long)action->leader_rev,
		(long long)action->record_rev, (long long)action->active_rev);
	if (action->kind == ACTION_SAVE_LEASE) {
		r->reply.outcome = world_chance(w, 2) ? OUTCOME_ERROR : OUTCOME_OK;
		world_schedule(
			w, w->now + world_random(w, 0, 30 * USEC_PER_MSEC), STEP_REPLY, agent, r);
		return;
	}
	translate(w, r);
	dispatch(w, r);
}

void wire_again(struct world *w, struct request *first)
{
	struct request *r;

	if (first->answered)
		return;
	r = new_request(w, first->agent, &first->action);
	r->first = first;
	first->open++;
	first->newest = r->sent;
	world_say(w, r->agent, "> keepalive %llu again", (unsigned long long)r->action.id);
	dispatch(w, r);
}

/* What a leader does with its leadership: a write now and then. */
void wire_work(struct world *w, int agent)
{
	struct agent *a = &w->agents[agent];
	struct coord_fence fence;
	struct action action = {.kind = ACTION_PULSE};
	struct request *r;

	world_schedule(w, w->now + world_random(w, 1, USEC_PER_SEC), STEP_WORK, agent, NULL);
	if (!a->core || a->paused)
		return;
	coord_fence(a->core, world_local(w, a), &fence);
	if (!fence.acting)
		return;
	action.record_rev = fence.record_rev;
	action.leader_rev = fence.leader_rev;
	action.active_rev = fence.active_rev;
	action.lease = fence.lease;
	r = new_request(w, agent, &action);
	r->work = true;
	r->answered = true; /* nobody waits */
	translate(w, r);
	world_schedule(w,
		w->now + world_random(w, 100,
				 w->faulty && world_chance(w, 20) ? 60 * USEC_PER_SEC : 5000),
		STEP_ARRIVE, agent, r);
}

static void read_own(struct world *w, struct request *r)
{
	char key[EKEY_MAX];

	r->leader = *etcd_get(w->etcd, "leader");
	key_of(key, "active", r->name);
	r->active = *etcd_get(w->etcd, key);
	key_of(key, "members", r->name);
	r->record = *etcd_get(w->etcd, key);
	r->reply.has_own = true;
	r->reply.own.leader = view_key(&r->leader);
	r->reply.own.active = view_key(&r->active);
	r->reply.own.record = view_record(&w->agents[r->agent], &r->record);
}

static enum outcome outcome_of(enum eresult result)
{
	switch (result) {
	case ERESULT_OK:
		return OUTCOME_OK;
	case ERESULT_REFUSED:
		return OUTCOME_REFUSED;
	case ERESULT_EXISTS:
		return OUTCOME_EXISTS;
	case ERESULT_NOT_FOUND:
		return OUTCOME_NOT_FOUND;
	case ERESULT_NO_SPACE:
		return OUTCOME_ERROR;
	}
	return OUTCOME_UNKNOWN;
}

static void apply(struct world *w, struct request *r)
{
	struct reply *reply = &r->reply;
	const struct action *a = &r->action;

	w->applying = r;
	reply->lease = a->lease;
	switch (a->kind) {
	case ACTION_GRANT:
		reply->outcome = outcome_of(etcd_grant(w->etcd, w->now, a->lease, a->ttl));
		reply->ttl = a->ttl;
		break;
	case ACTION_KEEPALIVE:
		reply->outcome = OUTCOME_OK;
		reply->ttl = etcd_keepalive(w->etcd, w->now, a->lease);
		break;
	case ACTION_REVOKE:
		reply->outcome = outcome_of(etcd_revoke(w->etcd, a->lease));
		break;
	default:
		reply->outcome = outcome_of(etcd_txn(w->etcd, r->agent, &r->txn));
		if (reply->outcome == OUTCOME_REFUSED || a->kind == ACTION_CONFIRM)
			read_own(w, r);
		break;
	}
	w->applying = NULL;
	if (reply->outcome == OUTCOME_ERROR)
		reply->text = "etcdserver: mvcc: database space exceeded";
	reply->revision = etcd_revision(w->etcd);
	reply->raft_term = etcd_term(w->etcd);
	if (w->mutation == MUTATION_MARGIN && reply->ttl)
		reply->ttl += 2;
	if (r->work && reply->outcome == OUTCOME_OK)
		w->tally->work_done++;
	else if (r->work)
		w->tally->work_refused++;
}

static bool can_answer(const struct world *w, const struct request *r)
{
	enum net net = w->agents[r->agent].net;

	return !r->mute && !r->answered && net == NET_FINE;
}

/* During an election. */
static void get_stuck(struct world *w, struct request *r)
{
	if (r->action.kind == ACTION_KEEPALIVE && can_answer(w, r) &&
		w->now < etcd_election_start(w->etcd) + OLD_LEADER_ACKS && world_chance(w, 50)) {
		r->reply.outcome = OUTCOME_OK;
		r->reply.lease = r->action.lease;
		r->reply.ttl = SIM_TTL;
		r->reply.raft_term = etcd_term(w->etcd);
		r->reply.revision = etcd_revision(w->etcd);
		world_schedule(w, w->now + world_random(w, 100, 3000), STEP_REPLY, r->agent, r);
	} else if (world_chance(w, 50)) {
		world_schedule(w, etcd_election_end(w->etcd) + world_random(w, 0, 50000),
			STEP_ARRIVE, r->agent, r);
	} else if (can_answer(w, r)) {
		r->reply.outcome = OUTCOME_UNKNOWN;
		r->reply.text = "etcdserver: no leader";
		world_schedule(w, w->now + world_random(w, 100, 3000), STEP_REPLY, r->agent, r);
	}
}

void wire_arrive(struct world *w, struct request *r)
{
	usec_t back = 4000;

	if (!etcd_has_leader(w->etcd)) {
		get_stuck(w, r);
		return;
	}
	apply(w, r);
	if (r->again) {
		r->again--;
		return;
	}
	if (!can_answer(w, r))
		return;
	if (w->faulty && r->action.kind == ACTION_KEEPALIVE && world_chance(w, 3)) {
		/* the line breaks behind it, and the answer crawls: further attempts do not get
		 * through before it */
		fault_cut(w, r->agent);
		back = KEEPALIVE;
	}
	world_schedule(w, w->now + world_random(w, 200, back), STEP_REPLY, r->agent, r);
}

static void answer(struct world *w, struct request *r)
{
	struct request *first = r->first;
	struct agent *a = &w->agents[r->agent];
	struct coord_event event = {.kind = COORD_REPLY, .reply = &r->reply};

	if (first->answered || !a->core || r->run != a->run)
		return;
	first->answered = true;
	r->reply.sent_at = w->mutation == MUTATION_SENT ? first->newest : r->sent;
	a->outstanding[r->action.kind] = false;
	world_say(w, r->agent, "< %s %llu: outcome %d revision %lld ttl %lld", wire_describe(r),
		(unsigned long long)r->reply.id, (int)r->reply.outcome,
		(long long)r->reply.revision, (long long)r->reply.ttl);
	world_input(w, r->agent, &event);
}

void wire_reply(struct world *w, struct request *r)
{
	struct agent *a = &w->agents[r->agent];
	struct reply *reply = &r->reply;
	static const struct own_keys nothing;

	if (r->action.kind == ACTION_SAVE_LEASE && reply->outcome == OUTCOME_OK)
		a->saved_lease = r->action.lease;
	if (w->faulty && !is_write(r) && reply->outcome == OUTCOME_OK && reply->raft_term > 2 &&
		coord_raft_term(a->core) >= reply->raft_term && world_chance(w, 2)) {
		reply->raft_term--;
		reply->ttl = 0;
		reply->own = nothing;
	}
	if (r->action.kind == ACTION_KEEPALIVE && reply->outcome != OUTCOME_OK &&
		--r->first->open > 0)
		return;
	answer(w, r);
}

void wire_timeout(struct world *w, struct request *r)
{
	struct reply unknown = {
		.id = r->action.id, .outcome = OUTCOME_UNKNOWN, .text = "timed out"};

	if (r->answered)
		return;
	if (w->mutation == MUTATION_DEAF) {
		unknown.outcome = OUTCOME_OK;
		unknown.lease = r->action.lease;
		unknown.ttl = SIM_TTL;
		unknown.revision = etcd_revision(w->etcd);
	}
	r->reply = unknown;
	answer(w, r);
}
