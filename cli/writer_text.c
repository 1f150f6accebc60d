#include "config.h"
#include "cli/writer.h"

#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 4

enum where { TOP, LIST, OBJECT, LINE /* an object inside a list */ };

struct text_writer {
	struct writer w;
	FILE *out;
	int depth;
	struct {
		enum where where;
		const char *label; /* still to be printed; NULL: done, or never */
		bool hidden;
		unsigned facts;
	} at[DEPTH_MAX];
};

void writer_print(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
			fputc('?', out);
			p++;
		} else {
			fputc(*p < 0x20 || *p == 0x7f ? '?' : *p, out);
		}
	}
}

static struct text_writer *self(struct writer *w)
{
	return CONTAINER_OF(w, struct text_writer, w);
}

static bool hidden(const struct text_writer *t)
{
	for (int i = 0; i <= t->depth; i++)
		if (t->at[i].hidden)
			return true;
	return false;
}

static void indent(struct text_writer *t)
{
	for (int i = 0; i < t->depth; i++)
		fputs("    ", t->out);
}

/* Headings are printed with the first thing below them, so that an empty list says nothing. */
static void headings(struct text_writer *t)
{
	int depth = t->depth;

	for (int i = 1; i <= depth; i++) {
		if (!t->at[i].label)
			continue;
		t->depth = i - 1;
		indent(t);
		fprintf(t->out, "%s:\n", t->at[i].label);
		t->at[i].label = NULL;
	}
	t->depth = depth;
}

static void fact(struct text_writer *t, const char *label, const char *value)
{
	unsigned n;

	if (!label || !value || hidden(t))
		return;
	headings(t);
	n = t->at[t->depth].facts++;
	if (t->at[t->depth].where != LINE) {
		indent(t);
		writer_print(t->out, label);
		fputs(": ", t->out);
		writer_print(t->out, value);
		fputc('\n', t->out);
		return;
	}
	if (n == 0) {
		t->depth--;
		indent(t);
		t->depth++;
	} else {
		fputs(n == 1 ? ": " : ", ", t->out);
	}
	fprintf(t->out, "%s%s", label, *label ? " " : "");
	writer_print(t->out, value);
}

static void on_text(struct writer *w, const char *key UNUSED, const char *label,
	const char *value UNUSED, const char *shown)
{
	fact(self(w), label, shown);
}

static void on_flag(struct writer *w, const char *key UNUSED, const char *label, bool value)
{
	fact(self(w), label, value ? "True" : "False");
}

static void on_number(struct writer *w, const char *key UNUSED, double value, const char *label,
	const char *shown)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g", value);
	fact(self(w), label, shown ? shown : text);
}

static void on_entry(struct writer *w, const char *value, const char *suffix)
{
	struct text_writer *t = self(w);

	if (hidden(t))
		return;
	headings(t);
	indent(t);
	writer_print(t->out, value);
	fprintf(t->out, "%s\n", suffix);
}

static void push(struct text_writer *t, enum where where, const char *label, bool hide)
{
	if (t->depth + 1 >= DEPTH_MAX)
		abort();
	t->depth++;
	t->at[t->depth].where = where;
	t->at[t->depth].label = label;
	t->at[t->depth].hidden = hide;
	t->at[t->depth].facts = 0;
}

static void on_list(struct writer *w, const char *key UNUSED, const char *label)
{
	push(self(w), LIST, label, !label);
}

static void on_object(struct writer *w, const char *key, const char *label)
{
	push(self(w), key ? OBJECT : LINE, label, key && !label);
}

static void on_end(struct writer *w)
{
	struct text_writer *t = self(w);

	if (t->at[t->depth].where == LINE && t->at[t->depth].facts)
		fputc('\n', t->out);
	t->depth--;
}

static void on_free(struct writer *w)
{
	free(self(w));
}

struct writer *writer_text_new(FILE *out)
{
	static const struct writer_ops ops = {
		.text = on_text,
		.flag = on_flag,
		.number = on_number,
		.entry = on_entry,
		.list = on_list,
		.object = on_object,
		.end = on_end,
		.free = on_free,
	};
	struct text_writer *t = xcalloc(1, sizeof(*t));

	t->w.ops = &ops;
	t->out = out;
	return &t->w;
}
