/*
 * collective secret: what only root may ask, of the agent on this server.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>

#include "base/text.h"
#include "cli/client.h"

int run_secret(struct call *call)
{
	CLEANUP(json_wipep) json *answer = NULL;
	struct err err = {""};
	const char *value;
	struct writer *w;
	json *request;
	int rc;

	if (!text_eq(call->args[0], "get")) {
		fprintf(call->err,
			"collective: secret: only \"secret get NODE ATTRIBUTE\" is known\n");
		return CLI_USAGE;
	}
	request = command_request("secret");
	json_set_str(request, "node", call->args[1]);
	json_set_str(request, "attribute", call->args[2]);
	rc = command_ask(call, request, CLIENT_ANSWER_TIMEOUT, &answer);
	if (rc != CLI_OK)
		return rc;
	if (json_str(answer, "value", &value, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	if (call_option(call, "json")) {
		w = writer_json_new(call->out);
		writer_text(w, "value", NULL, value);
		writer_free(w);
	} else {
		/* As it is: it goes into a script more often than to a screen. */
		fprintf(call->out, "%s\n", value);
	}
	return CLI_OK;
}
