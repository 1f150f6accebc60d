/* Wrapped keys: they open for the member that they were wrapped for, and for nobody else. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/mem.h"
#include "tests/lib/suite.h"
#include "tests/unit/trust_help.h"
#include "trust/csr.h"
#include "trust/wrap.h"

#define CONTEXT "0123 rekey mgt2 1a2b3c4d"

static const unsigned char secret[KDF_KEY_LEN] = "the collective key of 32 bytes.";

static struct privkey *parsed(EVP_PKEY *pkey)
{
	BIO *out = BIO_new(BIO_s_mem());
	struct privkey *key = NULL;
	struct err err = {""};
	char *data;
	char *pem;
	long len;

	ck_assert(PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL));
	len = BIO_get_mem_data(out, &data);
	pem = xstrndup(data, (size_t)len);
	ck_assert_msg(privkey_parse(&key, pem, &err) == 0, "%s", err.text);
	secret_free(pem);
	BIO_free(out);
	EVP_PKEY_free(pkey);
	return key;
}

static char *public_of(const struct privkey *key)
{
	char *text = NULL;

	ck_assert_int_eq(privkey_public(key, &text, NULL), 0);
	return text;
}

static char *wrapped(const struct privkey *key)
{
	char *receiver = public_of(key);
	char *text = NULL;
	struct err err = {""};

	ck_assert_msg(wrap_key(receiver, CONTEXT, secret, &text, &err) == 0, "%s", err.text);
	ck_assert_uint_le(strlen(text), WRAP_TEXT_MAX);
	free(receiver);
	return text;
}

static void expect_closed(
	const struct privkey *key, const char *context, const char *text, int want)
{
	unsigned char clear[KDF_KEY_LEN] = {1};
	struct err err = {""};

	ck_assert_int_eq(wrap_open(key, context, text, clear, &err), want);
	ck_assert_str_ne(err.text, "");
	ck_assert_mem_ne(clear, secret, KDF_KEY_LEN);
}

static void expect_round_trip(EVP_PKEY *pkey)
{
	struct privkey *key = parsed(pkey);
	struct privkey *other = new_key();
	unsigned char clear[KDF_KEY_LEN] = {0};
	char *text = wrapped(key);
	char *again = wrapped(key);
	struct err err = {""};

	ck_assert_msg(wrap_open(key, CONTEXT, text, clear, &err) == 0, "%s", err.text);
	ck_assert_mem_eq(clear, secret, KDF_KEY_LEN);
	ck_assert_str_ne(text, again);
	expect_closed(other, CONTEXT, text, -EBADMSG);
	expect_closed(key, CONTEXT "x", text, -EBADMSG);
	expect_closed(key, "", text, -EBADMSG);
	free(text);
	free(again);
	privkey_free(key);
	privkey_free(other);
}

START_TEST(a_key_opens_for_its_receiver_on_any_curve)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521", "secp256k1"};

	for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
		expect_round_trip(EVP_EC_gen(curves[i]));
}
END_TEST

START_TEST(a_key_opens_for_a_receiver_with_rsa)
{
	expect_round_trip(EVP_RSA_gen(2048));
	expect_round_trip(EVP_RSA_gen(3072));
}
END_TEST

START_TEST(each_changed_character_is_noticed)
{
	struct privkey *key = new_key();
	char *text = wrapped(key);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		unsigned char clear[KDF_KEY_LEN];
		char was = text[i];
		int rc;

		text[i] = was == 'A' ? 'B' : 'A';
		rc = wrap_open(key, CONTEXT, text, clear, NULL);
		ck_assert_msg(rc == -EBADMSG || rc == -EINVAL, "character %zu: %d", i, rc);
		text[i] = was;
	}
	for (size_t i = 0; i < len; i++) {
		char *cut = xstrndup(text, i);

		expect_closed(key, CONTEXT, cut, -EINVAL);
		free(cut);
	}
	free(text);
	privkey_free(key);
}
END_TEST

START_TEST(what_is_no_wrapped_key_is_refused)
{
	static const char *const bad[] = {"", "x", "AAAA", "////", "AAAAAAAA"};
	struct privkey *key = new_key();
	char *flood = xmalloc(WRAP_TEXT_MAX + 5);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_closed(key, CONTEXT, bad[i], -EINVAL);
	memset(flood, 'A', WRAP_TEXT_MAX + 4);
	flood[WRAP_TEXT_MAX + 4] = '\0';
	expect_closed(key, CONTEXT, flood, -EINVAL);
	free(flood);
	privkey_free(key);
}
END_TEST

START_TEST(nothing_is_wrapped_for_what_is_no_key)
{
	struct privkey *key = new_key();
	char *receiver = public_of(key);
	char *cut = xstrndup(receiver, 40);
	char *text = NULL;
	struct err err = {""};

	ck_assert_int_eq(wrap_key("", CONTEXT, secret, &text, &err), -EINVAL);
	ck_assert_str_eq(err.text, "cannot wrap the collective key: not a public key");
	ck_assert_int_eq(wrap_key("@@@@", CONTEXT, secret, &text, &err), -EINVAL);
	ck_assert_int_eq(wrap_key(cut, CONTEXT, secret, &text, &err), -EINVAL);
	ck_assert_ptr_null(text);
	free(cut);
	free(receiver);
	privkey_free(key);
}
END_TEST

START_TEST(a_public_half_has_the_hash_of_its_key)
{
	struct privkey *key = new_key();
	char *text = public_of(key);
	char *csr = NULL;
	char *asked = NULL;
	char of_key[PRIVKEY_HASH_LEN + 1];

	ck_assert_uint_le(strlen(text), PRIVKEY_PUBLIC_MAX);
	ck_assert_int_eq(privkey_hash(key, of_key, NULL), 0);
	ck_assert(privkey_public_is(text, of_key));
	ck_assert_int_eq(csr_make(key, "mgt2", &csr, NULL), 0);
	ck_assert_int_eq(csr_public(csr, &asked, NULL), 0);
	ck_assert_str_eq(asked, text);
	ck_assert(!privkey_public_is("AAAA", of_key));
	ck_assert(!privkey_public_is("", of_key));
	ck_assert(!privkey_public_is(text, of_key + 1));
	of_key[PRIVKEY_HASH_LEN - 1] ^= 1;
	ck_assert(!privkey_public_is(text, of_key));
	ck_assert_int_eq(csr_public("none", &asked, NULL), -EINVAL);
	free(csr);
	free(asked);
	free(text);
	privkey_free(key);
}
END_TEST

static Suite *wrap_suite(void)
{
	Suite *suite = suite_create("trust wrap");
	TCase *t = tcase_create("wrap");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_key_opens_for_its_receiver_on_any_curve);
	tcase_add_test(t, a_key_opens_for_a_receiver_with_rsa);
	tcase_add_test(t, each_changed_character_is_noticed);
	tcase_add_test(t, what_is_no_wrapped_key_is_refused);
	tcase_add_test(t, nothing_is_wrapped_for_what_is_no_key);
	tcase_add_test(t, a_public_half_has_the_hash_of_its_key);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(wrap_suite)
