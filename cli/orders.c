/*
 * collective pause, resume: automatic moves of nodes are stopped, and go on.
 */
#include "config.h"
#include "cli/commands.h"

int run_pause(struct call *call)
{
	json *request = command_request("pause");
	const char *reason = call_option(call, "reason");

	if (reason)
		json_set_str(request, "reason", reason);
	/* the answer itself says it, also when they are paused already */
	call->told = true;
	return command_status(call, request);
}

int run_resume(struct call *call)
{
	return command_status(call, command_request("resume"));
}
