/*
 * Finding a verb and reading its arguments.
 *
 * Options may stand anywhere; "--" ends them; "-" is an argument; letters can be put together (-nv)
 * and an option's value can follow at once (-iTOKEN, --ttl=1h) or as the next word. Names are exact:
 * a prefix of one is an error, with the nearest name as the hint.
 */
#include "config.h"
#include "cli/verb.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* The first is not for the programs: upstream's nodeattrib -s means something else, so their rows
 * have a --socket of their own. */
static const struct verb_option common[] = {
	{'s', "socket", OPTION_VALUE, "PATH", .help = "the agent's socket"},
	{'h', "help", OPTION_FLAG, .help = "print this help"},
};

static const char *family(const struct verb *verb)
{
	return verb->program ? "" : "collective ";
}

static bool option_is_there(const struct verb_option *o)
{
	return o->letter || o->name;
}

static bool option_is(const struct verb_option *o, const char *name, size_t len)
{
	if (len == 1 && o->letter == *name)
		return true;
	return len > 1 && o->name && strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

/* The place of an option in the verb's row, -1 for a common one (in *ret_common), -2 for none. */
static int option_find(const struct verb *verb, const char *name, size_t len,
	const struct verb_option **ret_common)
{
	for (int i = 0; i < VERB_OPTIONS_MAX && option_is_there(&verb->options[i]); i++)
		if (option_is(&verb->options[i], name, len))
			return i;
	for (size_t i = verb->program; i < ARRAY_SIZE(common); i++)
		if (option_is(&common[i], name, len)) {
			*ret_common = &common[i];
			return -1;
		}
	return -2;
}

const char *call_option(const struct call *call, const char *name)
{
	const struct verb_option *unused = NULL;
	int i = option_find(call->verb, name, strlen(name), &unused);

	return i < 0 ? NULL : call->values[i];
}

struct parser {
	const struct verb *verb;
	int argc, at;
	char **argv;
	struct call *call;
	struct err *err;
};

/* Moves the value out of argv, where any user of the machine could read it. */
static const char *take_secret(struct call *call, char *value)
{
	secret_free(call->secret);
	call->secret = xstrdup(value);
	mem_wipe(value, strlen(value));
	return call->secret;
}

/* One option; rest is what follows its name in the same word (NULL: nothing does). ret_used tells
 * whether rest was its value. */
static int parse_option(struct parser *p, const char *name, size_t len, char *rest, bool *ret_used)
{
	char shown[TEXT_PRINTABLE_MAX];
	const struct verb_option *o = NULL;
	int i = option_find(p->verb, name, len, &o);
	char *value = NULL;

	*ret_used = false;
	if (i < -1)
		return err_set(p->err, -EINVAL, "unknown option '%s%s' (%s%s --help)",
			len > 1 ? "--" : "-", text_printable(name, len, shown), family(p->verb),
			p->verb->name);
	if (i >= 0)
		o = &p->verb->options[i];
	if (o->takes != OPTION_FLAG && rest) {
		value = rest;
		*ret_used = true;
	} else if (o->takes == OPTION_VALUE) {
		if (p->at >= p->argc)
			return err_set(p->err, -EINVAL, "option '%s%.*s' needs %s",
				len > 1 ? "--" : "-", (int)len, name, o->value);
		value = p->argv[p->at++];
	}
	if (i >= 0 && o->secret && value && strcmp(value, "-") != 0)
		p->call->values[i] = take_secret(p->call, value);
	else if (i >= 0)
		p->call->values[i] = value ? value : "";
	else if (o->letter == 's')
		p->call->socket = value;
	else
		return -ECANCELED;
	return 0;
}

static int parse_letters(struct parser *p, char *word)
{
	bool used = false;

	for (char *c = word; *c && !used; c++) {
		int rc = parse_option(p, c, 1, c[1] ? c + 1 : NULL, &used);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_name(struct parser *p, char *word)
{
	size_t len = strcspn(word, "=");
	char *value = word[len] ? word + len + 1 : NULL;
	bool used;
	int rc;

	/* A single letter is an option of one dash. */
	if (len < 2)
		return err_set(p->err, -EINVAL, "unknown option '--%.*s' (%s%s --help)", (int)len,
			word, family(p->verb), p->verb->name);
	rc = parse_option(p, word, len, value, &used);
	if (rc == 0 && value && !used)
		rc = err_set(p->err, -EINVAL, "option '--%.*s' takes no value", (int)len, word);
	return rc;
}

static int check_count(const struct parser *p, int count)
{
	int min = p->verb->min, max = p->verb->max;

	for (int i = 0; i < VERB_OPTIONS_MAX; i++)
		if (p->call->values[i] && p->verb->options[i].instead)
			min = max = 0;
	if (count >= min && count <= max)
		return 0;
	return err_set(p->err, -ERANGE, "%s (usage: %s%s%s%.*s)",
		count < min ? "an argument is missing" : "too many arguments", family(p->verb),
		p->verb->name, *p->verb->args ? " " : "", (int)strcspn(p->verb->args, "\n"),
		p->verb->args);
}

int verb_parse(const struct verb *verb, int argc, char **argv, struct call *ret, struct err *err)
{
	struct parser p = {.verb = verb, .argc = argc, .argv = argv, .call = ret, .err = err};
	bool options = true;
	int rc = 0;

	ret->verb = verb;
	ret->args = argv;
	ret->count = 0;
	while (rc == 0 && p.at < argc) {
		char *word = argv[p.at++];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && text_starts(word, "--")) {
			rc = parse_name(&p, word + 2);
		} else if (options && word[0] == '-' && word[1]) {
			rc = parse_letters(&p, word + 1);
		} else {
			/* Not behind the word that was just read. */
			argv[ret->count++] = word;
		}
	}
	return rc < 0 ? rc : check_count(&p, ret->count);
}

void call_done(struct call *call)
{
	secret_free(call->secret);
	call->secret = NULL;
	json_free(call->paused);
	call->paused = NULL;
}

static const struct verb *find(const struct verb *table, const char *name)
{
	for (const struct verb *v = table; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

const struct verb *verb_find(const char *name)
{
	return find(verbs, name);
}

const struct verb *program_find(const char *name)
{
	return find(programs, name);
}

/* How many letters must be changed, added or left out (a row at a time); names are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[33];
	size_t n = strlen(b);

	if (strlen(a) >= ARRAY_SIZE(row) || n >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];
			size_t best = corner + (a[i - 1] != b[j - 1]);

			best = MIN(best, above + 1);
			row[j] = MIN(best, row[j - 1] + 1);
			corner = above;
		}
	}
	return row[n];
}

const struct verb *verb_nearest(const char *name)
{
	const struct verb *found = NULL;
	size_t best = 3;

	for (const struct verb *v = verbs; v->name; v++) {
		size_t d = distance(name, v->name);

		if (d < best && d < strlen(v->name)) {
			best = d;
			found = v;
		}
	}
	return found;
}

static int usage(FILE *err, const char *name, const char *text)
{
	fprintf(err, "%s: %s\n", name, text);
	return CLI_USAGE;
}

static int unknown(const char *name, FILE *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	const struct verb *near = verb_nearest(name);
	struct err text;

	text_printable(name, strlen(name), shown);
	if (near)
		err_set(&text, 0, "unknown command '%s', did you mean '%s'?", shown, near->name);
	else
		err_set(&text, 0, "unknown command '%s' (collective --help lists them)", shown);
	return usage(err, "collective", text.text);
}

/* What can be asked of a program itself (NULL: of collective). True: it was, and the answer is
 * printed. */
static bool run_own(const char *word, const struct verb *program, FILE *out)
{
	bool own = !program;

	if (own && (text_eq(word, "-h") || text_eq(word, "--help") || text_eq(word, "help")))
		verb_help_all(out);
	else if (text_eq(word, "--version"))
		fprintf(out, "%s %s\n", own ? "collective" : program->name, PACKAGE_VERSION);
	else if (own && text_eq(word, "--words"))
		verb_words(out);
	else if (text_eq(word, "--words"))
		program_words(program, out);
	else if (own && text_eq(word, "--mdoc"))
		verb_mdoc(out);
	else if (text_eq(word, "--mdoc"))
		program_mdoc(program, out);
	else
		return false;
	return true;
}

static int run_verb(const struct verb *verb, int argc, char **argv, struct call *call)
{
	struct err text = {""};
	int rc = verb_parse(verb, argc, argv, call, &text);

	if (rc == -ECANCELED) {
		verb_help(verb, call->out);
		rc = CLI_OK;
	} else if (rc < 0) {
		usage(call->err, verb->program ? verb->name : "collective", text.text);
		/* As upstream's programs. */
		rc = rc == -ERANGE && verb->program ? CLI_FAILED : CLI_USAGE;
	} else {
		if (verb->program && call_option(call, "socket"))
			call->socket = call_option(call, "socket");
		rc = verb->run(call);
	}
	call_done(call);
	return rc;
}

static int run_program(const struct verb *program, int argc, char **argv, struct call *call)
{
	if (argc == 2 && run_own(argv[1], program, call->out))
		return CLI_OK;
	return run_verb(program, argc - 1, argv + 1, call);
}

static int run_collective(int argc, char **argv, struct call *call)
{
	const struct verb *verb;
	int at = 1;

	while (at + 1 < argc && (text_eq(argv[at], "-s") || text_eq(argv[at], "--socket"))) {
		call->socket = argv[at + 1];
		at += 2;
	}
	if (at < argc && (text_eq(argv[at], "-s") || text_eq(argv[at], "--socket")))
		return usage(call->err, "collective", "-s needs the path of the agent's socket");
	if (at >= argc) {
		verb_help_all(call->err);
		return CLI_USAGE;
	}
	if (run_own(argv[at], NULL, call->out))
		return CLI_OK;
	verb = verb_find(argv[at]);
	if (!verb)
		return unknown(argv[at], call->err);
	return run_verb(verb, argc - at - 1, argv + at + 1, call);
}

int cli_run(int argc, char **argv, const char *host, FILE *in, FILE *out, FILE *err)
{
	struct call call = {.in = in, .out = out, .err = err};
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const struct verb *program = argc ? program_find(slash ? slash + 1 : argv[0]) : NULL;

	call.socket = host && *host == '/' ? host : RUNDIR "/confluent/api.sock";
	return program ? run_program(program, argc, argv, &call)
		       : run_collective(argc, argv, &call);
}
