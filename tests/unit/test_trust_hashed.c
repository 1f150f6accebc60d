/* Hashes of passwords: of the form that their readers want, salted, and they check. */
#include "config.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/hashed.h"

static char *made(const char *attribute, const char *value)
{
	char *hash = NULL;
	struct err err = {""};

	ck_assert_msg(hashed_make(attribute, value, &hash, &err) == 0, "%s", err.text);
	ck_assert(hashed_looks_like(hash));
	ck_assert_uint_le(strlen(hash), HASHED_TEXT_MAX);
	return hash;
}

START_TEST(a_password_is_hashed_as_for_the_shadow_file)
{
	static const char *const values[] = {"x", "Passw0rd", "\xc3\xa4 {n1}\t"};
	struct crypt_data data;

	memset(&data, 0, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char *one = made("crypted.rootpassword", values[i]);
		char *two = made("crypted.selfapikey", values[i]);

		ck_assert(text_starts(one, "$6$"));
		ck_assert_uint_eq(strlen(one), strlen("$6$") + 16 + 1 + 86);
		ck_assert_str_eq(crypt_r(values[i], one, &data), one);
		ck_assert_str_eq(crypt_r(values[i], two, &data), two);
		ck_assert_str_ne(crypt_r("other", one, &data), one);
		ck_assert_str_ne(one, two);
		free(one);
		free(two);
	}
}
END_TEST

START_TEST(the_boot_loader_gets_its_own_form)
{
	char *hash = made("crypted.grubpassword", "Passw0rd");
	char *again = made("crypted.grubpassword", "Passw0rd");
	char *salt = strchr(hash + strlen("grub.pbkdf2.sha512."), '.') + 1;
	char *digest = strchr(salt, '.') + 1;
	unsigned char salt_bytes[64];
	unsigned char want[64];
	char *hex;

	ck_assert(text_starts(hash, "grub.pbkdf2.sha512.10000."));
	ck_assert_uint_eq(strlen(hash), strlen("grub.pbkdf2.sha512.10000.") + 128 + 1 + 128);
	ck_assert_str_ne(hash, again);
	ck_assert_uint_eq(strspn(salt, "0123456789ABCDEF"), 128);
	for (size_t i = 0; i < sizeof(salt_bytes); i++) {
		static const char digits[] = "0123456789ABCDEF";

		salt_bytes[i] = (unsigned char)((strchr(digits, salt[2 * i]) - digits) * 16 +
						(strchr(digits, salt[2 * i + 1]) - digits));
	}
	ck_assert_int_eq(
		PKCS5_PBKDF2_HMAC("Passw0rd", 8, salt_bytes, 64, 10000, EVP_sha512(), 64, want), 1);
	hex = hex_encode(want, sizeof(want));
	for (size_t i = 0; hex[i]; i++)
		ck_assert_int_eq(hex[i] >= 'a' ? hex[i] - 'a' + 'A' : hex[i], digest[i]);
	free(hex);
	free(hash);
	free(again);
}
END_TEST

START_TEST(what_can_not_be_hashed_is_refused)
{
	static const char *const names[] = {"crypted.rootpassword", "crypted.grubpassword"};
	char longest[HASHED_VALUE_MAX + 2];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *hash = NULL;
		struct err err = {""};

		ck_assert_int_eq(hashed_make(names[i], "", &hash, &err), -EINVAL);
		ck_assert_str_eq(err.text,
			"an empty password is not hashed (clear the attribute to have none)");
		ck_assert_int_eq(hashed_make(names[i], longest, &hash, &err), -EMSGSIZE);
		ck_assert_str_eq(err.text, "a password that is to be hashed has at most 511 bytes");
		ck_assert_ptr_null(hash);
		free(made(names[i], longest + 1));
	}
}
END_TEST

#define S43 "abcdefghijklmnopqrstuvwxyz./0123456789ABCDE"

START_TEST(ready_made_hashes_are_known_by_their_form)
{
	static const char *const good[] = {
		"$5$salt$" S43,
		"$5$rounds=5000$saltsaltsaltsalt$" S43,
		"$6$salt$" S43 S43,
		"$6$rounds=100000$salt$" S43 S43,
		"$y$j9T$abcdefgh$" S43,
		"$gy$j9T$abcdefgh$" S43,
		"$7$CU..../....abcdefgh$" S43,
		"$2b$12$" S43 "0123456789",
		"$2y$05$" S43 "0123456789",
		"grub.pbkdf2.sha512.10000.AB01.CD23",
	};
	static const char *const bad[] = {
		"",
		"Passw0rd",
		"$6$",
		"$6$salt$" S43,
		"$6$salt$" S43 S43 "x",
		"$6$salt$" S43 S43 "\n",
		"$6$sa:t$" S43 S43,
		"$6$saltsaltsaltsaltx$" S43 S43,
		"$6$rounds=x$salt$" S43 S43,
		"$6$$" S43 S43,
		"$5$salt$" S43 S43,
		"$1$salt$abcdefghijklmnopqrstuv",
		"$y$j9T$" S43,
		"$2b$12$" S43,
		"$2x$12$" S43 "0123456789",
		"$7$CU$" S43,
		"abJnggxhB/yWI",
		"*",
		"!",
		"grub.pbkdf2.sha512.10000.AB01",
		"grub.pbkdf2.sha512.10000.AB01.",
		"grub.pbkdf2.sha512.10000.ab01.CD23",
		"grub.pbkdf2.sha512..AB01.CD23",
		"grub.pbkdf2.sha256.10000.AB01.CD23",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(hashed_looks_like(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!hashed_looks_like(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(what_libcrypt_makes_is_known)
{
	static const char *const prefixes[] = {"$5$", "$6$", "$y$", "$gy$", "$7$", "$2b$"};
	struct crypt_data data;

	memset(&data, 0, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char setting[CRYPT_GENSALT_OUTPUT_SIZE];
		const char *hash;

		if (!crypt_gensalt_rn(prefixes[i], 0, NULL, 0, setting, sizeof(setting)))
			continue;
		hash = crypt_r("Passw0rd", setting, &data);
		ck_assert_msg(hashed_looks_like(hash), "%s", hash);
	}
}
END_TEST

static Suite *hashed_suite(void)
{
	Suite *suite = suite_create("trust hashed");
	TCase *t = tcase_create("hashed");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_password_is_hashed_as_for_the_shadow_file);
	tcase_add_test(t, the_boot_loader_gets_its_own_form);
	tcase_add_test(t, what_can_not_be_hashed_is_refused);
	tcase_add_test(t, ready_made_hashes_are_known_by_their_form);
	tcase_add_test(t, what_libcrypt_makes_is_known);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(hashed_suite)
