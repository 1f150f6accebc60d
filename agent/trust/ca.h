/*
 * The collective's own certificate authority. Each member holds its key (cfg/collective), so that
 * any member can let the next one in, and renew its own certificate alone.
 *
 * The CA: EC P-384, "collective CA ID", may sign end certificates only (path length 0), 20 years:
 * longer than the servers live, because it is never replaced in a running collective.
 *
 * What it issues: subject and first alternative name are the member's name, further ones its
 * addresses; server and client authentication; not a CA; a random serial of 128 bits; from five
 * minutes ago (clocks differ) for one year, never outside the CA's own period.
 */
#ifndef TRUST_CA_H
#define TRUST_CA_H

#include <stddef.h>

#include "base/err.h"
#include "base/usec.h"
#include "trust/privkey.h"

struct ca;

#define CA_LIFE		 (20 * 365 * 86400 * USEC_PER_SEC)
#define CA_CERT_LIFE	 (365 * 86400 * USEC_PER_SEC)
#define CA_ADDRESSES_MAX 32

/* A new CA. collective_id as bundle_id_valid() wants it; now is wall time. */
int ca_make(struct ca **ret, const char *collective_id, usec_t now, struct err *err) MUST_CHECK;
/* The CA of a bundle: -EINVAL when a half can't be read or the certificate is no CA's,
 * -EKEYREJECTED when they don't belong together. */
int ca_open(struct ca **ret, const char *key_pem, const char *cert_pem, struct err *err) MUST_CHECK;
void ca_free(struct ca *ca);

/* Secret and new: secret_free() it. */
int ca_key_pem(const struct ca *ca, char **ret, struct err *err) MUST_CHECK;
/* The CA's own text. */
const char *ca_cert_pem(const struct ca *ca);

/*
 * Issues for a request after csr_check(): its key is all that is taken from it. name as name_check()
 * wants it; each address is an IPv4 or IPv6 address or a DNS name, repetitions are left out.
 * -EINVAL for a bad request, name or address, -EKEYEXPIRED when now is not within the CA's period.
 * *ret_pem is new; free() it.
 */
int ca_issue(const struct ca *ca, const char *csr_pem, const char *name,
	const char *const *addresses, size_t count, usec_t now, char **ret_pem,
	struct err *err) MUST_CHECK;
/* The same for a key of one's own: the founder's first certificate, and every renewal. */
int ca_renew(const struct ca *ca, const struct privkey *key, const char *name,
	const char *const *addresses, size_t count, usec_t now, char **ret_pem,
	struct err *err) MUST_CHECK;

DEFINE_CLEANUP(struct ca *, ca_free)

#endif
