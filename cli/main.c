/*
 * collective: the administrator's command. All it does is ask the agent on this host over its socket
 * and print the answer.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "cli/verb.h"

int main(int argc, char **argv)
{
	static const struct rlimit none;
	int status;

	/* Invitations pass through here; a core file must not hold one. */
	setrlimit(RLIMIT_CORE, &none);
	status = cli_run(argc, argv, getenv("CONFLUENT_HOST"), stdin, stdout, stderr);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("collective: cannot write");
		status = status ? status : CLI_FAILED;
	}
	return status;
}
