#include "config.h"
#include "write/writer_coat.h"

#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "io/worker.h"
#include "model/plan.h"
#include "trust/hashed.h"
#include "trust/seal.h"

/* What the thread works on; its own until it is done. */
struct hashing {
	char *attribute;
	char *value; /* secret */
	char *hash;
};

struct hash {
	struct list link;
	struct writer_coat *coat;
	struct worker_job *job; /* NULL: done */
	struct hashing *work;	/* freed by the worker when `job` ends */
	char *attribute;
	char *value; /* secret */
	char *text;  /* NULL: failed */
	struct err why;
};

struct writer_coat {
	struct worker *worker;
	const struct identity *identity;
	struct list hashes;
	void (*ready)(void *arg);
	void *arg;
};

struct writer_coat *writer_coat_new(
	struct worker *worker, const struct identity *identity, void (*ready)(void *arg), void *arg)
{
	struct writer_coat *coat = xcalloc(1, sizeof(*coat));

	coat->worker = worker;
	coat->identity = identity;
	list_init(&coat->hashes);
	coat->ready = ready;
	coat->arg = arg;
	return coat;
}

void writer_coat_free(struct writer_coat *coat)
{
	struct hash *hash;

	if (!coat)
		return;
	while ((hash = list_first(&coat->hashes, struct hash, link))) {
		worker_forget(hash->job);
		list_del(&hash->link);
		free(hash->attribute);
		secret_free(hash->value);
		free(hash->text);
		free(hash);
	}
	free(coat);
}

/* ---- hashes ---- */

static int hash_run(void *data, struct err *err)
{
	struct hashing *work = data;

	return hashed_make(work->attribute, work->value, &work->hash, err);
}

static void hash_drop(void *data)
{
	struct hashing *work = data;

	free(work->attribute);
	secret_free(work->value);
	free(work->hash);
	free(work);
}

static void on_hashed(int rc, const char *why, void *arg)
{
	struct hash *hash = arg;
	struct writer_coat *coat = hash->coat;

	hash->job = NULL;
	if (rc < 0)
		err_set(&hash->why, rc, "%s", why);
	else
		hash->text = TAKE(hash->work->hash);
	hash->work = NULL;
	coat->ready(coat->arg);
}

static struct hash *hash_find(
	const struct writer_coat *coat, const char *attribute, const char *value)
{
	struct hash *hash;

	list_foreach (hash, &coat->hashes, link) {
		if (text_eq(hash->attribute, attribute) && text_eq(hash->value, value))
			return hash;
	}
	return NULL;
}

static struct hash *hash_begin(struct writer_coat *coat, const char *attribute, const char *value)
{
	struct hash *hash = xcalloc(1, sizeof(*hash));

	hash->coat = coat;
	hash->attribute = xstrdup(attribute);
	hash->value = xstrdup(value);
	hash->work = xcalloc(1, sizeof(*hash->work));
	hash->work->attribute = xstrdup(attribute);
	hash->work->value = xstrdup(value);
	list_add_tail(&coat->hashes, &hash->link);
	hash->job = worker_submit(coat->worker, hash_run, hash->work, hash_drop, on_hashed, hash);
	return hash;
}

/* "nodes/n1/crypted.rootpassword" -> "crypted.rootpassword" */
static const char *attribute_of(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash ? slash + 1 : key;
}

static int hash_value(
	struct writer_coat *coat, const struct plan_op *op, char **ret, struct err *err)
{
	const char *attribute = attribute_of(op->key);
	struct hash *hash = hash_find(coat, attribute, op->value);

	if (!hash)
		hash = hash_begin(coat, attribute, op->value);
	if (hash->job)
		return -EAGAIN;
	if (!hash->text)
		return err_set(err, -EINVAL, "%s can't be hashed: %s", attribute, hash->why.text);
	*ret = xstrdup(hash->text);
	return 0;
}

/* ---- seals ---- */

static int reseal(struct writer_coat *coat, const struct plan_op *op, char **ret, struct err *err)
{
	const struct bundle *bundle = coat->identity->bundle;
	char *clear;
	size_t len;
	int rc = seal_open(bundle, op->from, op->value, op->len, &clear, &len, err);

	if (rc < 0)
		return err_wrap(err, rc, "the secret at %s", op->from);
	rc = seal_value(bundle, op->key, clear, len, ret, err);
	explicit_bzero(clear, len);
	free(clear);
	return rc < 0 ? err_wrap(err, rc, "the secret at %s", op->key) : 0;
}

int writer_coat_value(
	struct writer_coat *coat, const struct plan_op *op, char **ret, struct err *err)
{
	int rc;

	*ret = NULL;
	switch (op->coat) {
	case PLAN_CLEAR_TEXT:
		return 0;
	case PLAN_HASH:
		return hash_value(coat, op, ret, err);
	case PLAN_RESEAL:
		return reseal(coat, op, ret, err);
	case PLAN_SEAL:
		break;
	}
	rc = seal_value(coat->identity->bundle, op->key, op->value, op->len, ret, err);
	return rc < 0 ? err_wrap(err, rc, "the secret at %s", op->key) : 0;
}

size_t writer_coat_guard(const struct writer_coat *coat, const char *prefix,
	const struct plan_unit *unit, struct etcd_txn *txn)
{
	for (size_t i = 0; i < unit->n_ops; i++) {
		const struct plan_op *op = &unit->ops[i];

		if (op->kind != PLAN_PUT || (op->coat != PLAN_SEAL && op->coat != PLAN_RESEAL))
			continue;
		if (txn)
			keyring_guard(coat->identity, prefix, txn);
		return 1;
	}
	return 0;
}
