/*
 * An expression is a row of items, each one character class with "once", "any number" or "at least
 * one", and of assertions. Matching keeps the set of places in the row that the text read so far may
 * have led to, as a bitmap, and moves all of them on with each character; nothing is tried again.
 */
#include "config.h"
#include "model/regex.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BITS 64u

enum kind { ITEM_CLASS, ITEM_BEGIN, ITEM_END };
enum times { TIMES_ONE, TIMES_ANY, TIMES_SOME };

/* Characters from..to beyond ASCII, in one list for all items. */
struct span {
	uint32_t from, to;
};

struct item {
	enum kind kind;
	enum times times;
	bool possessive; /* goes on as long as it can: what follows must not fit it */
	bool negated;
	uint64_t ascii[2]; /* before negation */
	uint32_t first_span, n_spans;
	bool other; /* every character beyond ASCII */
};

struct regex {
	struct item *items;
	size_t n;
	struct span *spans;
	size_t n_spans;
	char *literal; /* the whole of it where it is plain text, maybe anchored; or NULL */
	size_t literal_len;
	bool from_begin, to_end;
};

/* ---- characters ---- */

/* The character at *at, and moves behind it. A byte that is no UTF-8 is a character of its own. */
static uint32_t take_char(const char **at, const char *end)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)*at;
	unsigned n = *p < 0xc2 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 1;
	uint32_t c = *p;

	if (n > 1 && end - *at >= (ptrdiff_t)n) {
		uint32_t value = c & (0x7fu >> n);
		unsigned i = 1;

		while (i < n && (p[i] & 0xc0) == 0x80)
			value = value << 6 | (p[i++] & 0x3f);
		if (i == n && value >= least[n]) {
			*at += n;
			return value;
		}
	}
	(*at)++;
	return c < 0x80 ? c : 0xdc00 + c;
}

static bool fits(const struct regex *regex, const struct item *item, uint32_t c)
{
	bool in = false;

	if (c < 128)
		return (item->ascii[c / BITS] >> (c % BITS) & 1) != item->negated;
	in = item->other;
	for (uint32_t i = 0; !in && i < item->n_spans; i++) {
		const struct span *span = &regex->spans[item->first_span + i];

		in = c >= span->from && c <= span->to;
	}
	return in != item->negated;
}

/* ---- compiling ---- */

struct compiler {
	struct regex *regex;
	const char *begin, *at, *end;
	struct err *err;
};

static int wrong(const struct compiler *c, const char *what, const char *at)
{
	return err_set(c->err, -EINVAL, "%s at position %zu", what, (size_t)(at - c->begin));
}

static void add_span(struct compiler *c, struct item *item, uint32_t from, uint32_t to)
{
	struct regex *regex = c->regex;

	for (; from <= to && from < 128; from++)
		item->ascii[from / BITS] |= (uint64_t)1 << (from % BITS);
	if (from > to)
		return;
	if ((regex->n_spans & (regex->n_spans - 1)) == 0)
		regex->spans = xrealloc(regex->spans, regex->n_spans ? 2 * regex->n_spans : 1,
			sizeof(*regex->spans));
	regex->spans[regex->n_spans++] = (struct span){from, to};
	item->n_spans++;
}

/* The ASCII characters for which the letter stands: \d, \w, \s. */
static bool named(char letter, uint32_t ch)
{
	bool digit = ch >= '0' && ch <= '9';

	switch (letter) {
	case 'd':
		return digit;
	case 'w':
		return digit || ch == '_' || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
	default:
		return ch == ' ' || (ch >= '\t' && ch <= '\r') || (ch >= 0x1c && ch <= 0x1f);
	}
}

static void add_named(struct item *item, char letter)
{
	bool negated = letter < 'a';
	char plain = (char)(letter | 0x20);

	for (uint32_t ch = 0; ch < 128; ch++) {
		if (named(plain, ch) != negated)
			item->ascii[ch / BITS] |= (uint64_t)1 << (ch % BITS);
	}
	item->other |= (plain == 'w') != negated;
}

/* One member of a class: a character in *ret, or a named class (false in *single). */
static int take_member(struct compiler *c, struct item *item, bool *single, uint32_t *ret)
{
	static const char letters[] = "ntrfvab", meant[] = "\n\t\r\f\v\a\b";
	const char *from = c->at;
	const char *known;

	*single = true;
	*ret = take_char(&c->at, c->end);
	if (*ret != '\\')
		return 0;
	if (c->at == c->end)
		return wrong(c, "bad escape (end of pattern)", from);
	*ret = take_char(&c->at, c->end);
	if (*ret < 128 && *ret && strchr("dDwWsS", (int)*ret)) {
		*single = false;
		add_named(item, (char)*ret);
		return 0;
	}
	known = *ret < 128 && *ret ? strchr(letters, (int)*ret) : NULL;
	if (known)
		*ret = (uint32_t)meant[known - letters];
	else if (named('w', *ret) && *ret != '_')
		return wrong(c, "bad escape", from);
	return 0;
}

static int compile_class(struct compiler *c, struct item *item)
{
	const char *open = c->at - 1;
	bool first = true;

	item->first_span = (uint32_t)c->regex->n_spans;
	if (c->at < c->end && *c->at == '^') {
		item->negated = true;
		c->at++;
	}
	for (;; first = false) {
		const char *from = c->at;
		bool single, other;
		uint32_t a, b;

		if (c->at == c->end)
			return wrong(c, "unterminated character set", open);
		if (*c->at == ']' && !first) {
			c->at++;
			return 0;
		}
		if (take_member(c, item, &single, &a) < 0)
			return -EINVAL;
		b = a;
		if (c->end - c->at >= 2 && c->at[0] == '-' && c->at[1] != ']') {
			c->at++;
			if (take_member(c, item, &other, &b) < 0)
				return -EINVAL;
			if (!single || !other || b < a)
				return wrong(c, "bad character range", from);
		}
		if (single)
			add_span(c, item, a, b);
	}
}

static int compile_times(struct compiler *c, struct item *item)
{
	const char *from = c->at;

	if (c->at == c->end || (*c->at != '*' && *c->at != '+'))
		return 0;
	if (item->kind != ITEM_CLASS)
		return wrong(c, "nothing to repeat", from);
	item->times = *c->at++ == '*' ? TIMES_ANY : TIMES_SOME;
	if (c->at < c->end && *c->at == '+') {
		item->possessive = true;
		c->at++;
	}
	if (c->at < c->end && (*c->at == '*' || *c->at == '+'))
		return wrong(c, "multiple repeat", c->at);
	return 0;
}

static int compile_item(struct compiler *c, struct item *item)
{
	const char *from = c->at;
	uint32_t ch = take_char(&c->at, c->end);

	*item = (struct item){.kind = ITEM_CLASS, .first_span = (uint32_t)c->regex->n_spans};
	switch (ch) {
	case '*':
	case '+':
		return wrong(c, "nothing to repeat", from);
	case '?':
	case '|':
	case '(':
	case ')':
	case '{':
	case '}':
	case '\\':
		return wrong(c, "not supported in a regular expression here: ?|(){}\\", from);
	case '^':
	case '$':
		item->kind = ch == '^' ? ITEM_BEGIN : ITEM_END;
		break;
	case '.':
		item->negated = true;
		add_span(c, item, '\n', '\n');
		break;
	case '[':
		if (compile_class(c, item) < 0)
			return -EINVAL;
		break;
	default:
		add_span(c, item, ch, ch);
	}
	return compile_times(c, item);
}

/* Plain text, with '^' in front and '$' behind at most, needs no machine. */
static void find_literal(struct regex *regex, const char *expression, size_t len)
{
	regex->from_begin = len > 0 && expression[0] == '^';
	expression += regex->from_begin;
	len -= regex->from_begin;
	regex->to_end = len > 0 && expression[len - 1] == '$';
	len -= regex->to_end;
	for (size_t i = 0; i < len; i++) {
		if (strchr("^$.*+[", expression[i]))
			return;
	}
	regex->literal = xstrndup(expression, len);
	regex->literal_len = len;
}

int regex_new(struct regex **ret, const char *expression, size_t len, struct err *err)
{
	CLEANUP(regex_freep) struct regex *regex = xcalloc(1, sizeof(*regex));
	struct compiler c = {regex, expression, expression, expression + len, err};

	if (len > REGEX_MAX)
		return err_set(err, -EINVAL,
			"a regular expression of %zu bytes is too long (at most %d)", len,
			REGEX_MAX);
	regex->items = xcalloc(len + 1, sizeof(*regex->items));
	while (c.at < c.end) {
		if (compile_item(&c, &regex->items[regex->n]) < 0)
			return -EINVAL;
		regex->n++;
	}
	find_literal(regex, expression, len);
	*ret = TAKE(regex);
	return 0;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	free(regex->items);
	free(regex->spans);
	free(regex->literal);
	free(regex);
}

/* ---- matching ---- */

/* Where the text is: what was read, and what comes. */
struct place {
	bool begin, end; /* for '^' and '$' */
	bool last;	 /* nothing comes */
	uint32_t next;
};

/* Place 2i of the row: before item i; 2i + 1: behind a first fit of "at least one" or within "any
 * number", where the item may fit again. Adds the place, and all that follow from it without reading
 * a character. True: the end of the row is among them. */
static bool enter(const struct regex *regex, uint64_t *set, size_t at, const struct place *place)
{
	for (;;) {
		const struct item *item = &regex->items[at / 2];

		if (at == 2 * regex->n)
			return true;
		if (set[at / BITS] >> (at % BITS) & 1)
			return false;
		set[at / BITS] |= (uint64_t)1 << (at % BITS);
		if (item->kind == ITEM_BEGIN || item->kind == ITEM_END) {
			if (item->kind == ITEM_BEGIN ? !place->begin : !place->end)
				return false;
		} else if (at % 2 == 0 && item->times != TIMES_ANY) {
			return false;
		} else if (item->possessive && !place->last && fits(regex, item, place->next)) {
			return false;
		}
		at = (at | 1) + 1;
	}
}

/* Moves every place in from on by one character. */
static bool step(const struct regex *regex, const uint64_t *from, uint64_t *to, size_t words,
	uint32_t c, const struct place *place, uint64_t *spent)
{
	memset(to, 0, words * sizeof(*to));
	for (size_t w = 0; w < words; w++) {
		for (uint64_t rest = from[w]; rest; rest &= rest - 1) {
			size_t at = w * BITS + (size_t)__builtin_ctzll(rest);
			const struct item *item = &regex->items[at / 2];

			++*spent;
			if (item->kind != ITEM_CLASS || !fits(regex, item, c))
				continue;
			if (enter(regex, to, item->times == TIMES_ONE ? at + 2 : at | 1, place))
				return true;
		}
	}
	return false;
}

static bool run(const struct regex *regex, const char *text, size_t len, uint64_t *spent)
{
	size_t words = 2 * regex->n / BITS + 1;
	uint64_t small[8], *sets = words <= 4 ? small : xcalloc(2 * words, sizeof(*sets));
	uint64_t *from = sets, *to = sets + words;
	const char *at = text, *end = text + len;
	bool found;
	uint32_t c = 0;

	memset(from, 0, words * sizeof(*from));
	for (struct place place = {.begin = true};; place.begin = false) {
		const char *behind = at;
		uint64_t *swap;

		place.last = at == end;
		place.end = place.last || (end - at == 1 && *at == '\n');
		place.next = place.last ? 0 : take_char(&behind, end);
		found = !place.begin && step(regex, from, to, words, c, &place, spent);
		if (!place.begin) {
			swap = from;
			from = to;
			to = swap;
		}
		found = found || enter(regex, from, 0, &place);
		if (found || place.last)
			break;
		c = place.next;
		at = behind;
		*spent += words;
	}
	if (sets != small)
		free(sets);
	return found;
}

bool regex_search(const struct regex *regex, const char *text, size_t len, uint64_t *spent)
{
	size_t n = regex->literal_len;

	if (!regex->literal || (regex->to_end && len && text[len - 1] == '\n'))
		return run(regex, text, len, spent);
	*spent += 1 + len / 16;
	if (len < n)
		return false;
	if (regex->from_begin && regex->to_end)
		return len == n && memcmp(text, regex->literal, n) == 0;
	if (regex->from_begin)
		return memcmp(text, regex->literal, n) == 0;
	if (regex->to_end)
		return memcmp(text + len - n, regex->literal, n) == 0;
	return n == 0 || memmem(text, len, regex->literal, n) != NULL;
}
