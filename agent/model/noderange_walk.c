#include "config.h"
#include "model/noderange_walk.h"

#include <string.h>

#include "base/mem.h"

/* A difference is counted exactly below this; what is above is too much in any case. */
#define COUNT_MAX ((int64_t)1 << 50)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void noderange_walk_done(struct noderange_walk *walk)
{
	for (size_t i = 0; i < walk->n; i++) {
		free(walk->parts[i].runs);
		noderange_list_done(&walk->parts[i].list);
	}
	free(walk->parts);
	free(walk->name);
	*walk = (struct noderange_walk){NULL};
}

/* ---- decimal numbers of any length ---- */

/* b - a, cut at ±COUNT_MAX: from the left, a difference that has become large stays large. */
static int64_t difference(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int64_t diff = 0;

	for (size_t i = MAX(a_len, b_len); i-- > 0;) {
		int of_a = i < a_len ? a[a_len - 1 - i] - '0' : 0;
		int of_b = i < b_len ? b[b_len - 1 - i] - '0' : 0;

		diff = diff * 10 + of_b - of_a;
		diff = MIN(MAX(diff, -COUNT_MAX), COUNT_MAX);
	}
	return diff;
}

size_t noderange_count(const char *a, size_t a_len, const char *b, size_t b_len, uint64_t step)
{
	int64_t diff = difference(a, a_len, b, b_len);

	return diff < 0 ? 0 : (size_t)((uint64_t)diff / step) + 1;
}

uint64_t noderange_raise(char *p, size_t len, uint64_t by)
{
	while (len > 0 && by > 0) {
		uint64_t digit = (uint64_t)(p[--len] - '0') + by % 10;

		by = by / 10 + digit / 10;
		p[len] = (char)('0' + digit % 10);
	}
	return by;
}

/* ---- building ---- */

static struct noderange_part *add(struct noderange_walk *walk)
{
	if ((walk->n & (walk->n - 1)) == 0)
		walk->parts =
			xrealloc(walk->parts, walk->n ? 2 * walk->n : 1, sizeof(*walk->parts));
	walk->parts[walk->n] = (struct noderange_part){.count = 1};
	return &walk->parts[walk->n++];
}

void noderange_walk_text(struct noderange_walk *walk, const char *text, size_t len)
{
	struct noderange_part *part;

	if (!len)
		return;
	part = add(walk);
	part->kind = PART_TEXT;
	part->text = text;
	part->len = part->longest = len;
}

static bool run_init(struct noderange_run *run, const char *a, size_t a_len, const char *b,
	size_t b_len, uint64_t step)
{
	size_t count;

	if (a_len == b_len && memcmp(a, b, a_len) == 0) {
		*run = (struct noderange_run){a, a_len, 1, 1};
		return true;
	}
	if (difference(a, a_len, b, b_len) <= 0)
		return false;
	count = noderange_count(a, a_len, b, b_len, step);
	*run = (struct noderange_run){a, a_len, count, step};
	return true;
}

bool noderange_walk_count(struct noderange_walk *walk, const char *a, size_t a_len, const char *b,
	size_t b_len, uint64_t step)
{
	struct noderange_run run;
	struct noderange_part *part;

	if (!run_init(&run, a, a_len, b, b_len, step))
		return false;
	part = add(walk);
	part->kind = PART_RUNS;
	part->runs = xmemdup(&run, sizeof(run));
	part->n_runs = 1;
	part->count = run.count;
	part->longest = MAX(a_len, b_len);
	return true;
}

struct number {
	const char *at;
	size_t len;
};

/* The number at *at, and moves behind it. False: there is none. */
static bool take_number(const char **at, const char *end, struct number *ret)
{
	*ret = (struct number){*at, 0};
	while (*at < end && is_digit(**at))
		(*at)++;
	ret->len = (size_t)(*at - ret->at);
	return ret->len > 0;
}

static bool take_separator(const char **at, const char *end)
{
	if (*at < end && (**at == '-' || **at == ':')) {
		(*at)++;
		return true;
	}
	if (end - *at >= 2 && (*at)[0] == '.' && (*at)[1] == '.') {
		*at += 2;
		return true;
	}
	return false;
}

static bool take_step(const char **at, const char *end, uint64_t *ret)
{
	struct number number;

	*ret = 1;
	if (!take_separator(at, end))
		return true;
	if (!take_number(at, end, &number) || number.len > 18)
		return false;
	*ret = 0;
	for (size_t i = 0; i < number.len; i++)
		*ret = *ret * 10 + (uint64_t)(number.at[i] - '0');
	return *ret > 0;
}

static bool take_run(
	const char **at, const char *end, struct noderange_run *ret, struct number *last)
{
	struct number a, b;
	uint64_t step = 1;

	if (!take_number(at, end, &a))
		return false;
	b = a;
	if (take_separator(at, end) && (!take_number(at, end, &b) || !take_step(at, end, &step)))
		return false;
	*last = b;
	return run_init(ret, a.at, a.len, b.at, b.len, step);
}

bool noderange_walk_numbers(struct noderange_walk *walk, const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	struct noderange_run *runs = NULL;
	struct number last = {NULL, 0};
	size_t n = 0, count = 0, longest = 0;
	struct noderange_part *part;

	for (;;) {
		struct number upto;

		if ((n & (n - 1)) == 0)
			runs = xrealloc(runs, n ? 2 * n : 1, sizeof(*runs));
		if (!take_run(&at, end, &runs[n], &upto) ||
			(n && difference(last.at, last.len, runs[n].first, runs[n].len) <= 0) ||
			(at < end && *at != ',')) {
			free(runs);
			return false;
		}
		last = upto;
		longest = MAX(longest, MAX(runs[n].len, upto.len));
		count = MIN(count + runs[n].count, (size_t)COUNT_MAX);
		n++;
		if (at++ == end)
			break;
	}
	part = add(walk);
	part->kind = PART_RUNS;
	part->runs = runs;
	part->n_runs = n;
	part->count = count;
	part->longest = longest;
	return true;
}

void noderange_walk_list(struct noderange_walk *walk, struct noderange_list *list)
{
	struct noderange_part *part = add(walk);

	part->kind = PART_LIST;
	part->list = *list;
	*list = (struct noderange_list){NULL};
	part->count = part->list.n;
	for (size_t i = 0; i < part->list.n; i++)
		part->longest = MAX(part->longest, strlen(noderange_list_name(&part->list, i)));
}

/* ---- walking ---- */

size_t noderange_walk_total(const struct noderange_walk *walk)
{
	size_t total = 1;

	for (size_t i = 0; i < walk->n; i++) {
		if (__builtin_mul_overflow(total, walk->parts[i].count, &total))
			total = NODERANGE_MANY;
	}
	for (size_t i = 0; i < walk->n; i++) {
		if (!walk->parts[i].count)
			return 0;
	}
	return total;
}

size_t noderange_walk_longest(const struct noderange_walk *walk)
{
	size_t longest = 0;

	for (size_t i = 0; i < walk->n; i++)
		longest += walk->parts[i].longest;
	return longest;
}

/* One part that varies makes as many names as it has variants. Of several counters one can tell where
 * each number ends when something else than a digit follows. */
bool noderange_walk_distinct(const struct noderange_walk *walk)
{
	size_t varying = 0;
	bool apart = true;

	for (size_t i = 0; i < walk->n; i++) {
		const struct noderange_part *part = &walk->parts[i];

		if (part->kind == PART_TEXT)
			continue;
		varying += part->count > 1;
		if (part->kind == PART_LIST)
			apart = false;
		else if (i + 1 < walk->n)
			apart &= part[1].kind == PART_TEXT && !is_digit(*part[1].text);
	}
	return varying <= 1 || apart;
}

bool noderange_walk_head(const struct noderange_walk *walk, const char **ret, size_t *ret_len)
{
	const struct noderange_part *first = walk->parts, *next = first + 1;

	*ret = "";
	*ret_len = 0;
	if (!walk->n || first->kind != PART_TEXT)
		return walk->n && first->kind == PART_RUNS;
	*ret = first->text;
	while (*ret_len < first->len && !is_digit(first->text[*ret_len]))
		++*ret_len;
	if (*ret_len < first->len || walk->n == 1)
		return true;
	return next->kind == PART_RUNS || (next->kind == PART_TEXT && is_digit(*next->text));
}

/* Writes the part's first variant, or the one that it has come to, at its start. */
static void write_part(struct noderange_walk *walk, struct noderange_part *part)
{
	const char *text = part->text;
	size_t len = part->len;

	if (part->kind == PART_RUNS) {
		text = part->runs[part->run].first;
		len = part->runs[part->run].len;
	} else if (part->kind == PART_LIST) {
		text = noderange_list_name(&part->list, part->nth);
		len = strlen(text);
	}
	part->start = walk->len;
	memcpy(walk->name + walk->len, text, len);
	walk->len += len;
}

/* Writes the parts from i on, from their beginning. */
static void restart(struct noderange_walk *walk, size_t i)
{
	for (; i < walk->n; i++) {
		walk->parts[i].run = walk->parts[i].nth = 0;
		write_part(walk, &walk->parts[i]);
	}
	walk->name[walk->len] = '\0';
}

void noderange_walk_start(struct noderange_walk *walk)
{
	free(walk->name);
	walk->name = xmalloc(noderange_walk_longest(walk) + 1);
	walk->len = 0;
	walk->done = noderange_walk_total(walk) == 0;
	if (!walk->done)
		restart(walk, 0);
}

/* The number that the part has come to ends where the name does now. */
static void raise_run(struct noderange_walk *walk, struct noderange_part *part)
{
	char *p = walk->name + part->start;
	uint64_t carry = noderange_raise(p, walk->len - part->start, part->runs[part->run].step);

	for (; carry > 0; carry /= 10) {
		memmove(p + 1, p, walk->len - part->start);
		*p = (char)('0' + carry % 10);
		walk->len++;
	}
}

/* The next variant of the part, at the end of the name. False: that was the last one. */
static bool advance(struct noderange_walk *walk, struct noderange_part *part)
{
	if (part->kind == PART_LIST) {
		if (++part->nth == part->count)
			return false;
		walk->len = part->start;
		write_part(walk, part);
		return true;
	}
	if (part->kind == PART_TEXT)
		return false;
	if (++part->nth < part->runs[part->run].count) {
		raise_run(walk, part);
		return true;
	}
	if (++part->run == part->n_runs)
		return false;
	part->nth = 0;
	walk->len = part->start;
	write_part(walk, part);
	return true;
}

void noderange_walk_next(struct noderange_walk *walk)
{
	for (size_t i = walk->n; i-- > 0;) {
		struct noderange_part *part = &walk->parts[i];

		if (part->kind == PART_TEXT) {
			walk->len = part->start;
			continue;
		}
		if (advance(walk, part)) {
			restart(walk, i + 1);
			return;
		}
		walk->len = part->start;
	}
	walk->done = true;
}
