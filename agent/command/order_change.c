#include "config.h"
#include "command/order_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/agent.h"
#include "base/log.h"
#include "base/mem.h"
#include "identity/identity.h"
#include "io/clock.h"
#include "member/member.h"
#include "member/registry.h"
#include "record/view.h"
#include "write/change.h"

#define CHANGE_TIMEOUT (8 * USEC_PER_SEC)

struct order_change {
	struct agent *agent;
	struct change *change;
	char *path, *value; /* value NULL: delete */
	char *exists, *missing;
	struct history_entry entry;
	char *own_key, *order_key, *entry_key;
	int64_t rev; /* of the key that is replaced; -1: not read yet */
	order_change_fn *done;
	void *arg;
};

void order_change_free(struct order_change *oc)
{
	if (!oc)
		return;
	change_free(oc->change);
	history_entry_done(&oc->entry);
	free(oc->path);
	free(oc->value);
	free(oc->exists);
	free(oc->missing);
	free(oc->own_key);
	free(oc->order_key);
	free(oc->entry_key);
	free(oc);
}

/* The first one compares with what no key ever has: it only reads. */
static struct etcd_txn *build(void *arg)
{
	struct order_change *oc = arg;
	struct etcd_txn *txn = etcd_txn_new();
	struct coord_fence fence;

	member_fence(oc->agent->member, &fence);
	etcd_txn_if_mod(txn, oc->own_key, ETCD_EQUAL, fence.record_rev);
	etcd_txn_if_mod(txn, oc->order_key, ETCD_EQUAL, oc->rev);
	etcd_txn_if_create(txn, oc->entry_key, ETCD_EQUAL, 0);
	if (oc->value)
		etcd_txn_put(txn, ETCD_THEN, oc->order_key, oc->value, strlen(oc->value), 0);
	else
		etcd_txn_delete(txn, ETCD_THEN, oc->order_key);
	history_put(txn, member_prefix(oc->agent->member), &oc->entry);
	etcd_txn_get(txn, ETCD_ELSE, oc->own_key);
	etcd_txn_get(txn, ETCD_ELSE, oc->order_key);
	etcd_txn_get(txn, ETCD_ELSE, oc->entry_key);
	return txn;
}

static int already(const struct order_change *oc, const struct etcd_kv *kv, struct err *err)
{
	CLEANUP(freep) char *text = NULL;
	struct order there;

	if (order_decode(&there, oc->path, kv, NULL) < 0)
		text = xstrdup("by hand, it can't be read");
	else
		text = order_text(&there);
	if (!*text)
		return err_set(err, -EEXIST, "%s", oc->exists);
	return err_set(err, -EEXIST, "%s (%s)", oc->exists, text);
}

static int verdict(const struct etcd_reply *reply, struct err *err, void *arg)
{
	struct order_change *oc = arg;
	const struct identity *id = oc->agent->identity;
	const struct etcd_kv *kv[3];
	struct view_member own;

	if (reply->n_ops != 3)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	for (size_t i = 0; i < 3; i++)
		kv[i] = reply->ops[i].n_kvs ? reply->ops[i].kvs : NULL;
	if (kv[2])
		return 0;
	view_member(&own, id->name, kv[0], id->bundle, id->key_hash);
	if (!own.unreadable && (!own.info.valid || !own.info.mine))
		return err_set(err, -EKEYREVOKED,
			"%s is no member of the collective any more, redo invitation process",
			id->name);
	if (oc->value && kv[1] && oc->exists)
		return already(oc, kv[1], err);
	if (!oc->value && !kv[1])
		return err_set(err, -ENOENT, "%s", oc->missing);
	oc->rev = kv[1] ? kv[1]->mod_revision : 0;
	return 1;
}

static void log_change(const struct history_entry *e)
{
	log_info("orders", "%s%s%s, by %s%s%s", history_kind_name(e->kind), *e->member ? " " : "",
		e->member, e->actor, e->reason ? ": " : "", e->reason ? e->reason : "");
}

static void on_change(int rc, const char *why, int64_t revision, void *arg)
{
	struct order_change *oc = arg;
	order_change_fn *done = oc->done;
	void *done_arg = oc->arg;
	struct err text = {""};

	oc->change = NULL;
	if (rc < 0)
		err_set(&text, rc, "%s", why);
	if (rc == 0) {
		log_change(&oc->entry);
		member_expect(oc->agent->member, revision);
	}
	order_change_free(oc);
	done(rc, text.text, revision, done_arg);
}

static const struct change_ops ops = {.build = build, .verdict = verdict, .done = on_change};

static void fill_entry(struct order_change *oc, const struct order_what *what)
{
	struct history_entry *e = &oc->entry;
	const char *name = oc->agent->identity->name;

	e->kind = what->kind;
	e->at = clock_wall();
	snprintf(e->by, sizeof(e->by), "%s", name);
	snprintf(e->actor, sizeof(e->actor), "%s", what->actor);
	snprintf(e->member, sizeof(e->member), "%s", what->member ? what->member : "");
	e->reason = xstrdup_null(what->reason);
	history_make_key(e->key, e->at, name);
}

int order_change_new(struct order_change **ret, struct agent *agent, const struct order_what *what,
	order_change_fn *done, void *arg, struct err *err)
{
	const char *prefix = member_prefix(agent->member);
	struct order_change *oc;
	struct coord_fence fence;

	member_fence(agent->member, &fence);
	if (!member_quorum(agent->member))
		return registry_no_quorum(err);
	if (!fence.may_write)
		return err_set(err, -EACCES, "%s",
			fence.why_not ? fence.why_not : "this member may not write");
	oc = xcalloc(1, sizeof(*oc));
	oc->agent = agent;
	oc->path = xstrdup(what->path);
	oc->value = what->order ? order_encode(what->order) : NULL;
	oc->exists = xstrdup_null(what->exists);
	oc->missing = xstrdup(what->missing ? what->missing : "there is none");
	fill_entry(oc, what);
	oc->own_key = xasprintf("%smembers/%s", prefix, agent->identity->name);
	oc->order_key = xasprintf("%s%s", prefix, what->path);
	oc->entry_key = xasprintf("%s%s", prefix, oc->entry.key);
	oc->rev = -1;
	oc->done = done;
	oc->arg = arg;
	oc->change = change_new(agent->loop, member_etcd(agent->member), CHANGE_TIMEOUT, &ops, oc);
	*ret = oc;
	return 0;
}
