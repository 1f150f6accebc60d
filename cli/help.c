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

void verb_help(const struct verb *verb, FILE *out)
{
	const struct verb_option *o;

	fprintf(out, "usage: collective [-s PATH] ");
	print_usage(verb, out);
	fprintf(out, "\n\n%s.\n", verb->help);
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
		fprintf(out, "%*s%s\n", len < 28 ? 28 - len : 1, "", o->help);
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

static void mdoc_args(const char *args, FILE *out)
{
	if (*args == '[')
		fprintf(out, " Oo Ar %.*s Oc", (int)strcspn(args + 1, "]"), args + 1);
	else if (*args)
		fprintf(out, " Ar %.*s", (int)strcspn(args, " "), args);
	args += strcspn(args, " ");
	if (*args)
		mdoc_args(args + 1, out);
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

void verb_mdoc(FILE *out)
{
	const struct verb_option *o;

	fprintf(out, ".Bl -tag -width Ds\n");
	for (const struct verb *v = verbs; v->name; v++) {
		fprintf(out, ".It Cm %s", v->name);
		mdoc_args(v->args, out);
		fprintf(out, "\n");
		mdoc_sentence(v->help, out);
		for (int i = 0; (o = option_at(v, i)); i++) {
			fprintf(out, "%s.It ", i ? "" : ".Bl -tag -width Ds\n");
			mdoc_option(o, out);
			fprintf(out, "\n");
			mdoc_sentence(o->help, out);
			if (!option_at(v, i + 1))
				fprintf(out, ".El\n");
		}
	}
	fprintf(out, ".El\n");
}

void verb_words(FILE *out)
{
	const struct verb_option *o;

	for (const struct verb *v = verbs; v->name; v++) {
		fprintf(out, "%s", v->name);
		for (int i = 0; (o = option_at(v, i)); i++) {
			if (o->letter)
				fprintf(out, " -%c", o->letter);
			if (o->name)
				fprintf(out, " --%s", o->name);
		}
		fprintf(out, "\n");
	}
}
