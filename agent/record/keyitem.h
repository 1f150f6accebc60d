/*
 * struct keyitems: the keys below rekey/wrapped/ or rekey/held/ in etcd, as they are, with what could be
 * read of them with the collective keys that this member has. For identity/keyring.h.
 */
#ifndef RECORD_KEYITEM_H
#define RECORD_KEYITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "trust/bundle.h"
#include "trust/privkey.h"
#include "trust/seal.h"

struct keyitem {
	struct list link;
	char *path; /* below the prefix */
	char *value;
	size_t len;
	int64_t rev;
	const char *name;		     /* of the member, in path */
	char key[SEAL_KEY_ID_LEN + 1];	     /* "": it is of no use, or not yet */
	char receiver[PRIVKEY_HASH_LEN + 1]; /* likewise */
	bool listed;
};

enum keyitem_kind { KEYITEM_WRAPPED, KEYITEM_HELD };

struct keyitems {
	enum keyitem_kind kind;
	struct list list; /* struct keyitem, in no order */
	size_t n, max;
};

void keyitems_init(struct keyitems *items, enum keyitem_kind kind, size_t max);
void keyitems_done(struct keyitems *items);
/* The name at the end of a path of this kind; NULL: it is none. */
const char *keyitems_name(enum keyitem_kind kind, const char *path);

/* Also reads it. -ENOSPC past the ceiling; else what reading says (-ENOKEY included). */
int keyitems_put(struct keyitems *items, const struct bundle *bundle, const char *path,
	const char *value, size_t len, int64_t rev, struct err *err) MUST_CHECK;
void keyitems_remove(struct keyitems *items, const char *path);
/* Around a listing: what is not put in between goes. */
void keyitems_begin(struct keyitems *items);
void keyitems_end(struct keyitems *items);
/* The bundle's keys have changed. */
void keyitems_read(struct keyitems *items, const struct bundle *bundle);

const struct keyitem *keyitems_at(const struct keyitems *items, const char *path);
/* That of this key for this member with this hash of a public key. */
const struct keyitem *keyitems_find(
	const struct keyitems *items, const char *name, const char *receiver, const char *key);

#endif
