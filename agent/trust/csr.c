/*
 * Happy path: csr_make() on the joiner, csr_check() where it asks to be let in, ca_issue() for it.
 * Failure: a text that is more or less than one request, a key that we would not take from an
 * administrator either (a huge one would cost time to verify), a signature by another key.
 */
#include "config.h"
#include "trust/csr.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/name.h"
#include "base/text.h"
#include "trust/ossl.h"

#define CSR_BEGIN "-----BEGIN CERTIFICATE REQUEST-----\n"
#define CSR_END	  "-----END CERTIFICATE REQUEST-----\n"

int csr_make(const struct privkey *key, const char *name, char **ret_pem, struct err *err)
{
	CLEANUP(X509_REQ_freep) X509_REQ *req = X509_REQ_new();
	CLEANUP(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = privkey_pkey(key);
	int rc = name_check(name, err);

	if (rc < 0)
		return rc;
	if (!req || !out || !X509_REQ_set_version(req, X509_REQ_VERSION_1) ||
		!X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
			(const unsigned char *)name, -1, -1, 0) ||
		!X509_REQ_set_pubkey(req, pkey) || !X509_REQ_sign(req, pkey, EVP_sha384()) ||
		!PEM_write_bio_X509_REQ(out, req))
		return ossl_error(err, -EIO, "cannot make a certificate request for %s", name);
	*ret_pem = ossl_written(out);
	return 0;
}

/* PEM readers skip what is before and behind; a request from a peer has nothing there. */
static bool stands_alone(const char *pem)
{
	const char *end = strstr(pem, CSR_END);

	return text_starts(pem, CSR_BEGIN) && end && !end[strlen(CSR_END)];
}

int csr_open(X509_REQ **ret, const char *pem, struct err *err)
{
	CLEANUP(BIO_freep) BIO *in = NULL;
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	EVP_PKEY *pkey;
	int rc = ossl_reader(&in, pem, CSR_PEM_MAX, "certificate request", err);

	if (rc < 0)
		return rc;
	if (!stands_alone(pem))
		return err_set(err, -EINVAL, "not one certificate request in PEM");
	req = PEM_read_bio_X509_REQ(in, NULL, NULL, NULL);
	if (!req)
		return ossl_error(err, -EINVAL, "the certificate request cannot be read");
	pkey = X509_REQ_get0_pubkey(req);
	if (!pkey)
		return ossl_error(
			err, -EINVAL, "the key in the certificate request cannot be read");
	rc = ossl_check_public(pkey, err);
	if (rc < 0)
		return err_wrap(err, rc, "certificate request");
	if (X509_REQ_verify(req, pkey) != 1) {
		ERR_clear_error();
		return err_set(err, -EKEYREJECTED,
			"the certificate request is not signed with the key in it");
	}
	*ret = TAKE(req);
	return 0;
}

int csr_check(const char *pem, char ret_hash[PRIVKEY_HASH_LEN + 1], struct err *err)
{
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	int rc = csr_open(&req, pem, err);

	if (rc < 0 || !ret_hash)
		return rc;
	return ossl_hash_public(X509_REQ_get0_pubkey(req), ret_hash, err);
}

int csr_public(const char *pem, char **ret, struct err *err)
{
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	int rc = csr_open(&req, pem, err);

	return rc < 0 ? rc : ossl_write_public(X509_REQ_get0_pubkey(req), ret, err);
}
