/*
 * The making of a certificate, for cert.c and ca.c: everything that is in it is in the order, and
 * nothing comes from anywhere else. For agent/trust alone.
 */
#ifndef TRUST_ISSUE_H
#define TRUST_ISSUE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/usec.h"

#define ISSUE_SKEW (300 * USEC_PER_SEC) /* how far before now a certificate begins: clocks differ */

struct issue {
	const char *subject;  /* common name, at most 64 bytes */
	EVP_PKEY *key;	      /* the public half is the certificate's */
	X509 *issuer;	      /* NULL: self-signed */
	EVP_PKEY *issuer_key; /* signs; the same as key when self-signed */
	usec_t not_before;    /* wall time; cut to whole seconds */
	usec_t not_after;
	bool is_ca;		  /* else: an end certificate for servers and clients */
	const char *const *names; /* alternative names behind the subject, DNS or addresses */
	size_t name_count;
};

/* -EINVAL for a name that can't be one or a time that can't be written down. */
int issue_certificate(const struct issue *order, X509 **ret, struct err *err) MUST_CHECK;

/* Wall time as libcrypto has it, and back. */
int issue_time_read(const ASN1_TIME *t, usec_t *ret) MUST_CHECK;

#endif
