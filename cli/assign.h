/*
 * What a command is to set: assignments, from the command line (location.u=3, groups,=rack1,
 * groups^=rack1 or groups-=rack1), the environment, questions, or a file. All of them are read and
 * checked here before the agent is asked for anything.
 *
 * Values may be secrets: they are overwritten when freed, and in argv as soon as they are read.
 */
#ifndef CLI_ASSIGN_H
#define CLI_ASSIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"
#include "cli/verb.h"
#include "wire/json.h"

enum assign_how { ASSIGN_SET, ASSIGN_CLEAR, ASSIGN_PREPEND, ASSIGN_REMOVE };

struct assignment {
	char *name;
	enum assign_how how;
	char *value;	/* NULL with ASSIGN_CLEAR */
	unsigned round; /* how often the name was given before */
};

struct assignments {
	struct assignment *list;
	size_t n;
};

void assign_done(struct assignments *a);

/* Is the word an assignment, in form? */
bool assign_looks_like(const char *word);
/* NAME=VALUE and so on; wipes the word's value. -EINVAL where the word is none. */
int assign_word(struct assignments *a, char *word, struct err *err) MUST_CHECK;
void assign_clear(struct assignments *a, const char *name);
/* From the variable of that name, '.' and '-' written as '_', as it is or in capitals. -ENOENT. */
int assign_environment(struct assignments *a, const char *name, struct err *err) MUST_CHECK;
/* Asks twice, without showing what is typed where that is a terminal. -ENODATA at its end. */
int assign_prompt(
	struct assignments *a, const char *name, struct call *call, struct err *err) MUST_CHECK;
/* A file of assignments: words as a shell splits them, '#' before a word begins a comment. */
int assign_file(struct assignments *a, const char *path, struct err *err) MUST_CHECK;

/*
 * The parameters of a request: those of one round, the next round's where *ret_last is then false.
 * An object has each name once, so a name that is given again goes into the round after: what was
 * typed is done in that order.
 */
json *assign_parameters(const struct assignments *a, unsigned round, bool *ret_last);

DEFINE_CLEANUP(struct assignments *, assign_done)

#endif
