/*
 * A scripted agent for the tests of the programs: a child process that listens on a socket, greets,
 * and answers request after request as its script says.
 */
#ifndef TESTS_UNIT_CLI_AGENT_H
#define TESTS_UNIT_CLI_AGENT_H

#include <stdbool.h>

#include "tests/lib/suite.h"

#define GOOD	   "Confluent -- v4 --"
#define PASSED	   "{\"authpassed\":1}"
#define DONE	   "{\"_requestdone\":1}"
#define SCRIPT_MAX 4

/* What the agent says. NULL: it says nothing and waits. */
struct script {
	const char *banner;
	const char *authpassed;
	const char *answer;
	const char *more[SCRIPT_MAX]; /* to further requests; a line for each frame */
	bool byte_by_byte;
	bool raw; /* the answer is bytes, not a frame */
};

struct cli_test {
	char folder[32];
	char path[64]; /* the socket */
	int pid;
	int requests; /* the read end of a pipe: what the agent was asked */
	char *out, *err;
	int rc;
};

extern struct cli_test f;

void start(const struct script *s);
void stop(void);
/* Runs "collective -s SOCKET" with the words of line; input is its standard input. */
void run(const char *line, const char *input);
/* Runs the words of line, by their own name, at the socket of the script. */
void run_program(const char *line, const char *input);
/* What the agent was asked, the requests one behind the other. */
void asked(const char *expected);

#endif
