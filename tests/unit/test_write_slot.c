/*
 * Transactions with a ticket: whatever becomes of requests and answers, each is applied at most once,
 * and what is said of it is so, now and later.
 */
#include "config.h"
#include "write/writer_slot.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "core/prng.h"
#include "etcd/txn.h"
#include "io/http.h"
#include "io/loop.h"
#include "tests/unit/test_etcd_kv.h"
#include "tests/unit/test_write.h"

#define SLOT "/c/writes/m1/0"
#define KEY  "/c/nodes/n1/a"

static struct loop *loop;
static struct http *http;
static struct etcd *etcd;
static struct kv kv;
static struct writer_slot *slot;

static bool done;
static enum writer_end end;
static int64_t revision;
static char why[1024];

static void on_done(enum writer_end e, int64_t r, const char *text, void *arg)
{
	(void)arg;
	done = true;
	end = e;
	revision = r;
	snprintf(why, sizeof(why), "%s", text);
}

static void begin(void)
{
	writer_world_begin(&loop, &http, &etcd, &kv);
	slot = writer_slot_new(loop, etcd, SLOT, "run");
}

static void finish(void)
{
	writer_slot_free(slot);
	writer_world_end(loop, http, etcd, &kv);
}

/* Puts value at KEY, where that has this mod_revision. */
static void start(const char *value, int64_t mod)
{
	struct etcd_txn *txn = etcd_txn_new();

	etcd_txn_if_mod(txn, KEY, ETCD_EQUAL, mod);
	etcd_txn_put(txn, ETCD_THEN, KEY, value, strlen(value), 0);
	done = false;
	writer_slot_commit(slot, txn, on_done, NULL);
}

static void commit(const char *value, int64_t mod)
{
	start(value, mod);
	run_until(loop, &done, "a transaction has ended");
}

static void assert_end(enum writer_end wanted)
{
	ck_assert_msg(end == wanted, "ended as %d (%s), wanted %d", (int)end, why, (int)wanted);
}

START_TEST(a_transaction_is_applied_once)
{
	begin();
	commit("a", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_int_eq(revision, kv_get(&kv, KEY)->mod);
	commit("b", revision);
	assert_end(WRITER_APPLIED);
	ck_assert_str_eq(kv_get(&kv, KEY)->value, "b");
	ck_assert_uint_eq(kv.txns, 2);
	finish();
}
END_TEST

START_TEST(a_compare_that_does_not_hold_fails_for_good)
{
	begin();
	kv_put(&kv, KEY, "other");
	kv_fault(&kv, KV_TWICE);
	commit("mine", 0);
	assert_end(WRITER_FAILED);
	/* the reason lies before a change that the slot itself made */
	ck_assert_int_eq(revision, kv_get(&kv, SLOT)->mod);
	ck_assert_int_gt(revision, kv_get(&kv, KEY)->mod);
	kv_delete(&kv, KEY);
	ck_assert(!kv_replay(&kv));
	ck_assert_int_eq(kv_get(&kv, KEY)->mod, 0);
	finish();
}
END_TEST

START_TEST(an_answer_that_was_lost_is_found)
{
	begin();
	kv_fault(&kv, KV_APPLY_AND_CUT);
	commit("mine", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_int_eq(revision, kv_get(&kv, KEY)->mod);
	ck_assert_uint_eq(kv.puts, 1);
	finish();
}
END_TEST

static void delete_it(struct kv *k, void *arg)
{
	(void)arg;
	k->before = NULL;
	kv_delete(k, KEY);
}

static void delete_with_the_next(struct kv *k, void *arg)
{
	(void)arg;
	k->before = delete_it;
}

START_TEST(what_was_written_and_deleted_by_another_is_not_written_again)
{
	begin();
	kv_fault(&kv, KV_APPLY_AND_CUT);
	kv.before = delete_with_the_next;
	commit("mine", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_int_eq(kv_get(&kv, KEY)->mod, 0);
	ck_assert_uint_eq(kv.puts, 1);
	finish();
}
END_TEST

START_TEST(a_request_that_was_lost_fails_and_its_copy_comes_too_late)
{
	begin();
	kv_fault(&kv, KV_KEEP);
	commit("mine", 0);
	assert_end(WRITER_FAILED);
	ck_assert(!kv_replay(&kv));
	commit("again", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_str_eq(kv_get(&kv, KEY)->value, "again");
	finish();
}
END_TEST

START_TEST(what_libcurl_sends_twice_is_applied_once)
{
	begin();
	commit("first", 0);
	kv_fault(&kv, KV_RETRIED);
	commit("mine", revision);
	assert_end(WRITER_APPLIED);
	kv_delete(&kv, KEY);
	ck_assert(!kv_replay(&kv));
	finish();
}
END_TEST

static void replay(struct kv *k, void *arg)
{
	(void)arg;
	ck_assert(kv_replay(k));
}

static void replay_with_the_next(struct kv *k, void *arg)
{
	(void)arg;
	k->before = replay;
}

START_TEST(a_copy_that_comes_before_the_closing_counts)
{
	begin();
	kv_fault(&kv, KV_KEEP);
	kv.before = replay_with_the_next;
	commit("mine", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_str_eq(kv_get(&kv, KEY)->value, "mine");
	finish();
}
END_TEST

START_TEST(a_closing_that_was_lost_is_repeated)
{
	begin();
	kv_fault(&kv, KV_CUT);
	kv_fault(&kv, KV_CUT);
	kv_fault(&kv, KV_APPLY_AND_CUT);
	commit("mine", 0);
	assert_end(WRITER_FAILED);
	ck_assert_uint_eq(kv.txns, 4);
	ck_assert_int_eq(revision, kv_get(&kv, SLOT)->mod);
	finish();
}
END_TEST

START_TEST(out_of_space_is_refused_or_the_last_that_went_in)
{
	begin();
	kv_fault(&kv, KV_FULL);
	commit("mine", 0);
	assert_end(WRITER_REFUSED);
	ck_assert_ptr_nonnull(strstr(why, "space"));
	kv_fault(&kv, KV_APPLY_FULL);
	commit("mine", 0);
	assert_end(WRITER_APPLIED);
	ck_assert_str_eq(kv_get(&kv, KEY)->value, "mine");
	finish();
}
END_TEST

START_TEST(a_doubt_that_a_full_etcd_keeps_up_is_told)
{
	begin();
	kv_fault(&kv, KV_KEEP);
	kv.always = KV_FULL;
	commit("mine", 0);
	assert_end(WRITER_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(why, "space"));
	ck_assert(kv_replay(&kv));
	finish();
}
END_TEST

START_TEST(who_may_not_write_is_refused)
{
	begin();
	kv_fault(&kv, KV_FORBIDDEN);
	commit("mine", 0);
	assert_end(WRITER_REFUSED);
	ck_assert_ptr_nonnull(strstr(why, "permission denied"));
	commit("mine", 0);
	assert_end(WRITER_APPLIED);
	finish();
}
END_TEST

START_TEST(who_gives_up_in_doubt_is_told_so)
{
	begin();
	commit("first", 0);
	kv.always = KV_KEEP;
	start("second", revision);
	ck_assert(!writer_slot_in_doubt(slot) || kv.txns >= 1);
	while (kv.txns < 3)
		run_for(loop, USEC_PER_MSEC);
	ck_assert(writer_slot_in_doubt(slot));
	writer_slot_give_up(slot);
	run_until(loop, &done, "it was given up");
	assert_end(WRITER_UNKNOWN);
	/* the doubt ends with the next one: one of the two is applied */
	kv.always = KV_FINE;
	ck_assert(kv_replay(&kv));
	commit("third", kv_get(&kv, KEY)->mod);
	assert_end(WRITER_FAILED);
	commit("third", kv_get(&kv, KEY)->mod);
	assert_end(WRITER_APPLIED);
	while (kv.n_kept)
		ck_assert(!kv_replay(&kv));
	finish();
}
END_TEST

START_TEST(what_was_never_sent_is_given_up_as_refused)
{
	begin();
	fake_kill(&kv.fake);
	start("mine", 0);
	run_for(loop, 20 * USEC_PER_MSEC);
	ck_assert(!writer_slot_in_doubt(slot));
	writer_slot_give_up(slot);
	run_until(loop, &done, "it was given up");
	assert_end(WRITER_REFUSED);
	finish();
}
END_TEST

START_TEST(an_earlier_run_leaves_the_slot_usable)
{
	begin();
	commit("a", 0);
	writer_slot_free(slot);
	slot = writer_slot_new(loop, etcd, SLOT, "next run");
	commit("b", revision);
	assert_end(WRITER_APPLIED);
	/* somebody has removed it by hand */
	kv_delete(&kv, SLOT);
	commit("c", revision);
	assert_end(WRITER_FAILED);
	commit("c", kv_get(&kv, KEY)->mod);
	assert_end(WRITER_APPLIED);
	finish();
}
END_TEST

/* Others write and delete, requests and answers get lost, copies come whenever they like. */
START_TEST(what_is_said_is_so_whatever_happens)
{
	static const enum kv_fault faults[] = {
		KV_FINE, KV_FINE, KV_TWICE, KV_APPLY_AND_CUT, KV_CUT, KV_KEEP, KV_RETRIED};
	struct prng random;
	unsigned applied = 0;

	begin();
	random = (struct prng){(uint64_t)_i + 1};
	for (int i = 0; i < 25; i++) {
		unsigned before = kv.puts;
		char value[32];
		int64_t mod;

		while (kv.n_kept && prng_below(&random, 2)) {
			ck_assert(!kv_replay(&kv));
		}
		if (prng_below(&random, 2))
			kv_delete(&kv, KEY);
		mod = prng_below(&random, 4) ? kv_get(&kv, KEY)->mod : 0;
		for (size_t k = 0; k < 3; k++)
			kv.faults[k] = faults[prng_below(&random, ARRAY_SIZE(faults))];
		kv.n_faults = 3;
		kv.at = 0;
		snprintf(value, sizeof(value), "v%d", i);
		commit(value, mod);
		if (end == WRITER_APPLIED) {
			applied++;
			ck_assert_uint_eq(kv.puts, before + 1);
			ck_assert_str_eq(kv_get(&kv, KEY)->value, value);
			ck_assert_int_eq(kv_get(&kv, KEY)->mod, revision);
		} else {
			assert_end(WRITER_FAILED);
			ck_assert_uint_eq(kv.puts, before);
		}
	}
	while (kv.n_kept)
		ck_assert(!kv_replay(&kv));
	ck_assert_uint_gt(applied, 3);
	finish();
}
END_TEST

TCase *writer_slot_case(void)
{
	TCase *tc = tcase_create("slot");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_transaction_is_applied_once);
	tcase_add_test(tc, a_compare_that_does_not_hold_fails_for_good);
	tcase_add_test(tc, an_answer_that_was_lost_is_found);
	tcase_add_test(tc, what_was_written_and_deleted_by_another_is_not_written_again);
	tcase_add_test(tc, a_request_that_was_lost_fails_and_its_copy_comes_too_late);
	tcase_add_test(tc, what_libcurl_sends_twice_is_applied_once);
	tcase_add_test(tc, a_copy_that_comes_before_the_closing_counts);
	tcase_add_test(tc, a_closing_that_was_lost_is_repeated);
	tcase_add_test(tc, out_of_space_is_refused_or_the_last_that_went_in);
	tcase_add_test(tc, a_doubt_that_a_full_etcd_keeps_up_is_told);
	tcase_add_test(tc, who_may_not_write_is_refused);
	tcase_add_test(tc, who_gives_up_in_doubt_is_told_so);
	tcase_add_test(tc, what_was_never_sent_is_given_up_as_refused);
	tcase_add_test(tc, an_earlier_run_leaves_the_slot_usable);
	tcase_add_loop_test(tc, what_is_said_is_so_whatever_happens, 0, 2);
	return tc;
}
