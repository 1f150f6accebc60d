/*
 * struct table: a hash table of objects that embed a link. Whoever uses it hashes with a keyed hash
 * (base/hash.h), compares the objects of equal hash itself, and owns them. Grows to twice its size
 * when it is full; never shrinks.
 */
#ifndef MODEL_DB_TABLE_H
#define MODEL_DB_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct table_link {
	struct table_link *next;
	uint64_t hash;
};

struct table {
	struct table_link **buckets; /* NULL while empty */
	size_t n_buckets;	     /* a power of two */
	size_t count;
};

/* Frees the buckets, not the objects. */
void table_done(struct table *table);
void table_add(struct table *table, struct table_link *link, uint64_t hash);
void table_remove(struct table *table, struct table_link *link);
/* The first of this hash, and the one behind it; NULL: no more. */
struct table_link *table_first(const struct table *table, uint64_t hash);
struct table_link *table_next(const struct table_link *link);
/* All of them, in any order: begin with NULL. The one given last must still be in the table. */
struct table_link *table_each(const struct table *table, const struct table_link *last);

#define table_entry(link, type, member) CONTAINER_OF(link, type, member)

#endif
