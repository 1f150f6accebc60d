/*
 * struct tell: what the operations about managers have in common: they wait until there is a database
 * to read, and answer with rows, any number of them, made a slice at a time and sent as fast as the
 * client reads (R6):
 *
 *     {KEY:[row,…]} …    and, behind the last, what the operation ends with
 *
 * The command's `work` holds it. A client that goes away ends the command.
 */
#ifndef COMMAND_TELL_H
#define COMMAND_TELL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

struct command;
struct db;
struct tell;

struct tell_ops {
	const char *key;
	const char *doing; /* for loop_doing() */
	/* 1: *ret is a row, new. 0: there are no more. -EAGAIN: call again, this was some work. Else the
	 * command fails with err. No call should take more than some milliseconds. */
	int (*row)(json **ret, struct err *err, void *arg);
	/* There are no more rows: ends the command, or goes on with it. */
	void (*end)(void *arg);
};

struct tell *tell_new(struct command *cmd, void *arg);
void tell_free(struct tell *tell); /* NULL is fine */
DEFINE_CLEANUP(struct tell *, tell_free)
/* Tells all rows, from the loop. */
void tell_rows(struct tell *tell, const struct tell_ops *ops);

/* Goes on when the copy of the database is there, and current where it is about to be; or fails. */
void command_when_readable(struct command *cmd, void (*go)(struct command *cmd));
/* The copy, for this turn of the loop; NULL and err. */
const struct db *command_db(const struct command *cmd, struct err *err);
/* Adds "stale":{"age","revision"} where what is read may be old. */
void command_stale(const struct command *cmd, json *object);
/* The object that ends an answer: {"end":{"revision",…,"stale":{"age","revision"}}}; *ret_end is its
 * inside, for more. */
json *command_end(const struct command *cmd, json **ret_end);

/* ---- names that outlive the database that they are from ---- */

struct tell_names {
	const char **at;
	size_t n;
	char *pool;
};
/* Copies. */
void tell_names_init(struct tell_names *names, const char *const *from, size_t n);
void tell_names_done(struct tell_names *names);
/* Those with these numbers, as db has them. */
void tell_names_of(struct tell_names *names, const struct db *db, const uint32_t *nodes, size_t n);

/* Names in natural order as a noderange, made in pieces that each take some milliseconds. */
struct tell_fold {
	char *text;
	size_t len, at;
};
/* True: fold->text is complete, and to be freed. It begins zeroed. */
bool tell_fold(struct tell_fold *fold, const char *const *names, size_t n);
/* "n[1:20],n30,..." for a sentence; new. */
char *tell_some(const char *const *names, size_t n);

#endif
