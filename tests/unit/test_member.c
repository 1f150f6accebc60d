#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "member/etcdconf.h"
#include "member/state.h"
#include "tests/lib/suite.h"
#include "tests/unit/test_fixture.h"

START_TEST(state_is_remembered_for_this_boot_and_collective)
{
	char *folder = test_folder_new();
	struct state *state = NULL;
	struct state *second = NULL;
	struct state_etcd etcd = {.cluster_id = UINT64_MAX, .revision = 12, .raft_term = 7};
	struct state_lease lease = {.id = INT64_MAX, .ttl = 6};
	struct err err = {""};
	CLEANUP(freep) char *path = file_join(folder, "lease");
	CLEANUP(freep) char *held = NULL;
	CLEANUP(freep) char *line = NULL;

	ck_assert_msg(state_open(&state, folder, &err) == 0, "%s", err.text);
	ck_assert_int_eq(state_open(&second, folder, &err), -EALREADY);
	ck_assert_ptr_nonnull(strstr(err.text, "already running"));
	ck_assert_int_eq(state_lease(state, "id", "mgt1").id, 0);
	ck_assert_int_eq(state_save_lease(state, "id", "mgt1", &lease, &err), 0);
	ck_assert(state_lease(state, "id", "mgt1").id == INT64_MAX);
	ck_assert_int_eq(state_lease(state, "id", "mgt1").ttl, 6);
	ck_assert_int_eq(state_lease(state, "id2", "mgt1").id, 0);
	ck_assert_int_eq(state_lease(state, "id", "mgt2").id, 0);
	line = xasprintf("%.35sX id mgt1 5 6\n", state_boot_id(state));
	ck_assert_int_eq(file_replace(path, line, strlen(line), 0600, &err), 0);
	ck_assert_int_eq(state_lease(state, "id", "mgt1").id, 0);
	lease.id = 0;
	ck_assert_int_eq(state_save_lease(state, "id", "mgt1", &lease, &err), 0);
	ck_assert(!file_exists(path));
	ck_assert_int_eq(state_save_etcd(state, "id", &etcd, &err), 0);
	ck_assert(state_etcd(state, "id").cluster_id == UINT64_MAX);
	ck_assert_int_eq(state_etcd(state, "id").revision, 12);
	ck_assert_uint_eq(state_etcd(state, "id").raft_term, 7);
	ck_assert_int_eq(state_etcd(state, "other").revision, 0);
	ck_assert_ptr_null(state_hold(state, "id"));
	ck_assert_int_eq(state_save_hold(state, "id", "it went back", &err), 0);
	held = state_hold(state, "id");
	ck_assert_str_eq(held, "it went back");
	ck_assert_ptr_null(state_hold(state, "i"));
	ck_assert_int_eq(state_save_hold(state, "id", NULL, &err), 0);
	ck_assert_ptr_null(state_hold(state, "id"));
	state_close(state);
	test_folder_remove(folder);
}
END_TEST

START_TEST(etcd_comes_from_the_file_or_the_bundle)
{
	static const char text[] = "etcd: { endpoints = [\"http://192.0.2.9:1\"]; };";
	char *folder = test_folder_new();
	CLEANUP(bundle_freep) struct bundle *bundle = test_bundle_new();
	CLEANUP(conf_freep) struct conf *given = NULL;
	CLEANUP(conf_freep) struct conf *plain = conf_new();
	struct conf_problems problems;
	struct etcdconf *ec = NULL;
	struct err err = {""};

	ck_assert_int_eq(conf_parse_string(&given, text, strlen(text), "t", &problems), 0);
	bundle->etcd_ca = xstrdup("pem\n");
	ck_assert_int_eq(etcdconf_make(&ec, plain, bundle, folder, "etcd", &err), 0);
	ck_assert_str_eq(ec->endpoints[0], "http://192.0.2.1:2379");
	ck_assert(file_exists(ec->ca));
	etcdconf_discard(ec);
	ck_assert_int_eq(etcdconf_make(&ec, given, bundle, folder, "etcd", &err), 0);
	ck_assert_str_eq(ec->endpoints[0], "http://192.0.2.9:1");
	etcdconf_free(ec);
	ck_assert_int_eq(etcdconf_check_reachable(plain->etcd.endpoints.url, 1, plain, false, &err),
		-EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(err.text, "allow_loopback"));
	test_folder_remove(folder);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("member");
	TCase *t = tcase_create("files");

	tcase_add_test(t, state_is_remembered_for_this_boot_and_collective);
	tcase_add_test(t, etcd_comes_from_the_file_or_the_bundle);
	suite_add_tcase(s, t);
	return s;
}

SUITE_MAIN(suite)
