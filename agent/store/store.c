/*
 * The happy path: each store_apply() is one LMDB transaction. The sum over all keys is kept in memory
 * and goes down with the mark: what a change replaces is read first and taken off it.
 *
 * What can go wrong: the map is full (it is doubled, and the transaction made again); the disk is full
 * or fails (the transaction is given up; where that leaves LMDB's environment unusable, it is opened
 * again, once, and must be at the commit that it was left at).
 */
#include "config.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/pack.h"
#include "store/private.h"

/* Room to grow into, not memory; doubled when it is used up. */
#define MAP_FIRST ((size_t)32 << 20)
#define MAP_LAST  (SIZE_MAX / 4)

struct store {
	char *folder;
	char *path; /* of the file now */
	MDB_env *env;
	MDB_dbi dbi;
	size_t map;
	bool published;
	struct store_sum sum; /* of what is committed */
};

/* A transaction under way. */
struct change {
	struct store *store;
	MDB_txn *txn;
	struct store_sum sum;
};

static int lmdb_error(int rc)
{
	if (rc > 0)
		return -rc;
	switch (rc) {
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_BAD_TXN:
	case MDB_PANIC:
		return -EBADMSG;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static int failed(const struct store *store, int rc, const char *what, struct err *err)
{
	return err_set(
		err, lmdb_error(rc), "cannot %s %s: %s", what, store->path, mdb_strerror(rc));
}

/* ---- one transaction ---- */

/* buffer holds what is made up. */
static MDB_val record_key(const char *key, size_t len, char buffer[1 + STORE_KEY_MAX])
{
	struct store_sum sum = {0};

	if (len <= STORE_KEY_MAX) {
		buffer[0] = 'k';
		memcpy(buffer + 1, key, len);
		return (MDB_val){.mv_size = 1 + len, .mv_data = buffer};
	}
	store_sum_add(&sum, key, len);
	buffer[0] = 'l';
	memcpy(buffer + 1, &sum.a, sizeof(sum.a));
	memcpy(buffer + 1 + sizeof(sum.a), &sum.b, sizeof(sum.b));
	return (MDB_val){.mv_size = 1 + sizeof(sum.a) + sizeof(sum.b), .mv_data = buffer};
}

/* Takes what is there under the key off the sum. 0 or one of LMDB's. */
static int forget(struct change *c, MDB_val *key)
{
	MDB_val old;
	uint64_t hash;
	int rc = mdb_get(c->txn, c->store->dbi, key, &old);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return rc;
	if (old.mv_size < sizeof(hash))
		return MDB_CORRUPTED;
	memcpy(&hash, old.mv_data, sizeof(hash));
	old.mv_data = (char *)old.mv_data + sizeof(hash);
	old.mv_size -= sizeof(hash);
	if (hash != store_hash(old.mv_data, old.mv_size))
		return MDB_CORRUPTED;
	store_sum_remove(&c->sum, old.mv_data, old.mv_size);
	return 0;
}

static void fill(MDB_val *room, const struct store_frame *frame)
{
	uint64_t hash = store_hash(frame->bytes, frame->len);

	memcpy(room->mv_data, &hash, sizeof(hash));
	memcpy((char *)room->mv_data + sizeof(hash), frame->bytes, frame->len);
}

static int put(struct change *c, const struct store_frame *frame)
{
	char buffer[1 + STORE_KEY_MAX];
	MDB_val room = {.mv_size = STORE_HASH_SIZE + frame->len};
	struct store_kv kv;
	MDB_val key;
	int rc;

	if (store_unpack_kv(&kv, frame->bytes, frame->len) < 0)
		return EINVAL;
	key = record_key(kv.key, kv.key_len, buffer);
	/* a listing comes in order, and then this is all there is to do */
	rc = mdb_put(c->txn, c->store->dbi, &key, &room, MDB_RESERVE | MDB_APPEND);
	if (rc == MDB_KEYEXIST) {
		room = (MDB_val){.mv_size = STORE_HASH_SIZE + frame->len};
		rc = forget(c, &key);
		if (rc == 0)
			rc = mdb_put(c->txn, c->store->dbi, &key, &room, MDB_RESERVE);
	}
	if (rc == 0) {
		fill(&room, frame);
		store_sum_add(&c->sum, frame->bytes, frame->len);
	}
	return rc;
}

static int delete (struct change *c, const struct store_frame *frame)
{
	char buffer[1 + STORE_KEY_MAX];
	MDB_val key = record_key(frame->bytes, frame->len, buffer);
	int rc = forget(c, &key);

	if (rc == 0)
		rc = mdb_del(c->txn, c->store->dbi, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int put_mark(struct change *c, const struct store_mark *mark)
{
	char bytes[STORE_MARK_BYTES];
	MDB_val key = {.mv_size = 1, .mv_data = (void *)(uintptr_t)STORE_MARK_KEY};
	MDB_val value = {.mv_size = sizeof(bytes), .mv_data = bytes};

	store_pack_mark(bytes, mark, &c->sum);
	return mdb_put(c->txn, c->store->dbi, &key, &value, 0);
}

static int carry_out(
	struct change *c, const char *changes, size_t len, const struct store_mark *mark)
{
	struct store_frame frame;
	int rc = 0;

	while (rc == 0 && store_next_frame(&changes, &len, &frame)) {
		if (frame.tag == 'P')
			rc = put(c, &frame);
		else if (frame.tag == 'D')
			rc = delete (c, &frame);
		else
			rc = EINVAL;
	}
	if (rc == 0 && len)
		rc = EINVAL;
	if (rc == 0 && mark)
		rc = put_mark(c, mark);
	return rc;
}

static int transact(
	struct store *store, const void *changes, size_t len, const struct store_mark *mark)
{
	struct change c = {.store = store, .sum = store->sum};
	int rc = mdb_txn_begin(store->env, NULL, 0, &c.txn);

	if (rc)
		return rc;
	if (!store->dbi)
		rc = mdb_dbi_open(c.txn, NULL, 0, &store->dbi);
	if (rc == 0)
		rc = carry_out(&c, changes, len, mark);
	if (rc) {
		mdb_txn_abort(c.txn);
		return rc;
	}
	rc = mdb_txn_commit(c.txn);
	if (rc == 0)
		store->sum = c.sum;
	return rc;
}

/* ---- the environment ---- */

static int open_env(struct store *store)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NOMEMINIT;
	int rc = mdb_env_create(&store->env);

	flags |= store->published ? MDB_NOMETASYNC : MDB_NOSYNC;
	if (rc == 0)
		rc = mdb_env_set_mapsize(store->env, store->map);
	if (rc == 0)
		rc = mdb_env_open(store->env, store->path, flags, 0600);
	return rc;
}

static void close_env(struct store *store)
{
	if (store->env)
		mdb_env_close(store->env);
	store->env = NULL;
	store->dbi = 0;
}

/* The file must be at the commit that it was left at. */
static int check_mark(struct store *store)
{
	MDB_val key = {.mv_size = 1, .mv_data = (void *)(uintptr_t)STORE_MARK_KEY};
	struct store_mark mark;
	struct store_sum sum;
	MDB_txn *txn;
	MDB_val value;
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &store->dbi);
	if (rc == 0)
		rc = mdb_get(txn, store->dbi, &key, &value);
	if (rc == 0 && (store_unpack_mark(&mark, &sum, value.mv_data, value.mv_size, NULL) < 0 ||
			       !store_sum_equal(&sum, &store->sum)))
		rc = MDB_CORRUPTED;
	mdb_txn_abort(txn);
	store->dbi = 0;
	return rc;
}

static int open_again(struct store *store)
{
	int rc;

	if (!store->published)
		return MDB_PANIC;
	close_env(store);
	rc = open_env(store);
	if (rc == 0)
		rc = check_mark(store);
	return rc;
}

static int grow(struct store *store)
{
	int rc;

	if (store->map > MAP_LAST)
		return MDB_MAP_FULL;
	rc = mdb_env_set_mapsize(store->env, store->map * 2);
	if (rc == 0)
		store->map *= 2;
	return rc;
}

/* ---- the store ---- */

int store_begin(struct store **ret, const char *folder, struct err *err)
{
	CLEANUP(store_closep) struct store *store = xcalloc(1, sizeof(*store));
	int rc;

	store->folder = xstrdup(folder);
	store->path = file_join(folder, STORE_FILE_NEW);
	store->map = MAP_FIRST;
	rc = file_make_folder(folder, 0700, err);
	if (rc < 0)
		return rc;
	if (unlink(store->path) < 0 && errno != ENOENT)
		return err_errno(err, -errno, "cannot remove %s", store->path);
	rc = open_env(store);
	if (rc)
		return failed(store, rc, "create", err);
	*ret = TAKE(store);
	return 0;
}

int store_apply(struct store *store, const void *changes, size_t len, const struct store_mark *mark,
	struct err *err)
{
	bool reopened = false;
	int rc = store->env ? transact(store, changes, len, mark) : MDB_PANIC;

	while (rc == MDB_MAP_FULL || (rc == MDB_PANIC && !reopened)) {
		if (rc == MDB_PANIC) {
			reopened = true;
			rc = open_again(store);
		} else {
			rc = grow(store);
			if (rc == MDB_MAP_FULL)
				break;
		}
		if (rc == 0)
			rc = transact(store, changes, len, mark);
	}
	return rc ? failed(store, rc, "write", err) : 0;
}

static int sync_folder(const struct store *store, struct err *err)
{
	int fd = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc < 0 ? err_errno(err, rc, "cannot sync the folder %s", store->folder) : 0;
}

int store_publish(struct store *store, struct err *err)
{
	CLEANUP(freep) char *path = file_join(store->folder, STORE_FILE);
	int rc = mdb_env_sync(store->env, 1);

	if (rc == 0)
		rc = mdb_env_set_flags(store->env, MDB_NOSYNC, 0);
	if (rc == 0)
		rc = mdb_env_set_flags(store->env, MDB_NOMETASYNC, 1);
	if (rc)
		return failed(store, rc, "write", err);
	if (rename(store->path, path) < 0)
		return err_errno(err, -errno, "cannot rename %s to %s", store->path, path);
	free(store->path);
	store->path = TAKE(path);
	store->published = true;
	return sync_folder(store, err);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->env && store->published)
		(void)mdb_env_sync(store->env, 1);
	close_env(store);
	if (!store->published && store->path)
		(void)unlink(store->path);
	free(store->folder);
	free(store->path);
	free(store);
}

/* ---- the folder ---- */

int store_size(const char *folder, size_t *ret, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, STORE_FILE);
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_errno(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EBADMSG, "%s is no regular file", path);
	*ret = (size_t)st.st_size;
	return 0;
}

uint64_t store_room(const char *folder)
{
	struct statvfs vfs;

	if (statvfs(folder, &vfs) < 0)
		return 0;
	return (uint64_t)vfs.f_bavail * vfs.f_frsize;
}
