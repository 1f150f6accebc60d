#include "config.h"
#include "tests/unit/test_store_help.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tests/lib/suite.h"

char folder[64];
struct err err;

void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	err_clear(&err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void remove_folder(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *store_path(void)
{
	return file_join(folder, "db");
}

static size_t find(const struct table *table, const char *key)
{
	size_t i = 0;

	while (i < table->n && strcmp(table->at[i].key, key) != 0)
		i++;
	return i;
}

static struct store_kv kv_of(const struct table *table, size_t i)
{
	return (struct store_kv){
		.key = table->at[i].key,
		.key_len = strlen(table->at[i].key),
		.value = table->at[i].value,
		.value_len = strlen(table->at[i].value),
		.create_revision = 1,
		.mod_revision = table->at[i].mod_revision,
		.lease = (int64_t)i,
	};
}

void table_put(struct table *table, struct buf *changes, const char *key, const char *value)
{
	size_t i = find(table, key);
	struct store_kv kv;

	ck_assert_uint_lt(i, TABLE_MAX);
	if (i == table->n)
		table->n++;
	snprintf(table->at[i].key, TEXT_ROOM, "%s", key);
	snprintf(table->at[i].value, TEXT_ROOM, "%s", value);
	table->at[i].mod_revision = ++table->revision;
	kv = kv_of(table, i);
	if (changes)
		ck_assert_int_eq(store_pack_put(changes, &kv), 0);
}

void table_delete(struct table *table, struct buf *changes, const char *key)
{
	size_t i = find(table, key);

	table->revision++;
	if (i < table->n) {
		table->n--;
		memmove(&table->at[i], &table->at[i + 1], (table->n - i) * sizeof(table->at[0]));
	}
	if (changes)
		ck_assert_int_eq(store_pack_delete(changes, key, strlen(key)), 0);
}

void table_pack(const struct table *table, struct buf *changes)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct store_kv kv = kv_of(table, i);

		ck_assert_int_eq(store_pack_put(changes, &kv), 0);
	}
}

struct store_mark table_mark(const struct table *table)
{
	return (struct store_mark){
		.collective_id = "c0ffee",
		.cluster_id = 0xfedcba9876543210,
		.raft_term = 7,
		.revision = table->revision,
		.wall = 1700000000 * USEC_PER_SEC,
	};
}

void publish(const struct table *table)
{
	CLEANUP(buf_done) struct buf changes = BUF_INIT(1 << 24);
	CLEANUP(store_closep) struct store *store = NULL;
	struct store_mark mark = table_mark(table);

	table_pack(table, &changes);
	ck_assert_msg(store_begin(&store, folder, &err) == 0, "%s", err.text);
	ck_assert_msg(store_apply(store, buf_cstr(&changes), changes.len, &mark, &err) == 0, "%s",
		err.text);
	ck_assert_msg(store_publish(store, &err) == 0, "%s", err.text);
}

void read_stream(struct buf *ret)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	char piece[4096];
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	buf_reset(ret);
	(void)store_read(folder, fd);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		ck_assert_int_eq(buf_add(ret, piece, (size_t)n), 0);
	close(fd);
}

static void check_key(const struct table *table, const struct store_kv *kv)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct store_kv own = kv_of(table, i);

		if (own.key_len != kv->key_len || memcmp(own.key, kv->key, kv->key_len) != 0)
			continue;
		ck_assert_uint_eq(own.value_len, kv->value_len);
		ck_assert_int_eq(memcmp(own.value, kv->value, kv->value_len), 0);
		ck_assert_int_eq(own.mod_revision, kv->mod_revision);
		return;
	}
	ck_abort_msg("a key that was never written: %.*s", (int)kv->key_len, kv->key);
}

int judge(const struct buf *stream, const struct table *table)
{
	struct store_mark mark = table_mark(table);
	struct store_reader reader;
	struct store_kv kv;
	size_t n = 0;
	int rc = store_reader_init(&reader, buf_cstr(stream), stream->len, "c0ffee", &err);

	if (rc < 0)
		return rc;
	while ((rc = store_reader_next(&reader, &kv, &err)) > 0)
		n++;
	if (rc < 0)
		return rc;
	/* it is said to be right: then it must be */
	ck_assert_uint_eq(n, table->n);
	ck_assert_int_eq(reader.mark.revision, mark.revision);
	ck_assert_int_eq(reader.mark.wall, mark.wall);
	ck_assert_uint_eq(reader.mark.cluster_id, mark.cluster_id);
	ck_assert_uint_eq(reader.mark.raft_term, mark.raft_term);
	ck_assert_int_eq(
		store_reader_init(&reader, buf_cstr(stream), stream->len, "c0ffee", &err), 0);
	while (store_reader_next(&reader, &kv, &err) > 0)
		check_key(table, &kv);
	return 0;
}

int reread(const struct table *table)
{
	CLEANUP(buf_done) struct buf stream = BUF_INIT(1 << 28);

	read_stream(&stream);
	return judge(&stream, table);
}
