#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/db.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_model_db.h"

START_TEST(a_node_exists_when_its_groups_key_does)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint32_t node;

	ck_assert_int_eq(put(db, "nodes/n1/location.u", "7"), 0);
	ck_assert(!db_node_find(db, "n1", &node));
	ck_assert_uint_eq(db_odd(db), 1);
	ck_assert_int_eq(put(db, "nodes/n1/groups", ""), 0);
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert_str_eq(db_node_name(db, node), "n1");
	ck_assert_uint_eq(db_odd(db), 0);
	ck_assert_uint_eq(db_node_count(db), 1);
	ck_assert(bitset_has(db_nodes(db), node));
	ck_assert_str_eq(text_of(db, "n1", "location.u"), "7");
	ck_assert_str_eq(groups_of(db, "n1"), "everything");
	drop(db, "nodes/n1/groups");
	ck_assert(!db_node_find(db, "n1", &node));
	ck_assert(bitset_empty(db_nodes(db)));
	ck_assert_uint_eq(db_odd(db), 1);
	ck_assert_uint_eq(db_keys(db), 1);
	drop(db, "nodes/n1/location.u");
	ck_assert_uint_eq(db_keys(db), 0);
}
END_TEST

START_TEST(groups_count_in_the_order_listed)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct db_value value;
	uint32_t node;

	put(db, "groups/a/noderange", "");
	put(db, "groups/b/noderange", "");
	put(db, "groups/a/location.room", "A");
	put(db, "groups/b/location.room", "B");
	put(db, "groups/everything/location.room", "E");
	put(db, "groups/everything/location.row", "E");
	put(db, "nodes/n1/groups", "b,a");
	put(db, "nodes/n2/groups", "a,b");
	put(db, "nodes/n3/groups", "everything, a");
	put(db, "nodes/n4/groups", "nosuch,a,a,nosuch");
	ck_assert_str_eq(groups_of(db, "n1"), "b,a,everything");
	ck_assert_str_eq(groups_of(db, "n3"), "everything,a");
	ck_assert_str_eq(groups_of(db, "n4"), "a,everything");
	ck_assert_str_eq(text_of(db, "n1", "location.room"), "B");
	ck_assert_str_eq(text_of(db, "n2", "location.room"), "A");
	ck_assert_str_eq(text_of(db, "n3", "location.room"), "E");
	ck_assert_str_eq(text_of(db, "n1", "location.row"), "E");
	ck_assert_str_eq(text_of(db, "n1", "location.rack"), "(unset)");
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert(db_node_value(db, node, "location.room", &value) && value.inherited);
	ck_assert_str_eq(db_group_name(db, value.group), "b");
	put(db, "nodes/n1/location.room", "own");
	ck_assert(db_node_value(db, node, "location.room", &value) && !value.inherited);
	ck_assert_str_eq(value.text, "own");
	put(db, "nodes/n1/location.room", "");
	ck_assert_str_eq(text_of(db, "n1", "location.room"), "");
	drop(db, "nodes/n1/location.room");
	ck_assert_str_eq(text_of(db, "n1", "location.room"), "B");
	/* a group that was listed before it existed */
	put(db, "groups/nosuch/location.room", "N");
	put(db, "groups/nosuch/noderange", "");
	ck_assert_str_eq(groups_of(db, "n4"), "nosuch,a,everything");
	ck_assert_str_eq(text_of(db, "n4", "location.room"), "N");
	drop(db, "groups/nosuch/noderange");
	ck_assert_str_eq(groups_of(db, "n4"), "a,everything");
	ck_assert_str_eq(text_of(db, "n4", "location.room"), "A");
}
END_TEST

START_TEST(the_list_of_groups_is_kept_as_typed)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct db_value value;
	struct err err;
	uint32_t node, group;

	put(db, "groups/a/noderange", "");
	ck_assert_int_eq(put_err(db, "nodes/n1/groups", "a,b#,a", &err), -EINVAL);
	ck_assert_str_eq(err.text,
		"nodes/n1/groups: \"b#\" is not a valid group name (letters, digits, '-', '_' and "
		"'.', a letter or digit first, at most 255 characters), and is ignored");
	ck_assert_str_eq(groups_of(db, "n1"), "a,everything");
	ck_assert_uint_eq(db_odd(db), 1);
	ck_assert_uint_eq(db_keys(db), 2);
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert(db_node_own(db, node, "groups", &value));
	ck_assert_str_eq(value.text, "a,b#,a");
	put(db, "nodes/n1/groups", "a");
	ck_assert_uint_eq(db_odd(db), 0);
	ck_assert(db_group_find(db, "a", &group));
	ck_assert_uint_eq(bitset_count(db_group_members(db, group)), 1);
	/* whatever it holds, the node exists */
	ck_assert_int_eq(put(db, "nodes/n1/groups", "\xff"), -EINVAL);
	ck_assert_str_eq(groups_of(db, "n1"), "everything");
	ck_assert_uint_eq(db_odd(db), 1);
	ck_assert(bitset_empty(db_group_members(db, group)));
}
END_TEST

START_TEST(dynamic_groups_give_nothing)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint32_t group;

	put(db, "groups/d/noderange", "n1-n3");
	put(db, "groups/d/location.u", "9");
	put(db, "nodes/n1/groups", "d");
	ck_assert(db_group_find(db, "d", &group));
	ck_assert_str_eq(db_group_noderange(db, group), "n1-n3");
	ck_assert_ptr_null(db_group_leaving(db, group));
	ck_assert_str_eq(text_of(db, "n1", "location.u"), "(unset)");
	ck_assert_str_eq(groups_of(db, "n1"), "d,everything");
	put(db, "groups/d/noderange", "");
	ck_assert_str_eq(text_of(db, "n1", "location.u"), "9");
	ck_assert_int_eq(put(db, "groups/d/noderange", "n1\x01"), -EINVAL);
	ck_assert_str_eq(db_group_noderange(db, group), "#");
	ck_assert_str_eq(text_of(db, "n1", "location.u"), "(unset)");
}
END_TEST

START_TEST(a_group_that_is_leaving_still_counts)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint32_t group;

	put(db, "groups/g/noderange", DB_LEAVING_DELETED);
	put(db, "groups/g/location.u", "9");
	put(db, "nodes/n1/groups", "g");
	ck_assert(db_group_find(db, "g", &group));
	ck_assert_str_eq(db_group_leaving(db, group), "# being deleted");
	ck_assert_str_eq(db_group_noderange(db, group), "");
	ck_assert_str_eq(text_of(db, "n1", "location.u"), "9");
	put(db, "groups/g/noderange", DB_LEAVING_RENAMED "h");
	ck_assert_str_eq(db_group_leaving(db, group), "# being renamed to h");
	put(db, "groups/g/noderange", "");
	ck_assert_ptr_null(db_group_leaving(db, group));
}
END_TEST

START_TEST(everything_is_always_there)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct err err;
	uint32_t group, other;

	ck_assert(db_group_find(db, DB_EVERYTHING, &group));
	put(db, "groups/everything/noderange", "");
	put(db, "nodes/n1/groups", "");
	ck_assert_int_eq(put_err(db, "groups/everything/noderange", "n1", &err), -EINVAL);
	ck_assert_str_eq(err.text,
		"groups/everything/noderange: every node belongs to the group everything, its "
		"noderange does not count");
	ck_assert_str_eq(db_group_noderange(db, group), "");
	put(db, "groups/everything/noderange", DB_LEAVING_DELETED);
	ck_assert_ptr_null(db_group_leaving(db, group));
	drop(db, "groups/everything/noderange");
	ck_assert(db_group_find(db, DB_EVERYTHING, &other) && other == group);
	ck_assert_uint_eq(bitset_count(db_group_members(db, group)), 1);
	ck_assert_uint_eq(db_odd(db), 0);
}
END_TEST

static const struct {
	const char *key, *value, *error;
} odd_keys[] = {
	{"nodes/", "", "nodes/: it is not nodes/NAME/ATTRIBUTE with names of 1 to 255 characters"},
	{"nodes/n1", "x",
		"nodes/n1: it is not nodes/NAME/ATTRIBUTE with names of 1 to 255 characters"},
	{"groups//info.note", "x",
		"groups//info.note: it is not groups/NAME/ATTRIBUTE with names of 1 to 255 "
		"characters"},
	{"nodes/n1/", "x",
		"nodes/n1/: it is not nodes/NAME/ATTRIBUTE with names of 1 to 255 characters"},
	{"nodes/n#/info.note", "x",
		"nodes/n#/info.note: \"n#\" is not a valid node name (letters, digits, '-', '_' "
		"and '.', a letter or digit first, at most 255 characters)"},
	{"nodes/n1/a/b", "x",
		"nodes/n1/a/b: there is no attribute a/b (nodeattributes(5) lists them; any name "
		"that begins with custom. may be used)"},
	{"nodes/n1/nosuch\x1b", "x",
		"nodes/n1/nosuch?: there is no attribute nosuch? (nodeattributes(5) lists them; "
		"any name that begins with custom. may be used)"},
	{"nodes/n1/noderange", "x", "nodes/n1/noderange: a node has no attribute noderange"},
	{"nodes/n1/nodes", "x", "nodes/n1/nodes: a node has no attribute nodes"},
	{"groups/g/groups", "x", "groups/g/groups: a group has no attribute groups"},
	{"groups/g/id.index", "1", "groups/g/id.index: a group has no attribute id.index"},
	{"groups/g/nodes", "n1",
		"groups/g/nodes: who belongs to a group is said by the nodes, in their attribute "
		"groups"},
	{"nodes/n1/id.index", "x1", "nodes/n1/id.index: the value is no number"},
	{"nodes/n1/net.bootable", "yes",
		"nodes/n1/net.bootable: the value is neither true nor false"},
	{"nodes/n1/info.note", "a\rb",
		"nodes/n1/info.note: the value holds a control character (U+000D at byte 2; only "
		"tab and newline are accepted)"},
	{"nodes/n1/secret.ipmikg", "hunter2",
		"nodes/n1/secret.ipmikg: the value is not sealed, and is not used (set it with "
		"nodeattrib, which seals it, and choose another: this one may have been read in "
		"etcd)"},
	{"nodes/n1/secret.ipmikg", "hunter 2",
		"nodes/n1/secret.ipmikg: the value is not one that a member wrote, and is not "
		"used"},
	{"nodes/n1/custom.nodesecret.x", "sealed:1:",
		"nodes/n1/custom.nodesecret.x: the value is not sealed, and is not used (set it "
		"with nodeattrib, which seals it, and choose another: this one may have been read "
		"in etcd)"},
	{"nodes/n1/crypted.rootpassword", "hunter2",
		"nodes/n1/crypted.rootpassword: the value is not a hash, and is not used (set it "
		"with nodeattrib, which hashes it, and choose another: this one may have been "
		"read in etcd)"},
};

static void one_odd(const char *key, const char *why, void *arg)
{
	struct buf *told = arg;

	ck_assert_int_eq(buf_printf(told, "%s: %s", key, why), 0);
}

START_TEST(what_can_not_be_used_is_odd)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf told = BUF_INIT(4096);
	struct err err = {""};
	int64_t revision;

	put(db, "nodes/n1/groups", "");
	put(db, "groups/g/noderange", "");
	ck_assert_int_eq(put_err(db, odd_keys[_i].key, odd_keys[_i].value, &err), -EINVAL);
	ck_assert_str_eq(err.text, odd_keys[_i].error);
	ck_assert_uint_eq(db_odd(db), 1);
	ck_assert_uint_eq(db_keys(db), 3);
	ck_assert(db_raw(db, odd_keys[_i].key, &revision) && revision > 0);
	db_each_odd(db, one_odd, &told);
	ck_assert_str_eq(buf_cstr(&told), odd_keys[_i].error);
	drop(db, odd_keys[_i].key);
	ck_assert(!db_raw(db, odd_keys[_i].key, &revision) && revision == 0);
	ck_assert_uint_eq(db_odd(db), 0);
	ck_assert_uint_eq(db_keys(db), 2);
}
END_TEST

START_TEST(an_odd_value_replaces_a_good_one_and_is_replaced)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	int64_t first, second;

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/net.bootable", "true");
	ck_assert(db_raw(db, "nodes/n1/net.bootable", &first));
	put(db, "nodes/n1/net.bootable", "maybe");
	ck_assert(db_raw(db, "nodes/n1/net.bootable", &second) && second > first);
	ck_assert_str_eq(text_of(db, "n1", "net.bootable"), "(unset)");
	ck_assert_uint_eq(db_keys(db), 2);
	put(db, "nodes/n1/net.bootable", "false");
	ck_assert_str_eq(text_of(db, "n1", "net.bootable"), "false");
	ck_assert_uint_eq(db_odd(db), 0);
	ck_assert_uint_eq(db_keys(db), 2);
}
END_TEST

START_TEST(orphans_say_what_is_missing)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf told = BUF_INIT(4096);
	uint32_t group;

	put(db, "nodes/n1/location.u", "7");
	put(db, "nodes/n2/groups", "g");
	db_each_odd(db, one_odd, &told);
	ck_assert_str_eq(buf_cstr(&told),
		"nodes/n1/location.u: there is no node n1 (no key nodes/n1/groups): its attributes "
		"do not count");
	ck_assert(!db_group_find(db, "g", &group));
	buf_reset(&told);
	drop(db, "nodes/n1/location.u");
	put(db, "groups/g/location.u", "7");
	db_each_odd(db, one_odd, &told);
	ck_assert_str_eq(buf_cstr(&told),
		"groups/g/location.u: there is no group g (no key groups/g/noderange): its "
		"attributes do not count");
}
END_TEST

START_TEST(what_is_no_text_of_c_does_not_confuse)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	struct err err;

	ck_assert(db_is_ours("nodes/", 6) && db_is_ours("groups/g", 8));
	ck_assert(!db_is_ours("nodes", 5) && !db_is_ours("leader", 6) && !db_is_ours("", 0));
	ck_assert_int_eq(db_put(db, "leader", 6, "x", 1, 4, &err), -EINVAL);
	ck_assert_str_eq(err.text, "leader: it is no key of a node or group");
	ck_assert_int_eq(db_put(db, "nodes/n\0/groups", 15, "", 0, 5, &err), -EINVAL);
	ck_assert_int_eq(db_put(db, "nodes/n1/info.note", 18, "a\0b", 3, 6, &err), -EINVAL);
	ck_assert_str_eq(err.text,
		"nodes/n1/info.note: the value holds a control character (U+0000 at byte 2; only "
		"tab and newline are accepted)");
	ck_assert_int_eq(
		db_put(db, "nodes/n1/secret.ipmikg", 22, "sealed:1:\0", 10, 6, &err), -EINVAL);
	ck_assert_int_eq(db_put(db, "nodes/n1/groups", 15, NULL, 0, 7, &err), 0);
	ck_assert_uint_eq(db_odd(db), 4);
}
END_TEST

START_TEST(secrets_are_hidden)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf out = BUF_INIT(100);
	struct db_value value;
	struct err err;
	uint32_t node;

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n1/secret.ipmikg", "sealed:1:00112233:AAAA");
	put(db, "nodes/n1/crypted.rootpassword", "$6$salt$hash");
	put(db, "nodes/n1/crypted.grubpassword", "grub.pbkdf2.sha512.10000.AA.BB");
	ck_assert_uint_eq(db_odd(db), 0);
	ck_assert(db_node_find(db, "n1", &node));
	ck_assert(db_node_value(db, node, "secret.ipmikg", &value));
	ck_assert_int_eq(value.kind, DB_HIDDEN);
	ck_assert_str_eq(value.text, "sealed:1:00112233:AAAA");
	ck_assert_int_eq(db_node_text(db, node, &value, &out, &err), -EACCES);
	ck_assert_str_eq(buf_cstr(&out), "");
	ck_assert(db_node_value(db, node, "crypted.rootpassword", &value));
	ck_assert_int_eq(value.kind, DB_HIDDEN);
}
END_TEST

static bool list_one(const char *name, const struct db_value *value, void *arg)
{
	struct buf *list = arg;

	ck_assert_int_eq(
		buf_printf(list, "%s=%s%s ", name, value->text, value->inherited ? "*" : ""), 0);
	return strcmp(name, "net.mtu") != 0;
}

static void list_name(const char *name, void *arg)
{
	ck_assert_int_eq(buf_printf(arg, "%s ", name), 0);
}

START_TEST(all_attributes_come_in_order)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(buf_done) struct buf list = BUF_INIT(1000);
	uint32_t node, group;

	put(db, "nodes/n1/location.u", "1");
	put(db, "nodes/n1/id.index", "12");
	put(db, "nodes/n1/groups", "b,d,a");
	put(db, "groups/b/noderange", "");
	put(db, "groups/b/location.u", "2");
	put(db, "groups/b/location.rack", "r");
	put(db, "groups/a/noderange", "");
	put(db, "groups/a/location.rack", "s");
	put(db, "groups/a/info.note", "note");
	put(db, "groups/d/noderange", "x");
	put(db, "groups/d/info.note", "no");
	put(db, "groups/everything/custom.z", "z");
	put(db, "groups/everything/net.mtu", "9000");
	ck_assert(db_node_find(db, "n1", &node) && db_group_find(db, "b", &group));
	db_node_each(db, node, list_one, &list);
	ck_assert_str_eq(buf_cstr(&list),
		"custom.z=z* id.index=12 info.note=note* location.rack=r* location.u=1 "
		"net.mtu=9000* ");
	buf_reset(&list);
	put(db, "groups/everything/type", "server");
	db_node_each(db, node, list_one, &list);
	ck_assert_ptr_null(strstr(buf_cstr(&list), "type"));
	buf_reset(&list);
	db_group_each(db, group, list_one, &list);
	ck_assert_str_eq(buf_cstr(&list), "location.rack=r location.u=2 ");
	buf_reset(&list);
	db_each_name(db, list_name, &list);
	ck_assert_str_eq(buf_cstr(&list),
		"custom.z groups id.index info.note location.rack location.u net.mtu noderange "
		"type ");
}
END_TEST

START_TEST(numbers_stay_and_are_used_again)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	uint32_t n1, n2, n3, it;

	put(db, "nodes/n1/groups", "");
	put(db, "nodes/n2/groups", "");
	ck_assert(db_node_find(db, "n1", &n1) && db_node_find(db, "n2", &n2));
	drop(db, "nodes/n1/groups");
	put(db, "nodes/n3/groups", "");
	ck_assert(db_node_find(db, "n3", &n3) && n3 == n1);
	ck_assert(db_node_find(db, "n2", &it) && it == n2);
	ck_assert_uint_eq(db_node_count(db), 2);
}
END_TEST

START_TEST(natural_order_is_kept_up)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(freep) uint32_t *sorted = NULL;
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	char key[64];
	uint32_t node;

	for (unsigned i = 40; i > 0; i -= 2) {
		snprintf(key, sizeof(key), "nodes/n%u/groups", i);
		put(db, key, "");
	}
	ck_assert(db_node_find(db, "n2", &node));
	ck_assert_uint_eq(db_ranks(db)[node], 0);
	for (unsigned i = 1; i < 40; i += 2) {
		snprintf(key, sizeof(key), "nodes/n%u/groups", i);
		put(db, key, "");
	}
	drop(db, "nodes/n30/groups");
	ck_assert_uint_eq(db_sorted(db, db_nodes(db), &sorted), 39);
	for (unsigned i = 0; i < 39; i++) {
		snprintf(key, sizeof(key), "n%u", i < 29 ? i + 1 : i + 2);
		ck_assert_str_eq(db_node_name(db, sorted[i]), key);
		ck_assert_uint_eq(db_ranks(db)[sorted[i]], i);
	}
	free(sorted);
	sorted = NULL;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(db_node_find(db, i ? "n9" : "n10", &node));
		bitset_add(&set, node);
	}
	ck_assert_uint_eq(db_sorted(db, &set, &sorted), 2);
	ck_assert_str_eq(db_node_name(db, sorted[0]), "n9");
}
END_TEST

START_TEST(groups_come_in_natural_order)
{
	CLEANUP(db_freep) struct db *db = db_new(1);
	CLEANUP(freep) uint32_t *sorted = NULL;

	put(db, "groups/rack10/noderange", "");
	put(db, "groups/rack2/noderange", "");
	put(db, "groups/gone/noderange", "");
	put(db, "groups/orphan/info.note", "x");
	drop(db, "groups/gone/noderange");
	ck_assert_uint_eq(db_groups_sorted(db, &sorted), 3);
	ck_assert_str_eq(db_group_name(db, sorted[0]), "everything");
	ck_assert_str_eq(db_group_name(db, sorted[1]), "rack2");
	ck_assert_str_eq(db_group_name(db, sorted[2]), "rack10");
	ck_assert_int_lt(db_group_created(db, sorted[2]), db_group_created(db, sorted[1]));
}
END_TEST

static Suite *db_suite(void)
{
	Suite *suite = suite_create("model/db");
	TCase *tcase = tcase_create("feeding and reading");

	tcase_add_test(tcase, a_node_exists_when_its_groups_key_does);
	tcase_add_test(tcase, groups_count_in_the_order_listed);
	tcase_add_test(tcase, the_list_of_groups_is_kept_as_typed);
	tcase_add_test(tcase, dynamic_groups_give_nothing);
	tcase_add_test(tcase, a_group_that_is_leaving_still_counts);
	tcase_add_test(tcase, everything_is_always_there);
	tcase_add_loop_test(tcase, what_can_not_be_used_is_odd, 0, ARRAY_SIZE(odd_keys));
	tcase_add_test(tcase, an_odd_value_replaces_a_good_one_and_is_replaced);
	tcase_add_test(tcase, orphans_say_what_is_missing);
	tcase_add_test(tcase, what_is_no_text_of_c_does_not_confuse);
	tcase_add_test(tcase, secrets_are_hidden);
	tcase_add_test(tcase, all_attributes_come_in_order);
	tcase_add_test(tcase, numbers_stay_and_are_used_again);
	tcase_add_test(tcase, natural_order_is_kept_up);
	tcase_add_test(tcase, groups_come_in_natural_order);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(db_suite)
