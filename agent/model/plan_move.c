/*
 * Nodes and groups copied to another name: all keys of the one, as they are, put below the other.
 *
 * The unit holds when nothing was written below the old name since (one compare for all of it, which
 * finds new keys), nothing of it was deleted (a compare for each key), and nothing is below the new
 * name.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/expression.h"
#include "model/plan_private.h"

struct move {
	const struct db *db;
	const char *folder, *from, *to;
	struct unit *unit;
	struct err *err;
	uint32_t number;
	size_t skip; /* length of "nodes/n1/" */
	int rc;
};

/* As it is in etcd: braces that stand for themselves are doubled there. */
static void put_value(
	struct move *m, const char *key, const char *name, const struct db_value *value)
{
	const char *to = unit_key(m->unit, m->folder, m->to, name);
	const struct attribute *attribute = attribute_find(name);
	CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * ATTRIBUTE_VALUE_MAX);
	const char *text = value->text;
	size_t len = value->len;
	bool sealed = attribute && attribute->kind == ATTRIBUTE_SECRET;

	if (value->kind == DB_PLAIN && attribute && attribute->expression) {
		m->rc = expression_escape(value->text, value->len, &raw);
		if (m->rc < 0) {
			m->rc = err_errno(m->err, m->rc, "%s", key);
			return;
		}
		text = buf_cstr(&raw);
		len = raw.len;
	}
	unit_put(m->unit, to, unit_copy(m->unit, text, len), len,
		sealed ? PLAN_RESEAL : PLAN_CLEAR_TEXT, sealed ? key : NULL);
}

static void on_key(const char *key, size_t len, int64_t revision, bool usable, void *arg)
{
	struct move *m = arg;
	const char *copy, *name;
	char shown[TEXT_PRINTABLE_MAX];
	struct db_value value;
	bool found;

	if (m->rc < 0)
		return;
	copy = unit_copy(m->unit, key, len);
	name = copy + m->skip;
	unit_compare(m->unit, PLAN_MOD, copy, revision);
	/* these two are the caller's */
	if (text_eq(name, text_eq(m->folder, NODES) ? "groups" : "noderange"))
		return;
	usable = usable && strlen(copy) == len;
	found = text_eq(m->folder, NODES) ? db_node_own(m->db, m->number, name, &value)
					  : db_group_own(m->db, m->number, name, &value);
	if (!usable || !found)
		m->rc = err_set(m->err, -EINVAL,
			"the key %s can't be used, and would get lost: delete it first",
			text_printable(key, strlen(key), shown));
	else
		put_value(m, copy, name, &value);
}

int plan_move(const struct db *db, const char *folder, const char *from, const char *to,
	uint32_t number, struct unit *unit, struct err *err)
{
	const char *old = unit_key(unit, folder, from, ""), *new = unit_key(unit, folder, to, "");
	struct move m = {.db = db,
		.folder = folder,
		.from = from,
		.to = to,
		.unit = unit,
		.err = err,
		.number = number,
		.skip = strlen(old)};

	db_each_key(db, old, on_key, &m);
	if (m.rc < 0)
		return m.rc;
	unit_compare(unit, PLAN_UNCHANGED, old, db_revision(db));
	plan_compare_none(db, new, unit);
	return 0;
}
