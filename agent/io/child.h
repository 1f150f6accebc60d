/*
 * Running a program beside the loop: no shell, no inherited descriptor, a process group of its own,
 * a deadline, and a ceiling on what is kept of its output.
 *
 * The program starts in "/" with default signal handling. It gets the input on its standard input
 * and end-of-file behind it; its standard output and standard error arrive together as `output`.
 * When it ends, what is left of its process group is killed. At its deadline the group gets SIGTERM
 * and, where that does not help, SIGKILL 2 s later.
 */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"

struct loop;
struct child;

struct child_result {
	int rc;		    /* 0: it ended with status 0; -ENOEXEC: it could not be started;
			   * -ETIMEDOUT: it was stopped at its deadline; -ECHILD: anything else */
	int status;	    /* its exit status; -1 where a signal ended it */
	const char *why;    /* text for rc != 0, names the program */
	const char *output; /* NUL-terminated */
	size_t output_len;
	bool output_cut; /* it wrote more than max_output; the rest was read and dropped */
};

struct child_options {
	const char *const *argv;	/* argv[0] is an absolute path; NULL-terminated */
	const char *const *environment; /* "NAME=value", NULL-terminated; NULL: a standard PATH */
	const void *input;		/* copied; NULL: none */
	size_t input_len;
	size_t max_output;
	usec_t timeout;
	/* Called once, from the loop; not after child_free(), which is due in any case. */
	void (*done)(const struct child_result *result, void *arg);
	void *arg;
};

int child_new(struct child **ret, struct loop *loop, const struct child_options *options,
	struct err *err) MUST_CHECK;
/* In done: the output, which is the caller's then; result->output points to it still. */
char *child_take_output(struct child *child);
/* Kills the group of a program that has not ended. */
void child_free(struct child *child);

DEFINE_CLEANUP(struct child *, child_free)

#endif
