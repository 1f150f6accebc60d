#include "config.h"
#include "cli/assign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "wire/frame.h"

void assign_done(struct assignments *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->list[i].name);
		secret_free(a->list[i].value);
	}
	free(a->list);
	*a = (struct assignments){NULL, 0};
}

/* Takes name and value. */
static void add(struct assignments *a, char *name, enum assign_how how, char *value)
{
	unsigned round = 0;

	/* A command line is short enough to look through. */
	for (size_t i = 0; i < a->n; i++)
		round += strcmp(a->list[i].name, name) == 0;
	a->list = xrealloc(a->list, a->n + 1, sizeof(*a->list));
	a->list[a->n++] = (struct assignment){name, how, value, round};
}

bool assign_looks_like(const char *word)
{
	return strchr(word, '=') != NULL;
}

int assign_word(struct assignments *a, char *word, struct err *err)
{
	enum assign_how how = ASSIGN_SET;
	size_t len = strcspn(word, "=");
	char shown[TEXT_PRINTABLE_MAX];
	char *value = word + len + 1;

	if (word[len] && len && strchr(",-^", word[len - 1]))
		how = word[--len] == ',' ? ASSIGN_PREPEND : ASSIGN_REMOVE;
	if (!word[len] || !len)
		return err_set(err, -EINVAL, "'%s' is not of the form ATTRIBUTE=VALUE",
			text_printable(word, strcspn(word, "="), shown));
	add(a, xstrndup(word, len), how, xstrdup(value));
	mem_wipe(value, strlen(value));
	return 0;
}

void assign_clear(struct assignments *a, const char *name)
{
	/* Twice is as good as once. */
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i].name, name) == 0)
			return;
	add(a, xstrdup(name), ASSIGN_CLEAR, NULL);
}

int assign_environment(struct assignments *a, const char *name, struct err *err)
{
	CLEANUP(freep) char *variable = xstrdup(name);
	CLEANUP(freep) char *capitals = NULL;
	const char *value;

	for (char *p = variable; *p; p++)
		if (*p == '.' || *p == '-')
			*p = '_';
	value = getenv(variable);
	capitals = xstrdup(variable);
	for (char *p = capitals; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p & ~0x20);
	if (!value)
		value = getenv(capitals);
	if (!value)
		return err_set(err, -ENOENT, "%s: neither %s nor %s is in the environment", name,
			variable, capitals);
	add(a, xstrdup(name), ASSIGN_SET, xstrdup(value));
	return 0;
}

static char *ask(struct call *call, const char *what, const char *name)
{
	CLEANUP(freep) char *question = xasprintf("%s value for %s: ", what, name);

	return ask_hidden(call, question);
}

int assign_prompt(struct assignments *a, const char *name, struct call *call, struct err *err)
{
	for (;;) {
		CLEANUP(secret_freep) char *once = ask(call, "Enter", name);
		CLEANUP(secret_freep) char *again = once ? ask(call, "Confirm", name) : NULL;

		if (!again)
			return err_set(err, -ENODATA, "no value was given for %s", name);
		if (strcmp(once, again) == 0) {
			add(a, xstrdup(name), ASSIGN_SET, TAKE(again));
			return 0;
		}
		fprintf(call->err, "Values did not match.\n");
	}
}

struct splitter {
	char *at;
	const char *path;
	int line;
	struct err *err;
};

static int bad_line(const struct splitter *s, int line, const char *why)
{
	return err_set(s->err, -EINVAL, "%s: line %d: %s", s->path, line, why);
}

/* Up to the next word; false: there is none. */
static bool skip_blanks(struct splitter *s)
{
	for (;; s->at++) {
		if (*s->at == '#')
			s->at += strcspn(s->at, "\n");
		if (!*s->at || !strchr(" \t\r\n", *s->at))
			return *s->at;
		s->line += *s->at == '\n';
	}
}

/* What stands in quotes from here on is copied to *to, up to and with the quote that ends it. */
static int take_quoted(struct splitter *s, char **to)
{
	char quote = *s->at++;
	int line = s->line;

	for (; *s->at != quote; s->at++) {
		if (*s->at == '\\' && quote == '"' && s->at[1] && strchr("\"\\", s->at[1]))
			s->at++;
		if (!*s->at)
			return bad_line(s, line, "a quotation mark has no partner");
		s->line += *s->at == '\n';
		*(*to)++ = *s->at;
	}
	s->at++;
	return 0;
}

/* The word here, put together in place: it is never longer than what it was written as. */
static int take_word(struct splitter *s, char **ret)
{
	char *to = s->at;
	int rc = 0;
	char end;

	*ret = to;
	while (rc == 0 && *s->at && !strchr(" \t\r\n", *s->at)) {
		if (*s->at == '\'' || *s->at == '"') {
			rc = take_quoted(s, &to);
			continue;
		}
		if (*s->at == '\\' && s->at[1])
			s->at++;
		*to++ = *s->at++;
	}
	end = *s->at;
	s->line += end == '\n';
	s->at += end != '\0';
	*to = '\0';
	return rc;
}

int assign_file(struct assignments *a, const char *path, struct err *err)
{
	struct buf text = BUF_INIT(FRAME_REQUEST_MAX);
	struct splitter s = {.path = path, .line = 1, .err = err};
	int rc = file_read(path, &text, err);

	if (rc == 0 && memchr(buf_cstr(&text), '\0', text.len))
		rc = err_set(err, -EINVAL, "%s: not a text", path);
	s.at = text.data;
	while (rc == 0 && s.at && skip_blanks(&s)) {
		int line = s.line;
		char *word;

		rc = take_word(&s, &word);
		if (rc == 0 && assign_word(a, word, err) < 0)
			rc = err_wrap(err, -EINVAL, "%s: line %d", path, line);
	}
	if (rc == 0 && !a->n)
		rc = err_set(err, -EINVAL, "%s: no attributes are set there", path);
	buf_wipe(&text);
	return rc;
}

static void set(json *parameters, const struct assignment *one)
{
	json *inner;

	switch (one->how) {
	case ASSIGN_CLEAR:
	case ASSIGN_SET:
		json_set_str(parameters, one->name, one->value);
		return;
	case ASSIGN_PREPEND:
	case ASSIGN_REMOVE:
		inner = json_set(parameters, one->name, json_new_object());
		json_set_str(inner, one->how == ASSIGN_PREPEND ? "prepend" : "remove", one->value);
		return;
	}
}

json *assign_parameters(const struct assignments *a, unsigned round, bool *ret_last)
{
	json *parameters = json_new_object();

	*ret_last = true;
	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].round == round)
			set(parameters, &a->list[i]);
		*ret_last = *ret_last && a->list[i].round <= round;
	}
	return parameters;
}
