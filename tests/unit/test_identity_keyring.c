/* The keys of a member as etcd's records move them on: what is taken, what is not, and what follows. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/identity.h"
#include "identity/keyring.h"
#include "record/view.h"
#include "tests/lib/suite.h"
#include "trust/wrap.h"

#define NOW (1790000000 * USEC_PER_SEC)

/* A collective with the keys 0, 1 and 2, of which a member has the first. */
struct rig {
	struct bundle *all; /* has every key; current is what is to be written with */
	unsigned char key[3][KDF_KEY_LEN];
	char id[3][SEAL_KEY_ID_LEN + 1];
	struct identity identity;
	struct keyring *kr;
	int64_t rev;
};

static void rig_start(struct rig *r)
{
	*r = (struct rig){.rev = 10};
	ck_assert_int_eq(bundle_found(&r->all, NOW, NULL), 0);
	snprintf(r->identity.name, sizeof(r->identity.name), "mgt2");
	ck_assert_int_eq(privkey_generate(&r->identity.key, NULL), 0);
	ck_assert_int_eq(privkey_hash(r->identity.key, r->identity.key_hash, NULL), 0);
	r->identity.bundle = bundle_new();
	r->identity.bundle->id = xstrdup(r->all->id);
	for (unsigned char i = 0; i < 3; i++) {
		memset(r->key[i], i + 1, KDF_KEY_LEN);
		ck_assert_int_eq(seal_key_id(r->key[i], r->id[i], NULL), 0);
	}
	memcpy(r->all->key, r->key[0], KDF_KEY_LEN);
	memcpy(r->identity.bundle->key, r->key[0], KDF_KEY_LEN);
	ck_assert_int_eq(bundle_hold_key(r->all, r->key[1], NULL), 0);
	ck_assert_int_eq(bundle_hold_key(r->all, r->key[2], NULL), 0);
	r->kr = keyring_new(&r->identity);
}

static void rig_stop(struct rig *r)
{
	keyring_free(r->kr);
	privkey_free(r->identity.key);
	bundle_free(r->identity.bundle);
	bundle_free(r->all);
}

static int put(struct rig *r, const char *path, const char *value)
{
	const struct etcd_kv kv = {.key = path,
		.key_len = strlen(path),
		.value = value,
		.value_len = strlen(value),
		.mod_revision = ++r->rev};

	return keyring_key(r->kr, path, &kv, false, NULL);
}

static void drop(struct rig *r, const char *path)
{
	const struct etcd_kv kv = {.key = path, .key_len = strlen(path), .mod_revision = ++r->rev};

	ck_assert_int_eq(keyring_key(r->kr, path, &kv, true, NULL), 0);
	keyring_settle(r->kr, false);
}

static char *wrap_path(const struct rig *r, int key, const char *name)
{
	return xasprintf("rekey/wrapped/%s/%s", r->id[key], name);
}

/* The key, wrapped for this member's key pair and authenticated with the one before it. */
static char *wrap_value(const struct rig *r, int key, const char *name, const char *path)
{
	CLEANUP(freep) char *context = rekey_context(r->all, r->id[key], name);
	CLEANUP(freep) char *receiver = NULL;
	CLEANUP(freep) char *text = NULL;
	struct rekey_wrap wrap = {""};
	char *value = NULL;

	ck_assert_int_eq(privkey_public(r->identity.key, &receiver, NULL), 0);
	ck_assert_int_eq(wrap_key(receiver, context, r->key[key], &text, NULL), 0);
	memcpy(wrap.key, r->id[key], sizeof(wrap.key));
	memcpy(wrap.receiver, r->identity.key_hash, sizeof(wrap.receiver));
	memcpy(wrap.under, r->id[key - 1], sizeof(wrap.under));
	snprintf(wrap.wrapped, sizeof(wrap.wrapped), "%s", text);
	ck_assert_int_eq(rekey_wrap_encode(&wrap, path, r->all, &value, NULL), 0);
	return value;
}

static int give(struct rig *r, int key)
{
	CLEANUP(freep) char *path = wrap_path(r, key, "mgt2");
	CLEANUP(freep) char *value = wrap_value(r, key, "mgt2", path);
	int rc = put(r, path, value);

	keyring_settle(r->kr, false);
	return rc;
}

static int state(struct rig *r, int from, int to, enum rekey_stage stage)
{
	struct rekey_change change = {.stage = stage, .by = "mgt1", .at = NOW};
	CLEANUP(freep) char *value = NULL;
	int rc;

	memcpy(change.key, r->id[to], sizeof(change.key));
	memcpy(change.from, r->id[from], sizeof(change.from));
	ck_assert_int_eq(rekey_change_encode(&change, r->all, &value, NULL), 0);
	rc = put(r, REKEY_STATE, value);
	keyring_settle(r->kr, false);
	return rc;
}

/* The keys that the member has, the current one first: "01". */
static const char *keys(const struct rig *r)
{
	static char text[BUNDLE_HELD_MAX + 2];
	const struct bundle *b = r->identity.bundle;

	for (size_t i = 0; i < bundle_key_count(b); i++) {
		text[i] = (char)('0' + bundle_key_at(b, i)[0] - 1);
		text[i + 1] = '\0';
	}
	return text;
}

START_TEST(a_change_goes_its_way)
{
	struct rig r;
	int64_t rev;

	rig_start(&r);
	ck_assert_ptr_null(keyring_change(r.kr, &rev));
	ck_assert_int_eq(rev, 0);
	ck_assert_int_eq(r.identity.key_revision, 0);
	ck_assert_int_eq(give(&r, 1), 0);
	ck_assert_str_eq(keys(&r), "01");
	ck_assert(keyring_unsaved(r.kr));
	ck_assert_int_eq(state(&r, 0, 1, REKEY_DISTRIBUTE), 0);
	ck_assert_str_eq(keys(&r), "01");
	ck_assert_int_eq(r.identity.key_revision, r.rev);
	ck_assert_int_eq(state(&r, 0, 1, REKEY_RESEAL), 0);
	ck_assert_str_eq(keys(&r), "10");
	ck_assert_int_eq(r.identity.key_revision, r.rev);
	ck_assert_int_eq(state(&r, 0, 1, REKEY_DONE), 0);
	keyring_drop(r.kr);
	ck_assert_str_eq(keys(&r), "1");
	ck_assert_int_eq(r.identity.key_revision, r.rev);
	ck_assert_int_eq(keyring_change(r.kr, &rev)->stage, REKEY_DONE);
	ck_assert_int_eq(rev, r.rev);
	rig_stop(&r);
}
END_TEST

START_TEST(what_was_missed_is_made_up_for_in_any_order)
{
	struct rig r;

	rig_start(&r);
	ck_assert_int_eq(state(&r, 1, 2, REKEY_DONE), 0);
	ck_assert(keyring_behind(r.kr));
	ck_assert_int_eq(r.identity.key_revision, -1);
	ck_assert_int_eq(give(&r, 2), 0);
	ck_assert_str_eq(keys(&r), "0");
	ck_assert(keyring_behind(r.kr));
	ck_assert_int_eq(give(&r, 1), 0);
	ck_assert(!keyring_behind(r.kr));
	ck_assert_int_eq(keys(&r)[0], '2');
	ck_assert_uint_eq(strlen(keys(&r)), 3);
	ck_assert_int_eq(r.identity.key_revision, r.rev - 2);
	rig_stop(&r);
}
END_TEST

START_TEST(a_listing_counts_as_a_whole)
{
	struct rig r;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *value = NULL;

	rig_start(&r);
	ck_assert_int_eq(state(&r, 0, 1, REKEY_DISTRIBUTE), 0);
	path = wrap_path(&r, 1, "mgt2");
	value = wrap_value(&r, 1, "mgt2", path);
	keyring_begin(r.kr);
	ck_assert_int_eq(put(&r, path, value), 0);
	ck_assert_str_eq(keys(&r), "0");
	keyring_settle(r.kr, true);
	keyring_end(r.kr, 100);
	ck_assert_str_eq(keys(&r), "01");
	ck_assert_ptr_null(keyring_change(r.kr, NULL));
	ck_assert_int_eq(r.identity.key_revision, 0);
	ck_assert_int_eq(keyring_revision(r.kr), 100);
	ck_assert_uint_eq(keyring_wraps(r.kr)->n, 1);
	keyring_begin(r.kr);
	keyring_settle(r.kr, true);
	keyring_end(r.kr, 101);
	ck_assert_uint_eq(keyring_wraps(r.kr)->n, 0);
	rig_stop(&r);
}
END_TEST

START_TEST(a_wrapped_key_that_is_not_for_this_member_is_not_taken)
{
	struct rig r;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *other_path = NULL;
	CLEANUP(freep) char *next_path = NULL;
	CLEANUP(freep) char *value = NULL;
	CLEANUP(freep) char *other = NULL;

	rig_start(&r);
	path = wrap_path(&r, 1, "mgt2");
	other_path = wrap_path(&r, 1, "mgt3");
	next_path = wrap_path(&r, 2, "mgt2");
	value = wrap_value(&r, 1, "mgt2", path);
	/* made for another name, and moved here */
	other = wrap_value(&r, 1, "mgt3", path);
	ck_assert_int_eq(put(&r, other_path, value), -EBADMSG);
	ck_assert_int_eq(put(&r, next_path, value), -EBADMSG);
	ck_assert_int_eq(put(&r, path, other), 0);
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "0");
	value[strlen(value) / 2] ^= 1;
	ck_assert_int_lt(put(&r, path, value), 0);
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "0");
	/* comes back with another key pair */
	value[strlen(value) / 2] ^= 1;
	r.identity.key_hash[10] ^= 1;
	ck_assert_int_eq(put(&r, path, value), 0);
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "0");
	r.identity.key_hash[10] ^= 1;
	ck_assert_int_eq(put(&r, path, value), 0);
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "01");
	rig_stop(&r);
}
END_TEST

START_TEST(what_is_in_the_copy_on_disk_is_taken_before_etcd_answers)
{
	struct rig r;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *value = NULL;

	rig_start(&r);
	path = wrap_path(&r, 1, "mgt2");
	value = wrap_value(&r, 1, "mgt2", path);
	keyring_early(r.kr, REKEY_STATE, "x", 1);
	keyring_early(r.kr, "rekey/wrapped/0123abcd/mgt3", "x", 1);
	keyring_early(r.kr, "nodes/n1/groups", "", 0);
	keyring_early(r.kr, path, value, strlen(value));
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "01");
	ck_assert_uint_eq(keyring_wraps(r.kr)->n, 1);
	rig_stop(&r);
}
END_TEST

/* Nothing that somebody puts there makes a member turn back, or forget, or write with a wrong key. */
START_TEST(a_state_that_no_member_wrote_moves_nothing)
{
	static const char *const bad[] = {"", "{}", "nonsense", "{\"stage\":\"done\"}"};
	struct rig r;
	const char *text;

	rig_start(&r);
	ck_assert_int_eq(give(&r, 1), 0);
	ck_assert_int_eq(state(&r, 0, 1, REKEY_RESEAL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_lt(put(&r, REKEY_STATE, bad[i]), 0);
		keyring_settle(r.kr, false);
		ck_assert_str_eq(keys(&r), "10");
		ck_assert(!keyring_behind(r.kr));
		ck_assert_ptr_null(keyring_change(r.kr, NULL));
		ck_assert_int_eq(keyring_remembered(r.kr)->stage, REKEY_RESEAL);
		ck_assert_int_eq(r.identity.key_revision, r.rev);
	}
	/* an earlier stage of the same change */
	ck_assert_int_eq(state(&r, 0, 1, REKEY_DISTRIBUTE), 0);
	ck_assert_str_eq(keys(&r), "10");
	text = REKEY_STATE;
	drop(&r, text);
	ck_assert_int_eq(r.identity.key_revision, 0);
	ck_assert_str_eq(keys(&r), "10");
	rig_stop(&r);
}
END_TEST

/* Of a stage under the wrong one of two keys that are both there. */
START_TEST(a_stage_counts_only_under_its_own_key)
{
	struct rig r;
	struct rekey_change change = {.stage = REKEY_DISTRIBUTE, .by = "mgt1", .at = NOW};
	CLEANUP(freep) char *value = NULL;
	CLEANUP(freep) char *forged = NULL;
	char *at;

	rig_start(&r);
	ck_assert_int_eq(give(&r, 1), 0);
	memcpy(change.key, r.id[1], sizeof(change.key));
	memcpy(change.from, r.id[0], sizeof(change.from));
	ck_assert_int_eq(rekey_change_encode(&change, r.all, &value, NULL), 0);
	at = strstr(value, "\"distribute\"");
	forged = xasprintf("%.*s\"reseal\"%s", (int)(at - value), value, at + 12);
	ck_assert_int_eq(put(&r, REKEY_STATE, forged), -EBADMSG);
	keyring_settle(r.kr, false);
	ck_assert_str_eq(keys(&r), "01");
	rig_stop(&r);
}
END_TEST

static void show_record(struct rig *r, const char *name, const char *value, int64_t rev)
{
	const struct etcd_kv kv = {.key = name,
		.key_len = strlen(name),
		.value = value,
		.value_len = strlen(value),
		.mod_revision = rev};
	struct view_member view;

	view_member(&view, name, value ? &kv : NULL, r->identity.bundle, r->identity.key_hash);
	keyring_member(r->kr, name, &view);
}

static char *record_of(const struct rig *r, const struct bundle *bundle, const char *public_key)
{
	struct member_record record = {.name = "mgt2",
		.address = "192.0.2.2",
		.joined = NOW,
		.invited_by = "mgt1",
		.version = "1"};
	char *value = NULL;

	memcpy(record.key, r->identity.key_hash, sizeof(record.key));
	snprintf(record.public_key, sizeof(record.public_key), "%s", public_key);
	ck_assert_int_eq(member_record_encode(&record, bundle, &value, NULL), 0);
	return value;
}

START_TEST(a_member_holds_what_it_says_with_the_key_itself)
{
	struct rig r;
	struct rekey_held held = {""};
	CLEANUP(freep) char *record = NULL;
	CLEANUP(freep) char *value = NULL;
	const struct keyring_member *m;

	rig_start(&r);
	ck_assert_int_eq(give(&r, 1), 0);
	record = record_of(&r, r.all, "");
	show_record(&r, "mgt2", record, 5);
	m = keyring_find(r.kr, "mgt2");
	ck_assert_ptr_nonnull(m);
	ck_assert(keyring_is_wrapped(r.kr, m, r.id[1]));
	ck_assert(!keyring_is_held(r.kr, m, r.id[1]));
	memcpy(held.key, r.id[1], sizeof(held.key));
	memcpy(held.receiver, r.identity.key_hash, sizeof(held.receiver));
	ck_assert_int_eq(rekey_held_encode(&held, "rekey/held/mgt2", r.all, &value, NULL), 0);
	ck_assert_int_eq(put(&r, "rekey/held/mgt3", value), -EBADMSG);
	ck_assert(!keyring_is_held(r.kr, m, r.id[1]));
	ck_assert_int_eq(put(&r, "rekey/held/mgt2", value), 0);
	ck_assert(keyring_is_held(r.kr, m, r.id[1]));
	ck_assert(!keyring_is_held(r.kr, m, r.id[0]));
	drop(&r, "rekey/held/mgt2");
	ck_assert(!keyring_is_held(r.kr, m, r.id[1]));
	show_record(&r, "mgt2", "gone", 6);
	ck_assert_ptr_null(keyring_find(r.kr, "mgt2"));
	rig_stop(&r);
}
END_TEST

START_TEST(a_record_is_good_under_each_key_that_is_there)
{
	struct rig r;
	struct member_record got;
	CLEANUP(freep) char *old = NULL;
	CLEANUP(freep) char *young = NULL;
	CLEANUP(freep) char *unsaid = NULL;
	char *under;

	rig_start(&r);
	old = record_of(&r, r.all, "");
	ck_assert_int_eq(bundle_turn_key(r.all, r.key[1], NULL), 0);
	young = record_of(&r, r.all, "");
	ck_assert_int_eq(
		member_record_decode(&got, "mgt2", old, strlen(old), r.identity.bundle, NULL), 0);
	ck_assert_str_eq(got.under, r.id[0]);
	ck_assert_int_eq(
		member_record_decode(&got, "mgt2", young, strlen(young), r.identity.bundle, NULL),
		-ENOKEY);
	/* those of former versions don't say */
	unsaid = xstrdup(young);
	under = strstr(unsaid, "\"under\"");
	memcpy(under, "\"other\"", 7);
	ck_assert_int_eq(
		member_record_decode(&got, "mgt2", unsaid, strlen(unsaid), r.identity.bundle, NULL),
		-EBADMSG);
	ck_assert_int_eq(give(&r, 1), 0);
	ck_assert_int_eq(
		member_record_decode(&got, "mgt2", unsaid, strlen(unsaid), r.identity.bundle, NULL),
		0);
	ck_assert_str_eq(got.under, r.id[1]);
	ck_assert_int_eq(
		member_record_decode(&got, "mgt2", young, strlen(young), r.identity.bundle, NULL),
		0);
	rig_stop(&r);
}
END_TEST

START_TEST(a_public_key_is_believed_with_the_hash_of_the_record)
{
	struct rig r;
	struct privkey *stranger = NULL;
	CLEANUP(freep) char *own = NULL;
	CLEANUP(freep) char *other = NULL;
	CLEANUP(freep) char *good = NULL;
	CLEANUP(freep) char *bad = NULL;
	const struct keyring_member *m;

	rig_start(&r);
	ck_assert_int_eq(privkey_generate(&stranger, NULL), 0);
	ck_assert_int_eq(privkey_public(r.identity.key, &own, NULL), 0);
	ck_assert_int_eq(privkey_public(stranger, &other, NULL), 0);
	good = record_of(&r, r.all, own);
	bad = record_of(&r, r.all, other);
	show_record(&r, "mgt2", bad, 5);
	m = keyring_find(r.kr, "mgt2");
	ck_assert_ptr_null(keyring_public(m));
	keyring_active(r.kr, "mgt2", other);
	ck_assert_ptr_null(keyring_public(m));
	keyring_active(r.kr, "mgt2", own);
	ck_assert_str_eq(keyring_public(m), own);
	keyring_active(r.kr, "mgt2", "");
	show_record(&r, "mgt2", good, 6);
	ck_assert_str_eq(keyring_public(m), own);
	ck_assert_int_eq(m->rev, 6);
	privkey_free(stranger);
	rig_stop(&r);
}
END_TEST

START_TEST(foreign_keys_are_refused_and_bounded)
{
	static const char *const bad[] = {"rekey/", "rekey/x", "rekey/wrapped/",
		"rekey/wrapped/x/y", "rekey/wrapped/0123abcd/", "rekey/wrapped/0123abcd/a/b",
		"rekey/held/", "rekey/held/a b"};
	struct rig r;
	size_t n = 0;

	rig_start(&r);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(put(&r, bad[i], "{}"), -EINVAL);
	ck_assert_uint_eq(keyring_wraps(r.kr)->n + keyring_helds(r.kr)->n, 0);
	for (int i = 0; i < 1100; i++) {
		CLEANUP(freep) char *path = xasprintf("rekey/held/m%d", i);

		n += put(&r, path, "{}") == -ENOSPC;
	}
	ck_assert_uint_eq(keyring_helds(r.kr)->n, 1024);
	ck_assert_uint_eq(n, 1100 - 1024);
	rig_stop(&r);
}
END_TEST

START_TEST(what_is_saved_is_what_was_there_then)
{
	struct rig r;
	uint64_t at;

	rig_start(&r);
	ck_assert(!keyring_unsaved(r.kr));
	ck_assert_int_eq(give(&r, 1), 0);
	at = keyring_keys_serial(r.kr);
	ck_assert_int_eq(state(&r, 0, 1, REKEY_RESEAL), 0);
	keyring_saved(r.kr, at);
	ck_assert(keyring_unsaved(r.kr));
	keyring_saved(r.kr, keyring_keys_serial(r.kr));
	ck_assert(!keyring_unsaved(r.kr));
	rig_stop(&r);
}
END_TEST

static Suite *keyring_suite(void)
{
	Suite *suite = suite_create("identity/keyring");
	TCase *t = tcase_create("keyring");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_change_goes_its_way);
	tcase_add_test(t, what_was_missed_is_made_up_for_in_any_order);
	tcase_add_test(t, a_listing_counts_as_a_whole);
	tcase_add_test(t, a_wrapped_key_that_is_not_for_this_member_is_not_taken);
	tcase_add_test(t, what_is_in_the_copy_on_disk_is_taken_before_etcd_answers);
	tcase_add_test(t, a_state_that_no_member_wrote_moves_nothing);
	tcase_add_test(t, a_stage_counts_only_under_its_own_key);
	tcase_add_test(t, a_member_holds_what_it_says_with_the_key_itself);
	tcase_add_test(t, a_record_is_good_under_each_key_that_is_there);
	tcase_add_test(t, a_public_key_is_believed_with_the_hash_of_the_record);
	tcase_add_test(t, foreign_keys_are_refused_and_bounded);
	tcase_add_test(t, what_is_saved_is_what_was_there_then);
	suite_add_tcase(suite, t);
	return suite;
}

SUITE_MAIN(keyring_suite)
