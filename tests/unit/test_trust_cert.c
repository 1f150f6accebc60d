/* What certificates say, and who vouches for them. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "tests/unit/trust_help.h"
#include "trust/ca.h"
#include "trust/cert.h"

/* The hash as it comes from
 *   openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum */
START_TEST(the_hash_is_that_of_the_public_key)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBdjCCARugAwIBAgIUZq9sHJishHdtNvp0lNgAJO7aLw0wCgYIKoZIzj0EAwIw\n"
		"EDEOMAwGA1UEAwwFa25vd24wHhcNMjYxMTIyMDIxMTA5WhcNMzYxMTE5MDIxMTA5\n"
		"WjAQMQ4wDAYDVQQDDAVrbm93bjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJF1\n"
		"SQ8+KLZGDcL/17FfrWD5flmUx1n5Jrb+HNUptrZv6woj1khjdEJrr0odCBiy6yYN\n"
		"DSUCQKb1nYHzK9cbS0ejUzBRMB0GA1UdDgQWBBQqLi69RPx9gnncbQUm4e5V+K59\n"
		"TDAfBgNVHSMEGDAWgBQqLi69RPx9gnncbQUm4e5V+K59TDAPBgNVHRMBAf8EBTAD\n"
		"AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDXjVdQlh8FzwHxWmgzZuNWGt0fP4KW5Xr+\n"
		"GHWloZXV1AIhALFxpuOVFZFgT9VBaMqXn/eAEsgt9B1dcab97wpDYF7J\n"
		"-----END CERTIFICATE-----\n";
	struct cert *cert = facts_of(pem);

	ck_assert_str_eq(cert->subject, "known");
	ck_assert_str_eq(cert->hash,
		"sha256:26bfee7a20056fcb4a4c81a69473f728c6e2798b1afa6e676b61e57893298ea4");
	cert_free(cert);
}
END_TEST

/* Takes over ext. */
static char *strange_with(X509_EXTENSION *ext, const char *subject, long serial)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *out = BIO_new(BIO_s_mem());

	ck_assert_ptr_nonnull(ext);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
		(const unsigned char *)subject, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), 0);
	ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "99991231235959Z");
	X509_set_pubkey(x, key);
	X509_add_ext(x, ext, -1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_bio_X509(out, x), 1);
	X509_EXTENSION_free(ext);
	X509_free(x);
	EVP_PKEY_free(key);
	return text_of(out);
}

/* A certificate of somebody else's making. */
static char *strange(const char *san, const char *subject)
{
	return strange_with(X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san), subject, 0);
}

START_TEST(serial_numbers_are_read_as_numbers)
{
	static const struct {
		long serial;
		const char *hex;
	} rows[] = {{0, "0"}, {10, "a"}, {0x7f, "7f"}, {0x80, "80"}, {0x123, "123"}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *pem =
			strange_with(X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a"),
				"x", rows[i].serial);
		struct cert *cert = facts_of(pem);

		ck_assert_str_eq(cert->serial, rows[i].hex);
		cert_free(cert);
		free(pem);
	}
}
END_TEST

/* Extensions that no library writes: each row is the inside of a subjectAltName. */
START_TEST(broken_certificates_are_refused)
{
	static const struct {
		unsigned char der[8];
		int len;
		const char *why;
	} rows[] = {
		{{0x30, 0x05, 0x87, 0x03, 10, 0, 0}, 7,
			"certificate: alternative name 1 is not a DNS name or address"},
		{{0x30, 0x02, 0x82, 0x00}, 4,
			"certificate: alternative name 1 is not a DNS name or address"},
		{{0x30, 0x05, 0x82, 0x03, 'a', 0, 'b'}, 7,
			"certificate: alternative name 1 is not a DNS name or address"},
		{{0x30, 0x7f, 0x82}, 3, "certificate: its alternative names can't be read"},
		{{0x04, 0x00}, 2, "certificate: its alternative names can't be read"},
	};
	char *negative;
	struct cert *cert = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
		struct err err = {""};
		char *pem;

		ASN1_OCTET_STRING_set(value, rows[i].der, rows[i].len);
		pem = strange_with(
			X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value), "x", 1);
		ASN1_OCTET_STRING_free(value);
		ck_assert_int_eq(cert_parse(&cert, pem, &err), -EINVAL);
		ck_assert_msg(text_starts(err.text, rows[i].why), "%s", err.text);
		free(pem);
	}
	ck_assert_int_eq(cert_parse(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n", NULL), -EINVAL);
	negative = strange_with(
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a"), "x", -5);
	ck_assert_int_eq(cert_parse(&cert, negative, NULL), -EINVAL);
	free(negative);
	ck_assert_ptr_null(cert);
}
END_TEST

START_TEST(a_self_signed_certificate_says_who_it_is_for)
{
	struct privkey *key = new_key();
	struct privkey *other = new_key();
	char hash[PRIVKEY_HASH_LEN + 1];
	struct cert *cert;
	struct err err = {""};
	char *pem;

	ck_assert_int_eq(cert_self_sign(key, "mgt1", NOW, &pem, NULL), 0);
	cert = facts_of(pem);
	ck_assert_int_eq(privkey_hash(key, hash, NULL), 0);
	ck_assert_str_eq(cert->hash, hash);
	ck_assert_str_eq(cert->subject, "mgt1");
	ck_assert_uint_eq(cert->name_count, 1);
	ck_assert_str_eq(cert->names[0], "mgt1");
	ck_assert(!cert->is_ca);
	ck_assert_int_eq(cert->not_before, NOW - SKEW);
	ck_assert_int_eq(cert->not_after, NOW + 3650 * DAY);
	ck_assert_int_eq(cert_check_key(pem, key, NULL), 0);
	ck_assert_int_eq(cert_check_key(pem, other, &err), -EKEYREJECTED);
	ck_assert_str_eq(err.text, "the certificate is for another private key");
	ck_assert_int_eq(cert_self_sign(key, "mgt 1", NOW, &pem, NULL), -EINVAL);
	free(pem);
	cert_free(cert);
	cert_free(NULL);
	privkey_free(key);
	privkey_free(other);
}
END_TEST

START_TEST(only_its_own_ca_vouches_for_a_certificate)
{
	struct ca *ca = new_ca(NOW);
	struct ca *other = new_ca(NOW);
	struct privkey *key = new_key();
	struct err err = {""};
	char *pem;
	char *self;

	ck_assert_int_eq(ca_renew(ca, key, "mgt1", NULL, 0, NOW, &pem, NULL), 0);
	ck_assert_int_eq(cert_self_sign(key, "mgt1", NOW, &self, NULL), 0);
	ck_assert_int_eq(cert_check_issuer(pem, ca_cert_pem(ca), NULL), 0);
	/* the other has the same subject, another key */
	ck_assert_int_eq(cert_check_issuer(pem, ca_cert_pem(other), &err), -EKEYREJECTED);
	ck_assert(text_starts(err.text, "the certificate is not issued by this CA: "));
	ck_assert_int_eq(cert_check_issuer(self, ca_cert_pem(ca), NULL), -EKEYREJECTED);
	ck_assert_int_eq(cert_check_issuer(pem, self, NULL), -EKEYREJECTED);
	ck_assert_int_eq(cert_check_issuer(ca_cert_pem(ca), ca_cert_pem(ca), &err), -EKEYREJECTED);
	ck_assert_str_eq(err.text, "the certificate is the CA's own");
	ck_assert_int_eq(cert_check_issuer(pem, "x", &err), -EINVAL);
	ck_assert(text_starts(err.text, "CA: not a certificate in PEM"));
	ck_assert_int_eq(cert_check_issuer("x", pem, &err), -EINVAL);
	ck_assert_int_eq(cert_check_key("x", key, &err), -EINVAL);
	free(pem);
	free(self);
	privkey_free(key);
	ca_free(ca);
	ca_free(other);
}
END_TEST

START_TEST(renewal_is_due_from_two_thirds_on)
{
	struct cert cert = {
		.subject = (char *)"mgt1", .not_before = NOW, .not_after = NOW + 300 * DAY};

	ck_assert_int_eq(cert_renewal_time(&cert), NOW + 200 * DAY);
	ck_assert(!cert_renewal_due(&cert, NOW));
	ck_assert(!cert_renewal_due(&cert, NOW + 200 * DAY - 1));
	ck_assert(cert_renewal_due(&cert, NOW + 200 * DAY));
	ck_assert(cert_renewal_due(&cert, NOW + 400 * DAY));
}
END_TEST

START_TEST(a_certificate_is_good_in_its_time_only)
{
	struct cert cert = {
		.subject = (char *)"mgt1", .not_before = NOW, .not_after = NOW + 300 * DAY};
	struct err err = {""};

	ck_assert_int_eq(cert_check_time(&cert, NOW, &err), 0);
	ck_assert_int_eq(cert_check_time(&cert, NOW + 300 * DAY, &err), 0);
	/* not_after is a whole second that still belongs to it */
	ck_assert_int_eq(cert_check_time(&cert, NOW + 300 * DAY + 999999, &err), 0);
	ck_assert_int_eq(cert_check_time(&cert, NOW + 300 * DAY + 1000000, &err), -EKEYEXPIRED);
	ck_assert_str_eq(err.text, "the certificate of 'mgt1' expired at 2027-07-18 14:13:20 UTC");
	ck_assert_int_eq(cert_check_time(&cert, NOW - 1, &err), -EKEYEXPIRED);
	ck_assert_str_eq(err.text,
		"the certificate of 'mgt1' is valid from 2026-09-21 14:13:20 UTC on and here it is "
		"2026-09-21 14:13:19 UTC (is the clock right?)");
}
END_TEST

START_TEST(strange_certificates_are_read_safely)
{
	struct cert *cert = NULL;
	struct err err = {""};
	char *pem = strange("DNS:one,email:a@b,URI:http://x,IP:10.0.0.1", "a\nb\x1b[31m");

	ck_assert_int_eq(cert_parse(&cert, pem, &err), 0);
	ck_assert_str_eq(cert->subject, "a?b?[31m");
	ck_assert_str_eq(cert->serial, "0");
	ck_assert_int_eq(cert->not_before, 0);
	ck_assert_int_eq(cert->not_after, 253402300799 * USEC_PER_SEC);
	ck_assert_uint_eq(cert->name_count, 2);
	ck_assert_str_eq(cert->names[0], "one");
	ck_assert_str_eq(cert->names[1], "10.0.0.1");
	cert_free(cert);
	free(pem);
	cert = NULL;
	pem = strange("DNS:a b", "x");
	ck_assert_int_eq(cert_parse(&cert, pem, &err), -EINVAL);
	ck_assert_str_eq(err.text, "certificate: alternative name 1 is not a DNS name or address");
	free(pem);
	ck_assert_int_eq(cert_parse(&cert, "", &err), -EINVAL);
	ck_assert(text_starts(err.text, "not a certificate in PEM"));
	ck_assert_ptr_null(cert);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(too_many_alternative_names_are_refused)
{
	char *san = xstrdup("DNS:n0");
	struct cert *cert = NULL;
	struct err err = {""};
	char *pem;

	for (int i = 1; i <= CERT_NAMES_MAX; i++) {
		char *longer = xasprintf("%s,DNS:n%d", san, i);

		free(san);
		san = longer;
	}
	pem = strange(san, "x");
	ck_assert_int_eq(cert_parse(&cert, pem, &err), -EINVAL);
	ck_assert_str_eq(err.text, "certificate: more than 64 alternative names");
	free(pem);
	free(san);
}
END_TEST

static Suite *cert_suite(void)
{
	Suite *suite = suite_create("trust cert");
	TCase *t = tcase_create("cert");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_hash_is_that_of_the_public_key);
	tcase_add_test(t, a_self_signed_certificate_says_who_it_is_for);
	tcase_add_test(t, only_its_own_ca_vouches_for_a_certificate);
	tcase_add_test(t, renewal_is_due_from_two_thirds_on);
	tcase_add_test(t, a_certificate_is_good_in_its_time_only);
	tcase_add_test(t, serial_numbers_are_read_as_numbers);
	tcase_add_test(t, broken_certificates_are_refused);
	tcase_add_test(t, strange_certificates_are_read_safely);
	tcase_add_test(t, too_many_alternative_names_are_refused);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(cert_suite)
