/*
 * A text is first read as a whole, so that bad syntax is told whatever the names are, and then worked
 * through from left to right: each operand is a bitmap, each operator an operation on the set so far.
 * Dynamic groups are evaluated where they are met, once per request.
 *
 * What can go wrong: the text (told with its place), names and attributes that are not there, groups
 * that refer to themselves, and ceilings: depth, names, work.
 */
#include "config.h"
#include "model/noderange.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"
#include "model/noderange_eval.h"

/* Some 50 ms: a few dozen regular expressions over 20,000 nodes. */
#define WORK_MAX ((uint64_t)1 << 25)

int noderange_not_recognized(
	const struct noderange_text *in, size_t at, const char *what, size_t len, struct err *err)
{
	char shown[TEXT_PRINTABLE_MAX];

	return noderange_fail(in, at, err, "%s not a recognized node, group, or alias",
		text_printable(what, len, shown));
}

int noderange_too_many(const struct noderange_eval *eval, const struct noderange_text *in,
	size_t at, struct err *err)
{
	return noderange_fail(in, at, err,
		"Noderange stands for too many names (more than %zu, or too long ones)",
		eval->budget->names_max);
}

static int too_deep(const struct noderange_text *in, size_t at, struct err *err)
{
	return noderange_fail(in, at, err,
		"Noderange is nested deeper than %d (parentheses, brackets and groups)",
		NODERANGE_DEPTH_MAX);
}

/* ---- syntax ---- */

/* What was read on one level of parentheses. */
struct level {
	bool operand, sign;
	size_t at; /* the first operator, or where the level begins */
};

static int close_level(const struct noderange_text *in, const struct level *level, size_t from,
	size_t end, bool outermost, struct err *err)
{
	if (level->operand)
		return 0;
	if (!level->sign)
		return noderange_fail(in, level->at, err, "Invalid syntax: an empty noderange");
	if (outermost)
		return noderange_not_recognized(in, from, in->text + from, end - from, err);
	return noderange_fail(in, level->at, err, "Invalid syntax: an operator without operands");
}

static int check_token(const struct noderange_text *in, const struct noderange_token *token,
	struct level *levels, unsigned *depth, struct err *err)
{
	struct level *level = &levels[*depth];

	switch (token->kind) {
	case NODERANGE_UNITE:
	case NODERANGE_REMOVE:
	case NODERANGE_INTERSECT:
		if (!level->sign && !level->operand)
			level->at = token->at;
		level->sign = true;
		return 0;
	case NODERANGE_CLOSE:
		if (!*depth)
			return noderange_fail(in, token->at, err, "Invalid syntax: unexpected ')'");
		--*depth;
		return close_level(in, level, 0, 0, false, err);
	default:
		if (level->sign && !level->operand)
			return noderange_fail(in, level->at, err,
				"Invalid syntax: nothing stands before the operator");
		level->operand = true;
		if (token->kind != NODERANGE_OPEN)
			return 0;
		if (++*depth == NODERANGE_DEPTH_MAX)
			return too_deep(in, token->at, err);
		levels[*depth] = (struct level){.at = token->at};
		return 0;
	}
}

static int check_syntax(const struct noderange_text *in, size_t from, size_t end, struct err *err)
{
	struct noderange_lexer lexer = {in, from, end};
	struct level levels[NODERANGE_DEPTH_MAX] = {{.at = from}};
	struct noderange_token token;
	unsigned depth = 0;
	int r;

	for (;;) {
		r = noderange_lex(&lexer, &token, err);
		if (r < 0)
			return r;
		if (token.kind == NODERANGE_END)
			break;
		r = check_token(in, &token, levels, &depth, err);
		if (r < 0)
			return r;
	}
	if (depth)
		return noderange_fail(
			in, levels[depth].at, err, "Invalid syntax: a '(' without its ')'");
	return close_level(in, &levels[0], from, end, true, err);
}

/* ---- paging ---- */

struct paging {
	size_t skip, limit;
	bool used;
};

/* Keeps the names that the page shows. They are written to the list again, in natural order, so that
 * their numbers tell it. */
static void page_list(struct noderange_eval *eval, const struct paging *paging, struct bitset *set)
{
	struct noderange_list sorted = {NULL};
	size_t n = bitset_count(set), k = 0;
	const char **names = xcalloc(n + 1, sizeof(*names));
	uint32_t it;

	bitset_foreach(it, set) names[k++] = noderange_list_name(eval->list, it);
	natsort_sort(names, n);
	bitset_reset(set);
	for (size_t i = MIN(paging->skip, n); i < n && i - paging->skip < paging->limit; i++) {
		/* It came out of a list with the same ceiling. */
		if (noderange_list_append(&sorted, names[i], strlen(names[i])) < 0)
			abort();
		bitset_add(set, (uint32_t)sorted.n - 1);
	}
	free(names);
	noderange_list_done(eval->list);
	*eval->list = sorted;
}

static void page_nodes(
	const struct noderange_source *source, const struct paging *paging, struct bitset *set)
{
	const uint32_t *ranks = source->ranks(source->arg);
	CLEANUP(bitset_done) struct bitset places = BITSET_INIT;
	uint32_t *nodes;
	uint32_t it, most = 0;
	size_t nth = 0;

	bitset_foreach(it, set) most = MAX(most, ranks[it]);
	nodes = xcalloc((size_t)most + 1, sizeof(*nodes));
	bitset_foreach(it, set)
	{
		nodes[ranks[it]] = it;
		bitset_add(&places, ranks[it]);
	}
	bitset_reset(set);
	bitset_foreach(it, &places)
	{
		if (nth >= paging->skip && nth - paging->skip < paging->limit)
			bitset_add(set, nodes[it]);
		nth++;
	}
	free(nodes);
}

/* ---- operators ---- */

struct run {
	struct noderange_eval *eval;
	const struct noderange_text *in;
	struct noderange_lexer lexer;
	struct paging paging;
	struct err *err;
};

static int eval_level(struct run *run, struct bitset *ret);

static int eval_operand(struct run *run, const struct noderange_token *token,
	const struct bitset *within, struct bitset *ret)
{
	int r;

	switch (token->kind) {
	case NODERANGE_OPEN:
		if (run->eval->budget->depth >= NODERANGE_DEPTH_MAX)
			return too_deep(run->in, token->at, run->err);
		run->eval->budget->depth++;
		r = eval_level(run, ret);
		run->eval->budget->depth--;
		return r;
	case NODERANGE_SKIP:
	case NODERANGE_LIMIT:
		run->paging.used = true;
		if (token->kind == NODERANGE_SKIP)
			run->paging.skip = token->number;
		else
			run->paging.limit = token->number;
		return 0;
	default:
		return noderange_eval_atom(run->eval, run->in, token, within, ret, run->err);
	}
}

static void combine(enum noderange_token_kind op, struct bitset *set, const struct bitset *with)
{
	if (op == NODERANGE_UNITE)
		bitset_unite(set, with);
	else if (op == NODERANGE_REMOVE)
		bitset_subtract(set, with);
	else
		bitset_intersect(set, with);
}

/* Up to the ')' or the end. The syntax has been checked. */
static int eval_level(struct run *run, struct bitset *ret)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT, operand = BITSET_INIT;
	enum noderange_token_kind op = NODERANGE_UNITE;
	struct noderange_token token;
	int r;

	for (;;) {
		r = noderange_lex(&run->lexer, &token, run->err);
		if (r < 0)
			return r;
		switch (token.kind) {
		case NODERANGE_END:
		case NODERANGE_CLOSE:
			bitset_unite(ret, &set);
			return 0;
		case NODERANGE_UNITE:
		case NODERANGE_REMOVE:
		case NODERANGE_INTERSECT:
			op = token.kind;
			continue;
		default:
			break;
		}
		if (op == NODERANGE_UNITE && token.kind == NODERANGE_ATOM) {
			r = eval_operand(run, &token, NULL, &set);
		} else {
			bitset_reset(&operand);
			r = eval_operand(
				run, &token, op == NODERANGE_UNITE ? NULL : &set, &operand);
			combine(op, &set, &operand);
		}
		if (r < 0)
			return r;
	}
}

/* A text that begins with a page shows a page of all nodes, whatever else is named in it. */
static int eval_all(struct run *run, size_t from, struct bitset *ret)
{
	struct noderange_lexer lexer = {run->in, from, run->lexer.end};
	const struct noderange_source *source = run->eval->source;
	struct noderange_token first;
	int r = noderange_lex(&lexer, &first, run->err);

	if (r < 0 || (first.kind != NODERANGE_SKIP && first.kind != NODERANGE_LIMIT))
		return r;
	if (!source)
		return noderange_fail(run->in, first.at, run->err, NODERANGE_NO_NODES);
	bitset_copy(ret, source->all(source->arg));
	return 0;
}

int noderange_eval_part(struct noderange_eval *eval, const struct noderange_text *in, size_t from,
	size_t end, struct bitset *ret, struct err *err)
{
	struct run run = {eval, in, {in, from, end}, {0, SIZE_MAX, false}, err};
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	int r;

	if (eval->budget->depth >= NODERANGE_DEPTH_MAX)
		return too_deep(in, from, err);
	r = check_syntax(in, from, end, err);
	if (r < 0)
		return r;
	eval->budget->depth++;
	r = eval_level(&run, &set);
	if (r == 0)
		r = eval_all(&run, from, &set);
	eval->budget->depth--;
	if (r < 0)
		return r;
	if (run.paging.used && eval->source)
		page_nodes(eval->source, &run.paging, &set);
	else if (run.paging.used)
		page_list(eval, &run.paging, &set);
	bitset_unite(ret, &set);
	return 0;
}

/* ---- dynamic groups ---- */

struct dynamic {
	struct bitset members;
	bool done;
};

struct noderange_groups {
	struct noderange_list names;
	struct dynamic *at; /* by number of the name */
	size_t n;
	uint32_t *chain; /* those under way, the outermost first */
	size_t depth;
};

static void groups_done(struct noderange_groups *groups)
{
	for (size_t i = 0; i < groups->n; i++)
		bitset_done(&groups->at[i].members);
	free(groups->at);
	free(groups->chain);
	noderange_list_done(&groups->names);
}

/* "a -> b -> a", and "..." where it is long. */
static int refers_to_itself(const struct noderange_groups *groups, uint32_t group,
	const struct noderange_text *in, size_t at, struct err *err)
{
	const char *name = noderange_list_name(&groups->names, group);
	CLEANUP(buf_done) struct buf chain = BUF_INIT(ERR_TEXT_MAX / 4);
	size_t from = groups->depth;
	bool fits = true;

	while (groups->chain[from - 1] != group)
		from--;
	if (from == groups->depth)
		return noderange_fail(in, at, err, "group %s refers to itself", name);
	for (size_t i = from - 1; fits && i < groups->depth; i++)
		fits = buf_printf(&chain, "%s -> ",
			       noderange_list_name(&groups->names, groups->chain[i])) == 0;
	return noderange_fail(in, at, err, "group %s refers to itself: %s%s%s", name,
		buf_cstr(&chain), fits ? "" : "... -> ", name);
}

static int eval_dynamic(struct noderange_eval *eval, uint32_t number, const char *text,
	struct bitset *members, struct err *err)
{
	struct noderange_groups *groups = eval->groups;
	CLEANUP(freep) char *name = xstrdup(noderange_list_name(&groups->names, number));
	struct noderange_text in = {text, strlen(text), name};
	int r;

	if (in.len > NODERANGE_TEXT_MAX)
		return noderange_fail(&in, 0, err, "Noderange is too long (at most %zu bytes)",
			NODERANGE_TEXT_MAX);
	groups->chain = xrealloc(groups->chain, groups->depth + 1, sizeof(*groups->chain));
	groups->chain[groups->depth++] = number;
	r = noderange_eval_part(eval, &in, 0, in.len, members, err);
	groups->depth--;
	return r;
}

int noderange_eval_group(struct noderange_eval *eval, const struct noderange_text *in, size_t at,
	const char *name, struct bitset *ret, struct err *err)
{
	const struct noderange_source *source = eval->source;
	struct noderange_groups *groups = eval->groups;
	CLEANUP(bitset_done) struct bitset members = BITSET_INIT;
	const char *text = "";
	uint32_t number;
	int r;

	if (!source->group(source->arg, name, &members, &text))
		return 0;
	bitset_unite(ret, &members);
	if (!*text)
		return 1;
	if (noderange_list_add(&groups->names, name, strlen(name), &number) < 0)
		return noderange_too_many(eval, in, at, err);
	if (number == groups->n) {
		if ((groups->n & (groups->n - 1)) == 0)
			groups->at = xrealloc(
				groups->at, groups->n ? 2 * groups->n : 1, sizeof(*groups->at));
		groups->at[groups->n++] = (struct dynamic){BITSET_INIT, false};
	} else if (!groups->at[number].done) {
		return refers_to_itself(groups, number, in, at, err);
	}
	if (!groups->at[number].done) {
		r = eval_dynamic(eval, number, text, &members, err);
		if (r < 0)
			return r;
		bitset_unite(&groups->at[number].members, &members);
		groups->at[number].done = true;
	}
	bitset_unite(ret, &groups->at[number].members);
	return 1;
}

/* ---- the ways in ---- */

int noderange_eval_list(struct noderange_eval *eval, const struct noderange_text *in, size_t from,
	size_t end, struct noderange_list *ret, struct err *err)
{
	struct noderange_list list = {NULL};
	struct noderange_eval inner = {.list = &list,
		.numeric = true,
		.budget = eval->budget,
		.names = &eval->budget->bracketed};
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	uint32_t it;
	int r = noderange_eval_part(&inner, in, from, end, &set, err);

	bitset_foreach(it, &set)
	{
		const char *name = noderange_list_name(&list, it);

		if (r == 0 && noderange_list_append(ret, name, strlen(name)) < 0)
			r = noderange_too_many(eval, in, from, err);
	}
	noderange_list_done(&list);
	noderange_list_done(&inner.heads);
	return r;
}

static int check_length(const struct noderange_text *in, struct err *err)
{
	if (in->len > NODERANGE_TEXT_MAX)
		return err_set(err, -EINVAL, "Noderange is too long (%zu bytes, at most %zu)",
			in->len, NODERANGE_TEXT_MAX);
	return 0;
}

int noderange_evaluate(const struct noderange_source *source, const char *text, struct bitset *ret,
	struct err *err)
{
	const struct noderange_text in = {text, strlen(text), NULL};
	size_t names = source->names_max ? source->names_max : NODERANGE_NAMES_MAX;
	struct noderange_budget budget = {
		names, names, names, source->work_max ? source->work_max : WORK_MAX, 0};
	struct noderange_groups groups = {.n = 0};
	struct noderange_eval eval = {
		.source = source, .budget = &budget, .names = &budget.names, .groups = &groups};
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	int r = check_length(&in, err);

	if (r == 0)
		r = noderange_eval_part(&eval, &in, 0, in.len, &set, err);
	groups_done(&groups);
	if (r == 0)
		bitset_copy(ret, &set);
	return r;
}

void noderange_names_done(struct noderange_names *names)
{
	free(names->at);
	free(names->pool);
	*names = (struct noderange_names){NULL, 0, NULL};
}

int noderange_expand(const char *text, struct noderange_names *ret, struct err *err)
{
	const struct noderange_text in = {text, strlen(text), NULL};
	struct noderange_budget budget = {
		NODERANGE_NAMES_MAX, NODERANGE_NAMES_MAX, NODERANGE_NAMES_MAX, WORK_MAX, 0};
	struct noderange_list list = {NULL};
	struct noderange_eval eval = {.list = &list, .budget = &budget, .names = &budget.names};
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	size_t n = 0;
	uint32_t it;
	int r = check_length(&in, err);

	if (r == 0)
		r = noderange_eval_part(&eval, &in, 0, in.len, &set, err);
	if (r == 0) {
		ret->at = xcalloc(bitset_count(&set) + 1, sizeof(*ret->at));
		bitset_foreach(it, &set) ret->at[n++] = list.pool + list.at[it];
		ret->n = n;
		ret->pool = TAKE(list.pool);
	}
	noderange_list_done(&list);
	noderange_list_done(&eval.heads);
	return r;
}
