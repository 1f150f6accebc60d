/*
 * struct others: the keys below the prefix that are neither nodes nor groups (the registry, the pulse,
 * what the leader did, foreign ones), as they are, in the order of their bytes.
 *
 * There is a ceiling on the registry's (keys of members, of what is active, and of changes of the
 * collective key) and one on all the rest, so that what somebody else puts below the prefix does not fill
 * the memory, nor take the registry's place: past it, keys are not kept.
 */
#ifndef COPY_OTHERS_H
#define COPY_OTHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct others;

/* Keys and bytes: of the registry, and besides. The registry of ROSTER_MAX members has some 2000 keys. */
#define OTHERS_REGISTRY_MAX 4096
#define OTHERS_MAX	    16384
#define OTHERS_BYTES_MAX    ((size_t)32 << 20)

struct others *others_new(void);
/* NULL is fine. */
void others_free(struct others *others);
/* False: there was no room for it. */
bool others_put(struct others *others, const struct store_kv *kv);
void others_delete(struct others *others, const char *key, size_t key_len);
size_t others_count(const struct others *others);
/* Every key of the registry that was put is here. */
bool others_whole(const struct others *others);
void others_each(
	const struct others *others, void (*fn)(const struct store_kv *kv, void *arg), void *arg);

#endif
