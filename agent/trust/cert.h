/*
 * Certificates: what one says, whether it goes with a key and a CA, and the self-signed one of a
 * standalone server. Certificates travel as PEM text; where a text holds several, the first counts.
 */
#ifndef TRUST_CERT_H
#define TRUST_CERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"
#include "trust/privkey.h"

#define CERT_PEM_MAX   65536 /* bytes of a PEM text that is read */
#define CERT_NAMES_MAX 64    /* subject alternative names that are read */

/* The facts of a certificate. */
struct cert {
	char *subject; /* common name; "" when it has none */
	char **names;  /* subject alternative names: DNS names and addresses as text */
	size_t name_count;
	char *serial;	   /* lower-case hex, no leading zeros but for "0" */
	usec_t not_before; /* wall time, whole seconds */
	usec_t not_after;
	bool is_ca;
	char hash[PRIVKEY_HASH_LEN + 1]; /* of its public key */
};

/* -EINVAL when the text holds no certificate that can be read. */
int cert_parse(struct cert **ret, const char *pem, struct err *err) MUST_CHECK;
void cert_free(struct cert *cert);

/* 0 when the certificate is for this key, -EKEYREJECTED when it is for another. */
int cert_check_key(const char *pem, const struct privkey *key, struct err *err) MUST_CHECK;
/* 0 when the chain from the certificate to this CA verifies (signature, constraints; not the
 * validity period, see cert_check_time()); -EKEYREJECTED with the reason when not. */
int cert_check_issuer(const char *pem, const char *ca_pem, struct err *err) MUST_CHECK;
/* 0 within the validity period; -EKEYEXPIRED before or after it, with the date in the text. */
int cert_check_time(const struct cert *cert, usec_t now, struct err *err) MUST_CHECK;
/* True from two thirds of its life on. */
bool cert_renewal_due(const struct cert *cert, usec_t now);
/* The instant of that, wall time. */
usec_t cert_renewal_time(const struct cert *cert);

/* For a server that is in no collective: subject and alternative name are its name, valid for ten
 * years from five minutes ago, for servers and clients, no CA. *ret_pem is new; free() it. */
int cert_self_sign(const struct privkey *key, const char *name, usec_t now, char **ret_pem,
	struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct cert *, cert_free)

#endif
