/* libs: model base */
/*
 * Keys and values for the database in memory, a line each: "KEY=VALUE" puts, "-KEY" deletes, "?TEXT" asks
 * for a manager and evaluates the text on each node. Then everything is read, and everything is
 * deleted again, after which nothing must be left.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "model/db.h"
#include "model/noderange.h"

#define LINES_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static bool on_value(const char *name, const struct db_value *value, void *arg)
{
	const char **last = arg;

	require(value->kind != DB_UNSET && strlen(value->text) == value->len);
	require(attribute_find(name) != NULL);
	require(!*last || strcmp(*last, name) < 0);
	*last = name;
	return true;
}

static void read_node(const struct db *db, uint32_t node)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	const char *last = NULL;
	const uint32_t *groups;
	struct db_value value;
	uint32_t found;
	size_t n;

	require(db_node_find(db, db_node_name(db, node), &found) && found == node);
	n = db_node_groups(db, node, &groups);
	require(n > 0);
	for (size_t i = 0; i < n; i++)
		require(bitset_has(db_group_members(db, groups[i]), node));
	db_node_each(db, node, on_value, &last);
	if (db_node_value(db, node, "info.note", &value) &&
		db_node_text(db, node, &value, &out, NULL) < 0)
		require(out.len == 0);
	if (db_node_value(db, node, "collective.manager", &value) &&
		db_node_text(db, node, &value, &out, NULL) == 0)
		require(bitset_has(db_managed_by(db, buf_cstr(&out)), node));
}

static void on_odd(const char *key, const char *why, void *arg)
{
	size_t *count = arg;

	require(*why && strlen(key) < 1024);
	++*count;
}

static void on_name(const char *name, void *arg)
{
	const char **last = arg;

	require(!*last || strcmp(*last, name) < 0);
	*last = name;
}

static void read_all(const struct db *db)
{
	CLEANUP(freep) struct noderange_group *candidates = NULL;
	CLEANUP(freep) uint32_t *sorted = NULL;
	CLEANUP(freep) uint32_t *groups = NULL;
	const char *last = NULL;
	size_t odd = 0, n;

	n = db_sorted(db, db_nodes(db), &sorted);
	require(n == db_node_count(db));
	for (size_t i = 0; i < n; i++)
		read_node(db, sorted[i]);
	n = db_groups_sorted(db, &groups);
	for (size_t i = 0; i < n; i++) {
		const char *group_last = NULL;

		db_group_each(db, groups[i], on_value, &group_last);
		require(!db_group_leaving(db, groups[i]) || !*db_group_noderange(db, groups[i]));
	}
	require(db_noderange_groups(db, &candidates) <= n);
	db_each_odd(db, on_odd, &odd);
	require(odd == db_odd(db) && odd <= db_keys(db));
	db_each_name(db, on_name, &last);
}

static void ask(const struct db *db, const char *text)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
	uint32_t node;

	db_managed_by(db, text);
	bitset_foreach(node, db_nodes(db)) if (db_node_evaluate(db, node, text, &out, NULL) < 0)
		require(out.len == 0);
}

static void feed(struct db *db, const char *line, size_t len, int64_t revision)
{
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : len;
	struct err err = {""};

	if (*line == '-') {
		db_delete(db, line + 1, len - 1);
	} else if (*line == '?') {
		CLEANUP(freep) char *text = xstrndup(line + 1, len - 1);

		ask(db, text);
	} else if (db_is_ours(line, key_len)) {
		if (db_put(db, line, key_len, equals ? equals + 1 : "",
			    equals ? len - key_len - 1 : 0, revision, &err) < 0)
			require(*err.text != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(db_freep) struct db *db = db_new(size);
	const char *text = (const char *)data;
	size_t lines = 0;

	for (size_t pass = 0; pass < 2; pass++) {
		lines = 0;
		for (size_t at = 0; at < size && lines < LINES_MAX; lines++) {
			const char *end = memchr(text + at, '\n', size - at);
			size_t len = end ? (size_t)(end - text) - at : size - at;
			const char *equals = memchr(text + at, '=', len);

			if (len > 0 && pass == 0)
				feed(db, text + at, len, (int64_t)lines + 1);
			else if (len > 0)
				db_delete(
					db, text + at, equals ? (size_t)(equals - text) - at : len);
			at += len + 1;
		}
		if (pass == 0)
			read_all(db);
	}
	require(db_keys(db) == 0 && db_odd(db) == 0 && db_node_count(db) == 0);
	read_all(db);
	return 0;
}
