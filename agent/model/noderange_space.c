/*
 * Names with the same texts around their numbers are points in a space of as many dimensions; a text
 * with brackets is a box of them. Each point begins as a box. Boxes that are equal but in one
 * dimension become one; that is done for one dimension after the other until nothing changes. Boxes
 * never overlap.
 */
#include "config.h"
#include "model/noderange_space.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static const struct hash_key hash_key = {0x6e6f646572616e67u, 0x65206f6620626f78u};

/* ---- sets ---- */

static const uint32_t *members_of(
	const struct noderange_dimension *dim, const uint32_t *id, uint32_t *ret_n)
{
	*ret_n = 1;
	if (*id < dim->n_values)
		return id;
	*ret_n = dim->sets[*id - dim->n_values].n;
	return dim->members + dim->sets[*id - dim->n_values].at;
}

static void rehash(struct noderange_dimension *dim)
{
	dim->n_slots = MAX(2 * dim->n_slots, (uint32_t)64);
	free(dim->slots);
	dim->slots = xcalloc(dim->n_slots, sizeof(*dim->slots));
	for (uint32_t i = 0; i < dim->n_sets; i++) {
		const struct noderange_set *set = &dim->sets[i];
		uint64_t slot = hash_bytes(
			&hash_key, dim->members + set->at, set->n * sizeof(*dim->members));

		while (dim->slots[slot &= dim->n_slots - 1])
			slot++;
		dim->slots[slot] = i + 1;
	}
}

/* The number of the set with these members, which is made where there is none yet. */
static uint32_t set_number(struct noderange_dimension *dim, const uint32_t *members, uint32_t n)
{
	uint64_t slot;

	if (n == 1)
		return members[0];
	if (2 * (dim->n_sets + 1) > dim->n_slots)
		rehash(dim);
	slot = hash_bytes(&hash_key, members, n * sizeof(*members));
	for (; dim->slots[slot &= dim->n_slots - 1]; slot++) {
		const struct noderange_set *set = &dim->sets[dim->slots[slot] - 1];

		if (set->n == n &&
			memcmp(dim->members + set->at, members, n * sizeof(*members)) == 0)
			return dim->n_values + dim->slots[slot] - 1;
	}
	if (dim->n_members + n > dim->members_cap) {
		dim->members_cap = MAX(dim->n_members + n, 2 * dim->members_cap);
		dim->members = xrealloc(dim->members, dim->members_cap, sizeof(*dim->members));
	}
	if ((dim->n_sets & (dim->n_sets - 1)) == 0)
		dim->sets =
			xrealloc(dim->sets, dim->n_sets ? 2 * dim->n_sets : 1, sizeof(*dim->sets));
	memcpy(dim->members + dim->n_members, members, n * sizeof(*members));
	dim->sets[dim->n_sets++] = (struct noderange_set){dim->n_members, n};
	dim->n_members += n;
	dim->slots[slot] = dim->n_sets;
	return dim->n_values + dim->n_sets - 1;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts the gathered members, each once. Many of them are better ticked off. */
static uint32_t tidy(
	struct noderange_space *space, const struct noderange_dimension *dim, uint32_t n)
{
	uint32_t *gathered = space->gathered;
	uint32_t kept = 0, words = dim->n_values / 64 + 1;

	if (n < words) {
		qsort(gathered, n, sizeof(*gathered), by_number);
		for (uint32_t i = 0; i < n; i++) {
			if (!kept || gathered[kept - 1] != gathered[i])
				gathered[kept++] = gathered[i];
		}
		return kept;
	}
	for (uint32_t i = 0; i < n; i++)
		space->seen[gathered[i] / 64] |= (uint64_t)1 << (gathered[i] % 64);
	for (uint32_t w = 0; w < words; w++) {
		for (uint64_t rest = space->seen[w]; rest; rest &= rest - 1)
			gathered[kept++] = w * 64 + (uint32_t)__builtin_ctzll(rest);
		space->seen[w] = 0;
	}
	return kept;
}

/* ---- joining boxes ---- */

static bool equal_but(
	const struct noderange_space *space, const uint32_t *a, const uint32_t *b, size_t dim)
{
	for (size_t i = 0; i < space->n_dims; i++) {
		if (i != dim && a[i] != b[i])
			return false;
	}
	return true;
}

static uint64_t hash_but(const struct noderange_space *space, const uint32_t *box, size_t dim)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < space->n_dims; i++) {
		hash = (hash ^ (i == dim ? 0 : box[i] + 1)) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash;
}

/* Boxes that are equal but in dim get the same number, from 0 in order of the first; gives how many. */
static uint32_t number_alike(struct noderange_space *space, size_t dim)
{
	uint32_t groups = 0;

	memset(space->slots, 0, space->n_slots * sizeof(*space->slots));
	for (uint32_t i = 0; i < space->n_boxes; i++) {
		const uint32_t *box = space->boxes + i * space->n_dims;
		uint64_t slot = hash_but(space, box, dim);

		for (; space->slots[slot &= space->n_slots - 1]; slot++) {
			uint32_t first = space->slots[slot] - 1;

			if (equal_but(space, box, space->boxes + first * space->n_dims, dim)) {
				space->alike[i] = space->alike[first];
				break;
			}
		}
		if (!space->slots[slot]) {
			space->slots[slot] = i + 1;
			space->alike[i] = groups++;
		}
	}
	return groups;
}

/* Puts the boxes of each number side by side: those of number g are order[starts[g]] and on. */
static void sort_alike(struct noderange_space *space, uint32_t groups)
{
	uint32_t sum = 0;

	memset(space->starts, 0, (groups + 1) * sizeof(*space->starts));
	for (size_t i = 0; i < space->n_boxes; i++)
		space->starts[space->alike[i]]++;
	for (uint32_t g = 0; g <= groups; g++) {
		uint32_t n = space->starts[g];

		space->starts[g] = sum;
		sum += n;
	}
	for (uint32_t i = 0; i < space->n_boxes; i++)
		space->order[space->starts[space->alike[i]]++] = i;
	/* Each start has moved to its end, which is the start of the next. */
	memmove(space->starts + 1, space->starts, groups * sizeof(*space->starts));
	space->starts[0] = 0;
}

/* Joins all that can be in one dimension. False: nothing could. */
static bool join(struct noderange_space *space, size_t d)
{
	struct noderange_dimension *dim = &space->dims[d];
	uint32_t groups = number_alike(space, d);
	uint32_t *swap = space->boxes;

	if (groups == space->n_boxes)
		return false;
	sort_alike(space, groups);
	for (uint32_t g = 0; g < groups; g++) {
		uint32_t *box = space->joined + g * space->n_dims, count = 0;

		for (uint32_t i = space->starts[g]; i < space->starts[g + 1]; i++) {
			uint32_t n;
			const uint32_t *from = space->boxes + space->order[i] * space->n_dims;
			const uint32_t *members = members_of(dim, &from[d], &n);

			if (i == space->starts[g])
				memcpy(box, from, space->n_dims * sizeof(*box));
			memcpy(space->gathered + count, members, n * sizeof(*members));
			count += n;
		}
		if (space->starts[g + 1] - space->starts[g] > 1)
			box[d] = set_number(dim, space->gathered, tidy(space, dim, count));
	}
	space->boxes = space->joined;
	space->joined = swap;
	space->n_boxes = groups;
	return true;
}

void noderange_space_join(struct noderange_space *space, size_t from, bool backwards)
{
	size_t idle = 0, n = space->n_dims, d = from;

	while (idle < n) {
		idle = join(space, d) ? 0 : idle + 1;
		d = (d + (backwards ? n - 1 : 1)) % n;
	}
}

/* ---- from names to boxes ---- */

struct point {
	uint64_t number;
	uint32_t at;
};

/* Sorts by number, byte by byte from the lowest; bytes that are all the same cost one look. */
static void sort_points(struct point *points, struct point *room, size_t n)
{
	struct point *from = points, *to = room;

	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t starts[257] = {0};
		struct point *swap = from;

		for (size_t i = 0; i < n; i++)
			starts[(from[i].number >> shift & 0xff) + 1]++;
		if (starts[(from[0].number >> shift & 0xff) + 1] == n)
			continue;
		for (size_t i = 0; i < 256; i++)
			starts[i + 1] += starts[i];
		for (size_t i = 0; i < n; i++)
			to[starts[from[i].number >> shift & 0xff]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != points)
		memcpy(points, from, n * sizeof(*points));
}

/* The values of one dimension, and the box of each name there. */
static void rank_values(
	struct noderange_space *space, size_t d, struct point *points, struct point *room)
{
	struct noderange_dimension *dim = &space->dims[d];
	size_t n = space->n_boxes;

	sort_points(points, room, n);
	dim->values = xcalloc(n, sizeof(*dim->values));
	for (size_t i = 0; i < n; i++) {
		if (!i || points[i].number != points[i - 1].number)
			dim->values[dim->n_values++] = points[i].number;
		space->boxes[points[i].at * space->n_dims + d] = dim->n_values - 1;
	}
}

void noderange_space_init(struct noderange_space *space, const struct noderange_cut *like,
	const uint64_t *numbers, size_t n)
{
	struct point *points = xcalloc(2 * n, sizeof(*points));

	*space = (struct noderange_space){
		.like = *like, .n_dims = like->n, .n_boxes = n, .n_slots = 64};
	while (space->n_slots < 2 * n)
		space->n_slots *= 2;
	space->slots = xcalloc(space->n_slots, sizeof(*space->slots));
	space->alike = xcalloc(n, sizeof(*space->alike));
	space->starts = xcalloc(n + 1, sizeof(*space->starts));
	space->order = xcalloc(n, sizeof(*space->order));
	space->gathered = xcalloc(n, sizeof(*space->gathered));
	space->seen = xcalloc(n / 64 + 1, sizeof(*space->seen));
	space->boxes = xcalloc(n * like->n, sizeof(*space->boxes));
	space->joined = xcalloc(n * like->n, sizeof(*space->joined));
	for (size_t d = 0; d < like->n; d++) {
		for (size_t i = 0; i < n; i++)
			points[i] = (struct point){numbers[i * like->n + d], (uint32_t)i};
		rank_values(space, d, points, points + n);
	}
	free(points);
}

void noderange_space_done(struct noderange_space *space)
{
	for (size_t d = 0; d < space->n_dims; d++) {
		free(space->dims[d].values);
		free(space->dims[d].sets);
		free(space->dims[d].members);
		free(space->dims[d].slots);
	}
	free(space->slots);
	free(space->alike);
	free(space->starts);
	free(space->order);
	free(space->gathered);
	free(space->seen);
	free(space->boxes);
	free(space->joined);
}

/* ---- and to a text ---- */

/* By the least value in each dimension. */
static int by_first(const void *a, const void *b, void *arg)
{
	struct noderange_space *space = arg;
	const uint32_t *x = a, *y = b;

	for (size_t d = 0; d < space->n_dims; d++) {
		uint32_t n;
		uint32_t of_x = *members_of(&space->dims[d], &x[d], &n);
		uint32_t of_y = *members_of(&space->dims[d], &y[d], &n);

		if (of_x != of_y)
			return of_x < of_y ? -1 : 1;
	}
	return 0;
}

static void put_set(struct noderange_space *space, size_t d, const uint32_t *id, struct buf *out)
{
	const struct noderange_dimension *dim = &space->dims[d];
	uint32_t n;
	const uint32_t *members = members_of(dim, id, &n);

	if (n == 1) {
		noderange_put_numbers(out, &dim->values[*members], 1);
		return;
	}
	if (n > space->n_numbers) {
		space->numbers = xrealloc(space->numbers, n, sizeof(*space->numbers));
		space->n_numbers = n;
	}
	for (uint32_t i = 0; i < n; i++)
		space->numbers[i] = dim->values[members[i]];
	noderange_put_numbers(out, space->numbers, n);
}

void noderange_space_put(struct noderange_space *space, struct buf *out)
{
	qsort_r(space->boxes, space->n_boxes, space->n_dims * sizeof(*space->boxes), by_first,
		space);
	for (size_t i = 0; i < space->n_boxes; i++) {
		const uint32_t *box = space->boxes + i * space->n_dims;

		noderange_put_begin(out, space->like.name);
		for (size_t d = 0; d <= space->n_dims; d++) {
			size_t len;
			const char *text = noderange_cut_text(&space->like, d, &len);

			noderange_put(out, text, len);
			if (d < space->n_dims)
				put_set(space, d, &box[d], out);
		}
		noderange_put_end(out, space->like.name);
	}
	free(space->numbers);
	space->numbers = NULL;
	space->n_numbers = 0;
}
