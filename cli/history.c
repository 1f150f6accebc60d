/*
 * collective history: one line for each entry, the oldest first.
 *
 *     2026-11-22 07:50:36  rev  812  leader    mgt1 -> mgt2: the lease of mgt1 ended
 *     2026-11-22 07:50:37  rev 9812  failover  mgt2 -> mgt1 32, mgt3 31 nodes by leader on mgt1: mgt2 is gone
 */
#include "config.h"
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"
#include "wire/frame.h"

#define LATEST	   50
#define LATEST_MAX 1000000
/* A few frames, printed once more. */
#define OUTPUT_MAX (4 * (size_t)FRAME_BODY_MAX)

struct listing_of {
	json *list;
	json *stale;
	char *refused;
	bool complete;
};

static int on_frame(const json *frame, void *arg)
{
	struct listing_of *l = arg;
	const char *error;
	const json *it;

	if (json_str(frame, "error", &error, NULL) == 0) {
		l->refused = xstrdup(error);
		return 1;
	}
	json_foreach(it, json_at(frame, "history")) json_add(l->list, json_clone(it));
	if (json_at(frame, "more"))
		return 0;
	if (json_at(frame, "stale"))
		l->stale = json_clone(json_at(frame, "stale"));
	l->complete = json_is_array(json_at(frame, "history"));
	return 1;
}

static const char *text_of(const json *entry, const char *name)
{
	const char *text = json_text(json_at(entry, name));

	return text ? text : "";
}

/* Of a text for people, as wide as it is printed for what the agent sends: ASCII. */
static int width_of(const json *list, const char *name)
{
	size_t width = 0;
	const json *it;

	json_foreach(it, list) width = MAX(width, strlen(text_of(it, name)));
	return (int)MIN(width, 64);
}

static void print_padded(FILE *out, const char *text, int width, bool right)
{
	int pad = width - (int)MIN(strlen(text), 64);

	if (right)
		fprintf(out, "%*s", MAX(pad, 0), "");
	writer_print(out, text);
	if (!right)
		fprintf(out, "%*s", MAX(pad, 0), "");
}

static void print_from_to(FILE *out, const char *from, const char *to)
{
	writer_print(out, from);
	if (*from && *to)
		fputs(" -> ", out);
	writer_print(out, to);
}

/* "mgt2 -> mgt1 32, mgt3 31; mgt4 -> mgt1 5 nodes". */
static void print_moves(FILE *out, const json *entry)
{
	const char *last = NULL;
	double nodes = 0;
	const json *it;

	json_foreach(it, json_at(entry, "moves"))
	{
		const char *from = text_of(it, "from");

		if (last && text_eq(from, last)) {
			fputs(", ", out);
			writer_print(out, text_of(it, "to"));
		} else {
			fputs(last ? "; " : "", out);
			print_from_to(out, from, text_of(it, "to"));
		}
		last = from;
		if (json_number(it, "nodes", &nodes, NULL) == 0)
			fprintf(out, " %.0f", nodes);
	}
	if (last)
		fputs(json_count(json_at(entry, "moves")) == 1 && nodes == 1 ? " node" : " nodes",
			out);
}

/* Whatever there is to say, with the word in front of it, and a blank where something was said before. */
static bool print_part(FILE *out, bool said, const char *word, const char *text)
{
	if (!*text)
		return said;
	fprintf(out, "%s%s", said ? " " : "", word);
	writer_print(out, text);
	return true;
}

static void print_entry(FILE *out, const json *entry, int revision, int kind)
{
	const char *reason = text_of(entry, "reason");
	bool said = true;
	char shown[DATE_MAX];
	double at;

	if (json_number(entry, "at", &at, NULL) < 0 || !*date(at, false, shown))
		snprintf(shown, sizeof(shown), "%-19s", "-");
	fprintf(out, "%s  rev ", shown);
	print_padded(out, text_of(entry, "revision"), revision, true);
	fputs("  ", out);
	print_padded(out, text_of(entry, "kind"), kind, false);
	fputs("  ", out);
	if (json_at(entry, "moves"))
		print_moves(out, entry);
	else if (*text_of(entry, "from") || *text_of(entry, "to"))
		print_from_to(out, text_of(entry, "from"), text_of(entry, "to"));
	else
		said = print_part(out, false, "", text_of(entry, "member"));
	if (*text_of(entry, "actor")) {
		/* whoever ordered them, it is the leader that moves nodes, and the reason says who did */
		said = print_part(out, said, "by ",
			json_at(entry, "moves") ? "leader" : text_of(entry, "actor"));
		said = print_part(out, said, "on ", text_of(entry, "by"));
	}
	if (*reason) {
		fputs(said ? ": " : "", out);
		writer_print(out, reason);
	}
	fputc('\n', out);
}

void history_write(FILE *out, const json *list)
{
	int revision = width_of(list, "revision");
	int kind = width_of(list, "kind");
	const json *it;

	json_foreach(it, list) print_entry(out, it, revision, kind);
}

/* What the agent said, as it said it. */
static int print_json(struct call *call, struct listing_of *l)
{
	CLEANUP(json_freep) json *object = json_new_object();
	struct buf b = BUF_INIT(OUTPUT_MAX);
	int rc;

	if (call->paused)
		json_set(object, "paused", json_clone(call->paused));
	if (l->stale)
		json_set(object, "stale", TAKE(l->stale));
	json_set(object, "history", TAKE(l->list));
	rc = json_print(object, &b);
	if (rc == 0)
		fprintf(call->out, "%s\n", buf_cstr(&b));
	buf_done(&b);
	return rc == 0 ? CLI_OK : command_failed(call, "the history is too long: use -n");
}

static int print(struct call *call, struct listing_of *l)
{
	CLEANUP(json_freep) json *notes = NULL;

	if (l->stale) {
		notes = json_new_object();
		json_set(notes, "stale", json_clone(l->stale));
		show_notes(call->err, notes);
	}
	if (call_option(call, "json"))
		return print_json(call, l);
	history_write(call->out, l->list);
	return CLI_OK;
}

int run_history(struct call *call)
{
	const char *latest = call_option(call, "n");
	struct listing_of l = {.list = json_new_array()};
	json *request = command_request("history");
	char shown[TEXT_PRINTABLE_MAX];
	struct err err = {""};
	int64_t max = LATEST;
	int rc = CLI_USAGE;

	if (latest && num_i64_range(latest, 0, LATEST_MAX, &max) < 0) {
		fprintf(call->err, "collective: -n: '%s' is not a number between 0 and %d\n",
			text_printable(latest, strlen(latest), shown), LATEST_MAX);
		json_free(request);
	} else {
		json_set_number(request, "max", max);
		if (command_collect(call, request, CLIENT_ANSWER_TIMEOUT, on_frame, &l, &err) < 0)
			rc = command_failed(call, err.text);
		else if (l.refused)
			rc = command_failed(call, l.refused);
		else if (!l.complete)
			rc = command_failed(call, "unexpected answer of collectived");
		else
			rc = print(call, &l);
	}
	json_free(l.list);
	json_free(l.stale);
	free(l.refused);
	return rc;
}
