/*
 * collective nodes and collective candidates: which member manages which nodes, and which ones may.
 */
#include "config.h"
#include "cli/commands.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/rows.h"

struct telling {
	struct call *call;
	struct rows rows;
	bool failed;
	char *unknown; /* what was told last */
};

/* ---- nodes ---- */

static void tell_manager(struct call *call, const json *row)
{
	const char *name = json_text(json_at(row, "name"));
	const char *nodes = json_text(json_at(row, "noderange"));
	const char *state = json_text(json_at(row, "state"));
	bool draining = false;
	int64_t n = 0;

	(void)!json_i64(row, "nodes", &n, NULL);
	(void)!json_bool(row, "draining", &draining, NULL);
	writer_print(call->out, text_eq(state, "nobody") ? "nobody" : name ? name : "?");
	if (state && !text_eq(state, "online") && !text_eq(state, "nobody")) {
		fputs(" (", call->out);
		writer_print(call->out, text_eq(state, "unknown") ? "no member" : state);
		fputc(')', call->out);
	}
	if (draining)
		fputs(" (draining)", call->out);
	fputs(": ", call->out);
	if (n < 1) {
		fputs("no nodes\n", call->out);
		return;
	}
	writer_print(call->out, nodes && *nodes ? nodes : "?");
	fprintf(call->out, " (%" PRId64 " node%s)\n", n, n == 1 ? "" : "s");
}

static int on_nodes(const json *frame, void *arg)
{
	struct telling *t = arg;
	const json *row;

	json_foreach(row, json_at(frame, "managers"))
	{
		rows_add(&t->rows, row);
		if (!t->rows.on)
			tell_manager(t->call, row);
	}
	json_foreach(row, json_at(frame, "nodes"))
	{
		rows_add(&t->rows, row);
		if (t->rows.on || !json_text(row))
			continue;
		writer_print(t->call->out, json_text(row));
		fputc('\n', t->call->out);
	}
	return 0;
}

int run_nodes(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	struct telling t = {.call = call};
	json *request;
	bool all = !call->count && !call_option(call, "unmanaged");
	int rc;

	/* on the socket that is nobody; here it is a variable of a script that is not set */
	if (call->count && !*call->args[0]) {
		fputs("collective: nodes: the name of the member is empty (--unmanaged lists "
		      "the nodes of nobody)\n",
			call->err);
		return CLI_USAGE;
	}
	request = command_request("nodes");
	if (call->count)
		json_set_str(request, "member", call->args[0]);
	if (call_option(call, "unmanaged"))
		json_set_bool(request, "unmanaged", true);
	rows_begin(&t.rows, call, all ? "managers" : "nodes");
	rc = rows_ask(call, request, CLIENT_READ_TIMEOUT, on_nodes, &t, &end);
	rows_end(&t.rows, end);
	return rc;
}

/* ---- candidates ---- */

/* Names in a text that are no members', or a text that names nodes, and none that is a member: told once
 * for nodes that follow each other. */
static void tell_unknown(struct telling *t, const char *node, const json *row)
{
	const char *unknown = json_text(json_at(row, "unknown"));
	const json *candidates = json_at(row, "candidates");
	const char *what = ": not in the collective: ";

	if (!unknown && json_is_array(candidates) && json_count(candidates) == 0) {
		unknown = json_text(json_at(row, "text"));
		what = ": no member is among ";
	}
	if (!unknown || text_eq(unknown, t->unknown))
		return;
	free(t->unknown);
	t->unknown = xstrdup(unknown);
	writer_print(t->call->err, node);
	fputs(what, t->call->err);
	writer_print(t->call->err, unknown);
	fputc('\n', t->call->err);
}

static void tell_candidates(struct telling *t, const json *row)
{
	const char *node = json_text(json_at(row, "node"));
	const char *error = json_text(json_at(row, "error"));
	FILE *out = error ? t->call->err : t->call->out;
	const char *separator = " ";
	const json *it;

	if (error)
		t->failed = true;
	if (t->rows.on || !node)
		return;
	writer_print(out, node);
	fputc(':', out);
	if (error) {
		fputc(' ', out);
		writer_print(out, error);
	}
	json_foreach(it, json_at(row, "candidates"))
	{
		fputs(separator, out);
		writer_print(out, json_text(it) ? json_text(it) : "?");
		separator = ",";
	}
	fputc('\n', out);
	tell_unknown(t, node, row);
}

static int on_candidates(const json *frame, void *arg)
{
	struct telling *t = arg;
	const json *row;

	json_foreach(row, json_at(frame, "candidates"))
	{
		rows_add(&t->rows, row);
		tell_candidates(t, row);
	}
	return 0;
}

int run_candidates(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	struct telling t = {.call = call};
	json *request = command_request("candidates");
	int rc;

	json_set_str(request, "noderange", call->args[0]);
	rows_begin(&t.rows, call, "candidates");
	rc = rows_ask(call, request, CLIENT_READ_TIMEOUT, on_candidates, &t, &end);
	rows_end(&t.rows, end);
	free(t.unknown);
	return rc == CLI_OK && t.failed ? CLI_FAILED : rc;
}
