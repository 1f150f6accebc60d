/*
 * collective show. What it prints without options is word for word upstream's: the leader on a line
 * of its own and not among the active, the offline ones last, empty lists left out.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/show_managers.h"
#include "cli/show_hooks.h"

/* The one refusal that is an answer: upstream prints it and is content. */
#define NOT_ENABLED "Collective mode not enabled on this system"

#define WATCH_DEFAULT "2"
#define WATCH_MIN     (100 * USEC_PER_MSEC)
#define WATCH_MAX     (86400 * USEC_PER_SEC)

static const char *text_at(const json *object, const char *path)
{
	return json_text(json_at(object, path));
}

static bool is_nonvoting(const json *answer, const char *name)
{
	const json *it;

	json_foreach(it, json_at(answer, "nonvoting"))
	{
		if (text_eq(json_text(it), name))
			return true;
	}
	return false;
}

static void write_leader(struct writer *w, const json *answer)
{
	const char *leader = text_at(answer, "leader");
	char *shown;

	if (!leader || !*leader) {
		writer_text_as(w, "leader", "Leader", "", "unknown");
		return;
	}
	shown = xasprintf("%s%s", leader, is_nonvoting(answer, leader) ? " (non-voting)" : "");
	writer_text_as(w, "leader", "Leader", leader, shown);
	free(shown);
}

static void write_members(struct writer *w, const json *answer, const char *key, const char *label)
{
	const json *it;

	if (!json_is_array(json_at(answer, key)))
		return;
	writer_list(w, key, label);
	json_foreach(it, json_at(answer, key))
	{
		const char *name = json_text(it);

		if (name)
			writer_entry(w, name, is_nonvoting(answer, name) ? " (nonvoting)" : "");
	}
	writer_end(w);
}

/* A text of the row, where there is one. */
static void write_text(struct writer *w, const json *row, const char *key, const char *label)
{
	const char *value = text_at(row, key);

	if (value)
		writer_text(w, key, label, value);
}

static void write_age(struct writer *w, const json *row, const char *key, const char *label)
{
	char shown[NUM_DURATION_MAX];
	double seconds;

	if (json_number(row, key, &seconds, NULL) == 0)
		writer_number(w, key, seconds, label, duration(seconds, shown));
	else if (json_get(row, key))
		writer_text(w, key, NULL, NULL);
}

static void write_date(struct writer *w, const json *row, const char *key, const char *label)
{
	char shown[DATE_MAX];
	double seconds;

	if (json_number(row, key, &seconds, NULL) == 0 && *date(seconds, true, shown))
		writer_number(w, key, seconds, label, shown);
}

static void write_machines(struct writer *w, const json *answer, double now)
{
	char shown[NUM_DURATION_MAX];
	const json *row;

	writer_list(w, "machines", "State machines");
	json_foreach(row, json_at(answer, "machines"))
	{
		double since;

		writer_object(w, NULL, NULL);
		write_text(w, row, "machine", "");
		write_text(w, row, "state", "");
		if (json_number(row, "since", &since, NULL) == 0)
			writer_number(w, "since", since, "for", duration(now - since, shown));
		write_text(w, row, "reason", "");
		write_age(w, row, "next", "next in");
		writer_end(w);
	}
	writer_end(w);
}

/* The last thing that went wrong at an endpoint, and how long ago. */
static void write_last_error(struct writer *w, const json *row)
{
	const char *error = text_at(row, "error");
	char shown[NUM_DURATION_MAX];
	char *ago;
	double age;

	if (!error || !*error)
		return;
	writer_text(w, "error", "last error", error);
	if (json_number(row, "age", &age, NULL) < 0)
		return;
	ago = xasprintf("%s ago", duration(age, shown));
	writer_number(w, "age", age, "seen", ago);
	free(ago);
}

/* For programs alone. */
static void write_details(struct writer *w, const json *row)
{
	static const char *const texts[] = {"revision", "raft_term", "requests", "failures"};
	bool current;

	if (json_bool(row, "current", &current, NULL) == 0)
		writer_flag(w, "current", NULL, current);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		write_text(w, row, texts[i], NULL);
}

static void write_etcd(struct writer *w, const json *answer)
{
	const json *row;

	writer_list(w, "etcd", "etcd endpoints");
	json_foreach(row, json_at(answer, "etcd"))
	{
		writer_object(w, NULL, NULL);
		write_text(w, row, "endpoint", "");
		write_text(w, row, "state", "");
		if (text_at(row, "version") && *text_at(row, "version"))
			write_text(w, row, "version", "version");
		write_last_error(w, row);
		write_details(w, row);
		writer_end(w);
	}
	writer_end(w);
}

static void write_certificate(struct writer *w, const json *certificate)
{
	writer_object(w, "certificate", "Certificate");
	write_text(w, certificate, "subject", "Subject");
	write_text(w, certificate, "serial", "Serial");
	write_date(w, certificate, "not_after", "Valid until");
	write_date(w, certificate, "renew_at", "Renewed from");
	writer_end(w);
}

/* What has no label is for JSON only. */
static void write_database(struct writer *w, const json *database)
{
	static const char *const rows[][2] = {
		{"keys", "Keys of nodes and groups"},
		{"other_keys", "Other keys"},
		{"odd_keys", "Keys that can't be used"},
		{"listed", NULL},
		{"changes", NULL},
		{"loaded", NULL},
		{"load_time", NULL},
		{"commits", NULL},
		{"waiting", NULL},
	};
	const char *error = text_at(database, "copy_error");
	double value;

	writer_object(w, "database", "Database");
	write_text(w, database, "revision", "Revision");
	write_age(w, database, "age", "Age");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (json_number(database, rows[i][0], &value, NULL) == 0)
			writer_number(w, rows[i][0], value, rows[i][1], NULL);
	}
	write_text(w, database, "copy", "Copy on disk");
	write_text(w, database, "copy_revision", "Its revision");
	write_text(w, database, "copy_error", error && *error ? "Its last error" : NULL);
	writer_end(w);
}

static void write_counters(struct writer *w, const json *counters)
{
	const json *it;

	writer_object(w, "counters", "Counters");
	json_foreach(it, counters)
	{
		double value;

		if (json_number(counters, json_name(it), &value, NULL) == 0)
			writer_number(w, json_name(it), value, json_name(it), NULL);
	}
	writer_end(w);
}

static void write_loop(struct writer *w, const json *loop)
{
	static const char *const rows[][2] = {
		{"longest_stall_ms", "Longest stall"}, {"working_ms", "Of that working"}};

	writer_object(w, "loop", "Event loop");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *shown;
		double ms;

		if (json_number(loop, rows[i][0], &ms, NULL) < 0)
			continue;
		shown = xasprintf("%.1f ms", ms);
		writer_number(w, rows[i][0], ms, rows[i][1], shown);
		free(shown);
	}
	write_text(w, loop, "what", "Caused by");
	writer_end(w);
}

void show_write(struct writer *w, const json *answer, double now)
{
	bool verbose = json_at(answer, "machines");
	bool quorum;

	if (json_bool(answer, "quorum", &quorum, NULL) == 0)
		writer_flag(w, "quorum", "Quorum", quorum);
	write_leader(w, answer);
	write_members(w, answer, "active", "Active collective members");
	write_members(w, answer, "offline", "Offline collective members");
	write_members(w, answer, "nonvoting", NULL);
	write_text(w, answer, "name", verbose ? "Member" : NULL);
	write_text(w, answer, "state", verbose ? "State" : NULL);
	if (json_is_object(json_at(answer, "stale"))) {
		writer_object(w, "stale", NULL);
		write_age(w, json_at(answer, "stale"), "age", NULL);
		write_text(w, json_at(answer, "stale"), "revision", NULL);
		writer_end(w);
	}
	write_text(w, answer, "note", NULL);
	write_text(w, answer, "error", NULL);
	write_text(w, answer, "cluster", NULL);
	show_managers_write(w, answer);
	if (verbose)
		write_machines(w, answer, now);
	if (json_at(answer, "etcd"))
		write_etcd(w, answer);
	if (json_is_object(json_at(answer, "certificate")))
		write_certificate(w, json_at(answer, "certificate"));
	if (json_is_object(json_at(answer, "database")))
		write_database(w, json_at(answer, "database"));
	show_hooks(w, json_at(answer, "hooks"));
	if (json_is_object(json_at(answer, "counters")))
		write_counters(w, json_at(answer, "counters"));
	if (json_is_object(json_at(answer, "loop")))
		write_loop(w, json_at(answer, "loop"));
}

void show_notes(FILE *err, const json *answer)
{
	const json *stale = json_at(answer, "stale");
	const char *note = text_at(answer, "note");
	const char *revision = text_at(stale, "revision");
	char shown[NUM_DURATION_MAX];
	double age = 0;

	if (stale) {
		fputs("Showing what was known", err);
		if (json_number(stale, "age", &age, NULL) == 0)
			fprintf(err, " %s ago", duration(age, shown));
		if (revision) {
			fputs(" (revision ", err);
			writer_print(err, revision);
			fputc(')', err);
		}
		fputs(note ? ": " : "\n", err);
	}
	if (note) {
		writer_print(err, note);
		fputc('\n', err);
	}
	show_managers_notes(err, answer);
}

static json *show_request(const struct call *call)
{
	json *request = command_request("show");

	json_set_bool(request, "verbose", call_option(call, "v") != NULL);
	return request;
}

/* One question. CLI_OK also outside a collective: that is the answer then. */
static int show_once(struct call *call, FILE *out, FILE *err)
{
	CLEANUP(json_freep) json *answer = NULL;
	bool as_json = call_option(call, "json");
	struct err text = {""};
	const char *error = NULL;
	bool known;
	struct writer *w;

	if (client_ask(call->socket, show_request(call), CLIENT_ANSWER_TIMEOUT, &answer, &text) < 0)
		error = text.text;
	else
		error = text_at(answer, "error");
	/* into the notes, which are compared: each time */
	call->told = false;
	command_heard(call, err, answer);
	known = answer && json_at(answer, "active");
	if (error && !known && strcmp(error, NOT_ENABLED) != 0) {
		writer_print(err, error);
		fputc('\n', err);
		return CLI_FAILED;
	}
	if (error && !known && !as_json) {
		fprintf(out, NOT_ENABLED "\n");
		return CLI_OK;
	}
	w = command_writer(call, out);
	if (error && !known)
		writer_text(w, "error", NULL, error);
	else
		show_write(w, answer, (double)time(NULL));
	writer_free(w);
	if (error && known) {
		/* no member any more: what it knew is still worth showing, as a failure */
		writer_print(err, error);
		fputc('\n', err);
		return CLI_FAILED;
	}
	if (!error)
		show_notes(err, answer);
	return CLI_OK;
}

/* Asks into texts, so that only what has changed is printed. */
static char *show_to_text(struct call *call, char **ret_notes)
{
	char *shown = NULL;
	size_t shown_len, notes_len;
	FILE *out = open_memstream(&shown, &shown_len);
	FILE *err = open_memstream(ret_notes, &notes_len);

	if (!out || !err)
		abort();
	show_once(call, out, err);
	fclose(out);
	fclose(err);
	return shown;
}

static int show_watch(struct call *call, usec_t every)
{
	struct timespec pause = {every / USEC_PER_SEC, every % USEC_PER_SEC * 1000};
	bool terminal = !call_option(call, "json") && isatty(fileno(call->out));
	char *last = xstrdup("");
	char *last_notes = xstrdup("");
	bool first = true;

	while (!ferror(call->out)) {
		char *notes = NULL;
		char *shown = show_to_text(call, &notes);

		if (strcmp(shown, last) != 0 || strcmp(notes, last_notes) != 0) {
			if (terminal)
				fputs("\033[H\033[J", call->out);
			else if (!first && !call_option(call, "json"))
				fputc('\n', call->out);
			fputs(shown, call->out);
			fflush(call->out);
			fputs(notes, call->err);
			first = false;
		}
		free(last);
		free(last_notes);
		last = shown;
		last_notes = notes;
		nanosleep(&pause, NULL);
	}
	free(last);
	free(last_notes);
	return CLI_FAILED;
}

int run_show(struct call *call)
{
	const char *watch = call_option(call, "watch");
	char shown[TEXT_PRINTABLE_MAX];
	usec_t every;

	if (!watch)
		return show_once(call, call->out, call->err);
	if (num_duration(*watch ? watch : WATCH_DEFAULT, &every) < 0 || every < WATCH_MIN ||
		every > WATCH_MAX) {
		fprintf(call->err,
			"collective: --watch: '%s' is not a duration between 100ms and 1d (such as "
			"2s)\n",
			text_printable(watch, strlen(watch), shown));
		return CLI_USAGE;
	}
	return show_watch(call, every);
}
