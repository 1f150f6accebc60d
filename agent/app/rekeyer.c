#include "config.h"
#include "app/rekeyer.h"

#include <errno.h>
#include <string.h>

#include "app/agent.h"
#include "app/rekey_steps.h"
#include "app/reseal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/writes.h"
#include "conf/conf.h"
#include "copy/replica.h"
#include "core/roster.h"
#include "etcd/client.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/worker.h"
#include "log/report.h"
#include "member/member.h"
#include "trust/seal.h"

/* How often what is not told to anybody (the copy on disk) is looked at. */
#define LOOK_AGAIN USEC_PER_SEC

struct rekeyer {
	struct agent *agent;
	struct rekey core;
	struct loop_timer *timer;
	struct report *disk, *needed;
	/* the step under way in each lane */
	enum rekey_step own_step, lead_step;
	struct etcd_call *own, *lead;
	struct worker_job *saving;
	uint64_t saving_keys;
	struct reseal *reseal;
	struct reseal *counting; /* before a key is forgotten */
	int64_t written;	 /* the last revision that this has written */
	/* what the last complete pass over the values has found */
	int64_t counted_since; /* mod_revision of the change; 0: none */
	size_t old_values;
};

static void look(struct rekeyer *r);

/* ---- the view ---- */

struct picture {
	struct rekey_view view;
	struct rekey_member members[ROSTER_MAX];
};

static bool copied(const struct rekeyer *r, int64_t since)
{
	struct replica_status status;

	replica_status(member_replica(r->agent->member), &status);
	return status.stored >= since;
}

static void add_members(const struct rekeyer *r, struct picture *p, const char *key)
{
	const struct keyring *kr = r->agent->keyring;
	const struct roster *roster = member_roster(r->agent->member);
	const struct keyring_member *m;

	list_foreach (m, keyring_members(kr), link) {
		const struct roster_member *there = roster_find(roster, m->record.name);

		if (p->view.n == ROSTER_MAX)
			return;
		p->members[p->view.n++] = (struct rekey_member){
			.name = m->record.name,
			.active = there && there->is_active,
			.wrapped = keyring_is_wrapped(kr, m, key),
			.can_wrap = keyring_public(m) != NULL,
			.held = keyring_is_held(kr, m, key),
			.is_signed = text_eq(m->record.under, key),
		};
	}
}

static void look_at_leader(const struct rekeyer *r, struct rekey_view *view, const char *key)
{
	const struct roster_member *leader = roster_leader_member(member_roster(r->agent->member));
	const struct keyring_member *m =
		leader ? keyring_find(r->agent->keyring, leader->name) : NULL;

	view->leader_lacks = m && !text_eq(leader->name, r->agent->identity->name) &&
			     !keyring_is_held(r->agent->keyring, m, key);
}

static void fill(const struct rekeyer *r, struct picture *p)
{
	const struct agent *agent = r->agent;
	const struct keyring *kr = agent->keyring;
	const struct keyring_member *self = keyring_find(kr, agent->identity->name);
	int64_t rev;
	const struct rekey_change *change = keyring_change(kr, &rev);
	struct coord_fence fence;

	member_fence(agent->member, &fence);
	p->view = (struct rekey_view){
		.stage = change ? change->stage : REKEY_NONE,
		.behind = keyring_behind(kr),
		.damaged = !change && rev,
		.remembered = keyring_remembered(kr) != NULL,
		.live = member_view_age(agent->member) == 0 && keyring_revision(kr) >= r->written,
		.may_write = fence.may_write,
		.acting = fence.acting,
		.saved = !keyring_unsaved(kr),
		.others = bundle_key_count(agent->identity->bundle) > 1,
		.members = p->members,
		.counted = change && r->counted_since == rev,
		.old_values = r->old_values,
	};
	if (!change)
		return;
	p->view.has_new = keyring_has(kr, change->key);
	p->view.copied = copied(r, rev);
	p->view.told = self && keyring_is_held(kr, self, change->key);
	add_members(r, p, change->key);
	look_at_leader(r, &p->view, change->key);
	p->view.rests = p->view.acting && rekey_rests(agent, NULL, 0) > 0;
}

/* ---- steps ---- */

static void ended(struct rekeyer *r, enum rekey_step step, bool done)
{
	if (done)
		rekey_done(&r->core, step);
	else
		rekey_failed(&r->core, step);
	look(r);
}

static void on_saved(int rc, const char *why, void *arg)
{
	struct rekeyer *r = arg;
	CLEANUP(freep) char *text = NULL;

	r->saving = NULL;
	if (rc == 0)
		keyring_saved(r->agent->keyring, r->saving_keys);
	text = rc < 0 ? xasprintf("the collective keys can't be written: %s", why)
		      : xstrdup("the collective keys are on disk");
	report_change(r->disk, rc < 0, text);
	ended(r, REKEY_SAVE, rc == 0);
}

static void save(struct rekeyer *r)
{
	struct agent *agent = r->agent;
	struct writes *writes;
	struct err err = {""};
	int rc;

	/* a join that is under way puts another bundle in place of this one */
	if (agent->commands_ops->busy(agent->commands))
		writes = writes_failed(-EBUSY, "a join is under way");
	else if ((rc = identity_bundle_save(
			  agent->identity, agent->conf->paths.config_dir, &writes, &err)) < 0)
		writes = writes_failed(rc, err.text);
	r->saving_keys = keyring_keys_serial(agent->keyring);
	r->saving = worker_write(agent->worker, writes, on_saved, r);
}

static void answered(struct rekeyer *r, enum rekey_step step, const struct etcd_result *result)
{
	if (result->outcome == ETCD_OK)
		r->written = MAX(r->written, result->reply->header.revision);
	else
		log_debug("rekey", "%s: %s%s", rekey_step_name(step),
			etcd_outcome_name(result->outcome), result->text);
	ended(r, step, result->outcome == ETCD_OK);
}

static void on_own(const struct etcd_result *result, void *arg)
{
	struct rekeyer *r = arg;

	r->own = NULL;
	answered(r, r->own_step, result);
}

static void on_lead(const struct etcd_result *result, void *arg)
{
	struct rekeyer *r = arg;

	r->lead = NULL;
	answered(r, r->lead_step, result);
}

static bool on_fence(struct etcd_txn *txn, void *arg)
{
	struct rekeyer *r = arg;

	return rekey_lead_fence(r->agent, txn);
}

static void on_resealed(int rc, size_t found, int64_t revision, void *arg)
{
	struct rekeyer *r = arg;
	const struct rekey_change *change;
	int64_t rev;

	r->reseal = NULL;
	r->written = MAX(r->written, revision);
	change = keyring_change(r->agent->keyring, &rev);
	if (rc == 0 && change && change->stage == REKEY_RESEAL) {
		r->counted_since = rev;
		r->old_values = found;
	}
	ended(r, REKEY_SEAL, rc == 0);
}

static void reseal(struct rekeyer *r)
{
	int64_t rev;

	(void)keyring_change(r->agent->keyring, &rev);
	r->reseal = reseal_new(r->agent, MAX(rev, r->written), on_fence, on_resealed, r);
}

static bool all_signed(const struct rekeyer *r, const char *key)
{
	const struct keyring_member *m;

	list_foreach (m, keyring_members(r->agent->keyring), link) {
		if (!text_eq(m->record.under, key))
			return false;
	}
	return true;
}

/* Whatever the record of the change says: a key that is needed is not forgotten. */
static void on_looked_through(int rc, size_t found, int64_t revision, void *arg)
{
	struct rekeyer *r = arg;
	const struct rekey_change *change = keyring_change(r->agent->keyring, NULL);
	bool done = rc == 0 && change && change->stage == REKEY_DONE;
	bool needed = done && (found || !all_signed(r, change->key));

	(void)revision;
	r->counting = NULL;
	if (needed)
		report_change(r->needed, true,
			"a former collective key is kept: something is still under it");
	if (done && !needed) {
		keyring_drop(r->agent->keyring);
		log_info("rekey", "the former collective key is forgotten");
	}
	ended(r, REKEY_DROP, done && !needed);
}

static void drop(struct rekeyer *r)
{
	int64_t rev;

	(void)keyring_change(r->agent->keyring, &rev);
	r->counting = reseal_new(r->agent, rev, NULL, on_looked_through, r);
}

static void commit(struct rekeyer *r, enum rekey_step step)
{
	static const struct etcd_call_options options = {.lane = "rekey"};
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = NULL;
	struct etcd *etcd = member_etcd(r->agent->member);
	struct err err = {""};

	if (rekey_step_txn(r->agent, step, &txn, &err) < 0) {
		log_debug("rekey", "%s: %s", rekey_step_name(step), err.text);
		rekey_failed(&r->core, step);
	} else if (step == REKEY_TELL) {
		r->own_step = step;
		r->own = etcd_commit(etcd, txn, &options, on_own, r);
	} else {
		r->lead_step = step;
		r->lead = etcd_commit(etcd, txn, &options, on_lead, r);
	}
}

static void carry_out_step(struct rekeyer *r, enum rekey_step step)
{
	switch (step) {
	case REKEY_SAVE:
		save(r);
		break;
	case REKEY_DROP:
		drop(r);
		break;
	case REKEY_SEAL:
		reseal(r);
		break;
	default:
		commit(r, step);
	}
}

static void look(struct rekeyer *r)
{
	struct picture *p = xcalloc(1, sizeof(*p));
	usec_t now = loop_now(r->agent->loop);
	enum rekey_step step;
	usec_t wake;

	fill(r, p);
	rekey_look(&r->core, now, &p->view);
	while (rekey_next(&r->core, now, &step)) {
		carry_out_step(r, step);
		fill(r, p);
		rekey_look(&r->core, now, &p->view);
	}
	wake = rekey_wakeup(&r->core);
	if (r->core.sm.state == REKEY_DROPPING)
		wake = usec_min(wake, usec_add(now, LOOK_AGAIN));
	loop_timer_at(r->timer, wake);
	free(p);
}

/* ---- life ---- */

static void on_timer(void *arg)
{
	look(arg);
}

static void on_moved(void *arg, const struct sm *sm, int from)
{
	(void)arg;
	log_info("rekey", "%s -> %s (%s)", sm->machine->states[from].name, sm_name(sm), sm->reason);
}

struct rekeyer *rekeyer_new(struct agent *agent)
{
	struct rekeyer *r = xcalloc(1, sizeof(*r));

	r->agent = agent;
	r->timer = loop_timer_new(agent->loop, "rekey", on_timer, r);
	r->disk = report_new(agent->loop, "rekey", 0);
	r->needed = report_new(agent->loop, "rekey", 0);
	rekey_init(&r->core, random_u64(), loop_now(agent->loop), on_moved, r);
	return r;
}

void rekeyer_free(struct rekeyer *r)
{
	if (!r)
		return;
	worker_forget(r->saving);
	etcd_cancel(r->own);
	etcd_cancel(r->lead);
	reseal_free(r->reseal);
	reseal_free(r->counting);
	report_free(r->disk);
	report_free(r->needed);
	loop_timer_free(r->timer);
	free(r);
}

void rekeyer_changed(struct rekeyer *r)
{
	look(r);
}

/* ---- for people ---- */

void rekeyer_info(const struct rekeyer *r, struct sm_info *ret)
{
	sm_tell(&r->core.sm, loop_timer_due(r->timer), ret);
}

static void tell_member(json *list, const struct rekey_member *m)
{
	json *one = json_add(list, json_new_object());

	json_set_str(one, "name", m->name);
	json_set_bool(one, "active", m->active);
	json_set_bool(one, "held", m->held);
	json_set_bool(one, "signed", m->is_signed);
}

void rekeyer_tell(const struct rekeyer *r, json *answer)
{
	const struct rekey_change *change = keyring_change(r->agent->keyring, NULL);
	struct picture *p = xcalloc(1, sizeof(*p));
	char id[SEAL_KEY_ID_LEN + 1] = "";
	json *waiting, *list;

	fill(r, p);
	if (seal_key_id(r->agent->identity->bundle->key, id, NULL) == 0)
		json_set_str(answer, "key", id);
	json_set_str(answer, "stage", sm_name(&r->core.sm));
	if (change) {
		json_set_str(answer, "from", change->from);
		json_set_str(answer, "to", change->key);
		json_set_str(answer, "by", change->by);
		json_set_seconds(answer, "at", change->at);
	}
	if (r->core.sm.state == REKEY_BEHIND)
		json_set_str(answer, "note",
			"The collective key was changed, and this member has not got the new one.");
	waiting = json_set(answer, "waiting", json_new_array());
	list = json_set(answer, "members", json_new_array());
	for (size_t i = 0; i < p->view.n; i++) {
		tell_member(list, &p->members[i]);
		if (rekey_waits_for(&p->view, &p->members[i]))
			json_add_str(waiting, p->members[i].name);
	}
	free(p);
}

char *rekeyer_text(const struct rekeyer *r)
{
	const struct sm *sm = &r->core.sm;

	return xasprintf("%s%s%s", sm_name(sm), *sm->trouble ? "; " : "", sm->trouble);
}
