/*
 * Keys and changes as bytes: what is handed to the thread that writes them, and the stream in which
 * the reading process (store_read()) gives a copy to the agent.
 *
 * A frame is a tag, four bytes of length (least significant first, like all numbers here) and that
 * many bytes: 'P' a key with its value, 'D' a key that is gone, 'M' the mark, 'X' why there is no copy,
 * 'Z' the end. A stream is STORE_STREAM_MAGIC and one 'X', or one 'M', all the 'P' and one 'Z'.
 *
 * A sum over a set of keys does not depend on their order, and changes when any of them is lost,
 * doubled or different; the mark holds that of the whole file and is hashed itself. So a stream is
 * judged by what is in it, whatever happened to the file, to the process that read it or on the way.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

/* One more than any key with its value that etcd takes (--max-request-bytes) is sensibly set to. */
#define STORE_FRAME_MAX	   ((size_t)64 << 20)
#define STORE_FRAME_HEAD   5
#define STORE_STREAM_MAGIC "collective copy 1\n"

/* ---- sums ---- */

struct store_sum {
	uint64_t n, a, b;
};

/* The bytes are those of a 'P'. */
void store_sum_add(struct store_sum *sum, const void *bytes, size_t len);
void store_sum_remove(struct store_sum *sum, const void *bytes, size_t len);
bool store_sum_equal(const struct store_sum *x, const struct store_sum *y);
/* Of the bytes alone. */
uint64_t store_hash(const void *bytes, size_t len);

/* ---- packing: -EMSGSIZE past b's ceiling or STORE_FRAME_MAX ---- */

int store_pack_put(struct buf *b, const struct store_kv *kv) MUST_CHECK;
int store_pack_delete(struct buf *b, const char *key, size_t key_len) MUST_CHECK;
int store_pack_frame(struct buf *b, char tag, const void *bytes, size_t len) MUST_CHECK;

/* What is inside an 'M'. */
#define STORE_MARK_BYTES 136
void store_pack_mark(
	char ret[STORE_MARK_BYTES], const struct store_mark *mark, const struct store_sum *sum);
/* -EBADMSG: damaged, or of another format. */
int store_unpack_mark(struct store_mark *mark, struct store_sum *sum, const void *bytes, size_t len,
	struct err *err) MUST_CHECK;
/* Of what is inside a 'P'; points into bytes. */
int store_unpack_kv(struct store_kv *ret, const void *bytes, size_t len) MUST_CHECK;

/* ---- unpacking ---- */

struct store_frame {
	char tag;
	const char *bytes;
	size_t len;
};

/* Takes the first frame off; false: there is no whole one. */
bool store_next_frame(const char **at, size_t *left, struct store_frame *ret);
/* How much of it is whole frames of together at most max bytes, but at least one frame. */
size_t store_whole_frames(const char *at, size_t len, size_t max);

/* ---- judging a stream ---- */

struct store_reader {
	const char *at;
	size_t left;
	struct store_mark mark;
	struct store_sum expected, seen;
};

/* The bytes must live as long as the reader. -ENOENT: there is no copy; -EBADMSG: it is damaged, or
 * not of that collective; other: it could not be read. */
int store_reader_init(struct store_reader *ret, const char *bytes, size_t len,
	const char *collective_id, struct err *err) MUST_CHECK;
/* 1: *ret points into the bytes; 0: that was all, and all is well; -EBADMSG: what was given out so
 * far must be forgotten. */
int store_reader_next(
	struct store_reader *reader, struct store_kv *ret, struct err *err) MUST_CHECK;

#endif
