/*
 * The short form that upstream gives, and its clients know: groups that fit wholly stand for their
 * members, the largest first; then neighbours in natural order that differ in one number only share a
 * bracket. A name in which another number changes ends the bracket and stands alone, so there is no
 * product of brackets (noderange_fold() makes them).
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/noderange_digits.h"

/* Names that share a bracket so far. */
struct row {
	struct noderange_cut last;
	size_t varies; /* which number; SIZE_MAX: there is one name yet */
	uint64_t *numbers;
	size_t n; /* names; 0: none */
};

static void put_row(struct buf *out, struct row *row)
{
	if (!row->n)
		return;
	noderange_put_begin(out, row->last.name);
	for (size_t i = 0; i <= row->last.n; i++) {
		size_t len;
		const char *text = noderange_cut_text(&row->last, i, &len);

		noderange_put(out, text, len);
		if (i < row->last.n && i == row->varies)
			noderange_put_numbers(out, row->numbers, row->n);
		else if (i < row->last.n)
			noderange_put(out, row->last.name + row->last.at[i],
				noderange_digits_width(row->last.numbers[i]));
	}
	noderange_put_end(out, row->last.name);
	row->n = 0;
}

static bool same_texts(const struct noderange_cut *a, const struct noderange_cut *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i <= a->n; i++) {
		size_t of_a, of_b;
		const char *text_a = noderange_cut_text(a, i, &of_a);
		const char *text_b = noderange_cut_text(b, i, &of_b);

		if (of_a != of_b || memcmp(text_a, text_b, of_a) != 0)
			return false;
	}
	return true;
}

/* May b stand behind a in a bracket? */
static bool widths_fit(uint64_t a, uint64_t b)
{
	unsigned of_a = noderange_digits_width(a), of_b = noderange_digits_width(b);

	if (of_a == of_b)
		return true;
	return of_b > of_a && !noderange_digits_padded(a) && !noderange_digits_padded(b);
}

static void begin(struct row *row, const struct noderange_cut *cut)
{
	row->last = *cut;
	row->varies = SIZE_MAX;
	row->n = 1;
}

static void add(struct buf *out, struct row *row, const struct noderange_cut *cut)
{
	size_t changed = SIZE_MAX, changes = 0;

	if (row->n && same_texts(&row->last, cut)) {
		for (size_t i = 0; i < cut->n; i++) {
			if (cut->numbers[i] != row->last.numbers[i]) {
				changed = i;
				changes++;
			}
		}
	}
	if (changes == 1 && (row->varies == SIZE_MAX || row->varies == changed) &&
		widths_fit(row->last.numbers[changed], cut->numbers[changed])) {
		if (row->varies == SIZE_MAX)
			row->numbers[0] = row->last.numbers[changed];
		row->varies = changed;
		row->numbers[row->n++] = cut->numbers[changed];
		row->last = *cut;
		return;
	}
	if (changes && row->varies != SIZE_MAX && !(changes == 1 && row->varies == changed)) {
		put_row(out, row);
		begin(row, cut);
		put_row(out, row);
		return;
	}
	put_row(out, row);
	begin(row, cut);
}

void noderange_put_compressed(struct buf *out, const char *const *names, size_t n)
{
	struct row row = {.numbers = xcalloc(n + 1, sizeof(*row.numbers))};
	struct noderange_cut cut;

	for (size_t i = 0; i < n; i++) {
		if (i && strcmp(names[i - 1], names[i]) == 0)
			continue;
		noderange_cut(&cut, names[i]);
		add(out, &row, &cut);
	}
	put_row(out, &row);
	free(row.numbers);
}

/* ---- groups ---- */

struct candidate {
	const struct noderange_group *group;
	size_t members;
};

static int largest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->members != y->members)
		return x->members < y->members ? 1 : -1;
	return (x->group->created < y->group->created) - (x->group->created > y->group->created);
}

/* Strikes the members of groups that are wholly in rest out of it; gives the groups' names. A group
 * that a node of its name hides can't be written. */
static size_t choose(const struct noderange_source *source, const struct noderange_group *groups,
	size_t n, struct bitset *rest, const char **chosen)
{
	struct candidate *candidates = xcalloc(n + 1, sizeof(*candidates));
	size_t left = bitset_count(rest), n_chosen = 0, n_candidates = 0;
	uint32_t node;

	for (size_t i = 0; i < n; i++) {
		size_t members = bitset_count(groups[i].members);

		if (members && members <= left && !source->node(source->arg, groups[i].name, &node))
			candidates[n_candidates++] = (struct candidate){&groups[i], members};
	}
	qsort(candidates, n_candidates, sizeof(*candidates), largest_first);
	for (size_t i = 0; i < n_candidates && left; i++) {
		const struct noderange_group *group = candidates[i].group;

		if (candidates[i].members > left || !bitset_within(group->members, rest))
			continue;
		bitset_subtract(rest, group->members);
		left -= candidates[i].members;
		chosen[n_chosen++] = group->name;
	}
	free(candidates);
	return n_chosen;
}

/* The names of the nodes, in natural order. */
static size_t sorted_names(
	const struct noderange_source *source, const struct bitset *nodes, const char **names)
{
	const uint32_t *ranks = source->ranks(source->arg);
	CLEANUP(bitset_done) struct bitset places = BITSET_INIT;
	uint32_t it, most = 0;
	uint32_t *by_rank;
	size_t n = 0;

	bitset_foreach(it, nodes) most = MAX(most, ranks[it]);
	by_rank = xcalloc((size_t)most + 1, sizeof(*by_rank));
	bitset_foreach(it, nodes)
	{
		by_rank[ranks[it]] = it;
		bitset_add(&places, ranks[it]);
	}
	bitset_foreach(it, &places) names[n++] = source->name(source->arg, by_rank[it]);
	free(by_rank);
	return n;
}

static char *abbreviate(const struct noderange_source *source, const struct bitset *nodes,
	const char *const *strangers, size_t n_strangers, const struct noderange_group *groups,
	size_t n_groups)
{
	CLEANUP(bitset_done) struct bitset rest = BITSET_INIT;
	size_t n = bitset_count(nodes), n_chosen;
	const char **names = xcalloc(n + n_strangers + 1, sizeof(*names));
	const char **chosen = xcalloc(n_groups + 1, sizeof(*chosen));
	struct buf out;

	bitset_copy(&rest, nodes);
	n_chosen = choose(source, groups, n_groups, &rest, chosen);
	natsort_sort(chosen, n_chosen);
	n = sorted_names(source, &rest, names);
	for (size_t i = 0; i < n_strangers; i++)
		names[n++] = strangers[i];
	if (n_strangers)
		natsort_sort(names, n);
	buf_init(&out, noderange_put_max(names, n) + noderange_put_max(chosen, n_chosen));
	noderange_put(&out, "", 0);
	noderange_put_compressed(&out, chosen, n_chosen);
	noderange_put_compressed(&out, names, n);
	free(names);
	free(chosen);
	return buf_take(&out);
}

char *noderange_abbreviate(const struct noderange_source *source, const struct bitset *nodes,
	const struct noderange_group *groups, size_t n_groups)
{
	return abbreviate(source, nodes, NULL, 0, groups, n_groups);
}

char *noderange_abbreviate_names(const struct noderange_source *source, const char *const *names,
	size_t n, const struct noderange_group *groups, size_t n_groups)
{
	CLEANUP(bitset_done) struct bitset nodes = BITSET_INIT;
	const char **strangers = xcalloc(n + 1, sizeof(*strangers));
	size_t n_strangers = 0;
	uint32_t node;
	char *text;

	for (size_t i = 0; i < n; i++) {
		if (source->node(source->arg, names[i], &node))
			bitset_add(&nodes, node);
		else
			strangers[n_strangers++] = names[i];
	}
	text = abbreviate(source, &nodes, strangers, n_strangers, groups, n_groups);
	free(strangers);
	return text;
}
