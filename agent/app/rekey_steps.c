#include "config.h"
#include "app/rekey_steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/roster.h"
#include "etcd/txn.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "member/member.h"
#include "record/signing.h"
#include "trust/wrap.h"

/* Records, or rests, of one transaction; each takes up to two compares. */
#define BATCH 50
/* Members for which the key is wrapped in one turn of the loop: with P-384 each takes up to 5 ms. */
#define WRAPS 2

static void if_mod(const struct agent *agent, struct etcd_txn *txn, const char *path, int64_t rev)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", member_prefix(agent->member), path);

	etcd_txn_if_mod(txn, key, ETCD_EQUAL, rev);
}

static void put(
	const struct agent *agent, struct etcd_txn *txn, const char *path, const char *value)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", member_prefix(agent->member), path);

	etcd_txn_put(txn, ETCD_THEN, key, value, strlen(value), 0);
}

/* ---- fences ---- */

static void compare_own(const struct agent *agent, struct etcd_txn *txn, int64_t record_rev)
{
	CLEANUP(freep) char *path = xasprintf("members/%s", agent->identity->name);

	if_mod(agent, txn, path, record_rev);
}

static bool own_fence(const struct agent *agent, struct etcd_txn *txn)
{
	struct coord_fence fence;

	member_fence(agent->member, &fence);
	compare_own(agent, txn, fence.record_rev);
	keyring_guard(agent->identity, member_prefix(agent->member), txn);
	return fence.may_write;
}

static bool compare_leader(const struct agent *agent, struct etcd_txn *txn)
{
	CLEANUP(freep) char *leader = xasprintf("%sleader", member_prefix(agent->member));
	CLEANUP(freep) char *active = xasprintf("active/%s", agent->identity->name);
	struct coord_fence fence;

	member_fence(agent->member, &fence);
	compare_own(agent, txn, fence.record_rev);
	etcd_txn_if_create(txn, leader, ETCD_EQUAL, fence.leader_rev);
	etcd_txn_if_lease(txn, leader, ETCD_EQUAL, fence.lease);
	if_mod(agent, txn, active, fence.active_rev);
	return fence.acting;
}

bool rekey_lead_fence(const struct agent *agent, struct etcd_txn *txn)
{
	keyring_guard(agent->identity, member_prefix(agent->member), txn);
	return compare_leader(agent, txn);
}

/* ---- wrapping ---- */

/* The key in the bundle that is to be wrapped. */
static int wrap_for(const struct agent *agent, struct etcd_txn *txn, const struct keyring_member *m,
	const char *id, const char *under, const unsigned char key[KDF_KEY_LEN], struct err *err)
{
	const struct bundle *bundle = agent->identity->bundle;
	CLEANUP(freep) char *context = rekey_context(bundle, id, m->record.name);
	CLEANUP(freep) char *path = xasprintf("%s%s/%s", REKEY_WRAPPED, id, m->record.name);
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *value = NULL;
	const struct keyitem *there = keyitems_at(keyring_wraps(agent->keyring), path);
	struct rekey_wrap record = {""};
	int rc = wrap_key(keyring_public(m), context, key, &text, err);

	if (rc < 0)
		return err_wrap(err, rc, "%s", m->record.name);
	snprintf(record.key, sizeof(record.key), "%s", id);
	snprintf(record.receiver, sizeof(record.receiver), "%s", m->record.key);
	snprintf(record.wrapped, sizeof(record.wrapped), "%s", text);
	snprintf(record.under, sizeof(record.under), "%s", under);
	rc = rekey_wrap_encode(&record, path, bundle, &value, err);
	if (rc < 0)
		return rc;
	if_mod(agent, txn, path, there ? there->rev : 0);
	put(agent, txn, path, value);
	return 0;
}

static int step_wrap(const struct agent *agent, const struct rekey_change *change,
	struct etcd_txn *txn, struct err *err)
{
	const struct keyring *kr = agent->keyring;
	const struct keyring_member *m;
	size_t which;
	size_t n = 0;
	int rc = 0;

	if (!signing_find(agent->identity->bundle, change->key, &which))
		return err_set(err, -ENOENT, "the new key is not here");
	list_foreach (m, keyring_members(kr), link) {
		CLEANUP(freep) char *path = NULL;

		if (rc < 0 || n == WRAPS || !keyring_public(m) ||
			keyring_is_wrapped(kr, m, change->key) ||
			keyring_is_held(kr, m, change->key))
			continue;
		path = xasprintf("members/%s", m->record.name);
		if (!text_eq(m->record.name, agent->identity->name))
			if_mod(agent, txn, path, m->rev);
		rc = wrap_for(agent, txn, m, change->key, change->from,
			bundle_key_at(agent->identity->bundle, which), err);
		n++;
	}
	return rc < 0 || n ? rc : err_set(err, -ENOENT, "nobody lacks the key");
}

/* ---- the other steps ---- */

static int step_tell(const struct agent *agent, const struct rekey_change *change,
	struct etcd_txn *txn, struct err *err)
{
	CLEANUP(freep) char *path = xasprintf("%s%s", REKEY_HELD, agent->identity->name);
	CLEANUP(freep) char *value = NULL;
	const struct keyitem *there = keyitems_at(keyring_helds(agent->keyring), path);
	struct rekey_held record = {""};
	int rc;

	snprintf(record.key, sizeof(record.key), "%s", change->key);
	snprintf(record.receiver, sizeof(record.receiver), "%s", agent->identity->key_hash);
	rc = rekey_held_encode(&record, path, agent->identity->bundle, &value, err);
	if (rc < 0)
		return rc;
	if_mod(agent, txn, path, there ? there->rev : 0);
	put(agent, txn, path, value);
	return 0;
}

static int put_change(const struct agent *agent, const struct rekey_change *change,
	struct etcd_txn *txn, struct err *err)
{
	CLEANUP(freep) char *value = NULL;
	int rc = rekey_change_encode(change, agent->identity->bundle, &value, err);

	if (rc == 0)
		put(agent, txn, REKEY_STATE, value);
	return rc;
}

/* A member that has registered since may have neither the key nor a wrapped one. */
static void if_no_newer_member(const struct agent *agent, struct etcd_txn *txn)
{
	CLEANUP(freep) char *members = xasprintf("%smembers/", member_prefix(agent->member));

	etcd_txn_if_unchanged(txn, members, keyring_revision(agent->keyring));
}

static int step_stage(const struct agent *agent, const struct rekey_change *change,
	enum rekey_stage to, struct etcd_txn *txn, struct err *err)
{
	struct rekey_change next = *change;

	next.stage = to;
	if_no_newer_member(agent, txn);
	return put_change(agent, &next, txn, err);
}

static int step_sign(const struct agent *agent, const struct rekey_change *change,
	struct etcd_txn *txn, struct err *err)
{
	const struct keyring_member *m;
	size_t n = 0;
	int rc = 0;

	list_foreach (m, keyring_members(agent->keyring), link) {
		CLEANUP(freep) char *path = NULL;
		CLEANUP(freep) char *value = NULL;
		struct member_record record;

		if (rc < 0 || n == BATCH || text_eq(m->record.under, change->key))
			continue;
		path = xasprintf("members/%s", m->record.name);
		record = m->record;
		if (keyring_public(m))
			snprintf(record.public_key, sizeof(record.public_key), "%s",
				keyring_public(m));
		rc = member_record_encode(&record, agent->identity->bundle, &value, err);
		if (rc < 0)
			continue;
		if (!text_eq(m->record.name, agent->identity->name))
			if_mod(agent, txn, path, m->rev);
		put(agent, txn, path, value);
		n++;
	}
	return rc < 0 || n ? rc : err_set(err, -ENOENT, "every record is under the new key");
}

/* What is wrapped for, or told by, who is no member any more or has come back with another key pair;
 * and former keys for who has the newest. */
static bool is_rest(const struct agent *agent, const struct keyitem *item, const char *newest)
{
	const struct keyring_member *m = keyring_find(agent->keyring, item->name);
	const struct roster_member *there = roster_find(member_roster(agent->member), item->name);

	if (!m)
		return !there || !there->present;
	if (*item->key && !text_eq(item->receiver, m->record.key))
		return true;
	/* of former keys the path tells: what is inside is under a key that is forgotten */
	return keyitems_name(KEYITEM_WRAPPED, item->path) &&
	       strncmp(text_after(item->path, REKEY_WRAPPED), newest, SEAL_KEY_ID_LEN) != 0 &&
	       keyring_is_held(agent->keyring, m, newest);
}

static size_t rests_of(const struct agent *agent, const struct keyitems *items, const char *newest,
	struct etcd_txn *txn, size_t max)
{
	const struct keyitem *item;
	size_t n = 0;

	list_foreach (item, &items->list, link) {
		CLEANUP(freep) char *key = NULL;

		if (!is_rest(agent, item, newest))
			continue;
		if (txn && n == max)
			break;
		n++;
		if (!txn)
			continue;
		key = xasprintf("%s%s", member_prefix(agent->member), item->path);
		etcd_txn_if_mod(txn, key, ETCD_EQUAL, item->rev);
		etcd_txn_delete(txn, ETCD_THEN, key);
	}
	return n;
}

size_t rekey_rests(const struct agent *agent, struct etcd_txn *txn, size_t max)
{
	const struct rekey_change *change = keyring_change(agent->keyring, NULL);
	size_t n;

	if (!change || change->stage != REKEY_DONE)
		return 0;
	n = rests_of(agent, keyring_wraps(agent->keyring), change->key, txn, max);
	return n + rests_of(agent, keyring_helds(agent->keyring), change->key, txn,
			   max > n ? max - n : 0);
}

static int step_sweep(const struct agent *agent, struct etcd_txn *txn, struct err *err)
{
	return rekey_rests(agent, txn, BATCH) ? 0 : err_set(err, -ENOENT, "nothing is left over");
}

/* The state is not what the keyring follows, so the fence is another one. */
static int repair_txn(const struct agent *agent, struct etcd_txn **ret, struct err *err)
{
	const struct rekey_change *change = keyring_remembered(agent->keyring);
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	int64_t rev;
	int rc;

	(void)keyring_change(agent->keyring, &rev);
	if (!change || !compare_leader(agent, txn))
		return err_set(err, -EACCES, "this member may not write that at present");
	if_mod(agent, txn, REKEY_STATE, rev);
	rc = put_change(agent, change, txn, err);
	if (rc == 0)
		*ret = TAKE(txn);
	return rc;
}

int rekey_step_txn(
	const struct agent *agent, enum rekey_step step, struct etcd_txn **ret, struct err *err)
{
	const struct rekey_change *change = keyring_change(agent->keyring, NULL);
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	bool any_member =
		step == REKEY_TELL || (step == REKEY_WRAP && !member_leads(agent->member));
	bool may = any_member ? own_fence(agent, txn) : rekey_lead_fence(agent, txn);
	int rc = -EINVAL;

	if (step == REKEY_REPAIR)
		return repair_txn(agent, ret, err);
	if (!may || !change)
		return err_set(err, -EACCES, "this member may not write that at present");
	switch (step) {
	case REKEY_TELL:
		rc = step_tell(agent, change, txn, err);
		break;
	case REKEY_WRAP:
		rc = step_wrap(agent, change, txn, err);
		break;
	case REKEY_SWITCH:
		rc = step_stage(agent, change, REKEY_RESEAL, txn, err);
		break;
	case REKEY_SIGN:
		rc = step_sign(agent, change, txn, err);
		break;
	case REKEY_FINISH:
		rc = step_stage(agent, change, REKEY_DONE, txn, err);
		break;
	case REKEY_SWEEP:
		rc = step_sweep(agent, txn, err);
		break;
	default:
		break;
	}
	if (rc == 0)
		*ret = TAKE(txn);
	return rc;
}

/* ---- the begin ---- */

static bool first(const struct agent *agent, const struct keyring_member *m)
{
	const struct roster_member *leader = roster_leader_member(member_roster(agent->member));

	return text_eq(m->record.name, agent->identity->name) ||
	       (leader && text_eq(m->record.name, leader->name));
}

static int wrap_first(const struct agent *agent, const struct rekey_change *change,
	const unsigned char key[KDF_KEY_LEN], struct etcd_txn *txn, struct err *err)
{
	size_t n = 0;

	for (int round = 0; round < 2; round++) {
		const struct keyring_member *m;

		list_foreach (m, keyring_members(agent->keyring), link) {
			int rc;

			if (first(agent, m) != (round == 0) || n == WRAPS)
				continue;
			rc = wrap_for(agent, txn, m, change->key, change->from, key, err);
			if (rc < 0)
				return rc;
			n++;
		}
	}
	return 0;
}

/* Who had the new key is gone before it was handed out, and nothing is sealed with it: another one may
 * take its place. */
static bool is_lost(const struct agent *agent, const struct rekey_change *change)
{
	const struct roster *roster = member_roster(agent->member);
	const struct keyring_member *m;

	if (change->stage != REKEY_DISTRIBUTE || keyring_has(agent->keyring, change->key))
		return false;
	list_foreach (m, keyring_members(agent->keyring), link) {
		const struct roster_member *there = roster_find(roster, m->record.name);

		if (keyring_is_wrapped(agent->keyring, m, change->key) && there && there->is_active)
			return false;
	}
	return true;
}

static int check_begin(const struct agent *agent, struct err *err)
{
	const struct rekey_change *change = keyring_change(agent->keyring, NULL);
	const struct keyring_member *m;

	if (keyring_behind(agent->keyring))
		return err_set(err, -EBUSY,
			"this member has not got the newest collective key: look at collective "
			"rekey --status");
	if (change && change->stage != REKEY_DONE && !is_lost(agent, change))
		return err_set(err, -EBUSY,
			"a change of the collective key is under way, begun by %s: look at "
			"collective rekey --status",
			change->by);
	list_foreach (m, keyring_members(agent->keyring), link) {
		if (!keyring_public(m))
			return err_set(err, -ENOKEY,
				"the public key of %s is not known: its agent has not run since it "
				"was upgraded; start it, or remove it with: collective delete %s",
				m->record.name, m->record.name);
	}
	return 0;
}

int rekey_begin_txn(const struct agent *agent, const unsigned char key[KDF_KEY_LEN],
	struct etcd_txn **ret, struct err *err)
{
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	struct rekey_change change = {
		.stage = REKEY_DISTRIBUTE, .at = clock_wall() / USEC_PER_SEC * USEC_PER_SEC};
	int rc = check_begin(agent, err);

	if (rc == 0 && !own_fence(agent, txn))
		rc = err_set(err, -EACCES, "this member may not write at present");
	if (rc == 0)
		rc = seal_key_id(key, change.key, err);
	if (rc == 0)
		rc = seal_key_id(agent->identity->bundle->key, change.from, err);
	if (rc < 0)
		return rc;
	snprintf(change.by, sizeof(change.by), "%s", agent->identity->name);
	if_no_newer_member(agent, txn);
	rc = wrap_first(agent, &change, key, txn, err);
	if (rc == 0)
		rc = put_change(agent, &change, txn, err);
	if (rc == 0)
		*ret = TAKE(txn);
	return rc;
}
