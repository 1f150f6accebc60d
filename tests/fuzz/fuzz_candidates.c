/* libs: model base */
/*
 * Takes the bytes as the candidates of a node. Where all members are nodes, too, they must be what the
 * noderange stands for, read as one of nodes; names that are left out must be nobody's; an error must
 * say why; and the cache must say the same.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/name.h"
#include "base/text.h"
#include "model/candidates.h"
#include "model/noderange.h"

#define TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const members[] = {"m1", "m2", "m3", "m10", "a-1", "a-2", "b", "rack1"};
#define N ARRAY_SIZE(members)

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void put(struct db *db, const char *key, const char *value)
{
	int64_t revision = db_revision(db) + 1;

	(void)db_put(db, key, strlen(key), value, strlen(value), revision, NULL);
	db_set_revision(db, revision);
}

/* Of the members, those whose bit is set are nodes. */
static struct db *make(unsigned nodes)
{
	struct db *db = db_new(7);

	put(db, "groups/g/noderange", "");
	put(db, "groups/rack1/noderange", "");
	put(db, "groups/dyn/noderange", "m[1-2],-g,n1");
	put(db, "groups/self/noderange", "m1,self");
	put(db, "nodes/n1/groups", "g,rack1");
	put(db, "nodes/n2/groups", "rack1");
	for (size_t i = 0; i < N; i++) {
		CLEANUP(freep) char *key = xasprintf("nodes/%s/groups", members[i]);
		CLEANUP(freep) char *row = xasprintf("nodes/%s/location.row", members[i]);

		if (!(nodes & (1u << i)))
			continue;
		put(db, key, i % 2 ? "g" : "rack1");
		put(db, row, i % 3 ? "x" : "y");
	}
	return db;
}

static void check_error(const char *text)
{
	require(*text && strlen(text) < ERR_TEXT_MAX);
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= 0x20);
}

static void check_unknown(const struct db *db, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, ",");
		CLEANUP(freep) char *name = xstrndup(names, len);
		uint32_t number;

		require(name_valid(name));
		require(!db_node_find(db, name, &number) && !db_group_find(db, name, &number));
		for (size_t i = 0; i < N; i++)
			require(!text_eq(name, members[i]));
		names += len + (names[len] == ',');
	}
}

/* Every member is a node; pages are of members alone. */
static void check_nodes(
	const struct db *db, const char *text, const struct bitset *set, bool all_known)
{
	const struct noderange_source source = db_noderange_source(db);
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;

	if (noderange_evaluate(&source, text, &nodes, NULL) < 0)
		return;
	require(all_known);
	for (uint32_t i = 0; i < N && !strpbrk(text, "<>"); i++) {
		uint32_t node;

		require(db_node_find(db, members[i], &node));
		require(bitset_has(set, i) == bitset_has(&nodes, node));
	}
}

static void check_cache(struct db *db, const char *text)
{
	CLEANUP(candidates_freep) struct candidates *c = NULL;
	CLEANUP(bitset_done) struct bitset again = BITSET_INIT;
	const char *its_text, *why;
	const struct bitset *set;
	struct err err = {""};
	uint32_t node;

	put(db, "nodes/n1/collective.managercandidates", text);
	require(db_node_find(db, "n1", &node));
	c = candidates_new(db, members, N);
	set = candidates_of(c, node, &its_text, &why);
	if (why)
		check_error(why);
	require(!set || !why);
	if (set)
		require(candidates_evaluate(db, members, N, its_text, &again, NULL, NULL) == 0 &&
			bitset_equal(set, &again));
	else if (*its_text)
		require(why &&
			candidates_evaluate(db, members, N, its_text, &again, NULL, &err) < 0 &&
			text_eq(why, err.text));
	require(candidates_of(c, node, NULL, NULL) == set);
}

static void check(struct db *db, const char *text, bool all_nodes)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	CLEANUP(buf_done) struct buf unknown = BUF_INIT((size_t)1 << 15);
	struct err err = {""};

	if (candidates_evaluate(db, members, N, text, &set, &unknown, &err) < 0) {
		check_error(err.text);
		require(bitset_empty(&set) && unknown.len == 0);
	} else {
		uint32_t it;

		bitset_foreach(it, &set) require(it < N);
		check_unknown(db, buf_cstr(&unknown));
		if (all_nodes)
			check_nodes(db, text, &set, unknown.len == 0);
	}
	check_cache(db, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct db *all, *some;
	char text[TEXT_MAX + 1];

	if (size > TEXT_MAX)
		return 0;
	if (!all) {
		all = make((1u << N) - 1);
		some = make(0x15);
	}
	memcpy(text, data, size);
	text[size] = '\0';
	check(all, text, true);
	check(some, text, false);
	return 0;
}
