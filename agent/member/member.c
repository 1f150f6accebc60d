/*
 * The happy path: the picture of etcd is kept in step (member/follow.h), the core gets the registry as one view, asks for a lease, an active
 * key, and takes part in the election; each answer and each event is fed to the core, and what it
 * asks for next is carried out at once. One timer stands for all the instants the core waits for.
 *
 * Failures: everything etcd may do is the core's business, but for one thing: an etcd that is not
 * the one it was. That is member/anchor.h's, see member.h.
 */
#include "config.h"
#include "member/member.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "io/loop.h"
#include "log/roll.h"
#include "member/anchor.h"
#include "member/carry.h"
#include "member/etcdconf.h"
#include "member/follow.h"
#include "member/state.h"
#include "record/records.h"

#define STOP_DEADLINE (1500 * USEC_PER_MSEC)

struct member {
	struct loop *loop;
	const struct identity *identity;
	struct state *state;
	void (*changed)(void *arg);
	void *arg;

	struct etcdconf *ec;
	struct etcd *etcd;
	struct follow *follow;
	struct carry *carry;
	struct coord *coord;
	struct anchor *anchor;
	struct loop_timer *wake; /* what the core waits for */
	struct loop_timer *stopping;
	usec_t held_at;		 /* what is shown is not fed since */
	struct roll *roll;	 /* who else is there */
	struct loop_defer *tell; /* changed, once a wake-up */
	void (*stopped)(void *arg);
	void *stopped_arg;

	char *failure; /* the last call that did not succeed, NULL: the last one did */
	char *trouble; /* text of member_trouble() */
};

static void pump(struct member *m);

static bool held(const struct member *m)
{
	return anchor_why_held(m->anchor) != NULL;
}

static void input(const struct coord_event *event, void *arg)
{
	struct member *m = arg;

	if (held(m))
		return;
	coord_input(m->coord, loop_now(m->loop), event);
}

/* ---- the picture of etcd ---- */

static void on_moved(void *arg)
{
	struct member *m = arg;

	pump(m);
	roll_call(m->roll, coord_roster(m->coord));
}

static void on_lost(void *arg)
{
	struct member *m = arg;

	loop_defer_schedule(m->tell);
}

static bool on_quorum(void *arg)
{
	const struct member *m = arg;

	return coord_quorum(m->coord, loop_now(m->loop));
}

static usec_t on_last_read(void *arg)
{
	const struct member *m = arg;

	return coord_last_read(m->coord);
}

/* ---- the core ---- */

static void notify(const struct action *a)
{
	if (a->from && a->to)
		log_info(a->machine, "%s -> %s (%s)", a->from, a->to, a->reason);
	else
		log_info(a->machine, "%s", a->reason);
}

static void pump(struct member *m)
{
	struct action action;

	if (held(m))
		return;
	while (coord_next(m->coord, loop_now(m->loop), &action)) {
		if (action.kind == ACTION_NOTIFY)
			notify(&action);
		else
			carry_out(m->carry, &action);
	}
	loop_timer_at(m->wake, coord_wakeup(m->coord));
	loop_defer_schedule(m->tell);
	if (m->stopped && coord_done(m->coord))
		loop_timer_after(m->stopping, 0);
}

static void on_wake(void *arg)
{
	struct member *m = arg;
	struct coord_event event = {.kind = COORD_TICK};

	input(&event, m);
	pump(m);
}

static void on_reply(const struct reply *reply, void *arg)
{
	struct member *m = arg;
	struct coord_event event = {.kind = COORD_REPLY, .reply = reply};
	bool failed = reply->outcome == OUTCOME_UNKNOWN || reply->outcome == OUTCOME_ERROR;

	free(m->failure);
	/* what failed without a text was not etcd's, and was told where it happened */
	m->failure = failed && reply->text && *reply->text ? xstrdup(reply->text) : NULL;
	input(&event, m);
	pump(m);
}

static void on_tell(void *arg)
{
	struct member *m = arg;

	m->changed(m->arg);
}

/* ---- an etcd that is not the one it was ---- */

static void on_held(void *arg)
{
	struct member *m = arg;

	carry_free(TAKE(m->carry));
	loop_timer_at(m->wake, USEC_NEVER);
	m->held_at = loop_now(m->loop);
	loop_defer_schedule(m->tell);
	if (m->stopped)
		loop_timer_after(m->stopping, 0);
}

static void on_notice(const struct etcd_notice *notice, void *arg)
{
	struct member *m = arg;

	anchor_notice(m->anchor, notice);
	loop_defer_schedule(m->tell);
}

/* ---- life ---- */

static struct coord *make_coord(
	struct member *m, const struct member_config *config, const char *instance)
{
	const struct state_lease lease =
		state_lease(m->state, m->identity->bundle->id, m->identity->name);
	struct coord_config cc = {
		.name = m->identity->name,
		.instance = instance,
		.ttl = config->conf->member.ttl / USEC_PER_SEC,
		.seed = random_u64(),
	};

	*(lease.ttl == cc.ttl ? &cc.saved_lease : &cc.old_lease) = lease.id;
	return coord_new(&cc, loop_now(m->loop));
}

static struct carry *make_carry(
	struct member *m, const struct member_config *config, const char *instance)
{
	struct active_record active = {.since = clock_wall()};
	CLEANUP(freep) char *value = NULL;
	struct carry_config cc = {
		.loop = m->loop,
		.etcd = m->etcd,
		.state = m->state,
		.bundle = m->identity->bundle,
		.keyring = config->keyring,
		.history = config->history,
		.roster = coord_roster(m->coord),
		.member = m,
		.prefix = m->ec->prefix,
		.name = m->identity->name,
		.key_hash = m->identity->key_hash,
		.ttl = config->conf->member.ttl,
	};

	snprintf(active.address, sizeof(active.address), "%s", config->address);
	snprintf(active.version, sizeof(active.version), "%s", PACKAGE_VERSION);
	snprintf(active.boot, sizeof(active.boot), "%s", instance);
	identity_public(m->identity, active.public_key);
	value = active_record_encode(&active);
	cc.active_value = value;
	return carry_new(&cc, on_reply, m);
}

static int make_etcd(struct member *m, const struct member_config *config, struct err *err)
{
	CLEANUP(freep) char *identity_key = xasprintf("%scollective", m->ec->prefix);
	struct etcd_config ec = etcdconf_client(m->ec);
	int rc;

	ec.cluster_id = anchor_known(m->anchor)->cluster_id;
	ec.raft_term = anchor_known(m->anchor)->raft_term;
	ec.identity_key = identity_key;
	ec.connect_timeout = config->conf->member.ttl / 6;
	ec.notice = on_notice;
	ec.arg = m;
	rc = etcd_new(&m->etcd, m->loop, config->http, &ec, err);
	if (rc == 0)
		anchor_attach(m->anchor, m->etcd, identity_key);
	return rc;
}

static void on_stopping(void *arg)
{
	struct member *m = arg;
	void (*stopped)(void *arg) = TAKE(m->stopped);

	if (stopped)
		stopped(m->stopped_arg);
}

static struct follow *make_follow(struct member *m, const struct member_config *config)
{
	const struct follow_config fc = {
		.loop = m->loop,
		.etcd = m->etcd,
		.anchor = m->anchor,
		.disk = config->disk,
		.identity = m->identity,
		.keyring = config->keyring,
		.orders = config->orders,
		.history = config->history,
		.prefix = m->ec->prefix,
		.state_dir = config->conf->paths.state_dir,
		.adopt = config->adopt,
		.input = input,
		.moved = on_moved,
		.lost = on_lost,
		.quorum = on_quorum,
		.last_read = on_last_read,
		.arg = m,
	};

	return follow_new(&fc);
}

static int connect_etcd(struct member *m, const struct member_config *config, struct err *err)
{
	const struct anchor_config anchor = {
		.loop = config->loop,
		.state = config->state,
		.collective_id = config->identity->bundle->id,
		.adopt = config->adopt,
		.held = on_held,
		.arg = m,
	};
	int rc = anchor_new(&m->anchor, &anchor, err);

	if (rc == 0)
		rc = etcdconf_make(&m->ec, config->conf, m->identity->bundle,
			config->conf->paths.state_dir, "etcd", err);
	return rc == 0 ? make_etcd(m, config, err) : rc;
}

int member_new(struct member **ret, const struct member_config *config, struct err *err)
{
	struct member *m = xcalloc(1, sizeof(*m));
	char instance[64];
	int rc;

	m->loop = config->loop;
	m->identity = config->identity;
	m->state = config->state;
	m->changed = config->changed;
	m->arg = config->arg;
	m->wake = loop_timer_new(m->loop, "member", on_wake, m);
	m->stopping = loop_timer_new(m->loop, "stopping", on_stopping, m);
	m->tell = loop_defer_new(m->loop, on_tell, m);
	m->roll = roll_new(m->loop, m->identity->name);
	rc = connect_etcd(m, config, err);
	if (rc < 0) {
		member_free(m);
		return rc;
	}
	snprintf(instance, sizeof(instance), "%.36s-%08" PRIx64, state_boot_id(m->state),
		random_u64() >> 32);
	m->coord = make_coord(m, config, instance);
	m->carry = make_carry(m, config, instance);
	m->follow = make_follow(m, config);
	loop_timer_at(m->wake, coord_wakeup(m->coord));
	if (held(m))
		on_held(m);
	*ret = m;
	return 0;
}

void member_free(struct member *m)
{
	if (!m)
		return;
	if (m->anchor)
		anchor_detach(m->anchor);
	carry_free(m->carry);
	follow_free(m->follow);
	etcd_free(m->etcd);
	anchor_free(m->anchor);
	coord_free(m->coord);
	loop_timer_free(m->wake);
	loop_timer_free(m->stopping);
	roll_free(m->roll);
	loop_defer_free(m->tell);
	etcdconf_free(m->ec);
	free(m->failure);
	free(m->trouble);
	free(m);
}

void member_stop(struct member *m, void (*done)(void *arg), void *arg)
{
	struct coord_event event = {.kind = COORD_STOP};

	m->stopped = done;
	m->stopped_arg = arg;
	loop_timer_after(m->stopping, held(m) ? 0 : STOP_DEADLINE);
	anchor_save(m->anchor);
	input(&event, m);
	pump(m);
}

/* ---- what is known ---- */

const char *member_name(const struct member *m)
{
	return m->identity->name;
}

const char *member_prefix(const struct member *m)
{
	return m->ec->prefix;
}

struct etcd *member_etcd(struct member *m)
{
	return m->etcd;
}

const struct roster *member_roster(const struct member *m)
{
	return coord_roster(m->coord);
}

bool member_quorum(const struct member *m)
{
	return !held(m) && coord_quorum(m->coord, loop_now(m->loop));
}

bool member_leads(const struct member *m)
{
	return !held(m) && coord_acting(m->coord, loop_now(m->loop));
}

void member_fence(const struct member *m, struct coord_fence *ret)
{
	coord_fence(m->coord, loop_now(m->loop), ret);
	if (held(m)) {
		ret->may_write = ret->acting = false;
		ret->why_not = anchor_why_held(m->anchor);
	}
}

bool member_info(const struct member *m, unsigned machine, struct sm_info *ret)
{
	return coord_info(m->coord, machine, ret);
}

static bool membership(const struct member *m, struct sm_info *ret)
{
	for (unsigned i = 0; coord_info(m->coord, i, ret); i++) {
		if (text_eq(ret->machine, "membership"))
			return true;
	}
	return false;
}

const char *member_state(const struct member *m)
{
	struct sm_info info;

	if (held(m))
		return "held";
	return membership(m, &info) ? info.state : "unknown";
}

bool member_starting(const struct member *m)
{
	return !held(m) && !m->failure && !coord_last_read(m->coord);
}

bool member_settled(const struct member *m)
{
	const char *state = member_state(m);

	return text_eq(state, "active") || text_eq(state, "refused") || text_eq(state, "removed");
}

const char *member_removed(const struct member *m)
{
	struct sm_info info;

	if (!coord_removed(m->coord) || !membership(m, &info))
		return NULL;
	return info.reason;
}

bool member_foreign(const struct member *m)
{
	struct etcd_status etcd;

	etcd_status(m->etcd, &etcd);
	for (size_t i = 0; i < etcd.n; i++) {
		if (text_eq(etcd.endpoints[i].state, "another cluster"))
			return true;
	}
	return false;
}

const char *member_trouble(struct member *m)
{
	struct sm_info info;
	char *text = NULL;

	if (held(m))
		text = xasprintf("%s; when that is meant to be, run: collective adopt",
			anchor_why_held(m->anchor));
	else if ((coord_removed(m->coord) || coord_refused(m->coord)) && membership(m, &info))
		text = xstrdup(info.reason);
	else if (m->carry && carry_nospace(m->carry))
		text = xstrdup(carry_nospace(m->carry));
	else if (m->failure && !(member_quorum(m) && member_settled(m)))
		text = xasprintf("%s%s", m->failure,
			member_foreign(m) ? "; when that is meant to be, run: collective adopt"
					  : "");
	free(m->trouble);
	m->trouble = text;
	return text;
}

int member_resign(struct member *m, struct err *err)
{
	struct coord_event event = {.kind = COORD_RESIGN};

	if (!member_leads(m))
		return err_set(err, -EPERM, "%s is not the leader", m->identity->name);
	input(&event, m);
	pump(m);
	return 0;
}

usec_t member_view_age(const struct member *m)
{
	struct etcd_sync_status sync;
	usec_t now = loop_now(m->loop);
	usec_t read = coord_last_read(m->coord);
	usec_t at;

	if (held(m))
		return now - m->held_at;
	follow_status(m->follow, &sync);
	if (sync.live && coord_quorum(m->coord, now))
		return 0;
	at = sync.live ? usec_max(sync.current_at, read) : sync.current_at;
	return at ? now - at : now;
}

struct replica *member_replica(struct member *m)
{
	return follow_replica(m->follow);
}

void member_expect(struct member *m, int64_t revision)
{
	follow_expect(m->follow, revision);
}

void member_sync_status(const struct member *m, struct etcd_sync_status *ret)
{
	follow_status(m->follow, ret);
	if (held(m))
		ret->revision = roster_revision(coord_roster(m->coord));
}

size_t member_odd_keys(const struct member *m)
{
	return follow_odd_keys(m->follow);
}
