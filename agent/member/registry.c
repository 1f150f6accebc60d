#include "config.h"
#include "member/registry.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/loop.h"
#include "member/member.h"
#include "record/view.h"
#include "write/change.h"

#define REGISTRY_TIMEOUT (8 * USEC_PER_SEC)

struct registry_job {
	struct loop *loop;
	struct member *member;
	const struct identity *identity;
	struct change *change;
	struct loop_defer *early; /* an end before anything was asked of etcd */
	registry_done_fn *done;
	void *arg;
	struct member_record record; /* what to write; only the name for a delete */
	char *value;		     /* JSON of record, NULL: delete */
	bool only_if_there;
	bool sent; /* an earlier attempt may have deleted it */
	int64_t record_rev;
	int64_t active_rev;
	char *own_key, *record_key, *active_key;
	int early_rc;
	struct err early_why;
};

int registry_still_active(struct err *err, const char *name)
{
	return err_set(
		err, -EBUSY, "%s is still active, stop the confluent service to remove it", name);
}

int registry_unknown(struct err *err, const char *name)
{
	char shown[TEXT_PRINTABLE_MAX];

	return err_set(err, -ENOENT, "%s is not a recognized collective member",
		text_printable(name, strlen(name), shown));
}

int registry_no_quorum(struct err *err)
{
	return err_set(err, -EHOSTDOWN, "Collective does not have quorum");
}

int registry_room(const struct roster *roster, const char *name, struct err *err)
{
	if (!roster_full(roster, name))
		return 0;
	return err_set(err, -ENOSPC,
		"the collective has %d members, and may have no more: delete those that are not "
		"used (collective delete)",
		ROSTER_MEMBERS_MAX);
}

void registry_cancel(struct registry_job *job)
{
	if (!job)
		return;
	change_free(job->change);
	loop_defer_free(job->early);
	free(job->value);
	free(job->own_key);
	free(job->record_key);
	free(job->active_key);
	free(job);
}

static void finish(struct registry_job *job, int rc, const char *why, int64_t revision)
{
	registry_done_fn *done = job->done;
	void *arg = job->arg;
	struct err text = {""};

	if (rc < 0)
		err_set(&text, rc, "%s", why);
	registry_cancel(job);
	done(rc, text.text, revision, arg);
}

static void on_change(int rc, const char *why, int64_t revision, void *arg)
{
	struct registry_job *job = arg;

	job->change = NULL;
	finish(job, rc, why, revision);
}

static void on_early(void *arg)
{
	struct registry_job *job = arg;

	finish(job, job->early_rc, job->early_why.text, 0);
}

/* The collective key may have been changed since the last attempt. */
static void encode_again(struct registry_job *job)
{
	char *value;

	if (member_record_encode(&job->record, job->identity->bundle, &value, NULL) < 0)
		return;
	free(job->value);
	job->value = value;
}

static struct etcd_txn *build(void *arg)
{
	struct registry_job *job = arg;
	struct etcd_txn *txn = etcd_txn_new();
	struct coord_fence fence;

	member_fence(job->member, &fence);
	etcd_txn_if_mod(txn, job->own_key, ETCD_EQUAL, fence.record_rev);
	if (!text_eq(job->own_key, job->record_key))
		etcd_txn_if_mod(txn, job->record_key, ETCD_EQUAL, job->record_rev);
	etcd_txn_if_mod(txn, job->active_key, ETCD_EQUAL, job->active_rev);
	if (job->value) {
		keyring_guard(job->identity, member_prefix(job->member), txn);
		encode_again(job);
	}
	if (job->value)
		etcd_txn_put(txn, ETCD_THEN, job->record_key, job->value, strlen(job->value), 0);
	else
		etcd_txn_delete(txn, ETCD_THEN, job->record_key);
	etcd_txn_get(txn, ETCD_ELSE, job->own_key);
	etcd_txn_get(txn, ETCD_ELSE, job->record_key);
	etcd_txn_get(txn, ETCD_ELSE, job->active_key);
	return txn;
}

/* Somebody is active under the name, with a key that is not the one of the record to be written. */
static bool taken(const struct registry_job *job, const struct view_member *there,
	const struct view_active *active)
{
	if (!active->info.present || !active->info.lease)
		return false;
	return !job->value || !there->info.valid || !text_eq(there->record.key, job->record.key);
}

static bool same(const struct member_record *a, const struct member_record *b)
{
	return text_eq(a->key, b->key) && a->nonvoting == b->nonvoting &&
	       text_eq(a->address, b->address) && a->port == b->port;
}

/* Judges what is there now; 1: go on and write. */
static int judge(struct registry_job *job, const struct view_member *there,
	const struct view_active *active, struct err *err)
{
	if (taken(job, there, active))
		return registry_still_active(err, job->record.name);
	if (!job->value && !there->info.present)
		return job->sent ? 0 : registry_unknown(err, job->record.name);
	if (job->value && there->info.valid && same(&there->record, &job->record))
		return 0;
	if (job->only_if_there &&
		(!there->info.valid || !text_eq(there->record.key, job->record.key)))
		return err_set(err, -ENOENT,
			"%s was deleted from the collective after this invitation was used: make a "
			"new one with: collective invite %s",
			job->record.name, job->record.name);
	/* a later invitation may have given it another role */
	if (job->only_if_there)
		return 0;
	job->record_rev = there->info.mod_rev;
	job->active_rev = active->info.mod_rev;
	job->sent = true;
	return 1;
}

static int verdict(const struct etcd_reply *reply, struct err *err, void *arg)
{
	struct registry_job *job = arg;
	const struct identity *id = job->identity;
	const struct etcd_kv *kv[3];
	struct view_member own, there;
	struct view_active active;

	if (reply->n_ops != 3)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	for (size_t i = 0; i < 3; i++)
		kv[i] = reply->ops[i].n_kvs ? reply->ops[i].kvs : NULL;
	view_member(&own, id->name, kv[0], id->bundle, id->key_hash);
	view_member(&there, job->record.name, kv[1], id->bundle, id->key_hash);
	view_active(&active, kv[2]);
	if (!own.info.valid || !own.info.mine)
		return err_set(err, -EKEYREVOKED,
			"%s is no member of the collective any more, redo invitation process",
			id->name);
	return judge(job, &there, &active, err);
}

static const struct change_ops ops = {.build = build, .verdict = verdict, .done = on_change};

static struct registry_job *job_new(struct loop *loop, struct member *member,
	const struct identity *identity, const char *name, registry_done_fn *done, void *arg)
{
	struct registry_job *job = xcalloc(1, sizeof(*job));
	const char *prefix = member_prefix(member);

	job->loop = loop;
	job->member = member;
	job->identity = identity;
	job->done = done;
	job->arg = arg;
	job->own_key = xasprintf("%smembers/%s", prefix, identity->name);
	job->record_key = xasprintf("%smembers/%s", prefix, name);
	job->active_key = xasprintf("%sactive/%s", prefix, name);
	memcpy(job->record.name, name, strlen(name) + 1);
	/* The first attempt compares with what no key ever has, so it writes nothing and reads: the
	 * facts that the write is based on come from etcd, not from the local view. */
	job->record_rev = -1;
	return job;
}

static struct registry_job *start(struct registry_job *job)
{
	struct coord_fence fence;

	member_fence(job->member, &fence);
	if (job->early_rc == 0 && !member_quorum(job->member))
		job->early_rc = registry_no_quorum(&job->early_why);
	if (job->early_rc == 0 && !fence.may_write)
		job->early_rc = err_set(&job->early_why, -EACCES, "%s",
			fence.why_not ? fence.why_not : "this member may not write");
	if (job->early_rc == 0 && job->value)
		job->early_rc = registry_room(
			member_roster(job->member), job->record.name, &job->early_why);
	if (job->early_rc < 0) {
		job->early = loop_defer_new(job->loop, on_early, job);
		loop_defer_schedule(job->early);
	} else {
		job->change = change_new(
			job->loop, member_etcd(job->member), REGISTRY_TIMEOUT, &ops, job);
	}
	return job;
}

struct registry_job *registry_admit(struct loop *loop, struct member *member,
	const struct identity *identity, const struct member_record *record, bool only_if_there,
	registry_done_fn *done, void *arg)
{
	struct registry_job *job = job_new(loop, member, identity, record->name, done, arg);

	job->record = *record;
	job->only_if_there = only_if_there;
	memcpy(job->record.invited_by, identity->name, strlen(identity->name) + 1);
	job->early_rc =
		member_record_encode(&job->record, identity->bundle, &job->value, &job->early_why);
	return start(job);
}

struct registry_job *registry_delete(struct loop *loop, struct member *member,
	const struct identity *identity, const char *name, registry_done_fn *done, void *arg)
{
	return start(job_new(loop, member, identity, name, done, arg));
}
