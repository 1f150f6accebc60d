/*
 * Certificate requests (PKCS#10, PEM): how a joiner hands over its public key and proves that it has
 * the private one. Nothing else in a request is believed: the issuer decides subject, names,
 * usage and validity (trust/ca.h).
 */
#ifndef TRUST_CSR_H
#define TRUST_CSR_H

#include "base/err.h"
#include "trust/privkey.h"

#define CSR_PEM_MAX 16384 /* bytes */

/* *ret_pem is new; free() it. */
int csr_make(
	const struct privkey *key, const char *name, char **ret_pem, struct err *err) MUST_CHECK;

/* Is it a request that is signed with its own, acceptable key? ret_hash (may be NULL) is that key's
 * hash as of trust/privkey.h. -EINVAL for what is no request, an unacceptable key or anything behind
 * the request; -EKEYREJECTED when the signature does not fit. */
int csr_check(const char *pem, char ret_hash[PRIVKEY_HASH_LEN + 1], struct err *err) MUST_CHECK;

/* The public half of the key in a request that csr_check() takes, as of privkey_public(). */
int csr_public(const char *pem, char **ret, struct err *err) MUST_CHECK;

#endif
