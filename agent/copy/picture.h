/*
 * struct picture: all keys below the prefix at one revision, in memory: nodes and groups as a struct
 * db, the others as they are.
 */
#ifndef COPY_PICTURE_H
#define COPY_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "copy/others.h"
#include "model/db.h"
#include "store/store.h"

struct worker;

struct picture {
	struct db *db;
	struct others *others;
};

struct picture *picture_new(void);
/* NULL is fine. A large one takes longer than a turn of the loop may: */
void picture_free(struct picture *picture);
/* On that thread. */
void picture_free_on(struct worker *worker, struct picture *picture);
/* 0, or -EINVAL with a text where the key can't be used (db_put()), or -ENOSPC where it was not kept
 * (copy/others.h). kv's key is relative to the prefix. */
int picture_put(struct picture *picture, const struct store_kv *kv, struct err *why) MUST_CHECK;
void picture_delete(struct picture *picture, const char *key, size_t key_len);

#endif
