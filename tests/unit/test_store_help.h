/*
 * What the tests of store/ share: a folder, a table of keys that is what a copy should hold, and a way
 * to read a copy as the agent does.
 */
#ifndef TESTS_UNIT_TEST_STORE_HELP_H
#define TESTS_UNIT_TEST_STORE_HELP_H

#include "base/buf.h"
#include "store/pack.h"
#include "store/store.h"

#define TABLE_MAX 64
#define TEXT_ROOM 700

/* What is in etcd, as it were. */
struct table {
	size_t n;
	struct {
		char key[TEXT_ROOM];
		char value[TEXT_ROOM];
		int64_t mod_revision;
	} at[TABLE_MAX];
	int64_t revision;
};

extern char folder[64];
extern struct err err;

void make_folder(void);
void remove_folder(void);
char *store_path(void); /* of the published file; free it */

/* Changes the table and adds that to what is to be applied. */
void table_put(struct table *table, struct buf *changes, const char *key, const char *value);
void table_delete(struct table *table, struct buf *changes, const char *key);
void table_pack(const struct table *table, struct buf *changes); /* all of it */
struct store_mark table_mark(const struct table *table);

/* A published copy of the table, closed again. */
void publish(const struct table *table);
/* store_read() into ret, in this very process. */
void read_stream(struct buf *ret);
/* The stream is exactly the table (0), or is refused (negative errno, err says why). Fails the test
 * where it is anything else. */
int judge(const struct buf *stream, const struct table *table);
/* Both. */
int reread(const struct table *table);

#endif
