#include "config.h"
#include "cli/rows.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/commands.h"
#include "wire/frame.h"

struct collecting {
	client_frame_fn *on_frame;
	void *arg;
	json *end;
	char *refused;
};

static int on_answer(const json *frame, void *arg)
{
	struct collecting *c = arg;
	const json *error = json_get(frame, "error");

	if (error) {
		c->refused =
			xstrdup(json_text(error) ? json_text(error)
						 : "the request was refused, without a reason");
		return 1;
	}
	if (json_at(frame, "end")) {
		c->end = json_clone(json_at(frame, "end"));
		return 1;
	}
	return c->on_frame(frame, c->arg);
}

void rows_tell_age(struct call *call, const json *stale)
{
	const char *revision = json_text(json_at(stale, "revision"));
	char shown[NUM_DURATION_MAX];
	double age = 0;

	if (!stale)
		return;
	(void)!json_number(stale, "age", &age, NULL);
	fprintf(call->err, "Showing what was known %s ago", duration(age, shown));
	if (revision) {
		fputs(" (revision ", call->err);
		writer_print(call->err, revision);
		fputc(')', call->err);
	}
	fputs("; collective show tells more\n", call->err);
}

int rows_ask(struct call *call, json *request, usec_t timeout, client_frame_fn *on_frame, void *arg,
	json **ret_end)
{
	struct collecting c = {.on_frame = on_frame, .arg = arg};
	struct err err = {""};
	int rc = command_collect(call, request, timeout, on_answer, &c, &err);

	if (rc == 0 && c.end) {
		rows_tell_age(call, json_at(c.end, "stale"));
		*ret_end = c.end;
		return CLI_OK;
	}
	json_free(c.end);
	if (rc == 0 && !c.refused)
		c.refused = xstrdup("unexpected answer of collectived: it has no end");
	rc = command_failed(call, c.refused ? c.refused : err.text);
	free(c.refused);
	return rc;
}

/* ---- JSON ---- */

static void print_value(FILE *out, const json *value)
{
	struct buf b = BUF_INIT(2 * (size_t)FRAME_BODY_MAX);

	if (json_print(value, &b) == 0)
		fwrite(b.data, 1, b.len, out);
	buf_done(&b);
}

void rows_begin(struct rows *rows, struct call *call, const char *key)
{
	*rows = (struct rows){.call = call, .on = call_option(call, "json") != NULL};
	rows->listed = key != NULL;
	if (rows->on && key)
		fprintf(call->out, "{\"%s\":[", key);
}

void rows_add(struct rows *rows, const json *row)
{
	if (!rows->on)
		return;
	if (rows->n++)
		fputc(',', rows->call->out);
	print_value(rows->call->out, row);
}

static void print_member(struct rows *rows, const char *name, const json *value)
{
	CLEANUP(json_freep) json *text = json_new_str(name);

	fputs(rows->n++ || rows->listed ? "," : "", rows->call->out);
	print_value(rows->call->out, text);
	fputc(':', rows->call->out);
	print_value(rows->call->out, value);
}

void rows_end(struct rows *rows, const json *end)
{
	const json *it;

	if (!rows->on)
		return;
	fputs(rows->listed ? "]" : "{", rows->call->out);
	json_foreach(it, end) print_member(rows, json_name(it), it);
	if (rows->call->paused)
		print_member(rows, "paused", rows->call->paused);
	fputs("}\n", rows->call->out);
}
