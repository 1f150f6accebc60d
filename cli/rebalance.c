/*
 * collective rebalance: the moves, and why each, then what was done.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/progress.h"
#include "cli/rows.h"

#define MOVES_MAX 1000000000

struct balancing {
	struct call *call;
	struct rows rows;
	struct progress progress;
};

static void print_text(FILE *out, const json *row, const char *key)
{
	const char *text = json_text(json_at(row, key));

	writer_print(out, text ? text : "?");
}

/* "n17: mgt1 -> mgt3 (mgt1 has 40 nodes, mgt3 has 20)" */
static void tell_move(FILE *out, const json *row)
{
	print_text(out, row, "node");
	fputs(": ", out);
	print_text(out, row, "from");
	fputs(" -> ", out);
	print_text(out, row, "to");
	fputs(" (", out);
	print_text(out, row, "why");
	fputs(")\n", out);
}

static int on_frame(const json *frame, void *arg)
{
	struct balancing *b = arg;
	const json *row;

	progress_tell(&b->progress, frame);
	json_foreach(row, json_at(frame, "moves"))
	{
		rows_add(&b->rows, row);
		if (!b->rows.on)
			tell_move(b->call->out, row);
	}
	return 0;
}

/* NULL, and the reason is told. */
static json *make_request(struct call *call)
{
	const char *max = call_option(call, "max-moves");
	char shown[TEXT_PRINTABLE_MAX];
	json *request;
	int64_t n = 0;

	if (max && num_i64_range(max, 1, MOVES_MAX, &n) < 0) {
		fprintf(call->err,
			"collective: rebalance: --max-moves: '%s' is not a number between 1 and "
			"%d\n",
			text_printable(max, strlen(max), shown), MOVES_MAX);
		return NULL;
	}
	request = command_request("rebalance");
	json_set_bool(request, "dry_run", call_option(call, "dry-run") != NULL);
	if (max)
		json_set_number(request, "max_moves", n);
	return request;
}

int run_rebalance(struct call *call)
{
	CLEANUP(json_freep) json *end = NULL;
	struct balancing b = {.call = call, .progress = {.call = call, .what = "rebalancing"}};
	json *request = make_request(call);
	int rc;

	if (!request)
		return CLI_USAGE;
	rows_begin(&b.rows, call, "moves");
	rc = rows_ask(call, request, CLIENT_READ_TIMEOUT, on_frame, &b, &end);
	progress_end(&b.progress);
	rows_end(&b.rows, end);
	if (rc == CLI_OK && !b.rows.on) {
		print_text(call->out, end, "status");
		fputc('\n', call->out);
	}
	return rc;
}
