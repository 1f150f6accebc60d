/*
 * An atom: brackets are written out first, the leftmost slowest; each name that results is a node, a
 * group, or a range (a-b, a:b, a..b, a+N). Between brackets it is a number, a range of numbers or a
 * text. The first name that is nothing ends it, and an error tells which.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/noderange_eval.h"
#include "model/noderange_range.h"
#include "model/noderange_walk.h"

/* The end of an atom: where it stands, and what it has become. */
struct atom {
	struct noderange_eval *eval;
	const struct noderange_text *in;
	size_t at;
	bool glued; /* blanks were dropped: it can't be a name */
	struct bitset *ret;
	struct err *err;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool all_digits(struct noderange_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.at[i]))
			return false;
	}
	return s.len > 0;
}

static int not_valid(const struct atom *atom, const char *name, const char *why)
{
	char shown[TEXT_PRINTABLE_MAX];

	return noderange_fail(atom->in, atom->at, atom->err, "%s not valid%s%s",
		text_printable(name, strlen(name), shown), *why ? ": " : "", why);
}

/* Notes what names begin with. True: none of those before began so. */
static bool new_head(struct noderange_eval *eval, const char *head, size_t len)
{
	size_t n = eval->heads.n;
	uint32_t number;

	if (noderange_list_add(&eval->heads, head, len, &number) < 0)
		eval->headless = true;
	return !eval->headless && eval->heads.n > n;
}

/* Without a source: the name is taken as it is. */
static int take_name(const struct atom *atom, const char *name, size_t len)
{
	struct noderange_eval *eval = atom->eval;
	uint32_t number;

	if (len > NODERANGE_NAME_MAX)
		return not_valid(atom, name, "a name has at most 255 characters");
	if (!eval->numeric && strpbrk(name, "[]\"'"))
		return not_valid(atom, name, "brackets and quotes can't be part of a name");
	if (!*eval->names || noderange_list_add(eval->list, name, len, &number) < 0)
		return noderange_too_many(atom->eval, atom->in, atom->at, atom->err);
	--*eval->names;
	(void)new_head(eval, name, strcspn(name, "0123456789"));
	bitset_add(atom->ret, number);
	return 0;
}

/* With a source: 1 when the name is a node or group and was added, 0 when it is nothing. */
static int take_known(const struct atom *atom, const char *name)
{
	const struct noderange_source *source = atom->eval->source;
	uint32_t node;

	if (source->node(source->arg, name, &node)) {
		bitset_add(atom->ret, node);
		return 1;
	}
	return noderange_eval_group(atom->eval, atom->in, atom->at, name, atom->ret, atom->err);
}

/* With a source: may this name, which is nothing, be left out? */
static bool left_out(const struct atom *atom, const char *name)
{
	const struct noderange_source *source = atom->eval->source;

	return source->missing && source->missing(source->arg, name);
}

/* ---- names of a walk ---- */

typedef int name_fn(const struct atom *atom, const char *name, size_t len);

static int each_name(const struct atom *atom, struct noderange_walk *walk, name_fn *fn)
{
	size_t total = noderange_walk_total(walk);
	int r = 0;

	if (total > *atom->eval->names || noderange_walk_longest(walk) > NODERANGE_NAME_MAX)
		return noderange_too_many(atom->eval, atom->in, atom->at, atom->err);
	/* Without a source each is counted as it goes to the list. */
	if (atom->eval->source)
		*atom->eval->names -= total;
	for (noderange_walk_start(walk); r == 0 && !walk->done; noderange_walk_next(walk))
		r = fn(atom, walk->name, walk->len);
	return r;
}

/* Is no name of the walk in the list, nor twice in the walk? */
static bool all_new(struct noderange_eval *eval, const struct noderange_walk *walk)
{
	bool first = eval->list->n == 0, other = false;
	const char *head;
	size_t len;

	if (noderange_walk_head(walk, &head, &len))
		other = new_head(eval, head, len);
	else
		eval->headless = true;
	return (first || other) && noderange_walk_distinct(walk);
}

/* The names of a walk are written out. */
static int list_names(const struct atom *atom, struct noderange_walk *walk)
{
	struct noderange_list *list = atom->eval->list;
	size_t total = noderange_walk_total(walk);
	bool fresh = all_new(atom->eval, walk);
	int r = 0;

	if (total > *atom->eval->names || noderange_walk_longest(walk) > NODERANGE_NAME_MAX)
		return noderange_too_many(atom->eval, atom->in, atom->at, atom->err);
	*atom->eval->names -= total;
	if (!fresh)
		noderange_list_expect(list, total);
	for (noderange_walk_start(walk); r == 0 && !walk->done; noderange_walk_next(walk)) {
		uint32_t number = (uint32_t)list->n;

		r = fresh ? noderange_list_append(list, walk->name, walk->len)
			  : noderange_list_add(list, walk->name, walk->len, &number);
		if (r == 0)
			bitset_add(atom->ret, number);
	}
	return r < 0 ? noderange_too_many(atom->eval, atom->in, atom->at, atom->err) : 0;
}

static int known_in_range(const struct atom *atom, const char *name, size_t len)
{
	char shown[TEXT_PRINTABLE_MAX];
	int r = take_known(atom, name);

	if (r == 0 && !left_out(atom, name))
		return noderange_fail(atom->in, atom->at, atom->err, "Unknown node %s",
			text_printable(name, len, shown));
	return r < 0 ? r : 0;
}

static int take_walk(const struct atom *atom, struct noderange_walk *walk)
{
	return atom->eval->source ? each_name(atom, walk, known_in_range) : list_names(atom, walk);
}

/* ---- ranges of names ---- */

/* A name that looks like a range and is none. */
static int no_range(const struct atom *atom, const char *name, bool meant)
{
	if (atom->eval->source)
		return !meant && left_out(atom, name) ? 0 : not_valid(atom, name, "");
	if (meant || atom->glued || strchr(name, '+'))
		return not_valid(atom, name, "a range counts upwards from one name to another");
	return take_name(atom, name, strlen(name));
}

static int take_range(const struct atom *atom, const char *name, const char *separator)
{
	struct noderange_walk walk = {NULL};
	int r;

	switch (noderange_range(name, separator, &walk)) {
	case NODERANGE_IS_RANGE:
		r = take_walk(atom, &walk);
		break;
	case NODERANGE_IS_NAME:
		r = no_range(atom, name, false);
		break;
	case NODERANGE_IS_UNUSABLE:
		r = no_range(atom, name, true);
		break;
	default:
		r = not_valid(atom, name, "an end of the range is missing");
	}
	noderange_walk_done(&walk);
	return r;
}

static int take_plus(const struct atom *atom, const char *name)
{
	struct noderange_walk walk = {NULL};
	CLEANUP(freep) char *upto = NULL;
	int r;

	switch (noderange_range_plus(name, &walk, &upto)) {
	case NODERANGE_IS_RANGE:
		r = take_walk(atom, &walk);
		break;
	case NODERANGE_IS_UNUSABLE:
		r = noderange_too_many(atom->eval, atom->in, atom->at, atom->err);
		break;
	default:
		r = not_valid(
			atom, name, "NAME+N takes a name that ends in a number, and a number");
	}
	noderange_walk_done(&walk);
	return r;
}

/* ---- between brackets ---- */

static size_t separator_at(const char *p)
{
	if (*p == '-' || *p == ':')
		return 1;
	return p[0] == '.' && p[1] == '.' ? 2 : 0;
}

static bool has_separator(const char *name)
{
	while (*name && !separator_at(name))
		name++;
	return *name != '\0';
}

/* a-b or a-b-step, with any separators. A range of something else than numbers, or one that counts
 * down, is left as a text for what stands around the brackets. */
static int take_sequence(const struct atom *atom, const char *name, size_t len)
{
	struct noderange_walk walk = {NULL};
	struct noderange_slice pieces[3] = {{name, 0}};
	uint64_t step = 1;
	size_t n = 0;
	bool empty = false;
	int r;

	for (const char *p = name;; p++) {
		size_t width = *p ? separator_at(p) : 0;

		if (!width && *p)
			continue;
		pieces[n].len = (size_t)(p - pieces[n].at);
		empty |= !pieces[n++].len;
		if (!*p)
			break;
		if (n == 3 || empty)
			return noderange_fail(
				atom->in, atom->at, atom->err, "Invalid numeric sequence");
		p += width - 1;
		pieces[n].at = p + 1;
	}
	if (empty || (n == 3 && !all_digits(pieces[2])) ||
		(all_digits(pieces[0]) && is_digit(*pieces[1].at) && !all_digits(pieces[1])))
		return noderange_fail(atom->in, atom->at, atom->err, "Invalid numeric sequence");
	if (!all_digits(pieces[0]) || !all_digits(pieces[1]))
		return take_name(atom, name, len);
	if (n == 3) {
		step = 0;
		for (size_t i = 0; i < pieces[2].len; i++)
			step = MIN(
				step * 10 + (uint64_t)(pieces[2].at[i] - '0'), (uint64_t)1 << 50);
		if (!step)
			return noderange_fail(atom->in, atom->at, atom->err,
				"Invalid numeric sequence: a step of 0");
	}
	if (!noderange_walk_count(
		    &walk, pieces[0].at, pieces[0].len, pieces[1].at, pieces[1].len, step))
		return take_name(atom, name, len);
	r = list_names(atom, &walk);
	noderange_walk_done(&walk);
	return r;
}

/* ---- one name ---- */

static int take_one(const struct atom *atom, const char *name, size_t len)
{
	int r;

	if (atom->eval->numeric && has_separator(name))
		return take_sequence(atom, name, len);
	if (atom->eval->source) {
		r = take_known(atom, name);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (strchr(name, ':'))
		return take_range(atom, name, ":");
	if (strstr(name, ".."))
		return take_range(atom, name, "..");
	if (strchr(name, '-'))
		return take_range(atom, name, "-");
	if (strchr(name, '+'))
		return take_plus(atom, name);
	if (!atom->eval->source)
		return take_name(atom, name, len);
	if (left_out(atom, name))
		return 0;
	return noderange_not_recognized(atom->in, atom->at, name, len, atom->err);
}

/* A range of numbers that could not be written out: without a source nobody will refuse the name
 * that it would become. */
static int check_elements(const struct atom *atom, const struct noderange_list *list)
{
	for (size_t i = 0; !atom->eval->source && i < list->n; i++) {
		const char *name = noderange_list_name(list, i);

		if (has_separator(name) && name[strspn(name, "0123456789-:.")] == '\0')
			return not_valid(atom, name, "a range counts upwards");
	}
	return 0;
}

/* What is between the brackets at [from, end), as a part of the walk. */
static int add_bracket(
	const struct atom *atom, size_t from, size_t end, struct noderange_walk *walk)
{
	const char *text = atom->in->text;
	struct noderange_list list = {NULL};
	struct atom inner = *atom;
	int r;

	inner.at = from;
	if (noderange_walk_numbers(walk, text + from, end - from))
		return 0;
	r = noderange_eval_list(atom->eval, atom->in, from, end, &list, atom->err);
	if (r == 0)
		r = check_elements(&inner, &list);
	if (r == 0)
		noderange_walk_list(walk, &list);
	noderange_list_done(&list);
	return r;
}

/* Cuts the atom at its brackets; blanks are nowhere but between the pieces. */
static int cut(
	const struct atom *atom, const struct noderange_token *token, struct noderange_walk *walk)
{
	const char *text = atom->in->text;
	size_t at = token->at;

	while (at < token->end) {
		size_t from = at;
		int r;

		if (text[at] == '[') {
			at = (size_t)((const char *)memchr(text + at, ']', token->end - at) - text);
			r = add_bracket(atom, from + 1, at++, walk);
			if (r < 0)
				return r;
			continue;
		}
		while (at < token->end && !strchr(" \t\r\n[", text[at]))
			at++;
		noderange_walk_text(walk, text + from, at - from);
		while (at < token->end && strchr(" \t\r\n", text[at]))
			at++;
	}
	return 0;
}

/* Texts around brackets that can't make anything but names: no range needs to be looked for. */
static bool no_range_in(const struct noderange_walk *walk)
{
	for (size_t i = 0; i < walk->n; i++) {
		const struct noderange_part *part = &walk->parts[i];

		if (part->kind == PART_LIST)
			return false;
		for (size_t k = 0; part->kind == PART_TEXT && k < part->len; k++) {
			if (strchr("-:+.[]\"'", part->text[k]))
				return false;
		}
	}
	return true;
}

static int take_brackets(const struct atom *atom, const struct noderange_token *token)
{
	struct noderange_walk walk = {NULL};
	int r = cut(atom, token, &walk);

	if (r == 0 && !atom->eval->source && !atom->eval->numeric && no_range_in(&walk))
		r = list_names(atom, &walk);
	else if (r == 0)
		r = each_name(atom, &walk, take_one);
	noderange_walk_done(&walk);
	return r;
}

int noderange_eval_atom(struct noderange_eval *eval, const struct noderange_text *in,
	const struct noderange_token *token, const struct bitset *within, struct bitset *ret,
	struct err *err)
{
	struct atom atom = {eval, in, token->at, token->blanks, ret, err};
	const char *from = in->text + token->at;
	size_t len = token->end - token->at;
	char small[NODERANGE_NAME_MAX + 1], *name = small;
	int r;

	if (token->kind == NODERANGE_ATOM && noderange_is_filter(in, token))
		return noderange_eval_filter(eval, in, token, within, ret, err);
	if (token->kind == NODERANGE_ATOM && (token->brackets || token->blanks))
		return take_brackets(&atom, token);
	if (token->kind == NODERANGE_QUOTED && eval->source)
		return noderange_not_recognized(in, token->at, from, len, err);
	if (len > NODERANGE_NAME_MAX)
		name = xmalloc(len + 1);
	memcpy(name, from, len);
	name[len] = '\0';
	r = token->kind == NODERANGE_QUOTED ? take_name(&atom, name, len)
					    : take_one(&atom, name, len);
	if (name != small)
		free(name);
	return r;
}
