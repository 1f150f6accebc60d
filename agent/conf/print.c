/*
 * The table of options for readers: as a file that is in effect, as the sample file, as help, as the
 * options section of the manual page. One writer wraps words for all of them; what differs is what
 * stands in front of a line and how `words to type` are marked.
 */
#include "config.h"
#include "conf/conf.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/option.h"

struct wrap {
	FILE *out;
	const char *indent; /* in front of each line */
	size_t width;	    /* of a line, without indent */
	bool mdoc;	    /* `x` is ".Ql x", and a sentence ends its line */
	size_t used;	    /* of the current line */
};

static void wrap_end(struct wrap *w)
{
	if (w->used)
		fputc('\n', w->out);
	w->used = 0;
}

static void wrap_word(struct wrap *w, const char *word, size_t len)
{
	if (w->used && w->used + 1 + len > w->width)
		wrap_end(w);
	if (w->used)
		fputc(' ', w->out);
	else
		fputs(w->indent, w->out);
	if (w->mdoc && !w->used && (*word == '.' || *word == '\''))
		fputs("\\&", w->out);
	fwrite(word, 1, len, w->out);
	w->used += len + 1;
	if (w->mdoc && word[len - 1] == '.')
		wrap_end(w);
}

/* "`word`" and the punctuation behind it. */
static void wrap_typed(struct wrap *w, const char *token, size_t len)
{
	const char *end = memchr(token + 1, '`', len - 1);
	int word = end ? (int)(end - token) - 1 : (int)len - 1;
	const char *rest = end ? end + 1 : token + len;
	size_t rest_len = (size_t)(token + len - rest);
	CLEANUP(freep) char *plain = NULL;

	if (w->mdoc) {
		wrap_end(w);
		fprintf(w->out, ".Ql %.*s%s%.*s\n", word, token + 1, rest_len ? " " : "",
			(int)rest_len, rest);
		return;
	}
	plain = xasprintf("'%.*s'%.*s", word, token + 1, (int)rest_len, rest);
	wrap_word(w, plain, strlen(plain));
}

static void wrap_text(struct wrap *w, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*text == '`')
			wrap_typed(w, text, len);
		else if (len)
			wrap_word(w, text, len);
		text += len;
		text += strspn(text, " ");
	}
}

static void wrap_printf(struct wrap *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void wrap_printf(struct wrap *w, const char *fmt, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	wrap_text(w, text);
}

/* What may be written, what holds when nothing is (which a file shows itself), and when a new value
 * counts. */
static void wrap_facts(struct wrap *w, const struct conf_option *o)
{
	char expected[OPTION_EXPECTED_MAX];

	wrap_printf(w, "Expected: %s.", option_expected(o, expected));
	if (o->dflt && w->mdoc)
		wrap_printf(w, "Default: `%s`.", o->dflt);
	else if (!o->dflt)
		wrap_printf(w, "Default: %s.", o->unset ? o->unset : "none");
	if (o->bundle)
		wrap_text(w, "Once joined: what the collective uses.");
	wrap_text(w, o->at_once ? "A reload puts a new value into effect."
				: "A new value needs a restart.");
	wrap_end(w);
}

static bool starts_section(size_t i)
{
	return i == 0 || !text_eq(conf_options[i].section, conf_options[i - 1].section);
}

static bool ends_section(size_t i)
{
	return i + 1 == CONF_OPTIONS || starts_section(i + 1);
}

static void print_file(const struct conf *conf, FILE *out, bool with_help)
{
	struct wrap w = {.out = out, .indent = "\t# ", .width = 88};

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		CLEANUP(freep) char *value = option_spell(conf, o);

		if (starts_section(i))
			fprintf(out, "\n%s:\n{\n", o->section);
		else if (with_help)
			fputc('\n', out);
		if (with_help) {
			wrap_text(&w, o->help);
			wrap_end(&w);
			wrap_facts(&w, o);
		}
		fprintf(out, "\t%s%s = %s;\n", conf_given(conf, option_id(o)) ? "" : "#", o->name,
			value);
		if (ends_section(i))
			fputs("};\n", out);
	}
}

void conf_dump(const struct conf *conf, FILE *out)
{
	fputs("# collective.conf(5); what is commented out is at its default\n", out);
	print_file(conf, out, false);
}

void conf_sample(FILE *out)
{
	CLEANUP(conf_freep) struct conf *conf = conf_new();

	fputs("# Configuration of collectived(8), the collective's agent. Every option is here "
	      "with its\n"
	      "# default; remove the '#' in front of an option to set it. \"\" means unset.\n"
	      "# collectived -t checks this file; collective.conf(5) is its manual page.\n",
		out);
	print_file(conf, out, true);
}

void conf_help(FILE *out)
{
	CLEANUP(conf_freep) struct conf *conf = conf_new();
	struct wrap w = {.out = out, .indent = "        ", .width = 72};

	fprintf(out, "Options of %s, by section:\n", conf_default_path);
	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];
		CLEANUP(freep) char *value = option_spell(conf, o);

		if (starts_section(i))
			fprintf(out, "\n%s:\n", o->section);
		fprintf(out, "    %s = %s\n", o->name, value);
		wrap_text(&w, o->help);
		wrap_end(&w);
		wrap_facts(&w, o);
	}
}

void conf_mdoc(FILE *out)
{
	struct wrap w = {.out = out, .indent = "", .width = 78, .mdoc = true};

	for (size_t i = 0; i < CONF_OPTIONS; i++) {
		const struct conf_option *o = &conf_options[i];

		if (starts_section(i))
			fprintf(out, ".Ss Section %s\n.Bl -tag -width Ds\n", o->section);
		fprintf(out, ".It Ic %s\n", o->name);
		wrap_text(&w, o->help);
		wrap_end(&w);
		fputs(".Pp\n", out);
		wrap_facts(&w, o);
		if (ends_section(i))
			fputs(".El\n", out);
	}
}
