#include "config.h"
#include "test_io_cert.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/mem.h"

static char *bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = xstrndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void sign(X509 *x, EVP_PKEY *own, const struct test_cert *issuer)
{
	BIO *bio;
	X509 *ca;
	EVP_PKEY *key;

	if (!issuer) {
		ck_assert_int_gt(X509_sign(x, own, EVP_sha256()), 0);
		return;
	}
	bio = BIO_new_mem_buf(issuer->certificate, -1);
	ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	bio = BIO_new_mem_buf(issuer->key, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ck_assert(ca && key);
	X509_set_issuer_name(x, X509_get_subject_name(ca));
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	X509_free(ca);
	EVP_PKEY_free(key);
}

void test_cert_make(struct test_cert *cert, const char *common_name, const struct test_cert *issuer)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name;
	BIO *bio;

	ck_assert(key && x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), issuer ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
	X509_set_issuer_name(x, name);
	add_extension(x, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
	add_extension(x, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
	sign(x, key, issuer);
	bio = BIO_new(BIO_s_mem());
	ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
	cert->certificate = bio_text(bio);
	bio = BIO_new(BIO_s_mem());
	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	cert->key = bio_text(bio);
	X509_free(x);
	EVP_PKEY_free(key);
}

void test_cert_done(struct test_cert *cert)
{
	free(cert->certificate);
	free(cert->key);
	*cert = (struct test_cert){0};
}
