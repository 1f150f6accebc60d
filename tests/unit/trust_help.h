/* What the test programs of keys, certificates and the CA share. */
#ifndef TESTS_UNIT_TRUST_HELP_H
#define TESTS_UNIT_TRUST_HELP_H

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "tests/lib/suite.h"
#include "trust/ca.h"
#include "trust/cert.h"
#include "trust/privkey.h"

#define NOW  (1790000000 * USEC_PER_SEC)
#define DAY  (86400 * USEC_PER_SEC)
#define SKEW (300 * USEC_PER_SEC)

static inline struct privkey *new_key(void)
{
	struct privkey *key = NULL;

	ck_assert_int_eq(privkey_generate(&key, NULL), 0);
	return key;
}

static inline struct ca *new_ca(usec_t now)
{
	struct ca *ca = NULL;
	struct err err = {""};

	ck_assert_msg(ca_make(&ca, "c1", now, &err) == 0, "%s", err.text);
	return ca;
}

static inline struct cert *facts_of(const char *pem)
{
	struct cert *cert = NULL;
	struct err err = {""};

	ck_assert_msg(cert_parse(&cert, pem, &err) == 0, "%s", err.text);
	return cert;
}

static inline X509 *x509_of(const char *pem)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

	BIO_free(in);
	ck_assert_ptr_nonnull(x);
	return x;
}

/* What a BIO holds, as a text. */
static inline char *text_of(BIO *out)
{
	char *data;
	long len = BIO_get_mem_data(out, &data);
	char *text = xstrndup(data, (size_t)len);

	BIO_free(out);
	return text;
}

/* A request for one's own wishes: key in it, key that signs it, extensions asked for. */
static inline char *wish(EVP_PKEY *key, EVP_PKEY *signer, const char *subject, bool greedy)
{
	X509_REQ *req = X509_REQ_new();
	BIO *out = BIO_new(BIO_s_mem());
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	static const struct {
		int nid;
		const char *value;
	} asked[] = {
		{NID_basic_constraints, "critical,CA:TRUE"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
		{NID_subject_alt_name, "DNS:mgt1,DNS:*.example,IP:192.0.2.66"},
		{NID_ext_key_usage, "codeSigning"},
	};

	for (size_t i = 0; greedy && i < ARRAY_SIZE(asked); i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, asked[i].nid, asked[i].value);

		ck_assert_ptr_nonnull(ext);
		sk_X509_EXTENSION_push(exts, ext);
	}
	if (greedy)
		ck_assert_int_eq(X509_REQ_add_extensions(req, exts), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN",
				 MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0),
		1);
	X509_REQ_set_pubkey(req, key);
	ck_assert_int_gt(X509_REQ_sign(req, signer, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_bio_X509_REQ(out, req), 1);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	return text_of(out);
}

#endif
