#include "config.h"
#include "etcd/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

/* A message of which the events from `from` on wait for the rest of their revision. */
struct etcd_batch_held {
	struct etcd_watch_message message;
	size_t from;
};

void etcd_batch_init(struct etcd_batch *batch, int64_t applied)
{
	*batch = (struct etcd_batch){.applied = applied, .last = applied};
}

static void drop_held(struct etcd_batch *batch)
{
	for (size_t i = 0; i < batch->n_held; i++)
		etcd_watch_message_done(&batch->held[i].message);
	free(batch->held);
	batch->held = NULL;
	batch->n_held = 0;
	batch->held_bytes = 0;
}

void etcd_batch_done(struct etcd_batch *batch)
{
	drop_held(batch);
}

static void deliver(struct etcd_batch *batch, const struct etcd_watch_message *message, size_t from,
	size_t to, etcd_batch_fn *fn, void *arg)
{
	for (size_t i = from; i < to; i++)
		if (message->events[i].kv.mod_revision > batch->applied)
			fn(&message->events[i], arg);
}

static void deliver_held(struct etcd_batch *batch, etcd_batch_fn *fn, void *arg)
{
	for (size_t i = 0; i < batch->n_held; i++)
		deliver(batch, &batch->held[i].message, batch->held[i].from,
			batch->held[i].message.n_events, fn, arg);
	drop_held(batch);
}

static int check_order(
	const struct etcd_batch *batch, const struct etcd_watch_message *message, struct err *err)
{
	/* what was applied before may be sent again, so the order counts from there on */
	int64_t last = batch->n_held ? batch->last : 0;

	for (size_t i = 0; i < message->n_events; i++) {
		int64_t revision = message->events[i].kv.mod_revision;

		if (revision < last)
			return err_set(err, -EPROTO,
				"the watch sent revision %" PRId64 " after %" PRId64, revision,
				last);
		last = revision;
	}
	return 0;
}

static int hold(struct etcd_batch *batch, struct etcd_watch_message *message, size_t from,
	size_t bytes, struct err *err)
{
	if (bytes > ETCD_BATCH_HELD_MAX - batch->held_bytes)
		return err_set(err, -EMSGSIZE, "revision %" PRId64 " has more than %zu bytes",
			batch->last, ETCD_BATCH_HELD_MAX);
	batch->held = xrealloc(batch->held, batch->n_held + 1, sizeof(*batch->held));
	batch->held[batch->n_held++] = (struct etcd_batch_held){.message = *message, .from = from};
	batch->held_bytes += bytes;
	*message = (struct etcd_watch_message){0};
	return 0;
}

static int take(struct etcd_batch *batch, struct etcd_watch_message *message, size_t bytes,
	etcd_batch_fn *fn, void *arg, struct err *err)
{
	size_t complete = message->n_events;
	int64_t first;

	if (!message->n_events)
		return 0;
	if (check_order(batch, message, err) < 0)
		return -EPROTO;
	first = message->events[0].kv.mod_revision;
	if (batch->n_held && first > batch->last) {
		deliver_held(batch, fn, arg);
		batch->applied = MAX(batch->applied, batch->last);
	}
	batch->last = message->events[message->n_events - 1].kv.mod_revision;
	if (message->fragment) {
		while (complete && message->events[complete - 1].kv.mod_revision == batch->last)
			complete--;
	}
	if (complete) {
		deliver_held(batch, fn, arg);
		deliver(batch, message, 0, complete, fn, arg);
		batch->applied = MAX(batch->applied, message->events[complete - 1].kv.mod_revision);
	}
	if (complete < message->n_events)
		return hold(batch, message, complete, bytes, err);
	return 0;
}

int etcd_batch_take(struct etcd_batch *batch, struct etcd_watch_message *message, size_t bytes,
	etcd_batch_fn *fn, void *arg, struct err *err)
{
	int rc = take(batch, message, bytes, fn, arg, err);

	etcd_watch_message_done(message);
	return rc;
}
