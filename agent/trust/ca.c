/*
 * Happy path: ca_make() when a collective is founded, ca_open() from the bundle ever after, ca_issue()
 * for a joiner's request and ca_renew() for oneself. Failure: halves that don't belong together,
 * requests and names that are none, a clock outside of the CA's own period.
 */
#include "config.h"
#include "trust/ca.h"

#include <errno.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "base/name.h"
#include "trust/bundle.h"
#include "trust/cert.h"
#include "trust/issue.h"
#include "trust/ossl.h"

struct ca {
	struct privkey *key;
	X509 *cert;
	char *pem; /* of cert */
	usec_t not_before;
	usec_t not_after;
};

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	privkey_free(ca->key);
	X509_free(ca->cert);
	free(ca->pem);
	free(ca);
}

static int check_ca(X509 *cert, struct err *err)
{
	int is_ca = X509_check_ca(cert);

	ERR_clear_error();
	return is_ca == 1 ? 0 : err_set(err, -EINVAL, "the certificate is not one of a CA");
}

/* Takes over key and cert, in success and failure. */
static int assemble(struct ca **ret, struct privkey *key, X509 *cert, struct err *err)
{
	CLEANUP(ca_freep) struct ca *ca = xcalloc(1, sizeof(*ca));
	int rc;

	ca->key = key;
	ca->cert = cert;
	rc = check_ca(cert, err);
	if (rc < 0)
		return rc;
	if (issue_time_read(X509_get0_notBefore(cert), &ca->not_before) < 0 ||
		issue_time_read(X509_get0_notAfter(cert), &ca->not_after) < 0)
		return ossl_error(err, -EINVAL, "the validity of the CA can't be read");
	if (X509_check_private_key(cert, privkey_pkey(key)) != 1) {
		ERR_clear_error();
		return err_set(err, -EKEYREJECTED, "the CA's certificate is for another key");
	}
	rc = ossl_write_certificate(&ca->pem, cert, err);
	if (rc == 0)
		*ret = TAKE(ca);
	return rc;
}

int ca_make(struct ca **ret, const char *collective_id, usec_t now, struct err *err)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(freep) char *subject = NULL;
	X509 *cert;
	struct issue order = {
		.not_before = usec_max(now - ISSUE_SKEW, 0),
		.not_after = usec_add(now, CA_LIFE),
		.is_ca = true,
	};
	int rc;

	if (!bundle_id_valid(collective_id))
		return err_set(err, -EINVAL, "not the id of a collective");
	rc = privkey_generate(&key, err);
	if (rc < 0)
		return rc;
	subject = xasprintf("collective CA %s", collective_id);
	order.subject = subject;
	order.key = order.issuer_key = privkey_pkey(key);
	rc = issue_certificate(&order, &cert, err);
	return rc < 0 ? rc : assemble(ret, TAKE(key), cert, err);
}

int ca_open(struct ca **ret, const char *key_pem, const char *cert_pem, struct err *err)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	X509 *cert;
	int rc = privkey_parse(&key, key_pem, err);

	if (rc == 0)
		rc = ossl_read_certificate(&cert, cert_pem, err);
	if (rc < 0)
		return err_wrap(err, rc, "the collective's CA");
	return assemble(ret, TAKE(key), cert, err);
}

int ca_key_pem(const struct ca *ca, char **ret, struct err *err)
{
	return privkey_pem(ca->key, ret, err);
}

const char *ca_cert_pem(const struct ca *ca)
{
	return ca->pem;
}

static int issue(const struct ca *ca, EVP_PKEY *key, const char *name, const char *const *addresses,
	size_t count, usec_t now, char **ret_pem, struct err *err)
{
	CLEANUP(X509_freep) X509 *cert = NULL;
	struct issue order = {
		.subject = name,
		.key = key,
		.issuer = ca->cert,
		.issuer_key = privkey_pkey(ca->key),
		.not_before = usec_max(now - ISSUE_SKEW, ca->not_before),
		.not_after = usec_min(usec_add(now, CA_CERT_LIFE), ca->not_after),
		.names = addresses,
		.name_count = count,
	};
	int rc = name_check(name, err);

	if (rc < 0)
		return rc;
	if (count > CA_ADDRESSES_MAX)
		return err_set(
			err, -EINVAL, "more than %d addresses for %s", CA_ADDRESSES_MAX, name);
	if (now < ca->not_before || now >= ca->not_after)
		return err_set(err, -EKEYEXPIRED,
			"the collective's CA is not valid at this time (is the clock right?)");
	rc = issue_certificate(&order, &cert, err);
	return rc < 0 ? rc : ossl_write_certificate(ret_pem, cert, err);
}

int ca_issue(const struct ca *ca, const char *csr_pem, const char *name,
	const char *const *addresses, size_t count, usec_t now, char **ret_pem, struct err *err)
{
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	int rc = csr_open(&req, csr_pem, err);

	return rc < 0 ? rc
		      : issue(ca, X509_REQ_get0_pubkey(req), name, addresses, count, now, ret_pem,
				err);
}

int ca_renew(const struct ca *ca, const struct privkey *key, const char *name,
	const char *const *addresses, size_t count, usec_t now, char **ret_pem, struct err *err)
{
	return issue(ca, privkey_pkey(key), name, addresses, count, now, ret_pem, err);
}
