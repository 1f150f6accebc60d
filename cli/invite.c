/*
 * collective invite: the token alone goes to standard output, so that
 * "ssh mgt2 collective join mgt1 -i $(collective invite mgt2)" works.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"

/* As long as an agent lets an invitation be valid. */
#define TTL_MAX (30 * 86400 * USEC_PER_SEC)

static void write_times(struct writer *w, const json *row, bool pending, double now)
{
	char shown[NUM_DURATION_MAX];
	double seconds;
	char *when;

	if (json_number(row, "created", &seconds, NULL) == 0) {
		when = xasprintf("%s ago", duration(now - seconds, shown));
		writer_number(w, "created", seconds, "given", when);
		free(when);
	}
	if (json_number(row, "expires", &seconds, NULL) == 0)
		writer_number(w, "expires", seconds, pending ? "expires in" : NULL,
			duration(seconds - now, shown));
}

void invitations_write(struct writer *w, const json *answer, double now)
{
	const json *row;

	writer_list(w, "invitations", "Invitations");
	json_foreach(row, json_at(answer, "invitations"))
	{
		const char *role = json_text(json_at(row, "role"));
		const char *state = json_text(json_at(row, "state"));
		const char *used_by = json_text(json_at(row, "used_by"));

		writer_object(w, NULL, NULL);
		writer_text(w, "name", "", json_text(json_at(row, "name")));
		writer_text(w, "state", "", state);
		writer_text(w, "role", "", role);
		write_times(w, row, text_eq(state, "pending"), now);
		if (used_by)
			writer_text(w, "used_by", "by", used_by);
		writer_end(w);
	}
	writer_end(w);
}

static int list(struct call *call)
{
	CLEANUP(json_freep) json *answer = NULL;
	struct writer *w;
	bool as_json = call_option(call, "json");
	int rc = command_ask(call, command_request("invitations"), CLIENT_ANSWER_TIMEOUT, &answer);

	if (rc != CLI_OK)
		return rc;
	if (!as_json && !json_count(json_at(answer, "invitations")))
		fprintf(call->out, "No invitations\n");
	w = command_writer(call, call->out);
	invitations_write(w, answer, (double)time(NULL));
	writer_free(w);
	return CLI_OK;
}

static int revoke(struct call *call, const char *name)
{
	json *request = command_request("revoke");

	json_set_str(request, "name", name);
	return command_status(call, request);
}

/* Adds the lifetime in seconds. */
static int add_ttl(json *request, const char *text, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	usec_t ttl;

	if (!text)
		return 0;
	if (num_duration(text, &ttl) < 0 || ttl < USEC_PER_SEC || ttl > TTL_MAX)
		return err_set(err, -1,
			"--ttl: '%s' is not a duration between 1s and 30d (such as 30m, 12h, 7d)",
			text_printable(text, strlen(text), shown));
	json_set_number(request, "ttl", ttl / USEC_PER_SEC);
	return 0;
}

static int invite(struct call *call)
{
	CLEANUP(json_wipep) json *answer = NULL;
	json *request = command_request("invite");
	const char *token;
	struct err err = {""};
	int rc;

	json_set_str(request, "name", call->args[0]);
	json_set_str(request, "role", call_option(call, "n") ? "nonvoting" : NULL);
	if (add_ttl(request, call_option(call, "ttl"), &err) < 0) {
		json_free(request);
		fprintf(call->err, "collective: %s\n", err.text);
		return CLI_USAGE;
	}
	rc = command_ask(call, request, CLIENT_ANSWER_TIMEOUT, &answer);
	if (rc != CLI_OK)
		return rc;
	if (json_at(answer, "certificate"))
		fprintf(call->err, "Certificate generated successfully\n");
	if (json_str(answer, "invitation", &token, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	writer_print(call->out, token);
	fputc('\n', call->out);
	return CLI_OK;
}

int run_invite(struct call *call)
{
	if (call_option(call, "list"))
		return list(call);
	if (call_option(call, "revoke"))
		return revoke(call, call_option(call, "revoke"));
	return invite(call);
}
