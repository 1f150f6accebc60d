/* Private keys and certificate requests. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/trust_help.h"
#include "trust/ca.h"
#include "trust/cert.h"
#include "trust/csr.h"
#include "trust/privkey.h"

static char *pem_of(EVP_PKEY *pkey, const EVP_CIPHER *cipher)
{
	BIO *out = BIO_new(BIO_s_mem());

	ck_assert_int_eq(
		PEM_write_bio_PKCS8PrivateKey(out, pkey, cipher, "pass", 4, NULL, NULL), 1);
	return text_of(out);
}

/* Takes over pkey. */
static int parse(EVP_PKEY *pkey, struct privkey **ret, struct err *err)
{
	char *pem = pem_of(pkey, NULL);
	int rc = privkey_parse(ret, pem, err);

	EVP_PKEY_free(pkey);
	free(pem);
	return rc;
}

START_TEST(a_key_goes_there_and_back)
{
	struct privkey *a = new_key();
	struct privkey *b = NULL;
	char hash_a[PRIVKEY_HASH_LEN + 1];
	char hash_b[PRIVKEY_HASH_LEN + 1];
	char *pem;
	char *again;

	ck_assert_int_eq(privkey_pem(a, &pem, NULL), 0);
	ck_assert(text_starts(pem, "-----BEGIN PRIVATE KEY-----\n"));
	ck_assert_int_eq(privkey_parse(&b, pem, NULL), 0);
	ck_assert_int_eq(privkey_pem(b, &again, NULL), 0);
	ck_assert_str_eq(pem, again);
	ck_assert_int_eq(privkey_hash(a, hash_a, NULL), 0);
	ck_assert_int_eq(privkey_hash(b, hash_b, NULL), 0);
	ck_assert_str_eq(hash_a, hash_b);
	ck_assert(privkey_hash_valid(hash_a));
	secret_free(pem);
	secret_free(again);
	privkey_free(a);
	privkey_free(b);
	privkey_free(NULL);
}
END_TEST

START_TEST(hashes_are_read_strictly)
{
	char hash[PRIVKEY_HASH_LEN + 2];

	snprintf(hash, sizeof(hash), "sha256:%064d", 7);
	ck_assert(privkey_hash_valid(hash));
	hash[10] = 'F';
	ck_assert(!privkey_hash_valid(hash));
	snprintf(hash, sizeof(hash), "sha256:%065d", 7);
	ck_assert(!privkey_hash_valid(hash));
	snprintf(hash, sizeof(hash), "sha512:%064d", 7);
	ck_assert(!privkey_hash_valid(hash));
	ck_assert(!privkey_hash_valid(""));
	ck_assert(!privkey_hash_valid("sha256:"));
}
END_TEST

START_TEST(keys_that_an_administrator_may_bring)
{
	EVP_PKEY *good[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-521"), EVP_RSA_gen(2048)};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct privkey *key = NULL;
		struct err err = {""};
		char *csr;

		ck_assert_msg(parse(good[i], &key, &err) == 0, "%s", err.text);
		ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
		ck_assert_int_eq(csr_check(csr, NULL, NULL), 0);
		free(csr);
		privkey_free(key);
	}
}
END_TEST

/* The registry keeps the hash that the request gave, the agent compares it with that of its own file:
 * they must agree for each way to write a key down. */
START_TEST(key_request_and_certificate_have_the_same_hash)
{
	EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_EC_gen("P-256"), EVP_RSA_gen(2048)};
	struct ca *ca = new_ca(NOW);

	ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(keys[1], "point-format", "compressed"), 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct privkey *key = NULL;
		struct cert *cert;
		char of_key[PRIVKEY_HASH_LEN + 1];
		char of_request[PRIVKEY_HASH_LEN + 1];
		char *csr;
		char *pem;

		ck_assert_int_eq(parse(keys[i], &key, NULL), 0);
		ck_assert_int_eq(privkey_hash(key, of_key, NULL), 0);
		ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
		ck_assert_int_eq(csr_check(csr, of_request, NULL), 0);
		ck_assert_str_eq(of_key, of_request);
		ck_assert_int_eq(ca_issue(ca, csr, "mgt2", NULL, 0, NOW, &pem, NULL), 0);
		cert = facts_of(pem);
		ck_assert_str_eq(of_key, cert->hash);
		ck_assert_int_eq(cert_check_key(pem, key, NULL), 0);
		cert_free(cert);
		free(pem);
		free(csr);
		privkey_free(key);
	}
	ca_free(ca);
}
END_TEST

START_TEST(keys_that_are_refused_with_the_reason)
{
	struct privkey *key = NULL;
	struct err err = {""};
	EVP_PKEY *pkey;
	char *pem;

	ck_assert_int_eq(parse(EVP_RSA_gen(1024), &key, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the RSA key has 1024 bits (2048 to 8192 are accepted)");
	ck_assert_int_eq(parse(EVP_EC_gen("prime192v1"), &key, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the EC key is on the weak curve prime192v1 (use P-384)");
	ck_assert_int_eq(parse(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), &key, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the key is neither EC nor RSA (use EC on P-384)");
	pkey = EVP_EC_gen("P-384");
	pem = pem_of(pkey, EVP_aes_256_cbc());
	ck_assert_int_eq(privkey_parse(&key, pem, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the private key is encrypted (remove the passphrase: openssl "
				   "pkey -in FILE -out FILE)");
	free(pem);
	/* a curve in numbers, even one that has a name */
	EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit");
	ck_assert_int_eq(parse(pkey, &key, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the EC key is not on a named curve (use P-384)");
	ck_assert_int_eq(privkey_parse(&key, "", &err), -EINVAL);
	ck_assert(text_starts(err.text, "not a private key in PEM"));
	pem = xmalloc(PRIVKEY_PEM_MAX + 2);
	memset(pem, '-', PRIVKEY_PEM_MAX + 1);
	pem[PRIVKEY_PEM_MAX + 1] = '\0';
	ck_assert_int_eq(privkey_parse(&key, pem, &err), -EMSGSIZE);
	ck_assert_str_eq(err.text, "the private key is larger than 16384 bytes");
	free(pem);
	ck_assert_ptr_null(key);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(a_public_key_or_a_certificate_is_no_private_key)
{
	struct privkey *key = new_key();
	struct privkey *other = NULL;
	struct err err = {""};
	char *pem;

	ck_assert_int_eq(cert_self_sign(key, "mgt1", NOW, &pem, NULL), 0);
	ck_assert_int_eq(privkey_parse(&other, pem, &err), -EINVAL);
	ck_assert(text_starts(err.text, "not a private key in PEM"));
	free(pem);
	privkey_free(key);
}
END_TEST

START_TEST(a_request_proves_its_key)
{
	struct privkey *key = new_key();
	char want[PRIVKEY_HASH_LEN + 1];
	char got[PRIVKEY_HASH_LEN + 1];
	char *csr;

	ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
	ck_assert_int_eq(csr_check(csr, got, NULL), 0);
	ck_assert_int_eq(privkey_hash(key, want, NULL), 0);
	ck_assert_str_eq(got, want);
	ck_assert_int_eq(csr_make(key, "mgt@2", &csr, NULL), -EINVAL);
	free(csr);
	privkey_free(key);
}
END_TEST

static void expect_bad_request(char *csr, int rc, const char *why)
{
	char hash[PRIVKEY_HASH_LEN + 1] = "untouched";
	struct ca *ca = new_ca(NOW);
	struct err err = {""};
	char *pem = NULL;

	ck_assert_int_eq(csr_check(csr, hash, &err), rc);
	ck_assert_msg(text_starts(err.text, why), "%s", err.text);
	ck_assert_str_eq(hash, "untouched");
	ck_assert_int_eq(ca_issue(ca, csr, "mgt2", NULL, 0, NOW, &pem, NULL), rc);
	ck_assert_ptr_null(pem);
	ca_free(ca);
	free(csr);
}

START_TEST(bad_requests_are_refused)
{
	EVP_PKEY *mine = EVP_EC_gen("P-384");
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	char *good = wish(mine, mine, "mgt2", false);
	EVP_PKEY *stolen = EVP_EC_gen("P-384");

	expect_bad_request(wish(stolen, mine, "mgt2", false), -EKEYREJECTED,
		"the certificate request is not signed with the key in it");
	expect_bad_request(wish(weak, weak, "mgt2", false), -EINVAL,
		"certificate request: the RSA key has 1024 bits");
	expect_bad_request(xstrdup(""), -EINVAL, "not one certificate request in PEM");
	expect_bad_request(xasprintf("\n%s", good), -EINVAL, "not one certificate request in PEM");
	expect_bad_request(
		xasprintf("%s%s", good, good), -EINVAL, "not one certificate request in PEM");
	expect_bad_request(xasprintf("%sx", good), -EINVAL, "not one certificate request in PEM");
	expect_bad_request(xstrdup("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
				   "-----END CERTIFICATE REQUEST-----\n"),
		-EINVAL, "the certificate request can");
	free(good);
	good = xmalloc(CSR_PEM_MAX + 2);
	memset(good, '-', CSR_PEM_MAX + 1);
	good[CSR_PEM_MAX + 1] = '\0';
	expect_bad_request(good, -EMSGSIZE, "the certificate request is larger than 16384 bytes");
	EVP_PKEY_free(mine);
	EVP_PKEY_free(stolen);
	EVP_PKEY_free(weak);
}
END_TEST

START_TEST(a_changed_request_is_refused)
{
	struct privkey *key = new_key();
	char want[PRIVKEY_HASH_LEN + 1];
	char got[PRIVKEY_HASH_LEN + 1];
	char *csr;

	ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
	ck_assert_int_eq(privkey_hash(key, want, NULL), 0);
	for (char *c = csr; *c; c++) {
		*c ^= 1;
		/* the last bits of base64 may be without meaning: then it is the same request */
		if (csr_check(csr, got, NULL) == 0)
			ck_assert_str_eq(got, want);
		*c ^= 1;
	}
	free(csr);
	privkey_free(key);
}
END_TEST

static Suite *privkey_suite(void)
{
	Suite *suite = suite_create("trust privkey");
	TCase *t = tcase_create("privkey");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_key_goes_there_and_back);
	tcase_add_test(t, hashes_are_read_strictly);
	tcase_add_test(t, keys_that_an_administrator_may_bring);
	tcase_add_test(t, key_request_and_certificate_have_the_same_hash);
	tcase_add_test(t, keys_that_are_refused_with_the_reason);
	tcase_add_test(t, a_public_key_or_a_certificate_is_no_private_key);
	tcase_add_test(t, a_request_proves_its_key);
	tcase_add_test(t, bad_requests_are_refused);
	tcase_add_test(t, a_changed_request_is_refused);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(privkey_suite)
