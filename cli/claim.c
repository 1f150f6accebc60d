/*
 * collective claim: nodes without a manager become this member's. What was not possible is on standard
 * error, a line for each node.
 */
#include "config.h"
#include "cli/commands.h"

#include "base/text.h"
#include "cli/client.h"
#include "cli/rows.h"

struct claiming {
	struct call *call;
	struct rows rows;
	bool failed; /* some node is not this member's in the end */
};

/* What is said of a node: the member where the answer names it, front, what it has under `about`, back. */
static const struct result {
	const char *word;
	bool ours;
	const char *front, *about, *back;
} results[] = {
	{"claimed", true, "claimed by ", "manager", ""},
	{"own", true, "managed by ", "manager", " already"},
	{"other", false, "managed by ", "manager", ""},
	{"no-candidate", false, " is not among its candidates (", "candidates", ")"},
	{"gone", false, "there is no such node any more", NULL, ""},
	{"failed", false, "", "why", ""},
};

static const struct result *find_result(const json *row)
{
	static const struct result unknown = {
		"", false, "unexpected answer of collectived", NULL, ""};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		if (text_eq(json_text(json_at(row, "result")), results[i].word))
			return &results[i];
	}
	return &unknown;
}

static void tell(struct claiming *c, const json *row)
{
	const struct result *result = find_result(row);
	FILE *out = result->ours ? c->call->out : c->call->err;
	const char *node = json_text(json_at(row, "node"));
	const char *about = result->about ? json_text(json_at(row, result->about)) : NULL;
	const char *member = json_text(json_at(row, "member"));

	if (!result->ours)
		c->failed = true;
	if (c->rows.on)
		return;
	/* where both go to one file a line stays in one piece */
	if (out == c->call->err)
		fflush(c->call->out);
	writer_print(out, node ? node : "?");
	fputs(": ", out);
	if (member)
		writer_print(out, member);
	fputs(result->front, out);
	if (result->about)
		writer_print(out, about ? about : "?");
	fprintf(out, "%s\n", result->back);
}

static int on_frame(const json *frame, void *arg)
{
	struct claiming *c = arg;
	const json *row;

	json_foreach(row, json_at(frame, "claims"))
	{
		tell(c, row);
		rows_add(&c->rows, row);
	}
	return 0;
}

int run_claim(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	struct claiming c = {.call = call};
	json *request = command_request("claim");
	int rc;

	json_set_str(request, "noderange", call->args[0]);
	rows_begin(&c.rows, call, "claims");
	rc = rows_ask(call, request, CLIENT_WRITE_TIMEOUT, on_frame, &c, &end);
	rows_end(&c.rows, end);
	return rc == CLI_OK && c.failed ? CLI_FAILED : rc;
}
