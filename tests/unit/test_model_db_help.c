#include "config.h"
#include "tests/unit/test_model_db.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

int put_err(struct db *db, const char *key, const char *value, struct err *err)
{
	int64_t revision = db_revision(db) + 1;

	db_set_revision(db, revision);
	return db_put(db, key, strlen(key), value, strlen(value), revision, err);
}

int put(struct db *db, const char *key, const char *value)
{
	return put_err(db, key, value, NULL);
}

void drop(struct db *db, const char *key)
{
	db_set_revision(db, db_revision(db) + 1);
	db_delete(db, key, strlen(key));
}

const char *text_of(const struct db *db, const char *node, const char *name)
{
	static char text[1024];
	CLEANUP(buf_done) struct buf out = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	struct db_value value;
	struct err err;
	uint32_t number;
	int rc;

	if (!db_node_find(db, node, &number))
		ck_abort_msg("no node %s", node);
	if (!db_node_value(db, number, name, &value))
		return "(unset)";
	rc = db_node_text(db, number, &value, &out, &err);
	if (rc == -EACCES)
		return "(hidden)";
	if (rc < 0)
		snprintf(text, sizeof(text), "(broken: %.900s)", err.text);
	else
		snprintf(text, sizeof(text), "%.1000s", buf_cstr(&out));
	return text;
}

const char *groups_of(const struct db *db, const char *node)
{
	static char list[1024];
	const uint32_t *groups;
	uint32_t number;
	size_t n;

	if (!db_node_find(db, node, &number))
		ck_abort_msg("no node %s", node);
	n = db_node_groups(db, number, &groups);
	list[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list);

		snprintf(list + len, sizeof(list) - len, "%s%s", i ? "," : "",
			db_group_name(db, groups[i]));
	}
	return list;
}

/* Knuth's linear congruential generator; the high bits are the good ones. */
unsigned pick(uint64_t *seed, unsigned limit)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((*seed >> 33) % limit);
}
