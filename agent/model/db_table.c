#include "config.h"
#include "model/db_table.h"

#include "base/mem.h"

#define FIRST_BUCKETS 16

void table_done(struct table *table)
{
	free(table->buckets);
	*table = (struct table){NULL, 0, 0};
}

static struct table_link **bucket_of(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->n_buckets - 1)];
}

static void grow(struct table *table)
{
	struct table larger = {.n_buckets = table->n_buckets ? 2 * table->n_buckets : FIRST_BUCKETS,
		.count = table->count};

	larger.buckets = xcalloc(larger.n_buckets, sizeof(*larger.buckets));
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct table_link *link = table->buckets[i];
			struct table_link **bucket = bucket_of(&larger, link->hash);

			table->buckets[i] = link->next;
			link->next = *bucket;
			*bucket = link;
		}
	}
	free(table->buckets);
	*table = larger;
}

void table_add(struct table *table, struct table_link *link, uint64_t hash)
{
	struct table_link **bucket;

	if (table->count >= table->n_buckets)
		grow(table);
	bucket = bucket_of(table, hash);
	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
	table->count++;
}

void table_remove(struct table *table, struct table_link *link)
{
	struct table_link **at = bucket_of(table, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	table->count--;
}

static struct table_link *of_hash(struct table_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct table_link *table_first(const struct table *table, uint64_t hash)
{
	return table->buckets ? of_hash(*bucket_of(table, hash), hash) : NULL;
}

struct table_link *table_next(const struct table_link *link)
{
	return of_hash(link->next, link->hash);
}

struct table_link *table_each(const struct table *table, const struct table_link *last)
{
	size_t i = 0;

	if (last && last->next)
		return last->next;
	if (last)
		i = (last->hash & (table->n_buckets - 1)) + 1;
	for (; i < table->n_buckets; i++) {
		if (table->buckets[i])
			return table->buckets[i];
	}
	return NULL;
}
