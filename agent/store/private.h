/*
 * What is in a file: one table. A record is the hash of its bytes and the bytes of a 'P'
 * (store/pack.h); its key is 'k' and the key, so that a listing can be appended, or, where LMDB takes
 * none so long, 'l' and two hashes of it. The mark is under "m", the one key of that length that
 * begins with it.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "base/macros.h"

#define STORE_FILE	"db"
#define STORE_FILE_NEW	"db.new"
#define STORE_KEY_MAX	480 /* LMDB's own is 511 */
#define STORE_HASH_SIZE 8
#define STORE_MARK_KEY	"m"

#endif
