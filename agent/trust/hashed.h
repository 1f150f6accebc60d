/*
 * One-way hashes of passwords: what is kept of crypted.* attributes.
 *
 * crypted.grubpassword is hashed for the boot loader, "grub.pbkdf2.sha512.10000." SALT "." HASH (64
 * bytes each, upper-case hex: what grub-mkpasswd-pbkdf2 prints); every other one as /etc/shadow has
 * it, SHA-512 crypt "$6$" SALT "$" HASH (crypt(5)).
 */
#ifndef TRUST_HASHED_H
#define TRUST_HASHED_H

#include <stdbool.h>

#include "base/err.h"

#define HASHED_VALUE_MAX 511 /* bytes of what is hashed; crypt(3) takes no more */
#define HASHED_TEXT_MAX	 383 /* bytes of a hash */

/* Hashes with a new random salt; *ret is new. attribute is the full name. Takes some milliseconds of
 * computing and touches nothing shared: for a worker thread. -EINVAL for an empty value (anybody
 * would get in with it), -EMSGSIZE past HASHED_VALUE_MAX; no text quotes the value. */
int hashed_make(const char *attribute, const char *value, char **ret, struct err *err) MUST_CHECK;

/* Is it a hash that can stand for this attribute's value, in one of the forms of crypt(5) that are not
 * broken by now ($5$, $6$, $7$, $y$, $gy$, $2b$ and its elders) or GRUB's? For ready-made ones. */
bool hashed_looks_like(const char *text);

#endif
