/*
 * What headers say about the cluster.
 */
#include "config.h"

#include "etcd/guard.h"
#include "tests/lib/suite.h"

#define SEC USEC_PER_SEC

static struct etcd_header header(uint64_t cluster, uint64_t term, int64_t revision)
{
	return (struct etcd_header){.cluster_id = cluster, .raft_term = term, .revision = revision};
}

START_TEST(the_guard_pins_the_cluster)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header ours = header(1, 2, 10);
	struct etcd_header other = header(2, 9, 99);

	ck_assert_int_eq(etcd_guard_judge(&guard, &ours, -1, 0), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &other, 5, 0), ETCD_GUARD_FOREIGN);
	ck_assert(guard.term == 2 && guard.revision == 10);
}
END_TEST

START_TEST(the_guard_believes_a_lower_term_only_when_it_lasts)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header high = header(1, 5, 10);
	struct etcd_header low = header(1, 2, 4);

	ck_assert_int_eq(etcd_guard_judge(&guard, &high, 0, 0), ETCD_GUARD_GOOD);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(etcd_guard_judge(&guard, &low, -1, i * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 10 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 11 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &high, 10, 12 * SEC), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 20 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 22 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 24 * SEC), ETCD_GUARD_STALE);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 10, 25 * SEC), ETCD_GUARD_TERM_BACK);
	ck_assert(guard.term == 2 && guard.revision == 4 && guard.setbacks == 1);
	ck_assert_int_eq(etcd_guard_judge(&guard, &low, 4, 26 * SEC), ETCD_GUARD_GOOD);
}
END_TEST

START_TEST(the_guard_notices_a_revision_that_went_back_once)
{
	struct etcd_guard guard = {.cluster_id = 0};
	struct etcd_header ten = header(1, 2, 10);
	struct etcd_header four = header(1, 2, 4);

	ck_assert_int_eq(etcd_guard_judge(&guard, &ten, 0, 0), ETCD_GUARD_GOOD);
	/* asked for before 10 was known, or from a member's own state: proves nothing */
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 3, 0), ETCD_GUARD_GOOD);
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, -1, 0), ETCD_GUARD_GOOD);
	ck_assert(guard.revision == 10);
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 10, 0), ETCD_GUARD_REVISION_BACK);
	ck_assert(guard.revision == 4 && guard.setbacks == 1);
	/* others that were under way */
	ck_assert_int_eq(etcd_guard_judge(&guard, &four, 10, 0), ETCD_GUARD_GOOD);
	ck_assert(guard.setbacks == 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("etcd guard");
	TCase *t = tcase_create("guard");

	tcase_add_test(t, the_guard_pins_the_cluster);
	tcase_add_test(t, the_guard_believes_a_lower_term_only_when_it_lasts);
	tcase_add_test(t, the_guard_notices_a_revision_that_went_back_once);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
