/*
 * struct replica_odd: tells the log of the keys of the database that can't be used: each once until it
 * changes (log/odd.h), no more than a few a minute, and how many were left out.
 */
#ifndef COPY_REPLICA_ODD_H
#define COPY_REPLICA_ODD_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct loop;
struct replica_odd;

/* Told a minute. */
#define REPLICA_ODD_BURST 10

struct replica_odd *replica_odd_new(struct loop *loop);
void replica_odd_free(struct replica_odd *odd);
/* Everything was listed or loaded. */
void replica_odd_listed(struct replica_odd *odd, const struct db *db);
/* A change can't be used; told when its batch is complete, unless that has mended it. */
void replica_odd_add(struct replica_odd *odd, const char *key, size_t key_len, int64_t mod_revision,
	const char *why);
void replica_odd_remove(struct replica_odd *odd, const char *key, size_t key_len);
void replica_odd_batch(struct replica_odd *odd, const struct db *db);

#endif
