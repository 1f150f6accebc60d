#include "config.h"
#include "write/change.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/loop.h"

#define FIRST_PAUSE (50 * USEC_PER_MSEC)
#define LAST_PAUSE  (800 * USEC_PER_MSEC)

struct change {
	struct loop *loop;
	struct etcd *etcd;
	const struct change_ops *ops;
	void *arg;
	struct etcd_call *call;
	struct loop_timer *again;
	usec_t deadline;
	usec_t pause;
	bool doubt; /* an attempt may have been applied */
};

static void finish(struct change *change, int rc, const char *why, int64_t revision)
{
	const struct change_ops *ops = change->ops;
	void *arg = change->arg;
	struct err text;

	snprintf(text.text, sizeof(text.text), "%s", why);
	change_free(change);
	ops->done(rc, text.text, revision, arg);
}

static void on_result(const struct etcd_result *result, void *arg)
{
	struct change *change = arg;
	int64_t revision = result->reply->header.revision;
	struct err err = {""};
	int rc;

	change->call = NULL;
	switch (result->outcome) {
	case ETCD_OK:
		finish(change, 0, "", revision);
		return;
	case ETCD_COMPARE_FAILED:
		rc = change->ops->verdict(result->reply, &err, change->arg);
		if (rc <= 0) {
			finish(change, rc, err.text, revision);
			return;
		}
		break;
	case ETCD_UNKNOWN:
		change->doubt = true;
		/* it may have been the last one that went in, and no later one will tell */
		if (result->error == ETCD_ERROR_NOSPACE) {
			finish(change, -EINPROGRESS, result->text, 0);
			return;
		}
		break;
	case ETCD_NOT_FOUND:
	case ETCD_REFUSED:
		if (!etcd_error_passing(result->error)) {
			finish(change, change->doubt ? -EINPROGRESS : -EIO, result->text, 0);
			return;
		}
		break;
	}
	if (loop_now(change->loop) + change->pause > change->deadline) {
		finish(change, change->doubt ? -EINPROGRESS : -ETIMEDOUT,
			result->outcome == ETCD_COMPARE_FAILED
				? "the registry changed again and again meanwhile"
				: result->text,
			0);
		return;
	}
	loop_timer_after(change->again, change->pause);
	change->pause = MIN(change->pause * 2, LAST_PAUSE);
}

static void on_again(void *arg)
{
	struct change *change = arg;
	CLEANUP(etcd_txn_freep) struct etcd_txn *txn = change->ops->build(change->arg);

	change->call = etcd_commit(change->etcd, txn, NULL, on_result, change);
}

struct change *change_new(struct loop *loop, struct etcd *etcd, usec_t timeout,
	const struct change_ops *ops, void *arg)
{
	struct change *change = xcalloc(1, sizeof(*change));

	change->loop = loop;
	change->etcd = etcd;
	change->ops = ops;
	change->arg = arg;
	change->deadline = usec_add(loop_now(loop), timeout);
	change->pause = FIRST_PAUSE;
	change->again = loop_timer_new(loop, "change", on_again, change);
	loop_timer_after(change->again, 0);
	return change;
}

void change_free(struct change *change)
{
	if (!change)
		return;
	etcd_cancel(change->call);
	loop_timer_free(change->again);
	free(change);
}
