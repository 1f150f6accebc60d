/*
 * What the programs can be asked to do: one row a verb. Dispatch, arity, options, --help, the lists
 * in the manual pages and the completion are all made from the rows; a verb's function finds its
 * arguments counted and its options parsed.
 *
 * There are two tables: the verbs of `collective` (verbs.c), and the commands for nodes and groups
 * (programs.c), each a program of its own. All are one binary; the name it is called by decides.
 *
 * Nothing here knows the socket; what a verb prints goes to the streams of its call.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/macros.h"
#include "wire/json.h"

#define VERB_OPTIONS_MAX 8
#define VERB_ANY	 0x7fffffff /* as many arguments as one likes */

/* Exit statuses. The programs give errors as upstream's do: CLI_FAILED or the error's code modulo
 * 256 (client.h). */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum option_value { OPTION_FLAG, OPTION_VALUE, OPTION_MAYBE /* --name or --name=VALUE */ };

struct verb_option {
	char letter;	  /* 0: none */
	const char *name; /* without the dashes; NULL: none */
	enum option_value takes;
	const char *value; /* its name in help texts */
	bool instead;	   /* stands in place of the arguments */
	bool among;	   /* `args` has it: it stands in front of some of them */
	bool secret;	   /* the value is overwritten in argv as soon as it is read */
	const char *help;
};

struct call;

struct verb {
	const char *name;
	bool program;				      /* of its own: no "collective" in front */
	const char *args;			      /* as in help texts; a line for each form */
	int min, max;				      /* how many */
	const char *help;			      /* one line */
	struct verb_option options[VERB_OPTIONS_MAX]; /* up to the first without letter and name */
	int (*run)(struct call *call);		      /* gives an exit status */
};

/* A verb being called. The texts belong to argv, secrets to the call. */
struct call {
	const struct verb *verb;
	const char *socket;
	char **args; /* the arguments without the options, moved to the front of argv */
	int count;
	const char *values[VERB_OPTIONS_MAX]; /* by the verb's options; "" for a bare option */
	char *secret;
	json *paused; /* what the last answer said of that; NULL: automatic moves are not paused */
	bool told;    /* on standard error */
	FILE *in, *out, *err;
};

/* The value of an option by its letter or name: NULL not given, "" given without a value. */
const char *call_option(const struct call *call, const char *name);

/* Up to the one without a name. */
extern const struct verb verbs[];
extern const struct verb programs[];

/* The whole program but the process: parses, runs, gives the exit status. What follows the last '/'
 * of argv[0] is its name. host is the environment's CONFLUENT_HOST or NULL. argv is overwritten. */
int cli_run(int argc, char **argv, const char *host, FILE *in, FILE *out, FILE *err);

/* Parses into *ret (args, values, secret, socket; call_done() it). 0; -EINVAL or, for the
 * number of arguments, -ERANGE with the text; -ECANCELED where help is asked for. */
int verb_parse(const struct verb *verb, int argc, char **argv, struct call *ret,
	struct err *err) MUST_CHECK;
void call_done(struct call *call);

const struct verb *verb_find(const char *name);
const struct verb *program_find(const char *name);
/* The verb whose name is nearest, or NULL where none is near. */
const struct verb *verb_nearest(const char *name);

void verb_help_all(FILE *out);
void verb_help(const struct verb *verb, FILE *out);
/* The list of commands of collective(1), in mdoc. */
void verb_mdoc(FILE *out);
/* SYNOPSIS and OPTIONS of a program's manual page, in mdoc. */
void program_mdoc(const struct verb *program, FILE *out);
/* A line each: the verb and its options, for the completion. */
void verb_words(FILE *out);
void program_words(const struct verb *program, FILE *out);

#endif
