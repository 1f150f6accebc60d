/*
 * Names are put together by the texts around their numbers; what is alike becomes boxes
 * (model/noderange_space.h). Which number is looked at first matters where names are missing in between,
 * so several orders are tried, each on a copy, and the shortest text wins.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "model/natsort.h"
#include "model/noderange.h"
#include "model/noderange_digits.h"
#include "model/noderange_list.h"
#include "model/noderange_space.h"

/* Up to FEW names every order is tried, up to SOME the two that begin at an end, of more the first. */
#define FEW  16384
#define SOME 65536

/* The way of that number: where it begins, and which way it goes. False: there are no more. */
static bool nth_way(size_t way, size_t dims, size_t n, size_t *ret_from, bool *ret_backwards)
{
	/* Of two dimensions, forwards from one is backwards from the other. */
	size_t ways = n <= FEW && dims > 2 ? 2 * dims : n <= SOME ? MIN(dims, (size_t)2) : 1;

	*ret_backwards = way % 2 == 0;
	*ret_from = *ret_backwards ? dims - 1 - way / 2 : way / 2;
	return way < ways;
}

/* The text of names with the same texts. */
static void fold_alike(const struct noderange_cut *like, const uint64_t *numbers, size_t n,
	size_t max, struct buf *out)
{
	struct buf best = BUF_INIT(max);
	size_t from;
	bool backwards;

	for (size_t way = 0; nth_way(way, like->n, n, &from, &backwards); way++) {
		struct noderange_space space;
		struct buf text = BUF_INIT(max);

		noderange_space_init(&space, like, numbers, n);
		noderange_space_join(&space, from, backwards);
		noderange_space_put(&space, &text);
		noderange_space_done(&space);
		if (way == 0 || text.len < best.len) {
			buf_done(&best);
			best = text;
		} else {
			buf_done(&text);
		}
	}
	if (out->len)
		noderange_put(out, ",", 1);
	noderange_put(out, best.data, best.len);
	buf_done(&best);
}

/* ---- shapes: the texts around the numbers ---- */

struct shape {
	struct noderange_cut like; /* its first name */
	size_t n, at;		   /* names, and where the first of them is in `order` */
};

struct shapes {
	struct shape *at;
	size_t n;
	uint32_t *of;	    /* by name: its shape */
	uint64_t *numbers;  /* of all names */
	size_t *numbers_at; /* by name */
	size_t n_numbers, cap;
};

/* The texts, each with a sign behind it that no name has. */
static void shape_key(const struct noderange_cut *cut, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i <= cut->n; i++) {
		size_t len;
		const char *text = noderange_cut_text(cut, i, &len);

		noderange_put(out, text, len);
		noderange_put(out, "\n", 1);
	}
}

static void shapes_add(
	struct shapes *shapes, const struct noderange_cut *cut, uint32_t shape, size_t name)
{
	if (shape == shapes->n) {
		if ((shapes->n & (shapes->n - 1)) == 0)
			shapes->at = xrealloc(
				shapes->at, shapes->n ? 2 * shapes->n : 1, sizeof(*shapes->at));
		shapes->at[shapes->n++] = (struct shape){.like = *cut};
	}
	shapes->at[shape].n++;
	shapes->of[name] = shape;
	if (shapes->n_numbers + cut->n > shapes->cap) {
		shapes->cap = 2 * shapes->cap + 64;
		shapes->numbers = xrealloc(shapes->numbers, shapes->cap, sizeof(*shapes->numbers));
	}
	shapes->numbers_at[name] = shapes->n_numbers;
	if (cut->n)
		memcpy(shapes->numbers + shapes->n_numbers, cut->numbers,
			cut->n * sizeof(*cut->numbers));
	shapes->n_numbers += cut->n;
}

static void fold_shape(const struct shapes *shapes, const struct shape *shape,
	const uint32_t *order, size_t max, struct buf *out)
{
	size_t dims = shape->like.n;
	uint64_t *numbers;

	if (!dims || shape->n == 1) {
		noderange_put_begin(out, shape->like.name);
		noderange_put(out, shape->like.name, shape->like.len);
		noderange_put_end(out, shape->like.name);
		return;
	}
	numbers = xcalloc(shape->n * dims, sizeof(*numbers));
	for (size_t i = 0; i < shape->n; i++)
		memcpy(numbers + i * dims,
			shapes->numbers + shapes->numbers_at[order[shape->at + i]],
			dims * sizeof(*numbers));
	fold_alike(&shape->like, numbers, shape->n, max, out);
	free(numbers);
}

static int by_like(const void *a, const void *b)
{
	const struct shape *x = a, *y = b;

	return natsort_compare(x->like.name, y->like.name);
}

static void put_shapes(struct shapes *shapes, size_t n_names, size_t max, struct buf *out)
{
	uint32_t *order = xcalloc(n_names + 1, sizeof(*order));
	size_t at = 0;

	for (size_t i = 0; i < shapes->n; i++) {
		shapes->at[i].at = at;
		at += shapes->at[i].n;
	}
	for (uint32_t i = 0; i < n_names; i++)
		order[shapes->at[shapes->of[i]].at++] = i;
	for (size_t i = 0; i < shapes->n; i++)
		shapes->at[i].at -= shapes->at[i].n;
	if (shapes->n > 1)
		qsort(shapes->at, shapes->n, sizeof(*shapes->at), by_like);
	for (size_t i = 0; i < shapes->n; i++)
		fold_shape(shapes, &shapes->at[i], order, max, out);
	free(order);
}

char *noderange_fold(const char *const *names, size_t n)
{
	size_t max = noderange_put_max(names, n);
	struct noderange_list keys = {NULL};
	struct shapes shapes = {
		.of = xcalloc(n + 1, sizeof(*shapes.of)),
		.numbers_at = xcalloc(n + 1, sizeof(*shapes.numbers_at)),
	};
	struct buf key = BUF_INIT(max), out = BUF_INIT(max);

	for (size_t i = 0; i < n; i++) {
		struct noderange_cut cut;
		uint32_t shape;

		noderange_cut(&cut, names[i]);
		shape_key(&cut, &key);
		if (noderange_list_add(&keys, key.data, key.len, &shape) < 0)
			abort();
		shapes_add(&shapes, &cut, shape, i);
	}
	noderange_put(&out, "", 0);
	put_shapes(&shapes, n, max, &out);
	noderange_list_done(&keys);
	buf_done(&key);
	free(shapes.at);
	free(shapes.of);
	free(shapes.numbers);
	free(shapes.numbers_at);
	return buf_take(&out);
}
