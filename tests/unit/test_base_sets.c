#include "config.h"

#include <string.h>

#include "base/bitset.h"
#include "base/hash.h"
#include "tests/lib/suite.h"

START_TEST(a_hash_is_siphash)
{
	/* Appendix A of the paper: key 00..0f, message 00..0e. */
	const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	unsigned char message[15];

	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)i;
	ck_assert_uint_eq(hash_bytes(&key, message, sizeof(message)), 0xa129ca6149be45e5u);
	ck_assert_uint_eq(hash_bytes(&key, "", 0), 0x726fdb47dd0e0e31u);
}
END_TEST

START_TEST(a_bitset_is_a_set)
{
	CLEANUP(bitset_done) struct bitset a = BITSET_INIT, b = BITSET_INIT;
	uint32_t it, sum = 0;

	bitset_add(&a, 0);
	bitset_add(&a, 63);
	bitset_add(&a, 64);
	bitset_add(&a, 1000);
	ck_assert_uint_eq(bitset_count(&a), 4);
	ck_assert(bitset_has(&a, 63) && !bitset_has(&a, 62) && !bitset_has(&a, BITSET_MAX - 1));
	bitset_foreach(it, &a) sum += it;
	ck_assert_uint_eq(sum, 1127);
	bitset_remove(&a, 1000);
	bitset_remove(&a, 5000);
	ck_assert(!bitset_next(&a, 65, &it));
	ck_assert(bitset_empty(&b) && bitset_within(&b, &a) && !bitset_within(&a, &b));
	bitset_copy(&b, &a);
	ck_assert(bitset_equal(&a, &b));
}
END_TEST

START_TEST(sets_of_different_sizes_combine)
{
	for (unsigned seed = 1; seed < 500; seed++) {
		CLEANUP(bitset_done)
		struct bitset a = BITSET_INIT, b = BITSET_INIT, c = BITSET_INIT;
		bool in_a[300] = {false}, in_b[300] = {false};
		uint32_t random = seed * 2654435761u;

		for (unsigned i = 0; i < seed % 97; i++) {
			random = random * 1664525u + 1013904223u;
			uint32_t at = (random >> 8) % (i % 2 ? 300 : 70);

			(i % 3 ? in_a : in_b)[at] = true;
			bitset_add(i % 3 ? &a : &b, at);
		}
		bitset_copy(&c, &a);
		bitset_unite(&c, &b);
		for (uint32_t i = 0; i < 300; i++)
			ck_assert_int_eq(bitset_has(&c, i), in_a[i] || in_b[i]);
		bitset_copy(&c, &a);
		bitset_intersect(&c, &b);
		for (uint32_t i = 0; i < 300; i++)
			ck_assert_int_eq(bitset_has(&c, i), in_a[i] && in_b[i]);
		bitset_copy(&c, &a);
		bitset_subtract(&c, &b);
		for (uint32_t i = 0; i < 300; i++)
			ck_assert_int_eq(bitset_has(&c, i), in_a[i] && !in_b[i]);
	}
}
END_TEST

static Suite *sets_suite(void)
{
	Suite *suite = suite_create("sets");
	TCase *tc = tcase_create("sets");

	tcase_add_test(tc, a_hash_is_siphash);
	tcase_add_test(tc, a_bitset_is_a_set);
	tcase_add_test(tc, sets_of_different_sizes_combine);
	suite_add_tcase(suite, tc);
	return suite;
}

SUITE_MAIN(sets_suite)
