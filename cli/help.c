/*
 * What is printed from the rows of the verbs: help, the list in the manual page, the words of the
 * completion.
 */
#include "config.h"
#include "cli/verb.h"

#include <string.h>

static const struct verb_option *option_at(const struct verb *verb, int i)
{
	const struct verb_option *o = i < VERB_OPTIONS_MAX ? &verb->options[i] : NULL;

	return o && (o->letter || o->name) ? o : NULL;
}

/* "-n", "--ttl DURATION", "--watch[=SECONDS]": the short form where there is one. */
static int print_short(const struct verb_option *o, FILE *out)
{
	const char *name = o->name ? o->name : "";

	if (o->takes == OPTION_MAYBE)
		return fprintf(out, "--%s[=%s]", name, o->value);
	return fprintf(out, "%s%.*s%s%s%s", o->letter ? "-" : "--", o->letter ? 1 : 0, &o->letter,
		o->letter ? "" : name, o->value ? " " : "", o->value ? o->value : "");
}

static int print_usage(const struct verb *verb, FILE *out)
{
	const struct verb_option *o;
	int len = fprintf(out, "%s%s%s", verb->name, *verb->args ? " " : "", verb->args);

	for (int i = 0; (o = option_at(verb, i)); i++) {
		if (o->among)
			continue;
		len += fprintf(out, " [");
		len += print_short(o, out);
		len += fprintf(out, "]");
	}
	return len;
}

void verb_help_all(FILE *out)
{
	fprintf(out, "usage: collective [-s PATH] COMMAND [ARGUMENT ...]\n\ncommands:\n");
	for (const struct verb *v = verbs; v->name; v++) {
		fprintf(out, "  ");
		print_usage(v, out);
		fprintf(out, "\n        %s\n", v->help);
	}
	fprintf(out, "\n"
		     "  -s, --socket PATH  the agent's socket (default: the environment's\n"
		     "                     CONFLUENT_HOST when it is an absolute path, then\n"
		     "                     " RUNDIR "/confluent/api.sock)\n"
		     "  --version          print the version\n\n"
		     "\"collective COMMAND --help\" explains the options of a command.\n");
}

static void print_forms(const struct verb *program, FILE *out)
{
	const char *lead = "usage:";

	for (const char *form = program->args; form; lead = "   or:") {
		const char *end = strchrnul(form, '\n');

		fprintf(out, "%s %s%s%.*s\n", lead, program->name, *form ? " " : "",
			(int)(end - form), form);
		form = *end ? end + 1 : NULL;
	}
}

#define HELP_COLUMN 28
#define HELP_WIDTH  80

/* The text from column on, further lines below its first word. */
static void print_folded(const char *text, int column, FILE *out)
{
	int at = fprintf(out, "%*s", column < HELP_COLUMN ? HELP_COLUMN - column : 1, "") + column;

	for (bool first = true; *text; first = false) {
		int len = (int)strcspn(text, " ");

		if (!first && at + 1 + len > HELP_WIDTH)
			at = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		else if (!first)
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", len, text);
		text += len + (text[len] == ' ');
	}
	fprintf(out, "\n");
}

void verb_help(const struct verb *verb, FILE *out)
{
	const struct verb_option *o;

	if (verb->program) {
		print_forms(verb, out);
	} else {
		fprintf(out, "usage: collective [-s PATH] ");
		print_usage(verb, out);
		fprintf(out, "\n");
	}
	fprintf(out, "\n%s.\n", verb->help);
	for (int i = 0; (o = option_at(verb, i)); i++) {
		int len = 0;

		if (i == 0)
			fprintf(out, "\n");
		len += fprintf(out, "  ");
		if (o->letter)
			len += fprintf(out, "-%c%s", o->letter, o->name ? ", " : "");
		if (o->name)
			len += fprintf(out, "--%s", o->name);
		if (o->takes == OPTION_MAYBE)
			len += fprintf(out, "[=%s]", o->value);
		else if (o->takes == OPTION_VALUE)
			len += fprintf(out, " %s", o->value);
		print_folded(o->help, len, out);
	}
}

static void mdoc_option(const struct verb_option *o, FILE *out)
{
	if (o->letter)
		fprintf(out, "Fl %c", o->letter);
	if (o->letter && o->name)
		fprintf(out, " , ");
	if (o->name)
		fprintf(out, "Fl -%s", o->name);
	if (o->takes == OPTION_MAYBE)
		fprintf(out, " Ns Op = Ns Ar %s", o->value);
	else if (o->takes == OPTION_VALUE)
		fprintf(out, " Ar %s", o->value);
}

/* A word of a form: -x, NAME, NAME=NAME, literal, or punctuation. */
static void mdoc_word(const char *word, size_t len, FILE *out)
{
	const char *equals = memchr(word, '=', len);

	if (*word == '-' && len > 1)
		fprintf(out, " Fl %.*s", (int)len - 1, word + 1);
	else if (*word >= 'a' && *word <= 'z')
		fprintf(out, " Cm %.*s", (int)len, word);
	else if (equals)
		fprintf(out, " Ar %.*s Ns = Ns Ar %.*s", (int)(equals - word), word,
			(int)(word + len - equals - 1), equals + 1);
	else if (*word >= 'A' && *word <= 'Z')
		fprintf(out, " Ar %.*s", (int)len, word);
	else
		fprintf(out, " %.*s", (int)len, word);
}

/* One form of the arguments: words and [ ]. */
static void mdoc_args(const char *args, FILE *out)
{
	size_t len;

	for (; *args && *args != '\n'; args += len) {
		len = strcspn(args, " []\n");
		if (len)
			mdoc_word(args, len, out);
		else if (*args == '[')
			fprintf(out, " Oo");
		else if (*args == ']')
			fprintf(out, " Oc");
		len += !len;
	}
}

/* A sentence, its lines broken where mandoc likes them to be. */
static void mdoc_sentence(const char *text, FILE *out)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > 78)
			column = (size_t)fprintf(out, "\n") - 1;
		column += (size_t)fprintf(out, "%s%.*s", column ? " " : "", (int)len, text);
		text += len + (text[len] == ' ');
	}
	fprintf(out, ".\n");
}

static void mdoc_options(const struct verb *verb, FILE *out)
{
	const struct verb_option *o;

	for (int i = 0; (o = option_at(verb, i)); i++) {
		fprintf(out, "%s.It ", i ? "" : ".Bl -tag -width Ds\n");
		mdoc_option(o, out);
		fprintf(out, "\n");
		mdoc_sentence(o->help, out);
		if (!option_at(verb, i + 1))
			fprintf(out, ".El\n");
	}
}

void verb_mdoc(FILE *out)
{
	fprintf(out, ".Bl -tag -width Ds\n");
	for (const struct verb *v = verbs; v->name; v++) {
		fprintf(out, ".It Cm %s", v->name);
		mdoc_args(v->args, out);
		fprintf(out, "\n");
		mdoc_sentence(v->help, out);
		mdoc_options(v, out);
	}
	fprintf(out, ".El\n");
}

void program_mdoc(const struct verb *program, FILE *out)
{
	fprintf(out, ".Sh NAME\n.Nm %s\n.Nd %c%s\n.Sh SYNOPSIS\n", program->name,
		program->help[0] | 0x20, program->help + 1);
	for (const char *form = program->args; form;) {
		const char *end = strchrnul(form, '\n');

		/* Blanks between the dot and the macro are none to mdoc. */
		fprintf(out, ".Nm\n%s", *form ? "." : "");
		mdoc_args(form, out);
		fprintf(out, "%s", *form ? "\n" : "");
		form = *end ? end + 1 : NULL;
	}
	fprintf(out, ".Sh OPTIONS\n");
	mdoc_options(program, out);
}

static void words(const struct verb *verb, FILE *out)
{
	const struct verb_option *o;

	fprintf(out, "%s", verb->name);
	for (int i = 0; (o = option_at(verb, i)); i++) {
		if (o->letter)
			fprintf(out, " -%c", o->letter);
		if (o->name)
			fprintf(out, " --%s", o->name);
	}
	fprintf(out, "\n");
}

void verb_words(FILE *out)
{
	for (const struct verb *v = verbs; v->name; v++)
		words(v, out);
}

void program_words(const struct verb *program, FILE *out)
{
	words(program, out);
}
