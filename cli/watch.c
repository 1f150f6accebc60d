/*
 * collective watch: what happens to leader, quorum, members and managers, a line each, until it is
 * interrupted. When the agent goes away it is asked again for a while, for what came after what was
 * printed last.
 */
#include "config.h"
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"

#define AGAIN_FOR   (60 * USEC_PER_SEC)
#define AGAIN_EVERY (250 * USEC_PER_MSEC)

struct watching {
	struct call *call;
	bool json;
	bool connected; /* this time */
	bool ended;	/* by the agent; why is told */
	char *refused;
	bool whole; /* how things are is being told: what it says is known when all of it is */
	/* where to go on */
	bool has_since;
	int64_t since;
	char *run;
	uint64_t seq;
};

static const char *text_at(const json *frame, const char *name)
{
	const char *text = json_text(json_get(frame, name));

	return text ? text : "";
}

static void note(const struct watching *w, const char *what, const char *reason)
{
	fputs(what, w->call->err);
	if (*reason) {
		fputs(": ", w->call->err);
		writer_print(w->call->err, reason);
	}
	fputc('\n', w->call->err);
}

/* ---- lines for people ---- */

static void print_front(FILE *out, const json *frame)
{
	char date[64] = "";
	double seconds;
	struct tm tm;
	time_t t;

	if (json_number(frame, "time", &seconds, NULL) == 0 && seconds >= 0 && seconds < 1e11) {
		t = (time_t)seconds;
		if (!localtime_r(&t, &tm) ||
			!strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm))
			*date = '\0';
	}
	fprintf(out, "%s rev ", date);
	writer_print(out, text_at(frame, "revision"));
	fputs(": ", out);
}

static void print_leader(FILE *out, const json *frame)
{
	const char *from = text_at(frame, "from");
	const char *to = text_at(frame, "to");

	writer_print(out, *to ? to : "nobody");
	fputs(*to ? " leads" : " is known to lead", out);
	if (*from) {
		fputs(" (was ", out);
		writer_print(out, from);
		fputs(")", out);
	}
	fputc('\n', out);
}

static void print_member(FILE *out, const json *frame)
{
	bool active = false, gone = false;

	(void)!json_bool(frame, "active", &active, NULL);
	(void)!json_bool_or(frame, "gone", false, &gone, NULL);
	writer_print(out, text_at(frame, "name"));
	fputs(gone ? " is no member any more\n" : active ? " is online\n" : " is offline\n", out);
}

static void print_manager(FILE *out, const json *frame)
{
	const char *from = text_at(frame, "from");
	const char *to = text_at(frame, "to");
	double count = 0;
	bool gone = false;

	(void)!json_number(frame, "count", &count, NULL);
	(void)!json_bool_or(frame, "gone", false, &gone, NULL);
	writer_print(out, text_at(frame, "noderange"));
	fprintf(out, " (%.0f node%s): ", count, count == 1 ? "" : "s");
	if (*from) {
		writer_print(out, from);
		fputs(" -> ", out);
	}
	writer_print(out, *to ? to : gone ? "deleted" : "nobody");
	fputc('\n', out);
}

static void print_text(const struct watching *w, const char *event, const json *frame)
{
	FILE *out = w->call->out;
	bool quorum = false;

	if (text_eq(event, "ready"))
		return;
	print_front(out, frame);
	if (text_eq(event, "leader")) {
		print_leader(out, frame);
	} else if (text_eq(event, "quorum")) {
		(void)!json_bool(frame, "quorum", &quorum, NULL);
		fputs(quorum ? "quorum is there\n" : "quorum lost\n", out);
	} else if (text_eq(event, "member")) {
		print_member(out, frame);
	} else if (text_eq(event, "manager")) {
		print_manager(out, frame);
	} else {
		writer_print(out, event);
		fputc('\n', out);
	}
}

/* ---- frames ---- */

static void print_json(const struct watching *w, const json *frame)
{
	struct buf line = BUF_INIT((size_t)64 << 20);

	if (json_print(frame, &line) == 0)
		fprintf(w->call->out, "%s\n", buf_cstr(&line));
	buf_done(&line);
}

static bool is_about_the_stream(const char *event)
{
	return text_eq(event, "waiting") || text_eq(event, "resync") || text_eq(event, "end");
}

static void remember(struct watching *w, const json *frame)
{
	const char *run;

	if (json_i64(frame, "revision", &w->since, NULL) == 0)
		w->has_since = true;
	(void)!json_u64(frame, "seq", &w->seq, NULL);
	if (json_str(frame, "run", &run, NULL) == 0) {
		free(w->run);
		w->run = xstrdup(run);
	}
}

static int on_frame(const json *frame, void *arg)
{
	struct watching *w = arg;
	const char *event = text_at(frame, "event");
	const char *error;

	w->connected = true;
	if (json_str(frame, "error", &error, NULL) == 0) {
		w->refused = xstrdup(error);
		return 1;
	}
	if (w->json)
		print_json(w, frame);
	else if (is_about_the_stream(event))
		note(w,
			text_eq(event, "waiting")  ? "Waiting"
			: text_eq(event, "resync") ? "Showing all that there is again"
						   : "collectived ended this",
			text_at(frame, "reason"));
	else
		print_text(w, event, frame);
	fflush(w->call->out);
	if (ferror(w->call->out))
		return -EPIPE;
	if (text_eq(event, "end")) {
		w->ended = true;
		return 1;
	}
	if (text_eq(event, "resync"))
		w->whole = true;
	if (text_eq(event, "ready"))
		w->whole = false;
	if (!is_about_the_stream(event) && !w->whole)
		remember(w, frame);
	return 0;
}

/* ---- asking, and asking again ---- */

static json *make_request(const struct watching *w)
{
	json *request = command_request("watch");

	if (!w->has_since)
		return request;
	json_set_i64(request, "since", w->since);
	if (w->run) {
		json_set_str(request, "run", w->run);
		json_set_u64(request, "seq", w->seq);
	}
	return request;
}

static bool may_come_back(int rc)
{
	return rc == 0 || rc == -ENOENT || rc == -ECONNREFUSED || rc == -ECONNRESET ||
	       rc == -ETIMEDOUT || rc == -EAGAIN;
}

static int watch(struct watching *w)
{
	static const struct timespec pause = {.tv_nsec = AGAIN_EVERY * 1000};
	bool ever = false;
	usec_t left = 0;
	struct err err;

	for (;;) {
		int rc;

		err_clear(&err);
		w->connected = w->ended = false;
		w->whole = !w->has_since;
		rc = command_collect(w->call, make_request(w), USEC_NEVER, on_frame, w, &err);
		if (w->refused)
			return command_failed(w->call, w->refused);
		if (rc == -EPIPE)
			return CLI_FAILED;
		if (!(ever || w->connected) || !may_come_back(rc))
			return command_failed(w->call, err.text);
		if (w->connected) {
			if (!w->ended)
				note(w, "collectived has gone away, trying again", err.text);
			left = AGAIN_FOR;
		}
		ever = true;
		if (left <= 0)
			return command_failed(w->call, err.text);
		left -= AGAIN_EVERY;
		nanosleep(&pause, NULL);
	}
}

int run_watch(struct call *call)
{
	const char *since = call_option(call, "since");
	struct watching w = {.call = call, .json = call_option(call, "json") != NULL};
	char shown[TEXT_PRINTABLE_MAX];
	int status;

	if (since && num_i64_range(since, 0, INT64_MAX, &w.since) < 0) {
		fprintf(call->err, "collective: --since: '%s' is not a revision (such as 812)\n",
			text_printable(since, strlen(since), shown));
		return CLI_USAGE;
	}
	w.has_since = since != NULL;
	status = watch(&w);
	free(w.run);
	free(w.refused);
	return status;
}
