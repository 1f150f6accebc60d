/*
 * collective plan: what would happen to the nodes, in words.
 */
#include "config.h"
#include "cli/commands.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/rows.h"

struct planning {
	struct call *call;
	json *moves, *left; /* lists; all of them are few */
};

static void print_text(FILE *out, const json *row, const char *key)
{
	const char *text = json_text(json_at(row, key));

	writer_print(out, text ? text : "?");
}

static int64_t number(const json *row, const char *key)
{
	int64_t n = 0;

	(void)!json_i64(row, key, &n, NULL);
	return n;
}

static void print_nodes(FILE *out, int64_t n)
{
	fprintf(out, "%" PRId64 " node%s", n, n == 1 ? "" : "s");
}

/* "mgt2 (63 nodes): 32 to mgt1, 31 to mgt3" */
static void tell_move(FILE *out, const json *row)
{
	const char *separator = "";
	const json *it;

	print_text(out, row, "member");
	fputs(" (", out);
	print_nodes(out, number(row, "nodes"));
	fputs("): ", out);
	json_foreach(it, json_at(row, "to"))
	{
		fprintf(out, "%s%" PRId64 " to ", separator, number(it, "nodes"));
		print_text(out, it, "member");
		separator = ", ";
	}
	fputc('\n', out);
}

static void tell_left(FILE *out, const json *row)
{
	static const struct {
		const char *verdict, *front;
		const char *why[2]; /* of one node, of several */
	} words[] = {
		{"orphaned", "orphaned",
			{"none of its candidates is there", "none of their candidates is there"}},
		{"fixed", "not moved", {"it has no candidates", "they have no candidates"}},
		{"kept", "not moved",
			{"its manager is being drained, and no other candidate is there",
				"their manager is being drained, and no other candidate is "
				"there"}},
		{"waits", "moved later",
			{"failover.delay or failover.hold_down has not passed",
				"failover.delay or failover.hold_down has not passed"}},
	};
	const char *verdict = json_text(json_at(row, "verdict"));
	const char *front = "not moved", *why = verdict ? verdict : "?";
	int64_t n = number(row, "nodes");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (text_eq(words[i].verdict, verdict)) {
			front = words[i].front;
			why = words[i].why[n != 1];
		}
	}
	fprintf(out, "%s: ", front);
	print_text(out, row, "noderange");
	fputs(" (", out);
	print_nodes(out, n);
	fputs("): ", out);
	writer_print(out, why);
	fputc('\n', out);
}

/* How many nodes each member would have. */
static void tell_members(FILE *out, const json *end)
{
	const json *it;

	json_foreach(it, json_at(end, "members"))
	{
		fputs("then ", out);
		print_text(out, it, "name");
		fputs(" has ", out);
		print_nodes(out, number(it, "then"));
		fprintf(out, " (now %" PRId64 ")\n", number(it, "nodes"));
	}
}

/* Nodes that count as if they had no candidates, though something is written there. */
static void tell_odd(FILE *err, const json *end)
{
	const char *first = json_text(json_at(end, "first_odd"));
	int64_t n = number(end, "odd");

	if (n < 1 || !first)
		return;
	fputs("counted as without candidates, for what they have can't be used: ", err);
	print_nodes(err, n);
	fputs(", the first: ", err);
	writer_print(err, first);
	fputc('\n', err);
}

static void tell(const struct planning *p, const json *end)
{
	FILE *out = p->call->out;
	const json *row;

	json_foreach(row, p->moves) tell_move(out, row);
	json_foreach(row, p->left) tell_left(out, row);
	if (json_count(p->moves) > 0)
		tell_members(out, end);
	else
		fputs("nothing would be moved\n", out);
}

static void tell_json(struct planning *p, const json *end)
{
	struct rows rows;
	json *more = json_new_object();
	const json *it;

	json_set(more, "left", TAKE(p->left));
	json_foreach(it, end) json_set(more, json_name(it), json_clone(it));
	rows_begin(&rows, p->call, "moves");
	json_foreach(it, p->moves) rows_add(&rows, it);
	rows_end(&rows, more);
	json_free(more);
}

static int on_frame(const json *frame, void *arg)
{
	struct planning *p = arg;
	const json *row;

	json_foreach(row, json_at(frame, "moves")) json_add(p->moves, json_clone(row));
	json_foreach(row, json_at(frame, "left")) json_add(p->left, json_clone(row));
	return 0;
}

/* The members that are named, also as "mgt2,mgt3". */
static json *members(const struct call *call)
{
	json *list = json_new_array();

	for (int i = 0; i < call->count; i++) {
		for (const char *at = call->args[i]; *at;) {
			size_t len = strcspn(at, ",");
			CLEANUP(freep) char *name = xstrndup(at, len);

			if (len)
				json_add_str(list, name);
			at += len + (at[len] == ',');
		}
	}
	return list;
}

int run_plan(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	struct planning p = {call, json_new_array(), json_new_array()};
	json *request, *without = members(call);
	int rc;

	if (call_option(call, "without") && json_count(without) == 0) {
		fputs("collective: plan: --without needs the name of a member behind it\n",
			call->err);
		rc = CLI_USAGE;
		json_free(without);
	} else {
		request = command_request("plan");
		json_set(request, "without", without);
		rc = rows_ask(call, request, CLIENT_READ_TIMEOUT, on_frame, &p, &end);
		if (rc == CLI_OK)
			tell_odd(call->err, end);
		if (rc == CLI_OK && call_option(call, "json"))
			tell_json(&p, end);
		else if (rc == CLI_OK)
			tell(&p, end);
	}
	json_free(p.moves);
	json_free(p.left);
	return rc;
}
