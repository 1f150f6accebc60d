/* Derived keys against published vectors, and invitation tokens. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/kdf.h"
#include "trust/token.h"

static void expect_hex(const unsigned char *got, size_t len, const char *want)
{
	char *hex = hex_encode(got, len);

	ck_assert_str_eq(hex, want);
	free(hex);
}

START_TEST(hkdf_is_that_of_rfc_5869)
{
	/* appendix A.1 and A.3 */
	unsigned char ikm[22];
	unsigned char salt[13];
	unsigned char info[10];
	unsigned char okm[42];

	memset(ikm, 0x0b, sizeof(ikm));
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(info); i++)
		info[i] = (unsigned char)(0xf0 + i);
	ck_assert_int_eq(kdf_hkdf(ikm, sizeof(ikm), salt, sizeof(salt), info, sizeof(info), okm,
				 sizeof(okm), NULL),
		0);
	expect_hex(okm, sizeof(okm),
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b8871858"
		"65");
	ck_assert_int_eq(kdf_hkdf(ikm, sizeof(ikm), NULL, 0, NULL, 0, okm, sizeof(okm), NULL), 0);
	expect_hex(okm, sizeof(okm),
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96"
		"c8");
}
END_TEST

START_TEST(hkdf_tells_when_too_much_is_asked)
{
	unsigned char *okm = xmalloc(256 * 32);
	struct err err = {""};

	ck_assert_int_eq(kdf_hkdf("k", 1, NULL, 0, NULL, 0, okm, 256 * 32, &err), -EIO);
	ck_assert(text_starts(err.text, "cannot derive a key with HKDF-SHA256"));
	free(okm);
}
END_TEST

START_TEST(hmac_and_sha256_are_the_published_ones)
{
	/* RFC 4231 section 4.3; FIPS 180-2 appendix B.1 */
	unsigned char out[KDF_SHA256_LEN];

	ck_assert_int_eq(kdf_hmac("Jefe", 4, "what do ya want for nothing?", 28, out, NULL), 0);
	expect_hex(out, sizeof(out),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	ck_assert_int_eq(kdf_sha256("abc", 3, out, NULL), 0);
	expect_hex(out, sizeof(out),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(each_purpose_and_each_collective_has_its_own_key)
{
	static const unsigned char secret[KDF_KEY_LEN] = {1, 2, 3};
	unsigned char keys[6][KDF_KEY_LEN];

	for (int p = KDF_INVITATION_IDENTITY; p <= KDF_SEAL_KEY; p++)
		ck_assert_int_eq(
			kdf_collective_key((enum kdf_purpose)p, secret, "one", keys[p], NULL), 0);
	ck_assert_int_eq(kdf_collective_key(KDF_SEAL_KEY, secret, "two", keys[4], NULL), 0);
	ck_assert_int_eq(
		kdf_derive(KDF_SEAL_KEY, secret, sizeof(secret), NULL, 0, keys[5], NULL), 0);
	for (int i = 0; i < 6; i++) {
		for (int j = 0; j < i; j++)
			ck_assert(memcmp(keys[i], keys[j], KDF_KEY_LEN) != 0);
	}
}
END_TEST

/* What is derived is part of the protocol: members of different versions must agree. */
START_TEST(derived_keys_never_change)
{
	static const unsigned char secret[KDF_KEY_LEN];
	unsigned char key[KDF_KEY_LEN];

	ck_assert_int_eq(kdf_collective_key(KDF_RECORD_KEY, secret, "c1", key, NULL), 0);
	expect_hex(key, sizeof(key),
		"e21a8f6ad467199d5f0a3240f46f5a6aab0b4f9a7e1f969c64b4f36ce919d9eb");
	ck_assert_int_eq(kdf_collective_key(KDF_SEAL_KEY, secret, "c1", key, NULL), 0);
	expect_hex(key, sizeof(key),
		"059f05f3187e947683b564e6103664e164071d042dde9f3292d70dff27df7122");
	ck_assert_int_eq(
		kdf_derive(KDF_INVITATION_IDENTITY, secret, sizeof(secret), NULL, 0, key, NULL), 0);
	expect_hex(key, sizeof(key),
		"3f7eb817bad416d48b16cbc436da62e84c402f44ee0c761aad31e3ed2f29f112");
	ck_assert_int_eq(
		kdf_derive(KDF_INVITATION_KEY, secret, sizeof(secret), NULL, 0, key, NULL), 0);
	expect_hex(key, sizeof(key),
		"46c328f0a59d9184c014386ba2c6f068300060e1ec9c7caf37c1820653ff81dd");
}
END_TEST

/* _i is the length of the name */
START_TEST(a_token_of_each_length_goes_there_and_back)
{
	char name[NAME_MAX_LEN + 1] = "";
	struct token_psk made;
	struct token_psk derived;
	struct token token;
	char *text;

	memset(name, 'n', (size_t)_i);
	ck_assert_int_eq(token_make(name, &text, &made, NULL), 0);
	ck_assert_ptr_null(strchr(text, '='));
	ck_assert_uint_eq(strlen(text) % 4, 0);
	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	ck_assert_str_eq(token.name, name);
	ck_assert_uint_ge(token.len - (size_t)_i - 1, TOKEN_RANDOM_MIN);
	ck_assert_uint_le(token.len - (size_t)_i - 1, TOKEN_RANDOM_MIN + 2);
	ck_assert_int_eq(token_derive(&token, &derived, NULL), 0);
	ck_assert_mem_eq(&made, &derived, sizeof(made));
	secret_free(text);
	token_wipe(&token);
	ck_assert_uint_eq(token.len, 0);
	ck_assert_str_eq(token.name, "");
	token_psk_wipe(&made);
	token_psk_wipe(&derived);
	ck_assert_mem_eq(made.key, token.bytes, sizeof(made.key));
}
END_TEST

START_TEST(two_tokens_have_nothing_in_common)
{
	struct token_psk a;
	struct token_psk b;
	char *x;
	char *y;

	ck_assert_int_eq(token_make("mgt2", &x, &a, NULL), 0);
	ck_assert_int_eq(token_make("mgt2", &y, &b, NULL), 0);
	ck_assert_str_ne(x, y);
	ck_assert_mem_ne(a.identity, b.identity, KDF_KEY_LEN);
	ck_assert_mem_ne(a.key, b.key, KDF_KEY_LEN);
	ck_assert_mem_ne(a.key, a.identity, KDF_KEY_LEN);
	secret_free(x);
	secret_free(y);
}
END_TEST

START_TEST(no_token_for_what_is_not_a_name)
{
	static const char *const bad[] = {"", "a b", "a@b", "-a", "a/b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = {""};

		ck_assert_int_eq(token_make(bad[i], &text, NULL, &err), -EINVAL);
		ck_assert_str_ne(err.text, "");
	}
	ck_assert_ptr_null(text);
}
END_TEST

/* The text of a token made of a head and as many 'x' as fill it up to len bytes. */
static char *token_of(const char *head, size_t head_len, size_t len)
{
	char *bytes = xmalloc(len);
	char *text;

	memset(bytes, 'x', len);
	memcpy(bytes, head, head_len);
	text = b64_encode(bytes, len);
	free(bytes);
	return text;
}

static void expect_refused(char *text, const char *why)
{
	struct token token = {.name = "untouched"};
	struct err err = {""};
	char want[ERR_TEXT_MAX];

	snprintf(want, sizeof(want), "Invalid token format: %s", why);
	ck_assert_int_eq(token_parse(text, &token, &err), -EINVAL);
	ck_assert_str_eq(err.text, want);
	ck_assert_str_eq(token.name, "untouched");
	free(text);
}

START_TEST(what_is_no_token_is_refused_with_the_reason)
{
	char long_name[66];

	expect_refused(xstrdup(""), "it is empty");
	expect_refused(xstrdup("abc"), "its length is not a multiple of 4 (was all of it copied?)");
	expect_refused(xstrdup("ab\ncabcd"),
		"it is not base64 (was a blank or a line break copied with it?)");
	expect_refused(xstrdup("abc\nabc "),
		"it is not base64 (was a blank or a line break copied with it?)");
	expect_refused(xstrdup("abc-abc_"),
		"it is not base64 (was a blank or a line break copied with it?)");
	expect_refused(xstrdup("YUBhYQ=="), "there is a '=' in it");
	expect_refused(token_of("a", 1, 69), "there is no member name in it");
	expect_refused(token_of("@", 1, 69), "what it names is not a member name");
	expect_refused(token_of("a b@", 4, 69), "what it names is not a member name");
	expect_refused(token_of("ab\0@", 4, 69), "what it names is not a member name");
	memset(long_name, 'n', sizeof(long_name));
	long_name[64] = '@';
	expect_refused(token_of(long_name, 65, 129), "what it names is not a member name");
	expect_refused(token_of("a@", 2, 63), "it is too short (was all of it copied?)");
	expect_refused(token_of("ab@", 3, 66), "it is too short (was all of it copied?)");
	expect_refused(token_of("a@", 2, 2 + 256 + 3), "it is too long");
	expect_refused(token_of("a@", 2, 321), "it is too long");
	expect_refused(token_of("a@", 2, 324), "it is longer than 428 characters");
	expect_refused(token_of("a@", 2, 30000), "it is longer than 428 characters");
}
END_TEST

START_TEST(a_token_at_each_bound_is_taken)
{
	struct token token;
	char *text = token_of("ab@", 3, 69);

	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	ck_assert_uint_eq(token.len, 69);
	free(text);
	text = token_of("ab@", 3, 258);
	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	free(text);
}
END_TEST

/* The random part may hold any byte; only the first '@' counts. */
START_TEST(an_at_sign_in_the_random_part_is_nothing_special)
{
	struct token token;
	char *text = token_of("mgt2@@\0@mgt3@", 13, 75);

	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	ck_assert_str_eq(token.name, "mgt2");
	free(text);
}
END_TEST

START_TEST(any_changed_character_is_refused_or_another_psk)
{
	struct token_psk psk;
	struct token_psk other;
	struct token token;
	char *text;

	ck_assert_int_eq(token_make("mgt2", &text, &psk, NULL), 0);
	for (char *c = text; *c; c++) {
		char was = *c;

		for (int bit = 0; bit < 8; bit++) {
			*c = (char)(was ^ (1 << bit));
			if (token_parse(text, &token, NULL) < 0)
				continue;
			ck_assert_int_eq(token_derive(&token, &other, NULL), 0);
			ck_assert_mem_ne(psk.identity, other.identity, KDF_KEY_LEN);
			ck_assert_mem_ne(psk.key, other.key, KDF_KEY_LEN);
		}
		*c = was;
	}
	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	secret_free(text);
}
END_TEST

START_TEST(a_token_turned_to_another_name_has_another_psk)
{
	struct token_psk psk;
	struct token_psk other;
	struct token token;
	char *text;

	ck_assert_int_eq(token_make("mgt2", &text, &psk, NULL), 0);
	ck_assert_int_eq(token_parse(text, &token, NULL), 0);
	token.bytes[3] = '3';
	ck_assert_int_eq(token_derive(&token, &other, NULL), 0);
	ck_assert_mem_ne(psk.identity, other.identity, KDF_KEY_LEN);
	ck_assert_mem_ne(psk.key, other.key, KDF_KEY_LEN);
	secret_free(text);
}
END_TEST

static Suite *token_suite(void)
{
	Suite *suite = suite_create("trust token");
	TCase *t = tcase_create("keys");

	tcase_add_test(t, hkdf_is_that_of_rfc_5869);
	tcase_add_test(t, hkdf_tells_when_too_much_is_asked);
	tcase_add_test(t, hmac_and_sha256_are_the_published_ones);
	tcase_add_test(t, each_purpose_and_each_collective_has_its_own_key);
	tcase_add_test(t, derived_keys_never_change);
	suite_add_tcase(suite, t);
	t = tcase_create("tokens");
	tcase_add_loop_test(t, a_token_of_each_length_goes_there_and_back, 1, NAME_MAX_LEN + 1);
	tcase_add_test(t, two_tokens_have_nothing_in_common);
	tcase_add_test(t, no_token_for_what_is_not_a_name);
	tcase_add_test(t, what_is_no_token_is_refused_with_the_reason);
	tcase_add_test(t, a_token_at_each_bound_is_taken);
	tcase_add_test(t, an_at_sign_in_the_random_part_is_nothing_special);
	tcase_add_test(t, any_changed_character_is_refused_or_another_psk);
	tcase_add_test(t, a_token_turned_to_another_name_has_another_psk);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(token_suite)
