/*
 * The happy path: the index of managers in the database is brought up to date; it gives the numbers of the
 * nodes that may have another manager; what is different from what was told is linked.
 *
 * Numbers are hints: `at` has the entry that had a number last, which is looked up by its name before
 * it counts as gone. A new database gives the numbers of all nodes it has and of none that it has not:
 * then more are known here than there, and all entries are looked up.
 */
#include "config.h"
#include "app/managers.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitset.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/db.h"
#include "model/db_table.h"
#include "model/natsort.h"

#define STEP	 128 /* nodes between two looks at the clock */
#define CATCH_UP 16  /* the same where an expression may have to be worked out */

struct entry {
	struct table_link link;
	struct list changed; /* linked: there is something to tell */
	uint32_t index;	     /* in entries */
	uint32_t number;     /* in the database it was last seen in */
	bool exists;
	char *told; /* NULL: "" */
	char *now;  /* NULL: as told */
	char name[];
};

struct managers {
	struct hash_key key;
	struct table table;
	struct entry **entries;
	size_t n, room;
	size_t existing;   /* of them */
	struct entry **at; /* by number; NULL: nobody */
	size_t n_at;
	struct bitset pending; /* numbers that are to be looked at */
	struct list changed;
	size_t sweep; /* entries that are still to be looked up */
	bool sweeping;
	int64_t sweep_from; /* revision when that began */
};

static const char *text_of(const char *manager)
{
	return manager ? manager : "";
}

struct managers *managers_new(void)
{
	struct managers *m = xcalloc(1, sizeof(*m));

	random_bytes(&m->key, sizeof(m->key));
	list_init(&m->changed);
	return m;
}

static void entry_free(struct entry *e)
{
	list_del(&e->changed);
	free(e->told);
	free(e->now);
	free(e);
}

void managers_free(struct managers *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		entry_free(m->entries[i]);
	table_done(&m->table);
	free(m->entries);
	free(m->at);
	bitset_done(&m->pending);
	free(m);
}

/* ---- entries ---- */

static struct entry *find(const struct managers *m, const char *name, uint64_t hash)
{
	struct table_link *link = table_first(&m->table, hash);

	for (; link; link = table_next(link)) {
		struct entry *e = table_entry(link, struct entry, link);

		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static struct entry *find_or_add(struct managers *m, const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = hash_bytes(&m->key, name, len);
	struct entry *e = find(m, name, hash);

	if (e)
		return e;
	e = xcalloc(1, sizeof(*e) + len + 1);
	memcpy(e->name, name, len + 1);
	list_init(&e->changed);
	table_add(&m->table, &e->link, hash);
	if (m->n == m->room) {
		m->room = MAX(m->room * 2, (size_t)64);
		m->entries = xrealloc(m->entries, m->room, sizeof(struct entry *));
	}
	e->index = (uint32_t)m->n;
	m->entries[m->n++] = e;
	return e;
}

static void drop(struct managers *m, struct entry *e)
{
	struct entry *last = m->entries[--m->n];

	last->index = e->index;
	m->entries[e->index] = last;
	if (e->number < m->n_at && m->at[e->number] == e)
		m->at[e->number] = NULL;
	table_remove(&m->table, &e->link);
	entry_free(e);
}

static void set_number(struct managers *m, struct entry *e, uint32_t number)
{
	if (number >= m->n_at) {
		size_t n = (size_t)number + number / 2 + 64;

		m->at = xrealloc(m->at, n, sizeof(struct entry *));
		memset(m->at + m->n_at, 0, (n - m->n_at) * sizeof(struct entry *));
		m->n_at = n;
	}
	if (e->number < m->n_at && m->at[e->number] == e)
		m->at[e->number] = NULL;
	e->number = number;
	m->at[number] = e;
}

static void set_exists(struct managers *m, struct entry *e, bool exists)
{
	if (e->exists != exists)
		m->existing += exists ? 1 : (size_t)-1;
	e->exists = exists;
}

static void set_manager(struct managers *m, struct entry *e, const char *manager)
{
	const char *told = text_of(e->told);

	free(TAKE(e->now));
	list_del(&e->changed);
	if (strcmp(told, manager) == 0)
		return;
	e->now = xstrdup(manager);
	list_add_tail(&m->changed, &e->changed);
}

/* ---- looking ---- */

static void look_up(struct managers *m, const struct db *db, struct entry *e)
{
	uint32_t number;

	if (!e->exists || db_node_find(db, e->name, &number))
		return;
	set_exists(m, e, false);
	set_manager(m, e, "");
	/* one that nobody managed is gone without a word */
	if (!list_linked(&e->changed))
		list_add_tail(&m->changed, &e->changed);
}

static void look_at(struct managers *m, const struct db *db, uint32_t number)
{
	struct entry *before = number < m->n_at ? m->at[number] : NULL;
	bool there = bitset_has(db_nodes(db), number);
	const char *name = there ? db_node_name(db, number) : NULL;
	struct entry *e;

	if (before && !text_eq(before->name, name))
		look_up(m, db, before);
	if (!there)
		return;
	e = find_or_add(m, name);
	set_exists(m, e, true);
	set_number(m, e, number);
	set_manager(m, e, db_managed_text(db, number));
}

static bool look_at_pending(
	struct managers *m, const struct db *db, const struct loop *loop, usec_t until)
{
	uint32_t number = 0;
	unsigned n = 0;

	while (bitset_next(&m->pending, number, &number)) {
		if (++n % STEP == 0 && loop_now(loop) >= until)
			return false;
		look_at(m, db, number);
		bitset_remove(&m->pending, number);
	}
	return true;
}

static bool look_for_gone(
	struct managers *m, const struct db *db, const struct loop *loop, usec_t until)
{
	if (m->existing == db_node_count(db)) {
		m->sweeping = false;
		return true;
	}
	if (!m->sweeping) {
		m->sweep = m->n;
		m->sweep_from = db_revision(db);
	}
	m->sweeping = true;
	m->sweep = MIN(m->sweep, m->n);
	while (m->sweep > 0) {
		look_up(m, db, m->entries[--m->sweep]);
		if (m->sweep % STEP == 0 && loop_now(loop) >= until)
			return false;
	}
	/* what went while this was under way is looked up next time, if not by its number */
	m->sweeping = false;
	return m->sweep_from == db_revision(db) || m->existing == db_node_count(db);
}

bool managers_look(struct managers *m, const struct db *db, const struct loop *loop, usec_t until)
{
	CLEANUP(bitset_done) struct bitset changed = BITSET_INIT;

	while (!db_managed_catch_up(db, CATCH_UP)) {
		if (loop_now(loop) >= until)
			return false;
	}
	db_managed_changed(db, &changed);
	bitset_unite(&m->pending, &changed);
	return look_at_pending(m, db, loop, until) && look_for_gone(m, db, loop, until);
}

/* ---- telling ---- */

static int compare(const void *a, const void *b)
{
	const struct managers_change *x = a, *y = b;
	int order = x->from == y->from ? 0 : strcmp(x->from, y->from);

	if (order == 0)
		order = x->to == y->to ? 0 : strcmp(x->to, y->to);
	if (order == 0)
		order = x->gone - y->gone;
	if (order == 0 && x->rank != y->rank)
		order = x->rank < y->rank ? -1 : 1;
	return order ? order : natsort_compare(x->node, y->node);
}

static uint32_t rank_of(const struct db *db, const uint32_t *ranks, const char *name)
{
	uint32_t number;

	return db_node_find(db, name, &number) ? ranks[number] : UINT32_MAX;
}

size_t managers_changes(const struct managers *m, const struct db *db, struct managers_change **ret)
{
	struct managers_change *list = xmalloc((m->n + 1) * sizeof(*list));
	const uint32_t *ranks = list_empty(&m->changed) ? NULL : db_ranks(db);
	const struct entry *e;
	size_t n = 0;

	list_foreach (e, &m->changed, changed) {
		if (!e->now)
			continue;
		list[n++] = (struct managers_change){
			.node = e->name,
			.from = text_of(e->told),
			.to = e->now,
			.gone = !e->exists,
			.rank = rank_of(db, ranks, e->name),
		};
	}
	qsort(list, n, sizeof(*list), compare);
	*ret = list;
	return n;
}

void managers_told(struct managers *m)
{
	struct entry *e, *tmp;

	list_foreach_safe (e, tmp, &m->changed, changed) {
		if (!e->exists) {
			drop(m, e);
			continue;
		}
		list_del(&e->changed);
		free(e->told);
		e->told = TAKE(e->now);
		if (e->told && !*e->told)
			free(TAKE(e->told));
	}
}

size_t managers_picture(const struct managers *m, const struct db *db, struct managers_change **ret)
{
	struct managers_change *list = xmalloc((m->n + 1) * sizeof(*list));
	const uint32_t *ranks = db_ranks(db);
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct entry *e = m->entries[i];

		if (e->told)
			list[n++] = (struct managers_change){
				.node = e->name,
				.from = "",
				.to = e->told,
				.rank = rank_of(db, ranks, e->name),
			};
	}
	qsort(list, n, sizeof(*list), compare);
	*ret = list;
	return n;
}
