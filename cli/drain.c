/*
 * collective drain and collective undrain.
 */
#include "config.h"
#include "cli/commands.h"

#include "base/mem.h"
#include "cli/client.h"
#include "cli/progress.h"
#include "cli/rows.h"

static int on_frame(const json *frame, void *arg)
{
	progress_tell(arg, frame);
	return 0;
}

static int tell(struct call *call, const json *end)
{
	const char *status;
	struct err err = {""};
	struct rows rows;

	if (call_option(call, "json")) {
		rows_begin(&rows, call, NULL);
		rows_end(&rows, end);
		return CLI_OK;
	}
	if (json_str(end, "status", &status, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	writer_print(call->out, status);
	fputc('\n', call->out);
	return CLI_OK;
}

int run_drain(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	CLEANUP(freep) char *what = xasprintf("draining %s", call->args[0]);
	struct progress progress = {.call = call, .what = what};
	json *request = command_request("drain");
	int rc;

	json_set_str(request, "member", call->args[0]);
	if (call_option(call, "reason"))
		json_set_str(request, "reason", call_option(call, "reason"));
	json_set_bool(request, "force", call_option(call, "force") != NULL);
	json_set_bool(request, "wait", !call_option(call, "no-wait"));
	rc = rows_ask(call, request, CLIENT_READ_TIMEOUT, on_frame, &progress, &end);
	progress_end(&progress);
	return rc == CLI_OK ? tell(call, end) : rc;
}

int run_undrain(struct call *call)
{
	json *request = command_request("undrain");

	json_set_str(request, "member", call->args[0]);
	return command_status(call, request);
}
