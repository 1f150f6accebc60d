#include "config.h"
#include "tests/unit/test_etcd_kv.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/json.h"

static char no_value[] = "";
static const struct kv_key nothing = {.value = no_value};

static struct kv_key *find(struct kv *kv, const char *key)
{
	for (size_t i = 0; i < kv->n; i++) {
		if (text_eq(kv->keys[i].key, key))
			return &kv->keys[i];
	}
	return NULL;
}

const struct kv_key *kv_get(const struct kv *kv, const char *key)
{
	for (size_t i = 0; i < kv->n; i++) {
		if (kv->keys[i].mod && text_eq(kv->keys[i].key, key))
			return &kv->keys[i];
	}
	return &nothing;
}

static void put_at(struct kv *kv, const char *key, const char *value, int64_t revision)
{
	struct kv_key *k = find(kv, key);

	if (!k) {
		ck_assert_uint_lt(kv->n, KV_KEYS_MAX);
		k = &kv->keys[kv->n++];
		*k = (struct kv_key){.key = xstrdup(key)};
	}
	free(k->value);
	k->value = xstrdup(value);
	if (!k->mod)
		k->create = revision;
	k->mod = revision;
	kv->puts += strstr(key, "/nodes/") != NULL;
}

int64_t kv_put(struct kv *kv, const char *key, const char *value)
{
	put_at(kv, key, value, ++kv->fake.revision);
	return kv->fake.revision;
}

void kv_delete(struct kv *kv, const char *key)
{
	struct kv_key *k = find(kv, key);

	kv->fake.revision++;
	if (k)
		k->mod = k->create = 0;
}

void kv_fault(struct kv *kv, enum kv_fault fault)
{
	ck_assert_uint_lt(kv->n_faults, KV_FAULTS_MAX);
	kv->faults[kv->n_faults++] = fault;
}

/* ---- the gateway's JSON ---- */

static char *bytes(const json *object, const char *name)
{
	struct buf b = BUF_INIT(1 << 20);

	if (!json_get(object, name))
		return NULL;
	ck_assert_int_eq(json_b64(object, name, &b, NULL), 0);
	return b.data ? buf_take(&b) : xstrdup("");
}

static bool within(const char *key, const char *from, const char *end)
{
	return end ? strcmp(key, from) >= 0 && strcmp(key, end) < 0 : text_eq(key, from);
}

static bool number_holds(const json *compare, const struct kv_key *k)
{
	const char *result;
	int64_t has, wanted;

	ck_assert_int_eq(json_str(compare, "result", &result, NULL), 0);
	if (json_get(compare, "mod_revision")) {
		ck_assert_int_eq(json_i64(compare, "mod_revision", &wanted, NULL), 0);
		has = k->mod;
	} else if (json_get(compare, "lease")) {
		ck_assert_int_eq(json_i64(compare, "lease", &wanted, NULL), 0);
		has = k->lease;
	} else {
		ck_assert_int_eq(json_i64(compare, "create_revision", &wanted, NULL), 0);
		has = k->create;
	}
	if (text_eq(result, "EQUAL"))
		return has == wanted;
	if (text_eq(result, "LESS"))
		return has < wanted;
	ck_assert_str_eq(result, "GREATER");
	return has > wanted;
}

static bool compare_holds(struct kv *kv, const json *compare)
{
	CLEANUP(freep) char *key = bytes(compare, "key");
	CLEANUP(freep) char *end = bytes(compare, "range_end");
	bool any = false;

	for (size_t i = 0; i < kv->n; i++) {
		if (!kv->keys[i].mod || !within(kv->keys[i].key, key, end))
			continue;
		any = true;
		if (!number_holds(compare, &kv->keys[i]))
			return false;
	}
	return any || number_holds(compare, &nothing);
}

static void add_kv(struct buf *b, const struct kv_key *k)
{
	CLEANUP(freep) char *key = b64_encode(k->key, strlen(k->key));
	CLEANUP(freep) char *value = b64_encode(k->value, strlen(k->value));

	ck_assert_int_eq(buf_printf(b,
				 "\"kvs\":[{\"key\":\"%s\",\"value\":\"%s\",\"create_revision\":"
				 "\"%" PRId64 "\",\"mod_revision\":\"%" PRId64
				 "\",\"version\":\"1\"}],\"count\":\"1\"",
				 key, value, k->create, k->mod),
		0);
}

static void apply_op(struct kv *kv, const json *op, int64_t revision, struct buf *out)
{
	const json *what = json_first(op);
	CLEANUP(freep) char *key = bytes(what, "key");
	CLEANUP(freep) char *end = bytes(what, "range_end");
	CLEANUP(freep) char *value = bytes(what, "value");

	if (json_get(op, "request_range")) {
		ck_assert_int_eq(buf_str(out, "{\"response_range\":{"), 0);
		if (kv_get(kv, key)->mod)
			add_kv(out, kv_get(kv, key));
		ck_assert_int_eq(buf_str(out, "}}"), 0);
	} else if (json_get(op, "request_put")) {
		put_at(kv, key, value ? value : "", revision);
		ck_assert_int_eq(buf_str(out, "{\"response_put\":{}}"), 0);
	} else {
		for (size_t i = 0; i < kv->n; i++) {
			if (within(kv->keys[i].key, key, end))
				kv->keys[i].mod = kv->keys[i].create = 0;
		}
		ck_assert_int_eq(buf_str(out, "{\"response_delete_range\":{}}"), 0);
	}
}

/* Appends the answer; true: the compares held. */
static bool apply(struct kv *kv, const char *body, struct buf *out)
{
	CLEANUP(json_freep) json *root = NULL;
	struct buf ops = BUF_INIT(1 << 20);
	const json *it;
	bool held = true;
	int64_t revision;

	ck_assert_int_eq(json_parse(body, strlen(body), &root, NULL), 0);
	json_foreach(it, json_get(root, "compare")) held = held && compare_holds(kv, it);
	revision = kv->fake.revision + (held ? 1 : 0);
	if (held)
		kv->most_ops = MAX(kv->most_ops, json_count(json_get(root, "success")));
	json_foreach(it, json_get(root, held ? "success" : "failure"))
	{
		if (ops.len)
			ck_assert_int_eq(buf_str(&ops, ","), 0);
		apply_op(kv, it, revision, &ops);
	}
	kv->fake.revision = revision;
	kv->applied += held;
	ck_assert_int_eq(buf_printf(out, "{%s,\"succeeded\":%s,\"responses\":[%s]}",
				 fake_header(&kv->fake), held ? "true" : "false", buf_cstr(&ops)),
		0);
	buf_done(&ops);
	return held;
}

bool kv_replay(struct kv *kv)
{
	struct buf out = BUF_INIT(1 << 20);
	CLEANUP(freep) char *body = kv->kept[0];
	bool held;

	ck_assert_uint_gt(kv->n_kept, 0);
	memmove(kv->kept, kv->kept + 1, --kv->n_kept * sizeof(kv->kept[0]));
	held = apply(kv, body, &out);
	buf_done(&out);
	return held;
}

static void keep(struct kv *kv, const char *body)
{
	if (kv->n_kept < KV_KEPT_MAX)
		kv->kept[kv->n_kept++] = xstrdup(body);
}

static void answer_range(struct kv *kv, struct fake_request *request, const char *body)
{
	CLEANUP(json_freep) json *root = NULL;
	struct buf out = BUF_INIT(1 << 20);
	CLEANUP(freep) char *key = NULL;

	ck_assert_int_eq(json_parse(body, strlen(body), &root, NULL), 0);
	key = bytes(root, "key");
	ck_assert_int_eq(buf_printf(&out, "{%s", fake_header(&kv->fake)), 0);
	if (kv_get(kv, key)->mod) {
		ck_assert_int_eq(buf_str(&out, ","), 0);
		add_kv(&out, kv_get(kv, key));
	}
	fake_answer(request, 200, "%s}", buf_cstr(&out));
	buf_done(&out);
}

/* Once an answer has begun, libcurl does not send the request again by itself. */
static void lose(struct fake_request *request)
{
	fake_stream(request);
	fake_cut(request);
}

static void answer_txn(struct kv *kv, struct fake_request *request, const char *body)
{
	static const char full[] = "{\"error\":\"etcdserver: mvcc: database space exceeded\","
				   "\"message\":\"etcdserver: mvcc: database space exceeded\","
				   "\"code\":8}";
	enum kv_fault fault = kv->at < kv->n_faults ? kv->faults[kv->at++] : kv->always;
	struct buf out = BUF_INIT(1 << 20);

	kv->txns++;
	if (kv->before) {
		void (*before)(struct kv * kv, void *arg) = TAKE(kv->before);

		before(kv, kv->arg);
	}
	switch (fault) {
	case KV_FINE:
		apply(kv, body, &out);
		fake_answer(request, 200, "%s", buf_cstr(&out));
		break;
	case KV_TWICE:
		keep(kv, body);
		apply(kv, body, &out);
		fake_answer(request, 200, "%s", buf_cstr(&out));
		break;
	case KV_APPLY_AND_CUT:
		apply(kv, body, &out);
		lose(request);
		break;
	case KV_KEEP:
		keep(kv, body);
		lose(request);
		break;
	case KV_RETRIED:
		keep(kv, body);
		fake_cut(request);
		break;
	case KV_CUT:
		lose(request);
		break;
	case KV_HANG:
		break;
	case KV_APPLY_FULL:
		apply(kv, body, &out);
		fake_answer(request, 429, "%s", full);
		break;
	case KV_FULL:
		fake_answer(request, 429, "%s", full);
		break;
	case KV_FORBIDDEN:
		fake_answer(request, 403,
			"{\"error\":\"etcdserver: permission denied\","
			"\"message\":\"etcdserver: permission denied\",\"code\":7}");
		break;
	}
	buf_done(&out);
}

static bool script(struct fake *fake, struct fake_request *request, const char *path,
	const char *body, void *arg)
{
	struct kv *kv = arg;

	(void)fake;
	if (text_eq(path, "/v3/kv/txn"))
		answer_txn(kv, request, body);
	else if (text_eq(path, "/v3/kv/range") && !strstr(body, "aWRlbnRpdHk="))
		answer_range(kv, request, body);
	else
		return false;
	return true;
}

void kv_open(struct kv *kv, struct loop *loop)
{
	memset(kv, 0, sizeof(*kv));
	fake_open(&kv->fake, loop);
	kv->fake.script = script;
	kv->fake.arg = kv;
}

void kv_close(struct kv *kv)
{
	fake_close(&kv->fake);
	for (size_t i = 0; i < kv->n; i++) {
		free(kv->keys[i].key);
		free(kv->keys[i].value);
	}
	for (size_t i = 0; i < kv->n_kept; i++)
		free(kv->kept[i]);
}
