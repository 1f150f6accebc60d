/*
 * The toy etcd: an array of keys and a log of events. It refuses what etcd refuses (a key written twice
 * in one transaction, too many operations) by failing the test.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/test_model_plan.h"

void world_done(struct world *w)
{
	for (size_t i = 0; i < w->n_entries; i++) {
		free(w->entries[i].key);
		free(w->entries[i].value);
	}
	for (size_t i = 0; i < w->n_events; i++) {
		free(w->events[i].key);
		free(w->events[i].value);
	}
	free(w->entries);
	free(w->events);
}

static struct entry *find(const struct world *w, const char *key)
{
	for (size_t i = 0; i < w->n_entries; i++) {
		if (strcmp(w->entries[i].key, key) == 0)
			return &w->entries[i];
	}
	return NULL;
}

static void note(struct world *w, const char *key, const char *value)
{
	w->events = xrealloc(w->events, w->n_events + 1, sizeof(*w->events));
	w->events[w->n_events++] = (struct event){
		.revision = w->revision, .key = xstrdup(key), .value = xstrdup_null(value)};
}

static void put(struct world *w, const char *key, const char *value)
{
	struct entry *entry = find(w, key);

	if (!entry) {
		w->entries = xrealloc(w->entries, w->n_entries + 1, sizeof(*w->entries));
		entry = &w->entries[w->n_entries++];
		*entry = (struct entry){.key = xstrdup(key)};
	}
	free(entry->value);
	entry->value = xstrdup(value);
	entry->mod_revision = w->revision;
	note(w, key, value);
}

static void delete_at(struct world *w, struct entry *entry)
{
	note(w, entry->key, NULL);
	free(entry->key);
	free(entry->value);
	*entry = w->entries[--w->n_entries];
}

void world_put(struct world *w, const char *key, const char *value)
{
	w->revision++;
	put(w, key, value);
}

void world_delete(struct world *w, const char *key)
{
	w->revision++;
	ck_assert_ptr_nonnull(find(w, key));
	delete_at(w, find(w, key));
}

const char *world_value(const struct world *w, const char *key)
{
	const struct entry *entry = find(w, key);

	return entry ? entry->value : NULL;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

char *world_below(const struct world *w, const char *prefix)
{
	CLEANUP(freep)
	struct entry *sorted = xcalloc(w->n_entries + 1, sizeof(*sorted));
	struct buf text = BUF_INIT(1 << 20);

	if (w->n_entries)
		memcpy(sorted, w->entries, w->n_entries * sizeof(*sorted));
	qsort(sorted, w->n_entries, sizeof(*sorted), by_key);
	ck_assert_int_eq(buf_str(&text, ""), 0);
	for (size_t i = 0; i < w->n_entries; i++) {
		const char *rest = text_after(sorted[i].key, prefix);

		if (rest)
			ck_assert_int_eq(buf_printf(&text, "%s%s=%s", text.len ? " " : "", rest,
						 sorted[i].value),
				0);
	}
	return buf_take(&text);
}

static bool holds(const struct world *w, const struct plan_compare *compare)
{
	const struct entry *entry = find(w, compare->key);

	switch (compare->kind) {
	case PLAN_MOD:
		return (entry ? entry->mod_revision : 0) == compare->revision;
	case PLAN_EXISTS:
		return entry != NULL;
	case PLAN_NONE:
	case PLAN_UNCHANGED:
		break;
	}
	for (size_t i = 0; i < w->n_entries; i++) {
		if (text_starts(w->entries[i].key, compare->key) &&
			(compare->kind == PLAN_NONE ||
				w->entries[i].mod_revision > compare->revision))
			return false;
	}
	return true;
}

static void put_op(struct world *w, const struct plan_op *op)
{
	CLEANUP(freep) char *value = NULL;
	CLEANUP(freep) char *sealed = NULL;
	const char *clear;

	ck_assert_uint_eq(strlen(op->value), op->len);
	switch (op->coat) {
	case PLAN_CLEAR_TEXT:
		value = xstrdup(op->value);
		break;
	case PLAN_SEAL:
		value = xasprintf("sealed:1:%s:%s", op->key, op->value);
		break;
	case PLAN_HASH:
		value = xasprintf("$6$%s", op->value);
		break;
	case PLAN_RESEAL:
		sealed = xasprintf("sealed:1:%s:", op->from);
		clear = text_after(op->value, sealed);
		ck_assert_msg(clear != NULL, "%s was not sealed for %s", op->value, op->from);
		value = xasprintf("sealed:1:%s:%s", op->key, clear);
		break;
	}
	put(w, op->key, value);
}

static void check_unit(const struct plan_unit *unit)
{
	ck_assert_uint_le(unit->n_compares, PLAN_UNIT_COMPARES_MAX);
	ck_assert_uint_le(unit->n_ops, PLAN_UNIT_OPS_MAX);
	ck_assert_uint_le(unit->bytes, PLAN_UNIT_BYTES_MAX);
	ck_assert_uint_gt(unit->n_ops, 0);
	for (size_t i = 0; i < unit->n_ops; i++) {
		for (size_t j = 0; j < unit->n_ops; j++) {
			if (i == j)
				continue;
			ck_assert_str_ne(unit->ops[i].key, unit->ops[j].key);
			if (unit->ops[i].kind == PLAN_DELETE_PREFIX)
				ck_assert(!text_starts(unit->ops[j].key, unit->ops[i].key));
		}
	}
}

bool world_commit(struct world *w, const struct plan_unit *unit)
{
	check_unit(unit);
	for (size_t i = 0; i < unit->n_compares; i++) {
		if (!holds(w, &unit->compares[i]))
			return false;
	}
	w->revision++;
	for (size_t i = 0; i < unit->n_ops; i++) {
		const struct plan_op *op = &unit->ops[i];

		if (op->kind == PLAN_PUT) {
			put_op(w, op);
			continue;
		}
		for (size_t j = w->n_entries; j-- > 0;) {
			const char *key = w->entries[j].key;

			if (op->kind == PLAN_DELETE_PREFIX ? text_starts(key, op->key)
							   : text_eq(key, op->key))
				delete_at(w, &w->entries[j]);
		}
	}
	return true;
}

void member_init(struct member *m)
{
	*m = (struct member){.db = db_new(1)};
}

void member_done(struct member *m)
{
	db_free(m->db);
}

void member_see(struct member *m, const struct world *w, int64_t revision)
{
	for (; m->at < w->n_events && w->events[m->at].revision <= revision; m->at++) {
		const struct event *event = &w->events[m->at];

		if (event->value)
			(void)db_put(m->db, event->key, strlen(event->key), event->value,
				strlen(event->value), event->revision, NULL);
		else
			db_delete(m->db, event->key, strlen(event->key));
	}
	db_set_revision(m->db, revision);
}

void run(struct world *w, struct member *m, struct plan *plan)
{
	struct plan_unit *unit;
	enum plan_step step;
	unsigned waits = 0;
	int64_t wanted = (int64_t)plan_wants_numbers(plan);

	plan_give_numbers(plan, w->next_index);
	w->next_index += wanted;
	while ((step = plan_next(plan, m->db, &unit)) != PLAN_DONE) {
		if (step == PLAN_UNIT) {
			if (world_commit(w, unit))
				plan_applied(plan, unit, w->revision);
			else
				plan_again(plan, unit, w->revision);
			waits = 0;
			continue;
		}
		if (step == PLAN_MORE)
			continue;
		ck_assert_uint_lt(waits++, 3);
		member_see(m, w, w->revision);
	}
	member_see(m, w, w->revision);
}

void carry_out(struct world *w, struct member *m, struct plan *plan)
{
	struct plan_outcome outcome;

	run(w, m, plan);
	plan_outcome(plan, &outcome);
	ck_assert_msg(outcome.why == NULL, "%s", outcome.why);
	ck_assert_uint_eq(outcome.applied, outcome.wanted);
	ck_assert_int_le(outcome.revision, db_revision(m->db));
	plan_free(plan);
}

#define OK(make, err)                                                                              \
	do {                                                                                       \
		int rc_ = (make);                                                                  \
		ck_assert_msg(rc_ == 0, "%d: %s", rc_, (err)->text);                               \
	} while (0)

void set_node(struct world *w, struct member *m, const char *nodes, const char *name,
	enum plan_how how, const char *value)
{
	const struct plan_change change = {name, how, value};
	struct err err = {""};
	struct plan *plan;

	OK(plan_new_node_set(&plan, m->db, nodes, &change, 1, &err), &err);
	carry_out(w, m, plan);
}

void set_group(struct world *w, struct member *m, const char *group, const char *name,
	enum plan_how how, const char *value)
{
	const struct plan_change change = {name, how, value};
	struct err err = {""};
	struct plan *plan;

	OK(plan_new_group_set(&plan, m->db, group, &change, 1, &err), &err);
	carry_out(w, m, plan);
}

void make_nodes(struct world *w, struct member *m, const char *nodes, const char *groups)
{
	const struct plan_change change = {"groups", PLAN_TYPED, groups};
	struct err err = {""};
	struct plan *plan;

	OK(plan_new_node_create(&plan, m->db, nodes, false, &change, groups ? 1 : 0, &err), &err);
	carry_out(w, m, plan);
}

void make_group(struct world *w, struct member *m, const char *group)
{
	struct err err = {""};
	struct plan *plan;

	OK(plan_new_group_create(&plan, m->db, group, NULL, 0, &err), &err);
	carry_out(w, m, plan);
}

void furnish_nodes(struct world *w, struct member *m)
{
	make_group(w, m, "rack1");
	make_group(w, m, "g2");
	make_group(w, m, "dyn");
	make_nodes(w, m, "n1-n4", "rack1");
	make_nodes(w, m, "n5", NULL);
	set_group(w, m, "rack1", "location.room", PLAN_TYPED, "x");
	set_group(w, m, "dyn", "noderange", PLAN_TYPED, "n1-n2");
}
