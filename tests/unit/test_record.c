#include "config.h"
#include "tests/unit/test_record.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "record/records.h"
#include "record/view.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_fixture.h"

static const struct member_record sample = {
	.name = "mgt2",
	.address = "192.0.2.2",
	.port = 13001,
	.nonvoting = true,
	.key = "sha256:0000000000000000000000000000000000000000000000000000000000000000",
	.joined = TEST_NOW,
	.invited_by = "mgt1",
	.version = "0.1.0",
};

START_TEST(a_record_says_what_was_written)
{
	CLEANUP(bundle_freep) struct bundle *bundle = test_bundle_new();
	CLEANUP(freep) char *text = NULL;
	struct member_record r;

	ck_assert_int_eq(member_record_encode(&sample, bundle, &text, NULL), 0);
	ck_assert_int_eq(member_record_decode(&r, "mgt2", text, strlen(text), bundle, NULL), 0);
	ck_assert_str_eq(r.name, sample.name);
	ck_assert_str_eq(r.address, sample.address);
	ck_assert_int_eq(r.port, sample.port);
	ck_assert(r.nonvoting);
	ck_assert_str_eq(r.key, sample.key);
	ck_assert(r.joined == sample.joined);
	ck_assert_str_eq(r.invited_by, sample.invited_by);
}
END_TEST

START_TEST(a_record_that_no_member_wrote_is_none)
{
	CLEANUP(bundle_freep) struct bundle *bundle = test_bundle_new();
	CLEANUP(bundle_freep) struct bundle *other = test_bundle_new();
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *tampered = NULL;
	struct member_record r;
	char *role;

	ck_assert_int_eq(member_record_encode(&sample, bundle, &text, NULL), 0);
	ck_assert_int_eq(
		member_record_decode(&r, "mgt3", text, strlen(text), bundle, NULL), -EBADMSG);
	ck_assert_int_eq(
		member_record_decode(&r, "mgt2", text, strlen(text), other, NULL), -ENOKEY);
	tampered = xstrdup(text);
	role = strstr(tampered, "192.0.2.2");
	role[8] = '3';
	ck_assert_int_eq(member_record_decode(&r, "mgt2", tampered, strlen(tampered), bundle, NULL),
		-EBADMSG);
	for (size_t len = 0; len < strlen(text); len++)
		ck_assert_int_lt(member_record_decode(&r, "mgt2", text, len, bundle, NULL), 0);
	ck_assert_int_lt(member_record_decode(&r, "mgt2", "{}", 2, bundle, NULL), 0);
	ck_assert_int_lt(member_record_decode(&r, "a b", text, strlen(text), bundle, NULL), 0);
}
END_TEST

START_TEST(active_and_collective_records_round_trip)
{
	struct active_record active = {
		.address = "192.0.2.2", .version = "0.1.0", .boot = "b", .since = TEST_NOW};
	struct collective_record collective = {.id = "abc-1", .by = "mgt1", .founded = TEST_NOW};
	CLEANUP(freep) char *a = active_record_encode(&active);
	CLEANUP(freep) char *c = collective_record_encode(&collective);
	static const char newer[] = "{\"id\":\"x\",\"format\":2,\"founded\":1,\"by\":\"a\"}";

	memset(&active, 0, sizeof(active));
	memset(&collective, 0, sizeof(collective));
	ck_assert_int_eq(active_record_decode(&active, a, strlen(a), NULL), 0);
	ck_assert_str_eq(active.boot, "b");
	ck_assert(active.since == TEST_NOW);
	ck_assert_int_eq(collective_record_decode(&collective, c, strlen(c), NULL), 0);
	ck_assert_str_eq(collective.id, "abc-1");
	ck_assert_int_eq(collective_record_decode(&collective, newer, strlen(newer), NULL),
		-EPROTONOSUPPORT);
}
END_TEST

START_TEST(keys_become_facts)
{
	CLEANUP(bundle_freep) struct bundle *bundle = test_bundle_new();
	struct etcd_kv kv = {.key = "k",
		.key_len = 1,
		.value = "mgt1",
		.value_len = 4,
		.create_revision = 3,
		.mod_revision = 5,
		.lease = 7};
	struct view_leader leader;
	struct view_active active;
	struct view_member member;

	view_leader(&leader, &kv);
	ck_assert(leader.info.present);
	ck_assert_str_eq(leader.info.value, "mgt1");
	ck_assert_int_eq(leader.info.lease, 7);
	kv.value = "a b\n";
	view_leader(&leader, &kv);
	ck_assert(leader.info.present);
	ck_assert_str_eq(leader.info.value, "");
	view_leader(&leader, NULL);
	ck_assert(!leader.info.present);
	view_active(&active, &kv);
	ck_assert(active.info.present);
	ck_assert_str_eq(active.info.instance, "");
	view_member(&member, "mgt2", &kv, bundle, sample.key);
	ck_assert(member.info.present);
	ck_assert(!member.info.valid);
	ck_assert_str_ne(member.why.text, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("records");

	tcase_add_test(t, a_record_says_what_was_written);
	tcase_add_test(t, a_record_that_no_member_wrote_is_none);
	tcase_add_test(t, active_and_collective_records_round_trip);
	tcase_add_test(t, keys_become_facts);
	suite_add_tcase(s, t);
	suite_add_tcase(s, orders_case());
	suite_add_tcase(s, history_case());
	return s;
}

SUITE_MAIN(suite)
