/*
 * A database by hand: keys and values as texts, each put with the next revision, and what nodes have, as
 * texts that live until the next call.
 */
#ifndef TESTS_UNIT_TEST_MODEL_DB_H
#define TESTS_UNIT_TEST_MODEL_DB_H

#include "base/err.h"
#include "model/db.h"

int put(struct db *db, const char *key, const char *value);
int put_err(struct db *db, const char *key, const char *value, struct err *err);
void drop(struct db *db, const char *key);
/* The effective value; "(unset)", "(hidden)", or "(broken: …)". */
const char *text_of(const struct db *db, const char *node, const char *name);
/* With commas between. */
const char *groups_of(const struct db *db, const char *node);
/* A number below limit, the next of a row that the seed begins. */
unsigned pick(uint64_t *seed, unsigned limit);

#endif
