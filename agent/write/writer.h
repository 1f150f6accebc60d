/*
 * struct writer: carries plans (model/plan.h) out: what a command wants changed becomes transactions in
 * etcd.
 *
 * The happy path: the units that a plan gives are packed into transactions, several of which are under
 * way at a time; what was applied is told to the plan; when nothing is left and the copy has reached the
 * last revision written, `done` is called. So whoever reads after the answer reads what was written.
 *
 * What may be relied on (R1, R2):
 *  - Every transaction compares what its units were decided on, and that this member's own record stands
 *    as it was; a member that was deleted writes nothing.
 *  - Every transaction carries a ticket (write/writer_slot.h), so that it is applied at most once,
 *    however often it was sent, and so that there is an end to every doubt: it was applied, or it never will be.
 *    A unit is given back to the plan, to be worked out anew, only in the second case. So nothing is
 *    written twice, nothing that others did in between is undone, nothing that was refused comes true
 *    later. Comparing values ("is mine there?") would be less: an equal value may be another's, and a
 *    value that is gone may have been there.
 *  - Only who gives up while there is doubt says so: -EINPROGRESS.
 *
 * A compare that failed: the units of the transaction are planned anew once the copy has reached the
 * revision of the answer. There may be innocent ones among them, so a plan's transactions get smaller
 * when they fail, down to one unit, and larger again when they succeed: one node that others keep
 * changing does not hold up the rest.
 *
 * Failures: a plan that gets nothing applied for 20 s is stopped, and so is one that etcd refuses (no
 * space, no permission) or that goes on while this member may not write (no quorum, on hold, deleted);
 * what was under way then is waited for, some seconds at most. A plan that comes at such a time is
 * refused at once, and nothing is sent. One that comes while the copy catches up waits for it.
 *
 * Plans take turns, one transaction each, and none has more than a few under way, so that a small one
 * does not wait for a large one to end.
 * At most 5 ms are spent per turn of the loop (R6).
 */
#ifndef WRITE_WRITER_H
#define WRITE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/usec.h"

struct db;
struct etcd;
struct identity;
struct loop;
struct plan;
struct worker;
struct writer;
struct writer_job;

#define WRITER_PLANS_MAX   32	/* under way; others wait in the order they came */
#define WRITER_WAITING_MAX 1024 /* more are refused */
#define WRITER_SLOTS	   8	/* transactions under way */
#define WRITER_PLAN_SLOTS  3	/* of these, for one plan: the others wait behind no more at etcd */

struct writer_config {
	struct loop *loop;
	struct etcd *etcd;
	struct worker *worker; /* for hashing */
	const struct identity *identity;
	const char *prefix;
	const char *run; /* something that no other run of the agent has */
	/* 0, and the mod_revision that this member's record has; else the text to refuse with.
	 * -EAGAIN: not at present, but soon: worth waiting for. So it is while db() is not current: what
	 * it shows is written in no transaction's compares where nothing has to be changed. */
	int (*may_write)(int64_t *record_rev, struct err *why, void *arg);
	const struct db *(*db)(void *arg); /* NULL: none yet */
	/* Something was applied at this revision. */
	void (*applied)(int64_t revision, void *arg);
	void *arg;
	usec_t wait;	 /* until this member may write, before a plan begins; 0: 10 s */
	usec_t patience; /* without anything applied; 0: 20 s */
	usec_t catch_up; /* until the copy has what was applied; 0: 10 s */
};

/* As api_written_fn (api/database.h): the plan is freed behind the call. */
typedef void writer_done_fn(int rc, const char *why, struct plan *plan, void *arg);

struct writer *writer_new(const struct writer_config *config);
/* Ends everything, as far as is known; done is called for all of them, within this call. NULL is
 * fine. */
void writer_free(struct writer *writer);
/* Takes the plan. done is called once, from the loop. */
struct writer_job *writer_submit(
	struct writer *writer, struct plan *plan, writer_done_fn *done, void *arg);
/* done is not called any more. What was begun is completed, what still waits is dropped. */
void writer_forget(struct writer_job *job);
/* The copy has moved on, or this member may write no more. */
void writer_moved(struct writer *writer);

struct writer_status {
	size_t plans; /* under way */
	size_t waiting;
	uint64_t done;	  /* plans, since the start */
	uint64_t applied; /* transactions */
	uint64_t failed;  /* of a compare */
	uint64_t unknown; /* given up in doubt */
};
void writer_status(const struct writer *writer, struct writer_status *ret);

#endif
