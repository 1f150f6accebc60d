/*
 * collective and, by other names, nodeattrib and so on: the administrator's commands. All they do is
 * ask the agent on this host over its socket and print the answer.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/verb.h"

/* Answers are long, and written a line at a time. */
#define OUTPUT_BUFFER ((size_t)64 << 10)

int main(int argc, char **argv)
{
	static const struct rlimit none;
	int status;

	/* Invitations and passwords pass through here; a core file must not hold one. The limit does not
	 * keep the kernel from handing it to a program. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	/* "nodeattrib compute | head" ends quietly, also below a parent that ignores the signal. */
	signal(SIGPIPE, SIG_DFL);
	setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, OUTPUT_BUFFER);
	status = cli_run(argc, argv, getenv("CONFLUENT_HOST"), stdin, stdout, stderr);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			perror("collective: cannot write");
		status = status ? status : CLI_FAILED;
	}
	return status;
}
