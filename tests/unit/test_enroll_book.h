/*
 * What the tests of the book of invitations share: a book in a folder of its own, with the loop and
 * the worker that write it, and its calls in short.
 */
#ifndef TESTS_UNIT_TEST_ENROLL_BOOK_H
#define TESTS_UNIT_TEST_ENROLL_BOOK_H

#include <check.h>
#include <stdbool.h>

#include "base/err.h"
#include "enroll/invitations.h"
#include "io/loop.h"
#include "io/worker.h"

#define T0   (1767225600 * USEC_PER_SEC) /* 2026-01-01 00:00:00 UTC */
#define HOUR (3600 * USEC_PER_SEC)
#define DAY  (24 * HOUR)

#define KEY_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

extern char *path; /* of the book's file */
extern struct loop *loop;
extern struct worker *worker;
extern struct invitations *book;
extern struct err err; /* of the last call */

struct waiter {
	struct invitations_wait wait;
	int calls, rc;
	bool stop;
};

void setup(void);
void teardown(void);
void load(usec_t now);
void reload(usec_t now);
/* A folder in the way of the temporary file makes every write fail. */
void block_writes(void);
void allow_writes(void);

bool wait_for_disk(struct waiter *w, bool stop);
void run(void);
/* What came of the changes so far, when they are on disk or undone. */
int settle(void);
/* A change that was decided on counts when it is on disk. */
int settled(int rc);

/* The identity of invitation n; its key is the one of n + 100000. */
const unsigned char *id(unsigned n);
int add(const char *name, unsigned n, usec_t now, usec_t ttl);
int key(unsigned n, usec_t now);
int why(unsigned n, usec_t now);
int claim(unsigned n, const char *redeemer, const char *address, usec_t now);
int mark_used(unsigned n, usec_t now);
int let_go(unsigned n, usec_t now);
int revoke_it(const char *name, usec_t now);
int sweep(usec_t now);
struct invitation get(unsigned n, usec_t now);

TCase *book_file_case(void);

#endif
