/*
 * Authentication of what members write into the registry (members/NAME in etcd): HMAC-SHA256 under
 * the key kdf_collective_key(KDF_RECORD_KEY, …) over the collective id, the record's key in etcd and
 * its fields. So who can write to etcd but is not a member can't add one, nor change one, nor copy
 * one to another name or another collective.
 *
 * What is authenticated is a list of named texts, not JSON: two spellings of the same record have
 * the same code. Fields are put in order by name here, so the caller's order does not matter; a name
 * must not come twice. A value of NULL is a field that is absent, which differs from an empty one
 * and is the same as not naming it. The code itself must not be among the fields.
 */
#ifndef TRUST_RECORD_H
#define TRUST_RECORD_H

#include <stddef.h>

#include "base/err.h"
#include "trust/kdf.h"

#define RECORD_MAC_LEN	  64 /* hex digits */
#define RECORD_FIELDS_MAX 64
#define RECORD_BYTES_MAX  65536 /* all names and values */

struct record_field {
	const char *name;
	const char *value;
};

/* The code as lower-case hex. -EINVAL when a name comes twice, -EMSGSIZE past a ceiling. */
int record_mac(const unsigned char key[KDF_KEY_LEN], const char *collective_id, const char *path,
	const struct record_field *fields, size_t count, char ret[RECORD_MAC_LEN + 1],
	struct err *err) MUST_CHECK;

/* 0 when mac is the record's code; -EBADMSG when not (mac NULL: it has none). Compares in constant
 * time. */
int record_verify(const unsigned char key[KDF_KEY_LEN], const char *collective_id, const char *path,
	const struct record_field *fields, size_t count, const char *mac,
	struct err *err) MUST_CHECK;

#endif
