/*
 * A parser that computes as it reads: operators by precedence, each level deeper one call deeper, at
 * most DEPTH_MAX of them. What is wrong first, in order of reading, is what is reported.
 *
 * Texts with a capital letter are those of upstream, which operators know and search for.
 */
#include "config.h"
#include "model/expression_field.h"

#include <errno.h>
#include <string.h>

#include "model/expression_token.h"

#define DEPTH_MAX 40
/* What a token costs beyond its characters. */
#define TOKEN_WORK 8

struct parser {
	struct expr_run *run;
	const char *at, *end;
	struct expr_token token; /* the next one */
	unsigned depth;
};

static const struct infix {
	const char *word;
	unsigned level; /* binds tighter with larger ones */
	char op;	/* for expr_value_binary(); '\0': refused */
} infixes[] = {
	{"|", 1, '|'},
	{"^", 2, '^'},
	{"&", 3, '&'},
	{"<<", 4, '<'},
	{">>", 4, '>'},
	{"+", 5, '+'},
	{"-", 5, '-'},
	{"*", 6, '*'},
	{"/", 6, '/'},
	{"%", 6, '%'},
	{"//", 6, '\0'},
	{"@", 6, '\0'},
	{"**", 6, '\0'},
};

static int parse_infix(struct parser *p, unsigned level, struct expr_value *ret);

static int advance(struct parser *p)
{
	const char *why = "";

	if (expr_token_next(&p->at, p->end, &p->token, &why) < 0)
		return expr_run_broken(p->run, "%s", why);
	return expr_run_charge(p->run, TOKEN_WORK + p->token.len);
}

static bool is_operator(const struct parser *p, const char *word)
{
	return p->token.kind == EXPR_TOKEN_OPERATOR && expr_token_is(&p->token, word);
}

static int says(struct parser *p, const char *text)
{
	return err_set(p->run->err, -EINVAL, "%s", text);
}

static bool any_of(const struct expr_token *token, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (expr_token_is(token, words[i]))
			return true;
	return false;
}

/* The token can't follow what was read. */
static int unexpected(struct parser *p)
{
	static const char *const words[] = {"and", "or", "if", "in", "is", "not", "for"};
	static const char *const marks[] = {"<", ">", "<=", ">=", "==", "!=", ","};
	char shown[EXPR_TEXT_SHOWN];

	if (p->token.kind == EXPR_TOKEN_END)
		return expr_run_broken(p->run, "it ends too early");
	if ((p->token.kind == EXPR_TOKEN_NAME && any_of(&p->token, words, ARRAY_SIZE(words))) ||
		(p->token.kind == EXPR_TOKEN_OPERATOR &&
			any_of(&p->token, marks, ARRAY_SIZE(marks))))
		return says(p, "Unrecognized expression syntax");
	return expr_run_broken(
		p->run, "unexpected '%s'", expr_text_show(p->token.s, p->token.len, shown));
}

static int expect(struct parser *p, const char *word)
{
	return is_operator(p, word) ? advance(p) : unexpected(p);
}

/* ---- functions, characters ---- */

/* From behind the name of the function to behind the closing parenthesis. */
static int parse_call(struct parser *p, const struct expr_function *function, struct expr_value *v)
{
	struct expr_value args[EXPR_ARGS_MAX] = {EXPR_VALUE_INIT, EXPR_VALUE_INIT};
	struct expr_value surplus = EXPR_VALUE_INIT;
	size_t count = 0;
	int rc = expect(p, "(");

	while (rc == 0 && !is_operator(p, ")")) {
		rc = parse_infix(p, 1, count < EXPR_ARGS_MAX ? &args[count] : &surplus);
		count++;
		if (rc == 0 && !is_operator(p, ")"))
			rc = expect(p, ",");
	}
	if (rc == 0)
		rc = advance(p);
	if (rc == 0)
		rc = expr_function_call(p->run, function, v, args, count);
	expr_value_done(&args[0]);
	expr_value_done(&args[1]);
	expr_value_done(&surplus);
	return rc;
}

static int parse_method(struct parser *p, const struct expr_token *name, struct expr_value *v)
{
	const struct expr_function *function = expr_function_find(name->s, name->len);

	if (!function)
		return says(p, "Unsupported function in expression");
	return parse_call(p, function, v);
}

/* A bound of a slice, or nothing. */
static int parse_bound(struct parser *p, struct expr_value *v, int64_t *ret, bool *ret_given)
{
	int rc;

	*ret_given = !is_operator(p, ":") && !is_operator(p, "]");
	if (!*ret_given)
		return 0;
	rc = parse_infix(p, 1, v);
	return rc == 0 ? expr_value_count(p->run, v, ret) : rc;
}

/* From behind the opening bracket. */
static int parse_brackets(struct parser *p, struct expr_value *v)
{
	struct expr_slice slice = {.step = 1};
	struct expr_value i = EXPR_VALUE_INIT;
	bool has_step;
	int rc = parse_bound(p, &i, &slice.from, &slice.has_from);

	if (rc == 0 && slice.has_from && is_operator(p, "]")) {
		rc = expr_value_index(p->run, v, &i);
	} else if (rc == 0) {
		rc = expect(p, ":");
		if (rc == 0)
			rc = parse_bound(p, &i, &slice.to, &slice.has_to);
		if (rc == 0 && is_operator(p, ":")) {
			rc = advance(p);
			if (rc == 0)
				rc = parse_bound(p, &i, &slice.step, &has_step);
		}
		if (rc == 0 && !is_operator(p, "]"))
			rc = unexpected(p);
		if (rc == 0)
			rc = expr_value_slice(p->run, v, &slice);
	}
	expr_value_done(&i);
	return rc == 0 ? advance(p) : rc;
}

static int parse_suffixes(struct parser *p, struct expr_value *v)
{
	int rc = 0;

	while (rc == 0) {
		if (is_operator(p, "[")) {
			rc = advance(p);
			if (rc == 0)
				rc = parse_brackets(p, v);
		} else if (is_operator(p, ".")) {
			struct expr_token name;

			rc = advance(p);
			if (rc == 0 && p->token.kind != EXPR_TOKEN_NAME)
				return unexpected(p);
			name = p->token;
			if (rc == 0)
				rc = advance(p);
			if (rc == 0 && !is_operator(p, "("))
				return says(p, "Invalid AST structure: expected ast.Name at end of "
					       "attribute chain");
			if (rc == 0)
				rc = parse_method(p, &name, v);
		} else if (is_operator(p, "(")) {
			return says(p, "Invalid function call syntax in expression");
		} else {
			return 0;
		}
	}
	return rc;
}

/* ---- what stands alone ---- */

static int add_name(struct parser *p, const struct expr_token *name, struct buf *chain)
{
	int rc = chain->len ? buf_str(chain, ".") : 0;

	if (rc == 0)
		rc = buf_add(chain, name->s, name->len);
	if (rc < 0)
		return expr_run_broken(p->run, "a name of an attribute is longer than %d bytes",
			ATTRIBUTE_NAME_MAX);
	return 0;
}

/* Names with dots between them, of which the last one is a function where a parenthesis follows. */
static int parse_chain(struct parser *p, struct expr_value *ret)
{
	struct buf chain = BUF_INIT(ATTRIBUTE_NAME_MAX);
	struct expr_token name = p->token;
	int rc = advance(p);

	if (rc == 0 && p->token.kind == EXPR_TOKEN_TEXT && p->token.s == name.s + name.len)
		rc = says(p, "Unrecognized expression syntax");
	else if (rc == 0 && is_operator(p, "("))
		rc = says(p, "Invalid function call syntax in expression");
	while (rc == 0 && !is_operator(p, "(")) {
		rc = add_name(p, &name, &chain);
		if (rc < 0 || !is_operator(p, "."))
			break;
		rc = advance(p);
		if (rc == 0 && p->token.kind != EXPR_TOKEN_NAME)
			rc = unexpected(p);
		name = p->token;
		if (rc == 0)
			rc = advance(p);
	}
	if (rc == 0 && is_operator(p, "(") && !expr_function_find(name.s, name.len))
		rc = says(p, "Unsupported function in expression");
	if (rc == 0)
		rc = expr_value_lookup(p->run, buf_cstr(&chain), ret);
	buf_done(&chain);
	if (rc == 0 && is_operator(p, "("))
		rc = parse_method(p, &name, ret);
	return rc;
}

static int parse_name(struct parser *p, struct expr_value *ret)
{
	static const char *const refused[] = {"lambda", "await", "yield"};

	if (expr_token_is(&p->token, "not"))
		return says(p, "Invalid operation in expression");
	if (any_of(&p->token, refused, ARRAY_SIZE(refused)))
		return says(p, "Unrecognized expression syntax");
	return parse_chain(p, ret);
}

static int parse_number(struct parser *p, struct expr_value *ret)
{
	char shown[EXPR_TEXT_SHOWN];
	bool fraction;
	int rc = expr_run_charge(p->run, 8 * p->token.len);

	if (rc == 0)
		rc = expr_token_number(&p->token, &ret->number, &fraction);
	else
		return rc;
	if (rc == -ERANGE)
		return expr_run_broken(p->run, "a number needs more than %d bits", EXPR_INT_BITS);
	if (rc < 0)
		return expr_run_broken(p->run,
			"'%s' is not a number (0x, 0o and 0b begin those of other "
			"bases, 0 alone does not)",
			expr_text_show(p->token.s, p->token.len, shown));
	ret->kind = fraction ? EXPR_FRACTION : EXPR_INT;
	return advance(p);
}

static int parse_text(struct parser *p, struct expr_value *ret)
{
	int rc;

	ret->kind = EXPR_TEXT;
	buf_reset(&ret->text);
	rc = expr_token_text(&p->token, &ret->text);
	if (rc < 0)
		return expr_run_broken(p->run,
			rc == -EMSGSIZE
				? "a text is too long"
				: "\\x takes two hexadecimal digits, \\u four, and they must be a "
				  "character");
	return advance(p);
}

static int parse_primary(struct parser *p, struct expr_value *ret)
{
	int rc;

	switch (p->token.kind) {
	case EXPR_TOKEN_NAME:
		return parse_name(p, ret);
	case EXPR_TOKEN_NUMBER:
		return parse_number(p, ret);
	case EXPR_TOKEN_TEXT:
		return parse_text(p, ret);
	default:
		break;
	}
	if (is_operator(p, "+") || is_operator(p, "~"))
		return says(p, "Invalid operation in expression");
	if (is_operator(p, "[") || is_operator(p, "*"))
		return says(p, "Unrecognized expression syntax");
	rc = expect(p, "(");
	if (rc == 0 && is_operator(p, ")"))
		return says(p, "Unrecognized expression syntax");
	if (rc == 0)
		rc = parse_infix(p, 1, ret);
	return rc == 0 ? expect(p, ")") : rc;
}

/* ---- operators ---- */

static int parse_unary(struct parser *p, struct expr_value *ret)
{
	bool minus = false;
	bool negative = false;
	int rc = 0;

	for (; rc == 0 && is_operator(p, "-"); negative = !negative) {
		minus = true;
		rc = advance(p);
	}
	if (rc == 0)
		rc = parse_primary(p, ret);
	if (rc == 0)
		rc = parse_suffixes(p, ret);
	if (rc == 0 && minus)
		rc = expr_value_negate(p->run, ret);
	if (rc == 0 && minus && !negative)
		rc = expr_value_negate(p->run, ret);
	return rc;
}

static const struct infix *find_infix(const struct parser *p)
{
	for (size_t i = 0; p->token.kind == EXPR_TOKEN_OPERATOR && i < ARRAY_SIZE(infixes); i++)
		if (expr_token_is(&p->token, infixes[i].word))
			return &infixes[i];
	return NULL;
}

static int parse_infix(struct parser *p, unsigned level, struct expr_value *ret)
{
	const struct infix *infix;
	int rc;

	if (p->depth >= DEPTH_MAX)
		return expr_run_broken(p->run, "it is nested too deeply");
	p->depth++;
	rc = parse_unary(p, ret);
	while (rc == 0 && (infix = find_infix(p)) && infix->level >= level) {
		struct expr_value right = EXPR_VALUE_INIT;

		if (!infix->op)
			return says(p, "Unsupported operation");
		rc = advance(p);
		if (rc == 0)
			rc = parse_infix(p, infix->level + 1, &right);
		if (rc == 0)
			rc = expr_value_binary(p->run, ret, infix->op, &right);
		expr_value_done(&right);
	}
	p->depth--;
	return rc;
}

int expr_field_evaluate(struct expr_run *run, struct expr_value *ret)
{
	struct parser p = {.run = run, .at = run->field, .end = run->field + run->field_len};
	int rc;

	if (run->field_len == 0)
		return expr_run_broken(run, "the field is empty");
	if (strchr(" \t\r\n\f", run->field[0]))
		return expr_run_broken(run, "a blank follows the brace");
	rc = advance(&p);
	if (rc == 0)
		rc = parse_infix(&p, 1, ret);
	if (rc == 0 && p.token.kind != EXPR_TOKEN_END)
		rc = unexpected(&p);
	return rc;
}
