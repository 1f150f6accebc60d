/* Orders as etcd's keys move them on, and what anybody may put in their place. */
#include "config.h"
#include "record/orders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "etcd/codec.h"
#include "tests/unit/test_record.h"

static struct orders *orders;
static int64_t rev;
static struct err why;

static void begin(void)
{
	orders = orders_new();
	rev = 10;
}

static void finish(void)
{
	orders_free(orders);
}

static int put_at(const char *path, const char *value, int64_t revision)
{
	const struct etcd_kv kv = {.key = path,
		.key_len = strlen(path),
		.value = value,
		.value_len = strlen(value),
		.mod_revision = revision};
	int rc = 1;

	err_clear(&why);
	ck_assert(orders_key(orders, path, &kv, false, &rc, &why));
	ck_assert((rc < 0) == (*why.text != '\0'));
	return rc;
}

static int put(const char *path, const char *value)
{
	return put_at(path, value, ++rev);
}

static void drop(const char *path)
{
	const struct etcd_kv kv = {.key = path, .key_len = strlen(path), .mod_revision = ++rev};
	int rc = 1;

	ck_assert(orders_key(orders, path, &kv, true, &rc, NULL));
	ck_assert_int_eq(rc, 0);
}

START_TEST(a_pause_comes_and_goes)
{
	uint64_t serial;
	CLEANUP(freep) char *text = NULL;

	begin();
	serial = orders_serial(orders);
	ck_assert_ptr_null(orders_pause(orders));
	ck_assert_int_eq(put("pause", "{\"by\":\"mgt1\",\"actor\":\"root\",\"at\":1795333836.25,"
				      "\"reason\":\"why not\",\"later\":[1]}"),
		0);
	ck_assert_uint_ne(orders_serial(orders), serial);
	text = order_text(orders_pause(orders));
	ck_assert_str_eq(text, "by root on mgt1 at 2026-11-22 07:50:36 UTC: why not");
	ck_assert_int_eq(orders_pause(orders)->mod_revision, rev);
	ck_assert_int_eq(orders_pause(orders)->at, 1795333836250000);
	drop("pause");
	ck_assert_ptr_null(orders_pause(orders));
	drop("pause");
	finish();
}
END_TEST

START_TEST(what_is_encoded_is_read_again)
{
	struct order is, was = {
				 .by = "mgt1",
				 .actor = "uid 1000",
				 .reason = "\"quoted\" und größer",
				 .at = 1795333836250000,
				 .force = true,
				 .id = "b1",
				 .max = 7,
				 .left = 3,
			 };
	CLEANUP(freep) char *value = order_encode(&was);
	const struct etcd_kv kv = {.value = value, .value_len = strlen(value), .mod_revision = 5};

	ck_assert_int_eq(order_decode(&is, "drains/mgt2", &kv, NULL), 0);
	ck_assert_str_eq(is.member, "mgt2");
	ck_assert_int_eq(is.mod_revision, 5);
	ck_assert_str_eq(is.by, was.by);
	ck_assert_str_eq(is.actor, was.actor);
	ck_assert_str_eq(is.reason, was.reason);
	ck_assert_int_eq(is.at, was.at);
	ck_assert(is.force);
	ck_assert_str_eq(is.id, was.id);
	ck_assert_int_eq(is.max, 7);
	ck_assert_int_eq(is.left, 3);
}
END_TEST

/* Also what the longest reason becomes when all of it must be escaped. */
START_TEST(the_longest_reason_fits)
{
	struct order order = {.at = 1};
	struct etcd_kv kv = {.mod_revision = 1};
	CLEANUP(freep) char *value = NULL;

	memset(order.reason, 1, ORDERS_REASON_MAX);
	value = order_encode(&order);
	kv.value = value;
	kv.value_len = strlen(value);
	ck_assert_int_eq(order_decode(&order, "pause", &kv, NULL), 0);
	ck_assert_uint_eq(strlen(order.reason), ORDERS_REASON_MAX);
}
END_TEST

static const char *const odd_values[] = {"", "stop", "[]", "{\"by\":1}", "{\"by\":\"../x\"}",
	"{\"at\":-1}", "{\"at\":1e300}", "{\"reason\":{}}", "{\"force\":\"yes\"}", "{\"left\":-1}",
	"{\"actor\":\"0123456789012345678901234567890123456789\"}"};

START_TEST(what_cannot_be_read_stops_moves_all_the_same)
{
	const char *value = odd_values[_i];

	begin();
	ck_assert_int_eq(put("pause", value), -EINVAL);
	ck_assert_ptr_nonnull(orders_pause(orders));
	ck_assert_str_eq(orders_pause(orders)->reason, "");
	ck_assert_int_eq(put("drains/mgt2", value), -EINVAL);
	ck_assert_str_eq(orders_drain(orders, "mgt2")->member, "mgt2");
	ck_assert_int_eq(put("rebalance", value), -EINVAL);
	ck_assert_ptr_null(orders_rebalance(orders));
	finish();
}
END_TEST

START_TEST(a_large_value_is_odd)
{
	CLEANUP(freep) char *value = xmalloc(9001);

	begin();
	memset(value, ' ', 9000);
	value[9000] = '\0';
	ck_assert_int_eq(put("pause", value), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "larger than"));
	finish();
}
END_TEST

START_TEST(a_rebalancing_needs_an_id)
{
	begin();
	ck_assert_int_eq(put("rebalance", "{\"max\":\"10\",\"left\":\"10\"}"), -EINVAL);
	ck_assert_ptr_null(orders_rebalance(orders));
	ck_assert_int_eq(put("rebalance", "{\"id\":\"a\",\"max\":\"10\",\"left\":\"4\"}"), 0);
	ck_assert_int_eq(orders_rebalance(orders)->left, 4);
	ck_assert_int_eq(put("rebalance", "{\"max\":\"10\"}"), -EINVAL);
	ck_assert_ptr_null(orders_rebalance(orders));
	finish();
}
END_TEST

START_TEST(drains_are_in_natural_order)
{
	static const char *const names[] = {"mgt1", "mgt2", "mgt10"};
	const struct order *order;
	unsigned i = 0;

	begin();
	ck_assert_int_eq(put("drains/mgt10", "{}"), 0);
	ck_assert_int_eq(put("drains/mgt1", "{}"), 0);
	ck_assert_int_eq(put("drains/mgt2", "{}"), 0);
	list_foreach (order, orders_drains(orders), link)
		ck_assert_str_eq(order->member, names[i++]);
	ck_assert_uint_eq(i, 3);
	drop("drains/mgt2");
	ck_assert_ptr_null(orders_drain(orders, "mgt2"));
	ck_assert_ptr_nonnull(orders_drain(orders, "mgt10"));
	finish();
}
END_TEST

START_TEST(a_drain_of_nobody_is_odd)
{
	begin();
	ck_assert_int_eq(put("drains/", "{}"), -EINVAL);
	ck_assert_int_eq(put("drains/a b\n", "{}"), -EINVAL);
	ck_assert_ptr_null(strchr(why.text, '\n'));
	ck_assert(list_empty(orders_drains(orders)));
	drop("drains/a b\n");
	finish();
}
END_TEST

START_TEST(other_keys_are_nobodys)
{
	static const char *const paths[] = {
		"pauses", "paus", "drains", "rebalance/1", "leader", ""};
	const struct etcd_kv kv = {.value = "{}", .value_len = 2, .mod_revision = 1};
	int rc;

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert(!orders_key(orders, paths[i], &kv, false, &rc, NULL));
	finish();
}
END_TEST

START_TEST(a_listing_takes_away_what_it_does_not_have_at_its_end)
{
	uint64_t serial;

	begin();
	ck_assert_int_eq(put_at("pause", "{}", 5), 0);
	ck_assert_int_eq(put_at("drains/mgt1", "{}", 6), 0);
	ck_assert_int_eq(put_at("drains/mgt2", "{}", 7), 0);
	serial = orders_serial(orders);
	orders_begin(orders);
	ck_assert_int_eq(put_at("pause", "{}", 5), 0);
	ck_assert_int_eq(put_at("drains/mgt1", "{}", 6), 0);
	ck_assert_int_eq(put_at("drains/mgt2", "{}", 7), 0);
	orders_end(orders);
	ck_assert_uint_eq(orders_serial(orders), serial);
	orders_begin(orders);
	ck_assert_int_eq(put_at("drains/mgt2", "{}", 7), 0);
	ck_assert_ptr_nonnull(orders_pause(orders));
	orders_end(orders);
	ck_assert_ptr_null(orders_pause(orders));
	ck_assert_ptr_null(orders_drain(orders, "mgt1"));
	ck_assert_ptr_nonnull(orders_drain(orders, "mgt2"));
	ck_assert_uint_ne(orders_serial(orders), serial);
	finish();
}
END_TEST

START_TEST(there_is_a_ceiling_on_drains)
{
	begin();
	for (int i = 0; i < 600; i++) {
		CLEANUP(freep) char *path = xasprintf("drains/m%d", i);

		ck_assert_int_eq(put(path, "{}"), i < 512 ? 0 : -EINVAL);
	}
	finish();
}
END_TEST

TCase *orders_case(void)
{
	TCase *t = tcase_create("orders");

	tcase_add_test(t, a_pause_comes_and_goes);
	tcase_add_test(t, what_is_encoded_is_read_again);
	tcase_add_test(t, the_longest_reason_fits);
	tcase_add_loop_test(
		t, what_cannot_be_read_stops_moves_all_the_same, 0, ARRAY_SIZE(odd_values));
	tcase_add_test(t, a_large_value_is_odd);
	tcase_add_test(t, a_rebalancing_needs_an_id);
	tcase_add_test(t, drains_are_in_natural_order);
	tcase_add_test(t, a_drain_of_nobody_is_odd);
	tcase_add_test(t, other_keys_are_nobodys);
	tcase_add_test(t, a_listing_takes_away_what_it_does_not_have_at_its_end);
	tcase_add_test(t, there_is_a_ceiling_on_drains);
	return t;
}
