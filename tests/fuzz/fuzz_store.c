/* libs: store base; pkg: LMDB */
/*
 * The stream in which a process gives out what it read from a copy on disk. The first byte chooses:
 * the stream as it is; or the rest as changes, which are put into a stream that is right, so that
 * what is behind the sums is reached, too. What is said to be right must be so: as many keys as
 * its mark says, each of a revision that can be.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/pack.h"

#define ROOM ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

static int read_all(const char *bytes, size_t len)
{
	struct err err = {""};
	struct store_reader reader;
	struct store_kv kv;
	uint64_t n = 0;
	int rc = store_reader_init(&reader, bytes, len, "id", &err);

	while (rc >= 0 && (rc = store_reader_next(&reader, &kv, &err)) > 0) {
		n++;
		must(kv.mod_revision > 0 && kv.mod_revision <= reader.mark.revision);
		must(kv.key >= bytes && kv.value + kv.value_len <= bytes + len);
	}
	must(rc == 0 || *err.text);
	must(rc < 0 || n == reader.expected.n);
	return rc;
}

/* Whatever is a key and a value goes in and must come out. */
static void round_trip(const char *bytes, size_t len)
{
	const struct store_mark mark = {.collective_id = "id", .revision = INT64_MAX};
	char mark_bytes[STORE_MARK_BYTES];
	struct buf stream = BUF_INIT(ROOM), keys = BUF_INIT(ROOM);
	struct store_sum sum = {0};
	struct store_frame frame;
	struct store_kv kv;
	bool usable = true;

	while (store_next_frame(&bytes, &len, &frame)) {
		if (frame.tag != 'P' || store_unpack_kv(&kv, frame.bytes, frame.len) < 0)
			continue;
		usable &= kv.create_revision > 0 && kv.create_revision <= kv.mod_revision;
		store_sum_add(&sum, frame.bytes, frame.len);
		must(store_pack_put(&keys, &kv) == 0);
	}
	store_pack_mark(mark_bytes, &mark, &sum);
	must(buf_str(&stream, STORE_STREAM_MAGIC) == 0);
	must(store_pack_frame(&stream, 'M', mark_bytes, sizeof(mark_bytes)) == 0);
	must(buf_add(&stream, buf_cstr(&keys), keys.len) == 0);
	must(store_pack_frame(&stream, 'Z', NULL, 0) == 0);
	must((read_all(stream.data, stream.len) == 0) == usable);
	buf_done(&stream);
	buf_done(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size < 1 || size > ROOM / 4)
		return 0;
	/* its own memory, so that a read behind its end is seen */
	copy = malloc(size);
	must(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		(void)read_all(copy, size - 1);
	else
		round_trip(copy, size - 1);
	free(copy);
	return 0;
}
