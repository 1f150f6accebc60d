/*
 * struct writes: changes of small files, put together in one place and carried out in another, in
 * the order in which they were added (base/file.h does each of them).
 *
 * It holds copies of all it needs and is tied to nothing, so that it may be carried out by another
 * thread. The first change that fails ends it; those before it are on disk.
 */
#ifndef BASE_WRITES_H
#define BASE_WRITES_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/macros.h"

struct writes;

struct writes *writes_new(void);
/* For what could not even be put together: carrying it out fails with that. */
struct writes *writes_failed(int rc, const char *why);
/* Wipes the contents. */
void writes_free(struct writes *writes);

void writes_folder(struct writes *writes, const char *path, mode_t mode);
void writes_replace(
	struct writes *writes, const char *path, const void *data, size_t len, mode_t mode);
void writes_remove(struct writes *writes, const char *path);

/* Blocks on the disk: for a worker thread, or before the loop runs. */
int writes_carry_out(const struct writes *writes, struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct writes *, writes_free)

#endif
