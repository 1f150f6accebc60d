/*
 * struct noderange_eval: what the parts of an evaluation share; private to model/noderange*.
 *
 * noderange.c works through operators and groups, noderange_atom.c through brackets and ranges,
 * noderange_filter.c through expressions and attribute filters. Without a source, a set is one of
 * numbers in `list`, which takes every name that is asked for.
 */
#ifndef MODEL_NODERANGE_EVAL_H
#define MODEL_NODERANGE_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/err.h"
#include "model/noderange.h"
#include "model/noderange_lex.h"
#include "model/noderange_list.h"

/* What needs nodes that are there, where names are written out for nodes that are to be made. */
#define NODERANGE_NO_NODES                                                                         \
	"Verification configmanager required: new nodes are named, and can't be chosen by what "   \
	"they are or have"

/* What one request may cost, dynamic groups and brackets included. */
struct noderange_budget {
	size_t names;	  /* names still to be made */
	size_t bracketed; /* the same for what stands between brackets */
	size_t names_max; /* what both began with */
	uint64_t work;	  /* comparisons of values still to be done */
	unsigned depth;
};

struct noderange_groups;

struct noderange_eval {
	const struct noderange_source *source; /* NULL: names are only written out */
	struct noderange_list *list;	       /* without a source: the names */
	struct noderange_list heads;	       /* what they have in front of their first digit */
	bool headless;			       /* there may be others */
	bool numeric;			       /* this is what stands between brackets */
	struct noderange_budget *budget;
	size_t *names;			 /* which of the budget's counts */
	struct noderange_groups *groups; /* dynamic groups that were met; NULL without a source */
};

/* An operand: which nodes it is, is added to ret. `within`: only these matter to the caller (NULL:
 * all), which makes tests of single nodes cheaper. */
int noderange_eval_atom(struct noderange_eval *eval, const struct noderange_text *in,
	const struct noderange_token *token, const struct bitset *within, struct bitset *ret,
	struct err *err);
int noderange_eval_filter(struct noderange_eval *eval, const struct noderange_text *in,
	const struct noderange_token *token, const struct bitset *within, struct bitset *ret,
	struct err *err);
/* Is the atom for noderange_eval_filter()? */
bool noderange_is_filter(const struct noderange_text *in, const struct noderange_token *token);

/* Adds what lies in [from, end) of the text, a noderange of its own. */
int noderange_eval_part(struct noderange_eval *eval, const struct noderange_text *in, size_t from,
	size_t end, struct bitset *ret, struct err *err);
/* Adds the members of the group of that name. 0: there is none, 1: done. */
int noderange_eval_group(struct noderange_eval *eval, const struct noderange_text *in, size_t at,
	const char *name, struct bitset *ret, struct err *err);
/* Between brackets: the names of the part, in order. */
int noderange_eval_list(struct noderange_eval *eval, const struct noderange_text *in, size_t from,
	size_t end, struct noderange_list *ret, struct err *err);

int noderange_not_recognized(
	const struct noderange_text *in, size_t at, const char *what, size_t len, struct err *err);
int noderange_too_many(const struct noderange_eval *eval, const struct noderange_text *in,
	size_t at, struct err *err);

#endif
