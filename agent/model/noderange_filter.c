/*
 * Regular expressions over names (~r, /r) and attribute filters (a=v, a==v, a!=v, a=~r, a!~r): tests
 * of one node after the other. What they cost is counted, so that a text of many of them ends.
 *
 * A filter looks at the values that its name, maybe with '*' in it, has on the node; where there is
 * none but empty ones, at the empty text. '=' and '=~' hold when one value passes, '!=' and '!~' when
 * none does what '=' and '=~' ask for.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/noderange_eval.h"
#include "model/regex.h"

/* As against looking at one byte: */
#define WORK_OF_A_VALUE	     16 /* to find it */
#define WORK_OF_A_COMPARISON 4	/* of a regular expression */

struct filter {
	char *name; /* NULL: the name of the node is tested */
	char *value;
	struct regex *regex; /* NULL: equality */
	bool negated;
	bool seen; /* while a node is tested: there was a value that is not empty */
	uint64_t spent;
};

static void filter_done(struct filter *filter)
{
	free(filter->name);
	free(filter->value);
	regex_free(filter->regex);
}

static bool is_regex(const struct noderange_text *in, const struct noderange_token *token)
{
	return in->text[token->at] == '~' || in->text[token->at] == '/';
}

static bool has(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what)) != NULL;
}

bool noderange_is_filter(const struct noderange_text *in, const struct noderange_token *token)
{
	const char *word = in->text + token->at;
	size_t len = token->word_end - token->at;

	return is_regex(in, token) || has(word, len, "=") || has(word, len, "!~");
}

/* ---- reading ---- */

static int make_regex(struct filter *filter, const struct noderange_text *in, size_t at,
	const char *expression, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];
	struct err why = {""};

	if (regex_new(&filter->regex, expression, strlen(expression), &why) < 0)
		return noderange_fail(in, at, err, "Invalid regular expression '%s': %s",
			text_printable(expression, strlen(expression), shown), why.text);
	return 0;
}

static int read_filter(struct filter *filter, const struct noderange_source *source,
	const struct noderange_text *in, const struct noderange_token *token, const char *text,
	struct err *err)
{
	static const char *const operators[] = {"==", "!=", "=~", "!~", "="};
	char shown[TEXT_PRINTABLE_MAX];
	const char *found = NULL;
	struct err why = {""};
	size_t i = 0;

	while (!found) {
		found = strstr(text, operators[i]);
		i += !found;
	}
	filter->name = xstrndup(text, (size_t)(found - text));
	filter->value = xstrdup(found + strlen(operators[i]));
	filter->negated = *found == '!';
	if (strstr(filter->value, operators[i]))
		return noderange_fail(in, token->at, err,
			"Invalid syntax: a second '%s' in %s (write NAME==VALUE where the value "
			"has "
			"a '=')",
			operators[i], text_printable(text, strlen(text), shown));
	if (source->may_filter(source->arg, filter->name, &why) < 0)
		return noderange_fail(in, token->at, err, "%s", why.text);
	if (!strchr(operators[i], '~'))
		return 0;
	return make_regex(filter, in, token->at, filter->value, err);
}

/* ---- testing ---- */

static bool passes(struct filter *filter, const char *value)
{
	uint64_t comparisons = 0;
	bool found;

	if (!filter->regex)
		return strcmp(value, filter->value) == 0;
	found = regex_search(filter->regex, value, strlen(value), &comparisons);
	filter->spent += comparisons * WORK_OF_A_COMPARISON;
	return found;
}

static bool test_value(const char *value, void *arg)
{
	struct filter *filter = arg;

	filter->spent += WORK_OF_A_VALUE;
	filter->seen |= *value != '\0';
	return *value && passes(filter, value);
}

static bool test(struct filter *filter, const struct noderange_source *source, uint32_t node)
{
	bool found;

	if (!filter->name)
		return passes(filter, source->name(source->arg, node));
	filter->seen = false;
	filter->spent += WORK_OF_A_VALUE;
	found = source->some_value(
		source->arg, node, filter->name, test_value, filter, &filter->spent);
	if (!found && !filter->seen)
		found = passes(filter, "");
	return found != filter->negated;
}

static int test_all(struct noderange_eval *eval, struct filter *filter,
	const struct noderange_text *in, size_t at, const struct bitset *within, struct bitset *ret,
	struct err *err)
{
	const struct noderange_source *source = eval->source;
	const struct bitset *all = source->all(source->arg);
	uint32_t node;

	bitset_foreach(node, within ? within : all)
	{
		if (test(filter, source, node))
			bitset_add(ret, node);
		if (filter->spent > eval->budget->work)
			return noderange_fail(in, at, err,
				"Noderange takes too long to work out: write fewer expressions and "
				"filters, or '@' them with a smaller set first");
	}
	eval->budget->work -= filter->spent;
	return 0;
}

int noderange_eval_filter(struct noderange_eval *eval, const struct noderange_text *in,
	const struct noderange_token *token, const struct bitset *within, struct bitset *ret,
	struct err *err)
{
	struct filter filter = {NULL};
	CLEANUP(freep) char *text = xstrndup(in->text + token->at, token->end - token->at);
	int r;

	if (eval->numeric)
		return noderange_fail(in, token->at, err, "%s",
			is_regex(in, token)
				? "Regular expression not supported within \"[]\""
				: "Equality/Inequality operators (=, !=, =~, !~) are invalid "
				  "within \"[]\"");
	if (!eval->source)
		return noderange_fail(in, token->at, err, NODERANGE_NO_NODES);
	if (token->blanks)
		return noderange_fail(in, token->at, err,
			"Invalid syntax: white space in a regular expression or attribute filter");
	if (is_regex(in, token) && token->end < in->len && in->text[token->end] == '(')
		return noderange_fail(in, token->end, err,
			"Invalid syntax: unexpected '(' in a regular expression");
	r = is_regex(in, token) ? make_regex(&filter, in, token->at, text + 1, err)
				: read_filter(&filter, eval->source, in, token, text, err);
	if (r == 0)
		r = test_all(eval, &filter, in, token->at, within, ret, err);
	filter_done(&filter);
	return r;
}
