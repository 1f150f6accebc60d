/*
 * What the program can be asked to do: one row a verb. Dispatch, arity, options, --help, the list in
 * collective(1) and the completion are all made from the rows (verbs.c); a verb's function finds its
 * arguments counted and its options parsed.
 *
 * Nothing here knows the socket; what a verb prints goes to the streams of its call.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/macros.h"

#define VERB_OPTIONS_MAX 6
#define VERB_ARGS_MAX	 2

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum option_value { OPTION_FLAG, OPTION_VALUE, OPTION_MAYBE /* --name or --name=VALUE */ };

struct verb_option {
	char letter;	  /* 0: none */
	const char *name; /* without the dashes; NULL: none */
	enum option_value takes;
	const char *value; /* its name in help texts */
	bool instead;	   /* stands in place of the arguments */
	bool secret;	   /* the value is overwritten in argv as soon as it is read */
	const char *help;
};

struct call;

struct verb {
	const char *name;
	const char *args;			      /* as in help texts; "" for none */
	int min, max;				      /* how many */
	const char *help;			      /* one line */
	struct verb_option options[VERB_OPTIONS_MAX]; /* up to the first without letter and name */
	int (*run)(struct call *call);		      /* gives an exit status */
};

/* A verb being called. The texts belong to argv, secrets to the call. */
struct call {
	const struct verb *verb;
	const char *socket;
	const char *args[VERB_ARGS_MAX];      /* NULL where not given */
	const char *values[VERB_OPTIONS_MAX]; /* by the verb's options; "" for a bare option */
	char *secret;
	FILE *in, *out, *err;
};

/* The value of an option by its letter or name: NULL not given, "" given without a value. */
const char *call_option(const struct call *call, const char *name);

extern const struct verb verbs[]; /* up to the one without a name */

/* The whole program but the process: parses, runs, gives the exit status. host is the environment's
 * CONFLUENT_HOST or NULL. argv may be overwritten. */
int cli_run(int argc, char **argv, const char *host, FILE *in, FILE *out, FILE *err);

/* Parses into *ret (args, values, secret, socket; call_done() it). 0 or -EINVAL with the text. */
int verb_parse(const struct verb *verb, int argc, char **argv, struct call *ret,
	struct err *err) MUST_CHECK;
void call_done(struct call *call);

const struct verb *verb_find(const char *name);
/* The verb whose name is nearest, or NULL where none is near. */
const struct verb *verb_nearest(const char *name);

void verb_help_all(FILE *out);
void verb_help(const struct verb *verb, FILE *out);
/* The list of commands of collective(1), in mdoc. */
void verb_mdoc(FILE *out);
/* A line each: the verb and its options, for the completion. */
void verb_words(FILE *out);

#endif
