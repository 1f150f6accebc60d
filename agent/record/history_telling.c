/*
 * The happy path: the entries that there are when it begins are held; from the newest to the oldest each
 * is put to the one of its batch that is told, or begins one; then these are told, the oldest first.
 */
#include "config.h"
#include "record/history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/natsort.h"

/* How far back a batch is looked for: few other entries come in between. */
#define BATCHES_BACK 32
/* Pairs that a sum of entries has. */
#define SUM_MAX 1024

/* What is told as one entry: the newest one, and of all of them: */
struct sum {
	const struct history_entry *newest;
	usec_t at;
	struct history_count *counts; /* NULL: the newest one's */
	size_t n, room;
};

struct history_telling {
	const struct history_entry **entries; /* held, the newest first */
	size_t n_entries, next;
	size_t max;
	struct sum *sums;
	size_t n_sums, told;
};

struct history_telling *history_telling_new(const struct history *history, size_t max)
{
	struct history_telling *t = xcalloc(1, sizeof(*t));
	const struct list *all = history_list(history), *at;
	size_t n = history_count(history);

	t->max = max ? max : SIZE_MAX;
	t->entries = xcalloc(n + 1, sizeof(*t->entries));
	t->sums = xcalloc(MIN(n, t->max) + 1, sizeof(*t->sums));
	for (at = all->prev; at != all; at = at->prev) {
		t->entries[t->n_entries] = list_entry(at, const struct history_entry, link);
		history_hold(t->entries[t->n_entries++]);
	}
	return t;
}

void history_telling_free(struct history_telling *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_entries; i++)
		history_release(t->entries[i]);
	for (size_t i = 0; i < t->n_sums; i++)
		free(t->sums[i].counts);
	free(t->entries);
	free(t->sums);
	free(t);
}

/* ---- sums ---- */

static void add_count(struct sum *sum, const struct history_count *count)
{
	for (size_t i = 0; i < sum->n; i++) {
		if (text_eq(sum->counts[i].from, count->from) &&
			text_eq(sum->counts[i].to, count->to)) {
			sum->counts[i].nodes += count->nodes;
			return;
		}
	}
	if (sum->n == SUM_MAX)
		return;
	if (sum->n == sum->room) {
		sum->room = MAX(2 * sum->room, (size_t)16);
		sum->counts = xrealloc(sum->counts, sum->room, sizeof(*sum->counts));
	}
	sum->counts[sum->n++] = *count;
}

static void add_counts(struct sum *sum, const struct history_entry *e)
{
	for (size_t i = 0; i < e->n_counts; i++)
		add_count(sum, &e->counts[i]);
}

static struct sum *sum_of(struct history_telling *t, const struct history_entry *e)
{
	for (size_t back = 1; *e->batch && back <= MIN(t->n_sums, (size_t)BATCHES_BACK); back++) {
		struct sum *sum = &t->sums[t->n_sums - back];

		if (sum->newest->kind == e->kind && text_eq(sum->newest->batch, e->batch))
			return sum;
	}
	return NULL;
}

/* What is left out at the old end may still belong to one that is told. */
static void add_entry(struct history_telling *t, const struct history_entry *e)
{
	struct sum *sum = sum_of(t, e);

	if (!sum && t->n_sums < t->max) {
		t->sums[t->n_sums++] = (struct sum){.newest = e, .at = e->at};
	} else if (sum) {
		if (!sum->counts)
			add_counts(sum, sum->newest);
		add_counts(sum, e);
		sum->at = MIN(sum->at, e->at);
	}
}

static int compare_counts(const void *a, const void *b)
{
	const struct history_count *x = a, *y = b;
	int from = natsort_compare(x->from, y->from);

	return from ? from : natsort_compare(x->to, y->to);
}

/* However many transactions it took, and whichever was the newest: in natural order. */
static json *tell(const struct sum *sum)
{
	struct history_entry e = *sum->newest;

	e.at = sum->at;
	if (sum->counts) {
		qsort(sum->counts, sum->n, sizeof(*sum->counts), compare_counts);
		e.counts = sum->counts;
		e.n_counts = sum->n;
	}
	return history_tell(&e);
}

int history_telling_next(struct history_telling *t, json **ret)
{
	if (t->next < t->n_entries) {
		add_entry(t, t->entries[t->next++]);
		return -EAGAIN;
	}
	if (t->told == t->n_sums)
		return 0;
	t->told++;
	*ret = tell(&t->sums[t->n_sums - t->told]);
	return 1;
}
