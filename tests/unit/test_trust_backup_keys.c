/*
 * The keys of a backup: what one collective locks, another one unlocks and opens values with, and
 * nothing else does.
 */
#include "config.h"
#include "trust/keyset.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"

#define KEY "nodes/n1/secret.ipmikg"

static struct bundle *bundle_with(unsigned char fill, const char *id)
{
	struct bundle *bundle = bundle_new();

	bundle->id = xstrdup(id);
	memset(bundle->key, fill, sizeof(bundle->key));
	return bundle;
}

static struct keyset *set_of(const struct bundle *bundle)
{
	struct keyset *set = NULL;

	ck_assert_int_eq(keyset_of_bundle(bundle, &set, NULL), 0);
	return set;
}

static char *locked(const struct bundle *bundle, const char *password)
{
	CLEANUP(keyset_freep) struct keyset *set = set_of(bundle);
	char *text = NULL;

	ck_assert_int_eq(keyset_lock(set, password, &text, NULL), 0);
	return text;
}

static void assert_opens(const struct keyset *set, const char *sealed, const char *expected)
{
	char *clear = NULL;
	size_t len = 0;
	struct err err = {""};
	int rc = keyset_open(set, KEY, sealed, strlen(sealed), &clear, &len, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
	ck_assert_str_eq(clear, expected);
	free(clear);
}

START_TEST(a_value_opens_with_the_keys_of_its_backup)
{
	static const char *const passwords[] = {NULL, "correct horse"};
	CLEANUP(bundle_freep) struct bundle *bundle = bundle_with(7, "5f0c");
	CLEANUP(keyset_freep) struct keyset *set = NULL;
	CLEANUP(freep) char *sealed = NULL;
	CLEANUP(freep) char *text = locked(bundle, passwords[_i]);
	unsigned char next[KDF_KEY_LEN] = {9};
	CLEANUP(freep) char *later = NULL;
	CLEANUP(freep) char *all = NULL;
	CLEANUP(keyset_freep) struct keyset *sets = NULL;

	ck_assert_int_eq(keyset_is_locked(text), passwords[_i] != NULL);
	ck_assert_int_eq(seal_value(bundle, KEY, "hunter2", 7, &sealed, NULL), 0);
	ck_assert_int_eq(keyset_unlock("5f0c", text, passwords[_i], &set, NULL), 0);
	ck_assert_str_eq(keyset_collective(set), "5f0c");
	assert_opens(set, sealed, "hunter2");

	/* while the collective's key is changed there are two */
	ck_assert_int_eq(bundle_turn_key(bundle, next, NULL), 0);
	ck_assert_int_eq(seal_value(bundle, KEY, "later", 5, &later, NULL), 0);
	all = locked(bundle, passwords[_i]);
	ck_assert_int_eq(keyset_unlock("5f0c", all, passwords[_i], &sets, NULL), 0);
	assert_opens(sets, sealed, "hunter2");
	assert_opens(sets, later, "later");
}
END_TEST

START_TEST(keys_do_not_give_the_collective_key_away)
{
	CLEANUP(bundle_freep) struct bundle *bundle = bundle_with('K', "5f0c");
	CLEANUP(freep) char *text = locked(bundle, NULL);

	/* 32 times 'K' in base64, at each of the three places where it may begin */
	ck_assert_ptr_null(strstr(text, "S0tLS0tL"));
}
END_TEST

START_TEST(another_password_or_collective_opens_nothing)
{
	CLEANUP(bundle_freep) struct bundle *bundle = bundle_with(7, "5f0c");
	CLEANUP(freep) char *text = locked(bundle, "right");
	struct keyset *set = NULL;
	struct err err = {""};

	ck_assert_int_eq(keyset_unlock("5f0c", text, "wrong", &set, &err), -EACCES);
	ck_assert_ptr_nonnull(strstr(err.text, "it is not the password"));
	ck_assert_int_eq(keyset_unlock("5f0d", text, "right", &set, &err), -EACCES);
	ck_assert_int_eq(keyset_unlock("5f0c", text, NULL, &set, &err), -EACCES);
	ck_assert_str_eq(err.text, "the keys are protected by a password");
	ck_assert_int_eq(keyset_unlock("5f0c", text, "", &set, &err), -EINVAL);
	ck_assert_ptr_null(set);
}
END_TEST

START_TEST(keys_that_were_changed_do_not_open)
{
	CLEANUP(bundle_freep) struct bundle *bundle = bundle_with(7, "5f0c");
	CLEANUP(freep) char *text = locked(bundle, "right");
	struct keyset *set = NULL;
	size_t sealed = (size_t)(strchr(strchr(text, '!') + 1, '!') - text) + 1;
	char *rounds = strrchr(text, '!') + 1;

	/* a byte of the salt, of the nonce and of what is sealed; then the rounds */
	for (size_t part = 0; part < 3; part++) {
		size_t at = part == 0 ? 1 : part == 1 ? sealed - 4 : sealed + 4;
		char old = text[at];

		text[at] = old == 'A' ? 'B' : 'A';
		ck_assert_int_eq(keyset_unlock("5f0c", text, "right", &set, NULL), -EACCES);
		text[at] = old;
	}
	rounds[5] = '1';
	ck_assert_int_eq(keyset_unlock("5f0c", text, "right", &set, NULL), -EACCES);
	ck_assert_ptr_null(set);
}
END_TEST

static const char *const strange[] = {
	"",
	"!!!",
	"*unencrypted:",
	"*unencrypted:AAAA",
	"*unencrypted:====",
	"*encrypted:AAAA",
	"AAAA!AAAA!AAAA!200000",
	/* as confluentdbutil has them */
	"*unencrypted:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	"MDEyMzQ1Njc4OWFiY2Rl!MDEyMzQ1Njc4OWFi!MDEyMzQ1Njc4OWFiY2RlZg==!MDEyMzQ1Njc4OWFi!Ag==",
};

START_TEST(strange_keys_are_refused)
{
	struct keyset *set = NULL;
	struct err err = {""};

	ck_assert_int_eq(keyset_unlock("5f0c", strange[_i], "x", &set, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not in the form that this program writes"));
	ck_assert_ptr_null(set);
}
END_TEST

START_TEST(rounds_have_bounds)
{
	static const char *const rounds[] = {"1", "199999", "10000001", "99999999999999", "-5"};
	CLEANUP(bundle_freep) struct bundle *bundle = bundle_with(7, "5f0c");
	CLEANUP(freep) char *text = locked(bundle, "right");
	CLEANUP(freep) char *other = NULL;
	struct keyset *set = NULL;

	*strrchr(text, '!') = '\0';
	other = xasprintf("%s!%s", text, rounds[_i]);
	ck_assert_int_eq(keyset_unlock("5f0c", other, "right", &set, NULL), -EINVAL);
	ck_assert_ptr_null(set);
}
END_TEST

static Suite *keyset_suite(void)
{
	Suite *suite = suite_create("keyset");
	TCase *tc = tcase_create("keys of a backup");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_value_opens_with_the_keys_of_its_backup, 0, 2);
	tcase_add_test(tc, keys_do_not_give_the_collective_key_away);
	tcase_add_test(tc, another_password_or_collective_opens_nothing);
	tcase_add_test(tc, keys_that_were_changed_do_not_open);
	tcase_add_loop_test(tc, strange_keys_are_refused, 0, ARRAY_SIZE(strange));
	tcase_add_loop_test(tc, rounds_have_bounds, 0, 5);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(keyset_suite)
