#include "config.h"
#include "cli/commands.h"

#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"

json *command_request(const char *operation)
{
	json *request = json_new_object();

	json_set_str(request, "operation", operation);
	return request;
}

int command_failed(struct call *call, const char *text)
{
	writer_print(call->err, text);
	fputc('\n', call->err);
	return CLI_FAILED;
}

int command_ask(struct call *call, json *request, usec_t timeout, json **ret_answer)
{
	CLEANUP(json_freep) json *answer = NULL;
	const char *text;
	struct err err = {""};

	if (client_ask(call->socket, request, timeout, &answer, &err) < 0)
		return command_failed(call, err.text);
	if (json_str(answer, "error", &text, NULL) == 0)
		return command_failed(call, text);
	*ret_answer = TAKE(answer);
	return CLI_OK;
}

int command_status(struct call *call, json *request)
{
	CLEANUP(json_freep) json *answer = NULL;
	const char *status = "";
	struct err err = {""};
	int rc = command_ask(call, request, CLIENT_ANSWER_TIMEOUT, &answer);

	if (rc != CLI_OK)
		return rc;
	if (json_str(answer, "status", &status, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	writer_print(call->out, status);
	fputc('\n', call->out);
	return CLI_OK;
}

int run_delete(struct call *call)
{
	json *request = command_request("delete");

	json_set_str(request, "member", call->args[0]);
	return command_status(call, request);
}

int run_gencert(struct call *call)
{
	return command_status(call, command_request("gencert"));
}

int run_resign(struct call *call)
{
	return command_status(call, command_request("resign"));
}

int run_adopt(struct call *call)
{
	return command_status(call, command_request("adopt"));
}

int run_log(struct call *call)
{
	json *request = command_request("log");

	json_set_str(request, "module", call->count > 1 ? call->args[0] : NULL);
	json_set_str(request, "level", call->args[call->count - 1]);
	return command_status(call, request);
}

const char *duration(double seconds, char *dst)
{
	/* Answers come from elsewhere: a clock may be off, a number may be nonsense. */
	if (!(seconds > 0))
		seconds = 0;
	if (seconds > 1e12)
		seconds = 1e12;
	return num_format_duration((usec_t)(seconds * (double)USEC_PER_SEC), dst);
}
