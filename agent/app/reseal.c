#include "config.h"
#include "app/reseal.h"

#include <errno.h>
#include <string.h>

#include "app/agent.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "copy/replica.h"
#include "etcd/client.h"
#include "identity/identity.h"
#include "io/loop.h"
#include "member/member.h"
#include "model/attribute.h"
#include "model/db.h"
#include "trust/seal.h"

#define SLICE	    (3 * USEC_PER_MSEC)
#define BATCH	    48			/* values, at most */
#define BATCH_BYTES ((size_t)384 << 10) /* of sealed texts, roughly */

struct value {
	char *key; /* below the prefix */
	char *text;
	int64_t mod;
};

struct reseal {
	struct agent *agent;
	int64_t since;
	reseal_fence_fn *fence;
	reseal_done_fn *done;
	void *arg;
	struct loop_timer *slice;
	struct etcd_call *call;
	/* where the pass is */
	const struct db *db;
	uint64_t listings;
	uint32_t node;
	bool nodes_done;
	uint32_t *groups;
	size_t n_groups, group;
	/* what waits to be written */
	struct value batch[BATCH];
	size_t n, bytes, limit;
	size_t found, shut;
	int64_t revision;
};

static void drop_batch(struct reseal *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->batch[i].key);
		free(r->batch[i].text);
	}
	r->n = r->bytes = 0;
}

void reseal_free(struct reseal *r)
{
	if (!r)
		return;
	etcd_cancel(r->call);
	loop_timer_free(r->slice);
	drop_batch(r);
	free(r->groups);
	free(r);
}

static void finish(struct reseal *r, int rc)
{
	reseal_done_fn *done = r->done;
	int64_t revision = r->revision;
	size_t found = r->found;
	void *arg = r->arg;

	if (rc == 0 && r->shut)
		log_warning("rekey",
			"%zu secrets can't be opened and were left as they are: set them again",
			r->shut);
	reseal_free(r);
	done(rc, found, revision, arg);
}

/* ---- one value ---- */

static int seal_again(const struct reseal *r, const char *key, const struct db_value *value,
	char **ret, struct err *err)
{
	const struct bundle *bundle = r->agent->identity->bundle;
	char *clear;
	size_t len;
	int rc = seal_open(bundle, key, value->text, value->len, &clear, &len, err);

	if (rc < 0)
		return rc;
	rc = seal_value(bundle, key, clear, len, ret, err);
	mem_wipe(clear, len);
	free(clear);
	return rc;
}

static bool is_current(const struct reseal *r, const struct db_value *value)
{
	char current[SEAL_KEY_ID_LEN + 1];
	char id[SEAL_KEY_ID_LEN + 1];

	return !seal_key_of(value->text, value->len, id) ||
	       seal_key_id(r->agent->identity->bundle->key, current, NULL) < 0 ||
	       text_eq(id, current);
}

static bool opens(const struct reseal *r, const char *key, const struct db_value *value)
{
	char *clear;
	size_t len;

	if (seal_open(r->agent->identity->bundle, key, value->text, value->len, &clear, &len,
		    NULL) < 0)
		return false;
	mem_wipe(clear, len);
	free(clear);
	return true;
}

static void look_at(struct reseal *r, const char *key, const struct db_value *value)
{
	struct value *v = &r->batch[r->n];
	struct err err = {""};

	if (value->kind != DB_HIDDEN || value->inherited || is_current(r, value))
		return;
	if (!r->fence || r->n == r->limit) {
		/* or an object with many, whose others are for the next pass */
		r->found += opens(r, key, value);
		return;
	}
	if (seal_again(r, key, value, &v->text, &err) < 0) {
		if (r->shut++ == 0)
			log_warning("rekey", "%s can't be sealed anew: %s", key, err.text);
		return;
	}
	v->key = xstrdup(key);
	v->mod = value->mod_revision;
	r->bytes += strlen(v->text);
	r->found++;
	r->n++;
}

/* ---- one node or group ---- */

struct object {
	struct reseal *reseal;
	uint32_t number;
	bool is_group;
	size_t head; /* bytes of "nodes/NAME/" */
};

static void on_key(const char *key, size_t len, int64_t mod_revision, bool usable, void *arg)
{
	const struct object *object = arg;
	const struct db *db = object->reseal->db;
	const char *name = key + object->head;
	const struct attribute *attribute;
	struct db_value value;
	bool there;

	(void)mod_revision;
	if (!usable || len <= object->head ||
		(!text_starts(name, "secret.") && !text_starts(name, "custom.")))
		return;
	attribute = attribute_find(name);
	if (!attribute || attribute->kind != ATTRIBUTE_SECRET)
		return;
	there = object->is_group ? db_group_own(db, object->number, name, &value)
				 : db_node_own(db, object->number, name, &value);
	if (there)
		look_at(object->reseal, key, &value);
}

static void look_into(struct reseal *r, bool is_group, uint32_t number)
{
	const char *name = is_group ? db_group_name(r->db, number) : db_node_name(r->db, number);
	CLEANUP(freep) char *prefix = xasprintf("%s/%s/", is_group ? "groups" : "nodes", name);
	struct object object = {
		.reseal = r, .number = number, .is_group = is_group, .head = strlen(prefix)};

	db_each_key(r->db, prefix, on_key, &object);
}

/* False behind the last one. */
static bool look_into_next(struct reseal *r)
{
	uint32_t node;

	if (!r->nodes_done && bitset_next(db_nodes(r->db), r->node, &node)) {
		r->node = node + 1;
		look_into(r, false, node);
		return true;
	}
	if (!r->nodes_done) {
		r->nodes_done = true;
		r->n_groups = db_groups_sorted(r->db, &r->groups);
	}
	if (r->group == r->n_groups)
		return false;
	look_into(r, true, r->groups[r->group++]);
	return true;
}

/* ---- the pass ---- */

static void on_committed(const struct etcd_result *result, void *arg)
{
	struct reseal *r = arg;

	r->call = NULL;
	drop_batch(r);
	switch (result->outcome) {
	case ETCD_OK:
		r->revision = MAX(r->revision, result->reply->header.revision);
		break;
	case ETCD_COMPARE_FAILED:
		/* there may be one among them that is changed again and again */
		r->limit = MAX(r->limit / 2, 1);
		break;
	case ETCD_NOT_FOUND:
	case ETCD_REFUSED:
	case ETCD_UNKNOWN:
		log_debug("rekey", "sealing anew: %s", result->text);
		finish(r, -EIO);
		return;
	}
	loop_timer_after(r->slice, 0);
}

static void commit(struct reseal *r)
{
	static const struct etcd_call_options options = {.lane = "rekey"};
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();
	const char *prefix = member_prefix(r->agent->member);

	if (!r->fence(txn, r->arg)) {
		finish(r, -EACCES);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct value *v = &r->batch[i];
		CLEANUP(freep) char *key = xasprintf("%s%s", prefix, v->key);

		etcd_txn_if_mod(txn, key, ETCD_EQUAL, v->mod);
		etcd_txn_put(txn, ETCD_THEN, key, v->text, strlen(v->text), 0);
	}
	r->call = etcd_commit(member_etcd(r->agent->member), txn, &options, on_committed, r);
}

static uint64_t listings(const struct reseal *r)
{
	struct etcd_sync_status sync;

	member_sync_status(r->agent->member, &sync);
	return sync.listings;
}

/* Node numbers mean something within one db only, and the pass proves something only from here on. */
static bool same_copy(struct reseal *r)
{
	const struct replica *replica = member_replica(r->agent->member);
	const struct db *db = replica_db(replica);

	if (!r->db) {
		r->db = db;
		r->listings = listings(r);
	}
	return db && db == r->db && listings(r) == r->listings &&
	       replica_revision(replica) >= r->since;
}

static void on_slice(void *arg)
{
	struct reseal *r = arg;
	usec_t until = usec_add(loop_now(r->agent->loop), SLICE);
	bool more = true;

	if (!same_copy(r)) {
		finish(r, -EAGAIN);
		return;
	}
	while (more && r->n < r->limit && r->bytes < BATCH_BYTES) {
		more = look_into_next(r);
		if (loop_now(r->agent->loop) >= until)
			break;
	}
	if (r->n == r->limit || r->bytes >= BATCH_BYTES || (!more && r->n))
		commit(r);
	else if (more)
		loop_timer_after(r->slice, 0);
	else
		finish(r, 0);
}

struct reseal *reseal_new(
	struct agent *agent, int64_t since, reseal_fence_fn *fence, reseal_done_fn *done, void *arg)
{
	struct reseal *r = xcalloc(1, sizeof(*r));

	r->agent = agent;
	r->since = since;
	r->fence = fence;
	r->done = done;
	r->arg = arg;
	r->limit = BATCH;
	r->slice = loop_timer_new(agent->loop, "reseal", on_slice, r);
	loop_timer_after(r->slice, 0);
	return r;
}
