#include "config.h"
#include "app/rekey_begin.h"

#include <errno.h>
#include <string.h>

#include "app/agent.h"
#include "app/rekey_steps.h"
#include "base/mem.h"
#include "base/text.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/clock.h"
#include "member/member.h"
#include "trust/seal.h"
#include "write/change.h"

#define BEGIN_TIMEOUT (8 * USEC_PER_SEC)

struct rekey_begin {
	struct agent *agent;
	struct change *change;
	unsigned char key[KDF_KEY_LEN];
	char id[SEAL_KEY_ID_LEN + 1];
	char *state_key;
	int rc; /* of putting the transaction together */
	struct err why;
	rekey_begin_fn *done;
	void *arg;
};

void rekey_begin_free(struct rekey_begin *b)
{
	if (!b)
		return;
	change_free(b->change);
	mem_wipe(b->key, sizeof(b->key));
	free(b->state_key);
	free(b);
}

/* Where it can't be put together: one that is never applied, and whose verdict says why. */
static struct etcd_txn *build(void *arg)
{
	struct rekey_begin *b = arg;
	struct etcd_txn *txn;

	b->rc = rekey_begin_txn(b->agent, b->key, &txn, &b->why);
	if (b->rc < 0) {
		txn = etcd_txn_new();
		etcd_txn_if_mod(txn, b->state_key, ETCD_EQUAL, -1);
	}
	etcd_txn_get(txn, ETCD_ELSE, b->state_key);
	return txn;
}

static int verdict(const struct etcd_reply *reply, struct err *err, void *arg)
{
	struct rekey_begin *b = arg;
	const struct bundle *bundle = b->agent->identity->bundle;
	struct rekey_change there;
	const struct etcd_kv *kv;

	if (reply->n_ops != 1)
		return err_set(err, -EPROTO, "etcd's answer is not understood");
	kv = reply->ops[0].n_kvs ? reply->ops[0].kvs : NULL;
	if (kv && rekey_change_decode(&there, kv->value, kv->value_len, bundle, NULL) == 0 &&
		text_eq(there.key, b->id))
		return 0;
	return b->rc < 0 ? err_set(err, b->rc, "%s", b->why.text) : 1;
}

static void on_change(int rc, const char *why, int64_t revision, void *arg)
{
	struct rekey_begin *b = arg;
	rekey_begin_fn *done = b->done;
	void *done_arg = b->arg;
	char id[SEAL_KEY_ID_LEN + 1];
	struct err text = {""};

	(void)revision;
	b->change = NULL;
	memcpy(id, b->id, sizeof(id));
	if (rc < 0)
		err_set(&text, rc, "%s", why);
	rekey_begin_free(b);
	done(rc, text.text, id, done_arg);
}

static const struct change_ops ops = {.build = build, .verdict = verdict, .done = on_change};

/* Ids are short, so two keys could have the same. */
static bool is_taken(const struct keyring *kr, const char *id)
{
	const struct keyitem *item;

	list_foreach (item, &keyring_wraps(kr)->list, link) {
		if (text_eq(item->key, id))
			return true;
	}
	return keyring_has(kr, id);
}

struct rekey_begin *rekey_begin_new(struct agent *agent, rekey_begin_fn *done, void *arg)
{
	struct rekey_begin *b = xcalloc(1, sizeof(*b));

	b->agent = agent;
	b->state_key = xasprintf("%s%s", member_prefix(agent->member), REKEY_STATE);
	b->done = done;
	b->arg = arg;
	do {
		random_bytes(b->key, sizeof(b->key));
		if (seal_key_id(b->key, b->id, NULL) < 0)
			break; /* it fails again, and is told, when the key is used */
	} while (is_taken(agent->keyring, b->id));
	b->change = change_new(agent->loop, member_etcd(agent->member), BEGIN_TIMEOUT, &ops, b);
	return b;
}
