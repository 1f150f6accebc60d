/* libs: etcd io wire base; pkg: CURL CJSON EVENT SSL CRYPTO */
/*
 * The body of a watch, in pieces of a size that the first byte says, through splitter, codec and
 * batch. However it is cut, the same events must come, in order, each once.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "etcd/batch.h"
#include "etcd/codec.h"
#include "etcd/frames.h"

#define MESSAGE_MAX 65536
#define APPLIED	    5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

/* What was delivered, as a sum that depends on the order. */
struct sum {
	uint64_t hash;
	int64_t last;
	size_t messages;
};

static void mix(struct sum *sum, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum->hash = (sum->hash ^ (unsigned char)data[i]) * 0x100000001b3;
}

static void on_event(const struct etcd_event *event, void *arg)
{
	struct sum *sum = arg;

	require(event->kv.mod_revision > APPLIED && event->kv.mod_revision >= sum->last);
	sum->last = event->kv.mod_revision;
	mix(sum, event->kv.key, event->kv.key_len);
	mix(sum, event->kv.value, event->kv.value_len);
	mix(sum, (const char *)&event->kv.mod_revision, sizeof(event->kv.mod_revision));
	mix(sum, event->deleted ? "-" : "+", 1);
}

static int take(struct etcd_batch *batch, const char *line, size_t len, struct sum *sum)
{
	struct etcd_watch_message message = {.n_events = 0};
	int64_t before = batch->applied;
	struct err err = {""};
	char *copy = xmemdup(line, len);
	int rc = etcd_decode_watch(&message, copy, len, &err);

	free(copy);
	if (rc < 0) {
		require(*err.text != '\0');
		return rc;
	}
	sum->messages++;
	require(!message.failed || *message.error.text);
	rc = etcd_batch_take(batch, &message, len, on_event, sum, &err);
	require(batch->applied >= before && sum->last <= MAX(batch->applied, APPLIED));
	return rc;
}

static struct sum feed(const char *data, size_t len, size_t piece)
{
	struct sum sum = {.hash = 1};
	struct etcd_frames frames;
	struct etcd_batch batch;
	const char *line;
	size_t line_len;
	int rc = 0;

	etcd_frames_init(&frames, MESSAGE_MAX);
	etcd_batch_init(&batch, APPLIED);
	for (size_t at = 0; at < len && rc >= 0; at += piece) {
		rc = etcd_frames_add(&frames, data + at, MIN(piece, len - at), NULL);
		while (rc >= 0) {
			rc = etcd_frames_next(&frames, &line, &line_len, NULL);
			if (rc == 0)
				break;
			if (rc > 0)
				rc = take(&batch, line, line_len, &sum);
		}
	}
	etcd_batch_done(&batch);
	etcd_frames_done(&frames);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, cut;

	/* below the ceiling of a message, where the size of the pieces has no say */
	if (size < 2 || size > MESSAGE_MAX)
		return 0;
	whole = feed((const char *)data + 1, size - 1, size);
	cut = feed((const char *)data + 1, size - 1, (size_t)data[0] + 1);
	require(whole.hash == cut.hash && whole.messages == cut.messages && whole.last == cut.last);
	return 0;
}
