/*
 * struct writer_slot: transactions, one at a time, each applied at most once and with an outcome that
 * is certain sooner or later.
 *
 * Why the compares of a change are not enough. A transaction whose answer is lost may have been
 * applied, and a copy of it may still be under way: in the buffer of an etcd member that is stopped,
 * or because libcurl sent it twice. A compare with a mod_revision makes a copy harmless, as no
 * revision comes twice. A compare with "there is no such key" does not: where somebody has deleted
 * the key meanwhile it holds again, and the copy would bring back what was deleted. And whoever finds
 * the key gone can't tell "never written" from "written, and deleted by another".
 *
 * So each transaction carries a ticket. The slot is a key in etcd that only this member writes;
 * every transaction compares the slot's mod_revision with the one that is known and puts its own id
 * there. All copies of one transaction compare the same revision, so at most one is ever applied, and
 * the slot says which one was the last.
 *
 * The happy path: one transaction, one answer.
 *
 * In doubt (no answer, or a compare that did not hold) the slot is closed: a second, tiny transaction
 * compares the same mod_revision and puts a mark. When it is applied no copy of the first was or ever
 * will be. When its compare fails the slot tells: it holds the id, so the first was applied, at the
 * slot's mod_revision; or it does not, so it never was. Closing is repeated until there is an answer,
 * and is itself safe to repeat. Nothing is written again before that.
 *
 * Failures: an etcd out of space takes no mark; then the slot is read, which is as good where etcd did
 * answer the transaction itself. Who gives up while there is doubt gets UNKNOWN, and the doubt ends with
 * the slot's next transaction, which competes for the same mod_revision.
 *
 * The key may be read by anybody, and must not be written by others while the member runs: to a
 * transaction whose answer was lost in the same moment that could hide that it was applied.
 */
#ifndef WRITE_WRITER_SLOT_H
#define WRITE_WRITER_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "etcd/client.h"

struct loop;
struct writer_slot;

/* What the slot itself adds to a transaction, as etcd_txn_fits() counts it. */
#define WRITER_SLOT_COMPARES 1
#define WRITER_SLOT_OPS	     1
#define WRITER_SLOT_BYTES    1024

enum writer_end {
	WRITER_APPLIED,
	WRITER_FAILED,	/* not applied and never will be: a compare did not hold, or it was lost */
	WRITER_REFUSED, /* not applied: etcd does not want it, or it was given up in time */
	WRITER_UNKNOWN, /* given up in doubt */
};

/* Once, from the loop; the slot is free for the next. revision: of the application or, where it
 * failed, of a change of the slot after the reason (so who follows the prefix is sure to see it). */
typedef void writer_slot_fn(enum writer_end end, int64_t revision, const char *why, void *arg);

/* run: something that no other run of the agent has. Both are copied. */
struct writer_slot *writer_slot_new(
	struct loop *loop, struct etcd *etcd, const char *key, const char *run);
/* done is not called any more. NULL is fine. */
void writer_slot_free(struct writer_slot *slot);
/* Takes txn, whose ETCD_ELSE must be empty. The slot must be free. */
void writer_slot_commit(
	struct writer_slot *slot, struct etcd_txn *txn, writer_slot_fn *done, void *arg);
/* Nothing is begun any more but one attempt to end a doubt: done comes within some 4 s. Without effect on
 * a free slot. */
void writer_slot_give_up(struct writer_slot *slot);
/* What was last heard from etcd that was no success; "" where nothing was. */
const char *writer_slot_trouble(const struct writer_slot *slot);
/* What was committed may have been applied. */
bool writer_slot_in_doubt(const struct writer_slot *slot);

#endif
