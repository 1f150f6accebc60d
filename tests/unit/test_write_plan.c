#include "config.h"
#include "tests/unit/test_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "etcd/client.h"
#include "io/http.h"
#include "io/loop.h"
#include "model/db.h"

/* ---- the world ---- */

void writer_world_begin(struct loop **loop, struct http **http, struct etcd **etcd, struct kv *kv)
{
	const char *url = kv->fake.url;
	struct etcd_config config = {
		.endpoints = &url, .n_endpoints = 1, .identity_key = "identity"};

	ck_assert_int_eq(loop_new(loop, NULL), 0);
	ck_assert_int_eq(http_new(http, *loop, NULL), 0);
	kv_open(kv, *loop);
	ck_assert_int_eq(etcd_new(etcd, *loop, *http, &config, NULL), 0);
}

void writer_world_end(struct loop *loop, struct http *http, struct etcd *etcd, struct kv *kv)
{
	etcd_free(etcd);
	http_free(http);
	kv_close(kv);
	loop_free(loop);
}

/* ---- the copy ---- */

struct db {
	int64_t revision;
	struct {
		char *key;
		int64_t mod;
	} keys[KV_KEYS_MAX];
	size_t n;
	struct bitset nodes;
	char index[32];
};

struct db *toy_db_new(void)
{
	return xcalloc(1, sizeof(struct db));
}

static void toy_clear(struct db *db)
{
	for (size_t i = 0; i < db->n; i++)
		free(db->keys[i].key);
	db->n = 0;
}

void toy_db_free(struct db *db)
{
	toy_clear(db);
	bitset_done(&db->nodes);
	free(db);
}

void toy_sync(struct db *db, const struct kv *kv)
{
	toy_clear(db);
	for (size_t i = 0; i < kv->n; i++) {
		db->keys[i].key = xstrdup(kv->keys[i].key);
		db->keys[i].mod = kv->keys[i].mod;
	}
	db->n = kv->n;
	db->revision = kv->fake.revision;
}

static int64_t seen(const struct db *db, const char *key)
{
	const char *rest;

	for (size_t i = 0; i < db->n; i++) {
		rest = text_after(db->keys[i].key, TOY_PREFIX);
		if (rest && text_eq(rest, key))
			return db->keys[i].mod;
	}
	return 0;
}

void toy_index(struct db *db, const char *text)
{
	snprintf(db->index, sizeof(db->index), "%s", text);
	bitset_add(&db->nodes, 0);
}

int64_t db_revision(const struct db *db)
{
	return db->revision;
}

const struct bitset *db_nodes(const struct db *db)
{
	return &db->nodes;
}

bool db_node_own(const struct db *db, uint32_t node, const char *name, struct db_value *ret)
{
	ck_assert_uint_eq(node, 0);
	ck_assert_str_eq(name, "id.index");
	*ret = (struct db_value){.kind = DB_PLAIN, .text = db->index, .len = strlen(db->index)};
	return true;
}

/* ---- the plan ---- */

#define TOY_COMPARES_MAX 60

enum toy_state { PENDING, OUT, APPLIED, LOST };

struct toy {
	struct plan_unit unit; /* first: what comes back is cast */
	enum toy_state state;
	int64_t after; /* this revision has to be seen first */
	char object[32];
	char key[64];
	struct plan_compare compares[TOY_COMPARES_MAX];
	struct plan_op op;
};

struct plan {
	struct toy_options options;
	struct toy_facts *facts;
	struct toy *toys;
	char *value;
	size_t cursor;
	int64_t revision;
	char *why;
	bool stopped, numbered;
};

struct plan *toy_plan(const struct toy_options *options, struct toy_facts *facts)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	memset(facts, 0, sizeof(*facts));
	plan->options = *options;
	plan->facts = facts;
	plan->value = xstrdup(options->value);
	plan->toys = xcalloc(options->n, sizeof(*plan->toys));
	for (size_t i = 0; i < options->n; i++) {
		struct toy *toy = &plan->toys[i];

		snprintf(toy->object, sizeof(toy->object), "%s%zu", options->prefix, i);
		snprintf(toy->key, sizeof(toy->key), "nodes/%s/%s", toy->object,
			options->attribute ? options->attribute : "a");
		for (size_t k = 0; k < TOY_COMPARES_MAX; k++)
			toy->compares[k] = (struct plan_compare){.kind = PLAN_MOD, .key = toy->key};
		toy->op = (struct plan_op){.kind = PLAN_PUT,
			.key = toy->key,
			.value = plan->value,
			.len = strlen(plan->value),
			.coat = options->coat,
			.from = options->from};
		toy->unit = (struct plan_unit){.object = toy->object,
			.compares = toy->compares,
			.n_compares = options->compares ? options->compares : 1,
			.ops = &toy->op,
			.n_ops = 1,
			.bytes = 2 * strlen(toy->key) + toy->op.len + options->padding};
	}
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->options.n; i++)
		ck_assert_int_ne(plan->toys[i].state, OUT);
	plan->facts->freed = true;
	free(plan->toys);
	free(plan->value);
	free(plan->why);
	free(plan);
}

size_t plan_wants_numbers(const struct plan *plan)
{
	return plan->numbered || plan->stopped ? 0 : plan->options.numbers;
}

int64_t plan_numbers_above(const struct plan *plan)
{
	return plan->options.above;
}

void plan_give_numbers(struct plan *plan, int64_t first)
{
	plan->numbered = true;
	plan->facts->first = first;
}

enum plan_step plan_next(struct plan *plan, const struct db *db, struct plan_unit **ret)
{
	bool waiting = plan_wants_numbers(plan) > 0;

	for (size_t i = 0; i < plan->options.n && !waiting; i++) {
		struct toy *toy = &plan->toys[(plan->cursor + i) % plan->options.n];

		if (toy->state != PENDING || plan->stopped || toy->after > db->revision)
			continue;
		plan->cursor = (plan->cursor + i + 1) % plan->options.n;
		toy->state = OUT;
		for (size_t k = 0; k < TOY_COMPARES_MAX; k++)
			toy->compares[k].revision = seen(db, toy->key);
		*ret = &toy->unit;
		return PLAN_UNIT;
	}
	for (size_t i = 0; i < plan->options.n; i++) {
		if (plan->toys[i].state == OUT ||
			(plan->toys[i].state == PENDING && !plan->stopped))
			waiting = true;
	}
	return waiting ? PLAN_WAIT : PLAN_DONE;
}

static struct toy *take_back(struct plan_unit *unit, enum toy_state state)
{
	struct toy *toy = CONTAINER_OF(unit, struct toy, unit);

	ck_assert_int_eq(toy->state, OUT);
	toy->state = state;
	return toy;
}

void plan_applied(struct plan *plan, struct plan_unit *unit, int64_t revision)
{
	take_back(unit, APPLIED);
	plan->facts->applied++;
	plan->revision = MAX(plan->revision, revision);
}

void plan_again(struct plan *plan, struct plan_unit *unit, int64_t revision)
{
	take_back(unit, PENDING)->after = revision;
	plan->facts->again++;
}

static void note(struct plan *plan, const char *why)
{
	if (!plan->why)
		plan->why = xstrdup(why);
}

void plan_lost(struct plan *plan, struct plan_unit *unit, enum plan_loss loss, const char *why)
{
	take_back(unit, LOST);
	note(plan, why);
	if (loss == PLAN_UNKNOWN)
		plan->facts->unknown++;
	else
		plan->facts->refused++;
}

void plan_stop(struct plan *plan, const char *why)
{
	plan->stopped = true;
	if (plan->facts->applied < plan->options.n)
		note(plan, why);
}

void plan_outcome(const struct plan *plan, struct plan_outcome *ret)
{
	*ret = (struct plan_outcome){.wanted = plan->options.n,
		.applied = plan->facts->applied,
		.unknown = plan->facts->unknown,
		.revision = plan->revision,
		.why = plan->why};
}

char *plan_report(const struct plan *plan)
{
	return xasprintf("%u of %zu, %u unknown: %s", plan->facts->applied, plan->options.n,
		plan->facts->unknown, plan->why ? plan->why : "");
}
