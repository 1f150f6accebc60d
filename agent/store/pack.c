#include "config.h"
#include "store/pack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/macros.h"

#define KV_HEAD	     28 /* three revisions and the length of the key */
#define MARK_VERSION 1

/* Any numbers do: what they guard against is no adversary. */
static const struct hash_key key_a = {0x636f6c6c65637469, 0x766520636f707920};
static const struct hash_key key_b = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};
static const struct hash_key key_mark = {0x94d049bb133111eb, 0x6d61726b6d61726b};

static void put_number(char *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(unsigned char)(value >> 8 * i);
}

static uint64_t get_number(const char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i-- > 0;)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

/* ---- sums ---- */

uint64_t store_hash(const void *bytes, size_t len)
{
	return hash_bytes(&key_a, bytes, len);
}

void store_sum_add(struct store_sum *sum, const void *bytes, size_t len)
{
	sum->n++;
	sum->a += hash_bytes(&key_a, bytes, len);
	sum->b += hash_bytes(&key_b, bytes, len);
}

void store_sum_remove(struct store_sum *sum, const void *bytes, size_t len)
{
	sum->n--;
	sum->a -= hash_bytes(&key_a, bytes, len);
	sum->b -= hash_bytes(&key_b, bytes, len);
}

bool store_sum_equal(const struct store_sum *x, const struct store_sum *y)
{
	return x->n == y->n && x->a == y->a && x->b == y->b;
}

/* ---- packing ---- */

static char *open_frame(struct buf *b, char tag, size_t len)
{
	char *at;

	if (len > STORE_FRAME_MAX)
		return NULL;
	at = buf_reserve(b, STORE_FRAME_HEAD + len);
	if (!at)
		return NULL;
	at[0] = tag;
	put_number(at + 1, len, 4);
	b->len += STORE_FRAME_HEAD + len;
	b->data[b->len] = '\0';
	return at + STORE_FRAME_HEAD;
}

int store_pack_frame(struct buf *b, char tag, const void *bytes, size_t len)
{
	char *at = open_frame(b, tag, len);

	if (!at)
		return -EMSGSIZE;
	if (len)
		memcpy(at, bytes, len);
	return 0;
}

int store_pack_put(struct buf *b, const struct store_kv *kv)
{
	char *at;

	if (kv->key_len > STORE_FRAME_MAX || kv->value_len > STORE_FRAME_MAX)
		return -EMSGSIZE;
	at = open_frame(b, 'P', KV_HEAD + kv->key_len + kv->value_len);
	if (!at)
		return -EMSGSIZE;
	put_number(at, (uint64_t)kv->create_revision, 8);
	put_number(at + 8, (uint64_t)kv->mod_revision, 8);
	put_number(at + 16, (uint64_t)kv->lease, 8);
	put_number(at + 24, kv->key_len, 4);
	if (kv->key_len)
		memcpy(at + KV_HEAD, kv->key, kv->key_len);
	if (kv->value_len)
		memcpy(at + KV_HEAD + kv->key_len, kv->value, kv->value_len);
	return 0;
}

int store_pack_delete(struct buf *b, const char *key, size_t key_len)
{
	return store_pack_frame(b, 'D', key, key_len);
}

int store_unpack_kv(struct store_kv *ret, const void *bytes, size_t len)
{
	const char *at = bytes;
	size_t key_len;

	if (len < KV_HEAD)
		return -EBADMSG;
	key_len = get_number(at + 24, 4);
	if (key_len > len - KV_HEAD)
		return -EBADMSG;
	*ret = (struct store_kv){
		.key = at + KV_HEAD,
		.key_len = key_len,
		.value = at + KV_HEAD + key_len,
		.value_len = len - KV_HEAD - key_len,
		.create_revision = (int64_t)get_number(at, 8),
		.mod_revision = (int64_t)get_number(at + 8, 8),
		.lease = (int64_t)get_number(at + 16, 8),
	};
	return 0;
}

/* Version, the mark, the sum, and a hash over all of that: eight bytes each but for the id. */
void store_pack_mark(
	char ret[STORE_MARK_BYTES], const struct store_mark *mark, const struct store_sum *sum)
{
	const uint64_t numbers[] = {mark->cluster_id, mark->raft_term, (uint64_t)mark->revision,
		(uint64_t)mark->wall, sum->n, sum->a, sum->b};
	char *at = ret + 8 + STORE_ID_MAX;

	memset(ret, 0, STORE_MARK_BYTES);
	put_number(ret, MARK_VERSION, 8);
	memcpy(ret + 8, mark->collective_id, strnlen(mark->collective_id, STORE_ID_MAX - 1));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++, at += 8)
		put_number(at, numbers[i], 8);
	put_number(at, hash_bytes(&key_mark, ret, STORE_MARK_BYTES - 8), 8);
}

int store_unpack_mark(struct store_mark *mark, struct store_sum *sum, const void *bytes, size_t len,
	struct err *err)
{
	const char *at = bytes;
	const char *numbers = at + 8 + STORE_ID_MAX;

	if (len < 8 || get_number(at, 8) != MARK_VERSION)
		return err_set(err, -EBADMSG, "its mark is of no format that is known here");
	if (len != STORE_MARK_BYTES || at[8 + STORE_ID_MAX - 1] != '\0' ||
		get_number(at + STORE_MARK_BYTES - 8, 8) !=
			hash_bytes(&key_mark, at, STORE_MARK_BYTES - 8))
		return err_set(err, -EBADMSG, "its mark is damaged");
	*mark = (struct store_mark){
		.cluster_id = get_number(numbers, 8),
		.raft_term = get_number(numbers + 8, 8),
		.revision = (int64_t)get_number(numbers + 16, 8),
		.wall = (usec_t)get_number(numbers + 24, 8),
	};
	memcpy(mark->collective_id, at + 8, STORE_ID_MAX);
	*sum = (struct store_sum){
		.n = get_number(numbers + 32, 8),
		.a = get_number(numbers + 40, 8),
		.b = get_number(numbers + 48, 8),
	};
	return 0;
}

/* ---- unpacking ---- */

bool store_next_frame(const char **at, size_t *left, struct store_frame *ret)
{
	size_t len;

	if (*left < STORE_FRAME_HEAD)
		return false;
	len = get_number(*at + 1, 4);
	if (len > STORE_FRAME_MAX || len > *left - STORE_FRAME_HEAD)
		return false;
	*ret = (struct store_frame){.tag = **at, .bytes = *at + STORE_FRAME_HEAD, .len = len};
	*at += STORE_FRAME_HEAD + len;
	*left -= STORE_FRAME_HEAD + len;
	return true;
}

size_t store_whole_frames(const char *at, size_t len, size_t max)
{
	const char *next = at;
	size_t left = len;
	size_t whole = 0;
	struct store_frame frame;

	while (store_next_frame(&next, &left, &frame) && (!whole || len - left <= max))
		whole = len - left;
	return whole;
}

/* ---- judging a stream ---- */

static int damaged(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "it is damaged: %s", what);
}

/* The first byte says what kind of failure it is, the rest is a text. */
static int unpack_failure(const struct store_frame *frame, struct err *err)
{
	int rc = -EIO;

	if (frame->len < 2 || !frame->bytes[1])
		return damaged(err, "it could not be read, and why is missing");
	if (frame->bytes[0] == 'n')
		rc = -ENOENT;
	else if (frame->bytes[0] == 'd')
		rc = -EBADMSG;
	return err_set(err, rc, "%.*s", (int)MIN(frame->len - 1, ERR_TEXT_MAX), frame->bytes + 1);
}

int store_reader_init(struct store_reader *ret, const char *bytes, size_t len,
	const char *collective_id, struct err *err)
{
	const size_t magic = sizeof(STORE_STREAM_MAGIC) - 1;
	struct store_frame frame;
	int rc;

	if (len < magic || memcmp(bytes, STORE_STREAM_MAGIC, magic) != 0)
		return damaged(err, "nothing that makes sense could be read from it");
	*ret = (struct store_reader){.at = bytes + magic, .left = len - magic};
	if (!store_next_frame(&ret->at, &ret->left, &frame))
		return damaged(err, "reading ended early");
	if (frame.tag == 'X')
		return unpack_failure(&frame, err);
	if (frame.tag != 'M')
		return damaged(err, "it has no mark");
	rc = store_unpack_mark(&ret->mark, &ret->expected, frame.bytes, frame.len, err);
	if (rc < 0)
		return rc;
	if (strncmp(ret->mark.collective_id, collective_id, STORE_ID_MAX) != 0)
		return err_set(
			err, -EBADMSG, "it is of another collective (%s)", ret->mark.collective_id);
	if (ret->mark.revision <= 0)
		return damaged(err, "its mark has no revision");
	return 0;
}

static int end_of_stream(const struct store_reader *reader, struct err *err)
{
	if (reader->left)
		return damaged(err, "something follows its end");
	if (!store_sum_equal(&reader->seen, &reader->expected))
		return damaged(err, "its keys are not those that were written");
	return 0;
}

int store_reader_next(struct store_reader *reader, struct store_kv *ret, struct err *err)
{
	struct store_frame frame;
	int rc;

	if (!store_next_frame(&reader->at, &reader->left, &frame))
		return damaged(err, "reading ended early");
	if (frame.tag == 'X')
		return unpack_failure(&frame, err);
	if (frame.tag == 'Z')
		return end_of_stream(reader, err);
	if (frame.tag != 'P' || store_unpack_kv(ret, frame.bytes, frame.len) < 0)
		return damaged(err, "what was read from it makes no sense");
	if (ret->mod_revision <= 0 || ret->create_revision <= 0 ||
		ret->create_revision > ret->mod_revision ||
		ret->mod_revision > reader->mark.revision)
		return damaged(err, "a key has a revision that can't be");
	store_sum_add(&reader->seen, frame.bytes, frame.len);
	rc = reader->seen.n > reader->expected.n ? damaged(err, "it has too many keys") : 1;
	return rc;
}
