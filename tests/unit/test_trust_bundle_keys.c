/* The keys of a bundle: one is current, others may be held. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/text.h"
#include "tests/lib/suite.h"
#include "trust/bundle.h"

#define NOW (1790000000 * USEC_PER_SEC)

static struct bundle *small(void)
{
	struct bundle *b = NULL;

	ck_assert_int_eq(bundle_found(&b, NOW, NULL), 0);
	bundle_add_endpoint(b, "https://etcd1:2379");
	b->prefix = xstrdup("/confluent/");
	return b;
}

static char *encode(const struct bundle *b)
{
	char *text = NULL;
	struct err err = {""};

	ck_assert_msg(bundle_encode(b, &text, &err) == 0, "%s", err.text);
	return text;
}

/* The body with a check line that fits. */
static char *seal(const char *body)
{
	unsigned char digest[KDF_SHA256_LEN];
	char *hex;
	char *text;

	ck_assert_int_eq(kdf_sha256(body, strlen(body), digest, NULL), 0);
	hex = hex_encode(digest, sizeof(digest));
	text = xasprintf("%scheck %s\n", body, hex);
	free(hex);
	return text;
}

/* A good bundle's text without its check line. */
static char *body_of_small(void)
{
	struct bundle *b = small();
	char *text = encode(b);

	*strstr(text, "check ") = '\0';
	bundle_free(b);
	return text;
}

static void expect_refused(const char *text, int rc, const char *why)
{
	struct bundle *b = NULL;
	struct err err = {""};

	ck_assert_int_eq(bundle_parse(&b, text, strlen(text), &err), rc);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(b);
}

/* The files of former versions are of format 1 and have one key. */
START_TEST(a_bundle_with_one_key_is_of_the_first_format)
{
	struct bundle *a = small();
	struct bundle *b = NULL;
	char *text = encode(a);

	ck_assert(text_starts(text, "collective-bundle 1\nid "));
	ck_assert_ptr_null(strstr(text, "held-key"));
	ck_assert_int_eq(bundle_parse(&b, text, strlen(text), NULL), 0);
	ck_assert_uint_eq(bundle_key_count(b), 1);
	ck_assert_ptr_eq(bundle_key_at(b, 0), b->key);
	secret_free(text);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

START_TEST(held_keys_go_there_and_back)
{
	static const unsigned char two[KDF_KEY_LEN] = {2};
	static const unsigned char three[KDF_KEY_LEN] = {3};
	struct bundle *a = small();
	struct bundle *b = NULL;
	unsigned char one[KDF_KEY_LEN];
	char *text;
	char *again;
	struct err err = {""};

	memcpy(one, a->key, KDF_KEY_LEN);
	ck_assert_int_eq(bundle_hold_key(a, two, NULL), 0);
	ck_assert_int_eq(bundle_hold_key(a, two, NULL), 0);
	ck_assert_int_eq(bundle_hold_key(a, one, NULL), 0);
	ck_assert_uint_eq(bundle_key_count(a), 2);
	ck_assert_int_eq(bundle_turn_key(a, three, NULL), 0);
	text = encode(a);
	ck_assert(text_starts(text, "collective-bundle 2\n"));
	ck_assert_msg(bundle_parse(&b, text, strlen(text), &err) == 0, "%s", err.text);
	ck_assert_uint_eq(bundle_key_count(b), 3);
	ck_assert_mem_eq(bundle_key_at(b, 0), three, KDF_KEY_LEN);
	ck_assert_mem_eq(bundle_key_at(b, 1), two, KDF_KEY_LEN);
	ck_assert_mem_eq(bundle_key_at(b, 2), one, KDF_KEY_LEN);
	again = encode(b);
	ck_assert_str_eq(text, again);
	secret_free(text);
	secret_free(again);
	ck_assert_int_eq(bundle_turn_key(b, three, NULL), 0);
	ck_assert_uint_eq(bundle_key_count(b), 3);
	ck_assert(!bundle_drop_key(b, three));
	ck_assert(bundle_drop_key(b, two));
	ck_assert(!bundle_drop_key(b, two));
	ck_assert(bundle_drop_key(b, one));
	ck_assert_uint_eq(bundle_key_count(b), 1);
	ck_assert_mem_eq(b->held[0], b->held[1], KDF_KEY_LEN);
	bundle_free(a);
	bundle_free(b);
}
END_TEST

START_TEST(keys_past_the_bound_are_refused)
{
	struct bundle *b = small();
	unsigned char key[KDF_KEY_LEN] = {0};
	struct err err = {""};

	for (size_t i = 0; i < BUNDLE_HELD_MAX; i++) {
		key[0]++;
		ck_assert_int_eq(bundle_hold_key(b, key, NULL), 0);
	}
	key[0]++;
	ck_assert_int_eq(bundle_hold_key(b, key, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "5 collective keys are held already");
	ck_assert_int_eq(bundle_turn_key(b, key, NULL), -ENOSPC);
	bundle_free(b);
}
END_TEST

#define HELD(c) "held-key " #c "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

START_TEST(bad_held_keys_are_refused)
{
	static const struct {
		const char *lines;
		const char *why;
	} bad[] = {
		{HELD(B) HELD(B), "a 'held-key' comes twice"},
		{HELD(A), "a 'held-key' is empty"},
		{"held-key YWJj\n", "line 8: 'held-key' does not have 32 bytes"},
		{HELD(B) HELD(C) HELD(D) HELD(E) HELD(F), "line 12: more than 4 of 'held-key'"},
	};
	char *body = body_of_small();
	char *longer;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		longer = xasprintf("%s%s", body, bad[i].lines);
		*strchr(longer, '1') = '2';
		text = seal(longer);
		expect_refused(text, -EINVAL, bad[i].why);
		free(longer);
		free(text);
	}
	longer = xasprintf("%s%s", body, HELD(B));
	text = seal(longer);
	expect_refused(text, -EINVAL, "line 8: not a field of a bundle of format 1");
	free(longer);
	free(text);
	secret_free(body);
}
END_TEST

static Suite *keys_suite(void)
{
	Suite *suite = suite_create("trust bundle keys");
	TCase *t = tcase_create("keys");

	tcase_add_test(t, a_bundle_with_one_key_is_of_the_first_format);
	tcase_add_test(t, held_keys_go_there_and_back);
	tcase_add_test(t, keys_past_the_bound_are_refused);
	tcase_add_test(t, bad_held_keys_are_refused);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(keys_suite)
