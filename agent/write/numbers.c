#include "config.h"
#include "write/numbers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/usec.h"
#include "etcd/client.h"
#include "etcd/txn.h"
#include "model/db.h"
#include "write/change.h"

#define TIMEOUT (8 * USEC_PER_SEC)

struct numbers {
	struct change *change;
	char *key, *record_key;
	int64_t record_rev;
	int64_t mod;   /* of the key, -1: not read yet */
	int64_t first; /* what is tried for */
	int64_t start; /* where the key says nothing */
	int64_t count;
	int64_t above;
	numbers_done_fn *done;
	void *arg;
};

static bool parse(const char *text, int64_t *ret)
{
	return num_i64(text, ret) == 0 && *ret >= 1 && *ret <= NUMBERS_MAX;
}

/* One look at each node, for a collective that has no such key yet. */
static int64_t behind_the_highest(const struct db *db)
{
	const struct bitset *nodes = db ? db_nodes(db) : NULL;
	int64_t highest = 0;
	uint32_t node;

	if (!nodes)
		return 1;
	bitset_foreach(node, nodes)
	{
		struct db_value value;
		int64_t number;

		if (db_node_own(db, node, "id.index", &value) && value.kind == DB_PLAIN &&
			parse(value.text, &number))
			highest = MAX(highest, number);
	}
	return highest + 1;
}

static struct etcd_txn *build(void *arg)
{
	struct numbers *n = arg;
	struct etcd_txn *txn = etcd_txn_new();
	char next[32];

	snprintf(next, sizeof(next), "%" PRId64, n->first + n->count);
	etcd_txn_if_mod(txn, n->record_key, ETCD_EQUAL, n->record_rev);
	etcd_txn_if_mod(txn, n->key, ETCD_EQUAL, n->mod);
	etcd_txn_put(txn, ETCD_THEN, n->key, next, strlen(next), 0);
	etcd_txn_get(txn, ETCD_ELSE, n->record_key);
	etcd_txn_get(txn, ETCD_ELSE, n->key);
	return txn;
}

static int verdict(const struct etcd_reply *reply, struct err *err, void *arg)
{
	struct numbers *n = arg;
	const struct etcd_kv *record, *kv;

	if (reply->n_ops != 2)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	record = reply->ops[0].n_kvs ? reply->ops[0].kvs : NULL;
	kv = reply->ops[1].n_kvs ? reply->ops[1].kvs : NULL;
	if (!record || record->mod_revision != n->record_rev)
		return err_set(err, -EAGAIN,
			"this member's record in the registry has changed meanwhile: try again");
	n->mod = kv ? kv->mod_revision : 0;
	if (!kv || strlen(kv->value) != kv->value_len || !parse(kv->value, &n->first))
		n->first = n->start;
	n->first = MAX(n->first, n->above + 1);
	if (n->first > NUMBERS_MAX - n->count)
		return err_set(err, -ERANGE,
			"%s says %" PRId64 ": no more numbers for nodes are left; put a smaller "
			"one there that no id.index has",
			n->key, n->first);
	return 1;
}

static void on_done(int rc, const char *why, int64_t revision, void *arg)
{
	struct numbers *n = arg;
	numbers_done_fn *done = n->done;
	void *done_arg = n->arg;
	int64_t first = n->first;

	(void)revision;
	n->change = NULL;
	numbers_cancel(n);
	done(rc, why, first, done_arg);
}

static const struct change_ops ops = {.build = build, .verdict = verdict, .done = on_done};

struct numbers *numbers_reserve(
	const struct numbers_request *request, numbers_done_fn *done, void *arg)
{
	struct numbers *n = xcalloc(1, sizeof(*n));

	n->key = xasprintf("%snodeindex", request->prefix);
	n->record_key = xstrdup(request->record_key);
	n->record_rev = request->record_rev;
	n->start = behind_the_highest(request->db);
	/* What no key ever has: the first attempt only reads. */
	n->mod = -1;
	n->first = n->start;
	n->count = (int64_t)request->count;
	n->above = request->above;
	n->done = done;
	n->arg = arg;
	n->change = change_new(request->loop, request->etcd, TIMEOUT, &ops, n);
	return n;
}

void numbers_cancel(struct numbers *n)
{
	if (!n)
		return;
	change_free(n->change);
	free(n->key);
	free(n->record_key);
	free(n);
}
