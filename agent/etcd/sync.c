/*
 * Carries out what sync_core.h decides: pages, the watch, checks. Everything that comes back is an
 * input of the core; the actions it gives are done at once, one after the other (drain()).
 *
 * The owner may free the sync in any of its callbacks: it is then released when the last of them
 * has returned (`busy`).
 */
#include "config.h"
#include "etcd/sync.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/client_private.h"
#include "etcd/sync_core.h"
#include "etcd/watch.h"
#include "io/loop.h"

#define CHECK_TIMEOUT (3 * USEC_PER_SEC)
#define CHECK_ATTEMPT USEC_PER_SEC
/* etcd looks at every key of the prefix: 2 or 3 microseconds each. */
#define COMPARE_TIMEOUT (10 * USEC_PER_SEC)
#define COMPARE_ATTEMPT (5 * USEC_PER_SEC)

struct etcd_sync {
	struct etcd *etcd;
	struct loop *loop;
	char *prefix;
	char *pulse_key;
	struct etcd_sync_ops ops;
	void *arg;
	struct etcd_sync_core core;
	struct loop_timer *timer;
	struct loop_defer *setback;
	struct etcd_listener listener;
	struct etcd_call *list;
	struct etcd_call *check;
	struct etcd_watch *watch;
	char *cursor; /* where the next page begins; NULL: at the first one */
	size_t cursor_len;
	bool draining;
	bool freed;
	unsigned busy;
};

static void drain(struct etcd_sync *sync);

static void drop(struct etcd_sync *sync)
{
	etcd_cancel(TAKE(sync->list));
	etcd_cancel(TAKE(sync->check));
	etcd_watch_free(TAKE(sync->watch));
}

static void release(struct etcd_sync *sync)
{
	drop(sync);
	list_del(&sync->listener.link);
	loop_timer_free(sync->timer);
	loop_defer_free(sync->setback);
	free(sync->cursor);
	free(sync->prefix);
	free(sync->pulse_key);
	free(sync);
}

static void enter(struct etcd_sync *sync)
{
	sync->busy++;
}

static void leave(struct etcd_sync *sync)
{
	sync->busy--;
	if (sync->freed && !sync->busy)
		release(sync);
}

void etcd_sync_free(struct etcd_sync *sync)
{
	if (!sync || sync->freed)
		return;
	sync->freed = true;
	drop(sync);
	if (!sync->busy)
		release(sync);
}

static void input(struct etcd_sync *sync, const struct etcd_sync_input *what)
{
	enter(sync);
	etcd_sync_core_input(&sync->core, loop_now(sync->loop), what);
	drain(sync);
	leave(sync);
}

/* ---- what comes back ---- */

static enum etcd_sync_failure failure_of(enum etcd_error_kind kind)
{
	if (kind == ETCD_ERROR_COMPACTED || kind == ETCD_ERROR_FUTURE_REVISION)
		return ETCD_SYNC_VOID;
	return kind == ETCD_ERROR_ANSWER_TOO_LARGE ? ETCD_SYNC_TOO_LARGE : ETCD_SYNC_TRANSIENT;
}

static void take_page(struct etcd_sync *sync, const struct etcd_reply *reply)
{
	const struct etcd_kv *last = reply->n_kvs ? &reply->kvs[reply->n_kvs - 1] : NULL;

	if (!sync->cursor)
		sync->ops.begin(reply->header.revision, sync->arg);
	for (size_t i = 0; i < reply->n_kvs && !sync->freed; i++)
		sync->ops.kv(&reply->kvs[i], sync->arg);
	if (!last)
		return;
	free(sync->cursor);
	sync->cursor_len = last->key_len + 1;
	sync->cursor = xmemdup(last->key, sync->cursor_len);
}

static void on_page(const struct etcd_result *result, void *arg)
{
	struct etcd_sync *sync = arg;
	struct etcd_sync_input what = {.kind = ETCD_SYNC_PAGE_FAILED,
		.failure = failure_of(result->error),
		.reason = result->text};

	sync->list = NULL;
	loop_doing(sync->loop, "etcd listing");
	enter(sync);
	if (result->outcome == ETCD_OK) {
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_PAGE_DONE,
			.revision = result->reply->header.revision,
			.more = result->reply->more && result->reply->n_kvs,
			.sent_at = result->sent_at};
		take_page(sync, result->reply);
	}
	if (!sync->freed)
		input(sync, &what);
	leave(sync);
}

static void on_check(const struct etcd_result *result, void *arg)
{
	struct etcd_sync *sync = arg;
	struct etcd_sync_input what = {.kind = ETCD_SYNC_CHECK_FAILED,
		.failure = failure_of(result->error),
		.reason = result->text};

	sync->check = NULL;
	if (result->outcome == ETCD_OK)
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_CHECKED,
			.revision = result->reply->header.revision,
			.pulse = result->reply->n_kvs ? result->reply->kvs[0].mod_revision : 0,
			.sent_at = result->sent_at};
	input(sync, &what);
}

static void on_compare(const struct etcd_result *result, void *arg)
{
	struct etcd_sync *sync = arg;
	const struct etcd_reply *reply = result->reply;
	struct etcd_sync_input what = {.kind = ETCD_SYNC_CHECK_FAILED,
		.failure = failure_of(result->error),
		.reason = result->text};

	sync->check = NULL;
	if (result->outcome == ETCD_OK || result->outcome == ETCD_COMPARE_FAILED)
		what = (struct etcd_sync_input){.kind = ETCD_SYNC_COMPARED,
			.revision = reply->header.revision,
			.same = result->outcome == ETCD_OK && reply->n_ops == 2 &&
				reply->ops[0].count == reply->ops[1].count,
			.sent_at = result->sent_at};
	input(sync, &what);
}

static void on_created(int64_t head, void *arg)
{
	input(arg, &(struct etcd_sync_input){.kind = ETCD_SYNC_CREATED, .revision = head});
}

static void on_event(const struct etcd_event *event, void *arg)
{
	struct etcd_sync *sync = arg;

	if (!sync->freed)
		sync->ops.event(event, sync->arg);
}

static void on_batch(int64_t revision, void *arg)
{
	struct etcd_sync *sync = arg;

	enter(sync);
	sync->ops.batch(revision, sync->arg);
	if (!sync->freed)
		input(sync,
			&(struct etcd_sync_input){.kind = ETCD_SYNC_APPLIED, .revision = revision});
	leave(sync);
}

static void on_ended(enum etcd_watch_end why, const char *text, void *arg)
{
	input(arg, &(struct etcd_sync_input){.kind = ETCD_SYNC_ENDED,
			   .failure = why == ETCD_WATCH_COMPACTED ? ETCD_SYNC_VOID
								  : ETCD_SYNC_TRANSIENT,
			   .reason = text});
}

static void on_timer(void *arg)
{
	input(arg, &(struct etcd_sync_input){.kind = ETCD_SYNC_TICK});
}

static void on_setback(void *arg)
{
	etcd_sync_again(arg, "etcd went back to an earlier state");
}

static void on_notice(enum etcd_notice_kind kind, const struct endpoint *endpoint, void *arg)
{
	struct etcd_sync *sync = arg;

	(void)endpoint;
	/* from within the judging of an answer: not the time to cancel calls */
	if (kind == ETCD_NOTICE_REVISION_BACK || kind == ETCD_NOTICE_TERM_BACK)
		loop_defer_schedule(sync->setback);
}

/* ---- what is to be done ---- */

static void do_list(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	size_t prefix_len = strlen(sync->prefix);
	size_t end_len;
	CLEANUP(freep) char *end = etcd_prefix_end(sync->prefix, prefix_len, &end_len);
	struct etcd_range_request range = {.end = end,
		.end_len = end_len,
		.limit = action->limit,
		.revision = action->revision};

	if (!action->revision) {
		free(TAKE(sync->cursor));
		sync->cursor_len = 0;
	}
	range.key = sync->cursor ? sync->cursor : sync->prefix;
	range.key_len = sync->cursor ? sync->cursor_len : prefix_len;
	sync->list = etcd_range(sync->etcd, &range, NULL, on_page, sync);
}

static void do_watch(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	static const struct etcd_watch_ops ops = {
		.created = on_created,
		.event = on_event,
		.batch = on_batch,
		.ended = on_ended,
	};

	etcd_watch_free(sync->watch);
	sync->watch = etcd_watch_new(sync->etcd, sync->prefix, action->revision, &ops, sync);
}

static void do_check(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	static const struct etcd_call_options options = {
		.timeout = CHECK_TIMEOUT, .attempt = CHECK_ATTEMPT};
	const char *key = sync->pulse_key ? sync->pulse_key : sync->prefix;
	const struct etcd_range_request range = {.key = key,
		.key_len = strlen(key),
		.revision = action->revision,
		.limit = 1,
		.keys_only = true};

	sync->check = etcd_range(sync->etcd, &range, &options, on_check, sync);
}

static void do_compare(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	static const struct etcd_call_options options = {
		.timeout = COMPARE_TIMEOUT, .attempt = COMPARE_ATTEMPT};
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_if_unchanged(txn, sync->prefix, action->revision);
	etcd_txn_count(txn, ETCD_THEN, sync->prefix, action->revision);
	etcd_txn_count(txn, ETCD_THEN, sync->prefix, 0);
	sync->check = etcd_commit(sync->etcd, txn, &options, on_compare, sync);
}

/* As a batch without events. */
static void do_skip(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	if (sync->watch)
		etcd_watch_skip(sync->watch, action->revision);
	sync->ops.batch(action->revision, sync->arg);
}

static void carry_out(struct etcd_sync *sync, const struct etcd_sync_action *action)
{
	switch (action->kind) {
	case ETCD_SYNC_DO_DROP:
		drop(sync);
		break;
	case ETCD_SYNC_DO_LIST:
		do_list(sync, action);
		break;
	case ETCD_SYNC_DO_WATCH:
		do_watch(sync, action);
		break;
	case ETCD_SYNC_DO_CHECK:
		do_check(sync, action);
		break;
	case ETCD_SYNC_DO_COMPARE:
		do_compare(sync, action);
		break;
	case ETCD_SYNC_DO_SKIP:
		do_skip(sync, action);
		break;
	case ETCD_SYNC_DO_EXPECT:
		if (sync->watch)
			etcd_watch_expect(sync->watch, action->revision, ETCD_SYNC_ECHO);
		break;
	case ETCD_SYNC_TELL_END:
		sync->ops.end(action->revision, sync->arg);
		break;
	case ETCD_SYNC_TELL_LIVE:
		sync->ops.live(action->revision, sync->arg);
		break;
	case ETCD_SYNC_TELL_LOST:
		sync->ops.lost(sync->core.reason, sync->arg);
		break;
	}
}

static void drain(struct etcd_sync *sync)
{
	struct etcd_sync_action action;

	if (sync->draining)
		return;
	sync->draining = true;
	while (!sync->freed && etcd_sync_core_next(&sync->core, &action))
		carry_out(sync, &action);
	sync->draining = false;
	if (sync->freed)
		return;
	/* until it is certain that what it was resumed from still exists, what comes may lack a
	 * deletion */
	if (sync->watch)
		etcd_watch_hold(sync->watch, sync->core.probe);
	loop_timer_at(sync->timer, etcd_sync_core_wakeup(&sync->core));
}

struct etcd_sync *etcd_sync_new(struct etcd *etcd, struct loop *loop,
	const struct etcd_sync_config *config, const struct etcd_sync_ops *ops, void *arg)
{
	struct etcd_sync *sync = xcalloc(1, sizeof(*sync));

	sync->etcd = etcd;
	sync->loop = loop;
	sync->prefix = xstrdup(config->prefix);
	sync->pulse_key = xstrdup_null(config->pulse_key);
	sync->ops = *ops;
	sync->arg = arg;
	sync->timer = loop_timer_new(loop, "etcd sync", on_timer, sync);
	sync->setback = loop_defer_new(loop, on_setback, sync);
	sync->listener = (struct etcd_listener){.fn = on_notice, .arg = sync};
	list_add_tail(&etcd->listeners, &sync->listener.link);
	etcd_sync_core_init(&sync->core, loop_now(loop), config->silence, config->page,
		config->known_revision, config->seed);
	etcd_sync_core_know_pulse(&sync->core, config->known_pulse);
	drain(sync);
	return sync;
}

void etcd_sync_expect(struct etcd_sync *sync, int64_t revision)
{
	input(sync, &(struct etcd_sync_input){.kind = ETCD_SYNC_EXPECT, .revision = revision});
}

void etcd_sync_again(struct etcd_sync *sync, const char *reason)
{
	input(sync, &(struct etcd_sync_input){.kind = ETCD_SYNC_AGAIN, .reason = reason});
}

void etcd_sync_status(const struct etcd_sync *sync, struct etcd_sync_status *ret)
{
	const struct etcd_sync_core *core = &sync->core;

	*ret = (struct etcd_sync_status){
		.state = etcd_sync_state_name(core->state),
		.reason = core->reason,
		.since = core->since,
		.next = core->wake_at,
		.revision = core->applied,
		.current_at = core->current_at,
		.live = core->told_live,
		.endpoint = sync->watch ? etcd_watch_endpoint(sync->watch) : "",
		.listings = core->listings,
		.resumptions = core->resumptions,
	};
}
