/*
 * struct keeper: how the book of invitations gets to disk (enroll/invitations.h, whose contract for
 * changes and for those who wait is carried out here).
 *
 * There are three copies of the entries: `now`, where changes are made and lookups look; `firm`,
 * which is on disk; and, while a write is under way, `flying`, which will be firm when it ends well.
 * Changes are numbered, so that one write serves all who wait for what it holds. A write that fails
 * makes firm the truth again: memory and file never tell different stories about who may have an
 * invitation. (One that fails after its rename leaves the file ahead of the memory; that errs on the
 * side of a bound or ended invitation, or of a key nobody was given, and the next write puts it
 * right.)
 *
 * Internal to the book.
 */
#ifndef ENROLL_KEEPER_H
#define ENROLL_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "enroll/book.h"
#include "enroll/invitations.h"

struct worker;
struct worker_job;

struct pages {
	struct book_entry *entries;
	size_t count;
};

struct keeper {
	char *path;
	struct worker *worker;
	struct pages now, firm, flying;
	struct worker_job *job; /* the write that is under way */
	uint64_t changes;	/* made so far */
	uint64_t written;	/* of these, on disk or undone */
	uint64_t in_flight;	/* of these, on disk when the write ends well */
	struct list waits;	/* struct invitations_wait */
	bool dirty; /* something in `now` that the file doesn't say and nobody waits for */
	bool held;
};

/* In new memory with room for one more: what realloc() leaves behind would hold keys. */
struct pages pages_copy(const struct pages *pages);
/* Wipes. */
void pages_done(struct pages *pages);

void keeper_init(struct keeper *k, const char *path, struct worker *worker);
void keeper_done(struct keeper *k);
/* `now` was read from the file. */
void keeper_loaded(struct keeper *k);
/* `now` was changed: writes it. */
void keeper_changed(struct keeper *k);
bool keeper_settle(struct keeper *k, struct invitations_wait *wait);
void keeper_hold(struct keeper *k, bool hold);

#endif
