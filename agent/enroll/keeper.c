#include "config.h"
#include "enroll/keeper.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/writes.h"
#include "io/worker.h"

struct pages pages_copy(const struct pages *pages)
{
	struct pages copy = {xcalloc(pages->count + 1, sizeof(struct book_entry)), pages->count};

	if (pages->count)
		memcpy(copy.entries, pages->entries, pages->count * sizeof(struct book_entry));
	return copy;
}

void pages_done(struct pages *pages)
{
	book_free(pages->entries, pages->count);
	*pages = (struct pages){0};
}

void keeper_init(struct keeper *k, const char *path, struct worker *worker)
{
	*k = (struct keeper){.path = xstrdup(path), .worker = worker};
	list_init(&k->waits);
}

void keeper_done(struct keeper *k)
{
	struct invitations_wait *wait, *tmp;

	worker_forget(k->job);
	list_foreach_safe (wait, tmp, &k->waits, link)
		list_del(&wait->link);
	pages_done(&k->now);
	pages_done(&k->firm);
	pages_done(&k->flying);
	free(k->path);
}

void keeper_loaded(struct keeper *k)
{
	k->firm = pages_copy(&k->now);
}

static struct writes *make_writes(const struct keeper *k)
{
	struct buf b = BUF_INIT(BOOK_TEXT_MAX);
	struct writes *writes;
	struct err err;
	int rc;

	/* all the room at once: a buf that grows would leave keys behind in freed memory */
	buf_reserve(&b, (k->now.count + 2) * BOOK_LINE_MAX);
	rc = book_encode(k->now.entries, k->now.count, &b, &err);
	if (rc < 0) {
		writes = writes_failed(rc, err.text);
	} else {
		writes = writes_new();
		writes_replace(writes, k->path, b.data, b.len, 0600);
	}
	buf_wipe(&b);
	return writes;
}

static void undo(struct keeper *k)
{
	pages_done(&k->flying);
	pages_done(&k->now);
	k->now = pages_copy(&k->firm);
	k->written = k->changes;
	k->dirty = true; /* the file may be ahead */
}

/* Who was waited for is told. What one does may end the next, and the book as well. */
static void tell(struct keeper *k, int rc, const char *why)
{
	struct invitations_wait *wait, *tmp;
	struct list ready;

	list_init(&ready);
	list_foreach_safe (wait, tmp, &k->waits, link) {
		if (wait->until > k->written)
			continue;
		list_del(&wait->link);
		list_add_tail(&ready, &wait->link);
	}
	while ((wait = list_first(&ready, struct invitations_wait, link))) {
		list_del(&wait->link);
		wait->done(wait, rc, why);
	}
}

static void write_on(struct keeper *k);

static void on_written(int rc, const char *why, void *arg)
{
	struct keeper *k = arg;

	k->job = NULL;
	if (rc < 0) {
		undo(k);
	} else {
		pages_done(&k->firm);
		k->firm = k->flying;
		k->flying = (struct pages){0};
		k->written = k->in_flight;
	}
	write_on(k);
	tell(k, rc, why);
}

static void write_on(struct keeper *k)
{
	if (k->job || k->held || k->changes == k->written)
		return;
	k->flying = pages_copy(&k->now);
	k->in_flight = k->changes;
	k->dirty = false;
	k->job = worker_write(k->worker, make_writes(k), on_written, k);
}

void keeper_changed(struct keeper *k)
{
	k->changes++;
	write_on(k);
}

bool keeper_settle(struct keeper *k, struct invitations_wait *wait)
{
	if (k->changes == k->written)
		return false;
	wait->until = k->changes;
	list_add_tail(&k->waits, &wait->link);
	return true;
}

void keeper_hold(struct keeper *k, bool hold)
{
	k->held = hold;
	write_on(k);
}
