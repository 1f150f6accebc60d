/*
 * The codes of records in etcd (trust/record.h), made with one of a bundle's collective keys and checked
 * with whichever of them they were made with. A record says in clear, outside of what is covered, the
 * id of that key ("under"); for one that does not, every key is tried.
 */
#ifndef RECORD_SIGNING_H
#define RECORD_SIGNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "trust/bundle.h"
#include "trust/record.h"
#include "trust/seal.h"

/* The place of a key in the bundle (bundle_key_at()) by its id. */
bool signing_find(const struct bundle *bundle, const char *id, size_t *ret);

/* With the key at `which`; 0 is the current one. */
int signing_make(const struct bundle *bundle, size_t which, const char *path,
	const struct record_field *fields, size_t n, char ret_under[SEAL_KEY_ID_LEN + 1],
	char ret_mac[RECORD_MAC_LEN + 1], struct err *err) MUST_CHECK;
/* under NULL: not said. ret_under: the key that it was. -EBADMSG: no member wrote it; -ENOKEY: under a
 * key that is not in the bundle. */
int signing_check(const struct bundle *bundle, const char *path, const struct record_field *fields,
	size_t n, const char *under, const char *mac, char ret_under[SEAL_KEY_ID_LEN + 1],
	struct err *err) MUST_CHECK;

#endif
