#include "config.h"
#include "model/noderange_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
	       (c && strchr("~^$/=-_:.*+!", c));
}

/* A character is what a person counts as one: the bytes that go on with one are skipped. */
static size_t character(const struct noderange_text *in, size_t at)
{
	size_t n = 1;

	for (size_t i = 0; i < at && i < in->len; i++)
		n += ((unsigned char)in->text[i] & 0xc0) != 0x80;
	return n;
}

int noderange_fail(
	const struct noderange_text *in, size_t at, struct err *err, const char *fmt, ...)
{
	char what[ERR_TEXT_MAX / 2], group[TEXT_PRINTABLE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	text_whole(what);
	for (char *p = what; *p; p++)
		*p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	if (in->group)
		return err_set(err, -EINVAL, "%s (at character %zu of the noderange of group %s)",
			what, character(in, at),
			text_printable(in->group, strlen(in->group), group));
	return err_set(err, -EINVAL, "%s (at character %zu)", what, character(in, at));
}

static int unexpected(const struct noderange_lexer *lexer, size_t at, struct err *err)
{
	const char *text = lexer->in->text + at;
	char shown[TEXT_PRINTABLE_MAX];
	size_t len = 1;

	while (at + len < lexer->end && ((unsigned char)text[len] & 0xc0) == 0x80 && len < 4)
		len++;
	return noderange_fail(lexer->in, at, err, "Invalid syntax: unexpected '%s'",
		text_printable(text, len, shown));
}

static int lex_number(struct noderange_lexer *lexer, struct noderange_token *token, struct err *err)
{
	const char *text = lexer->in->text;
	size_t number = 0;

	if (lexer->at == lexer->end || !is_digit(text[lexer->at]))
		return noderange_fail(lexer->in, token->at, err,
			"Invalid syntax: '%c' needs a number right behind it", text[token->at]);
	for (; lexer->at < lexer->end && is_digit(text[lexer->at]); lexer->at++) {
		size_t digit = (size_t)(text[lexer->at] - '0');

		number = number > (SIZE_MAX - digit) / 10 ? SIZE_MAX : number * 10 + digit;
	}
	token->number = number;
	token->end = lexer->at;
	return 0;
}

static int lex_quoted(struct noderange_lexer *lexer, struct noderange_token *token, struct err *err)
{
	const char *text = lexer->in->text;
	const char *end = memchr(text + lexer->at, text[token->at], lexer->end - lexer->at);

	if (!end)
		return noderange_fail(
			lexer->in, token->at, err, "Invalid syntax: a quotation that does not end");
	lexer->at = token->end = (size_t)(end - text) + 1;
	return 0;
}

/* May the blanks before at be dropped, when the atom goes on there? */
static bool joins(const char *text, const struct noderange_token *token, size_t at)
{
	const char *last = text + token->end - 1, *next = text + at;

	if (*next == '[' || strchr("-:+", *next) || strchr("-:+", *last))
		return true;
	return (next[0] == '.' && next[1] == '.') ||
	       (last[0] == '.' && token->end - token->at > 1 && last[-1] == '.');
}

static int lex_bracket(struct noderange_lexer *lexer, struct err *err)
{
	size_t from = lexer->at++;

	while (lexer->at < lexer->end) {
		char c = lexer->in->text[lexer->at++];

		if (c == ']')
			return 0;
		if (c == '\n')
			break;
	}
	return noderange_fail(lexer->in, from, err, "Invalid syntax: a '[' without its ']'");
}

static int lex_atom(struct noderange_lexer *lexer, struct noderange_token *token, struct err *err)
{
	const char *text = lexer->in->text;

	token->word_end = token->at;
	for (;;) {
		size_t at = lexer->at;
		int r;

		while (at < lexer->end && is_blank(text[at]))
			at++;
		if (at == lexer->end || (!is_word(text[at]) && text[at] != '['))
			break;
		if (at > lexer->at && lexer->at > token->at) {
			if (!joins(text, token, at))
				return noderange_fail(lexer->in, at, err,
					"Invalid syntax: white space between two names (a ',' is "
					"missing)");
			token->blanks = true;
		}
		lexer->at = at;
		if (text[at] == '[') {
			r = lex_bracket(lexer, err);
			if (r < 0)
				return r;
			token->brackets = true;
		} else {
			while (lexer->at < lexer->end && is_word(text[lexer->at]))
				lexer->at++;
			if (at == token->at)
				token->word_end = lexer->at;
		}
		token->end = lexer->at;
	}
	return 0;
}

int noderange_lex(struct noderange_lexer *lexer, struct noderange_token *ret, struct err *err)
{
	const char *text = lexer->in->text;

	while (lexer->at < lexer->end && is_blank(text[lexer->at]))
		lexer->at++;
	*ret = (struct noderange_token){.at = lexer->at, .end = lexer->at + 1};
	if (lexer->at == lexer->end) {
		ret->kind = NODERANGE_END;
		ret->end = lexer->end;
		return 0;
	}
	if (is_word(text[lexer->at]) || text[lexer->at] == '[') {
		ret->kind = NODERANGE_ATOM;
		return lex_atom(lexer, ret, err);
	}
	switch (text[lexer->at++]) {
	case ',':
		ret->kind = NODERANGE_UNITE;
		if (lexer->at < lexer->end && text[lexer->at] == '-') {
			ret->kind = NODERANGE_REMOVE;
			ret->end = ++lexer->at;
		}
		return 0;
	case '@':
		ret->kind = NODERANGE_INTERSECT;
		return 0;
	case '(':
		ret->kind = NODERANGE_OPEN;
		return 0;
	case ')':
		ret->kind = NODERANGE_CLOSE;
		return 0;
	case '<':
		ret->kind = NODERANGE_SKIP;
		return lex_number(lexer, ret, err);
	case '>':
		ret->kind = NODERANGE_LIMIT;
		return lex_number(lexer, ret, err);
	case '"':
	case '\'':
		ret->kind = NODERANGE_QUOTED;
		return lex_quoted(lexer, ret, err);
	default:
		lexer->at--;
		return unexpected(lexer, lexer->at, err);
	}
}
