/* libs: command record model trust wire base */
/*
 * A backup's main.json, restored into a small database that has some of its names, in each of the three
 * ways. What has no problem must become a plan whose units fit into transactions.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "command/restore_entry.h"
#include "model/backup.h"
#include "model/db.h"
#include "model/plan.h"
#include "trust/bundle.h"
#include "trust/keyset.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void put(struct db *db, const char *key, const char *value)
{
	(void)db_put(db, key, strlen(key), value, strlen(value), 3, NULL);
}

static struct db *small_db(void)
{
	struct db *db = db_new(1);

	put(db, "groups/rack1/noderange", "");
	put(db, "groups/rack1/location.rack", "7");
	put(db, "groups/dyn/noderange", "n1");
	put(db, "groups/leaving/noderange", DB_LEAVING_DELETED);
	put(db, "nodes/n1/groups", "rack1");
	put(db, "nodes/n1/id.index", "1");
	put(db, "nodes/n1/no.such", "x");
	put(db, "nodes/n2/groups", "");
	put(db, "nodes/n2/id.index", "2");
	db_set_revision(db, 3);
	return db;
}

static int by_name(const void *a, const void *b)
{
	const json *const *member_a = a, *const *member_b = b;

	return strcmp(json_name(*member_a), json_name(*member_b));
}

static void read_part(struct restore_reader *reader, const json *part, bool node)
{
	size_t n = json_is_object(part) ? json_count(part) : 0, i = 0;
	const json **sorted = xcalloc(n + 1, sizeof(*sorted));
	const json *it;

	if (n > 0) {
		json_foreach(it, part) sorted[i++] = it;
		qsort(sorted, n, sizeof(*sorted), by_name);
	}
	for (i = 0; i < n; i++)
		restore_entry_read(reader, node, json_name(sorted[i]), sorted[i]);
	free(sorted);
}

static void on_problem(const char *text, void *arg)
{
	(void)arg;
	require(*text != '\0');
}

/* Nothing is ever applied in the database that is planned from, so each unit is worked out once. */
static void carry_out(struct plan *plan, const struct db *db)
{
	struct plan_unit *unit;
	enum plan_step step;
	int64_t revision = db_revision(db);

	plan_give_numbers(plan, plan_numbers_above(plan) + 1);
	while ((step = plan_next(plan, db, &unit)) == PLAN_UNIT || step == PLAN_MORE) {
		if (step == PLAN_MORE)
			continue;
		require(unit->n_ops > 0 && unit->n_ops <= PLAN_UNIT_OPS_MAX);
		require(unit->n_compares <= PLAN_UNIT_COMPARES_MAX);
		require(unit->bytes <= PLAN_UNIT_BYTES_MAX);
		plan_applied(plan, unit, revision);
	}
	require(step == PLAN_DONE);
	free(plan_report(plan));
	plan_free(plan);
}

static void restore(
	const json *content, const struct bundle *bundle, enum backup_mode mode, bool without)
{
	struct db *db = mode == BACKUP_INTO_EMPTY ? db_new(1) : small_db();
	struct backup *backup = backup_new(mode);
	struct restore_reader reader = {
		.backup = backup, .bundle = bundle, .without_secrets = without};

	read_part(&reader, json_get(content, "nodegroups"), false);
	read_part(&reader, json_get(content, "nodes"), true);
	while (backup_check(backup, db))
		;
	backup_each_problem(backup, on_problem, NULL);
	if (backup_problem_count(backup) == 0)
		carry_out(plan_new_restore(backup), db);
	else
		backup_free(backup);
	db_free(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle *bundle;
	json *content = NULL;

	if (json_parse((const char *)data, size, &content, NULL) < 0)
		return 0;
	bundle = bundle_new();
	bundle->id = xstrdup("5f0c");
	restore(content, bundle, BACKUP_INTO_EMPTY, true);
	restore(content, bundle, BACKUP_MERGE, true);
	restore(content, bundle, BACKUP_REPLACE, false);
	bundle_free(bundle);
	json_wipe(content);
	return 0;
}
