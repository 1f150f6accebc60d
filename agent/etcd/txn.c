/*
 * The transaction is kept as the JSON it will be sent as, in three parts, so that nothing has to be
 * copied twice. What fails while adding is remembered in `rc` and told by etcd_txn_encode().
 */
#include "config.h"
#include "etcd/txn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "etcd/codec.h"

/* Base64 of the ceiling, and names and braces around each of the entries. */
#define JSON_MAX (ETCD_TXN_BYTES_MAX / 3 * 4 + (size_t)ETCD_TXN_OPS_MAX * 1024)
/* What an entry costs besides its key and value, in etcd's own encoding; rounded up. */
#define ENTRY_BYTES 48

struct part {
	struct buf json;
	size_t n;
};

struct etcd_txn {
	struct part compare;
	struct part branch[2];
	size_t bytes;
	bool writes;
	int rc;
};

static const char *const relations[] = {
	[ETCD_EQUAL] = "EQUAL",
	[ETCD_NOT_EQUAL] = "NOT_EQUAL",
	[ETCD_GREATER] = "GREATER",
	[ETCD_LESS] = "LESS",
};

struct etcd_txn *etcd_txn_new(void)
{
	struct etcd_txn *txn = xcalloc(1, sizeof(*txn));

	buf_init(&txn->compare.json, JSON_MAX);
	buf_init(&txn->branch[ETCD_THEN].json, JSON_MAX);
	buf_init(&txn->branch[ETCD_ELSE].json, JSON_MAX);
	return txn;
}

void etcd_txn_free(struct etcd_txn *txn)
{
	if (!txn)
		return;
	buf_done(&txn->compare.json);
	buf_done(&txn->branch[ETCD_THEN].json);
	buf_done(&txn->branch[ETCD_ELSE].json);
	free(txn);
}

static void note(struct etcd_txn *txn, int rc)
{
	if (rc < 0 && txn->rc == 0)
		txn->rc = rc;
}

/* Counts an entry with so many bytes; false when there is no room or something failed before. */
static bool admit(struct etcd_txn *txn, struct part *part, const char *key, size_t bytes)
{
	size_t room = ETCD_TXN_BYTES_MAX - txn->bytes;
	size_t cost;

	if (!*key)
		note(txn, -EINVAL);
	if (part->n >= ETCD_TXN_OPS_MAX)
		note(txn, -E2BIG);
	if (bytes > room || strlen(key) > room - bytes || ENTRY_BYTES > room - bytes - strlen(key))
		note(txn, -EMSGSIZE);
	if (txn->rc < 0)
		return false;
	cost = bytes + strlen(key) + ENTRY_BYTES;
	txn->bytes += cost;
	part->n++;
	if (part->n > 1)
		note(txn, buf_str(&part->json, ","));
	return txn->rc == 0;
}

static void add_b64(
	struct etcd_txn *txn, struct part *part, const char *name, const void *data, size_t len)
{
	CLEANUP(freep) char *text = b64_encode(data, len);

	note(txn, buf_printf(&part->json, "\"%s\":\"%s\"", name, text));
}

static void add_prefix_end(struct etcd_txn *txn, struct part *part, const char *prefix)
{
	size_t len;
	CLEANUP(freep) char *end = etcd_prefix_end(prefix, strlen(prefix), &len);

	note(txn, buf_str(&part->json, ","));
	add_b64(txn, part, "range_end", end, len);
}

static void compare_number(struct etcd_txn *txn, const char *key, const char *target,
	const char *field, enum etcd_relation relation, int64_t v)
{
	struct part *part = &txn->compare;

	if (!admit(txn, part, key, 0))
		return;
	note(txn, buf_str(&part->json, "{"));
	add_b64(txn, part, "key", key, strlen(key));
	note(txn, buf_printf(&part->json,
			  ",\"target\":\"%s\",\"result\":\"%s\",\"%s\":\"%" PRId64 "\"}", target,
			  relations[relation], field, v));
}

void etcd_txn_if_create(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t revision)
{
	compare_number(txn, key, "CREATE", "create_revision", relation, revision);
}

void etcd_txn_if_mod(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t revision)
{
	compare_number(txn, key, "MOD", "mod_revision", relation, revision);
}

void etcd_txn_if_version(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t version)
{
	compare_number(txn, key, "VERSION", "version", relation, version);
}

void etcd_txn_if_lease(
	struct etcd_txn *txn, const char *key, enum etcd_relation relation, int64_t lease)
{
	compare_number(txn, key, "LEASE", "lease", relation, lease);
}

void etcd_txn_if_value(struct etcd_txn *txn, const char *key, enum etcd_relation relation,
	const void *value, size_t len)
{
	struct part *part = &txn->compare;

	if (!admit(txn, part, key, len))
		return;
	note(txn, buf_str(&part->json, "{"));
	add_b64(txn, part, "key", key, strlen(key));
	note(txn, buf_printf(&part->json, ",\"target\":\"VALUE\",\"result\":\"%s\",",
			  relations[relation]));
	add_b64(txn, part, "value", value, len);
	note(txn, buf_str(&part->json, "}"));
}

/* A compare of a range must hold for each key in it; an empty range counts as one key that does not
 * exist. */
static void compare_prefix(struct etcd_txn *txn, const char *prefix, const char *target,
	const char *field, enum etcd_relation relation, int64_t v)
{
	struct part *part = &txn->compare;

	if (!admit(txn, part, prefix, strlen(prefix)))
		return;
	note(txn, buf_str(&part->json, "{"));
	add_b64(txn, part, "key", prefix, strlen(prefix));
	add_prefix_end(txn, part, prefix);
	note(txn, buf_printf(&part->json,
			  ",\"target\":\"%s\",\"result\":\"%s\",\"%s\":\"%" PRId64 "\"}", target,
			  relations[relation], field, v));
}

void etcd_txn_if_empty(struct etcd_txn *txn, const char *prefix)
{
	compare_prefix(txn, prefix, "CREATE", "create_revision", ETCD_EQUAL, 0);
}

void etcd_txn_if_unchanged(struct etcd_txn *txn, const char *prefix, int64_t revision)
{
	compare_prefix(txn, prefix, "MOD", "mod_revision", ETCD_LESS, revision + 1);
}

void etcd_txn_if_all_mod(struct etcd_txn *txn, const char *prefix, int64_t revision)
{
	compare_prefix(txn, prefix, "MOD", "mod_revision", ETCD_EQUAL, revision);
}

void etcd_txn_put(struct etcd_txn *txn, enum etcd_branch branch, const char *key, const void *value,
	size_t len, int64_t lease)
{
	struct part *part = &txn->branch[branch];

	if (!admit(txn, part, key, len))
		return;
	txn->writes = true;
	note(txn, buf_str(&part->json, "{\"request_put\":{"));
	add_b64(txn, part, "key", key, strlen(key));
	note(txn, buf_str(&part->json, ","));
	add_b64(txn, part, "value", value, len);
	if (lease)
		note(txn, buf_printf(&part->json, ",\"lease\":\"%" PRId64 "\"", lease));
	note(txn, buf_str(&part->json, "}}"));
}

/* more: what else there is to say, as JSON; NULL: nothing. */
static void add_range(struct etcd_txn *txn, enum etcd_branch branch, const char *request,
	const char *key, bool prefix, const char *more)
{
	struct part *part = &txn->branch[branch];

	if (!admit(txn, part, key, prefix ? strlen(key) : 0))
		return;
	note(txn, buf_printf(&part->json, "{\"%s\":{", request));
	add_b64(txn, part, "key", key, strlen(key));
	if (prefix)
		add_prefix_end(txn, part, key);
	if (more)
		note(txn, buf_str(&part->json, more));
	note(txn, buf_str(&part->json, "}}"));
}

void etcd_txn_delete(struct etcd_txn *txn, enum etcd_branch branch, const char *key)
{
	txn->writes = true;
	add_range(txn, branch, "request_delete_range", key, false, NULL);
}

void etcd_txn_delete_prefix(struct etcd_txn *txn, enum etcd_branch branch, const char *prefix)
{
	txn->writes = true;
	add_range(txn, branch, "request_delete_range", prefix, true, NULL);
}

void etcd_txn_get(struct etcd_txn *txn, enum etcd_branch branch, const char *key)
{
	add_range(txn, branch, "request_range", key, false, NULL);
}

void etcd_txn_get_prefix(
	struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t limit)
{
	char more[64];

	snprintf(more, sizeof(more), ",\"limit\":\"%" PRId64 "\"", limit);
	add_range(txn, branch, "request_range", prefix, true, limit ? more : NULL);
}

void etcd_txn_count(
	struct etcd_txn *txn, enum etcd_branch branch, const char *prefix, int64_t revision)
{
	char more[64];

	/* a revision of 0 is left out: etcd takes it for the newest */
	snprintf(more, sizeof(more), ",\"count_only\":true,\"revision\":\"%" PRId64 "\"", revision);
	add_range(txn, branch, "request_range", prefix, true,
		revision ? more : ",\"count_only\":true");
}

bool etcd_txn_fits(const struct etcd_txn *txn, size_t compares, size_t ops, size_t bytes)
{
	size_t most = MAX(txn->branch[ETCD_THEN].n, txn->branch[ETCD_ELSE].n);
	size_t room = ETCD_TXN_BYTES_MAX - txn->bytes;

	if (txn->rc < 0 || compares > ETCD_TXN_OPS_MAX || ops > ETCD_TXN_OPS_MAX)
		return false;
	return txn->compare.n + compares <= ETCD_TXN_OPS_MAX && most + ops <= ETCD_TXN_OPS_MAX &&
	       (compares + ops) * ENTRY_BYTES <= room &&
	       bytes <= room - (compares + ops) * ENTRY_BYTES;
}

bool etcd_txn_writes(const struct etcd_txn *txn)
{
	return txn->writes;
}

int etcd_txn_encode(const struct etcd_txn *txn, struct buf *b, struct err *err)
{
	if (txn->rc == -EINVAL)
		return err_set(err, txn->rc, "a transaction names an empty key");
	if (txn->rc == -E2BIG)
		return err_set(err, txn->rc,
			"a transaction has more than %d compares or operations", ETCD_TXN_OPS_MAX);
	if (txn->rc < 0)
		return err_set(
			err, txn->rc, "a transaction has more than %zu bytes", ETCD_TXN_BYTES_MAX);
	if (buf_printf(b, "{\"compare\":[%s],\"success\":[%s],\"failure\":[%s]}",
		    buf_cstr(&txn->compare.json), buf_cstr(&txn->branch[ETCD_THEN].json),
		    buf_cstr(&txn->branch[ETCD_ELSE].json)) < 0)
		return err_set(err, -EMSGSIZE, "a transaction does not fit its buffer");
	return 0;
}
