#include "config.h"
#include "write/writer_slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/loop.h"

#define LANE	    "write"
#define FIRST_PAUSE (50 * USEC_PER_MSEC)
#define LAST_PAUSE  (800 * USEC_PER_MSEC)
#define CLOSED	    "closed"

enum step {
	STEP_NONE,
	STEP_LEARN, /* read the slot: its mod_revision is not known yet */
	STEP_SEND,
	STEP_CLOSE,
	STEP_LOOK, /* read the slot: etcd is out of space and takes no mark */
};

struct writer_slot {
	struct loop *loop;
	struct etcd *etcd;
	char *key;
	char *run;
	uint64_t count;
	int64_t mod; /* of the slot, as far as is known; -1: not yet */

	enum step step;
	struct etcd_txn *txn;
	char *id;
	bool dressed;  /* the slot's own compare and operations are in txn */
	bool doubt;    /* it may have been applied, or be applied later */
	bool answered; /* etcd has answered it, though not said whether it was applied */
	bool hurry;
	struct etcd_call *call;
	struct loop_timer *again;
	usec_t pause;
	char *why; /* what came last from etcd */
	writer_slot_fn *done;
	void *arg;
};

static void on_again(void *arg);

struct writer_slot *writer_slot_new(
	struct loop *loop, struct etcd *etcd, const char *key, const char *run)
{
	struct writer_slot *slot = xcalloc(1, sizeof(*slot));

	slot->loop = loop;
	slot->etcd = etcd;
	slot->key = xstrdup(key);
	slot->run = xstrdup(run);
	slot->mod = -1;
	slot->again = loop_timer_new(loop, "writer slot", on_again, slot);
	return slot;
}

static void clear(struct writer_slot *slot)
{
	etcd_txn_free(TAKE(slot->txn));
	free(TAKE(slot->id));
	free(TAKE(slot->why));
	loop_timer_at(slot->again, USEC_NEVER);
	slot->step = STEP_NONE;
	slot->dressed = slot->doubt = slot->answered = slot->hurry = false;
	slot->pause = FIRST_PAUSE;
}

void writer_slot_free(struct writer_slot *slot)
{
	if (!slot)
		return;
	etcd_cancel(slot->call);
	clear(slot);
	loop_timer_free(slot->again);
	free(slot->key);
	free(slot->run);
	free(slot);
}

static void finish(struct writer_slot *slot, enum writer_end end, int64_t revision)
{
	CLEANUP(freep) char *why = TAKE(slot->why);
	writer_slot_fn *done = slot->done;
	void *arg = slot->arg;

	clear(slot);
	done(end, revision, why ? why : "", arg);
}

static void give_up(struct writer_slot *slot)
{
	finish(slot, slot->doubt ? WRITER_UNKNOWN : WRITER_REFUSED, 0);
}

static void go(struct writer_slot *slot, enum step step)
{
	slot->step = step;
	slot->pause = FIRST_PAUSE;
	loop_timer_after(slot->again, 0);
}

static void go_on_later(struct writer_slot *slot)
{
	if (slot->hurry) {
		give_up(slot);
		return;
	}
	loop_timer_after(slot->again, slot->pause);
	slot->pause = MIN(slot->pause * 2, LAST_PAUSE);
}

/* What the slot holds; from then on its mod_revision is known. True: this transaction's id. */
static bool look(struct writer_slot *slot, const struct etcd_kv *kv)
{
	slot->mod = kv ? kv->mod_revision : 0;
	return kv && slot->id && kv->value_len == strlen(slot->id) &&
	       memcmp(kv->value, slot->id, kv->value_len) == 0;
}

static const struct etcd_kv *slot_of_txn(const struct etcd_reply *reply)
{
	const struct etcd_op_reply *op = reply->n_ops == 1 ? reply->ops : NULL;

	return op && op->kind == ETCD_OP_GET && op->n_kvs ? op->kvs : NULL;
}

static void learned(struct writer_slot *slot, const struct etcd_result *result)
{
	if (result->outcome != ETCD_OK) {
		if (result->outcome == ETCD_UNKNOWN || etcd_error_passing(result->error))
			go_on_later(slot);
		else
			finish(slot, WRITER_REFUSED, 0);
		return;
	}
	look(slot, result->reply->n_kvs ? result->reply->kvs : NULL);
	go(slot, STEP_SEND);
}

static void sent(struct writer_slot *slot, const struct etcd_result *result)
{
	switch (result->outcome) {
	case ETCD_OK:
		slot->mod = result->reply->header.revision;
		finish(slot, WRITER_APPLIED, slot->mod);
		return;
	case ETCD_COMPARE_FAILED:
		if (look(slot, slot_of_txn(result->reply)))
			finish(slot, WRITER_APPLIED, slot->mod);
		else
			go(slot, STEP_CLOSE);
		return;
	case ETCD_UNKNOWN:
		slot->doubt = true;
		slot->answered = result->error == ETCD_ERROR_NOSPACE;
		go(slot, slot->answered ? STEP_LOOK : STEP_CLOSE);
		return;
	case ETCD_NOT_FOUND:
	case ETCD_REFUSED:
		if (etcd_error_passing(result->error))
			go_on_later(slot);
		else
			finish(slot, WRITER_REFUSED, 0);
		return;
	}
}

static void closed(struct writer_slot *slot, const struct etcd_result *result)
{
	if (result->outcome == ETCD_OK) {
		slot->mod = result->reply->header.revision;
		finish(slot, WRITER_FAILED, slot->mod);
	} else if (result->outcome == ETCD_COMPARE_FAILED) {
		bool own = look(slot, slot_of_txn(result->reply));

		finish(slot, own ? WRITER_APPLIED : WRITER_FAILED, slot->mod);
	} else if (result->error == ETCD_ERROR_NOSPACE) {
		go(slot, STEP_LOOK);
	} else if (result->outcome == ETCD_UNKNOWN || etcd_error_passing(result->error)) {
		go_on_later(slot);
	} else {
		finish(slot, slot->doubt ? WRITER_UNKNOWN : WRITER_REFUSED, 0);
	}
}

static void looked(struct writer_slot *slot, const struct etcd_result *result)
{
	int64_t known = slot->mod;

	if (result->outcome != ETCD_OK) {
		if (result->outcome == ETCD_UNKNOWN || etcd_error_passing(result->error))
			go_on_later(slot);
		else
			finish(slot, WRITER_UNKNOWN, 0);
		return;
	}
	if (look(slot, result->reply->n_kvs ? result->reply->kvs : NULL))
		finish(slot, WRITER_APPLIED, slot->mod);
	else if (slot->answered || !slot->doubt || slot->mod != known)
		finish(slot, WRITER_REFUSED, 0);
	else
		finish(slot, WRITER_UNKNOWN, 0);
}

static void on_result(const struct etcd_result *result, void *arg)
{
	struct writer_slot *slot = arg;

	slot->call = NULL;
	/* a closing that succeeded, or a look, does not say what was wrong */
	if (*result->text) {
		free(slot->why);
		slot->why = xstrdup(result->text);
	}
	switch (slot->step) {
	case STEP_LEARN:
		learned(slot, result);
		return;
	case STEP_SEND:
		sent(slot, result);
		return;
	case STEP_CLOSE:
		closed(slot, result);
		return;
	case STEP_LOOK:
		looked(slot, result);
		return;
	case STEP_NONE:
		return;
	}
}

static void commit(struct writer_slot *slot, const struct etcd_txn *txn)
{
	const struct etcd_call_options options = {.lane = LANE};

	slot->call = etcd_commit(slot->etcd, txn, &options, on_result, slot);
}

static void read_slot(struct writer_slot *slot)
{
	const struct etcd_range_request range = {.key = slot->key, .key_len = strlen(slot->key)};
	const struct etcd_call_options options = {
		.lane = LANE, .timeout = 2 * USEC_PER_SEC, .attempt = USEC_PER_SEC};

	slot->call = etcd_range(slot->etcd, &range, &options, on_result, slot);
}

static void add_ticket(struct writer_slot *slot, struct etcd_txn *txn, const char *value)
{
	etcd_txn_if_mod(txn, slot->key, ETCD_EQUAL, slot->mod);
	etcd_txn_put(txn, ETCD_THEN, slot->key, value, strlen(value), 0);
	etcd_txn_get(txn, ETCD_ELSE, slot->key);
}

static void send_close(struct writer_slot *slot)
{
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();

	add_ticket(slot, txn, CLOSED);
	commit(slot, txn);
}

static void on_again(void *arg)
{
	struct writer_slot *slot = arg;

	/* a doubt is worth one attempt to end it, even then */
	if (slot->hurry && (slot->step == STEP_SEND || slot->step == STEP_LEARN)) {
		give_up(slot);
		return;
	}
	switch (slot->step) {
	case STEP_SEND:
		if (!slot->dressed)
			add_ticket(slot, slot->txn, slot->id);
		slot->dressed = true;
		commit(slot, slot->txn);
		return;
	case STEP_CLOSE:
		send_close(slot);
		return;
	case STEP_LEARN:
	case STEP_LOOK:
		read_slot(slot);
		return;
	case STEP_NONE:
		return;
	}
}

void writer_slot_commit(
	struct writer_slot *slot, struct etcd_txn *txn, writer_slot_fn *done, void *arg)
{
	clear(slot);
	slot->txn = txn;
	slot->id = xasprintf("%s-%" PRIu64, slot->run, ++slot->count);
	slot->done = done;
	slot->arg = arg;
	slot->step = slot->mod < 0 ? STEP_LEARN : STEP_SEND;
	on_again(slot);
}

void writer_slot_give_up(struct writer_slot *slot)
{
	if (slot->step == STEP_NONE)
		return;
	slot->hurry = true;
	/* what is under way is waited for: it has a deadline of its own; a pause is not */
	if (!slot->call)
		loop_timer_after(slot->again, 0);
}

const char *writer_slot_trouble(const struct writer_slot *slot)
{
	return slot->why ? slot->why : "";
}

bool writer_slot_in_doubt(const struct writer_slot *slot)
{
	return slot->doubt || (slot->step == STEP_SEND && slot->call);
}
