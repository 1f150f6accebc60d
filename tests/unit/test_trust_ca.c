/* The CA of a collective, and what it issues. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/trust_help.h"
#include "trust/ca.h"
#include "trust/cert.h"
#include "trust/csr.h"

START_TEST(what_the_ca_issues)
{
	static const char *const addresses[] = {
		"10.0.0.2", "fd00::2", "mgt2.example", "mgt2", "10.0.0.2"};
	struct ca *ca = new_ca(NOW - 100 * DAY);
	struct privkey *key = new_key();
	struct cert *cert;
	struct err err = {""};
	char *csr;
	char *pem;
	X509 *x;

	ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
	ck_assert_msg(
		ca_issue(ca, csr, "mgt2", addresses, 5, NOW, &pem, &err) == 0, "%s", err.text);
	cert = facts_of(pem);
	ck_assert_str_eq(cert->subject, "mgt2");
	ck_assert_uint_eq(cert->name_count, 4);
	ck_assert_str_eq(cert->names[0], "mgt2");
	ck_assert_str_eq(cert->names[1], "10.0.0.2");
	ck_assert_str_eq(cert->names[2], "fd00::2");
	ck_assert_str_eq(cert->names[3], "mgt2.example");
	ck_assert_int_eq(cert->not_before, NOW - SKEW);
	ck_assert_int_eq(cert->not_after, NOW + 365 * DAY);
	ck_assert(!cert->is_ca);
	ck_assert_uint_ge(strlen(cert->serial), 20);
	ck_assert_uint_le(strlen(cert->serial), 32);
	ck_assert_int_eq(cert_check_key(pem, key, NULL), 0);
	ck_assert_int_eq(cert_check_issuer(pem, ca_cert_pem(ca), &err), 0);
	x = x509_of(pem);
	ck_assert_uint_eq(X509_get_extended_key_usage(x), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	ck_assert_uint_eq(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	ck_assert_int_eq(X509_check_host(x, "mgt2", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "fd00::2", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "fd00::3", 0), 0);
	X509_free(x);
	free(csr);
	free(pem);
	cert_free(cert);
	privkey_free(key);
	ca_free(ca);
}
END_TEST

/* The chain as others see it: the strictest check of libcrypto at the certificate's own time. */
START_TEST(the_chain_verifies_strictly)
{
	struct ca *ca = new_ca(NOW);
	struct privkey *key = new_key();
	char *pem;
	X509 *x;
	X509 *ca_x = x509_of(ca_cert_pem(ca));
	X509_STORE *store = X509_STORE_new();
	EVP_PKEY *ca_key = X509_get0_pubkey(ca_x);
	int purposes[] = {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT};

	ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW, &pem, NULL), 0);
	x = x509_of(pem);
	ck_assert_int_eq(X509_verify(x, ca_key), 1);
	ck_assert_int_eq(X509_verify(ca_x, ca_key), 1);
	X509_STORE_add_cert(store, ca_x);
	for (size_t i = 0; i < ARRAY_SIZE(purposes); i++) {
		X509_STORE_CTX *ctx = X509_STORE_CTX_new();

		ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
		X509_STORE_CTX_set_time(ctx, 0, (time_t)(NOW / USEC_PER_SEC));
		X509_STORE_CTX_set_purpose(ctx, purposes[i]);
		ck_assert_msg(X509_verify_cert(ctx) == 1, "%s",
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
		X509_STORE_CTX_free(ctx);
	}
	X509_STORE_free(store);
	X509_free(x);
	X509_free(ca_x);
	free(pem);
	privkey_free(key);
	ca_free(ca);
}
END_TEST

START_TEST(a_greedy_request_gets_nothing_it_asks_for)
{
	struct ca *ca = new_ca(NOW);
	EVP_PKEY *mine = EVP_EC_gen("P-256");
	char *csr = wish(mine, mine, "mgt1", true);
	struct cert *cert;
	char *pem;
	X509 *x;

	ck_assert_int_eq(ca_issue(ca, csr, "mgt2", NULL, 0, NOW, &pem, NULL), 0);
	cert = facts_of(pem);
	x = x509_of(pem);
	ck_assert(!cert->is_ca);
	ck_assert_str_eq(cert->subject, "mgt2");
	ck_assert_uint_eq(cert->name_count, 1);
	ck_assert_str_eq(cert->names[0], "mgt2");
	ck_assert_uint_eq(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	ck_assert_uint_eq(X509_get_extended_key_usage(x), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	ck_assert_int_eq(X509_get_ext_count(x), 6);
	X509_free(x);
	cert_free(cert);
	free(pem);
	free(csr);
	EVP_PKEY_free(mine);
	ca_free(ca);
}
END_TEST

START_TEST(bad_names_and_addresses_are_refused)
{
	static const char *const bad[] = {"", "a b", "*.example", "-x", "x-", "a..b", "1.2.3.4/24",
		"fd00::2%eth0", "a\nb", "DNS:a", "a,DNS:b", "[fd00::2]", "10.0.0.2:13001"};
	const char *many[CA_ADDRESSES_MAX + 1];
	struct ca *ca = new_ca(NOW);
	struct privkey *key = new_key();
	struct err err = {""};
	char *longest = xmalloc(255);
	char *pem = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(ca_renew(ca, key, "mgt2", &bad[i], 1, NOW, &pem, &err) == -EINVAL,
			"%s", bad[i]);
	ck_assert_str_eq(err.text, "cannot make a certificate for 'mgt2': '10.0.0.2:13001' is "
				   "neither an IP address nor a DNS name");
	memset(longest, 'a', 254);
	longest[254] = '\0';
	many[0] = longest;
	ck_assert_int_eq(ca_renew(ca, key, "mgt2", many, 1, NOW, &pem, NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = "10.0.0.2";
	ck_assert_int_eq(
		ca_renew(ca, key, "mgt2", many, ARRAY_SIZE(many), NOW, &pem, &err), -EINVAL);
	ck_assert_str_eq(err.text, "more than 32 addresses for mgt2");
	ck_assert_int_eq(ca_renew(ca, key, "mgt@2", NULL, 0, NOW, &pem, NULL), -EINVAL);
	ck_assert_int_eq(ca_renew(ca, key, "", NULL, 0, NOW, &pem, NULL), -EINVAL);
	ck_assert_ptr_null(pem);
	free(longest);
	privkey_free(key);
	ca_free(ca);
}
END_TEST

START_TEST(serial_numbers_do_not_repeat)
{
	struct ca *ca = new_ca(NOW);
	struct privkey *key = new_key();
	char serials[8][64];

	for (int i = 0; i < 8; i++) {
		struct cert *cert;
		char *pem;

		ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW, &pem, NULL), 0);
		cert = facts_of(pem);
		snprintf(serials[i], sizeof(serials[i]), "%s", cert->serial);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(serials[i], serials[j]);
		cert_free(cert);
		free(pem);
	}
	privkey_free(key);
	ca_free(ca);
}
END_TEST

START_TEST(the_ca_says_what_it_is_and_comes_back_from_its_texts)
{
	struct ca *ca = new_ca(NOW);
	struct ca *again = NULL;
	struct cert *cert = facts_of(ca_cert_pem(ca));
	struct privkey *key = new_key();
	X509 *x = x509_of(ca_cert_pem(ca));
	char *key_pem;
	char *pem;

	ck_assert(cert->is_ca);
	ck_assert_str_eq(cert->subject, "collective CA c1");
	ck_assert_int_eq(cert->not_before, NOW - SKEW);
	ck_assert_int_eq(cert->not_after, NOW + CA_LIFE);
	ck_assert_uint_eq(cert->name_count, 0);
	ck_assert_uint_eq(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	ck_assert_int_eq(X509_get_pathlen(x), 0);
	ck_assert_int_eq(ca_key_pem(ca, &key_pem, NULL), 0);
	ck_assert_int_eq(ca_open(&again, key_pem, ca_cert_pem(ca), NULL), 0);
	ck_assert_str_eq(ca_cert_pem(again), ca_cert_pem(ca));
	ck_assert_int_eq(ca_renew(again, key, "mgt1", NULL, 0, NOW, &pem, NULL), 0);
	ck_assert_int_eq(cert_check_issuer(pem, ca_cert_pem(ca), NULL), 0);
	secret_free(key_pem);
	free(pem);
	X509_free(x);
	cert_free(cert);
	privkey_free(key);
	ca_free(ca);
	ca_free(again);
	ca_free(NULL);
}
END_TEST

START_TEST(what_is_no_ca_is_not_opened)
{
	struct ca *ca = new_ca(NOW);
	struct ca *other = new_ca(NOW);
	struct ca *opened = NULL;
	struct privkey *key = new_key();
	struct err err = {""};
	char *key_pem;
	char *pem;

	ck_assert_int_eq(ca_key_pem(other, &key_pem, NULL), 0);
	ck_assert_int_eq(ca_open(&opened, key_pem, ca_cert_pem(ca), &err), -EKEYREJECTED);
	ck_assert_str_eq(err.text, "the CA's certificate is for another key");
	ck_assert_int_eq(ca_open(&opened, "x", ca_cert_pem(ca), &err), -EINVAL);
	ck_assert(text_starts(err.text, "the collective's CA: not a private key in PEM"));
	ck_assert_int_eq(ca_open(&opened, key_pem, "x", &err), -EINVAL);
	ck_assert(text_starts(err.text, "the collective's CA: not a certificate in PEM"));
	secret_free(key_pem);
	/* a certificate that the CA issued, with its key, is no CA */
	ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW, &pem, NULL), 0);
	ck_assert_int_eq(privkey_pem(key, &key_pem, NULL), 0);
	ck_assert_int_eq(ca_open(&opened, key_pem, pem, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the certificate is not one of a CA");
	secret_free(key_pem);
	free(pem);
	ck_assert_int_eq(ca_make(&opened, "c 1", NOW, &err), -EINVAL);
	ck_assert_int_eq(ca_make(&opened, "", NOW, &err), -EINVAL);
	ck_assert_ptr_null(opened);
	privkey_free(key);
	ca_free(ca);
	ca_free(other);
}
END_TEST

START_TEST(no_certificate_outlives_the_ca)
{
	struct ca *ca = new_ca(NOW);
	struct privkey *key = new_key();
	struct cert *cert;
	struct err err = {""};
	char *pem;

	ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW + CA_LIFE - DAY, &pem, NULL), 0);
	cert = facts_of(pem);
	ck_assert_int_eq(cert->not_after, NOW + CA_LIFE);
	ck_assert_int_eq(cert->not_before, NOW + CA_LIFE - DAY - SKEW);
	cert_free(cert);
	free(pem);
	ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW - SKEW, &pem, NULL), 0);
	cert = facts_of(pem);
	ck_assert_int_eq(cert->not_before, NOW - SKEW);
	cert_free(cert);
	free(pem);
	ck_assert_int_eq(
		ca_renew(ca, key, "mgt1", NULL, 0, NOW + CA_LIFE, &pem, &err), -EKEYEXPIRED);
	ck_assert_str_eq(
		err.text, "the collective's CA is not valid at this time (is the clock right?)");
	ck_assert_int_eq(
		ca_renew(ca, key, "mgt1", NULL, 0, NOW - SKEW - 1, &pem, NULL), -EKEYEXPIRED);
	privkey_free(key);
	ca_free(ca);
}
END_TEST

START_TEST(times_that_no_calendar_has_are_refused)
{
	struct privkey *key = new_key();
	struct ca *ca = NULL;
	struct err err = {""};
	char *pem = NULL;

	ck_assert_int_eq(cert_self_sign(key, "mgt1", USEC_NEVER, &pem, &err), -EINVAL);
	ck_assert(text_starts(err.text, "cannot make a certificate for 'mgt1': "));
	ck_assert_int_eq(ca_make(&ca, "c1", USEC_NEVER, NULL), -EINVAL);
	ck_assert_ptr_null(pem);
	ck_assert_ptr_null(ca);
	privkey_free(key);
}
END_TEST

static Suite *ca_suite(void)
{
	Suite *suite = suite_create("trust ca");
	TCase *t = tcase_create("ca");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_the_ca_issues);
	tcase_add_test(t, the_chain_verifies_strictly);
	tcase_add_test(t, a_greedy_request_gets_nothing_it_asks_for);
	tcase_add_test(t, bad_names_and_addresses_are_refused);
	tcase_add_test(t, serial_numbers_do_not_repeat);
	tcase_add_test(t, the_ca_says_what_it_is_and_comes_back_from_its_texts);
	tcase_add_test(t, what_is_no_ca_is_not_opened);
	tcase_add_test(t, no_certificate_outlives_the_ca);
	tcase_add_test(t, times_that_no_calendar_has_are_refused);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(ca_suite)
