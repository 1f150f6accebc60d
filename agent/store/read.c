/*
 * The reading process. The file is mapped and read as LMDB finds it; whatever is wrong with it may end
 * this process with a signal, which its parent takes for what it is. What can be told is told as an
 * 'X', after which nothing that came before it counts.
 */
#include "config.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/pack.h"
#include "store/private.h"

/* Written when full; a record may be longer than that. */
#define PIECE	    ((size_t)256 << 10)
#define PIPE_SIZE   (1 << 20)
#define CPU_SECONDS 60

struct out {
	int fd;
	struct buf buf;
};

static int flush(struct out *out)
{
	size_t done = 0;

	while (done < out->buf.len) {
		ssize_t n = write(out->fd, out->buf.data + done, out->buf.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	buf_reset(&out->buf);
	return 0;
}

static int frame(struct out *out, char tag, const void *bytes, size_t len)
{
	int rc = store_pack_frame(&out->buf, tag, bytes, len);

	if (rc == 0 && out->buf.len >= PIECE)
		rc = flush(out);
	return rc;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "it is damaged: %s", what);
}

static int lmdb(int rc, struct err *err)
{
	return rc ? bad(err, mdb_strerror(rc)) : 0;
}

/* ---- reading ---- */

static int read_mark(
	struct out *out, MDB_txn *txn, MDB_dbi dbi, struct store_sum *sum, struct err *err)
{
	MDB_val key = {.mv_size = 1, .mv_data = (void *)(uintptr_t)STORE_MARK_KEY};
	struct store_mark mark;
	MDB_val value;
	int rc = lmdb(mdb_get(txn, dbi, &key, &value), err);

	if (rc == 0)
		rc = store_unpack_mark(&mark, sum, value.mv_data, value.mv_size, err);
	if (rc == 0)
		rc = frame(out, 'M', value.mv_data, value.mv_size);
	return rc;
}

static int read_record(struct out *out, const MDB_val *value, struct err *err)
{
	const char *bytes = value->mv_data;
	uint64_t hash;

	if (value->mv_size < sizeof(hash))
		return bad(err, "a record is too short");
	memcpy(&hash, bytes, sizeof(hash));
	bytes += sizeof(hash);
	if (hash != store_hash(bytes, value->mv_size - sizeof(hash)))
		return bad(err, "a record is not what was written");
	return frame(out, 'P', bytes, value->mv_size - sizeof(hash));
}

static bool is_mark(const MDB_val *key)
{
	return key->mv_size == 1 && *(const char *)key->mv_data == *STORE_MARK_KEY;
}

static int read_records(
	struct out *out, MDB_txn *txn, MDB_dbi dbi, uint64_t expected, struct err *err)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t n = 0;
	int rc = lmdb(mdb_cursor_open(txn, dbi, &cursor), err);

	if (rc < 0)
		return rc;
	/* the count bounds a tree that has become a circle */
	while (rc == 0 && n <= expected) {
		int got = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);

		if (got == MDB_NOTFOUND)
			break;
		rc = lmdb(got, err);
		if (rc < 0 || is_mark(&key))
			continue;
		n++;
		rc = read_record(out, &value, err);
	}
	mdb_cursor_close(cursor);
	if (rc == 0 && n != expected)
		rc = bad(err, "it has not as many keys as were written");
	return rc;
}

static int read_all(struct out *out, MDB_env *env, struct err *err)
{
	struct store_sum sum = {0};
	MDB_txn *txn;
	MDB_dbi dbi;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return lmdb(rc, err);
	rc = lmdb(mdb_dbi_open(txn, NULL, 0, &dbi), err);
	if (rc == 0)
		rc = read_mark(out, txn, dbi, &sum, err);
	if (rc == 0)
		rc = read_records(out, txn, dbi, sum.n, err);
	mdb_txn_abort(txn);
	return rc < 0 ? rc : frame(out, 'Z', NULL, 0);
}

/* A file that was cut is known as such before a page is missed. */
static int check_size(MDB_env *env, size_t size, struct err *err)
{
	MDB_envinfo info;
	MDB_stat stat;
	int rc = mdb_env_info(env, &info);

	if (rc == 0)
		rc = mdb_env_stat(env, &stat);
	if (rc)
		return lmdb(rc, err);
	if (info.me_last_pgno >= size / stat.ms_psize)
		return bad(err, "it is shorter than it was");
	return 0;
}

static int read_file(struct out *out, const char *folder, struct err *err)
{
	CLEANUP(freep) char *path = file_join(folder, STORE_FILE);
	MDB_env *env = NULL;
	size_t size;
	int rc = store_size(folder, &size, err);

	if (rc < 0)
		return rc;
	rc = mdb_env_create(&env);
	if (rc == 0)
		rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0600);
	if (rc == EACCES || rc == EPERM || rc == ENOMEM)
		err_errno(err, -rc, "cannot read %s", path);
	rc = rc == EACCES || rc == EPERM || rc == ENOMEM ? -rc : lmdb(rc, err);
	if (rc == 0)
		rc = check_size(env, size, err);
	if (rc == 0)
		rc = read_all(out, env, err);
	if (env)
		mdb_env_close(env);
	return rc;
}

static int tell(struct out *out, int rc, const struct err *err)
{
	char text[1 + ERR_TEXT_MAX];
	size_t len = strnlen(err->text, ERR_TEXT_MAX - 1);

	text[0] = rc == -ENOENT ? 'n' : rc == -EBADMSG ? 'd' : 'e';
	memcpy(text + 1, err->text, len);
	return frame(out, 'X', text, 1 + len);
}

int store_read(const char *folder, int fd)
{
	const struct rlimit no_core = {0, 0}, cpu = {CPU_SECONDS, CPU_SECONDS};
	struct out out = {.fd = fd, .buf = BUF_INIT(STORE_FRAME_MAX + 2 * PIECE)};
	struct err err = {""};
	int rc;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	rc = buf_str(&out.buf, STORE_STREAM_MAGIC);
	if (rc == 0)
		rc = read_file(&out, folder, &err);
	if (rc < 0)
		rc = tell(&out, rc, &err);
	if (rc == 0)
		rc = flush(&out);
	buf_done(&out.buf);
	return rc < 0 ? 1 : 0;
}
