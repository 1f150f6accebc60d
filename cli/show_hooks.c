#include "config.h"
#include "cli/show_hooks.h"

#include <string.h>
#include <time.h>

#include "base/num.h"
#include "cli/commands.h"

static const char *text_at(const json *row, const char *key)
{
	const char *text = json_text(json_get(row, key));

	return text ? text : "";
}

static void write_at(struct writer *w, const json *row)
{
	char shown[64] = "";
	double seconds;
	struct tm tm;
	time_t t;

	if (json_number(row, "at", &seconds, NULL) < 0 || seconds < 0 || seconds > 1e11)
		return;
	t = (time_t)seconds;
	if (localtime_r(&t, &tm) && strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &tm))
		writer_number(w, "at", seconds, "", shown);
}

/* For people, who have read the program's name already. */
static const char *without_program(const json *row, const char *error)
{
	const char *program = text_at(row, "program");
	size_t len = strlen(program);

	return len && strncmp(error, program, len) == 0 && error[len] == ' ' ? error + len + 1
									     : error;
}

static void write_run(struct writer *w, const json *row)
{
	const char *error = text_at(row, "error");
	const char *output = text_at(row, "output");
	char shown[NUM_DURATION_MAX];
	double value;

	writer_object(w, NULL, NULL);
	writer_text(w, "event", "", text_at(row, "event"));
	writer_text(w, "program", "", text_at(row, "program"));
	write_at(w, row);
	if (json_number(row, "took", &value, NULL) == 0)
		writer_number(w, "took", value, "took", duration(value, shown));
	if (json_number(row, "status", &value, NULL) == 0)
		writer_number(w, "status", value, NULL, NULL);
	writer_text_as(w, "error", *error ? "failed" : "", error,
		*error ? without_program(row, error) : "well");
	writer_text(w, "output", *output ? "said" : NULL, output);
	writer_end(w);
}

static void write_refused(struct writer *w, const json *row)
{
	writer_object(w, NULL, NULL);
	writer_text(w, "event", "", text_at(row, "event"));
	/* what is to be typed then stands at the end */
	write_at(w, row);
	writer_text(w, "error", "", text_at(row, "error"));
	writer_end(w);
}

void show_hooks(struct writer *w, const json *hooks)
{
	const char *running = json_text(json_get(hooks, "running"));
	const json *row;
	double value;

	if (!json_is_object(hooks))
		return;
	writer_object(w, "hooks", "Hooks");
	writer_text_as(w, "running", "Running", running, running ? running : "none");
	if (json_number(hooks, "waiting", &value, NULL) == 0)
		writer_number(w, "waiting", value, "Events waiting", NULL);
	if (json_number(hooks, "dropped", &value, NULL) == 0)
		writer_number(w, "dropped", value, value > 0 ? "Events left out" : NULL, NULL);
	writer_list(w, "refused", "Not run");
	json_foreach(row, json_get(hooks, "refused")) write_refused(w, row);
	writer_end(w);
	writer_list(w, "last", "Last runs");
	json_foreach(row, json_get(hooks, "last")) write_run(w, row);
	writer_end(w);
	writer_end(w);
}
