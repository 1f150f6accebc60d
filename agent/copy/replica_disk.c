/*
 * `hand` is what the thread has in hand: the store. It is the thread's alone from the first job to the
 * last, which closes it. A job owns what it writes; what comes back from one that was begun before the
 * last replica_disk_begin() (another `round`) is of no interest.
 */
#include "config.h"
#include "copy/replica_disk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/worker.h"
#include "log/report.h"
#include "store/pack.h"

#define COMMIT_DELAY USEC_PER_SEC
#define COMMIT_SOON  ((size_t)1 << 20) /* so much is committed without delay */
#define RETRY	     (60 * USEC_PER_SEC)
#define RETRY_MAX    (60 * 60 * USEC_PER_SEC)
/* One job writes so much: an end of the agent waits for no more. */
#define SLICE ((size_t)1 << 20)
/* What a file takes beside its keys, generously: a new one is not begun where it will not fit. */
#define ROOM(contents) (2 * (uint64_t)(contents) + (16 << 20))

enum state { NONE, FILLING, CURRENT, FAILED };

static const char *const state_names[] = {
	[NONE] = "none",
	[FILLING] = "writing",
	[CURRENT] = "current",
	[FAILED] = "failed",
};

struct hand {
	char *folder;
	struct store *store;
	bool gap; /* the last job has not written what it had */
};

/* A part of what a new file is filled with. */
struct piece {
	struct list link;
	char *owned;
	const char *at;
	size_t len;
	bool last;
	struct store_mark mark; /* of the last */
};

enum kind { BEGIN, FILL, COMMIT, CLOSE, LOOK };

struct job {
	struct replica_disk *disk; /* the loop's alone */
	unsigned round;
	enum kind kind;
	struct hand *hand;
	struct piece *piece; /* FILL; and how much of it: */
	size_t len;
	struct buf changes; /* COMMIT, CLOSE */
	struct store_mark mark;
	bool marked;
	bool farewell; /* CLOSE: of the replica, too */
	bool follows;  /* CLOSE: on a job whose end was not known yet */
	uint64_t room; /* LOOK: what is needed */
};

struct replica_disk {
	struct loop *loop;
	struct worker *worker;
	void (*want_all)(void *arg);
	void *arg;
	struct hand *hand;
	enum state state;
	unsigned round;
	struct worker_job *job; /* the one under way */
	bool begin;		/* a new file is due */
	struct list pieces;
	size_t contents; /* bytes of the last ones */
	struct buf waiting;
	struct store_mark mark; /* that those lead to */
	bool changed;		/* there is something to commit, and be it the mark */
	bool failing;		/* the last commit did not succeed */
	struct loop_timer *timer;
	usec_t retry, pause;
	struct report *report;
	char *trouble;
	int64_t stored;
	uint64_t commits;
};

static void pump(struct replica_disk *disk);

static void piece_free(struct piece *piece)
{
	if (!piece)
		return;
	free(piece->owned);
	free(piece);
}

/* ---- on the thread ---- */

static int commit(struct job *job, struct err *err)
{
	if (!job->hand->store)
		return err_set(err, -EBADMSG, "there is no file to write to");
	return store_apply(
		job->hand->store, buf_cstr(&job->changes), job->changes.len, &job->mark, err);
}

static int fill(struct job *job, struct err *err)
{
	bool last = job->piece->last && job->len == job->piece->len;
	int rc;

	if (!job->hand->store)
		return err_set(err, -EBADMSG, "there is no file to write to");
	rc = store_apply(
		job->hand->store, job->piece->at, job->len, last ? &job->piece->mark : NULL, err);
	return rc == 0 && last ? store_publish(job->hand->store, err) : rc;
}

static int close_store(struct job *job, struct err *err)
{
	/* without what a former commit has failed with, these changes are no revision of anything */
	bool whole = !(job->follows && job->hand->gap);
	int rc = job->marked && job->hand->store && whole ? commit(job, err) : 0;

	store_close(TAKE(job->hand->store));
	return rc;
}

static int carry_out(struct job *job, struct err *err)
{
	switch (job->kind) {
	case BEGIN:
		store_close(TAKE(job->hand->store));
		return store_begin(&job->hand->store, job->hand->folder, err);
	case FILL:
		return fill(job, err);
	case COMMIT:
		return commit(job, err);
	case CLOSE:
		return close_store(job, err);
	case LOOK:
		if (store_room(job->hand->folder) < job->room)
			return err_set(err, -ENOSPC, "no room in %s", job->hand->folder);
		return 0;
	}
	return -EINVAL;
}

static int run(void *data, struct err *err)
{
	struct job *job = data;
	int rc = carry_out(job, err);

	job->hand->gap = rc < 0;
	return rc;
}

/* On the loop; the last job of all is refused only where no thread runs. */
static void drop(void *data)
{
	struct job *job = data;

	if (job->farewell) {
		store_close(job->hand->store);
		free(job->hand->folder);
		free(job->hand);
	}
	piece_free(job->piece);
	buf_done(&job->changes);
	free(job);
}

/* ---- on the loop ---- */

static void told(struct replica_disk *disk, const char *why)
{
	free(disk->trouble);
	disk->trouble = why ? xstrdup(why) : NULL;
	report_change(
		disk->report, why != NULL, why ? why : "the copy on disk is being kept again");
}

static struct job *job_new(struct replica_disk *disk, enum kind kind)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->disk = disk;
	job->round = disk->round;
	job->kind = kind;
	job->hand = disk->hand;
	buf_init(&job->changes, disk->waiting.max);
	return job;
}

static void take_changes(struct replica_disk *disk, struct job *job)
{
	job->changes = disk->waiting;
	job->mark = disk->mark;
	job->marked = true;
	buf_init(&disk->waiting, REPLICA_DISK_WAITING_MAX);
	disk->changed = false;
}

static void drop_contents(struct replica_disk *disk)
{
	struct piece *piece, *tmp;

	list_foreach_safe (piece, tmp, &disk->pieces, link) {
		list_del(&piece->link);
		piece_free(piece);
	}
	buf_done(&disk->waiting);
	disk->changed = false;
}

/* All keys are needed to go on; the file that is published stays as it is. */
static void give_up(struct replica_disk *disk, const char *why)
{
	CLEANUP(freep) char *text = xasprintf("the copy on disk is left as it is: %s", why);

	told(disk, text);
	drop_contents(disk);
	disk->round++;
	disk->state = FAILED;
	disk->begin = disk->failing = false;
	loop_timer_after(disk->timer, disk->pause);
	disk->pause = usec_min(2 * disk->pause, RETRY_MAX);
	worker_submit(disk->worker, run, job_new(disk, CLOSE), drop, NULL, NULL);
}

static void filled(struct replica_disk *disk, struct job *job)
{
	struct piece *piece = job->piece;

	piece->at += job->len;
	piece->len -= job->len;
	if (piece->len || !piece->last) {
		if (piece->len)
			list_add(&disk->pieces, &TAKE(job->piece)->link);
		return;
	}
	disk->state = CURRENT;
	disk->stored = piece->mark.revision;
	disk->pause = disk->retry;
	disk->commits++;
	if (disk->trouble)
		told(disk, NULL);
	if (disk->changed)
		loop_timer_after(disk->timer, COMMIT_DELAY);
}

static void committed(struct replica_disk *disk, struct job *job)
{
	disk->stored = job->mark.revision;
	disk->commits++;
	disk->failing = false;
	disk->pause = disk->retry;
	if (disk->trouble)
		told(disk, NULL);
	if (disk->changed)
		loop_timer_after(disk->timer, COMMIT_DELAY);
}

/* The changes go back to where they came from, in front of what came since. */
static void not_committed(struct replica_disk *disk, struct job *job, int rc, const char *why)
{
	CLEANUP(freep)
	char *text = xasprintf(
		"the copy on disk stays at revision %" PRId64 " for now: %s", disk->stored, why);

	if (rc == -EBADMSG ||
		buf_add(&job->changes, buf_cstr(&disk->waiting), disk->waiting.len) < 0) {
		give_up(disk, why);
		return;
	}
	if (!disk->changed)
		disk->mark = job->mark;
	buf_done(&disk->waiting);
	disk->waiting = job->changes;
	buf_init(&job->changes, 0);
	disk->changed = disk->failing = true;
	if (!disk->trouble)
		told(disk, text);
	loop_timer_after(disk->timer, disk->retry);
}

static void looked(struct replica_disk *disk, int rc)
{
	if (rc == 0)
		disk->want_all(disk->arg);
	loop_timer_after(disk->timer, disk->pause);
	disk->pause = usec_min(2 * disk->pause, RETRY_MAX);
}

static void on_done(int rc, const char *why, void *arg)
{
	struct job *job = arg;
	struct replica_disk *disk = job->disk;

	disk->job = NULL;
	if (job->round != disk->round) {
		pump(disk);
		return;
	}
	switch (job->kind) {
	case BEGIN:
	case FILL:
		if (rc < 0)
			give_up(disk, why);
		else if (job->kind == FILL)
			filled(disk, job);
		break;
	case COMMIT:
		if (rc < 0)
			not_committed(disk, job, rc, why);
		else
			committed(disk, job);
		break;
	case LOOK:
		looked(disk, rc);
		break;
	case CLOSE:
		break;
	}
	pump(disk);
}

static void submit(struct replica_disk *disk, struct job *job)
{
	disk->job = worker_submit(disk->worker, run, job, drop, on_done, job);
}

static void fill_next(struct replica_disk *disk)
{
	struct piece *piece = list_first(&disk->pieces, struct piece, link);
	struct job *job;

	if (!piece)
		return;
	list_del(&piece->link);
	job = job_new(disk, FILL);
	job->piece = piece;
	job->len = store_whole_frames(piece->at, piece->len, SLICE);
	if (!job->len)
		job->len = piece->len;
	submit(disk, job);
}

static void pump(struct replica_disk *disk)
{
	struct job *job;

	if (disk->job)
		return;
	if (disk->begin) {
		disk->begin = false;
		submit(disk, job_new(disk, BEGIN));
	} else if (disk->state == FILLING) {
		fill_next(disk);
	} else if (disk->state == CURRENT && disk->changed && !disk->failing &&
		   (disk->waiting.len >= COMMIT_SOON ||
			   loop_timer_due(disk->timer) == USEC_NEVER)) {
		job = job_new(disk, COMMIT);
		take_changes(disk, job);
		loop_timer_at(disk->timer, USEC_NEVER);
		submit(disk, job);
	}
}

static void on_timer(void *arg)
{
	struct replica_disk *disk = arg;
	struct job *job;

	if (disk->state == FAILED && disk->job) {
		loop_timer_after(disk->timer, disk->retry);
		return;
	}
	if (disk->state == FAILED) {
		job = job_new(disk, LOOK);
		job->room = ROOM(disk->contents);
		submit(disk, job);
		return;
	}
	disk->failing = false;
	pump(disk);
}

/* ---- life ---- */

struct replica_disk *replica_disk_new(const struct replica_disk_config *config)
{
	struct replica_disk *disk = xcalloc(1, sizeof(*disk));

	disk->loop = config->loop;
	disk->worker = config->disk;
	disk->want_all = config->want_all;
	disk->arg = config->arg;
	disk->retry = disk->pause = config->retry ? config->retry : RETRY;
	disk->hand = xcalloc(1, sizeof(*disk->hand));
	disk->hand->folder = xstrdup(config->folder);
	list_init(&disk->pieces);
	buf_init(&disk->waiting, REPLICA_DISK_WAITING_MAX);
	disk->timer = loop_timer_new(disk->loop, "copy on disk", on_timer, disk);
	disk->report = report_new(disk->loop, "store", 0);
	return disk;
}

void replica_disk_free(struct replica_disk *disk)
{
	struct job *job;

	if (!disk)
		return;
	job = job_new(disk, CLOSE);
	job->farewell = true;
	job->follows = disk->job != NULL;
	worker_forget(disk->job);
	if (disk->state == CURRENT && disk->changed && !disk->begin)
		take_changes(disk, job);
	worker_submit(disk->worker, run, job, drop, NULL, NULL);
	drop_contents(disk);
	buf_done(&disk->waiting);
	loop_timer_free(disk->timer);
	report_free(disk->report);
	free(disk->trouble);
	free(disk);
}

/* ---- what there is to write ---- */

void replica_disk_begin(struct replica_disk *disk)
{
	drop_contents(disk);
	disk->round++;
	disk->state = FILLING;
	disk->begin = true;
	disk->failing = false;
	disk->contents = 0;
	loop_timer_at(disk->timer, USEC_NEVER);
	pump(disk);
}

static void add(struct replica_disk *disk, struct piece *piece)
{
	if (disk->state != FILLING) {
		piece_free(piece);
		return;
	}
	disk->contents += piece->len;
	list_add_tail(&disk->pieces, &piece->link);
	pump(disk);
}

void replica_disk_add(struct replica_disk *disk, char *owned, const char *frames, size_t len)
{
	struct piece *piece = xcalloc(1, sizeof(*piece));

	piece->owned = owned;
	piece->at = frames;
	piece->len = len;
	add(disk, piece);
}

void replica_disk_complete(struct replica_disk *disk, const struct store_mark *mark)
{
	struct piece *piece = xcalloc(1, sizeof(*piece));

	piece->last = true;
	piece->mark = *mark;
	piece->at = "";
	add(disk, piece);
}

void replica_disk_change(
	struct replica_disk *disk, const void *frames, size_t len, const struct store_mark *mark)
{
	if (disk->state != FILLING && disk->state != CURRENT)
		return;
	if (buf_add(&disk->waiting, frames, len) < 0) {
		give_up(disk, "more has changed meanwhile than is kept back for it");
		return;
	}
	disk->mark = *mark;
	if (!disk->changed && !disk->failing && disk->state == CURRENT)
		loop_timer_after(disk->timer, COMMIT_DELAY);
	disk->changed = true;
	pump(disk);
}

void replica_disk_status(const struct replica_disk *disk, struct replica_disk_status *ret)
{
	size_t waiting = disk->waiting.len;
	struct piece *piece;

	list_foreach (piece, &disk->pieces, link)
		waiting += piece->len;
	*ret = (struct replica_disk_status){
		.state = state_names[disk->state],
		.trouble = disk->trouble ? disk->trouble : "",
		.stored = disk->stored,
		.commits = disk->commits,
		.waiting = waiting,
	};
}
