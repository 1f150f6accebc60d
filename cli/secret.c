/*
 * collective secret and collective rekey: what only root may ask, of the agent on this server.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/rows.h"

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
	rows_tell_age(call, json_at(answer, "stale"));
	if (call_option(call, "json")) {
		w = command_writer(call, call->out);
		writer_text(w, "value", NULL, value);
		writer_free(w);
	} else {
		/* As it is: it goes into a script more often than to a screen. */
		fprintf(call->out, "%s\n", value);
	}
	return CLI_OK;
}

/* A text that is there. */
static void write_text(struct writer *w, const json *answer, const char *key, const char *label)
{
	const char *text = json_text(json_at(answer, key));

	if (text)
		writer_text(w, key, label, text);
}

static void write_flag(struct writer *w, const json *member, const char *key, const char *label)
{
	bool is;

	if (json_bool(member, key, &is, NULL) == 0)
		writer_flag(w, key, label, is);
}

void rekey_write(struct writer *w, const json *answer, double now)
{
	char shown[NUM_DURATION_MAX];
	const json *it;
	char *when;
	double at;

	write_text(w, answer, "stage", "Stage");
	write_text(w, answer, "key", "Key");
	write_text(w, answer, "from", "Changed from");
	write_text(w, answer, "to", "Changed to");
	write_text(w, answer, "by", "Begun by");
	if (json_number(answer, "at", &at, NULL) == 0) {
		when = xasprintf("%s ago", duration(now - at, shown));
		writer_number(w, "at", at, "Begun", when);
		free(when);
	}
	writer_list(w, "waiting", "Waiting for");
	json_foreach(it, json_at(answer, "waiting")) if (json_text(it))
		writer_entry(w, json_text(it), "");
	writer_end(w);
	writer_list(w, "members", "Members");
	json_foreach(it, json_at(answer, "members"))
	{
		writer_object(w, NULL, NULL);
		writer_text(w, "name", "", json_text(json_at(it, "name")));
		write_flag(w, it, "active", "active");
		write_flag(w, it, "held", "has the new key");
		write_flag(w, it, "signed", "record under the new key");
		writer_end(w);
	}
	writer_end(w);
	write_text(w, answer, "note", "Note");
}

static int rekey_status(struct call *call)
{
	CLEANUP(json_freep) json *answer = NULL;
	json *request = command_request("rekey");
	struct writer *w;
	int rc;

	json_set_bool(request, "query", true);
	rc = command_ask(call, request, CLIENT_ANSWER_TIMEOUT, &answer);
	if (rc != CLI_OK)
		return rc;
	w = command_writer(call, call->out);
	rekey_write(w, answer, (double)time(NULL));
	writer_free(w);
	return CLI_OK;
}

int run_rekey(struct call *call)
{
	return call_option(call, "status") ? rekey_status(call)
					   : command_status(call, command_request("rekey"));
}
