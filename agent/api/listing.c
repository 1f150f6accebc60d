/*
 * Collections: what there is, as items, in natural order.
 */
#include "config.h"
#include "api/visit.h"

#include "base/mem.h"
#include "model/db.h"
#include "wire/envelope.h"

static void items(struct visit *visit, const char *const *hrefs)
{
	for (; *hrefs; hrefs++)
		visit_reply(visit, envelope_new_item(*hrefs));
	visit_done(visit);
}

static void emit_item(struct visit *visit, const struct db *db, const char *name)
{
	CLEANUP(freep) char *href = xasprintf("%s/", name);

	(void)db;
	visit_reply(visit, envelope_new_item(href));
}

void visit_list_nodes(struct visit *visit)
{
	const struct db *db = visit_db(visit);

	if (db)
		visit_stream_nodes(visit, db, db_nodes(db), emit_item);
}

void visit_list_range_nodes(struct visit *visit)
{
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const struct db *db = visit_db(visit);

	if (db && visit_nodes(visit, db, &nodes))
		visit_stream_nodes(visit, db, &nodes, emit_item);
}

void visit_list_groups(struct visit *visit)
{
	CLEANUP(freep) uint32_t *groups = NULL;
	CLEANUP(freep) const char **names = NULL;
	const struct db *db = visit_db(visit);
	size_t n;

	if (!db)
		return;
	n = db_groups_sorted(db, &groups);
	names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = db_group_name(db, groups[i]);
	visit_stream(visit, names, n, emit_item);
}

void visit_list_node_items(struct visit *visit)
{
	static const char *const hrefs[] = {"attributes/", "deployment/", NULL};

	items(visit, hrefs);
}

void visit_list_range_items(struct visit *visit)
{
	static const char *const hrefs[] = {
		"nodes/", "attributes/", "deployment/", "abbreviate", NULL};
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const struct db *db = visit_db(visit);

	if (db && visit_nodes(visit, db, &nodes))
		items(visit, hrefs);
}

void visit_list_group_items(struct visit *visit)
{
	static const char *const hrefs[] = {"attributes/", NULL};

	items(visit, hrefs);
}

void visit_list_attribute_kinds(struct visit *visit)
{
	static const char *const hrefs[] = {"rename", "all", "current", "expression", NULL};

	items(visit, hrefs);
}

void visit_list_group_attribute_kinds(struct visit *visit)
{
	static const char *const hrefs[] = {"check", "rename", "all", "current", NULL};

	items(visit, hrefs);
}

void visit_list_deployment(struct visit *visit)
{
	static const char *const hrefs[] = {"lock", NULL};

	items(visit, hrefs);
}

void visit_list_nothing(struct visit *visit)
{
	visit_done(visit);
}
