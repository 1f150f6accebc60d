/*
 * What the files of this folder share about libcrypto: its errors as ours, its objects in scope
 * clean-up, and reading and writing PEM with ceilings. For agent/trust alone.
 */
#ifndef TRUST_OSSL_H
#define TRUST_OSSL_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/usec.h"
#include "trust/privkey.h"

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

/* Sets "text: what libcrypto complained about first" and empties libcrypto's queue. Returns rc. */
int ossl_error(struct err *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A reader over a text of at most max bytes; what says what it is. -EMSGSIZE past the ceiling. */
int ossl_reader(
	BIO **ret, const char *text, size_t max, const char *what, struct err *err) MUST_CHECK;
/* All that was written to a memory BIO, as a new text. */
char *ossl_written(BIO *out);

int ossl_read_certificate(X509 **ret, const char *pem, struct err *err) MUST_CHECK;
int ossl_write_certificate(char **ret, X509 *cert, struct err *err) MUST_CHECK;

/* Is the public half one that we work with (see trust/privkey.h)? */
int ossl_check_public(EVP_PKEY *key, struct err *err) MUST_CHECK;
/* The hash of the public half. */
int ossl_hash_public(EVP_PKEY *key, char ret[PRIVKEY_HASH_LEN + 1], struct err *err) MUST_CHECK;

/* The public half as of privkey_public(), and back: one that ossl_check_public() accepts. */
int ossl_write_public(EVP_PKEY *key, char **ret, struct err *err) MUST_CHECK;
int ossl_read_public(EVP_PKEY **ret, const char *text, struct err *err) MUST_CHECK;

/* Borrowed from the key. */
EVP_PKEY *privkey_pkey(const struct privkey *key);
/* A request as csr_check() accepts it. */
int csr_open(X509_REQ **ret, const char *pem, struct err *err) MUST_CHECK;

/* A DNS name or address as a subject alternative name: -EINVAL when it is neither. */
int ossl_add_name(GENERAL_NAMES *names, const char *name, struct err *err) MUST_CHECK;

#endif
